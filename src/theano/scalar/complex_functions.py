"""Roots, logarithms, powers, circular and hyperbolic functions of complex numbers, as formulas on pairs of reals.

FORMULAS holds these and those of `complex_pairs.py`; lowering imports it when it meets the first complex number. Branch
cuts and special values are C's (ISO C, Annex G): zeros have signs, so that a number on a cut lies on that side which
the sign of its zero says. Nothing overflows but results.

Circular functions are hyperbolic ones of i z, which swaps the parts: sin(x + i y) has the parts of sinh(y + i x) the
other way round, and so have tan, arctan and arcsin. Inverse functions are W. Kahan's ("Branch Cuts for Complex
Elementary Functions", in "The State of the Art in Numerical Analysis", 1987).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from theano.scalar import complex_pairs
from theano.scalar.complex_pairs import Pair, mul, true_div

LN2_PARTS = {
    "float32": (0.6931471824645996, -1.904654323148236e-09), "float64": (0.6931471805599453, 2.3190468138462996e-17),
}  # fmt: skip
LN2, LOG2E, LOG10E = 0.6931471805599453, 1.4426950408889634, 0.4342944819032518


class Bounds(NamedTuple):
    """Of a precision: e**most is finite, and what is greater goes down by `step` once or twice; beyond `most` + 2 *
    `step`, e**x times the smallest number is infinite. `deep`: 2**-deep is small, and its square a normal number;
    2**-up times the smallest number is normal. Beyond 2**digits nothing is left of 1."""

    most: float
    step: float
    deep: int
    up: int
    digits: int


BOUNDS = {"float32": Bounds(88.0, 60.0, 60, 24, 26), "float64": Bounds(700.0, 600.0, 480, 54, 55)}


def _swapped(formula: Callable[[Any, Pair], Pair]) -> Callable[[Any, Pair], Pair]:
    def function(b: Any, z: Pair) -> Pair:
        re, im = formula(b, (z[1], z[0]))
        return im, re

    return function


def _one(b: Any, x: Any) -> Any:
    return b.const(1.0, x.dtype)


def _is_endless(b: Any, x: Any) -> Any:
    """No number: infinite or NaN."""
    return b.isnan(x) | b.isinf(x)


def _sum_of(a: Any, c: Any) -> Pair:
    """a + c and what rounding lost."""
    total = a + c
    virtual = total - a
    return total, (a - (total - virtual)) + (c - virtual)


# ---- exponentials


def _lowered(b: Any, x: Any, base: str = "exp") -> tuple[Any, Callable[[Any], Any]]:
    """A number less than x whose exponential is finite, and what multiplies another one by the rest of e**x (2**x)."""
    unit = 1.0 if base == "exp" else LN2
    most, step = (float(bound // unit) for bound in BOUNDS[x.dtype][:2])
    x = b.min(x, most + 2 * step)
    once, twice = x > most, x > most + step
    factor = b.const(math.exp(step) if base == "exp" else 2.0**step, x.dtype)
    first, second = b.select(once, factor, _one(b, x)), b.select(twice, factor, _one(b, x))
    return b.select(twice, x - 2 * step, b.select(once, x - step, x)), lambda value: (value * first) * second


def _direction(b: Any, x: Any) -> Pair:
    """cos(x log(2)) and sin(x log(2)), with the digits that the product loses where the machine multiplies and adds."""
    unit, low = LN2_PARTS[x.dtype]
    angle = x * unit
    lost = b.fma(x, unit, -angle) + x * low
    cos, sin = b.math("cos", angle), b.math("sin", angle)
    return b.fma(-lost, sin, cos), b.fma(lost, cos, sin)


def exp(b: Any, z: Pair, base: str = "exp") -> Pair:
    """exp(re) (cos(im) + i sin(im)), finite where the product is although exp(re) is not; or exp2."""
    re, im = z
    lower, grown = _lowered(b, re, base)
    cos, sin = _direction(b, im) if base == "exp2" else (b.math("cos", im), b.math("sin", im))
    size = b.math(base, lower)
    real, imag = size * grown(cos), size * grown(sin)
    # no direction: modulus 0 is 0 in any, modulus infinity has its real part
    vanishes = b.eq(re, -math.inf) & _is_endless(b, im)
    explodes = b.eq(re, math.inf) & _is_endless(b, im)
    real = b.select(vanishes, 0.0, b.select(explodes, re, real))
    imag = b.select(vanishes, b.copysign(b.const(0.0, im.dtype), im), imag)
    on_axis = b.eq(im, 0.0)
    return b.select(on_axis, size * grown(_one(b, re)), real), b.select(on_axis, im, imag)


def _expm1(b: Any, z: Pair) -> Pair:
    """(exp(x) - 1) cos(y) - 2 sin(y/2)**2 + i exp(x) sin(y)"""
    x, y = z
    real, imag = exp(b, z)
    sine = b.math("sin", y * 0.5)
    return b.select(abs(x) < 40.0, b.math("expm1", x) * b.math("cos", y) - (sine + sine) * sine, real - 1.0), imag


def _parts_of_hyperbolic(b: Any, z: Pair) -> tuple[Any, Any, Any, Any]:
    """sinh(x), cosh(x), cos(y), sin(y), of which the latter got a share of the former, where they overflow."""
    x, y = z
    lower, grown = _lowered(b, abs(x))
    return b.copysign(b.math("sinh", lower), x), b.math("cosh", lower), grown(b.math("cos", y)), grown(b.math("sin", y))


def _sinh(b: Any, z: Pair) -> Pair:
    x, y = z
    sinh, cosh, cos, sin = _parts_of_hyperbolic(b, z)
    endless = _is_endless(b, y)
    real = b.select(endless & b.isinf(x), abs(x), b.select(endless & b.eq(x, 0.0), x, sinh * cos))
    return real, b.select(b.eq(y, 0.0), y, cosh * sin)


def _cosh(b: Any, z: Pair) -> Pair:
    x, y = z
    sinh, cosh, cos, sin = _parts_of_hyperbolic(b, z)
    endless = _is_endless(b, y)
    imag = b.select(b.isnan(x) & b.eq(y, 0.0), y, b.select(endless & b.eq(x, 0.0), 0.0, sinh * sin))
    return b.select(endless & b.isinf(x), abs(x), cosh * cos), imag


def _cos(b: Any, z: Pair) -> Pair:
    return _cosh(b, (-z[1], z[0]))


def _tanh(b: Any, z: Pair) -> Pair:
    """(sinh(x) cosh(x) + i sin(y) cos(y)) / (sinh(x)**2 + cos(y)**2)"""
    x, y = z
    far = abs(x) > 22.0
    size = b.min(abs(x), BOUNDS[x.dtype].most)
    near = b.select(far, b.const(1.0, x.dtype), size)
    sinh, cosh = b.math("sinh", near), b.math("cosh", size)
    cos, sin = b.math("cos", y), b.math("sin", y)
    below = sinh * sinh + cos * cos
    real = b.copysign(b.select(far, 1.0, sinh * cosh / below), x)
    imag = b.select(far, (sin / cosh) * (cos / cosh), sin * cos / below)
    endless = _is_endless(b, y)
    real = b.select(b.isnan(x) | (endless & ~b.isinf(x)), b.select(b.eq(x, 0.0), x, math.nan), real)
    imag = b.select(endless & b.isinf(x), b.copysign(b.const(0.0, y.dtype), y), imag)
    return real, b.select(b.eq(y, 0.0), y, imag)


# ---- roots and logarithms


def _sqrt(b: Any, z: Pair) -> Pair:
    """t = sqrt((|x| + |z|) / 2) and y / (2 t), or the other way round; of a multiple of z where |z| might overflow."""
    x, y = z
    up = BOUNDS[x.dtype].up
    more = b.max(abs(x), abs(y))
    large, small = more > 2.0 ** (2 * up), more < 2.0 ** -(2 * up)
    factor = b.select(large, b.const(2.0**-4, x.dtype), b.select(small, b.const(2.0 ** (2 * up), x.dtype), _one(b, x)))
    back = b.select(large, b.const(4.0, x.dtype), b.select(small, b.const(2.0**-up, x.dtype), _one(b, x)))
    a, c = abs(x * factor), abs(y * factor)
    root = b.sqrt((a + b.math("hypot", a, c)) * 0.5)
    other = c / b.select(b.eq(root, 0.0), 1.0, root + root)
    left = x < 0.0
    real, imag = b.select(left, other, root) * back, b.copysign(b.select(left, root, other) * back, y)
    return b.select(b.isinf(y), abs(y), real), b.select(b.isinf(y), y, imag)


def _log_of_modulus(b: Any, z: Pair, beside_one: bool = False) -> Any:
    """log |z|, of |z|**2 - 1 to all digits where that is near 0; or log |1 + z| `beside_one`."""
    x, y = z
    x, low = _sum_of(_one(b, x), x) if beside_one else (x, None)
    more, less = b.max(abs(x), abs(y)), b.min(abs(x), abs(y))
    near = (more > 0.5) & (more < 2.0)
    # more**2 - 1 as a product: it has its digits where less**2 hardly counts, without what products lose, too
    under, (over, rest) = more - 1.0, _sum_of(_one(b, x), more)
    product, other = under * over, less * less
    lost = b.fma(under, over, -product) + (under * rest + b.fma(less, less, -other))
    total, carried = _sum_of(product, other)
    small = carried + lost
    if low is not None:
        small = small + (x + x) * low
    ratio = less / b.select(b.isinf(more) | b.eq(more, 0.0), 1.0, more)
    value = b.math("log1p", b.select(near, total + small, ratio * ratio)) * 0.5
    value = b.math("log", b.select(near, 1.0, more)) + value
    return b.select(b.isinf(x) | b.isinf(y), math.inf, value)


def log(b: Any, z: Pair) -> Pair:
    return _log_of_modulus(b, z), b.math("atan2", z[1], z[0])


def _log1p(b: Any, z: Pair) -> Pair:
    return _log_of_modulus(b, z, beside_one=True), b.math("atan2", z[1], z[0] + 1.0)


def _scaled(formula: Callable[[Any, Pair], Pair], factor: float) -> Callable[[Any, Pair], Pair]:
    def function(b: Any, z: Pair) -> Pair:
        re, im = formula(b, z)
        return re * factor, im * factor

    return function


# ---- powers


def _choose(b: Any, condition: Any, z: Pair, w: Pair) -> Pair:
    return b.select(condition, z[0], w[0]), b.select(condition, z[1], w[1])


def _whole_power(b: Any, z: Pair, n: Any) -> Pair:
    """z**n for whole n of less than 100 in size, by squaring. NumPy multiplies with 1, too, but for n <= 3."""
    size = abs(n)
    count, one = b.cast(size, "int32"), (_one(b, n), b.const(0.0, n.dtype))
    power, total = z, one
    for bit in range(7):
        alone = b.eq(size, 2.0) if bit else size <= 3.0
        product = mul(b, total, power)
        product = _choose(b, alone, power, product) if bit < 2 else product
        total = _choose(b, b.ne((count >> bit) & 1, 0), product, total)
        power = mul(b, power, power)
    return _choose(b, n < 0.0, true_div(b, one, total), total)


def _pow(b: Any, z: Pair, w: Pair) -> Pair:
    """exp(w log(z)), or by squaring; 0 to what has a positive real part is 0, and NaN to all others but 0."""
    dtype = z[0].dtype
    if dtype != "float64":
        wide = [tuple(b.cast(part, "float64") for part in pair) for pair in (z, w)]
        real, imag = _pow(b, *wide)
        return b.cast(real, dtype), b.cast(imag, dtype)
    (x, y), (n, m) = z, w
    whole = b.eq(m, 0.0) & (abs(n) < 100.0) & b.eq(b.rint(n), n)
    value = _choose(b, whole, _whole_power(b, z, b.select(whole, n, 0.0)), exp(b, mul(b, w, log(b, z))))
    of_zero = b.select(n > 0.0, 0.0, b.const(math.nan, dtype))
    value = _choose(b, b.eq(x, 0.0) & b.eq(y, 0.0), (of_zero, of_zero), value)
    return _choose(b, b.eq(n, 0.0) & b.eq(m, 0.0), (_one(b, n), b.const(0.0, dtype)), value)


# ---- inverse functions


def _arctanh(b: Any, z: Pair) -> Pair:
    """log(1 + 4 x / ((1 - x)**2 + y**2)) / 4, and half the angle of ((1 - x) (1 + x) - y**2, 2 y)"""
    bounds = BOUNDS[z[0].dtype]
    x, y = abs(z[0]), abs(z[1])
    far = b.max(x, y) > 2.0**bounds.digits
    size = b.math("hypot", x, y)
    direct = b.select(b.isinf(size), 0.0, (x / size) / size)
    a, c = b.select(far, 0.0, x), b.select(far, 0.0, y)
    pole = b.eq(a, 1.0) & (c < 2.0**-bounds.deep)   # where y**2 may be 0
    below = b.select(pole, 1.0, (1.0 - a) * (1.0 - a) + c * c)
    usual = b.math("log1p", 4.0 * a / below) * 0.25
    beside = (b.const(LN2, x.dtype) - b.math("log", c)) * 0.5
    real = b.select(far, direct, b.select(pole, beside, usual))
    angle = b.math("atan2", c + c, (1.0 - a) * (1.0 + a) - c * c) * 0.5
    imag = b.select(far, b.const(math.pi / 2, x.dtype), angle)
    # far from all, whatever the other part is; and on the imaginary axis
    endless = b.isinf(x) | b.isinf(y)
    real = b.select(endless | b.eq(x, 0.0), 0.0, b.select(b.isnan(y), y, real))
    imag = b.select(b.isinf(y), b.const(math.pi / 2, x.dtype), b.select(b.isnan(x) | b.isnan(y), math.nan, imag))
    return b.copysign(real, z[0]), b.copysign(imag, z[1])


def _arcs(b: Any, z: Pair) -> tuple[Any, Any, Any]:
    """The real parts of arcsin and arccos, and the imaginary part of arcsin: of the roots of 1 - z and 1 + z."""
    x, y = z
    huge = b.max(abs(x), abs(y)) > 2.0 ** (2 * BOUNDS[x.dtype].deep)
    factor = b.select(huge, b.const(0.0625, x.dtype), _one(b, x))   # 1 is nothing beside those
    a, c = x * factor, y * factor
    (left, left_im), (right, right_im) = _sqrt(b, (1.0 - a, -c)), _sqrt(b, (1.0 + a, c))
    sine = b.math("atan2", a, left * right - left_im * right_im)
    cosine = b.math("atan2", left, right) * 2.0
    imag = b.math("asinh", left * right_im - left_im * right)
    imag = abs(imag) + b.select(huge, b.const(4 * LN2, x.dtype), 0.0)
    imag = b.select(b.max(abs(x), abs(y)) < 2.0 ** -BOUNDS[x.dtype].digits, abs(y), imag)
    # infinite ones have the angle of their infinite parts
    endless = b.isinf(x) | b.isinf(y)
    across = b.select(b.isinf(x), b.copysign(_one(b, x), x), x * 0.0)
    along = b.select(b.isinf(y), 1.0, abs(y) * 0.0)
    sine = b.select(endless, b.math("atan2", across, along), b.select(b.eq(x, 0.0), x, sine))
    quarter = b.const(math.pi / 2, x.dtype)
    cosine = b.select(endless, b.math("atan2", along, across), b.select(b.eq(x, 0.0), quarter, cosine))
    return sine, cosine, b.copysign(b.select(endless, math.inf, imag), y)


def _arcsin(b: Any, z: Pair) -> Pair:
    sine, _, imag = _arcs(b, z)
    return sine, imag


def _arccos(b: Any, z: Pair) -> Pair:
    _, cosine, imag = _arcs(b, z)
    return cosine, -imag


def _arccosh(b: Any, z: Pair) -> Pair:
    _, cosine, imag = _arcs(b, z)
    return abs(imag), b.copysign(cosine, z[1])


FORMULAS: dict[str, Callable[..., Any]] = {
    **complex_pairs.FORMULAS,
    "exp": exp, "exp2": lambda b, z: exp(b, z, "exp2"), "expm1": _expm1, "pow": _pow, "sqrt": _sqrt,
    "log": log, "log2": _scaled(log, LOG2E), "log10": _scaled(log, LOG10E), "log1p": _log1p,
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh, "sin": _swapped(_sinh), "cos": _cos, "tan": _swapped(_tanh),
    "arctanh": _arctanh, "arctan": _swapped(_arctanh), "arcsin": _arcsin, "arcsinh": _swapped(_arcsin),
    "arccos": _arccos, "arccosh": _arccosh,
}  # fmt: skip
