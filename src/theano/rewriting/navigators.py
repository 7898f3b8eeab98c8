"""Apply local optimizers to a whole graph: in one sweep (TopoOptimizer), or until nothing changes.

The pipeline does this by its own engine (`engine.py`), which is linear in the graph. These are for optimizers that
users put together by hand; a budget stops those that do not come to an end.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from theano._config import config
from theano._provenance import inherit
from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Apply, Variable
from theano.rewriting.custom import LocalOptGroup, Optimizer, as_local, as_rule, is_wanted
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import (
    APPLICATIONS,
    SLACK,
    PassReport,
    RewriteBudgetWarning,
    RuleIndex,
    apply_rules,
    as_pairs,
    checked,
    complain,
)
from theano.rewriting.rule import Rule, Site

FailureCallback = Callable[[Exception, Any, list[tuple[Any, Any]], Any, Apply], None]


class _Entering(Feature):
    """Collects the nodes that enter the graph."""

    def __init__(self, take: Callable[[Apply], None]) -> None:
        self.take = take

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.take(node)


class NavigatorOptimizer(Optimizer):
    """Base of optimizers that apply a local optimizer to nodes.

    local_opt         the local optimizer
    ignore_newtrees   True: not to nodes that it made; False: to these too; "auto": to these too, unless the local
                      optimizer has an attribute `reentrant` that says no
    failure_callback  called with (exception, this, [(old, new)], local optimizer, node) when the local optimizer
                      raises; None: what config.on_opt_error says
    """

    def __init__(
        self, local_opt: Any, ignore_newtrees: Any = "auto", failure_callback: FailureCallback | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.local_opt = local_opt = as_local(local_opt)
        if ignore_newtrees == "auto":
            ignore_newtrees = not getattr(local_opt, "reentrant", True)
        self.ignore_newtrees = bool(ignore_newtrees)
        self.failure_callback = failure_callback
        self.name = name or getattr(local_opt, "name", None)

    @staticmethod
    def warn(exception: Exception, nav: Any, pairs: Any, local_opt: Any, node: Apply) -> None:
        """A failure_callback that does as config.on_opt_error says."""
        complain(as_rule(local_opt), node, exception, PassReport("local"))

    @staticmethod
    def warn_ignore(exception: Exception, nav: Any, pairs: Any, local_opt: Any, node: Apply) -> None:
        """A failure_callback that does nothing."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        self.local_opt.add_requirements(fgraph)

    def process_node(self, fgraph: FunctionGraph, node: Apply, lopt: Any = None) -> bool:
        """Apply the local optimizer to one node; True if the graph changed."""
        dims = Dims(dict(SPEAKERS))
        fgraph.attach_feature(dims)
        try:
            opt = as_local(lopt or self.local_opt)
            return self._process(Site(fgraph, dims), node, opt, as_rule(opt), PassReport(self.name or "local"))
        finally:
            fgraph.remove_feature(dims)

    def _process(self, site: Site, node: Apply, opt: Any, rule: Rule, report: PassReport) -> bool:
        fgraph, pairs = site.fgraph, list[tuple[Variable, Variable]]()
        if not is_wanted(opt, node):
            return False
        report.visits += 1
        try:
            site.findings.clear()
            with inherit(node.origin):
                found = rule.apply(node, site)
                if found is None or found is False:
                    return False
                pairs = as_pairs(node, found)
                good = [(old, v) for old, new in pairs if (v := checked(fgraph, rule, old, new)) is not None]
                if not good:
                    return False
                fgraph.replace_all(good, rule.name)
        except Exception as error:
            if self.failure_callback is None:
                complain(rule, node, error, report)
            else:
                self.failure_callback(error, self, pairs, opt, node)
            return False
        for old, new in good:
            site.dims.replaced([(old, new)])
        report.fired[rule.name] += 1
        report.where.append((rule.name, str(node.op), node.origin))
        return True

    def _sweep(self, fgraph: FunctionGraph, backwards: bool = False) -> PassReport:
        """Apply the local optimizer to each node (and to those that enter, unless `ignore_newtrees`)."""
        queue = deque(fgraph.toposort())
        budget = APPLICATIONS * len(queue) + SLACK
        report = PassReport(self.name or type(self).__name__, nodes_before=len(fgraph))
        current: list[Apply | None] = [None]
        dims, rule = Dims(dict(SPEAKERS)), as_rule(self.local_opt)

        def take(node: Apply) -> None:
            if not self.ignore_newtrees and node is not current[0]:
                queue.append(node)

        entering = _Entering(take)
        fgraph.attach_feature(dims)
        fgraph.attach_feature(entering)
        site = Site(fgraph, dims)
        try:
            while queue:
                node = queue.pop() if backwards else queue.popleft()
                if node not in fgraph.apply_nodes:
                    continue
                current[0] = node
                budget -= self._process(site, node, self.local_opt, rule, report)
                if budget < 0:
                    report.stopped = True
                    warnings.warn(f"{self} was stopped: what it makes, it changes again without end",
                                  RewriteBudgetWarning, stacklevel=3)
                    break
        finally:
            fgraph.remove_feature(entering)
            fgraph.remove_feature(dims)
        report.nodes_after = len(fgraph)
        return report

    def _parts(self) -> Sequence[Any]:
        return [self.local_opt]

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.name or self.local_opt})"


