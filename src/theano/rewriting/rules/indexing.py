"""Indexing: of indexed, of elementwise and allocated values; writes that are read back, and writes into zeros."""

from __future__ import annotations

from itertools import islice
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import value_key, written_axes
from theano.rewriting.known import number, padded
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.scattered import SCATTERED, WRITES, add_of_scattered
from theano.scalar import arithmetic as ar
from theano.scalar.selection import second
from theano.tensor.careduce import Sum, reduced_axes
from theano.tensor.creation import Alloc
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.index_list import INT
from theano.tensor.products import Dot
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
)

WHOLE = slice(None)


def is_whole(entry: Any, given: Any, x: Any, axis: int, site: Site) -> bool:
    """Does this slice take all of an axis, in order?"""
    if not isinstance(entry, slice):
        return False
    start, stop, step = given
    if step not in (None, 1) or start not in (None, 0):
        return False
    if stop is None:
        return True
    if isinstance(stop, int):
        n = x.type.shape[axis]
        return n is not None and stop >= n
    return bool(site.dims.same_length(value_key(stop), axis_key(x, axis)))


@function_rule(Subtensor, name="whole_slice", tags="fast_compile useless local_useless_subtensor")
def whole_slice(node: Apply, site: Site) -> Any:
    """x[:, :] -> x, x[0:len] -> x"""
    x = node.inputs[0]
    idx_list = node.op.idx_list  # type: ignore[attr-defined]
    given = node.op.get_idx(node.inputs)  # type: ignore[attr-defined]
    whole = [is_whole(e, g, x, axis, site) for axis, (e, g) in enumerate(zip(idx_list, given))]
    if all(whole):
        return [conform(x, node.outputs[0])]
    entries: list[Any] = []
    inputs: list[Any] = []
    changed = False
    for entry, bounds, full in zip(idx_list, given, whole):
        if full:
            changed = changed or entry != WHOLE
            entries.append(WHOLE)
        else:
            _append(entries, inputs, bounds)
    while entries[-1] == WHOLE:
        entries.pop()
        changed = True
    return [conform(Subtensor(entries)(x, *inputs), node.outputs[0])] if changed else None


def _append(entries: list[Any], inputs: list[Any], given: Any) -> None:
    """Add an entry of an index list with its inputs, from its filled form."""
    if isinstance(given, tuple):
        entries.append(slice(*(part if part is None or isinstance(part, int) else INT for part in given)))
        inputs.extend(part for part in given if part is not None and not isinstance(part, int))
    elif isinstance(given, int):
        entries.append(given)
    else:
        entries.append(INT)
        inputs.append(given)


@function_rule(Subtensor, name="index_of_index", needs=[Subtensor], tags="local_subtensor_merge")
def index_of_index(node: Apply, site: Site) -> Any:
    """x[i][j] -> x[i, j], x[a:][b:] -> x[a+b:], x[i][:, a:b] -> x[i, :, a:b]"""
    x = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Subtensor):
        return None
    source: Any = inner.inputs[0]
    first = list(inner.op.get_idx(inner.inputs))
    first += [(None, None, None)] * (source.type.ndim - len(first))
    second_ = list(node.op.get_idx(node.inputs))  # type: ignore[attr-defined]
    merged: list[Any] = []
    for given in first:
        if not isinstance(given, tuple):
            merged.append(given)
            continue
        if not second_:
            merged.append(given)
            continue
        outer = second_.pop(0)
        if given == (None, None, None):
            merged.append(outer)
        elif outer == (None, None, None):
            merged.append(given)
        else:
            both = _slice_of_slice(given, outer)
            if both is None:
                return None
            merged.append(both)
    entries: list[Any] = []
    inputs: list[Any] = []
    for given in merged:
        _append(entries, inputs, given)
    return [conform(Subtensor(entries)(source, *inputs), node.outputs[0])]


def _slice_of_slice(first: Any, outer: Any) -> Any | None:
    """x[first][outer] as one slice, for slices from known places with step 1."""
    start, stop, step = first
    if step not in (None, 1) or not (start is None or (isinstance(start, int) and start >= 0)):
        return None
    if not (stop is None or (isinstance(stop, int) and stop >= 0)) or not isinstance(outer, tuple):
        return None
    a, b, c = outer
    if c not in (None, 1) or not (a is None or (isinstance(a, int) and a >= 0)):
        return None
    if not (b is None or (isinstance(b, int) and b >= 0)):
        return None
    base = start or 0
    end = None if b is None else base + b
    if stop is not None:
        end = stop if end is None else min(stop, end)
    return (base + (a or 0), end, None)


