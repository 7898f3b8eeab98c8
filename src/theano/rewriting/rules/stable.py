"""Numerical stabilisation of elementwise expressions: forms that keep their digits where the written ones lose them.

Softmax, log-sum-exp and cross-entropy are in `softmax.py`.
"""

from __future__ import annotations

import math
from typing import Any

import theano.tensor.methods  # noqa: F401 - operators on variables, to write the rules with
from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.known import number
from theano.rewriting.pattern import rule, terms_of, wild
from theano.rewriting.ranges import nonnegative, within
from theano.rewriting.rule import Rule, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import facts
from theano.scalar.activation import sigmoid, softplus
from theano.scalar.arithmetic import abs_, hypot, inv, mul, neg, sgn, sqr, sqrt
from theano.scalar.comparison import eq, ge, gt
from theano.scalar.dtypes import complex_dtypes, float_dtypes
from theano.scalar.exponential import (
    exp,
    exp2,
    expm1,
    log,
    log1mexp,
    log1p,
    log2,
    log10,
    logaddexp,
    pow,
    xlogx,
)
from theano.scalar.hyperbolic import cosh, sinh, tanh
from theano.scalar.op import ScalarOp
from theano.scalar.selection import switch
from theano.scalar.special import erf, erfc, erfcx, polygamma, psi, tri_gamma
from theano.scalar.trigonometric import cos, sin
from theano.tensor.careduce import Prod, Sum
from theano.tensor.elemwise import elemwise_of

x, y, z = wild("x y z")

NAN = math.nan
LOG2E, LOG10E, LN2 = math.log2(math.e), math.log10(math.e), math.log(2)

LOGARITHMS = ruleset(
    rule("log1p", log(1 + x), log1p(x), tags="local_log1p"),
    rule("log2_of_one_plus", log2(1 + x), LOG2E * log1p(x), assumes="rounding"),
    rule("log10_of_one_plus", log10(1 + x), LOG10E * log1p(x), assumes="rounding"),
    rule("log_of_exp", log(exp(x)), x),
    rule("log2_of_exp2", log2(exp2(x)), x),
    rule("log2_of_exp", log2(exp(x)), LOG2E * x, assumes="rounding"),
    rule("log10_of_exp", log10(exp(x)), LOG10E * x, assumes="rounding"),
    rule("log1p_of_expm1", log1p(expm1(x)), x),
    rule("log_of_exp_times", log(exp(x) * y), x + log(y), assumes="rounding"),
    rule("log_of_inverse", log(inv(x)), -log(x), assumes="rounding"),
    rule("log_of_sqrt", log(sqrt(x)), 0.5 * log(x), assumes="rounding"),
    rule("log_of_sqr", log(sqr(x)), 2.0 * log(abs_(x)), assumes="rounding"),
    rule("log_of_cosh", log(cosh(x)), abs_(x) + log1p(exp(-2.0 * abs_(x))) - LN2, assumes="rounding"),
    rule("log_of_difference_of_exps", log(exp(x) - exp(y)), x + log1mexp(switch(eq(x, y), 0.0, y - x)),
         assumes="rounding"),
    rule("log_of_minus_expm1", log(-expm1(x)), log1mexp(x)),
    rule("log1p_of_minus_exp", log1p(-exp(x)), log1mexp(x)),
    rule("log_of_erfc", log(erfc(x)), switch(gt(x, 1.0), log(erfcx(x)) - sqr(x), log1p(-erf(x))),
         assumes="rounding", tags="local_log_erfc"),
)

