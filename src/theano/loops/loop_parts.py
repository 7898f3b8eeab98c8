"""LoopParts: a loop taken apart, to be changed and put together again. What rewrites of loops are written with.

The parts are lists that a rewrite edits. `rebuilt` makes a Scan of them, without the inputs that nothing needs any
more, and says what stands for the results of the loop that was taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from theano.graph.clone import clone_replace
from theano.graph.node import Apply, Variable
from theano.graph.traverse import ancestors
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan


@dataclass(eq=False, slots=True)
class Rows:
    """A sequence: `row` in the loop is row t of `rows` outside. Or what is the same in all steps: `row` is `rows`."""

    row: Any
    rows: Any


@dataclass(eq=False, slots=True)
class State:
    """What is fed back and traced.

    taps       {tap: inner variable}
    old, new   the trace outside: of the loop that was taken apart (None if it had none), of the one that is made
    """

    taps: dict[int, Any]
    initial: Any
    result: Any
    old: Any = None
    new: Any = None

    @property
    def depth(self) -> int:
        """How many initial rows there are."""
        return -min(self.taps)

    def variables(self) -> list[Any]:
        return [self.taps[tap] for tap in sorted(self.taps)]


@dataclass(eq=False, slots=True)
class Traced:
    result: Any
    old: Any = None
    new: Any = None


@dataclass(eq=False, slots=True)
class Carried:
    """What is fed back of which only the last value is kept."""

    variable: Any
    start: Any
    result: Any
    old: Any = None
    new: Any = None

    def variables(self) -> list[Any]:
        return [self.variable]


Kept = State | Traced | Carried


class LoopParts:
    """The parts of a Scan node. Its inner graph is copied: `copies` says what became of its variables."""

    def __init__(self, node: Apply) -> None:
        op: Any = node.op
        self.op: Scan = op
        self.node = node
        self.bar = op.bar
        self.graph, self.copies = op.fgraph.clone_get_equiv()
        graph = self.graph
        inner, outer = op.info.inner(graph.inputs), op.info.outer(node.inputs)
        results, traces = op.info.outputs(graph.outputs), op.info.outputs(node.outputs)
        self.n_steps = outer.n_steps
        self.sequences = [Rows(*pair) for pair in zip(inner.sequences, outer.sequences)]
        self.states = [
            State(dict(zip(taps, variables)), initial, result, trace)
            for taps, variables, initial, result, trace in zip(
                op.info.taps, inner.taps, outer.initials, results.states, traces.states
            )
        ]
        self.traced = [Traced(*pair) for pair in zip(results.traced, traces.traced)]
        self.carried = [Carried(*four) for four in zip(inner.carried, outer.carried, results.carried, traces.carried)]
        self.others = [Rows(*pair) for pair in zip(inner.others, outer.others)]
        self.condition: Any = results.last[0] if results.last else None
        self.steps_made: Any = traces.last[0] if traces.last else None

    # -- questions ----------------------------------------------------------------------------------------------

    def kept(self) -> list[Kept]:
        """What the loop gives, in the order of its results."""
        return [*self.states, *self.traced, *self.carried]

    def results(self) -> list[Any]:
        """All that a step computes."""
        found = [part.result for part in self.kept()]
        return found if self.condition is None else [*found, self.condition]

    def changing(self) -> set[Any]:
        """The inner variables that depend on earlier steps."""
        taps = {variable for state in self.states for variable in state.taps.values()}
        return taps | {part.variable for part in self.carried}

    def leaves(self) -> dict[Any, Rows]:
        """{inner variable: the sequence or other input that it stands for}"""
        return {part.row: part for part in (*self.sequences, *self.others)}

    def same(self, variables: Sequence[Any]) -> list[Any]:
        """Inner expressions of what is the same in all steps, as expressions outside the loop."""
        return list(clone_replace(variables, {part.row: part.rows for part in self.others}, strict=False))

    # -- changes ------------------------------------------------------------------------------------------------

    def replace(self, replacements: Mapping[Any, Any]) -> None:
        """Put other inner variables in the place of some."""
        found = iter(clone_replace(self.results(), dict(replacements), strict=False))
        for part in self.kept():
            part.result = next(found)
        if self.condition is not None:
            self.condition = next(found)

    def take_out(self, variable: Any, rows: Any, in_all_steps: bool) -> None:
        """Read an inner variable from outside: from the rows of a sequence, or from what is the same in all steps."""
        row = variable.type(variable.name)
        kind = variable.type if in_all_steps else variable.type.clone(shape=(None, *variable.type.shape))
        (self.others if in_all_steps else self.sequences).append(Rows(row, kind.filter_variable(rows)))
        self.replace({variable: row})

    def rebuilt(self) -> dict[Variable, Variable]:
        """{result of the old loop: result of a new one that has these parts}"""
        needed = set(ancestors(self.results()))
        sequences = _once(part for part in self.sequences if part.row in needed)
        others = _once(part for part in self.others if part.row in needed)
        self.replace({**sequences.doubles, **others.doubles})
        layout = ScanLayout(
            len(sequences.parts), tuple(tuple(sorted(state.taps)) for state in self.states), len(self.traced),
            len(self.carried), self.condition is not None,
        )  # fmt: skip
        inner = [
            *(part.row for part in sequences.parts),
            *(state.taps[tap] for state in self.states for tap in sorted(state.taps)),
            *(part.variable for part in self.carried), *(part.row for part in others.parts),
        ]  # fmt: skip
        outer = [
            *(part.rows for part in sequences.parts), *(state.initial for state in self.states),
            *(part.start for part in self.carried), *(part.rows for part in others.parts),
        ]  # fmt: skip
        op = Scan(
            inner, self.results(), layout, mode=self.op.mode, truncate_gradient=self.op.truncate_gradient,
            name=self.op.name, profile=self.op.profile, allow_gc=self.op.allow_gc, bar=self.bar,
        )  # fmt: skip
        new = layout.outputs(op.make_node(self.n_steps, *outer).outputs)
        replaced = dict(zip([self.steps_made], new.last)) if self.condition is not None else {}
        for part, value in zip(self.kept(), (*new.states, *new.traced, *new.carried)):
            part.new = value
            if part.old is not None:
                replaced[part.old] = value
        return replaced


@dataclass(slots=True)
class _Once:
    parts: list[Rows]
    doubles: dict[Any, Any]


def _once(parts: Iterable[Rows]) -> _Once:
    """The parts with different outer variables, and what stands for the inner variables of the others."""
    first: dict[tuple[Any, Any], Rows] = {}
    doubles: dict[Any, Any] = {}
    for part in parts:
        known = first.setdefault((part.rows, part.row.type), part)
        if known is not part:
            doubles[part.row] = known.row
    return _Once(list(first.values()), doubles)
