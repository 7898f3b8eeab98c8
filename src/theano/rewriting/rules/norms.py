"""Euclidean norms whose squares are too large or too small for their dtype."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.known import number
from theano.rewriting.rule import Site, function_rule
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.arithmetic import mul, sqr, sqrt
from theano.scalar.comparison import gt, lt
from theano.scalar.selection import cast_to as cast_record
from theano.scalar.selection import maximum, switch
from theano.tensor.careduce import Sum
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import cast_to, elemwise_of

UP, DOWN = 2.0**540, 2.0**-540        # bring squares of tiny and of huge numbers back into float64
LARGEST, SMALLEST = 2.0**1000, 2.0**-900  # a sum of squares between these has lost nothing


@function_rule(sqrt, name="norm", assumes="rounding", needs=[Sum, DimShuffle])
def norm(node: Apply, site: Site) -> Any:
    """sqrt(sum(sqr(x))) -> the same in float64 for float32, and in float64 sqrt(sum(sqr(s*x))) / s with a scale s where
    the sum is huge or tiny (all three sums are made in one go over x)"""
    total: Any = node.inputs[0]
    order = None
    inner = total.owner
    if inner is not None and isinstance(inner.op, DimShuffle):
        order = inner.op.new_order
        inner = inner.inputs[0].owner
    if inner is None or type(inner.op) is not Sum or inner.outputs[0].type.dtype != total.type.dtype:
        return None
    squares = elementwise_node(inner.inputs[0], sqr)
    if squares is None or squares.inputs[0].type.dtype != total.type.dtype:  # type: ignore[attr-defined]
        return None
    x: Any = squares.inputs[0]
    if _is_made_here(x):
        return None
    axes = inner.op.axis
    if x.type.dtype == "float32":
        result = cast_to(elemwise_of(sqrt)(Sum(axes)(elemwise_of(sqr)(cast_to(x, "float64")))), "float32")
    elif x.type.dtype == "float64":
        plain = Sum(axes)(elemwise_of(sqr)(x))
        # the maximum changes nothing where it is taken, and keeps this rule from seeing its own result
        usual = elemwise_of(sqrt)(elemwise_of(maximum)(plain, number_like(SMALLEST, "float64")))
        tiny = elemwise_of(lt)(plain, number_like(SMALLEST, "float64"))
        huge = elemwise_of(gt)(plain, number_like(LARGEST, "float64"))
        result = switch(huge, _scaled_norm(x, axes, DOWN, UP), switch(tiny, _scaled_norm(x, axes, UP, DOWN), usual))
    else:
        return None
    return [conform(result if order is None else dimshuffle(result, order), node.outputs[0])]


def _scaled_norm(x: Any, axes: Any, scale: float, back: float) -> Any:
    scaled = elemwise_of(mul)(x, number_like(scale, "float64"))
    root = elemwise_of(sqrt)(Sum(axes)(elemwise_of(sqr)(scaled)))
    return elemwise_of(mul)(root, number_like(back, "float64"))


def _is_made_here(x: Any) -> bool:
    """Is `x` the scaled or widened operand that this rule makes?"""
    widened = elementwise_node(x, cast_record("float64"))
    if widened is not None:
        return widened.inputs[0].type.dtype in ("float32", "float16")  # type: ignore[attr-defined]
    product = elementwise_node(x, mul)
    return product is not None and any(number(v) in (UP, DOWN) for v in product.inputs)
