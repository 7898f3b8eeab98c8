"""The run-time system: products of a packed matrix and a panel, tile by tile.

Written in the language of `runtime_language.py`. The loops are those of `convolution_text.py`, which hold a tile in
registers; here is how matrices of any size are made of tiles. What a plan is: `runtime_plan.py`.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import (
    invoke,
    load64,
    stack,
)
from theano.backends.native.runtime_plan import (
    CODE_ADD_SUMS,
    CODE_DOT,
    CODE_DOT_COLUMNS,
    CODE_DOT_ROWS,
    CODE_LANES,
    CODE_PACK,
    CODE_PRODUCT,
    CODE_WIDTH,
    PLAN_KERNEL_STEPS,
    PLAN_PANEL,
    PLAN_RESULT,
    PLAN_SIZE,
    code_of,
)
from theano.backends.native.runtime_routines import (
    least,
    up,
)

# bytes of a panel of `product`: all of it is read for every few rows of the other matrix
PANEL_ROOM = 262144


def tile_rows(left: int) -> int:
    """How many rows the next tile has of those that are left: 6, 4, 2 or 1."""
    if left >= 6 and left != 8 and left != 9:
        return 6
    if left >= 4:
        return 4
    if left >= 2:
        return 2
    return 1


def pack_rows(plan: int, to: int, source: int, row_offsets: int, rows: int, column_offsets: int, columns: int) -> int:
    """Pack a matrix for `multiply`."""
    size = load64(plan + PLAN_SIZE)
    while rows > 0:
        n = tile_rows(rows)
        invoke(code_of(plan, CODE_PACK), to, source, row_offsets, n, column_offsets, columns)
        to += n * columns * size
        row_offsets += n * 8
        rows -= n
    return 0


def multiply(
    plan: int, packed: int, rows: int, depth: int, start: int, stop: int, panel: int, pitch: int, to: int, step: int
) -> int:
    """Columns start to stop of a packed matrix of `depth` columns, times a panel. All but the first are added."""
    size = load64(plan + PLAN_SIZE)
    while rows > 0:
        n = tile_rows(rows)
        tile = code_of(plan, CODE_PRODUCT + n * 8 - 8)
        invoke(tile, packed + start * n * size, panel, pitch, stop - start, to, step, start)
        packed += n * depth * size
        to += n * step
        rows -= n
    return 0


def panel_depth(plan: int, depth: int) -> int:
    """How many rows a panel has at a time, of `depth` rows."""
    limit = PANEL_ROOM // (code_of(plan, CODE_WIDTH) * load64(plan + PLAN_SIZE))
    return up(depth, up(depth, limit))


def dot_rows(plan: int, left: int) -> int:
    """How many rows the next tile has of those that are left."""
    rows = code_of(plan, CODE_DOT_ROWS)
    if left % rows == 0:
        return rows
    if left >= rows - 1:
        return rows - 1
    if left >= 2:
        return 2
    return 1


def dot_pitch(plan: int, vectors: int) -> int:
    """Bytes from row to row of matrices for `add_dots`: an odd number of vectors, since rows whose distance is a power
    of two compete for the same lines of the cache."""
    return (vectors | 1) * code_of(plan, CODE_LANES) * load64(plan + PLAN_SIZE)


def add_dots(plan: int, filters: int, vectors: int, kernel: int, offsets: int, depth: int) -> int:
    """Inner products of rows of so many vectors: of PLAN_RESULT, and of PLAN_PANEL, where there are `depth` rows."""
    across = code_of(plan, CODE_DOT_COLUMNS)
    vector = code_of(plan, CODE_LANES) * load64(plan + PLAN_SIZE)
    pitch = dot_pitch(plan, vectors)
    step = load64(plan + PLAN_KERNEL_STEPS)
    panel = load64(plan + PLAN_PANEL)
    sums = stack(4096)
    while depth > 0:
        columns = least(depth, across)
        left = filters
        at = load64(plan + PLAN_RESULT)
        to = kernel
        while left > 0:
            rows = dot_rows(plan, left)
            invoke(code_of(plan, CODE_DOT + rows * 8 - 8), at, pitch, panel, pitch, vectors, sums)
            invoke(code_of(plan, CODE_ADD_SUMS), to, step, offsets, columns, sums, across * vector, rows)
            at += rows * pitch
            to += rows * step
            left -= rows
        offsets += columns * 8
        panel += columns * pitch
        depth -= columns
    return 0
