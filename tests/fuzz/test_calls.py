"""Random graphs as functions that are called several times: see `calls.py`. And every setting of `divided.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calls import wrong_calls
from complex_graphs import complex_graph
from graphs import random_graph
from product_graphs import product_graph
from wide_graphs import wide_graph

from theano.backends.native import target

MAKERS = {"real": random_graph, "complex": complex_graph, "products": product_graph, "wide": wide_graph}


@pytest.mark.parametrize("kind", MAKERS)
def test_calls(kind: str) -> None:
    for seed in range(16):
        assert not wrong_calls(MAKERS[kind](seed), seed), f"seed {seed}"


@pytest.mark.parametrize("setting", ["divided", "narrow", "panels"])
def test_settings(setting: str) -> None:
    """In a process of its own, which has compiled nothing before."""
    script = Path(__file__).parent / "run.py"
    command = [sys.executable, str(script), "--setting", setting, "--graphs", "48", "--jobs", "1"]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    if setting == "panels" and target.host().vector_bytes >= 64:  # where rows have plans
        assert "panels: beside the result: " in found.stdout and "panels: in place: " in found.stdout
