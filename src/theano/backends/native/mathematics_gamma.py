"""Vector mathematics: the gamma function and its logarithm.

For y >= 4, log(gamma(y)) = (y - 1/2) * (log(y) - 1) + log(2*pi)/2 - 1/2 + s/y, where s is a polynomial of 1/y**2
(Stirling's series, but of least error; DLMF 5.11.1). All of it is a sum of two numbers, so that its exponential is
right to the last place. Smaller numbers go up by gamma(x) = gamma(x + 4) / (x*(x + 1)*(x + 2)*(x + 3)), negative ones
by gamma(-z) * gamma(z) = -pi / (z * sin(pi*z)) (DLMF 5.5.3). From 1/2 to 4, log(gamma(x)) is (x - 1)*(x - 2) times
2/(x + 2.625) and a small ratio of polynomials: so it keeps its digits near its zeros 1 and 2.

For results in single precision all is done in double precision, which needs no sums of two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import one_plus, reduced
from theano.backends.native.mathematics_logarithm import log_in_two, log_of_normal
from theano.backends.native.mathematics_text import Lanes, Number

Pair = tuple[Number, Number]

FAR = 4.0  # from which Stirling's series serves
PI = (3.141592653589793, 1.2246467991473532e-16)
# log(2*pi)/2 - 1/2, and log(pi)
CONSTANT = (0.4189385332046727, 1.6728209650585413e-17)
LOG_PI = (1.1447298858494002, 1.0265951162707826e-17)
# by `wide`: gamma of it overflows, and one over gamma of it is nothing, even near poles
LARGEST = {False: 200.0, True: 64.0}
OVERFLOW = 2.5599833278516383e305  # the largest x whose log(gamma(x)) is finite
HUGE = 2.0**990  # 2**28 times this overflows
WHOLE = 2.0**52  # all numbers beyond are whole
TINY = {False: 2.0**-55, True: 2.0**-30}  # by `wide`: below, gamma(x) is 1/x


# -- sums of two numbers


def product(m: Lanes, a: Pair, b: Pair) -> Pair:
    high, low = m.product_of(a[0], b[0])
    return m.sum_of_ordered(high, low + m.fma(a[0], b[1], a[1] * b[0]))


def quotient(m: Lanes, a: Pair, b: Pair, inverse: Number | None = None) -> Pair:
    """a / b; 1/b is taken as given, with an error of a few units, or computed."""
    if inverse is None:
        inverse = 1.0 / b[0]
    high = a[0] * inverse
    return high, (m.left_of(a[0], high, b[0]) + (a[1] - high * b[1])) * inverse


# -- multiples of pi


def from_whole(m: Lanes, z: Number) -> tuple[Number, Number]:
    """For 0 <= z <= 2**52: z less the nearest whole number, and the sign of (-1)**(that number) as a bit."""
    moved = z + WHOLE
    return z - (moved - WHOLE), m.bits(moved) << 63


def sine_of_pi(m: Lanes, f: Number) -> Pair:
    """sin(pi * f) for |f| <= 1/2: f * (1 - f**2) times what varies little."""
    z = f * f
    slow = z * m.polynomial(m.coefficients(table.SINPI), z)
    if m.wide:
        return (slow + PI[0]) * m.fma(-f, z, f), m.constant(0.0)
    z, z_low = m.product_of(f, f)
    cofactor, lost = m.sum_of_ordered(m.constant(1.0), -z)
    return product(m, product(m, (f, m.constant(0.0)), (cofactor, lost - z_low)),
                   m.sum_of_ordered(m.constant(PI[0]), slow + PI[1]))  # fmt: skip


# -- the gamma function


def _rising(m: Lanes, x: Number) -> Pair:
    """x * (x + 1) * (x + 2) * (x + 3) = u * (u + 2), u = x * (x + 3), for 0 < x < FAR"""
    if m.wide:
        u = x * (x + 3.0)
        return u * (u + 2.0), m.constant(0.0)
    u, low = product(m, (x, m.constant(0.0)), m.sum_of(m.constant(3.0), x))
    more, lost = m.sum_of(m.constant(2.0), u)
    return product(m, (u, low), (more, lost + low))


def log_of_gamma(m: Lanes, y: Number, low: Number | None, inverse: Number, log: Pair) -> Pair:
    """log(gamma(y + low)) for y >= FAR, of which 1/y and log(y) are given. `low` is less than y's last bits."""
    rest = inverse * m.polynomial(m.coefficients(table.STIRLING), inverse * inverse)
    if m.wide:
        return m.fma(y - 0.5, log[0] - 1.0, rest + CONSTANT[0]), m.constant(0.0)
    if low is not None:
        rest = m.fma(low, m.fma(inverse, -0.5, log[0]), rest)
    less, lost = m.sum_of_ordered(log[0], m.constant(-1.0))
    high, more = m.product_of(y - 0.5, less)
    if not m.machine.fma:   # halves of huge numbers overflow; what rounding loses says nothing there
        more = m.where(y < HUGE, more, 0.0)
    more = m.fma(y - 0.5, lost + log[1], more)
    high, lost = m.sum_of_ordered(high, m.constant(CONSTANT[0]))
    return high, lost + ((more + CONSTANT[1]) + rest)


def _logarithm(m: Lanes, x: Number) -> Pair:
    """log(x) for normal x > 0."""
    return (log_of_normal(m, x), m.constant(0.0)) if m.wide else log_in_two(m, x, subnormal=False)


