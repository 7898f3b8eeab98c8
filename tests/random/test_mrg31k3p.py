"""The recurrence of MRG31k3p, and skipping ahead in it."""

import numpy as np
import pytest

import theano
from theano.sandbox import mrg31k3p as mrg

START = np.array([12345] * 6, dtype="int32")


def step(state):
    new = np.empty(6, "int32")
    return new, mrg.mrg_next_value(state, new, mrg.NORM, np.int32(-1), np.int32(0))


def test_one_step_is_one_application_of_the_matrices():
    state = START
    for _ in range(50):
        moved, number = step(state)
        np.testing.assert_array_equal(moved, mrg.multMatVect(state, mrg._A1, mrg.M1, mrg._A2, mrg.M2))
        assert 0 < number <= 1
        state = moved


def test_powers_are_repeated_steps():
    state = START
    for _ in range(2**6):
        state, _ = step(state)
    powers = [mrg._power(a, 6, int(m)) for a, m in ((mrg._A1, mrg.M1), (mrg._A2, mrg.M2))]
    np.testing.assert_array_equal(mrg.multMatVect(START, powers[0], mrg.M1, powers[1], mrg.M2), state)


def test_skips_commute_with_steps():
    for skip in (mrg.ff_2p72, mrg.ff_2p134):
        np.testing.assert_array_equal(step(skip(START))[0], skip(step(START)[0]))
        assert (skip(START) != START).any()


def test_numbers_are_uniform():
    state, numbers = START, []
    for _ in range(5000):
        state, number = step(state)
        numbers.append(number)
    assert abs(np.mean(numbers) - 0.5) < 4 / np.sqrt(12 * 5000)


def test_dot_modulo(mode):
    arguments = (mrg.A1p72, START[:3], mrg.M1, mrg.A2p72, START[3:], mrg.M2)
    out = mrg.DotModulo()(*arguments)
    np.testing.assert_array_equal(theano.function([], out, mode=mode)(), mrg.ff_2p72(START))
    with pytest.raises(TypeError, match="s must be integers"):
        mrg.DotModulo()(mrg.A1p72, 3, *arguments[2:])
