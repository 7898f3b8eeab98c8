"""theano.tensor.nnet.abstract_conv: convolution in two and three dimensions and the forms made of it.

The ops are in `conv_ops.py`, the arithmetic of shapes in `conv_shape.py`; both are re-exported here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from theano._config import config
from theano.graph.node import Constant
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import MakeVector
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.extra_ops import NonNegative
from theano.tensor.nnet.conv_ops import AbstractConv as AbstractConv
from theano.tensor.nnet.conv_ops import AbstractConv2d as AbstractConv2d
from theano.tensor.nnet.conv_ops import AbstractConv2d_gradInputs as AbstractConv2d_gradInputs
from theano.tensor.nnet.conv_ops import AbstractConv2d_gradWeights as AbstractConv2d_gradWeights
from theano.tensor.nnet.conv_ops import AbstractConv3d as AbstractConv3d
from theano.tensor.nnet.conv_ops import AbstractConv3d_gradInputs as AbstractConv3d_gradInputs
from theano.tensor.nnet.conv_ops import AbstractConv3d_gradWeights as AbstractConv3d_gradWeights
from theano.tensor.nnet.conv_ops import AbstractConv_gradInputs as AbstractConv_gradInputs
from theano.tensor.nnet.conv_ops import AbstractConv_gradWeights as AbstractConv_gradWeights
from theano.tensor.nnet.conv_ops import BaseAbstractConv as BaseAbstractConv
from theano.tensor.nnet.conv_shape import border_mode_to_pad as border_mode_to_pad
from theano.tensor.nnet.conv_shape import check_conv_gradinputs_shape as check_conv_gradinputs_shape
from theano.tensor.nnet.conv_shape import get_conv_gradinputs_shape as get_conv_gradinputs_shape
from theano.tensor.nnet.conv_shape import get_conv_gradinputs_shape_1axis as get_conv_gradinputs_shape_1axis
from theano.tensor.nnet.conv_shape import get_conv_gradweights_shape as get_conv_gradweights_shape
from theano.tensor.nnet.conv_shape import get_conv_gradweights_shape_1axis as get_conv_gradweights_shape_1axis
from theano.tensor.nnet.conv_shape import get_conv_output_shape as get_conv_output_shape
from theano.tensor.nnet.conv_shape import get_conv_shape_1axis as get_conv_shape_1axis
from theano.tensor.nnet.conv_shape import positive_ints
from theano.tensor.nnet.upsampling import bilinear_kernel_1D as bilinear_kernel_1D
from theano.tensor.nnet.upsampling import bilinear_kernel_2D as bilinear_kernel_2D
from theano.tensor.nnet.upsampling import bilinear_upsampling as bilinear_upsampling
from theano.tensor.nnet.upsampling import frac_bilinear_upsampling as frac_bilinear_upsampling
from theano.tensor.products import length
from theano.tensor.shape import specify_shape


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    image_shape: Any = None,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
    **kwargs: Any,
) -> Any:
    """The convolution of images with filters, summed over the channels: (batch, filters, rows, columns).

    input             (batch, channels, rows, columns)
    filters           (filters, channels / num_groups, rows, columns); if `unshared`, (filters, output rows, output
                      columns, channels / num_groups, rows, columns)
    input_shape, filter_shape   what is known of the shapes: tuples of ints and None (image_shape: an old name)
    border_mode       'valid', 'full', 'half', an int, or for both axes an int or a pair (before, after): zeros around
                      the image
    subsample         step between windows
    filter_flip       flip the filters (a convolution); else it is a cross-correlation
    filter_dilation   step between the elements of a filter on the image
    num_groups        groups of channels that are convolved each with filters of their own
    ValueError for unknown border modes, for channels that do not fit and for filters larger than the padded image.

    >>> from theano.tensor import zeros
    >>> conv2d(zeros((8, 3, 32, 32)), zeros((16, 3, 5, 5))).type.shape
    (8, 16, 28, 28)
    >>> conv2d(zeros((8, 3, 32, 32)), zeros((16, 3, 5, 5)), border_mode="half", subsample=(2, 2)).type.shape
    (8, 16, 16, 16)
    """
    _ignored(kwargs)
    if image_shape is not None:
        if input_shape is not None:
            raise ValueError("conv2d takes input_shape or image_shape (its old name), not both")
        input_shape = image_shape
    op = AbstractConv2d(
        input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(input, filters)


def _ignored(keywords: dict[str, Any]) -> None:
    if keywords:
        warnings.warn(
            f"conv2d: the keyword arguments {', '.join(sorted(keywords))} belong to the old interface and do nothing",
            stacklevel=3,
        )


def conv3d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """`conv2d` with three spatial axes: input (batch, channels, depth, rows, columns)."""
    op = AbstractConv3d(input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups)
    return op(input, filters)


def conv2d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The gradient of `conv2d` by its input, for the gradient of its output.

    input_shape   the shape of the input: four lengths; the last two must be ints or integer variables
    """
    hint, spatial = _wanted_shape(input_shape, 4, 2, "input_shape")
    op = AbstractConv2d_gradInputs(
        hint, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(filters, output_grad, spatial)


def conv3d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """The gradient of `conv3d` by its input, for the gradient of its output."""
    hint, spatial = _wanted_shape(input_shape, 5, 3, "input_shape")
    op = AbstractConv3d_gradInputs(
        hint, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )
    return op(filters, output_grad, spatial)


def conv2d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The gradient of `conv2d` by its filters, for the gradient of its output.

    filter_shape   the shape of the filters: four lengths (six if unshared); the last two must be ints or variables
    """
    hint, spatial = _wanted_shape(filter_shape, 6 if unshared else 4, 2, "filter_shape")
    op = AbstractConv2d_gradWeights(
        input_shape, hint, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(input, output_grad, spatial)


def conv3d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """The gradient of `conv3d` by its filters, for the gradient of its output."""
    hint, spatial = _wanted_shape(filter_shape, 5, 3, "filter_shape")
    op = AbstractConv3d_gradWeights(
        input_shape, hint, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )
    return op(input, output_grad, spatial)


def _wanted_shape(shape: Any, ndim: int, spatial: int, what: str) -> tuple[Any, Any]:
    """(what is known of a shape, its spatial lengths) for a sequence of lengths or a vector."""
    if isinstance(shape, (list, tuple)):
        entries = tuple(shape)
        if len(entries) != ndim:
            raise ValueError(f"{what} must have {ndim} entries, got {entries}")
        if any(n is None for n in entries[-spatial:]):
            raise ValueError(f"{what} must tell the {spatial} spatial lengths, got {entries}")
        hint = [_number(n) for n in entries]
        return tuple(hint), list(entries[-spatial:])
    vector = as_tensor_variable(shape)
    if isinstance(vector, Constant):
        return _wanted_shape([int(n) for n in vector.data], ndim, spatial, what)
    return None, vector[ndim - spatial : ndim]


def _number(n: Any) -> int | None:
    if n is None:
        return None
    variable = as_tensor_variable(n)
    return int(variable.data) if isinstance(variable, Constant) else None


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    input_dilation: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The transposed convolution: the gradient of a `conv2d` by its input, written as a forward operation.

    input            (batch, input channels, rows, columns)
    filters          (input channels, output channels / num_groups, rows, columns)
    output_shape     four lengths; the last two are needed, as several sizes may lead to the same input
    input_dilation   the step (`subsample`) of the convolution that this one is the transpose of

    >>> from theano.tensor import zeros
    >>> images, filters = zeros((8, 16, 14, 14)), zeros((16, 3, 4, 4))
    >>> conv2d_transpose(images, filters, (8, 3, 28, 28), border_mode=(1, 1), input_dilation=(2, 2)).type.shape
    (8, 3, 28, 28)
    """
    return conv2d_grad_wrt_inputs(
        input, filters, output_shape, filter_shape, border_mode, input_dilation, filter_flip, filter_dilation,
        num_groups, unshared,
    )  # fmt: skip


def separable_conv2d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Any = None,
    depthwise_filter_shape: Any = None,
    pointwise_filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
) -> Any:
    """Every channel convolved with filters of its own, then the results mixed by filters of one element.

    depthwise_filters   (filters per channel * num_channels, 1, rows, columns)
    pointwise_filters   (filters, filters per channel * num_channels, 1, 1)
    """
    _check_pointwise(pointwise_filters, pointwise_filter_shape, 2)
    middle = conv2d(
        input, depthwise_filters, input_shape, depthwise_filter_shape, border_mode, subsample, filter_flip,
        filter_dilation=filter_dilation, num_groups=num_channels,
    )  # fmt: skip
    return conv2d(middle, pointwise_filters, None, pointwise_filter_shape, filter_flip=filter_flip)


