"""4096 rows of a table of 10000 × 128, float32."""

import numpy as np

TITLE = "4096 rows gathered from 10000×128, float32"
REFERENCE, TOLERANCE = "numpy", 0.0
BARS = {"best": 1.0}


def inputs():
    rng = np.random.default_rng(0)
    return {"table": rng.normal(size=(10000, 128)).astype("float32"), "rows": rng.integers(0, 10000, 4096)}


def numpy(table, rows):
    return lambda: [table[rows]]


def theano(table, rows):
    import theano
    import theano.tensor as T

    t, r = T.fmatrix("table"), T.lvector("rows")
    f = theano.function([t, r], [t[r]])
    return lambda: f(table, rows)


def torch(table, rows):
    import torch

    t, r = torch.tensor(table), torch.tensor(rows)
    return lambda: [t[r].numpy()]


def jax(table, rows):
    import jax
    import jax.numpy as jnp

    t, r = jnp.asarray(table), jnp.asarray(rows)
    f = jax.jit(lambda t, r: t[r])
    return lambda: [f(t, r).block_until_ready()]
