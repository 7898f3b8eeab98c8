"""The run-time system: products with vectors: matrix by vector, inner and outer products.

Written in the language of `runtime_language.py`. See `runtime_products.py`, where such steps are prepared.

A matrix by a vector is bound by memory, and computed by loops of our own (`vector_row_products.py` and its like), which
take operands of nearly any strides where they lie: BLAS's bits would hang on the number of its threads. Rows of the
result are computed independently, by as many threads as there are. Where they are few and long, they are cut into
parts, whose lengths hang on the matrix's only, and whose sums are added in their order: so bits do not depend on the
number of threads either.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_PYTHON,
    contiguous_copy,
    copy_array,
    fail,
    release,
)
from theano.backends.native.runtime_kernels import DIVIDE_RANGE, division
from theano.backends.native.runtime_language import address_of, invoke, load32, load64, stack, store32, store64
from theano.backends.native.runtime_products import (
    OPERAND_BUFFER,
    OPERAND_COPY,
    OPERAND_WAY,
    PRODUCT_A,
    PRODUCT_ALPHA,
    PRODUCT_B,
    PRODUCT_C,
    PRODUCT_KIND,
    PRODUCT_OUT,
    PRODUCT_ROUTINE,
    PRODUCT_SIZE,
    PRODUCT_VECTORS,
    VECTOR_ADD_COLUMNS,
    VECTOR_ADD_PAIRS,
    VECTOR_ADD_SHORT_COLUMNS,
    VECTOR_INNER,
    VECTOR_INNER_PAIRS,
    VECTOR_INNER_ROWS,
    VECTOR_LANES,
    VECTOR_MAKE_COLUMN,
    VECTOR_MAKE_ROW,
    VECTOR_MAKE_SINGLE,
    VECTOR_ONE,
    across,
    added_onto,
    bring,
    distance,
    down,
    limit_blas,
    number,
    output_waits,
    unlimit_blas,
)
from theano.backends.native.runtime_routines import E_LIMIT, back, least, leave, length, most, small, up
from theano.backends.native.runtime_tile_products import is_zero

# a product, and what has been decided
TASK_TABLE = 0
TASK_SIZE = 8
TASK_ROWS = 16
TASK_TERMS = 24
TASK_A = 32
TASK_STRIDE = 40  # from row to row, or from column to column
TASK_BY_ROWS = 48  # rows of A are contiguous, and x; 0: columns, and y
TASK_X = 56
TASK_X_STEP = 64
TASK_Y = 72
TASK_Y_STEP = 80
TASK_ALPHA = 88
TASK_BETA = 96
TASK_PART = 104  # the terms of a part
TASK_SUMS = 112  # of parts
TASK_BYTES = 120

# an outer product by BLAS, which has threads of its own from so many elements on
OUTER_ROUTINE = 0
OUTER_INTS = 8
OUTER_ALPHA = 16
OUTER_LEFT = 24
OUTER_RIGHT = 32
OUTER_PLACE = 40
OUTER_SIZE = 48
OUTER_BYTES = 56
OUTER_DIVIDES = 8192

SINGLE_ROWS = 3  # up to so many rows are taken one by one
# terms that an element of a vector of sums gets before they are added to others: x stays in the first cache, and errors
# are small
TERMS_OF_A_LANE = 256
FEW_ROWS = 32  # up to so many rows are cut into parts
PART_TERMS = 16384
MOST_PARTS = 64
ROWS_UNIT = 8  # of inner products that are computed at once
LINE = 64  # bytes of the cache
DIVIDED_BYTES = 262144
# multiplications that take as long as one with a number in the second cache, or beyond it, by the measure of BLAS
SECOND_CACHE = 1048576
COST_NEAR = 3
COST_FAR = 6


def vector_product_run(frame: int, step: int) -> int:
    kind = load64(step + PRODUCT_KIND)
    out = frame + load64(step + PRODUCT_OUT)
    a = frame + load64(step + PRODUCT_A)
    b = frame + load64(step + PRODUCT_B)
    if kind == 1:
        if output_waits(frame, step, 1):
            return vector_product(frame, step, a, b, out)
        return 0
    if kind == 3:
        if output_waits(frame, step, 2):
            return outer_product(frame, step, a, b, out)
        return 0
    # inner product: a vector is a matrix of one row
    row = stack(BUFFER_DIMS + 32)
    store64(row, load64(a))
    store64(row + BUFFER_OWNER, 0)
    store64(row + BUFFER_DIMS, 1)
    store64(row + BUFFER_DIMS + 8, length(a, 0))
    store64(row + BUFFER_DIMS + 16, 0)
    store64(row + BUFFER_DIMS + 24, step_of(a))
    one = stack(BUFFER_DIMS + 16)
    store64(one, load64(out))
    store64(one + BUFFER_OWNER, 0)
    store64(one + BUFFER_DIMS, 1)
    store64(one + BUFFER_DIMS + 8, load64(step + PRODUCT_SIZE))
    return vector_product(frame, step, row, b, one)


def step_of(vector: int) -> int:
    """The bytes from element to element of a vector."""
    return load64(vector + BUFFER_DIMS + 8)


def loops(frame: int, table: int, rows: int, by_rows: int, in_parts: int) -> int:
    """See to it that the functions for a product are compiled, of each file the last one, too. 1: failed."""
    if (not by_rows or in_parts) and missing(frame, table, VECTOR_ADD_PAIRS, VECTOR_MAKE_COLUMN):
        return 1
    if not by_rows:
        return 0
    if rows <= SINGLE_ROWS:
        return missing(frame, table, VECTOR_INNER, VECTOR_MAKE_SINGLE)
    return missing(frame, table, VECTOR_INNER_PAIRS, VECTOR_MAKE_ROW)


def missing(frame: int, table: int, function: int, make: int) -> int:
    if load64(table + function) != 0:
        return 0
    Py_DecRef(PyObject_Vectorcall(load64(table + make), 0, 0, 0))
    if load64(table + function) != 0:
        return 0
    return fail(frame, E_PYTHON, 0, 0, 0, 0)


def vector_product(frame: int, step: int, a: int, x: int, out: int) -> int:
    """y = alpha A x [+ beta y]. What the loops cannot take as it lies, is copied."""
    size = load64(step + PRODUCT_SIZE)
    rows = length(a, 0)
    terms = length(a, 1)
    task = stack(TASK_BYTES)
    matrix = stack(BUFFER_DIMS + 32)
    vector = stack(BUFFER_DIMS + 16)
    result = stack(BUFFER_DIMS + 16)
    store64(matrix + BUFFER_OWNER, 0)
    store64(vector + BUFFER_OWNER, 0)
    store64(result + BUFFER_OWNER, 0)
    failed = 0
    by_rows = 0
    if terms < 2 or across(a) == size:
        by_rows = 1
    if rows == 1:
        if terms > 1 and step_of(x) != size:
            by_rows = 0
    elif down(a) == size and (terms < 2 or not by_rows):
        by_rows = 0
    elif not by_rows:
        failed = contiguous_copy(frame, matrix, a, 2, size)
        a = matrix
        by_rows = 1
    if not failed and by_rows and terms > 1 and step_of(x) != size:
        failed = contiguous_copy(frame, vector, x, 1, size)
        x = vector
    part = part_terms(rows, terms)
    if not failed:
        failed = loops(frame, load64(step + PRODUCT_VECTORS), rows, by_rows, part < terms)
    place = out
    if not failed and rows > 1 and step_of(out) != size and (not by_rows or part < terms):
        failed = contiguous_copy(frame, result, out, 1, size)
        place = result
    if not failed:
        store64(task + TASK_BY_ROWS, by_rows)
        store64(task + TASK_PART, part)
        describe(task, frame, step, a, x, place)
        failed = compute(frame, task)
        if place != out:
            copy_array(out, place, 1, size)
    release(matrix)
    release(vector)
    release(result)
    return failed


def describe(task: int, frame: int, step: int, a: int, x: int, y: int) -> int:
    """Fill in what is to be multiplied, after what has been decided."""
    size = load64(step + PRODUCT_SIZE)
    store64(task + TASK_TABLE, load64(step + PRODUCT_VECTORS))
    store64(task + TASK_SIZE, size)
    store64(task + TASK_ROWS, length(a, 0))
    store64(task + TASK_TERMS, length(a, 1))
    store64(task + TASK_A, load64(a))
    store64(task + TASK_STRIDE, across(a))
    if load64(task + TASK_BY_ROWS):
        store64(task + TASK_STRIDE, down(a))
    store64(task + TASK_X, load64(x))
    store64(task + TASK_X_STEP, step_of(x))
    store64(task + TASK_Y, load64(y))
    store64(task + TASK_Y_STEP, step_of(y))
    store64(task + TASK_ALPHA, number(frame, step, PRODUCT_ALPHA))
    beta = added_onto(frame, step)
    if beta != 0 and is_zero(beta, size):
        beta = 0
    store64(task + TASK_BETA, beta)
    return 0


def compute(frame: int, task: int) -> int:
    size = load64(task + TASK_SIZE)
    rows = load64(task + TASK_ROWS)
    terms = load64(task + TASK_TERMS)
    if load64(task + TASK_PART) < terms:
        return sum_of_parts(frame, task)
    unit = ROWS_UNIT
    if not load64(task + TASK_BY_ROWS):
        # one piece for a thread: memory is read faster in long parts of columns
        unit = most(1, rows * size // (load64(THREADS) * LINE)) * (LINE // size)
    return divided(frame, task, address_of(some_rows), rows, terms, size, rows, unit)


def part_terms(rows: int, terms: int) -> int:
    """How many terms a part has; all of them where there is one part."""
    if rows > FEW_ROWS or terms < 2 * PART_TERMS:
        return terms
    return up(up(terms, MOST_PARTS), PART_TERMS) * PART_TERMS


def divided(frame: int, task: int, function: int, m: int, n: int, size: int, count: int, unit: int) -> int:
    """Call function(task, first, end) for pieces of a range, by several threads if that pays for so large a matrix."""
    work = m * n
    if load64(THREADS) > 1 and work * size > DIVIDED_BYTES:
        divide = division(frame, DIVIDE_RANGE)
        if divide == 0:
            return 1
        cost = COST_NEAR
        if work * size > SECOND_CACHE:
            cost = COST_FAR
        invoke(divide, frame, function, task, count, unit, work * cost, size)
        return 0
    thread = leave(frame, m, n)
    invoke(function, task, 0, count)
    back(thread)
    return 0


def some_rows(task: int, first: int, end: int) -> int:
    step = load64(task + TASK_Y_STEP)
    y = load64(task + TASK_Y) + first * step
    terms = load64(task + TASK_TERMS)
    return multiply(task, first, end, 0, terms, y, step, load64(task + TASK_ALPHA), load64(task + TASK_BETA))


def sum_of_parts(frame: int, task: int) -> int:
    table = load64(task + TASK_TABLE)
    size = load64(task + TASK_SIZE)
    rows = load64(task + TASK_ROWS)
    terms = load64(task + TASK_TERMS)
    parts = up(terms, load64(task + TASK_PART))
    sums = stack(MOST_PARTS * FEW_ROWS * 8)
    store64(task + TASK_SUMS, sums)
    if divided(frame, task, address_of(some_parts), rows, terms, size, parts, 1):
        return 1
    # the sums are a matrix in columns, by a vector of ones
    one = table + VECTOR_ONE
    y = load64(task + TASK_Y)
    alpha = load64(task + TASK_ALPHA)
    beta = load64(task + TASK_BETA)
    invoke(load64(table + VECTOR_ADD_COLUMNS), sums, rows * size, rows, parts, one, 0, y, alpha, beta)
    return 0


def some_parts(task: int, first: int, end: int) -> int:
    size = load64(task + TASK_SIZE)
    rows = load64(task + TASK_ROWS)
    one = load64(task + TASK_TABLE) + VECTOR_ONE
    terms = load64(task + TASK_PART)
    while first < end:
        start = first * terms
        stop = least(start + terms, load64(task + TASK_TERMS))
        multiply(task, 0, rows, start, stop, load64(task + TASK_SUMS) + first * rows * size, size, one, 0)
        first += 1
    return 0


def multiply(
    task: int, first: int, end: int, start: int, stop: int, y: int, y_step: int, alpha: int, beta: int
) -> int:
    """Some rows, and some terms of each."""
    table = load64(task + TASK_TABLE)
    size = load64(task + TASK_SIZE)
    stride = load64(task + TASK_STRIDE)
    x_step = load64(task + TASK_X_STEP)
    rows = load64(task + TASK_ROWS)
    x = load64(task + TASK_X) + start * x_step
    if not load64(task + TASK_BY_ROWS):
        a = load64(task + TASK_A) + first * size + start * stride
        if rows == 2 and stride == 2 * size and x_step == size:
            return invoke(load64(table + VECTOR_ADD_PAIRS), a, stop - start, x, y, y_step, alpha, beta)
        function = VECTOR_ADD_COLUMNS
        if rows <= load64(table + VECTOR_LANES):
            function = VECTOR_ADD_SHORT_COLUMNS
        return invoke(load64(table + function), a, stride, end - first, stop - start, x, x_step, y, alpha, beta)
    a = load64(task + TASK_A) + first * stride + start * size
    if rows <= SINGLE_ROWS:
        while first < end:
            invoke(load64(table + VECTOR_INNER), a, stop - start, x, y, alpha, beta)
            a += stride
            y += y_step
            first += 1
        return 0
    if load64(task + TASK_TERMS) == 2 and stride == 2 * size and y_step == size:
        return invoke(load64(table + VECTOR_INNER_PAIRS), a, end - first, x, y, alpha, beta)
    function = load64(table + VECTOR_INNER_ROWS)
    block = TERMS_OF_A_LANE * load64(table + VECTOR_LANES)
    while 1:
        terms = least(stop - start, block)
        invoke(function, a, stride, end - first, terms, x, y, y_step, alpha, beta)
        start += terms
        if start >= stop:
            return 0
        beta = table + VECTOR_ONE
        a += terms * size
        x += terms * size
    return 0


def outer_product(frame: int, step: int, x: int, y: int, out: int) -> int:
    size = load64(step + PRODUCT_SIZE)
    m = length(x, 0)
    n = length(y, 0)
    column = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    row = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    result = stack(OPERAND_COPY + BUFFER_DIMS + 32)
    failed = bring(frame, column, x, 1, size) | bring(frame, row, y, 1, size) | bring(frame, result, out, 2, size)
    pace_x = load64(column + OPERAND_WAY)
    pace_y = load64(row + OPERAND_WAY)
    way = load64(result + OPERAND_WAY)
    place = load64(result + OPERAND_BUFFER)
    if not failed and not (small(m) and small(n) and small(way)):
        failed = fail(frame, E_LIMIT, m, n, 0, 0)
    if not failed:
        if load64(step + PRODUCT_C) == 0:
            memset(load64(place), 0, m * n * size)
        ints = stack(64)
        left = load64(column + OPERAND_BUFFER)
        right = load64(row + OPERAND_BUFFER)
        store32(ints, m)
        store32(ints + 4, n)
        store32(ints + 8, pace_x)
        store32(ints + 12, pace_y)
        if way > 0:
            left = load64(row + OPERAND_BUFFER)
            right = load64(column + OPERAND_BUFFER)
            store32(ints, n)
            store32(ints + 4, m)
            store32(ints + 8, pace_y)
            store32(ints + 12, pace_x)
        store32(ints + 16, distance(way))
        outer = stack(OUTER_BYTES)
        store64(outer + OUTER_ROUTINE, load64(step + PRODUCT_ROUTINE))
        store64(outer + OUTER_INTS, ints)
        store64(outer + OUTER_ALPHA, number(frame, step, PRODUCT_ALPHA))
        store64(outer + OUTER_LEFT, load64(left))
        store64(outer + OUTER_RIGHT, load64(right))
        store64(outer + OUTER_PLACE, load64(place))
        store64(outer + OUTER_SIZE, size)
        limited = 0
        if m * n > OUTER_DIVIDES:
            limited = limit_blas()
        failed = divided(frame, outer, address_of(some_columns), m, n, size, load32(ints + 4), 1)
        if limited:
            unlimit_blas()
        if place != out:
            copy_array(out, place, 2, size)
    release(column + OPERAND_COPY)
    release(row + OPERAND_COPY)
    release(result + OPERAND_COPY)
    return failed


def some_columns(outer: int, first: int, end: int) -> int:
    """Columns of the result, as BLAS has them."""
    size = load64(outer + OUTER_SIZE)
    ints = stack(24)
    memcpy(ints, load64(outer + OUTER_INTS), 20)
    store32(ints + 4, end - first)
    return invoke(
        load64(outer + OUTER_ROUTINE),
        ints,
        ints + 4,
        load64(outer + OUTER_ALPHA),
        load64(outer + OUTER_LEFT),
        ints + 8,
        load64(outer + OUTER_RIGHT) + first * load32(ints + 12) * size,
        ints + 12,
        load64(outer + OUTER_PLACE) + first * load32(ints + 16) * size,
        ints + 16,
    )
