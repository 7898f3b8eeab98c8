"""The run-time system, second part: running kernels over arrays of any shape and strides.

Written in the language of `runtime_language.py`. The code of a kernel (`kernel_code.py`) handles a run of whole
vectors, contiguous in every operand. What is here brings every case to that one:

* axes are sorted by stride, axes of length one dropped, neighbouring axes that walk memory evenly are fused;
* an operand which stands still along the innermost axis is spread into one vector;
* an operand with another stride is packed into a contiguous buffer, a chunk at a time (and unpacked after);
* the last, incomplete vector of a run goes through the same instructions under a mask, or on padded copies.

So all elements go through the same instructions, wherever they lie.
"""

# ruff: noqa: F821, SIM102, SIM109
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_EMPTY,
    E_INDEX,
    E_MEMORY,
    E_NEGATIVE,
    E_SHAPE,
    FRAME_IN_COMMIT,
    FRAME_MAY_RELEASE,
    allocate,
    block_alloc,
    block_free,
    block_malloc,
    copy_array,
    copy_items,
    exclusive,
    fail,
    release,
)
from theano.backends.native.runtime_language import (
    invoke,
    load8,
    load16,
    load32,
    load64,
    prefetch,
    stack,
    store8,
    store16,
    store32,
    store64,
)

# a kernel step's record
KERNEL_RANK = 16
KERNEL_SLOTS = 24
KERNEL_INPUTS = 32
KERNEL_OUTPUTS = 40
KERNEL_CODE = 48
KERNEL_LANES = 56
KERNEL_FLAGS = 64
KERNEL_COST = 72  # picoseconds for an element, a guess
KERNEL_STATE = 80  # where the step's state lies in the frame
KERNEL_EXTENTS = 88
KERNEL_OPERANDS = 96
KERNEL_ROWS = 104  # of the last kernel of a group of rows: the group's table, see `runtime_rows.py`
KERNEL_BYTES = 112

KEEP_ORDER = 1  # a scatter: points are visited in C order
CHECKED = 2  # positions are computed: they may be out of range
REDUCES = 4
COUNTS = 8  # some slot is a counter
MASKS = 16  # the code does not touch memory beyond the active lanes
JOINS = 32  # the code can take several runs at once, see STATE_JOINED

# one slot of a kernel: an operand, an accumulator or a counter
SLOT_ROLE = 0
SLOT_BUFFER = 8
SLOT_SIZE = 16
SLOT_NDIM = 24
SLOT_AXES = 32
SLOT_STATE = 40  # where lengths and strides of computed axes go in the state
SLOT_SOURCE = 48  # the buffer which an output takes over or starts as a copy of; 0: none
SLOT_GUARD = 56  # see `exclusive`
SLOT_IDENTITY = 64  # bits of a reduction's neutral element
SLOT_TEMPORARY = 72  # element size of an accumulator which is not the output itself; 0: it is
SLOT_FINISH = 80  # code which casts the accumulator to the output; 0: none
SLOT_FLAGS = 88
SLOT_BYTES = 96

ROLE_NONE = 0
ROLE_IN = 1
ROLE_OUT = 2
ROLE_ACCUMULATE = 3
ROLE_RAW = 4  # addresses are computed: gather, scatter
ROLE_COUNTER = 5  # a position along axes, no memory

TAKES_OVER = 1  # SLOT_SOURCE is taken over where possible, else copied
NEEDS_CONTENT = 2  # the output starts with the content of SLOT_SOURCE
NOT_EMPTY = 4  # reduction without a neutral element

# the state: what the kernel's code is told besides addresses
STATE_MODE = 0  # 1: check positions only, write nothing
STATE_FLAT = 8  # 1: every accumulator stands still along the innermost axis
STATE_ERROR = 16  # value, length, operand, axis of a position out of range
STATE_COPY = 48  # bit k: output k must be filled from its source before the run
STATE_JOINED = 56  # not 0: take JOINED runs at once; here is how far they lie apart, for each slot
STATE_EXTENTS = 64

MODE_DIRECT = 0
MODE_SPLAT = 1
MODE_PACK = 2
MODE_STILL = 3
MODE_RAW = 4

# a block of an operand that lies across: at most so many rows of so many elements
TURNED_ROWS = 1024
TURNED_COLUMNS = 16

# Runs that go into the same row of accumulators are taken so many at a time: it is read and written once for them.
JOINED = 4

