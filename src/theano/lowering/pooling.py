"""Lowerings of pooling: routines of the backend for float32 and float64, `perform` for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers_named

if TYPE_CHECKING:
    from theano.tensor.signal.pool import PoolBase

_MODULE = "theano.tensor.signal.pool"
_MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
_SIZES = 3  # the last inputs: ws, stride, pad
_MOST_AXES = 3


def _lower(lowering: Lowering, node: Apply, routine: str, mode: str) -> None:
    """params: how many axes, whether windows that stick out are left out, the mode."""
    op: PoolBase = node.op  # type: ignore[assignment]
    arrays = [*node.inputs[:-_SIZES], *node.outputs]
    kinds = {(v.type.dtype, v.type.ndim) for v in arrays}  # type: ignore[attr-defined]
    ((dtype, _), *others) = kinds
    if others or dtype not in ("float32", "float64") or op.ndim > _MOST_AXES:
        lowering.python(node)
        return
    lowering.routine(node, f"pooling.{routine}", (op.ndim, int(op.ignore_border), _MODES.index(mode)))


@lowers_named(_MODULE, "Pool")
def lower_pool(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "pool", node.op.mode)  # type: ignore[attr-defined]


@lowers_named(_MODULE, "MaxPoolGrad")
def lower_gradient_of_maxima(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "spread", "max")


@lowers_named(_MODULE, "AveragePoolGrad")
def lower_gradient_of_sums(lowering: Lowering, node: Apply) -> None:
    mode = node.op.mode  # type: ignore[attr-defined]
    _lower(lowering, node, "spread", "average_exc_pad" if mode == "max" else mode)


@lowers_named(_MODULE, "DownsampleFactorMaxGradGrad", "MaxPoolRop")
def lower_values_at_maxima(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "collect", "max")
