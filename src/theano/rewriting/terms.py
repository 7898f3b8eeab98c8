"""Expressions seen as sums of signed terms, and as products of factors to the power 1 or -1."""

from __future__ import annotations

from collections.abc import Callable
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
    variable: Any, family: frozenset[Any], parts: Callable[[Apply], list[tuple[int, Any]] | None]
) -> list[tuple[int, Any]]:
    """[(sign or power, part)] in order; None stands for the factor -1. Looks at MOST_TERMS parts at the most.

    `parts` takes the elementwise ops of `family` apart.
    """
    out: list[tuple[int, Any]] = []
    stack: list[tuple[int, Any]] = [(1, variable)]
    dtype = variable.type.dtype
    while stack:
        sign, v = stack.pop()
        node = v.owner if v is not None else None
        if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op in family \
                and v.type.dtype == dtype:
            inner = parts(node)
            if inner is not None and len(out) + len(stack) + len(inner) <= MOST_TERMS:
                inner.reverse()
                stack += inner if sign == 1 else [(sign * s, x) for s, x in inner]
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
    for sign, v in flat(variable, SUMS, sum_parts):
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
    for power, v in flat(variable, PRODUCTS, product_parts):
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

    With `site`, found once for the node that is looked at."""
    if site is not None:
        known = site.views.get((linear, v))
        if known is None:
            known = site.views[linear, v] = linear(v)
        return known  # type: ignore[no-any-return]
    constant, terms = terms_of(v)
    total: dict[Any, Any] = {}
    for sign, term in terms:
        coefficient, factors = factors_of(term)
        key = frozenset((power, w, factors.count((power, w))) for power, w in factors)
        total[key] = total.get(key, 0) + sign * coefficient
    return total, constant