RELEASE_ABOVE = 20000000  # picoseconds of work for which the GIL is released


def dimension(frame: int, entry: int) -> int:
    """A run-time integer: entry is (kind, x, y); 1: the number x; 2: the 0-d buffer x of type y; 3: the word at x;
    4: the sum of the y entries at x."""
    kind = load64(entry)
    x = load64(entry + 8)
    if kind == 1:
        return x
    if kind == 3:
        return load64(frame + x)
    if kind == 4:
        total = 0
        end = x + load64(entry + 16) * 24
        while x < end:
            total += dimension(frame, x)
            x += 24
        return total
    data = load64(frame + x)
    size = load64(entry + 16)
    if size == 8:
        return load64(data)
    if size == 4:
        return load32(data)
    if size == -4:
        return load32(data) & 4294967295
    if size == 2:
        return (load16(data) ^ 32768) - 32768
    if size == -2:
        return load16(data)
    if size == 1:
        return (load8(data) ^ 128) - 128
    return load8(data)


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
        if prepare_output(frame, state, slot, k):
            return 1
        slot += SLOT_BYTES
        k += 1
    if load64(frame + FRAME_IN_COMMIT) and load64(step + KERNEL_FLAGS) & CHECKED:
        return kernel_loops(frame, step, 1)
    return 0


def match_axes(frame: int, state: int, slot: int, buffer: int, number: int) -> int:
    ndim = load64(slot + SLOT_NDIM)
    axes = load64(slot + SLOT_AXES)
    found = state + load64(slot + SLOT_STATE)
    d = 0
    while d < ndim:
        axis = load64(axes + d * 8)
        n = load64(buffer + BUFFER_DIMS + d * 8)
        if axis >= 0:
            known = load64(state + STATE_EXTENTS + axis * 8)
            if known == -1:
                store64(state + STATE_EXTENTS + axis * 8, n)
            elif known != n:
                return fail(frame, E_SHAPE, axis, known, n, number)
        elif axis == -1:
            if n != 1:
                return fail(frame, E_SHAPE, -1, 1, n, number)
        else:
            store64(found, n)
            store64(found + 8, load64(buffer + BUFFER_DIMS + (ndim + d) * 8))
            found += 16
        d += 1
    return 0


def check_empty(frame: int, step: int, extents: int) -> int:
    """max and kin of nothing are errors, unless there is no result to give."""
    rank = load64(step + KERNEL_RANK)
    slot = load64(step + KERNEL_OPERANDS) + load64(step + KERNEL_INPUTS) * SLOT_BYTES
    outputs = load64(step + KERNEL_OUTPUTS)
    k = 0
    while k < outputs:
        if load64(slot + SLOT_FLAGS) & NOT_EMPTY:
            empty = 0
            axis = 0
            while axis < rank:
                if load64(extents + axis * 8) == 0:
                    empty = 1
                axis += 1
            d = 0
            while d < load64(slot + SLOT_NDIM):
                axis = load64(load64(slot + SLOT_AXES) + d * 8)
                if axis >= 0 and load64(extents + axis * 8) == 0:
                    empty = 0
                d += 1
            if empty:
                return fail(frame, E_EMPTY, k, 0, 0, 0)
        slot += SLOT_BYTES
        k += 1
    return 0


def prepare_output(frame: int, state: int, slot: int, number: int) -> int:
    buffer = frame + load64(slot + SLOT_BUFFER)
    ndim = load64(slot + SLOT_NDIM)
    flags = load64(slot + SLOT_FLAGS)
    source = 0
    if load64(slot + SLOT_SOURCE) != 0:
        source = frame + load64(slot + SLOT_SOURCE)
    if flags & TAKES_OVER and exclusive(frame, source, load64(slot + SLOT_GUARD), ndim):
        memcpy(buffer, source, BUFFER_DIMS + ndim * 16)
        store64(source + BUFFER_OWNER, 0)
    else:
        d = 0
        while d < ndim:
            axis = load64(load64(slot + SLOT_AXES) + d * 8)
            n = 1
            if axis >= 0:
                n = load64(state + STATE_EXTENTS + axis * 8)
            elif axis == -2:
                n = load64(source + BUFFER_DIMS + d * 8)
            store64(buffer + BUFFER_DIMS + d * 8, n)
            d += 1
        if allocate(frame, buffer, ndim, load64(slot + SLOT_SIZE)):
            return 1
        if flags & NEEDS_CONTENT:
            store64(state + STATE_COPY, load64(state + STATE_COPY) | (1 << number))
    if load64(slot + SLOT_ROLE) == ROLE_RAW:
        # lengths and strides of the computed axes, as the output has them
        return match_axes(frame, state, slot, buffer, number)
    return 0


