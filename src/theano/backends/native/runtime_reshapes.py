"""The run-time system: views with other lengths than their inputs have, and checks of lengths.

Written in the language of `runtime_language.py`. A reshape owns memory if it had to copy.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import (
    BUFFER_DIMS,
    BUFFER_OWNER,
    E_NEGATIVE,
    contiguous_copy,
    contiguous_strides,
    fail,
)
from theano.backends.native.runtime_language import load64, stack, store64
from theano.backends.native.runtime_memory import MAXIMUM_BYTES
from theano.backends.native.runtime_prepare import dimension
from theano.backends.native.runtime_records import VIEW_IN, VIEW_NIN, VIEW_NOUT, VIEW_OUT, VIEW_PARAMS, VIEW_SIZE

E_RESHAPE = 8
E_SPECIFY = 10


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
