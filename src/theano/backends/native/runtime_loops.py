"""The run-time system: loops, whose body is a program of its own that is run for one step after the other.

Written in the language of `runtime_language.py`. The body has its own frame, made for the loop and given back with it:
rows of sequences and of states are records that point into the arrays of the caller, and are moved on from step to
step. New rows are written where they belong, or copied there.

Two ways exist. The general one runs every step of the body as a program is run. Where all lengths stay the same
(`loop_image.py` finds out: there is a *plan* then), only the first step is run in full. It leaves every buffer its
memory; from then on the plan's steps just work, and nothing is allocated.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_DATA,
    ARRAY_STRIDES,
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_MEMORY,
    E_PYTHON,
    FRAME_CODE,
    FRAME_DETAIL,
    FRAME_MAY_RELEASE,
    FRAME_PROGRAM,
    PROGRAM_FRAME_BYTES,
    PROGRAM_NOWNERS,
    PROGRAM_OWNERS,
    PROGRAM_TEMPLATE,
    STEP_PREPARE,
    STEP_RUN,
    allocate,
    contiguous_copy,
    contiguous_strides,
    copy_array,
    fail,
    release,
    run_steps,
)
from theano.backends.native.runtime_language import invoke, load8, load16, load32, load64, stack, store64
from theano.backends.native.runtime_views import argument_array, call_python

# a loop's record
LOOP_BODY = 16  # the body's program table
LOOP_STEPS = 24  # buffer of the number of steps
LOOP_SEQUENCES = 32  # a table and how many
LOOP_TRACES = 48
LOOP_CARRIED = 64
LOOP_OTHERS = 80
LOOP_CONDITION = 96  # in the body's frame; 0: none
LOOP_CONDITION_SIZE = 104
LOOP_COUNT = 112  # buffer for the number of steps made; 0: none
LOOP_PYTHON = 120  # a step that calls `perform`, for loops without steps
LOOP_FIRST = 128  # the plan's first step: step tables, and how many; 0 of them: there is no plan
LOOP_PLAN = 144  # the plan's other steps, and how many
LOOP_MADE = 160  # what the body's steps make: a table of buffers, and how many
LOOP_VECTORS = 176  # code that goes over the steps itself, for a vector of points; 0: there is none
LOOP_SINGLE = 184  # the same for one point; 0: there is none
LOOP_LANES = 192
LOOP_MASKS = 200  # the first also takes parts of a vector
LOOP_PLACES = 208  # its operands, and how many
LOOP_BYTES = 224

# a sequence; buffers outside lie in the caller's frame, those inside in the body's
SEQUENCE_OUTSIDE = 0
SEQUENCE_INSIDE = 8
SEQUENCE_NDIM = 16  # of a row
SEQUENCE_BYTES = 24

# rows that are kept: of a state, or of what is only traced
TRACE_OUTSIDE = 0
TRACE_INSIDE = 8  # the new row
TRACE_NDIM = 16
TRACE_SIZE = 24
TRACE_INITIAL = 32  # buffer outside with the rows before the first step; 0: no state
TRACE_BEFORE = 40  # how many these are
TRACE_TAPS = 48  # table of (tap, buffer inside), and how many
TRACE_STATE = 64  # room in the body's frame: see KEPT_
TRACE_DIRECT = 72  # the new row may be written where it belongs
TRACE_BYTES = 80

KEPT_INITIAL = 0  # address of the first of the rows before the first step, and how far they lie apart
KEPT_APART = 8
KEPT_ROOM = 16  # rows that fit into the trace
KEPT_ROW = 24  # a buffer's record: a row of the trace. After it one for a copy of the initial rows

CARRIED_FROM = 0  # outside: the value before the first step, and the last one
CARRIED_TO = 8
CARRIED_IN = 16  # inside
CARRIED_OUT = 24
CARRIED_NDIM = 32  # -1: a Python object
CARRIED_SIZE = 40
CARRIED_SWAPS = 48  # with a plan: the two memories may change places
CARRIED_BYTES = 56

OTHER_OUTSIDE = 0
OTHER_INSIDE = 8
OTHER_NDIM = 16  # -1: a Python object
OTHER_ARGUMENT = 24  # how it becomes an array for Python, see ARGUMENT_ in `runtime_views.py`; 0: it need not
OTHER_BYTES = 32

PLAN_STEP = 0
PLAN_AGAIN = 8  # 1: what it made is released, and made again; 0: it has its memory
PLAN_OUTPUTS = 16  # table of (output, the buffer that it takes over or 0), and how many
PLAN_BYTES = 32

# an operand of code that goes over the steps itself
PLACE_KIND = 0
PLACE_BUFFER = 8  # inside
PLACE_NUMBER = 16  # of the sequence, the trace or what is carried
PLACE_BACK = 24
PLACE_NDIM = 32
PLACE_WALKS = 40  # how far apart points lie; 0: one element for all
PLACE_SIZE = 48
PLACE_BYTES = 56

IS_SEQUENCE = 0
IS_FIXED = 1
IS_TRACE = 2
IS_STATE = 3
IS_CARRIED = 4
MOST_POINTS = 512  # of longer rows, a step after the other is as quick, and kinder to the cache
BLOCK = 65536  # steps times vectors, after which a look around is taken

E_LOOP = 16
FEW_STEPS = 64
FIRST_ROOM = 16  # rows of the trace of a loop which may end early


def loop_run(frame: int, step: int) -> int:
    count = load64(load64(frame + load64(step + LOOP_STEPS)))
    if count <= 0:
        # no step tells the lengths of rows, or the number is wrong
        return call_python(frame, load64(step + LOOP_PYTHON))
    body = load64(step + LOOP_BODY)
    size = load64(body + PROGRAM_FRAME_BYTES)
    inner = malloc(size)
    if inner == 0:
        return fail(frame, E_MEMORY, size, 1, 0, 0)
    memcpy(inner, load64(body + PROGRAM_TEMPLATE), size)
    store64(inner + FRAME_PROGRAM, body)
    store64(inner + FRAME_MAY_RELEASE, load64(frame + FRAME_MAY_RELEASE))
    failed = begin(frame, inner, step, count)
    if not failed:
        failed = all_steps(frame, inner, step, body, count)
    release_all(inner, body)
    release_rows(inner, step)
    free(inner)
    return failed


def release_all(inner: int, body: int) -> int:
    owners = load64(body + PROGRAM_OWNERS)
    end = owners + load64(body + PROGRAM_NOWNERS) * 8
    while owners < end:
        release(inner + load64(owners))
        owners += 8
    return 0


def release_rows(inner: int, step: int) -> int:
    """Copies of initial rows."""
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        if load64(trace + TRACE_INITIAL) != 0:
            release(initial_copy(inner, trace))
        trace += TRACE_BYTES
    return 0


def initial_copy(inner: int, trace: int) -> int:
    return kept_row(inner, trace) + BUFFER_DIMS + load64(trace + TRACE_NDIM) * 16


def kept_row(inner: int, trace: int) -> int:
    return inner + load64(trace + TRACE_STATE) + KEPT_ROW


# ---- before the first step


def begin(frame: int, inner: int, step: int, count: int) -> int:
    """Bind everything that the first step reads."""
    entry = load64(step + LOOP_SEQUENCES)
    end = entry + load64(step + LOOP_SEQUENCES + 8) * SEQUENCE_BYTES
    while entry < end:
        outside = frame + load64(entry + SEQUENCE_OUTSIDE)
        inside = inner + load64(entry + SEQUENCE_INSIDE)
        ndim = load64(entry + SEQUENCE_NDIM)
        if load64(outside + BUFFER_DIMS) != count:
            return fail(frame, E_LOOP, 0, count, load64(outside + BUFFER_DIMS), 0)
        store64(inside, load64(outside))
        memcpy(inside + BUFFER_DIMS, outside + BUFFER_DIMS + 8, ndim * 8)
        memcpy(inside + BUFFER_DIMS + ndim * 8, outside + BUFFER_DIMS + (ndim + 2) * 8, ndim * 8)
        entry += SEQUENCE_BYTES
    entry = load64(step + LOOP_TRACES)
    end = entry + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while entry < end:
        if load64(entry + TRACE_INITIAL) != 0:
            if begin_state(frame, inner, step, entry, count):
                return 1
        entry += TRACE_BYTES
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        outside = frame + load64(entry + CARRIED_FROM)
        inside = inner + load64(entry + CARRIED_IN)
        ndim = load64(entry + CARRIED_NDIM)
        if ndim < 0:
            store64(inside, load64(outside))
            store64(inside + BUFFER_OWNER, load64(outside))
            Py_IncRef(load64(outside))
        elif contiguous_copy(frame, inside, outside, ndim, load64(entry + CARRIED_SIZE)):
            return 1
        entry += CARRIED_BYTES
    entry = load64(step + LOOP_OTHERS)
    end = entry + load64(step + LOOP_OTHERS + 8) * OTHER_BYTES
    while entry < end:
        if begin_other(frame, inner, entry):
            return 1
        entry += OTHER_BYTES
    return 0


def begin_state(frame: int, inner: int, step: int, trace: int, count: int) -> int:
    """The rows before the first step, and memory for those to come."""
    outside = frame + load64(trace + TRACE_INITIAL)
    ndim = load64(trace + TRACE_NDIM)
    size = load64(trace + TRACE_SIZE)
    kept = inner + load64(trace + TRACE_STATE)
    row = kept_row(inner, trace)
    before = load64(trace + TRACE_BEFORE)
    if load64(outside + BUFFER_DIMS) != before:
        return fail(frame, E_LOOP, 1, before, load64(outside + BUFFER_DIMS), 0)
    memcpy(row + BUFFER_DIMS, outside + BUFFER_DIMS + 8, ndim * 8)
    if contiguous_strides(row, ndim, size) < 0:
        return fail(frame, E_MEMORY, -1, size, 0, 0)
    rows = outside
    axis = 0
    while axis < ndim:
        # rows of the trace are contiguous, so those before it must be
        if load64(row + BUFFER_DIMS + axis * 8) != 1:
            apart = load64(outside + BUFFER_DIMS + (ndim + 2 + axis) * 8)
            if apart != load64(row + BUFFER_DIMS + (ndim + axis) * 8):
                rows = initial_copy(inner, trace)
        axis += 1
    if rows != outside:
        if contiguous_copy(frame, rows, outside, ndim + 1, size):
            return 1
    store64(kept + KEPT_INITIAL, load64(rows))
    store64(kept + KEPT_APART, load64(rows + BUFFER_DIMS + (ndim + 1) * 8))
    tap = load64(trace + TRACE_TAPS)
    end = tap + load64(trace + TRACE_TAPS + 8) * 16
    while tap < end:
        memcpy(inner + load64(tap + 8) + BUFFER_DIMS, row + BUFFER_DIMS, ndim * 16)
        tap += 16
    return begin_trace(frame, inner, step, trace, count)


def begin_trace(frame: int, inner: int, step: int, trace: int, count: int) -> int:
    """Memory for the rows of a trace; the lengths of one are known."""
    target = frame + load64(trace + TRACE_OUTSIDE)
    ndim = load64(trace + TRACE_NDIM)
    room = count
    if load64(step + LOOP_CONDITION) != 0 and room > FIRST_ROOM:
        room = FIRST_ROOM
    store64(inner + load64(trace + TRACE_STATE) + KEPT_ROOM, room)
    store64(target + BUFFER_DIMS, room)
    memcpy(target + BUFFER_DIMS + 8, kept_row(inner, trace) + BUFFER_DIMS, ndim * 8)
    return allocate(frame, target, ndim + 1, load64(trace + TRACE_SIZE))


def begin_other(frame: int, inner: int, entry: int) -> int:
    outside = frame + load64(entry + OTHER_OUTSIDE)
    inside = inner + load64(entry + OTHER_INSIDE)
    ndim = load64(entry + OTHER_NDIM)
    store64(inside, load64(outside))
    if ndim < 0:
        store64(inside + BUFFER_OWNER, load64(outside))
        Py_IncRef(load64(outside))
        return 0
    memcpy(inside + BUFFER_DIMS, outside + BUFFER_DIMS, ndim * 16)
    if load64(entry + OTHER_ARGUMENT) != 0:
        # Python may keep it: so it must have an owner that counts references
        array = argument_array(frame, load64(entry + OTHER_ARGUMENT))
        if array == 0:
            return fail(frame, E_PYTHON, 0, 0, 0, 0)
        store64(inside, load64(array + ARRAY_DATA))
        store64(inside + BUFFER_OWNER, array)
        memcpy(inside + BUFFER_DIMS + ndim * 8, load64(array + ARRAY_STRIDES), ndim * 8)
    return 0


# ---- the steps


def all_steps(frame: int, inner: int, step: int, body: int, count: int) -> int:
    planned = load64(step + LOOP_FIRST + 8)
    condition = load64(step + LOOP_CONDITION)
    # how often a look is taken at the clock; not at all by short loops, which it would cost more than a step
    pause = FEW_STEPS
    next = FEW_STEPS
    clock_was = 0
    t = 0
    ended = 0
    while t < count and not ended:
        point_at(frame, inner, step, t)
        failed = 0
        if planned == 0:
            failed = run_steps(body, inner)
        elif t == 0:
            failed = run_first(inner, step)
        else:
            failed = run_planned(inner, step)
        if failed:
            return failed_step(frame, inner, t)
        if keep_rows(frame, inner, step, t, count, planned):
            return 1
        if t == 0 and planned != 0:
            if not carried_stay(inner, step):
                # lengths change: every step is to be run in full
                planned = 0
        if planned == 0:
            if carry_on(frame, inner, step):
                return 1
        else:
            carry_planned(inner, step, t)
        if condition != 0:
            ended = is_true(load64(inner + condition), load64(step + LOOP_CONDITION_SIZE))
        if planned == 0:
            if condition != 0:
                release(inner + condition)
            if load64(step + LOOP_FIRST + 8) != 0:
                # made for a plan: a result did not take over what it could
                release_made(inner, step)
        t += 1
        if t == 1 and planned != 0 and not ended and t < count:
            if load64(step + LOOP_PLACES + 8) != 0:
                points = points_of(inner, step)
                if points > 0 and points <= MOST_POINTS:
                    t = run_in_registers(frame, inner, step, count, points)
                    if t < 0:
                        return 1
                    ended = 1
        if t < FEW_STEPS:
            if PyErr_CheckSignals():
                return fail(frame, E_PYTHON, 0, 0, 0, 0)
        elif t == next and not ended:
            now = clock(0)
            if clock_was == 0:
                pause = 1
            elif now - clock_was < 2 * CLOCK_MILLISECOND:
                pause = pause * 2
            elif now - clock_was > 8 * CLOCK_MILLISECOND and pause > 1:
                pause = pause // 2
            clock_was = now
            next = t + pause
            if look_around(frame):
                return 1
    return finish(frame, inner, step, t)


def look_around(frame: int) -> int:
    """Let other threads work, and see whether the user wants to stop."""
    if load64(frame + FRAME_MAY_RELEASE):
        PyEval_RestoreThread(PyEval_SaveThread())
    if PyErr_CheckSignals():
        return fail(frame, E_PYTHON, 0, 0, 0, 0)
    return 0


def is_true(address: int, size: int) -> int:
    if size == 1:
        return load8(address) != 0
    if size == 2:
        return load16(address) != 0
    if size == 4:
        return load32(address) != 0
    return load64(address) != 0


def failed_step(frame: int, inner: int, t: int) -> int:
    """What went wrong inside, for the report outside."""
    detail = FRAME_DETAIL
    while detail < FRAME_DETAIL + 40:
        store64(frame + detail, load64(inner + detail))
        detail += 8
    code = load64(inner + FRAME_CODE)
    if code == 0:
        code = E_PYTHON
    store64(frame + FRAME_CODE, code)
    return 1


def point_at(frame: int, inner: int, step: int, t: int) -> int:
    """Let rows of sequences and states, and planned results, be those of step t."""
    entry = load64(step + LOOP_SEQUENCES)
    end = entry + load64(step + LOOP_SEQUENCES + 8) * SEQUENCE_BYTES
    if t > 0:
        while entry < end:
            outside = frame + load64(entry + SEQUENCE_OUTSIDE)
            inside = inner + load64(entry + SEQUENCE_INSIDE)
            apart = load64(outside + BUFFER_DIMS + (load64(entry + SEQUENCE_NDIM) + 1) * 8)
            store64(inside, load64(inside) + apart)
            entry += SEQUENCE_BYTES
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        if load64(trace + TRACE_INITIAL) != 0:
            rows = load64(frame + load64(trace + TRACE_OUTSIDE))
            apart = row_bytes(frame, trace)
            kept = inner + load64(trace + TRACE_STATE)
            tap = load64(trace + TRACE_TAPS)
            last = tap + load64(trace + TRACE_TAPS + 8) * 16
            while tap < last:
                j = t + load64(tap)
                inside = inner + load64(tap + 8)
                if j >= 0:
                    store64(inside, rows + j * apart)
                else:
                    j += load64(trace + TRACE_BEFORE)
                    store64(inside, load64(kept + KEPT_INITIAL) + j * load64(kept + KEPT_APART))
                tap += 16
        trace += TRACE_BYTES
    return 0


def row_bytes(frame: int, trace: int) -> int:
    """How far apart rows of a trace lie."""
    outside = frame + load64(trace + TRACE_OUTSIDE)
    return load64(outside + BUFFER_DIMS + (load64(trace + TRACE_NDIM) + 1) * 8)


def run_first(inner: int, step: int) -> int:
    """All steps of the body; what they make keeps its memory."""
    at = load64(step + LOOP_FIRST)
    end = at + load64(step + LOOP_FIRST + 8) * 8
    while at < end:
        if run_one(inner, load64(at)):
            return 1
        at += 8
    return 0


def run_one(inner: int, step: int) -> int:
    work = load64(step + STEP_PREPARE)
    if work != 0 and invoke(load64(work), inner, step):
        return 1
    work = load64(step + STEP_RUN)
    if work != 0 and invoke(load64(work), inner, step):
        return 1
    return 0


def run_planned(inner: int, step: int) -> int:
    """The steps of the body that have something to do in every step of the loop."""
    plan = load64(step + LOOP_PLAN)
    end = plan + load64(step + LOOP_PLAN + 8) * PLAN_BYTES
    while plan < end:
        one = load64(plan + PLAN_STEP)
        if load64(plan + PLAN_AGAIN):
            release_outputs(inner, plan)
            if run_one(inner, one):
                return 1
        elif invoke(load64(load64(one + STEP_RUN)), inner, one):
            return 1
        plan += PLAN_BYTES
    return 0


def release_outputs(inner: int, plan: int) -> int:
    """Give up what a step has made, or back to whom it was taken from."""
    at = load64(plan + PLAN_OUTPUTS)
    end = at + load64(plan + PLAN_OUTPUTS + 8) * 16
    while at < end:
        made = inner + load64(at)
        source = inner + load64(at + 8)
        if source != inner and load64(source) == load64(made) and load64(source + BUFFER_OWNER) == 0:
            store64(source + BUFFER_OWNER, load64(made + BUFFER_OWNER))
            store64(made + BUFFER_OWNER, 0)
        else:
            release(made)
        at += 16
    return 0


def release_made(inner: int, step: int) -> int:
    """Give up all that the first step made and kept."""
    at = load64(step + LOOP_MADE)
    end = at + load64(step + LOOP_MADE + 8) * 8
    while at < end:
        release(inner + load64(at))
        at += 8
    return 0


# ---- code that goes over the steps itself


def points_of(inner: int, step: int) -> int:
    """How many points the loop's code has to go over; -1: rows do not lie as it needs them."""
    points = 1
    some = 0
    place = load64(step + LOOP_PLACES)
    end = place + load64(step + LOOP_PLACES + 8) * PLACE_BYTES
    while place < end:
        size = load64(place + PLACE_SIZE)
        if load64(place + PLACE_WALKS) != 0:
            kind = load64(place + PLACE_KIND)
            ndim = load64(place + PLACE_NDIM)
            buffer = inner + load64(place + PLACE_BUFFER)
            if kind >= IS_TRACE and kind <= IS_STATE:
                # lengths are those of the new row; the rows of a trace are contiguous
                size = 0
            count = 1
            axis = ndim - 1
            while axis >= 0:
                n = load64(buffer + BUFFER_DIMS + axis * 8)
                if size != 0 and n > 1 and load64(buffer + BUFFER_DIMS + (ndim + axis) * 8) != size:
                    return -1
                size = size * n
                count = count * n
                axis -= 1
            if some and count != points:
                return -1
            points = count
            some = 1
        place += PLACE_BYTES
    return points


