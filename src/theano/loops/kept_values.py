"""Values that one branch computes and another, taken at the same time, needs again.

    a = ifelse(c, g(f(x)), y)                  a, kept = ifelse(c, [g(f(x)), f(x)], [y, nothing])
    b = ifelse(c, h(f(x), a), z)         ->    b = ifelse(c, h(kept, a), z)

A derivative needs what its branch has computed. Where it also needs the result of the conditional, the two cannot
become one conditional (`conditionals.merged`), and without this f(x) would be computed whatever c is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from theano._provenance import inherit
from theano.graph.clone import clone_replace
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.loops.branch_uses import Guard, guards
from theano.loops.ifelse import IfElse
from theano.tensor.convert import constant
from theano.tensor.creation import alloc
from theano.tensor.type import TensorType


def keep_values(fgraph: FunctionGraph) -> None:
    """Do so wherever it can be done, in the innermost conditionals first: what they keep, those around may keep."""
    conditionals = sum(isinstance(node.op, IfElse) for node in fgraph.apply_nodes)
    if conditionals < 2:
        return
    needed = guards(fgraph)
    if any(guard and not _can_be_kept(fgraph, node) for node, guard in needed.items()):
        # it would have to be computed before the branches are: and what it needs, when that may be nothing
        return
    rounds = 0
    while rounds < 2 * conditionals and _keep_some(fgraph):
        rounds += 1


def _keep_some(fgraph: FunctionGraph) -> bool:
    """Do so for one condition. Was there anything to do?"""
    needed = guards(fgraph)
    for (guard, condition), nodes in sorted(_groups(fgraph, needed).items(), key=lambda item: -len(item[0][0])):
        then, other = (_Side(nodes, (*guard, (condition, holds)), needed) for holds in (True, False))
        if any(kept for side in (then, other) for kept in side.kept.values()):
            _keep(fgraph, nodes, then, other)
            return True
    return False


def _can_be_kept(fgraph: FunctionGraph, node: Apply) -> bool:
    return all(isinstance(v.type, TensorType) or not fgraph.clients.get(v) for v in node.outputs)


def _groups(fgraph: FunctionGraph, needed: dict[Apply, Guard]) -> dict[tuple[Guard, Variable], list[Apply]]:
    """Conditionals that have one condition and are needed under the same conditions, in their order."""
    found: dict[tuple[Guard, Variable], list[Apply]] = {}
    for node in fgraph.toposort():
        if isinstance(node.op, IfElse):
            found.setdefault((needed[node], node.inputs[0]), []).append(node)
    return {key: nodes for key, nodes in found.items() if len(nodes) > 1}


class _Side:
    """One branch of several conditionals: which of them computes what others need, too.

    guard   what holds where the branch is taken
    """

    def __init__(self, nodes: Sequence[Apply], guard: Guard, needed: dict[Apply, Guard]) -> None:
        self.holds = guard[-1][1]
        self.kept: dict[Apply, list[Variable]] = {node: [] for node in nodes}    # computed here, needed in others
        self.taken: dict[Apply, list[Variable]] = {node: [] for node in nodes}   # needed here, computed in another
        self.given: dict[Apply, list[Variable]] = {node: [] for node in nodes}   # from outside the branch
        self.stands: dict[Variable, Variable] = {}   # {value: the result of a conditional that it is}
        computed_by: dict[Apply, Apply] = {}
        for node in nodes:
            pending = self.values(node)
            seen: set[Variable] = set()
            while pending:
                v = pending.pop()
                if v in seen or v.owner is None:
                    continue
                seen.add(v)
                if needed[v.owner][: len(guard)] != guard:
                    self.given[node].append(v)
                    continue
                if needed[v.owner] == guard and not all(isinstance(given, Constant) for given in v.owner.inputs):
                    first = computed_by.setdefault(v.owner, node)
                    if first is not node:
                        self.taken[node].append(v)
                        if v not in self.kept[first]:
                            self.kept[first].append(v)
                        continue
                pending.extend(v.owner.inputs)

    def values(self, node: Apply) -> list[Any]:
        n = node.op.n_outs  # type: ignore[attr-defined]
        return list(node.inputs[1 : 1 + n] if self.holds else node.inputs[1 + n :])

    def more(self, node: Apply) -> list[Variable]:
        """What is to be kept of `node` that is none of its results."""
        known = self.positions(node)
        return [v for v in self.kept[node] if v not in known]

    def positions(self, node: Apply) -> dict[Variable, int]:
        pairs = enumerate(zip(self.values(node), node.outputs))
        return {value: k for k, (value, out) in pairs if value.type == out.type}

    def replaced(self, node: Apply, results: Mapping[Variable, Variable]) -> tuple[list[Variable], list[Variable]]:
        """(the values of this branch, what more is kept), with results of conditionals for what others compute"""
        known = {**results, **{v: v for v in self.given[node]}, **{v: self.stands[v] for v in self.taken[node]}}
        more = self.more(node)
        found = list(clone_replace([*self.values(node), *more], known, strict=False))
        return found[: len(found) - len(more)], found[len(found) - len(more) :]


def _keep(fgraph: FunctionGraph, nodes: Sequence[Apply], then: _Side, other: _Side) -> None:
    made: dict[Variable, Variable] = {}   # results of the conditionals: they stay as they are
    for node in nodes:
        if node not in fgraph.apply_nodes:
            return
        if not any(part[node] for side in (then, other) for part in (side.kept, side.taken)):
            continue
        (a, kept_a), (b, kept_b) = then.replaced(node, made), other.replaced(node, made)
        with inherit(node.origin):
            new = IfElse(len(a) + len(kept_a) + len(kept_b), name=node.op.name).make_node(  # type: ignore[attr-defined]
                node.inputs[0], *a, *kept_a, *map(_nothing, kept_b), *b, *map(_nothing, kept_a), *kept_b
            )
        made.update(zip(new.outputs, new.outputs))
        first = len(a)
        for side in (then, other):
            positions, more = side.positions(node), side.more(node)
            side.stands.update((v, new.outputs[positions[v]]) for v in side.kept[node] if v in positions)
            side.stands.update(zip(more, new.outputs[first:]))
            first += len(more)
        fgraph.replace_all(list(zip(node.outputs, new.outputs)), "keep_values")


def _nothing(value: Any) -> Any:
    """A value of the type of `value`, with as few elements as there may be, that nobody reads."""
    zero = constant(0, dtype=value.type.dtype)
    return alloc(zero, *(0 if n is None else n for n in value.type.shape)) if value.type.ndim else zero
