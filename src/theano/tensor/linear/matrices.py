"""What all linear algebra needs: checks of inputs, types of outputs, and expressions on stacks of matrices.

A stack of matrices has its matrices along the last two axes. The gradient of a real cost by a complex matrix X is
dC/dRe(X) + i dC/dIm(X); of F with dF = P dX Q it is P^H G Q^H, with G the gradient by F.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.linalg import LinAlgError

from theano import scalar
from theano.graph.op import Op
from theano.graph.type import DisconnectedType
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, float_dtypes, real_dtype
from theano.tensor.convert import as_tensor_variable
from theano.tensor.diagonal import diagonal
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.products import conjugated, gradient_term, matmul, transposed
from theano.tensor.region import zero_for
from theano.tensor.triangles import eye, tril, triu
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def matrix_input(name: str, x: Any, ndim: int | None = None) -> Any:
    """x as a matrix or a stack of matrices of float32, float64 or complex; integers and bool become float64.

    ndim   the only rank that is taken; None: two or more
    Raises numpy's LinAlgError for other ranks, TypeError for float16, which LAPACK does not have.
    """
    x = as_numbers(name, x)
    if x.ndim < 2 or ndim not in (None, x.ndim):
        wanted = "a matrix or a stack of matrices" if ndim is None else f"a tensor with {ndim} axes"
        raise LinAlgError(f"{name} takes {wanted}, got {x} of type {x.type} with {x.ndim} axes")
    return x


def as_numbers(name: str, x: Any) -> Any:
    """x as a tensor of float32, float64 or complex."""
    x = as_tensor_variable(x)
    if x.dtype in discrete_dtypes:
        return cast_to(x, "float64")
    if x.dtype not in (*float_dtypes, *complex_dtypes) or x.dtype == "float16":
        raise TypeError(f"{name}: linear algebra has no {x.dtype} ({x} of type {x.type}); use x.astype('float32')")
    return x


def square_input(name: str, x: Any) -> Any:
    """`matrix_input`, after a check that the last two axes are not known to differ."""
    x = matrix_input(name, x)
    rows, columns = x.type.shape[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise LinAlgError(f"{name} takes square matrices, got {x} of type {x.type}: {rows} rows, {columns} columns")
    return x


def side(x: Any) -> int | None:
    """The static length of the last two axes of a stack of square matrices."""
    rows, columns = x.type.shape[-2:]
    return columns if rows is None else rows


def square_shape(x: Any) -> tuple[int | None, ...]:
    """The static shape of a stack of square matrices."""
    return (*x.type.shape[:-2], side(x), side(x))


def require_square(name: str, x: np.ndarray) -> None:
    if x.shape[-1] != x.shape[-2]:
        raise LinAlgError(f"{name} takes square matrices, got shape {x.shape}")


def require_finite(name: str, *arrays: np.ndarray) -> None:
    """ValueError for NaN and inf, as SciPy's functions raise it (NumPy's do not)."""
    for x in arrays:
        if not np.isfinite(x).all():
            raise ValueError(f"{name}: an array of shape {x.shape} holds NaN or inf")


def result(dtype: str, shape: Sequence[int | None]) -> TensorVariable:
    """A new variable of this dtype and static shape."""
    return TensorVariable(tensor_type(dtype, tuple(shape)))


def smaller(a: int | None, b: int | None) -> int | None:
    """The static length min(a, b)."""
    if a is None or b is None:
        return 0 if 0 in (a, b) else None
    return min(a, b)


def real_of(x: Any) -> str:
    """The dtype of singular values and norms of x."""
    return real_dtype(x.dtype)


def is_connected(g: Any) -> bool:
    return not isinstance(g.type, DisconnectedType)


# -- expressions ------------------------------------------------------------------------------------------------


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return conjugated(transposed(x))


def chain(*factors: Any) -> Any:
    """The matrix product of all factors, from the left."""
    product = factors[0]
    for factor in factors[1:]:
        product = matmul(product, factor)
    return product


def column(d: Any) -> Any:
    """d[..., None]: multiplies the rows of a matrix, one factor each."""
    return dimshuffle(d, [*range(d.ndim), "x"])


def row(d: Any) -> Any:
    """d[..., None, :]: multiplies the columns of a matrix, one factor each."""
    return dimshuffle(d, [*range(d.ndim - 1), "x", d.ndim - 1])


def main_diagonal(x: Any) -> Any:
    return diagonal(x, 0, x.ndim - 2, x.ndim - 1)


def on_diagonal(x: Any) -> Any:
    """The mask of the main diagonal of x."""
    return eye(x.shape[x.ndim - 2], x.shape[x.ndim - 1], dtype="bool")


def zero_of(x: Any) -> np.ndarray:
    return np.zeros((), x.dtype)


def diagonal_part(x: Any) -> Any:
    """x with zeros off the main diagonal."""
    return scalar.switch(on_diagonal(x), x, zero_of(x))


def without_diagonal(x: Any) -> Any:
    return scalar.switch(on_diagonal(x), zero_of(x), x)


def triangle(x: Any, lower: bool) -> Any:
    return tril(x) if lower else triu(x)


def of_triangle(gradient: Any, lower: bool) -> Any:
    """The gradient by the triangle that an op reads, from the gradient by the whole Hermitian matrix made of it.

    The matrix is T + strict(T)^H, of the diagonal only the real part: the other triangle gets zero.
    """
    if lower:
        whole = tril(gradient) + adjoint(triu(gradient, 1))
    else:
        whole = triu(gradient) + adjoint(tril(gradient, -1))
    if gradient.dtype in complex_dtypes:
        whole = scalar.switch(on_diagonal(whole), cast_to(scalar.real(whole), whole.dtype), whole)
    return whole


def of_symmetric_triangle(gradient: Any, lower: bool) -> Any:
    """`of_triangle` for the matrix T + strict(T)^T, which is symmetric but not Hermitian."""
    if lower:
        return tril(gradient) + transposed(triu(gradient, 1))
    return triu(gradient) + transposed(tril(gradient, -1))


def reciprocal_gaps(values: Any) -> Any:
    """1 / (values[j] - values[i]) at row i, column j; zero on the diagonal, inf where two values are equal."""
    gaps = row(values) - column(values)
    return without_diagonal(1 / scalar.switch(on_diagonal(gaps), np.ones((), gaps.dtype), gaps))


def summed(x: Any, terms: Sequence[Any]) -> Any:
    """The sum of the gradient terms of x, in its dtype; zero if there are none."""
    if not terms:
        return zero_for(x)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return gradient_term(x, total)


class MatrixOp(Op):
    """Base of ops on one stack of square matrices of which the results have the shape of the input."""

    __props__: ClassVar[tuple[str, ...]] = ()

    def infer_shape(self, node: Any, input_shapes: Sequence[Any]) -> list[Any]:
        (lengths,) = input_shapes
        return [tuple(lengths) for _ in node.outputs]
