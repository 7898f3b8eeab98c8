"""Values added (or written once) to zeros, which gradients of indexing are: scaled, summed, added to something else."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, number_like
from theano.rewriting.known import is_number, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.scalar.selection import switch
from theano.tensor.careduce import Sum, reduced_axes
from theano.tensor.creation import Alloc
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

WRITES = (IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1)


def scattered(v: Any, site: Site) -> Apply | None:
    """The node of `v` if it adds (or writes once) values to zeros, and `v` is used here only."""
    node = v.owner
    if node is None or not isinstance(node.op, WRITES) or site.uses(v) > 1 or number(node.inputs[0]) != 0:
        return None
    if node.op.set_instead_of_inc and not isinstance(node.op, IncSubtensor):
        return None
    return node


@function_rule(ar.mul, ar.neg, ar.true_div, name="scale_of_scattered", needs=WRITES)
def scale_of_scattered(node: Apply, site: Site) -> Any:
    """inc(zeros, v, i) * a -> inc(zeros, v * a[i], i), -inc(zeros, v, i) -> inc(zeros, -v, i)"""
    out: Any = node.outputs[0]
    record = node.op.scalar_op  # type: ignore[attr-defined]
    if out.type.dtype not in float_dtypes:
        return None
    candidates = node.inputs if record is ar.mul else node.inputs[:1]
    for position, v in enumerate(candidates):
        inner = scattered(v, site)
        if inner is None or v.type.dtype != out.type.dtype or v.type.broadcastable != out.type.broadcastable:  # type: ignore[attr-defined]
            continue
        zeros, values, *indices = inner.inputs
        others = [w for n, w in enumerate(node.inputs) if n != position]
        read = _reader(inner.op)
        parts = []
        for w in others:
            if all(w.type.broadcastable):  # type: ignore[attr-defined]
                parts.append(DimShuffle(w.type.broadcastable, ["x"] * values.type.ndim)(w))  # type: ignore[attr-defined]
            elif w.type.broadcastable == out.type.broadcastable and read is not None:  # type: ignore[attr-defined]
                parts.append(read(w, *indices))
            else:
                return None
        new = elemwise_of(record)(values) if record is ar.neg else (
            mul_all([values, *parts]) if record is ar.mul else elemwise_of(record)(values, *parts))
        if new.type.dtype != out.type.dtype:
            return None
        return [conform(inner.op(zeros, new, *indices), out)]
    return None


def _reader(op: Any) -> Any | None:
    if isinstance(op, AdvancedIncSubtensor1):
        return AdvancedSubtensor1()
    if isinstance(op, AdvancedIncSubtensor):
        return AdvancedSubtensor(op.idx_list)
    return Subtensor(op.idx_list)


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
    return [conform(AdvancedIncSubtensor1()(nothing, values, rows), out)]


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
    writes = [inner for inner in found if inner is not None]
    others = [v for v, inner in zip(node.inputs, found) if inner is None]
    if not writes:
        return None
    base = others[0] if len(others) == 1 else elemwise_of(ar.add)(*others) if others else None
    if base is not None and base.type != out.type:  # shorter than the sum, or of a narrower dtype
        base = elemwise_of(ar.add)(*others, writes.pop(0).outputs[0])
    separate = base is None and apart(writes)
    result: Any = writes.pop(0).outputs[0] if base is None else base
    if not writes or result.type != out.type:
        return None
    for inner in writes:
        result = (inner.op if separate else _incrementing(inner.op))(result, *inner.inputs[1:])
    return [conform(result, out)]


def _difference_with_scattered(node: Apply, found: list[Apply | None]) -> Any:
    out: Any = node.outputs[0]
    a, b = node.inputs
    for x, inner in ((a, found[1]), (b, found[0])):
        if inner is None or x.type != out.type:
            continue
        values, *indices = inner.inputs[1:]
        left, values = (x, elemwise_of(ar.neg)(values)) if x is a else (elemwise_of(ar.neg)(x), values)
        return [conform(_incrementing(inner.op)(left, values, *indices), out)]
    return None


def _incrementing(op: Any) -> Any:
    return IncSubtensor(op.idx_list) if op.set_instead_of_inc else op


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
