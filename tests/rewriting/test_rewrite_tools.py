"""theano.tensor.opt and theano.tensor.utils: tools for users' rewrites: Canonizer, ShapeFeature, broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.errors import ShapeError
from theano.gof import FunctionGraph
from theano.gof.opt import in2out
from theano.graph.evaluate import evaluate
from theano.tensor.opt import (
    Canonizer,
    ShapeFeature,
    ShapeOptimizer,
    UnShapeOptimizer,
    broadcast_like,
    encompasses_broadcastable,
    local_add_canonizer,
    local_mul_canonizer,
    merge_broadcastables,
    scalarconsts_rest,
)
from theano.tensor.utils import hash_from_ndarray, shape_of_variables

x, y, z = T.dvectors("x", "y", "z")


def text(v: Any) -> str:
    if v.owner is None:
        return v.name or str(v.data.reshape(-1)[0])
    inputs = [text(i) for i in v.owner.inputs]
    return inputs[0] if not hasattr(v.owner.op, "scalar_op") else f"{v.owner.op.scalar_op.name}({', '.join(inputs)})"


def canonized(out: Any, *opts: Any) -> tuple[str, Any, Any]:
    fgraph = FunctionGraph([x, y, z], [out])
    in2out(*(opts or (local_mul_canonizer, local_add_canonizer))).optimize(fgraph)
    fgraph.check_integrity()
    values = dict(zip(fgraph.inputs, (np.array([1.0, -2.0]), np.array([3.0, 0.5]), np.array([-0.25, 4.0]))))
    before = evaluate([out], dict(zip((x, y, z), values.values())))[0]
    after = evaluate(fgraph.outputs, values)[0]
    assert after.dtype == before.dtype and after.shape == before.shape
    np.testing.assert_allclose(after, before, rtol=1e-14)
    return text(fgraph.outputs[0]), before, after


class Test_canonizer:
    @pytest.mark.parametrize(
        "build, expected",
        [
            (lambda: x * y / x, "y"),
            (lambda: 2 * x * 3, "mul(6.0, x)"),
            (lambda: x / y / (x / z), "true_div(z, y)"),
            (lambda: 1 / (x / y), "true_div(y, x)"),
            (lambda: x * 4 / 2 / y, "true_div(mul(2.0, x), y)"),
            (lambda: x + y - x, "y"),
            (lambda: T.neg(-x), "x"),
            (lambda: (x + 1) + (y + 2), "add(3.0, x, y)"),
            (lambda: (x - y) - (z - y), "sub(x, z)"),
            (lambda: -x - y, "sub(neg(x), y)"),
            (lambda: T.exp(x) * y, "mul(exp(x), y)"),
            (lambda: 2 * x, "mul(2, x)"),
        ],
    )
    def test_fractions(self, build: Any, expected: str) -> None:
        assert canonized(build())[0] == expected

    def test_everything_cancels(self) -> None:
        assert canonized(x / x)[2].tolist() == [1, 1]
        assert canonized(x - x)[2].tolist() == [0, 0]

    def test_shapes_stay(self) -> None:
        m, row = T.dmatrix("m"), T.drow("row")
        fgraph = FunctionGraph([m, row], [m * row / m])
        in2out(local_mul_canonizer).optimize(fgraph)
        values = dict(zip(fgraph.inputs, (np.full((3, 2), 2.0), np.array([[1.0, 5.0]]))))
        assert evaluate(fgraph.outputs, values)[0].tolist() == [[1, 5]] * 3

    def test_division_by_zero_stays(self) -> None:
        assert canonized(x / 0.0)[0].startswith("true_div(x")

    def test_integers_wrap_where_they_did(self) -> None:
        i = T.bvector("i")
        fgraph = FunctionGraph([i], [i * np.int8(100) * np.int8(3), T.cast(i * np.int8(100), "float64") * 2.0])
        in2out(local_mul_canonizer).optimize(fgraph)
        got = evaluate(fgraph.outputs, {fgraph.inputs[0]: np.array([2, 1], "int8")})
        assert got[0].tolist() == [600 - 512, 300 - 256] and got[1].tolist() == [200 - 256 << 1, 200]

    def test_a_simplifier(self) -> None:
        canonizer = Canonizer(T.mul, T.true_div, T.inv, theano.rewriting.canonizer.mul_calculate, False)
        canonizer.add_simplifier(T.nnet.softmax_simplifier, "softmax")
        m = T.dmatrix("m")
        out = 3 * T.exp(m) / T.exp(m).sum(axis=1, keepdims=True)
        fgraph = FunctionGraph([m], [out])
        in2out(canonizer).optimize(fgraph)
        assert any(isinstance(node.op, T.nnet.Softmax) for node in fgraph.toposort())
        at = np.array([[1.0, 2.0]])
        np.testing.assert_allclose(evaluate(fgraph.outputs, {fgraph.inputs[0]: at})[0], evaluate([out], {m: at})[0])

    def test_parts(self) -> None:
        num, denum = local_mul_canonizer.get_num_denum(x * y / (z / x))
        assert num == [x, y, x] and denum == [z]
        assert local_mul_canonizer.simplify_factors([x, y, x], [x, z]) == ([y, x], [z])
        assert text(local_mul_canonizer.merge_num_denum([], [x])) == "true_div(1, x)"
        assert text(local_add_canonizer.merge_num_denum([], [x])) == "neg(x)"
        assert local_mul_canonizer.merge_num_denum([], []).data == 1


class Test_shape_feature:
    def graph(self, *outputs: Any) -> tuple[FunctionGraph, ShapeFeature]:
        feature = ShapeFeature()
        return FunctionGraph([x, y], list(outputs), features=[feature], clone=False), feature

    def test_shapes_are_expressions_of_inputs(self) -> None:
        m = T.outer(x, y)[1:]
        fgraph, feature = self.graph(m.sum(axis=0))
        assert fgraph.shape_feature is feature
        rows, columns = feature.shape_of[m]
        np.testing.assert_array_equal(evaluate([rows, columns], {x: np.ones(5), y: np.ones(3)}), [4, 3])
        assert feature.get_shape(m, 1).owner.inputs[0] is y
        assert feature.shape_of[fgraph.outputs[0]][0].owner.inputs[0] is y
        with pytest.raises(IndexError):
            feature.get_shape(m, 2)

    def test_equal_shapes(self) -> None:
        a, b = x + y, T.exp(x)
        m = T.outer(z, x)
        feature = ShapeFeature()
        FunctionGraph([x, y, z], [a, b, m], features=[feature], clone=False)
        assert feature.same_shape(a, b) and feature.same_shape(x, y), "what is added must be equally long"
        assert feature.same_shape(m, x, 1, 0) and not feature.same_shape(m, x, 0, 0) and not feature.same_shape(x, z)
        with pytest.raises(ValueError, match="or neither"):
            feature.same_shape(a, b, dim_x=0)

    def test_follows_changes(self) -> None:
        a = T.exp(x)
        fgraph, feature = self.graph(T.sin(a))
        new = T.cos(T.concatenate([x[1:], x[:1]]))
        fgraph.replace(a, new)
        for v in (fgraph.outputs[0], new, new.owner.inputs[0]):
            assert evaluate(list(feature.shape_of[v]), {x: np.ones(5)}) == [5]

    def test_set_by_hand(self) -> None:
        a = x[y.argmax() :]
        _, feature = self.graph(a)
        feature.set_shape(a, [7])
        feature.set_shape(a, [8])
        assert feature.shape_of[a][0].eval() == 7
        feature.set_shape(a, [9], override=True)
        assert feature.shape_of[a][0].eval() == 9
        with pytest.raises(ValueError, match="1 axes, but 2 lengths"):
            feature.set_shape(a, [1, 2], override=True)

    def test_optimizers_attach_and_detach(self) -> None:
        fgraph = FunctionGraph([x], [T.exp(x)])
        ShapeOptimizer().optimize(fgraph)
        ShapeOptimizer().optimize(fgraph)
        assert len(fgraph._features) == 1
        UnShapeOptimizer().optimize(fgraph)
        assert not fgraph._features and fgraph.shape_feature is None

    def test_no_tensor(self) -> None:
        g = theano.generic()
        feature = ShapeFeature()
        FunctionGraph([g], [theano.compile.ops.view_op(g)], features=[feature], clone=False)
        assert feature.shape_of[g] is None and feature.shape_tuple(g) is None
        with pytest.raises(TypeError, match="has no shape"):
            feature.get_shape(g, 0)


class Test_shapes_as_numbers:
    def test_without_computing(self) -> None:
        m = T.dmatrix("m")
        big = T.dot(m, m.T)[:10].reshape((-1, 5))
        fgraph = FunctionGraph([m, x], [big, T.alloc(x.sum(), 3, 4), T.concatenate([x, x])], clone=False)
        shapes = shape_of_variables(fgraph, {m: (10**6, 7), x: (3,)})
        assert [shapes[v] for v in fgraph.outputs] == [(2 * 10**6, 5), (3, 4), (6,)]
        assert shapes[m] == (10**6, 7)

    def test_what_depends_on_values(self) -> None:
        n = T.lscalar("n")
        for out in (T.alloc(1.0, n), x[x.nonzero()[0]], T.arange(n)):
            fgraph = FunctionGraph([n, x], [out], clone=False)
            with pytest.raises(ShapeError):
                shape_of_variables(fgraph, {n: (), x: (3,)})

    def test_mistakes(self) -> None:
        fgraph = FunctionGraph([x], [T.exp(x)])
        with pytest.raises(ValueError, match="not given"):
            shape_of_variables(fgraph, {})
        with pytest.raises(ValueError, match="does not fit"):
            shape_of_variables(fgraph, {fgraph.inputs[0]: (2, 3)})


def test_broadcast_like() -> None:
    m, row = T.dmatrix("m"), T.frow("row")
    for value, template, shape in ((row, m, (4, 3)), (T.constant(2), m, (4, 3)), (m, m, (4, 3))):
        out = broadcast_like(value, template)
        assert out.dtype == "float64" and out.broadcastable == m.broadcastable
        assert evaluate([out], {m: np.ones((4, 3)), row: np.ones((1, 3), "float32")})[0].shape == shape
    assert broadcast_like(row, m, dtype="int8").dtype == "int8"
    big = T.exp(m)
    fgraph = FunctionGraph([m], [big], features=[ShapeFeature()], clone=False)
    out = broadcast_like(T.constant(2.0), big, fgraph)
    assert big not in theano.gof.graph.ancestors([out]), "the shape is that of m"
    assert evaluate([out], {m: np.zeros((2, 3))})[0].tolist() == [[2, 2, 2]] * 2


def test_patterns() -> None:
    assert encompasses_broadcastable((False, True), (False, True)) and not encompasses_broadcastable((True,), (1, 1))
    assert merge_broadcastables([(True, True), (True, False)]) == (True, False)
    with pytest.raises(ValueError, match="one rank"):
        merge_broadcastables([(True,), (True, True)])


def test_constants_and_the_rest() -> None:
    two, filled = T.constant(2.0), T.zeros_like(x)
    assert scalarconsts_rest([x, two, filled]) == ([2, 0], [two, filled], [x])
    assert scalarconsts_rest([x, two, filled], only_process_constants=True) == ([2], [two], [x, filled])
    assert scalarconsts_rest([x, two, filled], elemwise=False) == ([2], [two], [x, filled])


def test_hashes() -> None:
    a = np.arange(6.0).reshape(2, 3)
    same = [a.copy(), a.copy(order="F"), np.repeat(a, 2, axis=1)[:, ::2]]
    other = [a.T, a.reshape(3, 2), a.astype("float32"), a + 1, np.zeros((0, 3)), np.zeros((3, 0)), np.float64(3), a[:1]]
    assert {hash_from_ndarray(b) for b in same} == {hash_from_ndarray(a)}
    assert len({hash_from_ndarray(b) for b in [a, *other]}) == len(other) + 1
    with pytest.raises(TypeError):
        hash_from_ndarray(np.array([None]))
