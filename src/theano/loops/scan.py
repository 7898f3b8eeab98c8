"""`scan`: loops over sequences, with state.

`scan` calls the user's function once, on variables for one step, and finds out what the step needs from outside: what
does not depend on the step is computed once, outside the loop. The loop itself is the op in `scan_op.py`. Special cases
of it (map, reduce, ...) are in `folds.py`; how arguments are read is in `scan_arguments.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano._config import config
from theano.errors import LoopStateError
from theano.graph.clone import clone_replace
from theano.graph.node import Constant, Variable
from theano.graph.shared import SharedVariable
from theano.graph.traverse import ancestors, toposort
from theano.graph.updates import OrderedUpdates
from theano.loops.lazy_nodes import only_in_branches
from theano.loops.scan_arguments import (
    OutputArgument,
    SequenceArgument,
    StepResult,
    as_list,
    called,
    check_rows,
    read_outputs,
    read_result,
    read_sequences,
    read_steps,
)
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan
from theano.scalar.selection import minimum
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.shape import shape_padleft, unbroadcast
from theano.tensor.shape_ops import shape_i_op
from theano.tensor.type import TensorType, tensor_type


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: Any = False,
    allow_gc: bool | None = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, OrderedUpdates]:
    """A loop: `fn` describes one step; (outputs, updates) hold what all steps compute.

    fn                 called once, with variables for: the sequences (each of their taps), the earlier outputs (each of
                       their taps), the non_sequences. It returns the outputs of the step (a variable or a list), or a
                       dictionary of updates of shared variables, or (outputs, updates); and perhaps until(condition)
                       at the end
    sequences          a variable, or a list of variables and of dict(input=variable, taps=[...]); at tap k a step t
                       sees input[t + k]
    outputs_info       for every output: None, it is not fed back; a variable, the value before the first step;
                       dict(initial=variable, taps=[...]) with negative taps: except for taps=[-1], `initial` holds the
                       last values before the first step along its first axis, the earliest first
    non_sequences      what is passed to all steps as it is. Other variables that fn uses are found by themselves
    n_steps            how many steps; by default as many as the shortest sequence has rows. A sequence that is shorter
                       is an error when the function runs. 0 gives empty results; 1 makes no loop
    truncate_gradient  the gradient goes back over so many steps at most; -1: over all
    go_backwards       go through the sequences from their ends
    mode               how a step is compiled
    name               shown when the graph is printed and in errors
    profile, allow_gc  accepted, without effect
    strict             True: a variable from outside that is not among the non_sequences is an error
    return_list        True: the outputs are a list also if there is one

    The outputs have one row for each step, without the initial values. `updates` must be passed to `theano.function`
    for the shared variables to change.
    Raises LoopStateError (a TypeError and ValueError) when a state changes its dtype or rank in a step.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> sums, updates = theano.scan(lambda v, total: total + v, sequences=x, outputs_info=tt.zeros((), "float64"))
    >>> theano.function([x], sums, updates=updates)([1.0, 2.0, 3.0]).tolist()
    [1.0, 3.0, 6.0]
    """
    if not callable(fn):
        raise TypeError(f"scan: fn must be a function of one step, got {fn!r}")
    truncate_gradient = _checked_truncation(truncate_gradient)
    loop = _Loop(read_sequences(sequences), read_outputs(outputs_info), as_list(non_sequences))
    loop.set_steps(read_steps(n_steps), go_backwards)
    loop.make_rows()
    loop.call(fn)
    if loop.steps == 1 and isinstance(loop.steps, int):
        results, updates = loop.unrolled()
    else:
        op, inputs = loop.built(strict, mode, truncate_gradient, name, profile, allow_gc)
        results, updates = loop.taken_apart(op(*inputs, return_list=True))
    if return_list:
        return results, updates
    return (None if not results else results[0] if len(results) == 1 else results), updates


def _checked_truncation(steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps == 0 or steps < -1:
        raise ValueError(f"scan: truncate_gradient must be -1 or a positive number of steps, got {steps!r}")
    return steps


class _Loop:
    """A loop that is being built, in the order of the methods."""

    def __init__(
        self, sequences: list[SequenceArgument], outputs: list[OutputArgument], non_sequences: list[Any]
    ) -> None:
        self.arguments = sequences
        self.infos = outputs
        self.non_sequences = [v if isinstance(v, Variable) else as_tensor_variable(v) for v in non_sequences]
        self.sequences: list[Any] = [part for argument in sequences for part in argument.slices()]
        self.steps: Any = None
        self.rows: list[Any] = []
        self.initials: dict[int, Any] = {}
        self.taps: dict[int, list[Any]] = {}

    def set_steps(self, n_steps: Any, go_backwards: bool) -> None:
        if go_backwards:
            self.sequences = [sequence[::-1] for sequence in self.sequences]
        if n_steps is None:
            if not self.sequences:
                raise ValueError(
                    "scan: No information about the number of steps provided. Give n_steps, or a sequence to go along."
                )
            lengths = [_length(sequence) for sequence in self.sequences]
            if len({id(n) if isinstance(n, Variable) else n for n in lengths}) == 1:
                self.steps = lengths[0]
                return
            n_steps = lengths[0]
            for length in lengths[1:]:
                known = isinstance(n_steps, int) and isinstance(length, int)
                n_steps = min(n_steps, length) if known else minimum(n_steps, length)
        self.steps = n_steps
        for number, sequence in enumerate(self.sequences):
            check_rows(n_steps, f"scan: sequence {number}", sequence)
        self.sequences = [sequence[:n_steps] for sequence in self.sequences]

    def make_rows(self) -> None:
        """Variables for what a step sees."""
        position = 0
        for argument in self.arguments:
            for tap in argument.taps:
                sequence = self.sequences[position]
                row = row_of(sequence, _tap_name(argument.variable.name, tap))
                copy_test_value(row, sequence, 0)
                self.rows.append(row)
                position += 1
        for number, info in enumerate(self.infos):
            if info.initial is None:
                continue
            count = -min(info.taps)
            initial = shape_padleft(info.initial) if info.single else info.initial[:count]
            known = info.initial.type.shape[0] if not info.single else 1
            if known is not None and known < count:
                raise ValueError(
                    f"scan: outputs_info[{number}]: 'initial' has {known} rows, the taps {list(info.taps)} need {count}"
                )
            self.initials[number] = initial
            self.taps[number] = []
            for tap in info.taps:
                row = row_of(initial, _tap_name(info.initial.name, tap))
                copy_test_value(row, initial, tap)
                self.taps[number].append(row)

    def call(self, fn: Callable[..., Any]) -> None:
        taps = [row for number in sorted(self.taps) for row in self.taps[number]]
        result = read_result(
            called(fn, [*self.rows, *taps, *self.non_sequences], "scan: fn (sequences, earlier outputs, non_sequences)")
        )
        self._check_count(result)
        self.condition = result.condition
        self.results = [self._checked_state(number, v) for number, v in enumerate(result.outputs)]
        found = [*self.results, *([] if self.condition is None else [self.condition])]
        updates = {target: new_value(target, value) for target, value in result.updates.items()}
        self.updates = with_default_updates(updates, found, self.non_sequences)

    def _check_count(self, result: StepResult) -> None:
        if not self.infos:
            self.infos = [OutputArgument() for _ in result.outputs]
        if len(self.infos) != len(result.outputs):
            raise ValueError(
                f"scan: the step returned {len(result.outputs)} outputs, but outputs_info has {len(self.infos)} "
                f"entries. Give None as the entry of an output that is not fed back."
            )
        for number, output in enumerate(result.outputs):
            if not isinstance(output.type, TensorType):
                raise TypeError(f"scan: output {number} of a step must be a tensor, got {output} of type {output.type}")

    def _checked_state(self, number: int, value: Any) -> Any:
        if number not in self.taps:
            return value
        row = self.taps[number][0]
        built = f"\nThe new value was built at {value.owner.origin}" if value.owner is not None else ""
        initial = self.infos[number].initial
        if value.type.dtype != row.type.dtype:
            raise LoopStateError(
                f"scan: The initial state (outputs_info) of output {number}, {initial}, has dtype {row.type.dtype}, "
                f"while the result of a step has dtype {value.type.dtype}. A state must keep its dtype: give one "
                f"of dtype {value.type.dtype}, or cast the result, for example with "
                f".astype({row.type.dtype!r}).{built}"
            )
        if value.type.ndim != row.type.ndim:
            raise LoopStateError(
                f"scan: The initial state (outputs_info) of output {number}, {initial}, has {row.type.ndim} axes"
                f"{'' if self.infos[number].single else ' for one step'}, while the result of a step has "
                f"{value.type.ndim}. A state must keep its rank: give an initial state of the shape of the result."
                f"{built}"
            )
        try:
            return value if row.type.is_super(value.type) else row.type.filter_variable(value)
        except TypeError as error:
            raise LoopStateError(
                f"scan: The initial state (outputs_info) of output {number}, {initial}, has the shape "
                f"{row.type.shape}, while the result of a step has {value.type.shape}; they must agree.{built}"
            ) from error

    # -- one step ------------------------------------------------------------------------------------------------

    def unrolled(self) -> tuple[list[Any], OrderedUpdates]:
        """The results of a single step, without a loop."""
        stands = {row: sequence[0] for row, sequence in zip(self.rows, self.sequences)}
        for number, rows in self.taps.items():
            for tap, row in zip(self.infos[number].taps, rows):
                stands[row] = self.initials[number][-min(self.infos[number].taps) + tap]
        found = clone_replace([*self.results, *self.updates.values()], stands, strict=False)
        rows = [unbroadcast(shape_padleft(v), 0) for v in found[: len(self.results)]]
        return rows, OrderedUpdates(zip(self.updates, found[len(self.results) :]))

    # -- a loop --------------------------------------------------------------------------------------------------

    def built(
        self, strict: bool, mode: Any, truncate_gradient: int, name: str | None, profile: Any, allow_gc: bool | None
    ) -> tuple[Scan, list[Any]]:
        """(the op, its inputs)"""
        # states that look further back come first
        self.order = sorted(self.taps, key=lambda number: self.infos[number].single)
        self.traced = [number for number in range(len(self.results)) if number not in self.taps]
        shared: dict[Variable, Variable] = {v: copy_test_value(v.type(v.name), v) for v in self.updates}
        outputs = [self.results[n] for n in self.order] + [self.results[n] for n in self.traced]
        outputs += list(self.updates.values())
        outputs += [] if self.condition is None else [self.condition]
        # what is passed as a non_sequence is the same in all steps, whatever it was computed from
        same: dict[Variable, Variable] = {v: v for v in self.non_sequences}
        same.update(shared)
        outputs = clone_replace(outputs, same, strict=False)
        inputs = [*self.rows, *(row for number in self.order for row in self.taps[number]), *shared.values()]
        if strict:
            self._check_strict(outputs, inputs)
        outputs, stands = with_stands(outputs, inputs)
        layout = ScanLayout(
            sequences=len(self.rows),
            taps=tuple(self.infos[number].taps for number in self.order),
            traced=len(self.traced),
            carried=len(shared),
            until=self.condition is not None,
        )
        op = Scan(
            [*inputs, *stands.values()], outputs, layout, mode=mode, truncate_gradient=truncate_gradient, name=name,
            profile=profile, allow_gc=allow_gc,
        )  # fmt: skip
        steps = constant(self.steps, dtype="int64") if isinstance(self.steps, int) else self.steps
        initials = [self.initials[number] for number in self.order]
        return op, [steps, *self.sequences, *initials, *shared, *stands]

    def _check_strict(self, outputs: Sequence[Any], inputs: Sequence[Any]) -> None:
        known = {*inputs, *self.non_sequences}
        for variable in ancestors(outputs, known):
            if variable.owner is None and variable not in known and not isinstance(variable, Constant):
                kind = "shared variable" if isinstance(variable, SharedVariable) else "variable"
                raise ValueError(
                    f"scan: with strict=True a step may use only its arguments, but it uses the {kind} {variable} of "
                    f"type {variable.type}. Pass it in non_sequences.\nIt was made at {variable.origin}"
                )

    def taken_apart(self, outputs: list[Any]) -> tuple[list[Any], OrderedUpdates]:
        """(results in the user's order, updates)"""
        results = dict(zip([*self.order, *self.traced], outputs))
        kept = len(results)
        ordered = []
        for number, info in enumerate(self.infos):
            rows = results[number]
            steps = info.return_steps
            ordered.append(rows[-steps:] if steps else rows)
        return ordered, OrderedUpdates(zip(self.updates, outputs[kept : kept + len(self.updates)]))


def _length(sequence: Any) -> Any:
    known = sequence.type.shape[0]
    return shape_i_op(0)(sequence) if known is None else known


def row_of(rows: Any, name: str | None) -> Any:
    return tensor_type(rows.type.dtype, rows.type.shape[1:])(name)


def _tap_name(name: str | None, tap: int) -> str | None:
    return None if name is None else f"{name}[t{tap:+d}]" if tap else f"{name}[t]"


def copy_test_value(made: Any, source: Any, index: int | None = None) -> Any:
    """Give `made` the test value of `source`, or its row `index`, if test values are computed. Returns `made`."""
    if config.compute_test_value == "off":
        return made
    if isinstance(source, Constant):
        value = source.data
    elif isinstance(source, SharedVariable):
        value = source.get_value(borrow=True)
    else:
        value = getattr(source.tag, "test_value", None)
    if value is not None and (index is None or len(value)):
        made.tag.test_value = value if index is None else value[index]
    return made


def with_default_updates(
    updates: dict[SharedVariable, Any], results: Sequence[Any], non_sequences: Sequence[Any] = ()
) -> dict[SharedVariable, Any]:
    """`updates`, and the default updates of shared variables that the results of a step use."""
    updates = dict(updates)
    pending = [*results, *updates.values()]
    seen: set[Variable] = set()
    while pending:
        fresh = [v for v in ancestors(pending, {*seen, *non_sequences}) if v not in seen]
        seen.update(fresh)
        pending = []
        for variable in fresh:
            default = getattr(variable, "default_update", None)
            if isinstance(variable, SharedVariable) and default is not None and variable not in updates:
                updates[variable] = new_value(variable, default)
                pending.append(updates[variable])
    return updates


def new_value(target: SharedVariable, value: Any) -> Any:
    try:
        return target.type.filter_variable(value)
    except TypeError as error:
        raise LoopStateError(
            f"scan: the update of the shared variable {target} must be of its type, {target.type}, got {value} of type "
            f"{getattr(value, 'type', type(value).__name__)}"
        ) from error


def with_stands(outputs: Sequence[Any], inputs: Sequence[Any]) -> tuple[list[Any], dict[Any, Any]]:
    """(`outputs` on variables of their own for all that they need besides `inputs`, {what they need: its variable})"""
    stands = {v: copy_test_value(v.type(v.name), v) for v in _from_outside(outputs, inputs)}
    return list(clone_replace(outputs, stands, strict=False)), stands


def _from_outside(outputs: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """What `outputs` need besides `inputs`: the variables which depend on none of these and are used by something that
    does, or are outputs. What is computed from constants alone stays inside."""
    depends = set(inputs)
    varies: set[Variable] = set()  # does not follow from constants alone
    nodes = toposort(outputs, inputs)
    for node in nodes:
        for variable in node.inputs:
            if variable.owner is None and not isinstance(variable, Constant):
                varies.add(variable)
        if any(v in depends for v in node.inputs):
            depends.update(node.outputs)
        elif any(v in varies for v in node.inputs):
            varies.update(node.outputs)
    # what only branches need of conditionals that choose anew in each step stays inside, where it is run if at all
    lazy = {node for node in nodes if node.op.is_lazy and node.outputs[0] in depends}
    for node in only_in_branches(outputs, nodes, lazy):
        depends.update(node.outputs)
    found: dict[Variable, None] = {}
    for node in nodes:
        if node.outputs[0] in depends:
            found.update((v, None) for v in node.inputs if v not in depends and v in varies)
    for variable in outputs:
        leaf = variable.owner is None and not isinstance(variable, Constant)
        if variable not in depends and (leaf or variable in varies):
            found[variable] = None
    return list(found)
