"""Nothing that is passed to a function may bring the process down: extreme cases, run in a process of their own."""

import os
import subprocess
import sys

import pytest

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "survival_cases.py")


@pytest.fixture(scope="module", params=["FAST_RUN", "FAST_COMPILE", "reference"])
def outcome(request):
    """What the cases printed, and how their process ended, in one mode."""
    pytest.importorskip("resource")
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, CASES, request.param], capture_output=True, text=True, timeout=280, env=environment,
        check=False
    )
    return done


def test_every_case_passes(outcome):
    lines = outcome.stdout.splitlines()
    begun = [line.split()[1] for line in lines if line.startswith("begin ")]
    ended = [line.split()[1] for line in lines if line.startswith(("passed ", "failed "))]
    last = begun[-1] if begun else "importing"
    assert outcome.returncode == 0, f"{last} ended the process ({outcome.returncode}):\n{outcome.stderr[-3000:]}"
    assert begun == ended and len(begun) >= 19
    assert [line for line in lines if line.startswith("failed ")] == []
