"""theano.tensor.nnet: values against formulas in high precision, extremes, gradients, dtypes, refusals."""

import numpy as np
import pytest
from scipy import special

import theano
import theano.tensor as T
from theano.gradient import grad, verify_grad
from theano.graph.evaluate import evaluate
from theano.tensor import nnet

EXTREME = np.array([-np.inf, -1e4, -745.2, -50.0, -1.0, -0.0, 0.0, 1e-20, 1.0, 50.0, 1e4, np.inf])


def value(variable, givens):
    return evaluate([variable], {v: np.asarray(x, v.type.dtype) for v, x in givens.items()})[0]


def apply(function, *arrays):
    inputs = [T.TensorType(a.dtype.name, (None,) * a.ndim)() for a in map(np.asarray, arrays)]
    return value(function(*inputs), dict(zip(inputs, arrays)))


class Test_activations:
    @pytest.mark.parametrize(
        "name, formula",
        [
            ("sigmoid", special.expit),
            ("softplus", lambda x: np.logaddexp(0, x)),
            ("softsign", lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))),
            ("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
            ("relu", lambda x: np.maximum(x, 0)),
            ("elu", lambda x: np.where(x > 0, x, np.expm1(x))),
            ("selu", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
        ],
    )
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_values(self, name, formula, dtype):
        x = EXTREME if name != "relu" else EXTREME[1:-1]
        with np.errstate(all="ignore"):
            expected = formula(x.astype(dtype).astype("float64"))
            found = apply(getattr(nnet, name), x.astype(dtype))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-12)

    @pytest.mark.parametrize("name", ["sigmoid", "softplus", "softsign", "relu", "elu", "selu"])
    def test_gradients_are_finite_at_extremes(self, name):
        x = T.dvector("x")
        at = EXTREME[1:-1]
        assert np.isfinite(value(grad(getattr(nnet, name)(x).sum(), x), {x: at})).all()

    def test_relu_at_zero_and_with_slope(self):
        x = T.dvector("x")
        np.testing.assert_array_equal(value(grad(nnet.relu(x).sum(), x), {x: [-1, 0, 1]}), [0, 0.5, 1])
        np.testing.assert_allclose(value(nnet.relu(x, 0.1), {x: [-2, 3]}), [-0.2, 3])
        slopes = T.dvector("slopes")
        np.testing.assert_allclose(value(nnet.relu(x, slopes), {x: [-2, -2], slopes: [0.5, 1]}), [-1, -2])
        assert nnet.relu(T.fvector(), 0.1).dtype == "float32"
        assert nnet.relu(T.ivector()).dtype == "float64"

    def test_elu_with_alpha(self):
        x = T.dvector("x")
        np.testing.assert_allclose(value(nnet.elu(x, 2), {x: [-1, 1]}), [2 * np.expm1(-1), 1])

    def test_the_fast_sigmoid_is_near(self):
        x = np.linspace(-30, 30, 1001)
        found = apply(nnet.ultra_fast_sigmoid, x)
        assert np.abs(found - special.expit(x)).max() < 0.0026
        assert found.min() >= 0.0024725 and found.max() <= 0.9975275


