"""Loops over a few numbers: machine code that goes over the steps itself, with the state in registers.

If all that a body has to do in each step are kernels over the same few points, or over a single one, and elements or
rows taken from arrays that stay, one function does for one vector of points what the loop does for all of its steps:

    i64 loop(ptr places, i64 steps, i64 active)

`places` holds for every operand an address and how far it moves with each step of the loop. Sequences are read and
results written there; states and what is carried are read once, before the first of these steps, and what is carried
is written back after the last. The function returns four times the number of steps made, one more if the condition of
the loop has ended it, and two more if the next step would take an element that is not there: that step is left to the
general way, which fails. Instructions are those of the kernels, so results are the same to the last bit; but a product
of two vectors is BLAS's in the first step, and folded here in the others.

Where a kernel reduces along its points, all of these must be in one vector. It is twice as long as the machine's then:
folding the lanes by halves is what the general way comes to for as many points, too.

`loop_register_text.py` writes the function; `runtime_registers.py` fills `places` and goes over the points.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from theano.backends.native import target
from theano.backends.native.kernel_slots import lanes_of
from theano.backends.native.loop_memory import Memory
from theano.backends.native.loop_plan import CONSTANT, LENGTHS, Plan
from theano.backends.native.loop_register_nests import Nesting, all_steps
from theano.backends.native.loop_register_places import (
    CARRIED,
    FIXED,
    LENGTH,
    ROW,
    SEQUENCE,
    STATE,
    TABLE,
    TRACE,
    Place,
    Taken,
)
from theano.backends.native.loop_register_text import Writer
from theano.backends.native.vector_text import ITEMSIZE, MEMORY_TYPE
from theano.lowering.kernel import UNIT
from theano.lowering.program import Buffer, CallStep, KernelStep, LoopStep, Step, Value, ViewStep

MOST_TAPS = 8  # a state that looks further back would need too many registers
MOST_INSTRUCTIONS = 400
_POSITIONS = frozenset(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"))


class RegisterLoop:
    """The function of a loop, if it can have one: see `places` and `code`. `fits` says whether it can."""

    def __init__(self, loop: LoopStep, plan: Plan) -> None:
        self.loop = loop
        self.plan = plan
        self.layout = loop.layout
        self.checks: dict[int, list[tuple[Buffer, int]]] = {}  # of a view: numbers, and what they must be
        self._same: dict[int, Buffer] = {}  # of a view: the buffer with the same points
        if plan.exists:
            self._find_same()
        self.steps: list[Step] = [step for step, _ in plan.steps if not self.is_same(step)]
        self.inner = self.layout.inner([thing.buffer for thing in loop.body.inputs])
        self.results = self.layout.outputs([out.buffer for out in loop.body.outputs])
        self.memory = Memory(self)
        every = all_steps([step for step in self.steps if id(step) not in self.memory.kernels])
        over = [s for s in self.steps if isinstance(s, KernelStep) and id(s) in self.memory.kernels]
        self.kernels = [step for step in every if isinstance(step, KernelStep)]
        self.places: list[Place] = []
        self.taken: dict[int, Taken] = {}  # of a view: what it takes
        self.of_input: dict[int, int] = {}  # of a buffer that is read: its place, or that of its register
        self.wide: dict[int, bool] = {}  # of a buffer that is made: does it go along the points?
        self._bound: set[int] = set()  # of these, the ones whose length is that of an operand in memory
        self.nesting = Nesting(self)
        dots = [step for step in every if isinstance(step, CallStep)]
        self.rank = max((step.kernel.rank for step in self.kernels), default=0) or int(bool(dots))
        self.reduces = bool(dots) or any(r.kind != "store" for step in self.kernels for r in step.kernel.results)
        self.written = [*self.kernels, *over]
        self.fits = bool(self.steps) and plan.exists and self._can_hold() and self._can_do(plan)
        if self.fits:
            self._find_places()
        if self.fits:
            size = target.host().vector_bytes * (2 if self.reduces else 1)
            single = [step.kernel for step in self.written if step.kernel.rank == 0 or id(step) in self.memory.kernels]
            self.scalar_lanes = min((lanes_of(kernel, 16) for kernel in single), default=2)
            wide = [lanes_of(step.kernel, size) for step in self.kernels if step.kernel.rank == self.rank > 0]
            wide += [size // ITEMSIZE[step.outputs[0].dtype] for step in dots]
            self.lanes = min(wide, default=self.scalar_lanes)

    # -- what can be done

    def _can_hold(self) -> bool:
        body, layout = self.loop.body, self.layout
        made = {id(b) for step in self.steps if not isinstance(step, ViewStep) for b in step.outputs}
        return (
            all(layout.rows(state) <= MOST_TAPS for state in range(layout.states))
            and all(id(out.buffer) in made for out in body.outputs)
            and sum(len(step.kernel.body) for step in self.written) <= MOST_INSTRUCTIONS
        )

    def _can_do(self, plan: Plan) -> bool:
        for step, again in plan.steps:
            if self.is_same(step):
                continue
            if id(step) in self.memory.kernels:
                can = isinstance(step, KernelStep) and self.memory.can_compute(step)
            elif isinstance(step, ViewStep) and self.memory.holds(step.inputs[0]) and id(step) not in self.nesting.rows:
                can = self.memory.can_view(step)
            elif isinstance(step, ViewStep):
                can = id(step) in self.nesting.rows or self.can_check(step) or self.can_take(step)
            elif isinstance(step, CallStep):
                can = self.can_multiply(step)
            elif isinstance(step, LoopStep):
                can = self.rank <= 1 and self.nesting.can_nest(step, self.loop.body)
            else:
                can = isinstance(step, KernelStep) and self.can_compute(step)
                can = can and not (again and any(plan.change[id(b)] == LENGTHS for b in step.outputs))
            if not can:
                return False
        return self.memory.fits() and not any(self.wide[id(b)] for b in self.results.last)

    def _find_same(self) -> None:
        """Views of what changes that only add and drop axes of length one: lengths are checked in the first step."""
        for step in self.loop.body.steps:
            if isinstance(step, ViewStep) and self.plan.change[id(step.outputs[0])] != CONSTANT:
                kept = [axis for axis in step.params if axis != "x"] if step.kind == "dimshuffle" else []
                # lengths that hang on a value must be compared in every step
                stays = step.kind == "specify" and self.plan.change[id(step.outputs[0])] != LENGTHS
                if stays or (step.kind == "dimshuffle" and kept == sorted(kept)):
                    self._same[id(step.outputs[0])] = self.origin(step.inputs[0])

    def is_same(self, step: Step) -> bool:
        is_check = id(step) in self.checks
        return isinstance(step, ViewStep) and id(step.outputs[0]) in self._same and not is_check

    def origin(self, buffer: Buffer) -> Buffer:
        """The buffer whose register holds what is in this one."""
        return self._same.get(id(buffer), buffer)

    def equate(self, buffer: Buffer, source: Buffer) -> None:
        """What is in `buffer` is what is in `source`."""
        self._same[id(buffer)] = self.origin(source)

    def note(self, buffer: Buffer, wide: bool, bound: bool) -> None:
        """How long a buffer is that is made."""
        self.wide[id(buffer)] = wide
        if bound:
            self._bound.add(id(buffer))

    def is_bound(self, buffer: Buffer) -> bool:
        """Is its length that of an operand in memory?"""
        return id(buffer) in self._bound

    def number_of_sequence(self, buffer: Buffer) -> int:
        """Of the loop's own; -1: it is none."""
        return next((n for n, row in enumerate(self.inner.sequences) if row is buffer), -1)

    def can_compute(self, step: KernelStep) -> bool:
        """A kernel over the points, or over a single one; notes what it makes."""
        kernel = step.kernel
        if kernel.rank not in (0, self.rank) or step.base:
            return False
        bound = False
        for operand, buffer in zip(kernel.operands, map(self.origin, step.inputs)):
            if self.memory.holds(buffer):
                return False
            wide = self._walks(operand.axes)
            if not self._is_simple(operand) or self.wide.get(id(buffer), wide) != wide:
                return False
            bound = bound or (wide and (id(buffer) not in self.wide or id(buffer) in self._bound))
        outputs = kernel.operands[kernel.n_inputs :]
        for operand, result, buffer in zip(outputs, kernel.results, step.outputs, strict=True):
            if not self._is_simple(operand) or result.dtype == "float16":
                return False
            reduced = result.kind != "store"
            if reduced and (not bound or result.kind not in _FOLDED or self._walks(operand.axes)):
                return False
            self.wide[id(buffer)] = kernel.rank > 0 and not reduced
            if not reduced and self._walks(operand.axes) != self.wide[id(buffer)]:
                return False
            if bound:
                self._bound.add(id(buffer))
        return all(i.op not in ("gather", "iota", "extent") and i.dtype != "float16" for i in kernel.body)

    def can_multiply(self, step: CallStep) -> bool:
        """The product of two vectors; both are as long, as the first step has found."""
        self.wide[id(step.outputs[0])] = False
        factors = [self.origin(b) for b in step.inputs]
        plain = step.routine == "dot" and step.alpha == 1.0 and step.beta == 0.0 and self.rank == 1
        bound = any(id(b) not in self.wide or id(b) in self._bound for b in factors)
        return plain and bound and all(self.wide.get(id(b), True) for b in factors)

    def _is_simple(self, operand: Any) -> bool:
        if operand.dtype == "float16" or operand.dtype not in MEMORY_TYPE:
            return False
        return self._walks(operand.axes) or all(a == UNIT for a in operand.axes)

    def _walks(self, axes: Sequence[int]) -> bool:
        return self.rank > 0 and tuple(a for a in axes if a != UNIT) == tuple(range(self.rank))

    def can_take(self, step: ViewStep) -> bool:
        """An element, or a row, of an array that stays as it is."""
        source, out = self.origin(step.inputs[0]), step.outputs[0]
        if step.kind != "index" or self.plan.change.get(id(source)) != CONSTANT or source.dtype not in MEMORY_TYPE:
            return False
        named = source.ndim - out.ndim
        for param in step.params[named:]:
            if param != (None, None, None):
                return False
        for param in step.params[:named]:
            number = isinstance(param, Value) and param.buffer.dtype in _POSITIONS
            if not number and not (isinstance(param, int) and not isinstance(param, bool)):
                return False
            if isinstance(param, Value) and self.wide.get(id(self.origin(param.buffer)), False):
                return False
        if source.dtype == "float16" or not (out.ndim == 0 or out.ndim == self.rank == 1):
            return False
        self.wide[id(out)] = out.ndim > 0
        self._bound.add(id(out))
        return True

    def can_check(self, step: ViewStep) -> bool:
        """Is it that known lengths must be what numbers say?"""
        if step.kind != "specify":
            return False
        found = []
        for length, wanted in zip(step.inputs[0].shape, step.params, strict=True):
            if isinstance(wanted, Value) and length is not None and wanted.buffer.dtype in _POSITIONS:
                found.append((wanted.buffer, length))
                if self.wide.get(id(self.origin(wanted.buffer)), False):
                    return False
            elif wanted is not None and wanted != length:
                return False
        self.checks[id(step)] = found
        self.equate(step.outputs[0], step.inputs[0])
        return True

    def starts_at_once(self) -> bool:
        """Does the code need nothing that the first step would have to find out or to make? Numbers have no lengths."""
        body = self.loop.body
        given = {id(thing.buffer) for thing in body.inputs} | {id(buffer) for buffer, _ in body.constants}
        single = self.rank == 0 and not self.taken and all(place.buffer.ndim == 0 for place in self.places)
        single = single and not self.nesting.nests
        return single and all(id(p.buffer) in given for p in self.places if p.kind == FIXED)

    # -- operands

    def is_wide(self, buffer: Buffer) -> bool:
        """Does it go along the points?"""
        found = self.wide.get(id(buffer))
        return self.places[self.of_input[id(buffer)]].walks if found is None else found

    def _find_places(self) -> None:
        layout, inner = self.layout, self.inner
        for number, buffer in enumerate(inner.sequences):
            if id(buffer) in self.nesting.inner_sequences and not self._is_read(buffer):
                continue
            self.of_input[id(buffer)] = self.add(Place(SEQUENCE, buffer, number, walks=self._is_walked(buffer)))
        self.history: list[list[int]] = []  # the registers of each state: x[t - 1], x[t - 2], ...
        for state, (taps, buffers) in enumerate(zip(layout.taps, inner.taps, strict=True)):
            made = self.results.states[state]
            places = [
                self.add(Place(STATE, made, state, back + 1, walks=self.wide[id(made)]))
                for back in range(layout.rows(state))
            ]
            self.history.append(places)
            for tap, buffer in zip(taps, buffers, strict=True):
                self.of_input[id(buffer)] = places[-tap - 1]
        self.carried: dict[int, Buffer] = {}  # the number of a place: what is in there after a step
        for number, (buffer, made) in enumerate(zip(inner.carried, self.results.carried, strict=True)):
            if not self.memory.holds(buffer):
                at = self.add(Place(CARRIED, buffer, number, walks=self.wide[id(made)]))
                self.carried[at] = made
                self.of_input[id(buffer)] = at
        self.traces = [
            self.add(Place(TRACE, buffer, number, walks=self.wide[id(buffer)]))
            for number, buffer in enumerate((*self.results.states, *self.results.traced))
        ]
        self.find_operands(self.steps)

    def find_operands(self, steps: Sequence[Step]) -> None:
        """The places of what these steps read."""
        for step in steps:
            if isinstance(step, KernelStep) and id(step) in self.memory.kernels:
                self.memory.find_operands(step)
                continue
            if isinstance(step, ViewStep) and self.memory.holds(step.outputs[0]):
                continue
            if isinstance(step, ViewStep):
                for number, _ in self.checks.get(id(step), ()):
                    if id(self.origin(number)) not in self.wide:
                        self.find_read(self.origin(number), False)
                if id(step) not in self.nesting.rows and id(step) not in self.checks:
                    self._find_taken(step)
                continue
            if isinstance(step, LoopStep):
                self.nesting.find_places(step)
                continue
            axes = [operand.axes for operand in step.kernel.operands] if isinstance(step, KernelStep) else [(0,), (0,)]
            for buffer, walked in zip(map(self.origin, step.inputs), axes):
                if id(buffer) not in self.wide:
                    self.find_read(buffer, self._walks(walked))

    def find_read(self, buffer: Buffer, walks: bool) -> None:
        at = self.of_input.get(id(buffer))
        if at is None:
            self.fits = self.fits and self.plan.change.get(id(buffer)) == CONSTANT
            if not self.fits:
                return
            at = self.of_input[id(buffer)] = self.add(Place(FIXED, buffer, walks=walks))
        # nothing is both read along the points and one for all
        self.fits = self.fits and self.places[at].walks == walks

    def _find_taken(self, step: ViewStep) -> None:
        source, out = self.origin(step.inputs[0]), step.outputs[0]
        named = source.ndim - out.ndim
        positions = tuple(self.origin(p.buffer) if isinstance(p, Value) else p for p in step.params[:named])
        for position in positions:
            if isinstance(position, Buffer) and id(position) not in self.wide:
                self.find_read(position, False)
        table = self.add(Place(TABLE, source, walks=out.ndim > 0))
        lengths = tuple(self.add(Place(LENGTH, source, axis, walks=False)) for axis in range(named))
        row = self.add(Place(ROW, out)) if out.ndim else -1
        self.taken[id(step)] = Taken(table, lengths, positions, row)

    def add(self, place: Place) -> int:
        self.places.append(place)
        return len(self.places) - 1

    def _is_walked(self, buffer: Buffer) -> bool:
        for step in self.kernels:
            for read, operand in zip(step.inputs, step.kernel.operands):
                if self.origin(read) is buffer:
                    return self._walks(operand.axes)
        for nest in self.nesting.nests.values():
            if any(self.wide[id(inside)] and self.origin(start) is buffer for inside, start, _ in nest.held):
                return True
        dots = [step for step in all_steps(self.steps) if isinstance(step, CallStep)]
        return any(self.origin(read) is buffer for step in dots for read in step.inputs)

    def _is_read(self, buffer: Buffer) -> bool:
        """In other ways than by a loop inside, row by row?"""
        nests = self.nesting.nests.values()
        starts = [b for nest in nests for b in (nest.outer.n_steps, *(start for _, start, _ in nest.held))]
        read = [b for step in all_steps(self.steps) for b in step.inputs]
        return any(self.origin(b) is buffer for b in (*starts, *read))

    # -- code

    def ways(self) -> tuple[str, ...]:
        """The functions that there must be: over a vector of which lanes are masked, a whole one, a single point."""
        if self.rank == 0:
            return ("single",)
        if self.reduces or target.host().vector_bytes == 64:
            return ("masked",)
        return ("whole", "single")

    def code(self, optimize: bool) -> tuple[int, int]:
        """(address of the function for vectors or 0, that for a single point or 0)"""
        found = {way: _address(self._text(way), 2 if optimize else 0) for way in self.ways()}
        return found.get("masked") or found.get("whole") or 0, found.get("single") or 0

    def _text(self, way: str) -> str:
        writer = Writer(self, way)
        writer.write()
        return "\n\n".join([*writer.declarations.values(), writer.function])


# reductions that are folded in registers; not those that tell positions
_FOLDED = frozenset(("sum", "prod", "max", "sup", "min", "all", "any", "or", "and", "xor"))

_made: dict[tuple[str, int], target.Code] = {}
_lock = threading.Lock()


def _address(text: str, level: int) -> int:
    """Equal loops share their code."""
    with _lock:
        if (text, level) not in _made:
            _made[text, level] = target.Code(text, level)
        return _made[text, level].address("loop")


def place_words(loop: RegisterLoop, offset: dict[int, int]) -> list[int]:
    """The description of the places that `runtime_registers.py` reads, see PLACE_ in `runtime_traces.py`."""
    words: list[int] = []
    for place in loop.places:
        buffer = place.buffer
        size = ITEMSIZE[buffer.dtype]
        words += [place.kind, offset[id(buffer)], place.number, place.back, buffer.ndim, size * place.walks, size]
    return words
