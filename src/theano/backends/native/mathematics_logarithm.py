"""Vector mathematics: logarithms, inverse hyperbolic functions, powers.

All of them write x = 2**k * m with sqrt(1/2) <= m < sqrt(2), and log(m) = 2 atanh(s), s = (m - 1)/(m + 1), as a
polynomial of s**2. With f = m - 1 and 2*s = f - s*f the leading terms are exact in f.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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


def split(m: Lanes, x: Number, more: float = 0.0) -> Split:
    """For normal x > 0; `more` is added to k."""
    lowest = m.bits_of(math.sqrt(0.5))
    moved = m.bits(x) + (m.bits_of(1.0) - lowest)
    biased = moved >> m.mantissa
    mantissa = m.from_bits((moved & ((1 << m.mantissa) - 1)) + lowest)
    return Split(m.small_integer(biased, m.bias - more), biased - m.bias, mantissa - 1.0)


def split_quickly(m: Lanes, x: Number, more: float = 0.0) -> tuple[Number, float, Number]:
    """k and f as of `split`; k in units of the number in between. In single precision it is converted where it stands,
    as k * 2**23: an integer of 32 bits becomes a float in one instruction, one of 64 bits not everywhere."""
    if m.double:
        k, _, f = split(m, x, more)
        return k, 1.0, f
    unit = 2.0**m.mantissa
    bits = m.bits(x)
    exponent = (bits - m.bits_of(math.sqrt(0.5))) & -(1 << m.mantissa)
    k = m.to_float(exponent)
    return k + more * unit if more else k, 1.0 / unit, m.from_bits(bits - exponent) - 1.0


def split_any(m: Lanes, x: Number) -> tuple[Number, Number]:
    """k and f of any finite x > 0."""
    small = x < m.tiniest
    k, _, f = split(m, m.where(small, x * 2.0**m.digits, x))
    return k - m.where(small, float(m.digits), 0.0), f


class Tail(NamedTuple):
    """log(1 + f) = f - (half - rest): half = f**2 / 2, and what is small beside it."""

    half: Number
    rest: Number


def tail(m: Lanes, f: Number) -> Tail:
    half = (f * 0.5) * f
    s = f / (f + 2.0)
    z = s * s
    return Tail(half, s * m.fma(m.polynomial(m.coefficients(table.LOG), z), z, half))


def specials(m: Lanes, x: Number, value: Number) -> Number:
    """`value` where 0 < x < inf; else what a logarithm is there."""
    value = m.where(x < math.inf, value, x)   # inf and NaN
    value = m.where(x.equals(0.0), -math.inf, value)
    return m.where(x < 0.0, math.nan, value)


def _everywhere(m: Lanes, x: Number, compute: Callable[[Number, float], Number]) -> Number:
    """What `compute` makes of normal numbers x and 0, or, where x is subnormal, of x * 2**n and -n."""
    tiniest, endless = m.bits_of(m.tiniest), m.bits_of(math.inf)
    unusual = ~(m.bits(x) - tiniest).below(endless - tiniest)

    def rare() -> Number:
        return specials(m, x, m.where(x < m.tiniest, compute(x * 2.0**m.digits, -float(m.digits)), usual))

    usual = compute(x, 0.0)
    return m.rarely(unusual, usual, rare)


def _log_scaled(m: Lanes, x: Number, more: float = 0.0) -> Number:
    """log(x * 2**more) for normal x > 0."""
    k, unit, f = split_quickly(m, x, more)
    half, rest = tail(m, f)
    high, low = (part * unit for part in LN2_PARTS[m.kind])
    return m.fma(k, high, f - (half - m.fma(k, low, rest)))


def log(m: Lanes, x: Number) -> Number:
    return _everywhere(m, x, lambda y, more: _log_scaled(m, y, more))


def _log_of_two(m: Lanes, x: Number, y: Number, join: Callable[[Number, Number], Number], inverse: bool) -> Number:
    """log(join(x, y)), a product or a quotient; where that leaves the range of normal numbers, it is scaled."""
    tiniest, endless = m.bits_of(m.tiniest), m.bits_of(math.inf)
    down, up = m.pick(540, 92), m.pick(563, 86)  # as `_scales` of scalar/exponential.py

    def rare() -> Number:
        size = m.abs(joined)
        numbers = ~(x.equals(0.0) | y.equals(0.0)) & (m.abs(x) < math.inf) & (m.abs(y) < math.inf)
        huge, tiny = numbers & size.equals(math.inf), numbers & (size < m.tiniest)
        first = m.where(huge, 2.0**-down, m.where(tiny, 2.0**up, 1.0))
        second = m.where(huge, 2.0**down, m.where(tiny, 2.0**-up, 1.0)) if inverse else first
        scaled = join(x * first, y * second)
        more = m.where(huge, 2 * down * LN2, m.where(tiny, -2 * up * LN2, 0.0))
        return specials(m, scaled, _log_scaled(m, scaled) + more)

    joined = join(x, y)
    usual = _log_scaled(m, joined)
    return m.rarely(~(m.bits(joined) - tiniest).below(endless - tiniest), usual, rare)


def log_product(m: Lanes, x: Number, y: Number) -> Number:
    return _log_of_two(m, x, y, lambda a, b: a * b, inverse=False)


def log_quotient(m: Lanes, x: Number, y: Number) -> Number:
    return _log_of_two(m, x, y, lambda a, b: a / b, inverse=True)


def log2(m: Lanes, x: Number) -> Number:
    def compute(x: Number, more: float) -> Number:
        k, unit, f = split_quickly(m, x, more)
        value = _times(m, f, LOG2E[m.kind], "LOG2")
        return k + value if unit == 1.0 else m.fma(k, unit, value)

    return _everywhere(m, x, compute)


def log10(m: Lanes, x: Number) -> Number:
    def compute(x: Number, more: float) -> Number:
        k, unit, f = split_quickly(m, x, more)
        high, low = (part * unit for part in LOG10_2_PARTS[m.kind])
        return m.fma(k, high, m.fma(k, low, _times(m, f, LOG10E[m.kind], "LOG10")))

    return _everywhere(m, x, compute)


def _times(m: Lanes, f: Number, factor: tuple[float, float], name: str) -> Number:
    """log(1 + f) * factor; in single precision a polynomial of that name costs less than a division."""
    if m.double:
        half, rest = tail(m, f)
        others = m.fma(f, factor[1], (rest - half) * factor[0])
    else:
        others = m.fma(f * f, m.polynomial(m.coefficients(getattr(table, name)), f), f * factor[1])
    if m.machine.fma:
        return m.fma(f, factor[0], others)
    product, lost = m.product_of(f, factor[0])
    return product + (others + lost)


def log_of_normal(m: Lanes, x: Number) -> Number:
    """log(x) for normal x > 0, to somewhat less than the last digit."""
    k, _, f = split(m, x)
    half, rest = tail(m, f)
    return m.fma(k, LN2, f - (half - rest))


def log_of_sum(m: Lanes, high: Number, low: Number, doubled: Number | None = None) -> Number:
    """log(high + low), where low is less than high's last bits; plus log(2) where `doubled`."""
    k, whole, f = split(m, high)
    half, rest = tail(m, f)
    first, second = LN2_PARTS[m.kind]
    if doubled is not None:
        k = k + m.where(doubled, 1.0, 0.0)
        low = m.where(doubled, 0.0, low)
    # of log(1 + f + c) the term in c, c / (1 + f), to a few digits
    c = (low * m.power_of_two(-whole)) * m.fma(f, f - 1.0, 1.0)
    usual = m.fma(k, first, f - (half - (m.fma(k, second, rest) + c)))

    def rare() -> Number:
        return specials(m, high, m.fma(k, first, f - (half - m.fma(k, second, rest))))

    # for the largest numbers that power of two does not exist; low says nothing there
    tiniest = m.bits_of(m.tiniest)
    unusual = ~(m.bits(high) - tiniest).below(m.bits_of(2.0 ** (m.bias - 3)) - tiniest)
    return m.rarely(unusual, usual, rare)