@function_rule(Subtensor, name="index_of_elementwise", tags="local_subtensor_lift")
def index_of_elementwise(node: Apply, site: Site) -> Any:
    """f(x)[i] -> f(x[i]), also where the other operands of f are scalars"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1:
        return None
    full = [v for v in inner.inputs if v.type.broadcastable == x.type.broadcastable]  # type: ignore[attr-defined]
    if len(full) != 1 or inner.op.scalar_op is second:
        return None
    ndim = node.outputs[0].type.ndim  # type: ignore[attr-defined]
    parts = []
    for v in inner.inputs:
        if v is full[0]:
            parts.append(node.op(v, *node.inputs[1:]))
        elif all(v.type.broadcastable):  # type: ignore[attr-defined]
            parts.append(DimShuffle(v.type.broadcastable, ["x"] * ndim)(v))  # type: ignore[attr-defined]
        else:
            return None
    return [conform(inner.op(*parts), node.outputs[0])]


@function_rule(Subtensor, name="slice_of_alloc", tags="local_subtensor_of_alloc")
def slice_of_alloc(node: Apply, site: Site) -> Any:
    """alloc(v, n, m)[a:b] -> alloc(v, b - a, m), for slices of axes along which v is constant"""
    x: Any = node.inputs[0]
    inner = x.owner
    idx_list = node.op.idx_list  # type: ignore[attr-defined]
    if inner is None or not isinstance(inner.op, Alloc) or not all(isinstance(e, slice) for e in idx_list):
        return None
    value: Any = inner.inputs[0]
    offset = x.type.ndim - value.type.ndim
    for axis, entry in enumerate(idx_list):
        if entry != WHOLE and axis >= offset and not value.type.broadcastable[axis - offset]:
            return None
    out = node.outputs[0]
    return [conform(Alloc()(value, *[site.length(out, axis) for axis in range(x.type.ndim)]), out)]


@function_rule(Subtensor, name="read_of_written", needs=[IncSubtensor], tags="local_subtensor_inc_subtensor")
def read_of_written(node: Apply, site: Site) -> Any:
    """set(x, y, s)[s] -> y, inc(x, y, s)[s] -> x[s] + y, for slices s"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, IncSubtensor):
        return None
    idx_list = node.op.idx_list  # type: ignore[attr-defined]
    if inner.op.idx_list != idx_list or inner.inputs[2:] != node.inputs[1:]:
        return None
    if not all(isinstance(e, slice) for e in idx_list):
        return None
    x, y = inner.inputs[:2]
    out: Any = node.outputs[0]
    read = node.op(x, *node.inputs[1:])
    if inner.op.set_instead_of_inc:
        for axis, n in enumerate(y.type.shape):  # type: ignore[attr-defined]
            if n != 1 and not site.dims.same_axis(y, axis, out, axis):
                return None  # whether y fits is found out by writing it
        return [conform(y, out, [read])]
    return [conform(elemwise_of(ar.add)(read, y), out)]


@function_rule(IncSubtensor, name="write_of_write", needs=[IncSubtensor], tags="local_write_of_write_same_indices")
def write_of_write(node: Apply, site: Site) -> Any:
    """set(set(x, y, i), z, i) -> set(x, z, i), inc(inc(x, y, i), z, i) -> inc(x, y + z, i)"""
    v, z, *indices = node.inputs
    inner = v.owner
    op: Any = node.op
    if inner is None or not isinstance(inner.op, IncSubtensor) or inner.op.idx_list != op.idx_list:
        return None
    if inner.inputs[2:] != indices or site.uses(v) > 1:
        return None
    x, y = inner.inputs[:2]
    if y.type.broadcastable != z.type.broadcastable or not site.dims.same(y, z):  # type: ignore[attr-defined]
        return None
    if op.set_instead_of_inc:
        return [op(x, z, *indices)]
    if inner.op.set_instead_of_inc or y.type.dtype == "bool":  # type: ignore[attr-defined]
        return None
    return [conform(op(x, elemwise_of(ar.add)(y, z), *indices), node.outputs[0])]


@function_rule(Subtensor, name="index_of_dot", needs=[Dot], tags="local_subtensor_of_dot")
def index_of_dot(node: Apply, site: Site) -> Any:
    """dot(x, y)[i, j] -> dot(x[i], y[:, j])"""
    v = node.inputs[0]
    inner = v.owner
    if inner is None or type(inner.op) is not Dot or site.uses(v) > 1:
        return None
    x, y = inner.inputs
    if x.type.ndim != 2 or y.type.ndim != 2:  # type: ignore[attr-defined]
        return None
    rows, *columns = node.op.get_idx(node.inputs)  # type: ignore[attr-defined]
    if rows != (None, None, None):
        x = _indexed(x, [rows])
    if columns:
        y = _indexed(y, [(None, None, None), *columns])
    return [conform(Dot()(x, y), node.outputs[0])]


