"""The run-time system: convolution and its two adjoints, as products of small tiles.

Written in the language of `runtime_language.py`. The matrix of windows (`runtime_windows.py`) is never made as a
whole: a panel of it at a time is gathered into workspace, in the form that the loops in registers read
(`runtime_tiles.py`), so that packing for them is all the copying there is.

    forward      top = kernel · windows; panels of windows
    by image     windows = kernel' · top, a panel at a time, added to where the windows lie
    by kernel    kernel = top · windows', summed over panels of both
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    allocate,
    block_free,
    contiguous_copy,
    release,
)
from theano.backends.native.runtime_language import (
    invoke,
    load64,
    stack,
    store64,
)
from theano.backends.native.runtime_plan import (
    BY_IMAGE,
    BY_KERNEL,
    CODE_DOT_COLUMNS,
    CODE_GATHER,
    CODE_LANES,
    CODE_SCATTER,
    CODE_SCATTER_ADD,
    CODE_WIDTH,
    FORWARD,
    PLAN_AREA,
    PLAN_BATCH,
    PLAN_BYTES,
    PLAN_CHANNELS,
    PLAN_CHUNKS,
    PLAN_COLUMNS,
    PLAN_DEPTH,
    PLAN_FILTER_OFFSETS,
    PLAN_FILTERS,
    PLAN_GROUPS,
    PLAN_KERNEL_OFFSETS,
    PLAN_KERNEL_STEPS,
    PLAN_OFFSETS,
    PLAN_PACKED,
    PLAN_PANEL,
    PLAN_PLACES,
    PLAN_RESULT,
    PLAN_ROOM_BYTES,
    PLAN_ROOM_STEPS,
    PLAN_SIZE,
    PLAN_TAPS,
    PLAN_TOP_CHUNKS,
    PLAN_TOP_DATA,
    PLAN_TOP_OFFSETS,
    code_of,
    plan_complete,
    plan_make,
    plan_workspace,
)
from theano.backends.native.runtime_routines import (
    back,
    count_of,
    in_c_order,
    input_ndim,
    least,
    leave,
    most,
    output_ndim,
    output_size,
    routine_input,
    routine_output,
    up,
)
from theano.backends.native.runtime_tiles import (
    PANEL_ROOM,
    add_dots,
    multiply,
    pack_rows,
    panel_depth,
)
from theano.backends.native.runtime_windows import (
    image_chunks,
    image_of,
    in_one_piece,
    item_of_top,
    kernel_of,
    plan_offsets,
    room_copy,
    top_chunks,
    top_of,
)

# of the inner products: bytes of what is multiplied at a time, filters, and elements of the kernel
DOT_ROOM = 393216
DOT_FILTERS = 256
DOT_DEPTH = 25


# ---- forward


def forward(plan: int) -> int:
    place = 0
    while place < load64(plan + PLAN_PLACES):
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            pack_rows(
                plan,
                load64(plan + PLAN_PACKED),
                kernel_of(plan, group, place),
                load64(plan + PLAN_FILTER_OFFSETS),
                load64(plan + PLAN_FILTERS),
                load64(plan + PLAN_KERNEL_OFFSETS),
                load64(plan + PLAN_DEPTH),
            )
            forward_columns(plan, group, place, 0, load64(plan + PLAN_COLUMNS))
            group += 1
        place += 1
    return 0


def forward_columns(plan: int, group: int, place: int, first: int, end: int) -> int:
    width = code_of(plan, CODE_WIDTH)
    size = load64(plan + PLAN_SIZE)
    depth = load64(plan + PLAN_DEPTH)
    filters = load64(plan + PLAN_FILTERS)
    part = panel_depth(plan, depth)
    panel = load64(plan + PLAN_PANEL)
    chunks = load64(plan + PLAN_CHUNKS)
    top = top_of(plan, group)
    step = load64(plan + PLAN_AREA) * size
    while first < end:
        last = least(first + width, end)
        whole = in_one_piece(plan, first, last)
        to = load64(plan + PLAN_RESULT)
        pitch = width * size
        if whole:
            area = load64(plan + PLAN_AREA)
            to = top + first // area * item_of_top(plan) + first % area * size
            pitch = step
        count = image_chunks(plan, chunks, place, first, last)
        start = 0
        while start < depth:
            stop = least(start + part, depth)
            offsets = load64(plan + PLAN_OFFSETS) + start * 8
            invoke(
                code_of(plan, CODE_GATHER), panel, width * size, image_of(plan, group), offsets, stop - start, chunks,
                count,
            )  # fmt: skip
            multiply(
                plan, load64(plan + PLAN_PACKED), filters, depth, start, stop, panel, width * size, to, pitch
            )
            start = stop
        if not whole:
            count = top_chunks(plan, load64(plan + PLAN_TOP_CHUNKS), place, first, last)
            invoke(
                code_of(plan, CODE_SCATTER), to, pitch, top, step, filters, load64(plan + PLAN_TOP_CHUNKS), count
            )
        first = last
    return 0


# ---- by image


def by_image(plan: int) -> int:
    """Add to the room, which is zero."""
    place = 0
    while place < load64(plan + PLAN_PLACES):
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            pack_channels(plan, kernel_of(plan, group, place))
            by_image_columns(plan, group, place, 0, load64(plan + PLAN_COLUMNS))
            group += 1
        place += 1
    return 0


def channels_at_once(plan: int) -> int:
    """For how many channels the product is made at a time."""
    row = code_of(plan, CODE_WIDTH) * load64(plan + PLAN_SIZE) * load64(plan + PLAN_TAPS)
    return least(load64(plan + PLAN_CHANNELS), up(PANEL_ROOM, row))


def pack_channels(plan: int, kernel: int) -> int:
    """Pack the transposed kernel, some channels after the other."""
    taps = load64(plan + PLAN_TAPS)
    filters = load64(plan + PLAN_FILTERS)
    some = channels_at_once(plan)
    channel = 0
    while channel < load64(plan + PLAN_CHANNELS):
        some = least(some, load64(plan + PLAN_CHANNELS) - channel)
        pack_rows(
            plan,
            load64(plan + PLAN_PACKED) + channel * taps * filters * load64(plan + PLAN_SIZE),
            kernel,
            load64(plan + PLAN_KERNEL_OFFSETS) + channel * taps * 8,
            some * taps,
            load64(plan + PLAN_FILTER_OFFSETS),
            filters,
        )
        channel += some
    return 0


def by_image_columns(plan: int, group: int, place: int, first: int, end: int) -> int:
    width = code_of(plan, CODE_WIDTH)
    size = load64(plan + PLAN_SIZE)
    filters = load64(plan + PLAN_FILTERS)
    part = panel_depth(plan, filters)
    chunks = load64(plan + PLAN_CHUNKS)
    area = load64(plan + PLAN_AREA)
    taps = load64(plan + PLAN_TAPS)
    result = load64(plan + PLAN_RESULT)
    top = top_of(plan, group)
    while first < end:
        last = least(first + width, end)
        whole = in_one_piece(plan, first, last)
        top_count = 0
        if not whole:
            top_count = top_chunks(plan, load64(plan + PLAN_TOP_CHUNKS), place, first, last)
        count = image_chunks(plan, chunks, place, first, last)
        some = channels_at_once(plan)
        channel = 0
        while channel < load64(plan + PLAN_CHANNELS):
            some = least(some, load64(plan + PLAN_CHANNELS) - channel)
            packed = load64(plan + PLAN_PACKED) + channel * taps * filters * size
            start = 0
            while start < filters:
                stop = least(start + part, filters)
                panel = load64(plan + PLAN_PANEL)
                pitch = width * size
                if whole:
                    pitch = area * size
                    panel = top + first // area * item_of_top(plan) + first % area * size + start * pitch
                else:
                    invoke(
                        code_of(plan, CODE_GATHER), panel, pitch, top, load64(plan + PLAN_TOP_OFFSETS) + start * 8,
                        stop - start, load64(plan + PLAN_TOP_CHUNKS), top_count,
                    )  # fmt: skip
                multiply(plan, packed, some * taps, filters, start, stop, panel, pitch, result, width * size)
                start = stop
            step = load64(plan + PLAN_ROOM_STEPS + 8)
            invoke(
                code_of(plan, CODE_SCATTER_ADD), result, width * size, image_of(plan, group) + channel * step,
                load64(plan + PLAN_OFFSETS), taps, some, step, chunks, count,
            )  # fmt: skip
            channel += some
        first = last
    return 0


# ---- by kernel


def dot_columns(plan: int, filters: int) -> int:
    """How many columns are multiplied at a time: whole vectors."""
    lanes = code_of(plan, CODE_LANES)
    room = DOT_ROOM // ((filters + DOT_DEPTH) * load64(plan + PLAN_SIZE))
    room = most(4 * lanes, least(room, 2048))
    return least(room // lanes, up(load64(plan + PLAN_COLUMNS), lanes)) * lanes


def filters_at_once(plan: int) -> int:
    filters = load64(plan + PLAN_FILTERS)
    return up(filters, up(filters, DOT_FILTERS))


def by_kernel(plan: int) -> int:
    """Add to the kernel, which is zero."""
    place = 0
    while place < load64(plan + PLAN_PLACES):
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            first = 0
            some = filters_at_once(plan)
            while first < load64(plan + PLAN_FILTERS):
                some = least(some, load64(plan + PLAN_FILTERS) - first)
                by_kernel_rows(plan, group, place, first, some, 0, load64(plan + PLAN_DEPTH))
                first += some
            group += 1
        place += 1
    return 0


def by_kernel_rows(plan: int, group: int, place: int, filter: int, filters: int, first: int, end: int) -> int:
    """For some filters, and the elements of the kernel from first to end."""
    size = load64(plan + PLAN_SIZE)
    lanes = code_of(plan, CODE_LANES)
    columns = load64(plan + PLAN_COLUMNS)
    some = dot_columns(plan, filters)
    tops = load64(plan + PLAN_RESULT)
    kernel = kernel_of(plan, group, place) + filter * load64(plan + PLAN_KERNEL_STEPS)
    column = 0
    while column < columns:
        stop = least(column + some, columns)
        pitch = up(stop - column, lanes) * lanes * size
        if pitch != (stop - column) * size:
            # the last vector of every row is not full
            memset(tops, 0, filters * pitch)
            memset(load64(plan + PLAN_PANEL), 0, DOT_DEPTH * pitch)
        count = top_chunks(plan, load64(plan + PLAN_TOP_CHUNKS), place, column, stop)
        invoke(
            code_of(plan, CODE_GATHER), tops, pitch, top_of(plan, group), load64(plan + PLAN_TOP_OFFSETS) + filter * 8,
            filters, load64(plan + PLAN_TOP_CHUNKS), count,
        )  # fmt: skip
        count = image_chunks(plan, load64(plan + PLAN_CHUNKS), place, column, stop)
        row = first
        while row < end:
            rows = least(DOT_DEPTH, end - row)
            invoke(
                code_of(plan, CODE_GATHER), load64(plan + PLAN_PANEL), pitch, image_of(plan, group),
                load64(plan + PLAN_OFFSETS) + row * 8, rows, load64(plan + PLAN_CHUNKS), count,
            )  # fmt: skip
            add_dots(plan, tops, filters, pitch, kernel, load64(plan + PLAN_KERNEL_OFFSETS) + row * 8, rows)
            row += rows
        column = stop
    return 0


# ---- steps


def prepare(frame: int, step: int, role: int) -> int:
    plan = stack(PLAN_BYTES)
    if plan_make(frame, step, plan, role):
        return 1
    return allocate(frame, routine_output(frame, step, 0), output_ndim(step, 0), output_size(step, 0))


def product_size(plan: int) -> int:
    """Bytes of the kernels of a group (and a position)."""
    return load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_SIZE)


def release_gil(frame: int, plan: int) -> int:
    """See `leave`; the work is counted, too."""
    columns = load64(plan + PLAN_COLUMNS) * load64(plan + PLAN_PLACES)
    each = load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_GROUPS)
    store64(BUDGET, load64(BUDGET) - (columns * (each >> 4) >> 10))
    return leave(frame, columns, each)


def convolve_prepare(frame: int, step: int) -> int:
    return prepare(frame, step, FORWARD)


def convolve_run(frame: int, step: int) -> int:
    plan = stack(PLAN_BYTES)
    plan_make(frame, step, plan, FORWARD)
    plan_complete(plan)
    size = load64(plan + PLAN_SIZE)
    outputs = item_of_top(plan) * load64(plan + PLAN_BATCH)
    if outputs == 0:
        return 0
    if load64(plan + PLAN_DEPTH) == 0:
        memset(load64(plan + PLAN_TOP_DATA), 0, outputs)
        return 0
    width = code_of(plan, CODE_WIDTH)
    row = width * size
    panel = panel_depth(plan, load64(plan + PLAN_DEPTH)) * row
    block = plan_workspace(frame, plan, product_size(plan), panel, load64(plan + PLAN_FILTERS) * row, width)
    if block == 0:
        return 1
    thread = release_gil(frame, plan)
    plan_offsets(plan)
    if load64(plan + PLAN_ROOM_BYTES) != 0:
        room_copy(plan, 0)
    forward(plan)
    back(thread)
    block_free(block)
    return 0


def contiguous_top(frame: int, step: int, plan: int, copy: int) -> int:
    """Let the plan's top be contiguous; `copy` becomes a copy of it if it is not."""
    top = routine_input(frame, step, 1)
    size = load64(plan + PLAN_SIZE)
    store64(copy + BUFFER_OWNER, 0)
    if in_c_order(top, input_ndim(step, 1), size):
        return 0
    if contiguous_copy(frame, copy, top, input_ndim(step, 1), size):
        return 1
    store64(plan + PLAN_TOP_DATA, load64(copy))
    return 0


