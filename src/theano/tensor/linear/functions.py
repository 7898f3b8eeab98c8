"""Functions of matrices: exponential, powers, norms, Kronecker product, tensor equations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano import scalar
from theano.graph.node import Apply
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.careduce import normalized_axes, reduced_axes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import zeros_like
from theano.tensor.diagonal import diagonal
from theano.tensor.diagonal import trace as trace_of
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.linear.factors import below, beside, columns_from, rows_until, svd
from theano.tensor.linear.inverses import MatrixInverse
from theano.tensor.linear.matrices import (
    MatrixOp,
    adjoint,
    as_numbers,
    require_square,
    result,
    square_input,
    square_shape,
)
from theano.tensor.linear.scipy_linalg import scipy_linalg
from theano.tensor.linear.solving import Solve
from theano.tensor.products import dot, gradient_term, length, matmul
from theano.tensor.reductions import max as max_of
from theano.tensor.reductions import min as min_of
from theano.tensor.reductions import sum as sum_of
from theano.tensor.shape import reshape
from theano.tensor.triangles import eye


class Expm(MatrixOp):
    """The exponential of square matrices.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> Expm()(m).eval({m: [[0.0, 1.0], [0.0, 0.0]]}).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """

    def make_node(self, x: Any) -> Apply:
        x = square_input("expm", x)
        return Apply(self, [x], [result(x.dtype, square_shape(x))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("expm", x)
        output_storage[0][0] = np.asarray(scipy_linalg().expm(x), x.dtype) if x.size else x.copy()

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [gradient_term(inputs[0], ExpmGrad()(inputs[0], output_gradients[0]))]


class ExpmGrad:
    """Builds the gradient of Expm: ExpmGrad()(x, gz). A function of functions, no op.

    It is the upper right block of the exponential of [[x^H, gz], [0, x^H]].
    """

    def __call__(self, x: Any, by_output: Any) -> Any:
        xh, n = adjoint(x), x.shape[x.ndim - 1]
        block = below(beside(xh, by_output), beside(zeros_like(xh), xh))
        return columns_from(rows_until(Expm()(block), n), n)


def matrix_dot(*args: Any) -> Any:
    """The product of all arguments, from the left: matrix_dot(a, b, c) is dot(dot(a, b), c)."""
    if not args:
        raise TypeError("matrix_dot needs at least one matrix")
    product = as_tensor_variable(args[0])
    for factor in args[1:]:
        product = dot(product, factor)
    return product


def matrix_power(M: Any, n: int) -> Any:
    """The n-th power of square matrices, by repeated squaring; of the inverse if n is negative.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> matrix_power(m, 3).eval({m: [[1.0, 1.0], [0.0, 1.0]]}).tolist()
    [[1.0, 3.0], [0.0, 1.0]]
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: the exponent must be a Python integer, got {n!r}")
    M = as_tensor_variable(M)
    if M.ndim < 2:
        raise LinAlgError(f"matrix_power takes square matrices, got {M} of type {M.type}")
    if n < 0:
        M, n = MatrixInverse()(M), -n
    elif n == 0:
        size = M.shape[M.ndim - 1]
        return zeros_like(M) + eye(size, size, dtype=M.dtype)
    power, square, rest = None, M, int(n)
    while rest:
        if rest & 1:
            power = square if power is None else matmul(power, square)
        rest >>= 1
        if rest:
            square = matmul(square, square)
    if n > 1:
        return power
    # also for n = 1 the matrix must be square: of another this product does not exist
    rows = M.shape[M.ndim - 2]
    return matmul(M, eye(rows, rows, dtype=M.dtype))


def trace(X: Any) -> Any:
    """The sum of the main diagonal of a matrix."""
    return trace_of(_matrix("trace", X))


def extract_diag(x: Any) -> Any:
    """The main diagonal of a matrix."""
    return diagonal(_matrix("extract_diag", x))


def _matrix(name: str, x: Any) -> Any:
    x = as_tensor_variable(x)
    if x.ndim != 2:
        raise TypeError(f"{name} takes a matrix, got {x} of type {x.type} with {x.ndim} axes")
    return x


_INFINITE = {"inf": np.inf, "-inf": -np.inf}


def norm(x: Any, ord: Any = None) -> Any:
    """The norm of a vector or a matrix, as np.linalg.norm gives it.

    ord   of vectors: None or 2, "inf", "-inf", 0 (how many elements are not zero), or any number p;
          of matrices: None or "fro", "inf", "-inf", 1, -1 (sums of rows or columns), 2, -2, "nuc" (singular values)
    At 0 the gradient of a Euclidean norm is NaN.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> float(norm(v).eval({v: [3.0, 4.0]})), float(norm(v, "inf").eval({v: [3.0, 4.0]}))
    (5.0, 4.0)
    """
    x = as_numbers("norm", x)
    key = _INFINITE.get(ord, ord) if isinstance(ord, str) else ord
    if x.ndim == 1:
        return _vector_norm(x, key)
    if x.ndim == 2:
        return _matrix_norm(x, key)
    raise ValueError(f"norm takes a vector or a matrix, got {x} of type {x.type} with {x.ndim} axes")


