"""Random graphs of complex numbers: as they are, rewritten, and natively; and arithmetic on special values."""

from __future__ import annotations

import pytest
from compare import disagreements
from complex_graphs import complex_graph, special_graph

GRAPHS = 60
SPECIAL = 66
BLOCK = 15


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_complex_graphs_agree(first: int) -> None:
    for seed in range(first, first + BLOCK):
        graph = complex_graph(seed)
        assert not disagreements(graph), f"seed {seed}"
        assert not disagreements(graph, rewritten=True, native=True), f"seed {seed}, rewritten"


def test_special_values() -> None:
    """Of all arithmetic: NaN, infinities, zeros of both signs, overflow."""
    for seed in range(SPECIAL):
        assert not disagreements(special_graph(seed), native=True), f"seed {seed}"
