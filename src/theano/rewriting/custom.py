"""Rewrites that users write, in the original's terms: local ones (of a node) and global ones (of a graph).

Local ones are applied by `navigators.py`, or put into the pipeline (`compile/register.py`, `compile/pipeline_db.py`),
which takes them as Rules. Patterns are in `pattern_sub.py`. The names are re-exported by `theano.gof.opt`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.rewriting.engine import report_error
from theano.rewriting.rule import Rule, Site, words
from theano.tensor.elemwise import Elemwise


class Optimizer:
    """A rewrite of a whole graph. Subclasses define `apply(fgraph)`."""

    name: str | None = None

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Rewrite the graph in place."""
        raise NotImplementedError(f"{type(self).__name__}.apply")

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features that `apply` needs."""

    def optimize(self, fgraph: FunctionGraph, *args: Any, **kwargs: Any) -> Any:
        """`apply`, with the features that it needs."""
        self.add_requirements(fgraph)
        return self.apply(fgraph, *args, **kwargs)

    def __call__(self, fgraph: FunctionGraph) -> Any:
        return self.optimize(fgraph)

    def print_summary(self, stream: Any = None, level: int = 0, depth: int = -1) -> None:
        """Write what this is, and what is in it down to `depth` levels, to `stream`."""
        print(f"{' ' * level}{type(self).__name__} {self.name or ''}".rstrip(), file=stream or sys.stdout)
        if depth != 0:
            for part in self._parts():
                if isinstance(part, (Optimizer, LocalOptimizer)):
                    part.print_summary(stream, level + 2, depth - 1)

    def _parts(self) -> Sequence[Any]:
        return ()

    @staticmethod
    def print_profile(stream: Any, prof: Any, level: int = 0) -> None:
        """Write what `apply` returned."""
        if prof is not None:
            print(f"{' ' * level}{prof}", file=stream)


class FromFunctionOptimizer(Optimizer):
    """A function (fgraph) -> None as an Optimizer."""

    def __init__(self, fn: Callable[[FunctionGraph], Any], requirements: Sequence[Any] = ()) -> None:
        self.fn = fn
        self.requirements = tuple(requirements)
        self.name = self.__name__ = getattr(fn, "__name__", str(fn))
        self.__doc__ = fn.__doc__

    def apply(self, fgraph: FunctionGraph) -> Any:
        return self.fn(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for requirement in self.requirements:
            requirement(fgraph)


def optimizer(f: Callable[[FunctionGraph], Any]) -> FromFunctionOptimizer:
    """Decorator: a function of a FunctionGraph becomes an Optimizer."""
    return FromFunctionOptimizer(f)


inplace_optimizer = optimizer  # what is overwritten in place is no matter of the graph here (docs/architecture.md)


class SeqOptimizer(Optimizer, list):
    """Optimizers run one after the other.

    failure_callback   called with (exception, this, the optimizer that raised it), after which the next one runs; None:
                       the exception goes on
    """

    def __init__(self, *opts: Any, failure_callback: Callable[..., Any] | None = None, name: str | None = None) -> None:
        if len(opts) == 1 and isinstance(opts[0], (list, tuple)):
            opts = tuple(opts[0])
        list.__init__(self, opts)
        self.failure_callback = failure_callback
        self.name = name

    @staticmethod
    def warn(exception: Exception, sequence: Any, opt: Any) -> None:
        """A failure_callback that does as config.on_opt_error says."""
        report_error(exception, f"The optimizer {getattr(opt, 'name', None) or opt} failed and was left")

    def apply(self, fgraph: FunctionGraph) -> None:
        for one in self:
            try:
                one.optimize(fgraph)
            except Exception as error:
                if self.failure_callback is None:
                    raise
                self.failure_callback(error, self, one)

    def _parts(self) -> Sequence[Any]:
        return self

    def __str__(self) -> str:
        return f"SeqOptimizer({', '.join(map(str, self))})"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class MergeOptimizer(Optimizer):
    """Nothing to do: a FunctionGraph merges equal nodes and equal constants as they enter."""

    def apply(self, fgraph: FunctionGraph) -> None: ...


class MergeFeature(Feature):
    """Nothing to do: see MergeOptimizer."""


class LocalOptimizer:
    """A rewrite of a node. Subclasses define `transform(node)`: False (or None), a list with one variable for each
    output, or {old: new} (with "remove", as in the original, ignored: what nobody uses leaves by itself).

    `tracks()` lists the ops and op classes that it is for; None: all.
    """

    name: str | None = None

    def tracks(self) -> Sequence[Any] | None:
        """The ops and classes of ops that it is for; None: all."""
        return None

    def transform(self, node: Apply) -> Any:
        """What takes the place of the node's outputs: see the class."""
        raise NotImplementedError(f"{type(self).__name__}.transform")

    def at(self, node: Apply, site: Site) -> Any:
        """`transform`, told where: `site` knows the graph and who uses a value. Define it where that matters."""
        return self.transform(node)

    def nodes_to_try(self, node: Apply) -> Sequence[Apply]:
        """The nodes to apply this to when `node` is met."""
        return [node]

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features that `transform` needs."""

    def print_summary(self, stream: Any = None, level: int = 0, depth: int = -1) -> None:
        """Write what this is to `stream`."""
        print(f"{' ' * level}{type(self).__name__} {self.name or ''}".rstrip(), file=stream or sys.stdout)

    def __str__(self) -> str:
        return self.name or type(self).__name__


class FromFunctionLocalOptimizer(LocalOptimizer):
    """A function (node) -> False or replacements as a LocalOptimizer."""

    def __init__(self, fn: Callable[[Apply], Any], tracks: Sequence[Any] | None = None, requirements: Any = ()) -> None:
        self.fn = fn
        self._tracks = tracks
        self.requirements = tuple(requirements or ())
        self.name = self.__name__ = getattr(fn, "__name__", str(fn))
        self.__doc__ = fn.__doc__

    def transform(self, node: Apply) -> Any:
        return self.fn(node)

    def __call__(self, node: Apply) -> Any:
        return self.fn(node)

    def tracks(self) -> Sequence[Any] | None:
        return self._tracks

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for requirement in self.requirements:
            requirement(fgraph)


def local_optimizer(tracks: Sequence[Any] | None, inplace: bool = False, requirements: Any = ()) -> Any:
    """Decorator: a function (node) -> False or replacements becomes a LocalOptimizer for the ops (or classes) `tracks`.

    requirements   functions (fgraph) -> None that attach features
    inplace        accepted, and means nothing
    """
    if tracks is not None and not tracks:
        raise ValueError("local_optimizer: an empty list of ops would never apply; None stands for all ops")
    for what in tracks or ():
        if not isinstance(what, Op) and not (isinstance(what, type) and issubclass(what, Op)):
            raise TypeError(f"local_optimizer: tracks lists ops and op classes, got {what!r}")

    def decorate(f: Callable[[Apply], Any]) -> FromFunctionLocalOptimizer:
        return FromFunctionLocalOptimizer(f, tracks, requirements)

    return decorate


class RuleOptimizer(LocalOptimizer):
    """A Rule of the pipeline's kind as a LocalOptimizer."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.name = rule.name
        self.__doc__ = rule.doc

    def transform(self, node: Apply) -> Any:
        raise TypeError(f"The rule {self.name} needs to know the graph: apply it with in2out, or in the pipeline")

    def at(self, node: Apply, site: Site) -> Any:
        record = getattr(node.op, "scalar_op", None)
        here = any(isinstance(node.op, r) if isinstance(r, type) else r is record for r in self.rule.roots)
        return self.rule.apply(node, site) if here else None


