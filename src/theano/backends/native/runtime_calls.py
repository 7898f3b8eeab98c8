"""The run-time system: a call of a compiled function, from its arguments to its results.

Written in the language of `runtime_language.py`. `entry` is what CPython calls. Functions of numbers only take a short
way (`runtime_point_calls.py`), where nothing is unusual.
"""

# ruff: noqa: F821, SIM102
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    ARRAY_BASE,
    ARRAY_DATA,
    ARRAY_DESCR,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_NDIM,
    ARRAY_STRIDES,
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_STORAGE,
    FLAG_ALIGNED,
    FLAG_OWNDATA,
    FRAME_ARGS,
    FRAME_IN_COMMIT,
    FRAME_MAY_RELEASE,
    FRAME_PROGRAM,
    FRAME_STEP,
    INPUT_BUFFER,
    INPUT_BYTES,
    INPUT_DESCR,
    INPUT_DIMS,
    INPUT_FLOAT,
    INPUT_NDIM,
    INPUT_SCALAR,
    INPUT_STORAGE,
    INPUT_WHOLE,
    OUTPUT_BORROW,
    OUTPUT_BUFFER,
    OUTPUT_DESCR,
    OUTPUT_ENTRY,
    OUTPUT_ITEMSIZE,
    OUTPUT_NDIM,
    OUTPUT_ROOT,
    OUTPUT_STORAGE,
    PROGRAM_COMMIT,
    PROGRAM_FRAME_BYTES,
    PROGRAM_INPUTS,
    PROGRAM_NARGS,
    PROGRAM_NOWNERS,
    PROGRAM_NRESULTS,
    PROGRAM_NSTEPS,
    PROGRAM_NSTORAGES,
    PROGRAM_NUPDATES,
    PROGRAM_OBJECTS,
    PROGRAM_OUTPUTS,
    PROGRAM_OWNERS,
    PROGRAM_POINTS,
    PROGRAM_REPORT,
    PROGRAM_SEQUENTIAL,
    PROGRAM_SLOW,
    PROGRAM_STEPS,
    PROGRAM_TEMPLATE,
    PROGRAM_UNPACK,
    STEP_PREPARE,
    STEP_RUN,
    block_array,
    contiguous_copy,
    fail,
    fits_whole,
    make_array,
    release,
)
from theano.backends.native.runtime_language import invoke, load32, load64, stack, store64
from theano.backends.native.runtime_memory import POINT_ELEMENT
from theano.backends.native.runtime_point_calls import call_of_points

ARGUMENTS = 9223372036854775807  # the bits that count arguments; vectorcall uses the other


# ---- arguments and results


def load_input(frame: int, entry: int, thing: int, lenient: int) -> int:
    """Bind an argument to its buffer; 0 when it does not fit."""
    buffer = frame + load64(entry + INPUT_BUFFER)
    ndim = load64(entry + INPUT_NDIM)
    if ndim < 0:
        store64(buffer + BUFFER_DATA, thing)
        return 1
    kind = load64(thing + 8)
    if kind != PyArray_Type:
        if kind == load64(entry + INPUT_SCALAR) or (kind == PyFloat_Type and load64(entry + INPUT_FLOAT)):
            # the number lies behind the object's header
            store64(buffer + BUFFER_DATA, thing + 16)
            return 1
        if kind == PyLong_Type and load64(entry + INPUT_WHOLE):
            room = frame + load64(entry + INPUT_WHOLE)
            store64(buffer + BUFFER_DATA, room)
            return fits_whole(entry, thing, room)
        return 0
    if load32(thing + ARRAY_NDIM) != ndim or not (load32(thing + ARRAY_FLAGS) & FLAG_ALIGNED):
        return 0
    descr = load64(thing + ARRAY_DESCR)
    if descr != load64(entry + INPUT_DESCR):
        if not lenient or not PyArray_EquivTypes(descr, load64(entry + INPUT_DESCR)):
            return 0
    store64(buffer + BUFFER_DATA, load64(thing + ARRAY_DATA))
    dims = load64(thing + ARRAY_DIMS)
    strides = load64(thing + ARRAY_STRIDES)
    axis = 0
    while axis < ndim:
        n = load64(dims + axis * 8)
        known = load64(entry + INPUT_DIMS + axis * 8)
        if known >= 0 and known != n:
            return 0
        store64(buffer + BUFFER_DIMS + axis * 8, n)
        store64(buffer + BUFFER_DIMS + (ndim + axis) * 8, load64(strides + axis * 8))
        axis += 1
    return 1


