"""What `run.py` runs under valgrind."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import theano
import theano.tensor as T

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / folder) for folder in ("contract", "fuzz", "rules", "lowering")]


def prove() -> None:
    """Read far behind an array."""
    x = T.vector()
    f = theano.function([x], T.sum(x * 2))
    f(np.lib.stride_tricks.as_strided(np.ones(4), (4096,)))


def cases(part: int, parts: int) -> None:
    """The contract of ops: every case, dtype and layout, compiled with and without rewriting."""
    from agreement import LAYOUTS, listed, variables
    from every_op import CASES
    from op_case import made

    every = [
        (name, number, each, dtype)
        for name, found in CASES.items() for number, each in enumerate(found) for dtype in each.dtypes
    ]
    for name, number, each, dtype in every[part - 1 :: parts]:
        print(f"case {name}-{number}-{dtype}", file=sys.stderr, flush=True)
        compiled: dict[object, object] = {}
        for specs in each.arguments:
            arrays = [made(spec, dtype, k) for k, spec in enumerate(specs)]
            key = tuple((a.dtype.name, tuple(n == 1 for n in a.shape)) for a in arrays)
            if key not in compiled:
                inputs = variables(arrays)
                compiled[key] = theano.function(inputs, listed(each.build(*inputs)), on_unused_input="ignore")
            for arrange in LAYOUTS.values():
                compiled[key](*[arrange(a) for a in arrays])  # type: ignore[operator]


def graphs(part: int, parts: int, count: int) -> None:
    from compare import disagreements
    from fragments import varied_graph

    for seed in range(part - 1, count, parts):
        print(f"graph {seed}", file=sys.stderr, flush=True)
        assert not disagreements(varied_graph(seed), native=True, rewritten=bool(seed % 2))


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1] == "prove":
        prove()
    else:
        number, parts = map(int, sys.argv[2].split("/"))
        graphs(number, parts, int(sys.argv[3]))
        cases(number, parts)
