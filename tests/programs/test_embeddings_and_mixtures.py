"""Models with tables of vectors, of which a step touches few, and mixtures with full covariances."""

import numpy as np
from scipy import stats

import theano
import theano.tensor as T
from theano.tensor.nlinalg import det, matrix_inverse
from theano.tensor.slinalg import cholesky, solve_lower_triangular


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def test_skip_grams_with_negative_samples(mode, floatX, close):
    """Rows looked up from two tables; only those are changed, and a row that occurs twice is changed twice."""
    rng = np.random.RandomState(0)
    words, size, batch, negatives = 30, 4, 5, 3
    start = [(rng.normal(size=(words, size)) * 0.5).astype(floatX) for _ in range(2)]
    inside, outside = (theano.shared(v, n) for v, n in zip(start, ("inside", "outside")))
    centre, context, wrong = T.lvector("centre"), T.lvector("context"), T.lmatrix("wrong")
    c, o, w = inside[centre], outside[context], outside[wrong]
    right_score = T.sum(c * o, axis=1)
    wrong_score = T.batched_dot(w, c)
    cost = -(T.log(T.nnet.sigmoid(right_score)).sum() + T.log(T.nnet.sigmoid(-wrong_score)).sum())
    by_c, by_o, by_w = T.grad(cost, [c, o, w])
    rate = np.asarray(0.1, floatX)
    changed = T.inc_subtensor(outside[context], -rate * by_o)
    updates = [(inside, T.inc_subtensor(c, -rate * by_c)), (outside, T.inc_subtensor(changed[wrong], -rate * by_w))]
    train = theano.function([centre, context, wrong], cost, updates=updates, mode=mode)
    dense = theano.function([centre, context, wrong], T.grad(cost, [inside, outside]), mode=mode)
    a, b = (v.astype(float) for v in start)
    single = floatX == "float32"
    for _ in range(6):
        ci, oi, wi = (rng.randint(words, size=n) for n in (batch, batch, (batch, negatives)))
        ci[1] = ci[0]
        right, bad = (a[ci] * b[oi]).sum(axis=1), np.einsum("nkd,nd->nk", b[wi], a[ci])
        d_right, d_bad = sigmoid(right) - 1, sigmoid(bad)
        ga, gb = np.zeros_like(a), np.zeros_like(b)
        np.add.at(ga, ci, d_right[:, None] * b[oi] + np.einsum("nk,nkd->nd", d_bad, b[wi]))
        np.add.at(gb, oi, d_right[:, None] * a[ci])
        np.add.at(gb, wi, d_bad[:, :, None] * a[ci][:, None, :])
        for got, expected in zip(dense(ci, oi, wi), (ga, gb)):
            close(got, expected, rtol=2e-3 if single else 1e-9, atol=1e-4 if single else 1e-10)
        loss = -np.log(sigmoid(right)).sum() - np.log(sigmoid(-bad)).sum()
        close(train(ci, oi, wi), loss, rtol=1e-3 if single else 1e-9)
        a, b = a - 0.1 * ga, b - 0.1 * gb
    close(inside.get_value(), a, rtol=2e-3 if single else 1e-9, atol=1e-4 if single else 1e-10)
    close(outside.get_value(), b, rtol=2e-3 if single else 1e-9, atol=1e-4 if single else 1e-10)


