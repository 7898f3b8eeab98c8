"""The run-time system: products with vectors through BLAS: matrix by vector, inner and outer products.

Written in the language of `runtime_language.py`. See `runtime_products.py`, where such steps are prepared.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, BUFFER_OWNER, copy_array, fail, release
from theano.backends.native.runtime_language import invoke, load64, stack, store8, store32, store64
from theano.backends.native.runtime_products import (
    OPERAND_BUFFER,
    OPERAND_COPY,
    OPERAND_WAY,
    PRODUCT_A,
    PRODUCT_ALPHA,
    PRODUCT_B,
    PRODUCT_BETA,
    PRODUCT_C,
    PRODUCT_KIND,
    PRODUCT_OUT,
    PRODUCT_ROUTINE,
    PRODUCT_SCALE,
    PRODUCT_SIZE,
    PRODUCT_TILES,
    across,
    bring,
    distance,
    down,
    number,
    output_waits,
    tile_task,
)
from theano.backends.native.runtime_routines import E_LIMIT, back, leave, length, small
from theano.backends.native.runtime_tile_products import (
    TILED_A,
    TILED_B,
    TILED_BYTES,
    TILED_C,
    TILED_M,
    tile_loop,
    tile_matrix,
    tile_rows,
    tiles_fit,
)


def vector_product_run(frame: int, step: int) -> int:
    kind = load64(step + PRODUCT_KIND)
    out = frame + load64(step + PRODUCT_OUT)
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    if kind == 1:
        if output_waits(frame, step, 1):
            return vector_product(frame, step, a, b, out)
        return 0
    if kind == 3:
        if output_waits(frame, step, 2):
            return outer_product(frame, step, a, b, out)
        return 0
    # inner product: a vector is a matrix of one row (BLAS is as fast for short ones as anything)
    row = stack(BUFFER_DIMS + 32)
    store64(row, load64(a))
    store64(row + BUFFER_OWNER, 0)
    store64(row + BUFFER_DIMS, 1)
    store64(row + BUFFER_DIMS + 8, length(a, 0))
    store64(row + BUFFER_DIMS + 16, 0)
    store64(row + BUFFER_DIMS + 24, step_of(a))
    one = stack(BUFFER_DIMS + 16)
    store64(one, load64(out))
    store64(one + BUFFER_OWNER, 0)
    store64(one + BUFFER_DIMS, 1)
    store64(one + BUFFER_DIMS + 8, load64(step + PRODUCT_SIZE))
    return vector_product(frame, step, row, b, one)


def step_of(vector: int) -> int:
    """The bytes from element to element of a vector."""
    return load64(vector + BUFFER_DIMS + 8)


def vector_product(frame: int, step: int, a: int, x: int, out: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(a, 0)
    n = length(a, 1)
    if load64(step + PRODUCT_KIND) == 1 and tile_loop(load64(step + PRODUCT_TILES), m, 1, n):
        tiled = stack(TILED_BYTES)
        tile_task(tiled, frame, step, m, 1, n)
        tile_matrix(tiled + TILED_A, load64(a), down(a), across(a))
        tile_matrix(tiled + TILED_B, load64(x), step_of(x), 0)
        tile_matrix(tiled + TILED_C, load64(out), step_of(out), 0)
        if tiles_fit(tiled):
            return tile_rows(tiled, 0, load64(tiled + TILED_M))
    matrix = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    vector = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    result = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    failed = bring(frame, matrix, a, 2, size) | bring(frame, vector, x, 1, size) | bring(frame, result, out, 1, size)
    way = load64(matrix + OPERAND_WAY)
    pace_x = load64(vector + OPERAND_WAY)
    pace_out = load64(result + OPERAND_WAY)
    place = load64(result + OPERAND_BUFFER)
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
                load64(load64(matrix + OPERAND_BUFFER)),
                ints + 8,
                load64(load64(vector + OPERAND_BUFFER)),
                ints + 12,
                number(frame, step, PRODUCT_BETA),
                load64(place),
                ints + 16,
            )
            back(thread)
        if place != out:
            copy_array(out, place, 1, size)
    release(matrix + OPERAND_COPY)
    release(vector + OPERAND_COPY)
    release(result + OPERAND_COPY)
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
    column = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    row = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    result = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    failed = bring(frame, column, x, 1, size) | bring(frame, row, y, 1, size) | bring(frame, result, out, 2, size)
    pace_x = load64(column + OPERAND_WAY)
    pace_y = load64(row + OPERAND_WAY)
    way = load64(result + OPERAND_WAY)
    place = load64(result + OPERAND_BUFFER)
    if not failed and not (small(m) and small(n) and small(way)):
        failed = fail(frame, E_LIMIT, m, n, 0, 0)
    if not failed:
        if load64(step + PRODUCT_C) == 0:
            memset(load64(place), 0, m * n * size)
        ints = stack(64)
        left = load64(column + OPERAND_BUFFER)
        right = load64(row + OPERAND_BUFFER)
        store32(ints, m)
        store32(ints + 4, n)
        store32(ints + 8, pace_x)
        store32(ints + 12, pace_y)
        if way > 0:
            left = load64(row + OPERAND_BUFFER)
            right = load64(column + OPERAND_BUFFER)
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
            copy_array(out, place, 2, size)
    release(column + OPERAND_COPY)
    release(row + OPERAND_COPY)
    release(result + OPERAND_COPY)
    return failed
