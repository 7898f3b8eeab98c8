"""Lowerings of ops that make arrays out of lengths and numbers: they are computed where they are used."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.context import Lowering, lowers
from theano.lowering.program import AllocStep, DimsStep, Step
from theano.lowering.work import Datum, Opaque, refs_in
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.creation import Alloc, AllocEmpty, MakeVector
from theano.tensor.ranges import ARange
from theano.tensor.triangles import Eye, Tri

LONGEST_SELECTION = 16   # elements of a vector that one kernel picks by comparing positions


@lowers(Alloc)
def lower_alloc(lowering: Lowering, node: Apply) -> None:
    """The value at every point of a space with stated lengths."""
    value, *lengths = lowering.data(node.inputs)
    (variable,) = node.outputs
    if value.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    refs = [lowering.dim(n) for n in lengths]
    out = lowering.new(variable, refs)
    value = lowering.fitted(value, out.shape, [node])
    offset = out.ndim - value.ndim
    lowering.pointwise(
        out, [(value, range(offset, out.ndim))], lambda point: point.read(0), nodes=[node], size=0, cost=0,
        extents=refs, source=all(n == 1 for n in value.shape),
    )
    lowering.define(variable, out)


def allocate(lowering: Lowering, out: Datum, refs: list[Any], nodes: list[Any]) -> Datum:
    """Let `out` be memory of these lengths (a tuple is a sum) that holds nothing yet."""

    def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
        dims = tuple(emission.dim(ref) for ref in refs)
        return [AllocStep(inputs=emission.buffers_in(refs), outputs=outs, nodes=nodes, dims=dims)]

    lowering.add(Opaque(nodes, [], [out], emit, tuple(refs_in(refs))))
    return out


@lowers(AllocEmpty)
def lower_alloc_empty(lowering: Lowering, node: Apply) -> None:
    refs = [lowering.dim(n) for n in lowering.data(node.inputs)]
    lowering.define(node.outputs[0], allocate(lowering, lowering.new(node.outputs[0], refs), refs, [node]))


@lowers(MakeVector)
def lower_make_vector(lowering: Lowering, node: Apply) -> None:
    """A vector of run-time integers, or for short ones a choice by position."""
    inputs = lowering.data(node.inputs)
    (variable,) = node.outputs
    out = lowering.new(variable)
    integers = all(d.dtype in discrete_dtypes for d in inputs)
    if integers:
        out.elements = [lowering.dim(d) for d in inputs]
    if out.dtype == "int64" and integers:
        refs = out.elements or []

        def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
            dims = tuple(emission.dim(ref) for ref in refs)
            return [DimsStep(inputs=emission.buffers_in(refs), outputs=outs, nodes=[node], dims=dims)]

        lowering.add(Opaque([node], [], [out], emit, tuple(refs), safe=True))
    elif 0 < len(inputs) <= LONGEST_SELECTION and {out.dtype, *(d.dtype for d in inputs)} <= NATIVE_DTYPES:

        def pick(point: Any) -> Any:
            values = [point.b.cast(v, out.dtype) for v in point.reads()]
            result = values[-1]
            for number in range(len(values) - 2, -1, -1):
                here = point.b.eq(point.iota(0), point.b.const(number, "int64"))
                result = point.b.select(here, values[number], result)
            return result

        lowering.pointwise(
            out, [(d, ()) for d in inputs], pick, nodes=[node], size=2 * len(inputs), extents=(len(inputs),)
        )
    else:
        lowering.python(node)
        return
    lowering.define(variable, out)


@lowers(ARange)
def lower_arange(lowering: Lowering, node: Apply) -> None:
    """start + position * step, in int64 or float64."""
    start, stop, step = inputs = lowering.data(node.inputs)
    (variable,) = node.outputs
    vector: Any = variable.type
    (length,) = vector.shape
    known_step = None if step.constant is None else step.constant.item()
    integers = all(d.dtype in discrete_dtypes and d.dtype != "uint64" for d in inputs)
    if vector.dtype not in NATIVE_DTYPES or known_step in (None, 0) or not (integers or length is not None):
        lowering.python(node)
        return
    if length is None:
        length = _arange_length(lowering, node, start, stop, int(known_step))
    out = lowering.new(variable, (length,))
    wide = "int64" if integers else "float64"

    def value(point: Any) -> Any:
        b = point.b
        first = b.cast(point.read(0), wide)
        by = b.cast(point.read(1), wide)
        if not integers:
            by = (first + by) - first       # what NumPy adds, position by position
        return b.cast(first + b.cast(point.iota(0), wide) * by, out.dtype)

    lowering.pointwise(
        out, [(start, ()), (step, ())], value, nodes=[node], size=4, cost=2, extents=(length,), source=True
    )
    lowering.define(variable, out)


def _arange_length(lowering: Lowering, node: Apply, start: Datum, stop: Datum, step: int) -> Any:
    bound = lowering.dim(stop)
    if start.dim == 0 and step == 1 and not isinstance(bound, Datum):
        return bound if not isinstance(bound, int) else max(bound, 0)
    out = Datum("int64", (), name="length")

    def length(point: Any) -> Any:
        b = point.b
        first, last = (b.cast(v, "int64") for v in point.reads())
        low, high = (first, b.max(last, first)) if step > 0 else (b.min(last, first), first)
        if step == 1 and start.constant is not None and start.constant.item() >= 0:
            return high - low
        span = b.cast(high - low, "uint64")   # which may not fit into 63 bits
        # rounded up; a step of one needs no division
        if abs(step) != 1:
            one = b.const(1, "uint64")
            steps = (b.max(span, one) - one) // b.const(abs(step), "uint64") + one
            span = b.select(span > b.const(0, "uint64"), steps, span)
        return b.cast(b.min(span, b.const(2**63 - 1, "uint64")), "int64")

    return lowering.pointwise(out, [(start, ()), (stop, ())], length, nodes=[node], size=4)


@lowers(Eye)
def lower_eye(lowering: Lowering, node: Apply) -> None:
    """1 where column - row is k."""
    _by_position(lowering, node, lambda b, row, column, k: b.eq(column - row, k))


@lowers(Tri)
def lower_tri(lowering: Lowering, node: Apply) -> None:
    """1 where column - row is at most k."""
    _by_position(lowering, node, lambda b, row, column, k: column - row <= k)


def _by_position(lowering: Lowering, node: Apply, test: Any) -> None:
    rows, columns, k = lowering.data(node.inputs)
    (variable,) = node.outputs
    refs = [lowering.dim(rows), lowering.dim(columns)]
    out = lowering.new(variable, refs)
    if out.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return

    def value(point: Any) -> Any:
        b = point.b
        return b.cast(test(b, point.iota(0), point.iota(1), b.cast(point.read(0), "int64")), out.dtype)

    lowering.pointwise(out, [(k, ())], value, nodes=[node], size=4, cost=2, extents=refs, source=True)
    lowering.define(variable, out)
