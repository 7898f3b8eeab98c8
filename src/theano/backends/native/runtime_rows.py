"""The run-time system: kernels which go over the same rows, a block of rows at a time.

Written in the language of `runtime_language.py`. `lowering/blocking.py` says which kernels may do so. All steps of a
group have been prepared when its last kernel's turn comes: it runs the group. Where everything that the kernels touch
fits in the cache anyway, they run one after the other. What a block costs beside its work, `runtime_row_plans.py`
keeps small.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_axes import magnitude
from theano.backends.native.runtime_core import BUFFER_DIMS, FRAME_MAY_RELEASE, FRAME_STEP
from theano.backends.native.runtime_kernels import (
    ALL_ROWS,
    DIVIDE_ROWS,
    RELEASE_ABOVE,
    division,
    kernel_part,
    kernel_whole,
)
from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64
from theano.backends.native.runtime_records import (
    KERNEL_COST,
    KERNEL_RANK,
    KERNEL_ROWS,
    KERNEL_STATE,
    ROOM_OF_ROWS,
    STATE_EXTENTS,
)
from theano.backends.native.runtime_row_plans import (
    end_plan,
    make_plan,
    plan_bytes,
    run_block,
    set_block,
)

# a group's table; then the kernels, then the buffers
ROWS_KERNELS = 0
ROWS_BUFFERS = 8
ROWS_BYTES = 16

# a kernel's entry
MEMBER_STEP = 0
MEMBER_AXIS = 8
MEMBER_NUMBER = 16  # which step of the program it is
MEMBER_BYTES = 24

# the entry of a buffer that the kernels touch
TOUCHED_BUFFER = 0
TOUCHED_NDIM = 8
TOUCHED_AXIS = 16  # the rows; -1: the whole buffer belongs to every row
TOUCHED_SIZE = 24
TOUCHED_BYTES = 32

# Where other axes are slower in memory than the rows, a block is many short pieces: the least bytes of a piece.
SHORTEST = 2048


def rows_run(frame: int, step: int) -> int:
    """Run a group; `step` is its last kernel."""
    group = load64(step + KERNEL_ROWS)
    count = load64(group + ROWS_KERNELS)
    members = group + ROWS_BYTES
    rows = member_rows(frame, members)
    touched = members + count * MEMBER_BYTES
    buffers = load64(group + ROWS_BUFFERS)
    block = block_rows(frame, touched, buffers, rows, load64(CACHE_ROOM + ROOM_OF_ROWS))
    cost = 0
    k = 0
    while k < count:
        member = members + k * MEMBER_BYTES
        if member_rows(frame, member) != rows:
            block = rows
        cost += member_cost(frame, load64(member))
        k += 1
    if block >= rows:
        k = 0
        while k < count:
            member = members + k * MEMBER_BYTES
            store64(frame + FRAME_STEP, load64(member + MEMBER_NUMBER))
            if kernel_whole(frame, load64(member), ALL_ROWS):
                return 1
            k += 1
        return 0
    if block < 1:
        block = 1
    return run_parts(frame, members, count, rows, block, cost, address_of(rows_part))


def run_parts(frame: int, job: int, count: int, rows: int, block: int, cost: int, part: int) -> int:
    """All rows by the function at `part`, which `rows_part` is one of: on the crew, if the work is worth it."""
    if load64(THREADS) > 1 and cost > load64(LEAST_DIVIDED):
        divide = division(frame, DIVIDE_ROWS)
        if divide == 0:
            return 1
        return invoke(divide, frame, job, count, rows, block, cost, part)
    may_release = load64(frame + FRAME_MAY_RELEASE)
    thread = 0
    if may_release and cost > RELEASE_ABOVE:
        thread = PyEval_SaveThread()
    store64(frame + FRAME_MAY_RELEASE, 0)
    failed = invoke(part, frame, job, count, 0, rows, block)
    store64(frame + FRAME_MAY_RELEASE, may_release)
    if thread != 0:
        PyEval_RestoreThread(thread)
    return failed


def rows_part(frame: int, members: int, count: int, start: int, end: int, block: int) -> int:
    """The rows from `start` to `end`: `block` at a time."""
    plans = stack(bytes_of_plans(members, count))
    ready = make_plans(frame, members, count, start, end - start, block, plans)
    if ready:
        follow_plans(members, count, plans, end - start, block)
    end_plans(members, count, plans)
    failed = 0
    while start < end and not ready and not failed:
        if block > end - start:
            block = end - start
        failed = kernel_parts(frame, members, count, start, block)
        start += block
    return failed


def kernel_parts(frame: int, members: int, count: int, start: int, block: int) -> int:
    """A block of rows through all kernels, without plans."""
    failed = 0
    k = 0
    while k < count and not failed:
        member = members + k * MEMBER_BYTES
        store64(frame + FRAME_STEP, load64(member + MEMBER_NUMBER))
        failed = kernel_part(frame, load64(member), 0, load64(member + MEMBER_AXIS), start, block)
        k += 1
    return failed


def bytes_of_plans(members: int, count: int) -> int:
    size = 0
    k = 0
    while k < count:
        size += plan_bytes(load64(members + k * MEMBER_BYTES))
        k += 1
    return size


def make_plans(frame: int, members: int, count: int, start: int, rows: int, block: int, plans: int) -> int:
    """Plan all kernels for so many rows from `start` on. 1: that is done. In any case call `end_plans`."""
    memset(plans, 0, bytes_of_plans(members, count))
    k = 0
    while k < count:
        member = members + k * MEMBER_BYTES
        step = load64(member)
        if not make_plan(frame, step, load64(member + MEMBER_AXIS), start, rows, block, plans):
            return 0
        plans += plan_bytes(step)
        k += 1
    return 1


def end_plans(members: int, count: int, plans: int) -> int:
    k = 0
    while k < count:
        step = load64(members + k * MEMBER_BYTES)
        end_plan(step, plans)
        plans += plan_bytes(step)
        k += 1
    return 0


def follow_plans(members: int, count: int, plans: int, rows: int, block: int) -> int:
    last = 0
    while rows > 0:
        if block > rows:
            block = rows
        plan = plans
        k = 0
        while k < count:
            if block != last:
                set_block(plan, block)
            run_block(plan, block)
            plan += plan_bytes(load64(members + k * MEMBER_BYTES))
            k += 1
        last = block
        rows -= block
    return 0


def member_rows(frame: int, member: int) -> int:
    state = frame + load64(load64(member) + KERNEL_STATE)
    return load64(state + STATE_EXTENTS + load64(member + MEMBER_AXIS) * 8)


def member_cost(frame: int, step: int) -> int:
    """Picoseconds, a guess."""
    extents = frame + load64(step + KERNEL_STATE) + STATE_EXTENTS
    total = load64(step + KERNEL_COST)
    axis = 0
    while axis < load64(step + KERNEL_RANK):
        total = total * load64(extents + axis * 8)
        axis += 1
    return total


def block_rows(frame: int, touched: int, count: int, rows: int, room: int) -> int:
    """How many rows to take at a time, so that they fit into `room` bytes; `rows` when blocks gain nothing.

    0: not even one row fits.
    """
    whole = 0
    each = 0
    narrow = 0
    k = 0
    while k < count:
        ndim = load64(touched + TOUCHED_NDIM)
        dims = frame + load64(touched + TOUCHED_BUFFER) + BUFFER_DIMS
        axis = load64(touched + TOUCHED_AXIS)
        size = load64(touched + TOUCHED_SIZE)
        item = size
        d = 0
        while d < ndim:
            if d != axis:
                n = load64(dims + d * 8)
                size = size * n
                if axis >= 0 and n > 1:
                    if magnitude(load64(dims + (ndim + d) * 8)) > magnitude(load64(dims + (ndim + axis) * 8)):
                        narrow = item
            d += 1
        if axis < 0:
            whole += size
        else:
            each += size
        touched += TOUCHED_BYTES
        k += 1
    if rows < 2 or each == 0 or whole + each * rows <= room:
        return rows
    # what belongs to every row stays in the cache beside the rows, if it is small
    if whole < room >> 1:
        room -= whole
    block = room // each
    if narrow and block * narrow < SHORTEST:
        return rows
    if block >= 16:
        # whole vectors for kernels that have no other axis
        return block & -16
    return block
