"""Bilinear upsampling of images, and the kernels of the transposed convolutions that it equals."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano._config import config
from theano.scalar.dtypes import discrete_dtypes
from theano.scalar.selection import maximum, minimum
from theano.tensor.advanced_indexing import AdvancedSubtensor1
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import minus, over, plus, times
from theano.tensor.products import length
from theano.tensor.ranges import arange
from theano.tensor.shape import swapaxes


def bilinear_kernel_1D(ratio: int, normalize: bool = True) -> Any:
    """The 2 * ratio - 1 weights 1, 2, …, ratio, …, 2, 1 in floatX; divided by ratio if `normalize`.

    >>> bilinear_kernel_1D(2).eval().tolist()
    [0.5, 1.0, 0.5]
    """
    ratio = _positive(ratio)
    weights = np.concatenate([np.arange(1, ratio + 1), np.arange(ratio - 1, 0, -1)]).astype(config.floatX)
    return constant(weights / weights.dtype.type(ratio) if normalize else weights)


def bilinear_kernel_2D(ratio: int, normalize: bool = True) -> Any:
    """The outer product of `bilinear_kernel_1D` with itself."""
    weights = bilinear_kernel_1D(ratio, normalize).data
    return constant(np.outer(weights, weights))


def _positive(n: Any) -> int:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"bilinear upsampling: ratios are positive integers, got {n!r}")
    return int(n)


def bilinear_upsampling(
    input: Any,
    ratio: Any = None,
    frac_ratio: Any = None,
    batch_size: Any = None,
    num_input_channels: Any = None,
    use_1D_kernel: bool = True,
) -> Any:
    """Images (batch, channels, rows, columns) with `ratio` times as many rows and columns, interpolated linearly.

    ratio        a positive integer
    frac_ratio   instead of it (a, b), or a pair of these for rows and columns: a / b times as many
    Beyond the borders the images continue with their last elements. The other arguments are accepted for compatibility.

    >>> from theano.tensor import as_tensor_variable
    >>> bilinear_upsampling(as_tensor_variable([[[[0.0, 4.0]]]]), ratio=2).eval().round(6).tolist()
    [[[[0.0, 2.0, 4.0, 4.0], [0.0, 2.0, 4.0, 4.0]]]]
    """
    if (ratio is None) == (frac_ratio is None):
        raise ValueError("bilinear_upsampling takes either ratio or frac_ratio")
    return frac_bilinear_upsampling(input, (_positive(ratio), 1) if frac_ratio is None else frac_ratio)


def frac_bilinear_upsampling(input: Any, frac_ratio: Any) -> Any:
    """`bilinear_upsampling` by a / b: every b-th element of the images upsampled by a, so ceil(n * a / b) of n.

    frac_ratio   (a, b), or a pair of these for rows and columns
    """
    input = as_tensor_variable(input)
    if input.type.ndim != 4:
        raise TypeError(f"bilinear upsampling: the images must have 4 axes, got {input} of type {input.type}")
    pairs = tuple(frac_ratio)
    if len(pairs) != 2:
        raise ValueError(f"bilinear upsampling: frac_ratio must be (a, b) or a pair of these, got {frac_ratio!r}")
    if not isinstance(pairs[0], (tuple, list)):
        pairs = (pairs, pairs)
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"bilinear upsampling: frac_ratio must be (a, b) or a pair of these, got {frac_ratio!r}")
    if input.type.dtype in discrete_dtypes:
        input = cast_to(input, config.floatX)
    for axis, (a, b) in zip((2, 3), pairs):
        input = _interpolated(input, axis, _positive(a), _positive(b))
    return input


def _interpolated(x: Any, axis: int, a: int, b: int) -> Any:
    """x along `axis` at the positions (k * b - (a - 1) // 2) / a, k = 0, 1, …, ceil(n * a / b) - 1."""
    n = length(x, axis)
    count = over(plus(times(n, a), b - 1), b)
    numerator = arange(count) * b - (a - 1) // 2
    low = numerator // a
    share = cast_to(numerator - low * a, x.type.dtype) / np.asarray(a, x.type.dtype)
    last = minus(n, 1)
    lines = swapaxes(x, 0, axis)
    ends = [AdvancedSubtensor1()(lines, minimum(maximum(k, 0), last)) for k in (low, low + 1)]
    share = dimshuffle(share, [0, "x", "x", "x"])
    return swapaxes(ends[0] * (1 - share) + ends[1] * share, 0, axis)
