"""theano.misc.frozendict: dictionaries that do not change, and can be keys of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class frozendict(Mapping[Any, Any]):
    """A mapping that does not change. `copy(**more)` makes another; its hash is that of its items, in any order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._items = dict(*args, **kwargs)
        self._hash: int | None = None

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def copy(self, **add_or_replace: Any) -> frozendict:
        """This with more items, or others in the place of those of equal keys."""
        return type(self)(self._items, **add_or_replace)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._items.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._items!r}>"


class FrozenOrderedDict(frozendict):
    """The same: dictionaries keep the order of their items."""
