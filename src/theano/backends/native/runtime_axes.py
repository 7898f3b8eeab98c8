"""The run-time system: the order in which a kernel goes over its axes.

Written in the language of `runtime_language.py`. Axes are sorted by stride, turned round where memory would only be
walked backward, those of length one dropped, neighbours that walk memory evenly fused, and a longer axis is made the
innermost one where the last one is short. Shapes, strides and where they start are changed here; no operand is touched.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import load64, stack, store64
from theano.backends.native.runtime_records import (
    COUNTS,
    IN_POSITIONS,
    REDUCES,
    ROLE_COUNTER,
    ROLE_IN,
    ROLE_OUT,
    ROLE_RAW,
    SLOT_AXES,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_NDIM,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_STATE,
    SPREADS,
)

# rows up to which a turned block is dense: its runs may then be one
DENSE = 64
# bytes from which on an operand's steps are worth turning it
TURNED_STEP = 16
# From so many points on the last axis is walked innermost even where another one is long: measured. A reduction's
# runs cost more to begin than others; but where there are more than two axes, operands are not turned.
SHORT = 16
SHORT_DIRECT = 6
SHORT_OF_TWO = 16
SHORT_OF_THREE = 5
SHORT_WITH_POSITIONS = 32


def magnitude(a: int) -> int:
    if a < 0:
        return -a
    return a


def sort_axes(
    shape: int, strides: int, wide: int, rank: int, slots: int, tracked: int, operands: int, state: int
) -> int:
    """Largest strides first: a stable insertion sort over the sums of the strides of what lies in memory. Where there
    are loads and stores only, most operands decide: one that lies across, in strides as long as it may be, is turned
    (`runtime_turn.py`).

    The first `slots` of the `tracked` lines of strides are those of slots. Along axes which computed positions hang on,
    memory is walked with the strides of the axes that these are positions on.
    """
    key = stack(wide * 8)
    jumps = 0
    plain = 1
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        if load64(slot + SLOT_ROLE) > ROLE_OUT:
            plain = 0
        if load64(slot + SLOT_ROLE) == ROLE_RAW:
            d = 0
            pairs = state + load64(slot + SLOT_STATE)
            while d < load64(slot + SLOT_NDIM):
                if load64(load64(slot + SLOT_AXES) + d * 8) == -2:
                    jumps += magnitude(load64(pairs + 8))
                    pairs += 16
                d += 1
        k += 1
    axis = 0
    while axis < rank:
        total = 0
        jump = 0
        k = 0
        while k < slots:
            slot = operands + k * SLOT_BYTES
            s = magnitude(load64(strides + (k * wide + axis) * 8))
            if load64(slot + SLOT_ROLE) != ROLE_COUNTER:
                total += s
            if load64(slot + SLOT_FLAGS) & IN_POSITIONS and s != 0:
                jump = jumps
            k += 1
        if plain and rank > 1:
            jump = votes_for(strides, wide, rank, slots, operands, axis) << 48
        store64(key + axis * 8, total + jump)
        axis += 1
    axis = 1
    while axis < rank:
        b = axis
        while b > 0 and load64(key + (b - 1) * 8) < load64(key + b * 8):
            swap_axes(key, shape, strides, wide, tracked, b - 1, b)
            b -= 1
        axis += 1
    return 0


def votes_for(strides: int, wide: int, rank: int, slots: int, operands: int, axis: int) -> int:
    """How many axes are inside this one, for each operand that walks both; results count twice."""
    votes = 0
    k = 0
    while k < slots:
        row = strides + k * wide * 8
        s = magnitude(load64(row + axis * 8))
        if s != 0:
            weight = 1 + (load64(operands + k * SLOT_BYTES + SLOT_ROLE) == ROLE_OUT)
            other = 0
            while other < rank:
                t = magnitude(load64(row + other * 8))
                if t != 0 and t < s:
                    votes += weight
                other += 1
        k += 1
    return votes


def swap_axes(key: int, shape: int, strides: int, rank: int, slots: int, a: int, b: int) -> int:
    swap(key + a * 8, key + b * 8)
    swap(shape + a * 8, shape + b * 8)
    k = 0
    while k < slots:
        swap(strides + (k * rank + a) * 8, strides + (k * rank + b) * 8)
        k += 1
    return 0


def swap(a: int, b: int) -> int:
    x = load64(a)
    store64(a, load64(b))
    store64(b, x)
    return 0


def drop_still_axes(shape: int, strides: int, wide: int, slots: int, rank: int) -> int:
    """Visit an axis along which nothing moves at one place only."""
    axis = 0
    while axis < rank:
        moves = 0
        k = 0
        while k < slots:
            if load64(strides + (k * wide + axis) * 8) != 0:
                moves = 1
            k += 1
        if moves == 0:
            store64(shape + axis * 8, 1)
        axis += 1
    return 0


def turn_round(shape: int, strides: int, wide: int, slots: int, tracked: int, rank: int, data: int) -> int:
    """Walk an axis forward along which memory is walked backward, or not at all, by everything: the order of points
    must not matter."""
    axis = 0
    while axis < rank:
        backward = 0
        forward = 0
        k = 0
        while k < tracked:
            s = load64(strides + (k * wide + axis) * 8)
            if s < 0:
                backward = 1
            if s > 0:
                forward = 1
            k += 1
        if backward and not forward:
            last = load64(shape + axis * 8) - 1
            k = 0
            while k < slots:
                at = strides + (k * wide + axis) * 8
                store64(data + k * 8, load64(data + k * 8) + last * load64(at))
                store64(at, 0 - load64(at))
                k += 1
        axis += 1
    return 0


def fuse_axes(shape: int, strides: int, rank: int, slots: int, count: int) -> int:
    """Drop axes of length one and fuse neighbours that walk evenly. Returns how many axes remain; row length stays."""
    kept = 0
    axis = 0
    while axis < count:
        n = load64(shape + axis * 8)
        if n != 1:
            fused = 0
            if kept > 0:
                fused = 1
                k = 0
                while k < slots:
                    row = strides + k * rank * 8
                    if load64(row + (kept - 1) * 8) != load64(row + axis * 8) * n:
                        fused = 0
                        break
                    k += 1
            if fused:
                kept -= 1
                n = n * load64(shape + kept * 8)
            store64(shape + kept * 8, n)
            k = 0
            while k < slots:
                store64(strides + (k * rank + kept) * 8, load64(strides + (k * rank + axis) * 8))
                k += 1
            kept += 1
        axis += 1
    return kept


def longer_axis(shape: int, count: int, flags: int, direct: int) -> int:
    """Which axis to walk innermost instead of the last one, where that is short and another is long; -1: none.

    flags: the kernel's. direct: the code can go over several runs along the last axis itself, see `lies_ready`.
    """
    last = count - 1
    short = SHORT
    if flags & REDUCES:
        short = SHORT_OF_THREE
        if count == 2:
            short = SHORT_OF_TWO
        if flags & COUNTS:
            short = SHORT_WITH_POSITIONS
    elif direct:
        short = SHORT_DIRECT
    if count < 2 or load64(shape + last * 8) >= short:
        return -1
    best = last
    axis = 0
    while axis < last:
        if load64(shape + axis * 8) > load64(shape + best * 8):
            best = axis
        axis += 1
    if best == last or load64(shape + best * 8) < 4 * load64(shape + last * 8):
        return -1
    return best


def joins_when_turned(shape: int, strides: int, wide: int, slots: int, count: int, operands: int) -> int:
    """Are two axes, of which the last is short, one run for all operands but those that `runtime_turn.py` turns?"""
    n = load64(shape + 8)
    if count != 2 or n > DENSE:
        return 0
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        role = load64(slot + SLOT_ROLE)
        size = load64(slot + SLOT_SIZE)
        outer = load64(strides + k * wide * 8)
        inner = load64(strides + k * wide * 8 + 8)
        ready = 0
        if inner == size and outer == n * size:
            ready = 1
        if inner == 0 and outer == 0 and load64(slot + SLOT_FLAGS) & SPREADS:
            ready = 1
        if role == ROLE_IN and outer == size and magnitude(inner) >= TURNED_STEP and (size == 8 or size == 4):
            ready = 1
        if not ready or (role != ROLE_IN and role != ROLE_OUT):
            return 0
        k += 1
    return 1


def lies_ready(strides: int, wide: int, slots: int, axis: int, operands: int) -> int:
    """Is every operand contiguous along the axis, or still?"""
    k = 0
    while k < slots:
        s = load64(strides + (k * wide + axis) * 8)
        role = load64(operands + k * SLOT_BYTES + SLOT_ROLE)
        if s == 0 and role == ROLE_IN and not (load64(operands + k * SLOT_BYTES + SLOT_FLAGS) & SPREADS):
            return 0
        if s != 0 and role != ROLE_COUNTER and s != load64(operands + k * SLOT_BYTES + SLOT_SIZE):
            return 0
        k += 1
    return 1


def widen(shape: int, strides: int, wide: int, slots: int, count: int, best: int) -> int:
    """Make axis `best` the innermost one: fewer, longer runs. -1: leave all as it is."""
    if best < 0:
        return 0
    last = count - 1
    swap(shape + best * 8, shape + last * 8)
    k = 0
    while k < slots:
        swap(strides + (k * wide + best) * 8, strides + (k * wide + last) * 8)
        k += 1
    return 0


def longer_axis_of_whole(shape: int, strides: int, wide: int, slots: int, rank: int, fused: int, flags: int) -> int:
    """What `longer_axis` says of the axes as they are fused when all of a kernel runs.

    shape and strides are those before fusing; fused is the shape in which one axis was kept apart: the answer is one
    of its axes.
    """
    own_shape = stack(wide * 8)
    own_strides = stack(slots * wide * 8)
    memcpy(own_shape, shape, wide * 8)
    memcpy(own_strides, strides, slots * wide * 8)
    best = longer_axis(own_shape, fuse_axes(own_shape, own_strides, wide, slots, rank), flags, 0)
    if best < 0:
        return best
    # find the last part of that axis
    part = 0
    axis = 0
    while axis <= best:
        n = load64(own_shape + axis * 8)
        while n > 1:
            n = n // load64(fused + part * 8)
            part += 1
        axis += 1
    return part - 1
