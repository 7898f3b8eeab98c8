"""The table: exponentials, sigmoids, hyperbolic functions, roots, trigonometric differences."""

from __future__ import annotations

from case import Case, mp
from logarithm_cases import INF, NAN, ORDINARY, POSITIVE, SMALL, TINY, WIDE

import theano.tensor as T


def sig(x):
    return 1 / (1 + mp.exp(-x))


def both(x):
    """sigmoid(x) * sigmoid(-x): the slope of sigmoid."""
    return sig(x) * sig(-x)


LOGIT = {(INF,): (1.0, 0.0), (-INF,): (0.0, 0.0), (NAN,): (NAN, NAN)}
MIRRORED = {(INF,): (0.0, 0.0), (-INF,): (1.0, 0.0), (NAN,): (NAN, NAN)}

EXPONENTIALS = [
    Case("exp(x) - 1", lambda x: T.exp(x) - 1, mp.expm1, WIDE, special={(INF,): (INF, INF), (-INF,): (-1.0, 0.0)}),
    Case("1 - exp(x)", lambda x: 1 - T.exp(x), lambda x: -mp.expm1(x), WIDE),
    Case("1 - exp(-x)", lambda x: 1 - T.exp(-x), lambda x: -mp.expm1(-x), WIDE),
    Case("(exp(x) - 1)/x", lambda x: (T.exp(x) - 1) / x, lambda x: mp.expm1(x) / x, [*SMALL, *ORDINARY, 40.0],
         grad_ulp=None),
    Case("exp(x) - 1 + y", lambda x, y: T.exp(x) + y - 1, lambda x, y: mp.expm1(x) + y,
         [(1e-20, 1e-20), (1e-9, 0.0)]),
    Case("exp(x)*exp(y)", lambda x, y: T.exp(x) * T.exp(y), lambda x, y: mp.exp(x + y),
         [(1000.0, -1000.0), (-1000.0, 1000.5), (0.5, 0.25), (1e4, -1e4), (88.0, -90.0), (600.0, 600.0)]),
    Case("exp(x)/exp(y)", lambda x, y: T.exp(x) / T.exp(y), lambda x, y: mp.exp(x - y),
         [(1000.0, 1000.0), (-1000.0, -1000.5), (0.5, 0.25), (1e4, 1e4), (90.0, 88.0)]),
    Case("z*exp(x)*y*exp(-x)", lambda x, y: y * T.exp(x) * 2 * T.exp(-x), lambda x, y: 2 * y,
         [(1000.0, 3.0), (-1000.0, 3.0), (0.5, 1e-20)]),
    Case("exp(x)*exp(y)*exp(z)", lambda x, y, z: T.exp(x) * T.exp(y) * T.exp(z), lambda x, y, z: mp.exp(x + y + z),
         [(1000.0, -999.0, -0.5), (0.5, 0.25, 0.125)]),
    Case("y/exp(x)", lambda x, y: y / T.exp(x), lambda x, y: y * mp.exp(-x),
         [(700.0, 3.0), (1000.0, 3.0), (-3.0, 2.0)]),
    Case("exp(x)/(y*exp(x))", lambda x, y: T.exp(x) / (y * T.exp(x)), lambda x, y: 1 / y,
         [(1000.0, 4.0), (-1000.0, 4.0)]),
    Case("2**x * 2**y", lambda x, y: T.exp2(x) * T.exp2(y), lambda x, y: mp.power(2, x + y),
         [(2000.0, -2000.0), (0.5, 1.5)]),
    Case("3**x * 3**y", lambda x, y: 3.0**x * 3.0**y, lambda x, y: mp.power(3, x + y),
         [(2000.0, -2000.0), (0.5, 1.5)]),
    Case("sqrt(exp(x))", lambda x: T.sqrt(T.exp(x)), lambda x: mp.exp(x / 2), [1000.0, -1000.0, 0.5]),
    Case("exp(x)**2 / exp(y)", lambda x, y: T.exp(x) ** 2 / T.exp(y), lambda x, y: mp.exp(2 * x - y),
         [(600.0, 1200.0), (-600.0, -1200.0), (0.5, 0.25)]),
    Case("exp(log(x))", lambda x: T.exp(T.log(x)), lambda x: x, POSITIVE, ulp=0, grad_ulp=4,
         special={(0.0,): (0.0, None), (-1.0,): (NAN, None), (INF,): (INF, None)}),
    Case("expm1(log1p(x))", lambda x: T.expm1(T.log1p(x)), lambda x: x, [0.0, *SMALL, 0.3, -0.9, 1e30], ulp=0,
         grad_ulp=8,
         special={(-2.0,): (NAN, None), (-1.0,): (-1.0, None)}),
    Case("exp(log1p(-exp(x)))", lambda x: T.exp(T.log1p(-T.exp(x))), lambda x: -mp.expm1(x), [-1e-20, -0.3, -40.0],
         special={(1.0,): (NAN, None)}),
    Case("expm1(log(1 - exp(x)))", lambda x: T.expm1(T.log(1 - T.exp(x))), lambda x: -mp.exp(x),
         [-1e-20, -0.3, -40.0],
         special={(1.0,): (NAN, None)}),
    Case("log(1 - exp(log(1 - exp(x))))", lambda x: T.log(1 - T.exp(T.log(1 - T.exp(x)))), lambda x: x,
         [-1e-20, -0.3, -40.0, -1000.0], ulp=0, grad_ulp=None, special={(1.0,): (NAN, None)}),
    Case("log(1 + exp(log(x)))", lambda x: T.log(1 + T.exp(T.log(x))), mp.log1p, POSITIVE,
         special={(-0.5,): (NAN, None)}),
    Case("exp(log(1 + exp(x)))", lambda x: T.exp(T.log(1 + T.exp(x))), lambda x: 1 + mp.exp(x),
         [-40.0, 0.0, 3.0, 80.0]),
]

