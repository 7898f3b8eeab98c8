"""States of MT19937 that are copied as memory: the numbers, pickles and errors are NumPy's own."""

import copy
import pickle

import numpy as np
import pytest

from theano.tensor import twister
from theano.tensor.random_state import copied_state
from theano.tensor.twister import copy_of_mt19937


def used(seed, normals=0, words=0):
    state = np.random.RandomState(seed)
    state.normal(size=normals)
    state.bytes(4 * words)
    return state


def drawn(state):
    """Numbers of several kinds: normals keep a second one for later, the others take words of different sizes."""
    return [
        *state.normal(size=3), *state.uniform(size=700), *state.normal(size=2), *state.randint(9, size=5),
        *state.gamma(2.0, size=3), *state.permutation(6),
    ]  # fmt: skip


@pytest.fixture(params=["memory", "NumPy"])
def layout(request, monkeypatch):
    """As it is here, and as it would be where memory is laid out in another way."""
    if request.param == "NumPy":
        monkeypatch.setattr(twister, "_twister", lambda: None)
    return request.param


@pytest.mark.parametrize("normals", [0, 1, 2])
@pytest.mark.parametrize("words", [0, 1, 623, 624, 625, 2000])
def test_copies_go_on_alike(layout, normals, words):
    state = used(3, normals, words)
    expected = drawn(used(3, normals, words))
    first = copy_of_mt19937(state)
    second = copy_of_mt19937(first)
    assert drawn(first) == expected
    assert drawn(second) == expected
    third = copy_of_mt19937(first)
    assert drawn(third) == drawn(first) != expected
    assert drawn(state) == expected


def test_memory_is_laid_out_as_expected_here():
    """Else every draw would be slow, and no other test would show it."""
    assert twister._twister() is not None


def test_layouts_that_do_not_fit_are_found_out(monkeypatch):
    plain = np.random.MT19937

    class Shuffled(plain):
        @property
        def state(self):
            inside = plain.state.__get__(self)
            inside["state"]["key"] = inside["state"]["key"][::-1].copy()
            return inside

        @state.setter
        def state(self, value):
            value = copy.deepcopy(value)
            value["state"]["key"] = value["state"]["key"][::-1].copy()
            plain.state.__set__(self, value)

    Shuffled.__name__ = "MT19937"
    monkeypatch.setattr(np.random, "MT19937", Shuffled)
    assert twister._twister.__wrapped__() is None


def test_pickles_and_deep_copies_are_those_of_numpy(layout):
    state = copy_of_mt19937(used(5, 1, 100))
    text = pickle.dumps(state)
    assert b"theano" not in text
    expected = drawn(used(5, 1, 100))
    for made in (pickle.loads(text), copy.deepcopy(state), copy.copy(state)):
        assert drawn(made) == expected


def test_seeds_and_states_are_set_as_usual(layout):
    state = copy_of_mt19937(used(1))
    state.seed(8)
    assert drawn(state) == drawn(np.random.RandomState(8))
    for form in (True, False):
        state.set_state(used(9, 1).get_state(legacy=form))
        assert drawn(state) == drawn(used(9, 1))
        other = np.random.RandomState()
        other.set_state(state.get_state(legacy=form))
        assert drawn(other) == drawn(state)
    name, key, place, *_ = used(4).get_state()
    state.set_state((name, key.tolist(), np.int64(place)))
    assert drawn(state) == drawn(used(4))


@pytest.mark.parametrize(
    "change", [{"bit_generator": "PCG64"}, {"state": {"key": np.zeros(3, "uint32"), "pos": 0}}, {"state": {}}]
)
def test_wrong_states_are_refused(change):
    plain = used(1)
    state = copy_of_mt19937(plain)
    wrong = {**plain.get_state(legacy=False), **change}
    errors = []
    for one in (plain, state):
        with pytest.raises((ValueError, KeyError, IndexError, TypeError)) as caught:
            one.set_state(wrong)
        errors.append(caught.type)
    assert errors[0] is errors[1]


def test_states_of_other_generators_are_copied_too():
    state = np.random.RandomState(np.random.PCG64(3))
    state.normal()
    copied = copied_state(state)
    assert type(copied._bit_generator) is np.random.PCG64
    assert drawn(copied) == drawn(state)
