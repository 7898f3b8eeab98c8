"""Vector mathematics: logarithms, inverse hyperbolic functions, powers.

All of them write x = 2**k * m with sqrt(1/2) <= m < sqrt(2), and log(m) = 2 atanh(s), s = (m - 1)/(m + 1), as a
polynomial of s**2. With f = m - 1 and 2*s = f - s*f the leading terms are exact in f.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import LN2, LN2_PARTS, one_plus, reduced
from theano.backends.native.mathematics_text import Lanes, Number

# as LN2_PARTS
LOG10_2_PARTS = {
    "double": (0.30102999560767785, 5.630334806675098e-11), "float": (0.301025390625, 4.605039066518657e-06),
}  # fmt: skip
# as sums of two
LOG2E = {"double": (1.4426950408889634, 2.0355273740931033e-17), "float": (1.4426950216293335, 1.925963033500011e-08)}
LOG10E = {"double": (0.4342944819032518, 1.098319650216765e-17), "float": (0.4342944920063019, -1.0103049952192578e-08)}
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


class Split(NamedTuple):
    """x = 2**k * (1 + f); `whole` is k as an integer."""

    k: Number
    whole: Number
    f: Number


def split(m: Lanes, x: Number, subnormal: bool = True) -> Split:
    """For x > 0 and finite."""
    less = None
    if subnormal:
        small = x < m.tiniest
        x = m.where(small, x * 2.0 ** m.digits, x)
        less = m.where(small, float(m.digits + m.bias), float(m.bias))
    lowest = m.bits_of(math.sqrt(0.5))
    moved = m.bits(x) + (m.bits_of(1.0) - lowest)
    biased = moved >> m.mantissa
    mantissa = m.from_bits((moved & ((1 << m.mantissa) - 1)) + lowest)
    k = m.small_integer(biased) - (less if less is not None else float(m.bias))
    return Split(k, biased - m.bias, mantissa - 1.0)


class Tail(NamedTuple):
    """log(1 + f) = f - (half - rest): half = f**2 / 2, and what is small beside it."""

    half: Number
    rest: Number


def tail(m: Lanes, f: Number) -> Tail:
    s = f / (f + 2.0)
    z = s * s
    half = (f * 0.5) * f
    return Tail(half, s * m.fma(m.polynomial(m.coefficients(table.LOG), z), z, half))


def specials(m: Lanes, x: Number, value: Number) -> Number:
    """`value` where 0 < x < inf; else what a logarithm is there."""
    value = m.where(x < math.inf, value, x)   # inf and NaN
    value = m.where(x.equals(0.0), -math.inf, value)
    return m.where(x < 0.0, math.nan, value)


def log(m: Lanes, x: Number) -> Number:
    k, _, f = split(m, x)
    half, rest = tail(m, f)
    high, low = LN2_PARTS[m.kind]
    value = m.fma(k, high, f - (half - m.fma(k, low, rest)))
    return specials(m, x, value)


def _to_base(m: Lanes, x: Number, factor: tuple[float, float], k_factor: tuple[float, float]) -> Number:
    """log(x) * factor, where k_factor = log(2) * factor."""
    k, _, f = split(m, x)
    half, rest = tail(m, f)
    high, low = m.sum_of_ordered(f, -half)
    low = low + rest
    product, lost = m.product_of(high, factor[0])
    lost = m.fma(low, factor[0], m.fma(high, factor[1], lost))
    start = k * k_factor[0]
    total, rest = m.sum_of_ordered(start, product)
    if k_factor[1]:
        lost = m.fma(k, k_factor[1], lost)
    return specials(m, x, total + (rest + lost))


def log2(m: Lanes, x: Number) -> Number:
    return _to_base(m, x, LOG2E[m.kind], (1.0, 0.0))


def log10(m: Lanes, x: Number) -> Number:
    return _to_base(m, x, LOG10E[m.kind], LOG10_2_PARTS[m.kind])


def log_of_sum(m: Lanes, high: Number, low: Number, doubled: Number | None = None) -> Number:
    """log(high + low), where low is less than high's last bits; plus log(2) where `doubled`."""
    k, whole, f = split(m, high, subnormal=False)
    half, rest = tail(m, f)
    # of log(1 + f + c) the term in c, c / (1 + f), to a few digits
    c = (low * m.power_of_two(-whole)) * m.fma(f, f - 1.0, 1.0)
    c = m.where(k > 100.0, 0.0, c)
    if doubled is not None:
        k = k + m.where(doubled, 1.0, 0.0)
        c = m.where(doubled, 0.0, c)
    first, second = LN2_PARTS[m.kind]
    return specials(m, high, m.fma(k, first, f - (half - (m.fma(k, second, rest) + c))))


def log1p(m: Lanes, x: Number) -> Number:
    total, lost = m.sum_of(m.constant(1.0), x)
    return m.where(m.abs(x) < m.pick(2.0**-54, 2.0**-25), x, log_of_sum(m, total, lost))


