"""Compare many random graphs: `python tests/fuzz/run.py --graphs 10000`.

Every other graph has the left side of a rewrite rule planted in it, of each rule in turn. Prints each seed whose
results differ, with the graph made as small as it gets (`--as-found`: not made smaller), and at the end which rules and
forms of Programs were reached, and which ops. The exit status is 1 if a result differs. `--seed` starts elsewhere,
`--only` compares one way; `--large`: graphs of large arrays, natively in several threads; `--setting`: all in one of
the settings of `divided.py`, in which otherwise only every twentieth graph is run once more (in the setting "panels"
graphs are of `panel_graphs.py`).
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

from calls import wrong_calls
from compare import disagreements
from complex_graphs import complex_graph, special_graph
from divided import SETTINGS
from fragments import OF_COMPLEX, varied_graph
from gradient_graphs import gradient_graph
from graphs import Graph, random_graph
from large import large_graph, several_threads
from panel_graphs import panel_graph
from product_graphs import product_graph
from reached import Reached
from row_graphs import row_graph
from shrink import shrunk, written
from wide_graphs import all_ops, wide_graph

BLOCK = 250
WAYS: dict[str, dict[str, bool]] = {
    "program": {},
    "not fused": {"fuse": False},
    "rewritten": {"rewritten": True},
    "native": {"native": True},
    "native rewritten": {"native": True, "rewritten": True},
    "native, all rules": {"native": True, "rewritten": True, "assumes": True},
    "calls": {},
}
ONCE_MORE = 20  # of every so many graphs one is run once more in each of the other settings (`divided.py`)
CALLED = 3  # every so many graphs are called as functions


def wrong_in(graph: Graph, seed: int, way: str, reached: Reached | None = None) -> str:
    """The first difference, or the error; "" if there is none."""
    try:
        if way == "calls":
            found = wrong_calls(graph, seed) if seed % CALLED == 0 else []
        else:
            found = disagreements(graph, reached=reached, **WAYS[way])  # type: ignore[arg-type]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return found[0] if found else ""


def graph_of_seed(seed: int, kind_of_all: str = "") -> Graph:
    """Half of the graphs have a piece planted in them in which a rule applies; the others are of several kinds.

    kind_of_all    "large" or "panels": all are of this kind
    """
    if kind_of_all:
        return large_graph(seed) if kind_of_all == "large" else panel_graph(seed)
    if seed % 2:
        return varied_graph(seed)
    if seed % 8 == 2:
        return random_graph(seed, rows=True)
    if seed % 8 == 6:
        return gradient_graph(seed // 8)
    number, kind = divmod(seed, 16)
    if kind == 0:
        return wide_graph(seed, case=number if number % 4 else None)
    if kind == 4:
        return complex_graph(seed)
    if kind == 8:
        return [product_graph, random_graph, row_graph, panel_graph][number % 4](seed)
    if number % 2:
        return complex_graph(seed, fragment=OF_COMPLEX[number // 2 % len(OF_COMPLEX)])
    return special_graph(seed)


def compared(
    seeds: Sequence[int], ways: Sequence[str], as_found: bool, kind: str
) -> tuple[int, Reached]:
    """Compare the graphs of these seeds, print what differs, and return how often and what was reached."""
    reached = Reached()
    wrong = 0
    for seed in seeds:
        try:
            graph = graph_of_seed(seed, kind)
        except Exception as error:
            wrong += 1
            print(f"seed {seed}, not made: {type(error).__name__}: {error}", flush=True)
            continue
        for name in ways:
            with several_threads() if kind == "large" else nullcontext():
                found = wrong_in(graph, seed, name, reached)
            if found:
                wrong += 1
                lines = [f"seed {seed}, {name}: {found[:600]}"]
                if not (as_found or kind == "large"):
                    lines.append(written(shrunk(graph, lambda g, at=(seed, name): bool(wrong_in(g, *at)))))
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
    parser.add_argument("--setting", choices=list(SETTINGS))
    given = parser.parse_args()
    names = [given.only] if given.only else list(WAYS)
    some = given.graphs // ONCE_MORE
    parts = {"as it is": given.graphs, "divided": some, "narrow": some, "panels": some}
    if given.setting or given.large or given.only:
        parts = {given.setting or "as it is": given.graphs}
    reached = Reached()
    wrong = 0
    start = time.perf_counter()
    for setting, graphs in parts.items():
        plain = setting == "as it is" and not given.large
        ways = [name for name in names if plain or "native" in WAYS[name] or (setting, name) == ("panels", "calls")]
        blocks = [range(k, min(k + BLOCK, given.seed + graphs)) for k in range(given.seed, given.seed + graphs, BLOCK)]
        kind = "large" if given.large else "panels" if setting == "panels" else ""
        compare = partial(compared, ways=ways, as_found=given.as_found, kind=kind)
        # a fresh process now and then: machine code is never unloaded
        context = multiprocessing.get_context("spawn")
        with context.Pool(given.jobs, SETTINGS[setting], maxtasksperchild=8) as pool:
            for done, (found, more) in enumerate(pool.imap(compare, blocks), 1):
                wrong += found
                reached.add(more)
                if done % 20 == 0:
                    print(f"{done * BLOCK} graphs, {time.perf_counter() - start:.0f} s", flush=True)
        if setting == "panels":
            print(", ".join(f"{form}: {n}" for form, n in sorted(reached.forms.items()) if form.startswith("panels")))
        title = f"{graphs} graphs, {setting}, {len(ways)} ways each"
        print(f"{title}, {wrong} differ so far, {time.perf_counter() - start:.0f} s", flush=True)
    if not given.setting:
        print(reached.report(all_ops()))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
