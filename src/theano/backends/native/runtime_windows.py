"""The run-time system: where the windows of a convolution lie, in the image and in the matrices made of them.

Written in the language of `runtime_language.py`. Windows are the columns of a matrix: an item of the batch after the
other, each with its positions in C order. With a kernel for each position (unshared) there is a matrix for each
position, and its columns are the items of the batch.

Windows are taken from the image as it is, if it has no padding and their neighbours lie next to each other in it. Else
they are taken from a copy of it, its *room*, with zeros around it. Elements of its rows are sorted by their remainder
modulo the stride, so that neighbours of windows are neighbours there, too.

A *panel* is some columns of the matrix, in workspace. They lie in *chunks*, see `vector_convolution.py`.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import copy_items
from theano.backends.native.runtime_language import load64, store64
from theano.backends.native.runtime_plan import (
    CHUNK_BYTES,
    CODE_LANES,
    CODE_WIDTH,
    PLAN_AREA,
    PLAN_BATCH,
    PLAN_CHANNELS,
    PLAN_DILATION,
    PLAN_FILTER_OFFSETS,
    PLAN_FILTERS,
    PLAN_GROUPS,
    PLAN_IMAGE,
    PLAN_IMAGE_DATA,
    PLAN_IMAGE_STEPS,
    PLAN_KERNEL,
    PLAN_KERNEL_DATA,
    PLAN_KERNEL_GROUP,
    PLAN_KERNEL_OFFSETS,
    PLAN_KERNEL_PLACES,
    PLAN_KERNEL_STEPS,
    PLAN_LOW,
    PLAN_OFFSETS,
    PLAN_PHASE,
    PLAN_ROOM_DATA,
    PLAN_ROOM_STEPS,
    PLAN_SIZE,
    PLAN_SPAN,
    PLAN_STRIDE,
    PLAN_TOP,
    PLAN_TOP_DATA,
    PLAN_TOP_OFFSETS,
    PLAN_UNSHARED,
    PLAN_WINDOW_ROWS,
    code_of,
)
from theano.backends.native.runtime_routines import (
    least,
    up,
)


def shift(plan: int, axis: int, element: int) -> int:
    """How far from a window's first element on the image the one numbered `element` along an axis lies."""
    far = element * load64(plan + PLAN_DILATION + axis * 8)
    if axis < 2:
        return far * load64(plan + PLAN_ROOM_STEPS + 16 + axis * 8)
    stride = load64(plan + PLAN_STRIDE + 16)
    if stride == 1:
        return far * load64(plan + PLAN_SIZE)
    return far % stride * load64(plan + PLAN_PHASE) + far // stride * load64(plan + PLAN_SIZE)


def plan_offsets(plan: int) -> int:
    """The tables of offsets of kernel elements, channel by channel, and of filters."""
    on_image = load64(plan + PLAN_OFFSETS)
    in_kernel = load64(plan + PLAN_KERNEL_OFFSETS)
    steps = plan + PLAN_KERNEL_STEPS
    channel = 0
    while channel < load64(plan + PLAN_CHANNELS):
        z = 0
        while z < load64(plan + PLAN_KERNEL):
            y = 0
            while y < load64(plan + PLAN_KERNEL + 8):
                x = 0
                at = channel * load64(plan + PLAN_ROOM_STEPS + 8) + shift(plan, 0, z) + shift(plan, 1, y)
                of = channel * load64(steps + 8) + z * load64(steps + 16) + y * load64(steps + 24)
                while x < load64(plan + PLAN_KERNEL + 16):
                    store64(on_image, at + shift(plan, 2, x))
                    store64(in_kernel, of + x * load64(steps + 32))
                    on_image += 8
                    in_kernel += 8
                    x += 1
                y += 1
            z += 1
        channel += 1
    step = load64(plan + PLAN_AREA) * load64(plan + PLAN_SIZE)
    filter = 0
    while filter < load64(plan + PLAN_FILTERS):
        store64(load64(plan + PLAN_FILTER_OFFSETS) + filter * 8, filter * load64(steps))
        store64(load64(plan + PLAN_TOP_OFFSETS) + filter * 8, filter * step)
        filter += 1
    return 0


def room_copy(plan: int, back: int) -> int:
    """Copy the image into its room with padding around it, which is zero, or (back) the room to the image."""
    steps = plan + PLAN_IMAGE_STEPS
    room = plan + PLAN_ROOM_STEPS
    channels = load64(plan + PLAN_GROUPS) * load64(plan + PLAN_CHANNELS)
    n = 0
    while n < load64(plan + PLAN_BATCH):
        c = 0
        while c < channels:
            z = load64(plan + PLAN_LOW)
            z_end = least(load64(plan + PLAN_SPAN), z + load64(plan + PLAN_IMAGE))
            image_plane = load64(plan + PLAN_IMAGE_DATA) + n * load64(steps) + c * load64(steps + 8)
            while z < z_end:
                y = load64(plan + PLAN_LOW + 8)
                y_end = least(load64(plan + PLAN_SPAN + 8), y + load64(plan + PLAN_IMAGE + 8))
                at = load64(plan + PLAN_ROOM_DATA) + n * load64(room) + c * load64(room + 8) + z * load64(room + 16)
                image_row = image_plane
                while y < y_end:
                    room_row(plan, at + y * load64(room + 24), image_row, back)
                    image_row += load64(steps + 24)
                    y += 1
                image_plane += load64(steps + 16)
                z += 1
            c += 1
        n += 1
    return 0


