"""pydotprint: a picture of a graph through pydot and Graphviz, which are optional and loaded when it is called."""

from __future__ import annotations

import importlib
import os
from typing import Any

from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import toposort

# fill colours by the name of the op's class, and of the kinds of variables
COLORS = {
    "Elemwise": "#d6cfe8",
    "DimShuffle": "#cccccc",
    "Reshape": "#cccccc",
    "Sum": "#f7e0b0",
    "CAReduce": "#f7e0b0",
    "Dot": "#ffd7ae",
    "Gemm": "#ffd7ae",
    "Gemv": "#ffd7ae",
    "Subtensor": "#f5c6d6",
    "IncSubtensor": "#f5c6d6",
    "Scan": "#ffff99",
    "IfElse": "#c0b2a0",
}
INPUT, OUTPUT, CONSTANT, SHARED = "#b7e3c0", "#aecbfa", "#e8e8e8", "#aaf0f0"


def pydotprint(
    fct: Any,
    outfile: Any = None,
    compact: bool = True,
    format: str = "png",
    with_ids: bool = False,
    high_contrast: bool = True,
    cond_highlight: Any = None,
    colorCodes: dict[str, str] | None = None,
    max_label_size: int = 70,
    scan_graphs: bool = False,
    var_with_name_simple: bool = False,
    print_output_file: bool = True,
    return_image: bool = False,
    assert_nb_all_strings: int = -1,
) -> Any:
    """Draw a graph into a file.

    fct               a compiled function, FunctionGraph, variable, or list of variables
    outfile           the path; its extension, or else `format`, says the kind (png, pdf, svg, dot, ...)
    compact           leave out unnamed intermediate variables
    with_ids          number the nodes in topological order
    colorCodes        {name of the op's class: colour}
    max_label_size    longer labels are cut
    var_with_name_simple   named variables show their name only, not their type
    return_image      return the bytes of the picture and write no file
    Raises RuntimeError if pydot is not installed or Graphviz's `dot` is not found.
    """
    pydot = _pydot()
    outputs = _outputs(fct)
    colors = {**COLORS, **(colorCodes or {})}
    graph = pydot.Dot(graph_type="digraph")
    names: dict[Any, str] = {}
    labels = _Labels(max_label_size, var_with_name_simple)

    def name_of(item: Any) -> str:
        return names.setdefault(item, f"n{len(names)}")

    def add(item: Any, label: str, shape: str, color: str) -> None:
        if item not in names:
            graph.add_node(
                pydot.Node(name_of(item), label=f'"{label}"', shape=shape, style="filled", fillcolor=f'"{color}"')
            )

    def source(variable: Variable) -> str:
        """The drawn node from which an edge for `variable` starts."""
        owner = variable.owner
        if owner is not None and compact and variable.name is None:
            return name_of(owner)
        if variable not in names:
            color = CONSTANT if isinstance(variable, Constant) else SHARED if hasattr(variable, "container") else INPUT
            add(variable, labels.variable(variable), "box", color if owner is None else "#ffffff")
            if owner is not None:
                graph.add_edge(pydot.Edge(name_of(owner), name_of(variable)))
        return name_of(variable)

    for number, node in enumerate(toposort(outputs)):
        label = labels.cut(str(node.op))
        add(node, f"{label} id={number}" if with_ids else label, "ellipse",
            colors.get(type(node.op).__name__, "#ffffff"))
        for position, variable in enumerate(node.inputs):
            edge_label = str(position) if len(node.inputs) > 1 else ""
            if compact and variable.owner is not None and variable.name is None:
                edge_label = f"{edge_label} {labels.cut(str(variable.type))}".strip()
            graph.add_edge(pydot.Edge(source(variable), name_of(node), label=f'"{edge_label}"'))
    for position, variable in enumerate(outputs):
        key = ("output", position)
        add(key, f"output {position}: {labels.variable(variable)}", "box", OUTPUT)
        graph.add_edge(pydot.Edge(source(variable), name_of(key)))
    if outfile is not None and os.path.splitext(str(outfile))[1]:
        format = os.path.splitext(str(outfile))[1][1:]
    try:
        image = graph.to_string().encode() if format in ("dot", "raw") else graph.create(format=format)
    except (OSError, AssertionError) as error:
        raise RuntimeError(
            f"pydotprint could not run Graphviz: {error}. Install Graphviz so that its program `dot` is found, or use "
            f"format='dot', which needs no program."
        ) from error
    if return_image:
        return image
    path = str(outfile) if outfile is not None else f"theano.pydotprint.{format}"
    if not os.path.splitext(path)[1]:
        path = f"{path}.{format}"
    with open(path, "wb") as file:
        file.write(image)
    if print_output_file:
        print("The output file is available at", path)
    return None


def _pydot() -> Any:
    for name in ("pydot", "pydotplus", "pydot_ng"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise RuntimeError(
        "pydotprint needs the package pydot (pip install pydot) and the program Graphviz. "
        "theano.printing.debugprint prints the same graph as text without them."
    )


def _outputs(fct: Any) -> list[Variable]:
    if hasattr(fct, "maker") and hasattr(fct.maker, "fgraph"):
        fct = fct.maker.fgraph
    if isinstance(fct, Variable):
        return [fct]
    if isinstance(fct, Apply):
        return list(fct.outputs)
    if hasattr(fct, "outputs"):
        return list(fct.outputs)
    if isinstance(fct, (list, tuple)) and all(isinstance(v, Variable) for v in fct):
        return list(fct)
    raise ValueError(f"pydotprint draws functions, FunctionGraphs and variables, got {fct!r} of {type(fct).__name__}")


class _Labels:
    def __init__(self, longest: int, name_only: bool) -> None:
        self.longest = longest
        self.name_only = name_only

    def cut(self, text: str) -> str:
        text = " ".join(text.split()).replace('"', "'")
        return text if len(text) <= self.longest else text[: self.longest - 3] + "..."

    def variable(self, variable: Variable) -> str:
        if isinstance(variable, Constant):
            return self.cut(f"val={variable.data} {variable.type}")
        if variable.name is not None:
            return self.cut(variable.name if self.name_only else f"name={variable.name} {variable.type}")
        return self.cut(str(variable.type))