EXPONENTIALS = ruleset(
    rule("expm1", exp(x) - 1, expm1(x), tags="local_expm1"),
    rule("exp_of_softplus", exp(softplus(x)), 1 + exp(x), assumes="rounding"),
    rule("expm1_of_softplus", expm1(softplus(x)), exp(x), assumes="rounding"),
    rule("exp_of_log", exp(log(x)), x, when=lambda m: nonnegative(m.x), assumes="rounding"),
    rule("exp_of_log_or_nan", exp(log(x)), switch(ge(x, 0.0), x, NAN), assumes="rounding"),
    rule("exp_of_log1p", exp(log1p(x)), switch(ge(x, -1.0), 1.0 + x, NAN), assumes="rounding"),
    rule("expm1_of_log1p", expm1(log1p(x)), switch(ge(x, -1.0), x, NAN), assumes="rounding"),
    rule("expm1_of_log", expm1(log(x)), switch(ge(x, 0.0), x - 1.0, NAN), assumes="rounding"),
    rule("sqrt_of_one_plus_minus_one", sqrt(1 + x) - 1, expm1(0.5 * log1p(x)), assumes="rounding"),
    rule("tanh_by_exps", (exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x), assumes="rounding"),
    rule("sinh_by_exps", 0.5 * (exp(x) - exp(-x)), sinh(x), assumes="rounding"),
    rule("cosh_by_exps", 0.5 * (exp(x) + exp(-x)), cosh(x), assumes="rounding"),
)

SIGMOIDS = ruleset(
    rule("softplus", log1p(exp(x)), softplus(x), tags="log1pexp_to_softplus"),
    rule("log_of_sigmoid", log(sigmoid(x)), -softplus(-x), tags="logsigm_to_softplus"),
    rule("log1p_of_minus_sigmoid", log1p(-sigmoid(x)), -softplus(x), tags="log1msigm_to_softplus"),
    rule("one_minus_sigmoid", 1 - sigmoid(x), sigmoid(-x), tags="local_1msigmoid"),
    rule("softplus_minus_x", softplus(x) - x, softplus(-x), assumes="finite"),
    rule("sigmoid_by_exps", exp(x) / (1 + exp(x)), sigmoid(x), tags="local_exp_over_1_plus_exp"),
    rule("inverse_of_one_plus_exp", 1 / (1 + exp(x)), sigmoid(-x), tags="local_inv_1_plus_exp"),
    rule("sigmoid_of_difference", exp(x) / (exp(x) + exp(y)), sigmoid(x - y), assumes="rounding"),
    rule("exp_times_sigmoid_of_minus", exp(x) * sigmoid(-x), sigmoid(x), tags="local_sigm_times_exp"),
    rule("exp_of_minus_times_sigmoid", exp(-x) * sigmoid(x), sigmoid(-x), tags="local_sigm_times_exp"),
    rule("odds_of_sigmoid", sigmoid(x) / sigmoid(-x), exp(x), assumes="rounding"),
    rule("inverse_odds_of_sigmoid", sigmoid(-x) / sigmoid(x), exp(-x), assumes="rounding"),
)

ERROR_FUNCTIONS = ruleset(
    rule("one_plus_erf", 1 + erf(x), erfc(-x), tags="local_one_plus_erf"),
    rule("one_minus_erf", 1 - erf(x), erfc(x), tags="local_one_minus_erf"),
    rule("one_minus_erfc", 1 - erfc(x), erf(x), tags="local_one_minus_erfc"),
    rule("gaussian_over_erfc", exp(-sqr(x)) / erfc(x), inv(erfcx(x)), tags="local_grad_log_erfc_neg"),
)

SPECIAL_VALUES = ruleset(
    rule("x_log_x", x * log(x), xlogx(x), assumes="finite"),
    rule("polygamma_of_zero", polygamma(0, x), psi(x), tags="local_polygamma_to_digamma"),
    rule("polygamma_of_one", polygamma(1, x), tri_gamma(x), tags="local_polygamma_to_tri_gamma"),
)

