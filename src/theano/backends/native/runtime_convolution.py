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
    PANEL_CHUNKS,
    PANEL_COUNT,
    PANEL_ENTRY,
    PANEL_FIRST,
    PANEL_TOP_CHUNKS,
    PANEL_TOP_COUNT,
    PANELS,
    image_chunks,
    image_of,
    item_of_top,
    kernel_of,
    plan_offsets,
    room_copy,
    some_panels,
    top_chunks,
    top_of,
)

# of the inner products: bytes of what is multiplied at a time, filters, and elements of the kernel
DOT_ROOM = 524288
DOT_FILTERS = 128
DOT_DEPTH = 25


def packed_of(plan: int, group: int) -> int:
    """Where the packed kernels of a group are."""
    return load64(plan + PLAN_PACKED) + group * product_size(plan)


def product_size(plan: int) -> int:
    """Bytes of the kernels of a group (and a position)."""
    return load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_SIZE)


def packed_size(plan: int) -> int:
    """Bytes of the kernels of all groups (and a position)."""
    return product_size(plan) * load64(plan + PLAN_GROUPS)


def column_of_top(plan: int, group: int, column: int) -> int:
    """Where a column of a group is in the top."""
    area = load64(plan + PLAN_AREA)
    return top_of(plan, group) + column // area * item_of_top(plan) + column % area * load64(plan + PLAN_SIZE)


# ---- forward


def forward(plan: int) -> int:
    place = 0
    while place < load64(plan + PLAN_PLACES):
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            pack_rows(
                plan,
                packed_of(plan, group),
                kernel_of(plan, group, place),
                load64(plan + PLAN_FILTER_OFFSETS),
                load64(plan + PLAN_FILTERS),
                load64(plan + PLAN_KERNEL_OFFSETS),
                load64(plan + PLAN_DEPTH),
            )
            group += 1
        forward_columns(plan, place, 0, load64(plan + PLAN_COLUMNS))
        place += 1
    return 0


def forward_columns(plan: int, place: int, first: int, end: int) -> int:
    panels = stack(PANELS * PANEL_ENTRY)
    while first < end:
        first = some_panels(plan, panels, place, first, end)
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            panel = panels
            while load64(panel + PANEL_COUNT) != 0:
                forward_panel(plan, group, panel)
                panel += PANEL_ENTRY
            group += 1
    return 0


def forward_panel(plan: int, group: int, columns: int) -> int:
    """Compute the columns of a panel, whose entry is given, for a group."""
    size = load64(plan + PLAN_SIZE)
    row = code_of(plan, CODE_WIDTH) * size
    depth = load64(plan + PLAN_DEPTH)
    filters = load64(plan + PLAN_FILTERS)
    part = panel_depth(plan, depth)
    panel = load64(plan + PLAN_PANEL)
    step = load64(plan + PLAN_AREA) * size
    to = load64(plan + PLAN_RESULT)
    pitch = row
    top_count = load64(columns + PANEL_TOP_COUNT)
    if top_count == 0:
        to = column_of_top(plan, group, load64(columns + PANEL_FIRST))
        pitch = step
    image = image_of(plan, group)
    chunks = load64(columns + PANEL_CHUNKS)
    count = load64(columns + PANEL_COUNT)
    start = 0
    while start < depth:
        stop = least(start + part, depth)
        offsets = load64(plan + PLAN_OFFSETS) + start * 8
        invoke(code_of(plan, CODE_GATHER), panel, row, image, offsets, stop - start, chunks, count)
        multiply(plan, packed_of(plan, group), filters, depth, start, stop, panel, row, to, pitch)
        start = stop
    if top_count != 0:
        chunks = load64(columns + PANEL_TOP_CHUNKS)
        invoke(code_of(plan, CODE_SCATTER), to, pitch, top_of(plan, group), step, filters, chunks, top_count)
    return 0


# ---- by image