def run_in_registers(frame: int, inner: int, step: int, count: int, points: int) -> int:
    """Steps from the second one on; how many steps of the loop there have been, or -1: it failed."""
    lanes = load64(step + LOOP_LANES)
    vectors = (points + lanes - 1) // lanes
    table = stack(load64(step + LOOP_PLACES + 8) * 16)
    most = BLOCK // vectors
    t = 1
    ended = 0
    while t < count and not ended:
        steps = count - t
        if steps > most:
            steps = most
        if load64(step + LOOP_CONDITION) != 0:
            left = room_for(frame, inner, step, t, count) - t
            if left <= 0:
                return -1
            if steps > left:
                steps = left
        fill_places(frame, inner, step, table, t)
        thread = 0
        if load64(frame + FRAME_MAY_RELEASE) and steps * vectors >= BLOCK // 8:
            thread = PyEval_SaveThread()
        done = run_block(step, table, steps, points)
        if thread != 0:
            PyEval_RestoreThread(thread)
        ended = done & 1
        t += done >> 1
        store64(BUDGET, load64(BUDGET) - ((steps * vectors) >> 7))
        if PyErr_CheckSignals():
            fail(frame, E_PYTHON, 0, 0, 0, 0)
            return -1
    return t


def room_for(frame: int, inner: int, step: int, t: int, count: int) -> int:
    """How many rows the traces can take, after they have grown if they were full; 0: there is no memory."""
    room = count
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        place = inner + load64(trace + TRACE_STATE) + KEPT_ROOM
        if t >= load64(place):
            if grow(frame, inner, trace, t, count):
                return 0
        if load64(place) < room:
            room = load64(place)
        trace += TRACE_BYTES
    return room


