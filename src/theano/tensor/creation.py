"""Arrays out of nothing but lengths and numbers: alloc, zeros, full, vectors of scalars.

Lengths are 0-d int64 variables; a length that is known while the graph is built enters the static shape. Lengths are
data without derivative: gradients with respect to them are disconnected. Ranges are in `ranges.py`, identity and
triangles in `triangles.py`, diagonals in `diagonal.py`, meshes in `grids.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano._config import config
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import discrete_dtypes, upcast
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.elemwise import cast_to
from theano.tensor.scalar_constants import get_vector_length, static_int, vector_elements
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def dtype_name(dtype: Any, default: str | None = None) -> str:
    """A dtype's name; None gives `default` or floatX, "floatX" the setting. TypeError if it is unknown."""
    if dtype is None:
        return str(config.floatX) if default is None else default
    return tensor_type(dtype, ()).dtype if isinstance(dtype, str) and dtype in scalar.all_dtypes else _other(dtype)


def _other(dtype: Any) -> str:
    if dtype == "floatX":
        return str(config.floatX)
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in scalar.all_dtypes:
        raise TypeError(f"{dtype!r} is not a dtype of tensors; known are {', '.join(scalar.all_dtypes)}")
    return name


def dimension(n: Any) -> Any:
    """A length as a 0-d int64 variable. TypeError for anything but an integer number or 0-d integer variable."""
    variable = as_tensor_variable(n)
    if variable.type.ndim != 0 or variable.type.dtype not in discrete_dtypes:
        raise TypeError(
            f"A length in a shape must be an integer or a 0-d integer variable; got {n} of type {variable.type}. "
            "Use // in place of / to compute lengths."
        )
    value = static_int(variable)
    if value is not None:
        return constant(value, dtype="int64")
    return cast_to(variable, "int64")


def dimensions(shape: Any) -> list[Any]:
    """The lengths of a shape given as several arguments, one sequence, or one symbolic vector of known length."""
    if isinstance(shape, (tuple, list)) and len(shape) == 1 and not _is_number(shape[0]):
        (shape,) = shape
    if isinstance(shape, (tuple, list)):
        return [dimension(n) for n in shape]
    if isinstance(shape, (int, np.integer)):
        return [dimension(shape)]
    vector = as_tensor_variable(shape)
    if vector.type.ndim == 0:
        return [dimension(vector)]
    if vector.type.ndim != 1 or (vector.type.dtype not in discrete_dtypes and vector.type.shape != (0,)):
        raise TypeError(f"A shape must be a vector of integers; got {vector} of type {vector.type}")
    length = get_vector_length(vector)
    elements = vector_elements(vector) or [None] * length
    return [dimension(vector[k] if n is None else n) for k, n in enumerate(elements)]


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) or getattr(getattr(x, "type", None), "ndim", None) == 0


def alloc_validate_shape(shape: Any) -> tuple[list[Any], list[bool]]:
    """The lengths of a shape as 0-d int64 variables, and for each whether it is known to be one."""
    lengths = dimensions(shape)
    return lengths, [static_int(n) == 1 for n in lengths]


def run_time_lengths(values: Sequence[Any], what: str) -> tuple[int, ...]:
    """Lengths as Python ints; ValueError for negative ones."""
    shape = tuple(int(n) for n in values)
    if any(n < 0 for n in shape):
        raise ValueError(f"{what}: negative lengths are not allowed, got shape {shape}")
    return shape


