"""Random expressions, evaluated before and after the whole pipeline."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.pipeline import FAST_COMPILE, FAST_RUN, rewrite
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.tensor.shape import Shape_i

UNARY = [T.exp, T.tanh, T.neg, T.sqr, abs, T.nnet.sigmoid, T.nnet.softplus, T.log1p, T.sgn, T.cos,
         lambda x: T.log(1 + T.sqr(x)), lambda x: T.sqrt(abs(x)), lambda x: 1 / (1 + T.exp(-x)), lambda x: x**3,
         lambda x: x * 1, lambda x: x + 0, lambda x: 2 * x, lambda x: x - x, lambda x: x / 2, lambda x: 1 - x,
         lambda x: T.exp(x) - 1, lambda x: T.cast(x, "float32"), lambda x: T.cast(x, "float64"), T.zeros_like,
         T.ones_like, lambda x: T.maximum(x, 0), lambda x: T.clip(x, -1, 1), lambda x: T.exp(-abs(x)) / 3]
BINARY = [T.add, T.sub, T.mul, T.true_div, T.maximum, lambda x, y: T.switch(x > y, x, y), lambda x, y: x * y / x,
          lambda x, y: x + y - x, lambda x, y: T.exp(x) / (T.exp(x) + T.exp(y)), T.fill, lambda x, y: x - 2 * y,
          lambda x, y: T.log(T.exp(x) + T.exp(y)), lambda x, y: T.switch(x > 0, x, 0) * y]

TO_VECTOR = [lambda m, n, w: m[2], lambda m, n, w: m[1:][0], lambda m, n, w: T.dot(m, T.dot(n.T, m))[1],
             lambda m, n, w: m[0:m.shape[0]][2], lambda m, n, w: T.dot(w, T.dot(m.T, n))]
STRUCTURAL = [
    lambda m, n, w: T.set_subtensor(m[1], w), lambda m, n, w: T.inc_subtensor(m[1:], n[1:]),
    lambda m, n, w: T.inc_subtensor(T.zeros_like(m)[[0, 1, 1]], n), lambda m, n, w: T.nnet.softmax(m),
    lambda m, n, w: T.log(T.nnet.softmax(m)), lambda m, n, w: m.reshape((m.shape[0], -1)), lambda m, n, w: m.T.T,
    lambda m, n, w: m.dimshuffle(0, "x", 1).sum(axis=1), lambda m, n, w: T.concatenate([m[:1], n[1:]], axis=0),
    lambda m, n, w: T.alloc(w, m.shape[0], w.shape[0]), lambda m, n, w: m.flatten().reshape((3, 4)),
]


def random_graph(rng: random.Random, steps: int) -> tuple[list[Any], list[Any]]:
    """(inputs, outputs): matrices of (3, 4), vectors and scalars combined at random."""
    X, Y, v, a = T.dmatrix("X"), T.dmatrix("Y"), T.dvector("v"), T.dscalar("a")
    F = T.fmatrix("F")
    matrices, vectors, scalars = [X, Y, F], [v], [a]
    for _ in range(steps):
        kind = rng.randrange(14)
        m, n, w, s = rng.choice(matrices), rng.choice(matrices), rng.choice(vectors), rng.choice(scalars)
        if kind <= 2:
            matrices.append(rng.choice(UNARY)(m))
        elif kind <= 4:
            matrices.append(rng.choice(BINARY)(m, n))
        elif kind == 5:
            matrices.append(rng.choice(BINARY)(m, w))
        elif kind == 6:
            matrices.append(rng.choice(BINARY)(m, s))
        elif kind == 7:
            reduce = rng.choice([T.sum, T.mean, T.max, T.min, T.prod])
            vectors.append(reduce(m, axis=0))
        elif kind == 8:
            matrices.append(m - rng.choice([T.sum, T.mean, T.max])(m, axis=rng.choice([0, 1]), keepdims=True))
        elif kind == 9:
            scalars.append(rng.choice([T.sum, T.mean, T.max])(rng.choice([m, w])))
        elif kind == 10:
            vectors.append(rng.choice(TO_VECTOR)(m, n, w))
        elif kind == 11:
            matrices.append(rng.choice(STRUCTURAL)(m, n, w))
        elif kind == 12:
            scalars.append(T.cast(Shape_i(rng.randrange(2))(m), "float64"))
        else:
            matrices.append(0.5 * T.dot(T.dot(m, n.T), m) + rng.choice(matrices))
    outs = [matrices[-1], rng.choice(matrices), vectors[-1], scalars[-1]]
    if rng.random() < 0.4:
        cost = T.sum(T.tanh(matrices[-1]))
        outs.append(theano.grad(cost, X, disconnected_inputs="ignore"))
    return [X, Y, v, a, F], outs


def sample(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=4), np.asarray(rng.normal()),
            rng.normal(size=(3, 4)).astype("float32")]


def agree(old: np.ndarray, new: np.ndarray, narrow: bool) -> bool:
    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    tolerance = 2e-3 if narrow else 1e-6
    with np.errstate(all="ignore"):
        finite = np.isfinite(old)
        scale = np.max(np.abs(old[finite]), initial=1.0)
        if scale > 1e25:
            return True   # cancellation of huge numbers: nothing can be said
        return bool(np.all(~finite | np.isclose(new, old, rtol=tolerance, atol=tolerance * scale)))


@pytest.mark.parametrize("seed", range(150))
def test_random_graph(seed: int) -> None:
    rng = random.Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inputs, outs = random_graph(rng, rng.choice([4, 8, 14]))
        fgraph = FunctionGraph(inputs, outs)
        values = sample(seed)
        before = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values)))
        size = len(fgraph)
        report = rewrite(fgraph, FAST_RUN if seed % 5 else FAST_COMPILE)
    fgraph.check_integrity()
    assert not any(p.failures for p in report.passes), report.explain()
    assert len(fgraph) <= 4 * size + 40
    after = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values)))
    narrow = True
    for old, new in zip(before, after):
        assert agree(old, new, narrow), f"{report.explain()}\n{old}\n{new}"
