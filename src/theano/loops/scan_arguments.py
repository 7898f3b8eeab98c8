"""What users say to `scan`, read and checked: sequences, initial states, and what the function of a step returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theano.errors import NotScalarConstantError
from theano.graph.node import Variable
from theano.graph.shared import SharedVariable
from theano.tensor.convert import as_tensor_variable
from theano.tensor.scalar_constants import get_scalar_constant_value


class until:
    """`until(condition)`, returned by the function of a step: the loop ends AFTER the step in which it holds.

    >>> import theano, theano.tensor as tt
    >>> powers, _ = theano.scan(lambda p: (p * 2, theano.scan_module.until(p * 2 > 45)), n_steps=1000,
    ...                         outputs_info=tt.constant(1.0, dtype="float64"))
    >>> powers.eval().tolist()
    [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    """

    def __init__(self, condition: Any) -> None:
        self.condition = as_tensor_variable(condition)
        if self.condition.type.ndim != 0:
            raise TypeError(f"until needs a scalar condition, got {condition} of type {self.condition.type}")


@dataclass(slots=True)
class SequenceArgument:
    """A sequence and the taps at which a step sees it: tap k is sequence[t + k]."""

    variable: Any
    taps: tuple[int, ...]

    def slices(self) -> list[Any]:
        """For every tap what a step t = 0, 1, ... sees, as a sequence of its own."""
        low, high = min(0, *self.taps, 0), max(0, *self.taps, 0)
        found = []
        for tap in self.taps:
            start, short = tap - low, high - tap
            stop = -short if short else None
            found.append(self.variable if start == 0 and stop is None else self.variable[start:stop])
        return found


@dataclass(slots=True)
class OutputArgument:
    """An output: its initial value (None: it is not fed back) and its taps."""

    initial: Any = None
    taps: tuple[int, ...] = ()
    return_steps: int | None = None

    @property
    def single(self) -> bool:
        """Does it look one step back only? Then its initial value is one row, without an axis for steps."""
        return self.taps == (-1,)


def as_list(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def read_sequences(sequences: Any) -> list[SequenceArgument]:
    found = []
    for number, entry in enumerate(as_list(sequences)):
        what = f"scan: sequence {number}"
        taps: Any = (0,)
        if isinstance(entry, Mapping):
            unknown = set(entry) - {"input", "taps"}
            if unknown or "input" not in entry:
                raise ValueError(f"{what} must be a dictionary with 'input' and perhaps 'taps', got {sorted(entry)}")
            taps = entry.get("taps", (0,))
            taps = (0,) if taps is None else tuple(as_list(taps))
            entry = entry["input"]
        if not all(isinstance(tap, (int, np.integer)) for tap in taps):
            raise TypeError(f"{what}: taps must be integers, got {list(taps)}")
        variable = as_tensor_variable(entry)
        if variable.type.ndim == 0:
            raise TypeError(
                f"{what}, {variable}, has no axis to go along: it is of type {variable.type}. "
                f"Pass what is the same in all steps as non_sequences."
            )
        if taps:
            found.append(SequenceArgument(variable, tuple(int(tap) for tap in taps)))
    return found


def read_outputs(outputs_info: Any) -> list[OutputArgument]:
    return [_read_output(number, entry) for number, entry in enumerate(as_list(outputs_info))]


def _read_output(number: int, entry: Any) -> OutputArgument:
    what = f"scan: outputs_info[{number}]"
    if entry is None:
        return OutputArgument()
    if not isinstance(entry, Mapping):
        return OutputArgument(as_tensor_variable(entry), (-1,))
    unknown = set(entry) - {"initial", "taps", "return_steps", "inplace"}
    if unknown:
        raise ValueError(f"{what} has the unknown keys {sorted(unknown)}; it takes 'initial', 'taps', 'return_steps'")
    steps = entry.get("return_steps")
    if entry.get("initial") is None:
        if entry.get("taps") is not None:
            raise ValueError(f"{what} has taps but no 'initial': the first steps have nothing to look back to")
        return OutputArgument(return_steps=steps)
    initial = as_tensor_variable(entry["initial"])
    given = entry.get("taps", (-1,))
    taps = tuple(as_list(given))
    if not all(isinstance(tap, (int, np.integer)) for tap in taps):
        raise TypeError(f"{what}: taps must be integers, got {list(taps)}")
    if any(tap >= 0 for tap in taps):
        raise ValueError(f"{what}: taps of an output must be negative, a step cannot see its own future; got {given}")
    if len(set(taps)) != len(taps):
        raise ValueError(f"{what}: a tap is given twice: {list(taps)}")
    if not taps:
        return OutputArgument(return_steps=steps)
    found = OutputArgument(initial, tuple(int(tap) for tap in taps), steps)
    if not found.single and initial.type.ndim == 0:
        raise ValueError(
            f"{what}: 'initial' must have an axis with one entry for each of {-min(taps)} steps back, for the taps "
            f"{list(taps)}; {initial} is of type {initial.type}"
        )
    return found


def read_steps(n_steps: Any, what: str = "scan: n_steps") -> Any:
    """n_steps as an int where it is known, else as a 0-d integer variable; None if it is not given."""
    if n_steps is None:
        return None
    if isinstance(n_steps, (bool, float, np.floating)) or (
        isinstance(n_steps, np.ndarray) and n_steps.dtype.kind not in "iu"
    ):
        raise TypeError(f"{what} must be an integer, got {n_steps!r}")
    variable = as_tensor_variable(n_steps)
    if variable.type.ndim != 0 or np.dtype(variable.type.dtype).kind not in "iu":
        raise TypeError(f"{what} must be a 0-d integer, got {variable} of type {variable.type}")
    try:
        known = int(get_scalar_constant_value(variable))
    except NotScalarConstantError:
        return variable
    if known < 0:
        remedy = " To go backwards through the sequences, pass go_backwards=True." if what.startswith("scan") else ""
        raise ValueError(f"{what} must not be negative, got {known}.{remedy}")
    return known


def check_rows(n_steps: Any, what: str, variable: Any) -> None:
    """ValueError for a sequence of which it is known that it has too few rows."""
    rows = variable.type.shape[0]
    if isinstance(n_steps, int) and rows is not None and rows < n_steps:
        raise ValueError(
            f"{what}, {variable}, has {rows} rows for {n_steps} steps. Give longer sequences, or fewer n_steps."
        )


def called(function: Callable[..., Any], arguments: Sequence[Any], what: str) -> Any:
    """function(*arguments); TypeError that says which there are, if it does not take as many."""
    try:
        inspect.signature(function).bind(*arguments)
    except ValueError:
        pass   # nothing is known of how it is called
    except TypeError as error:
        listed = ", ".join(map(str, arguments)) or "nothing"
        raise TypeError(
            f"{what} is called with {len(arguments)} arguments ({listed}), which it does not take: {error}"
        ) from None
    return function(*arguments)


@dataclass(slots=True)
class StepResult:
    """What the function of a step returned."""

    outputs: list[Any]
    updates: dict[SharedVariable, Any]
    condition: Any = None


def read_result(returned: Any) -> StepResult:
    """Outputs, updates and until(...), of which any may be missing; the first two in any order."""
    condition = None
    if isinstance(returned, until):
        return StepResult([], {}, returned.condition)
    if isinstance(returned, (list, tuple)):
        conditions = [entry for entry in returned if isinstance(entry, until)]
        if conditions:
            if len(conditions) > 1 or not isinstance(returned[-1], until):
                raise ValueError("scan: a step may return one until(...), as its last result")
            condition = conditions[0].condition
            returned = returned[:-1]
            if len(returned) == 1 and (_is_updates(returned[0]) or isinstance(returned[0], (list, tuple))):
                returned = returned[0]
    if returned is None:
        return StepResult([], {}, condition)
    if _is_updates(returned):
        return StepResult([], _updates(returned), condition)
    if isinstance(returned, (list, tuple)) and len(returned) == 2:
        one, other = returned
        if _is_updates(other) and _is_outputs(one):
            return StepResult(_outputs(one), _updates(other), condition)
        if _is_updates(one) and _is_outputs(other):
            return StepResult(_outputs(other), _updates(one), condition)
    if _is_outputs(returned):
        return StepResult(_outputs(returned), {}, condition)
    raise ValueError(
        f"scan: cannot make out what the step returned: {returned!r}. It may return outputs (a variable, or a list), "
        f"updates (a dictionary of shared variables), or (outputs, updates), each with until(...) at the end."
    )


def _is_updates(x: Any) -> bool:
    if isinstance(x, Mapping):
        return True
    return (
        isinstance(x, (list, tuple))
        and len(x) > 0
        and all(isinstance(e, (list, tuple)) and len(e) == 2 and isinstance(e[0], SharedVariable) for e in x)
    )


def _updates(x: Any) -> dict[SharedVariable, Any]:
    found: dict[SharedVariable, Any] = {}
    for target, value in x.items() if isinstance(x, Mapping) else x:
        if not isinstance(target, SharedVariable):
            raise TypeError(f"scan: the target of an update must be a shared variable, got {target!r}")
        if target in found:
            raise ValueError(f"scan: a step updates {target} twice, to {found[target]} and to {value}. Give one.")
        found[target] = value
    return found


def _is_output(x: Any) -> bool:
    return isinstance(x, (Variable, int, float, complex, np.ndarray, np.generic))


def _is_outputs(x: Any) -> bool:
    return x is None or _is_output(x) or (isinstance(x, (list, tuple)) and all(map(_is_output, x)))


def _outputs(x: Any) -> list[Any]:
    return [as_tensor_variable(e) for e in as_list(x)]
