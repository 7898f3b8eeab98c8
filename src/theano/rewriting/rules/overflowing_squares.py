"""Squares that overflow where what they are a part of does not.

x**2 / (1 + x**2) is 1 where x**2 is infinite, x**2 * exp(-x**2) is 0 there, and log(1 + x**2/3) is twice the logarithm
of x/sqrt(3): the square is never stated alone, or what it would be divided by is divided first.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, number_like, quotient
from theano.rewriting.known import is_whole, number
from theano.rewriting.pattern import Match, factors_of, rule, terms_of
from theano.rewriting.ranges import bounds
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.symbols import symbols
from theano.rewriting.terms import is_behind, known_number, makes
from theano.scalar.arithmetic import abs_, add, hypot, mul, sqr, sqrt, true_div
from theano.scalar.comparison import gt, lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, log, log1p, pow
from theano.scalar.logic import or_
from theano.scalar.selection import maximum, switch
from theano.tensor.elemwise import elemwise_of

x, y = symbols("x y")

SQUARE_ALONE = 1e18  # from here on log1p(x**2) is log(x**2), and x**2 is still a number of float32
ROOT_OF_LARGEST = 1e19   # of float32
HIGHEST = 12   # powers that are looked at
MOST_NODES = 64   # that `_depends` looks at


def square_may_overflow(m: Match) -> bool:
    return _is_large(m.x, SQUARE_ALONE)


def _is_large(v: Any, size: float) -> bool:
    low, high = bounds(v)
    return low < -size or high > size


def multiple_of_square_may_overflow(m: Match) -> bool:
    factor = number(m.y)
    return square_may_overflow(m) and (factor is None or factor > 0)


scaled = abs_(x) * sqrt(y)   # NaN, which is not larger than anything, of negative y
largest = maximum(abs_(x), abs_(y))
out_of_range = or_(gt(largest, SQUARE_ALONE), lt(largest, 1 / SQUARE_ALONE))

# One logarithm, whatever the size. Applied last, as rules look for 1 + x**2 before that.
LOGARITHMS = ruleset(
    rule("log1p_of_square", log1p(sqr(x)),
         switch(gt(abs_(x), SQUARE_ALONE), 2.0, 1.0)
         * log1p(switch(gt(abs_(x), SQUARE_ALONE), abs_(x), sqr(x))), when=square_may_overflow, assumes="rounding"),
    rule("log1p_of_multiple_of_square", log1p(y * sqr(x)),
         switch(gt(scaled, SQUARE_ALONE), 2.0, 1.0)
         * log1p(switch(gt(scaled, SQUARE_ALONE), scaled, y * sqr(x))), when=multiple_of_square_may_overflow,
         assumes="rounding"),
    rule("log_of_sum_of_squares", log(sqr(x) + sqr(y)),
         switch(out_of_range, 2.0, 1.0) * log(switch(out_of_range, hypot(x, y), sqr(x) + sqr(y))),
         assumes="rounding"),
)

@function_rule(mul, true_div, name="powers_over_sum_with_square", assumes="rounding finite",
               parts=Parts(factors_of, (frozenset([(-1, add), (-1, sqr), (-1, sqrt), (-1, pow), pow]),)))
def powers_over_sum_with_square(node: Apply, site: Site) -> Any:
    """x**2 / (c + a*x**2) -> x / (a*x + c/x), x**3 / (c + a*x**2)**1.5 -> x / (a*x + c/x) * x / sqrt(c + a*x**2), and
    so for higher powers, of which there are as many squares, for numbers a, c > 0"""
    out: Any = node.outputs[0]
    if out.type.dtype not in float_dtypes:
        return None
    coefficient, factors = factors_of(out, site)
    found: list[tuple[float, Any]] = [_base(power, v, site) for power, v in factors]
    for power, total in found:
        shape = _number_and_square(total, site) if power < 0 and makes(total) is add else None
        if shape is None:
            continue
        c, a, x = shape
        own = [n for n, (_, v) in enumerate(found) if v is x]
        below = [n for n, (_, v) in enumerate(found) if v is total]
        k = sum(found[n][0] for n in own)
        n = -sum(found[n][0] for n in below)
        pairs = int(min(k // 2, n))
        if not 1 <= pairs <= HIGHEST or not is_whole(k) or not is_whole(2 * n):
            continue
        rest = [f for place, f in enumerate(factors) if place not in own and place not in below]
        scaled_x = x if a == 1 else elemwise_of(mul)(number_like(a, out.type.dtype), x)
        ratio = elemwise_of(true_div)(x, elemwise_of(add)(
            scaled_x, elemwise_of(true_div)(number_like(c, out.type.dtype), x)))
        above = [ratio] * pairs + [x] * int(k - 2 * pairs) + [v for p, v in rest if p > 0]
        divisors = _divisors(total, n - pairs) + [v for p, v in rest if p < 0]
        result = conform(quotient(above, divisors, coefficient, out.type.dtype), out)
        return None if result is None else [result]
    return None


def _base(power: int, v: Any, site: Site) -> tuple[float, Any]:
    """(n, x) of a factor x**n of one dtype: squares, roots and powers by numbers, also of each other."""
    n: float = power
    while True:
        kind = makes(v)
        if kind is sqr:
            exponent: Any = 2
        elif kind is sqrt:
            exponent = 0.5
        elif kind is pow:
            exponent = known_number(v.owner.inputs[1], site)
        else:
            return n, v
        base = v.owner.inputs[0]
        if exponent is None or isinstance(exponent, complex) or not abs(exponent) <= HIGHEST or \
                base.type.dtype != v.type.dtype or (not is_whole(exponent) and makes(base) is not add):
            return n, v
        site.findings.looked_at([v.owner])
        n, v = n * exponent, base


def _number_and_square(total: Any, site: Site) -> tuple[float, float, Any] | None:
    """(c, a, x) if a sum is c + a*x**2 with numbers a, c > 0 and an x that may be huge."""
    c, terms = terms_of(total, site)
    if isinstance(c, complex) or not c > 0 or len(terms) != 1 or terms[0][0] < 0:
        return None
    a, factors = factors_of(terms[0][1], site)
    if isinstance(a, complex) or not a > 0 or len(factors) != 1 or factors[0][0] != 1:
        return None
    square = elementwise_node(factors[0][1], sqr)
    if square is None or square.inputs[0].type.dtype != total.type.dtype:  # type: ignore[attr-defined]
        return None
    site.findings.looked_at([square])
    return (c, a, square.inputs[0]) if _is_large(square.inputs[0], ROOT_OF_LARGEST) else None


def _divisors(total: Any, n: float) -> list[Any]:
    """What to divide by for total**-n, n a multiple of a half."""
    if is_whole(n):
        return [total] * int(n)
    if n == 0.5:
        return [elemwise_of(sqrt)(total)]
    return [elemwise_of(pow)(total, number_like(n, total.type.dtype))]


@function_rule(mul, true_div, name="square_in_steps", assumes="rounding", needs=[sqr])
def square_in_steps(node: Apply, site: Site) -> Any:
    """sqr(x) * y -> x * (x*y), sqr(x) / y -> x * (x/y), where y is made of powers or exponentials of x: 0 where x is
    huge"""
    out: Any = node.outputs[0]
    if out.type.dtype not in float_dtypes:
        return None
    for position, v in enumerate(node.inputs):
        square = elementwise_node(v, sqr)
        if square is None or v.type.dtype != out.type.dtype:  # type: ignore[attr-defined]
            continue
        base: Any = square.inputs[0]
        others = [w for n, w in enumerate(node.inputs) if n != position]
        if base.type.dtype != out.type.dtype or not _is_large(base, ROOT_OF_LARGEST):
            continue
        if makes(out) is true_div:
            if position or not _depends(others[0], base):
                continue
            result = elemwise_of(mul)(base, elemwise_of(true_div)(base, others[0]))
        else:
            if not any(_falls(w, base, site) for w in others):
                continue
            result = elemwise_of(mul)(base, mul_all([base, *others]))
        result = conform(result, out)
        return None if result is None else [result]
    return None


def _falls(v: Any, x: Any, site: Site) -> bool:
    """May a product be 0 where x is huge: is a factor an exponential, a power or a quotient with x in it?"""
    return any((power < 0 or makes(w) in (exp, pow)) and _depends(w, x) for power, w in factors_of(v, site)[1])


def _depends(v: Any, x: Any) -> bool:
    """Is x surely among what `v` is made of?"""
    return is_behind(x, v, MOST_NODES) is True


@function_rule(log, name="log_of_number_plus_square", assumes="rounding", needs=[add])
def log_of_number_plus_square(node: Apply, site: Site) -> Any:
    """log(c + a*x**2) -> switch(abs(sqrt(a)*x) > 1e18, 2*log(abs(sqrt(a)*x)), log(c + a*x**2)) for numbers a > 0 and
    0 < c <= 1e18, with one logarithm for both"""
    out: Any = node.outputs[0]
    total: Any = node.inputs[0]
    dtype = out.type.dtype
    shape = _number_and_square(total, site) if dtype in float_dtypes and total.type.dtype == dtype else None
    if shape is None or shape[0] > SQUARE_ALONE:
        return None
    _, a, base = shape
    size = elemwise_of(abs_)(base)
    if a != 1:
        size = elemwise_of(mul)(size, number_like(a**0.5, dtype))
    is_far = elemwise_of(gt)(size, number_like(SQUARE_ALONE, dtype))
    times = elemwise_of(switch)(is_far, number_like(2, dtype), number_like(1, dtype))
    result = elemwise_of(mul)(times, elemwise_of(log)(elemwise_of(switch)(is_far, size, total)))
    result = conform(result, out)
    return None if result is None else [result]


LOGARITHMS_OF_SQUARES = ruleset(LOGARITHMS, log_of_number_plus_square)
