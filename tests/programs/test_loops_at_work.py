"""Programs that are loops: a network that learns this project's own prose, and an adaptive solver of differential
equations with derivatives by its parameters."""

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import theano
import theano.tensor as T

DOCS = Path(__file__).parents[2] / "docs"


def adam(cost, params, rate=0.01):
    """Updates of Adam (Kingma and Ba, 2015)."""
    count = theano.shared(np.asarray(0.0, theano.config.floatX))
    updates = [(count, count + 1)]
    for p, g in zip(params, theano.grad(cost, params)):
        m, v = (theano.shared(np.zeros_like(p.get_value())) for _ in range(2))
        m_new, v_new = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = rate * (m_new / (1 - 0.9 ** (count + 1))) / (T.sqrt(v_new / (1 - 0.999 ** (count + 1))) + 1e-8)
        updates += [(m, m_new), (v, v_new), (p, T.cast(p - step, p.dtype))]
    return updates


def test_gated_network_learns_the_documentation(floatX):
    """A recurrent network with gates reads the architecture page, 16 places at once; it comes to know more of the next
    character than the frequency of each, and than each pair, tell."""
    text = (DOCS / "architecture.md").read_text().lower()
    letters = sorted(set(text))
    codes = np.array([letters.index(c) for c in text])
    rows, units, window = 16, 48, 40
    n = len(letters)
    rng = np.random.default_rng(0)

    def weights(*shape):
        return theano.shared((rng.normal(size=shape) / np.sqrt(shape[0])).astype(floatX))

    U, W, V = weights(n, 3 * units), weights(units, 3 * units), weights(units, n)
    b, c = theano.shared(np.zeros(3 * units, floatX)), theano.shared(np.zeros(n, floatX))
    inputs, targets, h0 = T.lmatrix("inputs"), T.lmatrix("targets"), T.matrix("h0")

    def step(h, letters_now):
        x = U[letters_now]
        z = T.nnet.sigmoid(x[:, :units] + T.dot(h, W[:, :units]) + b[:units])
        r = T.nnet.sigmoid(x[:, units:2 * units] + T.dot(h, W[:, units:2 * units]) + b[units:2 * units])
        new = T.tanh(x[:, 2 * units:] + r * T.dot(h, W[:, 2 * units:]) + b[2 * units:])
        h = (1 - z) * h + z * new
        return h, h

    last, hs = theano.loop(step, h0, inputs)
    logits = T.dot(hs.reshape((hs.shape[0] * hs.shape[1], units)), V) + c
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(logits), targets.flatten()).mean()
    train = theano.function([inputs, targets, h0], [cost, last], updates=adam(cost, [U, W, V, b, c]))

    part = len(codes) // rows
    tracks = codes[: part * rows].reshape(rows, part).T
    losses = []
    for _ in range(4):
        state = np.zeros((rows, units), floatX)
        for start in range(0, part - window - 1, window):
            piece = tracks[start : start + window + 1]
            loss, state = train(piece[:-1], piece[1:], state)
            losses.append(float(loss))
    single = np.bincount(codes, minlength=n) / len(codes)
    entropy = -(single[single > 0] * np.log(single[single > 0])).sum()
    assert losses[0] == pytest.approx(np.log(n), rel=0.1)
    assert np.mean(losses[-10:]) < 0.8 * entropy


# Dormand and Prince (1980): the nodes, and weights of the fifth and fourth order
A = [
    [], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9], [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]  # fmt: skip
FIFTH = [*A[6], 0]
FOURTH = [5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40]


