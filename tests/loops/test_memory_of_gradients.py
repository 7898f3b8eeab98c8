"""How many arrays as long as the loop there are while a loop and its gradient run."""

from __future__ import annotations

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.graph.evaluate import evaluate

N, D = 400, 50
COSTS = {
    "all rows": lambda h: (h**2).sum(),
    "the last": lambda h: h[-1].sum(),
    "a part of the last": lambda h: h[-1, 2] * 3,
    "the last and all": lambda h: h[-1].sum() + (h**2).sum(),
    "the last of twice the rows": lambda h: (h * 2)[-1].sum(),
    "another": lambda h: h[-2].sum(),
    "all by an empty index": lambda h: (h[()] ** 2).sum(),
    "the last by a longer index": lambda h: (h[None, -1, ...] ** 2).sum(),
}


def gradients(cost, taps=(-1,)):
    x, w = tt.dmatrix("x"), tt.dvector("w")
    initial = tt.stack([w * k for k in range(-min(taps))]) if min(taps) < -1 else tt.zeros_like(w)
    info = [{"initial": initial, "taps": list(taps)}]
    rows, _ = theano.scan(lambda v, *h: tt.tanh(w * sum(h) + v), x, info)
    return [x, w], theano.grad(COSTS[cost](rows), [x, w])


@pytest.mark.parametrize("cost, most", [("all rows", 2), ("the last", 2), ("a part of the last", 3)])
def test_how_many_arrays_of_its_size_there_are_beside_a_sequence(cost, most):
    inputs, outputs = gradients(cost)
    f = theano.function(inputs, outputs)
    plan = f.memory_plan((N, D), (D,))
    assert plan.peak < (most + 0.1) * 8 * N * D


@pytest.mark.parametrize("taps", [(-1,), (-2, -1), (-3,)])
@pytest.mark.parametrize("cost", list(COSTS))
def test_gradients_are_those_of_the_steps_written_out(cost, taps):
    inputs, outputs = gradients(cost, taps)
    random = np.random.default_rng(1)
    values = [random.normal(size=(5, 4)), random.normal(size=4)]
    x, w = inputs
    before = [w * k for k in range(-min(taps))] if min(taps) < -1 else [tt.zeros_like(w)]
    for t in range(5):
        before.append(tt.tanh(w * sum(before[tap] for tap in taps) + x[t]))
    wanted = theano.grad(COSTS[cost](tt.stack(before[-5:])), [x, w])
    wanted = evaluate(wanted, dict(zip(inputs, values)))
    for mode in ("FAST_RUN", "FAST_COMPILE", "reference"):
        found = theano.function(inputs, outputs, mode=mode)(*values)
        for got, want in zip(found, wanted):
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_second_derivatives_by_the_last_row():
    x, w = tt.dmatrix("x"), tt.dvector("w")
    rows, _ = theano.scan(lambda v, h: tt.tanh(w * h + v), x, tt.zeros_like(w))
    cost = (theano.grad(rows[-1].sum(), w) ** 2).sum()
    f = theano.function([x, w], [cost, theano.grad(cost, w)])
    random = np.random.default_rng(2)
    at, by = random.normal(size=(4, 3)), random.normal(size=3)
    slope = f(at, by)[1]
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-6
        np.testing.assert_allclose((f(at, by + step)[0] - f(at, by - step)[0]) / 2e-6, slope[k], rtol=1e-6)


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
def test_states_that_are_a_result_too_are_kept_beside_the_join(mode):
    x, w = tt.dmatrix("x"), tt.dvector("w")
    rows, _ = theano.scan(lambda v, h: tt.tanh(w * h + v), x, tt.zeros_like(w))
    f = theano.function([x, w], [rows, *theano.grad((rows**2).sum(), [x, w])], mode=mode)
    found = f(np.ones((3, 2)), np.ones(2))
    assert found[0].base is None and found[0].flags.owndata and found[0].shape == (3, 2)
    np.testing.assert_allclose(found[0][0], np.tanh(1.0))


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
@pytest.mark.parametrize("last", [False, True])
def test_without_steps(mode, last):
    x, w = tt.dmatrix("x"), tt.dvector("w")
    rows, _ = theano.scan(lambda v, h: tt.tanh(w * h + v), x, tt.zeros_like(w))
    cost = rows[-1].sum() if last else (rows**2).sum()
    f = theano.function([x, w], theano.grad(cost, [x, w]), mode=mode)
    if last:
        with pytest.raises(IndexError):
            f(np.ones((0, 2)), np.ones(2))
    else:
        by_x, by_w = f(np.ones((0, 2)), np.ones(2))
        assert by_x.shape == (0, 2)
        np.testing.assert_array_equal(by_w, np.zeros(2))


def run(until=False, **options):
    """A scan that ends before its sequence, or does not; the gradients of a function of its states."""
    x, w = tt.dmatrix("x"), tt.dvector("w")

    def step(v, h, w):
        new = tt.tanh(w * h + v)
        return (new, theano.scan_module.until(v[0] < 0)) if until else new

    rows, _ = theano.scan(step, x, tt.ones_like(w), w, **options)
    return x, w, rows


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
@pytest.mark.parametrize("options", [{"truncate_gradient": 1}, {"truncate_gradient": 3}, {"truncate_gradient": 9},
                                     {"until": True}], ids=str)  # fmt: skip
def test_the_last_row_is_that_of_the_steps_made(options, mode):
    """Its gradient is that of a sum over all rows that are weighted with zeros but for the last."""
    at, by = np.array([[1.0, 0.3], [0.5, -2.0], [-1.0, 0.1], [0.2, 0.7], [3.0, 1.0]]), np.array([0.7, -0.4])
    x, w, rows = run(**options)
    number = tt.arange(rows.shape[0]).dimshuffle(0, "x")
    all_rows = (rows * tt.eq(number, rows.shape[0] - 1)).sum()
    wanted = evaluate(theano.grad(all_rows, [x, w]), {x: at, w: by})
    found = theano.function([x, w], theano.grad(rows[-1].sum(), [x, w]), mode=mode)(at, by)
    assert np.any(wanted[0])
    for got, want in zip(found, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows, remedy", [(4, "longer sequences"), (1, "Only axes known to have length 1 broadcast"),
                                          (6, r"sequence 0 \(y\) has 6 rows for 5 steps. What is computed from it")])
def test_lengths_that_do_not_fit_in_what_is_done_in_the_loop(rows, remedy):
    x, y, w = tt.dmatrix("x"), tt.dmatrix("y"), tt.dvector("w")
    states, _ = theano.scan(lambda v, h: tt.tanh(h + v), x * 2 + y, tt.zeros_like(w))
    f = theano.function([x, y, w], states)
    assert "rows_made_in_loop" in f.maker.report.fired()
    assert f(np.ones((5, 2)), np.ones((5, 2)), np.ones(2)).shape == (5, 2)
    with pytest.raises(ValueError, match=remedy):
        f(np.ones((5, 2)), np.ones((rows, 2)), np.ones(2))
