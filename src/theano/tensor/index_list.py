"""Index lists: the static part of an index, as the indexing ops hold it.

An index list is a tuple with an entry for each index: a Python int, a slot for an input of the node (INT for a 0-d
integer, ARRAY for an array of integers or a mask), or a slice whose bounds are None, ints or INT. New axes and
Ellipsis never occur: `subtensor.getitem` resolves them. Axes beyond the list are taken whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from theano.graph.type import Type
from theano.scalar.dtypes import integer_dtypes
from theano.scalar.selection import minimum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import Length, broadcast_length, slice_length


class Slot(Enum):
    """The place of an input of the node in an index list."""

    INT = "int64"
    ARRAY = "array"

    def __repr__(self) -> str:
        return self.value


INT, ARRAY = Slot.INT, Slot.ARRAY
IndexList = tuple[Any, ...]
_LIMIT = 2**63 - 1


def settled(idx_list: Iterable[Any], arrays: bool = False) -> IndexList:
    """A checked index list. Types and variables count as slots, as in the original's lists."""
    result = []
    for entry in idx_list:
        if isinstance(entry, slice):
            result.append(slice(*(_settled_bound(part) for part in (entry.start, entry.stop, entry.step))))
        elif isinstance(entry, tuple) and len(entry) == 3:
            result.append(slice(*(_settled_bound(part) for part in entry)))
        elif entry is ARRAY:
            if not arrays:
                raise TypeError("an index by arrays is not basic: use AdvancedSubtensor")
            result.append(ARRAY)
        else:
            bound = _settled_bound(entry)
            if bound is None:
                raise TypeError("None (a new axis) has no place in an index list; add the axis with dimshuffle")
            result.append(bound)
    for entry in result:
        if isinstance(entry, slice) and entry.step == 0:
            raise ValueError("the step of a slice must not be 0")
    return tuple(result)


def _settled_bound(part: Any) -> Any:
    if part is None or part is INT:
        return part
    if isinstance(part, Type) or hasattr(part, "type"):
        return INT
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    raise TypeError(f"{part!r} has no place in an index list")


def hashable(idx_list: IndexList) -> tuple[Any, ...]:
    """The list as something that can be hashed and compared (slices cannot, before Python 3.12)."""
    return tuple(
        ("slice", e.start, e.stop, e.step) if isinstance(e, slice) else e for e in idx_list
    )


