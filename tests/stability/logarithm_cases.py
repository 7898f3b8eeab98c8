"""The table: logarithms of sums, products and powers."""

from __future__ import annotations

import math

from case import Case, mp

import theano.tensor as T

INF, NAN = math.inf, math.nan
# arguments of both signs, tiny, ordinary and huge
TINY = [1e-300, 1e-38, 1e-20, 1e-9, 1e-4]
SMALL = [*TINY, *(-x for x in TINY)]
ORDINARY = [0.3, 1.0, 2.5, -0.3, -1.0, -2.5]
WIDE = [0.0, *SMALL, *ORDINARY, 7.3, -7.3, 20.0, -20.0, 40.0, -40.0, 88.0, -88.0, 104.0, -104.0, 700.0, -700.0, 750.0,
        -750.0, 1e4, -1e4]
POSITIVE = [*TINY, 0.3, 1.0, 2.5, 40.0, 1e4, 1e30, 1e300]
PAIRS = [(0.0, 0.0), (1000.0, 999.0), (-1000.0, -1001.0), (0.0, -40.0), (-40.0, 0.0), (3.0, 3.0), (1e4, -1e4),
         (-0.5, 1e-9), (700.0, 80.0), (1.0, 2.0), (-300.0, 300.0), (1e-20, -1e-20)]
TRIPLES = [(1000.0, 1000.0, 1000.0), (0.0, -40.0, -50.0), (-1000.0, -999.0, -1001.0), (1.0, 2.0, 3.0),
           (1e4, 0.0, -1e4), (-2.0, 0.5, 0.0)]


def largest(*xs: float) -> float:
    """Rounding the arguments changes a log-sum-exp by this many eps, however small its value is."""
    return max(map(abs, xs))


def lse(*xs):
    """log(sum(exp(xs))) of exact numbers, also where the result is near 0."""
    top = max(xs)
    rest = list(xs)
    rest.remove(top)
    return top + mp.log1p(mp.fsum(mp.exp(x - top) for x in rest))


def share(k):
    return lambda *xs: mp.exp(xs[k] - lse(*xs))


def log_of_logistic_interval(x, y):
    return mp.log(-mp.expm1(y - x)) - mp.log1p(mp.exp(-x)) - mp.log1p(mp.exp(y))


LOGISTIC_INTERVALS = [(1.0, -1.0), (0.5, 0.25), (40.0, 39.0), (-40.0, -41.0), (80.0, -80.0), (700.0, 20.0),
                      (750.0, 749.0), (-750.0, -751.0), (-20.0, -1e4), (1e4, 30.0), (7.5, -0.5)]

