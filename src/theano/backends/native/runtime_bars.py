"""The run-time system: progress bars of loops (`loops/progress.py`), of which the clock is kept here.

Written in the language of `runtime_language.py`. It is compiled when the first loop with a bar is.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import E_INTERRUPT, fail
from theano.backends.native.runtime_language import load64, stack, store64
from theano.backends.native.runtime_traces import (
    BAR_BEGAN,
    BAR_DRAWN,
    BAR_SHOWN,
    BAR_TOTAL,
    LOOP_BAR,
    LOOP_BAR_STATE,
    LOOP_CONDITION,
)

PAUSE = 100000  # microseconds before the first line, and between two
RUNS = 0
ENDED = 1
FAILED = 2


def bar_clock() -> int:
    """Microseconds since some moment."""
    time = stack(16)
    timespec_get(time, 1)
    return load64(time) * 1000000 + load64(time + 8) // 1000


def bar_begins(inner: int, step: int, count: int) -> int:
    state = inner + load64(step + LOOP_BAR_STATE)
    now = bar_clock()
    store64(state + BAR_BEGAN, now)
    store64(state + BAR_SHOWN, now)
    store64(state + BAR_DRAWN, 0)
    if load64(step + LOOP_CONDITION) != 0:
        count = -1
    store64(state + BAR_TOTAL, count)
    return 0


def bar_goes_on(frame: int, inner: int, step: int, done: int) -> int:
    """Draw it again, if it is time to."""
    state = inner + load64(step + LOOP_BAR_STATE)
    now = bar_clock()
    if now - load64(state + BAR_SHOWN) < PAUSE:
        return 0
    store64(state + BAR_SHOWN, now)
    store64(state + BAR_DRAWN, 1)
    return draw(frame, step, state, now, done, RUNS)


def bar_ends(frame: int, inner: int, step: int, done: int) -> int:
    return draw(frame, step, inner + load64(step + LOOP_BAR_STATE), bar_clock(), done, ENDED)


def bar_fails(frame: int, inner: int, step: int) -> int:
    """End the line, so that what is said of the failure begins another. What Python has raised is kept."""
    state = inner + load64(step + LOOP_BAR_STATE)
    if not load64(state + BAR_DRAWN):
        return 0
    raised = stack(24)
    PyErr_Fetch(raised, raised + 8, raised + 16)
    draw(0, step, state, bar_clock(), 0, FAILED)
    PyErr_Clear()
    PyErr_Restore(load64(raised), load64(raised + 8), load64(raised + 16))
    return 0


def draw(frame: int, step: int, state: int, now: int, done: int, what: int) -> int:
    numbers = stack(32)
    store64(numbers, PyLong_FromLongLong(done))
    store64(numbers + 8, PyLong_FromLongLong(load64(state + BAR_TOTAL)))
    store64(numbers + 16, PyLong_FromLongLong(now - load64(state + BAR_BEGAN)))
    store64(numbers + 24, PyLong_FromLongLong(what))
    whole = 1
    k = 0
    while k < 4:
        if load64(numbers + k * 8) == 0:
            whole = 0
        k += 1
    result = 0
    if whole:
        result = PyObject_Vectorcall(load64(step + LOOP_BAR), numbers, 4, 0)
    while k > 0:
        k -= 1
        if load64(numbers + k * 8) != 0:
            Py_DecRef(load64(numbers + k * 8))
    if result == 0:
        if frame != 0:
            fail(frame, E_INTERRUPT, 0, 0, 0, 0)
        return 1
    Py_DecRef(result)
    return 0
