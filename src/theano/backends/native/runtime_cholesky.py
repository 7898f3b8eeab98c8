"""The run-time system: Cholesky factors and their gradients (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`. Factors are row-major, and BLAS reads a row-major matrix as its
transpose: a lower triangle is an upper one to it.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, copy_items, fail
from theano.backends.native.runtime_language import fadd, fmul, load64, ref, stack
from theano.backends.native.runtime_matrices import (
    DOUBLE,
    LETTER_L,
    LETTER_N,
    LETTER_R,
    LETTER_T,
    LETTER_U,
    MINUS_ONE,
    NAN,
    ONE,
    columns_of,
    convert,
    copy_matrix,
    fill_numbers,
    finite,
    make_output,
    make_square_output,
    matrix_at,
    number_at,
    put_number,
    square,
    stack_count,
    stride_of,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_NUMBERS,
    back,
    input_ndim,
    input_size,
    leave,
    length,
    routine_input,
    routine_output,
    routine_param,
    workspace,
)

BLOCK = 64
HALF = 1022 << 52


# ---- the factor: params (lower, what is not positive definite becomes NaN)


def factor_prepare(frame: int, step: int) -> int:
    return make_square_output(frame, step)


def factor_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    target = load64(routine_output(frame, step, 0))
    copy = 0
    if size != DOUBLE:
        copy = workspace(frame, n * n, DOUBLE)
        if copy == 0:
            return E_MEMORY
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
            failed = factor_triangle(target, copy, source, down, across, n, size, routine_param(step, 0))
        if failed and routine_param(step, 1):
            fill_numbers(target, n * n, NAN, size)
            failed = 0
        target += n * n * size
        i += 1
    back(thread)
    if copy != 0:
        block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def factor_triangle(target: int, copy: int, source: int, down: int, across: int, n: int, size: int, lower: int) -> int:
    """The Cholesky factor in a row-major matrix, which LAPACK reads as its transpose; LAPACK's info.

    copy   room for doubles, where the matrix has none
    """
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
    if n == 0:
        return 0
    letter = LETTER_L
    if lower:
        letter = LETTER_U
    if size == DOUBLE:
        return lapack_potrf(DOUBLE, ref(letter), ref(n), target, ref(n))
    convert(copy, n * DOUBLE, DOUBLE, DOUBLE, target, n * size, size, size, n, n)
    info = lapack_potrf(DOUBLE, ref(letter), ref(n), copy, ref(n))
    convert(target, n * size, size, size, copy, n * DOUBLE, DOUBLE, DOUBLE, n, n)
    return info


# ---- the gradient by the matrix: inputs the lower factor and the gradient by it
#
# Blocks of columns from the last to the first, as I. Murray, "Differentiation of the Cholesky decomposition" (2016),
# section 4.2: two thirds of n^3 multiplications, nearly all in products of matrices.


def gradient_prepare(frame: int, step: int) -> int:
    factor = routine_input(frame, step, 0)
    given = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    failed = square(frame, factor, ndim)
    axis = 0
    while axis < ndim and not failed:
        if length(factor, axis) != length(given, axis):
            failed = fail(frame, E_LENGTHS, length(factor, axis), length(given, axis), axis, 0)
        axis += 1
    if failed:
        return failed
    n = columns_of(factor, ndim)
    return make_output(frame, step, 0, factor, n, n)


def gradient_run(frame: int, step: int) -> int:
    factor = routine_input(frame, step, 0)
    given = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    n = columns_of(factor, ndim)
    count = stack_count(factor, ndim)
    size = input_size(step, 0)
    down = stride_of(factor, ndim, ndim - 2)
    across = stride_of(factor, ndim, ndim - 1)
    out = load64(routine_output(frame, step, 0))
    in_rows = across == size and down == n * size
    copy = workspace(frame, n * n * (1 - in_rows) + BLOCK * BLOCK, size)
    if copy == 0:
        return E_MEMORY
    block = copy + n * n * (1 - in_rows) * size
    thread = leave(frame, count * n, n * n)
    i = 0
    while i < count:
        lower = matrix_at(factor, ndim, i)
        if not in_rows:
            copy_matrix(copy, n * size, size, lower, down, across, n, n, size)
            lower = copy
        put_triangle(
            out, matrix_at(given, ndim, i), stride_of(given, ndim, ndim - 2), stride_of(given, ndim, ndim - 1), n, size
        )
        if finite_triangle(lower, n, size) and finite_triangle(out, n, size):
            gradient_of_blocks(out, lower, block, n, size)
        else:
            fill_triangle(out, n, size)
        out += n * n * size
        i += 1
    back(thread)
    block_free(copy)
    return 0


def put_triangle(target: int, source: int, down: int, across: int, n: int, size: int) -> int:
    """The lower triangle of a matrix of any strides, with zeros above it, in a row-major one."""
    i = 0
    while i < n:
        copy_items(target, size, source, across, i + 1, size)
        memset(target + (i + 1) * size, 0, (n - i - 1) * size)
        target += n * size
        source += down
        i += 1
    return 0


def finite_triangle(matrix: int, n: int, size: int) -> int:
    i = 0
    while i < n:
        if not finite(matrix + i * n * size, size, size, 1, i + 1, size):
            return 0
        i += 1
    return 1


def fill_triangle(target: int, n: int, size: int) -> int:
    i = 0
    while i < n:
        fill_numbers(target + i * n * size, i + 1, NAN, size)
        i += 1
    return 0


def gradient_of_blocks(out: int, lower: int, block: int, n: int, size: int) -> int:
    """In place: `out` holds the gradient by the factor, and then by the lower triangle of the matrix.

    The factor's rows from `start` are [r | d | 0], and [b | c] below them, with as many columns.
    """
    one = stack(8)
    minus = stack(8)
    put_number(one, ONE, size)
    put_number(minus, MINUS_ONE, size)
    stop = n
    while stop > 0:
        start = stop - BLOCK
        if start < 0:
            start = 0
        wide = stop - start
        below = n - stop
        r = lower + start * n * size
        d = r + start * size
        b = lower + stop * n * size
        c = b + start * size
        by_r = out + start * n * size
        by_d = by_r + start * size
        by_b = out + stop * n * size
        by_c = by_b + start * size
        copy_matrix(block, wide * size, size, by_d, n * size, size, wide, wide, size)
        if below > 0:
            # by_c = by_c inv(d); by_b -= by_c r; by_d -= by_c^T c
            blas_trsm(
                size, ref(LETTER_L), ref(LETTER_U), ref(LETTER_N), ref(LETTER_N), ref(wide), ref(below), one,
                d, ref(n), by_c, ref(n),
            )  # fmt: skip
            if start > 0:
                blas_gemm(
                    size, ref(LETTER_N), ref(LETTER_N), ref(start), ref(below), ref(wide), minus,
                    r, ref(n), by_c, ref(n), one, by_b, ref(n),
                )  # fmt: skip
            blas_gemm(
                size, ref(LETTER_N), ref(LETTER_T), ref(wide), ref(wide), ref(below), minus,
                c, ref(n), by_c, ref(n), one, block, ref(wide),
            )  # fmt: skip
        gradient_of_one(block, d, n, wide, one, size)
        put_block(by_d, block, n, wide, size)
        if start > 0:
            # by_r -= by_c^T b + (by_d + by_d^T) r
            if below > 0:
                blas_gemm(
                    size, ref(LETTER_N), ref(LETTER_T), ref(start), ref(wide), ref(below), minus,
                    b, ref(n), by_c, ref(n), one, by_r, ref(n),
                )  # fmt: skip
            blas_gemm(
                size, ref(LETTER_N), ref(LETTER_N), ref(start), ref(wide), ref(wide), minus,
                r, ref(n), block, ref(wide), one, by_r, ref(n),
            )  # fmt: skip
        stop = start
    return 0


def gradient_of_one(block: int, d: int, n: int, wide: int, one: int, size: int) -> int:
    """The gradient x by a matrix of one block, without blocks, from that by its factor d: `block` becomes x + x^T.

    It is inv(d)^T p inv(d), where p is the lower triangle of d^T block with half of its diagonal.
    """
    half_triangle(block, wide, ONE, size)
    blas_trmm(
        size, ref(LETTER_R), ref(LETTER_U), ref(LETTER_T), ref(LETTER_N), ref(wide), ref(wide), one,
        d, ref(n), block, ref(wide),
    )  # fmt: skip
    half_triangle(block, wide, HALF, size)
    blas_trsm(
        size, ref(LETTER_R), ref(LETTER_U), ref(LETTER_T), ref(LETTER_N), ref(wide), ref(wide), one,
        d, ref(n), block, ref(wide),
    )  # fmt: skip
    blas_trsm(
        size, ref(LETTER_L), ref(LETTER_U), ref(LETTER_N), ref(LETTER_N), ref(wide), ref(wide), one,
        d, ref(n), block, ref(wide),
    )  # fmt: skip
    i = 0
    while i < wide:
        j = 0
        while j <= i:
            here = block + (i * wide + j) * size
            there = block + (j * wide + i) * size
            total = fadd(number_at(here, size), number_at(there, size))
            put_number(here, total, size)
            put_number(there, total, size)
            j += 1
        i += 1
    return 0


def half_triangle(block: int, wide: int, factor: int, size: int) -> int:
    """Zeros above the diagonal, which is multiplied."""
    i = 0
    while i < wide:
        at = block + (i * wide + i) * size
        put_number(at, fmul(number_at(at, size), factor), size)
        memset(at + size, 0, (wide - i - 1) * size)
        i += 1
    return 0


def put_block(target: int, block: int, n: int, wide: int, size: int) -> int:
    """The lower triangle of x from x + x^T, where x counts both triangles: the diagonal is halved."""
    i = 0
    while i < wide:
        memcpy(target, block + i * wide * size, i * size)
        put_number(target + i * size, fmul(number_at(block + (i * wide + i) * size, size), HALF), size)
        target += n * size
        i += 1
    return 0
