"""The memory that a call takes beyond its arguments, beside other systems.

    python benchmarks/peer_memory.py [--torch PYTHON] [--jax PYTHON] [--only PATTERN] [--write]

PYTHON is the interpreter of an environment in which that system is installed. Each figure is from a process of its own
that has called the function with small arrays before (so that code is compiled and libraries are loaded): how far the
process's resident memory rises above what it held before two more calls with the large arrays. Linux only.
`--write` puts the table into benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

OTHERS = ("torch", "jax")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}


def memory(field: str) -> int:
    """Bytes of a field of the process's status: VmRSS, now resident, or VmHWM, the most since it was forgotten."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise OSError(f"no {field} in /proc/self/status")


def conversions(system: str) -> tuple[Any, Any]:
    """(array -> what the system works with, what waits for the system's results)"""
    if system == "torch":
        import torch

        torch.set_num_threads(1)
        return torch.from_numpy, lambda results: None
    if system == "jax":
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        return jnp.asarray, jax.block_until_ready
    return lambda array: array, lambda results: None


def measure_here(name: str, system: str) -> float:
    """Bytes that calls of program `name` take beyond the arguments, in this process."""
    from memory_programs import PROGRAMS

    program = PROGRAMS[name]
    convert, wait = conversions(system)
    function = program.systems[system]()
    small = [convert(array) for array in program.arrays(2)]
    for _ in range(2):
        wait(function(*small))
    large = [convert(array) for array in program.arrays(program.large)]
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    for _ in range(2):
        wait(function(*large))
    return memory("VmHWM") - before


def measured(name: str, system: str, python: str) -> float:
    source = str(Path(__file__).resolve().parent.parent / "src")
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": source if system == "theano" else ""}
    command = [python, __file__, "--here", name, system]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def row(title: str, found: dict[str, float], order: list[str]) -> str:
    ours = found["theano"]
    best = min(figure for label, figure in found.items() if label != "theano")
    ratios = [f"{ours / found[label]:.2f}" if label in found else "–" for label in order]
    return f"| {title} | {ours / 1e6:.0f} MB | {' | '.join(ratios)} | {'yes' if ours <= 1.05 * best else '**no**'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for label in OTHERS:
        parser.add_argument(f"--{label}", metavar="PYTHON")
    parser.add_argument("--only", default="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--here", nargs=2, metavar=("PROGRAM", "SYSTEM"), help="measure one in this process")
    options = parser.parse_args()
    if options.here:
        print(measure_here(*options.here))
        return
    from measure import write_table
    from memory_programs import PROGRAMS

    systems = {"theano": sys.executable, "numpy": sys.executable}
    systems |= {label: path for label in OTHERS if (path := getattr(options, label))}
    order = [label for label in systems if label != "theano"]
    lines = [
        f"Measured on {date.today()}, one thread. Ours: results included; the others' columns are the ratio of "
        "ours to theirs.", "",
        f"| what | ours | {' | '.join(f'÷ {label}' for label in order)} | not above the least |",
        f"|---|---:|{'---:|' * len(order)}---|",
    ]  # fmt: skip
    print("\n".join(lines), flush=True)
    for name, program in PROGRAMS.items():
        if fnmatch.fnmatch(name, options.only):
            found = {s: measured(name, s, python) for s, python in systems.items() if s in program.systems}
            lines.append(row(program.title, found, order))
            print(lines[-1], flush=True)
    if options.write:
        write_table("peer memory", lines)


if __name__ == "__main__":
    main()
