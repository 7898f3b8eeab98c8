"""Roots, squares, signs, and differences of nearly equal values: cosines, roots, quotients."""

from __future__ import annotations

import math
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.pattern import Match, rule, terms_of
from theano.rewriting.ranges import bounds, nonnegative, positive
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.rewriting.symbols import symbols
from theano.scalar.arithmetic import abs_, add, hypot, inv, sgn, sqr, sqrt
from theano.scalar.comparison import eq, ge, gt, lt
from theano.scalar.dtypes import complex_dtypes, float_dtypes
from theano.scalar.exponential import expm1, log1p
from theano.scalar.hyperbolic import arcsinh, tanh
from theano.scalar.selection import switch
from theano.scalar.trigonometric import cos, sin, tan
from theano.tensor.elemwise import elemwise_of

x, y, z = symbols("x y z")

NAN = math.nan


ROOTS = ruleset(
    rule("sqrt_of_sqr", sqrt(sqr(x)), abs_(x)),
    rule("sqr_of_sqrt", sqr(sqrt(x)), x, when=lambda m: nonnegative(m.x), assumes="rounding"),
    rule("sqr_of_sqrt_or_nan", sqr(sqrt(x)), switch(ge(x, 0.0), x, NAN), assumes="rounding"),
    rule("sqr_of_abs", sqr(abs_(x)), sqr(x), when=lambda m: m.x.type.dtype not in complex_dtypes),
    rule("hypot", sqrt(sqr(x) + sqr(y)), hypot(x, y), assumes="rounding"),
    rule("sqrt_of_one_plus_sqr_minus_one", sqrt(1 + sqr(x)) - 1, abs_(x) * tanh(0.5 * arcsinh(abs_(x))),
         assumes="rounding"),
    rule("slope_of_arcsinh_by_log",
         inv(x + sqrt(1 + sqr(x))) + x * inv(x + sqrt(1 + sqr(x))) / sqrt(1 + sqr(x)), inv(sqrt(1 + sqr(x))),
         assumes="rounding finite"),
    rule("multiple_of_slope_of_arcsinh_by_log",
         z / (x + sqrt(1 + sqr(x))) + x * z / (x + sqrt(1 + sqr(x))) / sqrt(1 + sqr(x)), z / sqrt(1 + sqr(x)),
         assumes="rounding finite"),
    rule("logarithmic_slope_of_x_plus_root", (1 + x / sqrt(y)) / (x + sqrt(y)), inv(sqrt(y)),
         assumes="rounding finite nonzero"),
    rule("sqrt_of_one_plus_minus_one", sqrt(1 + x) - 1, expm1(0.5 * log1p(x)), assumes="rounding"),
    rule("difference_of_roots", sqrt(x + y) - sqrt(x), switch(eq(y, 0.0), 0.0 * x, y / (sqrt(x + y) + sqrt(x))),
         assumes="rounding finite"),
    rule("difference_of_inverse_roots", z / sqrt(x + y) - z / sqrt(x),
         -((y / (sqrt(x + y) + sqrt(x))) * (z / sqrt(x + y)) / sqrt(x)), assumes="rounding finite nonzero"),
)

CANCELLATIONS = ruleset(
    rule("one_minus_cos", 1 - cos(x), 2.0 * sqr(sin(0.5 * x)), assumes="rounding"),
    rule("one_minus_squared_cos", 1 - sqr(cos(x)), sqr(sin(x)), assumes="rounding"),
    rule("one_minus_squared_sin", 1 - sqr(sin(x)), sqr(cos(x)), assumes="rounding"),
    rule("squares_of_sin_and_cos", sqr(sin(x)) + sqr(cos(x)), 1.0, assumes="rounding finite"),
    rule("tan_by_quotient", sin(x) / cos(x), tan(x), assumes="rounding"),
    rule("inverse_tan_by_quotient", cos(x) / sin(x), inv(tan(x)), assumes="rounding"),
)

SIGNS = ruleset(
    rule("x_over_abs", x / abs_(x), sgn(x), assumes="nonzero finite"),
    rule("abs_over_x", abs_(x) / x, sgn(x), assumes="nonzero finite"),
    rule("product_of_abs", abs_(x) * abs_(y), abs_(x * y)),
    rule("quotient_of_abs", abs_(x) / abs_(y), abs_(x / y)),
    rule("sgn_of_inverse", sgn(inv(x)), sgn(x), assumes="nonzero finite"),
    rule("sgn_of_product", sgn(x * y), sgn(x), when=lambda m: positive(m.y), assumes="nonzero finite"),
)

@function_rule(sqrt, name="hypot_of_many", assumes="rounding", needs=[add])
def hypot_of_many(node: Apply, site: Site) -> Any:
    """sqrt(x**2 + y**2 + z**2) -> hypot(hypot(x, y), z), sqrt(x**2 + c) -> hypot(x, sqrt(c)) for a number c > 0"""
    out: Any = node.outputs[0]
    dtype = out.type.dtype
    if dtype not in float_dtypes or node.inputs[0].type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    constant, terms = terms_of(node.inputs[0], site)
    squares = [elementwise_node(v, sqr) for sign, v in terms if sign > 0]
    if not squares or len(squares) < len(terms) or constant < 0 or any(node is None for node in squares):
        return None
    sides: list[Any] = [node.inputs[0] for node in squares if node is not None]
    if any(v.type.dtype != dtype for v in sides):
        return None
    if constant:
        sides.append(number_like(math.sqrt(constant), dtype))
    result = sides[0]
    for v in sides[1:]:
        result = elemwise_of(hypot)(result, v)
    result = conform(result, out)
    return None if result is None else [result]


def may_be_negative(m: Match) -> bool:
    return bounds(m.x)[0] < 0


def may_be_positive(m: Match) -> bool:
    return bounds(m.x)[1] > 0


# Where x and its hypotenuse cancel. Applied last (in `specialize`): before that, rules look for the roots themselves.
BESIDE_HYPOTENUSES = ruleset(
    rule("x_plus_hypot", x + hypot(x, y), switch(lt(x, 0.0), y * (y / (abs_(x) + hypot(x, y))), abs_(x) + hypot(x, y)),
         when=may_be_negative, assumes="rounding finite"),
    rule("hypot_minus_x", hypot(x, y) - x, switch(gt(x, 0.0), y * (y / (abs_(x) + hypot(x, y))), abs_(x) + hypot(x, y)),
         when=may_be_positive, assumes="rounding finite"),
    rule("one_plus_share_of_hypot", 1 + x / hypot(x, y),
         switch(lt(x, 0.0), (y / hypot(x, y)) * (y / (abs_(x) + hypot(x, y))), 1.0 + abs_(x) / hypot(x, y)),
         when=may_be_negative, assumes="rounding finite"),
    rule("one_minus_share_of_hypot", 1 - x / hypot(x, y),
         switch(gt(x, 0.0), (y / hypot(x, y)) * (y / (abs_(x) + hypot(x, y))), 1.0 + abs_(x) / hypot(x, y)),
         when=may_be_positive, assumes="rounding finite"),
)

ROOTS_AND_SIGNS = ruleset(ROOTS, CANCELLATIONS, SIGNS)
