"""Classifiers and networks as users write them, each step beside the same step in NumPy with derivatives by hand."""

import numpy as np

import theano
import theano.tensor as T
from theano import shared


def blobs(rng, count, features, classes, floatX):
    centres = rng.normal(scale=3.0, size=(classes, features))
    labels = rng.randint(classes, size=count)
    return (centres[labels] + rng.normal(size=(count, features))).astype(floatX), labels.astype("int32")


def softmax(v):
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_logistic_regression(mode, floatX, close):
    """Two classes, log loss with weight decay, plain gradient descent; the class is the rounded probability."""
    rng = np.random.RandomState(0)
    D = rng.randn(40, 5).astype(floatX)
    target = (D[:, 0] - D[:, 2] + 0.1 * rng.randn(40) > 0).astype("int8")
    x = T.matrix("x")
    y = T.bvector("y")
    w0 = rng.randn(5).astype(floatX)
    w = shared(w0, name="w")
    b = shared(np.asarray(0.0, floatX), name="b")
    p_1 = 1 / (1 + T.exp(-T.dot(x, w) - b))
    prediction = p_1 > 0.5
    xent = -y * T.log(p_1) - (1 - y) * T.log(1 - p_1)
    cost = xent.mean() + T.cast(0.01, floatX) * (w**2).sum()
    gw, gb = T.grad(cost, [w, b])
    rate = np.asarray(0.1, floatX)
    train = theano.function([x, y], [prediction, xent], updates=((w, w - rate * gw), (b, b - rate * gb)), mode=mode)
    predict = theano.function([x], prediction, mode=mode)

    nw, nb = w0.astype(float), 0.0
    for _ in range(60):
        p = 1 / (1 + np.exp(-D.astype(float) @ nw - nb))
        guessed, losses = train(D, target)
        close(losses, -target * np.log(p) - (1 - target) * np.log(1 - p), rtol=3e-3 if floatX == "float32" else 1e-8)
        error = (p - target) / 40
        nw, nb = nw - 0.1 * (D.T @ error + 0.02 * nw), nb - 0.1 * error.sum()
    close(w.get_value(), nw, rtol=1e-3 if floatX == "float32" else 1e-9)
    assert (predict(D) == target).mean() > 0.85
    assert guessed.dtype == bool


class LogisticRegression:
    """A layer in the form of the deep-learning tutorials: a class that holds parameters and symbolic outputs."""

    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(value=np.zeros((n_in, n_out), dtype=theano.config.floatX), name="W", borrow=True)
        self.b = theano.shared(value=np.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True)
        self.p_y_given_x = T.nnet.softmax(T.dot(input, self.W) + self.b)
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.params = [self.W, self.b]

    def negative_log_likelihood(self, y):
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y):
        return T.mean(T.neq(self.y_pred, y))


def test_softmax_regression_on_minibatches(mode, floatX, close):
    """Data in shared variables, the minibatch chosen by its index through givens."""
    rng = np.random.RandomState(1)
    D, labels = blobs(rng, 120, 6, 3, floatX)
    train_x = theano.shared(D, borrow=True)
    train_y = T.cast(theano.shared(labels.astype(floatX), borrow=True), "int32")
    index = T.lscalar()
    x, y = T.matrix("x"), T.ivector("y")
    classifier = LogisticRegression(x, 6, 3)
    cost = classifier.negative_log_likelihood(y)
    g_W, g_b = T.grad(cost=cost, wrt=classifier.W), T.grad(cost=cost, wrt=classifier.b)
    rate, batch = np.asarray(0.13, floatX), 20
    givens = {x: train_x[index * batch : (index + 1) * batch], y: train_y[index * batch : (index + 1) * batch]}
    train_model = theano.function(
        inputs=[index], outputs=cost, givens=givens, mode=mode,
        updates=[(classifier.W, classifier.W - rate * g_W), (classifier.b, classifier.b - rate * g_b)],
    )  # fmt: skip
    test_model = theano.function([index], classifier.errors(y), givens=givens, mode=mode)

    W, b = np.zeros((6, 3)), np.zeros(3)
    for _ in range(3):
        for k in range(6):
            xs, ys = D[k * batch : (k + 1) * batch].astype(float), labels[k * batch : (k + 1) * batch]
            p = softmax(xs @ W + b)
            close(train_model(k), -np.log(p[np.arange(batch), ys]).mean())
            p[np.arange(batch), ys] -= 1
            W, b = W - 0.13 * xs.T @ p / batch, b - 0.13 * p.mean(axis=0)
    close(classifier.W.get_value(), W)
    close(classifier.b.get_value(), b)
    errors = [float(test_model(k)) for k in range(6)]
    wrong = (D.astype(float) @ W + b).argmax(axis=1) != labels
    assert errors == [wrong[k * batch : (k + 1) * batch].mean() for k in range(6)]


