"""Vector mathematics: derivatives of psi of any order.

The n-th is (-1)**(n + 1) * n! * zeta(n + 1, x), Hurwitz's zeta function (DLMF 5.15.1, 25.11.12). For positive x, ten
terms of zeta(s, x) * x**s = sum of (x / (x + k))**s are added up, and the rest is Euler and Maclaurin's series (DLMF
25.11.5). Near x = 10 the terms are of about the same size, so what rounding loses of them is added up, too. n! *
x**-s is the exponential of a sum of two numbers: neither factor overflows by itself. Negative numbers lie between two
poles: the sum over all whole numbers, on both sides, less what lies left of x.

All is done in double precision.
"""

from __future__ import annotations

import math

from theano.backends.native.mathematics_digamma import psi
from theano.backends.native.mathematics_exponential import LN2_PARTS
from theano.backends.native.mathematics_gamma import (
    FAR,
    WHOLE,
    Pair,
    from_whole,
    log_of_gamma,
    quotient,
    times_exp,
)
from theano.backends.native.mathematics_logarithm import log_in_two, split, tail
from theano.backends.native.mathematics_text import Lanes, Number

TERMS = 10
# Bernoulli's numbers B(2*j) over (2*j)!, j = 1, 2, ...
BERNOULLI = (
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195768e-07, 2.08767569878681e-08,
    -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
    -2.1748686985580617e-16,
)  # fmt: skip
LEAST, MOST_ORDER = 1e-300, 1e280  # of x, whose powers overflow below, and of orders beyond which only x < n matters
LARGE = 1e290  # beyond, what rounding loses cannot be told
NOTHING = 760.0  # exp(-this) is 0


def _log_of_one_plus(m: Lanes, x: Number, low: Number) -> Pair:
    """log(1 + x + low) for x >= 0 as a sum of two, with about 57 digits."""
    total, lost = m.sum_of(m.constant(1.0), x)
    lost = lost + low
    k, whole, f = split(m, total)
    half, rest = tail(m, f)
    first, second = LN2_PARTS["double"]
    high, more = m.sum_of_ordered(k * first, f)
    # of what rounding 1 + x lost, a few digits are enough
    lost = (lost * m.power_of_two(-whole)) * m.fma(f, f - 1.0, 1.0)
    return m.sum_of_ordered(high, (more - half) + (m.fma(k, second, rest) + lost))


def _power_of_ratio(m: Lanes, s: Number, k: Number, inverse: Pair, factor: Pair) -> Number:
    """(1 + k * inverse)**-s * factor"""
    ratio, ratio_low = m.product_of(inverse[0], k)
    log, log_low = _log_of_one_plus(m, ratio, m.fma(k, inverse[1], ratio_low))
    high, low = m.product_of(log, s)
    low = m.where(high < NOTHING, m.fma(s, log_low, low), 0.0)
    return times_exp(m, factor, (-m.smaller(high, NOTHING), -low))


def _rest(m: Lanes, s: Number, z: Number, low: Number) -> Pair:
    """zeta(s, z) * z**s for z >= TERMS, if that counts beside (z / (z - TERMS))**s; `low` is added to z."""
    inverse = 1.0 / z
    square = inverse * inverse
    order = m.smaller(s, z * 80.0)
    product, total = order * inverse, m.constant(0.5)
    for j, factor in enumerate(BERNOULLI):
        if j:
            product = product * ((order + (2.0 * j - 1.0)) * (order + 2.0 * j) * square)
        total = m.fma(product, factor, total)
    high, rest = quotient(m, (z, low), (s - 1.0, m.constant(0.0)))
    high, lost = m.sum_of(high, total)
    return high, lost + rest


def _divided(m: Lanes, total: Pair, by: Number, s: Number) -> Pair:
    """total / by, where s < FAR by what (FAR - 1)! has more than (s - 1)!, too."""
    ratio = m.where(s < FAR, m.where(s.equals(2.0), 0.75, 0.375), 0.125)
    high, low = quotient(m, (total[0] * 0.125, total[1] * 0.125), m.product_of(by, ratio))
    return high, m.where(by < LARGE, low, 0.0)


