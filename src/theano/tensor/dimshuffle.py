"""DimShuffle: permute axes, add axes of length one, drop axes of length one. Always a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType
from theano.tensor import convert
from theano.tensor.convert import as_tensor_variable
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

Order = tuple[int | str, ...]


class DimShuffle(Op):
    """Output axis k is input axis new_order[k], or a new axis of length one where that is "x".

    Input axes that `new_order` does not name are dropped; they must be known to have length one.
    `inplace` is accepted and means nothing: the op is a view.
    """

    __props__ = ("input_broadcastable", "new_order")
    view_map = {0: [0]}
    is_cheap = True
    is_total = True

    def __init__(self, input_broadcastable: Sequence[bool], new_order: Sequence[int | str], inplace: bool = True):
        self.input_broadcastable = tuple(bool(b) for b in input_broadcastable)
        ndim = len(self.input_broadcastable)
        order: list[int | str] = []
        for entry in new_order:
            if isinstance(entry, str):
                if entry != "x":
                    raise TypeError(f"dimshuffle takes axis numbers and 'x', got {entry!r}")
                order.append("x")
                continue
            axis = int(entry) + ndim if int(entry) < 0 else int(entry)
            if not 0 <= axis < ndim:
                raise ValueError(f"dimshuffle: axis {entry} is out of range for a tensor with {ndim} axes")
            if axis in order:
                raise ValueError(f"dimshuffle: axis {entry} is named twice in {tuple(new_order)}")
            order.append(axis)
        self.new_order: Order = tuple(order)
        self.drop = tuple(axis for axis in range(ndim) if axis not in order)
        for axis in self.drop:
            if not self.input_broadcastable[axis]:
                raise ValueError(
                    f"dimshuffle cannot drop axis {axis}, which is not known to have length one "
                    f"(input pattern {self.input_broadcastable}, new order {self.new_order}). Index it with 0, sum "
                    f"over it, or declare its length first (addbroadcast, specify_shape)."
                )
        self._hash = hash((DimShuffle, self.input_broadcastable, self.new_order))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> Any:
        return type(self), (self.input_broadcastable, self.new_order)   # hashes are of one process

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(self) is type(other)
            and self.new_order == other.new_order  # type: ignore[attr-defined]
            and self.input_broadcastable == other.input_broadcastable  # type: ignore[attr-defined]
        )

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        known = x.type.broadcastable
        if known != self.input_broadcastable:
            if len(known) != len(self.input_broadcastable):
                raise TypeError(
                    f"This dimshuffle is for tensors with {len(self.input_broadcastable)} axes; "
                    f"{x} has {x.ndim} (type {x.type})"
                )
            for axis in self.drop:
                if not known[axis]:
                    raise TypeError(f"Axis {axis} of {x} (type {x.type}) is not known to have length one")
        shape = tuple(1 if e == "x" else x.type.shape[e] for e in self.new_order)  # type: ignore[index]
        return Apply(self, [x], [TensorVariable(tensor_type(x.type.dtype, shape), None, None)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        for axis in self.drop:
            if x.shape[axis] != 1:
                raise ValueError(
                    f"dimshuffle drops axis {axis}, which must have length one; the shape is {x.shape}"
                )
        kept = [e for e in self.new_order if e != "x"]
        view = x.transpose(kept + list(self.drop)).reshape(tuple(x.shape[e] for e in kept)) if self.drop \
            else x.transpose(kept)
        index = tuple(None if e == "x" else slice(None) for e in self.new_order)
        output_storage[0][0] = view[index]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (gz,) = inputs, output_gradients
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        back: list[int | str] = ["x"] * x.ndim
        for position, entry in enumerate(self.new_order):
            if entry != "x":
                back[entry] = position  # type: ignore[index]
        return [dimshuffle(gz, back)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (shape,) = input_shapes
        return [tuple(1 if e == "x" else shape[e] for e in self.new_order)]

    def __str__(self) -> str:
        return f"DimShuffle{{{','.join(map(str, self.new_order))}}}"


def dimshuffle(x: Any, *pattern: Any) -> Any:
    """Permute, add ("x") and drop axes: `dimshuffle(x, 1, 0)`, `dimshuffle(x, "x", 0)`, `dimshuffle(x, (0, "x"))`.

    Dropped axes must be known to have length one (ValueError).

    >>> from theano.tensor import dmatrix
    >>> dimshuffle(dmatrix("m"), [1, "x", 0]).broadcastable
    (False, True, False)
    """
    if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)):
        pattern = tuple(pattern[0])
    x = as_tensor_variable(x)
    if pattern == tuple(range(x.ndim)):
        return x
    return DimShuffle(x.type.broadcastable, pattern)(x)


def _fit_ndim(x: Any, ndim: int) -> Any:
    """`x` with axes of length one added or dropped on the left."""
    extra = x.ndim - ndim
    if extra < 0:
        return dimshuffle(x, ["x"] * -extra + list(range(x.ndim)))
    if not all(x.broadcastable[:extra]):
        raise ValueError(f"{x} has {x.ndim} axes of which the first {extra} are not known to have length one: "
                         f"it cannot be read as a tensor with {ndim} axes")
    return dimshuffle(x, list(range(extra, x.ndim)))


convert.fit_ndim = _fit_ndim
