"""Exponentials, logarithms and powers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.cancelling import constant_of
from theano.scalar.comparison import eq, isinf
from theano.scalar.declare import elementwise, like
from theano.scalar.dtypes import (
    is_float,
    upcast_out_min8,
    upgrade_to_float,
    upgrade_to_float_no_complex,
)
from theano.scalar.facts import NONNEGATIVE, POSITIVE
from theano.scalar.logic import and_
from theano.scalar.op import ScalarOp
from theano.scalar.selection import cast_to, switch
from theano.scalar.shares import exp_gradient, power_gradient

LN2 = math.log(2)
LN10 = math.log(10)

exp = elementwise(
    "exp", dtype=upgrade_to_float, numpy=np.exp, grad=lambda x, y, gz: exp_gradient(x, y, gz),
    native=lambda b, x: b.math("exp", x),
    facts=[f.increasing, f.values_in("[0, inf]"), f.inverse("log")], method=("exp",), ulp=4,
    doc="e ** x.",
)
exp2 = elementwise(
    "exp2", dtype=upgrade_to_float, numpy=np.exp2, grad=lambda x, y, gz: gz * y * like(LN2, y),
    native=lambda b, x: b.math("exp2", x),
    facts=[f.increasing, f.values_in("[0, inf]"), f.inverse("log2")], method=("exp2",), ulp=4,
    doc="2 ** x.",
)
expm1 = elementwise(
    "expm1", dtype=upgrade_to_float, numpy=np.expm1, grad=lambda x, y, gz: exp_gradient(x, exp(x), gz),
    native=lambda b, x: b.math("expm1", x),
    facts=[f.increasing, f.values_in("[-1, inf]"), f.inverse("log1p")], method=("expm1",), ulp=4,
    doc="exp(x) - 1, precise where x is near 0.",
)
log = elementwise(
    "log", dtype=upgrade_to_float, numpy=np.log, grad=lambda x, y, gz: gz / x,
    native=lambda b, x: b.math("log", x),
    facts=[f.increasing, f.inverse("exp", "[0, inf]")], domain=(POSITIVE,), method=("log",), ulp=4,
    doc="Natural logarithm; -inf at 0, NaN of negative reals.",
)
log2 = elementwise(
    "log2", dtype=upgrade_to_float, numpy=np.log2, grad=lambda x, y, gz: gz / (x * like(LN2, y)),
    native=lambda b, x: b.math("log2", x),
    facts=[f.increasing, f.inverse("exp2", "[0, inf]")], domain=(POSITIVE,), method=("log2",), ulp=4,
    doc="Logarithm to base 2.",
)
log10 = elementwise(
    "log10", dtype=upgrade_to_float, numpy=np.log10, grad=lambda x, y, gz: gz / (x * like(LN10, y)),
    native=lambda b, x: b.math("log10", x),
    facts=[f.increasing], domain=(POSITIVE,), method=("log10",), ulp=4,
    doc="Logarithm to base 10.",
)
log1p = elementwise(
    "log1p", dtype=upgrade_to_float, numpy=np.log1p, grad=lambda x, y, gz: gz / (1 + x),
    native=lambda b, x: b.math("log1p", x),
    facts=[f.increasing, f.inverse("expm1", "[-1, inf]")], domain=(f.interval("(-1, inf)"),),
    method=("log1p",), ulp=4, doc="log(1 + x), precise where x is near 0.",
)


def _pow_gradient(x: Any, y: Any, z: Any, gz: Any) -> tuple[Any, Any]:
    n = constant_of(y)
    by_base = power_gradient(x, n, z, gz) if n else None
    if by_base is None:
        # a number is written as one: what takes this gradient must see the power (`cancelling.py`)
        by_base = gz * y * x ** (np.asarray(n - 1, y.dtype) if n else y - 1)
    if not n and not _known_nonzero(y):
        by_base = switch(eq(y, 0), 0, by_base)   # x ** 0 is constant, also at x = 0 where x ** -1 is inf
    # 0 ** y is 0 for every y > 0, although log(0) is -inf; a base of a narrow dtype must not make log(x) inexact
    base = cast_to(z.dtype)(x) if is_float(z.dtype) and x.dtype != z.dtype else x
    by_exponent = gz * z * switch(eq(base, 0), 0, log(base))
    return by_base, by_exponent


def _known_nonzero(exponent: Any) -> bool:
    data = getattr(exponent, "data", None)
    return isinstance(data, np.ndarray) and bool(np.all(data != 0))


def _native_pow(b: Any, x: Any, y: Any) -> Any:
    # of integers, negative exponents must raise: the lowering sees to that
    return b.math("pow", x, y) if is_float(x.dtype) else b.power(x, y)


pow = elementwise(
    "pow", 2, dtype=upcast_out_min8, numpy=np.power, grad=_pow_gradient, native=_native_pow,
    facts=[f.Identity(1, "right")], aliases=("power",), symbol="**", domain=(POSITIVE, f.REAL), ulp=4,
    doc="x ** y. Integers wrap, and a negative integer exponent is a ValueError when both are integers.",
)


def _logaddexp_native(b: Any, x: Any, y: Any) -> Any:
    sum_ = b.max(x, y) + b.math("log1p", b.math("exp", -abs(x - y)))
    return b.select(b.eq(x, y), x + LN2, sum_)   # equal infinities: their difference is NaN


def _logaddexp_gradient(x: Any, y: Any, z: Any, gz: Any) -> tuple[Any, Any]:
    # equal infinities share evenly; elsewhere the difference must depend on both, for second derivatives
    difference = switch(and_(isinf(x), eq(x, y)), 0, x - y)
    sigmoid = ScalarOp.registry["sigmoid"]
    return gz * sigmoid(difference), gz * sigmoid(-difference)


logaddexp = elementwise(
    "logaddexp", 2, dtype=upgrade_to_float_no_complex, numpy=np.logaddexp, grad=_logaddexp_gradient,
    native=_logaddexp_native, facts=[f.commutative, f.associative], ulp=8,
    doc="log(exp(x) + exp(y)) without overflow in between.",
)


def _log1mexp(x: Any) -> Any:
    return np.where(x > -LN2, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


log1mexp = elementwise(
    "log1mexp", dtype=upgrade_to_float_no_complex, numpy=_log1mexp,
    grad=lambda x, y, gz: -(gz / expm1(-x)),
    native=lambda b, x: b.select(
        x > -LN2, b.math("log", -b.math("expm1", x)), b.math("log1p", -b.math("exp", x))),
    facts=[f.decreasing, f.involution, f.inverse("log1mexp", "[-inf, 0]"), f.values_in("[-inf, 0]")],
    domain=(f.interval("(-inf, 0)"),), ulp=8,
    doc="log(1 - exp(x)) for x < 0, precise near 0 and far from it.",
)


def _xlogx(x: Any) -> Any:
    return np.where(x == 0, x.dtype.type(0), x * np.log(x))


def _native_xlogy(b: Any, x: Any, y: Any) -> Any:
    zero = b.const(0.0, x.dtype)
    return b.select(b.eq(x, zero), zero, x * b.math("log", y))


xlogx = elementwise(
    "xlogx", dtype=upgrade_to_float, numpy=_xlogx, grad=lambda x, y, gz: gz * (1 + log(x)),
    native=lambda b, x: _native_xlogy(b, x, x), domain=(NONNEGATIVE,), ulp=5,
    doc="x * log(x), and 0 at 0.",
)
xlogy0 = elementwise(
    "xlogy0", 2, dtype=upgrade_to_float,
    numpy=lambda x, y: np.where(x == 0, x.dtype.type(0), x * np.log(y)),
    grad=lambda x, y, z, gz: (gz * log(y), switch(eq(x, 0), 0, gz * x / y)),
    native=_native_xlogy, domain=(f.REAL, POSITIVE), ulp=5,
    doc="x * log(y), and 0 wherever x is 0.",
)


def _scales(dtype: str) -> tuple[float, float]:
    """Powers of two (downwards, upwards) that bring an overflown or underflown product back when both factors take
    one: exact, and for a quotient just as well."""
    limits = np.finfo(dtype)
    smallest = limits.minexp - limits.nmant
    return 2.0 ** -(limits.maxexp // 2 + 28), 2.0 ** ((limits.minexp - 2 * smallest + 1) // 2)


def log_of_product(x: Any, y: Any) -> Any:
    """log(x * y) of arrays, also where the product leaves their dtype's range."""
    if x.dtype == np.float16:
        return np.log(x.astype(np.float32) * y.astype(np.float32))
    down, up = (x.dtype.type(scale) for scale in _scales(x.dtype.name))
    with np.errstate(all="ignore"):
        plain = x * y
        huge = np.isinf(plain) & np.isfinite(x) & np.isfinite(y)
        tiny = (np.abs(plain) < np.finfo(x.dtype).tiny) & (x != 0) & (y != 0)
        scale = np.where(huge, down, np.where(tiny, up, x.dtype.type(1)))
        return np.log((x * scale) * (y * scale)) - 2 * np.log(scale)


