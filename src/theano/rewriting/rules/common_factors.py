"""Common factors and divisors of the terms of a sum, taken out where no sum can overflow that did not before.

    s * x + s * y -> s * (x + y)

x + y may be infinite where s * x and s * y are not. So this is done where the factor is known not to be smaller than
one, where x and y are known to be of moderate size (sigmoids, probabilities, sines), and for integers, which wrap.
What is left of a term must be a single factor: a product of two might overflow, or underflow, alone.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, signed_sum
from theano.rewriting.pattern import elemwise_of, factors_of, terms_of
from theano.rewriting.ranges import bounds
from theano.rewriting.rule import Parts, Site, function_rule
from theano.rewriting.rules.opened import is_interior
from theano.rewriting.terms import SUMS, own_terms_of
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import float_dtypes, integer_dtypes

Factor = tuple[int, Any]   # (power 1 or -1, a variable or a number)


@function_rule(
    ar.add, ar.sub, name="common_factor", assumes="reals", needs=[*SUMS, ar.mul, ar.true_div],
    parts=Parts(terms_of, (frozenset([ar.mul, ar.true_div]),)),
)
def common_factor(node: Apply, site: Site) -> Any:
    """s*x + s*y -> s*(x + y), x/s - y/s -> (x - y)/s where x + y overflows only if s*x + s*y does"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if (dtype not in float_dtypes and dtype not in integer_dtypes) or is_interior(out, site, SUMS):
        return None
    constant, terms = own_terms_of(out, site)
    splits = [_splits(v, site) if v.type.dtype == dtype and site.uses(v) == 1 else {} for _, v in terms]
    counts = Counter(factor for found in splits for factor in found)
    for factor, count in counts.most_common():
        if count < 2:
            return None
        rests = [(terms[k][0], found[factor]) for k, found in enumerate(splits) if factor in found]
        if not _may_be_taken_out(factor, [v for _, v in rests], dtype):
            continue
        power, shared = factor
        total = signed_sum(rests, 0, dtype)
        new = elemwise_of(ar.mul if power > 0 else ar.true_div)(*_in_order(power, _variable(shared, dtype), total))
        others = [term for k, term in enumerate(terms) if factor not in splits[k]]
        return [conform(signed_sum([(1, new), *others], constant, dtype), out)]
    return None


def _in_order(power: int, shared: Any, total: Any) -> tuple[Any, Any]:
    return (shared, total) if power > 0 else (total, shared)


def _variable(shared: Any, dtype: str) -> Any:
    return shared if hasattr(shared, "type") else number_like(shared, dtype)


def _splits(v: Any, site: Site) -> dict[Factor, Any]:
    """{factor: the other one} of a product of two, one of which may be a whole number."""
    coefficient, factors = factors_of(v, site)
    found: dict[Factor, Any] = {}
    if coefficient == 1 and len(factors) == 2:
        (p, x), (q, y) = factors
        if x.type.dtype == y.type.dtype == v.type.dtype:
            if q == 1:
                found[p, x] = y
            if p == 1:
                found[q, y] = x
    elif len(factors) == 1 and factors[0][0] == 1 and coefficient == coefficient // 1 and abs(coefficient) > 1:
        found[1, coefficient] = factors[0][1]
    return found


def _may_be_taken_out(factor: Factor, rests: list[Any], dtype: str) -> bool:
    power, shared = factor
    if dtype in integer_dtypes:
        return power == 1
    if not hasattr(shared, "type"):
        return bool(math.isfinite(shared))
    low, high = bounds(shared)
    if low >= 1 or high <= -1 if power > 0 else low >= -1 and high <= 1:
        return True
    size = sum(max(abs(low), abs(high)) for low, high in map(bounds, rests))
    return bool(size <= np.finfo(dtype).max / 2)


__all__ = ["common_factor"]
