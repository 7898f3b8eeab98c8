"""Rule: one identity, before -> after, and what a rule may ask about the graph it is applied in.

`pattern.py` makes rules from two expressions; `function_rule` makes one from a function, for patterns of unbounded
arity or structure. Which rules run, and when, is said in `compile/pipeline.py`; `engine.py` applies them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from theano._records import field, record_class
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Variable
from theano.rewriting.dims import Dims
from theano.rewriting.findings import Findings
from theano.rewriting.known import number
from theano.rewriting.shapes import Shapes
from theano.scalar.op import ScalarOp

_T = TypeVar("_T")
MOST_PASSED = 8   # ops that are moved through one node
Replacement = Any  # None, a variable, a list of variables, or {old: new}


class Site:
    """Where a rule is applied: the graph, what is known of its shapes, and who uses a value.

    signed_zeros   0.0 is not -0.0, for rules too that do not assume anything else
    """

    def __init__(self, fgraph: FunctionGraph, dims: Dims, signed_zeros: bool = False) -> None:
        self.fgraph = fgraph
        self.signed_zeros = signed_zeros
        self.dims = dims
        self.shapes = Shapes(dims)
        self.findings = Findings()
        self._passed: dict[Apply, int] = {}

    def may_pass(self, node: Apply) -> bool:
        """May one more op be moved through this node to its inputs? Ops that do not become one where they
        meet would, from a chain f(f(f(x)[a:])[b:])[c:] of n, take n * n steps."""
        return self._passed.get(node, 0) < MOST_PASSED

    def passed(self, node: Apply, moved: Variable) -> Variable:
        """`moved`, which is what `node` computes with an op moved through it."""
        if moved.owner is not None:
            self._passed[moved.owner] = self._passed.get(node, 0) + 1
        return moved

    def find(self, function: Callable[[Any, Site], _T], variable: Any) -> _T:
        """`function(variable, site)`, found out once until something behind the variable changes: see `Findings`."""
        return self.findings.find(function, variable, self)

    def uses(self, variable: Variable) -> int:
        """How many inputs (and outputs of the graph) `variable` feeds."""
        return len(self.fgraph.clients.get(variable, ()))

    def same_shape(self, *variables: Variable) -> bool:
        """Are all axes of these known to be equally long? (The graph is taken to be free of shape errors.)"""
        first = variables[0]
        return all(self.dims.same(first, other) for other in variables[1:])

    def length(self, variable: Variable, axis: int) -> Any:
        """The length of an axis as a 0-d int64 variable, an expression of the inputs' lengths."""
        return self.shapes.length(variable, axis)

    def shape(self, variable: Variable) -> list[Any]:
        return self.shapes.shape(variable)

    number = staticmethod(number)


@record_class(frozen=True, eq=False)
class Parts:
    """Sets of records, of each of which one must own a part of an expression. In the place of a record, (1, record) or
    (-1, record) means that it must own a factor in that power.

    view         the parts: `terms_of` or `factors_of`
    constant     the size of the constant of the sum, 0: any
    records      for the parts themselves
    of_products  for the factors of parts that are products
    of_sums      for the terms of parts that are sums
    """

    view: Callable[[Any, Site], tuple[Any, list[tuple[int, Any]]]]
    records: tuple[frozenset[Any], ...]
    constant: Any = 0
    of_products: tuple[frozenset[Any], ...] = ()
    of_sums: tuple[frozenset[Any], ...] = ()

    @property
    def is_deep(self) -> bool:
        return bool(self.of_products or self.of_sums)


@record_class(frozen=True, eq=False)
class Rule:
    """One rewrite of a node.

    name       the identity that it states
    roots      records of elementwise ops, and Op classes, at which it applies
    apply      (node, site) -> None, or replacements of the node's outputs
    assumes    what must be taken for granted where the identity is not exact in IEEE arithmetic ("finite", "reals",
               "nonzero", "rounding", "signed_zero"); empty: exact. A Query may name "assumes", or "assumes:finite"
    tags       names by which a Query can select it, besides its own name; "fast_compile" among them: used there too
    statement  before -> after, where it is written down; `doc` gives it for every rule
    examples   () -> [(inputs, output)]: graphs in which it applies, for the tests
    needs      records of which at least one must own an input of the node (a quick check; empty: none); `Constant`
               stands for inputs that are constants
    parts      what must be among the terms or factors that the node is made of: a quick check, too
    sinks      it moves an op of its root's kind towards the inputs, through ops of these classes: see `engine.waits`
    """

    name: str
    roots: tuple[Any, ...]
    apply: Callable[[Apply, Site], Replacement]
    assumes: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    statement: str = ""
    examples: Callable[[], Sequence[Any]] | None = None
    needs: frozenset[Any] = frozenset()
    parts: Parts | None = None
    make_sides: Callable[[], tuple[Any, Any]] | None = field(default=None, repr=False)
    tell: Callable[[], str] | None = field(default=None, repr=False)
    sinks: tuple[type, ...] = ()

    @property
    def doc(self) -> str:
        """before -> after"""
        return self.statement or ("" if self.tell is None else self.tell())

    @property
    def sides(self) -> tuple[Any, Any] | None:
        """(before, after) as graphs with wildcards, of a rule that is written as two expressions."""
        return None if self.make_sides is None else self.make_sides()

    def labels(self) -> frozenset[str]:
        """Everything that a Query may name it by."""
        if not self.assumes:
            return self.tags | {self.name}
        return self.tags | {self.name, "assumes"} | {f"assumes:{what}" for what in self.assumes}

    def __repr__(self) -> str:
        return f"<rule {self.name}>"


def function_rule(
    *roots: ScalarOp | type,
    name: str | None = None,
    assumes: Iterable[str] | str = (),
    tags: Iterable[str] | str = (),
    examples: Callable[[], Sequence[Any]] | None = None,
    needs: Iterable[Any] = (),
    parts: Parts | None = None,
    sinks: Iterable[type] = (),
) -> Callable[[Callable[[Apply, Site], Replacement]], Rule]:
    """Make a rule of a function (node, site) -> None or replacements; its docstring states the identity."""

    def decorate(function: Callable[[Apply, Site], Replacement]) -> Rule:
        return Rule(
            name or function.__name__,
            tuple(roots),
            function,
            words(assumes),
            words(tags),
            (function.__doc__ or "").strip(),
            examples,
            frozenset(needs),
            parts,
            sinks=tuple(sinks),
        )

    return decorate


def words(text: Iterable[str] | str) -> frozenset[str]:
    return frozenset(text.split() if isinstance(text, str) else text)


def ruleset(*rules: Rule | Iterable[Rule]) -> tuple[Rule, ...]:
    """A tuple of rules, tried in this order; names must be unique in it."""
    flat: list[Rule] = []
    for item in rules:
        flat.extend([item] if isinstance(item, Rule) else item)
    seen: set[str] = set()
    for rule in flat:
        if rule.name in seen:
            raise ValueError(f"Two rules are called {rule.name!r}")
        seen.add(rule.name)
    return tuple(flat)
