"""Indexing by integers and slices: of indexed, transposed, elementwise, allocated and joined values.

An index moves towards the inputs, where less is computed. Reads of what was written are in `writes.py`, indices that
are arrays in `gathers.py`, those of results of reductions and products in `indexed_results.py`.
"""

from __future__ import annotations

from itertools import accumulate, takewhile
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.indices import ALL, Entry, composed, entries_of, index_list, indexed, is_position, plain
from theano.rewriting.known import padded
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.tensor.creation import Alloc
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.joining import Join
from theano.tensor.scalar_constants import static_int
from theano.tensor.subtensor import Subtensor


def read_entries(node: Apply) -> list[Entry]:
    """The entries of a Subtensor node, one for each axis."""
    return entries_of(node.op, node.inputs, node.inputs[0].type.ndim)  # type: ignore[attr-defined]


def is_whole(entry: Entry, x: Any, axis: int, site: Site) -> bool:
    """Does this entry take all of an axis, in order?"""
    if not isinstance(entry, tuple):
        return False
    start, stop, step = entry
    if step is not None or start is not None:
        return False
    if stop is None:
        return True
    if isinstance(stop, int):
        n = x.type.shape[axis]
        return n is not None and stop >= n
    return bool(site.dims.same_length(value_key(stop), axis_key(x, axis)))


@function_rule(Subtensor, name="whole_slice", tags="fast_compile useless local_useless_subtensor local_useless_slice")
def whole_slice(node: Apply, site: Site) -> Any:
    """x[:, :] -> x, x[0:len] -> x, x[i, :] -> x[i]"""
    x: Any = node.inputs[0]
    entries = [ALL if is_whole(e, x, axis, site) else e for axis, e in enumerate(read_entries(node))]
    if all(e == ALL for e in entries):
        return [conform(x, node.outputs[0])]
    listed, inputs = index_list(entries)
    if len(listed) == len(node.op.idx_list) and len(inputs) == len(node.inputs) - 1:  # type: ignore[attr-defined]
        return None
    return [conform(Subtensor(listed)(x, *inputs), node.outputs[0])]


@function_rule(Subtensor, name="index_of_index", needs=[Subtensor], tags="local_subtensor_merge")
def index_of_index(node: Apply, site: Site) -> Any:
    """x[i][j] -> x[i, j], x[i][:, a:b] -> x[i, :, a:b]; of numbers x[a:][b:] -> x[a+b:], x[a:][i] -> x[a+i],
    x[::-1][i] -> x[-1-i], and more of the kind"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Subtensor):
        return None
    then = read_entries(node)
    merged: list[Entry] = []
    for entry in read_entries(inner):
        if is_position(entry):
            merged.append(entry)
            continue
        both = composed(entry, then.pop(0))
        if both is None:
            return None
        merged.append(both)
    return [conform(indexed(inner.inputs[0], merged), node.outputs[0])]


@function_rule(Subtensor, name="index_of_length_one", tags="local_subtensor_remove_broadcastable_index")
def index_of_length_one(node: Apply, site: Site) -> Any:
    """x[:, 0] -> dimshuffle that drops the axis, where it has length one"""
    x: Any = node.inputs[0]
    entries = read_entries(node)
    if not any(x.type.broadcastable[axis] and e in (0, -1) for axis, e in enumerate(entries)):
        return None
    return [conform(indexed(x, entries), node.outputs[0])]


@function_rule(Subtensor, name="index_of_elementwise", tags="local_subtensor_lift", sinks=[Elemwise])
def index_of_elementwise(node: Apply, site: Site) -> Any:
    """f(x, y)[i] -> f(x[i], y[i]), where f(x, y) is not used for anything else"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1:
        return None
    entries = read_entries(node)
    if not site.may_pass(inner) or any(_may_become_one(e, x, axis) for axis, e in enumerate(entries)):
        return None
    flat = x.type.broadcastable
    parts = []
    for v in inner.inputs:
        alone = v.type.broadcastable  # type: ignore[attr-defined]
        parts.append(indexed(v, [_of_one(e) if one and not f else e for e, one, f in zip(entries, alone, flat)]))
    return [conform(site.passed(inner, inner.op(*parts)), node.outputs[0])]


def _may_become_one(entry: Entry, x: Any, axis: int) -> bool:
    """Would operands of known and unknown length differ in whether this slice of them is known to have length one?"""
    return isinstance(entry, tuple) and entry != ALL and len({v.type.shape[axis] for v in x.owner.inputs} - {1}) > 1


def _of_one(entry: Entry) -> Entry:
    """What an entry takes of an axis of length one, which is broadcast to the axis that the entry is for."""
    return 0 if is_position(entry) else ALL


@function_rule(Subtensor, name="index_of_dimshuffle", needs=[DimShuffle],
               tags="local_subtensor_of_transpose local_subtensor_of_expand_dims local_subtensor_of_squeeze")
