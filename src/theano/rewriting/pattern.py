"""Patterns: rules whose two sides are written as expressions.

    x, y = wild("x y")
    rule("log1p", log(1 + x), log1p(x))

Both sides are ordinary 0-d expressions; a wildcard stands for any expression of any shape. Sums are matched as sums
(`add`, `sub` and `neg` of any nesting and order) and products as products (`mul`, `true_div`, `inv`, `neg`), numbers
by value wherever they come from. A rule whose left side is a sum also applies to part of a longer sum and to the
negative of what it says; one whose left side is a product to part of a longer product. The right side takes the dtype
and broadcasting of what it replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.matching import Binding, Matcher, Number, OfOp, OfProduct, OfSum, Wild, made
from theano.rewriting.rule import Parts, Rule, Site, words
from theano.rewriting.symbols import Symbol, Wildcard, graph_of, symbol_of, text_of
from theano.rewriting.terms import PRODUCTS, SUMS, factors_of, terms_of
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to, elemwise_of
from theano.tensor.type import tensor_type


def wild(names: str) -> Any:
    """Wildcards of these names: one, or a list when there are several."""
    made = [Wildcard(tensor_type("float64", ()), None, None, name) for name in names.split()]
    return made[0] if len(made) == 1 else made


class Match:
    """What the wildcards of a rule stand for, as attributes: `m.x`. For `when=`."""

    def __init__(self, binding: Binding, node: Apply, site: Site) -> None:
        self._binding = binding
        self.node = node
        self.site = site

    def __getattr__(self, name: str) -> Any:
        try:
            return made(self._binding[name])
        except KeyError:
            raise AttributeError(name) from None


def rule(
    name: str,
    before: Any,
    after: Any,
    when: Callable[[Match], bool] | None = None,
    assumes: Iterable[str] | str = (),
    tags: Iterable[str] | str = (),
    dtypes: str = "float",
    first: Callable[[Apply], bool] | None = None,
) -> Rule:
    """The rule `before -> after`.

    when      (match) -> bool: a condition on what the wildcards stand for
    first     (node) -> bool: a cheap test that tells most nodes which cannot match, where trying all ways is dear
    assumes   see `Rule`
    dtypes    where it holds: "float", "real" (ints and bools too) or "any" (complex too)
    """
    written = symbol_of(before), symbol_of(after)
    left = _compile(written[0])
    right = _Builder(written[1])
    allowed = {"float": frozenset(float_dtypes), "real": None, "any": frozenset()}[dtypes]
    matcher = Matcher(allowed)
    roots, needs = _roots(left)

    def apply(node: Apply, site: Site) -> Any:
        out = node.outputs[0]
        if first is not None and not first(node):
            return None
        for binding, wrap in matcher.root(left, out, site):
            if when is not None and not when(Match(binding, node, site)):
                continue
            binding = {name: made(v) for name, v in binding.items()}
            result = wrap(right.build(binding, out.type.dtype))  # type: ignore[attr-defined]
            result = conform(result, out, [*node.inputs, *binding.values()])
            if result is not None:
                return [result]
        return None

    def sides() -> tuple[Any, Any]:
        wildcards: dict[str, Wildcard] = {}
        return graph_of(written[0], wildcards), graph_of(written[1], wildcards)

    return Rule(
        name, roots, apply, words(assumes), words(tags), "", None, needs, _parts(left), sides,
        lambda: f"{text_of(written[0])} -> {text_of(written[1])}",
    )


# ---- the left side ----


def _compile(symbol: Any) -> Any:
    """A pattern from an expression. (Patterns are small: this may recurse.)"""
    if not isinstance(symbol, Symbol):
        return Number(symbol)
    record = symbol.record
    if record is None:
        return Wild(symbol.name)
    if record in SUMS:
        total = OfSum()
        for sign, term in _flat(symbol, SUMS):
            inner = _compile(term)
            if isinstance(inner, Number):
                total.constant += sign * inner.value
            elif isinstance(inner, Wild):
                total.wilds.append((sign, inner.name))
            else:
                total.items.append((sign, inner))
        total.finish()
        return total
    if record in PRODUCTS:
        product = OfProduct()
        for power, factor in _flat(symbol, PRODUCTS):
            inner = _compile(factor)
            if isinstance(inner, Number):
                product.coefficient = product.coefficient * inner.value**power
            elif isinstance(inner, Wild):
                product.wilds.append((power, inner.name))
            else:
                product.items.append((power, inner))
        return product
    return OfOp(record, [_compile(arg) for arg in symbol.args])


def _flat(symbol: Any, family: frozenset[Any], sign: int = 1) -> list[tuple[int, Any]]:
    """[(sign, term)] of a sum, [(power, factor)] of a product."""
    if not isinstance(symbol, Symbol) or symbol.record not in family:
        return [(sign, symbol)]
    record, args = symbol.record, symbol.args
    if record is ar.neg:
        return _flat(args[0], family, -sign) if family is SUMS else [(1, -1), *_flat(args[0], family, sign)]
    turned = -sign if record in (ar.sub, ar.true_div, ar.inv) else sign
    first = turned if record is ar.inv else sign
    return [part for n, arg in enumerate(args) for part in _flat(arg, family, turned if n else first)]


def _roots(pattern: Any) -> tuple[tuple[Any, ...], frozenset[Any]]:
    """(root records, records of which one must own an input)."""
    if isinstance(pattern, OfOp):
        needs: frozenset[Any] = frozenset()
        if len(pattern.args) == 1:
            needs = _tops(pattern.args[0])
        return (pattern.record,), needs
    if isinstance(pattern, OfSum):
        found = frozenset().union(*(_tops(item) for _, item in pattern.items)) if pattern.items else frozenset()
        return (ar.add, ar.sub), found | SUMS if found else frozenset()
    if isinstance(pattern, OfProduct):
        found = frozenset().union(*(_tops(item) for _, item in pattern.items)) if pattern.items else frozenset()
        return (ar.mul, ar.true_div, ar.inv), found | PRODUCTS if found else frozenset()
    raise TypeError("A rule's left side must be an expression")


def _parts(pattern: Any) -> Parts | None:
    """What must be among the terms or factors of what a sum or product fits."""
    if not isinstance(pattern, (OfSum, OfProduct)):
        return None
    records = _tops_of_items(pattern)
    deeper: dict[type, list[frozenset[Any]]] = {OfProduct: [], OfSum: []}
    for _, item in pattern.items:
        inner = item.args[0] if isinstance(item, OfOp) and item.record is ar.sqr else item
        if isinstance(inner, (OfSum, OfProduct)):
            deeper[type(inner)] += _tops_of_items(inner)
    found, products, sums = (tuple(dict.fromkeys(filter(None, s))) for s in (records, *deeper.values()))
    if not found and not products and not sums:
        return None
    if isinstance(pattern, OfProduct):
        return Parts(factors_of, found, 0, products, sums)
    return Parts(terms_of, found, 0 if pattern.shares else abs(pattern.constant), products, sums)


def _tops_of_items(pattern: OfSum | OfProduct) -> list[frozenset[Any]]:
    """For each item the records of which one must make what it fits; (power, record) in products."""
    if isinstance(pattern, OfSum):
        return [_tops(item) for _, item in pattern.items]
    return [frozenset((power, record) for record in _tops(item)) for power, item in pattern.items]


def _tops(pattern: Any) -> frozenset[Any]:
    if isinstance(pattern, OfOp):
        if pattern.record is ar.sqr:   # x * x counts too, and two equal factors
            inner = _tops(pattern.args[0])
            return inner | {ar.sqr, ar.mul} if inner else inner
        return frozenset([pattern.record])
    if isinstance(pattern, OfSum):
        return SUMS | frozenset([ar.mul]) if pattern.wilds or pattern.constant or len(pattern.items) > 1 else (
            SUMS | PRODUCTS)
    if isinstance(pattern, OfProduct):
        return PRODUCTS
    return frozenset()


# ---- the right side ----


class _Builder:
    """Builds the right side with what the wildcards stand for."""

    def __init__(self, after: Any) -> None:
        self.after = after
        self.steps: list[tuple[Any, list[Any]]] | None = None   # made when first needed: most rules never are
        self.result: Any = None

    def build(self, binding: Binding, dtype: str) -> Any:
        if self.steps is None:
            steps: list[tuple[Any, list[Any]]] = []
            self.result = _listed(self.after, steps, {})
            self.steps = steps
        values: list[Any] = []

        def value_of(x: Any) -> Any:
            if isinstance(x, _Step):
                return values[x.number]
            if isinstance(x, str):
                bound = binding[x]
                # integers on the left were promoted by the op that took them; on the right they must not wrap
                return cast_to(bound, dtype) if bound.type.dtype in discrete_dtypes and dtype in float_dtypes else bound
            return number_like(x, dtype) if isinstance(x, float) and dtype in float_dtypes else x

        for op, args in self.steps:
            values.append(op(*[value_of(x) for x in args]))
        return as_tensor_variable(value_of(self.result))


class _Step:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def _listed(symbol: Any, steps: list[tuple[Any, list[Any]]], seen: dict[Any, _Step]) -> Any:
    """What stands for `symbol` among `steps`: a step, a name, or a number."""
    if not isinstance(symbol, Symbol):
        return symbol
    if symbol.record is None:
        return symbol.name
    found = seen.get(symbol)
    if found is None:
        args = [_listed(arg, steps, seen) for arg in symbol.args]
        found = seen[symbol] = _Step(len(steps))
        steps.append((elemwise_of(symbol.record), args))
    return found


__all__ = ["Match", "Wildcard", "cast_to", "elemwise_of", "factors_of", "rule", "terms_of", "wild"]
