"""The run-time system: one run of a kernel, along the innermost axis.

Written in the language of `runtime_language.py`. A kernel's code takes whole vectors, contiguous in every operand, or
one element of what stands still along the run.

* an operand with another stride is packed into a contiguous buffer, a chunk at a time (and unpacked after);
* the last, incomplete vector of a run goes through the same instructions under a mask, or on padded copies.

Which run comes next is `runtime_walk.py`'s business.
"""

# ruff: noqa: F821, SIM109
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import copy_items
from theano.backends.native.runtime_language import (
    invoke,
    load8,
    load16,
    load32,
    load64,
    store8,
    store16,
    store32,
    store64,
)
from theano.backends.native.runtime_records import (
    CHECKED,
    FAR_AHEAD,
    FIRST_PIECE,
    KERNEL_CODE,
    KERNEL_FLAGS,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_RANK,
    KERNEL_SLOTS,
    LAST_PIECE,
    LINE,
    LONG_RUN,
    MASKS,
    REDUCES,
    ROLE_ACCUMULATE,
    ROLE_IN,
    ROLE_OUT,
    ROOM_OF_ARRAYS,
    SLOT_BYTES,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_SOURCE,
    STATE_EXTENTS,
    STATE_PIECE,
)

MODE_DIRECT = 0
MODE_PACK = 1
MODE_STILL = 2
MODE_RAW = 3


def far_ahead(step: int, apart: int, steps: int, n: int) -> int:
    """STATE_AHEAD for runs of n points. apart: how far they lie apart, for each slot; 0: not known"""
    if not (load64(step + KERNEL_FLAGS) & REDUCES):
        return 0
    slots = load64(step + KERNEL_SLOTS)
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < slots:
        if load64(slot + SLOT_ROLE) == ROLE_IN and load64(steps + k * 8) != 0:
            size = n * load64(slot + SLOT_SIZE)
            if size < LONG_RUN:
                if apart == 0:
                    return 0
                distance = load64(apart + k * 8)
                if distance < 0 or distance > 2 * size:
                    return 0
        slot += SLOT_BYTES
        k += 1
    return FAR_AHEAD


def goes_past(step: int, state: int, strides: int, wide: int, last: int, n: int, data: int) -> int:
    """STATE_PAST for runs of n points along axis `last`: does each result fill whole cache lines, so many that little
    of it would still be in the caches when it is read?

    To write a line, it is read first, but not if it is written past the caches. What is written over an input is there
    already.
    """
    if load64(step + KERNEL_FLAGS) & (REDUCES | CHECKED):
        return 0
    total = 1
    axis = 0
    while axis < load64(step + KERNEL_RANK):
        total = total * load64(state + STATE_EXTENTS + axis * 8)
        axis += 1
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < load64(step + KERNEL_SLOTS):
        if load64(slot + SLOT_ROLE) == ROLE_OUT:
            size = load64(slot + SLOT_SIZE)
            if total * size < load64(CACHE_ROOM + ROOM_OF_ARRAYS) * 3 >> 2 or load64(slot + SLOT_SOURCE) != 0:
                return 0
            if load64(strides + (k * wide + last) * 8) != size:
                return 0
            places = load64(data + k * 8)
            if last > 0:
                places = places | n * size
            axis = 0
            while axis < last:
                places = places | load64(strides + (k * wide + axis) * 8)
                axis += 1
            if places & (LINE - 1):
                return 0
        slot += SLOT_BYTES
        k += 1
    return 1


def fill(target: int, bits: int, count: int, size: int) -> int:
    if bits == 0:
        memset(target, 0, count * size)
    elif size == 8:
        while count > 0:
            count -= 1
            store64(target + count * 8, bits)
    elif size == 4:
        while count > 0:
            count -= 1
            store32(target + count * 4, bits)
    elif size == 2:
        while count > 0:
            count -= 1
            store16(target + count * 2, bits)
    else:
        memset(target, bits, count)
    return 0


def spread(target: int, source: int, count: int, size: int) -> int:
    """One element, `count` times."""
    if size == 16:
        return copy_items(target, 16, source, 0, count, 16)
    if size == 8:
        return fill(target, load64(source), count, 8)
    if size == 4:
        return fill(target, load32(source), count, 4)
    if size == 2:
        return fill(target, load16(source), count, 2)
    return fill(target, load8(source), count, 1)


