"""The run-time system: pooling, its gradients and theirs.

Written in the language of `runtime_language.py`; the loops over rows are in `vector_pooling.py`. What a call needs is
in a *plan*, with three pooled axes of which missing ones have length 1; all axes before them are one, of images. Arrays
are C-contiguous, or copied to be so.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_core import BUFFER_DIMS, BUFFER_OWNER, allocate, contiguous_copy, fail, release
from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64
from theano.backends.native.runtime_memory import MAXIMUM_BYTES, block_free
from theano.backends.native.runtime_routines import (
    E_LENGTHS,
    ROUTINE_CODE,
    back,
    count_of,
    in_c_order,
    input_count,
    input_ndim,
    input_size,
    least,
    leave,
    length,
    most,
    output_size,
    routine_input,
    routine_output,
    routine_param,
    up,
    workspace,
)
from theano.backends.native.runtime_threads import MOST_THREADS, parallel, share, thread_count

POOL_CODE = 0
POOL_SIZE = 8
POOL_MODE = 16
POOL_IMAGES = 24
POOL_IMAGE = 32  # three numbers each
POOL_WINDOW = 56
POOL_STRIDE = 80
POOL_PAD = 104
POOL_COUNTS = 128  # of windows
POOL_PAIRS = 152  # windows along the last axis are pairs side by side and without padding
POOL_PHASE = 160  # bytes of a phase; there are as many as the stride
POOL_TAPS = 168  # table: where in the phases each element of a window starts
POOL_LINE = 176  # workspace: a row
POOL_PHASES = 184
POOL_MORE = 192
POOL_WIDTHS = 200
POOL_NUMBER = 208
POOL_PLANE = 216  # results for an image, or 0
POOL_THREADS = 224  # plans that lie one after the other, and differ in workspace only
POOL_ARRAYS = 232  # the addresses of x, maxima, values and the output
POOL_ROUTINE = 264  # of the code that is called
POOL_BYTES = 272

MODE_MAX = 0
MODE_SUM = 1
MODE_INCLUDING = 2  # average, which counts padding
MODE_EXCLUDING = 3

WHOLE_PAIRS = 2  # pairs, and they cover rows to the end

# a routine's parameters
PARAM_NDIM = 0
PARAM_IGNORE_BORDER = 1
PARAM_MODE = 2

# the table of a dtype's code
POOL_CODE_LANES = 0
POOL_CODE_POOL_PLANES = 8
POOL_CODE_SPREAD_PLANES = 16
POOL_CODE_COLLECT_PLANES = 24
POOL_CODE_FILL_ROW = 32
POOL_CODE_FILL_WIDTHS = 40
POOL_CODE_LOWEST = 48  # the address of -inf
POOL_CODE_BYTES = 56


def pooled_axis(frame: int, step: int, plan: int, axis: int, x: int, ndim: int) -> int:
    """Read and check the numbers of one axis; fail where no window fits."""
    sizes = input_count(step) - 3
    axes = routine_param(step, PARAM_NDIM)
    at = (3 - axes + axis) * 8
    n = length(x, ndim - axes + axis)
    window = entry_of(routine_input(frame, step, sizes), axis)
    stride = entry_of(routine_input(frame, step, sizes + 1), axis)
    pad = entry_of(routine_input(frame, step, sizes + 2), axis)
    if window < 1 or stride < 1 or pad < 0 or pad >= window or n < 1 or window > MAXIMUM_BYTES:
        return fail(frame, E_LENGTHS, n, window, stride, pad)
    if routine_param(step, PARAM_IGNORE_BORDER):
        rest = n + 2 * pad - window
        if rest < 0:
            return fail(frame, E_LENGTHS, n, window, stride, pad)
        count = rest // stride + 1
    elif pad != 0:
        return fail(frame, E_LENGTHS, n, window, stride, pad)
    elif stride >= window:
        count = (n - 1) // stride + 1
    else:
        count = most(0, (n - 1 - window + stride) // stride) + 1
    store64(plan + POOL_IMAGE + at, n)
    if pad == 0:
        window = least(window, n)
    store64(plan + POOL_WINDOW + at, window)
    store64(plan + POOL_STRIDE + at, stride)
    store64(plan + POOL_PAD + at, pad)
    store64(plan + POOL_COUNTS + at, count)
    return 0


def entry_of(vector: int, n: int) -> int:
    """An entry of a vector of int64."""
    return load64(load64(vector) + n * load64(vector + BUFFER_DIMS + 8))


def pool_plan(frame: int, step: int, plan: int) -> int:
    """Read lengths and sizes; fail where they are none."""
    axes = routine_param(step, PARAM_NDIM)
    sizes = input_count(step) - 3
    x = routine_input(frame, step, 0)
    ndim = input_ndim(step, 0)
    memset(plan, 0, POOL_BYTES)
    store64(plan + POOL_CODE, load64(step + ROUTINE_CODE))
    store64(plan + POOL_SIZE, input_size(step, 0))
    store64(plan + POOL_MODE, routine_param(step, PARAM_MODE))
    axis = 0
    while axis < 3:
        if length(routine_input(frame, step, sizes + axis), 0) != axes:
            return fail(frame, E_LENGTHS, axis, axes, 0, 0)
        store64(plan + POOL_IMAGE + axis * 8, 1)
        store64(plan + POOL_WINDOW + axis * 8, 1)
        store64(plan + POOL_STRIDE + axis * 8, 1)
        store64(plan + POOL_COUNTS + axis * 8, 1)
        axis += 1
    axis = 0
    padded = 0
    while axis < axes:
        if pooled_axis(frame, step, plan, axis, x, ndim):
            return 1
        padded = padded | entry_of(routine_input(frame, step, sizes + 2), axis)
        axis += 1
    if load64(plan + POOL_MODE) == MODE_INCLUDING and padded == 0:
        store64(plan + POOL_MODE, MODE_EXCLUDING)
    images = 1
    axis = 0
    while axis < ndim - axes:
        images = images * length(x, axis)
        axis += 1
    store64(plan + POOL_IMAGES, images)
    covered = 2 * load64(plan + POOL_COUNTS + 16)
    n = load64(plan + POOL_IMAGE + 16)
    two = load64(plan + POOL_WINDOW + 16) == 2 and load64(plan + POOL_STRIDE + 16) == 2
    if two and covered <= n and load64(plan + POOL_PAD + 16) == 0:
        store64(plan + POOL_PAIRS, 1 + (covered == n))
    return 0


def pooled_like(frame: int, step: int, plan: int, buffer: int) -> int:
    """Has a buffer the shape of the results of pooling? If not, fail."""
    axes = routine_param(step, PARAM_NDIM)
    ndim = input_ndim(step, 0)
    axis = 0
    while axis < ndim:
        n = length(routine_input(frame, step, 0), axis)
        if axis >= ndim - axes:
            n = load64(plan + POOL_COUNTS + (3 - ndim + axis) * 8)
        if length(buffer, axis) != n:
            return fail(frame, E_LENGTHS, axis, n, length(buffer, axis), 0)
        axis += 1
    return 0


def set_pooled(frame: int, step: int, plan: int) -> int:
    """Make the output, of the shape of the results of pooling."""
    axes = routine_param(step, PARAM_NDIM)
    ndim = input_ndim(step, 0)
    out = routine_output(frame, step, 0)
    memcpy(out + BUFFER_DIMS, routine_input(frame, step, 0) + BUFFER_DIMS, ndim * 8)
    memcpy(out + BUFFER_DIMS + (ndim - axes) * 8, plan + POOL_COUNTS + (3 - axes) * 8, axes * 8)
    return allocate(frame, out, ndim, output_size(step, 0))


def set_like_x(frame: int, step: int) -> int:
    """Make the output, of the shape of x."""
    ndim = input_ndim(step, 0)
    out = routine_output(frame, step, 0)
    memcpy(out + BUFFER_DIMS, routine_input(frame, step, 0) + BUFFER_DIMS, ndim * 8)
    return allocate(frame, out, ndim, output_size(step, 0))


def same_shape(frame: int, a: int, b: int, ndim: int) -> int:
    """0 if two buffers have one shape, else failure."""
    axis = 0
    while axis < ndim:
        if length(a, axis) != length(b, axis):
            return fail(frame, E_LENGTHS, axis, length(a, axis), length(b, axis), 0)
        axis += 1
    return 0


def pool_workspace(frame: int, plan: int, threads: int, with_plane: int) -> int:
    """Memory for rows, filled with what is around the image; more plans are made for threads. 0: there is no memory."""
    size = load64(plan + POOL_SIZE)
    slack = load64(load64(plan + POOL_CODE) + POOL_CODE_LANES) * size
    window = load64(plan + POOL_WINDOW + 16)
    stride = load64(plan + POOL_STRIDE + 16)
    counts = load64(plan + POOL_COUNTS + 16)
    n = load64(plan + POOL_IMAGE + 16)
    pad = load64(plan + POOL_PAD + 16)
    phase = most(counts + window // stride + 1, up(n + pad, stride) + 1) * size + slack
    store64(plan + POOL_PHASE, phase)
    phases = MAXIMUM_BYTES
    if phase < MAXIMUM_BYTES // stride:
        phases = phase * stride + slack
    rows = n * size + slack + counts * size + slack
    plane = 0
    if with_plane:
        plane = load64(plan + POOL_COUNTS) * load64(plan + POOL_COUNTS + 8) * counts * size + slack
    own = (2 * phases + rows + plane + window * 8 + 16 + 63) & -64
    block = workspace(frame, threads, own)
    if block == 0:
        return 0
    store64(plan + POOL_THREADS, threads)
    thread = 0
    while thread < threads:
        if thread > 0:
            memcpy(plan + thread * POOL_BYTES, plan, POOL_BYTES)
        pool_rows(plan + thread * POOL_BYTES, block + thread * own, phases, plane)
        thread += 1
    return block


def pool_rows(plan: int, at: int, phases: int, plane: int) -> int:
    """Lay out and fill the memory of a plan; bytes of phases and of a plane (0: none) are given."""
    code = load64(plan + POOL_CODE)
    size = load64(plan + POOL_SIZE)
    slack = load64(code + POOL_CODE_LANES) * size
    memset(at, 0, 2 * phases)
    if load64(plan + POOL_MODE) == MODE_MAX:
        invoke(load64(code + POOL_CODE_FILL_ROW), at, code + POOL_CODE_LOWEST, phases // size)
    store64(plan + POOL_PHASES, at)
    store64(plan + POOL_MORE, at + phases)
    at += 2 * phases
    store64(plan + POOL_LINE, at)
    at += load64(plan + POOL_IMAGE + 16) * size + slack
    store64(plan + POOL_WIDTHS, at)
    at += load64(plan + POOL_COUNTS + 16) * size + slack
    if plane != 0:
        store64(plan + POOL_PLANE, at)
        at += plane
    store64(plan + POOL_NUMBER, at)
    at = (at + 8 + 7) & -8
    store64(plan + POOL_TAPS, at)
    stride = load64(plan + POOL_STRIDE + 16)
    tap = 0
    while tap < load64(plan + POOL_WINDOW + 16):
        store64(at + tap * 8, tap % stride * load64(plan + POOL_PHASE) + tap // stride * size)
        tap += 1
    if load64(plan + POOL_MODE) >= MODE_INCLUDING:
        invoke(load64(code + POOL_CODE_FILL_WIDTHS), plan)
    return 0


def contiguous_input(frame: int, step: int, n: int, copy: int) -> int:
    """The address of an input's elements in C order; `copy` becomes a copy if they are not. 0: there is no memory."""
    buffer = routine_input(frame, step, n)
    store64(copy + BUFFER_OWNER, 0)
    if in_c_order(buffer, input_ndim(step, n), input_size(step, n)):
        return load64(buffer)
    if contiguous_copy(frame, copy, buffer, input_ndim(step, n), input_size(step, n)):
        return 0
    return load64(copy)


