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

from theano.backends.native.runtime_calls import run_steps
from theano.backends.native.runtime_core import (
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_INTERRUPT,
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
)
from theano.backends.native.runtime_language import (
    invoke,
    load8,
    load16,
    load32,
    load64,
    stack,
    store64,
)
from theano.backends.native.runtime_launches import launch_kernel, make_ready
from theano.backends.native.runtime_loop_start import begin, begin_numbers, knows_rows
from theano.backends.native.runtime_python_calls import call_python
from theano.backends.native.runtime_registers import LEFT, MOST_POINTS, catch_up, points_of, run_in_registers
from theano.backends.native.runtime_traces import (
    CARRIED_BYTES,
    CARRIED_IN,
    CARRIED_NDIM,
    CARRIED_OUT,
    CARRIED_SIZE,
    CARRIED_SWAPS,
    CARRIED_TO,
    E_LOOP,
    FEW_STEPS,
    KEPT_APART,
    KEPT_INITIAL,
    KEPT_ROOM,
    LOOP_AT_ONCE,
    LOOP_BAR,
    LOOP_BAR_BEGINS,
    LOOP_BAR_CLOCK,
    LOOP_BAR_ENDS,
    LOOP_BAR_FAILS,
    LOOP_BAR_GOES_ON,
    LOOP_BODY,
    LOOP_CARRIED,
    LOOP_CONDITION,
    LOOP_CONDITION_SIZE,
    LOOP_COUNT,
    LOOP_FIRST,
    LOOP_MADE,
    LOOP_NESTS,
    LOOP_PLACES,
    LOOP_PLAN,
    LOOP_PYTHON,
    LOOP_SEQUENCES,
    LOOP_STEPS,
    LOOP_TRACES,
    PLAN_AGAIN,
    PLAN_BYTES,
    PLAN_LAUNCH,
    PLAN_OUTPUTS,
    PLAN_STEP,
    SEQUENCE_BYTES,
    SEQUENCE_INSIDE,
    SEQUENCE_NDIM,
    SEQUENCE_OUTSIDE,
    TRACE_BEFORE,
    TRACE_BYTES,
    TRACE_DIRECT,
    TRACE_INITIAL,
    TRACE_INSIDE,
    TRACE_NDIM,
    TRACE_OUTSIDE,
    TRACE_SIZE,
    TRACE_STATE,
    TRACE_TAPS,
    begin_trace,
    grow,
    initial_copy,
    kept_row,
    row_bytes,
)

MOST_KEPT = 8388608  # bytes of a step's large results that are kept, where they could share memory


def loop_run(frame: int, step: int) -> int:
    count = load64(load64(frame + load64(step + LOOP_STEPS)))
    if count < 0 or (count == 0 and not knows_rows(step)):
        # the number is wrong, or no step tells the lengths of rows
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
    if not failed and load64(step + LOOP_BAR) != 0:
        invoke(load64(load64(step + LOOP_BAR_BEGINS)), inner, step, count)
    if not failed and count == 0:
        failed = no_step(frame, inner, step)
    elif not failed:
        failed = all_steps(frame, inner, step, body, count)
    if failed and load64(step + LOOP_BAR) != 0:
        invoke(load64(load64(step + LOOP_BAR_FAILS)), frame, inner, step)
    release_all(inner, body)
    release_rows(inner, step)
    free(inner)
    return failed


def no_step(frame: int, inner: int, step: int) -> int:
    if begin_numbers(frame, inner, step, 0):
        return 1
    return finish(frame, inner, step, 0)


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


# ---- the steps


