"""jacobian, hessian and hessian_vector_product against finite differences, and MapRows itself."""

import pickle

import numpy as np
import pytest

import theano.tensor as T
from theano.errors import DisconnectedInputError
from theano.gradient import grad, hessian, hessian_vector_product, jacobian
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort
from theano.tensor.type import TensorType
from theano.transforms.map_rows import MapRows


def value(variable, givens):
    return evaluate([variable], {v: np.asarray(x, v.type.dtype) for v, x in givens.items()})[0]


def numeric_jacobian(f, x, at, others=None):
    others = others or {}
    base = value(f, {x: at, **others})
    result = np.zeros(base.shape + at.shape)
    for index in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[index] = 1e-6
        difference = value(f, {x: at + step, **others}) - value(f, {x: at - step, **others})
        result[(...,) + index] = difference / 2e-6
    return result


@pytest.mark.parametrize("known", [False, True], ids=["any_length", "known_length"])
class Test_jacobian:
    def vector(self, known, n=3):
        return TensorType("float64", (n if known else None,))("x")

    def test_vector_by_vector(self, known):
        x = self.vector(known)
        y = T.sin(x) * x.sum()
        at = np.array([0.3, -0.5, 1.2])
        found = jacobian(y, x)
        np.testing.assert_allclose(value(found, {x: at}), numeric_jacobian(y, x, at), rtol=1e-6, atol=1e-8)
        maps = [node for node in toposort([found]) if isinstance(node.op, MapRows)]
        assert bool(maps) is not known

    def test_by_tensors_of_any_rank(self, known):
        x = self.vector(known)
        m = T.dmatrix("m")
        s = T.dscalar("s")
        y = T.tanh(T.dot(m, x)) * s if not known else T.tanh(T.dot(m, x) * s)[:3]
        y = T.specify_shape(y, (3,)) if known else y
        at = {x: np.array([0.3, -0.5, 1.2]), m: np.arange(9.0).reshape(3, 3) / 10, s: np.array(0.7)}
        for by, found in zip((x, m, s), jacobian(y, [x, m, s])):
            others = {v: a for v, a in at.items() if v is not by}
            np.testing.assert_allclose(
                value(found, at), numeric_jacobian(y, by, at[by], others), rtol=1e-5, atol=1e-8
            )

    def test_of_a_matrix(self, known):
        x = self.vector(known)
        y = T.outer(x, T.exp(x))
        at = np.array([0.3, -0.5, 1.2])
        found = value(jacobian(y, x), {x: at})
        assert found.shape == (3, 3, 3)
        np.testing.assert_allclose(found, numeric_jacobian(y, x, at), rtol=1e-6, atol=1e-8)

    def test_again_and_again(self, known):
        x = self.vector(known)
        y = (T.exp(x) * x.sum()) ** 2
        at = np.array([0.1, -0.2, 0.3])
        first = jacobian(y, x)
        second = jacobian(first, x)
        assert value(second, {x: at}).shape == (3, 3, 3)
        np.testing.assert_allclose(value(second, {x: at}), numeric_jacobian(first, x, at), rtol=1e-6, atol=1e-7)

    def test_gradient_of_a_function_of_the_jacobian(self, known):
        x = self.vector(known)
        cost = (jacobian(T.sin(x) * x.sum(), x) ** 2).sum()
        at = np.array([0.1, -0.2, 0.3])
        np.testing.assert_allclose(
            value(grad(cost, x), {x: at}), numeric_jacobian(cost, x, at), rtol=1e-6, atol=1e-7
        )

    def test_hessian(self, known):
        x = self.vector(known)
        cost = T.exp(x * x[::-1]).sum()
        at = np.array([0.1, -0.2, 0.3])
        gradient = grad(cost, x)
        np.testing.assert_allclose(
            value(hessian(cost, x), {x: at}), numeric_jacobian(gradient, x, at), rtol=1e-6, atol=1e-7
        )

    def test_no_rows(self, known):
        x = self.vector(known, 0)
        assert value(jacobian(x * x.sum(), x), {x: np.zeros(0)}).shape == (0, 0)

    def test_a_part_that_does_not_depend_is_zero(self, known):
        x = self.vector(known)
        np.testing.assert_array_equal(value(hessian(x.sum() * 2, x), {x: np.ones(3)}), np.zeros((3, 3)))


def test_form_of_the_result():
    x = T.dvector("x")
    assert isinstance(jacobian(x * 2, [x]), list)
    assert isinstance(jacobian(x * 2, (x,)), tuple)
    assert isinstance(hessian(x.sum(), [x]), list)
    assert jacobian(x.sum(), x).ndim == 1
    assert jacobian(T.fvector("f") * x, x).dtype == "float64"


