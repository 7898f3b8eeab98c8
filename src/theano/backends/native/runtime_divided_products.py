"""The run-time system: a large matrix product in pieces of its columns or rows, each by a thread of the crew.

Written in the language of `runtime_language.py`, and compiled when a process first meets such a product. BLAS computes
each piece with one thread. Threads of its own would wait for each other, and for more work, by running in circles, and
be in the way of the crew's (and of everybody's) work. So they are switched off while a product is computed.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import FRAME_MAY_RELEASE
from theano.backends.native.runtime_language import (
    address_of,
    invoke,
    load8,
    load32,
    load64,
    stack,
    store32,
    store64,
)
from theano.backends.native.runtime_threads import more_busy, share, share_out, thread_count

# A piece packs the other operand anew: it should not be narrow. Two pieces for a thread, so that who is held up by
# other work of the machine does less. With pieces of so many whole columns or rows, OpenBLAS's loops for AVX-512 go
# over them as over the whole: so the bits are the same (found by trying, see the tests).
PIECES_OF_A_THREAD = 2
UNIT = 192

TASK_ROUTINE = 0
TASK_INTS = 8  # as Fortran has them: rows, columns, inner, three leading lengths; two letters from 32 on
TASK_ALPHA = 16
TASK_LEFT = 24
TASK_RIGHT = 32
TASK_BETA = 40
TASK_PLACE = 48
TASK_SIZE = 56
TASK_PIECES = 64
TASK_COLUMNS = 72  # 1: columns are divided; 0: rows
TASK_BYTES = 80

TRANSPOSED = 84  # the letter T


def divide_product(
    frame: int, routine: int, ints: int, alpha: int, left: int, right: int, beta: int, place: int, size: int
) -> int:
    task = stack(TASK_BYTES)
    store64(task + TASK_ROUTINE, routine)
    store64(task + TASK_INTS, ints)
    store64(task + TASK_ALPHA, alpha)
    store64(task + TASK_LEFT, left)
    store64(task + TASK_RIGHT, right)
    store64(task + TASK_BETA, beta)
    store64(task + TASK_PLACE, place)
    store64(task + TASK_SIZE, size)
    rows = load32(ints)
    longer = load32(ints + 4)
    threads = thread_count(rows * longer * load32(ints + 8))
    store64(task + TASK_COLUMNS, longer >= rows)
    if rows > longer:
        longer = rows
    pieces = threads
    if threads > 1:
        pieces = threads * PIECES_OF_A_THREAD
    if pieces * UNIT > longer:
        pieces = longer // UNIT
    if pieces < 1:
        pieces = 1
    if threads > pieces:
        threads = pieces
    store64(task + TASK_PIECES, pieces)
    more_busy(threads - 1)
    thread = 0
    if load64(frame + FRAME_MAY_RELEASE):
        thread = PyEval_SaveThread()
    share_out(address_of(product_piece), task, pieces, threads)
    if thread != 0:
        PyEval_RestoreThread(thread)
    more_busy(1 - threads)
    return 0


def product_piece(task: int, piece: int) -> int:
    size = load64(task + TASK_SIZE)
    pieces = load64(task + TASK_PIECES)
    columns = load64(task + TASK_COLUMNS)
    left = load64(task + TASK_LEFT)
    right = load64(task + TASK_RIGHT)
    place = load64(task + TASK_PLACE)
    ints = stack(40)
    memcpy(ints, load64(task + TASK_INTS), 40)
    total = load32(ints + columns * 4)
    start = share(total, UNIT, piece, pieces)
    end = share(total, UNIT, piece + 1, pieces)
    store32(ints + columns * 4, end - start)
    if columns:
        place += start * load32(ints + 20) * size
        if load8(ints + 33) == TRANSPOSED:
            right += start * size
        else:
            right += start * load32(ints + 16) * size
    else:
        place += start * size
        if load8(ints + 32) == TRANSPOSED:
            left += start * load32(ints + 12) * size
        else:
            left += start * size
    invoke(
        load64(task + TASK_ROUTINE),
        ints + 32,
        ints + 33,
        ints,
        ints + 4,
        ints + 8,
        load64(task + TASK_ALPHA),
        left,
        ints + 12,
        right,
        ints + 16,
        load64(task + TASK_BETA),
        place,
        ints + 20,
    )
    return 0
