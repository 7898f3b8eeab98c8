"""The gradient of a gather of 4096 rows from a table of 10000 × 128: rows added into zeros, float32."""

import numpy as np

TITLE = "4096 rows added into 10000×128 zeros, float32"
REFERENCE, TOLERANCE = "numpy", 1e-5
BARS = {"best": 1.0}


def inputs():
    rng = np.random.default_rng(0)
    return {"values": rng.normal(size=(4096, 128)).astype("float32"), "rows": rng.integers(0, 10000, 4096)}


def numpy(values, rows):
    def run():
        out = np.zeros((10000, 128), "float32")
        np.add.at(out, rows, values)
        return [out]

    return run


def theano(values, rows):
    import theano
    import theano.tensor as T

    v, r = T.fmatrix("values"), T.lvector("rows")
    f = theano.function([v, r], [T.inc_subtensor(T.zeros((10000, 128), "float32")[r], v)])
    return lambda: f(values, rows)


def torch(values, rows):
    import torch

    v, r = torch.tensor(values), torch.tensor(rows)
    return lambda: [torch.zeros(10000, 128).index_add_(0, r, v).numpy()]


def jax(values, rows):
    import jax
    import jax.numpy as jnp

    v, r = jnp.asarray(values), jnp.asarray(rows)
    f = jax.jit(lambda v, r: jnp.zeros((10000, 128), "float32").at[r].add(v))
    return lambda: [f(v, r).block_until_ready()]