class Test_softmax:
    @pytest.mark.parametrize("axis", [0, 1, -1, 2, (0, 2)])
    @pytest.mark.parametrize("name", ["softmax", "logsoftmax", "logsumexp"])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_any_axis(self, name, axis, dtype):
        x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(dtype) * 5
        oracle = {"softmax": special.softmax, "logsoftmax": special.log_softmax, "logsumexp": special.logsumexp}[name]
        found = apply(lambda v: getattr(nnet, name)(v, axis=axis), x)
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found, oracle(x.astype("float64"), axis=axis), rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-6
        )

    @pytest.mark.parametrize("layout", ["transposed", "reversed", "strided"])
    def test_layouts(self, layout):
        x = np.random.default_rng(0).normal(size=(6, 4))
        x = {"transposed": x.T, "reversed": x[::-1, ::-1], "strided": x[::2, ::3]}[layout]
        np.testing.assert_allclose(apply(nnet.softmax, x), special.softmax(x, axis=-1), rtol=1e-14)

    def test_a_vector_becomes_a_row(self):
        x = T.dvector("x")
        for function in (nnet.softmax, nnet.logsoftmax):
            y = function(x)
            assert y.ndim == 2 and y.broadcastable == (True, False)
        assert value(nnet.softmax(x), {x: [0, 0]}).tolist() == [[0.5, 0.5]]
        assert nnet.softmax(x, axis=0).ndim == 1

    @pytest.mark.parametrize("shape", [(0, 3), (1, 1), (3, 1)])
    def test_small_shapes(self, shape):
        np.testing.assert_array_equal(apply(nnet.softmax, np.zeros(shape)), np.full(shape, 1 / shape[1]))

    def test_no_classes(self):
        assert apply(nnet.softmax, np.zeros((2, 0))).shape == (2, 0)
        assert apply(lambda x: nnet.logsumexp(x, axis=1), np.zeros((2, 0))).tolist() == [-np.inf, -np.inf]

    def test_huge_arguments(self):
        x = np.array([[1e4, 0, -1e4], [1e308, 1e308, -1e308]])
        np.testing.assert_array_equal(apply(nnet.softmax, x), [[1, 0, 0], [0.5, 0.5, 0]])
        np.testing.assert_allclose(apply(nnet.logsoftmax, x)[0], [0, -1e4, -2e4])
        np.testing.assert_allclose(apply(lambda v: nnet.logsumexp(v, axis=1), x), [1e4, 1e308])

    def test_minus_infinity_counts_nothing(self):
        x = np.array([[-np.inf, 0.0, 0.0]])
        np.testing.assert_array_equal(apply(nnet.softmax, x), [[0, 0.5, 0.5]])
        assert apply(nnet.logsoftmax, x)[0, 0] == -np.inf
        v = T.dmatrix()
        for cost in (nnet.softmax(v)[0, 1], nnet.logsoftmax(v)[0, 1], nnet.logsumexp(v)):
            found = value(grad(cost, v), {v: x})
            assert np.isfinite(found).all() and found[0, 0] == 0

    def test_log_sum_exp_of_infinities(self):
        v = T.dvector()
        cases = [([-np.inf, -np.inf], -np.inf), ([np.inf, 0], np.inf), ([np.inf, np.inf], np.inf)]
        for x, expected in cases:
            assert value(nnet.logsumexp(v), {v: x}) == expected
            assert np.isfinite(value(grad(nnet.logsumexp(v), v), {v: x})).all()
        assert np.isnan(value(nnet.logsumexp(v), {v: [np.nan, 0]}))

    def test_integers_become_floats(self):
        assert nnet.softmax(T.imatrix()).dtype == "float64"
        assert nnet.softmax(T.bmatrix()).dtype == "float32"
        np.testing.assert_allclose(apply(nnet.softmax, np.array([[1, 1]])), [[0.5, 0.5]])

    @pytest.mark.parametrize("axis, error", [(2, ValueError), (-3, ValueError), ("0", TypeError), (1.0, TypeError)])
    def test_wrong_axes(self, axis, error):
        with pytest.raises(error):
            nnet.softmax(T.dmatrix(), axis=axis)

    def test_scalars_are_refused(self):
        with pytest.raises(TypeError, match="axis"):
            nnet.softmax(T.dscalar())

    def test_complex_is_refused(self):
        with pytest.raises(TypeError):
            nnet.softmax(T.zmatrix())

    def test_forms_agree(self):
        x, b = np.random.default_rng(1).normal(size=(3, 4)), np.arange(4.0)
        plain = special.softmax(x + b, axis=1)
        np.testing.assert_allclose(apply(nnet.softmax_with_bias, x, b), plain, rtol=1e-13)
        np.testing.assert_allclose(apply(nnet.softmax_graph, x + b), plain, rtol=1e-13)
        np.testing.assert_allclose(apply(nnet.softmax_op, x + b), plain, rtol=1e-13)

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: nnet.softmax(x),
            lambda x: nnet.softmax(x, axis=0),
            lambda x: nnet.softmax(x, axis=(0, 1)),
            lambda x: nnet.logsoftmax(x),
            lambda x: nnet.logsumexp(x, axis=1),
            lambda x: nnet.logsumexp(x, axis=0, keepdims=True),
            lambda x: nnet.softmax_grad(x, nnet.softmax(x * 2)),
        ],
    )
    def test_first_and_second_derivatives(self, function):
        rng = np.random.RandomState(5)
        at = [rng.normal(size=(3, 4))]
        weights = rng.normal(size=apply(function, at[0]).shape)
        verify_grad(function, at, rng=rng, mode="reference")
        verify_grad(lambda x: grad((function(x) * weights).sum(), x), at, rng=rng, mode="reference")

    def test_the_shape_follows_without_values(self):
        x = T.dmatrix()
        assert nnet.softmax(x).owner.op.infer_shape(nnet.softmax(x).owner, [(2, 3)]) == [(2, 3)]
        node = nnet.logsumexp(x, axis=0).owner
        assert node.op.infer_shape(node, [(2, 3)]) == [(3,)]


