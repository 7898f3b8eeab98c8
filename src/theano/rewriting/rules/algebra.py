"""Algebra: sums and products of like terms, and signs. (Neutral elements: `neutral.py`; powers: `powers.py`.)

Sums and products keep the order in which they were written; they are taken apart only where something combines, so
that what overflows nowhere still overflows nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, in_dtype, mul_all, number_like
from theano.rewriting.known import is_whole, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.neutral import unit_factor, whole_quotient_by_one, zero_factor, zero_term
from theano.rewriting.rules.powers import power_by_constant
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, float_dtypes, upcast
from theano.scalar.exponential import pow
from theano.tensor.elemwise import Elemwise, elemwise_of

SHARED_TERMS = 8  # terms behind subexpressions used elsewhere too that a sum or product looks at

Key = tuple[Any, ...]


def wrapped(value: Any, dtype: str) -> Any:
    """A number as a constant's value in `dtype`, integers modulo 2**bits. None where it would be 0, inf or NaN only
    because the dtype is narrow."""
    if dtype in discrete_dtypes:
        if dtype == "bool":
            return None
        info = np.iinfo(dtype)
        span = int(info.max) - int(info.min) + 1
        return np.asarray((int(value) - int(info.min)) % span + int(info.min), dtype)
    if dtype in complex_dtypes:
        return np.asarray(value, dtype)
    with np.errstate(all="ignore"):
        made = np.asarray(value, dtype)
    if not np.isfinite(made):
        return None
    if made != 0 and abs(made) < np.finfo(dtype).tiny:
        return None
    if made == 0 and value != 0:
        return None
    return made


def is_interior(v: Any, site: Site, family: frozenset[Any]) -> bool:
    """Is `v` used once, by a node of the family with the same dtype (which looks at `v` itself)?"""
    clients = site.fgraph.clients.get(v, ())
    if len(clients) != 1:
        return False
    (user, _), = clients
    return (
        user is not OUTPUT
        and isinstance(user.op, Elemwise)
        and user.op.scalar_op in family
        and user.outputs[0].type.dtype == v.type.dtype
    )


# ---- sums ----

SUMS = frozenset([ar.add, ar.sub, ar.neg])

# what `_Terms` and `_Factors` look into
OF_SUMS = frozenset([ar.add, ar.sub, ar.neg, ar.mul])
OF_PRODUCTS = frozenset([ar.mul, ar.true_div, ar.inv, ar.neg, ar.sqr, pow])


def _is_simple(node: Apply, looked_into: frozenset[Any]) -> bool:
    """Are the inputs different from each other, no numbers, and made by other ops? Most are: then nothing is alike."""
    inputs = node.inputs
    for x in inputs:
        inner = x.owner
        if inner is not None and isinstance(inner.op, Elemwise) and inner.op.scalar_op in looked_into:
            return False
        if number(x) is not None:
            return False
    return len(set(inputs)) == len(inputs)


class _Terms:
    """A sum taken apart: for every distinct term its coefficient, in the order of first appearance."""

    def __init__(self, out: Any, site: Site, look_through_shared: bool) -> None:
        self.coefficients: dict[Key, Any] = {}
        self.terms: dict[Key, Any] = {}
        self.constants: list[Any] = []
        self.duplicates = 0
        self.removed = 0          # nodes that go away when the sum is made anew
        self.looked_through: set[Any] = set()   # what others use too, and was taken apart all the same
        shared = SHARED_TERMS if look_through_shared else 0
        dtype = out.type.dtype
        stack: list[tuple[int, Any]] = [(1, out)]
        while stack:
            sign, v = stack.pop()
            node = v.owner
            if node is not None and isinstance(node.op, Elemwise) and v.type.dtype == dtype:
                record = node.op.scalar_op
                if record in SUMS:
                    once = v is out or site.uses(v) == 1
                    if once or len(node.inputs) <= shared:
                        if once:
                            self.removed += 1
                        else:
                            shared -= len(node.inputs)
                            self.looked_through.add(v)
                        if record is ar.add:
                            stack.extend((sign, x) for x in reversed(node.inputs))
                        elif record is ar.sub:
                            stack.append((-sign, node.inputs[1]))
                            stack.append((sign, node.inputs[0]))
                        else:
                            stack.append((-sign, node.inputs[0]))
                        continue
            value = number(v)
            if value is not None and value is not True and value is not False:
                self.constants.append(sign * value)
                continue
            coefficient: Any = sign
            key: Key = (v,)
            if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op is ar.mul \
                    and v.type.dtype == dtype:
                rest = []
                for x in node.inputs:
                    c = number(x)
                    if c is not None and c is not True and c is not False:
                        coefficient = coefficient * c
                    else:
                        rest.append(x)
                if 0 < len(rest) < len(node.inputs):
                    key = tuple(rest)
                    if site.uses(v) == 1:
                        self.removed += 1
                else:
                    coefficient = sign
            if key in self.coefficients:
                self.coefficients[key] = self.coefficients[key] + coefficient
                self.duplicates += 1
            else:
                self.coefficients[key] = coefficient
                self.terms[key] = v

    def fewest_nodes(self) -> int:
        """As many nodes, at least, has the sum of real numbers made anew: told without making it."""
        return sum((len(key) > 1) + 1 for key, c in self.coefficients.items() if c != 0) - 1

    def rebuilt(self, out: Any) -> tuple[Any, int] | None:
        """(the sum made anew, number of nodes it takes)."""
        dtype = out.type.dtype
        nodes = 0
        signed: list[tuple[int, Any]] = []
        for key, coefficient in self.coefficients.items():
            c = wrapped(coefficient, dtype)
            if c is None:
                return None
            if c == 0:
                continue
            sign = 1
            if dtype in float_dtypes and c < 0:
                sign, c = -1, -c
            elif coefficient == -1:
                sign, c = -1, np.asarray(1, dtype)
            if c == 1:
                term = mul_all([in_dtype(x, dtype) for x in key])
                nodes += len(key) > 1
            else:
                term = mul_all([c, *key])
                nodes += 1
            signed.append((sign, term))
        constant = 0
        for c in self.constants:
            constant = constant + c
        c = wrapped(constant, dtype)
        if c is None:
            return None
        if c != 0:
            if dtype in float_dtypes and c < 0 and any(s > 0 for s, _ in signed):
                signed.append((-1, -c))
            else:
                signed.append((1, c))
        if not signed:
            return number_like(0, dtype), nodes
        return ordered_sum(signed), nodes + len(signed) - 1


def ordered_sum(signed: Sequence[tuple[int, Any]]) -> Any:
    """The sum of signed terms from the left, beginning with the first positive one."""
    terms = list(signed)
    first = next((n for n, (sign, _) in enumerate(terms) if sign > 0), None)
    if first is None:
        return elemwise_of(ar.neg)(add_all([v for _, v in terms]))
    total = terms.pop(first)[1]
    position = 0
    while position < len(terms):
        sign = terms[position][0]
        end = position
        while end < len(terms) and terms[end][0] == sign:
            end += 1
        run = [v for _, v in terms[position:end]]
        if sign > 0:
            total = add_all([total, *run])
        else:
            for v in run:
                total = elemwise_of(ar.sub)(total, v)
        position = end
    return total


@function_rule(ar.add, ar.sub, name="like_terms", assumes="reals", tags="local_add_canonizer")
def like_terms(node: Apply, site: Site) -> Any:
    """a*x + b*x -> (a+b)*x, x - x -> 0, x + y - x -> y, (x + 1) + 2 -> x + 3, x + 0 -> x"""
    out: Any = node.outputs[0]
    if out.type.dtype == "bool" or is_interior(out, site, SUMS) or _is_simple(node, OF_SUMS):
        return None
    for through in (True, False):
        terms = _Terms(out, site, through)
        zero = any(c == 0 for c in terms.constants) and out.type.dtype not in complex_dtypes  # 0 - x: see `zero_term`
        if not terms.duplicates and len(terms.constants) < 2 and not zero:
            if not any((v,) in terms.coefficients for v in terms.looked_through):
                return None   # nor would anything be alike if it were left whole
            continue
        if out.type.dtype in float_dtypes and terms.fewest_nodes() >= terms.removed:
            continue
        made = terms.rebuilt(out)
        if made is None:
            return None
        result, nodes = made
        if nodes >= terms.removed:  # nothing gained; this is also why the rule comes to an end
            continue
        result = conform(result, out)
        return None if result is None else [result]
    return None


@function_rule(ar.add, ar.sub, ar.neg, name="signs_in_sum", assumes="signed_zero")
def signs_in_sum(node: Apply, site: Site) -> Any:
    """--x -> x, x + -y -> x - y, x - -y -> x + y, -(x - y) -> y - x, -x - y -> -(x + y)"""
    record = node.op.scalar_op  # type: ignore[attr-defined]
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype == "bool":
        return None
    negated = [_negated(x, dtype) for x in node.inputs]
    if record is ar.neg:
        (x,) = node.inputs
        if negated[0] is not None:
            return [negated[0]]
        inner = elementwise_node(x, ar.sub)
        if inner is not None and site.uses(x) == 1 and dtype in float_dtypes:
            return [elemwise_of(ar.sub)(inner.inputs[1], inner.inputs[0])]
        return None
    if record is ar.sub:
        if negated[1] is not None:
            return [conform(elemwise_of(ar.add)(node.inputs[0], negated[1]), out)]
        if negated[0] is not None:
            return [conform(elemwise_of(ar.neg)(elemwise_of(ar.add)(negated[0], node.inputs[1])), out)]
        return None
    if not any(n is not None for n in negated):
        return None
    if len(node.inputs) == 2:
        x, y = node.inputs
        if negated[1] is not None and negated[0] is None:
            return [conform(elemwise_of(ar.sub)(x, negated[1]), out)]
        if negated[0] is not None and negated[1] is None:
            return [conform(elemwise_of(ar.sub)(y, negated[0]), out)]
    if all(n is not None for n in negated):
        return [conform(elemwise_of(ar.neg)(add_all(negated)), out)]
    signed = [(1, x) if n is None else (-1, n) for x, n in zip(node.inputs, negated)]
    return [conform(ordered_sum(signed), out)]


def _negated(v: Any, dtype: str) -> Any | None:
    """-v where that is at hand: v is neg(x)."""
    sign, inner = _signless(v, dtype)
    return inner if sign < 0 else None


def _signless(v: Any, dtype: str) -> tuple[int, Any]:
    """(sign, x), where v is sign * x and x is no neg. All signs at once: where each step of a chain has one, they would
    go up through it one by one."""
    sign = 1
    while v.type.dtype == dtype and (inner := elementwise_node(v, ar.neg)) is not None:
        sign, v = -sign, inner.inputs[0]
    return sign, v


# ---- products ----

PRODUCTS = frozenset([ar.mul, ar.true_div, ar.inv])


class _Factors:
    """A product taken apart: for every distinct factor its power, in the order of first appearance."""

    def __init__(self, out: Any, site: Site, look_through_shared: bool) -> None:
        self.powers: dict[Any, int] = {}
        self.num_constants: list[Any] = []
        self.den_constants: list[Any] = []
        self.duplicates = 0
        self.cancelled = 0
        self.negative = False
        self.hoisted = 0
        self.removed = 0
        self.looked_through: set[Any] = set()   # what others use too, and was taken apart all the same
        shared = SHARED_TERMS if look_through_shared else 0
        dtype = out.type.dtype
        stack: list[tuple[int, Any]] = [(1, out)]
        while stack:
            power, v = stack.pop()
            node = v.owner
            if node is not None and isinstance(node.op, Elemwise) and v.type.dtype == dtype:
                record = node.op.scalar_op
                parts: list[tuple[int, Any]] | None = None
                if record is ar.mul:
                    parts = [(power, x) for x in node.inputs]
                elif record is ar.true_div:
                    parts = [(power, node.inputs[0]), (-power, node.inputs[1])]
                elif record is ar.inv:
                    parts = [(-power, node.inputs[0])]
                elif record is ar.neg:
                    parts = [(power, node.inputs[0])]
                elif record is ar.sqr and v is not out:
                    parts = [(2 * power, node.inputs[0])]
                elif record is pow and v is not out:
                    exponent = number(node.inputs[1])
                    if is_whole(exponent) and 0 < abs(exponent) <= 64 and dtype in float_dtypes:
                        parts = [(int(exponent) * power, node.inputs[0])]
                if parts is not None and (record in (ar.sqr, pow) or abs(power) == 1 or record is ar.neg):
                    once = v is out or site.uses(v) == 1
                    if once or len(parts) <= shared:
                        if once:
                            self.removed += 1
                        else:
                            shared -= len(parts)
                            self.looked_through.add(v)
                        if record is ar.neg:
                            if power % 2:
                                self.negative = not self.negative
                            self.hoisted += 1
                        stack.extend(reversed(parts))
                        continue
            value = number(v)
            if value is not None and value is not True and value is not False and not (value == 0 and power < 0):
                if power > 0:
                    self.num_constants.append(value**power)
                else:
                    self.den_constants.append(value**-power)
                continue
            if v in self.powers:
                if (self.powers[v] > 0) != (power > 0):
                    self.cancelled += 1
                self.powers[v] += power
                self.duplicates += 1
            else:
                self.powers[v] = power

    def rebuilt(self, out: Any) -> tuple[Any, int] | None:
        dtype = out.type.dtype
        top: Any = 1
        for c in self.num_constants:
            top = top * c
        bottom: Any = 1
        for c in self.den_constants:
            bottom = bottom * c
        num: list[Any] = []
        den: list[Any] = []
        nodes = 0
        if self.negative:
            top = -top
        if top == 0 and dtype in float_dtypes:
            return number_like(0, dtype), 0
        if bottom != 1 and top not in (1, -1):
            top, bottom = top / bottom, 1
        negate = top == -1
        if not negate and top != 1:
            c = wrapped(top, dtype)
            if c is None:
                return None
            num.append(c)
        nodes += sum(multiplications(abs(power)) for power in self.powers.values() if power)
        for v, power in in_step(self.powers, dtype):
            if power:
                factor = power_of(in_dtype(v, dtype), abs(power))
                if factor is None:
                    return None
                (num if power > 0 else den).append(factor)
        if bottom != 1:
            c = wrapped(bottom, dtype)
            if c is None:
                return None
            den.append(c)
        nodes += max(len(num) - 1, 0) + max(len(den) - 1, 0) + bool(den) + negate
        if num:
            result = mul_all(num)
            if den:
                result = elemwise_of(ar.true_div)(result, mul_all(den))
        elif den:
            result = elemwise_of(ar.inv)(mul_all(den))
        else:
            return wrapped(-1 if negate else 1, dtype), 0
        if negate:
            result = elemwise_of(ar.neg)(result)
        return result, nodes


def in_step(powers: dict[Any, int], dtype: str) -> list[tuple[Any, int]]:
    """[(factor, power)] with (x/s)**2 / s for x**2 / s**3: written as x/s * x/s / s, it does not overflow with x**2."""
    if dtype not in float_dtypes or all(power < 2 for power in powers.values()):
        return list(powers.items())
    powers = dict(powers)
    for v in list(powers):
        power = powers.get(v, 0)
        shared = elementwise_node(v, ar.inv, ar.true_div)   # x**2 * (y/s) / s is y * (x/s)**2
        if shared is not None and power > 0 > powers.get(shared.inputs[-1], 0) and v.type.dtype == dtype:
            del powers[v]
            powers[shared.inputs[-1]] -= power
            for above in shared.inputs[:-1]:
                powers[above] = powers.get(above, 0) + power
    divisors = [v for v, power in powers.items() if power < -1 and v.type.dtype == dtype]
    found: list[tuple[Any, int]] = []
    for v, power in powers.items():
        if power > 1 and divisors and v.type.dtype == dtype:
            below = divisors.pop(0)
            both = min(power, -powers[below])
            found += [(elemwise_of(ar.true_div)(v, below), both), (v, power - both)]
            powers[below] += both
        elif power > 0:
            found.append((v, power))
    return [*found, *((v, power) for v, power in powers.items() if power < 0)]


def multiplications(n: int) -> int:
    """How many multiplications the n-th power takes by repeated squaring."""
    return n.bit_length() + n.bit_count() - 2


def power_of(v: Any, n: int) -> Any:
    """v to the power n >= 1, of v's dtype; None if no exponent of that many leads to it."""
    if n == 1:
        return v
    if n == 2:
        return elemwise_of(ar.sqr)(v)
    dtype = v.type.dtype
    for kind in ("int8", "int16", dtype):
        with np.errstate(over="ignore"):
            exponent = np.asarray(n).astype(kind)
        if exponent == n and upcast(dtype, kind) == dtype:
            return elemwise_of(pow)(v, exponent)
    return None


