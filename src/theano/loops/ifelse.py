"""ifelse: one of two branches, of which only the one that is taken is computed.

`IfElse` is the op that users build; in a graph it is an ordinary node with both branches as inputs, so that it can be
differentiated and printed like any other. When a function is compiled, `branches.py` moves what only a branch needs
into that branch. Elementwise choice is `theano.tensor.switch`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, disconnected_type
from theano.tensor.convert import as_tensor_variable
from theano.tensor.region import zero_for
from theano.tensor.type import TensorType, tensor_type


class IfElse(Op):
    """The first or the second half of the inputs after the condition, which is a number: true where it is not zero.

    n_outs   how many values each branch has
    as_view  accepted: results may share memory with inputs inside a compiled function
    gpu      accepted, without effect
    name     shown when the op is printed
    """

    __props__ = ("n_outs", "name")

    def __init__(self, n_outs: int, as_view: bool = False, gpu: bool = False, name: str | None = None) -> None:
        if n_outs < 1:
            raise ValueError(f"IfElse needs at least one value in each branch, got n_outs={n_outs}")
        self.n_outs = n_outs
        self.as_view = as_view
        self.gpu = gpu
        self.name = name

    def __str__(self) -> str:
        return f"if{{{self.name}}}" if self.name else "if"

    is_lazy = True

    def needed(self, condition: Any) -> range:
        """The positions of the inputs that a condition asks for."""
        start = 1 if np.asarray(condition).item() else 1 + self.n_outs
        return range(start, start + self.n_outs)

    def make_node(self, condition: Any, *branches: Any) -> Apply:
        condition = _condition(condition)
        if len(branches) != 2 * self.n_outs:
            raise ValueError(
                f"{self}: each branch must have {self.n_outs} values, got {len(branches)} values for both"
            )
        listed = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in branches]
        kinds = [_joined(self, a, b) for a, b in zip(listed[: self.n_outs], listed[self.n_outs :])]
        return Apply(self, [condition, *listed], [kind() for kind in kinds])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        for cell, position in zip(output_storage, self.needed(inputs[0])):
            value = inputs[position]
            cell[0] = np.array(value) if isinstance(value, np.ndarray) else copy.deepcopy(value)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        same = [[k == j for j in range(self.n_outs)] for k in range(self.n_outs)]
        return [[False] * self.n_outs, *same, *same]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        condition, *branches = inputs
        taken, left = branches[: self.n_outs], branches[self.n_outs :]
        terms = [
            [self._masked(condition, g, v, is_then) for g, v in zip(output_gradients, branch)]
            for branch, is_then in ((taken, True), (left, False))
        ]
        return [disconnected_type(), *terms[0], *terms[1]]

    def _masked(self, condition: Any, gradient: Any, value: Any, is_then: bool) -> Any:
        """The gradient by a branch: zero where the branch is not taken."""
        if isinstance(gradient.type, DisconnectedType) or not isinstance(value.type, TensorType):
            return disconnected_type()
        zero = zero_for(value)
        if gradient.type.dtype != zero.type.dtype:
            gradient = gradient.astype(zero.type.dtype)
        pair = (gradient, zero) if is_then else (zero, gradient)
        return IfElse(1, name=self.name)(condition, *pair)

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        condition, *branches = inputs
        tangents = list(eval_points[1:])
        found: list[Any] = []
        for k in range(self.n_outs):
            pair = [tangents[k], tangents[k + self.n_outs]]
            if all(t is None for t in pair):
                found.append(None)
                continue
            values = (branches[k], branches[k + self.n_outs])
            a, b = (zero_for(v) if t is None else t for t, v in zip(pair, values))
            found.append(IfElse(1, name=self.name)(condition, a, b))
        return found


def _condition(condition: Any) -> Any:
    condition = as_tensor_variable(condition)
    if condition.type.ndim != 0:
        raise TypeError(
            f"The condition of ifelse must be a number (0-d), got {condition} of type {condition.type}. "
            "theano.tensor.switch chooses element by element; any() and all() make one number of many."
        )
    return condition


def _joined(op: IfElse, a: Any, b: Any) -> Any:
    """The type of a result that is one of two."""
    if isinstance(a.type, TensorType) and isinstance(b.type, TensorType):
        if a.type.dtype == b.type.dtype and a.type.broadcastable == b.type.broadcastable:
            if a.type.shape == b.type.shape:
                return a.type
            lengths = (n if n == m else None for n, m in zip(a.type.shape, b.type.shape))
            return tensor_type(a.type.dtype, tuple(lengths))
    elif a.type == b.type:
        return a.type
    raise TypeError(
        f"{op}: both branches must have the same type, got {a} of type {a.type} and {b} of type {b.type}. Cast one "
        "of them with astype, or make their axes of length one agree with theano.tensor.unbroadcast."
    )


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """`then_branch` if the condition is not zero, else `else_branch`; only that branch is computed.

    condition               a number (0-d variable)
    then_branch, else_branch   a variable each, or lists of as many variables; dtypes, ranks and broadcastable axes
                            must be the same, lengths may differ
    name                    shown when the op is printed

    Returns a variable, or a list where lists were given. What only one branch needs is computed only when that branch
    is taken. The gradient by what only the other branch uses is zero.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> f = theano.function([x], ifelse(x > 0, tt.sqrt(x), -x))
    >>> float(f(4.0)), float(f(-3.0))
    (2.0, 3.0)
    """
    several = isinstance(then_branch, (list, tuple)), isinstance(else_branch, (list, tuple))
    if several == (False, False):
        return IfElse(1, name=name)(condition, then_branch, else_branch)
    if several != (True, True) or len(then_branch) != len(else_branch):
        sizes = [len(b) if s else "a single value" for b, s in zip((then_branch, else_branch), several)]
        raise ValueError(f"ifelse: both branches must have the same number of values, got {sizes[0]} and {sizes[1]}")
    found = IfElse(len(then_branch), name=name)(condition, *then_branch, *else_branch, return_list=True)
    return list(found)
