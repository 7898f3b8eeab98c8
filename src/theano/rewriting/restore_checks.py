"""Put back the checks that rewriting lost.

While a graph is rewritten it is taken to be free of shape errors, so `x*y/x` may become `y`. Afterwards each equality
of lengths that a node of the original graph enforced must still be enforced by some node, or follow from those that
are; and so must be what nodes that are gone required of positions and sizes (`requirements.py`). Where it does not,
one output is wrapped in a check. A program that fails before rewriting fails after it, and one that never checked
costs nothing. Covered: elementwise ops, Alloc (its sizes too), Join, Split, SpecifyShape, products, convolution,
Reshape, ARange and all indexing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from theano._provenance import inherit
from theano._records import field, record_class
from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply
from theano.loops.scan_op import Scan
from theano.rewriting.checks_of_bodies import InSteps, if_a_step, of_steps
from theano.rewriting.checks_of_lengths import Computed
from theano.rewriting.checks_of_lengths import EqualLengths as EqualLengths
from theano.rewriting.dims import Dims, Key
from theano.rewriting.dims_of_ops import SPEAKERS, value_key
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
    loops = _loops_gone(fgraph, original, gone)
    if not (lost or unsized or gone or loops):
        return
    now = _known(fgraph, original)
    missing = _unequal(fgraph, now, _in_terms_of_inputs(now, original), unsized)
    steps = _of_steps(fgraph, now, loops, original.loops_replaced)
    unmet = _unmet(fgraph, now, gone, steps.inside)
    if not (missing or unmet or steps.pairs or steps.kept):
        return
    length = _Lengths(fgraph, original)
    updates = fgraph.update_mapping or {}
    position = next((n for n in range(len(fgraph.outputs)) if n not in updates), 0)
    for node, pairs in missing.items():
        with inherit(node.origin):
            arguments = [length(key) for pair in pairs for key in pair]
        _wrap(fgraph, position, node, _equal_lengths(node.op), arguments, report)
    for loop, node, first, second in steps.pairs:
        with inherit(node.origin):
            n_steps, a, b = length(value_key(loop.inputs[0])), length(first), length(second)
            one = if_a_step(n_steps, a, b if first != second else np.int64(0))
            arguments = [one, b if first != second else one]
        _wrap(fgraph, position, node, _equal_lengths(node.op), arguments, report)
    for node, requirement in unmet:
        with inherit(node.origin):
            op, arguments = requirement.check(str(node.op), length)
        _wrap(fgraph, position, node, op, arguments, report)
    for loop in steps.kept:
        _wrap(fgraph, position, loop, Computed(str(loop.op)), [loop.outputs[0]], report)


def _equal_lengths(op: Any) -> EqualLengths:
    return EqualLengths(str(op), _error_of(op), getattr(op, "remedy_of_lengths", ""))


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


def _in_terms_of_inputs(now: Dims, original: Dims) -> Iterator[tuple[Key, Key, Apply]]:
    """The equalities that were enforced; first between the inputs, as nodes have got other inputs, for which they may
    hold, and from which no length must be computed for a check."""
    of_inputs = original.of_inputs() if original.enforced else None
    for a, b, node in original.enforced:
        if of_inputs is not None and a != b:
            yield of_inputs(a), of_inputs(b), node
        yield a, b, node


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


@record_class()
class _OfSteps:
    """What loops that are gone required of their steps.

    pairs    (loop, inner node, length, length)
    inside   (inner node, positions)
    kept     loops that have to be run to find out
    """

    pairs: list[tuple[Apply, Apply, Key, Key]] = field(default_factory=list)
    inside: list[tuple[Apply, InSteps]] = field(default_factory=list)
    kept: list[Apply] = field(default_factory=list)


def _loops_gone(fgraph: FunctionGraph, original: Dims, gone: list[Apply]) -> list[Apply]:
    found = [node for node in gone if isinstance(node.op, Scan)] + original.loops_gone
    return [node for node in dict.fromkeys(found) if node not in fgraph.apply_nodes]


def _of_steps(fgraph: FunctionGraph, now: Dims, loops: list[Apply], replaced: set[Apply]) -> _OfSteps:
    """What the steps of loops that are gone required, and nothing else requires."""
    found = _OfSteps()
    for loop in loops:
        required = of_steps(loop)
        for node, a, b in required.pairs:
            if a == b or not now.same_length(a, b):
                found.pairs.append((loop, node, a, b))
        if loop in replaced:   # by what requires as much of what it computes
            continue
        found.inside += required.inside
        if required.more:
            found.kept.append(loop)
    if found.pairs or found.kept:
        _without_what_others_require(fgraph, now, found)
    return found


def _without_what_others_require(fgraph: FunctionGraph, now: Dims, found: _OfSteps) -> None:
    """Loops that are there still require it, or what came before in the list does."""
    known: set[Any] = set()
    for node in fgraph.apply_nodes:
        if isinstance(node.op, Scan):
            known.update(frozenset((now.find(a), now.find(b))) for _, a, b in of_steps(node).pairs)
    pairs, found.pairs = found.pairs, []
    for loop, node, a, b in pairs:
        asked = frozenset((now.find(a), now.find(b)))
        if asked not in known:
            known.add(asked)
            found.pairs.append((loop, node, a, b))
    there = {(node.op, *node.inputs) for node in fgraph.apply_nodes if isinstance(node.op, Scan)}
    found.kept = [loop for loop in found.kept if (loop.op, *loop.inputs) not in there]


def _unmet(
    fgraph: FunctionGraph, now: Dims, gone: list[Apply], more: list[tuple[Apply, InSteps]]
) -> list[tuple[Apply, Requirement | InSteps]]:
    """What nodes that are gone required, and no other node requires; `now` knows all equalities."""
    asked: list[tuple[Apply, Requirement | InSteps]] = [*more]
    asked += [(node, requirement) for node in gone for requirement in requirements(node)]
    asked = [(node, requirement) for node, requirement in asked if not requirement.is_certain(now)]
    if not asked:
        return []
    met = _Met(now)
    for node in fgraph.apply_nodes:
        for requirement in requirements(node):
            met.add(requirement)
    # the furthest positions first: they answer for all before them
    asked.sort(key=lambda pair: -_furthest(pair[1]))
    unmet: list[tuple[Apply, Requirement | InSteps]] = []
    for node, required in asked:
        if not met.covers(required):
            met.add(required)
            unmet.append((node, required))
    return unmet


def _furthest(requirement: Requirement | InSteps) -> int:
    position = requirement.furthest() if isinstance(requirement, Inside) else None
    return -1 if position is None else position


class _Met:
    """Requirements that are checked."""

    def __init__(self, dims: Dims) -> None:
        self.dims = dims
        self.known: set[Any] = set()
        self.positions: dict[Key, int] = {}

    def add(self, requirement: Requirement | InSteps) -> None:
        self.known.add(requirement.identity(self.dims))
        position = _furthest(requirement)
        if isinstance(requirement, Inside) and position >= 0:
            key = self.dims.find(requirement.length)
            self.positions[key] = max(position, self.positions.get(key, 0))

    def covers(self, requirement: Requirement | InSteps) -> bool:
        if isinstance(requirement, InSteps) and self.covers(requirement.inside):
            return True
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
