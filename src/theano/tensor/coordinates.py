"""Between positions in a flattened array and coordinates: unravel_index and ravel_multi_index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import broadcast_static
from theano.tensor.region import zero_for
from theano.tensor.scalar_constants import get_vector_length
from theano.tensor.shape import shape_vector
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def _integer(x: Any, name: str) -> Any:
    x = as_tensor_variable(x)
    if x.dtype not in integer_dtypes:
        raise TypeError(f"{name}: integers are needed, got {x} of type {x.type}")
    return x


def _checked_order(order: str, name: str) -> str:
    if order not in ("C", "F"):
        raise ValueError(f"{name}: order must be 'C' or 'F', got {order!r}")
    return order


class UnravelIndex(Op):
    """Coordinates (a tensor of int64 for each of `ndim` axes) of positions in a flattened array. Inputs: indices, dims.

    ndim    how many axes; None: as many as dims is known to have entries
    order   "C": the last axis runs fastest, "F": the first
    """

    __props__ = ("ndim", "order")

    def __init__(self, ndim: int | None = None, order: str = "C") -> None:
        self.ndim = None if ndim is None else int(ndim)
        self.order = _checked_order(order, "unravel_index")

    def make_node(self, indices: Any, dims: Any) -> Apply:
        indices, dims = _integer(indices, "unravel_index"), shape_vector(dims)
        ndim = get_vector_length(dims) if self.ndim is None else self.ndim
        op = self if ndim == self.ndim else UnravelIndex(ndim, self.order)
        outputs = [TensorVariable(tensor_type("int64", indices.type.shape)) for _ in range(ndim)]
        return Apply(op, [indices, dims], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        indices, dims = inputs
        if len(dims) != len(output_storage):
            raise ValueError(f"unravel_index: {len(output_storage)} axes are expected, got the lengths {dims}")
        found = np.unravel_index(indices, tuple(int(n) for n in dims), self.order)  # type: ignore[call-overload]
        for cell, coordinate in zip(output_storage, found):
            cell[0] = np.array(coordinate, dtype="int64")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0] for _ in node.outputs]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_for(inputs[0]), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True] * len(node.outputs), [False] * len(node.outputs)]


def unravel_index(indices: Any, dims: Any, order: str = "C", ndim: int | None = None) -> Any:
    """The coordinates of positions in a flattened array of shape `dims`: a tuple, a tensor for each axis.

    ndim   the number of axes, where `dims` is a vector of unknown length
    ValueError at run time for positions out of range.

    >>> [axis.eval().tolist() for axis in unravel_index([1, 11], (3, 4))]
    [[0, 2], [1, 3]]
    """
    return tuple(UnravelIndex(ndim, order)(indices, dims, return_list=True))


class RavelMultiIndex(Op):
    """Positions in the flattened array of coordinates. Inputs: a tensor for each axis, and the lengths.

    mode    what to do with coordinates out of range: "raise" ValueError, "wrap" around, "clip" to the ends
    order   "C": the last axis runs fastest, "F": the first
    """

    __props__ = ("mode", "order")

    def __init__(self, mode: str = "raise", order: str = "C") -> None:
        if mode not in ("raise", "wrap", "clip"):
            raise ValueError(f"ravel_multi_index: mode must be one of raise, wrap, clip, got {mode!r}")
        self.mode = mode
        self.order = _checked_order(order, "ravel_multi_index")

    def make_node(self, *inputs: Any) -> Apply:
        *multi_index, dims = inputs
        multi_index = [_integer(x, "ravel_multi_index") for x in multi_index]
        dims = shape_vector(dims)
        if not multi_index:
            raise ValueError("ravel_multi_index: no coordinates are given")
        if dims.type.shape[0] not in (None, len(multi_index)):
            raise ValueError(
                f"ravel_multi_index: {len(multi_index)} coordinates for {dims.type.shape[0]} lengths"
            )
        ranks = {x.ndim for x in multi_index}
        if len(ranks) > 1:
            raise TypeError(f"ravel_multi_index: the coordinates must be of equal rank, got ranks {sorted(ranks)}")
        shape = broadcast_static([x.type.shape for x in multi_index], "ravel_multi_index", multi_index)
        return Apply(self, [*multi_index, dims], [TensorVariable(tensor_type("int64", shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        *multi_index, dims = inputs
        lengths = tuple(int(n) for n in dims)
        found = np.ravel_multi_index(tuple(multi_index), lengths, self.mode, self.order)  # type: ignore[call-overload]
        output_storage[0][0] = np.asarray(found, dtype="int64")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        *shapes, _ = input_shapes
        lengths = []
        for axis, known in enumerate(node.outputs[0].type.shape):  # type: ignore[attr-defined]
            wide = [s[axis] for s, x in zip(shapes, node.inputs) if x.type.shape[axis] != 1]  # type: ignore[attr-defined]
            lengths.append(known if known is not None else wide[0])
        return [tuple(lengths)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [*(zero_for(x) for x in inputs[:-1]), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [*([True] for _ in node.inputs[:-1]), [False]]


def ravel_multi_index(multi_index: Sequence[Any], dims: Any, mode: str = "raise", order: str = "C") -> Any:
    """The positions in a flattened array of shape `dims` of coordinates, given as a sequence of tensors.

    >>> ravel_multi_index(([0, 2], [1, 3]), (3, 4)).eval().tolist()
    [1, 11]
    """
    return RavelMultiIndex(mode, order)(*multi_index, dims)
