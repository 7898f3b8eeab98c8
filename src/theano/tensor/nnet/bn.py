"""theano.tensor.nnet.bn: batch normalisation, as compositions of elementwise ops and means.

They fuse and are differentiated like any other expression. The names of the original's ops (AbstractBatchNormTrain,
…) are here as objects that build the same compositions.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from theano.graph.node import Constant
from theano.scalar.arithmetic import sqrt, true_div
from theano.scalar.dtypes import complex_dtypes
from theano.scalar.selection import maximum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import product
from theano.tensor.products import length
from theano.tensor.reductions import mean as tensor_mean
from theano.tensor.reductions import sum as tensor_sum
from theano.tensor.shape import addbroadcast

_LEAST_EPSILON = 1e-5


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """The axes that are normalised over. ValueError for names and axes that there are not."""
    if isinstance(axes, str):
        if axes == "per-activation":
            return (0,)
        if axes == "spatial":
            return (0, *range(2, ndim))
        raise ValueError(f"batch normalisation: axes must be 'per-activation', 'spatial' or integers, got {axes!r}")
    entries = (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)
    try:
        numbers = tuple(index(a) + (ndim if index(a) < 0 else 0) for a in entries)
    except TypeError:
        raise TypeError(f"batch normalisation: axes must be integers, got {axes!r}") from None
    if not numbers:
        raise ValueError("batch normalisation: there must be at least one axis to normalise over")
    if len(set(numbers)) != len(numbers) or not all(0 <= a < ndim for a in numbers):
        raise ValueError(f"batch normalisation: axes {axes!r} do not exist or repeat in an input of {ndim} axes")
    return tuple(sorted(numbers))


def _checked_epsilon(epsilon: Any) -> Any:
    epsilon = as_tensor_variable(epsilon)
    if epsilon.type.ndim != 0:
        raise TypeError(f"batch normalisation: epsilon must be a scalar, got {epsilon.type}")
    if isinstance(epsilon, Constant) and not float(epsilon.data) >= _LEAST_EPSILON:
        raise ValueError(f"batch normalisation: epsilon must be at least {_LEAST_EPSILON}, got {epsilon.data}")
    return epsilon


def _float_input(inputs: Any) -> Any:
    inputs = as_tensor_variable(inputs)
    if inputs.type.ndim == 0:
        raise TypeError("batch normalisation needs inputs with at least one axis, got a scalar")
    if inputs.type.dtype in complex_dtypes:
        raise TypeError(f"batch normalisation: the inputs must be real, got {inputs.type}")
    return cast_to(inputs, _float_dtype(inputs.type.dtype))


def _float_dtype(dtype: str) -> str:
    return dtype if dtype.startswith("float") else "float64"


def _broadcast_parameter(name: str, value: Any, inputs: Any, axes: Sequence[int]) -> Any:
    """A parameter with as many axes as the inputs, of length one along `axes`. It may come without these axes."""
    value = as_tensor_variable(value)
    ndim, kept = inputs.type.ndim, [k for k in range(inputs.type.ndim) if k not in axes]
    if value.type.ndim == ndim:
        open_axes = [a for a in axes if value.type.shape[a] is None]
        for a in axes:
            if value.type.shape[a] not in (None, 1):
                raise ValueError(
                    f"batch normalisation: {name} of type {value.type} must have length 1 along axis {a}, which is "
                    f"normalised over"
                )
        return addbroadcast(value, *open_axes) if open_axes else value
    if value.type.ndim == len(kept):
        return dimshuffle(value, [kept.index(k) if k in kept else "x" for k in range(ndim)])
    raise ValueError(
        f"batch normalisation: {name} of type {value.type} must have {ndim} axes, with length 1 along {tuple(axes)}, "
        f"or only the other {len(kept)}"
    )


def _as_given(statistic: Any, model: Any, axes: Sequence[int]) -> Any:
    """A statistic of all axes in the layout of a parameter: without the axes normalised over, if that came so."""
    if model.type.ndim == statistic.type.ndim:
        return statistic
    return dimshuffle(statistic, [k for k in range(statistic.type.ndim) if k not in axes])


def batch_normalization_train(
    inputs: Any,
    gamma: Any,
    beta: Any,
    axes: Any = "per-activation",
    epsilon: Any = 1e-4,
    running_average_factor: Any = 0.1,
    running_mean: Any = None,
    running_var: Any = None,
) -> tuple[Any, ...]:
    """(out, mean, invstd), and with running averages (…, new running_mean, new running_var).

    out     (inputs - mean) * gamma * invstd + beta
    mean, invstd     over `axes`: the mean, and 1 / sqrt(var + epsilon) with the biased variance
    gamma, beta      with the axes of the inputs, of length one along `axes`; or without these axes. The statistics
                     have the layout of gamma, the running averages each their own
    axes             'per-activation' (the first), 'spatial' (all but the second), or integers
    epsilon          at least 1e-5
    running_mean, running_var   both or none; the new ones are (1 - running_average_factor) times the old plus
                     running_average_factor times the statistics of this batch, with the unbiased variance
    Ioffe and Szegedy, "Batch normalization", 2015. ValueError for an epsilon below 1e-5, for unknown axes, and for one
    running average without the other.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> out, mean, invstd = batch_normalization_train(m, gamma=[1.0], beta=[5.0])
    >>> out.eval({m: [[1.0], [3.0]]}).round(3).tolist(), mean.eval({m: [[1.0], [3.0]]}).tolist()
    ([[4.0], [6.0]], [2.0])
    """
    inputs = _float_input(inputs)
    axes = _axes(axes, inputs.type.ndim)
    epsilon = cast_to(_checked_epsilon(epsilon), inputs.type.dtype)
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch normalisation: running_mean and running_var must be given both or not at all")
    wide_gamma = _broadcast_parameter("gamma", gamma, inputs, axes)
    wide_beta = _broadcast_parameter("beta", beta, inputs, axes)
    mean = tensor_mean(inputs, axis=axes, keepdims=True)
    centred = inputs - mean
    var = tensor_mean(centred * centred, axis=axes, keepdims=True)
    invstd = 1 / sqrt(var + epsilon)
    out = centred * (wide_gamma * invstd) + wide_beta
    model = as_tensor_variable(gamma)
    results = [out, _as_given(mean, model, axes), _as_given(invstd, model, axes)]
    if running_mean is not None:
        count = cast_to(as_tensor_variable(product(length(inputs, a) for a in axes)), inputs.type.dtype)
        # of one element the unbiased variance is undefined: the biased one, 0, is taken
        unbiased = var * (count / maximum(count - 1, 1))
        for name, old, statistic in (("running_mean", running_mean, mean), ("running_var", running_var, unbiased)):
            wide_old = _broadcast_parameter(name, old, inputs, axes)
            factor = cast_to(as_tensor_variable(running_average_factor), wide_old.type.dtype)
            new = wide_old * (1 - factor) + cast_to(statistic, wide_old.type.dtype) * factor
            results.append(_as_given(new, as_tensor_variable(old), axes))
    return tuple(results)


def batch_normalization_test(
    inputs: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    var: Any,
    axes: Any = "per-activation",
    epsilon: Any = 1e-4,
) -> Any:
    """(inputs - mean) * gamma / sqrt(var + epsilon) + beta, with statistics that are given.

    The parameters have the axes of the inputs, of length one along `axes`, or lack these axes.
    """
    inputs = _float_input(inputs)
    axes = _axes(axes, inputs.type.ndim)
    epsilon = cast_to(_checked_epsilon(epsilon), inputs.type.dtype)
    given = {"gamma": gamma, "beta": beta, "mean": mean, "var": var}
    gamma, beta, mean, var = (_broadcast_parameter(name, value, inputs, axes) for name, value in given.items())
    return (inputs - mean) * true_div(gamma, sqrt(var + epsilon)) + beta


def batch_normalization(inputs: Any, gamma: Any, beta: Any, mean: Any, std: Any, mode: str = "low_mem") -> Any:
    """(inputs - mean) * gamma / std + beta: the older interface, with the standard deviation.

    The arguments broadcast as they are. mode: 'low_mem' or 'high_mem', which give the same here.
    """
    if mode not in ("low_mem", "high_mem"):
        raise ValueError(f"batch_normalization: mode must be 'low_mem' or 'high_mem', got {mode!r}")
    inputs, gamma, beta, mean, std = map(as_tensor_variable, (inputs, gamma, beta, mean, std))
    return (inputs - mean) * true_div(gamma, std) + beta


class AbstractBatchNormTrain:
    """Called with (x, scale, bias, epsilon, running_average_factor, running_mean, running_var): as
    `batch_normalization_train` over `axes`, a list."""

    def __init__(self, axes: Sequence[int] = (0,)) -> None:
        self.axes = tuple(axes)

    def __call__(
        self,
        x: Any,
        scale: Any,
        bias: Any,
        epsilon: Any = 1e-4,
        running_average_factor: Any = 0.1,
        running_mean: Any = None,
        running_var: Any = None,
    ) -> list[Any]:
        return list(
            batch_normalization_train(
                x, scale, bias, self.axes, epsilon, running_average_factor, running_mean, running_var
            )
        )


class AbstractBatchNormInference:
    """Called with (x, scale, bias, mean, var, epsilon): as `batch_normalization_test` over `axes`."""

    def __init__(self, axes: Sequence[int] = (0,)) -> None:
        self.axes = tuple(axes)

    def __call__(self, x: Any, scale: Any, bias: Any, mean: Any, var: Any, epsilon: Any = 1e-4) -> Any:
        return batch_normalization_test(x, scale, bias, mean, var, self.axes, epsilon)


class AbstractBatchNormTrainGrad:
    """Called with (x, dy, scale, mean, invstd, epsilon): the gradients of x, scale and bias."""

    def __init__(self, axes: Sequence[int] = (0,)) -> None:
        self.axes = tuple(axes)

    def __call__(self, x: Any, dy: Any, scale: Any, x_mean: Any, x_invstd: Any, epsilon: Any = 1e-4) -> list[Any]:
        x, dy = _float_input(x), _float_input(dy)
        axes = _axes(self.axes, x.type.ndim)
        given = {"scale": scale, "mean": x_mean, "invstd": x_invstd}
        wide, mean, invstd = (_broadcast_parameter(name, value, x, axes) for name, value in given.items())
        normal = (x - mean) * invstd
        slope = dy * wide
        by_x = invstd * (
            slope
            - tensor_mean(slope, axis=axes, keepdims=True)
            - normal * tensor_mean(slope * normal, axis=axes, keepdims=True)
        )
        by_scale = tensor_sum(dy * normal, axis=axes, keepdims=True)
        by_bias = tensor_sum(dy, axis=axes, keepdims=True)
        model = as_tensor_variable(scale)
        return [by_x, _as_given(by_scale, model, axes), _as_given(by_bias, model, axes)]
