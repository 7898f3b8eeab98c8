"""Compiles the language of `runtime_language.py` to LLVM text.

A value is the text of an operand. Variables are places on the stack, of which `promote` makes registers. What a
variable holds is known where all ways that lead there agree on it: so few are read from their places, and many need
none. That makes the text a quarter shorter, and compiled the sooner.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from theano.backends.native import target

_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "shl", ast.RShift: "ashr", ast.FloorDiv: "sdiv", ast.Mod: "srem",
}  # fmt: skip
_COMPARE = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "slt", ast.LtE: "sle", ast.Gt: "sgt", ast.GtE: "sge"}
_FOLD = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "shl": lambda a, b: a << b,
}  # fmt: skip
_LOADS = {"load8": "i8", "load16": "i16", "load32": "i32", "load64": "i64"}
_FLOATS = {"fadd": "fadd", "fsub": "fsub", "fmul": "fmul", "fdiv": "fdiv", "fless": "fcmp olt"}
_FLOAT_WORDS = frozenset((*_FLOATS, "flog", "fnumber", "fwhole", "fload32", "fstore32"))
_STORES = {"store8": "i8", "store16": "i16", "store32": "i32", "store64": "i64"}

# C functions whose result is a 32-bit int: the upper half of the register is undefined.
_INT_RESULT = frozenset((
    "PyList_SetItem", "PyTuple_SetItem", "PyArray_EquivTypes", "PyErr_CheckSignals", "PyException_SetTraceback",
    "madvise", "PyObject_IsInstance", "pthread_create", "pthread_mutex_trylock",
))  # fmt: skip


class Function:
    """Compiles one function to LLVM text."""

    EXPRESSIONS: ClassVar[dict[type, Callable[[Any, Any], str]]]

    def __init__(self, unit: Unit, node: ast.FunctionDef) -> None:
        self.unit = unit
        self.node = node
        self.lines: list[str] = []
        self.count = 0
        self.refs = 0  # places for 32-bit integers, each with the upper half unused
        self.loops: list[tuple[str, str]] = []
        self.closed = False
        assigned = _assigned(node.body)
        self.locals = {arg.arg for arg in node.args.args} | assigned
        # what variables hold, as far as it is the same on all ways to here; and on the ways to labels that are to come
        self.known = {name: f"%arg.{name}" for name in self.locals - assigned}
        self.reaching: dict[str, dict[str, str]] = {}
        # which variables have to be read from their places, and where each is written: line and text
        self.read_from: set[str] = set()
        self.written: list[tuple[str, int]] = []

    def text(self) -> str:
        params = ", ".join(f"i64 %arg.{a.arg}" for a in self.node.args.args)
        local, quiet = ("dso_local ", " nounwind") if self.unit.near else ("", "")
        self.lines.append(f"define {local}i64 @{self.unit.prefix}{self.node.name}({params}){quiet} {{")
        self.lines.append("entry.block:")  # no local of the runtime has a dot in its name
        top = len(self.lines)
        for arg in self.node.args.args:
            if arg.arg not in self.known:
                self.assign(arg.arg, f"%arg.{arg.arg}")
        self.block(self.node.body)
        if not self.closed:
            self.emit("ret i64 0")
        self.lines.append("}")
        for name, at in self.written:
            if name not in self.read_from:
                self.lines[at] = ""
        places = [f"  %ref.{n} = alloca i64" for n in range(self.refs)]
        self.lines[top:top] = [*places, *(f"  %{n} = alloca {self.type_of(n)}" for n in sorted(self.read_from))]
        return "\n".join(filter(None, self.lines))

    # -- text

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def value(self, line: str) -> str:
        self.count += 1
        name = f"%t{self.count}"
        self.lines.append(f"  {name} = {line}")
        return name

    def label(self, name: str) -> None:
        self.jump(name)
        if name in self.reaching:  # else no way leads here
            self.lines.append(f"{name}:")
            self.closed = False
            self.known = self.reaching.pop(name)

    def jump(self, name: str) -> None:
        if not self.closed:
            self.emit(f"br label %{name}")
            self.closed = True
            self.reach(name)

    def reach(self, name: str) -> None:
        """Here is one of the ways to a label."""
        known = self.known
        if name in self.reaching:
            known = {n: v for n, v in self.reaching[name].items() if known.get(n) == v}
        self.reaching[name] = known.copy()

    def read(self, name: str) -> str:
        if name not in self.known:
            self.known[name] = self.value(f"load {self.type_of(name)}, ptr %{name}")
            self.read_from.add(name)
        return self.known[name]

    def assign(self, name: str, value: str) -> None:
        self.written.append((name, len(self.lines)))
        self.emit(f"store {self.type_of(name)} {value}, ptr %{name}")
        self.known[name] = value

    def type_of(self, name: str) -> str:
        """The LLVM type of a variable."""
        return "i64"

    # -- statements

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            if self.closed:
                return
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, self.expression(value))
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                old = self.read(name)
                self.assign(name, self.binary(op, old, self.expression(value)))
            case ast.Expr(value=value):
                if not isinstance(value, ast.Constant):
                    self.expression(value)
            case ast.If():
                self.choice(node)
            case ast.Return(value=value):
                self.emit(f"ret i64 {self.expression(value) if value else '0'}")
                self.closed = True
            case ast.While():
                self.loop(node)
            case ast.Break():
                self.jump(self.loops[-1][1])
            case ast.Continue():
                self.jump(self.loops[-1][0])
            case ast.Pass():
                pass
            case _:
                raise SyntaxError(f"{self.where(node)}: {ast.dump(node)} is not in the language")

    def choice(self, node: ast.If) -> None:
        self.count += 1
        then, other, end = (f"{w}{self.count}" for w in ("then", "else", "end"))
        self.branch(node.test, then, other if node.orelse else end)
        self.label(then)
        self.block(node.body)
        self.jump(end)
        if node.orelse:
            self.label(other)
            self.block(node.orelse)
            self.jump(end)
        self.label(end)

    def loop(self, node: ast.While) -> None:
        self.count += 1
        head, inside, end = (f"{w}{self.count}" for w in ("head", "body", "done"))
        self.label(head)
        for name in _assigned(node.body):  # on the way back they may hold something else
            self.known.pop(name, None)
        self.branch(node.test, inside, end)
        self.loops.append((head, end))
        self.label(inside)
        self.block(node.body)
        self.jump(head)
        self.loops.pop()
        self.label(end)

    def where(self, node: ast.stmt | ast.expr) -> str:
        return f"{self.unit.name}:{node.lineno}"

    def branch(self, node: ast.expr, yes: str, no: str) -> None:
        """Jump to one of two labels; `and`, `or` and `not` are jumps, too."""
        match node:
            case ast.BoolOp(op=op, values=values):
                for value in values[:-1]:
                    self.count += 1
                    middle = f"next{self.count}"
                    self.branch(value, *((middle, no) if isinstance(op, ast.And) else (yes, middle)))
                    self.label(middle)
                self.branch(values[-1], yes, no)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.branch(operand, no, yes)
            case _:
                self.emit(f"br i1 {self.condition(node)}, label %{yes}, label %{no}")
                self.closed = True
                self.reach(yes)
                self.reach(no)

    def condition(self, node: ast.expr) -> str:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self.expression(node.left), self.expression(node.comparators[0])
            return self.value(f"icmp {_COMPARE[type(node.ops[0])]} i64 {left}, {right}")
        return self.value(f"icmp ne i64 {self.expression(node)}, 0")

    # -- expressions: the text of an i64 operand

    def expression(self, node: ast.expr) -> str:
        rule = self.EXPRESSIONS.get(type(node))
        if rule is None:
            raise SyntaxError(f"{self.where(node)}: {ast.dump(node)} is not in the language")
        return rule(self, node)

    def literal(self, node: ast.Constant) -> str:
        if type(node.value) is not int:
            raise SyntaxError(f"{self.where(node)}: {ast.dump(node)} is not in the language")
        return str(node.value)

    def name(self, node: ast.Name) -> str:
        return self.read(node.id) if node.id in self.locals else self.constant(node.id)

    def unary(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.USub):
            return self.binary(ast.Sub(), "0", self.expression(node.operand))
        return self.truth(node)

    def operation(self, node: ast.BinOp) -> str:
        return self.binary(node.op, self.expression(node.left), self.expression(node.right))

    def comparison(self, node: ast.Compare) -> str:
        return self.value(f"zext i1 {self.condition(node)} to i64")

    def application(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name):
            raise SyntaxError(f"{self.where(node)}: {ast.dump(node)} is not in the language")
        name, args = node.func.id, node.args
        if name == "address_of" and isinstance(args[0], ast.Name):
            function = args[0].id
            if function in self.unit.arity:
                return self.value(f"ptrtoint ptr @{self.unit.prefix}{function} to i64")
            return self.constant(function)
        return self.call(name, [self.expression(a) for a in args])

    def constant(self, name: str) -> str:
        found = self.unit.constant(name)
        if isinstance(found, target.Address):
            return self.value(f"ptrtoint ptr {self.outside(found)} to i64")
        return str(found)

    def outside(self, address: target.Address) -> str:
        """A pointer to a place outside the text."""
        symbol = self.unit.symbol(address)
        return self.value(f"load ptr, ptr {symbol}") if self.unit.near else symbol

    def truth(self, node: ast.expr) -> str:
        """1 or 0, by jumps."""
        self.count += 1
        yes, no, end = (f"{w}{self.count}" for w in ("yes", "no", "end"))
        self.branch(node, yes, no)
        self.label(yes)
        self.jump(end)
        self.label(no)
        self.jump(end)
        self.label(end)
        return self.value(f"phi i64 [1, %{yes}], [0, %{no}]")

    def binary(self, op: ast.operator, left: str, right: str) -> str:
        word = _BINARY[type(op)]
        if word in _FOLD and left[0] != "%" and right[0] != "%":
            return str(_FOLD[word](int(left), int(right)))
        return self.value(f"{word} i64 {left}, {right}")

    def pointer(self, address: str) -> str:
        return self.value(f"inttoptr i64 {address} to ptr")

    def call(self, name: str, args: list[str]) -> str:
        if name in _LOADS:
            kind = _LOADS[name]
            found = self.value(f"load {kind}, ptr {self.pointer(args[0])}")
            if kind == "i64":
                return found
            return self.value(f"{'sext' if kind == 'i32' else 'zext'} {kind} {found} to i64")
        if name in _STORES:
            kind, value = _STORES[name], args[1]
            if kind != "i64" and value[0] == "%":
                value = self.value(f"trunc i64 {value} to {kind}")
            self.emit(f"store {kind} {value}, ptr {self.pointer(args[0])}")
            return "0"
        if name == "ref":
            return self.reference(args[0])
        if name.startswith(("blas_", "lapack_")):
            return self.fortran(name, args)
        if name in _FLOAT_WORDS:
            return self.float_word(name, args)
        if name == "prefetch":
            self.emit(f"call void @llvm.prefetch.p0(ptr {self.pointer(args[0])}, i32 0, i32 3, i32 1)")
            return "0"
        if name == "stack":
            return self.value(f"ptrtoint ptr {self.value(f'alloca i8, i64 {args[0]}, align 64')} to i64")
        if name == "invoke":
            operands = ", ".join(f"i64 {a}" for a in args[1:])
            return self.value(f"call i64 {self.pointer(args[0])}({operands})")
        operands = ", ".join(f"i64 {a}" for a in args)
        if name in self.unit.arity:
            if self.unit.arity[name] != len(args):
                raise SyntaxError(f"{self.unit.name}: {name} takes {self.unit.arity[name]} arguments")
            return self.value(f"call i64 @{self.unit.prefix}{name}({operands})")
        place = self.unit.constant(name)
        address = self.outside(place) if isinstance(place, target.Address) else self.pointer(str(place))
        if name in _INT_RESULT:
            return self.value(f"sext i32 {self.value(f'call i32 {address}({operands})')} to i64")
        return self.value(f"call i64 {address}({operands})")

    def reference(self, value: str) -> str:
        self.refs += 1
        place = f"%ref.{self.refs - 1}"
        self.emit(f"store i64 {value}, ptr {place}")
        return self.value(f"ptrtoint ptr {place} to i64")

    def fortran(self, name: str, args: list[str]) -> str:
        """A routine of BLAS or LAPACK, which has a letter for the dtype in front."""
        library, _, routine = name.partition("_")
        double, single = (
            self.outside(target.symbol_address(f"c.{library}_{letter}{routine}")) for letter in "ds"
        )
        wide = self.value(f"icmp eq i64 {args[0]}, 8")
        address = self.value(f"select i1 {wide}, ptr {double}, ptr {single}")
        given = args[1:]
        info = ""
        if library == "lapack":
            info = self.reference("0")
            given.append(info)
        self.emit(f"call void {address}({', '.join(f'i64 {a}' for a in given)})")
        return self.call("load32", [info]) if info else "0"

    def float_word(self, name: str, args: list[str]) -> str:
        if name == "fnumber":
            return self.bits(self.value(f"sitofp i64 {args[0]} to double"))
        if name == "fload32":
            short = self.value(f"load float, ptr {self.pointer(args[0])}")
            return self.bits(self.value(f"fpext float {short} to double"))
        if name == "fstore32":
            rounded = self.value(f"fptrunc double {self.double(args[1])} to float")
            self.emit(f"store float {rounded}, ptr {self.pointer(args[0])}")
            return "0"
        values = [self.double(a) for a in args]
        if name == "flog":
            address = self.outside(target.symbol_address("libm.log"))
            return self.bits(self.value(f"call double {address}(double {values[0]})"))
        if name == "fwhole":
            return self.value(f"fptosi double {values[0]} to i64")
        found = self.value(f"{_FLOATS[name]} double {values[0]}, {values[1]}")
        return self.value(f"zext i1 {found} to i64") if name == "fless" else self.bits(found)

    def double(self, bits: str) -> str:
        return self.value(f"bitcast i64 {bits} to double")

    def bits(self, double: str) -> str:
        return self.value(f"bitcast double {double} to i64")


# how each kind of expression is compiled
Function.EXPRESSIONS = {
    ast.Constant: Function.literal, ast.Name: Function.name, ast.UnaryOp: Function.unary, ast.BoolOp: Function.truth,
    ast.BinOp: Function.operation, ast.Compare: Function.comparison, ast.Call: Function.application,
}  # fmt: skip


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Names that statements assign to."""
    names: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assign | ast.AugAssign):
            target_node = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target_node, ast.Name):
                names.add(target_node.id)
        elif isinstance(node, ast.If | ast.While):
            waiting += node.body + node.orelse
    return names


