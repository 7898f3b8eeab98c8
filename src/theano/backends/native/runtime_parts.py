"""The run-time system: views of parts of arrays.

Written in the language of `runtime_language.py`.
"""

# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_INDEX, fail
from theano.backends.native.runtime_language import load64, store64
from theano.backends.native.runtime_memory import MAXIMUM_BYTES
from theano.backends.native.runtime_prepare import dimension
from theano.backends.native.runtime_records import VIEW_IN, VIEW_NIN, VIEW_NOUT, VIEW_OUT, VIEW_PARAMS

E_STEP = 9


def clip(x: int, n: int, low: int, high: int) -> int:
    if x < 0:
        x += n
        if x < 0:
            return low
        return x
    if x >= n:
        return high
    return x


def view_index(frame: int, step: int) -> int:
    """params: for every input axis (kind, start, stop, step) of 1 + 3 * 3 words. kind 0: whole, 1: start, 2: slice."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    nin = load64(step + VIEW_NIN)
    nout = load64(step + VIEW_NOUT)
    params = load64(step + VIEW_PARAMS)
    data = load64(source)
    out = 0
    d = 0
    while d < nin:
        n = load64(source + BUFFER_DIMS + d * 8)
        stride = load64(source + BUFFER_DIMS + (nin + d) * 8)
        kind = load64(params)
        if kind == 1:
            i = dimension(frame, params + 8)
            at = i
            if at < 0:
                at += n
            if at < 0 or at >= n:
                return fail(frame, E_INDEX, i, n, 0, d)
            data += at * stride
        else:
            start = 0
            by = 1
            length = n
            if kind == 2:
                if load64(params + 56) != 0:
                    by = dimension(frame, params + 56)
                    if by == 0:
                        return fail(frame, E_STEP, d, 0, 0, 0)
                low = 0
                high = n
                if by < 0:
                    low = -1
                    high = n - 1
                start = low
                stop = high
                if by < 0:
                    start = high
                    stop = low
                if load64(params + 8) != 0:
                    start = clip(dimension(frame, params + 8), n, low, high)
                if load64(params + 32) != 0:
                    stop = clip(dimension(frame, params + 32), n, low, high)
                length = 0
                if by > 0 and start < stop:
                    length = (stop - start - 1) // by + 1
                if by < 0 and stop < start:
                    # by may be the most negative number, which has no opposite
                    length = 1
                    if by > 0 - MAXIMUM_BYTES:
                        length = (start - stop - 1) // (0 - by) + 1
            if length > 0:
                data += start * stride
            store64(target + BUFFER_DIMS + out * 8, length)
            if length > 1:
                stride = stride * by
            store64(target + BUFFER_DIMS + (nout + out) * 8, stride)
            out += 1
        params += 80
        d += 1
    store64(target, data)
    return 0


def view_diagonal(frame: int, step: int) -> int:
    """params: offset, axis1, axis2."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    nin = load64(step + VIEW_NIN)
    nout = load64(step + VIEW_NOUT)
    params = load64(step + VIEW_PARAMS)
    offset = load64(params)
    first = load64(params + 8)
    second = load64(params + 16)
    rows = load64(source + BUFFER_DIMS + first * 8)
    columns = load64(source + BUFFER_DIMS + second * 8)
    down = load64(source + BUFFER_DIMS + (nin + first) * 8)
    across = load64(source + BUFFER_DIMS + (nin + second) * 8)
    data = load64(source)
    if offset >= 0:
        columns -= offset
        if columns > 0:
            data += offset * across
    else:
        rows += offset
        if rows > 0:
            data -= offset * down
    n = rows
    if columns < n:
        n = columns
    if n < 0:
        n = 0
    out = 0
    d = 0
    while d < nin:
        if d != first and d != second:
            store64(target + BUFFER_DIMS + out * 8, load64(source + BUFFER_DIMS + d * 8))
            store64(target + BUFFER_DIMS + (nout + out) * 8, load64(source + BUFFER_DIMS + (nin + d) * 8))
            out += 1
        d += 1
    store64(target + BUFFER_DIMS + out * 8, n)
    store64(target + BUFFER_DIMS + (nout + out) * 8, down + across)
    store64(target, data)
    return 0