def test_neural_language_model(mode, floatX, close):
    """Three words before, looked up and put side by side by flatten(2), a hidden layer, a softmax over all words."""
    rng = np.random.RandomState(1)
    words, size, hidden, batch = 11, 3, 5, 6
    shapes = {"C": (words, size), "H": (3 * size, hidden), "U": (hidden, words), "b": (words,)}
    start = {name: (rng.normal(size=s) * 0.4).astype(floatX) for name, s in shapes.items()}
    p = {name: theano.shared(v, name) for name, v in start.items()}
    context, target = T.imatrix("context"), T.ivector("target")
    x = p["C"][context.flatten()].reshape((context.shape[0], context.shape[1] * size))
    probabilities = T.nnet.softmax(T.dot(T.tanh(T.dot(x, p["H"])), p["U"]) + p["b"])
    cost = T.mean(T.nnet.categorical_crossentropy(probabilities, target))
    perplexity = T.exp(cost)
    rate = np.asarray(0.3, floatX)
    updates = [(v, v - rate * g) for v, g in zip(p.values(), T.grad(cost, list(p.values())))]
    train = theano.function([context, target], [cost, perplexity], updates=updates, mode=mode)
    v = {name: value.astype(float) for name, value in start.items()}
    single = floatX == "float32"
    for _ in range(5):
        before, after = (rng.randint(words, size=n).astype("int32") for n in ((batch, 3), batch))
        xs = v["C"][before].reshape(batch, -1)
        h = np.tanh(xs @ v["H"])
        s = h @ v["U"] + v["b"]
        e = np.exp(s - s.max(axis=1, keepdims=True))
        q = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(q[np.arange(batch), after]).mean()
        got, exp_of_it = train(before, after)
        close(got, loss, rtol=1e-3 if single else 1e-9)
        close(exp_of_it, np.exp(loss), rtol=1e-3 if single else 1e-9)
        d = q.copy()
        d[np.arange(batch), after] -= 1
        d /= batch
        dh = d @ v["U"].T * (1 - h**2)
        gC = np.zeros_like(v["C"])
        np.add.at(gC, before, (dh @ v["H"].T).reshape(batch, 3, size))
        g = {"C": gC, "H": xs.T @ dh, "U": h.T @ d, "b": d.sum(axis=0)}
        v = {name: v[name] - 0.3 * g[name] for name in v}
    for name in shapes:
        close(p[name].get_value(), v[name], rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)


def test_momentum_of_the_rows_that_are_used(mode, floatX, close):
    """Velocities beside a table: both are changed in the rows of a batch only, through set_subtensor."""
    rng = np.random.RandomState(2)
    table0 = rng.normal(size=(12, 3)).astype(floatX)
    table, velocity = theano.shared(table0, "table"), theano.shared(np.zeros_like(table0), "velocity")
    rows, goal = T.ivector("rows"), T.matrix("goal")
    picked = table[rows]
    g = T.grad(((picked - goal) ** 2).sum(), picked)
    moved = np.asarray(0.5, floatX) * velocity[rows] - np.asarray(0.1, floatX) * g
    step = theano.function(
        [rows, goal], [], mode=mode,
        updates=[(velocity, T.set_subtensor(velocity[rows], moved)), (table, T.inc_subtensor(picked, moved))],
    )  # fmt: skip
    a, v = table0.astype(float), np.zeros((12, 3))
    for _ in range(5):
        chosen, wanted = rng.permutation(12)[:4].astype("int32"), rng.normal(size=(4, 3)).astype(floatX)
        step(chosen, wanted)
        v[chosen] = 0.5 * v[chosen] - 0.2 * (a[chosen] - wanted)
        a[chosen] += v[chosen]
    close(table.get_value(), a, rtol=1e-3 if floatX == "float32" else 1e-9)
    close(velocity.get_value(), v, rtol=1e-3 if floatX == "float32" else 1e-9)


def mixture_by_numpy(D, w, m, S):
    logs = np.stack([np.log(p) + stats.multivariate_normal.logpdf(D, a, c) for p, a, c in zip(w, m, S)], axis=1)
    total = np.logaddexp.reduce(logs, axis=1)
    r = np.exp(logs - total[:, None])
    n = r.sum(axis=0)
    m = r.T @ D / n[:, None]
    S = np.stack([((D - a).T * r[:, k]) @ (D - a) / n[k] for k, a in enumerate(m)])
    return total.sum(), n / len(D), m, S


