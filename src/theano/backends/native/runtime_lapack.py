"""The run-time system: linear algebra by LAPACK, called by pointer.

Written in the language of `runtime_language.py`. LAPACK works on column-major matrices in memory of its own, so what
it shall factorise is copied first: a row-major matrix is its transpose read column by column. Stacks of matrices go
matrix by matrix. See `runtime_routines.py` for what a routine is.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_MEMORY, allocate, block_free, copy_items, fail
from theano.backends.native.runtime_language import (
    fadd,
    fless,
    fload32,
    flog,
    fmul,
    fnumber,
    fstore32,
    fsub,
    load32,
    load64,
    stack,
    store8,
    store32,
    store64,
)
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_LIMIT,
    E_NUMBERS,
    back,
    input_ndim,
    input_size,
    leave,
    length,
    output_ndim,
    output_size,
    routine_input,
    routine_output,
    routine_param,
    small,
    workspace,
)

LETTER_L = 76
LETTER_U = 85

EXPONENT = 2047 << 52  # of a double; all ones: NaN or inf
EXPONENTS = 9187343241974906880  # of two floats
EXPONENT_LOW = 255 << 23
LAST_BIT = 1 << 52
LAST_BITS = 36028797027352576
CARRIES = -9223372034707292160  # the two bits above EXPONENTS
ABSOLUTE = 9223372036854775807
NAN = 4095 << 51
INFINITY = 2047 << 52
HUGE = 1535 << 52  # 2 to the 512th
TINY = 511 << 52  # its reciprocal


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


def finite(source: int, down: int, across: int, rows: int, columns: int, size: int) -> int:
    """Is no element NaN or inf?"""
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


def square(frame: int, buffer: int, ndim: int) -> int:
    """0 if the matrices are square and short enough for LAPACK."""
    n = length(buffer, ndim - 1)
    if length(buffer, ndim - 2) != n:
        return fail(frame, E_LENGTHS, length(buffer, ndim - 2), n, 0, 0)
    if not small(n):
        return fail(frame, E_LIMIT, n, n, 0, 0)
    return 0


# ---- Cholesky: params (lower, what is not positive definite becomes NaN)


def cholesky_prepare(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    out = routine_output(frame, step, 0)
    copy_lengths(out, x, ndim)
    failed = square(frame, x, ndim)
    if failed:
        return failed
    return allocate(frame, out, ndim, input_size(step, 0))


def cholesky_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = length(x, ndim - 1)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    target = load64(routine_output(frame, step, 0))
    failed = 0
    i = 0
    thread = leave(frame, count * n, n * n)
    while i < count and not failed:
        source = matrix_at(x, ndim, i)
        down = stride_of(x, ndim, ndim - 2)
        across = stride_of(x, ndim, ndim - 1)
        if not finite(source, down, across, n, n, size):
            failed = 1
        else:
            failed = factor_triangle(target, source, down, across, n, size, routine_param(step, 0))
        if failed and routine_param(step, 1):
            fill_numbers(target, n * n, NAN, size)
            failed = 0
        target += n * n * size
        i += 1
    back(thread)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def factor_triangle(target: int, source: int, down: int, across: int, n: int, size: int, lower: int) -> int:
    """The Cholesky factor in a row-major matrix, which LAPACK reads as its transpose; LAPACK's info."""
    i = 0
    while i < n:
        row = target + i * n * size
        if lower:
            copy_items(row, size, source + i * down, across, i + 1, size)
            memset(row + (i + 1) * size, 0, (n - i - 1) * size)
        else:
            memset(row, 0, i * size)
            copy_items(row + i * size, size, source + i * (down + across), across, n - i, size)
        i += 1
    ints = stack(16)
    store32(ints, n)
    store32(ints + 4, 0)
    store8(ints + 8, LETTER_L)
    if lower:
        store8(ints + 8, LETTER_U)
    if n == 0:
        return 0
    if size == 8:
        lapack_dpotrf(ints + 8, ints, target, ints, ints + 4)
    else:
        lapack_spotrf(ints + 8, ints, target, ints, ints + 4)
    return load32(ints + 4)


def fill_numbers(target: int, count: int, value: int, size: int) -> int:
    while count > 0:
        put_number(target, value, size)
        target += size
        count -= 1
    return 0


# ---- determinants


