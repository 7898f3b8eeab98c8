"""Networks in the form of the deep-learning tutorials: layers as classes, random masks, pretraining; beside NumPy."""

from collections import OrderedDict
from itertools import pairwise

import numpy as np
from scipy.signal import correlate2d

import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.nnet import conv2d
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal import pool


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softmax(v):
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def streams_of(seed):
    """What the draws of RandomStreams(seed) use, one after the other."""
    seeds = np.random.RandomState(seed)
    while True:
        yield np.random.RandomState(seeds.randint(2**30))


class HiddenLayer:
    def __init__(self, rng, input, n_in, n_out, W=None, b=None, activation=T.tanh):
        self.input = input
        if W is None:
            bound = np.sqrt(6.0 / (n_in + n_out))
            W_values = np.asarray(rng.uniform(low=-bound, high=bound, size=(n_in, n_out)), dtype=theano.config.floatX)
            W = theano.shared(value=W_values, name="W", borrow=True)
        if b is None:
            b = theano.shared(value=np.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True)
        self.W, self.b = W, b
        lin_output = T.dot(input, self.W) + self.b
        self.output = lin_output if activation is None else activation(lin_output)
        self.params = [self.W, self.b]


def _dropout_from_layer(stream, layer, p):
    mask = stream.binomial(n=1, p=1 - p, size=layer.shape)
    return layer * T.cast(mask, theano.config.floatX)


def test_dropout_with_bounded_norms(mode, floatX, close):
    """Two paths share weights: one with masks for training, one scaled for testing; columns of weights are bounded."""
    rng = np.random.RandomState(0)
    D = rng.normal(size=(25, 6)).astype(floatX)
    labels = (D[:, 0] * D[:, 1] > 0).astype("int32")
    x, y, rate = T.matrix("x"), T.ivector("y"), T.scalar("rate")
    stream = RandomStreams(99)
    masked = _dropout_from_layer(stream, x, 0.2)
    hidden = HiddenLayer(rng, masked, 6, 12, activation=T.nnet.relu)
    dropped = _dropout_from_layer(stream, hidden.output, 0.5)
    out = HiddenLayer(rng, dropped, 12, 2, activation=T.nnet.softmax)
    start = [p.get_value().astype(float) for p in hidden.params + out.params]
    plain = HiddenLayer(rng, x, 6, 12, W=hidden.W * np.asarray(0.8, floatX), b=hidden.b, activation=T.nnet.relu)
    halved = out.W * np.asarray(0.5, floatX)
    tested = HiddenLayer(rng, plain.output, 12, 2, W=halved, b=out.b, activation=T.nnet.softmax)

    cost = -T.mean(T.log(out.output)[T.arange(y.shape[0]), y])
    params = hidden.params + out.params
    updates = OrderedDict()
    for param, gparam in zip(params, [T.grad(cost, p) for p in params]):
        stepped = param - rate * gparam
        if param.get_value(borrow=True).ndim == 2:
            col_norms = T.sqrt(T.sum(T.sqr(stepped), axis=0))
            desired_norms = T.clip(col_norms, 0, T.sqrt(np.asarray(1.5, floatX)))
            scale = desired_norms / (np.asarray(1e-7, floatX) + col_norms)
            updates[param] = stepped * scale
        else:
            updates[param] = stepped
    train = theano.function([x, y, rate], cost, updates=updates, mode=mode)
    errors = theano.function([x, y], T.mean(T.neq(T.argmax(tested.output, axis=1), y)), mode=mode)

    first, second = (draw for draw, _ in zip(streams_of(99), range(2)))
    W1, b1, W2, b2 = start
    xs, bounded = D.astype(float), 0
    single = floatX == "float32"
    for _ in range(12):
        m1, m2 = first.binomial(1, 0.8, (25, 6)), second.binomial(1, 0.5, (25, 12))
        seen = xs * m1
        a = seen @ W1 + b1
        h = np.maximum(a, 0) * m2
        p = softmax(h @ W2 + b2)
        got = train(D, labels, np.asarray(0.5, floatX))
        close(got, -np.log(p[np.arange(25), labels]).mean(), rtol=2e-3 if single else 1e-9)
        d = p.copy()
        d[np.arange(25), labels] -= 1
        d /= 25
        da = d @ W2.T * m2 * (a > 0)
        W1, b1, W2, b2 = (
            v - 0.5 * g for v, g in zip((W1, b1, W2, b2), (seen.T @ da, da.sum(0), h.T @ d, d.sum(0)))
        )
        norms = [np.sqrt((w**2).sum(axis=0)) for w in (W1, W2)]
        bounded += sum((n > np.sqrt(1.5)).sum() for n in norms)
        W1, W2 = (w * np.clip(n, 0, np.sqrt(1.5)) / (1e-7 + n) for w, n in zip((W1, W2), norms))
    assert bounded > 0
    for p, value in zip(params, (W1, b1, W2, b2)):
        close(p.get_value(), value, rtol=5e-3 if single else 1e-8, atol=1e-3 if single else 1e-10)
    h = np.maximum(xs @ W1 * 0.8 + b1, 0)
    assert float(errors(D, labels)) == np.mean((h @ W2 * 0.5 + b2).argmax(axis=1) != labels)


