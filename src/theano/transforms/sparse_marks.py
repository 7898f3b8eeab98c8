"""sparse_grad: mark `x[rows]` so that its gradient with respect to x may be kept sparse.

Until there are sparse types the gradient of a marked expression is the dense one, with the same values.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Variable
from theano.tensor.advanced_indexing import AdvancedSubtensor1


def sparse_grad(var: Variable) -> Any:
    """`var`, which must be `x[vector of integers]`, marked so that its gradient by x may be sparse.

    Raises TypeError for any other expression.
    """
    node = var.owner
    if node is None or not isinstance(node.op, AdvancedSubtensor1):
        raise TypeError(f"sparse_grad takes an expression x[i] with a vector of integers i; got {var}")
    return AdvancedSubtensor1(sparse_grad=True)(*node.inputs)
