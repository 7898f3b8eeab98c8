"""The run-time system: a call of a function of numbers, the short way.

Written in the language of `runtime_language.py`. All that such a Program works on is without axes: a table of addresses
is its frame, and its kernels (`point_text.py`) are called one after the other. `point_plan.py` says for which Programs
there is a plan. Whatever is unusual (an argument to convert, a stored value that somebody else holds, no memory) is
found before anything is written; the call then goes the long way, which knows what to do.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_BASE,
    ARRAY_DATA,
    ARRAY_DESCR,
    ARRAY_FLAGS,
    ARRAY_NDIM,
    FLAG_ALIGNED,
    FLAG_OWNDATA,
    FLAG_WRITEABLE,
    INPUT_DESCR,
    INPUT_ENTRY,
    INPUT_FLOAT,
    INPUT_SCALAR,
    INPUT_STORAGE,
    INPUT_WHOLE,
    PROGRAM_INPUTS,
    PROGRAM_NARGS,
    PROGRAM_NRESULTS,
    PROGRAM_NSTORAGES,
    PROGRAM_UNPACK,
    fits_whole,
    point_array,
)
from theano.backends.native.runtime_language import invoke, load32, load64, stack, store64
from theano.backends.native.runtime_memory import POINT_ELEMENT

# a plan. Its frame begins with the address of each number: of arguments, stored values, constants, temporaries, results
PLAN_BYTES = 0  # of the frame
PLAN_WHOLE = 8  # where in it is room for an argument that is a Python int, for each argument
PLAN_CALLS = 16  # where in it is room for a kernel's table of addresses
PLAN_TAKEN = 24  # for each stored value, whether it is overwritten where it lies
PLAN_FIXED = 32  # pairs: a place in the frame, and an address (a constant)
PLAN_NFIXED = 40
PLAN_ROOMS = 48  # pairs: a place in the frame, and that of room for a number (a temporary)
PLAN_NROOMS = 56
PLAN_ARRAYS = 64  # pairs: a place in the frame, and a dtype (a result, or a new stored value; in this order)
PLAN_NARRAYS = 72
PLAN_STORAGES = 80  # the list which each new stored value goes into
PLAN_KERNELS = 88  # address of code, number of slots, and for each a place in the frame
PLAN_NKERNELS = 96
PLAN_WORDS = 13


def call_of_points(program: int, plan: int, args: int) -> int:
    """The result of a call; 0: it has to go the long way (nothing has happened, and no exception is set)."""
    budget = load64(BUDGET) - 1
    if budget <= 0:
        return 0
    frame = stack(load64(plan))
    if not bind_numbers(program, plan, args, frame):
        return 0
    entry = load64(plan + PLAN_FIXED)
    end = entry + load64(plan + PLAN_NFIXED) * 16
    while entry < end:
        store64(frame + load64(entry), load64(entry + 8))
        entry += 16
    entry = load64(plan + PLAN_ROOMS)
    end = entry + load64(plan + PLAN_NROOMS) * 16
    while entry < end:
        store64(frame + load64(entry), frame + load64(entry + 8))
        entry += 16
    result = 0
    if not load64(program + PROGRAM_UNPACK):
        result = PyList_New(load64(program + PROGRAM_NRESULTS))
        if result == 0:
            PyErr_Clear()
            return 0
    entry = load64(plan + PLAN_ARRAYS)
    end = entry + load64(plan + PLAN_NARRAYS) * 16
    while entry < end:
        array = point_array(load64(entry + 8))
        if array == 0:
            give_up(plan, frame, entry, result)
            return 0
        store64(frame + load64(entry), array + POINT_ELEMENT)
        entry += 16
    store64(BUDGET, budget)
    calls = frame + load64(plan + PLAN_CALLS)
    at = load64(plan + PLAN_KERNELS)
    kernels = load64(plan + PLAN_NKERNELS)
    while kernels > 0:
        to = calls
        code = load64(at)
        end = at + 16 + load64(at + 8) * 8
        at += 16
        while at < end:
            store64(to, load64(frame + load64(at)))
            to += 8
            at += 8
        invoke(code, calls, calls, 0, 1, frame)
        kernels -= 1
    return hand_over(program, plan, frame, result)


def bind_numbers(program: int, plan: int, args: int, frame: int) -> int:
    """Put the addresses of arguments and stored values into the frame; 0: something is unusual."""
    entry = load64(program + PROGRAM_INPUTS)
    at = frame
    end = at + load64(program + PROGRAM_NARGS) * 8
    while at < end:
        thing = load64(args)
        kind = load64(thing + 8)
        if kind == PyFloat_Type and load64(entry + INPUT_FLOAT):
            store64(at, thing + 16)
        elif kind == PyArray_Type:
            if load32(thing + ARRAY_NDIM) != 0 or load64(thing + ARRAY_DESCR) != load64(entry + INPUT_DESCR):
                return 0
            if not (load32(thing + ARRAY_FLAGS) & FLAG_ALIGNED):
                return 0
            store64(at, load64(thing + ARRAY_DATA))
        elif kind == load64(entry + INPUT_SCALAR):
            store64(at, thing + 16)
        elif kind == PyLong_Type and load64(entry + INPUT_WHOLE):
            room = load64(plan + PLAN_WHOLE) + at
            if not fits_whole(entry, thing, room):
                return 0
            store64(at, room)
        else:
            return 0
        at += 8
        args += 8
        entry += INPUT_ENTRY
    end = at + load64(program + PROGRAM_NSTORAGES) * 8
    taken = load64(plan + PLAN_TAKEN)
    flags = FLAG_OWNDATA | FLAG_ALIGNED | FLAG_WRITEABLE
    while at < end:
        storage = load64(entry + INPUT_STORAGE)
        if load64(storage + 16) <= 0:
            return 0
        thing = load64(load64(storage + 24))
        if thing == 0 or load64(thing + 8) != PyArray_Type or load32(thing + ARRAY_NDIM) != 0:
            return 0
        if load64(thing + ARRAY_DESCR) != load64(entry + INPUT_DESCR):
            return 0
        if load64(taken):
            if load32(thing) != 1 or load64(thing + ARRAY_BASE) != 0 or (load32(thing + ARRAY_FLAGS) & flags) != flags:
                return 0
        elif not (load32(thing + ARRAY_FLAGS) & FLAG_ALIGNED):
            return 0
        store64(at, load64(thing + ARRAY_DATA))
        at += 8
        taken += 8
        entry += INPUT_ENTRY
    return 1


def give_up(plan: int, frame: int, end: int, result: int) -> int:
    """Drop the arrays that were made before the entry `end`, and the list for the results."""
    entry = load64(plan + PLAN_ARRAYS)
    while entry < end:
        Py_DecRef(load64(frame + load64(entry)) - POINT_ELEMENT)
        entry += 16
    Py_DecRef(result)
    return 0


def hand_over(program: int, plan: int, frame: int, result: int) -> int:
    """Store the new values; the result, or the list of results."""
    entry = load64(plan + PLAN_ARRAYS)
    end = entry + load64(plan + PLAN_NARRAYS) * 16
    if result == 0:
        result = load64(frame + load64(entry)) - POINT_ELEMENT
        entry += 16
    else:
        at = load64(result + 24)
        last = at + load64(program + PROGRAM_NRESULTS) * 8
        while at < last:
            store64(at, load64(frame + load64(entry)) - POINT_ELEMENT)
            entry += 16
            at += 8
    storages = load64(plan + PLAN_STORAGES)
    while entry < end:
        PyList_SetItem(load64(storages), 0, load64(frame + load64(entry)) - POINT_ELEMENT)
        entry += 16
        storages += 8
    return result