def kernel_run(frame: int, step: int) -> int:
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
    return kernel_loops(frame, step, 0)


def fill(target: int, bits: int, count: int, size: int) -> int:
    if size == 8:
        while count > 0:
            count -= 1
            store64(target + count * 8, bits)
    elif size == 4:
        while count > 0:
            count -= 1
            store32(target + count * 4, bits)
    elif size == 2:
        while count > 0:
            count -= 1
            store16(target + count * 2, bits)
    else:
        memset(target, bits, count)
    return 0


def spread(target: int, source: int, count: int, size: int) -> int:
    """One element, `count` times."""
    if size == 8:
        return fill(target, load64(source), count, 8)
    if size == 4:
        return fill(target, load32(source), count, 4)
    if size == 2:
        return fill(target, load16(source), count, 2)
    return fill(target, load8(source), count, 1)


def magnitude(a: int) -> int:
    if a < 0:
        return -a
    return a


def bind_slot(
    frame: int, slot: int, extents: int, row: int, data: int, rows: int, start: int, count: int
) -> int:
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


def sort_axes(shape: int, strides: int, wide: int, rank: int, slots: int, tracked: int, operands: int) -> int:
    """Largest strides first: a stable insertion sort over the sums of the strides of what lies in memory.

    The first `slots` of the `tracked` lines of strides are those of slots.
    """
    key = stack(wide * 8)
    axis = 0
    while axis < rank:
        total = 0
        k = 0
        while k < slots:
            if load64(operands + k * SLOT_BYTES + SLOT_ROLE) != ROLE_COUNTER:
                total += magnitude(load64(strides + (k * wide + axis) * 8))
            k += 1
        store64(key + axis * 8, total)
        axis += 1
    axis = 1
    while axis < rank:
        b = axis
        while b > 0 and load64(key + (b - 1) * 8) < load64(key + b * 8):
            swap_axes(key, shape, strides, wide, tracked, b - 1, b)
            b -= 1
        axis += 1
    return 0


def swap_axes(key: int, shape: int, strides: int, rank: int, slots: int, a: int, b: int) -> int:
    swap(key + a * 8, key + b * 8)
    swap(shape + a * 8, shape + b * 8)
    k = 0
    while k < slots:
        swap(strides + (k * rank + a) * 8, strides + (k * rank + b) * 8)
        k += 1
    return 0


def swap(a: int, b: int) -> int:
    x = load64(a)
    store64(a, load64(b))
    store64(b, x)
    return 0


def fuse_axes(shape: int, strides: int, rank: int, slots: int, count: int) -> int:
    """Drop axes of length one and fuse neighbours that walk evenly. Returns how many axes remain; row length stays."""
    kept = 0
    axis = 0
    while axis < count:
        n = load64(shape + axis * 8)
        if n != 1:
            fused = 0
            if kept > 0:
                fused = 1
                k = 0
                while k < slots:
                    row = strides + k * rank * 8
                    if load64(row + (kept - 1) * 8) != load64(row + axis * 8) * n:
                        fused = 0
                        break
                    k += 1
            if fused:
                kept -= 1
                n = n * load64(shape + kept * 8)
            store64(shape + kept * 8, n)
            k = 0
            while k < slots:
                store64(strides + (k * rank + kept) * 8, load64(strides + (k * rank + axis) * 8))
                k += 1
            kept += 1
        axis += 1
    return kept


def kernel_loops(frame: int, step: int, mode: int) -> int:
    """All of a kernel. mode 1: only look whether computed positions are in range."""
    return kernel_part(frame, step, mode, -1, 0, 0)


