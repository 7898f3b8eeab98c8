"""Random graphs as the step of a loop: native code, the reference backend and the steps one by one agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compare import difference, tolerance_of
from graphs import Graph, random_graph

import theano
from theano.compile.mode import Mode
from theano.graph.evaluate import evaluate
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan

GRAPHS = 240
BLOCK = 20


class Loop:
    """The graph of a seed as a loop: its updates are states or carried, other inputs are sequences or stay the same."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph: Graph = random_graph(seed, int(self.rng.integers(2, 12)))
        graph, rng = self.graph, self.rng
        self.steps = int(rng.integers(1, 6))
        target = {position: output for output, position in graph.updates.items()}
        self.states = [p for p in target if rng.random() < 0.5]
        self.carried = [p for p in target if p not in self.states]
        rest = [p for p in range(len(graph.inputs)) if p not in target]
        self.sequences = [p for p in rest if rng.random() < 0.5]
        self.others = [p for p in rest if p not in self.sequences]
        self.traced = [n for n in range(len(graph.outputs)) if n not in graph.updates]
        self.order = [*self.sequences, *self.states, *self.carried, *self.others]
        self.results = [*(target[p] for p in self.states), *self.traced, *(target[p] for p in self.carried)]
        layout = ScanLayout(len(self.sequences), ((-1,),) * len(self.states), len(self.traced), len(self.carried))
        self.op = Scan([graph.inputs[p] for p in self.order], [graph.outputs[n] for n in self.results], layout)
        self.rows = {p: self._rows(graph.values[p]) for p in self.sequences}

    def _rows(self, value: np.ndarray) -> np.ndarray:
        """A sequence of numbers of the same kind (positions stay legal), not always contiguous."""
        rows = np.stack([value if value.dtype.kind != "f" else value * (1 + t / 8) for t in range(self.steps)])
        rows = rows.astype(value.dtype)
        return np.repeat(rows, 2, axis=0)[::-2][::-1] if self.rng.random() < 0.3 else rows

    def arguments(self) -> list[np.ndarray]:
        values = self.graph.values
        given = [self.rows[p] for p in self.sequences] + [values[p][None] for p in self.states]
        return given + [values[p] for p in (*self.carried, *self.others)]

    def one_by_one(self) -> list[np.ndarray]:
        now = dict(enumerate(self.graph.values))
        made: list[list[np.ndarray]] = []
        wanted = [self.graph.outputs[n] for n in self.results]
        for t in range(self.steps):
            now.update({p: rows[t] for p, rows in self.rows.items()})
            made.append(evaluate(wanted, {self.graph.inputs[p]: v for p, v in now.items()}))
            last = dict(zip(self.results, made[-1]))
            now.update({p: last[n] for n, p in self.graph.updates.items()})
        kept = len(self.states) + len(self.traced)
        return [np.stack(rows) for rows in list(zip(*made))[:kept]] + list(made[-1][kept:])

    def run(self, mode: Any) -> list[np.ndarray]:
        variables = [theano.tensor.TensorType(v.dtype.name, (None,) * v.ndim)() for v in self.arguments()]
        outputs = self.op(np.int64(self.steps), *self._fitted(variables), return_list=True)
        return theano.function(variables, outputs, mode=mode, on_unused_input="ignore")(*self.arguments())

    def _fitted(self, variables: list[Any]) -> list[Any]:
        """`variables` with the static lengths that the graph's inputs have."""
        fitted = []
        for number, (variable, position) in enumerate(zip(variables, self.order)):
            kind = self.graph.inputs[position].type
            rows = number < len(self.sequences) + len(self.states)
            fitted.append(theano.tensor.specify_shape(variable, [*([None] if rows else []), *kind.shape]))
        return fitted


