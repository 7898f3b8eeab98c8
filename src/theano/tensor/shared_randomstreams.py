"""RandomStreams: draws whose numbers are those of NumPy's RandomState, with states that live in shared variables.

>>> import numpy, theano
>>> from theano.tensor.shared_randomstreams import RandomStreams
>>> f = theano.function([], RandomStreams(234).uniform((2,)))
>>> seed = numpy.random.RandomState(234).randint(2**30)
>>> bool((f() == numpy.random.RandomState(seed).uniform(size=2)).all())
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theano.graph.node import Variable
from theano.graph.shared import shared
from theano.tensor.random_state import RandomStateSharedVariable as RandomStateSharedVariable
from theano.tensor.random_state import copied_state, is_random_state
from theano.tensor.random_state import randomstate_constructor as randomstate_constructor
from theano.tensor.raw_random import RandomStreamsBase as RandomStreamsBase


class RandomStreams(RandomStreamsBase):
    """Draws, each from a generator of its own. The state of each is a shared variable with a default update: every
    function that uses a draw moves it on; two uses of one draw in a function are the same numbers.

    seed            an integer from 0 to 2**32 - 1; None: from the operating system. The draws take their seeds from
                    RandomState(seed).randint(2**30), in the order in which they are made
    state_updates   [(state, new state)] of all draws
    """

    def __init__(self, seed: int | None = None) -> None:
        self.state_updates: list[tuple[Any, Any]] = []
        self.default_instance_seed = _checked_seed(seed)
        self.gen_seedgen = np.random.RandomState(self.default_instance_seed)

    def updates(self) -> list[tuple[Any, Any]]:
        """[(state, new state)] of all draws made so far."""
        return list(self.state_updates)

    def seed(self, seed: int | None = None) -> None:
        """Give all draws made so far new states, as if they had been made with this seed (None: with the first)."""
        seed = self.default_instance_seed if seed is None else _checked_seed(seed)
        self.gen_seedgen = np.random.RandomState(seed)
        for state, _ in self.state_updates:
            state.set_value(self._next_state(), borrow=True)

    def _next_state(self) -> Any:
        return np.random.RandomState(int(self.gen_seedgen.randint(2**30)))

    def gen(self, op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A draw: `op(state, *args, **kwargs)`, which gives (new state, sample), on a state of its own.

        The sample has the attributes `rng`, its state, and `update`, the pair (state, new state).
        """
        state = shared(self._next_state(), borrow=True)
        new_state, sample = op(state, *args, **kwargs)
        sample.rng = state
        sample.update = (state, new_state)
        self.state_updates.append(sample.update)
        state.default_update = new_state
        return sample

    def _state_of(self, item: Any) -> RandomStateSharedVariable:
        state = getattr(item, "rng", item)
        for known, _ in self.state_updates:
            if known is state:
                return known
        raise KeyError(f"{item} is no draw of these streams, nor the state of one")

    def __getitem__(self, item: Variable) -> Any:
        """The RandomState (itself, not a copy) that the draw `item`, or the state variable `item`, holds."""
        return self._state_of(item).get_value(borrow=True)

    def __setitem__(self, item: Variable, value: Any) -> None:
        """Let the draw `item` go on from a copy of the RandomState `value`."""
        if not is_random_state(value):
            raise TypeError(f"The state of a stream must be a numpy.random.RandomState, got {value!r}")
        self._state_of(item).set_value(copied_state(value), borrow=True)


def _checked_seed(seed: Any) -> Any:
    if seed is None:
        return int(np.random.RandomState().randint(2**30))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"RandomStreams: the seed must be an integer or None, got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"RandomStreams: the seed must be from 0 to 2**32 - 1, got {seed}")
    return int(seed)
