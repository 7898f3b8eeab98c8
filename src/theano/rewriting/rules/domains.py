"""Functions of their inverses where the argument may be outside of the domain, and values within known bounds.

Where it is known to be inside, `inverse_pair` has dropped both before.
"""

from __future__ import annotations

import math
from typing import Any

from theano.graph.node import Apply, Constant
from theano.rewriting.conform import conform
from theano.rewriting.known import number
from theano.rewriting.pattern import rule
from theano.rewriting.ranges import bounds, nonnegative
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.symbols import symbols
from theano.scalar.arithmetic import abs_
from theano.scalar.comparison import ge, le
from theano.scalar.dtypes import float_dtypes
from theano.scalar.hyperbolic import arccosh, arctanh, cosh, tanh
from theano.scalar.selection import maximum, minimum, switch
from theano.scalar.trigonometric import arccos, arcsin, cos, sin

x = symbols("x")
NAN = math.nan


INVERSES = ruleset(
    rule("tanh_of_arctanh", tanh(arctanh(x)), switch(le(abs_(x), 1.0), x, NAN), assumes="rounding"),
    rule("sin_of_arcsin", sin(arcsin(x)), switch(le(abs_(x), 1.0), x, NAN), assumes="rounding"),
    rule("cos_of_arccos", cos(arccos(x)), switch(le(abs_(x), 1.0), x, NAN), assumes="rounding"),
    rule("cosh_of_arccosh", cosh(arccosh(x)), switch(ge(x, 1.0), x, NAN), assumes="rounding"),
    rule("arccosh_of_cosh", arccosh(cosh(x)), abs_(x), assumes="rounding"),
)


@function_rule(abs_, name="abs_of_nonnegative", assumes="signed_zero")
def abs_of_nonnegative(node: Apply, site: Site) -> Any:
    """abs(x) -> x where no element of x is negative by construction"""
    (v,) = node.inputs
    if v.owner is None or v.type.dtype not in float_dtypes or not nonnegative(v):  # type: ignore[attr-defined]
        return None
    return [conform(v, node.outputs[0])]


@function_rule(maximum, minimum, name="extreme_within_bounds", assumes="signed_zero", needs=[Constant])
def extreme_within_bounds(node: Apply, site: Site) -> Any:
    """maximum(x, c) -> x where no element of x is smaller than the number c by construction, minimum likewise"""
    out: Any = node.outputs[0]
    if out.type.dtype not in float_dtypes:
        return None
    for v, other in (node.inputs, node.inputs[::-1]):
        c = number(other)
        if c is None or c != c or v.owner is None or v.type.dtype != out.type.dtype:  # type: ignore[attr-defined]
            continue
        low, high = bounds(v)
        if low >= c if node.op.scalar_op is maximum else high <= c:  # type: ignore[attr-defined]
            return [conform(v, out)]
    return None


DOMAINS = ruleset(INVERSES, abs_of_nonnegative, extreme_within_bounds)

__all__ = ["DOMAINS"]
