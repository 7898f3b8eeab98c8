"""Arithmetic of lengths: it folds what is known and agrees with Python's slices on what is not."""

import itertools

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor import lengths as L
from theano.tensor.scalar_constants import static_int

BOUNDS = [None, -9, -4, -3, -1, 0, 1, 3, 4, 9]
STEPS = [None, 1, 2, 3, 7, -1, -2, -7]


def value(x, values):
    return x if isinstance(x, int) else int(evaluate([x], values)[0])


@pytest.mark.parametrize("n", [0, 1, 4, 7])
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_slices_of_known_numbers_and_unknown_length(step, n):
    length = T.lscalar()
    for start, stop in itertools.product(BOUNDS, BOUNDS):
        want = len(range(n)[start:stop:step])
        assert L.slice_length(start, stop, step, n) == want
        assert value(L.slice_length(start, stop, step, length), {length: np.asarray(n)}) == want


@pytest.mark.parametrize("n", [0, 1, 4])
def test_slices_of_unknown_numbers(n):
    a, b, c, length = T.lscalar(), T.lscalar(), T.lscalar(), T.lscalar()
    counts = L.slice_length(a, b, c, length)
    downwards = L.slice_length(None, None, c, length)
    for start, stop, step in itertools.product(BOUNDS[1:], BOUNDS[1:], STEPS[1:]):
        values = {a: np.asarray(start), b: np.asarray(stop), c: np.asarray(step), length: np.asarray(n)}
        assert value(counts, values) == len(range(n)[start:stop:step])
        assert value(downwards, values) == len(range(n)[::step])


def test_what_is_known_is_folded():
    n = T.lscalar()
    assert L.plus(2, 3) == 5 and L.minus(2, 3) == -1 and L.times(2, 3) == 6 and L.over(7, 2) == 3
    assert L.plus(n, 0) is n and L.times(1, n) is n and L.over(n, 1) is n and L.minus(n, n) == 0
    assert L.at_least(2, 3) == 3 and L.at_most(n, n) is n
    assert L.plus(T.constant(2), 3) == 5
    assert L.slice_length(None, None, None, n) is n
    assert L.product([2, n, 3]).owner is not None and L.product([]) == 1 and L.total([1, 2]) == 3


def test_broadcast_lengths():
    n, m = T.lscalar(), T.lscalar()
    assert L.broadcast_length([1, 3, 1]) == 3
    assert L.broadcast_length([1, n]) is n
    assert L.broadcast_length([n, 3]) == 3
    both = L.broadcast_length([n, m])
    for a, b in [(1, 4), (4, 1), (4, 4)]:
        assert value(both, {n: np.asarray(a), m: np.asarray(b)}) == 4


def test_only_integers_are_lengths():
    """Found by the fuzzer: a complex constant made a rule fail, and 0.9 behind a cast was taken as 0."""
    x = T.dvector("x")
    assert static_int(T.cast(T.constant(np.float32(0.9)), "float64")) is None
    assert static_int(T.cast(T.constant(np.complex64(2)), "complex128")) is None
    assert static_int(T.cast(T.constant(np.int8(3)), "int64")) == 3
    longest = T.maximum(x.shape[0], T.cast(T.constant(np.float32(0.5)), "float64"))
    assert theano.function([x], longest)(np.zeros(0)) == 0.5
