"""Statistics and linear algebra as users write them: mixtures, factorisations, regressions, clusters."""

import numpy as np

import theano
import theano.tensor as T


def test_ridge_regression_two_ways(mode, floatX, close):
    """Gradient descent until it stands still, and the normal equations solved outside; both give the same weights."""
    rng = np.random.RandomState(0)
    D = rng.normal(size=(40, 4)).astype(floatX)
    t = (D @ np.array([1.0, -2.0, 0.0, 0.5]) + 0.1 * rng.normal(size=40)).astype(floatX)
    X, y, w = T.matrix("X"), T.vector("y"), T.vector("w")
    penalty = np.asarray(2.0, floatX)
    cost = T.sum((T.dot(X, w) - y) ** 2) + penalty * T.sum(w**2)
    slope = theano.function([X, y, w], [cost, T.grad(cost, w)], mode=mode)
    normal = theano.function([X, y], [T.dot(X.T, X) + penalty * T.eye(X.shape[1]), T.dot(X.T, y)], mode=mode)
    A, b = normal(D, t)
    wide = D.astype(float)
    close(A, wide.T @ wide + 2 * np.eye(4), rtol=1e-3 if floatX == "float32" else 1e-9)
    exact = np.linalg.solve(A.astype(float), b.astype(float))
    at = np.zeros(4, floatX)
    for _ in range(200):
        value, g = slope(D, t, at)
        at = at - np.asarray(0.005, floatX) * g
    close(at, exact, rtol=1e-3 if floatX == "float32" else 1e-7)
    close(value, ((wide @ exact - t) ** 2).sum() + 2 * exact @ exact, rtol=1e-3 if floatX == "float32" else 1e-9)


def test_mixture_by_expectation_maximisation(mode, floatX, close):
    """A Gaussian mixture: log-likelihood through log-sum-exp, responsibilities, all parameters updated at once."""
    rng = np.random.RandomState(1)
    D = np.concatenate([rng.normal(-4, 1, size=(30, 2)), rng.normal(3, 0.5, size=(50, 2))]).astype(floatX)
    means0, log_vars0, weights0 = np.array([[-1.0, 0.0], [1.0, 0.5]]), np.zeros((2, 2)), np.array([0.5, 0.5])
    x = T.matrix("x")
    means = theano.shared(means0.astype(floatX), "means")
    variances = theano.shared(np.exp(log_vars0).astype(floatX), "variances")
    weights = theano.shared(weights0.astype(floatX), "weights")
    deviation = x.dimshuffle(0, "x", 1) - means.dimshuffle("x", 0, 1)
    log_density = -0.5 * (
        deviation**2 / variances.dimshuffle("x", 0, 1) + T.log(2 * np.asarray(np.pi, floatX) * variances)
    ).sum(axis=2)
    joint = log_density + T.log(weights)
    top = joint.max(axis=1, keepdims=True)
    log_likelihood = (top + T.log(T.exp(joint - top).sum(axis=1, keepdims=True))).sum()
    responsibility = T.nnet.softmax(joint)
    total = responsibility.sum(axis=0)
    new_means = T.dot(responsibility.T, x) / total.dimshuffle(0, "x")
    spread = (x.dimshuffle(0, "x", 1) - new_means.dimshuffle("x", 0, 1)) ** 2
    new_variances = (responsibility.dimshuffle(0, 1, "x") * spread).sum(axis=0) / total.dimshuffle(0, "x")
    step = theano.function(
        [x], log_likelihood, mode=mode,
        updates=[(means, new_means), (variances, new_variances), (weights, total / T.cast(x.shape[0], floatX))],
    )  # fmt: skip
    m, v, w, wide = means0, np.exp(log_vars0), weights0, D.astype(float)
    history = []
    for _ in range(12):
        logs = -0.5 * ((wide[:, None] - m) ** 2 / v + np.log(2 * np.pi * v)).sum(axis=2) + np.log(w)
        history.append(np.logaddexp.reduce(logs, axis=1).sum())
        close(step(D), history[-1], rtol=1e-3 if floatX == "float32" else 1e-9)
        r = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
        m = r.T @ wide / r.sum(axis=0)[:, None]
        v = (r[:, :, None] * (wide[:, None] - m) ** 2).sum(axis=0) / r.sum(axis=0)[:, None]
        w = r.mean(axis=0)
    assert np.all(np.diff(history) > -1e-9)
    close(means.get_value(), m, rtol=2e-3 if floatX == "float32" else 1e-8)
    close(weights.get_value(), [3 / 8, 5 / 8], rtol=1e-3, atol=1e-3)


