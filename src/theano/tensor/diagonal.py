"""Diagonals: ExtractDiag, AllocDiag and the functions `diag` and `diagonal`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import dimension, run_time_lengths
from theano.tensor.scalar_constants import static_int
from theano.tensor.shape import normalize_axis, shape_i
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def diagonal_length(rows: int, columns: int, offset: int) -> int:
    """The length of a diagonal of a rows × columns matrix."""
    return max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)


class ExtractDiag(Op):
    """A diagonal of two axes, as the last axis of a view. `view` is accepted: the result is always a view."""

    __props__ = ("axis1", "axis2", "offset")
    view_map = {0: [0]}

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1, view: bool = False) -> None:
        self.offset, self.axis1, self.axis2 = int(offset), int(axis1), int(axis2)
        self.view = view

    def _axes(self, ndim: int) -> tuple[int, int]:
        first, second = (normalize_axis(a, ndim, "diagonal") for a in (self.axis1, self.axis2))
        if first == second:
            raise ValueError(f"diagonal: axis1 and axis2 are the same axis, {first}")
        return first, second

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.type.ndim < 2:
            raise ValueError(f"ExtractDiag needs an input with 2 or more dimensions, got {x} of type {x.type}")
        first, second = self._axes(x.type.ndim)
        rows, columns = x.type.shape[first], x.type.shape[second]
        length = None if rows is None or columns is None else diagonal_length(rows, columns, self.offset)
        rest = tuple(n for axis, n in enumerate(x.type.shape) if axis not in (first, second))
        return Apply(self, [x], [TensorVariable(tensor_type(x.type.dtype, (*rest, length)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0].diagonal(self.offset, self.axis1, self.axis2)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (gz,) = inputs, output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz]
        first, second = self._axes(x.type.ndim)
        return [AllocDiag(self.offset, first, second)(gz, shape_i(x, first), shape_i(x, second))]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (lengths,) = input_shapes
        first, second = self._axes(len(lengths))
        known = node.outputs[0].type.shape[-1]  # type: ignore[attr-defined]
        if known is None:
            rows = dimension(lengths[first]) + np.int64(min(self.offset, 0))
            columns = dimension(lengths[second]) - np.int64(max(self.offset, 0))
            known = scalar.maximum(scalar.minimum(rows, columns), np.int64(0))
        return [(*(n for axis, n in enumerate(lengths) if axis not in (first, second)), known)]


class AllocDiag(Op):
    """Zeros of which the diagonal `offset` of axes axis1 and axis2 is the last axis of the input.

    AllocDiag(...)(v) makes the smallest square that holds v; AllocDiag(...)(v, rows, columns) gives the two axes these
    lengths, into which v must fit exactly.
    """

    __props__ = ("offset", "axis1", "axis2")

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> None:
        self.offset, self.axis1, self.axis2 = int(offset), int(axis1), int(axis2)

    def _axes(self, ndim: int) -> tuple[int, int]:
        first, second = (normalize_axis(a, ndim, "AllocDiag") for a in (self.axis1, self.axis2))
        if first == second:
            raise ValueError(f"AllocDiag: axis1 and axis2 are the same axis, {first}")
        return first, second

    def _square(self, length: int) -> int:
        return length + abs(self.offset)

    def make_node(self, v: Any, *lengths: Any) -> Apply:
        v = as_tensor_variable(v)
        if v.type.ndim < 1:
            raise ValueError(f"AllocDiag needs an input with 1 or more dimensions, got {v} of type {v.type}")
        if len(lengths) not in (0, 2):
            raise TypeError(f"AllocDiag takes the diagonal and, if at all, two lengths; got {len(lengths)} lengths")
        sizes = [dimension(n) for n in lengths]
        if sizes:
            rows, columns = (static_int(n) for n in sizes)
        else:
            n = v.type.shape[-1]
            rows = columns = None if n is None else self._square(n)
        shape = list(v.type.shape[:-1])
        for axis, n in sorted(zip(self._axes(v.type.ndim + 1), (rows, columns))):
            shape.insert(axis, n)
        return Apply(self, [v, *sizes], [TensorVariable(tensor_type(v.type.dtype, tuple(shape)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        v, *lengths = inputs
        n = v.shape[-1]
        rows, columns = run_time_lengths(lengths, "AllocDiag") if lengths else (self._square(n),) * 2
        if n != diagonal_length(rows, columns, self.offset):
            raise ValueError(
                f"AllocDiag: diagonal {self.offset} of {rows} × {columns} has not {n} elements (input shape {v.shape})"
            )
        shape = list(v.shape[:-1])
        axes = self._axes(v.ndim + 1)
        for axis, length in sorted(zip(axes, (rows, columns))):
            shape.insert(axis, length)
        out = np.zeros(shape, dtype=v.dtype)
        at = np.arange(n)
        moved = np.moveaxis(out, axes, (0, 1))
        moved[at + max(-self.offset, 0), at + max(self.offset, 0)] = np.moveaxis(v, -1, 0)
        output_storage[0][0] = out

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        rest = [disconnected_type() for _ in inputs[1:]]
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz, *rest]
        return [diagonal(gz, self.offset, self.axis1, self.axis2), *rest]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        lengths = list(input_shapes[0][:-1])
        if len(node.inputs) > 1:
            sizes = list(node.inputs[1:])
        else:
            n = input_shapes[0][-1]
            side = n if not self.offset else dimension(n) + np.int64(abs(self.offset))
            sizes = [side, side]
        axes = self._axes(len(lengths) + 2)
        for axis, size in sorted(zip(axes, sizes), key=lambda pair: pair[0]):
            lengths.insert(axis, size)
        return [tuple(lengths)]


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal `offset` of two axes of a, as the last axis of a view.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> diagonal(m, 1).eval({m: [[1.0, 2.0], [3.0, 4.0]]}).tolist()
    [2.0]
    """
    return ExtractDiag(offset, axis1, axis2)(a)


def diag(v: Any, k: int = 0) -> Any:
    """A square matrix with the vector v on diagonal k; or diagonal k of the matrix v.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> diag(v).eval({v: [1.0, 2.0]}).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    v = as_tensor_variable(v)
    if v.type.ndim == 1:
        return AllocDiag(k)(v)
    if v.type.ndim >= 2:
        return diagonal(v, k)
    raise ValueError(f"diag takes a vector or a matrix; got {v} of type {v.type}")


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal `offset` of two axes."""
    return diagonal(a, offset, axis1, axis2).sum(axis=-1)
