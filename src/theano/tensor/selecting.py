"""Functions and ops that select elements: take, choose, compress, nonzero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.arithmetic import mod, sub
from theano.scalar.comparison import neq
from theano.scalar.dtypes import discrete_dtypes, integer_dtypes, upcast
from theano.scalar.selection import maximum, minimum, second
from theano.tensor.advanced_indexing import AdvancedIncSubtensor
from theano.tensor.careduce import Sum, normalized_axes
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import broadcast_static, cast_to
from theano.tensor.index_list import ARRAY
from theano.tensor.indexing import getitem
from theano.tensor.joining import stack
from theano.tensor.ranges import arange
from theano.tensor.region import gradient_of_value, zero_for
from theano.tensor.shape import ravel, shape_i_op
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_MODES = ("raise", "wrap", "clip")


def _checked_mode(mode: str, name: str) -> str:
    if mode not in _MODES:
        raise ValueError(f"{name}: mode must be one of {', '.join(_MODES)}, got {mode!r}")
    return mode


def _integers(indices: Any, name: str) -> Any:
    if isinstance(indices, (list, tuple)) and not len(indices):
        return constant(np.zeros((0,), "int64"))
    indices = as_tensor_variable(indices)
    if indices.dtype == "bool":
        return cast_to(indices, "int64")
    if indices.dtype not in integer_dtypes:
        raise TypeError(f"{name}: positions must be integers, got {indices} of type {indices.type}")
    return indices


def _within(indices: Any, n: Any, mode: str) -> Any:
    """Positions brought into an axis of length n, as `mode` says."""
    if mode == "wrap":
        return mod(cast_to(indices, "int64"), n)
    if mode == "clip":
        return minimum(maximum(cast_to(indices, "int64"), 0), sub(n, 1))
    return indices


def take(a: Any, indices: Any, axis: Any = None, mode: str = "raise") -> Any:
    """The elements of `a` at `indices` along `axis` (of the flattened `a` if None), as np.take gives them.

    mode   what to do with positions out of range: "raise" IndexError, "wrap" around, "clip" to the ends (negative
           positions become 0)

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> take(v, [0, 4], mode="clip").eval({v: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 3.0]
    """
    _checked_mode(mode, "take")
    a, indices = as_tensor_variable(a), _integers(indices, "take")
    if axis is None:
        a, axis = ravel(a), 0
    else:
        axes = normalized_axes(axis, a.ndim, "take")
        (axis,) = (0,) if axes is None else axes
    if mode != "raise":
        known = a.type.shape[axis]
        n = constant(known, dtype="int64") if known is not None else shape_i_op(axis)(a)
        indices = _within(indices, n, mode)
    return getitem(a, (*(slice(None),) * axis, indices))


class Nonzero(Op):
    """The positions of the nonzero elements: for each axis a vector of int64."""

    __props__ = ()

    def make_node(self, a: Any) -> Apply:
        a = as_tensor_variable(a)
        if a.ndim == 0:
            raise ValueError("nonzero takes tensors with at least one axis; a scalar has no positions")
        return Apply(self, [a], [TensorVariable(tensor_type("int64", (None,))) for _ in range(a.ndim)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        for cell, positions in zip(output_storage, np.nonzero(inputs[0])):
            cell[0] = positions.astype("int64", copy=False)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (a,) = node.inputs
        count = Sum()(neq(a, np.zeros((), a.type.dtype)))  # type: ignore[attr-defined]
        return [(count,) for _ in node.outputs]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_for(inputs[0])]


def nonzero(a: Any, return_matrix: bool = False) -> Any:
    """The positions of the nonzero elements: a tuple with an int64 vector for each axis.

    return_matrix   give one int64 matrix instead, with a row for each axis
    ValueError if `a` has no axes.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> [positions.eval({m: [[0.0, 5.0], [6.0, 0.0]]}).tolist() for positions in nonzero(m)]
    [[0, 1], [1, 0]]
    """
    positions = Nonzero()(a, return_list=True)
    return stack(positions, axis=0) if return_matrix else tuple(positions)


def flatnonzero(a: Any) -> Any:
    """The positions (int64) of the nonzero elements in the flattened `a`."""
    a = as_tensor_variable(a)
    if a.ndim == 0:
        raise ValueError("flatnonzero takes tensors with at least one axis; a scalar has no positions")
    return nonzero(ravel(a))[0]


def nonzero_values(a: Any) -> Any:
    """The nonzero elements of `a`, as a vector."""
    a = as_tensor_variable(a)
    return getitem(ravel(a), flatnonzero(a))


def compress(condition: Any, x: Any, axis: Any = None) -> Any:
    """The slices of x along `axis` (elements of the flattened x if None) where the vector `condition` is nonzero.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> compress(v > 1, v).eval({v: [1.0, 2.0, 3.0]}).tolist()
    [2.0, 3.0]
    """
    condition = as_tensor_variable(condition)
    if condition.ndim != 1:
        raise ValueError(f"compress: the condition must be a vector, got {condition} with {condition.ndim} axes")
    return take(x, flatnonzero(condition), axis=axis)


class Choose(Op):
    """Elements picked from choices: out[p] = choices[a[p]][p]. Inputs: the positions and the stacked choices.

    mode   what to do with positions out of range: "raise" ValueError, "wrap" around, or "clip" to the ends
    The axes of `a` and of each choice broadcast together where their length is known to be one.
    """

    __props__ = ("mode",)

    def __init__(self, mode: str = "raise") -> None:
        self.mode = _checked_mode(mode, "choose")

    def make_node(self, a: Any, choices: Any) -> Apply:
        a, choices = _integers(a, "choose"), as_tensor_variable(choices)
        if choices.ndim == 0:
            raise TypeError(f"choose: {choices} is a scalar; the choices must be a list or have an axis to choose from")
        ndim = max(a.ndim, choices.ndim - 1)
        a = dimshuffle(a, ["x"] * (ndim - a.ndim) + list(range(a.ndim)))
        missing = ndim - (choices.ndim - 1)
        choices = dimshuffle(choices, [0] + ["x"] * missing + list(range(1, choices.ndim)))
        shape = broadcast_static([a.type.shape, choices.type.shape[1:]], "choose", [a, choices])
        return Apply(self, [a, choices], [TensorVariable(tensor_type(choices.type.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, choices = inputs
        n = len(choices)
        if self.mode == "wrap":
            a = a % n
        elif self.mode == "clip":
            a = np.clip(a, 0, n - 1)
        elif a.size and (a.min() < 0 or a.max() >= n):
            bad = a[(a < 0) | (a >= n)].flat[0]
            raise ValueError(f"choose: position {bad} is out of range for {n} choices; see the argument mode")
        known = node.inputs
        for axis, (i, j) in enumerate(zip(a.shape, choices.shape[1:])):
            stated = known[0].type.shape[axis], known[1].type.shape[axis + 1]  # type: ignore[attr-defined]
            if i != j and 1 not in stated:
                raise ValueError(
                    f"choose: positions of shape {a.shape} do not fit choices of shape {choices.shape[1:]}. Length 1 "
                    "broadcasts only where it is known when the expression is built."
                )
        shape = np.broadcast_shapes(a.shape, choices.shape[1:])
        mesh = np.ogrid[tuple(slice(m) for m in shape)]
        whole = np.broadcast_to(choices, (n, *shape))
        output_storage[0][0] = whole[(a, *mesh)] if shape else np.asarray(whole[int(a)])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        a, choices = input_shapes
        known = node.inputs[0].type.shape  # type: ignore[attr-defined]
        return [tuple(m if n == 1 else k for n, k, m in zip(known, a, choices[1:]))]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, choices), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            return [disconnected_type(), zero_for(choices)]
        known = choices.type.shape[0]
        n = constant(known, dtype="int64") if known is not None else shape_i_op(0)(choices)
        # gradients of choices as wide as the result; what was broadcast is summed afterwards
        row = second(gz, np.zeros((), gz.dtype))
        whole = second(dimshuffle(arange(n), [0] + ["x"] * z.ndim), dimshuffle(row, ["x", *range(z.ndim)]))
        mesh = [
            dimshuffle(arange(shape_i_op(axis)(gz)), ["x"] * axis + [0] + ["x"] * (z.ndim - axis - 1))
            for axis in range(z.ndim)
        ]
        place = _within(a, n, self.mode)
        if z.ndim:
            term = AdvancedIncSubtensor((ARRAY,) * (1 + z.ndim))(whole, gz, place, *mesh)
        else:
            term = AdvancedIncSubtensor((ARRAY,))(whole, dimshuffle(gz, "x"), dimshuffle(place, "x"))
        return [disconnected_type(), gradient_of_value(choices, term)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [True]]


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """Pick elements: out[p] = choices[a[p]][p], as np.choose does.

    choices   a list of tensors that broadcast together, or a tensor of which the first axis is chosen from
    mode      what to do with positions out of range: "raise" ValueError, "wrap" around, or "clip" to the ends

    >>> from theano.tensor import dvectors
    >>> a, b = dvectors("a", "b")
    >>> choose([1, 0], [a, b]).eval({a: [1.0, 2.0], b: [3.0, 4.0]}).tolist()
    [3.0, 2.0]
    """
    if out is not None:
        raise TypeError("choose: `out` is not supported: an expression has no storage. Use the result.")
    if isinstance(choices, (list, tuple)):
        tensors = [as_tensor_variable(choice) for choice in choices]
        if not tensors:
            raise ValueError("choose: the list of choices is empty")
        dtype = upcast(*(choice.dtype for choice in tensors))
        like = tensors[0]
        for choice in tensors[1:]:
            like = second(like, choice)
        choices = stack([cast_to(second(like, choice), dtype) for choice in tensors], axis=0)
    return Choose(mode)(a, choices)