def log1p(m: Lanes, x: Number) -> Number:
    total, lost = m.sum_of(m.constant(1.0), x)
    return m.where(m.abs(x) < m.pick(2.0**-54, 2.0**-25), x, log_of_sum(m, total, lost))


def _root(m: Lanes, high: Number, low: Number) -> tuple[Number, Number]:
    """The square root of a sum, as a sum."""
    root = m.sqrt(high)
    return root, (m.left_of(high, root, root) + low) / (root + root)


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
    low = m.where(root > 0.0, low, 0.0)
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
    low = (m.left_of(above, ratio, below) + (above_low - ratio * below_low)) / below
    value = log_of_sum(m, ratio, low) * 0.5
    return m.copysign(m.where(size < m.pick(2.0**-27, 2.0**-13), size, value), x)


def log_in_two(m: Lanes, x: Number, subnormal: bool = True) -> tuple[Number, Number]:
    """log(x) for finite x > 0 as a sum, with about 65 digits; of normal x only where told."""
    if subnormal:
        k, f = split_any(m, x)
    else:
        k, _, f = split(m, x)
    first, second = LN2_PARTS[m.kind]
    base, base_low = m.sum_of_ordered(m.constant(2.0), f)
    inverse = 1.0 / base
    s = f * inverse
    s_low = (m.left_of(f, s, base) - s * base_low) * inverse
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


