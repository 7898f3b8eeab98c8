"""What remains of a sum or product, part of which a rule replaces, put around the replacement.

A sum of signed terms stays flat. A product keeps together what other expressions use as well: in the derivative of a
long chain each product is the next one times a few factors, and a rule that took all of them apart, sixteen factors at
a time, would leave nothing that they have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import number_like, quotient, signed_sum
from theano.rewriting.known import number
from theano.rewriting.rule import Site
from theano.rewriting.terms import PRODUCTS, factors_of, flat, product_parts
from theano.scalar.arithmetic import sub
from theano.tensor.elemwise import elemwise_of

Parts = list[tuple[int, Any]]


def unchanged(result: Any) -> Any:
    return result


def around_sum(constant: Any, left: Parts, flip: int, dtype: str, site: Site) -> Callable[[Any], Any]:
    """flip * result + the terms that are left + a constant"""
    if not left and not constant and flip > 0:
        return unchanged
    if not left and not constant and site.signed_zeros:   # b - a is 0.0 where a - b is, and -(a - b) is -0.0
        return lambda result: elemwise_of(sub)(number_like(0, dtype), result)
    return lambda result: signed_sum([*left, (flip, result)], constant, dtype)


def around_product(out: Any, coefficient: Any, left: Parts, site: Site) -> Callable[[Any], Any]:
    """The result * a coefficient * the factors that are left of those of `out`"""
    if not left and coefficient == 1:
        return unchanged
    dtype = out.type.dtype

    def wrap(result: Any) -> Any:
        scale, together = _together(out, coefficient, left, site)
        num = [v for power, v in together if power > 0]
        den = [v for power, v in together if power < 0]
        if together and _is_shared(out, site):   # a product with this one in it will find the rest in one piece
            inner, scale = (1, scale) if scale == -1 else (scale, 1)
            num, den = [quotient(num, den, inner, dtype)], []
        return quotient([*num, result], den, scale, dtype)

    return wrap


def _is_shared(v: Any, site: Site) -> bool:
    return len(site.fgraph.clients.get(v, ())) > 1


def _together(out: Any, coefficient: Any, left: Parts, site: Site) -> tuple[Any, Parts]:
    """(the coefficient, the factors that are left of `out`). A product in it of which all is left is one factor, with
    its numbers, if it is used elsewhere, or lies in a product that is."""
    inside = flat(out, PRODUCTS, product_parts)[1]
    powers, shared = {inside[0]: 1}, set()
    for node in inside:
        for power, v in product_parts(node) or ():
            if v is not None and v.owner in inside:
                powers[v.owner] = power * powers[node]
                if node in shared or _is_shared(v, site):
                    shared.add(v.owner)
    if not shared or len(powers) < len(inside):   # or a product is in two places: what is left of one is not of both
        return coefficient, left
    whole, factors = factors_of(out, site)
    taken = Counter(factors)
    taken.subtract(left)
    added = [part for part, count in taken.items() for _ in range(-count)]   # the other x of x**2
    seen = 0
    # of each product: is all of it left? its numbers, those of its factors that are left
    found: dict[Apply, tuple[bool, Any, Parts]] = {}
    for node in reversed(inside):
        complete, parts = True, []
        scale: Any = 1
        for power, v in product_parts(node) or ():
            power *= powers[node]
            value = -1 if v is None else number(v)
            if v is not None and v.owner in found:
                is_complete, more, inner = found[v.owner]
                if is_complete and v.owner in shared:
                    parts.append((power, v))
                else:
                    complete, scale = complete and is_complete, scale * more
                    parts += inner
            elif value is not None:
                complete = complete and coefficient == whole   # else who knows which number was taken
                scale = scale * value if power > 0 or value == 0 else scale / value
            elif taken[power, v] > 0:
                taken[power, v] -= 1
                complete, seen = False, seen + 1
            else:
                parts.append((power, v))
                seen += 1
        found[node] = complete, scale, parts
    _, scale, parts = found[inside[0]]
    if seen != len(factors):   # a division by 0: not worth more words
        return coefficient, left
    return scale if coefficient == whole else coefficient, [*parts, *added]
