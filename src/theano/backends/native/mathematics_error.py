"""Vector mathematics: error functions.

erfc(x) = exp(-x**2) * W(x) / (1 + 2*x), where W is almost constant: it is a polynomial of (x - k)/(x + k), as in
M. M. Shepherd, J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x", Math. Comp. 36 (1981).
"""

from __future__ import annotations

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import one_plus, reduced
from theano.backends.native.mathematics_text import Lanes, Number

NEAR = 0.75  # to which erf(x) is a polynomial of x
# beyond these, erf(x) is 1, and erfc(x) is 0
ONE = {"double": 6.0, "float": 4.0}
NONE = {"double": 27.3, "float": 10.1}
MIDDLE = {"double": 3.5, "float": 2.5}  # k


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


def _slow_part(m: Lanes, x: Number) -> tuple[Number, Number]:
    """exp(x**2) * erfc(x) as a sum, for NEAR <= x <= NONE: p(t) / (1 + 2*x)."""
    k = MIDDLE[m.kind]
    first, *others = m.coefficients(m.pick(table.ERFCX, table.ERFCX10))
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
    high, low = _slow_part(m, size)
    square, lost = m.product_of(size, size)
    n, whole, r, r_low = reduced(m, -square)
    r, r_low = m.sum_of_ordered(r, r_low - lost)
    power = r + m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), r_low)
    far = m.scaled(high + m.fma(high, power, low), n, whole)
    far = m.where(x < 0.0, 2.0 - far, far)
    one_less, lost = m.sum_of_ordered(m.constant(1.0), -x)
    near = one_less + (lost - _near(m, x))
    return m.where(size < NEAR, near, far)


FUNCTIONS = {"erf": erf, "erfc": erfc}
