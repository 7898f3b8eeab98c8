"""The run-time system: kernels that are run again and again over arrays of the same lengths and strides.

Written in the language of `runtime_language.py`. Where a kernel only loads and stores, and its operands lie so that one
call of its code takes them all (`runtime_walk.py` comes to the same), that call is made ready once. Then only the
addresses are fetched for each time.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_records import (
    CHECKED,
    COUNTS,
    KEEP_ORDER,
    KERNEL_CODE,
    KERNEL_COST,
    KERNEL_FLAGS,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_RANK,
    KERNEL_SLOTS,
    KERNEL_STATE,
    MASKS,
    REDUCES,
    ROLE_IN,
    ROLE_NONE,
    ROLE_OUT,
    SLOT_AXES,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_SIZE,
    SPREADS,
    STATE_APART,
    STATE_COPY,
    STATE_EXTENTS,
    STATE_FLAT,
    STATE_HOISTED,
    STATE_MODE,
    STATE_PAST,
    STATE_RUNS,
)

LAUNCH_READY = 0
LAUNCH_COUNT = 8  # whole vectors of a run
LAUNCH_ACTIVE = 16  # lanes of one more
LAUNCH_STEPS = 24  # for each slot, then how far apart its runs lie, then its address
LAUNCH_SLOT_BYTES = 24

LONGEST = 5000000  # picoseconds of work: above, other threads should have their turn, or do their share


def make_ready(frame: int, step: int, launch: int) -> int:
    """Find out whether a kernel that has run once can be launched from now on."""
    flags = load64(step + KERNEL_FLAGS)
    state = frame + load64(step + KERNEL_STATE)
    extents = state + STATE_EXTENTS
    rank = load64(step + KERNEL_RANK)
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    store64(launch + LAUNCH_READY, 0)
    if flags & (KEEP_ORDER | CHECKED | REDUCES | COUNTS) or load64(state + STATE_COPY) != 0:
        return 0
    total = 1
    axis = 0
    while axis < rank:
        total = total * load64(extents + axis * 8)
        axis += 1
    if total == 0 or total > LONGEST // load64(step + KERNEL_COST):
        return 0
    wide = rank + 1
    strides = stack(slots * wide * 8)
    memset(strides, 0, slots * wide * 8)
    walks = stack(slots * 8)
    k = 0
    while k < slots:
        if find_strides(frame, load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES, strides + k * wide * 8):
            return 0
        store64(walks + k * 8, 0)
        k += 1
    # the innermost axes, which are one run
    run = 1
    axis = rank - 1
    fits = 1
    while axis >= 0 and fits:
        n = load64(extents + axis * 8)
        if n != 1:
            fits = goes_on(step, strides, wide, axis, run, walks)
            if fits:
                run = run * n
        axis -= fits
    # the others, which are one axis of runs
    apart = launch + LAUNCH_STEPS + slots * 8
    memset(apart, 0, slots * 8)
    runs = 1
    while axis >= 0:
        n = load64(extents + axis * 8)
        if n != 1:
            k = 0
            while k < slots:
                stride = load64(strides + (k * wide + axis) * 8)
                if runs == 1:
                    store64(apart + k * 8, stride)
                elif stride != load64(apart + k * 8) * runs:
                    return 0
                k += 1
            runs = runs * n
        axis -= 1
    if (run == 1 and runs > 1) or (run % lanes != 0 and not (flags & MASKS)):
        return 0
    k = 0
    while k < slots:
        slot = load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES
        advance = lanes * load64(slot + SLOT_SIZE)
        if load64(walks + k * 8) == 0 and load64(slot + SLOT_FLAGS) & SPREADS:
            advance = 0
        elif load64(walks + k * 8) == 0 and run > 1:
            return 0
        if load64(slot + SLOT_ROLE) == ROLE_NONE:
            advance = 0
        store64(launch + LAUNCH_STEPS + k * 8, advance)
        k += 1
    store64(launch + LAUNCH_COUNT, run // lanes)
    store64(launch + LAUNCH_ACTIVE, run % lanes)
    store64(state + STATE_MODE, 0)
    store64(state + STATE_FLAT, 1)
    store64(state + STATE_HOISTED, 0)
    store64(state + STATE_PAST, 0)
    store64(state + STATE_RUNS, runs)
    store64(state + STATE_APART, apart)
    store64(launch + LAUNCH_READY, 1)
    return 0


def find_strides(frame: int, slot: int, row: int) -> int:
    """How far a slot moves along each axis of the kernel; 1: it is none of memory that is loaded or stored."""
    role = load64(slot + SLOT_ROLE)
    if role == ROLE_NONE:
        return 0
    if role != ROLE_IN and role != ROLE_OUT:
        return 1
    ndim = load64(slot + SLOT_NDIM)
    dims = frame + load64(slot + SLOT_BUFFER) + BUFFER_DIMS
    d = 0
    while d < ndim:
        axis = load64(load64(slot + SLOT_AXES) + d * 8)
        if axis >= 0:
            store64(row + axis * 8, load64(row + axis * 8) + load64(dims + (ndim + d) * 8))
        d += 1
    return 0


def goes_on(step: int, strides: int, wide: int, axis: int, run: int, walks: int) -> int:
    """Does a run of so many points go on along this axis: does each operand walk on, or stand still as before?"""
    slots = load64(step + KERNEL_SLOTS)
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < slots:
        if load64(slot + SLOT_ROLE) != ROLE_NONE:
            stride = load64(strides + (k * wide + axis) * 8)
            still = stride == 0 and (run == 1 or load64(walks + k * 8) == 0)
            if not still:
                if stride != load64(slot + SLOT_SIZE) * run or (run > 1 and load64(walks + k * 8) == 0):
                    return 0
        slot += SLOT_BYTES
        k += 1
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < slots:
        if load64(slot + SLOT_ROLE) != ROLE_NONE:
            store64(walks + k * 8, load64(strides + (k * wide + axis) * 8) != 0)
        slot += SLOT_BYTES
        k += 1
    return 1


def launch_kernel(frame: int, step: int, launch: int) -> int:
    slots = load64(step + KERNEL_SLOTS)
    steps = launch + LAUNCH_STEPS
    calls = steps + slots * 16
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < slots:
        store64(calls + k * 8, load64(frame + load64(slot + SLOT_BUFFER)))
        slot += SLOT_BYTES
        k += 1
    return invoke(
        load64(step + KERNEL_CODE),
        calls,
        steps,
        load64(launch + LAUNCH_COUNT),
        load64(launch + LAUNCH_ACTIVE),
        frame + load64(step + KERNEL_STATE),
    )
