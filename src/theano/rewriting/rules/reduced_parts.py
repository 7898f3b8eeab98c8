"""Reductions of joined, rearranged, monotone and separable values: what can be reduced in parts, or before."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, quotient
from theano.rewriting.known import number
from theano.rewriting.pattern import factors_of
from theano.rewriting.requirements import requirements
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexed_results import over_axes
from theano.rewriting.rules.joining import join_axis
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import arithmetic as ar
from theano.scalar import facts
from theano.scalar.activation import sigmoid, softplus
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp
from theano.scalar.hyperbolic import tanh
from theano.scalar.logic import and_, or_
from theano.scalar.selection import maximum, minimum
from theano.tensor.argmax import Argmax
from theano.tensor.careduce import Max, Min, Prod, Sum, reduced_axes
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.tensor.joining import Join
from theano.tensor.shape import Reshape
from theano.tensor.truth import All
from theano.tensor.truth import Any as AnyTrue

COMBINED = {Sum: ar.add, Prod: ar.mul, Max: maximum, Min: minimum, All: and_, AnyTrue: or_}
MOST_PARTS = 8


def axes_of(node: Apply) -> tuple[int, ...]:
    return reduced_axes(node.op.axis, node.inputs[0].type.ndim)  # type: ignore[attr-defined]


@function_rule(*COMBINED, name="reduction_of_join", needs=[Join], assumes="rounding", tags="local_reduce_join")
def reduction_of_join(node: Apply, site: Site) -> Any:
    """sum(join(0, x, y)) -> sum(x) + sum(y), sum(join(0, x, y), axis=1) -> join(0, sum(x, axis=1), sum(y, axis=1)), and
    the same for every reduction; max([a, b]) -> maximum(a, b)"""
    x: Any = node.inputs[0]
    joined = x.owner
    op: Any = node.op
    if joined is None or not isinstance(joined.op, Join) or site.uses(x) > 1 or type(op) not in COMBINED:
        return None
    along, parts = join_axis(joined), joined.inputs[1:]
    if along is None or len(parts) > MOST_PARTS:
        return None
    axes = axes_of(node)
    out: Any = node.outputs[0]
    if along not in axes:
        if type(op) in (Max, Min):
            return None   # of parts without elements there may be no maximum, while there is one of the whole
        position = along - sum(axis < along for axis in axes)
        return [conform(Join()(position, *[over_axes(op, axes)(_like(part, x)) for part in parts]), out)]
    if type(op) in (Max, Min) and not all(part.type.shape[along] for part in parts):  # type: ignore[attr-defined]
        return None
    inner = over_axes(op, axes)
    if type(op) in (Sum, Prod):
        inner.dtype = op.acc_dtype
    terms = [inner(_like(part, x)) for part in parts]
    total = elemwise_of(COMBINED[type(op)])
    result = terms[0]
    for term in terms[1:]:
        result = total(result, term)
    return [conform(cast_to(result, out.type.dtype), out)]


def _like(part: Any, whole: Any) -> Any:
    return cast_to(part, whole.type.dtype)


@function_rule(*COMBINED, name="reduction_of_dimshuffle", needs=[DimShuffle], assumes="rounding")
def reduction_of_dimshuffle(node: Apply, site: Site) -> Any:
    """sum(x.T, axis=0) -> sum(x, axis=1), and the same for every dimshuffle and reduction"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle) or type(node.op) not in COMBINED:
        return None
    order, source, axes = inner.op.new_order, inner.inputs[0], axes_of(node)
    if not axes or any(order[axis] == "x" for axis in axes):
        return None
    reduced = [order[axis] for axis in axes]
    kept = [axis for axis in range(source.type.ndim) if axis not in reduced]  # type: ignore[attr-defined]
    smaller = over_axes(node.op, reduced)(source)
    rest = [entry for axis, entry in enumerate(order) if axis not in axes]
    return [conform(dimshuffle(smaller, [e if e == "x" else kept.index(int(e)) for e in rest]), node.outputs[0])]


