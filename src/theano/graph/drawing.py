"""Diagrams in Graphviz's language, and `pydotprint`, which makes pictures of them.

The text (`outfile="graph.dot"`) needs no other package; pictures need the package pydot and the program Graphviz, which
are loaded when they are asked for. `theano.d3viz` has a picture that needs neither.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from theano.graph.captions import cut, family
from theano.graph.diagram import (
    CONSTANT,
    INPUT,
    OP,
    OUTPUT,
    SHARED,
    UPDATE,
    VARIABLE,
    Arrow,
    Box,
    Diagram,
    Drawable,
    NotDrawable,
    diagram_of,
    drawable,
    inner_graph,
)
from theano.graph.dot import Dot, load_pydot
from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import toposort

# fill colours by the family of an op, and of the kinds of boxes
APPLY_COLORS = {
    "elementwise": "#d6cfe8", "reduction": "#f7e0b0", "product": "#ffd7ae", "indexing": "#f5c6d6", "shape": "#cccccc",
    "loop or branch": "#ffff99", "random": "#c9e7cb", "matrix": "#f2b8a0", "other": "#ffffff",
}  # fmt: skip
NODE_COLORS = {
    INPUT: "#b7e3c0", OUTPUT: "#aecbfa", UPDATE: "#aecbfa", CONSTANT: "#e8e8e8", SHARED: "#aaf0f0", VARIABLE: "#ffffff",
}  # fmt: skip
SHAPES = {
    OP: "ellipse", INPUT: "box", CONSTANT: "box", SHARED: "box", VARIABLE: "box", OUTPUT: "box", UPDATE: "box",
}  # fmt: skip
VIEW, OVERWRITTEN = "blue", "red"  # of arrows into ops that return (a view of) that input


@dataclass
class Style:
    """How `draw` writes boxes. `apply_colors`: by the name of the op's class or by its family."""

    apply_colors: Mapping[str, str] = field(default_factory=lambda: APPLY_COLORS)
    node_colors: Mapping[str, str] = field(default_factory=lambda: NODE_COLORS)
    shapes: Mapping[str, str] = field(default_factory=lambda: SHAPES)
    filled: bool = True
    longest: int = 70
    name_only: bool = False
    with_ids: bool = False
    borders: Mapping[Apply, str] = field(default_factory=dict)  # colours of borders

    def attributes(self, box: Box, number: int) -> dict[str, Any]:
        """Of a node in Graphviz's language."""
        color = self.op_color(box.subject) if box.kind == OP else self.node_colors[box.kind]
        found = {"label": self.label(box, number), "shape": self.shapes[box.kind]}
        if self.filled:
            found |= {"style": "filled", "fillcolor": color}
        elif color != "#ffffff":
            found["color"] = color
        if box.kind == OP and box.subject in self.borders:
            found |= {"color": self.borders[box.subject], "penwidth": "3"}
        return found

    def op_color(self, node: Apply) -> str:
        names = [c.__name__ for c in type(node.op).__mro__]
        known = [self.apply_colors[n] for n in [*names, family(node), "other"] if n in self.apply_colors]
        return known[0] if known else "#ffffff"

    def label(self, box: Box, number: int) -> str:
        if box.kind == OP:
            text = cut(str(box.subject.op), self.longest)
            return f"{text} id={box.order}" if self.with_ids else text
        text = self.variable(box.subject)
        if box.kind == UPDATE:
            text = f"update of {self.variable(box.target)}" if box.target is not None else text
        elif box.kind == OUTPUT:
            text = f"output {box.order}: {text}"
        return f"{text} id={number}" if self.with_ids else text

    def variable(self, variable: Variable) -> str:
        if isinstance(variable, Constant):
            return cut(f"val={variable.data} {variable.type}", self.longest)
        if variable.name is not None:
            return cut(variable.name if self.name_only else f"name={variable.name} {variable.type}", self.longest)
        return cut(str(variable.type), self.longest)


def draw(dot: Dot, diagram: Diagram, style: Style, prefix: str = "n") -> None:
    """Write a diagram: nodes called prefix0, prefix1, ... and edges with the position of the input and the type."""
    for number, box in enumerate(diagram.boxes):
        dot.node(f"{prefix}{number}", **style.attributes(box, number))
    for arrow in diagram.arrows:
        dot.edge(f"{prefix}{arrow.source}", f"{prefix}{arrow.target}", **_edge(diagram, arrow, style))


def _edge(diagram: Diagram, arrow: Arrow, style: Style) -> dict[str, Any]:
    target = diagram.boxes[arrow.target]
    if target.kind != OP:
        return {}
    node = target.subject
    label = str(arrow.position) if len(node.inputs) > 1 else ""
    if diagram.boxes[arrow.source].kind == OP:  # otherwise the type stands in the box
        label = f"{label} {style.variable(arrow.variable)}".strip()
    found = {"label": label} if label else {}
    use = how_used(node, arrow.position)
    if use:
        found["color"] = VIEW if use == "view" else OVERWRITTEN
    return found


def how_used(node: Apply, position: int) -> str | None:
    """"overwritten" if an op declares that it overwrites this input, "view" if an output may be a view of it."""
    if any(position in positions for positions in node.op.destroy_map.values()):
        return "overwritten"
    return "view" if any(position in positions for positions in node.op.view_map.values()) else None


