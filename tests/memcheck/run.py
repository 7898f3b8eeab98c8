"""Native code under valgrind: `python tests/memcheck/run.py` (`make memcheck`) fails if it leaves its arrays once.

It runs every case of the contract of every op, in every layout, and random graphs, natively, in a process under
valgrind's memcheck, which watches each load and store. First it proves that it would notice: an array that claims more
elements than it has memory for must be reported. The name of what runs is printed before it, so that a report can be
placed. Small shapes only; it takes a while. `--part 2/4` runs the second quarter.

valgrind knows no AVX-512, so this is the code for AVX2.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
GRAPHS = 150
REPORTED = 9
VALGRIND = [
    "valgrind", "--tool=memcheck", "--undef-value-errors=no", "--leak-check=no", f"--error-exitcode={REPORTED}",
    "--num-callers=8", f"--suppressions={HERE / 'loader.supp'}", "--quiet",
]  # fmt: skip


def under_valgrind(*arguments: str, reports: int | None = None) -> int:
    environment = {
        **os.environ, "PYTHONMALLOC": "malloc", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [*VALGRIND, sys.executable, str(HERE / "inside.py"), *arguments]
    return subprocess.run(command, env=environment, stderr=reports, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--graphs", type=int, default=GRAPHS)
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed; on Debian: apt-get install valgrind")
        return 2
    if under_valgrind("prove", reports=subprocess.DEVNULL) != REPORTED:
        print("valgrind did not notice code that leaves its array; nothing is proved by what follows")
        return 2
    print("valgrind notices code that leaves its array; now for the code of the library", flush=True)
    status = under_valgrind("cases", given.part, str(given.graphs))
    print("no invalid access" if status == 0 else "INVALID ACCESS, or an error: see above")
    return status


if __name__ == "__main__":
    sys.exit(main())