def log_of_quotient(x: Any, y: Any) -> Any:
    """log(x / y) of arrays, also where the quotient leaves their dtype's range."""
    if x.dtype == np.float16:
        return np.log(x.astype(np.float32) / y.astype(np.float32))
    down, up = (x.dtype.type(scale) for scale in _scales(x.dtype.name))
    with np.errstate(all="ignore"):
        plain = x / y
        huge = np.isinf(plain) & (y != 0) & np.isfinite(x)
        tiny = (np.abs(plain) < np.finfo(x.dtype).tiny) & (x != 0) & np.isfinite(y)
        scale = np.where(huge, down, np.where(tiny, up, x.dtype.type(1)))
        return np.log((x * scale) / (y / scale)) - 2 * np.log(scale)


log_product = elementwise(
    "log_product", 2, dtype=upgrade_to_float_no_complex, numpy=log_of_product,
    grad=lambda x, y, z, gz: (gz / x, gz / y), native=lambda b, x, y: b.math("log_product", x, y),
    facts=[f.commutative], domain=(POSITIVE, POSITIVE), ulp=8,
    doc="log(x * y), also where x * y is too large or too small for its dtype.",
)
log_quotient = elementwise(
    "log_quotient", 2, dtype=upgrade_to_float_no_complex, numpy=log_of_quotient,
    grad=lambda x, y, z, gz: (gz / x, -(gz / y)),
    native=lambda b, x, y: b.math("log_quotient", x, y),
    domain=(POSITIVE, POSITIVE), ulp=8,
    doc="log(x / y), also where x / y is too large or too small for its dtype.",
)
