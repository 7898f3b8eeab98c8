"""Parts of arrays that are written: read back, written again, without effect.

Writes into zeros, which gradients of indexing are, are in `scattered.py`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, signed_sum
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import written_axes
from theano.rewriting.indices import ALL, Entry, apart, entries_of, indexed, is_position, within
from theano.rewriting.known import number, padded
from theano.rewriting.pattern import terms_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexing import is_whole, read_entries
from theano.rewriting.rules.scattered import SCATTERED, WRITES, add_of_scattered, distinct
from theano.scalar import arithmetic as ar
from theano.scalar.selection import second
from theano.tensor.creation import Alloc
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

MOST_WRITES = 16  # that are looked through for the one that wrote what is read


def written_entries(node: Apply) -> list[Entry]:
    """The entries of an IncSubtensor node, one for each axis."""
    return entries_of(node.op, node.inputs, node.inputs[0].type.ndim)  # type: ignore[attr-defined]


@function_rule(Subtensor, name="read_of_written", needs=[IncSubtensor],
               tags="local_subtensor_inc_subtensor local_slice_read_of_write")
def read_of_written(node: Apply, site: Site) -> Any:
    """set(x, y, i)[i] -> y, set(x, y, 1:5)[2] -> y[1], inc(x, y, i)[i] -> x[i] + y, set(x, y, 1)[2] -> x[2]"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, IncSubtensor):
        return None
    x, y = inner.inputs[:2]
    out: Any = node.outputs[0]
    read, written = read_entries(node), written_entries(inner)
    if apart(read, written):
        source = _before_writes_elsewhere(x, read)
        return None if source is None else [conform(indexed(source, read), out)]
    inside = within(read, written)
    if inside is None:
        return None
    kept = [axis for axis, e in enumerate(written) if not is_position(e)]
    flat = y.type.broadcastable  # type: ignore[attr-defined]
    for axis, entry, one in zip(kept, inside, flat):
        # whether y is as long as a slice is found out by writing it
        if not one and written[axis] != ALL and not is_position(entry) and not (
            entry == ALL and site.dims.same_axis(y, kept.index(axis), out, _place(read, axis))
        ):
            return None
    entries = [(0 if is_position(e) else ALL) if one else e for e, one in zip(inside, flat)]
    value, there = indexed(y, entries), indexed(x, read)
    if inner.op.set_instead_of_inc:
        return [conform(value, out, [there])]
    return [conform(elemwise_of(ar.add)(there, value), out)]


def _before_writes_elsewhere(x: Any, read: list[Entry]) -> Any:
    """What a chain of writes that ends in `x` began with, or the last of them that may touch what is read.

    None where the chain is long: a program that writes and reads all of a vector so would take quadratic time.
    """
    for _ in range(MOST_WRITES):
        node = x.owner
        if node is None or not isinstance(node.op, IncSubtensor) or not apart(read, written_entries(node)):
            return x
        x = node.inputs[0]
    return None


def _place(read: list[Entry], axis: int) -> int:
    """Where this axis of the tensor is in what is read."""
    return sum(not is_position(e) for e in read[:axis])


def same_place(a: Apply, b: Apply) -> bool:
    """Have two writes of one tensor, or a write and a read, the same index?"""
    first, second_ = (node.inputs[2 if isinstance(node.op, WRITES) else 1 :] for node in (a, b))
    return first == second_ and getattr(a.op, "idx_list", None) == getattr(b.op, "idx_list", None)


READERS: dict[type, type] = {
    IncSubtensor: Subtensor, AdvancedIncSubtensor: AdvancedSubtensor, AdvancedIncSubtensor1: AdvancedSubtensor1,
}  # fmt: skip


@function_rule(
    *WRITES, name="write_of_write", needs=WRITES, assumes="rounding", tags="local_write_of_write_same_indices",
)
def write_of_write(node: Apply, site: Site) -> Any:
    """set(set(x, y, i), z, i) -> set(x, z, i), inc(inc(x, y, i), z, i) -> inc(x, y + z, i),
    inc(set(x, y, i), z, i) -> set(x, y + z, i)"""
    v, z, *indices = node.inputs
    inner: Any = v.owner
    op: Any = node.op
    if inner is None or type(inner.op) is not type(op) or not same_place(inner, node) or site.uses(v) > 1:
        return None
    x, y = inner.inputs[:2]
    if y.type.broadcastable != z.type.broadcastable or not site.dims.same(y, z):  # type: ignore[attr-defined]
        return None
    if op.set_instead_of_inc:
        return [op(x, z, *indices)]
    if y.type.dtype == "bool" or (inner.op.set_instead_of_inc and not distinct(node)):
        return None
    return [conform(inner.op(x, elemwise_of(ar.add)(y, z), *indices), node.outputs[0])]


