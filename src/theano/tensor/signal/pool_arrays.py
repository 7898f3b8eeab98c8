"""Pooling of NumPy arrays over their last axes: windows, sums, maxima, and what flows back.

Sums and maxima go axis by axis; gradients of maxima go through the elements of the window. Padding is that of
`ignore_border=True`; windows that stick out at the end (`ignore_border=False`) see only the elements there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Windows:
    """Where the windows of a pooling lie: `counts` of them along each axis, on images of `image`."""

    image: tuple[int, ...]
    counts: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """Lengths on which every window lies entirely, and every element of the image too."""
        return tuple(
            max(n + 2 * p, (c - 1) * s + w)
            for n, c, w, s, p in zip(self.image, self.counts, self.size, self.stride, self.pad)
        )

    @property
    def inner(self) -> tuple[Any, ...]:
        return tuple(slice(p, p + n) for n, p in zip(self.image, self.pad))

    def elements(self) -> Iterator[tuple[Any, ...]]:
        """For every element of a window: where it lies on the padded image, for all windows."""
        for offsets in np.ndindex(*self.size):
            yield tuple(
                slice(o, o + (c - 1) * s + 1, s) for o, c, s in zip(offsets, self.counts, self.stride)
            )

    def populations(self) -> np.ndarray:
        """How many elements of the image every window holds."""
        result = np.ones((1,) * len(self.image), dtype="int64")
        for axis, (n, c, w, s, p) in enumerate(zip(self.image, self.counts, self.size, self.stride, self.pad)):
            first = np.arange(c) * s
            held = np.minimum(first + w, p + n) - np.maximum(first, p)
            result = result * held.reshape([-1 if k == axis else 1 for k in range(len(self.image))])
        return result


def window_count(n: int, size: int, stride: int, pad: int, ignore_border: bool) -> int:
    """How many windows there are along an axis of length n; not positive if not even one fits."""
    if ignore_border:
        return (n + 2 * pad - size) // stride + 1
    if stride >= size:
        return (n - 1) // stride + 1
    return max(0, (n - 1 - size + stride) // stride) + 1


def lowest(dtype: np.dtype) -> Any:
    """A number that no element of `dtype` is below."""
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def padded(x: np.ndarray, windows: Windows, fill: Any) -> np.ndarray:
    """x with `fill` around it, so that every window lies inside."""
    if windows.padded == x.shape[x.ndim - len(windows.image):]:
        return x
    result = np.full(x.shape[: x.ndim - len(windows.image)] + windows.padded, fill, dtype=x.dtype)
    result[(Ellipsis, *windows.inner)] = x
    return result


def _along_axes(x: np.ndarray, windows: Windows, combine: Callable[..., np.ndarray]) -> np.ndarray:
    spatial = len(windows.image)
    after: tuple[Any, ...]
    for k, (count, size, stride) in enumerate(zip(windows.counts, windows.size, windows.stride)):
        after = (slice(None),) * (spatial - 1 - k)
        span = (count - 1) * stride + 1
        at: tuple[Any, ...] = (Ellipsis, slice(0, span, stride), *after)
        result = x[at].copy()
        for offset in range(1, size):
            at = (Ellipsis, slice(offset, offset + span, stride), *after)
            combine(result, x[at], out=result)
        x = result
    return x


def maxima(x: np.ndarray, windows: Windows) -> np.ndarray:
    """The largest element of every window; NaN where there is a NaN."""
    return _along_axes(padded(x, windows, lowest(x.dtype)), windows, np.maximum)


def sums(x: np.ndarray, windows: Windows) -> np.ndarray:
    """The sum of every window."""
    return _along_axes(padded(x, windows, 0), windows, np.add)


def spread(values: np.ndarray, windows: Windows) -> np.ndarray:
    """The adjoint of `sums`: every element of the image gets the values of all windows that hold it."""
    shape = values.shape[: values.ndim - len(windows.image)]
    result = np.zeros(shape + windows.padded, values.dtype)
    for at in windows.elements():
        result[(..., *at)] += values
    return np.ascontiguousarray(result[(Ellipsis, *windows.inner)])


def spread_to_maxima(x: np.ndarray, largest: np.ndarray, values: np.ndarray, windows: Windows) -> np.ndarray:
    """Every element that is the largest of a window gets the value of the window; equal ones all get it."""
    wide = padded(x, windows, lowest(x.dtype))
    result = np.zeros(wide.shape, values.dtype)
    zero = np.zeros((), values.dtype)
    with_nan = _has_nan(largest)
    for at in windows.elements():
        where = (..., *at)
        result[where] += np.where(_equal(wide[where], largest, with_nan), values, zero)
    return np.ascontiguousarray(result[(Ellipsis, *windows.inner)])


def collect_at_maxima(x: np.ndarray, largest: np.ndarray, values: np.ndarray, windows: Windows) -> np.ndarray:
    """The adjoint of `spread_to_maxima`: for every window the sum of `values` where x is the largest."""
    wide, wide_values = padded(x, windows, lowest(x.dtype)), padded(values, windows, 0)
    result = np.zeros(largest.shape, values.dtype)
    zero = np.zeros((), values.dtype)
    with_nan = _has_nan(largest)
    for at in windows.elements():
        where = (..., *at)
        result += np.where(_equal(wide[where], largest, with_nan), wide_values[where], zero)
    return result


def _has_nan(x: np.ndarray) -> bool:
    return x.dtype.kind == "f" and bool(np.isnan(x).any())


def _equal(x: np.ndarray, largest: np.ndarray, with_nan: bool) -> np.ndarray:
    """Where x is the largest of its window. The largest of a window with a NaN is that NaN."""
    equal = x == largest
    return equal | (np.isnan(x) & np.isnan(largest)) if with_nan else equal


def averages_divisor(windows: Windows, includes_padding: bool) -> np.ndarray:
    """By what the sums of windows are divided to give averages."""
    if includes_padding and any(windows.pad):
        return np.asarray(prod(windows.size))
    return windows.populations()


def ints(values: Sequence[Any] | np.ndarray) -> tuple[int, ...]:
    return tuple(int(v) for v in values)
