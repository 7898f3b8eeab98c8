"""Algebra: sums and products of like terms, and signs. (Neutral elements: `neutral.py`; powers: `powers.py`.)

Sums and products keep the order in which they were written; they are taken apart only where something combines, so
that what overflows nowhere still overflows nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, in_dtype, mul_all, number_like
from theano.rewriting.known import is_whole, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.neutral import unit_factor, whole_quotient_by_one, zero_factor, zero_term
from theano.rewriting.rules.opened import Opened, Part, is_interior, is_simple, plain_number
from theano.rewriting.rules.powers import power_by_constant
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.terms import SUMS, product_parts, sum_parts
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, float_dtypes, upcast
from theano.scalar.exponential import pow
from theano.tensor.elemwise import Elemwise, elemwise_of


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


# ---- sums ----

# what `_Terms` and `_Factors` open
OF_SUMS = SUMS | {ar.mul}
OF_PRODUCTS = frozenset([ar.mul, ar.true_div, ar.inv, ar.neg, ar.sqr, pow])


class _Terms(Opened):
    """A sum taken apart: terms with their coefficients. A term x * y * number has the key (x, y)."""

    def __init__(self, out: Any, site: Site) -> None:
        self.numbers: list[Any] = []
        self._standing: dict[Any, tuple[Any, int, Any]] = {}   # {key: (coefficient, sign, term that others use too)}
        super().__init__(out, site)

    @property
    def constants(self) -> int:
        return len(self.numbers)

    def _parts(self, weight: Any, v: Any) -> list[Part]:
        if isinstance(v, tuple) or weight not in (1, -1) or v.type.dtype != self.dtype:
            return []
        node = elementwise_node(v, *SUMS)
        parts = sum_parts(node) if node is not None else None
        return [(weight * sign, x) for sign, x in parts or ()]

    def _add(self, weight: Any, v: Any, goes: bool) -> None:
        value = plain_number(v)
        if value is not None:
            self.numbers.append(weight * value)
            return
        coefficient, key = self._keyed(weight, v)
        if key is not v:
            if goes:
                self.removed += len(v.owner.inputs) - 1
            else:
                self._standing[key] = coefficient, weight, v
        self._put(coefficient, key)

    def _keyed(self, weight: Any, v: Any) -> tuple[Any, Any]:
        product = elementwise_node(v, ar.mul) if v.type.dtype == self.dtype else None
        if product is not None:
            constants = [plain_number(x) for x in product.inputs]
            factors = tuple(x for x, c in zip(product.inputs, constants) if c is None)
            if 0 < len(factors) < len(constants):
                coefficient = math.prod([weight, *(c for c in constants if c is not None)])
                return coefficient, factors if len(factors) > 1 else factors[0]
        return weight, v

    def fewer(self) -> Any | None:
        dtype = self.dtype
        zero = any(c == 0 for c in self.numbers) and dtype not in complex_dtypes  # 0 - x: see `zero_term`
        if not self.duplicates and len(self.numbers) < 2 and not zero:
            return None
        signed: list[tuple[int, Any, tuple[Any, ...]]] = []   # (sign, coefficient, factors)
        operations = -1
        for part, coefficient in self.weights.items():
            c = wrapped(coefficient, dtype)
            if c is None:
                return None
            if c == 0:
                continue
            known, sign, term = self._standing.get(part, (None, 1, None))
            if known == coefficient:
                signed.append((sign, 1, (term,)))
                operations += 1
                continue
            sign = 1
            if dtype in float_dtypes and c < 0:
                sign, c = -1, -c
            elif coefficient == -1:
                sign, c = -1, np.asarray(1, dtype)
            factors = part if isinstance(part, tuple) else (part,)
            signed.append((sign, c, factors))
            operations += len(factors) + (c != 1)
        constant = wrapped(sum(self.numbers), dtype)
        if constant is None:
            return None
        if constant != 0:
            negative = dtype in float_dtypes and constant < 0 and any(sign > 0 for sign, _, _ in signed)
            signed.append((-1, -constant, ()) if negative else (1, constant, ()))
            operations += 1
        if operations >= self.removed:  # nothing gained; this is also why the rule comes to an end
            return None
        if not signed:
            return conform(number_like(0, dtype), self.out)
        return conform(ordered_sum([(sign, _term(c, factors, dtype)) for sign, c, factors in signed]), self.out)


def _term(coefficient: Any, factors: tuple[Any, ...], dtype: str) -> Any:
    if factors and coefficient == 1:
        return mul_all([in_dtype(x, dtype) for x in factors])
    return mul_all([coefficient, *factors])


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
    if out.type.dtype == "bool" or is_interior(out, site, SUMS) or is_simple(node, OF_SUMS):
        return None
    result = _Terms(out, site).made_anew()
    return None if result is None else [result]


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


class _Factors(Opened):
    """A product taken apart: factors with their powers."""

    def __init__(self, out: Any, site: Site) -> None:
        self.num_constants: list[Any] = []
        self.den_constants: list[Any] = []
        self.negative = False
        self.hoisted = 0
        super().__init__(out, site)

    @property
    def constants(self) -> int:
        return len(self.num_constants) + len(self.den_constants)

    def _parts(self, weight: int, v: Any) -> list[Part]:
        node = v.owner
        if node is None or not isinstance(node.op, Elemwise) or v.type.dtype != self.dtype:
            return []
        record = node.op.scalar_op
        if record is ar.neg:
            return [(weight, node.inputs[0])]
        if record is ar.sqr:
            return [(2 * weight, node.inputs[0])]
        if record is pow:
            exponent = number(node.inputs[1])
            if is_whole(exponent) and 0 < abs(exponent) <= 64 and self.dtype in float_dtypes:
                return [(int(exponent) * weight, node.inputs[0])]
        elif abs(weight) == 1:
            return [(weight * power, x) for power, x in product_parts(node) or ()]
        return []

    def _operations(self, v: Any, parts: list[Part]) -> int:
        if v.owner.op.scalar_op is pow:
            exponent = int(number(v.owner.inputs[1]))
            return max(multiplications(abs(exponent)) + (exponent < 0), 1)
        return super()._operations(v, parts)

    def _opening(self, weight: int, v: Any) -> None:
        if v.owner.op.scalar_op is ar.neg:
            self.negative ^= weight % 2 == 1
            self.hoisted += 1

    def _add(self, weight: int, v: Any, goes: bool) -> None:
        value = plain_number(v)
        if value is None or (value == 0 and weight < 0):
            self._put(weight, v)
        elif weight > 0:
            self.num_constants.append(value**weight)
        else:
            self.den_constants.append(value**-weight)

    def fewer(self) -> Any | None:
        neutral = any(c == 1 for c in (*self.num_constants, *self.den_constants))
        zero = any(c == 0 for c in self.num_constants)
        sign = self.hoisted and self.num_constants
        if not (self.duplicates or self.constants > 1 or neutral or zero or sign):
            return None
        if sum(power != 0 for power in self.weights.values()) - 1 > self.removed:
            return None   # as many operations at least are needed
        made = self.rebuilt()
        if made is None:
            return None
        result, operations = made
        # as many will do where something cancels: what is left no longer over- or underflows in between
        if operations > self.removed or (operations == self.removed and not self.cancelled):
            return None
        return conform(result, self.out)

    def rebuilt(self) -> tuple[Any, int] | None:
        """(the product made anew, number of operations that it takes)."""
        dtype = self.dtype
        top: Any = 1
        for c in self.num_constants:
            top = top * c
        bottom: Any = 1
        for c in self.den_constants:
            bottom = bottom * c
        num: list[Any] = []
        den: list[Any] = []
        operations = 0
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
        for v, power in in_step(self.weights, dtype):
            if power:
                operations += multiplications(abs(power)) + (v not in self.weights)
                factor = power_of(in_dtype(v, dtype), abs(power))
                if factor is None:
                    return None
                (num if power > 0 else den).append(factor)
        if bottom != 1:
            c = wrapped(bottom, dtype)
            if c is None:
                return None
            den.append(c)
        operations += max(len(num) - 1, 0) + max(len(den) - 1, 0) + bool(den) + negate
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
        return result, operations


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
    if out.type.dtype == "bool" or is_interior(out, site, PRODUCTS) or is_simple(node, OF_PRODUCTS):
        return None
    result = _Factors(out, site).made_anew()
    return None if result is None else [result]


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
