"""The run-time system: singular values and vectors by LAPACK (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, fail
from theano.backends.native.runtime_language import load64, ref, stack
from theano.backends.native.runtime_matrices import (
    DOUBLE,
    LETTER_A,
    LETTER_N,
    LETTER_S,
    ONE,
    bounded,
    columns_of,
    fill_diagonal,
    from_doubles,
    make_output,
    make_vectors,
    rows_of,
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
    least,
    leave,
    most,
    routine_input,
    routine_output,
    routine_param,
    workspace,
)

# Outputs u, s and vh; params (what: 0 u and vh are square, 1 they are not, 2 s is the only output).


def job_of(step: int) -> int:
    kind = routine_param(step, 0)
    if kind == 0:
        return LETTER_A
    if kind == 1:
        return LETTER_S
    return LETTER_N


def svd_prepare(frame: int, step: int) -> int:
    job = job_of(step)
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    if bounded(frame, x, ndim):
        return 1
    if job == LETTER_N:
        return make_vectors(frame, step, 0, x, k)
    failed = 0
    if job == LETTER_A:
        failed = make_output(frame, step, 0, x, m, m)
        if not failed:
            failed = make_output(frame, step, 2, x, n, n)
    else:
        failed = make_output(frame, step, 0, x, m, k)
        if not failed:
            failed = make_output(frame, step, 2, x, k, n)
    if not failed:
        failed = make_vectors(frame, step, 1, x, k)
    return failed


def svd_run(frame: int, step: int) -> int:
    job = job_of(step)
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    first = load64(routine_output(frame, step, 0))
    if count == 0:
        return 0
    if job == LETTER_N:
        return decomposition(frame, step, job, m, n, 0, 0, first, 0, 0)
    s = load64(routine_output(frame, step, 1))
    vh = load64(routine_output(frame, step, 2))
    if k == 0:
        if job == LETTER_A:
            i = 0
            while i < count:
                fill_diagonal(first + i * m * m * size, m, m, (m + 1) * size, ONE, size)
                fill_diagonal(vh + i * n * n * size, n, n, (n + 1) * size, ONE, size)
                i += 1
        return 0
    if job == LETTER_A:
        return decomposition(frame, step, job, m, n, m, n, s, first, vh)
    return decomposition(frame, step, job, m, n, k, k, s, first, vh)


def decomposition(
    frame: int, step: int, job: int, m: int, n: int, wide: int, high: int, s: int, u: int, vh: int
) -> int:
    """Of every matrix: u has `wide` columns, vh `high` rows."""
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    k = least(m, n)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    if k == 0:
        return 0
    tall = most(high, 1)
    answer = stack(DOUBLE)
    lapack_gesdd(DOUBLE, ref(job), ref(m), ref(n), s, ref(m), s, s, ref(m), s, ref(tall), answer, ref(-1), s)
    room = work_length(answer, DOUBLE)
    copy = workspace(frame, m * n + m * wide + high * n + k + room + 8 * k, DOUBLE)
    if copy == 0:
        return E_MEMORY
    left = copy + m * n * DOUBLE
    right = left + m * wide * DOUBLE
    found = right + high * n * DOUBLE
    work = found + k * DOUBLE
    integers = work + room * DOUBLE
    thread = leave(frame, count * k, m * n)
    failed = 0
    i = 0
    while i < count and not failed:
        to_doubles(copy, x, ndim, i, size)
        failed = lapack_gesdd(
            DOUBLE, ref(job), ref(m), ref(n), copy, ref(m), found, left, ref(m), right, ref(tall), work, ref(room),
            integers,
        )  # fmt: skip
        if u != 0:
            from_doubles(u + i * m * wide * size, left, m, wide, size)
            from_doubles(vh + i * high * n * size, right, high, n, size)
        from_doubles(s, found, k, 1, size)
        s += k * size
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0