ROOTS_AND_SQUARES = ruleset(
    rule("sqrt_of_sqr", sqrt(sqr(x)), abs_(x)),
    rule("sqr_of_sqrt", sqr(sqrt(x)), x, when=lambda m: nonnegative(m.x), assumes="rounding"),
    rule("sqr_of_abs", sqr(abs_(x)), sqr(x), when=lambda m: m.x.type.dtype not in complex_dtypes),
    rule("hypot", sqrt(sqr(x) + sqr(y)), hypot(x, y), assumes="rounding"),
    rule("one_minus_cos", 1 - cos(x), 2.0 * sqr(sin(0.5 * x)), assumes="rounding"),
    rule("x_over_abs", x / abs_(x), sgn(x), assumes="nonzero finite"),
    rule("product_of_abs", abs_(x) * abs_(y), abs_(x * y)),
    rule("sgn_of_inverse", sgn(inv(x)), sgn(x), assumes="nonzero finite"),
)


@function_rule(log, name="log_of_sum_of_exps", assumes="rounding", tags="local_log_add")
def log_of_sum_of_exps(node: Apply, site: Site) -> Any:
    """log(exp(x) + exp(y) + ...) -> logaddexp(logaddexp(x, y), ...)"""
    (total,), out = node.inputs, node.outputs[0]
    if elementwise_node(total, ScalarOp.registry["add"]) is None or total.type.dtype not in float_dtypes:  # type: ignore[attr-defined]
        return None
    constant, terms = terms_of(total, site)
    if len(terms) + bool(constant) < 2 or len(terms) > 16 or constant < 0:
        return None
    exponents: list[Any] = []
    for sign, term in terms:
        inner = elementwise_node(term, exp)
        if sign < 0 or inner is None or inner.inputs[0].type.dtype != out.type.dtype:  # type: ignore[attr-defined]
            return None
        exponents.append(inner.inputs[0])
    if constant:
        exponents.append(number_like(math.log(constant), out.type.dtype))  # type: ignore[attr-defined]
    result = exponents[0]
    for e in exponents[1:]:
        result = elemwise_of(logaddexp)(result, e)
    result = conform(result, out)
    return None if result is None else [result]


@function_rule(log, name="log_of_power", assumes="finite", needs=[pow])
def log_of_power(node: Apply, site: Site) -> Any:
    """log(x**c) -> c*log(x), log(x**(2*k)) -> 2*k*log(abs(x)) for a number c"""
    inner = elementwise_node(node.inputs[0], pow)
    out: Any = node.outputs[0]
    if inner is None or inner.outputs[0].type.dtype != out.type.dtype:  # type: ignore[attr-defined]
        return None
    base: Any = inner.inputs[0]
    c = number(inner.inputs[1])
    if not c or not math.isfinite(c) or base.type.dtype != out.type.dtype:  # type: ignore[attr-defined]
        return None
    if c == int(c) and int(c) % 2 == 0:
        base = elemwise_of(abs_)(base)
    result = conform(elemwise_of(mul)(number_like(c, out.type.dtype), elemwise_of(log)(base)), out)
    return None if result is None else [result]


@function_rule(log, name="log_of_product", assumes="rounding", needs=[Prod], tags="local_log_prod_sqr")
def log_of_product(node: Apply, site: Site) -> Any:
    """log(prod(x)) -> sum(log(x)) where no element of x is negative"""
    inner = node.inputs[0].owner
    out: Any = node.outputs[0]
    if inner is None or type(inner.op) is not Prod or site.uses(node.inputs[0]) > 1:
        return None
    x: Any = inner.inputs[0]
    if x.type.dtype != out.type.dtype or not nonnegative(x):
        return None
    return [conform(Sum(inner.op.axis)(log(x)), out)]


ODD = tuple(r for r in ScalarOp.registry.values() if facts.odd in r.facts and r.nin == 1 and r is not neg)
EVEN = tuple(r for r in ScalarOp.registry.values() if facts.even in r.facts and r.nin == 1)
INVERTIBLE = {
    (r.name, fact.by): fact.on
    for r in ScalarOp.registry.values()
    for fact in r.facts
    if isinstance(fact, facts.Inverse) and r.nin == 1 and fact.by in ScalarOp.registry
}
UNDOING = tuple(dict.fromkeys(ScalarOp.registry[by] for _, by in INVERTIBLE))


