"""Softmax and layer norm end without a division for each element, as accurately as with one; other quotients are
divisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.lowering.program import KernelStep

DTYPES = ["float32", "float64"]


def divisions(f: Any) -> list[int]:
    """The ranks of the kernels that divide."""
    kernels = [step.kernel for step in f.fn.program.steps if isinstance(step, KernelStep)]
    return [kernel.rank for kernel in kernels for instr in kernel.body if instr.op == "div"]


def softmax(x: np.ndarray, axis: Any) -> np.ndarray:
    wide = x.astype(np.longdouble)
    e = np.exp(wide - wide.max(axis=axis, keepdims=True))
    result: np.ndarray = e / e.sum(axis=axis, keepdims=True)
    return result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_error(dtype: str, axis: Any) -> None:
    x = T.matrix("x", dtype=dtype)
    f = theano.function([x], T.nnet.softmax(x, axis=axis))
    rng = np.random.default_rng(0)
    for shape in [(40, 7), (3, 300), (1, 9), (65, 1)]:
        values = (rng.integers(-64, 64, shape) / 8).astype(dtype)  # differences are exact
        found, right = f(values), softmax(values, axis)
        assert (np.abs(found - right) / np.spacing(right.astype(dtype))).max() < 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_division_happens_once_for_a_row(dtype: str) -> None:
    x, y = T.matrix("x", dtype=dtype), T.lvector("y")
    p = T.nnet.softmax(x)
    assert divisions(theano.function([x], p)) == [1]
    cost = -T.log(p)[T.arange(y.shape[0]), y].mean()
    assert 2 not in divisions(theano.function([x, y], T.grad(cost, x)))
    assert 2 in divisions(theano.function([x], x / x.sum(axis=1, keepdims=True)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_special_row(dtype: str) -> None:
    inf, nan, big = np.inf, np.nan, float(np.finfo(dtype).max)
    rows = np.array([
        [1, 2, 3], [-inf, 0, 1], [-inf, -inf, -inf], [inf, 0, 1], [inf, inf, -inf], [nan, 0, 1], [nan, inf, 1],
        [big, -big, 0], [-big, -big, -big], [0, -90, -200], [0, -700, -740], [-0.0, 0.0, -0.0], [big, big, big],
        [80, 88, 88.5],
    ], dtype)  # fmt: skip
    x = T.matrix("x", dtype=dtype)
    native = theano.function([x], T.nnet.softmax(x))
    reference = theano.function([x], T.nnet.softmax(x), mode="reference")
    with np.errstate(all="ignore"):
        for row in rows:
            for values in (row[None], np.tile(row, (20, 9))):
                np.testing.assert_allclose(native(values), reference(values), rtol=1e-6, atol=0)
    assert native(np.zeros((0, 3), dtype)).shape == (0, 3)
    assert native(np.zeros((3, 0), dtype)).shape == (3, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_that_may_be_tiny_are_divided_by(dtype: str) -> None:
    """exp(x) / sum(exp(x)) as it is written: the reciprocal of the sum would be infinite."""
    x = T.matrix("x", dtype=dtype)
    e = T.exp(x)
    mode = theano.compile.get_default_mode().excluding(
        "local_softmax_stabilize", "softmax_simplifier", "weighted_softmax_by_exps")
    f = theano.function([x], e / e.sum(axis=1, keepdims=True), mode=mode)
    assert 2 in divisions(f)
    lowest = float(np.log(float(np.finfo(dtype).smallest_subnormal)))
    np.testing.assert_allclose(f(np.full((2, 3), lowest + 1, dtype)), np.full((2, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_written_forms_are_divisions(dtype: str) -> None:
    x, y = (T.matrix(name, dtype=dtype) for name in "xy")
    e = T.exp(x - y.max(axis=1, keepdims=True))
    f = theano.function([x, y], T.sqr(e) / T.sqr(e).sum(axis=1, keepdims=True))
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 5, 6)).astype(dtype)
    want = np.exp(2.0 * (a - b.max(1, keepdims=True)))
    np.testing.assert_allclose(f(a, b), want / want.sum(1, keepdims=True), rtol=1e-5)


def test_a_row_that_is_shifted_already_is_read_once_for_its_maximum() -> None:
    x = T.matrix("x")
    top = x.max(axis=1, keepdims=True)
    e = T.exp(x - top)
    for output in (T.log(e.sum(axis=1)) + top[:, 0], e / e.sum(axis=1, keepdims=True)):
        f = theano.function([x], output)
        kernels = [step.kernel for step in f.fn.program.steps if isinstance(step, KernelStep)]
        assert [r.kind for k in kernels for r in k.results if r.kind in ("max", "sup")] == ["max"]
        assert 2 not in divisions(f)
        values = np.random.default_rng(2).normal(size=(9, 30)) * 100
        wide = np.exp(values - values.max(1, keepdims=True))
        want = np.log(wide.sum(1)) + values.max(1) if output.ndim == 1 else wide / wide.sum(1, keepdims=True)
        np.testing.assert_allclose(f(values), want, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_division_by_a_root_happens_once_for_a_row(dtype: str) -> None:
    x = T.matrix("x", dtype=dtype)
    norm = T.sqrt(T.sqr(x).sum(axis=1))
    mode = theano.compile.get_default_mode().excluding("norm")   # which takes care of squares that overflow
    for output in (x / norm[:, None], x / T.sqrt(T.sqr(x).sum(axis=1, keepdims=True)), x / T.sqrt(x.sum(0))):
        assert 2 not in divisions(theano.function([x], output, mode=mode))
    y = T.matrix("y", dtype=dtype)
    assert 2 in divisions(theano.function([x, y], x / T.sqrt(y)))
    assert 2 in divisions(theano.function([x], x / (norm[:, None] + 1)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_quotients_by_roots_are_as_near_as_quotients(dtype: str) -> None:
    """Infinities, zeros of both signs, NaN, and numbers that over- and underflow, by roots of the same."""
    kind = np.finfo(dtype)
    special = [0.0, 1.0, 3.0, np.inf, np.nan, float(kind.max), float(kind.tiny), float(kind.smallest_subnormal)]
    x, y = T.matrix("x", dtype=dtype), T.vector("y", dtype=dtype)
    f = theano.function([x, y], x / T.sqrt(y)[:, None])
    assert 2 not in divisions(f)
    rng = np.random.default_rng(4)
    drawn = rng.normal(size=300) * 2.0 ** rng.integers(-40, 40, 300)
    above = np.array([*special, *(-s for s in special), *drawn], dtype)
    below = np.array([*special, -0.0, -1.0, *np.abs(drawn)], dtype)
    with np.errstate(all="ignore"):
        want = above.astype(np.longdouble) / np.sqrt(below)[:, None]
        found = f(np.tile(above, (len(below), 1)), below)
        nearest = want.astype(dtype)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(nearest))
        np.testing.assert_array_equal(np.isinf(found), np.isinf(nearest))
        number = ~np.isnan(nearest)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(nearest[number]))
        finite = np.isfinite(nearest)
        error = np.abs(found[finite] - want[finite]) / np.spacing(np.abs(nearest[finite]))
    # where a product of what is tiny is subnormal, it has a rounding error of its own
    large = (np.abs(np.broadcast_to(above, want.shape)) > kind.tiny / kind.eps**2)[finite]
    assert error[large].max() < 0.5001
    assert error.max() < 1
