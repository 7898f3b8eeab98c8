"""Reductions over a slow axis go row by row into rows of accumulators: the same additions in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from native_kernels import check

from theano.lowering.kernel import Instr, Kernel, Operand, Result


def kernel(kinds: list[str], dtype: str, acc: str, rank: int, kept: tuple[int, ...]) -> Kernel:
    """Of the squares of one input plus a second one that only the last axis walks."""
    body = (
        Instr("load", dtype, (), 0), Instr("load", dtype, (), 1), Instr("mul", dtype, (0, 0)),
        Instr("add", dtype, (2, 1)), Instr("cast", acc, (3,)),
    )
    out = [Operand(acc, kept) for _ in kinds]
    operands = (Operand(dtype, tuple(range(rank))), Operand(dtype, (rank - 1,)), *out)
    return Kernel(rank, operands, 2, body, tuple(Result(kind, 4, acc) for kind in kinds))


@pytest.mark.parametrize("dtype, acc", [("float64", "float64"), ("float32", "float64"), ("int16", "int64")])
def test_rows_into_accumulators(dtype: str, acc: str) -> None:
    rng = np.random.default_rng(1)
    for rows in (1, 2, 3, 4, 5, 7, 8, 9, 30):
        for columns in (32, 33, 40, 63, 64, 100):
            x = rng.integers(-9, 9, (rows, columns)).astype(dtype)
            v = rng.integers(-9, 9, columns).astype(dtype)
            check(kernel(["sum", "max"], dtype, acc, 2, (1,)), [x, v], optimize=True)
            check(kernel(["min", "sum"], dtype, acc, 2, (1,)), [x[::-1], v[::-1]])


def test_two_slow_axes_and_one_that_is_kept() -> None:
    rng = np.random.default_rng(2)
    for shape in [(3, 5, 40), (4, 4, 64), (9, 2, 33), (2, 11, 50)]:
        x = rng.integers(-9, 9, shape).astype("float64")
        v = rng.integers(-9, 9, shape[-1]).astype("float64")
        for kept in ((2,), (1, 2), (0, 2)):
            for array in (x, x[::-1], np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)):
                check(kernel(["sum"], "float64", "float64", 3, kept), [array, v])


def test_additions_stay_in_order() -> None:
    """Sums in which the order shows: equal to adding row after row."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(23, 71)) * 10.0 ** rng.integers(-8, 8, (23, 71))
    v = np.zeros(71)
    (found,) = check(kernel(["sum"], "float64", "float64", 2, (1,)), [x, v], rtol=1e-12)
    rows = np.zeros(71)
    for row in x:
        rows = rows + row * row
    np.testing.assert_array_equal(found, rows)


def test_nan_and_infinity_in_any_row() -> None:
    for row in range(6):
        x = np.ones((6, 40))
        x[row, 3], x[row, 39] = np.nan, np.inf
        found = check(kernel(["sum", "max", "min"], "float64", "float64", 2, (1,)), [x, np.zeros(40)])
        assert np.isnan(found[0][3]) and np.isnan(found[1][3]) and found[1][39] == np.inf
