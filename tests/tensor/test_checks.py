"""Assert, Raise and PdbBreakpoint: values pass, conditions are looked at when the function runs."""

import sys

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.verify_grad import verify_grad
from theano.raise_op import Raise
from theano.tensor.opt import Assert, assert_, assert_op
from theano.tests.breakpoint import PdbBreakpoint

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]


def asserts(f):
    return [node for node in f.maker.fgraph.toposort() if isinstance(node.op, Assert)]


@pytest.mark.parametrize("mode", MODES)
def test_conditions(mode):
    x = tt.dvector("x")
    y = Assert("x must be positive")(x, (x > 0).all(), x.size > 1)
    f = theano.function([x], [y * 2, theano.grad((y**2).sum(), x)], mode=mode)
    for found in f([1.0, 2.0]):
        np.testing.assert_array_equal(found, [2.0, 4.0])
    for bad in ([-1.0, 2.0], [1.0], []):
        with pytest.raises(AssertionError, match="x must be positive") as info:
            f(bad)
        assert 'y = Assert("x must be positive")' in str(info.value)
    assert len(f([1.0, 2.0])) == 2


@pytest.mark.parametrize("make", [tt.iscalar, tt.fmatrix, tt.btensor3])
def test_any_type_of_value(make):
    x = make("x")
    y = assert_(x, tt.ge(x, 0).all())
    assert y.type == x.type
    value = np.ones((2,) * x.ndim, x.dtype)
    np.testing.assert_array_equal(theano.function([x], y)(value), value)
    with pytest.raises(AssertionError, match="Theano Assert failed!"):
        theano.function([x], assert_op(x, tt.lt(x, 0).all()))(value)


def test_known_conditions():
    x = tt.dvector("x")
    assert not asserts(theano.function([x], Assert()(x, True, tt.constant(1)) + 1))
    f = theano.function([x], Assert()(x, True, x.sum() > 0) + 1)
    assert [len(node.inputs) for node in asserts(f)] == [2]
    refused = theano.function([x], Assert("never")(x, False))
    with pytest.raises(AssertionError, match="never"):
        refused([1.0])


def test_the_unsafe_mode_drops_assertions():
    x = tt.dvector("x")
    f = theano.function([x], Assert()(x, x.sum() > 0) + 1, mode=theano.Mode("cvm", "unsafe"))
    assert not asserts(f) and list(f([-1.0])) == [0.0]


def test_derivatives_and_shapes_of_assert():
    verify_grad(lambda x: Assert()(x, x.sum() > -99) ** 2, [np.array([1.0, 2.0])], rng=np.random.RandomState(0))
    x, v = tt.dvector("x"), tt.dvector("v")
    f = theano.function([x, v], theano.Rop(Assert()(x, x.sum() > 0) ** 2, x, v))
    np.testing.assert_allclose(f([1.0, 2.0], [1.0, 1.0]), [2.0, 4.0])
    assert Assert("a") == Assert("a") != Assert("b") and hash(Assert("a")) == hash(Assert("a"))
    y = Assert()(x, x.sum() > 0)
    assert list(theano.function([x], y.shape)([1.0, 2.0])) == [2]


def test_what_assert_refuses():
    x = tt.dvector("x")
    with pytest.raises(TypeError, match=r"condition 0 .* has 1 dimensions.*all\(condition\)"):
        Assert()(x, x > 0)
    with pytest.raises(TypeError, match="got nothing"):
        Assert()()


@pytest.mark.parametrize("mode", MODES)
def test_raise(mode):
    x = tt.dscalar("x")
    f = theano.function([x], Raise("not today", ValueError)(x) + 1, mode=mode)
    with pytest.raises(ValueError, match="not today"):
        f(1.0)
    with pytest.raises(NotImplementedError):
        theano.function([x], Raise()(x), mode=mode)(1.0)
    assert Raise("a") == Raise("a") != Raise("a", KeyError)


