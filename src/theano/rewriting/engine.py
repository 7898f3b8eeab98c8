"""The engine: apply a set of rules to a graph until none applies, driven by the nodes that changed.

The cost is linear in the graph: a node is looked at when it enters, when one of its inputs changes, or when an input
a few levels above changes, and only by the rules whose root is its op. A pass has a budget; a rule set that goes
round in circles is stopped with a warning which names the rules.
"""

from __future__ import annotations

import logging
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from theano._config import config
from theano._provenance import Origin, inherit
from theano._records import field, record_class
from theano.graph.fgraph import OUTPUT, Feature, FunctionGraph
from theano.graph.node import Apply, Variable
from theano.rewriting.rule import Rule, Site
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise
from theano.tensor.type import TensorType

logger = logging.getLogger("theano.rewriting")

LEVELS = 3          # patterns look this far up from their root
FAN_OUT = 8         # a variable with more uses than this does not pass news of a change on to its users' users
APPLICATIONS = 16   # budget: replacements per node of the graph, on the average, in one pass
GROWTH = 4          # budget: how many times its size a graph may become in one pass
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
        for rule in self.rules:
            for root in rule.roots:
                if isinstance(root, ScalarOp):
                    self._by_record.setdefault(root, []).append(rule)
                else:
                    self._by_class.setdefault(root, []).append(rule)
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


@lru_cache(maxsize=64)
def index_of(rules: tuple[Rule, ...]) -> RuleIndex:
    return RuleIndex(rules)


class _News(Feature):
    """Collects the nodes to look at because something about them changed."""

    def __init__(self, push: Callable[[Apply], None]) -> None:
        self.push = push

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.push(node)

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        if node is OUTPUT:
            return
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
        # rules that want a value to have one use may apply now
        for source in node.inputs:
            uses = fgraph.clients.get(source, ())
            if len(uses) == 1:
                (user, _), = uses
                if user is not OUTPUT:
                    self.push(user)


def apply_rules(
    fgraph: FunctionGraph, rules: Sequence[Rule], site: Site, report: PassReport, index: RuleIndex | None = None
) -> None:
    """Apply `rules` everywhere in `fgraph` until none applies (or the budget is spent).

    index   of rules that will not be met again, which are better not remembered
    """
    if not rules:
        return
    index = index or index_of(tuple(rules))
    queue: deque[Apply] = deque(fgraph.toposort())
    queued = set(queue)
    size = len(queue)
    remaining = APPLICATIONS * size + SLACK
    largest = GROWTH * size + SLACK

    def push(node: Apply) -> None:
        if node not in queued:
            queued.add(node)
            queue.append(node)

    news = _News(push)
    fgraph.attach_feature(news)
    try:
        while queue:
            node = queue.popleft()
            queued.discard(node)
            if node not in fgraph.apply_nodes:
                continue
            candidates = index.rules_for(node.op)
            if not candidates:
                continue
            report.visits += 1
            site.views.clear()
            with inherit(node.origin):
                if try_rules(fgraph, candidates, node, site, report):
                    remaining -= 1
                    if node in fgraph.apply_nodes:
                        push(node)
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


def try_rules(fgraph: FunctionGraph, rules: Sequence[Rule], node: Apply, site: Site, report: PassReport) -> bool:
    """Apply the first of `rules` that has something to say; True if the graph changed."""
    owners: set[Any] | None = None
    for rule in rules:
        if rule.needs:
            if owners is None:
                owners = owners_of(node)
            if owners.isdisjoint(rule.needs):
                continue
        if try_rule(fgraph, rule, node, site, report):
            return True
    return False


def owners_of(node: Apply) -> set[Any]:
    """The records (of elementwise ops) and classes (of others) of the nodes that feed `node`."""
    owners: set[Any] = set()
    for x in node.inputs:
        owner = x.owner
        if owner is not None:
            op = owner.op
            owners.add(op.scalar_op if isinstance(op, Elemwise) else type(op))
    return owners


def try_rule(fgraph: FunctionGraph, rule: Rule, node: Apply, site: Site, report: PassReport) -> bool:
    """Apply one rule to one node; True if the graph changed. A rule that raises is reported and skipped."""
    try:
        found = rule.apply(node, site)
        if found is None or found is False:
            return False
        proposed = [(old, checked(fgraph, rule, old, new)) for old, new in as_pairs(node, found)]
    except Exception as error:
        complain(rule, node, error, report)
        return False
    accepted = [(old, new) for old, new in proposed if new is not None and new is not old]
    if not accepted:
        return False
    text = str(node) if config.optimizer_verbose else ""
    clients = fgraph.clients
    before = {old: (clients.get(old), len(clients.get(old, ()))) for old, _ in accepted}
    fgraph.replace_all(accepted, rule.name, look_back=False)
    # an output without users is no change: a rule that can replace only this one would be applied without end
    used = [(old, uses, count) for old, (uses, count) in before.items() if count]
    if all(clients.get(old) is uses and len(clients[old]) == count for old, uses, count in used):
        return False
    for old, new in accepted:
        site.dims.replaced(old, new)
    report.fired[rule.name] += 1
    report.where.append((rule.name, str(node.op), node.origin))
    if text:
        logger.warning("%s: %s -> %s", rule.name, text, ", ".join(str(new) for _, new in accepted))
    return True


def as_pairs(node: Apply, found: Any) -> list[tuple[Variable, Variable]]:
    if isinstance(found, Variable):
        return [(node.outputs[0], found)]
    if isinstance(found, dict):
        return list(found.items())
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


def report_error(error: Exception, what: str) -> None:
    """Raise `error`, log it, stop in the debugger or go on, as config.on_opt_error says."""
    how = config.on_opt_error
    if how == "raise":
        raise error
    if how == "pdb":
        import pdb

        pdb.post_mortem(error.__traceback__)
    elif how == "warn":
        trace = "".join(traceback.format_exception(error)[-4:])
        logger.error("%s: %s: %s\n%s", what, type(error).__name__, error, trace)
