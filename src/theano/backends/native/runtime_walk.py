"""The run-time system: going over the axes of a kernel, one run along the innermost axis after the other.

Written in the language of `runtime_language.py`. The axes come sorted and fused (`runtime_axes.py`). For each operand
it is decided here how a run takes it; the run itself is in `runtime_runs.py`, and operands that cross memory in long
strides are in `runtime_turn.py`.
"""

# ruff: noqa: F821, SIM109
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_axes import TURNED_STEP, magnitude
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_records import (
    HOISTS,
    IN_POSITIONS,
    KEEP_ORDER,
    KERNEL_CODE,
    KERNEL_FLAGS,
    KERNEL_LANES,
    KERNEL_OPERANDS,
    KERNEL_SLOTS,
    LINE,
    MASKS,
    MUST_STAND,
    MUST_WALK,
    NEXT_RUNS,
    REDUCES,
    ROLE_ACCUMULATE,
    ROLE_COUNTER,
    ROLE_IN,
    ROLE_NONE,
    ROLE_RAW,
    ROOM_OF_ARRAYS,
    SLOT_BYTES,
    SLOT_FLAGS,
    SLOT_ROLE,
    SLOT_SIZE,
    SLOT_TEMPORARY,
    SPREADS,
    STATE_AHEAD,
    STATE_APART,
    STATE_CARRY,
    STATE_FLAT,
    STATE_HOISTED,
    STATE_MODE,
    STATE_PAST,
    STATE_RUNS,
    STATE_TOGETHER,
    WITHIN_RUNS,
)
from theano.backends.native.runtime_runs import (
    MODE_DIRECT,
    MODE_PACK,
    MODE_RAW,
    MODE_STILL,
    far_ahead,
    goes_past,
    run,
)
from theano.backends.native.runtime_turn import (
    turn_operands,
    turned_columns,
    turned_pitch,
    walk_turned,
)

# Points of a run that the code takes in one call: what it counts fits into 32 bits.
LONGEST = 1 << 30
# Bytes of runs that are taken together, and of those of which the next ones find room in the cache beside these.
LEAST_TOGETHER = 768
MOST_TOGETHER = 10000
# what is in the cache (ROOM_OF_ARRAYS) may have shorter runs; bytes of each that are worth it
LEAST_CACHED = 128