def test_mixture_with_full_covariances(mode, floatX, close):
    """Expectation and maximisation with theano.map over components: determinants, inverses, weighted outer products."""
    rng = np.random.RandomState(3)
    left = rng.multivariate_normal([-2, 0], [[1, 0.8], [0.8, 1]], 40)
    right = rng.multivariate_normal([2, 1], [[1, -0.5], [-0.5, 0.5]], 60)
    D = np.concatenate([left, right]).astype(floatX)
    values = [np.array([0.5, 0.5]), np.array([[-1.0, 0.5], [1.0, 0.0]]), np.stack([np.eye(2)] * 2)]
    weights, means, covariances = (
        theano.shared(v.astype(floatX), n) for v, n in zip(values, ("weights", "means", "covariances"))
    )
    x = T.matrix("x")
    constant = np.asarray(np.log(2 * np.pi), floatX)

    def log_density(mean, covariance, x):
        centred = x - mean
        distance = T.sum(T.dot(centred, matrix_inverse(covariance)) * centred, axis=1)
        return -(distance + T.log(det(covariance)) + 2 * constant) / 2

    logs, _ = theano.map(log_density, sequences=[means, covariances], non_sequences=x)
    joint = logs.T + T.log(weights)
    top = joint.max(axis=1, keepdims=True)
    total = top + T.log(T.sum(T.exp(joint - top), axis=1, keepdims=True))
    responsibility = T.exp(joint - total)
    counts = responsibility.sum(axis=0)
    new_means = T.dot(responsibility.T, x) / counts.dimshuffle(0, "x")

    def spread(r, mean, n, x):
        centred = x - mean
        return T.dot(centred.T * r, centred) / n

    new_covariances, _ = theano.map(spread, sequences=[responsibility.T, new_means, counts], non_sequences=x)
    updates = [
        (weights, counts / T.cast(x.shape[0], floatX)), (means, new_means), (covariances, new_covariances),
    ]  # fmt: skip
    step = theano.function([x], total.sum(), updates=updates, mode=mode)
    single, wide, history = floatX == "float32", D.astype(float), []
    for _ in range(15):
        likelihood, *values = mixture_by_numpy(wide, *values)
        history.append(likelihood)
        close(step(D), likelihood, rtol=1e-3 if single else 1e-9)
    assert np.all(np.diff(history) > -1e-9)
    for shared, value in zip((weights, means, covariances), values):
        close(shared.get_value(), value, rtol=1e-2 if single else 1e-8, atol=1e-3 if single else 1e-9)


def test_mixture_by_gradients(mode, floatX, close):
    """The same likelihood by Cholesky factors of unconstrained numbers, and its gradient by finite differences."""
    rng = np.random.RandomState(4)
    D = rng.normal(size=(20, 3)).astype(floatX)
    K, d = 2, 3
    logits0, means0, lower0 = rng.normal(size=K), rng.normal(size=(K, d)), rng.normal(size=(K, d, d)) * 0.5
    x, logits, means, lower = T.matrix("x"), T.vector("logits"), T.matrix("means"), T.tensor3("lower")
    terms = []
    for k in range(K):
        root = T.tril(lower[k], -1) + T.diag(T.exp(T.diag(lower[k])))
        L = cholesky(T.dot(root, root.T) + np.asarray(0.01, floatX) * T.eye(d))
        white = solve_lower_triangular(L, (x - means[k]).T)
        constant = np.asarray(d * np.log(2 * np.pi) / 2, floatX)
        terms.append(-T.sqr(white).sum(axis=0) / 2 - T.log(T.diag(L)).sum() - constant)
    joint = T.stack(terms, axis=1) + T.log(T.nnet.softmax(logits.dimshuffle("x", 0)))
    total = T.log(T.exp(joint).sum(axis=1)).sum()
    wrt = [logits, means, lower]
    f = theano.function([x, *wrt], [total, *T.grad(total, wrt)], mode=mode)

    def likelihood(logits, means, lower):
        w = np.exp(logits - logits.max())
        roots = [np.tril(a, -1) + np.diag(np.exp(np.diag(a))) for a in lower]
        S = np.stack([r @ r.T + 0.01 * np.eye(d) for r in roots])
        return mixture_by_numpy(D.astype(float), w / w.sum(), means, S)[0]

    values = [v.astype(floatX) for v in (logits0, means0, lower0)]
    wide = [v.astype(float) for v in values]
    got, *gradients = f(D, *values)
    single = floatX == "float32"
    close(got, likelihood(*wide), rtol=1e-3 if single else 1e-9)
    for number, gradient in enumerate(gradients):
        direction = rng.normal(size=wide[number].shape)
        up, down = (
            likelihood(*[v + s * 1e-6 * direction if k == number else v for k, v in enumerate(wide)]) for s in (1, -1)
        )
        np.testing.assert_allclose((gradient * direction).sum(), (up - down) / 2e-6, rtol=1e-2 if single else 1e-6)
