"""Several runs at a time, where rows of accumulators in memory take them in (`reduction_text.py`: *rows*).

A sum over the slow axis reads and writes its row of accumulators once for every row that it adds. Where the
accumulators do not move from run to run, a vector of them may as well take the same columns of TOGETHER runs before it
goes back to memory: one after the other, so that every accumulator meets the same values in the same order. Memory is
asked for ahead, since the machine does not foresee so many streams.

Which runs are taken together is decided in `runtime_walk.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from theano.backends.native import runtime_records as rt
from theano.backends.native.reduction_text import JOINED

if TYPE_CHECKING:
    from theano.backends.native.kernel_text import KernelText
    from theano.backends.native.vector_text import VectorText

TOGETHER = 8  # a multiple of JOINED
AHEAD = 4096  # bytes: how far memory is asked for ahead in a long run
FAR_AHEAD = 32768  # and at least how far where the next runs are asked for


class JointRuns:
    """Writes the code for TOGETHER runs; behind it, the writer is where it was, for a single run."""

    def __init__(self, writer: KernelText) -> None:
        self.writer = writer
        self.text = writer.text
        self.apart: dict[int, str] = {}
        self.ahead: dict[int, str] = {}
        self.starts: list[list[str]] = []
        self.spreads: list[dict[int, str]] = []

    def write(self) -> None:
        text, writer = self.text, self.writer
        together = text.set(f"load i64, ptr {writer._state(rt.STATE_TOGETHER)}")
        runs = text.set(f"load i64, ptr {writer._state(rt.STATE_RUNS)}")
        following = f"add i64 %run.number, {TOGETHER}"
        enough = text.set(f"icmp sle i64 {text.set(following)}, {runs}")
        may = text.set(f"icmp ne i64 {together}, 0")
        text.go_if(text.set(f"and i1 {may}, {enough}"), "joint", "single")
        text.start("joint")
        text.emit(f"%joint.following = {following}")
        kept = writer.start, writer.origin, writer.spread
        self._starts(together)
        for accumulator in writer.accumulators:
            accumulator.enter(text, writer.step, False, 1, writer.resumes, writer.carry)
            accumulator.waits = JOINED if accumulator.joined >= 0 else 0
            self.starts = [accumulator.rows_start(text, start) for start in self.starts]
        self._guarded("%count", "0", masked=False)
        self._guarded("%active", "%count", masked=True)
        writer.start, writer.origin, writer.spread = kept
        for accumulator in writer.accumulators:
            accumulator.waits = 0
            accumulator.leave(text, writer.start, writer.stops, writer.carry)
        text.go_if(text.set(f"icmp slt i64 %joint.following, {runs}"), "joint.more", "finished")
        text.start("joint.more")
        for number, distance in self.apart.items():
            moved = self._moved(number, writer.origin[number], text.set(f"mul i64 {distance}, {TOGETHER}"))
            text.emit(f"%run.joint{number} = {moved}")
        text.go("run")
        text.start("single")

    def _moved(self, number: int, at: str, distance: str) -> str:
        if self.writer._counts(number):
            return f"add i64 {at}, {distance}"
        return f"getelementptr i8, ptr {at}, i64 {distance}"

    def _starts(self, together: str) -> None:
        """Where each of the runs starts; and how far ahead memory is asked for."""
        text, writer = self.text, self.writer
        table = text.set(f"load ptr, ptr {writer._state(rt.STATE_APART)}")
        next_runs = text.set(f"icmp eq i64 {together}, {rt.NEXT_RUNS}")
        for number, slot in enumerate(writer.slots):
            if slot.role == rt.ROLE_NONE:
                continue
            self.apart[number] = text.set(f"load i64, ptr {text.set(f'getelementptr i64, ptr {table}, i64 {number}')}")
            if slot.role == rt.ROLE_IN and len(slot.axes) == writer.kernel.rank:
                distance = text.set(f"mul i64 {self.apart[number]}, {TOGETHER}")
                near = text.set(f"icmp slt i64 {distance}, {FAR_AHEAD}")
                distance = text.set(f"select i1 {near}, i64 {FAR_AHEAD}, i64 {distance}")
                self.ahead[number] = text.set(f"select i1 {next_runs}, i64 {distance}, i64 {AHEAD}")
        origin, spread = writer.origin, writer.spread
        self.starts, self.spreads = [writer.start], [spread]
        for _ in range(1, TOGETHER):
            origin = [
                text.set(self._moved(number, at, self.apart[number])) if number in self.apart else at
                for number, at in enumerate(origin)
            ]
            writer.origin, writer.start, writer.spread = origin, list(origin), {}
            writer._spread([number for number, slot in enumerate(writer.slots) if slot.role == rt.ROLE_IN])
            self.starts.append(writer.start)
            self.spreads.append(writer.spread)

    def _guarded(self, count: str, done: str, masked: bool) -> None:
        """A loop over `count` vectors; or (masked) over a vector of `count` lanes, if there are any."""
        text = self.text
        some, none = text.label("some"), text.label("none")
        text.go_if(text.set(f"icmp sgt i64 {count}, 0"), some, none)
        text.start(some)
        distances = {}
        for number in self.apart:
            advance = self.writer.advance[number]
            distances[number] = "0" if done == "0" or not advance else text.set(f"mul i64 {advance}, {done}")
        if masked:
            self._masked(count, distances)
        else:
            self._loop(count, distances)
        text.go(none)
        text.start(none)

    def _loop(self, count: str, distances: dict[int, str]) -> None:
        text, writer = self.text, self.writer
        before = text.block
        head, latch, done = text.label("loop"), text.label("latch"), text.label("done")
        text.go(head)
        text.start(head)
        index, following = text.new("i"), text.new("i")
        text.emit(f"{index} = phi i64 [0, %{before}], [{following}, %{latch}]")
        now: dict[int, str] = {}
        nexts: dict[int, str] = {}
        for number, first in distances.items():
            if writer.advance[number]:
                now[number], nexts[number] = text.new("at"), text.new("at")
                text.emit(f"{now[number]} = phi i64 [{first}, %{before}], [{nexts[number]}, %{latch}]")
        writer.mask, writer.memory_mask, writer.active = text.splat("i1", "true"), "", str(text.lanes)
        self._vector(now, "")
        text.go(latch)
        text.start(latch)
        for number, then in nexts.items():
            text.emit(f"{then} = add i64 {now[number]}, {writer.advance[number]}")
        text.emit(f"{following} = add i64 {index}, 1")
        text.go_if(text.set(f"icmp slt i64 {following}, {count}"), head, done)
        text.start(done)

    def _masked(self, count: str, distances: dict[int, str]) -> None:
        text, writer = self.text, self.writer
        writer.active = count
        writer.mask = text.compare("slt", "i64", text.lane_numbers("i64"), text.spread("i64", count))
        writer.memory_mask = writer.mask if writer.table.flags & rt.MASKS else ""
        self._vector({n: d for n, d in distances.items() if writer.advance[n]}, writer.mask)

    def _vector(self, distances: dict[int, str], mask: str) -> None:
        """The same vector of all runs, at these distances from where they start."""
        text, writer = self.text, self.writer
        for run, (starts, spread) in enumerate(zip(self.starts, self.spreads, strict=True)):
            writer.spread = spread
            writer.now = [
                text.set(self._moved(number, at, distances[number])) if number in distances else ""
                for number, at in enumerate(starts)
            ]
            if run == 0:
                for accumulator in writer.accumulators:
                    accumulator.fetch(text, writer.memory_mask, writer.now)
            for number, distance in self.ahead.items():
                if writer.now[number] and not mask:
                    text.prefetch(writer.now[number], distance, near=2)
            writer._results(writer._body(), mask, 0)
        for accumulator in writer.accumulators:
            accumulator.put_back(text, writer.memory_mask)


def pieces_of_runs(text: VectorText, state: Callable[[int], str]) -> tuple[str, str, str]:
    """Two i1, whether a run goes on where a piece of it stopped and whether it will, and where sums are kept meanwhile.

    state    the address of a field of the kernel's state
    """
    address = text.set(f"load i64, ptr {state(rt.STATE_CARRY)}")
    piece = text.set(f"load i64, ptr {state(rt.STATE_PIECE)}")
    some = text.set(f"icmp ne i64 {address}, 0")
    answers = []
    for flag in (rt.FIRST_PIECE, rt.LAST_PIECE):
        lacks = text.set(f"icmp eq i64 {text.set(f'and i64 {piece}, {flag}')}, 0")
        answers.append(text.set(f"and i1 {some}, {lacks}"))
    return answers[0], answers[1], text.set(f"inttoptr i64 {address} to ptr")
