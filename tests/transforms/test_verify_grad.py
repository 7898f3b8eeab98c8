"""numeric_grad and verify_grad: right gradients pass, wrong ones do not."""

import numpy as np
import pytest

import theano.tensor as T
from theano.gradient import GradientError, mode_not_slow, numeric_grad, verify_grad
from theano.graph.node import Apply
from theano.graph.op import Op


@pytest.fixture
def rng():
    return np.random.RandomState(42)


class Squares(Op):
    """x², with a gradient that is `factor` times right."""

    __props__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, storage):
        storage[0][0] = inputs[0] ** 2

    def L_op(self, inputs, outputs, gradients):
        return [gradients[0] * inputs[0] * (2 * self.factor)]

    def infer_shape(self, node, shapes):
        return shapes


def test_a_right_gradient_passes(rng):
    verify_grad(Squares(1.0), [rng.rand(2, 3)], rng=rng)
    verify_grad(lambda x, y: T.dot(x, y), [rng.rand(2, 3), rng.rand(3, 2)], rng=rng)
    verify_grad(T.tanh, [np.float32(rng.rand(3))], rng=rng)
    verify_grad(T.exp, [rng.rand(2)], rng=np.random.default_rng(1))


def test_empty_and_0d(rng):
    verify_grad(T.exp, [np.zeros((0, 3))], rng=rng)
    verify_grad(T.exp, [np.array(0.5)], rng=rng)


@pytest.mark.parametrize("factor", [0.99, -1.0, np.nan])
def test_a_wrong_gradient_is_found(rng, factor):
    with pytest.raises(GradientError) as caught:
        verify_grad(Squares(factor), [rng.rand(2, 3) + 0.5], rng=rng)
    assert caught.value.arg == 0
    assert caught.value.shape == (2, 3)
    assert "finite differences" in str(caught.value)
    with pytest.raises(verify_grad.E_grad):
        verify_grad(Squares(factor), [rng.rand(2) + 0.5], rng=rng)


def test_the_wrong_argument_is_named(rng):
    with pytest.raises(GradientError) as caught:
        verify_grad(lambda x, y: x * Squares(0.5)(y), [rng.rand(2), rng.rand(2)], rng=rng)
    assert caught.value.arg == 1


def test_mistakes(rng):
    with pytest.raises(TypeError, match="rng"):
        verify_grad(T.exp, [rng.rand(2)])
    with pytest.raises(TypeError, match="list"):
        verify_grad(T.exp, rng.rand(2), rng=rng)
    with pytest.raises(TypeError, match="int64"):
        verify_grad(T.exp, [np.arange(3)], rng=rng)
    with pytest.raises(NotImplementedError):
        verify_grad(lambda x: [x, x], [rng.rand(2)], rng=rng)


def test_numeric_grad(rng):
    at = rng.rand(3)
    numeric = numeric_grad(lambda x, y: float((x**2).sum() + 3 * y), [at, np.array(2.0)])
    np.testing.assert_allclose(numeric.gf[0], 2 * at, atol=1e-5)
    np.testing.assert_allclose(numeric.gf[1], 3, atol=1e-5)
    assert numeric_grad(lambda x: (x**2).sum(), at).gf.shape == (3,)
    argument, position, absolute, relative = numeric.max_err([2 * at + [0, 1, 0], np.array(3.0)], 1e-4, 1e-4)
    assert (argument, position) == (0, 1)
    assert absolute == pytest.approx(1, abs=1e-4)
    assert 0 < relative < 1
    with pytest.raises(ValueError, match="number"):
        numeric.max_err([at], 1, 1)
    with pytest.raises(ValueError, match="shape"):
        numeric.max_err([at[:2], np.array(3.0)], 1, 1)
    with pytest.raises(ValueError, match="scalar"):
        numeric_grad(lambda x: x, at)
    with pytest.raises(TypeError, match="float"):
        numeric_grad(lambda x: x.sum(), np.arange(3))
    absolute, relative = numeric_grad.abs_rel_err(np.array(1.0), np.array(3.0))
    assert (absolute, relative) == (2, 0.5)


def test_the_argument_is_not_changed():
    at = np.array([1.0, 2.0])
    numeric_grad(lambda x: x.sum(), at)
    np.testing.assert_array_equal(at, [1, 2])


def test_mode_not_slow():
    assert mode_not_slow("DebugMode") == "FAST_RUN"
    assert mode_not_slow("reference") == "reference"
    assert mode_not_slow(None) is None
