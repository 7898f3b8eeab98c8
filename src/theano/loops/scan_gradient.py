"""The derivative of a Scan: a Scan that goes through the same steps backwards.

At step t the backward loop holds the gradients with respect to the last rows of every state, those with respect to
what is carried, and the sums for what is the same in all steps; it reads the rows that the forward loop wrote. It
traces only the gradients of sequences. Everything that it holds is carried, so that it keeps no history itself; when it
is differentiated again, the values that are then needed are traced by running it once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano.graph.clone import clone_replace
from theano.graph.node import Variable
from theano.graph.traverse import ancestors, toposort
from theano.graph.type import disconnected_type
from theano.loops.lazy_nodes import only_in_branches
from theano.loops.scan_layout import ScanLayout
from theano.scalar.arithmetic import add
from theano.scalar.comparison import ge
from theano.scalar.selection import minimum, switch
from theano.tensor.basic_indexing import IncSubtensor
from theano.tensor.convert import constant
from theano.tensor.elemwise import cast_to
from theano.tensor.joining import join
from theano.tensor.shape import shape_padleft
from theano.tensor.subtensor import set_subtensor
from theano.tensor.type import TensorType, tensor_type
from theano.transforms.reverse import backpropagate
from theano.transforms.terms import (
    filled_like,
    gradient_dtype,
    is_disconnected,
    is_discrete_variable,
    is_undefined,
    is_zero,
    zeros_for,
)


def pull_back(op: Any, inputs: Sequence[Any], outputs: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
    """What `Scan.L_op` returns: one term for each input."""
    return _Backward(op, inputs, outputs, gradients).terms()


class _Backward:
    """The inner graph of the backward loop, and what belongs around it."""

    def __init__(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any], gradients: Sequence[Any]) -> None:
        self.op = op
        self.info: ScanLayout = op.info
        self.inputs = list(inputs)
        self.outer = op.info.outer(inputs)
        self.results = op.info.outputs(outputs)
        self.gradients = op.info.outputs(gradients)
        graph = op.fgraph.clone()
        self.leaves: list[Any] = graph.inputs
        self.inner = op.info.inner(graph.inputs)
        self.computed = op.info.outputs(graph.outputs)
        self.all_computed: list[Any] = graph.outputs
        self.steps: Any = outputs[-1] if op.info.until else inputs[0]
        self.count = self.steps
        if op.truncate_gradient >= 0:
            self.count = minimum(constant(op.truncate_gradient, dtype="int64"), self.steps)
        # the backward loop: (inner variable, outer variable) of what it reads, (variable, new value, first value)
        # of what it holds, and the rows that it traces
        self.rows: dict[Variable, Variable] = {}
        self.held: list[tuple[Variable, Variable, Variable]] = []
        self.traced: list[Variable] = []
        reached = [not is_disconnected(g) for g in gradients]
        self.needed = [any(a and b for a, b in zip(row, reached)) for row in op.connections()]

    def terms(self) -> list[Any]:
        info = self.info
        accumulators = self._gradients_that_flow()
        found = [_term(t) for t in backpropagate(self._seeds(accumulators), self.leaves).values()]
        flowing = dict(zip(self.leaves, found))
        for variable in (*(t for taps in self.inner.taps for t in taps), *self.inner.carried):
            term = flowing[variable]
            if term is not None and is_undefined(term):  # and with it all that went before
                return [disconnected_type(), *(term if n else disconnected_type() for n in self.needed)]
        finals: dict[Any, int] = {}  # key of an input -> position among what is held
        for state, held in accumulators["states"].items():
            terms = dict(zip(info.taps[state], (flowing[t] for t in self.inner.taps[state])))
            row = self.inner.taps[state][0]
            nothing = filled_like(self.outer.initials[state][0], 0)
            last = self._last_row(state)
            for back, variable in enumerate(held, 1):
                parts = [held[back]] if back < len(held) else []
                parts += [terms[-back]] if terms.get(-back) is not None else []
                first = last if last is not None and back == 1 else nothing
                finals[("state", state, back)] = self._hold(variable, parts, first, filled_like(row, 0))
        for number, variable in accumulators["carried"].items():
            parts = [t for t in [flowing[self.inner.carried[number]]] if t is not None]
            first = self._first_gradient(number)
            finals[("carried", number)] = self._hold(
                variable, parts, first, filled_like(self.inner.carried[number], 0)
            )
        for number, variable in enumerate(self.inner.others):
            term = flowing[variable]
            if term is None or is_undefined(term):
                continue
            first = zeros_for(self.outer.others[number])
            held = _like(variable, term)
            parts = [held, term]
            finals[("other", number)] = self._hold(held, parts, first, first)
        traces: dict[int, int] = {}
        for number, variable in enumerate(self.inner.sequences):
            term = flowing[variable]
            if term is not None and not is_undefined(term):
                traces[number] = len(self.traced)
                self.traced.append(term)
        rows, totals = self._run() if finals or traces else ([], [])
        return [disconnected_type(), *self._assembled(rows, totals, traces, finals, found)]

    # -- inside the loop ----------------------------------------------------------------------------------------

    def _gradients_that_flow(self) -> dict[str, dict[int, Any]]:
        """Variables for the gradients held from step to step: for state s those by s[t-1], s[t-2], ...; for what is
        carried the one by its value."""
        first = self.info.sequences
        states = {
            state: [_like(taps[0]) for _ in range(self.info.rows(state))]
            for state, taps in enumerate(self.inner.taps)
            if self.needed[first + state]
        }
        first += self.info.states
        carried = {
            number: _like(variable)
            for number, variable in enumerate(self.inner.carried)
            if self.needed[first + number] and isinstance(variable.type, TensorType)
        }
        return {"states": states, "carried": carried}

    def _seeds(self, accumulators: dict[str, dict[int, Any]]) -> list[tuple[Any, Any]]:
        """[(inner output, its gradient in the present step)]"""
        seeds: list[tuple[Any, Any]] = []
        for number, output in enumerate(self.computed.states):
            if is_discrete_variable(output):
                continue
            parts = []
            if number not in accumulators["states"] or self._last_row(number) is None:
                parts = self._read_gradient(output, self.gradients.states[number])
            if number in accumulators["states"]:
                parts.append(accumulators["states"][number][0])
            if parts:
                seeds.append((output, add(*parts) if len(parts) > 1 else parts[0]))
        for output, gradient in zip(self.computed.traced, self.gradients.traced):
            if not is_discrete_variable(output):
                seeds += [(output, part) for part in self._read_gradient(output, gradient)]
        for number, output in enumerate(self.computed.carried):
            if number in accumulators["carried"] and not is_discrete_variable(output):
                seeds.append((output, accumulators["carried"][number]))
        return seeds

    def _read_gradient(self, output: Any, gradient: Any) -> list[Any]:
        if is_disconnected(gradient):
            return []
        row = _like(output)
        self.rows[row] = gradient
        return [row]

    def _last_row(self, state: int) -> Any:
        """The gradient by the last row of a state, where that by all others is zero; else None."""
        gradient = self.gradients.states[state]
        maker = gradient.owner
        if is_disconnected(gradient) or maker is None or not isinstance(maker.op, IncSubtensor):
            return None
        entries = maker.op.idx_list   # none, where all was read: states[()]
        is_last = bool(entries) and isinstance(entries[0], int) and entries[0] == -1
        return gradient[-1] if is_last and is_zero(maker.inputs[0]) else None

    def _first_gradient(self, number: int) -> Any:
        gradient = self.gradients.carried[number]
        return filled_like(self.outer.carried[number], 0) if is_disconnected(gradient) else gradient

    def _hold(self, variable: Any, parts: Sequence[Any], first: Any, zero: Any) -> int:
        """Carry `variable`: its next value is the sum of `parts`. Its number among all that is held."""
        value = zero if not parts else parts[0] if len(parts) == 1 else _sum(parts)
        self.held.append((variable, _as(variable, value), _as(variable, first)))
        return len(self.held) - 1

    # -- around the loop ----------------------------------------------------------------------------------------

    def _run(self) -> tuple[list[Any], list[Any]]:
        """(traced rows, in the order of the steps backwards; final values of what is held)"""
        inner_outputs = [*self.traced, *(value for _, value, _ in self.held)]
        inner_outputs = self._with_history(inner_outputs)
        used = set(ancestors(inner_outputs))
        for variable, sequence in zip(self.inner.sequences, self.outer.sequences):
            if variable in used:
                self.rows[variable] = sequence[: self.steps] if self.info.until else sequence
        for number, taps in enumerate(self.inner.taps):
            wanted = [(v, tap) for v, tap in zip(taps, self.info.taps[number]) if v in used]
            if wanted:
                initial, rows = self.outer.initials[number], self.info.rows(number)
                history = join(0, initial, self.results.states[number])
                for variable, tap in wanted:
                    self.rows[variable] = history[rows + tap : rows + tap + self.steps]
        sequences = {v: outer for v, outer in self.rows.items() if v in used}
        others = [(v, outer) for v, outer in zip(self.inner.others, self.outer.others) if v in used]
        layout = ScanLayout(sequences=len(sequences), traced=len(self.traced), carried=len(self.held))
        op = type(self.op)(
            [*sequences, *(v for v, _, _ in self.held), *(v for v, _ in others)],
            inner_outputs,
            layout,
            mode=self.op.mode,
            name=f"grad_of_{self.op.name or 'scan_fn'}",
            bar=None if self.op.bar is None else self.op.bar.of_gradient(),
        )
        backwards = [_row_type(v, outer)[::-1] for v, outer in sequences.items()]
        if self.count is not self.steps:
            backwards = [rows[: self.count] for rows in backwards]
        outputs = op(
            self.count, *backwards, *(first for _, _, first in self.held), *(outer for _, outer in others),
            return_list=True,
        )  # fmt: skip
        return outputs[: len(self.traced)], outputs[len(self.traced) :]

    def _with_history(self, outputs: list[Any]) -> list[Any]:
        """`outputs` with rows in place of what the forward loop knows at each step.

        What it traces is read from there. Carried values, what is computed from carried objects that are no tensors,
        and what is expensive to compute again it does not trace: it is run once more, with traces of these too.
        (Rewriting makes one loop of the two.)
        """
        traces = (*self.results.states, *self.results.traced)
        stands: dict[Any, Any] = {}
        for variable, trace in zip((*self.computed.states, *self.computed.traced), traces):
            if variable.owner is not None and variable not in stands:
                stands[variable] = _stand_in(variable)
                self.rows[stands[variable]] = trace
        wanted = self._worth_keeping(outputs, stands)
        stop = [*stands, *wanted]
        opaque = {v for v in self.inner.carried if not isinstance(v.type, TensorType)}
        carried = {v for v in self.inner.carried if v not in opaque}
        for node in toposort(outputs, [*self.leaves, *stop]):
            if not any(v in opaque for v in node.inputs):
                continue
            for output in node.outputs:
                if isinstance(output.type, TensorType):
                    wanted[output] = None
                    stop.append(output)
                else:
                    opaque.add(output)
        for variable in ancestors(outputs, stop):
            if variable in carried:
                wanted[variable] = None
        if wanted:
            more = {v: _stand_in(v) for v in wanted}
            stands.update(more)
            self.rows.update(zip(more.values(), self._traces_of(list(wanted))))
        return list(clone_replace(outputs, stands, strict=False))

    def _worth_keeping(self, outputs: list[Any], traced: Mapping[Any, Any]) -> dict[Any, None]:
        """What the derivative reads of a step, and what takes more than arithmetic on its elements to compute again.

        Without what only a branch needs: if it were kept for each step, it would be computed in each step.
        """
        expensive: set[Any] = set()
        forward = toposort(self.all_computed, self.leaves)
        lazily = set(only_in_branches(self.all_computed, forward, {n for n in forward if n.op.is_lazy}))
        for node in forward:
            if node in lazily:
                continue
            # the steps of an inner loop are what a loop with checkpoints does not keep
            anew = node.op.is_cheap or isinstance(node.op, type(self.op))
            if not anew or any(v in expensive for v in node.inputs):
                expensive.update(v for v in node.outputs if isinstance(v.type, TensorType) and v not in traced)
        steps = set(forward)
        backward = [n for n in toposort(outputs, [*self.leaves, *traced]) if n not in steps]
        read = [v for node in backward for v in node.inputs] + outputs
        return dict.fromkeys(v for v in read if v in expensive)

    def _traces_of(self, wanted: list[Any]) -> list[Any]:
        """Rows of these variables of the forward loop, of which it is run once more."""
        info = self.info
        kept = info.states + info.traced
        layout = ScanLayout(info.sequences, info.taps, info.traced + len(wanted), info.carried, info.until)
        op = type(self.op)(
            self.leaves,
            [*self.all_computed[:kept], *wanted, *self.all_computed[kept:]],
            layout,
            mode=self.op.mode,
            name=self.op.name,
            bar=self.op.bar,
        )
        return list(op(*self.inputs, return_list=True)[kept : kept + len(wanted)])

    def _assembled(
        self, rows: list[Any], totals: list[Any], traces: dict[int, int], finals: dict[Any, int], found: list[Any]
    ) -> list[Any]:
        """One term for each input but n_steps."""
        info = self.info
        terms: list[Any] = []
        for number in range(info.sequences):
            if number in traces:
                terms.append(self._over_sequence(self.outer.sequences[number], rows[traces[number]]))
            else:
                terms.append(self._plain(len(terms), found))
        for state in range(info.states):
            if ("state", state, 1) in finals:
                last = [totals[finals[("state", state, back)]] for back in range(info.rows(state), 0, -1)]
                terms.append(self._before_first(join(0, *(shape_padleft(v) for v in last))))
            else:
                terms.append(self._plain(len(terms), found))
        for number in range(info.carried):
            held = ("carried", number) in finals
            terms.append(self._before_first(totals[finals["carried", number]]) if held else disconnected_type())
        for number in range(len(self.inner.others)):
            held = ("other", number) in finals
            inner_position = info.inner_input_count + number
            term = totals[finals["other", number]] if held else _only_null(found[inner_position])
            terms.append(term)
        return terms

    def _over_sequence(self, sequence: Any, rows: Any) -> Any:
        """Gradients of rows, last step first, as the gradient of the whole sequence."""
        rows = rows[::-1]
        if not self.info.until and self.count is self.steps:
            return rows
        zero: Any = zeros_for(sequence)
        return set_subtensor(zero[self.steps - self.count : self.steps], rows)

    def _before_first(self, gradient: Any) -> Any:
        """The gradient by a value before the first step: zero if the derivative does not go back that far."""
        if self.count is self.steps:
            return gradient
        return switch(ge(self.count, self.steps), gradient, filled_like(gradient, 0))

    def _plain(self, position: int, found: list[Any]) -> Any:
        """The term of an input that has no gradient of its own in the backward loop."""
        if position < self.info.sequences:
            return _only_null(found[position])
        return disconnected_type()


def _term(term: Any) -> Any:
    return None if term is None or is_disconnected(term) else term


def _only_null(term: Any) -> Any:
    return term if term is not None and is_undefined(term) else disconnected_type()


def _like(variable: Any, term: Any = None) -> Any:
    """A variable for a gradient by `variable`."""
    if not isinstance(variable.type, TensorType):
        return term.type()
    made: Any = tensor_type(gradient_dtype(variable), variable.type.shape)()
    if hasattr(variable.tag, "test_value"):
        made.tag.test_value = np.zeros(np.shape(variable.tag.test_value), made.type.dtype)
    return made


def _stand_in(variable: Any) -> Any:
    made: Any = tensor_type(variable.type.dtype, variable.type.shape)()
    if hasattr(variable.tag, "test_value"):
        made.tag.test_value = variable.tag.test_value
    return made


def _sum(parts: Sequence[Any]) -> Any:
    if all(isinstance(part.type, TensorType) for part in parts):
        return add(*parts)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _as(variable: Any, value: Any) -> Any:
    """`value` as the next value of `variable`."""
    if isinstance(variable.type, TensorType) and value.type.dtype != variable.type.dtype:
        value = cast_to(value, variable.type.dtype)
    return value if variable.type.is_super(value.type) else variable.type.filter_variable(value)


def _row_type(row: Any, rows: Any) -> Any:
    """`rows` in the dtype of `row`."""
    return rows if rows.type.dtype == row.type.dtype else cast_to(rows, row.type.dtype)



