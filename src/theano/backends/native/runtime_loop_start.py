"""The run-time system: what is bound and made before the first step of a loop.

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_DATA,
    ARRAY_STRIDES,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_MEMORY,
    E_PYTHON,
    contiguous_copy,
    contiguous_strides,
    fail,
)
from theano.backends.native.runtime_language import load64, store64
from theano.backends.native.runtime_python_calls import argument_array
from theano.backends.native.runtime_traces import (
    CARRIED_BYTES,
    CARRIED_FROM,
    CARRIED_IN,
    CARRIED_NDIM,
    CARRIED_SIZE,
    E_LOOP,
    KEPT_APART,
    KEPT_INITIAL,
    LOOP_CARRIED,
    LOOP_OTHERS,
    LOOP_SEQUENCES,
    LOOP_TRACES,
    OTHER_ARGUMENT,
    OTHER_BYTES,
    OTHER_INSIDE,
    OTHER_NDIM,
    OTHER_OUTSIDE,
    SEQUENCE_BYTES,
    SEQUENCE_INSIDE,
    SEQUENCE_NDIM,
    SEQUENCE_OUTSIDE,
    TRACE_BEFORE,
    TRACE_BYTES,
    TRACE_INITIAL,
    TRACE_NDIM,
    TRACE_SIZE,
    TRACE_STATE,
    TRACE_TAPS,
    begin_trace,
    initial_copy,
    kept_row,
)


def begin(frame: int, inner: int, step: int, count: int) -> int:
    """Bind everything that the first step reads."""
    entry = load64(step + LOOP_SEQUENCES)
    end = entry + load64(step + LOOP_SEQUENCES + 8) * SEQUENCE_BYTES
    while entry < end:
        outside = frame + load64(entry + SEQUENCE_OUTSIDE)
        inside = inner + load64(entry + SEQUENCE_INSIDE)
        ndim = load64(entry + SEQUENCE_NDIM)
        if load64(outside + BUFFER_DIMS) != count:
            return fail(frame, E_LOOP, 0, count, load64(outside + BUFFER_DIMS), 0)
        store64(inside, load64(outside))
        memcpy(inside + BUFFER_DIMS, outside + BUFFER_DIMS + 8, ndim * 8)
        memcpy(inside + BUFFER_DIMS + ndim * 8, outside + BUFFER_DIMS + (ndim + 2) * 8, ndim * 8)
        entry += SEQUENCE_BYTES
    entry = load64(step + LOOP_TRACES)
    end = entry + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while entry < end:
        if load64(entry + TRACE_INITIAL) != 0:
            if begin_state(frame, inner, step, entry, count):
                return 1
        entry += TRACE_BYTES
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        outside = frame + load64(entry + CARRIED_FROM)
        inside = inner + load64(entry + CARRIED_IN)
        ndim = load64(entry + CARRIED_NDIM)
        if ndim < 0:
            store64(inside, load64(outside))
            store64(inside + BUFFER_OWNER, load64(outside))
            Py_IncRef(load64(outside))
        elif contiguous_copy(frame, inside, outside, ndim, load64(entry + CARRIED_SIZE)):
            return 1
        entry += CARRIED_BYTES
    entry = load64(step + LOOP_OTHERS)
    end = entry + load64(step + LOOP_OTHERS + 8) * OTHER_BYTES
    while entry < end:
        if begin_other(frame, inner, entry):
            return 1
        entry += OTHER_BYTES
    return 0


def begin_state(frame: int, inner: int, step: int, trace: int, count: int) -> int:
    """The rows before the first step, and memory for those to come."""
    outside = frame + load64(trace + TRACE_INITIAL)
    ndim = load64(trace + TRACE_NDIM)
    size = load64(trace + TRACE_SIZE)
    kept = inner + load64(trace + TRACE_STATE)
    row = kept_row(inner, trace)
    before = load64(trace + TRACE_BEFORE)
    if load64(outside + BUFFER_DIMS) != before:
        return fail(frame, E_LOOP, 1, before, load64(outside + BUFFER_DIMS), 0)
    memcpy(row + BUFFER_DIMS, outside + BUFFER_DIMS + 8, ndim * 8)
    if contiguous_strides(row, ndim, size) < 0:
        return fail(frame, E_MEMORY, -1, size, 0, 0)
    rows = outside
    axis = 0
    while axis < ndim:
        # rows of the trace are contiguous, so those before it must be
        if load64(row + BUFFER_DIMS + axis * 8) != 1:
            apart = load64(outside + BUFFER_DIMS + (ndim + 2 + axis) * 8)
            if apart != load64(row + BUFFER_DIMS + (ndim + axis) * 8):
                rows = initial_copy(inner, trace)
        axis += 1
    if rows != outside:
        if contiguous_copy(frame, rows, outside, ndim + 1, size):
            return 1
    store64(kept + KEPT_INITIAL, load64(rows))
    store64(kept + KEPT_APART, load64(rows + BUFFER_DIMS + (ndim + 1) * 8))
    tap = load64(trace + TRACE_TAPS)
    end = tap + load64(trace + TRACE_TAPS + 8) * 16
    while tap < end:
        memcpy(inner + load64(tap + 8) + BUFFER_DIMS, row + BUFFER_DIMS, ndim * 16)
        tap += 16
    return begin_trace(frame, inner, step, trace, count)


def begin_other(frame: int, inner: int, entry: int) -> int:
    outside = frame + load64(entry + OTHER_OUTSIDE)
    inside = inner + load64(entry + OTHER_INSIDE)
    ndim = load64(entry + OTHER_NDIM)
    store64(inside, load64(outside))
    if ndim < 0:
        store64(inside + BUFFER_OWNER, load64(outside))
        Py_IncRef(load64(outside))
        return 0
    memcpy(inside + BUFFER_DIMS, outside + BUFFER_DIMS, ndim * 16)
    if load64(entry + OTHER_ARGUMENT) != 0:
        # Python may keep it: so it must have an owner that counts references
        array = argument_array(frame, load64(entry + OTHER_ARGUMENT))
        if array == 0:
            return fail(frame, E_PYTHON, 0, 0, 0, 0)
        store64(inside, load64(array + ARRAY_DATA))
        store64(inside + BUFFER_OWNER, array)
        memcpy(inside + BUFFER_DIMS + ndim * 8, load64(array + ARRAY_STRIDES), ndim * 8)
    return 0


def knows_rows(step: int) -> int:
    """Are all rows that are kept those of states, or numbers?"""
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        if load64(trace + TRACE_INITIAL) == 0 and load64(trace + TRACE_NDIM) != 0:
            return 0
        trace += TRACE_BYTES
    return 1


def begin_numbers(frame: int, inner: int, step: int, count: int) -> int:
    """Memory for numbers that are kept of each step; that of states has been made."""
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        if load64(trace + TRACE_INITIAL) == 0:
            if begin_trace(frame, inner, step, trace, count):
                return 1
        trace += TRACE_BYTES
    return 0
