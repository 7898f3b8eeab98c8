"""Eigenvalues and eigenvectors: Eig (general), Eigh (Hermitian), Eigvalsh and GeneralisedEigh (a v = w b v).

Gradients through eigenvectors exist where the eigenvalues differ; where two are equal they are NaN or inf. Complex
eigenvectors of Hermitian matrices have an arbitrary phase, on which a cost must not depend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.comparison import eq
from theano.scalar.complex_numbers import imag, real
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.argmax import Argmax
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.linear.inverses import MatrixInverse
from theano.tensor.linear.matrices import (
    adjoint,
    chain,
    column,
    diagonal_part,
    is_connected,
    main_diagonal,
    matrix_input,
    of_triangle,
    real_of,
    reciprocal_gaps,
    require_finite,
    require_square,
    result,
    row,
    side,
    square_input,
    square_shape,
)
from theano.tensor.linear.scipy_linalg import hermitian_spectrum, real_spectrum, scipy_linalg
from theano.tensor.products import conjugated, gradient_term, same_dtype, transposed
from theano.tensor.ranges import arange
from theano.tensor.region import zero_for


class Eig(Op):
    """Eigenvalues and right eigenvectors (the columns) of square matrices, in no particular order.

    Real matrices give real results: where an eigenvalue of one is complex, LinAlgError asks for a complex matrix.
    Eigenvectors have norm 1; of complex ones the component of the largest modulus is real.
    """

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = square_input("eig", x)
        shape = square_shape(x)
        return Apply(self, [x], [result(x.dtype, shape[:-1]), result(x.dtype, shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        require_square("eig", x)
        if np.iscomplexobj(x):
            output_storage[0][0], output_storage[1][0] = np.linalg.eig(x)
            return
        if not np.isfinite(x).all():
            raise LinAlgError(f"eig: a matrix of shape {x.shape} holds NaN or inf")
        w, imaginary, v = real_spectrum(x)
        if imaginary.any():
            raise LinAlgError(
                f"eig: a real matrix of shape {x.shape} has complex eigenvalues; "
                "give it a complex matrix, as in eig(x.astype('complex128'))"
            )
        output_storage[0][0], output_storage[1][0] = w, v

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (lengths,) = input_shapes
        return [tuple(lengths[:-1]), tuple(lengths)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (w, v), (by_w, by_v) = inputs, outputs, output_gradients
        vh = adjoint(v)
        parts = [diagonal_matrix(by_w, v)] if is_connected(by_w) else []
        if is_connected(by_v):
            # dv = v m with m[i, j] = (inv(v) dx v)[i, j] / (w[j] - w[i]); the diagonal keeps norm and phase
            k = chain(vh, by_v)
            along = main_diagonal(k)
            if x.dtype in complex_dtypes:
                phase = cast_to(imag(along), x.dtype) * np.asarray(1j, x.dtype)
                k = k - chain(vh, v) * row(cast_to(real(along), x.dtype)) - row(phase) * conjugated(_by_largest(v))
            else:
                k = k - chain(vh, v) * row(along)
            parts.append(k * conjugated(reciprocal_gaps(w)))
        if not parts:
            return [zero_for(x)]
        inner = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return [gradient_term(x, chain(adjoint(MatrixInverse()(v)), inner, vh))]


def _by_largest(v: Any) -> Any:
    """v[k, i] / v[k, j] at row i, column j, with k the position of the largest component of column j."""
    largest = Argmax((v.ndim - 2,))(abs(v))
    positions = dimshuffle(arange(v.shape[v.ndim - 2]), [*["x"] * (v.ndim - 2), 0, "x"])
    chosen = chain(transposed(cast_to(eq(positions, row(largest)), v.dtype)), v)
    return transposed(chosen / column(main_diagonal(chosen)))


def diagonal_matrix(d: Any, like: Any) -> Any:
    """The diagonal matrices of the vectors d, in the dtype and shape of the square matrices `like`."""
    return diagonal_part(cast_to(row(d), like.dtype) + like * np.zeros((), like.dtype))


class Eigh(Op):
    """Ascending eigenvalues and orthonormal eigenvectors (the columns) of symmetric or Hermitian matrices.

    UPLO   the triangle that is read, "L" or "U": the gradient is by its elements
    """

    __props__ = ("UPLO",)

    def __init__(self, UPLO: str = "L") -> None:
        if UPLO not in ("L", "U"):
            raise ValueError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
        self.UPLO = UPLO

    def make_node(self, x: Any) -> Apply:
        x = square_input("eigh", x)
        shape = square_shape(x)
        return Apply(self, [x], [result(real_of(x), shape[:-1]), result(x.dtype, shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        require_square("eigh", inputs[0])
        w, v = hermitian_spectrum(inputs[0], self.UPLO == "L")
        output_storage[0][0], output_storage[1][0] = w, v

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (lengths,) = input_shapes
        return [tuple(lengths[:-1]), tuple(lengths)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [EighGrad(self.UPLO)(*inputs, *outputs, *output_gradients)]


class EighGrad:
    """Builds the gradient of Eigh: EighGrad(UPLO)(x, w, v, gw, gv). A function of functions, no op."""

    def __init__(self, UPLO: str = "L") -> None:
        self.UPLO = Eigh(UPLO).UPLO

    def __call__(self, x: Any, w: Any, v: Any, by_w: Any, by_v: Any) -> Any:
        inner = _inner(w, v, by_w, by_v)
        if inner is None:
            return zero_for(x)
        return gradient_term(x, of_triangle(chain(v, inner, adjoint(v)), self.UPLO == "L"))


def _scaled(v: Any, factors: Any) -> Any:
    """The columns of v times the factors, one each."""
    return v * cast_to(row(factors), v.dtype)


def _inner(w: Any, v: Any, by_w: Any, by_v: Any) -> Any:
    """The gradient in the basis of the eigenvectors v, but for what keeps their norm; None if it is zero."""
    parts = [diagonal_matrix(by_w, v)] if is_connected(by_w) else []
    if is_connected(by_v):
        parts.append(chain(adjoint(v), by_v) * cast_to(reciprocal_gaps(w), v.dtype))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


class GeneralisedEigh(Op):
    """Ascending eigenvalues and eigenvectors of a v = w b v, of one pair of Hermitian matrices, b positive definite.

    The eigenvectors are the columns of v, with v^H b v = 1.
    lower   the triangle that is read
    """

    __props__ = ("lower",)

    def __init__(self, lower: bool = True) -> None:
        self.lower = bool(lower)

    def make_node(self, a: Any, b: Any) -> Apply:
        a, b = _pair("eigh", a, b)
        shape = _pair_shape(a, b)
        return Apply(self, [a, b], [result(real_of(a), shape[:-1]), result(a.dtype, shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, b = inputs
        w, v = _generalised("eigh", a, b, self.lower, False)
        output_storage[0][0], output_storage[1][0] = w, v

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[0][:-1]), tuple(input_shapes[0])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, b), (w, v), (by_w, by_v) = inputs, outputs, output_gradients
        inner, vh = _inner(w, v, by_w, by_v), adjoint(v)
        if inner is None:
            return [zero_for(a), zero_for(b)]
        by_a = chain(v, inner, vh)
        inner_b = inner * cast_to(row(w), v.dtype)
        if is_connected(by_v):
            inner_b = inner_b + diagonal_part(chain(vh, by_v)) * np.asarray(0.5, v.dtype)
        by_b = -chain(v, inner_b, vh)
        return [gradient_term(x, of_triangle(g, self.lower)) for x, g in ((a, by_a), (b, by_b))]


def _pair(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    a, b = (matrix_input(name, x, ndim=2) for x in (a, b))
    a, b = (square_input(name, x) for x in same_dtype(name, a, b))
    if side(a) is not None and side(b) is not None and side(a) != side(b):
        raise LinAlgError(f"{name}: {a} of type {a.type} and {b} of type {b.type} must have the same shape")
    return a, b


def _pair_shape(a: Any, b: Any) -> tuple[int | None, int | None]:
    n = side(b) if side(a) is None else side(a)
    return n, n


def _generalised(name: str, a: Any, b: Any, lower: bool, only_values: bool) -> Any:
    require_square(name, a)
    if a.shape != b.shape:
        raise LinAlgError(f"{name}: the matrices must have the same shape, got {a.shape} and {b.shape}")
    require_finite(name, a, b)
    if not a.size:
        w = np.zeros(0, a.real.dtype)
        return w if only_values else (w, np.zeros((0, 0), a.dtype))
    try:
        return scipy_linalg().eigh(a, b, lower=lower, eigvals_only=only_values, check_finite=False)
    except LinAlgError as error:
        raise LinAlgError(f"{name}: {error} (shape {a.shape}); b must be positive definite") from None


class Eigvalsh(Op):
    """Ascending eigenvalues w of a v = w b v, of Hermitian matrices; of a v = w v if b is None.

    lower          the triangle that is read, of a and of b: the gradients are by its elements
    check_finite   ValueError for NaN and inf; else NaN comes out, as of np.linalg.eigvalsh; b None
    With b, a and b are single matrices.
    """

    __props__ = ("lower", "check_finite")

    def __init__(self, lower: bool = True, check_finite: bool = True) -> None:
        if lower not in (True, False):
            raise ValueError(f"eigvalsh: lower must be True or False, got {lower!r}")
        self.lower = bool(lower)
        self.check_finite = bool(check_finite)

    def make_node(self, a: Any, b: Any = None) -> Apply:
        if b is None or (hasattr(b, "type") and not hasattr(b.type, "dtype")):
            a = square_input("eigvalsh", a)
            return Apply(self, [a], [result(real_of(a), square_shape(a)[:-1])])
        a, b = _pair("eigvalsh", a, b)
        return Apply(self, [a, b], [result(real_of(a), _pair_shape(a, b)[:1])])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, *b = inputs
        if b:
            output_storage[0][0] = _generalised("eigvalsh", a, b[0], self.lower, True)
        else:
            require_square("eigvalsh", a)
            if self.check_finite:
                require_finite("eigvalsh", a)
            try:
                output_storage[0][0] = np.linalg.eigvalsh(a, "L" if self.lower else "U")
            except LinAlgError:
                raise LinAlgError(f"eigvalsh: the eigenvalues did not converge (shape {a.shape})") from None

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[0][:-1])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        terms = EigvalshGrad(self.lower)(*inputs, *output_gradients)
        return terms if isinstance(terms, list) else [terms]


class EigvalshGrad:
    """Builds the gradients of Eigvalsh: EigvalshGrad(lower)(a, gw), or (a, b, gw) for both. No op."""

    def __init__(self, lower: bool = True) -> None:
        self.lower = Eigvalsh(lower).lower

    def __call__(self, a: Any, *rest: Any) -> Any:
        a, *b, by_w = map(as_tensor_variable, (a, *rest))
        unused = disconnected_type()
        if not b:
            op = Eigh("L" if self.lower else "U")
            return op.L_op([a], op(a), [by_w, unused])[0]
        general = GeneralisedEigh(self.lower)
        return general.L_op([a, b[0]], general(a, b[0]), [by_w, unused])


def eigh(a: Any, UPLO: str = "L") -> list[Any]:
    """[eigenvalues in ascending order, eigenvectors in columns] of Hermitian matrices, by the triangle UPLO.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> values, vectors = eigh(m)
    >>> values.eval({m: [[2.0, 0.0], [0.0, 1.0]]}).tolist()
    [1.0, 2.0]
    """
    return list(Eigh(UPLO)(a))


def eigvalsh(a: Any, b: Any = None, lower: bool = True) -> Any:
    """Ascending eigenvalues of Hermitian a, or of the pair a v = w b v: see `Eigvalsh`."""
    return Eigvalsh(lower)(a, b)
