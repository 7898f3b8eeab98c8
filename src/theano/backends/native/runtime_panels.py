"""The run-time system: a matrix product by panels of rows, and the kernels behind it over each while it is in cache.

Written in the language of `runtime_language.py`, and compiled when a process first meets such a product: a tall one of
few terms, whose result would go to memory and come back for a bias and an activation. `runtime_products.py` says
when that pays. A panel is tiles of `runtime_tile_products.py`, whose bits do not depend on where panels end, and the
kernels take it as a group of rows takes a block (`runtime_rows.py`).
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64
from theano.backends.native.runtime_memory import block_free, block_malloc
from theano.backends.native.runtime_products import (
    FOLLOWED_PRODUCT,
    FOLLOWED_RUN,
    PAY_BESIDE,
    PRODUCT_A,
    PRODUCT_B,
    PRODUCT_OUT,
    PRODUCT_STATE,
    matrix_product,
    panels_pay,
)
from theano.backends.native.runtime_records import (
    KERNEL_OPERANDS,
    KERNEL_PRODUCT,
    KERNEL_ROWS,
    ROLE_IN,
    ROOM_OF_ROWS,
    SLOT_BUFFER,
    SLOT_BYTES,
    SLOT_ROLE,
)
from theano.backends.native.runtime_routines import least
from theano.backends.native.runtime_row_plans import PLAN_BYTES, PLAN_SLOTS, plan_bytes
from theano.backends.native.runtime_rows import (
    MEMBER_BYTES,
    ROWS_BUFFERS,
    ROWS_BYTES,
    ROWS_KERNELS,
    block_rows,
    bytes_of_plans,
    end_plans,
    follow_plans,
    kernel_parts,
    make_plans,
    member_cost,
    member_rows,
    run_parts,
)
from theano.backends.native.runtime_tile_products import (
    TILED_BYTES,
    TILED_C,
    TILED_INNER,
    TILED_M,
    TILED_N,
    TILED_SIZE,
    tile_rows,
)

TILE_COST = 5  # picoseconds for a multiplication, per byte of a number: roughly
LEAST_PANEL = 64  # rows

# A panel lies half a page from where its rows will be written: processors compare places in pages to see whether what
# is read has just been written.
PAGE = 4096
HALF_A_PAGE = 2048

PANELS_TILED = 0
PANELS_MEMBERS = 8
PANELS_BESIDE = 16  # of the product's buffer, if panels are computed beside it: where it lies in the frame; or 0
PANELS_BYTES = 24


def panels_run(frame: int, step: int) -> int:
    """Run a product and the kernels behind it, of which `step` is the last."""
    followed = load64(step + KERNEL_PRODUCT)
    product = load64(followed + FOLLOWED_PRODUCT)
    group = load64(step + KERNEL_ROWS)
    count = load64(group + ROWS_KERNELS)
    members = group + ROWS_BYTES
    tiled = stack(TILED_BYTES)
    store64(frame + load64(product + PRODUCT_STATE), 0)
    pays = panels_pay(frame, product, tiled)
    rows = load64(tiled + TILED_M)
    block = panel_rows(frame, group, rows, load64(CACHE_ROOM + ROOM_OF_ROWS))
    if block >= rows or block < LEAST_PANEL or not pays:
        a = frame + load64(product + PRODUCT_A)
        b = frame + load64(product + PRODUCT_B)
        if matrix_product(frame, product, a, b, frame + load64(product + PRODUCT_OUT), 1):
            return 1
        return invoke(load64(load64(followed + FOLLOWED_RUN)), frame, step)
    job = stack(PANELS_BYTES)
    store64(job + PANELS_TILED, tiled)
    store64(job + PANELS_MEMBERS, members)
    store64(job + PANELS_BESIDE, 0)
    if pays == PAY_BESIDE:
        store64(job + PANELS_BESIDE, load64(product + PRODUCT_OUT))
    cost = work_of_all(frame, group, tiled)
    return run_parts(frame, job, count, rows, block, cost, address_of(panels_part))


def panel_rows(frame: int, group: int, rows: int, room: int) -> int:
    """How many rows to take at a time, so that what the kernels touch fits into `room` bytes; `rows`: all."""
    members = group + ROWS_BYTES
    count = load64(group + ROWS_KERNELS)
    k = 0
    while k < count:
        if member_rows(frame, members + k * MEMBER_BYTES) != rows:
            return rows
        k += 1
    return block_rows(frame, members + count * MEMBER_BYTES, load64(group + ROWS_BUFFERS), rows, room)


def work_of_all(frame: int, group: int, tiled: int) -> int:
    """Picoseconds of the product and the kernels, a guess."""
    work = load64(tiled + TILED_M) * load64(tiled + TILED_N) * load64(tiled + TILED_INNER)
    cost = work * load64(tiled + TILED_SIZE) * TILE_COST
    k = 0
    while k < load64(group + ROWS_KERNELS):
        cost += member_cost(frame, load64(group + ROWS_BYTES + k * MEMBER_BYTES))
        k += 1
    return cost


def panels_part(frame: int, job: int, count: int, start: int, end: int, block: int) -> int:
    """The rows from `start`, a multiple of tiles, to `end`: a panel of `block` at a time."""
    tiled = load64(job + PANELS_TILED)
    members = load64(job + PANELS_MEMBERS)
    plans = stack(bytes_of_plans(members, count))
    ready = make_plans(frame, members, count, start, end - start, block, plans)
    beside = 0
    if ready and load64(job + PANELS_BESIDE):
        beside = block_malloc(block * load64(tiled + TILED_C + 8) + PAGE)
    panel = stack(TILED_BYTES)
    memcpy(panel, tiled, TILED_BYTES)
    failed = 0
    while start < end and not failed:
        rows = least(block, end - start)
        if beside:
            away = start * load64(tiled + TILED_C + 8)
            data = beside + ((load64(tiled + TILED_C) + away + HALF_A_PAGE - beside) & (PAGE - 64))
            store64(panel + TILED_C, data - away)
            read_from(members, count, plans, load64(job + PANELS_BESIDE), data)
        tile_rows(panel, start, start + rows)
        if ready:
            follow_plans(members, count, plans, rows, rows)
        else:
            failed = kernel_parts(frame, members, count, start, rows)
        start += rows
    if beside:
        block_free(beside)
    end_plans(members, count, plans)
    return failed


def read_from(members: int, count: int, plans: int, buffer: int, data: int) -> int:
    """Have the kernels read the rows to come of a buffer, which lies there in the frame, at the address `data`."""
    while count > 0:
        step = load64(members)
        slot = load64(step + KERNEL_OPERANDS)
        at = plans + PLAN_BYTES
        end = at + load64(plans + PLAN_SLOTS) * 8
        while at < end:
            if load64(slot + SLOT_BUFFER) == buffer and load64(slot + SLOT_ROLE) == ROLE_IN:
                store64(at, data)
            at += 8
            slot += SLOT_BYTES
        plans += plan_bytes(step)
        members += MEMBER_BYTES
        count -= 1
    return 0
