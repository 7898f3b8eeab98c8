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
    E_PYTHON,
    allocate,
    contiguous_copy,
    copy_array,
    exclusive,
    fail,
    release,
)
from theano.backends.native.runtime_kernels import DIVIDE_PRODUCT, DIVIDE_RANGE, division
from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store8, store32, store64
from theano.backends.native.runtime_records import KERNEL_PRODUCT, ROOM_OF_PRODUCTS
from theano.backends.native.runtime_routines import E_LIMIT, back, leave, length, small
from theano.backends.native.runtime_tile_products import (
    TILE_ROWS,
    TILED_A,
    TILED_ALPHA,
    TILED_B,
    TILED_BETA,
    TILED_BYTES,
    TILED_C,
    TILED_COPIES,
    TILED_INNER,
    TILED_M,
    TILED_N,
    TILED_SIZE,
    TILED_TABLE,
    tile_loop,
    tile_matrix,
    tile_rows,
    tiles_fit,
)

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
PRODUCT_VECTORS = 96  # address of the dtype's table
PRODUCT_TAKES_OVER = 104
PRODUCT_GUARD = 112
PRODUCT_KIND = 120  # 2: gemm, 1: gemv, 0: dot, 3: ger, 4: batched
PRODUCT_STATE = 128  # one word in the frame. 1: the output must be filled from C before the run; WAITS
PRODUCT_TILES = 136  # address of the dtype's table, see `runtime_tile_products.py`
PRODUCT_FOLLOWED = 144  # of kernels that go over its rows, see FOLLOWED_PRODUCT: KERNEL_COST, added up; 0: none
PRODUCT_OURS = 152  # 1: nobody but these kernels reads it
PRODUCT_BYTES = 160

# where the last of these kernels has KERNEL_PRODUCT
FOLLOWED_PRODUCT = 0  # the product's record
FOLLOWED_RUN = 8  # where the function is that runs the kernels alone
FOLLOWED_BYTES = 16

WAITS = 2  # PRODUCT_STATE of a product that is computed with the kernels behind it, see `runtime_panels.py`

# what a dtype's products with vectors call: functions of three files, and what compiles each of them when one of its
# functions is first needed (0: not yet)
VECTOR_ONE = 0  # the number 1
VECTOR_LANES = 8
VECTOR_MAKE_SINGLE = 16
VECTOR_MAKE_ROW = 24
VECTOR_MAKE_COLUMN = 32
VECTOR_INNER = 40
VECTOR_INNER_ROWS = 48
VECTOR_INNER_PAIRS = 56
VECTOR_ADD_COLUMNS = 64
VECTOR_ADD_SHORT_COLUMNS = 72
VECTOR_ADD_PAIRS = 80
VECTOR_BYTES = 88

# what BLAS reads or writes, see `bring`
OPERAND_BUFFER = 0
OPERAND_WAY = 8  # of a matrix, what `fits` says; of a vector, `pace`
OPERAND_COPY = 16  # a buffer, without an owner where nothing was copied

E_INNER = 12

# Multiplications from which OpenBLAS uses threads of its own, and from which the crew computes pieces instead.
BLAS_DIVIDES = 262144
DIVIDED_PRODUCT = 2097151
DIVIDED_TILES = 500000

# When panels pay, by measurement: results are much larger than the second cache, rows have so many bytes and terms.
LEAST_ROW = 256
MOST_TERMS = 48
CHEAP = 80  # picoseconds for a byte, by KERNEL_COST: kernels which wait for memory
# A tile writes eight rows at a time, for which memory has no liking if there is little to multiply in between. Then
# panels lie beside the result, always in the same place, and the kernels write it: row by row.
FEW_TERMS_BESIDE = 16
LONG_ROW = 1024  # from here on not for cheap kernels

PAY_IN_PLACE = 1  # what `panels_pay` says
PAY_BESIDE = 2

# how many threads BLAS may use: functions that ask and tell it (0: unknown), calls that limit it, and what was before
BLAS_GET = 0
BLAS_SET = 8
BLAS_USERS = 16
BLAS_BEFORE = 24
BLAS_KEEPS = 32  # whether pieces of columns (1) and of rows (2) have the bits of the whole; float32: four times that
BLAS_BYTES = 40

