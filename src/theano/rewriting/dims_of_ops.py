"""What each op says of the lengths of its axes: the facts that `dims.py` collects.

An op that is not here says nothing, which is always right: fewer lengths are then known to be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from theano.graph.node import Apply, Constant
from theano.loops.scan_op import Scan
from theano.rewriting.dims import Fact, Key, Speaker, axis_key
from theano.rewriting.dims_of_matrices import MATRICES, same_shape
from theano.rewriting.ranges import nonnegative
from theano.scalar import selection as sel
from theano.tensor.argmax import Argmax
from theano.tensor.blas import Gemm, Gemv, Ger
from theano.tensor.careduce import CAReduce, reduced_axes
from theano.tensor.creation import Alloc, AllocEmpty
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.index_list import Layout
from theano.tensor.joining import Join, Split
from theano.tensor.linear.hints import Hint
from theano.tensor.nnet.classes import ClassNumbers
from theano.tensor.nnet.conv_ops import AbstractConv, AbstractConv_gradInputs, AbstractConv_gradWeights
from theano.tensor.nnet.one_hot_losses import (
    CrossentropyCategorical1Hot,
    CrossentropyCategorical1HotGrad,
    CrossentropySoftmax1HotWithBiasDx,
    CrossentropySoftmaxArgmax1HotWithBias,
)
from theano.tensor.nnet.softmax import LogSoftmax, LogSumExp, Softmax
from theano.tensor.products import BatchedDot, Dot
from theano.tensor.ranges import ARange
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import Rebroadcast, Reshape, Shape_i, SpecifyShape
from theano.tensor.shape import Shape as ShapeOp
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)


def of_elemwise(node: Apply) -> Iterator[Fact]:
    out: Any = node.outputs[0]
    for axis, length in enumerate(out.type.shape):
        if length == 1:
            continue
        first: Key = None
        for x in node.inputs:
            n = x.type.shape[axis]  # type: ignore[attr-defined]
            if n == 1:
                continue
            key = (x, axis) if n is None else n
            if first is None:
                first = key
                if length is None:
                    yield (out, axis), key, False
            elif key != first:
                yield key, first, True
    if out.type.ndim == 0 and out.type.dtype == "int64" and node.op.scalar_op is sel.identity:  # type: ignore[attr-defined]
        yield (out,), value_key(node.inputs[0]), False


def of_dimshuffle(node: Apply) -> Iterator[Fact]:
    (x,), (out,) = node.inputs, node.outputs
    for axis, entry in enumerate(node.op.new_order):  # type: ignore[attr-defined]
        if entry != "x" and out.type.shape[axis] is None:  # type: ignore[attr-defined]
            yield (out, axis), axis_key(x, entry), False


def value_key(length: Any) -> Key:
    """The key of a 0-d integer variable: that of an axis when it is one's length."""
    if isinstance(length, Constant):
        return int(length.data)  # type: ignore[arg-type]
    node = length.owner
    if node is not None:
        axis = axis_of_length(node)
        if axis is not None:
            return axis
    return (length,)


def axis_of_length(node: Apply) -> Key | None:
    """The axis whose length this node computes (Shape_i, or an element of Shape), else None."""
    op = node.op
    if isinstance(op, Shape_i):
        return axis_key(node.inputs[0], op.i) if hasattr(node.inputs[0].type, "shape") else None
    if isinstance(op, Subtensor) and len(op.idx_list) == 1:
        owner = node.inputs[0].owner
        if owner is not None and isinstance(owner.op, ShapeOp) and hasattr(owner.inputs[0].type, "shape"):
            (index,) = op.get_idx(node.inputs)
            axis = index if isinstance(index, int) else None if isinstance(index, tuple) else static_int(index)
            x: Any = owner.inputs[0]
            if axis is not None and -x.type.ndim <= axis < x.type.ndim:
                return axis_key(x, axis % x.type.ndim)
    return None


def of_length(node: Apply) -> Iterator[Fact]:
    out = node.outputs[0]
    axis = axis_of_length(node)
    if axis is not None:
        yield (out,), axis, False


def of_lengths(out: Any, lengths: Any, enforced: bool = False) -> Iterator[Fact]:
    for axis, length in enumerate(lengths):
        if length is None:
            continue
        key = value_key(length)
        if isinstance(key, int) and key < 0:
            continue
        if out.type.shape[axis] is None:
            yield (out, axis), key, enforced


def of_first_input(node: Apply) -> Iterator[Fact]:
    for out in node.outputs:
        if getattr(out.type, "ndim", None) == getattr(node.inputs[0].type, "ndim", -1):
            yield from same_shape(out, node.inputs[0])


