"""Query: which rewrites of the pipeline are wanted, by tag or by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Query:
    """A selection of rewrites.

    include   tags (or names): a rewrite that has one of them is wanted
    require   ... and that has all of these
    exclude   ... and none of these
    extra     rewrites that users add, as (rewrite, position) pairs
    """

    def __init__(
        self,
        include: Iterable[str] = (),
        require: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        subquery: Any = None,
        position_cutoff: float = float("inf"),
        extra_optimizations: Iterable[Any] | None = None,
    ) -> None:
        self.include = tuple(dict.fromkeys(include))
        self.require = tuple(dict.fromkeys(require or ()))
        self.exclude = tuple(dict.fromkeys(exclude or ()))
        self.subquery = subquery or {}
        self.position_cutoff = position_cutoff
        self.extra_optimizations = tuple(extra_optimizations or ())

    def _changed(self, **parts: Any) -> Query:
        state = {**self.__dict__, **parts}
        return type(self)(**state)

    def including(self, *tags: str) -> Query:
        """This query with the rewrites of these tags too."""
        return self._changed(include=(*self.include, *tags))

    def excluding(self, *tags: str) -> Query:
        """This query without the rewrites of these tags."""
        return self._changed(exclude=(*self.exclude, *tags))

    def requiring(self, *tags: str) -> Query:
        """This query with only such rewrites as have all these tags."""
        return self._changed(require=(*self.require, *tags))

    def register(self, *optimizations: Any) -> Query:
        """This query with extra rewrites: (rewrite, position) pairs."""
        return self._changed(extra_optimizations=(*self.extra_optimizations, *optimizations))

    def wants(self, tags: Iterable[str]) -> bool:
        """Is a rewrite with these tags (its name among them) wanted?"""
        having = set(tags)
        return (
            not having.isdisjoint(self.include)
            and having.issuperset(self.require)
            and having.isdisjoint(self.exclude)
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.include, self.require, self.exclude))

    def __repr__(self) -> str:
        parts = [f"include={list(self.include)}"]
        if self.require:
            parts.append(f"require={list(self.require)}")
        if self.exclude:
            parts.append(f"exclude={list(self.exclude)}")
        if self.extra_optimizations:
            parts.append(f"extra_optimizations={list(self.extra_optimizations)}")
        return f"Query({', '.join(parts)})"
