"""TensorType: dtype and static shape of a dense array.

`shape` holds, for every axis, its length where that is known and None where it is not. Broadcasting is static: only
an axis whose length is known to be 1 broadcasts (`broadcastable`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any, ClassVar

import numpy as np

from theano._config import config
from theano.graph.node import Constant, Variable
from theano.graph.type import Type
from theano.scalar.dtypes import all_dtypes, upcast
from theano.tensor.tolerance import TOLERANCES as TOLERANCES
from theano.tensor.tolerance import values_eq_approx

_NAMES = {
    (): "scalar",
    (False,): "vector",
    (False, False): "matrix",
    (True, False): "row",
    (False, True): "col",
    (False, False, False): "3D",
    (False, False, False, False): "4D",
}

_C_TYPES: dict[str, tuple[type, str, str]] = {
    "bool": (bool, "npy_bool", "NPY_BOOL"),
    **{
        f"{sign}int{bits}": (int, f"npy_{sign}int{bits}", f"NPY_{sign.upper()}INT{bits}")
        for sign in ("", "u") for bits in (8, 16, 32, 64)
    },
    **{f"float{bits}": (float, f"npy_float{bits}", f"NPY_FLOAT{bits}") for bits in (16, 32, 64)},
    **{f"complex{bits}": (complex, f"npy_complex{bits}", f"NPY_COMPLEX{bits}") for bits in (64, 128)},
}


class TensorType(Type):
    """A dense array of `dtype` with len(shape) axes.

    dtype         a NumPy name; "floatX" stands for the setting
    shape         for every axis None, a length, or (as in the original) True for length one and False for unknown
    broadcastable the same in the original's spelling

    >>> TensorType("float64", (None, 3))
    TensorType(float64, (?, 3))
    >>> TensorType("float32", (True, False)).broadcastable
    (True, False)
    """

    # x, shape -> x with these lengths checked at run time; set by tensor/shape.py
    specify: ClassVar[Callable[[Any, tuple[int | None, ...]], Any] | None] = None

    def __init__(
        self,
        dtype: Any,
        shape: Sequence[int | bool | None] | None = None,
        name: str | None = None,
        sparse_grad: bool = False,
        *,
        broadcastable: Sequence[int | bool | None] | None = None,
    ) -> None:
        if shape is None:
            if broadcastable is None:
                raise TypeError("TensorType needs a shape (or broadcastable): a tuple with one entry per axis")
            shape = broadcastable
        elif broadcastable is not None:
            raise TypeError("TensorType takes either shape or broadcastable, not both")
        self.dtype = _dtype_name(dtype)
        self.shape = tuple(_length(n) for n in shape)
        self.broadcastable = tuple(n == 1 for n in self.shape)
        self.name = name
        self.sparse_grad = sparse_grad
        self._hash = hash((self.dtype, self.shape))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype as NumPy's object."""
        return np.dtype(self.dtype)

    def clone(
        self,
        dtype: str | None = None,
        broadcastable: Sequence[Any] | None = None,
        shape: Sequence[Any] | None = None,
    ) -> TensorType:
        """This type with another dtype or shape."""
        if shape is None:
            shape = self.shape if broadcastable is None else broadcastable
        return tensor_type(self.dtype if dtype is None else _dtype_name(dtype), tuple(_length(n) for n in shape))

    # values with NaN or inf are valid unless this flag is set by a debugging mode
    filter_checks_isfinite = False

    # -- values -------------------------------------------------------------------------------------------------

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> np.ndarray:
        """`data` as an ndarray of this type.

        An ndarray or NumPy scalar is upcast where that loses nothing; Python numbers and lists are accepted when they
        are exactly representable; a Python float always fits a floatX scalar. Raises TypeError otherwise.
        """
        if type(data) is np.ndarray and data.dtype == self.numpy_dtype:
            value = data if data.dtype.isnative else data.astype(self.numpy_dtype)
        elif isinstance(data, Variable):
            raise TypeError(
                f"Expected an array-like object, but found a Variable: {data}. "
                f"Maybe you are trying to call a function on a (possibly shared) variable instead of a numeric array?"
            )
        elif strict:
            found = f"an ndarray of dtype {data.dtype}" if isinstance(data, np.ndarray) else f"{type(data).__name__}"
            raise TypeError(f"{self} expected an ndarray of dtype {self.dtype}, got {found}: {_brief(data)}")
        else:
            value = self._convert(data, allow_downcast)
        if value.ndim != self.ndim:
            raise TypeError(
                f"Wrong number of dimensions: expected {self.ndim}, got {value.ndim} with shape {value.shape}."
            )
        for axis, (known, found) in enumerate(zip(self.shape, value.shape)):
            if known is not None and known != found:
                if known == 1:
                    raise TypeError(
                        f"Non-unit value on shape on a broadcastable dimension: axis {axis} of shape {value.shape} "
                        f"must be 1 for {self}."
                    )
                raise TypeError(f"Wrong shape: axis {axis} must have length {known} for {self}, got {value.shape}.")
        if self.filter_checks_isfinite and value.dtype.kind in "fc" and not np.isfinite(value).all():
            raise ValueError(f"{self} accepts finite values only, got {_brief(data)}")
        return value

    def _convert(self, data: Any, allow_downcast: bool | None) -> np.ndarray:
        target = self.numpy_dtype
        if isinstance(data, (np.ndarray, np.generic)):
            array = np.asarray(data)
            if array.dtype.name == self.dtype:
                return np.asarray(array, dtype=target)
            known = array.dtype.name in all_dtypes
            upcasts = known and np.can_cast(array.dtype, target) and upcast(self.dtype, array.dtype.name) == self.dtype
            if known and (allow_downcast or upcasts):
                if array.dtype.kind == "c" and target.kind != "c":
                    raise TypeError(f"{self} cannot hold complex data without losing its imaginary part.")
                return array.astype(target)
            raise TypeError(
                f"{self} cannot store a value of dtype {array.dtype} without risking loss of precision. If you do not "
                f"mind this loss, you can: 1) explicitly cast your data to {self.dtype}, or 2) set "
                f"'allow_input_downcast=True' when calling 'function'. Value: {_brief(data)}"
            )
        try:
            if type(data) is int and target.kind in "fc" and abs(data) >> 64 and float(data) == data:
                data = float(data)  # NumPy makes an object of it
            if allow_downcast or (
                allow_downcast is None and type(data) is float and self.dtype == config.floatX
            ):
                array = np.asarray(data)
                if array.dtype.kind not in "biufc":
                    raise TypeError(f"{self} cannot hold {_brief(data)}: it is not a number or an array of numbers.")
                if array.dtype.kind == "c" and target.kind != "c":
                    raise TypeError(f"{self} cannot hold complex data without losing its imaginary part.")
                with np.errstate(all="ignore"):
                    return array.astype(target)
            original = np.asarray(data)
            if original.dtype.kind not in "biufc":
                if type(data) is int:
                    raise TypeError(f"{self} cannot store accurately the integer {_brief(data)}: it is too large.")
                raise TypeError(f"{self} cannot hold {_brief(data)}: it is not a number or an array of numbers.")
            if original.dtype.kind == "c" and target.kind != "c":
                raise TypeError(f"{self} cannot hold complex data without losing its imaginary part: {_brief(data)}")
            with np.errstate(all="ignore"):
                converted = original.astype(target)
                narrowed = converted.real if target.kind == "c" and original.dtype.kind != "c" else converted
                back = narrowed.astype(original.dtype)
        except (ValueError, OverflowError) as error:
            raise TypeError(f"{self} cannot hold {_brief(data)}: {error}") from None
        # both ways: -1 survives a round trip through uint64, and 2**53 + 1 equals its nearest float64
        nan = original.dtype.kind in "fc"
        if np.array_equal(back, original, equal_nan=nan) and np.array_equal(converted, original, equal_nan=nan) and (
            original.dtype.kind != "f" or target.kind in "fc" or np.isfinite(original).all()
        ):
            return converted
        raise TypeError(
            f"{self} cannot store accurately the value {_brief(data)}: it would be represented as {_brief(converted)}. "
            f"If you do not mind this precision loss, you can: 1) explicitly convert your data to a numpy array of "
            f"dtype {self.dtype}, or 2) set 'allow_input_downcast=True' when calling 'function'."
        )

    def value_zeros(self, shape: Sequence[int]) -> np.ndarray:
        """An array of zeros of this type's dtype."""
        return np.zeros(shape, dtype=self.dtype)

    def values_eq(self, a: Any, b: Any, force_same_dtype: bool = True) -> bool:
        """Equal shapes, dtypes and elements; NaN equals NaN."""
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or (force_same_dtype and a.dtype != b.dtype):
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"))

    def values_eq_approx(
        self,
        a: Any,
        b: Any,
        allow_remove_inf: bool = False,
        allow_remove_nan: bool = False,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> bool:
        """Equal within the tolerance of the dtype; `allow_remove_*`: where `a` is inf (NaN), `b` may be anything."""
        return values_eq_approx(a, b, allow_remove_inf, allow_remove_nan, rtol, atol)

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """May two arrays share memory?"""
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)

    def get_shape_info(self, value: Any) -> tuple[int, ...]:
        """What `get_size` needs to know of a value: its shape."""
        return np.shape(value)

    def get_size(self, shape_info: Sequence[int]) -> int:
        """Bytes of a value of this shape."""
        return int(np.prod(shape_info, dtype=np.int64)) * self.numpy_dtype.itemsize

    @property
    def context_name(self) -> str:
        """The device that holds values of this type."""
        return "cpu"

    def dtype_specs(self) -> tuple[type, str, str]:
        """(Python type of an element, its C type, its NumPy type number's name)."""
        if self.dtype not in _C_TYPES:
            raise TypeError(f"Unsupported dtype for TensorType: {self.dtype}")
        return _C_TYPES[self.dtype]

    def to_scalar_type(self) -> TensorType:
        """The type of one element: a 0-d tensor."""
        return tensor_type(self.dtype, ())

    # -- variables ----------------------------------------------------------------------------------------------

    def is_super(self, other: Any) -> bool:
        """Is every value of type `other` a value of this type?"""
        return (
            isinstance(other, TensorType)
            and self.dtype == other.dtype
            and len(self.shape) == len(other.shape)
            and all(a is None or a == b for a, b in zip(self.shape, other.shape))
        )

    def convert_variable(self, variable: Variable) -> Variable | None:
        """`variable` as this type: a check of lengths at run time where they are not known statically."""
        other = variable.type
        if not isinstance(other, TensorType) or other.dtype != self.dtype or other.ndim != self.ndim:
            return None
        if any(a is not None and b is not None and a != b for a, b in zip(self.shape, other.shape)):
            return None
        if self.is_super(other):
            return variable
        return None if TensorType.specify is None else TensorType.specify(variable, self.shape)

    # -- identity -----------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self.dtype == other.dtype and self.shape == other.shape  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> Any:
        return tensor_type, (self.dtype, self.shape)

    def __str__(self) -> str:
        if self.name:
            return self.name
        if all(n is None or n == 1 for n in self.shape):
            return f"TensorType({self.dtype}, {_NAMES.get(self.broadcastable, self.broadcastable)})"
        shape = ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"TensorType({self.dtype}, ({shape}{',' if self.ndim == 1 else ''}))"

    __repr__ = __str__


