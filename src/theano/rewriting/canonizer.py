"""Canonizer: fractions of a commutative operation, its inverse and its reciprocal, simplified.

For users' rewrites in the original's terms. The pipeline simplifies sums and products by rules of its own
(`rules/algebra.py`), which see more cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, in_dtype
from theano.rewriting.custom import LocalOptimizer
from theano.rewriting.known import number
from theano.rewriting.rules.algebra import wrapped
from theano.scalar import arithmetic as ar
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import elemwise_of

Factors = list[Any]


class Canonizer(LocalOptimizer):
    """Simplifies expressions of `main`, `inverse` and `reciprocal`: x*y/x -> y, 2*x*3 -> 6*x, x + y - x -> y.

    main            an operation of any number of operands that may be taken in any order: add, mul
    inverse         undoes it: sub, true_div. inverse(x, y) is main(x, reciprocal(y))
    reciprocal      neg, inv
    calculate       (numerators, denominators, aslist=False, out_type=None) -> the number that numbers make together,
                    or with aslist a list with it, empty where it is the neutral element
    use_reciprocal  True: a fraction without numerators is written with `reciprocal`; False: with `inverse` of a number
    An expression is a fraction: numerators and denominators. What is above and below cancels; this takes the operands
    to be numbers which have a reciprocal.
    """

    def __init__(
        self, main: Any, inverse: Any, reciprocal: Any, calculate: Callable[..., Any], use_reciprocal: bool = True
    ) -> None:
        self.main, self.inverse, self.reciprocal = main, inverse, reciprocal
        self.calculate = calculate
        self.use_reciprocal = use_reciprocal
        self.external_simplifiers: list[tuple[str, Callable[..., Any]]] = []
        self.name = f"Canonizer({main}, {inverse}, {reciprocal})"

    def add_simplifier(self, simplifier: Callable[[Factors, Factors], tuple[Factors, Factors]], reason: str) -> None:
        """Add a function (numerators, denominators) -> (numerators, denominators), asked before anything cancels."""
        self.external_simplifiers.append((reason, simplifier))

    def tracks(self) -> Sequence[Any]:
        return [self.main, self.inverse, self.reciprocal]

    def get_num_denum(self, input: Any) -> tuple[Factors, Factors]:
        """(numerators, denominators) of an expression, down to what other operations make."""
        return self._taken_apart(input)[:2]

    def _taken_apart(self, input: Any) -> tuple[Factors, Factors, int]:
        """(numerators, denominators, how many operations held them together)"""
        count = 0
        num: Factors = []
        denum: Factors = []
        pending: list[tuple[Any, bool]] = [(input, True)]
        while pending:
            v, above = pending.pop()
            node = v.owner
            # a sum or product of another dtype was rounded, or wrapped, before it was used here
            op = node.op if node is not None and v.type.dtype == input.type.dtype else None
            if op == self.main:
                pending += [(x, above) for x in reversed(node.inputs)]
            elif op == self.inverse:
                pending += [(node.inputs[1], not above), (node.inputs[0], above)]
            elif op == self.reciprocal:
                pending.append((node.inputs[0], not above))
            else:
                (num if above else denum).append(v)
                continue
            count += 1
        return num, denum, count

    def merge_num_denum(self, num: Sequence[Any], denum: Sequence[Any]) -> Any:
        """The expression that is the fraction num over denum."""
        def together(parts: Sequence[Any]) -> Any:
            return as_tensor_variable(parts[0]) if len(parts) == 1 else self.main(*parts)

        if not denum:
            return together(num) if num else as_tensor_variable(self.calculate([], []))
        if num:
            return self.inverse(together(num), together(denum))
        if self.use_reciprocal:
            return self.reciprocal(together(denum))
        return self.inverse(as_tensor_variable(self.calculate([], [])), together(denum))

    def simplify(self, num: Sequence[Any], denum: Sequence[Any], out_type: Any) -> tuple[Factors, Factors]:
        """The fraction with what cancels gone and the numbers put together, in front."""
        above, below = list(num), list(denum)
        for _, simplifier in self.external_simplifiers:
            above, below = simplifier(above, below)
        above, below = self.simplify_factors(above, below)
        return self.simplify_constants(above, below, out_type)

    def simplify_factors(self, num: Sequence[Any], denum: Sequence[Any]) -> tuple[Factors, Factors]:
        """Without what is both above and below."""
        above, below = list(num), list(denum)
        for v in num:
            place = next((k for k, w in enumerate(below) if w is v), None)
            if place is not None:
                del below[place]
                del above[next(k for k, w in enumerate(above) if w is v)]
        return above, below

    def simplify_constants(self, num: Sequence[Any], denum: Sequence[Any], out_type: Any) -> tuple[Factors, Factors]:
        """With one number for all of them."""
        numbers = [[number(v) for v in part] for part in (num, denum)]
        values: list[list[Any]] = [[n for n in part if n is not None] for part in numbers]
        if not values[0] and not values[1]:
            return list(num), list(denum)
        with np.errstate(all="ignore"):
            result = list(self.calculate(*values, aslist=True, out_type=out_type))
            made = [wrapped(n, out_type.dtype) for n in result]
        there = values == [result, []] and numbers[0][0] is not None  # in front already
        if there or any(n is None for n in made):  # 1/0 stays what it is
            return list(num), list(denum)
        rest = [[v for v, n in zip(part, found) if n is None] for part, found in zip((num, denum), numbers)]
        return [*map(as_tensor_variable, made), *rest[0]], rest[1]

    def transform(self, node: Apply) -> Any:
        if node.op not in (self.main, self.inverse, self.reciprocal) or len(node.outputs) != 1:
            return False
        out: Any = node.outputs[0]
        num, denum, count = self._taken_apart(out)
        above, below = self.simplify(num, denum, out.type)
        same = len(above) == len(num) and all(a is b for a, b in zip([*above, *below], [*num, *denum], strict=False))
        needed = (len(above) > 1) + (len(below) > 1) + bool(below)
        if same and len(below) == len(denum) and count <= needed:
            return False
        dtype = out.type.dtype
        new = self.merge_num_denum([in_dtype(v, dtype) for v in above], [in_dtype(v, dtype) for v in below])
        result = conform(new, out, templates=[*num, *denum])
        return False if result is None else [result]


def mul_calculate(num: Sequence[Any], denum: Sequence[Any], aslist: bool = False, out_type: Any = None) -> Any:
    """The quotient of the products of two lists of numbers."""
    value: Any = 1
    for n in num:
        value = value * n
    for n in denum:
        value = value / n if n != 0 else np.float64(value) / n
    return _one_or_list(value, 1, aslist)


def add_calculate(num: Sequence[Any], denum: Sequence[Any], aslist: bool = False, out_type: Any = None) -> Any:
    """The difference of the sums of two lists of numbers."""
    return _one_or_list(sum(num) - sum(denum), 0, aslist)


def _one_or_list(value: Any, neutral: Any, aslist: bool) -> Any:
    if not aslist:
        return value
    return [] if value == neutral else [value]


local_mul_canonizer = Canonizer(
    elemwise_of(ar.mul), elemwise_of(ar.true_div), elemwise_of(ar.inv), mul_calculate, use_reciprocal=False
)
local_add_canonizer = Canonizer(elemwise_of(ar.add), elemwise_of(ar.sub), elemwise_of(ar.neg), add_calculate)

__all__ = ["Canonizer", "add_calculate", "local_add_canonizer", "local_mul_canonizer", "mul_calculate"]
