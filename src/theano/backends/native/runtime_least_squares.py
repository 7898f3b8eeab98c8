"""The run-time system: pseudo-inverses and least squares by LAPACK (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`. All is done in doubles, as NumPy does it: which singular values count
as zero must not depend on the rounding of floats of 32 bits.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_MEMORY, allocate, fail
from theano.backends.native.runtime_language import (
    fadd,
    fdiv,
    fless,
    fmul,
    load32,
    load64,
    ref,
    stack,
    store32,
    store64,
)
from theano.backends.native.runtime_matrices import (
    DOUBLE,
    LETTER_N,
    LETTER_S,
    ONE,
    bounded,
    columns_of,
    convert,
    from_doubles,
    make_output,
    put_number,
    rows_of,
    stack_count,
    stride_of,
    to_doubles,
    work_length,
)
from theano.backends.native.runtime_memory import block_free
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    E_NUMBERS,
    back,
    input_count,
    input_ndim,
    input_size,
    least,
    leave,
    length,
    most,
    output_ndim,
    routine_input,
    routine_output,
    small,
    workspace,
)

CUTOFF = 4382569440205035030  # 1e-15


# ---- the pseudo-inverse: inputs the matrices and, if at all, the cutoff


def pinv_prepare(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    failed = bounded(frame, x, ndim)
    if failed:
        return failed
    return make_output(frame, step, 0, x, columns_of(x, ndim), rows_of(x, ndim))


def pinv_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    out = load64(routine_output(frame, step, 0))
    if k == 0 or count == 0:
        return 0
    cutoff = CUTOFF
    if input_count(step) > 1:
        cutoff = load64(load64(routine_input(frame, step, 1)))
    answer = stack(DOUBLE)
    lapack_gesdd(
        DOUBLE, ref(LETTER_S), ref(m), ref(n), answer, ref(m), answer, answer, ref(m), answer, ref(k), answer, ref(-1),
        answer,
    )  # fmt: skip
    room = work_length(answer, DOUBLE)
    copy = workspace(frame, m * n + (m + n + 1) * k + room + 8 * k, DOUBLE)
    if copy == 0:
        return E_MEMORY
    u = copy + m * n * DOUBLE
    vh = u + m * k * DOUBLE
    s = vh + k * n * DOUBLE
    work = s + k * DOUBLE
    thread = leave(frame, count * k, m * n)
    failed = 0
    i = 0
    while i < count and not failed:
        to_doubles(copy, x, ndim, i, size)
        failed = lapack_gesdd(
            DOUBLE, ref(LETTER_S), ref(m), ref(n), copy, ref(m), s, u, ref(m), vh, ref(k), work, ref(room),
            work + room * DOUBLE,
        )  # fmt: skip
        if not failed:
            put_product(copy, u, vh, s, fmul(cutoff, load64(s)), m, n, k)
            convert(out + i * m * n * size, m * size, size, size, copy, m * DOUBLE, DOUBLE, DOUBLE, n, m)
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def put_product(target: int, u: int, vh: int, s: int, cutoff: int, m: int, n: int, k: int) -> int:
    """u divided by the singular values above the cutoff, times vh: the transposed pseudo-inverse. u is overwritten."""
    one = stack(DOUBLE)
    zero = stack(DOUBLE)
    factor = stack(DOUBLE)
    store64(one, ONE)
    store64(zero, 0)
    j = 0
    while j < k:
        value = load64(s + j * DOUBLE)
        if fless(cutoff, value):
            store64(factor, fdiv(ONE, value))
            blas_scal(DOUBLE, ref(m), factor, u + j * m * DOUBLE, ref(1))
        else:
            memset(u + j * m * DOUBLE, 0, m * DOUBLE)
        j += 1
    return blas_gemm(
        DOUBLE, ref(LETTER_N), ref(LETTER_N), ref(m), ref(n), ref(k), one, u, ref(m), vh, ref(k), zero, target, ref(m)
    )


# ---- least squares: inputs a, b and the cutoff; outputs the solution, the residuals (of which `run` finds out how many
# there are), the rank and the singular values


def lstsq_prepare(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 1)
    failed = bounded(frame, a, 2)
    if length(b, 0) != length(a, 0) or not small(length(b, ndim - 1)):
        failed = fail(frame, E_LENGTHS, length(a, 0), length(b, 0), 0, 0)
    if failed:
        return failed
    x = routine_output(frame, step, 0)
    store64(x + BUFFER_DIMS, length(a, 1))
    if ndim == 2:
        store64(x + BUFFER_DIMS + 8, length(b, 1))
    values = routine_output(frame, step, 3)
    store64(values + BUFFER_DIMS, least(length(a, 0), length(a, 1)))
    failed = allocate(frame, x, ndim, input_size(step, 0))
    if not failed:
        failed = allocate(frame, routine_output(frame, step, 2), output_ndim(step, 2), 4)
    if not failed:
        failed = allocate(frame, values, 1, input_size(step, 0))
    return failed


def lstsq_run(frame: int, step: int) -> int:
    a = routine_input(frame, step, 0)
    b = routine_input(frame, step, 1)
    ndim = input_ndim(step, 1)
    size = input_size(step, 0)
    m = rows_of(a, 2)
    n = columns_of(a, 2)
    k = least(m, n)
    sides = 1
    across = size
    if ndim == 2:
        sides = length(b, 1)
        across = stride_of(b, 2, 1)
    high = most(most(m, n), 1)
    columns = most(sides, 1)
    rank = stack(DOUBLE)
    store32(rank, 0)
    whole = ref(0)
    answer = stack(DOUBLE)
    lapack_gelsd(
        DOUBLE, ref(m), ref(n), ref(columns), answer, ref(most(m, 1)), answer, ref(high), answer, answer, rank,
        answer, ref(-1), whole,
    )  # fmt: skip
    room = work_length(answer, DOUBLE)
    copy = workspace(frame, m * n + high * columns + k + room + load32(whole) + 1, DOUBLE)
    if copy == 0:
        return E_MEMORY
    found = copy + m * n * DOUBLE
    s = found + high * columns * DOUBLE
    work = s + k * DOUBLE
    integers = work + room * DOUBLE
    cutoff = load64(routine_input(frame, step, 2))
    thread = leave(frame, k, m * n)
    failed = 0
    to_doubles(copy, a, 2, 0, size)
    memset(found, 0, high * columns * DOUBLE)
    convert(found, DOUBLE, high * DOUBLE, DOUBLE, load64(b), stride_of(b, ndim, 0), across, size, m, sides)
    if k > 0:
        failed = lapack_gelsd(
            DOUBLE, ref(m), ref(n), ref(columns), copy, ref(m), found, ref(high), s, cutoff, rank, work, ref(room),
            integers,
        )  # fmt: skip
    back(thread)
    if not failed:
        x = load64(routine_output(frame, step, 0))
        convert(x, sides * size, size, size, found, DOUBLE, high * DOUBLE, DOUBLE, n, sides)
        store32(load64(routine_output(frame, step, 2)), load32(rank))
        from_doubles(load64(routine_output(frame, step, 3)), s, k, 1, size)
        failed = put_residuals(frame, step, found, m, n, high, sides * (load32(rank) == n and m > n), size)
    elif failed != E_MEMORY:
        failed = fail(frame, E_NUMBERS, 0, 0, 0, 0)
    block_free(copy)
    return failed


def put_residuals(frame: int, step: int, found: int, m: int, n: int, high: int, count: int, size: int) -> int:
    """The sums of the squares of what lies below the solutions."""
    out = routine_output(frame, step, 1)
    store64(out + BUFFER_DIMS, count)
    failed = allocate(frame, out, 1, size)
    j = 0
    while j < count and not failed:
        total = 0
        i = n
        while i < m:
            value = load64(found + (j * high + i) * DOUBLE)
            total = fadd(total, fmul(value, value))
            i += 1
        put_number(load64(out) + j * size, total, size)
        j += 1
    return failed