def fill_places(frame: int, inner: int, step: int, table: int, t: int) -> int:
    """For each operand its address at step t, and how far it moves with every step."""
    place = load64(step + LOOP_PLACES)
    end = place + load64(step + LOOP_PLACES + 8) * PLACE_BYTES
    while place < end:
        kind = load64(place + PLACE_KIND)
        number = load64(place + PLACE_NUMBER)
        at = load64(inner + load64(place + PLACE_BUFFER))
        move = 0
        if kind == IS_SEQUENCE:
            outside = frame + load64(load64(step + LOOP_SEQUENCES) + number * SEQUENCE_BYTES + SEQUENCE_OUTSIDE)
            move = load64(outside + BUFFER_DIMS + (load64(place + PLACE_NDIM) + 1) * 8)
            at = load64(outside) + t * move
        elif kind != IS_FIXED and kind != IS_CARRIED:
            trace = load64(step + LOOP_TRACES) + number * TRACE_BYTES
            move = row_bytes(frame, trace)
            j = t - load64(place + PLACE_BACK)
            at = load64(frame + load64(trace + TRACE_OUTSIDE)) + j * move
            if j < 0:
                kept = inner + load64(trace + TRACE_STATE)
                j += load64(trace + TRACE_BEFORE)
                at = load64(kept + KEPT_INITIAL) + j * load64(kept + KEPT_APART)
        store64(table, at)
        store64(table + 8, move)
        table += 16
        place += PLACE_BYTES
    return 0


