"""Our figures beside those of other systems, each in an environment of its own, in one run.

    python benchmarks/peers.py [--torch PYTHON] [--jax PYTHON] [--numba PYTHON] [--threads 1] [--only PATTERN] [--write]

PYTHON is the interpreter of an environment in which that system is installed; without one the system is left out.
NumPy and ours run under this interpreter. Results are compared before anything is timed. The systems take turns; a
figure is the median over the turns of the CPU time of a call with one thread, of the wall time with more. `--write`
puts the table into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from measure import ROOT, show, write_table

HERE = Path(__file__).resolve().parent
OTHERS = ("torch", "jax", "numba")
ROUNDS, SECONDS = 15, 0.15   # turns of a system, and how long each is about


class Failed(Exception):
    """A system cannot do a workload, or gives another result."""


class System:
    """A worker process."""

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name = name
        count = str(threads)
        environment = {
            **os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count,
            "PYTHONPATH": str(ROOT / "src") if name == "theano" else "", "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
        }  # fmt: skip
        # one core a thread, so that no system uses more than it is given
        pinned = ["taskset", "-c", ",".join(map(str, sorted(os.sched_getaffinity(0))[-threads:]))]
        self.process = subprocess.Popen(
            [*pinned, python, str(HERE / "peer_worker.py"), name, count],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed("the process ended")
        reply: dict[str, Any] = json.loads(answer)
        if "error" in reply:
            raise Failed(reply["error"])
        return reply

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def results(path: Path) -> list[np.ndarray]:
    with np.load(path) as stored:
        return [stored[name] for name in sorted(stored.files)]


def compare(workload: Any, found: dict[str, list[np.ndarray]]) -> dict[str, str]:
    """{system: what is wrong with its results}"""
    wrong: dict[str, str] = {}
    reference = found.get(workload.REFERENCE)
    if reference is None:
        return wrong
    for name, values in found.items():
        for value, right in zip(values, reference, strict=True):
            error = np.max(np.abs(value - right.astype(value.dtype)), initial=0)
            if value.shape != right.shape or not error <= workload.TOLERANCE * np.max(np.abs(right), initial=1e-30):
                wrong[name] = f"differs from {workload.REFERENCE} by {error:.2g}"
    return wrong


def measure(name: str, case: str, systems: dict[str, str], threads: int) -> tuple[dict[str, float], dict[str, str]]:
    """({system: seconds a call}, {system: why it was not measured})"""
    workload = importlib.import_module(f"workloads.{name}")
    running, failed = {}, {}
    clock = "cpu" if threads == 1 else "wall"
    found: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for label, python in systems.items():
                if not hasattr(workload, label):
                    continue
                system = running[label] = System(label, python, threads)
                path = Path(folder) / f"{label}.npz"
                try:
                    system.ask(do="prepare", workload=name, case=case, save=str(path))
                    found[label] = results(path)
                except Failed as error:
                    failed[label] = str(error)
            failed.update(compare(workload, found))
            good = {label: system for label, system in running.items() if label not in failed}
            for system in good.values():
                system.ask(do="time", calls=5)  # what a process does once, such as making better code, is not a call
            once = {label: system.ask(do="time", calls=3)[clock] / 3 for label, system in good.items()}
            calls = {label: max(1, int(SECONDS / max(t, 1e-7))) for label, t in once.items()}
            samples: dict[str, list[float]] = {label: [] for label in good}
            for _ in range(ROUNDS):
                for label, system in good.items():
                    samples[label].append(system.ask(do="time", calls=calls[label])[clock] / calls[label])
        finally:
            for system in running.values():
                system.close()
    return {label: statistics.median(values) for label, values in samples.items()}, failed


def cases(name: str) -> list[str]:
    """The cases of a workload; "" of one that has none."""
    return getattr(importlib.import_module(f"workloads.{name}"), "CASES", [""])


def row(name: str, case: str, times: dict[str, float], failed: dict[str, str], order: list[str]) -> str:
    """A line of the table: our time, its ratio to each other system's, the bar."""
    workload = importlib.import_module(f"workloads.{name}")
    title = f"{case}, {workload.TITLE}" if case else workload.TITLE
    ours = times.get("theano")
    others = {label: t for label, t in times.items() if label != "theano"}
    cells = [title, "failed: " + failed["theano"] if ours is None else show(ours)]
    for label in order:
        if ours is None or label not in times:
            cells.append(failed.get(label, "–"))
        else:
            cells.append(f"{ours / times[label]:.2f}")
    for label, bar in workload.BARS.items():
        against = min(others.values(), default=None) if label == "best" else others.get(label)
        reached = ours is not None and against is not None and ours <= bar * against
        verdict = "not measured" if against is None else "yes" if reached else "**no**"
        cells += [f"≤ {bar:g} × {'the best' if label == 'best' else label}", verdict]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for label in OTHERS:
        parser.add_argument(f"--{label}", metavar="PYTHON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="*")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    systems = {"numpy": sys.executable, "theano": sys.executable}
    systems |= {label: path for label in OTHERS if (path := getattr(options, label))}
    order = [label for label in systems if label != "theano"]
    lines = [
        f"Measured on {date.today()}, threads: {options.threads}. Ours is the time of a call; the others' columns are "
        "the ratio of ours to theirs.", "",
        f"| what | ours | {' | '.join(f'÷ {label}' for label in order)} | bar | reached |",
        f"|---|---:|{'---:|' * len(order)}---|---|",
    ]  # fmt: skip
    print("\n".join(lines), flush=True)
    for path in sorted((HERE / "workloads").glob("*.py")):
        if path.stem != "__init__" and fnmatch.fnmatch(path.stem, options.only):
            for case in cases(path.stem):
                times, failed = measure(path.stem, case, systems, options.threads)
                lines.append(row(path.stem, case, times, failed, order))
                print(lines[-1], flush=True)
    if options.write:
        write_table(f"peers {options.threads}", lines)


if __name__ == "__main__":
    main()
