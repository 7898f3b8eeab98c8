"""Indices that are arrays: such as count on and are slices or diagonals, masks, reads of what was written by them."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant
from theano.rewriting.conform import conform, number_like
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import written_axes
from theano.rewriting.indices import ALL, Entry, indexed
from theano.rewriting.known import padded
from theano.rewriting.requirements import Inside
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexed_results import over_axes
from theano.rewriting.rules.indexing import read_entries
from theano.rewriting.rules.scattered import distinct
from theano.rewriting.rules.writes import READERS, same_place
from theano.scalar import arithmetic as ar
from theano.scalar.selection import switch
from theano.tensor.careduce import Sum, reduced_axes
from theano.tensor.creation import Alloc
from theano.tensor.diagonal import ExtractDiag
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.ranges import ARange
from theano.tensor.scalar_constants import static_int
from theano.tensor.selecting import Nonzero
from theano.tensor.shape import Shape_i
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

GATHERS = (AdvancedSubtensor, AdvancedSubtensor1)


def counting(index: Any, x: Any, axis: int, site: Site) -> Entry | None:
    """The slice that takes of this axis what a vector of positions takes, where it is known that these exist and follow
    one another: a slice would be silent about others."""
    if index.type.ndim != 1 or index.type.dtype == "bool":
        return None
    found: Entry | None = None
    if isinstance(index, Constant):
        found = _progression(index.data)
    elif index.owner is not None and isinstance(index.owner.op, ARange):
        start, _, step = map(static_int, index.owner.inputs)
        found = ALL if (start, step) == (0, 1) else None
    return found if found is not None and Inside(index, axis_key(x, axis)).is_certain(site.dims) else None


def _progression(values: Any) -> Entry | None:
    """start:stop:step of equally spaced numbers none of which is negative."""
    numbers = values.tolist()
    if not numbers or min(numbers) < 0:
        return None
    first, step = numbers[0], numbers[1] - numbers[0] if len(numbers) > 1 else 1
    if step == 0 or any(n != first + k * step for k, n in enumerate(numbers)):
        return None
    stop = first + len(numbers) * step
    return (first, None if stop < 0 else stop, None if step == 1 else step)


def array_entries(node: Apply, site: Site) -> list[Entry] | None:
    """The entries of a read or write by one vector and slices, with a slice for the vector; None if that is none."""
    x = node.inputs[0]
    if isinstance(node.op, (AdvancedSubtensor1, AdvancedIncSubtensor1)):
        given: list[Any] = [node.inputs[-1]]
    else:
        op: Any = node.op
        if op.idx_list.count(ARRAY) != 1 or not all(isinstance(e, slice) or e is ARRAY for e in op.idx_list):
            return None
        given = op.region_idx(node.inputs) if hasattr(op, "region_idx") else op.get_idx(node.inputs)
    entries = []
    for axis, entry in enumerate(given):
        found = entry if isinstance(entry, tuple) else counting(entry, x, axis, site)
        if found is None:
            return None
        entries.append(found)
    return entries + [ALL] * (x.type.ndim - len(entries))  # type: ignore[attr-defined]


@function_rule(*GATHERS, name="gather_of_range", tags="local_adv_idx_to_slice local_useless_subtensor")
def gather_of_range(node: Apply, site: Site) -> Any:
    """x[arange(len(x))] -> x, x[[2, 3, 4]] -> x[2:5] of an x that has so many"""
    entries = array_entries(node, site)
    return None if entries is None else [conform(indexed(node.inputs[0], entries), node.outputs[0])]


@function_rule(AdvancedIncSubtensor, AdvancedIncSubtensor1, name="scatter_to_range")
def scatter_to_range(node: Apply, site: Site) -> Any:
    """set(x, y, [2, 3, 4]) -> set(x, y, 2:5) of an x that has so many, inc likewise"""
    entries = array_entries(node, site)
    if entries is None:
        return None
    slices = [slice(*e) if all(part is None or isinstance(part, int) for part in e) else None for e in entries]
    if None in slices:
        return None
    op = IncSubtensor(slices, set_instead_of_inc=node.op.set_instead_of_inc)  # type: ignore[attr-defined]
    return [conform(op(*node.inputs[:2]), node.outputs[0])]


@function_rule(AdvancedSubtensor, name="gather_of_diagonal", tags="local_adv_idx_to_diagonal")
def gather_of_diagonal(node: Apply, site: Site) -> Any:
    """x[arange(n), arange(n)] -> diagonal(x) of a square x, x[[0, 1], [1, 2]] -> diagonal(x, 1)[:2]"""
    if node.op.idx_list != (ARRAY, ARRAY):  # type: ignore[attr-defined]
        return None
    x, *vectors = node.inputs
    found = [counting(v, x, axis, site) for axis, v in enumerate(vectors)]
    if None in found:
        return None
    (first, stop, step), (second, other_stop, other_step) = found  # type: ignore[misc]
    if step is not None or other_step is not None:
        return None
    if found == [ALL, ALL]:
        if not site.dims.same_axis(x, 0, x, 1):
            return None
        offset, part = 0, ALL
    else:
        if None in (stop, other_stop) or stop - first != other_stop - second or stop - first < 2:
            return None
        offset, begin = second - first, min(first, second)
        part = (begin or None, begin + stop - first, None)
    diagonal = ExtractDiag(offset, 0, 1)(x)
    diagonal = dimshuffle(diagonal, [diagonal.type.ndim - 1, *range(diagonal.type.ndim - 1)])
    return [conform(indexed(diagonal, [part] + [ALL] * (diagonal.type.ndim - 1)), node.outputs[0])]


@function_rule(Subtensor, name="index_of_gather", needs=[AdvancedSubtensor1], tags="local_subtensor_of_adv_subtensor")
def index_of_gather(node: Apply, site: Site) -> Any:
    """x[rows][:, j] -> x[:, j][rows]: less is gathered"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, AdvancedSubtensor1) or site.uses(node.inputs[0]) > 1:
        return None
    x, rows = inner.inputs
    entries = read_entries(node)
    if entries[0] != ALL:
        return None
    return [conform(AdvancedSubtensor1()(indexed(x, entries), rows), node.outputs[0])]