def times_exp(m: Lanes, factor: Pair, exponent: Pair) -> Number:
    """factor * exp(exponent)"""
    if m.wide:
        n, whole, r, _ = reduced(m, exponent[0])
        return factor[0] * one_plus(m, r) * m.power_of_two(whole)
    # the second is not always small beside the first's last bit, and the polynomial holds for what is reduced only
    high, low = m.sum_of_ordered(*exponent)
    n, whole, r, lost = reduced(m, high)
    r, low = m.sum_of_ordered(r, lost + low)
    power = r + m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), low)
    return m.scaled(factor[0] + m.fma(factor[0], power, factor[1]), n, whole)


def _gamma(m: Lanes, x: Number) -> Number:
    size = m.smaller(m.abs(x), LARGEST[m.wide])
    near = size < FAR
    zero, one = m.constant(0.0), m.constant(1.0)
    y, low = m.sum_of_ordered(m.where(near, FAR, size), m.where(near, size, 0.0))
    rising, rising_low = _rising(m, m.where(near, size, 1.0))
    above = (m.where(near, rising, 1.0), m.where(near, rising_low, 0.0))
    both = 1.0 / (y * above[0])
    high, rest = log_of_gamma(m, y, low, both * above[0], _logarithm(m, y))
    usual = times_exp(m, quotient(m, (one, zero), above, both * y), (high, rest))

    def rare() -> Number:
        """-pi * exp(-log(gamma(z))) / (z * sin(pi*z)), z = -x"""
        f, sign = from_whole(m, m.smaller(m.abs(x), WHOLE))
        below = product(m, (size, zero), sine_of_pi(m, f))
        factor = quotient(m, product(m, above, (m.constant(-PI[0]), m.constant(-PI[1]))), below)
        value = times_exp(m, factor, (-high, -rest))
        return m.where(f.equals(0.0), math.nan, m.from_bits(m.bits(value) ^ sign))

    value = m.rarely(x < 0.0, usual, rare)
    return m.where(m.abs(x) < TINY[m.wide], 1.0 / x, value)


def tgamma(m: Lanes, x: Number) -> Number:
    return _gamma(m, x) if m.double else m.in_double(_gamma, x)


# -- its logarithm


def _near(m: Lanes, x: Number) -> Pair:
    """log(gamma(x)) for 1/2 <= x <= FAR, log(gamma(1 + x)) for smaller x: (x - 1) * (x - 2) times a ratio."""
    small = x < 0.5
    first, second = m.where(small, x, x - 1.0), m.where(small, x - 1.0, x - 2.0)
    x = m.where(small, x + 1.0, x)
    above, below = (m.polynomial(m.coefficients(t), x) for t in (table.LOGGAMMA, table.LOGGAMMA_BELOW))
    if m.wide:
        return first * second * (2.0 / (x + 2.625) + above / below), m.constant(0.0)
    base, lost = m.sum_of(x, 2.625)
    both = 1.0 / (base * below)
    inverse = both * below
    inverse_low = (m.left_of(1.0, inverse, base) - inverse * lost) * inverse
    ratio, rest = m.sum_of_ordered(inverse + inverse, m.fma(above, both * base, inverse_low + inverse_low))
    return product(m, m.product_of(first, second), (ratio, rest))


def _lgamma_in_two(m: Lanes, x: Number) -> tuple[Pair, Pair]:
    """log(gamma(x)) and log(x) for 0 < x < OVERFLOW."""
    log = (log_of_normal(m, x), m.constant(0.0)) if m.wide else log_in_two(m, x)
    far, near = log_of_gamma(m, x, None, 1.0 / x, log), _near(m, x)
    small = x < 0.5
    high, lost = m.sum_of_ordered(m.where(small, -log[0], near[0]), m.where(small, near[0], 0.0))
    lost = lost + near[1] - m.where(small, log[1], 0.0)
    is_near = x < FAR
    return (m.where(is_near, high, far[0]), m.where(is_near, lost, far[1])), log


def _lgamma(m: Lanes, x: Number) -> Number:
    """For positive x only where `wide`."""
    size = m.smaller(m.abs(x), OVERFLOW)
    (high, low), log = _lgamma_in_two(m, m.larger(size, m.tiniest if m.wide else 2.0**-1074))
    value = high + low
    if not m.wide:
        value = m.rarely(x < 0.0, value, lambda: _reflected(m, size, (high, low)))
    value = m.where(m.abs(x) < TINY[m.wide], -log[0], value)
    value = m.where(m.abs(x) > OVERFLOW, math.inf, value)
    return m.where(x.equals(0.0), math.inf, value)


def _reflected(m: Lanes, z: Number, value: Pair) -> Number:
    """log(pi / (z * abs(sin(pi*z)))) - log(gamma(z)), which is given"""
    z = m.smaller(z, WHOLE)
    f, _ = from_whole(m, z)
    below, below_low = product(m, (z, m.constant(0.0)), sine_of_pi(m, m.abs(f)))
    below = m.where(f.equals(0.0), 1.0, below)
    log, log_low = _logarithm(m, m.larger(below, m.tiniest))
    first, lost = m.sum_of(m.constant(LOG_PI[0]), -log)
    second, more = m.sum_of(first, -value[0])
    rest = (LOG_PI[1] - log_low) - (value[1] + below_low / below)
    return m.where(f.equals(0.0), math.inf, second + ((lost + more) + rest))


def in_all_digits(compute: Callable[[Lanes, Number], Number]) -> Callable[[Lanes, Number], Number]:
    """`compute` in doubles as if all digits were wanted: where terms cancel, the result has fewer."""
    def precise(m: Lanes, x: Number) -> Number:
        m.wide = False
        return compute(m, x)

    return precise


def lgamma(m: Lanes, x: Number) -> Number:
    """log(abs(gamma(x)))"""
    if m.double:
        return _lgamma(m, x)
    return m.rarely(x < 0.0, m.in_double(_lgamma, x), lambda: m.in_double(in_all_digits(_lgamma), x))


FUNCTIONS = {"tgamma": tgamma, "lgamma": lgamma}
