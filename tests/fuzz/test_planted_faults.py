"""The fuzzer is worth something: it notices every planted miscompilation, within a bounded number of graphs.

Faults are planted where a compiler goes wrong: in a rewrite rule, in the Program, in the text of machine code, and in
how threads share the work.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import faults
import faults_of_code
import faults_of_rules
import faults_of_threads
import numpy as np
import pytest
from compare import NotApplied, disagreements
from fragments import PIECES, of_declared, varied_graph
from graphs import random_graph
from large import large_graph, several_threads

GRAPHS = 150
LARGE_GRAPHS = 24


def noticed(wrong: Callable[[int], list[str]], graphs: int = GRAPHS) -> bool:
    """Does one of the graphs disagree, or not even run? `wrong` raises NotApplied where there was nothing to break."""
    applied = 0
    for seed in range(graphs):
        try:
            if wrong(seed):
                return True
            applied += 1
        except NotApplied:
            continue
        except (ValueError, IndexError, AssertionError, RuntimeError):
            return True
    assert applied, "nowhere to plant it"
    return False


@pytest.mark.parametrize("name", faults.FAULTS)
def test_fault_in_a_program_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        rng = np.random.default_rng(seed)
        return disagreements(random_graph(seed), mutate=lambda program: faults.FAULTS[name](program, rng))

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_rules.FAULTS)
def test_wrong_rule_is_noticed(name: str) -> None:
    """As a declared rule of the library would be: its own left side is planted in graphs."""
    rule = faults_of_rules.FAULTS[name]
    piece = None if rule.sides is None else of_declared(rule)

    def wrong(seed: int) -> list[str]:
        graph = random_graph(seed, fragment=piece) if piece else varied_graph(seed)
        return disagreements(graph, spoil=lambda fgraph: faults_of_rules.apply_once(fgraph, rule))

    assert noticed(wrong, GRAPHS if piece else 2 * len(PIECES))


@pytest.mark.parametrize("name", faults_of_code.FAULTS)
def test_fault_in_machine_code_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        with faults_of_code.planted(name, np.random.default_rng(seed)) as changed:
            found = disagreements(random_graph(seed), native=True)
        if not changed:
            raise NotApplied
        return found

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_threads.FAULTS)
def test_fault_in_the_work_of_threads_is_noticed(name: str) -> None:
    """Each in graphs of its own: memory that is used again must not hold what a run before has computed rightly."""
    first = zlib.crc32(name.encode()) % 10_000 * LARGE_GRAPHS
    with several_threads(), faults_of_threads.planted(name):
        assert noticed(lambda seed: disagreements(large_graph(first + seed), native=True), LARGE_GRAPHS)