def new_array(make: Callable[..., np.ndarray], shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array of this shape; MemoryError also for shapes beyond what NumPy can address."""
    try:
        return make(shape, dtype=dtype)
    except (ValueError, OverflowError) as error:
        raise MemoryError(f"cannot allocate an array of shape {shape} and dtype {dtype}: {error}") from None


def static_lengths(lengths: Sequence[Any]) -> tuple[int | None, ...]:
    known = tuple(static_int(n) for n in lengths)
    if any(n is not None and n < 0 for n in known):
        raise ValueError(f"negative lengths are not allowed, got shape {known}")
    return known


class LengthsOp(Op):
    """Base of ops whose inputs are lengths and offsets only: no input has a derivative."""

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type() for _ in inputs]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False] for _ in node.inputs]


class Alloc(Op):
    """`value` repeated into a new array of the given lengths; value's axes are aligned on the right.

    An axis of `value` is repeated where its length is known to be one when the graph is built; any other axis must
    have the length asked for (ValueError at run time).
    """

    __props__ = ()
    is_cheap = True

    def make_node(self, value: Any, *shape: Any) -> Apply:
        value = as_tensor_variable(value)
        lengths = dimensions(shape)
        known = list(static_lengths(lengths))
        offset = len(lengths) - value.type.ndim
        if offset < 0:
            raise TypeError(
                f"alloc: the value has more axes than the shape: {value} of type {value.type}, shape of length "
                f"{len(lengths)}"
            )
        for axis, n in enumerate(value.type.shape):
            if n is None or n == 1:
                continue
            if known[offset + axis] is None:
                known[offset + axis] = n
            elif known[offset + axis] != n:
                raise ValueError(
                    f"alloc: axis {axis} of the value has length {n} and cannot fill length {known[offset + axis]}: "
                    f"{value} of type {value.type}, shape {tuple(known)}"
                )
        return Apply(self, [value, *lengths], [TensorVariable(tensor_type(value.type.dtype, tuple(known)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        value, *lengths = inputs
        shape = run_time_lengths(lengths, "alloc")
        offset = len(shape) - value.ndim
        for axis, (n, known) in enumerate(zip(value.shape, node.inputs[0].type.broadcastable)):  # type: ignore[attr-defined]
            if not known and n != shape[offset + axis]:
                remedy = (
                    " Length 1 is repeated only where it is known when the expression is built: use a row or column "
                    "type, addbroadcast(x, axis), or shape= in the type."
                    if n == 1
                    else ""
                )
                raise ValueError(
                    f"alloc: axis {axis} of the value (shape {value.shape}) cannot fill shape {shape}.{remedy}"
                )
        out = new_array(np.empty, shape, value.dtype.name)
        out[...] = value
        output_storage[0][0] = out

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        value, *lengths = inputs
        rest = [disconnected_type() for _ in lengths]
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz, *rest]
        offset = len(lengths) - value.type.ndim
        inner = [
            offset + axis
            for axis, n in enumerate(value.type.shape)
            if n == 1 and outputs[0].type.shape[offset + axis] != 1
        ]
        summed = list(range(offset)) + inner
        term = gz.sum(axis=summed) if summed else gz
        if inner:
            kept = iter(range(term.ndim))
            term = term.dimshuffle(["x" if offset + axis in inner else next(kept) for axis in range(value.type.ndim)])
        if term.broadcastable != value.type.broadcastable:
            # an axis of length one of which the value's type does not know
            term = term.reshape(value.shape, ndim=value.type.ndim)
        return [term, *rest]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(node.inputs[1:])]

    def constant_source(self, node: Apply) -> Any:
        """The variable whose value all elements have."""
        return node.inputs[0]

    def do_constant_folding(self, node: Apply) -> bool:
        # a constant array as large as the result would take the place of two small ones
        return math.prod(n or 0 for n in node.outputs[0].type.shape) <= 64  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return "Alloc"


class AllocEmpty(LengthsOp):
    """An array of the given lengths whose elements are not set."""

    __props__ = ("dtype",)

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype_name(dtype)

    def make_node(self, *shape: Any) -> Apply:
        lengths = dimensions(shape)
        return Apply(self, lengths, [TensorVariable(tensor_type(self.dtype, static_lengths(lengths)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = new_array(np.empty, run_time_lengths(inputs, "AllocEmpty"), self.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(node.inputs)]

    def do_constant_folding(self, node: Apply) -> bool:
        return False


class MakeVector(Op):
    """A vector of 0-d inputs. TypeError if `dtype` cannot hold them all."""

    __props__ = ("dtype",)
    is_cheap = True

    def __init__(self, dtype: Any = "int64") -> None:
        self.dtype = dtype_name(dtype)

    def make_node(self, *scalars: Any) -> Apply:
        elements = [as_tensor_variable(x) for x in scalars]
        for x in elements:
            if x.type.ndim != 0:
                raise TypeError(f"MakeVector takes 0-d inputs; got {x} of type {x.type}. Use stack or concatenate.")
            if upcast(self.dtype, x.type.dtype) != self.dtype:
                raise TypeError(f"MakeVector of dtype {self.dtype} cannot hold {x} of dtype {x.type.dtype} exactly")
        elements = [cast_to(x, self.dtype) for x in elements]
        return Apply(self, elements, [TensorVariable(tensor_type(self.dtype, (len(elements),)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.array(inputs, dtype=self.dtype)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz.type() for _ in inputs]
        return [gz[k] for k in range(len(inputs))]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [(len(node.inputs),)]

    def vector_elements(self, node: Apply, max_recur: int) -> list[Any]:
        """The variables that are the elements."""
        return list(node.inputs)

    def __str__(self) -> str:
        return f"MakeVector{{{self.dtype}}}"


def static_value(x: Any) -> Any:
    """The Python number of a 0-d constant, else None."""
    from_int = static_int(x) if x.type.dtype in discrete_dtypes else None
    if from_int is not None:
        return from_int
    data = getattr(x, "data", None)
    return data.item() if isinstance(data, np.ndarray) and data.ndim == 0 else None


# ---- functions ----

_alloc = Alloc()


def alloc(value: Any, *shape: Any) -> Any:
    """`value` repeated into a new array; the shape is several lengths, one sequence, or one symbolic vector.

    >>> alloc(1.5, 2, 3).type
    TensorType(float32, (2, 3))
    """
    return _alloc(value, *dimensions(shape))


def _filled(number: int, shape: Any, dtype: Any) -> Any:
    return _alloc(np.asarray(number, dtype=dtype_name(dtype)), *dimensions(shape))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """An array of zeros; `dtype` None is floatX."""
    return _filled(0, shape, dtype)


def ones(shape: Any, dtype: Any = None) -> Any:
    """An array of ones; `dtype` None is floatX."""
    return _filled(1, shape, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """An array with `fill_value` everywhere, of its dtype unless `dtype` is given."""
    value = as_tensor_variable(fill_value)
    return _alloc(value if dtype is None else cast_to(value, dtype_name(dtype)), *dimensions(shape))


def _filled_like(number: int, model: Any, dtype: Any, opt: bool) -> Any:
    model = as_tensor_variable(model)
    value = np.asarray(number, dtype=dtype_name(dtype, model.type.dtype))
    if opt and model.type.ndim == 0:
        return constant(value)
    return scalar.second(model, value)


def zeros_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Zeros of the model's shape, and its dtype unless `dtype` is given. `opt`: a constant where the model is 0-d."""
    return _filled_like(0, model, dtype, opt)


def ones_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Ones of the model's shape, and its dtype unless `dtype` is given. `opt`: a constant where the model is 0-d."""
    return _filled_like(1, model, dtype, opt)


def full_like(model: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` in the model's shape, and its dtype unless `dtype` is given."""
    model = as_tensor_variable(model)
    return scalar.second(model, cast_to(as_tensor_variable(fill_value), dtype_name(dtype, model.type.dtype)))
