"""Loops that machine code goes over itself: numbers beside vectors, small reductions, elements and rows of tables."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.backends.native import loop_image
from theano.backends.native.loop_plan import Plan
from theano.backends.native.loop_registers import RegisterLoop
from theano.lowering.program import CallStep, LoopStep
from theano.scan_module import until

n = tt.lscalar("n")
RNG = np.random.RandomState(3)


def fits(function):
    loops = [step for step in function.program.all_steps() if isinstance(step, LoopStep)]
    return [RegisterLoop(loop, Plan(loop)).fits for loop in loops]


@pytest.fixture
def in_registers(monkeypatch):
    """How often code was made that goes over the steps."""
    made = []
    code = RegisterLoop.code
    monkeypatch.setattr(RegisterLoop, "code", lambda self, optimize: made.append(self) or code(self, optimize))
    return made


def step_by_step(monkeypatch, *args, **kwargs):
    """A function whose loops run in the general way."""
    with monkeypatch.context() as patch:
        patch.setattr(RegisterLoop, "code", lambda self, optimize: (0, 0))
        patch.setattr(loop_image, "place_words", lambda loop, offset: [])
        return theano.function(*args, **kwargs)


class Steps:
    """Random steps over a vector, a number and a position as states, with sequences and tables of all kinds."""

    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)
        self.dtype = ["float64", "float32"][seed % 2]
        self.long = [1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 70][seed % 14]
        self.count = [1, 2, 3, 40][seed // 7 % 4]
        self.reduces = seed % 3 > 0

    def choose(self, things):
        return things[self.rng.randint(len(things))]

    def number(self, numbers, vectors):
        a, b = self.choose(numbers), self.choose(numbers)
        made = [lambda: tt.tanh(a - b), lambda: a * 0.5 + b * 0.25, lambda: tt.switch(a > b, a, -b) * 0.5]
        if self.reduces:
            v, w = self.choose(vectors), self.choose(vectors)
            made += [
                lambda: (v * w).sum() * 0.1, lambda: tt.dot(v, w) * 0.1, lambda: v.max() * 0.5, lambda: v.min() * 0.5,
                lambda: (v * 0.5).prod(), lambda: tt.any(v > a) * 0.5, lambda: tt.all(v < a) * 0.25,
                lambda: v.mean(), lambda: tt.sqrt((v**2).sum() + 1) * 0.1, lambda: (v > 0).sum() * 0.1,
            ]  # fmt: skip
        return tt.cast(self.choose(made)(), self.dtype)

    def vector(self, numbers, vectors):
        v, w, a = self.choose(vectors), self.choose(vectors), self.choose(numbers)
        made = [tt.tanh(v * 0.5 + a), v * a + w * 0.5, tt.exp(-abs(v)) * a, tt.switch(v > w, w, a) * 0.5]
        return tt.cast(self.choose(made), self.dtype)

    def position(self, positions, numbers):
        i = self.choose(positions)
        return self.choose([(i * 3 + 1) % 5, -(abs(i) % 5) - 1, tt.cast(self.choose(numbers) > 0, "int64") + i % 4])

    def build(self):
        def kind(ndim, dtype=self.dtype):
            return tt.TensorType(dtype, (None,) * ndim)()

        def step(r, k, i, a, b, j, w, row, table):
            numbers, vectors, positions = [k, b], [r, a, w], [i, j]
            for _ in range(self.rng.randint(1, 4)):
                numbers.append(row[self.choose(positions)])
                vectors.append(table[self.choose(positions)])
                positions.append(self.position(positions, numbers))
                numbers.append(self.number(numbers, vectors))
                vectors.append(self.vector(numbers, vectors))
            last = tt.cast((positions[-1] + j) % 5, "int64")
            return vectors[-1] + a * 0.25, numbers[-1] + b * 0.25, last, vectors[-2] * numbers[-2], numbers[-1] * 2

        rows, ks, at = kind(2), kind(1), kind(1, "int64")
        a, b, j = kind(1), kind(0), kind(0, "int64")
        w, row, table = kind(1), kind(1), kind(2)
        outputs, _ = theano.scan(step, [rows, ks, at], [a, b, j, None, None], [w, row, table])
        if self.rng.randint(2):
            outputs = [outputs[0][-1], outputs[1][-1], outputs[2][-1], *outputs[3:]]  # some states are only carried
        return [rows, ks, at, a, b, j, w, row, table], outputs

    def values(self):
        rng, d = self.rng, self.long
        some = [(self.count, d), (self.count,), None, (d,), (), None, (d,), (5,), (5, d)]
        found = [None if s is None else np.asarray(rng.uniform(-1, 1, s), self.dtype) for s in some]
        found[2], found[5] = rng.randint(-5, 5, self.count), np.asarray(rng.randint(-5, 5))
        return found


@pytest.mark.parametrize("seed", range(84))
def test_random_steps(seed, monkeypatch, in_registers):
    steps = Steps(seed)
    variables, outputs = steps.build()
    values = steps.values()
    function = theano.function(variables, outputs, on_unused_input="ignore")
    reference = theano.function(variables, outputs, mode="reference", on_unused_input="ignore")
    slow = step_by_step(monkeypatch, variables, outputs, on_unused_input="ignore")
    expected = reference(*values)
    products = any(isinstance(step, CallStep) for step in function.program.all_steps())
    tolerance = 1e-4 if steps.dtype == "float32" else 1e-10
    turned = [np.asfortranarray(v) if v.ndim else v for v in values]
    backwards = [np.repeat(v, 2, axis=-1)[..., ::-2][..., ::-1] if v.ndim else v for v in values]
    for arguments in (values, turned, backwards):
        for got, right, same in zip(function(*arguments), expected, slow(*arguments), strict=True):
            assert got.dtype == right.dtype and got.shape == right.shape
            np.testing.assert_allclose(got, right, rtol=tolerance, atol=tolerance)
            # a product of vectors is BLAS's in the general way
            np.testing.assert_allclose(got, same, rtol=tolerance, atol=tolerance)
            assert products or np.array_equal(got, same)
    assert in_registers and all(fits(function))


def leapfrog(q, p):
    def energy(q):
        return np.asarray(0.5, q.dtype) * tt.log1p((q**2).sum())

    dt = np.asarray(0.1, q.dtype)
    p = p - dt / 2 * theano.grad(energy(q), q)
    q = q + dt * p
    return q, p - dt / 2 * theano.grad(energy(q), q)


@pytest.mark.parametrize("long", [1, 2, 5, 8, 9, 16, 17])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_leapfrog_is_what_it_is_without_a_loop(long, dtype):
    q, p = tt.vector("q", dtype), tt.vector("p", dtype)
    steps = 12
    (qs, ps), _ = theano.scan(leapfrog, None, [q, p], n_steps=steps)
    function = theano.function([q, p], [qs[-1], ps[-1]])
    last = q, p
    for _ in range(steps):
        last = leapfrog(*last)
    unrolled = theano.function([q, p], list(last))
    values = RNG.uniform(-1, 1, (2, long)).astype(dtype)
    for got, right in zip(function(*values), unrolled(*values), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_leapfrog_fits():
    q, p = tt.dvectors("q", "p")
    (qs, ps), _ = theano.scan(leapfrog, None, [q, p], n_steps=9)
    assert fits(theano.function([q, p], [qs[-1], ps[-1]])) == [True]
    # on which axis of two it reduces is more than one vector's business
    m = tt.dmatrix("m")
    rows, _ = theano.scan(lambda s: s - s.sum(axis=1, keepdims=True), None, m, n_steps=9)
    assert fits(theano.function([m], rows)) == [False]


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_a_walk_along_a_table(dtype):
    table, start = tt.vector("table", dtype), tt.scalar("start", dtype)
    path, _ = theano.scan(lambda s, table: table[s], None, start, table, n_steps=n)
    function = theano.function([table, start, n], path)
    assert fits(function) == [True]
    next_ones = RNG.permutation(50).astype(dtype)
    place, right = 3, []
    for _ in range(1000):
        place = next_ones[place]
        right.append(place)
    np.testing.assert_array_equal(function(next_ones, np.asarray(3, dtype), 1000), right)
    np.testing.assert_array_equal(function(next_ones[::-1][::-1], np.asarray(3, dtype), 1), right[:1])


def test_a_markov_chain_by_rows_of_sums():
    sums, u, start = tt.dmatrix("sums"), tt.dvector("u"), tt.lscalar("start")
    path, _ = theano.scan(lambda u, s, sums: (sums[s] < u).sum(dtype="int64"), u, start, sums)
    function = theano.function([sums, u, start], path)
    assert fits(function) == [True]
    chances = RNG.uniform(0.1, 1, (6, 6))
    values = np.cumsum(chances / chances.sum(1, keepdims=True), axis=1)
    numbers = RNG.uniform(size=500)
    place, right = 2, []
    for number in numbers:
        place = int((values[place] < number).sum())
        right.append(place)
    np.testing.assert_array_equal(function(values, numbers, 2), right)
    np.testing.assert_array_equal(function(np.asfortranarray(values), numbers, 2), right)  # rows that are not whole


@pytest.mark.parametrize("step", [0, 1, 2, 7, 63, 64, 65, 900])
@pytest.mark.parametrize("long", [0, 3, 40])
def test_an_element_that_is_not_there(step, long):
    """The step is named, as are the node and its line; shared variables stay."""
    table, at, v = tt.dvector("table"), tt.lvector("at"), tt.dvector("v")
    count = theano.shared(np.zeros(()), "count")
    if long:
        out, _ = theano.scan(lambda i, s, table: s * 0.5 + table[i], at, v, table)
    else:
        out, _ = theano.scan(lambda i, s, table: s * 0.5 + table[i], at, v[0], table)
    function = theano.function([table, at, v], out, updates=[(count, count + out.sum())])
    assert fits(function) == [True]
    places = RNG.randint(-6, 6, 1000)
    values, start = RNG.uniform(-1, 1, 6), RNG.uniform(-1, 1, max(long, 1))
    right, s = [], start if long else start[0]
    for i in places:
        s = s * 0.5 + values[i]
        right.append(s)
    np.testing.assert_allclose(function(values, places, start), right)
    before = count.get_value()
    for wrong in (6, -7, 2**62):
        places[step] = wrong
        with pytest.raises(IndexError, match=f"(?s)index {wrong} is out of bounds.*In step {step} "):
            function(values, places, start)
    assert count.get_value() == before


@pytest.mark.parametrize("long", [1, 5, 16, 40])
def test_a_loop_that_ends_by_a_sum(long):
    v = tt.dvector("v")
    (halves, sums), _ = theano.scan(
        lambda s: ([s * 0.75, s.sum()], until(abs(s).sum() < 0.1)), None, [v, None], n_steps=1000
    )
    function = theano.function([v], [halves, sums])
    assert fits(function) == [True]
    value = RNG.uniform(0.5, 1, long)
    right, s = [], value
    while not right or abs(right[-1]).sum() >= 0.1:
        right.append(s)
        s = s * 0.75
    got_halves, got_sums = function(value)
    np.testing.assert_allclose(got_sums, [r.sum() for r in right])
    np.testing.assert_allclose(got_halves, [r * 0.75 for r in right])


@pytest.mark.parametrize("long", [3, 8, 21, 64, 130])
def test_numbers_that_are_carried_beside_several_vectors(long):
    """Every vector of points starts from the same number."""
    v, a = tt.dvector("v"), tt.dscalar("a")
    (vs, numbers), _ = theano.scan(lambda s, a: (s * 0.5 + a, a * 0.9 + 0.1), None, [v, a], n_steps=20)
    function = theano.function([v, a], [vs[-1], numbers[-1]])
    assert fits(function) == [True]
    value, number = RNG.uniform(-1, 1, long), 0.3
    s = value
    for _ in range(20):
        s, number = s * 0.5 + number, number * 0.9 + 0.1
    got, last = function(value, 0.3)
    np.testing.assert_allclose(got, s)
    np.testing.assert_allclose(last, number)


@pytest.mark.parametrize("what", ["sum", "prod", "max", "min", "any", "all"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "int64", "uint16", "bool"])
def test_reductions_of_special_values(what, dtype, monkeypatch):
    if dtype == "bool" and what not in ("any", "all"):
        pytest.skip("not of truth values")
    rows = tt.matrix("rows", dtype)
    (_, out), _ = theano.scan(lambda s, rows: (s + 1, getattr(rows[s], what)()), None, [tt.zeros((), "int64"), None],
                              rows, n_steps=8)  # fmt: skip
    values = np.zeros((8, 5), dtype)
    if dtype.startswith("float"):
        values[1:3] = [np.nan, 1, 2, 3, 4], [np.inf, 1, -np.inf, 2, 3]
        values[3:6] = np.array([[-0.0], [np.inf], [-np.inf]])
    elif dtype != "bool":
        values[1], values[2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    values[6] = [0, 1, 1, 0, 1]
    values[7] = 1
    function, slow = theano.function([rows], out), step_by_step(monkeypatch, [rows], out)
    assert fits(function) == [True]
    reference = theano.function([rows], out, mode="reference")
    for long in (1, 2, 4, 5):
        got = function(values[:, :long])
        np.testing.assert_array_equal(got, reference(values[:, :long]))
        same = slow(values[:, :long])
        assert got.tobytes() == same.tobytes() or np.isnan(got).any()


def test_nothing_to_reduce():
    rows, table = tt.dmatrix("rows"), tt.dmatrix("table")
    out, _ = theano.scan(lambda r, s: s * 0.5 + r.sum(), rows, tt.ones((), "float64"))
    function = theano.function([rows], out)
    np.testing.assert_allclose(function(np.zeros((4, 0))), [0.5, 0.25, 0.125, 0.0625])
    assert function(np.zeros((0, 4))).shape == (0,)
    largest, _ = theano.scan(lambda r: r.max() * 1.0 + table.sum(), rows)
    function = theano.function([rows, table], largest)
    with pytest.raises(ValueError, match=r"zero-size|empty"):
        function(np.zeros((4, 0)), np.ones((2, 2)))


def test_the_length_that_a_sum_counts_is_its_own():
    """A sum over as many ones as a variable says goes along no operand in memory."""
    v = tt.dvector("v")
    out, _ = theano.scan(lambda s: s * 0.5 + tt.sum(tt.ones((n,)) * s[0]), None, v, n_steps=4)
    function, reference = theano.function([v, n], out), theano.function([v, n], out, mode="reference")
    np.testing.assert_allclose(function(np.ones(3), 7), reference(np.ones(3), 7))