def as_local(opt: Any) -> Any:
    """A LocalOptimizer of a Rule; other things as they are."""
    return RuleOptimizer(opt) if isinstance(opt, Rule) else opt


class LocalOptGroup(LocalOptimizer):
    """The first of several local optimizers that has something to say.

    apply_all_opts   the others are then applied to what came out, until none has anything to say
    """

    def __init__(self, *optimizers: Any, apply_all_opts: bool = False, profile: bool = False, name: str | None = None,
                 **kwargs: Any) -> None:
        several = len(optimizers) == 1 and isinstance(optimizers[0], (list, tuple))
        self.opts = tuple(map(as_local, optimizers[0] if several else optimizers))
        self.apply_all_opts = apply_all_opts
        self.name = name or f"LocalOptGroup({', '.join(str(o) for o in self.opts)})"

    def tracks(self) -> Sequence[Any] | None:
        found: list[Any] = []
        for one in self.opts:
            tracks = one.tracks()
            if tracks is None:
                return None
            found.extend(tracks)
        return found

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for one in self.opts:
            one.add_requirements(fgraph)

    def transform(self, node: Apply) -> Any:
        return self._ask(node, lambda one, at: one.transform(at))

    def at(self, node: Apply, site: Site) -> Any:
        return self._ask(node, lambda one, at: one.at(at, site))

    def _ask(self, node: Apply, ask: Callable[[Any, Apply], Any]) -> Any:
        found = self._first(node, ask)
        turns = len(self.opts) * TURNS if self.apply_all_opts else 0
        while found and turns and not isinstance(found, dict):
            turns -= 1
            owner = found[0].owner
            if owner is None or any(v.owner is not owner for v in found) or len(owner.outputs) != len(found):
                break
            more = self._first(owner, ask)
            if not more or isinstance(more, dict):
                break
            found = more
        return found

    def _first(self, node: Apply, ask: Callable[[Any, Apply], Any]) -> Any:
        for one in self.opts:
            if is_wanted(one, node):
                result = ask(one, node)
                if result not in (None, False):
                    return list(result) if isinstance(result, tuple) else result
        return False