SIGMOIDS = [
    Case("sigmoid(x)", T.nnet.sigmoid, sig, WIDE, fast_compile=False, special=LOGIT),
    Case("softplus(x)", T.nnet.softplus, lambda x: mp.log1p(mp.exp(x)), WIDE, fast_compile=True,
         special={(INF,): (INF, 1.0), (-INF,): (0.0, 0.0), (NAN,): (NAN, NAN)}),
    Case("1/(1 + exp(-x))", lambda x: 1 / (1 + T.exp(-x)), sig, WIDE, special=LOGIT),
    Case("1/(1 + exp(x))", lambda x: 1 / (1 + T.exp(x)), lambda x: sig(-x), WIDE, special=MIRRORED),
    Case("exp(x)/(1 + exp(x))", lambda x: T.exp(x) / (1 + T.exp(x)), sig, WIDE, special=LOGIT),
    Case("exp(-x)/(1 + exp(-x))", lambda x: T.exp(-x) / (1 + T.exp(-x)), lambda x: sig(-x), WIDE, special=MIRRORED),
    Case("3/(1 + exp(x))", lambda x: 3 / (1 + T.exp(x)), lambda x: 3 * sig(-x), WIDE),
    Case("y*exp(x)/(1 + exp(x))", lambda x, y: y * T.exp(x) / (1 + T.exp(x)), lambda x, y: y * sig(x),
         [(1000.0, 3.0), (-40.0, 2.0), (0.3, -1e-20), (-1000.0, 3.0)]),
    Case("exp(x)/(1 + exp(x))**2", lambda x: T.exp(x) / (1 + T.exp(x)) ** 2, both, WIDE, grad_ulp=None),
    Case("exp(-x)/(1 + exp(-x))**2", lambda x: T.exp(-x) / (1 + T.exp(-x)) ** 2, both, WIDE, grad_ulp=None),
    Case("1 - sigmoid(x)", lambda x: 1 - T.nnet.sigmoid(x), lambda x: sig(-x), WIDE, special=MIRRORED),
    Case("sigmoid(x) - 1", lambda x: T.nnet.sigmoid(x) - 1, lambda x: -sig(-x), WIDE),
    Case("1 - 1/(1 + exp(-x))", lambda x: 1 - 1 / (1 + T.exp(-x)), lambda x: sig(-x), WIDE),
    Case("sigmoid(x)*(1 - sigmoid(x))", lambda x: T.nnet.sigmoid(x) * (1 - T.nnet.sigmoid(x)), both, WIDE,
         grad_ulp=None),
    Case("2*sigmoid(2*x) - 1", lambda x: 2 * T.nnet.sigmoid(2 * x) - 1, mp.tanh, WIDE, grad_scale=lambda x: 1.0),
    Case("log(sigmoid(x))", lambda x: T.log(T.nnet.sigmoid(x)), lambda x: -mp.log1p(mp.exp(-x)), WIDE,
         special={(INF,): (0.0, 0.0), (-INF,): (-INF, 1.0)}),
    Case("log(1/(1 + exp(-x)))", lambda x: T.log(1 / (1 + T.exp(-x))), lambda x: -mp.log1p(mp.exp(-x)), WIDE),
    Case("log(1 - sigmoid(x))", lambda x: T.log(1 - T.nnet.sigmoid(x)), lambda x: -mp.log1p(mp.exp(x)), WIDE,
         special={(INF,): (-INF, -1.0), (-INF,): (0.0, 0.0)}),
    Case("log1p(-sigmoid(x))", lambda x: T.log1p(-T.nnet.sigmoid(x)), lambda x: -mp.log1p(mp.exp(x)), WIDE),
    Case("log10(sigmoid(x))", lambda x: T.log10(T.nnet.sigmoid(x)), lambda x: -mp.log1p(mp.exp(-x)) / mp.log(10),
         WIDE),
    Case("softplus(x) - x", lambda x: T.nnet.softplus(x) - x, lambda x: mp.log1p(mp.exp(-x)), WIDE),
    Case("x - softplus(x)", lambda x: x - T.nnet.softplus(x), lambda x: -mp.log1p(mp.exp(-x)), WIDE),
    Case("x - log(1 + exp(x))", lambda x: x - T.log(1 + T.exp(x)), lambda x: -mp.log1p(mp.exp(-x)), WIDE),
    Case("exp(x)*sigmoid(-x)", lambda x: T.exp(x) * T.nnet.sigmoid(-x), sig, WIDE),
    Case("y*exp(-x)*sigmoid(x)*z", lambda x, y: y * T.exp(-x) * T.nnet.sigmoid(x) * 2, lambda x, y: 2 * y * sig(-x),
         [(1000.0, 3.0), (-1000.0, 3.0), (0.5, -2.0)]),
    Case("exp(x)/(exp(x) + exp(y))", lambda x, y: T.exp(x) / (T.exp(x) + T.exp(y)), lambda x, y: sig(x - y),
         [(1000.0, 999.0), (-1000.0, -999.0), (0.3, 0.1), (40.0, -40.0), (1e4, -1e4)]),
    Case("s/(1 - s), s = sigmoid(x)", lambda x: T.nnet.sigmoid(x) / (1 - T.nnet.sigmoid(x)), mp.exp,
         [0.0, *SMALL, 40.0, -40.0, 80.0, -80.0]),
    Case("(1 - s)/s, s = sigmoid(x)", lambda x: (1 - T.nnet.sigmoid(x)) / T.nnet.sigmoid(x), lambda x: mp.exp(-x),
         [0.0, *SMALL, 40.0, -40.0, 80.0, -80.0]),
    Case("log(s/(1 - s)), s = sigmoid(x)", lambda x: T.log(T.nnet.sigmoid(x) / (1 - T.nnet.sigmoid(x))), lambda x: x,
         WIDE,
         ulp=0, grad_ulp=8),
    Case("log(s) - log(1 - s), s = sigmoid(x)", lambda x: T.log(T.nnet.sigmoid(x)) - T.log(1 - T.nnet.sigmoid(x)),
         lambda x: x, WIDE, ulp=0, grad_ulp=8),
    Case("sigmoid(log(p/(1 - p)))", lambda p: T.nnet.sigmoid(T.log(p / (1 - p))), lambda p: p,
         [*TINY, 0.3, 0.5, 0.999],
         ulp=0, grad_ulp=8,
         special={(-1.0,): (NAN, None), (2.0,): (NAN, None), (0.0,): (0.0, None), (1.0,): (1.0, None)}),
    Case("1/(1 + x)", lambda x: 1 / (1 + x), lambda x: 1 / (1 + x), [*SMALL, 0.3, 1e30, 1e300], fast_compile=True),
    Case("1 - 1/(1 + x)", lambda x: 1 - 1 / (1 + x), lambda x: x / (1 + x), [0.0, *SMALL, 0.3, 40.0, 1e30, 1e300]),
    Case("1/(1 + x) - 1", lambda x: 1 / (1 + x) - 1, lambda x: -x / (1 + x), [0.0, *SMALL, 0.3, 40.0, 1e30]),
    Case("1 - x/(1 + x)", lambda x: 1 - x / (1 + x), lambda x: 1 / (1 + x), [0.0, *SMALL, 0.3, 40.0, 1e30, 1e300]),
]

