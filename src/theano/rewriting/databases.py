"""Databases of rewrites with names and tags, from which a Query makes an Optimizer.

These stand by themselves. The pipeline is no database, but a list that one reads (`compile/pipeline.py`);
`theano.compile.mode.optdb`, made of these classes, is how users put rewrites of their own into it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from theano._records import record_class
from theano.rewriting.custom import FromFunctionOptimizer, LocalOptGroup, LocalOptimizer, SeqOptimizer
from theano.rewriting.navigators import EquilibriumOptimizer, TopoOptimizer
from theano.rewriting.query import Query

LAST = float("inf")


@record_class(frozen=True)
class Entry:
    """What is registered under a name: a rewrite or a database, its tags, and its position where there is an order."""

    name: str
    obj: Any
    tags: frozenset[str]
    position: float = LAST
    final: bool = False
    cleanup: bool = False

    @property
    def labels(self) -> frozenset[str]:
        """Everything that a Query may name it by."""
        return self.tags | {self.name, type(self.obj).__name__}


class DB:
    """Rewrites (local or global optimizers, and other databases) with names and tags.

    Entries are replaced, never changed, so that one thread may read while another registers.
    """

    name: str | None = None

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._lock = threading.RLock()

    # -- what is in it --------------------------------------------------------------------------------------------

    def register(self, name: str, obj: Any, *tags: str, use_db_name_as_tag: bool = True) -> None:
        """Add `obj` under a name, which is a tag too, with tags. The name of this database becomes one of them.

        TypeError if it is no rewrite, ValueError if the name is taken: `unregister` it first.
        """
        self._add(self._entry(name, obj, tags, use_db_name_as_tag))

    def _entry(self, name: str, obj: Any, tags: Iterable[str], use_db_name_as_tag: bool = True) -> Entry:
        if not isinstance(name, str):
            raise TypeError(f"A rewrite is registered under a name, got {name!r}")
        if not is_rewrite(obj):
            raise TypeError(f"{name!r} cannot be registered: a rewrite is a local optimizer, an optimizer or a "
                            f"database, got {obj!r}")
        wrong = [tag for tag in tags if not isinstance(tag, str)]
        if wrong:
            raise TypeError(f"Tags are strings, got {wrong[0]!r} for {name!r}")
        own = {self.name} if use_db_name_as_tag and self.name else set()
        return Entry(name, obj, frozenset(tags) | own)

    def _add(self, entry: Entry) -> None:
        with self._lock:
            if entry.name in self:
                raise ValueError(f"The name {entry.name!r} is taken in {self}: choose another, or unregister it first")
            if isinstance(entry.obj, DB) and entry.obj.name is None:
                entry.obj.name = entry.name
            self._entries = {**self._entries, entry.name: entry}

    def unregister(self, name: str) -> None:
        """Take out what is registered under `name`. KeyError if there is nothing."""
        with self._lock:
            self._find(name)
            self._entries = {n: entry for n, entry in self._entries.items() if n != name}

    def add_tags(self, name: str, *tags: str) -> None:
        """Give more tags to what is registered under `name`."""
        self._retag(name, lambda old: old | set(tags))

    def remove_tags(self, name: str, *tags: str) -> None:
        """Take tags from what is registered under `name`."""
        self._retag(name, lambda old: old - set(tags))

    def _retag(self, name: str, change: Callable[[frozenset[str]], Any]) -> None:
        with self._lock:
            entry = self._find(name)
            self._entries = {**self._entries, name: replace(entry, tags=frozenset(change(entry.tags)))}

    def _find(self, name: str) -> Entry:
        if name not in self._entries:
            raise KeyError(f"{self} has nothing called {name!r}; it has {', '.join(map(repr, self._entries))}")
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Any:
        return self._find(name).obj

    def __iter__(self) -> Any:
        return iter(self._entries)

    # -- queries --------------------------------------------------------------------------------------------------

    def query(self, *tags: Any, **subqueries: Any) -> Any:
        """What a Query selects, ready to be applied to a graph.

        tags         a Query; or strings "+tag" (include; a bare "tag" too), "-tag" (exclude), "&tag" (require)
        subqueries   {name of a database in here: its own tags}
        """
        return self._build(self._chosen(as_query(tags, subqueries)))

    def _chosen(self, query: Query) -> list[Entry]:
        """The selected entries, databases among them replaced by what they give."""
        found = [entry for entry in self._entries.values() if query.wants(entry.labels)]
        return [
            replace(entry, obj=entry.obj.query(query.within(entry.name))) if isinstance(entry.obj, DB) else entry
            for entry in found
        ]

    def _build(self, entries: Sequence[Entry]) -> Any:
        return {entry.obj for entry in entries}

    def print_summary(self, stream: Any = None) -> None:
        """Write the names and tags to `stream`."""
        out = stream or sys.stdout
        print(f"{self}", file=out)
        for name in self:
            entry = self._entries.get(name)
            print(f"  {name}: {sorted(entry.tags) if entry is not None else ''}", file=out)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.name or ''})"

    __repr__ = __str__


class EquilibriumDB(DB):
    """A database that gives an EquilibriumOptimizer."""

    def __init__(self, ignore_newtrees: bool = True, tracks_on_change_inputs: bool = False) -> None:
        super().__init__()
        self.ignore_newtrees = ignore_newtrees
        self.tracks_on_change_inputs = tracks_on_change_inputs

    def register(  # type: ignore[override]
        self, name: str, obj: Any, *tags: str, final_opt: bool = False, cleanup: bool = False,
        use_db_name_as_tag: bool = True,
    ) -> None:  # fmt: skip
        """As DB.register. final_opt, cleanup: among the EquilibriumOptimizer's final_optimizers, cleanup_optimizers."""
        if final_opt and cleanup:
            raise ValueError(f"{name!r} comes last in each round or cleans up after each optimizer, not both")
        self._add(replace(self._entry(name, obj, tags, use_db_name_as_tag), final=final_opt, cleanup=cleanup))

    def _build(self, entries: Sequence[Entry]) -> EquilibriumOptimizer:
        return EquilibriumOptimizer(
            [e.obj for e in entries if not (e.final or e.cleanup)],
            ignore_newtrees=self.ignore_newtrees,
            tracks_on_change_inputs=self.tracks_on_change_inputs,
            final_optimizers=[e.obj for e in entries if e.final],
            cleanup_optimizers=[e.obj for e in entries if e.cleanup],
            name=self.name,
        )


