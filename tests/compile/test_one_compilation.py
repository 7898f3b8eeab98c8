"""Shapes are run-time values: one compilation serves all of them, and equal kernels share code."""

from __future__ import annotations

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import runtime, target


@pytest.fixture
def modules(monkeypatch):
    """The LLVM modules compiled from here on; the run-time system has its final form already."""
    theano.function([], T.constant(1.0))
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
