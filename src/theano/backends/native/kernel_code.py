"""Kernel → machine code: the inner function that computes whole vectors, and the table of compiled kernels.

A kernel becomes one function

    i64 kernel(ptr data, ptr step, i64 count, i64 active, ptr state)

which computes `count` whole vectors and then `active` lanes (fewer than all) of one more. For every *slot* (operand,
accumulator or counter) `data` holds an address (a counter's position) and `step` how far one vector advances it (for
slots whose addresses are computed and for counters: how far one element does). Where the machine has masked loads and
stores, what lies beyond the active lanes is not touched (MASKS); elsewhere the driver makes the last vector's memory
whole. `state` has what `runtime_records.py` says under STATE_. The function returns 1 when a position is out of range.

How arrays of any shape and strides are brought to this form is `runtime_kernels.py`'s business; what the opcodes
are in vector code is `opcode_text.py`'s; accumulating is `reduction_text.py`'s.

Equal kernels are compiled once per process. Kernels which are compiled together share one LLVM module, since a module
costs more than a kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from theano.backends.native import opcode_text, reduction_text, target
from theano.backends.native import runtime_records as rt
from theano.backends.native.vector_text import (
    ITEMSIZE,
    MEMORY_TYPE,
    SIZE,
    VALUE_TYPE,
    VectorText,
    is_float,
)
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.kernel import INDEXED, Instr, Kernel

# Instructions in a body up to which a reduction's loop is repeated in place, and above which it exists only once.
SHORT = 12
LONG = 80


@dataclass(slots=True)
class Slot:
    """What the driver must know about one address that it hands to the code."""

    role: int
    operand: int = -1  # number in Kernel.operands; -1 for a counter
    axes: tuple[int, ...] = ()  # a counter's iteration axes, slowest first
    size: int = 1
    identity: int = 0
    temporary: int = 0
    finish: str = ""  # function that casts the accumulator to the output
    flags: int = 0
    indexed: int = -1  # number of its first computed axis among all computed axes


@dataclass(slots=True)
class CompiledKernel:
    """Machine code of a kernel, and what the driver must know to run it."""

    kernel: Kernel
    lanes: int
    slots: list[Slot]
    flags: int
    cost: int
    indexed: int
    text: str = ""
    name: str = ""
    address: int = 0
    finish: dict[str, int] = field(default_factory=dict)
    code: target.Code | None = None


_compiled: dict[tuple[Kernel, bool], CompiledKernel] = {}
_lock = threading.Lock()


def compile_kernels(kernels: Iterable[Kernel], optimize: bool) -> list[CompiledKernel]:
    """The code of each kernel, from the table or freshly made in one module."""
    wanted = list(kernels)
    # Held throughout: two threads which want one kernel compile it once.
    with _lock:
        fresh = [k for k in dict.fromkeys(wanted) if (k, optimize) not in _compiled]
        if fresh:
            for made in _compile(fresh, optimize):
                _compiled[made.kernel, optimize] = made
        return [_compiled[k, optimize] for k in wanted]


def _compile(kernels: Sequence[Kernel], optimize: bool) -> list[CompiledKernel]:
    parts: list[str] = []
    declarations: dict[str, str] = {}
    made = []
    for number, kernel in enumerate(kernels):
        writer = KernelText(kernel, f"kernel{number}")
        compiled = writer.write()
        parts.append(compiled.text)
        declarations.update(writer.text.declarations)
        made.append(compiled)
    text = "\n\n".join([*declarations.values(), *parts])
    # accumulators are variables on the stack; the optimising generator wants them as registers
    promote = optimize and any(c.flags & rt.REDUCES for c in made)
    code = target.Code(text, level=2 if optimize else 0, promote=promote)
    for compiled in made:
        compiled.code = code
        compiled.address = code.address(compiled.name)
        compiled.finish = {s.finish: code.address(s.finish) for s in compiled.slots if s.finish}
    return made


def kernel_dtypes() -> frozenset[str]:
    """The element types that kernels can compute with on this machine."""
    return NATIVE_DTYPES if target.host().half else NATIVE_DTYPES - {"float16"}


def lanes_of(kernel: Kernel, vector_bytes: int) -> int:
    """How many elements one vector holds: the widest type in sight decides."""
    widest = 1
    for instr in kernel.body:
        widest = max(widest, SIZE[VALUE_TYPE[instr.dtype]])
    for operand in kernel.operands:
        widest = max(widest, ITEMSIZE[operand.dtype])
    for result in kernel.results:
        if result.dtype:
            widest = max(widest, SIZE[VALUE_TYPE[result.dtype]])
        if result.kind in ("argmax", "argmin") or result.args:
            widest = 8
    return vector_bytes // widest


class KernelText:
    """Writes the LLVM text of one kernel."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel = kernel
        self.name = name
        types = {o.dtype for o in kernel.operands} | {i.dtype for i in kernel.body} | {r.dtype for r in kernel.results}
        if "float16" in types and not target.host().half:
            raise NotImplementedError("this machine has no instructions for float16")
        self.text = VectorText(lanes_of(kernel, target.host().vector_bytes))
        self.slots: list[Slot] = []
        self.flags = rt.MASKS if target.host().vector_bytes == 64 else 0
        self.indexed = 0
        self.counters: dict[tuple[int, ...], int] = {}
        self.extra: list[str] = []
        self.read = {i.attr for i in kernel.body if i.op == "load"}
        self.gathered = {i.attr for i in kernel.body if i.op == "gather"}
        self.accumulators: list[reduction_text.Accumulator] = []
        self._make_slots()

    # -- slots

    def _make_slots(self) -> None:
        kernel = self.kernel
        for number, operand in enumerate(kernel.operands[: kernel.n_inputs]):
            slot = Slot(rt.ROLE_NONE, number, operand.axes, ITEMSIZE[operand.dtype])
            if INDEXED in operand.axes:
                slot.indexed = self.indexed
                self.indexed += operand.axes.count(INDEXED)
            if number in self.gathered:
                slot.role = rt.ROLE_RAW
                self.flags |= rt.CHECKED
            elif number in self.read:
                slot.role = rt.ROLE_IN
            self.slots.append(slot)
        for number, result in enumerate(kernel.results, kernel.n_inputs):
            operand = kernel.operands[number]
            slot = Slot(rt.ROLE_OUT, number, operand.axes, ITEMSIZE[operand.dtype])
            if result.kind.startswith("scatter"):
                slot.role = rt.ROLE_RAW
                slot.indexed = self.indexed
                self.indexed += operand.axes.count(INDEXED)
                self.flags |= rt.CHECKED | rt.KEEP_ORDER
            elif result.kind != "store":
                self.flags |= rt.REDUCES
                self._make_accumulator(slot, number)
            self.slots.append(slot)
        for instr in kernel.body:
            if instr.op == "iota":
                self._counter((instr.attr,))
        for accumulator in self.accumulators:
            if accumulator.position_axes is not None:
                accumulator.position_slot = self._counter(accumulator.position_axes)
                operand = kernel.operands[accumulator.slot]
                slot = Slot(rt.ROLE_ACCUMULATE, accumulator.slot, operand.axes)
                slot.size = slot.temporary = SIZE[accumulator.memory]
                slot.identity = accumulator.identity_bits
                accumulator.value_slot = len(self.slots)
                self.slots.append(slot)
        only_reduces = len(self.accumulators) == len(kernel.results) and not self.counters
        able = self.flags & (rt.MASKS | rt.CHECKED) == rt.MASKS
        # where the last axis is reduced, arrays in the usual order need no rows of accumulators: spare the code
        rows = all(kernel.rank - 1 in kernel.operands[a.slot].axes for a in self.accumulators)
        if only_reduces and able and rows and len(kernel.body) <= SHORT:
            self.flags |= rt.JOINS

    def _make_accumulator(self, slot: Slot, number: int) -> None:
        kernel = self.kernel
        result = kernel.results[number - kernel.n_inputs]
        operand = kernel.operands[number]
        reduced = tuple(a for a in range(kernel.rank) if a not in operand.axes)
        accumulator = reduction_text.Accumulator(
            result.kind, result.value, kernel.body[result.value].dtype, result.dtype, number
        )
        slot.role = rt.ROLE_ACCUMULATE
        if result.kind in ("max", "min", "argmax", "argmin"):
            slot.flags |= rt.NOT_EMPTY
        if result.kind in ("argmax", "argmin"):
            accumulator.position_axes = reduced
            slot.identity = 2**63 - 1
        else:
            slot.identity = accumulator.identity_bits
            if accumulator.dtype != operand.dtype or accumulator.dtype == "float16":
                slot.temporary = SIZE[accumulator.memory]
                slot.finish = f"{self.name}.finish{number}"
        self.accumulators.append(accumulator)

    def _counter(self, axes: tuple[int, ...]) -> int:
        if axes not in self.counters:
            self.flags |= rt.COUNTS
            self.counters[axes] = len(self.slots)
            self.slots.append(Slot(rt.ROLE_COUNTER, -1, axes))
        return self.counters[axes]

    # -- the function

    def write(self) -> CompiledKernel:
        text = self.text
        self._prologue()
        still = all(not any(a >= 0 for a in self.kernel.operands[acc.slot].axes) for acc in self.accumulators)
        if self.accumulators and not still:
            flat = text.set(f"load i64, ptr {self._state(rt.STATE_FLAT)}")
            text.go_if(text.set(f"icmp ne i64 {flat}, 0"), "flat", "rows")
            text.start("flat")
            self._loops(flat=True)
            text.start("rows")
            if self.flags & rt.JOINS:
                joined = text.set(f"load i64, ptr {self._state(rt.STATE_JOINED)}")
                text.go_if(text.set(f"icmp ne i64 {joined}, 0"), "joined", "single")
                text.start("joined")
                self._loops(flat=False, joined=joined)
                text.start("single")
            self._loops(flat=False)
        else:
            self._loops(flat=True)
        lines = [f"define i64 @{self.name}(ptr %data, ptr %step, i64 %count, i64 %active, ptr %state) {{", "entry:"]
        function = "\n".join([*lines, *text.allocas, *text.lines, "}"])
        for slot in self.slots:
            if slot.finish:
                function += "\n\n" + self._finish_text(slot)
        return CompiledKernel(
            self.kernel, text.lanes, self.slots, self.flags, self._cost(), self.indexed, function, self.name
        )

    def _state(self, offset: int) -> str:
        return self.text.set(f"getelementptr i8, ptr %state, i64 {offset}")

    def _prologue(self) -> None:
        text = self.text
        self.start: list[str] = []
        self.step: list[str] = []
        self.advance: list[str] = []
        self.offsets: dict[int, str] = {}
        for number, slot in enumerate(self.slots):
            kind = "i64" if slot.role == rt.ROLE_COUNTER else "ptr"
            place = text.set(f"getelementptr i64, ptr %data, i64 {number}")
            self.start.append(text.set(f"load {kind}, ptr {place}"))
            place = text.set(f"getelementptr i64, ptr %step, i64 {number}")
            step = text.set(f"load i64, ptr {place}")
            self.step.append(step)
            if slot.role in (rt.ROLE_RAW, rt.ROLE_COUNTER):
                lanes = text.spread("i64", step)
                self.offsets[number] = text.binary("mul", "i64", lanes, text.lane_numbers("i64"))
                step = text.set(f"mul i64 {step}, {text.lanes}")
            self.advance.append(step)
        self.mask = ""
        self.memory_mask = ""
        self.lengths: list[tuple[str, str]] = []
        pairs = rt.STATE_EXTENTS + 8 * self.kernel.rank
        for n in range(self.indexed):
            length = text.set(f"load i64, ptr {self._state(pairs + 16 * n)}")
            stride = text.set(f"load i64, ptr {self._state(pairs + 16 * n + 8)}")
            self.lengths.append((text.spread("i64", length), text.spread("i64", stride)))
        self.extents: dict[int, str] = {}
        for instr in self.kernel.body:
            if instr.op == "extent" and instr.attr not in self.extents:
                extent = text.set(f"load i64, ptr {self._state(rt.STATE_EXTENTS + 8 * instr.attr)}")
                self.extents[instr.attr] = text.spread("i64", extent)
        self.checking = ""
        if any(r.kind.startswith("scatter") for r in self.kernel.results):
            mode = text.set(f"load i64, ptr {self._state(rt.STATE_MODE)}")
            self.checking = text.set(f"icmp ne i64 {mode}, 0")

    def _loops(self, flat: bool, joined: str = "") -> None:
        """The loop over vectors. flat: accumulators live in registers; else they are read and written in memory.

        joined: address of the distances between the runs of which JOINED are taken at once.
        Where lanes can be inactive in a way that matters to a reduction, there are two: one over whole vectors
        (several at a time if the body is short) and one which masks, for what remains.
        """
        text = self.text
        copies = 1
        if self.accumulators and flat and len(self.kernel.body) <= SHORT and not self.flags & rt.CHECKED:
            copies = 4
        self.apart: list[str] = []
        if joined:
            apart = text.set(f"inttoptr i64 {joined} to ptr")
            for number in range(len(self.slots)):
                place = text.set(f"getelementptr i64, ptr {apart}, i64 {number}")
                self.apart.append(text.set(f"load i64, ptr {place}"))
        for accumulator in self.accumulators:
            accumulator.enter(text, self.step, flat, copies)
        done, start = "0", self.start
        if len(self.kernel.body) <= LONG:
            rounds = text.set(f"udiv i64 %count, {copies}") if copies > 1 else "%count"
            self._guarded(rounds, self.start, copies, masked=False)
            done = text.set(f"mul i64 {rounds}, {copies}")
            start = [self._moved(n, self.start[n], done) for n in range(len(self.slots))]
        rest = text.set(f"sub i64 %count, {done}")
        points = text.set(f"add i64 {text.set(f'mul i64 {rest}, {text.lanes}')}, %active")
        self._guarded(points, start, 1, masked=True)
        for accumulator in self.accumulators:
            accumulator.leave(text, self.start)
        text.emit("ret i64 0")

    def _guarded(self, count: str, start: list[str], copies: int, masked: bool) -> None:
        text = self.text
        some, none = text.label("some"), text.label("none")
        text.go_if(text.set(f"icmp sgt i64 {count}, 0"), some, none)
        text.start(some)
        self._loop(count, start, copies, masked)
        text.go(none)
        text.start(none)

    def _moved(self, number: int, at: str, vectors: str) -> str:
        """A slot's address (or position) so many vectors on."""
        text, slot = self.text, self.slots[number]
        if slot.role == rt.ROLE_NONE:
            return at
        distance = text.set(f"mul i64 {self.advance[number]}, {vectors}")
        if slot.role == rt.ROLE_COUNTER:
            return text.set(f"add i64 {at}, {distance}")
        return text.set(f"getelementptr i8, ptr {at}, i64 {distance}")

    def _loop(self, count: str, start: list[str], copies: int, masked: bool) -> None:
        """One loop. `count`: rounds of `copies` vectors; if masked, points: the last vector may lack some."""
        text = self.text
        before = text.block
        head, latch, done = text.label("loop"), text.label("latch"), text.label("done")
        text.go(head)
        text.start(head)
        index, following = text.new("i"), text.new("i")
        text.emit(f"{index} = phi i64 [0, %{before}], [{following}, %{latch}]")
        self.now: list[str] = []
        nexts: list[str] = []
        for number, slot in enumerate(self.slots):
            if slot.role == rt.ROLE_NONE:
                self.now.append("")
                nexts.append("")
                continue
            kind = "i64" if slot.role == rt.ROLE_COUNTER else "ptr"
            now, then = text.new("at"), text.new("at")
            text.emit(f"{now} = phi {kind} [{start[number]}, %{before}], [{then}, %{latch}]")
            self.now.append(now)
            nexts.append(then)
        self.active, self.mask = str(text.lanes), text.splat("i1", "true")
        if masked:
            left = text.set(f"sub i64 {count}, {text.set(f'mul i64 {index}, {text.lanes}')}")
            many = text.set(f"icmp sgt i64 {left}, {text.lanes}")
            self.active = text.set(f"select i1 {many}, i64 {text.lanes}, i64 {left}")
            self.mask = text.compare("slt", "i64", text.lane_numbers("i64"), text.spread("i64", left))
        self.memory_mask = self.mask if masked and self.flags & rt.MASKS else ""
        for copy in range(copies):
            if copy:
                self.now = [self._moved(n, at, "1") for n, at in enumerate(self.now)]
            if self.apart:
                self._joined_runs(self.mask if masked else "")
                continue
            values = self._body()
            self._results(values, self.mask if masked else "", copy)
        for accumulator in self.accumulators:
            accumulator.after_round(text, index)
        text.go(latch)
        text.start(latch)
        for number, then in enumerate(nexts):
            slot = self.slots[number]
            if slot.role == rt.ROLE_COUNTER:
                text.emit(f"{then} = add i64 {self.now[number]}, {self.advance[number]}")
            elif then:
                text.emit(f"{then} = getelementptr i8, ptr {self.now[number]}, i64 {self.advance[number]}")
        text.emit(f"{following} = add i64 {index}, 1")
        at = text.set(f"mul i64 {following}, {text.lanes}") if masked else following
        text.go_if(text.set(f"icmp slt i64 {at}, {count}"), head, done)
        text.start(done)

    def _joined_runs(self, mask: str) -> None:
        """One vector of each of JOINED runs."""
        text, first = self.text, self.now
        runs = []
        for number in range(rt.JOINED):
            if number:
                self.now = [
                    text.set(f"getelementptr i8, ptr {at}, i64 {apart}") if slot.role == rt.ROLE_IN else at
                    for at, apart, slot in zip(self.now, self.apart, self.slots, strict=True)
                ]
            runs.append(self._body())
        self.now = first
        for accumulator in self.accumulators:
            values = [values[accumulator.value] for values in runs]
            accumulator.update_joined(text, values, mask, self.memory_mask, self.now)

    def _body(self) -> list[str]:
        text, body = self.text, self.kernel.body
        values: list[str] = []
        for instr in body:
            args = [values[a] for a in instr.args]
            match instr.op:
                case "load":
                    dtype = self.kernel.operands[instr.attr].dtype
                    value = text.cast(dtype, instr.dtype, text.load(dtype, self.now[instr.attr], self.memory_mask))
                case "gather":
                    value = self._gather(instr, args)
                case "iota":
                    value = self._position(self.counters[(instr.attr,)])
                    value = text.cast("int64", instr.dtype, value)
                case "extent":
                    value = text.cast("int64", instr.dtype, self.extents[instr.attr])
                case _:
                    dtypes = [body[a].dtype for a in instr.args]
                    value = opcode_text.emit_opcode(text, instr, args, dtypes, self.active)
            values.append(value)
        return values

    def _position(self, slot: int) -> str:
        return self.text.binary("add", "i64", self.text.spread("i64", self.now[slot]), self.offsets[slot])

    # -- computed positions

    def _addresses(self, slot: int, args: Sequence[str]) -> str:
        """Byte offsets of all lanes from the slot's address, with the positions checked."""
        text = self.text
        offset = self.offsets[slot]
        axes = [d for d, a in enumerate(self.slots[slot].axes) if a == INDEXED]
        for n, (axis, position) in enumerate(zip(axes, args, strict=True), self.slots[slot].indexed):
            length, stride = self.lengths[n]
            negative = text.compare("slt", "i64", position, "zeroinitializer")
            wrapped = text.binary("add", "i64", position, length)
            at = text.select(negative, "i64", wrapped, position)
            outside = text.binary("and", "i1", text.compare("uge", "i64", at, length), self.mask)
            bad, good = text.label("outside"), text.label("inside")
            text.go_if(text.any_true(outside), bad, good)
            text.start(bad)
            self._report(outside, position, length, slot, axis)
            text.start(good)
            offset = text.binary("add", "i64", offset, text.binary("mul", "i64", at, stride))
        return offset

    def _report(self, outside: str, position: str, length: str, slot: int, axis: int) -> None:
        """Write down the first offending lane and return 1."""
        text = self.text
        vec = text.vec("i64")
        bits = text.set(f"bitcast {text.vec('i1')} {outside} to i{text.lanes}")
        kind = f"i{text.lanes}"
        text.declare(f"llvm.cttz.{kind}", f"declare {kind} @llvm.cttz.{kind}({kind}, i1)")
        lane = text.set(f"call {kind} @llvm.cttz.{kind}({kind} {bits}, i1 true)")
        if text.lanes < 64:
            lane = text.set(f"zext {kind} {lane} to i64")
        what = text.set(f"extractelement {vec} {position}, i64 {lane}")
        size = text.set(f"extractelement {vec} {length}, i64 0")
        for n, value in enumerate((what, size, str(slot), str(axis))):
            text.emit(f"store i64 {value}, ptr {self._state(rt.STATE_ERROR + 8 * n)}")
        text.emit("ret i64 1")

    def _gather(self, instr: Instr, args: Sequence[str]) -> str:
        text, slot = self.text, instr.attr
        dtype = self.kernel.operands[slot].dtype
        kind = MEMORY_TYPE[dtype]
        offset = self._addresses(slot, args)
        lanes = text.lanes
        vec, pointers = text.vec(kind), text.vec("ptr")
        places = text.set(f"getelementptr i8, ptr {self.now[slot]}, {text.vec('i64')} {offset}")
        suffix = {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
        name = f"llvm.masked.gather.v{lanes}{suffix}.v{lanes}p0"
        mask = text.vec("i1")
        text.declare(name, f"declare {vec} @{name}({pointers}, i32, {mask}, {vec})")
        operands = f"{pointers} {places}, i32 {SIZE[kind]}, {mask} {self.mask}, {vec} zeroinitializer"
        value = text.set(f"call {vec} @{name}({operands})")
        return text.cast(dtype, instr.dtype, text.unpack(dtype, value))

    def _scatter(self, slot: int, value: str, dtype: str, args: Sequence[str], add: bool) -> None:
        text = self.text
        kind = MEMORY_TYPE[dtype]
        offset = self._addresses(slot, args)
        write, after = text.label("write"), text.label("after")
        text.go_if(self.checking, after, write)
        text.start(write)
        offsets, values = text.room("i64"), text.room(kind)
        text.emit(f"store {text.vec('i64')} {offset}, ptr {offsets}, align 64")
        text.emit(f"store {text.vec(kind)} {text.pack(dtype, value)}, ptr {values}, align 64")
        before, loop = text.block, text.label("lanes")
        text.go(loop)
        text.start(loop)
        lane, following = text.new("lane"), text.new("lane")
        text.emit(f"{lane} = phi i64 [0, %{before}], [{following}, %{loop}]")
        at = text.set(f"load i64, ptr {text.set(f'getelementptr i64, ptr {offsets}, i64 {lane}')}")
        place = text.set(f"getelementptr i8, ptr {self.now[slot]}, i64 {at}")
        new = text.set(f"load {kind}, ptr {text.set(f'getelementptr {kind}, ptr {values}, i64 {lane}')}")
        if add:
            old = text.set(f"load {kind}, ptr {place}")
            if dtype == "float16":
                wide = [text.set(f"fpext half {x} to float") for x in (old, new)]
                new = text.set(f"fptrunc float {text.set(f'fadd float {wide[0]}, {wide[1]}')} to half")
            else:
                word = "fadd" if is_float(dtype) else "or" if dtype == "bool" else "add"
                new = text.set(f"{word} {kind} {old}, {new}")
        text.emit(f"store {kind} {new}, ptr {place}")
        text.emit(f"{following} = add i64 {lane}, 1")
        text.go_if(text.set(f"icmp slt i64 {following}, {self.active}"), loop, after)
        text.start(after)

    # -- results

    def _results(self, values: Sequence[str], mask: str, copy: int) -> None:
        text, kernel = self.text, self.kernel
        accumulators = iter(self.accumulators)
        # every position is checked before anything is written
        for number, result in enumerate(kernel.results, kernel.n_inputs):
            dtype = kernel.operands[number].dtype
            have = kernel.body[result.value].dtype
            if result.kind == "store":
                value = text.cast(have, dtype, values[result.value])
                text.store(dtype, value, self.now[number], self.memory_mask)
            elif result.kind.startswith("scatter"):
                positions = [text.cast(kernel.body[a].dtype, "int64", values[a]) for a in result.args]
                value = text.cast(have, dtype, values[result.value])
                self._scatter(number, value, dtype, positions, result.kind == "scatter_add")
            else:
                accumulator = next(accumulators)
                position = ""
                if accumulator.position_axes is not None:
                    position = self._position(accumulator.position_slot)
                accumulator.update(text, values[result.value], position, mask, self.memory_mask, self.now, copy)

    def _finish_text(self, slot: Slot) -> str:
        """A function which casts `count` accumulators to the output's dtype, one by one."""
        accumulator = next(a for a in self.accumulators if a.slot == slot.operand)
        dtype = self.kernel.operands[slot.operand].dtype
        text = VectorText(1)
        text.lines.append(f"define void @{slot.finish}(ptr %from, ptr %to, i64 %count) {{")
        text.start("entry")
        text.go_if(text.set("icmp sgt i64 %count, 0"), "loop", "done")
        text.start("loop")
        text.emit("%i = phi i64 [0, %entry], [%next, %loop]")
        source = text.set(f"getelementptr {accumulator.memory}, ptr %from, i64 %i")
        destination = text.set(f"getelementptr {MEMORY_TYPE[dtype]}, ptr %to, i64 %i")
        value = text.set(f"load <1 x {accumulator.memory}>, ptr {source}, align {SIZE[accumulator.memory]}")
        if accumulator.memory != accumulator.kind:
            value = text.unpack(accumulator.dtype, value)
        wide = "float32" if accumulator.dtype == "float16" else accumulator.dtype
        text.store(dtype, text.cast(wide, dtype, value), destination)
        text.emit("%next = add i64 %i, 1")
        text.go_if(text.set("icmp slt i64 %next, %count"), "loop", "done")
        text.start("done")
        text.emit("ret void")
        text.lines.append("}")
        self.text.declarations.update(text.declarations)
        return "\n".join(text.lines)

    def _cost(self) -> int:
        """Picoseconds for an element, roughly: only the decision to release the GIL hangs on it."""
        width = 16 * 64 // max(self.text.lanes, 1) // 8
        total = 100
        for instr in self.kernel.body:
            match instr.op:
                case "const" | "extent" | "iota":
                    pass
                case "load":
                    total += 200
                case "gather":
                    total += 1500
                case "math" | "call":
                    kind = VALUE_TYPE[instr.dtype]
                    quick = instr.op == "math" and opcode_text.is_vectorised(instr.attr, kind, self.text.lanes)
                    total += 1200 if quick else 10000
                case "fmod" | "idiv" | "imod" | "div":
                    total += 1500
                case _:
                    total += width
        return total