# ---- steps: the arrays of a step come first, then ws, stride and pad


def pool_prepare(frame: int, step: int) -> int:
    plan = stack(POOL_BYTES)
    if pool_plan(frame, step, plan):
        return 1
    return set_pooled(frame, step, plan)


def spread_prepare(frame: int, step: int) -> int:
    """x, its maxima, values like them: a gradient like x. Or x and values, where maxima play no part."""
    plan = stack(POOL_BYTES)
    if pool_plan(frame, step, plan):
        return 1
    n = 1
    while n < input_count(step) - 3:
        if pooled_like(frame, step, plan, routine_input(frame, step, n)):
            return 1
        n += 1
    return set_like_x(frame, step)


def collect_prepare(frame: int, step: int) -> int:
    """x, its maxima, values like x: their sums where x is the largest. Without the maxima they are computed."""
    plan = stack(POOL_BYTES)
    if pool_plan(frame, step, plan):
        return 1
    arrays = input_count(step) - 3
    if arrays == 3 and pooled_like(frame, step, plan, routine_input(frame, step, 1)):
        return 1
    x = routine_input(frame, step, 0)
    if same_shape(frame, x, routine_input(frame, step, arrays - 1), input_ndim(step, 0)):
        return 1
    return set_pooled(frame, step, plan)


