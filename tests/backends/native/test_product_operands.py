"""Operands of products that BLAS cannot read where they lie: copies of them give the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T

LAYOUTS = ["rows", "columns", "every second", "backward", "wide rows", "one row"]


def laid(values: Any, layout: str) -> Any:
    """The same values in another place; "one row" repeats what comes first along the first axis with stride 0."""
    if layout == "columns":
        return np.asfortranarray(values.swapaxes(-1, 0)).swapaxes(-1, 0) if values.ndim == 3 else values.T.copy().T
    if layout == "every second":
        room = np.full([2 * n for n in values.shape], np.nan, values.dtype)
        inner = room[(slice(None, None, 2),) * values.ndim]
        inner[...] = values
        return inner
    if layout == "backward":
        return np.flip(np.flip(values).copy())
    if layout == "wide rows":
        room = np.full((*values.shape[:-1], values.shape[-1] + 5), np.nan, values.dtype)
        room[..., : values.shape[-1]] = values
        return room[..., : values.shape[-1]]
    if layout == "one row" and len(values):
        return np.broadcast_to(values[0], values.shape)
    return values


def numbers(rng: np.random.RandomState, dtype: str, *shape: int) -> Any:
    return rng.randint(-4, 5, size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("m", "k", "n"),
    [(40, 37, 50), (130, 100, 90), (1, 60, 60), (60, 1, 60), (60, 60, 1), (0, 5, 4), (5, 0, 4), (4, 5, 0)],
)
def test_all_layouts_of_all_operands(m: int, k: int, n: int, dtype: str) -> None:
    rng = np.random.RandomState(m + k)
    a, b, v, w = (T.TensorType(dtype, (False,) * ndim)() for ndim in (2, 2, 1, 1))
    f = theano.function([a, b, v, w], [T.dot(a, b), T.dot(a, v), T.dot(v, b), T.dot(w, w), T.outer(v, w)])
    added = theano.function([a, b, v, w], [T.dot(a, b) * 2 + T.outer(w, T.dot(v, b)), w - T.dot(a, v)])
    for one in LAYOUTS:
        for other in LAYOUTS:
            x, y = laid(numbers(rng, dtype, m, k), one), laid(numbers(rng, dtype, k, n), other)
            p, q = laid(numbers(rng, dtype, k), other), laid(numbers(rng, dtype, m), one)
            # small integers: every order of summation gives the same bits
            for found, wanted in zip(f(x, y, p, q), (x @ y, x @ p, p @ y, q @ q, np.outer(p, q)), strict=True):
                assert found.dtype == dtype
                np.testing.assert_array_equal(found, wanted)
            found, rest = added(x, y, p, q)
            np.testing.assert_array_equal(found, x @ y * 2 + np.outer(q, p @ y))
            np.testing.assert_array_equal(rest, q - x @ p)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("count", "m", "k", "n"), [(3, 40, 37, 50), (2, 3, 4, 5), (0, 3, 4, 5), (2, 3, 0, 5), (1, 1, 60, 60)]
)
def test_all_layouts_of_stacks(count: int, m: int, k: int, n: int, dtype: str) -> None:
    rng = np.random.RandomState(m + k)
    a, b = T.TensorType(dtype, (False,) * 3)(), T.TensorType(dtype, (False,) * 3)()
    f = theano.function([a, b], T.batched_dot(a, b))
    for one in LAYOUTS:
        for other in LAYOUTS:
            x, y = laid(numbers(rng, dtype, count, m, k), one), laid(numbers(rng, dtype, count, k, n), other)
            np.testing.assert_array_equal(f(x, y), x @ y)


@pytest.mark.parametrize("layout", LAYOUTS[:5])
def test_what_a_product_is_added_to_in_its_own_memory(layout: str) -> None:
    rng = np.random.RandomState(3)
    start = numbers(rng, "float64", 40, 50)
    x, y, p, q = (numbers(rng, "float64", *shape) for shape in ((40, 30), (30, 50), (40,), (50,)))
    a, b, v, w = T.dmatrix(), T.dmatrix(), T.dvector(), T.dvector()
    shared = theano.shared(laid(start.copy(), layout), borrow=True)
    changes = (shared + T.dot(a, b), shared + T.outer(v, w), T.set_subtensor(shared[::-1, 3], T.dot(shared, w)))
    wanted = start.copy()
    for number, change in enumerate(changes):
        f = theano.function([a, b, v, w], [], updates=[(shared, change)], on_unused_input="ignore")
        f(x, y, p, q)
        if number == 0:
            wanted += x @ y
        elif number == 1:
            wanted += np.outer(p, q)
        else:
            wanted[::-1, 3] = wanted @ q
        np.testing.assert_array_equal(shared.get_value(), wanted)
