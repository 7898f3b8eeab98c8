"""Branches: an `IfElse` whose branches are graphs of their own, which are run only when they are taken.

`gather_branches` is done once, before a graph is rewritten: what a rewrite learns inside a branch (that two lengths are
equal, say) holds there only. A node belongs to a branch if nothing else needs it.
"""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from theano._provenance import inherit
from theano.graph.clone import clone_replace
from theano.graph.fgraph import FunctionGraph
from theano.graph.inner_function import InnerFunction
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.loops.branch_uses import Place, outside, places
from theano.loops.conditionals import simplify
from theano.loops.ifelse import IfElse
from theano.loops.inner_errors import explained
from theano.loops.kept_values import keep_values


class Branches(Op):
    """One of two graphs: inputs are the condition, those of the first graph, those of the second.

    graphs   the two, with as many outputs each, of the types of this op's outputs
    """

    def __init__(self, graphs: Sequence[FunctionGraph], name: str | None = None) -> None:
        self.graphs = tuple(graphs)
        self.name = name
        self._make_functions()

    def _make_functions(self) -> None:
        self.functions = [InnerFunction(g, name=f"{w} of {self}") for g, w in zip(self.graphs, ("then", "else"))]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "functions"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_functions()

    @property
    def fgraph(self) -> FunctionGraph:
        """Both graphs as one, for printing."""
        return FunctionGraph(
            [*self.graphs[0].inputs, *self.graphs[1].inputs], [*self.graphs[0].outputs, *self.graphs[1].outputs]
        )

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __str__(self) -> str:
        return f"if{{{self.name}}}" if self.name else "if"

    def make_node(self, condition: Any, *inputs: Any) -> Apply:
        wanted = [v.type for graph in self.graphs for v in graph.inputs]
        if len(inputs) != len(wanted):
            raise ValueError(f"{self} takes a condition and {len(wanted)} inputs, got {len(inputs)}")
        given = [kind.filter_variable(v) for kind, v in zip(wanted, inputs)]
        probe = IfElse(len(self.graphs[0].outputs)).make_node(
            condition, *self.graphs[0].outputs, *self.graphs[1].outputs
        )
        return Apply(self, [condition, *given], [v.type() for v in probe.outputs])

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        condition, *values = inputs
        is_then = bool(np.asarray(condition).item())
        function = self.functions[0 if is_then else 1]
        first = len(self.graphs[0].inputs)
        values = values[:first] if is_then else values[first:]
        try:
            results = function(*values)
        except Exception as error:
            where = f"In the {'first' if is_then else 'second'} branch of {self}"
            raise explained(function, error, where, values) from None
        for cell, value in zip(output_storage, _own(results, values)):
            cell[0] = value


