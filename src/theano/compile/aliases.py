"""Which variables of a graph may share memory, as the ops' view and destroy maps tell.

The planner in `lowering/` does its own, exact bookkeeping; these functions answer the question for people who inspect
graphs, and `insert_deepcopy` makes the copies of results visible in a graph.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from theano.compile.io import SymbolicInput, SymbolicOutput
from theano.compile.ops import deep_copy_op, view_op
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Constant, Variable


def alias_root(v: Variable) -> Variable:
    """The variable whose memory `v` is, through all views and overwritings."""
    while v.owner is not None:
        sources = {**v.owner.op.view_map, **v.owner.op.destroy_map}.get(v.index or 0, [])
        if not sources:
            return v
        v = v.owner.inputs[sources[0]]
    return v


def view_tree_set(fgraph: FunctionGraph, v: Variable, treeset: set[Variable]) -> None:
    """Add to `treeset` all variables that are views of `v`, or overwrite it."""
    pending = [v]
    while pending:
        variable = pending.pop()
        if variable in treeset and variable is not v:
            continue
        treeset.add(variable)
        for node, position in fgraph.get_clients(variable):
            if isinstance(node, str):
                continue
            for maps in (node.op.view_map, node.op.destroy_map):
                pending += [node.outputs[o] for o, sources in maps.items() if position in sources]


def infer_reuse_pattern(fgraph: FunctionGraph, outputs_to_disown: Collection[Variable]) -> set[Variable]:
    """Variables whose memory may be that of one of the outputs: they must not be used again by a later call."""
    reused: set[Variable] = set()
    for output in outputs_to_disown:
        view_tree_set(fgraph, alias_root(output), reused)
    return {v for v in reused if v.owner is not None}


def insert_deepcopy(
    fgraph: FunctionGraph, wrapped_inputs: Sequence[SymbolicInput], wrapped_outputs: Sequence[SymbolicOutput]
) -> None:
    """Put a copy before each output that may share memory with an input, a constant or an earlier output; a view where
    the output and what it aliases are borrowed."""
    assert len(wrapped_inputs) == len(fgraph.inputs)
    inputs = set(fgraph.inputs)
    lent = {v for v, spec in zip(fgraph.inputs, wrapped_inputs) if getattr(spec, "borrow", False) or spec.mutable}
    roots: dict[Variable, int] = {}
    for position, (output, spec) in enumerate(zip(list(fgraph.outputs), wrapped_outputs)):
        root = alias_root(output)
        earlier = roots.setdefault(root, position)
        if root not in inputs and not isinstance(root, Constant) and earlier == position:
            continue
        borrowed = spec.borrow and (root in lent or (earlier != position and wrapped_outputs[earlier].borrow))
        copy = (view_op if borrowed else deep_copy_op)(output)
        fgraph.change_input("output", position, copy, reason="insert_deepcopy")
