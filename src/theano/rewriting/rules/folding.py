"""Evaluate at compile time what depends on constants only."""

from __future__ import annotations

from typing import Any

from theano.graph.evaluate import perform
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.tensor.type import TensorType

LARGEST = 1 << 20   # elements of a folded result
LARGEST_GROWTH = 8  # times the elements of the constants that it replaces


@function_rule(Op, name="fold_constants", tags="fast_compile constant_folding", needs=[Constant])
def fold_constants(node: Apply, site: Site) -> Any:
    """op(constants) -> constant"""
    inputs = node.inputs
    for x in inputs:
        if not isinstance(x, Constant):
            return None
    op = node.op
    if op.destroy_map or not op.do_constant_folding(node):
        return None
    for out in node.outputs:
        if not isinstance(out.type, TensorType):
            return None
    given = 0
    for x in inputs:
        given += getattr(x.data, "size", 1)  # type: ignore[attr-defined]
    expected = 0
    for out in node.outputs:
        size = 1
        for n in out.type.shape:  # type: ignore[attr-defined]
            size *= n or 1
        expected += size
    if expected > LARGEST:
        return None
    try:
        values = perform(node, [x.data for x in inputs])  # type: ignore[attr-defined]
    except Exception:
        return None
    if sum(v.size for v in values) > max(64, LARGEST_GROWTH * given):
        return None
    return [out.type.make_constant(v.copy()) for out, v in zip(node.outputs, values)]


FOLDING = ruleset(fold_constants)
