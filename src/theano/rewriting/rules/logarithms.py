"""Logarithms of sums, products, powers and exponentials: forms that keep their digits where the written ones lose them.

Log-sum-exp over an axis is in `softmax.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, number_like, quotient
from theano.rewriting.known import is_whole, number
from theano.rewriting.pattern import Match, factors_of, rule, terms_of
from theano.rewriting.ranges import bounds, nonnegative
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.symbols import symbols
from theano.rewriting.terms import is_negative
from theano.scalar.activation import sigmoid, softplus
from theano.scalar.arithmetic import abs_, add, inv, mul, neg, sgn, sqr, sqrt, sub, true_div
from theano.scalar.comparison import eq, ge, gt, le, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import (
    exp,
    exp2,
    expm1,
    log,
    log1mexp,
    log1p,
    log2,
    log10,
    log_product,
    log_quotient,
    logaddexp,
    pow,
    xlogx,
)
from theano.scalar.hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh, tanh
from theano.scalar.selection import maximum, switch
from theano.scalar.shares import exponent_of
from theano.tensor.careduce import Prod, Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import elemwise_of

x, y, z = symbols("x y z")

NAN = math.nan
LOG2E, LOG10E, LN2 = math.log2(math.e), math.log10(math.e), math.log(2)
TINY_EXPONENT = -40.0  # exp(exp(x)) - 1 is exp(x) from here on downwards
MOST_EXPS = 16  # terms of a sum of exponentials


def may_be_tiny_exponent(m: Match) -> bool:
    """Could exp(x) underflow? (Not in what the rule itself makes.)"""
    return bounds(m.x)[0] < TINY_EXPONENT


OF_SUMS = ruleset(
    rule("log1p", log(1 + x), log1p(x), tags="local_log1p"),
    rule("log2_of_one_plus", log2(1 + x), LOG2E * log1p(x), assumes="rounding"),
    rule("log10_of_one_plus", log10(1 + x), LOG10E * log1p(x), assumes="rounding"),
    rule("log_of_difference_of_exps", log(exp(x) - exp(y)), x + log1mexp(switch(eq(x, y), 0.0, y - x)),
         assumes="rounding"),
    rule("log_of_minus_expm1", log(-expm1(x)), log1mexp(x)),
    rule("log1p_of_minus_exp", log1p(-exp(x)), log1mexp(x)),
    rule("log_of_expm1", log(expm1(x)), x + log1mexp(-x), assumes="rounding"),
    rule("softplus", log1p(exp(x)), softplus(x), tags="log1pexp_to_softplus"),
    rule("softplus_of_double", log1p(sqr(exp(x))), softplus(2.0 * x), assumes="rounding"),
    rule("softplus_of_log", softplus(log(x)), switch(ge(x, 0.0), log1p(x), NAN), assumes="rounding"),
    rule("log1mexp_of_log", log1mexp(log(x)), switch(ge(x, 0.0), log1p(-x), NAN), assumes="rounding"),
    rule("log1mexp_of_minus_exp", log1mexp(-exp(x)),
         switch(lt(x, TINY_EXPONENT), x, log1mexp(-exp(maximum(x, TINY_EXPONENT)))), when=may_be_tiny_exponent,
         assumes="rounding"),
    rule("log1mexp_of_log1mexp", log1mexp(log1mexp(x)), switch(le(x, 0.0), x, NAN), assumes="rounding"),
)

OF_PRODUCTS = ruleset(
    rule("log_of_exp", log(exp(x)), x),
    rule("log2_of_exp2", log2(exp2(x)), x),
    rule("log2_of_exp", log2(exp(x)), LOG2E * x, assumes="rounding"),
    rule("log10_of_exp", log10(exp(x)), LOG10E * x, assumes="rounding"),
    rule("log1p_of_expm1", log1p(expm1(x)), x),
    rule("log_of_exp_times", log(exp(x) * y), x + log(y), assumes="rounding"),
    rule("log_of_inverse", log(inv(x)), -log(x), assumes="rounding"),
    rule("log_of_sqrt", log(sqrt(x)), 0.5 * log(x), assumes="rounding"),
    rule("log_of_sqr", log(sqr(x)), 2.0 * log(abs_(x)), assumes="rounding"),
)

OF_FUNCTIONS = ruleset(
    rule("log_of_sigmoid", log(sigmoid(x)), -softplus(-x), tags="logsigm_to_softplus"),
    rule("log2_of_sigmoid", log2(sigmoid(x)), -LOG2E * softplus(-x), assumes="rounding"),
    rule("log10_of_sigmoid", log10(sigmoid(x)), -LOG10E * softplus(-x), assumes="rounding"),
    rule("log_of_sigmoid_times", log(sigmoid(x) * y), log(y) - softplus(-x), assumes="rounding"),
    rule("log1p_of_minus_sigmoid", log1p(-sigmoid(x)), -softplus(x), tags="log1msigm_to_softplus"),
    # cosh(x) - 1 = 2 sinh(x/2)**2 near 0
    rule("log_of_cosh", log(cosh(x)),
         switch(lt(abs_(x), 1.0), log1p(2.0 * sqr(sinh(0.5 * x))), abs_(x) + log1p(exp(-2.0 * abs_(x))) - LN2),
         assumes="rounding"),
    rule("log_of_multiple_of_cosh", log(y * cosh(x)), log(y) + (abs_(x) + log1p(exp(-2.0 * abs_(x))) - LN2),
         assumes="rounding"),
    rule("log_of_sinh", log(sinh(x)), x + log1mexp(-2.0 * x) - LN2, assumes="rounding"),
    # the probability of an interval of a logistic variable
    rule("log_of_difference_of_sigmoids", log(sigmoid(x) - sigmoid(y)),
         log1mexp(switch(eq(x, y), 0.0, y - x)) - softplus(-x) - softplus(y), assumes="rounding"),
    rule("log_of_tanh", log(tanh(x)), log1mexp(-2.0 * x) - softplus(-2.0 * x), assumes="rounding"),
    rule("difference_of_softplus", softplus(x) - softplus(-x), x, assumes="finite rounding"),
    rule("softplus_minus_x", softplus(x) - x, softplus(-x), assumes="finite"),
    rule("arcsinh_by_log", log(x + sqrt(1 + sqr(x))), arcsinh(x), assumes="rounding"),
    rule("arccosh_by_log", log(x + sqrt(sqr(x) - 1)), arccosh(x), assumes="rounding"),
    rule("arctanh_by_log", log((1 + x) / (1 - x)), 2.0 * arctanh(x), assumes="rounding"),
    rule("arctanh_by_logs", 0.5 * (log1p(x) - log1p(-x)), arctanh(x), assumes="rounding"),
    rule("x_log_x", x * log(x), xlogx(x), assumes="finite"),
)

# Where a mixture is near 1 its distance from 1 counts.
from_one = (1 - y) * expm1(x)
from_one_by_sigmoid = sigmoid(-x) * (y - 1)

MIXTURES = ruleset(
    rule("log_of_mixture_with_one", log(y + (1 - y) * exp(x)),
         switch(gt(from_one, -0.5), log1p(from_one), log(switch(gt(from_one, -0.5), 1.0, y + (1 - y) * exp(x)))),
         when=lambda m: number(m.y) is None, assumes="rounding"),
    rule("log_of_mixture_by_sigmoid", log(sigmoid(x) + y * sigmoid(-x)),
         switch(gt(from_one_by_sigmoid, -0.5), log1p(from_one_by_sigmoid),
                log(switch(gt(from_one_by_sigmoid, -0.5), 1.0, sigmoid(x) + y * sigmoid(-x)))), assumes="rounding"),
)

# Applied last (in `specialize`): before that, rules look for the products themselves.
OF_TWO_FACTORS = ruleset(
    rule("log_of_quotient", log(x / y), log_quotient(x, y), when=lambda m: number(m.x) is None and number(m.y) is None),
    rule("log_of_two_factors", log(x * y), log_product(x, y),
         when=lambda m: number(m.x) is None and number(m.y) is None),
)


@function_rule(log, log1p, name="log_of_sum_of_exps", assumes="rounding", tags="local_log_add",
               needs=[add, mul, true_div])
def log_of_sum_of_exps(node: Apply, site: Site) -> Any:
    """log(exp(x) + exp(y) + ...) -> logaddexp(logaddexp(x, y), ...), log1p(exp(x) + exp(y)) -> that of x, y and 0,
    log(a*exp(x) + b*exp(y)) -> logaddexp(x + log(a), y + log(b)) and log(a*(exp(x) + ...)) for numbers a, b > 0;
    log(a + (1 - a)*exp(x)) -> log1p((1 - a)*expm1(x)) where that is near 0; sigmoids may stand before the
    exponentials"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    total: Any = node.inputs[0]
    scale: Any = 1
    inside = node.op.scalar_op is log1p  # type: ignore[attr-defined]
    if elementwise_node(total, add) is None:
        scale, factors = factors_of(total, site)
        if inside or len(factors) != 1 or factors[0][0] != 1 or not scale > 0:
            return None
        total = factors[0][1]
        if elementwise_node(total, add) is None:
            return None
    exponents = _exponents_of_terms(total, int(inside), dtype)
    if exponents is None:
        return None
    near = _near_one(total, int(inside), dtype) if scale == 1 else None
    if near is not None:
        is_near = elemwise_of(lt)(elemwise_of(abs_)(near), number_like(0.5, dtype))
        result = conform(elemwise_of(switch)(is_near, elemwise_of(log1p)(near), _logaddexp_of(exponents)), out)
        return None if result is None else [result]
    if scale != 1:
        shift = number_like(math.log(scale), dtype)
        result = elemwise_of(add)(_logaddexp_of(exponents), shift)
    else:
        result = _logaddexp_of(exponents)
    result = conform(result, out)
    return None if result is None else [result]