def of_alloc(node: Apply) -> Iterator[Fact]:
    value, *lengths = node.inputs
    out: Any = node.outputs[0]
    yield from of_lengths(out, lengths)
    yield from of_sizes(lengths)
    offset = out.type.ndim - value.type.ndim  # type: ignore[attr-defined]
    for axis, n in enumerate(value.type.shape):  # type: ignore[attr-defined]
        if n != 1:
            yield axis_key(value, axis), axis_key(out, offset + axis), True


def of_alloc_empty(node: Apply) -> Iterator[Fact]:
    yield from of_lengths(node.outputs[0], node.inputs)
    yield from of_sizes(node.inputs)


def of_arange(node: Apply) -> Iterator[Fact]:
    start, stop, step = node.inputs
    out: Any = node.outputs[0]
    if out.type.shape[0] is None and static_int(start) == 0 and static_int(step) == 1 and stop.type.dtype == "int64":  # type: ignore[attr-defined]
        key = value_key(stop)
        if isinstance(key, int):
            yield (out, 0), max(key, 0), False
        elif len(key) == 2 or nonnegative(stop):
            yield (out, 0), key, False


def of_sizes(lengths: Any) -> Iterator[Fact]:
    for length in lengths:
        key = value_key(length)
        if isinstance(key, tuple) and len(key) == 1 and not nonnegative(length):
            yield key, None, False


def of_loop(node: Apply) -> Iterator[Fact]:
    yield from Scan.length_facts(node)
    yield from of_sizes(node.inputs[:1])


def of_reduction(node: Apply) -> Iterator[Fact]:
    x: Any = node.inputs[0]
    axes = reduced_axes(node.op.axis, x.type.ndim)  # type: ignore[attr-defined]
    kept = [axis for axis in range(x.type.ndim) if axis not in axes]
    for out in node.outputs:
        for position, axis in enumerate(kept):
            if out.type.shape[position] is None:  # type: ignore[attr-defined]
                yield (out, position), axis_key(x, axis), False


def of_join(node: Apply) -> Iterator[Fact]:
    axis_input, *parts = node.inputs
    along = static_int(axis_input)
    out: Any = node.outputs[0]
    if along is None:
        return
    along %= out.type.ndim
    for axis in range(out.type.ndim):
        if axis == along:
            continue
        first = axis_key(parts[0], axis)
        if out.type.shape[axis] is None:
            yield (out, axis), first, False
        for part in parts[1:]:
            yield axis_key(part, axis), first, True


def of_reshape(node: Apply) -> Iterator[Fact]:
    out: Any = node.outputs[0]
    elements = vector_elements(node.inputs[1])
    x = node.inputs[0]
    if x.type.ndim == 1 and elements:  # type: ignore[attr-defined]
        lengths = [None if n is None else static_int(n) for n in elements]
        if all(n is not None and n >= 0 for n in lengths):
            yield axis_key(x, 0), prod(lengths), True  # type: ignore[type-var]
        elif lengths == [-1] and out.type.shape[0] is None:
            yield (out, 0), axis_key(x, 0), False
    for axis, length in enumerate(elements or ()):
        if length is None or out.type.shape[axis] is not None:
            continue
        key = value_key(length)
        if (isinstance(key, int) and key >= 0) or (isinstance(key, tuple) and len(key) == 2):  # else it may be -1
            yield (out, axis), key, False


def of_split(node: Apply) -> Iterator[Fact]:
    x, axis_input, sizes = node.inputs
    along = static_int(axis_input)
    if along is None:
        return
    along %= x.type.ndim  # type: ignore[attr-defined]
    for out in node.outputs:
        for axis, n in enumerate(out.type.shape):  # type: ignore[attr-defined]
            if axis != along and n is None:
                yield (out, axis), axis_key(x, axis), False
    elements = vector_elements(sizes) or ()
    if len(elements) != len(node.outputs):
        return
    total = 0
    for element in elements:  # (the first that is not known ends it: this is asked for each output that is replaced)
        n = None if element is None else static_int(element)
        if n is None or n < 0:
            return
        total += n
    yield axis_key(x, along), total, True


def of_specify_shape(node: Apply) -> Iterator[Fact]:
    x, vector = node.inputs
    out: Any = node.outputs[0]
    if not hasattr(out.type, "shape"):
        return
    yield from same_shape(out, x)
    for axis, length in enumerate(vector_elements(vector) or ()):
        if length is None:
            continue
        key = value_key(length)
        if not isinstance(key, int) or key >= 0:
            yield axis_key(x, axis), key, True


def of_rebroadcast(node: Apply) -> Iterator[Fact]:
    x, out = node.inputs[0], node.outputs[0]
    for axis, n in enumerate(out.type.shape):  # type: ignore[attr-defined]
        if n is None:
            yield (out, axis), axis_key(x, axis), False
        elif x.type.shape[axis] is None:  # type: ignore[attr-defined]
            yield (x, axis), n, True


