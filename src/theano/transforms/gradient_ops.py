"""Identity ops that change only the derivative, and markers of derivatives that do not exist.

Each op returns its input; what differs is what `L_op` makes of the gradient. After differentiation they mean nothing:
the first pass of the pipeline may replace every node of a `GradientOp` by its input.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import NullType, disconnected_type
from theano.scalar.arithmetic import mul
from theano.scalar.selection import clip
from theano.tensor.convert import as_tensor_variable
from theano.transforms.terms import is_disconnected, zeros_for


class GradientOp(Op):
    """Base: the value is the input itself (a view of it)."""

    __props__: ClassVar[tuple[str, ...]] = ()
    view_map = {0: [0]}

    def make_node(self, x: Any) -> Apply:
        x = x if isinstance(x, Variable) else as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)


class ConsiderConstant(GradientOp):
    """x, with a gradient of zero."""

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zeros_for(inputs[0])]


class ZeroGrad(GradientOp):
    """x, with a gradient of zero (the result depends on x all the same)."""

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zeros_for(inputs[0])]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [None if eval_points[0] is None else zeros_for(inputs[0])]


class DisconnectedGrad(GradientOp):
    """x, of which the derivative does not exist: the result does not depend on x."""

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type()]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [None]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]


class UndefinedGrad(GradientOp):
    """x, with an undefined derivative: asking for it is an error."""

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [grad_undefined(self, 0, inputs[0], "undefined_grad was put on it")]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [None if eval_points[0] is None else grad_undefined(self, 0, inputs[0])]


class GradClip(GradientOp):
    """x, with the gradient clipped elementwise to [clip_lower_bound, clip_upper_bound]."""

    __props__ = ("clip_lower_bound", "clip_upper_bound")

    def __init__(self, clip_lower_bound: float, clip_upper_bound: float) -> None:
        if not clip_upper_bound >= clip_lower_bound:
            raise ValueError(
                f"grad_clip: the upper bound {clip_upper_bound} is not at or above the lower bound {clip_lower_bound}"
            )
        self.clip_lower_bound = float(clip_lower_bound)
        self.clip_upper_bound = float(clip_upper_bound)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        if is_disconnected(gz):
            return [gz]
        bounds = [np.asarray(b, dtype=gz.type.dtype) for b in (self.clip_lower_bound, self.clip_upper_bound)]
        return [clip(gz, *bounds)]


class GradScale(GradientOp):
    """x, with the gradient multiplied by `multiplier`."""

    __props__ = ("multiplier",)

    def __init__(self, multiplier: float) -> None:
        self.multiplier = multiplier

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        if is_disconnected(gz):
            return [gz]
        return [mul(gz, np.asarray(self.multiplier, dtype=gz.type.dtype))]


consider_constant_ = ConsiderConstant()
zero_grad_ = ZeroGrad()
disconnected_grad_ = DisconnectedGrad()
undefined_grad_ = UndefinedGrad()


def consider_constant(x: Any) -> Any:
    """x with a gradient of zero. Deprecated: use `zero_grad` or `disconnected_grad`."""
    warnings.warn(
        "consider_constant is deprecated; use zero_grad or disconnected_grad, or grad(..., consider_constant=[x])",
        DeprecationWarning,
        stacklevel=2,
    )
    return consider_constant_(x)


def zero_grad(x: Any) -> Any:
    """x with a gradient of zero; with respect to x the result is connected.

    >>> import theano
    >>> from theano.tensor import dscalar
    >>> x = dscalar("x")
    >>> float(theano.grad(x * zero_grad(x), x).eval({x: 3.0}))
    3.0
    """
    return zero_grad_(x)


def disconnected_grad(x: Any) -> Any:
    """x through which no gradient flows. If that is the only way to x, asking for its gradient is an error."""
    return disconnected_grad_(x)


def undefined_grad(x: Any) -> Any:
    """x with an undefined gradient: asking for it raises NullTypeGradError."""
    return undefined_grad_(x)


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Any:
    """x; its gradient is clipped elementwise to [lower_bound, upper_bound] as it passes.

    >>> import theano
    >>> from theano.tensor import dscalar
    >>> x = dscalar("x")
    >>> float(theano.grad(grad_clip(x, -1, 1) ** 2, x).eval({x: 3.0}))
    1.0
    """
    return GradClip(lower_bound, upper_bound)(x)


def grad_scale(x: Any, multiplier: float) -> Any:
    """x; its gradient is multiplied by `multiplier` as it passes.

    >>> import theano
    >>> from theano.tensor import dscalar
    >>> x = dscalar("x")
    >>> float(theano.grad(grad_scale(x, -1) ** 2, x).eval({x: 3.0}))
    -6.0
    """
    return GradScale(multiplier)(x)


def grad_undefined(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """What L_op returns for input `x_pos` where the gradient is mathematically undefined."""
    why = f"The gradient of {op} with respect to its input {x_pos} ({x}) is undefined."
    return NullType(f"{why} {comment}".strip())()


def grad_not_implemented(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """What L_op returns for input `x_pos` where the gradient exists but is not written."""
    why = f"The gradient of {op} with respect to its input {x_pos} ({x}) is not implemented."
    return NullType(f"{why} {comment}".strip())()


__all__ = [
    "ConsiderConstant",
    "DisconnectedGrad",
    "GradClip",
    "GradScale",
    "GradientOp",
    "UndefinedGrad",
    "ZeroGrad",
    "consider_constant",
    "consider_constant_",
    "disconnected_grad",
    "disconnected_grad_",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "grad_undefined",
    "undefined_grad",
    "undefined_grad_",
    "zero_grad",
    "zero_grad_",
]
