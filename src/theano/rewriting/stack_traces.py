"""What users' rewrites may do about the lines that built a node, which errors name: hand them on, and check that.

The engine gives the nodes that a rewrite makes the origin of what they replace, so that there is seldom need for this.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from theano._config import config
from theano._provenance import inherit
from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Apply
from theano.rewriting.custom import Optimizer, is_tracked

logger = logging.getLogger("theano.rewriting")


def copy_stack_trace(from_var: Any, to_var: Any) -> Any:
    """Let `to_var`, a variable or several, say that it was built where `from_var` was; returns `to_var`."""
    sources = from_var if isinstance(from_var, (list, tuple)) else [from_var]
    origin = next((o for v in sources if (o := _origin(v)) is not None), None)
    for v in to_var if isinstance(to_var, (list, tuple)) else [to_var]:
        (v.owner if v.owner is not None else v).origin = origin
    return to_var


def _origin(v: Any) -> Any:
    return v.owner.origin if v.owner is not None else v.origin


@contextmanager
def inherit_stack_trace(from_var: Any) -> Iterator[None]:
    """Nodes built inside take over where `from_var` was built."""
    with inherit(_origin(from_var)):
        yield


def check_stack_trace(f_or_fgraph: Any, ops_to_check: Any = "last", bug_print: str = "raise") -> bool:
    """Does every node know the line that built it?

    ops_to_check   "last": the nodes of the outputs; "all"; an op, an op class, the text of an op, or a list of these
    bug_print      "raise": AssertionError if one does not; "warn"; "ignore"
    """
    if bug_print not in ("raise", "warn", "ignore"):
        raise ValueError(f"bug_print must be 'raise', 'warn' or 'ignore', got {bug_print!r}")
    fgraph = getattr(getattr(f_or_fgraph, "maker", None), "fgraph", f_or_fgraph)
    nodes = fgraph.toposort()
    if ops_to_check == "last":
        nodes = [v.owner for v in fgraph.outputs if v.owner is not None]
    elif ops_to_check != "all":
        wanted = ops_to_check if isinstance(ops_to_check, (list, tuple)) else [ops_to_check]
        nodes = [n for n in nodes if any(is_tracked(n, op) if not isinstance(op, str) else str(n.op) == op
                                         for op in wanted)]
    missing = [node for node in nodes if node.origin is None]
    text = f"These nodes do not know where they were built: {missing}"
    if missing and bug_print == "raise":
        raise AssertionError(text)
    if missing and bug_print == "warn":
        warnings.warn(text)
    return not missing


class CheckStrackTraceFeature(Feature):
    """Looks at each node that enters whether it knows where it was built; config.check_stack_trace says what to do."""

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        how = config.check_stack_trace
        if how == "off" or node.origin is not None:
            return
        text = f"The node {node} does not know where it was built; it came in by {reason}"
        if how == "raise":
            raise AssertionError(text)
        if how == "warn":
            warnings.warn(text)
        else:
            logger.error(text)


class CheckStackTraceOptimization(Optimizer):
    """Attaches CheckStrackTraceFeature."""

    name = "check_stack_trace"

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        if not any(isinstance(f, CheckStrackTraceFeature) for f in fgraph._features):
            fgraph.attach_feature(CheckStrackTraceFeature())

    def apply(self, fgraph: FunctionGraph) -> None: ...


__all__ = [
    "CheckStackTraceOptimization", "CheckStrackTraceFeature", "check_stack_trace", "copy_stack_trace",
    "inherit_stack_trace",
]