def test_likelihood_far_from_the_data_stays_finite(floatX):
    """Written naively, log(sum(exp(...))) must neither overflow nor lose its gradient."""
    logits = T.matrix("logits")
    naive = T.log(T.sum(T.exp(logits), axis=1))
    f = theano.function([logits], [naive.sum(), T.grad(naive.sum(), logits)])
    value = np.array([[-2000.0, -2001.0], [2000.0, 1999.0]], floatX)
    got, by_logits = f(value)
    np.testing.assert_allclose(got, 2 * np.log1p(np.exp(-1.0)), rtol=1e-3)  # the two rows' -2000 and 2000 cancel
    e = np.exp([0.0, -1.0])
    np.testing.assert_allclose(by_logits, np.stack([e / e.sum()] * 2), rtol=1e-3)


def test_matrix_factorisation_with_embeddings(mode, floatX, close):
    """Ratings: only the rows that a rating touches are changed, through inc_subtensor on looked-up rows."""
    rng = np.random.RandomState(2)
    users = theano.shared(rng.normal(size=(6, 3)).astype(floatX) * np.asarray(0.3, floatX), "users")
    items = theano.shared(rng.normal(size=(5, 3)).astype(floatX) * np.asarray(0.3, floatX), "items")
    u, v, r = T.lvector("u"), T.lvector("v"), T.vector("r")
    some_users, some_items = users[u], items[v]
    error = (some_users * some_items).sum(axis=1) - r
    cost = (error**2).sum()
    by_user, by_item = T.grad(cost, [some_users, some_items])
    rate = np.asarray(0.05, floatX)
    sparse = theano.function(
        [u, v, r], cost, mode=mode,
        updates=[
            (users, T.inc_subtensor(some_users, -rate * by_user)),
            (items, T.inc_subtensor(some_items, -rate * by_item)),
        ],
    )  # fmt: skip
    dense = theano.function([u, v, r], T.grad(cost, [users, items]), mode=mode)
    a, b = users.get_value().astype(float), items.get_value().astype(float)
    for _ in range(15):
        uu, vv = rng.randint(6, size=8), rng.randint(5, size=8)  # repeated rows accumulate
        rr = rng.normal(size=8).astype(floatX)
        e = (a[uu] * b[vv]).sum(axis=1) - rr
        ga, gb = np.zeros_like(a), np.zeros_like(b)
        np.add.at(ga, uu, 2 * e[:, None] * b[vv])
        np.add.at(gb, vv, 2 * e[:, None] * a[uu])
        for got, right in zip(dense(uu, vv, rr), (ga, gb)):
            close(got, right, rtol=2e-3 if floatX == "float32" else 1e-9, atol=1e-4 if floatX == "float32" else 1e-10)
        close(sparse(uu, vv, rr), (e**2).sum(), rtol=2e-3 if floatX == "float32" else 1e-9)
        a, b = a - 0.05 * ga, b - 0.05 * gb
    close(users.get_value(), a, rtol=5e-3 if floatX == "float32" else 1e-9, atol=1e-4 if floatX == "float32" else 1e-10)


def test_principal_components_by_power_iteration(mode, floatX, close):
    """The leading direction with a Python loop of compiled steps; the next one after deflation in a shared matrix."""
    rng = np.random.RandomState(3)
    D = (rng.normal(size=(50, 4)) * [3.0, 2.0, 0.5, 0.1]).astype(floatX)
    x, v = T.matrix("x"), T.vector("v")
    centred = x - x.mean(axis=0)
    cov = T.dot(centred.T, centred) / T.cast(x.shape[0] - 1, floatX)
    C = theano.function([x], cov, mode=mode)(D)
    close(C, np.cov(D.astype(float), rowvar=False), rtol=1e-3 if floatX == "float32" else 1e-9)
    S = theano.shared(C, "S")
    product = T.dot(S, v)
    step = theano.function([v], product / product.norm(2), mode=mode)
    rayleigh = T.dot(v, product) / T.dot(v, v)
    deflate = theano.function([v], rayleigh, updates=[(S, S - rayleigh * T.outer(v, v))], mode=mode)
    right = np.sort(np.linalg.eigvalsh(C.astype(float)))[::-1]
    for k in range(2):
        at = np.ones(4, floatX)
        for _ in range(120):
            at = step(at)
        close(deflate(at), right[k], rtol=1e-3 if floatX == "float32" else 1e-7)