def _exponents_of_terms(total: Any, more: int, dtype: str) -> list[Any] | None:
    """[x, y + log(b), ...] if `total` + `more` is exp(x) + b*exp(y) + ... with positive numbers b, else None."""
    constant, terms = terms_of(total)
    constant = constant + more
    if total.type.dtype != dtype or not 2 <= len(terms) + bool(constant) <= MOST_EXPS or constant < 0:
        return None
    exponents: list[Any] = []
    has_exp = False
    for sign, term in terms:
        weight, factors = factors_of(term)
        if sign < 0 or not weight > 0 or any(power != 1 for power, _ in factors):
            return None
        parts = [exponent_of(v) for _, v in factors]
        has_exp |= any(part is not None for part in parts)
        parts = [_log_of_sigmoid(v) if part is None else part for part, (_, v) in zip(parts, factors)]
        if any(part is None or part.type.dtype != dtype for part in parts):
            return None
        exponents.append(add_all([*parts, number_like(math.log(weight), dtype)] if weight != 1 else parts))
    if not has_exp:   # sigmoids alone do not overflow
        return None
    if constant:
        exponents.append(number_like(math.log(constant), dtype))
    return exponents


def _log_of_sigmoid(v: Any) -> Any:
    """log(v), if v is a sigmoid."""
    inner = elementwise_node(v, sigmoid)
    return None if inner is None else elemwise_of(neg)(elemwise_of(softplus)(elemwise_of(neg)(inner.inputs[0])))


