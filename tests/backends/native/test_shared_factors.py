"""LUFactor, LUSolve and symmetric systems run natively: as the reference, with any strides, and never out of bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.lowering.program import PyCallStep, RoutineStep
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve
from theano.tensor.slinalg import solve

RNG = np.random.default_rng(5)


def steps(f: Any, kind: type) -> list[Any]:
    return [step for step in f.program.steps if isinstance(step, kind)]


def layouts(x: np.ndarray) -> list[np.ndarray]:
    wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    wide[tuple(slice(None, None, 2) for _ in x.shape)] = x
    reverse = tuple(slice(None, None, -1) for _ in x.shape)
    return [x, np.asfortranarray(x), wide[tuple(slice(None, None, 2) for _ in x.shape)], x[reverse].copy()[reverse]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("trans", ["N", "T", "C"])
@pytest.mark.parametrize("columns", [None, 0, 1, 3])
def test_systems_that_share_a_factorisation(dtype: str, trans: str, columns: int | None) -> None:
    a = T.TensorType(dtype, (None, None))("a")
    b = T.TensorType(dtype, (None,) if columns is None else (None, None))("b")
    f = theano.function([a, b], [solve(a, b), Solve(trans=trans)(a, 2 * b)])
    assert not steps(f, PyCallStep) and {s.routine for s in steps(f, RoutineStep)} == {"lu.lu_factor", "lu.lu_solve"}
    for n in (0, 1, 2, 7, 40):
        x = (RNG.normal(size=(n, n)) + 4 * np.eye(n)).astype(dtype)
        y = RNG.normal(size=(n,) if columns is None else (n, columns)).astype(dtype)
        right = [np.linalg.solve(x, y), np.linalg.solve(x.T if trans != "N" else x, 2 * y)]
        for matrix, side in zip(layouts(x), layouts(y)):
            for found, expected in zip(f(matrix, side), right):
                scale = np.max(np.abs(expected), initial=1)
                np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(dtype).eps * scale)


def test_errors_come_from_the_reference() -> None:
    a, b = T.dmatrix("a"), T.dvector("b")
    stored = theano.shared(np.zeros(3))
    f = theano.function([a, b], solve(a, b) + solve(a, b * b), updates=[(stored, stored + 1)])
    eye, one = np.eye(3), np.ones(3)
    for matrix, side, text in (
        (np.ones((3, 3)), one, "singular"), (np.ones((3, 2)), one, "square"), (eye, np.ones(4), "do not fit"),
        (np.full((3, 3), np.inf), one, "NaN or inf"), (eye, np.full(3, np.nan), "NaN or inf"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            f(matrix, side)
    assert not stored.get_value().any()
    np.testing.assert_array_equal(f(2 * eye, one), one)


def test_pivots_of_others_are_refused() -> None:
    """LAPACK would read wherever they point."""
    f, p, b = T.dmatrix("f"), T.ivector("p"), T.dvector("b")
    g = theano.function([f, p, b], LUSolve()(f, p, b))
    for pivots in ([1, 99], [0, 1], [-5, 2], [1]):
        with pytest.raises(ValueError):
            g(np.eye(2), np.array(pivots, "int32"), np.ones(2))
    with pytest.raises(TypeError, match="pivots"):
        LUSolve()(f, T.lvector(), b)
    with pytest.raises(np.linalg.LinAlgError):
        LUSolve()(f, p, T.fvector())
    with pytest.raises(np.linalg.LinAlgError):
        LUFactor()(T.dtensor3())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lower", [True, False])
def test_symmetric_stacks_some_definite(dtype: str, lower: bool) -> None:
    a, b = T.TensorType(dtype, (None,) * 3)("a"), T.TensorType(dtype, (None,) * 3)("b")
    f = theano.function([a, b], Solve("symmetric", lower)(a, b))
    assert not steps(f, PyCallStep)
    half = RNG.normal(size=(4, 5, 5))
    x = half @ half.transpose(0, 2, 1) + np.eye(5)
    x[1] *= -1
    x[2] -= 6 * np.eye(5)
    assert (np.linalg.eigvalsh(x)[2] < 0).any() and (np.linalg.eigvalsh(x)[2] > 0).any()
    y = RNG.normal(size=(4, 5, 2))
    expected = np.linalg.solve(x, y)
    given = np.tril(x) if lower else np.triu(x)
    atol = 100 * np.finfo(dtype).eps * np.linalg.cond(x).max() * np.abs(expected).max()
    np.testing.assert_allclose(f(given.astype(dtype), y.astype(dtype)), expected, rtol=0, atol=atol)