def run_block(step: int, table: int, steps: int, points: int) -> int:
    """So many steps for all points, a vector of these after the other."""
    lanes = load64(step + LOOP_LANES)
    code = load64(step + LOOP_VECTORS)
    if points == 1 and code == 0:
        return invoke(load64(step + LOOP_SINGLE), table, steps, 1)
    done = 0
    while points > 0:
        active = lanes
        if points < lanes:
            active = points
            if not load64(step + LOOP_MASKS):
                code = load64(step + LOOP_SINGLE)
                active = 1
        done = invoke(code, table, steps, active)
        points -= active
        k = 0
        count = load64(step + LOOP_PLACES + 8)
        while k < count:
            place = load64(step + LOOP_PLACES) + k * PLACE_BYTES
            store64(table + k * 16, load64(table + k * 16) + active * load64(place + PLACE_WALKS))
            k += 1
    return done


# ---- after a step


def keep_rows(frame: int, inner: int, step: int, t: int, count: int, planned: int) -> int:
    """Put new rows where they belong, unless they have been written there."""
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        fresh = inner + load64(trace + TRACE_INSIDE)
        ndim = load64(trace + TRACE_NDIM)
        row = kept_row(inner, trace)
        if t == 0 and load64(trace + TRACE_INITIAL) == 0:
            memcpy(row + BUFFER_DIMS, fresh + BUFFER_DIMS, ndim * 8)
            if contiguous_strides(row, ndim, load64(trace + TRACE_SIZE)) < 0:
                return fail(frame, E_MEMORY, -1, 1, 0, 0)
            if begin_trace(frame, inner, step, trace, count):
                return 1
        axis = 0
        while axis < ndim:
            n = load64(fresh + BUFFER_DIMS + axis * 8)
            if n != load64(row + BUFFER_DIMS + axis * 8):
                return fail(frame, E_LOOP, 2, load64(row + BUFFER_DIMS + axis * 8), n, t)
            axis += 1
        if t == load64(inner + load64(trace + TRACE_STATE) + KEPT_ROOM):
            if grow(frame, inner, trace, t, count):
                return 1
        place = load64(frame + load64(trace + TRACE_OUTSIDE)) + t * row_bytes(frame, trace)
        if load64(fresh) != place:
            store64(row, place)
            copy_array(row, fresh, ndim, load64(trace + TRACE_SIZE))
        if planned == 0:
            release(fresh)
        elif load64(trace + TRACE_DIRECT):
            if t == 0:
                release(fresh)
                memcpy(fresh + BUFFER_DIMS, row + BUFFER_DIMS, ndim * 16)
            # the next row; where the trace must grow first, it is copied out of this one's place
            if t + 1 < load64(inner + load64(trace + TRACE_STATE) + KEPT_ROOM):
                store64(fresh, place + row_bytes(frame, trace))
            elif t + 1 < count:
                if grow(frame, inner, trace, t + 1, count):
                    return 1
                place = load64(frame + load64(trace + TRACE_OUTSIDE))
                store64(fresh, place + (t + 1) * row_bytes(frame, trace))
        trace += TRACE_BYTES
    return 0


