"""The ops of shapes: Shape, Shape_i, SpecifyShape, Rebroadcast, Reshape, and the functions that apply them.

The functions that permute, add, drop, repeat and rotate axes are in `shape.py`. All results but lengths are views.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from theano import scalar
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import MakeVector, dimension
from theano.tensor.elemwise import cast_to
from theano.tensor.scalar_constants import get_vector_length, static_int, vector_elements
from theano.tensor.type import TensorType, tensor_type
from theano.tensor.variable import TensorVariable

# in the shape vector of SpecifyShape: this length is not stated
UNSTATED = -1


class Shape(Op):
    """The shape as an int64 vector, of anything whose values have a `shape`."""

    __props__ = ()
    is_cheap = True

    def make_node(self, x: Any) -> Apply:
        if not isinstance(x, Variable):
            x = as_tensor_variable(x)
        ndim = getattr(x.type, "ndim", None)
        if ndim is None:
            raise TypeError(f"shape: {x} of type {x.type} has no axes")
        return Apply(self, [x], [TensorVariable(tensor_type("int64", (ndim,)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.array(inputs[0].shape, dtype="int64")

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [(node.inputs[0].type.ndim,)]  # type: ignore[attr-defined]

    def vector_elements(self, node: Apply, max_recur: int) -> list[Any]:
        """The lengths, each as a variable."""
        known = getattr(node.inputs[0].type, "shape", None)
        if known is None:
            return [None] * node.inputs[0].type.ndim  # type: ignore[attr-defined]
        return [None if n is None else constant(n, dtype="int64") for n in known]


class Shape_i(Op):
    """The length of axis i, as a 0-d int64."""

    __props__ = ("i",)
    is_cheap = True

    def __init__(self, i: int) -> None:
        self.i = int(i)

    def make_node(self, x: Any) -> Apply:
        if not isinstance(x, Variable):
            x = as_tensor_variable(x)
        ndim = getattr(x.type, "ndim", None)
        if ndim is None or not 0 <= self.i < ndim:
            raise TypeError(f"{x} of type {x.type} has no axis {self.i}")
        return Apply(self, [x], [TensorVariable(tensor_type("int64", ()))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.asarray(inputs[0].shape[self.i], dtype="int64")

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [()]

    def constant_source(self, node: Apply) -> Any:
        """The length as a number, if it is known."""
        known = getattr(node.inputs[0].type, "shape", None)
        return None if known is None or known[self.i] is None else np.int64(known[self.i])

    def __str__(self) -> str:
        return f"Shape_i{{{self.i}}}"


class SpecifyShape(Op):
    """x, of which the lengths in the vector `shape` are stated. A constant -1 says that one is not stated; one that is
    computed is a length like others, which no axis has.

    AssertionError at run time where they are wrong; ValueError where the user did not state them himself (`implied`):
    they follow from the types of the operands that a rewrite has put together otherwise.
    """

    __props__ = ("implied",)
    view_map = {0: [0]}
    is_cheap = True

    def __init__(self, implied: bool = False) -> None:
        self.implied = implied

    def make_node(self, x: Any, shape: Any) -> Apply:
        x = x if isinstance(x, Variable) and hasattr(x.type, "ndim") else as_tensor_variable(x)
        vector = shape_vector(shape)
        ndim = x.type.ndim
        if vector.type.shape[0] not in (None, ndim):
            raise ValueError(
                f"specify_shape: {x} has {ndim} axes (type {x.type}), but {vector.type.shape[0]} lengths are given"
            )
        if not isinstance(x.type, TensorType):
            return Apply(self, [x, vector], [x.type()])
        known = []
        for axis, (n, stated) in enumerate(zip(x.type.shape, vector_elements(vector) or [None] * ndim)):
            length = None if stated is None else static_int(stated)
            if length is None or length == UNSTATED:
                known.append(n)
                continue
            if n is not None and n != length:
                raise AssertionError(f"specify_shape: axis {axis} of {x} (type {x.type}) has length {n}, not {length}")
            known.append(length)
        return Apply(self, [x, vector], [TensorVariable(tensor_type(x.type.dtype, tuple(known)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, shape = inputs
        if len(shape) != x.ndim:
            free = [False] * len(shape)
        elif UNSTATED in shape:
            entries = vector_elements(node.inputs[1]) or [None] * len(shape)
            free = [s is not None and static_int(s) == UNSTATED for s in entries]
        else:
            free = [False] * x.ndim
        if len(shape) != x.ndim or any(n != s and not known for n, s, known in zip(x.shape, shape, free)):
            stated = tuple("?" if known else int(n) for n, known in zip(shape, free))
            if self.implied:
                raise ValueError(
                    f"Input dimension mismatch: an operand has shape {x.shape}, the other ones imply {stated}."
                )
            raise AssertionError(f"specify_shape: got shape {x.shape}, expected {stated}")
        output_storage[0][0] = x

    def __str__(self) -> str:
        return "SpecifyShape{implied}" if self.implied else "SpecifyShape"

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        known = getattr(inputs[0].type, "broadcastable", None)
        if known is not None and isinstance(gz.type, TensorType):
            gz = patternbroadcast(gz, known)
        return [gz, disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        vector = node.inputs[1]
        lengths = []
        for axis, own in enumerate(input_shapes[0]):
            known = getattr(node.outputs[0].type, "shape", (None,) * len(input_shapes[0]))[axis]
            if known is not None:
                lengths.append(known)
                continue
            stated = (vector_elements(vector) or [None] * len(input_shapes[0]))[axis]
            value = None if stated is None else static_int(stated)
            if value == UNSTATED:
                lengths.append(own)
            else:
                lengths.append(vector[axis] if stated is None else stated)  # type: ignore[index]
        return [tuple(lengths)]

    def constant_source(self, node: Apply) -> Any:
        """The variable whose value all elements have."""
        return node.inputs[0]


class Rebroadcast(Op):
    """x with other knowledge of lengths one: Rebroadcast((axis, True), ...) states that an axis has length one (checked
    at run time), (axis, False) forgets that it has."""

    __props__ = ("items",)
    view_map = {0: [0]}
    is_cheap = True

    def __init__(self, *axes: tuple[int, bool]) -> None:
        items = []
        for axis, flag in axes:
            if not isinstance(axis, (int, np.integer)) or axis < 0:
                raise TypeError(f"Rebroadcast takes pairs (axis, flag) with axis >= 0; got {(axis, flag)}")
            items.append((int(axis), bool(flag)))
        self.items = tuple(sorted(dict(items).items()))

    @property
    def axis(self) -> dict[int, bool]:
        """{axis: is its length known to be one?}"""
        return dict(self.items)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        shape = list(x.type.shape)
        for axis, flag in self.items:
            if axis >= len(shape):
                raise ValueError(f"Rebroadcast: {x} (type {x.type}) has no axis {axis}")
            if flag:
                if shape[axis] not in (None, 1):
                    raise ValueError(f"Rebroadcast: axis {axis} of {x} has length {shape[axis]}, not 1 ({x.type})")
                shape[axis] = 1
            elif shape[axis] == 1:
                shape[axis] = None
        return Apply(self, [x], [TensorVariable(tensor_type(x.type.dtype, tuple(shape)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        for axis, flag in self.items:
            if flag and x.shape[axis] != 1:
                raise ValueError(
                    f"Dimension {axis} in Rebroadcast's input was supposed to be 1 (got {x.shape[axis]} instead, "
                    f"shape {x.shape})"
                )
        output_storage[0][0] = x

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (gz,) = inputs, output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz]
        return [patternbroadcast(gz, x.type.broadcastable)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        stated = {axis for axis, flag in self.items if flag}
        return [tuple(1 if axis in stated else n for axis, n in enumerate(input_shapes[0]))]

    def constant_source(self, node: Apply) -> Any:
        """The variable whose value all elements have."""
        return node.inputs[0]

    def __str__(self) -> str:
        return f"Rebroadcast{{{','.join(f'({axis}, {flag})' for axis, flag in self.items)}}}"


class Reshape(Op):
    """The elements of x, in C order, in another shape: a vector of `ndim` integers, at most one of them -1."""

    __props__ = ("ndim",)
    view_map = {0: [0]}
    is_cheap = True

    def __init__(self, ndim: int, name: str | None = None) -> None:
        self.ndim = int(ndim)
        if self.ndim < 0:
            raise ValueError(f"Reshape: ndim must not be negative, got {ndim}")
        self.name = name

    def make_node(self, x: Any, shape: Any) -> Apply:
        x = as_tensor_variable(x)
        vector = shape_vector(shape)
        if vector.type.shape[0] not in (None, self.ndim):
            raise ValueError(f"reshape: {vector.type.shape[0]} lengths are given for ndim={self.ndim}")
        return Apply(self, [x, vector], [TensorVariable(tensor_type(x.type.dtype, self._static(x, vector)))])

    def _static(self, x: Any, vector: Any) -> tuple[int | None, ...]:
        elements = vector_elements(vector) or [None] * self.ndim
        known = [None if e is None else static_int(e) for e in elements]
        if sum(n == -1 for n in known) > 1:
            raise ValueError(f"reshape: at most one length may be -1, got {tuple(known)}")
        if any(n is not None and n < -1 for n in known):
            raise ValueError(f"reshape: lengths must not be negative (-1 once for 'the rest'), got {tuple(known)}")
        # a length is only static if no other entry is still unknown that might be -1
        total = _product(x.type.shape)
        rest = [n for n in known if n != -1]
        if -1 in known and total is not None and None not in rest and _product(rest):
            length, remainder = divmod(total, _product(rest) or 1)
            if remainder:
                raise ValueError(f"reshape: {x} of type {x.type} has {total} elements: no shape {tuple(known)}")
            known[known.index(-1)] = length
        if total is not None and all(n not in (None, -1) for n in known) and _product(known) != total:
            raise ValueError(f"reshape: {x} of type {x.type} has {total} elements: no shape {tuple(known)}")
        return tuple(None if n == -1 else n for n in known)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, shape = inputs
        if len(shape) != self.ndim:
            raise ValueError(f"reshape: the shape must have {self.ndim} entries, got {len(shape)}: {shape}")
        if any(n < -1 for n in shape):  # NumPy takes these for -1
            raise ValueError(
                f"reshape: lengths must not be negative (-1 once for 'the rest'), got {tuple(int(n) for n in shape)}"
            )
        try:
            output_storage[0][0] = np.reshape(x, tuple(int(n) for n in shape))
        except ValueError:
            raise ValueError(
                f"reshape: cannot reshape input of shape {x.shape} to shape {tuple(int(n) for n in shape)}"
            ) from None

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        x, _ = inputs
        (gz,) = output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz, disconnected_type()]
        return [patternbroadcast(reshape(gz, x.shape, ndim=x.ndim), x.broadcastable), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        vector = node.inputs[1]
        elements: list[Any] = vector_elements(vector) or [None] * self.ndim
        entries = [vector[k] if e is None else e for k, e in enumerate(elements)]  # type: ignore[index]
        static = node.outputs[0].type.shape  # type: ignore[attr-defined]
        values = [static_int(e) for e in entries]
        lengths: list[Any] = []
        for k, (entry, value) in enumerate(zip(entries, values)):
            if static[k] is not None:
                lengths.append(static[k])
            elif value not in (None, -1):
                lengths.append(value)
            elif value is None and -1 in values:
                lengths.append(entry)  # another entry is the -1
            else:
                # total // (product of the other entries); that product is exact: one entry at most is -1
                others = [e for j, e in enumerate(entries) if j != k]
                rest = symbolic_product(others)
                total = symbolic_product(list(input_shapes[0]))
                length = total // scalar.maximum(rest, np.int64(1)) if others else total
                if value is None:
                    length = scalar.switch(scalar.eq(entry, np.int64(-1)), length, entry)
                lengths.append(as_tensor_variable(length))
        return [tuple(lengths)]

    def constant_source(self, node: Apply) -> Any:
        """The variable whose value all elements have."""
        return node.inputs[0]

    def __str__(self) -> str:
        return self.name or f"Reshape{{{self.ndim}}}"


def _product(lengths: Sequence[int | None]) -> int | None:
    total = 1
    for n in lengths:
        if n is None:
            return None
        total *= n
    return total


def symbolic_product(lengths: Sequence[Any]) -> Any:
    known, product = 1, None
    for n in lengths:
        value = static_int(n)
        if value is not None:
            known *= value
        else:
            product = n if product is None else product * n
    if product is None:
        return constant(known, dtype="int64")
    return product if known == 1 else product * np.int64(known)


def shape_vector(shape: Any) -> Any:
    """A shape (sequence of ints and 0-d variables, or a vector) as an int64 vector; None entries become -1."""
    if isinstance(shape, (list, tuple)):
        shape = [UNSTATED if n is None else n for n in shape]
        if all(isinstance(n, (int, np.integer)) for n in shape):
            return constant(np.array([int(n) for n in shape], dtype="int64"))
        return MakeVector("int64")(*[dimension(n) for n in shape])
    vector = as_tensor_variable(shape)
    if vector.type.ndim == 0:
        return shape_vector([vector])
    if vector.type.ndim != 1:
        raise TypeError(f"A shape must be a vector of integers; got {vector} of type {vector.type}")
    if vector.type.dtype not in discrete_dtypes:
        if vector.type.shape == (0,):
            return constant(np.zeros(0, dtype="int64"))
        raise TypeError(f"A shape must hold integers; got {vector} of type {vector.type}")
    return cast_to(vector, "int64")


_shape = Shape()
_specify_shape = SpecifyShape()
_implied_shape = SpecifyShape(implied=True)


@cache
def shape_i_op(i: int) -> Shape_i:
    """The one Shape_i op of an axis."""
    return Shape_i(i)


def shape(x: Any) -> Any:
    """The shape of x as an int64 vector."""
    return _shape(x)


def shape_i(var: Any, i: int, fgraph: Any = None) -> Any:
    """The length of axis i as a 0-d int64: a constant where it is static, by shape inference where `fgraph` has it."""
    known = getattr(var.type, "shape", None)
    if known is not None and known[i] is not None:
        return constant(known[i], dtype="int64")
    feature = getattr(fgraph, "shape_feature", None)
    if feature is not None:
        return feature.get_shape(var, i)
    return shape_i_op(i)(var)


def specify_shape(x: Any, shape: Any) -> Any:
    """x, stated to have this shape: checked at run time (AssertionError), known to the compiler.

    `shape` is a sequence with a length, a 0-d variable or None (not stated) for every axis, or a vector.

    >>> from theano.tensor import dmatrix
    >>> specify_shape(dmatrix("m"), (None, 3)).type
    TensorType(float64, (?, 3))
    """
    return _specify_shape(x, shape)


def _specify(x: Any, shape: tuple[int | None, ...]) -> Any:
    return _implied_shape(x, shape)


TensorType.specify = staticmethod(_specify)  # type: ignore[assignment]


def reshape(x: Any, newshape: Any, ndim: int | None = None) -> Any:
    """The elements of x, in C order, in another shape, of which one entry may be -1 ("the rest").

    newshape   a sequence of integers and 0-d integer variables, or a vector
    ndim       its length, needed where that is not known while the graph is built (ValueError)

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> reshape(v, (2, -1)).eval({v: [1.0, 2.0, 3.0, 4.0]}).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = as_tensor_variable(x)
    vector = shape_vector(newshape)
    if ndim is None:
        try:
            ndim = get_vector_length(vector)
        except ValueError:
            raise ValueError(
                f"The length of the new shape {newshape} (type {vector.type}) is not known while the graph is built: "
                "pass it as ndim= to reshape."
            ) from None
    return Reshape(ndim)(x, vector)


def rebroadcast(x: Any, flags: Sequence[tuple[int, bool]]) -> Any:
    changed = [(axis, flag) for axis, flag in flags if x.type.broadcastable[axis] != flag]
    return Rebroadcast(*changed)(x) if changed else x


def patternbroadcast(x: Any, broadcastable: Sequence[bool]) -> Any:
    """x with exactly this pattern of axes known to have length one (checked at run time)."""
    x = as_tensor_variable(x)
    if len(broadcastable) != x.type.ndim:
        raise ValueError(f"patternbroadcast: the pattern {tuple(broadcastable)} does not fit the type {x.type}")
    # an axis of known length that is not one cannot become one: Rebroadcast says so
    return rebroadcast(x, [(axis, bool(flag)) for axis, flag in enumerate(broadcastable)])
