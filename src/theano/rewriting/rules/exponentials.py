"""Exponentials, sigmoids and hyperbolic functions: forms that neither overflow in between nor lose digits."""

from __future__ import annotations

import math
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, mul_all, number_like, quotient
from theano.rewriting.known import number
from theano.rewriting.pattern import Match, factors_of, rule, terms_of
from theano.rewriting.ranges import bounds, nonnegative
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.symbols import symbols
from theano.scalar.activation import sigmoid, softplus
from theano.scalar.arithmetic import abs_, add, inv, mul, neg, sgn, sqr, sqrt, sub, true_div
from theano.scalar.comparison import ge, le, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, exp2, expm1, log, log1mexp, log1p, pow
from theano.scalar.hyperbolic import cosh, sinh, tanh
from theano.scalar.logic import and_
from theano.scalar.rounding import floor
from theano.scalar.selection import maximum, minimum, switch
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import elemwise_of

x, y, z = symbols("x y z")

NAN, INF = math.nan, math.inf


def may_be_positive(m: Match) -> bool:
    """Could exp(x) overflow? (Not in what the rule itself makes.)"""
    return bounds(m.x)[1] > 0


def base_is_nonnegative(m: Match) -> bool:
    return nonnegative(m.x)


OF_LOGARITHMS = ruleset(
    rule("expm1", exp(x) - 1, expm1(x), tags="local_expm1"),
    rule("exp_of_softplus", exp(softplus(x)), 1 + exp(x), assumes="rounding"),
    rule("expm1_of_softplus", expm1(softplus(x)), exp(x), assumes="rounding"),
    rule("exp_of_log", exp(log(x)), x, when=lambda m: nonnegative(m.x), assumes="rounding"),
    rule("exp_of_log_or_nan", exp(log(x)), switch(ge(x, 0.0), x, NAN), assumes="rounding"),
    rule("exp_of_log1p", exp(log1p(x)), switch(ge(x, -1.0), 1.0 + x, NAN), assumes="rounding"),
    rule("expm1_of_log1p", expm1(log1p(x)), switch(ge(x, -1.0), x, NAN), assumes="rounding"),
    rule("expm1_of_log", expm1(log(x)), switch(ge(x, 0.0), x - 1.0, NAN), assumes="rounding"),
)

# A sum of exponents loses up to half as many eps as its size, and never over- or underflows on the way.
PRODUCTS = ruleset(
    rule("product_of_exps_of_negatives", exp(-x) * exp(-y), exp(-(x + y)), assumes="rounding"),
    rule("product_of_exps", exp(x) * exp(y), exp(x + y), assumes="rounding"),
    rule("quotient_of_exps", exp(x) / exp(y), exp(x - y), assumes="rounding"),
    rule("quotient_of_squared_exp", sqr(exp(x)) / exp(y), exp(2.0 * x - y), assumes="rounding"),
    rule("quotient_by_squared_exp", exp(y) / sqr(exp(x)), exp(y - 2.0 * x), assumes="rounding"),
    rule("product_of_exp2s", exp2(x) * exp2(y), exp2(x + y), assumes="rounding"),
    rule("quotient_of_exp2s", exp2(x) / exp2(y), exp2(x - y), assumes="rounding"),
    rule("product_of_powers", pow(x, y) * pow(x, z), pow(x, y + z), when=base_is_nonnegative,
         assumes="rounding nonzero finite"),
    rule("quotient_of_powers", pow(x, y) / pow(x, z), pow(x, y - z), when=base_is_nonnegative,
         assumes="rounding nonzero finite"),
    rule("sqrt_of_exp", sqrt(exp(x)), exp(0.5 * x), assumes="rounding"),
    rule("inverse_of_exp", inv(exp(x)), exp(-x), assumes="rounding"),
)

