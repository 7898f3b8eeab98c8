"""Euclidean norms whose squares are too large or too small for their dtype.

The sum of squares is made once, as it is written. Only where one of the sums (of a row, say) is huge or tiny, the same
is done for x * c, with a power of two c for each sum that brings its squares back into range: this second sum goes over
a slice of x that takes everything then, and nothing otherwise. So a norm costs what a sum of squares does.

Where x is known to be small, and for vectors in the body of a loop, the second sum goes over all of x: with a slice
between them the step of a loop would no longer be one kernel, which costs more than 1000 squares.
"""

from __future__ import annotations

import math
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.indices import ALL, indexed
from theano.rewriting.known import number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.arithmetic import mul, sqr, sqrt, true_div
from theano.scalar.comparison import gt, lt
from theano.scalar.logic import or_
from theano.scalar.selection import cast_to as cast_record
from theano.scalar.selection import switch
from theano.tensor.careduce import CAReduce, Sum, reduced_axes
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of

# The square root of c: of huge squares, of tiny ones, and of all others.
DOWN, UP, SAME = 2.0**-270, 2.0**270, 1.0
LARGEST, SMALLEST = 2.0**1000, 2.0**-900  # a sum of squares between these has lost nothing
FEW = 1024   # elements that cost less than a slice
DEEPEST = 6  # levels of elementwise ops that are computed anew for the slice, rather than kept for it


@function_rule(sqrt, name="norm", assumes="rounding", needs=[Sum, DimShuffle])
def norm(node: Apply, site: Site) -> Any:
    """sqrt(sum(sqr(x))) -> the same in float64 for float32; in float64 sqrt(s) / c, where s is sum(sqr(c*x)) and c a
    power of two where the sum is huge or tiny, else sum(sqr(x)) and 1"""
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
    if x.type.dtype == "float32":
        wide = cast_to(x, "float64")
        result = cast_to(elemwise_of(sqrt)(Sum(inner.op.axis)(elemwise_of(sqr)(wide))), "float32")
    elif x.type.dtype == "float64" and elementwise_node(x, cast_record("float64")) is None:
        result = _of_wide(x, inner, site)
    else:
        return None
    if result is None:
        return None
    return [conform(result if order is None else dimshuffle(result, order), node.outputs[0])]


def _of_wide(x: Any, squares: Apply, site: Site) -> Any:
    """The norm of float64, of which `squares` is the sum of squares."""
    axes = reduced_axes(squares.op.axis, x.type.ndim)  # type: ignore[attr-defined]
    along = next((axis for axis in axes if not x.type.broadcastable[axis]), None)
    if along is None:
        return None
    plain: Any = squares.outputs[0]
    huge = elemwise_of(gt)(plain, number_like(LARGEST, "float64"))
    tiny = elemwise_of(lt)(plain, number_like(SMALLEST, "float64"))
    lost = elemwise_of(or_)(huge, tiny)
    root_of_scale = switch(huge, number_like(DOWN, "float64"),
                           switch(tiny, number_like(UP, "float64"), number_like(SAME, "float64")))
    scale = elemwise_of(sqr)(root_of_scale)
    part = x
    if not (site.fgraph.is_step and x.type.ndim == 1) and not _is_small(x, site):
        any_lost = CAReduce(or_)(lost) if lost.type.ndim else lost
        part = _start_of(x, along, switch(any_lost, site.length(x, along), number_like(0, "int64")))
    across = iter(range(plain.type.ndim))
    on_x = dimshuffle(scale, ["x" if axis in axes else next(across) for axis in range(x.type.ndim)])
    scaled = elemwise_of(mul)(part, on_x)
    again = Sum(squares.op.axis)(elemwise_of(sqr)(scaled))  # type: ignore[attr-defined]
    return elemwise_of(true_div)(elemwise_of(sqrt)(switch(lost, again, plain)), scale)


def _is_small(x: Any, site: Site) -> bool:
    """Is x known to have no more than FEW elements?"""
    lengths = [1 if is_one else site.dims.source((x, axis)) for axis, is_one in enumerate(x.type.broadcastable)]
    return all(isinstance(n, int) for n in lengths) and math.prod(lengths) <= FEW


def _start_of(x: Any, axis: int, length: Any, depth: int = DEEPEST) -> Any:
    """x[:length] along an axis. Elementwise ops are applied to slices, so that x need not be kept for it."""
    node = x.owner
    if depth and node is not None and isinstance(node.op, Elemwise):
        parts = [v if v.type.broadcastable[axis] else _start_of(v, axis, length, depth - 1) for v in node.inputs]
        return node.op(*parts)
    if depth and node is not None and isinstance(node.op, DimShuffle):
        source: Any = node.op.new_order[axis]
        return node.op(_start_of(node.inputs[0], source, length, depth - 1))
    return indexed(x, [(None, length, None) if k == axis else ALL for k in range(x.type.ndim)])


@function_rule(true_div, name="quotient_by_norm", assumes="rounding", needs=[true_div, DimShuffle])
def quotient_by_norm(node: Apply, site: Site) -> Any:
    """y / (sqrt(s) / c), as `norm` makes it -> ((y * sqrt(c)) / sqrt(s)) * sqrt(c): a division by a square root, which
    is done once for each root; neither overflows on the way nor loses digits"""
    y, below = node.inputs
    order = None
    inner: Any = below.owner
    if inner is not None and isinstance(inner.op, DimShuffle):
        order = inner.op.new_order
        inner = inner.inputs[0].owner
    if inner is None or getattr(inner.op, "scalar_op", None) is not true_div:
        return None
    root, scale = inner.inputs
    root_of_scale = _root_of_scale(scale)
    if elementwise_node(root, sqrt) is None or root_of_scale is None or y.type.dtype != "float64":  # type: ignore[attr-defined]
        return None
    if order is not None:
        root, root_of_scale, scale = (dimshuffle(v, order) for v in (root, root_of_scale, scale))
    result = elemwise_of(mul)(elemwise_of(true_div)(elemwise_of(mul)(y, root_of_scale), root), root_of_scale)
    result = conform(result, node.outputs[0])
    return None if result is None else [result]


def _root_of_scale(scale: Any) -> Any:
    """The square root of a scale that `norm` made."""
    squared = elementwise_node(scale, sqr)
    choice = None if squared is None else elementwise_node(squared.inputs[0], switch)
    if squared is None or choice is None or number(choice.inputs[1]) != DOWN:
        return None
    return squared.inputs[0]


NORMS = ruleset(norm, quotient_by_norm)
