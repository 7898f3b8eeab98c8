"""Where mathematics leaves the gradient open, these are the choices: at ties, corners, for integers, unconnected."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.errors import DisconnectedInputError, NullTypeGradError
from theano.gradient import disconnected_grad, grad, undefined_grad, zero_grad
from theano.graph.evaluate import evaluate


def slope(function, *points):
    """The derivatives of sum(function) at vectors `points`."""
    inputs = [T.dvector(f"x{k}") for k in range(len(points))]
    cost = T.sum(function(*inputs))
    found = evaluate(grad(cost, inputs), {v: np.asarray(p, "float64") for v, p in zip(inputs, points)})
    return [g.tolist() for g in found] if len(found) > 1 else found[0].tolist()


@pytest.mark.parametrize("op", [T.maximum, T.minimum])
def test_ties_of_two_go_to_the_first(op):
    assert slope(op, [1, 2], [1, 2]) == [[1, 1], [0, 0]]


@pytest.mark.parametrize("op", [T.max, T.min])
def test_ties_in_a_reduction_go_to_every_one(op):
    assert slope(op, [3, 3, 3]) == [1, 1, 1]


@pytest.mark.parametrize(
    "function, points, expected",
    [
        (T.abs_, [-2, 0, 3], [-1, 0, 1]),
        (T.nnet.relu, [-1, 0, 1], [0, 0.5, 1]),
        (lambda x: T.clip(x, -1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
        (T.sgn, [-1, 0, 2], [0, 0, 0]),
        (T.floor, [0.5, 1], [0, 0]),
        (T.ceil, [0.5, 1], [0, 0]),
        (T.trunc, [0.5, 1], [0, 0]),
        (T.round, [0.5, 1], [0, 0]),
        (lambda x: x // 2, [1, 5], [0, 0]),
        (T.sqrt, [0, 4], [np.inf, 0.25]),
        (lambda x: T.switch(T.gt(x, 0), T.log(x), 0), [0, -1, 2], [0, 0, 0.5]),
        (lambda x: T.prod(x), [0, 2, 3], [6, 0, 0]),
        (lambda x: T.prod(x), [0, 0, 3], [0, 0, 0]),
        (lambda x: T.mean(T.neq(x, 0)), [0, 1], [0, 0]),
        (lambda x: T.sum(x) * 0 + T.argmax(x), [1, 2], [0, 0]),
        (zero_grad, [1, 2], [0, 0]),
        (lambda x: x * disconnected_grad(x), [3, 4], [3, 4]),
    ],
)
def test_choices(function, points, expected):
    assert slope(function, points) == expected


def test_remainders():
    assert slope(lambda a, b: a % b, [7, -7], [3, 3]) == [[1, 1], [-2, 3]]


def test_norm_at_zero():
    x = T.dvector("x")
    assert np.isnan(evaluate([grad(x.norm(2), x)], {x: np.zeros(2)})[0]).all()


def test_the_shape_is_no_function_of_the_values():
    x = T.dvector("x")
    with pytest.raises(DisconnectedInputError):
        grad(T.cast(T.prod(x.shape), "float64"), x)
    with pytest.raises(DisconnectedInputError):
        grad(disconnected_grad(x).sum(), x)
    with pytest.raises(NullTypeGradError):
        grad(undefined_grad(x).sum(), x)


def test_integer_inputs():
    i, x = T.lscalar("i"), T.dscalar("x")
    at = {i: np.int64(3), x: np.float64(2)}
    assert grad(x * i, i).dtype == "float64"
    assert evaluate(grad(x**i, [x, i]), at)[0] == 12
    assert evaluate([grad(T.exp(i * 2.0), i)], at)[0] == pytest.approx(2 * np.exp(6))
    assert evaluate([grad(T.exp(i * 2), i)], at)[0] == 0
    with theano.config.change_flags(floatX="float32"):
        assert grad(T.cast(i, "float32") * 1.5, i).dtype == "float32"


def test_an_intermediate_must_be_the_same_object():
    x = T.dscalar("x")
    y = x * 2
    assert evaluate([grad(y**2, y)], {x: np.float64(3)})[0] == 12
    with pytest.raises(DisconnectedInputError):
        grad(y**2, x * 2)


def test_the_form_of_wrt_decides_the_form_of_the_result():
    x = T.dscalar("x")
    assert isinstance(grad(x, [x]), list) and isinstance(grad(x, (x,)), tuple)
    assert not isinstance(grad(x, x), (list, tuple))
    with pytest.raises(TypeError, match="scalar"):
        grad(T.dvector("v"), x)
    with pytest.raises(TypeError, match="set"):
        grad(x, {x})
