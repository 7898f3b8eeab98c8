"""Softmax, LogSoftmax and LogSumExp along an axis, computed so that nothing overflows.

All three subtract the largest element first. Lines with -inf are right (the element counts nothing); a line of -inf
alone has no softmax (NaN) and the log-sum-exp -inf. A rewrite may write the ops out as elementwise ops and reductions,
so that they fuse; until then they say what is meant.

The gradients are compositions, so that all orders exist. SoftmaxGrad stands for what `tensor.nnet` had under this name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType
from theano.scalar.arithmetic import add
from theano.scalar.cancelling import terms_of, times
from theano.scalar.comparison import eq
from theano.scalar.dtypes import upgrade_to_float_no_complex
from theano.scalar.exponential import exp
from theano.scalar.selection import switch
from theano.tensor.careduce import normalized_axes, reduced_axes, with_axes_back
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.reductions import sum as tensor_sum
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class _AlongAxis(Op):
    """Base: `axis` is an int, a tuple or None (all axes together); in a node it is None or a sorted tuple."""

    __props__ = ("axis",)

    def __init__(self, axis: Any = -1) -> None:
        self.axis = axis

    def _input(self, x: Any) -> tuple[Any, Any]:
        """(the input in a float dtype, this op with its axis settled)"""
        x = as_tensor_variable(x)
        name = type(self).__name__
        if x.type.ndim == 0:
            raise TypeError(f"{name} needs at least one axis, got the scalar {x}")
        x = cast_to(x, upgrade_to_float_no_complex(x.type.dtype))
        axis = normalized_axes(self.axis, x.type.ndim, name)
        if axis is not None and len(axis) == 0:
            raise ValueError(f"{name} needs at least one axis to work along")
        return x, self if axis == self.axis else type(self)(axis)

    def make_node(self, x: Any) -> Apply:
        x, op = self._input(x)
        return Apply(op, [x], [x.type()])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def _axes(self, x: Any) -> tuple[int, ...]:
        return reduced_axes(self.axis, x.ndim)


class Softmax(_AlongAxis):
    """exp(x) / sum(exp(x)) along `axis`."""

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        e, total = _exponentials(x, self._axes(x))
        with np.errstate(all="ignore"):
            output_storage[0][0] = (e / total).astype(x.dtype, copy=False)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (p,), (gz,) = outputs, output_gradients
        return [gz if isinstance(gz.type, DisconnectedType) else softmax_gradient(gz, p, self._axes(p))]


class LogSoftmax(_AlongAxis):
    """x - log(sum(exp(x))) along `axis`."""

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        axes = self._axes(x)
        _, total = _exponentials(x, axes)
        with np.errstate(all="ignore"):
            output_storage[0][0] = (x - _largest(x, axes) - np.log(total)).astype(x.dtype, copy=False)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (y,), (gz,) = outputs, output_gradients
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        return [gz - tensor_sum(gz, axis=self._axes(y), keepdims=True) * exp(y)]


class LogSumExp(_AlongAxis):
    """log(sum(exp(x))) over `axis`, which is reduced. -inf where all are -inf, inf where one is inf."""

    def make_node(self, x: Any) -> Apply:
        x, op = self._input(x)
        axes = op._axes(x)
        shape = tuple(n for k, n in enumerate(x.type.shape) if k not in axes)
        return Apply(op, [x], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        axes = self._axes(x)
        _, total = _exponentials(x, axes)
        with np.errstate(all="ignore"):
            result = np.log(total) + _largest(x, axes)
        output_storage[0][0] = result.reshape([n for k, n in enumerate(x.shape) if k not in axes]).astype(x.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (shape,) = input_shapes
        axes = node.op._axes(node.inputs[0])  # type: ignore[attr-defined]
        return [tuple(n for k, n in enumerate(shape) if k not in axes)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (y,), (gz,) = inputs, outputs, output_gradients
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        axes = self._axes(x)
        y, gz = (with_axes_back(v, axes, x.type.ndim) for v in (y, gz))
        # equal: the only element that counts, or one of several infinite ones
        return [gz * switch(eq(x, y), np.ones((), x.type.dtype), exp(x - y))]


class SoftmaxGrad(_AlongAxis):
    """The gradient of softmax: (dy - sum(dy * p)) * p along `axis`, p being the softmax."""

    def make_node(self, dy: Any, p: Any) -> Apply:  # type: ignore[override]
        p, op = self._input(p)
        dy = cast_to(as_tensor_variable(dy), p.type.dtype)
        if dy.type.ndim != p.type.ndim:
            raise TypeError(f"SoftmaxGrad needs a gradient with the rank of the softmax, got {dy.type} for {p.type}")
        return Apply(op, [dy, p], [p.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        dy, p = inputs
        weighted = dy * p
        total = weighted.sum(axis=self._axes(p), keepdims=True)
        output_storage[0][0] = (weighted - total * p).astype(p.dtype, copy=False)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (dy, p), (gz,) = inputs, output_gradients
        if isinstance(gz.type, DisconnectedType):
            return [gz, gz]
        axes = self._axes(p)
        total = tensor_sum(dy * p, axis=axes, keepdims=True)
        back = tensor_sum(gz * p, axis=axes, keepdims=True)
        return [softmax_gradient(gz, p, axes), gz * (dy - total) - dy * back]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]


def softmax_gradient(gz: Any, p: Any, axes: tuple[int, ...]) -> Any:
    """(gz - sum(gz * p)) * p along `axes`; a gz that was divided by p is not divided (see `scalar/cancelling.py`)."""
    results = []
    plain = []
    for term in terms_of(gz):
        weighted = times(term, p, roots=True)
        if weighted is None:
            plain.append(term)
        else:
            results.append(weighted - tensor_sum(weighted, axis=axes, keepdims=True) * p)
    if plain:
        rest = plain[0] if len(plain) == 1 else add(*plain)
        results.append((rest - tensor_sum(rest * p, axis=axes, keepdims=True)) * p)
    return results[0] if len(results) == 1 else add(*results)


def _largest(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The largest element along `axes` where it is finite, else 0."""
    largest = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.zeros((), x.dtype))