@function_rule(*WRITES, name="write_of_what_is_there", needs=list(READERS.values()),
               tags="local_setsubtensor_of_constants")
def write_of_what_is_there(node: Apply, site: Site) -> Any:
    """set(x, x[i], i) -> x"""
    x, y = node.inputs[:2]
    reader = y.owner
    op: Any = node.op
    if reader is None or not op.set_instead_of_inc or type(reader.op) is not READERS[type(op)]:
        return None
    return [x] if reader.inputs[0] is x and same_place(node, reader) else None


@function_rule(*WRITES, name="write_of_same_number", tags="local_setsubtensor_of_constants")
def write_of_same_number(node: Apply, site: Site) -> Any:
    """set(x, c, i) -> x where x is c everywhere, as in set(zeros, 0, i)"""
    x, y = node.inputs[:2]
    value = number(x) if node.op.set_instead_of_inc else None  # type: ignore[attr-defined]
    return [x] if value is not None and value == number(y) and (value != 0 or repr(value) == repr(number(y))) else None


@function_rule(*WRITES, name="write_of_sum", needs=[ar.add, ar.sub], tags="local_set_to_inc_subtensor")
def write_of_sum(node: Apply, site: Site) -> Any:
    """set(x, x[i] + y, i) -> inc(x, y, i)"""
    x, total, *indices = node.inputs
    op: Any = node.op
    if not op.set_instead_of_inc or site.uses(total) > 1 or x.type.dtype == "bool" or not distinct(node):  # type: ignore[attr-defined]
        return None
    constant, terms = terms_of(total)
    for k, (sign, term) in enumerate(terms):
        reader = term.owner
        if sign < 0 or reader is None or type(reader.op) is not READERS[type(op)] or reader.inputs[0] is not x \
                or not same_place(node, reader) or term.type.broadcastable != total.type.broadcastable:  # type: ignore[attr-defined]
            continue
        rest = [*terms[:k], *terms[k + 1 :]]
        if any(v.type.dtype != x.type.dtype for _, v in rest):  # type: ignore[attr-defined]
            return None
        increment = signed_sum(rest, constant, x.type.dtype)  # type: ignore[attr-defined]
        settings = {"set_instead_of_inc": False}
        adding = type(op)(op.idx_list, **settings) if hasattr(op, "idx_list") else type(op)(**settings)
        return [conform(adding(x, increment, *indices), node.outputs[0])]
    return None


@function_rule(IncSubtensor, name="write_of_everything", tags="fast_compile local_useless_inc_subtensor")
def write_of_everything(node: Apply, site: Site) -> Any:
    """set(x, y, :) -> y, inc(x, y, :) -> x + y"""
    x, y = node.inputs[:2]
    if not all(is_whole(e, x, axis, site) for axis, e in enumerate(written_entries(node))):
        return None
    out: Any = node.outputs[0]
    if node.op.set_instead_of_inc:  # type: ignore[attr-defined]
        result = conform(y, out, [x])
    else:
        result = conform(elemwise_of(ar.add)(x, y), out)
    return None if result is None else [result]


@function_rule(*WRITES, name="increment_by_zero", assumes="signed_zero", tags="local_incsubtensor_of_zeros")
def increment_by_zero(node: Apply, site: Site) -> Any:
    """inc(x, 0, i) -> x"""
    if node.op.set_instead_of_inc or number(node.inputs[1]) != 0:  # type: ignore[attr-defined]
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
    if region[0] is None and isinstance(node.op, AdvancedIncSubtensor):
        region = [_length_read(node, site), *region[1:]]
    for axis, (before, after) in enumerate(zip(y.type.broadcastable, value.type.broadcastable)):  # type: ignore[attr-defined]
        if after and not before and (
            region[axis] is None or not site.dims.same_length(axis_key(y, axis), region[axis])
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


@function_rule(
    *WRITES, name="increment_of_zeros", assumes="signed_zero", tags="local_incsubtensor_of_zeros_to_setsubtensor",
)
def increment_of_zeros(node: Apply, site: Site) -> Any:
    """inc(zeros, y, i) -> set(zeros, y, i) where no element is named twice"""
    op: Any = node.op
    if op.set_instead_of_inc or number(node.inputs[0]) != 0 or not distinct(node):
        return None
    settings = {"set_instead_of_inc": True}
    setting = type(op)(op.idx_list, **settings) if hasattr(op, "idx_list") else type(op)(**settings)
    return [conform(setting(*node.inputs), node.outputs[0])]


WRITTEN = ruleset(
    read_of_written, write_of_everything, write_of_what_is_there, write_of_same_number, write_of_write,
    increment_by_zero, *SCATTERED,
)
WRITING = ruleset(write_of_alloc, increment_of_zeros, add_of_scattered, write_of_sum)