def walk(step: int, state: int, shape: int, strides: int, wide: int, count: int, data: int) -> int:
    """Visit every run along the innermost axis. 1: a position was out of range."""
    slots = load64(step + KERNEL_SLOTS)
    lanes = load64(step + KERNEL_LANES)
    operands = load64(step + KERNEL_OPERANDS)
    last = count - 1
    n = load64(shape + last * 8)
    # per slot: mode, stride in the run, element size, role, room for a vector, nothing, room for packing, 1: it is
    # turned
    table = stack(slots * 64)
    steps = stack(slots * 8)
    calls = stack(slots * 8)
    tails = stack(slots * 8)
    # a vector has as many elements of a wider type (complex128 is the widest) as of the one that decided how many
    side = lanes * 16
    room = stack(slots * side)
    packed = 0
    breadth = 0
    far = 0
    turns = 0
    flat = 1
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        entry = table + k * 64
        role = load64(slot + SLOT_ROLE)
        s = load64(strides + (k * wide + last) * 8)
        size = load64(slot + SLOT_SIZE)
        if load64(slot + SLOT_TEMPORARY) != 0:
            size = load64(slot + SLOT_TEMPORARY)
        flags = load64(slot + SLOT_FLAGS)
        way = MODE_DIRECT
        advance = lanes * size
        if load64(state + STATE_MODE) == 1 and role <= ROLE_ACCUMULATE and not (flags & IN_POSITIONS):
            # only positions are checked: what the code loads and stores is in a place that nobody reads
            role = ROLE_NONE
            store64(data + k * 8, room + k * side)
        if role == ROLE_RAW or role == ROLE_COUNTER:
            way = MODE_RAW
            advance = s
        elif role == ROLE_NONE or (s == 0 and (role == ROLE_ACCUMULATE or flags & SPREADS)):
            way = MODE_STILL
            advance = 0
        elif s != size and n > 1:
            way = MODE_PACK
            packed += 1
            breadth += advance
            if magnitude(s) >= TURNED_STEP:
                turns = 1
            if magnitude(s) >= LINE:
                far = 1
        if role == ROLE_ACCUMULATE and s != 0:
            flat = 0
        store64(entry, way)
        store64(entry + 8, s)
        store64(entry + 16, size)
        store64(entry + 24, role)
        store64(entry + 32, room + k * side)
        store64(entry + 56, 0)
        store64(steps + k * 8, advance)
        k += 1
    store64(state + STATE_FLAT, flat)
    store64(state + STATE_RUNS, 1)
    store64(state + STATE_TOGETHER, 0)
    store64(state + STATE_AHEAD, far_ahead(step, 0, steps, n))
    store64(state + STATE_PAST, goes_past(step, state, strides, wide, last, n, data))
    store64(state + STATE_CARRY, 0)
    # can the code take a run whatever its length?
    whole = load64(step + KERNEL_FLAGS) & MASKS or n % lanes == 0
    store64(state + STATE_HOISTED, whole and hoists(step, table, n))
    chunk = n
    if packed > 0:
        # 32 kB of buffers at most, so that they stay in the first cache
        vectors = 32768 // breadth
        if vectors > 64:
            vectors = 64
        if vectors < 1:
            vectors = 1
        if vectors * lanes < n:
            chunk = vectors * lanes
            if flat and load64(step + KERNEL_FLAGS) & REDUCES:
                # two vectors for each slot, of whole cache lines
                carried = lanes * 8
                if carried < 64:
                    carried = 64
                store64(state + STATE_CARRY, (stack(slots * 2 * carried + 64) + 63) & -64)
        packs = stack(breadth * vectors)
        k = 0
        while k < slots:
            entry = table + k * 64
            if load64(entry) == MODE_PACK:
                store64(entry + 48, packs)
                packs += vectors * lanes * load64(entry + 16)
            k += 1
    tile = n
    if n > LONGEST:
        tile = LONGEST
    if turns and count > 1 and not (load64(step + KERNEL_FLAGS) & KEEP_ORDER):
        rooms = malloc(packed * (turned_columns(n) * turned_pitch(n, 8) + 63))
        if rooms != 0:
            across = turn_operands(slots, strides, wide, last, table, steps, lanes, rooms, n)
            failed = 0
            if across >= 0:
                failed = walk_turned(
                    step, state, shape, strides, wide, last, data, table, steps, calls, tails, chunk, across
                )
            free(rooms)
            if across >= 0:
                return failed
        # An operand crosses memory in long strides: a cache line of it holds what the next runs need. Short pieces of
        # many runs use it while it is there.
        if far:
            tile = 512
    index = stack(count * 8)
    memset(index, 0, count * 8)
    if packed == 0 and last > 0 and whole and n <= LONGEST:
        return walk_many_runs(step, state, shape, strides, wide, last, data, steps, index)
    base = 0
    while base < n:
        length = n - base
        if length > tile:
            length = tile
        if walk_runs(step, state, shape, strides, wide, last, data, table, steps, calls, tails, length, chunk, index):
            store64(state + STATE_CARRY, 0)
            return 1
        k = 0
        while k < slots:
            store64(data + k * 8, load64(data + k * 8) + length * load64(table + k * 64 + 8))
            k += 1
        base += length
    store64(state + STATE_CARRY, 0)
    # the caller frees what these addresses started as
    k = 0
    while k < slots:
        store64(data + k * 8, load64(data + k * 8) - n * load64(table + k * 64 + 8))
        k += 1
    return 0


