"""What elementwise ops are on complex numbers, as formulas on pairs of reals: their native form.

Every formula is a function (b, *pairs) of values of one dtype, where a pair is (real part, imaginary part) and `b` is
the `NativeBuilder` of op.py. It gives a pair, or one value where the op's result is real. Exponentials, roots and their
kin are in `complex_functions.py`. Ops that are missing in both run through their NumPy meaning.

The quotient is Smith's (Algorithm 116, CACM 5, 1962), as NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

Pair = tuple[Any, Any]
KEPT = {"switch": 1, "second": 1}  # how many of an op's first inputs keep their dtype


def _add(b: Any, x: Pair, y: Pair) -> Pair:
    return x[0] + y[0], x[1] + y[1]


def mul(b: Any, x: Pair, y: Pair) -> Pair:
    """One product of each part is not rounded where the machine can, as in NumPy's vector code."""
    return b.fma(x[0], y[0], -(x[1] * y[1])), b.fma(x[0], y[1], x[1] * y[0])


def true_div(b: Any, x: Pair, y: Pair) -> Pair:
    """Divides by the larger part first, so that no square overflows."""
    (a, c), (re, im) = x, y
    flat = abs(re) >= abs(im)
    large, small = b.select(flat, re, im), b.select(flat, im, re)
    ratio = small / large
    scale = b.const(1.0, re.dtype) / (large + small * ratio)
    real = b.select(flat, a + c * ratio, a * ratio + c) * scale
    imag = b.select(flat, c - a * ratio, c * ratio - a) * scale
    nothing = b.eq(large, 0.0) & b.eq(small, 0.0)
    zero = abs(re)
    return b.select(nothing, a / zero, real), b.select(nothing, c / zero, imag)


def _angle(b: Any, x: Pair) -> Any:
    return b.math("atan2", b.cast(x[1], "float64"), b.cast(x[0], "float64"))


def _switch(b: Any, condition: Pair, x: Pair, y: Pair) -> Pair:
    chosen = b.ne(condition[0], 0) | b.ne(condition[1], 0)
    return b.select(chosen, x[0], y[0]), b.select(chosen, x[1], y[1])


def _one(x: Pair, b: Any) -> Pair:
    return b.const(1.0, x[0].dtype), b.const(0.0, x[0].dtype)


FORMULAS: dict[str, Callable[..., Any]] = {
    "add": lambda b, *xs: reduce(lambda x, y: _add(b, x, y), xs),
    "mul": lambda b, *xs: reduce(lambda x, y: mul(b, x, y), xs),
    "sub": lambda b, x, y: (x[0] - y[0], x[1] - y[1]),
    "neg": lambda b, x: (-x[0], -x[1]),
    "true_div": true_div,
    "inv": lambda b, x: true_div(b, _one(x, b), x),
    "sqr": lambda b, x: mul(b, x, x),
    "conj": lambda b, x: (x[0], -x[1]),
    "real": lambda b, x: x[0],
    "imag": lambda b, x: x[1],
    "abs_": lambda b, x: b.math("hypot", *x),
    "angle": _angle,
    "isnan": lambda b, x: b.isnan(x[0]) | b.isnan(x[1]),
    "isinf": lambda b, x: b.isinf(x[0]) | b.isinf(x[1]),
    "eq": lambda b, x, y: b.eq(x[0], y[0]) & b.eq(x[1], y[1]),
    "neq": lambda b, x, y: b.ne(x[0], y[0]) | b.ne(x[1], y[1]),
    "switch": _switch,
    "second": lambda b, x, y: y,
    "identity": lambda b, x: x,
    "Cast{complex64}": lambda b, x: x,
    "Cast{complex128}": lambda b, x: x,
    "complex": lambda b, x, y: (x[0], y[0]),
    "complex_from_polar": lambda b, r, t: (r[0] * b.math("cos", t[0]), r[0] * b.math("sin", t[0])),
}
