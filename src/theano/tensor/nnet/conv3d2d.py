"""theano.tensor.nnet.conv3d2d: three-dimensional convolution with time as the second axis."""

from __future__ import annotations

from typing import Any

from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.nnet import abstract_conv

_TIME_SECOND = (0, 2, 1, 3, 4)


def conv3d(
    signals: Any,
    filters: Any,
    signals_shape: Any = None,
    filters_shape: Any = None,
    border_mode: Any = "valid",
) -> Any:
    """The convolution of signals (batch, time, channels, rows, columns) with filters (filters, time, channels, rows,
    columns): (batch, time, filters, rows, columns).

    signals_shape, filters_shape   what is known of the shapes, in the same order of axes
    border_mode                    as for `nnet.conv3d`
    """
    tensors = []
    for what, value in (("signals", signals), ("filters", filters)):
        x = as_tensor_variable(value)
        if x.type.ndim != 5:
            raise TypeError(f"conv3d2d.conv3d: the {what} must have 5 axes, got {x} of type {x.type}")
        tensors.append(dimshuffle(x, _TIME_SECOND))
    result = abstract_conv.conv3d(
        tensors[0], tensors[1], _reordered(signals_shape), _reordered(filters_shape), border_mode
    )
    return dimshuffle(result, _TIME_SECOND)


def _reordered(shape: Any) -> Any:
    if shape is None:
        return None
    entries = tuple(shape)
    if len(entries) != 5:
        raise ValueError(f"conv3d2d.conv3d: a shape must have 5 entries, got {entries}")
    return tuple(entries[k] for k in _TIME_SECOND)