def kernel_part(frame: int, step: int, mode: int, rows: int, start: int, count: int) -> int:
    """A kernel, or (rows >= 0) its part of `count` points from `start` along the iteration axis `rows`.

    A part takes the same decisions as the whole, so that results are equal to the last bit: only after the order of
    axes is settled does the axis become shorter. No result is reduced over it, and it is the slowest axis of every
    accumulator.
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
        if role == ROLE_NONE or (mode == 1 and (role == ROLE_OUT or role == ROLE_ACCUMULATE)):
            store64(data + k * 8, state)
        elif bind_slot(frame, slot, extents, strides + k * wide * 8, data + k * 8, rows, start, count):
            failed = fail(frame, E_MEMORY, 0, 0, 0, 0)
        k += 1
    if total > 0 and not failed:
        memcpy(shape, extents, rank * 8)
        if not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
            sort_axes(shape, strides, wide, rank, slots, tracked, operands)
        best = -1
        before = stack(wide * 8 + tracked * wide * 8)
        if rows >= 0:
            memcpy(before, shape, wide * 8)
            memcpy(before + wide * 8, strides, tracked * wide * 8)
        axes = fuse_axes(shape, strides, wide, tracked, rank)
        reduces = load64(step + KERNEL_FLAGS) & REDUCES
        if axes == 0:
            store64(shape, 1)
            k = 0
            while k < slots:
                store64(strides + k * wide * 8, 0)
                k += 1
            axes = 1
        elif axes > 1 and not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
            if rows >= 0 and reduces:
                best = longer_axis_of_whole(before, before + wide * 8, wide, slots, rank, shape, reduces)
            else:
                best = longer_axis(shape, axes, reduces)
            widen(shape, strides, wide, tracked, axes, best)
        if rows >= 0:
            axis = 0
            while load64(strides + (slots * wide + axis) * 8) == 0:
                axis += 1
            total = total // load64(shape + axis * 8) * count
            store64(shape + axis * 8, count)
        store64(BUDGET, load64(BUDGET) - (total >> 10))
        thread = 0
        if load64(frame + FRAME_MAY_RELEASE) and total > RELEASE_ABOVE // load64(step + KERNEL_COST):
            thread = PyEval_SaveThread()
        failed = walk(step, state, shape, strides, wide, axes, data)
        if thread != 0:
            PyEval_RestoreThread(thread)
        if failed:
            error = state + STATE_ERROR
            failed = fail(frame, E_INDEX, load64(error), load64(error + 8), load64(error + 16), load64(error + 24))
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        if mode == 0 and load64(slot + SLOT_TEMPORARY) != 0 and load64(data + k * 8) != 0:
            finish_slot(frame, slot, load64(data + k * 8), failed, rows, start, count)
        k += 1
    return failed


def one_point(frame: int, step: int, state: int) -> int:
    """A kernel of loads and stores over a single point: nothing to sort or walk."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    slot = load64(step + KERNEL_OPERANDS)
    calls = stack(slots * 8)
    steps = stack(slots * 8)
    k = 0
    if load64(step + KERNEL_FLAGS) & MASKS:
        while k < slots:
            store64(calls + k * 8, load64(frame + load64(slot + SLOT_BUFFER)))
            store64(steps + k * 8, 0)
            slot += SLOT_BYTES
            k += 1
        return invoke(load64(step + KERNEL_CODE), calls, steps, 0, 1, state)
    room = stack(slots * 64)
    while k < slots:
        store64(calls + k * 8, room + k * 64)
        store64(steps + k * 8, 0)
        if load64(slot + SLOT_ROLE) == ROLE_IN:
            spread(room + k * 64, load64(frame + load64(slot + SLOT_BUFFER)), lanes, load64(slot + SLOT_SIZE))
        slot += SLOT_BYTES
        k += 1
    invoke(load64(step + KERNEL_CODE), calls, steps, 0, 1, state)
    k = load64(step + KERNEL_INPUTS)
    slot = load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES
    while k < slots:
        target = load64(frame + load64(slot + SLOT_BUFFER))
        copy_items(target, 0, room + k * 64, 0, 1, load64(slot + SLOT_SIZE))
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


def longer_axis(shape: int, count: int, reduces: int) -> int:
    """Which axis to walk innermost instead of the last one, where that is short and another is long; -1: none."""
    last = count - 1
    short = 16
    if reduces:
        short = 32
    if count < 2 or load64(shape + last * 8) >= short:
        return -1
    best = last
    axis = 0
    while axis < last:
        if load64(shape + axis * 8) > load64(shape + best * 8):
            best = axis
        axis += 1
    if best == last or load64(shape + best * 8) < 4 * load64(shape + last * 8):
        return -1
    return best


