"""Put back the checks that rewriting lost.

While a graph is rewritten it is taken to be free of shape errors, so `x*y/x` may become `y`. Afterwards each equality
of lengths that a node of the original graph enforced must still be enforced by some node, or follow from those that
are; and so must be what nodes that are gone required of positions and sizes (`requirements.py`). Where it does not,
one output is wrapped in a check. A program that fails before rewriting fails after it, and one that never checked
costs nothing. Covered: elementwise ops, Alloc (its sizes too), Join, Split, SpecifyShape, products, convolution,
Reshape, ARange and all indexing.
"""

from __future__ import annotations

from typing import Any

from theano._provenance import inherit
from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply
from theano.rewriting.checks_of_lengths import EqualLengths as EqualLengths
from theano.rewriting.dims import Dims, Key
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport
from theano.rewriting.requirements import Inside, Requirement, requirements
from theano.rewriting.rule import Site
from theano.rewriting.shapes import Shapes
from theano.tensor.convert import constant
from theano.tensor.elemwise import cast_to
from theano.tensor.shape import SpecifyShape, shape_i_op


def restore_checks(site: Site, report: PassReport) -> None:
    """Wrap an output in the checks that no node makes any more."""
    fgraph, original = site.fgraph, site.dims
    if not fgraph.outputs:
        return
    # also of nodes that are still there: they may have got inputs of which the check is trivially true
    lost = original.enforced
    gone = [node for node in original.nodes if node not in fgraph.apply_nodes]
    unsized = [fact for fact in original.sizes if fact[1] not in fgraph.apply_nodes]
    if not (lost or unsized or gone):
        return
    now = _known(fgraph, original)
    missing = _unequal(fgraph, now, lost, unsized)
    unmet = _unmet(fgraph, now, gone)
    if not missing and not unmet:
        return
    length = _Lengths(fgraph, original)
    updates = fgraph.update_mapping or {}
    position = next((n for n in range(len(fgraph.outputs)) if n not in updates), 0)
    for node, pairs in missing.items():
        with inherit(node.origin):
            arguments = [length(key) for pair in pairs for key in pair]
        check = EqualLengths(str(node.op), _error_of(node.op), getattr(node.op, "remedy_of_lengths", ""))
        _wrap(fgraph, position, node, check, arguments, report)
    for node, requirement in unmet:
        with inherit(node.origin):
            op, arguments = requirement.check(str(node.op), length)
        _wrap(fgraph, position, node, op, arguments, report)


def _error_of(op: Any) -> str:
    """What this op raises for lengths that do not fit."""
    if isinstance(op, SpecifyShape):
        return "ValueError" if op.implied else "AssertionError"
    return "LinAlgError" if type(op).__module__.startswith("theano.tensor.linear") else "ValueError"


def _known(fgraph: FunctionGraph, original: Dims) -> Dims:
    """What the graph as it is tells of lengths."""
    dims = Dims(dict(SPEAKERS))
    dims.on_attach(fgraph)
    for a, b in original.definitions(fgraph.clients):
        dims.join(a, b)
    return dims


def _unequal(fgraph: FunctionGraph, now: Dims, lost: Any, unsized: Any) -> dict[Apply, list[tuple[Key, Key]]]:
    """The equalities that do not hold by themselves any more, and lengths that may be negative; by original node."""
    missing: dict[Apply, list[tuple[Key, Key]]] = {}
    for a, b, node in lost:
        if not now.same_length(a, b):
            now.join(a, b)
            missing.setdefault(node, []).append((a, b))
    if unsized:
        shapes = [(v, getattr(v.type, "shape", ())) for v in fgraph.clients]
        real = {now.find((v, axis)) for v, shape in shapes for axis, n in enumerate(shape) if n is None}
        for key, node in unsized:
            root = now.find(key)
            if root not in real and not isinstance(now.source(key), int):
                real.add(root)
                missing.setdefault(node, []).append((key, key))
    return missing


def _unmet(fgraph: FunctionGraph, now: Dims, gone: list[Apply]) -> list[tuple[Apply, Requirement]]:
    """What nodes that are gone required, and no other node requires; `now` knows all equalities."""
    asked = [(node, requirement) for node in gone for requirement in requirements(node)]
    asked = [(node, requirement) for node, requirement in asked if not requirement.is_certain(now)]
    if not asked:
        return []
    met = _Met(now)
    for node in fgraph.apply_nodes:
        for requirement in requirements(node):
            met.add(requirement)
    # the furthest positions first: they answer for all before them
    asked.sort(key=lambda pair: -_furthest(pair[1]))
    unmet = []
    for node, requirement in asked:
        if not met.covers(requirement):
            met.add(requirement)
            unmet.append((node, requirement))
    return unmet


def _furthest(requirement: Requirement) -> int:
    position = requirement.furthest() if isinstance(requirement, Inside) else None
    return -1 if position is None else position


class _Met:
    """Requirements that are checked."""

    def __init__(self, dims: Dims) -> None:
        self.dims = dims
        self.known: set[Any] = set()
        self.positions: dict[Key, int] = {}

    def add(self, requirement: Requirement) -> None:
        self.known.add(requirement.identity(self.dims))
        position = _furthest(requirement)
        if isinstance(requirement, Inside) and position >= 0:
            key = self.dims.find(requirement.length)
            self.positions[key] = max(position, self.positions.get(key, 0))

    def covers(self, requirement: Requirement) -> bool:
        if requirement.identity(self.dims) in self.known:
            return True
        position = _furthest(requirement)
        if not isinstance(requirement, Inside) or position < 0:
            return False
        return position <= self.positions.get(self.dims.find(requirement.length), -1)


class _Lengths:
    """Names of lengths that need nothing computed that the graph does not compute already, where there are such."""

    def __init__(self, fgraph: FunctionGraph, original: Dims) -> None:
        self.fgraph = fgraph
        self.dims = _known(fgraph, original)
        self.shapes = Shapes(self.dims)
        self.at_hand: dict[Key, Key] = {}
        for variable in fgraph.clients:
            shape = getattr(variable.type, "shape", None)
            for axis, n in enumerate(shape or ()):
                if n is None:
                    self.at_hand.setdefault(self.dims.find((variable, axis)), (variable, axis))
            if shape == () and getattr(variable.type, "dtype", "") == "int64":  # it may be a number of steps
                self.at_hand.setdefault(self.dims.find((variable,)), (variable,))

    def __call__(self, key: Key) -> Any:
        if not isinstance(key, int):
            key = self.dims.source(key) or self.at_hand.get(self.dims.find(key), key)
        if isinstance(key, int):
            return constant(key, dtype="int64")
        if len(key) == 1:
            return cast_to(key[0], "int64")
        # of what is computed no more: from the lengths of what it was made of, not by computing it for this
        return shape_i_op(key[1])(key[0]) if key[0] in self.fgraph.clients else self.shapes.length(*key)


def _wrap(
    fgraph: FunctionGraph, position: int, node: Apply, op: Any, arguments: list[Any], report: PassReport
) -> None:  # fmt: skip
    """Let an output pass through a check that `node` made."""
    old = fgraph.outputs[position]
    with inherit(node.origin):
        new = op(old, *arguments)
    new.name = old.name
    fgraph.change_input(OUTPUT, position, new, "restore_check")
    report.fired["restore_check"] += 1
    report.where.append(("restore_check", str(node.op), node.origin))


__all__ = ["EqualLengths", "restore_checks"]
