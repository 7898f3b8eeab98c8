"""States of NumPy's generator as values: the type of `numpy.random.RandomState`, and shared variables that hold one.

A state is a value like any other: it is copied where a value is copied, and no op changes one that it was given. The
draws are in `raw_random.py`, streams of draws in `shared_randomstreams.py`.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np

from theano.graph.shared import SharedVariable, shared_constructor
from theano.graph.type import SingletonType
from theano.tensor.twister import copy_of_mt19937


def is_random_state(value: Any) -> bool:
    """Is `value` a RandomState? `numpy.random` is not loaded for the question."""
    module = sys.modules.get("numpy.random")
    return module is not None and isinstance(value, module.RandomState)


def copied_state(state: Any) -> Any:
    """A RandomState of its own which gives the numbers that `state` would give next."""
    if type(state) is np.random.RandomState and isinstance(state._bit_generator, np.random.MT19937):
        return copy_of_mt19937(state)
    return copy.deepcopy(state)


class RandomStateType(SingletonType):
    """The type whose values are `numpy.random.RandomState` objects."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        if not is_random_state(data):
            remedy = ""
            if isinstance(data, (int, np.integer)) and not isinstance(data, bool):
                remedy = f"; pass numpy.random.RandomState({data})"
            elif type(data).__name__ == "Generator":
                remedy = "; numpy's newer Generator gives other numbers and is not supported"
            raise TypeError(f"Expected a numpy.random.RandomState, got {data!r} of {type(data).__name__}{remedy}")
        return data

    def values_eq(self, a: Any, b: Any) -> bool:
        """Will both give the same numbers from now on?"""
        if not (is_random_state(a) and is_random_state(b)):
            return False
        ours, theirs = (state.get_state(legacy=False) for state in (a, b))
        return (
            ours["bit_generator"] == theirs["bit_generator"]
            and ours["has_gauss"] == theirs["has_gauss"]
            and (not ours["has_gauss"] or ours["gauss"] == theirs["gauss"])
            and all(np.array_equal(ours["state"][key], theirs["state"][key]) for key in ours["state"])
        )

    @staticmethod
    def is_valid_value(value: Any) -> bool:  # type: ignore[override]
        return is_random_state(value)


random_state_type = RandomStateType()


class RandomStateSharedVariable(SharedVariable):
    """A shared variable that holds the state of a generator.

    get_value() gives a copy of the state; get_value(borrow=True) the stored one, on which drawing by hand changes what
    the functions that use it draw next only until they store a new one.
    """

    type: RandomStateType

    def __str__(self) -> str:
        return self.name if self.name is not None else f"<{self.type}>"

    __repr__ = __str__


@shared_constructor
def randomstate_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
) -> RandomStateSharedVariable:
    """A shared variable for a RandomState: a copy of it, or with `borrow` the object itself. TypeError for others."""
    if not is_random_state(value):
        raise TypeError("the value is not a numpy.random.RandomState")
    return RandomStateSharedVariable(
        name, random_state_type, value if borrow else copied_state(value), strict, allow_downcast
    )
