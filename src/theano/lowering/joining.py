"""Lowerings of Join and Split, and of copies in C order.

The parts of a join are computed right into their places in one array; the pieces of a split are views. What must be in
C order is computed into an array that is, as the one part of a join.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from theano.graph.node import Apply
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.context import Lowering, lowers, lowers_named
from theano.lowering.creation import allocate
from theano.lowering.work import Datum, Fused, SumOf, Write, read
from theano.tensor.joining import Join, Split

# of the sum that says where a part begins
MOST_TERMS = 16


@lowers(Join)
def lower_join(lowering: Lowering, node: Apply) -> None:
    axis_datum, *parts = lowering.data(node.inputs)
    (variable,) = node.outputs
    out_type: Any = variable.type
    if not isinstance(axis_datum.dim, int) or not {out_type.dtype, *(p.dtype for p in parts)} <= NATIVE_DTYPES:
        lowering.python(node)
        return
    ndim = len(out_type.shape)
    axis = axis_datum.dim % ndim
    if len(parts) == 1:
        lowering.define(variable, lowering.cast(parts[0], out_type.dtype, [node]))
        return
    along = [part.dims[axis] for part in parts]
    lengths: list[Any] = []
    for d in range(ndim):
        if out_type.shape[d] is not None:
            lengths.append(out_type.shape[d])
        else:
            lengths.append(SumOf(tuple(along)) if d == axis else parts[0].dims[d])
    memory = lowering.new(variable, [None if isinstance(n, SumOf) else n for n in lengths])
    allocate(lowering, memory, lengths, [node])
    places = []
    for part, length in zip(parts, along):
        shape = tuple(part.shape[axis] if d == axis else n for d, n in enumerate(out_type.shape))
        places.append(Datum(out_type.dtype, shape, [length if d == axis else ref for d, ref in enumerate(memory.dims)]))
    # the whole axis but for the one along which is joined: lengths that differ are found by the kernel
    cut = _cut(lowering, memory, axis, along, places, node)
    writes = [store_into(lowering, place, part, node) for place, part in zip(cut, parts, strict=True)]
    lowering.define(variable, lowering.after(memory, writes, [node]))


def _cut(
    lowering: Lowering, source: Datum, axis: int, lengths: Sequence[Any], pieces: Sequence[Datum], node: Apply
) -> Iterator[Datum]:
    """Make `pieces` views of `source`, of these lengths along an axis, one after the other; yields each when it is one.

    Where a piece begins is a sum of the lengths before it. So that a thousand pieces do not need half a million terms,
    these are counted from a view of what is left after every few pieces.
    """
    before: tuple[Any, ...] = ()
    for piece, length in zip(pieces, lengths, strict=True):
        entries: list[Any] = [(None, None, None)] * source.ndim
        if len(before) == MOST_TERMS:
            entries[axis] = (SumOf(before), None, None)
            shape = tuple(None if d == axis else n for d, n in enumerate(source.shape))
            rest = Datum(source.dtype, shape, [None if d == axis else ref for d, ref in enumerate(source.dims)])
            lowering.view(rest, source, "index", tuple(entries), nodes=[node])
            source, before = rest, ()
        entries[axis] = (SumOf(before), SumOf((*before, length)), None)
        before = (*before, length)
        lowering.view(piece, source, "index", tuple(entries), nodes=[node])
        yield piece


def store_into(lowering: Lowering, place: Datum, value: Datum, node: Apply, add: bool = False) -> Datum:
    """Write `value` (or add it) to the view `place`. The result stands for the writing."""
    done = Datum(place.dtype, place.shape, place.dims)
    value = lowering.fitted(value, place.shape, [node])
    space = range(place.ndim)
    offset = place.ndim - value.ndim
    lengths = place.shape
    reads = [read(value, range(offset, place.ndim), lengths)]
    if add:
        reads.append(read(place, space, lengths))

    def emit(point: Any) -> list[Any]:
        new = point.b.cast(point.read(0), place.dtype)
        return [point.read(1) + new if add else new]

    lowering.add(Fused(
        [node], lengths, reads, [Write(done, "store", tuple(space), into=place)], emit, size=1 + add
    ))
    return done


@lowers_named("theano.tensor.extra_ops", "CpuContiguous")
def lower_contiguous(lowering: Lowering, node: Apply) -> None:
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    if source.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    memory = lowering.new(variable, source.dims)
    allocate(lowering, memory, list(source.dims), [node])
    # a view, which the kernel may write through without taking the memory over
    place = Datum(memory.dtype, memory.shape, memory.dims)
    lowering.view(place, memory, "specify", (None,) * memory.ndim, nodes=[node])
    lowering.define(variable, lowering.after(memory, [store_into(lowering, place, source, node)], [node]))


@lowers(Split)
def lower_split(lowering: Lowering, node: Apply) -> None:
    source, axis_datum, sizes = lowering.data(node.inputs)
    count = len(node.outputs)
    if not isinstance(axis_datum.dim, int) or sizes.elements is None or len(sizes.elements) != count or any(
        isinstance(n, Datum) for n in sizes.elements
    ):
        lowering.python(node)       # sizes that are computed may be negative, or not add up
        return
    axis = axis_datum.dim % source.ndim
    lengths = sizes.elements
    checked = Datum(source.dtype, source.shape, source.dims, source.name)
    check: list[Any] = [None] * source.ndim
    check[axis] = SumOf(tuple(lengths))
    lowering.view(checked, source, "specify", tuple(check), nodes=[node])
    pieces = [
        lowering.new(variable, [length if d == axis else ref for d, ref in enumerate(source.dims)])
        for variable, length in zip(node.outputs, lengths)
    ]
    for variable, piece in zip(node.outputs, _cut(lowering, checked, axis, lengths, pieces, node), strict=True):
        lowering.define(variable, piece)
