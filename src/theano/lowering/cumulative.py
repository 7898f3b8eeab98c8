"""Lowerings of cumulative sums and products, and of linear recurrences: routines of the backend."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.tensor.cumulative import CumOp, LinearRecurrence
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_DTYPES = ("float32", "float64", "int64", "uint64")
FLATTENED = -1


@lowers(CumOp)
def lower_cumulative(lowering: Lowering, node: Apply) -> None:
    """params: the axis, or FLATTENED."""
    op: Any = node.op
    (x,) = node.inputs
    rank: int = x.type.ndim  # type: ignore[attr-defined]
    axis = FLATTENED if op.axis is None else op.axis % rank
    _lower(lowering, node, "cumulative.sum" if op.mode == "add" else "cumulative.product", axis)


@lowers(LinearRecurrence)
def lower_recurrence(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "cumulative.recurrence", node.op.axis)  # type: ignore[attr-defined]


def _lower(lowering: Lowering, node: Apply, routine: str, axis: int) -> None:
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    dtypes = [v.type.dtype for v in node.inputs]  # type: ignore[attr-defined]
    if dtype not in _DTYPES or any(d not in lowering.dtypes for d in dtypes):
        lowering.python(node)
        return
    if all(d == dtype for d in dtypes):
        lowering.routine(node, routine, (axis,))
        return
    # what is added up has the dtype of the result
    converted = []
    for variable, datum in zip(node.inputs, lowering.data(node.inputs)):
        converted.append(TensorVariable(tensor_type(dtype, variable.type.shape)))  # type: ignore[attr-defined]
        lowering.define(converted[-1], lowering.cast(datum, dtype, [node]))
    again = Apply(node.op, converted, [TensorVariable(node.outputs[0].type)])
    lowering.routine(again, routine, (axis,))
    lowering.define(node.outputs[0], lowering.datum(again.outputs[0]))


__all__ = ["FLATTENED", "lower_cumulative", "lower_recurrence"]
