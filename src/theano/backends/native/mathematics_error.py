"""Vector mathematics: error functions.

erf and erfc are Taylor's series from the nearest of many nodes, whose values are in a table. For large x, and as erfcx,
erfc(x) = exp(-x**2) * W(x) / (1 + 2*x), where W is almost constant: it is a polynomial of (x - k)/(x + k), as in
M. M. Shepherd, J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x", Math. Comp. 36 (1981).
Where the machine looks up elements of a register for all lanes at once, erfc in single precision is
exp(-x**2) * erfcx(x), too, and erfcx a polynomial on each of 16 pieces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from theano.backends.native import mathematics_polynomials as table
from theano.backends.native.mathematics_exponential import one_plus, reduced
from theano.backends.native.mathematics_text import ROUNDER, Lanes, Number

# in single precision, on the widest vectors
NEAR = 0.75  # to which erf(x) is a polynomial of x
ONE = 4.0  # beyond, erf(x) is 1
NONE = 27.3  # beyond, erfc(x) is 0 in double precision
MIDDLE = 3.5  # k
# of erfcx: to CLOSE it is a polynomial of x, and k for all other x >= 0
CLOSE = 0.5
ALL = {"double": 3.5, "float": 2.8671875}
LARGE = {"double": 2.0**28, "float": 2.0**13}  # from which erfcx(x) is 1 / (sqrt(pi) * x)
ENDLESS = {"double": 26.6287358, "float": 9.38242}  # erfcx(-x) overflows
ONE_OVER_ROOT_PI = 0.5641895835477563
# nodes r = k / STEPS up to LAST, between which the functions are Taylor's series of them; beyond, erf(x) is 1
STEPS = {"double": 128, "float": 64}
LAST = {"double": 6, "float": 11}
LAST_PIECE = 10.25  # beyond, erfc(x) is 0 in single precision
MASK = 1023  # of an index
CLOSE_TO_ZERO = 1 / 32  # of erf, to which the node is 0
BITS = {"double": 148, "float": 212}  # of the nodes' values: single precision goes further out
TWO_OVER_ROOT_PI = 0x120DD750429B6D11AE3A914FED7FD8688281341D7587CEA2E7342B  # times 2**212


def taylor(kind: str, complement: bool) -> tuple[list[float], list[float], list[float], float]:
    """Of the ratio in `_from_node`: polynomials of u, that with v, that with v**2 (of u; or of v, for erf), and what
    stands with u * v**2; as long as the precision asks for where u or v are greatest."""
    terms = {("double", True): (7, 6, 3), ("double", False): (5, 4, 3),
             ("float", True): (5, 3, 1), ("float", False): (2, 1, 1)}  # fmt: skip
    n0, n1, n2 = terms[kind, complement]
    first = [(-1.0) ** k / math.factorial(k + 1) for k in range(1, n0 + 1)]
    second = [-((-1.0) ** k) / math.factorial(k) / (k + 3) for k in range(n1)]
    third = [1 / 10, -1 / 12, 1 / 28] if complement else [1 / 10, -1 / 42, 1 / 216]
    return first, second, third[:n2], 0.0 if complement or kind == "float" else -1 / 12


@cache
def nodes(steps: int, last: int, bits: int) -> tuple[tuple[int, int], ...]:
    """erf(r) and erf'(r) for each node, times 2**bits; every node from the one before by Taylor's series."""
    exp_step = term = 1 << bits  # exp(-1 / steps**2)
    for k in range(1, 20):
        term = -term // (k * steps**2)
        exp_step += term
    factor, squared = exp_step, exp_step * exp_step >> bits
    value, slope, found = 0, TWO_OVER_ROOT_PI >> (212 - bits), []
    for n in range(steps * last + 1):
        found.append((value, slope))
        # of exp(-2*r*s - s**2): the terms in s, and of its integral
        before, term, k = 0, slope // steps, 0
        while abs(term) > 1 or abs(before) > 1:
            value += term // (k + 1)
            k += 1
            before, term = term, -2 * (n * term + before) // (k * steps**2)
        slope = slope * factor >> bits
        factor = factor * squared >> bits
    return tuple(found)


@cache
def table_of(kind: str, complement: bool) -> tuple[float, ...]:
    """For each node erf(r), or erfc(r), and erf'(r); as many as are sure to hold what an index of NaN finds."""
    one = 1 << BITS[kind]
    pairs = nodes(STEPS[kind], LAST[kind], BITS[kind])
    numbers = [x / one for value, slope in pairs for x in (one - value if complement else value, slope)]
    return (*numbers, *[0.0] * (2 * MASK + 2 - len(numbers)))


