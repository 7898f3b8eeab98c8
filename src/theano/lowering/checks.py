"""Lowerings of checks that rewriting puts back: views that state a length, or take a position, of what has it."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.lowering.work import Datum, Length
from theano.rewriting.checks_of_lengths import EqualLengths, InsideAxes


@lowers(EqualLengths)
def lower_equal_lengths(lowering: Lowering, node: Apply) -> None:
    value, *lengths = lowering.data(node.inputs)
    pairs: list[tuple[Length, Any]] = []
    refs = [lowering.dim(n) for n in lengths]
    for first, second in zip(refs[::2], refs[1::2]):
        if not isinstance(first, Length):
            first, second = second, first
        if first == second and isinstance(first, Length):
            continue
        if not isinstance(first, Length):
            lowering.python(node)
            return
        pairs.append((first, second))
    for length, other in pairs:
        source = length.datum
        stated: list[Any] = [None] * source.ndim
        stated[length.axis] = other
        checked = Datum(source.dtype, source.shape, source.dims)
        checked.must_run = True  # nobody reads it
        lowering.view(checked, source, "specify", tuple(stated), nodes=[node])
    lowering.define(node.outputs[0], value)


@lowers(InsideAxes)
def lower_inside_axes(lowering: Lowering, node: Apply) -> None:
    """Positions of what has the axes in question: taking them fails where they are not there."""
    value, *pairs = lowering.data(node.inputs)
    taken: list[tuple[Length, Any]] = []
    for index, n in zip(pairs[::2], pairs[1::2]):
        length = lowering.dim(n)
        if index.ndim or not isinstance(length, Length):
            lowering.python(node)
            return
        taken.append((length, lowering.dim(index)))
    for length, position in taken:
        source, axis = length.datum, length.axis
        shape = source.shape[:axis] + source.shape[axis + 1 :]
        checked = Datum(source.dtype, shape)
        checked.must_run = True  # nobody reads it
        lowering.view(checked, source, "index", (*[(None, None, None)] * axis, position), nodes=[node])
    lowering.define(node.outputs[0], value)
