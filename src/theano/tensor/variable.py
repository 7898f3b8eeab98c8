"""TensorVariable and TensorConstant: the symbols of tensors.

Operators and methods (`x + y`, `x.sum()`, `x[i]`) are installed on `TensorOperators` by `methods.py`, which sits above
the ops; nothing here knows them.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any

import numpy as np

from theano.graph.node import Constant, Variable
from theano.tensor.type import TensorType, tensor_type


class TensorOperators:
    """Attributes of everything that is a tensor; `methods.py` adds operators and methods here."""

    __array_priority__ = 1000
    type: TensorType

    @property
    def dtype(self) -> str:
        """The dtype's NumPy name."""
        return self.type.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.type.shape)

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For every axis: is its length known to be one?"""
        return self.type.broadcastable


class TensorVariable(TensorOperators, Variable):
    """A symbolic tensor."""

    type: TensorType


class TensorConstant(TensorOperators, Constant):
    """A tensor with a fixed value; its static shape is the value's."""

    type: TensorType
    _signature: Any = None

    def __init__(self, type: TensorType, data: Any, name: str | None = None) -> None:
        super().__init__(type, data, name)
        if self.data.shape != type.shape:
            self.type = tensor_type(type.dtype, self.data.shape)
        if self.data.flags.writeable:
            self.data = self.data.copy()
            self.data.setflags(write=False)

    def signature(self) -> Any:
        """Equal for constants of equal dtype, shape and bits (so NaN equals NaN and 0.0 differs from -0.0)."""
        if self._signature is None:
            self._signature = TensorConstantSignature(self.data)
        return self._signature

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_signature", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.data.setflags(write=False)


class TensorConstantSignature(tuple):
    """Dtype, shape and bits of a constant as a dictionary key."""

    data: np.ndarray

    def __new__(cls, data: np.ndarray) -> TensorConstantSignature:
        contiguous = np.ascontiguousarray(data)
        content = contiguous.tobytes() if data.nbytes <= 4096 else _LargeContent(contiguous)
        signature = super().__new__(cls, (data.dtype.name, data.shape, content))
        signature.data = data
        return signature

    @cached_property
    def sum(self) -> Any:
        """The sum of the elements."""
        with np.errstate(all="ignore"):
            return self.data.sum()

    @cached_property
    def no_nan(self) -> np.ndarray:
        """The elements, masked where they are NaN."""
        return np.ma.masked_invalid(self.data) if self.has_nan else self.data

    @cached_property
    def has_nan(self) -> bool:
        """Is an element NaN?"""
        return self.data.dtype.kind in "fc" and bool(np.isnan(self.data).any())


class _LargeContent:
    """The bits of a large array as a dictionary key, without a copy of them."""

    __slots__ = ("checksum", "data")

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.checksum = zlib.crc32(data.reshape(-1).view(np.uint8).data)

    def __hash__(self) -> int:
        return self.checksum

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _LargeContent)
            and self.checksum == other.checksum
            and self.data.nbytes == other.data.nbytes
            and bool((self.data.view(np.uint8) == other.data.view(np.uint8)).all())
        )


TensorType.Variable = TensorVariable
TensorType.Constant = TensorConstant
