"""The list of optimisations, row by row: numerical stability, networks' functions, and what the original got wrong."""

from __future__ import annotations

import mpmath
import numpy as np
from optimised_rows import A, Row, a, b, c, check_row, i, j, row, rows, x, y, z

import theano
import theano.tensor as T

POINTS = [0.5, 3.0, 30.0, -2.0, 1.0, 100.0]
sigmoid, softplus, softmax = T.nnet.sigmoid, T.nnet.softplus, T.nnet.softmax

STABLE = rows(
    Row("log of 1 + x", lambda: [T.log(1 + x), T.log(1 - x / 2)], "log1p(x); log1p(neg(true_div(x, 2)))"),
    Row("exp minus 1", lambda: [T.exp(x) - 1, -1 + T.exp(x)], "expm1(x); expm1(x)"),
    Row("log1p of an exponential", lambda: [T.log1p(T.exp(x)), T.log1p(-T.exp(-x))],
        "softplus(x); log1mexp(neg(x))"),
    Row("log of minus expm1", lambda: T.log(-T.expm1(-x)), "log1mexp(neg(x))"),
    Row("log of a difference of exponentials", lambda: T.log(T.exp(x + 3) - T.exp(y)),
        "add(add(x, 3), log1mexp(switch(eq(add(x, 3), y), 0.0, sub(y, add(x, 3)))))"),
    Row("log of a sum of exponentials", lambda: [T.log(T.exp(x) + T.exp(y)), T.log(T.exp(x) + T.exp(y) + T.exp(z))],
        "logaddexp(x, y); logaddexp(logaddexp(x, y), z)"),
    Row("log of a sum of exponentials along an axis", lambda: T.log(T.exp(A).sum(axis=0)),
        "LogSumExp{axis=(0,)}(A)", without="fusion"),
    Row("log of a sigmoid", lambda: T.log(sigmoid(x)), "neg(softplus(neg(x)))"),
    Row("log of 1 - sigmoid", lambda: T.log(1 - sigmoid(x)), "neg(softplus(x))"),
    Row("log1p of minus a sigmoid", lambda: T.log1p(-sigmoid(x)), "neg(softplus(x))"),
    Row("softplus of a number, and its opposite nowhere", lambda: softplus(T.alloc(3.0, i, j)) - a,
        "Alloc(sub(3.0485873, a), i, j)"),
    Row("1 - sigmoid", lambda: 1 - sigmoid(x), "sigmoid(neg(x))"),
    Row("exp over 1 + exp", lambda: [T.exp(x) / (1 + T.exp(x)), a / (1 + T.exp(x))],
        "sigmoid(x); mul(DimShuffle{x}(a), sigmoid(neg(x)))"),
    Row("1 over 1 + exp", lambda: 1 / (1 + T.exp(x)), "sigmoid(neg(x))"),
    Row("exp times sigmoid", lambda: [T.exp(x) * sigmoid(-x), y * T.exp(-x) * z * sigmoid(x)],
        "sigmoid(x); mul(y, z, sigmoid(neg(x)))"),
    Row("1 + erf", lambda: 1 + T.erf(x), "erfc(neg(x))"),
    Row("1 - erf, in all spellings", lambda: [1 - T.erf(x), 1 + (-1) * T.erf(x), 1 + (-T.erf(x)), -T.erf(x) + 1],
        "erfc(x); erfc(x); erfc(x); erfc(x)"),
    Row("erf - 1", lambda: T.erf(x) - 1, "neg(erfc(x))"),
    Row("1 - erfc, in all spellings", lambda: [1 - T.erfc(x), 1 + (-1) * T.erfc(x), -T.erfc(x) + 1],
        "erf(x); erf(x); erf(x)"),
    Row("erfc of -x, minus 1", lambda: [T.erfc(-x) - 1, -1 + T.erfc(-1 * x)], "erf(x); erf(x)"),
    Row("log of erfc", lambda: T.log(T.erfc(x)), rules="log_of_erfc", at={"x": POINTS},
        right=[float(mpmath.log(mpmath.erfc(p))) for p in POINTS]),
    Row("gradient of log erfc", lambda: theano.grad(T.log(T.erfc(x)).sum(), x), lacks="erfc", at={"x": POINTS},
        right=[float(-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-mpmath.mpf(p) ** 2) / mpmath.erfc(p)) for p in POINTS]),
    Row("log of scaled Bessel functions", lambda: T.log(T.iv(2.0, x)),
        "switch(gt(abs_(x), 50.0), add(log(ive(2.0, x)), abs_(x)), log(iv(2.0, minimum(maximum(x, -50.0), "
        "50.0))))"),
    Row("a factor of a masked value", lambda: y * T.switch(x > 1, 0.0, z), "switch(gt(x, 1), 0.0, mul(y, z))"),
    Row("a divisor of a masked value", lambda: T.switch(x > 1, 0.0, z) / y,
        "switch(gt(x, 1), 0.0, true_div(z, y))"),
    Row("log of softmax", lambda: T.log(softmax(A)), "LogSoftmax{axis=(1,)}(A)", without="fusion"),
    Row("gradient of log of softmax", lambda: theano.grad(T.log(softmax(A))[0, 1], A),
        has="Softmax", lacks="log", without="fusion"),
    Row("softmax by exponentials, any axis", lambda: T.exp(A) / T.exp(A).sum(axis=0, keepdims=True),
        "Softmax{axis=(0,)}(A)", without="fusion"),
    Row("exp of log softmax", lambda: T.exp(T.nnet.logsoftmax(A)), "Softmax{axis=(1,)}(A)", without="fusion"),
    Row("log softmax by logsumexp", lambda: A - T.nnet.logsumexp(A, axis=1, keepdims=True),
        "LogSoftmax{axis=(1,)}(A)", without="fusion"),
    Row("log of a product along an axis", lambda: T.log(T.prod(A**2 + 1, axis=1)), "Sum{axis=[1]}(log1p(sqr(A)))",
        without="log1p_of_square"),
)  # fmt: skip