def det_prepare(frame: int, step: int) -> int:
    return determinant_prepare(frame, step, 1)


def slogdet_prepare(frame: int, step: int) -> int:
    return determinant_prepare(frame, step, 2)


def determinant_prepare(frame: int, step: int, outputs: int) -> int:
    x = routine_input(frame, step, 0)
    failed = square(frame, x, input_ndim(step, 0))
    k = 0
    while k < outputs and not failed:
        out = routine_output(frame, step, k)
        copy_lengths(out, x, output_ndim(step, k))
        failed = allocate(frame, out, output_ndim(step, k), output_size(step, k))
        k += 1
    return failed


def det_run(frame: int, step: int) -> int:
    return determinant_run(frame, step, load64(routine_output(frame, step, 0)), 0)


def slogdet_run(frame: int, step: int) -> int:
    return determinant_run(
        frame, step, load64(routine_output(frame, step, 0)), load64(routine_output(frame, step, 1))
    )


def determinant_run(frame: int, step: int, first: int, second: int) -> int:
    """Determinants, or where there is a second output signs and logarithms."""
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = length(x, ndim - 1)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    copy = workspace(frame, n * n + n, size)  # pivots are not larger than elements
    if copy == 0:
        return E_MEMORY
    thread = leave(frame, count * n, n * n)
    i = 0
    while i < count:
        copy_matrix(
            copy, size, n * size, matrix_at(x, ndim, i),
            stride_of(x, ndim, ndim - 2), stride_of(x, ndim, ndim - 1), n, n, size,
        )
        pivots = copy + n * n * size
        sign = 0
        if factor_rows(copy, pivots, n, size) == 0:
            sign = pivot_sign(pivots, n)
        if second == 0:
            put_number(first + i * size, diagonal_product(copy, n, size, sign), size)
        else:
            diagonal_logarithm(copy, n, size, sign, first + i * size, second + i * size)
        i += 1
    back(thread)
    block_free(copy)
    return 0


def factor_rows(matrix: int, pivots: int, n: int, size: int) -> int:
    """P L U of a column-major matrix in its own memory; LAPACK's info."""
    ints = stack(16)
    store32(ints, n)
    store32(ints + 4, 0)
    if n == 0:
        return 0
    if size == 8:
        lapack_dgetrf(ints, ints, matrix, ints, pivots, ints + 4)
    else:
        lapack_sgetrf(ints, ints, matrix, ints, pivots, ints + 4)
    return load32(ints + 4)


def pivot_sign(pivots: int, n: int) -> int:
    sign = 1
    i = 0
    while i < n:
        if load32(pivots + i * 4) != i + 1:
            sign = 0 - sign
        i += 1
    return sign


def diagonal_product(matrix: int, n: int, size: int, sign: int) -> int:
    """sign times the product of the diagonal; partial products may leave the range of floats."""
    product = fnumber(sign)
    turns = 0  # powers of HUGE that were divided out
    i = 0
    while i < n and sign != 0:
        factor = number_at(matrix + i * (n + 1) * size, size)
        k = 0
        while k < 2:
            if (factor & ABSOLUTE) < TINY:
                factor = fmul(factor, HUGE)
                turns -= 1
            k += 1
        if (factor & ABSOLUTE) > HUGE:
            factor = fmul(factor, TINY)
            turns += 1
        product = fmul(product, factor)
        if (product & ABSOLUTE) < TINY:
            product = fmul(product, HUGE)
            turns -= 1
        if (product & ABSOLUTE) > HUGE:
            product = fmul(product, TINY)
            turns += 1
        i += 1
    while turns > 0:
        product = fmul(product, HUGE)
        turns -= 1
    while turns < 0:
        product = fmul(product, TINY)
        turns += 1
    return product


def diagonal_logarithm(matrix: int, n: int, size: int, sign: int, to_sign: int, to_logarithm: int) -> int:
    total = 0
    negative = 0
    i = 0
    while i < n:
        factor = number_at(matrix + i * (n + 1) * size, size)
        if fless(factor, 0):
            negative = 1 - negative
        total = fadd(total, flog(factor & ABSOLUTE))
        i += 1
    if negative:
        sign = 0 - sign
    if sign == 0:
        total = fsub(0, INFINITY)
    put_number(to_sign, fnumber(sign), size)
    put_number(to_logarithm, total, size)
    return 0
