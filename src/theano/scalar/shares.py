"""The gradient of exp(x) where what comes in was divided by a sum that exp(x) is a term of.

log(exp(x) + exp(y)), 1/(exp(x) - 1) and (exp(x) - exp(-x))/(exp(x) + exp(-x)) have gradients g / u with such a sum u,
which exp(x) is multiplied to. Both overflow, and g * exp(x) / u is NaN; so are derivatives of it of any order, which
have more of both. The share exp(x) / u of the sum is a sigmoid of a difference of exponents, or 1/(1 - exp(y - x)), or
exp(x - m) / (exp(x - m) + ...): where it is stated so in the beginning, derivatives of any order are products of
shares, and no rule is needed.

Only the shape of the expression is looked at, and a bounded part of it.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from theano.scalar.arithmetic import add, mul, neg, sub, true_div
from theano.scalar.cancelling import constant_of, is_zero, record_of
from theano.scalar.declare import like
from theano.scalar.dtypes import is_float
from theano.scalar.op import ScalarOp

MOST_TERMS = 8    # of a sum of exponentials
MOST_NODES = 48   # of a gradient that are looked at
DEEPEST = 12

Term = tuple[float, Any, Any]  # weight, exponent, exp(exponent) as it is written; a number is (weight, None, None)


def exp_gradient(x: Any, y: Any, gradient: Any) -> Any:
    """gradient * y for y = exp(x), with y / u for what was divided by a sum u with the term y."""
    if gradient.owner is None or not is_float(y.dtype) or x.dtype != y.dtype or _is_log(x):
        return gradient * y
    result = _Product(x, y).with_share(gradient, 0)
    return gradient * y if result is None else result


def _is_log(x: Any) -> bool:
    """Of log(1 + exp(log(z))) nothing overflows; 1/(1 + z) is plainer than sigmoid(log(z)) / z."""
    record = None if x.owner is None else record_of(x.owner)
    return record is not None and record.name == "log"


def power_gradient(base: Any, n: float, y: Any, gradient: Any) -> Any:
    """gradient * n * base**(n - 1) for y = base**n of base = exp(x), with y / u as above; None: there is no u."""
    exponent = exponent_of(y)
    if exponent is None or gradient.owner is None:
        return None
    result = _Product(exponent, y).with_share(gradient, 0)
    return None if result is None else result * like(n, base) / base


def exponent_of(v: Any) -> Any:
    """x if `v` is exp(x), n*x if it is exp(x)**n for a number n, all of one float dtype; else None."""
    record = None if v.owner is None else record_of(v.owner)
    if record is None or not is_float(v.dtype):
        return None
    first = v.owner.inputs[0]
    if first.dtype != v.dtype:
        return None
    if record.name == "exp":
        return first
    n = 2.0 if record.name == "sqr" else constant_of(v.owner.inputs[1]) if record.name == "pow" else None
    if not n or not math.isfinite(n):
        return None
    inner = exponent_of(first)
    return None if inner is None else inner * like(n, v)


class _Product:
    """Products of gradients with y = exp(x)."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y
        self.left = MOST_NODES
        self.shares: dict[Any, Any] = {}

    def with_share(self, gradient: Any, level: int) -> Any:
        """`gradient` * y, y divided by what `gradient` was divided by; None if that is no sum with the term y."""
        node = gradient.owner
        self.left -= 1
        if node is None or level > DEEPEST or self.left < 0:
            return None
        record = record_of(node)
        if record is true_div:
            above, below = node.inputs
            return self._of_quotient(above, below, level)
        if record is neg:
            inner = self.with_share(node.inputs[0], level + 1)
            return None if inner is None else neg(inner)
        if record is mul:
            for position, part in enumerate(node.inputs):
                inner = self.with_share(part, level + 1)
                if inner is not None:
                    return mul(*node.inputs[:position], inner, *node.inputs[position + 1 :])
            return None
        if record is add or record is sub:
            parts = [self.with_share(part, level + 1) for part in node.inputs]
            if all(part is None for part in parts):
                return None
            return record(*(v * self.y if part is None else part for v, part in zip(node.inputs, parts)))
        if record is not None and record.name == "switch":
            condition, *branches = node.inputs
            parts = [branch if is_zero(branch) else self.with_share(branch, level + 1) for branch in branches]
            return None if any(part is None for part in parts) else record(condition, *parts)
        return None

    def _of_quotient(self, above: Any, below: Any, level: int) -> Any:
        if _alike(below, self.y):
            return above
        if below not in self.shares:
            self.shares[below] = self._share_of(below)
        share = self.shares[below]
        if share is not None:
            return above * share
        inner = self.with_share(above, level + 1)
        return None if inner is None else true_div(inner, below)

    def _share_of(self, total: Any) -> Any:
        """y / total, if that is a sum of exponentials with the term y."""
        terms = terms_with_weights(total)
        if terms is None or len(terms) < 2 or total.dtype != self.y.dtype:
            return None
        own = [n for n, (_, _, term) in enumerate(terms) if term is not None and _alike(term, self.y)]
        if len(own) != 1:
            return None
        if len(terms) == 2:
            return _share_of_two(terms[own[0]], terms[1 - own[0]])
        return _share_of_positive(terms, own[0], total, self.y) if all(term[0] > 0 for term in terms) else None


