"""NumPy functions on symbolic variables: `np.exp(x)`, `np.sum(x, axis=0)`, `np.add(1, x)`, `np.concatenate([x, y])`.

The tables are derived from names: a NumPy function stands for the function of `theano.tensor` that has its name (or
the name that `RENAMED` gives). Functions without a counterpart are refused with a TypeError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

# NumPy name -> name in theano.tensor, where they differ
RENAMED = {
    "multiply": "mul", "subtract": "sub", "divide": "true_div", "true_divide": "true_div",
    "floor_divide": "int_div", "remainder": "mod", "negative": "neg", "absolute": "abs_",
    "abs": "abs_", "fabs": "abs_", "sign": "sgn", "reciprocal": "inv", "less": "lt",
    "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "neq",
    "conjugate": "conj", "rint": "round_half_to_even", "radians": "deg2rad", "degrees": "rad2deg",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
    "acosh": "arccosh", "atanh": "arctanh", "bitwise_invert": "invert", "concat": "concatenate",
    "permute_dims": "transpose", "amax": "max", "amin": "min", "power": "pow", "around": "round",
}
# the same name, another meaning
_NOT_THE_SAME = {"fmod", "fmax", "fmin", "vecdot", "default", "shape_i"}
_REDUCTIONS: dict[Any, str] = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all",
    np.logical_or: "any",
}
_ACCUMULATIONS: dict[Any, str] = {np.add: "cumsum", np.multiply: "cumprod"}
_FIRST = ("a", "x", "arr", "ary", "array", "m", "z")

# the functions of theano.tensor by name, and those that differ in their arguments; set by tensor/basic.py
functions: dict[str, Callable[..., Any]] = {}
adapted: dict[str, Callable[..., Any]] = {}


def _counterpart(name: str) -> Callable[..., Any] | None:
    if name in _NOT_THE_SAME:
        return None
    return functions.get(RENAMED.get(name, name))


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy calls this for a ufunc of which an operand is a variable."""
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{ufunc.__name__}: the result is symbolic and cannot be written into an array (out=)")
    kwargs.pop("out", None)
    if method == "__call__":
        op = _counterpart(ufunc.__name__)
        dtype = kwargs.pop("dtype", None)
        if op is None or kwargs:
            return _refuse(f"np.{ufunc.__name__}", kwargs)
        result = op(*inputs)
        return result if dtype is None else functions["cast"](result, np.dtype(dtype).name)
    if method == "outer":
        op = _counterpart(ufunc.__name__)
        if op is None or kwargs:
            return _refuse(f"np.{ufunc.__name__}.outer", kwargs)
        a, b = (functions["as_tensor_variable"](x) for x in inputs)
        return op(a.dimshuffle(list(range(a.ndim)) + ["x"] * b.ndim), b)
    table = {"reduce": _REDUCTIONS, "accumulate": _ACCUMULATIONS}.get(method, {})
    name = table.get(ufunc)
    if name is None:
        return _refuse(f"np.{ufunc.__name__}.{method}", kwargs)
    (x, *positional) = inputs
    kwargs.setdefault("axis", positional[0] if positional else 0)
    kwargs = {key: value for key, value in kwargs.items() if value is not None or key == "axis"}
    return functions[name](x, **kwargs)


def array_function(self: Any, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """NumPy calls this for any other function of which an argument is a variable."""
    name = func.__name__
    known = getattr(func, "__module__", "numpy") == "numpy"
    own = (adapted.get(RENAMED.get(name, name)) or _counterpart(name)) if known else None
    if own is None:
        return _refuse(f"{getattr(func, '__module__', 'numpy')}.{name}", {})
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{name}: the result is symbolic and cannot be written into an array (out=)")
    kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue and key != "out"}  # type: ignore[attr-defined]
    if not args:
        for first in _FIRST:
            if first in kwargs:
                args = (kwargs.pop(first),)
                break
    accepted = _parameters(own)
    if accepted is not None:
        unknown = [key for key in kwargs if key not in accepted]
        if unknown:
            raise TypeError(f"np.{name} on symbolic variables does not take {', '.join(unknown)}")
    return own(*args, **kwargs)


def _parameters(function: Callable[..., Any]) -> set[str] | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def _refuse(name: str, kwargs: dict[str, Any]) -> Any:
    options = f" with {', '.join(kwargs)}" if kwargs else ""
    raise TypeError(
        f"{name}{options} is not defined for symbolic variables: use the functions of theano.tensor, or evaluate the "
        "variable first (.eval())."
    )
