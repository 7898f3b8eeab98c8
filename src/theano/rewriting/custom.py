"""Rewrites that users write, in the original's terms: local optimizers (node -> replacements) and global ones (graph).

`register` puts one into a pass of the pipeline; the pipeline's own rules are `Rule`s and are not registered but listed.
The names are re-exported by `theano.gof.opt` and `theano.tensor.opt`. Machinery of the original that this design does
not have (destroy handlers, in-place optimizers, numbered positions) is left out.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from theano._provenance import inherit
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport, apply_rules
from theano.rewriting.rule import Rule, Site, words
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import Elemwise


class Optimizer:
    """A rewrite of a whole graph. Subclasses define `apply(fgraph)`."""

    name: str | None = None

    def apply(self, fgraph: FunctionGraph) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.apply")

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features that `apply` needs."""

    def optimize(self, fgraph: FunctionGraph, *args: Any, **kwargs: Any) -> Any:
        self.add_requirements(fgraph)
        return self.apply(fgraph, *args, **kwargs)

    __call__ = optimize


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


class SeqOptimizer(Optimizer, list):
    """Optimizers run one after the other."""

    def __init__(self, *opts: Any, **kwargs: Any) -> None:
        if len(opts) == 1 and isinstance(opts[0], (list, tuple)):
            opts = tuple(opts[0])
        list.__init__(self, opts)

    def apply(self, fgraph: FunctionGraph) -> None:
        for one in self:
            one.optimize(fgraph)


class MergeOptimizer(Optimizer):
    """Nothing to do: a FunctionGraph merges equal nodes as they enter."""

    def apply(self, fgraph: FunctionGraph) -> None: ...


