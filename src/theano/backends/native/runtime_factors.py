"""The run-time system: factorisations by LAPACK (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, copy_items, fail
from theano.backends.native.runtime_language import load32, load64, ref, store32
from theano.backends.native.runtime_matrices import (
    DOUBLE,
    ONE,
    bounded,
    columns_of,
    convert,
    fill_diagonal,
    finite_stack,
    from_doubles,
    make_output,
    make_vectors,
    put_number,
    rows_of,
    stack_count,
    to_columns,
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

# ---- LU: outputs the permutation, the lower and the upper factor


def lu_prepare(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    failed = bounded(frame, x, ndim)
    if not failed:
        failed = make_output(frame, step, 0, x, m, m)
    if not failed:
        failed = make_output(frame, step, 1, x, m, k)
    if not failed:
        failed = make_output(frame, step, 2, x, k, n)
    return failed


def lu_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    p = load64(routine_output(frame, step, 0))
    lower = load64(routine_output(frame, step, 1))
    upper = load64(routine_output(frame, step, 2))
    copy = workspace(frame, m * n + m + k, size)
    if copy == 0:
        return E_MEMORY
    pivots = copy + m * n * size
    thread = leave(frame, count * k, m * n)
    failed = 1 - finite_stack(x, ndim, size)
    i = 0
    while i < count and not failed:
        to_columns(copy, x, ndim, i, size)
        if k > 0:
            lapack_getrf(size, ref(m), ref(n), copy, ref(m), pivots)
        put_permutation(p + i * m * m * size, pivots, pivots + k * size, m, k, size)
        put_lower(lower + i * m * k * size, copy, m, k, size)
        put_upper(upper + i * k * n * size, copy, m, k, n, size)
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def put_permutation(target: int, pivots: int, rows: int, m: int, k: int, size: int) -> int:
    """The matrix p with p l u = x, from LAPACK's exchanges of rows; `rows`: room for m integers."""
    i = 0
    while i < m:
        store32(rows + i * 4, i)
        i += 1
    i = 0
    while i < k:
        other = load32(pivots + i * 4) - 1
        row = load32(rows + i * 4)
        store32(rows + i * 4, load32(rows + other * 4))
        store32(rows + other * 4, row)
        i += 1
    memset(target, 0, m * m * size)
    i = 0
    while i < m:
        put_number(target + (load32(rows + i * 4) * m + i) * size, ONE, size)
        i += 1
    return 0


def put_lower(target: int, source: int, m: int, k: int, size: int) -> int:
    """What is below the diagonal of a column-major matrix, and ones on it."""
    i = 0
    while i < m:
        inside = least(i, k)
        copy_items(target, size, source + i * size, m * size, inside, size)
        memset(target + inside * size, 0, (k - inside) * size)
        if i < k:
            put_number(target + i * size, ONE, size)
        target += k * size
        i += 1
    return 0


def put_upper(target: int, source: int, m: int, rows: int, n: int, size: int) -> int:
    """The upper triangle of a column-major matrix with m rows, the first `rows` of them."""
    i = 0
    while i < rows:
        inside = least(i, n)
        memset(target, 0, inside * size)
        copy_items(target + inside * size, size, source + (i + inside * m) * size, m * size, n - inside, size)
        target += n * size
        i += 1
    return 0


# ---- QR: params (0: q has min(m, n) columns, 1: q is square, 2: LAPACK's h and tau, 3: r alone)


def qr_prepare(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    kind = routine_param(step, 0)
    inner = k
    if kind == 1:
        inner = m
    failed = bounded(frame, x, ndim)
    if failed:
        return failed
    if kind == 3:
        return make_output(frame, step, 0, x, k, n)
    if kind == 2:
        failed = make_output(frame, step, 0, x, n, m)
        if not failed:
            failed = make_vectors(frame, step, 1, x, k)
        return failed
    failed = make_output(frame, step, 0, x, m, inner)
    if not failed:
        failed = make_output(frame, step, 1, x, inner, n)
    return failed


def qr_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    m = rows_of(x, ndim)
    n = columns_of(x, ndim)
    k = least(m, n)
    kind = routine_param(step, 0)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    first = load64(routine_output(frame, step, 0))
    if m == 0 or count == 0:
        return 0
    if n == 0:
        if kind == 1:
            i = 0
            while i < count:
                fill_diagonal(first + i * m * m * size, m, m, (m + 1) * size, ONE, size)
                i += 1
        return 0
    inner = k
    if kind == 1:
        inner = m
    columns = most(n, inner)
    tau = workspace(frame, k + 2, DOUBLE)
    if tau == 0:
        return E_MEMORY
    lapack_geqrf(DOUBLE, ref(m), ref(n), tau, ref(m), tau, tau, ref(-1))
    room = work_length(tau, DOUBLE)
    lapack_orgqr(DOUBLE, ref(m), ref(inner), ref(k), tau, ref(m), tau, tau, ref(-1))
    room = most(room, work_length(tau, DOUBLE))
    copy = workspace(frame, m * columns + room, DOUBLE)
    if copy == 0:
        block_free(tau)
        return E_MEMORY
    work = copy + m * columns * DOUBLE
    thread = leave(frame, count * k, m * columns)
    i = 0
    while i < count:
        to_doubles(copy, x, ndim, i, size)
        lapack_geqrf(DOUBLE, ref(m), ref(n), copy, ref(m), tau, work, ref(room))
        if kind == 3:
            upper_doubles(first + i * k * n * size, copy, m, k, n, size)
        elif kind == 2:
            from_doubles(first + i * m * n * size, copy, m * n, 1, size)
            from_doubles(load64(routine_output(frame, step, 1)) + i * k * size, tau, k, 1, size)
        else:
            upper_doubles(load64(routine_output(frame, step, 1)) + i * inner * n * size, copy, m, inner, n, size)
            lapack_orgqr(DOUBLE, ref(m), ref(inner), ref(k), copy, ref(m), tau, work, ref(room))
            from_doubles(first + i * m * inner * size, copy, m, inner, size)
        i += 1
    back(thread)
    block_free(copy)
    block_free(tau)
    return 0


def upper_doubles(target: int, source: int, m: int, rows: int, n: int, size: int) -> int:
    """`put_upper` of doubles."""
    if size == DOUBLE:
        return put_upper(target, source, m, rows, n, size)
    convert(target, n * size, size, size, source, DOUBLE, m * DOUBLE, DOUBLE, rows, n)
    i = 0
    while i < rows:
        memset(target + i * n * size, 0, least(i, n) * size)
        i += 1
    return 0
