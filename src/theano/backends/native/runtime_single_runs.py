"""The run-time system: a short kernel of one axis, contiguous in every operand: one call of its code.

Written in the language of `runtime_language.py`. A row of a matrix that is set or added to, and whatever else is done
with vectors of some elements: there is nothing to sort, fuse, pack or divide, and to find that out as for any kernel
takes longer than the work.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DATA, BUFFER_DIMS
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_records import (
    KERNEL_CODE,
    KERNEL_COST,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_SLOTS,
    KERNEL_STATE,
    ROLE_NONE,
    ROLE_RAW,
    SLOT_AXES,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_SIZE,
    SPREADS,
    STATE_COPY,
    STATE_EXTENTS,
    STATE_PAST,
    STATE_RUNS,
)

LONGEST_RUN = 65536  # points: above, the time that is saved is nothing


def lies_in_runs(frame: int, step: int, most: int) -> int:
    """Is everything contiguous that moves along a kernel's only axis, and does it take `most` picoseconds at most?"""
    state = frame + load64(step + KERNEL_STATE)
    n = load64(state + STATE_EXTENTS)
    if n < 2 or n > LONGEST_RUN or n * load64(step + KERNEL_COST) > most or load64(state + STATE_COPY) != 0:
        return 0
    slot = load64(step + KERNEL_OPERANDS)
    end = slot + load64(step + KERNEL_SLOTS) * SLOT_BYTES
    while slot < end:
        role = load64(slot + SLOT_ROLE)
        if role == ROLE_RAW:
            return 0
        if role != ROLE_NONE:
            stride = stride_of_run(frame, slot)
            if stride != load64(slot + SLOT_SIZE) and (stride != 0 or not (load64(slot + SLOT_FLAGS) & SPREADS)):
                return 0
        slot += SLOT_BYTES
    return 1


def stride_of_run(frame: int, slot: int) -> int:
    """How far an operand moves along the axis of a kernel that has one."""
    ndim = load64(slot + SLOT_NDIM)
    axes = load64(slot + SLOT_AXES)
    strides = frame + load64(slot + SLOT_BUFFER) + BUFFER_DIMS + ndim * 8
    stride = 0
    d = 0
    while d < ndim:
        if load64(axes + d * 8) == 0:
            stride += load64(strides + d * 8)
        d += 1
    return stride


def one_run(frame: int, step: int) -> int:
    """A kernel that `lies_in_runs`: there is nothing to sort, fuse, pack or divide."""
    state = frame + load64(step + KERNEL_STATE)
    n = load64(state + STATE_EXTENTS)
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    slot = load64(step + KERNEL_OPERANDS)
    calls = stack(slots * 16)
    steps = calls + slots * 8
    k = 0
    while k < slots:
        if load64(slot + SLOT_ROLE) == ROLE_NONE:
            store64(calls + k * 8, state)
            store64(steps + k * 8, 0)
        else:
            store64(calls + k * 8, load64(frame + load64(slot + SLOT_BUFFER) + BUFFER_DATA))
            store64(steps + k * 8, lanes * stride_of_run(frame, slot))
        slot += SLOT_BYTES
        k += 1
    store64(state + STATE_PAST, 0)
    store64(state + STATE_RUNS, 1)
    store64(BUDGET, load64(BUDGET) - (n >> 10))
    full = n // lanes
    return invoke(load64(step + KERNEL_CODE), calls, steps, full, n - full * lanes, state)
