"""A graph that fails is made small: what is left is what the failure needs."""

from __future__ import annotations

import numpy as np
import pytest
from compare import NotApplied, disagreements
from faults import FAULTS
from graphs import Graph, random_graph
from shrink import shrunk, written

from theano.graph.traverse import toposort


def fails(graph: Graph, name: str) -> bool:
    rng = np.random.default_rng(0)
    try:
        return bool(disagreements(graph, mutate=lambda program: FAULTS[name](program, rng)))
    except NotApplied:
        return False


@pytest.mark.parametrize("name", ["operands_swapped", "reduction_wrong"])
def test_a_failing_graph_becomes_small(name: str) -> None:
    seed = next(seed for seed in range(150) if fails(random_graph(seed, 15), name))
    found = random_graph(seed, 15)
    small = shrunk(found, lambda graph: fails(graph, name))
    assert fails(small, name)
    assert len(small.outputs) == 1 and len(list(toposort(small.outputs))) <= 4
    assert not small.updates
    text = written(small)
    assert all(str(x) in text for x in small.inputs) and "expected" in text
