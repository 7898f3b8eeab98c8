"""The original's scalars: here they are tensors without axes, so that there is one kind of graph.

`theano.scalar.float64` is the type of a 0-d float64 tensor; `theano.scalar` re-exports these names. What turned scalars
into tensors and back gives what it gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theano.graph.shared import SharedVariable
from theano.graph.shared import shared as any_shared
from theano.scalar.dtypes import upcast
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.type import TensorType, tensor_type
from theano.tensor.variable import TensorConstant, TensorVariable


class _WithoutAxes(type):
    """A class whose instances are those of `kind` that have no axes."""

    kind: type

    def __instancecheck__(cls, candidate: Any) -> bool:
        what = type.__getattribute__(cls, "kind")
        return isinstance(candidate, what) and getattr(candidate, "ndim", None) == 0


class Scalar(metaclass=_WithoutAxes):
    """Scalar(dtype) is the type of 0-d tensors; `isinstance(t, Scalar)` asks whether t is such a type."""

    kind = TensorType

    def __new__(cls, dtype: Any) -> Any:
        return TensorType(dtype, ())


class ScalarVariable(metaclass=_WithoutAxes):
    """For `isinstance`: a 0-d tensor variable."""

    kind = TensorVariable


class ScalarConstant(metaclass=_WithoutAxes):
    """For `isinstance`: a 0-d constant."""

    kind = TensorConstant


class ScalarSharedVariable(metaclass=_WithoutAxes):
    """For `isinstance`: a 0-d shared variable."""

    kind = SharedVariable


def get_scalar_type(dtype: Any) -> TensorType:
    """The type of 0-d tensors of this dtype; one object for each dtype."""
    kind = TensorType(dtype, ())
    return tensor_type(kind.dtype, ())


int_types = tuple(get_scalar_type(f"int{n}") for n in (8, 16, 32, 64))
uint_types = tuple(get_scalar_type(f"uint{n}") for n in (8, 16, 32, 64))
float_types = tuple(get_scalar_type(f"float{n}") for n in (16, 32, 64))
complex_types = tuple(get_scalar_type(f"complex{n}") for n in (64, 128))
integer_types = int_types + uint_types
discrete_types = (get_scalar_type("bool"), *integer_types)
continuous_types = float_types + complex_types
all_types = discrete_types + continuous_types
BY_NAME = {kind.dtype: kind for kind in all_types}


def _several(dtype: str) -> Callable[..., Any]:
    def make(*names: str) -> Any:
        kind = get_scalar_type(dtype)
        return kind(names[0]) if len(names) == 1 else [kind(name) for name in names]

    make.__doc__ = f"Variables of these names, 0-d and of dtype {dtype}; a single one is no list."
    return make


ints, floats = _several("int64"), _several("float64")
complexs = complexs128 = _several("complex128")
complexs64 = _several("complex64")


def as_scalar(x: Any, name: str | None = None) -> Any:
    """`x` as a 0-d variable. TypeError if it has axes."""
    variable = as_tensor_variable(x, name=name)
    if variable.type.ndim:
        raise TypeError(f"Cannot convert {x} of type {variable.type} to a scalar: it has {variable.type.ndim} axes")
    return variable


def as_common_dtype(*vars: Any) -> tuple[Any, ...]:
    """The variables, each cast to the dtype that holds the values of all."""
    variables = [as_scalar(v) for v in vars]
    dtype = upcast(*[v.type.dtype for v in variables])
    return tuple(cast_to(v, dtype) for v in variables)


def constant(x: Any, name: str | None = None, dtype: str | None = None) -> Any:
    """A 0-d constant; without a dtype, of the narrowest that holds it, as for tensors."""
    value = x if dtype is None else np.asarray(x, dtype)
    return as_scalar(value, name)


def shared(value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None) -> Any:
    """A shared variable without axes. TypeError for a value that is no number."""
    if not isinstance(value, (np.number, np.bool_, int, float, complex)):
        raise TypeError(f"The value of a scalar shared variable is a number, got {value!r} of {type(value).__name__}")
    return any_shared(value, name=name, strict=strict, allow_downcast=allow_downcast)


class TensorFromScalar:
    """Called, it gives a scalar as a 0-d tensor, which is the same thing here: no node comes about."""

    def __call__(self, x: Any) -> Any:
        return as_scalar(x)


class ScalarFromTensor:
    """Called, it gives a 0-d tensor as a scalar, which is the same thing here: no node comes about."""

    def __call__(self, x: Any) -> Any:
        return as_scalar(x)


tensor_from_scalar = TensorFromScalar()
scalar_from_tensor = ScalarFromTensor()

__all__ = [
    "BY_NAME", "Scalar", "ScalarConstant", "ScalarFromTensor", "ScalarSharedVariable", "ScalarVariable",
    "TensorFromScalar", "all_types", "as_common_dtype", "as_scalar", "complex_types", "complexs", "complexs64",
    "complexs128", "constant", "continuous_types", "discrete_types", "float_types", "floats", "get_scalar_type",
    "int_types", "integer_types", "ints", "scalar_from_tensor", "shared", "tensor_from_scalar", "uint_types",
]
