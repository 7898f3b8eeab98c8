"""Identity ops that change gradients, and subgraph_grad."""

import numpy as np
import pytest

import theano.tensor as T
from theano.gradient import (
    GradClip,
    GradScale,
    consider_constant,
    disconnected_grad,
    grad,
    grad_clip,
    grad_scale,
    subgraph_grad,
    undefined_grad,
    zero_grad,
)
from theano.graph.evaluate import evaluate


def value(variable, givens):
    return evaluate([variable], {v: np.asarray(x, v.type.dtype) for v, x in givens.items()})[0]


@pytest.mark.parametrize("make", [
    zero_grad, disconnected_grad, undefined_grad, lambda x: grad_clip(x, -1, 1), lambda x: grad_scale(x, 3),
])  # fmt: skip
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_the_value_is_the_input(make, shape):
    x = T.TensorType("float32", (None,) * len(shape))("x")
    at = np.arange(np.prod(shape, dtype=int), dtype="float32").reshape(shape)
    result = make(x)
    assert result.type == x.type
    np.testing.assert_array_equal(value(result, {x: at}), at)
    shapes = result.owner.op.infer_shape(result.owner, [("a",) * len(shape)])
    assert shapes == [("a",) * len(shape)]


def test_clip():
    x = T.dvector("x")
    g = grad((grad_clip(x, -1.0, 2.0) * np.array([-5.0, 0.5, 5.0])).sum(), x)
    np.testing.assert_array_equal(value(g, {x: [0, 0, 0]}), [-1, 0.5, 2])
    assert GradClip(-1, 1) == GradClip(-1.0, 1.0) != GradClip(-1, 2)
    with pytest.raises(ValueError, match="bound"):
        GradClip(1, -1)
    with pytest.raises(ValueError, match="bound"):
        grad_clip(x, np.nan, 1)


def test_scale():
    x = T.fvector("x")
    g = grad(grad_scale(x, 0.25).sum(), x)
    assert g.dtype == "float32"
    np.testing.assert_array_equal(value(g, {x: [1, 2]}), [0.25, 0.25])
    assert GradScale(2) == GradScale(2) != GradScale(3)


def test_consider_constant_is_deprecated():
    x = T.dvector("x")
    with pytest.warns(DeprecationWarning, match="zero_grad"):
        y = consider_constant(x)
    np.testing.assert_array_equal(value(grad((x * y).sum(), x), {x: [1, 2]}), [1, 2])


class Test_subgraph_grad:
    def network(self):
        x = T.dmatrix("x")
        w1, w2 = T.dmatrix("w1"), T.dmatrix("w2")
        hidden = T.tanh(T.dot(x, w1))
        cost = T.sqr(T.dot(hidden, w2)).sum()
        rng = np.random.default_rng(0)
        at = {x: rng.normal(size=(4, 3)), w1: rng.normal(size=(3, 5)), w2: rng.normal(size=(5, 2))}
        return x, w1, w2, hidden, cost, at

    def test_pieces_make_the_whole(self):
        x, w1, w2, hidden, cost, at = self.network()
        (dw2,), (dh,) = subgraph_grad([w2], [hidden], cost=cost)
        (dw1,), (dx,) = subgraph_grad([w1], [x], start={hidden: dh})
        for found, expected in zip((dw1, dw2, dx), grad(cost, [w1, w2, x])):
            np.testing.assert_allclose(value(found, at), value(expected, at))

    def test_start_and_cost_add_up(self):
        x, w1, w2, hidden, cost, at = self.network()
        extra = T.sqr(w1).sum()
        (_,), (dh,) = subgraph_grad([w2], [hidden], cost=cost)
        (dw1,), _, (from_start,), (from_cost,) = subgraph_grad(
            [w1], [x], start={hidden: dh}, cost=extra, details=True
        )
        np.testing.assert_allclose(value(dw1, at), value(grad(cost + extra, w1), at))
        np.testing.assert_allclose(value(from_start, at), value(grad(cost, w1), at))
        np.testing.assert_allclose(value(from_cost, at), 2 * at[w1])

    def test_nothing_to_start_from(self):
        x = T.dscalar("x")
        with pytest.raises(ValueError, match="start or cost"):
            subgraph_grad([x], [x])
        with pytest.raises(TypeError, match="list"):
            subgraph_grad(x, [x], cost=x)
        with pytest.raises(TypeError, match="dict"):
            subgraph_grad([x], [x], start=[x])
