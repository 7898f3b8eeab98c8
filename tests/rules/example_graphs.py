"""What the tables of examples share: variables by rank, and graphs made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.tensor.type import TensorType

Example = Callable[[], tuple[list[Any], Any]]


def v(name: str = "x", dtype: str = "float64") -> Any:
    return TensorType(dtype, (None,))(name)


def m(name: str = "x", dtype: str = "float64") -> Any:
    return TensorType(dtype, (None, None))(name)


def t3(name: str = "x", dtype: str = "float64") -> Any:
    return TensorType(dtype, (None, None, None))(name)


def sc(name: str = "a", dtype: str = "float64") -> Any:
    return TensorType(dtype, ())(name)


def on(*variables: Any, build: Callable[..., Any]) -> Example:
    return lambda: (list(variables), build(*variables))


def fixed(*shape: int | None, name: str = "x") -> Any:
    return TensorType("float64", shape)(name)