def slots(idx_list: IndexList) -> list[Slot]:
    """The slots in the order of the inputs that fill them."""
    found: list[Slot] = []
    for entry in idx_list:
        parts = (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else (entry,)
        found.extend(part for part in parts if isinstance(part, Slot))
    return found


def filled(idx_list: IndexList, inputs: Sequence[Any]) -> list[Any]:
    """The list with its slots filled by `inputs`; slices are (start, stop, step)."""
    rest = iter(inputs)
    result: list[Any] = []
    for entry in idx_list:
        if isinstance(entry, slice):
            result.append(tuple(
                next(rest) if isinstance(part, Slot) else part for part in (entry.start, entry.stop, entry.step)
            ))
        else:
            result.append(next(rest) if isinstance(entry, Slot) else entry)
    return result


def numpy_index(idx_list: IndexList, values: Sequence[Any]) -> tuple[Any, ...]:
    """The index for NumPy, given the values of the inputs."""
    result: list[Any] = []
    for entry, given in zip(idx_list, filled(idx_list, values)):
        if isinstance(entry, slice):
            result.append(slice(*(None if part is None else int(part) for part in given)))
        else:
            result.append(given if entry is ARRAY else int(given))
    return tuple(result)


def index_inputs(idx_list: IndexList, inputs: Sequence[Any], name: str) -> list[Any]:
    """The index inputs of a node, checked and converted: 0-d int64 for INT, integers or masks for ARRAY."""
    places = slots(idx_list)
    if len(places) != len(inputs):
        raise ValueError(f"{name}: the index list {text(idx_list)} has {len(places)} places, got {len(inputs)} inputs")
    result = []
    for place, given in zip(places, inputs):
        x = as_tensor_variable(given)
        if place is ARRAY and x.dtype == "bool" and x.ndim:
            result.append(x)
            continue
        if x.dtype not in integer_dtypes:
            raise TypeError(f"{name}: an index must be of an integer dtype, got {x} of type {x.type}")
        if place is INT and x.ndim:
            raise TypeError(f"{name}: this index must have no axes, got {x} of type {x.type}")
        if place is INT and x.dtype == "uint64":
            x = minimum(x, np.uint64(_LIMIT))  # beyond every axis, where a cast would make it negative
        result.append(cast_to(x, "int64") if place is INT else x)
    return result


def basic_shape(idx_list: IndexList, shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """The static shape of what a list without ARRAY selects of a tensor of static shape `shape`."""
    if len(idx_list) > len(shape):
        raise too_many(len(idx_list), len(shape))
    kept = [static_slice(e, n) for e, n in zip(idx_list, shape) if isinstance(e, slice)]
    return (*kept, *shape[len(idx_list):])


def too_many(given: int, ndim: int) -> IndexError:
    return IndexError(f"too many indices: a tensor with {ndim} axes was indexed with {given}")


def static_slice(entry: slice, n: int | None) -> int | None:
    """The length of a slice of an axis of length n, where the list and n tell it."""
    parts = (entry.start, entry.stop, entry.step)
    if parts in ((None, None, None), (None, None, 1), (None, None, -1), (0, None, None), (0, None, 1)):
        return n
    if n is None or any(isinstance(part, Slot) for part in parts):
        return 0 if entry.stop == 0 and entry.step in (None, 1) and entry.start in (None, 0) else None
    return len(range(*entry.indices(n)))


def basic_lengths(idx_list: IndexList, inputs: Sequence[Any], shape: Sequence[Length]) -> tuple[Length, ...]:
    """The shape of what a list without ARRAY selects, from the lengths of the tensor."""
    kept = [
        slice_length(given[0], given[1], given[2], n)
        for entry, given, n in zip(idx_list, filled(idx_list, inputs), shape)
        if isinstance(entry, slice)
    ]
    return (*kept, *shape[len(idx_list):])


class Layout:
    """Where the axes of an index with arrays end up in the result.

    NumPy's rule: the axes of the arrays broadcast together stand where the arrays stand, if these (and the ints, which
    count as arrays here) are next to each other; else they come first.
    """

    def __init__(self, idx_list: IndexList, inputs: Sequence[Any], ndim: int) -> None:
        self.slices: list[tuple[slice, tuple[Any, ...], int]] = []   # entry, its bounds, axis of the tensor
        self.arrays: list[tuple[int, int, int]] = []   # input number, first axis of the tensor, axes (a mask's rank)
        positions = []
        axis = number = 0
        for position, (entry, given) in enumerate(zip(idx_list, filled(idx_list, inputs))):
            if isinstance(entry, slice):
                self.slices.append((entry, given, axis))
                number += sum(isinstance(part, Slot) for part in (entry.start, entry.stop, entry.step))
                axis += 1
                continue
            positions.append(position)
            width = 1
            if entry is ARRAY:
                width = given.ndim if given.dtype == "bool" else 1
                self.arrays.append((number, axis, width))
            number += isinstance(entry, Slot)
            axis += width
        if axis > ndim:
            raise too_many(axis, ndim)
        self.rest = range(axis, ndim)
        together = positions[-1] - positions[0] + 1 == len(positions)
        self.before = sum(1 for p, e in enumerate(idx_list) if isinstance(e, slice) and p < positions[0]) \
            if together else 0

    def arrange(self, arrays: Sequence[Any], slices: Sequence[Any], rest: Sequence[Any]) -> tuple[Any, ...]:
        """What stands for the arrays' axes, the slices' axes and the rest, in the order of the result."""
        return (*slices[:self.before], *arrays, *slices[self.before:], *rest)


def advanced_shape(idx_list: IndexList, inputs: Sequence[Any], shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """The static shape of what a list with ARRAY selects. IndexError where the arrays cannot be broadcast together."""
    layout = Layout(idx_list, inputs, len(shape))
    shapes: list[tuple[int | None, ...]] = []
    for number, axis, width in layout.arrays:
        x = inputs[number]
        if x.dtype == "bool":
            for k in range(width):
                n, m = shape[axis + k], x.type.shape[k]
                if n is not None and m is not None and n != m:
                    raise IndexError(
                        f"boolean index did not match: axis {axis + k} of the tensor has length {n}, "
                        f"but axis {k} of the mask {x} has length {m}"
                    )
            data = getattr(x, "data", None)
            shapes.append((None if data is None else int(np.count_nonzero(data)),))
        else:
            shapes.append(x.type.shape)
    return layout.arrange(
        broadcast_known(shapes), [static_slice(e, shape[axis]) for e, _, axis in layout.slices],
        [shape[axis] for axis in layout.rest],
    )


def broadcast_known(shapes: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
    """Static shapes of index arrays broadcast together; unlike operands, an unknown length may turn out to be 1."""
    ndim = max((len(s) for s in shapes), default=0)
    result: list[int | None] = []
    for axis in range(ndim):
        lengths = [s[axis - ndim] for s in shapes if len(s) >= ndim - axis]
        fixed = {n for n in lengths if n is not None and n != 1}
        if len(fixed) > 1:
            raise IndexError(f"shape mismatch: index arrays of shapes {list(shapes)} cannot be broadcast together")
        result.append(fixed.pop() if fixed else None if None in lengths else 1)
    return tuple(result)


def advanced_lengths(
    idx_list: IndexList, inputs: Sequence[Any], shape: Sequence[Length], index_shapes: Sequence[Any], count: Any
) -> tuple[Length, ...]:
    """The shape of what a list with ARRAY selects, from the lengths of the tensor and of the index arrays.

    count   mask -> how many of its elements are true
    """
    layout = Layout(idx_list, inputs, len(shape))
    shapes = [
        (count(inputs[number]),) if inputs[number].dtype == "bool" else index_shapes[number]
        for number, _, _ in layout.arrays
    ]
    ndim = max((len(s) for s in shapes), default=0)
    arrays = [
        broadcast_length(s[axis - ndim] for s in shapes if len(s) >= ndim - axis) for axis in range(ndim)
    ]
    return layout.arrange(
        arrays, [slice_length(b[0], b[1], b[2], shape[axis]) for _, b, axis in layout.slices],
        [shape[axis] for axis in layout.rest],
    )


def without_whole_tail(idx_list: Sequence[Any]) -> IndexList:
    """The list without slices at its end that take the whole axis; one entry stays."""
    entries = list(idx_list)
    while len(entries) > 1 and entries[-1] == slice(None):
        entries.pop()
    return tuple(entries)


def clamped(bound: int) -> int:
    """A bound of a slice, brought into the range of int64, which is beyond every axis."""
    return max(-_LIMIT, min(bound, _LIMIT))


def text(idx_list: IndexList) -> str:
    """The list as it is printed."""

    def part(x: Any) -> str:
        return "" if x is None else x.value if isinstance(x, Slot) else str(x)

    words = []
    for entry in idx_list:
        if isinstance(entry, slice):
            words.append(f"{part(entry.start)}:{part(entry.stop)}:{part(entry.step)}")
        else:
            words.append(part(entry))
    return ", ".join(words)
