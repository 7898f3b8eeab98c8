"""Arithmetic: sums, products, quotients, remainders, squares, roots, signs.

`pow` is in `exponential.py`. Functions of the tensor layer made of these: `divmod` (int_div and mod), `mod_check`
(mod), `div_proxy` (int_div or true_div by the setting `int_division`), `ceil_intdiv` is a definition here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from theano._config import config
from theano.scalar import facts as f
from theano.scalar.comparison import eq, neq
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import (
    IntegerDivisionError,
    is_complex,
    is_float,
    real_out,
    same_out,
    same_out_nobool,
    same_out_nocomplex,
    true_div_out,
    upcast_out,
    upcast_out_no_complex,
    upcast_out_nobool,
    upgrade_to_float,
    upgrade_to_float_no_complex,
)
from theano.scalar.facts import NONNEGATIVE, POSITIVE, REAL
from theano.scalar.op import ZERO, ScalarOp
from theano.scalar.selection import cast_to, switch


def _fold(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    def numpy(*xs: Any) -> Any:
        if len(xs) > 2 and xs[0].dtype == "float16":
            xs = tuple(x.astype("float32") for x in xs)   # rounded once at the end, as native code does
        return reduce(ufunc, xs)

    return numpy


def _before_division(gz: Any, z: Any) -> Any:
    """g if `gz` is g / z, -g if it is -(g / z), else None: of log(x / y) the gradient by x is g / x.

    g / z / y would be NaN where z over- or underflows. Where g is smaller than z, g / x could be too small.
    """
    negated = gz.owner is not None and _record(gz.owner) is neg
    node = gz.owner.inputs[0].owner if negated else gz.owner
    if node is None or _record(node) is not true_div or node.inputs[1] is not z:
        return None
    above = node.inputs[0]
    if above.type.broadcastable != z.type.broadcastable or above.dtype != z.dtype:
        return None
    return -above if negated else above


def _record(node: Any) -> ScalarOp | None:
    """See `cancelling.record_of`, which is made of the ops declared here."""
    return node.op.scalar_op if type(node.op).__name__ == "Elemwise" else None


def _true_div_gradient(x: Any, y: Any, z: Any, gz: Any) -> tuple[Any, Any]:
    above = _before_division(gz, z)
    return (gz / y, -(gz * z / y)) if above is None else (above / x, -(above / y))


def _mul_gradient(*arguments: Any) -> tuple[Any, ...]:
    *xs, z, gz = arguments
    n = len(xs)
    if n == 1:
        return (gz,)
    if n == 2:
        above = _before_division(gz, z)
        return (gz * xs[1], gz * xs[0]) if above is None else (above / xs[0], above / xs[1])
    if n <= 4:
        return tuple(mul(gz, *xs[:i], *xs[i + 1:]) for i in range(n))
    # products of all the inputs before and after each: linear in the number of inputs, and right where some are 0
    before, after = [gz], [xs[-1]]
    for x in xs[:-1]:
        before.append(before[-1] * x)
    for x in reversed(xs[1:-1]):
        after.append(after[-1] * x)
    after.reverse()
    return (*(b * a for b, a in zip(before, after)), before[-1])


add = elementwise(
    "add", None, dtype=upcast_out, numpy=_fold(np.add),
    grad=lambda *arguments: (arguments[-1],) * (len(arguments) - 2),
    native=lambda b, *xs: reduce((lambda x, y: x | y) if xs[0].dtype == "bool" else (lambda x, y: x + y), xs),
    facts=[f.commutative, f.associative, f.Identity(0)], symbol="+",
    doc="x + y + ...; of bools the logical or.",
)
mul = elementwise(
    "mul", None, dtype=upcast_out, numpy=_fold(np.multiply), grad=_mul_gradient,
    native=lambda b, *xs: reduce((lambda x, y: x & y) if xs[0].dtype == "bool" else (lambda x, y: x * y), xs),
    facts=[f.commutative, f.associative, f.Identity(1), f.Absorbing(0)], symbol="*",
    doc="x * y * ...; of bools the logical and.",
)
sub = elementwise(
    "sub", 2, dtype=upcast_out_nobool, numpy=np.subtract,
    grad=lambda x, y, z, gz: (gz, -gz),
    native=lambda b, x, y: x - y, facts=[f.Identity(0, "right")], symbol="-",
    doc="x - y; two bools are refused.",
)
neg = elementwise(
    "neg", dtype=same_out_nobool, numpy=np.negative, grad=lambda x, z, gz: -gz,
    native=lambda b, x: -x, facts=[f.odd, f.decreasing, f.involution, f.inverse("neg")], symbol="-", ulp=0,
    doc="-x; unsigned integers wrap; bool is refused.",
)
true_div = elementwise(
    "true_div", 2, dtype=true_div_out, numpy=np.true_divide,
    grad=_true_div_gradient,
    native=lambda b, x, y: x / y, facts=[f.Identity(1, "right")], symbol="/", domain=(REAL, POSITIVE),
    doc="x / y; two discrete inputs give floatX.",
)


def _native_float_divmod(b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient and remainder of floats as NumPy has them: the remainder has the sign of y."""
    zero = b.const(0.0, x.dtype)
    remainder = b.fmod(x, y)
    quotient = (x - remainder) / y
    other_sign = b.ne(remainder, zero) & ((y < zero) ^ (remainder < zero))
    quotient = b.select(other_sign, quotient - 1.0, quotient)
    remainder = b.select(
        b.ne(remainder, zero), b.select(other_sign, remainder + y, remainder), b.copysign(zero, y))
    floor = b.floor(quotient)
    floor = b.select(quotient - floor > 0.5, floor + 1.0, floor)
    return b.select(b.ne(quotient, zero), floor, b.copysign(zero, x / y)), remainder