@function_rule(Subtensor, name="index_of_sum", needs=[Sum], tags="local_subtensor_of_reduce")
def index_of_sum(node: Apply, site: Site) -> Any:
    """sum(x, axis=1)[i] -> sum(x[i], axis=0)"""
    v = node.inputs[0]
    inner = v.owner
    if inner is None or type(inner.op) is not Sum or site.uses(v) > 1:
        return None
    x: Any = inner.inputs[0]
    axes = reduced_axes(inner.op.axis, x.type.ndim)
    given = list(node.op.get_idx(node.inputs))  # type: ignore[attr-defined]
    full: list[Any] = []
    new_axes: list[int] = []
    position = 0
    for axis in range(x.type.ndim):
        entry = (None, None, None) if axis in axes or not given else given.pop(0)
        if axis in axes:
            new_axes.append(position)
        full.append(entry)
        position += isinstance(entry, tuple)
    op = Sum(tuple(new_axes), dtype=inner.op.dtype, acc_dtype=inner.op.acc_dtype)
    return [conform(op(_indexed(x, full)), node.outputs[0])]


def _indexed(x: Any, given: list[Any]) -> Any:
    entries: list[Any] = []
    inputs: list[Any] = []
    for one in given:
        _append(entries, inputs, one)
    while len(entries) > 1 and entries[-1] == WHOLE:
        entries.pop()
    return Subtensor(entries)(x, *inputs)


@function_rule(IncSubtensor, name="write_of_everything", tags="fast_compile local_useless_inc_subtensor")
def write_of_everything(node: Apply, site: Site) -> Any:
    """set(x, y, :) -> y, inc(x, y, :) -> x + y"""
    x, y = node.inputs[:2]
    given = node.op.region_idx(node.inputs)  # type: ignore[attr-defined]
    idx_list = node.op.idx_list  # type: ignore[attr-defined]
    if not all(is_whole(e, g, x, axis, site) for axis, (e, g) in enumerate(zip(idx_list, given))):
        return None
    out: Any = node.outputs[0]
    if node.op.set_instead_of_inc:  # type: ignore[attr-defined]
        result = conform(y, out, [x])
    else:
        result = conform(elemwise_of(ar.add)(x, y), out)
    return None if result is None else [result]


@function_rule(*WRITES, name="increment_by_zero", tags="local_incsubtensor_of_zeros")
def increment_by_zero(node: Apply, site: Site) -> Any:
    """inc(x, 0, i) -> x where the index cannot be out of range"""
    if node.op.set_instead_of_inc or number(node.inputs[1]) != 0 or not isinstance(node.op, IncSubtensor):  # type: ignore[attr-defined]
        return None
    if not all(isinstance(e, slice) for e in node.op.idx_list):
        return None
    return [node.inputs[0]]


@function_rule(*WRITES, name="write_of_alloc", needs=[Alloc, second], tags="local_useless_inc_subtensor_alloc")
def write_of_alloc(node: Apply, site: Site) -> Any:
    """inc(x, alloc(v, s), i) -> inc(x, v, i): what is written is broadcast anyway"""
    x, y, *indices = node.inputs
    owner = y.owner
    if owner is None:
        return None
    if isinstance(owner.op, Alloc):
        value: Any = padded(owner.inputs[0], y.type.ndim)  # type: ignore[attr-defined]
    elif isinstance(owner.op, Elemwise) and owner.op.scalar_op is second:
        value = owner.inputs[1]
    else:
        return None
    region = written_axes(node)
    if region is not None and region[0] is None and isinstance(node.op, AdvancedIncSubtensor):
        region = [_length_read(node, site), *region[1:]]
    for axis, (before, after) in enumerate(zip(y.type.broadcastable, value.type.broadcastable)):  # type: ignore[attr-defined]
        if after and not before and (
            region is None or region[axis] is None or not site.dims.same_length(axis_key(y, axis), region[axis])
        ):
            return None
    return [conform(node.op(x, value, *indices), node.outputs[0])]


def _length_read(node: Apply, site: Site) -> Any | None:
    """The key of the first axis of what the same indices read elsewhere in the graph, which is the region's."""
    indices, op = node.inputs[2:], node.op
    for user, _ in islice(site.fgraph.clients.get(indices[0], ()), 16):
        reader: Any = user
        if isinstance(reader, Apply) and isinstance(reader.op, AdvancedSubtensor) and \
                reader.inputs[1:] == indices and reader.op.idx_list == op.idx_list:  # type: ignore[attr-defined]
            return axis_key(reader.outputs[0], 0)
    return None


@function_rule(IncSubtensor, name="increment_of_zeros", tags="local_incsubtensor_of_zeros_to_setsubtensor")
def increment_of_zeros(node: Apply, site: Site) -> Any:
    """inc(zeros, y, s) -> set(zeros, y, s)"""
    op: Any = node.op
    if op.set_instead_of_inc or number(node.inputs[0]) != 0:
        return None
    return [conform(IncSubtensor(op.idx_list, set_instead_of_inc=True)(*node.inputs), node.outputs[0])]


INDEXING = ruleset(
    whole_slice, index_of_index, index_of_elementwise, slice_of_alloc, read_of_written, write_of_everything,
    write_of_write, index_of_dot, index_of_sum,
    increment_by_zero, *SCATTERED,
)
WRITING = ruleset(write_of_alloc, increment_of_zeros, add_of_scattered)
