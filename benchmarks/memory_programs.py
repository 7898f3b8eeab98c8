"""Programs whose memory `peer_memory.py` measures: of each a dictionary {system: arrays -> compiled function of them}.

The functions take and give what the system works with; `arrays(size)` makes the inputs, `size` 1 the smallest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class MemoryProgram(NamedTuple):
    title: str
    large: int                                             # the size that is measured
    arrays: Callable[[int], list[np.ndarray]]
    systems: dict[str, Callable[[], Callable[..., Any]]]   # system -> what makes the function


def normals(*shapes: tuple[int, ...], dtype: str = "float32") -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape, dtype=dtype) for shape in shapes]  # type: ignore[arg-type]


# ---- 2*a + 3*b - a*b / (1 + a*a) -----------------------------------------------------------------------------------


def rational(a: Any, b: Any) -> Any:
    return 2 * a + 3 * b - a * b / (1 + a * a)


def theano_rational() -> Callable[..., Any]:
    import theano
    import theano.tensor as T

    a, b = T.dvectors("a", "b")
    return theano.function([a, b], rational(a, b))


def jax_rational() -> Callable[..., Any]:
    import jax

    return jax.jit(rational)


# ---- cross-entropy of softmax rows, and its gradient ---------------------------------------------------------------


def theano_crossentropy() -> Callable[..., Any]:
    import theano
    import theano.tensor as T

    x, y = T.fmatrix("x"), T.lvector("y")
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean()
    return theano.function([x, y], [loss, theano.grad(loss, x)])


def numpy_crossentropy() -> Callable[..., Any]:
    def run(x: np.ndarray, y: np.ndarray) -> Any:
        rows = np.arange(len(y))
        e = x - x.max(axis=1, keepdims=True)
        np.exp(e, out=e)
        e /= e.sum(axis=1, keepdims=True)
        loss = -np.log(e[rows, y]).mean()
        e[rows, y] -= 1
        e /= x.dtype.type(len(y))
        return loss, e

    return run


def jax_crossentropy() -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def loss(x: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

    return jax.jit(jax.value_and_grad(loss))


def torch_crossentropy() -> Callable[..., Any]:
    import torch

    def run(x: Any, y: Any) -> Any:
        x = x.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x, y)
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    return run


def scores(size: int) -> list[np.ndarray]:
    (x,) = normals((size, 1000))
    return [x, np.arange(size) % 1000]


# ---- squared distances of all pairs --------------------------------------------------------------------------------


def theano_distances() -> Callable[..., Any]:
    import theano
    import theano.tensor as T

    x, y = T.fmatrices("x", "y")
    return theano.function([x, y], T.sqr(x.dimshuffle(0, "x", 1) - y.dimshuffle("x", 0, 1)).sum(axis=2))


def distances(x: Any, y: Any) -> Any:
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(2)


def jax_distances() -> Callable[..., Any]:
    import jax

    return jax.jit(distances)


# ---- a network of three layers: the gradients of all its weights ---------------------------------------------------

WIDTH = 512


def network_arrays(size: int) -> list[np.ndarray]:
    return normals((size, WIDTH), *[(WIDTH, WIDTH)] * 3)


def theano_network() -> Callable[..., Any]:
    import theano
    import theano.tensor as T

    x, *weights = T.fmatrices("x", "u", "v", "w")
    value = x
    for matrix in weights:
        value = T.tanh(T.dot(value, matrix))
    return theano.function([x, *weights], theano.grad(T.sqr(value).mean(), weights))


def jax_network() -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def loss(weights: Any, x: Any) -> Any:
        for matrix in weights:
            x = jnp.tanh(x @ matrix)
        return (x**2).mean()

    gradient = jax.jit(jax.grad(loss))
    return lambda x, *weights: gradient(weights, x)


def torch_network() -> Callable[..., Any]:
    import torch

    def run(x: Any, *weights: Any) -> Any:
        weights = tuple(matrix.detach().requires_grad_() for matrix in weights)
        for matrix in weights:
            x = torch.tanh(x @ matrix)
        return torch.autograd.grad((x**2).mean(), weights)

    return run


# ---- a recurrence: the gradients of its weights and of its inputs --------------------------------------------------

UNITS, BATCH = 64, 64


def recurrence_arrays(size: int) -> list[np.ndarray]:
    w, u = normals((UNITS, UNITS), (size, BATCH, UNITS))
    w /= 8
    return [w, u]


def theano_recurrence() -> Callable[..., Any]:
    import theano
    import theano.tensor as T

    w, u = T.fmatrix("w"), T.ftensor3("u")
    states, _ = theano.scan(lambda u_t, x, w: T.tanh(T.dot(x, w) + u_t), u, T.zeros_like(u[0]), w)
    return theano.function([w, u], theano.grad(T.sqr(states[-1]).mean(), [w, u]))


def jax_recurrence() -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def loss(w: Any, u: Any) -> Any:
        last, _ = jax.lax.scan(lambda x, u_t: (jnp.tanh(x @ w + u_t), None), jnp.zeros_like(u[0]), u)
        return (last**2).mean()

    return jax.jit(jax.grad(loss, (0, 1)))


def torch_recurrence() -> Callable[..., Any]:
    import torch

    def run(w: Any, u: Any) -> Any:
        w, u = w.detach().requires_grad_(), u.detach().requires_grad_()
        x = torch.zeros_like(u[0])
        for u_t in u.unbind():
            x = torch.tanh(x @ w + u_t)
        return torch.autograd.grad((x**2).mean(), (w, u))

    return run


PROGRAMS = {
    "rational": MemoryProgram(
        "`2*a + 3*b - a*b/(1 + a*a)`, n = 1e7, float64", 10**7,
        lambda size: normals((size,), (size,), dtype="float64"),
        {
            "theano": theano_rational, "numpy": lambda: rational, "jax": jax_rational, "torch": lambda: rational,
        },
    ),
    "crossentropy": MemoryProgram(
        "softmax cross-entropy and gradient, 20000×1000, float32", 20_000, scores,
        {
            "theano": theano_crossentropy, "numpy": numpy_crossentropy, "jax": jax_crossentropy,
            "torch": torch_crossentropy,
        },
    ),
    "distances": MemoryProgram(
        "squared distances of 2000 × 2000 points in 20 dimensions, float32", 2000,
        lambda size: normals((size, 20), (size, 20)),
        {
            "theano": theano_distances, "numpy": lambda: distances, "jax": jax_distances, "torch": lambda: distances,
        },
    ),
    "network": MemoryProgram(
        f"three layers of {WIDTH}, batch 20000: gradients of the weights, float32", 20_000, network_arrays,
        {"theano": theano_network, "jax": jax_network, "torch": torch_network},
    ),
    "recurrence": MemoryProgram(
        f"recurrence of 2000 steps, {BATCH}×{UNITS}: gradients of weights and inputs, float32", 2000, recurrence_arrays,
        {"theano": theano_recurrence, "jax": jax_recurrence, "torch": torch_recurrence},
    ),
}  # fmt: skip