def pydotprint(
    fct: Any,
    outfile: Any = None,
    compact: bool = True,
    format: str = "png",
    with_ids: bool = False,
    high_contrast: bool = True,
    cond_highlight: Any = None,
    colorCodes: Mapping[str, str] | None = None,
    max_label_size: int = 70,
    scan_graphs: bool = False,
    var_with_name_simple: bool = False,
    print_output_file: bool = True,
    return_image: bool = False,
    assert_nb_all_strings: int = -1,
) -> Any:
    """Draw a graph into a file.

    fct               a compiled function, FunctionGraph, variable, node, or list of variables
    outfile           the path; its extension, or else `format`, says the kind (png, pdf, svg, dot, ...). A dot file is
                      text, which needs neither pydot nor Graphviz. None: theano.pydotprint.png
    compact           leave out unnamed intermediate variables
    with_ids          number the ops in topological order, and all other boxes
    high_contrast     False: colour the borders in place of the boxes
    cond_highlight    True, or an IfElse node: borders tell which ops one branch needs alone (blue: the first, red: the
                      second) and which both need (purple)
    colorCodes        {name of the op's class: colour}
    max_label_size    longer labels are cut
    scan_graphs       draw the graphs inside scans (and other ops with a graph inside) too, each into a file of its own:
                      the main file's name, followed by the op's and by its number among the nodes
    var_with_name_simple   named variables show their name only, not their type
    print_output_file      say where the file is
    return_image      return the bytes of the picture and write no file
    assert_nb_all_strings  if not negative: AssertionError unless so many different labels are drawn

    Arrows into an op that returns a view of that input are blue, into one that overwrites it red.
    Raises NotDrawable (a ValueError and TypeError) if `fct` is no graph, RuntimeError without pydot or Graphviz.
    """
    graph = drawable(fct, "pydotprint")
    style = Style(
        apply_colors={**APPLY_COLORS, **(colorCodes or {})},
        filled=high_contrast,
        longest=max_label_size,
        name_only=var_with_name_simple,
        with_ids=with_ids,
        borders=_branches(graph, cond_highlight),
    )
    path, format = _destination(outfile, format)
    dot = _drawn(graph, compact, style)
    if assert_nb_all_strings >= 0:
        found = len(dot.labels())
        assert found == assert_nb_all_strings, f"{found} different labels are drawn, not {assert_nb_all_strings}"
    image = _image(dot, format)
    if return_image:
        return image
    _write(path, image, print_output_file)
    if scan_graphs:
        _draw_inner_graphs(graph, path, compact, style, format, print_output_file)
    return None


def _drawn(graph: Drawable, compact: bool, style: Style) -> Dot:
    dot = Dot()
    draw(dot, diagram_of(graph, lambda variable: not compact or variable.name is not None), style)
    return dot


def _draw_inner_graphs(graph: Drawable, path: Path, compact: bool, style: Style, format: str, say: bool) -> None:
    pending = [(graph, path)]
    done: set[int] = set()
    while pending:
        outer, base = pending.pop()
        for number, node in enumerate(outer.nodes):
            inner = inner_graph(node.op)
            if inner is None or id(inner) in done:
                continue
            done.add(id(inner))
            name = getattr(node.op, "name", None) or type(node.op).__name__
            safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
            place = base.with_name(f"{base.stem}_{safe}_{number}{base.suffix}")
            found = drawable(inner, "pydotprint")
            _write(place, _image(_drawn(found, compact, style), format), say)
            pending.append((found, place))


def _destination(outfile: Any, format: str) -> tuple[Path, str]:
    path = Path("theano.pydotprint" if outfile is None else os.fspath(outfile))
    if outfile is None or not path.suffix:
        return path.with_name(f"{path.name}.{format}"), format
    return path, path.suffix[1:]


def _image(dot: Dot, format: str) -> bytes:
    if format in ("dot", "raw"):
        return dot.text().encode("utf-8", "backslashreplace")
    try:
        pydot = load_pydot()
    except ImportError as error:
        raise RuntimeError(
            f"pydotprint: {error} A file that ends in .dot needs neither; theano.printing.debugprint prints the same "
            f"graph as text, theano.d3viz.d3viz shows it in a browser."
        ) from None
    try:
        return dot.to_pydot(pydot).create(format=format)
    except (OSError, AssertionError) as error:
        raise RuntimeError(
            f"pydotprint could not run Graphviz: {error}. Install Graphviz so that its program `dot` is found, or use "
            f"format='dot', which needs no program."
        ) from error


def _write(path: Path, image: bytes, say: bool) -> None:
    path.write_bytes(image)
    if say:
        print("The output file is available at", path)


def _branches(graph: Drawable, wanted: Any) -> dict[Apply, str]:
    """{node: colour} of the nodes that the branches of an IfElse need."""
    if wanted is None or wanted is False:
        return {}
    choices = [node for node in graph.nodes if type(node.op).__name__ == "IfElse"]
    node = wanted.owner if isinstance(wanted, Variable) else wanted if isinstance(wanted, Apply) else None
    if node is None:
        if not choices:
            return {}
        node = choices[-1]
    elif node not in choices:
        raise ValueError(f"pydotprint: cond_highlight must be True or an IfElse node of the graph, got {wanted}")
    half = (len(node.inputs) - 1) // 2
    first, second = _needed(node.inputs[1 : 1 + half]), _needed(node.inputs[1 + half :])
    return {n: "purple" if n in first and n in second else "blue" if n in first else "red" for n in first | second}


def _needed(variables: Collection[Variable]) -> set[Apply]:
    return set(toposort(variables))


__all__ = [
    "APPLY_COLORS", "NODE_COLORS", "SHAPES", "NotDrawable", "Style", "draw", "how_used", "pydotprint",
]  # fmt: skip
