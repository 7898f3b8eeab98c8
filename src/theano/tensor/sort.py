"""Sorting: sort, argsort, topk and their ops. NaN counts as larger than all numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, disconnected_type
from theano.scalar.arithmetic import abs_, mod
from theano.scalar.comparison import eq
from theano.scalar.dtypes import discrete_dtypes, integer_dtypes
from theano.scalar.selection import switch
from theano.tensor.advanced_indexing import AdvancedIncSubtensor
from theano.tensor.careduce import normalized_axes
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.index_list import ARRAY
from theano.tensor.lengths import known
from theano.tensor.ranges import arange
from theano.tensor.region import zero_for, zeros_for
from theano.tensor.shape import ravel, shape_i_op
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_KINDS = ("quicksort", "mergesort", "heapsort", "stable")


def _scattered(x: Any, positions: Any, gz: Any, axis: Any) -> Any:
    """Zeros of x's shape with `gz` at `positions` along `axis` (as np.put_along_axis), an int or a 0-d variable."""
    ndim = x.ndim
    along = [dimshuffle(arange(shape_i_op(k)(x)), ["x"] * k + [0] + ["x"] * (ndim - 1 - k)) for k in range(ndim)]
    if isinstance(axis, int):
        along[axis % ndim] = positions
    else:
        axis = mod(axis, ndim)
        along = [switch(eq(axis, k), positions, places) for k, places in enumerate(along)]
    return AdvancedIncSubtensor((ARRAY,) * ndim)(zeros_for(x, gz), gz, *along)


def _axis_input(axis: Any) -> Any:
    variable = as_tensor_variable(axis)
    if variable.ndim or variable.dtype not in integer_dtypes:
        raise TypeError(f"sort: the axis must be an integer, got {axis}")
    return cast_to(variable, "int64") if not hasattr(variable, "data") else constant(int(variable.data), dtype="int64")


class SortOp(Op):
    """x sorted in ascending order along an axis. Inputs: x and the axis (a 0-d integer).

    kind    the algorithm, as NumPy names them
    order   accepted for compatibility; there are no record arrays
    """

    __props__ = ("kind", "order")

    def __init__(self, kind: str = "quicksort", order: Any = None) -> None:
        if kind not in _KINDS:
            raise ValueError(f"sort: kind must be one of {', '.join(_KINDS)}, got {kind!r}")
        self.kind = kind
        self.order = order

    def make_node(self, x: Any, axis: Any = -1) -> Apply:
        x, axis = as_tensor_variable(x), _axis_input(axis)
        if x.ndim == 0:
            raise ValueError(f"{self}: a scalar has no axis to sort along")
        if hasattr(axis, "data"):
            normalized_axes(int(axis.data), x.ndim, "sort")
        return Apply(self, [x, axis], [TensorVariable(tensor_type(self._dtype(x), x.type.shape))])

    def _dtype(self, x: Any) -> str:
        return x.type.dtype

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, axis = inputs
        output_storage[0][0] = np.sort(x, int(axis), kind=self.kind)  # type: ignore[call-overload]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, axis), (gz,) = inputs, output_gradients
        if x.dtype in discrete_dtypes:
            return [zero_for(x), disconnected_type()]
        positions = ArgSortOp(self.kind, self.order)(x, axis)
        return [_scattered(x, positions, gz, known(axis)), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.kind}}}"


class ArgSortOp(SortOp):
    """The positions (int64) that sort x along an axis. Inputs: x and the axis."""

    def _dtype(self, x: Any) -> str:
        return "int64"

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, axis = inputs
        output_storage[0][0] = np.argsort(x, int(axis), kind=self.kind).astype(  # type: ignore[arg-type]
            "int64", copy=False
        )

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_for(inputs[0]), disconnected_type()]


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """`a` sorted in ascending order along `axis`; flattened first if that is None.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> sort(v).eval({v: [3.0, 1.0, 2.0]}).tolist()
    [1.0, 2.0, 3.0]
    """
    a = as_tensor_variable(a)
    if axis is None:
        a, axis = ravel(a), 0
    return SortOp(kind, order)(a, axis)


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """The positions (int64) that sort `a` along `axis`, of the flattened `a` if that is None. Its gradient is zero.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> argsort(v).eval({v: [3.0, 1.0, 2.0]}).tolist()
    [1, 2, 0]
    """
    a = as_tensor_variable(a)
    if axis is None:
        a, axis = ravel(a), 0
    return ArgSortOp(kind, order)(a, axis)


