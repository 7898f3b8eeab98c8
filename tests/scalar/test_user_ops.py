"""Elementwise ops that users derive from `theano.scalar.UnaryScalarOp` and its kin."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import theano
import theano.scalar as ts
import theano.tensor as T
from theano.gradient import grad, verify_grad
from theano.graph.evaluate import evaluate

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]


class Gate(ts.UnaryScalarOp):
    """x above a threshold, else 0."""

    def __init__(self, threshold=0.5, **kwargs):
        self.threshold = threshold
        super().__init__(ts.same_out_float_only, **kwargs)

    def impl(self, x):
        return x if x > self.threshold else 0.0

    def grad(self, inputs, gradients):
        (x,), (gz,) = inputs, gradients
        if x.type in ts.float_types:
            return [T.switch(x > self.threshold, gz, 0.0)]
        return [x.zeros_like()]

    def c_code(self, node, name, inputs, outputs, sub):
        raise AssertionError("nobody asks for it")


class Area(ts.BinaryScalarOp):
    nfunc_spec = ("numpy.hypot", 2, 1)

    def impl(self, x, y):
        return math.hypot(x, y)

    def grad(self, inputs, gradients):
        (x, y), (gz,) = inputs, gradients
        z = T.sqrt(x * x + y * y)
        return [gz * x / z, gz * y / z]


class Between(ts.ScalarOp):
    nin = 3

    def output_types(self, types):
        assert all(t in ts.all_types for t in types)
        return [ts.bool]

    def impl(self, low, x, high):
        return low <= x <= high


class Fast(ts.UnaryScalarOp):
    def impl(self, x):
        return 2 * x + 1

    def native(self, b, x):
        return x * 2.0 + 1.0


gate, area = T.Elemwise(Gate(name="gate")), T.Elemwise(Area(ts.upgrade_to_float, name="area"))
between = T.Elemwise(Between(name="between"))


@pytest.mark.parametrize("mode", MODES)
class Test_values:
    def test_one_input(self, mode):
        for dtype in ("float64", "float32"):
            x = T.matrix(dtype=dtype)
            at = np.array([[0.2, 0.7, -3.0], [0.5, 1e30, 1e-20]], dtype)
            found = theano.function([x], gate(x), mode=mode)(at)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, np.where(at > 0.5, at, 0))

    def test_shapes(self, mode):
        x, s = T.dvector(), T.dscalar()
        f = theano.function([x, s], [gate(x), gate(s), gate(x[::-2])], mode=mode)
        for at in (np.array([]), np.array([1.0]), np.arange(5.0)):
            found = f(at, 3.0)
            assert [r.tolist() for r in found] == [[v if v > 0.5 else 0 for v in w] for w in (at,)] + [3.0] + [
                [v if v > 0.5 else 0 for v in at[::-2]]]
            assert all(isinstance(r, np.ndarray) for r in found)

    def test_two_inputs_broadcast(self, mode):
        x, y = T.dmatrix(), T.dvector()
        at = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])
        np.testing.assert_allclose(theano.function([x, y], area(x, y), mode=mode)(*at), np.hypot(*at))
        i = T.bvector()
        assert area(i, i).dtype == "float32"

    def test_output_types(self, mode):
        x = T.dvector()
        found = theano.function([x], between(0.0, x, 1), mode=mode)([-1.0, 0.5, 2.0, np.nan])
        assert found.dtype == "bool" and found.tolist() == [False, True, False, False]

    def test_in_larger_graphs(self, mode):
        x = T.dvector()
        f = theano.function([x], [T.exp(gate(x * 2)) + 1, gate(gate(x)).sum()], mode=mode)
        at = np.array([0.3, 0.1, 1.0])
        gated = np.where(2 * at > 0.5, 2 * at, 0)
        np.testing.assert_allclose(f(at)[0], np.exp(gated) + 1)
        np.testing.assert_allclose(f(at)[1], 1.0)


class Test_derivatives:
    def test_reverse_forward_and_second(self):
        rng = np.random.RandomState(0)
        at = [np.array([[0.3, 1.7], [-1.0, 0.6]]), np.array([1.5, -0.4])]
        for mode in ("FAST_RUN", "reference"):
            verify_grad(gate, at[:1], rng=rng, mode=mode)
            verify_grad(area, at, rng=rng, mode=mode)
            verify_grad(lambda x, y: grad((area(x, y) ** 2).sum() + area(x, y).sum(), x), at, rng=rng, mode=mode)
        x, u = T.dvector(), T.dvector()
        f = theano.function([x, u], T.Rop(area(x, 1.0), x, u))
        np.testing.assert_allclose(f([3.0], [2.0]), [2 * 3 / np.sqrt(10)])

    def test_the_gradient_is_written_for_scalars(self):
        """`x.type in float_types` holds, whatever the rank of what the op is applied to."""
        x = T.dtensor3()
        g = theano.function([x], grad(gate(x).sum(), x))
        assert g(np.full((1, 2, 1), 0.75)).tolist() == [[[1], [1]]]

    def test_none(self):
        x = T.dvector()
        with pytest.raises(theano.gradient.NullTypeGradError, match="no known derivative"):
            grad(T.Elemwise(Fast(ts.same_out))(x).sum(), x)

    def test_a_wrong_number_of_terms(self):
        class Wrong(ts.BinaryScalarOp):
            def impl(self, x, y):
                return x

            def grad(self, inputs, gradients):
                return gradients

        x = T.dvector()
        with pytest.raises(ValueError, match="a term for each of 2 inputs"):
            grad(T.Elemwise(Wrong())(x, x).sum(), x)


class Test_dtype_rules:
    def test_rules(self):
        f = T.fvector()
        for rule, expected in (
            (None, "float32"), (ts.upgrade_to_float64, "float64"), (ts.specific_out(ts.int16), "int16"),
            (ts.specific_out("int8"), "int8"), (ts.transfer_type(0), "float32"),
            (ts.transfer_type(ts.float64), "float64"),
            (ts.unary_out_lookup({ts.float32: ts.complex64}), "complex64"), (lambda x: (ts.float64,), "float64"),
            (lambda x: x, "float32"),
        ):  # fmt: skip
            assert T.Elemwise(Fast(rule))(f).dtype == expected

    def test_what_is_refused(self):
        with pytest.raises(TypeError, match=r"inputs must be one of float32, got .*float64"):
            T.Elemwise(Fast(ts.unary_out_lookup({ts.float32: ts.float64})))(T.dvector())
        with pytest.raises(TypeError):
            gate(T.ivector())
        with pytest.raises(TypeError, match="must be one type"):
            T.Elemwise(Fast(lambda x: (x, x)))(T.dvector())
        with pytest.raises(TypeError, match=r"a type such as theano\.scalar\.float64, got 3"):
            T.Elemwise(Fast(lambda x: 3))(T.dvector())
        with pytest.raises(NotImplementedError):
            ts.transfer_type(0, 1)


class Test_classes:
    def test_mistakes(self):
        class NoMeaning(ts.UnaryScalarOp):
            pass

        class NoCount(ts.ScalarOp):
            def impl(self, x):
                return x

        class Two(ts.UnaryScalarOp):
            nout = 2

            def impl(self, x):
                return x, x

        with pytest.raises(TypeError, match="neither impl nor nfunc_spec"):
            NoMeaning()
        with pytest.raises(TypeError, match="set nin"):
            NoCount()
        with pytest.raises(NotImplementedError, match="has 2 outputs"):
            Two()
        with pytest.raises(TypeError, match="derive from UnaryScalarOp"):

            class Special(ts.Exp):
                pass

    def test_isinstance_and_issubclass(self):
        assert isinstance(Gate(), ts.UnaryScalarOp) and isinstance(Gate(), ts.ScalarOp)
        assert isinstance(Area(), ts.BinaryScalarOp) and not isinstance(Area(), ts.UnaryScalarOp)
        assert issubclass(Gate, ts.UnaryScalarOp) and issubclass(Gate, ts.ScalarOp)
        assert not issubclass(Gate, ts.BinaryScalarOp) and not issubclass(int, ts.ScalarOp)
        assert isinstance(ts.exp, ts.ScalarOp) and ts.ScalarOp.registry["exp"] is ts.exp

    def test_comparisons_give_bools(self):
        class Near(ts.LogicalComparison):
            def impl(self, x, y):
                return abs(x - y) < 0.1

        class IsWhole(ts.FixedLogicalComparison):
            def impl(self, x):
                return x == round(x)

        x = T.dvector()
        near, whole = T.Elemwise(Near()), T.Elemwise(IsWhole())
        assert near(x, 1.0).dtype == whole(x).dtype == "bool"
        assert evaluate([near(x, 1.0), whole(x)], {x: np.array([1.05, 2.0])})[1].tolist() == [False, True]

    def test_equality_and_merging(self):
        assert Gate() == Gate() and hash(Gate()) == hash(Gate()) and Gate() != Gate(0.7) and Gate() != Area()
        x = T.dvector()
        f = theano.function([x], [T.Elemwise(Gate())(x) + 1, T.Elemwise(Gate())(x) * 2, T.Elemwise(Gate(0.7))(x)])
        records = [getattr(node.op, "scalar_op", None) for node in f.maker.fgraph.toposort()]
        assert sum(isinstance(record, Gate) for record in records) == 2

    def test_pickling(self):
        assert pickle.loads(pickle.dumps(Gate(0.7, name="mine"))) == Gate(0.7, name="mine")
        x = T.dvector()
        f = theano.function([x], gate(x) + area(x, 1.0))
        np.testing.assert_allclose(pickle.loads(pickle.dumps(f))([0.7, 0.1]), f([0.7, 0.1]))

    def test_names_do_not_mislead(self):
        """An op that is called like one of the library's is not taken for it."""

        class Log(ts.UnaryScalarOp):
            def impl(self, x):
                return 7.0 * x

            def grad(self, inputs, gradients):
                return [7.0 * gradients[0]]

        log, x = T.Elemwise(Log(name="log")), T.dvector()
        f = theano.function([x], [log(T.exp(x)), grad(T.switch(x > 0, log(x), 0.0).sum(), x), log(1 + x)])
        found = f([0.5, -1.0])
        np.testing.assert_allclose(found[0], 7 * np.exp([0.5, -1.0]))
        assert found[1].tolist() == [7, 0] and found[2].tolist() == [10.5, 0]
        assert "log" in str(log)

    def test_text(self):
        x = T.dvector("x")
        assert str(gate(x).owner.op) == "Elemwise{gate}" and theano.pp(gate(x)) == "gate(x)"


