"""Findings: what rules found out about values of a graph, kept until a node that they looked at changes.

A long sum or product is taken apart by many rules, on every visit of it and of its users. Each view of it (its terms,
its factors, the ops that make them) is a function of the value and of the inputs of the nodes behind it: it is
computed once, remembers which nodes and which other views it looked at, and is forgotten when one of them changes.
The engine tells of changes; where nobody does (`navigators.py`), all is forgotten before each node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")
_ABSENT = object()


class Findings:
    """{(function, value): what the function says of the value}"""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}
        self._readers: dict[Any, list[Any]] = {}   # of a node, or of a finding: the findings that looked at it
        self._looked_at: list[Any] | None = None   # by what is being found out just now

    def find(self, function: Callable[[Any, Any], _T], value: Any, site: Any) -> _T:
        """`function(value, site)`, which may depend on nothing but other findings and the inputs of nodes of which it
        says that it looked at them. Whoever gets a list must not change it."""
        key = function, value
        outer = self._looked_at
        known: _T
        try:
            known = self._known[key]
        except KeyError:
            looked_at: list[Any] = []
            self._looked_at = looked_at
            try:
                known = function(value, site)
            finally:
                self._looked_at = outer
            readers = self._readers
            for source in looked_at:
                readers.setdefault(source, []).append(key)
            self._known[key] = known
        if outer is not None:
            outer.append(key)
        return known

    def looked_at(self, nodes: Iterable[Any]) -> None:
        """What is being found out depends on the inputs of these nodes."""
        if self._looked_at is not None:
            self._looked_at.extend(nodes)

    def changed(self, node: Any) -> None:
        """The inputs of a node are no longer what they were: forget what depends on them."""
        if node not in self._readers:
            return
        stack = [node]
        while stack:
            for key in self._readers.pop(stack.pop(), ()):
                if self._known.pop(key, _ABSENT) is not _ABSENT:
                    stack.append(key)

    def clear(self) -> None:
        """Forget everything."""
        if self._known:
            self._known.clear()
            self._readers.clear()


__all__ = ["Findings"]