# exp(x) / (sum with exp(x)) and the like, mostly from gradients of logarithms of such sums
FRACTIONS = ruleset(
    # above and below the line, the larger exponential is divided by
    rule("exp_over_expm1", exp(x) / expm1(x), exp(minimum(x, 0.0)) / (sgn(x) * -expm1(-abs_(x))), when=may_be_positive,
         assumes="rounding"),
    rule("exp_over_difference", exp(x) / (exp(x) - exp(y)),
         exp(minimum(x - y, 0.0)) / (sgn(x - y) * -expm1(-abs_(x - y))), assumes="rounding"),
    rule("exp_over_difference_from", exp(y) / (exp(x) - exp(y)),
         exp(minimum(y - x, 0.0)) / (sgn(x - y) * -expm1(-abs_(x - y))), assumes="rounding"),
    rule("one_minus_inverse_of_one_plus", 1 - inv(1 + x), switch(lt(abs_(x), INF), x / (1 + x), 1.0),
         when=lambda m: number(m.x) is None, assumes="rounding"),
    rule("one_minus_quotient_by_one_plus", 1 - x / (1 + x), inv(1 + x), assumes="rounding finite"),
    rule("slope_of_quotient_by_one_plus", inv(1 + x) - x / sqr(1 + x), inv(sqr(1 + x)), assumes="rounding finite"),
)

HYPERBOLIC = ruleset(
    rule("tanh_by_exps", (exp(x) - exp(-x)) / (exp(x) + exp(-x)), tanh(x), assumes="rounding"),
    rule("tanh_by_expm1_and_sigmoid", expm1(x) * sigmoid(-x), tanh(0.5 * x), assumes="rounding"),
    rule("tanh_by_sigmoid", 2 * sigmoid(x) - 1, tanh(0.5 * x), assumes="rounding"),
    rule("sigmoid_minus_half", sigmoid(x) - 0.5, 0.5 * tanh(0.5 * x), assumes="rounding"),
    rule("tanh_by_sigmoids", sigmoid(x) - sigmoid(-x), tanh(0.5 * x), assumes="rounding"),
    rule("inverse_tanh_by_quotient", cosh(x) / sinh(x), inv(tanh(x)), assumes="rounding"),
    rule("one_minus_tanh", 1 - tanh(x), 2.0 * sigmoid(-2.0 * x), assumes="rounding"),
    rule("one_plus_tanh", 1 + tanh(x), 2.0 * sigmoid(2.0 * x), assumes="rounding"),
    rule("sinh_by_exps", 0.5 * (exp(x) - exp(-x)), sinh(x), assumes="rounding"),
    rule("cosh_by_exps", 0.5 * (exp(x) + exp(-x)), cosh(x), assumes="rounding"),
    rule("cosh_minus_one", cosh(x) - 1, 2.0 * sqr(sinh(0.5 * x)), assumes="rounding"),
    rule("squared_cosh_minus_one", sqr(cosh(x)) - 1, sqr(sinh(x)), assumes="rounding"),
    rule("squares_of_cosh_and_sinh", sqr(cosh(x)) - sqr(sinh(x)), 1.0, assumes="rounding finite"),
)


def tanh_is_not_kept(m: Match) -> bool:
    """Is tanh(x) used for its square only? Else two sigmoids would be computed beside it."""
    clients = m.site.fgraph.clients
    for user, _ in clients.get(m.x, ()):
        if not isinstance(user, Apply) or elementwise_node(user.outputs[0], tanh) is None:
            continue
        users = clients.get(user.outputs[0], ())
        return all(isinstance(u, Apply) and elementwise_node(u.outputs[0], sqr) is not None for u, _ in users)
    return False


def exps_of_multiples(node: Apply) -> bool:
    """Are there two exponentials among what the terms are made of, whose arguments are made of one variable?"""
    found: dict[Any, Any] = {}
    parts = list(node.inputs)
    for _ in range(3):  # a sign, a product, and a product in it
        for part in parts:
            if (user := elementwise_node(part, exp)) is not None:
                argument: Any = user.inputs[0]
                inside = argument.owner.inputs if argument.owner is not None else []
                for v in (argument, *inside):
                    if number(v) is None and found.setdefault(v, argument) is not argument:
                        return True
        makers = [part.owner for part in parts if part.owner is not None]
        parts = [v for maker in makers if len(maker.inputs) <= 8 for v in maker.inputs]
    return False


