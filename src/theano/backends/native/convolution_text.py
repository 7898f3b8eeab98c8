"""LLVM text of the two loops in which a convolution spends its time: products of small tiles, held in registers.

    product_<rows>(a, b, pitch_b, depth, c, pitch_c, add)
        C (rows, WIDTH vectors) = [C +] A B.  A is packed, its `rows` elements of each column next to each other;
        the rows of B and C are `pitch` bytes apart.

    dot_<rows>(a, pitch_a, b, pitch_b, count, sums)
        sums[i, j] = a vector whose sum is the inner product of row i of A and row j of B, which have `count` vectors.

All arguments are 64-bit integers, addresses among them. `vector_panels.py` brings arrays into this form.
"""

from __future__ import annotations

from theano._records import record_class
from theano.backends.native.vector_text import SIZE


@record_class(frozen=True, slots=True)
class Tiles:
    """Sizes of the tiles, chosen so that accumulators and operands fill the registers.

    rows, width          of `product`: the numbers of rows there are functions for, and vectors in a row
    dot_rows, columns    of `dot`
    """

    rows: tuple[int, ...]
    width: int
    dot_rows: tuple[int, ...]
    columns: int


def tiles_for(registers: int) -> Tiles:
    if registers >= 32:
        return Tiles((1, 2, 4, 6), 4, (1, 2, 4, 5), 5)
    return Tiles((1, 2, 4, 6), 2, (1, 2, 3), 3)


class _Text:
    """A function of 64-bit integers, with one loop over vectors."""

    def __init__(self, name: str, arguments: str, kind: str, lanes: int) -> None:
        self.kind, self.size = kind, SIZE[kind]
        self.vec, self.bytes = f"<{lanes} x {kind}>", SIZE[kind] * lanes
        self.fma = f"{self.vec} @llvm.fmuladd.v{lanes}f{8 * self.size}"
        self.lines = [f"define i64 @{name}({', '.join(f'i64 %{a}' for a in arguments.split())}) {{", "entry:"]

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def address(self, name: str, base: str, offset: int) -> str:
        self.emit(f"%{name} = getelementptr i8, ptr {base}, i64 {offset}")
        return f"%{name}"

    def load(self, name: str, base: str, offset: int) -> None:
        self.emit(f"%{name} = load {self.vec}, ptr {self.address(name + '.at', base, offset)}, align {self.size}")

    def rows(self, name: str, base: str, pitch: str, count: int) -> None:
        """Pointers %name0, %name1, … `pitch` apart, and the integers they are of."""
        for r in range(count):
            before = base if r == 0 else f"%{name}{r - 1}.int"
            self.emit(f"%{name}{r}.int = add i64 {before}, {pitch if r else 0}")
            self.emit(f"%{name}{r} = inttoptr i64 %{name}{r}.int to ptr")

    def multiply_add(self, name: str, a: str, b: str, c: str) -> None:
        v = self.vec
        self.emit(f"%{name} = call {self.fma}({v} {a}, {v} {b}, {v} {c})")

    def end(self) -> str:
        self.emit("ret i64 0")
        return "\n".join([*self.lines, "}"])