def _power(m: Lanes, size: Number, y: Number) -> Number:
    """exp(y * log(size)) for finite size > 0 and finite y."""
    high, low = log_in_two(m, size)
    t, lost = m.product_of(y, high)
    lost = m.where(m.abs(t) < 800.0, m.fma(y, low, lost), 0.0)
    n, whole, r, _ = reduced(m, m.smaller(m.larger(t, -800.0), 800.0))
    return m.scaled(one_plus(m, r + lost), n, whole)


def _wide_power(m: Lanes, size: Number, y: Number) -> Number:
    """The same in doubles, of single precision: no subnormal numbers, and fewer digits."""
    t = y * log_of_normal(m, size)
    _, whole, r, _ = reduced(m, m.smaller(m.larger(t, -120.0), 120.0))
    return one_plus(m, r) * m.power_of_two(whole)


def pow(m: Lanes, x: Number, y: Number) -> Number:
    """exp(y * log(|x|)), with what C says of signs, zeros, infinities and NaN."""
    size = m.abs(x)
    bounded = m.smaller(m.larger(y, -(2.0**80)), 2.0**80)   # beyond, as infinity
    usual = _power(m, size, bounded) if m.double else m.in_double(_wide_power, size, bounded)

    def rare() -> Number:
        y_size = m.abs(y)
        whole = _is_whole(m, y_size)
        odd = whole & ~_is_whole(m, y_size * 0.5)
        zero, endless = size.equals(0.0), size.equals(math.inf)
        value = m.where(zero | endless, m.where(zero ^ (y < 0.0), 0.0, math.inf), usual)
        value = m.where((m.bits(x) < 0) & odd, -value, value)
        value = m.where((x < 0.0) & ~endless & ~whole, math.nan, value)
        value = m.where(m.is_nan(x) | m.is_nan(y), math.nan, value)
        return m.where(x.equals(1.0) | y.equals(0.0), 1.0, value)

    normal = (m.bits(x) - m.bits_of(m.tiniest)).below(m.bits_of(math.inf) - m.bits_of(m.tiniest))
    return m.rarely(~normal | m.is_nan(y), usual, rare)


FUNCTIONS = {
    "log": log, "log2": log2, "log10": log10, "log1p": log1p, "asinh": asinh, "acosh": acosh, "atanh": atanh,
    "pow": pow, "log_product": log_product, "log_quotient": log_quotient,
}  # fmt: skip
