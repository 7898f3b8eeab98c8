"""Symbols: light expressions to write rules with, for rules that are made whenever the library starts.

`x, y = symbols("x y")` work as wildcards do (`pattern.wild`): `log(1 + x)` with the records of `theano.scalar` is an
expression. It is no graph: making one takes a fortieth of the time.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Constant
from theano.rewriting.known import number
from theano.scalar import arithmetic as ar
from theano.scalar.exponential import pow
from theano.scalar.op import ScalarOp
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import Elemwise
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Symbol:
    """record(*args), or, without a record, what `name` stands for. Arguments may be numbers."""

    __slots__ = ("args", "name", "record")

    def __init__(self, record: ScalarOp | None, args: tuple[Any, ...], name: str = "") -> None:
        self.record = record
        self.args = args
        self.name = name

    def __add__(self, other: Any) -> Symbol:
        return Symbol(ar.add, (self, other))

    def __radd__(self, other: Any) -> Symbol:
        return Symbol(ar.add, (other, self))

    def __sub__(self, other: Any) -> Symbol:
        return Symbol(ar.sub, (self, other))

    def __rsub__(self, other: Any) -> Symbol:
        return Symbol(ar.sub, (other, self))

    def __mul__(self, other: Any) -> Symbol:
        return Symbol(ar.mul, (self, other))

    def __rmul__(self, other: Any) -> Symbol:
        return Symbol(ar.mul, (other, self))

    def __truediv__(self, other: Any) -> Symbol:
        return Symbol(ar.true_div, (self, other))

    def __rtruediv__(self, other: Any) -> Symbol:
        return Symbol(ar.true_div, (other, self))

    def __neg__(self) -> Symbol:
        return Symbol(ar.neg, (self,))

    def __pow__(self, other: Any) -> Symbol:
        return Symbol(pow, (self, other))


ScalarOp.symbol_type = Symbol


class Wildcard(TensorVariable):
    """Stands for any expression in a pattern that is written as a graph."""


def symbols(names: str) -> Any:
    """Symbols of these names: one, or a list when there are several."""
    made = [Symbol(None, (), name) for name in names.split()]
    return made[0] if len(made) == 1 else made


def symbol_of(expression: Any) -> Any:
    """The Symbol (or number) that says what a graph says. (Patterns are small: this may recurse.)"""
    if isinstance(expression, (Symbol, int, float, complex)):
        return expression
    variable = as_tensor_variable(expression)
    if isinstance(variable, Wildcard):
        return Symbol(None, (), variable.name or "")
    if isinstance(variable, Constant):
        return number(variable)
    node = variable.owner
    if node is None or not isinstance(node.op, Elemwise):
        raise TypeError(f"A pattern is made of wildcards, numbers and elementwise ops, got {variable} ({node})")
    return Symbol(node.op.scalar_op, tuple(symbol_of(x) for x in node.inputs))


def graph_of(symbol: Any, wildcards: dict[str, Wildcard]) -> Any:
    """The graph that a Symbol stands for; its wildcards are taken from, and put into, `wildcards`."""
    if not isinstance(symbol, Symbol):
        return symbol
    if symbol.record is None:
        found = wildcards.get(symbol.name)
        if found is None:
            found = wildcards[symbol.name] = Wildcard(tensor_type("float64", ()), None, None, symbol.name)
        return found
    return symbol.record(*[graph_of(arg, wildcards) for arg in symbol.args])


def text_of(symbol: Any) -> str:
    """An expression as text, for the documentation of a rule."""
    if not isinstance(symbol, Symbol):
        return str(symbol)
    record = symbol.record
    if record is None:
        return symbol.name
    args = [text_of(arg) for arg in symbol.args]
    if record.symbol and len(args) >= 2:
        return "(" + f" {record.symbol} ".join(args) + ")"
    if record.symbol and len(args) == 1:
        return f"{record.symbol}{args[0]}"
    return f"{record.name}({', '.join(args)})"
