"""Matrices of ones and zeros, and what they cut out of others: identity, triangles.

Diagonals are in `diagonal.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano.graph.node import Apply
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import (
    LengthsOp,
    dimension,
    dtype_name,
    new_array,
    run_time_lengths,
    static_lengths,
)
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Eye(LengthsOp):
    """n × m matrix with ones on diagonal k."""

    __props__ = ("dtype",)

    def __init__(self, dtype: Any = None) -> None:
        self.dtype = dtype_name(dtype)

    def make_node(self, n: Any, m: Any, k: Any) -> Apply:
        lengths = [dimension(n), dimension(m)]
        shape = static_lengths(lengths)
        return Apply(self, [*lengths, dimension(k)], [TensorVariable(tensor_type(self.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        n, m = run_time_lengths(inputs[:2], "eye")
        out = new_array(np.zeros, (n, m), self.dtype)
        k = int(inputs[2])
        count = max(min(n + min(k, 0), m - max(k, 0)), 0)
        rows = np.arange(count) + max(-k, 0)
        out[rows, rows + k] = 1
        output_storage[0][0] = out

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(node.inputs[:2])]

    def do_constant_folding(self, node: Apply) -> bool:
        return False


class Tri(LengthsOp):
    """N × M matrix with ones on and below diagonal k."""

    __props__ = ("dtype",)

    def __init__(self, dtype: Any = None) -> None:
        self.dtype = dtype_name(dtype)

    def make_node(self, N: Any, M: Any, k: Any) -> Apply:
        lengths = [dimension(N), dimension(M)]
        shape = static_lengths(lengths)
        return Apply(self, [*lengths, dimension(k)], [TensorVariable(tensor_type(self.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        n, m = run_time_lengths(inputs[:2], "tri")
        below = np.arange(n)[:, None] + int(inputs[2]) >= np.arange(m)
        output_storage[0][0] = below.astype(self.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(node.inputs[:2])]

    def do_constant_folding(self, node: Apply) -> bool:
        return False


def eye(n: Any, m: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """n × m matrix (m None: n) with ones on diagonal k (above the main one if positive); dtype None is floatX.

    >>> eye(2, 3, k=1).eval().tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return Eye(dtype_name(dtype))(n, n if m is None else m, k)


def identity_like(x: Any) -> Any:
    """The identity matrix of the shape and dtype of the matrix x."""
    x = as_tensor_variable(x)
    if x.type.ndim != 2:
        raise TypeError(f"identity_like takes a matrix; got {x} of type {x.type}")
    return eye(x.shape[0], x.shape[1], k=0, dtype=x.type.dtype)


def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """N × M matrix (M None: N) with ones on and below diagonal k; dtype None is floatX."""
    return Tri(dtype_name(dtype))(N, N if M is None else M, k)


def _triangle(m: Any, k: Any, what: str) -> tuple[Any, Any]:
    m = as_tensor_variable(m)
    if m.type.ndim < 2:
        raise TypeError(f"{what} takes a matrix (or a stack of matrices); got {m} of type {m.type}")
    return m, tri(m.shape[m.type.ndim - 2], m.shape[m.type.ndim - 1], k=k, dtype="bool")


def tril(m: Any, k: Any = 0) -> Any:
    """m with zeros above diagonal k (in its last two axes).

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> tril(m).eval({m: [[1.0, 2.0], [3.0, 4.0]]}).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    m, below = _triangle(m, k, "tril")
    return scalar.switch(below, m, np.zeros((), m.type.dtype))


def triu(m: Any, k: Any = 0) -> Any:
    """m with zeros below diagonal k (in its last two axes)."""
    m, below = _triangle(m, dimension(k) - 1, "triu")
    return scalar.switch(below, np.zeros((), m.type.dtype), m)
