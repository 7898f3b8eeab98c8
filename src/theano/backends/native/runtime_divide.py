"""The run-time system: a kernel, or a group of kernels over the same rows, in pieces: for several threads.

Written in the language of `runtime_language.py`, and compiled when a process first meets a kernel with much work. The
axes of a kernel come sorted and fused, as for `walk`, of which each piece is a walk over a part of one axis.

Results never depend on the number of threads. Along an axis that every accumulator follows, pieces do not meet, and
their number is free. Where accumulators stand still along the axis, every piece has accumulators of its own
which are folded into one at the end, in pairs: so many pieces are made as the lengths say, however many threads there
are, even if there is one.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    E_MEMORY,
    E_PYTHON,
    FRAME_MAY_RELEASE,
    FRAME_PROGRAM,
    PROGRAM_FRAME_BYTES,
    fail,
)
from theano.backends.native.runtime_kernels import RELEASE_ABOVE
from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64
from theano.backends.native.runtime_records import (
    KERNEL_COST,
    KERNEL_OPERANDS,
    KERNEL_SLOTS,
    KERNEL_STATE_BYTES,
    ROLE_ACCUMULATE,
    ROLE_NONE,
    SLOT_BYTES,
    SLOT_COMBINE,
    SLOT_IDENTITY,
    SLOT_PARTNER,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_TEMPORARY,
    STATE_ERROR,
)
from theano.backends.native.runtime_runs import fill
from theano.backends.native.runtime_threads import more_busy, share, share_out, threads_for_work

WORTH_A_PIECE = 10000000  # picoseconds of work that a piece with accumulators of its own has at least
WORTH_A_PART = 2500000  # picoseconds of work that a piece without accumulators of its own has at least
MOST_PIECES = 32
PIECES_OF_A_THREAD = 4
ENOUGH_KEPT = 16  # so many pieces without accumulators of their own are enough
ENOUGH_OUTER = 64  # so many steps of an outer axis are enough to look no further
RUNS_UNIT = 8  # pieces of many runs are multiples of what code takes together (`joint_runs_text.py`)
INNER_UNIT = 1024  # pieces of the innermost axis are multiples of this

CUT_STEP = 0
CUT_STATE = 8
CUT_SHAPE = 16
CUT_STRIDES = 24
CUT_WIDE = 32
CUT_AXES = 40
CUT_DATA = 48
CUT_ALONG = 56  # the axis that is divided
CUT_UNIT = 64
CUT_PIECES = 72
CUT_WALK = 80
CUT_OWN = 88  # where the pieces' own accumulators start
CUT_OWN_BYTES = 96  # what one piece has of them; 0: none
CUT_FAILED = 104  # for each piece: did it fail, and STATE_ERROR
CUT_BYTES = 112
FAILED_BYTES = 40

ROWS_FRAMES = 0  # a copy of the frame for each piece
ROWS_FRAME_BYTES = 8
ROWS_MEMBERS = 16
ROWS_COUNT = 24
ROWS_TOTAL = 32
ROWS_BLOCK = 40
ROWS_PIECES = 48
ROWS_PART = 56  # the function `rows_part`
ROWS_FAILED = 64  # then: for each piece, did it fail
ROWS_CUT_BYTES = 64


def work_of(total: int, cost: int) -> int:
    """Picoseconds, without overflow."""
    if total > (1 << 61) // cost:
        return 1 << 61
    return total * cost


def divide_walk(
    frame: int, step: int, state: int, shape: int, strides: int, wide: int, axes: int, data: int, total: int,
    walk: int, apart: int,
) -> int:  # fmt: skip
    """Do what `walk` does, in pieces where that is possible. 1: a position was out of range, or it has failed.

    apart: accumulators may be divided.
    """
    work = work_of(total, load64(step + KERNEL_COST))
    job = stack(CUT_BYTES)
    store64(job + CUT_STEP, step)
    store64(job + CUT_STATE, state)
    store64(job + CUT_SHAPE, shape)
    store64(job + CUT_STRIDES, strides)
    store64(job + CUT_WIDE, wide)
    store64(job + CUT_AXES, axes)
    store64(job + CUT_DATA, data)
    store64(job + CUT_WALK, walk)
    store64(job + CUT_OWN, 0)
    store64(job + CUT_OWN_BYTES, 0)
    threads = threads_for_work(work)
    choose_axis(job, work, threads, total, apart)
    pieces = load64(job + CUT_PIECES)
    if threads > pieces:
        threads = pieces
    own = load64(job + CUT_OWN_BYTES)
    thread = 0
    if threads < 2 and own == 0:
        if load64(frame + FRAME_MAY_RELEASE) and work > RELEASE_ABOVE:
            thread = PyEval_SaveThread()
        failed = invoke(walk, step, state, shape, strides, wide, axes, data)
        if thread != 0:
            PyEval_RestoreThread(thread)
        return failed
    if own != 0:
        if combiners_missing(step):
            return fail(frame, E_PYTHON, 0, 0, 0, 0)
    failures = malloc(pieces * FAILED_BYTES + pieces * own + 64)
    if failures == 0:
        return fail(frame, E_MEMORY, pieces * own, 1, 0, 0)
    store64(job + CUT_FAILED, failures)
    store64(job + CUT_OWN, (failures + pieces * FAILED_BYTES + 63) & -64)
    more_busy(threads - 1)
    if load64(frame + FRAME_MAY_RELEASE):
        thread = PyEval_SaveThread()
    share_out(address_of(one_piece), job, pieces, threads)
    failed = 0
    piece = 0
    while piece < pieces and not failed:
        failed = load64(failures + piece * FAILED_BYTES)
        if failed:
            memcpy(state + STATE_ERROR, failures + piece * FAILED_BYTES + 8, FAILED_BYTES - 8)
        piece += 1
    if own != 0 and not failed:
        fold_pieces(job)
    free(failures)
    if thread != 0:
        PyEval_RestoreThread(thread)
    more_busy(1 - threads)
    return failed


def choose_axis(job: int, work: int, threads: int, total: int, apart: int) -> int:
    """Fill in along which axis to divide, and into how many pieces."""
    axes = load64(job + CUT_AXES)
    kept = -1
    most_kept = 0
    still = -1
    most_still = 0
    axis = 0
    while axis < axes:
        unit = 1
        if axis == axes - 1:
            unit = INNER_UNIT
        units = (load64(load64(job + CUT_SHAPE) + axis * 8) + unit - 1) // unit
        if standing(job, axis):
            if most_still < ENOUGH_OUTER and units > most_still:
                still = axis
                most_still = units
        elif most_kept < ENOUGH_OUTER and units > most_kept:
            kept = axis
            most_kept = units
        axis += 1
    along = kept
    pieces = 1
    if threads > 1:
        # more than threads: who is held up takes fewer
        pieces = threads * PIECES_OF_A_THREAD
    if pieces > work // WORTH_A_PART:
        pieces = work // WORTH_A_PART
    if pieces > most_kept:
        pieces = most_kept
    store64(job + CUT_ALONG, along)
    store64(job + CUT_PIECES, pieces)
    store64(job + CUT_UNIT, 1)
    if along == axes - 1:
        store64(job + CUT_UNIT, INNER_UNIT)
    if most_kept >= ENOUGH_KEPT or still < 0 or not apart:
        return 0
    pieces = work // WORTH_A_PIECE
    if pieces > most_still:
        pieces = most_still
    if pieces > MOST_PIECES:
        pieces = MOST_PIECES
    own = own_bytes(job, still)
    if pieces < 2 or pieces * own > total >> 1:
        return 0
    store64(job + CUT_ALONG, still)
    store64(job + CUT_PIECES, pieces)
    store64(job + CUT_OWN_BYTES, own)
    store64(job + CUT_UNIT, 1)
    if most_still >= pieces * 2 * RUNS_UNIT:
        store64(job + CUT_UNIT, RUNS_UNIT)
    if still == axes - 1:
        store64(job + CUT_UNIT, INNER_UNIT)
    return 0


def stride_of(job: int, k: int, axis: int) -> int:
    return load64(load64(job + CUT_STRIDES) + (k * load64(job + CUT_WIDE) + axis) * 8)


def slot_of(job: int, k: int) -> int:
    return load64(load64(job + CUT_STEP) + KERNEL_OPERANDS) + k * SLOT_BYTES


def standing(job: int, axis: int) -> int:
    """Does some accumulator stand still along the axis?"""
    k = load64(load64(job + CUT_STEP) + KERNEL_SLOTS) - 1
    while k >= 0:
        if load64(slot_of(job, k) + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, axis) == 0:
            return 1
        k -= 1
    return 0


def element_size(slot: int) -> int:
    if load64(slot + SLOT_TEMPORARY) != 0:
        return load64(slot + SLOT_TEMPORARY)
    return load64(slot + SLOT_SIZE)


def accumulator_bytes(job: int, k: int) -> int:
    """What an accumulator takes in memory, which is contiguous."""
    span = element_size(slot_of(job, k))
    axis = 0
    while axis < load64(job + CUT_AXES):
        span += (load64(load64(job + CUT_SHAPE) + axis * 8) - 1) * stride_of(job, k, axis)
        axis += 1
    return span


def own_bytes(job: int, along: int) -> int:
    """What a piece needs for accumulators which stand still along the axis; each starts with a new cache line."""
    size = 0
    k = load64(load64(job + CUT_STEP) + KERNEL_SLOTS) - 1
    while k >= 0:
        if load64(slot_of(job, k) + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, along) == 0:
            size += (accumulator_bytes(job, k) + 63) & -64
        k -= 1
    return size


def combiners_missing(step: int) -> int:
    """See to it that there is code to fold accumulators. 1: a Python exception is set. With the GIL held."""
    k = load64(step + KERNEL_SLOTS) - 1
    while k >= 0:
        word = load64(load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES + SLOT_COMBINE)
        if word != 0 and load64(word) == 0:
            Py_DecRef(PyObject_Vectorcall(MAKE_COMBINERS, 0, 0, 0))
            if PyErr_Occurred() != 0:
                return 1
        k -= 1
    return 0


def one_piece(job: int, piece: int) -> int:
    """A walk over a part of the axis, with shape, addresses and state of its own."""
    step = load64(job + CUT_STEP)
    slots = load64(step + KERNEL_SLOTS)
    wide = load64(job + CUT_WIDE)
    along = load64(job + CUT_ALONG)
    shape = stack(wide * 8)
    data = stack(slots * 8)
    state = stack(load64(step + KERNEL_STATE_BYTES))
    memcpy(shape, load64(job + CUT_SHAPE), wide * 8)
    memcpy(state, load64(job + CUT_STATE), load64(step + KERNEL_STATE_BYTES))
    n = load64(shape + along * 8)
    start = share(n, load64(job + CUT_UNIT), piece, load64(job + CUT_PIECES))
    end = share(n, load64(job + CUT_UNIT), piece + 1, load64(job + CUT_PIECES))
    store64(shape + along * 8, end - start)
    own = load64(job + CUT_OWN) + piece * load64(job + CUT_OWN_BYTES)
    k = 0
    while k < slots:
        slot = slot_of(job, k)
        at = load64(load64(job + CUT_DATA) + k * 8)
        if load64(slot + SLOT_ROLE) == ROLE_NONE:
            at = state
        elif load64(slot + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, along) == 0:
            if load64(job + CUT_OWN_BYTES) != 0:
                at = own
                size = element_size(slot)
                fill(at, load64(slot + SLOT_IDENTITY), accumulator_bytes(job, k) // size, size)
                own += (accumulator_bytes(job, k) + 63) & -64
        else:
            at += start * stride_of(job, k, along)
        store64(data + k * 8, at)
        k += 1
    axes = load64(job + CUT_AXES)
    failed = load64(job + CUT_FAILED) + piece * FAILED_BYTES
    found = invoke(load64(job + CUT_WALK), step, state, shape, load64(job + CUT_STRIDES), wide, axes, data)
    store64(failed, found)
    memcpy(failed + 8, state + STATE_ERROR, FAILED_BYTES - 8)
    return 0


def fold_pieces(job: int) -> int:
    """Fold the pieces' accumulators in pairs, and put the last one where the result is wanted."""
    slots = load64(load64(job + CUT_STEP) + KERNEL_SLOTS)
    along = load64(job + CUT_ALONG)
    offsets = stack(slots * 8)
    offset = 0
    k = 0
    while k < slots:
        store64(offsets + k * 8, offset)
        if load64(slot_of(job, k) + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, along) == 0:
            offset += (accumulator_bytes(job, k) + 63) & -64
        k += 1
    k = 0
    while k < slots:
        slot = slot_of(job, k)
        if load64(slot + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, along) == 0:
            if load64(slot + SLOT_COMBINE) != 0:
                fold_slot(job, slot, load64(offsets + k * 8), load64(offsets + load64(slot + SLOT_PARTNER) * 8))
        k += 1
    k = 0
    while k < slots:
        if load64(slot_of(job, k) + SLOT_ROLE) == ROLE_ACCUMULATE and stride_of(job, k, along) == 0:
            at = load64(job + CUT_OWN) + load64(offsets + k * 8)
            memcpy(load64(load64(job + CUT_DATA) + k * 8), at, accumulator_bytes(job, k))
        k += 1
    return 0


