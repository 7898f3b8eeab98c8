"""Reductions: of reductions, of what is constant along the reduced axes, over axes of length one."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, mul_all, number_like
from theano.rewriting.known import number, padded
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.reduced_parts import REDUCED_PARTS, REDUCED_PARTS_FOR_SPEED, axes_of
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import arithmetic as ar
from theano.scalar.comparison import eq
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.scalar.exponential import pow
from theano.scalar.selection import second, switch
from theano.tensor.argmax import Argmax, MaxAndArgmax
from theano.tensor.careduce import CAReduce, Max, Min, Prod, Sum, reduced_axes
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to, elemwise_of
from theano.tensor.nnet.softmax import LogSoftmax, Softmax
from theano.tensor.scalar_constants import static_int
from theano.tensor.truth import All
from theano.tensor.truth import Any as AnyTrue


def with_axes(op: Any, axes: Any, acc_dtype: str | None = None) -> Any:
    """This reduction over other axes."""
    copy = op.__class__.__new__(op.__class__)
    copy.__dict__.update(op.__dict__)
    copy.axis = tuple(sorted(axes))
    if acc_dtype is not None:
        copy.acc_dtype = acc_dtype
    return copy


@function_rule(
    CAReduce, name="reduce_length_one", assumes="signed_zero",
    tags="fast_compile useless local_reduce_broadcastable local_useless_reduce",
)
def reduce_length_one(node: Apply, site: Site) -> Any:
    """a reduction over axes of length one -> dimshuffle that drops them"""
    if type(node.op).__name__ not in ("Sum", "Prod", "Max", "Min", "Supremum", "All", "Any"):
        return None
    x: Any = node.inputs[0]
    axes = axes_of(node)
    ones = [axis for axis in axes if x.type.broadcastable[axis]]
    if axes and not ones:
        return None
    kept = [axis for axis in range(x.type.ndim) if axis not in ones]
    smaller = dimshuffle(x, kept) if ones else x
    rest = [kept.index(axis) for axis in axes if axis not in ones]
    if rest:
        return [conform(with_axes(node.op, rest)(smaller), node.outputs[0])]
    out: Any = node.outputs[0]
    if x.type.dtype != out.type.dtype and type(node.op).__name__ in ("All", "Any"):
        return None
    return [conform(cast_to(smaller, out.type.dtype), out)]


@function_rule(
    Sum, Prod, Max, Min, All, AnyTrue, name="reduction_of_reduction", tags="local_op_of_op local_reduce_chain",
)
def reduction_of_reduction(node: Apply, site: Site) -> Any:
    """sum(sum(x, a), b) -> sum(x, a and b), and the same for prod, max, min, all, any"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or type(inner.op) is not type(node.op) or site.uses(x) > 1:
        return None
    if inner.outputs[0].type.dtype != node.outputs[0].type.dtype:  # type: ignore[attr-defined]
        return None
    if getattr(inner.op, "acc_dtype", None) != getattr(node.op, "acc_dtype", None):
        return None
    source: Any = inner.inputs[0]
    first = axes_of(inner)
    kept = [axis for axis in range(source.type.ndim) if axis not in first]
    axes = [*first, *(kept[axis] for axis in axes_of(node))]
    return [conform(with_axes(inner.op, axes)(source), node.outputs[0])]


@function_rule(Sum, name="sum_of_negative", needs=[ar.neg], assumes="")
def sum_of_negative(node: Apply, site: Site) -> Any:
    """sum(-x) -> -sum(x)"""
    x: Any = node.inputs[0]
    inner = elementwise_node(x, ar.neg)
    if inner is None or x.type.dtype not in float_dtypes or site.uses(x) > 1:
        return None
    return [elemwise_of(ar.neg)(node.op(inner.inputs[0]))]


@function_rule(Sum, name="sum_of_multiple", needs=[ar.mul], assumes="rounding", tags="local_sum_prod_mul_by_scalar")
def sum_of_multiple(node: Apply, site: Site) -> Any:
    """sum(c*x) -> c*sum(x) for a number c with abs(c) >= 1 (a smaller one may keep the sum from overflowing)"""
    x: Any = node.inputs[0]
    inner = elementwise_node(x, ar.mul)
    out: Any = node.outputs[0]
    if inner is None or x.type.dtype not in float_dtypes or out.type.dtype != x.type.dtype or site.uses(x) > 1:
        return None
    numbers = [(n, number(v)) for n, v in enumerate(inner.inputs)]
    outside = [n for n, c in numbers if c is not None and abs(c) >= 1 and np.isfinite(c)]
    if not outside or len(outside) == len(inner.inputs):
        return None
    rest = mul_all([v for n, v in enumerate(inner.inputs) if n not in outside])
    if rest.type.broadcastable != x.type.broadcastable or rest.type.dtype != x.type.dtype:
        return None
    factors = [number_like(number(inner.inputs[n]), out.type.dtype) for n in outside]
    return [conform(mul_all([*factors, node.op(rest)]), out)]


