"""Errors of long loops: machine code finds the step that fails, and only that one is run by the reference backend.

To word an error, a graph is run once more node by node (`linking.py`). For a loop of a million steps that takes ten
seconds. So such a loop is run here by machine code, over half of the steps at a time, from the last step that is known
to be good: so the state before the step that fails is found, and that step names the node to blame.

It is loaded when an error has to be worded.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano.backends import reference
from theano.backends.native import compile_program, kernel_dtypes
from theano.graph.evaluate import evaluate, leaf_value
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Variable
from theano.loops.scan_op import Scan
from theano.loops.scan_steps import step_error
from theano.lowering.lower import lower
from theano.lowering.program import LoopStep
from theano.tensor.type import TensorType

MANY = 2000  # steps: fewer are run by the reference backend before a loop of machine code would be made


class QuickLoops(reference.Executable):
    """The reference backend, but for loops of many steps."""

    def compute(self, values: Mapping[Variable, Any]) -> list[Any]:
        if any(node.op.is_lazy for node in self.order):  # what is needed is found out on the way
            return super().compute(values)
        known = dict(values)
        last = {variable: number for number, node in enumerate(self.order) for variable in node.inputs}
        kept = {*values, *self.fgraph.outputs}
        for number, node in enumerate(self.order):
            inputs = [known[v] if v in known else leaf_value(v) for v in node.inputs]
            results = self._loop(node, inputs) if isinstance(node.op, Scan) else None
            if results is None:
                given = dict(zip(node.inputs, inputs, strict=True))
                results = evaluate(node.outputs, given, order=[node], on_error=self.on_node_error)
            known.update(zip(node.outputs, results, strict=True))
            for variable in set(node.inputs) - kept:
                if last[variable] == number:
                    known.pop(variable, None)
        return [known[v] if v in known else leaf_value(v) for v in self.fgraph.outputs]

    def _loop(self, node: Apply, inputs: list[Any]) -> list[Any] | None:
        """What the loop makes, or its error; None: let the reference backend run it."""
        loop = LongLoop.of(node, inputs)
        if loop is None:
            return None
        results = loop.run(loop.start, 0, loop.count)
        if results is not None:
            return results
        error = loop.error()
        if error is None:
            return None
        if self.on_node_error is not None:
            self.on_node_error(node, inputs, error)
        raise error


class Failed(Exception):
    """Machine code has found an error."""


class LongLoop:
    """A Scan with its inputs. Its state is what the next step needs: (rows before it of each state; what is carried)

    code   runs any number of its steps; see `run`
    """

    def __init__(self, op: Any, inputs: Sequence[Any], code: Any) -> None:
        self.op = op
        self.code = code
        self.outer = op.info.outer(inputs)
        self.count = int(self.outer.n_steps)
        self.start = (list(self.outer.initials), list(self.outer.carried))

    @staticmethod
    def of(node: Apply, inputs: Sequence[Any]) -> LongLoop | None:
        """None where it has few steps, could not start, holds Python objects, or has no machine code."""
        op: Any = node.op
        outer = op.info.outer(inputs)
        fits = all(isinstance(v.type, TensorType) for v in node.inputs) and int(outer.n_steps) >= MANY
        fits = fits and all(len(s) == int(outer.n_steps) for s in outer.sequences)
        if not fits or any(len(rows) != op.info.rows(n) for n, rows in enumerate(outer.initials)):
            return None
        quiet = copy.copy(op)   # it has been seen how far it came
        quiet.bar = None
        variables = [v.type() for v in node.inputs]
        program = lower(
            FunctionGraph(variables, Apply(quiet, variables, [v.type() for v in node.outputs]).outputs, clone=False),
            storages={}, updates={}, name=str(op), dtypes=kernel_dtypes(),
        )  # fmt: skip
        if not any(isinstance(step, LoopStep) for step in program.steps):
            return None
        executable = compile_program(program)
        executable.bind(_unfit, _what_failed)
        return LongLoop(op, inputs, executable.direct())

    def run(self, state: tuple[list[Any], list[Any]], first: int, behind: int) -> list[Any] | None:
        """All results of the steps from `first` on; None: one of them fails."""
        rows = [sequence[first:behind] for sequence in self.outer.sequences]
        values = [np.asarray(behind - first, "int64"), *rows, *state[0], *state[1], *self.outer.others]
        try:
            return list(self.code(*map(np.asarray, values)))
        except Failed:
            return None

    def error(self) -> Exception | None:
        """What the step that fails raises; None if it does not when it is run alone."""
        info = self.op.info
        good, bad, state = 0, self.count, self.start
        while bad - good > 1:
            middle = (good + bad) // 2
            results = self.run(state, good, middle)
            if results is None:
                bad = middle
                continue
            made = info.outputs(results)
            if info.until and int(made.last[0]) != middle - good:
                return None
            earlier = [
                np.concatenate([before, rows[-len(before) :]])[-len(before) :]
                for before, rows in zip(state[0], made.states, strict=True)
            ]
            good, state = middle, (earlier, list(made.carried))
        values = [sequence[good, ...] for sequence in self.outer.sequences]
        for rows, taps in zip(state[0], info.taps, strict=True):
            values += [rows[tap, ...] for tap in taps]
        values += [*state[1], *self.outer.others]
        try:
            self.op.function.evaluate(*values)
        except Exception as error:
            return step_error(self.op, error, good, self.count, values)
        return None


def _unfit(*arguments: Any) -> Any:
    raise Failed


def _what_failed(step: int, code: str, *report: Any) -> BaseException:
    """To be raised: Failed, unless the user wants to stop."""
    raised = sys.exception()
    stops = raised is not None and (code == "interrupt" or not isinstance(raised, Exception))
    return raised if stops and raised is not None else Failed()
