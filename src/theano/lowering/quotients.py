"""Division of a row's elements by one number, as a multiplication: of exponentials by their own sum, which is how
softmax ends, and of anything by a square root (standard deviations, norms), which is how layer norm ends.

e / s is e * r with r = 1 / s, for which division happens once for a sum and not once for a term. Rounding r would cost
accuracy, so there is a second number, what r lacks: with `rest` = (1 - r * s) * r the exact 1 / s is r + rest up to the
square of a rounding error, and e * r + e * rest, with one rounding at the end (fma), is the quotient to 0.5 ulp and a
millionth. This holds because s is neither tiny nor (unless it is inf) huge: it is the sum of the e, one of which is 1.

A square root is neither tiny nor huge, either, unless it is 0 or inf: r and `rest` are far from underflow and overflow.
But what is divided by it may be infinite. There r is taken too small by a rounding error or two, so that `rest` has the
sign of r, and the products of an infinity with both are the same infinity. The error stays below 1 ulp where what is
divided is so small that its product with `rest` is subnormal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.lowering.context import Lowering
from theano.lowering.work import Datum
from theano.scalar.arithmetic import sqrt, sub, true_div
from theano.scalar.exponential import exp
from theano.scalar.selection import switch
from theano.tensor.careduce import Max, Sum, Supremum, reduced_axes
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise

Parts = tuple[list[tuple[Datum, Sequence[int]]], Callable[[Any], Any]]


def over_own_sum(lowering: Lowering, node: Apply) -> Parts | None:
    """(what is read, one element) of exp(x) / sum(exp(x)) with the reduced axes put back; None for other divisions."""
    total = _own_sum(node)
    if total is None:
        return None
    order = node.inputs[1].owner.op.new_order  # type: ignore[union-attr]
    return _by_parts(lowering, node, total, [order.index(axis) for axis in range(total.type.ndim)], _reciprocal)


def over_root(lowering: Lowering, node: Apply) -> Parts | None:
    """(what is read, one element) of x / sqrt(row), where a root belongs to several elements; None otherwise."""
    if node.op.scalar_op is not true_div:  # type: ignore[attr-defined]
        return None
    x: Any
    below: Any
    x, below = node.inputs
    out: Any = node.outputs[0].type
    across = list(range(out.ndim))
    root: Any = below
    if below.owner is not None and isinstance(below.owner.op, DimShuffle):
        root, order = below.owner.inputs[0], below.owner.op.new_order
        if any(axis not in order for axis in range(root.type.ndim)):
            return None
        across = [order.index(axis) for axis in range(root.type.ndim)]
    if out.dtype not in ("float32", "float64") or any(v.type.dtype != out.dtype for v in (x, root)):
        return None
    shared = any(m == 1 != n for m, n in zip(below.type.shape, out.shape))
    if _made_by(root, sqrt) is None or not shared:
        return None
    return _by_parts(lowering, node, root, across, _reciprocal_of_root)


def _by_parts(
    lowering: Lowering, node: Apply, below: Any, across: list[int], reciprocal: Callable[[Any], tuple[Any, Any]]
) -> Parts:
    """Multiplication by both parts of a reciprocal, which are computed for the elements of `below` only."""
    whole = lowering.datum(below)
    r, rest = (Datum(whole.dtype, whole.shape, whole.dims) for _ in range(2))
    axes = range(whole.ndim)
    lowering.pointwise(r, [(whole, axes)], lambda point: reciprocal(point)[0], nodes=[node])
    lowering.pointwise(rest, [(whole, axes)], lambda point: reciprocal(point)[1], nodes=[node])
    x = lowering.datum(node.inputs[0])

    def emit(point: Any) -> Any:
        e, near, lacking = point.reads()
        return point.b.fma(e, near, e * lacking)

    return [(x, range(x.ndim)), (r, across), (rest, across)], emit


def _own_sum(node: Apply) -> Any | None:
    """The variable of the sum, which is at least 1 where it is a number that is not 0."""
    if node.op.scalar_op is not true_div:  # type: ignore[attr-defined]
        return None
    e, below = node.inputs
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    power = _made_by(e, exp)
    if dtype not in ("float32", "float64") or power is None or e.type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    found = _put_back(below, Sum)
    if found is None or found[0].owner.inputs[0] is not e or found[0].type.dtype != dtype:
        return None
    total, axes = found
    return total if _is_shifted(power.inputs[0], axes) else None


def _made_by(v: Any, record: Any) -> Apply | None:
    """The node that computes v, if it applies this record."""
    node: Apply | None = v.owner
    return node if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op is record else None


def _put_back(v: Any, kind: type | None) -> tuple[Any, tuple[int, ...]] | None:
    """(y, axes) if v is y, a reduction of this kind, with the reduced axes put back; kind None: any y."""
    if v.owner is None or not isinstance(v.owner.op, DimShuffle):
        return None
    y, order = v.owner.inputs[0], v.owner.op.new_order
    axes = tuple(axis for axis, entry in enumerate(order) if entry == "x")
    if tuple(entry for entry in order if entry != "x") != tuple(range(y.type.ndim)):
        return None
    if kind is None:
        return y, axes
    if y.owner is None or type(y.owner.op) is not kind:
        return None
    return (y, axes) if reduced_axes(y.owner.op.axis, len(order)) == axes else None  # type: ignore[attr-defined]


def _is_shifted(v: Any, axes: tuple[int, ...]) -> bool:
    """Is v the difference of something and its largest element along the axes (or 0 where that is infinite)?"""
    node = _made_by(v, sub)
    found = None if node is None else _put_back(node.inputs[1], None)
    if node is None or found is None or found[1] != axes:
        return False
    choice = _made_by(found[0], switch)
    largest: Any = choice.inputs[1].owner if choice is not None else found[0].owner
    if largest is None or type(largest.op) not in (Supremum, Max) or largest.inputs[0] is not node.inputs[0]:
        return False
    return reduced_axes(largest.op.axis, v.type.ndim) == axes


def _reciprocal(point: Any) -> tuple[Any, Any]:
    """1 / s, and what that lacks: nothing where s is 0, inf or NaN."""
    b, s = point.b, point.read(0)
    one = b.const(1.0, s.dtype)
    r = one / s
    rest = b.fma(-r, s, one) * r
    return r, b.select(b.isnan(rest - rest), 0.0, rest)


def _reciprocal_of_root(point: Any) -> tuple[Any, Any]:
    """A number a little below 1 / s, and what it lacks, of the same sign; both are 0 or inf where 1 / s is."""
    b, s = point.b, point.read(0)
    one = b.const(1.0, s.dtype)
    r = one / s * (1 - float(np.finfo(s.dtype).eps))
    rest = b.fma(-r, s, one) * r
    return r, b.select(b.isnan(rest), r, rest)