def make_result(frame: int, entry: int) -> int:
    """The Python object of an output: a new reference, or 0 with the frame's code or a Python error set."""
    buffer = frame + load64(entry + OUTPUT_BUFFER)
    ndim = load64(entry + OUTPUT_NDIM)
    data = load64(buffer)
    if ndim < 0:
        Py_IncRef(data)
        return data
    descr = load64(entry + OUTPUT_DESCR)
    owner = load64(buffer + BUFFER_OWNER)
    if owner == data + 1:
        return block_array(buffer, ndim, descr)
    root = frame + load64(entry + OUTPUT_ROOT)
    if owner == 0 and load64(root) == data and load64(root + BUFFER_OWNER) == data + 1:
        # a view of all of a block that no other result has
        store64(root + BUFFER_OWNER, 0)
        store64(buffer + BUFFER_OWNER, data + 1)
        return block_array(buffer, ndim, descr)
    if ndim == 0 and owner != 0 and owner == data - POINT_ELEMENT and load32(owner) == 1:
        # made by this call (`point_array`)
        store64(buffer + BUFFER_OWNER, 0)
        return owner
    storage = load64(entry + OUTPUT_STORAGE)
    if owner != 0 and not (owner & 1) and load64(owner + 8) == PyArray_Type and load64(owner + ARRAY_DATA) == data:
        # an array that came from Python: the shared value itself after an update in place, or what perform returned
        ours = load64(entry + OUTPUT_BORROW)
        if storage != 0 and load64(load64(storage + 24)) == owner:
            ours = 1
        if load32(owner) == 1 and load64(owner + ARRAY_BASE) == 0 and load32(owner + ARRAY_FLAGS) & FLAG_OWNDATA:
            ours = 1
        if ours and same_layout(owner, buffer, ndim):
            Py_IncRef(owner)
            return owner
    if load64(entry + OUTPUT_BORROW):
        owner = load64(root + BUFFER_OWNER)
        if owner != 0 and not (owner & 1):
            Py_IncRef(owner)
            array = make_array(buffer, ndim, descr, data, owner)
            if array == 0:
                Py_DecRef(owner)
            return array
    copy = stack(BUFFER_DIMS + ndim * 16 + 16)
    if contiguous_copy(frame, copy, buffer, ndim, load64(entry + OUTPUT_ITEMSIZE)):
        return 0
    array = block_array(copy, ndim, descr)
    if array == 0:
        release(copy)
    return array


def same_layout(array: int, buffer: int, ndim: int) -> int:
    if load32(array + ARRAY_NDIM) != ndim:
        return 0
    axis = 0
    while axis < ndim:
        if load64(load64(array + ARRAY_DIMS) + axis * 8) != load64(buffer + BUFFER_DIMS + axis * 8):
            return 0
        if load64(load64(array + ARRAY_STRIDES) + axis * 8) != load64(buffer + BUFFER_DIMS + (ndim + axis) * 8):
            return 0
        axis += 1
    return 1


