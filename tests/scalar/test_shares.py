"""Gradients that state shares of sums of exponentials are finite as they stand: without any rule, and to any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.scalar.shares import MOST_TERMS, exponent_of, terms_with_weights

PLAIN = theano.Mode("py", None)
POINTS = np.asarray([-1000.0, -3.0, 0.0, 0.5, 2.0, 1000.0])


def derivatives(build: Callable[[Any], Any], order: int, points: np.ndarray = POINTS) -> np.ndarray:
    x = T.dvector("x")
    result = build(x)
    for _ in range(order):
        result = theano.grad(result.sum(), x)
    return theano.function([x], result, mode=PLAIN)(points)


def sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


@pytest.mark.parametrize("build, slope", [
    (lambda x: T.log(1 + T.exp(x)), sigmoid),
    (lambda x: T.log(1 + T.exp(-x)), lambda x: -sigmoid(-x)),
    (lambda x: T.log(T.exp(x) + T.exp(2 * x)), lambda x: 1 + sigmoid(x)),
    (lambda x: T.log((1 + T.exp(x)) / 3), sigmoid),
    (lambda x: T.log(1 + T.exp(x) ** 2), lambda x: 2 * sigmoid(2 * x)),
    (lambda x: T.log(3 + 2 * T.exp(x)), lambda x: sigmoid(x + np.log(2 / 3))),
    (lambda x: T.log(1 + 2 * T.exp(x) + T.exp(x) ** 2), lambda x: 2 * sigmoid(x)),
    (lambda x: 5 * T.log(T.exp(x) / (1 + T.exp(x))), lambda x: 5 * sigmoid(-x)),
])
def test_slopes(build: Callable[[Any], Any], slope: Callable[[np.ndarray], np.ndarray]) -> None:
    # exp(x) underflows in 5 * log(exp(x) / (1 + exp(x))) at -1000, and 1/0 is left of it
    with np.errstate(all="ignore"):
        found, wanted = derivatives(build, 1), slope(POINTS)
        second, third = derivatives(build, 2), derivatives(build, 3)
    np.testing.assert_allclose(found, wanted, rtol=4e-13, atol=1e-300)
    assert np.isfinite(second).all() and np.isfinite(third).all()
    step = 1e-5
    inner = slice(1, -1)
    quotient = (slope(POINTS + step) - slope(POINTS - step)) / (2 * step)
    np.testing.assert_allclose(second[inner], quotient[inner], rtol=1e-6, atol=1e-9)


def test_differences_of_exponentials() -> None:
    points = np.asarray([-1000.0, -2.0, 0.5, 3.0, 1000.0])
    with np.errstate(all="ignore"):
        found = derivatives(lambda x: 1 / (T.exp(x) - 1), 1, points)
        second = derivatives(lambda x: 1 / (T.exp(x) - 1), 2, points)
    np.testing.assert_allclose(found[1:4], -np.exp(points[1:4]) / np.expm1(points[1:4]) ** 2, rtol=1e-14)
    np.testing.assert_array_equal(found[[0, 4]], 0)
    assert np.isfinite(second).all()


def test_masked_exponents_have_no_share() -> None:
    x, y, z = T.dvectors("x", "y", "z")
    slopes = theano.grad(T.log(T.exp(x) + T.exp(y) + T.exp(z)).sum(), [x, y, z])
    given = np.asarray([0.0]), np.asarray([-np.inf]), np.asarray([-np.inf])
    with np.errstate(all="ignore"):
        assert [float(g[0]) for g in theano.function([x, y, z], slopes, mode=PLAIN)(*given)] == [1, 0, 0]


@pytest.mark.parametrize("build", [lambda x, m: T.log(x * m), lambda x, m: T.log(x / m), lambda x, m: T.log(m / x)])
def test_gradients_of_logarithms_of_products_are_summed(build: Callable[[Any, Any], Any]) -> None:
    """g / x of log(x * m) has the shape of x * m, whatever the shape of g is."""
    x, m = T.drow("x"), T.dmatrix("m")
    given = np.asarray([[1.0, 2.0, 4.0]]), np.arange(1.0, 7.0).reshape(2, 3)
    for value in (build(x, m), T.as_tensor_variable(3.0) * build(x, m)):
        by_x, by_m = theano.function([x, m], theano.grad(value.sum(), [x, m]), mode=PLAIN)(*given)
        assert by_x.shape == (1, 3) and by_m.shape == (2, 3)
        assert np.allclose(abs(by_x / by_x[0, 0]), [[1, 1 / 2, 1 / 4]])
        assert np.isclose(abs(by_x[0, 0]), 2 * abs(by_m[0, 0]))
    theano.gradient.verify_grad(lambda x, m: build(T.addbroadcast(x, 0), m), list(given),
                                rng=np.random.default_rng(1), mode=PLAIN)


def test_powers_of_sigmoids_are_not_divided_by() -> None:
    """sqrt(s) and (1 - s)**1.5 have derivatives where s and 1 - s are 0."""
    roots = derivatives(lambda x: T.sqrt(T.nnet.sigmoid(x)), 2)
    powers = derivatives(lambda x: (1 - T.nnet.sigmoid(x)) ** 1.5, 2)
    assert np.isfinite(roots).all() and np.isfinite(powers).all()
    assert np.isclose(roots[2], 0.5**0.5 * (0.0625 - 0.125)) and np.isclose(powers[2], 0.5**1.5 * (9 / 16 - 3 / 8))


def test_terms() -> None:
    x, v = T.dvector("x"), T.dvector("v")
    e = T.exp(x)
    assert [weight for weight, _, _ in terms_with_weights(3 - 2 * e / 4)] == [-0.5, 3]  # type: ignore[union-attr]
    assert [weight for weight, _, _ in terms_with_weights(T.expm1(x))] == [1, -1]  # type: ignore[union-attr]
    assert terms_with_weights(e + v) is None and terms_with_weights(v * e + 1) is None
    assert terms_with_weights(sum(T.exp(k * x) for k in range(1, MOST_TERMS + 3))) is None
    assert exponent_of(e) is x and exponent_of(e**0) is None and exponent_of(v**2) is None