def _number(node: ast.expr) -> int:
    """A module-level constant: a number, perhaps negative or shifted."""
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=ast.LShift(), right=right):
            return _number(left) << _number(right)
    raise SyntaxError(f"{ast.dump(node)} is no constant")


class Unit:
    """Functions that are compiled together: their text in pieces, and the symbols that it uses.

    near   all addresses of places outside are in a table, which lies among the code (see `target.object_code`)
    """

    def __init__(self, name: str, tree: ast.Module, known: Mapping[str, int], near: bool = False) -> None:
        self.name = name
        self.prefix = name + "."
        self.near = near
        self.known = known
        self.constants: dict[str, int] = {}
        self.functions: list[ast.FunctionDef] = []
        self.used: dict[str, target.Address] = {}
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=constant)], value=value):
                    self.constants[constant] = _number(value)
                case ast.FunctionDef():
                    self.functions.append(node)
        self.arity = {f.name: len(f.args.args) for f in self.functions}

    def constant(self, name: str) -> int:
        if name in self.constants:
            return self.constants[name]
        if name in self.known:
            return self.known[name]
        try:
            return target.symbol_address(f"c.{name}")
        except AttributeError:
            raise NameError(f"{self.name}: {name} is neither defined nor imported, nor a C function") from None

    def symbol(self, address: target.Address) -> str:
        """The LLVM name of a place outside this text, or of the place in the table where its address is."""
        if address.symbol not in self.used:
            self.used[address.symbol] = address
            target.define_symbol(address.symbol, address)
        if self.near:
            number = list(self.used).index(address.symbol)
            return f"getelementptr (i8, ptr @{self.prefix}table.of.addresses, i64 {-8 * (number + 1)})"
        return f'@"{address.symbol}"'

    def text(self) -> str:
        return self.pieces()[0]

    def pieces(self, size: int | None = None) -> list[str]:
        """The text as LLVM modules of roughly `size` characters; None: as one."""
        groups: list[dict[str, str]] = [{}]
        for node in self.functions:
            if size is not None and sum(map(len, groups[-1].values())) >= size:
                groups.append({})
            groups[-1][node.name] = Function(self, node).text()
        return ["\n\n".join([*self._declarations(group), *group.values(), *self._table()]) for group in groups]

    def _table(self) -> list[str]:
        """The addresses of places outside, before the code of a function that does nothing: the first is nearest."""
        if not self.near:
            return []
        words = ", ".join(f'i64 ptrtoint (ptr @"{symbol}" to i64)' for symbol in reversed(self.used))
        table = f"prefix [{len(self.used)} x i64] [{words}]" if self.used else ""
        return [f"define internal i64 @{self.prefix}table.of.addresses() nounwind {table} {{\n  ret i64 0\n}}"]

    def _declarations(self, present: Collection[str]) -> list[str]:
        absent = {name: count for name, count in self.arity.items() if name not in present}
        return [
            "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
            *(f'@"{symbol}" = external global i8' for symbol in self.used),
            *(f"declare i64 @{self.prefix}{name}({', '.join(['i64'] * count)})" for name, count in absent.items()),
        ]


def source(name: str) -> str:
    """The text of the file `runtime_<name>.py`."""
    return target.source_of(f"runtime_{name}")


_IMPORT = re.compile(rf"^from {re.escape(__package__ or '')}\.runtime_(\w+) import (\([^)]*\)|.*)", re.MULTILINE)


def _blank_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def imported_names(name: str) -> dict[str, list[str]]:
    """The run-time files from which the file `runtime_<name>.py` imports, and what it takes from each."""
    found = _IMPORT.findall(source(name))
    return {part: re.findall(r"\w+", names) for part, names in found if part != "language"}


def runtime_unit(names: Sequence[str], known: Mapping[str, int], near: bool = False) -> Unit:
    """The files `runtime_<name>.py` together. `known` defines free names: numbers and addresses."""
    body: list[ast.stmt] = []
    for name in names:
        # what is imported says nothing more, and would be a third of the tree
        body += ast.parse(_IMPORT.sub(_blank_lines, source(name))).body
    return Unit(target.LOCAL[:-1], ast.Module(body, []), known, near)