def _size(m: Lanes, s: Number, x: Number) -> Number:
    """(s - 1)! * zeta(s, x) for whole s >= 2, x > 0"""
    x = m.larger(x, LEAST)
    one, zero = m.constant(1.0), m.constant(0.0)
    first = 1.0 / x
    inverse = first, m.left_of(1.0, first, x) * first

    def add(k: Number, total: Number, lost: Number) -> Pair:
        total, more = m.sum_of(total, _power_of_ratio(m, s, float(TERMS) - k, inverse, (one, zero)))
        return total, lost + more

    near, far = x < 1.0, x > m.fma(s, 1.25, 12.0)  # far: the series converges at once
    z, z_low = m.sum_of(x, m.where(far, 0.0, float(TERMS)))
    rest = _rest(m, s, z, z_low)
    # the smallest first
    start = _power_of_ratio(m, s, m.constant(float(TERMS)), inverse, rest)
    total, lost = m.repeated(1, TERMS, [start, zero], add)
    high, low = m.sum_of(one, total)
    whole = m.where(far, rest[0], high), m.where(far, rest[1], low + lost)
    factor = _divided(m, whole, m.where(near, 1.0, x), s)
    y = m.larger(s, FAR)
    (log, log_low), power = log_in_two(m, x), m.where(near, s, s - 1.0)
    high, low = m.product_of(power, log)
    low = m.fma(power, log_low, low)
    factorial, factorial_low = log_of_gamma(m, y, None, 1.0 / y, log_in_two(m, y, subnormal=False))
    high, lost = m.sum_of(factorial, -high)
    high, low = m.sum_of(high, lost + (factorial_low - low))
    low = m.where(m.abs(high) < NOTHING, low, 0.0)
    high = m.smaller(m.larger(high, -NOTHING), NOTHING)
    return times_exp(m, factor, (high, low))


def _is_whole(m: Lanes, size: Number) -> Number:
    return ((size + WHOLE) - WHOLE).equals(size) | (size >= WHOLE)


def _between_poles(m: Lanes, s: Number, x: Number, sign: Number) -> Number:
    """For x < 0: of the nearer pole, the farther one, and all that lie left of x; inf at poles."""
    z = m.smaller(m.abs(x), WHOLE)
    f, _ = from_whole(m, z)
    near = m.abs(f)
    left, right = m.where(f > 0.0, sign, 1.0), m.where(f > 0.0, 1.0, sign)
    cancel = near.equals(0.5) & (sign < 0.0)
    left, right = m.where(cancel, 0.0, left), m.where(cancel, 0.0, right)

    def add(k: Number, total: Number) -> list[Number]:
        first, last = k.equals(0.0), k.equals(2.0)
        where = m.where(first, near, m.where(last, z + 1.0, 1.0 - near))
        weight = m.where(first, left, m.where(last, -sign, right))
        more = total + weight * _size(m, s, where)
        # what is beyond all numbers stays so
        return [m.where(m.abs(total).equals(math.inf) | weight.equals(0.0), total, more)]

    (value,) = m.repeated(0, 3, [m.constant(0.0)], add)
    return m.where(near.equals(0.0), math.inf, value)


def _polygamma(m: Lanes, n: Number, x: Number) -> Number:
    m.wide = False
    legal = (n >= 1.0) & _is_whole(m, n) & (n < math.inf)
    n = m.where(legal, m.smaller(n, MOST_ORDER), 2.0)
    sign = m.where(_is_whole(m, n * 0.5), -1.0, 1.0)
    s = n + 1.0
    value = m.where(x.equals(math.inf), 0.0, _size(m, s, x))
    value = m.rarely(x < 0.0, value, lambda: _between_poles(m, s, x, sign))
    value = sign * m.where(x.equals(0.0), math.inf, value)
    return m.where(legal, value, math.nan)


def polygamma(m: Lanes, n: Number, x: Number) -> Number:
    value = _polygamma(m, n, x) if m.double else m.in_double(_polygamma, n, x)
    return m.rarely(n.equals(0.0), value, lambda: psi(m, x))


FUNCTIONS = {"polygamma": polygamma}
