"""Expressions seen as sums of signed terms, and as products of factors to the power 1 or -1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano.graph.node import Apply, Constant
from theano.rewriting.known import number
from theano.rewriting.rule import Site
from theano.scalar import arithmetic as ar
from theano.tensor.elemwise import Elemwise

SUMS = frozenset([ar.add, ar.sub, ar.neg])
PRODUCTS = frozenset([ar.mul, ar.true_div, ar.inv, ar.neg])
MOST_TERMS = 16  # terms of a sum, or factors of a product, that are looked at
DEEPEST = 4      # levels of two expressions that are compared


def sum_parts(node: Apply) -> list[tuple[int, Any]] | None:
    record = node.op.scalar_op  # type: ignore[attr-defined]
    if record is ar.add:
        return [(1, x) for x in node.inputs]
    if record is ar.sub:
        return [(1, node.inputs[0]), (-1, node.inputs[1])]
    if record is ar.neg:
        return [(-1, node.inputs[0])]
    return None


def product_parts(node: Apply) -> list[tuple[int, Any]] | None:
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


def flat(
    variable: Any, family: frozenset[Any], parts: Callable[[Apply], list[tuple[int, Any]] | None],
    site: Site | None = None,
) -> tuple[list[tuple[int, Any]], list[Apply]]:
    """([(sign or power, part)] in order, the nodes that were taken apart, each before those in it)

    None stands for the factor -1. Looks at MOST_TERMS parts at the most. `parts` takes the elementwise ops of `family`
    apart.
    """
    out: list[tuple[int, Any]] = []
    inside: list[Apply] = []
    stack: list[tuple[int, Any]] = [(1, variable)]
    dtype = variable.type.dtype
    while stack:
        sign, v = stack.pop()
        node = v.owner if v is not None else None
        if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op in family \
                and v.type.dtype == dtype and len(node.inputs) <= MOST_TERMS:
            inner = parts(node)
            if inner is not None and len(out) + len(stack) + len(inner) <= MOST_TERMS:
                inner.reverse()
                stack += inner if sign == 1 else [(sign * s, x) for s, x in inner]
                inside.append(node)
                continue
        out.append((sign, v))
    if site is not None:
        site.findings.looked_at(inside)
    return out, inside


def terms_of(variable: Any, site: Site | None = None) -> tuple[Any, list[tuple[int, Any]]]:
    """(constant, [(sign, term)]) whose sum `variable` is. With `site`, found once: the list must not be changed."""
    return _terms_of(variable, None) if site is None else site.findings.find(_terms_of, variable, site)


def own_terms_of(variable: Any, site: Site) -> tuple[Any, list[tuple[int, Any]]]:
    """`terms_of`, where sums that others use too are terms: they stay, and so do their terms."""
    def own_parts(node: Apply) -> list[tuple[int, Any]] | None:
        (v,) = node.outputs
        return sum_parts(node) if v is variable or site.uses(v) == 1 else None

    return _terms_of(variable, None, own_parts)


def _terms_of(
    variable: Any, site: Site | None, parts: Callable[[Apply], list[tuple[int, Any]] | None] = sum_parts
) -> tuple[Any, list[tuple[int, Any]]]:
    constant: Any = 0
    terms = []
    for sign, v in flat(variable, SUMS, parts, site)[0]:
        value = known_number(v, site)
        if value is not None and not isinstance(value, bool):
            constant = constant + sign * value
            continue
        node = v.owner
        if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op is ar.mul and \
                len(node.inputs) == 2 and v.type.dtype == variable.type.dtype:
            if site is not None:
                site.findings.looked_at([node])
            a, b = node.inputs
            for factor, other in ((a, b), (b, a)):
                if known_number(factor, site) == -1 and other.type == v.type:
                    sign, v = -sign, other
                    break
        terms.append((sign, v))
    return constant, terms


def factors_of(variable: Any, site: Site | None = None) -> tuple[Any, list[tuple[int, Any]]]:
    """(coefficient, [(power, factor)]) whose product `variable` is. See `terms_of`."""
    return _factors_of(variable, None) if site is None else site.findings.find(_factors_of, variable, site)


def _factors_of(variable: Any, site: Site | None) -> tuple[Any, list[tuple[int, Any]]]:
    coefficient: Any = 1
    factors = []
    for power, v in flat(variable, PRODUCTS, product_parts, site)[0]:
        if v is None:
            coefficient = -coefficient
            continue
        value = known_number(v, site)
        if value is None or (power < 0 and value == 0):
            factors.append((power, v))
        elif power > 0:
            coefficient = coefficient * value
        else:
            coefficient = coefficient / value
    return coefficient, factors


def known_number(v: Any, site: Site | None) -> Any:
    """`number(v)`, as a part of what is being found out of values behind which it lies."""
    if site is None or v.owner is None:
        return number(v)
    through: list[Apply] = []
    value = number(v, through)
    if through:
        site.findings.looked_at(through)
    return value


def makes(v: Any) -> Any:
    """The record (of an elementwise op) or class of the op that makes a value; `Constant`; None for inputs."""
    node = v.owner
    if node is None:
        return Constant if isinstance(v, Constant) else None
    op = node.op
    return op.scalar_op if isinstance(op, Elemwise) else type(op)


def direct_makers(record: Any, makers: Sequence[Any]) -> frozenset[Any]:
    """What makes the inputs of a node, and in which power they are in it if it is a product: {exp, (-1, exp)}."""
    if record not in PRODUCTS:
        return frozenset(makers)
    powers = {ar.true_div: (1, -1), ar.inv: (-1,)}.get(record) or (1,) * len(makers)
    return frozenset([*makers, *zip(powers, makers)])


def makers_in_sum(v: Any, site: Site) -> tuple[frozenset[Any], Any]:
    """(what makes the terms of `v`, the size of its constant)"""
    constant, terms = terms_of(v, site)
    return frozenset([makes(w) for _, w in terms]), abs(constant)


def makers_in_product(v: Any, site: Site) -> tuple[frozenset[Any], Any]:
    """(what makes the factors of `v`, and in which power they are: {exp, (-1, exp)}, 0)"""
    found: set[Any] = set()
    for power, w in factors_of(v, site)[1]:
        maker = makes(w)
        found.add(maker)
        found.add((power, maker))
    return frozenset(found), 0


def inside_terms(v: Any, site: Site) -> tuple[frozenset[Any], frozenset[Any]]:
    """What makes the factors of those terms of `v` that are products (or squares of some), with their powers, and what
    makes the terms of those that are sums."""
    return _inside(terms_of(v, site)[1], site)


def inside_factors(v: Any, site: Site) -> tuple[frozenset[Any], frozenset[Any]]:
    """The same for the factors of `v`."""
    return _inside(factors_of(v, site)[1], site)


def _inside(parts: Sequence[tuple[int, Any]], site: Site) -> tuple[frozenset[Any], frozenset[Any]]:
    of_products: set[Any] = set()
    of_sums: set[Any] = set()
    for _, v in parts:
        if makes(v) is ar.sqr:
            site.findings.looked_at([v.owner])
            v = v.owner.inputs[0]
        maker = makes(v)
        if maker in PRODUCTS:
            of_products |= site.find(makers_in_product, v)[0]
        if maker in SUMS:
            of_sums |= site.find(makers_in_sum, v)[0]
    return frozenset(of_products), frozenset(of_sums)


def is_behind(x: Any, v: Any, most: int) -> bool | None:
    """Is x among what `v` is made of? None: not among the first `most` values, and there are more."""
    stack = [v]
    for _ in range(most):
        if not stack:
            return False
        w = stack.pop()
        if w is x:
            return True
        if w.owner is not None:
            stack += w.owner.inputs
    return None if stack else False


def same_constant(a: Any, b: Any) -> bool:
    return isinstance(a, Constant) and isinstance(b, Constant) and a.equals(b)


def alike(a: Any, b: Any, depth: int = DEEPEST) -> bool:
    """Are both one variable, equal constants, or one op of such inputs? (A few levels are looked at.)"""
    if a is b:
        return True
    first, second = a.owner, b.owner
    if first is None or second is None:
        return same_constant(a, b)
    if depth == 0 or first.op != second.op or len(first.inputs) != len(second.inputs) or a.index != b.index:
        return False
    return all(alike(x, y, depth - 1) for x, y in zip(first.inputs, second.inputs))


def is_negative(v: Any, of: Any, site: Site | None = None) -> bool:
    """Is `v` minus `of` as far as sums, signs and numbers before terms tell: y - x of x - y, -2*x of x + x?"""
    if v.type.dtype != of.type.dtype:
        return False
    total, constant = linear(v, site)
    other, other_constant = linear(of, site)
    return constant == -other_constant and total.keys() == other.keys() and all(
        total[key] == -coefficient for key, coefficient in other.items())


def linear(v: Any, site: Site | None = None) -> tuple[dict[Any, Any], Any]:
    """({product: coefficient}, constant) whose sum `v` is; a product is a set of (power, factor, how often).

    With `site`, found once: the dictionary must not be changed."""
    return _linear(v, None) if site is None else site.findings.find(_linear, v, site)


def _linear(v: Any, site: Site | None) -> tuple[dict[Any, Any], Any]:
    constant, terms = terms_of(v, site)
    total: dict[Any, Any] = {}
    for sign, term in terms:
        coefficient, factors = factors_of(term, site)
        key = frozenset((power, w, factors.count((power, w))) for power, w in factors)
        total[key] = total.get(key, 0) + sign * coefficient
    return total, constant