@function_rule(*COMBINED, name="reduction_of_reshape", needs=[Reshape], assumes="rounding")
def reduction_of_reshape(node: Apply, site: Site) -> Any:
    """sum(reshape(x, s)) -> sum(x), and the same for every reduction over all axes"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or type(inner.op) is not Reshape or type(node.op) not in COMBINED:
        return None
    if len(axes_of(node)) < x.type.ndim:
        return None
    source: Any = inner.inputs[0]
    if source.type.ndim == 0 or not all(asked.is_certain(site.dims) for asked in requirements(inner)):
        return None   # whether the elements fit is found out by reshaping
    return [conform(over_axes(node.op, range(source.type.ndim))(source), node.outputs[0])]


# ---- monotone functions -------------------------------------------------------------------------------------------


@function_rule(Max, Min, name="max_of_monotone", assumes="rounding finite")
def max_of_monotone(node: Apply, site: Site) -> Any:
    """max(f(x)) -> f(max(x)) for an f that increases everywhere, as exp and tanh do; max(a + x) -> a + max(x),
    max(2 * x) -> 2 * max(x), max(-2 * x) -> -2 * min(x), and min likewise"""
    x: Any = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1 or type(node.op) not in (Max, Min):
        return None
    if x.type.dtype not in float_dtypes or not axes_of(node):
        return None
    found = _monotone_in(inner, x)
    if found is None:
        return None
    position, rises = found
    argument: Any = inner.inputs[position]
    if argument.type.dtype != x.type.dtype or argument.type.broadcastable != x.type.broadcastable:
        return None
    kind: Any = type(node.op) if rises else Min if type(node.op) is Max else Max
    extreme = kind(axes_of(node))(argument)
    alone = ["x"] * extreme.type.ndim
    operands = [extreme if k == position else dimshuffle(v, alone) for k, v in enumerate(inner.inputs)]
    return [conform(inner.op(*operands), node.outputs[0])]


def _monotone_in(inner: Apply, x: Any) -> tuple[int, bool] | None:
    """(position of the one operand that varies, does the result rise with it) of a function that is monotone in it."""
    record = inner.op.scalar_op  # type: ignore[attr-defined]
    if len(inner.inputs) == 1:
        if any(interval != facts.REAL for interval in record.domain):
            return None
        return (0, facts.increasing in record.facts) if {facts.increasing, facts.decreasing} & record.facts else None
    if len(inner.inputs) != 2:
        return None
    constant = [k for k, v in enumerate(inner.inputs) if all(v.type.broadcastable)]  # type: ignore[attr-defined]
    if len(constant) != 1:
        return None
    varies = 1 - constant[0]
    if record is ar.add:
        return varies, True
    if record is ar.sub:
        return varies, varies == 0
    factor = number(inner.inputs[constant[0]])
    if factor is None or not np.isfinite(factor) or factor == 0:
        return None
    if record is ar.mul or (record is ar.true_div and varies == 0):
        return varies, factor > 0
    return None





@function_rule(Argmax, name="argmax_of_monotone", assumes="rounding finite", needs=[exp, sigmoid, tanh, softplus],
               tags="local_argmax_pushdown")
def argmax_of_monotone(node: Apply, site: Site) -> Any:
    """argmax(f(x)) -> argmax(x) for f = exp, sigmoid, tanh, softplus: values that f rounds to one are told apart"""
    x: Any = node.inputs[0]
    inner = elementwise_node(x, exp, sigmoid, tanh, softplus)
    if type(node.op) is not Argmax or inner is None or x.type.dtype not in float_dtypes:
        return None
    argument: Any = inner.inputs[0]
    return [conform(node.op(argument), node.outputs[0])] if argument.type.dtype == x.type.dtype else None


# ---- sums of products ---------------------------------------------------------------------------------------------


@function_rule(Sum, name="sum_of_separable", needs=[ar.mul, ar.true_div, ar.sqr], assumes="rounding finite",
               tags="local_sumsqr2dot local_sum_prod_mul_by_scalar")
def sum_of_separable(node: Apply, site: Site) -> Any:
    """sum(x[:, None] * y[None, :]) -> sum(x) * sum(y): an axis that only some factors have, while these have not all
    axes, is summed first, over fewer elements"""
    x: Any = node.inputs[0]
    out: Any = node.outputs[0]
    if x.type.dtype not in float_dtypes or out.type.dtype != x.type.dtype or site.uses(x) > 1 or x.type.ndim < 2:
        return None
    coefficient, factors = _factors(x, site)
    if len(factors) < 2 or any(v.type.ndim != x.type.ndim for _, v in factors):
        return None
    flat = x.type.broadcastable
    if any(not flat[k] and all(v.type.broadcastable[k] for _, v in factors) for k in range(len(flat))):
        return None   # the coefficient is an array, filled with it
    axes = axes_of(node)
    for axis in axes:
        if flat[axis]:
            continue
        having = [(p, v) for p, v in factors if not v.type.broadcastable[axis]]
        if any(not flat[k] and all(v.type.broadcastable[k] for _, v in having) for k in range(len(flat))):
            break
    else:
        return None
    others = [(p, v) for p, v in factors if v.type.broadcastable[axis]]
    dtype = x.type.dtype
    first = dimshuffle(
        over_axes(node.op, [axis])(_quotient(having, 1, dtype)),
        [k - (k > axis) if k != axis else "x" for k in range(len(flat))],
    )
    product = _quotient([(1, first), *others], coefficient, dtype)
    left = dimshuffle(product, [k for k in range(len(flat)) if k != axis])
    rest = [k - (k > axis) for k in axes if k != axis]
    return [conform(over_axes(node.op, rest)(left) if rest else left, out)]


def _factors(x: Any, site: Site) -> tuple[Any, list[tuple[int, Any]]]:
    """The factors of a product, or of the square of one."""
    square = elementwise_node(x, ar.sqr)
    if square is None:
        return factors_of(x, site)
    coefficient, factors = factors_of(square.inputs[0])
    if len(factors) < 2:
        return 1, [(1, x)]
    return coefficient * coefficient, [(power, elemwise_of(ar.sqr)(v)) for power, v in factors]


def _quotient(factors: list[tuple[int, Any]], coefficient: Any, dtype: str) -> Any:
    return quotient([v for p, v in factors if p > 0], [v for p, v in factors if p < 0], coefficient, dtype)


@function_rule(Sum, name="sum_of_multiple_of_integers", needs=[ar.mul], tags="local_sum_prod_mul_by_scalar")
def sum_of_multiple_of_integers(node: Apply, site: Site) -> Any:
    """sum(a * x) -> a * sum(x) for a scalar a and integers: exact, as both wrap around"""
    x: Any = node.inputs[0]
    out: Any = node.outputs[0]
    inner = elementwise_node(x, ar.mul)
    if inner is None or x.type.dtype not in ("int64", "uint64") or out.type.dtype != x.type.dtype or site.uses(x) > 1:
        return None
    constant = [v for v in inner.inputs if all(v.type.broadcastable)]  # type: ignore[attr-defined]
    rest = [v for v in inner.inputs if not all(v.type.broadcastable)]  # type: ignore[attr-defined]
    if not constant or not rest:
        return None
    product = cast_to(mul_all(rest), x.type.dtype)
    if product.type.broadcastable != x.type.broadcastable:
        return None
    scalars = [dimshuffle(v, ["x"] * out.type.ndim) if v.type.ndim else v for v in constant]  # type: ignore[attr-defined]
    return [conform(mul_all([*scalars, node.op(product)]), out)]


REDUCED_PARTS = ruleset(reduction_of_join, sum_of_separable, sum_of_multiple_of_integers)
REDUCED_PARTS_FOR_SPEED = ruleset(
    reduction_of_dimshuffle, reduction_of_reshape, max_of_monotone, argmax_of_monotone,
)
