"""Vector mathematics: sine, cosine, tangent, and their inverses.

Of x the nearest multiple n of pi (or pi/2) is subtracted, in parts of pi as long as the products with n stay exact
(Cody and Waite). For large x there is a table of 2**e / pi modulo 2 for exponents e in long precision, with which the
same is done without rounding errors that count (after M. H. Payne, R. N. Hanek, "Radian reduction for trigonometric
functions", SIGNUM 18, 1983); that code runs if there is a large x in a vector.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_text import Lanes, Number
from theano.backends.native.vector_text import SIZE

# in three parts for machines that multiply and add at once: n times the second is exact for n < 2**20 (2**10)
PI_FUSED = {
    "double": (3.141592653589793, 1.224646799076922e-16, 7.0431197303664e-27),
    "float": (3.1415927410125732, -8.742063073441386e-08, -2.149269260828812e-12),
}
# in four parts for others: n times each of the first three is exact
PI_SHORT = (3.141592651605606, 1.9841871583270443e-09, 1.03403659577805e-18, 5.807711947958721e-28)
PI_LOW = 1.2246467991473532e-16   # pi - math.pi
LIMIT = {"double": 2.0**20, "float": 2.0**10}  # to which that is right
# (sin(r) - r) / r**3 for r = pi/2, where the cube's rounding error counts
AT_THE_END = -0.14727245910375517
GROUP = 8  # exponents share an entry of the table
FIRST = -32  # the exponent of the first entry


class Angle(NamedTuple):
    """x = n * unit + r + low for whole n, of which the lowest bit is that of `whole`."""

    whole: Number
    r: Number
    low: Number


def _near(m: Lanes, x: Number, halves: int, shift: float) -> Angle:
    """x + shift * pi = n * pi / halves + r + low, for |x| < LIMIT."""
    n, whole = m.nearest(m.fma(x, halves / math.pi, shift)) if shift else m.nearest(x, halves / math.pi)
    n = n - shift if shift else n
    if m.machine.fma:
        first, second, third = (-part / halves for part in PI_FUSED[m.kind])
        t = m.fma(n, first, x)
        r = m.fma(n, second, t)
        return Angle(whole, r, m.fma(n, third, m.fma(n, second, t - r)))
    r, low = x, None
    for part in PI_SHORT[:3]:
        r, lost = m.sum_of(r, n * (-part / halves))
        low = lost if low is None else low + lost
    assert low is not None
    return Angle(whole, *m.sum_of_ordered(r, low - n * (PI_SHORT[3] / halves)))


@cache
def _pi_digits() -> tuple[int, int]:
    """floor(2**bits / pi) and bits. (Machin's formula)"""
    bits = 1400
    one = 1 << bits + 32

    def arctan_inverse(n: int) -> int:
        total = term = one // n
        k = 1
        while term:
            term //= -n * n
            k += 2
            total += term // k if term > 0 else -(-term // k)
        return total

    pi = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))
    return (one << bits) // pi, bits


