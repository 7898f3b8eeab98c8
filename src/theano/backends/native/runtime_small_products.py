"""The run-time system: products of small matrices without BLAS.

Written in the language of `runtime_language.py`. The loop is that of `product_text.py`; here products of any small
size and any strides are made of it. `vector_code.py` compiles the loop when the first such product is computed.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import copy_items
from theano.backends.native.runtime_language import invoke, load32, load64, stack
from theano.backends.native.runtime_routines import least

# what a dtype's products need: the loop's address (0: not compiled yet, 1: there is none), and what compiles it
SMALL_LOOP = 0
SMALL_MAKE = 8
SMALL_LANES = 16
SMALL_BYTES = 24

SMALL_ROWS = 8  # as in `product_text.py`
# Up to here the loop was faster than OpenBLAS on AVX-512: so many of its turns (float64: 16 x 16 times 16 x 16), sides
# that long, and so many elements to bring into order first
SMALL_TURNS = 64
SMALL_SIDE = 32
SMALL_PACKED = 64


def small_loop(table: int, m: int, n: int, inner: int) -> int:
    """The loop for a product of so many rows, columns and terms; 0 where BLAS is to do it."""
    if m > SMALL_SIDE or n > SMALL_SIDE or inner > SMALL_SIDE or inner < 1:
        return 0
    lanes = load64(table + SMALL_LANES)
    if ((m + SMALL_ROWS - 1) // SMALL_ROWS) * ((n + lanes - 1) // lanes) * inner > SMALL_TURNS:
        return 0
    loop = load64(table + SMALL_LOOP)
    if loop == 0:
        Py_DecRef(PyObject_Vectorcall(load64(table + SMALL_MAKE), 0, 0, 0))
        loop = load64(table + SMALL_LOOP)
    if loop == 1:
        return 0
    return loop


def is_zero(number: int, size: int) -> int:
    """Is the number at an address 0?"""
    if size == 8:
        return load64(number) << 1 == 0
    return load32(number) & 2147483647 == 0


def small_product(
    loop: int,
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
    b_across: int,
    c: int,
    c_down: int,
    c_across: int,
    alpha: int,
    beta: int,
) -> int:
    """C = alpha A B + beta C, where the rows or the columns of C are contiguous. beta 0: C is not read.
    1: done; 0: not, that is for BLAS."""
    rows_lie_ready = c_across == size or n == 1
    columns_lie_ready = c_down == size or m == 1
    if columns_lie_ready and (not rows_lie_ready or (a_down == size and (n == 1 or b_across != size))):
        # the transposed: C' = B' A'
        swap = m
        m = n
        n = swap
        swap = a
        a = b
        b = swap
        swap = a_down
        a_down = b_across
        b_across = swap
        swap = a_across
        a_across = b_down
        b_down = swap
        c_down = c_across
    elif not rows_lie_ready:
        return 0
    if beta != 0 and is_zero(beta, size):
        beta = 0
    room = 0
    if b_across != size and n > 1:
        if inner * n > SMALL_PACKED:
            return 0
        room = inner * n * size
    packed = stack(room + 8)
    if room != 0:
        k = 0
        while k < inner:
            copy_items(packed + k * n * size, size, b + k * b_down, b_across, n, size)
            k += 1
        b = packed
        b_down = n * size
    while n > 0:
        count = least(n, lanes)
        row = 0
        while row < m:
            rows = least(m - row, SMALL_ROWS)
            to = c + row * c_down
            invoke(loop, a + row * a_down, a_down, a_across, b, b_down, inner, to, c_down, rows, count, alpha, beta)
            row += rows
        b += count * size
        c += count * size
        n -= count
    return 1
