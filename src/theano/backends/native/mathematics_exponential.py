"""Vector mathematics: exponentials and hyperbolic functions.

All of them write x = n * log(2) + r with whole n and |r| <= log(2)/2, by Cody and Waite's subtraction of log(2) in two
parts (W. J. Cody, W. Waite, "Software Manual for the Elementary Functions", 1980), and know e**r as a polynomial.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_text import Lanes, Number

LOG2E = 1.4426950408889634
LN2 = 0.6931471805599453
LOG2_10 = 3.321928094887362
LN10 = 2.302585092994046
# in two parts, of which the first has so few bits that its multiples by an exponent are exact
LN2_PARTS = {
    "double": (0.6931471803691238, 1.9082149292705877e-10), "float": (0.693145751953125, 1.4286068203094173e-06),
}  # fmt: skip
LOG10_2_PARTS = {"double": (0.30102999560767785, 5.630334806675098e-11),
                 "float": (0.301025390625, 4.605039066518657e-06)}  # fmt: skip
# beyond these, e**x is 0 or inf
LOWEST = {"float": -105.0, "double": -750.0}
HIGHEST = {"float": 90.0, "double": 711.0}
# below this size x is what sinh(x), tanh(x) and expm1(x) round to
SMALL = {"float": 2.0**-26, "double": 2.0**-55}


class Reduced(NamedTuple):
    """x = n * log(2) + r + low; `low` is what rounding r lost."""

    n: Number
    whole: Number
    r: Number
    low: Number


def reduced(m: Lanes, x: Number, half: Number | None = None) -> Reduced:
    """`half`: x / 2, where that is known before x is: the same bits come out sooner."""
    high, low = LN2_PARTS[m.kind]
    n, whole = m.nearest(x, LOG2E) if half is None else m.nearest(half, 2 * LOG2E)
    first = m.fma(n, -high, x)
    r = m.fma(n, -low, first)
    return Reduced(n, whole, r, m.fma(n, -low, first - r))


def one_plus(m: Lanes, r: Number) -> Number:
    """e**r"""
    polynomial = m.polynomial if m.machine.vector_bytes == 64 else m.quick_polynomial
    return m.fma(m.fma(polynomial(m.coefficients(table.EXP), r), r, 1.0), r, 1.0)


class Ends(NamedTuple):
    """Below the lowest the power is 0, above the highest inf; for |x| < normal it is a normal number."""

    lowest: float
    normal: float
    highest: float


def _times_power(m: Lanes, x: Number, ends: Ends, reduce: Callable[[Number], Reduced]) -> Number:
    """e**r * 2**n of reduced numbers; 0 or inf where x is beyond the ends."""
    lowest, normal, highest = ends
    if m.table is None or m.scales_at_once():
        n, whole, r, _ = reduce(m.smaller(m.larger(x, lowest), highest))
        return m.scaled(one_plus(m, r), n, whole)
    n, whole, r, _ = reduce(x)
    power = one_plus(m, r)

    def rare() -> Number:
        value = m.where(x < lowest, 0.0, m.scaled(power, n, whole))
        return m.where(x > highest, math.inf, value)

    # where the result is a normal number, adding to its exponent is enough
    usual = m.from_bits(m.bits(power) + (whole << m.mantissa))
    return m.rarely(~(m.abs(x) < normal), usual, rare)


def exp(m: Lanes, x: Number) -> Number:
    return _times_power(m, x, Ends(LOWEST[m.kind], m.pick(708.0, 87.0), HIGHEST[m.kind]), lambda y: reduced(m, y))


def exp2(m: Lanes, x: Number) -> Number:
    def reduce(y: Number) -> Reduced:
        n, whole = m.nearest(y)
        r = (y - n) * LN2
        return Reduced(n, whole, r, r)

    return _times_power(m, x, m.pick(Ends(-1080.0, 1022.0, 1030.0), Ends(-160.0, 126.0, 140.0)), reduce)


def exp10(m: Lanes, x: Number) -> Number:
    def reduce(y: Number) -> Reduced:
        high, low = LOG10_2_PARTS[m.kind]
        n, whole = m.nearest(y, LOG2_10)
        r = m.fma(n, -low, m.fma(n, -high, y)) * LN10
        return Reduced(n, whole, r, r)

    return _times_power(m, x, m.pick(Ends(-330.0, 307.0, 310.0), Ends(-50.0, 37.0, 40.0)), reduce)


def expm1(m: Lanes, x: Number) -> Number:
    y = m.smaller(m.larger(x, m.pick(-60.0, -30.0)), m.pick(709.8, 88.73))
    _, whole, r, low = reduced(m, y)
    # half of e**x - 1, so that the power of two does not overflow before the result does
    power = m.power_of_two(whole - 1)
    high, rest = m.sum_of_ordered(power - 0.5, power * r)
    q = m.polynomial(m.coefficients(table.EXP), r)
    half = high + m.fma(power, m.fma(r * r, q, low), rest)
    return m.where(m.abs(x) < SMALL[m.kind], x, half + half)


def tanh(m: Lanes, x: Number) -> Number:
    """(e**2x - 1) / (e**2x + 1) as c + (e**2x * (1 - c) - (1 + c)) / (e**2x + 1): c is x, 3/16 or 1, which is near."""
    size = m.abs(x)
    y = m.smaller(size, m.pick(20.0, 10.0))
    n, whole, r, low = reduced(m, y + y, y)
    power = m.power_of_two(whole)
    # recurrences wait for tanh, so what counts is how soon the value is there
    rest = m.fma(r * r, m.quick_polynomial(m.coefficients(table.EXP), r), low)
    p = r + rest
    below = m.fma(power, p, power + 1.0)
    far, near = n > 1.5, n < 0.5
    above = m.where(far, -2.0, m.where(near, m.fma(-y, p, rest), m.fma(p, 1.625, 0.4375)))
    start = m.where(far, 1.0, m.where(near, y, 0.1875))
    return m.copysign(start + above / below, x)


class Halves(NamedTuple):
    """Of e**x = 2**n * e**r: 2**n/4, 2**-n/4, r, cosh(r) - 1, and sinh(r) - r."""

    up: Number
    down: Number
    r: Number
    cosh: Number
    sinh: Number


def _halves(m: Lanes, size: Number) -> Halves:
    n, whole, r, low = reduced(m, m.smaller(size, m.pick(710.5, 89.42)))
    z = r * r
    cosh = m.polynomial(m.coefficients(table.COSH), z) * z
    sinh = m.fma(m.polynomial(m.coefficients(table.SINH), z), z * r, low)
    # beyond, e**-x counts for nothing
    down = m.where(n > 80.0, 0.0, m.power_of_two(-2 - whole))
    return Halves(m.power_of_two(whole - 2), down, r, cosh, sinh)


def sinh(m: Lanes, x: Number) -> Number:
    """sinh(n log 2 + r) = sinh(n log 2) cosh(r) + cosh(n log 2) sinh(r)"""
    size = m.abs(x)
    if not m.double:
        return m.copysign(_single_sinh(m, size), x)
    up, down, r, cosh, sinh = _halves(m, size)
    high, rest = m.sum_of_ordered(up - down, up * r)   # this product is exact, as the next one
    tail = m.fma(up + down, sinh, m.fma(down, r, rest))
    half = high + m.fma(up - down, cosh, tail)
    return m.copysign(m.where(size < SMALL[m.kind], size, half + half), x)


def _single_sinh(m: Lanes, size: Number) -> Number:
    """The same for a size in single precision, as 2**n / 4 times a number, whose parts are rounded before the sum."""
    high, low = LN2_PARTS[m.kind]
    y = m.smaller(size, 89.42)
    n, bits = m.nearest(y, LOG2E, low_bits=True)
    r = m.fma(n, -low, m.fma(n, -high, y))
    z = r * r
    # 2**(1 - 2*n); nothing where that is below all normal numbers
    down = m.from_bits(m.larger(m.bits_of(2.0) - (bits << m.mantissa + 1), 0))
    odd = m.fma(z * r, m.polynomial(m.coefficients(table.SINH), z), r)
    even = z * m.polynomial(m.coefficients(table.COSH), z)
    less, more = 2.0 - down, 2.0 + down
    quarter = m.from_bits((bits << m.mantissa) + m.bits_of(0.25))
    return quarter * m.fma(less, even, m.fma(more, odd, less))


def cosh(m: Lanes, x: Number) -> Number:
    up, down, r, cosh, sinh = _halves(m, m.abs(x))
    total, rest = m.sum_of_ordered(up, down)
    half = total + m.fma(up - down, r + sinh, m.fma(total, cosh, rest))
    return half + half


FUNCTIONS = {
    "exp": exp, "exp2": exp2, "exp10": exp10, "expm1": expm1, "sinh": sinh, "cosh": cosh, "tanh": tanh,
}  # fmt: skip
