"""The run-time system: matrices of a stack, and what all linear algebra by LAPACK does with them.

Written in the language of `runtime_language.py`. LAPACK works on column-major matrices in memory of its own: what it
shall factorise is copied first, and what it leaves is copied to row-major results. Stacks of matrices go matrix by
matrix. As NumPy does, most routines take float32 for float64 and round the results once: DOUBLE is the size of what
they work on. See `runtime_routines.py` for what a routine is; the routines are in `runtime_cholesky.py`,
`runtime_factors.py`, `runtime_inverses.py`, `runtime_solving.py`, `runtime_eigen.py` and `runtime_svd.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, allocate, copy_items, fail
from theano.backends.native.runtime_language import fload32, fstore32, fwhole, load32, load64, store64
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_LIMIT,
    input_ndim,
    least,
    length,
    output_ndim,
    output_size,
    routine_input,
    routine_output,
    small,
)

DOUBLE = 8

LETTER_A = 65
LETTER_L = 76
LETTER_N = 78
LETTER_R = 82
LETTER_S = 83
LETTER_T = 84
LETTER_U = 85
LETTER_V = 86

EXPONENT = 2047 << 52  # of a double; all ones: NaN or inf
LAST_BIT = 1 << 52
EXPONENTS = 9187343241974906880  # of two floats
LAST_BITS = 36028797027352576
CARRIES = -9223372034707292160  # the two bits above EXPONENTS
EXPONENT_LOW = 255 << 23
ABSOLUTE = 9223372036854775807
NAN = 4095 << 51
INFINITY = 2047 << 52
ONE = 1023 << 52
MINUS_ONE = -4616189618054758400


# ---- matrices of a stack


def stack_count(buffer: int, ndim: int) -> int:
    """How many matrices the stack has."""
    count = 1
    axis = 0
    while axis < ndim - 2:
        count = count * length(buffer, axis)
        axis += 1
    return count


def matrix_at(buffer: int, ndim: int, i: int) -> int:
    """The address of the i-th matrix of a stack."""
    at = load64(buffer)
    axis = ndim - 3
    while axis >= 0:
        n = length(buffer, axis)
        at += i % n * stride_of(buffer, ndim, axis)
        i = i // n
        axis -= 1
    return at


def stride_of(buffer: int, ndim: int, axis: int) -> int:
    return load64(buffer + BUFFER_DIMS + (ndim + axis) * 8)


def copy_lengths(out: int, source: int, ndim: int) -> int:
    axis = 0
    while axis < ndim:
        store64(out + BUFFER_DIMS + axis * 8, length(source, axis))
        axis += 1
    return 0


def rows_of(buffer: int, ndim: int) -> int:
    return length(buffer, ndim - 2)


def columns_of(buffer: int, ndim: int) -> int:
    return length(buffer, ndim - 1)


def square(frame: int, buffer: int, ndim: int) -> int:
    """0 if the matrices are square and short enough for LAPACK."""
    n = columns_of(buffer, ndim)
    if rows_of(buffer, ndim) != n:
        return fail(frame, E_LENGTHS, rows_of(buffer, ndim), n, 0, 0)
    if not small(n):
        return fail(frame, E_LIMIT, n, n, 0, 0)
    return 0


def bounded(frame: int, buffer: int, ndim: int) -> int:
    """0 if the matrices are short enough for LAPACK."""
    m = rows_of(buffer, ndim)
    n = columns_of(buffer, ndim)
    if not small(m) or not small(n):
        return fail(frame, E_LIMIT, m, n, 0, 0)
    return 0


def make_output(frame: int, step: int, k: int, batch: int, rows: int, columns: int) -> int:
    """Memory for output k: a stack with the axes in front of `batch`'s matrices, and last these two lengths."""
    out = routine_output(frame, step, k)
    ndim = output_ndim(step, k)
    copy_lengths(out, batch, ndim - 2)
    store64(out + BUFFER_DIMS + (ndim - 2) * 8, rows)
    store64(out + BUFFER_DIMS + (ndim - 1) * 8, columns)
    return allocate(frame, out, ndim, output_size(step, k))


def make_square_output(frame: int, step: int) -> int:
    """Memory for output 0, which is as input 0; that must be square and short enough for LAPACK."""
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    failed = square(frame, x, ndim)
    if failed:
        return failed
    n = columns_of(x, ndim)
    return make_output(frame, step, 0, x, n, n)


def make_vectors(frame: int, step: int, k: int, batch: int, count: int) -> int:
    """Memory for output k: a vector of `count` elements for each matrix of `batch`."""
    out = routine_output(frame, step, k)
    ndim = output_ndim(step, k)
    copy_lengths(out, batch, ndim - 1)
    store64(out + BUFFER_DIMS + (ndim - 1) * 8, count)
    return allocate(frame, out, ndim, output_size(step, k))


# ---- copies


def copy_matrix(
    target: int, to_down: int, to_across: int, source: int, down: int, across: int, rows: int, columns: int, size: int
) -> int:
    """Copy a matrix between any strides, in blocks that fit the first cache where the two walk across each other."""
    if across == size and to_across == size:
        while rows > 0:
            memcpy(target, source, columns * size)
            target += to_down
            source += down
            rows -= 1
        return 0
    if down == size and to_down == size:
        while columns > 0:
            memcpy(target, source, rows * size)
            target += to_across
            source += across
            columns -= 1
        return 0
    i = 0
    while i < rows:
        high = rows - i
        if high > 32:
            high = 32
        j = 0
        while j < columns:
            wide = columns - j
            if wide > 32:
                wide = 32
            to = target + i * to_down + j * to_across
            at = source + i * down + j * across
            while wide > 0:
                copy_items(to, to_down, at, down, high, size)
                to += to_across
                at += across
                wide -= 1
            j += 32
        i += 32
    return 0


