"""The run-time system: preparing the step of a kernel: lengths, and memory for its outputs.

Written in the language of `runtime_language.py`. Operands tell the lengths of the axes that walk them, and have to
agree; a program's own numbers tell others (`dimension`).
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_EMPTY,
    E_SHAPE,
    allocate,
    exclusive,
    fail,
)
from theano.backends.native.runtime_language import (
    load8,
    load16,
    load32,
    load64,
    stack,
    store64,
)
from theano.backends.native.runtime_records import (
    AS_INPUTS,
    KERNEL_INPUTS,
    KERNEL_OPERANDS,
    KERNEL_OUTPUTS,
    KERNEL_RANK,
    NEEDS_CONTENT,
    NOT_EMPTY,
    ROLE_IN,
    ROLE_RAW,
    SLOT_AXES,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_GUARD,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_SOURCE,
    SLOT_STATE,
    STATE_COPY,
    STATE_EXTENTS,
    TAKES_OVER,
)


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
    """max and kin of nothing are errors, as with NumPy also where there is no result to give: (0, 0) along an axis."""
    rank = load64(step + KERNEL_RANK)
    slot = load64(step + KERNEL_OPERANDS) + load64(step + KERNEL_INPUTS) * SLOT_BYTES
    outputs = load64(step + KERNEL_OUTPUTS)
    k = 0
    while k < outputs:
        if load64(slot + SLOT_FLAGS) & NOT_EMPTY:
            kept = 0
            d = 0
            while d < load64(slot + SLOT_NDIM):
                axis = load64(load64(slot + SLOT_AXES) + d * 8)
                if axis >= 0:
                    kept = kept | (1 << axis)
                d += 1
            axis = 0
            while axis < rank:
                if not ((kept >> axis) & 1) and load64(extents + axis * 8) == 0:
                    return fail(frame, E_EMPTY, k, 0, 0, 0)
                axis += 1
        slot += SLOT_BYTES
        k += 1
    return 0


def order_as_inputs(frame: int, step: int, slot: int, ndim: int) -> int:
    """Let the axes of a fresh output lie in memory as those of the inputs do; in C order where these contradict."""
    buffer = frame + load64(slot + SLOT_BUFFER)
    axes = load64(slot + SLOT_AXES)
    inputs = load64(step + KERNEL_INPUTS)
    strides = stack(inputs * ndim * 8)
    turned = 0
    k = 0
    while k < inputs:
        operand = load64(step + KERNEL_OPERANDS) + k * SLOT_BYTES
        before = 0
        d = 0
        while d < ndim:
            s = 0
            if load64(operand + SLOT_ROLE) == ROLE_IN and load64(buffer + BUFFER_DIMS + d * 8) > 1:
                s = stride_of(frame, operand, load64(axes + d * 8))
            if s != 0:
                if before != 0 and s > before:
                    turned = 1
                before = s
            store64(strides + (k * ndim + d) * 8, s)
            d += 1
        k += 1
    if turned == 0:
        return 0
    order = stack(ndim * 8)
    d = 0
    while d < ndim:
        # behind the last axis that some input has before this one
        place = d
        j = d - 1
        while j >= 0:
            verdict = goes_first(strides, inputs, ndim, d, load64(order + j * 8))
            if verdict < 0:
                break
            if verdict > 0:
                place = j
            j -= 1
        j = d
        while j > place:
            store64(order + j * 8, load64(order + j * 8 - 8))
            j -= 1
        store64(order + place * 8, d)
        d += 1
    stride = load64(slot + SLOT_SIZE)
    d = ndim - 1
    while d >= 0:
        axis = load64(order + d * 8)
        store64(buffer + BUFFER_DIMS + (ndim + axis) * 8, stride)
        stride = stride * load64(buffer + BUFFER_DIMS + axis * 8)
        d -= 1
    return 0


def goes_first(strides: int, inputs: int, ndim: int, axis: int, other: int) -> int:
    """1: an axis has longer strides than another, in all inputs with both; -1: not in one of them; 0: none has both."""
    verdict = 0
    k = 0
    while k < inputs:
        mine = load64(strides + (k * ndim + axis) * 8)
        its = load64(strides + (k * ndim + other) * 8)
        if mine != 0 and its != 0:
            if mine <= its:
                return -1
            verdict = 1
        k += 1
    return verdict


def stride_of(frame: int, operand: int, axis: int) -> int:
    """How far an operand moves along an iteration axis, forwards or backwards."""
    buffer = frame + load64(operand + SLOT_BUFFER)
    ndim = load64(operand + SLOT_NDIM)
    stride = 0
    d = 0
    while d < ndim:
        if load64(load64(operand + SLOT_AXES) + d * 8) == axis:
            stride += load64(buffer + BUFFER_DIMS + (ndim + d) * 8)
        d += 1
    if stride < 0:
        return 0 - stride
    return stride


def prepare_output(frame: int, step: int, state: int, slot: int, number: int) -> int:
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
        if flags & AS_INPUTS and ndim > 1:
            order_as_inputs(frame, step, slot, ndim)
        if flags & NEEDS_CONTENT:
            store64(state + STATE_COPY, load64(state + STATE_COPY) | (1 << number))
    if load64(slot + SLOT_ROLE) == ROLE_RAW:
        # lengths and strides of the computed axes, as the output has them
        return match_axes(frame, state, slot, buffer, number)
    return 0
