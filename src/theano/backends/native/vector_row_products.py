"""Products of a matrix, whose rows are contiguous, and a vector, which is so, too.

y = alpha A x, to which beta y is added unless `beta`, an address, is 0. Strides are in bytes. An element of y has the
same bits, whichever other rows are computed in the same call.

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
    vmul,
    vmuladd,
    vodds,
    vstore,
    vstore_first,
    vzero,
)


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
