"""Query: which passes and rules to run, by name and tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from theano._records import field, record_class

ALL = "fast_run"  # every pass and rule has this tag


@record_class(frozen=True)
class Query:
    """A selection of passes and rules.

    include     tags or names of which one must fit ("fast_run": everything, "fast_compile": the cheap ones)
    require     tags that all must fit
    exclude     tags or names of which none may fit ("assumes": every rule that is not exact in IEEE arithmetic)
    subquery    {name of a pass or database: the query for what is in it}, where that is to be another
    position_cutoff      passes at a later position are not run (see `compile/pipeline.py` for the positions)
    extra_optimizations  (rewrite, position) pairs: rewrites that nobody has registered, run at their positions
    stop_after  name of the last pass to run
    verify      evaluate the graph after each pass, and name the first pass that changes a value
    """

    include: frozenset[str] = frozenset()
    require: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    subquery: Mapping[str, Query] = field(default_factory=dict, hash=False)
    position_cutoff: float = float("inf")
    extra_optimizations: tuple[tuple[Any, float], ...] = field(default=(), hash=False)
    stop_after: str | None = None
    verify: bool = False

    def __init__(
        self,
        include: Iterable[str] | str | None = (),
        require: Iterable[str] | str | None = (),
        exclude: Iterable[str] | str | None = (),
        subquery: Mapping[str, Query] | None = None,
        position_cutoff: float | None = float("inf"),
        extra_optimizations: Iterable[tuple[Any, float]] | None = None,
        *,
        stop_after: str | None = None,
        verify: bool = False,
    ) -> None:
        cutoff = float("inf") if position_cutoff is None else float(position_cutoff)
        object.__setattr__(self, "include", _tags(include))
        object.__setattr__(self, "require", _tags(require))
        object.__setattr__(self, "exclude", _tags(exclude))
        object.__setattr__(self, "subquery", dict(subquery or {}))
        object.__setattr__(self, "position_cutoff", cutoff)
        object.__setattr__(self, "extra_optimizations", tuple(map(_extra, extra_optimizations or ())))
        object.__setattr__(self, "stop_after", stop_after)
        object.__setattr__(self, "verify", verify)

    def including(self, *tags: str) -> Query:
        """This query with these tags too."""
        return replace(self, include=self.include | set(tags), exclude=self.exclude - set(tags))

    def excluding(self, *tags: str) -> Query:
        """This query without what has one of these tags or names."""
        return replace(self, exclude=self.exclude | set(tags))

    def requiring(self, *tags: str) -> Query:
        """This query for such rules only as have all these tags."""
        return replace(self, require=self.require | set(tags))

    def register(self, *optimizations: tuple[Any, float]) -> Query:
        """This query with more rewrites to run: (rewrite, position) pairs."""
        return replace(self, extra_optimizations=(*self.extra_optimizations, *map(_extra, optimizations)))

    def within(self, *names: str) -> Query:
        """The query for what is in the pass or database of this name (the first that `subquery` knows)."""
        found = next((self.subquery[name] for name in names if name in self.subquery), None)
        return self.plain() if found is None else found

    def plain(self) -> Query:
        """This query without what it says of other rewrites: what is left selects rules."""
        return replace(self, subquery={}, extra_optimizations=()) if self.subquery or self.extra_optimizations else self

    def wants_pass(self, labels: frozenset[str]) -> bool:
        """Is a pass with these tags run? (`require` speaks of rules.)"""
        return not self.include.isdisjoint(labels) and self.exclude.isdisjoint(labels)

    def wants(self, labels: frozenset[str]) -> bool:
        """Is what has these tags and names selected?"""
        return (
            not self.include.isdisjoint(labels) and self.require <= labels and self.exclude.isdisjoint(labels)
        )


def _tags(tags: Iterable[str] | str | None) -> frozenset[str]:
    if tags is None:
        return frozenset()
    return frozenset([tags] if isinstance(tags, str) else tags)


def _extra(pair: Any) -> tuple[Any, float]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"A rewrite is added as a pair (rewrite, position), got {pair!r}")
    rewrite, position = pair
    if position == "last":
        return rewrite, float("inf")
    if isinstance(position, bool) or not isinstance(position, (int, float)):
        raise TypeError(f"The position of a rewrite is a number or 'last', got {position!r}")
    return rewrite, float(position)
