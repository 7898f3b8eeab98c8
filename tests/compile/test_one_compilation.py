"""Shapes are run-time values: one compilation serves all of them, and equal kernels share code."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import kernel_code, runtime, target


@pytest.fixture
def modules(monkeypatch):
    """The LLVM modules compiled from here on; the run-time system has its final form already."""
    m, v = T.dmatrix(), T.dvector()
    for rows in (1, 10, 50):  # code for thin matrices is made when the first of them turn up
        theano.function([m, v], T.dot(m, v))(np.ones((rows, 50)), np.ones(50))
    runtime.runtime().upgrade()
    made = []
    compile_module = target.Code.__init__

    def counted(self, text, *args, **kwargs):
        made.append(text)
        compile_module(self, text, *args, **kwargs)

    monkeypatch.setattr(target.Code, "__init__", counted)
    return made


def test_a_thousand_shapes_one_compilation(modules):
    a, b = T.dmatrix(), T.dvector()
    f = theano.function([a, b], [(a * b).sum(1), T.tanh(a.T) - b[:, None], T.dot(a, b)])
    compiled = len(modules)
    rng = np.random.default_rng(0)
    shapes = set()
    while len(shapes) < 1000:
        shape = tuple(int(n) for n in rng.integers(0, 60, 2))
        shapes.add(shape)
        x, y = rng.standard_normal(shape), rng.standard_normal(shape[1])
        total, difference, product = f(x, y)
        np.testing.assert_allclose(total, (x * y).sum(1), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(difference, np.tanh(x.T) - y[:, None], rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(product, x @ y, rtol=1e-12, atol=1e-12)
    assert len(modules) == compiled


def test_equal_kernels_are_compiled_once(modules):
    x, y = T.dvector("x"), T.dvector("y")
    theano.function([x], T.sinh(x) * 3.25)
    compiled = len(modules)
    theano.function([y], T.sinh(y) * 3.25)
    assert len(modules) == compiled > 0


def test_known_kernels_are_found_while_others_are_compiled(modules):
    """A thread that needs nothing new does not wait for one that compiles."""
    x = T.dvector()
    theano.function([x], T.cosh(x) * 7.5)
    known = len(modules)
    done = []

    def compile_again():
        f = theano.function([x], T.cosh(x) * 7.5)
        done.append(f(np.ones(2))[0])

    with kernel_code._lock:  # as while another thread compiles
        thread = threading.Thread(target=compile_again)
        thread.start()
        thread.join(60)
    assert done == [np.cosh(1.0) * 7.5] and len(modules) == known


def test_threads_that_want_one_kernel_compile_it_once(modules):
    start = threading.Barrier(8)
    found = []

    def work():
        x = T.dvector()
        start.wait()
        found.append(theano.function([x], x * x * 8.125 + 3 * x)(np.ones(3))[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [11.125] * 8 and len(modules) == 1
