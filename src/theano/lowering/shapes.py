"""Lowerings of ops about shapes: lengths as numbers, reshapes, checks of lengths."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.lowering.failures import shape_is_used
from theano.lowering.program import DimsStep, Step
from theano.lowering.work import Length, Opaque
from theano.tensor.shape import UNSTATED, Rebroadcast, Reshape, Shape, Shape_i, SpecifyShape


@lowers(Shape)
def lower_shape(lowering: Lowering, node: Apply) -> None:
    """The lengths; as an array only if somebody needs that."""
    datum = lowering.datum(node.inputs[0])
    if datum.dtype == "object":
        lowering.python(node)
        return
    shape_is_used(datum)
    refs = datum.dims
    out = lowering.new(node.outputs[0])
    out.elements = list(refs)

    def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
        dims = tuple(emission.dim(ref) for ref in refs)
        return [DimsStep(inputs=emission.buffers_in(refs), outputs=outs, nodes=[node], dims=dims)]

    lowering.add(Opaque([node], [], [out], emit, refs, safe=True))
    lowering.define(node.outputs[0], out)


@lowers(Shape_i)
def lower_shape_i(lowering: Lowering, node: Apply) -> None:
    datum = lowering.datum(node.inputs[0])
    if datum.dtype == "object":
        lowering.python(node)
        return
    shape_is_used(datum)
    axis: int = node.op.i  # type: ignore[attr-defined]
    lowering.define(node.outputs[0], lowering.number_of(datum.dims[axis], [node]))


@lowers(Reshape)
def lower_reshape(lowering: Lowering, node: Apply) -> None:
    """A view where the strides allow it."""
    source, vector = lowering.data(node.inputs)
    (variable,) = node.outputs
    ndim: int = node.op.ndim  # type: ignore[attr-defined]
    if vector.shape != (ndim,):
        lowering.python(node)
        return
    refs = lowering.elements(vector, ndim, [node])
    out = lowering.new(variable, [ref if isinstance(ref, Length) else None for ref in refs])
    lowering.view(out, source, "reshape", tuple(refs), nodes=[node])
    lowering.define(variable, out)


@lowers(SpecifyShape)
def lower_specify_shape(lowering: Lowering, node: Apply) -> None:
    source, vector = lowering.data(node.inputs)
    (variable,) = node.outputs
    if source.dtype == "object" or vector.shape != (source.ndim,):
        lowering.python(node)
        return
    refs = lowering.elements(vector, source.ndim, [node])
    stated = tuple(None if ref == UNSTATED else ref for ref in refs)
    dims = [own if ref is None else ref for own, ref in zip(source.dims, stated)]
    out = lowering.new(variable, dims)
    lowering.view(out, source, "specify", stated, nodes=[node])
    lowering.define(variable, out)


@lowers(Rebroadcast)
def lower_rebroadcast(lowering: Lowering, node: Apply) -> None:
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    flags: dict[int, bool] = node.op.axis  # type: ignore[attr-defined]
    out = lowering.new(variable, source.dims)
    stated = tuple(1 if flags.get(axis) else None for axis in range(source.ndim))
    lowering.view(out, source, "specify", stated, nodes=[node])
    lowering.define(variable, out)