def _root(m: Lanes, high: Number, low: Number) -> tuple[Number, Number]:
    """The square root of a sum, as a sum."""
    root = m.sqrt(high)
    product, lost = m.product_of(root, root)
    rest = (((high - product) - lost) + low) / (root + root)
    return root, m.where(root > 0.0, rest, 0.0)


def asinh(m: Lanes, x: Number) -> Number:
    """log(x + sqrt(x**2 + 1)), and log(2*x) for large x."""
    size = m.abs(x)
    far = size > m.pick(2.0**28, 2.0**13)
    square, lost = m.product_of(size, size)
    total, rest = m.sum_of(square, 1.0)
    root, low = _root(m, total, rest + lost)
    high, rest = m.sum_of_ordered(root, size)
    value = log_of_sum(m, m.where(far, size, high), rest + low, far)
    return m.copysign(m.where(size < m.pick(2.0**-27, 2.0**-13), size, value), x)


def acosh(m: Lanes, x: Number) -> Number:
    """log(x + sqrt(x**2 - 1)), and log(2*x) for large x."""
    far = x > m.pick(2.0**28, 2.0**13)
    square, lost = m.product_of(x, x)
    total, rest = m.sum_of_ordered(square, m.constant(-1.0))
    root, low = _root(m, total, rest + lost)
    high, rest = m.sum_of_ordered(x, root)
    value = log_of_sum(m, m.where(far, x, high), rest + low, far)
    return m.where(x < 1.0, math.nan, value)


def atanh(m: Lanes, x: Number) -> Number:
    """log((1 + x) / (1 - x)) / 2"""
    size = m.abs(x)
    one = m.constant(1.0)
    above, above_low = m.sum_of_ordered(one, size)
    below, below_low = m.sum_of_ordered(one, -size)
    ratio = above / below
    product, lost = m.product_of(ratio, below)
    low = (((above - product) - lost) + (above_low - ratio * below_low)) / below
    value = log_of_sum(m, ratio, low) * 0.5
    return m.copysign(m.where(size < m.pick(2.0**-27, 2.0**-13), size, value), x)


def _log_in_two(m: Lanes, x: Number) -> tuple[Number, Number]:
    """log(x) for x >= 0 as a sum, with about 65 digits."""
    k, _, f = split(m, x)
    first, second = LN2_PARTS[m.kind]
    if m.wide:
        half, rest = tail(m, f)
        return m.fma(k, LN2, f - (half - rest)), m.constant(0.0)
    base, base_low = m.sum_of_ordered(m.constant(2.0), f)
    inverse = 1.0 / base
    s = f * inverse
    product, lost = m.product_of(s, base)
    s_low = (((f - product) - lost) - s * base_low) * inverse
    z, z_low = m.product_of(s, s)
    z_low = m.fma(s + s, s_low, z_low)
    cube, cube_low = m.product_of(s, z)
    cube_low = m.fma(s, z_low, m.fma(s_low, z, cube_low))
    term, term_low = m.product_of(cube, TWO_THIRDS[0])
    term_low = m.fma(cube, TWO_THIRDS[1], m.fma(cube_low, TWO_THIRDS[0], term_low))
    rest = m.fma(cube * z, m.polynomial(m.coefficients(table.LOG5), z), term_low)
    high, low = m.sum_of_ordered(k * first, s + s)
    high, more = m.sum_of_ordered(high, term)
    low = (low + more) + m.fma(k, second, rest + (s_low + s_low))
    return m.sum_of_ordered(high, low)


def _is_whole(m: Lanes, size: Number) -> Number:
    """Is a number >= 0 a whole one?"""
    limit = 2.0**m.mantissa
    return ((size + limit) - limit).equals(size) | (size >= limit)


def pow(m: Lanes, x: Number, y: Number) -> Number:
    """exp(y * log(|x|)), with what C says of signs, zeros, infinities and NaN."""
    if not m.double:
        return m.in_double(pow, x, y)
    size, y_size = m.abs(x), m.abs(y)
    whole_y = _is_whole(m, y_size)
    odd = whole_y & ~_is_whole(m, y_size * 0.5)
    high, low = _log_in_two(m, size)
    high = m.where(size < math.inf, high, size)
    high = m.where(size.equals(0.0), -math.inf, high)
    power = m.smaller(m.larger(y, -(2.0**80)), 2.0**80)   # beyond, as infinity
    t, lost = m.product_of(power, high)
    lost = m.fma(power, low, lost)
    inside = m.abs(t) < 800.0
    t = m.smaller(m.larger(t, -800.0), 800.0)
    n, whole, r, _ = reduced(m, t)
    r = r + m.where(inside, lost, 0.0)
    value = m.scaled(one_plus(m, r), n, whole)
    negative = m.bits(x) < 0
    value = m.where(negative & odd, -value, value)
    neither = (x < 0.0) & (x > -math.inf) & ~whole_y
    value = m.where(neither, math.nan, value)
    return m.where(x.equals(1.0) | y.equals(0.0), 1.0, value)


FUNCTIONS = {
    "log": log, "log2": log2, "log10": log10, "log1p": log1p, "asinh": asinh, "acosh": acosh, "atanh": atanh,
    "pow": pow,
}  # fmt: skip
