"""Lowerings of cumulative sums and products, and of linear recurrences: routines of the backend."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.tensor.cumulative import CumOp, LinearRecurrence

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
    # added up in the dtype of the result
    data = [lowering.cast(datum, dtype, [node]) for datum in lowering.data(node.inputs)]
    lowering.routine(node, routine, (axis,), data)


__all__ = ["FLATTENED", "lower_cumulative", "lower_recurrence"]
