"""Kernel → LLVM text: the function that walks runs of whole vectors.

A kernel becomes one function

    i64 kernel(ptr data, ptr step, i64 count, i64 active, ptr state)

which computes `count` whole vectors and then `active` lanes (fewer than all) of one more. For every *slot* (operand,
accumulator or counter) `data` holds an address (a counter's position) and `step` how far one vector advances it (for
slots whose addresses are computed and for counters: how far one element does). What stands still along the run (step
0) is spread over a vector first (SPREADS). Where the machine has masked loads and stores, what lies beyond the active
lanes is not touched (MASKS); elsewhere the driver makes the last vector's memory whole. `state` has what
`runtime_records.py` says under STATE_; a kernel of several axes goes over STATE_RUNS such runs. The function returns 1
when a position is out of range.

Up to three forms of the loop exist side by side, and the state says which one is meant: accumulators in registers
(*flat*) or a row of them in memory (*rows*), positions found once for a run (*hoisted*).

What the opcodes are in vector code is `opcode_text.py`'s business; accumulating is `reduction_text.py`'s; gathers and
scatters are `position_text.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from theano.backends.native import opcode_text, target
from theano.backends.native import runtime_records as rt
from theano.backends.native.combine_text import finishers
from theano.backends.native.hoisted_runs_text import HoistedRuns
from theano.backends.native.joint_runs_text import JointRuns, pieces_of_runs
from theano.backends.native.kernel_slots import LONG, SHORT, Slot, Slots, adds_rows, is_quick, lanes_of
from theano.backends.native.position_search_text import PositionSearch, searches
from theano.backends.native.position_text import PositionText
from theano.backends.native.vector_text import (
    ALIGNMENT,
    ELEMENT_TYPE,
    VectorText,
)
from theano.lowering.kernel import Instr, Kernel

IN_PLACE = 4  # up to so many mathematical functions are written out in place, in each loop
AHEAD = 8  # how many cache lines ahead the memory of rows is asked for


class KernelText:
    """Writes the LLVM text of one kernel: `function` is it, once `write` is done."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel = kernel
        self.name = name
        types = {o.dtype for o in kernel.operands} | {i.dtype for i in kernel.body} | {r.dtype for r in kernel.results}
        if "float16" in types and not target.host().half:
            raise NotImplementedError("this machine has no instructions for float16")
        self.text = VectorText(lanes_of(kernel, target.host().vector_bytes))
        self.text.in_place = sum(i.op == "math" for i in kernel.body) <= IN_PLACE
        self.table = Slots(kernel, name, masks=target.host().vector_bytes == 64)
        self.slots = self.table.all
        self.accumulators = self.table.accumulators
        self.function = ""
        self.hoisted = False
        # what is known before the loop: values of instructions, and operands that stand still
        self.known: dict[int, str] = {}
        self.spread: dict[int, str] = {}
        # cursors are what the loop moves on: one for each slot, and (hoisted) one for each gather and scatter
        self.start: list[str] = []
        self.advance: list[str] = []
        self.now: list[str] = []
        self.places: dict[tuple[str, int], int] = {}
        self.joint = adds_rows(kernel)
        self.searches = searches(kernel, self.accumulators)
        self.joining = False

    def write(self) -> None:
        text = self.text
        self._prologue()
        compensated = any(a.compensated for a in self.accumulators)
        self.resumes, self.stops, self.carry = pieces_of_runs(text, self._state) if compensated else ("", "", "")
        self._first_of_run()
        if self.table.hoisting is not None:
            hoisted = text.set(f"load i64, ptr {self._state(rt.STATE_HOISTED)}")
            text.go_if(text.set(f"icmp ne i64 {hoisted}, 0"), "hoisted", "apart")
            text.start("hoisted")
            cursors = list(self.start), list(self.advance)
            self.hoisted = True
            HoistedRuns(self).write()
            self.start, self.advance = cursors
            self.hoisted, self.known, self.spread = False, {}, {}
            text.start("apart")
        inputs = [number for number, slot in enumerate(self.slots) if slot.role == rt.ROLE_IN]
        held = self._still_where_flat()
        self._spread([number for number in inputs if number not in held])
        still = all(not any(a >= 0 for a in self.kernel.operands[acc.slot].axes) for acc in self.accumulators)
        if self.accumulators and not still:
            flat = text.set(f"load i64, ptr {self._state(rt.STATE_FLAT)}")
            text.go_if(text.set(f"icmp ne i64 {flat}, 0"), "flat", "rows")
            text.start("flat")
            kept = dict(self.spread), list(self.advance)
            for number in held:
                self.spread[number], self.advance[number] = self._element(number), ""
            self._loops(flat=True)
            self.spread, self.advance = kept
            text.start("rows")
            self._spread(held)
            if self.joint:
                JointRuns(self).write()
            self._loops(flat=False)
        else:
            self._loops(flat=True)
        self._next_run()
        lines = [f"define i64 @{self.name}(ptr %data, ptr %step, i64 %count, i64 %active, ptr %state) {{", "entry:"]
        function = "\n".join([*lines, *text.allocas, *text.lines, "}"])
        self.function = "\n\n".join([function, *finishers(self.kernel, self.table, text.declarations)])

    def _state(self, offset: int) -> str:
        return self.text.set(f"getelementptr i8, ptr %state, i64 {offset}")

    # -- what happens once a call, and once a run

    def _prologue(self) -> None:
        """Everything that is the same for all runs of a call."""
        text = self.text
        self.step: list[str] = []
        self.offsets: dict[int, str] = {}
        for number, slot in enumerate(self.slots):
            kind = "i64" if slot.role == rt.ROLE_COUNTER else "ptr"
            place = text.set(f"getelementptr i64, ptr %data, i64 {number}")
            self.start.append(text.set(f"load {kind}, ptr {place}"))
            if self._walks(slot):
                step = str(slot.size * text.lanes)
            else:
                place = text.set(f"getelementptr i64, ptr %step, i64 {number}")
                step = text.set(f"load i64, ptr {place}")
            self.step.append(step)
            if slot.role in (rt.ROLE_RAW, rt.ROLE_COUNTER):
                lanes = text.spread("i64", step)
                self.offsets[number] = text.binary("mul", "i64", lanes, text.lane_numbers("i64"))
                step = text.set(f"mul i64 {step}, {text.lanes}")
            self.advance.append(step if slot.role != rt.ROLE_NONE else "")
        self.mask = ""
        self.memory_mask = ""
        self.positions = PositionText(text, self.table, self._state)
        # where everything is stored, there are two ways to do it
        self.writes = not self.table.flags & rt.CHECKED and all(r.kind == "store" for r in self.kernel.results)
        self.writes_rows = self.writes and self.kernel.rank > 1
        if self.writes:
            past = text.set(f"load i64, ptr {self._state(rt.STATE_PAST)}")
            self.past = text.set(f"icmp ne i64 {past}, 0")
        if self.accumulators or self.writes_rows:
            self.ahead = text.set(f"load i64, ptr {self._state(rt.STATE_AHEAD)}")
        self.extents: dict[int, str] = {}
        for instr in self.kernel.body:
            if instr.op == "extent" and instr.attr not in self.extents:
                extent = text.set(f"load i64, ptr {self._state(rt.STATE_EXTENTS + 8 * instr.attr)}")
                self.extents[instr.attr] = text.spread("i64", extent)

    def _walks(self, slot: Slot) -> bool:
        """Is a slot contiguous along every run?"""
        moves = slot.role in (rt.ROLE_IN, rt.ROLE_OUT) and not slot.flags & rt.SPREADS
        return moves and not self.table.flags & rt.CHECKED  # where only positions are checked, all else stands still

    def _first_of_run(self) -> None:
        """The head of the loop over runs."""
        text = self.text
        if self.kernel.rank > 1:
            before = text.block
            text.go("run")
            text.start("run")
            joint = ", [%joint.following, %joint.more]" if self.joint else ""
            text.emit(f"%run.number = phi i64 [0, %{before}], [%run.following, %more]{joint}")
            for number, slot in enumerate(self.slots):
                if slot.role == rt.ROLE_NONE:
                    continue
                kind = "i64" if slot.role == rt.ROLE_COUNTER else "ptr"
                others = f"[%run.next{number}, %more]" + (f", [%run.joint{number}, %joint.more]" if self.joint else "")
                text.emit(f"%run.at{number} = phi {kind} [{self.start[number]}, %{before}], {others}")
                self.start[number] = f"%run.at{number}"
        self.origin = list(self.start)

    def _spread(self, numbers: Sequence[int]) -> None:
        """Let operands which stand still along the run start with a vector of their element."""
        text = self.text
        for number in numbers:
            if not self.slots[number].flags & rt.SPREADS:
                continue
            kind = ELEMENT_TYPE[self.kernel.operands[number].dtype]
            if not any(a >= 0 for a in self.slots[number].axes):
                self.spread[number] = self._element(number)
                self.advance[number] = ""
                continue
            moves, still, ready = text.block, text.label("still"), text.label("ready")
            text.go_if(text.set(f"icmp eq i64 {self.step[number]}, 0"), still, ready)
            text.start(still)
            room = text.room(kind)
            text.emit(f"store {text.vec(kind)} {self._element(number)}, ptr {room}, align 64")
            text.go(ready)
            text.start(ready)
            self.start[number] = text.set(f"phi ptr [{room}, %{still}], [{self.start[number]}, %{moves}]")

    def _still_where_flat(self) -> list[int]:
        """Operands which stand still wherever an accumulator does, as the mean of a row that is summed: where sums are
        in registers, so are these."""
        if self.table.flags & rt.CHECKED:  # where only positions are checked, every accumulator stands still
            return []
        kept = [set(self.kernel.operands[accumulator.slot].axes) for accumulator in self.accumulators]
        return [
            number for number, slot in enumerate(self.slots)
            if slot.flags & rt.SPREADS and any(a >= 0 for a in slot.axes)
            and any({a for a in slot.axes if a >= 0} <= axes for axes in kept)
        ]

    def _element(self, number: int) -> str:
        """A vector of the element where an operand's run starts, in the form that memory has."""
        dtype = self.kernel.operands[number].dtype
        kind, origin = ELEMENT_TYPE[dtype], self.origin[number]
        return self.text.spread(kind, self.text.set(f"load {kind}, ptr {origin}, align {ALIGNMENT[dtype]}"))

    def _next_run(self) -> None:
        """The end of the loop over runs, to which every loop leads."""
        text = self.text
        text.start("next")
        if self.kernel.rank > 1:
            text.emit("%run.following = add i64 %run.number, 1")
            runs = text.set(f"load i64, ptr {self._state(rt.STATE_RUNS)}")
            text.go_if(text.set(f"icmp slt i64 %run.following, {runs}"), "more", "finished")
            text.start("more")
            table = text.set(f"load ptr, ptr {self._state(rt.STATE_APART)}")
            for number, slot in enumerate(self.slots):
                if slot.role == rt.ROLE_NONE:
                    continue
                place = text.set(f"getelementptr i64, ptr {table}, i64 {number}")
                apart = text.set(f"load i64, ptr {place}")
                if slot.role == rt.ROLE_COUNTER:
                    text.emit(f"%run.next{number} = add i64 {self.origin[number]}, {apart}")
                else:
                    text.emit(f"%run.next{number} = getelementptr i8, ptr {self.origin[number]}, i64 {apart}")
            text.go("run")
            text.start("finished")
        if self.writes:  # what went past the caches is seen by others before they hear of it
            text.go_if(self.past, "drain", "return")
            text.start("drain")
            text.emit("fence seq_cst")
            text.go("return")
            text.start("return")
        text.emit("ret i64 0")

    # -- loops

    def _loops(self, flat: bool) -> None:
        """The loop over vectors. flat: accumulators live in registers; else they are read and written in memory.

        Where lanes can be inactive in a way that matters to a reduction, there are two: one over whole vectors
        (several at a time if the body is short) and one which masks, for what remains.
        """
        text = self.text
        if flat and self.searches:
            PositionSearch(self).write()
            text.go("next")
            return
        copies = 1
        checked = self.table.flags & rt.CHECKED and not self.hoisted
        if self.accumulators and flat and len(self.kernel.body) <= SHORT and not checked:
            copies = 4
        for accumulator in self.accumulators:
            accumulator.enter(text, self.step, flat, copies, self.resumes, self.carry)
        results = self.start
        for accumulator in self.accumulators:
            self.start = accumulator.rows_start(text, self.start)
        done = "0"
        if len(self.kernel.body) <= LONG:
            rounds = text.set(f"udiv i64 %count, {copies}") if copies > 1 else "%count"
            self._guarded(rounds, "0", copies, masked=False, flat=flat)
            done = text.set(f"mul i64 {rounds}, {copies}") if copies > 1 else rounds
        rest = text.set(f"sub i64 %count, {done}")
        points = text.set(f"add i64 {text.set(f'mul i64 {rest}, {text.lanes}')}, %active")
        self._guarded(points, done, 1, masked=True, flat=flat)
        for accumulator in self.accumulators:
            accumulator.leave(text, results, self.stops, self.carry)
        self.start = results
        text.go("next")

    def _guarded(
        self, count: str, done: str, copies: int, masked: bool, flat: bool,
        take: Callable[[Sequence[str], str, int], None] | None = None, after: Callable[[str], None] | None = None,
    ) -> None:
        """A loop, if there is anything to do, from behind the vectors that are done.

        take    is called with the values of the body, the mask and the number of the copy; otherwise `_results` is
        after   is called at the end of a round, with its number
        """
        text = self.text
        some, none = text.label("some"), text.label("none")
        text.go_if(text.set(f"icmp sgt i64 {count}, 0"), some, none)
        text.start(some)
        start = self.start
        if done != "0":
            start = [self._moved(n, at, done) for n, at in enumerate(self.start)]
        earlier = done if masked else ""
        self._loop(count, start, copies, earlier, flat, take or self._results, after or self._after_round)
        text.go(none)
        text.start(none)

    def _counts(self, number: int) -> bool:
        """Is this cursor a position, not an address?"""
        return number < len(self.slots) and self.slots[number].role == rt.ROLE_COUNTER

    def _moved(self, number: int, at: str, vectors: str) -> str:
        """A cursor so many vectors on."""
        text = self.text
        if not self.advance[number]:
            return at
        distance = text.set(f"mul i64 {self.advance[number]}, {vectors}")
        if self._counts(number):
            return text.set(f"add i64 {at}, {distance}")
        return text.set(f"getelementptr i8, ptr {at}, i64 {distance}")

    def _loop(
        self, count: str, start: list[str], copies: int, earlier: str, flat: bool,
        take: Callable[[Sequence[str], str, int], None], after: Callable[[str], None],
    ) -> None:
        """One loop. `count`: rounds of `copies` vectors; or (masked) points, of which the last vector may lack some.

        earlier    masked: how many vectors come before
        """
        text = self.text
        masked = bool(earlier)
        before = text.block
        head, latch, done = text.label("loop"), text.label("latch"), text.label("done")
        text.go(head)
        text.start(head)
        index, following = text.new("i"), text.new("i")
        text.emit(f"{index} = phi i64 [0, %{before}], [{following}, %{latch}]")
        self.now = []
        nexts: list[str] = []
        for number, first in enumerate(start):
            if not self.advance[number]:
                self.now.append("")
                nexts.append("")
                continue
            kind = "i64" if self._counts(number) else "ptr"
            now, then = text.new("at"), text.new("at")
            text.emit(f"{now} = phi {kind} [{first}, %{before}], [{then}, %{latch}]")
            self.now.append(now)
            nexts.append(then)
        self.active, self.mask = str(text.lanes), text.splat("i1", "true")
        if masked:
            left = text.set(f"sub i64 {count}, {text.set(f'mul i64 {index}, {text.lanes}')}")
            many = text.set(f"icmp sgt i64 {left}, {text.lanes}")
            self.active = text.set(f"select i1 {many}, i64 {text.lanes}, i64 {left}")
            self.mask = text.compare("slt", "i64", text.lane_numbers("i64"), text.spread("i64", left))
        self.memory_mask = self.mask if masked and self.table.flags & rt.MASKS else ""
        self.joining = not masked and copies > 1
        self._number_vectors(f"add i64 {index}, {earlier}" if masked else f"mul i64 {index}, {copies}")
        for copy in range(copies):
            if copy:
                self.now = [self._moved(n, at, "1") for n, at in enumerate(self.now)]
            if not flat:
                self._ask_ahead(str(AHEAD * rt.LINE))
            elif self.accumulators and copies > 1 and is_quick(self.kernel):
                self._ask_ahead(self.ahead)
            take(self._body(), self.mask if masked else "", copy)
        after(index)
        text.go(latch)
        text.start(latch)
        for number, then in enumerate(nexts):
            if then and self._counts(number):
                text.emit(f"{then} = add i64 {self.now[number]}, {self.advance[number]}")
            elif then:
                text.emit(f"{then} = getelementptr i8, ptr {self.now[number]}, i64 {self.advance[number]}")
        text.emit(f"{following} = add i64 {index}, 1")
        at = text.set(f"mul i64 {following}, {text.lanes}") if masked else following
        text.go_if(text.set(f"icmp slt i64 {at}, {count}"), head, done)
        text.start(done)

    def _after_round(self, index: str) -> None:
        for accumulator in self.accumulators:
            accumulator.after_round(self.text, index)

    def _number_vectors(self, number: str) -> None:
        """For accumulators of positions, the number of a round's first vector, in every lane."""
        text = self.text
        self.numbers: dict[str, str] = {}
        for kind in {a.counter for a in self.accumulators if a.flat and a.position_axes is not None}:
            scalar = text.set(number)
            self.numbers[kind] = text.spread(kind, scalar if kind == "i64" else text.set(f"trunc i64 {scalar} to i32"))

    def _ask_ahead(self, distance: str) -> None:
        """Ask for the memory of vectors to come: updates of a row keep the machine from looking far ahead itself, and
        it does not look beyond a page."""
        for number, slot in enumerate(self.slots):
            if slot.role == rt.ROLE_IN and self.now[number] and len(slot.axes) == self.kernel.rank:
                self.text.prefetch(self.now[number], distance)

    # -- instructions

    def _body(self) -> list[str]:
        body = self.kernel.body
        values: list[str] = []
        for number, instr in enumerate(body):
            args = [values[a] for a in instr.args]
            if number in self.known:
                values.append(self.known[number])
            elif instr.op == "gather":
                values.append(self._gather(number, instr, args))
            else:
                values.append(self._value(instr, args, [body[a].dtype for a in instr.args]))
        return values

    def _value(self, instr: Instr, args: Sequence[str], dtypes: Sequence[str]) -> str:
        text = self.text
        match instr.op:
            case "load":
                dtype = self.kernel.operands[instr.attr].dtype
                if instr.attr in self.spread:
                    value = text.unpack(dtype, self.spread[instr.attr])
                else:
                    value = text.load(dtype, self.now[instr.attr], self.memory_mask)
                return text.cast(dtype, instr.dtype, value)
            case "iota":
                return text.cast("int64", instr.dtype, self._position(self.table.counters[(instr.attr,)]))
            case "extent":
                return text.cast("int64", instr.dtype, self.extents[instr.attr])
        return opcode_text.emit_opcode(text, instr, args, dtypes, self.active)

    def _gather(self, number: int, instr: Instr, args: Sequence[str]) -> str:
        text, slot = self.text, instr.attr
        dtype = self.kernel.operands[slot].dtype
        if self.hoisted:
            value = text.load(dtype, self.now[self.places["gather", number]], self.memory_mask)
        else:
            value = self.positions.gather(slot, self.now[slot], self.offsets[slot], args, self.mask)
        return text.cast(dtype, instr.dtype, value)

    def _position(self, slot: int) -> str:
        return self.text.binary("add", "i64", self.text.spread("i64", self.now[slot]), self.offsets[slot])

    # -- results

    def _results(self, values: Sequence[str], mask: str, copy: int) -> None:
        text, kernel = self.text, self.kernel
        if self.writes and not mask:
            self._write(values)
            return
        accumulators = iter(self.accumulators)
        # every position is checked before anything is written
        for number, result in enumerate(kernel.results, kernel.n_inputs):
            dtype = kernel.operands[number].dtype
            have = kernel.body[result.value].dtype
            if result.kind == "store":
                value = text.cast(have, dtype, values[result.value])
                text.store(dtype, value, self.now[number], self.memory_mask)
            elif result.kind.startswith("scatter"):
                value = text.cast(have, dtype, values[result.value])
                positions = [text.cast(kernel.body[a].dtype, "int64", values[a]) for a in result.args]
                self._scatter(number, value, positions, result.kind == "scatter_add")
            else:
                accumulator = next(accumulators)
                if accumulator.waits and (self.joining or not accumulator.flat):
                    joined = kernel.body[accumulator.joined]
                    factors = [values[a] for a in joined.args] if joined.op == "mul" else ()
                    accumulator.wait(text, values[accumulator.joined], mask, self.memory_mask, self.now, factors)
                    continue
                position = ""
                if accumulator.position_axes is not None and accumulator.flat:
                    position = self.numbers[accumulator.counter]
                elif accumulator.position_axes is not None:
                    position = self._position(accumulator.position_slot)
                made = kernel.body[result.value]
                accumulator.update(
                    text, values[result.value], position, mask, self.memory_mask, self.now, copy,
                    [values[a] for a in made.args] if made.op == "mul" and accumulator.adds_products else (),
                )

    def _write(self, values: Sequence[str]) -> None:
        """Whole vectors of a kernel that stores everything: past the caches, or as usual."""
        text, kernel = self.text, self.kernel
        stored = [
            (number, operand.dtype, text.cast(kernel.body[result.value].dtype, operand.dtype, values[result.value]))
            for number, (operand, result) in enumerate(
                zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True), kernel.n_inputs)
        ]
        past, usual, written = text.label("past"), text.label("usual"), text.label("written")
        text.go_if(self.past, past, usual)
        text.start(past)
        for number, dtype, value in stored:
            text.store(dtype, value, self.now[number], past=True)
        text.go(written)
        text.start(usual)
        for number, dtype, value in stored:
            if self.writes_rows:
                text.prefetch(self.now[number], self.ahead, write=True)
            text.store(dtype, value, self.now[number])
        text.go(written)
        text.start(written)

    def _scatter(self, number: int, value: str, positions: Sequence[str], add: bool) -> None:
        text, dtype = self.text, self.kernel.operands[number].dtype
        if not self.hoisted:
            at, offset = self.now[number], self.offsets[number]
            self.positions.scatter(number, value, at, offset, positions, add, self.mask, self.active)
            return
        at = self.now[self.places["scatter", number]]
        if add:
            self.positions.add_run(dtype, value, at, self.memory_mask)
        else:
            text.store(dtype, value, at, self.memory_mask)