class Test_cross_entropies:
    def logits(self):
        rng = np.random.default_rng(2)
        return rng.normal(size=(4, 3)) * 3, np.array([2, 0, 1, 1])

    def test_three_ways_to_say_it(self):
        at, classes = self.logits()
        x, y, t = T.dmatrix("x"), T.lvector("y"), T.dmatrix("t")
        expected = -special.log_softmax(at, axis=1)[np.arange(4), classes]
        givens = {x: at, y: classes, t: np.eye(3)[classes]}
        p = nnet.softmax(x)
        for cost in (
            nnet.categorical_crossentropy(p, y),
            nnet.categorical_crossentropy(p, t),
            nnet.crossentropy_categorical_1hot(p, y),
            nnet.crossentropy_softmax_1hot(x, y)[0],
            nnet.crossentropy_softmax_1hot_with_bias(x, T.zeros_like(x[0]), y)[0],
            nnet.crossentropy_softmax_argmax_1hot_with_bias(x, T.zeros_like(x[0]), y)[0],
        ):
            np.testing.assert_allclose(value(cost, givens), expected, rtol=1e-12)
            g = value(grad(cost.mean(), x), givens)
            np.testing.assert_allclose(g, (special.softmax(at, axis=1) - np.eye(3)[classes]) / 4, rtol=1e-10)

    @pytest.mark.parametrize("scale", [1e2, 1e4, 1e300])
    def test_gradients_stay_right_where_probabilities_vanish(self, scale):
        x, y, t = T.dmatrix("x"), T.lvector("y"), T.dmatrix("t")
        at = np.array([[scale, 0.0, -scale]])
        givens = {x: at, y: [2], t: [[0, 0, 1]]}
        p = nnet.softmax(x)
        for cost in (
            nnet.categorical_crossentropy(p, y).sum(),
            nnet.categorical_crossentropy(p, t).sum(),
            -T.log(p)[T.arange(y.shape[0]), y].sum(),
            -T.log(p[T.arange(y.shape[0]), y]).mean(),
            -(t * T.log(p)).sum(),
        ):
            np.testing.assert_allclose(value(grad(cost, x), givens), [[1, 0, -1]], atol=1e-12)

    def test_binary(self):
        x, t = T.dvector("x"), T.dvector("t")
        o = np.array([0.1, 0.5, 0.9])
        target = np.array([0.0, 1.0, 0.3])
        expected = -(target * np.log(o) + (1 - target) * np.log1p(-o))
        np.testing.assert_allclose(value(nnet.binary_crossentropy(x, t), {x: o, t: target}), expected)
        logits = np.log(o) - np.log1p(-o)
        np.testing.assert_allclose(value(nnet.sigmoid_binary_crossentropy(x, t), {x: logits, t: target}), expected)

    def test_binary_extremes(self):
        x, t = T.dvector("x"), T.dvector("t")
        givens = {x: [1000.0, -1000.0, 1000.0, 0.0], t: [0, 1, 1, 0.25]}
        np.testing.assert_allclose(
            value(nnet.sigmoid_binary_crossentropy(x, t), givens), [1000, 1000, 0, np.log(2)], atol=1e-300
        )
        for loss in (
            nnet.sigmoid_binary_crossentropy(x, t), nnet.binary_crossentropy(nnet.sigmoid(x), t),
        ):  # fmt: skip
            np.testing.assert_allclose(value(grad(loss.sum(), x), givens), [1, -1, 0, 0.25], atol=1e-12)

    def test_zero_probability_of_an_impossible_class_costs_nothing(self):
        p, t = T.dmatrix("p"), T.dmatrix("t")
        givens = {p: [[1.0, 0.0]], t: [[1.0, 0.0]]}
        loss = nnet.categorical_crossentropy(p, t)
        assert value(loss, givens).tolist() == [0]
        assert value(grad(loss.sum(), p), givens).tolist() == [[-1, 0]]

    def test_more_outputs(self):
        at, classes = self.logits()
        x, y = T.dmatrix("x"), T.lvector("y")
        nll, p, highest, position = nnet.crossentropy_softmax_max_and_argmax_1hot(x, y)
        givens = {x: at, y: classes}
        np.testing.assert_allclose(value(highest, givens), value(p, givens).max(1))
        np.testing.assert_array_equal(value(position, givens), at.argmax(1))
        assert value(nll, givens).shape == (4,)

    def test_float32(self):
        x, y = T.fmatrix("x"), T.ivector("y")
        loss = nnet.categorical_crossentropy(nnet.softmax(x), y).mean()
        assert loss.dtype == "float32" and grad(loss, x).dtype == "float32"

    def test_mistakes(self):
        p = T.dmatrix("p")
        with pytest.raises(TypeError, match="axes"):
            nnet.categorical_crossentropy(p, T.dscalar())
        with pytest.raises(TypeError, match="integers"):
            nnet.categorical_crossentropy(p, T.dvector("classes"))
        with pytest.raises(TypeError, match="one axis less"):
            nnet.crossentropy_categorical_1hot(p, T.lmatrix())

    def test_a_class_out_of_range(self):
        p, y = T.dmatrix("p"), T.lvector("y")
        with pytest.raises(IndexError):
            value(nnet.categorical_crossentropy(p, y), {p: np.ones((2, 3)), y: [0, 3]})

    def test_tensors_of_higher_rank(self):
        x, y = T.dtensor3("x"), T.lmatrix("y")
        at = np.random.default_rng(0).normal(size=(2, 4, 3))
        classes = np.array([[0, 1, 2, 0], [2, 2, 1, 0]])
        found = value(nnet.categorical_crossentropy(nnet.softmax(x), y), {x: at, y: classes})
        expected = -np.take_along_axis(special.log_softmax(at, axis=-1), classes[..., None], -1)[..., 0]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_confusion_matrix():
    a, p = T.lvector(), T.lvector()
    matrix, labels = nnet.confusion_matrix(a, p)
    givens = {a: [2, 0, 2, 2, 0, 1], p: [0, 0, 2, 2, 0, 2]}
    assert value(labels, givens).tolist() == [0, 1, 2]
    assert value(matrix, givens).tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 2]]
    with pytest.raises(ValueError, match="vectors"):
        nnet.confusion_matrix(a, T.lmatrix())
    with pytest.raises(TypeError, match="integers"):
        nnet.confusion_matrix(a, T.dvector("predicted"))