def widen(shape: int, strides: int, wide: int, slots: int, count: int, best: int) -> int:
    """Make axis `best` the innermost one: fewer, longer runs. -1: leave all as it is."""
    if best < 0:
        return 0
    last = count - 1
    swap(shape + best * 8, shape + last * 8)
    k = 0
    while k < slots:
        swap(strides + (k * wide + best) * 8, strides + (k * wide + last) * 8)
        k += 1
    return 0


def longer_axis_of_whole(shape: int, strides: int, wide: int, slots: int, rank: int, fused: int, reduces: int) -> int:
    """What `longer_axis` says of the axes as they are fused when all of a kernel runs.

    shape and strides are those before fusing; fused is the shape in which one axis was kept apart: the answer is one
    of its axes.
    """
    own_shape = stack(wide * 8)
    own_strides = stack(slots * wide * 8)
    memcpy(own_shape, shape, wide * 8)
    memcpy(own_strides, strides, slots * wide * 8)
    best = longer_axis(own_shape, fuse_axes(own_shape, own_strides, wide, slots, rank), reduces)
    if best < 0:
        return best
    # find the last part of that axis
    part = 0
    axis = 0
    while axis <= best:
        n = load64(own_shape + axis * 8)
        while n > 1:
            n = n // load64(fused + part * 8)
            part += 1
        axis += 1
    return part - 1


