"""The position of an extreme along a run: first the vectors among which it is, then its place among these.

A number beside every value costs more than comparing the values. So a round's vectors are compared with each other
first, and only the best of each lane with the best so far, which leaves the round's number. In the end the round that
has the extreme first is computed once more, to see where it is. NaN is looked for, but not minded: where there was any,
the first is sought from the start. Where memory holds something better already, as it may if a result is reduced over
several runs, nothing is sought.

For kernels whose values can be computed again (`searches`); others keep a number for each vector (`reduction_text.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from theano.backends.native.kernel_slots import is_quick
from theano.backends.native.opcode_text import is_ahead
from theano.backends.native.reduction_text import Accumulator
from theano.backends.native.vector_text import is_float, is_unsigned, scalar_constant
from theano.lowering.kernel import Kernel

if TYPE_CHECKING:
    from theano.backends.native.kernel_text import KernelText

COPIES = 4  # vectors of a round

Take = Callable[[Sequence[str], str, int], None]
After = Callable[[str, int, str], None]


def searches(kernel: Kernel, accumulators: Sequence[Accumulator]) -> bool:
    """Is one position asked for, and at most the extreme itself, of values that are quickly computed again?"""
    positions = [a for a in accumulators if a.position_axes is not None]
    if len(positions) != 1 or len(accumulators) != len(kernel.results) or not is_quick(kernel):
        return False
    (position,) = positions
    axes = kernel.operands[position.slot].axes
    return all(
        (a.op, a.dtype, a.value) == (position.op, position.dtype, position.value)
        and kernel.operands[a.slot].axes == axes
        for a in accumulators
    )


class PositionSearch:
    """Writes such a run, where accumulators are registers."""

    def __init__(self, writer: KernelText) -> None:
        self.writer = writer
        self.text = writer.text
        self.position = next(a for a in writer.accumulators if a.position_axes is not None)
        self.kind = self.position.kind
        self.floats = is_float(self.position.dtype)
        self.word = "gt" if self.position.op == "max" else "lt"
        self.round: list[str] = []  # the values of its vectors, or (seeking) which lanes may be meant

    def write(self) -> None:
        text, position = self.text, self.position
        self.identity = text.splat(self.kind, scalar_constant(self.kind, position.identity))
        self.best = text.variable(self.kind, self.identity)  # of each lane
        self.numbers = text.variable(position.counter, "zeroinitializer")  # of the first vectors of rounds with these
        self.nan = text.variable("i1", "zeroinitializer")
        rounds = text.set(f"udiv i64 %count, {COPIES}")
        whole = text.set(f"mul i64 {rounds}, {COPIES}")
        points = text.set(f"add i64 {text.set(f'mul i64 %count, {text.lanes}')}, %active")
        self._go_over(rounds, "0", points, whole, self._compare, lambda *_: self._keep())
        self._find(whole, points)

    def _go_over(self, rounds: str, first: str, points: str, rest: str, take: Take, after: After) -> None:
        """From the vector `first` on in rounds, and from the vector `rest` on one by one up to the end."""
        text = self.text
        left = text.set(f"sub i64 {points}, {text.set(f'mul i64 {rest}, {text.lanes}')}")
        for count, before, copies in ((rounds, first, COPIES), (left, rest, 1)):
            self.writer._guarded(count, before, copies, copies == 1, True, take, partial(after, before, copies))

    def _value(self, values: Sequence[str]) -> str:
        return self.text.cast(self.position.source, self.position.wide, values[self.position.value])

    # -- which round

    def _compare(self, values: Sequence[str], mask: str, copy: int) -> None:
        value = self._value(values)
        self.round.append(self.text.select(mask, self.kind, value, self.identity) if mask else value)

    def _ahead(self, value: str, best: str) -> str:
        sign = "o" if self.floats else "u" if is_unsigned(self.position.dtype) else "s"
        return self.text.compare(sign + self.word, self.kind, value, best)

    def _keep(self) -> None:
        """Of a round, what is better than all before."""
        text, counter = self.text, self.position.counter
        if self.floats:
            nan = text.get("i1", self.nan)
            for a, b in zip(self.round[::2], self.round[-1::-2], strict=True):
                nan = text.binary("or", "i1", nan, text.compare("uno", self.kind, a, b))
            text.put("i1", nan, self.nan)
        while len(self.round) > 1:
            pairs = zip(self.round[::2], self.round[1::2], strict=True)
            self.round = [text.select(self._ahead(b, a), self.kind, b, a) for a, b in pairs]
        value, best = self.round.pop(), text.get(self.kind, self.best)
        ahead = self._ahead(value, best)
        text.put(self.kind, text.select(ahead, self.kind, value, best), self.best)
        number = text.select(ahead, counter, self.writer.numbers[counter], text.get(counter, self.numbers))
        text.put(counter, number, self.numbers)

    # -- where in it

    def _find(self, whole: str, points: str) -> None:
        text, writer, position, kind = self.text, self.writer, self.position, self.kind
        best, first = self._first_round()
        one = text.beside(1)
        single = one.spread(kind, best)
        old = position.load(one, writer.start[position.value_slot])
        behind = one.element("i1", is_ahead(one, position.op, position.dtype, old, single))
        self.sought = text.spread(kind, best)
        self.place = text.new("place")
        text.allocas.append(f"  {self.place} = alloca i64")
        seek, self.found, leave = (text.label(name) for name in ("seek", "found", "leave"))
        text.go_if(behind, leave, seek)
        text.start(seek)
        rounds = text.set(f"sdiv i64 {text.set(f'sub i64 {whole}, {first}')}, {COPIES}")
        later = text.set(f"icmp sgt i64 {first}, {whole}")
        rest = text.set(f"select i1 {later}, i64 {first}, i64 {whole}")
        self._go_over(rounds, first, points, rest, self._match, self._stop)
        text.go(leave)  # where there is nothing
        text.start(self.found)
        stride = writer.step[position.position_slot]
        distance = text.set(f"mul i64 {text.set(f'load i64, ptr {self.place}')}, {stride}")
        where = one.spread("i64", text.set(f"add i64 {writer.start[position.position_slot]}, {distance}"))
        for accumulator in writer.accumulators:
            accumulator.fold(one, [single, where] if accumulator is position else [single], writer.start)
        text.go(leave)
        text.start(leave)

    def _first_round(self) -> tuple[str, str]:
        """The extreme, and the number of the first vector of a round that has it, or from where NaN is to be sought."""
        text, position, kind, counter = self.text, self.position, self.kind, self.position.counter
        values = text.get(kind, self.best)
        sign = "f" if self.floats else "u" if is_unsigned(position.dtype) else "s"
        best = text.over_lanes(sign + position.op, kind, values)
        equal = text.compare("oeq" if self.floats else "eq", kind, values, text.spread(kind, best))
        last = text.splat(counter, "-1")
        first = text.over_lanes("umin", counter, text.select(equal, counter, text.get(counter, self.numbers), last))
        if counter != "i64":
            first = text.set(f"zext {counter} {first} to i64")
        if self.floats:
            nan = text.any_true(text.get("i1", self.nan))
            best = text.set(f"select i1 {nan}, {kind} {scalar_constant(kind, float('nan'))}, {kind} {best}")
            first = text.set(f"select i1 {nan}, i64 0, i64 {first}")
        return best, first

    def _match(self, values: Sequence[str], mask: str, copy: int) -> None:
        """Which lanes have the extreme: equal it, or are NaN as it is."""
        text, value = self.text, self._value(values)
        equal = text.compare("oeq" if self.floats else "eq", self.kind, value, self.sought)
        if self.floats:
            both = [text.compare("uno", self.kind, v, v) for v in (value, self.sought)]
            equal = text.binary("or", "i1", equal, text.binary("and", "i1", *both))
        self.round.append(text.binary("and", "i1", equal, mask) if mask else equal)

    def _stop(self, before: str, copies: int, index: str) -> None:
        """At the end of a round: if it has the extreme, that is the place."""
        text, width = self.text, self.text.lanes * copies
        bits = "0"
        for copy, match in enumerate(self.round):
            mine = text.set(f"bitcast {text.vec('i1')} {match} to i{text.lanes}")
            if copies > 1:
                mine = text.set(f"zext i{text.lanes} {mine} to i{width}")
            bits = text.set(f"or i{width} {bits}, {text.set(f'shl i{width} {mine}, {copy * text.lanes}')}")
        self.round = []
        hit, on = text.label("hit"), text.label("on")
        text.go_if(text.set(f"icmp ne i{width} {bits}, 0"), hit, on)
        text.start(hit)
        text.declare(f"llvm.cttz.i{width}", f"declare i{width} @llvm.cttz.i{width}(i{width}, i1)")
        lane = text.set(f"call i{width} @llvm.cttz.i{width}(i{width} {bits}, i1 true)")
        if width != 64:
            lane = text.set(f"{'zext' if width < 64 else 'trunc'} i{width} {lane} to i64")
        vector = text.set(f"add i64 {text.set(f'mul i64 {index}, {copies}')}, {before}")
        point = text.set(f"add i64 {text.set(f'mul i64 {vector}, {text.lanes}')}, {lane}")
        text.emit(f"store i64 {point}, ptr {self.place}")
        text.go(self.found)
        text.start(on)