class dA:
    """A denoising autoencoder with tied weights, whose corruption is drawn by the graph itself."""

    def __init__(self, theano_rng, input, n_visible, n_hidden, W, bhid):
        self.x, self.theano_rng = input, theano_rng
        self.W, self.b = W, bhid
        self.b_prime = theano.shared(np.zeros(n_visible, theano.config.floatX), borrow=True)
        self.params = [self.W, self.b, self.b_prime]

    def get_cost_updates(self, corruption_level, learning_rate):
        tilde_x = self.theano_rng.binomial(
            size=self.x.shape, n=1, p=1 - corruption_level, dtype=theano.config.floatX
        ) * self.x  # fmt: skip
        y = T.nnet.sigmoid(T.dot(tilde_x, self.W) + self.b)
        z = T.nnet.sigmoid(T.dot(y, self.W.T) + self.b_prime)
        L = -T.sum(self.x * T.log(z) + (1 - self.x) * T.log(1 - z), axis=1)
        cost = T.mean(L)
        gparams = T.grad(cost, self.params)
        return cost, [(param, param - learning_rate * gparam) for param, gparam in zip(self.params, gparams)]


def test_stacked_denoising_autoencoders(mode, floatX, close):
    """Layers pretrained one by one on what the layer below makes of the data; rates and levels have default values."""
    rng = np.random.RandomState(1)
    D = rng.uniform(size=(24, 8)).astype(floatX)
    data, batch = theano.shared(D, borrow=True), 6
    x, index = T.matrix("x"), T.lscalar("index")
    level, rate = T.scalar("corruption"), T.scalar("lr")
    theano_rng = RandomStreams(11)
    below, sizes, layers, autoencoders = x, [8, 5, 3], [], []
    for n_in, n_out in pairwise(sizes):
        layer = HiddenLayer(rng, below, n_in, n_out, activation=T.nnet.sigmoid)
        layers.append(layer)
        autoencoders.append(dA(theano_rng, below, n_in, n_out, W=layer.W, bhid=layer.b))
        below = layer.output
    start = [layer.W.get_value().astype(float) for layer in layers]
    pretraining = []
    for da in autoencoders:
        cost, updates = da.get_cost_updates(level, rate)
        fn = theano.function(
            inputs=[index, theano.In(level, value=0.2), theano.In(rate, value=0.1)], outputs=cost, updates=updates,
            givens={x: data[index * batch : (index + 1) * batch]}, mode=mode,
        )  # fmt: skip
        pretraining.append(fn)

    single = floatX == "float32"
    draws = [draw for draw, _ in zip(streams_of(11), range(2))]
    Ws, bs, cs = start, [np.zeros(5), np.zeros(3)], [np.zeros(8), np.zeros(5)]
    for number, f in enumerate(pretraining):
        for k in (0, 1, 2, 3, 0, 1):
            v = D[k * batch : (k + 1) * batch].astype(float)
            for W, b in zip(Ws[:number], bs):
                v = sigmoid(v @ W + b)
            W, b, c = Ws[number], bs[number], cs[number]
            tilde = draws[number].binomial(1, 1 - 0.3, v.shape) * v
            h = sigmoid(tilde @ W + b)
            z = sigmoid(h @ W.T + c)
            loss = -(v * np.log(z) + (1 - v) * np.log(1 - z)).sum(axis=1).mean()
            close(f(k, corruption=np.asarray(0.3, floatX)), loss, rtol=1e-3 if single else 1e-9)
            dz = (z - v) / batch
            dh = dz @ W * h * (1 - h)
            Ws[number] = W - 0.1 * (tilde.T @ dh + dz.T @ h)
            bs[number], cs[number] = b - 0.1 * dh.sum(axis=0), c - 0.1 * dz.sum(axis=0)
    for layer, W, b in zip(layers, Ws, bs):
        close(layer.W.get_value(), W, rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)
        close(layer.b.get_value(), b, rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)


