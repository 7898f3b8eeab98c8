"""How rewriting grows: `python tests/rules/growth.py [kind] [part of a name]`, a minute or two for each kind.

Every rule's examples, many at once: `wide`, side by side; `deep`, each the argument of the next; `sum` and `prod` of
many, and of many with all but one argument in common (`sums`, `prods`). Prints where a pass is stopped or a rule fails,
where twice as many take more than 2.2 times the work, and where a node takes more than a millisecond over all passes.
"""

from __future__ import annotations

import operator
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from test_declared import DECLARED, left_side
from test_functions import EXAMPLES

import theano
from theano.compile.pipeline import rewrite
from theano.graph.clone import clone_replace
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.engine import RewriteBudgetWarning
from theano.scalar.arithmetic import sqr
from theano.scalar.hyperbolic import cosh
from theano.tensor.type import TensorType

Made = tuple[list[Any], list[Any]]
Example = Callable[[], tuple[list[Any], Any]]
MOST_TIMES = 2.2
MOST_SECONDS = 1e-3


def examples() -> Iterator[tuple[str, Example]]:
    kind = TensorType("float64", (None,))
    through: dict[str, Any] = {"": lambda v: v, " of squares": sqr, " of cosh": cosh}
    for rule in DECLARED:
        for name, function in through.items():
            yield rule.name + name, partial(left_side, rule, [kind], function)
    for name, graphs in EXAMPLES.items():
        yield from ((f"{name} {k}", example) for k, example in enumerate(graphs))


def wide(example: Example, n: int, common: bool = False) -> Made:
    inputs, outputs = example()
    all_inputs: dict[Any, None] = {}
    made: list[Any] = []
    for k in range(n):
        new = {v: v if common and v is not inputs[0] else v.type(f"{v.name}{k}") for v in inputs}
        all_inputs.update(dict.fromkeys(new.values()))
        made += clone_replace(outputs if isinstance(outputs, list) else [outputs], new)
    return list(all_inputs), made


def deep(example: Example, n: int) -> Made | None:
    inputs, outputs = example()
    out = outputs[0] if isinstance(outputs, list) else outputs
    at = next((v for v in inputs if v.type == out.type), None)
    if at is None:
        return None
    made = out
    for _ in range(n - 1):
        made = clone_replace(out, {at: made})
    return list(inputs), [made]


def together(op: Callable[[Any, Any], Any], common: bool, example: Example, n: int) -> Made | None:
    inputs, outputs = wide(example, n, common)
    if any(out.type.dtype != "float64" for out in outputs):
        return None
    total = outputs[0]
    for out in outputs[1:]:
        total = op(total, out)
    return inputs, [total]


KINDS: dict[str, Callable[[Example, int], Made | None]] = {
    "wide": wide, "deep": deep,
    "sum": partial(together, operator.add, False), "prod": partial(together, operator.mul, False),
    "sums": partial(together, operator.add, True), "prods": partial(together, operator.mul, True),
}  # fmt: skip


def work(made: Made) -> tuple[int, int, int, float]:
    """(nodes before, nodes looked at, nodes after, seconds of the processor)"""
    fgraph = FunctionGraph(*made)
    before, began = len(fgraph), time.process_time()
    report = rewrite(fgraph)
    return before, sum(p.visits for p in report.passes), len(fgraph), time.process_time() - began


def main(kind: str = "deep", part: str = "") -> None:
    warnings.simplefilter("error", RewriteBudgetWarning)
    theano.config.on_opt_error = "raise"
    for name, example in examples():
        if part not in name:
            continue
        try:
            graphs = [KINDS[kind](example, n) for n in (50, 100)]
        except (TypeError, ValueError):  # a chain of it is no expression
            continue
        if None in graphs:
            continue
        try:
            once, twice = (work(made) for made in graphs if made is not None)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            continue
        each = twice[3] / max(twice[0], 1)
        if any(b > MOST_TIMES * a + 50 for a, b in zip(once[1:3], twice[1:3])) or each > MOST_SECONDS:
            print(f"{name}: {once[0]}, {twice[0]} nodes -> {once[2]}, {twice[2]}; looked at {once[1]}, {twice[1]}; "
                  f"{each * 1e6:.0f} us a node", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
