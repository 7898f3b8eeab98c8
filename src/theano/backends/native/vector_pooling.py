"""Pooling: rows of windows, in vectors.

Written in the language of `vector_language.py`; `runtime_pooling.py` calls it, and its constants are known here. The
elements of a row which are as far apart as windows are made neighbours first, in phases (`vector_phases.py`) with room
for the padding. Then the elements that all windows of a row have at one place are a contiguous run, and `POOL_TAPS`
tells where it starts. Pairs, of windows of two that lie side by side, need no such room.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import load64
from theano.backends.native.vector_language import (
    number_item,
    vadd,
    vdiv,
    vevens,
    vfill,
    vlargest,
    vload,
    vload_first,
    vmul,
    vodds,
    vstore_first,
)
from theano.backends.native.vector_phases import split_row


def window_start(plan: int, axis: int, window: int) -> int:
    """The first element of the image that a window sees along an axis (times 8)."""
    start = window * load64(plan + POOL_STRIDE + axis) - load64(plan + POOL_PAD + axis)
    if start < 0:
        return 0
    return start


def window_length(plan: int, axis: int, window: int) -> int:
    """How many elements of the image it sees."""
    start = window * load64(plan + POOL_STRIDE + axis) - load64(plan + POOL_PAD + axis)
    end = start + load64(plan + POOL_WINDOW + axis)
    if end > load64(plan + POOL_IMAGE + axis):
        end = load64(plan + POOL_IMAGE + axis)
    if start < 0:
        return end
    return end - start


def fill_row(row: int, value: int, count: int) -> int:
    """`count` elements, all the one at the address `value`."""
    number = vfill(value)
    while count > 0:
        vstore_first(row, number, count)
        row += LANES * SIZE
        count -= LANES
    return 0


def split_pooled(plan: int, row: int, phases: int) -> int:
    """A row of the image into phases."""
    before = load64(plan + POOL_PAD + 16)
    stride = load64(plan + POOL_STRIDE + 16)
    return split_row(phases, load64(plan + POOL_PHASE), stride, before, row, SIZE, load64(plan + POOL_IMAGE + 16))


def pool_row(plan: int, x: int, planes: int, rows: int, out: int) -> int:
    """A row of results from the rows of the image that its windows see: `rows` of each of some planes."""
    if load64(plan + POOL_PAIRS):
        return pool_pairs(plan, x, planes, rows, out)
    largest = load64(plan + POOL_MODE) == MODE_MAX
    step = load64(plan + POOL_IMAGE + 16) * SIZE
    plane = load64(plan + POOL_IMAGE + 8) * step
    left = load64(plan + POOL_IMAGE + 16)
    line = load64(plan + POOL_LINE)
    while left > 0:
        total = vload_first(x, left)
        z = 0
        y = 1
        while z < planes:
            at = x + z * plane + y * step
            while y < rows:
                v = vload_first(at, left)
                if largest:
                    total = vlargest(total, v)
                else:
                    total = vadd(total, v)
                at += step
                y += 1
            y = 0
            z += 1
        vstore_first(line, total, left)
        x += LANES * SIZE
        line += LANES * SIZE
        left -= LANES
    split_pooled(plan, load64(plan + POOL_LINE), load64(plan + POOL_PHASES))
    at = load64(plan + POOL_PHASES)
    first = load64(plan + POOL_TAPS)
    end = first + load64(plan + POOL_WINDOW + 16) * 8
    left = load64(plan + POOL_COUNTS + 16)
    while left > 0:
        total = vload(at)
        tap = first + 8
        while tap < end:
            v = vload(at + load64(tap))
            if largest:
                total = vlargest(total, v)
            else:
                total = vadd(total, v)
            tap += 8
        vstore_first(out, total, left)
        at += LANES * SIZE
        out += LANES * SIZE
        left -= LANES
    return 0


def pool_pairs(plan: int, x: int, planes: int, rows: int, out: int) -> int:
    largest = load64(plan + POOL_MODE) == MODE_MAX
    step = load64(plan + POOL_IMAGE + 16) * SIZE
    plane = load64(plan + POOL_IMAGE + 8) * step
    left = load64(plan + POOL_COUNTS + 16)
    while left > 0:
        rest = 2 * left - LANES
        v = vload_first(x, 2 * left)
        w = vload_first(x + LANES * SIZE, rest)
        z = 0
        y = 1
        while z < planes:
            at = x + z * plane + y * step
            while y < rows:
                a = vload_first(at, 2 * left)
                b = vload_first(at + LANES * SIZE, rest)
                if largest:
                    v = vlargest(v, a)
                    w = vlargest(w, b)
                else:
                    v = vadd(v, a)
                    w = vadd(w, b)
                at += step
                y += 1
            y = 0
            z += 1
        a = vevens(v, w)
        b = vodds(v, w)
        if largest:
            v = vlargest(a, b)
        else:
            v = vadd(a, b)
        vstore_first(out, v, left)
        x += 2 * LANES * SIZE
        out += LANES * SIZE
        left -= LANES
    return 0


def divide_row(plan: int, z: int, y: int, out: int, values: int) -> int:
    """Sums over a row of windows to averages."""
    widths = load64(plan + POOL_WIDTHS)
    rows = 1
    if load64(plan + POOL_MODE) == MODE_EXCLUDING:
        rows = window_length(plan, 0, z) * window_length(plan, 8, y)
    number_item(load64(plan + POOL_NUMBER), rows)
    high = vfill(load64(plan + POOL_NUMBER))
    left = load64(plan + POOL_COUNTS + 16)
    while left > 0:
        number = vmul(high, vload(widths))
        vstore_first(out, vdiv(vload_first(values, left), number), left)
        out += LANES * SIZE
        values += LANES * SIZE
        widths += LANES * SIZE
        left -= LANES
    return 0


def fill_widths(plan: int) -> int:
    """By what sums along a row are divided; all of the divisor where padding counts."""
    x = 0
    while x < load64(plan + POOL_COUNTS + 16):
        width = window_length(plan, 16, x)
        if load64(plan + POOL_MODE) == MODE_INCLUDING:
            width = load64(plan + POOL_WINDOW) * load64(plan + POOL_WINDOW + 8) * load64(plan + POOL_WINDOW + 16)
        number_item(load64(plan + POOL_WIDTHS) + x * SIZE, width)
        x += 1
    return 0


def pool_planes(plan: int, x: int, out: int, count: int) -> int:
    """Pooling of `count` images."""
    row = load64(plan + POOL_IMAGE + 16) * SIZE
    plane = load64(plan + POOL_IMAGE + 8) * row
    while count > 0:
        z = 0
        while z < load64(plan + POOL_COUNTS):
            planes = window_length(plan, 0, z)
            y = 0
            while y < load64(plan + POOL_COUNTS + 8):
                at = x + window_start(plan, 0, z) * plane + window_start(plan, 8, y) * row
                pool_row(plan, at, planes, window_length(plan, 8, y), out)
                if load64(plan + POOL_MODE) >= MODE_INCLUDING:
                    divide_row(plan, z, y, out, out)
                out += load64(plan + POOL_COUNTS + 16) * SIZE
                y += 1
            z += 1
        x += load64(plan + POOL_IMAGE) * plane
        count -= 1
    return 0
