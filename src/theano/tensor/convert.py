"""From numbers, arrays, lists and variables to tensor variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theano._config import config
from theano.errors import AsTensorError
from theano.graph.node import Apply, Variable
from theano.scalar.autocast import autocast_float, constant_dtype
from theano.tensor.type import TensorType, tensor_type
from theano.tensor.variable import TensorConstant, TensorOperators

# nested list or tuple with variables inside -> tensor (set by tensor/joining.py);
# (x, ndim) -> x with axes of length one added or dropped on the left (set by tensor/dimshuffle.py)
stack_list: Callable[[Any], Any] | None = None
fit_ndim: Callable[[Any, int], Any] | None = None

_small: dict[Any, TensorConstant] = {}


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Any:
    """`x` as a tensor variable.

    x      a tensor variable (returned as it is), an Apply node with one (default) output, a number, an array, or a
           nested list of these
    ndim   pad with axes of length one on the left, or drop such axes, until the rank is this
    Raises AsTensorError (a TypeError) for anything else.

    >>> as_tensor_variable([1, 2]).type
    TensorType(int64, (2,))
    >>> as_tensor_variable(3.0, ndim=2).broadcastable
    (True, True)
    """
    if isinstance(x, TensorOperators):
        variable = x
    elif isinstance(x, Apply):
        if x.op.default_output is None and len(x.outputs) != 1:
            raise ValueError(f"{x} has {len(x.outputs)} outputs; say which one you mean")
        return as_tensor_variable(x.default_output(), name, ndim)
    elif isinstance(x, Variable):
        convert = getattr(x, "_as_tensor_variable", None)
        if convert is None:
            raise AsTensorError(f"{x} of type {x.type} is not a tensor and cannot be turned into one.")
        variable = convert()
    elif isinstance(x, (list, tuple)) and _has_variable(x):
        if stack_list is None:
            raise AsTensorError(f"Cannot stack {x}")
        variable = stack_list(x)
    else:
        return constant(x, name=name, ndim=ndim)
    if ndim is not None and variable.ndim != ndim and fit_ndim is not None:
        variable = fit_ndim(variable, ndim)
    return variable


def constant(x: Any, name: str | None = None, ndim: int | None = None, dtype: str | None = None) -> TensorConstant:
    """A symbolic constant with the value `x`.

    Python numbers get the smallest dtype that holds them (see `theano.scalar.autocast`), lists NumPy's; `dtype`
    overrides. Raises AsTensorError (a TypeError) if `x` is no number and no array.

    >>> constant(1).dtype, constant(1.5).dtype, constant(1.1).dtype
    ('int8', 'float32', 'float64')
    """
    if isinstance(x, TensorConstant):
        if dtype is None and ndim in (None, x.ndim) and name is None:
            return x
        x = x.data
    number = type(x) in (int, float, bool)
    if number and name is None and ndim is None:
        key = (str(x), dtype, config.floatX, config.cast_policy, autocast_float.dtypes)  # str: 0.0 is not -0.0
        known = _small.get(key)
        if known is not None:
            return known
    else:
        key = None
    if isinstance(x, Variable):
        raise AsTensorError(f"{x} is a symbolic variable, not a value: it cannot be made a constant.")
    try:
        if dtype is not None:
            data = np.array(x, dtype=tensor_type(dtype, ()).dtype if dtype != "floatX" else config.floatX)
        elif isinstance(x, (np.ndarray, np.generic)):
            data = np.asarray(x)
        elif isinstance(x, (int, float, complex)):
            data = np.asarray(x, dtype=constant_dtype(x))
        elif isinstance(x, (list, tuple, range)):
            data = np.asarray(x) if len(x) else np.asarray(x, dtype=config.floatX)
        else:
            data = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise AsTensorError(f"Cannot convert {x!r} of {type(x)} to a tensor: {error}") from None
    if data.dtype.kind not in "biufc" or data.dtype.name in ("longdouble", "clongdouble", "float128", "complex256"):
        raise AsTensorError(f"Cannot convert {x!r} of {type(x)} to a tensor: its dtype would be {data.dtype}.")
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))
    if ndim is not None:
        if data.ndim < ndim:
            data = data.reshape((1,) * (ndim - data.ndim) + data.shape)
        elif data.ndim > ndim:
            raise ValueError(f"ndim must be at least {data.ndim} for a value of shape {data.shape}, got {ndim}")
    if data is x and data.flags.writeable:
        data = data.copy()
    made = TensorConstant(tensor_type(data.dtype.name, data.shape), data, name)
    if key is not None and len(_small) < 1000:
        _small[key] = made
    return made


def _has_variable(items: Any) -> bool:
    pending = [items]
    while pending:
        for item in pending.pop():
            if isinstance(item, (Variable, Apply)):
                return True
            if isinstance(item, (list, tuple)):
                pending.append(item)
    return False


__all__ = ["AsTensorError", "TensorType", "as_tensor_variable", "constant"]
