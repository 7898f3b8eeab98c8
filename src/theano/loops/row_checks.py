"""RowsForSteps: sequences that are cut into chunks are checked before, as a loop checks those that it goes along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable


class RowsForSteps(Op):
    """Sequences, which are passed on; ValueError if they do not all have as many rows as there are steps.

    loop    what errors name first
    names   of the sequences, in errors
    """

    __props__: ClassVar[tuple[str, ...]] = ("loop", "names")

    def __init__(self, loop: str, names: tuple[str, ...]) -> None:
        self.loop = loop
        self.names = names
        self.view_map = {k: [k + 1] for k in range(len(names))}

    def make_node(self, steps: Any, *sequences: Any) -> Apply:
        steps, *rows = map(as_tensor_variable, (steps, *sequences))
        return Apply(self, [steps, *rows], [v.type() for v in rows])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        steps, *sequences = inputs
        if steps < 0:
            raise ValueError(f"{self.loop}: the number of steps must not be negative, got {steps}")
        for name, rows, cell in zip(self.names, sequences, output_storage):
            if len(rows) != steps:
                raise ValueError(
                    f"{self.loop}: {name} has {len(rows)} rows for {steps} steps. Give longer sequences, or fewer "
                    f"n_steps."
                )
            cell[0] = rows

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes[1:])

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        count = len(self.names)
        return [[False] * count, *([k == j for j in range(count)] for k in range(count))]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type(), *output_gradients]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return list(eval_points[1:])