WIDE_PIECE = 192  # a piece of a product packs the other operand anew: it should not be narrow


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


def output_waits(frame: int, step: int, ndim: int) -> int:
    """Bring C to the output where that is to be; has the output elements that are to be computed?"""
    out = frame + load64(step + PRODUCT_OUT)
    if load64(frame + load64(step + PRODUCT_STATE)):
        copy_array(out, frame + load64(step + PRODUCT_C), ndim, load64(step + PRODUCT_SIZE))
    d = 0
    while d < ndim:
        if length(out, d) == 0:
            return 0
        d += 1
    return 1


def product_run(frame: int, step: int) -> int:
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    if load64(step + PRODUCT_FOLLOWED) and panels_pay(frame, step, stack(TILED_BYTES)):
        store64(frame + load64(step + PRODUCT_STATE), WAITS)
        return 0
    if output_waits(frame, step, 2):
        return matrix_product(frame, step, a, b, frame + load64(step + PRODUCT_OUT), 1)
    return 0


def panels_pay(frame: int, step: int, tiled: int) -> int:
    """Is a product better computed by panels of rows, each with the kernels behind it? If so `tiled` is filled in."""
    a = frame + load64(step + PRODUCT_A)
    out = frame + load64(step + PRODUCT_OUT)
    m = length(out, 0)
    n = length(out, 1)
    inner = length(a, 1)
    row = n * load64(step + PRODUCT_SIZE)
    if m * row < load64(CACHE_ROOM + ROOM_OF_PRODUCTS) or row < LEAST_ROW or inner > MOST_TERMS:
        return 0
    cheap = load64(step + PRODUCT_FOLLOWED) <= CHEAP * load64(step + PRODUCT_SIZE)
    pays = 0
    if cheap:
        pays = PAY_IN_PLACE
    if load64(step + PRODUCT_OURS) and inner <= FEW_TERMS_BESIDE and not (cheap and row > LONG_ROW):
        pays = PAY_BESIDE
    if not pays or load64(frame + load64(step + PRODUCT_STATE)):
        return 0
    if not tile_loop(load64(step + PRODUCT_TILES), m, n, inner):
        return 0
    tile_task(tiled, frame, step, m, n, inner)
    tile_matrices(tiled, a, frame + load64(step + PRODUCT_B), out)
    if not tiles_fit(tiled) or load64(tiled + TILED_M) != m:
        return 0
    if pays == PAY_IN_PLACE and load64(tiled + TILED_COPIES):
        # each panel would copy parts of B again, which is more than there is to gain
        return 0
    return pays


def run_behind_product(frame: int, step: int) -> int:
    """Run the kernels behind a product, of which `step` is the last, with the product if that waits for them."""
    followed = load64(step + KERNEL_PRODUCT)
    product = load64(followed + FOLLOWED_PRODUCT)
    if load64(frame + load64(product + PRODUCT_STATE)) != WAITS:
        return invoke(load64(load64(followed + FOLLOWED_RUN)), frame, step)
    if load64(PANELS) == 0:
        Py_DecRef(PyObject_Vectorcall(LOAD_PANELS, 0, 0, 0))
        if PyErr_Occurred() != 0:
            return fail(frame, E_PYTHON, 0, 0, 0, 0)
    return invoke(load64(PANELS), frame, step)


def tile_matrices(tiled: int, a: int, b: int, out: int) -> int:
    tile_matrix(tiled + TILED_A, load64(a), down(a), across(a))
    tile_matrix(tiled + TILED_B, load64(b), down(b), across(b))
    tile_matrix(tiled + TILED_C, load64(out), down(out), across(out))
    return 0


def number(frame: int, step: int, at: int) -> int:
    """Address of alpha or beta."""
    buffer = load64(step + at + 8)
    if buffer != 0:
        return load64(frame + buffer)
    return load64(step + at)


def added_onto(frame: int, step: int) -> int:
    """Address of beta where there is something that beta times is added to; 0 where the output is not read."""
    if load64(step + PRODUCT_C) == 0:
        return 0
    return number(frame, step, PRODUCT_BETA)