TURNS = 8  # how often, on the average, a group applies each of its members to what came out of the others


class OpSub(LocalOptimizer):
    """op1(*inputs) -> op2(*inputs)"""

    def __init__(self, op1: Op, op2: Op, transfer_tags: bool = True) -> None:
        self.op1, self.op2, self.transfer_tags = op1, op2, transfer_tags
        self.name = f"{op1} -> {op2}"

    def tracks(self) -> Sequence[Any]:
        return [self.op1]

    def transform(self, node: Apply) -> Any:
        if node.op != self.op1:
            return False
        made = self.op2.make_node(*node.inputs)
        if self.transfer_tags:
            made._tag = node._tag
            for old, new in zip(node.outputs, made.outputs):
                new._tag = old._tag
        return made.outputs


class OpRemove(LocalOptimizer):
    """op(*inputs) -> inputs"""

    def __init__(self, op: Op) -> None:
        self.op = op
        self.name = f"{op} -> its inputs"

    def tracks(self) -> Sequence[Any]:
        return [self.op]

    def transform(self, node: Apply) -> Any:
        return False if node.op != self.op or len(node.inputs) != len(node.outputs) else list(node.inputs)


def is_tracked(node: Apply, what: Any) -> bool:
    return isinstance(node.op, what) if isinstance(what, type) else node.op == what


def is_wanted(opt: Any, node: Apply) -> bool:
    """Is `node` one that the local optimizer `opt` is for?"""
    tracks = opt.tracks()
    return tracks is None or any(is_tracked(node, what) for what in tracks)


def as_rule(opt: Any, tags: Sequence[str] = (), name: str | None = None) -> Rule:
    """A LocalOptimizer (or a Rule) as a Rule of the engine."""
    if isinstance(opt, (Rule, RuleOptimizer)):
        return opt if isinstance(opt, Rule) else opt.rule
    tracks = opt.tracks()
    roots = tuple(
        t.scalar_op if isinstance(t, Elemwise) else t if isinstance(t, type) else type(t) for t in tracks or [Op]
    )

    def apply(node: Apply, site: Site) -> Any:
        if tracks is not None and not any(is_tracked(node, t) for t in tracks):
            return None
        for one in opt.nodes_to_try(node) if isinstance(opt, LocalOptimizer) else [node]:
            found = opt.at(one, site) if isinstance(opt, LocalOptimizer) else opt.transform(one)
            if isinstance(found, dict):
                return {old: new for old, new in found.items() if isinstance(old, Variable)}
            if found:
                return found if one is node else dict(zip(one.outputs, found))
        return None

    return Rule(name or str(opt), roots, apply, frozenset(), words(tags), (opt.__doc__ or "").strip())


__all__ = [
    "FromFunctionLocalOptimizer", "FromFunctionOptimizer", "LocalOptGroup", "LocalOptimizer", "MergeFeature",
    "MergeOptimizer", "OpRemove", "OpSub", "Optimizer", "SeqOptimizer", "as_rule", "inplace_optimizer", "is_tracked",
    "is_wanted", "local_optimizer", "optimizer",
]