HYPERBOLIC = [
    Case("tanh(x)", T.tanh, mp.tanh, WIDE, grad_scale=lambda x: 1.0, fast_compile=True),
    Case("(exp(x) - exp(-x))/(exp(x) + exp(-x))", lambda x: (T.exp(x) - T.exp(-x)) / (T.exp(x) + T.exp(-x)), mp.tanh,
         WIDE,
         grad_scale=lambda x: 1.0, special={(INF,): (1.0, 0.0), (-INF,): (-1.0, 0.0)}),
    Case("(exp(2x) - 1)/(exp(2x) + 1)", lambda x: (T.exp(2 * x) - 1) / (T.exp(2 * x) + 1), mp.tanh, WIDE,
         grad_scale=lambda x: 1.0),
    Case("(1 - exp(-2x))/(1 + exp(-2x))", lambda x: (1 - T.exp(-2 * x)) / (1 + T.exp(-2 * x)), mp.tanh, WIDE,
         grad_scale=lambda x: 1.0),
    Case("(exp(x) - exp(-x))/2", lambda x: (T.exp(x) - T.exp(-x)) / 2, mp.sinh, WIDE[:-2]),
    Case("(exp(x) + exp(-x))/2", lambda x: (T.exp(x) + T.exp(-x)) / 2, mp.cosh, WIDE[:-2]),
    Case("exp(x) - exp(-x)", lambda x: T.exp(x) - T.exp(-x), lambda x: 2 * mp.sinh(x), WIDE[:-2]),
    Case("sinh(x)/cosh(x)", lambda x: T.sinh(x) / T.cosh(x), mp.tanh, WIDE, grad_scale=lambda x: 1.0),
    Case("1 - tanh(x)", lambda x: 1 - T.tanh(x), lambda x: 2 * sig(-2 * x), WIDE, grad_scale=lambda x: 1.0),
    Case("1 + tanh(x)", lambda x: 1 + T.tanh(x), lambda x: 2 * sig(2 * x), WIDE, grad_scale=lambda x: 1.0),
    Case("arccosh(cosh(x))", lambda x: T.arccosh(T.cosh(x)), abs, [-1.0, 1.0, 2.5, -2.5, 20.0], grad_ulp=64),
    Case("tanh(arctanh(x))", lambda x: T.tanh(T.arctanh(x)), lambda x: x, [0.0, 1e-20, 0.3, -0.9],
         special={(2.0,): (NAN, None)}),
    Case("arctanh(tanh(x))", lambda x: T.arctanh(T.tanh(x)), lambda x: x, [0.0, 1e-20, 0.3, -2.5], ulp=0,
         grad_ulp=64),
    Case("arcsinh(sinh(x))", lambda x: T.arcsinh(T.sinh(x)), lambda x: x, [0.0, 1e-20, 0.3, -2.5, 40.0], ulp=0),
    Case("log(x + sqrt(1 + x**2))", lambda x: T.log(x + T.sqrt(1 + x**2)), mp.asinh, [*WIDE, 1e170, -1e170],
         grad_ulp=None),
    Case("log(x + sqrt(x**2 - 1))", lambda x: T.log(x + T.sqrt(x**2 - 1)), mp.acosh, [1.0, 1.5, 7.3, 1e4, 1e170],
         grad_ulp=None, special={(0.5,): (NAN, None), (-2.0,): (NAN, None)}),
    Case("log((1 + x)/(1 - x))", lambda x: T.log((1 + x) / (1 - x)), lambda x: 2 * mp.atanh(x),
         [0.0, *SMALL, 0.3, -0.9], grad_ulp=None, special={(1.0,): (INF, None), (2.0,): (NAN, None)}),
    Case("sin(x)/cos(x)", lambda x: T.sin(x) / T.cos(x), mp.tan, [0.0, *SMALL, *ORDINARY, 1.57], ulp=4),
    Case("sin(arcsin(x))", lambda x: T.sin(T.arcsin(x)), lambda x: x, [0.0, 1e-20, 0.3, -0.9],
         special={(2.0,): (NAN, None)}),
]

