"""Symbolic None and slices, defaults for missing values, and moves between devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.type import SingletonType, Type, disconnected_type
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable


class NoneTypeT(SingletonType):
    """The type whose only value is None."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> None:
        if data is not None:
            raise TypeError(f"Expected None, got {data!r}")
        return None

    def values_eq(self, a: Any, b: Any) -> bool:
        return a is None and b is None


none_type_t = NoneTypeT()
NoneConst = none_type_t.make_constant(None, name="NoneConst")


class SliceType(SingletonType):
    """The type of Python slices."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> slice:
        if not isinstance(data, slice):
            raise TypeError(f"Expected a slice, got {data!r}")
        return data

    def make_constant(self, value: Any, name: str | None = None) -> Constant:
        """A constant slice."""
        return SliceConstant(self, value, name)

    def values_eq(self, a: Any, b: Any) -> bool:
        return bool(a == b)


slicetype = SliceType()


class SliceConstant(Constant):
    """A slice with fixed bounds. TypeError if a bound is neither None nor an integer."""

    def __init__(self, type: Type, data: Any, name: str | None = None) -> None:
        bounds = []
        for bound in (data.start, data.stop, data.step):
            if isinstance(bound, np.ndarray) and bound.ndim == 0:
                bound = bound.item()
            if bound is not None and not isinstance(bound, (int, np.integer)):
                raise TypeError(f"A bound of a slice is an integer or None; got {bound!r} in {data}")
            bounds.append(None if bound is None else int(bound))
        super().__init__(type, slice(*bounds), name)

    def signature(self) -> Any:
        return (SliceConstant, self.data.start, self.data.stop, self.data.step)

    def __str__(self) -> str:
        return f"SliceConstant{{{self.data.start}, {self.data.stop}, {self.data.step}}}"


def as_int_none_variable(x: Any) -> Any:
    """A bound of a slice as a variable: NoneConst for None, else a 0-d integer (TypeError otherwise)."""
    if x is None:
        return NoneConst
    if isinstance(x, Variable) and isinstance(x.type, NoneTypeT):
        return x
    bound = as_tensor_variable(x, ndim=0)
    if bound.type.dtype not in discrete_dtypes:
        raise TypeError(f"A bound of a slice must be an integer, got {bound} of type {bound.type}; use // for /")
    return bound


class MakeSlice(Op):
    """A slice built of symbolic bounds."""

    __props__ = ()

    def make_node(self, start: Any, stop: Any = None, step: Any = None) -> Apply:
        if isinstance(start, slice):
            start, stop, step = start.start, start.stop, start.step
        return Apply(self, [as_int_none_variable(b) for b in (start, stop, step)], [slicetype()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = slice(*(None if b is None else int(b) for b in inputs))

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type() for _ in inputs]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False] for _ in node.inputs]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [None]


make_slice = MakeSlice()


class Default(Op):
    """The value of the first input; that of the second where the first is None at run time."""

    __props__ = ()

    def make_node(self, x: Any, default: Any) -> Apply:
        x, default = (v if isinstance(v, Variable) else as_tensor_variable(v) for v in (x, default))
        if x.type != default.type:
            raise TypeError(f"default: both arguments must have the same type, got {x.type} and {default.type}")
        return Apply(self, [x, default], [default.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, value = inputs
        chosen = value if x is None else x
        output_storage[0][0] = chosen.copy() if hasattr(chosen, "copy") else chosen

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        raise NotImplementedError("default(x, d) has no gradient: which of the two is used is known at run time only")


default = Default()
setdefault = default

_transfers: list[Callable[[Any, str], Any]] = []


def register_transfer(fn: Callable[[Any, str], Any]) -> None:
    """Add a device: `fn(variable, target)` gives the moved variable, or None for targets that it does not know."""
    _transfers.append(fn)


def transfer(var: Any, target: str) -> Any:
    """`var` on another device: "cpu", or a target that a registered function knows. ValueError for others."""
    if target == "cpu":
        return as_tensor_variable(var)
    for fn in reversed(_transfers):
        moved = fn(var, target)
        if moved is not None:
            return moved
    raise ValueError(f"Cannot move to target {target!r}; known are 'cpu' and what register_transfer has added")
