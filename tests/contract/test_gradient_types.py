"""Gradients of reductions, indexing and products have the dtype and the broadcast pattern of what they belong to."""

import numpy as np
import pytest
from agreement import sample, variables

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate

ONE = {
    "sum": T.sum, "prod": T.prod, "mean": lambda x: T.mean(x, 0), "var": lambda x: T.var(x, 1),
    "std": lambda x: T.std(x, ddof=1), "cumsum": lambda x: T.cumsum(x, 1), "cumprod": lambda x: T.cumprod(x, 0),
    "row": lambda x: x[1], "slice": lambda x: x[::-1, 1:], "rows": lambda x: x[[0, 0]],
    "columns": lambda x: x[:, [1, 2]], "mask": lambda x: x[np.array([True, False, True])],
    "take": lambda x: T.take(x, [5, 2]), "diff": T.diff,
    "repeat": lambda x: T.repeat(x, 2, 0), "repeat each": lambda x: T.repeat(x, [1, 2, 0], 0),
    "set": lambda x: T.set_subtensor(x[0], 2), "inc": lambda x: T.inc_subtensor(x[:, [0, 0]], 2),
    "trace": lambda x: T.einsum("ii", x[:, :3]), "diagonal": lambda x: T.fill_diagonal(x, 1),
    "inner": lambda x: T.dot(x, x.T), "batched": lambda x: T.batched_dot(x, x),
    "tensordot": lambda x: T.tensordot(x, x, 2), "outer": lambda x: T.outer(x, x),
}
REAL = {
    "max": T.max, "min": lambda x: T.min(x, 1), "ptp": lambda x: T.ptp(x, 0), "sort": T.sort, "cov": T.cov,
    "topk": lambda x: T.topk(x, 2), "both": lambda x: T.max_and_argmax(x, 1)[0], "nonzero": T.nonzero_values,
    "choose": lambda x: T.choose([0, 1, 2, 0], x),
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128", "int8", "uint8", "bool"])
@pytest.mark.parametrize("name", [*ONE, *REAL])
def test_gradient_types(name, dtype):
    if dtype.startswith("complex") and name in REAL:
        pytest.skip("has no meaning for complex numbers")
    if dtype == "bool" and name in ("ptp", "diagonal", "set", "inc"):
        pytest.skip("bool has no differences, and holds no number")
    array = sample(dtype, (3, 4))
    (x,) = variables([array])
    out = (ONE | REAL)[name](x)
    cost = T.sum(T.cast(T.real(out) if dtype.startswith("complex") else out, "float32"))
    g = theano.grad(cost, x)
    assert g.type.broadcastable == x.type.broadcastable
    assert g.dtype == (dtype if dtype not in T.discrete_dtypes else g.dtype) and g.dtype not in T.discrete_dtypes
    (value,) = evaluate([g], {x: array})
    assert value.shape == array.shape and np.isfinite(value).all()


@pytest.mark.parametrize("a, b", [
    ("float32", "float64"), ("float64", "float32"), ("int8", "float32"), ("float64", "complex64"),
])
def test_gradients_of_mixed_dtypes(a, b):
    arrays = [sample(a, (3, 4)), sample(b, (4, 2), 1)]
    x, y = variables(arrays)
    cost = T.sum(T.real(T.dot(x, y)) if b.startswith("complex") else T.dot(x, y))
    gx, gy = theano.grad(cost, [x, y])
    assert gx.dtype == (a if a != "int8" else gx.dtype) and gx.dtype not in T.discrete_dtypes
    assert gy.dtype == b
    values = evaluate([gx, gy], {x: arrays[0], y: arrays[1]})
    np.testing.assert_allclose(values[0], np.broadcast_to(arrays[1].sum(1).real, (3, 4)), rtol=1e-5)
    np.testing.assert_allclose(values[1], np.broadcast_to(arrays[0].sum(0)[:, None], (4, 2)), rtol=1e-5)


def test_gradients_of_complex_products_follow_the_convention():
    """The gradient of a real cost by x is d/dRe(x) + i d/dIm(x)."""
    arrays = [sample("complex128", (2, 3)), sample("complex128", (3, 2), 1)]
    x, y = variables(arrays)
    for build in (T.dot, lambda a, b: T.batched_dot(a.dimshuffle("x", 0, 1), b.dimshuffle("x", 0, 1)),
                  lambda a, b: T.prod(a, 1), lambda a, b: T.cumprod(a, 1)):
        out = build(x, y)
        cost = T.sum(T.real(out)) + 2 * T.sum(T.imag(out))
        (g,) = evaluate([theano.grad(cost, x)], {x: arrays[0], y: arrays[1]})
        step = 1e-6
        for place in np.ndindex(2, 3):
            slopes = []
            for direction in (step, 1j * step):
                ends = []
                for sign in (1, -1):
                    moved = arrays[0].copy()
                    moved[place] += sign * direction
                    ends.append(evaluate([cost], {x: moved, y: arrays[1]})[0])
                slopes.append((ends[0] - ends[1]) / (2 * step))
            np.testing.assert_allclose(g[place], slopes[0] + 1j * slopes[1], rtol=1e-6, atol=1e-8)