def test_network_with_masks(mode, floatX, close):
    """One hidden layer of tanh, dropout masks given as inputs, L1 and L2 penalties; an ordered list of parameters."""
    rng = np.random.RandomState(2)
    D, labels = blobs(rng, 30, 4, 3, floatX)
    x, y, mask = T.matrix("x"), T.lvector("y"), T.matrix("mask")
    start = [rng.uniform(-0.5, 0.5, (4, 8)), rng.randn(8) * 0.1, rng.uniform(-0.5, 0.5, (8, 3)), np.zeros(3)]
    params = [theano.shared(v.astype(floatX), name=n) for v, n in zip(start, ["W1", "b1", "W2", "b2"])]
    W1, b1, W2, b2 = params
    hidden = T.tanh(T.dot(x, W1) + b1) * mask / np.asarray(0.8, floatX)
    p = T.nnet.softmax(T.dot(hidden, W2) + b2)
    nll = T.nnet.categorical_crossentropy(p, y).mean()
    l1, l2 = abs(W1).sum() + abs(W2).sum(), (W1**2).sum() + (W2**2).sum()
    cost = nll + np.asarray(0.001, floatX) * l1 + np.asarray(0.01, floatX) * l2
    grads = T.grad(cost, params)
    updates = [(v, v - np.asarray(0.3, floatX) * g) for v, g in zip(params, grads)]
    train = theano.function([x, y, mask], [cost, nll], updates=updates, mode=mode)
    values = [v.astype(floatX).astype(float) for v in start]
    for _ in range(15):
        drawn = (rng.uniform(size=(30, 8)) < 0.8).astype(floatX)
        w1, c1, w2, c2 = values
        xs = D.astype(float)
        a = np.tanh(xs @ w1 + c1)
        h = a * drawn / 0.8
        q = softmax(h @ w2 + c2)
        loss = -np.log(q[np.arange(30), labels]).mean()
        total = loss + 0.001 * (abs(w1).sum() + abs(w2).sum()) + 0.01 * ((w1**2).sum() + (w2**2).sum())
        got_cost, got_nll = train(D, labels, drawn)
        close(got_nll, loss, rtol=1e-3 if floatX == "float32" else 1e-9)
        close(got_cost, total, rtol=1e-3 if floatX == "float32" else 1e-9)
        d = q.copy()
        d[np.arange(30), labels] -= 1
        d /= 30
        dh = d @ w2.T * drawn / 0.8 * (1 - a**2)
        gradients = [
            xs.T @ dh + 0.001 * np.sign(w1) + 0.02 * w1, dh.sum(axis=0),
            h.T @ d + 0.001 * np.sign(w2) + 0.02 * w2, d.sum(axis=0),
        ]  # fmt: skip
        values = [v - 0.3 * g for v, g in zip(values, gradients)]
    for v, expected in zip(params, values):
        single = floatX == "float32"
        close(v.get_value(), expected, rtol=5e-3 if single else 1e-8, atol=1e-3 if single else 1e-10)


