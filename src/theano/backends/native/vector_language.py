"""The language of the run-time system with vectors: one more type of value, for loops over the elements of arrays.

A file in this language is compiled once for each dtype that it is needed for. To the words of `runtime_language.py`
it adds those below. A *vector* has LANES elements of SIZE bytes of the dtype; both names are constants. A variable to
which a vector is assigned holds vectors, everywhere in its function; arguments and results of functions are integers.

Addresses need no more alignment than an element's. What the words with a count do not cover they neither read nor
write, so a row can be walked to its end in vectors.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from theano.backends.native import target
from theano.backends.native.unit_text import Function, Unit
from theano.backends.native.vector_text import SIZE, VectorText

KINDS = {"float32": "float", "float64": "double"}
WHOLE_KINDS = {"int64": "i64", "uint64": "i64"}  # for files that only add and multiply


# The words, for linters and readers.
def vload(address: int) -> Any:
    """The LANES elements at an address."""
    raise NotImplementedError


def vload_first(address: int, count: int) -> Any:
    """The first `count` elements at an address, then zeros. Any count: LANES is the most that is read."""
    raise NotImplementedError


def vstore(address: int, value: Any) -> None:
    raise NotImplementedError


def vstore_first(address: int, value: Any, count: int) -> None:
    """Store the first `count` elements only. Any count."""
    raise NotImplementedError


def vfill(address: int) -> Any:
    """The one element at an address in every lane."""
    raise NotImplementedError


def vzero() -> Any:
    raise NotImplementedError


def vadd(a: Any, b: Any) -> Any:
    raise NotImplementedError


def vmul(a: Any, b: Any) -> Any:
    raise NotImplementedError


def vdiv(a: Any, b: Any) -> Any:
    raise NotImplementedError


def vmuladd(a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once where the machine can."""
    raise NotImplementedError


def vcombine(a: Any, b: Any) -> Any:
    """The operation which the file is compiled for: one of the above."""
    raise NotImplementedError


def vlargest(a: Any, b: Any) -> Any:
    """The larger of two elements; NaN if one of them is."""
    raise NotImplementedError


def vwhere_equal(x: Any, y: Any, value: Any) -> Any:
    """`value` where x equals y or both are NaN, else 0."""
    raise NotImplementedError


def vevens(a: Any, b: Any) -> Any:
    """Every other element of a and then of b, from the first one on."""
    raise NotImplementedError


def vodds(a: Any, b: Any) -> Any:
    """Every other element of a and then of b, from the second one on."""
    raise NotImplementedError


def vmix_low(a: Any, b: Any) -> Any:
    """Elements of a and b in turns: of the first half of each."""
    raise NotImplementedError


def vmix_high(a: Any, b: Any) -> Any:
    """Elements of a and b in turns: of the second half of each."""
    raise NotImplementedError


def store_item(address: int, value: Any) -> None:
    """Store the first element of a vector."""
    raise NotImplementedError


def copy_item(target: int, source: int) -> None:
    """Copy one element."""
    raise NotImplementedError


def number_item(target: int, integer: int) -> None:
    """Store an integer as an element."""
    raise NotImplementedError


def add_total(target: int, value: Any) -> None:
    """Add the sum of a vector's elements to the element at `target`."""
    raise NotImplementedError


_ARITHMETIC = {"vadd": "fadd", "vmul": "fmul", "vdiv": "fdiv"}


def _orders(lanes: int) -> dict[str, list[int]]:
    """How the words that reorder two vectors number the elements of both."""
    half = lanes // 2
    return {
        "vevens": list(range(0, 2 * lanes, 2)),
        "vodds": list(range(1, 2 * lanes, 2)),
        "vmix_low": [k for n in range(half) for k in (n, lanes + n)],
        "vmix_high": [k for n in range(half, lanes) for k in (n, lanes + n)],
    }


_VECTORS = frozenset([
    *_ARITHMETIC, *_orders(2), "vcombine", "vload", "vload_first", "vfill", "vzero", "vlargest", "vmuladd",
    "vwhere_equal",
])  # fmt: skip


class _Writer(VectorText):
    def new(self, stem: str = "x.") -> str:  # no variable has a dot in its name
        return super().new(stem)


def _makes_vector(value: ast.expr, vectors: set[str]) -> bool:
    """Is the value of an expression a vector, if variables of these names hold vectors?"""
    match value:
        case ast.Call(func=ast.Name(id=name)):
            return name in _VECTORS
        case ast.Name(id=name):
            return name in vectors
    return False


def _vector_variables(node: ast.FunctionDef) -> set[str]:
    assigned = [
        (statement.targets[0].id, statement.value)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    ]
    vectors: set[str] = set()
    while True:
        more = {name for name, value in assigned if _makes_vector(value, vectors)}
        if more == vectors:
            return vectors
        vectors = more


