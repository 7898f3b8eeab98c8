"""MRG_RandomStreams: known answers, numbers independent of how they are drawn, statistics, states and errors."""

import pickle

import numpy as np
import pytest
from scipy import stats

import theano
import theano.tensor as tt
from theano.errors import NullTypeGradError
from theano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform
from theano.sandbox.rng_mrg import MRG_RandomStreams, guess_n_streams, mrg_uniform
from theano.tensor.random_counter import derived_key, draw, threefry

NORMALS = {
    "uniform": stats.uniform,
    "normal": stats.norm,
    "truncated_normal": stats.truncnorm(-2, 2),
}
EPS = {"float64": 1e-14, "float32": 2e-6, "float16": 2e-3}


def test_threefry_gives_the_published_numbers():
    # the known answers that come with the authors' library
    for key, counter, expected in [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]:
        words = threefry(*(np.array([w], "uint32") for w in (*key, *counter)))
        assert tuple(int(w[0]) for w in words) == expected


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("kind", NORMALS)
def test_backends_agree(kind, dtype):
    n = tt.lscalar()
    numbers = draw(kind, dtype)(np.int64(-77), tt.arange(n) + 2**40)
    native, reference = (theano.function([n], numbers, mode=m)(2001) for m in ("FAST_RUN", "reference"))
    assert native.dtype == reference.dtype == dtype
    if kind == "uniform":
        np.testing.assert_array_equal(native, reference)
    else:
        np.testing.assert_allclose(native, reference, rtol=0, atol=6 * EPS[dtype])
    assert pickle.loads(pickle.dumps(draw(kind, dtype))) is draw(kind, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", NORMALS)
def test_distribution(kind, dtype):
    streams = MRG_RandomStreams(2024)
    sample = theano.function([], getattr(streams, kind)((400, 500), dtype=dtype))()
    assert sample.dtype == dtype
    flat = sample.astype("float64").ravel()
    law = NORMALS[kind]
    assert stats.kstest(flat[:100000], law.cdf).pvalue > 1e-3
    z = (flat.mean() - law.mean()) / (law.std() / np.sqrt(flat.size))
    assert abs(z) < 4
    spread = np.sqrt((law.stats(moments="k") + 2) / flat.size) * law.var()
    assert abs(flat.var() - law.var()) < 4 * spread
    centred = (flat - law.mean()) / law.std()
    for lag in (1, 2, 3, 4, 8, 16, 500, 512):
        assert abs((centred[lag:] * centred[:-lag]).mean()) < 4.5 / np.sqrt(flat.size)


def test_bits_are_fair_and_neighbours_differ_in_half_of_them():
    bits = (draw("uniform", "float64").numpy(np.array(3), np.arange(20000)) * 2**52).astype("uint64")
    table = (bits[:, None] >> np.arange(52, dtype="uint64")) & np.uint64(1)
    assert np.abs(table.mean(axis=0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(20000)
    assert np.abs((table[1:] != table[:-1]).mean(axis=0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(20000)


def test_streams_are_not_correlated():
    streams = MRG_RandomStreams(1)
    samples = np.array(theano.function([], [streams.normal((20000,)) for _ in range(8)])())
    samples = np.vstack([samples, theano.function([], MRG_RandomStreams(2).normal((20000,)))()])
    assert np.abs(np.corrcoef(samples) - np.eye(9)).max() < 4.5 / np.sqrt(20000)
    for lag in (1, 7):
        cross = samples[:, lag:] @ samples[:, :-lag].T / 20000
        assert np.abs(cross).max() < 4.5 / np.sqrt(20000)


def test_numbers_do_not_depend_on_how_many_are_drawn(mode):
    n = tt.lscalar()
    f = theano.function([n], MRG_RandomStreams(5).normal((n, 3)), mode=mode)
    whole = theano.function([], MRG_RandomStreams(5).normal((7, 3), nstreams=2), mode=mode)()
    np.testing.assert_array_equal(np.concatenate([f(k) for k in (1, 0, 4, 2)]), whole)


def test_uniform_is_never_zero_nor_one():
    for dtype in ("float64", "float32", "float16"):
        sample = theano.function([], MRG_RandomStreams(5).uniform((100000,), dtype=dtype))()
        assert sample.min() > 0 and sample.max() < 1


def test_default_seed_and_reseeding(mode):
    draws = [MRG_RandomStreams(*seed) for seed in ((), (12345,), (12346,))]
    a, b, c = (theano.function([], s.uniform((3,)), mode=mode) for s in draws)
    first = a()
    np.testing.assert_array_equal(first, b())
    assert (first != c()).all()
    draws[0].seed()
    np.testing.assert_array_equal(a(), first)
    draws[2].seed(12345)
    np.testing.assert_array_equal(c(), first)
    assert (theano.function([], MRG_RandomStreams([1, 2, 3, 4, 5, 6]).uniform((3,)))() != first).all()


def test_states():
    streams = MRG_RandomStreams(9)
    start = streams.rstate.copy()
    rows = streams.get_substream_rstates(3)
    assert rows.shape == (3, 2) and len({int(k) for k in rows[:, 0]}) == 3 and (rows[:, 1] == 0).all()
    streams.set_rstate(9)
    np.testing.assert_array_equal(streams.rstate, start)
    streams.inc_rstate()
    u = streams.uniform((2, 5))
    np.testing.assert_array_equal(u.rstate.get_value(), rows[1])
    theano.function([], u)()
    np.testing.assert_array_equal(u.rstate.get_value(), rows[1] + [0, 10])
    assert streams.updates() == [u.update] and u.update == (u.rstate, u.rstate.default_update)
    assert rows[0, 0] == derived_key(int(start[0]), 0)


def test_the_op_gives_the_same_numbers(mode):
    streams = MRG_RandomStreams(9)
    state, size = tt.lvector("state"), tt.lvector("size")
    new, sample = mrg_uniform.new(state, 2, "float32", size)
    u = streams.uniform((2, 3), dtype="float32")
    f = theano.function([state, size], [new, sample, sample.shape], mode=mode)
    start = u.rstate.get_value()
    moved, numbers, shape = f(start, [2, 3])
    np.testing.assert_array_equal(numbers, theano.function([], u, mode=mode)())
    np.testing.assert_array_equal(moved, u.rstate.get_value())
    assert tuple(shape) == (2, 3)


def test_gradients_of_location_and_scale(mode):
    a, b = tt.dvector("a"), tt.dscalar("b")
    for method in ("uniform", "normal", "truncated_normal"):
        plain = theano.function([], getattr(MRG_RandomStreams(4), method)((4, 3)), mode=mode)()
        sample = getattr(MRG_RandomStreams(4), method)((4, 3), a, b)
        f = theano.function([a, b], [sample, *tt.grad(sample.sum(), [a, b])], mode=mode)
        value, da, db = f([1.0, 2.0, 3.0], 5.0)
        low = np.array([1.0, 2.0, 3.0])
        if method == "uniform":
            np.testing.assert_allclose(value, low + (5 - low) * plain, rtol=1e-14)
            np.testing.assert_allclose(da, (1 - plain).sum(axis=0), rtol=1e-12)
        else:
            np.testing.assert_allclose(value, low + 5 * plain, rtol=1e-12)
            np.testing.assert_allclose(da, [4, 4, 4])
        np.testing.assert_allclose(db, plain.sum(), rtol=1e-12)


def test_binomial(mode):
    p = tt.dvector("p")
    f = theano.function([p], MRG_RandomStreams(4).binomial((20000, 4), p=p), mode=mode)
    sample = f([0.0, 0.3, 0.9, 1.0])
    assert sample.dtype == "int64"
    assert (sample[:, 0] == 0).all() and (sample[:, 3] == 1).all()
    for column, chance in ((1, 0.3), (2, 0.9)):
        assert abs(sample[:, column].mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / 20000)


ROWS = np.array([[0.2, 0.3, 0.5, 0.0], [0.0, 0.8, 0.1, 0.1]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_multinomial(dtype, mode):
    p, n = tt.matrix(dtype=dtype), tt.lscalar("n")
    f = theano.function([p, n], MRG_RandomStreams(4).multinomial(n=n, pvals=p), mode=mode)
    counts = f(ROWS.astype(dtype), 5000)
    assert counts.dtype == "int64" and (counts.sum(axis=1) == 5000).all() and (counts[ROWS == 0] == 0).all()
    for row, chances in zip(counts, ROWS):
        kept = chances > 0
        assert stats.chisquare(row[kept], 5000 * chances[kept]).pvalue > 1e-3
    assert f(ROWS[:0].astype(dtype), 3).shape == (0, 4)
    with pytest.raises(ValueError, match="sum to 1"):
        f(2 * ROWS.astype(dtype), 1)
    with pytest.raises(ValueError, match="negative"):
        f(-ROWS.astype(dtype), 1)


def test_choice(mode):
    streams = MRG_RandomStreams(4)
    a = np.array([10.0, 20.0, 30.0])
    f = theano.function([], [
        streams.choice((300, 100), a=7),
        streams.choice((50,), a=a, p=[0.5, 0.5, 0.0], dtype="float64"),
        streams.choice(5, a=5, replace=False),
        streams.choice(3, p=ROWS, replace=False),
        streams.choice((2, 2), p=[0.0, 1.0]),
    ], mode=mode)  # fmt: skip
    even, elements, order, rows, sure = f()
    assert even.shape == (300, 100) and stats.chisquare(np.bincount(even.ravel(), minlength=7)).pvalue > 1e-3
    assert set(elements) == {10.0, 20.0}
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert sorted(rows[0]) == [0, 1, 2] and sorted(rows[1]) == [1, 2, 3]
    assert (sure == 1).all() and sure.shape == (2, 2)
    with pytest.raises(ValueError, match="4 different classes"):
        theano.function([], streams.choice(4, p=ROWS, replace=False), mode=mode)()
    with pytest.warns(DeprecationWarning):
        assert streams.multinomial_wo_replacement(n=2, pvals=ROWS).ndim == 2


def test_ops_on_given_uniforms(mode):
    p, u = tt.dmatrix(), tt.dvector()
    counts = MultinomialFromUniform("auto")(p, u, 2)
    order = ChoiceFromUniform("auto")(p, u, 2)
    f = theano.function([p, u], [counts, order, order.shape], mode=mode)
    counted, chosen, shape = f([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]][:1], [0.3, 0.9])
    np.testing.assert_array_equal(counted, [[0.0, 1.0, 1.0]])
    np.testing.assert_array_equal(chosen, [[1, 2]])
    assert counted.dtype == "float64" and tuple(shape) == (1, 2)
    with pytest.raises(ValueError, match="2 uniform numbers"):
        f([[0.5, 0.5]], [0.5])
    with pytest.raises(NullTypeGradError):
        tt.grad(counts.sum(), p)


def test_draws_in_a_loop(mode):
    streams = MRG_RandomStreams(11)
    rows, updates = theano.scan(lambda x: x + streams.normal((2,)), outputs_info=tt.zeros((2,)), n_steps=5)
    f = theano.function([], rows, updates=updates, mode=mode)
    steps = theano.function([], MRG_RandomStreams(11).normal((10, 2)), mode=mode)()
    for half in (steps[:5], steps[5:]):
        np.testing.assert_allclose(f(), np.cumsum(half, axis=0), rtol=1e-14, atol=1e-14)


def test_symbolic_sizes(mode):
    x, size = tt.dmatrix("x"), tt.lvector("size")
    streams = MRG_RandomStreams(3)
    masked, free = x * streams.binomial(x.shape, p=0.5, dtype="float64"), streams.uniform(size, ndim=2)
    f = theano.function([x, size], [masked, free, free.shape], mode=mode)
    for shape in ((4, 5), (0, 5), (1, 1)):
        kept, numbers, inferred = f(np.ones(shape), shape)
        assert kept.shape == numbers.shape == tuple(inferred) == shape
    with pytest.raises(ValueError, match="must not be negative"):
        f(np.ones((1, 1)), (-1, 3))


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda s: s.uniform(0), ValueError, "dimension with value <= 0"),
    (lambda s: s.normal((2, 0)), ValueError, "dimension with value <= 0"),
    (lambda s: s.uniform((2, -1)), ValueError, "negative"),
    (lambda s: s.uniform(tt.lvector()), ValueError, "ndim"),
    (lambda s: s.uniform((2,), nstreams=0), ValueError, "nstreams"),
    (lambda s: s.uniform((2,), dtype="int64"), TypeError, "float"),
    (lambda s: s.uniform((2,), 1j), TypeError, "real"),
    (lambda s: s.uniform((2.5,)), TypeError, "integer"),
    (lambda s: s.binomial((2,), n=2), NotImplementedError, "n = 2"),
    (lambda s: s.multinomial(), TypeError, "pvals"),
    (lambda s: s.multinomial(pvals=np.ones(2)), TypeError, "matrix"),
    (lambda s: s.multinomial(5, pvals=ROWS), ValueError, "number of rows"),
    (lambda s: s.choice(2), TypeError, "probabilities"),
    (lambda s: s.choice(2, p=0.5), TypeError, "vector or a matrix"),
    (lambda s: s.choice((2, 2), p=ROWS), ValueError, "number"),
    (lambda s: MRG_RandomStreams("a"), TypeError, "seed"),
    (lambda s: MRG_RandomStreams(-1), ValueError, "seed"),
    (lambda s: MRG_RandomStreams([1, 2]), ValueError, "six"),
    (lambda s: s.get_substream_rstates(0), ValueError, "positive"),
])  # fmt: skip
def test_wrong_arguments(call, kind, words):
    with pytest.raises(kind, match=words):
        call(MRG_RandomStreams(1))


def test_guessed_number_of_streams():
    assert guess_n_streams((3, 4)) == 12 and guess_n_streams(5) == 5
    assert guess_n_streams((1000, 1000)) == 60 * 256
    with pytest.warns(UserWarning, match="not known"):
        assert guess_n_streams(tt.lvector(), warn=True) == 60 * 256
