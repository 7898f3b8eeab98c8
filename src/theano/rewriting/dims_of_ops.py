"""What each op says of the lengths of its axes: the facts that `dims.py` collects.

An op that is not here says nothing, which is always right: fewer lengths are then known to be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from theano.graph.node import Apply, Constant
from theano.rewriting.dims import Fact, Key, Speaker, axis_key
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise


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


def of_dimshuffle(node: Apply) -> Iterator[Fact]:
    (x,), (out,) = node.inputs, node.outputs
    for axis, entry in enumerate(node.op.new_order):  # type: ignore[attr-defined]
        if entry != "x" and out.type.shape[axis] is None:  # type: ignore[attr-defined]
            yield (out, axis), axis_key(x, entry), False


def value_key(length: Any) -> Key | None:
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
    kind = type(node.op).__name__
    if kind == "Shape_i":
        return axis_key(node.inputs[0], node.op.i)  # type: ignore[attr-defined]
    if kind == "Subtensor":
        owner = node.inputs[0].owner
        if owner is not None and type(owner.op).__name__ == "Shape":
            (index, *more) = node.op.get_idx(node.inputs)  # type: ignore[attr-defined]
            if not more and isinstance(index, Constant):
                axis = int(index.data)  # type: ignore[arg-type]
            elif not more and isinstance(index, int):
                axis = index
            else:
                return None
            x: Any = owner.inputs[0]
            if -x.type.ndim <= axis < x.type.ndim:
                return axis_key(x, axis % x.type.ndim)
    return None


def of_lengths(out: Any, lengths: Any, enforced: bool = False) -> Iterator[Fact]:
    for axis, length in enumerate(lengths):
        key = value_key(length)
        if key is None or (isinstance(key, int) and key < 0):
            continue
        if out.type.shape[axis] is None or enforced:
            yield axis_key(out, axis), key, enforced


def of_alloc(node: Apply) -> Iterator[Fact]:
    value, *lengths = node.inputs
    out: Any = node.outputs[0]
    yield from of_lengths(out, lengths)
    offset = out.type.ndim - value.type.ndim  # type: ignore[attr-defined]
    for axis, n in enumerate(value.type.shape):  # type: ignore[attr-defined]
        if n != 1:
            yield axis_key(value, axis), axis_key(out, offset + axis), True


def of_make_vector(node: Apply) -> Iterator[Fact]:
    return iter(())


SPEAKERS: dict[type, Speaker] = {
    Elemwise: of_elemwise,
    DimShuffle: of_dimshuffle,
    Alloc: of_alloc,
    MakeVector: of_make_vector,
}
