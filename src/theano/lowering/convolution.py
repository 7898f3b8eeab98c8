"""Lowerings of convolution: routines of the backend for float32 and float64, `perform` for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers_named

if TYPE_CHECKING:
    from theano.tensor.nnet.conv_ops import BaseAbstractConv

_MODES = {"full": 1, "half": 2}


def convolution_params(op: BaseAbstractConv) -> tuple[int, ...]:
    """What the routines are told: see PARAM_ in the backend's plan of a convolution."""
    stated = [-1 if n is None else n for n in (*op.imshp, *op.kshp)]
    known = max(stated) >= 0
    numbers = [op.convdim, op.num_groups, int(op.filter_flip), int(op.unshared), int(known)]
    for axis in range(op.convdim):
        mode = op.border_mode
        pads = (_MODES.get(mode, 0), 0, 0) if isinstance(mode, str) else (0, *mode[axis])
        numbers += [*pads, op.subsample[axis], op.filter_dilation[axis]]
    return (*numbers, *(stated if known else ()))


def _lower(lowering: Lowering, node: Apply, routine: str) -> None:
    op: BaseAbstractConv = node.op  # type: ignore[assignment]
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    if dtype in ("float32", "float64"):
        lowering.routine(node, f"convolution.{routine}", convolution_params(op))
    else:
        lowering.python(node)


@lowers_named("theano.tensor.nnet.conv_ops", "AbstractConv", "AbstractConv2d", "AbstractConv3d")
def lower_convolution(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "convolve")


@lowers_named(
    "theano.tensor.nnet.conv_ops", "AbstractConv_gradInputs", "AbstractConv2d_gradInputs", "AbstractConv3d_gradInputs"
)
def lower_gradient_by_image(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "by_image")


@lowers_named(
    "theano.tensor.nnet.conv_ops", "AbstractConv_gradWeights", "AbstractConv2d_gradWeights",
    "AbstractConv3d_gradWeights",
)  # fmt: skip
def lower_gradient_by_kernel(lowering: Lowering, node: Apply) -> None:
    _lower(lowering, node, "by_kernel")
