"""The run-time system: the products of two stacks of matrices.

Written in the language of `runtime_language.py`. See `runtime_products.py`, where such steps are prepared.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, BUFFER_OWNER
from theano.backends.native.runtime_kernels import DIVIDE_RANGE, division
from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64
from theano.backends.native.runtime_products import (
    BLAS_DIVIDES,
    DIVIDED_PRODUCT,
    PRODUCT_A,
    PRODUCT_ALPHA,
    PRODUCT_B,
    PRODUCT_BETA,
    PRODUCT_OUT,
    PRODUCT_ROUTINE,
    PRODUCT_SIZE,
    PRODUCT_TILES,
    across,
    down,
    fits,
    limit_blas,
    matrix_product,
    number,
    output_waits,
    tell_blas,
    tile_task,
    unlimit_blas,
)
from theano.backends.native.runtime_routines import back, leave, length, small
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

# products of a stack by BLAS, which takes all matrices where they lie
STACK_ROUTINE = 0
STACK_INTS = 8
STACK_ALPHA = 16
STACK_BETA = 24
STACK_LEFT = 32  # the address of the first, and how far apart they are
STACK_RIGHT = 48
STACK_PLACE = 64
STACK_BYTES = 80


def slice_matrix(target: int, source: int, i: int) -> int:
    """The i-th matrix of a stack of matrices."""
    store64(target, load64(source) + i * load64(source + BUFFER_DIMS + 24))
    store64(target + BUFFER_OWNER, 0)
    store64(target + BUFFER_DIMS, length(source, 1))
    store64(target + BUFFER_DIMS + 8, length(source, 2))
    store64(target + BUFFER_DIMS + 16, load64(source + BUFFER_DIMS + 32))
    store64(target + BUFFER_DIMS + 24, load64(source + BUFFER_DIMS + 40))
    return 0


def stack_run(frame: int, step: int) -> int:
    out = frame + load64(step + PRODUCT_OUT)
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    if output_waits(frame, step, 3) == 0:
        return 0
    one_a = stack(BUFFER_DIMS + 32)
    one_b = stack(BUFFER_DIMS + 32)
    one_out = stack(BUFFER_DIMS + 32)
    i = 0
    count = length(out, 0)
    store64(BUDGET, load64(BUDGET) - (count >> 2))
    slice_matrix(one_a, a, 0)
    slice_matrix(one_b, b, 0)
    slice_matrix(one_out, out, 0)
    m = length(a, 1)
    inner = length(a, 2)
    n = length(b, 2)
    if tile_loop(load64(step + PRODUCT_TILES), m, n, inner):
        thread = leave(frame, count, m * n * inner)
        tiled = stack(TILED_BYTES)
        fits_tiles = 1
        while i < count and fits_tiles:
            tile_task(tiled, frame, step, m, n, inner)
            tile_matrix(tiled + TILED_A, load64(a) + i * load64(a + BUFFER_DIMS + 24), down(one_a), across(one_a))
            tile_matrix(tiled + TILED_B, load64(b) + i * load64(b + BUFFER_DIMS + 24), down(one_b), across(one_b))
            tile_matrix(
                tiled + TILED_C, load64(out) + i * load64(out + BUFFER_DIMS + 24), down(one_out), across(one_out)
            )
            fits_tiles = tiles_fit(tiled)
            if fits_tiles:
                tile_rows(tiled, 0, load64(tiled + TILED_M))
            i += fits_tiles
        back(thread)
    if i == 0:
        done = stack_by_blas(frame, step, one_a, one_b, one_out, a, b, out)
        if done >= 0:
            return done
    while i < count:
        slice_matrix(one_a, a, i)
        slice_matrix(one_b, b, i)
        slice_matrix(one_out, out, i)
        if matrix_product(frame, step, one_a, one_b, one_out, 0):
            return 1
        i += 1
    return 0


def stack_by_blas(frame: int, step: int, one_a: int, one_b: int, one_out: int, a: int, b: int, out: int) -> int:
    """All products of stacks with these first matrices; -1: BLAS cannot read them as they lie, or they are large."""
    size = load64(step + PRODUCT_SIZE)
    m = length(one_a, 0)
    inner = length(one_a, 1)
    n = length(one_b, 1)
    way_a = fits(one_a, size)
    way_b = fits(one_b, size)
    way_out = fits(one_out, size)
    each = m * n * inner
    if way_a == 0 or way_b == 0 or way_out == 0 or each > DIVIDED_PRODUCT:
        return -1
    if not (small(m) and small(n) and small(inner) and small(way_a) and small(way_b) and small(way_out)):
        return -1
    ints = stack(64)
    task = stack(STACK_BYTES)
    left = a
    right = b
    if tell_blas(ints, m, n, inner, way_a, way_b, way_out):
        left = b
        right = a
    store64(task + STACK_ROUTINE, load64(step + PRODUCT_ROUTINE))
    store64(task + STACK_INTS, ints)
    store64(task + STACK_ALPHA, number(frame, step, PRODUCT_ALPHA))
    store64(task + STACK_BETA, number(frame, step, PRODUCT_BETA))
    lay_stack(task + STACK_LEFT, left)
    lay_stack(task + STACK_RIGHT, right)
    lay_stack(task + STACK_PLACE, out)
    count = length(out, 0)
    limited = 0
    if count * each > BLAS_DIVIDES:
        limited = limit_blas()
    failed = 0
    if limited and load64(THREADS) > 1:
        divide = division(frame, DIVIDE_RANGE)
        failed = divide == 0
        if not failed:
            invoke(divide, frame, address_of(some_of_stack), task, count, 1, count * each, size)
    else:
        thread = leave(frame, count, each)
        some_of_stack(task, 0, count)
        back(thread)
    if limited:
        unlimit_blas()
    return failed


def lay_stack(at: int, matrices: int) -> int:
    store64(at, load64(matrices))
    store64(at + 8, load64(matrices + BUFFER_DIMS + 24))
    return 0


def some_of_stack(task: int, first: int, end: int) -> int:
    ints = load64(task + STACK_INTS)
    while first < end:
        invoke(
            load64(task + STACK_ROUTINE),
            ints + 32,
            ints + 33,
            ints,
            ints + 4,
            ints + 8,
            load64(task + STACK_ALPHA),
            load64(task + STACK_LEFT) + first * load64(task + STACK_LEFT + 8),
            ints + 12,
            load64(task + STACK_RIGHT) + first * load64(task + STACK_RIGHT + 8),
            ints + 16,
            load64(task + STACK_BETA),
            load64(task + STACK_PLACE) + first * load64(task + STACK_PLACE + 8),
            ints + 20,
        )
        first += 1
    return 0
