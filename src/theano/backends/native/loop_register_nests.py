"""Loops inside a loop whose machine code goes over the steps itself (`loop_registers.py`): they are written into it.

Such a loop has only numbers and rows over the points of the outer loop. Its sequences are arrays that stay, or rows of
the outer loop's sequences; what it carries and its states start with what is in the outer loop's registers. Rows that
it keeps are rows of the outer loop's results, or a vector in memory (`loop_memory.py`), or only the last of them is
looked at.

Whatever the code does not do itself it leaves to the general way, from the outer step on in which it happens: errors,
and loops of very many steps, which the user must be able to interrupt.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.backends.native.loop_memory import is_element
from theano.backends.native.loop_plan import CONSTANT
from theano.backends.native.loop_register_places import LENGTH, SEQUENCE, TABLE, TRACE, Place
from theano.backends.native.vector_text import MEMORY_TYPE
from theano.lowering.program import Buffer, CallStep, FreeStep, KernelStep, LoopStep, Program, Step, ViewStep


class Nest:
    """A loop inside. `steps` are those of its body that have something to do.

    sequences   (number of the place where the rows begin, that of their count), for each sequence
    held        (inside, where it starts, what a step makes of it): what is carried, then the states
    kept        {number of a trace: (place of the outer loop's row, place of its length)}
    ends        of what is carried, the buffer outside for its last value
    """

    def __init__(self, loop: LoopStep) -> None:
        body, layout = loop.body, loop.layout
        self.loop = loop
        self.steps: list[Step] = [step for step in body.steps if not isinstance(step, FreeStep)]
        self.inner = layout.inner([thing.buffer for thing in body.inputs])
        self.made = layout.outputs([out.buffer for out in body.outputs])
        self.outer = layout.outer(loop.inputs)
        self.ends = layout.outputs(loop.outputs)
        self.rows_made = [*self.made.states, *self.made.traced]
        self.rows_outside = [*self.ends.states, *self.ends.traced]
        states = [taps[0] for taps in self.inner.taps]
        self.held: list[tuple[Buffer, Buffer, Buffer]] = [
            *zip(self.inner.carried, self.outer.carried, self.made.carried, strict=True),
            *zip(states, self.outer.initials, self.made.states, strict=True),
        ]
        self.sequences: list[tuple[int, int]] = []
        self.kept: dict[int, tuple[int, int]] = {}


def all_steps(steps: list[Step]) -> list[Step]:
    """With those of loops inside, in place of these."""
    found: list[Step] = []
    for step in steps:
        found += step.body.all_steps() if isinstance(step, LoopStep) else [step]
    return [step for step in found if not isinstance(step, LoopStep)]


class Nesting:
    """The loops inside a register loop, and the buffers of their bodies.

    nests      {id of a LoopStep: the loop}
    literals   constants of the bodies, by buffer
    rows       {id of a view: (the loop, the number of its trace)} of views that look at a row of a loop inside
    pointers   numbers of places that are not read as such: rows of loops inside begin there
    """

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.nests: dict[int, Nest] = {}
        self.literals: dict[int, Any] = {}
        self.rows: dict[int, tuple[Nest, int]] = {}
        self.pointers: set[int] = set()
        self.inner_sequences: set[int] = set()  # buffers outside

    # -- what can be done

    def can_nest(self, step: LoopStep, body: Program) -> bool:
        """Can the loop be written into the code of the one that has this body? Notes what it makes."""
        nest = Nest(step)
        if step.nodes[0].op.bar is not None:  # it is to be seen how far it is
            return False
        if any(step.layout.rows(state) != 1 for state in range(step.layout.states)):
            return False
        if not (self._can_start(nest) and self._can_step(nest) and self._can_end(nest)):
            return False
        self.nests[id(step)] = nest
        return all(self._can_keep(nest, number, body) for number in range(len(nest.rows_outside)))

    def _can_start(self, nest: Nest) -> bool:
        loop = self.loop
        for outside, inside in zip(nest.outer.others, nest.inner.others, strict=True):
            loop.equate(inside, outside)
        for buffer, value in nest.loop.body.constants:
            if np.size(value) != 1 or buffer.dtype not in MEMORY_TYPE or buffer.dtype == "float16":
                return False
            self.literals[id(buffer)] = np.asarray(value).item()
            loop.wide[id(buffer)] = False
        if loop.wide.get(id(loop.origin(nest.outer.n_steps)), False):
            return False
        for outside, inside in zip(nest.outer.sequences, nest.inner.sequences, strict=True):
            source = loop.origin(outside)
            stays = loop.plan.change.get(id(source)) == CONSTANT or loop.memory.holds(source)
            if inside.ndim or source.ndim != 1 or not (stays or loop.number_of_sequence(source) >= 0):
                return False
            self.inner_sequences.add(id(source))
            loop.wide[id(inside)] = False
        return all(self._can_hold(inside, start) for inside, start, _ in nest.held)

    def _can_hold(self, inside: Buffer, start: Buffer) -> bool:
        loop, source = self.loop, self.loop.origin(start)
        wide = _is_row(inside)
        if inside.dtype not in MEMORY_TYPE or inside.dtype == "float16" or (wide and loop.rank != 1):
            return False
        if loop.wide.get(id(source), wide) != wide or loop.memory.holds(source):
            return False
        if start.ndim > inside.ndim and start.shape[0] != 1:
            return False  # rows before the first step, as many as a value says
        loop.note(inside, wide, bound=wide)
        return not wide or id(source) not in loop.wide or loop.is_bound(source)

    def _can_step(self, nest: Nest) -> bool:
        loop = self.loop
        for step in nest.steps:
            if isinstance(step, ViewStep):
                can = self._can_view(step)
            elif isinstance(step, LoopStep):
                can = self.can_nest(step, nest.loop.body)
            elif isinstance(step, CallStep):
                can = loop.can_multiply(step)
            else:
                can = isinstance(step, KernelStep) and loop.can_compute(step)
                can = can and all(loop.is_bound(b) for b in step.outputs if loop.wide[id(b)])
            if not can:
                return False
        nest.steps = [step for step in nest.steps if not loop.is_same(step)]
        return True

    def _can_view(self, step: ViewStep) -> bool:
        """Axes of length one that are added; rows of loops inside; lengths to be checked; elements of tables."""
        if step.kind == "dimshuffle":
            self.loop.equate(step.outputs[0], step.inputs[0])
            return [axis for axis in step.params if axis != "x"] == list(range(step.inputs[0].ndim))
        if id(step) in self.rows or self.loop.can_check(step):
            return True
        return step.outputs[0].ndim == 0 and bool(self.loop.can_take(step))

    def _can_end(self, nest: Nest) -> bool:
        loop = self.loop
        for inside, _, result in nest.held:
            if loop.wide.get(id(loop.origin(result))) != loop.wide[id(inside)]:
                return False
        if any(loop.wide.get(id(loop.origin(row))) is None for row in nest.rows_made):
            return False
        if any(loop.wide.get(id(loop.origin(ends)), True) for ends in nest.made.last):
            return False
        for inside, end in zip(nest.inner.carried, nest.ends.carried, strict=True):
            loop.note(end, loop.wide[id(inside)], bound=loop.wide[id(inside)])
        for end in (*nest.ends.last, *nest.rows_outside):
            loop.wide[id(end)] = False
        return True

    def _can_keep(self, nest: Nest, number: int, body: Program) -> bool:
        """Are the rows of a trace read in no other way than one by one, and kept in no other place than a result?"""
        outside = nest.rows_outside[number]
        readers = [step for step in body.steps if any(b is outside for b in step.inputs)]
        if any(outside is result.buffer for result in body.outputs):
            loop = self.loop
            if outside.ndim != 1 or loop.wide[id(loop.origin(nest.rows_made[number]))]:
                return False
            if not any(outside is traced for traced in loop.results.traced):
                return False
            nest.kept[number] = (-1, -1)
        if self.loop.memory.holds(outside):
            if self.loop.wide[id(self.loop.origin(nest.rows_made[number]))]:
                return False
            nest.kept[number] = (-1, -1)
            readers = [step for step in readers if is_element(step)]
        return all(isinstance(step, FreeStep) or self._can_look(step, body, nest, number) for step in readers)

    def _can_look(self, step: Step, body: Program, nest: Nest, number: int) -> bool:
        """The last row of a trace; any row, if only its being there matters."""
        if not isinstance(step, ViewStep) or step.kind != "index":
            return False
        out, made = step.outputs[0], self.loop.origin(nest.rows_made[number])
        at, rest = step.params[0], step.params[1:]
        if not isinstance(at, int) or isinstance(at, bool) or any(param != (None, None, None) for param in rest):
            return False
        read = [b for other in body.steps if not isinstance(other, FreeStep) for b in other.inputs]
        if at != -1 and any(out is b for b in (*read, *(result.buffer for result in body.outputs))):
            return False
        wide = self.loop.wide[id(made)]
        self.loop.note(out, wide, bound=wide)
        self.rows[id(step)] = nest, number
        return True

    # -- operands

    def find_places(self, step: LoopStep) -> None:
        loop, nest = self.loop, self.nests[id(step)]
        starts = [loop.origin(start) for _, start, _ in nest.held]
        wides = [loop.wide[id(inside)] for inside, _, _ in nest.held]
        for buffer, wide in [(loop.origin(nest.outer.n_steps), False), *zip(starts, wides)]:
            if id(buffer) not in loop.wide:
                loop.find_read(buffer, wide)
        for outside in nest.outer.sequences:
            source = loop.origin(outside)
            number = loop.number_of_sequence(source)
            kind = TABLE if number < 0 else SEQUENCE
            nest.sequences.append(self._pointer(Place(kind, source, max(number, 0), walks=False)))
        for number in nest.kept:
            outside = nest.rows_outside[number]
            if loop.memory.holds(outside):
                nest.kept[number] = self._pointer(Place(TABLE, outside, walks=False))
                continue
            results = [*loop.results.states, *loop.results.traced]
            at = next(n for n, result in enumerate(results) if result is outside)
            nest.kept[number] = self._pointer(Place(TRACE, outside, at, walks=False))
        loop.find_operands(nest.steps)

    def _pointer(self, place: Place) -> tuple[int, int]:
        at = self.loop.add(place)
        self.pointers.add(at)
        return at, self.loop.add(Place(LENGTH, place.buffer, 0, walks=False))


def _is_row(buffer: Buffer) -> bool:
    return any(n != 1 for n in buffer.shape)
