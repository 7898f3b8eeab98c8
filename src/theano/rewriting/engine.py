"""The engine: apply a set of rules to a graph until none applies, driven by the nodes that changed.

The cost is linear in the graph: a node is looked at when it enters, when one of its inputs changes, or when an input
a few levels above changes, and only by the rules whose root is its op; nodes come after those that they are computed
from. A pass has a budget; a rule set that goes round in circles is stopped with a warning which names the rules.
"""

from __future__ import annotations

import importlib
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

from theano._config import config
from theano._provenance import Origin, inherit
from theano._records import field, record_class
from theano.graph.fgraph import OUTPUT, Feature, FunctionGraph
from theano.graph.node import Apply, Variable
from theano.rewriting.findings import Findings
from theano.rewriting.rule import Rule, Site
from theano.rewriting.terms import (
    PRODUCTS,
    SUMS,
    direct_makers,
    inside_factors,
    inside_terms,
    makers_in_product,
    makers_in_sum,
    makes,
    terms_of,
)
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise
from theano.tensor.type import TensorType

LEVELS = 3          # patterns look this far up from their root
FAN_OUT = 8         # a variable with more uses than this does not pass news of a change on to its users' users
APPLICATIONS = 16   # budget: replacements per node of the graph, on the average, in one pass
GROWTH = 4          # budget: how many times its size a graph may become in one pass, beside what each rule adds where
                    # it is applied for the first times, no more often than there are nodes: so ops are written out
MOST_COMBINATIONS = 4096  # of an op and the ops that feed it, for which the rules are remembered
FEW = 3             # inputs that are remembered in their order; of more, only what makes them
FAR = 64            # how far up `waits` looks for another op of the kind
SLACK = 300         # both budgets: this much more, for small graphs


@record_class()
class PassReport:
    """What one pass did: nodes before and after, seconds, rules and how often, and where each was applied."""

    name: str
    nodes_before: int = 0
    nodes_after: int = 0
    seconds: float = 0.0
    fired: Counter[str] = field(default_factory=Counter)
    where: list[tuple[str, str, Origin | None]] = field(default_factory=list)
    visits: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def __str__(self) -> str:
        rules = ", ".join(f"{name} {count}" for name, count in self.fired.most_common())
        line = f"{self.name}: {self.nodes_before} -> {self.nodes_after} nodes, {self.seconds * 1e3:.1f} ms"
        return f"{line}; {rules}" if rules else line


class RewriteBudgetWarning(UserWarning):
    """A pass was stopped because its rules did not come to an end."""


class RuleError(RuntimeError):
    """A rule broke the rules: it changed a type, or used in a replacement what it replaces."""


