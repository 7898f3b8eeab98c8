"""Whose memory each buffer of a program is, and what guards it: what the image says of buffers.

A view's memory is its root's. A step may only take over memory that is the program's own, or an argument's or a stored
value's whose guard allows it (see `exclusive` in `runtime_core.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theano.backends.native import runtime_records as rt
from theano.backends.native.kernel_code import CompiledKernel
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    DimsStep,
    Extent,
    FreeStep,
    KernelStep,
    Program,
    PyCallStep,
    Step,
    Total,
    Value,
    ViewStep,
)


class Owners:
    """All by the `id` of a buffer.

    root        whose memory the buffer shares, if another's
    guard       0: memory of the program's own; 1: stored; 2 + n: argument n
    argument    its number
    constant    its value
    never       buffers whose memory no step may take over
    results     what the caller gets
    in_order    buffers which something reads that is no kernel: for most of this C order is better, or needed
    sequential  must a step be prepared after a step from commit_from on has run?
    """

    def __init__(self, program: Program, kernels: Mapping[int, CompiledKernel]) -> None:
        self._kernels = kernels
        self._find_roots(program)
        self.in_order = _read_in_order(program)

    def _find_roots(self, program: Program) -> None:
        self.root: dict[int, Buffer] = {}
        self.guard: dict[int, int] = {}
        self.argument: dict[int, int] = {}
        self.constant = {id(b): value for b, value in program.constants}
        never = self.never = set(self.constant)
        positional = 0
        for thing in program.inputs:
            key = id(thing.buffer)
            if thing.storage is not None:
                self.guard[key] = 1
                continue
            self.argument[key] = positional
            self.guard[key] = 2 + positional
            if not thing.mutable:
                never.add(key)
            positional += 1
        late: set[int] = set()
        made_here: set[int] = set()
        self.results = {id(o.buffer) for o in program.outputs}
        self.sequential = False
        for number, step in enumerate(program.steps):
            committed = number >= program.commit_from
            if committed and self._cannot_prepare(step, late):
                self.sequential = True
            if isinstance(step, ViewStep) and step.kind != "own":
                source, view = step.inputs[0], step.outputs[0]
                self.root[id(view)] = self.root.get(id(source), source)
                # what a step has made (or rightly taken over) is ours, also through a view
                mine = id(self.root[id(view)]) in made_here
                self.guard[id(view)] = 0 if mine else self.guard.get(id(source), 0)
                if id(source) in never:
                    never.add(id(view))
                if id(source) in late:
                    late.add(id(view))
                continue
            made_here.update(id(b) for b in step.outputs)
            if committed:
                late.update(id(b) for b in step.outputs)
            if isinstance(step, KernelStep):
                for out, source_number in step.inplace.items():
                    self._inherit(step.outputs[out], step.inputs[source_number])
            elif isinstance(step, CallStep) and step.inplace:
                self._inherit(step.outputs[0], step.inputs[2])
            elif isinstance(step, ViewStep):
                self._inherit(step.outputs[0], step.inputs[0])

    def _inherit(self, out: Buffer, source: Buffer) -> None:
        self.guard[id(out)] = self.guard.get(id(source), 0)
        # the output is a view if its source is one; if it took no memory over, it owns a block and never asks
        root = self.root.get(id(source))
        if root is not None:
            self.root[id(out)] = root

    def _cannot_prepare(self, step: Step, late: set[int]) -> bool:
        """Does preparing the step need a value that steps from commit_from on compute?"""
        if isinstance(step, PyCallStep):
            return True
        if any(id(b) in late for b in _value_buffers(step)):
            return True
        if isinstance(step, ViewStep):
            return step.kind == "reshape" and id(step.inputs[0]) in late
        if isinstance(step, KernelStep):
            made = self._kernels[id(step)]
            told = [s.operand for s in made.slots if s.flags & rt.IN_POSITIONS and 0 <= s.operand < len(step.inputs)]
            return bool(made.flags & rt.CHECKED) and any(id(step.inputs[n]) in late for n in told)
        return False


def _read_in_order(program: Program) -> set[int]:
    found: set[int] = set()
    for step in program.steps:
        if not isinstance(step, KernelStep | FreeStep):
            found.update(map(id, step.inputs))
        found.update(map(id, other_buffers(step)))
    return found


def _dims(step: Step) -> list[Any]:
    """The run-time integers that a step's preparation reads, totals taken apart; other things may be among them."""
    pending: list[Any] = []
    if isinstance(step, KernelStep):
        pending = list(step.extents)
    elif isinstance(step, AllocStep | DimsStep):
        pending = list(step.dims)
    elif isinstance(step, ViewStep) and step.kind != "dimshuffle":
        for p in step.params:
            pending.extend(p if isinstance(p, tuple) else (p,))
    found = []
    while pending:
        dim = pending.pop()
        if isinstance(dim, Total):
            pending.extend(dim.terms)
        else:
            found.append(dim)
    return found


def _value_buffers(step: Step) -> list[Buffer]:
    """Buffers whose content the step's preparation reads."""
    return [d.buffer for d in _dims(step) if isinstance(d, Value)]


def other_buffers(step: Step) -> list[Buffer]:
    """Buffers that a step names outside `inputs` and `outputs`."""
    found = [d.buffer for d in _dims(step) if isinstance(d, Value | Extent)]
    if isinstance(step, KernelStep):
        found += list(step.base.values())
    elif isinstance(step, CallStep):
        found += [x for x in (step.alpha, step.beta) if isinstance(x, Buffer)]
    return found
