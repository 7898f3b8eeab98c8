"""The run-time system: kernels over a single point, all operands of which are known to be 0-d.

Written in the language of `runtime_language.py`. There is nothing to compare, to bring into order or to walk.
(Results in the frame instead of memory of their own are no gain: what a vector instruction has stored there is not at
once ready for others to read.)
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_OWNER, E_MEMORY, allocate, exclusive, fail, point_array
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_memory import POINT_ELEMENT
from theano.backends.native.runtime_records import (
    KERNEL_CODE,
    KERNEL_INPUTS,
    KERNEL_OPERANDS,
    KERNEL_OUTPUTS,
    KERNEL_SLOTS,
    KERNEL_STATE,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_GUARD,
    SLOT_RESULT,
    SLOT_SIZE,
    SLOT_SOURCE,
    TAKES_OVER,
)


def point_prepare(frame: int, step: int) -> int:
    slot = load64(step + KERNEL_OPERANDS) + load64(step + KERNEL_INPUTS) * SLOT_BYTES
    end = slot + load64(step + KERNEL_OUTPUTS) * SLOT_BYTES
    while slot < end:
        buffer = frame + load64(slot + SLOT_BUFFER)
        source = 0
        if load64(slot + SLOT_FLAGS) & TAKES_OVER:
            source = frame + load64(slot + SLOT_SOURCE)
        if source != 0 and exclusive(frame, source, load64(slot + SLOT_GUARD), 0):
            store64(buffer, load64(source))
            store64(buffer + BUFFER_OWNER, load64(source + BUFFER_OWNER))
            store64(source + BUFFER_OWNER, 0)
        elif POINT_ARRAYS and load64(slot + SLOT_RESULT) != 0:
            array = point_array(load64(slot + SLOT_RESULT))
            if array == 0:
                return fail(frame, E_MEMORY, load64(slot + SLOT_SIZE), load64(slot + SLOT_SIZE), 0, 0)
            store64(buffer, array + POINT_ELEMENT)
            store64(buffer + BUFFER_OWNER, array)
        elif allocate(frame, buffer, 0, load64(slot + SLOT_SIZE)):
            return 1
        slot += SLOT_BYTES
    return 0


def point_run(frame: int, step: int) -> int:
    slots = load64(step + KERNEL_SLOTS)
    slot = load64(step + KERNEL_OPERANDS)
    calls = stack(slots * 8)
    k = 0
    while k < slots:
        store64(calls + k * 8, load64(frame + load64(slot + SLOT_BUFFER)))
        slot += SLOT_BYTES
        k += 1
    return invoke(load64(step + KERNEL_CODE), calls, calls, 0, 1, frame + load64(step + KERNEL_STATE))