def index_of_dimshuffle(node: Apply, site: Site) -> Any:
    """x.T[i] -> x[:, i], x[None, :][0, i] -> x[i], and the same for every dimshuffle"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    source: Any = inner.inputs[0]
    taken: list[Entry] = [ALL] * source.type.ndim
    kept: list[Any] = []
    for entry, axis in zip(read_entries(node), inner.op.new_order):
        if axis == "x":
            if entry in (0, -1):
                continue
            if entry != ALL:
                return None
        else:
            taken[axis] = entry  # type: ignore[index]
        if not is_position(entry):
            kept.append(axis)
    left = [axis for axis, e in enumerate(taken) if not is_position(e)]
    order = ["x" if axis == "x" else left.index(axis) for axis in kept]
    return [conform(dimshuffle(indexed(source, taken), order), node.outputs[0])]


@function_rule(Subtensor, name="index_of_alloc", needs=[Alloc], tags="local_subtensor_of_alloc useless")
def index_of_alloc(node: Apply, site: Site) -> Any:
    """alloc(v, n, m)[a:b] -> alloc(v, b - a, m), alloc(v, n, m)[i] -> alloc(v, m), and v[i] where it varies"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Alloc):
        return None
    value: Any = padded(inner.inputs[0], x.type.ndim)
    constant_along = value.type.broadcastable
    entries = read_entries(node)
    part = indexed(value, [_of_one(e) if one else e for e, one in zip(entries, constant_along)])
    out: Any = node.outputs[0]
    if part.type.broadcastable == out.type.broadcastable:
        return [conform(part, out)]
    return [conform(Alloc()(part, *[site.length(out, axis) for axis in range(out.type.ndim)]), out)]


@function_rule(Subtensor, name="index_of_join", needs=[Join], tags="local_subtensor_of_join")
def index_of_join(node: Apply, site: Site) -> Any:
    """join(1, x, y)[i] -> join(0, x[i], y[i]); join(0, x, y)[i] -> y[j] and join(0, x, y, z)[a:b] -> join(0, y, z) for
    parts of known lengths, and such as only those follow of which nothing is read"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Join):
        return None
    axis_input, *parts = inner.inputs
    along = static_int(axis_input)
    if along is None:
        return None
    along %= x.type.ndim
    entries = read_entries(node)
    out: Any = node.outputs[0]
    if entries[along] == ALL:
        if site.uses(x) > 1:
            return None
        position = sum(not is_position(e) for e in entries[:along])
        return [conform(Join()(position, *[indexed(part, entries) for part in parts]), out)]
    found = _parts_taken(entries[along], [part.type.shape[along] for part in parts])  # type: ignore[attr-defined]
    if found is None:
        return None
    first, last, entry = found
    if last - first > 1 and site.uses(x) > 1:
        return None
    kept = [cast_to(part, x.type.dtype) for part in parts[first:last]]
    chosen = kept[0] if len(kept) == 1 else Join()(along, *kept)
    return [conform(indexed(chosen, [*entries[:along], entry, *entries[along + 1 :]]), out)]


def _parts_taken(entry: Entry, lengths: list[int | None]) -> tuple[int, int, Entry] | None:
    """(first, last + 1, the entry for these alone) of the parts that an entry reads, where their lengths tell it."""
    known: list[int] = [n for n in takewhile(lambda n: n is not None, lengths) if n is not None]
    total = sum(known)
    if len(known) < len(lengths) and not _ends_within(entry, total):
        return None
    reach = _reach(entry, total)
    if reach is None:
        return None
    start, stop = reach
    ends = list(accumulate(known))
    first = next(k for k, end in enumerate(ends) if start < end)
    last = next(k for k, end in enumerate(ends) if stop <= end)
    if last + 1 - first == len(lengths):
        return None   # all of them: nothing is saved
    before = ends[first] - known[first]
    if not isinstance(entry, tuple):
        return first, last + 1, start - before
    whole = start == before and stop == ends[last]
    return first, last + 1, ALL if whole else plain((start - before, stop - before, None))


def _ends_within(entry: Entry, length: int) -> bool:
    """Does an entry read only of the first so many elements, however many there are in all?"""
    ends = entry[:2] if isinstance(entry, tuple) else (entry, entry)
    return all(isinstance(end, int) and 0 <= end <= length for end in (ends[0] or 0, ends[1]))


def _reach(entry: Entry, total: int) -> tuple[int, int] | None:
    """From where up to where an entry goes on an axis of this length, if that is known and there is something."""
    if isinstance(entry, int):
        entry = entry + total if entry < 0 else entry
        return (entry, entry + 1) if 0 <= entry < total else None
    if not isinstance(entry, tuple) or not all(part is None or isinstance(part, int) for part in entry):
        return None
    start, stop, step = slice(*entry).indices(total)
    return (start, stop) if step == 1 and start < stop else None


INDEXING = ruleset(
    whole_slice, index_of_index, index_of_length_one, index_of_elementwise, index_of_dimshuffle, index_of_alloc,
    index_of_join,
)
