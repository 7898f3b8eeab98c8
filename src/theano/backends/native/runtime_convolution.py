"""The run-time system: convolution and its two adjoints, as products of small tiles.

Written in the language of `runtime_language.py`. The matrix of windows (`runtime_windows.py`) is never made as a
whole: a panel of it at a time is gathered into workspace, in the form that the loops in registers read
(`runtime_tiles.py`), so that packing for them is all the copying there is.

    forward      top = kernel · windows; panels of windows

Its adjoints are in `runtime_adjoints.py`; the steps of all three are here.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_adjoints import (
    DOT_DEPTH,
    by_image,
    by_kernel,
    channels_at_once,
    dot_columns,
    filters_at_once,
)
from theano.backends.native.runtime_core import BUFFER_DIMS, BUFFER_OWNER, allocate, contiguous_copy, release
from theano.backends.native.runtime_language import (
    address_of,
    invoke,
    load64,
    stack,
    store64,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_plan import (
    BY_IMAGE,
    BY_KERNEL,
    CODE_DOT_COLUMNS,
    CODE_GATHER,
    CODE_LANES,
    CODE_SCATTER,
    CODE_WIDTH,
    FORWARD,
    PLAN_AREA,
    PLAN_BATCH,
    PLAN_BYTES,
    PLAN_COLUMNS,
    PLAN_DEPTH,
    PLAN_FILTER_OFFSETS,
    PLAN_FILTERS,
    PLAN_GROUPS,
    PLAN_KERNEL_OFFSETS,
    PLAN_OFFSETS,
    PLAN_PACKED,
    PLAN_PANEL,
    PLAN_PLACES,
    PLAN_RESULT,
    PLAN_SIZE,
    PLAN_TAPS,
    PLAN_THREADS,
    PLAN_TOP_DATA,
    PLAN_UNSHARED,
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
    output_ndim,
    output_size,
    routine_input,
    routine_output,
)
from theano.backends.native.runtime_threads import (
    MOST_THREADS,
    parallel,
    share,
    thread_count,
)
from theano.backends.native.runtime_tiles import (
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
    image_of,
    item_of_top,
    kernel_of,
    plan_offsets,
    room_copy,
    some_panels,
    top_of,
)


def packed_of(plan: int, group: int) -> int:
    """Where the packed kernels of a group are."""
    return load64(plan + PLAN_PACKED) + group * product_size(plan)


def product_size(plan: int) -> int:
    """Bytes of the kernels of a group (and a position)."""
    return load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_SIZE)


def packed_size(plan: int) -> int:
    """Bytes of the kernels of all groups (and a position)."""
    return product_size(plan) * load64(plan + PLAN_GROUPS)


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
        if load64(plan + PLAN_THREADS) > 1:
            parallel(address_of(forward_part), plan, load64(plan + PLAN_THREADS))
        else:
            forward_columns(plan, place, 0, load64(plan + PLAN_COLUMNS))
        place += 1
    return 0


def forward_part(plans: int, part: int) -> int:
    """The columns of a thread: whole panels."""
    plan = plans + part * PLAN_BYTES
    columns = load64(plan + PLAN_COLUMNS)
    threads = load64(plan + PLAN_THREADS)
    width = code_of(plan, CODE_WIDTH)
    return forward_columns(plan, 0, share(columns, width, part, threads), share(columns, width, part + 1, threads))


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


# ---- steps


def prepare(frame: int, step: int, role: int) -> int:
    plan = stack(PLAN_BYTES)
    if plan_make(frame, step, plan, role):
        return 1
    return allocate(frame, routine_output(frame, step, 0), output_ndim(step, 0), output_size(step, 0))


def threads_for(plan: int) -> int:
    """With a kernel for each position there is a product for each, too small to be divided."""
    if load64(plan + PLAN_UNSHARED):
        return 1
    each = load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_GROUPS)
    return thread_count(load64(plan + PLAN_COLUMNS) * each)


def release_gil(frame: int, plan: int) -> int:
    """See `leave`."""
    columns = load64(plan + PLAN_COLUMNS) * load64(plan + PLAN_PLACES)
    return leave(frame, columns, load64(plan + PLAN_DEPTH) * load64(plan + PLAN_FILTERS) * load64(plan + PLAN_GROUPS))


def convolve_prepare(frame: int, step: int) -> int:
    return prepare(frame, step, FORWARD)


def convolve_run(frame: int, step: int) -> int:
    plan = stack(MOST_THREADS * PLAN_BYTES)
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
    result = load64(plan + PLAN_FILTERS) * row
    block = plan_workspace(frame, plan, threads_for(plan), packed_size(plan), panel, result, PANELS * width)
    if block == 0:
        return 1
    thread = release_gil(frame, plan)
    plan_offsets(plan)
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
    plan = stack(MOST_THREADS * PLAN_BYTES)
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
    block = plan_workspace(frame, plan, threads_for(plan), packed_size(plan), panel, result, PANELS * width)
    if block != 0:
        thread = release_gil(frame, plan)
        plan_offsets(plan)
        by_image(plan)
        room_copy(plan, 1)
        back(thread)
        block_free(block)
    release(copy)
    return block == 0


def by_kernel_prepare(frame: int, step: int) -> int:
    return prepare(frame, step, BY_KERNEL)


def by_kernel_run(frame: int, step: int) -> int:
    plan = stack(MOST_THREADS * PLAN_BYTES)
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
    pitch = dot_pitch(plan, columns // code_of(plan, CODE_LANES))
    panel = (DOT_DEPTH + code_of(plan, CODE_DOT_COLUMNS)) * pitch
    block = plan_workspace(frame, plan, threads_for(plan), 0, panel, filters * pitch, columns)
    if block != 0:
        thread = release_gil(frame, plan)
        plan_offsets(plan)
        room_copy(plan, 0)
        by_kernel(plan)
        back(thread)
        block_free(block)
    release(copy)
    return block == 0
