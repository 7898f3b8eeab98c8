"""Recorder: listens while a graph is rewritten, and keeps what each rule put in the place of what, and the graph after
each pass. `compile/explanation.py` shows it; nothing is recorded unless somebody attaches one.
"""

from __future__ import annotations

from typing import Any

from theano._provenance import Origin
from theano._records import record_class
from theano.graph.captions import cut, op_caption, variable_caption
from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.rewriting.engine import PassReport
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise

LEVELS = 4     # of an expression that are written out
LONGEST = 100  # characters of one


@record_class(frozen=True, slots=True)
class Change:
    """One replacement: by which rule of which pass, what by what, and the line of the user's program of what went."""

    rule: str
    before: str
    after: str
    origin: Origin | None
    in_pass: str = ""

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


class Recorder(Feature):
    """What happens to one graph: attach it before the graph is rewritten.

    changes  [Change], in order
    graphs   {name of a pass: a copy of the graph after it}
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.graphs: dict[str, FunctionGraph] = {}
        self._noticed: dict[tuple[Variable, Variable, str], tuple[str, Change]] = {}

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        key = (r, new_r, str(reason))
        if r.owner is not None and key not in self._noticed:
            change = Change(str(reason), sketch(r), sketch(new_r), r.owner.origin)
            self._noticed[key] = str(r.owner.op), change

    def on_pass(self, fgraph: FunctionGraph, done: PassReport) -> None:
        """Called by `run.py` after each pass."""
        applied = {(name, op) for name, op, _ in done.where}
        for op, change in self._noticed.values():
            # not the nodes that became equal to others, and merged with them, as a consequence
            if (change.rule, op) in applied and change.before != change.after:
                self.changes.append(Change(change.rule, change.before, change.after, change.origin, done.name))
        self._noticed.clear()
        self.graphs[done.name] = fgraph.clone()


def sketch(variable: Any, levels: int = LEVELS) -> str:
    """An expression as a formula, `…` for what is deeper than so many levels."""
    return cut(_written(variable, levels), LONGEST)


def _written(variable: Any, levels: int) -> str:
    node: Apply | None = variable.owner
    if node is None or variable.name is not None:
        if isinstance(variable, Constant) and getattr(variable.data, "size", 0) == 1:
            return f"{variable.data.item()}"
        return variable_caption(variable)
    if levels == 0:
        return "…"
    if isinstance(node.op, DimShuffle) and levels < LEVELS:
        order = [axis for axis in node.op.new_order if axis != "x"]
        inside = _written(node.inputs[0], levels)
        return inside if order == sorted(order) else f"{inside}.T" if order == [1, 0] else f"{inside}.transpose{order}"  # type: ignore[type-var]
    parts = [_written(x, levels - 1) for x in node.inputs]
    symbol = node.op.scalar_op.symbol if isinstance(node.op, Elemwise) else None
    if symbol and len(parts) > 1:
        return "(" + f" {symbol} ".join(parts) + ")"
    if symbol:
        return f"{symbol}{parts[0]}"
    where = f"[{variable.index}]" if len(node.outputs) > 1 else ""
    return f"{op_caption(node)}({', '.join(parts)}){where}"


__all__ = ["Change", "Recorder", "sketch"]
