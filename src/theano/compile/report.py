"""Run-time errors as users see them: the message, the node, what it met, the user's own line and one remedy.

`annotated` makes the exception, `trimmed` cuts this package's frames out of a traceback. The same report serves both
backends, because a failure in native code is run again node by node (`linking.py`).
"""

from __future__ import annotations

import os
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.errors import UnwantedValueError
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_SHOWN = 6  # inputs of a node that are described one by one

# what helps, by kind of error
REMEDIES: list[tuple[type[Exception], str]] = [
    (
        UnwantedValueError,
        "Look at the inputs of this node. To allow the value here, set v.tag.nan_guard_mode_check = False.",
    ),
    (IndexError, "Compare the index with the length of that axis; negative indices count from the end."),
    (MemoryError, "Compute in smaller pieces, or check the shape that the expression asks for."),
    (
        AssertionError,
        "The expression declares a shape or a condition that the data does not meet: change one of them.",
    ),
    (ZeroDivisionError, "Guard the divisor, for instance with switch(eq(d, 0), ...)."),
]
SHAPE_REMEDY = (
    "Only axes known to have length 1 broadcast: declare one as row, col or shape=(..., 1), or call "
    "addbroadcast(x, axis)."
)


def annotated(
    error: Exception, node: Apply, inputs: Sequence[Any] | None, fgraph: FunctionGraph, shapes: Any = None
) -> Exception:
    """`error` with a report on the node that raised it; the class stays.

    inputs   the values that the node met, or None where only their `shapes` are known
    """
    if getattr(error, "_theano_reported", False):
        return error
    text = str(error) if not isinstance(error, KeyError) else repr(error.args[0]) if error.args else ""
    message = _message(text, error, node, inputs, fgraph, shapes)
    made = _same_class(error, message)
    made._theano_reported = True  # type: ignore[attr-defined]
    made.__traceback__ = error.__traceback__
    made.__suppress_context__ = True
    return made


def _same_class(error: Exception, message: str) -> Exception:
    kind = type(error)
    # NumPy's own classes take other arguments than a message, but for this one
    if kind.__module__.startswith("numpy") and kind is not np.linalg.LinAlgError:
        kind = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    if kind.__module__ == "builtins" and kind is not KeyError:  # which shows its argument's repr: all on one line
        try:
            made = kind(message)
        except TypeError:
            pass
        else:
            return made
    elif len(error.args) == 1 and str(error) == str(error.args[0]):
        error.args = (message,)
        return error
    error.add_note(message.partition("\n")[2])
    return error


def _message(
    text: str, error: Exception, node: Apply, inputs: Sequence[Any] | None, fgraph: FunctionGraph, shapes: Any
) -> str:
    lines = _clip(text, 6)
    lines.append(f"Apply node that caused the error: {_short(_node_text(node), 200)}")
    lines.append(f"Toposort index: {_position(fgraph, node)}")
    lines.append(f"Inputs types: {_listed([v.type for v in node.inputs])}")
    if inputs is not None:
        lines.append(f"Inputs shapes: {_listed([getattr(v, 'shape', 'No shapes') for v in inputs])}")
        lines.append(f"Inputs strides: {_listed([getattr(v, 'strides', 'No strides') for v in inputs])}")
        lines.append(f"Inputs values: {_listed([_value(v) for v in inputs])}")
    elif shapes is not None:
        lines.append(f"Inputs shapes: {_listed(shapes)}")
    lines.append(f"Outputs clients: {_listed([_clients(fgraph, v) for v in node.outputs])}")
    if node.origin is not None and node.origin.frames():
        lines.append("Backtrace when the node is created:")
        for file, number, function, source in reversed(node.origin.frames()[:3]):
            lines.append(f'  File "{file}", line {number}, in {function}')
            if source:
                lines.append(f"    {_short(source, 160)}")
    lines.append(f"HINT: {_remedy(error, node)}")
    if config.exception_verbosity == "high":
        lines += _details(node, inputs, fgraph)
    else:
        lines.append("HINT: exception_verbosity=high shows the graph that leads here and all values.")
    return "\n".join(lines)


def _remedy(error: Exception, node: Apply) -> str:
    for kind, remedy in REMEDIES:
        if isinstance(error, kind):
            return remedy
    name = type(node.op).__name__
    if isinstance(error, ValueError) and name in ("Elemwise", "Alloc", "IncSubtensor", "AdvancedIncSubtensor"):
        return SHAPE_REMEDY
    if isinstance(error, ValueError) and name in ("Dot", "Gemm", "Gemv", "Ger", "BatchedDot"):
        return "The last axis of the first factor must be as long as the first axis of the second; transpose with .T."
    if isinstance(error, ValueError) and name == "Join":
        return "All axes but the one that is joined must agree."
    if isinstance(error, ValueError) and name == "Reshape":
        return "The new shape must hold as many elements as the old one; at most one length may be -1."
    if isinstance(error, ValueError) and name in ("Max", "Min", "Argmax", "MaxAndArgmax", "CAReduce"):
        return "An empty axis has no maximum: test its length with switch, or join a neutral element."
    return "The line named above built this node: check the shapes and values that reach it."


def _details(node: Apply, inputs: Sequence[Any] | None, fgraph: FunctionGraph) -> list[str]:
    lines = ["", "The node and what it is computed from:"]
    pending: list[tuple[Apply, int]] = [(node, 0)]
    seen = set()
    while pending and len(lines) < 60:
        current, depth = pending.pop()
        lines.append(f"{'  ' * (depth + 1)}{_short(_node_text(current), 120)} [{current.origin}]")
        if current in seen:
            continue
        seen.add(current)
        pending += [(v.owner, depth + 1) for v in reversed(current.inputs) if v.owner is not None]
    if inputs is not None:
        lines.append("Values of the inputs:")
        for variable, value in zip(node.inputs, inputs):
            lines += [f"  {variable} = {_short(' '.join(repr(value).split()), 300)}"]
    return lines


def _node_text(node: Apply) -> str:
    return f"{node.op}({', '.join(str(v) for v in node.inputs[:_SHOWN])}{', ...' if len(node.inputs) > _SHOWN else ''})"


def _position(fgraph: FunctionGraph, node: Apply) -> int | str:
    for position, other in enumerate(fgraph.toposort()):
        if other is node:
            return position
    return "not in the graph"


def _clients(fgraph: FunctionGraph, variable: Any) -> list[str]:
    names = []
    for client, _ in fgraph.get_clients(variable)[:_SHOWN]:
        names.append("output" if isinstance(client, str) else _short(str(client.op), 40))
    return names


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _short(" ".join(repr(value).split()), 80) if value.size <= 5 else "not shown"
    return _short(repr(value), 60)


def _listed(items: Sequence[Any]) -> str:
    shown = [str(item) for item in items[:_SHOWN]]
    if len(items) > _SHOWN:
        shown.append(f"... {len(items)} in all")
    return _short("[" + ", ".join(shown) + "]", 400)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _clip(text: str, count: int) -> list[str]:
    lines = text.splitlines() or [""]
    return lines if len(lines) <= count else [*lines[: count - 1], "..."]


def trimmed(error: BaseException) -> BaseException:
    """`error` without the frames of this package in its traceback, and without what it came from.

    Frames of a user's own Op stay. Raise the result with `from None`."""
    kept = []
    frame = error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if not file.startswith((_PACKAGE, _NUMPY)):
            kept.append(frame)
        frame = frame.tb_next
    chain = None
    for frame in reversed(kept):
        chain = types.TracebackType(chain, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(chain)
