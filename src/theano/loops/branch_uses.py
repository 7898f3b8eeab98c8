"""What is needed in which branch of which conditional: what has to be known before branches become graphs of their own
(`branches.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply, Variable
from theano.loops.ifelse import IfElse
from theano.transforms.guards import common

Use = tuple[Any, bool]   # a node of IfElse, and whether it is its first branch
ALWAYS = frozenset({None})

Side = tuple[Variable, bool]     # a condition, and whether it holds
Guard = tuple[Side, ...]         # what must hold, from the outermost conditional to the innermost


def outside(fgraph: FunctionGraph, twice: bool) -> set[Apply]:
    """The nodes that belong to no branch: their values are needed whatever the conditions are.

    twice   a node that opposite branches of two conditionals with one condition need belongs to both: one of them is
            run. (A gradient needs the shape of a value where the branch with the value itself is not taken.)
    """
    uses: dict[Apply, frozenset[Any]] = {}
    order = {node: number for number, node in enumerate(fgraph.toposort())}
    for node in reversed(order):
        found: set[Any] = set()
        for variable in node.outputs:
            for user, position in fgraph.clients[variable]:
                found.update(ALWAYS if user is OUTPUT else _use(user, position, uses))
        while not _can_be_in(found, twice):
            if None in found or not found:
                found = set(ALWAYS)
                break
            # several branches need it: it belongs to what is around them, the innermost first
            first = min(found, key=lambda use: order[use[0]])
            found = {use for use in found if use[0] is not first[0]} | uses[first[0]]
        uses[node] = frozenset(found)
    return {node for node, found in uses.items() if found == ALWAYS}


def _use(user: Apply, position: int, uses: dict[Apply, frozenset[Any]]) -> Iterable[Any]:
    if isinstance(user.op, IfElse) and position > 0:
        return [(user, user.op.is_read_if(position))]
    return uses[user]


def _can_be_in(uses: set[Any], twice: bool) -> bool:
    if None in uses or not uses:
        return False
    if len(uses) == 1:
        return True
    # one node that needs it in both branches needs it always
    nodes, sides = {node for node, _ in uses}, {side for _, side in uses}
    return twice and len(uses) == len(nodes) == len(sides) == 2 and len({node.inputs[0] for node in nodes}) == 1


def guards(fgraph: FunctionGraph) -> dict[Apply, Guard]:
    """What must hold for each node to be needed, in whichever conditionals."""
    found: dict[Apply, Guard] = {}
    for node in reversed(fgraph.toposort()):
        guard: Guard | None = None
        for variable in node.outputs:
            for user, position in fgraph.clients[variable]:
                needed = () if user is OUTPUT else _guard_of_use(user, position, found)
                guard = needed if guard is None else common(guard, needed)
        found[node] = guard or ()
    return found


def _guard_of_use(user: Apply, position: int, found: dict[Apply, Guard]) -> Guard:
    if isinstance(user.op, IfElse) and position > 0:
        return (*found[user], (user.inputs[0], user.op.is_read_if(position)))
    return found[user]