def _from_node(m: Lanes, size: Number, complement: bool) -> tuple[Number, Number]:
    """erf or erfc of the node r nearest to a size, and |erf(size) - erf(r)|.

    That difference is erf'(r) * d * g, g the mean of exp(-2*r*d*t - (d*t)**2) over 0 <= t <= 1, d = size - r; as a
    series in u = 2*r*d and v = d**2.
    """
    rounder = ROUNDER[m.kind] / STEPS[m.kind]
    y = m.smaller(size, float(LAST[m.kind]))
    moved = y + rounder
    if not complement:
        moved = m.where(y < CLOSE_TO_ZERO, rounder, moved)
    r = moved - rounder
    index = (m.bits(moved) & MASK) << 1
    value, slope = m.pair(f"erf{'c' * complement}_nodes", table_of(m.kind, complement), index)
    d = y - r
    u, v = d * (r + r), d * d
    first, second, third, mixed = taylor(m.kind, complement)
    rest = m.polynomial(second, u)
    if third:
        last = m.polynomial(third, u if complement else v)
        rest = m.fma(v, m.fma(u, mixed, last) if mixed else last, rest)
    difference = slope * d
    return value, m.fma(difference, m.fma(u, m.polynomial(first, u), v * rest), difference)


def _near(m: Lanes, x: Number) -> Number:
    """erf(x) - x for small x."""
    return x * m.polynomial(m.coefficients(table.ERF), x * x)


def _erf_without_table(m: Lanes, size: Number) -> Number:
    """1 - exp(p(x)) beyond what `_near` can: for many lanes of short numbers quicker than as many readings."""
    y = m.smaller(size, ONE)
    _, whole, r, _ = reduced(m, m.polynomial(m.coefficients(table.LOGERFC4), y))
    far = 1.0 - one_plus(m, r) * m.power_of_two(whole)
    return m.where(y < NEAR, y + _near(m, y), far)


def erf(m: Lanes, x: Number) -> Number:
    if not m.double and m.machine.vector_bytes == 64:
        return m.copysign(_erf_without_table(m, m.abs(x)), x)
    value, difference = _from_node(m, m.abs(x), complement=False)
    return m.copysign(value + difference, x)


def _slow_part(m: Lanes, x: Number, k: float, coefficients: Sequence[float]) -> tuple[Number, Number]:
    """exp(x**2) * erfc(x) as a sum, for x >= CLOSE: p(t) / (1 + 2*x)."""
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


def _erfc_in_pieces(m: Lanes, size: Number) -> Number:
    """exp(-x**2) * erfcx(x) for x >= 0, in single precision.

    As (1 + p) * (c + change), c + change = erfcx(x): multiplied out, c is added last, and rounding c + change counts
    for little. c is almost exact (docs/make_polynomials.py). The error is at most 1.68 units.
    """
    y = m.smaller(size, LAST_PIECE)
    node, first, *others = m.elements("erfcx_pieces", table.ERFCX_PIECES["float"], m.bits(y + 1.0) >> (m.mantissa - 2))
    d = y - node
    change = d * m.polynomial(others, d)
    square, lost = m.product_of(y, y)
    n, whole, r, _ = reduced(m, -square)
    r = r - lost
    power = m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), r)
    return m.scaled(first + m.fma(first + change, power, change), n, whole)


def erfc(m: Lanes, x: Number) -> Number:
    if not m.double and m.has_elements():
        value = _erfc_in_pieces(m, m.abs(x))
        return m.where(x < 0.0, 2.0 - value, value)
    value, difference = _from_node(m, m.abs(x), complement=True)
    value = value - difference
    value = m.where(x < 0.0, 2.0 - value, value)
    return m.rarely(x > float(LAST[m.kind]), value, lambda: _erfc_of_large(m, x)) if m.double else value


def _erfc_of_large(m: Lanes, x: Number) -> Number:
    size = m.smaller(m.larger(x, float(LAST[m.kind])), NONE)
    high, low = _slow_part(m, size, MIDDLE, m.coefficients(table.ERFCX))
    square, lost = m.product_of(size, size)
    n, whole, r, r_low = reduced(m, -square)
    r, r_low = m.sum_of_ordered(r, r_low - lost)
    power = r + m.fma(r * r, m.polynomial(m.coefficients(table.EXP), r), r_low)
    return m.scaled(high + m.fma(high, power, low), n, whole)


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
