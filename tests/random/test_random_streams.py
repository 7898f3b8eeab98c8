"""RandomStreams: the numbers of NumPy's RandomState, states, seeds, updates, gradients and errors."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.errors import NullTypeGradError
from theano.tensor.random_state import RandomStateSharedVariable, random_state_type
from theano.tensor.raw_random import RandomFunction, normal, uniform
from theano.tensor.shared_randomstreams import RandomStreams, randomstate_constructor


def states(seed):
    """The states that the draws of RandomStreams(seed) get, one after the other."""
    seeds = np.random.RandomState(seed)
    while True:
        yield np.random.RandomState(seeds.randint(2**30))


def multinomials(state, n, rows):
    return np.array([state.multinomial(n, row) for row in rows])


LOW, HIGH = np.array([0.0, -1.0, 2.0]), np.array([1.0, 4.0, 2.5])
ROWS = np.array([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])

# draw of a stream, what NumPy draws
DRAWS = {
    "uniform": (lambda s: s.uniform((2, 3)), lambda r: r.uniform(size=(2, 3))),
    "uniform_scalar": (lambda s: s.uniform(), lambda r: r.uniform()),
    "uniform_int_size": (lambda s: s.uniform(4, -1, 3), lambda r: r.uniform(-1, 3, 4)),
    "uniform_bounds": (lambda s: s.uniform(None, LOW, HIGH), lambda r: r.uniform(LOW, HIGH)),
    "uniform_broadcast": (lambda s: s.uniform((2, 3), LOW, HIGH), lambda r: r.uniform(LOW, HIGH, (2, 3))),
    "uniform_outer": (
        lambda s: s.uniform(low=LOW, high=HIGH[:, None]),
        lambda r: r.uniform(LOW, HIGH[:, None]),
    ),
    "uniform_empty": (lambda s: s.uniform((0, 3)), lambda r: r.uniform(size=(0, 3))),
    "normal": (lambda s: s.normal((5,), 1.0, 2.0), lambda r: r.normal(1.0, 2.0, 5)),
    "normal_odd": (lambda s: s.normal((3,), avg=LOW), lambda r: r.normal(LOW, 1.0, 3)),
    "binomial": (lambda s: s.binomial((6,), 10, 0.3), lambda r: r.binomial(10, 0.3, 6)),
    "binomial_arrays": (
        lambda s: s.binomial(n=np.array([3, 50, 7]), p=np.array([0.1, 0.5, 0.9])),
        lambda r: r.binomial([3, 50, 7], [0.1, 0.5, 0.9]),
    ),
    "binomial_prob": (lambda s: s.binomial((6,), prob=0.9), lambda r: r.binomial(1, 0.9, 6)),
    "random_integers": (lambda s: s.random_integers((20,), 0, 2), lambda r: r.randint(0, 3, 20)),
    "random_integers_arrays": (
        lambda s: s.random_integers(low=np.array([0, 5]), high=np.array([9, 1000])),
        lambda r: np.array([r.randint(0, 10), r.randint(5, 1001)]),
    ),
    "choice": (lambda s: s.choice((4, 2), 5), lambda r: r.choice(5, (4, 2))),
    "choice_weighted": (
        lambda s: s.choice((6,), np.array([10, 20, 30]), True, np.array([0.5, 0.2, 0.3])),
        lambda r: r.choice([10, 20, 30], 6, p=[0.5, 0.2, 0.3]),
    ),
    "choice_without_replacement": (lambda s: s.choice((5,), 5, False), lambda r: r.choice(5, 5, False)),
    "choice_of_floats": (
        lambda s: s.choice((5,), LOW, dtype="float64"),
        lambda r: r.choice(LOW, 5),
    ),
    "poisson": (lambda s: s.poisson((5,), 3.5), lambda r: r.poisson(3.5, 5)),
    "poisson_array": (lambda s: s.poisson(lam=HIGH), lambda r: r.poisson(HIGH)),
    "permutation": (lambda s: s.permutation(n=6), lambda r: r.permutation(6)),
    "permutations": (
        lambda s: s.permutation((2, 2), 4),
        lambda r: np.array([r.permutation(4) for _ in range(4)]).reshape(2, 2, 4),
    ),
    "multinomial": (
        lambda s: s.multinomial((3,), 8, [0.2, 0.3, 0.5]),
        lambda r: r.multinomial(8, [0.2, 0.3, 0.5], 3),
    ),
    "multinomial_rows": (lambda s: s.multinomial(n=5, pvals=ROWS), lambda r: multinomials(r, 5, ROWS)),
    "multinomial_float32": (
        lambda s: s.multinomial(n=5, pvals=ROWS.astype("float32")),
        lambda r: multinomials(r, 5, ROWS.astype("float32").astype("float64")),
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_those_of_numpy(name, mode):
    ours, theirs = DRAWS[name]
    streams, seeds = RandomStreams(234), states(234)
    streams.uniform((2,))        # the second draw of a stream has the second seed
    next(seeds)
    drawn = ours(streams)
    f, state = theano.function([], drawn, mode=mode), next(seeds)
    for _ in range(3):
        got, expected = f(), np.asarray(theirs(state))
        assert got.dtype == drawn.dtype and got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)
    assert all(n is None or n == m for n, m in zip(drawn.type.shape, expected.shape))


@pytest.mark.parametrize("name", DRAWS)
def test_shapes_are_inferred_without_drawing(name):
    drawn = DRAWS[name][0](RandomStreams(1))
    f = theano.function([], [drawn.shape, drawn], no_default_updates=True)
    assert tuple(f()[0]) == f()[1].shape
    g = theano.function([], drawn.shape, no_default_updates=True)
    assert not any(isinstance(node.op, RandomFunction) for node in g.maker.fgraph.toposort())


def test_symbolic_sizes(mode):
    size, n = tt.lvector("size"), tt.lscalar("n")
    streams = RandomStreams(3)
    draws = [streams.uniform(size, ndim=2), streams.normal((n, 2)), streams.permutation((n,), n + 1)]
    f = theano.function([size, n], [*draws, *(d.shape for d in draws)], mode=mode)
    for shape, count in (((2, 3), 4), ((0, 3), 0), ((1, 1), 1)):
        found = f(shape, count)
        assert [v.shape for v in found[:3]] == [shape, (count, 2), (count, count + 1)]
        assert [tuple(v) for v in found[3:]] == [shape, (count, 2), (count, count + 1)]
    with pytest.raises(ValueError, match="not be negative"):
        f((2, -3), 1)
    with pytest.raises(ValueError, match=r"2 axes.*shape is \(2, 3, 4\)"):
        f((2, 3, 4), 1)


def test_one_draw_used_twice_is_drawn_once(mode):
    u = RandomStreams(1).uniform((4,))
    assert (theano.function([], u - u, mode=mode)() == 0).all()


def test_two_draws_differ(mode):
    streams = RandomStreams(1)
    a, b = theano.function([], [streams.uniform((4,)), streams.uniform((4,))], mode=mode)()
    assert (a != b).all()


def test_no_default_updates_repeats_the_numbers(mode):
    streams = RandomStreams(1)
    u = streams.uniform((4,))
    f = theano.function([], u, no_default_updates=True, mode=mode)
    first = f()
    np.testing.assert_array_equal(f(), first)
    np.testing.assert_array_equal(theano.function([], u, mode=mode)(), first)
    assert (f() != first).all()


def test_seed_starts_again(mode):
    streams = RandomStreams(5)
    f = theano.function([], [streams.uniform((3,)), streams.normal((3,))], mode=mode)
    first = f()
    f()
    streams.seed(5)
    for again, before in zip(f(), first):
        np.testing.assert_array_equal(again, before)
    streams.seed()
    np.testing.assert_array_equal(f()[1], first[1])
    streams.seed(6)
    assert (f()[0] != first[0]).all()


def test_state_of_a_draw(mode):
    streams = RandomStreams(5)
    u = streams.uniform((3,))
    f = theano.function([], u, mode=mode)
    streams[u] = np.random.RandomState(77)
    np.testing.assert_array_equal(f(), np.random.RandomState(77).uniform(size=3))
    kept = u.rng.get_value()
    assert kept is not streams[u.rng] and random_state_type.values_eq(kept, streams[u])
    second = f()
    assert not random_state_type.values_eq(kept, streams[u])
    u.rng.set_value(kept)
    np.testing.assert_array_equal(f(), second)
    np.testing.assert_array_equal(kept.uniform(size=3), second)   # set_value took a copy
    assert streams.updates() == streams.state_updates == [u.update]
    with pytest.raises(KeyError):
        streams[tt.dscalar()]
    with pytest.raises(TypeError, match="RandomState"):
        streams[u] = 77


def test_state_given_to_a_function_is_not_changed(mode):
    state = random_state_type("state")
    new, drawn = normal(state, (3,))
    f = theano.function([state], [new, drawn], mode=mode)
    given = np.random.RandomState(9)
    for _ in range(2):
        moved, sample = f(given)
        np.testing.assert_array_equal(sample, np.random.RandomState(9).normal(size=3))
    given.normal(size=3)
    assert random_state_type.values_eq(moved, given)
    assert not random_state_type.values_eq(moved, np.random.RandomState(9))
    with pytest.raises(TypeError, match="RandomState"):
        f(9)


def test_copies_between_graphs(mode):
    one, two = RandomStreams(1), RandomStreams(2)
    f, g = (theano.function([], s.normal((3,)), mode=mode) for s in (one, two))
    f()
    for (old, _), (new, _) in zip(one.state_updates, two.state_updates):
        new.set_value(old.get_value())
    np.testing.assert_array_equal(f(), g())


def test_shared_states():
    state = np.random.RandomState(4)
    copied, borrowed = randomstate_constructor(state), theano.shared(state, borrow=True)
    assert isinstance(borrowed, RandomStateSharedVariable) and borrowed.type == random_state_type
    assert borrowed.get_value(borrow=True) is state and copied.get_value(borrow=True) is not state
    assert random_state_type.values_eq(copied.get_value(), state)
    state.uniform()
    assert not random_state_type.values_eq(copied.get_value(), state)
    with pytest.raises(TypeError, match="RandomState"):
        copied.set_value(np.random.default_rng(1))


def test_pickled_functions_go_on_alike(mode):
    f = theano.function([], RandomStreams(8).normal((3,)), mode=mode)
    f()
    g = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(f(), g())


def test_float32_and_floatx(mode):
    streams = RandomStreams(8)
    with theano.config.change_flags(floatX="float32"):
        a, b = streams.uniform((3,)), streams.normal((3,), dtype="float64")
    assert a.dtype == "float32" and b.dtype == "float64"
    got = theano.function([], a, mode=mode)()
    np.testing.assert_array_equal(got, next(states(8)).uniform(size=3).astype("float32"))


def test_shuffled_rows(mode):
    x = tt.dtensor3("x")
    value = np.arange(24.0).reshape(2, 3, 4)
    f = theano.function([x], RandomStreams(3).shuffle_row_elements(x), mode=mode)
    state = next(states(3))
    expected = np.array([row[state.permutation(4)] for row in value.reshape(-1, 4)]).reshape(value.shape)
    np.testing.assert_array_equal(f(value), expected)
    with pytest.raises(TypeError, match="rows"):
        RandomStreams(3).shuffle_row_elements(tt.dscalar())


def test_draws_in_a_loop(mode):
    streams = RandomStreams(11)
    rows, updates = theano.scan(lambda x: x + streams.normal((2,)), outputs_info=tt.zeros((2,)), n_steps=5)
    f = theano.function([], rows, updates=updates, mode=mode)
    state = next(states(11))
    for _ in range(2):
        np.testing.assert_allclose(f(), np.cumsum(state.normal(size=(5, 2)), axis=0), rtol=1e-15)


def test_method_by_name_and_by_function(mode):
    r = random_state_type()
    for fn in ("gamma", np.random.RandomState.gamma):
        drawn = RandomFunction(fn, tt.dvector)(r, (4,), 2.0, 3.0)[1]
        got = theano.function([r], drawn, mode=mode)(np.random.RandomState(1))
        np.testing.assert_array_equal(got, np.random.RandomState(1).gamma(2.0, 3.0, 4))


# ---- gradients ----


FAMILIES = {
    "uniform": (np.random.RandomState.uniform, [[-1.0, 2.0, 0.5], [1.0, 2.5, 3.0]]),
    "normal": (np.random.RandomState.normal, [[-1.0, 2.0, 0.5], [1.0, 2.5, 3.0]]),
    "laplace": (np.random.RandomState.laplace, [[-1.0, 2.0, 0.5], [1.0, 2.5, 3.0]]),
    "logistic": (np.random.RandomState.logistic, [[-1.0, 2.0, 0.5], [1.0, 2.5, 3.0]]),
    "gumbel": (np.random.RandomState.gumbel, [[-1.0, 2.0, 0.5], [1.0, 2.5, 3.0]]),
    "exponential": (np.random.RandomState.exponential, [[1.0, 2.5, 3.0]]),
    "rayleigh": (np.random.RandomState.rayleigh, [[1.0, 2.5, 3.0]]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_by_location_and_scale(family, mode):
    sampler, values = FAMILIES[family]
    parameters = [tt.dvector(f"p{k}") for k in range(len(values))]
    weights = np.random.RandomState(0).normal(size=(4, 3))
    drawn = RandomFunction(family, tt.dmatrix)(np.random.RandomState(1), (4, 3), *parameters)[1]
    f = theano.function(parameters, tt.grad((drawn * weights).sum(), parameters), mode=mode)

    def cost(arguments):
        return (sampler(np.random.RandomState(1), *arguments, (4, 3)) * weights).sum()

    got = f(*values)
    for position, gradient in enumerate(got):
        for k in range(3):
            ends = []
            for step in (1e-6, -1e-6):
                moved = np.array(values)
                moved[position, k] += step
                ends.append(cost(moved))
            assert gradient[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7, abs=1e-7)


def test_gradient_of_scalars_rows_and_columns(mode):
    a, row, column = tt.dscalar(), tt.drow(), tt.dcol()
    streams = RandomStreams(3)
    cost = streams.normal((2, 3), a, row).sum() + streams.uniform((2, 3), 0, column).sum()
    f = theano.function([a, row, column], [*tt.grad(cost, [a, row, column])], mode=mode)
    da, drow, dcolumn = f(0.5, np.ones((1, 3)), np.ones((2, 1)))
    states_of = states(3)
    z, u = next(states_of).normal(size=(2, 3)), next(states_of).uniform(size=(2, 3))
    assert da == 6
    np.testing.assert_allclose(drow, z.sum(axis=0, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(dcolumn, u.sum(axis=1, keepdims=True), rtol=1e-12)


def test_gradient_where_the_scale_is_zero():
    a, b = tt.dscalars("a", "b")
    f = theano.function([a, b], tt.grad(RandomStreams(3).normal((2,), a, b).sum(), [a, b]))
    assert [float(v) for v in f(1.0, 0.0)] == [2.0, 0.0]


@pytest.mark.parametrize("draw", [
    lambda s, p: s.binomial((3,), 5, p, dtype="float64"),
    lambda s, p: s.poisson((3,), p, dtype="float64"),
    lambda s, p: s.multinomial((3,), 5, tt.stack([p, 1 - p]), dtype="float64"),
    lambda s, p: s.choice((3,), 2, True, tt.stack([p, 1 - p]), dtype="float64"),
])  # fmt: skip
def test_draws_of_discrete_families_have_no_gradient(draw):
    p = tt.dscalar("p")
    with pytest.raises(NullTypeGradError, match="undefined"):
        tt.grad(draw(RandomStreams(1), p).sum(), p)


def test_length_one_at_run_time_has_no_wrong_gradient(mode):
    low = tt.dvector()
    drawn = RandomStreams(1).uniform((3,), low, 5.0)
    f = theano.function([low], [drawn, tt.grad(drawn.sum(), low)], mode=mode)
    assert f([1.0, 2.0, 3.0])[1].shape == (3,)
    with pytest.raises((ValueError, AssertionError)):
        f([1.0])


# ---- wrong use ----


@pytest.mark.parametrize(("draw", "kind", "words"), [
    (lambda s: s.uniform(tt.lvector()), ValueError, "ndim"),
    (lambda s: s.uniform((2, 3), ndim=3), ValueError, "ndim=3"),
    (lambda s: s.uniform((2, -3)), ValueError, "negative"),
    (lambda s: s.uniform((2.5,)), TypeError, "integer"),
    (lambda s: s.uniform((2,), np.zeros((2, 2))), ValueError, "axes"),
    (lambda s: s.uniform((2,), np.zeros(3)), ValueError, "broadcast"),
    (lambda s: s.uniform((2,), dtype="int32"), TypeError, "float"),
    (lambda s: s.uniform((2,), 1j), TypeError, "real"),
    (lambda s: s.binomial((2,), 2.5), TypeError, "integer"),
    (lambda s: s.random_integers((2,), 0.5), TypeError, "integer"),
    (lambda s: s.choice((2,), np.zeros((2, 2))), TypeError, "vector"),
    (lambda s: s.choice((2,), LOW), TypeError, "dtype"),
    (lambda s: s.choice((2,), 3, True, ROWS), TypeError, "vector"),
    (lambda s: s.permutation((2,), -1), ValueError, "negative"),
    (lambda s: s.permutation((2,), np.array([1, 2])), TypeError, "number"),
    (lambda s: s.multinomial((2,), 3, 0.5), TypeError, "classes"),
    (lambda s: uniform(3, (2,)), TypeError, "state"),
    (lambda s: RandomFunction("no_such_draw", tt.dvector), ValueError, "no_such_draw"),
    (lambda s: RandomFunction("uniform", "dvector"), TypeError, "TensorType"),
    (lambda s: RandomStreams(-1), ValueError, "seed"),
    (lambda s: RandomStreams(2**32), ValueError, "seed"),
    (lambda s: RandomStreams("a"), TypeError, "seed"),
])  # fmt: skip
def test_wrong_arguments(draw, kind, words):
    with pytest.raises(kind, match=words):
        draw(RandomStreams(1))


@pytest.mark.parametrize(("draw", "words"), [
    (lambda s, p: s.binomial((2,), 3, p), "binomial.*p < 0"),
    (lambda s, p: s.normal((2,), 0.0, p), "normal.*scale < 0"),
    (lambda s, p: s.poisson((2,), p), "poisson.*lam < 0"),
    (lambda s, p: s.multinomial((2,), 3, tt.stack([1 - 2 * p, p])), "multinomial"),
    (lambda s, p: s.choice((2,), 3, True, tt.stack([p, 1 - p, 1.0])), "choice"),
])  # fmt: skip
def test_wrong_values_are_errors_when_drawn(draw, words, mode):
    p = tt.dscalar("p")
    f = theano.function([p], draw(RandomStreams(1), p), mode=mode)
    with pytest.raises(ValueError, match=words):
        f(-0.5)


def test_random_seeds_differ():
    a, b = (theano.function([], RandomStreams().uniform((2,)))() for _ in range(2))
    assert (a != b).all()