def grow(frame: int, inner: int, trace: int, t: int, count: int) -> int:
    """Twice as much memory for a trace with t rows, all of which are in use."""
    target = frame + load64(trace + TRACE_OUTSIDE)
    ndim = load64(trace + TRACE_NDIM)
    room = 2 * t
    if room > count:
        room = count
    larger = stack(BUFFER_DIMS + ndim * 16 + 32)
    store64(larger + BUFFER_OWNER, 0)
    store64(larger + BUFFER_DIMS, room)
    memcpy(larger + BUFFER_DIMS + 8, target + BUFFER_DIMS + 8, ndim * 8)
    if allocate(frame, larger, ndim + 1, load64(trace + TRACE_SIZE)):
        return 1
    memcpy(load64(larger), load64(target), t * row_bytes(frame, trace))
    release(target)
    memcpy(target, larger, BUFFER_DIMS + (ndim + 1) * 16)
    store64(inner + load64(trace + TRACE_STATE) + KEPT_ROOM, room)
    return 0


def carry_on(frame: int, inner: int, step: int) -> int:
    """What a step made becomes what the next one reads."""
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        before = inner + load64(entry + CARRIED_IN)
        after = inner + load64(entry + CARRIED_OUT)
        ndim = load64(entry + CARRIED_NDIM)
        owner = load64(after + BUFFER_OWNER)
        if ndim < 0 or owner & 1:
            release(before)
            if ndim < 0:
                store64(before, load64(after))
                store64(before + BUFFER_OWNER, owner)
            else:
                memcpy(before, after, BUFFER_DIMS + ndim * 16)
            store64(after + BUFFER_OWNER, 0)
        else:
            # memory of an array that Python may know
            if carry_copy(frame, before, after, ndim, load64(entry + CARRIED_SIZE)):
                return 1
        entry += CARRIED_BYTES
    return 0