def test_autoencoder_with_tied_weights(mode, floatX, close):
    """A denoising autoencoder: the corruption is an input; the decoder's weights are the encoder's transposed."""
    rng = np.random.RandomState(3)
    D = rng.uniform(size=(12, 6)).astype(floatX)
    x, kept = T.matrix("x"), T.matrix("kept")
    start = rng.uniform(-0.4, 0.4, (6, 3)).astype(floatX)
    W = shared(start, "W")
    b, b_prime = shared(np.zeros(3, floatX), "b"), shared(np.zeros(6, floatX), "b'")
    W_prime = W.T
    y = T.nnet.sigmoid(T.dot(x * kept, W) + b)
    z = T.nnet.sigmoid(T.dot(y, W_prime) + b_prime)
    L = -T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1)
    cost = T.mean(L)
    params = [W, b, b_prime]
    updates = [(v, v - np.asarray(0.5, floatX) * g) for v, g in zip(params, T.grad(cost, params))]
    train = theano.function([x, kept], cost, updates=updates, mode=mode)
    nW, nb, nc = start.astype(float), np.zeros(3), np.zeros(6)
    xs = D.astype(float)
    costs = []
    for _ in range(25):
        keep = (rng.uniform(size=D.shape) < 0.7).astype(floatX)
        xc = xs * keep
        h = 1 / (1 + np.exp(-(xc @ nW + nb)))
        r = 1 / (1 + np.exp(-(h @ nW.T + nc)))
        costs.append(-(xs * np.log(r) + (1 - xs) * np.log(1 - r)).sum(axis=1).mean())
        close(train(D, keep), costs[-1], rtol=1e-3 if floatX == "float32" else 1e-9)
        dr = (r - xs) / 12
        dh = dr @ nW * h * (1 - h)
        nW, nb, nc = nW - 0.5 * (xc.T @ dh + dr.T @ h), nb - 0.5 * dh.sum(axis=0), nc - 0.5 * dr.sum(axis=0)
    close(W.get_value(), nW, rtol=5e-3 if floatX == "float32" else 1e-8, atol=1e-3 if floatX == "float32" else 1e-10)
    assert np.mean(costs[-5:]) < np.mean(costs[:5])


def test_class_weights(mode, floatX, close):
    """Cross-entropy in which each row counts as much as its class says; gradients by the logits in closed form."""
    rng = np.random.RandomState(4)
    logits = rng.normal(size=(7, 4)).astype(floatX)
    labels = np.array([0, 1, 2, 3, 3, 1, 0])
    weights = np.array([1.0, 0.5, 2.0, 0.0], floatX)
    x, y, w = T.matrix("x"), T.lvector("y"), T.vector("w")
    losses = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y)
    cost = (w[y] * losses).sum() / w[y].sum()
    f = theano.function([x, y, w], [cost, T.grad(cost, x), T.grad(cost, w)], mode=mode)
    cost_value, by_x, by_w = f(logits, labels, weights)
    p = softmax(logits.astype(float))
    nll = -np.log(p[np.arange(7), labels])
    each = weights[labels].astype(float)
    close(cost_value, (each * nll).sum() / each.sum())
    hot = np.eye(4)[labels]
    close(by_x, each[:, None] * (p - hot) / each.sum())
    by_row = (nll - (each * nll).sum() / each.sum()) / each.sum()
    close(by_w, hot.T @ by_row)


def test_perceptron_with_hinge_loss(mode, floatX, close):
    """A linear machine with margins: maximum(0, 1 - y f(x)), subgradients, and the support vectors it ends with."""
    rng = np.random.RandomState(5)
    D = rng.randn(30, 3).astype(floatX)
    side = np.where(D @ np.array([1.0, -1.0, 0.5]) > 0, 1, -1).astype(floatX)
    X, y = T.matrix("X"), T.vector("y")
    w = shared(np.zeros(3, floatX), "w")
    margin = y * T.dot(X, w)
    cost = T.maximum(0, 1 - margin).mean() + np.asarray(0.05, floatX) * T.dot(w, w)
    step = theano.function([X, y], cost, updates={w: w - np.asarray(0.2, floatX) * T.grad(cost, w)}, mode=mode)
    support = theano.function([X, y], T.nonzero(margin < 1)[0], mode=mode)
    nw = np.zeros(3)
    for _ in range(30):
        m = side * (D @ nw)
        close(step(D, side), np.maximum(0, 1 - m).mean() + 0.05 * nw @ nw, rtol=1e-3 if floatX == "float32" else 1e-9)
        nw = nw - 0.2 * (-(D * side[:, None])[m < 1].sum(axis=0) / 30 + 0.1 * nw)
    close(w.get_value(), nw, rtol=2e-3 if floatX == "float32" else 1e-9)
    assert support(D, side).tolist() == np.flatnonzero(side * (D @ nw) < 1).tolist()


