"""The table: error functions, Bessel functions, softmax, cross-entropies, determinants, other networks' functions."""

from __future__ import annotations

import numpy as np
from case import Case, mp
from exponential_cases import sig
from logarithm_cases import INF, NAN, SMALL, WIDE, lse

import theano.tensor as T

ERF = [0.0, *SMALL, 0.3, -0.3, 1.0, -1.0, 2.5, -2.5, 5.0, -5.0, 9.0, -9.0, 12.0, -12.0, 26.0, -26.0, 30.0, -30.0]
SLOPE = 2 / mp.sqrt(mp.pi)


def log_erfc(x):
    return mp.log(mp.erfc(x)) if x > -8 else mp.log1p(1 - mp.erfc(-x))


def log_erfc_slope(x):
    return -SLOPE * mp.exp(-x * x) / mp.erfc(x)


def log_erfc_slope_of_minus(x):
    return -log_erfc_slope(-x)


def erf_slope(x):
    return SLOPE * mp.exp(-x * x)


def erfc_slope(x):
    return -erf_slope(x)


def bessel_slope(v):
    """The derivative of log(iv(v, x))."""
    def slope(x):
        return (mp.besseli(v - 1, x) + mp.besseli(v + 1, x)) / (2 * mp.besseli(v, x))
    return slope


def log_erf_interval(x, y):
    low, high = (y, x) if x + y > 0 else (-x, -y)
    return mp.log(mp.erfc(low) - mp.erfc(high))


ERROR_FUNCTIONS = [
    Case("log(erf(x) - erf(y))", lambda x, y: T.log(T.erf(x) - T.erf(y)), log_erf_interval,
         [(1.0, -1.0), (0.5, 0.25), (7.0, 6.0), (-6.0, -7.0), (26.0, 25.5), (-40.0, -41.0), (100.0, 20.0),
          (-20.0, -100.0), (0.75, 0.5), (3.0, -20.0)], ulp=64, grad_ulp=256,
         scale=lambda x, y: 1.0, grad_scale=lambda x, y: 1.0),
    Case("exp(-x**2/2)/(1 - Phi(x)), inverse Mills ratio",
         lambda x: T.exp(-(x**2) / 2) / (1 - 0.5 * (1 + T.erf(x / np.sqrt(2).astype(x.dtype)))),
         lambda x: 2 * mp.exp(-x * x / 2) / mp.erfc(x / mp.sqrt(2)),
         [-7.3, -1.0, 0.0, 1.0, 2.5, 7.3, 20.0, 40.0, 60.0, 88.0], ulp=128,
         grad_ulp=4, grad_scale=lambda x: 1 + x * x, dtypes=("float64",)),   # h*h - x*h, both as large as x*x
    Case("1 + erf(x)", lambda x: 1 + T.erf(x), lambda x: mp.erfc(-x), ERF, slopes=[erf_slope], grad_ulp=64,
         special={(INF,): (2.0, 0.0), (-INF,): (0.0, 0.0), (NAN,): (NAN, NAN)}),
    Case("1 - erf(x)", lambda x: 1 - T.erf(x), lambda x: mp.erfc(x), ERF, slopes=[erfc_slope], grad_ulp=64),
    Case("1 + (-1)*erf(x)", lambda x: 1 + (-1) * T.erf(x), lambda x: mp.erfc(x), ERF, slopes=[erfc_slope], grad_ulp=64),
    Case("erf(x) - 1", lambda x: T.erf(x) - 1, lambda x: -mp.erfc(x), ERF, slopes=[erf_slope], grad_ulp=64),
    Case("1 - erfc(x)", lambda x: 1 - T.erfc(x), mp.erf, ERF, slopes=[erf_slope], grad_ulp=64),
    Case("1 + (-erfc(x))", lambda x: 1 + (-T.erfc(x)), mp.erf, ERF, slopes=[erf_slope], grad_ulp=64),
    Case("erfc(-x) - 1", lambda x: T.erfc(-x) - 1, mp.erf, ERF, slopes=[erf_slope], grad_ulp=64),
    Case("(1 + erf(x/sqrt(2)))/2", lambda x: 0.5 * (1 + T.erf(x / np.sqrt(2).astype(x.dtype))),
         lambda x: mp.erfc(-x / mp.mpf(float(np.sqrt(2)))) / 2, ERF, dtypes=("float64",), ulp=1200, grad_ulp=1200),
    Case("log(erfc(x))", lambda x: T.log(T.erfc(x)), log_erfc, [*ERF, 1e4], scale=lambda x: 1e-30,
         special={(INF,): (-INF, -INF), (-INF,): (np.log(2), 0.0)},
         slopes=[log_erfc_slope]),
    Case("log(1 - erf(x))", lambda x: T.log(1 - T.erf(x)), log_erfc, [*ERF, 1e4],
         slopes=[log_erfc_slope]),
    Case("log(1 + erf(x))", lambda x: T.log(1 + T.erf(x)), lambda x: log_erfc(-x), [*ERF, -1e4],
         slopes=[log_erfc_slope_of_minus]),
    Case("log1p(erf(x))", lambda x: T.log1p(T.erf(x)), lambda x: log_erfc(-x), [*ERF, -1e4],
         slopes=[log_erfc_slope_of_minus]),
    Case("log1p(-erf(x))", lambda x: T.log1p(-T.erf(x)), log_erfc, [*ERF, 1e4],
         slopes=[log_erfc_slope]),
    Case("log(erfc(-x)/2)", lambda x: T.log(0.5 * T.erfc(-x)), lambda x: log_erfc(-x) - mp.log(2), [*ERF, -1e4],
         slopes=[log_erfc_slope_of_minus]),
    Case("exp(-x**2)/erfc(x)", lambda x: T.exp(-x**2) / T.erfc(x), lambda x: mp.exp(-x * x) / mp.erfc(x), ERF,
         grad_scale=lambda x: 4 * x * x, special={(INF,): (INF, None)}),
    Case("y*exp(-x**2)/erfc(x)", lambda x, y: y * T.exp(-x**2) / T.erfc(x),
         lambda x, y: y * mp.exp(-x * x) / mp.erfc(x),
         [(0.3, 2.0), (30.0, -3.0), (-2.5, 1e-20)], grad_scale=lambda x, y: 4 * abs(y) * x * x),
    Case("exp(x**2)*erfc(x)", lambda x: T.exp(x**2) * T.erfc(x), lambda x: mp.exp(x * x) * mp.erfc(x),
         [0.0, *SMALL, 0.3, 2.5, 9.0, 26.0, 30.0, 1e4], grad_ulp=None),
    Case("erfc(x)", T.erfc, mp.erfc, ERF, slopes=[erfc_slope], grad_ulp=1200, fast_compile=True),
]

