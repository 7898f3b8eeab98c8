"""Mean cross-entropy of softmax(x) with integer labels, and its gradient: x is 4000 × 1000, float32."""

import numpy as np

TITLE = "softmax cross-entropy and gradient, 4000×1000, float32"
REFERENCE, TOLERANCE = "numpy", 1e-4
BARS = {"best": 1.0}


def inputs():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(4000, 1000)).astype("float32"), "y": rng.integers(0, 1000, 4000)}


def numpy(x, y):
    rows = np.arange(len(y))

    def run():
        e = x - x.max(axis=1, keepdims=True)
        np.exp(e, out=e)
        e /= e.sum(axis=1, keepdims=True)
        loss = -np.log(e[rows, y]).mean()
        e[rows, y] -= 1
        e /= x.dtype.type(len(y))
        return [loss, e]

    return run


def theano(x, y):
    import theano
    import theano.tensor as T

    sx, sy = T.matrix("x", dtype=x.dtype.name), T.lvector("y")
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(sx), sy).mean()
    f = theano.function([sx, sy], [loss, theano.grad(loss, sx)])
    return lambda: f(x, y)


def torch(x, y):
    import torch

    tx, ty = torch.tensor(x, requires_grad=True), torch.tensor(y)

    def run():
        loss = torch.nn.functional.cross_entropy(tx, ty)
        (by_x,) = torch.autograd.grad(loss, tx)
        return [loss.detach().numpy(), by_x.numpy()]

    return run


def jax(x, y):
    import jax
    import jax.numpy as jnp

    def loss(a, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(a), labels[:, None], 1).mean()

    f = jax.jit(jax.value_and_grad(loss))
    jx, jy = jnp.asarray(x), jnp.asarray(y)

    def run():
        value, by_x = f(jx, jy)
        by_x.block_until_ready()
        return [value, by_x]

    return run
