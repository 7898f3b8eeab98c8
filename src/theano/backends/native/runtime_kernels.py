"""The run-time system: preparing and running the step of a kernel, over arrays of any shape and strides.

Written in the language of `runtime_language.py`. The code of a kernel (`kernel_code.py`) handles a run of whole
vectors, contiguous in every operand. Every case is brought to that one, so that all elements go through the same
instructions, wherever they lie: here lengths are found and checked, outputs get memory and operands are bound to
addresses; `runtime_axes.py` brings the axes into order, `runtime_walk.py` goes over them, `runtime_runs.py` makes runs
of what is not contiguous.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_axes import (
    drop_still_axes,
    fuse_axes,
    joins_when_turned,
    lies_ready,
    longer_axis,
    longer_axis_of_whole,
    sort_axes,
    turn_round,
    widen,
)
from theano.backends.native.runtime_core import (
    BUFFER_DATA,
    BUFFER_DIMS,
    E_INDEX,
    E_MEMORY,
    E_NEGATIVE,
    E_PYTHON,
    FRAME_CODE,
    FRAME_IN_COMMIT,
    FRAME_MAY_RELEASE,
    copy_array,
    copy_items,
    fail,
    release,
)
from theano.backends.native.runtime_language import (
    address_of,
    invoke,
    load64,
    stack,
    store64,
)
from theano.backends.native.runtime_memory import block_alloc, block_free, block_malloc
from theano.backends.native.runtime_positions import check_without_points
from theano.backends.native.runtime_prepare import check_empty, dimension, match_axes, prepare_output
from theano.backends.native.runtime_records import (
    CHECKED,
    COUNTS,
    IN_POSITIONS,
    KEEP_ORDER,
    KERNEL_CODE,
    KERNEL_COST,
    KERNEL_EXTENTS,
    KERNEL_FLAGS,
    KERNEL_INPUTS,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_OUTPUTS,
    KERNEL_RANK,
    KERNEL_SLOTS,
    KERNEL_STATE,
    MASKS,
    REDUCES,
    ROLE_ACCUMULATE,
    ROLE_COUNTER,
    ROLE_IN,
    ROLE_NONE,
    ROLE_RAW,
    SLOT_AXES,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FINISH,
    SLOT_FLAGS,
    SLOT_IDENTITY,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_SOURCE,
    SLOT_TEMPORARY,
    STATE_COPY,
    STATE_ERROR,
    STATE_EXTENTS,
    STATE_MODE,
    STATE_RUNS,
)
from theano.backends.native.runtime_runs import fill, spread
from theano.backends.native.runtime_single_runs import lies_in_runs, one_run
from theano.backends.native.runtime_walk import walk

RELEASE_ABOVE = 10000000  # picoseconds of work for which the GIL is released
DIVIDED_ABOVE = 12000000  # picoseconds of work which may be divided

# where the functions of `runtime_divide.py` and `runtime_divided_products.py` are
DIVIDE_WALK = 0
DIVIDE_ROWS = 8
DIVIDE_PRODUCT = 16
DIVIDE_RANGE = 24

# instead of an axis, for `kernel_part`
ALL_POINTS = -1
ALL_ROWS = -2


def kernel_prepare(frame: int, step: int) -> int:
    """Find the extents, check every operand against them, and give the outputs memory."""
    state = frame + load64(step + KERNEL_STATE)
    extents = state + STATE_EXTENTS
    rank = load64(step + KERNEL_RANK)
    dims = load64(step + KERNEL_EXTENTS)
    axis = 0
    while axis < rank:
        n = -1
        if load64(dims) != 0:
            n = dimension(frame, dims)
            if n < 0:
                return fail(frame, E_NEGATIVE, axis, n, 0, 0)
        store64(extents + axis * 8, n)
        dims += 24
        axis += 1
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    inputs = load64(step + KERNEL_INPUTS)
    while k < inputs:
        if match_axes(frame, state, slot, frame + load64(slot + SLOT_BUFFER), k):
            return 1
        slot += SLOT_BYTES
        k += 1
    outputs = load64(step + KERNEL_OUTPUTS)
    k = 0
    while k < outputs:
        if load64(slot + SLOT_SOURCE) != 0 and load64(slot + SLOT_ROLE) == ROLE_RAW:
            if match_axes(frame, state, slot, frame + load64(slot + SLOT_SOURCE), inputs + k):
                return 1
        slot += SLOT_BYTES
        k += 1
    if load64(step + KERNEL_FLAGS) & REDUCES:
        if check_empty(frame, step, extents):
            return 1
    slot = load64(step + KERNEL_OPERANDS) + inputs * SLOT_BYTES
    store64(state + STATE_COPY, 0)
    k = 0
    while k < outputs:
        if prepare_output(frame, step, state, slot, k):
            return 1
        slot += SLOT_BYTES
        k += 1
    if load64(frame + FRAME_IN_COMMIT) and load64(step + KERNEL_FLAGS) & CHECKED:
        return kernel_loops(frame, step, 1)
    return 0


def kernel_run(frame: int, step: int) -> int:
    if load64(step + KERNEL_RANK) == 1 and load64(step + KERNEL_FLAGS) & (MASKS | CHECKED | REDUCES | COUNTS) == MASKS:
        # here, and not in `kernel_part`, where it would cost all other kernels some time
        if lies_in_runs(frame, step, RELEASE_ABOVE):
            return one_run(frame, step)
    return kernel_whole(frame, step, ALL_POINTS)


def kernel_whole(frame: int, step: int, rows: int) -> int:
    """rows: ALL_POINTS or ALL_ROWS."""
    copies = load64(frame + load64(step + KERNEL_STATE) + STATE_COPY)
    if copies != 0:
        slot = load64(step + KERNEL_OPERANDS) + load64(step + KERNEL_INPUTS) * SLOT_BYTES
        while copies != 0:
            if copies & 1:
                copy_array(
                    frame + load64(slot + SLOT_BUFFER),
                    frame + load64(slot + SLOT_SOURCE),
                    load64(slot + SLOT_NDIM),
                    load64(slot + SLOT_SIZE),
                )
            copies = copies >> 1
            slot += SLOT_BYTES
    return kernel_part(frame, step, 0, rows, 0, 0)


def bind_slot(frame: int, slot: int, extents: int, row: int, data: int, rows: int, start: int, count: int) -> int:
    """Fill in a slot's stride along every iteration axis and its address; 1 when memory is short.

    rows >= 0: only `count` points from `start` along this axis are of interest, see `kernel_part`.
    """
    role = load64(slot + SLOT_ROLE)
    ndim = load64(slot + SLOT_NDIM)
    axes = load64(slot + SLOT_AXES)
    buffer = frame + load64(slot + SLOT_BUFFER)
    dims = buffer + BUFFER_DIMS
    own = 0
    size = load64(slot + SLOT_TEMPORARY)
    if role == ROLE_COUNTER:
        own = 1
        size = 1
        dims = 0
    elif size != 0:
        own = 1
    stride = size
    d = ndim - 1
    while d >= 0:
        axis = load64(axes + d * 8)
        if axis >= 0:
            if own:
                store64(row + axis * 8, load64(row + axis * 8) + stride)
                stride = stride * load64(extents + axis * 8)
            else:
                store64(row + axis * 8, load64(row + axis * 8) + load64(dims + (ndim + d) * 8))
        d -= 1
    offset = 0
    if rows >= 0:
        offset = start * load64(row + rows * 8)
    if role == ROLE_COUNTER:
        store64(data, offset)
        return 0
    if own:
        memory = 0
        if rows >= 0:
            # parts run without the GIL
            memory = block_malloc(count * load64(row + rows * 8))
            stride = count * load64(row + rows * 8)
        else:
            memory = block_alloc(stride)
        if memory == 0:
            return 1
        store64(data, memory)
    else:
        store64(data, load64(buffer + BUFFER_DATA) + offset)
        if role != ROLE_ACCUMULATE:
            return 0
        size = load64(slot + SLOT_SIZE)
        stride = size
        d = 0
        while d < ndim:
            stride = stride * load64(dims + d * 8)
            d += 1
        if rows >= 0:
            stride = count * load64(row + rows * 8)
    fill(load64(data), load64(slot + SLOT_IDENTITY), stride // size, size)
    return 0


def kernel_loops(frame: int, step: int, mode: int) -> int:
    """All of a kernel. mode 1: only look whether computed positions are in range."""
    return kernel_part(frame, step, mode, ALL_POINTS, 0, 0)


def kernel_part(frame: int, step: int, mode: int, rows: int, start: int, count: int) -> int:
    """A kernel, or (rows >= 0) its part of `count` points from `start` along the iteration axis `rows`.

    A part takes the same decisions as the whole, so that results are equal to the last bit: only after the order of
    axes is settled does the axis become shorter. No result is reduced over it, and it is the slowest axis of every
    accumulator. rows == ALL_ROWS: all of a kernel, as its parts would do it.
    """
    state = frame + load64(step + KERNEL_STATE)
    extents = state + STATE_EXTENTS
    rank = load64(step + KERNEL_RANK)
    slots = load64(step + KERNEL_SLOTS)
    operands = load64(step + KERNEL_OPERANDS)
    store64(state + STATE_MODE, mode)
    total = 1
    axis = 0
    while axis < rank:
        total = total * load64(extents + axis * 8)
        axis += 1
    if total == 0 and load64(step + KERNEL_FLAGS) & CHECKED:
        if check_without_points(frame, step, rows, start, count):
            return 1
    if total == 0 and (mode == 1 or not (load64(step + KERNEL_FLAGS) & REDUCES)):
        return 0
    if total == 1 and not (load64(step + KERNEL_FLAGS) & (CHECKED | REDUCES | COUNTS)):
        return one_point(frame, step, state)
    wide = rank + 1
    tracked = slots
    if rows >= 0:
        tracked = slots + 1
    strides = stack(tracked * wide * 8)
    memset(strides, 0, tracked * wide * 8)
    if rows >= 0:
        # one more line of strides: it shows where the axis goes, and keeps it from being fused with others
        store64(strides + (slots * wide + rows) * 8, 1)
    shape = stack(wide * 8)
    data = stack(slots * 8)
    memset(data, 0, slots * 8)
    k = 0
    failed = 0
    while k < slots and not failed:
        slot = operands + k * SLOT_BYTES
        role = load64(slot + SLOT_ROLE)
        aside = mode == 1 and not (load64(slot + SLOT_FLAGS) & IN_POSITIONS)
        if role == ROLE_NONE or (aside and role != ROLE_RAW):
            store64(data + k * 8, state)
        elif bind_slot(frame, slot, extents, strides + k * wide * 8, data + k * 8, rows, start, count):
            failed = fail(frame, E_MEMORY, 0, 0, 0, 0)
        elif aside:
            memset(strides + k * wide * 8, 0, wide * 8)
        k += 1
    if total > 0 and not failed:
        axes = settle_axes(step, state, shape, strides, wide, tracked, data, rows)
        if rows >= 0:
            axis = 0
            while load64(strides + (slots * wide + axis) * 8) == 0:
                axis += 1
            total = total // load64(shape + axis * 8) * count
            store64(shape + axis * 8, count)
        store64(BUDGET, load64(BUDGET) - (total >> 10))
        failed = walk_all(frame, step, state, shape, strides, wide, axes, data, total, rows)
        if failed and load64(frame + FRAME_CODE) == 0:
            error = state + STATE_ERROR
            failed = fail(frame, E_INDEX, load64(error), load64(error + 8), load64(error + 16), load64(error + 24))
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        if mode == 0 and load64(slot + SLOT_TEMPORARY) != 0 and load64(data + k * 8) != 0:
            finish_slot(frame, slot, load64(data + k * 8), failed, rows, start, count)
        k += 1
    return failed


def settle_axes(step: int, state: int, shape: int, strides: int, wide: int, tracked: int, data: int, rows: int) -> int:
    """Settle the order of a kernel's axes, and fuse them. Returns how many there are.

    Where rows >= 0, there is a line of strides more than slots, as in `kernel_part`.
    """
    rank = load64(step + KERNEL_RANK)
    slots = load64(step + KERNEL_SLOTS)
    operands = load64(step + KERNEL_OPERANDS)
    memcpy(shape, state + STATE_EXTENTS, rank * 8)
    if load64(state + STATE_MODE) == 1:
        drop_still_axes(shape, strides, wide, slots, rank)
    if not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
        sort_axes(shape, strides, wide, rank, slots, tracked, operands, state)
        if load64(step + KERNEL_FLAGS) & REDUCES and not (load64(step + KERNEL_FLAGS) & (CHECKED | COUNTS)):
            turn_round(shape, strides, wide, slots, tracked, rank, data)
    best = -1
    before = stack(wide * 8 + tracked * wide * 8)
    if rows >= 0:
        memcpy(before, shape, wide * 8)
        memcpy(before + wide * 8, strides, tracked * wide * 8)
    axes = fuse_axes(shape, strides, wide, tracked, rank)
    flags = load64(step + KERNEL_FLAGS)
    if axes == 0:
        store64(shape, 1)
        k = 0
        while k < slots:
            store64(strides + k * wide * 8, 0)
            k += 1
        axes = 1
    elif axes > 1 and not (flags & KEEP_ORDER):
        if rows >= 0 and flags & REDUCES:
            best = longer_axis_of_whole(before, before + wide * 8, wide, slots, rank, shape, flags)
        else:
            direct = flags & MASKS and lies_ready(strides, wide, slots, axes - 1, operands)
            if flags & REDUCES or not joins_when_turned(shape, strides, wide, slots, axes, operands):
                best = longer_axis(shape, axes, flags, direct)
        widen(shape, strides, wide, tracked, axes, best)
    return axes


def walk_all(
    frame: int, step: int, state: int, shape: int, strides: int, wide: int, axes: int, data: int, total: int, rows: int
) -> int:
    """Walk a kernel's axes, in pieces if there is much to do; without the GIL if there is something to do."""
    if rows < 0 and load64(state + STATE_MODE) == 0 and total > DIVIDED_ABOVE // load64(step + KERNEL_COST):
        if not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
            # one thread divides reductions, too, lest results depend on the number of threads
            if load64(THREADS) > 1 or (load64(step + KERNEL_FLAGS) & REDUCES and rows == ALL_POINTS):
                divide = division(frame, DIVIDE_WALK)
                if divide == 0:
                    return 1
                apart = rows == ALL_POINTS
                here = address_of(walk)
                return invoke(divide, frame, step, state, shape, strides, wide, axes, data, total, here, apart)
    thread = 0
    if load64(frame + FRAME_MAY_RELEASE) and total > RELEASE_ABOVE // load64(step + KERNEL_COST):
        thread = PyEval_SaveThread()
    failed = walk(step, state, shape, strides, wide, axes, data)
    if thread != 0:
        PyEval_RestoreThread(thread)
    return failed


