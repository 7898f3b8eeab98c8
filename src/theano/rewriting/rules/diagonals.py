"""Diagonals: only what is on them is computed."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.indices import ALL, indexed
from theano.rewriting.known import padded
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.views import scalar_behind
from theano.scalar import arithmetic as ar
from theano.tensor.careduce import Sum
from theano.tensor.creation import Alloc
from theano.tensor.diagonal import AllocDiag, ExtractDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.products import Dot
from theano.tensor.scalar_constants import static_int
from theano.tensor.triangles import Eye


def diagonal_axes(node: Apply) -> tuple[int, int]:
    """The two axes of which an ExtractDiag node takes a diagonal, not negative."""
    op: Any = node.op
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    return op.axis1 % ndim, op.axis2 % ndim


@function_rule(ExtractDiag, name="diagonal_of_diagonal_matrix", needs=[AllocDiag], tags="extract_diag_lift_pass")
def diagonal_of_diagonal_matrix(node: Apply, site: Site) -> Any:
    """diagonal(diag(v)) -> v"""
    made = node.inputs[0].owner
    if made is None or not isinstance(made.op, AllocDiag):
        return None
    op, axes = made.op, diagonal_axes(node)
    ndim = node.inputs[0].type.ndim  # type: ignore[attr-defined]
    if (op.offset, op.axis1 % ndim, op.axis2 % ndim) != (node.op.offset, *axes):  # type: ignore[attr-defined]
        return None
    return [conform(made.inputs[0], node.outputs[0])]


@function_rule(ExtractDiag, name="diagonal_of_eye", needs=[Eye], tags="extract_diag_lift_pass")
def diagonal_of_eye(node: Apply, site: Site) -> Any:
    """diagonal(eye(n)) -> ones, other diagonals of it -> zeros"""
    (x,) = node.inputs
    made, out = x.owner, node.outputs[0]
    if made is None or not isinstance(made.op, Eye):
        return None
    offset = static_int(made.inputs[2])
    if offset is None or diagonal_axes(node) != (0, 1):
        return None
    value = 1 if offset == node.op.offset else 0  # type: ignore[attr-defined]
    return [conform(Alloc()(number_like(value, x.type.dtype), site.length(out, 0)), out)]  # type: ignore[attr-defined]


@function_rule(ExtractDiag, name="diagonal_of_transpose", needs=[DimShuffle], tags="extract_diag_lift_pass")
def diagonal_of_transpose(node: Apply, site: Site) -> Any:
    """diagonal(x.T) -> diagonal(x), diagonal(x.T, k) -> diagonal(x, -k)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle) or inner.op.new_order != (1, 0):
        return None
    offset = node.op.offset if diagonal_axes(node) == (1, 0) else -node.op.offset  # type: ignore[attr-defined]
    return [conform(ExtractDiag(offset, 0, 1)(inner.inputs[0]), node.outputs[0])]


@function_rule(ExtractDiag, name="diagonal_of_elementwise", tags="extract_diag_lift_pass")
def diagonal_of_elementwise(node: Apply, site: Site) -> Any:
    """diagonal(f(x, a, column)) -> f(diagonal(x), a, column) for scalars a; columns and rows only where it is known
    that the matrix is square"""
    (x,) = node.inputs
    inner, op = x.owner, node.op
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1 or x.type.ndim != 2:  # type: ignore[attr-defined]
        return None
    flat = x.type.broadcastable  # type: ignore[attr-defined]
    if any(flat):
        return None
    is_main = op.offset == 0 and site.dims.same_axis(x, 0, x, 1)  # type: ignore[attr-defined]
    parts = []
    for v in inner.inputs:
        scalar = scalar_behind(v) if all(v.type.broadcastable) else None  # type: ignore[attr-defined]
        if all(v.type.broadcastable):  # type: ignore[attr-defined]
            parts.append(dimshuffle(v if scalar is None else scalar, ["x"]))
        elif not any(v.type.broadcastable):  # type: ignore[attr-defined]
            parts.append(op(v))
        elif is_main:
            parts.append(dimshuffle(v, [v.type.broadcastable.index(False)]))  # type: ignore[attr-defined]
        else:
            return None
    return [conform(inner.op(*parts), node.outputs[0])]


@function_rule(ExtractDiag, name="diagonal_of_alloc", needs=[Alloc], tags="extract_diag_lift_pass")
def diagonal_of_alloc(node: Apply, site: Site) -> Any:
    """diagonal(alloc(a, n, m)) -> alloc(a, min(n, m))"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, Alloc):
        return None
    ndim = x.type.ndim  # type: ignore[attr-defined]
    value: Any = padded(inner.inputs[0], ndim)
    axes = diagonal_axes(node)
    if not all(value.type.broadcastable[axis] for axis in axes):
        return None
    rest = dimshuffle(value, [*(axis for axis in range(ndim) if axis not in axes), "x"])
    out: Any = node.outputs[0]
    return [conform(Alloc()(rest, *[site.length(out, axis) for axis in range(out.type.ndim)]), out)]


@function_rule(ExtractDiag, name="diagonal_of_product", assumes="rounding", needs=[Dot])
def diagonal_of_product(node: Apply, site: Site) -> Any:
    """diagonal(dot(a, b)) -> sum(a * b.T, axis=1), with as many rows of a and columns of b as the shorter side has: a
    product of matrices is not computed for its diagonal"""
    (x,) = node.inputs
    inner: Any = x.owner
    op: Any = node.op
    if inner is None or type(inner.op) is not Dot or site.uses(x) > 1 or x.type.ndim != 2:  # type: ignore[attr-defined]
        return None
    if op.offset != 0 or x.type.dtype not in ("float32", "float64"):  # type: ignore[attr-defined]
        return None
    a, b = inner.inputs
    if not site.dims.same_axis(a, 0, b, 1):
        if any(x.type.broadcastable):  # type: ignore[attr-defined]
            return None
        n = site.length(node.outputs[0], 0)
        a, b = indexed(a, [(None, n, None), ALL]), indexed(b, [ALL, (None, n, None)])
    product = elemwise_of(ar.mul)(a, dimshuffle(b, 1, 0))
    return [conform(Sum(axis=1, acc_dtype=x.type.dtype)(product), node.outputs[0])]  # type: ignore[attr-defined]


DIAGONALS = ruleset(
    diagonal_of_diagonal_matrix, diagonal_of_eye, diagonal_of_transpose, diagonal_of_elementwise, diagonal_of_alloc,
)

__all__ = ["DIAGONALS", "diagonal_of_product"]