def _euclidean(x: Any) -> Any:
    squares = scalar.sqr(abs(x)) if x.dtype in complex_dtypes else scalar.sqr(x)
    return scalar.sqrt(sum_of(squares))


def _vector_norm(x: Any, key: Any) -> Any:
    if key is None or key == 2:
        return _euclidean(x)
    if isinstance(key, str) or np.ndim(key):
        raise ValueError(f"norm: a vector has no norm of order {key!r}")
    if key == np.inf:
        return max_of(abs(x))
    if key == -np.inf:
        return min_of(abs(x))
    if key == 0:
        return sum_of(cast_to(scalar.neq(x, np.zeros((), x.dtype)), abs(x).dtype))
    if key == 1:
        return sum_of(abs(x))
    absolute = abs(x)
    order = np.asarray(key, absolute.dtype)
    return sum_of(absolute**order) ** (1 / order)


def _matrix_norm(x: Any, key: Any) -> Any:
    if key in (None, "fro"):
        return _euclidean(x)
    if key in (1, -1, np.inf, -np.inf):
        sums = sum_of(abs(x), axis=0 if abs(key) == 1 else 1)
        return max_of(sums) if key > 0 else min_of(sums)
    if key in (2, -2, "nuc"):
        values = svd(x, compute_uv=False)
        return sum_of(values) if key == "nuc" else max_of(values) if key == 2 else min_of(values)
    raise ValueError(f"norm: a matrix has no norm of order {key!r}")


def kron(a: Any, b: Any) -> Any:
    """The Kronecker product, as np.kron gives it: every element of a times the whole of b.

    One of the two must be a matrix at least: TypeError for two vectors or scalars.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> kron(m, m).eval({m: [[1.0, 2.0]]}).tolist()
    [[1.0, 2.0, 2.0, 4.0]]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim + b.ndim <= 2:
        raise TypeError(
            f"kron: the ranks of the arguments must sum to more than 2, got {a} of type {a.type} and {b} of type "
            f"{b.type}; of two vectors, outer(a, b).flatten() is it"
        )
    ndim = max(a.ndim, b.ndim)
    a, b = (dimshuffle(v, [*["x"] * (ndim - v.ndim), *range(v.ndim)]) for v in (a, b))
    apart = [part for k in range(ndim) for part in (k, "x")], [part for k in range(ndim) for part in ("x", k)]
    product = dimshuffle(a, apart[0]) * dimshuffle(b, apart[1])
    return reshape(product, [length(a, k) * length(b, k) for k in range(ndim)], ndim=ndim)


def _product(lengths: Sequence[Any]) -> Any:
    product: Any = 1
    for n in lengths:
        product = product * n
    return product


class TensorInv:
    """Builds the inverse of a tensordot: see `tensorinv`. A function of functions, no op."""

    def __init__(self, ind: int = 2) -> None:
        if isinstance(ind, bool) or not isinstance(ind, (int, np.integer)) or ind <= 0:
            raise ValueError(f"tensorinv: ind must be a positive integer, got {ind!r}")
        self.ind = int(ind)

    def __call__(self, a: Any) -> Any:
        a, ind = as_numbers("tensorinv", a), self.ind
        if ind >= a.ndim:
            raise LinAlgError(f"tensorinv: ind={ind} needs more than {ind} axes, got {a} of type {a.type}")
        lengths = [length(a, k) for k in range(a.ndim)]
        matrix = reshape(a, [_product(lengths[:ind]), _product(lengths[ind:])], ndim=2)
        return reshape(MatrixInverse()(matrix), [*lengths[ind:], *lengths[:ind]], ndim=a.ndim)


class TensorSolve:
    """Builds the solution of a tensordot equation: see `tensorsolve`. A function of functions, no op."""

    def __init__(self, axes: Any = None) -> None:
        self.axes = None if axes is None else tuple(int(k) for k in axes)

    def __call__(self, a: Any, b: Any) -> Any:
        a, b = as_numbers("tensorsolve", a), as_numbers("tensorsolve", b)
        if b.ndim > a.ndim:
            raise LinAlgError(f"tensorsolve: {b} of type {b.type} has more axes than {a} of type {a.type}")
        if self.axes is not None:
            moved = reduced_axes(normalized_axes(self.axes, a.ndim, "tensorsolve"), a.ndim)
            last = [k % a.ndim for k in self.axes]
            a = dimshuffle(a, [*(k for k in range(a.ndim) if k not in moved), *last])
        lengths = [length(a, k) for k in range(a.ndim)]
        matrix = reshape(a, [_product(lengths[: b.ndim]), _product(lengths[b.ndim :])], ndim=2)
        return reshape(Solve()(matrix, b.flatten()), lengths[b.ndim :], ndim=a.ndim - b.ndim)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of the map x -> tensordot(a, x) over the last axes of a, as np.linalg.tensorinv.

    ind   how many axes of a, from the first, index the result of that map
    """
    return TensorInv(ind)(a)


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with tensordot(a, x, x.ndim) = b, as np.linalg.tensorsolve.

    axes   axes of a that are moved to its end first
    """
    return TensorSolve(axes)(a, b)