BESSEL = [
    Case("log(i0(x))", lambda x: T.log(T.i0(x)), lambda x: mp.log(mp.besseli(0, x)),
         [0.3, 2.5, -2.5, 40.0, 88.0, 700.0, 750.0, -1e4],
         scale=lambda x: 1.0, grad_ulp=64,
         slopes=[bessel_slope(0)]),
    Case("log(i1(x))", lambda x: T.log(T.i1(x)), lambda x: mp.log(mp.besseli(1, x)), [0.3, 40.0, 750.0, 1e4],
         grad_ulp=64,
         slopes=[bessel_slope(1)]),
    Case("i1(x)/i0(x)", lambda x: T.i1(x) / T.i0(x), lambda x: mp.besseli(1, x) / mp.besseli(0, x),
         [1e-20, 0.3, -2.5, 40.0, 700.0, 750.0, 1e4], ulp=16, grad_ulp=None),
    Case("log(iv(1.5, x))", lambda x: T.log(T.iv(1.5, x)), lambda x: mp.log(mp.besseli(mp.mpf("1.5"), x)),
         [0.3, 2.5, 40.0, 88.0, 700.0, 750.0, 1e4], grad_ulp=64,
         slopes=[bessel_slope(mp.mpf("1.5"))]),
]

ROWS = [(1000.0, 999.0, 0.0), (-1000.0, -999.0, -1001.0), (1.0, 2.0, 3.0), (0.0, -40.0, 40.0), (1e4, 0.0, -1e4),
        (-2.0, 0.5, 0.0)]


