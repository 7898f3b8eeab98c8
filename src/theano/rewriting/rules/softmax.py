"""Softmax, log-softmax, log-sum-exp and cross-entropy: recognised as ops, and opened again for fusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, number_like, quotient, signed_sum
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.known import is_number
from theano.rewriting.pattern import factors_of, terms_of
from theano.rewriting.ranges import nonnegative
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.scattered import read_together
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import arithmetic as ar
from theano.scalar.comparison import eq, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, log, xlogy0
from theano.scalar.selection import cast_to as cast_record
from theano.scalar.selection import switch
from theano.tensor.careduce import Max, Sum, Supremum, reduced_axes, with_axes_back
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.nnet.softmax import LogSoftmax, LogSumExp, Softmax
from theano.tensor.ranges import ARange
from theano.tensor.shape import Reshape
from theano.tensor.subtensor import AdvancedSubtensor, AdvancedSubtensor1, Subtensor

SELECTIONS = (Subtensor, AdvancedSubtensor, AdvancedSubtensor1, DimShuffle, Reshape)


def kept_reduction(v: Any, kind: type, ndim: int) -> tuple[Any, tuple[int, ...]] | None:
    """(x, axes) if `v` is kind(axes)(x) with the reduced axes put back, x having `ndim` axes."""
    node = v.owner
    if node is None:
        return None
    order: tuple[Any, ...] | None = None
    if isinstance(node.op, DimShuffle):
        order = node.op.new_order
        node = node.inputs[0].owner
        if node is None:
            return None
    if type(node.op) is not kind:
        return None
    x: Any = node.inputs[0]
    if x.type.ndim != ndim:
        return None
    axes = reduced_axes(node.op.axis, ndim)  # type: ignore[attr-defined]
    kept = iter(range(ndim))
    expected = tuple("x" if axis in axes else next(kept) for axis in range(ndim))
    if order is None:
        return (x, axes) if not axes or ndim == 0 else None
    return (x, axes) if order == expected else None


EXP_AMONG_FACTORS = Parts(factors_of, (frozenset([exp]),))


@function_rule(
    ar.mul, ar.true_div, name="softmax_by_exps", parts=EXP_AMONG_FACTORS,
    tags="local_softmax_stabilize softmax_simplifier",
)
def softmax_by_exps(node: Apply, site: Site) -> Any:
    """exp(x) / sum(exp(x), axis, keepdims) -> softmax(x), in products of any length"""
    return _softmax_in_product(node, site, summed=False)


@function_rule(
    ar.mul, ar.true_div, name="softmax_by_sum_of_quotients", parts=EXP_AMONG_FACTORS,
    assumes="rounding finite", tags="local_softmax_stabilize softmax_simplifier",
)
def softmax_by_sum_of_quotients(node: Apply, site: Site) -> Any:
    """exp(x) * sum(w / sum(exp(x))) -> softmax(x) * sum(w), as it is found in gradients"""
    return _softmax_in_product(node, site, summed=True)


def _softmax_in_product(node: Apply, site: Site, summed: bool) -> Any:
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    num = {v: n for n, (power, v) in enumerate(factors) if power > 0 and elementwise_node(v, exp) is not None}
    if not num:
        return None
    for n, (power, v) in enumerate(factors):
        for found, others in _sums_in_denominator(power, v, out.type.ndim, site, summed):
            e, axes = found
            if e not in num:
                continue
            inner = elementwise_node(e, exp)
            if inner is None or e.type.dtype != dtype or inner.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
                continue
            more = others()
            if more is None:
                continue
            p = Softmax(axes)(inner.inputs[0])
            rest = [f for m, f in enumerate(factors) if m not in (n, num[e])] + more
            tops = [w for k, w in rest if k > 0]
            result = quotient([*tops, p], [w for k, w in rest if k < 0], coefficient, dtype)
            result = conform(result, out)
            if result is not None:
                return [result]
    return None


Others = Callable[[], list[Any] | None]


def _sums_in_denominator(
    power: int, v: Any, ndim: int, site: Site, summed: bool = False
) -> Iterator[tuple[Any, Others]]:
    """Each sum with its axes kept by which the factor `v` divides, or (`summed`) all terms that are summed in it
    are divided: ((summed, axes), () -> the factor's other parts)."""
    if power < 0 and not summed:
        found = kept_reduction(v, Sum, ndim)
        if found is not None:
            yield found, list
            return
    node = v.owner
    if node is None or not isinstance(node.op, DimShuffle):
        return
    order = node.op.new_order
    coefficient, parts = factors_of(node.inputs[0], site)
    for position, (k, w) in enumerate(parts):
        if w.owner is None or type(w.owner.op) is not Sum or k * power not in (1, -1):
            continue
        found = kept_reduction(dimshuffle(w, order), Sum, ndim)
        if found is None:
            continue

        def others(position: int = position) -> list[Any]:
            rest = [(q * power, dimshuffle(u, order)) for m, (q, u) in enumerate(parts) if m != position]
            if coefficient != 1:
                rest.append((power, as_tensor_variable(number_like(coefficient, v.type.dtype))))
            return rest

        if k * power < 0:
            if not summed:
                yield found, others
            continue
        if not summed:
            continue
        for inner, numerators in _sums_in_denominators_of_terms(*found, site):

            def more(others: Any = others, numerators: Any = numerators, w: Any = w) -> list[Any] | None:
                summed = numerators()
                return None if summed is None else [*others(), (1, dimshuffle(w.owner.op(summed), order))]

            yield inner, more


def _sums_in_denominators_of_terms(
    terms: Any, axes: tuple[int, ...], site: Site
) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Each sum over `axes` by which all of `terms`, or switch(c, terms, 0), are divided:
    ((summed, axes), () -> the terms not divided)."""
    quotients, masked = terms, elementwise_node(terms, switch)
    if masked is not None:
        if not is_number(masked.inputs[2], 0):
            return
        quotients = masked.inputs[1]
    coefficient, factors = factors_of(quotients, site)
    for n, (power, v) in enumerate(factors):
        found = kept_reduction(v, Sum, terms.type.ndim) if power == -1 else None
        if found is None or found[1] != axes:
            continue

        def numerators(n: int = n) -> Any:
            rest = [f for m, f in enumerate(factors) if m != n]
            result = quotient([w for k, w in rest if k > 0], [w for k, w in rest if k < 0], coefficient, terms.dtype)
            if masked is not None:
                result = switch(masked.inputs[0], result, number_like(0, terms.dtype))
            return conform(result, terms)

        yield found, numerators


def weighted_exps(terms: Any, dtype: str) -> tuple[Any, Any, Any] | None:
    """(exp(x), x + log(w), c) if `terms` is c * w * exp(x) with a number c > 0 and a factor w known to be nonnegative
    (there may be none); else None."""
    coefficient, factors = factors_of(terms)
    if terms.type.dtype != dtype or isinstance(coefficient, complex) or not coefficient > 0:
        return None
    for n, (power, v) in enumerate(factors):
        inner = elementwise_node(v, exp) if power == 1 else None
        if inner is None or inner.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
            continue
        x: Any = inner.inputs[0]
        rest = [f for m, f in enumerate(factors) if m != n]
        if rest:
            weight = quotient([w for p, w in rest if p > 0], [w for p, w in rest if p < 0], 1, dtype)
            if not nonnegative(weight):
                return None
            x = elemwise_of(ar.add)(x, elemwise_of(log)(weight))
        if x.type.broadcastable != terms.type.broadcastable:
            return None
        return v, x, coefficient
    return None


@function_rule(ar.mul, ar.true_div, name="weighted_softmax_by_exps", assumes="rounding", parts=EXP_AMONG_FACTORS)
def weighted_softmax_by_exps(node: Apply, site: Site) -> Any:
    """exp(x) / sum(w*exp(x), axis, keepdims) -> exp(x - logsumexp(x + log(w))) for a factor w known to be nonnegative:
    the gradient of log(sum(w*exp(x)))"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    tops = {v: n for n, (power, v) in enumerate(factors) if power > 0 and elementwise_node(v, exp) is not None}
    for n, (power, v) in enumerate(factors if tops else ()):
        for (summed, axes), others in _sums_in_denominator(power, v, out.type.ndim, site):
            found = weighted_exps(summed, dtype)
            if found is None or found[0] not in tops:
                continue
            e, weighted, scale = found
            more = others()
            if more is None:
                continue
            total = with_axes_back(LogSumExp(axes)(weighted), axes, weighted.type.ndim)
            share = elemwise_of(exp)(elemwise_of(ar.sub)(elementwise_node(e, exp).inputs[0], total))  # type: ignore[union-attr]
            rest = [f for m, f in enumerate(factors) if m not in (n, tops[e])] + more
            result = quotient([*(w for k, w in rest if k > 0), share], [w for k, w in rest if k < 0],
                              coefficient / scale, dtype)
            result = conform(result, out)
            if result is not None:
                return [result]
    return None


@function_rule(log, name="log_sum_exp", tags="local_log_sum_exp")
def log_sum_exp(node: Apply, site: Site) -> Any:
    """log(sum(exp(x), axis)) -> logsumexp(x, axis)"""
    v: Any = node.inputs[0]
    found = _sum_of_exps(v, v.type.dtype, weighted=False) if v.type.dtype in float_dtypes else None
    return None if found is None else [conform(found, node.outputs[0])]


@function_rule(
    log, name="log_of_multiple_of_sum_of_exps", assumes="rounding", tags="local_log_sum_exp",
    needs=[ar.mul, ar.true_div, ar.inv, ar.neg, Sum, DimShuffle],
)
def log_of_multiple_of_sum_of_exps(node: Apply, site: Site) -> Any:
    """log(y * sum(exp(x))) -> log(y) + logsumexp(x), log(sum(exp(x)) / y) -> logsumexp(x) - log(y),
    log(sum(w*exp(x))) -> logsumexp(x + log(w)) for a factor w known to be nonnegative"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(node.inputs[0], site)
    for n, (power, v) in enumerate(factors):
        value = _sum_of_exps(v, dtype, weighted=True)
        if value is None:
            continue
        if power < 0:
            value = elemwise_of(ar.neg)(value)
        rest = [f for m, f in enumerate(factors) if m != n]
        if rest or coefficient != 1:
            other = quotient([w for p, w in rest if p > 0], [w for p, w in rest if p < 0], coefficient, dtype)
            value = elemwise_of(ar.add)(value, elemwise_of(log)(other))
        result = conform(value, out)
        return None if result is None else [result]
    return None


def _sum_of_exps(v: Any, dtype: str, weighted: bool) -> Any | None:
    """logsumexp(x) if v is sum(exp(x)), perhaps dimshuffled, and (`weighted`) with a factor that is not negative."""
    node, order = v.owner, None
    if node is not None and isinstance(node.op, DimShuffle):
        order = node.op.new_order
        node = node.inputs[0].owner
    if node is None or type(node.op) is not Sum or node.outputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    found = weighted_exps(node.inputs[0], dtype)
    if found is None or (not weighted and found[0] is not node.inputs[0]):
        return None
    _, x, coefficient = found
    value = LogSumExp(reduced_axes(node.op.axis, x.type.ndim))(x)
    if coefficient != 1:
        value = elemwise_of(ar.add)(value, number_like(math.log(coefficient), dtype))
    return value if order is None else dimshuffle(value, order)


@function_rule(
    ar.add, ar.sub, name="log_softmax_by_log_sum_exp", needs=[DimShuffle, ar.add, ar.sub, ar.neg],
    tags="local_log_softmax_from_logsumexp",
)
def log_softmax_by_log_sum_exp(node: Apply, site: Site) -> Any:
    """x - logsumexp(x, axis, keepdims) -> logsoftmax(x)"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    constant, terms = terms_of(out, site)
    for n, (sign, v) in enumerate(terms):
        found = kept_reduction(v, LogSumExp, out.type.ndim)
        if found is None:
            continue
        x, axes = found
        for m, (other_sign, w) in enumerate(terms):
            if w is x and other_sign == -sign:
                rest = [t for k, t in enumerate(terms) if k not in (n, m)]
                result = signed_sum([*rest, (-sign, LogSoftmax(axes)(x))], constant, dtype)
                result = conform(result, out)
                return None if result is None else [result]
    return None


@function_rule(log, name="log_of_softmax", tags="fast_compile local_logsoftmax")
def log_of_softmax(node: Apply, site: Site) -> Any:
    """log(softmax(x)) -> logsoftmax(x), also through indexing, dimshuffle and reshape"""
    result = _log_of_selected_softmax(node.inputs[0])
    return None if result is None else [conform(result, node.outputs[0])]


def _log_of_selected_softmax(v: Any) -> Any | None:
    path: list[Apply] = []
    inner = v.owner
    while inner is not None and isinstance(inner.op, SELECTIONS) and len(path) < 4:
        path.append(inner)
        inner = inner.inputs[0].owner
    if inner is None or not isinstance(inner.op, Softmax):
        return None
    result = LogSoftmax(inner.op.axis)(inner.inputs[0])
    for step in reversed(path):
        result = step.op(result, *step.inputs[1:])
    return result


@function_rule(exp, name="exp_of_log_softmax", tags="local_exp_log_softmax")
def exp_of_log_softmax(node: Apply, site: Site) -> Any:
    """exp(logsoftmax(x)) -> softmax(x)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, LogSoftmax):
        return None
    return [conform(Softmax(inner.op.axis)(inner.inputs[0]), node.outputs[0])]


@function_rule(xlogy0, name="weighted_log_of_softmax", needs=[Softmax])
def weighted_log_of_softmax(node: Apply, site: Site) -> Any:
    """xlogy0(t, softmax(x)) -> switch(t == 0, 0, t * logsoftmax(x))"""
    t, p = node.inputs
    out: Any = node.outputs[0]
    inner = p.owner
    if inner is None or not isinstance(inner.op, Softmax) or t.type.dtype != p.type.dtype:  # type: ignore[attr-defined]
        return None
    y = LogSoftmax(inner.op.axis)(inner.inputs[0])
    zero = number_like(0, out.type.dtype)
    result = conform(switch(eq(t, zero), zero, mul_all([t, y])), out)
    return None if result is None else [result]


# ---- opening, so that the parts fuse with what is around them ----

def largest(x: Any, axes: tuple[int, ...]) -> Any:
    """The largest element along `axes` where it is finite, else (and of nothing) 0."""
    m = Supremum(axes)(x)
    zero = number_like(0, x.type.dtype)
    infinity = number_like(np.inf, x.type.dtype)
    return switch(lt(ar.abs_(m), infinity), m, zero)


def is_shifted(x: Any, axes: tuple[int, ...]) -> bool:
    """Is `x` y - max(y, axes, keepdims), of which the largest element is 0 (or else NaN)?"""
    node = elementwise_node(x, ar.sub)
    return node is not None and kept_reduction(node.inputs[1], Max, x.type.ndim) == (node.inputs[0], axes)


def opened(x: Any, axes: tuple[int, ...]) -> tuple[Any | None, Any, Any]:
    """(largest element, exp(x - it), sum of that): the first and last without the reduced axes; None for 0."""
    if is_shifted(x, axes):
        e = exp(x)
        return None, e, Sum(axes)(e)
    m = largest(x, axes)
    e = exp(x - with_axes_back(m, axes, x.type.ndim))
    return m, e, Sum(axes)(e)


@function_rule(Softmax, name="open_softmax", tags="fusion")
def open_softmax(node: Apply, site: Site) -> Any:
    """softmax(x) -> exp(x - max) / sum(exp(x - max))"""
    x: Any = node.inputs[0]
    axes = reduced_axes(node.op.axis, x.type.ndim)  # type: ignore[attr-defined]
    _, e, total = opened(x, axes)
    return [conform(e / with_axes_back(total, axes, x.type.ndim), node.outputs[0])]


@function_rule(LogSoftmax, name="open_log_softmax", tags="fusion")
def open_log_softmax(node: Apply, site: Site) -> Any:
    """logsoftmax(x) -> x - max - log(sum(exp(x - max)))"""
    x: Any = node.inputs[0]
    ndim = x.type.ndim
    axes = reduced_axes(node.op.axis, ndim)  # type: ignore[attr-defined]
    m, _, total = opened(x, axes)
    shifted = x if m is None else x - with_axes_back(m, axes, ndim)
    return [conform(shifted - with_axes_back(log(total), axes, ndim), node.outputs[0])]


@function_rule(LogSumExp, name="open_log_sum_exp", tags="fusion")
def open_log_sum_exp(node: Apply, site: Site) -> Any:
    """logsumexp(x) -> max + log(sum(exp(x - max)))"""
    x: Any = node.inputs[0]
    axes = reduced_axes(node.op.axis, x.type.ndim)  # type: ignore[attr-defined]
    m, _, total = opened(x, axes)
    return [conform(log(total) if m is None else log(total) + m, node.outputs[0])]


@function_rule(AdvancedSubtensor, name="selected_log_softmax", needs=[LogSoftmax], tags="fusion crossentropy")
def selected_log_softmax(node: Apply, site: Site) -> Any:
    """logsoftmax(x)[i, j] -> x[i, j] - (max)[i] - log(sum(exp(x - max)))[i]: not the whole matrix"""
    y, *indices = node.inputs
    inner = y.owner
    if inner is None or not isinstance(inner.op, LogSoftmax) or node.op.idx_list != (ARRAY, ARRAY):  # type: ignore[attr-defined]
        return None
    x: Any = inner.inputs[0]
    rows, columns = indices
    if x.type.ndim != 2 or reduced_axes(inner.op.axis, 2) != (1,) or site.uses(y) > 1:
        return None
    if any(v.type.ndim != 1 or v.type.dtype == "bool" for v in indices):  # type: ignore[attr-defined]
        return None
    m, _, total = opened(x, (1,))
    result = node.op(x, *indices)
    rows = read_together(rows, columns, site)
    for part in (m, log(total)):
        if part is not None:
            result = result - (part if is_every_row(rows, x, site) else AdvancedSubtensor1()(part, rows))
    return [conform(result, node.outputs[0])]


def is_every_row(rows: Any, x: Any, site: Site) -> bool:
    """Is `rows` arange(number of rows of x)?"""
    node = rows.owner
    if node is None or not isinstance(node.op, ARange):
        return False
    start, _, step = (site.number(v) for v in node.inputs)
    if start != 0 or step != 1:
        return False
    return is_length_of(node.inputs[1], x, 0, site)


def is_length_of(v: Any, x: Any, axis: int, site: Site) -> bool:
    """Is the 0-d integer `v` the length of this axis of x?"""
    from_value = site.dims.find(_value_key(v))
    key = (x, axis) if x.type.shape[axis] is None else x.type.shape[axis]
    return bool(site.dims.same_length(from_value, key))


def _value_key(v: Any) -> Any:
    node = elementwise_node(v, cast_record("int64"))
    return value_key(v if node is None else node.inputs[0])


SOFTMAX = ruleset(
    softmax_by_exps, softmax_by_sum_of_quotients, weighted_softmax_by_exps, log_sum_exp,
    log_of_multiple_of_sum_of_exps, log_of_softmax, log_softmax_by_log_sum_exp, exp_of_log_softmax,
    weighted_log_of_softmax,
)
CROSSENTROPY = ruleset(selected_log_softmax)
OPENING = ruleset(open_softmax, open_log_softmax, open_log_sum_exp)