@function_rule(*ODD, name="odd_of_negative", needs=[neg])
def odd_of_negative(node: Apply, site: Site) -> Any:
    """f(-x) -> -f(x) for odd f"""
    inner = elementwise_node(node.inputs[0], neg)
    dtypes = [v.type.dtype for v in (*node.inputs, *node.outputs)]  # type: ignore[attr-defined]
    if inner is None or any(dtype not in float_dtypes for dtype in dtypes):
        return None
    return [elemwise_of(neg)(node.op(inner.inputs[0]))]


@function_rule(*EVEN, name="even_of_negative", needs=[neg, abs_])
def even_of_negative(node: Apply, site: Site) -> Any:
    """f(-x) -> f(x), f(abs(x)) -> f(x) for even f"""
    inner = elementwise_node(node.inputs[0], neg, abs_)
    if inner is None or inner.inputs[0].type != node.inputs[0].type or \
            node.inputs[0].type.dtype not in float_dtypes:  # type: ignore[attr-defined]
        return None
    return [node.op(inner.inputs[0])]


@function_rule(*UNDOING, name="inverse_pair", assumes="rounding")
def inverse_pair(node: Apply, site: Site) -> Any:
    """f(g(x)) -> x where f undoes g and x is known to be in the domain"""
    (inner_value,), out = node.inputs, node.outputs[0]
    inner = inner_value.owner
    if inner is None or not hasattr(inner.op, "scalar_op") or len(inner.inputs) != 1:
        return None
    on = INVERTIBLE.get((inner.op.scalar_op.name, node.op.scalar_op.name))  # type: ignore[attr-defined]
    if on is None:
        return None
    source: Any = inner.inputs[0]
    if source.type.dtype != out.type.dtype or source.type.dtype not in float_dtypes:  # type: ignore[attr-defined]
        return None
    return [source] if within(source, on) else None


@function_rule(mul, name="factor_into_switch", needs=[switch])
def factor_into_switch(node: Apply, site: Site) -> Any:
    """a * switch(c, 0, b) -> switch(c, 0, a*b), a * switch(c, b, 0) -> switch(c, a*b, 0); NaN of a stays out of
    gradients"""
    out: Any = node.outputs[0]
    if out.type.dtype not in float_dtypes:
        return None
    for position, v in enumerate(node.inputs):
        inner = elementwise_node(v, switch)
        if inner is None or site.uses(v) > 1:
            continue
        condition, a, b = inner.inputs
        zero_first = number(a) == 0
        if not zero_first and number(b) != 0:
            continue
        others = [w for n, w in enumerate(node.inputs) if n != position]
        product = elemwise_of(mul)(*others, b if zero_first else a)
        zero = number_like(0, out.type.dtype)
        result = switch(condition, zero, product) if zero_first else switch(condition, product, zero)
        result = conform(result, out)
        if result is not None:
            return [result]
    return None


@function_rule(ScalarOp.registry["true_div"], name="switch_over_divisor", needs=[switch])
def switch_over_divisor(node: Apply, site: Site) -> Any:
    """switch(c, 0, b) / a -> switch(c, 0, b/a)"""
    v, divisor = node.inputs
    out: Any = node.outputs[0]
    inner = elementwise_node(v, switch)
    if inner is None or site.uses(v) > 1 or out.type.dtype not in float_dtypes:
        return None
    condition, a, b = inner.inputs
    zero = number_like(0, out.type.dtype)
    if number(a) == 0:
        result = switch(condition, zero, node.op(b, divisor))
    elif number(b) == 0:
        result = switch(condition, node.op(a, divisor), zero)
    else:
        return None
    result = conform(result, out)
    return None if result is None else [result]


STABLE: tuple[Rule, ...] = ruleset(
    LOGARITHMS, log_of_sum_of_exps, log_of_power, SIGMOIDS, EXPONENTIALS, ERROR_FUNCTIONS, SPECIAL_VALUES,
    ROOTS_AND_SQUARES, log_of_product,
    odd_of_negative, even_of_negative, inverse_pair, factor_into_switch, switch_over_divisor,
)

__all__ = ["STABLE"]
