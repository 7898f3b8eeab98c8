"""Products of a matrix and a vector: y = alpha A x, to which beta y is added unless `beta`, an address, is 0.

Strides are in bytes. An element of y has the same bits, whichever other rows are computed in the same call.

Written in the language of `vector_language.py`; `runtime_vector_products.py` says which rows.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import stack
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


def inner_rows(
    a: int, a_down: int, rows: int, terms: int, x: int, y: int, y_step: int, alpha: int, beta: int
) -> int:
    """Rows of A and x are contiguous: inner products of eight rows at once, for which x is read once. Missing rows are
    the last one again."""
    sums = stack(64)
    full = terms // LANES * LANES * SIZE
    rest = terms % LANES
    while rows > 0:
        b = a
        if rows > 1:
            b = a + a_down
        c = b
        if rows > 2:
            c = b + a_down
        d = c
        if rows > 3:
            d = c + a_down
        e = d
        if rows > 4:
            e = d + a_down
        f = e
        if rows > 5:
            f = e + a_down
        g = f
        if rows > 6:
            g = f + a_down
        h = g
        if rows > 7:
            h = g + a_down
        sa = vzero()
        sb = vzero()
        sc = vzero()
        sd = vzero()
        se = vzero()
        sf = vzero()
        sg = vzero()
        sh = vzero()
        k = 0
        while k < full:
            v = vload(x + k)
            sa = vmuladd(vload(a + k), v, sa)
            sb = vmuladd(vload(b + k), v, sb)
            sc = vmuladd(vload(c + k), v, sc)
            sd = vmuladd(vload(d + k), v, sd)
            se = vmuladd(vload(e + k), v, se)
            sf = vmuladd(vload(f + k), v, sf)
            sg = vmuladd(vload(g + k), v, sg)
            sh = vmuladd(vload(h + k), v, sh)
            k += LANES * SIZE
        if rest:
            v = vload_first(x + k, rest)
            sa = vmuladd(vload_first(a + k, rest), v, sa)
            sb = vmuladd(vload_first(b + k, rest), v, sb)
            sc = vmuladd(vload_first(c + k, rest), v, sc)
            sd = vmuladd(vload_first(d + k, rest), v, sd)
            se = vmuladd(vload_first(e + k, rest), v, se)
            sf = vmuladd(vload_first(f + k, rest), v, sf)
            sg = vmuladd(vload_first(g + k, rest), v, sg)
            sh = vmuladd(vload_first(h + k, rest), v, sh)
        # neighbours are added, until there is one element of each row
        sa = vadd(vevens(sa, sb), vodds(sa, sb))
        sc = vadd(vevens(sc, sd), vodds(sc, sd))
        se = vadd(vevens(se, sf), vodds(se, sf))
        sg = vadd(vevens(sg, sh), vodds(sg, sh))
        if LANES > 2:
            sa = vadd(vevens(sa, sc), vodds(sa, sc))
            se = vadd(vevens(se, sg), vodds(se, sg))
        count = rows
        if count > 8:
            count = 8
        if LANES > 4:
            sa = vadd(vevens(sa, se), vodds(sa, se))
            if LANES > 8:
                sa = vadd(vevens(sa, sa), vodds(sa, sa))
            if y_step == SIZE:
                sa = vmul(sa, vfill(alpha))
                if beta:
                    sa = vmuladd(vload_first(y, count), vfill(beta), sa)
                vstore_first(y, sa, count)
            else:
                vstore_first(sums, sa, 8)
                write(sums, count, y, y_step, alpha, beta)
        else:
            vstore(sums, sa)
            if LANES > 2:
                vstore(sums + 4 * SIZE, se)
            else:
                vstore(sums + 2 * SIZE, sc)
                vstore(sums + 4 * SIZE, se)
                vstore(sums + 6 * SIZE, sg)
            write(sums, count, y, y_step, alpha, beta)
        rows -= 8
        a += 8 * a_down
        y += 8 * y_step
    return 0


def write(sums: int, rows: int, y: int, y_step: int, alpha: int, beta: int) -> int:
    """The elements of y of some rows."""
    k = 0
    while k < rows:
        v = vmul(vfill(sums + k * SIZE), vfill(alpha))
        if beta:
            v = vmuladd(vfill(y), vfill(beta), v)
        store_item(y, v)
        y += y_step
        k += 1
    return 0


def inner(a: int, terms: int, x: int, y: int, alpha: int, beta: int) -> int:
    """One row: as many sums as it takes to hide how long an addition takes."""
    full = terms // (8 * LANES) * (8 * LANES) * SIZE
    end = terms * SIZE
    a0 = vzero()
    a1 = vzero()
    a2 = vzero()
    a3 = vzero()
    a4 = vzero()
    a5 = vzero()
    a6 = vzero()
    a7 = vzero()
    k = 0
    while k < full:
        a0 = vmuladd(vload(a + k), vload(x + k), a0)
        a1 = vmuladd(vload(a + k + LANES * SIZE), vload(x + k + LANES * SIZE), a1)
        a2 = vmuladd(vload(a + k + 2 * LANES * SIZE), vload(x + k + 2 * LANES * SIZE), a2)
        a3 = vmuladd(vload(a + k + 3 * LANES * SIZE), vload(x + k + 3 * LANES * SIZE), a3)
        a4 = vmuladd(vload(a + k + 4 * LANES * SIZE), vload(x + k + 4 * LANES * SIZE), a4)
        a5 = vmuladd(vload(a + k + 5 * LANES * SIZE), vload(x + k + 5 * LANES * SIZE), a5)
        a6 = vmuladd(vload(a + k + 6 * LANES * SIZE), vload(x + k + 6 * LANES * SIZE), a6)
        a7 = vmuladd(vload(a + k + 7 * LANES * SIZE), vload(x + k + 7 * LANES * SIZE), a7)
        k += 8 * LANES * SIZE
    while k < end:
        n = (end - k) // SIZE
        a0 = vmuladd(vload_first(a + k, n), vload_first(x + k, n), a0)
        k += LANES * SIZE
    a0 = vadd(vadd(vadd(a0, a1), vadd(a2, a3)), vadd(vadd(a4, a5), vadd(a6, a7)))
    k = LANES
    while k > 1:
        a0 = vadd(vevens(a0, a0), vodds(a0, a0))
        k = k >> 1
    a0 = vmul(a0, vfill(alpha))
    if beta:
        a0 = vmuladd(vfill(y), vfill(beta), a0)
    store_item(y, a0)
    return 0


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


def inner_pairs(a: int, rows: int, x: int, y: int, alpha: int, beta: int) -> int:
    """Rows of two elements, one after the other in memory; y is contiguous."""
    x0 = vfill(x)
    x1 = vfill(x + SIZE)
    while rows > 0:
        v = vload_first(a, 2 * rows)
        w = vload_first(a + LANES * SIZE, 2 * rows - LANES)
        v = vmul(vmuladd(vodds(v, w), x1, vmul(vevens(v, w), x0)), vfill(alpha))
        if beta:
            v = vmuladd(vload_first(y, rows), vfill(beta), v)
        vstore_first(y, v, rows)
        a += 2 * LANES * SIZE
        y += LANES * SIZE
        rows -= LANES
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
