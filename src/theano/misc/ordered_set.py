"""theano.misc.ordered_set: sets that remember in which order their elements came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any


class OrderedSet(MutableSet[Any]):
    """A set whose elements are in the order in which they were added. Equal to a list if the order is equal, too."""

    def __init__(self, iterable: Iterable[Any] | None = None) -> None:
        if isinstance(iterable, (set, frozenset)) and len(iterable) > 1:
            raise TypeError("A set has no order that an OrderedSet could take over: sort it, or give a list")
        self._elements: dict[Any, None] = dict.fromkeys(iterable or ())

    def __contains__(self, item: object) -> bool:
        return item in self._elements

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def add(self, value: Any) -> None:
        """Add an element at the end, unless it is there."""
        self._elements[value] = None

    def discard(self, value: Any) -> None:
        """Take an element out, if it is there."""
        self._elements.pop(value, None)

    def update(self, iterable: Iterable[Any]) -> None:
        """Add several elements, in their order."""
        self._elements.update(OrderedSet(iterable)._elements)

    def pop(self, last: bool = True) -> Any:
        """Take out the last element, or the first. KeyError if there is none."""
        if not self._elements:
            raise KeyError("The set is empty")
        item = next(reversed(self._elements)) if last else next(iter(self._elements))
        del self._elements[item]
        return item

    def union(self, s: Iterable[Any]) -> OrderedSet:
        """The elements of this, and then those of `s`."""
        return OrderedSet([*self, *s])

    def intersection_update(self, s: Iterable[Any]) -> None:
        """Keep only elements that are in `s` too."""
        kept = list(s)
        self._elements = {v: None for v in self._elements if v in kept}

    def difference_update(self, s: Iterable[Any]) -> None:
        """Take out the elements of `s`."""
        for value in s:
            self.discard(value)

    def copy(self) -> OrderedSet:
        """A set of its own with the same elements."""
        return OrderedSet(list(self))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (OrderedSet, list, tuple)):
            return list(self) == list(other)
        if isinstance(other, (set, frozenset)):
            return set(self) == other
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"OrderedSet({list(self)!r})" if self._elements else "OrderedSet()"