def pool_run(frame: int, step: int) -> int:
    return pooling(frame, step, POOL_CODE_POOL_PLANES, 0)


def spread_run(frame: int, step: int) -> int:
    return pooling(frame, step, POOL_CODE_SPREAD_PLANES, routine_param(step, PARAM_MODE) >= MODE_INCLUDING)


def collect_run(frame: int, step: int) -> int:
    return pooling(frame, step, POOL_CODE_COLLECT_PLANES, input_count(step) == 5)


def pooling(frame: int, step: int, routine: int, with_plane: int) -> int:
    """Run a routine over all images."""
    plan = stack(MOST_THREADS * POOL_BYTES)
    if pool_plan(frame, step, plan):
        return 1
    if load64(plan + POOL_IMAGES) == 0:
        return 0
    arrays = input_count(step) - 3
    bytes = BUFFER_DIMS + input_ndim(step, 0) * 16
    copies = stack(3 * bytes)
    addresses = plan + POOL_ARRAYS
    n = 0
    failed = 0
    while n < 3:
        store64(copies + n * bytes + BUFFER_OWNER, 0)
        n += 1
    n = 0
    while n < arrays and not failed:
        store64(addresses + n * 8, contiguous_input(frame, step, n, copies + n * bytes))
        failed = load64(addresses + n * 8) == 0
        n += 1
    if arrays == 2:
        store64(addresses + 16, load64(addresses + 8))
    store64(addresses + 24, load64(routine_output(frame, step, 0)))
    store64(plan + POOL_ROUTINE, load64(load64(plan + POOL_CODE) + routine))
    work = count_of(routine_input(frame, step, 0), input_ndim(step, 0)) * 4
    threads = least(thread_count(work), load64(plan + POOL_IMAGES))
    block = 0
    if not failed:
        block = pool_workspace(frame, plan, threads, with_plane)
    if block != 0:
        thread = leave(frame, work, 1)
        if routine == POOL_CODE_POOL_PLANES:
            parallel(address_of(pool_part), plan, threads)
        else:
            parallel(address_of(gradient_part), plan, threads)
        back(thread)
        block_free(block)
    n = 0
    while n < arrays:
        release(copies + n * bytes)
        n += 1
    return block == 0