def room_row(plan: int, room: int, image: int, back: int) -> int:
    """A row; its elements are sorted by their remainder modulo the stride, so that windows' neighbours are, too."""
    size = load64(plan + PLAN_SIZE)
    stride = load64(plan + PLAN_STRIDE + 16)
    step = load64(plan + PLAN_IMAGE_STEPS + 32)
    low = load64(plan + PLAN_LOW + 16)
    end = least(load64(plan + PLAN_SPAN + 16), low + load64(plan + PLAN_IMAGE + 16))
    phase = 0
    while phase < stride:
        first = 0
        if low > phase:
            first = up(low - phase, stride)
        x = first * stride + phase
        if x < end:
            to = room + first * size
            at = image + (x - low) * step
            count = up(end - x, stride)
            if back:
                copy_items(at, step * stride, to, size, count, size)
            else:
                copy_items(to, size, at, step * stride, count, size)
        room += load64(plan + PLAN_PHASE)
        phase += 1
    return 0


# ---- chunks


def image_chunks(plan: int, chunks: int, place: int, first: int, last: int) -> int:
    """Chunks of columns of the matrix of windows, on the image. How many there are."""
    size = load64(plan + PLAN_SIZE)
    steps = plan + PLAN_ROOM_STEPS
    count = 0
    if load64(plan + PLAN_UNSHARED):
        at = window(plan, place)
        column = first
        while column < last:
            store64(chunks, column * load64(steps) + at)
            store64(chunks + 8, (column - first) * size)
            store64(chunks + 16, 1)
            chunks += CHUNK_BYTES
            column += 1
        return last - first
    lanes = code_of(plan, CODE_LANES)
    length = load64(plan + PLAN_WINDOW_ROWS + 16)
    rows = load64(plan + PLAN_WINDOW_ROWS + 8)
    x = first // length
    y = x % rows
    x = x // rows
    z = x % load64(plan + PLAN_WINDOW_ROWS)
    n = x // load64(plan + PLAN_WINDOW_ROWS)
    x = first % length
    down = load64(steps + 24) * load64(plan + PLAN_STRIDE + 8)
    deep = load64(steps + 16) * load64(plan + PLAN_STRIDE)
    column = 0
    while first < last:
        run = least(least(length - x, lanes), last - first)
        store64(chunks, n * load64(steps) + z * deep + y * down + x * size)
        store64(chunks + 8, column)
        store64(chunks + 16, run)
        chunks += CHUNK_BYTES
        count += 1
        column += run * size
        first += run
        x += run
        if x == length:
            x = 0
            y += 1
            if y == rows:
                y = 0
                z += 1
                if z == load64(plan + PLAN_WINDOW_ROWS):
                    z = 0
                    n += 1
    return count


def window(plan: int, place: int) -> int:
    """Where the window of a position starts."""
    x = place % load64(plan + PLAN_TOP + 16)
    place = place // load64(plan + PLAN_TOP + 16)
    y = place % load64(plan + PLAN_TOP + 8) * load64(plan + PLAN_STRIDE + 8)
    z = place // load64(plan + PLAN_TOP + 8) * load64(plan + PLAN_STRIDE)
    steps = plan + PLAN_ROOM_STEPS
    return z * load64(steps + 16) + y * load64(steps + 24) + x * load64(plan + PLAN_SIZE)


def kernel_of(plan: int, group: int, place: int) -> int:
    """Where the kernels of a group (and of a position) start."""
    at = load64(plan + PLAN_KERNEL_DATA) + group * load64(plan + PLAN_KERNEL_GROUP)
    if load64(plan + PLAN_UNSHARED):
        places = plan + PLAN_KERNEL_PLACES
        at += place % load64(plan + PLAN_TOP + 16) * load64(places + 16)
        place = place // load64(plan + PLAN_TOP + 16)
        at += place % load64(plan + PLAN_TOP + 8) * load64(places + 8)
        at += place // load64(plan + PLAN_TOP + 8) * load64(places)
    return at


def top_of(plan: int, group: int) -> int:
    step = load64(plan + PLAN_FILTERS) * load64(plan + PLAN_AREA) * load64(plan + PLAN_SIZE)
    return load64(plan + PLAN_TOP_DATA) + group * step


def image_of(plan: int, group: int) -> int:
    return load64(plan + PLAN_ROOM_DATA) + group * load64(plan + PLAN_CHANNELS) * load64(plan + PLAN_ROOM_STEPS + 8)


def item_of_top(plan: int) -> int:
    """Bytes between the items of the top."""
    filters = load64(plan + PLAN_GROUPS) * load64(plan + PLAN_FILTERS)
    return filters * load64(plan + PLAN_AREA) * load64(plan + PLAN_SIZE)


def top_chunks(plan: int, chunks: int, place: int, first: int, last: int) -> int:
    """Chunks of the same columns in the top."""
    size = load64(plan + PLAN_SIZE)
    item = item_of_top(plan)
    column = 0
    count = 0
    lanes = code_of(plan, CODE_LANES)
    area = load64(plan + PLAN_AREA)
    while first < last:
        if load64(plan + PLAN_UNSHARED):
            run = 1
            at = first * item + place * size
        else:
            run = least(least(area - first % area, lanes), last - first)
            at = first // area * item + first % area * size
        store64(chunks, at)
        store64(chunks + 8, column)
        store64(chunks + 16, run)
        chunks += CHUNK_BYTES
        count += 1
        column += run * size
        first += run
    return count


def in_one_piece(plan: int, first: int, last: int) -> int:
    """Are these columns a whole panel, and contiguous in the top?"""
    if load64(plan + PLAN_UNSHARED) or last - first != code_of(plan, CODE_WIDTH):
        return 0
    return first % load64(plan + PLAN_AREA) + last - first <= load64(plan + PLAN_AREA)
