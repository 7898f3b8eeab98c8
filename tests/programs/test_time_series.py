"""Likelihoods of time series through scan, and their gradients: state-space and hidden Markov models, volatility."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

import theano
import theano.tensor as T
from theano.tensor.nlinalg import det, matrix_dot, matrix_inverse, trace
from theano.tensor.slinalg import cholesky, solve_lower_triangular


def central(loss, values, number, place, step=1e-5):
    """The derivative of loss(*values) by one element of one argument."""
    up, down = ([v.copy() for v in values] for _ in range(2))
    up[number][place] += step
    down[number][place] -= step
    return (loss(*up) - loss(*down)) / (2 * step)


def kalman_by_numpy(Y, A, C, q, r):
    """The log-likelihood of observations as one multivariate normal, built from the model's moments."""
    n, d = len(Y), len(A)
    Q, R = np.diag(q), np.diag(r)
    covariances = {}
    P = np.eye(d)
    marginal = []
    for _ in range(n):
        marginal.append(P)
        P = A @ P @ A.T + Q
    for s in range(n):
        across = marginal[s]
        for t in range(s, n):
            covariances[s, t] = C @ across.T @ C.T if t == s else C @ across @ C.T
            across = A @ across if t > s else A @ marginal[s]
    m = C.shape[0]
    full = np.zeros((n * m, n * m))
    for (s, t), block in covariances.items():
        full[t * m : (t + 1) * m, s * m : (s + 1) * m] = block
        full[s * m : (s + 1) * m, t * m : (t + 1) * m] = block.T
    full += np.kron(np.eye(n), R)
    return stats.multivariate_normal.logpdf(Y.reshape(-1), np.zeros(n * m), full)


@pytest.mark.parametrize("way", ["inverse", "cholesky"])
def test_kalman_filter(mode, floatX, close, way):
    """Filtered means and covariances as states of a scan; the likelihood of what was observed, and its gradient."""
    rng = np.random.RandomState(0)
    A0 = np.array([[0.9, 0.2], [-0.1, 0.8]])
    C0 = rng.normal(size=(3, 2))
    q0, r0 = np.array([0.3, 0.5]), np.array([0.4, 0.2, 0.6])
    Y = rng.normal(size=(7, 3)).astype(floatX)
    y, A, C, q, r = T.matrix("y"), T.matrix("A"), T.matrix("C"), T.vector("q"), T.vector("r")

    def step(y_t, m, P, A, C, Q, R):
        innovation = y_t - T.dot(C, m)
        S = matrix_dot(C, P, C.T) + R
        if way == "inverse":
            K = matrix_dot(P, C.T, matrix_inverse(S))
            ll = -(T.log(det(S)) + matrix_dot(innovation, matrix_inverse(S), innovation)) / 2
        else:
            L = cholesky(S)
            half = solve_lower_triangular(L, T.dot(C, P))
            K = T.dot(half.T, matrix_inverse(L))
            ll = -T.log(T.diag(L)).sum() - T.sqr(solve_lower_triangular(L, innovation)).sum() / 2
        m, P = m + T.dot(K, innovation), P - matrix_dot(K, C, P)
        return T.dot(A, m), matrix_dot(A, P, A.T) + Q, ll

    d = A.shape[0]
    (_, covariances, terms), _ = theano.scan(
        step, sequences=y, outputs_info=[T.zeros((d,)), T.eye(d), None], non_sequences=[A, C, T.diag(q), T.diag(r)]
    )
    total = terms.sum() - T.cast(y.shape[0] * y.shape[1], floatX) * float(np.log(2 * np.pi)) / 2
    wrt = [A, C, q, r]
    f = theano.function([y, *wrt], [total, covariances[-1], trace(covariances[0]), *T.grad(total, wrt)], mode=mode)
    values = [v.astype(floatX) for v in (A0, C0, q0, r0)]
    got, last, traced, *gradients = f(Y, *values)
    single = floatX == "float32"
    wide = [v.astype(float) for v in values]

    def likelihood(*v):
        return kalman_by_numpy(Y.astype(float), *v)

    close(got, likelihood(*wide), rtol=1e-3 if single else 1e-9)
    np.testing.assert_allclose(last, last.T, rtol=1e-3 if single else 1e-9)
    assert traced > 0
    for number, places in enumerate([[(0, 0), (1, 0)], [(0, 1), (2, 0)], [0, 1], [0, 2]]):
        for place in places:
            expected = central(likelihood, wide, number, place)
            np.testing.assert_allclose(gradients[number][place], expected, rtol=2e-2 if single else 1e-5, atol=1e-4)