def all_steps(frame: int, inner: int, step: int, body: int, count: int) -> int:
    if load64(step + LOOP_AT_ONCE):
        return all_at_once(frame, inner, step, count)
    planned = load64(step + LOOP_FIRST + 8)
    condition = load64(step + LOOP_CONDITION)
    # how often a look is taken at the clock; not at all by short loops, which it would cost more than a step
    pause = FEW_STEPS
    next = FEW_STEPS
    clock_was = 0
    # the step from which on the loop's own code is tried: again after one that it left, where there are loops inside
    again = 1
    ready = 0
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
            if not carried_stay(inner, step) or made_bytes(inner, step) > MOST_KEPT:
                # Lengths change, or memory had better be used several times in a step: all is to be run in full.
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
        if t == again and planned != 0 and not ended and t < count:
            if load64(step + LOOP_PLACES + 8) != 0:
                points = points_of(inner, step)
                if points > 0 and points <= MOST_POINTS:
                    first = t
                    t = run_in_registers(frame, inner, step, first, count, points)
                    if t == -1:
                        return 1
                    if t < 0:
                        t = LEFT - t
                        catch_up(frame, inner, step, t)
                        if load64(step + LOOP_NESTS):
                            again = t + 1
                    else:
                        ended = 1
            if not ended and not ready:
                prepare_launches(inner, step)
                ready = 1
        if t < FEW_STEPS:
            if PyErr_CheckSignals():
                return fail(frame, E_INTERRUPT, 0, 0, 0, 0)
            if load64(step + LOOP_BAR) != 0:
                if invoke(load64(load64(step + LOOP_BAR_GOES_ON)), frame, inner, step, t):
                    return 1
        elif t >= next and not ended:
            now = clock(0)
            if load64(step + LOOP_BAR) != 0:
                # it moves on while steps wait
                now = invoke(load64(load64(step + LOOP_BAR_CLOCK))) * CLOCK_MILLISECOND // 1000
                if invoke(load64(load64(step + LOOP_BAR_GOES_ON)), frame, inner, step, t):
                    return 1
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


def all_at_once(frame: int, inner: int, step: int, count: int) -> int:
    """Steps over single numbers only: there is nothing to be learned from the first one."""
    if begin_numbers(frame, inner, step, count):
        return 1
    made = run_in_registers(frame, inner, step, 0, count, 1)
    if made < 0:
        return 1
    return finish(frame, inner, step, made)


def look_around(frame: int) -> int:
    """Let other threads work, and see whether the user wants to stop."""
    if load64(frame + FRAME_MAY_RELEASE):
        PyEval_RestoreThread(PyEval_SaveThread())
    if PyErr_CheckSignals():
        return fail(frame, E_INTERRUPT, 0, 0, 0, 0)
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
        elif load64(plan + PLAN_LAUNCH) != 0 and load64(inner + load64(plan + PLAN_LAUNCH)):
            if launch_kernel(inner, one, inner + load64(plan + PLAN_LAUNCH)):
                return 1
        elif invoke(load64(load64(one + STEP_RUN)), inner, one):
            return 1
        plan += PLAN_BYTES
    return 0


def prepare_launches(inner: int, step: int) -> int:
    """Make the kernels of the plan ready for being run with other addresses only."""
    plan = load64(step + LOOP_PLAN)
    end = plan + load64(step + LOOP_PLAN + 8) * PLAN_BYTES
    while plan < end:
        if load64(plan + PLAN_LAUNCH) != 0:
            make_ready(inner, load64(plan + PLAN_STEP), inner + load64(plan + PLAN_LAUNCH))
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


def made_bytes(inner: int, step: int) -> int:
    """The bytes in large blocks that the first step made and kept."""
    total = 0
    at = load64(step + LOOP_MADE)
    end = at + load64(step + LOOP_MADE + 8) * 8
    while at < end:
        owner = load64(inner + load64(at) + BUFFER_OWNER)
        if owner & 1:
            total += load64(owner - 17)
        at += 8
    return total


def release_made(inner: int, step: int) -> int:
    """Give up all that the first step made and kept."""
    at = load64(step + LOOP_MADE)
    end = at + load64(step + LOOP_MADE + 8) * 8
    while at < end:
        release(inner + load64(at))
        at += 8
    return 0


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
    if load64(step + LOOP_BAR) != 0:
        return invoke(load64(load64(step + LOOP_BAR_ENDS)), frame, inner, step, made)
    return 0