def of_subtensor(node: Apply) -> Iterator[Fact]:
    yield from of_length(node)
    x, out = node.inputs[0], node.outputs[0]
    position = 0
    idx_list = node.op.idx_list  # type: ignore[attr-defined]
    for axis in range(x.type.ndim):  # type: ignore[attr-defined]
        entry = idx_list[axis] if axis < len(idx_list) else slice(None)
        if isinstance(entry, slice):
            if (is_every(entry) or entry == slice(None, None, -1)) and out.type.shape[position] is None:  # type: ignore[attr-defined]
                yield (out, position), axis_key(x, axis), False
            position += 1


def of_rows(node: Apply) -> Iterator[Fact]:
    x, rows = node.inputs
    out: Any = node.outputs[0]
    for axis, n in enumerate(out.type.shape):
        if n is None:
            yield (out, axis), axis_key(rows, 0) if axis == 0 else axis_key(x, axis), False


def of_write(node: Apply) -> Iterator[Fact]:
    x, y = node.inputs[:2]
    yield from same_shape(node.outputs[0], x)
    region = written_axes(node)
    for axis, key in enumerate(region):
        if key is not None and y.type.shape[axis] != 1:  # type: ignore[attr-defined]
            yield axis_key(y, axis), key, True


def written_axes(node: Apply) -> list[Key | None]:
    """For every axis of the region that the node writes to the key of its length, None where that is no input's."""
    x, _, *indices = node.inputs
    op: Any = node.op
    ndim = x.type.ndim  # type: ignore[attr-defined]
    if isinstance(op, AdvancedIncSubtensor1):
        return [axis_key(indices[0], 0), *(axis_key(x, axis) for axis in range(1, ndim))]
    if isinstance(op, AdvancedIncSubtensor):
        return indexed_axes(op, x, indices)
    region: list[Key | None] = []
    for axis in range(ndim):
        entry = op.idx_list[axis] if axis < len(op.idx_list) else slice(None)
        if isinstance(entry, slice):
            region.append(axis_key(x, axis) if is_every(entry) else None)
    return region


def indexed_axes(op: Any, x: Any, indices: Any) -> list[Key | None]:
    """The key of the length of every axis of x[i, ::2, j, ...]; None for those of slices, of masks, and of arrays that
    may be of different lengths, as one of length 1 is then read again and again."""
    layout = Layout(op.idx_list, indices, x.type.ndim)
    arrays = [indices[number] for number, _, _ in layout.arrays]
    lengths: list[list[Key | None]] = [
        [None] if v.type.dtype == "bool" else [axis_key(v, axis) for axis in range(v.type.ndim)] for v in arrays
    ]
    together: list[Key | None] = []
    for last in range(max(map(len, lengths)), 0, -1):
        keys = {keys[-last] for keys in lengths if len(keys) >= last} - {1}
        together.append(1 if not keys else keys.pop() if len(keys) == 1 else None)
    slices = [axis_key(x, axis) if is_every(entry) else None for entry, _, axis in layout.slices]
    return list(layout.arrange(together, slices, [axis_key(x, axis) for axis in layout.rest]))


def of_gather(node: Apply) -> Iterator[Fact]:
    x, *indices = node.inputs
    out: Any = node.outputs[0]
    for axis, key in enumerate(indexed_axes(node.op, x, indices)):
        if key is not None and out.type.shape[axis] is None:
            yield (out, axis), key, False


def of_class_numbers(node: Apply) -> Iterator[Fact]:
    y, *lengths = node.inputs
    yield from of_lengths(node.outputs[0], lengths)
    for axis, length in enumerate(lengths):
        yield axis_key(y, axis), value_key(length), True


def of_class_losses(node: Apply) -> Iterator[Fact]:
    """One class number for each row of probabilities, or of logits (and a bias for each class)."""
    *given, classes = node.inputs
    rows: Any = given[0] if isinstance(node.op, CrossentropySoftmaxArgmax1HotWithBias) else given[-1]
    for axis in range(classes.type.ndim):  # type: ignore[attr-defined]
        yield axis_key(classes, axis), axis_key(rows, axis), True
    if isinstance(node.op, CrossentropySoftmaxArgmax1HotWithBias):
        yield axis_key(given[1], 0), axis_key(rows, 1), True
    elif len(given) > 1 and given[0].type.ndim:  # type: ignore[attr-defined]
        yield axis_key(given[0], 0), axis_key(rows, 0), True


def is_every(entry: slice) -> bool:
    """Does this entry of an index list take all elements of an axis, in order?"""
    return entry.start in (None, 0) and entry.stop is None and entry.step in (None, 1)