class LocalOptimizer:
    """A rewrite of a node. Subclasses define `transform(node)`: False (or None), a list with one variable for each
    output, or {old: new} (with "remove", as in the original, ignored: what nobody uses leaves by itself).

    `tracks()` lists the ops and op classes that it is for; None: all.
    """

    name: str | None = None

    def tracks(self) -> Sequence[Any] | None:
        return None

    def transform(self, node: Apply) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.transform")

    def at(self, node: Apply, site: Site) -> Any:
        """`transform`, told where: `site` knows the graph and who uses a value. Define it where that matters."""
        return self.transform(node)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features that `transform` needs."""

    def __str__(self) -> str:
        return self.name or type(self).__name__


class FromFunctionLocalOptimizer(LocalOptimizer):
    """A function (node) -> False or replacements as a LocalOptimizer."""

    def __init__(self, fn: Callable[[Apply], Any], tracks: Sequence[Any] | None = None, requirements: Any = ()) -> None:
        self.fn = fn
        self._tracks = tracks
        self.requirements = requirements
        self.name = self.__name__ = getattr(fn, "__name__", str(fn))
        self.__doc__ = fn.__doc__

    def transform(self, node: Apply) -> Any:
        return self.fn(node)

    def __call__(self, node: Apply) -> Any:
        return self.fn(node)

    def tracks(self) -> Sequence[Any] | None:
        return self._tracks


def local_optimizer(tracks: Sequence[Any] | None, inplace: bool = False, requirements: Any = ()) -> Any:
    """Decorator: a function (node) -> False or replacements becomes a LocalOptimizer for the ops (or classes) `tracks`.

    `inplace` is accepted and means nothing.
    """
    if tracks is not None and not tracks:
        raise ValueError("local_optimizer: an empty list of ops would never apply; None stands for all ops")

    def decorate(f: Callable[[Apply], Any]) -> FromFunctionLocalOptimizer:
        return FromFunctionLocalOptimizer(f, tracks, requirements)

    return decorate


class LocalOptGroup(LocalOptimizer):
    """The first of several local optimizers that has something to say."""

    def __init__(self, *optimizers: Any, **kwargs: Any) -> None:
        self.opts = tuple(optimizers[0]) if len(optimizers) == 1 and isinstance(optimizers[0], (list, tuple)) \
            else optimizers
        self.name = kwargs.get("name") or "LocalOptGroup(" + ", ".join(str(o) for o in self.opts) + ")"

    def tracks(self) -> Sequence[Any] | None:
        found: list[Any] = []
        for one in self.opts:
            tracks = one.tracks()
            if tracks is None:
                return None
            found.extend(tracks)
        return found

    def transform(self, node: Apply) -> Any:
        return self._first(node, lambda one: one.transform(node))

    def at(self, node: Apply, site: Site) -> Any:
        return self._first(node, lambda one: one.at(node, site))

    def _first(self, node: Apply, ask: Callable[[Any], Any]) -> Any:
        for one in self.opts:
            tracks = one.tracks()
            if tracks is None or any(is_tracked(node, t) for t in tracks):
                result = ask(one)
                if result not in (None, False):
                    return result
        return False


class OpSub(LocalOptimizer):
    """op1(*inputs) -> op2(*inputs)"""

    def __init__(self, op1: Op, op2: Op, transfer_tags: bool = True) -> None:
        self.op1, self.op2 = op1, op2
        self.name = f"{op1} -> {op2}"

    def tracks(self) -> Sequence[Any]:
        return [self.op1]

    def transform(self, node: Apply) -> Any:
        return False if node.op != self.op1 else self.op2.make_node(*node.inputs).outputs


class OpRemove(LocalOptimizer):
    """op(*inputs) -> inputs"""

    def __init__(self, op: Op) -> None:
        self.op = op
        self.name = f"{op} -> its inputs"

    def tracks(self) -> Sequence[Any]:
        return [self.op]

    def transform(self, node: Apply) -> Any:
        return False if node.op != self.op or len(node.inputs) != len(node.outputs) else list(node.inputs)


class PatternSub(LocalOptimizer):
    """in_pattern -> out_pattern. A pattern is a tuple (op, *patterns), a name (a string that stands for any variable,
    equal names for equal variables), a number, a constant, or {"pattern": p, "constraint": (variable) -> bool}.

    allow_multiple_clients   also where inner results are used elsewhere
    """

    def __init__(
        self, in_pattern: Any, out_pattern: Any, allow_multiple_clients: bool = False, skip_identities_fn: Any = None,
        name: str | None = None, pdb: bool = False, tracks: Sequence[Any] = (), get_nodes: Any = None,
        values_eq_approx: Any = None,
    ) -> None:
        if not isinstance(in_pattern, (tuple, list)):
            raise TypeError("The pattern to search for must start with a specific Op: (op, *arguments)")
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        self.allow_multiple_clients = allow_multiple_clients
        self.op = in_pattern[0]
        self.name = name or f"{in_pattern} -> {out_pattern}"

    def tracks(self) -> Sequence[Any]:
        return [self.op]

    def transform(self, node: Apply) -> Any:
        return self._rewritten(node, None)

    def at(self, node: Apply, site: Site) -> Any:
        return self._rewritten(node, site)

    def _rewritten(self, node: Apply, site: Site | None) -> Any:
        if node.op != self.op or len(node.outputs) != 1:
            return False
        bound = self._match(self.in_pattern, node.outputs[0], {}, site, True)
        if bound is None:
            return False
        result = self._build(self.out_pattern, bound)
        return [result] if result.type == node.outputs[0].type else False

    def _match(self, pattern: Any, v: Any, bound: dict[str, Any], site: Site | None, root: bool) -> Any:
        if isinstance(pattern, dict):
            constraint = pattern.get("constraint")
            if constraint is not None and not constraint(v):
                return None
            return self._match(pattern["pattern"], v, bound, site, root)
        if isinstance(pattern, (tuple, list)):
            node = v.owner
            if node is None or node.op != pattern[0] or len(node.inputs) != len(pattern) - 1:
                return None
            if not root and not self.allow_multiple_clients and site is not None and site.uses(v) > 1:
                return None
            for part, x in zip(pattern[1:], node.inputs):
                found = self._match(part, x, bound, site, False)
                if found is None:
                    return None
                bound = found
            return bound
        if isinstance(pattern, str):
            known = bound.get(pattern)
            if known is None:
                return {**bound, pattern: v}
            return bound if known is v or (isinstance(v, Constant) and v.equals(known)) else None
        if isinstance(pattern, Constant):
            return bound if isinstance(v, Constant) and v.equals(pattern) else None
        value = Site.number(v)
        return bound if value is not None and value == pattern else None

    def _build(self, pattern: Any, bound: dict[str, Any]) -> Any:
        if isinstance(pattern, (tuple, list)):
            return pattern[0](*[self._build(part, bound) for part in pattern[1:]])
        if isinstance(pattern, str):
            return bound[pattern]
        return pattern if isinstance(pattern, Variable) else as_tensor_variable(pattern)


def is_tracked(node: Apply, what: Any) -> bool:
    return isinstance(node.op, what) if isinstance(what, type) else node.op == what


def as_rule(opt: Any, tags: Sequence[str] = (), name: str | None = None) -> Rule:
    """A LocalOptimizer (or a Rule) as a Rule of the engine."""
    if isinstance(opt, Rule):
        return opt
    tracks = opt.tracks()
    roots = tuple(
        t.scalar_op if isinstance(t, Elemwise) else t if isinstance(t, type) else type(t) for t in tracks or [Op]
    )

    def apply(node: Apply, site: Site) -> Any:
        if tracks is not None and not any(is_tracked(node, t) for t in tracks):
            return None
        found = opt.at(node, site)
        if isinstance(found, dict):
            return {old: new for old, new in found.items() if isinstance(old, Variable)}
        return found or None

    return Rule(name or str(opt), roots, apply, frozenset(), words(tags), (opt.__doc__ or "").strip())


class EquilibriumOptimizer(Optimizer):
    """Local (and global) optimizers repeated until nothing changes."""

    def __init__(self, optimizers: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        self.local = [o for o in optimizers if not isinstance(o, Optimizer)]
        self.all = [o for o in optimizers if isinstance(o, Optimizer)]
        self.name = kwargs.get("name") or type(self).__name__

    def apply(self, fgraph: FunctionGraph) -> PassReport:
        for one in self.all:
            one.optimize(fgraph)
        return apply_local(fgraph, self.local, self.name or "")


class TopoOptimizer(EquilibriumOptimizer):
    """A local optimizer applied to every node."""

    def __init__(self, local_opt: Any, order: str = "in_to_out", *args: Any, **kwargs: Any) -> None:
        if order not in ("in_to_out", "out_to_in"):
            raise ValueError(f"order must be 'in_to_out' or 'out_to_in', got {order!r}")
        super().__init__([local_opt], **kwargs)


class OpKeyOptimizer(EquilibriumOptimizer):
    """A local optimizer applied to the nodes of the ops that it tracks."""

    def __init__(self, local_opt: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__([local_opt])


def in2out(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """Apply local optimizers to a graph, beginning at its inputs."""
    return TopoOptimizer(local_opts[0] if len(local_opts) == 1 else LocalOptGroup(*local_opts), name=kwargs.get("name"))


def out2in(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """As `in2out`; the engine follows what changes, so that the order does not matter to the result."""
    return in2out(*local_opts, **kwargs)


def apply_local(fgraph: FunctionGraph, opts: Sequence[Any], name: str = "local optimizers") -> PassReport:
    dims = Dims(dict(SPEAKERS))
    fgraph.attach_feature(dims)
    report = PassReport(name, nodes_before=len(fgraph))
    try:
        for opt in opts:
            if isinstance(opt, LocalOptimizer):
                opt.add_requirements(fgraph)
        apply_rules(fgraph, [as_rule(opt) for opt in opts], Site(fgraph, dims), report)
    finally:
        fgraph.remove_feature(dims)
    report.nodes_after = len(fgraph)
    return report


def copy_stack_trace(from_var: Any, to_var: Any) -> Any:
    """Let `to_var` (and what it is made of, where it has none) say that it was built where `from_var` was."""
    sources = from_var if isinstance(from_var, (list, tuple)) else [from_var]
    origin = next((o for v in sources if (o := _origin(v)) is not None), None)
    for v in to_var if isinstance(to_var, (list, tuple)) else [to_var]:
        (v.owner if v.owner is not None else v).origin = origin
    return to_var


def _origin(v: Any) -> Any:
    return v.owner.origin if v.owner is not None else v.origin


@contextmanager
def inherit_stack_trace(from_var: Any) -> Iterator[None]:
    """Nodes built inside take over where `from_var` was built."""
    with inherit(_origin(from_var)):
        yield


def check_stack_trace(f_or_fgraph: Any, ops_to_check: Any = "last", bug_print: str = "raise") -> bool:
    """Does every node (of the given ops; "last": those of the outputs; "all") know the line that built it?"""
    fgraph = getattr(getattr(f_or_fgraph, "maker", None), "fgraph", f_or_fgraph)
    nodes = fgraph.toposort()
    if ops_to_check == "last":
        nodes = [v.owner for v in fgraph.outputs if v.owner is not None]
    elif ops_to_check != "all":
        wanted = ops_to_check if isinstance(ops_to_check, (list, tuple)) else [ops_to_check]
        nodes = [n for n in nodes if any(is_tracked(n, op) if not isinstance(op, str) else str(n.op) == op
                                         for op in wanted)]
    missing = [node for node in nodes if node.origin is None]
    if missing and bug_print == "raise":
        raise AssertionError(f"These nodes do not know where they were built: {missing}")
    if missing and bug_print == "warn":
        warnings.warn(f"These nodes do not know where they were built: {missing}")
    return not missing


__all__ = [
    "EquilibriumOptimizer", "FromFunctionLocalOptimizer", "FromFunctionOptimizer", "LocalOptGroup", "LocalOptimizer",
    "MergeOptimizer", "OpKeyOptimizer", "OpRemove", "OpSub", "Optimizer", "PatternSub", "SeqOptimizer", "TopoOptimizer",
    "apply_local", "as_rule", "check_stack_trace", "copy_stack_trace", "in2out", "inherit_stack_trace",
    "local_optimizer", "optimizer", "out2in",
]
