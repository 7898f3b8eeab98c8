"""The run-time system: cumulative sums and products, and linear recurrences, along an axis of arrays of any strides.

Written in the language of `runtime_language.py`; the loops over elements are in `vector_cumulative.py` and
`vector_recurrences.py`. Where elements behind the axis are contiguous, rows of them are taken in vectors; along the
last axis results are made one by one, of four rows at once. An input of another form is copied first.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    allocate,
    contiguous_copy,
    fail,
    release,
)
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    ROUTINE_CODE,
    back,
    count_of,
    in_c_order,
    input_ndim,
    input_size,
    least,
    leave,
    length,
    output_ndim,
    output_size,
    routine_input,
    routine_output,
    routine_param,
    stride_along,
)

# the table of a routine's code for a dtype
SCAN_CODE_ROWS = 0
SCAN_CODE_CHAIN = 8
SCAN_CODE_CHAINS = 16  # of sums and products
SCAN_CODE_BYTES = 24

CHAINS = 40
SCAN_CODE_RECURRENCE_ROWS = 48
SCAN_CODE_RECURRENCE_CHAIN = 56
SCAN_CODE_BYTES = 64

CHAINS = 4  # rows that the functions for several rows take
NARROW = 16384  # bytes of a row which stay in the cache until the next one is added

# an input as it is walked: its address, then the strides of all axes
FORM_DATA = 0
FORM_STRIDES = 8


def sum_prepare(frame: int, step: int) -> int:
    return scan_prepare(frame, step)


def product_prepare(frame: int, step: int) -> int:
    return scan_prepare(frame, step)


def scan_prepare(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    out = routine_output(frame, step, 0)
    ndim = input_ndim(step, 0)
    if routine_param(step, 0) < 0:
        store64(out + BUFFER_DIMS, count_of(x, ndim))
    else:
        memcpy(out + BUFFER_DIMS, x + BUFFER_DIMS, ndim * 8)
    return allocate(frame, out, output_ndim(step, 0), output_size(step, 0))


def recurrence_prepare(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    out = routine_output(frame, step, 0)
    ndim = input_ndim(step, 1)
    axis = 0
    while axis < ndim:
        if length(a, axis) != length(b, axis):
            return fail(frame, E_LENGTHS, axis, length(a, axis), length(b, axis), 0)
        store64(out + BUFFER_DIMS + axis * 8, length(b, axis))
        axis += 1
    return allocate(frame, out, ndim, output_size(step, 0))


def sum_run(frame: int, step: int) -> int:
    return scan_run(frame, step)


def product_run(frame: int, step: int) -> int:
    return scan_run(frame, step)


def scan_run(frame: int, step: int) -> int:
    out = routine_output(frame, step, 0)
    ndim = output_ndim(step, 0)
    if count_of(out, ndim) == 0:
        return 0
    copy = stack(BUFFER_DIMS + input_ndim(step, 0) * 16)
    form = stack(FORM_STRIDES + ndim * 8)
    if bring_into_form(frame, step, 0, copy, form):
        return 1
    thread = leave(frame, count_of(out, ndim), 10)
    scan_all(step, out, form, 0)
    back(thread)
    release(copy)
    return 0


def recurrence_run(frame: int, step: int) -> int:
    out = routine_output(frame, step, 0)
    ndim = output_ndim(step, 0)
    if count_of(out, ndim) == 0:
        return 0
    copy = stack(BUFFER_DIMS + ndim * 16)
    other = stack(BUFFER_DIMS + ndim * 16)
    form = stack(FORM_STRIDES + ndim * 8)
    factors = stack(FORM_STRIDES + ndim * 8)
    if bring_into_form(frame, step, 1, copy, form):
        return 1
    if bring_into_form(frame, step, 0, other, factors):
        release(copy)
        return 1
    thread = leave(frame, count_of(out, ndim), 20)
    scan_all(step, out, form, factors)
    back(thread)
    release(copy)
    release(other)
    return 0


def bring_into_form(frame: int, step: int, number: int, copy: int, form: int) -> int:
    """Fill in how input `number` is walked; `copy` becomes a copy of it where it cannot be walked as it is."""
    x = routine_input(frame, step, number)
    ndim = input_ndim(step, number)
    size = input_size(step, number)
    axis = routine_param(step, 0)
    ready = 1
    if axis < 0:
        ready = in_c_order(x, ndim, size)
    else:
        # the axes behind: contiguous
        d = ndim - 1
        bytes = size
        while d > axis:
            if length(x, d) > 1 and stride_along(x, ndim, d) != bytes:
                ready = 0
            bytes = bytes * length(x, d)
            d -= 1
    store64(copy + BUFFER_OWNER, 0)
    if not ready:
        if contiguous_copy(frame, copy, x, ndim, size):
            return 1
        x = copy
    store64(form + FORM_DATA, load64(x))
    if axis < 0:
        store64(form + FORM_STRIDES, size)
    else:
        memcpy(form + FORM_STRIDES, x + BUFFER_DIMS + ndim * 8, ndim * 8)
    return 0


def scan_all(step: int, out: int, form: int, factors: int) -> int:
    """Go over the axes before the scanned one. factors 0: there are none."""
    ndim = output_ndim(step, 0)
    size = output_size(step, 0)
    axis = routine_param(step, 0)
    if axis < 0:
        axis = 0
    width = 1
    d = ndim - 1
    while d > axis:
        width = width * length(out, d)
        d -= 1
    count = length(out, axis)
    to = load64(out)
    at = load64(form + FORM_DATA)
    by = 0
    if factors:
        by = load64(factors + FORM_DATA)
    index = stack(axis * 8 + 8)
    memset(index, 0, axis * 8 + 8)
    while 1:
        # rows along the last of the outer axes are a fixed distance apart
        rows = 1
        if axis > 0:
            rows = length(out, axis - 1)
        scan_rows(step, form, factors, to, at, by, axis, rows, count, width)
        to += rows * count * width * size
        d = axis - 2
        while d >= 0:
            i = load64(index + d * 8) + 1
            at += load64(form + FORM_STRIDES + d * 8)
            if factors:
                by += load64(factors + FORM_STRIDES + d * 8)
            if i < length(out, d):
                store64(index + d * 8, i)
                break
            at -= i * load64(form + FORM_STRIDES + d * 8)
            if factors:
                by -= i * load64(factors + FORM_STRIDES + d * 8)
            store64(index + d * 8, 0)
            d -= 1
        if d < 0:
            return 0
    return 0


def scan_rows(
    step: int, form: int, factors: int, to: int, at: int, by: int, axis: int, rows: int, count: int, width: int,
) -> int:
    """`rows` times `count` rows of `width` elements."""  # fmt: skip
    table = load64(step + ROUTINE_CODE)
    size = output_size(step, 0)
    along = load64(form + FORM_STRIDES + axis * 8)
    apart = 0
    by_along = 0
    by_apart = 0
    if factors:
        by_along = load64(factors + FORM_STRIDES + axis * 8)
    if axis > 0:
        apart = load64(form + FORM_STRIDES + axis * 8 - 8)
        if factors:
            by_apart = load64(factors + FORM_STRIDES + axis * 8 - 8)
    pitch = count * width * size
    while rows > 0:
        taken = 1
        if width > 1:
            column = 0
            while column < width:
                part = least(width - column, NARROW // size)
                there = column * size
                if factors:
                    invoke(
                        load64(table + SCAN_CODE_ROWS), to + there, width * size, at + there, along, by + there,
                        by_along, count, part,
                    )  # fmt: skip
                else:
                    invoke(load64(table + SCAN_CODE_ROWS), to + there, width * size, at + there, along, count, part)
                column += part
        elif factors:
            invoke(load64(table + SCAN_CODE_CHAIN), to, at, along, by, by_along, count)
        elif rows >= CHAINS:
            taken = CHAINS
            invoke(load64(table + SCAN_CODE_CHAINS), to, pitch, at, apart, along, count)
        else:
            invoke(load64(table + SCAN_CODE_CHAIN), to, at, along, count)
        to += taken * pitch
        at += taken * apart
        by += taken * by_apart
        rows -= taken
    return 0
