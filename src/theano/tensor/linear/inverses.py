"""Inverses and determinants: MatrixInverse, Det, SLogDet. The pseudo-inverse is in `pseudo_inverse.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.complex_numbers import imag
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.careduce import Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.linear.matrices import (
    MatrixOp,
    adjoint,
    chain,
    column,
    is_connected,
    real_of,
    require_square,
    result,
    square_input,
    square_shape,
    summed,
)
from theano.tensor.linear.scipy_linalg import wide
from theano.tensor.products import conjugated, gradient_term, transposed


def over_matrix(factor: Any) -> Any:
    """factor[..., None, None]: one factor for each matrix of a stack."""
    return column(column(factor))


def inverted(name: str, x: np.ndarray) -> np.ndarray:
    require_square(name, x)
    try:
        return np.linalg.inv(x)
    except LinAlgError:
        which = "the matrix" if x.ndim == 2 else "a matrix of the stack"
        raise LinAlgError(
            f"{name}: {which} is singular (shape {x.shape}); pinv or lstsq take singular matrices"
        ) from None


class MatrixInverse(MatrixOp):
    """The inverse of square matrices. LinAlgError for a singular one.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> MatrixInverse()(m).eval({m: [[2.0, 1.0], [1.0, 1.0]]}).round(6).tolist()
    [[1.0, -1.0], [-1.0, 2.0]]
    """

    def make_node(self, x: Any) -> Apply:
        x = square_input("inv", x)
        return Apply(self, [x], [result(x.dtype, square_shape(x))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inverted("inv", inputs[0])

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (y,), (g,) = inputs, outputs, output_gradients
        yh = adjoint(y)
        return [gradient_term(x, -chain(yh, g, yh))]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        (x,), (tangent,) = inputs, eval_points
        if tangent is None:
            return [None]
        y = self(x)
        return [-chain(y, tangent, y)]


class Det(Op):
    """The determinant of square matrices. Its gradient is right for singular matrices too.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> float(Det()(m).eval({m: [[2.0, 0.0], [0.0, 4.0]]}))
    8.0
    """

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = square_input("det", x)
        return Apply(self, [x], [result(x.dtype, x.type.shape[:-2])])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("det", x)
        output_storage[0][0] = np.asarray(np.linalg.det(x), x.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[0][:-2])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (g,) = inputs, output_gradients
        return [gradient_term(x, over_matrix(g) * conjugated(Cofactors()(x)))]


class Cofactors(MatrixOp):
    """The cofactors of square matrices, the derivatives of det: det(x) inv(x)^T where x is not singular.

    They exist for singular matrices; their own gradient is given for regular ones only (LinAlgError else).
    """

    def make_node(self, x: Any) -> Apply:
        x = square_input("cofactors", x)
        return Apply(self, [x], [result(x.dtype, square_shape(x))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("cofactors", x)
        doubles = wide(x)
        found = _regular_cofactors(doubles)
        output_storage[0][0] = np.asarray(_cofactors(doubles) if found is None else found, x.dtype)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (c,), (g,) = inputs, outputs, output_gradients
        y = MatrixInverse()(x)
        yh = adjoint(y)
        weight = Sum((x.ndim - 2, x.ndim - 1))(conjugated(c) * g)
        term = over_matrix(weight) * yh - over_matrix(conjugated(Det()(x))) * chain(yh, transposed(g), yh)
        return [gradient_term(x, term)]


def _regular_cofactors(x: np.ndarray) -> np.ndarray | None:
    """Cofactors by the inverse; None where a matrix is so near to a singular one that this would lose half the digits,
    or the determinant leaves the range of its dtype."""
    try:
        inverse = np.linalg.inv(x)
    except LinAlgError:
        return None
    limits = np.finfo(x.dtype)
    determinant = np.linalg.det(x)
    condition = np.abs(x).sum(-1).max(-1, initial=0) * np.abs(inverse).sum(-1).max(-1, initial=0)
    size = np.abs(determinant)
    if not np.all((condition < limits.eps**-0.5) & (size > limits.tiny) & (size < limits.max)):
        return None
    return np.asarray(determinant[..., None, None] * np.swapaxes(inverse, -1, -2), x.dtype)


def _cofactors(x: np.ndarray) -> np.ndarray:
    """Of u s vh: det(u) det(vh) times the products of all other singular values, without a quotient."""
    finite = np.isfinite(x).all((-2, -1))[..., None, None]
    u, s, vh = np.linalg.svd(np.where(finite, x, 0))
    others = np.ones_like(s)
    for k in range(s.shape[-1]):
        others[..., k] = np.prod(np.delete(s, k, axis=-1), axis=-1)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    cofactors = phase[..., None, None] * np.matmul(u.conj() * others[..., None, :], vh.conj())
    return np.asarray(np.where(finite, cofactors, np.nan), x.dtype)


class SLogDet(Op):
    """Sign and logarithm of the modulus of the determinant: det = sign exp(logabsdet). Of a singular matrix 0, -inf."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = square_input("slogdet", x)
        batch = x.type.shape[:-2]
        return Apply(self, [x], [result(x.dtype, batch), result(real_of(x), batch)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("slogdet", x)
        sign, logarithm = np.linalg.slogdet(x)
        output_storage[0][0] = np.asarray(sign, x.dtype)
        output_storage[1][0] = np.asarray(logarithm, x.real.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        batch = tuple(input_shapes[0][:-2])
        return [batch, batch]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (sign, _), (by_sign, by_log) = inputs, outputs, output_gradients
        terms = []
        if is_connected(by_log):
            terms.append(by_log)
        if is_connected(by_sign) and x.dtype in complex_dtypes:
            # d sign = i sign Im(tr(inv(x) dx))
            terms.append(np.asarray(1j, x.dtype) * imag(conjugated(sign) * by_sign))
        if not terms:
            return [summed(x, [])]
        weight = terms[0] if len(terms) == 1 else terms[0] + terms[1]
        return [gradient_term(x, over_matrix(weight) * adjoint(MatrixInverse()(x)))]


def slogdet(x: Any) -> list[Any]:
    """[sign, logabsdet] of square matrices: see `SLogDet`.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> [round(float(r.eval({m: [[-1.0, 0.0], [0.0, 1.0]]})), 6) for r in slogdet(m)]
    [-1.0, 0.0]
    """
    return list(SLogDet()(as_tensor_variable(x)))
