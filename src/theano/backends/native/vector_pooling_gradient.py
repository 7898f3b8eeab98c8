"""Pooling: rows of its gradients, in vectors.

Written in the language of `vector_language.py`; `runtime_pooling.py` calls it, and its constants are known here. What
phases and pairs are is said in `vector_phases.py` and `vector_pooling.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import load64
from theano.backends.native.vector_language import (
    vadd,
    vevens,
    vload,
    vload_first,
    vmix_high,
    vmix_low,
    vodds,
    vstore,
    vstore_first,
    vwhere_equal,
)
from theano.backends.native.vector_phases import join_row
from theano.backends.native.vector_pooling import (
    divide_row,
    pool_planes,
    split_pooled,
    window_length,
    window_start,
)


def spread_row(plan: int, largest: int, values: int) -> int:
    """Add to POOL_MORE, the phases of a row's gradient, what a row of windows sends back to it."""
    phases = load64(plan + POOL_PHASES)
    gradient = load64(plan + POOL_MORE)
    tap = load64(plan + POOL_TAPS)
    end = tap + load64(plan + POOL_WINDOW + 16) * 8
    where = load64(plan + POOL_MODE) == MODE_MAX
    while tap < end:
        at = phases + load64(tap)
        to = gradient + load64(tap)
        place = 0
        left = load64(plan + POOL_COUNTS + 16)
        while left > 0:
            v = vload_first(values + place, left)
            if where:
                v = vwhere_equal(vload(at + place), vload_first(largest + place, left), v)
            vstore(to + place, vadd(vload(to + place), v))
            place += LANES * SIZE
            left -= LANES
        tap += 8
    return 0


def spread_pairs(plan: int, row: int, largest: int, values: int, out: int) -> int:
    """The whole gradient of a row that one row of windows sees, which are pairs."""
    where = load64(plan + POOL_MODE) == MODE_MAX
    left = load64(plan + POOL_COUNTS + 16)
    while left > 0:
        v = vload_first(values, left)
        first = v
        second = v
        if where:
            a = vload_first(row, 2 * left)
            b = vload_first(row + LANES * SIZE, 2 * left - LANES)
            m = vload_first(largest, left)
            first = vwhere_equal(vevens(a, b), m, v)
            second = vwhere_equal(vodds(a, b), m, v)
        vstore_first(out, vmix_low(first, second), 2 * left)
        vstore_first(out + LANES * SIZE, vmix_high(first, second), 2 * left - LANES)
        row += 2 * LANES * SIZE
        out += 2 * LANES * SIZE
        values += LANES * SIZE
        largest += LANES * SIZE
        left -= LANES
    return 0


def spread_planes(plan: int, x: int, largest: int, values: int, out: int, count: int) -> int:
    """The gradients of `count` images, row by row: each gets what the windows that see it send back."""
    step = load64(plan + POOL_IMAGE + 8) * load64(plan + POOL_IMAGE + 16) * SIZE
    whole = load64(plan + POOL_COUNTS) * load64(plan + POOL_COUNTS + 8) * load64(plan + POOL_COUNTS + 16) * SIZE
    stride = load64(plan + POOL_STRIDE)
    pad = load64(plan + POOL_PAD)
    while count > 0:
        of_windows = values
        if load64(plan + POOL_MODE) >= MODE_INCLUDING:
            average_plane(plan, values)
            of_windows = load64(plan + POOL_PLANE)
        # the windows that see a plane are those from `first` to `last`; the next one starts in `starts` planes, and
        # the first one ends in `ends`
        first = 0
        last = pad // stride
        starts = stride - pad % stride
        ends = load64(plan + POOL_WINDOW) - pad
        z = 0
        while z < load64(plan + POOL_IMAGE):
            spread_rows(plan, first, least(last, load64(plan + POOL_COUNTS) - 1), x, largest, of_windows, out)
            x += step
            out += step
            starts -= 1
            if starts == 0:
                starts = stride
                last += 1
            ends -= 1
            if ends == 0:
                ends = stride
                first += 1
            z += 1
        largest += whole
        values += whole
        count -= 1
    return 0


def least(a: int, b: int) -> int:
    if a < b:
        return a
    return b


def spread_rows(plan: int, z_first: int, z_last: int, row: int, largest: int, values: int, out: int) -> int:
    """The rows of a plane of an image; `largest` and `values` are those of the whole image."""
    step = load64(plan + POOL_IMAGE + 16) * SIZE
    stride = load64(plan + POOL_STRIDE + 8)
    pad = load64(plan + POOL_PAD + 8)
    first = 0
    last = pad // stride
    starts = stride - pad % stride
    ends = load64(plan + POOL_WINDOW + 8) - pad
    y = 0
    while y < load64(plan + POOL_IMAGE + 8):
        y_last = least(last, load64(plan + POOL_COUNTS + 8) - 1)
        spread_to_row(plan, z_first, z_last, first, y_last, row, largest, values, out)
        row += step
        out += step
        starts -= 1
        if starts == 0:
            starts = stride
            last += 1
        ends -= 1
        if ends == 0:
            ends = stride
            first += 1
        y += 1
    return 0


