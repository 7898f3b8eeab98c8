"""The run-time system: memory. Blocks, the pool of those that are used again, and NumPy's way to them.

Written in the language of `runtime_language.py`. Blocks are aligned to 64 bytes and know their capacity (up to
SMALL_KINDS: the kind of a small block; 0: any block from malloc; INSIDE: part of an object).
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import invoke, load64, store64

POOL_MINIMUM = 1048576
POOL_ENTRIES = 128
POOL_CACHED = 0  # bytes that lie in the pool
POOL_LIMIT = 8
POOL_COUNT = 16
POOL_LENT = 24  # bytes of large blocks that are in use, and the most that have been so far
POOL_MOST = 32
POOL_SMALL_KEPT = 40  # small blocks of a kind
POOL_SMALL = 48  # for each multiple of 64 bytes, from 0: the first of a chain of small blocks, and how many there are
POOL_FIRST = 320  # (data, capacity) pairs, oldest first
POOL_UNIT = 65536  # sizes of large blocks are multiples of this
HUGE_PAGE = 2097152
SMALL_KINDS = 16  # the last of the multiples of 64 bytes
SMALL_KEPT = 128

MAXIMUM_BYTES = 1 << 47
# an array without axes has its element behind itself, as a block which is not freed
POINT_ELEMENT = 112
POINT_BYTES = 128
INSIDE = -1


def block_alloc(size: int) -> int:
    """A block of at least `size` bytes, or 0. The caller holds the GIL, which also guards the pool."""
    if size > SMALL_KINDS * 64:
        if size >= POOL_MINIMUM:
            return pool_take(size)
        return block_malloc(size)
    kind = (size + 63) >> 6
    chain = POOL + POOL_SMALL + kind * 16
    data = load64(chain)
    if data != 0:
        store64(chain, load64(data))
        store64(chain + 8, load64(chain + 8) - 1)
        return data
    data = block_malloc(kind * 64)
    if data != 0:
        store64(data - 16, kind)
    return data


def block_malloc(size: int) -> int:
    """A block that does not come from the pool: for this the GIL is not needed, nor to free it."""
    raw = malloc(size + 80)
    if raw == 0:
        return 0
    data = (raw + 79) & -64
    store64(data - 8, raw)
    store64(data - 16, 0)
    return data


def block_free(data: int) -> int:
    """The caller holds the GIL unless the block is from `block_malloc`."""
    capacity = load64(data - 16)
    if capacity > SMALL_KINDS:
        pool_give(data)
    elif capacity > 0:
        chain = POOL + POOL_SMALL + capacity * 16
        count = load64(chain + 8)
        if count >= load64(POOL + POOL_SMALL_KEPT):
            free(load64(data - 8))
        else:
            store64(data, load64(chain))
            store64(chain, data)
            store64(chain + 8, count + 1)
    elif capacity != INSIDE:
        free(load64(data - 8))
    return 0


def small_drop() -> int:
    """Give all small blocks of the pool back to the C library."""
    chain = POOL + POOL_SMALL
    while chain < POOL + POOL_FIRST:
        data = load64(chain)
        while data != 0:
            store64(chain, load64(data))
            free(load64(data - 8))
            data = load64(chain)
        store64(chain + 8, 0)
        chain += 16
    return 0


def pool_take(size: int) -> int:
    if size > MAXIMUM_BYTES:
        return 0
    i = load64(POOL + POOL_COUNT) - 1
    while i >= 0:
        entry = POOL + POOL_FIRST + i * 16
        capacity = load64(entry + 8)
        if capacity >= size and capacity - size <= (size >> 3) + POOL_MINIMUM:
            data = load64(entry)
            pool_remove(i)
            pool_lend(capacity)
            return data
        i -= 1
    capacity = (size + POOL_UNIT - 1) // POOL_UNIT * POOL_UNIT
    raw = malloc(capacity + HUGE_PAGE + 64)
    if raw == 0:
        return 0
    data = (raw + 16 + HUGE_PAGE - 1) & -HUGE_PAGE
    if MADVISE != 0:
        invoke(MADVISE, data, capacity, 14)
    store64(data - 8, raw)
    store64(data - 16, capacity)
    pool_lend(capacity)
    return data


def pool_lend(capacity: int) -> int:
    """Count a block which somebody gets."""
    lent = load64(POOL + POOL_LENT) + capacity
    store64(POOL + POOL_LENT, lent)
    if lent > load64(POOL + POOL_MOST):
        store64(POOL + POOL_MOST, lent)
    return 0


def pool_remove(i: int) -> int:
    count = load64(POOL + POOL_COUNT) - 1
    entry = POOL + POOL_FIRST + i * 16
    store64(POOL + POOL_CACHED, load64(POOL + POOL_CACHED) - load64(entry + 8))
    memmove(entry, entry + 16, (count - i) * 16)
    store64(POOL + POOL_COUNT, count)
    return 0


def pool_give(data: int) -> int:
    capacity = load64(data - 16)
    store64(POOL + POOL_LENT, load64(POOL + POOL_LENT) - capacity)
    if capacity > load64(POOL + POOL_LIMIT):
        free(load64(data - 8))
        return 0
    pool_shrink(load64(POOL + POOL_LIMIT) - capacity)
    count = load64(POOL + POOL_COUNT)
    entry = POOL + POOL_FIRST + count * 16
    store64(entry, data)
    store64(entry + 8, capacity)
    store64(POOL + POOL_COUNT, count + 1)
    store64(POOL + POOL_CACHED, load64(POOL + POOL_CACHED) + capacity)
    return 0


def pool_shrink(limit: int) -> int:
    """Drop the oldest blocks until at most `limit` bytes and one entry less than the maximum remain."""
    if limit <= 0:
        small_drop()
    while load64(POOL + POOL_COUNT) > 0 and (
        load64(POOL + POOL_CACHED) > limit or load64(POOL + POOL_COUNT) >= POOL_ENTRIES
    ):
        data = load64(POOL + POOL_FIRST)
        pool_remove(0)
        free(load64(data - 8))
    return 0


# NumPy's memory handler: result arrays own a block and give it back through these.


def handler_malloc(context: int, size: int) -> int:
    return block_alloc(size)


def handler_calloc(context: int, count: int, size: int) -> int:
    if size != 0 and count > MAXIMUM_BYTES // size:
        return 0
    data = block_alloc(count * size)
    if data != 0:
        memset(data, 0, count * size)
    return data


def handler_realloc(context: int, data: int, size: int) -> int:
    fresh = block_alloc(size)
    if fresh == 0:
        return 0
    if data != 0:
        capacity = load64(data - 16)
        if capacity == 0:
            # malloc knows how much is there; the header tells where it starts
            capacity = malloc_usable_size(load64(data - 8)) - (data - load64(data - 8))
        elif capacity == INSIDE:
            capacity = POINT_BYTES - POINT_ELEMENT
        elif capacity <= SMALL_KINDS:
            capacity = capacity * 64
        if capacity > size:
            capacity = size
        memcpy(fresh, data, capacity)
        block_free(data)
    return fresh


def handler_free(context: int, data: int, size: int) -> int:
    if data != 0:
        block_free(data)
    return 0
