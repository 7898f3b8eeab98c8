"""LLVM text for vector code: types, constants, and a writer for functions whose values are vectors.

Knows the types of the kernel IR and how LLVM spells them; it knows nothing of operands, loops over arrays or
reductions (`kernel_code.py`), nor of what the opcodes mean (`opcode_text.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

MEMORY_TYPE = {
    "bool": "i8", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "i8", "uint16": "i16", "uint32": "i32", "uint64": "i64",
    "float16": "half", "float32": "float", "float64": "double",
}  # fmt: skip
# complex numbers are one integer in memory, and values that hold their parts in turn: (re, im, re, im, ...)
ELEMENT_TYPE = {**MEMORY_TYPE, "complex64": "i64", "complex128": "i128"}
PART_TYPE = {"complex64": "float", "complex128": "double"}
SIZE = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "i128": 16, "half": 2, "float": 4, "double": 8}
# float16 computes in float32 and is rounded after every operation; bool is one bit.
VALUE_TYPE = {**ELEMENT_TYPE, "bool": "i1", "float16": "float"}
ITEMSIZE = {name: SIZE[kind] for name, kind in ELEMENT_TYPE.items()}
ALIGNMENT = {**ITEMSIZE, "complex64": 4, "complex128": 8}  # of one element, as NumPy has it


def is_float(dtype: str) -> bool:
    return dtype.startswith("float")


def is_unsigned(dtype: str) -> bool:
    return dtype.startswith("uint") or dtype == "bool"


def scalar_constant(kind: str, value: float) -> str:
    """The text of a number of an LLVM type; floats bit by bit, so that nan, inf and -0.0 are exact."""
    if kind == "i1":
        return "true" if value else "false"
    if kind in ("double", "float"):
        number = float(value)
        if kind == "float":
            number = _as_float32(number)
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    bits = 8 * SIZE[kind]
    whole = int(value) & ((1 << bits) - 1)
    return str(whole - (1 << bits) if whole >> (bits - 1) else whole)


def _as_float32(number: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


class _Place:
    """Where the writers of one function are: the label of the current block, and the number of the last name."""

    __slots__ = ("block", "count")

    def __init__(self) -> None:
        self.block = "entry"
        self.count = 0


class VectorText:
    """Writes one function's body: a list of lines, the label of the current block, and fresh names.

    `lanes` is the number of elements that every vector holds; a function may have writers for several (`beside`).
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.lines: list[str] = []
        self.allocas: list[str] = []
        self.declarations: dict[str, str] = {}
        self.in_place = True  # write functions out, instead of calling them
        self._place = _Place()

    def beside(self, lanes: int) -> VectorText:
        """A writer of the same function for vectors of so many lanes. The two may take turns."""
        other = VectorText(lanes)
        other.lines, other.allocas, other.declarations = self.lines, self.allocas, self.declarations
        other.in_place, other._place = self.in_place, self._place
        return other

    @property
    def block(self) -> str:
        return self._place.block

    # -- names and lines

    def new(self, stem: str = "v") -> str:
        self._place.count += 1
        return f"%{stem}{self._place.count}"

    def label(self, stem: str) -> str:
        self._place.count += 1
        return f"{stem}{self._place.count}"

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def set(self, line: str) -> str:
        name = self.new()
        self.lines.append(f"  {name} = {line}")
        return name

    def start(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self._place.block = label

    def go(self, label: str) -> None:
        self.emit(f"br label %{label}")

    def go_if(self, condition: str, yes: str, no: str) -> None:
        self.emit(f"br i1 {condition}, label %{yes}, label %{no}")

    def declare(self, name: str, text: str) -> None:
        self.declarations[name] = text

    def room(self, kind: str) -> str:
        """An array of one vector's elements on the stack."""
        name = self.new("room")
        self.allocas.append(f"  {name} = alloca [{self.lanes} x {kind}], align 64")
        return name

    def variable(self, kind: str, value: str) -> str:
        """A variable that holds a vector."""
        name = self.new("var")
        self.allocas.append(f"  {name} = alloca {self.vec(kind)}, align 64")
        self.put(kind, value, name)
        return name

    def get(self, kind: str, variable: str) -> str:
        return self.set(f"load {self.vec(kind)}, ptr {variable}, align 64")

    def put(self, kind: str, value: str, variable: str) -> None:
        self.emit(f"store {self.vec(kind)} {value}, ptr {variable}, align 64")

    # -- vectors

    def vec(self, kind: str) -> str:
        return f"<{self.lanes} x {kind}>"

    def splat(self, kind: str, constant: str) -> str:
        """A constant in every lane."""
        return f"splat ({kind} {constant})"

    def constant(self, dtype: str, value: float) -> str:
        kind = VALUE_TYPE[dtype]
        if dtype == "float16":
            value = struct.unpack("<e", struct.pack("<e", _clip_half(float(value))))[0]
        return self.splat(kind, scalar_constant(kind, value))

    def spread(self, kind: str, scalar: str) -> str:
        """A run-time scalar in every lane."""
        one = self.set(f"insertelement {self.vec(kind)} poison, {kind} {scalar}, i64 0")
        return self.set(
            f"shufflevector {self.vec(kind)} {one}, {self.vec(kind)} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def element(self, kind: str, value: str) -> str:
        """A vector's first element."""
        return self.set(f"extractelement {self.vec(kind)} {value}, i64 0")

    def over_lanes(self, name: str, kind: str, value: str) -> str:
        """The extreme of all lanes (fmax, umin, ...), of which none is NaN."""
        full = f"llvm.vector.reduce.{name}.v{self.lanes}{'f' if name[0] == 'f' else 'i'}{8 * SIZE[kind]}"
        self.declare(full, f"declare {kind} @{full}({self.vec(kind)})")
        return self.set(f"call {'nnan ' if name[0] == 'f' else ''}{kind} @{full}({self.vec(kind)} {value})")

    def lane_numbers(self, kind: str) -> str:
        return "<" + ", ".join(f"{kind} {i}" for i in range(self.lanes)) + ">"

    def binary(self, word: str, kind: str, a: str, b: str) -> str:
        return self.set(f"{word} {self.vec(kind)} {a}, {b}")

    def compare(self, word: str, kind: str, a: str, b: str) -> str:
        return self.set(f"{'fcmp' if kind in ('float', 'double') else 'icmp'} {word} {self.vec(kind)} {a}, {b}")

    def select(self, condition: str, kind: str, a: str, b: str) -> str:
        return self.set(f"select {self.vec('i1')} {condition}, {self.vec(kind)} {a}, {self.vec(kind)} {b}")

    def convert(self, word: str, source: str, kind: str, value: str) -> str:
        return self.set(f"{word} {self.vec(source)} {value} to {self.vec(kind)}")

    def invert(self, condition: str) -> str:
        return self.binary("xor", "i1", condition, self.splat("i1", "true"))

    def intrinsic(self, name: str, kind: str, args: Sequence[str], extra: str = "") -> str:
        """A vector intrinsic such as llvm.fabs."""
        full = f"llvm.{name}.v{self.lanes}{'f' if kind in ('float', 'double') else 'i'}{8 * SIZE[kind]}"
        vec = self.vec(kind)
        tail = f", {extra.split()[0]}" if extra else ""
        self.declare(full, f"declare {vec} @{full}({', '.join([vec] * len(args))}{tail})")
        operands = ", ".join(f"{vec} {a}" for a in args) + (f", {extra}" if extra else "")
        return self.set(f"call {vec} @{full}({operands})")

    def half(self, kind: str, value: str, upper: bool) -> str:
        """The lower or the upper half of a vector's lanes."""
        vec, lanes = self.vec(kind), self.lanes // 2
        chosen = ", ".join(f"i32 {n + upper * lanes}" for n in range(lanes))
        return self.set(f"shufflevector {vec} {value}, {vec} poison, <{lanes} x i32> <{chosen}>")

    def halved(
        self, kind: str, args: Sequence[str], compute: Callable[[VectorText, list[str]], str]
    ) -> str:
        """What `compute` makes of each half of the vectors, put together; it gets a writer for vectors so long."""
        half = self.beside(self.lanes // 2)
        results = [compute(half, [self.half(kind, a, upper) for a in args]) for upper in (False, True)]
        chosen = ", ".join(f"i32 {n}" for n in range(self.lanes))
        low, high = (f"{half.vec(kind)} {r}" for r in results)
        return self.set(f"shufflevector {low}, {high}, <{self.lanes} x i32> <{chosen}>")

    def any_true(self, condition: str) -> str:
        bits = self.set(f"bitcast {self.vec('i1')} {condition} to i{self.lanes}")
        return self.set(f"icmp ne i{self.lanes} {bits}, 0")

    def load(self, dtype: str, pointer: str, mask: str = "", outside: int = 1) -> str:
        """A vector from memory. With a mask, lanes outside it are not read; they hold 1, which few functions mind."""
        kind, vec = self._in_memory(dtype)
        if mask:
            name, bits = self._masked("load", dtype)
            one = self.splat(kind, "0xH3C00" if kind == "half" else scalar_constant(kind, outside))
            self.declare(name, f"declare {vec} @{name}(ptr, i32, {bits}, {vec})")
            operands = f"ptr {pointer}, i32 {SIZE[kind]}, {bits} {self._mask_of(dtype, mask)}, {vec} {one}"
            stored = self.set(f"call {vec} @{name}({operands})")
        else:
            stored = self.set(f"load {vec}, ptr {pointer}, align {SIZE[kind]}")
        return stored if dtype in PART_TYPE else self.unpack(dtype, stored)

    def store(self, dtype: str, value: str, pointer: str, mask: str = "", past: bool = False) -> None:
        """A vector to memory; lanes outside the mask are not written. past: without a mask, past the caches, to where a
        cache line starts."""
        kind, vec = self._in_memory(dtype)
        stored = value if dtype in PART_TYPE else self.pack(dtype, value)
        if past:
            self.declare("!0", "!0 = !{i32 1}")
            aligned = min(self.lanes * ITEMSIZE[dtype], 64)
            self.emit(f"store {vec} {stored}, ptr {pointer}, align {aligned}, !nontemporal !0")
            return
        if not mask:
            self.emit(f"store {vec} {stored}, ptr {pointer}, align {SIZE[kind]}")
            return
        name, bits = self._masked("store", dtype)
        self.declare(name, f"declare void @{name}({vec}, ptr, i32, {bits})")
        operands = f"{vec} {stored}, ptr {pointer}, i32 {SIZE[kind]}, {bits} {self._mask_of(dtype, mask)}"
        self.emit(f"call void @{name}({operands})")

    def _in_memory(self, dtype: str) -> tuple[str, str]:
        """(type of the scalars, of the vector of them) that a vector is in memory: two scalars for a complex number."""
        kind = PART_TYPE.get(dtype)
        return (kind, self._pairs(kind)) if kind else (MEMORY_TYPE[dtype], self.vec(MEMORY_TYPE[dtype]))

    def _masked(self, what: str, dtype: str) -> tuple[str, str]:
        """The name of the masked access to such a vector, and the type of its mask."""
        kind, _ = self._in_memory(dtype)
        lanes = self.lanes * (2 if dtype in PART_TYPE else 1)
        suffix = {"half": "f16", "float": "f32", "double": "f64"}.get(kind, kind)
        return f"llvm.masked.{what}.v{lanes}{suffix}.p0", f"<{lanes} x i1>"

    def _mask_of(self, dtype: str, mask: str) -> str:
        """The mask of its scalars."""
        if dtype not in PART_TYPE:
            return mask
        chosen = ", ".join(f"i32 {n // 2}" for n in range(2 * self.lanes))
        bits = self.vec("i1")
        return self.set(f"shufflevector {bits} {mask}, {bits} poison, <{2 * self.lanes} x i32> <{chosen}>")

    # -- complex numbers

    def _pairs(self, kind: str) -> str:
        return f"<{2 * self.lanes} x {kind}>"

    def part(self, dtype: str, value: str, number: int) -> str:
        """The real (0) or imaginary (1) parts of complex numbers."""
        chosen = ", ".join(f"i32 {2 * n + number}" for n in range(self.lanes))
        vec = self._pairs(PART_TYPE[dtype])
        return self.set(f"shufflevector {vec} {value}, {vec} poison, <{self.lanes} x i32> <{chosen}>")

    def pair(self, dtype: str, re: str, im: str) -> str:
        """Complex numbers of their parts."""
        chosen = ", ".join(f"i32 {n // 2 + n % 2 * self.lanes}" for n in range(2 * self.lanes))
        vec = self.vec(PART_TYPE[dtype])
        return self.set(f"shufflevector {vec} {re}, {vec} {im}, <{2 * self.lanes} x i32> <{chosen}>")

    def prefetch(self, pointer: str, distance: str, near: int = 3, write: bool = False) -> None:
        """Ask for a cache line, which may be anywhere. near: 3 into the first cache, 2 into the second; write: it will
        be written."""
        self.declare("llvm.prefetch.p0", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        place = self.set(f"getelementptr i8, ptr {pointer}, i64 {distance}")
        self.emit(f"call void @llvm.prefetch.p0(ptr {place}, i32 {int(write)}, i32 {near}, i32 1)")

    def unpack(self, dtype: str, stored: str) -> str:
        """From the form in memory to the form that computes."""
        if dtype == "bool":
            return self.compare("ne", "i8", stored, "zeroinitializer")
        if dtype == "float16":
            return self.convert("fpext", "half", "float", stored)
        if dtype in PART_TYPE:
            return self.set(f"bitcast {self.vec(ELEMENT_TYPE[dtype])} {stored} to {self._pairs(PART_TYPE[dtype])}")
        return stored

    def pack(self, dtype: str, value: str) -> str:
        if dtype == "bool":
            return self.convert("zext", "i1", "i8", value)
        if dtype == "float16":
            return self.convert("fptrunc", "float", "half", value)
        if dtype in PART_TYPE:
            return self.set(f"bitcast {self._pairs(PART_TYPE[dtype])} {value} to {self.vec(ELEMENT_TYPE[dtype])}")
        return value

    def round_half(self, value: str) -> str:
        """Round a float32 vector to float16 precision."""
        return self.convert("fpext", "half", "float", self.convert("fptrunc", "float", "half", value))

    def cast(self, source: str, dtype: str, value: str) -> str:
        """NumPy's astype, with x86's answers for floats that no integer represents."""
        if source == dtype:
            return value
        have, want = VALUE_TYPE[source], VALUE_TYPE[dtype]
        if dtype == "bool":
            word = "une" if is_float(source) else "ne"
            return self.compare(word, have, value, "zeroinitializer")
        if is_float(source) and is_float(dtype):
            if SIZE[have] < SIZE[want]:
                value = self.convert("fpext", have, want, value)
            elif SIZE[have] > SIZE[want]:
                value = self._to_odd(value) if dtype == "float16" else self.convert("fptrunc", have, want, value)
            return self.round_half(value) if dtype == "float16" else value
        if is_float(dtype):
            word = "uitofp" if is_unsigned(source) else "sitofp"
            number = self.convert(word, have, want, value)
            return self.round_half(number) if dtype == "float16" else number
        if is_float(source):
            return self._float_to_int(have, dtype, value)
        if SIZE[have] == SIZE[want] and have != "i1":
            return value
        if SIZE[have] > SIZE[want]:
            return self.convert("trunc", have, want, value)
        return self.convert("zext" if is_unsigned(source) else "sext", have, want, value)

    def _to_odd(self, value: str) -> str:
        """float64 → float32 rounding inexact results to an odd last bit, so that rounding again to float16 is as
        rounding once. (The direct conversion is a library call that the compiler's run-time library would have.)"""
        near = self.convert("fptrunc", "double", "float", value)
        back = self.convert("fpext", "float", "double", near)
        bits = self.convert("bitcast", "float", "i32", near)
        inexact = self.compare("one", "double", back, value)
        beyond = self.compare(
            "ogt", "double", self.intrinsic("fabs", "double", [back]), self.intrinsic("fabs", "double", [value])
        )
        bits = self.binary("sub", "i32", bits, self.convert("zext", "i1", "i32", beyond))
        bits = self.binary("or", "i32", bits, self.convert("zext", "i1", "i32", inexact))
        return self.convert("bitcast", "i32", "float", bits)

    def _float_to_int(self, have: str, dtype: str, value: str) -> str:
        want = VALUE_TYPE[dtype]
        if dtype == "uint64":
            limit = self.splat(have, scalar_constant(have, 2.0**63))
            big = self.compare("oge", have, value, limit)
            reduced = self.select(big, have, self.binary("fsub", have, value, limit), value)
            number = self.set(f"freeze {self.vec('i64')} {self.convert('fptosi', have, 'i64', reduced)}")
            flip = self.select(big, "i64", self.splat("i64", str(-(2**63))), "zeroinitializer")
            return self.binary("xor", "i64", number, flip)
        through = "i64" if dtype in ("int64", "uint32") else "i32"
        number = self.set(f"freeze {self.vec(through)} {self.convert('fptosi', have, through, value)}")
        return number if through == want else self.convert("trunc", through, want, number)


def _clip_half(number: float) -> float:
    return float("inf") if number >= 65520 else float("-inf") if number <= -65520 else number
