"""Permuting the elements of rows by rows of indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.elemwise import broadcast_static
from theano.tensor.ranges import arange
from theano.tensor.shape import patternbroadcast, shape_i, shape_padleft
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class PermuteRowElements(Op):
    """out[..., i] = x[..., y[..., i]]; with `inverse`, out[..., y[..., i]] = x[..., i].

    The leading axes of x and y broadcast where their length is known to be one. Rows of y must be permutations.
    """

    __props__ = ()

    def make_node(self, x: Any, y: Any, inverse: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        number = isinstance(inverse, (bool, int))
        flag = constant(int(inverse), dtype="int32") if number else as_tensor_variable(inverse)
        if x.type.ndim == 0 or y.type.ndim == 0:
            raise TypeError(f"permute_row_elements takes tensors with rows; got {x} of type {x.type}, {y} of {y.type}")
        if y.type.dtype not in integer_dtypes:
            raise TypeError(f"permute_row_elements: the indices must be integers, got {y} of type {y.type}")
        if flag.type.ndim != 0 or flag.type.dtype not in integer_dtypes:
            raise TypeError(f"permute_row_elements: inverse must be 0 or 1, got {flag} of type {flag.type}")
        ndim = max(x.type.ndim, y.type.ndim)
        x, y = shape_padleft(x, ndim - x.type.ndim), shape_padleft(y, ndim - y.type.ndim)
        known = {x.type.shape[-1], y.type.shape[-1]} - {None}
        if len(known) > 1:
            raise ValueError(f"permute_row_elements: rows of different lengths, {x} of type {x.type}, {y} of {y.type}")
        lead = broadcast_static([x.type.shape[:-1], y.type.shape[:-1]], "permute_row_elements", [x, y])
        shape = (*lead, known.pop() if known else None)
        return Apply(self, [x, y, flag], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y, inverse = inputs
        for axis, (a, b) in enumerate(zip(x.shape[:-1], y.shape[:-1])):
            free = any(v.type.broadcastable[axis] for v in node.inputs[:2])  # type: ignore[attr-defined]
            if a != b and not free:
                raise ValueError(f"permute_row_elements: shapes {x.shape} and {y.shape} do not fit on axis {axis}")
        if x.shape[-1] != y.shape[-1]:
            raise ValueError(f"permute_row_elements: rows of different lengths, shapes {x.shape} and {y.shape}")
        lead = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        x = np.broadcast_to(x, (*lead, x.shape[-1]))
        y = np.broadcast_to(y, (*lead, y.shape[-1]))
        if not (np.sort(y, axis=-1) == np.arange(y.shape[-1])).all():
            raise ValueError(f"permute_row_elements: a row of the indices is no permutation of 0 ... {y.shape[-1] - 1}")
        if inverse:
            out = np.empty(x.shape, x.dtype)
            np.put_along_axis(out, y, x, axis=-1)
        else:
            out = np.take_along_axis(x, y, axis=-1)
        output_storage[0][0] = out

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        x, y, inverse = inputs
        (gz,) = output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz, disconnected_type(), disconnected_type()]
        term = self(gz, y, constant(1, dtype="int32") - inverse)
        summed = [
            axis for axis, (mine, theirs) in enumerate(zip(x.type.shape, term.type.shape)) if mine == 1 and theirs != 1
        ]
        if summed:
            term = term.sum(axis=summed, keepdims=True)
        return [patternbroadcast(term, x.type.broadcastable), disconnected_type(), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        lengths = []
        for axis, known in enumerate(node.outputs[0].type.shape):  # type: ignore[attr-defined]
            one = node.inputs[0].type.broadcastable[axis]  # type: ignore[attr-defined]
            lengths.append(input_shapes[1 if one else 0][axis] if known is None else known)
        return [tuple(lengths)]


_permute_row_elements = PermuteRowElements()


def permute_row_elements(x: Any, y: Any, inverse: Any = 0) -> Any:
    """Each row (last axis) of x permuted by the row of indices in y; `inverse` 1: by the inverse permutation.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> permute_row_elements(v, [2, 0, 1]).eval({v: [10.0, 20.0, 30.0]}).tolist()
    [30.0, 10.0, 20.0]
    """
    return _permute_row_elements(x, y, inverse)


def inverse_permutation(perm: Any) -> Any:
    """The inverse of each row (last axis) of `perm`, a permutation of 0 ... n - 1.

    >>> inverse_permutation([2, 0, 1]).eval().tolist()
    [1, 2, 0]
    """
    perm = as_tensor_variable(perm)
    positions = arange(shape_i(perm, perm.type.ndim - 1), dtype=perm.type.dtype)
    return permute_row_elements(positions, perm, inverse=1)
