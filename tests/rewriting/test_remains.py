"""What remains of a product, part of which a rule replaces: its value, and what it has in common with others."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.pipeline import rewrite
from theano.graph.fgraph import FunctionGraph


def chain(n: int) -> tuple[Any, Any]:
    """The gradient of n links, each of two: products of up to n exponentials, each the next one times a few factors."""
    x = T.dvector("x")
    y = x
    for _ in range(n):
        y = T.tanh(T.exp(-y)) * 0.5 + x
    return x, T.grad(y.sum(), x)


def optimised(x: Any, result: Any) -> Any:
    fgraph = FunctionGraph([x], [result])
    rewrite(fgraph)
    return fgraph.apply_nodes


def test_products_along_a_chain_keep_in_common_what_they_had() -> None:
    sizes = []
    for n in (20, 40, 80):
        x, gradient = chain(n)
        nodes = optimised(x, gradient)
        sizes.append(sum(len(node.inputs) for node in nodes))
    per_link = (sizes[1] - sizes[0]) / 20
    assert per_link <= 21
    assert sizes[2] - sizes[1] <= 40 * per_link


def test_links_alike_stay_alike() -> None:
    """Numbers that are not gathered over the whole chain: equal kernels of its parts are compiled once."""
    x, gradient = chain(60)
    nodes = optimised(x, gradient)
    numbers = {float(v.data.ravel()[0]) for node in nodes for v in node.inputs if isinstance(v, T.TensorConstant)}
    assert len(numbers) < 12


def test_value_of_a_chain() -> None:
    x, gradient = chain(12)
    v = np.linspace(-1.0, 1.0, 7)
    np.testing.assert_allclose(
        theano.function([x], gradient)(v), theano.function([x], gradient, mode="reference")(v), rtol=1e-13)


def test_no_overflow_where_one_exponential_is_infinite() -> None:
    """d exp(-exp(-y)): one exponential overflows, the other is 0; both are results, too."""
    x = T.dvector("x")
    first = T.exp(-x)
    second = T.exp(-first)
    f = theano.function([x], [first, second, T.grad(second.sum(), x)])
    np.testing.assert_array_equal(f(np.array([-800.0, 0.0]))[2], [0.0, np.exp(-1.0)])


@pytest.mark.parametrize("seed", range(100))
def test_products_within_products(seed: int) -> None:
    """Random nestings of products, quotients, signs and numbers, some of which are results of their own."""
    choose = random.Random(seed)
    xs = [T.dvector(name) for name in "abcd"]
    values: list[Any] = [*xs, *(f(x) for x in xs for f in (T.exp, T.sinh, T.cosh)), *(T.exp(-x) for x in xs)]
    made: list[Any] = []
    for _ in range(choose.randint(3, 8)):
        # what is made last is likely to be used again: nested products
        v, w = choose.choice(made[-2:] or values), choose.choice([*values, *made[-2:], *made[-2:]])
        kind = choose.randrange(6)
        if kind == 0:
            v = v / w
        elif kind == 1:
            v = w / v
        elif kind == 2:
            v = -v * w
        elif kind == 3:
            v = choose.choice([0.5, -0.25, 3.0]) * v * w
        elif kind == 4:
            v = T.inv(v) * w
        else:
            v = v * w * choose.choice(values)
        made.append(v)
    results = [made[-1], *choose.sample(made, choose.randint(0, len(made)))]
    numbers = [np.array([choose.uniform(0.8, 1.2), choose.uniform(-1.2, -0.8)]) for _ in xs]
    f = theano.function(xs, results, on_unused_input="ignore")
    plain = theano.function(xs, results, mode="reference", on_unused_input="ignore")
    for got, want in zip(f(*numbers), plain(*numbers)):
        np.testing.assert_allclose(got, want, rtol=1e-11)


@pytest.mark.parametrize("make", [
    lambda x, s: (s, s * T.cosh(x) / T.sinh(x) ** 2),                         # one x of x**2 is left
    lambda x, s: (2 * (s / T.sinh(x)), 2 * (s / T.sinh(x)) * (s / T.sinh(x)) * T.cosh(x)),   # one of two products
    lambda x, s: (s * T.exp(x), s * T.exp(x) * (3 * (s * T.exp(x))) * T.exp(-x)),
])
def test_equal_factors(make: Any) -> None:
    x, y = T.dvectors("x", "y")
    shared = y * T.sin(y)
    results = [*make(x, shared), shared]
    v, w = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    got, want = (theano.function([x, y], results, mode=mode)(v, w)[1] for mode in ("FAST_RUN", "reference"))
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_second_derivative_with_equal_factors() -> None:
    x = T.dvector("x")
    result = T.grad(T.grad(((x / T.sinh(x)) ** 2).sum(), x).sum(), x)
    v = np.array([1.0, 2.0])
    got, want = (theano.function([x], result, mode=mode)(v) for mode in ("FAST_RUN", "reference"))
    np.testing.assert_allclose(got, want, rtol=1e-13)
