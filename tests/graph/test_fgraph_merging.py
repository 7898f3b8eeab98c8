"""Merging of equal nodes while variables are replaced."""

from __future__ import annotations

import theano.tensor as T
from theano.graph.fgraph import FunctionGraph


def test_nodes_that_become_equal_by_steps_are_merged_once() -> None:
    """f(b, b) passes through f(x, b), which is there already and itself becomes f(x, x)."""
    x = T.dvector("x")
    b = T.exp(x)
    fgraph = FunctionGraph([x], [T.dot(b, b), T.dot(x, b), T.dot(b, x)])
    inner = fgraph.inputs[0]
    fgraph.replace(fgraph.outputs[0].owner.inputs[0], inner)
    fgraph.check_integrity()
    assert len(fgraph.apply_nodes) == 1
    assert len(set(fgraph.outputs)) == 1
