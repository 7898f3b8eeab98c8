"""The run-time system: loops whose machine code goes over the steps itself (`loop_registers.py`).

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821, SIM102, SIM109
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_INTERRUPT, FRAME_MAY_RELEASE, fail
from theano.backends.native.runtime_language import invoke, load64, stack, store64
from theano.backends.native.runtime_traces import (
    KEPT_APART,
    KEPT_INITIAL,
    KEPT_ROOM,
    LOOP_BAR,
    LOOP_BAR_GOES_ON,
    LOOP_CONDITION,
    LOOP_LANES,
    LOOP_MASKS,
    LOOP_NESTS,
    LOOP_PLACES,
    LOOP_SEQUENCES,
    LOOP_SINGLE,
    LOOP_TRACES,
    LOOP_VECTORS,
    PLACE_BACK,
    PLACE_BUFFER,
    PLACE_BYTES,
    PLACE_KIND,
    PLACE_NDIM,
    PLACE_NUMBER,
    PLACE_SIZE,
    PLACE_WALKS,
    SEQUENCE_BYTES,
    SEQUENCE_INSIDE,
    SEQUENCE_NDIM,
    SEQUENCE_OUTSIDE,
    TRACE_BEFORE,
    TRACE_BYTES,
    TRACE_DIRECT,
    TRACE_INSIDE,
    TRACE_OUTSIDE,
    TRACE_STATE,
    grow,
    row_bytes,
)

IS_SEQUENCE = 0
IS_FIXED = 1
IS_TRACE = 2
IS_STATE = 3
IS_CARRIED = 4
IS_TABLE = 5
IS_LENGTH = 6
MOST_POINTS = 512  # of longer rows, a step after the other is as quick, and kinder to the cache
LEFT = -2
WORK_INSIDE = 64  # what a step with loops inside counts for, where it matters whether there is much work
BLOCK = 65536  # steps times vectors, after which a look around is taken


def points_of(inner: int, step: int) -> int:
    """How many points the loop's code has to go over; -1: rows do not lie as it needs them."""
    points = 1
    some = 0
    place = load64(step + LOOP_PLACES)
    end = place + load64(step + LOOP_PLACES + 8) * PLACE_BYTES
    while place < end:
        size = load64(place + PLACE_SIZE)
        kind = load64(place + PLACE_KIND)
        if load64(place + PLACE_WALKS) != 0 and kind != IS_TABLE:
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
    if load64(step + LOOP_MASKS) == 2 and points > load64(step + LOOP_LANES):
        return -1
    return points


def run_in_registers(frame: int, inner: int, step: int, t: int, count: int, points: int) -> int:
    """Steps from step t on; how many steps of the loop there have been; -1: it failed; or LEFT less the number
    of steps: the next one would take what is not there."""
    lanes = load64(step + LOOP_LANES)
    vectors = (points + lanes - 1) // lanes
    table = stack(load64(step + LOOP_PLACES + 8) * 16)
    # a step with loops inside is much work; the code comes back by itself after so much of it
    work = vectors
    if load64(step + LOOP_NESTS):
        work = vectors * WORK_INSIDE
    most = BLOCK // vectors
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
        if load64(frame + FRAME_MAY_RELEASE) and steps * work >= BLOCK // 8:
            thread = PyEval_SaveThread()
        done = run_block(step, table, steps, points)
        if thread != 0:
            PyEval_RestoreThread(thread)
        ended = done & 1
        t += done >> 2
        if done & 2:
            return LEFT - t
        store64(BUDGET, load64(BUDGET) - ((steps * work) >> 7))
        if PyErr_CheckSignals():
            fail(frame, E_INTERRUPT, 0, 0, 0, 0)
            return -1
        if load64(step + LOOP_BAR) != 0:
            if invoke(load64(load64(step + LOOP_BAR_GOES_ON)), frame, inner, step, t):
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
        elif kind == IS_LENGTH:
            dims = inner + load64(place + PLACE_BUFFER) + BUFFER_DIMS
            at = load64(dims + number * 8)
            move = load64(dims + (load64(place + PLACE_NDIM) + number) * 8)
        elif kind == IS_TRACE or kind == IS_STATE:
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
    places = load64(step + LOOP_PLACES)
    count = load64(step + LOOP_PLACES + 8)
    kept = stack(count * 8)
    if points > lanes or (points > 1 and not load64(step + LOOP_MASKS)):
        keep_single(places, count, table, kept, 0)
    while points > 0:
        active = lanes
        if points < lanes:
            active = points
            if not load64(step + LOOP_MASKS):
                code = load64(step + LOOP_SINGLE)
                active = 1
        done = invoke(code, table, steps, active)
        points -= active
        if points > 0:
            keep_single(places, count, table, kept, 1)
        k = 0
        while k < count:
            walks = load64(places + k * PLACE_BYTES + PLACE_WALKS)
            store64(table + k * 16, load64(table + k * 16) + active * walks)
            k += 1
    return done


def keep_single(places: int, count: int, table: int, kept: int, back: int) -> int:
    """Keep the single numbers that are carried, or (back) put them back: each vector of points starts with them."""
    k = 0
    while k < count:
        place = places + k * PLACE_BYTES
        if load64(place + PLACE_KIND) == IS_CARRIED and load64(place + PLACE_WALKS) == 0:
            if back:
                memcpy(load64(table + k * 16), kept + k * 8, load64(place + PLACE_SIZE))
            else:
                memcpy(kept + k * 8, load64(table + k * 16), load64(place + PLACE_SIZE))
        k += 1
    return 0


def catch_up(frame: int, inner: int, step: int, t: int) -> int:
    """Let everything be as after t steps that have been made step by step."""
    entry = load64(step + LOOP_SEQUENCES)
    end = entry + load64(step + LOOP_SEQUENCES + 8) * SEQUENCE_BYTES
    while entry < end:
        outside = frame + load64(entry + SEQUENCE_OUTSIDE)
        apart = load64(outside + BUFFER_DIMS + (load64(entry + SEQUENCE_NDIM) + 1) * 8)
        store64(inner + load64(entry + SEQUENCE_INSIDE), load64(outside) + (t - 1) * apart)
        entry += SEQUENCE_BYTES
    trace = load64(step + LOOP_TRACES)
    end = trace + load64(step + LOOP_TRACES + 8) * TRACE_BYTES
    while trace < end:
        if load64(trace + TRACE_DIRECT):
            place = load64(frame + load64(trace + TRACE_OUTSIDE)) + t * row_bytes(frame, trace)
            store64(inner + load64(trace + TRACE_INSIDE), place)
        trace += TRACE_BYTES
    return 0
