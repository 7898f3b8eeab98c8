"""Dims: which axes of which variables are equally long, found as nodes enter a graph.

Rewriting takes the graph to be free of shape errors: operands that must be equally long are. `restore_checks.py` puts
back at the end the checks that got lost on the way. Symbolic lengths are built by `shapes.py`; what each op says of
its axes is in `dims_of_ops.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.loops.scan_op import Scan
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.shape import Reshape
from theano.tensor.type import TensorType

# A key names a length: (variable, axis) that of an axis, (variable,) the value of a 0-d integer, an int itself.
Key = Any
# What an op says: (key, key, enforced). Not enforced: the first length is defined to be the second. Enforced: the op
# raises when they differ. (key, None, False): the op raises when this length is negative.
Fact = tuple[Key, Key, bool]
Speaker = Callable[[Apply], Iterator[Fact]]


def axis_key(variable: Any, axis: int) -> Key:
    known = variable.type.shape[axis]
    return (variable, axis) if known is None else known


def _certainty(source: Any) -> int:
    """An int is known now; an axis has a length; a value may turn out to be no length at all."""
    return 3 if isinstance(source, int) else len(source)


def _is_told(node: Apply, length: Key) -> bool:
    """Is this length of what a Reshape makes one that it is told, not that of a vector which it flattens?"""
    if not isinstance(node.op, Reshape):
        return False
    flattens = isinstance(length, tuple) and length[0] is node.inputs[0]
    return not flattens or not length[0].type.ndim == node.outputs[0].type.ndim == 1  # type: ignore[attr-defined]


class Dims(Feature):
    """Classes of equal lengths, with the constant or the graph's own input that each is known to equal."""

    def __init__(self, speakers: dict[type, Speaker]) -> None:
        self._speakers = speakers
        self._parent: dict[Key, Key] = {}
        self._source: dict[Key, Any] = {}  # root -> int, or key of a leaf
        self._definitions: list[tuple[Key, Key]] = []  # (length of a result, what it is by what its op gives)
        self.enforced: list[tuple[Key, Key, Apply]] = []
        self.sizes: list[tuple[Key, Apply]] = []  # lengths that the node needs to be non-negative
        self.nodes: list[Apply] = []  # those that were there at first
        self.loops_gone: list[Apply] = []
        self.loops_replaced: set[Apply] = set()  # of these something took the place; the others were of no more use
        self._recording = True
        self._first: list[tuple[Key, Key]] = []  # those of the graph as it was, for `of_inputs`

    # -- listening ----------------------------------------------------------------------------------------------

    def on_attach(self, fgraph: FunctionGraph) -> None:
        self.nodes = fgraph.toposort()
        for node in self.nodes:
            self.on_import(fgraph, node, None)
        self._recording = False

    def facts(self, node: Apply) -> Iterator[Fact]:
        """What the op of this node says of lengths."""
        speaker = self.speaker(type(node.op))
        return iter(()) if speaker is None else speaker(node)

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        for a, b, enforced in self.facts(node):
            if b is None:
                if self._recording:
                    self.sizes.append((a, node))
                continue
            self.join(a, b)
            if not enforced:
                self._definitions.append((a, b))
                if self._recording and not _is_told(node, b):
                    self._first.append((a, b))
            elif self._recording:
                self.enforced.append((a, b, node))

    def speaker(self, kind: type) -> Speaker | None:
        """Who says for ops of this class what lengths their results have."""
        if kind not in self._speakers:
            found = None
            for base in kind.__mro__:
                if base in self._speakers:
                    found = self._speakers[base]
                    break
            else:  # an op may speak for itself
                found = getattr(kind, "length_facts", None)
            self._speakers[kind] = found  # type: ignore[assignment]
        return self._speakers[kind]

    def replaced(self, pairs: Iterable[tuple[Variable, Variable]]) -> None:
        """Of each pair, the second took the place of the first: they have the same shape."""
        vouching: dict[Apply, bool] = {}   # an op may have a thousand results
        for old, new in pairs:
            self._replaced(old, new, vouching)

    def _replaced(self, old: Variable, new: Variable, vouching: dict[Apply, bool]) -> None:
        if old.owner is not None and isinstance(old.owner.op, Scan):
            self.loops_replaced.add(old.owner)
        if not isinstance(old.type, TensorType) or not isinstance(new.type, TensorType):
            return
        vouches = False
        if old.owner is not None:
            # an op that enforces something must not vouch for it after it is gone
            if old.owner not in vouching:
                vouching[old.owner] = any(enforced for _, _, enforced in self.facts(old.owner))
            vouches = vouching[old.owner]
        for axis in range(old.type.ndim):
            a, b = axis_key(old, axis), axis_key(new, axis)
            # what was known to be equal may be so, and a length may have become known, because of what an op enforces
            if not vouches and (not isinstance(b, int) or isinstance(a, int)) and not self.same_length(a, b):
                self._definitions.append((a, b))
            self.join(a, b)
        if old.type.dtype in integer_dtypes and new.type.dtype == old.type.dtype:
            if not isinstance(new, Constant) and not self.same_length((old,), (new,)):
                self._definitions.append(((old,), (new,)))
            if old.type.ndim == 0 and old.type.dtype == "int64":
                self.join((old,), (new,))

    # -- classes ------------------------------------------------------------------------------------------------

    def find(self, key: Key) -> Key:
        """The key that stands for all that are known to equal this one."""
        parent = self._parent
        if key not in parent:
            parent[key] = key
            if isinstance(key, int):
                self._source[key] = key
            else:
                variable = key[0]
                if variable.owner is None:
                    if len(key) == 1:
                        number = isinstance(variable, Constant) and variable.type.ndim == 0  # type: ignore[attr-defined]
                        self._source[key] = int(variable.data) if number else key
                    else:
                        self._source[key] = key
            return key
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def join(self, a: Key, b: Key) -> None:
        """Know from now on that two lengths are equal."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        self._parent[a] = b
        source = self._source.pop(a, None)
        if source is not None:
            known = self._source.get(b)
            if known is None or _certainty(source) > _certainty(known):
                self._source[b] = source

    def definitions(self, alive: Collection[Any]) -> Iterator[tuple[Key, Key]]:
        """The equalities of lengths that hold by what ops give, not because an op would refuse others; of variables
        that are no more `alive`. The others may be computed from other inputs by now."""
        for a, b in self._definitions:
            if isinstance(a, int):
                a, b = b, a
            if isinstance(a, int) or a[0] not in alive:
                yield a, b

    def of_inputs(self) -> Callable[[Key], Key]:
        """What a length of the graph as it was at first is in terms of its inputs, by what ops give: a constant, a
        length or a value of an input, or else that of what it comes from, as a sum of lengths is that of a join. A node
        that is still there may have got other inputs. (What a Reshape is told must give as many elements as it has,
        whoever tells it. A flattened vector has its length.)"""
        first = Dims({})
        given: dict[Key, Key] = {}
        for a, b in self._first:
            first.join(a, b)
            if a != b:
                given.setdefault(a, b)

        def of_inputs(key: Key) -> Key:
            source = first.source(key)
            if source is not None:
                return source  # type: ignore[no-any-return]
            passed = {key}
            while given.get(key, key) not in passed:
                key = given[key]
                passed.add(key)
            return key

        return of_inputs

    def source(self, key: Key) -> Any:
        """An int, or the key of a leaf, that this length is known to equal; None if there is none."""
        return self._source.get(self.find(key))

    def same_length(self, a: Key, b: Key) -> bool:
        """Are two lengths known to be equal?"""
        return a == b or self.find(a) == self.find(b)

    def same(self, a: Any, b: Any) -> bool:
        """Are two tensors known to have one shape?"""
        if a is b:
            return True
        ndim = a.type.ndim
        if b.type.ndim != ndim:
            return False
        return all(self.same_length(axis_key(a, axis), axis_key(b, axis)) for axis in range(ndim))

    def same_axis(self, a: Any, axis_a: int, b: Any, axis_b: int) -> bool:
        """Are two axes known to have one length?"""
        return self.same_length(axis_key(a, axis_a), axis_key(b, axis_b))
