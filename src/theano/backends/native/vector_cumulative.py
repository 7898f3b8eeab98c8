"""Cumulative sums and products: of rows, element by element, and along rows.

Every result is made of the last one and one more element, in this order, as in NumPy: by `vcombine`, which is the one
or the other. `to` and `at` are where results and elements lie; the first result is the first element.

Written in the language of `vector_language.py`; `runtime_cumulative.py` says which rows.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.vector_language import (
    store_item,
    vcombine,
    vfill,
    vload,
    vload_first,
    vstore,
    vstore_first,
)


def rows(to: int, to_pitch: int, at: int, at_pitch: int, count: int, width: int) -> int:
    """`count` rows of `width` elements: each is made of all up to it."""
    copy_row(to, at, width)
    while count > 1:
        before = to
        to += to_pitch
        at += at_pitch
        j = 0
        while j + LANES <= width:
            vstore(to + j * SIZE, vcombine(vload(before + j * SIZE), vload(at + j * SIZE)))
            j += LANES
        if j < width:
            n = width - j
            v = vcombine(vload_first(before + j * SIZE, n), vload_first(at + j * SIZE, n))
            vstore_first(to + j * SIZE, v, n)
        count -= 1
    return 0


def copy_row(to: int, at: int, width: int) -> int:
    while width > 0:
        vstore_first(to, vload_first(at, width), width)
        to += LANES * SIZE
        at += LANES * SIZE
        width -= LANES
    return 0


def chain(to: int, at: int, step: int, count: int) -> int:
    """Along one row, whose elements are `step` bytes apart."""
    v = vfill(at)
    store_item(to, v)
    while count > 1:
        to += SIZE
        at += step
        v = vcombine(v, vfill(at))
        store_item(to, v)
        count -= 1
    return 0


def chains(to: int, to_pitch: int, at: int, at_pitch: int, step: int, count: int) -> int:
    """Along four rows, so that one operation does not wait for the last."""
    two = to_pitch * 2
    three = to_pitch * 3
    a = vfill(at)
    b = vfill(at + at_pitch)
    c = vfill(at + at_pitch * 2)
    d = vfill(at + at_pitch * 3)
    while count > 1:
        store_item(to, a)
        store_item(to + to_pitch, b)
        store_item(to + two, c)
        store_item(to + three, d)
        to += SIZE
        at += step
        a = vcombine(a, vfill(at))
        b = vcombine(b, vfill(at + at_pitch))
        c = vcombine(c, vfill(at + at_pitch * 2))
        d = vcombine(d, vfill(at + at_pitch * 3))
        count -= 1
    store_item(to, a)
    store_item(to + to_pitch, b)
    store_item(to + two, c)
    store_item(to + three, d)
    return 0
