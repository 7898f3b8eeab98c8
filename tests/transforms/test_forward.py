"""Rop: against the jacobian, with and without R_op, and its options."""

import numpy as np
import pytest

import theano.tensor as T
from theano.errors import DisconnectedInputError, NullTypeGradError
from theano.gradient import (
    DisconnectedType,
    Rop,
    disconnected_grad,
    grad,
    grad_scale,
    undefined_grad,
    zero_grad,
)
from theano.graph.evaluate import evaluate
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.traverse import ancestors, toposort


def value(variable, givens):
    return evaluate([variable], {v: np.asarray(x, v.type.dtype) for v, x in givens.items()})[0]


EXPRESSIONS = {
    "elementwise": lambda x, w: T.sin(x) * x**2,
    "broadcast": lambda x, w: T.exp(w) * x,
    "reduction": lambda x, w: (x * w).sum(axis=1),
    "maximum": lambda x, w: T.max(w * x, axis=0),
    "product": lambda x, w: T.dot(w, T.tanh(x)),
    "prod": lambda x, w: T.prod(x) * x,
    "reshape": lambda x, w: T.reshape(T.outer(x, x), (-1,)),
    "join": lambda x, w: T.concatenate([x, T.sqr(x)]),
    "slice": lambda x, w: x[1:] * x[:-1],
    "index": lambda x, w: x[[0, 0, 2]] ** 2,
    "set": lambda x, w: T.set_subtensor(x[1:2], T.sqr(x[:1])),
    "increment": lambda x, w: T.inc_subtensor(x[[0, 0]], x[1:]),
    "switch": lambda x, w: T.switch(T.gt(x, 0.2), T.exp(x), T.sin(x)),
    "softmax": lambda x, w: T.nnet.softmax(w * x),
    "logsoftmax": lambda x, w: T.nnet.logsoftmax(x, axis=0),
    "logsumexp": lambda x, w: T.nnet.logsumexp(w * x, axis=1),
    "cumsum": lambda x, w: T.cumsum(T.sqr(x)),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_it_is_the_directional_derivative(name):
    x, w, v = T.dvector("x"), T.dmatrix("w"), T.dvector("v")
    try:
        f = EXPRESSIONS[name](x, w)
    except AttributeError as error:
        pytest.fail(str(error))
    rng = np.random.default_rng(3)
    at = {x: rng.normal(size=3), w: rng.normal(size=(2, 3))}
    direction = rng.normal(size=3)
    step = 1e-6
    ahead, behind = (value(f, {**at, x: at[x] + s * direction}) for s in (step, -step))
    found = value(Rop(f, x, v), {**at, v: direction})
    np.testing.assert_allclose(found, (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-8)


def test_two_variables_and_two_outputs():
    x, y, u, v = T.dvectors("x", "y", "u", "v")
    f, g = Rop([x * y, T.exp(x)], [x, y], [u, v])
    at = {x: [1.0, 2.0], y: [3.0, 4.0], u: [0.1, 0.2], v: [1.0, -1.0]}
    np.testing.assert_allclose(value(f, at), [0.3 + 1, 0.8 - 2])
    np.testing.assert_allclose(value(g, at), np.exp([1, 2]) * [0.1, 0.2])
    assert isinstance(Rop((x * y,), [x, y], [u, v]), tuple)


def test_hessian_vector_product_by_rop_of_grad():
    x, v = T.dvector("x"), T.dvector("v")
    cost = (T.exp(x) * x[::-1]).sum()
    hv = Rop(grad(cost, x), x, v)
    at = np.array([0.3, -0.2, 0.5])
    e = np.exp(at)
    hessian = np.diag(e * at[::-1])
    for i in range(3):
        hessian[i, 2 - i] += e[i] + e[2 - i] if i != 2 - i else 2 * e[i]
    np.testing.assert_allclose(value(hv, {x: at, v: [1, 2, 3]}), hessian @ [1, 2, 3])


def test_no_value_of_the_helper_variables_is_left():
    x, v = T.dvector("x"), T.dvector("v")
    leaves = {a for a in ancestors([Rop(T.sqr(x.sum() * x), x, v)]) if a.owner is None and a.name is None}
    assert all(hasattr(leaf, "data") for leaf in leaves)


def test_long_chains_are_linear():
    x, v = T.dscalar("x"), T.dscalar("v")
    y = x
    for _ in range(5000):
        y = T.sin(y)
    assert len(toposort([Rop(y, x, v)])) < 60_000


class Doubles(Op):
    """2 x, with an R_op that counts its uses; no L_op."""

    used = 0

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, storage):
        storage[0][0] = 2 * inputs[0]

    def R_op(self, inputs, eval_points):
        Doubles.used += 1
        return [None if eval_points[0] is None else 2 * eval_points[0]]


def test_an_R_op_of_an_op_is_used():
    x, v = T.dvector("x"), T.dvector("v")
    before = Doubles.used
    np.testing.assert_array_equal(value(Rop(Doubles()(x) * 3, x, v), {x: [1, 2], v: [1, 10]}), [6, 60])
    assert Doubles.used == before + 1


def test_an_R_op_that_returns_the_wrong_number():
    class Wrong(Doubles):
        def R_op(self, inputs, eval_points):
            return []

    x = T.dvector("x")
    with pytest.raises(ValueError, match=r"Wrong.*R_op"):
        Rop(Wrong()(x), x, x)


def test_gradient_only_ops():
    x, v = T.dvector("x"), T.dvector("v")
    at = {x: [1.0, 2.0], v: [3.0, 4.0]}
    np.testing.assert_array_equal(value(Rop(zero_grad(x), x, v), at), [0, 0])
    np.testing.assert_array_equal(value(Rop(grad_scale(x, 5.0), x, v), at), [15, 20])
    with pytest.raises(NullTypeGradError):
        Rop(undefined_grad(x), x, v)
    with pytest.raises(DisconnectedInputError):
        Rop(disconnected_grad(x), x, v)


def test_integer_outputs_have_a_zero_derivative():
    x, v = T.dvector("x"), T.dvector("v")
    np.testing.assert_array_equal(value(Rop(T.gt(x, 0) * 1.5, x, v), {x: [1, 2], v: [3, 4]}), [0, 0])


def test_disconnected_outputs():
    x, y, v = T.dvectors("x", "y", "v")
    with pytest.raises(DisconnectedInputError):
        Rop(y, x, v)
    with pytest.warns(UserWarning):
        zero = Rop(y, x, v, disconnected_outputs="warn")
    np.testing.assert_array_equal(value(zero, {y: [1, 2]}), [0, 0])
    options = {"disconnected_outputs": "ignore"}
    assert Rop(y, x, v, return_disconnected="None", **options) is None
    assert isinstance(Rop(y, x, v, return_disconnected="Disconnected", **options).type, DisconnectedType)
    with pytest.raises(ValueError, match="disconnected_outputs"):
        Rop(y, x, v, disconnected_outputs="perhaps")


def test_mistakes():
    x = T.dvector("x")
    with pytest.raises(ValueError, match="one eval_point"):
        Rop(x, [x], [x, x])
    with pytest.raises(ValueError, match="axes"):
        Rop(x, x, T.dmatrix())
    with pytest.raises(TypeError, match="symbolic"):
        Rop(3, x, x)
