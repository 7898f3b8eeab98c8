"""as_op, plumbing ops, OpFromGraph, eval and test values."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.ops import DeepCopyOp, ViewOp, as_op, deep_copy_op, view_op
from theano.compile.test_values import debug_assert, get_debug_values, get_test_value
from theano.errors import TestValueError


def test_as_op(mode):
    @as_op([tt.dmatrix, tt.dscalar], [tt.dvector, tt.lscalar], infer_shape=lambda node, shapes: [shapes[0][:1], ()])
    def both(a, b):
        """Doc."""
        return a.sum(axis=1) * b, np.asarray(a.size)

    assert both.__doc__ == "Doc." and "both" in str(both)
    m, k = tt.dmatrix("m"), tt.dscalar("k")
    total, size = both(m, k)
    f = theano.function([m, k], [total + 1, size, total.shape], mode=mode)
    first, second, shape = f(np.ones((2, 3)), 2.0)
    assert first.tolist() == [7.0, 7.0] and second == 6 and shape.tolist() == [2]
    with pytest.raises(TypeError):
        as_op(3, [tt.dvector])(lambda a: a)
    with pytest.raises(TypeError):
        both(tt.dvector(), k)
    wrong = as_op([tt.dvector], [tt.dvector])(lambda a: (a, a))
    with pytest.raises(ValueError, match="2 values for 1 outputs"):
        theano.function([x := tt.dvector()], wrong(x), mode=mode)(np.ones(2))
    with pytest.raises(NotImplementedError):
        theano.grad(total.sum(), m)


def test_identity_ops(mode):
    x = tt.dvector("x")
    f = theano.function([x], [view_op(x) * 1, deep_copy_op(x), theano.grad((deep_copy_op(x) ** 2).sum(), x)], mode=mode)
    for result, expected in zip(f([1.0, 2.0]), ([1.0, 2.0], [1.0, 2.0], [2.0, 4.0])):
        assert result.tolist() == expected
    assert ViewOp() == view_op and DeepCopyOp() == deep_copy_op and view_op != deep_copy_op


@pytest.mark.parametrize("inline", [False, True])
def test_op_from_graph(mode, inline):
    x, y, z = tt.dvectors("x", "y", "z")
    s = theano.shared(2.0, "s")
    op = theano.OpFromGraph([x, y], [x * y + s, x - y], inline=inline, name="pair")
    a, b = tt.dvectors("a", "b")
    first, second = op(a, b)
    nested = op(first, second)[0]
    cost = (nested**2).sum()
    grads = theano.grad(cost, [a, b, s])
    plain = ((a * b + s) * (a - b) + s) ** 2
    expected = theano.grad(plain.sum(), [a, b, s])
    f = theano.function([a, b], [cost, *grads], mode=mode)
    g = theano.function([a, b], [plain.sum(), *expected], mode=mode)
    va, vb = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    for got, wanted in zip(f(va, vb), g(va, vb)):
        assert np.allclose(got, wanted)
    s.set_value(-1.0)
    for got, wanted in zip(f(va, vb), g(va, vb)):
        assert np.allclose(got, wanted)
    here = [n for n in f.maker.fgraph.toposort() if isinstance(n.op, theano.OpFromGraph)]
    assert bool(here) != inline
    tangent = theano.Rop(first, a, z)
    assert np.allclose(theano.function([b, z], tangent, mode=mode)(vb, va), va * vb)
    with pytest.raises(ValueError, match="takes 2 inputs"):
        op(a)
    with pytest.raises(ValueError, match="x is given twice"):
        theano.OpFromGraph([x, x], [x * 2])


def test_overridden_gradients(mode):
    x, y = tt.dscalars("x", "y")
    a, b = tt.dscalars("a", "b")

    def check(expected, **overrides):
        op = theano.OpFromGraph([x, y], [x * y], **overrides)
        grads = theano.grad(op(a, b), [a, b], disconnected_inputs="ignore")
        result = theano.function([a, b], grads, mode=mode, on_unused_input="ignore")(3.0, 4.0)
        assert [float(v) for v in result] == expected

    check([4.0, 3.0])
    check([10.0, 20.0], grad_overrides=lambda inputs, grads: [grads[0] * 10, grads[0] * 20])
    check([12.0, 3.0], lop_overrides=[lambda inputs, outputs, grads: outputs[0] * grads[0], "default"])
    check([4.0, 7.0], grad_overrides=["default", lambda inputs, grads: grads[0] * 7])
    check([0.0, 3.0], lop_overrides=[theano.gradient.disconnected_type(), "default"])
    i, j, o, g = tt.dscalars("ijog")
    check([5.0, 12.0], lop_overrides=theano.OpFromGraph([i, j, o, g], [g * 5, o * g]), inline=True)
    op = theano.OpFromGraph([x, y], [x * y], rop_overrides=lambda inputs, points: [inputs[0] * 100])
    assert theano.function([a, b], theano.Rop(op(a, b), a, b), on_unused_input="ignore", mode=mode)(3.0, 4.0) == 300.0
    with pytest.raises(ValueError, match="not both"):
        theano.OpFromGraph([x], [x], lop_overrides=lambda *z: z, grad_overrides=lambda *z: z)


def test_derivative_ops():
    x, y = tt.dscalars("x", "y")
    op = theano.OpFromGraph([x, y], [x * y])
    values = [tt.constant(float(k)).astype("float64") for k in (3, 4, 12, 1)]
    terms = op.get_lop_op()(*values, return_list=True)
    assert [float(t.eval()) for t in terms] == [4.0, 3.0]
    assert float(op.get_rop_op()(values[0], values[1], values[3], values[2]).eval()) == 4.0 + 36.0


def test_eval():
    x, y = tt.dscalars("x", "y")
    z = x * 2 + y
    assert z.eval({x: 1.0, y: 3}) == 5.0
    assert z.eval({y: 3, x: 2.0}) == 7.0
    assert len(z._eval_cache) == 1
    assert tt.constant(3).eval() == 3
    assert (theano.shared(2.0) * 3).eval() == 6.0
    with pytest.raises(theano.gof.MissingInputError):
        z.eval({x: 1.0})
    with pytest.raises(TypeError):
        z.eval({"x": 1.0})


def test_test_values():
    with theano.change_flags(compute_test_value="raise"):
        x, y = tt.dvectors("x", "y")
        with pytest.raises(TestValueError, match="x"):
            x + 1
        x.tag.test_value = np.ones(3)
        y.tag.test_value = [1.0, 2.0, 3.0]
        z = (x + y) * theano.shared(2.0)
        assert z.tag.test_value.tolist() == [4.0, 6.0, 8.0]
        assert get_test_value(z) is z.tag.test_value or get_test_value(z).tolist() == [4.0, 6.0, 8.0]
        assert [v.tolist() for (v,) in get_debug_values(x)] == [[1.0, 1.0, 1.0]]
        y.tag.test_value = np.ones(2)
        with pytest.raises(ValueError) as error:
            x * y
        assert "x * y" in str(error.value)
        y.tag.test_value = np.ones((2, 2))
        with pytest.raises(TypeError, match="test value of y"):
            x - y
        with pytest.raises(ValueError):
            debug_assert(False, "no")
    with theano.change_flags(compute_test_value="ignore"):
        w = tt.dvector("w")
        assert not hasattr((w + 1).tag, "test_value")
        assert list(get_debug_values(w)) == []
    with theano.change_flags(compute_test_value="warn"), pytest.warns(UserWarning, match="missing default value"):
        w + 2
    assert list(get_debug_values(x)) == []
    assert get_test_value(tt.constant(2)) == 2 and get_test_value(7) == 7
