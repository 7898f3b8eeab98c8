"""Linear algebra in native code: LAPACK's routines give what `perform` gives, and fail where it raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import theano
import theano.tensor as T
from theano.compile.modes import Mode
from theano.lowering.program import PyCallStep, RoutineStep
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.eigen import Eig, Eigh, Eigvalsh, GeneralisedEigh
from theano.tensor.linear.factors import LU, SVD, Cholesky, QRFull, QRIncomplete
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.least_squares import Lstsq
from theano.tensor.linear.pseudo_inverse import MatrixPinv
from theano.tensor.linear.solving import Solve, SolveTriangular

NATIVE, REFERENCE = Mode("native", None), Mode("py", None)
DTYPES = ["float64", "float32"]
# most routines compute float32 in double precision and round once; SINGLE is the limit of the others
LIMITS = {"float64": 1e-10, "float32": 1e-6}
SINGLE = {"float64": 1e-10, "float32": 2e-3}


def definite(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    """Symmetric positive definite matrices."""
    x = np.random.default_rng(seed).normal(size=(*batch, n, n))
    return np.asarray(x @ np.swapaxes(x, -1, -2) + n * np.eye(n), dtype)


def general(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=(*batch, n, n)) + 2 * np.eye(n), dtype)


def symmetric(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    x = general(n, dtype, batch, seed)
    return x + np.swapaxes(x, -1, -2)


def of_real_spectrum(n: int, dtype: str, batch: tuple[int, ...] = (), seed: int = 0) -> np.ndarray:
    """Matrices that are not symmetric and have real eigenvalues far from each other."""
    v = np.random.default_rng(seed).normal(size=(*batch, n, n)) / 4 + 2 * np.eye(n)
    return np.asarray(v * np.arange(1, n + 1) @ np.linalg.inv(v), dtype)


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
    "inverse": (MatrixInverse(), general),
    "lu": (LU(), general),
    "qr": (QRFull(), general),
    "qr_complete": (QRFull("complete"), general),
    "qr_raw": (QRFull("raw"), general),
    "qr_r": (QRIncomplete(), general),
    "svd": (SVD(), general),
    "svd_reduced": (SVD(full_matrices=False), general),
    "singular_values": (SVD(compute_uv=False), general),
    "pinv": (MatrixPinv(), general),
    "cofactors": (Cofactors(), general),
    "eigh": (Eigh(), symmetric),
    "eigh_upper": (Eigh("U"), general),
    "eigvalsh": (Eigvalsh(), general),
    "eigvalsh_upper": (Eigvalsh(lower=False), symmetric),
    "eig": (Eig(), of_real_spectrum),
}
ANY_SHAPE = ["lu", "qr", "qr_complete", "qr_raw", "qr_r", "svd", "svd_reduced", "singular_values", "pinv"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUARE)
def test_matrices_of_any_layout_and_size(name: str, dtype: str) -> None:
    op, matrix = SQUARE[name]
    pair = Pair(op, matrix(1, dtype))
    limit = SINGLE[dtype] if name == "lu" else LIMITS[dtype]
    for n in (0, 1, 2, 3, 7, 33, 70):
        for x in layouts(matrix(n, dtype)).values():
            pair.agree(x, limit=limit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUARE)
def test_stacks(name: str, dtype: str) -> None:
    op, matrix = SQUARE[name]
    limit = SINGLE[dtype] if name == "lu" else LIMITS[dtype]
    for batch in ((3,), (2, 3), (0,), (2, 0, 3)):
        pair = Pair(op, matrix(2, dtype, batch))
        for n in (0, 1, 5):
            for x in layouts(matrix(n, dtype, batch)).values():
                pair.agree(x, limit=limit)
    turned = np.swapaxes(matrix(4, dtype, (2, 3)), 0, 1)[:, ::-1]
    Pair(op, turned).agree(turned, limit=limit)


@pytest.mark.parametrize("name", sorted(set(SQUARE) - set(ANY_SHAPE)))
def test_not_square(name: str) -> None:
    op, _ = SQUARE[name]
    for shape in ((2, 3), (3, 2), (0, 1), (1, 0)):
        assert "square" in Pair(op, np.ones((1, 1))).fail_alike(np.linalg.LinAlgError, np.ones(shape))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ANY_SHAPE)
def test_rectangles(name: str, dtype: str) -> None:
    op, _ = SQUARE[name]
    rng = np.random.default_rng(1)
    for batch in ((), (3,), (0,)):
        pair = Pair(op, np.ones((*batch, 1, 1), dtype))
        for m, n in ((2, 5), (5, 2), (1, 4), (4, 1), (0, 3), (3, 0), (40, 70), (70, 40)):
            for x in layouts(rng.normal(size=(*batch, m, n)).astype(dtype)).values():
                pair.agree(x, limit=SINGLE[dtype] if name == "lu" else LIMITS[dtype])


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
def test_gradient_of_cholesky(dtype: str) -> None:
    pair = Pair(CholeskyGrad(), np.ones((1, 1), dtype), np.ones((1, 1), dtype))
    for n in (0, 1, 2, 7, 64, 65, 150):  # one block of the native code has 64 rows
        factor = np.linalg.cholesky(definite(n, dtype)) + np.triu(np.full((n, n), 5, dtype), 1)
        g = general(n, dtype, seed=1)
        for x, y in zip(layouts(factor).values(), reversed(layouts(g).values())):
            pair.agree(x, y, limit=SINGLE[dtype])
    stack = np.linalg.cholesky(definite(5, dtype, (2, 3)))
    g = general(5, dtype, (2, 3))
    g[0, 1, 4, 2] = np.nan
    g[1, 1, 2, 4] = np.nan  # above the diagonal: not read
    stack[0, 0, 1, 0] = np.inf
    stack[1, 2, 0, 1] = np.inf
    (found,) = Pair(CholeskyGrad(), stack, g).agree(stack, g)
    assert np.isnan(found[0, :2][..., 1:, 0]).all() and np.isfinite(found[1]).all() and np.isfinite(found[0, 2]).all()
    turned = np.swapaxes(g, 0, 1)[:, ::-1]
    Pair(CholeskyGrad(), turned, turned).agree(turned, turned)
    x = np.ones((3, 3), dtype)
    for other in (np.ones((2, 2), dtype), np.ones((3, 2), dtype)):
        pair.fail_alike(np.linalg.LinAlgError, x, other)
        pair.fail_alike(np.linalg.LinAlgError, other, x)


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


def of_rank(rank: int, m: int, n: int, dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(-3, 4, (m, rank)) @ rng.integers(-3, 4, (rank, n)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_singular_matrices(dtype: str) -> None:
    """Their cofactors and pseudo-inverses exist."""
    cofactors, pinv = Pair(Cofactors(), np.ones((1, 1), dtype)), Pair(MatrixPinv(), np.ones((1, 1), dtype))
    for n in (1, 2, 3, 6):
        for rank in range(n):
            for x in layouts(of_rank(rank, n, n, dtype)).values():
                (found,) = cofactors.agree(x)
                assert rank == n - 1 or not np.abs(found).max() > 1e-4 * np.abs(x).max() ** (n - 1)
                pinv.agree(x)
    scaled = np.diag([1e-9, 1.0, 1.0]).astype(dtype)
    np.testing.assert_allclose(cofactors.agree(scaled)[0], np.diag([1, 1e-9, 1e-9]), rtol=1e-5)
    for value in (np.nan, np.inf):
        x = general(3, dtype)
        x[1, 2] = value
        assert np.isnan(cofactors.agree(x)[0]).all()
        pinv.fail_alike(np.linalg.LinAlgError, x * value)
    x, cut = T.TensorType(dtype, (None, None))(), T.dscalar()
    f, g = (theano.function([x, cut], MatrixPinv()(x, cut), mode=mode) for mode in (NATIVE, REFERENCE))
    assert not any(isinstance(s, PyCallStep) for s in f.program.steps)
    value = np.diag([1.0, 0.5, 0.1]).astype(dtype) @ np.asarray(scipy.linalg.expm(np.triu(np.ones((3, 3)), 1)), dtype)
    for cutoff in (0.0, 1e-3, 0.1, 0.4, 2.0):
        np.testing.assert_allclose(f(value, cutoff), g(value, cutoff), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_least_squares(dtype: str) -> None:
    rng = np.random.default_rng(5)
    matrix, vector = (Pair(Lstsq(), np.ones((1, 1), dtype), np.ones((1,) * k, dtype)) for k in (2, 1))
    for m, n, rank in ((6, 3, 3), (6, 3, 2), (3, 6, 3), (3, 6, 1), (4, 4, 4), (1, 1, 1), (5, 2, 0), (40, 20, 20)):
        for a in layouts(of_rank(rank, m, n, dtype)).values():
            b = rng.normal(size=2 * m).astype(dtype)
            found = vector.agree(a, b[::-2], limit=1e-5)
            assert found[2] == np.linalg.matrix_rank(a)
            for k in (0, 1, 3):
                for c in layouts(rng.normal(size=(m, k)).astype(dtype)).values():
                    matrix.agree(a, c, limit=1e-5)
    for m, n in ((0, 2), (2, 0), (0, 0)):
        for k in (0, 1, 3):
            matrix.agree(np.ones((m, n), dtype), np.ones((m, k), dtype))
        vector.agree(np.ones((m, n), dtype), np.ones(m, dtype))
    a = general(3, dtype)
    vector.fail_alike(np.linalg.LinAlgError, a, np.ones(4, dtype))
    matrix.fail_alike(np.linalg.LinAlgError, a[:2], np.ones((3, 3), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_inverse_of_singular_matrices_and_of_nan(dtype: str) -> None:
    pair = Pair(MatrixInverse(), np.ones((1, 1), dtype))
    for bad in (np.zeros((3, 3)), np.ones((2, 2)), np.diag([1.0, 0.0, 2.0])):
        assert "singular" in pair.fail_alike(np.linalg.LinAlgError, bad.astype(dtype))
    for value in (np.nan, np.inf):
        for where in ((0, 0), (2, 1), (3, 3)):
            x = general(4, dtype)
            x[where] = value
            pair.agree(x)
        x = np.diag([1.0, value, 3.0]).astype(dtype)
        pair.agree(x)
    stack = np.stack([np.eye(2), np.ones((2, 2))]).astype(dtype)
    assert "stack" in Pair(MatrixInverse(), stack).fail_alike(np.linalg.LinAlgError, stack)


@pytest.mark.parametrize("name", ["lu", "eigvalsh", "eig", "svd", "singular_values"])
def test_nan_and_inf_are_errors(name: str) -> None:
    op, matrix = SQUARE[name]
    kind = ValueError if name in ("lu", "eigvalsh") else np.linalg.LinAlgError
    pair = Pair(op, np.ones((1, 1)))
    for value in (np.nan, np.inf) if not name.startswith("s") else (np.nan,):
        for where in ((0, 0), (3, 1), (1, 3)):
            x = matrix(4, "float64")
            x[where] = value
            pair.fail_alike(kind, x)


def test_complex_eigenvalues_of_real_matrices() -> None:
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert "complex" in Pair(Eig(), turn).fail_alike(np.linalg.LinAlgError, turn)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("op", [GeneralisedEigh, Eigvalsh])
def test_eigenvalues_of_a_pair(op: Any, lower: bool, dtype: str) -> None:
    pair = Pair(op(lower=lower), np.ones((1, 1), dtype), np.ones((1, 1), dtype))
    for n in (0, 1, 2, 7, 33):
        a, b = symmetric(n, dtype), definite(n, dtype, seed=1)
        for x, y in zip(layouts(a).values(), reversed(layouts(b).values())):
            pair.agree(x, y, limit=SINGLE[dtype])
    a, b = symmetric(3, dtype), definite(3, dtype)
    pair.fail_alike(np.linalg.LinAlgError, a, -b)
    pair.fail_alike(np.linalg.LinAlgError, a, b[:2, :2])
    pair.fail_alike(np.linalg.LinAlgError, a, b[:2])
    pair.fail_alike(ValueError, a * np.nan, b)
    pair.fail_alike(ValueError, a, b * np.inf)


SYSTEMS: dict[str, tuple[Any, Callable[..., np.ndarray]]] = {
    **{
        f"triangular {lower} {trans} {unit}": (SolveTriangular(lower, trans, unit), general)
        for lower in (True, False) for trans in "NTC" for unit in (True, False)
    },
    "unchecked": (SolveTriangular(checked=False), general),
    "general": (Solve(), general),
    "general transposed": (Solve(trans=1), general),
    "lower": (Solve("lower_triangular", trans=1), general),
    "upper": (Solve("upper_triangular"), general),
    "symmetric": (Solve("symmetric", lower=True), general),
    "symmetric upper": (Solve("symmetric", trans=1), general),
    "hermitian": (Solve("hermitian"), symmetric),
    "definite": (Solve("positive_definite", lower=True), definite),
    "definite upper": (Solve("positive_definite", trans=2), definite),
    "diagonal": (Solve("diagonal"), general),
    "banded": (Solve("banded"), general),
    "symmetric indefinite": (Solve("symmetric"), symmetric),
    "symmetric definite": (Solve("symmetric", lower=True), definite),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_of_any_layout_and_size(name: str, dtype: str) -> None:
    op, matrix = SYSTEMS[name]
    limit = (LIMITS if name in ("general", "general transposed", "banded", "diagonal") else SINGLE)[dtype]
    rng = np.random.default_rng(2)
    vector, columns = (Pair(op, np.ones((1, 1), dtype), np.ones((1,) * k, dtype)) for k in (1, 2))
    for n in (0, 1, 2, 5, 33):
        for a in layouts(matrix(n, dtype)).values():
            b = rng.normal(size=2 * n).astype(dtype)
            for v in (b[:n], b[::2], b[n:][::-1]):
                vector.agree(a, v, limit=limit)
        for k in (0, 1, 3, 40):
            for b in layouts(rng.normal(size=(n, k)).astype(dtype)).values():
                columns.agree(a, b, limit=limit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SYSTEMS)
def test_stacks_of_systems(name: str, dtype: str) -> None:
    op, matrix = SYSTEMS[name]
    limit = (LIMITS if name in ("general", "general transposed", "banded", "diagonal") else SINGLE)[dtype]
    rng = np.random.default_rng(3)
    for batch in ((3,), (2, 3), (0,)):
        pair = Pair(op, np.ones((*batch, 1, 1), dtype), np.ones((*batch, 1, 1), dtype))
        for n, k in ((0, 2), (4, 0), (4, 1), (4, 3)):
            b = layouts(rng.normal(size=(*batch, n, k)).astype(dtype)).values()
            for x, y in zip(layouts(matrix(n, dtype, batch)).values(), reversed(b)):
                pair.agree(x, y, limit=limit)


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_that_do_not_fit(name: str) -> None:
    op, matrix = SYSTEMS[name]
    a = matrix(3, "float64")
    columns, vector = Pair(op, a, a), Pair(op, a, a[0])
    columns.fail_alike(np.linalg.LinAlgError, a, np.ones((2, 3)))
    columns.fail_alike(np.linalg.LinAlgError, a[:2], np.ones((2, 3)))
    vector.fail_alike(np.linalg.LinAlgError, a, np.ones(4))
    stack = np.stack([a, a])
    Pair(op, stack, stack).fail_alike(np.linalg.LinAlgError, stack, np.ones((3, 3, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(set(SYSTEMS) - {"unchecked"}))
def test_singular_systems_and_nan(name: str, dtype: str) -> None:
    op, matrix = SYSTEMS[name]
    a, b = matrix(4, dtype), np.ones((4, 2), dtype)
    columns, vector = Pair(op, a, b), Pair(op, a, b[:, 0])
    zero = np.zeros((4, 4), dtype)
    if not getattr(op, "unit_diagonal", False):
        columns.fail_alike(np.linalg.LinAlgError, zero, b)
        vector.fail_alike(np.linalg.LinAlgError, zero, b[:, 0])
        if name.startswith("triangular"):  # even where there is nothing to solve
            columns.fail_alike(np.linalg.LinAlgError, zero, b[:, :0])
        else:
            columns.agree(zero, b[:, :0])
    for value in (np.nan, np.inf):
        for where in ((0, 0), (1, 3), (3, 1)):
            x = a.copy()
            x[where] = value
            columns.fail_alike(ValueError, x, b)
            y = b[:, 0].copy()
            y[where[0]] = value
            vector.fail_alike(ValueError, a, y)
    indefinite = -np.eye(4, dtype=dtype)
    if name.startswith("definite"):
        assert "leading minor" in columns.fail_alike(np.linalg.LinAlgError, indefinite, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("structure", ["general", "symmetric", "upper_triangular", "diagonal"])
def test_unchecked_systems_take_nan(structure: str, dtype: str) -> None:
    """The column that has NaN gets NaN, and no other. (How far within it depends on how BLAS multiplies by zeros.)"""
    a, b = general(4, dtype), np.ones((4, 3), dtype)
    b[2, 1] = np.nan
    for op, least in ((Solve(structure, check_finite=False), 1), (SolveTriangular(checked=False), 2)):
        pair = Pair(op, a, b)
        (x,), (wanted,) = pair.native(a, b), pair.reference(a, b)
        for values in (x, wanted):
            assert np.isnan(values[:, 1]).sum() >= least
            assert np.isfinite(values[:, [0, 2]]).all()
        assert np.isnan(x[2:, 1]).all() or least == 1
        np.testing.assert_allclose(x[:, [0, 2]], wanted[:, [0, 2]], rtol=LIMITS[dtype])
        pair.agree(a, np.delete(b, 1, axis=1))
    a[0, 0] = 0
    found = Pair(SolveTriangular(checked=False), a, b).native(a, b)[0]
    assert not np.isfinite(found[0]).any()


def test_other_dtypes_run_through_perform() -> None:
    x = T.zmatrix()
    f = theano.function([x], Det()(x), mode=NATIVE)
    assert any(isinstance(s, PyCallStep) for s in f.program.steps)
    assert f(np.diag([1j, 2])) == 2j


def test_a_log_likelihood_with_gradient_needs_no_python() -> None:
    """A Gaussian process: all that it needs of linear algebra, differentiated and rewritten, is native code."""
    points, y, p = T.dvectors("points", "y", "p")
    squares = (points.dimshuffle(0, "x") - points.dimshuffle("x", 0)) ** 2
    covariance = T.exp(p[1] - squares / T.exp(p[2])) + T.exp(p[3]) * T.eye(points.shape[0])
    factor = T.slinalg.cholesky(covariance)
    z = T.slinalg.solve_lower_triangular(factor, y - p[0])
    cost = -0.5 * T.sum(z**2) - T.sum(T.log(T.diag(factor)))
    outputs = [cost, *theano.grad(cost, [points, p])]
    f, g = (theano.function([points, y, p], outputs, mode=mode) for mode in ("FAST_RUN", REFERENCE))
    assert not any(isinstance(s, PyCallStep) for s in f.program.steps), str(f.program)
    assert sum(isinstance(s, RoutineStep) for s in f.program.steps) == 4
    t = np.linspace(0, 5, 100)
    given = t, np.sin(t), np.array([0.1, 0.2, 0.3, -1])
    for have, want in zip(f(*given), g(*given)):
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


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
