"""The run-time system: matrix products through BLAS, called by pointer.

Written in the language of `runtime_language.py`. BLAS is the Fortran interface of `scipy.linalg.cython_blas`:
column-major matrices, 32-bit integers by reference. A row-major matrix is its transpose read column by column; a
matrix whose strides are neither is copied.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    allocate,
    contiguous_copy,
    copy_array,
    exclusive,
    fail,
    release,
)
from theano.backends.native.runtime_language import invoke, load64, stack, store8, store32, store64
from theano.backends.native.runtime_routines import E_LIMIT, back, leave, length, small

PRODUCT_A = 16
PRODUCT_B = 24
PRODUCT_C = 32  # 0: absent
PRODUCT_OUT = 40
PRODUCT_ALPHA = 48  # address of the number, or
PRODUCT_ALPHA_AT = 56  # the 0-d buffer that holds it (0: none)
PRODUCT_BETA = 64
PRODUCT_BETA_AT = 72
PRODUCT_SIZE = 80
PRODUCT_ROUTINE = 88  # address in BLAS
PRODUCT_SCALE = 96  # address of ?scal in BLAS
PRODUCT_TAKES_OVER = 104
PRODUCT_GUARD = 112
PRODUCT_KIND = 120  # 2: gemm, 1: gemv, 0: dot, 3: ger, 4: batched
PRODUCT_STATE = 128  # one word in the frame: the output must be filled from C before the run
PRODUCT_BYTES = 136

E_INNER = 12


def product_prepare(frame: int, step: int) -> int:
    kind = load64(step + PRODUCT_KIND)
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    out = frame + load64(step + PRODUCT_OUT)
    ndim = kind
    if kind == 2:
        inner = length(a, 1)
        if inner != length(b, 0):
            return fail(frame, E_INNER, inner, length(b, 0), 0, 0)
        m = length(a, 0)
        n = length(b, 1)
    elif kind == 1:
        if length(a, 1) != length(b, 0):
            return fail(frame, E_INNER, length(a, 1), length(b, 0), 0, 0)
        m = length(a, 0)
    elif kind == 0:
        if length(a, 0) != length(b, 0):
            return fail(frame, E_INNER, length(a, 0), length(b, 0), 0, 0)
    elif kind == 3:
        ndim = 2
        m = length(a, 0)
        n = length(b, 0)
    else:
        ndim = 3
        if length(a, 2) != length(b, 1):
            return fail(frame, E_INNER, length(a, 2), length(b, 1), 0, 0)
        if length(a, 0) != length(b, 0):
            return fail(frame, E_INNER, length(a, 0), length(b, 0), 1, 0)
        m = length(a, 0)
        n = length(a, 1)
        store64(out + BUFFER_DIMS + 16, length(b, 2))
    if ndim > 0:
        store64(out + BUFFER_DIMS, m)
    if ndim > 1:
        store64(out + BUFFER_DIMS + 8, n)
    size = load64(step + PRODUCT_SIZE)
    state = frame + load64(step + PRODUCT_STATE)
    store64(state, 0)
    if load64(step + PRODUCT_C) != 0:
        c = frame + load64(step + PRODUCT_C)
        d = 0
        while d < ndim:
            if length(c, d) != length(out, d):
                return fail(frame, E_INNER, length(c, d), length(out, d), 2, d)
            d += 1
        if load64(step + PRODUCT_TAKES_OVER) and exclusive(frame, c, load64(step + PRODUCT_GUARD), ndim):
            memcpy(out, c, BUFFER_DIMS + ndim * 16)
            store64(c + BUFFER_OWNER, 0)
            return 0
        store64(state, 1)
    return allocate(frame, out, ndim, size)


def product_run(frame: int, step: int) -> int:
    kind = load64(step + PRODUCT_KIND)
    out = frame + load64(step + PRODUCT_OUT)
    size = load64(step + PRODUCT_SIZE)
    ndim = kind
    if kind == 3:
        ndim = 2
    if kind == 4:
        ndim = 3
    if load64(frame + load64(step + PRODUCT_STATE)):
        copy_array(out, frame + load64(step + PRODUCT_C), ndim, size)
    d = 0
    while d < ndim:
        if length(out, d) == 0:
            return 0
        d += 1
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    if kind == 2:
        return matrix_product(frame, step, a, b, out)
    if kind == 1:
        return vector_product(frame, step, a, b, out)
    if kind == 3:
        return outer_product(frame, step, a, b, out)
    if kind == 4:
        return batched_product(frame, step, a, b, out)
    # inner product: a vector is a matrix of one row
    row = stack(BUFFER_DIMS + 32)
    store64(row, load64(a))
    store64(row + BUFFER_OWNER, 0)
    store64(row + BUFFER_DIMS, 1)
    store64(row + BUFFER_DIMS + 8, length(a, 0))
    store64(row + BUFFER_DIMS + 16, 0)
    store64(row + BUFFER_DIMS + 24, load64(a + BUFFER_DIMS + 8))
    one = stack(BUFFER_DIMS + 16)
    store64(one, load64(out))
    store64(one + BUFFER_OWNER, 0)
    store64(one + BUFFER_DIMS, 1)
    store64(one + BUFFER_DIMS + 8, size)
    return vector_product(frame, step, row, b, one)


def number(frame: int, step: int, at: int) -> int:
    """Address of alpha or beta."""
    buffer = load64(step + at + 8)
    if buffer != 0:
        return load64(frame + buffer)
    return load64(step + at)


def fits(buffer: int, size: int) -> int:
    """How BLAS can read a matrix: its leading length if row-major, minus that if column-major, 0: not at all."""
    rows = length(buffer, 0)
    columns = length(buffer, 1)
    down = load64(buffer + BUFFER_DIMS + 16)
    across = load64(buffer + BUFFER_DIMS + 24)
    if across == size or columns <= 1:
        if rows <= 1:
            if columns < 1:
                return 1
            return columns
        if down > 0 and down % size == 0 and down // size >= columns and down // size >= 1:
            return down // size
    if down == size or rows <= 1:
        if columns <= 1:
            if rows < 1:
                return -1
            return 0 - rows
        if across > 0 and across % size == 0 and across // size >= rows and across // size >= 1:
            return 0 - across // size
    return 0


def matrix_product(frame: int, step: int, a: int, b: int, out: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(a, 0)
    inner = length(a, 1)
    n = length(b, 1)
    copy_a = stack(BUFFER_DIMS + 32)
    copy_b = stack(BUFFER_DIMS + 32)
    copy_out = stack(BUFFER_DIMS + 32)
    store64(copy_a + BUFFER_OWNER, 0)
    store64(copy_b + BUFFER_OWNER, 0)
    store64(copy_out + BUFFER_OWNER, 0)
    failed = 0
    way_a = fits(a, size)
    way_b = fits(b, size)
    way_out = fits(out, size)
    place = out
    if way_a == 0:
        failed = contiguous_copy(frame, copy_a, a, 2, size)
        a = copy_a
        way_a = inner
        if way_a < 1:
            way_a = 1
    if way_b == 0 and not failed:
        failed = contiguous_copy(frame, copy_b, b, 2, size)
        b = copy_b
        way_b = n
        if way_b < 1:
            way_b = 1
    if way_out == 0 and not failed:
        failed = contiguous_copy(frame, copy_out, out, 2, size)
        place = copy_out
        way_out = n
    if not failed and not (small(m) and small(n) and small(inner) and small(way_a) and small(way_b) and small(way_out)):
        failed = fail(frame, E_LIMIT, m, inner, n, 0)
    if not failed:
        # ints: rows, columns, inner, and three leading lengths; then the two transposition letters
        ints = stack(64)
        left = a
        right = b
        way_left = way_a
        way_right = way_b
        store32(ints, m)
        store32(ints + 4, n)
        if way_out > 0:
            # row-major: compute the transpose, B' A'
            left = b
            right = a
            way_left = 0 - way_b
            way_right = 0 - way_a
            store32(ints, n)
            store32(ints + 4, m)
        store32(ints + 8, inner)
        store8(ints + 32, 78)
        if way_left > 0:
            store8(ints + 32, 84)
        store8(ints + 33, 78)
        if way_right > 0:
            store8(ints + 33, 84)
        store32(ints + 12, distance(way_left))
        store32(ints + 16, distance(way_right))
        store32(ints + 20, distance(way_out))
        thread = leave(frame, m, n * inner)
        invoke(
            load64(step + PRODUCT_ROUTINE),
            ints + 32,
            ints + 33,
            ints,
            ints + 4,
            ints + 8,
            number(frame, step, PRODUCT_ALPHA),
            load64(left),
            ints + 12,
            load64(right),
            ints + 16,
            number(frame, step, PRODUCT_BETA),
            load64(place),
            ints + 20,
        )
        back(thread)
        if place != out:
            copy_array(out, copy_out, 2, size)
    release(copy_a)
    release(copy_b)
    release(copy_out)
    return failed


def distance(way: int) -> int:
    if way < 0:
        return 0 - way
    return way


def pace(buffer: int, size: int) -> int:
    """A vector's stride in elements, or 0 when BLAS cannot walk it."""
    stride = load64(buffer + BUFFER_DIMS + 8)
    if length(buffer, 0) == 1:
        return 1
    if stride <= 0 or stride % size != 0 or not small(stride // size):
        return 0
    return stride // size


def vector_product(frame: int, step: int, a: int, x: int, out: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(a, 0)
    n = length(a, 1)
    copy_a = stack(BUFFER_DIMS + 32)
    copy_x = stack(BUFFER_DIMS + 32)
    copy_out = stack(BUFFER_DIMS + 32)
    store64(copy_a + BUFFER_OWNER, 0)
    store64(copy_x + BUFFER_OWNER, 0)
    store64(copy_out + BUFFER_OWNER, 0)
    failed = 0
    way = fits(a, size)
    pace_x = pace(x, size)
    pace_out = pace(out, size)
    place = out
    if way == 0:
        failed = contiguous_copy(frame, copy_a, a, 2, size)
        a = copy_a
        way = n
        if way < 1:
            way = 1
    if pace_x == 0 and not failed:
        failed = contiguous_copy(frame, copy_x, x, 1, size)
        x = copy_x
        pace_x = 1
    if pace_out == 0 and not failed:
        failed = contiguous_copy(frame, copy_out, out, 1, size)
        place = copy_out
        pace_out = 1
    if not failed and not (small(m) and small(n) and small(way)):
        failed = fail(frame, E_LIMIT, m, n, 0, 0)
    if not failed:
        ints = stack(64)
        if load64(step + PRODUCT_C) == 0:
            # nothing is read from the output, not even to be multiplied by 0
            clear(load64(place), pace_out * size, m, size)
        if n == 0:
            if load64(step + PRODUCT_C) != 0:
                store32(ints, m)
                store32(ints + 4, pace_out)
                invoke(load64(step + PRODUCT_SCALE), ints, number(frame, step, PRODUCT_BETA), load64(place), ints + 4)
        else:
            store32(ints + 8, distance(way))
            store32(ints + 12, pace_x)
            store32(ints + 16, pace_out)
            store8(ints + 32, 78)
            store32(ints, m)
            store32(ints + 4, n)
            if way > 0:
                store8(ints + 32, 84)
                store32(ints, n)
                store32(ints + 4, m)
            thread = leave(frame, m, n)
            invoke(
                load64(step + PRODUCT_ROUTINE),
                ints + 32,
                ints,
                ints + 4,
                number(frame, step, PRODUCT_ALPHA),
                load64(a),
                ints + 8,
                load64(x),
                ints + 12,
                number(frame, step, PRODUCT_BETA),
                load64(place),
                ints + 16,
            )
            back(thread)
        if place != out:
            copy_array(out, copy_out, 1, size)
    release(copy_a)
    release(copy_x)
    release(copy_out)
    return failed


def clear(target: int, stride: int, count: int, size: int) -> int:
    while count > 0:
        memset(target, 0, size)
        target += stride
        count -= 1
    return 0


def outer_product(frame: int, step: int, x: int, y: int, out: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(x, 0)
    n = length(y, 0)
    copy_x = stack(BUFFER_DIMS + 32)
    copy_y = stack(BUFFER_DIMS + 32)
    copy_out = stack(BUFFER_DIMS + 32)
    store64(copy_x + BUFFER_OWNER, 0)
    store64(copy_y + BUFFER_OWNER, 0)
    store64(copy_out + BUFFER_OWNER, 0)
    failed = 0
    pace_x = pace(x, size)
    pace_y = pace(y, size)
    way = fits(out, size)
    place = out
    if pace_x == 0:
        failed = contiguous_copy(frame, copy_x, x, 1, size)
        x = copy_x
        pace_x = 1
    if pace_y == 0 and not failed:
        failed = contiguous_copy(frame, copy_y, y, 1, size)
        y = copy_y
        pace_y = 1
    if way == 0 and not failed:
        failed = contiguous_copy(frame, copy_out, out, 2, size)
        place = copy_out
        way = n
    if not failed and not (small(m) and small(n) and small(way)):
        failed = fail(frame, E_LIMIT, m, n, 0, 0)
    if not failed:
        if load64(step + PRODUCT_C) == 0:
            memset(load64(place), 0, m * n * size)
        ints = stack(64)
        left = x
        right = y
        store32(ints, m)
        store32(ints + 4, n)
        store32(ints + 8, pace_x)
        store32(ints + 12, pace_y)
        if way > 0:
            left = y
            right = x
            store32(ints, n)
            store32(ints + 4, m)
            store32(ints + 8, pace_y)
            store32(ints + 12, pace_x)
        store32(ints + 16, distance(way))
        thread = leave(frame, m, n)
        invoke(
            load64(step + PRODUCT_ROUTINE),
            ints,
            ints + 4,
            number(frame, step, PRODUCT_ALPHA),
            load64(left),
            ints + 8,
            load64(right),
            ints + 12,
            load64(place),
            ints + 16,
        )
        back(thread)
        if place != out:
            copy_array(out, copy_out, 2, size)
    release(copy_x)
    release(copy_y)
    release(copy_out)
    return failed


def slice_matrix(target: int, source: int, i: int) -> int:
    """The i-th matrix of a stack of matrices."""
    store64(target, load64(source) + i * load64(source + BUFFER_DIMS + 24))
    store64(target + BUFFER_OWNER, 0)
    store64(target + BUFFER_DIMS, length(source, 1))
    store64(target + BUFFER_DIMS + 8, length(source, 2))
    store64(target + BUFFER_DIMS + 16, load64(source + BUFFER_DIMS + 32))
    store64(target + BUFFER_DIMS + 24, load64(source + BUFFER_DIMS + 40))
    return 0


def batched_product(frame: int, step: int, a: int, b: int, out: int) -> int:
    one_a = stack(BUFFER_DIMS + 32)
    one_b = stack(BUFFER_DIMS + 32)
    one_out = stack(BUFFER_DIMS + 32)
    i = 0
    count = length(out, 0)
    while i < count:
        slice_matrix(one_a, a, i)
        slice_matrix(one_b, b, i)
        slice_matrix(one_out, out, i)
        if matrix_product(frame, step, one_a, one_b, one_out):
            return 1
        i += 1
    return 0
