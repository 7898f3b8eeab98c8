"""The cases of reductions, products, linear algebra and Fourier transforms."""

import numpy as np
import scipy.linalg
from op_case import COMPLEX, FLOATS, SUMMED, case, definite, ints, regular, special

import theano.tensor as T
from theano.sandbox.linalg import psd
from theano.tensor import blas, careduce, fft, nlinalg, slinalg
from theano.tensor.argmax import Argmax, MaxAndArgmax
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.inverses import Cofactors
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.products import CheckLengths

NUMBERS = (*FLOATS, *COMPLEX)
REAL = (*FLOATS, "int16", "uint8", "bool")
SHAPES = [((3, 4),), ((1, 4),), ((3, 1),), ((0, 4),), ((3, 0),)]
FULL = [((3, 4),), ((1, 4),), ((3, 1),)]
SOLID = ((2, 3, 4),)
SQUARE = [(regular(3, 3),), (regular(1, 1),), (regular(0, 0),), (regular(2, 3, 3),), (regular(0, 3, 3),)]
DEFINITE = [(definite(3, 3),), (definite(1, 1),), (definite(0, 0),), (definite(2, 3, 3),), (definite(0, 2, 2),)]
ANY_MATRIX = [((3, 2),), ((2, 3),), ((1, 3),), ((2, 3, 2),), ((0, 2, 2),)]


def others(x, axis):
    """The products of all other elements along an axis, one by one."""
    x = np.moveaxis(x, axis, 0)
    return np.moveaxis(np.stack([np.prod(np.delete(x, k, 0), 0) for k in range(len(x))]) if len(x) else x, 0, axis)


def varied_others(x, g):
    """The derivative of `others` along axis 1 in the direction g, by the definition."""
    out = np.zeros_like(x)
    for k in range(x.shape[1]):
        for j in range(x.shape[1]):
            if j != k:
                out[:, k] += g[:, j] * np.prod(np.delete(x, [j, k], 1), 1)
    return out


def nonzero_product(x, axis):
    kept = np.where(x == 0, 1, x).prod(axis)
    return np.where((x == 0).all(axis) & (x.shape[axis] > 0), 0, kept)


