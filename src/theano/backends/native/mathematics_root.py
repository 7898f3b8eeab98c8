"""Vector mathematics: cube roots and hypotenuses."""

from __future__ import annotations

import math

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_text import Lanes, Number
from theano.backends.native.vector_text import SIZE

# What is added to a third of minus the logarithm, read off a number's bits, for the least error in all.
FROM_BITS = -0.067
# digits of the reciprocal root's second guess, of which the cube is exact
SHORT = {"double": 16, "float": 8}


def cbrt(m: Lanes, x: Number) -> Number:
    """Numbers of which some power of the reciprocal root is subnormal, or is one, are brought between the others."""
    size = m.abs(x)
    tiniest, most = m.tiniest, 2.0 ** (m.bias - 3)
    unusual = ~(m.bits(size) - m.bits_of(tiniest)).below(m.bits_of(most) - m.bits_of(tiniest))
    usual = _root(m, size)

    def rare() -> Number:
        moves = 3 * (m.digits // 3 + 1)
        small = size < tiniest
        value = _root(m, size * m.where(small, 2.0**moves, 2.0**-moves))
        value = value * m.where(small, 2.0 ** (-moves // 3), 2.0 ** (moves // 3))
        return m.where((size > 0.0) & (size < math.inf), value, size)

    return m.copysign(m.rarely(unusual, usual, rare), x)


def _root(m: Lanes, x: Number) -> Number:
    """The cube root of normal x > 0.

    Exponent and mantissa, read as one number, are almost the logarithm. A third of it gives r, near to x**(-1/3); then
    a polynomial of 1 - x * r**3 makes r better, another x * r**2, where r is so short that r**3 is exact.
    """
    shift = 8 * SIZE[m.kind] - m.mantissa
    whole, unit = 2.0**m.mantissa, 2.0 ** (m.mantissa - shift)
    logarithm = m.from_bits((m.bits(x) >> shift) | m.bits_of(whole))
    third = m.fma(logarithm, -1 / 3, (whole + unit * m.bias) * (4 / 3) + unit * FROM_BITS)
    r = m.from_bits(m.bits(third) << shift)
    e = 1.0 - (x * r) * (r * r)
    r = r * m.polynomial(m.coefficients(m.pick(table.ROOT3_GUESS, table.ROOT3_GUESS8)), e)
    r = m.from_bits(m.bits(r) & -(1 << m.digits - SHORT[m.kind]))
    square = r * r
    e = _left(m, x, square * r)
    y = x * square
    return m.fma(y, e * m.polynomial(m.coefficients(m.pick(table.ROOT3, table.ROOT3_8)), e), y)


def _left(m: Lanes, x: Number, cube: Number) -> Number:
    """1 - x * cube, where x may be as large as numbers get."""
    if m.machine.fma:
        return m.fma(-x, cube, 1.0)
    mask = -(1 << m.digits // 2 + 1)
    x_high, high = (m.from_bits(m.bits(a) & mask) for a in (x, cube))
    x_low, low = x - x_high, cube - high
    return (((1.0 - x_high * high) - x_high * low) - x_low * high) - x_low * low


def hypot(m: Lanes, x: Number, y: Number) -> Number:
    """sqrt(x**2 + y**2), of numbers brought to where the squares neither overflow nor lose digits."""
    x, y = m.abs(x), m.abs(y)
    first = x > y
    more, less = m.where(first, x, y), m.where(first, y, x)
    high, low, by = m.pick((2.0**500, 2.0**-400, 2.0**600), (2.0**60, 2.0**-50, 2.0**80))
    large, small = more > high, more < low
    factor, back = (m.where(large, a, m.where(small, b, 1.0)) for a, b in ((1 / by, by), (by, 1 / by)))
    more, less = more * factor, less * factor
    value = m.sqrt(m.fma(more, more, less * less)) * back
    return m.where(x.equals(math.inf) | y.equals(math.inf), math.inf, value)


FUNCTIONS = {"cbrt": cbrt, "hypot": hypot}