def image_bytes(plan: int, lengths: int) -> int:
    """Bytes of an image, or of what windows make of it."""
    lengths = plan + lengths
    return load64(lengths) * load64(lengths + 8) * load64(lengths + 16) * load64(plan + POOL_SIZE)


def pool_part(plans: int, part: int) -> int:
    """The images of a thread."""
    plan = plans + part * POOL_BYTES
    threads = load64(plan + POOL_THREADS)
    first = share(load64(plan + POOL_IMAGES), 1, part, threads)
    count = share(load64(plan + POOL_IMAGES), 1, part + 1, threads) - first
    x = load64(plan + POOL_ARRAYS) + first * image_bytes(plan, POOL_IMAGE)
    out = load64(plan + POOL_ARRAYS + 24) + first * image_bytes(plan, POOL_COUNTS)
    return invoke(load64(plan + POOL_ROUTINE), plan, x, out, count)


def gradient_part(plans: int, part: int) -> int:
    """The same of a gradient: maxima are like results; of values and the output one is like x and one like results."""
    plan = plans + part * POOL_BYTES
    threads = load64(plan + POOL_THREADS)
    first = share(load64(plan + POOL_IMAGES), 1, part, threads)
    count = share(load64(plan + POOL_IMAGES), 1, part + 1, threads) - first
    of_image = first * image_bytes(plan, POOL_IMAGE)
    of_results = first * image_bytes(plan, POOL_COUNTS)
    x = load64(plan + POOL_ARRAYS) + of_image
    largest = load64(plan + POOL_ARRAYS + 8) + of_results
    values = load64(plan + POOL_ARRAYS + 16)
    out = load64(plan + POOL_ARRAYS + 24)
    if load64(plan + POOL_ROUTINE) == load64(load64(plan + POOL_CODE) + POOL_CODE_SPREAD_PLANES):
        return invoke(load64(plan + POOL_ROUTINE), plan, x, largest, values + of_results, out + of_image, count)
    return invoke(load64(plan + POOL_ROUTINE), plan, x, largest, values + of_image, out + of_results, count)
