"""What the steps of a loop require, said outside of the loop: for `restore_checks.py`, when a loop is made no more.

A loop of which only the shape of the results is read is not run; nor is one that became something else. What a step
requires of lengths is the same in every step, and follows from the lengths of sequences, states and others: it is
checked without the loop, if there is a first step. So are positions that are the same in all steps, or rows of a
sequence. A loop that requires anything else of what its steps compute has to be run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from theano._records import field, record_class
from theano.graph.clone import clone_replace
from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import ancestors
from theano.loops.lazy_nodes import only_in_branches
from theano.loops.scan_op import Scan
from theano.rewriting.checks_of_lengths import Checked
from theano.rewriting.dims import Dims, Key, axis_key
from theano.rewriting.dims_of_ops import SPEAKERS, value_key
from theano.rewriting.requirements import Inside, requirements
from theano.rewriting.shapes import Shapes
from theano.scalar.comparison import ge
from theano.scalar.selection import switch
from theano.tensor.scalar_constants import static_int
from theano.tensor.shape_ops import Shape_i, shape_i_op

_LONGEST = np.int64(2**62)   # a length that all positions are in


def if_a_step(n_steps: Any, length: Any, otherwise: Any) -> Any:
    """A length to compare; `otherwise` where there is no step."""
    known = static_int(n_steps)
    return length if known is not None and known > 0 else switch(ge(n_steps, np.int64(1)), length, otherwise)


@record_class(frozen=True, slots=True)
class InSteps:
    """What is required of positions, if there is a step."""

    inside: Inside
    n_steps: Any

    def is_certain(self, dims: Dims) -> bool:
        return self.inside.is_certain(dims)

    def identity(self, dims: Dims) -> Any:
        return InSteps, self.inside.identity(dims), dims.find(value_key(self.n_steps))

    def check(self, what: str, length: Callable[[Key], Any]) -> tuple[Checked, list[Any]]:
        op, (index, n) = self.inside.check(what, length)
        return op, [index, if_a_step(length(value_key(self.n_steps)), n, _LONGEST)]


@record_class()
class OfSteps:
    """What the steps of a loop require.

    pairs     (inner node, length, length): lengths outside that are equal, if there is a step; twice the same key: it
              is not negative
    inside    (inner node, positions and the length of their axis, all outside)
    more      is there anything else that a step may refuse, for lengths or positions?
    """

    pairs: list[tuple[Apply, Key, Key]] = field(default_factory=list)
    inside: list[tuple[Apply, InSteps]] = field(default_factory=list)
    more: bool = False

    def __bool__(self) -> bool:
        return bool(self.pairs or self.inside or self.more)


def of_steps(loop: Apply) -> OfSteps:
    """What the steps of a Scan require of its inputs."""
    op: Any = loop.op
    nodes = op.fgraph.toposort()
    dims = Dims(dict(SPEAKERS))
    enforced: list[tuple[Apply, Key, Key]] = []
    for node in nodes:
        for a, b, is_enforced in dims.facts(node):
            if b is None or is_enforced:
                enforced.append((node, a, a if b is None else b))
            else:
                dims.join(a, b)
    enforced += [(loop, *pair) for pair in _shapes_of_states(op)]
    at_will = set(only_in_branches(op.fgraph.outputs, nodes, {node for node in nodes if node.op.is_lazy}))
    outside = _Outside(loop, dims)
    found = OfSteps()
    for node, a, b in enforced:
        first, second = outside.length(a), outside.length(b)
        if first is not None and first == second and (a != b or isinstance(first, int) or len(first) > 1):
            continue
        if first is None or second is None or node in at_will:
            found.more = True
        else:
            found.pairs.append((node, first, second))
    for node in nodes:
        for requirement in requirements(node):
            if requirement.is_certain(dims):
                continue
            moved = outside.positions(requirement) if node not in at_will else None
            if moved is None:
                found.more = True
            else:
                found.inside.append((node, InSteps(moved, loop.inputs[0])))
        if isinstance(node.op, Scan) and of_steps(node):
            found.more = True
    return found


def _shapes_of_states(op: Any) -> Iterator[tuple[Key, Key]]:
    """A new row of a state has the shape of those before."""
    for taps, result in zip(op.inner.taps, op.info.outputs(op.fgraph.outputs).states):
        for axis in range(result.type.ndim):
            yield axis_key(taps[0], axis), axis_key(result, axis)


class _Outside:
    """Lengths and positions inside a loop as those of what belongs to it outside."""

    def __init__(self, loop: Apply, dims: Dims) -> None:
        op: Any = loop.op
        inner, outer = op.inner, op.info.outer(loop.inputs)
        self.dims = dims
        self.shapes = Shapes(dims)
        self.ends_early = op.info.until
        self.sequences = dict(zip(inner.sequences, outer.sequences))
        self.others = dict(zip(inner.others, outer.others))
        # inner variable -> (what it is part of outside, how many axes that has more)
        self.parts: dict[Variable, tuple[Any, int]] = {v: (rows, 1) for v, rows in self.sequences.items()}
        for taps, initial in zip(inner.taps, outer.initials):
            self.parts.update((tap, (initial, 1)) for tap in taps)
        self.parts.update((v, (start, 0)) for v, start in zip(inner.carried, outer.carried))
        self.parts.update((v, (other, 0)) for v, other in self.others.items())

    def length(self, key: Key) -> Key | None:
        """The key of a length outside; None if it depends on what a step computes."""
        source = self.dims.source(key)
        if isinstance(source, int):
            return source
        if source is None:
            computed = key[0] if len(key) == 1 else self.shapes.length(*key)
            moved = self._moved(computed)
            return None if moved is None else value_key(moved)
        variable = source[0]
        if variable not in self.parts:
            return None
        if len(source) == 1:
            return value_key(self.others[variable]) if variable in self.others else None
        whole, more = self.parts[variable]
        return axis_key(whole, source[1] + more)

    def _moved(self, computed: Any) -> Any | None:
        """An expression of lengths inside as one outside."""
        known: dict[Any, Any] = dict(self.others)
        for v in ancestors([computed]):
            node = v.owner
            if node is not None and isinstance(node.op, Shape_i) and node.inputs[0] in self.parts:
                whole, more = self.parts[node.inputs[0]]
                known[v] = shape_i_op(node.op.i + more)(whole)
        leaves = {v for v in ancestors([computed], known) if v.owner is None and v not in known}
        if any(not isinstance(v, Constant) for v in leaves):
            return None
        return clone_replace([computed], known, strict=False)[0]

    def positions(self, requirement: Any) -> Inside | None:
        """What a step requires of positions, as what is required of all of them; None if they are computed."""
        if not isinstance(requirement, Inside):
            return None
        length, index = self.length(requirement.length), requirement.index
        if length is None:
            return None
        if isinstance(index, (int, Constant)):
            return Inside(index, length)
        if index in self.others:
            return Inside(self.others[index], length)
        if index in self.sequences and not self.ends_early:
            return Inside(self.sequences[index], length)
        return None


__all__ = ["InSteps", "OfSteps", "if_a_step", "of_steps"]
