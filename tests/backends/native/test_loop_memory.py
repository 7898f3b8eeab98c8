"""Loops in a loop that keep vectors over their steps in memory: against the reference backend, and step by step."""

import numpy as np
import pytest
from tests.backends.native.test_nested_loops import called, nests, step_by_step

import theano
import theano.tensor as tt
from theano.backends.native.loop_nest_text import MOST_INSIDE


class Backwards:
    """A random recurrence in a recurrence, and its gradients."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)
        self.dtype = ["float64", "float32"][seed % 2]
        self.form = seed // 2 % 4
        self.has_sine = False  # of a single float64 its bits in registers are others, with loops inside and without

    def mixed(self, a, b):
        made = [
            a * b, a / (1 + b * b), tt.tanh(a - b), a * 0.5 + b * 0.25, tt.maximum(a, 0.5 * b), tt.sin(a) + b,
            tt.switch(a > b, a * 0.75, -b),
        ]  # fmt: skip
        chosen = self.rng.randint(len(made))
        self.has_sine = self.has_sine or chosen == 5
        return tt.cast(made[chosen], self.dtype)

    def build(self):
        def kind(ndim):
            return tt.TensorType(self.dtype, (None,) * ndim)()

        xs, ys, rows, w, start, count = kind(1), kind(1), kind(2), kind(0), kind(0), tt.lscalar()

        def inner(h, x, y=None):
            h = self.mixed(self.mixed(h, x if y is None else y), w)
            return self.mixed(h, x) + w * h, h

        def outer(h, both):
            x, row = both
            if self.form == 0:
                last, kept = theano.loop(lambda h, y: inner(h, x, y), h, ys)
            elif self.form == 1:
                last, kept = theano.loop(lambda h, y: inner(h, x, y), h, ys[::-1])
            elif self.form == 2:
                last, kept = theano.loop(lambda h, y: inner(h, x, y), h, row)
            else:
                last, kept = theano.loop(lambda h: inner(h, x), h, n_steps=count)
            last = self.mixed(last, x)
            return last, last + kept.sum() if self.rng.randint(2) else last

        last, states = theano.loop(outer, start, (xs, rows))
        wrt = [xs, w, start, *([ys] if self.form < 2 else [rows] if self.form == 2 else [])]
        cost = tt.cast(states.sum() + last * last, self.dtype)
        return [xs, ys, rows, w, start, count], [cost, *theano.grad(cost, wrt)]

    def values(self, n, m):
        rng = self.rng
        made = [rng.uniform(-1, 1, size) for size in (n, m, (n, m), (), ())]
        return [*(np.asarray(value, self.dtype) for value in made), np.asarray(m)]


NESTED = []


@pytest.mark.parametrize("seed", range(48))
def test_random_gradients(seed, monkeypatch):
    loop = Backwards(seed)
    variables, outputs = loop.build()
    function = theano.function(variables, outputs, on_unused_input="ignore")
    reference = theano.function(variables, outputs, mode="reference", on_unused_input="ignore")
    slow = step_by_step(monkeypatch, variables, outputs, on_unused_input="ignore")
    tolerance = 1e-3 if loop.dtype == "float32" else 1e-9
    for n, m in ((0, 3), (1, 1), (1, 4), (3, 0), (2, 1), (7, 5), (4, 33)):
        values = loop.values(n, m)
        backwards = [np.repeat(v, 2, axis=-1)[..., ::-2] if v.ndim else v for v in values]
        for arguments in (values, backwards):
            expected = called(reference, arguments)
            if isinstance(expected, str):
                assert called(function, arguments) == expected
                continue
            for got, right, same in zip(function(*arguments), expected, slow(*arguments), strict=True):
                assert got.dtype == right.dtype and got.shape == right.shape
                np.testing.assert_allclose(got, right, rtol=tolerance, atol=tolerance)
                if not (loop.has_sine and loop.dtype == "float64"):
                    np.testing.assert_array_equal(got, same)
    NESTED.append(nests(function))


def test_loops_backwards_were_nested():
    """Of those that ran before this test: the loop forwards and the one backwards, and more in the latter."""
    assert not NESTED or sum(count >= 3 for count in NESTED) > 0.4 * len(NESTED)


x, y = tt.dvectors("x", "y")
counts = tt.lvector("counts")


def summed(state, c):
    """A loop whose rows are added to what is carried; it may fail after these have been made."""
    s, total = state
    rows, _ = theano.scan(lambda y_j, h: h * 0.5 + y_j + s, y, tt.zeros((), "float64"))
    rest, _ = theano.scan(lambda m, h: tt.tanh(h * m), rows[::-1] * 2, s)
    new = rest[-1] + x[c]
    return (new, total + rest[::-1] + rows), new


def test_an_error_after_rows_were_made():
    (s, total), each = theano.loop(summed, (tt.ones((), "float64"), tt.zeros_like(y)), counts)
    outputs = [s, total, each]
    native, reference = (theano.function([counts, x, y], outputs, mode=mode) for mode in ("FAST_RUN", "reference"))
    assert nests(native) == 2
    values = np.arange(4.0), np.linspace(-1, 1, 5)
    for got, right in zip(native([0, 3, 1, 2], *values), reference([0, 3, 1, 2], *values), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-13)
    wrong = (np.array([0, 3, 1, 2, 4, 1]), *values)
    assert called(native, wrong) == called(reference, wrong)
    assert "In step 4" in called(native, wrong)


def test_steps_that_are_left_to_the_general_way_add_once(monkeypatch):
    """Loops inside of more steps than are made at once; and what is carried is the same to the last bit."""

    def step(h, x_k):
        last, _ = theano.loop(lambda h, y_j: (h * y_j + x_k / (1 + h * h), None), h, y)
        return last, last

    states = theano.loop(step, tt.constant(0.0, dtype="float64"), x)[1]
    outputs = theano.grad(states.sum(), [x, y])
    function = theano.function([x, y], outputs)
    assert nests(function) >= 3
    slow = step_by_step(monkeypatch, [x, y], outputs)
    rng = np.random.RandomState(0)
    for long in (100, MOST_INSIDE, MOST_INSIDE + 1):
        values = rng.normal(size=4), rng.uniform(-0.5, 0.5, long)
        for got, same in zip(function(*values), slow(*values), strict=True):
            np.testing.assert_array_equal(got, same)
