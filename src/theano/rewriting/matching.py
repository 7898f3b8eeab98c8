"""Matching: where, and in which ways, a pattern (`pattern.py`) fits an expression.

Sums are matched as sums and products as products, in any order; a wildcard that is bound already must stand for the
same expression wherever it occurs, also where a sum or product that it stands for was written without brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

from theano.rewriting.conform import quotient, signed_sum
from theano.rewriting.known import number
from theano.rewriting.remains import around_product, around_sum, unchanged
from theano.rewriting.rule import Site
from theano.rewriting.terms import PRODUCTS, SUMS, alike, factors_of, is_negative, makes, terms_of
from theano.scalar import arithmetic as ar
from theano.scalar import facts
from theano.scalar.dtypes import complex_dtypes
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise

Binding = dict[str, Any]


class Wild:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Pending:
    """The sum or product that a wildcard stands for, from its parts: made when it is asked for. Most ways to match end
    before that, because the rest of the pattern does not fit.

    family   SUMS or PRODUCTS
    parts    [(sign or power, part)]
    """

    __slots__ = ("dtype", "family", "number", "parts", "variable")

    def __init__(self, family: frozenset[Any], parts: list[tuple[int, Any]], number: Any, dtype: str) -> None:
        self.family = family
        self.parts = sorted(parts, key=_is_negative)
        self.number = number
        self.dtype = dtype
        self.variable: Any = None

    def made(self) -> Any:
        if self.variable is None:
            if self.family is SUMS:
                self.variable = signed_sum(self.parts, self.number, self.dtype)
            else:
                num, den = ([v for power, v in self.parts if power == sign] for sign in (1, -1))
                self.variable = quotient(num, den, self.number, self.dtype)
        return self.variable

    def is_open(self, family: frozenset[Any], dtype: str) -> bool:
        """Would a sum (or product) with this in it be taken apart into these parts?"""
        return self.family is family and self.dtype == dtype and bool(self.parts) and all(
            v.type.dtype == dtype for _, v in self.parts)


def _is_negative(part: tuple[int, Any]) -> bool:
    return part[0] < 0


def made(v: Any) -> Any:
    """The variable that a wildcard stands for."""
    return v.made() if type(v) is Pending else v


class Same:
    """Fits one expression only: a part of what a wildcard stands for already."""

    __slots__ = ("variable",)

    def __init__(self, variable: Any) -> None:
        self.variable = variable


class Number:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class OfOp:
    """An elementwise op of arguments. `makers`: the ops that make what it fits (x * x is a square, too)."""

    __slots__ = ("args", "commutative", "makers", "record")

    def __init__(self, record: ScalarOp, args: list[Any]) -> None:
        self.record = record
        self.args = args
        self.makers = frozenset([record, ar.mul] if record is ar.sqr else [record])
        self.commutative = facts.commutative in record.facts and len(args) == 2


class OfSum:
    """constant + signed structural items + signed wildcards.

    names    of the wildcards; `shares`: does one of them occur in the items too?
    negated  the wildcard's name if the pattern is -x, and no more
    """

    __slots__ = ("constant", "items", "names", "negated", "shares", "wilds")

    def __init__(self) -> None:
        self.constant: Any = 0
        self.items: list[tuple[int, Any]] = []
        self.wilds: list[tuple[int, str]] = []
        self.names: frozenset[str] = frozenset()
        self.shares = False
        self.negated: Any = None

    def finish(self) -> None:
        """To be called when all parts are there."""
        self.names = frozenset(name for _, name in self.wilds)
        inner: set[str] = set().union(*(names_in(item) for _, item in self.items))
        self.shares = not inner.isdisjoint(self.names)
        if not self.items and not self.constant and len(self.wilds) == 1 and self.wilds[0][0] < 0:
            self.negated = self.wilds[0][1]


class OfProduct:
    """coefficient * structural items and wildcards, each to the power 1 or -1."""

    __slots__ = ("coefficient", "items", "wilds")

    def __init__(self) -> None:
        self.coefficient: Any = 1
        self.items: list[tuple[int, Any]] = []
        self.wilds: list[tuple[int, str]] = []


def names_in(pattern: Any) -> set[str]:
    """The names of all wildcards in a pattern."""
    if isinstance(pattern, Wild):
        return {pattern.name}
    if isinstance(pattern, OfOp):
        return set().union(*map(names_in, pattern.args))
    if isinstance(pattern, (OfSum, OfProduct)):
        return {name for _, name in pattern.wilds}.union(*(names_in(item) for _, item in pattern.items))
    return set()


class Matcher:
    """Matches patterns.

    allowed   the dtypes that interior nodes may have (None: all real, empty: all)
    site      where the node is that is looked at
    """

    def __init__(self, allowed: frozenset[str] | None) -> None:
        self.allowed = allowed
        self.site: Site | None = None

    def dtype_fits(self, v: Any) -> bool:
        if self.allowed is None:
            return v.type.dtype not in complex_dtypes
        return not self.allowed or v.type.dtype in self.allowed

    def root(self, pattern: Any, out: Any, site: Site) -> Iterator[tuple[Binding, Callable[[Any], Any]]]:
        """Each way to match: what the wildcards are, and how what remains is put around the result."""
        if not self.dtype_fits(out):
            return
        self.site = site
        dtype = out.type.dtype
        if isinstance(pattern, OfSum):
            constant, terms = terms_of(out, site)
            for flip in (1, -1):
                for binding, rest, left in self.sum_ways(pattern, constant, terms, flip, {}, dtype, True):
                    yield binding, around_sum(rest, left, flip, dtype, self.site)
        elif isinstance(pattern, OfProduct):
            coefficient, factors = factors_of(out, site)
            for binding, rest, left in self.product_ways(pattern, coefficient, factors, {}, dtype, True):
                yield binding, around_product(out, rest, left, site)
        else:
            for binding in self.ways(pattern, out, {}):
                yield binding, unchanged

    def ways(self, pattern: Any, v: Any, binding: Binding) -> Iterator[Binding]:
        if isinstance(pattern, Wild):
            bound = binding.get(pattern.name)
            if bound is None:
                yield {**binding, pattern.name: v}
            elif alike(made(bound), v):
                yield binding
            return
        if isinstance(pattern, Same):
            if alike(pattern.variable, v):
                yield binding
            return
        if isinstance(pattern, Number):
            value = number(v)
            if value is not None and value == pattern.value:
                yield binding
            return
        if not self.dtype_fits(v):
            return
        if isinstance(pattern, OfOp):
            node = v.owner
            if node is None or not isinstance(node.op, Elemwise):
                return
            if node.op.scalar_op is not pattern.record:
                if pattern.record is ar.sqr and is_square(node):
                    yield from self.ways(pattern.args[0], node.inputs[0], binding)
                return
            yield from self.args(pattern.args, node.inputs, binding)
            if pattern.commutative:
                yield from self.args(pattern.args, node.inputs[::-1], binding)
        elif isinstance(pattern, OfSum):
            if pattern.negated is not None:
                yield from self.negated_ways(pattern, v, binding)
                return
            constant, terms = terms_of(v, self.site)
            for found, _, _ in self.sum_ways(pattern, constant, terms, 1, binding, v.type.dtype, False):
                yield found
        else:
            coefficient, factors = factors_of(v, self.site)
            for found, _, _ in self.product_ways(pattern, coefficient, factors, binding, v.type.dtype, False):
                yield found

    def negated_ways(self, pattern: OfSum, v: Any, binding: Binding) -> Iterator[Binding]:
        """The ways of the pattern -x."""
        name = pattern.negated
        bound = binding.get(name)
        if bound is not None:
            if is_negative(v, made(bound), self.site):
                yield binding
            return
        if makes(v) is ar.neg and v.owner.inputs[0].type.dtype == v.type.dtype:   # not taken apart: others may use it
            yield {**binding, name: v.owner.inputs[0]}
            return
        constant, terms = terms_of(v, self.site)
        if not terms and not constant:
            return
        if constant or len(terms) > 1 or terms[0][0] < 0:
            for found, _, _ in self.sum_ways(pattern, constant, terms, 1, binding, v.type.dtype, False):
                yield found
            return
        coefficient, factors = factors_of(v, self.site)
        if not isinstance(coefficient, complex) and coefficient < 0:
            yield {**binding, name: Pending(PRODUCTS, factors, -coefficient, v.type.dtype)}

    def args(self, patterns: list[Any], values: list[Any], binding: Binding) -> Iterator[Binding]:
        if not patterns:
            yield binding
            return
        if len(patterns) != len(values):
            return
        for found in self.ways(patterns[0], values[0], binding):
            yield from self.args(patterns[1:], values[1:], found)

    def place(
        self, items: list[tuple[int, Any]], pool: list[tuple[int, Any]], flip: int, binding: Binding,
        squares: bool = False,
    ) -> Iterator[tuple[Binding, list[tuple[int, Any]]]]:
        """Each way to give every item its own member of the pool: (binding, what is left of the pool).

        Of members that are one expression only the first is tried: k of them in any order would be k! ways.

        squares   the pool holds factors: the square of something may also be two of them
        """
        if not items:
            yield binding, pool
            return
        sign, pattern = items[0]
        if squares and isinstance(pattern, OfOp) and pattern.record is ar.sqr:
            for position, twin in _twins(pool, sign):
                rest = [part for n, part in enumerate(pool) if n not in (position, twin)]
                for found in self.ways(pattern.args[0], pool[position][1], binding):
                    yield from self.place(items[1:], rest, flip, found, squares)
        makers = pattern.makers if type(pattern) is OfOp else None
        tried: set[tuple[int, Any]] = set()
        for position, part in enumerate(pool):
            s, v = part
            if (makers is not None and makes(v) not in makers) or part in tried:   # most are not
                continue
            tried.add(part)
            if s * flip == sign:
                ways = self.ways(pattern, v, binding)
            elif isinstance(pattern, OfProduct):
                ways = self.ways_of_negative(pattern, v, binding)
            else:
                continue
            for found in ways:
                yield from self.place(items[1:], pool[:position] + pool[position + 1 :], flip, found, squares)
                if type(pattern) is Same:
                    return

    def ways_of_negative(self, pattern: OfProduct, v: Any, binding: Binding) -> Iterator[Binding]:
        """Each way in which a product with a negative number in it is minus the pattern."""
        if not self.dtype_fits(v):
            return
        coefficient, factors = factors_of(v, self.site)
        if not isinstance(coefficient, complex) and coefficient < 0:
            for found, _, _ in self.product_ways(pattern, -coefficient, factors, binding, v.type.dtype, False):
                yield found

    def sum_ways(
        self, p: OfSum, constant: Any, terms: list[tuple[int, Any]], flip: int, binding: Binding, dtype: str, root: bool
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if len(terms) < len(p.items):
            return
        if p.constant and p.constant != flip * constant and not p.shares and binding.keys().isdisjoint(p.names):
            return
        free = [w for w in p.wilds if w[1] not in binding]
        shift: Any = None
        for fitting, pool in self.place(p.items, terms, flip, binding):
            if shift is None:   # what is bound is taken apart only where the rest fits
                bound, shift, number_bound = _terms_of_bound(
                    [w for w in p.wilds if w[1] in binding], binding, dtype)
            for found, left in self.place(bound, pool, flip, fitting):
                now_free = [w for w in free if w[1] not in found]
                more: list[tuple[int, Any]] = []
                wanted, whole = p.constant + shift, number_bound
                if len(now_free) < len(free):
                    more, late_shift, late = _terms_of_bound([w for w in free if w[1] in found], found, dtype)
                    wanted, whole = wanted + late_shift, whole or late
                exact = p.constant or whole
                if exact and wanted != flip * constant:
                    continue
                rest = 0 if exact else constant - flip * wanted
                for again, remaining in self.place(more, left, flip, found):
                    yield from self.fill_sum(now_free, remaining, rest, flip, again, dtype, root)

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
            value = Pending(SUMS, turned, flip * sign * rest, dtype)
        yield {**binding, name: value}, 0, []

    def product_ways(
        self, p: OfProduct, coefficient: Any, factors: list[tuple[int, Any]], binding: Binding, dtype: str, root: bool
    ) -> Iterator[tuple[Binding, Any, list[tuple[int, Any]]]]:
        if len(factors) < len(p.items):
            return
        free = [w for w in p.wilds if w[1] not in binding]
        scale: Any = None
        for fitting, pool in self.place(p.items, factors, 1, binding, True):
            if scale is None:
                bound, scale = _factors_of_bound([w for w in p.wilds if w[1] in binding], binding, dtype)
            for found, left in self.place(bound, pool, 1, fitting, True):
                now_free = [w for w in free if w[1] not in found]
                more: list[tuple[int, Any]] = []
                wanted = p.coefficient * scale
                if len(now_free) < len(free):
                    more, late_scale = _factors_of_bound([w for w in free if w[1] in found], found, dtype)
                    wanted = wanted * late_scale
                for again, remaining in self.place(more, left, 1, found, True):
                    yield from self.fill_product(now_free, remaining, wanted, coefficient, again, dtype, root)

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
        if power < 0 and (not left or any(s > 0 for s, _ in left) or rest == 0):
            return
        if len(left) == 1 and left[0][0] == power and rest == 1:
            value = left[0][1]
        else:
            parts = [(s * power, v) for s, v in left]
            value = Pending(PRODUCTS, parts, rest if power > 0 else 1 / rest, dtype)
        yield {**binding, name: value}, 1, []


def _terms_of_bound(
    wilds: list[tuple[int, str]], binding: Binding, dtype: str
) -> tuple[list[tuple[int, Any]], Any, bool]:
    """What must be among the terms of a sum, as patterns, and in its constant, for wildcards that are bound already.

    And whether one of them is a number, which must be there: else -3 would be found in any sum, as 3 - 3 is 0. A zero
    is no term of any sum: softplus(0) is no softplus(x) - x. Nor are infinities found in constants, and NaN.
    """
    patterns: list[tuple[int, Any]] = []
    constant: Any = 0
    whole = False
    for sign, name in wilds:
        v = binding[name]
        if type(v) is Pending and v.is_open(SUMS, dtype):
            more, terms = v.number, v.parts
        else:
            v = made(v)
            value = number(v)
            more, terms = (value, []) if value is not None else \
                terms_of(v) if _is_made_by(v, SUMS, dtype) else (0, [(1, v)])
        if not abs(more) < inf or not (more or terms):
            patterns.append((sign, Same(made(v))))
            continue
        constant = constant + sign * more
        whole = whole or not terms
        patterns.extend((sign * s, Same(term)) for s, term in terms)
    return patterns, constant, whole


def _factors_of_bound(wilds: list[tuple[int, str]], binding: Binding, dtype: str) -> tuple[list[tuple[int, Any]], Any]:
    """What must be among the factors of a product, and in its coefficient, for wildcards that are bound already."""
    patterns: list[tuple[int, Any]] = []
    coefficient: Any = 1
    for power, name in wilds:
        v = binding[name]
        if type(v) is Pending and v.is_open(PRODUCTS, dtype):
            coefficient = coefficient * (v.number if power > 0 or v.number == 0 else 1 / v.number)
            patterns.extend((power * p, Same(factor)) for p, factor in v.parts)
            continue
        v = made(v)
        value = number(v)
        if value is not None and value != 0:
            coefficient = coefficient * (value if power > 0 else 1 / value)
        elif _is_made_by(v, PRODUCTS, dtype):
            more, factors = factors_of(v)
            coefficient = coefficient * (more if power > 0 or more == 0 else 1 / more)
            patterns.extend((power * p, Same(factor)) for p, factor in factors)
        else:
            patterns.append((power, Same(v)))
    return patterns, coefficient


def _is_made_by(v: Any, family: frozenset[Any], dtype: str) -> bool:
    node = v.owner
    return node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op in family and v.type.dtype == dtype


def is_square(node: Any) -> bool:
    """Is this elementwise node x * x?"""
    return node.op.scalar_op is ar.mul and len(node.inputs) == 2 and node.inputs[0] is node.inputs[1]


def _twins(pool: list[tuple[int, Any]], power: int) -> Iterator[tuple[int, int]]:
    """The positions of two equal factors of this power, for each pair of neighbours among equal ones."""
    seen: dict[Any, int] = {}
    for position, (p, v) in enumerate(pool):
        if p == power:
            if v in seen:
                yield seen[v], position
            seen[v] = position
