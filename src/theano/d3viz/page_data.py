"""What the page is told of a graph: lists and dictionaries that become JSON. The page's script reads nothing else.

    title      of the page
    total      seconds in all nodes, of a profiled function, otherwise None
    places     [[file, line, function, source line]] of the user's program
    graphs     the graph, and the graphs inside its ops, each once:
        nodes     {kind, label, note, name, type} of every box, and what suits the kind: see `_Describe`
        edges     [source, output of the source, target, input of the target, "view" | "overwritten" | None]
        slots, layers, routes    see `layout.Layout`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano._provenance import Origin
from theano.d3viz.layout import layout
from theano.graph.captions import cut, family, op_caption, type_caption, value_caption, variable_caption
from theano.graph.diagram import OP, OUTPUT, UPDATE, Box, Diagram, Drawable, inner_ports, with_inner_graphs
from theano.graph.drawing import how_used
from theano.graph.node import Apply, Constant, Variable
from theano.graph.shared import SharedVariable

_LONG = 300  # characters of texts in the details


def page_data(graph: Drawable, own_box: Callable[[Variable], bool]) -> dict[str, Any]:
    """The data of the page for `graph`; `own_box`: which computed variables are boxes of their own."""
    diagrams = with_inner_graphs(graph, own_box)
    describe = _Describe(graph, diagrams)
    graphs = []
    for number, diagram in enumerate(diagrams):
        places = layout(diagram, pinned=number > 0)
        graphs.append({
            "nodes": [describe.box(box) for box in diagram.boxes],
            "edges": _edges(diagram),
            "inputs": diagram.inputs,
            "outputs": diagram.outputs,
            "slots": places.slots,
            "layers": places.layers,
            "routes": places.routes,
        })  # fmt: skip
    return {
        "title": graph.title,
        "total": sum(graph.seconds.values()) if graph.seconds else None,
        "places": describe.places,
        "graphs": graphs,
    }


def _edges(diagram: Diagram) -> list[list[Any]]:
    edges = []
    for arrow in diagram.arrows:
        source, target = diagram.boxes[arrow.source], diagram.boxes[arrow.target]
        output = arrow.variable.index if source.kind == OP else 0
        use = how_used(target.subject, arrow.position) if target.kind == OP else None
        edges.append([arrow.source, output, arrow.target, arrow.position, use])
    return edges


class _Describe:
    """Boxes as dictionaries, and the table of places in the user's program that they refer to."""

    def __init__(self, graph: Drawable, diagrams: list[Diagram]) -> None:
        self.graph = graph
        self.diagrams = diagrams
        self.places: list[tuple[str, int, str, str]] = []
        self._numbers: dict[tuple[str, int, str, str], int] = {}

    def box(self, box: Box) -> dict[str, Any]:
        found = self.op(box) if box.kind == OP else self.variable(box)
        found["kind"] = box.kind
        found["at"] = self.origin(box.subject.origin)
        return found

    def op(self, box: Box) -> dict[str, Any]:
        """label, note (below it), op, class, family, number (in topological order), outputs: [{name, type}];
        seconds, calls (of a profiled function); inner (number of the graph inside), entries and exits: [[outer, inner]]
        positions of inputs and of outputs."""
        node = box.subject
        kind = type(node.op)
        found: dict[str, Any] = {
            "label": op_caption(node),
            "note": _note_of_op(node),
            "op": cut(str(node.op), _LONG),
            "class": f"{kind.__module__}.{kind.__qualname__}",
            "family": family(node),
            "number": box.order,
            "outputs": [{"name": _name(v), "type": type_caption(v.type)} for v in node.outputs],
        }
        if node in self.graph.seconds:
            found["seconds"], found["calls"] = self.graph.seconds[node], self.graph.calls.get(node)
        if box.inner is not None:
            entries, exits = inner_ports(node)
            found |= {"inner": box.inner, "entries": entries, "exits": exits}
        return found

    def variable(self, box: Box) -> dict[str, Any]:
        """label, note, name, type; number: position among the inputs or outputs; value: of constants and shared
        variables; target: name of the shared variable that an update is for."""
        variable = box.subject
        found: dict[str, Any] = {
            "label": variable_caption(variable), "note": type_caption(variable.type), "name": _name(variable),
            "type": type_caption(variable.type), "number": box.order,
        }  # fmt: skip
        if box.kind == UPDATE and box.target is not None:
            found["target"] = variable_caption(box.target)
            found["label"] = cut(f"{found['target']} ←", 28)
            found["updates"] = self.graph.inputs.index(box.target)
        elif box.kind == OUTPUT:
            found["label"] = found["name"] if variable.name is not None else f"output {box.order}"
        elif isinstance(variable, Constant):
            found["value"] = value_caption(variable.data, _LONG)
        elif isinstance(variable, SharedVariable):
            found["value"] = value_caption(variable.container.value, _LONG)
        return found

    def origin(self, origin: Origin | None) -> list[int]:
        """The frames of the user's program, innermost first, as numbers in `places`."""
        numbers = []
        for frame in origin.frames() if origin is not None else []:
            if frame not in self._numbers:
                self._numbers[frame] = len(self.places)
                self.places.append(frame)
            numbers.append(self._numbers[frame])
        return numbers


def _name(variable: Variable) -> str | None:
    return None if variable.name is None else cut(variable.name, _LONG)


def _note_of_op(node: Apply) -> str:
    """What a node gives: the type of its result with the name, or how many results there are."""
    if len(node.outputs) != 1:
        return f"{len(node.outputs)} outputs"
    result = node.outputs[0]
    text = type_caption(result.type)
    return text if result.name is None else f"{cut(result.name, 20)}: {text}"
