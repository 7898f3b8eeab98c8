"""Factorisations: Cholesky, QR, SVD, LU.

Gradients hold where the factorisation is a smooth function of the matrix; elsewhere (equal singular values, rank
below the smaller length) they are NaN or inf. Columns that span a null space are chosen by LAPACK: a cost must depend
on their span only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano import scalar
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.complex_numbers import real
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.elemwise import cast_to
from theano.tensor.indexing import getitem
from theano.tensor.joining import join
from theano.tensor.lengths import at_most
from theano.tensor.linear.cholesky_gradient import CholeskyGrad, halved
from theano.tensor.linear.eigen import diagonal_matrix
from theano.tensor.linear.matrices import (
    MatrixOp,
    adjoint,
    chain,
    column,
    is_connected,
    main_diagonal,
    matrix_input,
    of_triangle,
    on_diagonal,
    real_of,
    reciprocal_gaps,
    require_finite,
    require_square,
    result,
    row,
    smaller,
    square_input,
    square_shape,
    summed,
)
from theano.tensor.linear.scipy_linalg import scipy_linalg, singular
from theano.tensor.linear.solving import SolveTriangular
from theano.tensor.products import gradient_term, matmul
from theano.tensor.region import zero_for
from theano.tensor.triangles import tril, triu


def columns_until(x: Any, k: Any) -> Any:
    return getitem(x, (Ellipsis, slice(None, k)))


def columns_from(x: Any, k: Any) -> Any:
    return getitem(x, (Ellipsis, slice(k, None)))


def rows_until(x: Any, k: Any) -> Any:
    return getitem(x, (Ellipsis, slice(None, k), slice(None)))


def rows_from(x: Any, k: Any) -> Any:
    return getitem(x, (Ellipsis, slice(k, None), slice(None)))


def beside(a: Any, b: Any) -> Any:
    return join(a.ndim - 1, a, b)


def below(a: Any, b: Any) -> Any:
    return join(a.ndim - 2, a, b)


def smaller_side(x: Any) -> Any:
    """min(rows, columns) as an expression."""
    return scalar.minimum(x.shape[x.ndim - 2], x.shape[x.ndim - 1])


def hermitian_of(upper: Any) -> Any:
    """The Hermitian matrix with this upper triangle; of the diagonal only the real part."""
    whole = triu(upper) + adjoint(triu(upper, 1))
    if upper.dtype in complex_dtypes:
        whole = scalar.switch(on_diagonal(whole), cast_to(real(whole), whole.dtype), whole)
    return whole


def or_zero(g: Any, like: Any) -> Any:
    return g if is_connected(g) else zero_for(like)


class Cholesky(MatrixOp):
    """The triangular factor L with L L^H = x (lower) or U with U^H U = x, of positive definite matrices.

    lower      which factor; the same triangle of x is read, and the gradient is by its elements
    on_error   for a matrix that is not positive definite: "raise" LinAlgError, or fill the result with "nan";
               likewise for one that holds NaN or inf (ValueError)

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> Cholesky()(m).eval({m: [[4.0, 0.0], [0.0, 9.0]]}).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """

    __props__ = ("lower", "on_error")

    def __init__(self, lower: bool = True, on_error: str = "raise") -> None:
        if on_error not in ("raise", "nan"):
            raise ValueError(f"cholesky: on_error must be 'raise' or 'nan', got {on_error!r}")
        self.lower = bool(lower)
        self.on_error = on_error

    def make_node(self, x: Any) -> Apply:
        x = square_input("cholesky", x)
        return Apply(self, [x], [result(x.dtype, square_shape(x))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("cholesky", x)
        if self.on_error == "raise":
            require_finite("cholesky", x)
        try:
            factor = np.linalg.cholesky(x, upper=not self.lower)
        except LinAlgError:
            if self.on_error == "raise":
                which = "the matrix" if x.ndim == 2 else "a matrix of the stack"
                raise LinAlgError(
                    f"cholesky: {which} is not positive definite (shape {x.shape}, dtype {x.dtype}); "
                    "add a small multiple of the identity, or use Cholesky(on_error='nan')"
                ) from None
            factor = np.empty(x.shape, x.dtype)
            for position in np.ndindex(x.shape[:-2]):
                try:
                    factor[position] = np.linalg.cholesky(x[position], upper=not self.lower)
                except LinAlgError:
                    factor[position] = np.nan
        if self.on_error == "nan":
            factor[~np.isfinite(x).all((-2, -1))] = np.nan
        output_storage[0][0] = factor

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (factor,), (g,) = inputs, outputs, output_gradients
        if not self.lower:
            factor, g = adjoint(factor), adjoint(g)
        if x.dtype not in complex_dtypes:
            by_x = CholeskyGrad()(factor, g)
            return [gradient_term(x, by_x if self.lower else adjoint(by_x))]
        # inv(L)^H phi inv(L), by two solves
        phi = halved(chain(adjoint(factor), g))
        solve = SolveTriangular(lower=True, trans="C", checked=False)
        inner = adjoint(solve(factor, adjoint(solve(factor, phi))))
        whole = (inner + adjoint(inner)) * np.asarray(0.5, phi.dtype)
        return [gradient_term(x, of_triangle(whole, self.lower))]


QR_MODES = ("reduced", "complete", "r", "raw")


class QRFull(Op):
    """q with orthonormal columns and upper triangular r, q r = x. Of a stack, each matrix by itself.

    mode   "reduced": q has min(rows, columns) columns; "complete": q is square; "raw": LAPACK's (h, tau)
    """

    __props__ = ("mode",)

    def __init__(self, mode: str = "reduced") -> None:
        if mode not in ("reduced", "complete", "raw"):
            raise ValueError(f"QRFull: mode must be 'reduced', 'complete' or 'raw', got {mode!r}")
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        x = matrix_input("qr", x)
        shapes = self._shapes(x.type.shape, smaller)
        return Apply(self, [x], [result(x.dtype, shape) for shape in shapes])

    def _shapes(self, lengths: Sequence[Any], least: Any) -> list[tuple[Any, ...]]:
        *batch, rows, columns = lengths
        if self.mode == "raw":
            return [(*batch, columns, rows), (*batch, least(rows, columns))]
        inner = rows if self.mode == "complete" else least(rows, columns)
        return [(*batch, rows, inner), (*batch, inner, columns)]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        first, second = np.linalg.qr(inputs[0], mode=self.mode)  # type: ignore[call-overload]
        output_storage[0][0], output_storage[1][0] = np.asarray(first), np.asarray(second)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return self._shapes(input_shapes[0], at_most)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (q, r), (by_q, by_r) = inputs, outputs, output_gradients
        if self.mode == "raw":
            raise NotImplementedError("qr: mode 'raw' has no gradient; use mode 'reduced'")
        if not is_connected(by_q) and not is_connected(by_r):
            return [zero_for(x)]
        by_q, by_r = or_zero(by_q, q), or_zero(by_r, r)
        k = smaller_side(x)
        if self.mode == "complete":
            q, by_q = _without_null_space(q, by_q, k)
            r, by_r = rows_until(r, k), rows_until(by_r, k)
        return [gradient_term(x, _qr_gradient(x, q, r, by_q, by_r, k))]


def _qr_gradient(x: Any, q: Any, r: Any, by_q: Any, by_r: Any, k: Any) -> Any:
    """x = [first k columns | rest] = q [u | v], where `rest` is empty unless x is wide."""
    u, by_u, by_v = columns_until(r, k), columns_until(by_r, k), columns_from(by_r, k)
    by_q = by_q + matmul(columns_from(x, k), adjoint(by_v))
    m = matmul(by_u, adjoint(u)) - matmul(adjoint(q), by_q)
    inner = by_q + matmul(q, hermitian_of(m))
    first = adjoint(SolveTriangular(lower=False, checked=False)(u, adjoint(inner)))
    return beside(first, matmul(q, by_v))


class QRIncomplete(Op):
    """The factor r of `qr` alone."""

    __props__ = ("mode",)

    def __init__(self, mode: str = "r") -> None:
        if mode != "r":
            raise ValueError(f"QRIncomplete: mode must be 'r', got {mode!r}")
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        x = matrix_input("qr", x)
        *batch, rows, columns = x.type.shape
        return Apply(self, [x], [result(x.dtype, (*batch, smaller(rows, columns), columns))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.asarray(np.linalg.qr(inputs[0], mode="r"))

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        *batch, rows, columns = input_shapes[0]
        return [(*batch, at_most(rows, columns), columns)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (by_r,) = inputs, output_gradients
        q, r = QRFull("reduced")(x)
        return [gradient_term(x, _qr_gradient(x, q, r, zero_for(q), by_r, smaller_side(x)))]


def qr(a: Any, mode: str = "reduced") -> Any:
    """The factors of a = q r as np.linalg.qr gives them.

    mode   "reduced" or "complete": [q, r]; "r": r alone; "raw": LAPACK's [h, tau]

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> q, r = qr(m)
    >>> bool(abs(matmul(q, r) - m).eval({m: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]}).max() < 1e-12)
    True
    """
    if mode not in QR_MODES:
        raise ValueError(f"qr: mode must be one of {', '.join(QR_MODES)}, got {mode!r}")
    return QRIncomplete("r")(a) if mode == "r" else list(QRFull(mode)(a))


class SVD(Op):
    """u, s and vh with u diag(s) vh = x; s descending, u and v with orthonormal columns.

    full_matrices   u and vh are square; else they have min(rows, columns) columns and rows
    compute_uv      give all three; else s alone
    """

    __props__ = ("full_matrices", "compute_uv")

    def __init__(self, full_matrices: Any = True, compute_uv: Any = True) -> None:
        self.full_matrices = bool(full_matrices)
        self.compute_uv = bool(compute_uv)

    def make_node(self, x: Any) -> Apply:
        x = matrix_input("svd", x)
        shapes = self._shapes(x.type.shape, smaller)
        dtypes = [x.dtype, real_of(x), x.dtype] if self.compute_uv else [real_of(x)]
        return Apply(self, [x], [result(dtype, shape) for dtype, shape in zip(dtypes, shapes)])

    def _shapes(self, lengths: Sequence[Any], least: Any) -> list[tuple[Any, ...]]:
        *batch, rows, columns = lengths
        k = least(rows, columns)
        if not self.compute_uv:
            return [(*batch, k)]
        if self.full_matrices:
            return [(*batch, rows, rows), (*batch, k), (*batch, columns, columns)]
        return [(*batch, rows, k), (*batch, k), (*batch, k, columns)]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        if not x.size:
            found: Any = np.linalg.svd(x, self.full_matrices, self.compute_uv)  # type: ignore[call-overload]
            found = list(found) if self.compute_uv else [found]
        else:
            dtypes = (x.dtype, x.real.dtype, x.dtype) if self.compute_uv else (x.real.dtype,)
            found = [np.empty(shape, dtype) for shape, dtype in zip(self._shapes(x.shape, min), dtypes)]
            for k in np.ndindex(x.shape[:-2]):
                for array, part in zip(found, singular(x[k], self.full_matrices, self.compute_uv)):
                    array[k] = part
        for cell, value in zip(output_storage, found):
            cell[0] = np.asarray(value)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return self._shapes(input_shapes[0], at_most)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,) = inputs
        if not self.compute_uv:
            u, s, vh = SVD(full_matrices=False)(x)
            return [gradient_term(x, matmul(u * cast_to(row(output_gradients[0]), u.dtype), vh))]
        (u, s, vh), (by_u, by_s, by_vh) = outputs, output_gradients
        if not any(map(is_connected, output_gradients)):
            return [zero_for(x)]
        v = adjoint(vh)
        by_v = adjoint(by_vh) if is_connected(by_vh) else by_vh
        if self.full_matrices:
            k = smaller_side(x)
            u, by_u = _without_null_space(u, by_u, k)
            v, by_v = _without_null_space(v, by_v, k)
        return [gradient_term(x, _svd_gradient(x, u, s, v, by_u, by_s, by_v))]


def _without_null_space(u: Any, by_u: Any, k: Any) -> tuple[Any, Any]:
    """The first k columns and their gradient, with what the others (of which only the span matters) add to it."""
    first, null = columns_until(u, k), columns_from(u, k)
    if not is_connected(by_u):
        return first, by_u
    by_first, by_null = columns_until(by_u, k), columns_from(by_u, k)
    return first, by_first - chain(null, adjoint(by_null), first)


def _svd_gradient(x: Any, u: Any, s: Any, v: Any, by_u: Any, by_s: Any, by_v: Any) -> Any:
    uh, vh = adjoint(u), adjoint(v)
    scale = cast_to(s, x.dtype)
    gaps = cast_to(reciprocal_gaps(s * s), x.dtype)
    inner, outside = [], []
    if is_connected(by_s):
        inner.append(diagonal_matrix(by_s, matmul(uh, u)))
    if is_connected(by_u):
        k = matmul(uh, by_u)
        skew = k - adjoint(k)
        inner.append(skew * gaps * row(scale))
        if x.dtype in complex_dtypes:
            inner.append(diagonal_matrix(main_diagonal(skew) / (2 * scale), k))
        outside.append(matmul((by_u - matmul(u, k)) / row(scale), vh))
    if is_connected(by_v):
        k = matmul(vh, by_v)
        inner.append(column(scale) * gaps * (k - adjoint(k)))
        outside.append(matmul(u / row(scale), adjoint(by_v - matmul(v, k))))
    terms = [chain(u, term, vh) for term in inner] + outside
    return summed(x, terms)


def svd(a: Any, full_matrices: Any = 1, compute_uv: Any = 1) -> Any:
    """[u, s, vh] with u diag(s) vh = a as np.linalg.svd gives them, or s alone: see `SVD`.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> svd(m, compute_uv=False).eval({m: [[3.0, 0.0], [0.0, 4.0]]}).round(6).tolist()
    [4.0, 3.0]
    """
    return SVD(full_matrices, compute_uv)(a)


class LU(Op):
    """p, l, u with p l u = x: a permutation, unit lower triangular, upper triangular."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = matrix_input("lu", x)
        return Apply(self, [x], [result(d, s) for d, s in zip(self._dtypes(x), self._shapes(x.type.shape, smaller))])

    def _dtypes(self, x: Any) -> tuple[str, str, str]:
        return real_of(x), x.dtype, x.dtype

    def _shapes(self, lengths: Sequence[Any], least: Any) -> list[tuple[Any, ...]]:
        *batch, rows, columns = lengths
        k = least(rows, columns)
        return [(*batch, rows, rows), (*batch, rows, k), (*batch, k, columns)]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_finite("lu", x)
        *batch, rows, _ = x.shape
        found = [np.zeros(s, d) for s, d in zip(self._shapes(x.shape, min), (x.real.dtype, x.dtype, x.dtype))]
        for position in np.ndindex(*batch):
            if x.size:
                p, l, u = scipy_linalg().lu(x[position], check_finite=False)
                found[0][position], found[1][position], found[2][position] = p.real, l, u
            else:
                found[0][position] = np.eye(rows)
        for cell, array in zip(output_storage, found):
            cell[0] = array

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return self._shapes(input_shapes[0], at_most)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False, True, True]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (p, l, u), (_, by_l, by_u) = inputs, outputs, output_gradients
        if not is_connected(by_l) and not is_connected(by_u):
            return [zero_for(x)]
        by_l, by_u = or_zero(by_l, l), or_zero(by_u, u)
        k = smaller_side(x)
        # rows of p^T x: [a | b] over [c]; l = [l1; l2], u = [u1 | u2], of which one of l2 and u2 is empty
        l1, u1 = rows_until(l, k), columns_until(u, k)
        l2, u2 = rows_from(l, k), columns_from(u, k)
        solve_l = SolveTriangular(lower=True, trans="C", unit_diagonal=True)
        solve_u = SolveTriangular(lower=False)
        by_b = solve_l(l1, columns_from(by_u, k))
        by_c = adjoint(solve_u(u1, adjoint(rows_from(by_l, k))))
        by_l1 = tril(rows_until(by_l, k) - matmul(by_b, adjoint(u2)), -1)
        by_u1 = triu(columns_until(by_u, k) - matmul(adjoint(l2), by_c))
        inner = tril(matmul(adjoint(l1), by_l1), -1) + triu(matmul(by_u1, adjoint(u1)))
        by_a = adjoint(solve_u(u1, adjoint(solve_l(l1, inner))))
        # l2 u2 has no elements: it completes the shape
        blocks = below(beside(by_a, by_b), beside(by_c, matmul(l2, u2)))
        return [gradient_term(x, matmul(cast_to(p, x.dtype), blocks))]


def lu(a: Any, permute_l: bool = False) -> list[Any]:
    """[p, l, u] with p l u = a as scipy.linalg.lu gives them; with `permute_l` [p l, u]."""
    p, l, u = LU()(a)
    return [matmul(cast_to(p, l.dtype), l), u] if permute_l else [p, l, u]
