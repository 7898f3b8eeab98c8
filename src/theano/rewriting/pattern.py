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

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from theano.graph.node import Apply, Constant
from theano.graph.traverse import toposort
from theano.rewriting.conform import conform, number_like, quotient, signed_sum
from theano.rewriting.known import number
from theano.rewriting.rule import Rule, Site, words
from theano.scalar import arithmetic as ar
from theano.scalar import facts
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, float_dtypes
from theano.scalar.op import ScalarOp
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

SUMS = frozenset([ar.add, ar.sub, ar.neg])
PRODUCTS = frozenset([ar.mul, ar.true_div, ar.inv, ar.neg])
MOST_TERMS = 16  # terms of a sum, or factors of a product, that are looked at

Binding = dict[str, Any]


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
    required = _required(left)
    right = _Builder(as_tensor_variable(after))
    allowed = {"float": frozenset(float_dtypes), "real": None, "any": frozenset()}[dtypes]
    matcher = _Matcher(allowed)
    roots, needs = _roots(left)

    def apply(node: Apply, site: Site) -> Any:
        out = node.outputs[0]
        if required is not None and not required.present(out, site):
            return None
        for binding, wrap in matcher.root(left, out, site):
            if when is not None and not when(Match(binding, node, site)):
                continue
            result = wrap(right.build(binding, out.type.dtype))  # type: ignore[attr-defined]
            result = conform(result, out, [*node.inputs, *binding.values()])
            if result is not None:
                return [result]
        return None

    return Rule(
        name, roots, apply, words(assumes), words(tags), "", None, needs, (before, after),
        lambda: f"{_text(before)} -> {_text(after)}",
    )


# ---- the left side ----


class _Wild:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Number:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Op:
    __slots__ = ("args", "commutative", "record")

    def __init__(self, record: ScalarOp, args: list[Any]) -> None:
        self.record = record
        self.args = args
        self.commutative = facts.commutative in record.facts and len(args) == 2


class _Sum:
    """constant + signed structural items + signed wildcards."""

    __slots__ = ("constant", "items", "wilds")

    def __init__(self) -> None:
        self.constant: Any = 0
        self.items: list[tuple[int, Any]] = []
        self.wilds: list[tuple[int, str]] = []


class _Product:
    """coefficient * structural items and wildcards, each to the power 1 or -1."""

    __slots__ = ("coefficient", "items", "wilds")

    def __init__(self) -> None:
        self.coefficient: Any = 1
        self.items: list[tuple[int, Any]] = []
        self.wilds: list[tuple[int, str]] = []


def _compile(variable: Any) -> Any:
    """A pattern from an expression. (Patterns are small: this may recurse.)"""
    if isinstance(variable, Wildcard):
        return _Wild(variable.name or "")
    if isinstance(variable, Constant):
        return _Number(number(variable))
    node = variable.owner
    if node is None or not isinstance(node.op, Elemwise):
        raise TypeError(f"A pattern is made of wildcards, numbers and elementwise ops, got {variable} ({node})")
    record = node.op.scalar_op
    if record in SUMS:
        pattern: Any = _Sum()
        for sign, term in _flat(variable, _sum_parts):
            inner = _compile(term)
            if isinstance(inner, _Number):
                pattern.constant += sign * inner.value
            elif isinstance(inner, _Wild):
                pattern.wilds.append((sign, inner.name))
            else:
                pattern.items.append((sign, inner))
        return pattern
    if record in PRODUCTS:
        pattern = _Product()
        for power, factor in _flat(variable, _product_parts):
            inner = _compile(factor) if factor is not None else _Number(-1)
            if isinstance(inner, _Number):
                pattern.coefficient = pattern.coefficient * inner.value**power
            elif isinstance(inner, _Wild):
                pattern.wilds.append((power, inner.name))
            else:
                pattern.items.append((power, inner))
        return pattern
    return _Op(record, [_compile(x) for x in node.inputs])


def _roots(pattern: Any) -> tuple[tuple[Any, ...], frozenset[Any]]:
    """(root records, records of which one must own an input)."""
    if isinstance(pattern, _Op):
        needs: frozenset[Any] = frozenset()
        if len(pattern.args) == 1:
            needs = _tops(pattern.args[0])
        return (pattern.record,), needs
    if isinstance(pattern, _Sum):
        found = frozenset().union(*(_tops(item) for _, item in pattern.items)) if pattern.items else frozenset()
        return (ar.add, ar.sub), found | SUMS if found else frozenset()
    if isinstance(pattern, _Product):
        found = frozenset().union(*(_tops(item) for _, item in pattern.items)) if pattern.items else frozenset()
        return (ar.mul, ar.true_div, ar.inv), found | PRODUCTS if found else frozenset()
    raise TypeError("A rule's left side must be an expression")


