"""The same reports where a function is not made and called plainly: loaded, copied, inside ops, of constants."""

import copy
import os
import pickle

import numpy as np
import pytest
from report_form import fails_well

import theano
import theano.tensor as tt

HERE = os.path.abspath(__file__)
x, y = tt.dvectors("x", "y")
m, n = tt.dmatrices("m", "n")
i = tt.lscalar("i")
labels = tt.lvector("labels")
V2, V3 = np.ones(2), np.ones(3)


def ways(f):
    yield f
    yield pickle.loads(pickle.dumps(f))
    yield f.copy()
    yield copy.copy(f)


def test_loaded_and_copied_functions(mode):
    f = theano.function([x, y], tt.exp(x * y).sum() + 1, mode=mode)
    for g in ways(f):
        fails_well(g, [V2, V3], ValueError, file=HERE, mentions=["tt.exp(x * y)", "(2,)", "(3,)"])
        assert np.isfinite(g(V2, V2))


def test_inside_an_op_from_a_graph(mode):
    op = theano.OpFromGraph([x, y], [x * y + 1])
    f = theano.function([x, y], op(x, y) * 2, mode=mode)
    fails_well(f, [V2, V3], ValueError, file=HERE, mentions=["x * y + 1"])
    assert f(V2, V2).tolist() == [4.0, 4.0]


def test_in_a_gradient(mode):
    """A failure in a node that differentiation made names the line of the forward node, or that of the gradient."""
    rows = m[labels]
    cost = (rows**2).sum()
    f = theano.function([m, labels], theano.grad(cost, m), mode=mode)
    fails_well(f, [np.ones((2, 2)), np.array([0, 5])], IndexError, file=HERE)
    assert f(np.ones((2, 2)), [0, 0]).tolist() == [[4.0, 4.0], [0.0, 0.0]]


def test_training_step_with_wrong_data(mode):
    """The mistakes that beginners make with a softmax regression; parameters stay as they were."""
    W, b = theano.shared(np.ones((4, 3)), "W"), theano.shared(np.zeros(3), "b")
    p = tt.nnet.softmax(tt.dot(m, W) + b)
    cost = -tt.log(p)[tt.arange(labels.shape[0]), labels].mean()
    updates = [(v, v - 0.1 * g) for v, g in zip([W, b], theano.grad(cost, [W, b]))]
    train = theano.function([m, labels], cost, updates=updates, mode=mode)
    rows = np.ones((2, 4))
    fails_well(train, [np.ones((2, 5)), np.array([0, 1])], ValueError, file=HERE, mentions=["tt.dot(m, W)", "(2, 5)"])
    for wrong in ([0, 3], [0, -4], [0, 1, 2]):
        fails_well(train, [rows, np.array(wrong)], IndexError, file=HERE, mentions=["tt.arange(labels.shape[0])"])
    assert W.get_value().tolist() == np.ones((4, 3)).tolist() and b.get_value().tolist() == [0.0] * 3
    b.set_value(np.zeros(4))
    fails_well(train, [rows, np.array([0, 1])], ValueError, file=HERE, mentions=["tt.dot(m, W) + b", "(1, 4)"])
    b.set_value(np.zeros(3))
    assert np.isclose(train(rows, [0, 1]), np.log(3))


CONSTANT = {
    "index": (IndexError, lambda: tt.constant(np.arange(3.0))[5]),
    "reshape": (ValueError, lambda: tt.constant(np.ones(5)).reshape((tt.constant(1) + 1, 3))),
    "empty maximum": (ValueError, lambda: tt.constant(np.ones(0)).max()),
    "negative size": (ValueError, lambda: tt.zeros((tt.constant(np.int64(-2)) * 1,))),
    "bad gather": (IndexError, lambda: tt.constant(V3)[tt.constant(np.array([0, 9]))]),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_of_constants(mode, name):
    """Constants are folded while compiling; what fails then must fail when it is run, as the expression says."""
    kind, make = CONSTANT[name]
    with pytest.raises(kind) as caught:
        theano.function([], make() * 2, mode=mode)()
    assert len(str(caught.value).splitlines()) <= 25


def test_with_test_values():
    with theano.config.change_flags(compute_test_value="raise"):
        a, b = tt.dvector("a"), tt.dvector("b")
        a.tag.test_value, b.tag.test_value = V2, V3
        with pytest.raises(ValueError, match=r"test_other_places") as caught:
            a + b
        assert "(2,)" in str(caught.value) and "(3,)" in str(caught.value)
        with pytest.raises(AttributeError, match="nothing"):
            tt.exp(tt.dvector("nothing"))


@theano.as_op(itypes=[tt.dvector], otypes=[tt.dvector])
def lookup(value):
    return {}["the key"]


def test_key_errors_can_be_read(mode):
    """str(KeyError) is the repr of its argument: the report goes beside it."""
    f = theano.function([x], lookup(x) + 1, mode=mode)
    with pytest.raises(KeyError) as caught:
        f(V2)
    assert caught.value.args == ("the key",)
    (note,) = caught.value.__notes__
    assert "lookup" in note and HERE in note and "HINT" in note and 4 <= len(note.splitlines()) <= 25


def test_after_set_value_none(mode):
    """None frees the memory of a shared value; the next call says which value is missing."""
    s = theano.shared(V3, "weights")
    f = theano.function([x], x + s, mode=mode)
    s.set_value(None)
    with pytest.raises(TypeError, match="weights"):
        f(V3)
    s.set_value(V3)
    assert f(V3).tolist() == [2.0, 2.0, 2.0]


def test_errors_from_several_threads(mode):
    from concurrent.futures import ThreadPoolExecutor

    f = theano.function([x, y], tt.exp(x + y).sum(), mode=mode)

    def work(k):
        if k % 2:
            return fails_well(f, [V2, V3], ValueError, file=HERE, mentions=["x + y"])
        return float(f(V2, V2))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(200)))
    assert {r for k, r in enumerate(results) if k % 2 == 0} == {float(f(V2, V2))}
    assert len({r for k, r in enumerate(results) if k % 2}) == 1