@function_rule(*GATHERS, name="gather_of_alloc", needs=[Alloc], tags="local_subtensor_of_alloc")
def gather_of_alloc(node: Apply, site: Site) -> Any:
    """alloc(v, n, m)[i] -> alloc(v, len(i), m) where i is known to be in range and v to be the same along that axis"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Alloc):
        return None
    indices = node.inputs[1:]
    if isinstance(node.op, AdvancedSubtensor) and any(e is not ARRAY for e in node.op.idx_list):
        return None
    if any(i.type.ndim != 1 or i.type.dtype == "bool" for i in indices) or not site.same_shape(*indices):  # type: ignore[attr-defined]
        return None
    value: Any = padded(inner.inputs[0], x.type.ndim)
    count = len(indices)
    if not all(value.type.broadcastable[:count]) or x.type.ndim == count:
        return None
    if not all(Inside(i, axis_key(x, axis)).is_certain(site.dims) for axis, i in enumerate(indices)):
        return None
    out: Any = node.outputs[0]
    row = indexed(value, [0] * count + [ALL] * (x.type.ndim - count))
    return [conform(Alloc()(row, *[site.length(out, axis) for axis in range(out.type.ndim)]), out)]


@function_rule(*GATHERS, name="gather_of_scattered", needs=[AdvancedIncSubtensor, AdvancedIncSubtensor1],
               tags="local_adv_sub1_adv_inc_sub1 local_advanced_read_of_write_constant_indices")
def gather_of_scattered(node: Apply, site: Site) -> Any:
    """set(x, y, i)[i] -> y, inc(x, y, i)[i] -> x[i] + y where no element is named twice; set(x, y, [0, 2])[[1, 3]] ->
    x[[1, 3]]"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, (AdvancedIncSubtensor, AdvancedIncSubtensor1)):
        return None
    x, y = inner.inputs[:2]
    out: Any = node.outputs[0]
    if type(node.op) is not READERS[type(inner.op)]:
        return None
    there = node.op(x, *node.inputs[1:])
    if not same_place(inner, node):
        places = [v.inputs[-1] for v in (inner, node)]
        is_vector = isinstance(node.op, AdvancedSubtensor1) and all(isinstance(i, Constant) for i in places)
        return [conform(there, out)] if is_vector and _no_common(*[i.data for i in places]) else None  # type: ignore[attr-defined]
    sets, flat = inner.op.set_instead_of_inc, y.type.broadcastable  # type: ignore[attr-defined]
    if not distinct(inner) and not (sets and all(flat)):
        return None
    region = written_axes(inner)
    if not all(flat) and any(not one and key is None for one, key in zip(flat, region)):
        return None   # whether y fits is found out by writing it
    return [conform(y, out, [there])] if sets else [conform(elemwise_of(ar.add)(there, y), out)]


