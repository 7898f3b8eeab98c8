"""The run-time system: inverses and determinants by LAPACK (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, allocate, fail
from theano.backends.native.runtime_language import (
    fadd,
    fless,
    flog,
    fmul,
    fnumber,
    fsub,
    load32,
    load64,
    ref,
    stack,
)
from theano.backends.native.runtime_matrices import (
    ABSOLUTE,
    DOUBLE,
    INFINITY,
    ONE,
    columns_of,
    copy_lengths,
    fill_diagonal,
    finite,
    from_doubles,
    make_square_output,
    put_number,
    square,
    stack_count,
    to_doubles,
    work_length,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_routines import (
    E_NUMBERS,
    back,
    input_ndim,
    input_size,
    leave,
    output_ndim,
    output_size,
    routine_input,
    routine_output,
    workspace,
)

HUGE = 1535 << 52  # 2 to the 512th
TINY = 511 << 52  # its reciprocal


# ---- the inverse


def inverse_prepare(frame: int, step: int) -> int:
    return make_square_output(frame, step)


def inverse_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    if n == 0 or count == 0:
        return 0
    out = load64(routine_output(frame, step, 0))
    answer = stack(DOUBLE)
    lapack_getri(DOUBLE, ref(n), out, ref(n), out, answer, ref(-1))
    room = work_length(answer, DOUBLE)
    if room < n * n:
        room = n * n
    copy = workspace(frame, n * n + n + room, DOUBLE)  # pivots are not larger than elements
    if copy == 0:
        return E_MEMORY
    pivots = copy + n * n * DOUBLE
    work = pivots + n * DOUBLE
    failed = 0
    thread = leave(frame, count * n, n * n)
    i = 0
    while i < count and not failed:
        to_doubles(copy, x, ndim, i, size)
        if finite(copy, n * DOUBLE, DOUBLE, n, n, DOUBLE):
            failed = lapack_getrf(DOUBLE, ref(n), ref(n), copy, ref(n), pivots)
            if not failed:
                failed = lapack_getri(DOUBLE, ref(n), copy, ref(n), pivots, work, ref(room))
            from_doubles(out + i * n * n * size, copy, n, n, size)
        else:
            # as NumPy does it, so that NaN comes out at the same places
            fill_diagonal(work, n, n, (n + 1) * DOUBLE, ONE, DOUBLE)
            failed = lapack_gesv(DOUBLE, ref(n), ref(n), copy, ref(n), pivots, work, ref(n))
            from_doubles(out + i * n * n * size, work, n, n, size)
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
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
    return determinant_run(frame, step, load64(routine_output(frame, step, 0)), load64(routine_output(frame, step, 1)))


def determinant_run(frame: int, step: int, first: int, second: int) -> int:
    """Determinants, or where there is a second output signs and logarithms."""
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    copy = workspace(frame, n * n + n, DOUBLE)  # pivots are not larger than elements
    if copy == 0:
        return E_MEMORY
    thread = leave(frame, count * n, n * n)
    i = 0
    while i < count:
        to_doubles(copy, x, ndim, i, size)
        pivots = copy + n * n * DOUBLE
        sign = 0
        if n == 0 or lapack_getrf(DOUBLE, ref(n), ref(n), copy, ref(n), pivots) == 0:
            sign = pivot_sign(pivots, n)
        if second == 0:
            put_number(first + i * size, diagonal_product(copy, n, sign), size)
        else:
            diagonal_logarithm(copy, n, sign, first + i * size, second + i * size, size)
        i += 1
    back(thread)
    block_free(copy)
    return 0


def pivot_sign(pivots: int, n: int) -> int:
    sign = 1
    i = 0
    while i < n:
        if load32(pivots + i * 4) != i + 1:
            sign = 0 - sign
        i += 1
    return sign


def diagonal_product(matrix: int, n: int, sign: int) -> int:
    """sign times the product of the diagonal; partial products may leave the range of floats."""
    product = fnumber(sign)
    turns = 0  # powers of HUGE that were divided out
    i = 0
    while i < n and sign != 0:
        factor = load64(matrix + i * (n + 1) * DOUBLE)
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


def diagonal_logarithm(matrix: int, n: int, sign: int, to_sign: int, to_logarithm: int, size: int) -> int:
    total = 0
    negative = 0
    i = 0
    while i < n:
        factor = load64(matrix + i * (n + 1) * DOUBLE)
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
