"""What is known of the sign and size of a value from the ops that made it."""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from theano.graph.node import Constant
from theano.rewriting.known import number
from theano.scalar import arithmetic as ar
from theano.scalar import facts
from theano.scalar import selection as sel
from theano.scalar.dtypes import complex_dtypes, uint_dtypes
from theano.tensor.careduce import CAReduce, Supremum
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.shape import Reshape, Shape, Shape_i
from theano.tensor.subtensor import AdvancedSubtensor, AdvancedSubtensor1, Subtensor

Bounds = tuple[float, float]  # closed; elements that are NaN are not spoken of

EVERYTHING: Bounds = (-math.inf, math.inf)
NONNEGATIVE: Bounds = (0.0, math.inf)
DEPTH = 6
_of_constants: WeakKeyDictionary[Constant, Bounds] = WeakKeyDictionary()
LOGARITHMS = ("log", "log2", "log10")


def bounds(v: Any, depth: int = DEPTH) -> Bounds:
    """An interval that holds every element of `v`."""
    if getattr(v.type, "dtype", None) in complex_dtypes:
        return EVERYTHING
    if isinstance(v, Constant):
        found = _of_constants.get(v)
        if found is None:
            found = _of_constants[v] = _of_numbers(np.asarray(v.data))
        return found
    known = number(v)
    if known is not None:
        return _of_numbers(np.asarray(known))
    default = NONNEGATIVE if v.type.dtype in uint_dtypes or v.type.dtype == "bool" else EVERYTHING
    if v.type.dtype == "bool":
        default = (0.0, 1.0)
    node = v.owner
    if node is None or depth == 0:
        return default
    op = node.op
    if isinstance(op, (Shape, Shape_i)):
        return NONNEGATIVE
    if isinstance(op, (DimShuffle, Reshape, Subtensor, AdvancedSubtensor, AdvancedSubtensor1)):
        return bounds(node.inputs[0], depth - 1)
    if isinstance(op, CAReduce):
        record = op.scalar_op
        inner = bounds(node.inputs[0], depth - 1)
        if record in (sel.maximum, sel.minimum):
            return (-math.inf, inner[1]) if isinstance(op, Supremum) else inner
        if record in (ar.add, ar.mul) and inner[0] >= 0 and _is_float(v):
            return NONNEGATIVE
        return default
    if type(op).__name__ == "Softmax":
        return 0.0, 1.0
    if not isinstance(op, Elemwise):
        return default
    return _of_elementwise(op.scalar_op, node, default, depth)


def _of_numbers(data: np.ndarray) -> Bounds:
    """Of nothing, too, and of NaN: what rules find known of x they must find known of what x was computed to be."""
    numbers = data[~np.isnan(data)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _is_float(v: Any) -> bool:
    return v.type.dtype.startswith("float")


def _of_elementwise(record: Any, node: Any, default: Bounds, depth: int) -> Bounds:
    wide = _is_float(node.outputs[0])  # integers wrap
    if (record is ar.sqr and wide) or (record is ar.abs_ and wide):
        return NONNEGATIVE
    if record is ar.mul and wide:
        if len(node.inputs) == 2 and node.inputs[0] is node.inputs[1]:
            return NONNEGATIVE
        parts = [bounds(x, depth - 1) for x in node.inputs]
        if all(low >= 0 for low, _ in parts):
            return 0.0, math.inf
        return default
    if record is ar.add and wide:
        parts = [bounds(x, depth - 1) for x in node.inputs]
        return sum(low for low, _ in parts), sum(high for _, high in parts)
    if record is ar.true_div and wide:
        parts = [bounds(x, depth - 1) for x in node.inputs]
        return NONNEGATIVE if all(low >= 0 for low, _ in parts) else default
    if record is ar.neg and wide:
        low, high = bounds(node.inputs[0], depth - 1)
        return -high, -low
    if record in (ar.inv, ar.sqrt) and wide:
        return NONNEGATIVE if bounds(node.inputs[0], depth - 1)[0] >= 0 or record is ar.sqrt else default
    if record is sel.maximum:
        (a, b), (c, d) = (bounds(x, depth - 1) for x in node.inputs)
        return max(a, c), max(b, d)
    if record is sel.minimum:
        (a, b), (c, d) = (bounds(x, depth - 1) for x in node.inputs)
        return min(a, c), min(b, d)
    if record is sel.switch:
        (a, b), (c, d) = (bounds(x, depth - 1) for x in node.inputs[1:])
        return min(a, c), max(b, d)
    if record is sel.second:
        return bounds(node.inputs[1], depth - 1)
    for fact in record.facts:
        if isinstance(fact, facts.Range):
            return max(fact.values.low, default[0]), min(fact.values.high, default[1])
    return default


def nonnegative(v: Any) -> bool:
    return bounds(v)[0] >= 0


def positive(v: Any) -> bool:
    """Is every element of `v` greater than 0 by its formula? (Where it is too small for the dtype, it may be 0.)"""
    if bounds(v)[0] > 0:
        return True
    op = None if v.owner is None else v.owner.op
    if not isinstance(op, Elemwise) or not _is_float(v):
        return False
    # what a logarithm undoes is an exponential
    return any(isinstance(fact, facts.Inverse) and fact.by in LOGARITHMS for fact in op.scalar_op.facts)


def within(v: Any, interval: facts.Interval) -> bool:
    """Is every element of `v` that is no NaN in `interval`?"""
    low, high = bounds(v)
    above = low >= interval.low if interval.closed_low else low > interval.low
    below = high <= interval.high if interval.closed_high else high < interval.high
    return (above or interval.low == -math.inf) and (below or interval.high == math.inf)
