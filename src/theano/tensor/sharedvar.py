"""Shared variables that hold arrays and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.shared import SharedVariable, shared_constructor
from theano.tensor.type import TensorType
from theano.tensor.variable import TensorOperators


class TensorSharedVariable(TensorOperators, SharedVariable):
    """A shared variable with a dense array; all operators and methods of tensors work on it."""

    type: TensorType

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The array: a copy, or with `borrow` the stored one; who writes to that changes the value.

        An array that is kept stays as it is when a function updates the variable: the new value is another array then.
        """
        value = self.container.value
        return value if borrow or value is None else np.array(value, copy=True, order="K")

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the array by a copy of `new_value`, or with `borrow` by the array itself.

        The shape may change; rank, axes of static length and dtype must fit (a narrower dtype is converted).
        Raises TypeError otherwise.
        """
        if not borrow and isinstance(new_value, np.ndarray):
            new_value = np.array(new_value, copy=True, order="K")
        self.container.value = new_value


class ScalarSharedVariable(TensorSharedVariable):
    """A shared variable with a 0-d array."""


def _refuse_devices(target: str) -> None:
    if target != "cpu":
        raise TypeError(f"There is no device {target!r}; values live on 'cpu'.")


def _own(value: np.ndarray, given: Any, borrow: bool) -> np.ndarray:
    shares = value is given or (isinstance(given, np.ndarray) and np.may_share_memory(value, given))
    return np.array(value, copy=True, order="K") if shares and not borrow else value


@shared_constructor
def tensor_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    broadcastable: Sequence[bool] | None = None,
    target: str = "cpu",
    shape: Sequence[int | None] | None = None,
) -> TensorSharedVariable:
    """A shared variable for an ndarray. No axis is broadcastable unless `broadcastable` or `shape` says so, because a
    later value may have another shape. TypeError for anything but an ndarray of a supported dtype."""
    _refuse_devices(target)
    if not isinstance(value, np.ndarray):
        raise TypeError("the value is not an ndarray")
    if shape is None:
        shape = (False,) * value.ndim if broadcastable is None else broadcastable
    kind = TensorType(value.dtype, shape)
    made = TensorSharedVariable(name, kind, value, strict, allow_downcast)
    made.container.storage[0] = _own(made.container.storage[0], value, borrow)
    return made


@shared_constructor
def scalar_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    target: str = "cpu",
) -> ScalarSharedVariable:
    """A 0-d shared variable for a Python or NumPy number: int64 for ints, float64 for floats (whatever floatX is), bool
    for bools. TypeError for anything else."""
    _refuse_devices(target)
    if not isinstance(value, (np.generic, float, int, complex)):
        raise TypeError("the value is not a number")
    array = np.asarray(value, dtype=None if type(value) is not int else _int_dtype(value))
    return ScalarSharedVariable(name, TensorType(array.dtype, ()), array, strict, allow_downcast)


def _int_dtype(value: int) -> str:
    return "int64" if -(2**63) <= value < 2**63 else "uint64" if 0 <= value < 2**64 else "object"
