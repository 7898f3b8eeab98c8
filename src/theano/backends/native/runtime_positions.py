"""The run-time system: the computed positions of a kernel that visits no point.

Written in the language of `runtime_language.py`. Rows without elements have no point at which their position would be
looked at, and a position out of range is an error all the same. So where a kernel has no points, its code is run over
those axes only which positions hang on, and told to check them and to write nothing. Index arrays that come together
to nothing, as of lengths one and zero, name no position: what hangs on an axis without elements is not checked.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_axes import drop_still_axes, fuse_axes
from theano.backends.native.runtime_core import BUFFER_DATA, BUFFER_DIMS, E_INDEX, fail
from theano.backends.native.runtime_language import load64, stack, store64
from theano.backends.native.runtime_records import (
    IN_POSITIONS,
    KERNEL_OPERANDS,
    KERNEL_RANK,
    KERNEL_SLOTS,
    KERNEL_STATE,
    LINE,
    ROLE_COUNTER,
    ROLE_RAW,
    SLOT_AXES,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_HANGS,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_STATE,
    STATE_ERROR,
    STATE_EXTENTS,
    STATE_MODE,
)
from theano.backends.native.runtime_walk import walk


def check_without_points(frame: int, step: int, rows: int, start: int, count: int) -> int:
    """Check the positions of a kernel of which some axis has no elements. rows >= 0: `count` of them from `start`
    along this axis."""
    state = frame + load64(step + KERNEL_STATE)
    extents = state + STATE_EXTENTS
    rank = load64(step + KERNEL_RANK)
    slots = load64(step + KERNEL_SLOTS)
    wide = rank + 1
    strides = stack(slots * wide * 8)
    memset(strides, 0, slots * wide * 8)
    shape = stack(wide * 8)
    data = stack(slots * 8)
    # what is loaded in place of an element that does not exist
    nothing = stack(LINE)
    memset(nothing, 0, LINE)
    empty = 0
    axis = 0
    while axis < rank:
        n = load64(extents + axis * 8)
        if axis == rows:
            n = count
        store64(shape + axis * 8, n)
        if n == 0:
            empty = empty | (1 << axis)
        axis += 1
    checked = 0
    k = 0
    while k < slots:
        slot = load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES
        store64(data + k * 8, nothing)
        there = load64(slot + SLOT_FLAGS) & IN_POSITIONS and not walks(slot, empty)
        if load64(slot + SLOT_ROLE) == ROLE_RAW:
            asked = not (load64(slot + SLOT_HANGS) & empty)
            if asked:
                checked = 1
            set_pairs(state, slot, asked, there)
        if there:
            bind_position(frame, slot, extents, strides + k * wide * 8, data + k * 8)
            if rows >= 0:
                store64(data + k * 8, load64(data + k * 8) + start * load64(strides + (k * wide + rows) * 8))
        k += 1
    if checked == 0:
        return 0
    drop_still_axes(shape, strides, wide, slots, rank)
    axes = fuse_axes(shape, strides, wide, slots, rank)
    if axes == 0:
        store64(shape, 1)
        memset(strides, 0, slots * wide * 8)
        axes = 1
    store64(state + STATE_MODE, 1)
    if walk(step, state, shape, strides, wide, axes, data):
        error = state + STATE_ERROR
        return fail(frame, E_INDEX, load64(error), load64(error + 8), load64(error + 16), load64(error + 24))
    return 0


def walks(slot: int, axes: int) -> int:
    """Does a slot walk one of these axes (bits)?"""
    d = 0
    while d < load64(slot + SLOT_NDIM):
        axis = load64(load64(slot + SLOT_AXES) + d * 8)
        if axis >= 0:
            if (axes >> axis) & 1:
                return 1
        d += 1
    return 0


def set_pairs(state: int, slot: int, asked: int, there: int) -> int:
    """Lengths and strides of computed axes: every position fits where none is asked for, and all are in one place where
    there is no memory."""
    pairs = state + load64(slot + SLOT_STATE)
    d = 0
    while d < load64(slot + SLOT_NDIM):
        if load64(load64(slot + SLOT_AXES) + d * 8) == -2:
            if not asked:
                store64(pairs, -1)  # the code compares without a sign
            if not there or not asked:
                store64(pairs + 8, 0)
            pairs += 16
        d += 1
    return 0


def bind_position(frame: int, slot: int, extents: int, row: int, data: int) -> int:
    """The address of a slot that positions hang on, and its strides."""
    ndim = load64(slot + SLOT_NDIM)
    buffer = frame + load64(slot + SLOT_BUFFER)
    counts = load64(slot + SLOT_ROLE) == ROLE_COUNTER
    stride = 1
    d = ndim - 1
    while d >= 0:
        axis = load64(load64(slot + SLOT_AXES) + d * 8)
        if axis >= 0:
            s = stride
            if counts:
                stride = stride * load64(extents + axis * 8)
            else:
                s = load64(buffer + BUFFER_DIMS + (ndim + d) * 8)
            store64(row + axis * 8, load64(row + axis * 8) + s)
        d -= 1
    if counts:
        store64(data, 0)
    else:
        store64(data, load64(buffer + BUFFER_DATA))
    return 0
