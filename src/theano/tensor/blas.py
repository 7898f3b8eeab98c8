"""The products that BLAS knows: Gemm, Gemv, Ger, Dot22, Dot22Scalar. Rewrites insert them; users may, too.

The ops are pure: `inplace` is accepted and means nothing, because the memory planner decides what is overwritten. As in
BLAS, an addend whose factor `beta` is 0 is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.arithmetic import mul
from theano.scalar.dtypes import upcast
from theano.tensor.careduce import Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.products import (
    BatchedDot,
    Dot,
    batched_dot,
    conjugated,
    differ,
    dot,
    gradient_term,
    outer,
    transposed,
)
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def _operands(op: Op, operands: Sequence[Any], ranks: Sequence[int]) -> list[Any]:
    """The operands as tensors of one dtype, their ranks checked."""
    tensors = [as_tensor_variable(x) for x in operands]
    for number, (x, rank) in enumerate(zip(tensors, ranks)):
        if x.ndim != rank:
            raise TypeError(f"{op}: operand {number} must have {rank} axes, got {x} of type {x.type}")
    dtype = upcast(*(x.dtype for x in tensors))
    return [cast_to(x, dtype) for x in tensors]


def _require(op: Op, pairs: Sequence[tuple[int | None, int | None]], shapes: Any) -> None:
    if any(differ(a, b) for a, b in pairs):
        raise ValueError(f"{op}: shapes do not fit: {shapes}")


def _check(op: Op, fits: bool, *shapes: Any) -> None:
    if not fits:
        raise ValueError(f"Shape mismatch: {op} of shapes {', '.join(map(str, shapes))}")


def _scaled(beta: np.ndarray, z: np.ndarray) -> Any:
    """beta * z, which is 0 where beta is 0, whatever z holds."""
    return beta * z if beta != 0 else np.zeros((), z.dtype)


class Gemm(Op):
    """beta * z + alpha * (x @ y), of matrices x, y, z and scalars alpha, beta. Inputs: z, alpha, x, y, beta."""

    __props__ = ()

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = False

    def make_node(self, z: Any, alpha: Any, x: Any, y: Any, beta: Any) -> Apply:
        z, alpha, x, y, beta = _operands(self, (z, alpha, x, y, beta), (2, 0, 2, 2, 0))
        (n, m), (rows, inner), (inner_too, columns) = z.type.shape, x.type.shape, y.type.shape
        _require(self, [(n, rows), (m, columns), (inner, inner_too)], [v.type.shape for v in (z, x, y)])
        shape = (rows if n is None else n, columns if m is None else m)
        return Apply(self, [z, alpha, x, y, beta], [TensorVariable(tensor_type(z.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        z, alpha, x, y, beta = inputs
        fits = x.shape[1] == y.shape[0] and z.shape == (x.shape[0], y.shape[1])
        _check(self, fits, z.shape, x.shape, y.shape)
        output_storage[0][0] = np.asarray(_scaled(beta, z) + alpha * np.dot(x, y), dtype=z.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (z, alpha, x, y, beta), (gz,) = inputs, output_gradients
        ca, cx, cy, cb = (conjugated(v) for v in (alpha, x, y, beta))
        terms = [
            mul(cb, gz),
            Sum()(mul(gz, conjugated(Dot()(x, y)))),
            mul(ca, Dot()(gz, transposed(cy))),
            mul(ca, Dot()(transposed(cx), gz)),
            Sum()(mul(gz, conjugated(z))),
        ]
        return [gradient_term(v, term) for v, term in zip(inputs, terms)]


class Gemv(Op):
    """beta * y + alpha * (a @ x), of a matrix a, vectors x, y and scalars. Inputs: y, alpha, a, x, beta."""

    __props__ = ()

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = False

    def make_node(self, y: Any, alpha: Any, a: Any, x: Any, beta: Any) -> Apply:
        y, alpha, a, x, beta = _operands(self, (y, alpha, a, x, beta), (1, 0, 2, 1, 0))
        (n,), (rows, inner), (inner_too,) = y.type.shape, a.type.shape, x.type.shape
        _require(self, [(n, rows), (inner, inner_too)], [v.type.shape for v in (y, a, x)])
        return Apply(
            self, [y, alpha, a, x, beta], [TensorVariable(tensor_type(y.dtype, (rows if n is None else n,)))]
        )

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        y, alpha, a, x, beta = inputs
        _check(self, a.shape == (len(y), len(x)), y.shape, a.shape, x.shape)
        output_storage[0][0] = np.asarray(_scaled(beta, y) + alpha * np.dot(a, x), dtype=y.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (y, alpha, a, x, beta), (gz,) = inputs, output_gradients
        calpha, ca, cx, cb = (conjugated(v) for v in (alpha, a, x, beta))
        terms = [
            mul(cb, gz),
            Sum()(mul(gz, conjugated(Dot()(a, x)))),
            mul(calpha, outer(gz, cx)),
            mul(calpha, Dot()(transposed(ca), gz)),
            Sum()(mul(gz, conjugated(y))),
        ]
        return [gradient_term(v, term) for v, term in zip(inputs, terms)]


class Ger(Op):
    """a + alpha * outer(x, y), of a matrix a, vectors x, y and a scalar. Inputs: a, alpha, x, y."""

    __props__ = ()

    def __init__(self, destructive: bool = False) -> None:
        self.destructive = False

    def make_node(self, a: Any, alpha: Any, x: Any, y: Any) -> Apply:
        a, alpha, x, y = _operands(self, (a, alpha, x, y), (2, 0, 1, 1))
        (n, m), (rows,), (columns,) = a.type.shape, x.type.shape, y.type.shape
        _require(self, [(n, rows), (m, columns)], [v.type.shape for v in (a, x, y)])
        shape = (rows if n is None else n, columns if m is None else m)
        return Apply(self, [a, alpha, x, y], [TensorVariable(tensor_type(a.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, alpha, x, y = inputs
        _check(self, a.shape == (len(x), len(y)), a.shape, x.shape, y.shape)
        output_storage[0][0] = np.asarray(a + alpha * np.outer(x, y), dtype=a.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (_, alpha, x, y), (gz,) = inputs, output_gradients
        calpha, cx, cy = (conjugated(v) for v in (alpha, x, y))
        along_x = Dot()(gz, cy)
        terms = [gz, Sum()(mul(along_x, cx)), mul(calpha, along_x), mul(calpha, Dot()(cx, gz))]
        return [gradient_term(v, term) for v, term in zip(inputs, terms)]


class Dot22(Dot):
    """Matrix product of two matrices of one dtype."""

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        if x.ndim != 2 or y.ndim != 2:
            raise TypeError(f"Dot22 takes two matrices, got {x} of type {x.type} and {y} of type {y.type}")
        if x.dtype != y.dtype:
            raise TypeError(f"Dot22 takes matrices of one dtype, got {x.dtype} and {y.dtype}; dot takes both")
        return super().make_node(x, y)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return Dot().L_op(inputs, outputs, output_gradients)

    def __str__(self) -> str:
        return "Dot22"


class Dot22Scalar(Op):
    """Matrix product of two matrices, times a scalar. Inputs: x, y, the scalar."""

    __props__ = ()

    def make_node(self, x: Any, y: Any, factor: Any) -> Apply:
        x, y, factor = _operands(self, (x, y, factor), (2, 2, 0))
        (rows, inner), (inner_too, columns) = x.type.shape, y.type.shape
        _require(self, [(inner, inner_too)], [v.type.shape for v in (x, y)])
        return Apply(self, [x, y, factor], [TensorVariable(tensor_type(x.dtype, (rows, columns)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y, factor = inputs
        _check(self, x.shape[1] == y.shape[0], x.shape, y.shape)
        output_storage[0][0] = np.asarray(factor * np.dot(x, y), dtype=x.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        x, y, _ = input_shapes
        return [(x[0], y[1])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, y, factor), (gz,) = inputs, output_gradients
        cx, cy, cf = (conjugated(v) for v in (x, y, factor))
        terms = [
            mul(cf, Dot()(gz, transposed(cy))),
            mul(cf, Dot()(transposed(cx), gz)),
            Sum()(mul(gz, conjugated(Dot()(x, y)))),
        ]
        return [gradient_term(v, term) for v, term in zip(inputs, terms)]


gemm = gemm_inplace = gemm_no_inplace = Gemm()
gemv = gemv_inplace = gemv_no_inplace = Gemv()
ger = ger_destructive = Ger()
_dot22 = Dot22()
_dot22scalar = Dot22Scalar()

__all__ = [
    "BatchedDot", "Dot22", "Dot22Scalar", "Gemm", "Gemv", "Ger", "batched_dot", "dot", "gemm", "gemm_inplace",
    "gemm_no_inplace", "gemv", "gemv_inplace", "gemv_no_inplace", "ger", "ger_destructive",
]
