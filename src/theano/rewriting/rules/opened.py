"""Sums and products taken apart, to be made anew with fewer operations: what `like_terms` and `like_factors` share."""

from __future__ import annotations

from itertools import islice
from typing import Any

from theano.graph.fgraph import OUTPUT
from theano.rewriting.known import number
from theano.rewriting.rule import Site
from theano.tensor.elemwise import Elemwise

SHARED_PARTS = 8  # behind subexpressions that are used elsewhere too: as many are looked at
CANDIDATES = 16   # of which the best is opened next

Part = tuple[Any, Any]   # (weight, variable)


class Opened:
    """A sum or a product taken apart: each distinct part with its weight (a term's coefficient, a factor's power), in
    the order of first appearance. A sum within the sum that others use too will stay, so it is one part of it, until
    `_open_another` is called. (For "sum" read "product" in products.)
    """

    def __init__(self, out: Any, site: Site) -> None:
        self.out = out
        self.dtype = out.type.dtype
        self.weights: dict[Any, Any] = {}
        self.duplicates = 0
        self.cancelled = 0   # duplicates of another sign
        self.removed = 0     # operations on two values (or one) that go away when it is made anew
        self._closed: dict[Any, None] = {}   # parts that are sums themselves
        self._room = SHARED_PARTS
        stack: list[Part] = [(1, out)]
        while stack:
            weight, v = stack.pop()
            goes = v is out or site.uses(v) == 1
            parts = self._parts(weight, v) if goes else []
            if parts:
                self.removed += self._operations(v, parts)
                self._opening(weight, v)
                stack.extend(reversed(parts))
            else:
                self._add(weight, v, goes)

    @property
    def constants(self) -> int:
        """How many of the parts are numbers."""
        raise NotImplementedError

    def _parts(self, weight: Any, v: Any) -> list[Part]:
        """The parts of `v` with this weight, if it can be taken apart."""
        raise NotImplementedError

    def _operations(self, v: Any, parts: list[Part]) -> int:
        """How many operations on two values (or one) make `v` of its parts."""
        return max(len(parts) - 1, 1)

    def _opening(self, weight: Any, v: Any) -> None:
        """Note of `v`, which is taken apart, what its parts do not tell."""

    def _add(self, weight: Any, v: Any, goes: bool) -> None:
        """Add a part, a number or any other. goes: nobody else uses it."""
        raise NotImplementedError

    def _keyed(self, weight: Any, v: Any) -> tuple[Any, Any]:
        """(weight, key) of a part: 2*x is x twice."""
        return weight, v

    def fewer(self) -> Any | None:
        """The sum made anew, if that takes fewer operations; None if it does not."""
        raise NotImplementedError

    def _put(self, weight: Any, part: Any) -> None:
        """Add a part which is no number."""
        before = self.weights.get(part)
        if before is None:
            self.weights[part] = weight
            if self._parts(weight, part):
                self._closed[part] = None
        elif weight != 0:
            self.weights[part] = before + weight
            self.duplicates += 1
            self.cancelled += before == 0 or _cancel(before, weight)

    def _cancels(self, parts: list[Part], known: dict[Any, Any]) -> bool:
        """Is one of the parts smaller together with what is known?"""
        keyed = [self._keyed(*part) for part in parts]
        return any(key in known and _cancel(known[key], weight) for weight, key in keyed)

    def _is_worth_opening(self) -> bool:
        """Does anything that would be looked at cancel, or are there numbers to put together? Mostly not."""
        known, numbers = dict(self.weights), self.constants
        candidates = [(known[part], part) for part in islice(self._closed, CANDIDATES)]
        room = SHARED_PARTS
        for weight, v in candidates:   # it grows
            parts = self._parts(weight, v)
            if self._cancels(parts, known):
                return True
            if 0 < len(parts) <= room:
                room -= len(parts)
                for inner, w in parts:
                    numbers += plain_number(w) is not None
                    weight, key = self._keyed(inner, w)
                    known.setdefault(key, weight)
                    candidates.append((inner, w))
        return numbers > 1

    def _open_another(self) -> bool:
        """Take apart one of the parts that are sums: the first that has a part which cancels, or else the first.
        False if there is none, or if enough were opened."""
        found: tuple[Any, list[Part]] | None = None
        for part in islice(self._closed, CANDIDATES):
            parts = self._parts(self.weights[part], part)
            if 0 < len(parts) <= self._room:
                if self._cancels(parts, self.weights):
                    found = part, parts
                    break
                found = found or (part, parts)
        if found is None:
            return False
        opened, parts = found
        self._room -= len(parts)
        del self._closed[opened]
        weights, self.weights = self.weights, {}
        for part, weight in weights.items():
            if part is opened:
                self._opening(weight, part)
                for inner, v in parts:
                    self._add(inner, v, False)
            else:
                self._put(weight, part)
        return True

    def made_anew(self) -> Any | None:
        """The sum with fewer operations, if there is a way. What cancels as a whole is not taken apart: what others use
        too is opened only until something cancels."""
        whole = self.fewer()
        if (whole is None or not self.cancelled) and self._closed and self._is_worth_opening():
            while self._open_another():
                if self.cancelled or (whole is None and self.constants > 1):
                    made = self.fewer()
                    if made is not None:
                        return made
        return whole


def _cancel(a: Any, b: Any) -> bool:
    return bool(abs(a + b) < max(abs(a), abs(b)))


def is_interior(v: Any, site: Site, family: frozenset[Any]) -> bool:
    """Is `v` used once, by a node of the family with the same dtype (which looks at `v` itself)?"""
    clients = site.fgraph.clients.get(v, ())
    if len(clients) != 1:
        return False
    (user, _), = clients
    return (
        user is not OUTPUT
        and isinstance(user.op, Elemwise)
        and user.op.scalar_op in family
        and user.outputs[0].type.dtype == v.type.dtype
    )


def is_simple(node: Any, looked_into: frozenset[Any]) -> bool:
    """Are the inputs different from each other, no numbers, and made by other ops? Most are: then nothing is alike."""
    inputs = node.inputs
    for x in inputs:
        inner = x.owner
        if inner is not None and isinstance(inner.op, Elemwise) and inner.op.scalar_op in looked_into:
            return False
        if number(x) is not None:
            return False
    return len(set(inputs)) == len(inputs)


def plain_number(v: Any) -> Any | None:
    """The number that `v` is everywhere, if it is one and no truth value."""
    value = number(v)
    return None if value is True or value is False else value
