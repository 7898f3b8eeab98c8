"""Lowerings of checks that rewriting puts back: views that state a length, or take a position, of what has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.lowering.work import Datum, DimRef, Length
from theano.rewriting.checks_of_lengths import EqualLengths, InsideAxes, NoZeroStep


@lowers(EqualLengths)
def lower_equal_lengths(lowering: Lowering, node: Apply) -> None:
    value, *lengths = lowering.data(node.inputs)
    refs = [lowering.dim(n) for n in lengths]
    for first, second in zip(refs[::2], refs[1::2]):
        if not isinstance(first, Length):
            first, second = second, first
        if first == second and isinstance(first, Length):
            continue
        if not isinstance(first, Length):
            _state_true(lowering, _is_one_length(lowering, first, second, node), node)
            continue
        source = first.datum
        stated: list[Any] = [None] * source.ndim
        stated[first.axis] = second
        checked = Datum(source.dtype, source.shape, source.dims)
        checked.must_run = True  # nobody reads it
        lowering.view(checked, source, "specify", tuple(stated), nodes=[node])
    lowering.define(node.outputs[0], value)


@lowers(InsideAxes)
def lower_inside_axes(lowering: Lowering, node: Apply) -> None:
    """Positions of what has the axes in question: taking them fails where they are not there. Where only a number is
    left of an axis, the position is compared with it."""
    value, *pairs = lowering.data(node.inputs)
    if node.op.from_start or any(index.ndim for index in pairs[::2]):  # type: ignore[attr-defined]
        lowering.python(node)
        return
    for index, n in zip(pairs[::2], pairs[1::2]):
        length, position = lowering.dim(n), lowering.dim(index)
        if isinstance(length, Length):
            source, axis = length.datum, length.axis
            shape = source.shape[:axis] + source.shape[axis + 1 :]
            checked = Datum(source.dtype, shape)
            kind, params = "index", (*[(None, None, None)] * axis, position)
        else:
            _state_true(lowering, _is_inside(lowering, position, length, node), node)
            continue
        checked.must_run = True  # nobody reads it
        lowering.view(checked, source, kind, params, nodes=[node])
    lowering.define(node.outputs[0], value)


@lowers(NoZeroStep)
def lower_no_zero_step(lowering: Lowering, node: Apply) -> None:
    value, *steps = lowering.data(node.inputs)
    for step in steps:
        if step.dtype not in _WHOLE:
            lowering.python(node)
            return
    for step in steps:

        def emit(point: Any) -> Any:
            return point.b.cast(point.b.ne(point.b.cast(point.read(0), "int64"), 0), "int64")

        reads = [(lowering.number_of(lowering.dim(step)), ())]
        _state_true(lowering, lowering.pointwise(Datum("int64", ()), reads, emit, nodes=[node]), node)
    lowering.define(node.outputs[0], value)


_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _state_true(lowering: Lowering, flag: Datum, node: Apply) -> None:
    """Fail if a flag is 0: as a length, it is not that of an axis of length one."""
    checked = Datum("bool", (1,))
    checked.must_run = True  # nobody reads it
    lowering.view(checked, lowering.constant(np.zeros(1, "bool")), "specify", (flag,), nodes=[node])


def _is_one_length(lowering: Lowering, first: DimRef, second: DimRef, node: Apply) -> Datum:
    """1 if two numbers are one, and not negative, else 0."""

    def emit(point: Any) -> Any:
        a, b = point.b.cast(point.read(0), "int64"), point.b.cast(point.read(1), "int64")
        return point.b.cast((a >= 0) & point.b.eq(a, b), "int64")

    reads = [(lowering.number_of(ref), ()) for ref in (first, second)]
    return lowering.pointwise(Datum("int64", ()), reads, emit, nodes=[node])


def _is_inside(lowering: Lowering, position: DimRef, length: DimRef, node: Apply) -> Datum:
    """1 if -length <= position < length, else 0."""

    def emit(point: Any) -> Any:
        i, n = point.b.cast(point.read(0), "int64"), point.b.cast(point.read(1), "int64")
        return point.b.cast((i >= -n) & (i < n), "int64")

    reads = [(lowering.number_of(ref), ()) for ref in (position, length)]
    return lowering.pointwise(Datum("int64", ()), reads, emit, nodes=[node])