def by_image(plan: int) -> int:
    """Add to the room, which is zero."""
    place = 0
    while place < load64(plan + PLAN_PLACES):
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            pack_channels(plan, group, place)
            group += 1
        by_image_columns(plan, place, 0, load64(plan + PLAN_COLUMNS))
        place += 1
    return 0


def channels_at_once(plan: int) -> int:
    """For how many channels the product is made at a time."""
    row = code_of(plan, CODE_WIDTH) * load64(plan + PLAN_SIZE) * load64(plan + PLAN_TAPS)
    return least(load64(plan + PLAN_CHANNELS), up(PANEL_ROOM, row))


def pack_channels(plan: int, group: int, place: int) -> int:
    """Pack the transposed kernels of a group, some channels after the other."""
    taps = load64(plan + PLAN_TAPS)
    filters = load64(plan + PLAN_FILTERS)
    some = channels_at_once(plan)
    channel = 0
    while channel < load64(plan + PLAN_CHANNELS):
        some = least(some, load64(plan + PLAN_CHANNELS) - channel)
        pack_rows(
            plan,
            packed_of(plan, group) + channel * taps * filters * load64(plan + PLAN_SIZE),
            kernel_of(plan, group, place),
            load64(plan + PLAN_KERNEL_OFFSETS) + channel * taps * 8,
            some * taps,
            load64(plan + PLAN_FILTER_OFFSETS),
            filters,
        )
        channel += some
    return 0


def by_image_columns(plan: int, place: int, first: int, end: int) -> int:
    panels = stack(PANELS * PANEL_ENTRY)
    while first < end:
        first = some_panels(plan, panels, place, first, end)
        group = 0
        while group < load64(plan + PLAN_GROUPS):
            panel = panels
            while load64(panel + PANEL_COUNT) != 0:
                by_image_panel(plan, group, panel)
                panel += PANEL_ENTRY
            group += 1
    return 0


def by_image_panel(plan: int, group: int, columns: int) -> int:
    """See `forward_panel`."""
    size = load64(plan + PLAN_SIZE)
    row = code_of(plan, CODE_WIDTH) * size
    taps = load64(plan + PLAN_TAPS)
    filters = load64(plan + PLAN_FILTERS)
    part = panel_depth(plan, filters)
    result = load64(plan + PLAN_RESULT)
    step = load64(plan + PLAN_ROOM_STEPS + 8)
    top_count = load64(columns + PANEL_TOP_COUNT)
    some = channels_at_once(plan)
    channel = 0
    while channel < load64(plan + PLAN_CHANNELS):
        some = least(some, load64(plan + PLAN_CHANNELS) - channel)
        packed = packed_of(plan, group) + channel * taps * filters * size
        start = 0
        while start < filters:
            stop = least(start + part, filters)
            panel = load64(plan + PLAN_PANEL)
            pitch = row
            if top_count == 0:
                pitch = load64(plan + PLAN_AREA) * size
                panel = column_of_top(plan, group, load64(columns + PANEL_FIRST)) + start * pitch
            else:
                offsets = load64(plan + PLAN_TOP_OFFSETS) + start * 8
                chunks = load64(columns + PANEL_TOP_CHUNKS)
                top = top_of(plan, group)
                invoke(code_of(plan, CODE_GATHER), panel, pitch, top, offsets, stop - start, chunks, top_count)
            multiply(plan, packed, some * taps, filters, start, stop, panel, pitch, result, row)
            start = stop
        image = image_of(plan, group) + channel * step
        offsets = load64(plan + PLAN_OFFSETS)
        chunks = load64(columns + PANEL_CHUNKS)
        count = load64(columns + PANEL_COUNT)
        invoke(code_of(plan, CODE_SCATTER_ADD), result, row, image, offsets, taps, some, step, chunks, count)
        channel += some
    return 0


# ---- by kernel


