"""Random graphs of large arrays: native code gives what the graph does, however many threads share its work."""

from __future__ import annotations

import faults_of_threads
import numpy as np
import pytest
from compare import disagreements, graph_of, program_of, run_native
from large import large_graph, several_threads

GRAPHS = 32
BLOCK = 8


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_several_threads_agree_with_the_graph(first: int) -> None:
    with several_threads():
        for seed in range(first, first + BLOCK):
            graph = large_graph(seed)
            assert not disagreements(graph, native=True), f"seed {seed}"
            assert not disagreements(graph, rewritten=True, native=True), f"seed {seed}, rewritten"


@pytest.mark.parametrize("seed", range(8))
def test_the_number_of_threads_does_not_matter(seed: int) -> None:
    """To the last bit."""
    graph = large_graph(seed)
    graph.updates.clear()
    program, _ = program_of(graph, graph_of(graph, rewritten=True))
    found = []
    for threads in (1, 2, 5):
        with several_threads(threads):
            found.append(run_native(program, graph.values))
    for results in found[1:]:
        for got, wanted in zip(results, found[0], strict=True):
            assert np.asarray(got).tobytes() == np.asarray(wanted).tobytes()


def test_what_was_planted_is_gone_afterwards() -> None:
    graph = large_graph(2)
    with several_threads():
        with faults_of_threads.planted("every part is the first"):
            assert disagreements(graph, native=True)
        assert not disagreements(graph, native=True)
