"""Log-likelihood of a Gaussian process with a squared-exponential kernel, n = 300, and its gradient, float64."""

import numpy as np

TITLE = "Gaussian log-likelihood by Cholesky, n = 300, and gradient, float64"
REFERENCE, TOLERANCE = "numpy", 1e-8
BARS = {"jax": 1.0}
N = 300


def inputs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3))
    return {"x": x, "y": np.sin(x).sum(1) + 0.1 * rng.normal(size=N), "theta": np.array([0.3, -0.2, -1.5])}


def numpy(x, y, theta):
    from scipy.linalg import cho_solve, cholesky

    d2 = ((x[:, None] - x[None]) ** 2).sum(2)

    def run():
        scale, variance, noise = np.exp(theta)
        k = variance * np.exp(-0.5 * d2 / scale**2)
        factor = cholesky(k + noise * np.eye(N), lower=True)
        alpha = cho_solve((factor, True), y)
        value = -0.5 * y @ alpha - np.log(np.diagonal(factor)).sum() - 0.5 * N * np.log(2 * np.pi)
        by_k = 0.5 * (np.outer(alpha, alpha) - cho_solve((factor, True), np.eye(N)))
        terms = [(by_k * k * d2).sum() / scale**2, (by_k * k).sum(), np.trace(by_k) * noise]
        return [value, np.array(terms)]

    return run


def theano(x, y, theta):
    import theano
    import theano.tensor as T
    from theano.tensor.slinalg import cholesky, solve_lower_triangular

    sx, sy, st = T.dmatrix("x"), T.dvector("y"), T.dvector("theta")
    scale, variance, noise = T.exp(st[0]), T.exp(st[1]), T.exp(st[2])
    d2 = ((sx[:, None, :] - sx[None, :, :]) ** 2).sum(axis=2)
    k = variance * T.exp(-0.5 * d2 / scale**2) + noise * T.eye(sx.shape[0])
    factor = cholesky(k)
    half = solve_lower_triangular(factor, sy)
    value = -0.5 * T.dot(half, half) - T.log(T.diag(factor)).sum() - 0.5 * N * np.log(2 * np.pi)
    f = theano.function([sx, sy, st], [value, theano.grad(value, st)])
    return lambda: f(x, y, theta)


def torch(x, y, theta):
    import torch

    tx, ty, tt = torch.tensor(x), torch.tensor(y), torch.tensor(theta, requires_grad=True)

    def run():
        scale, variance, noise = torch.exp(tt)
        d2 = ((tx[:, None] - tx[None]) ** 2).sum(2)
        k = variance * torch.exp(-0.5 * d2 / scale**2) + noise * torch.eye(N, dtype=torch.float64)
        factor = torch.linalg.cholesky(k)
        half = torch.linalg.solve_triangular(factor, ty[:, None], upper=False)[:, 0]
        value = -0.5 * half @ half - torch.log(torch.diagonal(factor)).sum() - 0.5 * N * np.log(2 * np.pi)
        (by_theta,) = torch.autograd.grad(value, tt)
        return [value.detach().numpy(), by_theta.numpy()]

    return run


def jax(x, y, theta):
    import jax
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    def likelihood(t, a, b):
        scale, variance, noise = jnp.exp(t)
        d2 = ((a[:, None] - a[None]) ** 2).sum(2)
        factor = jnp.linalg.cholesky(variance * jnp.exp(-0.5 * d2 / scale**2) + noise * jnp.eye(N))
        half = solve_triangular(factor, b, lower=True)
        return -0.5 * half @ half - jnp.log(jnp.diagonal(factor)).sum() - 0.5 * N * np.log(2 * np.pi)

    f = jax.jit(jax.value_and_grad(likelihood))
    jx, jy, jt = jnp.asarray(x), jnp.asarray(y), jnp.asarray(theta)

    def run():
        value, by_theta = f(jt, jx, jy)
        by_theta.block_until_ready()
        return [value, by_theta]

    return run
