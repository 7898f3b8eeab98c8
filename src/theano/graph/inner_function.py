"""InnerFunction: the graph inside an op, ready to be run many times.

It is compiled on first use, by the compiler that `compile/` hands down here; without one, or while the node that owns
it is itself being evaluated through `perform` (the reference backend), it is evaluated node by node. It knows nothing
of loops: see `loops/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from theano.graph.evaluate import evaluate, is_evaluating
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply

Runner = Callable[..., list[Any]]


class InnerFunction:
    """`fgraph` as a callable: values of its inputs in, a list of values of its outputs out.

    mode   how it is compiled: a mode of `theano.function`, or None: the configured one
    Results may share memory with arguments.
    """

    # (graph, mode, name) -> callable; `compile/inner.py` sets it
    compiler: ClassVar[Callable[[FunctionGraph, Any, str], Runner] | None] = None
    # (graph, mode) -> a rewritten copy, or None where the mode is not one of native code; set there, too
    rewriter: ClassVar[Callable[[FunctionGraph, Any], FunctionGraph | None] | None] = None

    def __init__(self, fgraph: FunctionGraph, mode: Any = None, name: str = "") -> None:
        self.fgraph = fgraph
        self.mode = mode
        self.name = name
        self._compiled: Runner | None = None
        self._order: list[Apply] | None = None

    def runner(self) -> Runner:
        """The callable that suits the present circumstances."""
        if is_evaluating() or InnerFunction.compiler is None:
            return self.evaluate
        if self._compiled is None:
            self._compiled = InnerFunction.compiler(self.fgraph, self.mode, self.name)
        return self._compiled

    def rewritten(self) -> FunctionGraph | None:
        """The graph as its mode rewrites it, to become part of a native program; None if it must stay apart."""
        return None if InnerFunction.rewriter is None else InnerFunction.rewriter(self.fgraph, self.mode)

    def __call__(self, *values: Any) -> list[Any]:
        return self.runner()(*values)

    def evaluate(self, *values: Any) -> list[Any]:
        """The outputs, node by node through `Op.perform`."""
        if self._order is None:
            self._order = self.fgraph.toposort()
        return evaluate(self.fgraph.outputs, dict(zip(self.fgraph.inputs, values, strict=True)), order=self._order)

    def find_failure(self, values: Sequence[Any]) -> tuple[Exception, Apply, list[Any]] | None:
        """(exception, node, its inputs) of the node that fails on these values; None if none does."""
        found: list[tuple[Exception, Apply, list[Any]]] = []

        def note(node: Apply, inputs: list[Any], error: Exception) -> None:
            found.append((error, node, inputs))

        try:
            evaluate(self.fgraph.outputs, dict(zip(self.fgraph.inputs, values)), on_error=note)
        except Exception:
            return found[0] if found else None
        return None
