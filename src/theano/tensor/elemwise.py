"""Elemwise: apply a scalar record to tensors, element by element, with broadcasting.

All inputs of a node have the same rank (shorter ones are padded on the left by a DimShuffle when the node is made).
An axis broadcasts where its length is known to be one, and only there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np

from theano._config import config
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import real_dtype, upcast
from theano.scalar.op import DISCONNECTED, UNDEFINED, ZERO, ScalarOp
from theano.scalar.selection import cast_to as cast_record
from theano.scalar.user_ops import UserScalarOp
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.masking import mask_for
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Elemwise(Op):
    """`scalar_op` applied to every element of its broadcast inputs.

    Raises TypeError for dtypes that the record refuses, ValueError for lengths that are known to differ.
    """

    __props__ = ("scalar_op",)
    is_cheap = True
    is_total = True

    # (x, axes) -> sum of x over axes; set by tensor/reductions.py
    sum_over: ClassVar[Callable[[Any, tuple[int, ...]], Any] | None] = None

    def __init__(self, scalar_op: ScalarOp, inplace_pattern: Any = None, name: str | None = None) -> None:
        self.scalar_op = scalar_op
        self.name = name
        self._hash = hash((Elemwise, scalar_op))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> Any:
        return type(self), (self.scalar_op, None, self.name)   # hashes are of one process

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.scalar_op == other.scalar_op)  # type: ignore[attr-defined]

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs: Any) -> Any:
        if self.scalar_op.define is not None:
            result = self.scalar_op.define(*(as_tensor_variable(x) for x in inputs))
            if name is not None:
                result.name = name
            return [result] if return_list else result
        return super().__call__(*inputs, name=name, return_list=return_list, **kwargs)

    def make_node(self, *inputs: Any) -> Apply:
        record = self.scalar_op
        if record.nin is not None and len(inputs) != record.nin:
            raise TypeError(f"{record.name} takes {record.nin} arguments, got {len(inputs)}")
        if not inputs:
            raise TypeError(f"{record.name} takes at least one argument")
        tensors = [as_tensor_variable(x) for x in inputs]
        ndim = max(len(x.type.shape) for x in tensors)
        for position, x in enumerate(tensors):
            missing = ndim - len(x.type.shape)
            if missing:
                tensors[position] = _left_padding(x.type.broadcastable, missing)(x)
        dtype = record.output_dtype(*[x.type.dtype for x in tensors])
        shapes = [x.type.shape for x in tensors]
        shape = shapes[0] if len(shapes) == 1 else broadcast_static(shapes, record.name, tensors)
        return Apply(self, tensors, [TensorVariable(tensor_type(dtype, shape), None, None)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        record = self.scalar_op
        out: Any = node.outputs[0].type
        shape = run_time_shape(node, inputs)
        if record.compute == "own":
            values = list(inputs)
        else:
            compute = out.dtype if record.compute == "out" else upcast(*[v.type.dtype for v in node.inputs])  # type: ignore[attr-defined]
            values = [x.astype(compute, copy=False) for x in inputs]
        assert record.numpy is not None
        with np.errstate(all="ignore"):
            result = np.asarray(record.numpy(*values))
            if result.dtype != out.dtype:
                result = result.astype(out.dtype)
        if result.shape != shape:
            result = np.broadcast_to(result, shape)
        if result.base is not None or any(result is x for x in inputs) or not result.flags.writeable:
            result = result.copy()
        output_storage[0][0] = result

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (z,), (gz,) = outputs, output_gradients
        if isinstance(gz.type, (DisconnectedType, NullType)):
            return [gz.type() for _ in inputs]
        record = self.scalar_op
        if z.type.dtype in _DISCRETE:
            terms: Sequence[Any] = [
                DISCONNECTED if n in record.disconnected else ZERO for n in range(len(inputs))
            ]
        elif record.grad is None:
            terms = [UNDEFINED] * len(inputs)
        else:
            mask = mask_for(gz, record.name, inputs)
            values = [_as_computed(x, real_dtype(z.type.dtype)) for x in inputs] if record.compute == "out" else inputs
            result = record.grad(*values, z, gz if mask is None else mask.value)
            terms = result if isinstance(result, (tuple, list)) else [result]
            if len(terms) != len(inputs):
                raise ValueError(f"The gradient of {record.name} gave {len(terms)} terms for {len(inputs)} inputs")
            if mask is not None:
                terms = [term if isinstance(term, str) else mask.apply(as_tensor_variable(term)) for term in terms]
        return [self._term(number, x, term) for number, (x, term) in enumerate(zip(inputs, terms))]

    def _term(self, number: int, x: Any, term: Any) -> Any:
        if isinstance(term, str):
            if term == DISCONNECTED:
                return disconnected_type()
            if term == UNDEFINED:
                return NullType(
                    f"{self.scalar_op.name} has no known derivative with respect to its input {number} ({x})"
                )()
            dtype = x.type.dtype if x.type.dtype not in _DISCRETE else config.floatX
            return ScalarOp.registry["second"](x, np.zeros((), dtype))
        term = as_tensor_variable(term)
        if term.type.dtype != x.type.dtype and x.type.dtype not in _DISCRETE:
            term = cast_to(term, x.type.dtype)
        summed = tuple(
            axis for axis, (mine, theirs) in enumerate(zip(x.type.shape, term.type.shape)) if mine == 1 and theirs != 1
        )
        if summed:
            assert Elemwise.sum_over is not None
            term = Elemwise.sum_over(term, summed)
            kept = iter(range(term.ndim))
            order = ["x" if axis in summed else next(kept) for axis in range(len(x.type.shape))]
            term = DimShuffle(term.type.broadcastable, order)(term)
        elif len(term.type.shape) < len(x.type.shape) or any(
            t == 1 and m != 1 for m, t in zip(x.type.shape, term.type.shape)
        ):
            term = ScalarOp.registry["second"](x, term)
        return term

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape = []
        for axis, known in enumerate(node.outputs[0].type.shape):  # type: ignore[attr-defined]
            if known is not None:
                shape.append(known)
                continue
            for variable, lengths in zip(node.inputs, input_shapes):
                if variable.type.shape[axis] != 1:  # type: ignore[attr-defined]
                    shape.append(lengths[axis])
                    break
            else:
                shape.append(1)
        return [tuple(shape)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[n not in self.scalar_op.disconnected] for n in range(len(node.inputs))]

    def __str__(self) -> str:
        return self.name or f"Elemwise{{{self.scalar_op.name}}}"


_DISCRETE = frozenset(
    ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
)


def broadcast_static(
    shapes: Sequence[tuple[int | None, ...]], name: str, variables: Sequence[Any]
) -> tuple[int | None, ...]:
    """The static shape of operands of equal rank broadcast together. ValueError where known lengths differ."""
    shape: list[int | None] = []
    for axis, lengths in enumerate(zip(*shapes)):
        length: int | None = 1
        for n in lengths:
            if n == 1 or n == length:
                continue
            if length == 1 or length is None:
                length = n
            elif n is not None:
                listed = ", ".join(f"{v} of type {v.type}" for v in variables)
                raise ValueError(
                    f"{name}: the lengths of axis {axis} differ, {length} and {n}, and neither is 1. Operands: {listed}"
                )
        shape.append(length)
    return tuple(shape)


def run_time_shape(node: Apply, values: Sequence[Any]) -> tuple[int, ...]:
    """The shape of an elementwise result; ValueError if lengths do not fit the static broadcasting pattern."""
    shape = []
    for axis in range(len(node.outputs[0].type.shape)):  # type: ignore[attr-defined]
        length, source = 1, -1
        for number, (variable, value) in enumerate(zip(node.inputs, values)):
            if variable.type.shape[axis] == 1:  # type: ignore[attr-defined]
                continue
            n = value.shape[axis]
            if source < 0:
                length, source = n, number
            elif n != length:
                remedy = (
                    " Length 1 broadcasts only where it is known when the expression is built: use a row or column "
                    "type, addbroadcast(x, axis), or shape= in the type."
                    if 1 in (n, length)
                    else ""
                )
                raise ValueError(
                    f"Input dimension mismatch: input[{source}].shape[{axis}] = {length}, but "
                    f"input[{number}].shape[{axis}] = {n}.{remedy}"
                )
        shape.append(length)
    return tuple(shape)


def _as_computed(x: Any, dtype: str) -> Any:
    """An operand as a function has it whose results (or their parts) have this dtype: squares of integers wrap."""
    if x.type.dtype not in _DISCRETE:
        return x
    inner = x.owner.inputs[0] if x.owner is not None and isinstance(x.owner.op, DimShuffle) else x
    if not isinstance(inner, Constant) or inner.data.size != 1:
        return cast_to(x, dtype)
    number = as_tensor_variable(inner.data.astype(dtype))   # gradients look what number it is
    return number if inner is x else x.owner.op(number)


def cast_to(x: Any, dtype: str) -> Any:
    """`x` with its elements converted to `dtype`; `x` itself when it has that dtype."""
    if x.type.dtype == dtype:
        return x
    return elemwise_of(cast_record(dtype))(x)


@lru_cache(maxsize=256)
def _left_padding(broadcastable: tuple[bool, ...], missing: int) -> DimShuffle:
    """The op that adds `missing` axes of length one on the left."""
    return DimShuffle(broadcastable, ["x"] * missing + list(range(len(broadcastable))))


@cache
def elemwise_of(record: ScalarOp) -> Elemwise:
    """The one Elemwise op of a record; `help(op)` tells what the record says of itself."""
    op = Elemwise(record)
    op.__doc__ = (
        f"{record.doc}\n\nApplied element by element, with broadcasting. The result's dtype: {record.dtype.__doc__}"
    )
    return op


def _apply(record: ScalarOp, *inputs: Any, **kwargs: Any) -> Any:
    return elemwise_of(record)(*inputs, **kwargs)


ScalarOp.apply = staticmethod(_apply)  # type: ignore[assignment]
UserScalarOp.type_of = staticmethod(lambda dtype: tensor_type(dtype, ()))  # type: ignore[assignment]


def __getattr__(name: str) -> Any:
    """Names that the original has in this module."""
    home = _ELSEWHERE.get(name)
    if home is None:
        raise AttributeError(f"module 'theano.tensor.elemwise' has no attribute {name!r}")
    return getattr(importlib.import_module(f"theano.tensor.{home}"), name)


_ELSEWHERE = {
    "CAReduce": "careduce", "CAReduceDtype": "careduce", "Sum": "careduce", "Prod": "careduce",
    "ProdWithoutZeros": "careduce", "All": "truth",
}  # fmt: skip
