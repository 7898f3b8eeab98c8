"""Linear recurrences: s[k] = b[k] + a[k] * s[k - 1], of rows, element by element, and along a row.

`to` is where s is, `at` and `by` where b and a are; the first s is the first b. The product is rounded, and then the
sum, as in `LinearRecurrence.perform`.

Written in the language of `vector_language.py`; `runtime_cumulative.py` says which rows.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.vector_language import (
    store_item,
    vadd,
    vfill,
    vload,
    vload_first,
    vmul,
    vstore,
    vstore_first,
)


def rows(
    to: int, to_pitch: int, at: int, at_pitch: int, by: int, by_pitch: int, count: int, width: int
) -> int:
    j = 0
    while j < width:
        vstore_first(to + j * SIZE, vload_first(at + j * SIZE, width - j), width - j)
        j += LANES
    while count > 1:
        before = to
        to += to_pitch
        at += at_pitch
        by += by_pitch
        j = 0
        while j + LANES <= width:
            v = vmul(vload(by + j * SIZE), vload(before + j * SIZE))
            vstore(to + j * SIZE, vadd(vload(at + j * SIZE), v))
            j += LANES
        if j < width:
            n = width - j
            v = vmul(vload_first(by + j * SIZE, n), vload_first(before + j * SIZE, n))
            vstore_first(to + j * SIZE, vadd(vload_first(at + j * SIZE, n), v), n)
        count -= 1
    return 0


def chain(to: int, at: int, step: int, by: int, by_step: int, count: int) -> int:
    v = vfill(at)
    store_item(to, v)
    while count > 1:
        to += SIZE
        at += step
        by += by_step
        v = vadd(vfill(at), vmul(vfill(by), v))
        store_item(to, v)
        count -= 1
    return 0
