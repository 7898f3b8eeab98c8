"""Products of a gradient with factors that it was divided by a moment ago.

The gradient of log(p) is g / p, and that of softmax and sigmoid multiplies what comes in by p again. Where p is 0 that
is 0/0. `times(g / p, p)` gives g: the division is never stated, so that the gradient of log(softmax(x)) and of the
cross-entropies is finite and exact without any rewriting.

Only the shape of the expression is looked at; a gradient that is not of this form gives None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Constant
from theano.scalar.arithmetic import add, mul, neg, sqrt, true_div
from theano.scalar.op import ScalarOp

_DEEPEST = 12


def times(gradient: Any, factor: Any, level: int = 0, roots: bool = False) -> Any:
    """`gradient * factor` without the division by `factor` in `gradient`, or None if there is none in it.

    With `roots`, a division by a power of it is one, too: g / sqrt(p) * p is g * sqrt(p); and in a sum, one term is
    enough. That is not for those who go on to divide by what p is made of.
    """
    node = gradient.owner
    if node is None or level > _DEEPEST:
        return None
    record = record_of(node)
    if record is None:
        return _times_scattered(node, factor, level)
    if record is true_div:
        above, below = node.inputs
        if same(below, factor):
            return above
        root = below.owner
        if roots and root is not None and record_of(root) is sqrt and same(root.inputs[0], factor):
            return above * below
        inner = times(above, factor, level + 1, roots)
        return None if inner is None else true_div(inner, below)
    if record is neg:
        inner = times(node.inputs[0], factor, level + 1, roots)
        return None if inner is None else neg(inner)
    if record is mul:
        for position, part in enumerate(node.inputs):
            inner = times(part, factor, level + 1, roots)
            if inner is not None:
                return mul(*node.inputs[:position], inner, *node.inputs[position + 1 :])
        return None
    if record.name == "pow" and roots:
        exponent = constant_of(node.inputs[1])
        if exponent is None or exponent >= 0 or not same(node.inputs[0], factor):
            return None
        return record(factor, np.asarray(exponent + 1, node.inputs[1].dtype))
    if record.name == "switch":
        condition, taken, other = node.inputs
        parts = [part if is_zero(part) else times(part, factor, level + 1, roots) for part in (taken, other)]
        if any(part is None for part in parts):
            return None
        if is_zero(parts[1]) and _writes_only_where(parts[0], condition):
            return parts[0]
        return record(condition, *parts)
    if record is add:
        parts = [times(part, factor, level + 1, roots) for part in node.inputs]
        if roots and not all(part is None for part in parts):
            parts = [v * factor if part is None else part for v, part in zip(node.inputs, parts)]
        return None if any(part is None for part in parts) else add(*parts)
    return None


def terms_of(gradient: Any) -> list[Any]:
    """The terms of a sum; anything else is its only term."""
    node = gradient.owner
    if (
        node is not None
        and record_of(node) is add
        and all(x.type.shape == gradient.type.shape for x in node.inputs)
    ):
        return list(node.inputs)
    return [gradient]


def record_of(node: Any) -> ScalarOp | None:
    """The record that an elementwise node applies (this layer knows the tensor layer's op by its name)."""
    return node.op.scalar_op if type(node.op).__name__ == "Elemwise" else None


def _times_scattered(node: Any, factor: Any, level: int) -> Any:
    """What was read from `factor` by an index and divided by, and was written back into zeros by the same index."""
    if not type(node.op).__name__.endswith("IncSubtensor") or getattr(node.op, "set_instead_of_inc", True):
        return None
    base, value, *index = node.inputs
    if not is_zero(base):
        return None
    inner = _times_selected(value, factor, index, level)
    return None if inner is None else node.op(base, inner, *index)


def _writes_only_where(value: Any, condition: Any) -> bool:
    """Were `value` and `condition` written into zeros by one index (see `tensor/masking.py`)?"""
    a, b = value.owner, condition.owner
    return (
        a is not None
        and b is not None
        and type(a.op) is type(b.op)
        and type(a.op).__name__.endswith("IncSubtensor")
        and is_zero(a.inputs[0])
        and is_zero(b.inputs[0])
        and getattr(a.op, "idx_list", None) == getattr(b.op, "idx_list", None)
        and len(a.inputs) == len(b.inputs)
        and all(x is y for x, y in zip(a.inputs[2:], b.inputs[2:]))
    )


def _times_selected(value: Any, factor: Any, index: Sequence[Any], level: int) -> Any:
    node = value.owner
    if node is None or level > _DEEPEST:
        return None
    record = record_of(node)
    if record is true_div and _reads(node.inputs[1], factor, index):
        return node.inputs[0]
    if record is neg:
        inner = _times_selected(node.inputs[0], factor, index, level + 1)
        return None if inner is None else neg(inner)
    if record is mul:
        for position, part in enumerate(node.inputs):
            inner = _times_selected(part, factor, index, level + 1)
            if inner is not None:
                return mul(*node.inputs[:position], inner, *node.inputs[position + 1 :])
    return None


def _reads(variable: Any, factor: Any, index: Sequence[Any]) -> bool:
    """Is `variable` factor[index]?"""
    node = variable.owner
    if node is None or not type(node.op).__name__.endswith("Subtensor") or "Inc" in type(node.op).__name__:
        return False
    return node.inputs[0] is factor and len(node.inputs) == len(index) + 1 and all(
        a is b for a, b in zip(node.inputs[1:], index)
    )


def same(a: Any, b: Any) -> bool:
    """Are both one variable, or one elementwise op of the same variables and constants?"""
    if a is b:
        return True
    if a.owner is None or b.owner is None or a.owner.op != b.owner.op or record_of(a.owner) is None:
        return False
    return all(
        x is y or (constant_of(x) is not None and constant_of(x) == constant_of(y))
        for x, y in zip(a.owner.inputs, b.owner.inputs)
    )


def constant_of(variable: Any) -> float | None:
    """The one number that `variable` holds by construction, or None."""
    while variable.owner is not None:
        node = variable.owner
        record = record_of(node)
        if record is not None and record.name == "second":
            variable = node.inputs[1]
        elif type(node.op).__name__ in ("DimShuffle", "Alloc"):
            variable = node.inputs[0]
        else:
            return None
    if not isinstance(variable, Constant) or np.size(variable.data) != 1 or np.iscomplexobj(variable.data):
        return None
    return float(np.asarray(variable.data).reshape(()))


def is_zero(variable: Any) -> bool:
    return constant_of(variable) == 0


def sigmoid_gradient(output: Any, gradient: Any) -> Any:
    """gradient * y * (1 - y) for y = `output`, without dividing by y or 1 - y first and multiplying afterwards."""
    total = []
    changed = False
    rest = 1 - output
    for term in terms_of(gradient):
        over_y = times(term, output, roots=True)
        over_rest = None if over_y is not None else times(term, rest, roots=True)
        if over_y is not None:
            total.append(over_y * rest)
        elif over_rest is not None:
            total.append(over_rest * output)
        else:
            total.append(term * (output * rest))
        changed |= over_y is not None or over_rest is not None
    if not changed:
        return gradient * (output * rest)
    return total[0] if len(total) == 1 else add(*total)