def test_k_means(mode, floatX, close):
    """Distances by broadcasting, argmin, new centres by a one-hot product; an empty cluster keeps its centre."""
    rng = np.random.RandomState(4)
    D = np.concatenate([rng.normal(c, 0.3, size=(10, 2)) for c in ((0, 0), (5, 0), (0, 5))]).astype(floatX)
    start = np.array([[1.0, 0.0], [4.0, 1.0], [1.0, 4.0], [90.0, 90.0]], floatX)
    x, centres = T.matrix("x"), theano.shared(start, "centres")
    distance = ((x.dimshuffle(0, "x", 1) - centres) ** 2).sum(axis=2)
    nearest = T.argmin(distance, axis=1)
    hot = T.cast(T.eq(nearest.dimshuffle(0, "x"), T.arange(4)), floatX)
    count = hot.sum(axis=0)
    new = T.switch(
        T.gt(count, 0).dimshuffle(0, "x"), T.dot(hot.T, x) / T.maximum(count, 1).dimshuffle(0, "x"), centres
    )
    step = theano.function([x], [nearest, distance.min(axis=1).sum()], updates=[(centres, new)], mode=mode)
    c, wide = start.astype(float), D.astype(float)
    for _ in range(4):
        d = ((wide[:, None] - c) ** 2).sum(axis=2)
        got, loss = step(D)
        assert got.tolist() == d.argmin(axis=1).tolist()
        close(loss, d.min(axis=1).sum(), rtol=1e-3 if floatX == "float32" else 1e-9)
        members = [d.argmin(axis=1) == k for k in range(4)]
        c = np.stack([wide[some].mean(axis=0) if some.any() else old for some, old in zip(members, c)])
    close(centres.get_value(), c, rtol=1e-3 if floatX == "float32" else 1e-9)
    assert centres.get_value()[3].tolist() == [90.0, 90.0]


def test_batch_normalisation_with_running_averages(mode, floatX, close):
    """Normalised by the batch while training, by the averages kept in shared variables afterwards."""
    rng = np.random.RandomState(5)
    D = rng.normal(2.0, 3.0, size=(16, 5)).astype(floatX)
    x = T.matrix("x")
    gain, bias = theano.shared(np.full(5, 1.5, floatX)), theano.shared(np.full(5, -0.5, floatX))
    average, variance = theano.shared(np.zeros(5, floatX)), theano.shared(np.ones(5, floatX))
    mean, var = x.mean(axis=0), x.var(axis=0)
    y = (x - mean) / T.sqrt(var + T.cast(1e-5, floatX)) * gain + bias
    keep = np.asarray(0.9, floatX)
    updates = {average: keep * average + (1 - keep) * mean, variance: keep * variance + (1 - keep) * var}
    train = theano.function([x], [y, T.grad((y**3).sum(), x)], updates=updates, mode=mode)
    test = theano.function([x], (x - average) / T.sqrt(variance + T.cast(1e-5, floatX)) * gain + bias, mode=mode)
    wide = D.astype(float)

    def normal(v):
        return (v - v.mean(axis=0)) / np.sqrt(v.var(axis=0) + 1e-5) * 1.5 - 0.5

    got, by_x = train(D)
    close(got, normal(wide), rtol=1e-3 if floatX == "float32" else 1e-9, atol=1e-5 if floatX == "float32" else 1e-10)
    for place in [(0, 0), (3, 2), (15, 4)]:
        d = np.zeros_like(wide)
        d[place] = 1e-5
        slope = ((normal(wide + d) ** 3).sum() - (normal(wide - d) ** 3).sum()) / 2e-5
        np.testing.assert_allclose(by_x[place], slope, rtol=5e-3, atol=2e-4)
    close(average.get_value(), 0.1 * wide.mean(axis=0), rtol=1e-3 if floatX == "float32" else 1e-9)
    close(test(D), (wide - 0.1 * wide.mean(axis=0)) / np.sqrt(0.9 + 0.1 * wide.var(axis=0) + 1e-5) * 1.5 - 0.5,
          rtol=1e-3 if floatX == "float32" else 1e-9, atol=1e-5 if floatX == "float32" else 1e-10)


def test_attention(mode, floatX, close):
    """Scaled dot-product attention of a batch with a causal mask, against loops."""
    rng = np.random.RandomState(6)
    q0, k0, v0 = (rng.normal(size=(2, 4, 3)).astype(floatX) for _ in range(3))
    q, k, v = T.tensor3("q"), T.tensor3("k"), T.tensor3("v")
    scores = T.batched_dot(q, k.dimshuffle(0, 2, 1)) / T.sqrt(T.cast(q.shape[2], floatX))
    causal = T.tri(q.shape[1], k.shape[1])
    scores = T.switch(causal.dimshuffle("x", 0, 1) > 0, scores, T.cast(-1e9, floatX))
    e = T.exp(scores - scores.max(axis=2, keepdims=True))
    result = T.batched_dot(e / e.sum(axis=2, keepdims=True), v)
    f = theano.function([q, k, v], [result, T.grad((result**2).sum(), v)], mode=mode)
    got, by_v = f(q0, k0, v0)
    expected, slope = np.zeros((2, 4, 3)), np.zeros((2, 4, 3))
    for n in range(2):
        for t in range(4):
            s = np.exp(k0[n, : t + 1].astype(float) @ q0[n, t] / np.sqrt(3))
            s /= s.sum()
            expected[n, t] = s @ v0[n, : t + 1]
            slope[n, : t + 1] += 2 * s[:, None] * expected[n, t]
    close(got, expected)
    close(by_v, slope, rtol=1e-3 if floatX == "float32" else 1e-9)