def test_mistakes():
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(DisconnectedInputError):
        jacobian(x * 2, y)
    np.testing.assert_array_equal(
        value(jacobian(x * 2, y, disconnected_inputs="ignore"), {x: [1, 2], y: [1, 2, 3]}), np.zeros((2, 3))
    )
    with pytest.raises(TypeError, match="symbolic tensor"):
        jacobian(3, x)
    with pytest.raises(TypeError, match="scalar"):
        hessian(x, x)


def test_consider_constant():
    x = T.dvector("x")
    y = x * 3
    np.testing.assert_array_equal(
        value(jacobian(x * y, x, consider_constant=[y]), {x: [1, 2]}), np.diag([3, 6])
    )


def test_hessian_vector_product():
    x, y, u, v = T.dvectors("x", "y", "u", "v")
    cost = (T.exp(x) * y**2).sum()
    by_x, by_y = hessian_vector_product(cost, [x, y], [u, v])
    at = {x: [0.1, 0.2], y: [1.0, 2.0], u: [1.0, 0.0], v: [0.5, -1.0]}
    e, Y, U, V = np.exp([0.1, 0.2]), np.array([1.0, 2]), np.array([1.0, 0]), np.array([0.5, -1])
    np.testing.assert_allclose(value(by_x, at), e * Y**2 * U + 2 * e * Y * V)
    np.testing.assert_allclose(value(by_y, at), 2 * e * Y * U + 2 * e * V)
    with pytest.raises(ValueError, match="as many vectors"):
        hessian_vector_product(cost, [x, y], [u])


class Test_map_rows:
    def make(self):
        row, other = T.dvector("row"), T.dscalar("other")
        return MapRows([row, other], [T.exp(row) * other, row.sum() * other], 1, [False, True])

    def test_stacked_and_summed(self):
        m, s = T.dmatrix("m"), T.dscalar("s")
        stacked, summed = self.make()(m.shape[0], m, s)
        at = {m: np.arange(6.0).reshape(3, 2), s: 2.0}
        np.testing.assert_allclose(value(stacked, at), np.exp(at[m]) * 2)
        assert value(summed, at) == 30

    def test_gradients(self):
        m, s = T.dmatrix("m"), T.dscalar("s")
        stacked, summed = self.make()(m.shape[0], m, s)
        dm, ds = grad((stacked**2).sum() + summed**2, [m, s])
        at = {m: np.arange(6.0).reshape(3, 2) / 10, s: 2.0}
        plain = ((T.exp(m) * s) ** 2).sum() + (m.sum() * s) ** 2
        for found, expected in zip((dm, ds), grad(plain, [m, s])):
            np.testing.assert_allclose(value(found, at), value(expected, at))

    def test_shapes_without_values(self):
        m, s = T.dmatrix("m"), T.dscalar("s")
        node = self.make()(m.shape[0], m, s)[0].owner
        n = T.as_tensor_variable(np.int64(5))
        shapes = node.op.infer_shape(node, [(), (n, m.shape[1]), ()])
        assert len(shapes[0]) == 2 and len(shapes[1]) == 0
        assert value(T.as_tensor_variable(shapes[0][1]), {m: np.zeros((3, 2))}) == 2

    def test_the_number_of_rows_is_checked(self):
        m, s = T.dmatrix("m"), T.dscalar("s")
        with pytest.raises(ValueError, match="3 rows, not 4"):
            value(self.make()(4, m, s)[0], {m: np.zeros((3, 2)), s: 1.0})
        with pytest.raises(ValueError, match="negative"):
            value(self.make()(-1, m, s)[0], {m: np.zeros((3, 2)), s: 1.0})
        with pytest.raises(TypeError, match="0-d integer"):
            self.make()(1.5, m, s)
        with pytest.raises(TypeError, match="axes"):
            self.make()(1, s, s)

    def test_equality_and_pickling(self):
        a, b = self.make(), self.make()
        assert a == b and hash(a) == hash(b)
        assert pickle.loads(pickle.dumps(a)) == a
        row, other = T.dvector("row"), T.dscalar("other")
        assert a != MapRows([row, other], [T.sin(row) * other, row.sum() * other], 1, [False, True])

    def test_connection(self):
        m, s = T.dmatrix("m"), T.dscalar("s")
        node = MapRows([T.dvector(), s], [s * 2], 1, [False])(3, m, s).owner
        assert node.op.connection_pattern(node) == [[False], [False], [True]]
