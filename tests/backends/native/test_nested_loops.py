"""Loops in a loop that are one function of machine code: against the reference backend, and step by step."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.backends.native import loop_image
from theano.backends.native.loop_nest_text import MOST_INSIDE
from theano.backends.native.loop_plan import Plan
from theano.backends.native.loop_registers import RegisterLoop
from theano.lowering.program import LoopStep

MODES = ["FAST_RUN", "reference"]


def nests(function):
    """How many loops are written into the code of others."""
    loops = [step for step in function.program.all_steps() if isinstance(step, LoopStep)]
    found = [RegisterLoop(loop, Plan(loop)) for loop in loops]
    return sum(len(loop.nesting.nests) for loop in found if loop.fits)


def step_by_step(monkeypatch, *args, **kwargs):
    """A function whose loops run in the general way."""
    with monkeypatch.context() as patch:
        patch.setattr(RegisterLoop, "code", lambda self, optimize: (0, 0))
        patch.setattr(RegisterLoop, "starts_at_once", lambda self: False)
        patch.setattr(loop_image, "place_words", lambda loop, offset: [])
        return theano.function(*args, **kwargs)


def called(function, arguments):
    """What it returns, or what it says went wrong, and where."""
    try:
        return function(*arguments)
    except (ValueError, IndexError) as error:
        return str(error).split("Apply node")[0]


class Nested:
    """A random loop over numbers and vectors with a loop inside, at times with another one inside that."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)
        self.dtype = ["float64", "float32", "int32", "float64", "int64", "float32"][seed % 6]
        self.whole = self.dtype.startswith("int")
        self.deep = seed % 4 == 3
        self.vectors = seed % 3 != 0
        self.reduces = self.vectors and seed % 5 > 1
        self.long = [1, 2, 3, 5, 8, 9, 16, 17, 40][seed % 9]
        self.steps = [0, 1, 2, 7, 30][seed // 3 % 5]
        self.inside = [0, 1, 2, 5][seed // 2 % 4]

    def choose(self, things):
        return things[self.rng.randint(len(things))]

    def some(self, shape, low=-1.0, high=1.0):
        made = self.rng.randint(-3, 4, shape) if self.whole else self.rng.uniform(low, high, shape)
        return np.asarray(made, self.dtype)

    def mixed(self, a, b):
        made = [a * 2 - b, tt.maximum(a, b), tt.switch(a > b, a, -b)]
        if not self.whole:
            made += [tt.tanh(a - b), a * 0.5 + b * 0.25]
        mixed = self.choose(made)
        return tt.cast(mixed % 1000 if self.whole else mixed, self.dtype)

    def inner(self, a, v, number, sequences, counts, table, depth=1):
        """(new number, new vector, the rows of the numbers, how many steps were made)"""
        rng, xs, count = self.rng, self.choose(sequences), self.choose(counts)
        wanted, ends = rng.randint(4), rng.randint(3) == 0

        def step(state, row=number):
            a, v, j = state
            new = self.mixed(self.mixed(a, row), number)
            if wanted == 1:
                new = self.mixed(new, table[j % 4 - 2])
            if wanted == 2 and self.reduces:
                new = self.mixed(new, tt.cast((v * v).sum() % 100, self.dtype))
            vector = self.mixed(v, new)
            if depth and self.deep:
                new, vector, _, _ = self.inner(new, vector, row, [None], counts, table, depth - 1)
            return (new, vector, j + 1), new

        state = a, v, tt.constant(0, dtype="int64")
        stop = (lambda state: state[0] > number) if ends else None
        last, rows = theano.loop(step, state, xs, None if xs is not None else count, stop)
        return last[0], last[1], rows, last[2]

    def build(self):
        def kind(ndim, dtype=self.dtype):
            return tt.TensorType(dtype, (None,) * ndim)()

        numbers, matrix, several = kind(1), kind(2), kind(1, "int64")
        a, v, row, table, count = kind(0), kind(1), kind(1), kind(1), kind(0, "int64")
        keeps, form = self.rng.randint(2), self.rng.randint(2)

        def step(number, line, many, a, v):
            counts = [count, 3] if keeps else [count, 3, many]
            new, vector, rows, made = self.inner(a, v, number, [None, row, line, row[::-1]], counts, table)
            found = [self.mixed(new, number), self.mixed(vector, new) if form else vector, new, made]
            return [*found, rows] if keeps else found

        start = v if self.vectors else v[0]
        infos = [a, start, None, None, *([None] if keeps else [])]
        outputs, _ = theano.scan(step, [numbers, matrix, several], infos)
        if self.rng.randint(2):
            outputs = [outputs[0], outputs[1][-1:], *outputs[2:]]
        return [numbers, matrix, several, a, v, row, table, count], outputs

    def values(self):
        n, m = self.steps, self.inside
        found = [self.some(n), self.some((n, m)), self.rng.randint(0, 5, n), self.some(()), self.some(self.long)]
        return [*found, self.some(m), self.some(4), np.asarray(m)]


@pytest.mark.parametrize("seed", range(120))
def test_random_nests(seed, monkeypatch):
    loop = Nested(seed)
    variables, outputs = loop.build()
    values = loop.values()
    function = theano.function(variables, outputs, on_unused_input="ignore")
    reference = theano.function(variables, outputs, mode="reference", on_unused_input="ignore")
    slow = step_by_step(monkeypatch, variables, outputs, on_unused_input="ignore")
    backwards = [np.repeat(v, 2, axis=-1)[..., ::-2][..., ::-1] if v.ndim else v for v in values]
    tolerance = 1e-4 if loop.dtype == "float32" else 1e-10
    turned = [np.asfortranarray(v) if v.ndim else v for v in values]
    for arguments in (values, turned, backwards):
        expected = called(reference, arguments)
        if isinstance(expected, str):  # the results of the loop inside are not of one length
            assert called(function, arguments) == expected == called(slow, arguments)
            continue
        for got, right, same in zip(function(*arguments), expected, slow(*arguments), strict=True):
            assert got.dtype == right.dtype and got.shape == right.shape
            np.testing.assert_allclose(got, right, rtol=tolerance, atol=tolerance)
            np.testing.assert_array_equal(got, same)
    NESTED.append(nests(function) > 0)


NESTED = []


def test_most_of_them_were_nested():
    """Of those that ran before this test; two results of different lengths are no rows of one array."""
    assert not NESTED or sum(NESTED) > 0.6 * len(NESTED)


# ---- lengths and numbers of steps

x, y, a = tt.dvectors("x", "y", "a")
m = tt.dmatrix("m")
n, k = tt.lscalars("n", "k")
counts = tt.lvector("counts")


def powers(s, rows):
    """A recurrence over some rows."""
    return theano.loop(lambda s, v: (0.5 * s + v, 0.5 * s), s, rows)


def both(variables, outputs):
    """(native, reference); the first has loops in loops."""
    native = theano.function(variables, outputs)
    assert nests(native)
    return native, theano.function(variables, outputs, mode="reference")


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1), (1, 0), (40, 7)])
@pytest.mark.parametrize("turn", [(1, 1), (-1, 1), (1, -1), (-2, -3)])
def test_rows_of_any_length_and_direction(shape, turn):
    def step(s, row):
        last, rows = powers(s, row)
        return last, (last, rows)

    end, (lasts, rows) = theano.loop(step, tt.constant(1.0, dtype="float64"), m[:: turn[0], :: turn[1]])
    native, reference = both([m], [end, lasts, rows])
    values = np.random.RandomState(1).normal(size=shape)
    for given in (values, np.asfortranarray(values), np.repeat(values, 2, 0)[::2], values[::-1, ::-1]):
        for got, right in zip(native(given), reference(given), strict=True):
            assert got.shape == right.shape
            np.testing.assert_allclose(got, right, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "int8", "uint8", "bool"])
