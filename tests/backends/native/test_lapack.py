"""Linear algebra in native code: LAPACK's routines give what `perform` gives, and fail where it raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.modes import Mode
from theano.lowering.program import PyCallStep, RoutineStep
from theano.tensor.linear.factors import Cholesky
from theano.tensor.linear.inverses import Det, SLogDet

NATIVE, REFERENCE = Mode("native", None), Mode("py", None)
DTYPES = ["float64", "float32"]
LIMITS = {"float64": 1e-10, "float32": 2e-3}


def definite(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    """Symmetric positive definite matrices."""
    x = np.random.default_rng(seed).normal(size=(*batch, n, n))
    return np.asarray(x @ np.swapaxes(x, -1, -2) + n * np.eye(n), dtype)


def general(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=(*batch, n, n)) + 2 * np.eye(n), dtype)


def layouts(a: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in memory in other ways."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    tall = np.zeros((*a.shape[:-2], 3 * a.shape[-2], a.shape[-1]), a.dtype)
    tall[..., ::3, :] = a
    columns = np.swapaxes(np.swapaxes(a, -1, -2).copy(), -1, -2)
    return {
        "rows": a.copy(), "columns": columns, "every second": wide[..., ::2], "every third row": tall[..., ::3, :],
        "reversed": np.flip(np.flip(a).copy()), "backwards rows": np.flip(np.flip(a, -2).copy(), -2),
    }  # fmt: skip


class Pair:
    """One op on both backends; native code must have a routine for it and no call of Python."""

    def __init__(self, op: Any, *arrays: np.ndarray, routines: int = 1) -> None:
        self.inputs = [T.TensorType(a.dtype.name, (None,) * a.ndim)() for a in arrays]
        outputs = op(*self.inputs)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        self.native = theano.function(self.inputs, outputs, mode=NATIVE)
        self.reference = theano.function(self.inputs, outputs, mode=REFERENCE)
        steps = self.native.program.steps
        assert sum(isinstance(s, RoutineStep) for s in steps) == routines, str(self.native.program)
        assert not [s for s in steps if isinstance(s, PyCallStep)], str(self.native.program)

    def agree(self, *arrays: np.ndarray, limit: float | None = None) -> list[np.ndarray]:
        before = [a.copy() for a in arrays]
        found, wanted = self.native(*arrays), self.reference(*arrays)
        limit = limit or LIMITS[arrays[0].dtype.name]
        for have, want in zip(found, wanted, strict=True):
            assert have.dtype == want.dtype and have.shape == want.shape
            scale = np.max(np.abs(want), initial=0, where=np.isfinite(want))
            np.testing.assert_allclose(have, want, rtol=limit, atol=limit * scale)
        for a, old in zip(arrays, before):
            np.testing.assert_array_equal(a, old)
        return found

    def fail_alike(self, kind: type[Exception], *arrays: np.ndarray) -> str:
        with pytest.raises(kind) as wanted:
            self.reference(*arrays)
        with pytest.raises(kind) as found:
            self.native(*arrays)
        assert str(found.value) == str(wanted.value) and type(found.value) is type(wanted.value)
        assert "Native code" not in str(found.value) and "test_lapack.py" in str(found.value)
        return str(found.value)


SQUARE: dict[str, tuple[Any, Callable[..., np.ndarray]]] = {
    "cholesky": (Cholesky(), definite),
    "cholesky_upper": (Cholesky(lower=False), definite),
    "cholesky_nan": (Cholesky(on_error="nan"), definite),
    "det": (Det(), general),
    "slogdet": (SLogDet(), general),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUARE)
def test_matrices_of_any_layout_and_size(name: str, dtype: str) -> None:
    op, matrix = SQUARE[name]
    pair = Pair(op, matrix(1, dtype))
    for n in (0, 1, 2, 3, 7, 33, 70):
        for x in layouts(matrix(n, dtype)).values():
            pair.agree(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUARE)
def test_stacks(name: str, dtype: str) -> None:
    op, matrix = SQUARE[name]
    for batch in ((3,), (2, 3), (0,), (2, 0, 3)):
        pair = Pair(op, matrix(2, dtype, batch))
        for n in (0, 1, 5):
            for x in layouts(matrix(n, dtype, batch)).values():
                pair.agree(x)
    turned = np.swapaxes(matrix(4, dtype, (2, 3)), 0, 1)[:, ::-1]
    Pair(op, turned).agree(turned)


@pytest.mark.parametrize("name", SQUARE)
def test_not_square(name: str) -> None:
    op, _ = SQUARE[name]
    for shape in ((2, 3), (3, 2), (0, 1), (1, 0)):
        assert "square" in Pair(op, np.ones((1, 1))).fail_alike(np.linalg.LinAlgError, np.ones(shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_of_what_is_not_positive_definite(lower: bool, dtype: str) -> None:
    bad = definite(5, dtype)
    bad[3, 3] = -1
    pair = Pair(Cholesky(lower=lower), bad)
    pair.fail_alike(np.linalg.LinAlgError, bad)
    stack = np.stack([definite(5, dtype), bad])
    Pair(Cholesky(lower=lower), stack).fail_alike(np.linalg.LinAlgError, stack)
    for value in (np.nan, np.inf, -np.inf):
        for where in ((4, 1), (1, 4), (0, 0)):
            bad = definite(5, dtype)
            bad[where] = value
            pair.fail_alike(ValueError, bad)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cholesky_that_gives_nan(dtype: str) -> None:
    stack = definite(5, dtype, (4,))
    stack[1, 2, 2] = -1
    stack[3, 0, 4] = np.inf  # in the triangle that is not read
    (found,) = Pair(Cholesky(on_error="nan"), stack).agree(stack)
    assert np.isnan(found[[1, 3]]).all() and np.isfinite(found[[0, 2]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_determinants_of_singular_and_of_far_ones(dtype: str) -> None:
    det, slogdet = Pair(Det(), np.ones((1, 1), dtype)), Pair(SLogDet(), np.ones((1, 1), dtype))
    permutation = np.eye(6)[[3, 0, 5, 1, 2, 4]]
    span = 30 if dtype == "float32" else 300
    for x in (
        np.zeros((3, 3)), np.ones((3, 3)), -np.eye(3), permutation, -permutation[:, ::-1],
        np.diag([10.0**span, 10.0**span, 10.0**-span, 10.0**-span, 3.0]), np.diag([10.0**-span] * 4),
        np.diag([10.0**span] * 3), np.diag([0.0, np.inf]), np.diag([1.0, -np.inf]),
    ):  # fmt: skip
        x = x.astype(dtype)
        det.agree(x, limit=1e-3 if dtype == "float32" else 1e-10)
        slogdet.agree(x, limit=1e-5 if dtype == "float32" else 1e-12)
    (exact,) = det.native(np.diag([10.0**span, 10.0**span, 10.0**-span, 10.0**-span, 3.0]).astype(dtype))
    np.testing.assert_allclose(exact, 3.0, rtol=1e-6 if dtype == "float32" else 1e-14)
    for value in (np.nan, np.inf):
        x = general(4, dtype)
        x[2, 1] = value
        det.agree(x)
        slogdet.agree(x)


def test_other_dtypes_run_through_perform() -> None:
    x = T.zmatrix()
    f = theano.function([x], Det()(x), mode=NATIVE)
    assert any(isinstance(s, PyCallStep) for s in f.program.steps)
    assert f(np.diag([1j, 2])) == 2j


def test_updates_of_a_failing_call_are_not_committed() -> None:
    """One update is written in place and does not wait for the factor; the other one is the factor."""
    x, count, factor = T.dmatrix("x"), theano.shared(np.zeros(3)), theano.shared(np.eye(2))
    f = theano.function([x], count.sum(), updates=[(count, count + 1), (factor, Cholesky()(x) + factor)], mode=NATIVE)
    assert f.program.commit_from < len(f.program.steps)
    good = np.diag([4.0, 9.0])
    assert f(good) == 0
    for bad, kind in ((-good, np.linalg.LinAlgError), (good * np.nan, ValueError)):
        with pytest.raises(kind):
            f(bad)
    np.testing.assert_array_equal(count.get_value(), np.ones(3))
    np.testing.assert_array_equal(factor.get_value(), np.diag([3.0, 4.0]))
    assert f(good) == 3


def test_the_line_of_the_user_is_named() -> None:
    x = T.dmatrix("x")
    f = theano.function([x], Cholesky()(x).sum() + 1)  # this line
    with pytest.raises(np.linalg.LinAlgError, match="this line"):
        f(-np.eye(3))
