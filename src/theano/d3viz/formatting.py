"""Graphs for Graphviz, as pydot objects, with the graphs inside ops in frames; and texts for nodes.

`PyDotFormatter(compact)(f)` needs the package pydot (the extra `viz`); `PyDotFormatter.dot` and `d3write` do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from theano.graph.captions import op_caption, type_caption, value_caption
from theano.graph.diagram import OP, Drawable, drawable, with_inner_graphs
from theano.graph.dot import Dot, load_pydot, quoted
from theano.graph.drawing import APPLY_COLORS, NODE_COLORS, SHAPES, Style, draw
from theano.graph.node import Apply, Constant, Variable

_CHARACTERS = {
    "int8": "b", "int16": "w", "int32": "i", "int64": "l", "float16": "e", "float32": "f", "float64": "d",
    "complex64": "c", "complex128": "z",
}  # fmt: skip
_PATTERNS = {
    (): "scalar", (False,): "vector", (False, False): "matrix", (True, False): "row", (False, True): "col",
    (False, False, False): "tensor3", (False, False, False, False): "tensor4",
}  # fmt: skip


class PyDotFormatter:
    """Makes pydot graphs of functions, FunctionGraphs and variables.

    compact        leave out unnamed intermediate variables
    node_colors    {kind of box: colour}: input, output, update, constant, shared, variable
    apply_colors   {class or family of an op: colour}
    shapes         {kind of box: shape in Graphviz}
    """

    def __init__(self, compact: bool = True) -> None:
        self.compact = compact
        self.node_colors: dict[str, str] = dict(NODE_COLORS)
        self.apply_colors: dict[str, str] = dict(APPLY_COLORS)
        self.shapes: dict[str, str] = dict(SHAPES)

    def __call__(self, fct: Any, graph: Any = None) -> Any:
        """The graph of `fct` as a pydot.Dot, or added to the pydot.Dot `graph`.

        Raises ImportError without pydot, TypeError for what has no graph.
        """
        dot = self.dot(fct)
        return dot.to_pydot(load_pydot(), graph)

    def own_box(self) -> Callable[[Variable], bool]:
        """Which computed variables are drawn apart from the op that computes them."""
        return (lambda variable: variable.name is not None) if self.compact else (lambda variable: True)

    def dot(self, fct: Any) -> Dot:
        """The same in Graphviz's language, without pydot. A graph inside ops is drawn once, in a frame, with a dashed
        edge from each op that has it. Nodes of profiled functions say their time."""
        graph = fct if isinstance(fct, Drawable) else drawable(fct, "PyDotFormatter")
        diagrams = with_inner_graphs(graph, self.own_box())
        dot = Dot(compound="true")
        style = _ProfiledStyle(self, graph)
        for number, diagram in enumerate(diagrams):
            prefix = f"g{number}_"
            if number:
                owner = next(b for d in diagrams for b in d.boxes if b.inner == number)
                dot.open_cluster(f"g{number}", label=op_caption(owner.subject, 70), style="dashed")
            draw(dot, diagram, style, prefix)
            if number:
                dot.close_cluster()
        for number, diagram in enumerate(diagrams):
            for place, box in enumerate(diagram.boxes):
                if box.inner is not None and diagrams[box.inner].boxes:
                    frame = f"cluster_g{box.inner}"
                    dot.edge(f"g{number}_{place}", f"g{box.inner}_0", style="dashed", lhead=frame)
        return dot


class _ProfiledStyle(Style):
    """Labels of nodes with their time, where the function was profiled."""

    def __init__(self, formatter: PyDotFormatter, graph: Drawable) -> None:
        super().__init__(
            apply_colors=formatter.apply_colors, node_colors=formatter.node_colors, shapes=formatter.shapes
        )
        self.graph = graph

    def label(self, box: Any, number: int) -> str:
        text = super().label(box, number)
        if box.kind == OP and box.subject in self.graph.seconds:
            total = sum(self.graph.seconds.values())
            text = f"{text}\n{_time(self.graph.seconds[box.subject], total)}"
        return text


def _time(seconds: float, total: float) -> str:
    return f"{seconds:.3e} s ({seconds / total if total else 0:.1%})"


# -- texts for nodes --------------------------------------------------------------------------------------------------


def var_label(var: Variable, precision: int = 3) -> str:
    """The name of a variable; of an unnamed constant its value, rounded to `precision` digits; otherwise its type."""
    if var.name is not None:
        return var.name
    if isinstance(var, Constant):
        value = var.data
        rounded = getattr(getattr(value, "dtype", None), "kind", "") in "fc" and getattr(value, "ndim", None) == 0
        return f"{value.item():.{precision}g}" if rounded else value_caption(value)
    return type_to_str(var.type)


def var_tag(var: Variable) -> dict[str, Any] | None:
    """Where a variable was made: {"file", "line", "function", "source"}; None if that is not known."""
    owner = var.owner
    origin = var.origin if owner is None else owner.origin
    frames = origin.frames() if origin is not None else []
    return dict(zip(("file", "line", "function", "source"), frames[0])) if frames else None


def apply_label(node: Apply) -> str:
    """What a node does, in few characters.

    >>> import theano.tensor as tt
    >>> apply_label((tt.dscalar() + 1).owner)
    'add'
    """
    return op_caption(node)


def apply_profile(node: Apply, profile: Any) -> list[float] | None:
    """[seconds in this node, seconds in all nodes] from a ProfileStats; None where nothing is known."""
    if profile is None:
        return None
    times: Mapping[Apply, float] = profile.apply_time
    return [times[node], sum(times.values())] if node in times else None


def broadcastable_to_str(b: Sequence[bool]) -> str:
    """A word for a pattern of axes of length one, or the pattern.

    >>> broadcastable_to_str((True, False)), broadcastable_to_str((True, True))
    ('row', '(True, True)')
    """
    return _PATTERNS.get(tuple(b), str(tuple(b)))


def dtype_to_char(dtype: str) -> str:
    """The letter of a dtype in names such as `dmatrix`; the dtype itself if it has none.

    >>> dtype_to_char("float64"), dtype_to_char("uint8")
    ('d', 'uint8')
    """
    return _CHARACTERS.get(str(dtype), str(dtype))


def type_to_str(t: Any) -> str:
    """A type in few characters: `float64 (?, 3)`."""
    return type_caption(t)


def dict_to_pdnode(d: Mapping[str, Any]) -> Any:
    """A pydot.Node of attributes, one of which is `name`. Raises ImportError without pydot, KeyError without a name."""
    attributes = {key: quoted(value) for key, value in d.items() if value is not None}
    if "name" not in attributes:
        raise KeyError(f"dict_to_pdnode needs an entry 'name', got only {sorted(d)}")
    return load_pydot().Node(attributes.pop("name"), **attributes)


__all__ = [
    "PyDotFormatter", "apply_label", "apply_profile", "broadcastable_to_str", "dict_to_pdnode", "dtype_to_char",
    "type_to_str", "var_label", "var_tag",
]  # fmt: skip
