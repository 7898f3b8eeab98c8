"""Facts about matrices: what is claimed of an expression is true of its values; what is known is claimed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.rewriting.matrix_facts import BOTH, LOWER, UPPER, is_orthogonal, is_symmetric, triangles
from theano.tensor.nlinalg import eigh, matrix_inverse, qr, svd
from theano.tensor.slinalg import cholesky, lu, solve_triangular

X, Y, v, a = T.dmatrix("X"), T.dmatrix("Y"), T.dvector("v"), T.dscalar("a")
POINT = {
    X: np.random.default_rng(0).normal(size=(4, 4)) + 3 * np.eye(4), Y: np.random.default_rng(1).normal(size=(4, 4)),
    v: np.array([1.0, -2.0, 3.0, 0.5]), a: np.asarray(1.5),
}  # fmt: skip
low, high = T.tril(X), T.triu(Y)
gram = T.dot(X, X.T)

TRIANGLES = [
    (X, set()), (low, {LOWER}), (high, {UPPER}), (low.T, {UPPER}), (T.tril(X, -1), {LOWER}), (T.tril(X, 1), set()),
    (T.triu(X, 1), {UPPER}), (T.triu(X, -1), set()), (T.eye(4), BOTH), (T.eye(4, k=1), set()), (T.diag(v), BOTH),
    (T.diag(v, 1), set()), (T.dot(low, T.tril(Y)), {LOWER}), (T.dot(low, high), set()), (low * Y, {LOWER}),
    (low * high, BOTH), (low + high, set()), (a * low, {LOWER}), (low / a, {LOWER}), (-high, {UPPER}),
    (low - T.eye(4), {LOWER}), (low + a, set()), (matrix_inverse(low), {LOWER}), (cholesky(gram), {LOWER}),
    (lu(X)[1], {LOWER}), (lu(X)[2], {UPPER}), (lu(X)[0], set()), (qr(X)[1], {UPPER}), (qr(X)[0], set()),
    (T.tri(4) * X, {LOWER}), (T.switch(T.tri(4, dtype="bool").T, X, 0), {UPPER}), (T.switch(X > 0, low, low), {LOWER}),
    (solve_triangular(low, T.tril(Y), lower=True), {LOWER}), (solve_triangular(low, Y, lower=True), set()),
    (solve_triangular(low, high, lower=True, trans=1), {UPPER}), (T.exp(low), set()),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TRIANGLES)))
def test_triangles(number: int) -> None:
    matrix, expected = TRIANGLES[number]
    assert triangles(matrix) == expected
    value = evaluate([matrix], POINT)[0]
    if LOWER in expected:
        assert not np.triu(value, 1).any()
    if UPPER in expected:
        assert not np.tril(value, -1).any()


differences = X[:, None, :] - X[None, :, :]
SYMMETRIC = [
    gram, gram + T.eye(4), a * gram - 2, T.exp(-gram), T.diag(v), T.eye(4), X + X.T, X * X.T, matrix_inverse(gram),
    v[:, None] * v[None, :], (v[:, None] - v[None, :]) ** 2, abs(v[:, None] - v[None, :]),
    T.sum(differences**2, axis=2),
    T.exp(-T.sqrt(T.sum(T.sqr(differences), axis=2) + 1e-9)), T.dot(T.dot(X, T.diag(v)), X.T), T.outer(v, v),
    v[:, None] + v[None, :] - 2 * gram, T.maximum(v[:, None], v[None, :]), T.eq(v[:, None], v[None, :]),
]  # fmt: skip
NOT_SYMMETRIC = [
    X, X.T, low, T.dot(X, Y.T), X - X.T, v[:, None] - v[None, :], v[:, None] / v[None, :], X + Y.T, T.dot(X, X),
    T.outer(v, 2 * v + 1) + X, T.diag(v, 1), T.sum(differences, axis=2), v[:, None] > v[None, :], gram * X,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SYMMETRIC)))
def test_symmetric(number: int) -> None:
    assert is_symmetric(SYMMETRIC[number])
    value = evaluate([SYMMETRIC[number]], POINT)[0]
    np.testing.assert_allclose(value, value.T, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("number", range(len(NOT_SYMMETRIC)))
def test_not_symmetric(number: int) -> None:
    assert not is_symmetric(NOT_SYMMETRIC[number])


def test_orthogonal() -> None:
    for matrix in (eigh(gram)[1], qr(X, "complete")[0], svd(X)[0], svd(X)[2], eigh(gram)[1].T):
        assert is_orthogonal(matrix)
        value = evaluate([matrix], POINT)[0]
        np.testing.assert_allclose(value @ value.T, np.eye(4), atol=1e-12)
    for matrix in (X, gram, qr(X)[0], svd(X, full_matrices=False)[0], qr(X, "complete")[1]):
        assert not is_orthogonal(matrix)


def _random_matrix(rng: np.random.Generator, depth: int) -> Any:
    leaves = [X, Y, low, high, T.eye(4), T.diag(v), gram, v[:, None] * T.ones((1, 4)), T.outer(v, v)]
    if depth == 0:
        return leaves[rng.integers(len(leaves))]
    one, two = _random_matrix(rng, depth - 1), _random_matrix(rng, rng.integers(depth))
    return [
        lambda: one + two, lambda: one - two, lambda: one * two, lambda: T.dot(one, two), lambda: one.T,
        lambda: -one, lambda: abs(one), lambda: T.dot(one, one.T), lambda: one + one.T, lambda: one * a,
        lambda: T.switch(T.eye(4), one, two), lambda: T.tril(one), lambda: T.triu(one, 1), lambda: T.cos(one),
    ][rng.integers(14)]()  # fmt: skip


def test_random_expressions() -> None:
    """Whatever is claimed is true."""
    claims = 0
    for seed in range(600):
        matrix = _random_matrix(np.random.default_rng(seed), 4)
        value = evaluate([matrix], POINT)[0].astype(float)
        scale = np.abs(value).max()
        sides = triangles(matrix)
        claims += len(sides) + is_symmetric(matrix)
        if LOWER in sides:
            assert not np.triu(value, 1).any(), seed
        if UPPER in sides:
            assert not np.tril(value, -1).any(), seed
        if is_symmetric(matrix):
            assert np.abs(value - value.T).max() <= 1e-12 * scale, seed
    assert claims > 200