# Applied last (in `specialize`): before that, rules look for the exponentials themselves.
LATE_EXPONENTIALS = ruleset(
    rule("exp_of_log1mexp", exp(log1mexp(x)), switch(le(x, 0.0), -expm1(x), NAN), assumes="rounding"),
    rule("expm1_of_log1mexp", expm1(log1mexp(x)), switch(le(x, 0.0), -exp(x), NAN), assumes="rounding"),
    rule("sqrt_of_sigmoid", sqrt(sigmoid(x)), exp(0.5 * minimum(x, 0.0)) / sqrt(1 + exp(-abs_(x))), assumes="rounding"),
    rule("difference_of_exps", exp(x) - exp(-x), 2.0 * sinh(x), assumes="rounding"),
    rule("sum_of_exps", exp(x) + exp(-x), 2.0 * cosh(x), assumes="rounding"),
    rule("one_minus_squared_tanh", 1 - sqr(tanh(x)), 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x),
         when=tanh_is_not_kept, assumes="rounding"),
    rule("difference_of_multiples_of_exps", y * exp(x) - y * exp(-x), (2.0 * y) * sinh(x), assumes="rounding",
         first=exps_of_multiples),
)

SIGMOIDS = ruleset(
    rule("one_minus_sigmoid", 1 - sigmoid(x), sigmoid(-x), tags="local_1msigmoid"),
    rule("sigmoid_by_exps", exp(x) / (1 + exp(x)), sigmoid(x), tags="local_exp_over_1_plus_exp"),
    rule("inverse_of_one_plus_exp", 1 / (1 + exp(x)), sigmoid(-x), tags="local_inv_1_plus_exp"),
    rule("sigmoid_of_difference", exp(x) / (exp(x) + exp(y)), sigmoid(x - y), assumes="rounding"),
    rule("exp_times_sigmoid_of_minus", exp(x) * sigmoid(-x), sigmoid(x), tags="local_sigm_times_exp"),
    rule("squared_sigmoid_of_difference", sqr(exp(x)) / sqr(exp(x) + exp(y)), sqr(sigmoid(x - y)), assumes="rounding"),
    rule("inverse_root_of_one_plus_exp", inv(sqrt(1 + exp(x))), sqrt(sigmoid(-x)), assumes="rounding"),
    rule("odds_of_sigmoid", sigmoid(x) / sigmoid(-x), exp(x), assumes="rounding"),
    # the gradient of log(sigmoid(x) - sigmoid(y)): of two terms of one sign
    rule("slope_by_difference_of_sigmoids", sigmoid(x) * sigmoid(-x) / (sigmoid(x) - sigmoid(y)),
         sgn(x - y) * (sigmoid(sgn(y - x) * x) - exp(-abs_(x - y)) / expm1(-abs_(x - y))),
         assumes="rounding finite nonzero"),
    rule("slope_by_difference_from_sigmoid", sigmoid(x) * sigmoid(-x) / (sigmoid(y) - sigmoid(x)),
         sgn(y - x) * (sigmoid(sgn(y - x) * x) - exp(-abs_(x - y)) / expm1(-abs_(x - y))),
         assumes="rounding finite nonzero"),
    rule("sigmoid_of_logit", sigmoid(log(x / (1 - x))), switch(and_(ge(x, 0.0), le(x, 1.0)), x, NAN),
         assumes="rounding", tags="local_sigmoid_logit"),
)


