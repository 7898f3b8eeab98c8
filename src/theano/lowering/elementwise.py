"""Lowerings of Elemwise and DimShuffle, and of ops that are the identity."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.build import apply_record, record_cost
from theano.lowering.context import Lowering, lowers
from theano.lowering.integer_powers import checked_power
from theano.lowering.kernel import UNIT
from theano.lowering.quotients import over_own_sum, over_root
from theano.lowering.wide import FEW, folds
from theano.lowering.work import is_number
from theano.scalar.dtypes import is_complex, upcast
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise
from theano.transforms.gradient_ops import (
    ConsiderConstant,
    DisconnectedGrad,
    GradClip,
    GradScale,
    UndefinedGrad,
    ZeroGrad,
)


@lowers(Elemwise)
def lower_elemwise(lowering: Lowering, node: Apply) -> None:
    """A record at every point of the broadcast space."""
    record: Any = node.op.scalar_op  # type: ignore[attr-defined]
    (variable,) = node.outputs
    inputs = lowering.data(node.inputs)
    dtype = variable.type.dtype  # type: ignore[attr-defined]
    price = record_cost(record, tuple(d.dtype for d in inputs), dtype)
    if price is None:
        lowering.python(node)
        return
    others = [d.dtype for d in inputs if not is_number(d)]
    if 0 < len(others) < len(inputs):
        # numbers are converted beforehand
        alike = tuple(upcast(*others) if is_number(d) else d.dtype for d in inputs)
        price = record_cost(record, alike, dtype) or price
    shape = variable.type.shape  # type: ignore[attr-defined]
    axes = range(len(shape))
    dims: list[Any] = []
    for axis in axes:
        told = [d.dims[axis] for d in inputs if d.shape[axis] != 1]
        dims.append(told[0] if told else 1)
    out = lowering.new(variable, dims)
    quotient = None if is_complex(dtype) else over_own_sum(lowering, node) or over_root(lowering, node)
    checked = checked_power(lowering, node)
    if quotient is not None:
        lowering.pointwise(out, *quotient, nodes=[node], size=2, cost=2)
        lowering.define(variable, out)
        return
    if checked is not None:
        lowering.pointwise(out, *checked, nodes=[node], size=price[0] + 3, cost=price[1])
        lowering.define(variable, out)
        return
    lowering.pointwise(
        out, [(d, axes) for d in inputs], lambda point: apply_record(point.b, record, point.reads(), dtype),
        nodes=[node], size=price[0], cost=price[1],
    )
    if len(inputs) > FEW and folds(record):
        lowering.wide.append((out, record))
    if out.ndim == 0 and len(inputs) == 1 and price[1] <= 1 and inputs[0].dim is not None and (
        record.name == "identity" or (record.name.startswith("Cast") and dtype == "int64")
    ):
        out.dim = inputs[0].dim
    lowering.define(variable, out)


@lowers(DimShuffle)
def lower_dimshuffle(lowering: Lowering, node: Apply) -> None:
    """No work: an alias, which kernels read through its axes."""
    op: Any = node.op
    source = lowering.datum(node.inputs[0])
    (variable,) = node.outputs
    position = {entry: place for place, entry in enumerate(op.new_order) if entry != "x"}
    to_out = [position.get(axis, UNIT) for axis in range(source.ndim)]
    dims = [1 if entry == "x" else source.dims[entry] for entry in op.new_order]
    out = lowering.new(variable, dims)
    if source.constant is not None and source.constant.size == 1:
        out.constant = source.constant.reshape((1,) * out.ndim)
        out.leaf = out.in_memory = True
        lowering.constants.append(out)
    elif source.base is None:
        out.base = source
        out.base_axes = tuple(to_out)
    else:
        out.base = source.base
        out.base_axes = tuple(a if a == UNIT else to_out[a] for a in source.base_axes)
    lowering.define(variable, out)


@lowers(ConsiderConstant, DisconnectedGrad, GradClip, GradScale, UndefinedGrad, ZeroGrad)
def lower_gradient_op(lowering: Lowering, node: Apply) -> None:
    """Nothing: these ops change only the derivative."""
    lowering.define(node.outputs[0], lowering.datum(node.inputs[0]))
