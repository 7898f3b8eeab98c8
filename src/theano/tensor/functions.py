"""The elementwise functions of `theano.tensor`: an `Elemwise` op for every record and alias, and what needs an argument
beyond the operands (a rounding mode, a dtype, tolerances).

The names are derived from `ScalarOp.registry`; nothing here repeats them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano import scalar
from theano._config import config
from theano.scalar.dtypes import IntegerDivisionError, discrete_dtypes, is_complex
from theano.scalar.op import ScalarOp
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import alloc, dtype_name
from theano.tensor.elemwise import cast_to, elemwise_of
from theano.tensor.shape import shape_i


def _derived() -> dict[str, Any]:
    ops: dict[str, Any] = {}
    for record in ScalarOp.registry.values():
        for name in (record.name, *record.aliases):
            ops[name] = elemwise_of(record)
    return ops


_ops = _derived()
globals().update(_ops)

# another name of the same op
fill = _ops["second"]


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _never(a: Any, what: Any) -> Any:
    """`what` of a, or False of a's shape where a is discrete."""
    a = as_tensor_variable(a)
    if a.type.dtype in discrete_dtypes:
        return alloc(np.zeros((), dtype="bool"), *[shape_i(a, k) for k in range(a.type.ndim)])
    return what(a)


def isnan(a: Any) -> Any:
    """Whether each element is NaN, as bool; all False for integers."""
    return _never(a, _ops["isnan_"])


def isinf(a: Any) -> Any:
    """Whether each element is inf or -inf, as bool; all False for integers."""
    return _never(a, _ops["isinf_"])


def isfinite(a: Any) -> Any:
    """Whether each element is neither NaN nor infinite, as bool."""
    return scalar.invert(scalar.or_(isnan(a), isinf(a)))


def logical_not(a: Any) -> Any:
    """Whether each element is zero, as bool."""
    a = as_tensor_variable(a)
    return scalar.invert(a) if a.type.dtype == "bool" else scalar.eq(a, np.zeros((), a.type.dtype))


def _truth(a: Any) -> Any:
    a = as_tensor_variable(a)
    return a if a.type.dtype == "bool" else scalar.neq(a, np.zeros((), a.type.dtype))


def logical_and(a: Any, b: Any) -> Any:
    """Whether both elements are not zero, as bool."""
    return scalar.and_(_truth(a), _truth(b))


def logical_or(a: Any, b: Any) -> Any:
    """Whether one of the elements is not zero, as bool."""
    return scalar.or_(_truth(a), _truth(b))


def logical_xor(a: Any, b: Any) -> Any:
    """Whether exactly one of the elements is not zero, as bool."""
    return scalar.xor(_truth(a), _truth(b))


_ROUNDING = {
    "half_to_even": "round_half_to_even",
    "half_away_from_zero": "round_half_away_from_zero",
}


def round(a: Any, mode: str | None = None) -> Any:
    """The nearest integer, as a float of a's dtype. TypeError for integers.

    mode   "half_to_even" (the default) or "half_away_from_zero": where a lies in the middle

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> round(v).eval({v: [0.5, 1.5]}).tolist(), round(v, "half_away_from_zero").eval({v: [0.5, 1.5]}).tolist()
    ([0.0, 2.0], [1.0, 2.0])
    """
    name = _ROUNDING.get("half_to_even" if mode is None else mode)
    if name is None:
        raise NotImplementedError(f"round: the mode is one of {sorted(_ROUNDING)}, got {mode!r}")
    return _ops[name](a)


def iround(a: Any, mode: str | None = None) -> Any:
    """`round`, converted to int64."""
    return cast_to(round(a, mode), "int64")


def cast(x: Any, dtype: Any) -> Any:
    """x converted to `dtype` ("floatX": the setting); x itself where it has that dtype. Complex to real is refused.

    >>> cast(2.9, "int32").eval().item(), cast([1, 2], "floatX").dtype
    (2, 'float64')
    """
    x = as_tensor_variable(x)
    name = dtype_name(dtype)
    if x.type.dtype == name:
        return x
    if is_complex(x.type.dtype) and not is_complex(name):
        raise TypeError(
            f"Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs() ({x} of type "
            f"{x.type} to {name})"
        )
    return cast_to(x, name)


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """(floor_div(x, y), mod_check(x, y))."""
    return _ops["int_div"](x, y), mod_check(x, y)


