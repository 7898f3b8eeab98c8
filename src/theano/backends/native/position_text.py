"""Computed positions in vector code: gathers and scatters, and the check that each position is in range.

There are two forms. In the general one every lane has a position of its own. Where positions do not vary along a run
(rows of a table: `x[index]`), they are *hoisted*: looked at once before the run, which is then an ordinary walk over
contiguous memory from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from theano.backends.native import runtime_records as rt
from theano.backends.native.kernel_slots import Slots
from theano.backends.native.vector_text import MEMORY_TYPE, SIZE, VectorText, is_float
from theano.lowering.kernel import INDEXED

LINES = 4  # cache lines that are asked for ahead; what follows them the machine foresees


class PositionText:
    """Writes what a kernel's code does about computed positions.

    state   address of a field of the kernel's state, as text
    """

    def __init__(self, text: VectorText, slots: Slots, state: Callable[[int], str]) -> None:
        self.text = text
        self.slots = slots.all
        self.kernel = slots.kernel
        self.state = state
        self.lengths: list[tuple[str, str]] = []
        self.only_check = ""
        pairs = rt.STATE_EXTENTS + 8 * self.kernel.rank
        for n in range(slots.indexed):
            length = text.set(f"load i64, ptr {state(pairs + 16 * n)}")
            stride = text.set(f"load i64, ptr {state(pairs + 16 * n + 8)}")
            self.lengths.append((length, stride))
        if any(r.kind.startswith("scatter") for r in self.kernel.results):
            mode = text.set(f"load i64, ptr {state(rt.STATE_MODE)}")
            self.only_check = text.set(f"icmp ne i64 {mode}, 0")

    def _axes(self, slot: int, args: Sequence[str]) -> list[tuple[int, str, str, str]]:
        """(axis, its length, its stride, position) of every computed axis."""
        axes = [d for d, a in enumerate(self.slots[slot].axes) if a == INDEXED]
        first = self.slots[slot].indexed
        pairs = self.lengths[first : first + len(axes)]
        return [(d, length, stride, arg) for d, (length, stride), arg in zip(axes, pairs, args, strict=True)]

    # -- one position for a run

    def place(self, slot: int, base: str, args: Sequence[str]) -> str:
        """The address at which a run starts; `args` are vectors of which all lanes are equal."""
        text = self.text
        for axis, length, stride, position in self._axes(slot, args):
            at = text.set(f"extractelement {text.vec('i64')} {position}, i64 0")
            negative = text.set(f"icmp slt i64 {at}, 0")
            wrapped = text.set(f"select i1 {negative}, i64 {text.set(f'add i64 {at}, {length}')}, i64 {at}")
            bad, good = text.label("outside"), text.label("inside")
            text.go_if(text.set(f"icmp uge i64 {wrapped}, {length}"), bad, good)
            text.start(bad)
            self._report(at, length, slot, axis)
            text.start(good)
            base = text.set(f"getelementptr i8, ptr {base}, i64 {text.set(f'mul i64 {wrapped}, {stride}')}")
        return base

    def index_operand(self, value: int) -> int:
        """The operand which holds a position as it is; -1: it is computed."""
        body = self.kernel.body
        instr = body[value]
        if instr.op == "cast":
            instr = body[instr.args[0]]
        return instr.attr if instr.op == "load" and not is_float(instr.dtype) and instr.dtype != "bool" else -1

    def fetch(self, slot: int, base: str, position: str, size: str) -> None:
        """Ask for the first cache lines of `size` bytes at a position, whether it is in range or not."""
        text = self.text
        (_, length, stride, _), = self._axes(slot, [position])
        negative = text.set(f"icmp slt i64 {position}, 0")
        at = text.set(f"select i1 {negative}, i64 {text.set(f'add i64 {position}, {length}')}, i64 {position}")
        start = text.set(f"getelementptr i8, ptr {base}, i64 {text.set(f'mul i64 {at}, {stride}')}")
        text.declare("llvm.umin.i64", "declare i64 @llvm.umin.i64(i64, i64)")
        last = text.set(f"sub i64 {size}, 1")
        text.prefetch(start, "0")
        long, after = text.label("long"), text.label("fetched")
        text.go_if(text.set(f"icmp sge i64 {last}, 64"), long, after)
        text.start(long)
        for line in range(1, LINES):
            text.prefetch(start, text.set(f"call i64 @llvm.umin.i64(i64 {64 * line}, i64 {last})"))
        text.go(after)
        text.start(after)

    def _report(self, position: str, length: str, slot: int, axis: int) -> None:
        """Write down the offending position and return 1."""
        for n, value in enumerate((position, length, str(slot), str(axis))):
            self.text.emit(f"store i64 {value}, ptr {self.state(rt.STATE_ERROR + 8 * n)}")
        self.text.emit("ret i64 1")

    def add_run(self, dtype: str, value: str, at: str, mask: str) -> None:
        """Add a vector to contiguous memory."""
        text = self.text
        old = text.load(dtype, at, mask)
        if dtype == "float16":
            new = text.binary("fadd", "float", old, value)
        elif dtype == "bool":
            new = text.binary("or", "i1", old, value)
        else:
            new = text.binary("fadd" if is_float(dtype) else "add", MEMORY_TYPE[dtype], old, value)
        text.store(dtype, new, at, mask)

    # -- a position for each lane

    def _offsets(self, slot: int, offset: str, args: Sequence[str], mask: str) -> str:
        """Byte offsets of all lanes from the slot's address, with the positions checked."""
        text = self.text
        for axis, length, stride, position in self._axes(slot, args):
            lengths, strides = text.spread("i64", length), text.spread("i64", stride)
            negative = text.compare("slt", "i64", position, "zeroinitializer")
            wrapped = text.binary("add", "i64", position, lengths)
            at = text.select(negative, "i64", wrapped, position)
            outside = text.binary("and", "i1", text.compare("uge", "i64", at, lengths), mask)
            bad, good = text.label("outside"), text.label("inside")
            text.go_if(text.any_true(outside), bad, good)
            text.start(bad)
            self._report(self._first(outside, position), length, slot, axis)
            text.start(good)
            offset = text.binary("add", "i64", offset, text.binary("mul", "i64", at, strides))
        return offset

    def _first(self, condition: str, values: str) -> str:
        """The value in the first lane where the condition holds."""
        text = self.text
        kind = f"i{text.lanes}"
        bits = text.set(f"bitcast {text.vec('i1')} {condition} to {kind}")
        text.declare(f"llvm.cttz.{kind}", f"declare {kind} @llvm.cttz.{kind}({kind}, i1)")
        lane = text.set(f"call {kind} @llvm.cttz.{kind}({kind} {bits}, i1 true)")
        if text.lanes < 64:
            lane = text.set(f"zext {kind} {lane} to i64")
        return text.set(f"extractelement {text.vec('i64')} {values}, i64 {lane}")

    def gather(self, slot: int, base: str, offset: str, args: Sequence[str], mask: str) -> str:
        """A vector of elements; `offset`: how far each lane is from the slot's address before positions count."""
        text = self.text
        dtype = self.kernel.operands[slot].dtype
        kind = MEMORY_TYPE[dtype]
        offset = self._offsets(slot, offset, args, mask)
        lanes = text.lanes
        vec, pointers = text.vec(kind), text.vec("ptr")
        places = text.set(f"getelementptr i8, ptr {base}, {text.vec('i64')} {offset}")
        suffix = {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
        name = f"llvm.masked.gather.v{lanes}{suffix}.v{lanes}p0"
        bits = text.vec("i1")
        text.declare(name, f"declare {vec} @{name}({pointers}, i32, {bits}, {vec})")
        operands = f"{pointers} {places}, i32 {SIZE[kind]}, {bits} {mask}, {vec} zeroinitializer"
        return text.unpack(dtype, text.set(f"call {vec} @{name}({operands})"))

    def scatter(
        self, slot: int, value: str, base: str, offset: str, args: Sequence[str], add: bool, mask: str, active: str
    ) -> None:
        """Write the active lanes one by one, in order."""
        text = self.text
        dtype = self.kernel.operands[slot].dtype
        kind = MEMORY_TYPE[dtype]
        offset = self._offsets(slot, offset, args, mask)
        write, after = text.label("write"), text.label("after")
        text.go_if(self.only_check, after, write)
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
        place = text.set(f"getelementptr i8, ptr {base}, i64 {at}")
        new = text.set(f"load {kind}, ptr {text.set(f'getelementptr {kind}, ptr {values}, i64 {lane}')}")
        if add:
            new = self._sum(dtype, kind, text.set(f"load {kind}, ptr {place}"), new)
        text.emit(f"store {kind} {new}, ptr {place}")
        text.emit(f"{following} = add i64 {lane}, 1")
        text.go_if(text.set(f"icmp slt i64 {following}, {active}"), loop, after)
        text.start(after)

    def _sum(self, dtype: str, kind: str, old: str, new: str) -> str:
        text = self.text
        if dtype == "float16":
            wide = [text.set(f"fpext half {x} to float") for x in (old, new)]
            return text.set(f"fptrunc float {text.set(f'fadd float {wide[0]}, {wide[1]}')} to half")
        word = "fadd" if is_float(dtype) else "or" if dtype == "bool" else "add"
        return text.set(f"{word} {kind} {old}, {new}")
