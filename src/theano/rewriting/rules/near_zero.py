"""Sums whose terms cancel as x goes to 0, mostly derivatives of quotients that are 0/0 there.

The derivative of sin(x)/x is cos(x)/x - sin(x)/x**2: each term has a pole at 0, the sum has none, and all digits are
lost near it. One rule covers all such sums: the series of the sum at 0 is found exactly (`power_series.py`), and where
poles or orders cancel, its polynomial stands for it near 0. Higher derivatives are sums that contain such replaced
sums: they are seen through.

Only sums with a function of x among the factors of their terms, and with a pole, or x itself beside a function that is
0 with it, are looked at: 1 - cos(x) and exp(x) - 1 have rules of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting import power_series as series
from theano.rewriting.conform import conform, number_like, quotient
from theano.rewriting.known import is_whole, number
from theano.rewriting.pattern import factors_of, terms_of
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.terms import is_behind, makes
from theano.scalar.arithmetic import abs_, add, mul, neg, sub, true_div
from theano.scalar.comparison import lt
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, expm1
from theano.scalar.op import ScalarOp
from theano.scalar.polynomial import polynomial
from theano.scalar.selection import minimum, switch
from theano.tensor.elemwise import Elemwise, elemwise_of

MOST_TERMS = 12
MOST_NODES = 96   # of a sum that are looked at
MOST_IN_FACTOR = 48   # values
PROBE = 2.0**-14
HIGHEST = 8       # powers
EXACT_DTYPES = ("float32", "float64")

Cofactors = tuple[tuple[Any, int], ...]
Part = tuple[series.Series, Cofactors]   # of a product with other variables


@function_rule(add, sub, name="cancelling_near_zero", assumes="rounding nonzero")
def cancelling_near_zero(node: Apply, site: Site) -> Any:
    """cos(x)/x - sin(x)/x**2 -> switch(abs(x) < 1, x*p(x**2), cos(x)/x - sin(x)/x**2) for a polynomial p, and so for
    sums of any functions of x whose series are known, whose terms cancel near 0"""
    out: Any = node.outputs[0]
    if out.type.dtype not in EXACT_DTYPES or (x := _variable_of(node, site)) is None or _is_far_form(out, site) \
            or _keeps_its_digits(out, x, site):
        return None
    if _Reader(x, 1, series.FEW).loss(node) is None:
        return None
    found = [_Reader(x, side).loss(node) for side in (1, -1)]
    if found[0] is None or found[1] is None or found[0][1] != found[1][1] or not series.alike(found[0][0], found[1][0]):
        return None
    total, cofactors = found[0]
    fitted = series.polynomial((0, total[1]), float(np.finfo(out.type.dtype).eps))
    if fitted is None:
        return None
    radius, coefficients = fitted
    near = _near(x, total[0], coefficients)
    above = [*near, *(v for v, power in cofactors for _ in range(power))]
    below = [v for v, power in cofactors for _ in range(-power)]
    value = elemwise_of(mul)(*above) if len(above) > 1 else above[0]
    for v in below:
        value = elemwise_of(true_div)(value, v)
    is_near = elemwise_of(lt)(elemwise_of(abs_)(x), number_like(radius, x.type.dtype))
    result = conform(elemwise_of(switch)(is_near, value, _again(node)), out)
    return None if result is None else [result]


@function_rule(mul, true_div, name="exp_over_expm1_of_exp", assumes="rounding",
               parts=Parts(factors_of, (frozenset([(1, exp)]), frozenset([(-1, expm1)]))))
def exp_over_expm1_of_exp(node: Apply, site: Site) -> Any:
    """exp(x) / expm1(exp(x)) -> switch(exp(x) < 1, p(exp(x)), exp(x) / expm1(exp(x))) for a polynomial p: not 0/0 where
    exp(x) underflows, nor infinity over infinity"""
    out: Any = node.outputs[0]
    if out.type.dtype not in EXACT_DTYPES:
        return None
    coefficient, factors = factors_of(out, site)
    for position, (power, v) in enumerate(factors):
        below = elementwise_node(v, expm1) if power == -1 else None
        if below is None or elementwise_node(below.inputs[0], exp) is None:
            continue
        e: Any = below.inputs[0]
        place = next((n for n, (other, w) in enumerate(factors) if other == 1 and w is e), None)
        if place is None or e.type.dtype != out.type.dtype:
            continue
        rest = [f for n, f in enumerate(factors) if n not in (place, position)]
        value = _over_expm1(e)
        result = quotient([*(w for p, w in rest if p > 0), value], [w for p, w in rest if p < 0], coefficient,
                          out.type.dtype)
        result = conform(result, out)
        return None if result is None else [result]
    return None


def _over_expm1(e: Any) -> Any:
    """e / expm1(e) for e >= 0."""
    dtype = e.type.dtype
    below = series.of_function("expm1", series.variable())
    inverse = None if below is None else series.inverse(below)
    fitted = None if inverse is None else series.polynomial(
        series.product(series.variable(), inverse), float(np.finfo(dtype).eps))
    assert fitted is not None
    radius, coefficients = fitted
    bounded = elemwise_of(minimum)(e, number_like(np.finfo(dtype).max, dtype))   # infinity over infinity is 0, too
    return elemwise_of(switch)(
        elemwise_of(lt)(e, number_like(radius, dtype)), *_near(e, 0, coefficients),
        elemwise_of(true_div)(bounded, elemwise_of(expm1)(bounded)))


def _again(node: Apply) -> Any:
    """The same sum as another node: what replaces a value may not be made of it."""
    first, *rest = node.inputs
    if node.op.scalar_op is sub:  # type: ignore[attr-defined]
        return elemwise_of(add)(elemwise_of(neg)(rest[0]), first)
    return elemwise_of(add)(*rest, first)


def _near(x: Any, valuation: int, coefficients: list[float]) -> list[Any]:
    """The factors of x**valuation times the polynomial."""
    step = 1 if any(coefficients[1::2]) else 2
    return [*([x] * valuation), elemwise_of(polynomial(tuple(coefficients[::step]), step))(x)]


def _variable_of(node: Apply, site: Site) -> Any:
    """x, if a term is divided by x or by a function that is known, or is x itself, beside a function of x."""
    out: Any = node.outputs[0]
    constant, terms = terms_of(out, site)
    if not 2 <= len(terms) + bool(constant) <= MOST_TERMS:
        return None
    candidates, divided, plain = [], False, []
    for _, term in terms:
        for power, v in factors_of(term, site)[1]:
            divided |= power < 0 or _is_near_form(v)
            x = _argument_of(v)
            if x is not None:
                candidates.append(x)
            elif power == 1:
                plain.append(v)
            else:
                candidates.append(_base(v))
    for x in dict.fromkeys(candidates):
        if x.type.dtype == out.type.dtype and (divided or any(v is x for v in plain)) and \
                number(x) is None and all(depends(term, x) for _, term in terms):
            return x
    return None


def _argument_of(v: Any) -> Any:
    """x of f(x), f(c*x), f(x)**2 for functions whose series are known, and of what this rule has made."""
    if _is_near_form(v):
        size = v.owner.inputs[0].owner.inputs[0]
        modulus = elementwise_node(size, abs_)   # none is needed of what is never negative
        return size if modulus is None else modulus.inputs[0]
    known = _known(v)
    return None if known is None else _base(known)


def depends(v: Any, x: Any) -> bool:
    """May x be among what `v` is made of?"""
    return is_behind(x, v, MOST_NODES) is not False


def _keeps_its_digits(out: Any, x: Any, site: Site) -> bool:
    """Is a sum at a small x about as large as its terms? (Most are, and need no series to say so.)"""
    constant, terms = terms_of(out, site)
    known: dict[Any, Any] = {x: np.float64(PROBE)}
    values = [np.float64(constant)]
    with np.errstate(all="ignore"):
        for sign, term in terms:
            coefficient, factors = factors_of(term, site)
            values.append(np.float64(sign * coefficient))
            for power, v in factors:
                if v in known or is_small(v, x):
                    values[-1] *= _value(v, known) if power > 0 else 1 / _value(v, known)
        return bool(abs(sum(values)) > sum(map(abs, values)) / 2**8)


def _value(v: Any, known: dict[Any, Any]) -> Any:
    """The value of a small expression of those that are known; others are 1."""
    if v not in known:
        node, value = v.owner, number(v)
        kind = np.float64 if v.type.dtype in float_dtypes else np.dtype(v.type.dtype).type
        if value is None and node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op.numpy is not None:
            values = [_value(w, known) for w in node.inputs]
            if node.op.scalar_op.compute == "out":   # functions of integers are those of the floats they become
                values = [kind(w) for w in values]
            value = node.op.scalar_op.numpy(*values)
        known[v] = kind(1 if value is None else value)
    return known[v]


def is_small(v: Any, x: Any) -> bool:
    """Is v a function of x of a few ops? Other factors stand for themselves: a long chain, mostly, that the derivative
    of a sum is multiplied by, and that depends on x in its way."""
    stack, seen = [v], {v}
    while stack:
        w = stack.pop()
        if w is x or w.owner is None:
            continue
        for u in [w.owner.inputs[2]] if _is_near_form(w) else w.owner.inputs:
            if u not in seen:
                seen.add(u)
                stack.append(u)
        if len(seen) > MOST_IN_FACTOR:
            return False
    return x in seen


def _known(v: Any) -> Any:
    """The argument of a function whose series is known; of its square, too."""
    node = v.owner
    if node is None or not isinstance(node.op, Elemwise):
        return None
    if node.op.scalar_op.name in series.KNOWN:
        return node.inputs[0]
    return _known(node.inputs[0]) if node.op.scalar_op.name in ("sqr", "inv") else None


def _base(argument: Any) -> Any:
    """x of x, -x, c*x, x**2."""
    for _ in range(3):
        node = argument.owner
        if node is None or not isinstance(node.op, Elemwise) or \
                node.op.scalar_op.name not in ("neg", "mul", "sqr", "abs_", "true_div", "minimum"):
            return argument
        parts = [v for v in node.inputs if number(v) is None]
        if len(set(parts)) != 1:
            return argument
        argument = parts[0]
    return argument


def _is_near_form(v: Any) -> bool:
    """Has this rule made `v`?"""
    node = elementwise_node(v, switch)
    return node is not None and elementwise_node(node.inputs[0], lt) is not None and _has_polynomial(node.inputs[1])


def _has_polynomial(v: Any) -> bool:
    return any(isinstance(makes(w), ScalarOp) and makes(w).name == "polynomial" for _, w in factors_of(v)[1])


def _is_far_form(out: Any, site: Site) -> bool:
    return any(isinstance(user, Apply) and _is_near_form(user.outputs[0]) and user.inputs[2] is out
               for user, _ in site.fgraph.clients.get(out, ()))


class _Reader:
    """Series of expressions of x at 0, for x > 0 or x < 0."""

    def __init__(self, x: Any, side: int, terms: int = series.TERMS) -> None:
        self.x, self.side, self.terms, self.left = x, side, terms, MOST_NODES
        self.known: dict[Any, Part | None] = {x: (series.variable(terms), ())}

    def constant(self, value: float) -> series.Series:
        return series.constant(value, self.terms)

    def loss(self, node: Apply) -> Part | None:
        """The series of a sum, if its lowest orders, or poles, cancel and no pole is left."""
        constant, terms = terms_of(node.outputs[0])
        for v in dict.fromkeys(v for _, term in terms for _, v in factors_of(term)[1]):
            if v not in self.known and not is_small(v, self.x):
                self.known[v] = self.constant(1.0), ((v, 1),)
        lowest = 0 if constant else HIGHEST + 1
        for _, v in terms:
            part = self.part(v)
            if part is None:
                return None
            lowest = min(lowest, part[0][0])
        total = self.part(node.outputs[0])
        if total is None or not total[0][1] or total[0][0] < 0:
            return None
        return total if total[0][0] > lowest and total[0][0] <= HIGHEST else None

    def part(self, v: Any) -> Part | None:
        if v not in self.known:
            found = self._read(v)
            self.known[v] = None if found is None or series.is_too_small(found[0]) else found
        return self.known[v]

    def _read(self, v: Any) -> Part | None:
        value = number(v)
        if value is not None:
            if isinstance(value, complex) or not np.isfinite(value):
                return None
            return self.constant(float(value)), ()
        self.left -= 1
        node = v.owner
        if self.left < 0:
            return None
        if node is None or not isinstance(node.op, Elemwise) or v.type.dtype != self.x.type.dtype:
            return self.constant(1.0), ((v, 1),)
        name = node.op.scalar_op.name
        if _is_near_form(v):
            return self.part(node.inputs[2])
        if name in series.KNOWN or name in READERS:
            parts = []
            for w in node.inputs:
                parts.append(self.part(w))
                if parts[-1] is None:
                    break
            result = None if parts[-1] is None else self._applied(name, parts)
            if result is not None or self.left < 0:
                return result
        self.left -= 4
        return (self.constant(1.0), ((v, 1),)) if not depends(v, self.x) else None

    def _applied(self, name: str, parts: list[Any]) -> Part | None:
        if name in READERS:
            return READERS[name](self, parts)
        (argument, cofactors), = parts
        if not argument[1]:
            return self.constant(series.at_zero(name)), ()
        value = None if cofactors else series.of_function(name, argument)
        return None if value is None else (value, ())

    def total(self, parts: list[Part]) -> Part | None:
        result, cofactors = parts[0]
        for term, others in parts[1:]:
            if result[1] and term[1] and others != cofactors:
                return None
            cofactors = cofactors if result[1] else others
            added = series.sum_of(result, term)
            if added is None:
                return None
            result = added
        return result, cofactors

    def multiplied(self, parts: list[Part]) -> Part | None:
        result = self.constant(1.0)
        powers: dict[Any, int] = {}
        for value, cofactors in parts:
            result = series.product(result, value)
            for v, power in cofactors:
                powers[v] = powers.get(v, 0) + power
        return result, tuple(sorted(((v, p) for v, p in powers.items() if p), key=lambda pair: id(pair[0])))

    def inverted(self, part: Part) -> Part | None:
        value = series.inverse(part[0])
        return None if value is None else (value, tuple((v, -power) for v, power in part[1]))

    def divided(self, parts: list[Part]) -> Part | None:
        below = self.inverted(parts[1])
        return None if below is None else self.multiplied([parts[0], below])

    def subtracted(self, parts: list[Part]) -> Part | None:
        return self.total([parts[0], (series.negative(parts[1][0]), parts[1][1])])

    def raised(self, parts: list[Part]) -> Part | None:
        (base, cofactors), (exponent, none) = parts
        if cofactors or none or exponent[0] != 0 or any(exponent[1][1:]):
            return None
        n = exponent[1][0] / series.ONE if exponent[1] else 0
        if not is_whole(n) or abs(n) > HIGHEST:
            return None
        value = series.power(base, int(n))
        return None if value is None else (value, ())

    def sign(self, parts: list[Part]) -> Part | None:
        if parts[0][1]:
            return None
        return self.constant(float(series.sign_near_zero(parts[0][0], self.side))), ()

    def modulus(self, parts: list[Part]) -> Part | None:
        sign = self.sign(parts)
        return None if sign is None else self.multiplied([sign, parts[0]])

    def smaller(self, parts: list[Part]) -> Part | None:
        difference = self.subtracted(parts) if not parts[0][1] and not parts[1][1] else None
        if difference is None:
            return None
        return parts[0] if series.sign_near_zero(difference[0], self.side) < 0 else parts[1]


READERS: dict[str, Any] = {
    "add": _Reader.total,
    "sub": _Reader.subtracted,
    "neg": lambda reader, parts: (series.negative(parts[0][0]), parts[0][1]),
    "mul": _Reader.multiplied,
    "true_div": _Reader.divided,
    "inv": lambda reader, parts: reader.inverted(parts[0]),
    "sqr": lambda reader, parts: reader.multiplied([parts[0], parts[0]]),
    "pow": _Reader.raised,
    "abs_": _Reader.modulus,
    "sgn": _Reader.sign,
    "minimum": _Reader.smaller,
}

NEAR_ZERO = ruleset(cancelling_near_zero, exp_over_expm1_of_exp)
