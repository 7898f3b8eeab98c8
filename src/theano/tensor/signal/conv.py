"""theano.tensor.signal.conv: the convolution of images without channels."""

from __future__ import annotations

from typing import Any

from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.nnet import abstract_conv


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    **kargs: Any,
) -> Any:
    """Every image convolved with every filter: ([images,] [filters,] rows, columns).

    input, filters   one image or filter (2 axes) or several (3 axes); a single one adds no axis to the result
    image_shape, filter_shape   what is known of the shapes: tuples of ints and None
    border_mode, subsample      as for `nnet.conv2d`
    TypeError for other ranks; ValueError for filters larger than the image.

    >>> from theano.tensor import zeros
    >>> conv2d(zeros((5, 5)), zeros((4, 2, 2))).ndim
    3
    """
    input, filters = as_tensor_variable(input), as_tensor_variable(filters)
    for what, x in (("input", input), ("filters", filters)):
        if x.type.ndim not in (2, 3):
            raise TypeError(f"signal.conv.conv2d: {what} must have 2 or 3 axes, got {x} of type {x.type}")
    images = dimshuffle(input, ["x", "x", 0, 1] if input.type.ndim == 2 else [0, "x", 1, 2])
    kernels = dimshuffle(filters, ["x", "x", 0, 1] if filters.type.ndim == 2 else [0, "x", 1, 2])
    result = abstract_conv.conv2d(
        images, kernels, _with_channels(image_shape, input.type.ndim, "image_shape"),
        _with_channels(filter_shape, filters.type.ndim, "filter_shape"), border_mode, subsample, **kargs,
    )  # fmt: skip
    kept = [k for k, x in enumerate((input, filters)) if x.type.ndim == 3]
    return result if len(kept) == 2 else dimshuffle(result, [*kept, 2, 3])


def _with_channels(shape: Any, ndim: int, what: str) -> Any:
    """A shape ([items,] rows, columns) as (items, 1, rows, columns)."""
    if shape is None:
        return None
    entries = tuple(shape)
    if len(entries) != ndim:
        raise ValueError(f"signal.conv.conv2d: {what} must have {ndim} entries, got {entries}")
    return (1, 1, *entries) if ndim == 2 else (entries[0], 1, *entries[1:])