def to_columns(target: int, matrices: int, ndim: int, i: int, size: int) -> int:
    """Copy the i-th matrix of a stack to a column-major one."""
    rows = rows_of(matrices, ndim)
    return copy_matrix(
        target, size, rows * size, matrix_at(matrices, ndim, i),
        stride_of(matrices, ndim, ndim - 2), stride_of(matrices, ndim, ndim - 1),
        rows, columns_of(matrices, ndim), size,
    )  # fmt: skip


def to_doubles(target: int, matrices: int, ndim: int, i: int, size: int) -> int:
    """Copy the i-th matrix of a stack to a column-major one of doubles."""
    return convert(
        target, DOUBLE, rows_of(matrices, ndim) * DOUBLE, DOUBLE, matrix_at(matrices, ndim, i),
        stride_of(matrices, ndim, ndim - 2), stride_of(matrices, ndim, ndim - 1), size,
        rows_of(matrices, ndim), columns_of(matrices, ndim),
    )  # fmt: skip


def from_doubles(target: int, source: int, rows: int, columns: int, size: int) -> int:
    """Copy a column-major matrix of doubles to a row-major one."""
    return convert(target, columns * size, size, size, source, DOUBLE, rows * DOUBLE, DOUBLE, rows, columns)


def convert(
    target: int, to_down: int, to_across: int, to_size: int, source: int, down: int, across: int, size: int,
    rows: int, columns: int,
) -> int:  # fmt: skip
    """`copy_matrix` between floats of any sizes."""
    if size == to_size:
        return copy_matrix(target, to_down, to_across, source, down, across, rows, columns, size)
    i = 0
    while i < rows:
        high = least(rows - i, 32)
        j = 0
        while j < columns:
            wide = least(columns - j, 32)
            to = target + i * to_down + j * to_across
            at = source + i * down + j * across
            while wide > 0:
                k = 0
                while k < high:
                    put_number(to + k * to_down, number_at(at + k * down, size), to_size)
                    k += 1
                to += to_across
                at += across
                wide -= 1
            j += 32
        i += 32
    return 0


def to_rows(target: int, source: int, rows: int, columns: int, size: int) -> int:
    """Copy a column-major matrix to a row-major one."""
    return copy_matrix(target, columns * size, size, source, size, rows * size, rows, columns, size)


def fill_diagonal(target: int, rows: int, columns: int, stride: int, value: int, size: int) -> int:
    """A contiguous matrix of zeros with `value` on the diagonal, whose elements lie `stride` apart."""
    memset(target, 0, rows * columns * size)
    if columns < rows:
        rows = columns
    while rows > 0:
        put_number(target, value, size)
        target += stride
        rows -= 1
    return 0


def fill_numbers(target: int, count: int, value: int, size: int) -> int:
    while count > 0:
        put_number(target, value, size)
        target += size
        count -= 1
    return 0


# ---- numbers


def finite(source: int, down: int, across: int, rows: int, columns: int, size: int) -> int:
    """Is no element NaN or inf?"""
    if down == size and across != size:
        down = across
        across = size
        n = rows
        rows = columns
        columns = n
    while rows > 0:
        if across == size:
            if not finite_run(source, columns * size, size):
                return 0
        else:
            at = source
            j = 0
            while j < columns:
                if not finite_run(at, size, size):
                    return 0
                at += across
                j += 1
        source += down
        rows -= 1
    return 1


def finite_run(at: int, count: int, size: int) -> int:
    """Is none of the floats in `count` bytes NaN or inf?"""
    found = 0
    if size == 8:
        while count > 0:
            found = found | ((load64(at) & EXPONENT) + LAST_BIT)
            at += 8
            count -= 8
        return found >= 0
    while count >= 8:
        found = found | ((load64(at) & EXPONENTS) + LAST_BITS)
        at += 8
        count -= 8
    if count > 0:
        found = found | ((load32(at) & EXPONENT_LOW) + LAST_BITS)
    return (found & CARRIES) == 0


def finite_stack(matrices: int, ndim: int, size: int) -> int:
    i = stack_count(matrices, ndim)
    while i > 0:
        i -= 1
        if not finite(
            matrix_at(matrices, ndim, i), stride_of(matrices, ndim, ndim - 2), stride_of(matrices, ndim, ndim - 1),
            rows_of(matrices, ndim), columns_of(matrices, ndim), size,
        ):  # fmt: skip
            return 0
    return 1


def number_at(at: int, size: int) -> int:
    if size == 8:
        return load64(at)
    return fload32(at)


def put_number(at: int, value: int, size: int) -> int:
    if size == 8:
        store64(at, value)
    else:
        fstore32(at, value)
    return 0


def work_length(work: int, size: int) -> int:
    """What LAPACK has answered to a question for the length of its workspace."""
    n = fwhole(number_at(work, size))
    return n + (n >> 20) + 1  # a float of 32 bits may have rounded it