def softmax(xs):
    return [mp.exp(x - lse(*xs)) for x in xs]


def softmax_slope(k, weights=(1, 2, 3)):
    def slope(xs):
        p = softmax(xs)
        return p[k] * mp.fsum((weights[k] - w) * q for w, q in zip(weights, p))
    return slope


def log_softmax_slope(k):
    return lambda xs: k + 1 - 6 * softmax(xs)[k]


SOFTMAX_SLOPES = [softmax_slope(0), softmax_slope(1), softmax_slope(2)]
LOG_SLOPES = [log_softmax_slope(0), log_softmax_slope(1), log_softmax_slope(2)]


def big(*xs):
    return max(map(abs, xs))


def one_hot(k):
    """cross-entropy with the class k"""
    return lambda xs: lse(*xs) - xs[k]


TARGETS = np.array([0.2, 0.0, 0.8])


def cross_entropy(xs):
    return mp.fsum(mp.mpf(float(t)) * (lse(*xs) - x) for t, x in zip(TARGETS.astype("float32"), xs))


def dense(p):
    return TARGETS.astype("float32").astype(p.dtype)


LOSSES = [
    Case("softmax(x)", T.nnet.softmax, softmax, ROWS, rows=True, slopes=SOFTMAX_SLOPES, grad_scale=lambda *xs: 1.0,
         fast_compile=True),
    Case("exp(x)/sum(exp(x))", lambda X: T.exp(X) / T.exp(X).sum(axis=1, keepdims=True), softmax, ROWS, rows=True,
         slopes=SOFTMAX_SLOPES, grad_scale=lambda *xs: 1.0),
    Case("exp(x)/sum(exp(x)) along the first axis", lambda X: (T.exp(X.T) / T.exp(X.T).sum(axis=0, keepdims=True)).T,
         softmax, ROWS, rows=True, slopes=SOFTMAX_SLOPES, grad_scale=lambda *xs: 1.0),
    Case("log(softmax(x))", lambda X: T.log(T.nnet.softmax(X)), lambda xs: [x - lse(*xs) for x in xs], ROWS,
         rows=True,
         slopes=LOG_SLOPES, scale=big, grad_scale=lambda *xs: 6.0, fast_compile=True),
    Case("x - log(sum(exp(x)))", lambda X: X - T.log(T.exp(X).sum(axis=1, keepdims=True)),
         lambda xs: [x - lse(*xs) for x in xs], ROWS, rows=True, slopes=LOG_SLOPES, scale=big,
         grad_scale=lambda *xs: 6.0),
    Case("exp(x - log(sum(exp(x))))", lambda X: T.exp(X - T.log(T.exp(X).sum(axis=1, keepdims=True))), softmax, ROWS,
         rows=True, slopes=SOFTMAX_SLOPES, grad_scale=lambda *xs: 1.0),
    Case("exp(logsoftmax(x))", lambda X: T.exp(T.nnet.logsoftmax(X)), softmax, ROWS, rows=True, slopes=SOFTMAX_SLOPES,
         grad_scale=lambda *xs: 1.0),
    Case("exp(logsumexp(x))", lambda X: T.exp(T.nnet.logsumexp(X, axis=1)), lambda xs: mp.exp(lse(*xs)),
         [(1.0, 2.0, 3.0), (-700.0, -701.0, -702.0)], rows=True, ulp=2000, grad_ulp=4000),
    Case("-log(softmax(x))[k]",
         lambda X: -T.log(T.nnet.softmax(X))[T.arange(X.shape[0]), T.zeros_like(X[:, 0], dtype="int64")],
         one_hot(0), ROWS, rows=True, scale=big, grad_scale=lambda *xs: 1.0, fast_compile=True),
    Case("-log(softmax(x)[k])",
         lambda X: -T.log(T.nnet.softmax(X)[T.arange(X.shape[0]), T.zeros_like(X[:, 0], dtype="int64")]),
         one_hot(0), ROWS, rows=True, scale=big, grad_scale=lambda *xs: 1.0),
    Case("-log(softmax(x)[:, 1])", lambda X: -T.log(T.nnet.softmax(X)[:, 1]), one_hot(1), ROWS, rows=True, scale=big,
         grad_scale=lambda *xs: 1.0),
    Case("categorical_crossentropy(softmax(x), class)",
         lambda X: T.nnet.categorical_crossentropy(T.nnet.softmax(X), T.ones_like(X[:, 0], dtype="int64")),
         one_hot(1), ROWS,
         rows=True, scale=big, grad_scale=lambda *xs: 1.0),
    Case("categorical_crossentropy(softmax(x), t)",
         lambda X: T.nnet.categorical_crossentropy(T.nnet.softmax(X), dense(X) * T.ones_like(X)), cross_entropy, ROWS,
         rows=True, scale=big, grad_scale=lambda *xs: 1.0),
    Case("-sum(t*log(softmax(x)))", lambda X: -(dense(X) * T.log(T.nnet.softmax(X))).sum(axis=1), cross_entropy, ROWS,
         rows=True, scale=big, grad_scale=lambda *xs: 1.0),
    Case("crossentropy_softmax_1hot",
         lambda X: T.nnet.crossentropy_softmax_1hot(X, T.zeros_like(X[:, 0], dtype="int64"))[0],
         one_hot(0), ROWS, rows=True, scale=big, grad_scale=lambda *xs: 1.0),
    Case("binary_crossentropy(sigmoid(x), 1)",
         lambda x: T.nnet.binary_crossentropy(T.nnet.sigmoid(x), T.ones_like(x)),
         lambda x: mp.log1p(mp.exp(-x)), WIDE),
    Case("binary_crossentropy(sigmoid(x), 0)",
         lambda x: T.nnet.binary_crossentropy(T.nnet.sigmoid(x), T.zeros_like(x)),
         lambda x: mp.log1p(mp.exp(x)), WIDE),
    Case("binary_crossentropy(sigmoid(x), y)", lambda x, y: T.nnet.binary_crossentropy(T.nnet.sigmoid(x), y),
         lambda x, y: y * mp.log1p(mp.exp(-x)) + (1 - y) * mp.log1p(mp.exp(x)),
         [(x, 0.25) for x in WIDE], grad_scale=lambda x, y: 1.0 + abs(x),
         slopes=[lambda x, y: sig(x) - y, lambda x, y: -x]),
    Case("sigmoid_binary_crossentropy(x, y)", lambda x, y: T.nnet.sigmoid_binary_crossentropy(x, y),
         lambda x, y: y * mp.log1p(mp.exp(-x)) + (1 - y) * mp.log1p(mp.exp(x)), [(x, 0.25) for x in WIDE],
         grad_scale=lambda x, y: 1.0 + abs(x), slopes=[lambda x, y: sig(x) - y, lambda x, y: -x]),
    Case("-y*log(s) - (1 - y)*log(1 - s)",
         lambda x, y: -y * T.log(T.nnet.sigmoid(x)) - (1 - y) * T.log(1 - T.nnet.sigmoid(x)),
         lambda x, y: y * mp.log1p(mp.exp(-x)) + (1 - y) * mp.log1p(mp.exp(x)), [(x, 0.25) for x in WIDE],
         grad_scale=lambda x, y: 1.0 + abs(x), slopes=[lambda x, y: sig(x) - y, lambda x, y: -x]),
]

DETERMINANTS = [
    Case("log(det(A)) of a scaled identity",
         lambda X: T.log(T.nlinalg.det(T.eye(40, dtype=X.dtype) * X.sum())).dimshuffle("x"),
         lambda xs: 40 * mp.log(xs[0]), [(1e10,)], rows=True, ulp=16),
    Case("log(det(A)), tiny", lambda X: T.log(T.nlinalg.det(T.eye(40, dtype=X.dtype) * X.sum())).dimshuffle("x"),
         lambda xs: 40 * mp.log(xs[0]), [(1e-10,)], rows=True, ulp=16),
    Case("log(abs(det(A)))", lambda X: T.log(abs(T.nlinalg.det(T.eye(41, dtype=X.dtype) * X.sum()))).dimshuffle("x"),
         lambda xs: 41 * mp.log(abs(xs[0])), [(-1e10,)], rows=True, ulp=16),
]

CASES = [*ERROR_FUNCTIONS, *BESSEL, *LOSSES, *DETERMINANTS]
