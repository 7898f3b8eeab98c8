"""Text in the language of Graphviz, and the same as objects of the package pydot, which is optional."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

_OPEN, _CLOSE, _NODE, _EDGE = "open", "close", "node", "edge"


class Dot:
    """A directed graph for Graphviz: statements in order, clusters opened and closed.

    Names and attributes may hold any text; it is quoted here.
    """

    def __init__(self, **attributes: Any) -> None:
        self.attributes = attributes
        self._statements: list[tuple[str, tuple[str, ...], dict[str, Any]]] = []

    def node(self, name: str, **attributes: Any) -> None:
        self._statements.append((_NODE, (name,), attributes))

    def edge(self, source: str, target: str, **attributes: Any) -> None:
        self._statements.append((_EDGE, (source, target), attributes))

    def open_cluster(self, name: str, **attributes: Any) -> None:
        """What follows lies in a frame, until `close_cluster`."""
        self._statements.append((_OPEN, (f"cluster_{name}",), attributes))

    def close_cluster(self) -> None:
        self._statements.append((_CLOSE, (), {}))

    def labels(self) -> set[str]:
        """The different labels of nodes."""
        return {str(attributes.get("label", "")) for what, _, attributes in self._statements if what == _NODE}

    def text(self) -> str:
        return "\n".join(["digraph G {", *self._lines(), "}", ""])

    def _lines(self) -> Iterator[str]:
        yield from (f"{key}={quoted(value)};" for key, value in self.attributes.items())
        for what, names, attributes in self._statements:
            listed = ", ".join(f"{key}={quoted(value)}" for key, value in attributes.items())
            after = f" [{listed}];" if listed else ";"
            if what == _NODE:
                yield f"{quoted(names[0])}{after}"
            elif what == _EDGE:
                yield f"{quoted(names[0])} -> {quoted(names[1])}{after}"
            elif what == _OPEN:
                yield f"subgraph {quoted(names[0])} {{"
                yield from (f"{key}={quoted(value)};" for key, value in attributes.items())
            else:
                yield "}"

    def to_pydot(self, pydot: Any, graph: Any = None) -> Any:
        """The same as a pydot.Dot; `graph` is one to which it is added."""
        if graph is None:
            graph = pydot.Dot("G", graph_type="digraph")
        for key, value in self.attributes.items():
            graph.set(key, quoted(value))
        opened = [graph]
        for what, names, attributes in self._statements:
            ready = {key: quoted(value) for key, value in attributes.items()}
            if what == _NODE:
                opened[-1].add_node(pydot.Node(quoted(names[0]), **ready))
            elif what == _EDGE:
                opened[-1].add_edge(pydot.Edge(quoted(names[0]), quoted(names[1]), **ready))
            elif what == _OPEN:
                opened.append(pydot.Subgraph(quoted(names[0]), **ready))
            else:
                closed = opened.pop()
                opened[-1].add_subgraph(closed)
        return graph


def quoted(value: Any) -> str:
    r"""`value` as a quoted string that Graphviz shows as it is, `\N` and line ends too.

    >>> print(quoted('a "b" \\N'))
    "a \"b\" \\N"
    """
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "\n").replace("\n", "\\n")
    return f'"{text.replace(chr(0), "")}"'


def load_pydot() -> Any:
    """The module pydot, or one of its forks. Raises ImportError where there is none."""
    for name in ("pydot", "pydotplus", "pydot_ng"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(
        "The package pydot is not installed. It comes with the extra `viz`: pip install 'theano[viz]', or "
        "pip install pydot. Pictures (png, pdf, svg) also need the program `dot` of Graphviz."
    )
