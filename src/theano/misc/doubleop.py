"""theano.misc.doubleop: the original's example of an op, twice its input. `docs/extending_ops.md` explains such ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.tensor.convert import as_tensor_variable


class DoubleOp(Op):
    """2 * x, for a tensor x of any type."""

    __props__: ClassVar[tuple[str, ...]] = ()

    def make_node(self, *inputs: Any) -> Apply:
        (x,) = map(as_tensor_variable, inputs)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = (inputs[0] * 2).astype(inputs[0].dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def grad(self, inputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0] * 2]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [None if eval_points[0] is None else eval_points[0] * 2]
