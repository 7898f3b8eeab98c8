"""The run-time system: what steps that call libraries share, and the record of a routine step.

Written in the language of `runtime_language.py`. A routine "family.name" of a Program is the functions `name_prepare`
and `name_run`, both of (frame, step), in `runtime_<family>.py`. `prepare` checks lengths and makes the outputs'
memory, `run` does the work; both return 0, or what `fail` returns. A call that fails is repeated by the reference
backend, which finds the words for it: a routine never explains, and where it is not sure, it fails.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, E_MEMORY, FRAME_MAY_RELEASE, fail
from theano.backends.native.runtime_language import load64
from theano.backends.native.runtime_memory import MAXIMUM_BYTES, block_alloc

# a routine step's record
ROUTINE_INPUTS = 16  # address of a table with an entry for each
ROUTINE_OUTPUTS = 24
ROUTINE_PARAMS = 32  # address of the integers
ROUTINE_STATE = 40  # where in the frame words lie that prepare may leave for run
ROUTINE_CODE = 48  # the table of the family's vector code for the first output's dtype (`vector_code.py`), or 0
ROUTINE_COUNT = 56  # of the inputs
ROUTINE_BYTES = 64
ROUTINE_STATE_BYTES = 64

# of an input or output: where its buffer lies in the frame, its rank, and its elements' size
ENTRY_BUFFER = 0
ENTRY_NDIM = 8
ENTRY_SIZE = 16
ENTRY_BYTES = 24

E_LIMIT = 13
E_LENGTHS = 14
E_NUMBERS = 15

INT_MAXIMUM = 2147483647


def length(buffer: int, axis: int) -> int:
    return load64(buffer + BUFFER_DIMS + axis * 8)


def stride_along(buffer: int, ndim: int, axis: int) -> int:
    return load64(buffer + BUFFER_DIMS + (ndim + axis) * 8)


def count_of(buffer: int, ndim: int) -> int:
    """How many elements a buffer has."""
    count = 1
    while ndim > 0:
        ndim -= 1
        count = count * length(buffer, ndim)
    return count


def in_c_order(buffer: int, ndim: int, size: int) -> int:
    """Are the elements of a buffer contiguous?"""
    axis = ndim - 1
    while axis >= 0:
        if length(buffer, axis) > 1 and stride_along(buffer, ndim, axis) != size:
            return 0
        size = size * length(buffer, axis)
        axis -= 1
    return 1


def least(a: int, b: int) -> int:
    if a < b:
        return a
    return b


def most(a: int, b: int) -> int:
    if a > b:
        return a
    return b


def up(a: int, b: int) -> int:
    """a / b, rounded up."""
    return (a + b - 1) // b


def small(n: int) -> int:
    return n <= INT_MAXIMUM and n >= 0 - INT_MAXIMUM


def leave(frame: int, m: int, n: int) -> int:
    """Release the GIL if m * n multiplications take long enough; what `back` needs."""
    if load64(frame + FRAME_MAY_RELEASE) and n > 0 and m > 100000 // n:
        return PyEval_SaveThread()
    return 0


def back(thread: int) -> int:
    if thread != 0:
        PyEval_RestoreThread(thread)
    return 0


def routine_input(frame: int, step: int, n: int) -> int:
    """The buffer of input n."""
    return frame + load64(load64(step + ROUTINE_INPUTS) + n * ENTRY_BYTES + ENTRY_BUFFER)


def input_count(step: int) -> int:
    return load64(step + ROUTINE_COUNT)


def input_ndim(step: int, n: int) -> int:
    return load64(load64(step + ROUTINE_INPUTS) + n * ENTRY_BYTES + ENTRY_NDIM)


def input_size(step: int, n: int) -> int:
    """The bytes of an element of input n."""
    return load64(load64(step + ROUTINE_INPUTS) + n * ENTRY_BYTES + ENTRY_SIZE)


def routine_output(frame: int, step: int, n: int) -> int:
    """The buffer of output n."""
    return frame + load64(load64(step + ROUTINE_OUTPUTS) + n * ENTRY_BYTES + ENTRY_BUFFER)


def output_ndim(step: int, n: int) -> int:
    return load64(load64(step + ROUTINE_OUTPUTS) + n * ENTRY_BYTES + ENTRY_NDIM)


def output_size(step: int, n: int) -> int:
    return load64(load64(step + ROUTINE_OUTPUTS) + n * ENTRY_BYTES + ENTRY_SIZE)


def routine_param(step: int, n: int) -> int:
    return load64(load64(step + ROUTINE_PARAMS) + n * 8)


def routine_state(frame: int, step: int) -> int:
    """The address of ROUTINE_STATE_BYTES bytes that belong to this step in this call; zero when it starts."""
    return frame + load64(step + ROUTINE_STATE)


def workspace(frame: int, count: int, size: int) -> int:
    """A block of `count` elements of `size` bytes, to give back with `block_free`; 0: there is none, and it has failed.

    Take and give it back with the GIL held: before `leave` and after `back`.
    """
    data = 0
    if count <= MAXIMUM_BYTES // size:
        data = block_alloc(count * size)
    if data == 0:
        fail(frame, E_MEMORY, count, size, 0, 0)
    return data
