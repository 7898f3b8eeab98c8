"""PipelineDB: the pipeline as the original's programs see it, a database of phases with positions (`optdb`).

It is a way in: the pipeline itself is a tuple of passes without numbers. What users register is kept here and put
between the passes, or among the rules of a pass, whenever a graph is rewritten by a query that names one of its tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from theano.graph.fgraph import FunctionGraph
from theano.rewriting.custom import LocalOptimizer, Optimizer, as_rule
from theano.rewriting.databases import DB, Entry, EquilibriumDB, SequenceDB, as_query, position_number
from theano.rewriting.engine import PassReport, report_error
from theano.rewriting.navigators import ChangeTracker
from theano.rewriting.query import Query
from theano.rewriting.rule import Rule, Site
from theano.rewriting.run import Pass, RewriteReport, run_passes


class PassDB(EquilibriumDB):
    """One pass: its rules, which are the library's, and those that users register.

    A local optimizer takes part in the pass as a rule, until nothing changes. An optimizer of whole graphs (or a
    database) runs right after the pass.
    """

    def __init__(self, of: Pass) -> None:
        super().__init__()
        self.of = of
        self.name = next(iter(of.tags), of.name)
        self._rules = {rule.name: rule for rule in of.rules}

    def put(self, name: str, obj: Any, *tags: str) -> None:
        """As `register`, in the place of what a user registered under that name before."""
        with self._lock:
            if name in self._entries:
                self.unregister(name)
            self.register(name, obj, *tags)

    def _retag(self, name: str, change: Any) -> None:
        if name in self._rules:
            raise ValueError(f"{name!r} is one of the library's own rules, whose tags are fixed. To do without it, "
                             f"exclude it: Mode.excluding({name!r}), or the flag optimizer_excluding={name}")
        super()._retag(name, change)

    def _find(self, name: str) -> Entry:
        if name in self._rules:
            return Entry(name, self._rules[name], self._rules[name].tags)
        return super()._find(name)

    def unregister(self, name: str) -> None:
        if name in self._rules:
            raise ValueError(f"{name!r} is one of the library's own rules: exclude it in a mode instead")
        super().unregister(name)

    def __contains__(self, name: str) -> bool:
        return name in self._entries or name in self._rules

    def __iter__(self) -> Any:
        return iter([*self._rules, *self._entries])

    def query(self, *tags: Any, **subqueries: Any) -> PipelineOptimizer:
        return PipelineOptimizer(lambda query: self.passes(query), as_query(tags, subqueries), self.name or "")

    def passes(self, query: Query) -> list[Pass]:
        """The pass with the rules that users added, and what they let run after it."""
        entries = list(self._entries.values())
        if not entries:
            return [self.of]
        added = tuple(rule_of(entry) for entry in entries if is_local(entry.obj))
        return [replace(self.of, added=added), *(user_pass(e, query) for e in entries if not is_local(e.obj))]


class PipelineDB(SequenceDB):
    """All passes, by the positions that the original's phases had, and what users register between them.

    optdb.register(name, rewrite, position, *tags)   a rewrite of graphs (`in2out(local optimizer)`, an Optimizer, a
        database), run at its position whenever a query includes its name or one of its tags ("fast_run": in the default
        mode; "fast_compile": in FAST_COMPILE)
    optdb["canonicalize"].register(name, rewrite, *tags)   see PassDB
    optdb.unregister(name)   takes out what was registered
    optdb.query(Query(include=["fast_run"])).optimize(fgraph)   runs the pipeline
    """

    name = "optdb"

    def __init__(
        self, passes: Sequence[Pass], positions: Mapping[str, float], other_names: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._passes = tuple(passes)
        self._parts = {p.name: PassDB(p) for p in passes if p.work is None}
        self._position = positions_of(passes, positions)
        parts = [p for p in reversed(self._passes) if p.work is None]
        names = {tag: p.name for p in parts for tag in p.tags if tag != "fast_compile"}
        self._names = {**names, **{name: name for name in self._parts}, **(other_names or {})}

    # -- what is in it --------------------------------------------------------------------------------------------

    def names_of_passes(self) -> list[str]:
        """All names by which a pass can be got."""
        return list(self._names)

    def register(  # type: ignore[override]
        self, name: str, obj: Any, position: Any, *tags: str, use_db_name_as_tag: bool = True
    ) -> None:
        """See the class. TypeError for what rewrites nodes only, ValueError if the name is taken."""
        if is_local(obj):
            raise TypeError(f"{name!r} rewrites nodes: make it a rewrite of graphs with theano.gof.opt.in2out, or let "
                            f"it take part in a pass, such as optdb['specialize'].register({name!r}, ...)")
        entry = self._entry(name, obj, tags, use_db_name_as_tag)
        self._add(replace(entry, position=position_number(position, name)))

    def _find(self, name: str) -> Entry:
        if name in self._names:
            part = self._parts[self._names[name]]
            return Entry(name, part, frozenset(part.of.tags), self._position[part.of.name])
        if name not in self._entries:
            known = ", ".join(map(repr, [*self._names, *self._entries]))
            raise KeyError(f"There is no pass and no rewrite called {name!r}; there are {known}")
        return self._entries[name]

    def _retag(self, name: str, change: Any) -> None:
        self._refuse(name)
        super()._retag(name, change)

    def unregister(self, name: str) -> None:
        self._refuse(name)
        super().unregister(name)

    def _refuse(self, name: str) -> None:
        if name in self._names:
            raise ValueError(f"{name!r} is one of the library's own passes. To do without it, exclude it: "
                             f"Mode.excluding({name!r})")

    def unregister_everywhere(self, name: str) -> None:
        """Take out what is registered under `name`, here and in any pass."""
        for db in (self, *self._parts.values()):
            with db._lock:
                if name in db._entries:
                    db.unregister(name)

    def __contains__(self, name: str) -> bool:
        return name in self._names or name in self._entries

    def __iter__(self) -> Any:
        return iter(self.__position__)

    @property
    def __position__(self) -> dict[str, float]:
        """{name: position} of the passes, under their names here and the original's, and of what users registered."""
        found = {name: self._position[p] for name, p in self._names.items()}
        found.update((name, entry.position) for name, entry in self._entries.items())
        return dict(sorted(found.items(), key=lambda item: item[1]))

    # -- queries --------------------------------------------------------------------------------------------------

    def query(self, *tags: Any, position_cutoff: float | None = None, **subqueries: Any) -> PipelineOptimizer:
        query = as_query(tags, subqueries)
        if position_cutoff is not None:
            query = replace(query, position_cutoff=position_cutoff)
        return PipelineOptimizer(self.passes, query, "optdb")

    def passes(self, query: Query, position_cutoff: float = float("inf")) -> Sequence[Pass]:
        """The pipeline with what users added and what `query` brings along, as far as the smaller cutoff."""
        cutoff = min(position_cutoff, query.position_cutoff)
        placed = [(self._position[p.name], q) for p in self._passes for q in self._with_users(p, query)]
        entries = sorted(self._entries.values(), key=lambda e: (e.position, e.name))
        placed += [(entry.position, user_pass(entry, query)) for entry in entries]
        placed += [(position, brought(obj)) for obj, position in query.extra_optimizations]
        chosen = [(position, p) for position, p in placed if p.always or position <= cutoff]
        return [p for _, p in sorted(chosen, key=lambda pair: (pair[1].always, pair[0]))]

    def _with_users(self, p: Pass, query: Query) -> list[Pass]:
        part = self._parts.get(p.name)
        return [p] if part is None else part.passes(query)


