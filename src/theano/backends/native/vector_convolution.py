"""Convolution: between arrays and panels, in vectors.

A *panel* is a matrix in workspace, some columns of the matrices that a convolution multiplies. Its columns lie in
*chunks*: at most LANES columns which are neighbours in an array, too. A chunk's entry says where it lies in the array,
where in a row of the panel (both in bytes), and how many columns it has. Rows are found by offsets in the array.

Written in the language of `vector_language.py`; `runtime_convolution.py` calls it, and the constants of
`runtime_plan.py` are known here.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import load64
from theano.backends.native.vector_language import (
    add_total,
    copy_item,
    vadd,
    vload,
    vload_first,
    vstore,
    vstore_first,
)
from theano.backends.native.vector_phases import join_row, split_row

CHUNK_AT = 0
CHUNK_COLUMN = 8
CHUNK_COUNT = 16
CHUNK_BYTES = 24


def gather(panel: int, pitch: int, source: int, offsets: int, rows: int, chunks: int, count: int) -> int:
    """Fill rows of a panel, `pitch` bytes each, from an array. Columns after the last chunk may be written, too."""
    while count > 0:
        at = source + load64(chunks + CHUNK_AT)
        column = load64(chunks + CHUNK_COLUMN)
        columns = load64(chunks + CHUNK_COUNT)
        to = panel + column
        next = offsets
        end = offsets + rows * 8
        if column + LANES * SIZE <= pitch:
            # what the last lanes hold is overwritten by the next chunk
            while next < end:
                row = vload_first(at + load64(next), columns)
                vstore(to, row)
                to += pitch
                next += 8
        else:
            while next < end:
                row = vload_first(at + load64(next), columns)
                vstore_first(to, row, columns)
                to += pitch
                next += 8
        chunks += CHUNK_BYTES
        count -= 1
    return 0


def scatter(panel: int, pitch: int, target: int, step: int, rows: int, chunks: int, count: int) -> int:
    """Copy the rows of a panel to an array, where rows lie `step` bytes apart."""
    while count > 0:
        to = target + load64(chunks + CHUNK_AT)
        at = panel + load64(chunks + CHUNK_COLUMN)
        columns = load64(chunks + CHUNK_COUNT)
        row = 0
        while row < rows:
            values = vload_first(at, columns)
            vstore_first(to, values, columns)
            to += step
            at += pitch
            row += 1
        chunks += CHUNK_BYTES
        count -= 1
    return 0


def scatter_add(
    panel: int, pitch: int, target: int, offsets: int, taps: int, channels: int, step: int, chunks: int, count: int
) -> int:
    """Add the rows of a panel, those of a channel one after another, to an array.

    The elements of a kernel (taps) overlap: they come one after another in the outermost loop, so that memory which
    was just written is not read at once.
    """
    tap = 0
    while tap < taps:
        first = target + load64(offsets + tap * 8)
        chunk = chunks
        left = count
        while left > 0:
            to = first + load64(chunk + CHUNK_AT)
            at = panel + load64(chunk + CHUNK_COLUMN)
            columns = load64(chunk + CHUNK_COUNT)
            channel = 0
            while channel < channels:
                old = vload_first(to, columns)
                more = vload_first(at, columns)
                total = vadd(old, more)
                vstore_first(to, total, columns)
                to += step
                at += taps * pitch
                channel += 1
            chunk += CHUNK_BYTES
            left -= 1
        panel += pitch
        tap += 1
    return 0


def copy_room(plan: int, back: int, n: int, end: int) -> int:
    """Copy items of the image into their room, or (back) the room to the image; as far as windows cover it."""
    steps = plan + PLAN_IMAGE_STEPS
    room = plan + PLAN_ROOM_STEPS
    channels = load64(plan + PLAN_GROUPS) * load64(plan + PLAN_CHANNELS)
    planes = covered(plan, 0)
    rows = covered(plan, 8)
    while n < end:
        c = 0
        while c < channels:
            z = 0
            while z < planes:
                image = load64(plan + PLAN_IMAGE_DATA) + n * load64(steps) + c * load64(steps + 8)
                image += z * load64(steps + 16)
                to = load64(plan + PLAN_ROOM_DATA) + n * load64(room) + c * load64(room + 8)
                to += (z + load64(plan + PLAN_LOW)) * load64(room + 16)
                to += load64(plan + PLAN_LOW + 8) * load64(room + 24)
                y = 0
                while y < rows:
                    copy_row(plan, to, image, back)
                    to += load64(room + 24)
                    image += load64(steps + 24)
                    y += 1
                z += 1
            c += 1
        n += 1
    return 0


def covered(plan: int, axis: int) -> int:
    """How many elements of the image windows cover along an axis (times 8)."""
    beyond = load64(plan + PLAN_SPAN + axis) - load64(plan + PLAN_LOW + axis)
    if beyond > load64(plan + PLAN_IMAGE + axis):
        return load64(plan + PLAN_IMAGE + axis)
    return beyond


def copy_row(plan: int, room: int, image: int, back: int) -> int:
    phase = load64(plan + PLAN_PHASE)
    stride = load64(plan + PLAN_STRIDE + 16)
    before = load64(plan + PLAN_LOW + 16)
    step = load64(plan + PLAN_IMAGE_STEPS + 32)
    if back:
        return join_row(room, phase, stride, before, image, step, covered(plan, 16))
    return split_row(room, phase, stride, before, image, step, covered(plan, 16))


def pack(to: int, source: int, row_offsets: int, rows: int, column_offsets: int, columns: int) -> int:
    """The transpose of a matrix whose elements are found by offsets: column after column."""
    end = column_offsets + columns * 8
    last = row_offsets + rows * 8
    while column_offsets < end:
        at = source + load64(column_offsets)
        row = row_offsets
        while row < last:
            copy_item(to, at + load64(row))
            to += SIZE
            row += 8
        column_offsets += 8
    return 0


def add_sums(target: int, step: int, offsets: int, columns: int, sums: int, pitch: int, rows: int) -> int:
    """Add sums of vectors to an array in which rows lie `step` bytes apart and columns are found by offsets."""
    while rows > 0:
        column = 0
        while column < columns:
            terms = vload(sums + column * LANES * SIZE)
            add_total(target + load64(offsets + column * 8), terms)
            column += 1
        target += step
        sums += pitch
        rows -= 1
    return 0
