"""Products of powers of exp(x), 1 + exp(x) and sigmoids, as derivatives of any order are full of.

With u = 1 + exp(x), 1/u is sigmoid(-x) and exp(x)/u is sigmoid(x): exp(x)**k / u**n is a product of sigmoids, none of
which overflows, if 0 <= k <= n; n may be half a whole number. In the same way sinh(x)**k / cosh(x)**n is one of tanh(x)
and 1/cosh(x). Such a pair, a numerator and a denominator that grow alike, is a `Family` here, and the rules are
the same for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, quotient, signed_sum
from theano.rewriting.known import is_whole
from theano.rewriting.rule import Parts, Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.terms import PRODUCTS, SUMS, factors_of, known_number, linear, makes, terms_of
from theano.scalar.activation import sigmoid
from theano.scalar.arithmetic import add, inv, mul, neg, sqr, sqrt, sub, true_div
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp, pow
from theano.scalar.hyperbolic import cosh, sinh, tanh
from theano.tensor.elemwise import elemwise_of

MOST = 12    # the highest power that is looked at
DEEPEST = 4  # sums within sums that are looked into
MOST_OPS = 64  # that `_may_overflow` goes through
POWERS = frozenset([sqr, pow])
ROOTS = frozenset([sqrt, *POWERS])
RAW = frozenset([exp, sinh, cosh])      # what may overflow
SHARES = frozenset([sigmoid, tanh])     # what they are of what grows alike
INNER = SUMS | PRODUCTS | ROOTS
Powers = list[tuple[Any, Any]]   # of whole numbers, and halves: sqrt(1 + exp(x)) has the power 0.5


def _may_overflow(out: Any, site: Site) -> bool:
    """Is there anything in a product that exponentials could make overflow: exp(x), sinh(x) or cosh(x) anywhere behind
    sums, products and powers, or a sigmoid below a division?

    Most products have no exponentials in them: this says so at a small part of what taking them apart costs.
    """
    stack: list[tuple[Any, bool]] = [(out, False)]
    inside = []
    try:
        for _ in range(MOST_OPS):
            if not stack:
                return False
            v, is_divisor = stack.pop()
            kind = makes(v)
            if kind in RAW or (is_divisor and kind in SHARES):
                return True
            if kind in INNER:
                inside.append(v.owner)
                first, *others = v.owner.inputs[:MOST_OPS]
                stack.append((first, is_divisor or kind is inv))
                stack.extend((w, is_divisor or kind is true_div) for w in others)
    finally:
        site.findings.looked_at(inside)
    return True


def powers_of(variable: Any, site: Site) -> tuple[Any, Powers]:
    """(coefficient, [(power, factor)]), with squares and whole powers taken apart, and what is inside them. Found once:
    the list must not be changed."""
    return site.find(_powers_of, variable)


def _powers_of(variable: Any, site: Site) -> tuple[Any, Powers]:
    coefficient, factors = factors_of(variable, site)
    found: Powers = []
    for power, v in factors:
        if makes(v) not in ROOTS:
            found.append((power, v))
            continue
        site.findings.looked_at([v.owner])
        root = _root(v, site)
        if root is not None:
            found.append((power * root[1], root[0]))
            continue
        base, exponent = _base(v, site)
        if exponent == 1:
            found.append((power, v))
            continue
        inner_coefficient, inner = factors_of(base, site)
        try:
            coefficient = coefficient * inner_coefficient ** (power * exponent)
        except ArithmeticError:  # 0 to a negative power, or too large
            found.append((power, v))
            continue
        found.extend((power * exponent * p, w) for p, w in inner)
    return coefficient, found


def _base(v: Any, site: Site) -> tuple[Any, int]:
    """(x, n) if v is x**n with a whole n that is not large, else (v, 1)."""
    square = elementwise_node(v, sqr)
    if square is not None:
        x, n = square.inputs[0], 2
    else:
        power = elementwise_node(v, pow)
        exponent = None if power is None else known_number(power.inputs[1], site)
        if power is None or not is_whole(exponent) or not 1 < exponent <= MOST:
            return v, 1
        x, n = power.inputs[0], int(exponent)
    return (x, n) if x.type.dtype == v.type.dtype else (v, 1)  # type: ignore[attr-defined]


def _root(v: Any, site: Site) -> tuple[Any, float] | None:
    """(x, n) if v is x**n with half a whole n, of a sigmoid or a sum 1 + exp(y), which are positive; else None."""
    x = v.owner.inputs[0]
    kind, inner = makes(v), makes(x)
    if kind is sqr or x.type.dtype != v.type.dtype or not (
            inner is sigmoid or (inner is add and site.find(_in_denominator, x)[1] == 1)):
        return None
    n = 0.5 if kind is sqrt else known_number(v.owner.inputs[1], site)
    if n is None or isinstance(n, complex) or is_whole(n) or not is_whole(2 * n) or abs(n) > MOST:
        return None
    return x, float(n)


def multiple(b: Any, a: Any, site: Site) -> int | None:
    """The whole number r with b = r*a, as far as sums, signs and numbers before terms tell."""
    if b is a:
        return 1
    if b.type.dtype != a.type.dtype:
        return None
    (left, left_constant), (right, right_constant) = linear(b, site), linear(a, site)
    if not right or left.keys() != right.keys():
        return None
    key = next(iter(right))
    ratio = left[key] / right[key] if right[key] else 0
    if ratio == 0 or not is_whole(ratio) or abs(ratio) > MOST or left_constant != ratio * right_constant:
        return None
    return int(ratio) if all(left[k] == ratio * right[k] for k in right) else None


def argument_of(v: Any, record: Any) -> Any:
    """x if v is record(x), of one dtype."""
    node = elementwise_node(v, record)
    return None if node is None or node.inputs[0].type.dtype != v.type.dtype else node.inputs[0]  # type: ignore[attr-defined]


class Family:
    """A numerator and a denominator, functions of one x that grow alike, and what their quotients are.

    A product is numerator**k / denominator**n times others. A factor is raw if it may overflow.

    kinds   the ops that make its members
    """

    kinds: frozenset[Any]

    def look(self, v: Any, site: Site) -> tuple[Any, bool]:
        """(x, is it raw) if v is a function of x of this family, else (None, False)."""
        raise NotImplementedError

    def powers(self, v: Any, x: Any, site: Site) -> tuple[int, int] | None:
        """(k, n) of a factor, or None if it is not of this family and this x."""
        raise NotImplementedError

    def made(self, k: Any, n: Any, x: Any) -> Powers:
        """numerator**k / denominator**n for 0 <= k <= n."""
        raise NotImplementedError

    def to_go(self, factors: Powers, site: Site) -> list[Any]:
        """The x of all factors that are raw, or divisors of this family."""
        looks = [(power, *self.look(v, site)) for power, v in factors]
        return [x for power, x, is_raw in looks if x is not None and (is_raw or power < 0)]

    def count(self, factors: Powers, x: Any, site: Site) -> tuple[Any, Any, Powers, bool]:
        """(k, n, the other factors, is any factor raw or a divisor)."""
        k = n = 0
        rest: Powers = []
        is_raw = False
        for power, v in factors:
            found = self.powers(v, x, site)
            if found is None:
                rest.append((power, v))
                continue
            k, n = k + power * found[0], n + power * found[1]
            is_raw |= self.look(v, site)[1] or power < 0
        return k, n, rest, is_raw


class Sigmoids(Family):
    """exp(x) and 1 + exp(x)."""

    kinds = frozenset([exp, sigmoid, add])

    def look(self, v: Any, site: Site) -> tuple[Any, bool]:
        kind = makes(v)
        if kind is exp or kind is sigmoid:
            return argument_of(v, kind), kind is exp
        if kind is add:
            x = site.find(_in_denominator, v)[0]
            return x, x is not None
        return None, False

    def powers(self, v: Any, x: Any, site: Site) -> tuple[int, int] | None:
        inner = self.look(v, site)[0]
        times = None if inner is None else multiple(inner, x, site)
        kind = makes(v)
        if times is None or (times not in (1, -1) and kind is not exp):
            return None
        if kind is exp:
            return times, 0
        if kind is sigmoid:
            return (1, 1) if times == 1 else (0, 1)
        if site.find(_in_denominator, v)[1] == 2:
            return -1, -2
        return (0, -1) if times == 1 else (-1, -1)

    def made(self, k: Any, n: Any, x: Any) -> Powers:
        parts = [(k, elemwise_of(sigmoid)(x)), (n - k, elemwise_of(sigmoid)(elemwise_of(neg)(x)))]
        return [part for part in parts if part[0]]


def _in_denominator(total: Any, site: Site) -> tuple[Any, int]:
    """(x, 1) if a sum is 1 + exp(x), (x, 2) if it is 2 + exp(x) + exp(-x), which is (1 + exp(x))**2 / exp(x), else
    (None, 0)."""
    constant, terms = terms_of(total, site)
    if constant not in (1, 2) or constant != len(terms) or any(sign < 0 for sign, _ in terms):
        return None, 0
    site.findings.looked_at(term.owner for _, term in terms if makes(term) is exp)
    x, *others = (argument_of(term, exp) for _, term in terms)
    if x is None or any(y is None or multiple(y, x, site) != -1 for y in others):
        return None, 0
    return x, len(terms)


class Tangents(Family):
    """sinh(x) and cosh(x)."""

    kinds = frozenset([tanh, sinh, cosh])

    def look(self, v: Any, site: Site) -> tuple[Any, bool]:
        kind = makes(v)
        if kind is tanh or kind is sinh or kind is cosh:
            x = argument_of(v, kind)
            return x, x is not None and kind is not tanh
        return None, False

    def powers(self, v: Any, x: Any, site: Site) -> tuple[int, int] | None:
        if self.look(v, site)[0] is not x:
            return None
        kind = makes(v)
        return (1, 1) if kind is tanh else (1, 0) if kind is sinh else (0, -1)

    def made(self, k: Any, n: Any, x: Any) -> Powers:
        return [part for part in ((k, elemwise_of(tanh)(x)), (k - n, elemwise_of(cosh)(x))) if part[0]]

    def count(self, factors: Powers, x: Any, site: Site) -> tuple[Any, Any, Powers, bool]:
        k, n, rest, _ = super().count(factors, x, site)
        return k, n, rest, any(argument_of(v, sinh) is x for _, v in factors)


SIGMOIDS, TANGENTS = Sigmoids(), Tangents()


@function_rule(mul, true_div, inv, name="powers_of_sigmoid", assumes="rounding",
               needs=[mul, true_div, inv, neg, exp, sigmoid, add, sqr, sqrt, pow],
               parts=Parts(factors_of, (ROOTS | {exp, add},)))
def powers_of_sigmoid(node: Apply, site: Site) -> Any:
    """exp(x)**k / (1 + exp(x))**n -> sigmoid(x)**k * sigmoid(-x)**(n - k) for n > 1 and 0 <= k <= n, and with what is
    left of exp(x) or exp(-x) for other k; sigmoid(x) and sigmoid(-x) may be among the factors"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes or not _may_overflow(out, site):
        return None
    coefficient, factors = powers_of(out, site)
    for power, v in factors:
        x, is_raw = SIGMOIDS.look(v, site)
        if x is None or is_raw is (power > 0):
            continue
        k, n, rest, _ = SIGMOIDS.count(factors, x, site)
        within = min(max(k, 0), n)
        own = [w for _, w in factors if SIGMOIDS.powers(w, x, site) is not None]
        has_exp = any(argument_of(w, exp) is not None for w in own)
        has_sum = any(elementwise_node(w, add) is not None for w in own)
        if not 1 < n <= MOST or not (has_sum or (has_exp and k == within)):
            continue
        parts = SIGMOIDS.made(within, n, x)
        if k != within:
            parts.append((1, elemwise_of(exp)(elemwise_of(mul)(number_like(k - within, dtype), x))))
        result = conform(product_of([*rest, *parts], coefficient, dtype), out)
        return None if result is None else [result]
    return None


