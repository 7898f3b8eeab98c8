"""Indices of what reductions and products of matrices give: only the part that is asked for is computed."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.indices import ALL, Entry, indexed, is_position
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexing import read_entries
from theano.scalar import arithmetic as ar
from theano.tensor.argmax import Argmax
from theano.tensor.careduce import CAReduce, Sum, reduced_axes
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.nnet.softmax import LogSoftmax, LogSumExp, Softmax
from theano.tensor.products import BatchedDot, Dot
from theano.tensor.subtensor import AdvancedSubtensor, AdvancedSubtensor1, Subtensor


@function_rule(Subtensor, name="index_of_dot", needs=[Dot], tags="local_subtensor_of_dot", sinks=[Dot])
def index_of_dot(node: Apply, site: Site) -> Any:
    """dot(x, y)[i, j] -> dot(x[i], y[:, j])"""
    v = node.inputs[0]
    inner = v.owner
    if inner is None or type(inner.op) is not Dot or site.uses(v) > 1 or not site.may_pass(inner):
        return None
    x, y = inner.inputs
    entries = read_entries(node)
    if x.type.ndim == 2:  # type: ignore[attr-defined]
        x = indexed(x, [entries.pop(0), ALL])
    if y.type.ndim == 2:  # type: ignore[attr-defined]
        y = indexed(y, [ALL, *entries])
    return [conform(site.passed(inner, Dot()(x, y)), node.outputs[0])]


@function_rule(Subtensor, name="index_of_batched_dot", needs=[BatchedDot], sinks=[BatchedDot])
def index_of_batched_dot(node: Apply, site: Site) -> Any:
    """batched_dot(x, y)[i] -> dot(x[i], y[i]), batched_dot(x, y)[a:b, c:d] -> batched_dot(x[a:b, c:d], y[a:b])"""
    v = node.inputs[0]
    inner = v.owner
    if inner is None or not isinstance(inner.op, BatchedDot) or site.uses(v) > 1 or not site.may_pass(inner):
        return None
    x, y = inner.inputs
    batch, rows, columns = read_entries(node)
    if is_position(batch):
        return [conform(Dot()(indexed(x, [batch, rows, ALL]), indexed(y, [batch, ALL, columns])), node.outputs[0])]
    if is_position(rows) or is_position(columns):
        return None
    product = inner.op(indexed(x, [batch, rows, ALL]), indexed(y, [batch, ALL, columns]))
    return [conform(site.passed(inner, product), node.outputs[0])]


@function_rule(AdvancedSubtensor, name="elements_of_dot", needs=[Dot], assumes="rounding",
               tags="local_advanced_subtensor_of_dot")
def elements_of_dot(node: Apply, site: Site) -> Any:
    """dot(x, y)[i, j] -> sum(x[i] * y.T[j], axis=1), for vectors i and j of one length"""
    v, *indices = node.inputs
    inner = v.owner
    if inner is None or type(inner.op) is not Dot or site.uses(v) > 1:
        return None
    x, y = inner.inputs
    out: Any = node.outputs[0]
    if node.op.idx_list != (ARRAY, ARRAY) or x.type.ndim != 2 or y.type.ndim != 2:  # type: ignore[attr-defined]
        return None
    if any(i.type.ndim != 1 or i.type.dtype == "bool" for i in indices) or not site.same_shape(*indices):  # type: ignore[attr-defined]
        return None
    rows, columns = indices
    left, right = AdvancedSubtensor1()(x, rows), AdvancedSubtensor1()(dimshuffle(y, 1, 0), columns)
    product = elemwise_of(ar.mul)(left, right)
    if product.type.dtype != out.type.dtype or product.type.broadcastable[0] != out.type.broadcastable[0]:
        return None
    return [conform(Sum(1, dtype=out.type.dtype, acc_dtype=out.type.dtype)(product), out)]


@function_rule(Subtensor, name="index_of_reduction", tags="local_subtensor_of_reduce")
def index_of_reduction(node: Apply, site: Site) -> Any:
    """sum(x, axis=1)[i] -> sum(x[i], axis=0), and the same for every other reduction"""
    v = node.inputs[0]
    inner = v.owner
    if inner is None or not isinstance(inner.op, (CAReduce, Argmax, LogSumExp)) or site.uses(v) > 1 \
            or len(inner.outputs) > 1:
        return None
    x: Any = inner.inputs[0]
    axes = reduced_axes(inner.op.axis, x.type.ndim)
    entries = read_entries(node)
    full = [ALL if axis in axes else entries.pop(0) for axis in range(x.type.ndim)]
    return [conform(over_axes(inner.op, _left(axes, full))(indexed(x, full)), node.outputs[0])]


@function_rule(Subtensor, name="index_of_softmax", needs=[Softmax, LogSoftmax], tags="local_subtensor_of_softmax",
               sinks=[Softmax, LogSoftmax])
def index_of_softmax(node: Apply, site: Site) -> Any:
    """softmax(x, axis=1)[i] -> softmax(x[i], axis=0)"""
    v: Any = node.inputs[0]
    inner = v.owner
    if inner is None or not isinstance(inner.op, (Softmax, LogSoftmax)) or site.uses(v) > 1 or not site.may_pass(inner):
        return None
    axes = reduced_axes(inner.op.axis, v.type.ndim)
    entries = read_entries(node)
    if any(entries[axis] != ALL for axis in axes):
        return None
    moved = over_axes(inner.op, _left(axes, entries))(indexed(inner.inputs[0], entries))
    return [conform(site.passed(inner, moved), node.outputs[0])]


def _left(axes: tuple[int, ...], entries: list[Entry]) -> tuple[int, ...]:
    """Where these axes are after the others were indexed."""
    return tuple(axis - sum(is_position(e) for e in entries[:axis]) for axis in axes)


def over_axes(op: Any, axes: Any) -> Any:
    """This op over other axes."""
    copy = op.__class__.__new__(op.__class__)
    copy.__dict__.update(op.__dict__)
    copy.axis = tuple(sorted(axes))
    return copy


INDEXED_RESULTS = ruleset(
    index_of_dot, index_of_batched_dot, elements_of_dot, index_of_reduction, index_of_softmax,
)
