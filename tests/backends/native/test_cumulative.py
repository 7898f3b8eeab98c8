"""Cumulative sums, products and linear recurrences natively: along every axis, in every layout, bit by bit as NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_kernels import layouts
from routine_pairs import NATIVE, REFERENCE, both, calls_python, fail_alike, numbers

import theano
import theano.tensor as T
from theano.gradient import verify_grad
from theano.lowering.program import KernelStep
from theano.tensor.cumulative import LinearRecurrence

OPS = [(T.extra_ops.cumsum, np.cumsum), (T.extra_ops.cumprod, np.cumprod)]
SHAPES = [(1, 1, 1), (3, 4, 5), (2, 1, 3), (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 7, 70), (9, 2, 1), (5, 33, 4)]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint64"])
@pytest.mark.parametrize("op, function", OPS)
def test_every_axis_and_layout(op: Any, function: Any, dtype: str) -> None:
    rng = np.random.default_rng(0)
    for axis in (0, 1, 2, -2, None):
        native, _ = both(lambda x, axis=axis: op(x, axis=axis), np.zeros((1, 1, 1), dtype))
        for shape in SHAPES:
            values = (rng.normal(size=shape) * 3 if dtype.startswith("f") else rng.integers(0, 5, shape)).astype(dtype)
            for name, array in layouts(values).items():
                for turned in (array, array[::-1], array[:, ::-1], array[..., ::-1], array.transpose(2, 0, 1)):
                    found = native(turned)
                    with np.errstate(all="ignore"):
                        np.testing.assert_array_equal(found, function(turned, axis=axis), err_msg=name)
                    assert found.flags.c_contiguous and found.flags.owndata


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "bool"])
@pytest.mark.parametrize("op, function", OPS)
def test_narrow_numbers_widen(op: Any, function: Any, dtype: str) -> None:
    values = np.random.default_rng(1).integers(0, 2, (7, 5)).astype(dtype)
    for axis in (0, 1, None):
        native, _ = both(lambda x, axis=axis: op(x, axis=axis), values)
        want = function(values, axis=axis, dtype="uint64" if dtype.startswith("u") else "int64")
        np.testing.assert_array_equal(native(values), want)
        assert native(values).dtype == want.dtype


@pytest.mark.parametrize("op, function", OPS)
def test_vectors_of_every_length(op: Any, function: Any) -> None:
    for dtype in ("float64", "float32", "int64"):
        native, _ = both(lambda x: op(x, axis=0), np.zeros(1, dtype))
        for n in (*range(20), 63, 64, 65, 1000):
            values = (np.arange(n) % 3 - 1).astype(dtype)
            np.testing.assert_array_equal(native(values), function(values))
            np.testing.assert_array_equal(native(values[::-1]), function(values[::-1]))


@pytest.mark.parametrize("op, function", OPS)
def test_special_values(op: Any, function: Any) -> None:
    """The first result is the first element: -0.0 stays so. NaN and infinities go on to the end."""
    special = [-0.0, 0.0, 1.0, np.inf, -np.inf, np.nan, 1e308, 5e-324]
    native, _ = both(lambda x: op(x, axis=1), np.zeros((1, 1)))
    values = np.array([[a, b, c] for a in special for b in special for c in special])
    with np.errstate(all="ignore"):
        want = function(values, axis=1)
        for array, wanted in ((values, want), (np.asfortranarray(values), want), (values[5:6], want[5:6])):
            found = native(array)
            np.testing.assert_array_equal(found, wanted)
            number = ~np.isnan(wanted)
            np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(wanted[number]))


def test_wide_rows_are_taken_in_parts() -> None:
    for shape, axis in (((5, 9001), 0), ((2, 3, 5000), 1)):
        values = np.random.default_rng(2).normal(size=shape)
        native, _ = both(lambda x, axis=axis: T.extra_ops.cumsum(x, axis=axis), values)
        np.testing.assert_array_equal(native(values), values.cumsum(axis))
        np.testing.assert_array_equal(native(values[::-1]), values[::-1].cumsum(axis))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_recurrences(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for axis in range(3):
        inputs = [T.TensorType(dtype, (None,) * 3)() for _ in range(2)]
        output = LinearRecurrence(axis)(*inputs)
        native = theano.function(inputs, output, mode=NATIVE)
        reference = theano.function(inputs, output, mode=REFERENCE)
        assert not calls_python(native)
        for shape in SHAPES:
            a, b = (rng.integers(-2, 3, (2, *shape)) + (rng.normal() if dtype != "int64" else 0)).astype(dtype)
            for x, y in ((a, b), (a[::-1], b[:, ::-1]), (np.asfortranarray(a), b[..., ::-1])):
                np.testing.assert_array_equal(native(x, y), reference(x, y))


def test_lengths_of_recurrences_must_agree() -> None:
    fail_alike(LinearRecurrence(0), numbers((3, 2)), numbers((3, 3)))


@pytest.mark.parametrize("op, function", OPS)
def test_gradients(op: Any, function: Any) -> None:
    rng = np.random.default_rng(4)
    for axis in (0, 1, None):
        point = rng.normal(size=(3, 4))
        point[1, 2] = 0.0
        verify_grad(lambda x, axis=axis: op(x, axis=axis), [point], rng=rng)
        x = T.dmatrix()
        f = theano.function([x], T.grad(T.sqr(op(x, axis=axis)).sum(), x))
        assert not calls_python(f.fn), str(f.fn.program)


def test_differences_are_a_kernel() -> None:
    x = T.dmatrix()
    for axis in (0, 1):
        f = theano.function([x], T.extra_ops.diff(x, axis=axis))
        assert sum(isinstance(s, KernelStep) for s in f.fn.program.steps) == 1
        for values in (numbers((4, 5)), numbers((1, 1)), numbers((4, 5))[::-1, ::-1]):
            np.testing.assert_array_equal(f(values), np.diff(values, axis=axis))
