"""Loops inside a loop: which of them keep the lengths of what they carry, so that a plan can be made for the outer one.

What a step of such a loop makes of a row has the length of another row that it reads, and that length is checked
whenever it is run. So what the loop carries has, after any number of steps (also none), the length that it started
with.
"""

from __future__ import annotations

from theano.lowering.kernel import UNIT
from theano.lowering.program import Buffer, CallStep, FreeStep, KernelStep, LoopStep, Step, ViewStep


def keeps_lengths(loop: LoopStep) -> bool:
    """Are there only steps over numbers and rows, and does everything that is carried keep its length?"""
    body, layout = loop.body, loop.layout
    if any(thing.buffer.dtype == "object" for thing in body.inputs):
        return False
    same = _Same()
    if not all(_is_plain(step, same) for step in body.steps):
        return False
    inner = layout.inner([thing.buffer for thing in body.inputs])
    made = layout.outputs([out.buffer for out in body.outputs])
    states = [taps[0] for taps in inner.taps]
    pairs = [*zip(inner.carried, made.carried, strict=True), *zip(states, made.states, strict=True)]
    return all(before.ndim == 0 or same.first(before) == same.first(after) for before, after in pairs)


class _Same:
    """Buffers whose lengths are the same, if no step has failed."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}

    def first(self, buffer: Buffer) -> int:
        at = id(buffer)
        while self._first.get(at, at) != at:
            at = self._first[at]
        return at

    def join(self, a: Buffer, b: Buffer) -> None:
        self._first[self.first(a)] = self.first(b)


def _is_plain(step: Step, same: _Same) -> bool:
    match step:
        case FreeStep():
            return True
        case KernelStep():
            return _is_of_rows(step, same)
        case ViewStep():
            return _is_view_of_row(step, same)
        case CallStep():
            return step.routine == "dot"
        case LoopStep():
            if not keeps_lengths(step):
                return False
            before, after = step.layout.outer(step.inputs), step.layout.outputs(step.outputs)
            for a, b in zip(before.carried, after.carried, strict=True):
                same.join(a, b)
            return True
    return False


def _is_of_rows(step: KernelStep, same: _Same) -> bool:
    """A kernel over one axis at most, whose length its operands tell."""
    kernel = step.kernel
    if kernel.rank > 1 or step.base or any(extent is not None for extent in step.extents):
        return False
    walk = [
        buffer
        for operand, buffer in zip(kernel.operands, (*step.inputs, *step.outputs), strict=True)
        if any(axis != UNIT for axis in operand.axes)
    ]
    for buffer in walk[1:]:
        same.join(walk[0], buffer)
    return True


def _is_view_of_row(step: ViewStep, same: _Same) -> bool:
    """Axes of length one are added, lengths are compared, or an element is taken."""
    source, out = step.inputs[0], step.outputs[0]
    if step.kind == "specify":
        same.join(source, out)
        return True
    if step.kind == "dimshuffle" and [axis for axis in step.params if axis != "x"] == list(range(source.ndim)):
        same.join(source, out)
        return True
    return step.kind == "index" and out.ndim == 0
