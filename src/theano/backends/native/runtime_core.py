"""The run-time system: the frame of a call, copies, and arrays for Python.

Written in the language of `runtime_language.py` (64-bit integers, Python syntax, compiled by LLVM; never run by
Python). `image.py` lays out the tables that this code reads: offsets here and there must agree, so `image.py`
imports the constants of this file.

A call works on a *frame*: a copy of the program's template with a header, one record for each buffer
(data, owner, lengths, strides), room for 0-d temporaries, and the state of the steps. Nothing else is written at run
time, so calls are re-entrant. An *owner* is 0 (nobody), a Python object (an address) or a block (its address + 1).
A step has two functions: prepare (checks, shapes, memory) and run (the work). Steps from `commit_from` on are all
prepared before the first of them runs.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import load32, load64, stack, store32, store64
from theano.backends.native.runtime_memory import (
    INSIDE,
    MAXIMUM_BYTES,
    POINT_BYTES,
    POINT_ELEMENT,
    block_alloc,
    block_free,
)

# frame header, in bytes
FRAME_CODE = 0  # what went wrong, 0 = nothing
FRAME_STEP = 8  # the step that is at work
FRAME_DETAIL = 16  # five integers that go with the code
FRAME_MAY_RELEASE = 56  # the GIL may be released around long work
FRAME_IN_COMMIT = 64  # preparing a step that may overwrite a caller's or shared array
FRAME_ARGS = 72
FRAME_PROGRAM = 80
FRAME_HEADER = 96

# a buffer's record in the frame
BUFFER_DATA = 0
BUFFER_OWNER = 8
BUFFER_DIMS = 16

# program table
PROGRAM_NARGS = 0
PROGRAM_FRAME_BYTES = 8
PROGRAM_TEMPLATE = 16
PROGRAM_INPUTS = 24
PROGRAM_NSTORAGES = 32
PROGRAM_STEPS = 40
PROGRAM_NSTEPS = 48
PROGRAM_COMMIT = 56
PROGRAM_OUTPUTS = 64
PROGRAM_NRESULTS = 72
PROGRAM_NUPDATES = 80
PROGRAM_OWNERS = 88
PROGRAM_NOWNERS = 96
PROGRAM_SEQUENTIAL = 104  # steps after commit_from cannot be prepared ahead
PROGRAM_UNPACK = 112  # 1: the one result itself; 0: a list
PROGRAM_SLOW = 120
PROGRAM_REPORT = 128
PROGRAM_OBJECTS = 136  # some argument is not a dense array: always the slow way
PROGRAM_POINTS = 144  # the plan of a Program without axes (`runtime_point_calls.py`), or 0
PROGRAM_BYTES = 152

# an input's entry; static lengths follow (-1: any)
INPUT_BUFFER = 0
INPUT_NDIM = 8  # -1: any Python object
INPUT_DESCR = 16
INPUT_STORAGE = 24
INPUT_FLOAT = 32  # Python floats are welcome
INPUT_BYTES = 40
INPUT_SCALAR = 48  # NumPy's type of numbers that are welcome; 0: none
INPUT_WHOLE = 56  # Python ints are welcome, and have room here in the frame; 0: they are not
INPUT_SIZE = 64
INPUT_DIMS = 72
INPUT_ENTRY = 72

# an output's entry
OUTPUT_BUFFER = 0
OUTPUT_NDIM = 8  # -1: a Python object
OUTPUT_DESCR = 16
OUTPUT_STORAGE = 24
OUTPUT_ITEMSIZE = 32
OUTPUT_ROOT = 40  # buffer whose memory this is a view of, or 0
OUTPUT_BORROW = 48
OUTPUT_ENTRY = 56

# a step starts with the addresses of two words that hold the addresses of its functions (0: none)
STEP_PREPARE = 0
STEP_RUN = 8

# codes of failure; `executable.py` names them
E_PYTHON = 1
E_MEMORY = 2
E_STORAGE = 3
E_NEGATIVE = 4
E_SHAPE = 5
E_INDEX = 6
E_EMPTY = 7
E_INTERRUPT = 17

# ndarray's fields (the ABI of NumPy 2)
ARRAY_DATA = 16
ARRAY_NDIM = 24
ARRAY_DIMS = 32
ARRAY_STRIDES = 40
ARRAY_BASE = 48
ARRAY_DESCR = 56
ARRAY_FLAGS = 64
ARRAY_WEAK = 72
ARRAY_EXPORTS = 80
ARRAY_HANDLER = 88
ARRAY_BYTES = 96
FLAG_CONTIGUOUS = 3  # in C's order, and in Fortran's
FLAG_OWNDATA = 4
FLAG_ALIGNED = 256
FLAG_WRITEABLE = 1024


# ---- frame


def fail(frame: int, code: int, a: int, b: int, c: int, d: int) -> int:
    store64(frame + FRAME_CODE, code)
    store64(frame + FRAME_DETAIL, a)
    store64(frame + FRAME_DETAIL + 8, b)
    store64(frame + FRAME_DETAIL + 16, c)
    store64(frame + FRAME_DETAIL + 24, d)
    return code


def release(buffer: int) -> int:
    """Give up what a buffer owns."""
    owner = load64(buffer + BUFFER_OWNER)
    if owner != 0:
        store64(buffer + BUFFER_OWNER, 0)
        if owner & 1:
            block_free(owner - 1)
        else:
            Py_DecRef(owner)
    return 0


def contiguous_strides(buffer: int, ndim: int, itemsize: int) -> int:
    """Fill in C-order strides; the size in bytes, or -1 when it is absurd."""
    stride = itemsize
    absurd = 0
    axis = ndim - 1
    while axis >= 0:
        store64(buffer + BUFFER_DIMS + (ndim + axis) * 8, stride)
        n = load64(buffer + BUFFER_DIMS + axis * 8)
        if n > 1:
            if stride > MAXIMUM_BYTES // n:
                absurd = 1
                stride = 1
            stride = stride * n
        axis -= 1
    axis = 0
    while axis < ndim:
        if load64(buffer + BUFFER_DIMS + axis * 8) == 0:
            return 0
        axis += 1
    if absurd:
        return -1
    return stride


def allocate(frame: int, buffer: int, ndim: int, itemsize: int) -> int:
    """Fresh C-contiguous memory for a buffer whose lengths are set."""
    size = contiguous_strides(buffer, ndim, itemsize)
    data = 0
    if size >= 0:
        data = block_alloc(size)
    if data == 0:
        return fail(frame, E_MEMORY, size, itemsize, 0, 0)
    store64(buffer + BUFFER_DATA, data)
    store64(buffer + BUFFER_OWNER, data + 1)
    return 0


def exclusive(frame: int, buffer: int, guard: int, ndim: int) -> int:
    """May a step overwrite the buffer's memory? guard 0: a temporary; 1: shared storage; 2 + n: argument n."""
    owner = load64(buffer + BUFFER_OWNER)
    if owner & 1:
        return 1
    if owner == 0 and guard == 0:
        return 1
    if guard > 0 and load64(load64(frame + FRAME_PROGRAM) + PROGRAM_SEQUENTIAL):
        return 0
    if guard <= 1:
        # a Python array: one reference is in this frame, a shared value has one in its storage
        if owner == 0 or load64(owner + 8) != PyArray_Type or load32(owner) != 1 + guard:
            return 0
        if load64(owner + ARRAY_BASE) != 0:
            return 0
        flags = FLAG_OWNDATA | FLAG_ALIGNED | FLAG_WRITEABLE
        return (load32(owner + ARRAY_FLAGS) & flags) == flags
    array = load64(load64(frame + FRAME_ARGS) + (guard - 2) * 8)
    if load64(array + 8) != PyArray_Type:
        return 0
    if not (load32(array + ARRAY_FLAGS) & FLAG_WRITEABLE):
        return 0
    return distinct(buffer, ndim)


