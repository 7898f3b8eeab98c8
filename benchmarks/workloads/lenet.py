"""A training step of LeNet, float32: batch 64 of 28 × 28, 20 filters 5 × 5, pool 2, 50 filters 5 × 5, pool 2,
500 tanh units, softmax of 10; loss, all gradients, and a step of gradient descent."""

import numpy as np

TITLE = "LeNet training step, batch 64, float32"
REFERENCE, TOLERANCE = "torch", 1e-3
BARS = {"torch": 1.2}
RATE = 0.01
SHAPES = [(20, 1, 5, 5), (20,), (50, 20, 5, 5), (50,), (800, 500), (500,), (500, 10), (10,)]


def inputs():
    rng = np.random.default_rng(0)
    found = {"x": rng.normal(size=(64, 1, 28, 28)), "y": rng.integers(0, 10, 64)}
    for k, shape in enumerate(SHAPES):
        fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        found[f"p{k}"] = rng.normal(size=shape) * (0.0 if len(shape) == 1 else fan_in**-0.5)
    return {name: v if v.dtype == np.int64 else v.astype("float32") for name, v in found.items()}


def theano(x, y, **parameters):
    import theano
    import theano.tensor as T
    from theano.tensor.nnet import conv2d
    from theano.tensor.signal.pool import pool_2d

    shared = [theano.shared(np.array(v)) for v in parameters.values()]
    w1, b1, w2, b2, w3, b3, w4, b4 = shared
    sx, sy = T.ftensor4("x"), T.lvector("y")

    def layer(image, w, b):
        return T.tanh(pool_2d(conv2d(image, w, filter_flip=False), (2, 2), ignore_border=True) + b[:, None, None])

    hidden = T.tanh(T.dot(layer(layer(sx, w1, b1), w2, b2).flatten(2), w3) + b3)
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(hidden, w4) + b4), sy).mean()
    rate = np.float32(RATE)
    updates = [(p, p - rate * g) for p, g in zip(shared, theano.grad(loss, shared))]
    f = theano.function([sx, sy], loss, updates=updates)
    return lambda: [f(x, y)]


def torch(x, y, **parameters):
    import torch
    from torch.nn.functional import conv2d, cross_entropy, max_pool2d

    weights = [torch.tensor(v, requires_grad=True) for v in parameters.values()]
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    tx, ty = torch.tensor(x), torch.tensor(y)

    def layer(image, w, b):
        return torch.tanh(max_pool2d(conv2d(image, w), 2) + b[:, None, None])

    def run():
        hidden = torch.tanh(layer(layer(tx, w1, b1), w2, b2).flatten(1) @ w3 + b3)
        loss = cross_entropy(hidden @ w4 + b4, ty)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for p, g in zip(weights, gradients):
                p.sub_(g, alpha=RATE)
        return [loss.detach().numpy()]

    return run


def jax(x, y, **parameters):
    import jax
    import jax.numpy as jnp
    from jax import lax

    def layer(image, w, b):
        out = lax.conv(image, w, (1, 1), "VALID")
        out = lax.reduce_window(out, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return jnp.tanh(out + b[:, None, None])

    def cost(p, image, label):
        w1, b1, w2, b2, w3, b3, w4, b4 = p
        features = layer(layer(image, w1, b1), w2, b2).reshape(image.shape[0], -1)
        scores = jax.nn.log_softmax(jnp.tanh(features @ w3 + b3) @ w4 + b4)
        return -jnp.take_along_axis(scores, label[:, None], 1).mean()

    @jax.jit
    def step(p, image, label):
        loss, gradients = jax.value_and_grad(cost)(p, image, label)
        return loss, [v - RATE * g for v, g in zip(p, gradients)]

    jx, jy = jnp.asarray(x), jnp.asarray(y)
    state = [[jnp.asarray(v) for v in parameters.values()]]

    def run():
        loss, state[0] = step(state[0], jx, jy)
        state[0][0].block_until_ready()
        return [loss]

    return run
