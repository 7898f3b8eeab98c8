"""Reductions over a slow axis go row by row into rows of accumulators: the same additions in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from native_kernels import check

import theano
import theano.tensor as T
from theano.backends.native.runtime import cache_room
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


# Runs of 1536 bytes and more are taken several at a time (`joint_runs_text.py`); above 10000 bytes, memory is asked for
# ahead in another way.


@pytest.mark.parametrize("dtype, acc", [("float64", "float64"), ("float32", "float64"), ("int16", "int64")])
@pytest.mark.parametrize("columns", [769, 800, 1290])
def test_long_runs_are_taken_together(dtype: str, acc: str, columns: int) -> None:
    rng = np.random.default_rng(1)
    for rows in (1, 7, 8, 9, 16, 23):
        x = rng.integers(-9, 9, (rows, columns)).astype(dtype)
        v = rng.integers(-9, 9, columns).astype(dtype)
        check(kernel(["sum", "max"], dtype, acc, 2, (1,)), [x, v], optimize=True)
        check(kernel(["min", "sum"], dtype, acc, 2, (1,)), [x[::-1], v[::-1]])
        wide = rng.integers(-9, 9, (rows, columns + 9)).astype(dtype)
        check(kernel(["sum"], dtype, acc, 2, (1,)), [wide[:, 3:-6], v])


def test_long_runs_add_in_order() -> None:
    rng = np.random.default_rng(3)
    for rows, columns in [(23, 200), (23, 333), (8, 1401), (41, 1250)]:
        x = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-8, 8, (rows, columns))
        (found,) = check(
            kernel(["sum"], "float64", "float64", 2, (1,)), [x, np.zeros(columns)], rtol=1e-12, optimize=True
        )
        total = np.zeros(columns)
        for row in x:
            total = total + row * row
        np.testing.assert_array_equal(found, total)


def test_nan_and_infinity_in_long_runs() -> None:
    for row in range(0, 19, 3):
        x = np.ones((19, 333))
        x[row, 3], x[row, 332], x[row, 40] = np.nan, np.inf, -0.0
        found = check(kernel(["sum", "max", "min"], "float64", "float64", 2, (1,)), [x, np.zeros(333)], optimize=True)
        assert np.isnan(found[0][3]) and np.isnan(found[1][3]) and found[1][332] == np.inf


def test_long_runs_into_several_rows_of_accumulators() -> None:
    """Where the accumulators move from run to run, runs are not taken together; where an outer axis moves them, they
    are."""
    rng = np.random.default_rng(2)
    for shape in [(3, 17, 250), (17, 3, 250)]:
        x = rng.integers(-9, 9, shape).astype("float64")
        v = rng.integers(-9, 9, shape[-1]).astype("float64")
        for kept in ((2,), (1, 2), (0, 2)):
            for array in (x, x[::-1], np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)):
                check(kernel(["sum"], "float64", "float64", 3, kept), [array, v], optimize=True)


def weighted(dtype: str, acc: str) -> Kernel:
    """Of an input times one that stands still along each row; what is summed is stored, too, and counted."""
    body = (
        Instr("load", dtype, (), 0), Instr("load", dtype, (), 1), Instr("load", dtype, (), 2),
        Instr("mul", dtype, (0, 1)), Instr("add", dtype, (3, 2)), Instr("iota", "int64", (), 0),
        Instr("cast", acc, (4,)),
    )
    operands = (
        Operand(dtype, (0, 1)), Operand(dtype, (0,)), Operand(dtype, ()),
        Operand(acc, (1,)), Operand(dtype, (0, 1)), Operand("int64", (1,)),
    )
    return Kernel(2, operands, 3, body, (Result("sum", 6, acc), Result("store", 4), Result("sum", 5, "int64")))


@pytest.mark.parametrize("dtype, acc", [("float64", "float64"), ("float32", "float64"), ("float32", "float32")])
def test_what_differs_from_run_to_run_in_runs_taken_together(dtype: str, acc: str) -> None:
    rng = np.random.default_rng(4)
    for rows, columns in [(7, 400), (8, 400), (21, 403), (16, 1300)]:
        x = rng.integers(-9, 9, (rows, columns)).astype(dtype)
        w = rng.integers(-9, 9, rows).astype(dtype)
        one = np.array(3, dtype)
        check(weighted(dtype, acc), [x, w, one], optimize=True)
        check(weighted(dtype, acc), [x[::-1], w[::-1], one])
        check(weighted(dtype, acc), [np.broadcast_to(x[:1], x.shape), w, one])


@pytest.mark.parametrize("kind", ["all", "any", "xor", "and", "or", "prod", "min"])
def test_other_reductions_of_long_runs(kind: str) -> None:
    rng = np.random.default_rng(5)
    dtype = "int32" if kind not in ("all", "any") else "bool"
    found = Kernel(
        2, (Operand(dtype, (0, 1)), Operand(dtype, (1,))), 1, (Instr("load", dtype, (), 0),), (Result(kind, 0, dtype),)
    )
    for rows, columns in [(1, 1600), (8, 1601), (19, 2500)]:
        check(found, [rng.integers(0, 2 if dtype == "bool" else 99, (rows, columns)).astype(dtype)], optimize=True)


def test_rows_in_pieces_are_folded_whatever_their_length() -> None:
    """Many rows are reduced in pieces, whose accumulators are folded a vector at a time."""
    rng = np.random.default_rng(6)
    for dtype, acc, kinds in [("float64", "float64", ["sum", "max"]), ("float32", "float64", ["sum"]),
                              ("int16", "int64", ["sum", "min"])]:  # fmt: skip
        for columns in (32, 61, 800, 1021):
            x = rng.integers(-9, 9, (1_000_000 // columns, columns)).astype(dtype)
            check(kernel(kinds, dtype, acc, 2, (1,)), [x, np.zeros(columns, dtype)], optimize=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_short_runs_are_taken_together_where_they_are_in_the_cache(dtype: str) -> None:
    """Whether an array counts as cached changes no bit of a sum, and the last ones of float32's squares."""
    x = T.matrix(dtype=dtype)
    f = theano.function([x], [x.sum(axis=0), x.max(axis=0), (x * x).sum(axis=0)])
    words, before = cache_room(), list(cache_room())
    try:
        for shape in ((50, 33), (903, 40), (801, 100), (77, 189)):
            values = np.random.default_rng(3).normal(size=shape).astype(dtype)
            found = []
            for room in (0, 1 << 40):
                words[1] = room
                found.append(f(values))
            for one, other in zip(found[0][:2], found[1][:2], strict=True):
                assert one.tobytes() == other.tobytes()
            right = (values.astype("longdouble") ** 2).sum(axis=0)
            for results in found:
                np.testing.assert_allclose(results[2], right, rtol=1e-14 if dtype == "float64" else 1.2e-7)
    finally:
        words[:] = before