def carry_copy(frame: int, before: int, after: int, ndim: int, size: int) -> int:
    copy = stack(BUFFER_DIMS + ndim * 16 + 16)
    if contiguous_copy(frame, copy, after, ndim, size):
        return 1
    release(before)
    release(after)
    memcpy(before, copy, BUFFER_DIMS + ndim * 16)
    return 0


def carried_stay(inner: int, step: int) -> int:
    """Do all carried values have the lengths that they had?"""
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        before = inner + load64(entry + CARRIED_IN)
        after = inner + load64(entry + CARRIED_OUT)
        axis = load64(entry + CARRIED_NDIM) - 1
        while axis >= 0:
            if load64(before + BUFFER_DIMS + axis * 8) != load64(after + BUFFER_DIMS + axis * 8):
                return 0
            axis -= 1
        entry += CARRIED_BYTES
    return 1


def carry_planned(inner: int, step: int, t: int) -> int:
    """`carry_on` where all memory stays: it is there already, or the two change places, or it is copied."""
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        before = inner + load64(entry + CARRIED_IN)
        after = inner + load64(entry + CARRIED_OUT)
        ndim = load64(entry + CARRIED_NDIM)
        if load64(before) == load64(after):
            if load64(before + BUFFER_OWNER) == 0:
                store64(before + BUFFER_OWNER, load64(after + BUFFER_OWNER))
                store64(after + BUFFER_OWNER, 0)
        else:
            swaps = load64(entry + CARRIED_SWAPS)
            if swaps:
                axis = 0
                while axis < ndim:
                    stride = load64(before + BUFFER_DIMS + (ndim + axis) * 8)
                    if stride != load64(after + BUFFER_DIMS + (ndim + axis) * 8):
                        swaps = 0
                    axis += 1
            if swaps:
                data = load64(before)
                owner = load64(before + BUFFER_OWNER)
                store64(before, load64(after))
                store64(before + BUFFER_OWNER, load64(after + BUFFER_OWNER))
                store64(after, data)
                store64(after + BUFFER_OWNER, owner)
            else:
                copy_array(before, after, ndim, load64(entry + CARRIED_SIZE))
        entry += CARRIED_BYTES
    return 0