def run(step: int, state: int, data: int, table: int, steps: int, calls: int, tails: int, n: int, chunk: int) -> int:
    """One run of n points. Where the code cannot mask, what is left over from whole vectors runs on padded copies."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    code = load64(step + KERNEL_CODE)
    masks = load64(step + KERNEL_FLAGS) & MASKS
    done = 0
    while done < n:
        count = n - done
        if count > chunk:
            count = chunk
        full = count // lanes
        last = count - full * lanes
        rest = last
        if masks:
            rest = 0
        k = 0
        while k < slots:
            entry = table + k * 64
            way = load64(entry)
            address = load64(data + k * 8)
            s = load64(entry + 8)
            size = load64(entry + 16)
            if way == MODE_DIRECT:
                address += done * size
                if rest:
                    room = load64(entry + 32)
                    if load64(entry + 24) != ROLE_OUT:
                        pad(room, address + full * lanes * size, size, rest, lanes, size)
                    store64(tails + k * 8, room)
            elif way == MODE_PACK:
                room = load64(entry + 48)
                if load64(entry + 24) != ROLE_OUT:
                    pad(room, address + done * s, s, count, (count + lanes - 1) // lanes * lanes, size)
                address = room
                store64(tails + k * 8, room + full * lanes * size)
            elif way == MODE_RAW:
                address += done * s
                store64(tails + k * 8, address + full * lanes * s)
            else:
                store64(tails + k * 8, address)
            store64(calls + k * 8, address)
            k += 1
        piece = 0
        if done == 0:
            piece = FIRST_PIECE
        ends = 0
        if done + count == n:
            ends = LAST_PIECE
        if masks:
            store64(state + STATE_PIECE, piece | ends)
            if invoke(code, calls, steps, full, last, state):
                return 1
        else:
            if full > 0:
                store64(state + STATE_PIECE, piece | (ends * (rest == 0)))
                if invoke(code, calls, steps, full, 0, state):
                    return 1
                piece = 0
            if rest > 0:
                store64(state + STATE_PIECE, piece | ends)
                if invoke(code, tails, steps, 0, rest, state):
                    return 1
        k = 0
        while k < slots:
            entry = table + k * 64
            role = load64(entry + 24)
            if role == ROLE_OUT or role == ROLE_ACCUMULATE:
                way = load64(entry)
                size = load64(entry + 16)
                if way == MODE_PACK:
                    s = load64(entry + 8)
                    copy_items(load64(data + k * 8) + done * s, s, load64(entry + 48), size, count, size)
                elif way == MODE_DIRECT and rest:
                    copy_items(
                        load64(data + k * 8) + (done + full * lanes) * size,
                        size,
                        load64(tails + k * 8),
                        size,
                        rest,
                        size,
                    )
            k += 1
        done += count
    return 0


def pad(target: int, source: int, step: int, count: int, room: int, size: int) -> int:
    """Copy `count` elements and repeat the last one until `room` are filled: padding computes like real data."""
    if size == 16:
        copy_items(target, 16, source, step, count, 16)
        return copy_items(target + count * 16, 16, source + (count - 1) * step, 0, room - count, 16)
    if size == 8:
        i = 0
        while i + 4 <= count:
            store64(target + i * 8, load64(source))
            store64(target + i * 8 + 8, load64(source + step))
            store64(target + i * 8 + 16, load64(source + step * 2))
            store64(target + i * 8 + 24, load64(source + step * 3))
            source += step * 4
            i += 4
        while i < count:
            store64(target + i * 8, load64(source))
            source += step
            i += 1
        x = load64(source - step)
        while i < room:
            store64(target + i * 8, x)
            i += 1
        return 0
    if size == 4:
        i = 0
        while i + 4 <= count:
            store32(target + i * 4, load32(source))
            store32(target + i * 4 + 4, load32(source + step))
            store32(target + i * 4 + 8, load32(source + step * 2))
            store32(target + i * 4 + 12, load32(source + step * 3))
            source += step * 4
            i += 4
        while i < count:
            store32(target + i * 4, load32(source))
            source += step
            i += 1
        x = load32(source - step)
        while i < room:
            store32(target + i * 4, x)
            i += 1
        return 0
    if size == 2:
        i = 0
        while i < count:
            store16(target + i * 2, load16(source))
            source += step
            i += 1
        x = load16(source - step)
        while i < room:
            store16(target + i * 2, x)
            i += 1
        return 0
    i = 0
    while i < count:
        store8(target + i, load8(source))
        source += step
        i += 1
    x = load8(source - step)
    while i < room:
        store8(target + i, x)
        i += 1
    return 0
