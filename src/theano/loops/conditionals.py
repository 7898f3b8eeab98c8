"""Conditionals made simpler, before each branch becomes a graph of its own (`branches.py`).

    ifelse(True, a, b)                  -> a                        taken_where_known
    ifelse(c, a, a)                     -> a                        taken_where_known
    ifelse(c, ifelse(c, a, b), d)       -> ifelse(c, a, d)          met_before
    ifelse(c, f(ifelse(c, a, b)), d)    -> ifelse(c, f(a), d)       decided
    f(ifelse(c, a, b)), a constant      -> ifelse(c, f(a), f(b))    lifted
    ifelse(c, a, b), ifelse(c, d, e)    -> one, of two results      merged
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from theano._provenance import inherit
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.loops.branch_uses import guards
from theano.loops.ifelse import IfElse
from theano.tensor.creation import Alloc


def simplify(fgraph: FunctionGraph) -> None:
    """All of the above."""
    if not any(isinstance(node.op, IfElse) for node in fgraph.apply_nodes):
        return
    for step in (taken_where_known, met_before, lifted):
        _everywhere(fgraph, step)
    decided(fgraph)
    merged(fgraph)


def _everywhere(fgraph: FunctionGraph, step: Callable[[FunctionGraph, Apply], list[Any] | None]) -> None:
    """Apply a step at each node; what takes its place is met, too."""
    pending = list(reversed(fgraph.toposort()))
    while pending:
        node = pending.pop()
        if node not in fgraph.apply_nodes:
            continue
        with inherit(node.origin):
            found = step(fgraph, node)
        pairs = [
            (out, new) for out, new in zip(node.outputs, found or ()) if new is not None and new.type == out.type
        ]
        if pairs:
            users = [user for out, _ in pairs for user, _ in fgraph.clients[out] if isinstance(user, Apply)]
            _replace(fgraph, pairs, step.__name__)
            pending.extend(users)


def _replace(fgraph: FunctionGraph, pairs: Iterable[tuple[Variable, Any]], reason: str) -> None:
    # what takes the place of a result is made of what came before it: there is nothing to look back for
    same = [(out, value) for out, value in pairs if out.type == value.type]
    fgraph.replace_all(same, reason, look_back=False)


def taken_where_known(fgraph: FunctionGraph, node: Apply) -> list[Any] | None:
    """The branch that is taken, where that is certain; values that are the same in both branches."""
    if not isinstance(node.op, IfElse):
        return None
    condition, *branches = node.inputs
    n = node.op.n_outs
    if isinstance(condition, Constant):
        return branches[:n] if np.asarray(condition.data).item() else branches[n:]
    return [a if a is b else None for a, b in zip(branches[:n], branches[n:])]


def met_before(fgraph: FunctionGraph, node: Apply) -> list[Any] | None:
    """Inside a branch it is known what the condition is."""
    if not isinstance(node.op, IfElse):
        return None
    condition, *branches = node.inputs
    found = [_in_branch(value, condition, position < node.op.n_outs) for position, value in enumerate(branches)]
    return None if found == branches else node.op.make_node(condition, *found).outputs


def _in_branch(value: Any, condition: Variable, is_then: bool) -> Any:
    inner = value.owner
    while inner is not None and isinstance(inner.op, IfElse) and inner.inputs[0] is condition:
        value = inner.inputs[(1 if is_then else 1 + inner.op.n_outs) + inner.outputs.index(value)]
        inner = value.owner
    return value


def decided(fgraph: FunctionGraph) -> None:
    """Inside a branch it is known what the condition is: also of conditionals that are further inside."""
    conditions = Counter(node.inputs[0] for node in fgraph.apply_nodes if isinstance(node.op, IfElse))
    if all(count == 1 for count in conditions.values()):
        return
    for node, place in guards(fgraph).items():
        if not isinstance(node.op, IfElse) or node not in fgraph.apply_nodes or conditions[node.inputs[0]] == 1:
            continue
        while place.depth and place.what is not node.inputs[0]:
            place = place.parent
        if place.depth:
            n = node.op.n_outs
            pairs = zip(node.outputs, node.inputs[1 : 1 + n] if place.holds else node.inputs[1 + n :])
            _replace(fgraph, pairs, "decided")


def lifted(fgraph: FunctionGraph, node: Apply) -> list[Any] | None:
    """An op of a conditional, in both branches, where it may be computed beforehand in one of them."""
    if not node.op.is_cheap or len(node.outputs) != 1:
        return None
    for position, value in enumerate(node.inputs):
        inner: Any = value.owner
        if inner is None or not isinstance(inner.op, IfElse) or inner.op.n_outs != 1:
            continue
        rest = [v for k, v in enumerate(node.inputs) if k != position]
        if len(fgraph.clients[value]) > 1 or not all(map(_is_simple, rest)):
            continue
        condition, *branches = inner.inputs
        if any(map(_is_simple, branches)):
            results = [_with_input(node, position, branch) for branch in branches]
            if results[0].type.broadcastable == results[1].type.broadcastable:
                return IfElse(1, name=inner.op.name).make_node(condition, *results).outputs
    return None


def _is_simple(value: Any) -> bool:
    """Is it computed from constants, and from what is the same everywhere?"""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, Constant) or (value.owner is not None and isinstance(value.owner.op, Alloc)):
            continue   # of an Alloc the lengths may be anything
        if value.owner is None or not value.owner.op.is_cheap:
            return False
        pending.extend(value.owner.inputs)
    return True


def _with_input(node: Apply, position: int, value: Any) -> Any:
    inputs = list(node.inputs)
    inputs[position] = value
    return node.clone_with_new_inputs(inputs, strict=False).outputs[0]


def merged(fgraph: FunctionGraph) -> None:
    """Make one node of those with one condition that do not need each other: what they share belongs to the branch.

    Only nodes with equally many conditionals before them are merged: then no cycle can come of it. Results that are
    there twice, or that nobody reads, go.
    """
    levels: dict[Apply, int] = {}
    groups: dict[tuple[Variable, int], list[Apply]] = {}
    for node in fgraph.toposort():
        level = max((levels[v.owner] for v in node.inputs if v.owner is not None), default=0)
        if isinstance(node.op, IfElse):
            groups.setdefault((node.inputs[0], level), []).append(node)
            level += 1
        levels[node] = level
    for (condition, _), group in groups.items():
        _merge(fgraph, condition, group)


def _merge(fgraph: FunctionGraph, condition: Variable, group: Sequence[Apply]) -> None:
    # (value in the first branch, value in the second): the results that they are
    results: dict[tuple[Variable, Variable], list[Variable]] = {}
    count = 0
    for node in group:
        n = node.op.n_outs  # type: ignore[attr-defined]
        count += n
        for k, out in enumerate(node.outputs):
            if fgraph.clients.get(out):
                results.setdefault((node.inputs[1 + k], node.inputs[1 + n + k]), []).append(out)
    if not results or (len(group) == 1 and len(results) == count):
        return
    name = next((node.op.name for node in group if node.op.name), None)  # type: ignore[attr-defined]
    with inherit(group[0].origin):
        new = IfElse(len(results), name=name).make_node(
            condition, *(then for then, _ in results), *(other for _, other in results)
        )
    pairs = [(out, value) for outs, value in zip(results.values(), new.outputs) for out in outs]
    _replace(fgraph, pairs, "merged")
