"""The run-time system: simple views (pointer, shape and stride arithmetic), and buffers of run-time integers.

Written in the language of `runtime_language.py`. A view's output shares its input's memory and owns nothing. Parts of
arrays are in `runtime_parts.py`, views with other lengths in `runtime_reshapes.py`: not every program needs them.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DATA,
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_NEGATIVE,
    allocate,
    contiguous_copy,
    exclusive,
    fail,
)
from theano.backends.native.runtime_language import load64, store64
from theano.backends.native.runtime_prepare import dimension
from theano.backends.native.runtime_records import (
    VIEW_IN,
    VIEW_NIN,
    VIEW_NOUT,
    VIEW_NPARAMS,
    VIEW_OUT,
    VIEW_PARAMS,
    VIEW_SIZE,
)

E_DROP = 11

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
