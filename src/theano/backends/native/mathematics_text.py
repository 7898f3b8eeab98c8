"""The form in which vector mathematics is written: numbers that are lanes, with Python's operators.

A function of `mathematics_<family>.py` gets a `Lanes` (the element type, how many lanes, what the machine has) and
`Number`s, and returns one; each operator writes one instruction. So one text serves every width, both precisions and
every machine. What holds a Python number is spread over the lanes.

    def sigmoid(m, x):
        return 1.0 / (m.exp(-x) + 1.0)

Every lane is computed by itself, by the same instructions: where in a vector an element stands, and what stands beside
it, changes no bit. Where all lanes take the same way there may be branches (`Lanes.rarely`), which only skip what no
lane needs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from theano._records import record_class
from theano.backends.native.mathematics_constants import ConstantTable
from theano.backends.native.vector_text import SIZE, VectorText, scalar_constant

INTEGER = {"float": "i32", "double": "i64"}
MANTISSA = {"float": 23, "double": 52}
BIAS = {"float": 127, "double": 1023}
TINIEST = {"float": 2.0**-126, "double": 2.0**-1022}  # normal
# added to a number, it leaves the nearest whole number in the low bits
ROUNDER = {"float": 1.5 * 2.0**23, "double": 1.5 * 2.0**52}


@record_class(frozen=True)
class Machine:
    """What the code may use of a machine."""

    vector_bytes: int
    fma: bool
    scales: str = ""  # AVX-512's instruction for x * 2**n: "" none, "wide" for 64 bytes, "all" for all widths
    constants: str = ""  # where a function's are: "" in its instructions, in a "table", or "spread" from a table


class Number:
    """Lanes of floats (kind "float" or "double"), of integers as wide, or of truths ("i1")."""

    __slots__ = ("kind", "m", "name")

    def __init__(self, m: Lanes, kind: str, name: str) -> None:
        self.m, self.kind, self.name = m, kind, name

    def _binary(self, word: str, other: Any, swapped: bool = False) -> Number:
        other = self.m.spread(self.kind, other) if word in ("shl", "lshr") else self.m.like(other, self)
        a, b = self.name, other.name
        if swapped:
            a, b = b, a
        prefix = "f" if self.kind in INTEGER and word in ("add", "sub", "mul", "div") else ""
        return Number(self.m, self.kind, self.m.text.binary(prefix + word, self.kind, a, b))

    def _compare(self, word: str, other: Any) -> Number:
        floats = self.kind in INTEGER
        word = {"ne": "une"}.get(word, "o" + word) if floats else word if word in ("eq", "ne") else "s" + word
        found = self.m.text.compare(word, self.kind, self.name, self.m.like(other, self).name)
        return Number(self.m, "i1", found)

    def __add__(self, other: Any) -> Number:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Number:
        return self._binary("add", other, True)

    def __sub__(self, other: Any) -> Number:
        return self._binary("sub", other)

    def __rsub__(self, other: Any) -> Number:
        return self._binary("sub", other, True)

    def __mul__(self, other: Any) -> Number:
        return self._binary("mul", other)

    def __rmul__(self, other: Any) -> Number:
        return self._binary("mul", other, True)

    def __truediv__(self, other: Any) -> Number:
        return self._binary("div", other)

    def __rtruediv__(self, other: Any) -> Number:
        return self._binary("div", other, True)

    def __neg__(self) -> Number:
        if self.kind not in INTEGER:
            return 0 - self
        return Number(self.m, self.kind, self.m.text.set(f"fneg {self.m.text.vec(self.kind)} {self.name}"))

    def __and__(self, other: Any) -> Number:
        return self._binary("and", other)

    def __or__(self, other: Any) -> Number:
        return self._binary("or", other)

    def __xor__(self, other: Any) -> Number:
        return self._binary("xor", other)

    def __lshift__(self, count: int) -> Number:
        return self._binary("shl", count)

    def __rshift__(self, count: int) -> Number:
        """Zeros come in from the left."""
        return self._binary("lshr", count)

    def __invert__(self) -> Number:
        return self._binary("xor", 1 if self.kind == "i1" else -1)

    def __lt__(self, other: Any) -> Number:
        return self._compare("lt", other)

    def __le__(self, other: Any) -> Number:
        return self._compare("le", other)

    def __gt__(self, other: Any) -> Number:
        return self._compare("gt", other)

    def __ge__(self, other: Any) -> Number:
        return self._compare("ge", other)

    def below(self, other: Any) -> Number:
        """Is an integer without sign less than the other?"""
        found = self.m.text.compare("ult", self.kind, self.name, self.m.like(other, self).name)
        return Number(self.m, "i1", found)

    def equals(self, other: Any) -> Number:
        return self._compare("eq", other)


class Lanes:
    """Writes the instructions of one function, for numbers of one precision."""

    def __init__(
        self, text: VectorText, kind: str, machine: Machine, table: ConstantTable | None = None
    ) -> None:
        self.text, self.kind, self.machine, self.table = text, kind, machine, table
        self.integer = INTEGER[kind]
        self.mantissa = MANTISSA[kind]
        self.bias = BIAS[kind]
        self.tiniest = TINIEST[kind]
        self.double = kind == "double"
        self.digits = self.mantissa + 1
        self.wide = False  # doubles, of which the result in single precision is wanted

    def pick(self, double: Any, single: Any) -> Any:
        """The first for double precision, the second for single."""
        return double if self.double else single

    def coefficients(self, table: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
        """Those of the precision that is wanted."""
        return table[("wide" if "wide" in table else "double") if self.wide else self.kind]

    # -- numbers

    def number(self, name: str, kind: str = "") -> Number:
        return Number(self, kind or self.kind, name)

    def like(self, value: Any, other: Number) -> Number:
        if isinstance(value, Number):
            return value
        return self._constant(other.kind, value)

    def constant(self, value: float) -> Number:
        return self._constant(self.kind, value)

    def _constant(self, kind: str, value: float) -> Number:
        found = self.table.read(self.text, kind, value) if self.table is not None else ""
        return Number(self, kind, found) if found else self.spread(kind, value)

    def spread(self, kind: str, value: float) -> Number:
        """A constant of the instruction that uses it."""
        return Number(self, kind, self.text.splat(kind, scalar_constant(kind, value)))

    def bits_of(self, value: float) -> int:
        """The bits of a number in this precision."""
        codes = ("<d", "<q") if self.double else ("<f", "<i")
        return int(struct.unpack(codes[1], struct.pack(codes[0], value))[0])

    # -- floats

    def _intrinsic(self, name: str, *args: Number) -> Number:
        return Number(self, self.kind, self.text.intrinsic(name, self.kind, [a.name for a in args]))

    def fma(self, a: Number, b: Any, c: Any) -> Number:
        """a * b + c; rounded once where the machine can."""
        if self.machine.fma:
            return self._intrinsic("fma", a, self.like(b, a), self.like(c, a))
        return a * b + c

    def abs(self, x: Number) -> Number:
        if self.table is not None:
            return self.from_bits(self.bits(x) & ~self.bits_of(-0.0))
        return self._intrinsic("fabs", x)

    def sqrt(self, x: Number) -> Number:
        return self._intrinsic("sqrt", x)

    def copysign(self, size: Any, sign: Number) -> Number:
        """A number that is not negative, or is NaN, with a sign."""
        size = self.like(size, sign)
        if self.table is not None:
            return self.from_bits(self.bits(size) | (self.bits(sign) & self.bits_of(-0.0)))
        return self._intrinsic("copysign", size, sign)

    def where(self, condition: Number, yes: Any, no: Any) -> Number:
        model = yes if isinstance(yes, Number) else no
        if not isinstance(model, Number):
            model = self.constant(0.0)
        chosen = self.text.select(condition.name, model.kind, self.like(yes, model).name, self.like(no, model).name)
        return Number(self, model.kind, chosen)

    def is_nan(self, x: Number) -> Number:
        return Number(self, "i1", self.text.compare("uno", self.kind, x.name, x.name))

    def smaller(self, x: Number, most: Any) -> Number:
        """The smaller of the two; x where it is NaN."""
        most = self.like(most, x)
        return self.where(x > most, most, x)

    def larger(self, x: Number, least: Any) -> Number:
        """The larger of the two; x where it is NaN."""
        least = self.like(least, x)
        return self.where(x < least, least, x)

    def polynomial(self, coefficients: Sequence[float | Number], x: Number) -> Number:
        """Lowest power first. Long ones in two halves, of even and of odd powers, which do not wait for each other."""
        if len(coefficients) < 7 or not self.machine.fma:
            return self._horner(coefficients, x)
        odd = self._horner(coefficients[1::2], x * x)
        return self.fma(odd, x, self._horner(coefficients[::2], x * x))

    def quick_polynomial(self, coefficients: Sequence[float], x: Number) -> Number:
        """The same, by Estrin's scheme: neighbours are joined, then pairs, so that few operations wait for others."""
        if len(coefficients) < 7 or not self.machine.fma:
            return self._horner(coefficients, x)
        terms = [
            self.fma(x, high, low) for low, high in zip(coefficients[::2], coefficients[1::2], strict=False)
        ]
        terms += [self.constant(c) for c in coefficients[len(terms) * 2 :]]
        power = x * x
        while len(terms) > 1:
            joined = [self.fma(high, power, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
            terms = joined + terms[len(joined) * 2 :]
            power = power * power
        return terms[0]

    def _horner(self, coefficients: Sequence[float | Number], x: Number) -> Number:
        value = self.like(coefficients[-1], x)
        for coefficient in reversed(coefficients[:-1]):
            value = self.fma(value, x, coefficient)
        return value

    # -- bits

    def bits(self, x: Number) -> Number:
        return Number(self, self.integer, self.text.convert("bitcast", self.kind, self.integer, x.name))

    def from_bits(self, n: Number) -> Number:
        return Number(self, self.kind, self.text.convert("bitcast", self.integer, self.kind, n.name))

    def nearest(self, x: Number, factor: float = 1.0, low_bits: bool = False) -> tuple[Number, Number]:
        """The whole number nearest to x * factor, as float and as integer; less than 2**51 (2**22) in size.

        low_bits   only so many bits of the integer are right
        """
        rounder = ROUNDER[self.kind]
        moved = x + rounder if factor == 1.0 else self.fma(x, factor, rounder)
        bits = self.bits(moved)
        return moved - rounder, bits if low_bits else bits - self.bits_of(rounder)

    def small_integer(self, n: Number, less: float) -> Number:
        """An integer 0 <= n < 2**mantissa as a float, less a whole number."""
        base = 2.0**self.mantissa
        return self.from_bits(n | self.bits_of(base)) - (base + less)

    def to_float(self, n: Number) -> Number:
        """An integer as a float, rounded."""
        return self.number(self.text.convert("sitofp", self.integer, self.kind, n.name))

    def power_of_two(self, n: Number) -> Number:
        """2**n for whole n, where that is a normal number."""
        return self.from_bits((n + self.bias) << self.mantissa)

    def scaled(self, value: Number, n: Number, whole: Number) -> Number:
        """value * 2**n for whole n (as float and as integer) not much beyond the range of exponents; rounded once."""
        if self.scales_at_once():
            return self._scaled_by_instruction(value, n)
        # in two steps, of which only the second rounds or overflows
        far = 4 * (self.bias + 1)  # keeps what is shifted positive
        part = ((whole + far) >> 1) - far // 2
        return value * self.power_of_two(part) * self.power_of_two(whole - part)

    def scales_at_once(self) -> bool:
        size = self.text.lanes * SIZE[self.kind]
        return bool(self.machine.scales and size == 64) or (self.machine.scales == "all" and size in (16, 32))

    def _scaled_by_instruction(self, value: Number, n: Number) -> Number:
        text = self.text
        size, vec = 8 * text.lanes * SIZE[self.kind], text.vec(self.kind)
        mask = "i16" if text.lanes == 16 else "i8"
        name = f"llvm.x86.avx512.mask.scalef.{'pd' if self.double else 'ps'}.{size}"
        rounding, as_set = (", i32", ", i32 4") if size == 512 else ("", "")
        text.declare(name, f"declare {vec} @{name}({vec}, {vec}, {vec}, {mask}{rounding})")
        operands = f"{vec} {value.name}, {vec} {n.name}, {vec} zeroinitializer, {mask} -1{as_set}"
        return Number(self, self.kind, text.set(f"call {vec} @{name}({operands})"))

    def lookup(self, name: str, numbers: Sequence[float], index: Number, count: int) -> list[Number]:
        """`count` consecutive numbers of a table, from a position on."""
        text, kind, vec = self.text, self.kind, self.text.vec(self.kind)
        self._declare_table(name, numbers)
        places = f"<{text.lanes} x ptr>"
        gather = f"llvm.masked.gather.v{text.lanes}f{8 * SIZE[kind]}.v{text.lanes}p0"
        text.declare(gather, f"declare {vec} @{gather}({places}, i32, {text.vec('i1')}, {vec})")
        found = []
        for k in range(count):
            at = (index + k).name if k else index.name
            where = text.set(f"getelementptr {kind}, ptr @{name}, {text.vec(self.integer)} {at}")
            operands = f"{places} {where}, i32 {SIZE[kind]}, {text.vec('i1')} {text.splat('i1', 'true')}, {vec} poison"
            found.append(self.number(text.set(f"call {vec} @{gather}({operands})")))
        return found

    def _declare_table(self, name: str, numbers: Sequence[float]) -> None:
        codes = ("d", "Q") if self.double else ("f", "I")
        words = struct.unpack(f"<{len(numbers)}{codes[1]}", struct.pack(f"<{len(numbers)}{codes[0]}", *numbers))
        entries = ", ".join([f"{self.integer} {word}" for word in words])
        table = f"private unnamed_addr constant [{len(words)} x {self.integer}] [{entries}], align 64"
        self.text.declare(name, f"@{name} = {table}")

    def pair(self, name: str, numbers: Sequence[float], index: Number) -> tuple[Number, Number]:
        """Two consecutive numbers of a table, from an even position on: each lane's by one load of both."""
        text, kind, lanes = self.text, self.kind, self.text.lanes
        if lanes == 1:
            first, second = self.lookup(name, numbers, index, 2)
            return first, second
        self._declare_table(name, numbers)
        parts = []
        for lane in range(lanes):
            at = text.set(f"extractelement {text.vec(self.integer)} {index.name}, i64 {lane}")
            where = text.set(f"getelementptr {kind}, ptr @{name}, {self.integer} {at}")
            parts.append(text.set(f"load <2 x {kind}>, ptr {where}, align {2 * SIZE[kind]}"))
        even, odd = self._joined(parts[::2]), self._joined(parts[1::2])
        found = []
        for side in (0, 1):
            places = ", ".join(f"i32 {k + side}, i32 {lanes + k + side}" for k in range(0, lanes, 2))
            vec = text.vec(kind)
            found.append(self.number(text.set(f"shufflevector {vec} {even}, {vec} {odd}, <{lanes} x i32> <{places}>")))
        return found[0], found[1]

    def has_elements(self) -> bool:
        """Are there instructions that look up an element of a vector for each lane?"""
        return self.machine.scales == "all"

    def elements(self, name: str, numbers: Sequence[float], index: Number) -> list[Number]:
        """Each lane's numbers of a table of 16 rows, whose number is in the low four bits of an index."""
        count = len(numbers) // 16
        columns = [[numbers[row * count + k] for row in range(16)] for k in range(count)]
        lanes = self.text.lanes
        if lanes not in (8, 16):
            return [self.lookup(f"{name}.{k}", column, index & 15, 1)[0] for k, column in enumerate(columns)]
        self._declare_table(name, [number for column in columns for number in column])
        vec, where = f"<{lanes} x float>", f"<{lanes} x i32>"
        code = "llvm.x86.avx512.permvar.sf.512" if lanes == 16 else "llvm.x86.avx512.vpermi2var.ps.256"
        self.text.declare(code, f"declare {vec} @{code}({vec}, {where}{f', {vec}' * (lanes == 8)})")
        found = []
        for k in range(count):
            halves = []
            for half in range(16 // lanes):
                place = self.text.set(f"getelementptr i8, ptr @{name}, i64 {64 * k + 32 * half}")
                halves.append(f"{vec} {self.text.set(f'load {vec}, ptr {place}, align {4 * lanes}')}")
            operands = ", ".join([halves[0], f"{where} {index.name}", *halves[1:]])
            found.append(self.number(self.text.set(f"call {vec} @{code}({operands})")))
        return found

    def _joined(self, parts: list[str]) -> str:
        """Short vectors, one behind the other."""
        count = 2
        while len(parts) > 1:
            vec, places = f"<{count} x {self.kind}>", ", ".join(f"i32 {k}" for k in range(2 * count))
            parts = [
                self.text.set(f"shufflevector {vec} {a}, {vec} {b}, <{2 * count} x i32> <{places}>")
                for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
            count *= 2
        return parts[0]

    # -- pairs: a number as an unevaluated sum of two

    def sum_of(self, a: Number, b: Any) -> tuple[Number, Number]:
        """a + b and what rounding lost. (Knuth)"""
        total = a + b
        virtual = total - a
        return total, (a - (total - virtual)) + (self.like(b, a) - virtual)

    def sum_of_ordered(self, a: Number, b: Number) -> tuple[Number, Number]:
        """The same for |a| >= |b|, or where a is a multiple of b's last bit. (Dekker)"""
        total = a + b
        return total, b - (total - a)

    def product_of(self, a: Number, b: Any) -> tuple[Number, Number]:
        """a * b and what rounding lost. (Dekker, Veltkamp)"""
        b = self.like(b, a)
        product = a * b
        if self.machine.fma:
            return product, self.fma(a, b, -product)
        (ah, al), (bh, bl) = self._split(a), self._split(b)
        return product, al * bl - (((product - ah * bh) - al * bh) - ah * bl)

    def left_of(self, c: Any, a: Number, b: Number) -> Number:
        """c - a * b, where that is small beside c."""
        if self.machine.fma:
            return self.fma(-a, b, c)
        product, lost = self.product_of(a, b)
        return (c - product) - lost

    def _split(self, x: Number) -> tuple[Number, Number]:
        big = x * float((1 << (self.digits + 1) // 2) + 1)
        high = big - (big - x)
        return high, x - high

    # -- control

    def rarely(self, condition: Number, usual: Number, compute: Callable[[], Number]) -> Number:
        """`usual`, but what `compute` makes of it where the condition holds. The code runs if it holds in any lane."""
        text = self.text
        before, some, after = text.block, text.label("rare"), text.label("after")
        text.go_if(text.any_true(condition.name), some, after)
        text.start(some)
        other = self.where(condition, compute(), usual)
        end = text.block
        text.go(after)
        text.start(after)
        chosen = text.set(f"phi {text.vec(usual.kind)} [{usual.name}, %{before}], [{other.name}, %{end}]")
        return Number(self, usual.kind, chosen)

    def repeated(
        self, first: int, end: int, values: Sequence[Number], step: Callable[..., Sequence[Number]]
    ) -> list[Number]:
        """values = step(k, *values) for k = first, ..., end - 1, which all lanes hold; at least once."""
        text, vec = self.text, self.text.vec(self.kind)
        before, again, after = text.block, text.label("again"), text.label("after")
        text.go(again)
        text.start(again)
        at, count, old = len(text.lines), text.new(), [text.new() for _ in values]
        spread = text.set(f"insertelement {vec} poison, {self.kind} {count}, i32 0")
        zeros = f"<{text.lanes} x i32> zeroinitializer"
        k = self.number(text.set(f"shufflevector {vec} {spread}, {vec} poison, {zeros}"))
        new = list(step(k, *map(self.number, old)))
        more = text.set(f"fadd {self.kind} {count}, 1.0")
        going = text.set(f"fcmp olt {self.kind} {more}, {float(end)}")
        text.lines[at:at] = [
            f"  {count} = phi {self.kind} [{float(first)}, %{before}], [{more}, %{text.block}]",
            *(f"  {name} = phi {vec} [{start.name}, %{before}], [{next_.name}, %{text.block}]"
              for name, start, next_ in zip(old, values, new, strict=True)),
        ]  # fmt: skip
        text.go_if(going, again, after)
        text.start(after)
        return new

    # -- double precision for results in single precision

    def in_double(self, compute: Callable[..., Number], *args: Number) -> Number:
        """What `compute(lanes of doubles, *args)` gives, rounded to single precision."""
        if self.text.lanes * SIZE["double"] > self.machine.vector_bytes and self.text.lanes > 1:
            found = self.text.halved(
                "float", [a.name for a in args],
                lambda half, parts: self._widened(half, compute, parts),
            )  # fmt: skip
        else:
            found = self._widened(self.text, compute, [a.name for a in args])
        return self.number(found)

    def _widened(self, text: VectorText, compute: Callable[..., Number], args: Sequence[str]) -> str:
        wide = Lanes(text, "double", self.machine, self.table)
        wide.wide = True
        result = compute(wide, *(wide.number(text.convert("fpext", "float", "double", a)) for a in args))
        return text.convert("fptrunc", "double", "float", result.name)
