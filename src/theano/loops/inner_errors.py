"""Errors inside inner graphs: where in the user's program the failing node was built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.inner_function import InnerFunction


def explained(function: InnerFunction, error: Exception, where: str, values: Sequence[Any]) -> Exception:
    """`error` of an inner function on `values`, with `where` it happened and the user's line inside the graph."""
    lines = str(error).splitlines() or [""]
    if is_explained(error):  # by an inner graph inside this one
        lines.insert(1, where)
    else:
        failure = function.find_failure(values)
        if failure is not None:
            error, inner, met = failure
            lines = str(error).splitlines() or [""]
            if is_explained(error):
                lines.insert(1, where)
            else:
                shapes = ", ".join(f"{getattr(v, 'dtype', type(v).__name__)}{getattr(v, 'shape', '')}" for v in met[:4])
                line = f" built at {inner.origin}" if inner.origin is not None else ""
                lines[1:1] = [where, f"the node {_short(str(inner.op))} on ({shapes}){line}"]
        else:
            lines.insert(1, where)
    made = _same_class(error, "\n".join(lines))
    made._theano_explained = True  # type: ignore[attr-defined]
    return made


def is_explained(error: Exception) -> bool:
    return getattr(error, "_theano_explained", False)


def _same_class(error: Exception, message: str) -> Exception:
    kind = next(base for base in type(error).__mro__ if base.__module__ == "builtins")
    if kind is not type(error) and not type(error).__module__.startswith("numpy"):
        error.args = (message, *error.args[1:])
        return error
    try:
        return kind(message)  # type: ignore[return-value]
    except TypeError:  # an exception that takes more than a message
        error.add_note(message.partition("\n")[2])
        return error


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