def _exponentials(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(exp(x - largest), its sum along `axes`); sums of floats are accumulated in float64."""
    with np.errstate(all="ignore"):
        e = np.exp(x - _largest(x, axes))
    return e, e.sum(axis=axes, keepdims=True, dtype=np.float64)


softmax_op = Softmax(axis=-1)
logsoftmax_op = LogSoftmax(axis=-1)
softmax_grad = SoftmaxGrad(axis=-1)


def _rows(c: Any, axis: Any) -> Any:
    """A vector as a matrix of one row where no axis is named: what the original makes of it."""
    c = as_tensor_variable(c)
    return dimshuffle(c, "x", 0) if axis is None and c.type.ndim == 1 else c


def softmax(c: Any, axis: Any = None) -> Any:
    """exp(c) / sum(exp(c)) along `axis`, by default the last one.

    Without `axis` a vector is taken as a matrix of one row, and so is the result.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> softmax(v, axis=0).eval({v: [1000.0, 1000.0]}).tolist(), softmax(v).ndim
    ([0.5, 0.5], 2)
    """
    return Softmax(-1 if axis is None else axis)(_rows(c, axis))


def logsoftmax(c: Any, axis: Any = None) -> Any:
    """log(softmax(c)), stable for all finite c.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> logsoftmax(v, axis=0).eval({v: [0.0, -1000.0]}).tolist()
    [0.0, -1000.0]
    """
    return LogSoftmax(-1 if axis is None else axis)(_rows(c, axis))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over `axis` (None: all), stable.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> float(logsumexp(v).eval({v: [1000.0, -1000.0]}))
    1000.0
    """
    x = as_tensor_variable(x)
    result = LogSumExp(axis)(x)
    if keepdims:
        result = with_axes_back(result, reduced_axes(normalized_axes(axis, x.type.ndim), x.type.ndim), x.type.ndim)
    return result


def softmax_graph(c: Any) -> Any:
    """Softmax of the last axis, written with elementwise ops and a sum."""
    c = as_tensor_variable(c)
    return exp(c) / tensor_sum(exp(c), axis=-1, keepdims=True)
