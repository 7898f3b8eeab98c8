"""What the comparison of random graphs excuses: only what a graph's own rounding errors leave open."""

from __future__ import annotations

import numpy as np
from compare import check, uncertainty
from graphs import Graph

import theano.tensor as T
from theano.graph.evaluate import evaluate


def graph_of(x: T.TensorVariable, values: np.ndarray, *outputs: T.TensorVariable) -> Graph:
    expected = evaluate(list(outputs), {x: values})
    return Graph([x], [values], list(outputs), expected, [False] * len(outputs))


def test_rounding_errors_that_cancel_are_excused() -> None:
    x = T.fvector("x")
    graph = graph_of(x, np.array([0.5, 16.0], "float32"), T.cosh(x) ** 2 - T.sinh(x) ** 2)
    better = [np.ones(2, "float32")]
    assert check(graph, better, "", [True])
    assert not check(graph, better, "", [True], loose=True)


def test_nothing_else_is() -> None:
    x = T.fvector("x")
    graph = graph_of(x, np.array([0.5, 3.0], "float32"), T.exp(x), T.exp(x).sum() - 1, T.argmax(x))
    assert all(np.all(open_still < 1e-4) for open_still in uncertainty(graph))
    for number in range(3):
        values = [value.copy() for value in graph.expected]
        values[number] = values[number] + 1
        assert len(check(graph, values, "", [True] * 3, loose=True)) == 1


def test_the_edge_of_a_domain_is_open() -> None:
    x = T.dvector("x")
    graph = graph_of(x, np.array([0.3]), T.arccos(T.sqrt(T.sqr(T.cos(x)) + T.sqr(T.sin(x)))), T.arccos(x))
    nothing = [np.full(1, np.nan)] * 2
    assert len(check(graph, nothing, "", [True] * 2, loose=True)) == 1


def test_the_edge_of_a_domain_is_open_from_outside() -> None:
    x = T.dvector("x")
    zero = T.sqr(T.cos(x)) - (1 - T.sqr(T.sin(x)))
    values = np.linspace(0.1, 3, 100)
    graph = graph_of(x, values, T.sqrt(zero), T.sqrt(x - 2))
    assert np.isnan(graph.expected[0]).any()
    numbers = [np.where(np.isnan(graph.expected[0]), 1e-8, graph.expected[0]), np.ones(100)]
    assert [line.split(" = ")[0] for line in check(graph, numbers, "", [True] * 2, loose=True)] == [", output 1"]


def test_noise_divided_by_noise_may_be_nothing() -> None:
    x = T.fvector("x")
    noise = T.sqr(T.cos(x)) + T.sqr(T.sin(x)) - T.exp(T.log(x) - T.log(x))
    graph = graph_of(x, np.linspace(0.1, 3, 100).astype("float32"), noise / noise.sum(), T.exp(x) - 1, x - x)
    nothing = [np.full(100, np.nan, "float32")] * 3
    assert [line.split(" = ")[0] for line in check(graph, nothing, "", [True] * 3, loose=True)] == [
        ", output 1", ", output 2"
    ]


def test_noise_divided_by_itself_may_be_nothing() -> None:
    """Found by the fuzzer: a sum that cancels was 0 in another order, and divided by itself no number."""
    x = T.dvector("x")
    parts = T.as_tensor_variable([0.1 * x, 0.2 * x, -0.3 * x])
    products = T.dot(np.array([[0.1, 0.2, -0.3]]), T.tile(x, (3, 1)))[0]
    sums = [0.1 * x + 0.2 * x - 0.3 * x, parts.sum(axis=0), products, T.exp(x) - 0.5 * x, parts[:2].sum(axis=0)]
    graph = graph_of(x, np.array([1.0, 2.0]), *[total / total for total in sums])
    assert all(np.isfinite(value).all() for value in graph.expected)
    nothing = [np.full(2, np.nan)] * len(sums)
    assert [line.split(" = ")[0] for line in check(graph, nothing, "", [True] * len(sums), loose=True)] == [
        ", output 3", ", output 4"
    ]


def test_comparisons_of_what_is_equal_but_for_an_error_are_open() -> None:
    """Found by the fuzzer: whether a <= a + b - b, of what a call before had stored, and how many of them."""
    x = T.dvector("x")
    moved = T.sin(x) + T.exp(x) - T.exp(x)
    graph = graph_of(x, np.array([0.7]), T.le(T.sin(x), moved), T.cumsum(T.le(T.sin(x), moved)), T.le(x, T.exp(x)))
    graph.exact = [True] * 3
    assert not check(graph, list(graph.expected), "", [True] * 3)
    others = [1 - value.astype("int8") for value in graph.expected]
    others = [other.astype(value.dtype) for other, value in zip(others, graph.expected)]
    assert len(check(graph, others, "", [True] * 3)) == 3
    assert [line.split(" = ")[0] for line in check(graph, others, "", [True] * 3, loose=True)] == [", output 2"]
