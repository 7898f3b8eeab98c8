"""Values that are written to a region of a tensor: how they are fitted to it, checked, and differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes
from theano.scalar.selection import second
from theano.tensor.careduce import Sum, with_axes_back
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.variable import TensorConstant


def fitted_value(y: Any, shape: Sequence[int | None], dtype: str, name: str) -> Any:
    """`y` in `dtype` and with as many axes as the region has.

    Axes of length one are added or dropped on the left. Raises ValueError where the rank or known lengths do not fit,
    TypeError for complex values in a real tensor.
    """
    y = as_tensor_variable(y)
    if y.dtype in complex_dtypes and dtype not in complex_dtypes:
        raise TypeError(
            f"{name}: a value of dtype {y.dtype} cannot be stored in a tensor of {dtype}; take real(y) or abs(y) first"
        )
    ndim = len(shape)
    surplus = y.ndim - ndim
    if surplus > 0 and not all(n == 1 for n in y.type.shape[:surplus]):
        raise ValueError(
            f"{name}: a region with {ndim} axes cannot take the value {y} with {y.ndim} axes (type {y.type})"
        )
    if isinstance(y, TensorConstant):
        if surplus or y.dtype != dtype:
            data = np.asarray(y.data)
            new_shape = data.shape[surplus:] if surplus > 0 else (1,) * -surplus + data.shape
            with np.errstate(all="ignore"):
                y = constant(data.reshape(new_shape).astype(dtype))
    else:
        if surplus > 0:
            y = dimshuffle(y, list(range(surplus, y.ndim)))
        elif surplus < 0:
            y = dimshuffle(y, ["x"] * -surplus + list(range(y.ndim)))
        y = cast_to(y, dtype)
    for axis, (n, given) in enumerate(zip(shape, y.type.shape)):
        if n is not None and given is not None and given not in (1, n):
            raise ValueError(
                f"{name}: the region has length {n} along axis {axis}, but the value {y} has length {given}"
            )
    return y


def check_value(name: str, known: Sequence[int | None], value: tuple[int, ...], region: tuple[int, ...]) -> None:
    """ValueError unless a value of shape `value` and static shape `known` fits a region of shape `region`."""
    for axis, (stated, given, n) in enumerate(zip(known, value, region)):
        if given != n and stated != 1:
            remedy = (
                " Length 1 broadcasts only where it is known when the expression is built: use addbroadcast(y, axis) "
                "or shape= in the type." if given == 1 else ""
            )
            raise ValueError(
                f"{name}: a region of shape {region} cannot take a value of shape {value}: "
                f"they differ along axis {axis}.{remedy}"
            )


def may_broadcast(known: Sequence[int | None], value: tuple[int, ...]) -> bool:
    """Would NumPy broadcast this value along an axis whose length is not known to be 1?"""
    return any(given == 1 and stated != 1 for stated, given in zip(known, value))


def zeros_for(x: Any, gz: Any) -> Any:
    """Zeros of x's shape to collect the gradient `gz` in."""
    return second(x, np.zeros((), gz.dtype if x.dtype in discrete_dtypes else x.dtype))


def zero_for(x: Any) -> Any:
    """The gradient of `x` where it is zero."""
    return second(x, np.zeros((), config.floatX if x.dtype in discrete_dtypes else x.dtype))


def gradient_of_value(y: Any, region_gradient: Any) -> Any:
    """The gradient of a value from that of the region it was broadcast into."""
    axes = tuple(
        axis for axis, (mine, theirs) in enumerate(zip(y.type.shape, region_gradient.type.shape))
        if mine == 1 and theirs != 1
    )
    if axes:
        region_gradient = with_axes_back(Sum(axes)(region_gradient), axes, y.ndim)
    return region_gradient if y.dtype in discrete_dtypes else cast_to(region_gradient, y.dtype)


def write_terms(
    x: Any, y: Any, gz: Any, replaces: bool, read: Callable[[Any], Any], clear: Callable[[Any], Any]
) -> list[Any]:
    """The gradients of x and y, of an op that writes y to a region of x.

    replaces   the region is replaced; else y is added
    read       tensor -> its region
    clear      tensor -> the tensor with zeros in its region
    """
    if x.dtype in discrete_dtypes:
        return [zero_for(x), zero_for(y)]
    by_x = clear(gz) if replaces else gz
    return [cast_to(by_x, x.dtype), gradient_of_value(y, read(gz))]