def down(buffer: int) -> int:
    """The bytes from row to row of a matrix."""
    return load64(buffer + BUFFER_DIMS + 16)


def across(buffer: int) -> int:
    """The bytes from column to column of a matrix."""
    return load64(buffer + BUFFER_DIMS + 24)


def fits(buffer: int, size: int) -> int:
    """How BLAS can read a matrix: its leading length if row-major, minus that if column-major, 0: not at all."""
    rows = length(buffer, 0)
    columns = length(buffer, 1)
    to_row = down(buffer)
    to_column = across(buffer)
    shift = 2 + (size == 8)
    if to_column == size or columns <= 1:
        if rows <= 1:
            if columns < 1:
                return 1
            return columns
        if to_row > 0 and to_row & (size - 1) == 0 and to_row >> shift >= columns:
            return to_row >> shift
    if to_row == size or rows <= 1:
        if columns <= 1:
            if rows < 1:
                return -1
            return 0 - rows
        if to_column > 0 and to_column & (size - 1) == 0 and to_column >> shift >= rows:
            return 0 - (to_column >> shift)
    return 0


def pace(buffer: int, size: int) -> int:
    """A vector's stride in elements, or 0 when BLAS cannot walk it."""
    stride = load64(buffer + BUFFER_DIMS + 8)
    if length(buffer, 0) == 1:
        return 1
    stride_in_elements = stride >> (2 + (size == 8))
    if stride <= 0 or stride & (size - 1) != 0 or not small(stride_in_elements):
        return 0
    return stride_in_elements


def bring(frame: int, operand: int, buffer: int, ndim: int, size: int) -> int:
    """Have a matrix or vector lie as BLAS can read it: where it is, or as a copy in `operand`, which is to be released.
    1: there is no memory, and still something to release."""
    store64(operand + OPERAND_COPY + BUFFER_OWNER, 0)
    store64(operand + OPERAND_BUFFER, buffer)
    way = 0
    if ndim == 2:
        way = fits(buffer, size)
    else:
        way = pace(buffer, size)
    store64(operand + OPERAND_WAY, way)
    if way != 0:
        return 0
    way = 1
    if ndim == 2 and length(buffer, 1) > 1:
        way = length(buffer, 1)
    store64(operand + OPERAND_WAY, way)
    store64(operand + OPERAND_BUFFER, operand + OPERAND_COPY)
    return contiguous_copy(frame, operand + OPERAND_COPY, buffer, ndim, size)


