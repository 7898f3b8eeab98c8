"""Vectors over the steps of loops inside a loop whose machine code goes over the steps itself (`loop_registers.py`).

The way back of a loop in a loop makes, in each of its steps, all states of the loop inside, computes from them what a
loop backwards reads, and adds the rows that this one makes to a sum. Such vectors are longer than registers. They stay
in the memory that the first step of the outer loop has found for them, and kernels over them are short loops.

What is carried is written where it is read, and last in a step: a step that is left to the general way before has not
changed it.
"""

from __future__ import annotations

from typing import Any

from theano.backends.native import target
from theano.backends.native.kernel_slots import lanes_of
from theano.backends.native.loop_plan import CONSTANT
from theano.backends.native.loop_register_places import LENGTH, TABLE, Place
from theano.backends.native.vector_text import MEMORY_TYPE, SIZE, VALUE_TYPE
from theano.lowering.program import Buffer, FreeStep, KernelStep, LoopStep, Step, ViewStep


class Memory:
    """Which vectors of a body are in memory, and the kernels over them.

    kernels   ids of kernels over such vectors
    places    {id of a buffer: (number of the place where it begins, that of its length and stride)}
    """

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.kernels: set[int] = set()
        self.places: dict[int, tuple[int, int]] = {}
        self._carried: dict[int, Buffer] = {}  # of a new value: the buffer where it is carried
        self._vectors: dict[int, Buffer] = {}
        body = loop.loop.body
        traces = self._traces(body.steps)
        if not traces:
            return
        self._vectors = traces
        self.kernels = {id(s) for s in body.steps if isinstance(s, KernelStep) and s.kernel.rank == 1}
        for before, after in zip(loop.inner.carried, loop.results.carried, strict=True):
            if before.ndim == 1:
                self._carried[id(after)] = before
                self._vectors[id(before)] = before

    def _traces(self, steps: list[Step]) -> dict[int, Buffer]:
        """Rows that loops inside make, which are read other than as their last one."""
        found: dict[int, Buffer] = {}
        for loop in steps:
            if not isinstance(loop, LoopStep) or loop.layout.until:
                continue
            made = loop.layout.outputs(loop.outputs)
            for rows in (*made.states, *made.traced):
                readers = [s for s in steps if not isinstance(s, FreeStep) and any(b is rows for b in s.inputs)]
                if rows.ndim == 1 and readers and not all(is_element(step) for step in readers):
                    found[id(rows)] = rows
        return found

    def holds(self, buffer: Buffer) -> bool:
        return id(buffer) in self._vectors

    # -- what can be done

    def fits(self) -> bool:
        """Does nothing but what is known here read these vectors, or return them?"""
        body, loop = self.loop.loop.body, self.loop
        if not self._vectors:
            return True
        if loop.rank:
            return False  # there are vectors in registers, too
        carried = [self._vectors[id(before)] for before in self._carried.values()]
        for step in body.steps:
            if isinstance(step, ViewStep) and any(step.inputs[0] is before for before in carried):
                return False
        others = (*loop.results.states, *loop.results.traced, *loop.results.last)
        return not any(self.holds(b) or id(b) in self._carried for b in others) and all(
            self._is_last(after, before) for after, before in zip(loop.results.carried, loop.inner.carried, strict=True)
            if before.ndim
        )

    def _is_last(self, after: Buffer, before: Buffer) -> bool:
        """Is the new value made when the step can no longer be left, and read by nothing, nor the old one later?"""
        steps = self.loop.steps
        at = next((n for n, step in enumerate(steps) if any(b is after for b in step.outputs)), -1)
        if at < 0 or before.ndim != 1 or not all(isinstance(step, KernelStep) for step in steps[at:]):
            return False
        new = any(b is after for step in self.loop.loop.body.steps for b in step.inputs
                  if not isinstance(step, FreeStep))  # fmt: skip
        return not new and not any(b is before for step in steps[at + 1 :] for b in step.inputs)

    def can_view(self, step: ViewStep) -> bool:
        """A part, or the whole turned round, whose place the first step has found."""
        ways = step.params
        known = step.kind == "index" and len(ways) == 1 and isinstance(ways[0], tuple)
        if not known or not all(part is None or isinstance(part, int) for part in ways[0]):
            return False
        self._vectors[id(step.outputs[0])] = step.outputs[0]
        return step.outputs[0].ndim == 1

    def can_compute(self, step: KernelStep) -> bool:
        """A kernel over whole vectors in memory, which stores what it makes."""
        kernel, loop = step.kernel, self.loop
        if step.base or any(extent is not None for extent in step.extents):
            return False
        if step.inplace and not all(id(step.outputs[out]) in self._carried for out in step.inplace):
            return False
        for operand, buffer in zip(kernel.operands, step.inputs):
            if operand.dtype == "float16" or operand.dtype not in MEMORY_TYPE:
                return False
            walks = operand.axes == (0,)
            stays = loop.plan.change.get(id(buffer)) == CONSTANT
            if walks != (buffer.ndim == 1) or (walks and not (stays or self.holds(buffer))):
                return False
            if not walks and (buffer.ndim or loop.wide.get(id(loop.origin(buffer)), False)):
                return False
        for operand, result in zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True):
            if result.kind != "store" or operand.axes != (0,) or operand.dtype not in MEMORY_TYPE:
                return False
            if "float16" in (operand.dtype, result.dtype):
                return False
        self._vectors.update((id(out), out) for out in step.outputs if id(out) not in self._carried)
        return all(i.op not in ("gather", "iota", "extent") and i.dtype != "float16" for i in kernel.body)

    # -- operands

    def find_operands(self, step: KernelStep) -> None:
        for buffer in step.inputs:
            if buffer.ndim:
                self._find(buffer)
            elif id(self.loop.origin(buffer)) not in self.loop.wide:
                self.loop.find_read(self.loop.origin(buffer), False)
        for buffer in step.outputs:
            self._find(self.place_of(buffer))

    def place_of(self, buffer: Buffer) -> Buffer:
        """Where what is made lies."""
        return self._carried.get(id(buffer), buffer)

    def _find(self, buffer: Buffer) -> None:
        if id(buffer) not in self.places:
            at = self.loop.add(Place(TABLE, buffer, walks=False))
            self.places[id(buffer)] = at, self.loop.add(Place(LENGTH, buffer, 0, walks=False))

    # -- code

    def write(self, writer: Any, step: KernelStep) -> None:
        """A loop over the vectors, in vectors as long as those of the kernel's own code, which gives the same bits.

        Lanes past the end stand for the last element, and come to what that one comes to.
        """
        kernel, text = step.kernel, writer.use(False)
        place = self.places[id(self.place_of(step.outputs[0]))][1]
        length = text.set(f"ptrtoint ptr {writer.start[place]} to i64")
        numbers = {id(b): writer.value(self.loop.origin(b)) for b in step.inputs if not b.ndim}
        before, head, latch, after = text.block, text.label("head"), text.label("latch"), text.label("after")
        last = text.set(f"sub i64 {length}, 1")
        text.go_if(text.set(f"icmp sgt i64 {length}, 0"), head, after)
        text.start(head)
        number, following = text.new("number"), text.new("following")
        text.emit(f"{number} = phi i64 [0, %{before}], [{following}, %{latch}]")
        text = writer.use_lanes(lanes_of(kernel, target.host().vector_bytes))
        at = [text.set(f"add i64 {number}, {lane}") for lane in range(text.lanes)]
        at = [text.set(f"select i1 {text.set(f'icmp slt i64 {n}, {last}')}, i64 {n}, i64 {last}") for n in at]
        loaded = [
            self._load(writer, buffer, at) if buffer.ndim
            else writer.widened(VALUE_TYPE[operand.dtype], numbers[id(buffer)])
            for operand, buffer in zip(kernel.operands, step.inputs)
        ]  # fmt: skip
        values = writer.computed(kernel, loaded, str(text.lanes))
        for result, buffer in zip(kernel.results, step.outputs, strict=True):
            value = text.cast(kernel.body[result.value].dtype, buffer.dtype, values[result.value])
            self._store(writer, self.place_of(buffer), text.pack(buffer.dtype, value), at)
        text.go(latch)
        text.start(latch)
        text.emit(f"{following} = add i64 {number}, {text.lanes}")
        text.go_if(text.set(f"icmp slt i64 {following}, {length}"), head, after)
        text.start(after)

    def _load(self, writer: Any, buffer: Buffer, at: list[str]) -> str:
        text, kind = writer.text, MEMORY_TYPE[buffer.dtype]
        found = "poison"
        for lane, number in enumerate(at):
            one = text.set(f"load {kind}, ptr {self._at(writer, buffer, number)}, align {SIZE[kind]}")
            found = text.set(f"insertelement {text.vec(kind)} {found}, {kind} {one}, i64 {lane}")
        return str(text.unpack(buffer.dtype, found))

    def _store(self, writer: Any, buffer: Buffer, packed: str, at: list[str]) -> None:
        text, kind = writer.text, MEMORY_TYPE[buffer.dtype]
        for lane, number in enumerate(at):
            one = text.set(f"extractelement {text.vec(kind)} {packed}, i64 {lane}")
            text.emit(f"store {kind} {one}, ptr {self._at(writer, buffer, number)}, align {SIZE[kind]}")

    def _at(self, writer: Any, buffer: Buffer, number: str) -> str:
        pointer, length = self.places[id(buffer)]
        away = writer.text.set(f"mul i64 {number}, {writer.moves[length]}")
        return str(writer.text.set(f"getelementptr i8, ptr {writer.start[pointer]}, i64 {away}"))


def is_element(step: Step) -> bool:
    """Is it a view of a single element?"""
    return isinstance(step, ViewStep) and step.kind == "index" and step.outputs[0].ndim == 0