@function_rule(mul, true_div, name="powers_of_tanh", assumes="rounding",
               needs=[mul, true_div, inv, neg, sinh, cosh, sqr, pow],
               parts=Parts(factors_of, (POWERS | {sinh}, POWERS | {cosh})))
def powers_of_tanh(node: Apply, site: Site) -> Any:
    """sinh(x)**k / cosh(x)**n -> tanh(x)**k / cosh(x)**(n - k) for 0 < k <= n"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    coefficient, factors = powers_of(out, site)
    for x in (argument_of(v, sinh) for power, v in factors if power > 0):
        if x is None:
            continue
        k, n, rest, _ = TANGENTS.count(factors, x, site)
        if 0 < k <= n <= MOST:
            result = conform(product_of([*rest, *TANGENTS.made(k, n, x)], coefficient, dtype), out)
            return None if result is None else [result]
    return None


@function_rule(mul, true_div, name="exp_into_sum_of_sigmoids", assumes="rounding",
               needs=[add, sub, mul, true_div, inv, neg],
               parts=Parts(factors_of, (frozenset([add, sub]),)))
def exp_into_sum_of_sigmoids(node: Apply, site: Site) -> Any:
    """exp(x) * (y*sigmoid(-x) + z*sigmoid(-x)**2) -> y*sigmoid(x) + z*sigmoid(x)*sigmoid(-x), and the same for powers
    of exp(x) and 1 + exp(x), and for divisions by sigmoids, if each term of the sum takes them up; also for sinh(x)
    and a sum with divisions by cosh(x)"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes or not _may_overflow(out, site):
        return None
    factors = powers_of(out, site)[1]
    sums = [v for power, v in factors if power == 1 and elementwise_node(v, add, sub) is not None]
    if not sums:
        return None
    terms = [term for v in sums for _, term in terms_of(v, site)[1]]
    kinds = frozenset().union(*(site.find(_kinds_in_sum, v) for v in sums))
    kinds |= {makes(v) for power, v in factors if power < 0 or makes(v) not in (add, exp)}
    for family in (SIGMOIDS, TANGENTS):
        if family.kinds.isdisjoint(kinds):   # nothing takes anything up
            continue
        to_go = family.to_go([*factors, *(part for term in terms for part in powers_of(term, site)[1])], site)
        if not to_go:   # nothing to be taken up, nor anything to take it up from a sum
            continue
        inside = [part for term in terms for part in factors_of(term, site)[1]]
        for x in dict.fromkeys(family.look(v, site)[0] for _, v in (*factors, *inside)):
            if x is None or not _is_concerned(x, to_go, site):
                continue
            if all(family.powers(v, x, site) is None for _, v in factors):   # nothing is to go into the sum
                continue
            whole = _Product(family, out, x, 0, 0, site)
            result = whole.distributed(DEEPEST)
            if result is None and family is SIGMOIDS and family.count(factors, x, site)[3]:
                result = whole.alone()
            if result is not None:
                result = conform(result, out)
                return None if result is None else [result]
    return None