def product_text(rows: int, width: int, kind: str, lanes: int) -> str:
    """The function product_<rows>."""
    t = _Text(f"product_{rows}", "a b pitch_b depth c pitch_c add", kind, lanes)
    tile = [(r, v) for r in range(rows) for v in range(width)]
    t.rows("c", "%c", "%pitch_c", rows)
    t.emit("%onto = icmp ne i64 %add, 0")
    t.emit("br i1 %onto, label %old, label %start")
    t.label("old")
    for r, v in tile:
        t.load(f"old{r}.{v}", f"%c{r}", v * t.bytes)
    t.emit("br label %start")
    t.label("start")
    for r, v in tile:
        t.emit(f"%first{r}.{v} = phi {t.vec} [zeroinitializer, %entry], [%old{r}.{v}, %old]")
    t.emit("br label %loop")
    t.label("loop")
    t.emit("%left = phi i64 [%depth, %start], [%left.next, %loop]")
    for name in "ab":
        t.emit(f"%at.{name} = phi i64 [%{name}, %start], [%next.{name}, %loop]")
    for r, v in tile:
        t.emit(f"%sum{r}.{v} = phi {t.vec} [%first{r}.{v}, %start], [%new{r}.{v}, %loop]")
    for name, step in (("a", str(rows * t.size)), ("b", "%pitch_b")):
        t.emit(f"%next.{name} = add i64 %at.{name}, {step}")
        t.emit(f"%p.{name} = inttoptr i64 %at.{name} to ptr")
    for v in range(width):
        t.load(f"b{v}", "%p.b", v * t.bytes)
    for r in range(rows):
        t.emit(f"%x{r} = load {kind}, ptr {t.address(f'x{r}.at', '%p.a', r * t.size)}, align {t.size}")
        t.emit(f"%y{r} = insertelement {t.vec} poison, {kind} %x{r}, i64 0")
        t.emit(f"%a{r} = shufflevector {t.vec} %y{r}, {t.vec} poison, <{lanes} x i32> zeroinitializer")
        for v in range(width):
            t.multiply_add(f"new{r}.{v}", f"%a{r}", f"%b{v}", f"%sum{r}.{v}")
    t.emit("%left.next = add i64 %left, -1")
    t.emit("%more = icmp sgt i64 %left.next, 0")
    t.emit("br i1 %more, label %loop, label %done")
    t.label("done")
    for r, v in tile:
        to = t.address(f"to{r}.{v}", f"%c{r}", v * t.bytes)
        t.emit(f"store {t.vec} %new{r}.{v}, ptr {to}, align {t.size}")
    return t.end()


def dot_text(rows: int, columns: int, kind: str, lanes: int) -> str:
    """The function dot_<rows>."""
    t = _Text(f"dot_{rows}", "a pitch_a b pitch_b count sums", kind, lanes)
    tile = [(r, c) for r in range(rows) for c in range(columns)]
    t.rows("a", "%a", "%pitch_a", rows)
    t.rows("b", "%b", "%pitch_b", columns)
    t.emit("%out = inttoptr i64 %sums to ptr")
    t.emit(f"%end = mul i64 %count, {t.bytes}")
    t.emit("br label %loop")
    t.label("loop")
    t.emit("%at = phi i64 [0, %entry], [%at.next, %loop]")
    for r, c in tile:
        t.emit(f"%sum{r}.{c} = phi {t.vec} [zeroinitializer, %entry], [%new{r}.{c}, %loop]")
    for name, n in (("a", rows), ("b", columns)):
        for r in range(n):
            t.emit(f"%p.{name}{r} = getelementptr i8, ptr %{name}{r}, i64 %at")
            t.emit(f"%x.{name}{r} = load {t.vec}, ptr %p.{name}{r}, align {t.size}")
    for r, c in tile:
        t.multiply_add(f"new{r}.{c}", f"%x.a{r}", f"%x.b{c}", f"%sum{r}.{c}")
    t.emit(f"%at.next = add i64 %at, {t.bytes}")
    t.emit("%more = icmp slt i64 %at.next, %end")
    t.emit("br i1 %more, label %loop, label %done")
    t.label("done")
    for r, c in tile:
        to = t.address(f"to{r}.{c}", "%out", (r * columns + c) * t.bytes)
        t.emit(f"store {t.vec} %new{r}.{c}, ptr {to}, align {t.size}")
    return t.end()


def _declaration(kind: str, lanes: int) -> str:
    vec = f"<{lanes} x {kind}>"
    return f"declare {vec} @llvm.fmuladd.v{lanes}f{8 * SIZE[kind]}({vec}, {vec}, {vec})"


def products_text(tiles: Tiles, kind: str, lanes: int) -> str:
    """All functions product_<rows> of a dtype."""
    functions = [product_text(rows, tiles.width, kind, lanes) for rows in tiles.rows]
    return "\n\n".join([_declaration(kind, lanes), *functions])


def dots_text(tiles: Tiles, kind: str, lanes: int) -> str:
    """All functions dot_<rows> of a dtype."""
    functions = [dot_text(rows, tiles.columns, kind, lanes) for rows in tiles.dot_rows]
    return "\n\n".join([_declaration(kind, lanes), *functions])
