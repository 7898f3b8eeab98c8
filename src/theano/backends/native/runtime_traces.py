"""The run-time system: what lies where in the tables of a loop, and the memory of the rows that a loop keeps.

Written in the language of `runtime_language.py`. `loop_image.py` writes the tables; `runtime_loops.py` runs loops.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, BUFFER_OWNER, allocate, release
from theano.backends.native.runtime_language import load64, stack, store64

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
LOOP_MASKS = 200  # 1: the first also takes parts of a vector; 2: and there must be one vector only
LOOP_PLACES = 208  # its operands, and how many
LOOP_AT_ONCE = 224  # 1: all that this code needs to know is known before the first step
LOOP_NESTS = 232  # 1: there are loops inside, which this code runs as well
LOOP_BAR = 240  # a Python function that draws how far the loop is; 0: none. With it:
LOOP_BAR_STATE = 248  # room in the body's frame: see BAR_
LOOP_BAR_BEGINS = 256  # doors of `runtime_bars.py`
LOOP_BAR_GOES_ON = 264
LOOP_BAR_ENDS = 272
LOOP_BAR_FAILS = 280
LOOP_BAR_CLOCK = 288
LOOP_BYTES = 296

BAR_BEGAN = 0  # microseconds
BAR_SHOWN = 8  # when the bar was drawn last
BAR_DRAWN = 16  # 1: it has been drawn
BAR_TOTAL = 24  # steps; -1: not known
BAR_BYTES = 32

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
OTHER_ARGUMENT = 24  # how it becomes an array for Python, see ARGUMENT_ in `runtime_python_calls.py`; 0: it need not
OTHER_BYTES = 32

PLAN_STEP = 0
PLAN_AGAIN = 8  # 1: what it made is released, and made again; 0: it has its memory
PLAN_OUTPUTS = 16  # table of (output, the buffer that it takes over or 0), and how many
PLAN_LAUNCH = 32  # room in the frame for a launch of its kernel (`runtime_launches.py`), or 0
PLAN_BYTES = 40

# an operand of code that goes over the steps itself
PLACE_KIND = 0
PLACE_BUFFER = 8  # inside
PLACE_NUMBER = 16  # of the sequence, the trace or what is carried
PLACE_BACK = 24
PLACE_NDIM = 32
PLACE_WALKS = 40  # how far apart points lie; 0: one element for all
PLACE_SIZE = 48
PLACE_BYTES = 56

E_LOOP = 16
FEW_STEPS = 64
FIRST_ROOM = 16  # rows of the trace of a loop which may end early


def initial_copy(inner: int, trace: int) -> int:
    return kept_row(inner, trace) + BUFFER_DIMS + load64(trace + TRACE_NDIM) * 16


def kept_row(inner: int, trace: int) -> int:
    return inner + load64(trace + TRACE_STATE) + KEPT_ROW


def row_bytes(frame: int, trace: int) -> int:
    """How far apart rows of a trace lie."""
    outside = frame + load64(trace + TRACE_OUTSIDE)
    return load64(outside + BUFFER_DIMS + (load64(trace + TRACE_NDIM) + 1) * 8)


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
