"""Duplicate: a copy of a value that no kernel can copy (complex numbers, Python objects)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.graph.op import Op


class Duplicate(Op):
    """A copy of the input, which shares no memory with it. Only Programs use it."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        output_storage[0][0] = x.copy() if hasattr(x, "copy") else copy.deepcopy(x)


duplicate = Duplicate()
