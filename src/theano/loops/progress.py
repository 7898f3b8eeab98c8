"""A progress bar of a loop, on standard error: whoever runs the loop looks at the clock now and then, and draws it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable

WIDTH = 30
PAUSE = 0.1  # seconds before the first line, and between two lines, at least (`runtime_bars.py` has it in microseconds)
UNKNOWN = -1  # the total of a loop of which the number of steps is not known
RUNS, ENDED, FAILED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Bar:
    """What is drawn while a loop runs.

    label   what the line begins with
    each    how many steps one of the loop's counts for; None: only shares are shown
    ends    is the end of this loop the end of what is shown?
    """

    label: str
    each: int | None = 1
    ends: bool = True

    def draw(self, done: int, total: int, microseconds: int, state: int) -> None:
        """One line in the place of the one before. A loop does not fail because a line could not be written."""
        if state == FAILED:
            text = "\n"   # what is said of the failure does not go on in this line
        elif state == ENDED and not self.ends:
            return
        else:
            each = self.each or 1
            end = state == ENDED
            line = bar(self.label, done * each, max(total * each, UNKNOWN), microseconds / 1e6, self.each is not None)
            text = f"\r{line}{chr(10) if end else ''}"
        write(text)

    def of_gradient(self) -> Bar:
        return Bar(f"gradient of {self.label}", self.each)


def write(text: str) -> None:
    if sys.stderr is None:   # a program without a console
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):   # nobody reads it any more, or it is closed
        return


class Watch:
    """The clock of one run of a loop, for the reference backend."""

    def __init__(self, bar: Bar, total: int) -> None:
        self.bar = bar
        self.total = total
        self.began = self.shown = time.monotonic()
        self.drawn = False

    def look(self, done: int) -> None:
        now = time.monotonic()
        if now - self.shown >= PAUSE:
            self.shown = now
            self.drawn = True
            self._draw(done, RUNS)

    def end(self, done: int) -> None:
        self._draw(done, ENDED)

    def fail(self) -> None:
        if self.drawn:
            self._draw(0, FAILED)

    def _draw(self, done: int, state: int) -> None:
        self.bar.draw(done, self.total, int(1e6 * (time.monotonic() - self.began)), state)


class Progress(Op):
    """x, which is passed on as it is, before and after a loop of loops: the last line of a bar needs to know the time
    that went by, and how many steps all loops have made."""

    __props__: ClassVar[tuple[str, ...]] = ("label",)
    view_map = {0: [0]}

    def __init__(self, label: str) -> None:
        self.label = label
        self._began = 0.0

    def make_node(self, x: Any, done: Any, total: Any, ended: Any) -> Apply:
        x, done, total, ended = map(as_tensor_variable, (x, done, total, ended))
        return Apply(self, [x, done, total, ended], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, done, total, ended = inputs
        output_storage[0][0] = x
        if ended:
            line = bar(self.label, int(done), int(total), time.monotonic() - self._began)
            write(f"\r{line}\n")
        else:
            self._began = time.monotonic()

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Variable]:
        return [output_gradients[0], *(disconnected_type() for _ in range(3))]

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return [eval_points[0]]


def bar(label: str, done: int, total: int, seconds: float, counts: bool = True) -> str:
    """One line: how many steps of how many, in how much time, and how much time is left.

    >>> bar("loop", 50, 200, 2.0)
    'loop  25% |#######                       | 50/200  2s, 6s left'
    >>> bar("loop", 50, -1, 2.0)
    'loop 50 steps  2s'
    >>> bar("loop", 50, 200, 2.0, counts=False)
    'loop  25% |#######                       |  2s, 6s left'
    """
    if total < 0:
        return f"{label} {done} steps  {seconds:.0f}s" if counts else f"{label}  {seconds:.0f}s"
    share = done / total if total else 1.0
    left = f", {seconds * (1 - share) / share:.0f}s left" if 0 < share < 1 else ""
    marks = "#" * int(share * WIDTH)
    count = f" {done}/{total}" if counts else ""
    return f"{label} {share:4.0%} |{marks:<{WIDTH}}|{count}  {seconds:.0f}s{left}"
