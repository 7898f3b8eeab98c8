"""Every rewrite rule, in a random graph in which it applies: the rewritten graph and its native code agree."""

from __future__ import annotations

import zlib

import pytest
from compare import disagreements
from fragments import FRAGMENTS
from graphs import random_graph
from reached import RULES, Reached

OPS = 8


def test_every_rule_has_a_fragment() -> None:
    assert set(FRAGMENTS) == RULES


@pytest.mark.parametrize("name", FRAGMENTS)
def test_rule_among_others(name: str) -> None:
    """Each fragment once; then more graphs with and without, until the rule has fired: one that never does is dead."""
    first = zlib.crc32(name.encode()) % 10_000
    reached = Reached()
    for number, fragment in enumerate(FRAGMENTS[name]):
        graph = random_graph(first + number, OPS, fragment)
        wrong = disagreements(graph, rewritten=True, assumes=True, native=True, reached=reached)
        assert not wrong, f"fragment {number}, seed {first + number}"
    for seed in range(first, first + 100):
        if name in reached.rules:
            return
        graph = random_graph(seed, OPS, FRAGMENTS[name][seed % len(FRAGMENTS[name])] if seed % 2 else None)
        assert not disagreements(graph, rewritten=True, assumes=True, native=True, reached=reached), f"seed {seed}"
    pytest.fail(f"The rule {name} fires in no graph: another one comes first, always?")