def average_plane(plan: int, values: int) -> int:
    """The values of an image's windows, divided, to POOL_PLANE."""
    out = load64(plan + POOL_PLANE)
    z = 0
    while z < load64(plan + POOL_COUNTS):
        y = 0
        while y < load64(plan + POOL_COUNTS + 8):
            divide_row(plan, z, y, out, values)
            out += load64(plan + POOL_COUNTS + 16) * SIZE
            values += load64(plan + POOL_COUNTS + 16) * SIZE
            y += 1
        z += 1
    return 0


def spread_to_row(
    plan: int, z_first: int, z_last: int, y_first: int, y_last: int, row: int, largest: int, values: int, out: int
) -> int:
    """The gradient of one row, which some rows of windows see."""
    step = load64(plan + POOL_COUNTS + 16) * SIZE
    deep = load64(plan + POOL_COUNTS + 8) * step
    if load64(plan + POOL_PAIRS) == WHOLE_PAIRS and z_last == z_first and y_last == y_first:
        at = z_last * deep + y_last * step
        return spread_pairs(plan, row, largest + at, values + at, out)
    if load64(plan + POOL_MODE) == MODE_MAX:
        split_pooled(plan, row, load64(plan + POOL_PHASES))
    memset(load64(plan + POOL_MORE), 0, load64(plan + POOL_PHASE) * load64(plan + POOL_STRIDE + 16))
    while z_last >= z_first:
        y_window = y_last
        while y_window >= y_first:
            at = z_last * deep + y_window * step
            spread_row(plan, largest + at, values + at)
            y_window -= 1
        z_last -= 1
    before = load64(plan + POOL_PAD + 16)
    stride = load64(plan + POOL_STRIDE + 16)
    phase = load64(plan + POOL_PHASE)
    return join_row(load64(plan + POOL_MORE), phase, stride, before, out, SIZE, load64(plan + POOL_IMAGE + 16))


def collect_planes(plan: int, x: int, largest: int, values: int, out: int, count: int) -> int:
    """For every window the sum of `values`, which is like x, where x is the largest of the window."""
    row = load64(plan + POOL_IMAGE + 16) * SIZE
    plane = load64(plan + POOL_IMAGE + 8) * row
    while count > 0:
        if load64(plan + POOL_PLANE) != 0:
            largest = load64(plan + POOL_PLANE)
            pool_planes(plan, x, largest, 1)
        z = 0
        while z < load64(plan + POOL_COUNTS):
            y = 0
            while y < load64(plan + POOL_COUNTS + 8):
                at = window_start(plan, 0, z) * plane + window_start(plan, 8, y) * row
                planes = window_length(plan, 0, z)
                collect_row(plan, x + at, values + at, planes, window_length(plan, 8, y), largest, out)
                largest += load64(plan + POOL_COUNTS + 16) * SIZE
                out += load64(plan + POOL_COUNTS + 16) * SIZE
                y += 1
            z += 1
        x += load64(plan + POOL_IMAGE) * plane
        values += load64(plan + POOL_IMAGE) * plane
        count -= 1
    return 0


def collect_row(plan: int, x: int, values: int, planes: int, rows: int, largest: int, out: int) -> int:
    """A row of results, from the rows of the image that its windows see: `rows` of each of some planes."""
    row = load64(plan + POOL_IMAGE + 16) * SIZE
    plane = load64(plan + POOL_IMAGE + 8) * row
    memset(out, 0, load64(plan + POOL_COUNTS + 16) * SIZE)
    z = 0
    while z < planes:
        y = 0
        while y < rows:
            split_pooled(plan, x + z * plane + y * row, load64(plan + POOL_PHASES))
            split_pooled(plan, values + z * plane + y * row, load64(plan + POOL_MORE))
            collect_from_row(plan, largest, out)
            y += 1
        z += 1
    return 0


def collect_from_row(plan: int, largest: int, out: int) -> int:
    """Add to a row of results the elements of POOL_MORE where those of POOL_PHASES are the largest."""
    phases = load64(plan + POOL_PHASES)
    more = load64(plan + POOL_MORE)
    first = load64(plan + POOL_TAPS)
    end = first + load64(plan + POOL_WINDOW + 16) * 8
    left = load64(plan + POOL_COUNTS + 16)
    while left > 0:
        total = vload_first(out, left)
        m = vload_first(largest, left)
        tap = first
        while tap < end:
            total = vadd(total, vwhere_equal(vload(phases + load64(tap)), m, vload(more + load64(tap))))
            tap += 8
        vstore_first(out, total, left)
        phases += LANES * SIZE
        more += LANES * SIZE
        largest += LANES * SIZE
        out += LANES * SIZE
        left -= LANES
    return 0