@STABLE
def test_stability(row: Row) -> None:
    check_row(row)


NETWORKS = rows(
    Row("softmax with bias", lambda: T.nnet.softmax_with_bias(A, x),
        "Softmax{axis=(1,)}(add(A, DimShuffle{x,0}(x)))", without="fusion"),
    Row("cross-entropy of softmax with bias",
        lambda: T.nnet.crossentropy_softmax_1hot_with_bias(A, x, T.arange(5))[0],
        "checked(neg(AdvancedSubtensor{array, array}(LogSoftmax{axis=(1,)}(add(A, DimShuffle{x,0}(x))), "
        "[0, 1, 2, 3, 4], ClassNumbers([0, 1, 2, 3, 4], 5))))", without="fusion"),
    Row("cross-entropy of softmax", lambda: T.nnet.categorical_crossentropy(softmax(A), T.arange(5)),
        "checked(neg(AdvancedSubtensor{array, array}(LogSoftmax{axis=(1,)}(A), [0, 1, 2, 3, 4], "
        "ClassNumbers([0, 1, 2, 3, 4], 5))))", without="fusion"),
    Row("its gradient", lambda: theano.grad(T.nnet.categorical_crossentropy(softmax(A), T.arange(5)).mean(), A),
        "checked(AdvancedIncSubtensor{inc;array, array}(mul(0.2, Softmax{axis=(1,)}(A)), "
        "[-0.2, -0.2, -0.2, -0.2, -0.2], [0, 1, 2, 3, 4], ClassNumbers([0, 1, 2, 3, 4], 5)))", without="fusion"),
    Row("selected logarithms of softmax", lambda: -T.log(softmax(A))[T.arange(5), T.arange(5)],
        "neg(AdvancedSubtensor{array, array}(LogSoftmax{axis=(1,)}(A), [0, 1, 2, 3, 4], [0, 1, 2, 3, "
        "4]))", without="fusion"),
    Row("logarithms of selected softmax", lambda: T.log(softmax(A)[T.arange(5), T.arange(5)]),
        "AdvancedSubtensor{array, array}(LogSoftmax{axis=(1,)}(A), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4])",
        without="fusion"),
    Row("argmax of softmax", lambda: T.argmax(softmax(A), axis=1), "Argmax{axis=[1]}(A)"),
    Row("argmax of increasing functions",
        lambda: [T.argmax(T.exp(x)), T.argmax(sigmoid(x)), T.argmax(T.tanh(x)), T.argmax(softplus(x))],
        "Argmax(x); Argmax(x); Argmax(x); Argmax(x)"),
    Row("one softmax for all", lambda: [softmax(A), T.nnet.categorical_crossentropy(softmax(A), T.arange(5))],
        "checked(Softmax{axis=(1,)}(A)); neg(AdvancedSubtensor{array, array}(LogSoftmax{axis=(1,)}(A), [0, "
        "1, 2, 3, 4], ClassNumbers([0, 1, 2, 3, 4], 5)))", without="fusion"),
    Row("cross-entropy of a sigmoid", lambda: T.nnet.binary_crossentropy(sigmoid(x), y),
        "add(mul(y, add(maximum(neg(x), 0.0), log1p(exp(neg(abs_(x)))))), mul(sub(1, y), add(maximum(x, "
        "0.0), log1p(exp(neg(abs_(x)))))))"),
    Row("batch normalisation is elementwise",
        lambda: T.nnet.bn.batch_normalization_test(A, row, row, row, T.exp(row), axes="per-activation"),
        "add(mul(sub(A, row), true_div(row, sqrt(add(exp(row), 0.0001)))), row)"),
)  # fmt: skip


@NETWORKS
def test_networks(row: Row) -> None:
    check_row(row)


