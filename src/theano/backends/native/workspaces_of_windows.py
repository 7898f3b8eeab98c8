"""How much memory convolution and pooling take for their own use: for memory plans, which compute nothing.

The formulas are those of `runtime_plan.py` and `runtime_convolution.py`, and of `runtime_pooling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from theano.backends.native import runtime_adjoints as adjoints
from theano.backends.native import runtime_plan as plans
from theano.backends.native import runtime_pooling as pools
from theano.backends.native import runtime_tiles as tiles
from theano.backends.native import runtime_windows as windows
from theano.backends.native.thread_count import threads_for_multiplications
from theano.backends.native.vector_code import lanes_of, tiles_of_convolution

_LINE = 64


def _up(a: int, b: int) -> int:
    return -(-a // b)


def _even_parts(n: int, most: int) -> int:
    """The length of a part, where n things are in as few parts as have at most so many each, of about one length."""
    return _up(n, _up(n, most))


class _Axis(NamedTuple):
    """A spatial axis of a convolution; a missing one has these lengths."""

    image: int = 1
    kernel: int = 1
    top: int = 1
    stride: int = 1
    dilation: int = 1
    low: int = 0
    step: int = 0

    @property
    def span(self) -> int:
        """What the windows cover."""
        return (self.top - 1) * self.stride + (self.kernel - 1) * self.dilation + 1

    @property
    def is_nothing(self) -> bool:
        return self.image == self.kernel == self.top == 1 and not self.low


class _Convolution:
    """The plan of a convolution, as far as memory hangs on it."""

    def __init__(self, params: Sequence[int], image: np.ndarray, kernel: np.ndarray, top: np.ndarray) -> None:
        axes, self.groups, _, unshared, _ = params[: plans.PARAM_SPATIAL]
        inner = 1 + axes if unshared else 1
        self.size = image.itemsize
        self.batch, self.channels, self.filters = (
            image.shape[0], image.shape[1] // self.groups, kernel.shape[0] // self.groups,
        )  # fmt: skip
        spatial = [_Axis()] * (3 - axes)
        for axis in range(axes):
            first = plans.PARAM_SPATIAL + axis * plans.AXIS_PARAMS
            mode, low, _, stride, dilation = params[first : first + plans.AXIS_PARAMS]
            elements = kernel.shape[1 + inner + axis]
            extent = (elements - 1) * dilation + 1
            low = {plans.MODE_FULL: extent - 1, plans.MODE_HALF: extent // 2}.get(mode, low)
            n, step = image.shape[2 + axis], image.strides[2 + axis]
            spatial.append(_Axis(n, elements, top.shape[2 + axis], stride, dilation, low, step))
        for _ in range(2):
            if spatial[2].is_nothing:
                spatial = [spatial[2], *spatial[:2]]
        self.spatial = spatial
        self.taps = spatial[0].kernel * spatial[1].kernel * spatial[2].kernel
        self.depth = self.taps * self.channels
        area = spatial[0].top * spatial[1].top * spatial[2].top
        self.columns = self.batch * (1 if unshared else area)
        work = self.columns * self.depth * self.filters * self.groups
        self.threads = 1 if unshared else threads_for_multiplications(work)

    def room(self) -> int:
        """Bytes of a copy of the image with its padding."""
        last = self.spatial[2]
        inside = all(a.low == 0 and a.span <= a.image for a in self.spatial)
        if inside and last.step == self.size and last.stride == 1:
            return 0
        row = _up(last.span, last.stride) * last.stride * self.size
        return row * self.spatial[0].span * self.spatial[1].span * self.groups * self.channels * self.batch

    def total(self, packed: int, panel: int, result: int, columns: int) -> int:
        """As `plan_workspace` has it."""
        tables = (self.depth + self.filters) * 8 + 2 * _LINE
        chunks = 2 * columns * plans.CHUNK_BYTES
        own = sum(_up(part, _LINE) * _LINE for part in (panel, result, chunks))
        return 2 * tables + packed + self.threads * own + 4 * _LINE + self.room()

    def of_products(self, name: str, lanes: int, width: int) -> int:
        """Of convolve, or by_image, which multiply packed kernels by panels."""
        row = width * lanes * self.size
        rows, result = self.depth, self.filters * row
        if name == "by_image":
            channels = min(self.channels, _up(tiles.PANEL_ROOM, row * self.taps))
            rows, result = self.filters, channels * self.taps * row
        panel = _even_parts(rows, tiles.PANEL_ROOM // row) * row
        packed = self.depth * self.filters * self.groups * self.size
        return self.total(packed, panel, result, windows.PANELS * width * lanes)

    def of_inner_products(self, lanes: int, at_once: int) -> int:
        """Of by_kernel."""
        filters = _even_parts(self.filters, adjoints.DOT_FILTERS)
        limit = min(adjoints.DOT_ROOM // ((filters + adjoints.DOT_DEPTH) * self.size), 2048)
        vectors = _even_parts(_up(self.columns, lanes), max(5, limit // lanes))
        pitch = (vectors | 1) * lanes * self.size
        return self.total(0, (adjoints.DOT_DEPTH + at_once) * pitch, filters * pitch, vectors * lanes)


def convolution_workspace(
    name: str, params: Sequence[int], inputs: Sequence[np.ndarray], output: np.ndarray
) -> int:
    """Bytes of "convolution.<name>"."""
    image, kernel, top = {
        "convolve": (inputs[0], inputs[1], output),
        "by_image": (output, inputs[0], inputs[1]),
        "by_kernel": (inputs[0], output, inputs[1]),
    }[name]
    plan = _Convolution(params, image, kernel, top)
    if top.size == 0 or plan.depth == 0:
        return 0
    shape, lanes = tiles_of_convolution(), lanes_of(image.dtype.name)
    copy = 0 if name == "convolve" or top.flags.c_contiguous else top.nbytes
    if name == "by_kernel":
        return copy + plan.of_inner_products(lanes, shape.columns)
    return copy + plan.of_products(name, lanes, shape.width)


def pooling_workspace(
    name: str, params: Sequence[int], inputs: Sequence[np.ndarray], numbers: Sequence[bool], output: np.ndarray
) -> int | None:
    """Bytes of "pooling.<name>"; None where the sizes of windows are not known."""
    arrays, sizes, axes = inputs[:-3], inputs[-3:], params[pools.PARAM_NDIM]
    if not all(numbers[-3:]):
        return None
    x = arrays[0]
    images = int(np.prod(x.shape[: x.ndim - axes], dtype=object))
    if images == 0:
        return 0
    window, stride, pad = (int(entry[-1]) for entry in sizes)
    pooled = output if name != "spread" else arrays[1]
    n, counts, size = x.shape[-1], pooled.shape[-1], x.itemsize
    if pad == 0:
        window = min(window, n)
    slack = lanes_of(x.dtype.name) * size
    phase = max(counts + window // stride + 1, _up(n + pad, stride) + 1) * size + slack
    own = 2 * (phase * stride + slack) + (n + counts) * size + 2 * slack + window * 8 + 16
    averages = params[pools.PARAM_MODE] >= pools.MODE_INCLUDING
    if (name == "spread" and averages) or (name == "collect" and len(arrays) == 2):
        own += int(np.prod(pooled.shape[x.ndim - axes :], dtype=object)) * size + slack
    threads = min(threads_for_multiplications(x.size * 4), images)
    copies = sum(a.nbytes for a in arrays if not a.flags.c_contiguous)
    return threads * _up(own, _LINE) * _LINE + copies


__all__ = ["convolution_workspace", "pooling_workspace"]
