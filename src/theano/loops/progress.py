"""A progress bar of a loop, as an op: it passes a value on, and says on standard error how far the loop is."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable

WIDTH = 30
PAUSE = 0.1  # seconds between two lines, at least
# totals of loops of which the number of steps is not known: before and at their end
UNKNOWN, ENDED = -1, -2


class Progress(Op):
    """x, which is passed on as it is; when it is computed, `done` of `total` steps are shown."""

    __props__: ClassVar[tuple[str, ...]] = ("label",)
    view_map = {0: [0]}

    def __init__(self, label: str) -> None:
        self.label = label
        self._shown = 0.0
        self._began = 0.0

    def make_node(self, x: Any, done: Any, total: Any) -> Apply:
        x, done, total = map(as_tensor_variable, (x, done, total))
        return Apply(self, [x, done, total], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, done, total = inputs
        output_storage[0][0] = x
        self.show(int(done), int(total))

    def show(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == 0:
            self._began = now
        finished = total in (done, ENDED)
        if now - self._shown < PAUSE and not finished:
            return
        self._shown = now
        sys.stderr.write(f"\r{bar(self.label, done, total, now - self._began)}{chr(10) if finished else ''}")
        sys.stderr.flush()

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Variable]:
        return [output_gradients[0], disconnected_type(), disconnected_type()]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [eval_points[0]]


def bar(label: str, done: int, total: int, seconds: float) -> str:
    """One line: how many steps of how many, in how much time, and how much time is left.

    >>> bar("loop", 50, 200, 2.0)
    'loop  25% |#######                       | 50/200  2s, 6s left'
    >>> bar("loop", 50, -1, 2.0)
    'loop 50 steps  2s'
    """
    if total < 0:
        return f"{label} {done} steps  {seconds:.0f}s"
    share = done / total if total else 1.0
    left = f", {seconds * (1 - share) / share:.0f}s left" if 0 < share < 1 else ""
    marks = "#" * int(share * WIDTH)
    return f"{label} {share:4.0%} |{marks:<{WIDTH}}| {done}/{total}  {seconds:.0f}s{left}"
