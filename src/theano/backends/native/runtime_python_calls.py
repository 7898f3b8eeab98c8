"""The run-time system: calls of Python.

Written in the language of `runtime_language.py`.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_DATA,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_STRIDES,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_PYTHON,
    FLAG_WRITEABLE,
    FRAME_ARGS,
    FRAME_CODE,
    block_array,
    contiguous_copy,
    fail,
    make_array,
)
from theano.backends.native.runtime_language import load32, load64, stack, store32, store64

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
