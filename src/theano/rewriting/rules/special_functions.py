"""Error functions, Bessel functions, polygamma functions: cancellation, and what under- or overflows in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, number_like, quotient
from theano.rewriting.known import number
from theano.rewriting.pattern import Match, factors_of, rule, terms_of
from theano.rewriting.ranges import bounds
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.symbols import symbols
from theano.scalar.arithmetic import abs_, add, inv, mul, sqr, true_div
from theano.scalar.comparison import gt, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, log, log1p
from theano.scalar.selection import maximum, minimum, switch
from theano.scalar.special import erf, erfc, erfcx, i0, i1, iv, ive, polygamma, psi, tri_gamma
from theano.tensor.elemwise import elemwise_of

x, y = symbols("x y")

NEAR = 50.0  # from here on scaled Bessel functions are taken: exp(50) is no large number, of float32 either
LARGEST_ORDER = 100


def may_exceed_one(m: Match) -> bool:
    """erf(x) may round to 1? (Not in what these rules themselves make.)"""
    return bounds(m.x)[1] > 1


def may_be_below_minus_one(m: Match) -> bool:
    return bounds(m.x)[0] < -1


def may_be_far_out(m: Match) -> bool:
    return may_exceed(m.x)


def may_exceed(x: Any) -> bool:
    """Could iv(v, x) overflow? (Not in what these rules themselves make.)"""
    low, high = bounds(x)
    return low < -NEAR or high > NEAR


ERROR_FUNCTIONS = ruleset(
    rule("one_plus_erf", 1 + erf(x), erfc(-x), tags="local_one_plus_erf"),
    rule("one_minus_erf", 1 - erf(x), erfc(x), tags="local_one_minus_erf"),
    rule("one_minus_erfc", 1 - erfc(x), erf(x), tags="local_one_minus_erfc"),
    rule("half_minus_half_erf", 0.5 - 0.5 * erf(x), 0.5 * erfc(x), assumes="rounding"),
    rule("half_plus_half_erf", 0.5 + 0.5 * erf(x), 0.5 * erfc(-x), assumes="rounding"),
    rule("one_minus_half_erfc", 1 - 0.5 * erfc(x), 0.5 * erfc(-x), assumes="rounding"),
    rule("log_of_erfc", log(erfc(x)), switch(gt(x, 1.0), log(erfcx(x)) - sqr(x), log1p(-erf(minimum(x, 1.0)))),
         assumes="rounding", tags="local_log_erfc"),
    rule("log1p_of_minus_erf", log1p(-erf(x)),
         switch(gt(x, 1.0), log(erfcx(x)) - sqr(x), log1p(-erf(minimum(x, 1.0)))), when=may_exceed_one,
         assumes="rounding"),
    rule("log1p_of_erf", log1p(erf(x)),
         switch(lt(x, -1.0), log(erfcx(-x)) - sqr(x), log1p(erf(maximum(x, -1.0)))), when=may_be_below_minus_one,
         assumes="rounding"),
    # the logarithm of a normal distribution function, near 1 too
    rule("log_of_half_erfc", log(0.5 * erfc(x)),
         switch(gt(x, 0.0), log(0.5 * erfcx(x)) - sqr(x), log1p(-0.5 * erfc(-x))), assumes="rounding"),
    rule("log_of_multiple_of_erfc", log(y * erfc(x)),
         log(y * switch(gt(x, 1.0), erfcx(x), erfc(x))) - switch(gt(x, 1.0), sqr(x), 0.0), assumes="rounding"),
    rule("gaussian_over_erfc", exp(-sqr(x)) / erfc(x), inv(erfcx(x)), tags="local_grad_log_erfc_neg"),
    rule("gaussian_over_erfc_of_minus", exp(-sqr(x)) / erfc(-x), inv(erfcx(-x)), tags="local_grad_log_erfc_neg"),
    rule("erfc_over_gaussian", exp(sqr(x)) * erfc(x), erfcx(x), assumes="rounding"),
)


@function_rule(mul, true_div, name="scaled_gaussian_over_erfc", assumes="rounding",
               parts=Parts(factors_of, (frozenset([(1, exp)]), frozenset([(-1, erfc), (-1, sqr)]))))
def scaled_gaussian_over_erfc(node: Apply, site: Site) -> Any:
    """exp(-c*x**2) / erfc(b*x) -> 1 / erfcx(b*x) for numbers c = b**2, as densities and distribution functions of
    normal variables have them; also of two such factors"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    coefficient, factors = factors_of(out, site)
    for position, (power, v) in enumerate(factors):
        x, n = _power_of_erfc(v, site) if power == -1 else (None, 0)
        if x is None:
            continue
        for place, (other, w) in enumerate(factors):
            inner = elementwise_node(w, exp) if other == 1 else None
            constant, terms = (1, []) if inner is None else terms_of(inner.inputs[0], site)
            if constant or len(terms) > n or not all(_is_minus_square(s, t, x, dtype, site) for s, t in terms):
                continue
            rest = [f for k, f in enumerate(factors) if k not in (place, position)]
            above, divisors = ([u for p, u in rest if p == sign] for sign in (1, -1))
            scaled = [elemwise_of(erfcx)(x)] * len(terms) + [elemwise_of(erfc)(x)] * (n - len(terms))
            result = conform(quotient(above, [*scaled, *divisors], coefficient, dtype), out)
            return None if result is None else [result]
    return None