def _own(results: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """`results` in memory that no input shares."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    shares = _shares_with_few(arrays) if len(results) * len(arrays) <= FEW else _shares_with_many(arrays)
    return [
        copy.deepcopy(value) if not isinstance(value, np.ndarray)
        else np.array(value) if not value.flags.writeable or shares(value) else value
        for value in results
    ]  # fmt: skip


FEW = 32   # pairs of arrays that are compared in less time than it takes to put the arrays into order


def _shares_with_few(arrays: Sequence[Any]) -> Callable[[Any], bool]:
    return lambda value: any(np.may_share_memory(x, value) for x in arrays)


def _shares_with_many(arrays: Sequence[Any]) -> Callable[[Any], bool]:
    """The same as of few, for as many values as arrays: each is looked at once."""
    spans = sorted(map(_span, arrays))
    ends = list(accumulate((end for _, end in spans), max))   # the furthest of an array and of those that start before

    def shares(value: Any) -> bool:
        start, end = _span(value)
        before = bisect_left(spans, (end,))   # how many start before it ends
        return before > 0 and ends[before - 1] > start

    return shares


def _span(array: Any) -> tuple[int, int]:
    """(where its memory starts, where it ends); two arrays share none if these do not overlap."""
    start = end = array.__array_interface__["data"][0]
    if array.size == 0:
        return start, start
    if array.flags.c_contiguous:
        return start, end + array.nbytes
    for length, stride in zip(array.shape, array.strides):
        if stride < 0:
            start += (length - 1) * stride
        else:
            end += (length - 1) * stride
    return start, end + array.itemsize


# ---- from IfElse to Branches ------------------------------------------------------------------------------------


def gather_branches(fgraph: FunctionGraph) -> None:
    """Replace every IfElse, made simpler, by Branches."""
    simplify(fgraph)
    keep_values(fgraph)
    apart = outside(fgraph)
    for node in fgraph.toposort():
        if isinstance(node.op, IfElse) and node in apart:
            new = _with_graphs(node, apart)
            apart.add(new)
            _replace(fgraph, node, new)


def _replace(fgraph: FunctionGraph, node: Apply, new: Apply) -> None:
    # what branches are given is not computed from the conditional: there is nothing to look back for
    fgraph.replace_all(list(zip(node.outputs, new.outputs)), "gather_branches", look_back=False)


def _with_graphs(node: Apply, apart: set[Apply]) -> Apply:
    op: Any = node.op
    condition, *branches = node.inputs
    graphs, outer = [], []
    with inherit(node.origin):
        for results in (branches[: op.n_outs], branches[op.n_outs :]):
            border = _border(results, apart)
            stands = {v: v.type(v.name) for v in border}
            graph = FunctionGraph(list(stands.values()), clone_replace(results, stands, strict=False))
            _gather_inside(graph)
            graphs.append(graph)
            outer.extend(border)
        return Branches(graphs, op.name).make_node(condition, *outer)


def _border(results: Sequence[Variable], apart: set[Apply]) -> list[Variable]:
    """What a branch takes from outside: inputs, shared variables, results of outside nodes."""
    border: dict[Variable, None] = {}
    seen: set[Apply] = set()   # a conditional inside may have many results, and need much
    pending = list(reversed(results))
    while pending:
        v = pending.pop()
        if v.owner is None:
            if not isinstance(v, Constant):
                border[v] = None
        elif v.owner in apart:
            border[v] = None
        elif v.owner not in seen:
            seen.add(v.owner)
            pending.extend(reversed(v.owner.inputs))
    return list(border)


# ---- inside a branch --------------------------------------------------------------------------------------------


def _gather_inside(fgraph: FunctionGraph) -> None:
    """`gather_branches` in a branch: each node is copied once, however many branches are around it.

    What several branches need is around them, and copied into none: copies of copies would be made.
    """
    if not any(isinstance(node.op, IfElse) for node in fgraph.apply_nodes):
        return
    simplify(fgraph)
    keep_values(fgraph)
    found = places(fgraph)
    inside: dict[Place, list[Apply]] = {}
    for node in fgraph.toposort():
        inside.setdefault(found[node], []).append(node)
    made: dict[Apply, tuple[Branches, list[Variable]]] = {}
    conditionals = [node for node in found if isinstance(node.op, IfElse)]
    for node in sorted(conditionals, key=lambda node: -found[node].depth):
        op: Any = node.op
        graphs, outer = [], []
        with inherit(node.origin):
            for holds, results in ((True, node.inputs[1 : 1 + op.n_outs]), (False, node.inputs[1 + op.n_outs :])):
                graph, border = _copied(inside.get(found[node].inside(node, holds), ()), results, made)
                graphs.append(graph)
                outer += border
            made[node] = Branches(graphs, op.name), outer
    for node in conditionals:
        if found[node].depth == 0:
            _replace(fgraph, node, _made_of(node, *made[node]))


def _copied(
    nodes: Sequence[Apply], results: Sequence[Variable], made: dict[Apply, tuple[Branches, list[Variable]]]
) -> tuple[FunctionGraph, list[Variable]]:
    """(the graph that computes `results` by copies of `nodes`, what it is given)

    made   for each conditional, the op that takes its place, and what its branches are given
    """
    copies: dict[Variable, Variable] = {}
    border: list[Variable] = []

    def copied(v: Variable) -> Variable:
        copy = copies.get(v)
        if copy is None:
            copy = copies[v] = v if isinstance(v, Constant) else v.type(v.name)
            if copy is not v:
                border.append(v)
        return copy

    for node in nodes:
        if node in made:
            copy = _made_of(node, *made[node], copied)
        else:
            copy = node.clone_with_new_inputs([copied(v) for v in node.inputs], strict=False)
        copies.update(zip(node.outputs, copy.outputs))
    outputs = [copied(v) for v in results]
    return FunctionGraph([copies[v] for v in border], outputs, clone=False), border


def _made_of(
    node: Apply, op: Branches, outer: Sequence[Variable], copied: Callable[[Variable], Variable] = lambda v: v
) -> Apply:
    with inherit(node.origin):
        new = op.make_node(copied(node.inputs[0]), *map(copied, outer))
    for old, out in zip(node.outputs, new.outputs):
        out.name = old.name
    return new


IfElse.prepare = staticmethod(gather_branches)
