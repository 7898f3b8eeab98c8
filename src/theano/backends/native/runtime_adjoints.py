"""The run-time system: the adjoints of convolution, which are its gradients.

Written in the language of `runtime_language.py`; see `runtime_convolution.py`.

    by image     windows = kernel' · top, a panel at a time, added to where the windows lie
    by kernel    kernel = top · windows', summed over panels of both

Threads have shares of the channels, or of the elements of the kernel: so sums are the same for any number of threads.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import (
    address_of,
    invoke,
    load64,
    stack,
)
from theano.backends.native.runtime_plan import (
    CODE_DOT_COLUMNS,
    CODE_GATHER,
    CODE_LANES,
    CODE_SCATTER_ADD,
    CODE_WIDTH,
    PLAN_AREA,
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
    PLAN_ROOM_DATA,
    PLAN_ROOM_STEPS,
    PLAN_SIZE,
    PLAN_TAPS,
    PLAN_THREADS,
    PLAN_TOP_CHUNKS,
    PLAN_TOP_OFFSETS,
    code_of,
)
from theano.backends.native.runtime_routines import (
    least,
    most,
    up,
)
from theano.backends.native.runtime_threads import (
    parallel,
    share,
)
from theano.backends.native.runtime_tiles import (
    PANEL_ROOM,
    add_dots,
    dot_pitch,
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
    column_of_top,
    image_chunks,
    image_of,
    kernel_of,
    some_panels,
    top_chunks,
    top_of,
)

# of the inner products: bytes of what is multiplied at a time, filters, and elements of the kernel
DOT_ROOM = 524288
DOT_FILTERS = 128
DOT_DEPTH = 25


# ---- by image


def by_image(plan: int) -> int:
    """Add to the room, which is zero."""
    return parallel(address_of(by_image_part), plan, load64(plan + PLAN_THREADS))


def by_image_part(plans: int, part: int) -> int:
    """What a thread adds: to its share of the channels, those of a group after the other."""
    plan = plans + part * PLAN_BYTES
    channels = load64(plan + PLAN_GROUPS) * load64(plan + PLAN_CHANNELS)
    threads = load64(plan + PLAN_THREADS)
    first = share(channels, 1, part, threads)
    end = share(channels, 1, part + 1, threads)
    place = 0
    while place < load64(plan + PLAN_PLACES):
        channel = first
        while channel < end:
            channel += pack_channels(plan, place, channel, end)
        by_image_columns(plan, place, first, end)
        place += 1
    return 0


def of_one_group(plan: int, channel: int, end: int) -> int:
    """How many of the channels from `channel` to `end` belong to the group of the first one."""
    return least(end - channel, load64(plan + PLAN_CHANNELS) - channel % load64(plan + PLAN_CHANNELS))


def channels_at_once(plan: int) -> int:
    """For how many channels the product is made at a time."""
    row = code_of(plan, CODE_WIDTH) * load64(plan + PLAN_SIZE) * load64(plan + PLAN_TAPS)
    return least(load64(plan + PLAN_CHANNELS), up(PANEL_ROOM, row))


def packed_channel(plan: int, channel: int) -> int:
    """Where the packed kernels of a channel start."""
    size = load64(plan + PLAN_TAPS) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_SIZE)
    return load64(plan + PLAN_PACKED) + channel * size


def pack_channels(plan: int, place: int, channel: int, end: int) -> int:
    """Pack the transposed kernels of channels of one group, some at a time; how many they are."""
    taps = load64(plan + PLAN_TAPS)
    count = of_one_group(plan, channel, end)
    group = channel // load64(plan + PLAN_CHANNELS)
    end = channel + count
    while channel < end:
        some = least(channels_at_once(plan), end - channel)
        pack_rows(
            plan,
            packed_channel(plan, channel),
            kernel_of(plan, group, place),
            load64(plan + PLAN_KERNEL_OFFSETS) + channel % load64(plan + PLAN_CHANNELS) * taps * 8,
            some * taps,
            load64(plan + PLAN_FILTER_OFFSETS),
            load64(plan + PLAN_FILTERS),
        )
        channel += some
    return count


def by_image_columns(plan: int, place: int, first: int, end: int) -> int:
    """What all columns add to the channels from `first` to `end`."""
    panels = stack(PANELS * PANEL_ENTRY)
    columns = load64(plan + PLAN_COLUMNS)
    column = 0
    while column < columns:
        column = some_panels(plan, panels, place, column, columns)
        channel = first
        while channel < end:
            count = of_one_group(plan, channel, end)
            panel = panels
            while load64(panel + PANEL_COUNT) != 0:
                by_image_panel(plan, channel, channel + count, panel)
                panel += PANEL_ENTRY
            channel += count
    return 0


def by_image_panel(plan: int, channel: int, end: int, columns: int) -> int:
    """What a panel, whose entry is given, adds to channels of one group."""
    size = load64(plan + PLAN_SIZE)
    row = code_of(plan, CODE_WIDTH) * size
    taps = load64(plan + PLAN_TAPS)
    filters = load64(plan + PLAN_FILTERS)
    part = panel_depth(plan, filters)
    result = load64(plan + PLAN_RESULT)
    step = load64(plan + PLAN_ROOM_STEPS + 8)
    top_count = load64(columns + PANEL_TOP_COUNT)
    group = channel // load64(plan + PLAN_CHANNELS)
    while channel < end:
        some = least(channels_at_once(plan), end - channel)
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
            packed = packed_channel(plan, channel)
            multiply(plan, packed, some * taps, filters, start, stop, panel, pitch, result, row)
            start = stop
        image = load64(plan + PLAN_ROOM_DATA) + channel * step
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
    return up(columns, up(columns, most(5, limit // lanes))) * lanes


def filters_at_once(plan: int) -> int:
    filters = load64(plan + PLAN_FILTERS)
    return up(filters, up(filters, DOT_FILTERS))


def by_kernel(plan: int) -> int:
    """Add to the kernel, which is zero."""
    return parallel(address_of(by_kernel_part), plan, load64(plan + PLAN_THREADS))


def by_kernel_part(plans: int, part: int) -> int:
    """What a thread adds: to its share of the elements of all groups' kernels, for all filters."""
    plan = plans + part * PLAN_BYTES
    threads = load64(plan + PLAN_THREADS)
    elements = load64(plan + PLAN_GROUPS) * load64(plan + PLAN_DEPTH)
    unit = code_of(plan, CODE_DOT_COLUMNS)
    columns = load64(plan + PLAN_COLUMNS)
    some = dot_columns(plan, filters_at_once(plan))
    place = 0
    while place < load64(plan + PLAN_PLACES):
        first = 0
        while first < columns:
            element = share(elements, unit, part, threads)
            by_kernel_columns(
                plan, place, first, least(first + some, columns), element, share(elements, unit, part + 1, threads)
            )
            first += some
        place += 1
    return 0


