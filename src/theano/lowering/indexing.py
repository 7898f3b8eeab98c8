"""Lowerings of indexing: views for integers and slices, gathers and scatters for arrays of integers.

Masks, whose results have lengths that depend on the data, and what the kernels cannot say run through `perform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply, Variable
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.context import Lowering, lowers
from theano.lowering.joining import store_into
from theano.lowering.kernel import INDEXED
from theano.lowering.work import Datum, Fused, Read, Write, read
from theano.tensor.advanced_indexing import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
)
from theano.tensor.basic_indexing import IncSubtensor, Subtensor
from theano.tensor.index_list import ARRAY, Layout, basic_shape, filled, static_slice
from theano.tensor.nnet.classes import ClassNumbers

WHOLE = (None, None, None)
NOWHERE = -(2**63)  # an index that no axis has, from either end


def _entries(lowering: Lowering, idx_list: Sequence[Any], inputs: Sequence[Variable]) -> list[Any]:
    """The index with DimRefs in place of variables; slices are triples."""

    def ref(part: Any) -> Any:
        return lowering.dim(lowering.datum(part)) if isinstance(part, Variable) else part

    return [
        tuple(ref(part) for part in entry) if isinstance(entry, tuple) else ref(entry)
        for entry in filled(idx_list, inputs)  # type: ignore[arg-type]
    ]


def _is_whole(entry: Any) -> bool:
    return isinstance(entry, tuple) and entry[:2] in ((None, None), (0, None)) and entry[2] in (None, 1)


def _view_dims(source: Datum, entries: Sequence[Any]) -> list[Any]:
    """Where the lengths of what `entries` select can be read; None: only there."""
    kept = [
        source.dims[axis] if _is_whole(entry) else None
        for axis, entry in enumerate(entries) if isinstance(entry, tuple)
    ]
    return [*kept, *source.dims[len(entries):]]


@lowers(Subtensor)
def lower_subtensor(lowering: Lowering, node: Apply) -> None:
    """A view."""
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    entries = _entries(lowering, node.op.idx_list, node.inputs[1:])  # type: ignore[attr-defined]
    if source.elements is not None and len(entries) == 1 and isinstance(entries[0], int):
        n = len(source.elements)
        if -n <= entries[0] < n:
            number = lowering.number_of(source.elements[entries[0]], [node])
            lowering.define(variable, lowering.cast(number, source.dtype, [node]))
            return
    out = lowering.new(variable, _view_dims(source, entries))
    if source.elements is not None and len(entries) == 1 and isinstance(entries[0], tuple) and all(
        part is None or isinstance(part, int) for part in entries[0]
    ):
        out.elements = source.elements[slice(*entries[0])]
    lowering.view(out, source, "index", tuple(entries), nodes=[node])
    lowering.define(variable, out)


@lowers(IncSubtensor)
def lower_inc_subtensor(lowering: Lowering, node: Apply) -> None:
    """The tensor in memory that may be overwritten, and a kernel that writes to a view of it."""
    op: Any = node.op
    source, value = lowering.data(node.inputs[:2])
    (variable,) = node.outputs
    if source.dtype not in NATIVE_DTYPES or value.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    entries = _entries(lowering, op.idx_list, node.inputs[2:])
    memory = lowering.own(source, [node])
    memory.name = variable.name or ""
    region = Datum(source.dtype, basic_shape(op.idx_list, source.shape), _view_dims(source, entries))
    lowering.view(region, memory, "index", tuple(entries), nodes=[node])
    done = store_into(lowering, region, value, node, add=not op.set_instead_of_inc)
    lowering.define(variable, lowering.after(memory, [done], [node]))


def _scatter(
    lowering: Lowering, node: Apply, source: Datum, value: Datum, axes: tuple[int, ...],
    shape: tuple[int | None, ...], indices: Sequence[tuple[Datum, Sequence[int]]], into: bool = False,
) -> Datum:
    """Write `value` to computed positions of (a copy of) `source`.

    axes      for every axis of source the axis of the region that walks it, or INDEXED
    shape     static lengths of the region
    indices   (positions, for each axis of theirs the axis of the region) for every INDEXED axis
    into      True: of `source` itself, which is a view
    """
    op: Any = node.op
    value = lowering.fitted(value, shape, [node])
    offset = len(shape) - value.ndim
    reads = [read(value, range(offset, len(shape)), shape), *(read(d, walk, shape) for d, walk in indices)]
    extents: list[Any] = [None] * len(shape)
    for d, a in enumerate(axes):
        if a >= 0 and shape[a] != 1:
            extents[a] = source.dims[d]
    out = Datum(source.dtype, source.shape, source.dims)
    kind = "scatter_set" if op.set_instead_of_inc else "scatter_add"

    def emit(point: Any) -> list[Any]:
        new = point.b.cast(point.read(0), source.dtype)
        return [(new, [point.read(k) for k in range(1, len(reads))])]

    walked = tuple(a if a < 0 or shape[a] != 1 else -1 for a in axes)
    memory = lowering.in_memory(source)
    write = Write(out, kind, walked, base=None if into else memory, into=memory if into else None)
    lowering.add(Fused([node], shape, reads, [write], emit, tuple(extents), size=1, ordered=True))
    return out


@lowers(AdvancedSubtensor1)
def lower_advanced_subtensor1(lowering: Lowering, node: Apply) -> None:
    source, rows = lowering.data(node.inputs)
    if source.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    rest = range(1, source.ndim)
    _gather(lowering, node, source, (INDEXED, *rest), [(rows, (0,))], [rows.dims[0], *source.dims[1:]])


def _gather(
    lowering: Lowering, node: Apply, source: Datum, axes: tuple[int, ...],
    indices: Sequence[tuple[Datum, Sequence[int]]], dims: Sequence[Any],
) -> None:
    """Read at computed positions; the arguments are as of `_scatter`."""
    (variable,) = node.outputs
    out = lowering.new(variable, dims)
    memory = lowering.in_memory(source)
    # a length of one that only the source's type knows (its producer was rewritten) is told by walking it
    walked = tuple(a if a == INDEXED or memory.shape[d] != 1 or out.shape[a] != 1 else -1 for d, a in enumerate(axes))
    reads = [Read(memory, walked), *(read(d, walk, out.shape) for d, walk in indices)]

    def emit(point: Any) -> list[Any]:
        return [point.gather(0, [point.read(k) for k in range(1, len(reads))])]

    lowering.add(Fused([node], out.shape, reads, [Write(out, "store", tuple(range(out.ndim)))], emit, size=1))
    lowering.define(variable, out)


@lowers(AdvancedIncSubtensor1)
def lower_advanced_inc_subtensor1(lowering: Lowering, node: Apply) -> None:
    source, value, rows = lowering.data(node.inputs)
    if source.dtype not in NATIVE_DTYPES or value.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    rest = range(1, source.ndim)
    shape = (rows.shape[0], *source.shape[1:])
    lowering.define(node.outputs[0], _scatter(lowering, node, source, value, (INDEXED, *rest), shape, [(rows, (0,))]))


@lowers(AdvancedSubtensor)
def lower_advanced_subtensor(lowering: Lowering, node: Apply) -> None:
    """Integers and slices first, as a view; then a gather along the axes of the arrays."""
    op: Any = node.op
    source = lowering.datum(node.inputs[0])
    inputs = node.inputs[1:]
    arrays = _arrays(lowering, op.idx_list, inputs)
    if source.dtype not in NATIVE_DTYPES or arrays is None:
        lowering.python(node)
        return
    entries = _entries_of_arrays(lowering, op.idx_list, inputs)
    if _has_basic_part(entries):
        source = _basic_part(lowering, node, source, entries)
    kept = [entry for entry in entries if entry is ARRAY or isinstance(entry, tuple)]
    axes, indices, dims = _region(op.idx_list, inputs, node.inputs[0].type.ndim, kept, arrays, source)  # type: ignore[attr-defined]
    _gather(lowering, node, source, axes, indices, dims)


def _has_basic_part(entries: Sequence[Any]) -> bool:
    """Is there an integer, or a slice of less than a whole axis?"""
    return any(entry is not ARRAY and not _is_whole(entry) for entry in entries)


def _basic_part(lowering: Lowering, node: Apply, source: Datum, entries: Sequence[Any]) -> Datum:
    """The view of `source` that the integers and slices select; axes with an array stay whole."""
    op: Any = node.op
    basic = [WHOLE if entry is ARRAY else entry for entry in entries]
    shape = [
        static_slice(slot, n) if isinstance(slot, slice) else n
        for n, slot in zip(source.shape, op.idx_list) if isinstance(slot, slice) or slot is ARRAY
    ]
    view = Datum(source.dtype, (*shape, *source.shape[len(basic):]), _view_dims(source, basic))
    return lowering.view(view, source, "index", tuple(basic), nodes=[node])


@lowers(AdvancedIncSubtensor)
def lower_advanced_inc_subtensor(lowering: Lowering, node: Apply) -> None:
    """A scatter, where there are integers and slices into the view that they select."""
    op: Any = node.op
    source, value = lowering.data(node.inputs[:2])
    inputs = node.inputs[2:]
    arrays = _arrays(lowering, op.idx_list, inputs)
    if {source.dtype, value.dtype} - NATIVE_DTYPES or arrays is None:
        lowering.python(node)
        return
    entries = _entries_of_arrays(lowering, op.idx_list, inputs)
    memory = None
    if _has_basic_part(entries):
        memory = lowering.own(source, [node])
        source = _basic_part(lowering, node, memory, entries)
    kept = [entry for entry in entries if entry is ARRAY or isinstance(entry, tuple)]
    axes, indices, dims = _region(op.idx_list, inputs, node.inputs[0].type.ndim, kept, arrays, source)  # type: ignore[attr-defined]
    shape = tuple(ref if isinstance(ref, int) else None for ref in dims)
    out = _scatter(lowering, node, source, value, axes, shape, indices, into=memory is not None)
    if memory is not None:
        out = lowering.after(memory, [out], [node])
    lowering.define(node.outputs[0], out)


def _entries_of_arrays(lowering: Lowering, idx_list: Sequence[Any], inputs: Sequence[Variable]) -> list[Any]:
    found: list[Any] = []
    for slot, given in zip(idx_list, filled(idx_list, inputs)):  # type: ignore[arg-type]
        if slot is ARRAY:
            found.append(ARRAY)
        elif isinstance(given, tuple):
            found.append(tuple(
                lowering.dim(lowering.datum(p)) if isinstance(p, Variable) else p for p in given
            ))
        else:
            found.append(lowering.dim(lowering.datum(given)) if isinstance(given, Variable) else given)
    return found


def _arrays(lowering: Lowering, idx_list: Sequence[Any], inputs: Sequence[Variable]) -> list[Datum] | None:
    """The index arrays, with equal lengths wherever they meet; None where one is a mask.

    Index arrays broadcast where a length turns out to be one at run time, which kernels do not know: so where it is
    not known that lengths are equal, the arrays are stretched before.
    """
    arrays = [
        lowering.datum(given)  # type: ignore[arg-type]
        for slot, given in zip(idx_list, filled(idx_list, inputs)) if slot is ARRAY  # type: ignore[arg-type]
    ]
    if any(d.dtype == "bool" for d in arrays):
        return None
    rank = max((d.ndim for d in arrays), default=0)
    met: list[list[Any]] = [
        list(dict.fromkeys(d.dims[axis - rank] for d in arrays if rank - d.ndim <= axis and d.shape[axis - rank] != 1))
        for axis in range(rank)
    ]
    met = [lengths if len(lengths) > 1 else [] for lengths in met]
    if not any(met):
        return arrays
    return [_stretched(lowering, array, met[rank - array.ndim:]) for array in arrays]


def _stretched(lowering: Lowering, array: Datum, met: Sequence[Sequence[Any]]) -> Datum:
    """`array` with the lengths that it meets wherever its own is one. met: for every axis the lengths there."""
    others = [tuple(lengths) if n is None else () for n, lengths in zip(array.shape, met, strict=True)]
    if not any(others):
        return array
    dims = [None if lengths else known for known, lengths in zip(array.dims, others, strict=True)]
    view = Datum(array.dtype, array.shape, dims, array.name)
    return lowering.view(view, array, "stretch", tuple(others), nodes=[])


def _region(
    idx_list: Sequence[Any], inputs: Sequence[Variable], ndim: int, places: Sequence[Any], arrays: Sequence[Datum],
    source: Datum,
) -> tuple[tuple[int, ...], list[tuple[Datum, Sequence[int]]], list[Any]]:
    """(axes, indices, dims) of the region that `places` (ARRAY or a slice for each axis of `source`) select."""
    layout = Layout(idx_list, inputs, ndim)  # type: ignore[arg-type]
    rank = max((d.ndim for d in arrays), default=0)
    kept = [axis for axis, place in enumerate(places) if place is not ARRAY]
    rest = range(len(places), source.ndim)
    order = layout.arrange(
        [("array", k) for k in range(rank)], [("axis", axis) for axis in kept], [("axis", axis) for axis in rest]
    )
    at = {entry: number for number, entry in enumerate(order)}
    axes = tuple(at.get(("axis", axis), INDEXED) for axis in range(source.ndim))
    indices: list[tuple[Datum, Sequence[int]]] = [
        (d, [at[("array", rank - d.ndim + k)] for k in range(d.ndim)]) for d in arrays
    ]
    dims: list[Any] = []
    for what, number in order:
        if what == "axis":
            dims.append(source.dims[number])
            continue
        told: list[Any] = [
            d.dims[number - rank + d.ndim] for d in arrays
            if number - rank + d.ndim >= 0 and d.shape[number - rank + d.ndim] != 1
        ]
        dims.append(told[0] if told else 1)
    return axes, indices, dims


@lowers(ClassNumbers)
def lower_class_numbers(lowering: Lowering, node: Apply) -> None:
    """A check of the lengths, and labels in which what is negative is out of every range: indexing finds it there."""
    source, *lengths = lowering.data(node.inputs)
    rows = [lowering.dim(n) for n in lengths]
    checked = Datum(source.dtype, source.shape, rows, source.name)
    if source.ndim:
        lowering.view(checked, source, "specify", tuple(rows), nodes=[node])
    else:
        checked = source
    out = lowering.new(node.outputs[0], rows)
    signed = source.dtype.startswith("int")

    def emit(point: Any) -> Any:
        label = point.b.cast(point.read(0), "int64")
        return point.b.select(label < 0, NOWHERE, label) if signed or source.dtype == "uint64" else label

    lowering.pointwise(out, [(checked, range(out.ndim))], emit, nodes=[node], size=2, cost=2)
    lowering.define(node.outputs[0], out)
