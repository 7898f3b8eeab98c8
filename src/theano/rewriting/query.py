"""Query: which passes and rules to run, by name and tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

ALL = "fast_run"  # every pass and rule has this tag


@dataclass(frozen=True)
class Query:
    """A selection of passes and rules.

    include     tags or names of which one must fit ("fast_run": everything, "fast_compile": the cheap ones)
    require     tags that all must fit
    exclude     tags or names of which none may fit ("assumes": every rule that is not exact in IEEE arithmetic)
    stop_after  name of the last pass to run
    verify      evaluate the graph after each pass, and name the first pass that changes a value
    """

    include: frozenset[str] = frozenset()
    require: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    stop_after: str | None = None
    verify: bool = False

    def __init__(
        self,
        include: Iterable[str] | str | None = (),
        require: Iterable[str] | str | None = (),
        exclude: Iterable[str] | str | None = (),
        stop_after: str | None = None,
        verify: bool = False,
    ) -> None:
        object.__setattr__(self, "include", _tags(include))
        object.__setattr__(self, "require", _tags(require))
        object.__setattr__(self, "exclude", _tags(exclude))
        object.__setattr__(self, "stop_after", stop_after)
        object.__setattr__(self, "verify", verify)

    def including(self, *tags: str) -> Query:
        return replace(self, include=self.include | set(tags), exclude=self.exclude - set(tags))

    def excluding(self, *tags: str) -> Query:
        return replace(self, exclude=self.exclude | set(tags))

    def requiring(self, *tags: str) -> Query:
        return replace(self, require=self.require | set(tags))

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