def solved(field, y0, end, tolerance, checkpoints=False):
    """(y at time `end`, number of steps made) of y' = field(y), with steps as long as the error allows."""

    def attempt(s):
        h = T.minimum(s["h"], end - s["t"])
        ks = []
        for row in A:
            ks.append(field(s["y"] + h * sum((a * k for a, k in zip(row, ks)), T.zeros_like(s["y"]))))
        new = s["y"] + h * sum(w * k for w, k in zip(FIFTH, ks))
        wrong = h * sum((a - b) * k for a, b, k in zip(FIFTH, FOURTH, ks))
        # which step is taken is no matter of derivatives
        error = theano.gradient.disconnected_grad(T.sqrt(T.mean((wrong / (tolerance * (1 + abs(s["y"])))) ** 2)))
        good = error <= 1
        longer = T.clip(0.9 * T.maximum(error, 1e-10) ** (-1 / 5), 0.2, 5)
        return {
            "t": T.switch(good, s["t"] + h, s["t"]), "y": T.switch(good, new, s["y"]),
            "h": theano.gradient.disconnected_grad(h * longer), "tries": s["tries"] + 1,
        }

    start = {"t": 0.0, "y": y0, "h": 0.01, "tries": 0}
    done = theano.while_loop(lambda s: s["t"] < end, attempt, start, max_steps=10_000, checkpoints=checkpoints)
    return done["y"], done["tries"]


def lotka_volterra(p):
    return lambda y: T.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[2] * y[0] * y[1] - p[3] * y[1]])


P = np.array([1.5, 1.0, 0.6, 2.0])
Y0 = np.array([1.0, 1.5])


@pytest.mark.parametrize("checkpoints", [False, 16])
def test_differential_equation_and_its_parameters(mode, checkpoints):
    """Hares and lynxes: the solution is SciPy's, its derivatives by rates and start are those of finite differences."""
    p, y0, end = T.dvector("p"), T.dvector("y0"), T.dscalar("end")
    y, tries = solved(lotka_volterra(p), y0, end, 1e-9, checkpoints)
    by_p, by_y = theano.grad(y[0] + 2 * y[1], [p, y0])
    f = theano.function([p, y0, end], [y, tries, by_p, by_y], mode=mode)

    def reference(p, y0, end=8.0):
        field = lambda t, y: [p[0] * y[0] - p[1] * y[0] * y[1], p[2] * y[0] * y[1] - p[3] * y[1]]   # noqa: E731
        return solve_ivp(field, (0, end), y0, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]

    got, count, slope_p, slope_y = f(P, Y0, 8.0)
    np.testing.assert_allclose(got, reference(P, Y0), rtol=1e-7)
    assert 50 < count < 1000
    np.testing.assert_allclose(f(P, Y0, 0.0)[0], Y0)
    eps = 1e-5
    weights = np.array([1, 2])
    for slope, move in ((slope_p, lambda d: (P + d, Y0)), (slope_y, lambda d: (P, Y0 + d))):
        for k, e in enumerate(np.eye(len(slope))):
            up, down = (weights @ reference(*move(s * eps * e)) for s in (1, -1))
            np.testing.assert_allclose(slope[k], (up - down) / (2 * eps), rtol=1e-5)


def test_power_of_a_matrix_and_logistic_map(mode):
    """The examples of loops that every tutorial has: A**k elementwise, and the logistic map at its edge of chaos."""
    A, k = T.dvector("A"), T.lscalar("k")
    power, _ = theano.reduce(lambda _, so_far, A: so_far * A, T.arange(k), T.ones_like(A), non_sequences=[A])
    f = theano.function([A, k], power, mode=mode)
    np.testing.assert_allclose(f([0.5, 1.0, 1.5], 6), np.array([0.5, 1.0, 1.5]) ** 6)
    r, x = T.dscalar("r"), T.dscalar("x")
    last, _ = theano.loop(lambda x: (r * x * (1 - x), None), x, n_steps=k)
    g = theano.function([r, x, k], last, mode=mode)
    values = [0.3]
    for _ in range(200):
        values.append(3.2 * values[-1] * (1 - values[-1]))
    np.testing.assert_allclose(g(3.2, 0.3, 200), values[-1], rtol=1e-12)
