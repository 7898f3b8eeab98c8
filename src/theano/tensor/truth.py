"""All and Any: reductions of truth values. (A file of its own, because a class called Any hides that of `typing`.)"""

from __future__ import annotations

from typing import Any as Anything

import numpy as np

from theano.graph.node import Apply
from theano.scalar.comparison import neq
from theano.scalar.logic import and_, or_
from theano.tensor.careduce import CAReduce
from theano.tensor.convert import as_tensor_variable


class All(CAReduce):
    """Are all elements over the axes nonzero? True of nothing."""

    def __init__(self, axis: Anything = None, dtype: Anything = None, acc_dtype: Anything = None) -> None:
        super().__init__(and_, axis, "bool", "bool")

    def make_node(self, x: Anything) -> Apply:
        return super().make_node(_truth(x))


class Any(CAReduce):
    """Is any element over the axes nonzero? False of nothing."""

    def __init__(self, axis: Anything = None, dtype: Anything = None, acc_dtype: Anything = None) -> None:
        super().__init__(or_, axis, "bool", "bool")

    def make_node(self, x: Anything) -> Apply:
        return super().make_node(_truth(x))


def _truth(x: Anything) -> Anything:
    x = as_tensor_variable(x)
    return x if x.dtype == "bool" else neq(x, np.zeros((), x.dtype))