def division(frame: int, which: int) -> int:
    """The address of a function that divides work: they are compiled when one is first asked for; 0: failed."""
    if load64(DIVISION) == 0:
        Py_DecRef(PyObject_Vectorcall(LOAD_DIVISION, 0, 0, 0))
        if PyErr_Occurred() != 0:
            fail(frame, E_PYTHON, 0, 0, 0, 0)
            return 0
    return load64(DIVISION + which)


def one_point(frame: int, step: int, state: int) -> int:
    """A kernel of loads and stores over a single point: nothing to sort or walk."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    slot = load64(step + KERNEL_OPERANDS)
    calls = stack(slots * 8)
    steps = stack(slots * 8)
    store64(state + STATE_RUNS, 1)
    k = 0
    if load64(step + KERNEL_FLAGS) & MASKS:
        while k < slots:
            store64(calls + k * 8, load64(frame + load64(slot + SLOT_BUFFER)))
            store64(steps + k * 8, 0)
            slot += SLOT_BYTES
            k += 1
        return invoke(load64(step + KERNEL_CODE), calls, steps, 0, 1, state)
    side = lanes * 16  # of complex128
    room = stack(slots * side)
    while k < slots:
        store64(calls + k * 8, room + k * side)
        store64(steps + k * 8, 0)
        if load64(slot + SLOT_ROLE) == ROLE_IN:
            spread(room + k * side, load64(frame + load64(slot + SLOT_BUFFER)), lanes, load64(slot + SLOT_SIZE))
        slot += SLOT_BYTES
        k += 1
    invoke(load64(step + KERNEL_CODE), calls, steps, 0, 1, state)
    k = load64(step + KERNEL_INPUTS)
    slot = load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES
    while k < slots:
        target = load64(frame + load64(slot + SLOT_BUFFER))
        copy_items(target, 0, room + k * side, 0, 1, load64(slot + SLOT_SIZE))
        slot += SLOT_BYTES
        k += 1
    return 0


def finish_slot(frame: int, slot: int, data: int, failed: int, rows: int, start: int, count: int) -> int:
    """Cast a temporary accumulator to its output and free it. rows >= 0: for a part of a kernel."""
    if load64(slot + SLOT_FINISH) != 0 and not failed:
        buffer = frame + load64(slot + SLOT_BUFFER)
        size = 1
        d = 0
        while d < load64(slot + SLOT_NDIM):
            n = load64(buffer + BUFFER_DIMS + d * 8)
            if rows >= 0 and load64(load64(slot + SLOT_AXES) + d * 8) == rows:
                n = count
            size = size * n
            d += 1
        target = load64(buffer)
        if rows >= 0:
            target += start * (size // count) * load64(slot + SLOT_SIZE)
        invoke(load64(slot + SLOT_FINISH), data, target, size)
    return block_free(data)


def free_run(frame: int, step: int) -> int:
    """FreeStep: the record holds a count and the buffers."""
    count = load64(step + 16)
    i = 0
    while i < count:
        release(frame + load64(step + 24 + i * 8))
        i += 1
    return 0