@function_rule(ar.mul, ar.true_div, ar.inv, ar.neg, name="like_factors", assumes="reals", tags="local_mul_canonizer")
def like_factors(node: Apply, site: Site) -> Any:
    """x*y/x -> y, x/x -> 1, x*x -> x**2, 2*x/(4*y) -> 0.5*x/y, 0*x -> 0, 1*x -> x, -(2*x) -> -2*x"""
    out: Any = node.outputs[0]
    if out.type.dtype == "bool" or is_interior(out, site, PRODUCTS) or _is_simple(node, OF_PRODUCTS):
        return None
    for through in (True, False):
        factors = _Factors(out, site, through)
        constants = len(factors.num_constants) + len(factors.den_constants)
        neutral = any(c == 1 for c in (*factors.num_constants, *factors.den_constants))
        zero = any(c == 0 for c in factors.num_constants)
        sign = factors.hoisted and factors.num_constants
        if not (factors.duplicates or constants > 1 or neutral or zero or sign):
            if factors.looked_through.isdisjoint(factors.powers):
                return None   # nor would anything be alike if it were left whole
            continue
        if factors.looked_through and not factors.cancelled:
            continue
        made = factors.rebuilt(out)
        if made is None:
            return None
        result, nodes = made
        # as many nodes will do where something cancels: what is left no longer over- or underflows in between
        if nodes > factors.removed or (nodes == factors.removed and not factors.cancelled):
            continue
        result = conform(result, out)
        return None if result is None else [result]
    return None


@function_rule(ar.mul, ar.true_div, name="signs_in_product", needs=[ar.neg])
def signs_in_product(node: Apply, site: Site) -> Any:
    """-x * -y -> x * y, -x * y -> -(x * y), -x / y -> -(x / y)"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes:
        return None
    inputs, negative = [], False
    for x in node.inputs:
        sign, v = _signless(x, dtype)
        negative ^= sign < 0
        inputs.append(v)
    if all(v is x for v, x in zip(inputs, node.inputs)):
        return None
    result = node.op(*inputs)
    return [elemwise_of(ar.neg)(result) if negative else result]


ALGEBRA = ruleset(
    unit_factor, zero_term, zero_factor, like_terms, like_factors, signs_in_sum, signs_in_product,
    whole_quotient_by_one, power_by_constant,
)
