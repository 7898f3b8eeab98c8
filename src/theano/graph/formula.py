"""Mathematical notation: PPrinter and the printers that it chooses among.

A printer says how one node is written: it has `parts(output, state)`, a list of strings and of (variable, state) pairs
to be written in their place; PPrinter puts them together without recursion. A printer of a user's own may have
`process(output, state)` in its place, which returns the whole text.
The instance `pprint`, with the notation of the library's own ops, is in `theano/printing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from theano.graph.node import Constant, Variable
from theano.graph.op import Op
from theano.graph.traverse import graph_inputs

VALID_ASSOC = frozenset(["left", "right", "either"])
LONGEST = 10_000_000  # a formula repeats what is shared; beyond so many characters the rest is "···"

Part = str | tuple[Variable, "PrinterState"]


class PrinterState:
    """What a printer is told by what is around it: attributes such as `precedence`, and `pprinter`."""

    def __init__(self, props: Any = None, **more: Any) -> None:
        if props is None:
            props = {}
        elif not isinstance(props, Mapping):
            props = vars(props)
        self.__dict__.update(props)
        self.__dict__.update(more)

    def clone(self, props: Any = None, **more: Any) -> PrinterState:
        """This state with changes."""
        changed = PrinterState(self)
        changed.__dict__.update(props or {})
        changed.__dict__.update(more)
        return changed


class _Parts:
    """Base of the printers here: the text follows from `parts`."""

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        """Strings, and (variable, state) pairs that are written in their places."""
        raise NotImplementedError

    def process(self, output: Variable, pstate: PrinterState) -> str:
        """The text of `output`."""
        return pstate.pprinter.assemble(self.parts(output, pstate))  # type: ignore[attr-defined,no-any-return]


def _inputs(output: Variable, who: object) -> list[Variable]:
    if output.owner is None:
        raise TypeError(f"{type(who).__name__} cannot print {output}, which is not the result of an operation")
    return output.owner.inputs


class OperatorPrinter(_Parts):
    """`(a + b)`, or `(-a)` for one input.

    precedence   higher binds closer; what is printed inside knows it as `pstate.precedence`
    assoc        "left", "right", "either" or "none"
    """

    def __init__(self, operator: str, precedence: float, assoc: str = "none") -> None:
        if assoc != "none" and assoc not in VALID_ASSOC:
            raise ValueError(f"assoc must be 'none' or one of {sorted(VALID_ASSOC)}, got {assoc!r}")
        self.operator = operator
        self.precedence = precedence
        self.assoc = assoc

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        inputs = _inputs(output, self)
        inner = pstate.clone(precedence=self.precedence)
        if len(inputs) == 1:
            return ["(", self.operator, (inputs[0], inner), ")"]
        parts: list[Part] = ["("]
        for position, variable in enumerate(inputs):
            if position:
                parts.append(f" {self.operator} ")
            parts.append((variable, inner))
        return [*parts, ")"]


class PatternPrinter(_Parts):
    """`pattern % {"0": first input, "1": second, ...}`, for example "|%(0)s|", with a precedence for each input.

    patterns   a string, or (string, precedence of input 0, of input 1, ...); several for several outputs
    """

    def __init__(self, *patterns: Any) -> None:
        self.patterns: list[tuple[str, tuple[float, ...]]] = []
        for pattern in patterns:
            if isinstance(pattern, str):
                self.patterns.append((pattern, ()))
            else:
                self.patterns.append((pattern[0], tuple(pattern[1:])))

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        inputs = _inputs(output, self)
        assert output.index is not None
        pattern, precedences = self.patterns[output.index if output.index < len(self.patterns) else 0]
        marks = {str(k): f"\0{k}\0" for k in range(len(inputs))}
        parts: list[Part] = []
        for number, piece in enumerate((pattern % marks).split("\0")):
            if number % 2:
                k = int(piece)
                parts.append((inputs[k], pstate.clone(precedence=precedences[k] if k < len(precedences) else -1000)))
            else:
                parts.append(piece)
        return parts


class FunctionPrinter(_Parts):
    """`name(a, b)`; one name for each output; keywords are written behind the inputs."""

    def __init__(self, *names: str, keywords: Mapping[str, Any] | None = None) -> None:
        self.names = names
        self.keywords = dict(keywords or {})

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        inputs = _inputs(output, self)
        assert output.index is not None
        name = self.names[output.index if output.index < len(self.names) else 0]
        return _call(name, inputs, pstate, [f"{k}={v}" for k, v in self.keywords.items()])


def _call(name: str, inputs: Sequence[Variable], pstate: PrinterState, more: Iterable[str] = ()) -> list[Part]:
    inner = pstate.clone(precedence=-1000)
    parts: list[Part] = [f"{name}("]
    for position, variable in enumerate(inputs):
        if position:
            parts.append(", ")
        parts.append((variable, inner))
    for text in more:
        parts.append(f", {text}" if len(parts) > 1 else text)
    return [*parts, ")"]


class IgnorePrinter(_Parts):
    """The first input alone: for ops that do not matter to the mathematics."""

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        return [(_inputs(output, self)[0], pstate)]


class LeafPrinter(_Parts):
    """A variable without an owner: its name, its value if it is a constant, otherwise its type."""

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        return [" ".join(str(output).split())]


class DefaultPrinter(_Parts):
    """`Op{props}(a, b)`, or the leaf itself."""

    def parts(self, output: Variable, pstate: PrinterState) -> list[Part]:
        if output.owner is None:
            return leaf_printer.parts(output, pstate)
        name = str(output.owner.op)
        if len(output.owner.outputs) > 1:
            name = f"{name}.{output.index}"
        return _call(name, output.owner.inputs, pstate)


leaf_printer = LeafPrinter()
default_printer = DefaultPrinter()


class PPrinter:
    """Expressions as mathematical text.

    `assign(condition, printer)` adds a notation, `pprinter(x)` or `process(x)` gives the text of a variable and
    `pprinter([inputs], [outputs])` or `process_graph` that of a graph, a line for each output.
    """

    def __init__(self) -> None:
        self.printers: list[tuple[Callable[[Any, Variable], bool], Any]] = []
        self.printers_dict: dict[Op, Any] = {}

    def assign(self, condition: Any, printer: Any) -> None:
        """Use `printer` for the results of an Op, or where condition(state, variable) holds; the latest wins."""
        if isinstance(condition, Op):
            self.printers_dict[condition] = printer
        elif callable(condition):
            self.printers.insert(0, (condition, printer))
        else:
            raise TypeError(f"assign needs an Op or a function (state, variable) -> bool, got {condition!r}")

    def printer_of(self, variable: Variable, pstate: PrinterState) -> Any:
        """The printer that writes `variable`."""
        if variable.owner is not None:
            known = self.printers_dict.get(variable.owner.op)
            if known is not None:
                return known
        for condition, printer in self.printers:
            if condition(pstate, variable):
                return printer
        return default_printer

    def process(self, r: Variable, pstate: PrinterState | None = None) -> str:
        """The text of a variable."""
        if not isinstance(r, Variable):
            raise TypeError(f"pp prints symbolic variables, got {r!r} of {type(r).__name__}")
        if pstate is None:
            pstate = PrinterState(pprinter=self)
        elif isinstance(pstate, dict):
            pstate = PrinterState(pprinter=self, **pstate)
        return self.assemble([(r, pstate)])

    def assemble(self, parts: Sequence[Part]) -> str:
        """The text of `parts`, with every (variable, state) written out."""
        pieces: list[str] = []
        length = 0
        stack: list[Part] = list(reversed(parts))
        while stack:
            part = stack.pop()
            if isinstance(part, tuple):
                if length > LONGEST:
                    part = "···"
                else:
                    variable, pstate = part
                    printer = self.printer_of(variable, pstate)
                    if hasattr(printer, "parts"):
                        stack.extend(reversed(printer.parts(variable, pstate)))
                        continue
                    part = str(printer.process(variable, pstate))
            pieces.append(part)
            length += len(part)
        return "".join(pieces)

    def process_graph(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        updates: Mapping[Variable, Variable] | None = None,
        display_inputs: bool = False,
    ) -> str:
        """A line for every output; the inputs first with `display_inputs`, and `<-` for updates."""
        wanted: list[Any] = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        lines = []
        if display_inputs:
            shown = ", ".join(self.process(v) for v in inputs)
            lines.append(f"inputs: {shown}")
        lines += [self.process(v) for v in wanted]
        lines += [f"{self.process(old)} <- {self.process(new)}" for old, new in (updates or {}).items()]
        return "\n".join(lines)

    def clone(self) -> PPrinter:
        """A copy, to which `assign` can be said without changing this one."""
        copy = PPrinter()
        copy.printers = list(self.printers)
        copy.printers_dict = dict(self.printers_dict)
        return copy

    def clone_assign(self, condition: Any, printer: Any) -> PPrinter:
        """A copy with one more notation."""
        copy = self.clone()
        copy.assign(condition, printer)
        return copy

    def __call__(self, *args: Any) -> str:
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            return self.process_graph(_leaves(args[0]), args[0])
        if len(args) == 1:
            return self.process(args[0])
        if len(args) == 2 and isinstance(args[1], (PrinterState, dict)):
            return self.process(args[0], args[1])  # type: ignore[arg-type]
        if len(args) in (2, 3) and isinstance(args[1], (list, tuple)):
            return self.process_graph(*args)
        raise TypeError("pp takes one variable, a list of variables, or inputs and outputs (and updates)")


def _leaves(outputs: Sequence[Variable]) -> list[Variable]:
    return [v for v in graph_inputs(outputs) if not isinstance(v, Constant)]