HUGE_PAIRS = [(3.0, 4.0), (1e200, 1e200), (-1e200, 1e180), (1e-200, 1e-200), (1e30, -1e30), (1e-30, 1e-30),
         (0.0, 2.0),
              (1e-20, 1.0)]

ROOTS = [
    Case("sqrt(x**2)", lambda x: T.sqrt(x**2), abs, [*SMALL, *ORDINARY, 1e200, -1e300], ulp=0, grad_ulp=0,
         slopes=[mp.sign],
         special={(0.0,): (0.0, 0.0), (INF,): (INF, None), (-INF,): (INF, None), (NAN,): (NAN, None)}),
    Case("sqrt(x)**2", lambda x: T.sqrt(x) ** 2, lambda x: x, POSITIVE, ulp=0, grad_ulp=2,
         special={(-1.0,): (NAN, None)}),
    Case("sqrt(x**2 + y**2)", lambda x, y: T.sqrt(x**2 + y**2), lambda x, y: mp.sqrt(x * x + y * y), HUGE_PAIRS,
         special={(INF, 1.0): (INF, None), (NAN, 1.0): (NAN, None)}),
    Case("sqrt(x**2 + y**2 + z**2)", lambda x, y, z: T.sqrt(x**2 + y**2 + z**2),
         lambda x, y, z: mp.sqrt(x * x + y * y + z * z),
         [(1e200, 1e200, 1.0), (1e-200, 1e-200, 1e-200), (3.0, 4.0, 12.0),
                                                          (1e30, 1e30, 1e30)]),
    Case("sqrt(x**2 + 1)", lambda x: T.sqrt(x**2 + 1), lambda x: mp.sqrt(x * x + 1),
         [0.0, *SMALL, *ORDINARY, 1e30, -1e200],
         special={(INF,): (INF, None)}),
    Case("x/sqrt(x**2 + y**2)", lambda x, y: x / T.sqrt(x**2 + y**2), lambda x, y: x / mp.sqrt(x * x + y * y),
         [(3.0, 4.0), (1e200, 1e200), (1e-200, 1e-200), (1e30, 1e30)], grad_ulp=None),
    Case("sqrt(sum(x**2))", lambda X: T.sqrt(T.sqr(X).sum(axis=1)), lambda xs: mp.sqrt(mp.fsum(x * x for x in xs)),
         [(1e200, 1e200, 1.0), (1e-200, 1e-200, 1e-200), (3.0, 4.0, 12.0), (-1e30, 1e30, 1e30), (1e-30, 1e-30, 0.0)],
         rows=True, special={(0.0, 0.0, 0.0): (0.0, None), (INF, 0.0, 1.0): (INF, None),
         (NAN, 0.0, 1.0): (NAN, None)}),
    Case("norm(x)", lambda X: X.norm(2, axis=1), lambda xs: mp.sqrt(mp.fsum(x * x for x in xs)),
         [(1e200, 1e200, 1.0), (1e-200, 1e-200, 1e-200), (3.0, 4.0, 12.0), (-1e30, 1e30, 1e30)], rows=True),
    Case("x/norm(x)", lambda X: X / X.norm(2, axis=1).dimshuffle(0, "x"),
         lambda xs: [x / mp.sqrt(mp.fsum(x * x for x in xs)) for x in xs],
         [(1e200, 1e200, 1.0), (1e-200, 1e-200, 1e-200), (3.0, 4.0, 12.0), (-1e30, 1e30, 1e30), (3e-324, 0.0, 0.0),
          (1e308, 1e308, -1e308)],
         rows=True, grad_ulp=None, special={(0.0, 0.0, 0.0): ((NAN, NAN, NAN), None)}),
    Case("sqrt(1 + x) - 1", lambda x: T.sqrt(1 + x) - 1, lambda x: x / (mp.sqrt(1 + x) + 1),
         [0.0, *SMALL, 0.3, -0.9, 40.0, 1e30],
         special={(INF,): (INF, None), (-2.0,): (NAN, None), (-1.0,): (-1.0, None)}),
    Case("1 - sqrt(1 - x)", lambda x: 1 - T.sqrt(1 - x), lambda x: x / (mp.sqrt(1 - x) + 1),
         [0.0, *SMALL, 0.3, -40.0]),
    Case("1 - sqrt(1 - x**2)", lambda x: 1 - T.sqrt(1 - x**2), lambda x: x * x / (mp.sqrt(1 - x * x) + 1),
         [0.0, *SMALL, 0.3, -0.9]),
    Case("sqrt(1 + x**2) - 1", lambda x: T.sqrt(1 + x**2) - 1, lambda x: x * x / (mp.sqrt(1 + x * x) + 1),
         [0.0, *SMALL, 0.3, -0.9, 40.0, 1e30]),
    Case("sqrt(x + 1) - sqrt(x)", lambda x: T.sqrt(x + 1) - T.sqrt(x), lambda x: 1 / (mp.sqrt(x + 1) + mp.sqrt(x)),
         [0.3, 1.0, 40.0, 1e9, 1e16, 1e30], grad_ulp=64, special={(0.0,): (1.0, None), (-0.5,): (NAN, None)}),
    Case("1 - cos(x)", lambda x: 1 - T.cos(x), lambda x: 2 * mp.sin(x / 2) ** 2, [0.0, *SMALL, *ORDINARY]),
    Case("cos(x) - 1", lambda x: T.cos(x) - 1, lambda x: -2 * mp.sin(x / 2) ** 2, [0.0, *SMALL, *ORDINARY]),
    Case("(1 - cos(x))/x**2", lambda x: (1 - T.cos(x)) / x**2, lambda x: 2 * mp.sin(x / 2) ** 2 / x**2,
         [1e-9, 1e-8, -1e-8, 1e-4, 0.3, 2.5], grad_ulp=None),
    Case("1 - cos(x)**2", lambda x: 1 - T.cos(x) ** 2, lambda x: mp.sin(x) ** 2, [0.0, *SMALL, *ORDINARY]),
    Case("1 - sin(x)**2", lambda x: 1 - T.sin(x) ** 2, lambda x: mp.cos(x) ** 2, [0.0, 0.3, 1.0, 1.57079]),
    Case("x/abs(x)", lambda x: x / abs(x), mp.sign, [*SMALL, *ORDINARY, 1e300], ulp=0, grad_ulp=None,
         fast_compile=True),
    Case("abs(x)*abs(y)", lambda x, y: abs(x) * abs(y), lambda x, y: abs(x * y), [(2.0, -3.0), (1e-20, -1e20)],
         slopes=[lambda x, y: mp.sign(x) * abs(y), lambda x, y: mp.sign(y) * abs(x)]),
    Case("variance with a large mean", lambda X: X.var(axis=1), lambda xs: _variance(xs),
         [(1e8 + 0.25, 1e8, 1e8 - 0.5), (1.0, 2.0, 4.0), (1e15, 1e15 + 2, 1e15 + 4)], rows=True, dtypes=("float64",),
         grad_scale=lambda *xs: 1.0, fast_compile=True),
]


def _variance(xs):
    mean = mp.fsum(xs) / len(xs)
    return mp.fsum((x - mean) ** 2 for x in xs) / len(xs)


CASES = [*EXPONENTIALS, *SIGMOIDS, *HYPERBOLIC, *ROOTS]
