"""Cumulative sums and products along an axis, and the linear recurrence that their derivatives are made of."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from theano._config import config
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.arithmetic import mul
from theano.scalar.dtypes import discrete_dtypes, upcast
from theano.scalar.selection import second
from theano.tensor.careduce import normalized_axes, widened_dtype
from theano.tensor.convert import as_tensor_variable
from theano.tensor.indexing import getitem
from theano.tensor.joining import join
from theano.tensor.lengths import product
from theano.tensor.products import conjugated, gradient_term
from theano.tensor.region import zero_for
from theano.tensor.shape import ravel, reshape, shape
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def part(x: Any, axis: int, entry: slice) -> Any:
    """x with `entry` applied to one axis."""
    return getitem(x, (*(slice(None),) * axis, entry))


def reversed_along(x: Any, axis: int) -> Any:
    return part(x, axis, slice(None, None, -1))


def shifted(x: Any, axis: int, fill: float, forward: bool) -> Any:
    """x moved by one position along an axis, with `fill` where nothing comes in."""
    edge = part(x, axis, slice(0, 1))
    new = second(edge, np.full((), fill, x.dtype))
    if forward:
        return join(axis, new, part(x, axis, slice(None, -1)))
    return join(axis, part(x, axis, slice(1, None)), new)


class CumOp(Op):
    """Cumulative sum (mode "add") or product ("mul") along `axis`, of the flattened input if None.

    Integers and bool widen to 64 bits, as in `sum`. Gradients are exact where factors are 0.
    """

    __props__ = ("axis", "mode")

    def __init__(self, axis: Any = None, mode: str = "add") -> None:
        if mode not in ("add", "mul"):
            raise ValueError(f"CumOp: mode must be 'add' or 'mul', got {mode!r}")
        self.axis = None if axis is None else index(axis)
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        dtype = widened_dtype(x.dtype)
        if self.axis is None:
            lengths = x.type.shape
            known = None if None in lengths else int(np.prod(lengths, dtype=np.int64))  # type: ignore[arg-type]
            return Apply(self, [x], [TensorVariable(tensor_type(dtype, (known,)))])
        axes = normalized_axes(self.axis, x.ndim, f"cum{'sum' if self.mode == 'add' else 'prod'}")
        axis = 0 if axes is None else axes[0]
        op = self if axis == self.axis else CumOp(axis, self.mode)
        return Apply(op, [x], [TensorVariable(tensor_type(dtype, x.type.shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        op: Any = node.op
        function = np.cumsum if self.mode == "add" else np.cumprod
        output_storage[0][0] = function(x, axis=op.axis, dtype=node.outputs[0].type.dtype)  # type: ignore[attr-defined]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (lengths,) = input_shapes
        return [lengths if self.axis is not None else (product(lengths),)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            return [zero_for(x)]
        flat, axis = (ravel(x), 0) if self.axis is None else (x, self.axis % x.ndim)
        if self.mode == "add":
            term = reversed_along(CumOp(axis, "add")(reversed_along(gz, axis)), axis)
        else:
            # by x[k]: the product before k, times sum over i >= k of gz[i] * x[k+1] * ... * x[i]
            term = mul(conjugated(shifted(z, axis, 1, forward=True)), backward_recurrence(conjugated(flat), gz, axis))
        if self.axis is None:
            term = reshape(term, shape(x), ndim=x.ndim)
        return [gradient_term(x, term)]

    def __str__(self) -> str:
        return f"CumOp{{{self.mode}, axis={self.axis}}}"


class LinearRecurrence(Op):
    """s[k] = b[k] + a[k] * s[k - 1] along `axis`, with nothing before the first. Inputs: a and b, of equal shape."""

    __props__ = ("axis",)

    def __init__(self, axis: int) -> None:
        self.axis = index(axis)

    def make_node(self, a: Any, b: Any) -> Apply:
        a, b = as_tensor_variable(a), as_tensor_variable(b)
        if a.ndim != b.ndim or not 0 <= self.axis < a.ndim:
            raise TypeError(f"{self}: {a} of type {a.type} and {b} of type {b.type} must have this axis and equal rank")
        dtype = upcast(a.dtype, b.dtype)
        if dtype in discrete_dtypes:
            dtype = upcast(dtype, str(config.floatX))
        lengths = tuple(m if n is None else n for n, m in zip(a.type.shape, b.type.shape))
        return Apply(self, [a, b], [TensorVariable(tensor_type(dtype, lengths))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, b = (np.moveaxis(v, self.axis, 0) for v in inputs)
        if a.shape != b.shape:
            raise ValueError(f"{self}: shapes {inputs[0].shape} and {inputs[1].shape} differ")
        result = np.empty(b.shape, node.outputs[0].type.dtype)  # type: ignore[attr-defined]
        for k in range(len(result)):
            result[k] = b[k] + a[k] * result[k - 1] if k else b[k]
        output_storage[0][0] = np.ascontiguousarray(np.moveaxis(result, 0, self.axis))

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, b), (s,), (gs,) = inputs, outputs, output_gradients
        by_b = backward_recurrence(conjugated(a), gs, self.axis)
        by_a = mul(by_b, conjugated(shifted(s, self.axis, 0, forward=True)))
        return [gradient_term(a, by_a), gradient_term(b, by_b)]


def backward_recurrence(a: Any, b: Any, axis: int) -> Any:
    """s[k] = b[k] + a[k + 1] * s[k + 1] along `axis`, with nothing after the last."""
    coming = reversed_along(shifted(a, axis, 0, forward=False), axis)
    return reversed_along(LinearRecurrence(axis)(coming, reversed_along(b, axis)), axis)


def cumsum(x: Any, axis: Any = None) -> Any:
    """Cumulative sum along `axis`, of the flattened x if None.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> cumsum(v).eval({v: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 3.0, 6.0]
    """
    return CumOp(axis, "add")(x)


def cumprod(x: Any, axis: Any = None) -> Any:
    """Cumulative product along `axis`, of the flattened x if None. The gradient is exact where factors are 0."""
    return CumOp(axis, "mul")(x)
