"""Dimshuffles, and statements of what broadcasts: moved to the inputs, where they cost nothing and hide no pattern."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply, Constant
from theano.rewriting.conform import conform
from theano.rewriting.known import padded
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.tensor.convert import constant
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.products import Dot
from theano.tensor.shape import Rebroadcast


@function_rule(DimShuffle, name="dimshuffle_of_elementwise", tags="local_dimshuffle_lift", needs=(), sinks=[Elemwise])
def dimshuffle_of_elementwise(node: Apply, site: Site) -> Any:
    """dimshuffle(f(x, y)) -> f(dimshuffle(x), dimshuffle(y))"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1 or x.type.ndim == 0:  # type: ignore[attr-defined]
        return None
    order = node.op.new_order  # type: ignore[attr-defined]
    drop = node.op.drop  # type: ignore[attr-defined]
    if any(not v.type.broadcastable[axis] for v in inner.inputs for axis in drop):  # type: ignore[attr-defined]
        return None
    if not site.may_pass(inner):
        return None
    moved = inner.op(*[dimshuffle(v, order) for v in inner.inputs])
    return [conform(site.passed(inner, moved), node.outputs[0])]


@function_rule(Elemwise, name="arithmetic_of_scalars", needs=[DimShuffle])
def arithmetic_of_scalars(node: Apply, site: Site) -> Any:
    """f(dimshuffle(a), dimshuffle(b)) -> dimshuffle(f(a, b)) of scalars a, b: computed once, not for every element"""
    out: Any = node.outputs[0]
    ndim = out.type.ndim
    if ndim == 0 or not all(out.type.broadcastable):
        return None
    scalars = []
    for x in node.inputs:
        s = scalar_behind(x)
        if s is None:
            return None
        scalars.append(s)
    return [conform(dimshuffle(node.op(*scalars), ["x"] * ndim), out)]


def scalar_behind(x: Any) -> Any | None:
    """The 0-d variable that `x`, an array of one element, is a dimshuffle of."""
    if isinstance(x, Constant):
        return constant(x.data.reshape(()))  # type: ignore[attr-defined]
    node = x.owner
    if node is not None and isinstance(node.op, DimShuffle) and node.inputs[0].type.ndim == 0:  # type: ignore[attr-defined]
        return node.inputs[0]
    return None


@function_rule(DimShuffle, name="dimshuffle_of_alloc", tags="local_dimshuffle_alloc")
def dimshuffle_of_alloc(node: Apply, site: Site) -> Any:
    """dimshuffle(alloc(v, s)) -> alloc(dimshuffle(v), dimshuffled s)"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, Alloc) or node.op.drop:  # type: ignore[attr-defined]
        return None
    value, *lengths = inner.inputs
    if value.type.ndim:  # type: ignore[attr-defined]
        value = dimshuffle(padded(value, len(lengths)), node.op.new_order)  # type: ignore[attr-defined]
    new = [1 if e == "x" else lengths[e] for e in node.op.new_order]  # type: ignore[attr-defined]
    return [conform(Alloc()(value, *new), node.outputs[0])]


@function_rule(DimShuffle, name="dimshuffle_of_one_element", tags="useless local_useless_dimshuffle_makevector")
def dimshuffle_of_one_element(node: Apply, site: Site) -> Any:
    """dimshuffle([a]) that drops the axis -> a"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, MakeVector) or node.op.new_order:  # type: ignore[attr-defined]
        return None
    return [inner.inputs[0]]


@function_rule(DimShuffle, name="transpose_of_dot", tags="local_lift_transpose_through_dot", sinks=[Dot])
def transpose_of_dot(node: Apply, site: Site) -> Any:
    """dot(x, y).T -> dot(y.T, x.T)"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or type(inner.op) is not Dot or node.op.new_order != (1, 0) or site.uses(x) > 1:  # type: ignore[attr-defined]
        return None
    a, b = inner.inputs
    if a.type.ndim != 2 or b.type.ndim != 2 or not site.may_pass(inner):  # type: ignore[attr-defined]
        return None
    return [site.passed(inner, Dot()(dimshuffle(b, 1, 0), dimshuffle(a, 1, 0)))]


@function_rule(Rebroadcast, name="rebroadcast_of_rebroadcast", tags="local_rebroadcast_lift", needs=())
def rebroadcast_of_rebroadcast(node: Apply, site: Site) -> Any:
    """rebroadcast(rebroadcast(x)) -> one of them, where no check that an axis has length one is lost"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Rebroadcast):
        return None
    first, second = inner.op.axis, node.op.axis  # type: ignore[attr-defined]
    if any(flag and not second.get(axis, True) for axis, flag in first.items()):
        return None
    return [conform(Rebroadcast(*{**first, **second}.items())(inner.inputs[0]), node.outputs[0])]


@function_rule(Rebroadcast, name="rebroadcast_of_elementwise", tags="local_rebroadcast_lift", needs=())
def rebroadcast_of_elementwise(node: Apply, site: Site) -> Any:
    """rebroadcast(f(x)) -> f(rebroadcast(x)), so that f fuses with what follows"""
    (x,) = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or site.uses(x) > 1:
        return None
    full = [v for v in inner.inputs if not all(v.type.broadcastable) or len(inner.inputs) == 1]  # type: ignore[attr-defined]
    if len(full) != 1 or full[0].type.broadcastable != x.type.broadcastable or not site.may_pass(inner):  # type: ignore[attr-defined]
        return None
    parts = [node.op(v) if v is full[0] else v for v in inner.inputs]
    return [conform(site.passed(inner, inner.op(*parts)), node.outputs[0])]


VIEWS = ruleset(
    rebroadcast_of_rebroadcast, rebroadcast_of_elementwise,
    dimshuffle_of_elementwise, arithmetic_of_scalars, dimshuffle_of_alloc, dimshuffle_of_one_element, transpose_of_dot,
)