def test_dtypes(dtype):
    rows, start = tt.matrix("rows", dtype), tt.scalar("start", dtype)

    def add(s, v):
        return tt.cast(tt.or_(s, v) if dtype == "bool" else s * 3 + v, dtype)

    def step(s, row):
        last, kept = theano.loop(lambda s, v: (add(s, v), s), s, row)
        return add(last, last), (last, kept)

    outputs = theano.loop(step, start, rows)
    native, reference = both([rows, start], [outputs[0], *outputs[1]])
    values = np.random.RandomState(2).randint(0, 2, (9, 4)).astype(dtype)
    for got, right in zip(native(values, values[0, 0]), reference(values, values[0, 0]), strict=True):
        assert got.dtype == right.dtype == dtype
        np.testing.assert_array_equal(got, right)


def collatz(start):
    return theano.while_loop(
        lambda s: s[1] > 1,
        lambda s: (s[0] + 1, tt.switch(tt.eq(s[1] % 2, 0), s[1] // 2, 3 * s[1] + 1)),
        (tt.constant(0, dtype="int64"), start),
    )[0]


def test_a_while_loop_inside():
    total, each = theano.loop(lambda s, c: (s + collatz(c), collatz(c)), tt.constant(0, dtype="int64"), counts)
    native, reference = both([counts], [total, each])
    for given in ([], [1], [1, 1, 2], range(1, 300), [27, 1, 0, -5]):
        given = np.asarray(list(given), "int64")
        for got, right in zip(native(given), reference(given), strict=True):
            np.testing.assert_array_equal(got, right)


def test_vectors_and_several_loops_beside_each_other():
    def step(c, v, w):
        v, _ = theano.loop(lambda v: (tt.tanh(v * 0.9 + w), None), v, n_steps=c)
        p, _ = theano.loop(lambda p: (p - 0.1 * p * (v * v).sum(), None), v, n_steps=3)
        return v + 0.1 * p

    vs, _ = theano.scan(step, counts, x, y)
    native, reference = both([counts, x, y], vs)
    for long in (1, 2, 3, 7, 8):
        values = np.random.RandomState(long).normal(size=(2, long))
        for given in ([0, 0], [3, 0, 1, 7], [0, 5], []):
            given = np.asarray(given, "int64")
            np.testing.assert_allclose(native(given, *values), reference(given, *values), rtol=1e-12)


def test_lengths_that_differ_where_a_loop_inside_made_no_step_before():
    """The first step of the loop inside, which checks them, comes later."""
    vs, _ = theano.scan(
        lambda c, v, w: theano.loop(lambda v: (v + w, None), v, n_steps=c)[0], counts, x, y
    )
    native, reference = both([counts, x, y], vs)
    for wrong in (np.ones(3), np.ones(1), np.ones(0)):
        given = (np.array([0, 0, 2, 0]), np.ones(2), wrong)
        assert called(native, given) == called(reference, given)
        assert "In step 2" in called(native, given)
        np.testing.assert_array_equal(native(given[0] * 0, *given[1:]), np.ones((4, 2)))


# ---- errors


def take(s, j):
    return theano.loop(lambda s, i: (s + x[i + j], None), s, tt.arange(3))[0]


ERRORS = {
    "a position": (lambda: theano.scan(lambda c, s: take(s, c), counts, tt.zeros((), "float64")), IndexError),
    "a negative number of steps": (
        lambda: theano.scan(
            lambda c, s: theano.loop(lambda s: (s * 0.5 + x[0], None), s, n_steps=3 - c)[0], counts,
            tt.zeros((), "float64")), ValueError),
    "rows of several lengths": (
        lambda: theano.scan(lambda c: theano.loop(lambda s: (s * 0.5 + x[0], s), x[0], n_steps=1 + c // 4)[1], counts),
        ValueError),
    "the last of no rows": (
        lambda: theano.scan(
            lambda c, s: theano.scan(lambda s: s * 0.5 + x[0], None, [s], n_steps=abs(c - 4))[0][-1], counts,
            tt.zeros((), "float64")), IndexError),
}  # fmt: skip


@pytest.mark.parametrize("what", ERRORS)
def test_errors_name_the_steps(what):
    build, kind = ERRORS[what]
    outputs, _ = build()
    native = theano.function([counts, x], outputs)
    reference = theano.function([counts, x], outputs, mode="reference")
    given = np.array([0, 1, 2, 0, 3, 1, 4, 0, 1, 2]), np.arange(5.0)
    with pytest.raises(kind):
        native(*given)
    assert called(native, given) == called(reference, given)
    assert "In step " in called(native, given)
    assert __file__ in called(native, given) or what == "rows of several lengths"
    fine = given[0] % 3, given[1]
    np.testing.assert_allclose(native(*fine), reference(*fine), rtol=1e-14)


# ---- long loops


def test_long_loops_inside_go_another_way_and_back():
    def step(s, c):
        last, _ = theano.loop(lambda s: (s * 3 + 1, None), s, n_steps=c)
        _, found = theano.while_loop(lambda s: s[0] < c, lambda s: (s[0] + 1, s[1] * 5 + c), (0 * c, s))
        return last + found, found

    last, each = theano.loop(step, tt.constant(0, dtype="int64"), counts)
    native = theano.function([counts], [last, each])
    assert nests(native) == 2
    given = np.array([3, MOST_INSIDE, 2, MOST_INSIDE + 1, 5, 0, 1, MOST_INSIDE - 1, 2 * MOST_INSIDE, 7, 7])
    expected, s = [], 0
    for c in given.tolist():
        p, q = pow(3, c, 2**65), pow(5, c, 2**66)
        last = (s * p + (p - 1) // 2) % 2**64
        terms = (s * q + c * ((q - 1) // 4)) % 2**64
        s = (last + terms) % 2**64
        expected.append(terms)
    got = native(given)
    assert int(got[0]) % 2**64 == s
    assert [v % 2**64 for v in got[1].tolist()] == expected


ENDLESS = {
    "one loop": lambda: theano.loop(
        lambda s: (theano.while_loop(lambda v: v > -1, lambda v: v * 0.5, s), None), x[0], n_steps=n)[0],
    "all of them": lambda: theano.loop(
        lambda s: (theano.loop(lambda v: (v * 0.5, None), s, n_steps=1000)[0], None), x[0], n_steps=n)[0],
    "three deep": lambda: theano.loop(
        lambda s: (theano.loop(
            lambda s: (theano.loop(lambda v: (v * 0.5, None), s, n_steps=9)[0], None), s, n_steps=n)[0], None),
        x[0], n_steps=n)[0],
}  # fmt: skip


@pytest.mark.parametrize("what", ENDLESS)
def test_can_be_interrupted(what):
    function = theano.function([x, n], ENDLESS[what]())
    assert nests(function)
    function([1.0], 0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            function([1.0], 10**9)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 10


# ---- gradients


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", ["rows", "fixed", "vectors", "until"])
def test_gradients(form, mode):
    rng = np.random.RandomState(4)

    def cost(m, y, s):
        def step(s, row):
            if form == "vectors":
                last, _ = theano.loop(lambda v: (tt.tanh(v * 0.8 + y * row), None), s, n_steps=3)
                return last, last.sum()
            rows = y if form == "fixed" else row
            stop = (lambda s: s > 0.7) if form == "until" else None
            last, kept = theano.loop(lambda s, v: (tt.tanh(s * v + row[0]), s * v), s, rows, until=stop)
            return last, (kept**2).sum() + last

        last, costs = theano.loop(step, s, m)
        return (costs**2).sum() + last.sum()

    start = rng.normal(size=(3,) if form == "vectors" else ())
    points = [rng.normal(size=(4, 3)), rng.normal(size=3), start]
    theano.gradient.verify_grad(cost, points, rng=rng, mode=mode)
