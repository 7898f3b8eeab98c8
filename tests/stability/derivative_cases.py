"""The table of derivatives: one variable, as users write densities, losses and activations, with two derivatives.

Values are compared relative to themselves. Derivatives are sums, and may be near 0 where their terms are not: they are
compared relative to `scale` or themselves, whichever is larger. What is never allowed is NaN, an infinity, or a number
of another size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

import theano.tensor as T

mp = mpmath.mp.clone()
mp.dps = 500

SMALL = [1e-20, 1e-9, 1e-4, 0.3, 1.0, 2.5, 7.3]
LARGE = [20.0, 40.0, 88.0, 104.0, 360.0, 700.0, 750.0, 1e4]
POSITIVE = [*SMALL, *LARGE]
WIDE = [0.0, *POSITIVE, *(-x for x in POSITIVE)]
WIDE_FROM_A_THOUSANDTH = [x for x in WIDE if abs(x) > 1e-3]
NORMAL = [x for x in WIDE if abs(x) < 15]
SQUARES_OVERFLOW = [sign * x for x in (1e10, 1e17, 1e20, 1e30, 1e80, 1e100, 1e155, 1e170, 1e300) for sign in (1, -1)]

WITHIN_60 = [x for x in WIDE if abs(x) < 60]
WIDE_AND_HUGE = [*WIDE, *SQUARES_OVERFLOW, 1e77, -1e77, 1e104, -1e130]


@dataclass(frozen=True, eq=False)
class Curve:
    """A function of one variable, its exact value, and where it is looked at."""

    name: str
    build: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    points: Sequence[float] = tuple(WIDE)
    ulp: float = 16.0
    scale: float = 1.0
    value_scale: float = 0.0
    dtypes: tuple[str, ...] = ("float64", "float32")


def sig(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def log_two_cosh(x):
    return abs(x) + mp.log1p(mp.exp(-2 * abs(x)))


def log_sum(*exponents):
    """log(exp(a) + exp(b) + ...)"""
    largest = max(exponents)
    return largest + mp.log(mp.fsum(mp.exp(x - largest) for x in exponents))


def log_half_erfc(x):
    return mp.log(mp.erfc(x) / 2) if x > 0 else mp.log1p(-mp.erfc(-x) / 2)


def log_of_interval(a, b):
    """log(erf(b) - erf(a))"""
    low, high = (a, b) if a + b > 0 else (-b, -a)
    return mp.log(mp.erfc(low) - mp.erfc(high))


def normal_cdf(x):
    return number(0.5, x) * (1 + T.erf(x / number(np.sqrt(2), x)))


def number(value, x):
    return np.asarray(value, x.dtype)


SIGMOIDS = [
    Curve("exp(x)/(1 + exp(x))**2, squared by sqr", lambda x: T.exp(x) / T.sqr(1 + T.exp(x)),
          lambda x: sig(x) * sig(-x)),
    Curve("exp(-x)/(1 + exp(-x))**2", lambda x: T.exp(-x) / (1 + T.exp(-x)) ** 2, lambda x: sig(x) * sig(-x)),
    Curve("exp(x)/(1 + exp(x))**3", lambda x: T.exp(x) / (1 + T.exp(x)) ** 3, lambda x: sig(x) * sig(-x) ** 2),
    Curve("exp(2x)/(1 + exp(x))**2", lambda x: T.exp(2 * x) / (1 + T.exp(x)) ** 2, lambda x: sig(x) ** 2),
    Curve("1/(1 + exp(x))**2", lambda x: 1 / (1 + T.exp(x)) ** 2, lambda x: sig(-x) ** 2),
    Curve("1/(1 + exp(-x))", lambda x: 1 / (1 + T.exp(-x)), sig),
    Curve("exp(x)/(1 + exp(x))", lambda x: T.exp(x) / (1 + T.exp(x)), sig),
    Curve("s*(1 - s)", lambda x: T.nnet.sigmoid(x) * (1 - T.nnet.sigmoid(x)), lambda x: sig(x) * sig(-x)),
    Curve("sigmoid(x)**2", lambda x: T.nnet.sigmoid(x) ** 2, lambda x: sig(x) ** 2),
    Curve("1/sqrt(1 + exp(x))", lambda x: 1 / T.sqrt(1 + T.exp(x)), lambda x: mp.sqrt(sig(-x))),
    Curve("(1 + exp(x))**-1.5", lambda x: (1 + T.exp(x)) ** -1.5, lambda x: sig(-x) ** mp.mpf(1.5), value_scale=1.0),
    Curve("sqrt(sigmoid(x))", lambda x: T.sqrt(T.nnet.sigmoid(x)), lambda x: mp.sqrt(sig(x))),
    Curve("silu", lambda x: x * T.nnet.sigmoid(x), lambda x: x * sig(x)),
    Curve("silu by exp", lambda x: x / (1 + T.exp(-x)), lambda x: x * sig(x)),
    Curve("mish", lambda x: x * T.tanh(T.log(1 + T.exp(x))), lambda x: x * mp.tanh(softplus(x))),
    Curve("1/(2 + exp(x) + exp(-x))", lambda x: 1 / (2 + T.exp(x) + T.exp(-x)), lambda x: sig(x) * sig(-x)),
]

LOGARITHMS = [
    Curve("log(1 + exp(x))", lambda x: T.log(1 + T.exp(x)), softplus),
    Curve("log1p(exp(x))", lambda x: T.log1p(T.exp(x)), softplus),
    Curve("log(1 + exp(-x))", lambda x: T.log(1 + T.exp(-x)), lambda x: softplus(-x)),
    Curve("log(1 - exp(-x))", lambda x: T.log(1 - T.exp(-x)), lambda x: mp.log(-mp.expm1(-x)), POSITIVE[1:]),
    Curve("log(expm1(x))", lambda x: T.log(T.expm1(x)), lambda x: x + mp.log(-mp.expm1(-x)), POSITIVE[1:]),
    Curve("log(cosh(x))", lambda x: T.log(T.cosh(x)), lambda x: mp.log(mp.cosh(x)) if abs(x) < 30 else
          log_two_cosh(x) - mp.log(2)),
    Curve("log(2*cosh(x))", lambda x: T.log(2 * T.cosh(x)), log_two_cosh),
    Curve("log(exp(x)/(1 + exp(x))**2)", lambda x: T.log(T.exp(x) / (1 + T.exp(x)) ** 2),
          lambda x: -softplus(x) - softplus(-x)),
    Curve("log(sigmoid(x))", lambda x: T.log(T.nnet.sigmoid(x)), lambda x: -softplus(-x)),
    Curve("log(1 - sigmoid(x))", lambda x: T.log(1 - T.nnet.sigmoid(x)), lambda x: -softplus(x)),
    Curve("log(sigmoid(x)*(1 - sigmoid(x)))", lambda x: T.log(T.nnet.sigmoid(x) * (1 - T.nnet.sigmoid(x))),
          lambda x: -softplus(x) - softplus(-x)),
]

LIKELIHOODS = [
    Curve("Bernoulli with logits", lambda x: 0.25 * T.log(1 / (1 + T.exp(-x))) + 0.75 * T.log(1 - 1 / (1 + T.exp(-x))),
          lambda x: -softplus(-x) / 4 - 3 * softplus(x) / 4),
    Curve("binomial with logits", lambda x: 3 * x - 10 * T.log(1 + T.exp(x)), lambda x: 3 * x - 10 * softplus(x),
          value_scale=1.0, scale=10.0),
    Curve("beta with logits", lambda x: 2 * T.log(T.nnet.sigmoid(x)) + 3 * T.log(1 - T.nnet.sigmoid(x)),
          lambda x: -2 * softplus(-x) - 3 * softplus(x), scale=5.0),
    Curve("focal loss", lambda x: -((1 - T.nnet.sigmoid(x)) ** 2) * T.log(T.nnet.sigmoid(x)),
          lambda x: sig(-x) ** 2 * softplus(-x)),
    Curve("entropy of a Bernoulli variable",
          lambda x: -T.nnet.sigmoid(x) * T.log(T.nnet.sigmoid(x))
          - (1 - T.nnet.sigmoid(x)) * T.log(1 - T.nnet.sigmoid(x)),
          lambda x: sig(x) * softplus(-x) + sig(-x) * softplus(x)),
    Curve("logistic log-density", lambda x: -x - 2 * T.log(1 + T.exp(-x)), lambda x: -x - 2 * softplus(-x)),
    Curve("Gumbel log-density", lambda x: T.log(T.exp(-x - T.exp(-x))), lambda x: -x - mp.exp(-x),
          [x for x in WIDE if x > -80], value_scale=1.0),
    Curve("Gaussian log-density, by its density", lambda x: T.log(T.exp(-(x**2) / 2) / number(2.5, x)),
          lambda x: -x * x / 2 - mp.log(mp.mpf("2.5"))),
    Curve("Gaussian density", lambda x: T.exp(-(x**2) / 2), lambda x: mp.exp(-x * x / 2),
          [x for x in WIDE if abs(x) < 8], value_scale=1.0),
    Curve("Student-t log-density", lambda x: -2 * T.log(1 + x**2 / 3), lambda x: -2 * mp.log1p(x * x / 3), scale=4.0),
    Curve("Cauchy log-density", lambda x: T.log(1 / (1 + x**2)), lambda x: -mp.log1p(x * x), scale=2.0),
    Curve("Cauchy density", lambda x: 1 / (1 + x**2), lambda x: 1 / (1 + x * x), scale=2.0),
    Curve("log(sigmoid(x) - sigmoid(-x))", lambda x: T.log(T.nnet.sigmoid(x) - T.nnet.sigmoid(-x)),
          lambda x: mp.log(mp.tanh(x / 2)), POSITIVE[1:]),
    Curve("log(tanh(x))", lambda x: T.log(T.tanh(x)), lambda x: mp.log(mp.tanh(x)), POSITIVE[1:]),
    Curve("sigmoid(x) - 0.5", lambda x: T.nnet.sigmoid(x) - number(0.5, x), lambda x: mp.tanh(x / 2) / 2),
    Curve("half-Cauchy density, in one logarithm", lambda x: T.log(2 / (number(np.pi, x) * 5 * (1 + (x / 5) ** 2))),
          lambda x: mp.log(2 / (5 * mp.pi)) - mp.log1p(x * x / 25), WIDE_AND_HUGE, value_scale=1.0),
    Curve("log-logistic density", lambda x: T.log(2 * x / (1 + x**2) ** 2),
          lambda x: mp.log(2 * x) - 2 * mp.log1p(x * x), [0.3, 1.0, 2.5, 7.3, 1e4, *SQUARES_OVERFLOW[::2]],
          value_scale=1.0, scale=16.0),
    Curve("log(6.3*x**2)", lambda x: T.log(number(6.3, x) * x**2),
          lambda x: mp.log(mp.mpf(6.3)) + 2 * mp.log(abs(x)), [x for x in WIDE_AND_HUGE if abs(x) > 1e-5],
          value_scale=1.0, dtypes=("float64",)),
    Curve("zero-inflated Poisson, rate x", lambda x: T.log(number(0.25, x) + number(0.75, x) * T.exp(-x)),
          lambda x: mp.log(mp.mpf(0.25) + mp.mpf(0.75) * mp.exp(-x)), [0.0, *POSITIVE]),
    Curve("zero-inflated Poisson, logits x", lambda x: T.log(
              T.nnet.sigmoid(x) + (1 - T.nnet.sigmoid(x)) * T.exp(-number(3, x) * T.ones_like(x))),
          lambda x: mp.log(sig(x) + sig(-x) * mp.exp(-3))),
    Curve("Gumbel survival function", lambda x: T.log(1 - T.exp(-T.exp(-x))),
          lambda x: mp.log(-mp.expm1(-mp.exp(-x))), [x for x in WIDE if x > -4]),
    Curve("complementary log-log", lambda x: T.log(1 - T.exp(-T.exp(x))), lambda x: mp.log(-mp.expm1(-mp.exp(x))),
          [x for x in WIDE if -50 < x < 4]),
]

SUMS_OF_EXPONENTIALS = [
    Curve("log(exp(x) - 1)", lambda x: T.log(T.exp(x) - 1), lambda x: x + mp.log(-mp.expm1(-x)), POSITIVE[1:]),
    Curve("1/(exp(x) - 1)", lambda x: 1 / (T.exp(x) - 1), lambda x: 1 / mp.expm1(x), WIDE_FROM_A_THOUSANDTH),
    Curve("1/(1 - exp(-x))", lambda x: 1 / (1 - T.exp(-x)), lambda x: -1 / mp.expm1(-x), WIDE_FROM_A_THOUSANDTH),
    Curve("exp(-x)/(1 - exp(-x))", lambda x: T.exp(-x) / (1 - T.exp(-x)), lambda x: 1 / mp.expm1(x),
          WIDE_FROM_A_THOUSANDTH),
    Curve("Planck's law", lambda x: x**3 / (T.exp(x) - 1), lambda x: x**3 / mp.expm1(x), POSITIVE[1:]),
    Curve("tanh by exp(x) and exp(-x)", lambda x: (T.exp(x) - T.exp(-x)) / (T.exp(x) + T.exp(-x)), mp.tanh, scale=4.0),
    Curve("log(exp(x) + exp(-x))", lambda x: T.log(T.exp(x) + T.exp(-x)), log_two_cosh),
    Curve("log((exp(x) + exp(-x))/2)", lambda x: T.log((T.exp(x) + T.exp(-x)) / 2),
          lambda x: log_two_cosh(x) - mp.log(2), value_scale=1.0),
    Curve("log(exp(x) + e)", lambda x: T.log(T.exp(x) + number(np.e, x)), lambda x: log_sum(x, mp.mpf(1)),
          value_scale=1.0),
    Curve("log(1 + exp(x) + exp(2*x))", lambda x: T.log(1 + T.exp(x) + T.exp(2 * x)),
          lambda x: log_sum(mp.mpf(0), x, 2 * x), scale=4.0, value_scale=1.0),
    Curve("log(1 + exp(x) + exp(-x))", lambda x: T.log(1 + T.exp(x) + T.exp(-x)),
          lambda x: log_sum(mp.mpf(0), x, -x), scale=4.0, value_scale=1.0),
    Curve("log(exp(x)/(exp(x) + exp(2*x)))", lambda x: T.log(T.exp(x) / (T.exp(x) + T.exp(2 * x))),
          lambda x: -softplus(x)),
    Curve("log(1 + exp(x)**2), half-Cauchy of exp(x)", lambda x: -T.log(1 + T.exp(x) ** 2),
          lambda x: -softplus(2 * x), scale=4.0, value_scale=1.0),
    Curve("logaddexp(x, -x)", lambda x: T.logaddexp(x, -x), log_two_cosh),
    Curve("a mixture of two Gaussians", lambda x: T.log(
              number(0.25, x) * T.exp(-((x - 1) ** 2) / 2) + number(0.75, x) * T.exp(-((x + 2) ** 2) / 2)),
          lambda x: log_sum(mp.log(mp.mpf(1) / 4) - (x - 1) ** 2 / 2, mp.log(mp.mpf(3) / 4) - (x + 2) ** 2 / 2),
          scale=16.0),
    Curve("a mixture of three Gaussians", lambda x: T.log(
              number(0.25, x) * T.exp(-((x - 1) ** 2) / 2) + number(0.5, x) * T.exp(-((x + 2) ** 2) / 2)
              + number(0.25, x) * T.exp(-((x - 4) ** 2) / 2)),
          lambda x: log_sum(mp.log(mp.mpf(1) / 4) - (x - 1) ** 2 / 2, mp.log(mp.mpf(1) / 2) - (x + 2) ** 2 / 2,
                            mp.log(mp.mpf(1) / 4) - (x - 4) ** 2 / 2),
          [x for x in WIDE if abs(x) < 80], scale=256.0),
    Curve("negative binomial, mean exp(x)",
          lambda x: 5 * T.log(T.exp(x) / (T.exp(x) + 3)) + 3 * T.log(3 / (3 + T.exp(x))),
          lambda x: -5 * mp.log1p(3 * mp.exp(-x)) - 3 * mp.log1p(mp.exp(x) / 3), scale=8.0, value_scale=8.0),
    Curve("a mixture with logits", lambda x: T.log(
              T.nnet.sigmoid(x) + (1 - T.nnet.sigmoid(x)) * number(0.125, x)),
          lambda x: mp.log(sig(x) + sig(-x) / 8)),
    Curve("focal loss, exponent 1.5", lambda x: -((1 - T.nnet.sigmoid(x)) ** 1.5) * T.log(T.nnet.sigmoid(x)),
          lambda x: sig(-x) ** mp.mpf(1.5) * softplus(-x)),
]

SPECIAL = [
    Curve("log(0.5*(1 + erf(x)))", lambda x: T.log(0.5 * (1 + T.erf(x))), lambda x: log_half_erfc(-x), NORMAL,
          scale=16.0),
    Curve("log(1 - 0.5*(1 + erf(x)))", lambda x: T.log(1 - 0.5 * (1 + T.erf(x))), log_half_erfc, NORMAL, scale=16.0),
    Curve("log(1 - 0.5*erfc(x))", lambda x: T.log(1 - 0.5 * T.erfc(x)), lambda x: log_half_erfc(-x), NORMAL,
          scale=16.0),
    Curve("log(erf(x + 1) - erf(x))", lambda x: T.log(T.erf(x + 1) - T.erf(x)), lambda x: log_of_interval(x, x + 1),
          WITHIN_60, scale=400.0, value_scale=1.0),
    Curve("log(erfc(x) - erfc(x + 1/8))", lambda x: T.log(T.erfc(x) - T.erfc(x + number(0.125, x))),
          lambda x: log_of_interval(x, x + mp.mpf(0.125)), WITHIN_60, scale=400.0, value_scale=4.0),
    Curve("censored within 1", lambda x: T.log(normal_cdf(x + 1) - normal_cdf(x)),
          lambda x: log_of_interval(x / mp.sqrt(2), (x + 1) / mp.sqrt(2)) - mp.log(2), WITHIN_60, scale=400.0,
          value_scale=1.0),
    Curve("censored on both sides of 0", lambda x: T.log(normal_cdf(2 * x) - normal_cdf(-x)),
          lambda x: log_of_interval(-x / mp.sqrt(2), 2 * x / mp.sqrt(2)) - mp.log(2), [0.3, 1.0, 2.5, 7.3],
          ulp=64.0, scale=16.0),
    Curve("skew normal density", lambda x: T.log(2 * normal_cdf(3 * x) * T.exp(-(x**2) / 2) / number(2.5, x)),
          lambda x: mp.log(2) + log_half_erfc(-3 * x / mp.sqrt(2)) - x * x / 2 - mp.log(mp.mpf(2.5)), WITHIN_60,
          value_scale=1.0, scale=4e4),
    Curve("von Mises density, in one logarithm", lambda x: x * T.cos(number(0.5, x)) - T.log(6 * T.i0(x)),
          lambda x: x * mp.cos(mp.mpf(0.5)) - mp.log(6 * mp.besseli(0, x)), POSITIVE[:-1], scale=4.0, value_scale=4.0),
    Curve("von Mises, concentration x", lambda x: x * T.cos(number(0.5, x)) - T.log(T.i0(x)),
          lambda x: x * mp.cos(mp.mpf(0.5)) - mp.log(mp.besseli(0, x)), POSITIVE[:-1], scale=4.0, value_scale=4.0),
]

HYPERBOLIC = [
    Curve("tanh(x)", T.tanh, mp.tanh),
    Curve("tanh by exp(2x)", lambda x: (T.exp(2 * x) - 1) / (T.exp(2 * x) + 1), mp.tanh, scale=4.0),
    Curve("tanh as 1 - 2/(exp(2x) + 1)", lambda x: 1 - 2 / (T.exp(2 * x) + 1), mp.tanh, scale=4.0),
    Curve("1/cosh(x)", lambda x: 1 / T.cosh(x), lambda x: 1 / mp.cosh(x)),
    Curve("1/cosh(x)**2", lambda x: 1 / T.cosh(x) ** 2, lambda x: 1 / mp.cosh(x) ** 2, scale=2.0),
    Curve("sinh(x)/cosh(x)**2", lambda x: T.sinh(x) / T.cosh(x) ** 2, lambda x: mp.sinh(x) / mp.cosh(x) ** 2,
          scale=4.0),
    Curve("gelu by tanh", lambda x: 0.5 * x * (1 + T.tanh(x)), lambda x: x * sig(2 * x), scale=4.0),
    Curve("1 - tanh(x)", lambda x: 1 - T.tanh(x), lambda x: 2 * sig(-2 * x)),
]

ALGEBRAIC = [
    Curve("sqrt(1 + x**2)", lambda x: T.sqrt(1 + x**2), lambda x: mp.sqrt(1 + x * x)),
    Curve("sqrt(1 + x**2) - 1", lambda x: T.sqrt(1 + x**2) - 1, lambda x: x * x / (mp.sqrt(1 + x * x) + 1)),
    Curve("1/sqrt(1 + x**2)", lambda x: 1 / T.sqrt(1 + x**2), lambda x: 1 / mp.sqrt(1 + x * x)),
    Curve("x/sqrt(1 + x**2)", lambda x: x / T.sqrt(1 + x**2), lambda x: x / mp.sqrt(1 + x * x)),
    Curve("x/(1 + abs(x))", lambda x: x / (1 + abs(x)), lambda x: x / (1 + abs(x)), WIDE[1:], scale=2.0),
    Curve("x*exp(-x)", lambda x: x * T.exp(-x), lambda x: x * mp.exp(-x), [x for x in WIDE if x > -80]),
]

# Where x**2 overflows, x * (1/s) * x / s does not, as derivatives write it: nor may what is made of it.
OVERFLOWING = [
    Curve("sqrt(1 + x**2), huge", lambda x: T.sqrt(1 + x**2), lambda x: mp.sqrt(1 + x * x), SQUARES_OVERFLOW),
    Curve("log(1 + x**2), huge", lambda x: T.log(1 + x**2), lambda x: mp.log1p(x * x), [*WIDE, *SQUARES_OVERFLOW],
          scale=2.0),
    Curve("log1p(x**2), huge", lambda x: T.log1p(x**2), lambda x: mp.log1p(x * x), SQUARES_OVERFLOW),
    Curve("sqrt(1 + x**2) - 1, huge", lambda x: T.sqrt(1 + x**2) - 1, lambda x: mp.sqrt(1 + x * x) - 1,
          SQUARES_OVERFLOW),
    Curve("sqrt(4 + x**2 + (2*x)**2), huge", lambda x: T.sqrt(4 + x**2 + (2 * x) ** 2),
          lambda x: mp.sqrt(4 + 5 * x * x), SQUARES_OVERFLOW),
    Curve("x/sqrt(1 + x**2), huge", lambda x: x / T.sqrt(1 + x**2), lambda x: x / mp.sqrt(1 + x * x),
          SQUARES_OVERFLOW),
    Curve("1/sqrt(1 + x**2), huge", lambda x: 1 / T.sqrt(1 + x**2), lambda x: 1 / mp.sqrt(1 + x * x),
          SQUARES_OVERFLOW),
    Curve("x/(1 + x**2), huge", lambda x: x / (1 + x**2), lambda x: x / (1 + x * x), SQUARES_OVERFLOW,
          value_scale=1.0),
    Curve("Cauchy density, huge", lambda x: 1 / (1 + x**2), lambda x: 1 / (1 + x * x), SQUARES_OVERFLOW,
          value_scale=1.0),
    Curve("exp(-x**2/2), huge", lambda x: T.exp(-(x**2) / 2), lambda x: mp.exp(-x * x / 2), WIDE_AND_HUGE,
          value_scale=1.0),
    Curve("(1 + x**2)**-1.5", lambda x: (1 + x**2) ** -1.5, lambda x: (1 + x * x) ** mp.mpf(-1.5), WIDE_AND_HUGE,
          value_scale=1.0),
    Curve("x**3/(1 + x**2)**1.5", lambda x: x**3 / (1 + x**2) ** 1.5, lambda x: x**3 / (1 + x * x) ** mp.mpf(1.5),
          WIDE_AND_HUGE),
    Curve("x**2/(1 + x**2)", lambda x: x**2 / (1 + x**2), lambda x: x * x / (1 + x * x), WIDE_AND_HUGE),
    Curve("x**2/(2.5 + 3*x**2)", lambda x: x**2 / (number(2.5, x) + 3 * x**2), lambda x: x * x / (2.5 + 3 * x * x),
          WIDE_AND_HUGE),
    Curve("1 - 1/(1 + x**2)", lambda x: 1 - 1 / (1 + x**2), lambda x: x * x / (1 + x * x), WIDE_AND_HUGE),
    Curve("x**3/(1 + x**2)", lambda x: x**3 / (1 + x**2), lambda x: x**3 / (1 + x * x), WIDE_AND_HUGE),
    Curve("log(1 + x**2/3)", lambda x: T.log(1 + x**2 / 3), lambda x: mp.log1p(x * x / 3), WIDE_AND_HUGE, scale=4.0),
    Curve("Cauchy with a scale", lambda x: -T.log(1 + ((x - 1) / 3) ** 2), lambda x: -mp.log1p(((x - 1) / 3) ** 2),
          WIDE_AND_HUGE, scale=4.0, value_scale=1e-2),
    Curve("log(1 + (x - 1)**2/9)", lambda x: T.log(1 + (x - 1) ** 2 / 9), lambda x: mp.log1p((x - 1) ** 2 / 9),
          WIDE_AND_HUGE, scale=4.0, value_scale=1e-2),
    Curve("log(4 + x**2)", lambda x: T.log(4 + x**2), lambda x: mp.log(4 + x * x), WIDE_AND_HUGE, scale=4.0),
    Curve("pseudo-Huber loss", lambda x: 4 * (T.sqrt(1 + (x / 2) ** 2) - 1), lambda x: 4 * (mp.sqrt(1 + x * x / 4) - 1),
          WIDE_AND_HUGE),
    Curve("log(x + sqrt(1 + x**2))", lambda x: T.log(x + T.sqrt(1 + x**2)), mp.asinh, WIDE_AND_HUGE),
    Curve("x + sqrt(1 + x**2)", lambda x: x + T.sqrt(1 + x**2),
          lambda x: x + mp.sqrt(1 + x * x) if x > 0 else 1 / (mp.sqrt(1 + x * x) - x), WIDE_AND_HUGE),
    Curve("1 - x/sqrt(1 + x**2)", lambda x: 1 - x / T.sqrt(1 + x**2), lambda x: 1 - x / mp.sqrt(1 + x * x),
          [x for x in WIDE_AND_HUGE if abs(x) < 1e75]),
]

# 0/0 at 0: the derivatives are sums whose terms have poles there. exp(x) - 1 - x is 0 to the second order itself.
NEAR = [sign * x for x in (1e-100, 1e-30, 1e-15, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 0.6, 1.0, 2.5)
        for sign in (1, -1)]
NEAR_WITH_SQUARES = [x for x in NEAR if abs(x) > 1e-18]

QUOTIENTS_NEAR_ZERO = [
    Curve("(exp(x) - 1)/x", lambda x: (T.exp(x) - 1) / x, lambda x: mp.expm1(x) / x, NEAR),
    Curve("(1 - exp(-x))/x", lambda x: (1 - T.exp(-x)) / x, lambda x: -mp.expm1(-x) / x, NEAR),
    Curve("log1p(x)/x", lambda x: T.log1p(x) / x, lambda x: mp.log1p(x) / x, [x for x in NEAR if x > -0.9]),
    Curve("sin(x)/x", lambda x: T.sin(x) / x, lambda x: mp.sin(x) / x, NEAR),
    Curve("sin(3*x)/x", lambda x: T.sin(3 * x) / x, lambda x: mp.sin(3 * x) / x, NEAR, scale=27.0),
    Curve("sinh(x)/x", lambda x: T.sinh(x) / x, lambda x: mp.sinh(x) / x, NEAR),
    Curve("tanh(x)/x", lambda x: T.tanh(x) / x, lambda x: mp.tanh(x) / x, NEAR),
    Curve("arctan(x)/x", lambda x: T.arctan(x) / x, lambda x: mp.atan(x) / x, NEAR),
    Curve("x/(exp(x) - 1)", lambda x: x / (T.exp(x) - 1), lambda x: x / mp.expm1(x), NEAR),
    Curve("x/sinh(x)", lambda x: x / T.sinh(x), lambda x: x / mp.sinh(x), NEAR),
    Curve("coth(x) - 1/x", lambda x: 1 / T.tanh(x) - 1 / x, lambda x: 1 / mp.tanh(x) - 1 / x, NEAR),
    Curve("cosh(x)/sinh(x) - 1/x", lambda x: T.cosh(x) / T.sinh(x) - 1 / x, lambda x: 1 / mp.tanh(x) - 1 / x, NEAR),
    Curve("x*coth(x)", lambda x: x / T.tanh(x), lambda x: x / mp.tanh(x), NEAR),
    Curve("1/x - 1/sinh(x)", lambda x: 1 / x - 1 / T.sinh(x), lambda x: 1 / x - 1 / mp.sinh(x), NEAR),
    Curve("1/x - 1/(exp(x) - 1)", lambda x: 1 / x - 1 / (T.exp(x) - 1), lambda x: 1 / x - 1 / mp.expm1(x), NEAR),
    Curve("log(sinh(x)/x)", lambda x: T.log(T.sinh(x) / x), lambda x: mp.log(mp.sinh(x) / x), NEAR, value_scale=1.0),
    Curve("Nelson-Siegel curve", lambda x: (1 - T.exp(-x)) / x - T.exp(-x),
          lambda x: -mp.expm1(-x) / x - mp.exp(-x), NEAR),
    Curve("spherical Bessel function", lambda x: T.sin(x) / x**2 - T.cos(x) / x,
          lambda x: mp.sin(x) / x**2 - mp.cos(x) / x, NEAR),
    Curve("Debye function of a coil", lambda x: 2 * (T.exp(-x) - 1 + x) / x**2,
          lambda x: 2 * (mp.expm1(-x) + x) / x**2, NEAR_WITH_SQUARES),
    Curve("(x/sinh(x))**2", lambda x: (x / T.sinh(x)) ** 2, lambda x: (x / mp.sinh(x)) ** 2, NEAR),
    Curve("x**2*exp(x)/(exp(x) - 1)**2", lambda x: x**2 * T.exp(x) / (T.exp(x) - 1) ** 2,
          lambda x: x**2 * mp.exp(x) / mp.expm1(x) ** 2, NEAR_WITH_SQUARES),
    Curve("1/x**2 - 1/sin(x)**2", lambda x: 1 / x**2 - 1 / T.sin(x) ** 2, lambda x: 1 / x**2 - 1 / mp.sin(x) ** 2,
          NEAR_WITH_SQUARES, scale=4.0),
    Curve("1/x - 1/tan(x)", lambda x: 1 / x - 1 / T.tan(x), lambda x: 1 / x - 1 / mp.tan(x), NEAR),
    Curve("tan(x)/x", lambda x: T.tan(x) / x, lambda x: mp.tan(x) / x, [x for x in NEAR if abs(x) < 1.5], scale=16.0),
    Curve("(1 - cos(x))/x", lambda x: (1 - T.cos(x)) / x, lambda x: (1 - mp.cos(x)) / x, NEAR_WITH_SQUARES),
    Curve("(1 - cos(x))/x**2", lambda x: (1 - T.cos(x)) / x**2, lambda x: (1 - mp.cos(x)) / x**2, NEAR_WITH_SQUARES),
    Curve("(exp(x) - 1 - x)/x**2", lambda x: (T.exp(x) - 1 - x) / x**2, lambda x: (mp.expm1(x) - x) / x**2,
          NEAR_WITH_SQUARES),
]

CURVES = [
    *QUOTIENTS_NEAR_ZERO, *OVERFLOWING, *SIGMOIDS, *LOGARITHMS, *LIKELIHOODS, *SUMS_OF_EXPONENTIALS, *SPECIAL,
    *HYPERBOLIC, *ALGEBRAIC,
]
