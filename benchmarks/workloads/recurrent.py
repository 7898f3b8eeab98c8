"""LSTM and GRU over 100 steps, 50 inputs, 100 hidden units, float32: the mean of the squares of all hidden states, and
its gradient by all parameters. PyTorch's are its own `nn.LSTM` and `nn.GRU`; JAX's are `lax.scan`, jitted, with the
products of the inputs before the loop. All use the formulas of PyTorch's documentation, gates in its order."""

import numpy as np

TITLE = "float32, 100 steps, 100 hidden"
REFERENCE, TOLERANCE = "numpy", 2e-4
BARS = {"best": 1.0}
STEPS, INPUTS, HIDDEN = 100, 50, 100
CASES = [
    f"{cell} {way}, batch {batch}" for cell in ("LSTM", "GRU") for way in ("forward", "gradient") for batch in (1, 32)
]


def inputs(case):
    cell, way, batch = case.replace(",", "").replace("batch ", "").split()
    rng = np.random.default_rng(0)
    wide = HIDDEN * {"LSTM": 4, "GRU": 3}[cell]
    found = {
        "x": rng.normal(size=(STEPS, int(batch), INPUTS)),
        "wx": rng.normal(size=(INPUTS, wide)) * 0.1, "wh": rng.normal(size=(HIDDEN, wide)) * 0.1,
        "bx": rng.normal(size=wide) * 0.1, "bh": rng.normal(size=wide) * 0.1,
    }  # fmt: skip
    return {"cell": cell, "gradient": way == "gradient", **{k: v.astype("float32") for k, v in found.items()}}


def part(v, k):
    return v[:, k * HIDDEN : (k + 1) * HIDDEN]


def numpy(cell, gradient, **arrays):
    """The reference: in float64, backwards by hand."""
    x, wx, wh, bx, bh = (v.astype("float64") for v in arrays.values())

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    def lstm():
        h = c = np.zeros((x.shape[1], HIDDEN))
        kept = []
        for x_t in x:
            a = x_t @ wx + bx + h @ wh + bh
            i, f, g, o = sigmoid(part(a, 0)), sigmoid(part(a, 1)), np.tanh(part(a, 2)), sigmoid(part(a, 3))
            before, c = (h, c), f * c + i * g
            h = o * np.tanh(c)
            kept.append((*before, i, f, g, o, c, h))
        return kept

    def lstm_back(kept):
        size = len(kept) * kept[0][-1].size
        d_h, d_c = np.zeros_like(kept[0][-1]), 0.0
        for x_t, (h0, c0, i, f, g, o, c, h) in zip(x[::-1], kept[::-1], strict=True):
            d_h = d_h + 2 * h / size
            d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
            d = d_c * g * i * (1 - i), d_c * c0 * f * (1 - f), d_c * i * (1 - g * g), d_h * np.tanh(c) * o * (1 - o)
            d_a = np.concatenate(d, 1)
            yield x_t, h0, d_a, d_a
            d_h, d_c = d_a @ wh.T, d_c * f

    def gru():
        h = np.zeros((x.shape[1], HIDDEN))
        kept = []
        for x_t in x:
            a, b = x_t @ wx + bx, h @ wh + bh
            r, z = sigmoid(part(a, 0) + part(b, 0)), sigmoid(part(a, 1) + part(b, 1))
            n = np.tanh(part(a, 2) + r * part(b, 2))
            before, h = h, (1 - z) * n + z * h
            kept.append((before, r, z, n, part(b, 2), h))
        return kept

    def gru_back(kept):
        size = len(kept) * kept[0][-1].size
        d_h = np.zeros_like(kept[0][-1])
        for x_t, (h0, r, z, n, b, h) in zip(x[::-1], kept[::-1], strict=True):
            d_h = d_h + 2 * h / size
            d_n, d_z = d_h * (1 - z) * (1 - n * n), d_h * (h0 - n) * z * (1 - z)
            d_r = d_n * b * r * (1 - r)
            d_b = np.concatenate((d_r, d_z, d_n * r), 1)
            yield x_t, h0, np.concatenate((d_r, d_z, d_n), 1), d_b
            d_h = d_b @ wh.T + d_h * z

    forward, back = (lstm, lstm_back) if cell == "LSTM" else (gru, gru_back)

    def run():
        kept = forward()
        loss = np.mean([k[-1] ** 2 for k in kept])
        if not gradient:
            return [loss]
        sums = [0.0] * 4
        for x_t, h0, d_a, d_b in back(kept):
            sums = [s + v for s, v in zip(sums, (x_t.T @ d_a, h0.T @ d_b, d_a.sum(0), d_b.sum(0)), strict=True)]
        return [loss, *sums]

    return run