def _near_one(total: Any, more: int, dtype: str) -> Any:
    """(1 - a)*expm1(x) if `total` + `more` is a + (1 - a)*exp(x) with a number or a sigmoid a, else None."""
    constant, terms = terms_of(total)
    constant = constant + more
    parts = [factors_of(term) for _, term in terms]
    if len(parts) == 1 and len(parts[0][1]) == 1:
        share, ((_, last),) = parts[0]
        if abs(constant + share - 1) > float(np.finfo(dtype).eps):
            return None
        weight: Any = number_like(share, dtype)
    else:
        parts.sort(key=lambda part: len(part[1]))
        if constant or [(c, len(factors)) for c, factors in parts] != [(1, 1), (1, 2)]:
            return None
        own = elementwise_node(parts[0][1][0][1], sigmoid)
        first, second = (v for _, v in parts[1][1])
        weight, last = (first, second) if elementwise_node(first, sigmoid) is not None else (second, first)
        other = elementwise_node(weight, sigmoid)
        if own is None or other is None or not is_negative(own.inputs[0], other.inputs[0]):
            return None
    inner = elementwise_node(last, exp)
    return None if inner is None else elemwise_of(mul)(weight, elemwise_of(expm1)(inner.inputs[0]))


def _logaddexp_of(exponents: Sequence[Any]) -> Any:
    result = exponents[0]
    for e in exponents[1:]:
        result = elemwise_of(logaddexp)(result, e)
    return result


