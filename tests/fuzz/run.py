"""Compare many random graphs: `python tests/fuzz/run.py --graphs 10000`.

Prints each seed whose results differ; the exit status is 1 if there is one. `--seed` starts elsewhere, `--only` takes
one of program, rewritten, native.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from compare import disagreements
from graphs import random_graph

WAYS = {
    "program": {},
    "not fused": {"fuse": False},
    "rewritten": {"rewritten": True},
    "native": {"native": True},
    "native rewritten": {"native": True, "rewritten": True},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(WAYS))
    given = parser.parse_args()
    ways = {given.only: WAYS[given.only]} if given.only else WAYS
    wrong = 0
    start = time.perf_counter()
    for seed in range(given.seed, given.seed + given.graphs):
        graph = random_graph(seed)
        for name, options in ways.items():
            try:
                found = disagreements(graph, **options)  # type: ignore[arg-type]
            except Exception as error:
                found = [f"{type(error).__name__}: {error}"]
            if found:
                wrong += 1
                print(f"seed {seed}, {name}: {found[0][:600]}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{given.graphs} graphs, {len(ways)} ways each, {wrong} differ, {seconds:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