inf, nan = np.inf, np.nan
# section A of the list: what the original computes wrongly
WEAK = rows(
    Row("logsumexp of -inf", lambda: T.log(T.exp(x).sum()), at={"x": [-inf, -inf]}, right=-inf),
    Row("logsumexp with inf", lambda: T.log(T.exp(x).sum()), at={"x": [1.0, inf]}, right=inf),
    Row("gradient of logsumexp", lambda: theano.grad(T.log(T.exp(x).sum()), x), at={"x": [1000.0, 999.0]},
        right=[0.7310585786300049, 0.2689414213699951]),
    Row("softmax along the first axis", lambda: T.exp(A) / T.exp(A).sum(axis=0),
        at={"A": [[1000.0, 0.0], [999.0, 0.0]]},
        right=[[0.7310585786300049, 0.5], [0.2689414213699951, 0.5]]),
    Row("logmeanexp", lambda: T.log(T.exp(x).mean()), at={"x": [1000.0, 1000.0]}, right=1000.0),
    Row("logaddexp of -inf", lambda: T.log(T.exp(x) + T.exp(y)), at={"x": [-inf], "y": [-inf]}, right=[-inf]),
    Row("logaddexp of three", lambda: T.log(T.exp(a) + T.exp(b) + T.exp(c)),
        at={"a": 1000.0, "b": 1000.0, "c": 1000.0},
        right=1001.0986122886682),
    Row("the share of an exponential", lambda: T.exp(a) / (T.exp(a) + T.exp(b)), at={"a": 1000.0, "b": 999.0},
        right=0.7310585786300049),
    Row("opposite exponents", lambda: T.exp(a) * T.exp(b), at={"a": 1000.0, "b": -1000.0}, right=1.0),
    Row("log and log2 of exp", lambda: T.log(T.exp(a)) + T.log2(T.exp(a)),
        at={"a": 1000.0}, right=2442.6950408889634),
    Row("log of 1 - exp", lambda: T.log(1 - T.exp(a)), at={"a": -1e-20}, right=-46.051701859880914),
    Row("logdiffexp", lambda: T.log(T.exp(a) - T.exp(b)), at={"a": 1000.0, "b": 999.0}, right=999.5413248546129),
    Row("1 - sigmoid, far out", lambda: 1 - sigmoid(a), at={"a": 40.0}, right=4.248354255291589e-18),
    Row("softplus minus x", lambda: softplus(a) - a, at={"a": 40.0}, right=4.248354255291589e-18),
    Row("log10 of 1 + x", lambda: T.log10(1 + a), at={"a": 1e-20}, right=4.342944819032518e-21),
    Row("log of a product out of range", lambda: T.log(a * b),
        at={"a": 1e200, "b": 1e200}, right=921.0340371976183),
    Row("log of a power out of range", lambda: T.log(a**3), at={"a": 1e200}, right=1381.5510557964274),
    Row("log of a product of many", lambda: T.log(T.prod(x)), at={"x": [1e200, 1e200]}, right=921.0340371976183),
    Row("log of a determinant", lambda: T.log(T.nlinalg.det(A)),
        at={"A": 1e200 * np.eye(2)}, right=921.0340371976183),
    Row("log of cosh", lambda: T.log(T.cosh(a)), at={"a": 800.0}, right=799.30685281944),
    Row("tanh by exponentials", lambda: (T.exp(a) - T.exp(-a)) / (T.exp(a) + T.exp(-a)),
        at={"a": 800.0}, right=1.0),
    Row("the root of a sum of squares", lambda: T.sqrt(a**2 + b**2),
        at={"a": 1e200, "b": 1e200}, right=1.4142135623730951e200),
    Row("the root of 1 + x, minus 1", lambda: T.sqrt(1 + a) - 1, at={"a": 1e-20}, right=5e-21),
    Row("1 - cos", lambda: (1 - T.cos(a)) / a**2, at={"a": 1e-8}, right=0.5),
    Row("x log x at 0", lambda: a * T.log(a), at={"a": 0.0}, right=0.0),
    Row("arccosh of cosh of something negative", lambda: T.arccosh(T.cosh(a)), at={"a": -1.0}, right=1.0),
    Row("arccosh of cosh, far out and near", lambda: T.arccosh(T.cosh(x)),
        at={"x": [-800.0, 1e-9]}, right=[800.0, 1e-9]),
    Row("tanh of arctanh outside of the domain", lambda: T.tanh(T.arctanh(a)), at={"a": 2.0}, right=nan),
    Row("logaddexp near 0", lambda: T.log(T.exp(a) + T.exp(b)),
        at={"a": 0.0, "b": -40.0}, right=4.248354255291589e-18),
    Row("logsumexp near 0, to an eps of 1", lambda: 1 + T.log(T.exp(x).sum()), at={"x": [0.0, -40.0]}, right=1.0,
        close=2.3e-16),
)  # fmt: skip


@WEAK
def test_weak_points_of_the_original(row: Row) -> None:
    check_row(row)
