"""Masked gradients: keep the zero of a branch not taken outside of everything that is multiplied to it.

The gradient of switch(x > 0, sqrt(x), 0) by its second input is switch(x > 0, g, 0). Multiplied with the derivative
of sqrt at 0, which is infinite, the zero would become NaN. So an elementwise op takes the mask off the gradient that
comes in, multiplies what is under it, and puts the mask back on its result: switch(x > 0, g * 0.5 / sqrt(x), 0).

This states the mask once, outermost, however long the chain of elementwise ops is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theano.graph.node import Variable
from theano.scalar.cancelling import constant_of
from theano.scalar.op import ScalarOp


@dataclass(frozen=True, slots=True)
class Mask:
    """`value` where `condition` is true (`keep`) or false (not `keep`), and zero elsewhere."""

    condition: Any
    keep: bool
    value: Any

    def apply(self, value: Any) -> Any:
        """`value` under this mask."""
        switch = ScalarOp.registry["switch"]
        zero = np.zeros((), value.type.dtype)
        return switch(self.condition, value, zero) if self.keep else switch(self.condition, zero, value)


def split_mask(term: Variable) -> Mask | None:
    """The mask that `term` is under, or None. A mask directly under a mask is merged with it."""
    outer = _outermost(term)
    if outer is None:
        return None
    inner = _outermost(outer.value)
    while inner is not None:
        if inner.condition is outer.condition and inner.keep is outer.keep:
            outer = Mask(outer.condition, outer.keep, inner.value)
        else:
            outer = Mask(_both(outer, inner), True, inner.value)
        inner = _outermost(outer.value)
    return outer


_DEEPEST = 6  # so many changes of shape are looked through

# ops whose derivative is infinite somewhere inside or at the end of their domain, besides true_div and pow
_SINGULAR = frozenset([
    "sqrt", "log", "log2", "log10", "log1p", "inv", "arcsin", "arccos", "arccosh", "arctanh",
    "xlogx", "xlogy0", "erfinv", "erfcinv", "gamma", "gammaln", "psi", "tri_gamma", "log1mexp", "tan", "hypot",
    "arctan2", "log_product", "log_quotient",
])  # fmt: skip


def mask_for(term: Any, name: str, inputs: Sequence[Any]) -> Mask | None:
    """The mask under which the gradient `term` of the elementwise op `name` of `inputs` is to be computed, or None.

    Besides masks that are there (`split_mask`) this finds zeros that stand further inside of `term`: the gradient of
    (2 * sqrt(x))[1:] is zero in front, and must stay so where the derivative of sqrt is infinite.
    """
    mask = split_mask(term)
    if mask is None and _is_singular(name, inputs):
        condition = _may_differ_from_zero(term, 0)
        if condition is not None:
            mask = Mask(condition, True, term)
    return mask


def _is_singular(name: str, inputs: Sequence[Any]) -> bool:
    if name in ("true_div", "pow"):
        number = constant_of(inputs[1])
        return number is None or (number == 0 if name == "true_div" else number < 1)
    return name in _SINGULAR


def _may_differ_from_zero(term: Any, level: int) -> Any:
    """A boolean that is false where `term` is zero by construction; None where nothing is known."""
    node = term.owner
    if node is None or level > _DEEPEST:
        return None
    kind = type(node.op).__name__
    if kind == "Elemwise":
        name = node.op.scalar_op.name
        if name == "switch":
            mask = split_mask(term)
            return None if mask is None else _truth(mask)
        if name == "second":
            return _of_view(node, node.inputs[1], level, lambda v: ScalarOp.registry["second"](node.inputs[0], v))
        if name in ("neg", "true_div") or name.startswith("Cast"):
            return _may_differ_from_zero(node.inputs[0], level + 1)
        if name == "mul":
            found = (_may_differ_from_zero(factor, level + 1) for factor in node.inputs)
            return next((condition for condition in found if condition is not None), None)
        return None
    if kind == "DimShuffle":
        move, order = type(node.op), node.op.new_order
        return _of_view(node, node.inputs[0], level, lambda v: move(v.type.broadcastable, order)(v))
    if kind == "Sum":
        total, zero = type(node.op)(node.op.axis), np.zeros((), "int64")
        return _of_view(node, node.inputs[0], level, lambda v: ScalarOp.registry["neq"](total(v), zero))
    if is_scattered(term):
        base, _, *index = node.inputs
        places = [node.op.idx_list] if hasattr(node.op, "idx_list") else []
        set_op = type(node.op)(*places, set_instead_of_inc=True)
        return set_op(ScalarOp.registry["second"](base, np.zeros((), bool)), np.ones((), bool), *index)
    return None


def _of_view(node: Any, source: Any, level: int, again: Any) -> Any:
    """What is known of `source`, carried over to a node that reorders, repeats or sums its elements."""
    condition = _may_differ_from_zero(source, level + 1)
    if condition is None:
        return None
    if condition.type.ndim != source.type.ndim:
        return None
    return again(condition)


def is_scattered(term: Any) -> bool:
    """Is `term` something that was written by an index into zeros?"""
    node = term.owner
    return (
        node is not None
        and type(node.op).__name__ in ("IncSubtensor", "AdvancedIncSubtensor", "AdvancedIncSubtensor1")
        and constant_of(node.inputs[0]) == 0
    )


def _outermost(term: Any) -> Mask | None:
    """The mask on top of `term`, also where `term` is it in another shape (axes moved, added, broadcast)."""
    around: list[Any] = []
    while len(around) < _DEEPEST:
        if _is_elementwise(term, "switch"):
            break
        node = term.owner
        if _is_elementwise(term, "second"):
            around.append(lambda v, model=node.inputs[0]: ScalarOp.registry["second"](model, v))
            term = node.inputs[1]
        elif node is not None and type(node.op).__name__ == "DimShuffle":
            around.append(lambda v, op=node.op: type(op)(v.type.broadcastable, op.new_order)(v))
            term = node.inputs[0]
        else:
            return None
    else:
        return None
    condition, taken, other = term.owner.inputs
    keep = _is_zero(other)
    if keep is _is_zero(taken):
        return None
    value = taken if keep else other
    for wrap in reversed(around):
        condition, value = wrap(condition), wrap(value)
    return Mask(condition, keep, value)


def _both(a: Mask, b: Mask) -> Any:
    and_ = ScalarOp.registry["and_"]
    return and_(_truth(a), _truth(b))


def _truth(mask: Mask) -> Any:
    """A boolean that says where the mask lets through."""
    zero = np.zeros((), mask.condition.type.dtype)
    if not mask.keep:
        return ScalarOp.registry["eq"](mask.condition, zero)
    if mask.condition.type.dtype == "bool":
        return mask.condition
    return ScalarOp.registry["neq"](mask.condition, zero)


def _is_zero(variable: Any) -> bool:
    return constant_of(variable) == 0


def _is_elementwise(variable: Any, name: str) -> bool:
    node = variable.owner
    if node is None:
        return False
    record = getattr(node.op, "scalar_op", None)
    return record is not None and type(node.op).__name__ == "Elemwise" and record.name == name
