"""Values added (or written once) to zeros, which gradients of indexing are: scaled, summed, added to something else."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, number_like
from theano.rewriting.known import is_number, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar.comparison import eq
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.scalar.selection import minimum, switch
from theano.tensor.advanced_indexing import are_distinct
from theano.tensor.careduce import Sum, reduced_axes
from theano.tensor.creation import Alloc
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.ranges import arange
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

WRITES = (IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1)


def scattered(v: Any, site: Site) -> list[Apply] | None:
    """The nodes, first to last, which add (or write once) values to zeros: `v` is the sum of what each alone gives.

    None if `v` is something else, or used elsewhere too."""
    nodes: list[Apply] = []
    while not nodes or number(v) != 0:
        node = v.owner
        if node is None or not isinstance(node.op, WRITES) or site.uses(v) > 1:
            return None
        if node.op.set_instead_of_inc and not distinct(node):
            return None
        nodes.append(node)
        v = node.inputs[0]
    nodes.reverse()
    overwrites = any(node.op.set_instead_of_inc for node in nodes[1:])  # type: ignore[attr-defined]
    return None if overwrites and not apart(nodes) else nodes


def distinct(node: Apply) -> bool:
    """Does a write name no element twice, whatever its indices are?"""
    return isinstance(node.op, IncSubtensor) or are_distinct(node.inputs[2:])


@function_rule(ar.mul, ar.neg, ar.true_div, name="scale_of_scattered", assumes="signed_zero finite", needs=WRITES)
def scale_of_scattered(node: Apply, site: Site) -> Any:
    """inc(zeros, v, i) * a -> inc(zeros, v * a[i], i), -inc(zeros, v, i) -> inc(zeros, -v, i), also for several inc"""
    out: Any = node.outputs[0]
    record = node.op.scalar_op  # type: ignore[attr-defined]
    if out.type.dtype not in float_dtypes:
        return None
    candidates = node.inputs if record is ar.mul else node.inputs[:1]
    for position, v in enumerate(candidates):
        writes = scattered(v, site)
        if writes is None or v.type.dtype != out.type.dtype or v.type.broadcastable != out.type.broadcastable:  # type: ignore[attr-defined]
            continue
        if any(_writes(inner.inputs[1]) for inner in writes):
            return None  # of what is scattered again and again, every factor would go all the way in: n * n steps
        others = [w for n, w in enumerate(node.inputs) if n != position]
        result: Any = writes[0].inputs[0]
        for inner in writes:
            new = _scaled(record, inner, others, out)
            if new is None or new.type.dtype != out.type.dtype:
                return None
            result = inner.op(result, new, *inner.inputs[2:])
        return [conform(result, out)]
    return None


def _writes(v: Any) -> bool:
    return v.owner is not None and isinstance(v.owner.op, WRITES)


def _scaled(record: Any, inner: Apply, others: list[Any], out: Any) -> Any | None:
    """What `inner` writes, scaled by the others: numbers, or arrays like the result, of which the same part is read."""
    values: Any = inner.inputs[1]
    read = _reader(inner.op)
    parts = []
    for w in others:
        if all(w.type.broadcastable):
            parts.append(DimShuffle(w.type.broadcastable, ["x"] * values.type.ndim)(w))
        elif w.type.broadcastable == out.type.broadcastable and read is not None:
            parts.append(read(w, *inner.inputs[2:]))
        else:
            return None
    if record is ar.mul:
        return mul_all([values, *parts])
    return elemwise_of(record)(values, *parts)


def _reader(op: Any) -> Any | None:
    if isinstance(op, AdvancedIncSubtensor1):
        return AdvancedSubtensor1()
    if isinstance(op, AdvancedIncSubtensor):
        return AdvancedSubtensor(op.idx_list)
    return Subtensor(op.idx_list)


def read_together(rows: Any, columns: Any, site: Site) -> Any:
    """`rows`, a vector of positions, as often as it is read together with `columns`: again and again if it has one
    element when the function runs."""
    if site.dims.same_axis(rows, 0, columns, 0):
        return rows
    n, other = site.length(rows, 0), site.length(columns, 0)
    together = elemwise_of(switch)(elemwise_of(eq)(n, np.int64(1)), other, n)
    last = elemwise_of(ar.sub)(n, np.int64(1))
    return AdvancedSubtensor1()(rows, elemwise_of(minimum)(arange(together), last))


@function_rule(Sum, name="row_sums_of_scattered", needs=[AdvancedIncSubtensor])
def row_sums_of_scattered(node: Apply, site: Site) -> Any:
    """sum(inc(zeros, v, i, j), axis=1) -> inc(zeros, v, i)"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or x.type.ndim != 2 or reduced_axes(node.op.axis, 2) != (1,):  # type: ignore[attr-defined]
        return None
    if not isinstance(inner.op, AdvancedIncSubtensor) or inner.op.idx_list != (ARRAY, ARRAY):
        return None
    if inner.op.set_instead_of_inc or x.type.broadcastable[1]:
        return None
    zeros, values, rows, columns = inner.inputs
    out: Any = node.outputs[0]
    if number(zeros) != 0 or any(v.type.ndim != 1 or v.type.dtype == "bool" for v in (rows, columns)):  # type: ignore[attr-defined]
        return None
    if values.type.dtype != out.type.dtype or rows.type.broadcastable != columns.type.broadcastable:  # type: ignore[attr-defined]
        return None
    nothing = Alloc()(number_like(0, out.type.dtype), site.length(x, 0))
    return [conform(AdvancedIncSubtensor1()(nothing, values, read_together(rows, columns, site)), out)]