class SequenceDB(DB):
    """A database with positions, which gives a SeqOptimizer: smaller positions run first, equal ones by name."""

    def __init__(self, failure_callback: Any = SeqOptimizer.warn) -> None:
        super().__init__()
        self.failure_callback = failure_callback

    def register(  # type: ignore[override]
        self, name: str, obj: Any, position: Any, *tags: str, use_db_name_as_tag: bool = True
    ) -> None:
        """As DB.register, at a position: a number or "last"."""
        if isinstance(obj, LocalOptimizer):
            raise TypeError(f"{name!r} rewrites nodes: make it a rewrite of graphs with theano.gof.opt.in2out")
        entry = self._entry(name, obj, tags, use_db_name_as_tag)
        self._add(replace(entry, position=position_number(position, name)))

    @property
    def __position__(self) -> dict[str, float]:
        """{name: position}"""
        return {name: entry.position for name, entry in self._entries.items()}

    def query(self, *tags: Any, position_cutoff: float | None = None, **subqueries: Any) -> Any:
        query = as_query(tags, subqueries)
        if position_cutoff is not None:
            query = replace(query, position_cutoff=position_cutoff)
        extra = [
            Entry("", o if hasattr(o, "optimize") else FromFunctionOptimizer(getattr(o, "apply", o)), frozenset(), p)
            for o, p in query.extra_optimizations
        ]
        return self._build([e for e in [*self._chosen(query), *extra] if e.position <= query.position_cutoff])

    def _build(self, entries: Sequence[Entry]) -> Any:
        ordered = sorted(sorted(entries, key=lambda e: e.name), key=lambda e: e.position)
        return SeqOptimizer([e.obj for e in ordered], failure_callback=self.failure_callback, name=self.name)