class _VectorFunction(Function):
    """Compiles one function with vectors to LLVM text. A word is the method of its name."""

    unit: _VectorUnit

    def __init__(self, unit: _VectorUnit, node: ast.FunctionDef) -> None:
        super().__init__(unit, node)
        self.vectors = _vector_variables(node)
        self.writer = _Writer(unit.lanes)
        self.writer.lines = self.lines
        self.kind, self.dtype = unit.kind, unit.dtype
        self.vec = self.writer.vec(unit.kind)
        self.align = f"align {SIZE[unit.kind]}"
        self.orders = _orders(unit.lanes)

    def type_of(self, name: str) -> str:
        return self.vec if name in self.vectors else super().type_of(name)

    def call(self, name: str, args: list[str]) -> str:
        if name == "vcombine":
            name = self.unit.combine
        if name in _ARITHMETIC:
            operation = _ARITHMETIC[name]
            operation = operation if self.dtype in KINDS else operation.removeprefix("f")
            return self.writer.binary(operation, self.kind, *args)
        if name in self.orders:
            order = ", ".join(f"i32 {k}" for k in self.orders[name])
            mask = f"<{self.unit.lanes} x i32> <{order}>"
            return self.value(f"shufflevector {self.vec} {args[0]}, {self.vec} {args[1]}, {mask}")
        word = getattr(self, f"word_{name}", None)
        if word is None:
            return super().call(name, args)
        result: str = word(*args) or "0"
        self.unit.declared.update(self.writer.declarations)
        return result

    def first(self, count: str) -> str:
        """The mask of the first `count` lanes."""
        w = self.writer
        w.declare("llvm.smin.i64", "declare i64 @llvm.smin.i64(i64, i64)")
        most = self.value(f"call i64 @llvm.smin.i64(i64 {count}, i64 {w.lanes})")
        return w.compare("slt", "i32", w.lane_numbers("i32"), w.spread("i32", self.value(f"trunc i64 {most} to i32")))

    def item(self, pointer: str) -> str:
        return self.value(f"load {self.kind}, ptr {pointer}, {self.align}")

    def word_vload(self, address: str) -> str:
        return self.writer.load(self.dtype, self.pointer(address))

    def word_vload_first(self, address: str, count: str) -> str:
        return self.writer.load(self.dtype, self.pointer(address), self.first(count), outside=0)

    def word_vstore(self, address: str, value: str) -> None:
        self.writer.store(self.dtype, value, self.pointer(address))

    def word_vstore_first(self, address: str, value: str, count: str) -> None:
        self.writer.store(self.dtype, value, self.pointer(address), self.first(count))

    def word_vfill(self, address: str) -> str:
        return self.writer.spread(self.kind, self.item(self.pointer(address)))

    def word_vzero(self) -> str:
        return "zeroinitializer"

    def word_vmuladd(self, a: str, b: str, c: str) -> str:
        return self.writer.intrinsic("fmuladd", self.kind, [a, b, c])

    def word_vlargest(self, a: str, b: str) -> str:
        w = self.writer
        larger = w.binary("or", "i1", w.compare("ogt", self.kind, a, b), w.compare("uno", self.kind, a, a))
        return w.select(larger, self.kind, a, b)

    def word_vwhere_equal(self, x: str, y: str, value: str) -> str:
        w = self.writer
        both = w.binary("and", "i1", w.compare("uno", self.kind, x, x), w.compare("uno", self.kind, y, y))
        equal = w.binary("or", "i1", w.compare("oeq", self.kind, x, y), both)
        return w.select(equal, self.kind, value, "zeroinitializer")

    def word_store_item(self, address: str, value: str) -> None:
        first = self.value(f"extractelement {self.vec} {value}, i64 0")
        self.emit(f"store {self.kind} {first}, ptr {self.pointer(address)}, {self.align}")

    def word_copy_item(self, target: str, source: str) -> None:
        self.emit(f"store {self.kind} {self.item(self.pointer(source))}, ptr {self.pointer(target)}, {self.align}")

    def word_number_item(self, target: str, integer: str) -> None:
        number = self.value(f"sitofp i64 {integer} to {self.kind}")
        self.emit(f"store {self.kind} {number}, ptr {self.pointer(target)}, {self.align}")

    def word_add_total(self, target: str, value: str) -> None:
        name = f"llvm.vector.reduce.fadd.v{self.unit.lanes}f{8 * SIZE[self.kind]}"
        self.writer.declare(name, f"declare {self.kind} @{name}({self.kind}, {self.vec})")
        pointer = self.pointer(target)
        total = self.value(f"call reassoc {self.kind} @{name}({self.kind} -0.0, {self.vec} {value})")
        total = self.value(f"fadd {self.kind} {self.item(pointer)}, {total}")
        self.emit(f"store {self.kind} {total}, ptr {pointer}, {self.align}")


class _VectorUnit(Unit):
    def __init__(
        self, name: str, tree: ast.Module, known: Mapping[str, int], dtype: str, vector_bytes: int, combine: str
    ) -> None:
        self.dtype = dtype
        self.combine = combine
        self.kind = KINDS.get(dtype) or WHOLE_KINDS[dtype]
        self.lanes = vector_bytes // SIZE[self.kind]
        self.declared: dict[str, str] = {}
        super().__init__(name, tree, {**known, "LANES": self.lanes, "SIZE": SIZE[self.kind]})

    def text(self) -> str:
        functions = {f.name: _VectorFunction(self, f).text() for f in self.functions}
        return "\n\n".join([*self._declarations(functions), *self.declared.values(), *functions.values()])


def vector_text(
    name: str, known: Mapping[str, int], dtype: str, vector_bytes: int, combine: str = ""
) -> tuple[str, dict[str, str], list[target.Address]]:
    """LLVM text of the file `vector_<name>.py` for a dtype, the LLVM names of its functions, and what they call.

    combine    the word that `vcombine` stands for, in a file which uses it
    """
    tree = ast.parse(target.source_of(f"vector_{name}"))
    unit = _VectorUnit(name, tree, known, dtype, vector_bytes, combine)
    return unit.text(), {f: unit.prefix + f for f in unit.arity}, list(unit.used.values())
