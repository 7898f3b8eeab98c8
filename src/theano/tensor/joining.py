"""Joining tensors along an axis and splitting them: Join, Split, stack and their kin.

The joined tensors have equal ranks and, off the axis, equal lengths: nothing broadcasts here.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import discrete_dtypes, integer_dtypes, upcast
from theano.tensor import convert
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import MakeVector, dimension, zeros_like
from theano.tensor.elemwise import cast_to
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import SpecifyShape, patternbroadcast, shape, shape_i, shape_padaxis, shape_vector
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def _axis_input(axis: Any, what: str) -> Any:
    axis = as_tensor_variable(axis)
    if axis.type.ndim != 0 or axis.type.dtype not in integer_dtypes:
        raise TypeError(
            f"{what}: the axis must be an integer or a 0-d integer variable, got {axis} of type {axis.type}"
        )
    value = static_int(axis)
    return cast_to(axis, "int64") if value is None else constant(value, dtype="int64")


def _static_axis(axis: Any, ndim: int, what: str) -> int | None:
    """The axis as 0 ... ndim - 1 where it is known while the graph is built; AxisError if it is out of bounds."""
    value = static_int(axis)
    if value is None:
        return None
    if not -ndim <= value < ndim:
        raise np.exceptions.AxisError(f"{what}: axis {value} is out of bounds [-{ndim}, {ndim})")
    return value + ndim if value < 0 else value


class Join(Op):
    """Join(axis, *tensors): the tensors one after the other along `axis`, in their common dtype.

    Raises TypeError for 0-d tensors and unequal ranks, ValueError for unequal lengths off the axis.
    `view` is accepted and means nothing.
    """

    __props__ = ("view",)

    def __init__(self, view: int = -1) -> None:
        self.view = view

    def make_node(self, axis: Any, *tensors: Any) -> Apply:
        if not tensors:
            raise ValueError("join: there is nothing to join, give at least one tensor")
        parts = [as_tensor_variable(t) for t in tensors]
        ndim = parts[0].type.ndim
        if any(t.type.ndim == 0 for t in parts):
            raise TypeError("Join cannot handle arguments of dimension 0. For joining scalar values, see stack().")
        if any(t.type.ndim != ndim for t in parts):
            listed = ", ".join(f"{t} of type {t.type}" for t in parts)
            raise TypeError(f"Join() can only join tensors with the same number of dimensions, got {listed}")
        axis = _axis_input(axis, "join")
        k = _static_axis(axis, ndim, "join")
        dtype = upcast(*[t.type.dtype for t in parts])
        known: tuple[int | None, ...] = (None,) * ndim
        if len(parts) == 1:
            known = parts[0].type.shape
        elif k is not None:
            known = tuple(
                _sum_known([t.type.shape[j] for t in parts]) if j == k else _agreed(parts, j, k) for j in range(ndim)
            )
        return Apply(self, [axis, *parts], [TensorVariable(tensor_type(dtype, known))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        axis, *parts = inputs
        ndim, k = parts[0].ndim, int(axis)
        if not -ndim <= k < ndim:
            raise IndexError(f"join: axis {k} is out of bounds [-{ndim}, {ndim})")
        k %= ndim
        rest = {part.shape[:k] + part.shape[k + 1:] for part in parts}
        if len(rest) > 1:
            raise ValueError(
                f"join: all lengths except along axis {k} must be equal, got shapes "
                + ", ".join(str(part.shape) for part in parts)
            )
        dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
        output_storage[0][0] = np.concatenate(parts, axis=k, dtype=dtype, casting="unsafe")

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        axis, *parts = inputs
        (gz,) = output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [disconnected_type(), *[gz for _ in parts]]
        if len(parts) == 1:
            return [disconnected_type(), gz]
        k = static_int(axis)
        if k is not None:
            k %= parts[0].type.ndim
        sizes = [shape(t)[axis] if k is None else shape_i(t, k) for t in parts]
        pieces = Split(len(parts))(gz, axis, shape_vector(sizes))
        terms = []
        for t, piece in zip(parts, pieces):
            if t.type.dtype not in discrete_dtypes:
                piece = cast_to(piece, t.type.dtype)
            terms.append(patternbroadcast(piece, t.type.broadcastable))
        return [disconnected_type(), *terms]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], *([True] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        axis: Any = node.inputs[0]
        parts = node.inputs[1:]
        shapes = input_shapes[1:]
        if len(parts) == 1:
            return [tuple(shapes[0])]
        static = node.outputs[0].type.shape  # type: ignore[attr-defined]
        ndim = len(static)
        value = static_int(axis)
        k = None if value is None else value % ndim
        at = scalar.switch(scalar.lt(axis, np.int64(0)), axis + np.int64(ndim), axis) if k is None else None
        lengths: list[Any] = []
        for j in range(ndim):
            if static[j] is not None:
                lengths.append(static[j])
            elif k is None:
                lengths.append(scalar.switch(scalar.eq(at, np.int64(j)), _total(shapes, j), shapes[0][j]))
            else:
                lengths.append(_total(shapes, j) if j == k else shapes[0][j])
        return [tuple(lengths)]

    def constant_source(self, node: Apply) -> Any:
        """The variable whose value all elements have, or None."""
        return node.inputs[1] if len(node.inputs) == 2 else None

    def vector_elements(self, node: Apply, max_recur: int) -> list[Any] | None:
        """The variables that are the elements, or None."""
        parts = node.inputs[1:]
        elements: list[Any] = []
        for part in parts:
            length = part.type.shape[0]  # type: ignore[attr-defined]
            known = vector_elements(part, max_recur)
            if known is None and length is None:
                return None
            elements += known if known is not None else [part[k] for k in range(length)]  # type: ignore[index]
        dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
        return [None if e is None else cast_to(e, dtype) for e in elements]

    def __str__(self) -> str:
        return "Join"


def _sum_known(lengths: Sequence[int | None]) -> int | None:
    total = 0
    for n in lengths:
        if n is None:
            return None
        total += n
    return total


def _agreed(parts: Sequence[Any], axis: int, along: int) -> int | None:
    known = {t.type.shape[axis] for t in parts} - {None}
    if len(known) > 1:
        listed = ", ".join(f"{t} of type {t.type}" for t in parts)
        raise ValueError(f"join along axis {along}: the lengths of axis {axis} differ: {listed}")
    return known.pop() if known else None


def _total(shapes: Sequence[Any], axis: int) -> Any:
    total = dimension(shapes[0][axis])
    for lengths in shapes[1:]:
        total = total + dimension(lengths[axis])
    return total


class Split(Op):
    """Split(n)(x, axis, sizes): n consecutive pieces of x along `axis`, views of it.

    Raises ValueError at run time if the sizes are negative, are not n, or do not add up to the length of the axis.
    """

    __props__ = ("len_splits",)

    def __init__(self, len_splits: int) -> None:
        self.len_splits = int(len_splits)
        if self.len_splits < 1:
            raise ValueError(f"split: the number of pieces must be positive, got {len_splits}")
        self.view_map = {k: [0] for k in range(self.len_splits)}

    def make_node(self, x: Any, axis: Any, sizes: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.type.ndim == 0:
            raise TypeError(f"split: a 0-d tensor cannot be split, got {x} of type {x.type}")
        axis = _axis_input(axis, "split")
        k = _static_axis(axis, x.type.ndim, "split")
        sizes = shape_vector(sizes)
        if sizes.type.shape[0] not in (None, self.len_splits):
            raise ValueError(f"split: {sizes.type.shape[0]} sizes are given for {self.len_splits} pieces")
        elements = vector_elements(sizes) or [None] * self.len_splits
        known = [None if n is None else static_int(n) for n in elements]
        if any(n is not None and n < 0 for n in known):
            raise ValueError(f"split: sizes must not be negative, got {tuple(known)}")
        if k is not None and None not in known and x.type.shape[k] not in (None, sum(known)):  # type: ignore[arg-type]
            raise ValueError(
                f"split: the sizes {tuple(known)} do not add up to the length {x.type.shape[k]} of axis {k} of {x}"
            )
        outputs = []
        for n in known:
            lengths = [None] * x.type.ndim if k is None else list(x.type.shape)
            if k is not None:
                lengths[k] = n
            outputs.append(TensorVariable(tensor_type(x.type.dtype, tuple(lengths))))
        return Apply(self, [x, axis, sizes], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, axis, sizes = inputs
        k = int(axis)
        if not -x.ndim <= k < x.ndim:
            raise IndexError(f"split: axis {k} is out of bounds [-{x.ndim}, {x.ndim})")
        k %= x.ndim
        if len(sizes) != self.len_splits:
            raise ValueError(f"split: {self.len_splits} sizes are needed, got {len(sizes)}")
        if (sizes < 0).any():
            raise ValueError(f"split: sizes must not be negative, got {sizes.tolist()}")
        total = sum(sizes.tolist())  # of Python's integers, which do not wrap around
        if total != x.shape[k]:
            raise ValueError(
                f"split: the sizes {sizes.tolist()} add up to {total}, but axis {k} has length {x.shape[k]} "
                f"(shape {x.shape})"
            )
        start = 0
        for cell, n in zip(output_storage, sizes.tolist()):
            cell[0] = x[(slice(None),) * k + (slice(start, start + n),)]
            start += n

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        x, axis, _ = inputs
        rest = [disconnected_type(), disconnected_type()]
        if all(isinstance(g.type, DisconnectedType) for g in output_gradients):
            return [disconnected_type(), *rest]
        null = next((g for g in output_gradients if isinstance(g.type, NullType)), None)
        if null is not None:
            return [null, *rest]
        connected = next(g for g in output_gradients if not isinstance(g.type, DisconnectedType))
        pieces = [
            zeros_like(out, dtype=connected.type.dtype) if isinstance(g.type, DisconnectedType) else g
            for out, g in zip(outputs, output_gradients)
        ]
        return [patternbroadcast(join(axis, *pieces), x.type.broadcastable), *rest]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        n = self.len_splits
        return [[True] * n, [False] * n, [False] * n]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        axis: Any
        x, axis, sizes = node.inputs
        own = input_shapes[0]
        ndim = x.type.ndim  # type: ignore[attr-defined]
        value = static_int(axis)
        k = None if value is None else value % ndim
        elements = vector_elements(sizes) or [None] * self.len_splits
        if elements[0] is None and sizes.type.shape[0] is None:   # type: ignore[attr-defined]
            sizes = _as_many(sizes, (self.len_splits,))   # else a missing one would be a wrong index
        shapes = []
        for position, element in enumerate(elements):
            n = sizes[position] if element is None else element  # type: ignore[index]
            if k is not None:
                shapes.append(tuple(n if j == k else own[j] for j in range(ndim)))
            else:
                at = scalar.switch(scalar.lt(axis, np.int64(0)), axis + np.int64(ndim), axis)
                shapes.append(tuple(scalar.switch(scalar.eq(at, np.int64(j)), n, own[j]) for j in range(ndim)))
        return shapes

    def __str__(self) -> str:
        return f"Split{{{self.len_splits}}}"


join_ = Join()
_as_many = SpecifyShape(implied=True)


def join(axis: Any, *tensors_list: Any) -> Any:
    """The tensors one after the other along `axis` (an integer or a 0-d variable), in their common dtype.

    All have the same rank (TypeError) and, off the axis, equal lengths (ValueError).

    >>> from theano.tensor import dmatrix
    >>> x = dmatrix("x")
    >>> join(1, x, 10 * x).eval({x: [[1.0, 2.0]]}).tolist()
    [[1.0, 2.0, 10.0, 20.0]]
    """
    if len(tensors_list) == 1:
        only = tensors_list[0]
        if isinstance(only, (list, tuple)):
            return join(axis, *only)
        only = as_tensor_variable(only)
        if only.type.ndim:
            _static_axis(_axis_input(axis, "join"), only.type.ndim, "join")
            return only
    return join_(axis, *tensors_list)


def concatenate(tensor_list: Any, axis: Any = 0) -> Any:
    """The tensors of a list one after the other along `axis`."""
    if not isinstance(tensor_list, (list, tuple)):
        raise TypeError(
            "The 'tensors' argument must be either a tuple or a list, make sure you did not forget () or [] around "
            f"arguments of concatenate. Got {tensor_list!r}"
        )
    return join(axis, *tensor_list)


def stack(*tensors: Any, **kwargs: Any) -> Any:
    """stack(tensors, axis=0): tensors of equal rank and shape along a new axis.

    Numbers are allowed among the tensors. The old form stack(a, b, ...) works and warns.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> stack([v, 10 * v], axis=1).eval({v: [1.0, 2.0]}).tolist()
    [[1.0, 10.0], [2.0, 20.0]]
    """
    unknown = set(kwargs) - {"tensors", "axis"}
    if unknown:
        raise TypeError(f"stack: unknown arguments {sorted(unknown)}")
    if not tensors and "tensors" not in kwargs:
        raise TypeError("stack: there is nothing to stack, give a list of tensors")
    items: Any = kwargs.get("tensors")
    axis = kwargs.get("axis", 0)
    if tensors:
        if items is not None:
            raise TypeError("stack: the list of tensors is given twice")
        if isinstance(tensors[0], (list, tuple)):
            items = tensors[0]
            if len(tensors) == 2 and "axis" not in kwargs:
                axis = tensors[1]
            elif len(tensors) > 1:
                raise TypeError("stack takes a list of tensors and an axis")
        elif len(tensors) == 1 and getattr(tensors[0], "ndim", None):
            items = _rows(tensors[0])
        else:
            warnings.warn(
                "stack(*tensors) is deprecated: write stack(tensors, axis=0) with a list of tensors",
                DeprecationWarning,
                stacklevel=2,
            )
            items = tensors
    parts = [as_tensor_variable(t) for t in items]
    if not parts:
        raise ValueError("stack: there is nothing to stack, give at least one tensor")
    if all(t.type.ndim == 0 for t in parts):
        if axis not in (0, -1):
            raise np.exceptions.AxisError(f"stack: axis {axis} is out of bounds for 0-d tensors")
        return MakeVector(upcast(*[t.type.dtype for t in parts]))(*parts)
    if any(t.type.ndim != parts[0].type.ndim for t in parts):
        listed = ", ".join(f"{t} of type {t.type}" for t in parts)
        raise TypeError(f"stack: all tensors must have the same number of dimensions, got {listed}")
    return join(axis, *[shape_padaxis(t, axis) for t in parts])


def _rows(x: Any) -> list[Any]:
    x = as_tensor_variable(x)
    if x.type.shape[0] is None:
        raise TypeError(f"stack takes a list of tensors; got {x} of type {x.type}")
    return [x[k] for k in range(x.type.shape[0])]


def _join_matrices(args: Sequence[Any], axis: int, what: str) -> Any:
    if len(args) < 2:
        raise ValueError(f"{what} takes two matrices or more, got {len(args)}")
    parts = [as_tensor_variable(a) for a in args]
    for part in parts:
        if part.type.ndim != 2:
            raise TypeError(f"{what} takes matrices; got {part} of type {part.type}")
    return join(axis, *parts)


def horizontal_stack(*args: Any) -> Any:
    """Matrices side by side."""
    return _join_matrices(args, 1, "horizontal_stack")


def vertical_stack(*args: Any) -> Any:
    """Matrices one below the other."""
    return _join_matrices(args, 0, "vertical_stack")


def split(x: Any, splits_size: Any, n_splits: int, axis: Any = 0) -> Any:
    """`n_splits` consecutive pieces of x along `axis`, of the given sizes (one variable where n_splits is 1).

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> [piece.eval({v: [1.0, 2.0, 3.0]}).tolist() for piece in split(v, [1, 2], 2)]
    [[1.0], [2.0, 3.0]]
    """
    return Split(n_splits)(x, axis, splits_size)


def stacklists(arg: Any) -> Any:
    """Nested lists of tensors of equal shape as one tensor: the nesting gives the leading axes.

    >>> from theano.tensor import dscalars
    >>> a, b = dscalars("a", "b")
    >>> stacklists([[a, b], [b, a]]).eval({a: 1.0, b: 2.0}).tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """
    if not isinstance(arg, (list, tuple)):
        return arg
    return stack([stacklists(item) for item in arg], axis=0)


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """x rotated by `shift` places along `axis`; None: in C order over all elements. `shift` may be symbolic.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> roll(v, 1).eval({v: [1.0, 2.0, 3.0]}).tolist()
    [3.0, 1.0, 2.0]
    """
    x = as_tensor_variable(x)
    if axis is None:
        return x if x.type.ndim == 0 else _roll_all(x, shift)
    if isinstance(axis, (list, tuple)):
        shifts = shift if isinstance(shift, (list, tuple)) else [shift] * len(axis)
        if len(shifts) != len(axis):
            raise ValueError(f"roll: {len(shifts)} shifts are given for {len(axis)} axes")
        for s, a in zip(shifts, axis):
            x = roll(x, s, a)
        return x
    k = _static_axis(_axis_input(axis, "roll"), x.type.ndim, "roll")
    if k is None:
        raise TypeError(f"roll: the axis must be known while the graph is built, got {axis}")
    n = shape_i(x, k)
    places = as_tensor_variable(shift)
    if places.type.ndim != 0 or places.type.dtype not in discrete_dtypes:
        raise TypeError(f"roll: shift must be an integer or a 0-d integer variable, got {shift} of type {places.type}")
    length, constant_shift = static_int(n), static_int(places)
    if length is not None and constant_shift is not None:
        cut: Any = length - constant_shift % max(length, 1)
    else:
        cut = n - cast_to(places, "int64") % scalar.maximum(n, np.int64(1))
    everything = (slice(None),) * k
    rolled = join(k, x[(*everything, slice(cut, None))], x[(*everything, slice(None, cut))])
    return patternbroadcast(rolled, x.type.broadcastable)


def _roll_all(x: Any, shift: Any) -> Any:
    if x.type.ndim == 1:
        return roll(x, shift, 0)
    return patternbroadcast(roll(x.flatten(), shift, 0).reshape(shape(x), ndim=x.type.ndim), x.type.broadcastable)


def _stack_list(items: Any) -> Any:
    """A nested list with variables somewhere inside, as `as_tensor_variable` wants it."""
    parts = [item if isinstance(item, Variable) else as_tensor_variable(item) for item in items]
    return stack(parts, axis=0)


convert.stack_list = _stack_list