@pytest.mark.parametrize("kept", [((0, 1),), ((0,),), ((2,),), ((0, 1), (0,)), ((0,), (2,)), ((1,), (0, 1))])
def test_operands_that_stand_still_where_some_sums_do(kept: tuple[tuple[int, ...], ...]) -> None:
    """As the mean of a row does: along whichever axis runs lie, and for each sum."""
    walks = ((0, 1, 2), (0,), (0, 1), (2,), (1,))
    body = (
        *(Instr("load", "float64", (), n) for n in range(len(walks))),
        *(Instr("sub", "float64", (n and len(walks) + n - 1, n + 1)) for n in range(len(walks) - 1)),
        Instr("mul", "float64", (8, 8)),
    )
    operands = (*(Operand("float64", axes) for axes in walks), *(Operand("float64", axes) for axes in kept))
    sums = Kernel(3, operands, len(walks), body, tuple(Result("sum", 9, "float64") for _ in kept))
    rng = np.random.default_rng(8)
    for shape in [(3, 5, 40), (1, 1, 9), (4, 1, 33), (40, 3, 1), (9, 30, 2), (2, 2, 200)]:
        arrays = [rng.integers(-9, 9, [shape[a] for a in axes]).astype("float64") for axes in walks]
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
            back = np.argsort(order)
            x = np.ascontiguousarray(arrays[0].transpose(order)).transpose(back)
            check(sums, [x, *arrays[1:]], optimize=True)