class _Required:
    """Of each structural item of a sum or product: the records of which one must be at its top. A quick check."""

    __slots__ = ("alternatives", "view")

    def __init__(self, pattern: Any) -> None:
        self.view = terms_of if isinstance(pattern, _Sum) else factors_of
        self.alternatives = [tops for _, item in pattern.items if (tops := _tops(item))]

    def present(self, out: Any, site: Site) -> bool:
        owners = site.views.get((self.view, "owners"))
        if owners is None:
            owners = site.views[self.view, "owners"] = {
                v.owner.op.scalar_op
                for _, v in self.view(out, site)[1]
                if v.owner is not None and isinstance(v.owner.op, Elemwise)
            }
        return all(not tops.isdisjoint(owners) for tops in self.alternatives)


def _required(pattern: Any) -> _Required | None:
    return _Required(pattern) if isinstance(pattern, (_Sum, _Product)) and pattern.items else None


def _tops(pattern: Any) -> frozenset[Any]:
    if isinstance(pattern, _Op):
        return frozenset([pattern.record])
    if isinstance(pattern, _Sum):
        return SUMS | frozenset([ar.mul]) if pattern.wilds or pattern.constant or len(pattern.items) > 1 else (
            SUMS | PRODUCTS)
    if isinstance(pattern, _Product):
        return PRODUCTS
    return frozenset()


# ---- views of expressions as sums and products ----


def _sum_parts(node: Apply) -> list[tuple[int, Any]] | None:
    record = node.op.scalar_op  # type: ignore[attr-defined]
    if record is ar.add:
        return [(1, x) for x in node.inputs]
    if record is ar.sub:
        return [(1, node.inputs[0]), (-1, node.inputs[1])]
    if record is ar.neg:
        return [(-1, node.inputs[0])]
    return None


def _product_parts(node: Apply) -> list[tuple[int, Any]] | None:
    record = node.op.scalar_op  # type: ignore[attr-defined]
    if record is ar.mul:
        return [(1, x) for x in node.inputs]
    if record is ar.true_div:
        return [(1, node.inputs[0]), (-1, node.inputs[1])]
    if record is ar.inv:
        return [(-1, node.inputs[0])]
    if record is ar.neg:
        return [(1, None), (1, node.inputs[0])]
    return None


def _flat(variable: Any, parts: Callable[[Apply], list[tuple[int, Any]] | None]) -> list[tuple[int, Any]]:
    """[(sign or power, part)] in order; None stands for the factor -1. Looks at MOST_TERMS parts at the most."""
    out: list[tuple[int, Any]] = []
    stack: list[tuple[int, Any]] = [(1, variable)]
    dtype = variable.type.dtype
    while stack:
        sign, v = stack.pop()
        node = v.owner if v is not None else None
        if node is not None and isinstance(node.op, Elemwise) and v.type.dtype == dtype:
            inner = parts(node)
            if inner is not None and len(out) + len(stack) + len(inner) <= MOST_TERMS:
                stack.extend((sign * s, x) for s, x in reversed(inner))
                continue
        out.append((sign, v))
    return out


def terms_of(variable: Any, site: Site | None = None) -> tuple[Any, list[tuple[int, Any]]]:
    """(constant, [(sign, term)]) whose sum `variable` is. With `site`, found once for the node that is looked at."""
    if site is not None:
        known = site.views.get((terms_of, variable))
        if known is None:
            known = site.views[terms_of, variable] = terms_of(variable)
        return known  # type: ignore[no-any-return]
    constant: Any = 0
    terms = []
    for sign, v in _flat(variable, _sum_parts):
        value = number(v)
        if value is not None and not isinstance(value, bool):
            constant = constant + sign * value
            continue
        node = v.owner
        if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op is ar.mul and \
                len(node.inputs) == 2 and v.type.dtype == variable.type.dtype:
            a, b = node.inputs
            for factor, other in ((a, b), (b, a)):
                if number(factor) == -1 and other.type == v.type:
                    sign, v = -sign, other
                    break
        terms.append((sign, v))
    return constant, terms