class TopoOptimizer(NavigatorOptimizer):
    """A local optimizer applied once to every node, from the inputs to the outputs ("in_to_out") or "out_to_in"."""

    def __init__(
        self, local_opt: Any, order: str = "in_to_out", ignore_newtrees: Any = False,
        failure_callback: FailureCallback | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        if order not in ("in_to_out", "out_to_in"):
            raise ValueError(f"order must be 'in_to_out' or 'out_to_in', got {order!r}")
        super().__init__(local_opt, ignore_newtrees, failure_callback, name)
        self.order = order

    def apply(self, fgraph: FunctionGraph) -> PassReport:
        return self._sweep(fgraph, backwards=self.order == "out_to_in")


class OpKeyOptimizer(NavigatorOptimizer):
    """A local optimizer applied to the nodes of the ops that it tracks."""

    def __init__(
        self, local_opt: Any, ignore_newtrees: Any = False, failure_callback: FailureCallback | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        if local_opt.tracks() is None:
            raise TypeError(f"{local_opt} does not say which ops it is for: it has to track some")
        super().__init__(local_opt, ignore_newtrees, failure_callback, name)

    def apply(self, fgraph: FunctionGraph) -> PassReport:
        return self._sweep(fgraph)


class EquilibriumOptimizer(Optimizer):
    """Local and global optimizers repeated until nothing changes.

    optimizers           of either kind. The local ones are applied until none applies, then the global ones in turn,
                         and so on
    final_optimizers     global ones that come last in each round
    cleanup_optimizers   run after each of the global ones and after the local ones
    max_use_ratio        so many rounds, and replacements, are allowed for each node of the graph (by default
                         config.optdb.max_use_ratio); more are stopped with a warning
    failure_callback     as that of NavigatorOptimizer
    The other arguments are the original's, and mean nothing: what changes is followed in any case.
    """

    def __init__(
        self, optimizers: Sequence[Any], failure_callback: FailureCallback | None = None, ignore_newtrees: bool = True,
        tracks_on_change_inputs: bool = False, max_use_ratio: float | None = None,
        final_optimizers: Sequence[Any] | None = None, cleanup_optimizers: Sequence[Any] | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self.local = [o for o in optimizers if not isinstance(o, Optimizer)]
        self.all = [o for o in optimizers if isinstance(o, Optimizer)]
        self.final = list(final_optimizers or ())
        self.cleanup = list(cleanup_optimizers or ())
        self.max_use_ratio = max_use_ratio
        self.failure_callback = failure_callback
        self.name = name or type(self).__name__

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for one in (*self.local, *self.all, *self.final, *self.cleanup):
            if hasattr(one, "add_requirements"):
                one.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph) -> PassReport:
        report = PassReport(self.name or "", nodes_before=len(fgraph))
        ratio = config.optdb.max_use_ratio if self.max_use_ratio is None else self.max_use_ratio
        rounds = max(1.0, ratio * max(1, len(fgraph)))
        tracker = ChangeTracker()
        fgraph.attach_feature(tracker)
        try:
            while True:
                tracker.reset()
                self._local_rules(fgraph, report)
                for one in (*self.all, *self.final):
                    one.optimize(fgraph)
                    self._clean(fgraph)
                rounds -= 1
                once = not (self.all or self.final or self.cleanup or self.failure_callback)
                if not tracker.changed or report.stopped or once:
                    break
                if rounds <= 0:
                    report.stopped = True
                    warnings.warn(f"{self.name} was stopped: its optimizers did not come to an end",
                                  RewriteBudgetWarning, stacklevel=3)
                    break
        finally:
            fgraph.remove_feature(tracker)
        report.nodes_after = len(fgraph)
        return report

    def _local_rules(self, fgraph: FunctionGraph, report: PassReport) -> None:
        if not self.local:
            return
        if self.failure_callback is None:
            apply_local(fgraph, self.local, self.name or "", report)
        else:
            group = LocalOptGroup(*self.local)
            done = TopoOptimizer(group, failure_callback=self.failure_callback, name=self.name).apply(fgraph)
            report.fired.update(done.fired)
            report.where.extend(done.where)
            report.stopped |= done.stopped
        self._clean(fgraph)

    def _clean(self, fgraph: FunctionGraph) -> None:
        for one in self.cleanup:
            one.optimize(fgraph)

    def _parts(self) -> Sequence[Any]:
        return (*self.local, *self.all, *self.final, *self.cleanup)


def in2out(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """Apply local optimizers (the first that has something to say) to every node, beginning at the inputs.

    Keyword arguments are those of TopoOptimizer."""
    return _navigator("in_to_out", local_opts, kwargs)


def out2in(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """As `in2out`, beginning at the outputs."""
    return _navigator("out_to_in", local_opts, kwargs)


def _navigator(order: str, local_opts: tuple[Any, ...], kwargs: dict[str, Any]) -> TopoOptimizer:
    if not local_opts:
        raise TypeError("in2out and out2in need at least one local optimizer")
    one = local_opts[0] if len(local_opts) == 1 else LocalOptGroup(*local_opts)
    return TopoOptimizer(one, order=order, **kwargs)


def apply_local(
    fgraph: FunctionGraph, opts: Sequence[Any], name: str = "local optimizers", report: PassReport | None = None
) -> PassReport:
    """Apply local optimizers and Rules everywhere until none applies."""
    dims = Dims(dict(SPEAKERS))
    fgraph.attach_feature(dims)
    report = report or PassReport(name, nodes_before=len(fgraph))
    try:
        for opt in opts:
            if hasattr(opt, "add_requirements"):
                opt.add_requirements(fgraph)
        rules = [as_rule(opt) for opt in opts]
        apply_rules(fgraph, rules, Site(fgraph, dims), report, RuleIndex(rules))
    finally:
        fgraph.remove_feature(dims)
    report.nodes_after = len(fgraph)
    return report


class ChangeTracker(Feature):
    """`changed` says whether anything happened to the graph since `reset()`."""

    def __init__(self) -> None:
        self.changed = False

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.changed = True

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        self.changed = True

    def reset(self) -> None:
        """Nothing happened from now on."""
        self.changed = False


class Updater(Feature):
    """A feature made of functions: `importer` and `pruner` take (fgraph, node, reason), `chin` what on_change_input
    does. Each may be None."""

    def __init__(self, importer: Any, pruner: Any, chin: Any, name: str | None = None) -> None:
        self.importer, self.pruner, self.chin, self.name = importer, pruner, chin, name

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        if self.importer is not None:
            self.importer(fgraph, node, reason)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        if self.pruner is not None:
            self.pruner(fgraph, node, reason)

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        if self.chin is not None:
            self.chin(fgraph, node, i, r, new_r, reason)

    def __str__(self) -> str:
        return f"Updater{{{self.name}}}"


__all__ = [
    "ChangeTracker", "EquilibriumOptimizer", "NavigatorOptimizer", "OpKeyOptimizer", "TopoOptimizer", "Updater",
    "apply_local", "in2out", "out2in",
]
