"""Vector mathematics: the first two derivatives of log(gamma(x)).

For x < 4 they are ratios of polynomials, times what their poles at 0 and psi's root make of them; from 4 on, log(x) or
1/x, and the series in 1/x (DLMF 5.11.2, 5.15.8; of least error). Negative numbers are reflected (DLMF 5.5.4, 5.15.6).
For results in single precision all is done in double precision, and nothing is a sum of two.
"""

from __future__ import annotations

import math

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import LN2_PARTS
from theano.backends.native.mathematics_gamma import (
    FAR,
    PI,
    WHOLE,
    Pair,
    from_whole,
    in_all_digits,
    product,
    quotient,
    sine_of_pi,
)
from theano.backends.native.mathematics_logarithm import split, tail
from theano.backends.native.mathematics_text import Lanes, Number

# where psi is 0
ROOT = (1.4616321449683622, 9.549995429965697e-17)
# below, psi(x) is -1/x, and trigamma(x) is 1/x**2
TINY = 2.0**-56


def _ratio(m: Lanes, name: str, x: Number, term: float, base: Pair) -> tuple[Number, Pair]:
    """A ratio of polynomials p(x)/q(x), and term/base: with one division."""
    above, below = (m.polynomial(m.coefficients(getattr(table, t)), x) for t in (name, f"{name}_BELOW"))
    both = 1.0 / (base[0] * below)
    inverse = both * below
    high = inverse * term
    low = m.constant(0.0) if m.wide else (m.left_of(term, high, base[0]) - high * base[1]) * inverse
    return above * (both * base[0]), (high, low)


def _psi_near(m: Lanes, x: Number) -> Pair:
    """psi(x) = (x - root) / x * (5/2 - 15/4 / (x + 2) + p(x)/q(x)) for 0 < x < FAR"""
    zero = m.constant(0.0)
    if m.wide:
        rest, term = _ratio(m, "PSI", x, -3.75, (x + 2.0, zero))
        return ((x - ROOT[0]) - ROOT[1]) * (rest + (2.5 + term[0])) / x, zero
    rest, term = _ratio(m, "PSI", x, -3.75, m.sum_of(x, 2.0))
    factor, low = m.sum_of_ordered(m.constant(2.5), term[0])
    factor, low = m.sum_of_ordered(factor, low + (term[1] + rest))
    moved, lost = m.sum_of(x, -ROOT[0])
    return quotient(m, product(m, (moved, lost - ROOT[1]), (factor, low)), (x, zero))


def _psi_far(m: Lanes, x: Number) -> Pair:
    """log(x) - 1/(2*x) - p(1/x**2) / x**2"""
    k, _, f = split(m, x)
    half, rest = tail(m, f)
    inverse = 1.0 / x
    square = inverse * inverse
    less = m.fma(square, m.polynomial(m.coefficients(table.PSI_SERIES), square), inverse * 0.5)
    first, second = LN2_PARTS["double"]
    high, lost = m.sum_of_ordered(k * first, f)
    return high, lost - (half - (m.fma(k, second, rest) - less))


def _psi(m: Lanes, x: Number) -> Number:
    """For positive x only where `wide`."""
    negative = x < 0.0
    y = x if m.wide else m.where(negative, 1.0 - x, x)
    near, far = _psi_near(m, y), _psi_far(m, y)
    is_near = y < FAR
    high, low = m.where(is_near, near[0], far[0]), m.where(is_near, near[1], far[1])
    value = high + low
    if not m.wide:
        value = m.rarely(negative, value, lambda: _psi_reflected(m, x, y, (high, low)))
    value = m.where(m.abs(x) < TINY, -1.0 / x, value)
    return m.where(x.equals(math.inf), x, value)


def _psi_reflected(m: Lanes, x: Number, y: Number, other: Pair) -> Number:
    """psi(-z) = psi(1 + z) + pi / tan(pi*z), z = -x; y is 1 + z, rounded, and psi(y) is given."""
    _, lost = m.sum_of(m.constant(1.0), -x)
    inverse = 1.0 / y
    slope = inverse * m.fma(inverse, m.fma(inverse, 1 / 6, 0.5), 1.0)
    f, _ = from_whole(m, m.smaller(m.abs(x), WHOLE))
    cosine = sine_of_pi(m, 0.5 - m.abs(f))
    above = product(m, cosine, (m.copysign(PI[0], f), m.copysign(PI[1], f)))
    turned, rest = quotient(m, above, sine_of_pi(m, m.abs(f)))
    value, more = m.sum_of(turned, other[0])
    value = value + (more + (rest + m.fma(lost, slope, other[1])))
    return m.where(f.equals(0.0), math.nan, value)


def psi(m: Lanes, x: Number) -> Number:
    if m.double:
        return _psi(m, x)
    return m.rarely(x < 0.0, m.in_double(_psi, x), lambda: m.in_double(in_all_digits(_psi), x))


def _trigamma_near(m: Lanes, x: Number) -> Pair:
    """trigamma(x) = (x + 1/2 + 1/(2 + 5*x) + p(x)/q(x)) / x**2 for 0 < x < FAR"""
    zero = m.constant(0.0)
    if m.wide:
        rest, term = _ratio(m, "TRIGAMMA", x, 1.0, (m.fma(x, 5.0, 2.0), zero))
        return ((x + 0.5) + (term[0] + rest)) / (x * x), zero
    base, lost = m.product_of(x, 5.0)
    base, more = m.sum_of(base, 2.0)
    rest, term = _ratio(m, "TRIGAMMA", x, 1.0, (base, lost + more))
    high, low = m.sum_of(x, 0.5)
    high, more = m.sum_of(high, term[0])
    above = m.sum_of_ordered(high, (low + more) + (term[1] + rest))
    return quotient(m, above, m.product_of(x, x))


def _trigamma_far(m: Lanes, x: Number) -> Pair:
    """1/x + 1/(2*x**2) + p(1/x**2) / x**3"""
    inverse = 1.0 / x
    square = inverse * inverse
    rest = (square * inverse) * m.polynomial(m.coefficients(table.TRIGAMMA_SERIES), square)
    return inverse, m.fma(square, 0.5, rest)


def _trigamma(m: Lanes, x: Number) -> Number:
    """trigamma(-z) = (pi / sin(pi*z))**2 - trigamma(1 + z)"""
    negative = x < 0.0
    y = m.where(negative, 1.0 - x, x)
    near, far = _trigamma_near(m, y), _trigamma_far(m, y)
    is_near = y < FAR
    usual = m.where(is_near, near[0], far[0]) + m.where(is_near, near[1], far[1])

    def rare() -> Number:
        f, _ = from_whole(m, m.smaller(m.abs(x), WHOLE))
        pi = (m.constant(PI[0]), m.constant(PI[1]))
        pole = quotient(m, pi, sine_of_pi(m, m.abs(f)))
        high, low = product(m, pole, pole)
        return m.where(f.equals(0.0), math.inf, high + (low - usual))

    value = m.rarely(negative, usual, rare)
    inverse = 1.0 / x
    return m.where(m.abs(x) < TINY, inverse * inverse, value)


def trigamma(m: Lanes, x: Number) -> Number:
    return _trigamma(m, x) if m.double else m.in_double(_trigamma, x)


FUNCTIONS = {"psi": psi, "trigamma": trigamma}
