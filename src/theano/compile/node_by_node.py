"""Running a rewritten graph one node at a time, with somebody watching: what the debugging modes share.

`Watched` is an Executable like that of the reference backend; for every node it calls a `watch` function with the
node's thunk. That function decides when the node runs and may look at the values. Nothing here is fast.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from theano.backends import reference
from theano.compile.linking import Linked, Linker, LocalLinker, Plan
from theano.compile.report import annotated
from theano.graph.evaluate import evaluate, leaf_value
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Variable


class Thunk:
    """One node with its values, ready to run.

    inputs, outputs   a one-element list for each input and output; outputs hold None until the thunk has been called
    """

    def __init__(self, node: Apply, values: list[Any], fgraph: FunctionGraph) -> None:
        self.node = node
        self.inputs = [[value] for value in values]
        self.outputs: list[list[Any]] = [[None] for _ in node.outputs]
        self.fgraph = fgraph

    def __call__(self) -> None:
        for cell, value in zip(self.outputs, run_node(self.node, [cell[0] for cell in self.inputs], self.fgraph)):
            cell[0] = value


Watch = Callable[[int, Apply, Thunk], None]


def run_node(node: Apply, values: list[Any], fgraph: FunctionGraph) -> list[Any]:
    """The outputs of a node through `perform`; an exception is raised with the report on the node."""
    try:
        return evaluate(node.outputs, dict(zip(node.inputs, values)), order=[node])
    except Exception as error:
        raise annotated(error, node, values, fgraph) from None


class Watched(reference.Executable):
    """Runs the nodes in topological order; `watch(position, node, thunk)` must call the thunk."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        super().__init__(plan.fgraph, plan.storages, plan.updates, plan.borrow)
        self.watch = watch

    def compute(self, values: Mapping[Variable, Any]) -> list[Any]:
        known = dict(values)
        remaining: dict[Variable, int] = {}
        for variable in [v for node in self.order for v in node.inputs] + self.fgraph.outputs:
            remaining[variable] = remaining.get(variable, 0) + 1
        for position, node in enumerate(self.order):
            arguments = [known[v] if v in known else leaf_value(v) for v in node.inputs]
            thunk = Thunk(node, arguments, self.fgraph)
            self.watch(position, node, thunk)
            known.update(zip(node.outputs, (cell[0] for cell in thunk.outputs)))
            for variable in node.inputs:
                remaining[variable] -= 1
                if remaining[variable] == 0 and variable not in values:
                    known.pop(variable, None)
        return [known[v] if v in known else leaf_value(v) for v in self.fgraph.outputs]


class WatchingLinker(LocalLinker):
    """Links graphs so that they run node by node under the eyes of `watch`."""

    backend = "reference"

    def __init__(self, watch: Watch, name: str) -> None:
        super().__init__(name=name)
        self.watch = watch

    def clone(self, allow_gc: bool | None = None) -> Linker:
        made = copy.copy(self)
        made.allow_gc = self.allow_gc if allow_gc is None else allow_gc
        return made

    def link(self, plan: Plan) -> Linked:
        return Linked(Watched(plan, self.watch), plan)