def matrix_product(frame: int, step: int, a: int, b: int, out: int, may_be_tiles: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(a, 0)
    inner = length(a, 1)
    n = length(b, 1)
    if may_be_tiles and tile_loop(load64(step + PRODUCT_TILES), m, n, inner):
        tiled = stack(TILED_BYTES)
        tile_task(tiled, frame, step, m, n, inner)
        tile_matrices(tiled, a, b, out)
        if tiles_fit(tiled):
            work = m * n * inner
            if work > DIVIDED_TILES and load64(THREADS) > 1:
                divide = division(frame, DIVIDE_RANGE)
                if divide == 0:
                    return 1
                invoke(divide, frame, address_of(tile_rows), tiled, load64(tiled + TILED_M), TILE_ROWS, work, size)
                return 0
            thread = leave(frame, m, n * inner)
            tile_rows(tiled, 0, load64(tiled + TILED_M))
            back(thread)
            return 0
    one = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    other = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    result = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    failed = bring(frame, one, a, 2, size) | bring(frame, other, b, 2, size) | bring(frame, result, out, 2, size)
    way_a = load64(one + OPERAND_WAY)
    way_b = load64(other + OPERAND_WAY)
    way_out = load64(result + OPERAND_WAY)
    place = load64(result + OPERAND_BUFFER)
    if not failed and not (small(m) and small(n) and small(inner) and small(way_a) and small(way_b) and small(way_out)):
        failed = fail(frame, E_LIMIT, m, inner, n, 0)
    if not failed:
        ints = stack(64)
        left = load64(one + OPERAND_BUFFER)
        right = load64(other + OPERAND_BUFFER)
        if tell_blas(ints, m, n, inner, way_a, way_b, way_out):
            left = load64(other + OPERAND_BUFFER)
            right = load64(one + OPERAND_BUFFER)
        work = m * n * inner
        limited = 0
        if work > BLAS_DIVIDES:
            limited = limit_blas()
        divide = 0
        if limited and work > DIVIDED_PRODUCT and in_pieces(ints, size):
            divide = division(frame, DIVIDE_PRODUCT)
            failed = divide == 0
        if divide != 0:
            invoke(
                divide,
                frame,
                load64(step + PRODUCT_ROUTINE),
                ints,
                number(frame, step, PRODUCT_ALPHA),
                load64(left),
                load64(right),
                number(frame, step, PRODUCT_BETA),
                load64(place),
                size,
            )
        elif not failed:
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
        if limited:
            unlimit_blas()
        if place != out:
            copy_array(out, place, 2, size)
    release(one + OPERAND_COPY)
    release(other + OPERAND_COPY)
    release(result + OPERAND_COPY)
    return failed


def tell_blas(ints: int, m: int, n: int, inner: int, way_a: int, way_b: int, way_out: int) -> int:
    """Rows, columns, inner, and three leading lengths; then the two letters. 1: it is B' A', since C is row-major."""
    turned = way_out > 0
    way_left = way_a
    way_right = way_b
    store32(ints, m)
    store32(ints + 4, n)
    if turned:
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
    return turned


def in_pieces(ints: int, size: int) -> int:
    """Is a large product divided, since there are threads, or since the bits of the whole would be others?"""
    if load64(THREADS) > 1:
        return 1
    return keeps_bits(pieces_are_columns(ints, size), size) == 0


def pieces_are_columns(ints: int, size: int) -> int:
    """Is a product divided by its columns, or (0) by its rows? Whichever are more; but where only pieces of the others
    have the bits of the whole, and these are enough for two pieces, by these."""
    columns = load32(ints + 4) >= load32(ints)
    if keeps_bits(columns, size) != 0 or load32(ints + 4 * (columns == 0)) < 2 * WIDE_PIECE:
        return columns
    return columns ^ (keeps_bits(columns == 0, size) != 0)


def keeps_bits(columns: int, size: int) -> int:
    """Not 0: pieces of columns (or rows) have the bits of the whole, as BLAS computes it."""
    return load64(BLAS + BLAS_KEEPS) >> ((size == 4) * 2) & (2 - columns)


def tile_task(tiled: int, frame: int, step: int, m: int, n: int, inner: int) -> int:
    """What tiles have to know, but for the matrices."""
    store64(tiled + TILED_SIZE, load64(step + PRODUCT_SIZE))
    store64(tiled + TILED_TABLE, load64(step + PRODUCT_TILES))
    store64(tiled + TILED_M, m)
    store64(tiled + TILED_N, n)
    store64(tiled + TILED_INNER, inner)
    store64(tiled + TILED_ALPHA, number(frame, step, PRODUCT_ALPHA))
    store64(tiled + TILED_BETA, added_onto(frame, step))
    return 0


def limit_blas() -> int:
    """Let BLAS use one thread, until as many calls of `unlimit_blas`; 0: it cannot be told. With the GIL held."""
    if load64(BLAS + BLAS_SET) == 0:
        return 0
    users = load64(BLAS + BLAS_USERS)
    if users == 0:
        # an int: the upper half of the register is undefined
        store64(BLAS + BLAS_BEFORE, invoke(load64(BLAS + BLAS_GET)) & 65535)
        invoke(load64(BLAS + BLAS_SET), 1)
    store64(BLAS + BLAS_USERS, users + 1)
    return 1


def unlimit_blas() -> int:
    users = load64(BLAS + BLAS_USERS) - 1
    store64(BLAS + BLAS_USERS, users)
    if users == 0:
        invoke(load64(BLAS + BLAS_SET), load64(BLAS + BLAS_BEFORE))
    return 0


def distance(way: int) -> int:
    if way < 0:
        return 0 - way
    return way
