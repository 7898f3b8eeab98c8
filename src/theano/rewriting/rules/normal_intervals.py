"""Logarithms of differences of error functions: the probability that a normal variable lies in an interval.

Far out in one tail both error functions are 1, and the difference is 0. With the scaled function erfcx(x), which is
exp(x**2) * erfc(x), erfc(u) - erfc(v) is exp(-u**2) * (erfcx(u) - exp(u**2 - v**2) * erfcx(v)) for 0 < u < v: neither
the logarithm nor its derivatives need what underflows. An interval on the other side is turned over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, quotient, signed_sum
from theano.rewriting.pattern import factors_of, terms_of
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.terms import alike, is_negative, makes
from theano.scalar.arithmetic import abs_, add, mul, sgn, sqr, sub, true_div
from theano.scalar.comparison import ge, gt, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, expm1, log, log1p
from theano.scalar.selection import maximum, minimum, switch
from theano.scalar.special import erf, erfc, erfcx

TAIL = 0.5   # from here on erfcx is taken
Difference = tuple[float, Any, Any]   # c, x, y of c * (erf(x) - erf(y)), c > 0


@function_rule(log, name="log_of_difference_of_erfs", assumes="rounding", needs=[add, sub, mul, true_div])
def log_of_difference_of_erfs(node: Apply, site: Site) -> Any:
    """log(erfc(x) - erfc(y)) -> log(erfcx(x) - exp(x**2 - y**2)*erfcx(y)) - x**2 where x and y are in one tail; also
    for erf, with one number before both, and in the other tail"""
    out: Any = node.outputs[0]
    found = _difference(node.inputs[0], out.type.dtype, site)
    if found is None:
        return None
    c, x, y = found
    tail, zero = number_like(TAIL, out.type.dtype), number_like(0, out.type.dtype)
    is_right = ge(x + y, zero)
    near, far = switch(is_right, y, -x), switch(is_right, x, -y)   # of the larger tail
    in_tail = gt(near, tail)
    scaled = _difference_of_scaled(near, far)
    value = switch(in_tail, scaled, erf(far) - erf(near))
    if c != 1:
        value = value * number_like(c, out.type.dtype)
    result = log(value) - switch(in_tail, sqr(near), zero)
    if c == 0.5:   # a probability, which may be nearly 1
        outside = (erfc(far) + erfc(-near)) * number_like(-0.5, out.type.dtype)
        result = switch(lt(near, -tail), log1p(outside), result)
    result = conform(result, out)
    return None if result is None else [result]


def _difference_of_scaled(near: Any, far: Any) -> Any:
    """erfcx(near) - exp(near**2 - far**2) * erfcx(far): of two terms of one sign, so that it is 0 for equal arguments
    only."""
    return (erfcx(near) - erfcx(far)) - erfcx(far) * expm1((near - far) * (near + far))


def _difference(v: Any, dtype: str, site: Site) -> Difference | None:
    """(c, x, y) if `v` is c * (erf(x) - erf(y)) with a number c > 0, in any spelling by erf or erfc."""
    if v.type.dtype != dtype or dtype not in float_dtypes:
        return None
    scale, factors = factors_of(v, site)
    if len(factors) != 1 or factors[0][0] != 1 or isinstance(scale, complex):
        return None
    constant, terms = terms_of(factors[0][1], site)
    if constant or len(terms) != 2:
        return None
    one, two = (_multiple_of_erf(sign, term, dtype, site) for sign, term in terms)
    if one is None or two is None:
        return None
    (first, kind, x), (second, other, y) = one, two
    if first != -second or kind is not other:
        return None
    c = scale * first if kind is erf else -scale * first
    return (c, x, y) if c > 0 else (-c, y, x)


def _multiple_of_erf(sign: int, term: Any, dtype: str, site: Site) -> tuple[float, Any, Any] | None:
    """(c, erf or erfc, x) of c * erf(x)."""
    c, factors = factors_of(term, site)
    if len(factors) != 1 or factors[0][0] != 1:
        return None
    inner = elementwise_node(factors[0][1], erf, erfc)
    if inner is None or inner.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    site.findings.looked_at([inner])
    return sign * c, inner.op.scalar_op, inner.inputs[0]  # type: ignore[attr-defined]


@function_rule(mul, true_div, name="gaussian_over_difference_of_erfs", assumes="rounding",
               parts=Parts(factors_of, (frozenset([(-1, add), (-1, sub)]), frozenset([(1, exp), (1, add), (1, sub)]))))
def gaussian_over_difference_of_erfs(node: Apply, site: Site) -> Any:
    """exp(-x**2) / (erf(x) - erf(y)) -> 1 / (exp(x**2 - y**2)*erfcx(y) - erfcx(x)) where x and y are in one tail, and
    so for sums above the line, of which each term has such an exponential: the gradient of log(erf(x) - erf(y))"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    for position, (power, below) in enumerate(factors):
        found = _difference(below, dtype, site) if power < 0 and makes(below) in (add, sub) else None
        if found is None:
            continue
        for other, (other_power, above) in enumerate(factors):
            ratio = _quotient(above, found, site) if other_power > 0 else None
            if ratio is None:
                continue
            rest = [f for n, f in enumerate(factors) if n not in (position, other)]
            more, less = ([v for p, v in rest if p == sign] for sign in (1, -1))
            result = quotient([*more, ratio], less, coefficient, dtype)
            result = conform(result, out)
            return None if result is None else [result]
    return None


