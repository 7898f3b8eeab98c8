"""The meaning of a Scan: its steps, one after the other, with NumPy arrays; and reports of steps that fail."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.evaluate import evaluate
from theano.graph.node import Apply, Variable
from theano.loops.inner_errors import explained
from theano.loops.progress import UNKNOWN, Watch
from theano.tensor.basic_indexing import Subtensor
from theano.tensor.random_state import copied_state, is_random_state

_FIRST_ROOM = 16  # rows allocated for a trace of a loop that may end early


class Trace:
    """The rows of one result. Memory for all of them is allocated at once, or doubled for loops that may end early."""

    def __init__(self, what: str, dtype: str, limit: int, grows: bool) -> None:
        self.what = what
        self.dtype = dtype
        self.limit = limit
        self.grows = grows
        self.array: np.ndarray | None = None

    def put(self, step: int, row: Any) -> None:
        array = self.array
        if array is None:
            room = min(self.limit, _FIRST_ROOM) if self.grows else self.limit
            array = self.array = np.empty((room, *row.shape), self.dtype)
        if row.shape != array.shape[1:]:
            raise ValueError(
                f"{self.what} has the shape {row.shape}, and had {array.shape[1:]} before. "
                f"The shape of a result must not change from step to step."
            )
        if step == len(array):
            larger = np.empty((min(self.limit, 2 * step), *row.shape), self.dtype)
            larger[:step] = array
            array = self.array = larger
        array[step] = row

    def rows(self, count: int) -> np.ndarray | None:
        if self.array is None or len(self.array) == count:
            return self.array
        return self.array[:count].copy()


def run_steps(
    op: Any, node: Apply, inputs: Sequence[Any], run: Callable[..., list[Any]] | None = None
) -> list[Any]:
    """The values of all outputs of the Scan `node`. `run` runs the inner graph; by default the op's own function."""
    info, outer = op.info, op.outer(inputs)
    n_steps = int(outer.n_steps)
    _check(op, node, n_steps, outer)
    outputs = info.outputs(op.fgraph.outputs)
    traces = [
        Trace(f"{kind} {number} of {op}", variable.type.dtype, n_steps, info.until)
        for kind, group in (("state", outputs.states), ("result", outputs.traced))
        for number, variable in enumerate(group)
    ]
    windows = [[initial[k, ...] for k in range(len(initial))] for initial in outer.initials]
    carried = list(outer.carried)
    if run is None and n_steps > 0:
        run = op.function.runner()
    kept = info.states + info.traced
    last = kept + info.carried
    watch = None if op.bar is None else Watch(op.bar, UNKNOWN if info.until else n_steps)
    step = 0
    while step < n_steps:
        values = [sequence[step, ...] for sequence in outer.sequences]
        for window, taps in zip(windows, info.taps):
            values += [window[tap] for tap in taps]
        values += carried
        values += outer.others
        try:
            assert run is not None
            results = run(*values)
            for number, window in enumerate(windows):
                row = results[number]
                if row.shape != window[0].shape:
                    raise ValueError(
                        f"The new value of state {number} of {op} has the shape {row.shape}, its initial value "
                        f"{window[0].shape}. They must agree: start with a value of the shape that a step computes."
                    )
                if len(window) == 1:
                    window[0] = row
                else:
                    window.append(row)
                    del window[0]
            for trace, row in zip(traces, results):
                trace.put(step, row)
        except Exception as error:
            if watch is not None:
                watch.fail()
            raise step_error(op, error, step, n_steps, values) from None
        carried = list(results[kept:last])
        step += 1
        if info.until and results[last]:
            break
        if watch is not None:
            watch.look(step)
    if watch is not None:
        watch.end(step)
    found: list[Any] = [trace.rows(step) for trace in traces]
    if step == 0:
        found = _empty(op, outer, windows, carried)
    found += [_own(value) for value in carried]
    if info.until:
        found.append(np.asarray(step, dtype="int64"))
    return found


def _check(op: Any, node: Apply, n_steps: int, outer: Any) -> None:
    if n_steps < 0:
        raise ValueError(f"{op}: the number of steps must not be negative, got {n_steps}")
    names = op.info.outer(node.inputs).sequences
    for number, (sequence, variable) in enumerate(zip(outer.sequences, names)):
        if sequence.shape[0] != n_steps:
            raise ValueError(
                f"{op}: sequence {number} ({_written(variable)}) has {sequence.shape[0]} rows for {n_steps} steps. "
                f"{_remedy(sequence.shape[0], n_steps)}"
            )
    for number, (initial, taps) in enumerate(zip(outer.initials, op.info.taps)):
        if initial.shape[0] != -min(taps):
            raise ValueError(
                f"{op}: the initial value of state {number} has {initial.shape[0]} rows, the taps {list(taps)} need "
                f"{-min(taps)}."
            )


def _remedy(rows: int, n_steps: int) -> str:
    """`scan` cuts sequences to the number of steps, but not what arithmetic was done on outside that a rule has moved
    in (`rows_made_in_loop`): operands of other lengths meet here."""
    if rows > n_steps:
        return "What is computed from it and from rows of the other sequences needs as many of each."
    if rows == 1:
        return (
            "Give longer sequences, or fewer n_steps. Only axes known to have length 1 broadcast: declare one as row, "
            "col or shape=(1, ...), or call addbroadcast(x, axis)."
        )
    return "Give longer sequences, or fewer n_steps."


def _written(variable: Any) -> str:
    """The name that a user knows: of a sequence that was cut to the number of steps, what was cut."""
    node = variable.owner
    cut = variable.name is None and node is not None and isinstance(node.op, Subtensor)
    return str(node.inputs[0] if cut else variable)


def _own(value: Any) -> Any:
    """`value` in memory that no input shares."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    return copied_state(value) if is_random_state(value) else copy.deepcopy(value)


def _empty(op: Any, outer: Any, windows: list[list[Any]], carried: list[Any]) -> list[Any]:
    """Traces without rows. The lengths of the rows follow from the inputs; where they do not, they are zero."""
    info = op.info
    outputs = info.outputs(op.fgraph.outputs)
    found: list[Any] = [
        np.empty((0, *window[0].shape), v.type.dtype) for window, v in zip(windows, outputs.states)
    ]
    if not info.traced:
        return found
    values = [np.zeros(s.shape[1:], s.dtype) for s in outer.sequences]
    for window, taps in zip(windows, info.taps):
        values += [window[tap] for tap in taps]
    values = [*values, *carried, *outer.others]
    known = dict(zip(op.fgraph.inputs, values))
    shapes = info.outputs(op.row_shapes()).traced
    for variable, shape in zip(outputs.traced, shapes):
        symbolic = [n for n in shape if isinstance(n, Variable)]
        try:
            lengths = iter(evaluate(symbolic, known))
            row = [int(next(lengths)) if isinstance(n, Variable) else int(n) for n in shape]
        except Exception:
            # what no step computed may be impossible to compute (an index into nothing): no row, no lengths
            row = [0 if n is None else n for n in variable.type.shape]
        found.append(np.empty((0, *(max(n, 0) for n in row)), variable.type.dtype))
    return found


def step_error(op: Any, error: Exception, step: int, n_steps: int, values: Sequence[Any]) -> Exception:
    """`error` of one step, with the number of the step and the user's line inside the loop."""
    where = f"In step {step} (counted from 0) of {op}"
    if not op.info.until:
        where += f", which has {n_steps}"
    return explained(op.function, error, where, values)
