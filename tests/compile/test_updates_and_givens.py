"""updates, default updates, givens, and shared variables."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile import OrderedUpdates


def test_updates_use_old_values_and_swap(mode):
    a, b = theano.shared(np.array([1.0, 2.0]), "a"), theano.shared(np.array([10.0, 20.0]), "b")
    f = theano.function([], [a * 1, b * 1], updates=[(a, b), (b, a)], mode=mode)
    first, second = f()
    assert first.tolist() == [1.0, 2.0] and second.tolist() == [10.0, 20.0]
    assert a.get_value().tolist() == [10.0, 20.0] and b.get_value().tolist() == [1.0, 2.0]
    f()
    assert a.get_value().tolist() == [1.0, 2.0]
    assert not np.may_share_memory(a.get_value(borrow=True), b.get_value(borrow=True))


def test_dependent_updates(mode):
    a, b = theano.shared(1.0), theano.shared(2.0)
    x = tt.dscalar("x")
    f = theano.function([x], a + b, updates={a: a + b * x, b: a - b}, mode=mode)
    assert f(3.0) == 3.0
    assert a.get_value() == 7.0 and b.get_value() == -1.0


def test_updates_may_be_pairs_dicts_or_ordered(mode):
    s = theano.shared(0.0)
    for updates in ([(s, s + 1)], {s: s + 1}, OrderedUpdates([(s, s + 1)]), ((s, s + 1),)):
        theano.function([], [], updates=updates, mode=mode)()
    assert s.get_value() == 4.0


def test_literals_as_updates(mode):
    s = theano.shared(np.zeros(3), "s")
    theano.function([], [], updates=[(s, np.ones(3))], mode=mode)()
    assert s.get_value().tolist() == [1.0, 1.0, 1.0]
    i = theano.shared(3)
    theano.function([], [], updates=[(i, 7)], mode=mode)()
    assert i.get_value() == 7 and i.get_value().dtype == "int64"
    value = np.full(3, 5.0)
    f = theano.function([], [], updates=[(s, tt.constant(value))], mode=mode)
    f()
    s.get_value(borrow=True)[:] = 0
    f()
    assert s.get_value().tolist() == [5.0, 5.0, 5.0]


def test_wrong_updates():
    x = tt.dvector("x")
    s = theano.shared(np.zeros(3), "s")
    m = theano.shared(np.zeros((3, 3)), "m")
    with pytest.raises(TypeError, match="must have the same type"):
        theano.function([], [], updates=[(s, s.astype("float32"))])
    with pytest.raises(TypeError, match="must have the same type"):
        theano.function([], [], updates=[(s, m)])
    with pytest.raises(TypeError, match="unbroadcast"):
        theano.function([], [], updates=[(m, m.sum(axis=0, keepdims=True))])
    with pytest.raises(ValueError, match="two update rules"):
        theano.function([], [], updates=[(s, s + 1), (s, s + 2)])
    with pytest.raises(TypeError, match="must be a shared variable"):
        theano.function([x], [], updates=[(x, x + 1)])
    with pytest.raises(ValueError, match="pairs"):
        theano.function([], [], updates=[s])


def test_an_update_that_fails_leaves_everything_as_it_was(mode):
    a, b = theano.shared(np.ones(3), "a"), theano.shared(np.ones(3), "b")
    x = tt.dvector("x")
    f = theano.function([x], a + x, updates=[(b, b * 2), (a, a + x)], mode=mode)
    with pytest.raises(ValueError):
        f(np.ones(2))
    assert a.get_value().tolist() == [1.0] * 3 and b.get_value().tolist() == [1.0] * 3
    assert f(np.ones(3)).tolist() == [2.0] * 3
    assert b.get_value().tolist() == [2.0] * 3


def test_default_updates(mode):
    s = theano.shared(0.0, "s")
    s.default_update = s + 1
    t = theano.shared(0.0, "t")
    f = theano.function([], s * 10, mode=mode)
    assert [float(f()), float(f())] == [0.0, 10.0]
    g = theano.function([], s * 10, no_default_updates=True, mode=mode)
    g()
    assert s.get_value() == 2.0
    theano.function([], s * 10, no_default_updates=[s], mode=mode)()
    assert s.get_value() == 2.0
    theano.function([], s * 10, no_default_updates=[t], mode=mode)()
    assert s.get_value() == 3.0
    theano.function([], [], updates=[(s, s * 100)], mode=mode)()
    assert s.get_value() == 300.0
    theano.function([], t + 1, mode=mode)()  # does not use s
    assert s.get_value() == 300.0
    with pytest.raises(TypeError):
        theano.function([], s, no_default_updates=[1])
    with pytest.raises(TypeError):
        theano.function([], s, no_default_updates="s")


def test_default_updates_bring_in_others(mode):
    a, b, c = theano.shared(1.0), theano.shared(1.0), theano.shared(1.0)
    a.default_update = a + b
    b.default_update = b + c
    c.default_update = 5.0
    theano.function([], a * 1, mode=mode)()
    assert [float(v.get_value()) for v in (a, b, c)] == [2.0, 2.0, 5.0]


def test_givens(mode):
    x, y = tt.dscalars("x", "y")
    z = x * y
    assert theano.function([y], z + 1, givens={x: 3.0}, mode=mode)(2.0) == 7.0
    assert theano.function([y], z + 1, givens=[(x, y + 1)], mode=mode)(2.0) == 7.0
    assert theano.function([y], z + 1, givens={z: y}, mode=mode)(2.0) == 3.0
    s = theano.shared(4.0)
    f = theano.function([y], z, givens={x: s}, mode=mode)
    s.set_value(5.0)
    assert f(2.0) == 10.0
    assert theano.function([], s * 2, givens={s: tt.constant(1.5).astype("float64")}, mode=mode)() == 3.0
    v = tt.dvector("v")
    assert theano.function([], v.sum(), givens={v: np.arange(4.0)}, mode=mode)() == 6.0


def test_givens_apply_to_updates_too(mode):
    x, y = tt.dscalars("x", "y")
    s = theano.shared(1.0)
    theano.function([y], [], updates=[(s, s + x)], givens={x: y * 2}, mode=mode)(5.0)
    assert s.get_value() == 11.0


def test_wrong_givens():
    x, y, z = tt.dscalars("x", "y", "z")
    with pytest.raises(RuntimeError, match="input of the function"):
        theano.function([x], x + 1, givens={x: 3.0})
    with pytest.raises(AssertionError, match="chained"):
        theano.function([z], x + 1, givens={x: y, y: z})
    with pytest.raises(AssertionError, match="chained"):
        theano.function([y], x + y, givens={x: x + y})
    with pytest.raises(TypeError):
        theano.function([y], x + y, givens={x: tt.fvector("f")})
    with pytest.raises(TypeError, match="key of givens"):
        theano.function([y], x + y, givens={"x": y})


def test_givens_of_another_type(mode):
    x = tt.dmatrix("x")
    v = tt.fmatrix("v")
    f = theano.function([v], x * 2, givens={x: v}, rebuild_strict=False, mode=mode)
    result = f(np.ones((2, 2), "float32"))
    assert result.tolist() == [[2.0, 2.0], [2.0, 2.0]] and result.dtype == "float32"


# -- shared variables -------------------------------------------------------------------------------------------------


def test_kinds_of_shared_variables():
    assert theano.shared(0).type == tt.lscalar
    assert theano.shared(0.0).type == tt.dscalar
    assert theano.shared(True).type.dtype == "bool"
    assert theano.shared(1j).dtype == "complex128"
    assert theano.shared(np.float32(1)).dtype == "float32"
    assert theano.shared(np.ones((1, 3))).broadcastable == (False, False)
    assert theano.shared(np.ones((1, 3)), broadcastable=(True, False)).broadcastable == (True, False)
    assert isinstance(theano.shared([1, 2]).type, theano.Generic)
    with theano.config.change_flags(floatX="float32"):
        assert theano.shared(0.0).dtype == "float64"
    with pytest.raises(TypeError, match="symbolic expression"):
        theano.shared(tt.dscalar("x"))
    with pytest.raises(TypeError, match="No suitable"):
        theano.shared([1, 2], borrow=True)
    with pytest.raises(TypeError, match="No suitable"):
        theano.shared(1.0, target="gpu0")


def test_values_are_copied_unless_borrowed():
    value = np.zeros(3)
    s, b = theano.shared(value), theano.shared(value, borrow=True)
    value[0] = 1
    assert s.get_value()[0] == 0 and b.get_value()[0] == 1
    assert b.get_value(borrow=True) is value
    copy = s.get_value()
    copy[:] = 9
    assert s.get_value()[0] == 0
    s.get_value(borrow=True)[:] = 8
    assert s.get_value()[0] == 8
    new = np.ones(3)
    s.set_value(new)
    new[:] = 5
    assert s.get_value()[0] == 1
    s.set_value(new, borrow=True)
    new[:] = 6
    assert s.get_value()[0] == 6
    s.zero()
    assert s.get_value().tolist() == [0, 0, 0] and new[0] == 6
    s.set_value(new, borrow=True)
    s.zero(borrow=True)
    assert new.tolist() == [0, 0, 0]


def test_set_value_checks():
    s = theano.shared(np.zeros(3), "s")
    s.set_value(np.zeros(5))
    s.set_value(np.zeros(0))
    s.set_value(np.ones(2, "float32"))
    assert s.get_value().dtype == "float64"
    with pytest.raises(TypeError, match="s"):
        s.set_value(np.zeros((2, 2)))
    assert s.get_value().tolist() == [1.0, 1.0]
    f = theano.shared(np.zeros(3, "float32"))
    with pytest.raises(TypeError):
        f.set_value(np.zeros(3))
    wide = theano.shared(np.zeros(3, "float32"), allow_downcast=True)
    wide.set_value(np.full(3, 0.1))
    assert wide.get_value().dtype == "float32"
    strict = theano.shared(np.zeros(3), strict=True)
    with pytest.raises(TypeError):
        strict.set_value([1.0, 2.0])
    row = theano.shared(np.zeros((1, 3)), broadcastable=(True, False))
    with pytest.raises(TypeError):
        row.set_value(np.zeros((2, 3)))


def test_value_attribute_points_to_the_methods():
    s = theano.shared(1.0)
    with pytest.raises(AttributeError, match="get_value"):
        s.value  # noqa: B018
    with pytest.raises(AttributeError, match="set_value"):
        s.value = 1.0


def test_clones_share_their_value(mode):
    s = theano.shared(np.zeros(2), "s")
    c = s.clone()
    c.set_value(np.ones(2))
    assert s.get_value().tolist() == [1.0, 1.0]
    theano.function([], [], updates=[(c, c + 1)], mode=mode)()
    assert s.get_value().tolist() == [2.0, 2.0]


def test_clones_in_one_function(mode):
    s = theano.shared(np.zeros(3), "s")
    c = s.clone()
    f = theano.function([], [c * 1, s + c, (c[::-1] + 1).sum()], updates=[(c, s[::-1] + c + 1)], mode=mode)
    f()
    assert [r.tolist() for r in f()] == [[1.0] * 3, [2.0] * 3, 6.0]
    assert s.get_value().tolist() == [3.0] * 3
    assert len(f.get_shared()) == 1
    with pytest.raises(ValueError, match="two update rules"):
        theano.function([], [], updates=[(s, s + 1), (c, c + 1)])


def test_constructors_are_tried_newest_first():
    class Money(float):
        pass

    def money_constructor(value, name=None, strict=False, allow_downcast=None):
        if not isinstance(value, Money):
            raise TypeError("no money")
        return theano.compile.SharedVariable(name, theano.generic, value, strict, allow_downcast)

    theano.compile.shared_constructor(money_constructor)
    try:
        assert isinstance(theano.shared(Money(3)).type, theano.Generic)
        assert theano.shared(3.0).dtype == "float64"
        assert theano.shared.constructors[-1] is money_constructor
    finally:
        theano.compile.shared_constructor(money_constructor, remove=True)
    assert theano.shared(Money(3)).dtype == "float64"


def test_shapes_may_change_between_calls(mode):
    s = theano.shared(np.zeros((2, 2)))
    f = theano.function([], s.sum(axis=0), updates=[(s, tt.concatenate([s, s], axis=0))], mode=mode)
    for rows in (2, 4, 8):
        assert s.get_value().shape == (rows, 2)
        assert f().shape == (2,)
    s.set_value(np.ones((3, 5)))
    assert f().tolist() == [3.0] * 5


def test_ordered_updates():
    a, b = theano.shared(1.0), theano.shared(2.0)
    u = OrderedUpdates([(a, a + 1)])
    v = OrderedUpdates({b: b + 1})
    assert list(u + v) == [a, b]
    assert isinstance(u + v, OrderedUpdates)
    with pytest.raises(KeyError):
        u + OrderedUpdates([(a, a + 2)])
    with pytest.raises(TypeError):
        u[tt.dscalar("x")] = 1
    with pytest.raises(TypeError):
        OrderedUpdates({1: 2})
