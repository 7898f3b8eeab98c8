"""The run-time system: views (pointer, shape and stride arithmetic), and calls of Python.

Written in the language of `runtime_language.py`. A view's output shares its input's memory and owns nothing, except
a reshape that had to copy.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_DATA,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_STRIDES,
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_INDEX,
    E_NEGATIVE,
    E_PYTHON,
    FLAG_WRITEABLE,
    FRAME_ARGS,
    FRAME_CODE,
    MAXIMUM_BYTES,
    allocate,
    block_array,
    contiguous_copy,
    contiguous_strides,
    exclusive,
    fail,
    make_array,
)
from theano.backends.native.runtime_language import load32, load64, stack, store32, store64
from theano.backends.native.runtime_prepare import dimension

VIEW_IN = 16
VIEW_OUT = 24
VIEW_NIN = 32
VIEW_NOUT = 40
VIEW_SIZE = 48
VIEW_PARAMS = 56
VIEW_NPARAMS = 64
VIEW_BYTES = 72

E_RESHAPE = 8
E_STEP = 9
E_SPECIFY = 10
E_DROP = 11

CALL_FUNCTION = 16
CALL_NINPUTS = 24
CALL_NOUTPUTS = 32
CALL_INPUTS = 40
CALL_OUTPUTS = 48
CALL_BYTES = 56

# an input of a Python call
ARGUMENT_BUFFER = 0
ARGUMENT_NDIM = 8
ARGUMENT_DESCR = 16
ARGUMENT_MUTABLE = 24
ARGUMENT_ROOT = 32  # the buffer whose memory it is, with the root's rank and descr
ARGUMENT_ROOT_NDIM = 40
ARGUMENT_ROOT_DESCR = 48
ARGUMENT_NUMBER = 56  # the argument of the call which the root is, or -1
ARGUMENT_OBJECT = 64  # the constant which the root is, or 0
ARGUMENT_BYTES = 72


# steps that make a buffer out of run-time integers
DIMS_OUT = 16
DIMS_NDIM = 24
DIMS_SIZE = 32
DIMS_ENTRIES = 40
DIMS_COUNT = 48


def alloc_prepare(frame: int, step: int) -> int:
    """AllocStep: fresh memory of the lengths that the entries tell."""
    target = frame + load64(step + DIMS_OUT)
    ndim = load64(step + DIMS_NDIM)
    entries = load64(step + DIMS_ENTRIES)
    d = 0
    while d < ndim:
        n = dimension(frame, entries + d * 24)
        if n < 0:
            return fail(frame, E_NEGATIVE, d, n, 0, 0)
        store64(target + BUFFER_DIMS + d * 8, n)
        d += 1
    return allocate(frame, target, ndim, load64(step + DIMS_SIZE))


def dims_prepare(frame: int, step: int) -> int:
    """DimsStep: the entries' values as an int64 array."""
    target = frame + load64(step + DIMS_OUT)
    ndim = load64(step + DIMS_NDIM)
    entries = load64(step + DIMS_ENTRIES)
    count = load64(step + DIMS_COUNT)
    if ndim > 0:
        store64(target + BUFFER_DIMS, count)
    if allocate(frame, target, ndim, 8):
        return 1
    data = load64(target + BUFFER_DATA)
    i = 0
    while i < count:
        store64(data + i * 8, dimension(frame, entries + i * 24))
        i += 1
    return 0


def dims_of(buffer: int) -> int:
    return buffer + BUFFER_DIMS


