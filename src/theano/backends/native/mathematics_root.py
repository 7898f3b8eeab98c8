"""Vector mathematics: cube roots and hypotenuses."""

from __future__ import annotations

import math

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_logarithm import split
from theano.backends.native.mathematics_text import Lanes, Number

# 2**(-1/3) and 2**(1/3)
DOWN, UP = 0.7937005259840998, 1.2599210498948732


def cbrt(m: Lanes, x: Number) -> Number:
    size = m.abs(x)
    tiniest = m.bits_of(m.tiniest)
    unusual = ~(m.bits(size) - tiniest).below(m.bits_of(math.inf) - tiniest)
    usual = _root(m, size)

    def rare() -> Number:
        subnormal = _root(m, size * 2.0**m.pick(54, 24)) * 2.0**m.pick(-18, -8)
        return m.where((size > 0.0) & (size < m.tiniest), subnormal, size)

    return m.copysign(m.rarely(unusual, usual, rare), x)


def _root(m: Lanes, x: Number) -> Number:
    """2**k * b, b = 2**rest * (1 + f): the reciprocal root of b is a polynomial, made better by its own error.

    In single precision the polynomial is so good that the last step is enough.
    """
    k, _, f = split(m, x)
    third, whole = m.nearest(k, 1 / 3)
    rest = k - third * 3.0
    more, less = rest > 0.5, rest < -0.5
    b = (f + 1.0) * m.where(more, 2.0, m.where(less, 0.5, 1.0))
    r = m.polynomial(m.coefficients(table.ROOT3), f) * m.where(more, DOWN, m.where(less, UP, 1.0))
    if m.double:
        e = 1.0 - b * (r * r * r)
        r = m.fma(r * e, m.fma(e, m.fma(e, 14 / 81, 2 / 9), 1 / 3), r)
    y = b * (r * r)
    y = m.fma(m.fma(-(y * y), y, b), (r * r) * (1 / 3), y)
    return y * m.power_of_two(whole)


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