def separable_conv3d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Any = None,
    depthwise_filter_shape: Any = None,
    pointwise_filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
) -> Any:
    """`separable_conv2d` with three spatial axes."""
    _check_pointwise(pointwise_filters, pointwise_filter_shape, 3)
    middle = conv3d(
        input, depthwise_filters, input_shape, depthwise_filter_shape, border_mode, subsample, filter_flip,
        filter_dilation, num_channels,
    )  # fmt: skip
    return conv3d(middle, pointwise_filters, None, pointwise_filter_shape, filter_flip=filter_flip)


def _check_pointwise(filters: Any, shape: Any, spatial: int) -> None:
    known = as_tensor_variable(filters).type.shape[2:]
    stated = tuple(shape)[2:] if shape is not None else ()
    for n in (*known, *stated):
        if n is not None and _number(n) not in (None, 1):
            raise ValueError(
                f"separable convolution: pointwise filters have one element along all {spatial} spatial axes, got "
                f"spatial lengths {stated or known}"
            )


def causal_conv1d(
    input: Any,
    filters: Any,
    filter_shape: Any,
    input_shape: Any = None,
    subsample: int = 1,
    filter_flip: bool = True,
    filter_dilation: int = 1,
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The convolution along time in which no output depends on a later input: (batch, filters, time).

    input          (batch, channels, time)
    filters        (filters, channels / num_groups, length); unshared: (filters, time of the output, channels / groups,
                   length)
    filter_shape   the shape of the filters; its last entry says how many zeros come before the first input. It may be
                   None where the type of `filters` tells the length

    >>> from theano.tensor import as_tensor_variable
    >>> sequence, filters = as_tensor_variable([[[1.0, 0.0, 0.0]]]), as_tensor_variable([[[1.0, 0.5]]])
    >>> causal_conv1d(sequence, filters, (1, 1, 2)).eval().tolist()
    [[[1.0, 0.5, 0.0]]]
    """
    input, filters = as_tensor_variable(input), as_tensor_variable(filters)
    if input.type.ndim != 3:
        raise TypeError(f"causal_conv1d: the input must have 3 axes (batch, channels, time), got {input.type}")
    if filters.type.ndim != (4 if unshared else 3):
        raise TypeError(f"causal_conv1d: the filters must have {4 if unshared else 3} axes, got {filters.type}")
    span = filters.type.shape[-1] if filter_shape is None else _number(tuple(filter_shape)[-1])
    if span is None:
        raise ValueError("causal_conv1d needs filter_shape with the length of the filters, which sets the padding")
    (step,) = positive_ints(subsample, 1, "subsample")
    (dilation,) = positive_ints(filter_dilation, 1, "filter_dilation")
    pad = dilation * (span - 1)
    images = dimshuffle(input, [0, 1, 2, "x"])
    kernels = dimshuffle(filters, [0, 1, "x", 2, 3, "x"] if unshared else [0, 1, 2, "x"])
    image_hint = None if input_shape is None else (*input_shape, 1)
    kernel_hint = None
    if filter_shape is not None:
        f = tuple(filter_shape)
        kernel_hint = (f[0], f[1], 1, f[2], f[3], 1) if unshared else (*f, 1)
    result = conv2d(
        images, kernels, image_hint, kernel_hint, ((pad, 0), (0, 0)), (step, 1), filter_flip,
        filter_dilation=(dilation, 1), num_groups=num_groups, unshared=unshared,
    )  # fmt: skip
    return dimshuffle(result, [0, 1, 2])


def assert_conv_shape(shape: Sequence[Any]) -> tuple[Any, ...]:
    """The lengths of a shape, those that are not known with a check (ValueError) that they are not negative."""
    checked = []
    for n in shape:
        number = _number(n)
        if number is None:
            checked.append(n if n is None else NonNegative("the shape of a convolution")(n))
        elif number < 0:
            raise ValueError(f"the shape of a convolution must not have negative lengths, got {tuple(shape)}")
        else:
            checked.append(number)
    return tuple(checked)


def assert_shape(x: Any, expected_shape: Sequence[Any], msg: str = "Unexpected shape.") -> Any:
    """`x`, with a check of its shape at run time if config.conv.assert_shape is set. None stands for any length."""
    x = as_tensor_variable(x)
    expected = tuple(expected_shape)
    if len(expected) != x.type.ndim:
        raise ValueError(f"{msg} {x} of type {x.type} cannot have shape {expected}")
    if not config.conv.assert_shape or all(n is None for n in expected):
        return x
    lengths = [length(x, axis) if n is None else n for axis, n in enumerate(expected)]
    return specify_shape(x, MakeVector("int64")(*lengths))

