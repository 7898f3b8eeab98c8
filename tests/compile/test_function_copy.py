"""Function.copy, access to stored values, and what a function tells about itself."""

import numpy as np
import pytest

import theano
import theano.tensor as tt


def test_a_plain_copy(mode):
    x = tt.dscalar("x")
    s = theano.shared(1.0, "s")
    f = theano.function([x, theano.In(tt.dscalar("y"), value=5.0)], x + s, updates=[(s, s * 2)], mode=mode,
                        on_unused_input="ignore", name="f")  # fmt: skip
    g = f.copy()
    assert g.name == "f" and g(1.0) == 2.0 and f(1.0) == 3.0  # they share s
    g["y"] = 6.0
    assert f["y"] == 5.0 and g["y"] == 6.0
    assert f.copy(name="other").name == "other"
    assert f.copy(share_memory=True)(0.0) == 4.0


def test_swap(mode):
    x = tt.dscalar("x")
    a, b = theano.shared(1.0, "a"), theano.shared(100.0, "b")
    f = theano.function([x], x + a, updates=[(a, a + 1)], mode=mode)
    g = f.copy(swap={a: b})
    assert [float(g(0.0)), float(g(0.0)), float(f(0.0))] == [100.0, 101.0, 1.0]
    assert b.get_value() == 102.0 and a.get_value() == 2.0
    assert g.get_shared() == [b] and f.get_shared() == [a]
    with pytest.raises(ValueError, match="does not use"):
        f.copy(swap={b: a})
    with pytest.raises(ValueError, match="agree"):
        f.copy(swap={a: theano.shared(np.ones(3))})
    with pytest.raises(TypeError):
        f.copy(swap={a: x})


def test_delete_updates(mode):
    a = theano.shared(1.0, "a")
    x = tt.dscalar("x")
    f = theano.function([x], x + a, updates=[(a, a + 1)], mode=mode)
    g = f.copy(delete_updates=True)
    assert g(0.0) == 1.0 and g(0.0) == 1.0 and f(0.0) == 1.0 and g(0.0) == 2.0


def test_copies_of_copies_and_dicts(mode):
    a, b = theano.shared(1.0), theano.shared(2.0)
    f = theano.function([], {"v": a * 1}, updates=[(a, a + 1)], mode=mode)
    g = f.copy(swap={a: b}).copy(delete_updates=True)
    assert g() == {"v": 2.0} == g()


def test_what_a_function_tells():
    x = tt.dscalar("x")
    s = theano.shared(3.0, "s")
    f = theano.function([x], x * s)
    assert f.value["s"] == 3.0 and f.container["s"] is s.container and f.value[s] == 3.0 and "s" in f and "t" not in f
    f["s"] = 4.0
    assert s.get_value() == 4.0
    assert len(f.input_storage) == 2 and f.maker.fgraph.inputs[0].name == "x"
    assert f.free() is None
    assert len(f.value) == 2 and list(f.value)[1] == 4.0
    assert f.program is not None and theano.function([x], x, mode="reference").program is None
    assert isinstance(f, theano.compile.Function)


def test_the_users_expressions_are_never_changed(mode):
    x, y = tt.dvectors("x", "y")
    z = (x + 0) * 1 * y / y
    before = theano.printing.debugprint(z, file="str")
    theano.function([x, y], z, mode=mode)
    theano.function([y], z, givens={x: y * 2}, mode=mode)
    assert theano.printing.debugprint(z, file="str") == before
    assert x.owner is None and z.owner.inputs[1] is y


def test_profile(capsys):
    x = tt.dscalar("x")
    stats = theano.ProfileStats(atexit_print=False)
    f = theano.function([x], x + 1, profile=stats)
    f(1.0)
    f(2.0)
    assert f.profile is stats and stats.fct_callcount == 2 and stats.fct_call_time > 0 and stats.compile_time > 0
    stats.summary()
    assert "Time in 2 calls" in capsys.readouterr().err
    assert theano.function([x], x + 1, profile=False).profile is None
