"""Class numbers: the labels of rows, checked, and the reading of every row's element of its class.

A label that is negative names no class (NumPy's indexing would count it from the end), and one label does not stand
for all rows. Labels beyond the last class are found by the indexing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.ranges import arange
from theano.tensor.shape import shape_i
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def class_numbers(y: Any) -> Any:
    """`y` as a variable of integers; TypeError if it is none."""
    y = as_tensor_variable(y)
    if y.type.dtype not in discrete_dtypes or y.type.dtype == "bool":
        raise TypeError(f"class numbers must be integers, got {y} of type {y.type}")
    return y


class ClassNumbers(Op):
    """ClassNumbers()(y, n0, n1, ...) is the labels `y` as int64, one for each of n0 x n1 x ... rows.

    When the function runs: ValueError if y has another shape, IndexError if a label is negative.
    """

    __props__: ClassVar[tuple[str, ...]] = ()

    def make_node(self, y: Any, *lengths: Any) -> Apply:
        y = class_numbers(y)
        if len(lengths) != y.type.ndim:
            raise TypeError(f"class numbers of {y.type.ndim} axes need as many lengths, got {len(lengths)}")
        rows = [as_tensor_variable(n) for n in lengths]
        return Apply(self, [y, *rows], [TensorVariable(tensor_type("int64", y.type.shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        y, *lengths = inputs
        rows = tuple(int(n) for n in lengths)
        if y.shape != rows:
            raise ValueError(f"There must be one class number for each row: got class numbers of shape {y.shape} "
                             f"for rows of shape {rows}")
        numbers = y.astype(np.int64)
        if (numbers < 0).any():
            place = tuple(int(k) for k in np.argwhere(numbers < 0)[0])
            raise IndexError(f"Class numbers must not be negative, got {y[place]} at position {place}. Leave out "
                             f"rows without a class, or give them weight 0 and any class")
        output_storage[0][0] = numbers

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False] for _ in node.inputs]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type() for _ in inputs]

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # a wrong label is found when the function is called


def selected(x: Any, classes: Any) -> Any:
    """x[..., classes[...]]: from every row (the last axis) of `x` the element of its class.

    x         a tensor of rank one or more
    classes   integers, one for each row: a tensor with the rank of x less one; TypeError otherwise
    """
    x, classes = as_tensor_variable(x), as_tensor_variable(classes)
    lead = x.type.ndim - 1
    if classes.type.ndim != lead:
        raise TypeError(f"Class numbers must have one axis less than what they choose from (the last one), got "
                        f"{classes} of type {classes.type} for {x} of type {x.type}")
    numbers = ClassNumbers()(classes, *[shape_i(x, axis) for axis in range(lead)])
    rows = []
    for axis in range(lead):
        order: list[Any] = ["x"] * lead
        order[axis] = 0
        rows.append(dimshuffle(arange(shape_i(x, axis)), order))
    return x[(*rows, numbers)]
