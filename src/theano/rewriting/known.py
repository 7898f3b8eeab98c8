"""What is known of a value at compile time: numbers behind constants, and how to make constants.

Looks through views, fills and casts, never computes arrays (folding does: `rules/folding.py`).
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.scalar.dtypes import discrete_dtypes
from theano.scalar.exponential import pow
from theano.scalar.selection import second
from theano.tensor.convert import constant
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.variable import TensorConstant

LARGEST_SCANNED = 4096  # elements of a constant that are looked at to see whether they are all equal
DEPTH = 16


def number(variable: Variable, through: list[Apply] | None = None) -> Any:
    """The number that every element of `variable` has, as a Python number, or None if that is not known.

    Looks through dimshuffles and fills, which are added to the list `through`. A negative zero counts as -0.0.
    """
    v: Any = variable
    for _ in range(DEPTH):
        node = v.owner
        if node is None:
            return _uniform(v) if isinstance(v, TensorConstant) else None
        op = node.op
        if isinstance(op, Elemwise):
            if op.scalar_op is not second:
                return None
            v = node.inputs[1]
        elif isinstance(op, DimShuffle) or type(op).__name__ == "Alloc":
            v = node.inputs[0]
        else:
            return None
        if through is not None:
            through.append(node)
    return None


def is_whole(n: Any) -> TypeGuard[float]:
    """Is it a whole number? None, NaN, infinities and complex numbers are none."""
    return isinstance(n, (int, float)) and (isinstance(n, int) or n.is_integer())


def fails_for_values(node: Apply) -> bool:
    """Is it an elementwise op that some values are an error of? It is none where there are no elements, so the op must
    not be applied to one value instead. (Integers to the power of negative integers.)"""
    op: Any = node.op
    return op.scalar_op is pow and node.outputs[0].type.dtype in discrete_dtypes  # type: ignore[attr-defined]


def _uniform(c: TensorConstant) -> Any:
    known = c.__dict__.get("_uniform", c)
    if known is not c:
        return known
    data = c.data
    value = None
    if data.size == 1:
        value = data.reshape(-1)[0].item()
    elif 1 < data.size <= LARGEST_SCANNED:
        first = data.reshape(-1)[0]
        if (data == first).all() and (first != 0 or data.dtype.kind != "f" or
                                      np.signbit(data).all() == np.signbit(data).any()):
            value = first.item()
    c._uniform = value  # type: ignore[attr-defined]
    return value


def is_number(variable: Variable, value: float) -> bool:
    """Is every element of `variable` known to be `value`? (-0.0 is no 0.)"""
    found = number(variable)
    return found is not None and found == value and (value != 0 or np.signbit(found) == np.signbit(value) or
                                                     isinstance(found, (int, bool)))


def full(value: Any, dtype: str, ndim: int) -> TensorConstant:
    """A constant with `ndim` axes of length one."""
    return constant(np.full((1,) * ndim, value, dtype))


def padded(variable: Any, ndim: int) -> Any:
    """`variable` with axes of length one put on the left until its rank is `ndim`."""
    missing = ndim - variable.type.ndim
    if missing <= 0:
        return variable
    return dimshuffle(variable, ["x"] * missing + list(range(variable.type.ndim)))


def is_constant(variable: Variable) -> bool:
    return isinstance(variable, Constant)


__all__ = ["fails_for_values", "full", "is_constant", "is_number", "is_whole", "number", "padded"]