def test_native_form():
    op, x = T.Elemwise(Fast(ts.same_out_float_only)), T.dvector()
    f = theano.function([x], T.exp(op(x)))
    assert [type(step).__name__ for step in f.program.steps] == ["KernelStep"]
    np.testing.assert_allclose(f([1.0, -2.0]), np.exp([3.0, -3.0]))
    theano.function([x], op(x), mode="DebugMode")([1.0, 2.0])


def test_reductions():
    class Larger(ts.BinaryScalarOp):
        def impl(self, x, y):
            return max(x, y)

    x = T.dmatrix()
    for mode in ("FAST_RUN", "reference"):
        f = theano.function([x], T.elemwise.CAReduce(Larger(ts.upcast_out), 1)(x), mode=mode)
        assert f([[1.0, 5.0], [7.0, 2.0]]).tolist() == [5, 7]


class Test_composites:
    def test_applied_it_is_the_expression(self):
        a, b = ts.float64("a"), ts.float64("b")
        op = T.Elemwise(ts.Composite([a, b], [T.exp(a) * b + 1]))
        x, y = T.dmatrix(), T.dvector()
        at = np.arange(6.0).reshape(2, 3) / 3, np.array([1.0, 2.0, 3.0])
        for mode in MODES:
            np.testing.assert_allclose(theano.function([x, y], op(x, y), mode=mode)(*at), np.exp(at[0]) * at[1] + 1)
        verify_grad(op, list(at), rng=np.random.RandomState(0))

    def test_parts_and_mistakes(self):
        a = ts.float64("a")
        composite = ts.Composite([a], [a + 1])
        assert composite.inputs == [a] and isinstance(composite, ts.Composite) and composite.nin == 1
        again = pickle.loads(pickle.dumps(composite))
        assert T.Elemwise(again)(T.constant(2.0)).eval() == 3
        with pytest.raises(TypeError, match="takes 1 arguments, got 2"):
            T.Elemwise(composite)(1.0, 2.0)
        with pytest.raises(NotImplementedError, match="one output"):
            ts.Composite([a], [a, a])


def test_old_modules():
    from theano.scalar import basic, basic_scipy

    assert basic.UnaryScalarOp is ts.UnaryScalarOp and basic.exp is ts.exp and basic_scipy.erf is ts.erf
    assert basic.float64 is ts.float64
    with pytest.raises(AttributeError):
        basic.no_such_name  # noqa: B018
