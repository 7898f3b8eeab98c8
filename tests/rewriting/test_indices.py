"""Indices put together and compared, against NumPy on axes of all short lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from theano.rewriting.indices import apart, composed, needed, plain, within

BOUNDS = [None, 0, 1, 2, 4, -1, -3]
SLICES = [plain((a, b, c)) for a in BOUNDS for b in BOUNDS for c in (None, 1, 2, 3, -1, -2)]
POSITIONS = [0, 1, 3, -1, -2]
LENGTHS = range(7)


def at(x: np.ndarray, entry: Any) -> Any:
    return x[slice(*entry)] if isinstance(entry, tuple) else x[entry]


@pytest.mark.parametrize("n", LENGTHS)
def test_a_slice_of_a_slice(n: int) -> None:
    x, found = np.arange(n), 0
    for first in SLICES:
        for then in SLICES:
            both = composed(first, then)
            if both is not None:
                found += 1
                assert np.array_equal(at(x, both), at(at(x, first), then)), (first, then, both)
    assert found > 3000


@pytest.mark.parametrize("n", LENGTHS)
def test_a_position_of_a_slice_and_what_it_needs(n: int) -> None:
    x = np.arange(n)
    for first in SLICES:
        for position in POSITIONS:
            taken = at(x, first)
            inside = -len(taken) <= position < len(taken)
            both, last = composed(first, position), needed(first, position)
            if last is not None:
                assert (n > last) == inside, (first, position, last)
            if both is not None and inside:
                assert at(x, both) == taken[position], (first, position, both)


@pytest.mark.parametrize("n", LENGTHS)
def test_elements_that_two_indices_share(n: int) -> None:
    x = np.arange(n)
    for read in SLICES + POSITIONS:
        for written in SLICES + POSITIONS:
            try:
                taken, region = at(x, read), at(x, written)
            except IndexError:
                continue
            if apart([read], [written]):
                assert not set(np.atleast_1d(taken)) & set(np.atleast_1d(region)), (read, written)
            inner = within([read], [written])
            if inner is not None:
                assert np.array_equal(at(region, inner[0]) if inner else region, taken), (read, written, inner)


@pytest.mark.parametrize("n", LENGTHS)
def test_slices_with_steps_become_one(n: int) -> None:
    x = np.arange(n)
    for first in [plain((a, b, c)) for a in (None, 1, 2) for b in (None, 0, 3, 5) for c in (2, 3)]:
        for then in [plain((a, b, c)) for a in (None, 1, 2) for b in (None, 0, 1, 4) for c in (None, 2, 5)]:
            both = composed(first, then)
            assert both is not None and np.array_equal(at(x, both), at(at(x, first), then)), (first, then, both)
    far = (None, None, 2**30)
    assert composed(composed(far, (None, None, 2)), far) is None   # too far to be counted safely