def of_dot(node: Apply) -> Iterator[Fact]:
    x, y = node.inputs
    out: Any = node.outputs[0]
    yield axis_key(x, x.type.ndim - 1), axis_key(y, 0), True  # type: ignore[attr-defined]
    keys = [axis_key(x, axis) for axis in range(x.type.ndim - 1)]  # type: ignore[attr-defined]
    keys += [axis_key(y, axis) for axis in range(1, y.type.ndim)]  # type: ignore[attr-defined]
    for axis, key in enumerate(keys):
        if out.type.shape[axis] is None:
            yield (out, axis), key, False


def of_batched_dot(node: Apply) -> Iterator[Fact]:
    x, y = node.inputs
    out: Any = node.outputs[0]
    yield axis_key(x, 2), axis_key(y, 1), True
    yield axis_key(y, 0), axis_key(x, 0), True
    for axis, key in enumerate((axis_key(x, 0), axis_key(x, 1), axis_key(y, 2))):
        if out.type.shape[axis] is None:
            yield (out, axis), key, False


def of_gemm(node: Apply) -> Iterator[Fact]:
    z, _, x, y, _ = node.inputs
    yield from same_shape(node.outputs[0], z)
    yield axis_key(x, 1), axis_key(y, 0), True
    for axis, key in enumerate([axis_key(x, 0), axis_key(y, 1)][: z.type.ndim]):  # type: ignore[attr-defined]
        yield axis_key(z, axis), key, True


def of_gemv(node: Apply) -> Iterator[Fact]:
    z, _, a, x, _ = node.inputs
    yield from same_shape(node.outputs[0], z)
    yield axis_key(a, 1), axis_key(x, 0), True
    yield axis_key(z, 0), axis_key(a, 0), True


def of_ger(node: Apply) -> Iterator[Fact]:
    a, _, x, y = node.inputs
    yield from same_shape(node.outputs[0], a)
    yield axis_key(a, 0), axis_key(x, 0), True
    yield axis_key(a, 1), axis_key(y, 0), True


def of_convolution(node: Apply) -> Iterator[Fact]:
    """Batches, filters, and channels where there is one group; the spatial axes are for `infer_shape`."""
    op: Any = node.op
    a, b, out = node.inputs[0], node.inputs[1], node.outputs[0]
    if isinstance(op, AbstractConv):
        image, kernel, top = a, b, out
    elif isinstance(op, AbstractConv_gradInputs):
        kernel, top, image = a, b, out
    else:
        image, top, kernel = a, b, out
    pairs = [((image, 0), (top, 0)), ((kernel, 0), (top, 1))]
    if op.num_groups == 1:
        pairs.append(((image, 1), (kernel, op.kernel_ndim - op.convdim - 1)))
    for first, second in pairs:
        if second[0] is out:
            first, second = second, first
        x, y = axis_key(*first), axis_key(*second)
        if first[0] is not out:
            yield x, y, True
        elif not isinstance(x, int):
            yield x, y, False


def of_log_sum_exp(node: Apply) -> Iterator[Fact]:
    x, out = node.inputs[0], node.outputs[0]
    axes = reduced_axes(node.op.axis, x.type.ndim)  # type: ignore[attr-defined]
    kept = [axis for axis in range(x.type.ndim) if axis not in axes]  # type: ignore[attr-defined]
    for position, axis in enumerate(kept):
        if out.type.shape[position] is None:  # type: ignore[attr-defined]
            yield (out, position), axis_key(x, axis), False


SPEAKERS: dict[type, Speaker] = {
    Elemwise: of_elemwise,
    DimShuffle: of_dimshuffle,
    Alloc: of_alloc,
    AllocEmpty: of_alloc_empty,
    ARange: of_arange,
    Scan: of_loop,
    CAReduce: of_reduction,
    Argmax: of_reduction,
    Join: of_join,
    Split: of_split,
    Reshape: of_reshape,
    SpecifyShape: of_specify_shape,
    Rebroadcast: of_rebroadcast,
    Shape_i: of_length,
    Subtensor: of_subtensor,
    AdvancedSubtensor1: of_rows,
    AdvancedSubtensor: of_gather,
    IncSubtensor: of_write,
    AdvancedIncSubtensor1: of_write,
    AdvancedIncSubtensor: of_write,
    Dot: of_dot,
    BatchedDot: of_batched_dot,
    **MATRICES,
    Hint: of_first_input,
    Gemm: of_gemm,
    Gemv: of_gemv,
    Ger: of_ger,
    Softmax: of_first_input,
    LogSoftmax: of_first_input,
    LogSumExp: of_log_sum_exp,
    ClassNumbers: of_class_numbers,
    **dict.fromkeys((
        CrossentropyCategorical1Hot, CrossentropyCategorical1HotGrad, CrossentropySoftmax1HotWithBiasDx,
        CrossentropySoftmaxArgmax1HotWithBias,
    ), of_class_losses),
    **dict.fromkeys((AbstractConv, AbstractConv_gradInputs, AbstractConv_gradWeights), of_convolution),
}
