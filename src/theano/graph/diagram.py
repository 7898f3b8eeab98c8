"""A graph as boxes and arrows: what `drawing.py` (pydotprint) and `theano.d3viz` draw.

Only what there is to draw is found out here: which boxes, of what kind, joined by which arrows, and the graphs inside
ops. Texts are in `captions.py`. How it looks and where it lies is the business of those who draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.shared import SharedVariable
from theano.graph.traverse import toposort

OP, INPUT, CONSTANT, SHARED, VARIABLE, OUTPUT, UPDATE = (
    "op", "input", "constant", "shared", "variable", "output", "update",
)  # fmt: skip


class NotDrawable(TypeError, ValueError):
    """What was given is no graph. (By nature a TypeError; the original raises ValueError.)"""


@dataclass(slots=True, eq=False)
class Box:
    """Something drawn.

    kind      OP: an Apply node; INPUT, CONSTANT, SHARED: a leaf; VARIABLE: a computed variable with a box of its own;
              OUTPUT: a result; UPDATE: the new value of a shared variable
    subject   the Apply node, or the Variable
    order     of an op its number in the topological order, of an input or output its position
    target    of an update: the variable that it is for
    inner     of an op with a graph inside: the number of that graph's diagram
    """

    kind: str
    subject: Any
    order: int | None = None
    target: Variable | None = None
    inner: int | None = None


@dataclass(slots=True, eq=False)
class Arrow:
    """`variable` goes from box number `source` to box number `target`, which takes it as its input `position`."""

    source: int
    target: int
    variable: Variable
    position: int


@dataclass(slots=True, eq=False)
class Diagram:
    """Boxes in topological order and the arrows between them; `inputs` and `outputs` are numbers of boxes."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Drawable:
    """A graph to draw.

    updates          {position of an output: position of the input whose new value it is}
    seconds, calls   {node: time in all calls, number of calls} of a profiled function
    """

    inputs: list[Variable]
    outputs: list[Variable]
    nodes: list[Apply]
    updates: dict[int, int] = field(default_factory=dict)
    seconds: dict[Apply, float] = field(default_factory=dict)
    calls: dict[Apply, int] = field(default_factory=dict)
    title: str = "graph"


def drawable(what: Any, who: str) -> Drawable:
    """The graph of a compiled function, FunctionGraph, variable, node, or list of variables.

    Raises NotDrawable, a TypeError, for anything else; `who` asks.
    """
    if hasattr(what, "maker") and hasattr(what.maker, "fgraph"):
        found = _of_function_graph(what.maker.fgraph)
        found.title = str(what.name or "function")
        profile = getattr(what, "profile", None)
        if profile is not None:
            found.seconds, found.calls = dict(profile.apply_time), dict(profile.apply_callcount)
        return found
    if isinstance(what, FunctionGraph):
        return _of_function_graph(what)
    if isinstance(what, Variable):
        return Drawable([], [what], toposort([what]), title=str(what))
    if isinstance(what, Apply):
        return Drawable([], list(what.outputs), toposort(what.outputs), title=str(what.op))
    if isinstance(what, (list, tuple)) and what and all(isinstance(v, Variable) for v in what):
        return Drawable([], list(what), toposort(what), title=", ".join(map(str, what[:5])))
    raise NotDrawable(
        f"{who} draws a compiled function, a FunctionGraph, a variable or a list of variables; got {_shown(what)}. "
        f"To draw an expression pass its variable, to draw what was made of it pass theano.function(inputs, outputs)."
    )


def _shown(what: Any) -> str:
    if isinstance(what, (list, tuple)):
        strangers = [type(v).__name__ for v in what if not isinstance(v, Variable)]
        return f"a {type(what).__name__} with {strangers[0]} in it" if strangers else f"an empty {type(what).__name__}"
    text = repr(what)
    return f"{text if len(text) <= 60 else text[:57] + '...'} of type {type(what).__name__}"


def _of_function_graph(fgraph: FunctionGraph) -> Drawable:
    updates = dict(fgraph.update_mapping or {})
    return Drawable(list(fgraph.inputs), list(fgraph.outputs), fgraph.toposort(), updates, title="FunctionGraph")


