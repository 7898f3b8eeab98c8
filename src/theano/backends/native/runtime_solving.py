"""The run-time system: linear systems by LAPACK and BLAS (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`. Inputs are a stack of matrices and a stack of right-hand sides, which
are matrices too, or a matrix and a vector.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_MEMORY, allocate, fail
from theano.backends.native.runtime_language import fdiv, fless, load64, ref, stack
from theano.backends.native.runtime_matrices import (
    ABSOLUTE,
    DOUBLE,
    LETTER_L,
    LETTER_N,
    LETTER_R,
    LETTER_T,
    LETTER_U,
    ONE,
    columns_of,
    convert,
    copy_lengths,
    copy_matrix,
    finite,
    finite_stack,
    matrix_at,
    number_at,
    put_number,
    square,
    stack_count,
    stride_of,
    to_columns,
    work_length,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_LIMIT,
    E_NUMBERS,
    back,
    input_ndim,
    input_size,
    leave,
    length,
    most,
    routine_input,
    routine_output,
    routine_param,
    small,
    workspace,
)

# params of every routine here
SYSTEM_FINITE = 0  # NaN and inf are errors
SYSTEM_LOWER = 1  # the triangle that is read
SYSTEM_TRANSPOSED = 2
SYSTEM_UNIT = 3  # the diagonal of a triangle counts as ones
SYSTEM_REGULAR = 4  # a zero on the diagonal is an error; 2: if there is a right-hand side


# ---- what all have in common


def system_prepare(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    failed = square(frame, a, ndim)
    if failed:
        return failed
    axis = 0
    while axis < ndim - 1:
        if length(a, axis) != length(b, axis):
            return fail(frame, E_LENGTHS, length(a, axis), length(b, axis), axis, 0)
        axis += 1
    if not small(sides(b, input_ndim(step, 1), ndim)):
        return fail(frame, E_LIMIT, columns_of(a, ndim), sides(b, input_ndim(step, 1), ndim), 0, 0)
    out = routine_output(frame, step, 0)
    copy_lengths(out, b, input_ndim(step, 1))
    return allocate(frame, out, input_ndim(step, 1), input_size(step, 1))


def sides(b: int, b_ndim: int, ndim: int) -> int:
    """How many right-hand sides each matrix has."""
    if b_ndim == ndim:
        return columns_of(b, ndim)
    return 1


def side_at(b: int, b_ndim: int, ndim: int, i: int) -> int:
    if b_ndim == ndim:
        return matrix_at(b, ndim, i)
    return load64(b)


def side_down(b: int, b_ndim: int, ndim: int) -> int:
    if b_ndim == ndim:
        return stride_of(b, ndim, ndim - 2)
    return load64(b + BUFFER_DIMS + 8)


def side_across(b: int, b_ndim: int, ndim: int, size: int) -> int:
    if b_ndim == ndim:
        return stride_of(b, ndim, ndim - 1)
    return size


def unfit(step: int, a: int, b: int, size: int) -> int:
    """Do the numbers forbid the work: NaN or inf, a zero on the diagonal?"""
    ndim = input_ndim(step, 0)
    b_ndim = input_ndim(step, 1)
    n = columns_of(a, ndim)
    count = stack_count(a, ndim)
    if routine_param(step, SYSTEM_FINITE):
        if not finite_stack(a, ndim, size):
            return 1
        i = 0
        while i < count:
            if not finite(
                side_at(b, b_ndim, ndim, i), side_down(b, b_ndim, ndim), side_across(b, b_ndim, ndim, size),
                n, sides(b, b_ndim, ndim), size,
            ):  # fmt: skip
                return 1
            i += 1
    regular = routine_param(step, SYSTEM_REGULAR)
    if regular == 1 or (regular == 2 and sides(b, b_ndim, ndim) > 0):
        i = 0
        while i < count:
            at = matrix_at(a, ndim, i)
            k = 0
            while k < n:
                if (number_at(at, size) & ABSOLUTE) == 0:
                    return 1
                at += stride_of(a, ndim, ndim - 2) + stride_of(a, ndim, ndim - 1)
                k += 1
            i += 1
    return 0


def put_side(target: int, to_down: int, to_across: int, to_size: int, step: int, b: int, i: int, size: int) -> int:
    """Copy the i-th right-hand side."""
    ndim = input_ndim(step, 0)
    b_ndim = input_ndim(step, 1)
    return convert(
        target, to_down, to_across, to_size, side_at(b, b_ndim, ndim, i), side_down(b, b_ndim, ndim),
        side_across(b, b_ndim, ndim, size), size, length(b, most(ndim - 2, 0)), sides(b, b_ndim, ndim),
    )  # fmt: skip


# ---- triangular


def solve_triangular_prepare(frame: int, step: int) -> int:
    return system_prepare(frame, step)


def solve_triangular_run(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    n = columns_of(a, ndim)
    k = sides(b, input_ndim(step, 1), ndim)
    count = stack_count(a, ndim)
    size = input_size(step, 0)
    down = stride_of(a, ndim, ndim - 2)
    across = stride_of(a, ndim, ndim - 1)
    x = load64(routine_output(frame, step, 0))
    way = reading(down, across, n, size)
    copy = 0
    if way == 0:
        copy = workspace(frame, n * n, size)
        if copy == 0:
            return E_MEMORY
        way = n
    thread = leave(frame, count * n, n * k)
    failed = unfit(step, a, b, size)
    i = 0
    while i < count and not failed and n > 0 and k > 0:
        put_side(x, k * size, size, size, step, b, i, size)
        matrix = matrix_at(a, ndim, i)
        if copy != 0:
            copy_matrix(copy, n * size, size, matrix, down, across, n, n, size)
            matrix = copy
        solve_triangle(
            matrix, way, x, n, k, routine_param(step, SYSTEM_LOWER), routine_param(step, SYSTEM_TRANSPOSED),
            routine_param(step, SYSTEM_UNIT), size,
        )  # fmt: skip
        x += n * k * size
        i += 1
    back(thread)
    if copy != 0:
        block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def reading(down: int, across: int, n: int, size: int) -> int:
    """How BLAS can read a matrix: its leading length if row-major, minus that if column-major, 0: not at all."""
    if n <= 1:
        return 1
    if across == size and down % size == 0 and down // size >= n and small(down // size):
        return down // size
    if down == size and across % size == 0 and across // size >= n and small(across // size):
        return 0 - across // size
    return 0


def solve_triangle(
    matrix: int, way: int, x: int, n: int, k: int, lower: int, transposed: int, unit: int, size: int
) -> int:
    """One system, in the memory of its row-major right-hand side, which BLAS reads as its transpose."""
    one = stack(8)
    put_number(one, ONE, size)
    leading = way
    if way > 0:
        # BLAS reads the transpose of the matrix, too
        lower = not lower
        transposed = not transposed
    else:
        leading = 0 - way
    triangle = LETTER_U
    if lower:
        triangle = LETTER_L
    diagonal = LETTER_N
    if unit:
        diagonal = LETTER_U
    turned = LETTER_N
    if k == 1:
        if transposed:
            turned = LETTER_T
        return blas_trsv(size, ref(triangle), ref(turned), ref(diagonal), ref(n), matrix, ref(leading), x, ref(1))
    # x^T op(matrix)^T = b^T
    if not transposed:
        turned = LETTER_T
    return blas_trsm(
        size, ref(LETTER_R), ref(triangle), ref(turned), ref(diagonal), ref(k), ref(n), one, matrix, ref(leading),
        x, ref(k),
    )  # fmt: skip


# ---- general, symmetric and positive definite


def solve_general_prepare(frame: int, step: int) -> int:
    return system_prepare(frame, step)


def solve_symmetric_prepare(frame: int, step: int) -> int:
    return system_prepare(frame, step)


def solve_definite_prepare(frame: int, step: int) -> int:
    return system_prepare(frame, step)


def solve_general_run(frame: int, step: int) -> int:
    return solve_whole(frame, step, 0)


def solve_symmetric_run(frame: int, step: int) -> int:
    return solve_whole(frame, step, 1)


def solve_definite_run(frame: int, step: int) -> int:
    return solve_whole(frame, step, 2)


def solve_whole(frame: int, step: int, kind: int) -> int:
    """By a factorisation of the whole matrix; kind 0: general, 1: symmetric, 2: positive definite.

    Floats of 32 bits are taken for doubles in general systems, as NumPy does it, and not in others, as SciPy does it.
    """
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    n = columns_of(a, ndim)
    k = sides(b, input_ndim(step, 1), ndim)
    count = stack_count(a, ndim)
    size = input_size(step, 0)
    wide = size
    if kind == 0:
        wide = DOUBLE
    letter = LETTER_U
    if routine_param(step, SYSTEM_LOWER):
        letter = LETTER_L
    down = stride_of(a, ndim, ndim - 2)
    across = stride_of(a, ndim, ndim - 1)
    if kind == 0 and routine_param(step, SYSTEM_TRANSPOSED):
        down = across
        across = stride_of(a, ndim, ndim - 2)
    x = load64(routine_output(frame, step, 0))
    room = 0
    if kind == 1 and n > 0 and k > 0 and count > 0:
        lapack_sysv(size, ref(letter), ref(n), ref(k), x, ref(n), x, x, ref(n), x, ref(-1))
        room = work_length(x, size)
    copy = workspace(frame, n * n + n + n * k + room, wide)  # pivots are not larger than elements
    if copy == 0:
        return E_MEMORY
    pivots = copy + n * n * wide
    work = pivots + n * wide
    found = work + room * wide
    thread = leave(frame, count * n, n * most(n, k))
    failed = unfit(step, a, b, size)
    i = 0
    while i < count and not failed and n > 0 and k > 0:
        convert(copy, wide, n * wide, wide, matrix_at(a, ndim, i), down, across, size, n, n)
        put_side(found, wide, n * wide, wide, step, b, i, size)
        if kind == 0:
            failed = lapack_gesv(wide, ref(n), ref(k), copy, ref(n), pivots, found, ref(n))
        elif kind == 1:
            # by Cholesky if it turns out to be positive definite
            failed = 1
            if positive_diagonal(copy, n, size):
                failed = lapack_posv(size, ref(letter), ref(n), ref(k), copy, ref(n), found, ref(n))
                if failed:
                    to_columns(copy, a, ndim, i, size)
                    put_side(found, size, n * size, size, step, b, i, size)
            if failed:
                failed = lapack_sysv(
                    size, ref(letter), ref(n), ref(k), copy, ref(n), pivots, found, ref(n), work, ref(room)
                )
        else:
            failed = lapack_posv(size, ref(letter), ref(n), ref(k), copy, ref(n), found, ref(n))
        convert(x + i * n * k * size, k * size, size, size, found, wide, n * wide, wide, n, k)
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def positive_diagonal(matrix: int, n: int, size: int) -> int:
    while n > 0:
        if not fless(0, number_at(matrix, size)):
            return 0
        matrix += (n + 1) * size
        n -= 1
    return 1


# ---- diagonal


def solve_diagonal_prepare(frame: int, step: int) -> int:
    return system_prepare(frame, step)


def solve_diagonal_run(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 0)
    n = columns_of(a, ndim)
    k = sides(b, input_ndim(step, 1), ndim)
    count = stack_count(a, ndim)
    size = input_size(step, 0)
    x = load64(routine_output(frame, step, 0))
    if unfit(step, a, b, size):
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    i = 0
    while i < count:
        put_side(x, k * size, size, size, step, b, i, size)
        divisor = matrix_at(a, ndim, i)
        row = 0
        while row < n:
            j = 0
            while j < k:
                put_number(x, fdiv(number_at(x, size), number_at(divisor, size)), size)
                x += size
                j += 1
            divisor += stride_of(a, ndim, ndim - 2) + stride_of(a, ndim, ndim - 1)
            row += 1
        i += 1
    return 0
