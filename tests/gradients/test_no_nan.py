"""Classic expressions whose value and gradient are finite although a part of them is not."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.gradient import grad
from theano.graph.evaluate import evaluate
from theano.scalar import xlogy0
from theano.tensor import nnet

INF = np.inf


def where(condition, x, y):
    return T.switch(condition, x, y)


def safe_norm(x):
    total = T.sum(T.sqr(x))
    return where(T.gt(total, 0), T.sqrt(total), 0)


# name: (function of a vector, point, value, gradient of the sum)
CASES = {
    "sqrt_of_positive": (lambda x: where(x > 0, T.sqrt(x), 0), [0, -1, 4], [0, 0, 2], [0, 0, 0.25]),
    "log_of_positive": (lambda x: where(x > 0, T.log(x), 0), [0, -1, 2], [0, 0, np.log(2)], [0, 0, 0.5]),
    "x_log_x": (lambda x: where(x > 0, x * T.log(x), 0), [0, 1], [0, 0], [0, 1]),
    "entropy": (lambda x: -T.sum(where(T.gt(x, 0), x * T.log(x), 0)), [0, 1], 0, [0, -1]),
    "inverse": (lambda x: where(T.neq(x, 0), 1 / x, 0), [0, 2], [0, 0.5], [0, -0.25]),
    "exp_below": (lambda x: where(x < 5, T.exp(x), 0), [0, 1000], [1, 0], [1, 0]),
    "sinc": (lambda x: where(T.eq(x, 0), 1, T.sin(x) / x), [0, np.pi], [1, 0], [0, -1 / np.pi]),
    "sign_by_quotient": (lambda x: where(T.neq(x, 0), abs(x) / x, 0), [0, -3], [0, -1], [0, 0]),
    "arcsin_inside": (lambda x: where(x < 1, T.arcsin(x), 0), [1, 2, 0], [0, 0, 0], [0, 0, 1]),
    "arccos_inside": (lambda x: where(abs(x) < 1, T.arccos(x), 0), [1, -1], [0, 0], [0, 0]),
    "arctanh_inside": (lambda x: where(abs(x) < 1, T.arctanh(x), 0), [1, 0], [0, 0], [0, 1]),
    "arccosh_inside": (lambda x: where(x > 1, T.arccosh(x), 0), [1, 0], [0, 0], [0, 0]),
    "power": (lambda x: where(x > 0, x**0.5, 0), [0, 4], [0, 2], [0, 0.25]),
    "quotient_of_roots": (lambda x: where(x > 0, x / T.sqrt(x), 0), [0, 4], [0, 2], [0, 0.25]),
    "log1p_inside": (lambda x: where(x > -1, T.log1p(x), 0), [-1, 0], [0, 0], [0, 1]),
    "chain_of_three": (lambda x: where(x > 0, T.log(T.sqrt(x) * 2) ** 2, 0), [0, 0.25], [0, 0], [0, 0]),
    "nested": (
        lambda x: where(x > 0, where(x < 9, T.sqrt(x) * T.sqrt(9 - x), 0), 0), [0, 9, 4.5], [0, 0, 4.5], [0, 0, 0],
    ),
    "other_branch": (lambda x: where(x <= 0, 0, T.log(x)), [0, 1], [0, 0], [0, 1]),
    "two_branches": (lambda x: where(x > 0, T.log(x), T.sqrt(-x)), [1, -4], [0, 2], [1, -0.25]),
    "two_uses_of_one_mask": (
        lambda x: where(x > 0, T.sqrt(x) * T.sqrt(x) + T.log(x), 0), [0, 1], [0, 1], [0, 2],
    ),
    "mask_and_sum": (lambda x: T.sum(where(x > 0, T.sqrt(x), 0)) ** 2, [0, 4], 4, [0, 1]),
    "safe_norm": (safe_norm, [0, 0], 0, [0, 0]),
    "safe_norm_elsewhere": (safe_norm, [3, 4], 5, [0.6, 0.8]),
    "mask_outside_of_a_sum": (
        lambda x: where(T.gt(x[1], 5), T.sum(T.sqrt(x)), 0), [0, 4], 0, [0, 0],
    ),
    "mask_with_broadcasting": (
        lambda x: where(T.gt(x.dimshuffle("x", 0), np.array([[0.0], [1.0]])), T.sqrt(x), 0),
        [0, 1], [[0, 1], [0, 0]], [0, 0.5],
    ),
    "mask_on_a_transpose": (
        lambda x: where(T.gt(x.dimshuffle(0, "x"), 0), T.sqrt(x.dimshuffle("x", 0)).T, 0),
        [0, 4], [[0], [2]], [0, 0.25],
    ),
    "slice_of_a_product": (lambda x: (2 * T.sqrt(x) / 4)[1:], [0, 4], [1], [0, 0.125]),
    "slice_of_root": (lambda x: T.sqrt(x)[1:], [0, 4], [2], [0, 0.25]),
    "element_of_log": (lambda x: T.log(x)[1], [0, 4], np.log(4), [0, 0.25]),
    "rows_of_log": (lambda x: T.log(x)[np.array([1, 1])], [0, 4], [np.log(4)] * 2, [0, 0.5]),
    "masked_log": (lambda x: T.log(x)[T.gt(x, 0)], [0, 4], [np.log(4)], [0, 0.25]),
    "square_at_zero": (lambda x: x**2, [0, -1], [0, 1], [0, -2]),
    "power_zero": (lambda x: x**0, [0, 2], [1, 1], [0, 0]),
    "power_one": (lambda x: x**1.0, [0, 2], [0, 2], [1, 1]),
    "product_with_zero": (lambda x: T.prod(x), [0, 2, 3], 0, [6, 0, 0]),
    "product_with_zeros": (lambda x: T.prod(x), [0, 0, 3], 0, [0, 0, 0]),
    "cumulative_product": (lambda x: T.cumprod(x), [2, 0, 3], [2, 0, 0], [1, 8, 0]),
    "sigmoid_far_out": (nnet.sigmoid, [-1000, 1000], [0, 1], [0, 0]),
    "softplus_far_out": (nnet.softplus, [-1000, 1000], [0, 1000], [0, 1]),
    "tanh_far_out": (T.tanh, [-1000, 1000], [-1, 1], [0, 0]),
    "arctan2_on_the_axis": (lambda x: T.arctan2(x, -1), [0.0, 1], [np.pi, 3 * np.pi / 4], [-1, -0.5]),
    "logsumexp_with_minus_infinity": (lambda x: nnet.logsumexp(x), [-INF, 0], 0, [0, 1]),
    "logsumexp_of_minus_infinities": (lambda x: nnet.logsumexp(x), [-INF, -INF], -INF, [1, 1]),
    "softmax_with_minus_infinity": (lambda x: nnet.softmax(x)[0, 1], [-INF, 0, 0], 0.5, [0, 0.25, -0.25]),
    "logsoftmax_far_out": (lambda x: nnet.logsoftmax(x)[0, 1], [1e4, 0], -1e4, [-1, 1]),
    "xlogy_at_zero": (lambda x: xlogy0(np.array([0.0, 2.0]), x), [0, 1], [0, 0], [0, 2]),
    "clip_of_log": (lambda x: T.clip(T.log(T.maximum(x, 1e-3)), -1, 1), [0, 1], [-1, 0], [0, 1]),
    "gammaln_of_positive": (lambda x: where(x > 0, T.gammaln(x), 0), [0, 1], [0, 0], [0, -0.5772156649015329]),
    "expm1_quotient": (lambda x: where(T.eq(x, 0), 1, T.expm1(x) / x), [0, 1], [1, np.e - 1], [0, 1]),
}


@pytest.fixture(scope="module", params=["reference", "FAST_RUN", "FAST_COMPILE"])
def mode(request):
    return request.param


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_finite(name, mode):
    function, point, expected, expected_gradient = CASES[name]
    x = T.dvector("x")
    y = function(x)
    g = grad(T.sum(y), x)
    compiled = theano.function([x], [y, g], mode=mode)
    value, gradient = compiled(np.asarray(point, "float64"))
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["sqrt_of_positive", "log_of_positive", "x_log_x", "inverse", "square_at_zero"])
def test_second_derivatives_are_finite(name):
    function, point, _, _ = CASES[name]
    x = T.dvector("x")
    second = grad(T.sum(grad(T.sum(function(x)), x)), x)
    assert np.isfinite(evaluate([second], {x: np.asarray(point, "float64")})[0]).all()


# the value itself needs the compiler's help here
STABILISED = {
    "log_of_softmax": (lambda x: T.log(nnet.softmax(x))[0, 1], [1e4, 0], -1e4, [-1, 1]),
    "log_of_sigmoid": (lambda x: T.log(nnet.sigmoid(x)), [-1000, 1000], [-1000, 0], [1, 0]),
    "log_of_one_minus_sigmoid": (lambda x: T.log(1 - nnet.sigmoid(x)), [-1000, 1000], [0, -1000], [0, -1]),
    "softplus_by_hand": (lambda x: T.log(1 + T.exp(x)), [-1000, 1000], [0, 1000], [0, 1]),
    "logsumexp_by_hand": (lambda x: T.log(T.sum(T.exp(x))), [1000, 0], 1000, [1, 0]),
    "sigmoid_by_hand": (lambda x: 1 / (1 + T.exp(-x)), [-1000, 1000], [0, 1], [0, 0]),
    "weighted_softmax_by_hand": (
        lambda x: T.sum(T.exp(x) / T.sum(T.exp(x)) * np.array([0.0, 1.0])), [1000, 1000], 0.5, [-0.25, 0.25]),
    "softmax_by_hand": (lambda x: (T.exp(x) / T.sum(T.exp(x)))[1], [1000, 1000], 0.5, [-0.25, 0.25]),
}


@pytest.mark.parametrize("name", STABILISED)
def test_stabilised_by_rewriting(name):
    function, point, expected, expected_gradient = STABILISED[name]
    x = T.dvector("x")
    y = function(x)
    value, gradient = theano.function([x], [y, grad(T.sum(y), x)])(np.asarray(point, "float64"))
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-12, atol=1e-12)