def run_steps(program: int, frame: int) -> int:
    steps = load64(program + PROGRAM_STEPS)
    count = load64(program + PROGRAM_NSTEPS)
    commit = load64(program + PROGRAM_COMMIT)
    if load64(program + PROGRAM_SEQUENTIAL):
        commit = count
    i = 0
    while i < commit:
        step = load64(steps + i * 8)
        store64(frame + FRAME_STEP, i)
        work = load64(step + STEP_PREPARE)
        if work != 0 and invoke(load64(work), frame, step):
            return 1
        work = load64(step + STEP_RUN)
        if work != 0 and invoke(load64(work), frame, step):
            return 1
        i += 1
    if commit == count:
        return 0
    # From here on the GIL stays: nobody may see a shared value half written.
    store64(frame + FRAME_MAY_RELEASE, 0)
    store64(frame + FRAME_IN_COMMIT, 1)
    while i < count:
        step = load64(steps + i * 8)
        store64(frame + FRAME_STEP, i)
        work = load64(step + STEP_PREPARE)
        if work != 0 and invoke(load64(work), frame, step):
            return 1
        i += 1
    store64(frame + FRAME_IN_COMMIT, 0)
    i = commit
    while i < count:
        step = load64(steps + i * 8)
        store64(frame + FRAME_STEP, i)
        work = load64(step + STEP_RUN)
        if work != 0 and invoke(load64(work), frame, step):
            return 1
        i += 1
    return 0


def report(program: int, frame: int, args: int) -> int:
    """Let Python raise the error that the frame describes (`executable.py`)."""
    kind = stack(24)
    store64(kind, 0)
    store64(kind + 8, 0)
    store64(kind + 16, 0)
    PyErr_Fetch(kind, kind + 8, kind + 16)
    if load64(kind) != 0:
        PyErr_NormalizeException(kind, kind + 8, kind + 16)
        if load64(kind + 16) != 0:
            PyException_SetTraceback(load64(kind + 8), load64(kind + 16))
    count = load64(program + PROGRAM_NARGS)
    call = stack(24)
    store64(call, PyBytes_FromStringAndSize(frame, load64(program + PROGRAM_FRAME_BYTES)))
    store64(call + 8, PyTuple_New(count))
    store64(call + 16, load64(kind + 8))
    if load64(call + 16) == 0:
        store64(call + 16, Py_None)
    if load64(call) != 0 and load64(call + 8) != 0:
        i = 0
        while i < count:
            Py_IncRef(load64(args + i * 8))
            PyTuple_SetItem(load64(call + 8), i, load64(args + i * 8))
            i += 1
        Py_DecRef(PyObject_Vectorcall(load64(program + PROGRAM_REPORT), call, 3, 0))
    Py_DecRef(load64(call))
    Py_DecRef(load64(call + 8))
    Py_DecRef(load64(kind))
    Py_DecRef(load64(kind + 8))
    Py_DecRef(load64(kind + 16))
    return 0


def finish(program: int, frame: int) -> int:
    """Make the results, and only then store the updates. 0: failed."""
    results = load64(program + PROGRAM_NRESULTS)
    updates = load64(program + PROGRAM_NUPDATES)
    entry = load64(program + PROGRAM_OUTPUTS)
    if updates == 0 and load64(program + PROGRAM_UNPACK):
        return make_result(frame, entry)
    fresh = stack(updates * 8 + 8)
    made = 0
    failed = 0
    result = 0
    if load64(program + PROGRAM_UNPACK):
        result = make_result(frame, entry)
        failed = result == 0
    else:
        result = PyList_New(results)
        failed = result == 0
        i = 0
        while i < results and not failed:
            thing = make_result(frame, entry + i * OUTPUT_ENTRY)
            if thing == 0:
                failed = 1
            else:
                PyList_SetItem(result, i, thing)
            i += 1
    entry += results * OUTPUT_ENTRY
    while made < updates and not failed:
        thing = make_result(frame, entry + made * OUTPUT_ENTRY)
        if thing == 0:
            failed = 1
        else:
            store64(fresh + made * 8, thing)
            made += 1
    if failed:
        Py_DecRef(result)
        while made > 0:
            made -= 1
            Py_DecRef(load64(fresh + made * 8))
        return 0
    i = 0
    while i < updates:
        storage = load64(entry + i * OUTPUT_ENTRY + OUTPUT_STORAGE)
        if load64(load64(storage + 24)) == load64(fresh + i * 8):
            Py_DecRef(load64(fresh + i * 8))
        else:
            PyList_SetItem(storage, 0, load64(fresh + i * 8))
        i += 1
    return result