def hoists(step: int, table: int, n: int) -> int:
    """Can positions be found once for each run: does what they hang on stand still, and is the rest contiguous?"""
    if not (load64(step + KERNEL_FLAGS) & HOISTS):
        return 0
    slots = load64(step + KERNEL_SLOTS)
    slot = load64(step + KERNEL_OPERANDS)
    k = 0
    while k < slots:
        flags = load64(slot + SLOT_FLAGS)
        s = load64(table + k * 64 + 8)
        if flags & MUST_STAND and s != 0:
            return 0
        if flags & MUST_WALK and s != load64(table + k * 64 + 16) and n > 1:
            return 0
        slot += SLOT_BYTES
        k += 1
    return 1


def walk_many_runs(
    step: int, state: int, shape: int, strides: int, wide: int, last: int, data: int, steps: int, index: int
) -> int:
    """`walk_runs` where every operand is taken as it lies: the code goes over the runs of one outer axis itself."""
    slots = load64(step + KERNEL_SLOTS)
    n = load64(shape + last * 8)
    lanes = load64(step + KERNEL_LANES)
    at = stack(slots * 16)
    apart = at + slots * 8
    k = 0
    while k < slots:
        store64(at + k * 8, load64(data + k * 8))
        store64(apart + k * 8, load64(strides + (k * wide + last - 1) * 8))
        k += 1
    store64(state + STATE_RUNS, load64(shape + (last - 1) * 8))
    store64(state + STATE_APART, apart)
    store64(state + STATE_TOGETHER, together(step, state, apart, steps, n))
    store64(state + STATE_AHEAD, far_ahead(step, apart, steps, n))
    while 1:
        if invoke(load64(step + KERNEL_CODE), at, steps, n // lanes, n % lanes, state):
            return 1
        axis = last - 2
        while axis >= 0:
            i = load64(index + axis * 8) + 1
            back = 0
            if i == load64(shape + axis * 8):
                back = i
            k = 0
            while k < slots:
                s = load64(strides + (k * wide + axis) * 8)
                store64(at + k * 8, load64(at + k * 8) + (1 - back) * s)
                k += 1
            if back == 0:
                store64(index + axis * 8, i)
                break
            store64(index + axis * 8, 0)
            axis -= 1
        if axis < 0:
            return 0
    return 0


def together(step: int, state: int, apart: int, steps: int, n: int) -> int:
    """STATE_TOGETHER, see `joint_runs_text.py`: do all runs go into the same row of accumulators, and are they long?

    Short runs of which several lie in one page of memory are not foreseen by machines when they are taken together:
    these must be in the cache.
    """
    if load64(state + STATE_FLAT) or not (load64(step + KERNEL_FLAGS) & REDUCES):
        return 0
    slots = load64(step + KERNEL_SLOTS)
    operands = load64(step + KERNEL_OPERANDS)
    longest = 0
    k = 0
    while k < slots:
        slot = operands + k * SLOT_BYTES
        role = load64(slot + SLOT_ROLE)
        if role == ROLE_ACCUMULATE and load64(apart + k * 8) != 0:
            return 0
        if role == ROLE_IN and load64(apart + k * 8) != 0 and load64(steps + k * 8) != 0:
            size = n * load64(slot + SLOT_SIZE)
            if size > longest:
                longest = size
        k += 1
    cached = longest * load64(state + STATE_RUNS) <= load64(CACHE_ROOM + ROOM_OF_ARRAYS)
    if longest < LEAST_CACHED or (longest < LEAST_TOGETHER and not cached):
        return 0
    if longest > MOST_TOGETHER:
        return WITHIN_RUNS
    return NEXT_RUNS


def walk_runs(
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
    n: int,
    chunk: int,
    index: int,
) -> int:
    """Runs of n points at every position of the outer axes; afterwards `data` is as before."""
    slots = load64(step + KERNEL_SLOTS)
    while 1:
        if run(step, state, data, table, steps, calls, tails, n, chunk):
            return 1
        axis = last - 1
        while axis >= 0:
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