def by_kernel_columns(plan: int, place: int, first: int, last: int, element: int, end: int) -> int:
    """What some columns add to the kernels' elements from `element` to `end`, those of a group after the other."""
    lanes = code_of(plan, CODE_LANES)
    depth = load64(plan + PLAN_DEPTH)
    some = filters_at_once(plan)
    vectors = up(last - first, lanes)
    pitch = dot_pitch(plan, vectors)
    if (last - first) % lanes != 0:
        # the last vector of every row is not full
        memset(load64(plan + PLAN_RESULT), 0, some * pitch)
        memset(load64(plan + PLAN_PANEL), 0, DOT_DEPTH * pitch)
    count = image_chunks(plan, load64(plan + PLAN_CHUNKS), place, first, last)
    top_count = top_chunks(plan, load64(plan + PLAN_TOP_CHUNKS), place, first, last)
    while element < end:
        group = element // depth
        start = element % depth
        stop = least(start + end - element, depth)
        filter = 0
        while filter < load64(plan + PLAN_FILTERS):
            filters = least(some, load64(plan + PLAN_FILTERS) - filter)
            kernel = kernel_of(plan, group, place) + filter * load64(plan + PLAN_KERNEL_STEPS)
            offsets = load64(plan + PLAN_TOP_OFFSETS) + filter * 8
            tops = load64(plan + PLAN_RESULT)
            chunks = load64(plan + PLAN_TOP_CHUNKS)
            invoke(code_of(plan, CODE_GATHER), tops, pitch, top_of(plan, group), offsets, filters, chunks, top_count)
            by_kernel_rows(plan, image_of(plan, group), kernel, filters, vectors, count, start, stop)
            filter += filters
        element += stop - start
    return 0


def by_kernel_rows(
    plan: int, image: int, kernel: int, filters: int, vectors: int, count: int, first: int, end: int
) -> int:
    """For some filters, whose top is gathered, and the elements of the kernel from first to end."""
    pitch = dot_pitch(plan, vectors)
    while first < end:
        rows = least(DOT_DEPTH, end - first)
        panel = load64(plan + PLAN_PANEL)
        offsets = load64(plan + PLAN_OFFSETS) + first * 8
        invoke(code_of(plan, CODE_GATHER), panel, pitch, image, offsets, rows, load64(plan + PLAN_CHUNKS), count)
        in_kernel = load64(plan + PLAN_KERNEL_OFFSETS) + first * 8
        add_dots(plan, filters, vectors, kernel, in_kernel, rows)
        first += rows
    return 0