def test_hidden_markov_model(mode, floatX, close):
    """Forward probabilities in logarithms, the most probable path by scans there and back, expected counts by grad."""
    rng = np.random.RandomState(1)
    states, symbols, n = 3, 4, 8
    sizes = ((states, 1), (states, states), (symbols, states))
    start, move, emit = (rng.dirichlet(np.ones(k), size=rows) for k, rows in sizes)
    seen = rng.randint(symbols, size=n)
    log_start, log_move, log_emit = T.vector("start"), T.matrix("move"), T.matrix("emit")
    observed = T.lvector("observed")
    given = log_emit.T[observed]

    def forward(e, alpha, log_move):
        joint = alpha.dimshuffle(0, "x") + log_move
        top = joint.max(axis=0)
        return top + T.log(T.exp(joint - top).sum(axis=0)) + e

    first = log_start + given[0]
    alphas, _ = theano.scan(forward, sequences=given[1:], outputs_info=first, non_sequences=log_move)
    likelihood = T.log(T.exp(alphas[-1] - alphas[-1].max()).sum()) + alphas[-1].max()
    counts = T.grad(likelihood, log_move)

    def best(e, delta, log_move):
        joint = delta.dimshuffle(0, "x") + log_move
        return joint.max(axis=0) + e, T.argmax(joint, axis=0)

    (deltas, origins), _ = theano.scan(best, sequences=given[1:], outputs_info=[first, None], non_sequences=log_move)
    last = T.argmax(deltas[-1])
    path, _ = theano.scan(lambda origin, at: origin[at], sequences=origins, outputs_info=last, go_backwards=True)
    way = T.concatenate([path[::-1], last.dimshuffle("x")])
    f = theano.function([observed, log_start, log_move, log_emit], [likelihood, counts, way], mode=mode)
    got, expected_moves, way = f(seen, *(np.log(v).astype(floatX) for v in (start[0], move, emit)))

    total, moved, best_path = 0.0, np.zeros((states, states)), (-1.0, None)
    for path in np.ndindex(*[states] * n):
        p = start[0][path[0]] * emit[path[0], seen[0]]
        for t in range(1, n):
            p *= move[path[t - 1], path[t]] * emit[path[t], seen[t]]
        total += p
        for a, b in pairwise(path):
            moved[a, b] += p
        best_path = max(best_path, (p, path))
    close(got, np.log(total), rtol=1e-4 if floatX == "float32" else 1e-9)
    close(expected_moves, moved / total, rtol=2e-3 if floatX == "float32" else 1e-8)
    assert tuple(way) == best_path[1]


def test_autoregression_with_changing_volatility(mode, floatX, close):
    """Two taps into the past of the series and of the variance: sequences with taps, outputs_info with taps."""
    rng = np.random.RandomState(2)
    series = rng.normal(size=12).astype(floatX)
    phi0, omega0 = np.array([0.4, -0.2], floatX), np.array([0.1, 0.3, 0.5], floatX)
    y, phi, omega = T.vector("y"), T.vector("phi"), T.vector("omega")

    def step(now, before, earlier, error, variance, phi, omega):
        variance = omega[0] + omega[1] * error**2 + omega[2] * variance
        error = now - phi[0] * before - phi[1] * earlier
        return error, variance, -(T.log(variance) + error**2 / variance) / 2

    zero, one = T.constant(np.asarray(0.0, floatX)), T.constant(np.asarray(1.0, floatX))
    (errors, variances, terms), _ = theano.scan(
        step, sequences={"input": y, "taps": [0, -1, -2]}, outputs_info=[zero, one, None], non_sequences=[phi, omega]
    )
    cost = -terms.sum()
    f = theano.function([y, phi, omega], [cost, errors, variances, *T.grad(cost, [phi, omega])], mode=mode)

    def by_numpy(phi, omega):
        data = series.astype(float)
        error, variance, total, trace = 0.0, 1.0, 0.0, []
        for t in range(2, len(data)):
            variance = omega[0] + omega[1] * error**2 + omega[2] * variance
            error = data[t] - phi[0] * data[t - 1] - phi[1] * data[t - 2]
            total += (np.log(variance) + error**2 / variance) / 2
            trace.append((error, variance))
        return total, np.array(trace)

    got, errors_got, variances_got, by_phi, by_omega = f(series, phi0, omega0)
    wide = [phi0.astype(float), omega0.astype(float)]
    total, trace_of = by_numpy(*wide)
    close(got, total)
    close(errors_got, trace_of[:, 0])
    close(variances_got, trace_of[:, 1])
    for number, gradient in enumerate((by_phi, by_omega)):
        expected = [central(lambda *v: by_numpy(*v)[0], wide, number, k) for k in range(len(gradient))]
        np.testing.assert_allclose(gradient, expected, rtol=3e-3 if floatX == "float32" else 1e-6, atol=1e-5)


def test_simulated_paths(mode, floatX):
    """Random shocks drawn inside of the loop: moments of an Ornstein-Uhlenbeck process."""
    srng = T.shared_randomstreams.RandomStreams(3)
    pull, noise, paths, steps = 0.5, 0.3, 4000, 40

    def step(x):
        return x - T.cast(pull, floatX) * x + T.cast(noise, floatX) * srng.normal((paths,), dtype=floatX)

    x, updates = theano.scan(step, outputs_info=T.zeros((paths,)), n_steps=steps)
    f = theano.function([], x, updates=updates, mode=mode)
    walked, again = f(), f()
    assert walked.shape == (steps, paths) and not np.array_equal(walked, again)
    variance = noise**2 / (1 - (1 - pull) ** 2)
    assert abs(walked[-1].mean()) < 5 * np.sqrt(variance / paths)
    assert walked[-1].var() == pytest.approx(variance, rel=0.15)
    assert np.corrcoef(walked[-2], walked[-1])[0, 1] == pytest.approx(1 - pull, abs=0.06)
