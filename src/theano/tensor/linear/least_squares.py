"""Least squares: Lstsq."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano import scalar
from theano.graph.clone import equal_computations
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.indexing import getitem
from theano.tensor.joining import join
from theano.tensor.lengths import at_most
from theano.tensor.linear.factors import SVD
from theano.tensor.linear.matrices import (
    adjoint,
    as_numbers,
    column,
    is_connected,
    matrix_input,
    real_of,
    result,
    row,
    smaller,
    summed,
)
from theano.tensor.linear.pseudo_inverse import MatrixPinv, by_products, by_singular_values, is_negligible
from theano.tensor.products import differ, matmul, same_dtype
from theano.tensor.region import zero_for


class Lstsq(Op):
    """Least squares of |b - a x|: [solution, sums of squared residuals, rank, singular values], as np.linalg.lstsq.

    Inputs: a matrix, a vector or matrix b, and `rcond`: singular values up to rcond times the largest count as zero
    (None: the machine precision times the larger side of a; -1: the machine precision).
    The residuals are empty unless a has full column rank and more rows than columns. Gradients are those at constant
    rank, that is for a constant number of singular values that count as zero.
    """

    __props__ = ()

    def make_node(self, a: Any, b: Any, rcond: Any = None) -> Apply:
        a = matrix_input("lstsq", a, ndim=2)
        a, b = same_dtype("lstsq", a, as_numbers("lstsq", b))
        if b.ndim not in (1, 2):
            raise LinAlgError(f"lstsq: b must be a vector or a matrix, got {b} of type {b.type}")
        if differ(a.type.shape[0], b.type.shape[0]):
            raise LinAlgError(f"lstsq: {a} of type {a.type} and {b} of type {b.type} must have equally many rows")
        rows, columns = a.type.shape
        if rcond is None:
            rcond = _default_cutoff(a)
        rcond = as_numbers("lstsq", rcond)
        if rcond.ndim:
            raise TypeError(f"lstsq: rcond must be a number, got {rcond} of type {rcond.type}")
        outputs = [
            result(a.dtype, (columns, *b.type.shape[1:])),
            result(real_of(a), (None,)),
            result("int32", ()),
            result(real_of(a), (smaller(rows, columns),)),
        ]
        return Apply(self, [a, b, cast_to(rcond, "float64")], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, b, rcond = inputs
        if len(a) != len(b):
            raise LinAlgError(f"lstsq: a of shape {a.shape} and b of shape {b.shape} must have equally many rows")
        for cell, value, out in zip(output_storage, np.linalg.lstsq(a, b, float(rcond)), node.outputs):
            cell[0] = np.asarray(value, out.type.dtype)  # type: ignore[attr-defined]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True, False, True], [True, True, False, False], [False] * 4]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (rows, columns), b, _ = input_shapes
        count: Any = b[1] if len(b) == 2 else 1
        given = scalar.and_(scalar.eq(node.outputs[2], columns), scalar.gt(rows, columns))
        residuals = scalar.switch(given, cast_to(as_tensor_variable(count), "int64"), np.int64(0))
        return [(columns, *b[1:]), (residuals,), (), (at_most(rows, columns),)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, b, rcond), (x, _, _, _), (by_x, by_r, _, by_s) = inputs, outputs, output_gradients
        by_a, by_b = [], []
        is_vector = b.ndim == 1
        columns, solution = (column(b), column(x)) if is_vector else (b, x)
        if is_connected(by_x):
            p = MatrixPinv()(a, cut := _positive_cutoff(a, rcond))
            by_solution = column(by_x) if is_vector else by_x
            by_b.append(matmul(adjoint(p), by_solution))
            by_p = matmul(by_solution, adjoint(columns))
            at_rounding = is_negligible(rcond) or equal_computations([rcond], [_default_cutoff(a)])
            by_a.append(by_products(a, p, by_p) if at_rounding else by_singular_values(a, cut, by_p))
        if is_connected(by_r):
            # zeros take the place of residuals that are not given
            count = columns.shape[1]
            weights = getitem(join(0, by_r, zero_for(columns[0])), slice(None, count))
            part = (columns - matmul(a, solution)) * row(cast_to(weights, a.dtype)) * np.asarray(2, a.dtype)
            by_b.append(part)
            by_a.append(-matmul(part, adjoint(solution)))
        if is_connected(by_s):
            u, _, vh = SVD(full_matrices=False)(a)
            by_a.append(matmul(u * cast_to(row(by_s), u.dtype), vh))
        if is_vector:
            by_b = [getitem(term, (slice(None), 0)) for term in by_b]
        return [summed(a, by_a), summed(b, by_b), disconnected_type()]


def _default_cutoff(a: Any) -> Any:
    """The machine precision times the larger side."""
    return scalar.maximum(a.shape[0], a.shape[1]) * np.asarray(np.finfo(real_of(a)).eps, "float64")


def _positive_cutoff(a: Any, rcond: Any) -> Any:
    """rcond as `pinv` takes it; -1 stands for the machine precision."""
    eps = np.asarray(np.finfo(real_of(a)).eps, "float64")
    return scalar.switch(scalar.lt(rcond, np.zeros((), "float64")), eps, rcond)
