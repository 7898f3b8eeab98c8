"""Rows sorted into *phases*: elements that are a stride apart become neighbours.

Element x of a row is number (x + before) // stride of phase (x + before) % stride; phases are `phase` bytes apart.
`step` is the distance of the row's elements in bytes.

Written in the language of `vector_language.py`, for convolution and pooling.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.vector_language import (
    copy_item,
    vevens,
    vload_first,
    vmix_high,
    vmix_low,
    vodds,
    vstore_first,
)


def split_row(phases: int, phase: int, stride: int, before: int, row: int, step: int, count: int) -> int:
    """Sort `count` elements of a row into phases."""
    if stride == 1 and step == SIZE:
        to = phases + before * SIZE
        while count > 0:
            v = vload_first(row, count)
            vstore_first(to, v, count)
            row += LANES * SIZE
            to += LANES * SIZE
            count -= LANES
        return 0
    if stride == 2 and step == SIZE:
        evens = phases + before % 2 * phase + before // 2 * SIZE
        odds = phases + (before + 1) % 2 * phase + (before + 1) // 2 * SIZE
        while count > 0:
            v = vload_first(row, count)
            w = vload_first(row + LANES * SIZE, count - LANES)
            vstore_first(evens, vevens(v, w), (count + 1) >> 1)
            vstore_first(odds, vodds(v, w), count >> 1)
            row += 2 * LANES * SIZE
            evens += LANES * SIZE
            odds += LANES * SIZE
            count -= 2 * LANES
        return 0
    place = before % stride
    to = phases + place * phase + before // stride * SIZE
    while count > 0:
        copy_item(to, row)
        row += step
        to += phase
        place += 1
        if place == stride:
            place = 0
            to += SIZE - stride * phase
        count -= 1
    return 0


def join_row(phases: int, phase: int, stride: int, before: int, row: int, step: int, count: int) -> int:
    """The inverse of `split_row`."""
    if stride == 1 and step == SIZE:
        at = phases + before * SIZE
        while count > 0:
            vstore_first(row, vload_first(at, count), count)
            row += LANES * SIZE
            at += LANES * SIZE
            count -= LANES
        return 0
    if stride == 2 and step == SIZE:
        evens = phases + before % 2 * phase + before // 2 * SIZE
        odds = phases + (before + 1) % 2 * phase + (before + 1) // 2 * SIZE
        while count > 0:
            v = vload_first(evens, (count + 1) >> 1)
            w = vload_first(odds, count >> 1)
            vstore_first(row, vmix_low(v, w), count)
            vstore_first(row + LANES * SIZE, vmix_high(v, w), count - LANES)
            row += 2 * LANES * SIZE
            evens += LANES * SIZE
            odds += LANES * SIZE
            count -= 2 * LANES
        return 0
    place = before % stride
    at = phases + place * phase + before // stride * SIZE
    while count > 0:
        copy_item(row, at)
        row += step
        at += phase
        place += 1
        if place == stride:
            place = 0
            at += SIZE - stride * phase
        count -= 1
    return 0