def terms_with_weights(total: Any) -> list[Term] | None:
    """[(weight, exponent), ...] of a sum of multiples of exponentials and of numbers, or None if it is no such sum."""
    found: list[Term] = []
    constant = 0.0
    stack: list[tuple[float, Any]] = [(1.0, total)]
    for _ in range(4 * MOST_TERMS):
        if not stack:
            break
        weight, v = stack.pop()
        value = constant_of(v)
        record = None if v.owner is None else record_of(v.owner)
        if value is not None:
            constant += weight * value
            continue
        if record is None or v.dtype != total.dtype:
            return None
        exponent = exponent_of(v)
        if exponent is not None:
            found.append((weight, exponent, v))
        elif record.name == "expm1" and v.owner.inputs[0].dtype == v.dtype:
            found.append((weight, v.owner.inputs[0], ScalarOp.registry["exp"](v.owner.inputs[0])))
            constant -= weight
        else:
            parts = _parts(weight, v, record)
            if parts is None:
                return None
            stack += reversed(parts)
    if stack or len(found) > MOST_TERMS or not all(math.isfinite(w) for w in (*(term[0] for term in found), constant)):
        return None
    return [*found, (constant, None, None)] if constant else found


def _parts(weight: float, v: Any, record: ScalarOp) -> list[tuple[float, Any]] | None:
    """The terms of a sum, or what a number is multiplied to."""
    inputs = v.owner.inputs
    if record is add:
        return [(weight, part) for part in inputs]
    if record is sub:
        return [(weight, inputs[0]), (-weight, inputs[1])]
    if record is neg:
        return [(-weight, inputs[0])]
    if record is mul or record is true_div:
        numbers = [constant_of(part) for part in inputs]
        if record is true_div:
            return [(weight / numbers[1], inputs[0])] if numbers[1] else None
        others = [part for part, value in zip(inputs, numbers) if value is None]
        factor = math.prod(value for value in numbers if value is not None)
        return [(weight * factor, others[0])] if len(others) == 1 and factor else None
    return None


def _alike(a: Any, b: Any, depth: int = 3) -> bool:
    """Are both one variable, one number, or one elementwise op of such? (Users write exp(-x) twice.)"""
    if a is b:
        return True
    value = constant_of(a)
    if value is not None:
        return value == constant_of(b) and a.dtype == b.dtype
    if depth == 0 or a.owner is None or b.owner is None or a.owner.op != b.owner.op or record_of(a.owner) is None:
        return False
    return all(_alike(v, w, depth - 1) for v, w in zip(a.owner.inputs, b.owner.inputs))


def _share_of_two(term: Term, other: Term) -> Any:
    """exp(x) / (a*exp(x) + b*exp(z)): sigmoid(x - z) for a = b = 1, and 1/(1 - exp(z - x)) for a = -b = 1."""
    (a, x, _), (b, z, _) = term, other
    sigmoid = ScalarOp.registry["sigmoid"]
    if a == b:
        share = sigmoid(x if z is None else x - z)
        return share if a == 1 else share * like(1 / a, x)
    if a == -b:
        return like(-1 / a, x) / ScalarOp.registry["expm1"](-x if z is None else z - x)
    difference = x if z is None else x - z   # log(a/b) added to it would be rounded
    above, rest = sigmoid(difference), sigmoid(-difference)
    return above / (above * like(a, x) + rest * like(b, x))


def _share_of_positive(terms: list[Term], own: int, total: Any, y: Any) -> Any:
    """y / total, all terms divided by the largest, or nearly: m below has no gradient. What was divided so once is
    divided no more."""
    x = terms[own][1]
    if _is_scaled(x):
        return y / total
    floor, maximum, exp = (ScalarOp.registry[name] for name in ("floor", "maximum", "exp"))
    exponents = [like(0, x) if exponent is None else exponent for _, exponent, _ in terms]
    m = floor(reduce(maximum, exponents))
    scaled = [exp(v - m) for v in exponents]
    return scaled[own] / add(*(v if w == 1 else v * like(w, x) for v, (w, _, _) in zip(scaled, terms)))


def _is_scaled(x: Any) -> bool:
    """Is x the difference of something and a whole number, as made here?"""
    node = x.owner
    whole = node.inputs[1].owner if node is not None and record_of(node) is sub else None
    return whole is not None and record_of(whole) is ScalarOp.registry["floor"]