def test_contractive_autoencoder(mode, floatX, close):
    """The penalty is the norm of the Jacobian of the code, written out; the gradient goes through it."""
    rng = np.random.RandomState(2)
    D = rng.uniform(size=(7, 5)).astype(floatX)
    W0 = rng.normal(size=(5, 3)).astype(floatX) * np.asarray(0.5, floatX)
    x, W = T.matrix("x"), theano.shared(W0, "W")
    b, b_prime = theano.shared(np.zeros(3, floatX)), theano.shared(np.zeros(5, floatX))
    y = T.nnet.sigmoid(T.dot(x, W) + b)
    z = T.nnet.sigmoid(T.dot(y, W.T) + b_prime)
    J = T.reshape(y * (1 - y), (7, 1, 3)) * T.reshape(W, (1, 5, 3))
    loss = -T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1)
    penalty = T.sum(J**2) / 7
    cost = T.mean(loss) + np.asarray(0.1, floatX) * penalty
    f = theano.function([x], [cost, penalty, T.grad(cost, W)], mode=mode)
    by_code = theano.gradient.jacobian(y.flatten(), x)
    g = theano.function([x], (by_code**2).sum() / 7, mode=mode)

    def value(w, v):
        h = sigmoid(v @ w)
        r = sigmoid(h @ w.T)
        jacobian = (h * (1 - h))[:, None, :] * w
        return -(v * np.log(r) + (1 - v) * np.log(1 - r)).sum(axis=1).mean() + 0.1 * (jacobian**2).sum() / 7

    wide, data = W0.astype(float), D.astype(float)
    got, contraction, gradient = f(D)
    close(got, value(wide, data))
    close(g(D), contraction)
    for place in [(0, 0), (2, 1), (4, 2)]:
        d = np.zeros_like(wide)
        d[place] = 1e-6
        slope = (value(wide + d, data) - value(wide - d, data)) / 2e-6
        np.testing.assert_allclose(gradient[place], slope, rtol=2e-3, atol=1e-5)


def test_variational_autoencoder(mode, floatX, close):
    """Noise from MRG streams moved by mean and deviation; the gradient holds the noise fixed."""
    rng = np.random.RandomState(3)
    D = (rng.uniform(size=(10, 6)) < 0.4).astype(floatX)
    shapes = {"W": (6, 4), "M": (4, 2), "S": (4, 2), "V": (2, 6)}
    start = {name: (rng.normal(size=s) * 0.5).astype(floatX) for name, s in shapes.items()}
    p = {name: theano.shared(value, name) for name, value in start.items()}
    x = T.matrix("x")
    srng = MRG_RandomStreams(5)
    h = T.tanh(T.dot(x, p["W"]))
    mu, log_sigma = T.dot(h, p["M"]), T.dot(h, p["S"])
    eps = srng.normal(mu.shape, dtype=floatX)
    z = mu + T.exp(log_sigma) * eps
    out = T.nnet.sigmoid(T.dot(z, p["V"]))
    rec = -T.nnet.binary_crossentropy(out, x).sum(axis=1)
    kl = 0.5 * T.sum(T.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma, axis=1)
    cost = T.mean(kl - rec)
    f = theano.function([x], [cost, eps, *T.grad(cost, list(p.values()))], mode=mode)

    def value(v, noise):
        h = np.tanh(D.astype(float) @ v["W"])
        mu, log_sigma = h @ v["M"], h @ v["S"]
        o = sigmoid((mu + np.exp(log_sigma) * noise) @ v["V"])
        rec = (D * np.log(o) + (1 - D) * np.log(1 - o)).sum(axis=1)
        return (0.5 * (np.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma).sum(axis=1) - rec).mean()

    values = {name: v.astype(float) for name, v in start.items()}
    seen = []
    for _ in range(2):
        got, noise, *gradients = f(D)
        seen.append(noise)
        close(got, value(values, noise.astype(float)))
        for name, gradient in zip(start, gradients):
            direction = rng.normal(size=values[name].shape)
            up, down = (value({**values, name: values[name] + s * 1e-6 * direction}, noise) for s in (1, -1))
            np.testing.assert_allclose((gradient * direction).sum(), (up - down) / 2e-6, rtol=3e-3, atol=1e-6)
    assert not np.array_equal(*seen)


