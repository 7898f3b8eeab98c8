"""The compiler of graphs inside ops (loops, ...): hands itself to `graph/inner_function.py` when it is loaded."""

from __future__ import annotations

from typing import Any

from theano.compile.io import In, Out
from theano.compile.maker import FunctionMaker
from theano.graph.fgraph import FunctionGraph
from theano.graph.inner_function import InnerFunction, Runner


def compile_inner(fgraph: FunctionGraph, mode: Any = None, name: str = "") -> Runner:
    """A compiled function of the graph. Its arguments must be what the inputs' types say: they are not converted."""
    inputs = [In(variable, borrow=True) for variable in fgraph.inputs]
    outputs = [Out(variable, borrow=True) for variable in fgraph.outputs]
    function = FunctionMaker(inputs, outputs, mode, on_unused_input="ignore", name=name or None).create()
    function.trust_input = True
    return function


InnerFunction.compiler = staticmethod(compile_inner)