@pytest.mark.parametrize("mode", MODES[:3])
def test_breakpoint(mode, monkeypatch):
    stops = []

    def stop():
        stops.append([value.copy() for value in sys._getframe(1).f_locals["monitored_values"]])

    monkeypatch.setattr(sys, "breakpointhook", stop)
    x, y = tt.dvector("x"), tt.dmatrix("y")
    a, b = PdbBreakpoint("large sum")(x.sum() > 2, x, y)
    f = theano.function([x, y], [a * 2, b + 1, theano.grad((a**2).sum() + b.sum(), [x, y])[0]], mode=mode)
    for value in ([1.0, 1.0], [1.0, 2.0]):
        doubled, more, slope = f(value, [[5.0]])
        np.testing.assert_array_equal(doubled, 2 * np.array(value))
        np.testing.assert_array_equal(more, [[6.0]])
        np.testing.assert_array_equal(slope, 2 * np.array(value))
    assert len(stops) == 1 and list(stops[0][0]) == [1.0, 2.0] and stops[0][1].tolist() == [[5.0]]
    single = PdbBreakpoint("one")(x.sum() > 99, x)
    assert single.type == x.type
    with pytest.raises(TypeError, match="1 dimensions"):
        PdbBreakpoint("bad")(x > 0, x)
    with pytest.raises(TypeError, match="at least one value"):
        PdbBreakpoint("bad")(x.sum() > 0)


@pytest.mark.parametrize("mode", MODES[:3])
def test_breakpoint_with_any_value_its_shape_and_forward_derivative(mode, monkeypatch, capsys):
    stops = []

    def stop():
        stops.append(list(sys._getframe(1).f_locals["monitored_values"]))

    monkeypatch.setattr(sys, "breakpointhook", stop)
    x, v, i = tt.fmatrix("x"), tt.fmatrix("v"), tt.lscalar("i")
    anything = theano.generic("anything")
    a, b, c = PdbBreakpoint("any")(i, x, anything, i)
    assert (a.type, b.type, c.type) == (x.type, theano.generic, i.type)
    f = theano.function([x, anything, i], [a, b, c], mode=mode)
    value, thing = np.arange(6, dtype="float32").reshape(2, 3), {"any": "thing"}
    for k in (0, 3):  # any number but zero is true
        found = f(value[::-1], thing, k)
        np.testing.assert_array_equal(found[0], value[::-1])
        assert found[1] == thing and found[2] == k
    assert len(stops) == 1 and stops[0][1] == thing and stops[0][2] == 3
    assert capsys.readouterr().out == "Stopped at 'any'; 3 values are in the list monitored_values.\n"

    watched = PdbBreakpoint("never")(tt.lt(x.sum(), 0), x)
    slope = theano.function([x, v], theano.Rop(watched**2, x, v), mode=mode)
    np.testing.assert_allclose(slope(value, value), 2 * value**2)
    assert list(theano.function([x], watched.shape, mode=mode)(value)) == [2, 3]
    assert list(theano.function([x], watched, mode=mode)(value[:0]).shape) == [0, 3]


@pytest.mark.parametrize("mode", MODES[:3])
def test_breakpoint_in_a_loop(mode, monkeypatch):
    stops = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stops.append(sys._getframe(1).f_locals["monitored_values"][0]))
    x = tt.dvector("x")
    total, _ = theano.scan(
        lambda v, before: PdbBreakpoint("large")(tt.gt(before, 2), before + v), sequences=x, outputs_info=tt.zeros(())
    )
    f = theano.function([x], [total, theano.grad(total[-1], x)], mode=mode)
    for found, wanted in zip(f([1.0, 2.0, 3.0, 4.0]), ([1, 3, 6, 10], [1, 1, 1, 1])):
        np.testing.assert_array_equal(found, wanted)
    assert sorted(map(float, set(map(float, stops)))) == [6.0, 10.0]