@function_rule(
    ar.add, ar.sub, name="add_of_scattered", needs=WRITES, assumes="rounding", tags="local_add_of_sparse_write",
)
def add_of_scattered(node: Apply, site: Site) -> Any:
    """x + inc(0, v, i) + inc(0, w, j) -> inc(inc(x, v, i), w, j), x - inc(0, v, i) -> inc(x, -v, i),
    inc(0, v, i) - x -> inc(-x, v, i)"""
    out: Any = node.outputs[0]
    if len(node.inputs) < 2 or out.type.dtype in ("bool", *discrete_dtypes):
        return None
    found = [scattered(v, site) if v.type == out.type else None for v in node.inputs]
    if node.op.scalar_op is ar.sub:  # type: ignore[attr-defined]
        return _difference_with_scattered(node, found)
    terms = [(v, writes) for v, writes in zip(node.inputs, found) if writes is not None]
    base: Any = [v for v, writes in zip(node.inputs, found) if writes is None]
    if not terms:
        return None
    if base:
        base = base[0] if len(base) == 1 else elemwise_of(ar.add)(*base)
        if base.type != out.type:  # shorter than the sum, or of a narrower dtype
            base = elemwise_of(ar.add)(base, terms.pop(0)[0])
        if not terms or base.type != out.type:
            return None
        writes = [inner for _, chain in terms for inner in chain]
        return [conform(_written(base, writes), out)]
    writes = [inner for _, chain in terms for inner in chain]
    keep = len(writes) if apart(writes) else 1
    result = _written(writes[0].inputs[0], writes[:keep], keep=True)
    return [conform(_written(result, writes[keep:]), out)]


def _difference_with_scattered(node: Apply, found: list[list[Apply] | None]) -> Any:
    out: Any = node.outputs[0]
    a, b = node.inputs
    if found[1] is not None and a.type == out.type:
        return [conform(_written(a, found[1], negated=True), out)]
    if found[0] is not None and b.type == out.type:
        return [conform(_written(elemwise_of(ar.neg)(b), found[0]), out)]
    return None


def _written(base: Any, writes: list[Apply], *, keep: bool = False, negated: bool = False) -> Any:
    """`base` with the values of all writes added at their places; `keep`: written as they were, set or added."""
    for inner in writes:
        values, *indices = inner.inputs[1:]
        op = inner.op if keep else _incrementing(inner.op)
        base = op(base, elemwise_of(ar.neg)(values) if negated else values, *indices)
    return base


def _incrementing(op: Any) -> Any:
    if not op.set_instead_of_inc:
        return op
    return type(op)(op.idx_list) if hasattr(op, "idx_list") else type(op)()


def apart(writes: list[Apply]) -> bool:
    """Do these write once each, to places that are known to have none in common?"""
    ops: list[Any] = [node.op for node in writes]
    if not all(isinstance(op, IncSubtensor) and op.set_instead_of_inc for op in ops):
        return False
    taken = [op.region_idx(node.inputs) for op, node in zip(ops, writes)]
    for axis in range(min(map(len, taken))):
        known = sorted(r for r in (_range(given[axis]) for given in taken) if r is not None)
        if len(known) == len(taken) and all(before[1] <= after[0] for before, after in pairwise(known)):
            return True
    return False


def _range(given: Any) -> tuple[float, float] | None:
    """From where up to where an entry of an index goes, if that is known and counted from the start."""
    if isinstance(given, int):
        return (given, given + 1) if given >= 0 else None
    if not isinstance(given, tuple):
        return None
    start, stop, step = given
    start, stop = 0 if start is None else start, inf if stop is None else stop
    if step not in (None, 1) or not all(isinstance(n, (int, float)) and n >= 0 for n in (start, stop)):
        return None
    return start, max(start, stop)


@function_rule(switch, name="mask_of_scattered", needs=WRITES)
def mask_of_scattered(node: Apply, site: Site) -> Any:
    """switch(set(False, True, i), inc(0, v, i), 0) -> inc(0, v, i): it is 0 already where nothing was added"""
    mask, x, other = node.inputs
    marking, adding = mask.owner, x.owner
    out: Any = node.outputs[0]
    if marking is None or adding is None or not isinstance(marking.op, WRITES) or x.type != out.type:
        return None
    if type(adding.op) is not type(marking.op) or adding.inputs[2:] != marking.inputs[2:]:
        return None
    a: Any = adding.op
    b: Any = marking.op
    if getattr(a, "idx_list", None) != getattr(b, "idx_list", None) or not b.set_instead_of_inc:
        return None
    if number(marking.inputs[1]) is not True or not is_number(other, 0) or not is_number(adding.inputs[0], 0):
        return None
    return [x] if site.same_shape(x, mask) and site.same_shape(x, out) else None


SCATTERED = ruleset(scale_of_scattered, row_sums_of_scattered, mask_of_scattered)
