"""DestroyHandler: can the ops of a graph that overwrite their inputs be run in some order, without copies?

The library does not need to know: its memory planner copies what is overwritten and still needed (`lowering/`). This is
for tools that look at graphs, and for programs that ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from theano.errors import InconsistencyError
from theano.graph.fgraph import OUTPUT, Feature, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import toposort


class DestroyHandler(Feature):
    """Says which order the ops with a `destroy_map` need, and whether there is one.

    orderings(fgraph)   {node that overwrites a value: the other nodes that use the value, or a view of it}
    validate(fgraph)    InconsistencyError if a value is overwritten that is an output of the graph, a constant, is
                        overwritten twice, or is read by the same node elsewhere; and if no order is possible
    With it attached `fgraph.toposort()` keeps to that order. The arguments are the original's, and mean nothing.
    """

    def __init__(self, do_imports_on_attach: bool = True, algo: str | None = None) -> None:
        self.algo = algo

    def destroyers(self, fgraph: FunctionGraph) -> dict[Variable, list[tuple[Apply, int]]]:
        """{whose memory: [(node that overwrites it, number of its input)]}"""
        roots = MemoryRoots(fgraph)
        found: dict[Variable, list[tuple[Apply, int]]] = {}
        for node in roots.order:
            for sources in node.op.destroy_map.values():
                for i in sources:
                    found.setdefault(roots.of(node.inputs[i]), []).append((node, i))
        return found

    def orderings(self, fgraph: FunctionGraph) -> dict[Apply, list[Apply]]:
        roots = MemoryRoots(fgraph)
        found: dict[Apply, list[Apply]] = {}
        for root, destroyers in self.destroyers(fgraph).items():
            for node, _ in destroyers:
                others = [
                    user for v in roots.family(root) for user, _ in fgraph.get_clients(v)
                    if user is not OUTPUT and user is not node
                ]  # fmt: skip
                if others:
                    found.setdefault(node, []).extend(dict.fromkeys(others))
        return found

    def validate(self, fgraph: FunctionGraph) -> None:
        """InconsistencyError if an op overwrites what another still needs, or what must not change."""
        roots = MemoryRoots(fgraph)
        for root, destroyers in self.destroyers(fgraph).items():
            node, position = destroyers[0]
            family = roots.family(root)
            if isinstance(root, Constant) or getattr(root._tag, "indestructible", False):
                raise InconsistencyError(f"{node.op} would overwrite {root}, which must stay as it is")
            if len(destroyers) > 1:
                raise InconsistencyError(f"{root} would be overwritten twice: by {node.op} and {destroyers[1][0].op}")
            for v in family:
                for user, i in fgraph.get_clients(v):
                    if user is OUTPUT:
                        raise InconsistencyError(f"{node.op} would overwrite {v}, which is output {i} of the graph")
                    if user is node and i != position:
                        raise InconsistencyError(
                            f"{node.op} would overwrite its input {position}, whose memory it also reads as input {i}"
                        )
        try:
            ordered(fgraph, self.orderings(fgraph))
        except ValueError:
            raise InconsistencyError(
                "No order of the nodes is possible: values are overwritten before others that need them can run"
            ) from None


class MemoryRoots:
    """Whose memory each variable of a graph lies in, by the view maps of the ops."""

    def __init__(self, fgraph: FunctionGraph) -> None:
        self.order = toposort(fgraph.outputs, set(fgraph.inputs))
        self._root: dict[Variable, Variable] = {}
        self._family: dict[Variable, list[Variable]] = {}
        for node in self.order:
            for number, out in enumerate(node.outputs):
                sources = node.op.view_map.get(number, [])
                if sources:
                    root = self._root[out] = self.of(node.inputs[sources[0]])
                    self._family.setdefault(root, [root]).append(out)

    def of(self, v: Variable) -> Variable:
        return self._root.get(v, v)

    def family(self, root: Variable) -> list[Variable]:
        """All that lie in the memory of `root`, itself first."""
        return self._family.get(root, [root])


def ordered(fgraph: FunctionGraph, before: dict[Apply, list[Apply]]) -> list[Apply]:
    """The nodes, each after its inputs' and those in `before`. ValueError if that is a circle."""
    waiting: dict[Apply, int] = {}
    followers: dict[Apply, list[Apply]] = {}
    nodes = toposort(fgraph.outputs, set(fgraph.inputs))
    for node in nodes:
        inside = {v.owner for v in node.inputs if v.owner is not None and v.owner in fgraph.apply_nodes}
        needed = inside | set(before.get(node, ()))
        waiting[node] = len(needed)
        for other in needed:
            followers.setdefault(other, []).append(node)
    ready = [node for node in nodes if not waiting[node]]
    done: list[Apply] = []
    while ready:
        node = ready.pop()
        done.append(node)
        for follower in followers.get(node, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    if len(done) != len(nodes):
        raise ValueError("the nodes wait for each other in a circle")
    return done


def fast_inplace_check(inputs: Iterable[Variable], fgraph: FunctionGraph | None = None) -> list[Variable]:
    """Those of `inputs` that an op could overwrite: no constants, and in `fgraph` nothing that is protected or is
    overwritten already."""
    protected: set[Any] = set()
    if fgraph is not None:
        protected.update(DestroyHandler().destroyers(fgraph))
        for feature in fgraph._features:
            protected.update(getattr(feature, "protected", ()))
    return [v for v in inputs if not isinstance(v, Constant) and v not in protected]


__all__ = ["DestroyHandler", "fast_inplace_check"]
