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

from theano.backends.native.runtime_language import address_of, invoke, load64, store64
from theano.backends.native.runtime_plan import (
    CHUNK_BYTES,
    CODE_COPY_ROOM,
    CODE_LANES,
    CODE_WIDTH,
    PLAN_AREA,
    PLAN_BATCH,
    PLAN_CHANNELS,
    PLAN_CHUNKS,
    PLAN_COPIERS,
    PLAN_DILATION,
    PLAN_FILTER_OFFSETS,
    PLAN_FILTERS,
    PLAN_GROUPS,
    PLAN_KERNEL,
    PLAN_KERNEL_DATA,
    PLAN_KERNEL_GROUP,
    PLAN_KERNEL_OFFSETS,
    PLAN_KERNEL_PLACES,
    PLAN_KERNEL_STEPS,
    PLAN_OFFSETS,
    PLAN_PHASE,
    PLAN_ROOM_BYTES,
    PLAN_ROOM_DATA,
    PLAN_ROOM_STEPS,
    PLAN_SIZE,
    PLAN_STRIDE,
    PLAN_TOP,
    PLAN_TOP_CHUNKS,
    PLAN_TOP_DATA,
    PLAN_TOP_OFFSETS,
    PLAN_UNSHARED,
    PLAN_WINDOW_ROWS,
    code_of,
)
from theano.backends.native.runtime_routines import (
    least,
)
from theano.backends.native.runtime_threads import parallel, share, thread_count

# Panels of some columns, one after the other: their chunks serve all groups. Entries; one without chunks ends them
PANELS = 17
PANEL_FIRST = 0  # its first column
PANEL_COUNT = 8  # of its chunks on the image
PANEL_CHUNKS = 16
PANEL_TOP_COUNT = 24  # of its chunks in the top; 0: it is contiguous there
PANEL_TOP_CHUNKS = 32
PANEL_ENTRY = 40


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
    """Copy the image into its room, or (back) the room to the image."""
    bytes = load64(plan + PLAN_ROOM_BYTES)
    if bytes == 0:
        return 0
    store64(plan + PLAN_COPIERS, thread_count(bytes))
    if back:
        return parallel(address_of(room_back_part), plan, load64(plan + PLAN_COPIERS))
    return parallel(address_of(room_part), plan, load64(plan + PLAN_COPIERS))


def room_part(plan: int, part: int) -> int:
    return copy_part(plan, part, 0)


def room_back_part(plan: int, part: int) -> int:
    return copy_part(plan, part, 1)


def copy_part(plan: int, part: int, back: int) -> int:
    """The items of a thread."""
    items = load64(plan + PLAN_BATCH)
    threads = load64(plan + PLAN_COPIERS)
    first = share(items, 1, part, threads)
    return invoke(code_of(plan, CODE_COPY_ROOM), plan, back, first, share(items, 1, part + 1, threads))


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


def column_of_top(plan: int, group: int, column: int) -> int:
    """Where a column of a group is in the top."""
    area = load64(plan + PLAN_AREA)
    return top_of(plan, group) + column // area * item_of_top(plan) + column % area * load64(plan + PLAN_SIZE)


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


def some_panels(plan: int, panels: int, place: int, first: int, end: int) -> int:
    """Fill in entries for panels from column `first` on; the column after them."""
    width = code_of(plan, CODE_WIDTH)
    chunks = load64(plan + PLAN_CHUNKS)
    top_chunk = load64(plan + PLAN_TOP_CHUNKS)
    n = 1
    while n < PANELS and first < end:
        last = least(first + width, end)
        count = image_chunks(plan, chunks, place, first, last)
        top_count = 0
        if not in_one_piece(plan, first, last):
            top_count = top_chunks(plan, top_chunk, place, first, last)
        store64(panels + PANEL_FIRST, first)
        store64(panels + PANEL_COUNT, count)
        store64(panels + PANEL_CHUNKS, chunks)
        store64(panels + PANEL_TOP_COUNT, top_count)
        store64(panels + PANEL_TOP_CHUNKS, top_chunk)
        chunks += count * CHUNK_BYTES
        top_chunk += top_count * CHUNK_BYTES
        panels += PANEL_ENTRY
        first = last
        n += 1
    store64(panels + PANEL_COUNT, 0)
    return first
