"""NumPy's generator MT19937 with a state that is read and written in one go.

Every draw of a stream copies the state of its generator (a failed call must leave it as it was). NumPy reads and writes
the 624 words of a state one by one as Python objects, which takes longer than drawing a few thousand numbers. Here they
are copied as memory. Where NumPy keeps them is not documented: it is verified once in a process, and if it is not as
expected the generators are NumPy's own.

`numpy.random` is not loaded before the first state is copied.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

_WORDS = 624


class _NoEntropy:
    """Stands for a seed where the state is set afterwards: the system is not asked for one."""

    _ones = [1] * _WORDS   # of a list NumPy takes the items fastest

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return self._ones if n_words == _WORDS else np.ones(n_words, dtype)


@cache
def _no_entropy() -> Any:
    np.random.bit_generator.ISeedSequence.register(_NoEntropy)
    return _NoEntropy()


@cache
def _twister() -> type[Any] | None:
    """The class of generators with fast states; None where memory is not laid out as expected."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer = type(pointer)(("PyCapsule_GetPointer", ctypes.pythonapi))  # argument types of our own
    by_numpy: Any = np.random.MT19937.state
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

    class MT19937(np.random.MT19937):  # NumPy wants this name in a state
        """The first word of a capsule's `bitgen_t` points to the state: 624 words, and the place among them."""

        def __init__(self) -> None:
            super().__init__(_no_entropy())
            state = ctypes.c_void_p.from_address(pointer(self.capsule, b"BitGenerator")).value
            assert state is not None
            memory: Any = (ctypes.c_uint32 * (_WORDS + 1)).from_address(state)
            self._memory = np.frombuffer(memory, np.uint32)

        @property
        def state(self) -> Any:
            key, place = self._memory[:_WORDS].copy(), int(self._memory[_WORDS])
            return {"bit_generator": "MT19937", "state": {"key": key, "pos": place}}

        @state.setter
        def state(self, value: Any) -> None:
            match value:
                case {"bit_generator": "MT19937", "state": {"key": np.ndarray() as key, "pos": int(place)}} if (
                    key.shape == (_WORDS,) and key.dtype == np.uint32 and 0 <= place <= _WORDS
                ):
                    self._memory[:_WORDS] = key
                    self._memory[_WORDS] = place
                case _:  # anything that NumPy may accept, or refuse
                    by_numpy.__set__(self, value)

        def __reduce__(self) -> Any:
            plain = np.random.MT19937(0)  # so that a pickle is NumPy's own, and can be read without this package
            plain.state = self.state
            return plain.__reduce__()

    plain = np.random.MT19937(1)
    plain.random_raw(700)
    try:
        made = MT19937()
        by_numpy.__set__(made, plain.state)
        seen = made.state["state"]
    except (AttributeError, TypeError, ValueError, AssertionError):
        return None
    expected = plain.state["state"]
    fits = seen["pos"] == expected["pos"] and np.array_equal(seen["key"], expected["key"])
    return MT19937 if fits else None


def copy_of_mt19937(state: Any) -> Any:
    """A RandomState of its own, on MT19937, that goes on as the RandomState `state` on MT19937 would."""
    twister = _twister()
    made = np.random.RandomState(np.random.MT19937(0) if twister is None else twister())
    made.set_state(state.get_state(legacy=False))
    return made