def fold_slot(job: int, slot: int, offset: int, partner: int) -> int:
    own = load64(job + CUT_OWN)
    each = load64(job + CUT_OWN_BYTES)
    pieces = load64(job + CUT_PIECES)
    combine = load64(load64(slot + SLOT_COMBINE))
    k = (slot - slot_of(job, 0)) // SLOT_BYTES
    count = accumulator_bytes(job, k) // element_size(slot)
    distance = 1
    while distance < pieces:
        piece = 0
        while piece + distance < pieces:
            to = own + piece * each
            at = to + distance * each
            invoke(combine, to + offset, at + offset, to + partner, at + partner, count)
            piece += distance * 2
        distance = distance * 2
    return 0


# ---- groups of rows


def divide_rows(frame: int, members: int, count: int, rows: int, block: int, cost: int, rows_part: int) -> int:
    """Run a group of `count` kernels over all rows, some blocks of rows a piece. Not 0: it has failed."""
    threads = threads_for_work(cost)
    if threads > rows // block:
        threads = rows // block
    pieces = 1
    if threads > 1:
        pieces = threads * PIECES_OF_A_THREAD
    if pieces > rows // block:
        pieces = rows // block
    size = load64(load64(frame + FRAME_PROGRAM) + PROGRAM_FRAME_BYTES)
    job = stack(ROWS_CUT_BYTES + pieces * 8)
    frames = malloc(pieces * size)
    if frames == 0:
        return fail(frame, E_MEMORY, pieces * size, 1, 0, 0)
    store64(job + ROWS_FRAMES, frames)
    store64(job + ROWS_FRAME_BYTES, size)
    store64(job + ROWS_MEMBERS, members)
    store64(job + ROWS_COUNT, count)
    store64(job + ROWS_TOTAL, rows)
    store64(job + ROWS_BLOCK, block)
    store64(job + ROWS_PIECES, pieces)
    store64(job + ROWS_PART, rows_part)
    part = 0
    while part < pieces:
        memcpy(frames + part * size, frame, size)
        store64(frames + part * size + FRAME_MAY_RELEASE, 0)
        part += 1
    more_busy(threads - 1)
    thread = 0
    if load64(frame + FRAME_MAY_RELEASE) and cost > RELEASE_ABOVE:
        thread = PyEval_SaveThread()
    share_out(address_of(some_rows), job, pieces, threads)
    if thread != 0:
        PyEval_RestoreThread(thread)
    more_busy(1 - threads)
    failed = 0
    part = 0
    while part < pieces and not failed:
        failed = load64(job + ROWS_FAILED + part * 8)
        if failed:
            # the code, the step, and what goes with them
            memcpy(frame, frames + part * size, FRAME_MAY_RELEASE)
        part += 1
    free(frames)
    return failed


def some_rows(job: int, part: int) -> int:
    """The rows of a piece: whole blocks. Buffers are found through a frame of its own, in which kernels have state."""
    frame = load64(job + ROWS_FRAMES) + part * load64(job + ROWS_FRAME_BYTES)
    members = load64(job + ROWS_MEMBERS)
    count = load64(job + ROWS_COUNT)
    block = load64(job + ROWS_BLOCK)
    start = share(load64(job + ROWS_TOTAL), block, part, load64(job + ROWS_PIECES))
    end = share(load64(job + ROWS_TOTAL), block, part + 1, load64(job + ROWS_PIECES))
    failed = invoke(load64(job + ROWS_PART), frame, members, count, start, end, block)
    store64(job + ROWS_FAILED + part * 8, failed)
    return 0
