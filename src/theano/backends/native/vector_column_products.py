"""Products of a matrix, whose columns are contiguous, and a vector: columns are added to y, which is contiguous.

y = alpha A x, to which beta y is added unless `beta`, an address, is 0. Strides are in bytes. An element of y has the
same bits, whichever other rows are computed in the same call.

Written in the language of `vector_language.py`; `runtime_vector_products.py` says which rows.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.vector_language import (
    store_item,
    vadd,
    vevens,
    vfill,
    vload,
    vload_first,
    vmix_high,
    vmix_low,
    vmul,
    vmuladd,
    vodds,
    vstore,
    vstore_first,
    vzero,
)

PIECE_BYTES = 16384  # of y, which stay in the first cache while all columns are added


def add_columns(
    a: int, a_across: int, rows: int, terms: int, x: int, x_step: int, y: int, alpha: int, beta: int
) -> int:
    """Columns of A and y are contiguous: columns are added to a piece of y, eight at once."""
    piece = PIECE_BYTES // SIZE
    while rows > 0:
        count = rows
        if count > piece:
            count = piece
        begin(y, count, beta)
        column = a
        at = x
        left = terms
        while left > 7:
            add_eight(column, a_across, count, at, x_step, y, alpha)
            column += 8 * a_across
            at += 8 * x_step
            left -= 8
        if left > 3:
            add_four(column, a_across, count, at, x_step, y, alpha)
            column += 4 * a_across
            at += 4 * x_step
            left -= 4
        while left > 0:
            add_one(column, count, at, y, alpha)
            column += a_across
            at += x_step
            left -= 1
        rows -= count
        a += PIECE_BYTES
        y += PIECE_BYTES
    return 0


def begin(y: int, count: int, beta: int) -> int:
    if beta == 0:
        memset(y, 0, count * SIZE)
        return 0
    factor = vfill(beta)
    while count > 0:
        vstore_first(y, vmul(vload_first(y, count), factor), count)
        y += LANES * SIZE
        count -= LANES
    return 0


def add_one(a: int, count: int, x: int, y: int, alpha: int) -> int:
    v = vmul(vfill(x), vfill(alpha))
    k = 0
    while k + LANES <= count:
        vstore(y, vmuladd(vload(a), v, vload(y)))
        a += LANES * SIZE
        y += LANES * SIZE
        k += LANES
    if k < count:
        vstore_first(y, vmuladd(vload_first(a, count - k), v, vload_first(y, count - k)), count - k)
    return 0


def add_four(a: int, a_across: int, count: int, x: int, x_step: int, y: int, alpha: int) -> int:
    factor = vfill(alpha)
    x0 = vmul(vfill(x), factor)
    x1 = vmul(vfill(x + x_step), factor)
    x2 = vmul(vfill(x + 2 * x_step), factor)
    x3 = vmul(vfill(x + 3 * x_step), factor)
    b = a + a_across
    c = b + a_across
    d = c + a_across
    while count > 0:
        v = vmuladd(vload_first(b, count), x1, vmul(vload_first(a, count), x0))
        w = vmuladd(vload_first(d, count), x3, vmul(vload_first(c, count), x2))
        vstore_first(y, vadd(vload_first(y, count), vadd(v, w)), count)
        a += LANES * SIZE
        b += LANES * SIZE
        c += LANES * SIZE
        d += LANES * SIZE
        y += LANES * SIZE
        count -= LANES
    return 0


def add_eight(a: int, a_across: int, count: int, x: int, x_step: int, y: int, alpha: int) -> int:
    factor = vfill(alpha)
    x0 = vmul(vfill(x), factor)
    x1 = vmul(vfill(x + x_step), factor)
    x2 = vmul(vfill(x + 2 * x_step), factor)
    x3 = vmul(vfill(x + 3 * x_step), factor)
    x4 = vmul(vfill(x + 4 * x_step), factor)
    x5 = vmul(vfill(x + 5 * x_step), factor)
    x6 = vmul(vfill(x + 6 * x_step), factor)
    x7 = vmul(vfill(x + 7 * x_step), factor)
    b = a + a_across
    c = b + a_across
    d = c + a_across
    e = d + a_across
    f = e + a_across
    g = f + a_across
    h = g + a_across
    end = count // LANES * LANES * SIZE
    k = 0
    while k < end:
        v = vmuladd(vload(b + k), x1, vmul(vload(a + k), x0))
        w = vmuladd(vload(d + k), x3, vmul(vload(c + k), x2))
        v = vmuladd(vload(e + k), x4, v)
        w = vmuladd(vload(f + k), x5, w)
        v = vmuladd(vload(g + k), x6, v)
        w = vmuladd(vload(h + k), x7, w)
        vstore(y + k, vadd(vload(y + k), vadd(v, w)))
        k += LANES * SIZE
    n = count % LANES
    if n:
        v = vmuladd(vload_first(b + k, n), x1, vmul(vload_first(a + k, n), x0))
        w = vmuladd(vload_first(d + k, n), x3, vmul(vload_first(c + k, n), x2))
        v = vmuladd(vload_first(e + k, n), x4, v)
        w = vmuladd(vload_first(f + k, n), x5, w)
        v = vmuladd(vload_first(g + k, n), x6, v)
        w = vmuladd(vload_first(h + k, n), x7, w)
        vstore_first(y + k, vadd(vload_first(y + k, n), vadd(v, w)), n)
    return 0


def add_short_columns(
    a: int, a_across: int, rows: int, terms: int, x: int, x_step: int, y: int, alpha: int, beta: int
) -> int:
    """The same for columns no longer than a vector: y stays in registers."""
    s0 = vzero()
    s1 = vzero()
    s2 = vzero()
    s3 = vzero()
    s4 = vzero()
    s5 = vzero()
    s6 = vzero()
    s7 = vzero()
    far = 4 * a_across
    while terms > 7:
        b = a + a_across
        c = b + a_across
        d = c + a_across
        s0 = vmuladd(vload_first(a, rows), vfill(x), s0)
        s1 = vmuladd(vload_first(b, rows), vfill(x + x_step), s1)
        s2 = vmuladd(vload_first(c, rows), vfill(x + 2 * x_step), s2)
        s3 = vmuladd(vload_first(d, rows), vfill(x + 3 * x_step), s3)
        s4 = vmuladd(vload_first(a + far, rows), vfill(x + 4 * x_step), s4)
        s5 = vmuladd(vload_first(b + far, rows), vfill(x + 5 * x_step), s5)
        s6 = vmuladd(vload_first(c + far, rows), vfill(x + 6 * x_step), s6)
        s7 = vmuladd(vload_first(d + far, rows), vfill(x + 7 * x_step), s7)
        a += 2 * far
        x += 8 * x_step
        terms -= 8
    while terms > 0:
        s0 = vmuladd(vload_first(a, rows), vfill(x), s0)
        a += a_across
        x += x_step
        terms -= 1
    s0 = vadd(vadd(vadd(s0, s1), vadd(s2, s3)), vadd(vadd(s4, s5), vadd(s6, s7)))
    s0 = vmul(s0, vfill(alpha))
    if beta:
        s0 = vmuladd(vload_first(y, rows), vfill(beta), s0)
    vstore_first(y, s0, rows)
    return 0


def add_pairs(a: int, terms: int, x: int, y: int, y_step: int, alpha: int, beta: int) -> int:
    """Columns of two elements, one after the other in memory, and a contiguous x."""
    s0 = vzero()
    s1 = vzero()
    s2 = vzero()
    s3 = vzero()
    while terms >= 2 * LANES:
        v = vload(x)
        w = vload(x + LANES * SIZE)
        s0 = vmuladd(vload(a), vmix_low(v, v), s0)
        s1 = vmuladd(vload(a + LANES * SIZE), vmix_high(v, v), s1)
        s2 = vmuladd(vload(a + 2 * LANES * SIZE), vmix_low(w, w), s2)
        s3 = vmuladd(vload(a + 3 * LANES * SIZE), vmix_high(w, w), s3)
        a += 4 * LANES * SIZE
        x += 2 * LANES * SIZE
        terms -= 2 * LANES
    while terms > 0:
        v = vload_first(x, terms)
        s0 = vmuladd(vload_first(a, 2 * terms), vmix_low(v, v), s0)
        s1 = vmuladd(vload_first(a + LANES * SIZE, 2 * terms - LANES), vmix_high(v, v), s1)
        a += 2 * LANES * SIZE
        x += LANES * SIZE
        terms -= LANES
    s0 = vadd(vadd(s0, s1), vadd(s2, s3))
    k = LANES
    s1 = vodds(s0, s0)
    s0 = vevens(s0, s0)
    while k > 2:
        s0 = vadd(vevens(s0, s0), vodds(s0, s0))
        s1 = vadd(vevens(s1, s1), vodds(s1, s1))
        k = k >> 1
    s0 = vmul(s0, vfill(alpha))
    s1 = vmul(s1, vfill(alpha))
    if beta:
        s0 = vmuladd(vfill(y), vfill(beta), s0)
        s1 = vmuladd(vfill(y + y_step), vfill(beta), s1)
    store_item(y, s0)
    store_item(y + y_step, s1)
    return 0