def walk(step: int, state: int, shape: int, strides: int, wide: int, count: int, data: int) -> int:
    """Visit every run along the innermost axis. 1: a position was out of range."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    operands = load64(step + KERNEL_OPERANDS)
    last = count - 1
    n = load64(shape + last * 8)
    # per slot: mode, stride in the run, element size, role, room for a vector, what that is spread from, room for
    # packing, 1: it is turned
    table = stack(slots * 64)
    steps = stack(slots * 8)
    calls = stack(slots * 8)
    tails = stack(slots * 8)
    room = stack(slots * 128 + 64)
    packed = 0
    far = 0
    flat = 1
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        entry = table + k * 64
        role = load64(slot + SLOT_ROLE)
        s = load64(strides + (k * wide + last) * 8)
        size = load64(slot + SLOT_SIZE)
        if load64(slot + SLOT_TEMPORARY) != 0:
            size = load64(slot + SLOT_TEMPORARY)
        way = MODE_DIRECT
        advance = lanes * size
        if role == ROLE_RAW or role == ROLE_COUNTER:
            way = MODE_RAW
            advance = s
        elif role == ROLE_NONE or (role == ROLE_ACCUMULATE and s == 0):
            way = MODE_STILL
            advance = 0
        elif role == ROLE_IN and s == 0:
            way = MODE_SPLAT
            advance = 0
        elif s != size and n > 1:
            way = MODE_PACK
            packed += 1
            if magnitude(s) >= 64:
                far = 1
        if role == ROLE_ACCUMULATE and s != 0:
            flat = 0
        store64(entry, way)
        store64(entry + 8, s)
        store64(entry + 16, size)
        store64(entry + 24, role)
        store64(entry + 32, room + k * 128)
        store64(entry + 40, 0)
        store64(entry + 56, 0)
        if load64(state + STATE_MODE) == 1 and (role == ROLE_OUT or role == ROLE_ACCUMULATE):
            # nothing is written while positions are checked: the code's stores go to a place that nobody reads
            store64(entry, MODE_STILL)
            store64(entry + 24, ROLE_NONE)
            store64(data + k * 8, room + k * 128)
            advance = 0
        store64(steps + k * 8, advance)
        k += 1
    store64(state + STATE_FLAT, flat)
    store64(state + STATE_JOINED, 0)
    chunk = n
    if packed > 0:
        # 32 kB of buffers at most, so that they stay in the first cache
        vectors = 512 // packed
        if vectors > 64:
            vectors = 64
        if vectors < 1:
            vectors = 1
        if vectors * lanes < n:
            chunk = vectors * lanes
        packs = stack((packed * vectors + 1) * 64)
        k = 0
        while k < slots:
            entry = table + k * 64
            if load64(entry) == MODE_PACK:
                store64(entry + 48, packs)
                packs += vectors * 64
            k += 1
    tile = n
    if far and count > 1 and not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
        pitch = TURNED_ROWS
        if n < pitch:
            pitch = n
        # whole cache lines and one more, lest all columns compete for the same places in the cache
        pitch = (pitch * 8 + 127) & -64
        rooms = malloc(packed * TURNED_COLUMNS * pitch)
        if rooms != 0:
            across = turn_operands(slots, strides, wide, last, table, steps, lanes, rooms, pitch)
            failed = 0
            if across >= 0:
                failed = walk_turned(
                    step, state, shape, strides, wide, last, data, table, steps, calls, tails, chunk, across, pitch
                )
            free(rooms)
            if across >= 0:
                return failed
        # An operand crosses memory in long strides: a cache line of it holds what the next runs need. Short pieces of
        # many runs use it while it is there.
        tile = 512
    index = stack(count * 8)
    memset(index, 0, count * 8)
    joined = 0
    if flat == 0 and packed == 0 and last > 0 and load64(step + KERNEL_FLAGS) & JOINS:
        joined = stack(slots * 8)
        if not joins(slots, strides, wide, last - 1, table, joined):
            joined = 0
    base = 0
    while base < n:
        length = n - base
        if length > tile:
            length = tile
        if walk_runs(
            step, state, shape, strides, wide, last, data, table, steps, calls, tails, length, chunk, index, joined
        ):
            return 1
        k = 0
        while k < slots:
            store64(data + k * 8, load64(data + k * 8) + length * load64(table + k * 64 + 8))
            k += 1
        base += length
    # the caller frees what these addresses started as
    k = 0
    while k < slots:
        store64(data + k * 8, load64(data + k * 8) - n * load64(table + k * 64 + 8))
        k += 1
    return 0


def turn_operands(
    slots: int, strides: int, wide: int, last: int, table: int, steps: int, lanes: int, rooms: int, pitch: int
) -> int:
    """Find an outer axis along which operands that cross memory lie contiguously; -1: there is none.

    Such operands are marked, and get a part of `rooms` each.
    """
    across = -1
    k = 0
    while k < slots:
        entry = table + k * 64
        size = load64(entry + 16)
        fits = load64(entry) == MODE_PACK and load64(entry + 24) == ROLE_IN and magnitude(load64(entry + 8)) >= 64
        if fits and (size == 8 or size == 4):
            axis = across
            if across < 0:
                axis = last - 1
                while axis >= 0 and load64(strides + (k * wide + axis) * 8) != size:
                    axis -= 1
            if axis >= 0 and load64(strides + (k * wide + axis) * 8) == size:
                across = axis
                store64(entry, MODE_DIRECT)
                store64(entry + 48, rooms)
                store64(entry + 56, 1)
                rooms += TURNED_COLUMNS * pitch
                store64(steps + k * 8, lanes * size)
        k += 1
    return across


def walk_turned(
    step: int,
    state: int,
    shape: int,
    strides: int,
    wide: int,
    last: int,
    data: int,
    table: int,
    steps: int,
    calls: int,
    tails: int,
    chunk: int,
    across: int,
    pitch: int,
) -> int:
    """`walk_runs` where some operands are contiguous along the outer axis `across`.

    Of these a block is read line by line, written across into a buffer, and read from there, so that every cache line
    of them is fetched once.
    """
    slots = load64(step + KERNEL_SLOTS)
    n = load64(shape + last * 8)
    m = load64(shape + across * 8)
    place = stack(slots * 8)
    index = stack(last * 8 + 8)
    memset(index, 0, last * 8)
    while 1:
        base = 0
        while base < n:
            length = n - base
            if length > TURNED_ROWS:
                length = TURNED_ROWS
            column = 0
            while column < m:
                width = m - column
                if width > TURNED_COLUMNS:
                    width = TURNED_COLUMNS
                k = 0
                while k < slots:
                    entry = table + k * 64
                    along = load64(strides + (k * wide + across) * 8)
                    at = load64(data + k * 8) + base * load64(entry + 8) + column * along
                    if load64(entry + 56):
                        turn(load64(entry + 48), at, load64(entry + 8), length, width, load64(entry + 16), pitch)
                        at = load64(entry + 48)
                    store64(place + k * 8, at)
                    k += 1
                j = 0
                while j < width:
                    if run(step, state, place, table, steps, calls, tails, length, chunk):
                        return 1
                    k = 0
                    while k < slots:
                        along = load64(strides + (k * wide + across) * 8)
                        if load64(table + k * 64 + 56):
                            along = pitch
                        store64(place + k * 8, load64(place + k * 8) + along)
                        k += 1
                    j += 1
                column += width
            base += length
        axis = last - 1
        while axis >= 0:
            if axis != across:
                i = load64(index + axis * 8) + 1
                k = 0
                while k < slots:
                    store64(data + k * 8, load64(data + k * 8) + load64(strides + (k * wide + axis) * 8))
                    k += 1
                if i < load64(shape + axis * 8):
                    store64(index + axis * 8, i)
                    break
                k = 0
                while k < slots:
                    store64(data + k * 8, load64(data + k * 8) - i * load64(strides + (k * wide + axis) * 8))
                    k += 1
                store64(index + axis * 8, 0)
            axis -= 1
        if axis < 0:
            return 0
    return 0


def turn(target: int, source: int, step: int, count: int, width: int, size: int, pitch: int) -> int:
    """`count` rows of `width` elements, `step` bytes apart, become columns: rows of `target`, `pitch` bytes apart.

    Rows lie far apart, so that the machine does not foresee what is read: the next block's lines are asked for here.
    """
    end = target + count * size
    pitch2 = pitch * 2
    pitch3 = pitch * 3
    pitch4 = pitch * 4
    pitch5 = pitch * 5
    pitch6 = pitch * 6
    pitch7 = pitch * 7
    if size == 8:
        while width >= 8:
            to = target
            at = source
            while to < end:
                prefetch(at + TURNED_COLUMNS * 8)
                store64(to, load64(at))
                store64(to + pitch, load64(at + 8))
                store64(to + pitch2, load64(at + 16))
                store64(to + pitch3, load64(at + 24))
                store64(to + pitch4, load64(at + 32))
                store64(to + pitch5, load64(at + 40))
                store64(to + pitch6, load64(at + 48))
                store64(to + pitch7, load64(at + 56))
                to += 8
                at += step
            target += pitch * 8
            end += pitch * 8
            source += 64
            width -= 8
    else:
        while width >= 8:
            to = target
            at = source
            while to < end:
                prefetch(at + TURNED_COLUMNS * 8)
                store32(to, load32(at))
                store32(to + pitch, load32(at + 4))
                store32(to + pitch2, load32(at + 8))
                store32(to + pitch3, load32(at + 12))
                store32(to + pitch4, load32(at + 16))
                store32(to + pitch5, load32(at + 20))
                store32(to + pitch6, load32(at + 24))
                store32(to + pitch7, load32(at + 28))
                to += 4
                at += step
            target += pitch * 8
            end += pitch * 8
            source += 32
            width -= 8
    while width > 0:
        copy_items(target, size, source, step, count, size)
        target += pitch
        source += size
        width -= 1
    return 0


def joins(slots: int, strides: int, wide: int, axis: int, table: int, joined: int) -> int:
    """Do runs along `axis` go into the same accumulators? Then `joined` gets how far apart they lie."""
    k = 0
    while k < slots:
        stride = load64(strides + (k * wide + axis) * 8)
        way = load64(table + k * 64)
        role = load64(table + k * 64 + 24)
        if stride != 0 and (role != ROLE_IN or way != MODE_DIRECT):
            return 0
        store64(joined + k * 8, stride)
        k += 1
    return 1


def walk_runs(
    step: int,
    state: int,
    shape: int,
    strides: int,
    wide: int,
    last: int,
    data: int,
    table: int,
    steps: int,
    calls: int,
    tails: int,
    n: int,
    chunk: int,
    index: int,
    joined: int,
) -> int:
    """Runs of n points at every position of the outer axes; afterwards `data` is as before."""
    slots = load64(step + KERNEL_SLOTS)
    while 1:
        taken = 1
        if joined and load64(index + (last - 1) * 8) + JOINED <= load64(shape + (last - 1) * 8):
            taken = JOINED
            store64(state + STATE_JOINED, joined)
        else:
            store64(state + STATE_JOINED, 0)
        if run(step, state, data, table, steps, calls, tails, n, chunk):
            return 1
        axis = last - 1
        while axis >= 0:
            i = load64(index + axis * 8) + taken
            k = 0
            while k < slots:
                store64(data + k * 8, load64(data + k * 8) + taken * load64(strides + (k * wide + axis) * 8))
                k += 1
            taken = 1
            if i < load64(shape + axis * 8):
                store64(index + axis * 8, i)
                break
            k = 0
            while k < slots:
                store64(data + k * 8, load64(data + k * 8) - i * load64(strides + (k * wide + axis) * 8))
                k += 1
            store64(index + axis * 8, 0)
            axis -= 1
        if axis < 0:
            return 0
    return 0


def run(step: int, state: int, data: int, table: int, steps: int, calls: int, tails: int, n: int, chunk: int) -> int:
    """One run of n points. Where the code cannot mask, what is left over from whole vectors runs on padded copies."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    code = load64(step + KERNEL_CODE)
    masks = load64(step + KERNEL_FLAGS) & MASKS
    done = 0
    while done < n:
        count = n - done
        if count > chunk:
            count = chunk
        full = count // lanes
        last = count - full * lanes
        rest = last
        if masks:
            rest = 0
        k = 0
        while k < slots:
            entry = table + k * 64
            way = load64(entry)
            address = load64(data + k * 8)
            s = load64(entry + 8)
            size = load64(entry + 16)
            if way == MODE_DIRECT:
                address += done * size
                if rest:
                    room = load64(entry + 32)
                    if load64(entry + 24) != ROLE_OUT:
                        pad(room, address + full * lanes * size, size, rest, lanes, size)
                    store64(tails + k * 8, room)
            elif way == MODE_SPLAT:
                room = load64(entry + 32) + 64
                if load64(entry + 40) != address:
                    store64(entry + 40, address)
                    spread(room, address, lanes, size)
                address = room
                store64(tails + k * 8, room)
            elif way == MODE_PACK:
                room = load64(entry + 48)
                if load64(entry + 24) != ROLE_OUT:
                    pad(room, address + done * s, s, count, (count + lanes - 1) // lanes * lanes, size)
                address = room
                store64(tails + k * 8, room + full * lanes * size)
            elif way == MODE_RAW:
                address += done * s
                store64(tails + k * 8, address + full * lanes * s)
            else:
                store64(tails + k * 8, address)
            store64(calls + k * 8, address)
            k += 1
        if masks:
            if invoke(code, calls, steps, full, last, state):
                return 1
        else:
            if full > 0 and invoke(code, calls, steps, full, 0, state):
                return 1
            if rest > 0 and invoke(code, tails, steps, 0, rest, state):
                return 1
        k = 0
        while k < slots:
            entry = table + k * 64
            role = load64(entry + 24)
            if role == ROLE_OUT or role == ROLE_ACCUMULATE:
                way = load64(entry)
                size = load64(entry + 16)
                if way == MODE_PACK:
                    s = load64(entry + 8)
                    copy_items(load64(data + k * 8) + done * s, s, load64(entry + 48), size, count, size)
                elif way == MODE_DIRECT and rest:
                    copy_items(
                        load64(data + k * 8) + (done + full * lanes) * size,
                        size,
                        load64(tails + k * 8),
                        size,
                        rest,
                        size,
                    )
            k += 1
        done += count
    return 0


def pad(target: int, source: int, step: int, count: int, room: int, size: int) -> int:
    """Copy `count` elements and repeat the last one until `room` are filled: padding computes like real data."""
    if size == 8:
        i = 0
        while i < count:
            store64(target + i * 8, load64(source))
            source += step
            i += 1
        x = load64(source - step)
        while i < room:
            store64(target + i * 8, x)
            i += 1
        return 0
    if size == 4:
        i = 0
        while i < count:
            store32(target + i * 4, load32(source))
            source += step
            i += 1
        x = load32(source - step)
        while i < room:
            store32(target + i * 4, x)
            i += 1
        return 0
    if size == 2:
        i = 0
        while i < count:
            store16(target + i * 2, load16(source))
            source += step
            i += 1
        x = load16(source - step)
        while i < room:
            store16(target + i * 2, x)
            i += 1
        return 0
    i = 0
    while i < count:
        store8(target + i, load8(source))
        source += step
        i += 1
    x = load8(source - step)
    while i < room:
        store8(target + i, x)
        i += 1
    return 0


def free_run(frame: int, step: int) -> int:
    """FreeStep: the record holds a count and the buffers."""
    count = load64(step + 16)
    i = 0
    while i < count:
        release(frame + load64(step + 24 + i * 8))
        i += 1
    return 0
