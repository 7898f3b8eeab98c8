"""CholeskyGrad: the gradient by a positive definite matrix, from that by its Cholesky factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano import scalar
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.linear.matrices import (
    chain,
    on_diagonal,
    require_square,
    result,
    square_input,
    square_shape,
)
from theano.tensor.linear.scipy_linalg import scipy_linalg
from theano.tensor.linear.solving import SolveTriangular
from theano.tensor.products import gradient_term, matmul, same_dtype, transposed
from theano.tensor.triangles import tril

NAME = "gradient of cholesky"


class CholeskyGrad(Op):
    """The gradient by the lower triangle of real matrices, from their lower Cholesky factors and the gradient by these.

    Of both inputs the lower triangle is read; above its diagonal the result is zero. It is

        tril(s) + triu(s, 1)^T  with  s = (x + x^T) / 2,  x = inv(L)^T p inv(L),  p = half(tril(L^T g))

    where half() halves the diagonal (I. Murray, "Differentiation of the Cholesky decomposition", 2016). NaN or inf in a
    factor or a gradient make the whole result of that matrix NaN.
    """

    __props__ = ()

    def make_node(self, factor: Any, gradient: Any) -> Apply:
        factor, gradient = same_dtype(NAME, square_input(NAME, factor), square_input(NAME, gradient))
        if factor.dtype in complex_dtypes:
            raise TypeError(f"{NAME} takes real matrices, got {factor} of type {factor.type}")
        if factor.ndim != gradient.ndim:
            raise LinAlgError(f"{NAME}: {factor.type} and {gradient.type} do not fit ({factor}, {gradient})")
        return Apply(self, [factor, gradient], [result(factor.dtype, square_shape(factor))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        factor, gradient = inputs
        require_square(NAME, factor)
        if factor.shape != gradient.shape:
            raise LinAlgError(f"{NAME}: shapes {factor.shape} and {gradient.shape} do not fit")
        found = np.empty(factor.shape, factor.dtype)
        if found.size:
            for k in np.ndindex(factor.shape[:-2]):
                found[k] = _gradient(np.tril(factor[k]), np.tril(gradient[k]))
        output_storage[0][0] = found

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[0])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (factor, gradient), (found,), (by_found,) = inputs, outputs, output_gradients
        # w and q are symmetric: the gradients by x and by p
        w = tril(by_found) + transposed(tril(by_found, -1))
        solve = SolveTriangular(lower=True, checked=False)
        right = transposed(solve(factor, w))
        q = halved(solve(factor, right))
        twice = found + transposed(found)
        by_factor = matmul(tril(gradient), transposed(q)) - matmul(twice, right)
        return [gradient_term(factor, tril(by_factor)), gradient_term(gradient, chain(tril(factor), q))]


def halved(x: Any) -> Any:
    """The lower triangle with half of its diagonal."""
    lower = tril(x)
    return scalar.switch(on_diagonal(lower), lower * np.asarray(0.5, lower.dtype), lower)


def _gradient(factor: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    if not (np.isfinite(factor).all() and np.isfinite(gradient).all()):
        return np.asarray(np.tril(np.full_like(factor, np.nan)))
    trsm = scipy_linalg().blas.get_blas_funcs("trsm", (factor,))
    p = np.tril(factor.T @ gradient)
    p[np.diag_indices_from(p)] *= 0.5
    # op(a) of the transpose, which lies in Fortran's order
    x = trsm(1, factor.T, trsm(1, factor.T, p), side=1, trans_a=1)
    return np.asarray(np.tril(x) + np.triu(x, 1).T)