def test_two_level_softmax():
    rng = np.random.default_rng(0)
    batch, features, classes, each, outputs = 5, 4, 3, 2, 5
    arrays = [
        rng.normal(size=shape)
        for shape in [(batch, features), (features, classes), (classes,), (classes, features, each), (classes, each)]
    ]
    x, w1, b1, w2, b2 = variables = T.dmatrix(), T.dmatrix(), T.dvector(), T.dtensor3(), T.dmatrix()
    target = T.lvector()
    wanted = np.array([0, 4, 2, 3, 1])
    givens = {**dict(zip(variables, arrays)), target: wanted}
    every = nnet.h_softmax(x, batch, outputs, classes, each, w1, b1, w2, b2)
    one = nnet.h_softmax(x, batch, outputs, classes, each, w1, b1, w2, b2, target)
    X, W1, B1, W2, B2 = arrays
    first = special.softmax(X @ W1 + B1, axis=1)
    second = special.softmax(np.einsum("bf,cfo->bco", X, W2) + B2, axis=2)
    expected = (first[:, :, None] * second).reshape(batch, -1)[:, :outputs]
    np.testing.assert_allclose(value(every, givens), expected)
    np.testing.assert_allclose(value(one, givens), expected[np.arange(batch), wanted])
    for by_one, by_all in zip(
        grad(T.log(one).sum(), variables), grad(T.log(every[T.arange(batch), target]).sum(), variables)
    ):
        np.testing.assert_allclose(value(by_one, givens), value(by_all, givens), atol=1e-12)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", "reference"])
def test_in_every_mode(mode):
    x, y = T.dmatrix("x"), T.lvector("y")
    p = nnet.softmax(x)
    loss = nnet.categorical_crossentropy(p, y).mean()
    f = theano.function([x, y], [p, loss, grad(loss, x), nnet.relu(x), nnet.sigmoid(x)], mode=mode)
    at, classes = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]]), np.array([2, 1])
    found = f(at, classes)
    q = special.softmax(at, axis=1)
    np.testing.assert_allclose(found[0], q)
    np.testing.assert_allclose(found[1], -np.log(q[[0, 1], classes]).mean())
    np.testing.assert_allclose(found[2], (q - np.eye(3)[classes]) / 2)
    np.testing.assert_allclose(found[3], np.maximum(at, 0))
    np.testing.assert_allclose(found[4], special.expit(at))