@function_rule(Sum, Prod, name="reduction_of_constant", assumes="signed_zero", tags="local_opt_alloc")
def reduction_of_constant(node: Apply, site: Site) -> Any:
    """sum(alloc(v, s)) -> v * product of the reduced lengths (0 where that is 0), prod(alloc(v, s)) -> v ** product"""
    x: Any = node.inputs[0]
    out: Any = node.outputs[0]
    inner = x.owner
    if inner is None:
        return None
    if isinstance(inner.op, Alloc):
        value = padded(inner.inputs[0], x.type.ndim)
    elif elementwise_node(x, second) is not None:
        value = inner.inputs[1]
    else:
        return None
    axes = axes_of(node)
    if not axes or any(not value.type.broadcastable[axis] for axis in axes):
        return None
    acc = node.op.acc_dtype  # type: ignore[attr-defined]
    if acc not in ("float64", "int64", "uint64"):
        return None
    count = mul_all([site.length(x, axis) for axis in axes])
    finite = value.type.dtype in discrete_dtypes or np.isfinite(number(value) if number(value) is not None else np.nan)
    value = cast_to(dimshuffle(value, [axis for axis in range(x.type.ndim) if axis not in axes]), acc)
    if isinstance(node.op, Sum):
        result = elemwise_of(ar.mul)(value, cast_to(count, acc))
        if not finite and not static_int(count):  # the sum of no elements is 0, and inf * 0 is NaN
            result = switch(eq(count, np.int64(0)), number_like(0, acc), result)
    else:
        if acc != "float64":
            return None
        result = elemwise_of(pow)(value, cast_to(count, acc))
    result = cast_to(result, out.type.dtype)
    if result.type.broadcastable != out.type.broadcastable:
        kept = [axis for axis in range(x.type.ndim) if axis not in axes]
        result = Alloc()(result, *[site.length(x, axis) for axis in kept])
    return [conform(result, out)]


@function_rule(Sum, Prod, Max, Min, name="reduction_of_scalars", tags="local_sum_make_vector", needs=[MakeVector])
def reduction_of_scalars(node: Apply, site: Site) -> Any:
    """sum([a, b, c]) -> a + b + c, and the same for prod, max, min"""
    x: Any = node.inputs[0]
    if x.owner is None or not isinstance(x.owner.op, MakeVector) or not 0 < len(x.owner.inputs) <= 16:
        return None
    out: Any = node.outputs[0]
    op: Any = node.op
    if isinstance(op, (Sum, Prod)):
        elements = [cast_to(v, str(op.acc_dtype)) for v in x.owner.inputs]
        total = add_all(elements) if isinstance(op, Sum) else mul_all(elements)
        return [cast_to(total, out.type.dtype)]
    if type(op) not in (Max, Min):
        return None
    larger = elemwise_of(op.scalar_op)
    elements = [cast_to(v, x.type.dtype) for v in x.owner.inputs]
    return [conform(reduce(larger, elements), out)]


@function_rule(Max, Min, All, AnyTrue, name="extreme_of_constant", needs=[Alloc, second], tags="local_opt_alloc")
def extreme_of_constant(node: Apply, site: Site) -> Any:
    """max(alloc(v, n)) -> v, and the same for min, all, any, where it is known that the reduced axes have elements"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or type(node.op) not in (Max, Min, All, AnyTrue):
        return None
    if isinstance(inner.op, Alloc):
        value = padded(inner.inputs[0], x.type.ndim)
    elif elementwise_node(x, second) is not None:
        value = inner.inputs[1]
    else:
        return None
    axes = axes_of(node)
    if not axes or any(not value.type.broadcastable[axis] or not x.type.shape[axis] for axis in axes):
        return None
    kept = [axis for axis in range(x.type.ndim) if axis not in axes]
    result = dimshuffle(value, kept)
    out: Any = node.outputs[0]
    if result.type.broadcastable != out.type.broadcastable:
        result = Alloc()(result, *[site.length(x, axis) for axis in kept])
    return [conform(result, out)]


@function_rule(Max, name="max_of_negative", needs=[ar.neg], tags="local_max_to_min")
def max_of_negative(node: Apply, site: Site) -> Any:
    """max(-x) -> -min(x), min(-x) -> -max(x)"""
    x: Any = node.inputs[0]
    inner = elementwise_node(x, ar.neg)
    if inner is None or x.type.dtype not in float_dtypes or type(node.op) not in (Max, Min):
        return None
    other = Min if type(node.op) is Max else Max
    return [elemwise_of(ar.neg)(other(axes_of(node))(inner.inputs[0]))]


@function_rule(MaxAndArgmax, name="unused_max_or_argmax", tags="fast_compile local_max_and_argmax")
def unused_max_or_argmax(node: Apply, site: Site) -> Any:
    """max_and_argmax(x) of which only one output is used -> max(x) or argmax(x)"""
    best, position = node.outputs
    x = node.inputs[0]
    if not site.uses(position):
        return {best: conform(Max(axes_of(node))(x), best)}
    if not site.uses(best):
        return {position: conform(Argmax(node.op.axis)(x), position)}  # type: ignore[attr-defined]
    return None


@function_rule(
    Argmax, name="argmax_of_softmax", assumes="finite", needs=[Softmax, LogSoftmax], tags="local_argmax_pushdown",
)
def argmax_of_softmax(node: Apply, site: Site) -> Any:
    """argmax(softmax(x)) -> argmax(x) along the same axis"""
    if type(node.op) is not Argmax:
        return None
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, (Softmax, LogSoftmax)):
        return None
    if reduced_axes(inner.op.axis, x.type.ndim) != axes_of(node):
        return None
    return [conform(node.op(inner.inputs[0]), node.outputs[0])]


REDUCTIONS = ruleset(
    reduce_length_one, reduction_of_reduction, sum_of_negative, reduction_of_constant, extreme_of_constant,
    reduction_of_scalars, *REDUCED_PARTS,
    unused_max_or_argmax, argmax_of_softmax,
)
REDUCTIONS_FOR_SPEED = ruleset(sum_of_multiple, max_of_negative, *REDUCED_PARTS_FOR_SPEED)

__all__ = ["REDUCTIONS", "REDUCTIONS_FOR_SPEED"]