_interned: dict[tuple[str, tuple[int | None, ...]], TensorType] = {}


def tensor_type(dtype: str, shape: tuple[int | None, ...]) -> TensorType:
    """The TensorType of a dtype name and a normalised shape; equal types are mostly one object."""
    key = (dtype, shape)
    known = _interned.get(key)
    if known is None:
        known = TensorType(dtype, shape)
        if len(_interned) < 10_000:
            _interned[key] = known
    return known


def _dtype_name(dtype: Any) -> str:
    if dtype == "floatX":
        return str(config.floatX)
    if isinstance(dtype, str) and dtype in all_dtypes:
        return dtype
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in all_dtypes:
        raise TypeError(f"Unsupported dtype for TensorType: {dtype!r}. Supported are {', '.join(all_dtypes)}")
    return name


def _length(n: Any) -> int | None:
    if n is None or n is False or n is np.False_:
        return None
    if n is True or n is np.True_:
        return 1
    try:
        length = index(n)
    except TypeError:
        raise TypeError(
            f"A length in a shape must be an integer, True (1), False or None (unknown), got {n!r}"
        ) from None
    if length < 0:
        raise ValueError(f"A length in a shape must not be negative, got {n}")
    return length


def _brief(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = ["TOLERANCES", "Constant", "TensorType", "tensor_type"]