def test_convolution_by_hand(mode, floatX, close):
    """A valid 2-d correlation as a sum over shifted slices, relu, mean pooling by reshape; gradient of the filter."""
    rng = np.random.RandomState(6)
    images = rng.normal(size=(2, 7, 7)).astype(floatX)
    kernel = rng.normal(size=(2, 2)).astype(floatX)
    x, k = T.tensor3("x"), T.matrix("k")
    rows, cols = x.shape[1] - 1, x.shape[2] - 1
    maps = sum(k[i, j] * x[:, i : i + rows, j : j + cols] for i in range(2) for j in range(2))
    active = T.nnet.relu(maps)
    pooled = active.reshape((x.shape[0], rows // 2, 2, cols // 2, 2)).mean(axis=(2, 4))
    cost = (pooled**2).sum()
    f = theano.function([x, k], [pooled, T.grad(cost, k)], mode=mode)
    got, by_kernel = f(images, kernel)
    wide = images.astype(float)
    maps_n = sum(kernel[i, j] * wide[:, i : i + 6, j : j + 6] for i in range(2) for j in range(2))
    pooled_n = np.maximum(maps_n, 0).reshape(2, 3, 2, 3, 2).mean(axis=(2, 4))
    close(got, pooled_n)
    back = (2 * pooled_n / 4).repeat(2, axis=1).repeat(2, axis=2) * (maps_n > 0)
    close(by_kernel, [[(back * wide[:, i : i + 6, j : j + 6]).sum() for j in range(2)] for i in range(2)], rtol=1e-3
          if floatX == "float32" else 1e-9)


def test_unrolled_recurrent_network(mode, floatX, close):
    """A small recurrent network unrolled in a Python loop; the gradient through time against finite differences."""
    rng = np.random.RandomState(7)
    Wn, Un, hn = rng.normal(size=(3, 4)) * 0.5, rng.normal(size=(4, 4)) * 0.5, np.zeros(4)
    sequence = rng.normal(size=(6, 3)).astype(floatX)
    x = T.matrix("x")
    W, U = shared(Wn.astype(floatX), "W"), shared(Un.astype(floatX), "U")
    h = T.zeros((4,))
    for t in range(6):
        h = T.tanh(T.dot(x[t], W) + T.dot(h, U))
    cost = T.sqr(h - 0.5).sum()
    f = theano.function([x], [cost, *T.grad(cost, [W, U])], mode=mode)

    def value(w, u):
        state = hn
        for t in range(6):
            state = np.tanh(sequence[t].astype(float) @ w + state @ u)
        return ((state - 0.5) ** 2).sum()

    w0, u0 = Wn.astype(floatX).astype(float), Un.astype(floatX).astype(float)
    got, by_w, by_u = f(sequence)
    close(got, value(w0, u0))
    for base, derivative, vary in ((w0, by_w, 0), (u0, by_u, 1)):
        for place in [(0, 0), (2, 3), (1, 1)]:
            d = np.zeros_like(base)
            d[place] = 1e-6
            up, down = (value(w0 + s * d, u0) if vary == 0 else value(w0, u0 + s * d) for s in (1, -1))
            np.testing.assert_allclose(derivative[place], (up - down) / 2e-6, rtol=2e-3, atol=1e-5)
