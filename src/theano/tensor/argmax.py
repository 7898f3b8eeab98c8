"""Argmax and MaxAndArgmax: positions of maxima over one axis, several, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType
from theano.scalar.comparison import eq
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes
from theano.scalar.selection import switch
from theano.tensor.careduce import Axis, as_tuple, normalized_axes, reduced_axes, with_axes_back, zero_gradient
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Argmax(Op):
    """Position (int64) of the largest element; of several the first, and of the first NaN if there is one.

    axis   a tuple of axes, or None for all. Over several axes the position counts in the elements of these axes in C
           order. ValueError at run time where there is no element.
    """

    __props__ = ("axis",)

    def __init__(self, axis: Any = None) -> None:
        self.axis: Any = as_tuple(axis)

    def _settled(self, x: Any) -> tuple[Op, tuple[int, ...]]:
        """The op with normalised axes, and the axes."""
        name = type(self).__name__
        if x.dtype in complex_dtypes:
            raise TypeError(f"{name} of {x.dtype} has no meaning; take abs(x) or real(x) first")
        axis: Axis = normalized_axes(self.axis, x.ndim, name)
        return (self if axis == self.axis else type(self)(axis)), reduced_axes(axis, x.ndim)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        op, axes = self._settled(x)
        shape = tuple(n for k, n in enumerate(x.type.shape) if k not in axes)
        return Apply(op, [x], [TensorVariable(tensor_type("int64", shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = _positions(node.op, inputs[0])[0]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (shape,) = input_shapes
        axes = reduced_axes(node.op.axis, len(shape))  # type: ignore[attr-defined]
        return [tuple(n for k, n in enumerate(shape) if k not in axes) for _ in node.outputs]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_gradient(inputs[0])]

    def __str__(self) -> str:
        axes = "" if self.axis is None else f"{{axis={list(self.axis)}}}"
        return f"{type(self).__name__}{axes}"


class MaxAndArgmax(Argmax):
    """Largest element and its position, in one op. See `Max` and `Argmax`."""

    def make_node(self, x: Any) -> Apply:
        node = super().make_node(x)
        maximum = TensorVariable(node.outputs[0].type.clone(dtype=node.inputs[0].type.dtype))  # type: ignore[attr-defined]
        position = TensorVariable(node.outputs[0].type)  # type: ignore[arg-type]
        return Apply(node.op, node.inputs, [maximum, position])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        positions, moved = _positions(node.op, x)
        output_storage[0][0] = np.take_along_axis(moved, positions[..., None], -1)[..., 0]
        output_storage[1][0] = positions

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), gz = inputs, output_gradients[0]
        largest = outputs[0]
        if isinstance(gz.type, DisconnectedType) or largest.dtype in discrete_dtypes:
            return [zero_gradient(x)]
        axes = reduced_axes(normalized_axes(self.axis, x.ndim), x.ndim)
        chosen = eq(x, with_axes_back(largest, axes, x.ndim))
        return [cast_to(switch(chosen, with_axes_back(gz, axes, x.ndim), np.zeros((), gz.dtype)), x.dtype)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True]]


def _positions(op: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the maxima, and x with the axes in question joined and moved to the end."""
    axes = reduced_axes(op.axis, x.ndim)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    count = int(np.prod([x.shape[k] for k in axes], dtype=np.int64))
    moved = x.transpose(kept + axes).reshape((*(x.shape[k] for k in kept), count))
    if not count:
        raise ValueError(
            f"{op}: no element along axes {axes} of an array of shape {x.shape}, so that there is no largest one. "
            "Make sure that these axes are not empty."
        )
    return np.asarray(moved.argmax(axis=-1), dtype=np.int64), moved