def distinct(buffer: int, ndim: int) -> int:
    """No axis longer than one has stride 0: elements do not share memory in the plain way."""
    axis = 0
    while axis < ndim:
        if load64(buffer + BUFFER_DIMS + axis * 8) > 1 and load64(buffer + BUFFER_DIMS + (ndim + axis) * 8) == 0:
            return 0
        axis += 1
    return 1


def copy_items(target: int, target_step: int, source: int, source_step: int, count: int, size: int) -> int:
    """Copy `count` elements of `size` bytes between strided places."""
    if target_step == size and source_step == size:
        memcpy(target, source, count * size)
        return 0
    if size == 8:
        while count > 0:
            store64(target, load64(source))
            target += target_step
            source += source_step
            count -= 1
        return 0
    if size == 4:
        while count > 0:
            store32(target, load32(source))
            target += target_step
            source += source_step
            count -= 1
        return 0
    while count > 0:
        memcpy(target, source, size)
        target += target_step
        source += source_step
        count -= 1
    return 0


def copy_array(target: int, source: int, ndim: int, size: int) -> int:
    """Copy all elements between two buffers of equal shape, whatever their strides."""
    dims = source + BUFFER_DIMS
    to_strides = target + BUFFER_DIMS + ndim * 8
    at_strides = dims + ndim * 8
    axis = 0
    while axis < ndim:
        if load64(dims + axis * 8) == 0:
            return 0
        axis += 1
    # inner axes which are contiguous on both sides are one piece
    last = ndim - 1
    while last >= 0:
        n = load64(dims + last * 8)
        if n != 1 and (load64(to_strides + last * 8) != size or load64(at_strides + last * 8) != size):
            break
        size = size * n
        last -= 1
    if last < 0:
        memcpy(load64(target), load64(source), size)
        return 0
    index = stack(ndim * 8)
    memset(index, 0, ndim * 8)
    to = load64(target)
    at = load64(source)
    n = load64(dims + last * 8)
    while 1:
        copy_items(to, load64(to_strides + last * 8), at, load64(at_strides + last * 8), n, size)
        axis = last - 1
        while axis >= 0:
            i = load64(index + axis * 8) + 1
            to += load64(to_strides + axis * 8)
            at += load64(at_strides + axis * 8)
            if i < load64(dims + axis * 8):
                store64(index + axis * 8, i)
                break
            to -= i * load64(to_strides + axis * 8)
            at -= i * load64(at_strides + axis * 8)
            store64(index + axis * 8, 0)
            axis -= 1
        if axis < 0:
            return 0
    return 0


