"""Ops that bring their own runtime, `make_thunk`, and programs that run thunks themselves."""

import pickle
import threading

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.gof import COp

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]


class Scaled(theano.Op):
    """factor * x + y, by a thunk of its own."""

    __props__ = ("factor",)
    itypes = [T.dvector, T.dvector]
    otypes = [T.dvector]
    made = 0

    def __init__(self, factor):
        self.factor = factor

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        type(self).made += 1
        x, y = (storage_map[v] for v in node.inputs)
        (z,) = (storage_map[v] for v in node.outputs)

        def thunk():
            z[0] = self.factor * x[0] + y[0]
            compute_map[node.outputs[0]][0] = True

        return thunk

    def grad(self, inputs, gradients):
        (g,) = gradients
        return [self.factor * g, g]


class Lazy(Scaled):
    """Asks for its inputs one by one."""

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        run = super().make_thunk(node, storage_map, compute_map, no_recycling)
        wanted = [0, 1]
        state = []

        def thunk():
            if len(state) < len(wanted):
                state.append(None)
                return [len(state) - 1]
            state.clear()
            return run()

        thunk.lazy = True
        return thunk


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("op", [Scaled(3.0), Lazy(3.0)], ids=["plain", "lazy"])
def test_in_functions(op, mode):
    x, y = T.dvectors("x", "y")
    z = op(T.exp(x), y)
    f = theano.function([x, y], [z * 2, theano.grad(z.sum(), x), op(x, x)], mode=mode)
    a, b = np.array([0.0, 1.0]), np.array([5.0, 6.0])
    for _ in range(3):
        for got, want in zip(f(a, b), [2 * (3 * np.exp(a) + b), 3 * np.exp(a), 4 * a]):
            np.testing.assert_allclose(got, want)


def test_it_is_made_once():
    x, y = T.dvectors("x", "y")
    f = theano.function([x, y], Scaled(2.0)(x, y))
    before = Scaled.made
    for _ in range(5):
        f([1.0], [2.0])
    assert Scaled.made == before + 1


def test_many_threads():
    x, y = T.dvectors("x", "y")
    f = theano.function([x, y], Scaled(2.0)(x, y) * 1.0)
    wrong = []

    def work(k):
        for n in range(300):
            a = np.full(5, float(k * n))
            if not np.array_equal(f(a, a), 3 * a):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_errors_and_pickles():
    class Fails(Scaled):
        def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
            def thunk():
                raise ValueError("no good")

            return thunk

    class Never(Scaled):
        def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
            return lambda: [0]

    x = T.dvector("x")
    for mode in ("FAST_RUN", "reference"):
        with pytest.raises(ValueError, match="no good"):
            theano.function([x], Fails(1.0)(x, x), mode=mode)([1.0])
        with pytest.raises(RuntimeError, match="again and again"):
            theano.function([x], Never(1.0)(x, x), mode=mode)([1.0])
    f = theano.function([x], Scaled(2.0)(x, x))
    assert f([1.0]).tolist() == pickle.loads(pickle.dumps(f))([1.0]).tolist() == [3]


class Test_thunks_of_any_op:
    def storage(self, node, *values):
        storage = {v: [None] for v in (*node.inputs, *node.outputs)}
        for v, value in zip(node.inputs, values):
            storage[v][0] = value
        return storage, {v: [False] for v in storage}

    def test_of_the_librarys(self):
        node = T.exp(T.dvector()).owner
        storage, computed = self.storage(node, np.zeros(2))
        node.op.prepare_node(node, storage, computed, "py")
        thunk = node.op.make_thunk(node, storage, computed, [])
        thunk()
        assert storage[node.outputs[0]][0].tolist() == [1, 1] and computed[node.outputs[0]] == [True]
        assert thunk.inputs == [storage[node.inputs[0]]] and thunk.outputs == [storage[node.outputs[0]]]
        assert thunk.lazy is False

    def test_of_a_users(self):
        node = Scaled(2.0)(T.dvector(), T.dvector()).owner
        storage, computed = self.storage(node, np.ones(1), np.ones(1))
        node.op.make_thunk(node, storage, computed, [])()
        assert storage[node.outputs[0]][0].tolist() == [3]
        with pytest.raises(NotImplementedError, match="lowerings"):
            node.op.make_c_thunk(node, storage, computed, [])


def test_c_code_from_files_is_refused_with_a_remedy():
    class FromFile(COp):
        def __init__(self):
            super().__init__("code.c", "APPLY_SPECIFIC(run)")

    with pytest.raises(NotImplementedError, match=r"FromFile takes its code from C files \(code.c\).*perform.*@lowers"):
        FromFile()
