"""The run-time system: some rows of a group of kernels, so few at a time that they stay in the second cache.

Written in the language of `runtime_language.py`. To bind a kernel's operands and to settle its axes takes as long as a
few thousand elements do. Here it is done once, as for all rows. What is left of each kernel, its *plan*, is one call of
its code for a block of rows, perhaps only one, and addresses that move on behind it. So nothing that a row's kernels
leave for each other travels farther than the second cache.

That is possible where every kernel takes its operands as they lie, and either each row is a run or the rows are one.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DATA
from theano.backends.native.runtime_kernels import bind_slot, settle_axes
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_records import (
    CHECKED,
    FIRST_PIECE,
    HOISTS,
    KEEP_ORDER,
    KERNEL_CODE,
    KERNEL_FLAGS,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_RANK,
    KERNEL_SLOTS,
    KERNEL_STATE,
    LAST_PIECE,
    MASKS,
    REDUCES,
    ROLE_ACCUMULATE,
    ROLE_COUNTER,
    ROLE_NONE,
    ROLE_RAW,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FINISH,
    SLOT_FLAGS,
    SLOT_IDENTITY,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_TEMPORARY,
    SPREADS,
    STATE_AHEAD,
    STATE_APART,
    STATE_CARRY,
    STATE_EXTENTS,
    STATE_FLAT,
    STATE_HOISTED,
    STATE_MODE,
    STATE_PAST,
    STATE_PIECE,
    STATE_RUNS,
    STATE_TOGETHER,
    WRITE_AHEAD,
)
from theano.backends.native.runtime_runs import far_ahead, fill, goes_past
from theano.backends.native.runtime_walk import LONGEST

# a kernel's plan: what a call of its code is told
PLAN_CODE = 0
PLAN_STATE = 8
PLAN_SLOTS = 16
PLAN_FULL = 24  # whole vectors of a run
PLAN_REST = 32
PLAN_ALONG = 40  # lanes, if the rows are the run; 0: each row is one
PLAN_SUMS = 48  # how many accumulators follow the tables
PLAN_BYTES = 56  # then tables with a word for each slot: address, step from vector to vector, from row to row, move

# then the accumulators
SUM_SLOT = 0  # its number
SUM_EACH = 8  # elements for each row
SUM_SIZE = 16
SUM_IDENTITY = 24
SUM_FINISH = 32  # code which casts it to the output; 0: it is the output
SUM_TARGET = 40  # where in the output
SUM_MOVE = 48  # how far that moves from row to row
SUM_BYTES = 56


def plan_bytes(step: int) -> int:
    return PLAN_BYTES + load64(step + KERNEL_SLOTS) * (32 + SUM_BYTES)


def make_plan(frame: int, step: int, rows: int, start: int, count: int, block: int, plan: int) -> int:
    """Plan a kernel for `count` rows from `start` on, which are its axis `rows`, `block` at a time at most.

    1: that is done, with decisions as in `kernel_part`. In any case `end_plan` gives back its memory.
    """
    state = frame + load64(step + KERNEL_STATE)
    slots = load64(step + KERNEL_SLOTS)
    operands = load64(step + KERNEL_OPERANDS)
    flags = load64(step + KERNEL_FLAGS)
    rank = load64(step + KERNEL_RANK)
    store64(plan + PLAN_CODE, load64(step + KERNEL_CODE))
    store64(plan + PLAN_STATE, state)
    store64(plan + PLAN_SLOTS, slots)
    store64(plan + PLAN_SUMS, 0)
    at = plan + PLAN_BYTES
    memset(at, 0, slots * 32)
    if not (flags & MASKS) or flags & (CHECKED | KEEP_ORDER | HOISTS):
        return 0
    points = 1
    axis = 0
    while axis < rank:
        points = points * load64(state + STATE_EXTENTS + axis * 8)
        axis += 1
    if points == 0:
        return 0
    store64(BUDGET, load64(BUDGET) - (points // load64(state + STATE_EXTENTS + rows * 8) * count >> 10))
    store64(state + STATE_MODE, 0)
    wide = rank + 1
    strides = stack((slots + 1) * wide * 8)
    memset(strides, 0, (slots + 1) * wide * 8)
    store64(strides + (slots * wide + rows) * 8, 1)
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        if load64(slot + SLOT_ROLE) == ROLE_RAW:
            return 0
        if load64(slot + SLOT_ROLE) == ROLE_NONE:
            store64(at + k * 8, state)
        elif bind_slot(frame, slot, state + STATE_EXTENTS, strides + k * wide * 8, at + k * 8, rows, start, block):
            return 0
        if load64(slot + SLOT_ROLE) == ROLE_ACCUMULATE:
            add_sum(plan, k, slot, load64(strides + (k * wide + rows) * 8), start, frame)
        k += 1
    shape = stack(wide * 8)
    axes = settle_axes(step, state, shape, strides, wide, slots + 1, at, rows)
    if axes > 2 or load64(strides + slots * wide * 8) == 0:
        # the rows are not the slowest axis
        return 0
    store64(plan + PLAN_ALONG, 0)
    n = load64(shape + 8)
    if axes == 1:
        n = 0
        store64(plan + PLAN_ALONG, load64(step + KERNEL_LANES))
    else:
        if n > LONGEST:
            return 0
        store64(plan + PLAN_FULL, n // load64(step + KERNEL_LANES))
        store64(plan + PLAN_REST, n % load64(step + KERNEL_LANES))
    return lay_slots(plan, step, strides, wide, axes - 1, n)


def add_sum(plan: int, k: int, slot: int, row: int, start: int, frame: int) -> int:
    """Slot k, whose rows are `row` bytes long, is an accumulator."""
    count = load64(plan + PLAN_SUMS)
    entry = plan + PLAN_BYTES + load64(plan + PLAN_SLOTS) * 32 + count * SUM_BYTES
    store64(plan + PLAN_SUMS, count + 1)
    size = load64(slot + SLOT_TEMPORARY)
    if size == 0:
        size = load64(slot + SLOT_SIZE)
    store64(entry + SUM_SLOT, k)
    store64(entry + SUM_EACH, row // size)
    store64(entry + SUM_SIZE, size)
    store64(entry + SUM_IDENTITY, load64(slot + SLOT_IDENTITY))
    store64(entry + SUM_FINISH, 0)
    if load64(slot + SLOT_TEMPORARY) != 0 and load64(slot + SLOT_FINISH) != 0:
        move = row // size * load64(slot + SLOT_SIZE)
        store64(entry + SUM_FINISH, load64(slot + SLOT_FINISH))
        store64(entry + SUM_MOVE, move)
        store64(entry + SUM_TARGET, load64(frame + load64(slot + SLOT_BUFFER) + BUFFER_DATA) + start * move)
    return 0


def lay_slots(plan: int, step: int, strides: int, wide: int, last: int, n: int) -> int:
    """Fill in how addresses move. 0: the code cannot take some operand as it lies along the run, axis `last`, of n."""
    operands = load64(step + KERNEL_OPERANDS)
    lanes = load64(step + KERNEL_LANES)
    slots = load64(plan + PLAN_SLOTS)
    state = load64(plan + PLAN_STATE)
    steps = plan + PLAN_BYTES + slots * 8
    apart = steps + slots * 8
    moves = apart + slots * 8
    flat = 1
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        role = load64(slot + SLOT_ROLE)
        s = load64(strides + (k * wide + last) * 8)
        size = load64(slot + SLOT_TEMPORARY)
        store64(apart + k * 8, load64(strides + k * wide * 8))
        if size == 0:
            size = load64(slot + SLOT_SIZE)
            store64(moves + k * 8, load64(strides + k * wide * 8))
        if role == ROLE_COUNTER:
            store64(steps + k * 8, s)
        elif role == ROLE_NONE or (s == 0 and (role == ROLE_ACCUMULATE or load64(slot + SLOT_FLAGS) & SPREADS)):
            store64(steps + k * 8, 0)
        elif s == size:
            store64(steps + k * 8, lanes * size)
        else:
            return 0
        if role == ROLE_ACCUMULATE and s != 0:
            flat = 0
        k += 1
    store64(state + STATE_FLAT, flat)
    store64(state + STATE_RUNS, 1)
    store64(state + STATE_APART, apart)
    past = 0
    if last > 0:
        past = goes_past(step, state, strides, wide, last, n, plan + PLAN_BYTES)
    store64(state + STATE_PAST, past)
    store64(state + STATE_TOGETHER, 0)
    ahead = WRITE_AHEAD
    if load64(step + KERNEL_FLAGS) & REDUCES:
        ahead = far_ahead(step, apart, steps, n)
    store64(state + STATE_AHEAD, ahead)
    store64(state + STATE_CARRY, 0)
    store64(state + STATE_PIECE, FIRST_PIECE | LAST_PIECE)
    store64(state + STATE_HOISTED, 0)
    return 1


def end_plan(step: int, plan: int) -> int:
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < load64(plan + PLAN_SLOTS):
        at = load64(plan + PLAN_BYTES + k * 8)
        if load64(slot + SLOT_TEMPORARY) != 0 and at != 0:
            block_free(at)
        slot += SLOT_BYTES
        k += 1
    return 0


def set_block(plan: int, block: int) -> int:
    """So many rows are next."""
    lanes = load64(plan + PLAN_ALONG)
    if lanes != 0:
        store64(plan + PLAN_FULL, block // lanes)
        store64(plan + PLAN_REST, block % lanes)
    else:
        store64(load64(plan + PLAN_STATE) + STATE_RUNS, block)
    return 0


def run_block(plan: int, block: int) -> int:
    """A kernel over so many rows; then move on."""
    slots = load64(plan + PLAN_SLOTS)
    at = plan + PLAN_BYTES
    sums = at + slots * 32
    end = sums + load64(plan + PLAN_SUMS) * SUM_BYTES
    entry = sums
    while entry < end:
        target = load64(at + load64(entry + SUM_SLOT) * 8)
        count = load64(entry + SUM_EACH) * block
        if count == 1 and load64(entry + SUM_SIZE) == 8:
            store64(target, load64(entry + SUM_IDENTITY))
        else:
            fill(target, load64(entry + SUM_IDENTITY), count, load64(entry + SUM_SIZE))
        entry += SUM_BYTES
    steps = at + slots * 8
    full = load64(plan + PLAN_FULL)
    rest = load64(plan + PLAN_REST)
    invoke(load64(plan + PLAN_CODE), at, steps, full, rest, load64(plan + PLAN_STATE))
    entry = sums
    while entry < end:
        if load64(entry + SUM_FINISH) != 0:
            count = load64(entry + SUM_EACH) * block
            source = load64(at + load64(entry + SUM_SLOT) * 8)
            invoke(load64(entry + SUM_FINISH), source, load64(entry + SUM_TARGET), count)
            store64(entry + SUM_TARGET, load64(entry + SUM_TARGET) + block * load64(entry + SUM_MOVE))
        entry += SUM_BYTES
    moves = at + slots * 24
    while at < steps:
        store64(at, load64(at) + block * load64(moves))
        at += 8
        moves += 8
    return 0