def by_image_prepare(frame: int, step: int) -> int:
    return prepare(frame, step, BY_IMAGE)


def by_image_run(frame: int, step: int) -> int:
    plan = stack(PLAN_BYTES)
    plan_make(frame, step, plan, BY_IMAGE)
    plan_complete(plan)
    size = load64(plan + PLAN_SIZE)
    image = routine_output(frame, step, 0)
    memset(load64(image), 0, count_of(image, output_ndim(step, 0)) * size)
    if item_of_top(plan) == 0 or load64(plan + PLAN_BATCH) == 0 or load64(plan + PLAN_DEPTH) == 0:
        return 0
    copy = stack(BUFFER_DIMS + 5 * 16)
    if contiguous_top(frame, step, plan, copy):
        return 1
    width = code_of(plan, CODE_WIDTH)
    row = width * size
    panel = panel_depth(plan, load64(plan + PLAN_FILTERS)) * row
    result = channels_at_once(plan) * load64(plan + PLAN_TAPS) * row
    block = plan_workspace(frame, plan, product_size(plan), panel, result, width)
    if block != 0:
        thread = release_gil(frame, plan)
        plan_offsets(plan)
        by_image(plan)
        if load64(plan + PLAN_ROOM_BYTES) != 0:
            room_copy(plan, 1)
        back(thread)
        block_free(block)
    release(copy)
    return block == 0


