"""What goes over the same rows several times: softmax and its kin along every axis, in every layout, with special rows;
and how large the rounding errors of sums are, beside NumPy's pairwise sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.modes import Mode

REFERENCE = Mode("py", None)


def layer_norm(x: Any, axis: int) -> Any:
    middle = x - x.mean(axis=axis, keepdims=True)
    return middle / T.sqrt(T.sqr(middle).mean(axis=axis, keepdims=True) + np.asarray(1e-3, x.dtype))


def rms_norm(x: Any, axis: int) -> Any:
    return x / T.sqrt(T.sqr(x).mean(axis=axis, keepdims=True) + np.asarray(1e-3, x.dtype))


def log_sum_exp(x: Any, axis: int) -> Any:
    return T.log(T.exp(x - x.max(axis=axis, keepdims=True)).sum(axis=axis)) + x.max(axis=axis)


FORMS: dict[str, Callable[[Any, int], Any]] = {
    "softmax": lambda x, axis: T.nnet.softmax(x, axis=axis),
    "log-softmax": lambda x, axis: T.nnet.logsoftmax(x, axis=axis),
    "log-sum-exp": log_sum_exp,
    "variance": lambda x, axis: x.var(axis=axis),
    "deviation": lambda x, axis: x.std(axis=axis),
    "layer norm": layer_norm,
    "rms norm": rms_norm,
}
SHAPES = [(3, 4, 5), (1, 1, 1), (2, 1, 70), (70, 2, 3), (4, 130, 2), (2, 0, 3), (0, 2, 3)]


def layouts(a: np.ndarray) -> list[np.ndarray]:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    middle = np.moveaxis(np.moveaxis(a, 1, 0).copy(), 0, 1)
    return [a, np.asfortranarray(a), np.flip(a), a[:, ::-1], wide[..., ::2], middle]


def both(form: str, axis: int, dtype: str, gradient: bool = False) -> tuple[Any, Any]:
    x = T.tensor3("x", dtype=dtype)
    y = FORMS[form](x, axis)
    outputs = [y, T.grad((y * T.sin(y)).sum(), x)] if gradient else [y]
    return theano.function([x], outputs), theano.function([x], outputs, mode=REFERENCE)


def lengths_allowed(form: str, axis: int, shape: tuple[int, ...]) -> bool:
    """The largest element of nothing is an error."""
    return form != "log-sum-exp" or shape[axis] > 0 or 0 in shape[:axis] + shape[axis + 1 :]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_axis_and_layout(form: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    limit = 1e-11 if dtype == "float64" else 2e-4
    for axis in range(3):
        native, reference = both(form, axis, dtype, gradient=True)
        for shape in SHAPES:
            if not lengths_allowed(form, axis, shape):
                continue
            values = rng.normal(size=shape).astype(dtype)
            for array in layouts(values):
                with np.errstate(all="ignore"):
                    wanted = reference(array)
                for found, want in zip(native(array), wanted, strict=True):
                    np.testing.assert_allclose(found, want, rtol=limit, atol=limit, equal_nan=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_rows(form: str, dtype: str) -> None:
    """Infinities, NaN, numbers whose exponentials overflow, all alike; of every length of row."""
    rng = np.random.default_rng(1)
    inf = np.inf
    for axis in (0, 2):
        native, reference = both(form, axis, dtype)
        for n in (1, 2, 7, 8, 9, 64, 100):
            rows = rng.normal(size=(9, n))
            rows[1], rows[2], rows[3, n // 2], rows[4, -1] = -inf, inf, np.nan, -inf
            # powers of two: the mean of equal ones is exact
            rows[5], rows[6, 0], rows[7], rows[8] = 2.0**100, 2.0**100, -(2.0**100), 0.0
            values = np.moveaxis(rows[:, None, :].astype(dtype), 2, axis)
            for array in (values, np.ascontiguousarray(values), np.flip(values)):
                with np.errstate(all="ignore"):
                    (want,) = reference(array)
                (found,) = native(array)
                np.testing.assert_allclose(found, want, rtol=1e-10 if dtype == "float64" else 1e-4, atol=1e-6)


def test_long_rows() -> None:
    values = np.random.default_rng(2).normal(size=(2, 3, 100_003))
    for form in ("softmax", "log-sum-exp", "layer norm"):
        native, reference = both(form, 2, "float64")
        for array in (values, values[..., ::-1]):
            np.testing.assert_allclose(native(array)[0], reference(array)[0], rtol=1e-10, atol=1e-13)


def adversarial(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Numbers whose sums in a row lose much: of slowly growing size, of one sign and both, with few large ones."""
    uneven = rng.random(n)
    uneven[:: max(n // 10, 1)] *= 1e8
    return [rng.random(n), rng.normal(size=n), np.arange(n) + 0.1, uneven, 10.0 ** rng.uniform(-8, 8, n)]


@pytest.mark.parametrize("layout", ["last", "first", "middle", "all", "backwards", "every third", "two of three"])
def test_sums_err_no_more_than_pairwise(layout: str) -> None:
    """Against exact sums (math.fsum), in units of the sum of magnitudes, over all sums of a case."""
    rng = np.random.default_rng(3)
    n = 100_000
    for numbers in adversarial(n, rng):
        array, axes = {
            "last": (numbers.reshape(4, -1), (1,)),
            "first": (numbers.reshape(-1, 4), (0,)),
            "middle": (numbers.reshape(2, -1, 2), (1,)),
            "all": (numbers.reshape(100, 10, 100), (0, 1, 2)),
            "backwards": (numbers.reshape(4, -1)[::-1, ::-1], (1,)),
            "every third": (np.repeat(numbers, 3)[::3], (0,)),
            "two of three": (numbers.reshape(50, 8, -1), (0, 2)),
        }[layout]
        x = T.TensorType("float64", (None,) * array.ndim)("x")
        found = theano.function([x], x.sum(axis=axes))(array)
        rows = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim)).reshape(*np.shape(found), -1)
        exact = np.array([math.fsum(row) for row in rows.reshape(-1, rows.shape[-1])]).reshape(np.shape(found))
        scale = np.abs(rows).sum(axis=-1)
        ours, theirs = (np.max(np.abs(s - exact) / scale) for s in (found, array.sum(axis=axes)))
        # what is random in both; errors that grow with the length would be several times larger
        assert ours <= max(theirs, 4 * np.finfo("float64").eps), (ours, theirs)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_sums_of_float32_are_those_of_float64(axis: int | None) -> None:
    """The accumulator is a float64: what is rounded is the result."""
    values = (10.0 ** np.random.default_rng(4).uniform(-6, 6, (300, 400))).astype("float32")
    x = T.fmatrix("x")
    found = theano.function([x], x.sum(axis=axis))(values)
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, values.astype("float64").sum(axis=axis).astype("float32"))