def _kinds_in_sum(total: Any, site: Site) -> frozenset[Any]:
    """What makes the factors of the terms of a sum, and of sums among them; where `add` means 1 + exp(x), exp does."""
    kinds: set[Any] = set()
    level = [total]
    for _ in range(DEEPEST + 1):
        parts = [w for v in level for _, term in terms_of(v, site)[1] for _, w in powers_of(term, site)[1]]
        level = [w for w in dict.fromkeys(parts) if makes(w) in SUMS]
        kinds.update(map(makes, parts))
    return frozenset(kinds - {add})


def _is_concerned(x: Any, to_go: list[Any], site: Site) -> bool:
    """May x be a multiple of one of the others?"""
    if any(x is y for y in to_go):
        return True
    variables = site.find(_variables_in, x)
    return any(site.find(_variables_in, y) == variables for y in to_go)


def _variables_in(x: Any, site: Site) -> frozenset[Any]:
    """What is multiplied by numbers and added up in x: of two multiples of each other, the same."""
    return frozenset(linear(x, site)[0])


class _Product:
    """v * numerator**k / denominator**n, to be written without raw factors."""

    def __init__(self, family: Family, v: Any, x: Any, k: Any, n: Any, site: Site) -> None:
        self.family, self.x, self.site = family, x, site
        self.dtype = v.type.dtype
        self.coefficient, factors = powers_of(v, site)
        more_k, more_n, self.rest, _ = family.count(factors, x, site)
        self.k, self.n = k + more_k, n + more_n

    def taken_up(self, depth: int) -> Any:
        """It, or None if it cannot be had."""
        result = self.distributed(depth)
        return self.alone() if result is None else result

    def alone(self) -> Any:
        """The same for the factors by themselves."""
        if not 0 <= self.k <= self.n <= MOST:
            return None
        return product_of([*self.rest, *self.family.made(self.k, self.n, self.x)], self.coefficient, self.dtype)

    def distributed(self, depth: int) -> Any:
        """The same with a sum among the factors, each term of which is multiplied by the others."""
        for position, (power, w) in enumerate(self.rest):
            if power != 1 or not depth or elementwise_node(w, add, sub) is None or w.type.dtype != self.dtype:
                continue
            taken = self._into(w, depth)
            if taken is not None:
                others = [part for place, part in enumerate(self.rest) if place != position]
                return product_of([*others, (1, signed_sum(taken, 0, self.dtype))], self.coefficient, self.dtype)
        return None

    def _into(self, total: Any, depth: int) -> Powers | None:
        """The signed terms of a sum, each with what it takes up; None if one does not."""
        family, x, k, n, site = self.family, self.x, self.k, self.n, self.site
        constant, terms = terms_of(total, site)
        fits = 0 <= k <= n
        if fits and not any(family.count(powers_of(u, site)[1], x, site)[3] for _, u in terms):
            return None
        if constant and not (fits and n <= MOST):
            return None
        taken: Powers = []
        for sign, u in terms:
            made = _Product(family, u, x, k, n, site).taken_up(depth - 1)
            if made is None:   # and the others need not be tried: most sums take nothing up
                return None
            taken.append((sign, made))
        if constant:
            taken.append((1, product_of(family.made(k, n, x), constant, self.dtype)))
        return taken


def product_of(powers: Sequence[tuple[Any, Any]], coefficient: Any, dtype: str) -> Any:
    above = [w for power, v in powers for w in _repeated(v, power)]
    below = [w for power, v in powers for w in _repeated(v, -power)]
    return quotient(above, below, coefficient, dtype)


def _repeated(v: Any, power: float) -> list[Any]:
    """The factors of v**power, for whole numbers and halves; none where that is negative."""
    if power <= 0:
        return []
    whole = [v] * int(power)
    return whole if is_whole(power) else [*whole, elemwise_of(sqrt)(v)]


POWERS_OF_SIGMOIDS = ruleset(powers_of_sigmoid, exp_into_sum_of_sigmoids, powers_of_tanh)