class LoopInLoop(Loop):
    """The loop is run again and again by another one: from where it ended, or (`others`) from the start."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.again = int(self.rng.integers(1, 4))
        self.counts = [self.steps if n == 0 or self.rng.random() < 0.7 else 0 for n in range(self.again)]
        if 0 in self.counts:  # then rows that each step of the outer loop keeps have several lengths
            self.results = [n for n in self.results if n not in self.traced]
            self.traced = []

    def one_by_one(self) -> list[np.ndarray]:
        start = [v.copy() for v in self.graph.values]
        kept = len(self.states) + len(self.traced)
        made: list[list[np.ndarray]] = []
        for count in self.counts:
            found = super().one_by_one() if count else []
            lasts = [rows[-1] for rows in found[: len(self.states)]] + found[kept:]
            for position, value in zip((*self.states, *self.carried), lasts):
                self.graph.values[position] = value
            now = [self.graph.values[p] for p in (*self.states, *self.carried)]
            made.append([*now[: len(self.states)], *found[len(self.states) : kept], *now[len(self.states) :]])
        self.graph.values[:] = start
        return [np.stack(rows) for rows in zip(*made)]

    def run(self, mode: Any) -> list[np.ndarray]:
        variables = [theano.tensor.TensorType(v.dtype.name, (None,) * v.ndim)() for v in self.arguments()]
        fitted = self._fitted(variables)
        first, last = len(self.sequences), len(self.sequences) + len(self.states) + len(self.carried)
        starts = [v[0] if n < len(self.states) else v for n, v in enumerate(fitted[first:last])]
        steps = theano.tensor.lscalar("steps")
        counts = theano.tensor.lvector("counts")

        def step(count: Any, *state: Any) -> list[Any]:
            rows = [v[:count] for v in fitted[:first]]
            old = [v[None] if n < len(self.states) else v for n, v in enumerate(state[: len(starts)])]
            found = self.op(count, *rows, *old, *fitted[last:], return_list=True)
            made = self.op.info.outputs(found)
            new = [theano.tensor.concatenate([v, w])[-1] for v, w in zip(old, made.states)] + made.carried
            return [*new, *(made.traced if self.traced else [])]

        traces = [None] * len(self.traced)
        found, _ = theano.scan(step, counts, [*starts, *traces], n_steps=steps, return_list=True)
        states, carried, traced = np.split(np.arange(len(found)), [len(self.states), len(starts)])
        outputs = [found[n] for n in (*states, *traced, *carried)]
        function = theano.function([steps, counts, *variables], outputs, mode=mode, on_unused_input="ignore")
        return function(self.again, self.counts, *self.arguments())


def disagreements(seed: int, mode: Any, kind: type[Loop] = Loop) -> list[str]:
    loop = kind(seed)
    if not loop.results:
        return []
    try:
        expected = loop.one_by_one()
    except (IndexError, ValueError):  # a state ran out of the range of positions
        return []
    found = []
    for got, wanted, number in zip(loop.run(mode), expected, loop.results, strict=True):
        output = loop.graph.outputs[number]
        exact = loop.graph.exact[number] and output.type.dtype[0] != "f"
        wrong = difference(f"output {number}", got, wanted, exact, 10 * tolerance_of(output))
        if wrong:
            found.append(wrong)
    return found


@pytest.mark.parametrize("first", range(0, GRAPHS, BLOCK))
def test_native_loops_agree_with_their_steps(first: int) -> None:
    """Without rules that assume more than IEEE arithmetic gives."""
    with theano.change_flags(exact=True):
        for seed in range(first, first + BLOCK):
            assert not disagreements(seed, "FAST_RUN"), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, GRAPHS, 4 * BLOCK))
def test_native_loops_agree_without_rewriting(first: int) -> None:
    mode = Mode("cvm", None)
    with theano.change_flags(mode=mode):  # inner graphs are compiled in the configured mode
        for seed in range(first, first + BLOCK):
            assert not disagreements(seed, mode), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, GRAPHS, 4 * BLOCK))
def test_the_reference_agrees_with_the_steps(first: int) -> None:
    for seed in range(first, first + BLOCK):
        assert not disagreements(seed, "reference"), f"seed {seed}"


@pytest.mark.parametrize("first", range(0, GRAPHS, 2 * BLOCK))
def test_loops_in_loops_agree_with_their_steps(first: int) -> None:
    with theano.change_flags(exact=True):
        for seed in range(first, first + BLOCK):
            assert not disagreements(seed, "FAST_RUN", LoopInLoop), f"seed {seed}"