def _quotient(above: Any, below: Difference, site: Site) -> Any:
    """above / below, for an exponential, or a sum of multiples of them; None if it is neither."""
    kind = makes(above)
    if kind is exp:
        return _share(above, below, site)
    if kind is not add and kind is not sub:
        return None
    constant, terms = terms_of(above, site)
    if constant:
        return None
    taken = []
    for sign, term in terms:
        coefficient, factors = factors_of(term, site)
        shares = ((n, _share(v, below, site)) for n, (power, v) in enumerate(factors) if power > 0 and makes(v) is exp)
        place, share = next(((n, v) for n, v in shares if v is not None), (None, None))
        if share is None:
            return None
        rest = [f for n, f in enumerate(factors) if n != place]
        taken.append((sign, quotient([*(v for p, v in rest if p > 0), share], [v for p, v in rest if p < 0],
                                     coefficient, above.type.dtype)))
    return signed_sum(taken, 0, above.type.dtype)


def _share(v: Any, below: Difference, site: Site) -> Any:
    """exp(-z**2) / (c * (erf(x) - erf(y))) if `v` is that exponential and z is x or y, but for signs; else None."""
    c, x, y = below
    constant, terms = terms_of(v.owner.inputs[0], site)
    site.findings.looked_at([v.owner])
    if constant or len(terms) != 1 or terms[0][0] > 0:
        return None
    square = elementwise_node(terms[0][1], sqr)
    if square is None or v.type.dtype != x.type.dtype:
        return None
    site.findings.looked_at([square])
    z = square.inputs[0]
    if _same_size(z, x, site):
        return _gaussian_over_difference(v, x, y) * number_like(1 / c, x.type.dtype)
    if _same_size(z, y, site):
        return _gaussian_over_difference(v, y, x) * number_like(-1 / c, x.type.dtype)
    return None


def _same_size(z: Any, x: Any, site: Site) -> bool:
    return z is x or alike(z, x) or is_negative(z, x, site)


def _gaussian_over_difference(gaussian: Any, x: Any, y: Any) -> Any:
    """exp(-x**2) / (erf(x) - erf(y))."""
    dtype = x.type.dtype
    in_tail = gt(maximum(minimum(x, y), -maximum(x, y)), number_like(TAIL, dtype))
    scaled = _difference_of_scaled(abs_(x), abs_(y))
    return switch(in_tail, -sgn(x) / scaled, gaussian / switch(in_tail, number_like(1, dtype), erf(x) - erf(y)))


NORMAL_INTERVALS: Sequence[Any] = ruleset(log_of_difference_of_erfs, gaussian_over_difference_of_erfs)