def by_kernel_prepare(frame: int, step: int) -> int:
    return prepare(frame, step, BY_KERNEL)


def by_kernel_run(frame: int, step: int) -> int:
    plan = stack(PLAN_BYTES)
    plan_make(frame, step, plan, BY_KERNEL)
    plan_complete(plan)
    size = load64(plan + PLAN_SIZE)
    kernel = routine_output(frame, step, 0)
    memset(load64(kernel), 0, count_of(kernel, output_ndim(step, 0)) * size)
    if item_of_top(plan) == 0 or load64(plan + PLAN_BATCH) == 0 or load64(plan + PLAN_DEPTH) == 0:
        return 0
    copy = stack(BUFFER_DIMS + 5 * 16)
    if contiguous_top(frame, step, plan, copy):
        return 1
    filters = least(load64(plan + PLAN_FILTERS), DOT_FILTERS)
    columns = dot_columns(plan, filters_at_once(plan))
    panel = (DOT_DEPTH + code_of(plan, CODE_DOT_COLUMNS)) * columns * size
    block = plan_workspace(frame, plan, 0, panel, filters * columns * size, columns)
    if block != 0:
        thread = release_gil(frame, plan)
        plan_offsets(plan)
        if load64(plan + PLAN_ROOM_BYTES) != 0:
            room_copy(plan, 0)
        by_kernel(plan)
        back(thread)
        block_free(block)
    release(copy)
    return block == 0
