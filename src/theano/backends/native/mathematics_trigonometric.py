"""Vector mathematics: sine, cosine, tangent, and their inverses.

Of x the nearest multiple n of pi/2 is subtracted, in parts of pi as long as the products with n stay exact
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
GROUP = 8  # exponents share an entry of the table
FIRST = -32  # the exponent of the first entry

# pi/4 as sums of two
QUARTER = {
    "double": (0.7853981633974483, 3.061616997868383e-17), "float": (0.7853981852531433, -2.1855694143368964e-08),
}  # fmt: skip


class Angle(NamedTuple):
    """x = n * unit + r + low for whole n, of which the lowest bits are those of `whole`."""

    whole: Number
    r: Number
    low: Number

    def rounded(self) -> Number:
        """r + low"""
        return self.r + self.low


class FusedAngle(NamedTuple):
    """The same, of which `rounded` takes one instruction instead of four."""

    whole: Number
    r: Number
    low: Number
    n: Number
    third: float

    def rounded(self) -> Number:
        return self.r.m.fma(self.n, self.third, self.r)


def _near(m: Lanes, x: Number) -> Angle | FusedAngle:
    """x = n * pi/2 + r + low, for |x| < LIMIT."""
    n, whole = m.nearest(x, 2 / math.pi, low_bits=True)
    if m.machine.fma:
        first, second, third = (-part / 2 for part in PI_FUSED[m.kind])
        t = m.fma(n, first, x)
        r = m.fma(n, second, t)
        return FusedAngle(whole, r, m.fma(n, third, m.fma(n, second, t - r)), n, third)
    r, low = x, None
    for part in PI_SHORT[:3]:
        r, lost = m.sum_of(r, n * (-part / 2))
        low = lost if low is None else low + lost
    assert low is not None
    return Angle(whole, *m.sum_of_ordered(r, low - n * (PI_SHORT[3] / 2)))


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


def _far(m: Lanes, x: Number) -> Angle:
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
    total = total * 2.0
    n, whole = m.nearest(total, low_bits=True)
    total, low = total - n, m.constant(0.0)
    for term in small:
        total, lost = m.sum_of(total, term * 2.0)
        low = low + lost
    total, low = m.sum_of_ordered(total, low + (s_low + scaled * d) * 2.0)
    unit = math.pi / 2
    r, r_low = m.product_of(total, unit)
    return Angle(whole, r, r_low + (total * (PI_LOW / 2) + low * unit))


def _turned(m: Lanes, x: Number, wave: Callable[[Lanes, Angle | FusedAngle], Number]) -> Number:
    """`wave` of the angle that is left of x."""
    def again(wide: Lanes, y: Number) -> Number:
        return _turned(wide, y, wave)

    if not (m.double or m.machine.fma):
        return m.in_double(again, x)
    usual = wave(m, _near(m, x))
    large = ~(m.abs(x) < LIMIT[m.kind])   # NaN, too

    def rare() -> Number:
        if not m.double:
            return m.in_double(again, x)
        return wave(m, _far(m, m.where(large, x, LIMIT[m.kind])))

    return m.rarely(large, usual, rare)


def _wave(m: Lanes, r: Number, quarter: Number, odd: Number) -> Number:
    """sin(r), or cos(r) where odd, and the other sign where the quarter's second bit is set: of one polynomial, whose
    coefficients are chosen for each lane."""
    z = r * r
    both = zip(m.coefficients(table.COS4), m.coefficients(table.SIN4), strict=True)
    chosen = [m.where(odd, m.constant(c), m.constant(s)) for c, s in both]
    base = m.where(odd, 1.0, r)
    value = m.fma(z * base, m.polynomial(chosen, z), base)
    bits = 8 * SIZE[m.kind]
    return m.from_bits(m.bits(value) ^ ((quarter << bits - 2) & m.bits_of(-0.0)))


def _sine(m: Lanes, angle: Angle | FusedAngle) -> Number:
    return _wave(m, angle.rounded(), angle.whole, ~(angle.whole & 1).equals(0))


def _cosine(m: Lanes, angle: Angle | FusedAngle) -> Number:
    return _wave(m, angle.rounded(), angle.whole + 1, (angle.whole & 1).equals(0))


def sin(m: Lanes, x: Number) -> Number:
    """Of |x|, so that zeros keep their sign."""
    value = _turned(m, m.abs(x), _sine)
    return m.from_bits(m.bits(value) ^ (m.bits(x) & m.bits_of(-0.0)))


def cos(m: Lanes, x: Number) -> Number:
    return _turned(m, m.abs(x), _cosine)


def _tangent(m: Lanes, angle: Angle | FusedAngle) -> Number:
    """tan(r + low), or -1 / tan(r + low) where n is odd: a ratio of which q's rounding errors are on both sides."""
    r, z = angle.r, angle.r * angle.r
    q = m.polynomial(m.coefficients(table.TAN_BELOW), z)
    rest = m.fma(r * z, m.polynomial(m.coefficients(table.TAN), z), angle.low * m.fma(z, 0.8, 1.0))
    if m.machine.fma:
        p = m.fma(r, q, rest)
    else:
        product, lost = m.product_of(r, q)
        p = product + (lost + rest)
    odd = (angle.whole & 1).equals(1)
    value = m.where(odd, q, p) / m.where(odd, p, q)
    return m.from_bits(m.bits(value) ^ (angle.whole << (8 * SIZE[m.kind] - 1)))


