"""Loops whose body is elementwise: machine code that goes over the steps itself, with the state in registers.

If all that a body has to do in each step are kernels of loads and stores over the same few points, one function does
for one vector of points what the loop does for all of its steps:

    i64 loop(ptr places, i64 steps, i64 active)

`places` holds for every operand an address and how far it moves with each step of the loop. Sequences are read and
results written there; states and what is carried are read once, before the first of these steps, and what is carried
is written back after the last. The function returns twice the number of steps made, and one more if the condition of
the loop has ended it. Instructions are those of the kernels, so results are the same to the last bit.

`runtime_loops.py` fills `places` and goes over the points.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from theano._records import record_class
from theano.backends.native import opcode_text, target
from theano.backends.native.kernel_slots import lanes_of
from theano.backends.native.kernel_text import IN_PLACE
from theano.backends.native.loop_plan import CONSTANT, Plan
from theano.backends.native.vector_text import ITEMSIZE, MEMORY_TYPE, SIZE, VALUE_TYPE, VectorText
from theano.lowering.kernel import UNIT, Instr
from theano.lowering.program import Buffer, KernelStep, LoopStep

# what an operand is: its place at a step of the loop
SEQUENCE, FIXED, TRACE, STATE, CARRIED = range(5)
MOST_TAPS = 8  # a state that looks further back would need too many registers
MOST_INSTRUCTIONS = 400


@record_class(frozen=True, slots=True)
class Place:
    """An operand in memory. `number`: of the sequence, trace or carried value; `back`: x[t - back] of a state."""

    kind: int
    buffer: Buffer
    number: int = 0
    back: int = 0
    walks: bool = True  # False: one element for all points


class RegisterLoop:
    """The function of a loop, if it can have one: see `places` and `write`. `fits` says whether it can."""

    def __init__(self, loop: LoopStep, plan: Plan) -> None:
        self.loop = loop
        self.layout = loop.layout
        self.kernels = [step for step, _ in plan.steps if isinstance(step, KernelStep)]
        self.places: list[Place] = []
        self._of_input: dict[int, int] = {}  # of a buffer that is read: its place, or that of its register
        self.made = {id(b) for step in self.kernels for b in step.outputs}
        self.rank = self.kernels[0].kernel.rank if self.kernels else 0
        only = plan.exists and len(self.kernels) == len(plan.steps) and not any(again for _, again in plan.steps)
        self.fits = bool(self.kernels) and only and all(map(self._is_elementwise, self.kernels)) and self._can_hold()
        if self.fits:
            self._find_places(plan)
        if self.fits:
            size = target.host().vector_bytes if self.rank else 16
            self.lanes = min(lanes_of(step.kernel, size) for step in self.kernels)

    # -- what can be done

    def _is_elementwise(self, step: KernelStep) -> bool:
        kernel = step.kernel
        if kernel.rank != self.rank or step.base or any(r.kind != "store" for r in kernel.results):
            return False
        for number, operand in enumerate(kernel.operands):
            if operand.dtype == "float16" or operand.dtype not in MEMORY_TYPE:
                return False
            if not self._walks(operand.axes) and (number >= kernel.n_inputs or id(step.inputs[number]) in self.made):
                return False
            if not self._walks(operand.axes) and not all(a == UNIT for a in operand.axes):
                return False
        return all(i.op not in ("gather", "iota", "extent") and i.dtype != "float16" for i in kernel.body)

    def _walks(self, axes: Sequence[int]) -> bool:
        return tuple(a for a in axes if a != UNIT) == tuple(range(self.rank))

    def _can_hold(self) -> bool:
        body, layout = self.loop.body, self.layout
        results = [out.buffer for out in body.outputs]
        return (
            all(layout.rows(state) <= MOST_TAPS for state in range(layout.states))
            and all(id(b) in self.made for b in results)
            and sum(len(step.kernel.body) for step in self.kernels) <= MOST_INSTRUCTIONS
            and (not layout.until or self.rank == 0)
        )

    # -- operands

    def _find_places(self, plan: Plan) -> None:
        body, layout = self.loop.body, self.layout
        inner = layout.inner([thing.buffer for thing in body.inputs])
        self.results = layout.outputs([out.buffer for out in body.outputs])
        for number, buffer in enumerate(inner.sequences):
            self._of_input[id(buffer)] = self._add(Place(SEQUENCE, buffer, number, walks=self._is_walked(buffer)))
        self.history: list[list[int]] = []  # the registers of each state: x[t - 1], x[t - 2], ...
        for state, (taps, buffers) in enumerate(zip(layout.taps, inner.taps, strict=True)):
            places = [
                self._add(Place(STATE, self.results.states[state], state, back + 1))
                for back in range(layout.rows(state))
            ]
            self.history.append(places)
            for tap, buffer in zip(taps, buffers, strict=True):
                self._of_input[id(buffer)] = places[-tap - 1]
        self.carried = [
            self._add(Place(CARRIED, buffer, number)) for number, buffer in enumerate(inner.carried)
        ]
        self._of_input.update((id(b), at) for b, at in zip(inner.carried, self.carried, strict=True))
        self.traces = [
            self._add(Place(TRACE, buffer, number))
            for number, buffer in enumerate((*self.results.states, *self.results.traced))
        ]
        for step in self.kernels:
            for buffer, operand in zip(step.inputs, step.kernel.operands):
                if id(buffer) in self.made:
                    continue
                at = self._of_input.get(id(buffer))
                if at is None:
                    self.fits = self.fits and plan.change[id(buffer)] == CONSTANT
                    at = self._of_input[id(buffer)] = self._add(Place(FIXED, buffer, walks=self._walks(operand.axes)))
                # nothing is both read along the points and one for all
                self.fits = self.fits and self.places[at].walks == self._walks(operand.axes)

    def _add(self, place: Place) -> int:
        self.places.append(place)
        return len(self.places) - 1

    def _is_walked(self, buffer: Buffer) -> bool:
        for step in self.kernels:
            for read, operand in zip(step.inputs, step.kernel.operands):
                if read is buffer:
                    return self._walks(operand.axes)
        return False

    # -- text

    def ways(self) -> tuple[str, ...]:
        """The functions that there must be: over a vector of which lanes are masked, a whole one, a single point."""
        if self.rank == 0:
            return ("single",)
        return ("masked",) if target.host().vector_bytes == 64 else ("whole", "single")

    def code(self, optimize: bool) -> tuple[int, int]:
        """(address of the function for vectors or 0, that for a single point or 0)"""
        found = {way: _address(self._text(way), 2 if optimize else 0) for way in self.ways()}
        return found.get("masked") or found.get("whole") or 0, found.get("single") or 0

    def _text(self, way: str) -> str:
        writer = _Writer(self, way)
        writer.write()
        return "\n\n".join([*writer.text.declarations.values(), writer.function])


class _Writer:
    """Writes one of the functions of a loop."""

    def __init__(self, loop: RegisterLoop, way: str) -> None:
        self.loop = loop
        self.way = way
        self.text = VectorText(loop.lanes)
        self.function = ""
        self.mask = ""
        self.text.in_place = sum(i.op == "math" for step in loop.kernels for i in step.kernel.body) <= IN_PLACE
        self.active = {"masked": "%active", "whole": str(loop.lanes), "single": "1"}[way]

    def write(self) -> None:
        text, loop = self.text, self.loop
        if self.way == "masked":
            self.mask = text.compare("slt", "i64", text.lane_numbers("i64"), text.spread("i64", "%active"))
        start, moves = [], []
        for number in range(len(loop.places)):
            word = text.set(f"getelementptr i64, ptr %places, i64 {2 * number}")
            start.append(text.set(f"load ptr, ptr {word}"))
            word = text.set(f"getelementptr i64, ptr %places, i64 {2 * number + 1}")
            moves.append(text.set(f"load i64, ptr {word}"))
        held = {n: self._load(n, start[n]) for n, p in enumerate(loop.places) if p.kind in (FIXED, STATE, CARRIED)}
        before = text.block
        text.go("head")
        text.start("head")
        text.emit(f"%step = phi i64 [0, %{before}], [%following, %latch]")
        registers = [n for n, p in enumerate(loop.places) if p.kind in (STATE, CARRIED)]
        moving = [n for n, p in enumerate(loop.places) if p.kind in (SEQUENCE, TRACE)]
        phis = len(text.lines)
        for n in registers:
            held[n], first = f"%held{n}", held[n]
            kind = text.vec(self._kind(n))
            text.emit(f"%held{n} = phi {kind} [{first}, %{before}], [%next{n}, %latch]")
        for n in moving:
            text.emit(f"%at{n} = phi ptr [{start[n]}, %{before}], [%then{n}, %latch]")
        for n in moving:
            if loop.places[n].kind == SEQUENCE:
                held[n] = self._load(n, f"%at{n}")
        values = self._body(held)
        for n, place in zip(loop.traces, (loop.places[n] for n in loop.traces), strict=True):
            self._store(place.buffer.dtype, values[id(place.buffer)], f"%at{n}")
        following: dict[int, str] = {}
        for state, places in enumerate(loop.history):
            made = values[id(loop.results.states[state])]
            following.update(zip(places, [made, *(held[n] for n in places[:-1])], strict=True))
        for n, buffer in zip(loop.carried, loop.results.carried, strict=True):
            following[n] = values[id(buffer)]
        ended = self._condition(values)
        # names that the phis above already use
        named = {f"%next{n}": following[n] for n in registers}
        text.lines[phis:] = [_renamed(line, named) for line in text.lines[phis:]]
        text.go("latch")
        text.start("latch")
        for n in moving:
            text.emit(f"%then{n} = getelementptr i8, ptr %at{n}, i64 {moves[n]}")
        text.emit("%following = add i64 %step, 1")
        more = text.set("icmp slt i64 %following, %steps")
        if ended:
            more = text.set(f"and i1 {more}, {text.set(f'xor i1 {ended}, true')}")
        text.go_if(more, "head", "done")
        text.start("done")
        for n, buffer in zip(loop.carried, loop.results.carried, strict=True):
            self._store(buffer.dtype, following[n], start[n])
        result = text.set("shl i64 %following, 1")
        if ended:
            result = text.set(f"or i64 {result}, {text.set(f'zext i1 {ended} to i64')}")
        text.emit(f"ret i64 {result}")
        head = "define i64 @loop(ptr %places, i64 %steps, i64 %active) {"
        self.function = "\n".join([head, "entry:", *text.allocas, *text.lines, "}"])

    def _kind(self, number: int) -> str:
        return VALUE_TYPE[self.loop.places[number].buffer.dtype]

    def _load(self, number: int, pointer: str) -> str:
        text, place = self.text, self.loop.places[number]
        dtype = place.buffer.dtype
        if place.walks and self.way != "single":
            return text.load(dtype, pointer, self.mask)
        kind = MEMORY_TYPE[dtype]
        return text.unpack(dtype, text.spread(kind, text.set(f"load {kind}, ptr {pointer}, align {SIZE[kind]}")))

    def _store(self, dtype: str, value: str, pointer: str) -> None:
        text = self.text
        if self.way != "single":
            text.store(dtype, value, pointer, self.mask)
            return
        kind = MEMORY_TYPE[dtype]
        one = text.set(f"extractelement {text.vec(kind)} {text.pack(dtype, value)}, i64 0")
        text.emit(f"store {kind} {one}, ptr {pointer}, align {SIZE[kind]}")

    def _body(self, held: dict[int, str]) -> dict[int, str]:
        """The values of all buffers that the kernels make."""
        text, loop = self.text, self.loop
        made: dict[int, str] = {}
        for step in loop.kernels:
            kernel = step.kernel
            values: list[str] = []
            for instr in kernel.body:
                if instr.op == "load":
                    buffer = step.inputs[instr.attr]
                    value = made[id(buffer)] if id(buffer) in made else held[loop._of_input[id(buffer)]]
                    values.append(text.cast(kernel.operands[instr.attr].dtype, instr.dtype, value))
                else:
                    values.append(self._opcode(instr, values, [kernel.body[a].dtype for a in instr.args]))
            for result, buffer in zip(kernel.results, step.outputs, strict=True):
                made[id(buffer)] = text.cast(kernel.body[result.value].dtype, buffer.dtype, values[result.value])
        return made

    def _opcode(self, instr: Instr, values: list[str], dtypes: list[str]) -> str:
        return opcode_text.emit_opcode(self.text, instr, [values[a] for a in instr.args], dtypes, self.active)

    def _condition(self, values: dict[int, str]) -> str:
        if not self.loop.layout.until:
            return ""
        (buffer,) = self.loop.results.last
        truth = self.text.cast(buffer.dtype, "bool", values[id(buffer)])
        return self.text.set(f"extractelement {self.text.vec('i1')} {truth}, i64 0")


def _renamed(line: str, names: dict[str, str]) -> str:
    if " = phi " in line:
        for name, value in names.items():
            line = line.replace(f"[{name}, %latch]", f"[{value}, %latch]")
    return line


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
