"""Sums of products: one instruction multiplies and adds, so that a product is not rounded before it is added."""

from __future__ import annotations

import math

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import target

# elements so far apart meet in the same partial sum, whatever the width of vectors
APART = 64
NARROWER = {"float64": 2.0**-30, "float32": 2.0**-13}


@pytest.mark.skipif(not target.host().fma, reason="the machine multiplies and adds one after the other")
@pytest.mark.parametrize("dtype", NARROWER)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_product_is_not_rounded_before_it_is_added(dtype: str, axis: int) -> None:
    x, y = T.matrix("x", dtype=dtype), T.matrix("y", dtype=dtype)
    f = theano.function([x, y], (x * y).sum(axis=axis, acc_dtype=dtype))
    small = NARROWER[dtype]
    a, b = np.zeros((2, 2 * APART, 40), dtype)
    # (1 + s)**2 - (1 + 2*s) is s**2, of which 1 + 2*s + s**2 keeps nothing when it is rounded
    a[0], b[0] = 1 + 2 * small, -1
    a[APART], b[APART] = 1 + small, 1 + small
    if axis == 1:
        a, b = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    np.testing.assert_array_equal(f(a, b), np.full(40, small * small, dtype))


@pytest.mark.parametrize("dtype", NARROWER)
def test_what_lies_beside_the_operands_is_not_added(dtype: str) -> None:
    x, y = T.matrix("x", dtype=dtype), T.matrix("y", dtype=dtype)
    f = theano.function([x, y], [(x * y).sum(axis=0), (x * y).sum(axis=1), (x * y).sum(), T.sqr(x).sum(axis=0)])
    for rows, columns in [(1, 1), (3, 5), (8, 17), (9, 33), (30, 70)]:
        a, b = (np.full((rows + 2, columns + 30), fill, dtype) for fill in (np.inf, np.nan))
        a[1:-1, 10:-20] = np.arange(rows * columns).reshape(rows, columns) % 7 - 3
        b[1:-1, 10:-20] = np.arange(rows * columns).reshape(rows, columns) % 5 - 1
        a, b = a[1:-1, 10:-20], b[1:-1, 10:-20]
        expected = [(a * b).sum(axis=0), (a * b).sum(axis=1), (a * b).sum(), (a * a).sum(axis=0)]
        for found, want in zip(f(a, b), expected, strict=True):
            np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_no_worse_than_pairwise_sums_of_rounded_products(axis: int | None) -> None:
    x, y = T.dmatrices("x", "y")
    f = theano.function([x, y], (x * y).sum(axis=axis))
    a, b = np.random.default_rng(4).normal(size=(2, 203, 301))
    products = [[(p, q) for p, q in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]
    if axis == 0:
        products = [list(column) for column in zip(*products, strict=True)]
    elif axis is None:
        products = [[pair for row in products for pair in row]]
    exact = np.array([_exact(pairs) for pairs in products])
    ours = np.abs(np.atleast_1d(f(a, b)) - exact)
    theirs = np.abs(np.atleast_1d((a * b).sum(axis=axis)) - exact)
    assert ours.mean() <= theirs.mean() * 1.05 + 1e-18


def _exact(pairs: list[tuple[float, float]]) -> float:
    """The sum of products: each as two floats, by Dekker's and Veltkamp's formulas."""
    parts = []
    for p, q in pairs:
        high = p * q
        p1, q1 = (v * 134217729.0 - (v * 134217729.0 - v) for v in (p, q))
        p2, q2 = p - p1, q - q1
        parts += [high, ((p1 * q1 - high) + p1 * q2 + p2 * q1) + p2 * q2]
    return math.fsum(parts)
