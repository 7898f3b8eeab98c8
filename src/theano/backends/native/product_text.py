"""LLVM text of the loops of matrix products: rows of the result, one vector wide or two, held in registers.

    product_tile(a, a_down, a_across, b, b_down, depth, c, c_down, rows, count, alpha, beta)
        C (rows, count) = alpha A B [+ beta C]. At most ROWS rows, and as many columns as a vector has elements.
    product_pair(...)
        The same, with more columns: as many as two vectors have. Each element has the same bits in both.

A may have any strides, rows of B and C are contiguous; strides are in bytes. `alpha` is the address of a number, and
`beta`, which is 0 where C is not read. All arguments are 64-bit integers; depth, rows and count are at least 1.
Missing rows are the last one again: one function is soon compiled. `runtime_tile_products.py` makes products of these.
"""

from __future__ import annotations

from theano.backends.native.vector_text import SIZE

ROWS = 8  # as many sums as it takes to hide how long an addition takes


class _Text:
    def __init__(self, kind: str, lanes: int, columns: int) -> None:
        self.kind, self.size, self.lanes, self.columns = kind, SIZE[kind], lanes, columns
        self.vec, self.mask = f"<{lanes} x {kind}>", f"<{lanes} x i1>"
        self.suffix = f"v{lanes}f{8 * self.size}"
        self.lines: list[str] = []

    def emit(self, *lines: str) -> None:
        self.lines += ["  " + line for line in lines]

    def spread(self, name: str, pointer: str) -> None:
        """%name: a vector of the one element at a pointer."""
        self.emit(
            f"%{name}.x = load {self.kind}, ptr {pointer}, align {self.size}",
            f"%{name}.y = insertelement {self.vec} poison, {self.kind} %{name}.x, i64 0",
            f"%{name} = shufflevector {self.vec} %{name}.y, {self.vec} poison, <{self.lanes} x i32> zeroinitializer",
        )

    def load(self, name: str, pointer: str, column: int) -> None:
        """The vector of that number in a row."""
        at = self.column(f"{name}.at", pointer, column)
        self.emit(
            f"%{name} = call {self.vec} @llvm.masked.load.{self.suffix}.p0"
            f"(ptr {at}, i32 {self.size}, {self.mask} %mask{column}, {self.vec} zeroinitializer)"
        )

    def store(self, value: str, pointer: str, column: int) -> None:
        at = self.column(f"{value[1:]}.at", pointer, column)
        self.emit(
            f"call void @llvm.masked.store.{self.suffix}.p0"
            f"({self.vec} {value}, ptr {at}, i32 {self.size}, {self.mask} %mask{column})"
        )

    def column(self, name: str, pointer: str, column: int) -> str:
        self.emit(f"%{name} = getelementptr i8, ptr {pointer}, i64 {column * self.lanes * self.size}")
        return f"%{name}"

    def multiply_add(self, name: str, a: str, b: str, c: str) -> None:
        v = self.vec
        self.emit(f"%{name} = call {v} @llvm.fmuladd.{self.suffix}({v} {a}, {v} {b}, {v} {c})")

    def begin(self) -> None:
        """The masks of the columns, pointers, and how far each row lies from the first."""
        counts = f"<{self.lanes} x i32>"
        self.emit(
            "%few = trunc i64 %count to i32",
            f"%few.y = insertelement {counts} poison, i32 %few, i64 0",
            f"%fews = shufflevector {counts} %few.y, {counts} poison, {counts} zeroinitializer",
            *(f"%to.{name} = inttoptr i64 %{name} to ptr" for name in ("a", "b", "c", "alpha", "beta")),
            "%step.a0 = add i64 0, 0", "%step.c0 = add i64 0, 0",
        )  # fmt: skip
        for column in range(self.columns):
            listed = ", ".join(f"i32 {n + column * self.lanes}" for n in range(self.lanes))
            self.emit(f"%mask{column} = icmp slt {counts} <{listed}>, %fews")
        for r in range(1, ROWS):
            self.emit(f"%is{r} = icmp sgt i64 %rows, {r}")
            for name in "ac":
                self.emit(
                    f"%more.{name}{r} = select i1 %is{r}, i64 %{name}_down, i64 0",
                    f"%step.{name}{r} = add i64 %step.{name}{r - 1}, %more.{name}{r}",
                )

    def rows(self, name: str, base: str) -> None:
        """Pointers %name0, %name1, … to the rows of "a" or "c"."""
        for r in range(ROWS):
            self.emit(f"%{name}{r} = getelementptr i8, ptr {base}, i64 %step.{name[-1]}{r}")


