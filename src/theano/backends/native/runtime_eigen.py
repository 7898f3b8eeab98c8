"""The run-time system: eigenvalues and eigenvectors by LAPACK (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`. The drivers are those of NumPy and SciPy (syevd, sygvd, geev), so that
eigenvectors have the same signs.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, fail
from theano.backends.native.runtime_language import load32, load64, ref, stack
from theano.backends.native.runtime_matrices import (
    ABSOLUTE,
    DOUBLE,
    LETTER_L,
    LETTER_N,
    LETTER_U,
    LETTER_V,
    columns_of,
    convert,
    finite_stack,
    from_doubles,
    make_output,
    make_vectors,
    square,
    stack_count,
    to_columns,
    to_doubles,
    work_length,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_NUMBERS,
    back,
    input_ndim,
    input_size,
    leave,
    most,
    routine_input,
    routine_output,
    routine_param,
    workspace,
)

# ---- symmetric: outputs the eigenvalues and, where EIGH_VECTORS, the eigenvectors

EIGH_LOWER = 0  # the triangle that is read
EIGH_FINITE = 1  # NaN and inf are errors
EIGH_VECTORS = 2
EIGH_PAIR = 3  # there is a second, positive definite matrix b: a v = w b v


def eigh_prepare(frame: int, step: int) -> int:
    failed = 0
    if routine_param(step, EIGH_PAIR):
        n = columns_of(routine_input(frame, step, 0), 2)
        other = routine_input(frame, step, 1)
        failed = square(frame, other, 2)
        if n != columns_of(other, 2):
            failed = fail(frame, E_LENGTHS, n, columns_of(other, 2), 0, 0)
    if not failed:
        failed = spectrum_prepare(frame, step, routine_param(step, EIGH_VECTORS))
    return failed


def spectrum_prepare(frame: int, step: int, vectors: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    failed = square(frame, x, ndim)
    if not failed:
        failed = make_vectors(frame, step, 0, x, n)
    if vectors and not failed:
        failed = make_output(frame, step, 1, x, n, n)
    return failed


def eigh_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    pair = routine_param(step, EIGH_PAIR)
    wide = DOUBLE
    if pair:
        wide = size  # as SciPy does it
    values = load64(routine_output(frame, step, 0))
    if n == 0 or count == 0:
        return 0
    vectors = 0
    job = LETTER_N
    if routine_param(step, EIGH_VECTORS):
        vectors = load64(routine_output(frame, step, 1))
        job = LETTER_V
    half = LETTER_U
    if routine_param(step, EIGH_LOWER):
        half = LETTER_L
    lengths = ref(0)
    answer = stack(DOUBLE)
    if pair:
        lapack_sygvd(
            wide, ref(1), ref(job), ref(half), ref(n), values, ref(n), values, ref(n), values, answer, ref(-1),
            lengths, ref(-1),
        )  # fmt: skip
    else:
        lapack_syevd(wide, ref(job), ref(half), ref(n), values, ref(n), values, answer, ref(-1), lengths, ref(-1))
    room = work_length(answer, wide)
    whole = most(load32(lengths), 1)
    copy = workspace(frame, n * n * (1 + pair) + n + room + whole, wide)
    if copy == 0:
        return E_MEMORY
    other = copy + n * n * wide
    found = other + n * n * wide * pair
    work = found + n * wide
    integers = work + room * wide
    thread = leave(frame, count * n, n * n)
    failed = 0
    if routine_param(step, EIGH_FINITE):
        failed = 1 - finite_stack(x, ndim, size)
    if pair and not failed:
        failed = 1 - finite_stack(routine_input(frame, step, 1), 2, size)
    i = 0
    while i < count and not failed:
        if pair:
            to_columns(copy, x, ndim, i, size)
            to_columns(other, routine_input(frame, step, 1), 2, 0, size)
            failed = lapack_sygvd(
                wide, ref(1), ref(job), ref(half), ref(n), copy, ref(n), other, ref(n), found, work, ref(room),
                integers, ref(whole),
            )  # fmt: skip
        else:
            to_doubles(copy, x, ndim, i, size)
            failed = lapack_syevd(
                wide, ref(job), ref(half), ref(n), copy, ref(n), found, work, ref(room), integers, ref(whole)
            )
        convert(values, size, size, size, found, wide, wide, wide, n, 1)
        if vectors:
            to = vectors + i * n * n * size
            convert(to, n * size, size, size, copy, wide, n * wide, wide, n, n)
        values += n * size
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


# ---- general: real eigenvalues only


def eig_prepare(frame: int, step: int) -> int:
    return spectrum_prepare(frame, step, 1)


def eig_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    values = load64(routine_output(frame, step, 0))
    vectors = load64(routine_output(frame, step, 1))
    if n == 0 or count == 0:
        return 0
    answer = stack(DOUBLE)
    lapack_geev(
        DOUBLE, ref(LETTER_N), ref(LETTER_V), ref(n), values, ref(n), values, values, values, ref(1), values, ref(n),
        answer, ref(-1),
    )  # fmt: skip
    room = work_length(answer, DOUBLE)
    copy = workspace(frame, 2 * n * n + 2 * n + room, DOUBLE)
    if copy == 0:
        return E_MEMORY
    turned = copy + n * n * DOUBLE
    found = turned + n * n * DOUBLE
    imaginary = found + n * DOUBLE
    work = imaginary + n * DOUBLE
    thread = leave(frame, count * n, n * n)
    failed = 1 - finite_stack(x, ndim, size)
    i = 0
    while i < count and not failed:
        to_doubles(copy, x, ndim, i, size)
        failed = lapack_geev(
            DOUBLE, ref(LETTER_N), ref(LETTER_V), ref(n), copy, ref(n), found, imaginary, work, ref(1), turned, ref(n),
            work, ref(room),
        )  # fmt: skip
        k = 0
        while k < n:
            if (load64(imaginary + k * DOUBLE) & ABSOLUTE) != 0:
                failed = 1
            k += 1
        from_doubles(vectors + i * n * n * size, turned, n, n, size)
        from_doubles(values, found, n, 1, size)
        values += n * size
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0
