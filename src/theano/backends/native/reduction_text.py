"""Accumulating in vector code: sums, products, extrema, and the positions of extrema.

An `Accumulator` writes its part of a kernel's loop. While a run along the innermost axis is reduced, partial results
stay in vector registers, one for each lane (*flat*); where the innermost axis is kept, the loop reads, updates and
writes a row of accumulators in memory, so that memory is walked in order (*rows*; an accumulator that stands still
there nevertheless does so in a vector on the stack).

Float sums in registers are compensated: every `BLOCK` rounds the partial sums move into a total by Knuth's two-sum,
whose rounding errors are summed on the side. The error is that of a block, whatever the length: less than that of
pairwise summation.

A float64 sum whose result is float32 needs no compensation: what it loses is far below the result's rounding. If what
it adds up was computed in float32 and is never negative (squares, exponentials), JOINED vectors at a time are added up
in float32 first, since widening takes longer than adding: nothing cancels, so that the sum's error grows by two
roundings of float32 at most, and as a rule by far less than one, since they average out over the terms.

Products are multiplied and added by one instruction, where the machine has it. It rounds once.

Of the positions of extrema, registers hold the numbers of vectors, as wide as the values: a vector in which a lane has
a better value leaves its number there. So a run may be long, but not endless (LONGEST in `runtime_walk.py`). There is a
faster way where values are quickly computed again (`position_search_text.py`).

Where a run comes in pieces (operands are packed first), totals and errors are kept from piece to piece.

A short loop body is repeated `copies` times in a round, each copy with a partial result of its own, so that one
addition does not wait for the last.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from theano._records import field, record_class
from theano.backends.native import target
from theano.backends.native.opcode_text import better_candidate, float_extreme, is_ahead
from theano.backends.native.vector_text import (
    MEMORY_TYPE,
    SIZE,
    VALUE_TYPE,
    VectorText,
    is_float,
    is_unsigned,
    scalar_constant,
)

BLOCK = 16
JOINED = 4

_LARGEST = str(2**63 - 1)


@record_class()
class Accumulator:
    """One reduction of a kernel: its state while a function is written, and the code that it contributes."""

    what: str
    value: int
    source: str
    dtype: str
    slot: int
    origin: str = ""  # the dtype from which the value was converted to `source`
    joined: int = -1  # the value before that, if vectors of it may be added up first; -1: they may not
    loses: bool = False  # is the result narrower than the sum, which then needs no compensation?
    position_axes: tuple[int, ...] | None = None
    position_slot: int = -1
    value_slot: int = -1
    kind: str = ""
    wide: str = ""  # the dtype that accumulates
    memory: str = ""
    flat: bool = True
    partial: list[str] = field(default_factory=list)  # variables (stack slots, made registers by LLVM)
    numbers: list[str] = field(default_factory=list)  # variables: the numbers of the vectors with the best values
    counter: str = "i64"  # their type
    stride: str = ""  # of positions, from one point to the next
    one: str = ""  # see `_one`
    total: str = ""
    error: str = ""
    rooms: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)  # of the accumulators which are
    fetched: list[str] = field(default_factory=list)  # in registers: the values, and the positions
    waits: int = 0  # of how many vectors the sum is taken in at once
    waiters: list[str] = field(default_factory=list)  # those that have come
    waited: int = 0  # how many

    def __post_init__(self) -> None:
        self.op = {"argmax": "max", "sup": "max", "argmin": "min", "all": "and", "any": "or"}.get(self.what, self.what)
        if self.what in ("all", "any"):
            self.dtype = "bool"
        elif self.what in ("argmax", "argmin") or not self.dtype:
            self.dtype = self.source
        if self.dtype == "bool":
            self.op = {"sum": "or", "max": "or", "prod": "and", "min": "and"}.get(self.op, self.op)
            if self.what in ("argmax", "argmin"):
                self.dtype, self.op = "uint8", "max" if self.what == "argmax" else "min"
        self.kind = VALUE_TYPE[self.dtype]
        self.counter = "i64" if SIZE[self.kind] == 8 else "i32"
        self.wide = "float32" if self.dtype == "float16" else self.dtype
        self.memory = MEMORY_TYPE[self.wide]
        self.compensated = self.op == "sum" and is_float(self.dtype) and not self.loses

    # -- neutral elements

    @property
    def identity(self) -> float:
        match self.op:
            case "sum" | "or" | "xor":
                return 0
            case "prod":
                return 1
            case "and":
                return 1 if self.dtype == "bool" else -1
        highest = self.op == "min"
        if is_float(self.dtype):
            return float("inf") if highest else float("-inf")
        bits = 8 * SIZE[self.memory]
        if is_unsigned(self.dtype):
            return 2**bits - 1 if highest else 0
        return 2 ** (bits - 1) - 1 if highest else -(2 ** (bits - 1))

    @property
    def identity_bits(self) -> int:
        """As a signed 64-bit integer (floats: of their own width)."""
        if self.memory in ("float", "double"):
            code, whole = ("<f", "<i") if self.memory == "float" else ("<d", "<q")
            return int(struct.unpack(whole, struct.pack(code, self.identity))[0])
        bits = int(self.identity)
        return bits - 2**64 if bits >= 2**63 else bits

    def _identity_text(self, text: VectorText) -> str:
        return text.splat(self.kind, scalar_constant(self.kind, self.identity))

    def load(self, text: VectorText, pointer: str, mask: str = "") -> str:
        return text.load(self.wide, pointer, mask)

    def store(self, text: VectorText, value: str, pointer: str, mask: str = "") -> None:
        text.store(self.wide, value, pointer, mask)

    # -- the loop

    def enter(self, text: VectorText, step: Sequence[str], flat: bool, copies: int, resumes: str, carry: str) -> None:
        """Before the loops: make the variables.

        resumes    an i1: does the run go on where the last piece of it stopped, with what `carry` points to?
        """
        self.flat = flat
        self.rooms = {}
        self.one = self._one(text)
        self.waits = min(copies, JOINED) if flat and self.joined >= 0 else 0
        if flat:
            variables = 1 if self.waits else copies
            self.partial = [text.variable(self.kind, self._identity_text(text)) for _ in range(variables)]
            if self.position_axes is not None:
                self.numbers = [text.variable(self.counter, "zeroinitializer") for _ in range(copies)]
                self.stride = step[self.position_slot]
                return
            if self.compensated:
                self.total = text.variable(self.kind, "zeroinitializer")
                self.error = text.variable(self.kind, "zeroinitializer")
                resume, fresh = text.label("resume"), text.label("fresh")
                text.go_if(resumes, resume, fresh)
                text.start(resume)
                for variable, place in zip((self.total, self.error), self._carried(text, carry), strict=True):
                    text.put(self.kind, text.get(self.kind, place), variable)
                text.go(fresh)
                text.start(fresh)
            return
        for slot, kind, memory, neutral in self._places(text):
            still = text.set(f"icmp eq i64 {step[slot]}, 0")
            room = text.room(memory)
            stored = text.convert("zext", "i1", "i8", neutral) if kind == "i1" else neutral
            text.emit(f"store {text.vec(memory)} {stored}, ptr {room}, align 64")
            self.rooms[slot] = (still, room, kind)

    def _places(self, text: VectorText) -> list[tuple[int, str, str, str]]:
        """(slot, value type, memory type, neutral element) of what is kept in memory."""
        if self.position_axes is None:
            return [(self.slot, self.kind, self.memory, self._identity_text(text))]
        return [
            (self.value_slot, self.kind, self.memory, self._identity_text(text)),
            (self.slot, "i64", "i64", text.splat("i64", _LARGEST)),
        ]

    def rows_start(self, text: VectorText, start: Sequence[str]) -> list[str]:
        """Where the cursors of a loop in memory start: what stands still does so in its vector on the stack."""
        start = list(start)
        for slot, (still, room, _) in self.rooms.items():
            start[slot] = text.set(f"select i1 {still}, ptr {room}, ptr {start[slot]}")
        return start

    def update(
        self, text: VectorText, value: str, position: str, mask: str, memory_mask: str, at: Sequence[str], copy: int,
        factors: Sequence[str] = (),
    ) -> None:
        """Take one vector in. `mask` is empty when all lanes count, `memory_mask` when all may be read and written.

        position    where positions count: of each lane, or (flat) the number of the vector in every lane
        factors     two vectors, of which the product is to be added up (`adds_products`), and not `value`
        """
        if factors:
            self._add_product(text, factors, mask, memory_mask, at, copy)
            return
        value = text.cast(self.source, self.wide, value)
        if mask:
            value = text.select(mask, self.kind, value, self._identity_text(text))
            if position and not self.flat:
                position = text.select(mask, "i64", position, text.splat("i64", _LARGEST))
        if not self.flat:
            self._update_rows(text, value, position, memory_mask, at)
        elif self.position_axes is not None:
            best = text.get(self.kind, self.partial[copy])
            ahead = is_ahead(text, self.op, self.dtype, value, best)
            text.put(self.kind, text.select(ahead, self.kind, value, best), self.partial[copy])
            before = text.get(self.counter, self.numbers[copy])
            text.put(self.counter, text.select(ahead, self.counter, position, before), self.numbers[copy])
        else:
            old = text.get(self.kind, self.partial[copy])
            text.put(self.kind, self._take(text, old, value), self.partial[copy])

    @property
    def adds_products(self) -> bool:
        """Can products be added up by one instruction, which rounds once?"""
        return self.op == "sum" and self.source == self.dtype in ("float32", "float64") and target.host().fma

    def _add_product(
        self, text: VectorText, factors: Sequence[str], mask: str, memory_mask: str, at: Sequence[str], copy: int
    ) -> None:
        alone = not self.flat and not self.fetched
        if alone:
            self.fetch(text, memory_mask, at)
        old = text.get(self.kind, self.partial[copy]) if self.flat else self.fetched[0]
        new = text.intrinsic("fma", self.kind, [*factors, old])
        if mask:
            new = text.select(mask, self.kind, new, old)
        if self.flat:
            text.put(self.kind, new, self.partial[copy])
        else:
            self.fetched = [new]
        if alone:
            self.put_back(text, memory_mask)

    def wait(
        self, text: VectorText, value: str, mask: str, memory_mask: str, at: Sequence[str], factors: Sequence[str] = ()
    ) -> None:
        """Take one vector of what is widened in (`joined`): when enough have come, their sum, in pairs.

        factors     two vectors of which `value` is the product
        """
        kind = VALUE_TYPE[self.origin]
        self.waited += 1
        if factors and self.waited % 2 == 0 and target.host().fma:
            value = text.intrinsic("fma", kind, [*factors, self.waiters.pop()])
        if mask:
            value = text.select(mask, kind, value, "zeroinitializer")
        self.waiters.append(value)
        if self.waited < self.waits:
            return
        self.waited = 0
        while len(self.waiters) > 1:
            pairs = zip(self.waiters[::2], self.waiters[1::2], strict=True)
            self.waiters = [text.binary("fadd", kind, a, b) for a, b in pairs]
        value = text.cast(self.origin, self.dtype, self.waiters.pop())
        if self.flat:
            text.put(self.kind, self._take(text, text.get(self.kind, self.partial[0]), value), self.partial[0])
        else:
            self._update_rows(text, value, "", memory_mask, at)

    def after_round(self, text: VectorText, index: str) -> None:
        """At the end of a round: every BLOCK rounds, move partial sums into the total."""
        if not (self.flat and self.compensated):
            return
        low = text.set(f"and i64 {index}, {BLOCK - 1}")
        full = text.set(f"icmp eq i64 {low}, {BLOCK - 1}")
        flush, after = text.label("flush"), text.label("go")
        text.go_if(full, flush, after)
        text.start(flush)
        self._flush(text)
        text.go(after)
        text.start(after)

    def _flush(self, text: VectorText) -> None:
        total, error = self._two_sum(
            text, text.get(self.kind, self.total), self.of_copies(text), text.get(self.kind, self.error)
        )
        text.put(self.kind, total, self.total)
        text.put(self.kind, error, self.error)
        for variable in self.partial:
            text.put(self.kind, "zeroinitializer", variable)

    def of_copies(self, text: VectorText) -> str:
        """The copies' partial results as one vector."""
        values = [text.get(self.kind, v) for v in self.partial]
        while len(values) > 1:
            pairs = zip(values[::2], values[1::2], strict=True)
            values = [self.combine(text, a, b) for a, b in pairs]
        return values[0]

    def _one(self, text: VectorText) -> str:
        """A vector of ones, of which LLVM does not know that they are, for sums of a narrower type; "" for others."""
        narrow = self.origin or self.source
        widens = is_float(narrow) and is_float(self.dtype) and SIZE[VALUE_TYPE[narrow]] < SIZE[self.kind]
        if self.op != "sum" or not widens or not target.host().fma:
            return ""
        text.declare("one", "@one = internal global double 1.0")
        return text.spread("double", text.set("load double, ptr @one"))

    def _take(self, text: VectorText, old: str, value: str) -> str:
        """Take a vector in. Conversions and additions may compete for the same units of the machine, which multiplies
        and adds elsewhere: old + value * 1."""
        if self.one:
            return text.intrinsic("fma", self.kind, [value, self.one, old])
        return self.combine(text, old, value)

    def _found(self, text: VectorText, first: str) -> list[str]:
        """Of each lane, the best value of all copies and its position. `first`: the position of the run's start."""
        kind = self.counter
        pairs = []
        for copy, variables in enumerate(zip(self.partial, self.numbers, strict=True)):
            value, number = (text.get(k, v) for k, v in zip((self.kind, kind), variables, strict=True))
            # copies of a round share its number
            pairs.append([value, text.binary("add", kind, number, text.splat(kind, str(copy)))])
        best = pairs[0]
        for value, number in pairs[1:]:
            best = self.better(text, [value, number], best, kind)
        number = best[1] if kind == "i64" else text.convert("zext", kind, "i64", best[1])
        point = text.binary("mul", "i64", number, text.splat("i64", str(text.lanes)))
        point = text.binary("add", "i64", point, text.lane_numbers("i64"))
        distance = text.binary("mul", "i64", point, text.spread("i64", self.stride))
        return [best[0], text.binary("add", "i64", text.spread("i64", first), distance)]

    def fetch(self, text: VectorText, mask: str, at: Sequence[str]) -> None:
        """(rows) Read a vector of accumulators, which updates go to until `put_back`."""
        self.places = {slot: at[slot] for slot in self.rooms}
        if self.position_axes is None:
            self.fetched = [self.load(text, at[self.slot], mask)]
        else:
            where = text.load("int64", at[self.slot], mask)
            self.fetched = [self.load(text, at[self.value_slot], mask), where]

    def put_back(self, text: VectorText, mask: str) -> None:
        values = self.slot if self.position_axes is None else self.value_slot
        self.store(text, self.fetched[0], self.places[values], mask)
        if self.position_axes is not None:
            text.store("int64", self.fetched[1], self.places[self.slot], mask)
        self.fetched = []

    def _update_rows(self, text: VectorText, value: str, position: str, mask: str, at: Sequence[str]) -> None:
        alone = not self.fetched
        if alone:
            self.fetch(text, mask, at)
        if self.position_axes is None:
            self.fetched = [self._take(text, self.fetched[0], value)]
        else:
            self.fetched = self.better(text, [value, position], self.fetched)
        if alone:
            self.put_back(text, mask)

    def _carried(self, text: VectorText, carry: str) -> list[str]:
        """Where total and error are kept between the pieces of a run."""
        size = max(text.lanes, 8)  # whole cache lines
        first = self.slot * 2 * size
        return [text.set(f"getelementptr i64, ptr {carry}, i64 {n}") for n in (first, first + size)]

    def leave(self, text: VectorText, start: Sequence[str], stops: str, carry: str) -> None:
        """After the loop: fold the lanes into the accumulator in memory; or (stops) keep them for the next piece."""
        if self.flat and self.compensated:
            self._flush(text)
            keep, fold, after = (text.label(name) for name in ("keep", "fold", "after"))
            text.go_if(stops, keep, fold)
            text.start(keep)
            for variable, place in zip((self.total, self.error), self._carried(text, carry), strict=True):
                text.put(self.kind, text.get(self.kind, variable), place)
            text.go(after)
            text.start(fold)
            self._leave(text, start)
            text.go(after)
            text.start(after)
        else:
            self._leave(text, start)

    def _leave(self, text: VectorText, start: Sequence[str]) -> None:
        if self.flat:
            if self.position_axes is not None:
                values = self._found(text, start[self.position_slot])
            elif self.compensated:
                total, error = text.get(self.kind, self.total), text.get(self.kind, self.error)
                # an infinite total makes the error NaN: then it says nothing
                sane = text.compare("ord", self.kind, error, error)
                error = text.select(sane, self.kind, error, "zeroinitializer")
                values = [text.binary("fadd", self.kind, total, error)]
            else:
                values = [self.of_copies(text)]
            self.fold(text, values, start)
            return
        fold, after = text.label("fold"), text.label("after")
        still = next(iter(self.rooms.values()))[0]
        text.go_if(still, fold, after)
        text.start(fold)
        values = []
        for slot, (_, room, _kind) in self.rooms.items():
            if slot == self.slot and self.position_axes is not None:
                values.append(text.load("int64", room))
            else:
                values.append(self.load(text, room))
        self.fold(text, values, start)
        text.go(after)
        text.start(after)

    # -- arithmetic

    def combine(self, text: VectorText, a: str, b: str) -> str:
        kind = self.kind
        if self.op in ("max", "min"):
            if is_float(self.dtype):
                return float_extreme(text, self.op, kind, a, b)
            return text.intrinsic(("u" if is_unsigned(self.dtype) else "s") + self.op, kind, [a, b])
        words = {"sum": "add", "prod": "mul", "and": "and", "or": "or", "xor": "xor"}
        word = words[self.op]
        return text.binary(("f" if is_float(self.dtype) else "") + word, kind, a, b)

    def better(self, text: VectorText, new: Sequence[str], old: Sequence[str], counter: str = "i64") -> list[str]:
        """The better of two candidates, each a value and its position."""
        return better_candidate(text, self.op, self.dtype, new, old, counter)

    def _two_sum(self, text: VectorText, total: str, part: str, error: str) -> tuple[str, str]:
        kind = self.kind
        new = text.binary("fadd", kind, total, part)
        virtual = text.binary("fsub", kind, new, total)
        low = text.binary("fsub", kind, total, text.binary("fsub", kind, new, virtual))
        high = text.binary("fsub", kind, part, virtual)
        return new, text.binary("fadd", kind, error, text.binary("fadd", kind, low, high))

    def over_lanes(self, text: VectorText, values: list[str]) -> tuple[VectorText, list[str]]:
        """All lanes combined by halves, as vectors of one lane, and the writer of such. values: and positions"""
        kinds = [self.kind, "i64"][: len(values)]
        while text.lanes > 1:
            low, high = ([text.half(k, v, upper) for k, v in zip(kinds, values)] for upper in (False, True))
            text = text.beside(text.lanes // 2)
            values = self._join(text, low, high)
        return text, values

    def fold(self, text: VectorText, values: list[str], start: Sequence[str]) -> None:
        """Combine all lanes, and the result with what memory holds."""
        one, values = self.over_lanes(text, values)
        if self.position_axes is None:
            old = [self.load(one, start[self.slot])]
            self.store(one, self._join(one, old, values)[0], start[self.slot])
        else:
            old = [self.load(one, start[self.value_slot]), one.load("int64", start[self.slot])]
            best = self._join(one, values, old)
            self.store(one, best[0], start[self.value_slot])
            one.store("int64", best[1], start[self.slot])

    def _join(self, text: VectorText, a: list[str], b: list[str]) -> list[str]:
        """Of two vectors of values, or of values and positions."""
        if len(a) == 1:
            return [self.combine(text, a[0], b[0])]
        return self.better(text, a, b)
