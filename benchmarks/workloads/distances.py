"""Squared distances of all pairs of two sets of a thousand points, in 3, 10 and 100 dimensions."""

import numpy as np

TITLE = "squared distances of 1000 × 1000 points"
REFERENCE, TOLERANCE = "numpy", 1e-5
BARS = {"best": 1.0}
CASES = ["float32, 3 dimensions", "float32, 10 dimensions", "float64, 10 dimensions", "float64, 100 dimensions"]


def inputs(case):
    dtype, dimensions, _ = case.replace(",", "").split()
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(1000, int(dimensions))).astype(dtype) for name in "xy"}


def numpy(x, y):
    return lambda: [((x[:, None] - y[None]) ** 2).sum(axis=2)]


def theano(x, y):
    import theano
    import theano.tensor as T

    u, v = (T.matrix(name, dtype=x.dtype.name) for name in "xy")
    f = theano.function([u, v], T.sqr(u.dimshuffle(0, "x", 1) - v.dimshuffle("x", 0, 1)).sum(axis=2))
    return lambda: [f(x, y)]


def torch(x, y):
    import torch

    a, b = torch.tensor(x), torch.tensor(y)
    return lambda: [((a[:, None] - b[None]) ** 2).sum(2)]


def jax(x, y):
    import jax
    import jax.numpy as jnp

    f = jax.jit(lambda a, b: ((a[:, None] - b[None]) ** 2).sum(2))
    a, b = jnp.asarray(x), jnp.asarray(y)
    return lambda: [f(a, b).block_until_ready()]
