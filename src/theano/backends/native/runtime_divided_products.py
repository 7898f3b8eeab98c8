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
from theano.backends.native.runtime_products import WIDE_PIECE, keeps_bits, pieces_are_columns
from theano.backends.native.runtime_routines import least
from theano.backends.native.runtime_threads import more_busy, share, share_out, threads_for_work

# Pieces are cut such that OpenBLAS's loops go over them as over the whole: so the bits are the same (found by trying,
# see the tests). Columns may be cut at multiples of 24. Rows may be at multiples of 16, but where an odd number is
# over, which other loops do, they have more than 192 rows with them if the whole has. Where there are fewer than 1e6
# multiplications, OpenBLAS takes other loops altogether. For some processors its loops are of another kind, which
# `keeps_bits` knows: then the product is computed in as many pieces as the lengths say, also by one thread.
COLUMNS_UNIT = 24
ROWS_UNIT = 16
ROWS_OF_A_LOOP = 8
MANY_ROWS = 192
LEAST_PIECE = 1000000

# Two pieces for a thread, so that who is held up by other work of the machine does less.
PIECES_OF_A_THREAD = 2

COST = 5  # picoseconds for a multiplication, per byte of a number: roughly

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
TASK_UNIT = 80
TASK_BYTES = 88

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
    columns = load32(ints + 4)
    work = rows * columns * load32(ints + 8)
    threads = threads_for_work(work * size * COST)
    by_columns = pieces_are_columns(ints, size)
    pieces = cut(task, work, threads, by_columns, rows, columns)
    if pieces < 2 and keeps_bits(by_columns, size) and keeps_bits(by_columns == 0, size):
        pieces = cut(task, work, threads, by_columns == 0, rows, columns)
    if threads > pieces:
        threads = pieces
    store64(task + TASK_PIECES, pieces)
    return shared(frame, address_of(product_piece), task, pieces, threads)


def shared(frame: int, function: int, argument: int, pieces: int, threads: int) -> int:
    """`share_out` without the GIL, while others are told that so many threads are busy."""
    more_busy(threads - 1)
    thread = 0
    if load64(frame + FRAME_MAY_RELEASE):
        thread = PyEval_SaveThread()
    share_out(function, argument, pieces, threads)
    if thread != 0:
        PyEval_RestoreThread(thread)
    more_busy(1 - threads)
    return 0


def cut(task: int, work: int, threads: int, by_columns: int, rows: int, columns: int) -> int:
    """Into how many pieces of its columns or rows to cut a product; the task is told where."""
    length = columns
    unit = COLUMNS_UNIT
    if not by_columns:
        length = rows
        unit = ROWS_UNIT
    store64(task + TASK_COLUMNS, by_columns)
    store64(task + TASK_UNIT, unit)
    units = (length + unit - 1) // unit
    pieces = threads
    if keeps_bits(by_columns, load64(task + TASK_SIZE)) == 0:
        pieces = length // (2 * WIDE_PIECE) * 2
    elif threads > 1 and length >= threads * PIECES_OF_A_THREAD * WIDE_PIECE:
        pieces = threads * PIECES_OF_A_THREAD
    pieces = least(pieces, units)
    if not by_columns and rows > MANY_ROWS and rows % ROWS_OF_A_LOOP != 0:
        pieces = least(pieces, rows // (MANY_ROWS + 2 * ROWS_UNIT))
    while pieces > 1:
        smallest = least(units // pieces * unit, length - share(length, unit, pieces - 1, pieces))
        if smallest * (work // length) >= LEAST_PIECE:
            return pieces
        pieces -= 1
    return 1


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
    unit = load64(task + TASK_UNIT)
    start = share(total, unit, piece, pieces)
    end = share(total, unit, piece + 1, pieces)
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


# ---- a range of things to multiply

CUT_FUNCTION = 0
CUT_ARGUMENT = 8
CUT_COUNT = 16
CUT_UNIT = 24
CUT_PIECES = 32
CUT_BYTES = 40

LEAST_RANGE = 250000  # multiplications of a piece


def divide_range(frame: int, function: int, argument: int, count: int, unit: int, work: int, size: int) -> int:
    """Call function(argument, first, end) for pieces of a range, cut at multiples of a unit.

    work    multiplications of numbers of so many bytes
    """
    threads = threads_for_work(work * size * COST)
    pieces = threads
    if threads > 1:
        pieces = threads * PIECES_OF_A_THREAD
    pieces = least(pieces, least(count // unit, work // LEAST_RANGE))
    if pieces < 1:
        pieces = 1
    job = stack(CUT_BYTES)
    store64(job + CUT_FUNCTION, function)
    store64(job + CUT_ARGUMENT, argument)
    store64(job + CUT_COUNT, count)
    store64(job + CUT_UNIT, unit)
    store64(job + CUT_PIECES, pieces)
    return shared(frame, address_of(piece_of_range), job, pieces, least(threads, pieces))


def piece_of_range(job: int, piece: int) -> int:
    count = load64(job + CUT_COUNT)
    unit = load64(job + CUT_UNIT)
    pieces = load64(job + CUT_PIECES)
    first = share(count, unit, piece, pieces)
    return invoke(load64(job + CUT_FUNCTION), load64(job + CUT_ARGUMENT), first, share(count, unit, piece + 1, pieces))
