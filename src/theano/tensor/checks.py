"""Ops that watch over a value at run time and pass it on: Assert, Raise, PdbBreakpoint.

Lazy conditionals are not here, nor are checks of shapes (SpecifyShape, in `shape_ops.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable


class Assert(Op):
    """The value, if all conditions hold; AssertionError with `msg` when one of them does not.

    Called as `Assert("message")(value, *conditions)` with 0-d conditions. The result has to be used in place of
    `value`: what no output needs is not computed. A condition that is known to hold is dropped; a mode with
    optimizer="unsafe" drops all. Gradients pass unchanged.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> checked = tt.opt.Assert("x must not be empty")(x, x.size > 0)
    >>> float(theano.function([x], checked.sum())([1.0, 2.0]))
    3.0
    """

    __props__ = ("msg",)
    view_map = {0: [0]}

    def __init__(self, msg: str = "Theano Assert failed!") -> None:
        self.msg = msg

    def make_node(self, *inputs: Any) -> Apply:
        if not inputs:
            raise TypeError("Assert takes a value and conditions, got nothing")
        value = inputs[0] if isinstance(inputs[0], Variable) else as_tensor_variable(inputs[0])
        conditions = [as_tensor_variable(c) for c in inputs[1:]]
        for number, c in enumerate(conditions):
            if c.type.ndim != 0:
                raise TypeError(
                    f"Assert: condition {number} ({c}) has {c.type.ndim} dimensions, it must have none; "
                    f"use all(condition) or any(condition)."
                )
        return Apply(self, [value, *conditions], [value.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        value, *conditions = inputs
        if not all(bool(np.all(c)) for c in conditions):
            raise AssertionError(self.msg)
        output_storage[0][0] = value

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [*output_gradients, *(disconnected_type() for _ in inputs[1:])]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [eval_points[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # it fails when the function is called, not when it is made


assert_op = assert_ = Assert()


class Raise(Op):
    """Raises `exc(msg)` when its value is needed. Takes one value, of which only the type matters."""

    __props__ = ("msg", "exc")
    view_map = {0: [0]}

    def __init__(self, msg: str = "", exc: type[Exception] = NotImplementedError) -> None:
        self.msg = msg
        self.exc = exc

    def __str__(self) -> str:
        return f"Raise{{{self.exc.__name__}({self.msg!r})}}"

    def make_node(self, *inputs: Any) -> Apply:
        if len(inputs) != 1:
            raise TypeError(f"Raise takes one value, got {len(inputs)}")
        x = inputs[0] if isinstance(inputs[0], Variable) else as_tensor_variable(inputs[0])
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        raise self.exc(self.msg)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def do_constant_folding(self, node: Apply) -> bool:
        return False


class PdbBreakpoint(Op):
    """Stops in the debugger while a function runs, when a condition holds.

    `a, b = PdbBreakpoint("here")(condition, a, b)` (a single value comes back alone). The results have to be used in
    place of the values. In the debugger the values are the list `monitored_values`.
    """

    __props__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"PdbBreakpoint{{{self.name}}}"

    def make_node(self, *inputs: Any) -> Apply:
        if len(inputs) < 2:
            raise TypeError("PdbBreakpoint takes a condition and at least one value to watch")
        condition = as_tensor_variable(inputs[0])
        if condition.type.ndim != 0:
            raise TypeError(f"PdbBreakpoint: the condition has {condition.type.ndim} dimensions, it must have none")
        watched = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in inputs[1:]]
        return Apply(self, [condition, *watched], [v.type() for v in watched])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        condition, *monitored_values = inputs
        if condition:
            print(f"Stopped at {self.name!r}; {len(monitored_values)} values are in the list monitored_values.")
            breakpoint()
        for cell, value in zip(output_storage, inputs[1:]):
            cell[0] = value.copy() if isinstance(value, np.ndarray) else value

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type(), *output_gradients]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return list(eval_points[1:])

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        count = len(node.outputs)
        return [[False] * count, *([i == k for k in range(count)] for i in range(count))]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes[1:])

    def do_constant_folding(self, node: Apply) -> bool:
        return False


__all__ = ["Assert", "PdbBreakpoint", "Raise", "assert_", "assert_op"]
