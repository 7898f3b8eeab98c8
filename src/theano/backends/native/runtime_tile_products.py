"""The run-time system: matrix products without BLAS, tile by tile in registers, where that is faster.

Written in the language of `runtime_language.py`. The loop is that of `product_text.py`; here matrices of any sizes and
strides are brought to it. It takes every operand where it lies: for matrices of a few elements BLAS spends more time
on finding out what to do than on doing it, and where few multiplications are done with each element of a large operand,
it spends its time on copying that, and on multiplying C by beta. `vector_code.py` compiles the loop when the first such
product is computed.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import copy_items
from theano.backends.native.runtime_language import invoke, load32, load64, stack, store64
from theano.backends.native.runtime_routines import least
from theano.backends.native.runtime_turn import turn

# what a dtype's products need: the loop's address (0: not compiled yet, 1: there is none), and what compiles it
TILE_LOOP = 0
TILE_MAKE = 8
TILE_LANES = 16
TILE_ONE = 24  # the number 1
TILE_COPIES_PAY = 32  # see LONG_SIDE
TILE_COPIES_PAY_LATE = 40  # the same, if nothing has to be copied here
TILE_PAIR = 48  # the address of the loop that is two vectors wide; 0: there is none
TILE_BYTES = 56

# a product: its numbers, where its matrices lie, and what has been decided
TILED_SIZE = 0
TILED_TABLE = 8
TILED_M = 16
TILED_N = 24
TILED_INNER = 32
TILED_A = 40  # the address, bytes from row to row, from column to column
TILED_B = 64
TILED_C = 88
TILED_ALPHA = 112
TILED_BETA = 120  # 0: C is not read
TILED_COPIES = 128  # parts of B are copied first
TILED_BYTES = 136

TILE_ROWS = 8  # as in `product_text.py`
# All limits are OpenBLAS's against this loop, measured with AVX-512; those that are not the same for all processors are
# in the table.
FEW_TURNS = 64  # up to so many turns BLAS has hardly begun (float64: 16 x 16 times 16 x 16)
FEW_PACKED = 64  # and so many elements of B may have to be copied first
MANY_PRODUCTS = 1000000  # up to so many multiplications OpenBLAS does not copy its operands either
LONG_SIDE = 64  # if all sides are longer than this, BLAS's copies pay from so many multiplications on as the table says
FEW_TERMS = 256  # a part of B that the loop goes through again and again: so many rows, and so many bytes
PART_BYTES = 131072
COPIED_BYTES = 65536


def tile_loop(table: int, m: int, n: int, inner: int) -> int:
    """The loop for a product of so many rows, columns and terms; 0 where BLAS is to do it."""
    if inner < 1:
        return 0
    lanes = load64(table + TILE_LANES)
    rows = (m + TILE_ROWS - 1) & (0 - TILE_ROWS)
    columns = (n + lanes - 1) & (0 - lanes)
    if rows * columns * inner > FEW_TURNS * TILE_ROWS * lanes:
        if m * n * inner <= MANY_PRODUCTS:
            return 0
        # rows and columns of tiles that are no part of C are work, too
        if m * n * 20 < rows * columns * 9:
            return 0
    loop = load64(table + TILE_LOOP)
    if loop == 0:
        Py_DecRef(PyObject_Vectorcall(load64(table + TILE_MAKE), 0, 0, 0))
        loop = load64(table + TILE_LOOP)
    if loop == 1:
        return 0
    return loop


def is_zero(number: int, size: int) -> int:
    """Is the number at an address 0?"""
    if size == 8:
        return load64(number) << 1 == 0
    return load32(number) & 2147483647 == 0


def worth_a_copy(m: int, n: int, inner: int, lanes: int) -> int:
    """Is B, which the loop cannot read as it lies, so often gone through that a copy of its parts is worth it?"""
    return n * inner <= FEW_PACKED or m >= 16 * lanes


def tile_matrix(at: int, data: int, to_row: int, to_column: int) -> int:
    store64(at, data)
    store64(at + 8, to_row)
    store64(at + 16, to_column)
    return 0


def tiles_fit(tiled: int) -> int:
    """Can the loop do C = alpha A B + beta C, and is it to? Fills in what is decided, and may turn the product round.

    It can where the rows or the columns of C are contiguous.
    """
    size = load64(tiled + TILED_SIZE)
    m = load64(tiled + TILED_M)
    n = load64(tiled + TILED_N)
    inner = load64(tiled + TILED_INNER)
    rows_lie_ready = load64(tiled + TILED_C + 16) == size or n == 1
    columns_lie_ready = load64(tiled + TILED_C + 8) == size or m == 1
    a_lies = load64(tiled + TILED_A + 8) == size
    b_lies = load64(tiled + TILED_B + 16) == size
    if columns_lie_ready and (not rows_lie_ready or (a_lies and (n == 1 or not b_lies))):
        # the transposed: C' = B' A'
        turned = stack(24)
        tile_matrix(turned, load64(tiled + TILED_A), load64(tiled + TILED_A + 16), load64(tiled + TILED_A + 8))
        tile_matrix(
            tiled + TILED_A, load64(tiled + TILED_B), load64(tiled + TILED_B + 16), load64(tiled + TILED_B + 8)
        )
        memcpy(tiled + TILED_B, turned, 24)
        tile_matrix(
            tiled + TILED_C, load64(tiled + TILED_C), load64(tiled + TILED_C + 16), load64(tiled + TILED_C + 8)
        )
        store64(tiled + TILED_M, n)
        store64(tiled + TILED_N, m)
        m = load64(tiled + TILED_M)
        n = load64(tiled + TILED_N)
    elif not rows_lie_ready:
        return 0
    b_across = load64(tiled + TILED_B + 16)
    table = load64(tiled + TILED_TABLE)
    if least(m, least(n, inner)) > LONG_SIDE:
        copies_pay = load64(table + TILE_COPIES_PAY)
        if load64(tiled + TILED_A + 16) == size and b_across == size:
            copies_pay = load64(table + TILE_COPIES_PAY_LATE)
        if m * n * inner > copies_pay:
            return 0
    beta = load64(tiled + TILED_BETA)
    if beta != 0 and is_zero(beta, size):
        store64(tiled + TILED_BETA, 0)
    lanes = load64(table + TILE_LANES)
    store64(tiled + TILED_COPIES, 0)
    if b_across != size and n > 1:
        if not worth_a_copy(m, n, inner, lanes):
            return 0
        store64(tiled + TILED_COPIES, 1)
    if load64(tiled + TILED_B + 8) & 2047 == 0 and m >= 16 * lanes and inner > 64:
        # rows whose distance is a power of two compete for the same lines of the cache
        store64(tiled + TILED_COPIES, 1)
    return 1


def tile_rows(tiled: int, first: int, end: int) -> int:
    """The rows of C from `first`, a multiple of TILE_ROWS. Their bits do not depend on which others come with them."""
    table = load64(tiled + TILED_TABLE)
    size = load64(tiled + TILED_SIZE)
    n = load64(tiled + TILED_N)
    inner = load64(tiled + TILED_INNER)
    copies = load64(tiled + TILED_COPIES)
    lanes = load64(table + TILE_LANES)
    a_down = load64(tiled + TILED_A + 8)
    a_across = load64(tiled + TILED_A + 16)
    a = load64(tiled + TILED_A) + first * a_down
    b = load64(tiled + TILED_B)
    b_down = load64(tiled + TILED_B + 8)
    b_across = load64(tiled + TILED_B + 16)
    c_down = load64(tiled + TILED_C + 8)
    c = load64(tiled + TILED_C) + first * c_down
    beta = load64(tiled + TILED_BETA)
    terms = least(inner, FEW_TERMS)
    room = PART_BYTES
    if copies:
        room = COPIED_BYTES
    columns = (room // (terms * size)) & (0 - lanes)
    if columns >= n:
        columns = n
    elif columns < lanes:
        columns = lanes
    packed = 0
    if copies:
        packed = stack(terms * columns * size + 64)
    start = 0
    while start < inner:
        count = least(inner - start, terms)
        column = 0
        while column < n:
            wide = least(n - column, columns)
            part = b + start * b_down + column * b_across
            pitch = b_down
            if copies:
                pitch = wide * size
                copy_part(packed, pitch, part, b_down, b_across, count, wide, size)
                part = packed
            some_rows(
                table, lanes, size, end - first, wide, count, a + start * a_across, a_down,
                a_across, part, pitch, c + column * size, c_down, load64(tiled + TILED_ALPHA), beta,
            )  # fmt: skip
            column += wide
        beta = table + TILE_ONE
        start += count
    return 0


def copy_part(to: int, pitch: int, part: int, down: int, across: int, rows: int, columns: int, size: int) -> int:
    """Copy a part of B to where its rows are contiguous, `pitch` bytes apart."""
    if down == size and across != size:
        return turn(to, part, across, columns, rows, size, pitch)
    k = 0
    while k < rows:
        copy_items(to + k * pitch, size, part + k * down, across, columns, size)
        k += 1
    return 0


def some_rows(
    table: int,
    lanes: int,
    size: int,
    m: int,
    n: int,
    inner: int,
    a: int,
    a_down: int,
    a_across: int,
    b: int,
    b_down: int,
    c: int,
    c_down: int,
    alpha: int,
    beta: int,
) -> int:
    """Rows of C with a part of B: rows on the outside, so that C is gone through in order."""
    pair = load64(table + TILE_PAIR)
    while m > 0:
        rows = least(m, TILE_ROWS)
        column = 0
        while column < n:
            loop = load64(table + TILE_LOOP)
            count = least(n - column, lanes)
            if pair and n - column > lanes:
                loop = pair
                count = least(n - column, 2 * lanes)
            at = column * size
            invoke(loop, a, a_down, a_across, b + at, b_down, inner, c + at, c_down, rows, count, alpha, beta)
            column += count
        a += TILE_ROWS * a_down
        c += TILE_ROWS * c_down
        m -= rows
    return 0
