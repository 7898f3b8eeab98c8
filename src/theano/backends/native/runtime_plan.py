"""The run-time system: the plan of a convolution: its sizes, strides and memory.

Written in the language of `runtime_language.py`. Everything about one call is in a *plan*: lengths for one group,
strides in bytes, addresses. There are always three spatial axes; missing ones have length 1. The *top* is what a
convolution gives. What the windows of a plan are is said in `runtime_windows.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, fail
from theano.backends.native.runtime_language import load64, store64
from theano.backends.native.runtime_memory import MAXIMUM_BYTES
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    ROUTINE_CODE,
    input_size,
    length,
    routine_input,
    routine_output,
    routine_param,
    stride_along,
    up,
    workspace,
)

# what a routine computes
FORWARD = 0  # image, kernel: top
BY_IMAGE = 1  # kernel, top, lengths: image
BY_KERNEL = 2  # image, top, lengths: kernel

# a routine's parameters; of each axis five numbers
PARAM_AXES = 0  # 2 or 3
PARAM_GROUPS = 1
PARAM_FLIP = 2
PARAM_UNSHARED = 3
PARAM_STATED = 4  # the user stated the shapes of image and kernel: after the axes, with -1 for what is not known
PARAM_SPATIAL = 5
AXIS_MODE = 0
AXIS_LOW = 1
AXIS_HIGH = 2
AXIS_STRIDE = 3
AXIS_DILATION = 4
AXIS_PARAMS = 5
MODE_PADS = 0  # low and high are the padding
MODE_FULL = 1
MODE_HALF = 2

PLAN_CODE = 0  # the table of a dtype's functions and sizes
PLAN_SIZE = 8
PLAN_BATCH = 16
PLAN_GROUPS = 24
PLAN_CHANNELS = 32  # of a group
PLAN_FILTERS = 40  # of a group
PLAN_IMAGE = 48  # three numbers each, one after the other up to PLAN_LOW
PLAN_KERNEL = 72
PLAN_TOP = 96
PLAN_STRIDE = 120
PLAN_DILATION = 144
PLAN_LOW = 168  # padding before the image
PLAN_UNSHARED = 192
PLAN_IMAGE_DATA = 200
PLAN_IMAGE_STEPS = 208  # bytes between items, channels, and along the spatial axes
PLAN_KERNEL_DATA = 248
PLAN_KERNEL_STEPS = 256  # between filters, channels, and along the spatial axes
PLAN_KERNEL_GROUP = 296
PLAN_KERNEL_PLACES = 304  # unshared: along the positions
PLAN_TOP_DATA = 328  # C-contiguous
# what follows from these, see `complete`
PLAN_TAPS = 336  # elements of a kernel for one channel
PLAN_DEPTH = 344  # and for all channels of a group
PLAN_AREA = 352  # positions of a window
PLAN_COLUMNS = 360  # of the matrix of windows: batch times positions, or batch
PLAN_PLACES = 368  # how many such matrices there are: positions, or 1
PLAN_SPAN = 376  # three lengths of what the windows cover
PLAN_ROOM_STEPS = 400  # steps of the image that windows are taken from: items, channels, planes, rows
PLAN_ROOM_DATA = 432
PLAN_ROOM_BYTES = 440  # of a copy of the image with its padding; 0: the image serves as it is
PLAN_PHASE = 448  # bytes between elements of a row which are next to each other; windows' neighbours are contiguous
PLAN_WINDOW_ROWS = 456  # three numbers of windows, where rows without a gap between them are one row
PLAN_OFFSETS = 480  # tables: of the kernel's elements on the image, in the kernel, of the filters there and in the top
PLAN_KERNEL_OFFSETS = 488
PLAN_FILTER_OFFSETS = 496
PLAN_TOP_OFFSETS = 504
PLAN_PACKED = 512  # workspace: a matrix packed for `product`
PLAN_PANEL = 520
PLAN_RESULT = 528
PLAN_CHUNKS = 536
PLAN_TOP_CHUNKS = 544
PLAN_THREADS = 552  # plans that lie one after the other, and differ in workspace only: one for each thread
PLAN_COPIERS = 560  # how many threads copy the room
PLAN_BYTES = 568

# the table of a dtype's code
CODE_LANES = 0
CODE_WIDTH = 8  # columns of `product`
CODE_DOT_COLUMNS = 16
CODE_DOT_ROWS = 24
CODE_GATHER = 32
CODE_SCATTER = 40
CODE_SCATTER_ADD = 48
CODE_PACK = 56
CODE_ADD_SUMS = 64
CODE_PRODUCT = 72  # for 1 to 6 rows
CODE_DOT = 120  # for 1 to 5 rows
CODE_ASSERTS = 160  # config.conv.assert_shape
CODE_COPY_ROOM = 168
CODE_BYTES = 176

CHUNK_BYTES = 24


def code_of(plan: int, at: int) -> int:
    return load64(load64(plan + PLAN_CODE) + at)


def wanted(frame: int, step: int, axis: int) -> int:
    """An entry of the vector with the lengths of what a gradient is for."""
    lengths = routine_input(frame, step, 2)
    return load64(load64(lengths) + axis * load64(lengths + BUFFER_DIMS + 8))


def plan_make(frame: int, step: int, plan: int, role: int) -> int:
    """Read the arrays' lengths and strides and set those of the output; fail where they do not fit."""
    axes = routine_param(step, PARAM_AXES)
    groups = routine_param(step, PARAM_GROUPS)
    unshared = routine_param(step, PARAM_UNSHARED)
    inner = 1
    if unshared:
        inner = 1 + axes
    image = routine_input(frame, step, 0)
    kernel = routine_input(frame, step, 1)
    top = routine_output(frame, step, 0)
    if role == BY_IMAGE:
        image = routine_output(frame, step, 0)
        kernel = routine_input(frame, step, 0)
        top = routine_input(frame, step, 1)
        store64(image + BUFFER_DIMS, length(top, 0))
        store64(image + BUFFER_DIMS + 8, length(kernel, inner) * groups)
    elif role == BY_KERNEL:
        kernel = routine_output(frame, step, 0)
        top = routine_input(frame, step, 1)
        store64(kernel + BUFFER_DIMS, length(top, 1))
        if unshared:
            memcpy(kernel + BUFFER_DIMS + 8, top + BUFFER_DIMS + 16, axes * 8)
        store64(kernel + BUFFER_DIMS + inner * 8, length(image, 1) // groups)
    else:
        store64(top + BUFFER_DIMS, length(image, 0))
        store64(top + BUFFER_DIMS + 8, length(kernel, 0))
    filters = length(kernel, 0)
    channels = length(image, 1)
    if channels % groups != 0 or filters % groups != 0 or length(kernel, inner) * groups != channels:
        return fail(frame, E_LENGTHS, channels, filters, length(kernel, inner), groups)
    if length(top, 0) != length(image, 0) or length(top, 1) != filters:
        return fail(frame, E_LENGTHS, length(top, 0), length(image, 0), length(top, 1), filters)
    memset(plan, 0, PLAN_BYTES)
    store64(plan + PLAN_CODE, load64(step + ROUTINE_CODE))
    store64(plan + PLAN_SIZE, input_size(step, 0))
    store64(plan + PLAN_BATCH, length(image, 0))
    store64(plan + PLAN_GROUPS, groups)
    store64(plan + PLAN_CHANNELS, channels // groups)
    store64(plan + PLAN_FILTERS, filters // groups)
    store64(plan + PLAN_UNSHARED, unshared)
    store64(plan + PLAN_IMAGE_DATA, load64(image))
    store64(plan + PLAN_KERNEL_DATA, load64(kernel))
    store64(plan + PLAN_TOP_DATA, load64(top))
    store64(plan + PLAN_IMAGE_STEPS, stride_along(image, 2 + axes, 0))
    store64(plan + PLAN_IMAGE_STEPS + 8, stride_along(image, 2 + axes, 1))
    ndim = 1 + inner + axes
    store64(plan + PLAN_KERNEL_STEPS, stride_along(kernel, ndim, 0))
    store64(plan + PLAN_KERNEL_STEPS + 8, stride_along(kernel, ndim, inner))
    store64(plan + PLAN_KERNEL_GROUP, stride_along(kernel, ndim, 0) * (filters // groups))
    axis = 0
    while axis < 3:
        store64(plan + PLAN_IMAGE + axis * 8, 1)
        store64(plan + PLAN_KERNEL + axis * 8, 1)
        store64(plan + PLAN_TOP + axis * 8, 1)
        store64(plan + PLAN_STRIDE + axis * 8, 1)
        store64(plan + PLAN_DILATION + axis * 8, 1)
        axis += 1
    axis = 0
    while axis < axes:
        if plan_axis(frame, step, plan, role, axis, image, kernel, top):
            return 1
        axis += 1
    if routine_param(step, PARAM_STATED) and code_of(plan, CODE_ASSERTS):
        stated = PARAM_SPATIAL + axes * AXIS_PARAMS
        if not as_stated(step, stated, image, 2 + axes) or not as_stated(step, stated + 2 + axes, kernel, ndim):
            return fail(frame, E_LENGTHS, 0, 0, 0, 0)
    return 0


def as_stated(step: int, stated: int, buffer: int, ndim: int) -> int:
    """Has a buffer the lengths that parameters from number `stated` on tell?"""
    axis = 0
    while axis < ndim:
        n = routine_param(step, stated + axis)
        if n >= 0 and n != length(buffer, axis):
            return 0
        axis += 1
    return 1


def plan_axis(frame: int, step: int, plan: int, role: int, axis: int, image: int, kernel: int, top: int) -> int:
    """The same along a spatial axis."""
    axes = routine_param(step, PARAM_AXES)
    unshared = routine_param(step, PARAM_UNSHARED)
    inner = 1
    if unshared:
        inner = 1 + axes
    params = PARAM_SPATIAL + axis * AXIS_PARAMS
    if role == BY_IMAGE:
        store64(image + BUFFER_DIMS + (2 + axis) * 8, wanted(frame, step, axis))
    elif role == BY_KERNEL:
        store64(kernel + BUFFER_DIMS + (1 + inner + axis) * 8, wanted(frame, step, axis))
    n = length(image, 2 + axis)
    elements = length(kernel, 1 + inner + axis)
    dilation = routine_param(step, params + AXIS_DILATION)
    stride = routine_param(step, params + AXIS_STRIDE)
    if n < 0 or elements <= 0:
        return fail(frame, E_LENGTHS, n, elements, axis, role)
    extent = (elements - 1) * dilation + 1
    low = routine_param(step, params + AXIS_LOW)
    high = routine_param(step, params + AXIS_HIGH)
    if routine_param(step, params + AXIS_MODE) == MODE_FULL:
        low = extent - 1
        high = low
    elif routine_param(step, params + AXIS_MODE) == MODE_HALF:
        low = extent // 2
        high = low
    room = n + low + high - extent
    if room < 0:
        return fail(frame, E_LENGTHS, n, extent, low, high)
    positions = room // stride + 1
    if role == FORWARD:
        store64(top + BUFFER_DIMS + (2 + axis) * 8, positions)
    if length(top, 2 + axis) != positions or (unshared and length(kernel, 1 + axis) != positions):
        return fail(frame, E_LENGTHS, length(top, 2 + axis), positions, axis, unshared)
    ndim = 1 + inner + axes
    at = (3 - axes + axis) * 8
    store64(plan + PLAN_IMAGE + at, n)
    store64(plan + PLAN_KERNEL + at, elements)
    store64(plan + PLAN_TOP + at, positions)
    store64(plan + PLAN_STRIDE + at, stride)
    store64(plan + PLAN_DILATION + at, dilation)
    store64(plan + PLAN_LOW + at, low)
    store64(plan + PLAN_IMAGE_STEPS + 16 + at, stride_along(image, 2 + axes, 2 + axis))
    along = stride_along(kernel, ndim, 1 + inner + axis)
    if routine_param(step, PARAM_FLIP):
        store64(plan + PLAN_KERNEL_DATA, load64(plan + PLAN_KERNEL_DATA) + (elements - 1) * along)
        along = 0 - along
    store64(plan + PLAN_KERNEL_STEPS + 16 + at, along)
    if unshared:
        store64(plan + PLAN_KERNEL_PLACES + at, stride_along(kernel, ndim, 1 + axis))
    return 0


def nothing_along(plan: int, axis: int) -> int:
    """Has everything length 1 along an axis (times 8)?"""
    if load64(plan + PLAN_IMAGE + axis) != 1 or load64(plan + PLAN_KERNEL + axis) != 1:
        return 0
    return load64(plan + PLAN_TOP + axis) == 1 and load64(plan + PLAN_LOW + axis) == 0


def rotate(triple: int) -> int:
    last = load64(triple + 16)
    store64(triple + 16, load64(triple + 8))
    store64(triple + 8, load64(triple))
    store64(triple, last)
    return 0


def plan_rotate(plan: int) -> int:
    """Let the last axis be one with some length, for it is the one that is walked in vectors."""
    turns = 0
    while turns < 2 and nothing_along(plan, 16):
        axis = plan + PLAN_IMAGE
        while axis <= plan + PLAN_LOW:
            rotate(axis)
            axis += 24
        rotate(plan + PLAN_IMAGE_STEPS + 16)
        rotate(plan + PLAN_KERNEL_STEPS + 16)
        rotate(plan + PLAN_KERNEL_PLACES)
        turns += 1
    return 0


def plan_complete(plan: int) -> int:
    """Fill in what follows from lengths and strides."""
    plan_rotate(plan)
    size = load64(plan + PLAN_SIZE)
    taps = 1
    area = 1
    plain = 0
    if load64(plan + PLAN_IMAGE_STEPS + 32) == size and load64(plan + PLAN_STRIDE + 16) == 1:
        plain = 1
    axis = 0
    while axis < 3:
        at = axis * 8
        kernel = load64(plan + PLAN_KERNEL + at)
        top = load64(plan + PLAN_TOP + at)
        taps = taps * kernel
        area = area * top
        span = (top - 1) * load64(plan + PLAN_STRIDE + at) + (kernel - 1) * load64(plan + PLAN_DILATION + at) + 1
        store64(plan + PLAN_SPAN + at, span)
        store64(plan + PLAN_WINDOW_ROWS + at, top)
        if load64(plan + PLAN_LOW + at) != 0 or span > load64(plan + PLAN_IMAGE + at):
            plain = 0
        axis += 1
    store64(plan + PLAN_TAPS, taps)
    store64(plan + PLAN_DEPTH, taps * load64(plan + PLAN_CHANNELS))
    store64(plan + PLAN_AREA, area)
    store64(plan + PLAN_COLUMNS, load64(plan + PLAN_BATCH) * area)
    store64(plan + PLAN_PLACES, 1)
    if load64(plan + PLAN_UNSHARED):
        store64(plan + PLAN_COLUMNS, load64(plan + PLAN_BATCH))
        store64(plan + PLAN_PLACES, area)
    room = plan + PLAN_ROOM_STEPS
    if plain:
        memcpy(room, plan + PLAN_IMAGE_STEPS, 32)
        store64(plan + PLAN_ROOM_BYTES, 0)
        store64(plan + PLAN_ROOM_DATA, load64(plan + PLAN_IMAGE_DATA))
    else:
        phase = up(load64(plan + PLAN_SPAN + 16), load64(plan + PLAN_STRIDE + 16)) * size
        store64(plan + PLAN_PHASE, phase)
        bytes = bounded(phase, load64(plan + PLAN_STRIDE + 16))
        store64(room + 24, bytes)
        bytes = bounded(bytes, load64(plan + PLAN_SPAN + 8))
        store64(room + 16, bytes)
        bytes = bounded(bytes, load64(plan + PLAN_SPAN))
        store64(room + 8, bytes)
        bytes = bounded(bytes, load64(plan + PLAN_GROUPS) * load64(plan + PLAN_CHANNELS))
        store64(room, bytes)
        store64(plan + PLAN_ROOM_BYTES, bounded(bytes, load64(plan + PLAN_BATCH)))
    rows = plan + PLAN_WINDOW_ROWS
    if load64(room + 24) * load64(plan + PLAN_STRIDE + 8) == load64(rows + 16) * size:
        store64(rows + 16, load64(rows + 16) * load64(rows + 8))
        store64(rows + 8, 1)
    return 0


def bounded(a: int, b: int) -> int:
    """a * b, or too many bytes for any memory."""
    if b > 0 and a > MAXIMUM_BYTES // b:
        return MAXIMUM_BYTES + 1
    return a * b


def plan_workspace(frame: int, plan: int, threads: int, packed: int, panel: int, result: int, columns: int) -> int:
    """Memory for the plan, in one block to be given back; 0: there is none. More plans are made after it, for threads.

    packed, panel, result   bytes;   columns   of panels that are known at a time, at most
    """
    tables = load64(plan + PLAN_DEPTH) * 8 + 64
    of_filters = load64(plan + PLAN_FILTERS) * 8 + 64
    chunks = columns * CHUNK_BYTES
    own = (panel + 63 & -64) + (result + 63 & -64) + (2 * chunks + 63 & -64)
    room = load64(plan + PLAN_ROOM_BYTES)
    total = 2 * (tables + of_filters) + packed + threads * own + 4 * 64 + room
    if room > MAXIMUM_BYTES:
        total = room
    block = workspace(frame, total, 1)
    if block == 0:
        return 0
    at = (block + 63) & -64
    store64(plan + PLAN_THREADS, threads)
    store64(plan + PLAN_PACKED, at)
    at = (at + packed + 63) & -64
    store64(plan + PLAN_OFFSETS, at)
    store64(plan + PLAN_KERNEL_OFFSETS, at + tables)
    at += 2 * tables
    store64(plan + PLAN_FILTER_OFFSETS, at)
    store64(plan + PLAN_TOP_OFFSETS, at + of_filters)
    at = (at + 2 * of_filters + 63) & -64
    own_areas = at
    if room != 0:
        at += threads * own
        store64(plan + PLAN_ROOM_DATA, at)
        memset(at, 0, room)
    thread = 0
    while thread < threads:
        if thread > 0:
            memcpy(plan + thread * PLAN_BYTES, plan, PLAN_BYTES)
        at = own_areas + thread * own
        one = plan + thread * PLAN_BYTES
        store64(one + PLAN_PANEL, at)
        at = (at + panel + 63) & -64
        store64(one + PLAN_RESULT, at)
        at = (at + result + 63) & -64
        store64(one + PLAN_CHUNKS, at)
        store64(one + PLAN_TOP_CHUNKS, at + chunks)
        thread += 1
    return block
