"""explain: what the compiler did to an expression, pass by pass, and what runs in the end.

A function keeps the expressions that it was made from. To explain it these are rewritten once more, with somebody who
listens (`rewriting/record.py`): a function that nobody asks about pays nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from theano._records import field, record_class
from theano.compile.function import function
from theano.compile.function_object import Function
from theano.compile.pipeline import optdb
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Constant, Variable
from theano.graph.shared import SharedVariable
from theano.graph.traverse import graph_inputs
from theano.rewriting.engine import PassReport
from theano.rewriting.query import ALL, Query
from theano.rewriting.record import Change, Recorder
from theano.rewriting.run import Pass

SHOWN = 3  # changes of one rule that are printed


@record_class()
class RuleUse:
    """What one rule did: how often it was applied, in which passes, and `changes`, what it replaced by what and where.

    statement   the identity, before -> after
    assumes     what it takes for granted beyond IEEE arithmetic, as "rounding" or "finite"; empty: nothing
    """

    name: str
    statement: str
    assumes: frozenset[str]
    count: int = 0
    passes: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def __str__(self) -> str:
        taken = f"  (assumes {', '.join(sorted(self.assumes))})" if self.assumes else ""
        lines = [f"  {self.name} x{self.count}{taken}: {' '.join(self.statement.split())}"]
        counted = Counter((str(change), str(change.origin or "")) for change in self.changes)
        for (text, place), count in list(counted.items())[:SHOWN]:
            lines.append(f"      {text}" + (f"   x{count}" if count > 1 else ""))
            lines.extend([f"        {place}"] if place else [])
        if len(counted) > SHOWN:
            lines.append(f"      and {len(counted) - SHOWN} more")
        return "\n".join(lines)


class Explanation:
    """What `explain` found out; print it.

    passes     [PassReport]: name, nodes_before, nodes_after, seconds, fired {rule: how often}, of every pass
    rules      {name: RuleUse}, the most applied ones first
    changes    [Change] in order: rule, before, after, origin (the user's line), in_pass
    written    the graph before any rewriting, a FunctionGraph; `graph_after(name)` that after a pass
    program    the Program that runs: kernels, calls of libraries, views. None on the reference backend
    """

    def __init__(self, compiled: Function) -> None:
        maker = compiled.maker
        self.title = repr(compiled)
        self.written: FunctionGraph = maker.written_graph()
        recorder = Recorder()
        fgraph = self.written.clone()
        fgraph.attach_feature(recorder)
        self.report = maker.mode.rewrite(fgraph)
        self.passes: list[PassReport] = self.report.passes
        self.changes = recorder.changes
        self.rules = _uses(self.passes, recorder.changes)
        self.program = compiled.program
        self._graphs = recorder.graphs

    def graph_after(self, name: str) -> FunctionGraph:
        """The graph as it was after a pass, given by its name ("use BLAS") or a tag of it ("blas").

        ValueError if no such pass ran.
        """
        if name in self._graphs:
            return self._graphs[name]
        for p in _all_passes():
            if name in p.tags and p.name in self._graphs:
                return self._graphs[p.name]
        ran = ", ".join(repr(p) for p in self._graphs)
        raise ValueError(f"No pass {name!r} ran; there were {ran or 'none in this mode'}")

    def __str__(self) -> str:
        report = self.report
        lines = [self.title, f"{report.nodes_before} -> {report.nodes_after} nodes in {report.milliseconds:.1f} ms", ""]
        lines.append(f"{'pass':<32}{'nodes':>14}{'ms':>8}  rules")
        for done in self.passes:
            fired = ", ".join(f"{name} {count}" for name, count in done.fired.most_common())
            nodes = f"{done.nodes_before} -> {done.nodes_after}"
            lines.append(f"{done.name:<32}{nodes:>14}{done.seconds * 1e3:>8.1f}  {fired}".rstrip())
            lines.extend(f"  {rule} failed and was skipped: {what}" for rule, what in done.failures)
            if done.stopped:
                lines.append("  stopped: its rules did not come to an end")
        if self.rules:
            lines += ["", "rules:", *map(str, self.rules.values())]
        lines += ["", self._what_runs()]
        return "\n".join(lines)

    def _what_runs(self) -> str:
        if self.program is None:
            return f"runs node by node: {self.report.nodes_after} nodes"
        kinds = Counter(type(step).__name__.removesuffix("Step").lower() for step in self.program.steps)
        kinds.pop("free", None)
        return "runs as " + (", ".join(f"{count} x {kind}" for kind, count in kinds.items()) or "nothing: no steps")

    def __repr__(self) -> str:
        return f"<explanation of {self.title}: {len(self.passes)} passes, {len(self.rules)} rules>"


def _all_passes() -> Sequence[Pass]:
    return optdb.passes(Query(include=(ALL,)), float("inf"))


def _uses(passes: Sequence[PassReport], changes: Sequence[Change]) -> dict[str, RuleUse]:
    known = {rule.name: rule for p in _all_passes() for rule in (*p.rules, *p.added)}
    uses: dict[str, RuleUse] = {}
    for done in passes:
        for name, count in done.fired.items():
            rule = known.get(name)
            use = uses.get(name)
            if use is None:
                use = uses[name] = RuleUse(name, rule.doc if rule else "", rule.assumes if rule else frozenset())
            use.count += count
            use.passes[done.name] += count
    for change in changes:
        if change.rule in uses:
            uses[change.rule].changes.append(change)
    return dict(sorted(uses.items(), key=lambda item: -item[1].count))


def explain(f_or_inputs: Any, outputs: Any = None, mode: Any = None, **options: Any) -> Explanation:
    """What the compiler does to a function: the passes, the rules that were applied and where, and what runs.

    f_or_inputs   a compiled function; or the inputs of a function of `outputs`; or, alone, one expression or several
    mode, options as for `theano.function` (updates, givens, ...), with expressions

    Nothing is kept for this when a function is compiled: its expressions are rewritten once more. ValueError for a
    function that was unpickled, which has no expressions any more; TypeError for something else.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> found = theano.explain(tt.log(1 + tt.exp(x)))
    >>> print(found.rules["log1p"].changes[0])
    log((1 + exp(x))) -> log1p(exp(x))
    >>> found.graph_after("stabilize").outputs
    [Elemwise{softplus}.0]
    """
    if isinstance(f_or_inputs, Function):
        if outputs is not None or mode is not None or options:
            raise TypeError("A compiled function is explained as it is: give no outputs, mode or options with it")
        return Explanation(f_or_inputs)
    inputs = f_or_inputs
    if outputs is None and not options.get("updates"):
        outputs = f_or_inputs
        listed = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        if not all(isinstance(v, Variable) for v in listed):
            raise TypeError(f"explain takes a compiled function or expressions, got {f_or_inputs!r}")
        inputs = [v for v in graph_inputs(listed) if not isinstance(v, (Constant, SharedVariable))]
    return Explanation(function(inputs, outputs, mode, **{"on_unused_input": "ignore", **options}))


__all__ = ["Explanation", "RuleUse", "explain"]