def _native_int_div(b: Any, x: Any, y: Any) -> Any:
    if is_float(x.dtype):
        return b.select(b.eq(y, b.const(0.0, y.dtype)), x / y, _native_float_divmod(b, x, y)[0])
    if x.dtype == "bool":
        return x & y   # True // False is 0, as of other integers
    return x // y


def _native_mod(b: Any, x: Any, y: Any) -> Any:
    if is_float(x.dtype):
        return b.select(b.eq(y, b.const(0.0, y.dtype)), b.fmod(x, y), _native_float_divmod(b, x, y)[1])
    if x.dtype == "bool":
        return b.const(False, "bool")
    return x % y


int_div = elementwise(
    "int_div", 2, dtype=upcast_out_no_complex, numpy=np.floor_divide, grad=ZERO,
    native=_native_int_div, facts=[f.integer_valued], aliases=("floor_div",), symbol="//",
    domain=(REAL, POSITIVE), ulp=0,
    doc="floor(x / y). Integers by 0 give 0, floats inf or NaN. The gradient is zero.",
)


def int_or_true_div(x_discrete: bool, y_discrete: bool) -> ScalarOp:
    """The division that `div_proxy` uses: of two discrete operands, what the setting `int_division` says."""
    if not (x_discrete and y_discrete) or config.int_division == "floatX":
        return true_div
    if config.int_division == "raise":
        raise IntegerDivisionError("int_division=raise: `/` of two integers; use `//`, or cast one of them to a float")
    return int_div


mod = elementwise(
    "mod", 2, dtype=upcast_out_no_complex, numpy=np.remainder,
    grad=lambda x, y, z, gz: (gz, -(gz * (x // y))),
    native=_native_mod, symbol="%", domain=(REAL, POSITIVE), ulp=1,
    doc="x - y * floor(x / y), with the sign of y. Integers by 0 give 0, floats NaN.",
)


def _ceil_intdiv(x: Any, y: Any) -> Any:
    quotient = int_div(x, y)
    return quotient + cast_to(quotient.dtype)(neq(mod(x, y), 0))


ceil_intdiv = elementwise(
    "ceil_intdiv", 2, dtype=upcast_out_no_complex, define=_ceil_intdiv, ulp=0,
    doc="The smallest integer that is at least x / y, without a detour through floats.",
)
inv = elementwise(
    "inv", dtype=upgrade_to_float, numpy=lambda x: np.true_divide(x.dtype.type(1), x),
    grad=lambda x, y, gz: -(gz * y * y),
    native=lambda b, x: b.const(1.0, x.dtype) / x,
    facts=[f.odd, f.decreasing, f.involution, f.inverse("inv", "[-inf, inf]")], domain=(POSITIVE,),
    aliases=("reciprocal",), doc="1 / x.",
)


def _abs_gradient(x: Any, y: Any, gz: Any) -> Any:
    if is_complex(x.dtype):
        return switch(eq(y, 0), 0, gz * x / y)
    return gz * sgn(x)


abs_ = elementwise(
    "abs_", dtype=real_out, compute="common", numpy=np.abs, grad=_abs_gradient, complex_grad="own",
    native=lambda b, x: x if x.dtype == "bool" or x.dtype.startswith("uint") else abs(x),
    facts=[f.even, f.projection, f.values_in("[0, inf]")], ulp=0,
    doc="Absolute value; of complex x its modulus, which is real. The gradient at 0 is 0.",
)


def _native_sgn(b: Any, x: Any) -> Any:
    if x.dtype == "bool":
        return x
    zero, one = b.const(0, x.dtype), b.const(1, x.dtype)
    positive = b.select(x > zero, one, zero)
    if x.dtype.startswith("uint"):
        return positive
    value = b.select(x < zero, b.const(-1, x.dtype), positive)
    return b.select(b.isnan(x), x, value) if is_float(x.dtype) else value


sgn = elementwise(
    "sgn", dtype=same_out_nocomplex, numpy=lambda x: x.copy() if x.dtype.kind == "b" else np.sign(x), grad=ZERO,
    native=_native_sgn, facts=[f.odd, f.increasing, f.projection, f.integer_valued, f.values_in("[-1, 1]")],
    aliases=("sign",), ulp=0,
    doc="-1, 0 or 1 by the sign of x; NaN of NaN.",
)
sqr = elementwise(
    "sqr", dtype=same_out, numpy=lambda x: np.multiply(x, x), grad=lambda x, y, gz: gz * x * 2,
    native=lambda b, x: x if x.dtype == "bool" else x * x,
    facts=[f.even, f.values_in("[0, inf]"), f.inverse("sqrt", "[0, inf]")], aliases=("square",), ulp=0,
    doc="x * x.",
)
sqrt = elementwise(
    "sqrt", dtype=upgrade_to_float, numpy=np.sqrt, grad=lambda x, y, gz: gz * 0.5 / y,
    native=lambda b, x: b.sqrt(x),
    facts=[f.increasing, f.values_in("[0, inf]"), f.inverse("sqr", "[0, inf]")], domain=(NONNEGATIVE,),
    method=("sqrt",), doc="Square root; NaN of negative reals.",
)
hypot = elementwise(
    "hypot", 2, dtype=upgrade_to_float_no_complex, numpy=np.hypot,
    grad=lambda x, y, z, gz: (
        switch(eq(z, 0), 0, gz * (x / z)),
        switch(eq(z, 0), 0, gz * (y / z)),
    ),
    native=lambda b, x, y: b.math("hypot", x, y),
    facts=[f.commutative, f.values_in("[0, inf]")], ulp=2,
    doc="sqrt(x**2 + y**2) without overflow in between. The gradient at the origin is 0.",
)


