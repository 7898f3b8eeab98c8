"""Graphs to draw."""

import numpy as np
import pytest
from page_reading import NASTY, data_in

import theano
import theano.tensor as T
from theano.d3viz import d3viz


@pytest.fixture
def data_of(tmp_path):
    """d3viz(what, ...) -> the data in the page."""

    def write_and_read(what, *args, **kwargs):
        path = tmp_path / "page_to_read.html"
        d3viz(what, path, *args, **kwargs)
        return data_in(path.read_text(encoding="utf-8"))

    return write_and_read


@pytest.fixture(scope="session")
def training():
    """A step of logistic regression, profiled."""
    x, t = T.dmatrix("x"), T.dvector("t")
    w, b = theano.shared(np.zeros(3), name="w"), theano.shared(0.0, name="b")
    p = T.nnet.sigmoid(T.dot(x, w) + b)
    loss = T.nnet.binary_crossentropy(p, t).mean() + 0.001 * (w**2).sum()
    loss.name = "loss"
    updates = [(q, q - 0.1 * g) for q, g in zip([w, b], theano.grad(loss, [w, b]))]
    profile = theano.ProfileStats(atexit_print=False)
    f = theano.function([x, t], loss, updates=updates, name="training step", profile=profile)
    f(np.ones((4, 3)), np.ones(4))
    return f


@pytest.fixture(scope="session")
def nested():
    """A function with a scan, an op with a graph inside in it, and such an op inside another, applied twice."""
    a, b = T.dvectors("a", "b")
    cell = theano.OpFromGraph([a, b], [T.tanh(a * b) + T.exp(-a)], name="cell")
    u, v = T.dvectors("u", "v")
    pair = theano.OpFromGraph([u, v], [cell(u, v) * 2, cell(v, u).sum()], name="pair")
    x, h0, W = T.dmatrix("x"), T.dvector("h0"), theano.shared(np.eye(3), name="W")
    h, _ = theano.scan(lambda x_t, h: T.tanh(T.dot(h, W) + cell(x_t, h)), sequences=x, outputs_info=h0, name="rnn")
    return theano.function([x, h0], [*pair(h[-1], h0), h.mean()], name="nested")


@pytest.fixture(scope="session")
def nasty():
    """A graph whose names and values would break a page that does not escape them."""
    x = T.dscalar(NASTY)
    y = theano.Constant(theano.generic, NASTY)
    op = theano.as_op([T.dscalar, theano.generic], [T.dscalar])(_keep)
    return theano.function([x], op(x, y), name=NASTY)


def _keep(x, y):
    return x