class RuleIndex:
    """Rules by the op at their root, in their order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_record: dict[ScalarOp, list[Rule]] = {}
        self._by_class: dict[type, list[Rule]] = {}
        self._resolved: dict[type, tuple[Rule, ...]] = {}
        self._undemanding: dict[Any, Sequence[Rule]] = {}   # by root: all rules, where none of them needs anything
        self._constants = {rule.parts.constant for rule in self.rules if rule.parts is not None}
        self._fitting: dict[Any, tuple[tuple[Rule, ...], Any, bool]] = {}
        self._fitting_parts: dict[Any, tuple[tuple[Rule, ...], Any, bool]] = {}
        for rule in self.rules:
            for root in rule.roots:
                if isinstance(root, ScalarOp):
                    self._by_record.setdefault(root, []).append(rule)
                else:
                    self._by_class.setdefault(root, []).append(rule)
        self.sinking: dict[type, tuple[type, ...]] = {}   # {class of op: what it comes down through}
        for rule in self.rules:
            for root in rule.roots if rule.sinks else ():
                self.sinking[root] = (*self.sinking.get(root, ()), *rule.sinks)
        everywhere = {rule for base in Elemwise.__mro__ for rule in self._by_class.get(base, ())}
        self._every_elemwise = [rule for rule in self.rules if rule in everywhere]
        for record, found in self._by_record.items():
            both = everywhere.union(found)
            self._by_record[record] = [rule for rule in self.rules if rule in both]

    def rules_for(self, op: Any) -> Sequence[Rule]:
        if isinstance(op, Elemwise):
            return self._by_record.get(op.scalar_op, self._every_elemwise)
        kind = type(op)
        found = self._resolved.get(kind)
        if found is None:
            names: dict[Rule, None] = {}
            for base in kind.__mro__:
                for rule in self._by_class.get(base, ()):
                    names[rule] = None
            found = self._resolved[kind] = tuple(rule for rule in self.rules if rule in names)
        return found

    def candidates(self, node: Apply, site: Site) -> Sequence[Rule]:
        """The rules for this node's op that have what they need among the ops that feed it. What was found is kept: a
        graph has few combinations of neighbours."""
        op = node.op
        root = op.scalar_op if isinstance(op, Elemwise) else type(op)
        if root in self._undemanding:
            return self._undemanding[root]
        makers = [makes(x) for x in node.inputs]
        direct: Any = (root, *makers) if len(makers) <= FEW else (root, frozenset(makers))
        found = self._fitting.get(direct)
        if found is None:
            found = self._fitting_node(root, op, direct, direct_makers(root, makers))
        fitting, view, _ = found
        if view is None:
            return fitting
        out = node.outputs[0]
        owners, size = site.find(makers_in_sum if view is terms_of else makers_in_product, out)
        # with the direct inputs: the same parts, nested in another way, leave other rules
        key: Any = (direct, owners, size if size in self._constants else 0)
        found = self._fitting_parts.get(key)
        if found is None:
            found = self._kept(self._fitting_parts, key, [
                r for r in fitting if r.parts is None or (
                    _all_meet(r.parts.records, owners) and r.parts.constant in (0, size))])
        fitting, _, deep = found
        if not deep:
            return fitting
        deeper = site.find(inside_terms if view is terms_of else inside_factors, out)
        found = self._fitting_parts.get((key, deeper))
        if found is None:
            found = self._kept(self._fitting_parts, (key, deeper), [r for r in fitting if r.parts is None or (
                _all_meet(r.parts.of_products, deeper[0]) and _all_meet(r.parts.of_sums, deeper[1]))])
        return found[0]

    def _fitting_node(
        self, root: Any, op: Any, key: Any, owners: frozenset[Any]
    ) -> tuple[tuple[Rule, ...], Any, bool]:
        """The rules that the direct inputs of a node leave."""
        rules = self.rules_for(op)
        if not any(rule.needs or rule.parts is not None for rule in rules):
            self._undemanding[root] = rules
        return self._kept(self._fitting, key, [r for r in rules if _fits_directly(r, owners)])

    def _kept(self, table: dict[Any, Any], key: Any, rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], Any, bool]:
        """Remember (rules, the view of parts that they speak of, do they look at the parts of parts?)."""
        if len(table) >= MOST_COMBINATIONS:
            table.clear()
        parts = [rule.parts for rule in rules if rule.parts is not None]
        found = table[key] = tuple(rules), parts[0].view if parts else None, any(p.is_deep for p in parts)
        return found


def _fits_directly(rule: Rule, owners: frozenset[Any]) -> bool:
    """May the rule fit a node with such inputs? If none of them is a sum (for a sum), they are the terms themselves."""
    if rule.needs and rule.needs.isdisjoint(owners):
        return False
    if rule.parts is None:
        return True
    nested = SUMS if rule.parts.view is terms_of else PRODUCTS
    return not nested.isdisjoint(owners) or _all_meet(rule.parts.records, owners)


def _all_meet(sets: Sequence[frozenset[Any]], owners: frozenset[Any]) -> bool:
    return not any(owners.isdisjoint(records) for records in sets)


@lru_cache(maxsize=64)
def index_of(rules: tuple[Rule, ...]) -> RuleIndex:
    return RuleIndex(rules)


class _News(Feature):
    """Collects the nodes to look at because something about them changed, and lets what was found out about them be
    forgotten."""

    def __init__(self, push: Callable[[Apply], None], findings: Findings) -> None:
        self.push = push
        self.findings = findings

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.findings.changed(node)   # on its way in, its inputs may have become their twins in the graph
        self.push(node)

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        if node is OUTPUT:
            return
        self.findings.changed(node)
        self.push(node)
        level = [node]
        clients = fgraph.clients
        for _ in range(LEVELS):
            above: list[Any] = []
            for changed in level:
                for out in changed.outputs:
                    uses = clients.get(out, ())
                    if len(uses) <= FAN_OUT:
                        above.extend(user for user, _ in uses if user is not OUTPUT)
            for user in above:
                self.push(user)
            level = above[:FAN_OUT]

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.findings.changed(node)   # nobody will ask again
        # rules that want a value to have one use may apply now
        for source in node.inputs:
            uses = fgraph.clients.get(source, ())
            if len(uses) == 1:
                (user, _), = uses
                if user is not OUTPUT:
                    self.push(user)


class _WorkList:
    """Nodes to look at, in sweeps from the inputs to the results. A new node has the place of the one that was looked
    at when it was made; what is behind that place waits for the next sweep.

    What rules move towards the results (a sign) goes all the way in one sweep, together with what it meets. If all such
    moves went on side by side, a step of each at a time, a chain of n steps with a sign in each would take n * n.
    """

    def __init__(self, nodes: Sequence[Apply]) -> None:
        self._places = {node: (at, at) for at, node in enumerate(nodes)}
        self._heap = [(0, *place, node) for node, place in self._places.items()]
        self._listed = set(nodes)
        self._sweep = self._place = 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, node: Apply) -> None:
        """Look at `node` (again), unless that is going to happen anyway."""
        if node not in self._listed:
            self._listed.add(node)
            place = self._places.setdefault(node, (self._place, len(self._places)))
            heappush(self._heap, (self._sweep + (place[0] < self._place), *place, node))

    def pop(self) -> Apply:
        self._sweep, self._place, _, node = heappop(self._heap)
        self._listed.discard(node)
        return node


def apply_rules(
    fgraph: FunctionGraph, rules: Sequence[Rule], site: Site, report: PassReport, index: RuleIndex | None = None
) -> None:
    """Apply `rules` everywhere in `fgraph` until none applies (or the budget is spent).

    index   of rules that will not be met again, which are better not remembered
    """
    if not rules:
        return
    index = index or index_of(tuple(rules))
    work = _WorkList(fgraph.toposort())
    size = len(work)
    remaining = APPLICATIONS * size + SLACK
    largest = GROWTH * size + SLACK
    site.findings.clear()   # from before anybody told of changes
    news = _News(work.push, site.findings)
    fgraph.attach_feature(news)
    waiting: list[Apply] = []  # for what is above them
    try:
        while work or waiting:
            its_turn = not work
            if its_turn:
                work.push(waiting.pop())
            node = work.pop()
            if node not in fgraph.apply_nodes:
                continue
            candidates = index.candidates(node, site)
            if not its_turn and type(node.op) in index.sinking and waits(fgraph, node, index.sinking):
                waiting.append(node)
                candidates = [rule for rule in candidates if not rule.sinks]
            if not candidates:
                continue
            report.visits += 1
            before = len(fgraph.apply_nodes)
            with inherit(node.origin):
                rule = try_rules(fgraph, candidates, node, site, report)
            if rule is not None:
                remaining -= 1
                if report.fired[rule.name] <= size:
                    largest += max(len(fgraph.apply_nodes) - before, 0)
                if node in fgraph.apply_nodes:
                    work.push(node)
            if remaining < 0 or len(fgraph.apply_nodes) > largest:
                report.stopped = True
                common = ", ".join(f"{name} ({count} times)" for name, count in report.fired.most_common(4))
                warnings.warn(
                    f"The pass {report.name!r} was stopped: its rules did not come to an end on a graph of "
                    f"{size} nodes (now {len(fgraph.apply_nodes)}). Most applied: {common}. The result is correct, "
                    f"and may be slow. Exclude one of these rules by its name to get rid of this warning.",
                    RewriteBudgetWarning,
                    stacklevel=2,
                )
                return
    finally:
        fgraph.remove_feature(news)
        site.findings.clear()


def waits(fgraph: FunctionGraph, node: Apply, sinking: dict[type, tuple[type, ...]]) -> bool:
    """Is there another op of this kind above, with only ops between (if any) that it comes down through, and others
    that sink, each of which has one user?

    It will come down, and the two become one. If the lower one went first, and then the next, each all the way to the
    inputs, a chain f(f(f(x.T).T).T) of n would take n * n steps: so the uppermost goes, and takes the others with it.
    The others that sink come down as well: a chain f(f(x.T)[1:].T)[1:] is no different.
    """
    kind = type(node.op)
    passed = sinking[kind]
    clients = fgraph.clients
    v = node.outputs[0]
    for _ in range(FAR):
        users = clients.get(v, ())
        if len(users) != 1:
            return False
        ((user, position),) = users
        if user is OUTPUT:
            return False
        if not isinstance(user.op, passed):
            if position != 0 or type(user.op) not in sinking:
                return False
            if type(user.op) is kind:
                return True
        v = user.outputs[0]
    return False


def try_rules(fgraph: FunctionGraph, rules: Sequence[Rule], node: Apply, site: Site, report: PassReport) -> Rule | None:
    """Apply the first of `rules` that has something to say, and return it; None if the graph did not change."""
    for rule in rules:
        try:
            found = rule.apply(node, site)
        except Exception as error:
            complain(rule, node, error, report)
            continue
        if found is not None and found is not False and accept(fgraph, rule, node, found, site, report):
            return rule
    return None


def accept(fgraph: FunctionGraph, rule: Rule, node: Apply, found: Any, site: Site, report: PassReport) -> bool:
    """Replace what a rule says; True if the graph changed. What breaks the rules of rules is reported and left."""
    try:
        proposed = [(old, checked(fgraph, rule, old, new)) for old, new in as_pairs(node, found)]
    except Exception as error:
        complain(rule, node, error, report)
        return False
    accepted = [(old, new) for old, new in proposed if new is not None and new is not old]
    if not accepted:
        return False
    text = str(node) if config.optimizer_verbose else ""
    # an output without users is no change: a rule that can replace only this one would be applied without end
    if not fgraph.replace_all(accepted, rule.name, look_back=False):
        return False
    site.dims.replaced(accepted)
    report.fired[rule.name] += 1
    report.where.append((rule.name, str(node.op), node.origin))
    if text:
        logger().warning("%s: %s -> %s", rule.name, text, ", ".join(str(new) for _, new in accepted))
    return True


def as_pairs(node: Apply, found: Any) -> list[tuple[Variable, Variable]]:
    if isinstance(found, Variable):
        return [(node.outputs[0], found)]
    if isinstance(found, dict):  # results that belong together: all of them are replaced, or none
        return [] if any(new is None for new in found.values()) else list(found.items())
    return [(old, new) for old, new in zip(node.outputs, found, strict=True) if new is not None]


def checked(fgraph: FunctionGraph, rule: Rule, old: Variable, new: Variable) -> Variable | None:
    """`new` if it may stand for `old`, None if it says no more than `old` itself. Raises RuleError."""
    if new is old:
        return None
    a, b = old.type, new.type
    if isinstance(a, TensorType) and isinstance(b, TensorType):
        if a is not b:
            if a.dtype != b.dtype or len(a.shape) != len(b.shape):
                raise RuleError(f"the type would change from {a} to {b}")
            if a.broadcastable != b.broadcastable:
                # an axis that begins (or ends) to broadcast would change what the users of the value compute
                return None
            if any(n is not None and m is not None and n != m for n, m in zip(a.shape, b.shape)):
                return None  # lengths that contradict each other: the function will raise when it runs, as it should
    elif a != b:
        raise RuleError(f"the type would change from {a} to {b}")
    if new.owner is not None and new not in fgraph.clients:
        pending, seen = [new.owner], {new.owner}
        while pending:
            for source in pending.pop().inputs:
                if source is old:
                    raise RuleError("the replacement uses the variable that it replaces")
                owner = source.owner
                if owner is not None and source not in fgraph.clients and owner not in seen:
                    seen.add(owner)
                    pending.append(owner)
    return new


def complain(rule: Rule, node: Apply, error: Exception, report: PassReport) -> None:
    """Report a rule that raised, as config.on_opt_error says."""
    report.failures.append((rule.name, f"{type(error).__name__}: {error}"))
    report_error(error, f"The rewrite {rule.name} failed on {node} and was skipped")


def logger() -> Any:
    """Where messages of rewrites go. Most programs have none, and do not load `logging`."""
    return importlib.import_module("logging").getLogger("theano.rewriting")


def report_error(error: Exception, what: str) -> None:
    """Raise `error`, log it, stop in the debugger or go on, as config.on_opt_error says."""
    how = config.on_opt_error
    if how == "raise":
        raise error
    if how == "pdb":
        import pdb

        pdb.post_mortem(error.__traceback__)
    elif how == "warn":
        trace = "".join(importlib.import_module("traceback").format_exception(error)[-4:])
        logger().error("%s: %s: %s\n%s", what, type(error).__name__, error, trace)
