"""The text of functions that go over the steps of a loop with the state in registers; see `loop_registers.py`.

Two writers share the lines of a function: one for vectors of points, one for what is a single number for all points,
which is in every lane of a short vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from theano.backends.native import opcode_text
from theano.backends.native.kernel_text import IN_PLACE
from theano.backends.native.loop_nest_text import NestText
from theano.backends.native.loop_register_places import CARRIED, FIXED, SEQUENCE, STATE, TRACE, Taken
from theano.backends.native.reduction_text import Accumulator
from theano.backends.native.vector_text import MEMORY_TYPE, SIZE, VALUE_TYPE, VectorText, is_unsigned, scalar_constant
from theano.lowering.kernel import Kernel, Result
from theano.lowering.program import Buffer, CallStep, KernelStep, LoopStep, Step, ViewStep


class Writer:
    """Writes one of the functions of a loop."""

    def __init__(self, loop: Any, way: str) -> None:
        self.loop = loop
        self.way = way
        self.text = VectorText(loop.lanes)
        self.text.in_place = sum(i.op == "math" for step in loop.written for i in step.kernel.body) <= IN_PLACE
        self._writers = {True: self.text, False: self.text.beside(loop.scalar_lanes)}
        self.function = ""
        self.mask = ""
        self.nests = NestText(self)
        self.active = {"masked": "%active", "whole": str(loop.lanes), "single": "1"}[way]

    @property
    def declarations(self) -> dict[str, str]:
        return self.text.declarations

    def use(self, wide: bool) -> VectorText:
        """The writer for vectors of points (wide), or that for single numbers."""
        self.text = self._writers[wide]
        return self.text

    def write(self) -> None:
        text, loop = self.text, self.loop
        if self.way == "masked":
            self.mask = text.compare("slt", "i64", text.lane_numbers("i64"), text.spread("i64", "%active"))
        self.start: list[str] = []
        self.moves: list[str] = []
        for number in range(len(loop.places)):
            word = text.set(f"getelementptr i64, ptr %places, i64 {2 * number}")
            self.start.append(text.set(f"load ptr, ptr {word}"))
            word = text.set(f"getelementptr i64, ptr %places, i64 {2 * number + 1}")
            self.moves.append(text.set(f"load i64, ptr {word}"))
        kinds = [place.kind for place in loop.places]
        held = {n: self._load(n, self.start[n]) for n, k in enumerate(kinds) if k in (FIXED, STATE, CARRIED)}
        self.nests.begin()
        before = self.text.block
        self.text.go("head")
        self.text.start("head")
        self.text.emit(f"%step = phi i64 [0, %{before}], [%following, %latch]")
        registers = [n for n, k in enumerate(kinds) if k in (STATE, CARRIED)]
        moving = [n for n, k in enumerate(kinds) if k in (SEQUENCE, TRACE)]
        phis = len(self.text.lines)
        for n in registers:
            held[n], first = f"%held{n}", held[n]
            kind = self.use(loop.places[n].walks).vec(self._kind(n))
            self.text.emit(f"%held{n} = phi {kind} [{first}, %{before}], [%next{n}, %latch]")
        for n in moving:
            self.text.emit(f"%at{n} = phi ptr [{self.start[n]}, %{before}], [%then{n}, %latch]")
        for n in moving:
            if kinds[n] == SEQUENCE and n not in loop.nesting.pointers:
                held[n] = self._load(n, f"%at{n}")
        values = self._body(held)
        for n in loop.traces:
            if id(loop.places[n].buffer) in values:  # others have been written row by row
                self._store(n, values[id(loop.places[n].buffer)], f"%at{n}")
        following = self._following(held, values)
        # names that the phis above already use
        named = {f"%next{n}": following[n] for n in registers}
        self.text.lines[phis:] = [_renamed(line, named) for line in self.text.lines[phis:]]
        self._end(held, following, moving, self._condition())
        head = "define i64 @loop(ptr %places, i64 %steps, i64 %active) {"
        self.function = "\n".join([head, "entry:", *text.allocas, *text.lines, "}"])

    def _following(self, held: Mapping[int, str], values: Mapping[int, str]) -> dict[int, str]:
        """What is in the registers in the next step."""
        loop = self.loop
        following: dict[int, str] = {}
        for state, places in enumerate(loop.history):
            made = values[id(loop.results.states[state])]
            following.update(zip(places, [made, *(held[n] for n in places[:-1])], strict=True))
        for n, buffer in loop.carried.items():
            following[n] = values[id(buffer)]
        return following

    def _end(self, held: Mapping[int, str], following: Mapping[int, str], moving: Sequence[int], ended: str) -> None:
        text, loop = self.text, self.loop
        text.go("latch")
        text.start("latch")
        for n in moving:
            text.emit(f"%then{n} = getelementptr i8, ptr %at{n}, i64 {self.moves[n]}")
        text.emit("%following = add i64 %step, 1")
        more = text.set("icmp slt i64 %following, %steps")
        if loop.nesting.nests:
            more = text.set(f"and i1 {more}, {self.nests.has_time()}")
        if ended:
            more = text.set(f"and i1 {more}, {text.set(f'xor i1 {ended}, true')}")
        text.go_if(more, "head", "done")
        text.start("done")
        for n in loop.carried:
            self._store(n, following[n], self.start[n])
        result = self.text.set("shl i64 %following, 2")
        if ended:
            result = self.text.set(f"or i64 {result}, {self.text.set(f'zext i1 {ended} to i64')}")
        self.text.emit(f"ret i64 {result}")
        if loop.taken or loop.checks or loop.nesting.nests:
            self.text.start("outside")
            for n in loop.carried:
                self._store(n, held[n], self.start[n])
            result = self.text.set("shl i64 %step, 2")
            self.text.emit(f"ret i64 {self.text.set(f'or i64 {result}, 2')}")

    # -- memory

    def _kind(self, number: int) -> str:
        return VALUE_TYPE[self.loop.places[number].buffer.dtype]

    def _load(self, number: int, pointer: str) -> str:
        place = self.loop.places[number]
        return self.load_from(place.buffer.dtype, pointer, place.walks)

    def load_from(self, dtype: str, pointer: str, wide: bool) -> str:
        text = self.use(wide)
        if wide and self.way != "single":
            return text.load(dtype, pointer, self.mask)
        kind = MEMORY_TYPE[dtype]
        return text.unpack(dtype, text.spread(kind, text.set(f"load {kind}, ptr {pointer}, align {SIZE[kind]}")))

    def _store(self, number: int, value: str, pointer: str) -> None:
        place = self.loop.places[number]
        dtype, text = place.buffer.dtype, self.use(place.walks)
        if place.walks and self.way != "single":
            text.store(dtype, value, pointer, self.mask)
            return
        self._store_first(text, dtype, value, pointer)

    def store_one(self, dtype: str, value: str, pointer: str) -> None:
        """A single number."""
        self._store_first(self.use(False), dtype, value, pointer)

    def _store_first(self, text: VectorText, dtype: str, value: str, pointer: str) -> None:
        kind = MEMORY_TYPE[dtype]
        one = text.set(f"extractelement {text.vec(kind)} {text.pack(dtype, value)}, i64 0")
        text.emit(f"store {kind} {one}, ptr {pointer}, align {SIZE[kind]}")

    # -- a step

    def _body(self, held: Mapping[int, str]) -> dict[int, str]:
        """The values of all buffers that are made: wide or single, as `loop.wide` says."""
        self.held = held
        self.values: dict[int, str] = {}
        self.write_steps(self.loop.steps)
        return self.values

    def write_steps(self, steps: Sequence[Step]) -> None:
        """Also those of a loop inside."""
        loop = self.loop
        for step in steps:
            if isinstance(step, KernelStep) and id(step) in loop.memory.kernels:
                loop.memory.write(self, step)
            elif isinstance(step, KernelStep):
                self._kernel(step)
            elif isinstance(step, CallStep):
                self._product(step)
            elif isinstance(step, LoopStep):
                self.nests.write(step)
            elif isinstance(step, ViewStep) and id(step) in loop.nesting.rows:
                self.nests.look(step)
            elif loop.memory.holds(step.outputs[0]):
                continue  # where it is, the first step has found
            elif id(step) in loop.checks:
                for number, length in loop.checks[id(step)]:
                    text = self.use(False)
                    self.nests.must(text.set(f"icmp eq i64 {self.number(loop.origin(number))}, {length}"))
            else:
                out = step.outputs[0]
                self.values[id(out)] = self._take(out, loop.taken[id(step)])

    def value(self, buffer: Buffer) -> str:
        if id(buffer) in self.values:
            return self.values[id(buffer)]
        if id(buffer) in self.loop.nesting.literals:
            return self.text.constant(buffer.dtype, self.loop.nesting.literals[id(buffer)])
        return self.held[self.loop.of_input[id(buffer)]]

    def _kernel(self, step: KernelStep) -> None:
        kernel, loop = step.kernel, self.loop
        wide = kernel.rank == loop.rank > 0
        self.use(wide)
        active = self.active if wide else "1"
        loaded: list[str] = []
        for operand, buffer in zip(kernel.operands, map(loop.origin, step.inputs)):
            value = self.value(buffer)
            if wide and not loop.is_wide(buffer):
                value = self.widened(VALUE_TYPE[operand.dtype], value)
            loaded.append(value)
        values = self.computed(kernel, loaded, active)
        for result, buffer in zip(kernel.results, step.outputs, strict=True):
            dtype = kernel.body[result.value].dtype
            if result.kind == "store":
                made = self.use(wide).cast(dtype, buffer.dtype, values[result.value])
            else:
                made = self._reduced(result, dtype, buffer.dtype, values[result.value])
            self.values[id(buffer)] = made

    def computed(self, kernel: Kernel, loaded: Sequence[str], active: str) -> list[str]:
        """What the instructions make of the values of the operands."""
        text = self.text
        values: list[str] = []
        for instr in kernel.body:
            if instr.op == "load":
                values.append(text.cast(kernel.operands[instr.attr].dtype, instr.dtype, loaded[instr.attr]))
            else:
                dtypes = [kernel.body[a].dtype for a in instr.args]
                values.append(opcode_text.emit_opcode(text, instr, [values[a] for a in instr.args], dtypes, active))
        return values

    def _product(self, step: CallStep) -> None:
        """The product of two vectors."""
        out = step.outputs[0]
        a, b = (self.value(self.loop.origin(buffer)) for buffer in step.inputs)
        value = self.use(True).binary("fmul", VALUE_TYPE[out.dtype], a, b)
        self.values[id(out)] = self._reduced(Result("sum", 0, out.dtype), out.dtype, out.dtype, value)

    def widened(self, kind: str, value: str) -> str:
        """A single number, in all lanes of a vector."""
        short, text = self._writers[False].vec(kind), self.text
        zeros = f"<{text.lanes} x i32> zeroinitializer"
        return text.set(f"shufflevector {short} {value}, {short} poison, {zeros}")

    def _reduced(self, result: Result, source: str, dtype: str, value: str) -> str:
        """The lanes that count, folded by halves, and cast."""
        accumulator = Accumulator(result.kind, result.value, source, result.dtype, 0)
        kind, text = accumulator.kind, self.use(True)
        identity = scalar_constant(kind, accumulator.identity)
        value = text.cast(source, accumulator.dtype, value)
        value = text.select(self.mask, kind, value, text.splat(kind, identity))
        one, (value,) = accumulator.over_lanes(text, [value])
        # as an accumulator in memory does, which makes -0.0 of a sum 0.0
        value = accumulator.combine(one, one.splat(kind, identity), value)
        scalar = self.use(False)
        zeros = f"<{scalar.lanes} x i32> zeroinitializer"
        value = scalar.set(f"shufflevector <1 x {kind}> {value}, <1 x {kind}> poison, {zeros}")
        return scalar.cast(accumulator.dtype, dtype, value)

    def use_lanes(self, lanes: int) -> VectorText:
        """A writer for vectors of so many lanes, until another one is used."""
        self.text = self.text.beside(lanes)
        return self.text

    def _take(self, out: Buffer, taken: Taken) -> str:
        """An element or a row at computed positions, if it is there."""
        text = self.use(False)
        pointer = self.start[taken.table]
        for place, position in zip(taken.lengths, taken.positions, strict=True):
            length, stride = text.set(f"ptrtoint ptr {self.start[place]} to i64"), self.moves[place]
            at = str(position)
            if isinstance(position, Buffer):
                at = self.number(position)
            negative = text.set(f"icmp slt i64 {at}, 0")
            wrapped = text.set(f"select i1 {negative}, i64 {text.set(f'add i64 {at}, {length}')}, i64 {at}")
            inside = text.label("inside")
            text.go_if(text.set(f"icmp uge i64 {wrapped}, {length}"), "outside", inside)
            text.start(inside)
            pointer = text.set(f"getelementptr i8, ptr {pointer}, i64 {text.set(f'mul i64 {wrapped}, {stride}')}")
        return self.load_from(out.dtype, pointer, taken.row >= 0)

    def number(self, buffer: Buffer) -> str:
        """A single integer, as an i64."""
        text, kind = self.text, VALUE_TYPE[buffer.dtype]
        one = text.set(f"extractelement {text.vec(kind)} {self.value(buffer)}, i64 0")
        if kind == "i64":
            return one
        return text.set(f"{'zext' if is_unsigned(buffer.dtype) else 'sext'} {kind} {one} to i64")

    def pointer(self, number: int) -> str:
        """Where the operand of a place lies in this step."""
        moves = self.loop.places[number].kind in (SEQUENCE, TRACE)
        return f"%at{number}" if moves else self.start[number]

    def kind_of(self, buffer: Buffer, wide: bool) -> str:
        """The type of the register of a buffer."""
        return self._writers[wide].vec(VALUE_TYPE[buffer.dtype])

    def _condition(self) -> str:
        return self.truth(self.loop.results.last[0]) if self.loop.layout.until else ""

    def truth(self, buffer: Buffer) -> str:
        """A single number, as an i1."""
        text = self.use(False)
        truth = text.cast(buffer.dtype, "bool", self.value(buffer))
        return text.set(f"extractelement {text.vec('i1')} {truth}, i64 0")


def _renamed(line: str, names: Mapping[str, str]) -> str:
    if " = phi " in line:
        for name, value in names.items():
            line = line.replace(f"[{name}, %latch]", f"[{value}, %latch]")
    return line
