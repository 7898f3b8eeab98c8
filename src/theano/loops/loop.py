"""`loop` and `while_loop`: loops without taps. What is carried from step to step, and what each step adds to a stack.

They are the same op as `scan` (`scan_op.py`), built for what most loops are: a function from the old state (and a row
of inputs) to the new state (and a result). State, inputs and results are variables or nested tuples, lists and
dictionaries of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from theano._config import config
from theano.errors import LoopStateError
from theano.graph.clone import clone_replace
from theano.graph.node import Variable
from theano.loops.checkpoints import chunked
from theano.loops.progress import UNKNOWN, Bar, Progress
from theano.loops.row_checks import RowsForSteps
from theano.loops.scan import copy_test_value, row_of, with_default_updates, with_stands
from theano.loops.scan_arguments import called, check_rows, read_steps, until
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan
from theano.loops.structures import filled, leaves, mapped, values, written
from theano.scalar.arithmetic import sqrt
from theano.scalar.comparison import eq, ge, gt
from theano.scalar.dtypes import is_discrete
from theano.scalar.logic import or_
from theano.scalar.rounding import ceil
from theano.scalar.selection import maximum, minimum, switch
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import zeros
from theano.tensor.elemwise import cast_to
from theano.tensor.joining import join
from theano.tensor.shape_ops import reshape, shape_i_op
from theano.tensor.subtensor import set_subtensor
from theano.tensor.type import TensorType

ENDLESS = 2**62   # steps of a loop that only its condition ends
CHUNK = 1000      # steps between checkpoints, where the number of steps is not known


def loop(
    step: Callable[..., Any],
    carry: Any,
    xs: Any = None,
    n_steps: Any = None,
    until: Callable[[Any], Any] | None = None,
    *,
    checkpoints: bool | int = False,
    progress: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, Any]:
    """Make steps from a state to the next: (the last state, the results of all steps, stacked).

    step         step(carry, x) -> (new carry, result), where x holds row t of everything in `xs`; step(carry) without
                 `xs`. The result may be None. It is called with variables, once or a few times
    carry        the state before the first step: a variable (or number), or nested tuples, lists and dictionaries of
                 them. Each part keeps its dtype and rank, and lengths that are known when the loop is built; others may
                 change, though not under a gradient, which keeps the states as rows of one array. Python numbers take
                 the dtype that a step gives them
    xs           a variable, or a structure of variables, with a row for each step
    n_steps      how many steps; by default as many as xs has rows. Rows beyond that are not used; too few are an error
                 when the function runs. 0 steps give the state back, and no results
    until        until(carry) -> a condition on the new state: the loop ends after the step in which it holds. The
                 results then have as many rows as steps were made
    checkpoints  for the gradient, keep the state before every N-th step only, and compute the others again, N at a
                 time: memory for n/N + N states in place of n, for the price of another pass. True: N is the root of
                 n, and 1000 where `until` ends the loop
    progress     show a bar on standard error while the loop runs, from the first tenth of a second on; and a last line
    mode, name   how the step is compiled; a name for printing and for errors

    Other variables that `step` uses are found by themselves; random streams go on from step to step and from call to
    call. Raises LoopStateError (a TypeError and ValueError) where a part of the state changes its dtype or rank.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> total, sums = theano.loop(lambda s, v: (s + v, s + v), 0.0, x)
    >>> [r.tolist() for r in theano.function([x], [total, sums])([1.0, 2.0, 3.0])]
    [6.0, [1.0, 3.0, 6.0]]
    """
    plan = _Plan(step, carry, xs, n_steps, until, mode, name)
    return plan.made(checkpoints, progress)


def while_loop(
    condition: Callable[[Any], Any],
    body: Callable[[Any], Any],
    carry: Any,
    max_steps: Any = None,
    *,
    checkpoints: bool | int = False,
    progress: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> Any:
    """The state after `carry = body(carry)` as long as condition(carry) holds; `carry` itself if it never does.

    condition    condition(carry) -> a number (0-d variable), true where it is not zero
    body         body(carry) -> the new state, of the same structure, dtypes and ranks
    max_steps    end after so many steps in any case
    Other arguments, and what a state can be: see `loop`. With `checkpoints` the gradient needs memory for the states of
    one chunk of steps, and for one state of each chunk.

    >>> import theano, theano.tensor as tt
    >>> n = tt.lscalar("n")
    >>> steps, _ = theano.while_loop(
    ...     lambda s: s[1] > 1,
    ...     lambda s: (s[0] + 1, tt.switch(tt.eq(s[1] % 2, 0), s[1] // 2, 3 * s[1] + 1)),
    ...     (tt.constant(0, dtype="int64"), n))
    >>> int(theano.function([n], steps)(27))
    111
    """
    most = ENDLESS if max_steps is None else read_steps(max_steps, "while_loop: max_steps")
    for what, function in (("condition", condition), ("body", body)):
        if not callable(function):
            raise TypeError(f"while_loop: {what} must be a function of the state, got {function!r}")
    begins = _holds(condition(mapped(_variable, carry)), "condition")
    n_steps = switch(begins, _int64(most), constant(0, dtype="int64"))
    plan = _Plan(
        body, carry, None, n_steps, lambda state: eq(_holds(condition(state), "condition"), 0), mode, name, True
    )
    return plan.made(checkpoints, progress)[0]


class _Step(NamedTuple):
    """What one step computes."""

    carried: list[Any]
    results: list[Any]
    ends: Any


class _Plan:
    """A loop that users asked for, and the ways to run it."""

    def __init__(
        self, step: Callable[..., Any], carry: Any, xs: Any, n_steps: Any, until: Any, mode: Any, name: str | None,
        only_state: bool = False,
    ) -> None:  # fmt: skip
        if not callable(step):
            raise TypeError(f"loop: step must be a function, got {step!r}")
        if until is not None and not callable(until):
            raise TypeError(f"loop: until must be a function of the state, got {until!r}")
        self.step = step
        self.until = until
        self.mode = mode
        self.name = name
        numbers = [isinstance(value, (int, float)) for _, value in leaves(carry)]
        self.carry = mapped(_variable, carry)
        self.xs = mapped(as_tensor_variable, xs)
        self.start = list(values(self.carry))
        self.parts = [path for path, _ in leaves(self.carry)]
        self.label = name or "loop"
        self.ends = Progress(self.label)
        self.sequences: list[Any] = []
        self.only_state = only_state   # a step returns the state alone
        self.result: Any = None   # the structure of a step's result
        self.steps: Any = self._count(read_steps(n_steps, "loop: n_steps"))
        if any(numbers):
            self._settle(numbers)

    def _settle(self, numbers: Sequence[bool]) -> None:
        """Give Python numbers of the state the dtypes that a step makes of them."""
        rows = [row_of(sequence, None) for sequence in self.sequences]
        for _ in range(3):
            state = filled(self.carry, iter([v.type() for v in self.start]))
            arguments = (state,) if self.xs is None else (state, filled(self.xs, iter(rows)))
            returned = called(self.step, arguments, "loop: step (state, and a row where there are xs)")
            pair = not self.only_state and isinstance(returned, tuple) and len(returned) == 2
            found = dict(leaves(returned[0] if pair else returned))
            if found.keys() != set(self.parts):
                return   # which will be said
            settled = [
                _in_dtype(v, as_tensor_variable(found[path]).type.dtype) if is_number else v
                for is_number, v, path in zip(numbers, self.start, self.parts)
            ]
            if settled == self.start:
                return
            self.start = settled

    def _count(self, n_steps: Any) -> Any:
        """How many steps to make; the sequences are cut to as many rows."""
        given = list(leaves(self.xs))
        for path, x in given:
            if not isinstance(x.type, TensorType) or x.type.ndim == 0:
                raise TypeError(f"loop: {written('xs', path)}, {x} of type {x.type}, has no axis to go along")
        if n_steps is None:
            if not given:
                if self.until is None:
                    raise ValueError("loop: give n_steps, or xs to go along, or until")
                return constant(ENDLESS, dtype="int64")
            lengths = [shape_i_op(0)(x) if x.type.shape[0] is None else x.type.shape[0] for _, x in given]
            known = {n for n in lengths if isinstance(n, int)}
            if len(known) > 1:
                raise ValueError(f"loop: the parts of xs have different numbers of rows: {sorted(known)}")
            n_steps = lengths[0]   # the loop checks that the others have as many rows
            self.sequences = [x for _, x in given]
        else:
            for path, x in given:
                check_rows(n_steps, f"loop: {written('xs', path)}", x)
            self.sequences = [x[:n_steps] for _, x in given]
        return _int64(n_steps)

    def made(self, checkpoints: bool | int, progress: bool) -> tuple[Any, Any]:
        """(the last state, the results of all steps)"""
        if checkpoints is not False:
            return self.in_chunks(checkpoints, progress)
        bar = Bar(self.label) if progress else None
        return self.structured(*self.run(self.start, self.sequences, self.steps, bar)[:2])

    # -- one loop -----------------------------------------------------------------------------------------------

    def run(
        self, start: Sequence[Any], sequences: Sequence[Any], steps: Any, bar: Bar | None = None
    ) -> tuple[list[Any], list[Any], Any]:
        """(last values of the state, rows of the results, how many steps were made)"""
        rows = [row_of(sequence, _named(sequence.name)) for sequence in sequences]
        before = [copy_test_value(v.type(_named(v.name)), v) for v in start]
        done = self._called(before, rows)
        outputs = [*done.results, *done.carried]
        ends = [] if done.ends is None else [done.ends]
        updates = with_default_updates({}, [*outputs, *ends])
        stands: dict[Variable, Variable] = {v: v.type(v.name) for v in updates}
        outputs = clone_replace([*outputs, *updates.values(), *ends], stands, strict=False)
        inputs = [*rows, *before, *stands.values()]
        outputs, same = with_stands(outputs, inputs)
        layout = ScanLayout(
            sequences=len(rows), traced=len(done.results), carried=len(before) + len(updates), until=bool(ends)
        )
        op = Scan([*inputs, *same.values()], outputs, layout, mode=self.mode, name=self.name or "loop", bar=bar)
        found = layout.outputs(op(steps, *sequences, *start, *updates, *same, return_list=True))
        finals, states = found.carried[: len(before)], found.carried[len(before) :]
        for variable, state in zip(updates, states):
            variable.default_update = state  # type: ignore[attr-defined]  # a stream of random numbers goes on after the loop
        return finals, found.traced, found.last[0] if ends else steps

    def _called(self, before: Sequence[Any], rows: Sequence[Any]) -> _Step:
        """One step of the user's, on these variables."""
        state = filled(self.carry, iter(before))
        arguments = (state,) if self.xs is None else (state, filled(self.xs, iter(rows)))
        returned = called(self.step, arguments, "loop: step (state, and a row where there are xs)")
        if not self.only_state:
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise ValueError(
                    f"loop: a step must return (new carry, result), with None for no result, got {returned!r}"
                )
            returned, self.result = returned
        new = dict(leaves(returned))
        if new.keys() != set(self.parts):
            raise ValueError(
                f"loop: a step must return a state of the structure that it got, with the parts "
                f"{[written('carry', path) for path in self.parts]}, got {[written('carry', path) for path in new]}"
            )
        self.result = mapped(as_tensor_variable, self.result)
        carried = [
            _checked(written("carry", path), v, as_tensor_variable(new[path])) for v, path in zip(before, self.parts)
        ]
        ends = None if self.until is None else _holds(self.until(filled(self.carry, iter(carried))), "until")
        return _Step(carried, list(values(self.result)), ends)

    def structured(self, finals: Sequence[Any], rows: Sequence[Any]) -> tuple[Any, Any]:
        return filled(self.carry, iter(finals)), filled(self.result, iter(rows))

    # -- a loop of loops ----------------------------------------------------------------------------------------

    def in_chunks(self, checkpoints: bool | int, progress: bool) -> tuple[Any, Any]:
        """The loop as a loop over chunks of steps: the state between them is a checkpoint."""
        self._check_sequences()
        if self.until is not None:
            return self._while_in_chunks(checkpoints, progress)
        size = self._chunk_size(checkpoints)
        whole = self.steps // size
        first = [x[: whole * size] for x in self.sequences]
        pieces = [
            reshape(x, [whole, size, *(shape_i_op(k)(x) for k in range(1, x.type.ndim))], ndim=x.type.ndim + 1)
            for x in first
        ]

        def run_chunk(state: Any, chunk: Any) -> Any:
            finals, rows, _ = self.run(list(state), list(chunk), size)
            return tuple(finals), tuple(rows)

        outer = _Plan(run_chunk, tuple(self.start), tuple(pieces), whole, None, self.mode, self._name("chunks"))
        start = self._timed(self.start, progress)
        finals, stacks, _ = outer.run(start, pieces, whole, self._bar_of_chunks(checkpoints, progress))
        finals, rest, _ = self.run(finals, [x[whole * size :] for x in self.sequences], self.steps - whole * size)
        finals = self._timed(finals, progress, self.steps, self.steps)
        rows = [join(0, _unchunked(stack), more) for stack, more in zip(stacks, rest)]
        return self.structured(finals, rows)

    def _while_in_chunks(self, checkpoints: bool | int, progress: bool) -> tuple[Any, Any]:
        """A loop with a condition: chunks until one of them met it. Of the rows of the last one some are not used."""
        size = constant(CHUNK if checkpoints is True else _positive(checkpoints), dtype="int64")
        nothing = constant(0, dtype="int64")
        if self.sequences:
            chunks = (self.steps + size - 1) // size
            pieces = tuple(chunked(x, self.steps, chunks, size) for x in self.sequences)
        else:
            chunks = switch(gt(self.steps, nothing), constant(ENDLESS, dtype="int64"), self.steps)
            pieces = None

        def run_chunk(state: Any, chunk: Any = ()) -> Any:
            done, *carried = state
            most = minimum(size, self.steps - done)
            finals, rows, made = self.run(carried, [piece[:most] for piece in chunk], most)
            return (done + made, *finals), tuple(_filled_up(row, size) for row in rows)

        def met(state: Any) -> Any:
            done, *carried = state
            ended = self.until(filled(self.carry, iter(carried)))   # type: ignore[misc]
            return or_(cast_to(_holds(ended, "until"), "bool"), ge(done, self.steps))

        outer = _Plan(run_chunk, (nothing, *self.start), pieces, chunks, met, self.mode, self._name("chunks"))
        start = [nothing, *self._timed(self.start, progress)]
        (done, *finals), stacks, _ = outer.run(
            start, pieces or [], chunks, self._bar_of_chunks(checkpoints, progress))
        finals = self._timed(finals, progress, done)
        return self.structured(finals, [_unchunked(stack)[:done] for stack in stacks])

    def _check_sequences(self) -> None:
        """They must have as many rows as there are steps: chunks of them do not show how many there were."""
        names = [f"{written('xs', path)} ({x})" for path, x in leaves(self.xs)]
        if names:
            op = RowsForSteps(self.name or "loop", tuple(names))
            self.sequences = op(self.steps, *self.sequences, return_list=True)

    def _chunk_size(self, checkpoints: bool | int) -> Any:
        if checkpoints is not True:
            return constant(_positive(checkpoints), dtype="int64")
        root = cast_to(ceil(sqrt(cast_to(self.steps, "float64"))), "int64")
        return maximum(root, constant(1, dtype="int64"))

    def _bar_of_chunks(self, checkpoints: bool | int, progress: bool) -> Bar | None:
        if not progress:
            return None
        if checkpoints is True:   # without a condition, how many steps a chunk has is found out when the loop runs
            each = None if self.until is None else CHUNK
        else:
            each = int(checkpoints)
        return Bar(self.label, each, ends=False)

    def _timed(self, state: Sequence[Any], progress: bool, done: Any = None, total: Any = UNKNOWN) -> list[Any]:
        """The state; when it is computed the time that a bar shows begins, or the bar ends."""
        if not progress or not state:
            return list(state)
        ended = done is not None
        first = self.ends(state[0], done if ended else 0, total, int(ended))
        return [first, *state[1:]]

    def _name(self, suffix: str) -> str:
        return f"{self.name or 'loop'}_{suffix}"


def _checked(what: str, before: Any, value: Any) -> Any:
    """The new value of a part of the state, as a value of its type."""
    built = f"\nThe new value was built at {value.owner.origin}" if value.owner is not None else ""
    kind = before.type
    if value.type.dtype != kind.dtype:
        raise LoopStateError(
            f"loop: {what} has dtype {kind.dtype} before the first step, and a step makes it {value.type.dtype}. Start "
            f"with one of dtype {value.type.dtype}, or cast the result: .astype({kind.dtype!r}).{built}"
        )
    if value.type.ndim != kind.ndim:
        raise LoopStateError(
            f"loop: {what} has {kind.ndim} axes before the first step, and a step gives it {value.type.ndim}. Start "
            f"with a value of the shape that a step makes.{built}"
        )
    try:
        return value if kind.is_super(value.type) else kind.filter_variable(value)
    except TypeError as error:
        raise LoopStateError(
            f"loop: {what} has the shape {kind.shape} before the first step, and a step makes it {value.type.shape}; "
            f"they must agree.{built}"
        ) from error


def _holds(condition: Any, what: str) -> Any:
    if condition is None:
        raise TypeError(f"{what} must give a number, true where it is not zero; it returned None")
    condition = as_tensor_variable(condition)
    if condition.type.ndim:
        raise TypeError(
            f"{what} must give a number (0-d), got {condition} of type {condition.type}. any() and all() make one "
            f"number of many."
        )
    return until(condition).condition


def _variable(value: Any) -> Any:
    """A part of a state as a variable. Python numbers are not the narrowest that hold them: a step may change them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return constant(value, dtype="int64")
    return constant(value, dtype=config.floatX) if isinstance(value, float) else as_tensor_variable(value)


def _in_dtype(number: Any, dtype: str) -> Any:
    """A constant in the dtype that a step makes of it; as it is where it would be another number, but for rounding."""
    if dtype == number.type.dtype:
        return number
    with np.errstate(invalid="ignore"):
        value = number.data.astype(dtype)
    return number if is_discrete(dtype) and value != number.data else constant(value, dtype=dtype)


def _int64(n: Any) -> Any:
    return constant(n, dtype="int64") if isinstance(n, int) else cast_to(n, "int64")


def _positive(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"loop: checkpoints must be True, False, or a positive number of steps, got {n!r}")
    return int(n)


def _named(name: str | None) -> str | None:
    return None if name is None else f"{name}[t]"


def _filled_up(rows: Any, count: Any) -> Any:
    """`rows`, and zeros behind them: `count` rows in all."""
    lengths = [shape_i_op(k)(rows) for k in range(rows.type.ndim)]
    return set_subtensor(zeros([count, *lengths[1:]], dtype=rows.type.dtype)[: lengths[0]], rows)


def _unchunked(stack: Any) -> Any:
    """Rows in chunks, as rows."""
    lengths = [shape_i_op(k)(stack) for k in range(stack.type.ndim)]
    return reshape(stack, [lengths[0] * lengths[1], *lengths[2:]], ndim=stack.type.ndim - 1)