def _power_of_erfc(v: Any, site: Site) -> tuple[Any, int]:
    """(x, n) of erfc(x) and its square, else (None, 0)."""
    square = elementwise_node(v, sqr)
    if square is not None:
        site.findings.looked_at([square])
    inner = elementwise_node(v if square is None else square.inputs[0], erfc)
    return (None, 0) if inner is None else (inner.inputs[0], 1 if square is None else 2)


def _is_minus_square(sign: int, term: Any, x: Any, dtype: str, site: Site) -> bool:
    """Is sign * `term` minus the square of x, up to the rounding of numbers?"""
    if dtype not in float_dtypes or term.type.dtype != dtype or x.type.dtype != dtype:
        return False
    c, squares = factors_of(term, site)
    b, bases = factors_of(x, site)
    if len(squares) != 1 or squares[0][0] != 1 or isinstance(c, complex) or isinstance(b, complex):
        return False
    square = elementwise_node(squares[0][1], sqr)
    if square is None:
        return False
    site.findings.looked_at([square])
    a, inner = factors_of(square.inputs[0], site)
    return bool(inner == bases and abs(sign * c * a * a + b * b) <= 8 * float(np.finfo(dtype).eps) * b * b)


near_x = minimum(maximum(x, -NEAR), NEAR)

BESSEL_FUNCTIONS = ruleset(
    rule("log_of_i0", log(i0(x)), log(ive(0, x)) + abs_(x), assumes="rounding", tags="local_log_iv"),
    rule("log_of_i1", log(i1(x)), log(ive(1, x)) + abs_(x), assumes="rounding", tags="local_log_iv"),
    rule("log_of_multiple_of_i0", log(y * i0(x)), log(y * ive(0, x)) + abs_(x), assumes="rounding"),
    rule("log_of_multiple_of_i1", log(y * i1(x)), log(y * ive(1, x)) + abs_(x), assumes="rounding"),
    rule("log_of_iv", log(iv(y, x)), switch(gt(abs_(x), NEAR), log(ive(y, x)) + abs_(x), log(iv(y, near_x))),
         when=may_be_far_out, assumes="rounding", tags="local_log_iv"),
    rule("quotient_of_i1_and_i0", i1(x) / i0(x), ive(1, x) / ive(0, x), assumes="rounding"),
    rule("slope_of_log_i1", (i0(x) + iv(2, x)) / i1(x), (ive(0, x) + ive(2, x)) / ive(1, x), assumes="rounding"),
)


@function_rule(mul, true_div, name="quotient_of_bessel_functions", assumes="rounding",
               needs=[iv, add, mul, true_div, inv])
def quotient_of_bessel_functions(node: Apply, site: Site) -> Any:
    """iv(v, x) / iv(w, x) -> ive(v, x) / ive(w, x) where abs(x) > 50, and (iv(v, x) + iv(u, x)) / iv(w, x) likewise,
    for numbers u, v, w from 0 to 100: the gradient of log(iv(w, x))"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    for n, (power, below) in enumerate(factors):
        divisor = _bessel(below, dtype) if power < 0 else None
        if divisor is None or not may_exceed(divisor[1]):
            continue
        for m, (other_power, above) in enumerate(factors):
            numerator = _sum_of_bessels(above, dtype) if other_power > 0 else None
            if numerator is None or any(x is not divisor[1] for _, x in numerator):
                continue
            ratio = _scaled_quotient([order for order, _ in numerator], *divisor, dtype)
            rest = [f for k, f in enumerate(factors) if k not in (n, m)]
            above_, below_ = ([w for p, w in rest if p == sign] for sign in (1, -1))
            result = quotient([*above_, ratio], below_, coefficient, dtype)
            result = conform(result, out)
            return None if result is None else [result]
    return None


def _bessel(v: Any, dtype: str) -> tuple[Any, Any] | None:
    """(order, x) if `v` is iv(order, x) of a number from 0 to 100."""
    inner = elementwise_node(v, iv)
    if inner is None or v.type.dtype != dtype:
        return None
    order, x = inner.inputs
    value = number(order)
    return (value, x) if value is not None and 0 <= value <= LARGEST_ORDER else None


def _sum_of_bessels(v: Any, dtype: str) -> list[tuple[Any, Any]] | None:
    """[(order, x), ...] if `v` is iv(order, x), or a sum of such."""
    total = elementwise_node(v, add)
    found = [_bessel(term, dtype) for term in ([v] if total is None else total.inputs)]
    return None if any(part is None for part in found) else found  # type: ignore[return-value]


def _scaled_quotient(above: Sequence[Any], below: Any, x: Any, dtype: str) -> Any:
    far = [elemwise_of(ive)(number_like(order, dtype), x) for order in (*above, below)]
    near_ = elemwise_of(minimum)(elemwise_of(maximum)(x, number_like(-NEAR, dtype)), number_like(NEAR, dtype))
    close = [elemwise_of(iv)(number_like(order, dtype), near_) for order in (*above, below)]
    is_far = elemwise_of(gt)(elemwise_of(abs_)(x), number_like(NEAR, dtype))
    return switch(is_far, add_all(far[:-1]) / far[-1], add_all(close[:-1]) / close[-1])


SPECIAL_VALUES = ruleset(
    rule("polygamma_of_zero", polygamma(0, x), psi(x), tags="local_polygamma_to_digamma"),
    rule("polygamma_of_one", polygamma(1, x), tri_gamma(x), tags="local_polygamma_to_tri_gamma"),
)

SPECIAL_FUNCTIONS = ruleset(ERROR_FUNCTIONS, BESSEL_FUNCTIONS, quotient_of_bessel_functions, SPECIAL_VALUES,
                            scaled_gaussian_over_erfc)
