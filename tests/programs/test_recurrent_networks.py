"""Recurrent networks as users write them: scan, masks, truncated gradients, clipping; each beside NumPy."""

from collections import OrderedDict
from itertools import pairwise

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softmax(v):
    e = np.exp(v - v.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def slope(loss, values, name, direction, step=1e-5):
    """The derivative of loss(values) when values[name] moves along a direction."""
    up, down = ({**values, name: values[name] + s * step * direction} for s in (1, -1))
    return (loss(up) - loss(down)) / (2 * step)


class Elman:
    """The network of the tutorials: embeddings of a window of words, a recurrent layer, a softmax at every word."""

    def __init__(self, words, classes, hidden, dimensions, window, rng):
        floatX = theano.config.floatX
        shapes = {
            "embeddings": (words + 1, dimensions), "Wx": (dimensions * window, hidden), "Wh": (hidden, hidden),
            "W": (hidden, classes), "bh": (hidden,), "b": (classes,), "h0": (hidden,),
        }  # fmt: skip
        self.start = {name: (0.5 * rng.uniform(-1.0, 1.0, shape)).astype(floatX) for name, shape in shapes.items()}
        for name, value in self.start.items():
            setattr(self, name, theano.shared(name=name, value=value))
        self.params = [getattr(self, name) for name in shapes]

        windows = T.imatrix("windows")
        x = self.embeddings[windows].reshape((windows.shape[0], dimensions * window))
        labels = T.ivector("labels")

        def recurrence(x_t, h_tm1):
            h_t = T.nnet.sigmoid(T.dot(x_t, self.Wx) + T.dot(h_tm1, self.Wh) + self.bh)
            s_t = T.nnet.softmax(T.dot(h_t, self.W) + self.b)
            return [h_t, s_t]

        [_, s], _ = theano.scan(fn=recurrence, sequences=x, outputs_info=[self.h0, None], n_steps=x.shape[0])
        p = s[:, 0, :]
        rate = T.scalar("rate")
        nll = -T.mean(T.log(p)[T.arange(x.shape[0]), labels])
        gradients = T.grad(nll, self.params)
        updates = OrderedDict((p, p - rate * g) for p, g in zip(self.params, gradients))
        self.classify = theano.function(inputs=[windows], outputs=T.argmax(p, axis=1))
        self.train = theano.function(inputs=[windows, labels, rate], outputs=nll, updates=updates)
        self.normalise = theano.function(
            inputs=[],
            updates={
                self.embeddings: self.embeddings / T.sqrt((self.embeddings**2).sum(axis=1)).dimshuffle(0, "x")
            },
        )


def elman_step(v, windows, labels, rate):
    """(loss, new values), gradients through time by hand."""
    x = v["embeddings"][windows].reshape(len(windows), -1)
    h, states = v["h0"], []
    for row in x:
        h = sigmoid(row @ v["Wx"] + h @ v["Wh"] + v["bh"])
        states.append(h)
    H = np.stack(states)
    p = softmax(H @ v["W"] + v["b"])
    n = np.arange(len(labels))
    d = p.copy()
    d[n, labels] -= 1
    d /= len(labels)
    g = {name: np.zeros_like(value) for name, value in v.items()}
    g["W"], g["b"] = H.T @ d, d.sum(axis=0)
    back, dx = np.zeros_like(h), np.zeros_like(x)
    for t in reversed(range(len(x))):
        dz = (d[t] @ v["W"].T + back) * H[t] * (1 - H[t])
        before = H[t - 1] if t else v["h0"]
        g["Wx"] += np.outer(x[t], dz)
        g["Wh"] += np.outer(before, dz)
        g["bh"] += dz
        dx[t], back = v["Wx"] @ dz, v["Wh"] @ dz
    g["h0"] = back
    np.add.at(g["embeddings"], windows, dx.reshape(*windows.shape, -1))
    return -np.log(p[n, labels]).mean(), {name: v[name] - rate * g[name] for name in v}


def test_elman_network_on_windows_of_words(mode, floatX, close):
    """Words looked up by windows of indices, -1 for the border; embeddings are normalised after every sentence."""
    rng = np.random.RandomState(0)
    with theano.config.change_flags(mode=mode):
        net = Elman(words=7, classes=3, hidden=5, dimensions=2, window=3, rng=rng)
    values = {name: value.astype(float) for name, value in net.start.items()}
    single = floatX == "float32"
    for length in (4, 1, 6, 4):
        words = rng.randint(7, size=length)
        padded = np.concatenate([[-1], words, [-1]])
        windows = np.stack([padded[t : t + 3] for t in range(length)]).astype("int32")
        labels = rng.randint(3, size=length).astype("int32")
        loss, values = elman_step(values, windows, labels, 0.3)
        close(net.train(windows, labels, np.asarray(0.3, floatX)), loss, rtol=1e-3 if single else 1e-9)
        net.normalise()
        values["embeddings"] /= np.sqrt((values["embeddings"] ** 2).sum(axis=1, keepdims=True))
    for p in net.params:
        close(p.get_value(), values[p.name], rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)
    assert net.classify(windows).shape == (4,)


def numpy_lstm(v, x, mask):
    """(steps, rows, units) of hidden states."""
    h = c = np.zeros((x.shape[1], v["U"].shape[0]))
    states = []
    for x_t, m in zip(x, mask):
        i, f, o, g = np.split(x_t @ v["W"] + h @ v["U"] + v["b"], 4, axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        c = m[:, None] * new_c + (1 - m)[:, None] * c
        h = m[:, None] * new_h + (1 - m)[:, None] * h
        states.append(h)
    return np.stack(states)


def adadelta(rate, parameters, gradients, inputs, cost):
    """Two functions that share state: one for the gradients, one that moves the parameters."""
    zipped = [theano.shared(p.get_value() * np.asarray(0.0, p.dtype), name=f"{k}_grad") for k, p in parameters.items()]
    moved = [theano.shared(p.get_value() * np.asarray(0.0, p.dtype), name=f"{k}_rup2") for k, p in parameters.items()]
    seen = [theano.shared(p.get_value() * np.asarray(0.0, p.dtype), name=f"{k}_rgrad2") for k, p in parameters.items()]
    zgup = [(zg, g) for zg, g in zip(zipped, gradients)]
    rg2up = [(rg2, 0.95 * rg2 + 0.05 * (g**2)) for rg2, g in zip(seen, gradients)]
    f_grad_shared = theano.function(inputs, cost, updates=zgup + rg2up, name="adadelta_f_grad_shared")
    updir = [-T.sqrt(ru2 + 1e-6) / T.sqrt(rg2 + 1e-6) * zg for zg, ru2, rg2 in zip(zipped, moved, seen)]
    ru2up = [(ru2, 0.95 * ru2 + 0.05 * (ud**2)) for ru2, ud in zip(moved, updir)]
    param_up = [(p, p + ud) for p, ud in zip(parameters.values(), updir)]
    f_update = theano.function([rate], [], updates=ru2up + param_up, on_unused_input="ignore", name="adadelta_f_update")
    return f_grad_shared, f_update


def test_lstm_classifier_of_sequences(mode, floatX, close):
    """Sequences of different lengths behind a mask, mean pooling, dropout that a shared flag switches, Adadelta."""
    rng = np.random.RandomState(1)
    words, units, classes, steps, rows = 9, 4, 2, 6, 5
    start = OrderedDict(
        (name, (rng.normal(size=shape) * 0.4).astype(floatX))
        for name, shape in [
            ("Wemb", (words, units)), ("lstm_W", (units, 4 * units)), ("lstm_U", (units, 4 * units)),
            ("lstm_b", (4 * units,)), ("U", (units, classes)), ("b", (classes,)),
        ]
    )  # fmt: skip
    tparams = OrderedDict((name, theano.shared(value, name=name)) for name, value in start.items())
    trng = RandomStreams(123)
    use_noise = theano.shared(np.asarray(0.0, floatX))
    x, mask, y = T.matrix("x", dtype="int64"), T.matrix("mask", dtype=floatX), T.vector("y", dtype="int64")
    n_timesteps, n_samples = x.shape[0], x.shape[1]
    emb = tparams["Wemb"][x.flatten()].reshape([n_timesteps, n_samples, units])

    def _slice(_x, n, dim):
        if _x.ndim == 3:
            return _x[:, :, n * dim : (n + 1) * dim]
        return _x[:, n * dim : (n + 1) * dim]

    def _step(m_, x_, h_, c_):
        preact = T.dot(h_, tparams["lstm_U"])
        preact += x_
        i, f, o = (T.nnet.sigmoid(_slice(preact, k, units)) for k in range(3))
        c = f * c_ + i * T.tanh(_slice(preact, 3, units))
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * T.tanh(c)
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    state_below = T.dot(emb, tparams["lstm_W"]) + tparams["lstm_b"]
    zeros = T.alloc(np.asarray(0.0, floatX), n_samples, units)
    rval, _ = theano.scan(
        _step, sequences=[mask, state_below], outputs_info=[zeros, zeros], name="lstm__layers", n_steps=n_timesteps
    )
    proj = (rval[0] * mask[:, :, None]).sum(axis=0)
    proj = proj / mask.sum(axis=0)[:, None]
    proj = T.switch(
        use_noise, proj * trng.binomial(proj.shape, p=0.5, n=1, dtype=proj.dtype), proj * np.asarray(0.5, floatX)
    )
    pred = T.nnet.softmax(T.dot(proj, tparams["U"]) + tparams["b"])
    cost = -T.log(pred[T.arange(n_samples), y] + 1e-8).mean()
    cost += 0.001 * (tparams["U"] ** 2).sum()
    with theano.config.change_flags(mode=mode):
        f_cost = theano.function([x, mask, y], cost, name="f_cost")
        grads = T.grad(cost, wrt=list(tparams.values()))
        f_grad = theano.function([x, mask, y], grads, name="f_grad")
        lr = T.scalar(name="lr")
        f_grad_shared, f_update = adadelta(lr, tparams, grads, [x, mask, y], cost)

    data = rng.randint(words, size=(steps, rows))
    lengths = np.array([6, 1, 3, 5, 2])
    shown = (np.arange(steps)[:, None] < lengths).astype(floatX)
    labels = rng.randint(classes, size=rows)

    def loss(v):
        cell = {"W": v["lstm_W"], "U": v["lstm_U"], "b": v["lstm_b"]}
        h = numpy_lstm(cell, v["Wemb"][data], shown.astype(float))
        pooled = (h * shown[:, :, None]).sum(axis=0) / lengths[:, None] * 0.5
        p = softmax(pooled @ v["U"] + v["b"])
        return -np.log(p[np.arange(rows), labels] + 1e-8).mean() + 0.001 * (v["U"] ** 2).sum()

    values = {name: value.astype(float) for name, value in start.items()}
    single = floatX == "float32"
    close(f_cost(data, shown, labels), loss(values))
    found = dict(zip(start, f_grad(data, shown, labels)))
    for name, value in values.items():
        direction = rng.normal(size=value.shape)
        np.testing.assert_allclose(
            (found[name] * direction).sum(), slope(loss, values, name, direction), rtol=2e-3 if single else 1e-6
        )
    costs = []
    for _ in range(30):
        costs.append(float(f_grad_shared(data, shown, labels)))
        f_update(np.asarray(0.01, floatX))
    assert costs[-1] < costs[0]
    use_noise.set_value(np.asarray(1.0, floatX))
    noisy = {float(f_cost(data, shown, labels)) for _ in range(8)}
    assert len(noisy) > 1


def test_truncated_gradients_and_clipping(mode, floatX, close):
    """A state carried from chunk to chunk in a shared vector, gradients of the last steps only, clipped by norm."""
    rng = np.random.RandomState(2)
    n, hidden, back = 9, 4, 3
    U0, V0, O0 = (rng.normal(size=s) * 0.6 for s in ((hidden, hidden), (1, hidden), (hidden, 1)))
    U, V, O = (theano.shared(v.astype(floatX), name) for v, name in ((U0, "U"), (V0, "V"), (O0, "O")))
    carried = theano.shared(np.zeros(hidden, floatX), "carried")
    x, y = T.vector("x"), T.vector("y")

    def step(x_t, h, U, V):
        return T.tanh(T.dot(h, U) + x_t * V[0])

    states, _ = theano.scan(step, sequences=x, outputs_info=carried, non_sequences=[U, V], truncate_gradient=back,
                            strict=True)  # fmt: skip
    cost = ((T.dot(states, O)[:, 0] - y) ** 2).mean()
    params = [U, V, O]
    grads = T.grad(cost, params)
    norm = T.sqrt(sum(T.sum(g**2) for g in grads))
    limit = np.asarray(0.5, floatX)
    grads = [g * (limit / T.maximum(norm, limit)) for g in grads]
    updates = [(p, p - np.asarray(0.2, floatX) * g) for p, g in zip(params, grads)]
    updates.append((carried, states[-1]))
    train = theano.function([x, y], [cost, norm], updates=updates, mode=mode)

    u, v, o, h = (a.astype(floatX).astype(float) for a in (U0, V0, O0, np.zeros(hidden)))
    clipped = 0
    single = floatX == "float32"
    for _ in range(6):
        xs, ys = rng.normal(size=n).astype(floatX), rng.normal(size=n).astype(floatX)
        H, before = [], [h]
        for t in range(n):
            h = np.tanh(before[t] @ u + xs[t] * v[0])
            H.append(h)
            before.append(h)
        H = np.stack(H)
        error = (H @ o)[:, 0] - ys
        got, length = train(xs, ys)
        close(got, (error**2).mean(), rtol=2e-3 if single else 1e-9)
        d = 2 * error / n
        gu, gv, go, g = np.zeros_like(u), np.zeros_like(v), H.T @ d[:, None], np.zeros(hidden)
        for t in range(n - 1, n - 1 - back, -1):  # what is older gets nothing
            dz = (d[t] * o[:, 0] + g) * (1 - H[t] ** 2)
            gu, gv, g = gu + np.outer(before[t], dz), gv + xs[t] * dz, u @ dz
        right = np.sqrt(sum((a**2).sum() for a in (gu, gv, go)))
        close(length, right, rtol=2e-3 if single else 1e-9)
        scale = 0.5 / max(right, 0.5)
        clipped += scale < 1
        u, v, o = u - 0.2 * scale * gu, v - 0.2 * scale * gv, o - 0.2 * scale * go
    assert clipped > 0
    for p, value in ((U, u), (V, v), (O, o), (carried, h)):
        close(p.get_value(), value, rtol=5e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)


def test_network_that_reads_both_ways(mode, floatX, close):
    """One scan forwards, one with go_backwards turned around again, joined; batches first in, time first inside."""
    rng = np.random.RandomState(3)
    batch, steps, features, hidden = 3, 5, 2, 4
    D = rng.normal(size=(batch, steps, features)).astype(floatX)
    weights = [(rng.normal(size=s) * 0.5).astype(floatX) for s in ((features, hidden), (hidden, hidden)) * 2]
    W1, U1, W2, U2 = (theano.shared(w, n) for w, n in zip(weights, ("W1", "U1", "W2", "U2")))
    x = T.tensor3("x")

    def layer(W, U, backwards):
        def step(x_t, h, W, U):
            return T.tanh(T.dot(x_t, W) + T.dot(h, U))

        start = T.zeros((x.shape[0], hidden))
        h, _ = theano.scan(
            step, x.dimshuffle(1, 0, 2), outputs_info=[start], non_sequences=[W, U], go_backwards=backwards
        )
        return (h[::-1] if backwards else h).dimshuffle(1, 0, 2)

    joined = T.concatenate([layer(W1, U1, False), layer(W2, U2, True)], axis=2)
    cost = (joined**3).sum()
    f = theano.function([x], [joined, *T.grad(cost, [W1, U1, W2, U2])], mode=mode)

    def reference(v):
        both = []
        for W, U, order in ((v["W1"], v["U1"], range(steps)), (v["W2"], v["U2"], range(steps - 1, -1, -1))):
            h, out = np.zeros((batch, hidden)), np.zeros((batch, steps, hidden))
            for t in order:
                h = np.tanh(D[:, t] @ W + h @ U)
                out[:, t] = h
            both.append(out)
        return np.concatenate(both, axis=2)

    values = dict(zip(("W1", "U1", "W2", "U2"), (w.astype(float) for w in weights)))
    got, *gradients = f(D)
    close(got, reference(values))
    for name, gradient in zip(values, gradients):
        direction = rng.normal(size=values[name].shape)
        right = slope(lambda v: (reference(v) ** 3).sum(), values, name, direction)
        np.testing.assert_allclose((gradient * direction).sum(), right, rtol=2e-3 if floatX == "float32" else 1e-6)


def test_characters_learnt_and_drawn(mode, floatX):
    """One-hot characters, softmax over flattened steps, and sampling with a scan that feeds back what it has drawn."""
    rng = np.random.RandomState(4)
    follows = {"a": "bc", "b": "cd", "c": "da", "d": "ab"}
    text = "a"
    while len(text) < 80:
        text += follows[text[-1]][rng.randint(2)]
    letters = sorted(follows)
    codes = np.array([letters.index(c) for c in text], "int32")
    hidden, count = 16, len(letters)
    shapes = ((count, hidden), (hidden, hidden), (hidden, count))
    Wx, Wh, Wo = (theano.shared((rng.normal(size=shape) * 0.3).astype(floatX)) for shape in shapes)
    chars = T.ivector("chars")
    hot = T.extra_ops.to_one_hot(chars, count, dtype=floatX)

    def step(x_t, h):
        return T.tanh(T.dot(x_t, Wx) + T.dot(h, Wh))

    h, _ = theano.scan(step, sequences=hot[:-1], outputs_info=T.zeros((hidden,)))
    p = T.nnet.softmax(T.dot(h, Wo))
    cost = T.nnet.categorical_crossentropy(p, chars[1:]).mean()
    params = [Wx, Wh, Wo]
    updates = [(w, w - np.asarray(0.05, floatX) * T.clip(g, -1, 1)) for w, g in zip(params, T.grad(cost, params))]
    train = theano.function([chars], cost, updates=updates, mode=mode)
    costs = [float(train(codes)) for _ in range(120)]
    # every letter has two successors: one bit is left to guess
    assert costs[0] > 1.2 and costs[-1] < 0.8

    streams = MRG_RandomStreams(7)
    length = T.iscalar("length")

    def draw(code, h):
        h = T.tanh(Wx[code] + T.dot(h, Wh))
        p = T.nnet.softmax(T.dot(h, Wo))
        drawn = T.argmax(streams.multinomial(pvals=p, dtype=floatX), axis=1)[0]
        return T.cast(drawn, "int32"), h

    (drawn, _), moves = theano.scan(
        draw, outputs_info=[T.constant(0, dtype="int32"), T.zeros((hidden,))], n_steps=length
    )
    sample = theano.function([length], drawn, updates=moves, mode=mode)
    first, second = sample(400), sample(400)
    assert first.dtype == np.dtype("int32") and first.shape == (400,)
    assert not np.array_equal(first, second)
    written = "".join(letters[k] for k in first)
    assert np.mean([after in follows[letter] for letter, after in pairwise(written)]) > 0.65  # by chance: 0.5


@pytest.mark.parametrize("length", [1, 2, 5])
def test_loop_that_ends_by_itself(mode, floatX, close, length):
    """The tutorial's powers of two up to a limit, and the gradient through the steps that were made."""
    limit, factor = T.scalar("limit"), T.scalar("factor")
    values, _ = theano.scan(
        lambda previous, limit, factor: (previous * factor, theano.scan_module.until(previous * factor > limit)),
        outputs_info=T.constant(np.asarray(1.0, floatX)), non_sequences=[limit, factor], n_steps=1024,
    )  # fmt: skip
    f = theano.function([limit, factor], [values, T.grad(values[-1], factor)], mode=mode)
    got, by_factor = f(np.asarray(2.0**length - 0.5, floatX), np.asarray(2.0, floatX))
    close(got, 2.0 ** np.arange(1, length + 1))
    close(by_factor, length * 2.0 ** (length - 1))
