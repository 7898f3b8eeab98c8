"""Masked gradients: keep the zero of a branch not taken outside of everything that is multiplied to it.

The gradient of switch(x > 0, sqrt(x), 0) by its second input is switch(x > 0, g, 0). Multiplied with the derivative
of sqrt at 0, which is infinite, the zero would become NaN. So an elementwise op takes the mask off the gradient that
comes in, multiplies what is under it, and puts the mask back on its result: switch(x > 0, g * 0.5 / sqrt(x), 0).

This states the mask once, outermost, however long the chain of elementwise ops is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from theano.graph.node import Constant, Variable
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


def _outermost(term: Any) -> Mask | None:
    if not _is_elementwise(term, "switch"):
        return None
    condition, taken, other = term.owner.inputs
    if _is_zero(other):
        return None if _is_zero(taken) else Mask(condition, True, taken)
    return Mask(condition, False, other) if _is_zero(taken) else None


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
    while variable.owner is not None and type(variable.owner.op).__name__ == "DimShuffle":
        variable = variable.owner.inputs[0]
    return isinstance(variable, Constant) and np.size(variable.data) == 1 and not np.any(variable.data)


def _is_elementwise(variable: Any, name: str) -> bool:
    node = variable.owner
    if node is None:
        return False
    record = getattr(node.op, "scalar_op", None)
    return record is not None and type(node.op).__name__ == "Elemwise" and record.name == name
