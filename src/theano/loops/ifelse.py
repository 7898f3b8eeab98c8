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

from theano.graph.conditional import Conditional
from theano.graph.node import Apply, Variable
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.scalar.dtypes import upcast
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.shape import unbroadcast
from theano.tensor.type import TensorType, tensor_type
from theano.transforms.terms import zeros_for


class IfElse(Conditional):
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

    def is_read_if(self, position: int) -> bool:
        return position <= self.n_outs

    def terms_in_branches(self, inputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type(), *output_gradients, *output_gradients]

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        if isinstance(a.type, TensorType) and isinstance(b.type, TensorType):
            dtype = upcast(a.type.dtype, b.type.dtype)
            one = [n == m == 1 for n, m in zip(a.type.shape, b.type.shape)]
            a, b = (
                unbroadcast(
                    cast_to(v, dtype), *(k for k, n in enumerate(v.type.shape) if n == 1 and not one[k])
                ) for v in (a, b)
            )  # fmt: skip
        return IfElse(1, name=self.name)(condition, a, b)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        terms = [disconnected_type()]
        for position, term in list(enumerate(self.terms_in_branches(inputs, output_gradients)))[1:]:
            if not isinstance(term.type, (DisconnectedType, NullType)):
                pair = (term, zeros_for(inputs[position]))
                term = self.choose(inputs[0], *(pair if self.is_read_if(position) else pair[::-1]))
            terms.append(term)
        return terms

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
            a, b = (zeros_for(v) if t is None else t for t, v in zip(pair, values))
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
