"""The run-time system: operands of a kernel that lie across memory.

Written in the language of `runtime_language.py`. An operand which crosses memory in long strides along the innermost
axis, and is contiguous along another one, is read a block at a time, line by line, and turned: so that every cache line
of it is fetched once. `runtime_walk.py` says when. The turning itself is code in registers (`turn_text.py`), where that
is there.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_axes import DENSE, TURNED_STEP, magnitude
from theano.backends.native.runtime_core import copy_items
from theano.backends.native.runtime_language import (
    invoke,
    load32,
    load64,
    prefetch,
    stack,
    store32,
    store64,
)
from theano.backends.native.runtime_records import (
    KERNEL_CODE,
    KERNEL_FLAGS,
    KERNEL_LANES,
    KERNEL_SLOTS,
    MASKS,
    REDUCES,
    ROLE_IN,
    STATE_APART,
    STATE_CARRY,
    STATE_PAST,
    STATE_RUNS,
)
from theano.backends.native.runtime_runs import MODE_DIRECT, MODE_PACK, MODE_STILL, run

# a block of an operand that lies across: at most so many rows of so many elements
TURNED_ROWS = 128
TURNED_COLUMNS = 32
# and of so many elements, where its rows are few
TURNED_MOST = 4096
# the table of code that turns: for elements of 8 bytes, then of 4, twice the side of a square and an address
TURNS_BYTES = 64


def turned_rows(n: int) -> int:
    if n > TURNED_ROWS:
        return TURNED_ROWS
    return n


def turned_columns(n: int) -> int:
    columns = (TURNED_MOST // turned_rows(n)) & -16
    if columns < TURNED_COLUMNS:
        return TURNED_COLUMNS
    if columns > 1024:
        return 1024
    return columns


def turned_pitch(n: int, size: int) -> int:
    """Bytes from one line of a turned block to the next."""
    if n <= DENSE:
        return n * size
    # whole cache lines and one more, lest all lines compete for the same places in the cache
    return (turned_rows(n) * size + 127) & -64


def turn_operands(
    slots: int, strides: int, wide: int, last: int, table: int, steps: int, lanes: int, rooms: int, n: int
) -> int:
    """Find an outer axis along which operands that cross memory lie contiguously; -1: there is none.

    Such operands are marked, and get a part of `rooms` each.
    """
    across = -1
    k = 0
    while k < slots:
        entry = table + k * 64
        size = load64(entry + 16)
        fits = load64(entry) == MODE_PACK and load64(entry + 24) == ROLE_IN
        if fits and magnitude(load64(entry + 8)) >= TURNED_STEP and (size == 8 or size == 4):
            axis = across
            if across < 0:
                axis = last - 1
                while axis >= 0 and load64(strides + (k * wide + axis) * 8) != size:
                    axis -= 1
            if axis >= 0 and load64(strides + (k * wide + axis) * 8) == size:
                across = axis
                store64(entry, MODE_DIRECT)
                store64(entry + 48, rooms)
                store64(entry + 56, 1)
                rooms += (turned_columns(n) * turned_pitch(n, size) + 63) & -64
                store64(steps + k * 8, lanes * size)
        k += 1
    return across


def walk_turned(
    step: int,
    state: int,
    shape: int,
    strides: int,
    wide: int,
    last: int,
    data: int,
    table: int,
    steps: int,
    calls: int,
    tails: int,
    chunk: int,
    across: int,
) -> int:
    """`walk_runs` where some operands are contiguous along the outer axis `across`.

    Of these a block is read line by line, written across into a buffer, and read from there, so that every cache line
    of them is fetched once.
    """
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    n = load64(shape + last * 8)
    m = load64(shape + across * 8)
    place = stack(slots * 8)
    apart = stack(slots * 8)
    packed = 0
    k = 0
    while k < slots:
        entry = table + k * 64
        store64(apart + k * 8, load64(strides + (k * wide + across) * 8))
        if load64(entry + 56):
            store64(apart + k * 8, turned_pitch(n, load64(entry + 16)))
        if load64(entry) == MODE_PACK:
            packed = 1
        k += 1
    store64(state + STATE_APART, apart)
    store64(state + STATE_PAST, 0)
    store64(state + STATE_CARRY, 0)  # blocks are runs of their own
    together = n <= DENSE and not (load64(step + KERNEL_FLAGS) & REDUCES) and runs_join(slots, table, apart, n)
    rows = turned_rows(n)
    columns = turned_columns(n)
    index = stack(last * 8 + 8)
    memset(index, 0, last * 8)
    while 1:
        base = 0
        while base < n:
            length = n - base
            if length > rows:
                length = rows
            column = 0
            while column < m:
                width = m - column
                if width > columns:
                    width = columns
                k = 0
                while k < slots:
                    entry = table + k * 64
                    along = load64(strides + (k * wide + across) * 8)
                    at = load64(data + k * 8) + base * load64(entry + 8) + column * along
                    if load64(entry + 56):
                        size = load64(entry + 16)
                        turn(load64(entry + 48), at, load64(entry + 8), length, width, size, load64(apart + k * 8))
                        at = load64(entry + 48)
                    store64(place + k * 8, at)
                    k += 1
                points = length * width
                if together and (load64(step + KERNEL_FLAGS) & MASKS or points % lanes == 0):
                    store64(state + STATE_RUNS, 1)
                    if invoke(load64(step + KERNEL_CODE), place, steps, points // lanes, points % lanes, state):
                        return 1
                    j = width
                elif packed == 0 and (load64(step + KERNEL_FLAGS) & MASKS or length % lanes == 0):
                    # the code goes over the runs itself
                    store64(state + STATE_RUNS, width)
                    if invoke(load64(step + KERNEL_CODE), place, steps, length // lanes, length % lanes, state):
                        return 1
                    j = width
                else:
                    store64(state + STATE_RUNS, 1)
                    j = 0
                while j < width:
                    if run(step, state, place, table, steps, calls, tails, length, chunk):
                        return 1
                    k = 0
                    while k < slots:
                        store64(place + k * 8, load64(place + k * 8) + load64(apart + k * 8))
                        k += 1
                    j += 1
                column += width
            base += length
        axis = last - 1
        while axis >= 0:
            if axis != across:
                i = load64(index + axis * 8) + 1
                k = 0
                while k < slots:
                    store64(data + k * 8, load64(data + k * 8) + load64(strides + (k * wide + axis) * 8))
                    k += 1
                if i < load64(shape + axis * 8):
                    store64(index + axis * 8, i)
                    break
                k = 0
                while k < slots:
                    store64(data + k * 8, load64(data + k * 8) - i * load64(strides + (k * wide + axis) * 8))
                    k += 1
                store64(index + axis * 8, 0)
            axis -= 1
        if axis < 0:
            return 0
    return 0


def runs_join(slots: int, table: int, apart: int, n: int) -> int:
    """Is the next run of each operand where this one ends, so that all are one?"""
    k = 0
    while k < slots:
        entry = table + k * 64
        way = load64(entry)
        if way == MODE_DIRECT:
            if load64(apart + k * 8) != n * load64(entry + 16):
                return 0
        elif way != MODE_STILL or load64(apart + k * 8) != 0:
            return 0
        k += 1
    return 1


def turn(target: int, source: int, step: int, count: int, width: int, size: int, pitch: int) -> int:
    """`count` rows of `width` elements, `step` bytes apart, become columns: rows of `target`, `pitch` bytes apart.

    Rows lie far apart, so that the machine does not foresee what is read: the next block's lines are asked for here.
    """
    code = TURNS
    if size == 4:
        code += TURNS_BYTES // 2
    if load64(code) == 0 or count < load64(code) or width < load64(code):
        code += TURNS_BYTES // 4
    if load64(code) != 0 and count >= load64(code) and width >= load64(code):
        return invoke(load64(code + 8), target, source, step, count, width, pitch)
    if count < 8:
        # lines are few, but long
        while count > 0:
            copy_items(target, pitch, source, size, width, size)
            target += size
            source += step
            count -= 1
        return 0
    end = target + count * size
    pitch2 = pitch * 2
    pitch3 = pitch * 3
    pitch4 = pitch * 4
    pitch5 = pitch * 5
    pitch6 = pitch * 6
    pitch7 = pitch * 7
    if size == 8:
        while width >= 8:
            to = target
            at = source
            while to < end:
                prefetch(at + TURNED_COLUMNS * 8)
                store64(to, load64(at))
                store64(to + pitch, load64(at + 8))
                store64(to + pitch2, load64(at + 16))
                store64(to + pitch3, load64(at + 24))
                store64(to + pitch4, load64(at + 32))
                store64(to + pitch5, load64(at + 40))
                store64(to + pitch6, load64(at + 48))
                store64(to + pitch7, load64(at + 56))
                to += 8
                at += step
            target += pitch * 8
            end += pitch * 8
            source += 64
            width -= 8
    else:
        while width >= 8:
            to = target
            at = source
            while to < end:
                prefetch(at + TURNED_COLUMNS * 8)
                store32(to, load32(at))
                store32(to + pitch, load32(at + 4))
                store32(to + pitch2, load32(at + 8))
                store32(to + pitch3, load32(at + 12))
                store32(to + pitch4, load32(at + 16))
                store32(to + pitch5, load32(at + 20))
                store32(to + pitch6, load32(at + 24))
                store32(to + pitch7, load32(at + 28))
                to += 4
                at += step
            target += pitch * 8
            end += pitch * 8
            source += 32
            width -= 8
    while width > 0:
        copy_items(target, size, source, step, count, size)
        target += pitch
        source += size
        width -= 1
    return 0
