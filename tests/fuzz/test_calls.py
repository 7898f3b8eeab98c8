"""Random graphs as functions that are called several times: see `calls.py`. And every setting of `divided.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calls import wrong_calls
from complex_graphs import complex_graph
from graphs import Graph, random_graph
from product_graphs import product_graph
from wide_graphs import wide_graph

import theano
import theano.tensor as T
from theano.backends.native import target
from theano.graph.evaluate import evaluate

MAKERS = {"real": random_graph, "complex": complex_graph, "products": product_graph, "wide": wide_graph}


@pytest.mark.parametrize("kind", MAKERS)
def test_calls(kind: str) -> None:
    for seed in range(16):
        assert not wrong_calls(MAKERS[kind](seed), seed), f"seed {seed}"


@pytest.mark.parametrize("setting", ["divided", "narrow", "panels"])
def test_settings(setting: str) -> None:
    """In a process of its own, which has compiled nothing before; in four threads, whatever the environment says."""
    script = Path(__file__).parent / "run.py"
    command = [sys.executable, str(script), "--setting", setting, "--graphs", "48", "--jobs", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    if setting == "panels" and target.host().vector_bytes >= 64:  # where rows have plans
        for done in ("beside the result", "in place", "behind others' rows"):
            assert f"panels: {done}: " in found.stdout


def test_wrong_results_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rounding leaves open is no more than that: of integers, floats and complex numbers."""
    compiled = theano.function

    def off_by_one(*args: Any, **kwargs: Any) -> Any:
        function = compiled(*args, **kwargs)
        return lambda *values: [result + np.asarray(wrong, result.dtype) for result in function(*values)]

    monkeypatch.setattr(theano, "function", off_by_one)
    x = T.dvector("x")
    values = np.array([1.5, 2.25, 4.0])
    for out in (T.exp(x), (4 * x + x) // x, T.cast(x, "int64"), T.exp(x).sum(), T.exp(T.cast(x, "complex128"))):
        graph = Graph([x], [values], [out], list(evaluate([out], {x: values})), [False])
        wrong = 0
        assert not wrong_calls(graph, 0)
        wrong = 1
        assert any("as they are" in line for line in wrong_calls(graph, 0))


def test_what_is_stored_may_have_been_rounded() -> None:
    """Found by the fuzzer: the quotient 5 * x / x, rounded down, of what a call before had stored."""
    s, x = T.dmatrix("s"), T.dvector("x")
    total = T.dot(s, T.exp(x))
    start = np.linspace(0.5, 1.5, 1600).reshape(40, 40)
    graph = Graph([s, x], [start, np.linspace(0.1, 0.9, 40)], [T.exp(x) * s, (4 * total + total) // total], [], [])
    graph.exact = [True, True]
    graph.updates = {0: 0}
    graph.expected = evaluate(graph.outputs, dict(zip(graph.inputs, graph.values)))
    assert not wrong_calls(graph, 0)