class PipelineOptimizer(Optimizer):
    """What a query selects of the pipeline, as an Optimizer: `optimize(fgraph)` gives the report."""

    def __init__(self, passes: Any, query: Query, name: str) -> None:
        self.passes, self.query, self.name = passes, query, name

    def apply(self, fgraph: FunctionGraph) -> RewriteReport:
        return run_passes(fgraph, self.passes(self.query), self.query)

    def print_summary(self, stream: Any = None, level: int = 0, depth: int = -1) -> None:
        super().print_summary(stream, level, 0)
        for p in self.passes(self.query):
            if p.is_wanted(self.query):
                print(f"{' ' * level}  {p.name}", file=stream)


def positions_of(passes: Iterable[Pass], known: Mapping[str, float]) -> dict[str, float]:
    """A position for each pass: the known one, else right behind the pass before."""
    found: dict[str, float] = {}
    last = 0.0
    for p in passes:
        last = found[p.name] = known.get(p.name, last + 0.01)
    return found


def is_local(obj: Any) -> bool:
    """Does it rewrite nodes?"""
    graphs = callable(getattr(obj, "optimize", None)) or callable(getattr(obj, "apply", None))
    return isinstance(obj, (LocalOptimizer, Rule)) or (hasattr(obj, "transform") and not graphs)


@lru_cache(maxsize=512)
def rule_of(entry: Entry) -> Rule:
    """One Rule for an entry, so that the engine knows it again."""
    if isinstance(entry.obj, Rule):
        return replace(entry.obj, name=entry.name, tags=entry.labels)
    return as_rule(entry.obj, tuple(entry.labels), entry.name)


def user_pass(entry: Entry, query: Query) -> Pass:
    """What a user registered, as a pass."""

    def work(site: Site, report: PassReport) -> None:
        obj = entry.obj.query(query.within(entry.name)) if isinstance(entry.obj, DB) else entry.obj
        run_optimizer(obj, entry.name, site, report)

    return Pass(entry.name, tuple(sorted(entry.labels)), work=work, owner="user")


def brought(obj: Any) -> Pass:
    """What a query brings along, as a pass."""
    name = getattr(obj, "name", None) or getattr(obj, "__name__", None) or type(obj).__name__
    return Pass(str(name), (), work=lambda site, report: run_optimizer(obj, str(name), site, report), owner="query")


def run_optimizer(obj: Any, name: str, site: Site, report: PassReport) -> None:
    """Let an optimizer (or a function) change the graph, and note what it did. One that raises is reported and left."""
    work = getattr(obj, "optimize", None) or getattr(obj, "apply", None) or obj
    changes = ChangeTracker()
    site.fgraph.attach_feature(changes)
    try:
        done = work(site.fgraph)
    except Exception as error:
        report.failures.append((name, f"{type(error).__name__}: {error}"))
        report_error(error, f"The rewrite {name} failed and was left")
        return
    finally:
        site.fgraph.remove_feature(changes)
    if isinstance(done, PassReport):
        report.fired.update(done.fired)
        report.where.extend(done.where)
        report.failures.extend(done.failures)
    elif changes.changed:
        report.fired[name] += 1


__all__ = ["PassDB", "PipelineDB", "PipelineOptimizer"]
