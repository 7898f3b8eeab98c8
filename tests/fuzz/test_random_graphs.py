"""Random graphs: every way to compute them agrees. `run.py` does the same with more of them."""

from __future__ import annotations

import pytest
from compare import disagreements
from gradient_graphs import gradient_graph
from graphs import random_graph

GRAPHS = 300
BLOCK = 25


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_programs_agree_with_their_graphs(first: int) -> None:
    """The Program of a graph, run with real memory, gives the graph's values, fused and not."""
    for seed in range(first, first + BLOCK):
        graph = random_graph(seed)
        assert not disagreements(graph), f"seed {seed}"
        assert not disagreements(graph, fuse=False), f"seed {seed}, nothing fused"


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_rewritten_graphs_agree(first: int) -> None:
    """So does the Program of the rewritten graph (without rules that assume more than IEEE arithmetic gives)."""
    for seed in range(first, first + BLOCK):
        assert not disagreements(random_graph(seed), rewritten=True), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_native_code_agrees(first: int) -> None:
    """So does native code, of the graph as it is and of the rewritten one."""
    for seed in range(first, first + BLOCK):
        graph = random_graph(seed)
        assert not disagreements(graph, native=True), f"seed {seed}"
        assert not disagreements(graph, rewritten=True, native=True), f"seed {seed}, rewritten"


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_graphs_along_rows_agree(first: int) -> None:
    """Partial sums, softmax and its kin, positions: as they are, rewritten, and natively."""
    for seed in range(first, first + BLOCK):
        graph = random_graph(seed, rows=True)
        assert not disagreements(graph), f"seed {seed}"
        assert not disagreements(graph, native=True), f"seed {seed}, native"
        assert not disagreements(graph, rewritten=True, native=True), f"seed {seed}, rewritten"


@pytest.mark.parametrize("first", range(0, GRAPHS // 3, BLOCK))
def test_gradients_agree(first: int) -> None:
    """Those of the graphs that have floats: rewritten by all rules but for those that assume more, and by all."""
    for seed in range(first, first + BLOCK):
        graph = gradient_graph(seed)
        assert not disagreements(graph, rewritten=True), f"seed {seed}"
        assert not disagreements(graph, rewritten=True, assumes=True, native=True), f"seed {seed}, native"
