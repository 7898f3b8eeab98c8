"""Indexing by arrays of integers and by masks, and writing to what such an index selects.

AdvancedSubtensor1 takes rows by a vector of integers; AdvancedSubtensor is general. Both copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.comparison import eq
from theano.scalar.dtypes import discrete_dtypes, integer_dtypes
from theano.scalar.selection import second, switch
from theano.tensor.careduce import Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.index_list import (
    ARRAY,
    IndexList,
    advanced_lengths,
    advanced_shape,
    filled,
    hashable,
    index_inputs,
    numpy_index,
    settled,
    text,
)
from theano.tensor.lengths import product
from theano.tensor.ranges import ARange, arange
from theano.tensor.region import check_value, fitted_value, may_broadcast, write_terms, zero_for, zeros_for
from theano.tensor.shape import Reshape, shape_i_op
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorConstant, TensorVariable


class BaseAdvancedSubtensor(Op):
    """What the ops that read by arrays share. Inputs are x and the indices."""

    def _increment(self) -> BaseAdvancedIncSubtensor:
        """The op that adds to what this one reads."""
        raise NotImplementedError

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, *indices), (z,), (gz,) = inputs, outputs, output_gradients
        term = zero_for(x) if z.dtype in discrete_dtypes else self._increment()(zeros_for(x, gz), gz, *indices)
        return [term, *(disconnected_type() for _ in indices)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]


class BaseAdvancedIncSubtensor(Op):
    """What the ops that write by arrays share. Inputs are x, y and the indices; x itself is not changed.

    y is added, repeated indices adding up, or written (`set_instead_of_inc`), the last of repeated indices winning.
    y is cast to x's dtype and broadcast along axes of which the length is known to be one.
    """

    set_instead_of_inc: bool

    @property
    def _name(self) -> str:
        return "set_subtensor" if self.set_instead_of_inc else "inc_subtensor"

    def _read(self) -> BaseAdvancedSubtensor:
        """The op that reads what this one writes to."""
        raise NotImplementedError

    def _clear(self) -> BaseAdvancedIncSubtensor:
        """The op that writes where this one does."""
        raise NotImplementedError

    def _index(self, values: Sequence[Any]) -> Any:
        raise NotImplementedError

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y, *values = inputs
        index = self._index(values)
        known = node.inputs[1].type.shape  # type: ignore[attr-defined]
        result = np.array(x)
        if may_broadcast(known, y.shape):
            check_value(self._name, known, y.shape, result[index].shape)
        try:
            if self.set_instead_of_inc:
                # in C order: of arrays that lie otherwise in memory NumPy goes through the elements otherwise, and the
                # last of repeated indices would not win
                result[_in_c_order(index)] = np.ascontiguousarray(y) if y.ndim else y
            else:
                np.add.at(result, index, y)
        except ValueError as error:
            region = result[index].shape
            check_value(self._name, known, y.shape, region)
            raise ValueError(
                f"{self._name}: a region of shape {region} cannot take a value of shape {y.shape}"
            ) from error
        output_storage[0][0] = result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, y, *indices), (gz,) = inputs, output_gradients
        terms = write_terms(
            x, y, gz, self.set_instead_of_inc,
            read=lambda g: self._what_stays(self._read()(g, *indices), x, indices),
            clear=lambda g: self._clear()(g, np.zeros((), g.dtype), *indices),
        )
        return [*terms, *(disconnected_type() for _ in indices)]

    def _what_stays(self, region: Any, x: Any, indices: Sequence[Any]) -> Any:
        """`region` with zeros where a later value is written to the same place."""
        if not self.set_instead_of_inc or are_distinct(indices) or region.ndim == 0:
            return region
        lengths = [
            n if n is not None else shape_i_op(axis)(region) for axis, n in enumerate(region.type.shape)
        ]
        ranks = Reshape(region.ndim)(arange(product(lengths)), lengths)
        written = self._clear()(second(x, np.zeros((), "int64")), ranks, *indices)
        stays = eq(self._read()(written, *indices), ranks)
        return switch(stays, region, np.zeros((), region.dtype))

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], *([False] for _ in node.inputs[2:])]


def _in_c_order(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(np.ascontiguousarray(v) if isinstance(v, np.ndarray) and v.ndim else v for v in index)
    return np.ascontiguousarray(index) if isinstance(index, np.ndarray) and index.ndim else index


def are_distinct(indices: Sequence[Any]) -> bool:
    """Is it known while the graph is built that these index inputs name no element twice?"""
    arrays = [v for v in indices if v.ndim or v.dtype == "bool"]
    if all(v.dtype == "bool" for v in arrays):
        return True
    if all(isinstance(v, TensorConstant) for v in arrays):
        if any(v.dtype == "bool" for v in arrays) or any((v.data < 0).any() and (v.data >= 0).any() for v in arrays):
            return False
        try:
            places = np.stack(np.broadcast_arrays(*(v.data for v in arrays))).reshape(len(arrays), -1)
        except ValueError:
            return False
        return len(np.unique(places, axis=1).T) == places.shape[1]
    counted = any(v.owner is not None and isinstance(v.owner.op, ARange) for v in arrays)
    return counted and all(v.ndim == 1 for v in arrays)


class AdvancedSubtensor1(BaseAdvancedSubtensor):
    """x[i]: the rows (elements along axis 0) that a vector of integers names; a copy.

    sparse_grad   mark of `theano.sparse_grad`: the gradient by x may be a sparse matrix
    IndexError at run time for a position out of range.
    """

    __props__ = ("sparse_grad",)

    def __init__(self, sparse_grad: bool = False) -> None:
        self.sparse_grad = bool(sparse_grad)

    def make_node(self, x: Any, rows: Any) -> Apply:
        x, rows = as_tensor_variable(x), _row_index(rows)
        if x.ndim == 0:
            raise TypeError(f"{self}: {x} has no axes and cannot be indexed")
        shape = (rows.type.shape[0], *x.type.shape[1:])
        return Apply(self, [x, rows], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, rows = inputs
        output_storage[0][0] = x[rows]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape, rows = input_shapes
        return [(rows[0], *shape[1:])]

    def _increment(self) -> BaseAdvancedIncSubtensor:
        return AdvancedIncSubtensor1()

    def __str__(self) -> str:
        return "AdvancedSubtensor1"


class AdvancedIncSubtensor1(BaseAdvancedIncSubtensor):
    """x with y added to (or written to) the rows that a vector of integers names. See `BaseAdvancedIncSubtensor`."""

    __props__ = ("set_instead_of_inc",)

    def __init__(self, inplace: bool = False, set_instead_of_inc: bool = False) -> None:
        self.set_instead_of_inc = bool(set_instead_of_inc)

    def make_node(self, x: Any, y: Any, rows: Any) -> Apply:
        x, rows = as_tensor_variable(x), _row_index(rows)
        if x.ndim == 0:
            raise TypeError(f"{self}: {x} has no axes and cannot be indexed")
        y = fitted_value(y, (rows.type.shape[0], *x.type.shape[1:]), x.type.dtype, self._name)
        return Apply(self, [x, y, rows], [TensorVariable(x.type)])

    def _index(self, values: Sequence[Any]) -> Any:
        return values[0]

    def _read(self) -> BaseAdvancedSubtensor:
        return AdvancedSubtensor1()

    def _clear(self) -> BaseAdvancedIncSubtensor:
        return AdvancedIncSubtensor1(set_instead_of_inc=True)

    def __str__(self) -> str:
        return f"AdvancedIncSubtensor1{{{'set' if self.set_instead_of_inc else 'inc'}}}"


def _row_index(rows: Any) -> Any:
    rows = as_tensor_variable(rows)
    if rows.dtype not in integer_dtypes or rows.ndim != 1:
        raise TypeError(f"the index must be a vector of integers, got {rows} of type {rows.type}")
    return rows


class AdvancedSubtensor(BaseAdvancedSubtensor):
    """x indexed by arrays of integers, masks, integers and slices as NumPy does; a copy.

    Inputs are x and an index for each place that `idx_list` leaves open (see `index_list.py`). IndexError at run time
    for positions out of range, masks that do not match, arrays that cannot be broadcast together.
    """

    __props__ = ("idx_list",)

    def __init__(self, idx_list: Sequence[Any] = (ARRAY,)) -> None:
        self.idx_list: IndexList = settled(idx_list, arrays=True)
        if ARRAY not in self.idx_list:
            raise TypeError(f"{text(self.idx_list)} holds no array: use Subtensor")
        self._hash = hash((type(self), hashable(self.idx_list)))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.idx_list == other.idx_list)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> Any:
        return type(self), (self.idx_list,)   # hashes are of one process

    def make_node(self, x: Any, *inputs: Any) -> Apply:
        x = as_tensor_variable(x)
        indices = index_inputs(self.idx_list, inputs, "indexing")
        shape = advanced_shape(self.idx_list, indices, x.type.shape)
        return Apply(self, [x, *indices], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def get_idx(self, inputs: Sequence[Any]) -> list[Any]:
        """For every entry an int, a variable, or (start, stop, step) of a slice; from the inputs of a node."""
        return filled(self.idx_list, inputs[1:])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *values = inputs
        output_storage[0][0] = np.asarray(x[numpy_index(self.idx_list, values)])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape, *index_shapes = input_shapes
        return [advanced_lengths(self.idx_list, node.inputs[1:], shape, index_shapes, Sum())]

    def _increment(self) -> BaseAdvancedIncSubtensor:
        return AdvancedIncSubtensor(self.idx_list)

    def __str__(self) -> str:
        return f"AdvancedSubtensor{{{text(self.idx_list)}}}"


class AdvancedIncSubtensor(BaseAdvancedIncSubtensor):
    """x with y added to (or written to) what arrays, masks, integers and slices select.

    Inputs are x, y, and an index for each place that `idx_list` leaves open. See `BaseAdvancedIncSubtensor`.
    """

    __props__ = ("idx_list", "set_instead_of_inc")

    def __init__(
        self, idx_list: Sequence[Any] = (ARRAY,), inplace: bool = False, set_instead_of_inc: bool = False
    ) -> None:
        self.idx_list: IndexList = settled(idx_list, arrays=True)
        self.set_instead_of_inc = bool(set_instead_of_inc)
        self._hash = hash((type(self), hashable(self.idx_list), self.set_instead_of_inc))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(self) is type(other)
            and self.set_instead_of_inc == other.set_instead_of_inc  # type: ignore[attr-defined]
            and self.idx_list == other.idx_list  # type: ignore[attr-defined]
        )

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> Any:
        return type(self), (self.idx_list, False, self.set_instead_of_inc)   # hashes are of one process

    def make_node(self, x: Any, y: Any, *inputs: Any) -> Apply:
        x = as_tensor_variable(x)
        indices = index_inputs(self.idx_list, inputs, self._name)
        region = advanced_shape(self.idx_list, indices, x.type.shape)
        y = fitted_value(y, region, x.type.dtype, self._name)
        return Apply(self, [x, y, *indices], [TensorVariable(x.type)])

    def region_idx(self, inputs: Sequence[Any]) -> list[Any]:
        """For every entry an int, a variable, or (start, stop, step) of a slice; from the inputs of a node."""
        return filled(self.idx_list, inputs[2:])

    def _index(self, values: Sequence[Any]) -> Any:
        return numpy_index(self.idx_list, values)

    def _read(self) -> BaseAdvancedSubtensor:
        return AdvancedSubtensor(self.idx_list)

    def _clear(self) -> BaseAdvancedIncSubtensor:
        return AdvancedIncSubtensor(self.idx_list, set_instead_of_inc=True)

    def __str__(self) -> str:
        return f"AdvancedIncSubtensor{{{'set' if self.set_instead_of_inc else 'inc'};{text(self.idx_list)}}}"
