"""Subtensor and IncSubtensor: indexing by integers and slices, and writing to what such an index selects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.index_list import (
    IndexList,
    basic_lengths,
    basic_shape,
    filled,
    hashable,
    index_inputs,
    numpy_index,
    settled,
    slots,
    text,
)
from theano.tensor.region import check_value, fitted_value, write_terms, zero_for, zeros_for
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Subtensor(Op):
    """The part of x that integers and slices select: a view.

    Inputs are x and a 0-d integer for each place that `idx_list` leaves open (see `index_list.py`).
    """

    view_map = {0: [0]}
    __props__ = ("idx_list",)
    is_cheap = True

    def __init__(self, idx_list: Sequence[Any]) -> None:
        self.idx_list: IndexList = settled(idx_list)
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
        shape = basic_shape(self.idx_list, x.type.shape)
        return Apply(self, [x, *indices], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def get_idx(self, inputs: Sequence[Any]) -> list[Any]:
        """For every entry an int or 0-d variable, or (start, stop, step) of a slice; from the inputs of a node."""
        return filled(self.idx_list, inputs[1:])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *values = inputs
        output_storage[0][0] = x[(*numpy_index(self.idx_list, values), ...)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [basic_lengths(self.idx_list, node.inputs[1:], input_shapes[0])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, *indices), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            term = zero_for(x)
        else:
            term = IncSubtensor(self.idx_list)(zeros_for(x, gz), gz, *indices)
        return [term, *(disconnected_type() for _ in indices)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def __str__(self) -> str:
        return f"Subtensor{{{text(self.idx_list)}}}"


class IncSubtensor(Op):
    """x with y added to the part that integers and slices select, or written there (`set_instead_of_inc`).

    Inputs are x, y, and a 0-d integer for each place that `idx_list` leaves open. y is cast to x's dtype and broadcast
    along axes of which the length is known to be one. x itself is not changed; `inplace` is accepted and means nothing.
    """

    __props__ = ("idx_list", "set_instead_of_inc")

    def __init__(
        self,
        idx_list: Sequence[Any],
        inplace: bool = False,
        set_instead_of_inc: bool = False,
        destroyhandler_tolerate_aliased: Any = None,
    ) -> None:
        self.idx_list: IndexList = settled(idx_list)
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

    @property
    def _name(self) -> str:
        return "set_subtensor" if self.set_instead_of_inc else "inc_subtensor"

    def make_node(self, x: Any, y: Any, *inputs: Any) -> Apply:
        x = as_tensor_variable(x)
        indices = index_inputs(self.idx_list, inputs, self._name)
        region = basic_shape(self.idx_list, x.type.shape)
        y = fitted_value(y, region, x.type.dtype, self._name)
        return Apply(self, [x, y, *indices], [TensorVariable(x.type)])

    def region_idx(self, inputs: Sequence[Any]) -> list[Any]:
        """For every entry an int or 0-d variable, or (start, stop, step) of a slice; from the inputs of a node."""
        return filled(self.idx_list, inputs[2:])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y, *values = inputs
        result = np.array(x)
        region = result[(*numpy_index(self.idx_list, values), ...)]
        check_value(self._name, node.inputs[1].type.shape, y.shape, region.shape)  # type: ignore[attr-defined]
        if self.set_instead_of_inc:
            region[...] = y
        else:
            region += y
        output_storage[0][0] = result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, y, *indices), (gz,) = inputs, output_gradients
        terms = write_terms(
            x, y, gz, self.set_instead_of_inc,
            read=lambda g: Subtensor(self.idx_list)(g, *indices),
            clear=lambda g: IncSubtensor(self.idx_list, set_instead_of_inc=True)(g, np.zeros((), g.dtype), *indices),
        )
        return [*terms, *(disconnected_type() for _ in indices)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], *([False] for _ in node.inputs[2:])]

    def __str__(self) -> str:
        verb = "Set" if self.set_instead_of_inc else "Inc"
        return f"IncSubtensor{{{verb};{text(self.idx_list)}}}"


def get_idx_list(inputs: Sequence[Any], idx_list: Sequence[Any], get_count: bool = False) -> Any:
    """The Python index that an index list makes of the inputs (x, *indices) of a node: a tuple.

    get_count   give how many inputs the list takes instead
    """
    entries = settled(idx_list, arrays=True)
    if get_count:
        return len(slots(entries))
    return tuple(
        slice(*given) if isinstance(entry, slice) else given
        for entry, given in zip(entries, filled(entries, inputs[1:]))
    )
