"""Powers with constant exponents."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, mul_all, number_like
from theano.rewriting.known import is_number, is_whole, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import complex_dtypes, float_dtypes
from theano.scalar.exponential import pow
from theano.tensor.elemwise import elemwise_of


@function_rule(pow, name="power_by_constant", tags="fast_compile")
def power_by_constant(node: Apply, site: Site) -> Any:
    """x**0 -> 1, x**1 -> x, x**2 -> sqr(x), x**-1 -> inv(x), 1**x -> 1"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    n = number(y)
    if n is None or dtype in complex_dtypes:
        if is_number(x, 1) and dtype in float_dtypes:
            return [conform(number_like(1, dtype), out)]
        return None
    result: Any = None
    if n == 0:
        result = number_like(1, dtype)
    elif n == 1:
        result = x
    elif n == 2:
        result = elemwise_of(ar.sqr)(conform(x, out) if x.type.broadcastable == out.type.broadcastable else x)  # type: ignore[attr-defined]
    elif n == -1 and dtype in float_dtypes and x.type.dtype == dtype:  # type: ignore[attr-defined]
        result = elemwise_of(ar.inv)(x)
    if result is None:
        return None
    result = conform(result, out)
    return None if result is None else [result]


@function_rule(pow, name="power_to_products", assumes="rounding")
def power_to_products(node: Apply, site: Site) -> Any:
    """x**3 -> x * sqr(x), x**-2 -> inv(sqr(x)), x**n -> repeated squaring for whole |n| <= 64"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    n = number(y)
    if dtype not in float_dtypes or x.type.dtype != dtype or not is_whole(n) or not 2 <= abs(n) <= 64:  # type: ignore[attr-defined]
        return None
    result = conform(repeated_squares(x, abs(int(n))), out)
    if result is None:
        return None
    return [elemwise_of(ar.inv)(result) if n < 0 else result]


def repeated_squares(x: Any, n: int) -> Any:
    factors, square = [], x
    while n:
        if n & 1:
            factors.append(square)
        n >>= 1
        if n:
            square = elemwise_of(ar.sqr)(square)
    return mul_all(factors)


@function_rule(pow, name="root_by_constant", assumes="finite")
def root_by_constant(node: Apply, site: Site) -> Any:
    """x**0.5 -> sqrt(x), x**-0.5 -> inv(sqrt(x))"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    n = number(y)
    if n is None or abs(n) != 0.5 or out.type.dtype not in float_dtypes or x.type.dtype != out.type.dtype:  # type: ignore[attr-defined]
        return None
    root = conform(elemwise_of(ar.sqrt)(x), out)
    if root is None:
        return None
    return [elemwise_of(ar.inv)(root) if n < 0 else root]


@function_rule(ar.mul, name="square_of_repeated_factor")
def square_of_repeated_factor(node: Apply, site: Site) -> Any:
    """x * x -> sqr(x)"""
    inputs = node.inputs
    if len(inputs) != 2 or inputs[0] is not inputs[1] or inputs[0].type.dtype == "bool":  # type: ignore[attr-defined]
        return None
    return [elemwise_of(ar.sqr)(inputs[0])]


POWERS = ruleset(power_to_products, root_by_constant, square_of_repeated_factor)
