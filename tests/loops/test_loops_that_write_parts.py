"""Loops whose state or shared values are written part by part, in place or not: the values are the reference's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T

X = np.random.default_rng(3).normal(size=(5, 4))
x, i, v = T.dmatrix("x"), T.lvector("i"), T.dvector("v")

WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "slice": lambda s, k: T.set_subtensor(s[1:3, 1:], s.sum() * 0.1 + k),
    "slice, rows": lambda s, k: T.inc_subtensor(T.set_subtensor(s[1:3], s.sum() * 0.1 + k)[i], v),
    "rows, row": lambda s, k: T.set_subtensor(T.inc_subtensor(s[i], v)[k], 1.0),
    "row, all": lambda s, k: T.tanh(T.set_subtensor(s[k], v)),
    "row of the row before": lambda s, k: T.set_subtensor(s[k], s[k - 1] * 2 + 1),
    "row, column": lambda s, k: T.set_subtensor(T.set_subtensor(s[k], v)[:, 0], v[0]),
}
ARGUMENTS = [(X, np.array([0, 0, 3]), np.arange(4.0)), (X[::-1], np.array([4, -1, 0]), np.arange(4.0) + 1)]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("last", [False, True])
def test_state(write: str, last: bool) -> None:
    states, _ = theano.scan(lambda k, s: WRITES[write](s, k), sequences=T.arange(5), outputs_info=x)
    result = states[-1] if last else states
    native, reference = (
        theano.function([x, i, v], result, mode=mode, on_unused_input="ignore") for mode in (None, "reference")
    )
    for arguments in ARGUMENTS:
        before = [a.copy() for a in arguments]
        np.testing.assert_allclose(native(*arguments), reference(*arguments), rtol=1e-12)
        for a, b in zip(arguments, before, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("held", [False, True])
def test_shared_values(write: str, held: bool) -> None:
    found = []
    for mode in (None, "reference"):
        shared = theano.shared(X.copy(), name="shared")
        holder = shared.get_value(borrow=True, return_internal_type=True) if held else None
        sums, updates = theano.scan(
            lambda k, s=shared: (s[0].sum() + k, {s: WRITES[write](s, k)}), sequences=T.arange(5)
        )
        f = theano.function([i, v], sums, updates=updates, mode=mode, on_unused_input="ignore")
        results = [f(*arguments[1:]) for arguments in ARGUMENTS]
        if holder is not None:
            np.testing.assert_array_equal(holder, X)
        found.append([*results, shared.get_value()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_memory_that_is_written_in_place_is_not_given_back_while_it_is_in_use() -> None:
    """The state's memory was freed in the second step, while the third one wrote into it."""
    states, _ = theano.scan(
        lambda k, s: T.tanh(T.set_subtensor(s[k], v)), sequences=T.arange(40) % 5, outputs_info=x
    )
    native, reference = (theano.function([x, v], states[-1], mode=mode) for mode in (None, "reference"))
    expected = reference(X, np.arange(4.0))
    kept = [native(X, np.arange(4.0)) for _ in range(100)]
    for got in kept:
        np.testing.assert_allclose(got, expected, rtol=1e-12)
