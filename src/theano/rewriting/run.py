"""Running passes over a graph: what a pass is, the report of what it did, and the check that it changed no value."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from theano._collector import collector_paused
from theano._provenance import Origin
from theano._records import field, record_class
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport, apply_rules
from theano.rewriting.query import ALL, Query
from theano.rewriting.rule import Rule, Site
from theano.tensor.type import TensorType


@record_class(frozen=True)
class Pass:
    """One step of the pipeline.

    name     a verb phrase, shown to the user
    tags     by which a Query selects it, besides its name
    rules    applied until none applies
    work     for a pass that is no rule set: (site, report) -> None
    always   run whatever the Query says, and no reason to look at a graph by itself
    added    rules of users: each is selected by its own tags alone, not by those of the pass
    only_with  run only over graphs that have a node of this op (with rules of users, over all graphs)
    owner    who brought it: "pipeline", this library; "user": it is selected by its tags alone; "query": always run
    """

    name: str
    tags: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    work: Callable[[Site, PassReport], None] | None = None
    always: bool = False
    added: tuple[Rule, ...] = ()
    only_with: type | None = None
    owner: str = "pipeline"

    def is_wanted(self, query: Query) -> bool:
        labels = frozenset([self.name, *self.tags])
        if self.owner == "user":
            return query.wants(labels)
        return self.always or self.owner == "query" or query.wants_pass(labels | {ALL})

    def concerns(self, fgraph: FunctionGraph) -> bool:
        """Has it anything to do for this graph?"""
        kind = self.only_with
        return kind is None or bool(self.added) or any(isinstance(node.op, kind) for node in fgraph.apply_nodes)


@record_class()
class RewriteReport:
    """What happened to a graph: one PassReport for each pass that ran."""

    passes: list[PassReport] = field(default_factory=list)
    nodes_before: int = 0
    nodes_after: int = 0
    seconds: float = 0.0
    changed_by: str | None = None  # with verify: the first pass that changed a value

    @property
    def milliseconds(self) -> float:
        return self.seconds * 1e3

    def fired(self) -> dict[str, int]:
        """{rule: how often it was applied}"""
        total: dict[str, int] = {}
        for report in self.passes:
            for name, count in report.fired.items():
                total[name] = total.get(name, 0) + count
        return total

    def explain(self) -> str:
        """For every pass the rules that were applied, to which op, and the user's line that built it."""
        lines = [f"{self.nodes_before} -> {self.nodes_after} nodes in {self.milliseconds:.1f} ms"]
        for report in self.passes:
            lines.append(str(report))
            lines.extend(f"    {name}: {op} ({origin or Origin([])})" for name, op, origin in report.where)
            lines.extend(f"    {name} failed: {what}" for name, what in report.failures)
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [f"{self.nodes_before} -> {self.nodes_after} nodes in {self.milliseconds:.1f} ms"]
        return "\n".join(lines + [f"  {report}" for report in self.passes])


class RewriteChangedValue(AssertionError):
    """With verify: a pass changed what the graph computes."""


def run_passes(fgraph: FunctionGraph, passes: Sequence[Pass], query: Query) -> RewriteReport:
    """Run the selected passes in order over `fgraph`, which they change."""
    with collector_paused():
        return _run_passes(fgraph, passes, query)


def _run_passes(fgraph: FunctionGraph, passes: Sequence[Pass], query: Query) -> RewriteReport:
    report = RewriteReport(nodes_before=len(fgraph))
    began = time.perf_counter()
    wanted = [p for p in passes if p.is_wanted(query)]
    if any(not p.always for p in wanted):
        dims = Dims(dict(SPEAKERS))
        fgraph.attach_feature(dims)
        site = Site(fgraph, dims, signed_zeros=not query.exclude.isdisjoint(("assumes", "assumes:signed_zero")))
        checker = ValueCheck(fgraph) if query.verify else None
        try:
            for p in wanted:
                if not p.concerns(fgraph) and p.name != query.stop_after:
                    continue
                done = run_pass(site, p, query)
                report.passes.append(done)
                fgraph.execute_callbacks("on_pass", done)
                if checker is not None:
                    checker.compare(fgraph, done)
                if p.name == query.stop_after:
                    break
        finally:
            fgraph.remove_feature(dims)
    report.nodes_after = len(fgraph)
    report.seconds = time.perf_counter() - began
    return report


