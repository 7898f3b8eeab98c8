"""The compiler of graphs inside ops (loops, ...): hands itself to `graph/inner_function.py` when it is loaded."""

from __future__ import annotations

from typing import Any

from theano.compile.io import In, Out
from theano.compile.linking import NativeLinker
from theano.compile.maker import FunctionMaker
from theano.compile.modes import Mode, get_mode
from theano.graph.fgraph import FunctionGraph
from theano.graph.inner_function import InnerFunction, Runner


def compile_inner(fgraph: FunctionGraph, mode: Any = None, name: str = "") -> Runner:
    """A compiled function of the graph. Its arguments must be what the inputs' types say: they are not converted."""
    function = _maker(fgraph, mode, name or None).create()
    function.trust_input = True
    return function


def rewrite_inner(fgraph: FunctionGraph, mode: Any = None) -> FunctionGraph | None:
    """A rewritten copy of the graph of a loop's step; None where the mode watches nodes, or makes no native code."""
    chosen = get_mode(mode)
    if type(chosen) is not Mode or type(chosen.linker) is not NativeLinker:
        return None
    return _maker(fgraph, mode, kind=_StepMaker).fgraph


class _StepMaker(FunctionMaker):
    """Rewrites the graph of a step, and lets the rules know."""

    def rewrite(self, fgraph: FunctionGraph) -> None:
        fgraph.is_step = True
        super().rewrite(fgraph)


def _maker(
    fgraph: FunctionGraph, mode: Any, name: str | None = None, kind: type[FunctionMaker] = FunctionMaker
) -> FunctionMaker:
    inputs = [In(variable, borrow=True) for variable in fgraph.inputs]
    outputs = [Out(variable, borrow=True) for variable in fgraph.outputs]
    return kind(inputs, outputs, mode, on_unused_input="ignore", name=name)


InnerFunction.compiler = staticmethod(compile_inner)
InnerFunction.rewriter = staticmethod(rewrite_inner)
