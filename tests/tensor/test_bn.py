"""theano.tensor.nnet batch normalisation: formulas, running averages, layouts of parameters, gradients, refusals."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree

import theano
import theano.tensor as T
from theano.gradient import grad
from theano.graph.evaluate import evaluate
from theano.tensor import nnet
from theano.tensor.nnet import bn

AXES = {"per-activation": (0,), "spatial": (0, 2, 3), (1, 3): (1, 3), -1: (3,)}


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def trained(x, gamma, beta, axes, epsilon=1e-4):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    invstd = 1 / np.sqrt(var + epsilon)
    return (x - mean) * invstd * gamma + beta, mean, invstd


def parameter_shape(x, axes):
    return tuple(1 if k in axes else n for k, n in enumerate(x.shape))


@pytest.mark.parametrize("axes", AXES, ids=str)
class Test_over_axes:
    def test_training(self, axes):
        x = normal(4, 3, 5, 2) * 3 + 1
        shape = parameter_shape(x, AXES[axes])
        gamma, beta = normal(*shape), normal(*shape, seed=1)
        agree(
            lambda a, b, c: list(nnet.batch_normalization_train(a, b, c, axes)),
            lambda a, b, c: list(trained(a, b, c, AXES[axes])), x, gamma, beta, modes=MODES,
        )  # fmt: skip

    def test_parameters_without_the_axes(self, axes):
        x = normal(4, 3, 5, 2)
        shape = parameter_shape(x, AXES[axes])
        gamma, beta = normal(*shape), normal(*shape, seed=1)
        short = [p.reshape([n for k, n in enumerate(shape) if k not in AXES[axes]]) for p in (gamma, beta)]
        out, mean, invstd = trained(x, gamma, beta, AXES[axes])
        agree(
            lambda a, b, c: list(nnet.batch_normalization_train(a, b, c, axes)),
            lambda a, b, c: [out, mean.reshape(short[0].shape), invstd.reshape(short[0].shape)], x, *short,
        )  # fmt: skip

    def test_testing(self, axes):
        x = normal(4, 3, 5, 2)
        shape = parameter_shape(x, AXES[axes])
        gamma, beta, mean, var = (normal(*shape, seed=k) for k in range(4))
        var = var**2
        agree(
            lambda *v: nnet.batch_normalization_test(*v, axes, 0.01),
            lambda x, g, b, m, v: (x - m) / np.sqrt(v + 0.01) * g + b, x, gamma, beta, mean, var, modes=MODES,
        )  # fmt: skip

    def test_derivatives(self, axes):
        x = normal(3, 2, 2, 2)
        shape = parameter_shape(x, AXES[axes])
        gradients_agree(
            lambda a, b, c: list(nnet.batch_normalization_train(a, b, c, axes, 0.1)), x, normal(*shape),
            normal(*shape, seed=1),
        )  # fmt: skip

    def test_running_averages(self, axes):
        x = normal(4, 3, 5, 2)
        shape = parameter_shape(x, AXES[axes])
        kind = [n == 1 for n in shape]
        mean, var = (theano.shared(v, broadcastable=kind) for v in (np.zeros(shape), np.ones(shape)))
        a = T.dtensor4()
        outputs = nnet.batch_normalization_train(
            a, np.ones(shape), np.zeros(shape), axes, running_average_factor=0.25, running_mean=mean, running_var=var
        )
        f = theano.function([a], outputs[0], updates=[(mean, outputs[3]), (var, outputs[4])])
        f(x)
        np.testing.assert_allclose(mean.get_value(), 0.25 * x.mean(AXES[axes], keepdims=True), rtol=1e-12)
        unbiased = x.var(AXES[axes], keepdims=True, ddof=1)
        np.testing.assert_allclose(var.get_value(), 0.75 + 0.25 * unbiased, rtol=1e-12)

    def test_the_gradient_by_its_own_formula(self, axes):
        x, dy = normal(4, 3, 5, 2), normal(4, 3, 5, 2, seed=1)
        shape = parameter_shape(x, AXES[axes])
        a, b, c = T.dtensor4(), *(T.TensorType("float64", [n if n == 1 else None for n in shape])() for _ in range(2))
        out, mean, invstd = bn.AbstractBatchNormTrain(AXES[axes])(a, b, c, 0.01)
        op = bn.AbstractBatchNormTrainGrad(AXES[axes])
        found = op(a, dy, b, mean, invstd, 0.01)
        values = {a: x, b: normal(*shape), c: normal(*shape)}
        for got, want in zip(evaluate(found, values), evaluate(grad((out * dy).sum(), [a, b, c]), values)):
            np.testing.assert_allclose(got, want, atol=1e-10)


def test_float32_stays():
    x, p = T.fmatrix(), T.fvector()
    outputs = nnet.batch_normalization_train(x, p, p, running_mean=p, running_var=p)
    assert [v.dtype for v in outputs] == ["float32"] * 5
    values = np.float32(normal(5, 3)), np.float32([1, 2, 3])
    found = theano.function([x, p], [outputs[0], grad(outputs[0].sum(), x)])(*values)
    assert [v.dtype for v in found] == [np.float32] * 2
    want = trained(values[0].astype("float64"), values[1], values[1], (0,))[0]
    np.testing.assert_allclose(found[0], want, rtol=1e-5, atol=1e-5)
    assert nnet.batch_normalization_test(x, p, p, p, p).dtype == "float32"


def test_a_single_element_has_no_variance():
    x = T.dmatrix()
    outputs = nnet.batch_normalization_train(
        x, np.ones(2), np.zeros(2), running_mean=np.zeros(2), running_var=np.ones(2)
    )
    values = evaluate(outputs, {x: np.array([[3.0, 4.0]])})
    np.testing.assert_array_equal(values[0], [[0, 0]])
    np.testing.assert_allclose(values[4], [0.9, 0.9])


@pytest.mark.parametrize("mode", ["low_mem", "high_mem"])
def test_the_older_interface(mode):
    values = [normal(5, 3), *(normal(3, seed=k) for k in range(3)), np.array([1.0, 2, 3])]
    agree(
        lambda *v: nnet.batch_normalization(*v, mode=mode), lambda x, g, b, m, s: (x - m) * g / s + b, *values,
        modes=MODES,
    )  # fmt: skip


def test_inference_object():
    values = [normal(5, 3), *(normal(3, seed=k) for k in range(3)), np.array([1.0, 2, 3])]
    agree(
        lambda *v: bn.AbstractBatchNormInference((0,))(*v, 0.5),
        lambda x, g, b, m, v: (x - m) * g / np.sqrt(v + 0.5) + b, *values,
    )  # fmt: skip


@pytest.mark.parametrize(
    "keywords, error",
    [
        ({"axes": "rows"}, ValueError), ({"axes": (0, 0)}, ValueError), ({"axes": (2,)}, ValueError),
        ({"axes": ()}, ValueError), ({"axes": (0.5,)}, TypeError), ({"epsilon": 1e-6}, ValueError),
        ({"epsilon": float("nan")}, ValueError), ({"running_mean": np.zeros(3)}, ValueError),
        ({"gamma": np.zeros((2, 3))}, ValueError), ({"gamma": np.zeros((1, 1, 3))}, ValueError),
        ({"inputs": T.zmatrix()}, TypeError), ({"inputs": T.dscalar()}, TypeError),
    ],
    ids=str,
)  # fmt: skip
def test_refusals(keywords, error):
    arguments = {"inputs": T.dmatrix(), "gamma": np.ones(3), "beta": np.zeros(3), **keywords}
    with pytest.raises(error, match="batch normalisation"):
        nnet.batch_normalization_train(**arguments)


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode"):
        nnet.batch_normalization(T.dmatrix(), 1, 0, 0, 1, mode="mem")


def test_parameters_that_do_not_fit():
    x, p = T.dmatrix(), T.dvector()
    f = theano.function([x, p], nnet.batch_normalization_train(x, p, p)[0])
    with pytest.raises(ValueError):
        f(np.ones((4, 3)), np.ones(2))
