"""The fuzzer is worth something: it notices every planted miscompilation, within a bounded number of graphs."""

from __future__ import annotations

import numpy as np
import pytest
from compare import NotApplied, disagreements
from faults import FAULTS
from graphs import random_graph

GRAPHS = 150


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_noticed(name: str) -> None:
    fault = FAULTS[name]
    applied = 0
    for seed in range(GRAPHS):
        rng = np.random.default_rng(seed)
        try:
            wrong = disagreements(random_graph(seed), mutate=lambda program, rng=rng: fault(program, rng))
        except NotApplied:
            continue
        except (ValueError, IndexError, AssertionError):
            return  # the broken Program does not even run
        applied += 1
        if wrong:
            return
    pytest.fail(f"{name} was planted in {applied} of {GRAPHS} graphs, and nobody noticed")
