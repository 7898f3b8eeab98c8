"""Vector mathematics: error functions.

erfc(x) = exp(-x**2) * W(x) / (1 + 2*x), where W is almost constant: it is a polynomial of (x - k)/(x + k), as in
M. M. Shepherd, J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x", Math. Comp. 36 (1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import one_plus, reduced
from theano.backends.native.mathematics_text import Lanes, Number

NEAR = 0.75  # to which erf(x) is a polynomial of x
# beyond these, erf(x) is 1, and erfc(x) is 0
ONE = {"double": 6.0, "float": 4.0}
NONE = {"double": 27.3, "float": 10.1}
MIDDLE = {"double": 3.5, "float": 2.5}  # k
# of erfcx: to CLOSE it is a polynomial of x, and k for all other x >= 0
CLOSE = 0.5
ALL = {"double": 3.5, "float": 2.8671875}
LARGE = {"double": 2.0**28, "float": 2.0**13}  # from which erfcx(x) is 1 / (sqrt(pi) * x)
ENDLESS = {"double": 26.6287358, "float": 9.38242}  # erfcx(-x) overflows
ONE_OVER_ROOT_PI = 0.5641895835477563


def _near(m: Lanes, x: Number) -> Number:
    """erf(x) - x for small x."""
    return x * m.polynomial(m.coefficients(table.ERF), x * x)


def erf(m: Lanes, x: Number) -> Number:
    """1 - exp(p(x)) beyond what `_near` can."""
    size = m.abs(x)
    y = m.smaller(size, ONE[m.kind])
    logarithm = m.polynomial(m.coefficients(m.pick(table.LOGERFC, table.LOGERFC4)), y)
    _, whole, r, _ = reduced(m, logarithm)
    far = 1.0 - one_plus(m, r) * m.power_of_two(whole)
    return m.copysign(m.where(y < NEAR, y + _near(m, y), far), x)


def _slow_part(m: Lanes, x: Number, k: float, coefficients: Sequence[float]) -> tuple[Number, Number]:
    """exp(x**2) * erfc(x) as a sum, for x >= NEAR or CLOSE: p(t) / (1 + 2*x)."""
    first, *others = coefficients
    denominator, lost = m.sum_of(x + x, 1.0)
    moved = x + k
    both = 1.0 / (moved * denominator)
    t = 1.0 - (both * denominator) * (2 * k)
    value, value_low = m.sum_of_ordered(m.constant(first), t * m.polynomial(others, t))
    inverse = both * moved
    inverse_low = (m.left_of(1.0, inverse, denominator) - inverse * lost) * inverse
    high, low = m.product_of(value, inverse)
    return high, m.fma(value, inverse_low, m.fma(value_low, inverse, low))


def erfc(m: Lanes, x: Number) -> Number:
    size = m.smaller(m.abs(x), NONE[m.kind])
    high, low = _slow_part(m, size, MIDDLE[m.kind], m.coefficients(m.pick(table.ERFCX, table.ERFCX10)))
    square, lost = m.product_of(size, size)
    n, whole, r, r_low = reduced(m, -square)
    r, r_low = m.sum_of_ordered(r, r_low - lost)
    power = r + m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), r_low)
    far = m.scaled(high + m.fma(high, power, low), n, whole)
    far = m.where(x < 0.0, 2.0 - far, far)
    one_less, lost = m.sum_of_ordered(m.constant(1.0), -x)
    near = one_less + (lost - _near(m, x))
    return m.where(size < NEAR, near, far)


def erfcx(m: Lanes, x: Number) -> Number:
    """exp(x**2) * erfc(x): as above, or 1/sqrt(pi)/x for large x; and 2 * exp(x**2) - erfcx(-x) for negative x."""
    size = m.abs(x)
    y = m.smaller(size, LARGE[m.kind])
    high, low = _slow_part(m, y, ALL[m.kind], m.coefficients(m.pick(table.ERFCX_ALL, table.ERFCX_ALL3)))
    near = size < CLOSE
    small = m.where(near, size, 0.0) * m.polynomial(m.coefficients(table.ERFCX_NEAR), size)
    high, low = m.where(near, 1.0, high), m.where(near, small, low)
    usual = m.where(size < LARGE[m.kind], high + low, ONE_OVER_ROOT_PI / size)

    def rare() -> Number:
        y = m.smaller(size, ENDLESS[m.kind])
        square, lost = m.product_of(y, y)
        _, whole, r, r_low = reduced(m, square)
        r, r_low = m.sum_of_ordered(r, r_low + lost)
        power = r + m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), r_low)
        # half of the result, so that the power of two does not overflow before the result does
        two = m.power_of_two(whole)
        half, rest = m.sum_of_ordered(two, high * -0.5)
        half = half + m.fma(two, power, m.fma(low, -0.5, rest))
        return m.where(size < ENDLESS[m.kind], half + half, math.inf)

    return m.rarely(x < 0.0, usual, rare)


FUNCTIONS = {"erf": erf, "erfc": erfc, "erfcx": erfcx}