def contiguous_copy(frame: int, target: int, source: int, ndim: int, size: int) -> int:
    """Make `target` a fresh C-contiguous copy of `source`."""
    memcpy(target + BUFFER_DIMS, source + BUFFER_DIMS, ndim * 8)
    if allocate(frame, target, ndim, size):
        return load64(frame + FRAME_CODE)
    return copy_array(target, source, ndim, size)


# ---- ndarrays


def point_array(descr: int) -> int:
    """A new ndarray without axes, or 0: as NumPy makes it, but quickly, and with its element in it. Where NumPy's
    arrays are not what this file knows (POINT_ARRAYS is 0), this is not called."""
    array = PyObject_Malloc(POINT_BYTES)
    if array == 0:
        return 0
    store64(array, 1)
    store64(array + 8, PyArray_Type)
    store64(array + ARRAY_DATA, array + POINT_ELEMENT)
    store64(array + ARRAY_NDIM, 0)
    store64(array + ARRAY_DIMS, 0)
    store64(array + ARRAY_STRIDES, 0)
    store64(array + ARRAY_BASE, 0)
    Py_IncRef(descr)
    store64(array + ARRAY_DESCR, descr)
    store64(array + ARRAY_FLAGS, FLAG_CONTIGUOUS | FLAG_OWNDATA | FLAG_ALIGNED | FLAG_WRITEABLE)
    store64(array + ARRAY_WEAK, 0)
    store64(array + ARRAY_EXPORTS, 0)
    Py_IncRef(MEMORY_HANDLER)
    store64(array + ARRAY_HANDLER, MEMORY_HANDLER)
    store64(array + POINT_ELEMENT - 16, INSIDE)
    return array


def make_array(buffer: int, ndim: int, descr: int, data: int, base: int) -> int:
    """A new ndarray over `data` with the buffer's shape and strides; it steals `base` (0: none) when it succeeds."""
    Py_IncRef(descr)
    dims = buffer + BUFFER_DIMS
    array = PyArray_NewFromDescr(
        PyArray_Type, descr, ndim, dims, dims + ndim * 8, data, FLAG_ALIGNED | FLAG_WRITEABLE, 0
    )
    if array != 0 and base != 0:
        store64(array + ARRAY_BASE, base)
    return array


def block_array(buffer: int, ndim: int, descr: int) -> int:
    """A new ndarray that owns the buffer's block."""
    array = make_array(buffer, ndim, descr, load64(buffer), 0)
    if array != 0:
        store32(array + ARRAY_FLAGS, load32(array + ARRAY_FLAGS) | FLAG_OWNDATA)
        Py_IncRef(MEMORY_HANDLER)
        store64(array + ARRAY_HANDLER, MEMORY_HANDLER)
        store64(buffer + BUFFER_OWNER, 0)
    return array


def fits_whole(entry: int, thing: int, room: int) -> int:
    """Write a Python int as the input's dtype has it; 0 when that does not hold it."""
    value = PyLong_AsLongLong(thing)
    if value == -1 and PyErr_Occurred() != 0:
        PyErr_Clear()
        return 0
    beyond = 64 - 8 * load64(entry + INPUT_SIZE)
    if (value << beyond) >> beyond != value:
        return 0
    store64(room, value)
    return 1
