"""Polynomials of sigmoid(x), which second derivatives of sigmoids are: a root at 1 is a factor sigmoid(-x)."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, signed_sum
from theano.rewriting.known import is_whole
from theano.rewriting.rule import Parts, Site, function_rule
from theano.rewriting.rules.powers_of_sigmoids import MOST, POWERS, argument_of, powers_of, product_of
from theano.rewriting.terms import PRODUCTS, terms_of
from theano.scalar.activation import sigmoid
from theano.scalar.arithmetic import add, mul, neg, sqr, sub
from theano.scalar.dtypes import float_dtypes
from theano.tensor.elemwise import elemwise_of


@function_rule(add, sub, name="polynomial_of_sigmoid", assumes="rounding", needs=[mul, sqr, sigmoid, add, sub, neg],
               parts=Parts(terms_of, (PRODUCTS | POWERS | {sigmoid},)))
def polynomial_of_sigmoid(node: Apply, site: Site) -> Any:
    """y*s - 3*y*s**2 + 2*y*s**3 -> y*s*sigmoid(-x)*(1 - 2*s) for s = sigmoid(x): a root at s = 1 is a factor 1 - s"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    constant, terms = terms_of(out, site)
    shares = [site.find(_sigmoids_in, term) for _, term in terms]
    candidates = [x for x in dict.fromkeys(x for own in shares for x in own)
                  if sum(own.get(x, 0) > 0 for own in shares) > 1]
    if not candidates:
        return None
    found = [(sign, term, powers_of(term, site)) for sign, term in terms]
    for x in candidates:
        groups: dict[Any, list[tuple[int, int, Any]]] = {}
        for place, (sign, _, (coefficient, factors)) in enumerate(found):
            own = sum(p for p, v in factors if argument_of(v, sigmoid) is x)
            others = tuple((p, v) for p, v in factors if argument_of(v, sigmoid) is not x)
            groups.setdefault(frozenset((p, v, others.count((p, v))) for p, v in others), []).append(
                (place, own, sign * coefficient))
        for group in groups.values():
            factored = _divided(group)
            if factored is None:
                continue
            lowest, quotient_ = factored
            first = found[group[0][0]][2][1]
            others_ = [(p, v) for p, v in first if argument_of(v, sigmoid) is not x]
            s = elemwise_of(sigmoid)(x)
            parts = [*others_, (lowest, s), (1, elemwise_of(sigmoid)(elemwise_of(neg)(x)))]
            if len(quotient_) > 1:
                parts.append((1, _horner(quotient_, s, dtype)))
                leading = 1
            else:
                leading = quotient_[0]
            places = {place for place, _, _ in group}
            rest = [(sign, term) for place, (sign, term, _) in enumerate(found) if place not in places]
            result = conform(signed_sum([*rest, (1, product_of(parts, leading, dtype))], constant, dtype), out)
            return None if result is None else [result]
    return None


def _sigmoids_in(term: Any, site: Site) -> dict[Any, int]:
    """{x: p} for the factors sigmoid(x)**p of a product."""
    found: dict[Any, int] = {}
    for power, v in powers_of(term, site)[1]:
        x = argument_of(v, sigmoid)
        if x is not None:
            site.findings.looked_at([v.owner])
            found[x] = found.get(x, 0) + power
    return found


def _divided(group: list[tuple[int, int, Any]]) -> tuple[int, list[Any]] | None:
    """(m, coefficients of q) with sum(c * s**n) = s**m * (1 - s) * q(s), of (place, n, c); None if there is none."""
    powers = [n for _, n, _ in group]
    if len(group) < 2 or min(powers) < 1 or max(powers) > MOST:
        return None
    lowest = min(powers)
    if not all(is_whole(n - lowest) for n in powers):
        return None
    polynomial = [0] * int(max(powers) - lowest + 1)
    for _, n, c in group:
        polynomial[int(n - lowest)] += c
    if sum(polynomial) != 0 or not any(polynomial):
        return None
    divided = []
    total = 0
    for c in polynomial[:-1]:   # 1/(1 - s) = 1 + s + s**2 + ...
        total += c
        divided.append(total)
    return lowest, divided


def _horner(coefficients: list[Any], s: Any, dtype: str) -> Any:
    value: Any = number_like(coefficients[-1], dtype)
    for c in reversed(coefficients[:-1]):
        value = signed_sum([(1, elemwise_of(mul)(value, s))], c, dtype)
    return value