def factors_of(variable: Any, site: Site | None = None) -> tuple[Any, list[tuple[int, Any]]]:
    """(coefficient, [(power, factor)]) whose product `variable` is. See `terms_of`."""
    if site is not None:
        known = site.views.get((factors_of, variable))
        if known is None:
            known = site.views[factors_of, variable] = factors_of(variable)
        return known  # type: ignore[no-any-return]
    coefficient: Any = 1
    factors = []
    for power, v in _flat(variable, _product_parts):
        if v is None:
            coefficient = -coefficient
            continue
        value = number(v)
        if value is None or (power < 0 and value == 0):
            factors.append((power, v))
        elif power > 0:
            coefficient = coefficient * value
        else:
            coefficient = coefficient / value
    return coefficient, factors


# ---- matching ----


class _Matcher:
    """Matches patterns; `allowed` are the dtypes that interior nodes may have (None: all real, empty: all)."""

    def __init__(self, allowed: frozenset[str] | None) -> None:
        self.allowed = allowed

    def dtype_fits(self, v: Any) -> bool:
        if self.allowed is None:
            return v.type.dtype not in complex_dtypes
        return not self.allowed or v.type.dtype in self.allowed

    def root(self, pattern: Any, out: Any, site: Site) -> Iterator[tuple[Binding, Callable[[Any], Any]]]:
        """Each way to match: what the wildcards are, and how what remains is put around the result."""
        if not self.dtype_fits(out):
            return
        dtype = out.type.dtype
        if isinstance(pattern, _Sum):
            constant, terms = terms_of(out, site)
            for flip in (1, -1):
                for binding, rest, left in self.sum_ways(pattern, constant, terms, flip, {}, dtype, True):
                    yield binding, _around_sum(rest, left, flip, dtype)
        elif isinstance(pattern, _Product):
            coefficient, factors = factors_of(out, site)
            for binding, rest, left in self.product_ways(pattern, coefficient, factors, {}, dtype, True):
                yield binding, _around_product(rest, left, dtype)
        else:
            for binding in self.ways(pattern, out, {}):
                yield binding, _unchanged

    def ways(self, pattern: Any, v: Any, binding: Binding) -> Iterator[Binding]:
        if isinstance(pattern, _Wild):
            bound = binding.get(pattern.name)
            if bound is None:
                yield {**binding, pattern.name: v}
            elif bound is v or same_constant(bound, v):
                yield binding
            return
        if isinstance(pattern, _Number):
            value = number(v)
            if value is not None and value == pattern.value:
                yield binding
            return
        if not self.dtype_fits(v):
            return
        if isinstance(pattern, _Op):
            node = v.owner
            if node is None or not isinstance(node.op, Elemwise) or node.op.scalar_op is not pattern.record:
                return
            yield from self.args(pattern.args, node.inputs, binding)
            if pattern.commutative:
                yield from self.args(pattern.args, node.inputs[::-1], binding)
        elif isinstance(pattern, _Sum):
            constant, terms = terms_of(v)
            for found, _, _ in self.sum_ways(pattern, constant, terms, 1, binding, v.type.dtype, False):
                yield found
        else:
            coefficient, factors = factors_of(v)
            for found, _, _ in self.product_ways(pattern, coefficient, factors, binding, v.type.dtype, False):
                yield found

    def args(self, patterns: list[Any], values: list[Any], binding: Binding) -> Iterator[Binding]:
        if not patterns:
            yield binding
            return
        if len(patterns) != len(values):
            return
        for found in self.ways(patterns[0], values[0], binding):
            yield from self.args(patterns[1:], values[1:], found)

    def place(
        self, items: list[tuple[int, Any]], pool: list[tuple[int, Any]], flip: int, binding: Binding
    ) -> Iterator[tuple[Binding, list[tuple[int, Any]]]]:
        """Each way to give every item its own member of the pool: (binding, what is left of the pool)."""
        if not items:
            yield binding, pool
            return
        sign, pattern = items[0]
        for position, (s, v) in enumerate(pool):
            if s * flip != sign:
                continue
            for found in self.ways(pattern, v, binding):
                yield from self.place(items[1:], pool[:position] + pool[position + 1 :], flip, found)

    def sum_ways(
        self, p: _Sum, constant: Any, terms: list[tuple[int, Any]], flip: int, binding: Binding, dtype: str, root: bool
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if len(terms) < len(p.items) or (p.constant and p.constant != flip * constant):
            return
        bound = [(s, _Wild(n)) for s, n in p.wilds if n in binding]
        free = [(s, n) for s, n in p.wilds if n not in binding]
        for found, left in self.place(p.items + bound, terms, flip, binding):
            rest = 0 if p.constant else constant
            now_free = [(s, n) for s, n in free if n not in found]
            if len(now_free) < len(free):
                more = [(s, _Wild(n)) for s, n in free if n in found]
                for again, remaining in self.place(more, left, flip, found):
                    yield from self.fill_sum(now_free, remaining, rest, flip, again, dtype, root)
            else:
                yield from self.fill_sum(free, left, rest, flip, found, dtype, root)

    def fill_sum(
        self, free: list[tuple[int, str]], left: list[tuple[int, Any]], rest: Any, flip: int, binding: Binding,
        dtype: str, root: bool,
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if not free:
            if root or (not left and not rest):
                yield binding, rest, left
            return
        if len(free) > 1:
            (sign, name), others = free[0], free[1:]
            for position, (s, v) in enumerate(left):
                if s * flip == sign:
                    remaining = left[:position] + left[position + 1 :]
                    yield from self.fill_sum(others, remaining, rest, flip, {**binding, name: v}, dtype, root)
            return
        (sign, name), = free
        if not left and not rest:
            return
        turned = [(s * flip * sign, v) for s, v in left]
        if sign < 0 and (any(s < 0 for s, _ in turned) or flip * sign * rest < 0):
            return
        if len(turned) == 1 and turned[0][0] > 0 and not rest:
            value = turned[0][1]
        else:
            value = signed_sum(turned, flip * sign * rest, dtype)
        yield {**binding, name: value}, 0, []

    def product_ways(
        self, p: _Product, coefficient: Any, factors: list[tuple[int, Any]], binding: Binding, dtype: str, root: bool
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if len(factors) < len(p.items):
            return
        bound = [(s, _Wild(n)) for s, n in p.wilds if n in binding]
        free = [(s, n) for s, n in p.wilds if n not in binding]
        for found, left in self.place(p.items + bound, factors, 1, binding):
            now_free = [(s, n) for s, n in free if n not in found]
            ways: Iterable[Any] = [(found, left)]
            if len(now_free) < len(free):
                ways = self.place([(s, _Wild(n)) for s, n in free if n in found], left, 1, found)
            for again, remaining in ways:
                yield from self.fill_product(now_free, remaining, p.coefficient, coefficient, again, dtype, root)

    def fill_product(
        self, free: list[tuple[int, str]], left: list[tuple[int, Any]], wanted: Any, coefficient: Any,
        binding: Binding, dtype: str, root: bool,
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if not free:
            ratio = None
            if wanted == 1:
                ratio = coefficient
            elif coefficient in (wanted, -wanted):
                ratio = 1 if coefficient == wanted else -1
            if ratio is not None and (root or (not left and ratio == 1)):
                yield binding, ratio, left
            return
        if len(free) > 1:
            (power, name), others = free[0], free[1:]
            for position, (s, v) in enumerate(left):
                if s == power:
                    remaining = left[:position] + left[position + 1 :]
                    yield from self.fill_product(
                        others, remaining, wanted, coefficient, {**binding, name: v}, dtype, root)
            return
        (power, name), = free
        if wanted not in (1, coefficient):
            return
        rest = 1 if wanted == coefficient else coefficient
        if not left and rest == 1:
            return
        num = [v for s, v in left if s == power]
        den = [v for s, v in left if s != power]
        if power < 0 and (not num or den):
            return
        if len(num) == 1 and not den and rest == 1:
            value = num[0]
        else:
            value = quotient(num, den, rest if power > 0 else 1 / rest, dtype)
        yield {**binding, name: value}, 1, []


def same_constant(a: Any, b: Any) -> bool:
    return isinstance(a, Constant) and isinstance(b, Constant) and a.equals(b)


def _unchanged(result: Any) -> Any:
    return result


def _around_sum(rest: Any, left: list[tuple[int, Any]], flip: int, dtype: str) -> Callable[[Any], Any]:
    if not left and not rest and flip > 0:
        return _unchanged
    return lambda result: signed_sum([*left, (flip, result)], rest, dtype)


def _around_product(coefficient: Any, left: list[tuple[int, Any]], dtype: str) -> Callable[[Any], Any]:
    if not left and coefficient == 1:
        return _unchanged

    def wrap(result: Any) -> Any:
        num = [v for s, v in left if s > 0]
        return quotient([*num, result], [v for s, v in left if s < 0], coefficient, dtype)

    return wrap


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
