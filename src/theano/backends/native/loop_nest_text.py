"""The text of a loop inside a loop whose state is in registers; see `loop_register_nests.py` for which loops these are.

Where the loop cannot be run to its end here, the code goes to `outside`, and the outer step is left to the general way.
All steps of loops inside are counted in `%spent`, so that the user can interrupt the outer loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.backends.native.loop_register_nests import Nest
from theano.backends.native.vector_text import ITEMSIZE, VALUE_TYPE
from theano.lowering.program import Buffer, LoopStep, ViewStep

MOST_INSIDE = 65536  # steps that a loop inside may make; and all of them, before a look around is taken


class NestText:
    """Writes the loops inside another one; `writer` writes everything else."""

    def __init__(self, writer: Any) -> None:
        self.writer = writer
        self.nesting = writer.loop.nesting
        self._rows: dict[tuple[int, int], str] = {}  # of a loop inside and a trace: the last row
        self._made: dict[int, str] = {}  # of a loop inside: how many steps it made

    def begin(self) -> None:
        """In the first block of the function."""
        if self.nesting.nests:
            self.writer.text.allocas.append("  %spent = alloca i64")
            self.writer.text.emit("store i64 0, ptr %spent")

    def has_time(self) -> str:
        """May another step be made before a look around?"""
        text = self.writer.text
        return text.set(f"icmp slt i64 {text.set('load i64, ptr %spent')}, {MOST_INSIDE}")

    def must(self, condition: str) -> None:
        """Leave the outer step to the general way, if this does not hold."""
        text = self.writer.text
        inside = text.label("fits")
        text.go_if(condition, inside, "outside")
        text.start(inside)

    # -- a loop

    def write(self, step: LoopStep) -> None:
        writer, nest = self.writer, self.nesting.nests[id(step)]
        writer.use(False)
        bound, count = self._bound(nest)
        first = [self._moved(start) for _, start, _ in nest.held]
        text = writer.use(False)
        before, head, latch, after = text.block, text.label("head"), text.label("latch"), text.label("after")
        text.go_if(text.set(f"icmp sgt i64 {bound}, 0"), head, after)
        text.start(head)
        number, following = text.new("number"), text.new("following")
        text.emit(f"{number} = phi i64 [0, %{before}], [{following}, %{latch}]")
        phis = len(text.lines)
        for inside, _, _ in nest.held:
            writer.values[id(inside)] = text.new("held")
            text.lines.append("")  # written when it is known what a step makes
        self._load_rows(nest, number)
        writer.write_steps(nest.steps)
        self._keep_rows(nest, number)
        ended = self._ended(nest)
        text = writer.use(False)
        if any(isinstance(one, LoopStep) for one in nest.steps):
            self.must(self.has_time())
        self._latch(text, latch, (number, following, bound), ended, (head, after))
        ways = [self._ways(before, start, latch, held[2]) for start, held in zip(first, nest.held, strict=True)]
        for line, ((inside, _, _), way) in enumerate(zip(nest.held, ways, strict=True), phis):
            text.lines[line] = f"  {writer.values[id(inside)]} = phi {self._kind(inside)} {way}"
        text.start(after)
        steps = text.set(f"phi i64 [0, %{before}], [{following}, %{latch}]")
        lasts = [text.set(f"phi {self._kind(held[0])} {way}") for held, way in zip(nest.held, ways, strict=True)]
        for n, row in enumerate(nest.rows_made):
            way = self._ways(before, "poison", latch, row)
            self._rows[id(nest), n] = text.set(f"phi {self._kind(writer.loop.origin(row))} {way}")
        if ended:
            ended = text.set(f"phi i1 [false, %{before}], [{ended}, %{latch}]")
        self._end(nest, steps, bound, count, ended, lasts)

    def _latch(self, text: Any, latch: str, numbers: tuple[str, str, str], ended: str, to: tuple[str, str]) -> None:
        number, following, bound = numbers
        text.go(latch)
        text.start(latch)
        text.emit(f"{following} = add i64 {number}, 1")
        more = text.set(f"icmp slt i64 {following}, {bound}")
        if ended:
            more = text.set(f"and i1 {more}, {text.set(f'xor i1 {ended}, true')}")
        text.go_if(more, *to)

    def _ways(self, before: str, start: str, latch: str, result: Buffer) -> str:
        """What is in a register first, and what a step puts into it: the operands of a phi."""
        return f"[{start}, %{before}], [{self._moved(result)}, %{latch}]"

    def _kind(self, buffer: Buffer) -> str:
        return str(self.writer.kind_of(buffer, self.writer.loop.wide[id(buffer)]))

    def _bound(self, nest: Nest) -> tuple[str, str]:
        """(how many steps are made here at most, how many there are to be)"""
        writer = self.writer
        count = writer.number(writer.loop.origin(nest.outer.n_steps))
        text = writer.use(False)
        for _, length in nest.sequences:
            self.must(text.set(f"icmp eq i64 {count}, {self._length(length)}"))
        few = text.set(f"icmp ule i64 {count}, {MOST_INSIDE}")
        if not nest.loop.layout.until:
            for _, length in nest.kept.values():
                self.must(text.set(f"icmp eq i64 {count}, {self._length(length)}"))
            self.must(few)
            return count, count
        self.must(text.set(f"icmp sge i64 {count}, 0"))
        return text.set(f"select i1 {few}, i64 {count}, i64 {MOST_INSIDE}"), count

    def _length(self, place: int) -> str:
        return self.writer.text.set(f"ptrtoint ptr {self.writer.start[place]} to i64")

    def _moved(self, buffer: Buffer) -> str:
        return self.writer.value(self.writer.loop.origin(buffer))

    def _load_rows(self, nest: Nest, number: str) -> None:
        writer = self.writer
        for (pointer, length), inside in zip(nest.sequences, nest.inner.sequences, strict=True):
            text = writer.use(False)
            away = text.set(f"mul i64 {number}, {writer.moves[length]}")
            at = text.set(f"getelementptr i8, ptr {writer.pointer(pointer)}, i64 {away}")
            writer.values[id(inside)] = writer.load_from(inside.dtype, at, False)

    def _keep_rows(self, nest: Nest, number: str) -> None:
        writer = self.writer
        for trace, (pointer, length) in nest.kept.items():
            made = nest.rows_made[trace]
            value = self._moved(made)
            text = writer.use(False)
            if nest.loop.layout.until:
                self.must(text.set(f"icmp ult i64 {number}, {self._length(length)}"))
            away = text.set(f"mul i64 {number}, {ITEMSIZE[made.dtype]}")
            at = text.set(f"getelementptr i8, ptr {writer.pointer(pointer)}, i64 {away}")
            writer.store_one(made.dtype, value, at)

    def _ended(self, nest: Nest) -> str:
        if not nest.loop.layout.until:
            return ""
        return str(self.writer.truth(self.writer.loop.origin(nest.made.last[0])))

    def _end(self, nest: Nest, steps: str, bound: str, count: str, ended: str, lasts: Sequence[str]) -> None:
        """Checks, and what there is after the last step."""
        writer = self.writer
        text = writer.use(False)
        if ended:
            done = text.set(f"or i1 {ended}, {text.set(f'icmp eq i64 {bound}, {count}')}")
            self.must(done)
            for _, length in nest.kept.values():
                self.must(text.set(f"icmp eq i64 {steps}, {self._length(length)}"))
            (end,) = nest.ends.last
            writer.values[id(end)] = text.spread(VALUE_TYPE[end.dtype], steps)
        for end, value in zip(nest.ends.carried, lasts[: len(nest.ends.carried)], strict=True):
            writer.values[id(end)] = value
        spent = text.set(f"add i64 {text.set('load i64, ptr %spent')}, {steps}")
        text.emit(f"store i64 {spent}, ptr %spent")
        self._made[id(nest)] = steps

    def look(self, step: ViewStep) -> None:
        """A view of a row that a loop inside has made."""
        nest, number = self.nesting.rows[id(step)]
        text, at, steps = self.writer.use(False), step.params[0], self._made[id(nest)]
        self.must(text.set(f"icmp sgt i64 {steps}, {at if at >= 0 else -at - 1}"))
        self.writer.values[id(step.outputs[0])] = self._rows[id(nest), number]
