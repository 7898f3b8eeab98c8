"""The inner product of a row and a vector, both contiguous.

y = alpha A x, to which beta y is added unless `beta`, an address, is 0. Strides are in bytes.

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
    vmul,
    vmuladd,
    vodds,
    vzero,
)


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