def cofactors(x):
    """Signed minors, one by one."""
    n = x.shape[-1]
    out = np.empty_like(x)
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(x, i, -2), j, -1)
        out[..., i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return out


def by_lower_triangle(factor, g):
    """The derivatives of sum(g * cholesky(a)) by a's lower triangle: dL = L half(inv(L) da inv(L)^T)."""
    out = np.zeros_like(factor)
    for k in np.ndindex(factor.shape[:-2]):
        low = np.tril(factor[k])
        inverse = np.linalg.inv(low)
        for i, j in zip(*np.tril_indices(low.shape[0])):
            da = np.zeros_like(low)
            da[i, j] = da[j, i] = 1
            half = np.tril(inverse @ da @ inverse.T)
            half[np.diag_indices_from(half)] /= 2
            out[k][i, j] = np.sum(g[k] * (low @ half))
    return out


def each(function):
    """A function of one matrix on stacks of them."""

    def of_stack(x):
        if x.ndim == 2:
            return function(x)
        found = [listed(function(m)) for m in x.reshape(-1, *x.shape[-2:])]
        joined = [np.stack(parts).reshape(*x.shape[:-2], *parts[0].shape) for parts in zip(*found)]
        return joined if len(joined) > 1 else joined[0]

    def listed(result):
        return list(result) if isinstance(result, (list, tuple)) else [result]

    return of_stack


def signed(v):
    """Columns with a positive first component of the largest modulus: eigenvectors are unique up to that."""
    largest = np.take_along_axis(v, np.abs(v).argmax(-2)[..., None, :], -2)
    return v * (np.abs(largest) / largest)


def product_of_svd(build):
    """u diag(s) vh, which is unique, from the three."""

    def product(x):
        u, s, vh = build(x)
        k = T.minimum(x.shape[x.ndim - 2], x.shape[x.ndim - 1])
        return T.matmul(u[..., :k] * T.cast(s.dimshuffle(*range(s.ndim - 1), "x", s.ndim - 1), u.dtype), vh[..., :k, :])

    return product


def transposed_lu(x):
    factors, pivots = scipy.linalg.lu_factor(x.T)
    return [factors.T, np.asarray(pivots + 1, "int32")]


def triangular(x, b, lower, trans=0, unit=False):
    return scipy.linalg.solve_triangular(x, b, trans, lower, unit) if b.size else np.zeros_like(b)


def half_transform(x, n=None):
    z = np.fft.rfft(x, n)
    return np.stack([z.real, z.imag], -1).astype(x.dtype)


def inverse_half_transform(x, n):
    return (np.fft.irfft(x[..., 0] + 1j * x[..., 1], n) * n).astype(x.dtype)


ALGEBRA_CASES = {
    "Sum": [
        case(lambda x: careduce.Sum(1)(x), lambda x: x.sum(1, dtype="float64" if x.dtype == "float32" else None).astype(
            x.dtype if x.dtype.kind in "fc" else np.sum(x).dtype), *SHAPES, (special(2, 8),), dtypes=SUMMED),
        case(lambda x: careduce.Sum()(x), lambda x: x.sum(), ((),), SOLID, ((0,),)),
        case(lambda x: careduce.Sum((0, -1))(x), lambda x: x.sum((0, 2)), SOLID, ((0, 3, 4),), ((1, 0, 2),),
             dtypes=SUMMED),
        case(lambda x: T.sum(x, 1, keepdims=True, dtype="float64"), lambda x: x.sum(1, keepdims=True, dtype="float64"),
             ((3, 4),)),
    ],
    "Prod": [
        case(lambda x: careduce.Prod(0)(x), lambda x: x.prod(0), *SHAPES, (special(8, 2),), dtypes=SUMMED),
        case(lambda x: careduce.Prod(None, no_zeros_in_input=True)(x), lambda x: x.prod(), SOLID, ((),)),
    ],
    "ProdWithoutZeros": [
        case(lambda x: careduce.ProdWithoutZeros(1)(x), lambda x: nonzero_product(x, 1).astype(x.dtype), *SHAPES,
             (np.array([[0.0, 2, 3], [0, 0, 0]]),)),
    ],
    "ProductOfOthers": [
        case(lambda x: careduce.ProductOfOthers((1,))(x), lambda x: others(x, 1), *SHAPES,
             (np.array([[0.0, 2, 3], [0, 0, 5]]),),
             dtypes=NUMBERS),
        case(lambda x, g: careduce.ProductOfOthers((1,))(x, g), varied_others, ((3, 4), (3, 4)), ((3, 1), (3, 1)),
             ((2, 0), (2, 0))),
    ],
    "Max": [
        case(lambda x: careduce.Max(1)(x), lambda x: x.max(1), *FULL, ((0, 4),), (special(3, 8),), dtypes=REAL),
        case(lambda x: careduce.Max((0, 2))(x), lambda x: x.max((0, 2)), SOLID, ((2, 0, 4),)),
    ],
    "Min": [case(lambda x: careduce.Min(0)(x), lambda x: x.min(0), *FULL, ((3, 0),), (special(8, 3),), dtypes=REAL)],
    "Supremum": [
        case(lambda x: careduce.Supremum(1)(x), lambda x: x.max(1, initial=-np.inf), *SHAPES, (special(3, 8),)),
    ],
    "All": [case(lambda x: careduce_all(x), lambda x: x.all(1), *SHAPES, (special(3, 8),),
        dtypes=(*REAL, "complex64"))],
    "Any": [case(lambda x: T.any(x, 0), lambda x: x.any(0), *SHAPES, (special(8, 3),), dtypes=(*REAL, "complex64"))],
    "CAReduce": [
        case(lambda x: careduce.CAReduce(T.xor.scalar_op, 1)(x), lambda x: np.bitwise_xor.reduce(x, 1), *SHAPES,
             dtypes=("int16",)),
        case(lambda x: careduce.CAReduce(T.add.scalar_op, 0)(x), lambda x: x.sum(0, dtype=x.dtype), *SHAPES,
             dtypes=(*FLOATS, "int8")),
    ],
    "CAReduceDtype": [
        case(lambda x: careduce.CAReduceDtype(T.mul.scalar_op, 1)(x), lambda x: x.prod(1), *SHAPES, dtypes=SUMMED),
    ],
    "Argmax": [
        case(lambda x: Argmax(1)(x), lambda x: x.argmax(1), *FULL, ((0, 4),), (special(3, 8),), dtypes=REAL),
        case(lambda x: Argmax((0, 2))(x), lambda x: x.transpose(1, 0, 2).reshape(x.shape[1], -1).argmax(1), SOLID),
        case(lambda x: Argmax()(x), lambda x: np.asarray(x.argmax()), SOLID, ((),)),
    ],
    "MaxAndArgmax": [
        case(lambda x: MaxAndArgmax(0)(x), lambda x: [x.max(0), x.argmax(0)], *FULL, ((3, 0),), (special(8, 3),),
             dtypes=REAL),
    ],
    "Dot": [
        case(T.dot, np.dot, ((3, 4), (4, 2)), ((3, 0), (0, 2)), ((0, 4), (4, 2)), ((1, 4), (4, 1)),
             dtypes=(*NUMBERS, "int8")),
        case(T.dot, np.dot, ((4,), (4, 2)), ((0,), (0, 2)), dtypes=(*NUMBERS, "int8")),
        case(T.dot, np.dot, ((3, 4), (4,)), ((3, 0), (0,)), ((1, 1), (1,)), dtypes=(*NUMBERS, "int8")),
        case(T.dot, np.dot, ((4,), (4,)), ((0,), (0,)), ((1,), (1,)), dtypes=(*NUMBERS, "int8")),
    ],
    "BatchedDot": [
        case(T.batched_dot, np.matmul, ((2, 3, 4), (2, 4, 2)), ((0, 3, 4), (0, 4, 2)), ((2, 3, 0), (2, 0, 2)),
             ((1, 1, 4), (1, 4, 1)), dtypes=(*NUMBERS, "int8")),
    ],
    "CheckLengths": [case(lambda x, y: CheckLengths("pair", [(0, 1)])(x, y), lambda x, y: x, ((3, 4), (2, 3)),
        ((0, 4), (1, 0)))],
    "Gemm": [
        case(lambda z, a, x, y, b: blas.Gemm()(z, a, x, y, b), lambda z, a, x, y, b: b * z + a * (x @ y),
             ((3, 2), (), (3, 4), (4, 2), ()), ((3, 2), (), (3, 0), (0, 2), ()), ((0, 2), (), (0, 4), (4, 2), ()),
             dtypes=NUMBERS),
        case(lambda z, x, y: blas.Gemm()(z, 2, x, y, 0), lambda z, x, y: (2 * (x @ y)).astype(x.dtype),
             (special(3, 2), (3, 4), (4, 2)), ),
    ],
    "Gemv": [
        case(lambda y, a, m, x, b: blas.Gemv()(y, a, m, x, b), lambda y, a, m, x, b: b * y + a * (m @ x),
             ((3,), (), (3, 4), (4,), ()), ((3,), (), (3, 0), (0,), ()), ((0,), (), (0, 4), (4,), ()), dtypes=NUMBERS),
    ],
    "Ger": [
        case(lambda m, a, x, y: blas.Ger()(m, a, x, y), lambda m, a, x, y: m + a * np.outer(x, y),
             ((3, 2), (), (3,), (2,)), ((0, 2), (), (0,), (2,)), ((1, 1), (), (1,), (1,)), dtypes=NUMBERS),
    ],
    "Dot22": [case(blas.Dot22(), np.matmul, ((3, 4), (4, 2)), ((3, 0), (0, 2)), dtypes=NUMBERS)],
    "Dot22Scalar": [
        case(blas.Dot22Scalar(), lambda x, y, a: a * (x @ y), ((3, 4), (4, 2), ()), ((3, 0), (0, 2), ()),
             dtypes=NUMBERS),
    ],
    # -- linear algebra ---------------------------------------------------------------------------------------------
    "MatrixInverse": [case(nlinalg.matrix_inverse, np.linalg.inv, *SQUARE, dtypes=NUMBERS, loose=9)],
    "MatrixPinv": [
        case(nlinalg.pinv, np.linalg.pinv, *ANY_MATRIX, ((0, 3),), dtypes=NUMBERS, loose=50),
        case(lambda x: nlinalg.pinv(x, 0.4), lambda x: np.linalg.pinv(x, 0.4), (regular(3, 3),), loose=50),
    ],
    "Det": [case(nlinalg.det, lambda x: np.asarray(np.linalg.det(x)), *SQUARE, dtypes=NUMBERS, loose=9)],
    "SLogDet": [case(nlinalg.slogdet, lambda x: list(np.linalg.slogdet(x)), *SQUARE, (np.zeros((2, 2)),),
        dtypes=NUMBERS, loose=9)],
    "Cofactors": [case(Cofactors(), cofactors, (regular(3, 3),), (regular(2, 2, 2),), (np.ones((3, 3)),),
        dtypes=NUMBERS, loose=9)],
    "Eig": [
        case(lambda x: T.sort(nlinalg.eig(x)[0]), lambda x: np.sort(np.linalg.eig(x)[0]), *SQUARE[:4], loose=9),
        case(lambda x: [(v := nlinalg.eig(x))[0] * 1, T.matmul(x, v[1]) - v[1] * v[0].dimshuffle("x", 0)],
             lambda x: [np.linalg.eig(x)[0], np.zeros_like(x)], (regular(3, 3),), dtypes=NUMBERS, loose=9),
    ],
    "Eigh": [
        case(lambda x: nlinalg.eigh(x)[0], lambda x: np.linalg.eigh(x)[0], *DEFINITE, (regular(3, 3),), dtypes=NUMBERS,
             loose=9),
        case(lambda x: abs(nlinalg.eigh(x, "U")[1]), lambda x: abs(np.linalg.eigh(x, "U")[1]), *DEFINITE,
             dtypes=NUMBERS, loose=50),
    ],
    "Eigvalsh": [
        case(slinalg.eigvalsh, each(lambda x: scipy.linalg.eigvalsh(x)), *DEFINITE[:2], DEFINITE[3], dtypes=NUMBERS,
             loose=9),
        case(lambda a, b: slinalg.eigvalsh(a, b, False), lambda a, b: scipy.linalg.eigvalsh(a, b, lower=False),
             (regular(3, 3), definite(3, 3)), dtypes=NUMBERS, loose=9),
    ],
    "GeneralisedEigh": [
        case(lambda a, b: [(f := slinalg.GeneralisedEigh()(a, b))[0] * 1, abs(f[1])],
             lambda a, b: [(f := scipy.linalg.eigh(a, b))[0], abs(f[1])], (regular(3, 3), definite(3, 3)),
             dtypes=NUMBERS, loose=50),
    ],
    "SVD": [
        case(lambda x: nlinalg.svd(x, 0, 0), lambda x: np.linalg.svd(x, compute_uv=False), *ANY_MATRIX, ((0, 3),),
             ((2, 0),),
             dtypes=NUMBERS, loose=9),
        case(product_of_svd(lambda x: nlinalg.svd(x, 0)), lambda x: x, *ANY_MATRIX, dtypes=NUMBERS, loose=9),
        case(product_of_svd(lambda x: nlinalg.svd(x, 1)), lambda x: x, *ANY_MATRIX, dtypes=NUMBERS, loose=9),
    ],
    "QRFull": [
        case(lambda x: nlinalg.qr(x), lambda x: list(np.linalg.qr(x)), *ANY_MATRIX, dtypes=NUMBERS, loose=9),
        case(lambda x: nlinalg.qr(x, "complete"), lambda x: list(np.linalg.qr(x, "complete")), *ANY_MATRIX, loose=9),
        case(lambda x: nlinalg.qr(x, "raw"), lambda x: list(np.linalg.qr(x, "raw")), *ANY_MATRIX[:3], loose=9),
    ],
    "QRIncomplete": [case(lambda x: nlinalg.qr(x, "r"), lambda x: np.linalg.qr(x, "r"), *ANY_MATRIX, dtypes=NUMBERS,
        loose=9)],
    "LU": [case(slinalg.lu, each(lambda x: scipy.linalg.lu(x)), *ANY_MATRIX[:4], (regular(3, 3),), dtypes=FLOATS,
        loose=9)],
    "Cholesky": [
        case(slinalg.cholesky, np.linalg.cholesky, *DEFINITE, dtypes=NUMBERS, loose=9),
        case(slinalg.Cholesky(lower=False), each(lambda x: scipy.linalg.cholesky(x)), *DEFINITE[:2], DEFINITE[3],
             dtypes=NUMBERS, loose=9),
        case(slinalg.Cholesky(on_error="nan"), lambda x: np.full_like(x, np.nan), (np.ones((2, 2)),), (special(2, 2),)),
    ],
    "CholeskyGrad": [
        case(lambda x, g: CholeskyGrad()(x, g), by_lower_triangle, (regular(4, 4), (4, 4)), (regular(1, 1), (1, 1)),
             (regular(0, 0), (0, 0)), (regular(2, 3, 3), (2, 3, 3)), (regular(0, 3, 3), (0, 3, 3)), loose=9),
        case(lambda x, g: CholeskyGrad()(x, g), lambda x, g: np.tril(np.full_like(x, np.nan)),
             (special(3, 3), (3, 3)), (regular(3, 3), special(3, 3))),
    ],
    "Solve": [
        case(lambda a, b: slinalg.solve(a, b), np.linalg.solve, (regular(3, 3), (3, 2)), (regular(0, 0), (0, 2)),
             (regular(2, 2), (2, 0)), dtypes=NUMBERS, loose=9),
        case(lambda a, b: slinalg.solve(a, b, trans="T", assume_a="gen"), lambda a, b: np.linalg.solve(a.T, b),
             (regular(3, 3), (3,)), dtypes=NUMBERS, loose=9),
        case(lambda a, b: slinalg.solve(a, b, assume_a="pos", lower=True), lambda a,
             b: scipy.linalg.solve(a, b, assume_a="pos"),
             (definite(3, 3), (3, 2)), dtypes=NUMBERS, loose=9),
        case(slinalg.solve_symmetric, lambda a, b: np.linalg.solve(np.triu(a) + np.triu(a, 1).T, b),
             (regular(3, 3), (3,)), loose=9),
        case(slinalg.solve_upper_triangular, lambda a, b: np.linalg.solve(np.triu(a), b), (regular(3, 3), (3, 2)),
             dtypes=NUMBERS,
             loose=9),
        case(slinalg.solve, np.linalg.solve, (regular(2, 3, 3), (2, 3, 2)), (regular(0, 3, 3), (0, 3, 2)),
             dtypes=NUMBERS, loose=9),
    ],
    "SolveTriangular": [
        case(slinalg.SolveTriangular(lower=True), lambda a, b: triangular(a, b, True), (regular(3, 3), (3, 2)),
             (regular(0, 0), (0, 2)),
             (regular(1, 1), (1, 0)), dtypes=NUMBERS, loose=9),
        case(slinalg.SolveTriangular(lower=False, trans="C", unit_diagonal=True), lambda a,
             b: triangular(a, b, False, "C", True),
             (regular(3, 3), (3,)), dtypes=NUMBERS, loose=9),
        case(slinalg.SolveTriangular(lower=True, trans=1), lambda a,
             b: np.stack([triangular(c, d, True, 1) for c, d in zip(a, b)]),
             (regular(2, 3, 3), (2, 3, 2)), dtypes=NUMBERS, loose=9),
    ],
    "LUFactor": [
        case(LUFactor(), lambda x: transposed_lu(x) if x.size else [x, np.empty(0, "int32")],
             (regular(3, 3),), ((4, 4),), (regular(1, 1),), (regular(0, 0),), dtypes=NUMBERS, loose=9),
    ],
    "LUSolve": [
        case(lambda a, b: LUSolve()(*LUFactor()(a), b), np.linalg.solve, (regular(3, 3), (3, 2)),
             (regular(0, 0), (0, 2)), (regular(2, 2), (2, 0)), (regular(3, 3)("float64")[::-1], (3, 1)),
             dtypes=("float64",), loose=9),
        case(lambda a, b: LUSolve("T")(*LUFactor()(a), b), lambda a, b: np.linalg.solve(a.T, b),
             (regular(3, 3), (3,)), ((4, 4), (4,)), dtypes=NUMBERS, loose=9),
        case(lambda a, b: LUSolve("C", False)(*LUFactor()(a), b), lambda a, b: np.linalg.solve(a.conj().T, b),
             (regular(3, 3), (3, 2)), dtypes=NUMBERS, loose=9),
    ],
    "Hint": [case(psd, lambda x: x, (definite(3, 3),), ((0, 2),), ((2, 3, 3),), (special(2, 2),), dtypes=NUMBERS)],
    "Lstsq": [
        case(lambda a, b: nlinalg.lstsq()(a, b), lambda a, b: [np.asarray(v) for v in np.linalg.lstsq(a, b, None)],
             ((4, 2), (4,)), ((2, 4), (2,)), loose=50, exact_dtype=False),
        case(lambda a, b: nlinalg.lstsq()(a, b)[:2], lambda a, b: list(np.linalg.lstsq(a, b, None)[:2]),
             ((4, 2), (4, 3)),
             ((1, 1), (1, 2)), dtypes=NUMBERS, loose=50),
    ],
    "Expm": [case(slinalg.expm, each(scipy.linalg.expm), *SQUARE[:4], dtypes=NUMBERS, loose=90)],
    # -- Fourier transforms -----------------------------------------------------------------------------------------
    "RFFTOp": [
        case(fft.rfft, half_transform, ((2, 5),), ((2, 4),), ((3, 1),), ((0, 6),), loose=9),
        case(lambda x, n: fft.rfft_op(x, [n]), lambda x, n: half_transform(x, int(n)), ((2, 5), ints(3)),
             ((2, 5), ints(8)), loose=9),
        case(fft.rfft, lambda x: (lambda z: np.stack([z.real, z.imag], -1).astype(x.dtype))(np.fft.rfft2(x)),
             ((2, 3, 4),),
             ((1, 4, 5),), loose=9),
    ],
    "IRFFTOp": [
        case(lambda x, n: fft.irfft_op(x, [n]), lambda x, n: inverse_half_transform(x, int(n)), ((2, 3, 2), ints(5)),
             ((2, 3, 2), ints(4)), ((2, 3, 2), ints(7)), ((1, 1, 2), ints(1)), loose=9),
        case(fft.irfft, lambda x: inverse_half_transform(x, 2 * x.shape[1] - 2) / x.dtype.type(2 * x.shape[1] - 2),
             ((2, 3, 2),),
             ((3, 2, 2),), loose=9),
    ],
    "FFTN": [
        case(fft.fft, np.fft.fft, ((2, 5),), ((1, 4),), ((0, 3),), ((3, 1),), dtypes=(*NUMBERS, ), loose=9),
        case(lambda x: fft.ifftn(x, axes=(0, 2), norm="ortho"), lambda x: np.fft.ifftn(x, axes=(0, 2), norm="ortho"),
             ((2, 3, 4),),
             dtypes=NUMBERS, loose=9),
    ],
}  # fmt: skip


def careduce_all(x):
    return T.all(x, axis=1)