class LeNetConvPoolLayer:
    def __init__(self, rng, input, filter_shape, image_shape, poolsize=(2, 2)):
        fan_in = np.prod(filter_shape[1:])
        bound = np.sqrt(3.0 / fan_in)
        self.W = theano.shared(
            np.asarray(rng.uniform(low=-bound, high=bound, size=filter_shape), dtype=theano.config.floatX), borrow=True
        )
        self.b = theano.shared(value=rng.normal(size=filter_shape[0]).astype(theano.config.floatX), borrow=True)
        conv_out = conv2d(input=input, filters=self.W, filter_shape=filter_shape, input_shape=image_shape)
        pooled_out = pool.pool_2d(input=conv_out, ws=poolsize, ignore_border=True)
        self.output = T.tanh(pooled_out + self.b.dimshuffle("x", 0, "x", "x"))
        self.params = [self.W, self.b]


def test_convolution_and_pooling_layers(mode, floatX, close):
    """Rows of pixels reshaped to images of stated shapes, two layers, flatten(2), one step of descent."""
    rng = np.random.RandomState(4)
    batch = 3
    D = rng.normal(size=(batch, 14 * 14)).astype(floatX)
    labels = np.array([0, 2, 1], "int32")
    x, y = T.matrix("x"), T.ivector("y")
    layer0 = LeNetConvPoolLayer(rng, x.reshape((batch, 1, 14, 14)), (2, 1, 3, 3), (batch, 1, 14, 14))
    layer1 = LeNetConvPoolLayer(rng, layer0.output, (3, 2, 3, 3), (batch, 2, 6, 6))
    layer2 = HiddenLayer(rng, layer1.output.flatten(2), 3 * 2 * 2, 3, activation=T.nnet.softmax)
    cost = -T.mean(T.log(layer2.output)[T.arange(batch), y])
    params = layer2.params + layer1.params + layer0.params
    grads = T.grad(cost, params)
    start = [p.get_value().astype(float) for p in params]
    updates = [(p, p - np.asarray(0.1, floatX) * g) for p, g in zip(params, grads)]
    train = theano.function([x, y], [cost, *grads], updates=updates, mode=mode)

    def value(values):
        W, b, W1, b1, W0, b0 = values
        losses = []
        for image, label in zip(D.astype(float).reshape(batch, 1, 14, 14), labels):
            v = image
            for K, k in ((W0, b0), (W1, b1)):
                maps = np.stack([
                    sum(correlate2d(c, w[::-1, ::-1], mode="valid") for c, w in zip(v, f)) for f in K
                ])  # filters are turned around: it is a convolution
                n = maps.shape[1] // 2
                pooled = maps[:, : 2 * n, : 2 * n].reshape(len(maps), n, 2, n, 2).max(axis=(2, 4))
                v = np.tanh(pooled + k[:, None, None])
            s = v.reshape(-1) @ W + b
            losses.append(np.log(np.exp(s - s.max()).sum()) + s.max() - s[label])
        return np.mean(losses)

    got, *gradients = train(D, labels)
    close(got, value(start))
    for number, gradient in enumerate(gradients):
        direction = rng.normal(size=start[number].shape)
        up, down = (
            value([v + s * 1e-6 * direction if k == number else v for k, v in enumerate(start)]) for s in (1, -1)
        )
        np.testing.assert_allclose((gradient * direction).sum(), (up - down) / 2e-6, rtol=3e-3, atol=1e-5)
        close(params[number].get_value(), start[number] - 0.1 * gradient, rtol=1e-4 if floatX == "float32" else 1e-9)
