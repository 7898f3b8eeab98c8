"""An expression of one row, made one of all rows at once: what a loop computes step by step, in one go.

An inner variable is either a row, and stands for an array with one more axis in front, or the same for all rows. Only
ops of which it is known how they go over rows can be taken: elementwise ones, dimshuffle, reductions, products with
what is the same for all rows, and the sums of products of two rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theano.graph.node import Apply, Constant
from theano.graph.traverse import toposort
from theano.loops.loop_parts import LoopParts
from theano.rewriting.rules.reductions import axes_of, with_axes
from theano.tensor.careduce import CAReduce
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.products import Dot
from theano.tensor.shape_ops import shape_i_op


class OverRows:
    """Makes expressions of all rows.

    rows     {inner variable: its rows outside}
    same     {inner variable: what it is outside, in all steps}
    """

    def __init__(self, rows: Mapping[Any, Any], same: Mapping[Any, Any]) -> None:
        self.rows: dict[Any, Any] = dict(rows)
        self.same: dict[Any, Any] = dict(same)

    @classmethod
    def of_loop(cls, parts: LoopParts) -> OverRows:
        """What is known of a loop: its sequences, and what is the same in all steps."""
        return cls(
            {part.row: part.rows for part in parts.sequences}, {part.row: part.rows for part in parts.others}
        )

    def known(self, variable: Any) -> bool:
        return variable in self.rows or variable in self.same or isinstance(variable, Constant)

    def can(self, node: Apply) -> bool:
        """Can the results of this node be had for all rows at once, if its inputs can?"""
        if not all(self.known(v) for v in node.inputs):
            return False
        if not any(v in self.rows for v in node.inputs):
            return node.op.is_total
        if isinstance(node.op, (Elemwise, DimShuffle)):
            return True
        if isinstance(node.op, CAReduce):
            return len(node.outputs) == 1 and hasattr(node.op, "axis")
        if isinstance(node.op, Dot):
            x, y = node.inputs
            both = x in self.rows and y in self.rows
            return not both or x.type.ndim == y.type.ndim == 1  # type: ignore[attr-defined]
        return False

    def take(self, node: Apply) -> None:
        """Make its results for all rows (see `can`)."""
        if not any(v in self.rows for v in node.inputs):
            new = node.clone_with_new_inputs([self.same.get(v, v) for v in node.inputs], strict=False)
            self.same.update(zip(node.outputs, new.outputs))
        elif isinstance(node.op, Elemwise):
            self.rows.update(zip(node.outputs, node.op.make_node(*map(self._with_axis, node.inputs)).outputs))
        else:
            (out,) = node.outputs
            self.rows[out] = self._dot(*node.inputs) if isinstance(node.op, Dot) else self._moved(node)

    def take_all(self, variables: Any) -> bool:
        """Make these variables, with all that they need, or say that it cannot be done."""
        stop = [*self.rows, *self.same]
        for node in toposort(variables, stop):
            if not all(self.known(v) for v in node.outputs):
                if not self.can(node):
                    return False
                self.take(node)
        return True

    # -- op by op -----------------------------------------------------------------------------------------------

    def _with_axis(self, variable: Any) -> Any:
        """For all rows, with an axis of length one in front if it is the same for all."""
        if variable in self.rows:
            return self.rows[variable]
        return dimshuffle(self.same.get(variable, variable), ["x", *range(variable.type.ndim)])

    def _moved(self, node: Apply) -> Any:
        (x,) = node.inputs
        rows, op = self.rows[x], node.op
        if isinstance(op, DimShuffle):
            return dimshuffle(rows, [0, *(axis + 1 if isinstance(axis, int) else axis for axis in op.new_order)])
        return with_axes(op, [axis + 1 for axis in axes_of(node)])(rows)

    def _dot(self, x: Any, y: Any) -> Any:
        if x in self.rows and y in self.rows:
            return (self.rows[x] * self.rows[y]).sum(axis=1, dtype=x.type.dtype)
        if x in self.rows:
            return flat_product(self.rows[x], self.same.get(y, y))
        rows, matrix = self.rows[y], self.same.get(x, x)
        if rows.type.ndim == 2:
            return Dot()(rows, matrix.T if matrix.type.ndim == 2 else matrix)
        # m . rows[t] = (rows[t].T . m.T).T
        turned = dimshuffle(rows, [0, 2, 1])
        product = flat_product(turned, matrix.T if matrix.type.ndim == 2 else matrix)
        return dimshuffle(product, [0, 2, 1]) if matrix.type.ndim == 2 else product


def flat_product(rows: Any, y: Any) -> Any:
    """rows[t] . y for all t as one product: the rows of matrices are put below each other."""
    if rows.type.ndim == 2:
        return Dot()(rows, y)
    lengths = [shape_i_op(axis)(rows) for axis in (0, 1)]
    flat = rows.reshape((lengths[0] * lengths[1], shape_i_op(2)(rows)), ndim=2)
    product = Dot()(flat, y)
    if y.type.ndim == 1:
        return product.reshape(lengths, ndim=2)
    return product.reshape((*lengths, shape_i_op(1)(y)), ndim=3)
