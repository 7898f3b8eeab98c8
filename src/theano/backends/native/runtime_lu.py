"""The run-time system: one LU factorisation for several systems (see `tensor/linear/shared_factors.py`).

Written in the language of `runtime_language.py`. What LAPACK reads column by column is the transpose of a row-major
matrix: that is factorised, so that neither the matrix nor its factors are ever turned. `lu_solve` takes contiguous
factors, as `lu_factor` makes them.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, allocate, fail
from theano.backends.native.runtime_language import load32, load64, ref
from theano.backends.native.runtime_matrices import (
    LETTER_N,
    LETTER_T,
    columns_of,
    copy_lengths,
    copy_matrix,
    finite,
    make_square_output,
    make_vectors,
    square,
    stride_of,
    to_columns,
    to_rows,
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
    routine_input,
    routine_output,
    routine_param,
    small,
    workspace,
)


def lu_factor_prepare(frame: int, step: int) -> int:
    failed = make_square_output(frame, step)
    if failed:
        return failed
    x = routine_input(frame, step, 0)
    return make_vectors(frame, step, 1, x, columns_of(x, 2))


def lu_factor_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    n = columns_of(x, 2)
    size = input_size(step, 0)
    if n == 0:
        return 0
    factors = load64(routine_output(frame, step, 0))
    pivots = load64(routine_output(frame, step, 1))
    thread = leave(frame, n * n, n)
    copy_matrix(factors, n * size, size, load64(x), stride_of(x, 2, 0), stride_of(x, 2, 1), n, n, size)
    failed = lapack_getrf(size, ref(n), ref(n), factors, ref(n), pivots)
    back(thread)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


# params of lu_solve
LU_FINITE = 0  # NaN and inf are errors
LU_TRANSPOSED = 1


def lu_solve_prepare(frame: int, step: int) -> int:
    factors = routine_input(frame, step, 0)
    pivots = routine_input(frame, step, 1)
    b = routine_input(frame, step, 2)
    failed = square(frame, factors, 2)
    if failed:
        return failed
    n = columns_of(factors, 2)
    if length(b, 0) != n:
        return fail(frame, E_LENGTHS, n, length(b, 0), 0, 0)
    if length(pivots, 0) != n:
        return fail(frame, E_LENGTHS, n, length(pivots, 0), 1, 0)
    ndim = input_ndim(step, 2)
    if ndim == 2 and not small(columns_of(b, 2)):
        return fail(frame, E_LIMIT, columns_of(b, 2), 0, 0, 0)
    out = routine_output(frame, step, 0)
    copy_lengths(out, b, ndim)
    return allocate(frame, out, ndim, input_size(step, 2))


def lu_solve_run(frame: int, step: int) -> int:
    factors = routine_input(frame, step, 0)
    pivots = routine_input(frame, step, 1)
    b = routine_input(frame, step, 2)
    n = columns_of(factors, 2)
    size = input_size(step, 0)
    ndim = input_ndim(step, 2)
    k = 1
    if ndim == 2:
        k = columns_of(b, 2)
    if n == 0 or k == 0:
        return 0
    if not pivots_fit(load64(pivots), n):
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    x = load64(routine_output(frame, step, 0))
    columns = x
    if k > 1:
        columns = workspace(frame, n * k, size)
        if columns == 0:
            return E_MEMORY
    turned = LETTER_T
    if routine_param(step, LU_TRANSPOSED):
        turned = LETTER_N
    matrix = load64(factors)
    thread = leave(frame, n * n, k)
    failed = 0
    if routine_param(step, LU_FINITE) and not finite(matrix, n * size, size, n, n, size):
        failed = 1
    if ndim == 1:
        copy_matrix(columns, size, size, load64(b), stride_of(b, 1, 0), size, n, 1, size)
    else:
        to_columns(columns, b, 2, 0, size)
    if routine_param(step, LU_FINITE) and not finite(columns, n * size, size, k, n, size):
        failed = 1
    if not failed:
        failed = lapack_getrs(size, ref(turned), ref(n), ref(k), matrix, ref(n), load64(pivots), columns, ref(n))
    if k > 1:
        to_rows(x, columns, n, k, size)
    back(thread)
    if k > 1:
        block_free(columns)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def pivots_fit(pivots: int, n: int) -> int:
    """Is every one the number of a row, counted from 1? LAPACK would read wherever they point."""
    i = 0
    while i < n:
        pivot = load32(pivots + i * 4)
        if pivot < 1 or pivot > n:
            return 0
        i += 1
    return 1
