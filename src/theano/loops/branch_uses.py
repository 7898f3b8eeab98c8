"""What is needed in which branch of which conditional: what has to be known before branches become graphs of their own
(`branches.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply
from theano.loops.ifelse import IfElse

Use = tuple[Any, bool]   # a node of IfElse, and whether it is its first branch
ALWAYS = frozenset({None})


def outside(fgraph: FunctionGraph) -> set[Apply]:
    """The nodes that belong to no branch: their values are needed whatever the conditions are.

    A node that opposite branches of two conditionals with one condition need belongs to both: one of them is run.
    (A gradient needs the shape of a value where the branch with the value itself is not taken.)
    """
    uses: dict[Apply, frozenset[Any]] = {}
    order = {node: number for number, node in enumerate(fgraph.toposort())}
    for node in reversed(order):
        found: set[Any] = set()
        for variable in node.outputs:
            for user, position in fgraph.clients[variable]:
                found.update(ALWAYS if user is OUTPUT else _use(user, position, uses))
        while not _can_be_in(found):
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


def _can_be_in(uses: set[Any]) -> bool:
    if None in uses or not uses:
        return False
    if len(uses) == 1:
        return True
    # one node that needs it in both branches needs it always
    nodes, sides = {node for node, _ in uses}, {side for _, side in uses}
    return len(uses) == len(nodes) == len(sides) == 2 and len({node.inputs[0] for node in nodes}) == 1


class Place:
    """Where a node is that only one branch needs, or what holds where it is needed. The places make a tree.

    what, holds   a condition, or one conditional, and whether it holds here; of the root None
    parent        the place around this one; of the root, itself
    depth         how many places are around this one
    """

    __slots__ = ("_inside", "depth", "far", "holds", "parent", "what")

    def __init__(self, what: Any = None, holds: bool = True, parent: Place | None = None) -> None:
        self.what, self.holds = what, holds
        self._inside: dict[tuple[Any, bool], Place] = {}
        if parent is None:
            self.parent, self.depth, self.far = self, 0, self
            return
        self.parent, self.depth = parent, parent.depth + 1
        # further out than the parent, so that n places are gone up in log n steps (Myers, 1983: a random-access stack)
        far = parent.far
        self.far = far.far if parent.depth - far.depth == far.depth - far.far.depth else parent

    def inside(self, what: Any, holds: bool) -> Place:
        """The branch in this place: one object, however often it is asked for."""
        key = what, holds
        place = self._inside.get(key)
        if place is None:
            place = self._inside[key] = Place(what, holds, self)
        return place


def around(a: Place, b: Place) -> Place:
    """The innermost place that holds both, in as many steps as the logarithm of their depths."""
    while a.depth != b.depth:
        if a.depth < b.depth:
            a, b = b, a
        a = a.far if a.far.depth >= b.depth else a.parent
    while a is not b:
        a, b = (a.far, b.far) if a.far is not b.far else (a.parent, b.parent)
    return a


def places(fgraph: FunctionGraph) -> dict[Apply, Place]:
    """The innermost branch that holds all uses of a node: a branch of one conditional."""
    return _places(fgraph, lambda node: node)


def guards(fgraph: FunctionGraph) -> dict[Apply, Place]:
    """What must hold for each node to be needed, in whichever conditionals."""
    return _places(fgraph, lambda node: node.inputs[0])


def _places(fgraph: FunctionGraph, what: Callable[[Apply], Any]) -> dict[Apply, Place]:
    root = Place()
    found: dict[Apply, Place] = {}
    for node in reversed(fgraph.toposort()):
        place: Place | None = None
        for variable in node.outputs:
            for user, position in fgraph.clients[variable]:
                if user is OUTPUT:
                    use = root
                elif isinstance(user.op, IfElse) and position > 0:
                    use = found[user].inside(what(user), user.op.is_read_if(position))
                else:
                    use = found[user]
                place = use if place is None else around(place, use)
        found[node] = place or root
    return found