def view_dimshuffle(frame: int, step: int) -> int:
    """params: an input axis or -1 for every output axis, then the axes that are dropped."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    nin = load64(step + VIEW_NIN)
    nout = load64(step + VIEW_NOUT)
    params = load64(step + VIEW_PARAMS)
    store64(target, load64(source))
    d = 0
    while d < nout:
        axis = load64(params + d * 8)
        n = 1
        stride = 0
        if axis >= 0:
            n = load64(source + BUFFER_DIMS + axis * 8)
            stride = load64(source + BUFFER_DIMS + (nin + axis) * 8)
        store64(target + BUFFER_DIMS + d * 8, n)
        store64(target + BUFFER_DIMS + (nout + d) * 8, stride)
        d += 1
    count = load64(step + VIEW_NPARAMS)
    while d < count:
        axis = load64(params + d * 8)
        n = load64(source + BUFFER_DIMS + axis * 8)
        if n != 1:
            return fail(frame, E_DROP, axis, n, 0, 0)
        d += 1
    return 0


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


def view_reshape(frame: int, step: int) -> int:
    """params: three words for every output axis (see `dimension`)."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    nin = load64(step + VIEW_NIN)
    nout = load64(step + VIEW_NOUT)
    params = load64(step + VIEW_PARAMS)
    size = load64(step + VIEW_SIZE)
    total = 1
    d = 0
    while d < nin:
        total = total * load64(source + BUFFER_DIMS + d * 8)
        d += 1
    known = 1
    unknown = -1
    d = 0
    while d < nout:
        n = dimension(frame, params + d * 24)
        if n == -1 and unknown < 0:
            unknown = d
        elif n < 0:
            return fail(frame, E_NEGATIVE, d, n, 0, 0)
        elif n > 0 and known > MAXIMUM_BYTES // n:
            return fail(frame, E_RESHAPE, total, d, n, 0)
        else:
            known = known * n
        store64(target + BUFFER_DIMS + d * 8, n)
        d += 1
    if unknown >= 0:
        if known == 0 or total % known != 0:
            return fail(frame, E_RESHAPE, total, known, 0, 1)
        store64(target + BUFFER_DIMS + unknown * 8, total // known)
    elif known != total:
        return fail(frame, E_RESHAPE, total, known, 0, 0)
    store64(target, load64(source))
    if total == 0:
        contiguous_strides(target, nout, size)
        return 0
    if fold_strides(source, nin, target, nout, size):
        return 0
    fresh = stack(BUFFER_DIMS + nin * 16 + 16)
    store64(fresh + BUFFER_OWNER, 0)
    if contiguous_copy(frame, fresh, source, nin, size):
        return 1
    store64(target, load64(fresh))
    store64(target + BUFFER_OWNER, load64(fresh + BUFFER_OWNER))
    contiguous_strides(target, nout, size)
    return 0


def fold_strides(source: int, nin: int, target: int, nout: int, size: int) -> int:
    """Strides of a reshaped view, group of axes by group; 0 where only a copy will do. No length is 0."""
    dims = target + BUFFER_DIMS
    i = 0
    j = 0
    last = size
    while i < nin or j < nout:
        # the smallest groups of input and output axes with equal products
        a = 1
        b = 1
        first_in = i
        first_out = j
        if i < nin:
            a = load64(source + BUFFER_DIMS + i * 8)
            i += 1
        if j < nout:
            b = load64(dims + j * 8)
            j += 1
        while a != b:
            if a < b:
                a = a * load64(source + BUFFER_DIMS + i * 8)
                i += 1
            else:
                b = b * load64(dims + j * 8)
                j += 1
        # the input's group must walk evenly
        stride = last
        seen = 0
        expected = 0
        d = i - 1
        while d >= first_in:
            n = load64(source + BUFFER_DIMS + d * 8)
            s = load64(source + BUFFER_DIMS + (nin + d) * 8)
            if n != 1:
                if not seen:
                    stride = s
                    seen = 1
                elif s != expected:
                    return 0
                expected = s * n
            d -= 1
        d = j - 1
        while d >= first_out:
            store64(dims + (nout + d) * 8, stride)
            stride = stride * load64(dims + d * 8)
            d -= 1
    return 1


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


def view_specify(frame: int, step: int) -> int:
    """params: three words for every axis; kind 0: any length."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    ndim = load64(step + VIEW_NIN)
    params = load64(step + VIEW_PARAMS)
    store64(target, load64(source))
    memcpy(target + BUFFER_DIMS, source + BUFFER_DIMS, ndim * 16)
    d = 0
    while d < ndim:
        if load64(params + d * 24) != 0:
            n = dimension(frame, params + d * 24)
            if n != load64(source + BUFFER_DIMS + d * 8):
                return fail(frame, E_SPECIFY, d, n, load64(source + BUFFER_DIMS + d * 8), 0)
        d += 1
    return 0


def view_stretch(frame: int, step: int) -> int:
    """params: for every axis a count, and so many times three words: what an axis of length one becomes."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    ndim = load64(step + VIEW_NIN)
    params = load64(step + VIEW_PARAMS)
    store64(target, load64(source))
    memcpy(target + BUFFER_DIMS, source + BUFFER_DIMS, ndim * 16)
    d = 0
    while d < ndim:
        count = load64(params)
        params += 8
        while count > 0:
            if load64(target + BUFFER_DIMS + d * 8) == 1:
                store64(target + BUFFER_DIMS + d * 8, dimension(frame, params))
                store64(target + BUFFER_DIMS + (ndim + d) * 8, 0)
            params += 24
            count -= 1
        d += 1
    return 0


def view_own(frame: int, step: int) -> int:
    """params: the guard. The output takes the memory over, or is a copy where somebody else holds it."""
    source = frame + load64(step + VIEW_IN)
    target = frame + load64(step + VIEW_OUT)
    ndim = load64(step + VIEW_NIN)
    if exclusive(frame, source, load64(load64(step + VIEW_PARAMS)), ndim):
        memcpy(target, source, BUFFER_DIMS + ndim * 16)
        store64(source + BUFFER_OWNER, 0)
        return 0
    return contiguous_copy(frame, target, source, ndim, load64(step + VIEW_SIZE))


# ---- calls of Python


def argument_array(frame: int, entry: int) -> int:
    """The Python object for an input of a Python call: a new reference, 0 when it failed."""
    buffer = frame + load64(entry + ARGUMENT_BUFFER)
    ndim = load64(entry + ARGUMENT_NDIM)
    if ndim < 0:
        Py_IncRef(load64(buffer))
        return load64(buffer)
    root = frame + load64(entry + ARGUMENT_ROOT)
    base = load64(root + BUFFER_OWNER)
    if base & 1:
        # Python may keep the array: so the block moves into an array that counts its references
        base = 0
        if load64(root + BUFFER_OWNER) == load64(root) + 1:
            base = block_array(root, load64(entry + ARGUMENT_ROOT_NDIM), load64(entry + ARGUMENT_ROOT_DESCR))
            if base == 0:
                return 0
            store64(root + BUFFER_OWNER, base)
    if base == 0:
        base = load64(entry + ARGUMENT_OBJECT)
    if base == 0 and load64(entry + ARGUMENT_NUMBER) >= 0:
        base = load64(load64(frame + FRAME_ARGS) + load64(entry + ARGUMENT_NUMBER) * 8)
    if base == 0:
        # nobody to hold on to: hand out a copy
        copy = stack(BUFFER_DIMS + ndim * 16 + 16)
        size = load32(load64(entry + ARGUMENT_DESCR) + DESCR_ITEMSIZE)
        if contiguous_copy(frame, copy, buffer, ndim, size):
            return 0
        return block_array(copy, ndim, load64(entry + ARGUMENT_DESCR))
    Py_IncRef(base)
    array = make_array(buffer, ndim, load64(entry + ARGUMENT_DESCR), load64(buffer), base)
    if array == 0:
        Py_DecRef(base)
        return 0
    if not load64(entry + ARGUMENT_MUTABLE):
        store32(array + ARRAY_FLAGS, load32(array + ARRAY_FLAGS) & (-1 - FLAG_WRITEABLE))
    return array


def call_python(frame: int, step: int) -> int:
    inputs = load64(step + CALL_NINPUTS)
    outputs = load64(step + CALL_NOUTPUTS)
    args = stack(inputs * 8 + 8)
    made = 0
    failed = 0
    result = 0
    while made < inputs and not failed:
        thing = argument_array(frame, load64(step + CALL_INPUTS) + made * ARGUMENT_BYTES)
        if thing == 0:
            failed = 1
        else:
            store64(args + made * 8, thing)
            made += 1
    if not failed:
        result = PyObject_Vectorcall(load64(step + CALL_FUNCTION), args, inputs, 0)
    while made > 0:
        made -= 1
        Py_DecRef(load64(args + made * 8))
    if result == 0:
        if load64(frame + FRAME_CODE) == 0:
            fail(frame, E_PYTHON, 0, 0, 0, 0)
        return 1
    # the tuple's items were checked by `python_call.py`
    entry = load64(step + CALL_OUTPUTS)
    i = 0
    while i < outputs:
        thing = load64(result + 24 + i * 8)
        buffer = frame + load64(entry)
        ndim = load64(entry + 8)
        Py_IncRef(thing)
        store64(buffer + BUFFER_OWNER, thing)
        if ndim < 0:
            store64(buffer, thing)
        else:
            store64(buffer, load64(thing + ARRAY_DATA))
            memcpy(buffer + BUFFER_DIMS, load64(thing + ARRAY_DIMS), ndim * 8)
            memcpy(buffer + BUFFER_DIMS + ndim * 8, load64(thing + ARRAY_STRIDES), ndim * 8)
        entry += 16
        i += 1
    Py_DecRef(result)
    return 0
