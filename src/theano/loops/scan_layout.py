"""ScanLayout: which of a Scan's inputs and outputs is what, inside the loop and outside.

    outer inputs    n_steps, sequences, initial rows of the states, initial values of what is carried, others
    inner inputs    one row of each sequence, the taps of each state, what is carried, others
    inner outputs   new rows of the states, rows of what is only traced, new values of what is carried, [condition]
    outer outputs   traces of the states, other traces, final values of what is carried, [number of steps made]

A *state* is fed back and its rows are kept; with taps (-3, -1) its initial rows are x[-3], x[-2], x[-1]. What is
*carried* is fed back and only its last value is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class OuterInputs(NamedTuple):
    n_steps: Any
    sequences: list[Any]
    initials: list[Any]
    carried: list[Any]
    others: list[Any]


class InnerInputs(NamedTuple):
    sequences: list[Any]
    taps: list[list[Any]]
    carried: list[Any]
    others: list[Any]


class Outputs(NamedTuple):
    states: list[Any]
    traced: list[Any]
    carried: list[Any]
    last: list[Any]  # inside: the condition that ends the loop; outside: the number of steps made


@dataclass(frozen=True, slots=True)
class ScanLayout:
    """sequences, traced, carried: how many; taps: for every state its taps, negative; until: is there a condition?"""

    sequences: int = 0
    taps: tuple[tuple[int, ...], ...] = ()
    traced: int = 0
    carried: int = 0
    until: bool = False

    def __post_init__(self) -> None:
        for taps in self.taps:
            if not taps or any(not isinstance(tap, int) or tap >= 0 for tap in taps):
                raise ValueError(f"The taps of a state must be negative integers, got {taps}")

    @property
    def states(self) -> int:
        return len(self.taps)

    def rows(self, state: int) -> int:
        """How many initial rows a state has."""
        return -min(self.taps[state])

    def outer(self, inputs: Sequence[Any]) -> OuterInputs:
        n_steps, rest = inputs[0], list(inputs[1:])
        sequences, rest = rest[: self.sequences], rest[self.sequences :]
        initials, rest = rest[: self.states], rest[self.states :]
        return OuterInputs(n_steps, sequences, initials, rest[: self.carried], rest[self.carried :])

    def inner(self, inputs: Sequence[Any]) -> InnerInputs:
        rest = list(inputs)
        sequences, rest = rest[: self.sequences], rest[self.sequences :]
        groups = []
        for taps in self.taps:
            groups.append(rest[: len(taps)])
            rest = rest[len(taps) :]
        return InnerInputs(sequences, groups, rest[: self.carried], rest[self.carried :])

    def outputs(self, outputs: Sequence[Any]) -> Outputs:
        """For inner and for outer outputs."""
        rest = list(outputs)
        states, rest = rest[: self.states], rest[self.states :]
        traced, rest = rest[: self.traced], rest[self.traced :]
        return Outputs(states, traced, rest[: self.carried], rest[self.carried :])

    @property
    def inner_output_count(self) -> int:
        return self.states + self.traced + self.carried + self.until

    @property
    def inner_input_count(self) -> int:
        """Without the others, of which there may be any number."""
        return self.sequences + sum(map(len, self.taps)) + self.carried