class LocalGroupDB(DB):
    """A database of local optimizers, which gives a LocalOptGroup.

    apply_all_opts   as that of LocalOptGroup; local_opt: the class that is made
    """

    def __init__(
        self, apply_all_opts: bool = False, profile: bool = False, local_opt: Callable[..., Any] = LocalOptGroup
    ) -> None:
        super().__init__()
        self.apply_all_opts, self.profile, self.local_opt = apply_all_opts, profile, local_opt

    def register(  # type: ignore[override]
        self, name: str, obj: Any, *tags: str, position: Any = "last", use_db_name_as_tag: bool = True
    ) -> None:
        """As DB.register. The optimizers are asked in the order of their positions, then of registration."""
        entry = self._entry(name, obj, tags, use_db_name_as_tag)
        self._add(replace(entry, position=position_number(position, name)))

    def _build(self, entries: Sequence[Entry]) -> Any:
        ordered = sorted(entries, key=lambda e: e.position)
        return self.local_opt(*[e.obj for e in ordered], apply_all_opts=self.apply_all_opts, profile=self.profile)


class TopoDB(DB):
    """Gives a TopoOptimizer of what the database `db` of local optimizers gives."""

    def __init__(
        self, db: DB, order: str = "in_to_out", ignore_newtrees: bool = False, failure_callback: Any = None
    ) -> None:
        super().__init__()
        self.db, self.order, self.ignore_newtrees = db, order, ignore_newtrees
        self.failure_callback = failure_callback

    def query(self, *tags: Any, **subqueries: Any) -> TopoOptimizer:
        group = self.db.query(*tags, **subqueries)
        return TopoOptimizer(group, self.order, self.ignore_newtrees, self.failure_callback)


class ProxyDB(DB):
    """Another database, to be used in a sequence again."""

    def __init__(self, db: DB) -> None:
        if not isinstance(db, DB):
            raise TypeError(f"ProxyDB stands for a database, got {db!r}")
        super().__init__()
        self.db = db

    def query(self, *tags: Any, **subqueries: Any) -> Any:
        return self.db.query(*tags, **subqueries)


def is_rewrite(obj: Any) -> bool:
    """Is it a database, or something that rewrites a node (transform) or a graph (optimize, apply)?"""
    names = ("transform", "optimize", "apply")
    return isinstance(obj, DB) or (not isinstance(obj, type) and any(callable(getattr(obj, n, None)) for n in names))


def position_number(position: Any, name: str) -> float:
    if isinstance(position, str) and position == "last":
        return LAST
    if isinstance(position, bool) or not isinstance(position, (int, float)):
        raise TypeError(f"The position of {name!r} must be a number or 'last', got {position!r}")
    return float(position)


def as_query(tags: Sequence[Any], subqueries: dict[str, Any]) -> Query:
    """A Query of what `DB.query` was called with."""
    if len(tags) == 1 and isinstance(tags[0], Query):
        if subqueries:
            raise TypeError("A Query says by itself what its subqueries are")
        return tags[0]
    chosen: dict[str, set[str]] = {"+": set(), "-": set(), "&": set()}
    for tag in tags:
        if not isinstance(tag, str) or not tag:
            raise TypeError(f"query takes a Query, or tags such as '+fast_run' and '-fusion', got {tag!r}")
        sign, name = (tag[0], tag[1:]) if tag[0] in chosen else ("+", tag)
        chosen[sign].add(name)
    inner = {
        name: as_query([t] if isinstance(t, (str, Query)) else list(t), {}) for name, t in subqueries.items()
    }
    return Query(chosen["+"], chosen["&"], chosen["-"], subquery=inner)


__all__ = ["DB", "EquilibriumDB", "LocalGroupDB", "ProxyDB", "SequenceDB", "TopoDB"]
