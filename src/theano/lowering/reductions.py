"""Lowerings of reductions: CAReduce and its kin, argmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.context import Lowering, lowers
from theano.lowering.kernel import UNIT
from theano.lowering.work import Datum, Fused, Write, read
from theano.scalar.dtypes import is_complex, real_dtype
from theano.tensor.argmax import Argmax, MaxAndArgmax
from theano.tensor.careduce import CAReduce, Max, Min, Prod, Sum, Supremum, reduced_axes
from theano.tensor.truth import All
from theano.tensor.truth import Any as AnyTrue

_KINDS = {"add": "sum", "mul": "prod", "maximum": "max", "minimum": "min", "and_": "and", "or_": "or", "xor": "xor"}
_OF_BOOL = {"sum": "any", "prod": "all", "and": "all", "or": "any"}


def _written_axes(ndim: int, reduced: Sequence[int], shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(UNIT if shape[a] == 1 else a for a in range(ndim) if a not in reduced)


@lowers(CAReduce, Sum, Prod, Max, Min, Supremum, All, AnyTrue)
def lower_careduce(lowering: Lowering, node: Apply) -> None:
    """An accumulator over the reduced axes of the input's space."""
    op: Any = node.op
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    kind = "sup" if isinstance(op, Supremum) else _KINDS.get(op.scalar_op.name)
    if kind == "sum" and is_complex(op.dtype) and is_complex(op.acc_dtype) and source.dtype != "object":
        _sum_complex_numbers(lowering, node, source)
        return
    if kind is None or not {source.dtype, op.dtype, op.acc_dtype} <= NATIVE_DTYPES:
        lowering.python(node)
        return
    reduced = reduced_axes(op.axis, source.ndim)
    acc = "float32" if op.acc_dtype == "float16" else op.acc_dtype
    out = lowering.new(variable, [ref for a, ref in enumerate(source.dims) if a not in reduced])
    if all(source.shape[a] == 1 for a in reduced):
        kept = iter(range(out.ndim))
        axes = [UNIT if a in reduced else next(kept) for a in range(source.ndim)]
        lowering.pointwise(
            out, [(source, axes)],
            lambda point: point.b.cast(point.b.cast(point.read(0), op.acc_dtype), op.dtype),
            nodes=[node], size=2, cost=2,
        )
        lowering.define(variable, out)
        return
    if acc == "bool" and kind in ("max", "min"):
        acc = "uint8"   # not `any`, which has a value for nothing
    elif acc == "bool":
        kind = _OF_BOOL.get(kind, kind)
    space = range(source.ndim)
    lowering.add(Fused(
        [node], source.shape, [read(source, space, source.shape)],
        [Write(out, kind, _written_axes(source.ndim, reduced, source.shape), acc)],
        lambda point: [point.b.cast(point.b.cast(point.read(0), op.acc_dtype), acc)],
    ))
    lowering.define(variable, out)


def _sum_complex_numbers(lowering: Lowering, node: Apply, source: Datum) -> None:
    """Two sums in one kernel, of the real and of the imaginary parts; a kernel over the results makes pairs of them."""
    op: Any = node.op
    (variable,) = node.outputs
    reduced, part = reduced_axes(op.axis, source.ndim), real_dtype(op.acc_dtype)
    dims = [ref for a, ref in enumerate(source.dims) if a not in reduced]

    def parts(point: Any) -> list[Any]:
        return [point.b.cast(value, part) for value in point.b.parts(point.read(0))]

    def pair(point: Any, values: Sequence[Any]) -> Any:
        return point.b.pair(*(point.b.cast(value, real_dtype(op.dtype)) for value in values))

    out = lowering.new(variable, dims)
    if all(source.shape[a] == 1 for a in reduced):
        kept = iter(range(out.ndim))
        axes = [UNIT if a in reduced else next(kept) for a in range(source.ndim)]
        lowering.pointwise(out, [(source, axes)], lambda point: pair(point, parts(point)), nodes=[node], size=2, cost=2)
    else:
        sums, space = [Datum(part, out.shape, out.dims) for _ in range(2)], range(source.ndim)
        written = _written_axes(source.ndim, reduced, source.shape)
        writes = [Write(each, "sum", written, part) for each in sums]
        lowering.add(Fused([node], source.shape, [read(source, space, source.shape)], writes, parts))
        reads = [(each, range(out.ndim)) for each in sums]
        lowering.pointwise(out, reads, lambda point: pair(point, point.reads()), nodes=[node], size=1, cost=1)
    lowering.define(variable, out)


@lowers(Argmax, MaxAndArgmax)
def lower_argmax(lowering: Lowering, node: Apply) -> None:
    """The position of the maximum along the reduced axes, and the maximum."""
    op: Any = node.op
    source = lowering.datum(node.inputs[0])
    if source.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    reduced = reduced_axes(op.axis, source.ndim)
    dims = [ref for a, ref in enumerate(source.dims) if a not in reduced]
    outs = [lowering.new(variable, dims) for variable in node.outputs]
    position = outs[-1]
    if all(source.shape[a] == 1 for a in reduced):
        kept = iter(range(position.ndim))
        axes = [UNIT if a in reduced else next(kept) for a in range(source.ndim)]
        lowering.pointwise(
            position, [(source, axes)], lambda point: _zero(point), nodes=[node], size=0, cost=0
        )
        if len(outs) == 2:
            lowering.pointwise(outs[0], [(source, axes)], lambda point: point.read(0), nodes=[node], size=0, cost=0)
    else:
        written = _written_axes(source.ndim, reduced, source.shape)
        writes = [Write(position, "argmax", written, source.dtype)]
        if len(outs) == 2:
            writes.insert(0, Write(outs[0], "max", written, source.dtype))
        lowering.add(Fused(
            [node], source.shape, [read(source, range(source.ndim), source.shape)], writes,
            lambda point: [point.read(0)] * len(writes), ordered=sum(source.shape[a] != 1 for a in reduced) > 1,
        ))
    for variable, datum in zip(node.outputs, outs):
        lowering.define(variable, datum)


def _zero(point: Any) -> Any:
    point.touch(0)
    return point.b.const(0, "int64")


__all__ = ["Datum", "lower_argmax", "lower_careduce"]