@function_rule(mul, true_div, name="share_of_exps", assumes="rounding", needs=[exp, mul, true_div, inv, neg])
def share_of_exps(node: Apply, site: Site) -> Any:
    """exp(x) / (a*exp(x) + b*exp(y) + c) -> exp(x - m) / (a*exp(x - m) + b*exp(y - m) + c*exp(-m)) where m is the
    largest exponent and a, b, c > 0 are numbers: the gradient of the logarithm of such a sum"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    for position, (power, v) in enumerate(factors):
        exponents = _weighted_exponents(v, dtype) if power == -1 else None
        if exponents is None:
            continue
        for other, (other_power, w) in enumerate(factors):
            inner = elementwise_node(w, exp) if other_power == 1 else None
            if inner is None or all(e is not inner.inputs[0] for _, e in exponents):
                continue
            numerator, total = _shifted(inner.inputs[0], exponents, dtype)
            rest = [f for n, f in enumerate(factors) if n not in (position, other)]
            result = quotient([*(u for p, u in rest if p > 0), numerator], [total, *(u for p, u in rest if p < 0)],
                              coefficient, dtype)
            result = conform(result, out)
            return None if result is None else [result]
    return None


def _weighted_exponents(total: Any, dtype: str) -> list[tuple[float, Any]] | None:
    """[(a, x), (b, y), (c, 0)] if `total` is a*exp(x) + b*exp(y) + c with positive numbers, else None."""
    constant, terms = terms_of(total)
    if total.type.dtype != dtype or len(terms) < 2 or constant < 0:
        return None
    found: list[tuple[float, Any]] = []
    for sign, term in terms:
        weight, factors = factors_of(term)
        if sign < 0 or not weight > 0 or len(factors) != 1 or factors[0][0] != 1:
            return None
        inner = elementwise_node(factors[0][1], exp)
        if inner is None or inner.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
            return None
        if any(elementwise_node(v, maximum, floor) is not None for _, v in terms_of(inner.inputs[0])[1]):
            return None   # what this rule and gradients make (scalar/shares.py), also after signs were put in order
        found.append((weight, inner.inputs[0]))
    return [*found, (constant, as_tensor_variable(number_like(0, dtype)))] if constant else found


def _shifted(exponent: Any, exponents: list[tuple[float, Any]], dtype: str) -> tuple[Any, Any]:
    """(exp(exponent - m), sum of weighted exp(e - m)), m the largest exponent."""
    largest = exponents[0][1]
    for _, e in exponents[1:]:
        largest = elemwise_of(maximum)(largest, e)
    terms = []
    for weight, e in exponents:
        value = elemwise_of(exp)(elemwise_of(sub)(e, largest))
        terms.append(value if weight == 1 else mul_all([number_like(weight, dtype), value]))
    return elemwise_of(exp)(elemwise_of(sub)(exponent, largest)), add_all(terms)


@function_rule(softplus, name="softplus_of_both_signs", assumes="rounding")
def softplus_of_both_signs(node: Apply, site: Site) -> Any:
    """softplus(x), softplus(-x) -> maximum(x, 0) + r, maximum(-x, 0) + r, with one r = log1p(exp(-abs(x))) for both, as
    in cross-entropies of sigmoid(x)"""
    x: Any = node.inputs[0]
    dtype = x.type.dtype
    other = _of_negative(node, site)
    if other is None or dtype not in float_dtypes:
        return None
    negated = elementwise_node(x, neg)
    size = elemwise_of(abs_)(negated.inputs[0] if negated is not None else x)
    rest = elemwise_of(log1p)(elemwise_of(exp)(elemwise_of(neg)(size)))
    zero = number_like(0, dtype)
    both: list[Any] = [node.outputs[0], other]
    return {v: elemwise_of(add)(elemwise_of(maximum)(v.owner.inputs[0], zero), rest) for v in both}


def _of_negative(node: Apply, site: Site) -> Any:
    """The result of this node's op for the negative of its argument, if the graph has that."""
    x = node.inputs[0]
    negated = elementwise_node(x, neg)
    if negated is not None:
        candidates = [negated.inputs[0]]
    else:
        candidates = [user.outputs[0] for user, _ in site.fgraph.clients.get(x, ())
                      if isinstance(user, Apply) and elementwise_node(user.outputs[0], neg) is not None]
    for v in candidates:
        for user, _ in site.fgraph.clients.get(v, ()):
            if isinstance(user, Apply) and user.op == node.op:
                return user.outputs[0]
    return None


EXPONENTIALS = ruleset(SIGMOIDS, OF_LOGARITHMS, HYPERBOLIC, FRACTIONS, share_of_exps, PRODUCTS)