def run_pass(site: Site, p: Pass, query: Query) -> PassReport:
    done = PassReport(p.name, nodes_before=len(site.fgraph))
    began = time.perf_counter()
    site.shapes.forget()
    if p.work is not None:
        p.work(site, done)
    apply_rules(site.fgraph, selected(p, query.within(p.name, *p.tags)), site, done)
    done.nodes_after = len(site.fgraph)
    done.seconds = time.perf_counter() - began
    return done


@lru_cache(maxsize=128)
def selected(p: Pass, query: Query) -> tuple[Rule, ...]:
    """The rules of a pass that a query wants."""
    inherited = frozenset([ALL, p.name, *p.tags]) - {"fast_compile"}  # of a pass in it, only the rules in it too
    own = tuple(rule for rule in p.rules if query.wants(rule.labels() | inherited))
    return (*own, *(rule for rule in p.added if query.wants(rule.labels())))


class ValueCheck:
    """Values of the outputs for sampled inputs, compared after each pass."""

    def __init__(self, fgraph: FunctionGraph, seed: int = 0) -> None:
        self.values = sample_inputs(fgraph, seed)
        self.before = self.evaluated(fgraph)

    def evaluated(self, fgraph: FunctionGraph) -> list[Any] | Exception:
        try:
            return evaluate(fgraph.outputs, self.values)
        except Exception as error:
            return error

    def compare(self, fgraph: FunctionGraph, done: PassReport) -> None:
        """Raise RewriteChangedValue if the outputs are no longer what they were."""
        now = self.evaluated(fgraph)
        if isinstance(self.before, Exception):
            if isinstance(now, Exception):
                return
            raise RewriteChangedValue(f"The pass {done.name!r} removed the error {self.before!r}. It did: {done}")
        if isinstance(now, Exception):
            raise RewriteChangedValue(f"The pass {done.name!r} brought the error {now!r}. It did: {done}") from now
        for number, (old, new) in enumerate(zip(self.before, now)):
            if not agree(old, new):
                raise RewriteChangedValue(
                    f"The pass {done.name!r} changed output {number} from {old!r} to {new!r}. It did: {done}"
                )


def agree(old: Any, new: Any) -> bool:
    """Equal but for rounding; where `old` is NaN or infinite, `new` may be better."""
    if not isinstance(old, np.ndarray) or not isinstance(new, np.ndarray):
        return True
    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    if old.dtype.kind not in "fc":
        return bool(np.array_equal(old, new))
    tolerance = 1e-7 if old.dtype.itemsize >= 8 and old.dtype != np.complex64 else 1e-3
    with np.errstate(all="ignore"):
        scale = np.max(np.abs(old[np.isfinite(old)]), initial=1.0)
        close = np.isclose(new, old, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    return bool(np.all(close | ~np.isfinite(old)))


def sample_inputs(fgraph: FunctionGraph, seed: int) -> dict[Any, Any]:
    """Values for the inputs of a graph; axes that must agree get one length."""
    rng = np.random.default_rng(seed)
    dims = Dims(dict(SPEAKERS))
    dims.on_attach(fgraph)
    lengths: dict[Any, int] = {}
    values: dict[Any, Any] = {}
    for variable in fgraph.inputs:
        container = getattr(variable, "container", None)
        if container is not None and container.value is not None:
            values[variable] = container.value
            continue
        kind = variable.type
        if not isinstance(kind, TensorType):
            raise TypeError(f"verify cannot make a value of type {kind} for the input {variable}")
        shape = []
        for axis, n in enumerate(kind.shape):
            root = dims.find((variable, axis) if n is None else n)
            source = dims.source(root)
            shape.append(source if isinstance(source, int) else lengths.setdefault(root, 3))
        if kind.dtype == "bool":
            values[variable] = rng.random(shape) < 0.5
        elif kind.dtype.startswith(("int", "uint")):
            values[variable] = rng.integers(1, 3, shape).astype(kind.dtype)
        elif kind.dtype.startswith("complex"):
            values[variable] = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(kind.dtype)
        else:
            values[variable] = np.asarray(rng.uniform(0.1, 1.5, shape)).astype(kind.dtype)
    return values
