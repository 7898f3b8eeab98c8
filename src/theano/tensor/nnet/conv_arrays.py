"""Convolution of NumPy arrays with any number of spatial axes, by matrix products over windows.

A block of windows is copied into a matrix of bounded size (`_BLOCK` elements), one row per element of the kernel and
one column per output position, and multiplied through BLAS; a loop runs over the blocks. `forward`, `by_image` and
`by_kernel` are linear in both arguments, and adjoint to one another. Nothing here flips kernels or knows of variables.

Layouts: image (batch, channels, *spatial), kernel (filters, channels / groups, *spatial) or, unshared,
(filters, *output, channels / groups, *spatial), top (batch, filters, *output).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from theano._records import record_class
from theano.tensor.nnet.conv_shape import axis_pads, dilated

# elements of a matrix of windows: some megabytes
_BLOCK = 1 << 20


@record_class(frozen=True, slots=True)
class Geometry:
    """How windows lie on an image.

    image, kernel, top   spatial lengths
    low, high            padding of the image
    """

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    top: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        return tuple(n + a + b for n, a, b in zip(self.image, self.low, self.high))

    @property
    def inner(self) -> tuple[slice, ...]:
        return tuple(slice(a, a + n) for n, a in zip(self.image, self.low))


def geometry(
    name: str,
    image: tuple[int, ...],
    kernel: tuple[int, ...],
    mode: object,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Geometry:
    """The geometry of a convolution. ValueError for an empty kernel and for one larger than the padded image."""
    if 0 in kernel:
        raise ValueError(f"{name}: the kernel has no elements: its spatial shape is {kernel}")
    extents = tuple(dilated(n, d) for n, d in zip(kernel, dilation))
    pads = [axis_pads(mode if isinstance(mode, str) else mode[k], n) for k, n in enumerate(extents)]  # type: ignore[index]
    low, high = tuple(int(a) for a, _ in pads), tuple(int(b) for _, b in pads)
    for axis, (n, a, b, extent) in enumerate(zip(image, low, high, extents)):
        if n + a + b < extent:
            dilation_text = f", {extent} with dilation {dilation[axis]}" if dilation[axis] > 1 else ""
            raise ValueError(
                f"{name}: the kernel is larger than the image along spatial axis {axis}: images of {image} with "
                f"padding {(a, b)} and kernels of {kernel}{dilation_text}. Use a smaller kernel, or a border_mode "
                f"that pads more"
            )
    top = tuple((n + a + b - e) // s + 1 for n, a, b, e, s in zip(image, low, high, extents, stride))
    return Geometry(image, kernel, top, low, high, stride, dilation)


def _padded(image: np.ndarray, g: Geometry) -> np.ndarray:
    if not any(g.low) and not any(g.high):
        return image
    result = np.zeros(image.shape[:2] + g.padded, image.dtype)
    result[(slice(None), slice(None), *g.inner)] = image
    return result


def _windows(padded: np.ndarray, g: Geometry, groups: int) -> np.ndarray:
    """A view (groups, channels / groups, *kernel, batch, *top) of a padded image."""
    batch, channels = padded.shape[:2]
    sb, sc, *spatial = padded.strides
    shape = (groups, channels // groups, *g.kernel, batch, *g.top)
    strides = (
        sc * (channels // groups), sc, *(s * d for s, d in zip(spatial, g.dilation)),
        sb, *(s * n for s, n in zip(spatial, g.stride)),
    )  # fmt: skip
    return as_strided(padded, shape, strides)


def _blocks(batch: int, channels: int, g: Geometry) -> Iterator[tuple[slice, slice]]:
    """(items, rows of the output) whose windows fill a block."""
    rows = g.top[0]
    row = max(1, channels * prod(g.kernel) * prod(g.top[1:]))
    if row * rows <= _BLOCK:
        items = max(1, _BLOCK // max(1, row * rows))
        for first in range(0, batch, items):
            yield slice(first, min(batch, first + items)), slice(0, rows)
        return
    height = max(1, _BLOCK // row)
    for item in range(batch):
        for first in range(0, rows, height):
            yield slice(item, item + 1), slice(first, min(rows, first + height))


def _top_matrix(top: np.ndarray, items: slice, rows: slice, groups: int) -> np.ndarray:
    """A block of the output as (groups, filters / groups, items, positions)."""
    part = top[items, :, rows]
    n, filters = part.shape[:2]
    grouped = part.reshape(n, groups, filters // groups, prod(part.shape[2:]))
    return grouped.transpose(1, 2, 0, 3)


def _kernel_matrix(kernel: np.ndarray, groups: int, rows: slice, spatial: int, unshared: bool) -> np.ndarray:
    """(groups, filters / groups, elements), or of unshared kernels (groups, positions, filters / groups, elements)."""
    filters = kernel.shape[0]
    if not unshared:
        return kernel.reshape(groups, filters // groups, prod(kernel.shape[1:]))
    part = kernel[:, rows]
    positions, elements = prod(part.shape[1 : 1 + spatial]), prod(part.shape[1 + spatial :])
    return part.reshape(groups, filters // groups, positions, elements).transpose(0, 2, 1, 3)


def forward(image: np.ndarray, kernel: np.ndarray, g: Geometry, groups: int = 1, unshared: bool = False) -> np.ndarray:
    """The correlation of images with kernels: (batch, filters, *top)."""
    batch, channels = image.shape[:2]
    filters, spatial = kernel.shape[0], len(g.image)
    result = np.empty((batch, filters, *g.top), image.dtype)
    if result.size == 0 or kernel.size == 0:
        result[...] = 0
        return result
    windows = _windows(_padded(image, g), g, groups)
    elements = channels // groups * prod(g.kernel)
    for items, rows in _blocks(batch, channels, g):
        part = windows[(..., items, rows) + (slice(None),) * (spatial - 1)]
        n, positions = items.stop - items.start, prod(part.shape[-spatial:])
        matrix = _kernel_matrix(kernel, groups, rows, spatial, unshared)
        if unshared:
            columns = part.reshape(groups, elements, n, positions).transpose(0, 3, 1, 2)
            product = np.matmul(matrix, columns).transpose(3, 0, 2, 1)
        else:
            product = np.matmul(matrix, part.reshape(groups, elements, n * positions))
            product = product.reshape(groups, filters // groups, n, positions).transpose(2, 0, 1, 3)
        target = result[items, :, rows]
        target[...] = product.reshape(target.shape)
    return result


def by_kernel(
    image: np.ndarray, top: np.ndarray, g: Geometry, groups: int = 1, unshared: bool = False
) -> np.ndarray:
    """What `forward` sends back to its kernel from `top`: the sum over batch and positions of top * window."""
    batch, channels = image.shape[:2]
    filters, spatial = top.shape[1], len(g.image)
    inner = (channels // groups, *g.kernel)
    result = np.zeros((filters, *(g.top if unshared else ()), *inner), image.dtype)
    if result.size == 0 or top.size == 0:
        return result
    windows = _windows(_padded(image, g), g, groups)
    elements = prod(inner)
    for items, rows in _blocks(batch, channels, g):
        part = windows[(..., items, rows) + (slice(None),) * (spatial - 1)]
        n, positions = items.stop - items.start, prod(part.shape[-spatial:])
        tops = _top_matrix(top, items, rows, groups)
        if unshared:
            columns = part.reshape(groups, elements, n, positions).transpose(0, 3, 2, 1)
            product = np.matmul(tops.transpose(0, 3, 1, 2), columns)
            target = result[:, rows]
            target += product.transpose(0, 2, 1, 3).reshape(target.shape)
        else:
            flat = part.reshape(groups, elements, n * positions).swapaxes(1, 2)
            product = np.matmul(tops.reshape(groups, filters // groups, n * positions), flat)
            result += product.reshape(result.shape)
    return result


def by_image(kernel: np.ndarray, top: np.ndarray, g: Geometry, groups: int = 1, unshared: bool = False) -> np.ndarray:
    """What `forward` sends back to its image from `top`: every window gets kernel * top added."""
    batch, filters, spatial = top.shape[0], top.shape[1], len(g.image)
    inner = kernel.shape[1 + spatial if unshared else 1]
    channels = inner * groups
    padded = np.zeros((batch, channels, *g.padded), top.dtype)
    if padded.size and top.size and kernel.size:
        windows = _windows(padded, g, groups)
        for items, rows in _blocks(batch, channels, g):
            target = windows[(..., items, rows) + (slice(None),) * (spatial - 1)]
            n, positions = items.stop - items.start, prod(target.shape[-spatial:])
            tops = _top_matrix(top, items, rows, groups)
            matrix = _kernel_matrix(kernel, groups, rows, spatial, unshared)
            if unshared:
                columns = np.matmul(matrix.swapaxes(2, 3), tops.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
            else:
                flat = tops.reshape(groups, filters // groups, n * positions)
                columns = np.matmul(matrix.swapaxes(1, 2), flat)
            columns = columns.reshape(target.shape)
            # windows overlap, but not those of one element of the kernel
            for element in np.ndindex(*g.kernel):
                at = (slice(None), slice(None), *element)
                target[at] += columns[at]
    result = padded[(slice(None), slice(None), *g.inner)]
    return result if result.shape == padded.shape else np.ascontiguousarray(result)
