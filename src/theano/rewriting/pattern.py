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

from theano.graph.node import Apply, Constant
from theano.graph.traverse import toposort
from theano.rewriting.conform import conform, number_like
from theano.rewriting.known import number
from theano.rewriting.matching import Binding, Matcher, Number, OfOp, OfProduct, OfSum, Wild
from theano.rewriting.rule import Parts, Rule, Site, words
from theano.rewriting.terms import PRODUCTS, SUMS, factors_of, flat, product_parts, sum_parts, terms_of
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class Wildcard(TensorVariable):
    """Stands for any expression in a pattern."""


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
            return self._binding[name]
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
) -> Rule:
    """The rule `before -> after`.

    when      (match) -> bool: a condition on what the wildcards stand for
    assumes   see `Rule`
    dtypes    where it holds: "float", "real" (ints and bools too) or "any" (complex too)
    """
    left = _compile(before)
    right = _Builder(as_tensor_variable(after))
    allowed = {"float": frozenset(float_dtypes), "real": None, "any": frozenset()}[dtypes]
    matcher = Matcher(allowed)
    roots, needs = _roots(left)

    def apply(node: Apply, site: Site) -> Any:
        out = node.outputs[0]
        for binding, wrap in matcher.root(left, out, site):
            if when is not None and not when(Match(binding, node, site)):
                continue
            result = wrap(right.build(binding, out.type.dtype))  # type: ignore[attr-defined]
            result = conform(result, out, [*node.inputs, *binding.values()])
            if result is not None:
                return [result]
        return None

    return Rule(
        name, roots, apply, words(assumes), words(tags), "", None, needs, _parts(left), (before, after),
        lambda: f"{_text(before)} -> {_text(after)}",
    )


# ---- the left side ----


def _compile(variable: Any) -> Any:
    """A pattern from an expression. (Patterns are small: this may recurse.)"""
    if isinstance(variable, Wildcard):
        return Wild(variable.name or "")
    if isinstance(variable, Constant):
        return Number(number(variable))
    node = variable.owner
    if node is None or not isinstance(node.op, Elemwise):
        raise TypeError(f"A pattern is made of wildcards, numbers and elementwise ops, got {variable} ({node})")
    record = node.op.scalar_op
    if record in SUMS:
        pattern: Any = OfSum()
        for sign, term in flat(variable, sum_parts):
            inner = _compile(term)
            if isinstance(inner, Number):
                pattern.constant += sign * inner.value
            elif isinstance(inner, Wild):
                pattern.wilds.append((sign, inner.name))
            else:
                pattern.items.append((sign, inner))
        pattern.finish()
        return pattern
    if record in PRODUCTS:
        pattern = OfProduct()
        for power, factor in flat(variable, product_parts):
            inner = _compile(factor) if factor is not None else Number(-1)
            if isinstance(inner, Number):
                pattern.coefficient = pattern.coefficient * inner.value**power
            elif isinstance(inner, Wild):
                pattern.wilds.append((power, inner.name))
            else:
                pattern.items.append((power, inner))
        return pattern
    return OfOp(record, [_compile(x) for x in node.inputs])


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
    records: list[frozenset[Any]] = []
    deeper: dict[type, list[frozenset[Any]]] = {OfProduct: [], OfSum: []}
    for _, item in pattern.items:
        records.append(_tops(item))
        inner = item.args[0] if isinstance(item, OfOp) and item.record is ar.sqr else item
        if isinstance(inner, (OfSum, OfProduct)):
            deeper[type(inner)].extend(_tops(part) for _, part in inner.items)
    found, products, sums = (tuple(dict.fromkeys(filter(None, s))) for s in (records, *deeper.values()))
    if not found and not products and not sums:
        return None
    if isinstance(pattern, OfProduct):
        return Parts(factors_of, found, 0, products, sums)
    return Parts(terms_of, found, 0 if pattern.shares else abs(pattern.constant), products, sums)


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
        self.steps: list[tuple[Any, list[Any]]] = []
        places: dict[Any, Any] = {}
        for node in toposort([after]):
            if not isinstance(node.op, Elemwise):
                raise TypeError(f"The right side of a rule is made of elementwise ops, got {node.op}")
            args = [places.get(x, x) for x in node.inputs]
            places[node.outputs[0]] = len(self.steps)
            self.steps.append((node.op, args))
        self.result = places.get(after, after)

    def build(self, binding: Binding, dtype: str) -> Any:
        values: list[Any] = []

        def value_of(x: Any) -> Any:
            if isinstance(x, int):
                return values[x]
            if isinstance(x, Wildcard):
                bound = binding[x.name or ""]
                # integers on the left were promoted by the op that took them; on the right they must not wrap
                return cast_to(bound, dtype) if bound.type.dtype in discrete_dtypes and dtype in float_dtypes else bound
            if x.type.dtype in float_dtypes and dtype in float_dtypes:
                return number_like(x.data, dtype)
            return x

        for op, args in self.steps:
            values.append(op(*[value_of(x) for x in args]))
        result = value_of(self.result)
        return as_tensor_variable(result)


def _text(variable: Any) -> str:
    """An expression as text, for the documentation of a rule."""
    variable = as_tensor_variable(variable)
    if variable.owner is None:
        if isinstance(variable, Constant):
            return f"{variable.data!s}"
        return str(variable)
    record = variable.owner.op.scalar_op
    args = [_text(x) for x in variable.owner.inputs]
    if record.symbol and len(args) >= 2:
        return "(" + f" {record.symbol} ".join(args) + ")"
    if record.symbol and len(args) == 1:
        return f"{record.symbol}{args[0]}"
    return f"{record.name}({', '.join(args)})"


__all__ = ["Match", "cast_to", "elemwise_of", "factors_of", "rule", "terms_of", "wild"]