def run_program(program: int, args: int, lenient: int) -> int:
    """One call. The result, 0 with an exception set, or 1: the arguments do not fit."""
    budget = load64(BUDGET) - 1
    store64(BUDGET, budget)
    if budget <= 0:
        store64(BUDGET, 1 << 62)
        Py_DecRef(PyObject_Vectorcall(UPGRADE, 0, 0, 0))
        if PyErr_Occurred() != 0:
            return 0
    size = load64(program + PROGRAM_FRAME_BYTES)
    frame = 0
    if size <= 16384:
        frame = stack(size)
    else:
        frame = malloc(size)
    memcpy(frame, load64(program + PROGRAM_TEMPLATE), size)
    store64(frame + FRAME_ARGS, args)
    store64(frame + FRAME_PROGRAM, program)
    count = load64(program + PROGRAM_NARGS)
    entry = load64(program + PROGRAM_INPUTS)
    i = 0
    while i < count:
        if not load_input(frame, entry, load64(args + i * 8), lenient):
            if size > 16384:
                free(frame)
            return 1
        entry += load64(entry + INPUT_BYTES)
        i += 1
    status = 0
    count = load64(program + PROGRAM_NSTORAGES)
    i = 0
    while i < count and not status:
        storage = load64(entry + INPUT_STORAGE)
        thing = 0
        if load64(storage + 16) > 0:
            thing = load64(load64(storage + 24))
        if thing == 0 or not load_input(frame, entry, thing, 1):
            status = fail(frame, E_STORAGE, i, 0, 0, 0)
            store64(frame + FRAME_STEP, -1)
        else:
            Py_IncRef(thing)
            store64(frame + load64(entry + INPUT_BUFFER) + BUFFER_OWNER, thing)
        entry += load64(entry + INPUT_BYTES)
        i += 1
    result = 0
    if not status:
        status = run_steps(program, frame)
    if not status:
        result = finish(program, frame)
    if result == 0:
        report(program, frame, args)
    owners = load64(program + PROGRAM_OWNERS)
    count = load64(program + PROGRAM_NOWNERS)
    i = 0
    while i < count:
        release(frame + load64(owners + i * 8))
        i += 1
    if size > 16384:
        free(frame)
    return result


def entry(self: int, args: int, nargs: int, names: int) -> int:
    """METH_FASTCALL | METH_KEYWORDS, and vectorcall. `self` is a tuple whose first item is the program table, an
    ndarray, or (vectorcall) an object which has that array's address at the same place (`compile/direct_calls.py`)."""
    program = load64(load64(self + 24) + ARRAY_DATA)
    if names == 0 and (nargs & ARGUMENTS) == load64(program + PROGRAM_NARGS) and load64(program + PROGRAM_OBJECTS) == 0:
        plan = load64(program + PROGRAM_POINTS)
        if plan != 0:
            result = call_of_points(program, plan, args)
            if result != 0:
                return result
        result = run_program(program, args, 0)
        if result != 1:
            return result
    return PyObject_Vectorcall(load64(program + PROGRAM_SLOW), args, nargs, names)


def direct(self: int, args: int, nargs: int, names: int) -> int:
    """The entry without a way out: what does not fit is a TypeError."""
    program = load64(load64(self + 24) + ARRAY_DATA)
    if names == 0 and nargs == load64(program + PROGRAM_NARGS):
        result = run_program(program, args, 1)
        if result != 1:
            return result
    PyErr_SetString(load64(PyExc_TypeError), MISFIT_TEXT)
    return 0