def tile_text(kind: str, lanes: int, pair: bool) -> str:
    """The functions of a dtype: product_tile, and perhaps product_pair."""
    t = _Text(kind, lanes, 1)
    functions = [_function(t, "product_tile"), *([_function(_Text(kind, lanes, 2), "product_pair")] if pair else [])]
    return "\n".join([
        f"declare {t.vec} @llvm.fmuladd.{t.suffix}({t.vec}, {t.vec}, {t.vec})",
        f"declare {t.vec} @llvm.masked.load.{t.suffix}.p0(ptr, i32, {t.mask}, {t.vec})",
        f"declare void @llvm.masked.store.{t.suffix}.p0({t.vec}, ptr, i32, {t.mask})",
        *functions,
    ])  # fmt: skip


def _function(t: _Text, name: str) -> str:
    arguments = ["a", "a_down", "a_across", "b", "b_down", "depth", "c", "c_down", "rows", "count", "alpha", "beta"]
    sums = [(r, column) for r in range(ROWS) for column in range(t.columns)]
    t.begin()
    t.emit("br label %loop")
    t.lines.append("loop:")
    t.emit("%left = phi i64 [%depth, %entry], [%left.next, %loop]")
    for matrix in "ab":
        t.emit(f"%at.{matrix} = phi ptr [%to.{matrix}, %entry], [%next.{matrix}, %loop]")
    for r, column in sums:
        t.emit(f"%sum{r}.{column} = phi {t.vec} [zeroinitializer, %entry], [%new{r}.{column}, %loop]")
    for column in range(t.columns):
        t.load(f"vb{column}", "%at.b", column)
    t.rows("at.a", "%at.a")
    for r in range(ROWS):
        t.spread(f"va{r}", f"%at.a{r}")
        for column in range(t.columns):
            t.multiply_add(f"new{r}.{column}", f"%va{r}", f"%vb{column}", f"%sum{r}.{column}")
    t.emit(
        "%next.a = getelementptr i8, ptr %at.a, i64 %a_across",
        "%next.b = getelementptr i8, ptr %at.b, i64 %b_down",
        "%left.next = add i64 %left, -1",
        "%again = icmp sgt i64 %left.next, 0",
        "br i1 %again, label %loop, label %end",
    )
    t.lines.append("end:")
    t.spread("factor", "%to.alpha")
    t.rows("at.c", "%to.c")
    for r, column in sums:
        t.emit(f"%scaled{r}.{column} = fmul {t.vec} %new{r}.{column}, %factor")
    t.emit("%fresh = icmp eq i64 %beta, 0", "br i1 %fresh, label %write, label %add")
    t.lines.append("add:")
    t.spread("keep", "%to.beta")
    for r, column in sums:
        t.load(f"old{r}.{column}", f"%at.c{r}", column)
        t.multiply_add(f"onto{r}.{column}", f"%old{r}.{column}", "%keep", f"%scaled{r}.{column}")
    t.emit("br label %write")
    t.lines.append("write:")
    for r, column in sums:
        t.emit(f"%out{r}.{column} = phi {t.vec} [%scaled{r}.{column}, %end], [%onto{r}.{column}, %add]")
    for r, column in sums:
        t.store(f"%out{r}.{column}", f"%at.c{r}", column)
    t.emit("ret i64 0")
    head = f"define i64 @{name}({', '.join(f'i64 %{argument}' for argument in arguments)}) {{"
    return "\n".join([head, "entry:", *t.lines, "}"])
