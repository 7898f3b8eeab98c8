"""Lengths that the graph gives away elsewhere: no rule may invent or lose one, and none may go round in circles.

A value of type (None,) that something else in the graph shows to have length 1 still does not broadcast.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.pipeline import FAST_RUN, rewrite
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.scalar.selection import second
from theano.tensor.creation import Alloc
from theano.tensor.type import TensorType

ROW = TensorType("float64", (1, 2))


def slice_of_fill() -> tuple[list[Any], list[Any]]:
    """The dot says that x has 4 rows, so a slice of what is filled like it has 1."""
    x, a, y = T.dmatrix("x"), T.dscalar("a"), TensorType("float64", (4,))("y")
    filled = second(T.sin(x) + x, a)
    return [x, a, y], [filled[:-2:3], T.dot(y, T.exp(x)), T.inc_subtensor(filled[:-2:3], filled[:-2:3])]


def fill_of_one() -> tuple[list[Any], list[Any]]:
    """The dot says that x has one element."""
    x, a, y = T.dvector("x"), T.dscalar("a"), ROW("y")
    filled = second(T.sin(x) + x, a)
    return [x, a, y], [filled, T.dot(filled, y), T.exp(filled) * 2]


def fill_with_constant() -> tuple[list[Any], list[Any]]:
    x, y = T.dvector("x"), ROW("y")
    return [x, y], [T.dot(second(T.sin(x) + x, np.float64(3)), y), T.ones_like(x[::-1]) + T.exp(x[::-1])]


def function_of_alloc() -> tuple[list[Any], list[Any]]:
    x, a, y = T.dvector("x"), T.dscalar("a"), ROW("y")
    allocated = Alloc()(a, x.shape[0])
    return [x, a, y], [T.exp(allocated), T.dot(T.exp(allocated), y), x + T.exp(allocated)]


def transpose_of_alloc() -> tuple[list[Any], list[Any]]:
    x, a, y = T.dvector("x"), T.dscalar("a"), ROW("y")
    return [x, a, y], [Alloc()(a, x.shape[0], np.int64(3)).T, T.dot(x, y)]


GRAPHS = [slice_of_fill, fill_of_one, fill_with_constant, function_of_alloc, transpose_of_alloc]


def value_of(x: Any, lengths: dict[str, tuple[int, ...]], rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.normal(size=lengths.get(x.name) or x.type.shape))


@pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)
def test_same_values_and_an_end(build: Any) -> None:
    inputs, outputs = build()
    fgraph = FunctionGraph(inputs, outputs)
    rng = np.random.default_rng(0)
    lengths: dict[str, tuple[int, ...]] = {"x": (4, 5) if inputs[0].ndim == 2 else (1,)}
    values = {x: value_of(x, lengths, rng) for x in inputs}
    expected = evaluate(outputs, values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = rewrite(fgraph, FAST_RUN)
    assert not any(p.failures for p in report.passes), report.explain()
    assert max(report.fired().values()) < 20, report.explain()
    found = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values.values())))
    for old, new in zip(expected, found, strict=True):
        assert new.shape == old.shape
        np.testing.assert_allclose(new, old, rtol=1e-12)


def test_gather_from_what_is_known_to_have_length_one_by_now() -> None:
    """The dot says that x has 2 columns; the user's x[i, ::2] does not know that it has one."""
    x, a, y, i = T.dmatrix("x"), T.dscalar("a"), TensorType("float64", (2, 3))("y"), T.lvector("i")
    filled = second(T.sin(x) + x, a)
    f = theano.function([x, a, y, i], [filled[i, ::2], T.dot(x, y)])
    taken, _ = f(np.ones((4, 2)), 3.0, np.ones((2, 3)), np.array([3, 0, 0]))
    np.testing.assert_array_equal(taken, np.full((3, 1), 3.0))
