"""theano.printing: the public names for looking at graphs. The code is in `graph/text.py` and `graph/formula.py`.

Here is only the notation of the library's own ops: which of them `pp` writes as operators or functions.
"""

from __future__ import annotations

from typing import Any

from theano.graph.drawing import pydotprint as pydotprint
from theano.graph.formula import VALID_ASSOC as VALID_ASSOC
from theano.graph.formula import DefaultPrinter as DefaultPrinter
from theano.graph.formula import FunctionPrinter as FunctionPrinter
from theano.graph.formula import IgnorePrinter as IgnorePrinter
from theano.graph.formula import LeafPrinter as LeafPrinter
from theano.graph.formula import OperatorPrinter as OperatorPrinter
from theano.graph.formula import PatternPrinter as PatternPrinter
from theano.graph.formula import PPrinter as PPrinter
from theano.graph.formula import PrinterState as PrinterState
from theano.graph.formula import default_printer as default_printer
from theano.graph.formula import leaf_printer as leaf_printer
from theano.graph.node import Variable
from theano.graph.print_op import Print as Print
from theano.graph.print_op import _print_fn as _print_fn
from theano.graph.text import debugprint as debugprint
from theano.graph.text import hex_digest as hex_digest
from theano.graph.text import min_informative_str as min_informative_str
from theano.graph.text import position_independent_str as position_independent_str
from theano.graph.text import var_descriptor as var_descriptor
from theano.scalar.op import ScalarOp
from theano.scalar.selection import second
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise

# symbol -> how closely it binds
_PRECEDENCE = {
    "|": -5, "^": -4, "&": -3, "<": -6, ">": -6, "<=": -6, ">=": -6, "==": -6, "!=": -6,
    "+": -2, "-": -2, "*": -1, "/": -1, "//": -1, "%": -1, "**": 1, "~": 0,
}


class _Elementwise:
    """Records with a symbol are operators, all others functions under their own name."""

    def __init__(self) -> None:
        self._printers: dict[ScalarOp, Any] = {}

    def parts(self, output: Variable, pstate: PrinterState) -> Any:
        assert output.owner is not None
        record = output.owner.op.scalar_op  # type: ignore[attr-defined]
        printer = self._printers.get(record)
        if printer is None:
            if record is second:
                printer = FunctionPrinter("fill")
            elif record.symbol:
                printer = OperatorPrinter(record.symbol, _PRECEDENCE.get(record.symbol, 0))
            else:
                printer = FunctionPrinter(record.name)
            self._printers[record] = printer
        return printer.parts(output, pstate)


class _Transposition:
    """A reversal of all axes is `.T`; added axes of length one are not written; other orders are a function."""

    def parts(self, output: Variable, pstate: PrinterState) -> Any:
        assert output.owner is not None
        op, (x,) = output.owner.op, output.owner.inputs
        order = op.new_order  # type: ignore[attr-defined]
        if order == tuple(range(len(order)))[::-1] and len(order) > 1 and not op.drop:  # type: ignore[attr-defined]
            return [(x, pstate), ".T"]
        axes = [entry for entry in order if entry != "x"]
        if axes == sorted(axes):
            return [(x, pstate)]
        return [f"{op}(", (x, pstate.clone(precedence=-1000)), ")"]


class _Reduction:
    """`sum(x)`, or `sum(x, axis=(0,))`."""

    def parts(self, output: Variable, pstate: PrinterState) -> Any:
        assert output.owner is not None
        op = output.owner.op
        name = type(op).__name__.lower()
        if name == "careduce":
            name = f"reduce_{op.scalar_op.name}"  # type: ignore[attr-defined]
        axis = getattr(op, "axis", None)
        end = ")" if axis is None else f", axis={axis})"
        return [f"{name}(", (output.owner.inputs[0], pstate.clone(precedence=-1000)), end]


class _Index:
    """`x[0]`, `m[:, i]`, `v[1:n]`."""

    def parts(self, output: Variable, pstate: PrinterState) -> Any:
        assert output.owner is not None
        inner = pstate.clone(precedence=-1000)
        parts: list[Any] = [(output.owner.inputs[0], pstate), "["]
        for number, entry in enumerate(output.owner.op.get_idx(output.owner.inputs)):  # type: ignore[attr-defined]
            if number:
                parts.append(", ")
            bounds = list(entry) if isinstance(entry, tuple) else [entry]
            if len(bounds) == 3 and bounds[2] is None:
                del bounds[2]
            for position, bound in enumerate(bounds):
                if position:
                    parts.append(":")
                if bound is not None:
                    parts.append((bound, inner) if isinstance(bound, Variable) else str(bound))
        return [*parts, "]"]


class _Length:
    """`x.shape[0]`."""

    def parts(self, output: Variable, pstate: PrinterState) -> Any:
        assert output.owner is not None
        return [(output.owner.inputs[0], pstate), f".shape[{output.owner.op.i}]"]  # type: ignore[attr-defined]


def _made_by(*names: str) -> Any:
    """Condition: the variable is the result of an op whose class, or a base of it, has one of these names."""
    wanted = frozenset(names)

    def condition(pstate: Any, variable: Variable) -> bool:
        return variable.owner is not None and any(c.__name__ in wanted for c in type(variable.owner.op).__mro__)

    return condition


def _notation() -> PPrinter:
    printer = PPrinter()
    printer.assign(lambda pstate, variable: True, default_printer)
    printer.assign(lambda pstate, variable: variable.owner is None, leaf_printer)
    printer.assign(_made_by("CAReduce"), _Reduction())
    printer.assign(_made_by("Dot", "Dot22"), OperatorPrinter("\\dot", -1, "left"))
    printer.assign(_made_by("Softmax"), FunctionPrinter("softmax"))
    printer.assign(_made_by("LogSoftmax"), FunctionPrinter("logsoftmax"))
    printer.assign(_made_by("Shape"), PatternPrinter("%(0)s.shape"))
    printer.assign(_made_by("Shape_i"), _Length())
    printer.assign(_made_by("Subtensor"), _Index())
    printer.assign(_made_by("GradientOp", "Print", "Rebroadcast"), IgnorePrinter())
    printer.assign(lambda pstate, v: v.owner is not None and type(v.owner.op) is Elemwise, _Elementwise())
    printer.assign(lambda pstate, v: v.owner is not None and type(v.owner.op) is DimShuffle, _Transposition())
    return printer


pprint = _notation()


def pp(*args: Any) -> str:
    """An expression in mathematical notation.

    >>> from theano import tensor
    >>> x, y = tensor.dscalars("x", "y")
    >>> pp(x ** 2 + tensor.exp(y))
    '((x ** TensorConstant{2}) + exp(y))'
    """
    return pprint(*args)
