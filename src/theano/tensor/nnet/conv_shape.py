"""The shapes of convolutions: border modes, and the lengths of output, kernel and image from one another.

Every function works on Python ints and on 0-d integer variables; None stands for a length that is not known. Shapes
are those of conv2d and conv3d: (batch, channels, *spatial). Nothing is computed here: see `conv_arrays.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from theano.tensor.convert import as_tensor_variable
from theano.tensor.lengths import known, minus, over, plus, times

Pads = tuple[tuple[Any, Any], ...]
_MODES = ("valid", "full", "half")


def positive_ints(values: Any, count: int, what: str) -> tuple[int, ...]:
    """`values` (an int, or one int per axis; None: ones) as a tuple. ValueError unless all are at least one."""
    if values is None:
        return (1,) * count
    if isinstance(values, (int, np.integer)):
        values = (values,) * count
    try:
        numbers = tuple(index(v) for v in values)
    except TypeError:
        raise TypeError(f"{what} must be {count} integers, got {values!r}") from None
    if len(numbers) != count:
        raise ValueError(f"{what} must have {count} entries, one per spatial axis, got {values!r}")
    if any(n < 1 for n in numbers):
        raise ValueError(f"{what} must be at least 1 along every axis, got {values!r}")
    return numbers


def normalized_border_mode(mode: Any, count: int) -> Any:
    """A name, or a tuple with a pair (left, right) per axis. ValueError for anything else."""
    if isinstance(mode, str):
        if mode not in _MODES:
            raise ValueError(
                f"invalid border_mode {mode!r}: it must be 'valid', 'full', 'half', an integer, or one integer or pair "
                f"of integers for each of the {count} spatial axes"
            )
        return mode
    entries = (mode,) * count if isinstance(mode, (int, np.integer)) else mode
    pads = []
    try:
        entries = tuple(entries)
        for entry in entries:
            low, high = entry if isinstance(entry, (tuple, list)) else (entry, entry)
            pads.append((index(low), index(high)))
    except (TypeError, ValueError):
        raise ValueError(
            f"invalid border_mode {mode!r}: it must be 'valid', 'full', 'half', an integer, or one integer or pair of "
            f"integers for each of the {count} spatial axes"
        ) from None
    if len(pads) != count:
        raise ValueError(f"invalid border_mode {mode!r}: there are {count} spatial axes, not {len(pads)}")
    if any(n < 0 for pair in pads for n in pair):
        raise ValueError(f"invalid border_mode {mode!r}: padding must not be negative")
    return tuple(pads)


def dilated(length: Any, dilation: int) -> Any:
    """The extent of a kernel of `length` elements that stand `dilation` apart."""
    return length if dilation == 1 else plus(times(minus(length, 1), dilation), 1)


def axis_pads(mode: Any, extent: Any) -> tuple[Any, Any]:
    """(left, right) padding of one axis for a dilated kernel of `extent`; mode: a name, an int or a pair."""
    if mode == "valid":
        return 0, 0
    if mode == "full":
        return minus(extent, 1), minus(extent, 1)
    if mode == "half":
        return over(extent, 2), over(extent, 2)
    if isinstance(mode, (tuple, list)):
        return mode[0], mode[1]
    return mode, mode


def border_mode_to_pad(mode: Any, convdim: int, kshp: Sequence[Any]) -> Pads:
    """((left, right), ...) of zeros that a border mode adds; `kshp` has the (dilated) lengths of the kernel.

    >>> border_mode_to_pad("half", 2, (3, 5)), border_mode_to_pad((1, (0, 2)), 2, (3, 5))
    (((1, 1), (2, 2)), ((1, 1), (0, 2)))
    """
    mode = normalized_border_mode(mode, convdim)
    kshp = tuple(kshp)
    if len(kshp) != convdim:
        raise ValueError(f"border_mode_to_pad: {convdim} lengths of the kernel are needed, got {kshp}")
    return tuple(axis_pads(mode if isinstance(mode, str) else mode[k], kshp[k]) for k in range(convdim))


def get_conv_shape_1axis(
    image_shape: Any, kernel_shape: Any, border_mode: Any, subsample: Any, dilation: int = 1
) -> Any:
    """The length of the output along one axis. None if one that is needed is None."""
    if image_shape is None or kernel_shape is None or border_mode is None or subsample is None or dilation is None:
        return None
    extent = dilated(kernel_shape, dilation)
    low, high = axis_pads(border_mode, extent)
    room = minus(plus(plus(image_shape, low), high), extent)
    result = plus(over(room, subsample), 1)
    if isinstance(known(room), int) and room < 0:
        raise ValueError(
            f"the kernel is larger than the image: {kernel_shape} elements (dilation {dilation}, so {extent}) do not "
            f"fit into {image_shape} with padding {(low, high)}. Use a smaller kernel or a border_mode that pads more"
        )
    return result


def _per_axis(border_mode: Any, count: int) -> list[Any]:
    mode = normalized_border_mode(border_mode, count)
    return [mode] * count if isinstance(mode, str) else list(mode)


def get_conv_output_shape(
    image_shape: Sequence[Any],
    kernel_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[int],
    filter_dilation: Sequence[int] | None = None,
) -> tuple[Any, ...]:
    """The shape of the output for an image (batch, channels, *spatial) and a kernel (filters, ..., *spatial).

    ValueError if the kernel is known to be larger than the padded image.

    >>> get_conv_output_shape((8, 3, 32, 32), (16, 3, 5, 5), "half", (2, 2))
    (8, 16, 16, 16)
    """
    image_shape, kernel_shape = tuple(image_shape), tuple(kernel_shape)
    count = len(image_shape) - 2
    dilation = filter_dilation or (1,) * count
    modes = _per_axis(border_mode, count)
    spatial = [
        get_conv_shape_1axis(image_shape[2 + k], kernel_shape[len(kernel_shape) - count + k], modes[k], subsample[k],
                             dilation[k])
        for k in range(count)
    ]
    return (image_shape[0], kernel_shape[0], *spatial)


def get_conv_gradweights_shape_1axis(
    image_shape: Any, top_shape: Any, border_mode: Any, subsample: int, dilation: int
) -> Any:
    """The length of the kernel along one axis, if image and output determine it; else None."""
    if image_shape is None or top_shape is None or subsample is None or dilation is None:
        return None
    if subsample != 1 or border_mode == "half":
        return None
    if border_mode == "full":
        extent = plus(minus(top_shape, image_shape), 1)
    else:
        low, high = axis_pads(border_mode, None)
        extent = plus(minus(plus(plus(image_shape, low), high), top_shape), 1)
    return extent if dilation == 1 else plus(over(minus(extent, 1), dilation), 1)


def get_conv_gradweights_shape(
    image_shape: Sequence[Any],
    top_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[int],
    filter_dilation: Sequence[int] | None = None,
    num_groups: int = 1,
    unshared: bool = False,
) -> tuple[Any, ...]:
    """The shape of the kernel as far as the shapes of image and output determine it, with None elsewhere."""
    image_shape, top_shape = tuple(image_shape), tuple(top_shape)
    count = len(image_shape) - 2
    dilation = filter_dilation or (1,) * count
    modes = _per_axis(border_mode, count)
    channels = None if image_shape[1] is None else over(image_shape[1], num_groups)
    spatial = [
        get_conv_gradweights_shape_1axis(image_shape[2 + k], top_shape[2 + k], modes[k], subsample[k], dilation[k])
        for k in range(count)
    ]
    positions = top_shape[2:] if unshared else ()
    return (top_shape[1], *positions, channels, *spatial)


def get_conv_gradinputs_shape_1axis(
    kernel_shape: Any, top_shape: Any, border_mode: Any, subsample: int, dilation: int
) -> Any:
    """The length of the image along one axis, if kernel and output determine it; else None."""
    if kernel_shape is None or top_shape is None or border_mode is None or subsample is None or dilation is None:
        return None
    if subsample != 1:
        return None
    extent = dilated(kernel_shape, dilation)
    low, high = axis_pads(border_mode, extent)
    return minus(minus(plus(minus(top_shape, 1), extent), low), high)


def get_conv_gradinputs_shape(
    kernel_shape: Sequence[Any],
    top_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[int],
    filter_dilation: Sequence[int] | None = None,
    num_groups: int = 1,
) -> tuple[Any, ...]:
    """The shape of the image as far as the shapes of kernel and output determine it, with None elsewhere."""
    kernel_shape, top_shape = tuple(kernel_shape), tuple(top_shape)
    count = len(top_shape) - 2
    dilation = filter_dilation or (1,) * count
    modes = _per_axis(border_mode, count)
    channels = kernel_shape[len(kernel_shape) - count - 1]
    channels = None if channels is None else times(channels, num_groups)
    spatial = [
        get_conv_gradinputs_shape_1axis(kernel_shape[len(kernel_shape) - count + k], top_shape[2 + k], modes[k],
                                        subsample[k], dilation[k])
        for k in range(count)
    ]
    return (top_shape[0], channels, *spatial)


def check_conv_gradinputs_shape(
    image_shape: Sequence[Any],
    kernel_shape: Sequence[Any],
    output_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[int],
    filter_dilation: Sequence[int] | None = None,
) -> bool:
    """Can a convolution of this image and kernel have this output, as far as the lengths are numbers?"""
    image_shape, kernel_shape, output_shape = tuple(image_shape), tuple(kernel_shape), tuple(output_shape)
    if len(image_shape) != len(output_shape):
        return False
    try:
        found = get_conv_output_shape(image_shape, kernel_shape, border_mode, subsample, filter_dilation)
    except ValueError:
        return False
    return not any(
        isinstance(known(a), int) and isinstance(known(b), int) and known(a) != known(b)
        for a, b in zip(found, output_shape)
    )


def given_shape(shape: Any, count: int, what: str) -> tuple[int | None, ...]:
    """A shape that a user gave as a hint: ints, constants or None. None for no hint at all."""
    if shape is None:
        return (None,) * count
    entries: list[int | None] = []
    for entry in tuple(shape):
        if entry is None:
            entries.append(None)
            continue
        number = known(as_tensor_variable(entry))
        if not isinstance(number, int):
            raise TypeError(f"{what} must have integers, integer constants or None, got {entry!r}")
        if number < 0:
            raise ValueError(f"{what} must not have negative lengths, got {tuple(shape)}")
        entries.append(number)
    if len(entries) != count:
        raise ValueError(f"{what} must have {count} entries, got {tuple(shape)}")
    return tuple(entries)
