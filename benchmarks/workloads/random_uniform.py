"""A million uniform numbers, float64: the counter-based generator beside those of others."""

TITLE = "a million uniform numbers, float64"
REFERENCE, TOLERANCE = "", 0.0
BARS = {"numpy": 0.5}
N = 1_000_000


def inputs():
    return {}


def numpy():
    import numpy as np

    rng = np.random.default_rng(1)
    return lambda: [rng.random(N)]


def theano():
    import theano
    from theano.sandbox.rng_mrg import MRG_RandomStreams

    f = theano.function([], [MRG_RandomStreams(1).uniform((N,), dtype="float64")])
    return lambda: f()


def torch():
    import torch

    return lambda: [torch.rand(N, dtype=torch.float64).numpy()]


def jax():
    import jax

    keys = iter(jax.random.split(jax.random.key(1), 100_000))
    f = jax.jit(lambda key: jax.random.uniform(key, (N,), dtype="float64"))
    return lambda: [f(next(keys)).block_until_ready()]