def tan(m: Lanes, x: Number) -> Number:
    return m.where(m.abs(x) < m.pick(2.0**-27, 2.0**-13), x, _turned(m, x, _tangent))


def _arc(m: Lanes, x: Number) -> tuple[Number, Number, Number]:
    """Whether |x| > 1/2; s and p with asin(s) = s + p for s = |x|, or s = sqrt((1 - |x|)/2) for large x."""
    size = m.abs(x)
    large = size > 0.5
    z = m.where(large, 0.5 - size * 0.5, size * size)
    s = m.where(large, m.sqrt(z), size)
    return large, s, s * (z * m.polynomial(m.coefficients(table.ASIN), z))


def asin(m: Lanes, x: Number) -> Number:
    """asin(s), or pi/2 - 2 asin(s) for large x."""
    large, s, p = _arc(m, x)
    quarter, low = QUARTER[m.kind]
    high, rest = m.sum_of_ordered(m.where(large, 2.0 * quarter, 0.0), m.where(large, -(s + s), s))
    value = high + (rest + m.where(large, 2.0 * low - (p + p), p))
    return m.copysign(value, x)


def acos(m: Lanes, x: Number) -> Number:
    """pi/2 - asin(x), or 2 asin(s) for large x, or pi - 2 asin(s) where it is negative."""
    large, s, p = _arc(m, x)
    quarter, low = QUARTER[m.kind]
    negative = m.bits(x) < 0
    count = m.where(large, m.where(negative, 4.0, 0.0), 2.0)
    plus = large ^ negative
    s, p = m.where(large, s + s, s), m.where(large, p + p, p)
    high, rest = m.sum_of_ordered(count * quarter, m.where(plus, s, -s))
    return high + (rest + m.fma(count, low, m.where(plus, p, -p)))


def _tangent_inverse(m: Lanes, t: Number, count: Number) -> Number:
    """atan(t) + count * pi/4 for |t| <= 1/2."""
    quarter, low = QUARTER[m.kind]
    z = t * t
    base, base_low = m.product_of(count, quarter)
    high, rest = m.sum_of_ordered(base, t)
    p = m.polynomial(m.coefficients(table.ATAN), z)
    return high + (rest + m.fma(t * z, p, m.fma(count, low, base_low)))


def atan(m: Lanes, x: Number) -> Number:
    """atan(t), t = x; or (x - 1)/(x + 1) and pi/4; or -1/x and pi/2."""
    size = m.abs(x)
    far, middle = size > 2.0, size > 0.5
    above = m.where(far, -1.0, m.where(middle, size - 1.0, size))
    below = m.where(far, size, m.where(middle, size + 1.0, 1.0))
    count = m.where(far, 2.0, m.where(middle, 1.0, 0.0))
    return m.copysign(_tangent_inverse(m, above / below, count), x)


def atan2(m: Lanes, y: Number, x: Number) -> Number:
    """The angle of the smaller to the larger of |x| and |y|, then mirrored at pi/4 and pi/2."""
    x_size, y_size = m.abs(x), m.abs(y)
    steep = y_size > x_size
    more, less = m.where(steep, y_size, x_size), m.where(steep, x_size, y_size)
    most = m.pick(2.0**1000, 2.0**120)  # up to which a sum of two is finite

    def rare() -> Number:
        endless = more.equals(math.inf)
        small = m.where(endless, m.where(less.equals(math.inf), 1.0, less * 0.0), less)
        large = m.where(endless | more.equals(0.0), 1.0, more)
        shrunk = m.where(large > most, 0.0625, 1.0)
        return m.where(m.is_nan(x), x, _angle(m, large * shrunk, small * shrunk, steep, x))

    unusual = ~(m.bits(more) - 1).below(m.bits_of(most))  # 0, huge, infinite or NaN
    return m.copysign(m.rarely(unusual, _angle(m, more, less, steep, x), rare), y)


def _angle(m: Lanes, more: Number, less: Number, steep: Number, x: Number) -> Number:
    """The angle of (x, |y|), which are `more` and `less`, or the other way round where it is steep."""
    middle = less > more * 0.5
    t = m.where(middle, less - more, less) / m.where(middle, less + more, more)
    count = m.where(middle, 1.0, 0.0)
    count, t = m.where(steep, 2.0 - count, count), m.where(steep, -t, t)
    left = m.bits(x) < 0
    count, t = m.where(left, 4.0 - count, count), m.where(left, -t, t)
    return _tangent_inverse(m, t, count)


FUNCTIONS = {
    "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan, "atan2": atan2,
}  # fmt: skip
