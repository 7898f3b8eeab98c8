"""float32 sums in float64: what may be added up before it is widened, and how exact results stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native.kernel_slots import joined_sums
from theano.graph.fgraph import FunctionGraph
from theano.lowering.kernel import Kernel
from theano.lowering.lower import lower
from theano.lowering.program import KernelStep

ROUNDING = 2.0**-24
TERMS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "square": (lambda x: x * x, lambda x: x * x),
    "sqr": (T.sqr, np.square),
    "square of a difference": (lambda x: (x - 3) ** 2, lambda x: (x - np.float32(3)) ** 2),
    "exp": (T.exp, np.exp),
}
LENGTHS = (1, 2, 15, 16, 17, 63, 64, 65, 130, 1000, 4096, 40001)


def kernels(expression: Callable[[Any], Any]) -> list[Kernel]:
    x = T.fmatrix("x")
    program = lower(FunctionGraph([x], [expression(x)]), storages={}, updates={})
    return [step.kernel for step in program.steps if isinstance(step, KernelStep)]


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_sums_are_as_exact_as_two_roundings_more(name: str, axis: int | None) -> None:
    x = T.fmatrix("x")
    term, same = TERMS[name]
    f = theano.function([x], term(x).sum(axis=axis))
    rng = np.random.default_rng(5)
    for n in LENGTHS:
        for shape in ((3, n), (n, 3), (n, 37)):
            values = rng.normal(size=shape).astype("float32")
            terms = same(values).astype("float32").astype("float64")
            found, exact = f(values), terms.sum(axis=axis)
            # a term in vector code may differ from NumPy's in the last place
            limit = (4.5 if name == "exp" else 3.5) * ROUNDING
            assert np.all(np.abs(found - exact) <= limit * np.abs(exact)), (n, shape)


def test_sums_are_no_worse_than_pairwise_ones() -> None:
    x = T.fmatrix("x")
    ours = theano.function([x], (x * x).sum(axis=1))
    down = theano.function([x], (x * x).sum(axis=0))
    values = np.random.default_rng(6).lognormal(sigma=3, size=(400, 3000)).astype("float32")
    squares = values * values
    exact = squares.astype("float64").sum(axis=1)
    error = np.abs(ours(values) / exact - 1)
    pairwise = np.abs(squares.sum(axis=1) / exact - 1)
    assert error.max() <= pairwise.max() and error.mean() <= pairwise.mean()
    # two additions before the widening, and the result; with long vectors few terms meet a large one there
    assert error.max() <= 3 * ROUNDING
    exact = squares.astype("float64").sum(axis=0)
    error = np.abs(down(values) / exact - 1)
    pairwise = np.abs(np.ascontiguousarray(squares.T).sum(axis=1) / exact - 1)
    assert error.max() <= pairwise.max() and error.mean() <= pairwise.mean()


def test_what_cancels_is_widened_first() -> None:
    x, y = T.fmatrices("x", "y")
    f = theano.function([x, y], [x.sum(axis=1), (x * y).sum(axis=1), (x * y).sum(axis=0), (x + y).sum()])
    large = np.tile(np.float32([2.0**40, 1, -(2.0**40), 1]), (5, 300)).repeat(16, axis=1)
    ones = np.ones_like(large)
    rows, products, columns, _ = f(large, ones)
    np.testing.assert_array_equal(rows, np.full(5, 9600, "float32"))
    np.testing.assert_array_equal(products, np.full(5, 9600, "float32"))
    np.testing.assert_array_equal(columns, large.sum(axis=0, dtype="float64").astype("float32"))
    turned = np.ascontiguousarray(large.T)
    _, _, columns, _ = f(turned, np.ones_like(turned))
    np.testing.assert_array_equal(columns, np.full(5, 9600, "float32"))


def test_a_wide_result_takes_no_narrow_sum() -> None:
    x = T.fmatrix("x")
    f = theano.function([x], [(x * x).sum(axis=1, dtype="float64"), (x * x).sum(axis=0, dtype="float64")])
    values = np.random.default_rng(7).normal(size=(700, 900)).astype("float32")
    squares = (values * values).astype("float64")
    for found, axis in zip(f(values), (1, 0), strict=True):
        assert found.dtype == "float64"
        np.testing.assert_allclose(found, squares.sum(axis=axis), rtol=1e-15 * 4)


@pytest.mark.parametrize(("expression", "expected"), [
    (lambda x: (x * x).sum(axis=1), True),
    (lambda x: T.exp(x).sum(axis=0), True),
    (lambda x: x.sum(axis=1), False),
    (lambda x: (x * (x + 1)).sum(axis=1), False),
    (lambda x: T.exp(x).prod(axis=1), False),
    (lambda x: (x * x).sum(axis=1, dtype="float64"), False),
    (lambda x: (x * x).sum(axis=1, acc_dtype="float32"), False),
    (lambda x: T.cast((T.cast(x, "float64") ** 2).sum(axis=1), "float32"), False),
])  # fmt: skip
def test_which_sums_are_joined(expression: Callable[[Any], Any], expected: bool) -> None:
    assert any(joined_sums(kernel) for kernel in kernels(expression)) is expected


@pytest.mark.parametrize("axis", [0, 1])
def test_special_values(axis: int) -> None:
    x = T.fmatrix("x")
    f = theano.function([x], (x * x).sum(axis=axis))
    for value, expected in ((np.inf, np.inf), (-np.inf, np.inf), (np.nan, np.nan), (3e38, np.inf), (1e-45, 0.0)):
        for n in (5, 64, 700):
            values = np.zeros((n, n), "float32")
            values[n // 2, n // 3] = value
            wanted = np.zeros(n, "float32")
            wanted[n // 2 if axis == 1 else n // 3] = expected
            np.testing.assert_array_equal(f(values), wanted)
    np.testing.assert_array_equal(f(np.zeros((0, 0), "float32")), np.zeros(0, "float32"))