def mod_check(x: Any, y: Any) -> Any:
    """x % y, with the sign of y; complex operands are refused (TypeError)."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if is_complex(x.type.dtype) or is_complex(y.type.dtype):
        raise scalar.ComplexError(
            f"Theano does not support the mod operator (%) on complex numbers: {x} of type {x.type}, {y} of type "
            f"{y.type}"
        )
    return _ops["mod"](x, y)


def div_proxy(x: Any, y: Any) -> Any:
    """x / y for floats; for two discrete operands what the setting `int_division` says."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.type.dtype in discrete_dtypes and y.type.dtype in discrete_dtypes:
        policy = getattr(config, "int_division", "int")
        if policy == "raise":
            raise IntegerDivisionError(
                f"int_division=raise: `/` of two integers ({x} of type {x.type}, {y} of type {y.type}); cast one to "
                "float, or write //"
            )
        if policy == "int":
            return _ops["int_div"](x, y)
    return _ops["true_div"](x, y)


def ceil_intdiv(a: Any, b: Any) -> Any:
    """ceil(a / b) of integers, without leaving the integers.

    >>> int(ceil_intdiv(7, 2).eval()), int(ceil_intdiv(-7, 2).eval())
    (4, -3)
    """
    return _ops["ceil_intdiv"](a, b)


def isclose(a: Any, b: Any, rtol: float = 1.0e-5, atol: float = 1.0e-8, equal_nan: bool = False) -> Any:
    """|a - b| <= atol + rtol * |b|, elementwise, as bool; equal infinities are close, NaN only with `equal_nan`.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> isclose(v, 1.0).eval({v: [1.0 + 1e-9, 1.1]}).tolist()
    [True, False]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    wide = [cast_to(x, "float64") if x.type.dtype in discrete_dtypes else x for x in (a, b)]
    tolerance = np.float64(atol) + np.float64(rtol) * scalar.abs_(wide[1])
    near = scalar.le(scalar.abs_(scalar.sub(*wide)), tolerance)
    if a.type.dtype in discrete_dtypes and b.type.dtype in discrete_dtypes:
        return near
    infinite = scalar.or_(isinf(wide[0]), isinf(wide[1]))
    close = scalar.switch(infinite, scalar.eq(*wide), near)
    if equal_nan:
        close = scalar.or_(close, scalar.and_(isnan(wide[0]), isnan(wide[1])))
    return close


def allclose(a: Any, b: Any, rtol: float = 1.0e-5, atol: float = 1.0e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close (see `isclose`), as a 0-d bool."""
    return isclose(a, b, rtol, atol, equal_nan).all()


def smallest(*args: Any) -> Any:
    """The smallest of several tensors, elementwise; of one vector or list: its minimum."""
    return _ops["smallest"](*args) if len(args) > 1 else as_tensor_variable(args[0]).min(axis=0)


def largest(*args: Any) -> Any:
    """The largest of several tensors, elementwise; of one vector or list: its maximum."""
    return _ops["largest"](*args) if len(args) > 1 else as_tensor_variable(args[0]).max(axis=0)


def clip(x: Any, min: Any, max: Any) -> Any:
    """`min` where x < min, else `max` where x > max, else x; min <= max is not checked.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> clip(v, -1, 1).eval({v: [-5.0, 0.5]}).tolist()
    [-1.0, 0.5]
    """
    return _ops["clip"](x, min, max)


def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """x with NaN, inf and -inf replaced (by default with 0, the largest and the smallest number of the dtype).

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> nan_to_num(v, posinf=9.0).eval({v: [float("nan"), float("inf"), 1.0]}).tolist()
    [0.0, 9.0, 1.0]
    """
    x = as_tensor_variable(x)
    if x.type.dtype in discrete_dtypes:
        return x
    limits = np.finfo(x.type.dtype)
    big = constant(limits.max if posinf is None else posinf, dtype=x.type.dtype)
    small = constant(limits.min if neginf is None else neginf, dtype=x.type.dtype)
    zero = np.zeros((), x.type.dtype)
    infinite = scalar.switch(scalar.gt(x, zero), big, small)
    return scalar.switch(isnan(x), constant(nan, dtype=x.type.dtype), scalar.switch(isinf(x), infinite, x))


NAMES = tuple(_ops)