@cache
def over_pi() -> tuple[float, ...]:
    """For each group of exponents 2**e / pi modulo 2, e its lowest exponent, as a sum of four numbers."""
    digits, bits = _pi_digits()
    numbers = []
    for group in range((1024 - 20 + GROUP - 1) // GROUP):
        exponent = FIRST + GROUP * group
        rest = (digits << exponent if exponent >= 0 else digits >> -exponent) & ((2 << bits) - 1)
        for _ in range(4):
            number = rest / (1 << bits)   # rounds correctly
            numbers.append(number)
            over, under = number.as_integer_ratio()
            rest -= (over << bits) // under
    return tuple(numbers)


def _far(m: Lanes, x: Number, halves: int, shift: float) -> Angle:
    """As `_near`, for LIMIT <= |x|, in double precision."""
    group = (((m.bits(x) >> m.mantissa) & 0x7FF) - (m.bias + 20)) >> 3
    scaled = x * m.power_of_two(-FIRST - (group << 3))   # a whole number
    a, b, c, d = m.lookup("over_pi", over_pi(), group << 2, 4)
    p, p_low = m.product_of(scaled, a)
    even = m.copysign(2.0**53, p)   # of numbers beyond, all are even
    p = p - ((p + even) - even)   # modulo 2
    q, q_low = m.product_of(scaled, b)
    s, s_low = m.product_of(scaled, c)
    small = [q_low, s]
    total = p
    for term in (p_low, q):
        total, lost = m.sum_of(total, term)
        small.append(lost)
    total, lost = m.sum_of(total * float(halves), shift)
    n, whole = m.nearest(total)
    total = total - n
    low = lost
    for term in small:
        total, lost = m.sum_of(total, term * float(halves))
        low = low + lost
    total, low = m.sum_of_ordered(total, low + (s_low + scaled * d) * float(halves))
    unit = math.pi / halves
    r, r_low = m.product_of(total, unit)
    return Angle(whole, r, r_low + (total * (PI_LOW / halves) + low * unit))


def _turned(m: Lanes, x: Number, halves: int, shift: float, wave: Callable[[Lanes, Angle], Number]) -> Number:
    """`wave` of the angle that is left of x + shift * pi."""
    def again(wide: Lanes, y: Number) -> Number:
        return _turned(wide, y, halves, shift, wave)

    if not (m.double or m.machine.fma):
        return m.in_double(again, x)
    usual = wave(m, _near(m, x, halves, shift))
    large = ~(m.abs(x) < LIMIT[m.kind])   # NaN, too

    def rare() -> Number:
        if not m.double:
            return m.in_double(again, x)
        return wave(m, _far(m, m.where(large, x, LIMIT[m.kind]), halves, shift))

    return m.rarely(large, usual, rare)


def _sine(m: Lanes, angle: Angle) -> Number:
    """sin(r + low), and the other sign where n is odd."""
    r = angle.r
    z, z_low = m.product_of(r, r)
    low = angle.low * m.fma(z, -0.5, 1.0)
    cube, lost = m.product_of(r, z)
    low = m.fma(m.fma(r, z_low, lost), AT_THE_END, low)
    value = r + m.fma(cube, m.polynomial(m.coefficients(table.SIN), z), low)
    return m.from_bits(m.bits(value) ^ (angle.whole << (8 * SIZE[m.kind] - 1)))


def sin(m: Lanes, x: Number) -> Number:
    return m.where(m.abs(x) < m.pick(2.0**-27, 2.0**-13), x, _turned(m, x, 1, 0.0, _sine))


def cos(m: Lanes, x: Number) -> Number:
    """sin(x + pi/2)"""
    return _turned(m, x, 1, 0.5, _sine)


def _tangent(m: Lanes, angle: Angle) -> Number:
    """tan(r + low), or -1 / tan(r + low) where n is odd."""
    r, low, z = angle.r, angle.low, angle.r * angle.r
    half = z * 0.5
    rest = m.fma(r * z, m.polynomial(m.coefficients(table.SIN4), z), low * (1.0 - half))
    sine, sine_low = m.sum_of_ordered(r, rest)
    start = 1.0 - half
    rest = ((1.0 - start) - half) + m.fma(z * z, m.polynomial(m.coefficients(table.COS4), z), -(r * low))
    cosine, cosine_low = m.sum_of_ordered(start, rest)
    odd = (angle.whole & 1).equals(1)
    above, above_low = m.where(odd, cosine, sine), m.where(odd, cosine_low, sine_low)
    below, below_low = m.where(odd, sine, cosine), m.where(odd, sine_low, cosine_low)
    inverse = 1.0 / below
    ratio = above * inverse
    product, lost = m.product_of(ratio, below)
    rest = ((above - product) - lost) + (above_low - ratio * below_low)
    value = m.fma(rest, inverse, ratio)
    return m.from_bits(m.bits(value) ^ (angle.whole << (8 * SIZE[m.kind] - 1)))


def tan(m: Lanes, x: Number) -> Number:
    return m.where(m.abs(x) < m.pick(2.0**-27, 2.0**-13), x, _turned(m, x, 2, 0.0, _tangent))


FUNCTIONS = {"sin": sin, "cos": cos, "tan": tan}
