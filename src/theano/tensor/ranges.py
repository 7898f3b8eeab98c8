"""Ranges of numbers: arange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano._config import config
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import discrete_dtypes, int_dtypes, uint_dtypes, upcast
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import dtype_name, static_value
from theano.tensor.elemwise import cast_to
from theano.tensor.scalar_constants import static_int
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class ARange(Op):
    """start, start + step, ... before stop; inputs are 0-d, `dtype` is that of the result."""

    __props__ = ("dtype",)

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype_name(dtype)

    def make_node(self, start: Any, stop: Any, step: Any) -> Apply:
        bounds = [as_tensor_variable(x) for x in (start, stop, step)]
        for what, x in zip(("start", "stop", "step"), bounds):
            if x.type.ndim != 0:
                raise TypeError(f"arange: {what} must be 0-d; got {x} of type {x.type}")
            if x.type.dtype in scalar.complex_dtypes:
                raise TypeError(f"arange: {what} must be real; got {x} of type {x.type}")
        known = [static_value(x) for x in bounds]
        length = None
        if all(x is not None for x in known):
            if known[2] == 0:
                raise ValueError(f"arange: the step must not be 0 (start {known[0]}, stop {known[1]})")
            length = len(np.arange(*known))  # type: ignore[arg-type,call-overload]
        return Apply(self, bounds, [TensorVariable(tensor_type(self.dtype, (length,)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        start, stop, step = (x.item() for x in inputs)
        if step == 0:
            raise ValueError(f"arange: the step must not be 0 (start {start}, stop {stop})")
        if all(isinstance(v, int) for v in (start, stop, step)):  # NumPy counts them with rounding, or wraps around
            count = max(-((start - stop) // step), 0)
            if count >= 2**59:
                raise MemoryError(f"arange: {count} elements were asked for ({start}, {stop}, {step})")
            if max(start, step) < 2**63:
                with np.errstate(over="ignore"):
                    elements = np.arange(count) * np.int64(step) + np.int64(start)
                output_storage[0][0] = elements.astype(self.dtype)
                return
        # the elements are computed in full precision: NumPy would compute them in a narrow `dtype`
        output_storage[0][0] = np.arange(start, stop, step).astype(self.dtype)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz, disconnected_type(), gz.type()]
        if self.dtype in discrete_dtypes:
            return [_zero_like(inputs[0]), disconnected_type(), _zero_like(inputs[2])]
        steps = cast_to(arange(gz.shape[0]), self.dtype)
        return [
            _to_input_dtype(gz.sum(), inputs[0]), disconnected_type(), _to_input_dtype((gz * steps).sum(), inputs[2])
        ]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [True]]

    def do_constant_folding(self, node: Apply) -> bool:
        return (node.outputs[0].type.shape[0] or 0) <= 10_000  # type: ignore[attr-defined]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        known = node.outputs[0].type.shape  # type: ignore[attr-defined]
        if known[0] is not None:
            return [known]
        start, stop, step = node.inputs
        zero = np.int64(0)
        if all(x.type.dtype in discrete_dtypes for x in node.inputs):  # type: ignore[attr-defined]
            start, stop, step = (cast_to(x, "int64") for x in node.inputs)
            first = static_int(start)
            if static_int(step) == 1 and first is not None and first >= 0:
                return [(scalar.maximum(stop if first == 0 else stop - start, zero),)]  # type: ignore[operator]
            return [(_range_length(start, stop, step),)]
        wide = [cast_to(x, "float64") for x in node.inputs]
        return [(scalar.maximum(cast_to(scalar.ceil((wide[1] - wide[0]) / wide[2]), "int64"), zero),)]


_LONGEST = 2**63 - 1


def _range_length(start: Any, stop: Any, step: Any) -> Any:
    """How many elements a range of int64 has, also where the ends are 2**63 apart and more: at most 2**63 - 1."""
    down = scalar.lt(step, np.int64(0))
    low = scalar.switch(down, scalar.minimum(stop, start), start)
    high = scalar.switch(down, start, scalar.maximum(stop, start))
    # the distance fits into 64 bits without a sign, and so does the size of the step
    span = cast_to(high - low, "uint64")
    size = scalar.maximum(cast_to(scalar.switch(down, -step, step), "uint64"), np.uint64(1))
    count = scalar.switch(scalar.eq(span, np.uint64(0)), span, (span - np.uint64(1)) // size + np.uint64(1))
    return cast_to(scalar.minimum(count, np.uint64(_LONGEST)), "int64")


def _zero_like(x: Any) -> Any:
    return constant(0, dtype=x.type.dtype if x.type.dtype not in discrete_dtypes else config.floatX)


def _to_input_dtype(term: Any, x: Any) -> Any:
    return term if x.type.dtype in discrete_dtypes else cast_to(term, x.type.dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """0 ... start - 1, or start, start + step, ... before stop, all 0-d.

    Without `dtype`: int64 (uint64) for integers; else the upcast of the three; floatX under `cast_policy=numpy+floatX`
    where none of them is a float64 variable or array.

    >>> arange(1, 7, 2).eval().tolist(), arange(3).dtype, arange(3.0).dtype
    ([1, 3, 5], 'int64', 'float32')
    """
    if stop is None:
        start, stop = 0, start
    explicit = any(getattr(x, "dtype", None) == "float64" for x in (start, stop, step))
    bounds = [as_tensor_variable(x) for x in (start, stop, step)]
    if dtype is None:
        dtype = upcast(*[x.type.dtype for x in bounds])
        if dtype in int_dtypes or dtype == "bool":
            dtype = "int64"
        elif dtype in uint_dtypes:
            dtype = "uint64"
        elif dtype == "float64" and config.cast_policy == "numpy+floatX" and not explicit:
            dtype = config.floatX
    return ARange(dtype)(*bounds)
