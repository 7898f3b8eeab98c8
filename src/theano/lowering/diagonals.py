"""Lowerings of diagonals: a view of one, and matrices with nothing but one."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.context import Lowering, lowers
from theano.lowering.creation import allocate
from theano.lowering.joining import store_into
from theano.lowering.work import Datum, SumOf
from theano.tensor.diagonal import AllocDiag, ExtractDiag


@lowers(ExtractDiag)
def lower_extract_diag(lowering: Lowering, node: Apply) -> None:
    op: Any = node.op
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    axes = op.axis1 % source.ndim, op.axis2 % source.ndim
    kept = [ref for axis, ref in enumerate(source.dims) if axis not in axes]
    out = lowering.new(variable, [*kept, None])
    lowering.view(out, source, "diagonal", (op.offset, *axes), nodes=[node])
    lowering.define(variable, out)


@lowers(AllocDiag)
def lower_alloc_diag(lowering: Lowering, node: Apply) -> None:
    op: Any = node.op
    source, *lengths = lowering.data(node.inputs)
    if source.dtype not in NATIVE_DTYPES:
        lowering.python(node)
        return
    first, second = op.axis1 % (source.ndim + 1), op.axis2 % (source.ndim + 1)
    n: Any = source.dims[-1]
    rows: Any
    columns: Any
    if lengths:
        rows, columns = (lowering.dim(length) for length in lengths)
    else:
        rows = columns = SumOf((n, abs(op.offset))) if op.offset else n
    refs = list(source.dims[:-1])
    for axis, ref in sorted([(first, rows), (second, columns)], key=lambda pair: pair[0]):
        refs.insert(axis, ref)
    if op.offset == 0 and rows == columns:
        _main_diagonal(lowering, node, source, refs, (first, second))
    else:
        _any_diagonal(lowering, node, source, refs, (op.offset, first, second))


def _main_diagonal(
    lowering: Lowering, node: Apply, source: Datum, refs: list[Any], axes: tuple[int, int]
) -> None:
    """The element of the row where row and column are equal, else zero: computed where it is used."""
    (variable,) = node.outputs
    out = lowering.new(variable, refs)
    walked = [axis for axis in range(out.ndim) if axis not in axes]

    def value(point: Any) -> Any:
        b = point.b
        return b.select(b.eq(point.iota(axes[0]), point.iota(axes[1])), point.read(0), b.const(0, out.dtype))

    lowering.pointwise(
        out, [(source, (*walked, axes[0]))], value, nodes=[node], size=3, cost=3, extents=refs
    )
    lowering.define(variable, out)


def _any_diagonal(
    lowering: Lowering, node: Apply, source: Datum, refs: list[Any], params: tuple[int, int, int]
) -> None:
    """Zeros, and the diagonal written into them."""
    (variable,) = node.outputs
    memory = Datum(source.dtype, variable.type.shape, None, variable.name or "")  # type: ignore[attr-defined]
    allocate(lowering, memory, refs, [node])
    whole = Datum(memory.dtype, memory.shape, memory.dims)
    lowering.view(whole, memory, "index", ((None, None, None),) * memory.ndim, nodes=[node])
    zero = lowering.constant(np.zeros((), source.dtype))
    cleared = lowering.after(memory, [store_into(lowering, whole, zero, node)], [node])
    place = Datum(memory.dtype, source.shape, None)
    lowering.view(place, cleared, "diagonal", params, nodes=[node])
    lowering.define(variable, lowering.after(cleared, [store_into(lowering, place, source, node)], [node]))
