"""The run-time system: the cofactors of matrices (see `runtime_matrices.py`).

Written in the language of `runtime_language.py`. Those of regular matrices come from the inverse, others from the
singular values, all in doubles; see `Cofactors` in `tensor/linear/inverses.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_MEMORY, fail
from theano.backends.native.runtime_inverses import diagonal_product, pivot_sign
from theano.backends.native.runtime_language import fadd, fless, fmul, fnumber, load64, ref, stack, store64
from theano.backends.native.runtime_matrices import (
    ABSOLUTE,
    DOUBLE,
    INFINITY,
    LETTER_A,
    LETTER_T,
    NAN,
    ONE,
    columns_of,
    convert,
    fill_numbers,
    finite,
    make_square_output,
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
    most,
    routine_input,
    routine_output,
    workspace,
)

CONDITION = 1049 << 52  # 2 to the 26th: half of the digits are left
SMALLEST = 1 << 52  # the smallest normal double


def cofactors_prepare(frame: int, step: int) -> int:
    return make_square_output(frame, step)


def cofactors_run(frame: int, step: int) -> int:
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    n = columns_of(x, ndim)
    count = stack_count(x, ndim)
    size = input_size(step, 0)
    out = load64(routine_output(frame, step, 0))
    if n == 0 or count == 0:
        return 0
    answer = stack(DOUBLE)
    lapack_getri(DOUBLE, ref(n), answer, ref(n), answer, answer, ref(-1))
    room = work_length(answer, DOUBLE)
    lapack_gesdd(
        DOUBLE, ref(LETTER_A), ref(n), ref(n), answer, ref(n), answer, answer, ref(n), answer, ref(n), answer, ref(-1),
        answer,
    )  # fmt: skip
    room = most(room, work_length(answer, DOUBLE))
    copy = workspace(frame, 4 * n * n + 9 * n + room, DOUBLE)
    if copy == 0:
        return E_MEMORY
    thread = leave(frame, count * n, n * n)
    failed = 0
    i = 0
    while i < count and not failed:
        to_doubles(copy, x, ndim, i, size)
        if not finite(copy, n * DOUBLE, DOUBLE, n, n, DOUBLE):
            fill_numbers(copy, n * n, NAN, DOUBLE)
        elif not by_inverse(copy, n, room):
            to_doubles(copy, x, ndim, i, size)
            failed = by_singular_values(copy, n, room)
        convert(out + i * n * n * size, size, size, size, copy, DOUBLE, DOUBLE, DOUBLE, n * n, 1)
        i += 1
    back(thread)
    block_free(copy)
    if failed:
        return fail(frame, E_NUMBERS, 0, 0, 0, 0)
    return 0


def by_inverse(matrix: int, n: int, room: int) -> int:
    """det(x) inv(x)^T, row-major, in the place of the column-major x; 0 where x is too near to a singular matrix."""
    pivots = matrix + 4 * n * n * DOUBLE
    norm = largest_sum(matrix, n)
    if lapack_getrf(DOUBLE, ref(n), ref(n), matrix, ref(n), pivots):
        return 0
    determinant = diagonal_product(matrix, n, pivot_sign(pivots, n))
    absolute = determinant & ABSOLUTE
    if absolute <= SMALLEST or absolute >= INFINITY - 1:
        return 0
    if lapack_getri(DOUBLE, ref(n), matrix, ref(n), pivots, pivots + 9 * n * DOUBLE, ref(room)):
        return 0
    if not fless(fmul(norm, largest_sum(matrix, n)), CONDITION):
        return 0
    i = 0
    while i < n * n:
        at = matrix + i * DOUBLE
        store64(at, fmul(load64(at), determinant))
        i += 1
    return 1


def largest_sum(matrix: int, n: int) -> int:
    """The largest sum of moduli in a row."""
    largest = 0
    i = 0
    while i < n:
        total = 0
        j = 0
        while j < n:
            total = fadd(total, load64(matrix + (i + j * n) * DOUBLE) & ABSOLUTE)
            j += 1
        if not fless(total, largest):
            largest = total
        i += 1
    return largest


def by_singular_values(matrix: int, n: int, room: int) -> int:
    """Of x = u s vh: det(u) det(vh) times u, the products of all other singular values, and vh; row-major, in place."""
    u = matrix + n * n * DOUBLE
    vh = u + n * n * DOUBLE
    spare = vh + n * n * DOUBLE
    integers = spare + n * n * DOUBLE
    s = integers + 8 * n * DOUBLE
    work = s + n * DOUBLE
    failed = lapack_gesdd(
        DOUBLE, ref(LETTER_A), ref(n), ref(n), matrix, ref(n), s, u, ref(n), vh, ref(n), work, ref(room), integers
    )
    if failed:
        return failed
    phase = stack(DOUBLE)
    zero = stack(DOUBLE)
    store64(zero, 0)
    store64(phase, fmul(sign_of(u, spare, integers, n), sign_of(vh, spare, integers, n)))
    k = 0
    while k < n:
        others = ONE
        j = 0
        while j < n:
            if j != k:
                others = fmul(others, load64(s + j * DOUBLE))
            j += 1
        j = 0
        while j < n:
            at = u + (k * n + j) * DOUBLE
            store64(at, fmul(load64(at), others))
            j += 1
        k += 1
    # row-major u vh is column-major vh^T u^T
    blas_gemm(
        DOUBLE, ref(LETTER_T), ref(LETTER_T), ref(n), ref(n), ref(n), phase, vh, ref(n), u, ref(n), zero,
        matrix, ref(n),
    )  # fmt: skip
    return 0


def sign_of(orthogonal: int, spare: int, pivots: int, n: int) -> int:
    """The determinant of an orthogonal matrix: 1 or -1, as a float."""
    memcpy(spare, orthogonal, n * n * DOUBLE)
    lapack_getrf(DOUBLE, ref(n), ref(n), spare, ref(n), pivots)
    if fless(diagonal_product(spare, n, pivot_sign(pivots, n)), 0):
        return fnumber(-1)
    return ONE