# ---- after the last step


def finish(frame: int, inner: int, step: int, made: int) -> int:
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        store64(frame + load64(trace + TRACE_OUTSIDE) + BUFFER_DIMS, made)
        trace += TRACE_BYTES
    entry = load64(step + LOOP_CARRIED)
    end = entry + load64(step + LOOP_CARRIED + 8) * CARRIED_BYTES
    while entry < end:
        last = inner + load64(entry + CARRIED_IN)
        target = frame + load64(entry + CARRIED_TO)
        ndim = load64(entry + CARRIED_NDIM)
        if ndim < 0:
            store64(target, load64(last))
            store64(target + BUFFER_OWNER, load64(last + BUFFER_OWNER))
        else:
            owner = inner + load64(entry + CARRIED_OUT)
            if load64(last + BUFFER_OWNER) != 0:
                owner = last
            memcpy(target, last, BUFFER_DIMS + ndim * 16)
            store64(target + BUFFER_OWNER, load64(owner + BUFFER_OWNER))
            store64(owner + BUFFER_OWNER, 0)
        store64(last + BUFFER_OWNER, 0)
        entry += CARRIED_BYTES
    if load64(step + LOOP_COUNT) != 0:
        target = frame + load64(step + LOOP_COUNT)
        if allocate(frame, target, 0, 8):
            return 1
        store64(load64(target + BUFFER_DATA), made)
    return 0
