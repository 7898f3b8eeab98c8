"""How the benchmarks measure: interleaved rounds, CPU time, medians, ratios within one run."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
ROOT = Path(__file__).resolve().parent.parent


def interleaved(functions: dict[str, Callable[[], object]], seconds: float = 1.5, rounds: int = 15) -> dict[str, float]:
    """Median CPU seconds per call of each function; the functions take turns, `rounds` times.

    A turn repeats its function often enough that the clock's resolution does not matter.
    """
    repeats = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        once = max(time.perf_counter() - start, 1e-8)
        repeats[name] = max(1, int(seconds / rounds / len(functions) / once))
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            count = repeats[name]
            start = time.process_time()
            for _ in range(count):
                function()
            samples[name].append((time.process_time() - start) / count)
    return {name: statistics.median(values) for name, values in samples.items()}


def in_fresh_process(program: str, runs: int = 7) -> float:
    """Median of the number that `program` prints as its last line, over fresh processes that find no code on disk."""
    return statistics.median(_run(program) for _ in range(runs))


def with_and_without_disk(program: str, runs: int = 7) -> tuple[float, float]:
    """The same for processes that make all machine code, and for those that find it on disk, in turns."""
    with tempfile.TemporaryDirectory() as place:
        flags = f"base_compiledir={place}"
        _run(program, flags)
        pairs = [(_run(program), _run(program, flags)) for _ in range(runs)]
    cold, warm = zip(*pairs)
    return statistics.median(cold), statistics.median(warm)


def cpu_of_process(programs: dict[str, str], runs: int = 9) -> dict[str, float]:
    """Median CPU seconds of whole processes running each program, interleaved."""
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(runs + 1):
        for name, program in programs.items():
            before = os.times()
            subprocess.run([sys.executable, "-c", program], check=True, env=_environment())
            after = os.times()
            if turn:  # the first turn warms the file cache
                samples[name].append(
                    after.children_user - before.children_user + after.children_system - before.children_system
                )
    return {name: statistics.median(values) for name, values in samples.items()}


def _run(program: str, flags: str = "cache.enabled=False") -> float:
    environment = {**_environment(), "THEANO_FLAGS": flags}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, env=environment, capture_output=True, text=True
    )
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def _environment() -> dict[str, str]:
    """One thread, this checkout, and byte code kept in files, as for every installed package."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def show(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def write_table(name: str, lines: list[str]) -> None:
    """Put these lines between the marks of this name in benchmarks/README.md."""
    path = ROOT / "benchmarks" / "README.md"
    marked = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", flags=re.S)
    text, count = marked.subn(lambda m: m[1] + "\n".join(lines) + "\n" + m[2], path.read_text())
    if count != 1:
        raise ValueError(f"{path} has {count} places marked {name!r}")
    path.write_text(text)