def _no_common(one: np.ndarray, other: np.ndarray) -> bool:
    both = np.concatenate([one, other])
    return bool(both.size and (both >= 0).all() and not np.isin(one, other).any())


# ---- masks --------------------------------------------------------------------------------------------------------


def masked(v: Any) -> tuple[Any, Any] | None:
    """(x, mask) if v is x[mask] or x[nonzero(mask)]."""
    node = v.owner
    if node is None or not isinstance(node.op, AdvancedSubtensor) or any(e is not ARRAY for e in node.op.idx_list):
        return None
    x, *indices = node.inputs
    if len(indices) == 1 and indices[0].type.dtype == "bool":  # type: ignore[attr-defined]
        return x, indices[0]
    found = indices[0].owner
    if found is None or not isinstance(found.op, Nonzero) or found.outputs != indices:
        return None
    mask = found.inputs[0]
    return (x, mask) if mask.type.dtype == "bool" else None  # type: ignore[attr-defined]


def _fits(mask: Any, x: Any, site: Site) -> bool:
    """Is it known that a mask has the lengths of the axes from which it chooses? Else an index may be out of bounds."""
    rank = mask.type.ndim
    flat = mask.type.broadcastable == x.type.broadcastable[:rank]
    return flat and all(site.dims.same_axis(mask, axis, x, axis) for axis in range(rank))


def _with_axes_right(mask: Any, ndim: int) -> Any:
    return dimshuffle(mask, [*range(mask.type.ndim), *["x"] * (ndim - mask.type.ndim)])


@function_rule(Sum, name="sum_of_masked", needs=[AdvancedSubtensor], tags="boolean_indexing")
def sum_of_masked(node: Apply, site: Site) -> Any:
    """sum(x[mask]) -> sum(switch(mask, x, 0))"""
    v: Any = node.inputs[0]
    found = masked(v)
    if found is None or not _only_summed(v, site):
        return None
    x, mask = found
    axes = reduced_axes(node.op.axis, v.type.ndim)  # type: ignore[attr-defined]
    if 0 not in axes or not _fits(mask, x, site):
        return None
    chosen = elemwise_of(switch)(_with_axes_right(mask, x.type.ndim), x, number_like(0, x.type.dtype))
    everywhere = (*range(mask.type.ndim), *(axis + mask.type.ndim - 1 for axis in axes if axis))
    return [conform(over_axes(node.op, everywhere)(chosen), node.outputs[0])]


def _only_summed(v: Any, site: Site) -> bool:
    """Is `v` used for its sum over what the mask chose, and for its lengths, only?"""
    for user, _ in site.fgraph.clients.get(v, ()):
        op = getattr(user, "op", None)
        if not isinstance(op, Shape_i) and not (
            isinstance(op, Sum) and 0 in reduced_axes(op.axis, v.type.ndim)  # type: ignore[arg-type]
        ):
            return False
    return True


@function_rule(AdvancedIncSubtensor, name="scatter_to_masked", tags="boolean_indexing")
def scatter_to_masked(node: Apply, site: Site) -> Any:
    """set(x, a, mask) -> switch(mask, a, x), inc(x, a, mask) -> switch(mask, x + a, x), of one value for all"""
    op: Any = node.op
    x, y, *indices = node.inputs
    if op.idx_list != (ARRAY,) or indices[0].type.dtype != "bool":  # type: ignore[attr-defined]
        return None
    (mask,) = indices
    ndim, rank = x.type.ndim, mask.type.ndim  # type: ignore[attr-defined]
    if not y.type.broadcastable[0] or not _fits(mask, x, site):  # type: ignore[attr-defined]
        return None
    value = dimshuffle(y, [*["x"] * rank, *range(1, y.type.ndim)])  # type: ignore[attr-defined]
    new = value if op.set_instead_of_inc else elemwise_of(ar.add)(x, value)
    return [conform(elemwise_of(switch)(_with_axes_right(mask, ndim), new, x), node.outputs[0])]


GATHERING = ruleset(
    gather_of_range, scatter_to_range, gather_of_diagonal, index_of_gather, gather_of_alloc, gather_of_scattered,
)
MASKS = ruleset(sum_of_masked, scatter_to_masked)

__all__ = ["GATHERING", "MASKS"]