class TopKOp(Op):
    """The k largest elements along an axis and their positions; the -k smallest if k is negative. Inputs: x and k.

    sorted           in descending order; else in any order
    idx_dtype        dtype of the positions
    return_values    give the elements
    return_indices   give the positions
    ValueError at run time for k = 0 and for |k| larger than the axis.
    """

    __props__ = ("axis", "sorted", "idx_dtype", "return_values", "return_indices")

    def __init__(
        self,
        axis: int = -1,
        sorted: bool = True,
        idx_dtype: str = "int64",
        return_values: bool = True,
        return_indices: bool = True,
    ) -> None:
        if not isinstance(axis, (int, np.integer)):
            raise TypeError(f"topk: the axis must be an integer, got {axis!r}")
        if idx_dtype not in integer_dtypes:
            raise TypeError(f"topk: idx_dtype must be an integer dtype, got {idx_dtype!r}")
        if not (return_values or return_indices):
            raise ValueError("topk: neither return_values nor return_indices is asked for")
        self.axis = int(axis)
        self.sorted = bool(sorted)
        self.idx_dtype = idx_dtype
        self.return_values = bool(return_values)
        self.return_indices = bool(return_indices)

    def make_node(self, x: Any, kth: Any) -> Apply:
        x, kth = as_tensor_variable(x), as_tensor_variable(kth)
        if kth.ndim or kth.dtype not in integer_dtypes:
            raise TypeError(f"topk: k must be an integer, got {kth} of type {kth.type}")
        if x.ndim == 0:
            raise ValueError("topk: a scalar has no axis to select along")
        normalized_axes(self.axis, x.ndim, "topk")
        k = known(kth)
        if isinstance(k, int) and k == 0:
            raise ValueError("topk: k must not be 0")
        shape = list(x.type.shape)
        shape[self.axis] = abs(k) if isinstance(k, int) else None
        outputs = [TensorVariable(tensor_type(x.type.dtype, tuple(shape)))] if self.return_values else []
        if self.return_indices:
            outputs.append(TensorVariable(tensor_type(self.idx_dtype, tuple(shape))))
        return Apply(self, [x, cast_to(kth, "int64")], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, k = inputs[0], int(inputs[1])
        n = x.shape[self.axis]
        if k == 0 or abs(k) > n:
            raise ValueError(f"topk: k = {k} for an axis of length {n}: k must not be 0, nor larger than the axis")
        order = np.argsort(x, self.axis, kind="stable") if self.sorted else np.argpartition(
            x, n - k if k > 0 else -k - 1, self.axis
        )
        chosen = slice(n - k, n) if k > 0 else slice(0, -k)
        index = [slice(None)] * x.ndim
        index[self.axis] = chosen
        positions = order[tuple(index)]
        if self.sorted:
            positions = np.flip(positions, self.axis)
        values = np.take_along_axis(x, positions, self.axis)
        results = [values] if self.return_values else []
        if self.return_indices:
            results.append(positions.astype(self.idx_dtype, copy=False))
        for cell, result in zip(output_storage, results):
            cell[0] = np.ascontiguousarray(result)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape = list(input_shapes[0])
        k = known(node.inputs[1])
        shape[self.axis] = abs(k) if isinstance(k, int) else abs_(k)
        return [tuple(shape) for _ in node.outputs]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, kth), gz = inputs, output_gradients[0]
        if not self.return_values or x.dtype in discrete_dtypes or isinstance(gz.type, DisconnectedType):
            return [zero_for(x), disconnected_type()]
        positions = outputs[1] if self.return_indices else TopKOp(self.axis, self.sorted, return_values=False)(x, kth)
        return [_scattered(x, positions, gz, self.axis), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True] * len(node.outputs), [False] * len(node.outputs)]


def _flat_if_none(x: Any, axis: Any) -> tuple[Any, int]:
    x = as_tensor_variable(x)
    return (ravel(x), 0) if axis is None else (x, axis)


def topk(x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """The `kth` largest elements along `axis` (flattened if None), in descending order; the smallest if negative.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> topk(v, 2).eval({v: [3.0, 1.0, 2.0]}).tolist(), topk(v, -2).eval({v: [3.0, 1.0, 2.0]}).tolist()
    ([3.0, 2.0], [2.0, 1.0])
    """
    x, axis = _flat_if_none(x, axis)
    return TopKOp(axis, sorted, idx_dtype, return_indices=False)(x, kth)


def argtopk(x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """The positions of what `topk` gives."""
    x, axis = _flat_if_none(x, axis)
    return TopKOp(axis, sorted, idx_dtype, return_values=False)(x, kth)


def topk_and_argtopk(
    x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> list[Any]:
    """[elements, positions]: see `topk` and `argtopk`."""
    x, axis = _flat_if_none(x, axis)
    return list(TopKOp(axis, sorted, idx_dtype)(x, kth))
