"""Neutral and absorbing elements: x + 0, x * 1, x * 0, x // 1."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import add_all, conform, in_dtype, mul_all, number_like
from theano.rewriting.known import number
from theano.rewriting.rule import Site, function_rule
from theano.scalar import arithmetic as ar
from theano.scalar.dtypes import discrete_dtypes, float_dtypes, is_complex
from theano.tensor.elemwise import elemwise_of


@function_rule(ar.add, ar.sub, name="zero_term", assumes="signed_zero", tags="fast_compile useless")
def zero_term(node: Apply, site: Site) -> Any:
    """x + 0 -> x, x - 0 -> x, 0 - x -> -x for numbers that are not complex: the sign of a zero is a side of a cut"""
    out: Any = node.outputs[0]
    if out.type.dtype == "bool":
        return None
    numbers = [number(x) for x in node.inputs]
    if all(c != 0 or c is False for c in numbers):
        return None
    kept = [in_dtype(x, out.type.dtype) for x, c in zip(node.inputs, numbers) if c != 0 or c is False]
    if node.op.scalar_op is ar.sub and number(node.inputs[0]) == 0:  # type: ignore[attr-defined]
        if not kept or is_complex(out.type.dtype):
            return None
        result = elemwise_of(ar.neg)(kept[0])
    else:
        result = add_all(kept) if kept else number_like(0, out.type.dtype)
    result = conform(result, out)
    return None if result is None else [result]


@function_rule(ar.mul, ar.true_div, name="unit_factor", tags="fast_compile useless")
def unit_factor(node: Apply, site: Site) -> Any:
    """x * 1 -> x, x / 1 -> x, x * -1 -> -x for numbers that are not complex, 1 / x -> inv(x)"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype == "bool":
        return None
    if node.op.scalar_op is ar.true_div:  # type: ignore[attr-defined]
        x, y = node.inputs
        if number(y) == 1:
            return [conform(x, out)]
        if number(y) == -1 and dtype in float_dtypes:
            return [conform(elemwise_of(ar.neg)(conform(x, out)), out)]
        if number(x) == 1 and y.type.dtype == dtype and dtype in float_dtypes:  # type: ignore[attr-defined]
            result = conform(elemwise_of(ar.inv)(y), out)
            return None if result is None else [result]
        return None
    numbers = [number(x) for x in node.inputs]
    if all(c not in (1, -1) for c in numbers):
        return None
    kept, negative, units = [], False, 0
    for x, c in zip(node.inputs, numbers):
        if c is not None and c == 1:
            units += 1
        elif c is not None and c == -1 and x.type.dtype != "bool" and not is_complex(dtype):  # type: ignore[attr-defined]
            units += 1
            negative = not negative
        else:
            kept.append(in_dtype(x, dtype))
    if not units or not kept:
        return None
    result = conform(mul_all(kept), out)
    if result is None:
        return None
    return [elemwise_of(ar.neg)(result) if negative else result]


@function_rule(ar.mul, ar.true_div, name="zero_factor", assumes="finite", tags="")
def zero_factor(node: Apply, site: Site) -> Any:
    """0 * x -> 0, 0 / x -> 0"""
    out: Any = node.outputs[0]
    inputs = node.inputs if node.op.scalar_op is ar.mul else node.inputs[:1]  # type: ignore[attr-defined]
    if out.type.dtype == "bool" or not any(number(x) == 0 for x in inputs):
        return None
    result = conform(number_like(0, out.type.dtype), out)
    return None if result is None else [result]


@function_rule(ar.int_div, name="whole_quotient_by_one")
def whole_quotient_by_one(node: Apply, site: Site) -> Any:
    """x // 1 -> x for integers"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    if number(y) == 1 and out.type.dtype in discrete_dtypes:
        return [conform(x, out)]
    return None