def theano(cell, gradient, x, **parameters):
    import theano
    import theano.tensor as T

    sx, wx, wh = T.tensor3("x", "float32"), T.fmatrix("wx"), T.fmatrix("wh")
    bx, bh = T.fvector("bx"), T.fvector("bh")
    zeros = T.zeros((sx.shape[1], HIDDEN), "float32")

    def lstm(x_t, h, c, wx, wh, bx, bh):
        a = T.dot(x_t, wx) + bx + T.dot(h, wh) + bh
        i, f, o = (T.nnet.sigmoid(part(a, k)) for k in (0, 1, 3))
        c = f * c + i * T.tanh(part(a, 2))
        return o * T.tanh(c), c

    def gru(x_t, h, wx, wh, bx, bh):
        a, b = T.dot(x_t, wx) + bx, T.dot(h, wh) + bh
        r, z = (T.nnet.sigmoid(part(a, k) + part(b, k)) for k in (0, 1))
        n = T.tanh(part(a, 2) + r * part(b, 2))
        return (1 - z) * n + z * h

    weights = [wx, wh, bx, bh]
    step, states = (lstm, [zeros, zeros]) if cell == "LSTM" else (gru, [zeros])
    found, _ = theano.scan(step, sx, states, weights)
    loss = T.mean((found[0] if cell == "LSTM" else found) ** 2)
    results = [loss, *theano.grad(loss, weights)] if gradient else [loss]
    f = theano.function([sx, *weights], results)
    values = [x, *parameters.values()]
    return lambda: f(*values)


def torch(cell, gradient, x, wx, wh, bx, bh):
    import torch

    module = getattr(torch.nn, cell)(INPUTS, HIDDEN)
    tx = torch.tensor(x)
    weights = [module.weight_ih_l0, module.weight_hh_l0, module.bias_ih_l0, module.bias_hh_l0]
    with torch.no_grad():
        for parameter, value in zip(weights, (wx.T, wh.T, bx, bh), strict=True):
            parameter.copy_(torch.tensor(value))

    def run():
        if not gradient:
            with torch.no_grad():
                return [(module(tx)[0] ** 2).mean().numpy()]
        loss = (module(tx)[0] ** 2).mean()
        d_wx, d_wh, d_bx, d_bh = torch.autograd.grad(loss, weights)
        return [loss.detach().numpy(), d_wx.T.numpy(), d_wh.T.numpy(), d_bx.numpy(), d_bh.numpy()]

    return run


def jax(cell, gradient, x, **parameters):
    import jax
    import jax.numpy as jnp
    from jax import lax

    def lstm(state, a, wh):
        h, c = state
        a = a + h @ wh
        i, f, o = (jax.nn.sigmoid(part(a, k)) for k in (0, 1, 3))
        c = f * c + i * jnp.tanh(part(a, 2))
        h = o * jnp.tanh(c)
        return (h, c), h

    def gru(h, a, wh, bh):
        b = h @ wh + bh
        r, z = (jax.nn.sigmoid(part(a, k) + part(b, k)) for k in (0, 1))
        n = jnp.tanh(part(a, 2) + r * part(b, 2))
        h = (1 - z) * n + z * h
        return h, h

    def loss(weights, x):
        wx, wh, bx, bh = weights
        zeros = jnp.zeros((x.shape[1], HIDDEN), x.dtype)
        if cell == "LSTM":
            _, states = lax.scan(lambda s, a: lstm(s, a, wh), (zeros, zeros), x @ wx + (bx + bh))
        else:
            _, states = lax.scan(lambda s, a: gru(s, a, wh, bh), zeros, x @ wx + bx)
        return jnp.mean(states**2)

    f = jax.jit(jax.value_and_grad(loss) if gradient else loss)
    weights, jx = [jnp.asarray(v) for v in parameters.values()], jnp.asarray(x)

    def run():
        found = jax.block_until_ready(f(weights, jx))
        return [found[0], *found[1]] if gradient else [found]

    return run