CASES = [
    Case("log(sigmoid(x) - sigmoid(y)), ordered logit", lambda x, y: T.log(T.nnet.sigmoid(x) - T.nnet.sigmoid(y)),
         log_of_logistic_interval, LOGISTIC_INTERVALS, scale=lambda x, y: 1.0, grad_scale=lambda x, y: 1.0),
    Case("log(1/(1 + exp(-x)) - 1/(1 + exp(-y)))", lambda x, y: T.log(1 / (1 + T.exp(-x)) - 1 / (1 + T.exp(-y))),
         log_of_logistic_interval, LOGISTIC_INTERVALS, scale=lambda x, y: 1.0, grad_scale=lambda x, y: 1.0),
    Case("log(1 + x)", lambda x: T.log(1 + x), mp.log1p,
         [0.0, *SMALL, 0.3, -0.3, -0.9, 1.0, 40.0, 1e30, 1e300],
         special={(-1.0,): (-INF, INF), (INF,): (INF, 0.0), (NAN,): (NAN, NAN), (-2.0,): (NAN, None)}),
    Case("log(1 - x)", lambda x: T.log(1 - x), lambda x: mp.log1p(-x),
         [0.0, *SMALL, 0.3, -0.3, 0.9, -1.0, -40.0, -1e30],
         special={(1.0,): (-INF, -INF), (-INF,): (INF, 0.0), (2.0,): (NAN, None)}),
    Case("log2(1 + x)", lambda x: T.log2(1 + x), lambda x: mp.log1p(x) / mp.log(2),
         [0.0, *SMALL, 0.3, -0.3, -0.9, 1.0, 40.0, 1e30]),
    Case("log10(1 + x)", lambda x: T.log10(1 + x), lambda x: mp.log1p(x) / mp.log(10),
         [0.0, *SMALL, 0.3, -0.3, -0.9, 1.0, 40.0, 1e30]),
    Case("log10(1 - x)", lambda x: T.log10(1 - x), lambda x: mp.log1p(-x) / mp.log(10), [0.0, *SMALL, 0.3, -40.0]),
    Case("log(1 + exp(x))", lambda x: T.log(1 + T.exp(x)), lambda x: mp.log1p(mp.exp(x)), WIDE,
         special={(INF,): (INF, 1.0), (-INF,): (0.0, 0.0), (NAN,): (NAN, NAN)}),
    Case("log(1 + exp(-x))", lambda x: T.log(1 + T.exp(-x)), lambda x: mp.log1p(mp.exp(-x)), WIDE,
         special={(INF,): (0.0, 0.0), (-INF,): (INF, -1.0)}),
    Case("log10(1 + exp(x))", lambda x: T.log10(1 + T.exp(x)), lambda x: mp.log1p(mp.exp(x)) / mp.log(10), WIDE),
    Case("log(1 - exp(x))", lambda x: T.log(1 - T.exp(x)), lambda x: mp.log(-mp.expm1(x)),
         [-x for x in [*TINY, 0.3, 0.7, 1.0, 7.3, 20.0, 40.0, 700.0, 750.0, 1e4]],
         special={(0.0,): (-INF, None), (-INF,): (0.0, 0.0), (1.0,): (NAN, None)}),
    Case("log(-expm1(x))", lambda x: T.log(-T.expm1(x)), lambda x: mp.log(-mp.expm1(x)),
         [-1e-20, -0.3, -40.0, -750.0]),
    Case("log1p(-exp(x))", lambda x: T.log1p(-T.exp(x)), lambda x: mp.log(-mp.expm1(x)),
         [-1e-20, -0.3, -40.0, -750.0]),
    Case("log(exp(x) - 1)", lambda x: T.log(T.exp(x) - 1), lambda x: mp.log(mp.expm1(x)),
         [*TINY, 0.3, 1.0, 7.3, 40.0, 700.0, 750.0, 1e4], scale=lambda x: 1.0, special={(0.0,): (-INF, INF)}),
    Case("log(exp(x))", lambda x: T.log(T.exp(x)), lambda x: x, WIDE, ulp=0, grad_ulp=4,
         special={(INF,): (INF, 1.0), (-INF,): (-INF, 1.0), (NAN,): (NAN, None)}),
    Case("log2(exp(x))", lambda x: T.log2(T.exp(x)), lambda x: x / mp.log(2), WIDE, ulp=2, grad_ulp=4),
    Case("log10(exp(x))", lambda x: T.log10(T.exp(x)), lambda x: x / mp.log(10), WIDE, ulp=2, grad_ulp=4),
    Case("log2(2**x)", lambda x: T.log2(T.exp2(x)), lambda x: x, WIDE, ulp=0, grad_ulp=4),
    Case("log(y * exp(x))", lambda x, y: T.log(y * T.exp(x)), lambda x, y: x + mp.log(y),
         [(1000.0, 2.0), (-1000.0, 3.0), (0.5, 1e-30), (750.0, 1e-30)], scale=lambda x, y: abs(x) + abs(math.log(y))),
    Case("log(exp(x) - exp(y))", lambda x, y: T.log(T.exp(x) - T.exp(y)), lambda x, y: x + mp.log(-mp.expm1(y - x)),
         [(1000.0, 999.0), (-1000.0, -1001.0), (1.0, 0.5), (40.0, -40.0), (0.0, -1e-9), (1e4, 0.0)], scale=largest,
         special={(3.0, 3.0): (-INF, None), (2.0, 3.0): (NAN, None), (-INF, -INF): (-INF, None),
         (2.0, -INF): (2.0, None)}),
    Case("log(exp(x) + exp(y))", lambda x, y: T.log(T.exp(x) + T.exp(y)), lse, PAIRS, scale=largest,
         slopes=[share(0), share(1)],
         special={(-INF, -INF): (-INF, None), (INF, 0.0): (INF, None), (INF, INF): (INF, None),
         (-INF, 2.0): (2.0, (0.0, 1.0)),
                  (NAN, 0.0): (NAN, None)}),
    Case("log(exp(x) + exp(y)) near 0", lambda x, y: T.log(T.exp(x) + T.exp(y)), lse, [(0.0, -40.0), (0.0, -80.0)],
         slopes=[share(0), share(1)]),
    Case("log(exp(x) + exp(y) + exp(z))", lambda x, y, z: T.log(T.exp(x) + T.exp(y) + T.exp(z)), lse, TRIPLES,
         scale=largest, slopes=[share(0), share(1), share(2)],
         special={(-INF, -INF, -INF): (-INF, None), (0.0, INF, 0.0): (INF, None)}),
    Case("log(1 + exp(x) + exp(y))", lambda x, y: T.log(1 + T.exp(x) + T.exp(y)), lambda x, y: lse(x, y, mp.mpf(0)),
         PAIRS, scale=largest, slopes=[lambda x, y: mp.exp(x - lse(x, y, mp.mpf(0))),
                                       lambda x, y: mp.exp(y - lse(x, y, mp.mpf(0)))]),
    Case("log1p(exp(x) + exp(y))", lambda x, y: T.log1p(T.exp(x) + T.exp(y)), lambda x, y: lse(x, y, mp.mpf(0)),
         PAIRS, scale=largest, slopes=[lambda x, y: mp.exp(x - lse(x, y, mp.mpf(0))),
                                       lambda x, y: mp.exp(y - lse(x, y, mp.mpf(0)))]),
    Case("log(0.3*exp(x) + 0.7*exp(y))", lambda x, y: T.log(0.3 * T.exp(x) + 0.7 * T.exp(y)),
         lambda x, y: lse(x + mp.log(mp.mpf(0.3)), y + mp.log(mp.mpf(0.7))), PAIRS, dtypes=("float64",),
         scale=lambda x, y: 1 + largest(x, y), grad_ulp=32),
    Case("log((exp(x) + exp(y)) / 2)", lambda x, y: T.log((T.exp(x) + T.exp(y)) / 2),
         lambda x, y: lse(x, y) - mp.log(2), PAIRS, scale=lambda x, y: 1 + largest(x, y),
         slopes=[share(0), share(1)]),
    Case("logaddexp by hand: x + log1p(exp(y - x))", lambda x, y: x + T.log1p(T.exp(y - x)), lse, PAIRS,
         scale=largest,
         slopes=[share(0), share(1)]),
    Case("log(exp(x) + exp(-x))", lambda x: T.log(T.exp(x) + T.exp(-x)), lambda x: lse(x, -x), WIDE,
         scale=lambda x: abs(x)),
    Case("log(cosh(x))", lambda x: T.log(T.cosh(x)), lambda x: lse(x, -x) - mp.log(2), WIDE,
         special={(INF,): (INF, 1.0), (-INF,): (INF, -1.0)}),
    Case("log(sinh(x))", lambda x: T.log(T.sinh(x)), lambda x: mp.log(mp.sinh(x)),
         [*TINY, 0.3, 1.0, 7.3, 40.0, 88.0, 700.0, 750.0, 1e4], scale=lambda x: 1.0,
         special={(0.0,): (-INF, INF), (-1.0,): (NAN, None)}),
    Case("log(sqrt(x))", lambda x: T.log(T.sqrt(x)), lambda x: mp.log(x) / 2, POSITIVE,
         special={(0.0,): (-INF, INF), (-1.0,): (NAN, None)}),
    Case("log(x**2)", lambda x: T.log(x**2), lambda x: 2 * mp.log(abs(x)),
         [*SMALL, *ORDINARY, 1e30, -1e30, 1e300, -1e300], slopes=[lambda x: 2 / x], special={(0.0,): (-INF, None)}),
    Case("log(1 - exp(-exp(-x)))", lambda x: T.log(1 - T.exp(-T.exp(-x))),
         lambda x: mp.log(-mp.expm1(-mp.exp(-x))), [-3.0, -1.0, *(x for x in POSITIVE if x < 2e4)],
         scale=lambda x: 1.0),
    Case("1/sqrt(1 + exp(x))", lambda x: 1 / T.sqrt(1 + T.exp(x)), lambda x: 1 / mp.sqrt(1 + mp.exp(x)), WIDE,
         grad_ulp=None, special={(INF,): (0.0, None), (-INF,): (1.0, None)}),
    Case("log(x**3)", lambda x: T.log(x**3), lambda x: 3 * mp.log(x), POSITIVE,
         special={(0.0,): (-INF, INF), (-1.0,): (NAN, None)}),
    Case("log(x**4)", lambda x: T.log(x**4), lambda x: 4 * mp.log(abs(x)), [*SMALL, *ORDINARY, 1e300, -1e300],
         slopes=[lambda x: 4 / x]),
    Case("log(1/x)", lambda x: T.log(1 / x), lambda x: -mp.log(x), [*POSITIVE, 1e-310]),
    Case("log(x*y)", lambda x, y: T.log(x * y), lambda x, y: mp.log(x * y),
         [(2.0, 3.0), (1e200, 1e200), (-1e200, -1e150), (1e-200, 1e-200), (1e-300, 1e-10), (1e30, 1e30),
         (1e-30, 1e-30),
          (1e300, 1e-300), (-2.0, -0.25), (1.7e308, 1.7e308), (3e38, 3e38), (5e-39, 1e-3)],
         scale=lambda x, y: 1.0, slopes=[lambda x, y: 1 / x, lambda x, y: 1 / y],
         special={(-2.0, 3.0): (NAN, None), (0.0, 3.0): (-INF, None), (INF, 2.0): (INF, None),
         (0.0, 0.0): (-INF, None),
                  (INF, INF): (INF, None), (INF, 0.0): (NAN, None)}),
    Case("log(x/y)", lambda x, y: T.log(x / y), lambda x, y: mp.log(x / y),
         [(2.0, 3.0), (1e200, 1e-200), (1e-200, 1e200), (-1e200, -1e-150), (1e30, 1e-30), (1e-30, 1e30), (1.0, 1.0)],
         scale=lambda x, y: 1.0, slopes=[lambda x, y: 1 / x, lambda x, y: -1 / y],
         special={(-2.0, 3.0): (NAN, None), (0.0, 3.0): (-INF, None), (3.0, 0.0): (INF, None),
         (INF, INF): (NAN, None)}),
    Case("log(2*x)", lambda x: T.log(2 * x), lambda x: mp.log(2 * x), POSITIVE, scale=lambda x: 1.0),
    Case("log(p/(1 - p))", lambda p: T.log(p / (1 - p)), lambda p: mp.log(p) - mp.log1p(-p),
         [*TINY, 0.3, 0.5, 0.9, 0.999], scale=lambda p: 1 / (1 - p),
         special={(0.0,): (-INF, INF), (1.0,): (INF, INF)}),
    Case("log(log(x + 1) ) near 0", lambda x: T.log(T.log(1 + x)), lambda x: mp.log(mp.log1p(x)),
         [1e-20, 1e-9, 1e-4, 0.3],
         scale=lambda x: 1.0),
    Case("x*log(x)", lambda x: x * T.log(x), lambda x: x * mp.log(x), POSITIVE[:-2] + [1e30],
         grad_scale=lambda x: 1.0,
         special={(0.0,): (0.0, -INF), (-1.0,): (NAN, None), (INF,): (INF, INF)}),
    Case("-sum of p*log(p)", lambda X: -(X * T.log(X)).sum(axis=1), lambda xs: -mp.fsum(x * mp.log(x) for x in xs),
         [(0.2, 0.8), (1e-30, 1.0), (0.5, 0.5)], rows=True, grad_scale=lambda *xs: 1.0,
         special={(0.0, 1.0): (0.0, (INF, -1.0))}),
    Case("log(sum(exp(x)))", lambda X: T.log(T.exp(X).sum(axis=1)), lambda xs: lse(*xs), TRIPLES, rows=True,
         scale=largest, special={(-INF, -INF, -INF): (-INF, None), (0.0, INF, 0.0): (INF, None),
                                 (-INF, 0.0, -INF): (0.0, (0.0, 1.0, 0.0))}),
    Case("log(sum(exp(x))) along the first axis", lambda X: T.log(T.exp(X.T).sum(axis=0)), lambda xs: lse(*xs),
         TRIPLES,
         rows=True, scale=largest),
    Case("log(mean(exp(x)))", lambda X: T.log(T.exp(X).mean(axis=1)), lambda xs: lse(*xs) - mp.log(len(xs)),
         TRIPLES, rows=True, scale=lambda *xs: 1 + largest(*xs)),
    Case("log(sum(y*exp(x)))", lambda X: T.log((T.exp(X) * 0.25).sum(axis=1)), lambda xs: lse(*xs) - mp.log(4),
         TRIPLES,
         rows=True, scale=lambda *xs: 2 + largest(*xs)),
    Case("log(prod(x))", lambda X: T.log(T.prod(X, axis=1)), lambda xs: mp.log(mp.fprod(xs)),
         [(1e200, 1e200, 2.0), (1e-200, 1e-200, 3.0), (-1e200, -1e180, 2.0), (1.0, 2.0, 3.0), (-1.0, 2.0, -4.0),
          (1e30, 1e30, 1.0), (1e-30, 1e-30, 1.0)], rows=True,
         scale=lambda *xs: sum(abs(math.log(abs(x))) for x in xs),
         slopes=[lambda xs: 1 / xs[0], lambda xs: 1 / xs[1], lambda xs: 1 / xs[2]],
         special={(-1.0, 2.0, 3.0): (NAN, None), (0.0, 1.0, 2.0): (-INF, None)}),
    Case("log(prod(x**2))", lambda X: T.log(T.prod(T.sqr(X), axis=1)), lambda xs: mp.log(mp.fprod(xs) ** 2),
         [(1e200, 1e200, 2.0), (-1e200, 1e-180, 2.0), (1.0, 2.0, 3.0)], rows=True,
         scale=lambda *xs: 2 * sum(abs(math.log(abs(x))) for x in xs),
         slopes=[lambda xs: 2 / xs[0], lambda xs: 2 / xs[1], lambda xs: 2 / xs[2]]),
]
