"""Runs of which the computed positions are looked at beforehand (*hoisted*, `kernel_text.py`).

Rows of a table, `x[index]`: what positions hang on is computed once for a run, which is then read or written as
contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from theano.backends.native import runtime_records as rt
from theano.backends.native.vector_text import ITEMSIZE, MEMORY_TYPE, is_unsigned

if TYPE_CHECKING:
    from theano.backends.native.kernel_text import KernelText

AHEAD = 8  # how many runs ahead memory at computed positions is asked for


class HoistedRuns:
    """Writes such a run, loops included."""

    def __init__(self, writer: KernelText) -> None:
        self.writer = writer
        self.text = writer.text

    def write(self) -> None:
        text, writer, kernel, found = self.text, self.writer, self.writer.kernel, self.writer.table.hoisting
        assert found is not None
        writer.mask, writer.active = text.splat("i1", "true"), "1"
        writer.now = writer.start
        writer.spread = {number: writer._element(number) for number in found.loads}
        for n in found.order:
            instr = kernel.body[n]
            args = [writer.known[a] for a in instr.args]
            if instr.op == "gather":
                place = writer.positions.place(instr.attr, writer.origin[instr.attr], args)
                dtype = kernel.operands[instr.attr].dtype
                one = text.set(f"load {MEMORY_TYPE[dtype]}, ptr {place}, align {ITEMSIZE[dtype]}")
                value = text.unpack(dtype, text.spread(MEMORY_TYPE[dtype], one))
                writer.known[n] = text.cast(dtype, instr.dtype, value)
            else:
                writer.known[n] = writer._value(instr, args, [kernel.body[a].dtype for a in instr.args])
        for n, instr in enumerate(kernel.body):
            if instr.op == "gather" and instr.attr in found.walked:
                self._begin_at("gather", n, instr.attr, [writer.known[a] for a in instr.args])
        for number, result in enumerate(kernel.results, kernel.n_inputs):
            if result.kind.startswith("scatter"):
                args = [text.cast(kernel.body[a].dtype, "int64", writer.known[a]) for a in result.args]
                self._begin_at("scatter", number, number, args)
        used = {i.attr for n, i in enumerate(kernel.body) if n not in writer.known and i.op == "load"}
        for number, slot in enumerate(writer.slots):
            if slot.role == rt.ROLE_RAW or (slot.role == rt.ROLE_IN and number not in used):
                writer.advance[number] = ""
        writer._spread(sorted(used))
        if writer.positions.only_check:
            text.go_if(writer.positions.only_check, "next", "walk")
            text.start("walk")
        self._fetch_ahead()
        writer._loops(flat=not found.rows)

    def _fetch_ahead(self) -> None:
        """Ask for the memory of a run to come: where it lies is no pattern that the machine would foresee."""
        text, writer, kernel, found = self.text, self.writer, self.writer.kernel, self.writer.table.hoisting
        assert found is not None
        spots = [(i.attr, i.args) for i in kernel.body if i.op == "gather" and i.attr in found.walked]
        spots += [(n, r.args) for n, r in enumerate(kernel.results, kernel.n_inputs) if r.kind.startswith("scatter")]
        indices = {slot: writer.positions.index_operand(args[0]) for slot, args in spots if len(args) == 1}
        if kernel.rank < 2 or not any(operand >= 0 for operand in indices.values()):
            return
        runs = text.set(f"load i64, ptr {writer._state(rt.STATE_RUNS)}")
        ahead = text.set(f"add i64 %run.number, {AHEAD}")
        some, after = text.label("ahead"), text.label("now")
        text.go_if(text.set(f"icmp slt i64 {ahead}, {runs}"), some, after)
        text.start(some)
        table = text.set(f"load ptr, ptr {writer._state(rt.STATE_APART)}")
        points = text.set(f"add i64 {text.set(f'mul i64 %count, {text.lanes}')}, %active")
        for slot, operand in indices.items():
            if operand < 0:
                continue
            apart = text.set(f"load i64, ptr {text.set(f'getelementptr i64, ptr {table}, i64 {operand}')}")
            distance = text.set(f"mul i64 {apart}, {AHEAD}")
            place = text.set(f"getelementptr i8, ptr {writer.origin[operand]}, i64 {distance}")
            dtype = kernel.operands[operand].dtype
            index = text.set(f"load {MEMORY_TYPE[dtype]}, ptr {place}, align {ITEMSIZE[dtype]}")
            if ITEMSIZE[dtype] < 8:
                index = text.set(f"{'zext' if is_unsigned(dtype) else 'sext'} {MEMORY_TYPE[dtype]} {index} to i64")
            size = text.set(f"mul i64 {points}, {writer.slots[slot].size}")
            writer.positions.fetch(slot, writer.origin[slot], index, size)
        text.go(after)
        text.start(after)

    def _begin_at(self, what: str, number: int, slot: int, args: Sequence[str]) -> None:
        """A cursor for the run that starts at a computed position."""
        writer = self.writer
        writer.places[what, number] = len(writer.start)
        writer.start.append(writer.positions.place(slot, writer.origin[slot], args))
        writer.advance.append(str(self.text.lanes * writer.slots[slot].size))