def dot_columns(plan: int, filters: int) -> int:
    """How many columns are multiplied at a time: whole vectors."""
    lanes = code_of(plan, CODE_LANES)
    columns = up(load64(plan + PLAN_COLUMNS), lanes)
    limit = least(DOT_ROOM // ((filters + DOT_DEPTH) * load64(plan + PLAN_SIZE)), 2048)
    return up(columns, up(columns, most(4, limit // lanes))) * lanes


def filters_at_once(plan: int) -> int:
    filters = load64(plan + PLAN_FILTERS)
    return up(filters, up(filters, DOT_FILTERS))


def by_kernel(plan: int) -> int:
    """Add to the kernel, which is zero."""
    columns = load64(plan + PLAN_COLUMNS)
    some = dot_columns(plan, filters_at_once(plan))
    place = 0
    while place < load64(plan + PLAN_PLACES):
        first = 0
        while first < columns:
            by_kernel_columns(plan, place, first, least(first + some, columns))
            first += some
        place += 1
    return 0


def by_kernel_columns(plan: int, place: int, first: int, last: int) -> int:
    """What some columns add to the kernels."""
    size = load64(plan + PLAN_SIZE)
    lanes = code_of(plan, CODE_LANES)
    some = filters_at_once(plan)
    pitch = up(last - first, lanes) * lanes * size
    if pitch != (last - first) * size:
        # the last vector of every row is not full
        memset(load64(plan + PLAN_RESULT), 0, some * pitch)
        memset(load64(plan + PLAN_PANEL), 0, DOT_DEPTH * pitch)
    count = image_chunks(plan, load64(plan + PLAN_CHUNKS), place, first, last)
    top_count = top_chunks(plan, load64(plan + PLAN_TOP_CHUNKS), place, first, last)
    group = 0
    while group < load64(plan + PLAN_GROUPS):
        filter = 0
        while filter < load64(plan + PLAN_FILTERS):
            filters = least(some, load64(plan + PLAN_FILTERS) - filter)
            kernel = kernel_of(plan, group, place) + filter * load64(plan + PLAN_KERNEL_STEPS)
            offsets = load64(plan + PLAN_TOP_OFFSETS) + filter * 8
            tops = load64(plan + PLAN_RESULT)
            chunks = load64(plan + PLAN_TOP_CHUNKS)
            invoke(code_of(plan, CODE_GATHER), tops, pitch, top_of(plan, group), offsets, filters, chunks, top_count)
            by_kernel_rows(plan, image_of(plan, group), kernel, filters, pitch, count, 0, load64(plan + PLAN_DEPTH))
            filter += filters
        group += 1
    return 0


def by_kernel_rows(
    plan: int, image: int, kernel: int, filters: int, pitch: int, count: int, first: int, end: int
) -> int:
    """For some filters, whose top is gathered, and the elements of the kernel from first to end."""
    while first < end:
        rows = least(DOT_DEPTH, end - first)
        panel = load64(plan + PLAN_PANEL)
        offsets = load64(plan + PLAN_OFFSETS) + first * 8
        invoke(code_of(plan, CODE_GATHER), panel, pitch, image, offsets, rows, load64(plan + PLAN_CHUNKS), count)
        in_kernel = load64(plan + PLAN_KERNEL_OFFSETS) + first * 8
        add_dots(plan, load64(plan + PLAN_RESULT), filters, pitch, kernel, in_kernel, rows)
        first += rows
    return 0


# ---- steps


def prepare(frame: int, step: int, role: int) -> int:
    plan = stack(PLAN_BYTES)
    if plan_make(frame, step, plan, role):
        return 1
    return allocate(frame, routine_output(frame, step, 0), output_ndim(step, 0), output_size(step, 0))


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
    block = plan_workspace(frame, plan, packed_size(plan), panel, load64(plan + PLAN_FILTERS) * row, PANELS * width)
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
    block = plan_workspace(frame, plan, packed_size(plan), panel, result, PANELS * width)
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
    filters = filters_at_once(plan)
    columns = dot_columns(plan, filters)
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
