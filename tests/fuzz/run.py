"""Compare many random graphs: `python tests/fuzz/run.py --graphs 10000`.

Every other graph has the left side of a rewrite rule planted in it, of each rule in turn. Prints each seed whose
results differ, with the graph made as small as it gets (`--as-found`: not made smaller), and at the end which rules and
forms of Programs were reached. The exit status is 1 if a result differs. `--seed` starts elsewhere, `--only` compares
one way; `--large`: graphs of large arrays, natively in several threads.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# hardly any graph is met twice: code is not kept on disk, neither here nor by the processes to come
os.environ["THEANO_FLAGS"] = ",".join(filter(None, (os.environ.get("THEANO_FLAGS"), "cache.enabled=False")))

from compare import disagreements
from fragments import varied_graph
from graphs import Graph, random_graph
from large import large_graph, several_threads
from reached import Reached
from shrink import shrunk, written

BLOCK = 250
WAYS: dict[str, dict[str, bool]] = {
    "program": {},
    "not fused": {"fuse": False},
    "rewritten": {"rewritten": True},
    "native": {"native": True},
    "native rewritten": {"native": True, "rewritten": True},
    "native, all rules": {"native": True, "rewritten": True, "assumes": True},
}


def wrong_in(graph: Graph, options: dict[str, bool], reached: Reached | None = None) -> str:
    """The first difference, or the error; "" if there is none."""
    try:
        found = disagreements(graph, reached=reached, **options)  # type: ignore[arg-type]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return found[0] if found else ""


def graph_of_seed(seed: int, large: bool) -> Graph:
    if large:
        return large_graph(seed)
    return random_graph(seed, rows=True) if seed % 4 == 2 else varied_graph(seed)


def compared(
    seeds: Sequence[int], ways: dict[str, dict[str, bool]], as_found: bool, large: bool
) -> tuple[int, Reached]:
    """Compare the graphs of these seeds, print what differs, and return how often and what was reached."""
    reached = Reached()
    wrong = 0
    for seed in seeds:
        graph = graph_of_seed(seed, large)
        for name, options in ways.items():
            with several_threads() if large else nullcontext():
                found = wrong_in(graph, options, reached)
            if found:
                wrong += 1
                lines = [f"seed {seed}, {name}: {found[:600]}"]
                if not (as_found or large):
                    lines.append(written(shrunk(graph, lambda g, options=options: bool(wrong_in(g, options)))))
                print("\n".join(lines), flush=True)
    return wrong, reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", choices=list(WAYS))
    parser.add_argument("--as-found", action="store_true")
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    ways = {given.only: WAYS[given.only]} if given.only else WAYS
    if given.large:
        ways = {name: options for name, options in ways.items() if "native" in options}
    last = given.seed + given.graphs
    blocks = [range(first, min(first + BLOCK, last)) for first in range(given.seed, last, BLOCK)]
    reached = Reached()
    wrong = done = 0
    start = time.perf_counter()
    # a fresh process now and then: machine code is never unloaded
    with multiprocessing.get_context("spawn").Pool(given.jobs, maxtasksperchild=8) as pool:
        for found, more in pool.imap(partial(compared, ways=ways, as_found=given.as_found, large=given.large), blocks):
            wrong += found
            reached.add(more)
            done += 1
            if done % 20 == 0:
                print(f"{min(done * BLOCK, given.graphs)} graphs, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"{given.graphs} graphs, {len(ways)} ways each, {wrong} differ, {time.perf_counter() - start:.0f} s")
    print(reached)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