def diagram_of(graph: Drawable, own_box: Callable[[Variable], bool]) -> Diagram:
    """The diagram of one graph; `own_box`: which computed variables are boxes of their own.

    Every node, every leaf and every output is one box, every use of a variable one arrow.
    """
    return _Builder(graph, own_box).build()


class _Builder:
    def __init__(self, graph: Drawable, own_box: Callable[[Variable], bool]) -> None:
        self.graph = graph
        self.own_box = own_box
        self.made = Diagram()
        self.numbers: dict[Any, int] = {}  # node or variable -> its box

    def build(self) -> Diagram:
        for position, variable in enumerate(self.graph.inputs):
            kind = SHARED if isinstance(variable, SharedVariable) else INPUT
            self.made.inputs.append(self.add(Box(kind, variable, position)))
        for order, node in enumerate(self.graph.nodes):
            sources = [self.source(v) for v in node.inputs]
            number = self.add(Box(OP, node, order))
            for position, (source, variable) in enumerate(zip(sources, node.inputs)):
                self.made.arrows.append(Arrow(source, number, variable, position))
        for position, variable in enumerate(self.graph.outputs):
            source = self.source(variable)
            box = Box(OUTPUT, variable, position)
            if position in self.graph.updates:
                box.kind, box.target = UPDATE, self.graph.inputs[self.graph.updates[position]]
            self.made.boxes.append(box)
            number = len(self.made.boxes) - 1
            self.made.outputs.append(number)
            self.made.arrows.append(Arrow(source, number, variable, 0))
        return self.made

    def add(self, box: Box) -> int:
        number = self.numbers.get(box.subject)
        if number is None:
            number = self.numbers[box.subject] = len(self.made.boxes)
            self.made.boxes.append(box)
        return number

    def source(self, variable: Variable) -> int:
        """The box from which arrows for `variable` start."""
        if variable in self.numbers:
            return self.numbers[variable]
        owner = self.numbers.get(variable.owner) if variable.owner is not None else None
        if owner is None:
            return self.add(Box(_kind_of_leaf(variable), variable))
        if not self.own_box(variable):
            return owner
        number = self.add(Box(VARIABLE, variable))
        self.made.arrows.append(Arrow(owner, number, variable, 0))
        return number


def _kind_of_leaf(variable: Variable) -> str:
    if isinstance(variable, Constant):
        return CONSTANT
    return SHARED if isinstance(variable, SharedVariable) else INPUT


def with_inner_graphs(graph: Drawable, own_box: Callable[[Variable], bool]) -> list[Diagram]:
    """The diagram of `graph` and those of all graphs inside its ops, at any depth, each once.

    `box.inner` of an op is the place of its diagram in the list.
    """
    made: list[Diagram] = []
    pending = [graph]
    places: dict[int, int] = {}  # of a FunctionGraph, by identity
    while len(made) < len(pending):
        diagram = diagram_of(pending[len(made)], own_box)
        made.append(diagram)
        for box in diagram.boxes:
            inner = inner_graph(box.subject.op) if box.kind == OP else None
            if inner is not None:
                if id(inner) not in places:
                    places[id(inner)] = len(pending)
                    pending.append(_of_function_graph(inner))
                box.inner = places[id(inner)]
    return made


def inner_graph(op: Any) -> FunctionGraph | None:
    """The graph inside an op (OpFromGraph, Scan, ...), if there is one."""
    inner = getattr(op, "fgraph", None)
    return inner if isinstance(inner, FunctionGraph) else None


def inner_ports(node: Apply) -> tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int]]]:
    """How an op's own inputs and outputs go on in its inner graph: ([(outer, inner) inputs], [(outer, inner) outputs]).

    Loops tell it themselves: an initial value goes on in every tap of its state, the number of steps nowhere.
    """
    inner = inner_graph(node.op)
    assert inner is not None
    tell = getattr(node.op, "get_oinp_iinp_iout_oout_mappings", None)
    if tell is not None:
        pairs = tell()
        return (
            [(outer, own) for own, outer in sorted(pairs["outer_inp_from_inner_inp"].items()) if outer >= 0],
            [(outer, own) for own, outer in sorted(pairs["outer_out_from_inner_out"].items()) if outer >= 0],
        )
    if len(inner.inputs) != len(node.inputs) or len(inner.outputs) != len(node.outputs):
        return [], []
    return [(i, i) for i in range(len(node.inputs))], [(i, i) for i in range(len(node.outputs))]