@function_rule(log, name="log_of_power", assumes="finite", needs=[pow, mul, true_div])
def log_of_power(node: Apply, site: Site) -> Any:
    """log(x**c) -> c*log(x), log(x**(2*k)) -> 2*k*log(abs(x)) for a number c; log(a * x**c) -> c*log(x) + log(a) for a
    number a > 0"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    total: Any = node.inputs[0]
    if dtype not in float_dtypes or total.type.dtype != dtype:
        return None
    coefficient, factors = factors_of(total, site)
    if len(factors) != 1 or factors[0][0] != 1 or isinstance(coefficient, complex) or not coefficient > 0:
        return None
    inner = elementwise_node(factors[0][1], pow, sqr)
    if inner is None or inner.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    base: Any = inner.inputs[0]
    c = 2 if inner.op.scalar_op is sqr else number(inner.inputs[1])  # type: ignore[attr-defined]
    if not c or not math.isfinite(c) or (c == 2 and coefficient == 1):   # that is `log_of_sqr`
        return None
    if is_whole(c) and int(c) % 2 == 0:
        base = elemwise_of(abs_)(base)
    result = elemwise_of(mul)(number_like(c, dtype), elemwise_of(log)(base))
    if coefficient != 1:
        result = elemwise_of(add)(result, number_like(math.log(coefficient), dtype))
    result = conform(result, out)
    return None if result is None else [result]


@function_rule(log, name="log_of_quotient_by_sum", assumes="rounding", needs=[mul, true_div])
def log_of_quotient_by_sum(node: Apply, site: Site) -> Any:
    """log(a / (x + y)) -> log(a) - log(x + y) for a number a > 0, log(z / (x + y)**2) -> log(z) - log((x + y)**2),
    log(a * (b + x)) -> log(a) + log(b + x) for numbers a > 0, b > 0"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    total: Any = node.inputs[0]
    if dtype not in float_dtypes or total.type.dtype != dtype:
        return None
    coefficient, factors = factors_of(total, site)
    if len(factors) == 1 and factors[0][0] == 1 and not isinstance(coefficient, complex) and coefficient > 0:
        (_, v), = factors
        constant = terms_of(v, site)[0] if coefficient != 1 and elementwise_node(v, add) is not None else 0
        if isinstance(constant, complex) or not constant > 0 or v.type.dtype != dtype:
            return None
        result = conform(elemwise_of(add)(elemwise_of(log)(v), number_like(math.log(coefficient), dtype)), out)
        return None if result is None else [result]
    for position, (power, v) in enumerate(factors):
        if power > 0 or v.type.dtype != dtype:
            continue
        raised = elementwise_node(v, sqr, pow)
        base: Any = v if raised is None else raised.inputs[0]
        rest = [f for n, f in enumerate(factors) if n != position]
        if elementwise_node(base, add) is None or not (rest if raised is not None else not rest):
            continue
        if rest:
            above, below = ([w for p, w in rest if p == sign] for sign in (1, -1))
            first = elemwise_of(log)(quotient(above, below, coefficient, dtype))
        elif isinstance(coefficient, complex) or not coefficient > 0:
            continue
        else:
            first = as_tensor_variable(number_like(math.log(coefficient), dtype))
        result = conform(elemwise_of(sub)(first, elemwise_of(log)(v)), out)
        return None if result is None else [result]
    return None


@function_rule(log, name="log_of_product", assumes="rounding", needs=[Prod], tags="local_log_prod_sqr")
def log_of_product(node: Apply, site: Site) -> Any:
    """log(prod(x)) -> sum(log(x)) where no element of x is negative,
    otherwise switch(prod(sgn(x)) < 0, NaN, sum(log(abs(x))))"""
    inner = node.inputs[0].owner
    out: Any = node.outputs[0]
    if inner is None or type(inner.op) is not Prod:
        return None
    factors: Any = inner.inputs[0]
    if factors.type.dtype != out.type.dtype or out.type.dtype not in float_dtypes:
        return None
    axes = inner.op.axis
    if nonnegative(factors):
        return [conform(Sum(axes)(log(factors)), out)]
    negative = lt(Prod(axes)(sgn(factors)), number_like(0, out.type.dtype))
    result = switch(negative, number_like(NAN, out.type.dtype), Sum(axes)(log(abs_(factors))))
    return [conform(result, out)]


LOGARITHMS = ruleset(
    OF_SUMS, OF_PRODUCTS, OF_FUNCTIONS, log_of_sum_of_exps, MIXTURES, log_of_power, log_of_quotient_by_sum,
    log_of_product,
)
