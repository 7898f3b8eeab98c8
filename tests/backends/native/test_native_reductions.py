"""Reductions over every subset of axes, in every layout, against NumPy; accuracy; ties, NaN and nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from native_kernels import Failure, check, compiled, kernel_program, layouts

from theano.lowering.kernel import Instr, Kernel, Operand, Result

FLOATS = ["float16", "float32", "float64"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def reduction(
    kinds: list[str], dtype: str, rank: int, reduced: tuple[int, ...], acc: str = "", out: str = ""
) -> Kernel:
    axes = tuple(range(rank))
    kept = tuple(a for a in axes if a not in reduced)
    operands = [Operand(dtype, axes)]
    results = []
    for kind in kinds:
        if kind == "store":
            operands.append(Operand(dtype, axes))
            results.append(Result("store", 0))
            continue
        special = {"argmax": "int64", "argmin": "int64", "all": "bool", "any": "bool"}
        operands.append(Operand(special.get(kind, out or acc or dtype), kept))
        results.append(Result(kind, 0, acc or dtype))
    return Kernel(rank, tuple(operands), 1, (Instr("load", dtype, (), 0),), tuple(results))


def data(dtype: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, len(shape), *shape])
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind == "f":
        return rng.integers(-4, 5, shape).astype(dtype)
    return rng.integers(0 if kind == "u" else -5, 6, shape).astype(dtype)


SUBSETS = [(rank, s) for rank in (1, 2, 3) for n in range(rank + 1) for s in itertools.combinations(range(rank), n)]


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min", "argmax", "argmin"])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTS])
def test_numbers(kind: str, dtype: str) -> None:
    for rank, reduced in SUBSETS:
        kernel = reduction([kind], dtype, rank, reduced)
        shape = (3, 19, 5)[:rank] if rank > 1 else (83,)
        values = data(dtype, shape)
        if kind == "prod":
            values = np.sign(values) if values.dtype.kind != "u" else np.minimum(values, 1)
            values = np.where(values == 0, 1, values).astype(dtype)
            values.reshape(-1)[1] = 2
        for array in layouts(values).values():
            check(kernel, [array])


@pytest.mark.parametrize("kind", ["all", "any", "sum", "prod", "max", "min", "argmax", "argmin", "or", "and", "xor"])
def test_bools(kind: str) -> None:
    for rank, reduced in SUBSETS:
        kernel = reduction([kind], "bool", rank, reduced, acc="bool")
        for fill in (None, True, False):
            values = data("bool", (3, 19, 5)[:rank]) if fill is None else np.full((3, 19, 5)[:rank], fill)
            for array in layouts(values).values():
                check(kernel, [array])


@pytest.mark.parametrize("kind", ["or", "and", "xor"])
@pytest.mark.parametrize("dtype", INTS)
def test_bitwise(kind: str, dtype: str) -> None:
    for rank, reduced in SUBSETS:
        check(reduction([kind], dtype, rank, reduced), [data(dtype, (3, 19, 5)[:rank])])


@pytest.mark.parametrize(("dtype", "acc", "out"), [
    ("float32", "float64", "float32"), ("float16", "float32", "float16"), ("float16", "float64", "float64"),
    ("int8", "int64", "int64"), ("bool", "int64", "int64"), ("uint8", "uint64", "uint64"),
    ("int32", "float64", "float64"),
])  # fmt: skip
def test_accumulator_dtypes(dtype: str, acc: str, out: str) -> None:
    for rank, reduced in SUBSETS:
        kernel = reduction(["sum"], dtype, rank, reduced, acc, out)
        check(kernel, [data(dtype, (4, 21, 3)[:rank])])


@pytest.mark.parametrize("n", [*range(36), 63, 64, 65, 1000])
def test_lengths(n: int) -> None:
    for dtype in ("float64", "float32", "int8", "bool"):
        kinds = ["any", "all"] if dtype == "bool" else ["sum"] if n == 0 else ["sum", "max", "argmin"]
        for array in layouts(data(dtype, (n,))).values():
            check(reduction(kinds, dtype, 1, (0,)), [array])


def test_several_results_mixed_with_a_store() -> None:
    for reduced in [(0,), (1,), (0, 1)]:
        kernel = reduction(["sum", "store", "max", "argmax", "prod"], "float64", 2, reduced)
        check(kernel, [np.sign(data("float64", (17, 11))) + 0.0])


def test_results_reduced_over_different_axes() -> None:
    operands = (Operand("float64", (0, 1)), Operand("float64", (0,)), Operand("float64", (1,)), Operand("float64", ()))
    body = (Instr("load", "float64", (), 0),)
    results = tuple(Result("sum", 0, "float64") for _ in range(3))
    for array in layouts(data("float64", (23, 9))).values():
        check(Kernel(2, operands, 1, body, results), [array])


@pytest.mark.parametrize("optimize", [False, True])
def test_sums_are_as_accurate_as_pairwise(optimize: bool) -> None:
    rng = np.random.default_rng(1)
    for dtype, limit in (("float64", 4e-16), ("float32", 2e-7)):
        values = rng.random(1_000_003).astype(dtype)
        exact = float(values.astype(np.longdouble).sum())
        kernel = reduction(["sum"], dtype, 1, (0,))
        found = compiled(kernel_program(kernel), optimize=optimize)(values)[0]
        assert abs(float(found) - exact) <= max(limit * exact, abs(float(values.sum()) - exact))


def test_infinities_and_nan_in_sums() -> None:
    kernel = reduction(["sum"], "float64", 1, (0,))
    f = compiled(kernel_program(kernel))
    for special in ([np.inf], [-np.inf], [np.inf, -np.inf], [np.nan], [1e308] * 5):
        values = np.ones(500)
        values[100 : 100 + len(special)] = special
        with np.errstate(all="ignore"):
            np.testing.assert_equal(f(values)[0], values.sum())


def test_nan_wins_and_the_first_of_equals() -> None:
    kernel = reduction(["max", "min", "argmax", "argmin"], "float64", 2, (1,))
    values = data("float64", (9, 40))
    values[2, 30] = values[2, 17] = np.nan
    values[3] = 1.0
    values[4] = -np.inf
    values[5] = np.inf
    for array in layouts(values).values():
        check(kernel, [array])


def test_reducing_nothing() -> None:
    for shape, reduced in (((0,), (0,)), ((3, 0), (1,)), ((0, 3), (0,)), ((0, 0), (1,))):
        values = np.zeros(shape)
        check(reduction(["sum", "prod"], "float64", len(shape), reduced), [values])
        for kind in ("max", "argmin"):
            f = compiled(kernel_program(reduction([kind], "float64", len(shape), reduced)))
            with pytest.raises(Failure) as caught:
                f(values)
            assert caught.value.code == "empty"
    assert compiled(kernel_program(reduction(["all"], "bool", 1, (0,), "bool")))(np.zeros(0, bool))[0]


def test_outer_axes_of_large_arrays() -> None:  # rows longer than the pieces in which transposed arrays are read
    rng = np.random.default_rng(3)
    values = rng.integers(-5, 6, (300, 700)).astype(float)
    for array in layouts(values).values():
        for reduced in [(0,), (1,), (0, 1)]:
            check(reduction(["sum"], "float64", 2, reduced), [array])


@pytest.mark.parametrize("dtype", FLOATS)
def test_supremum_of_nothing_is_minus_infinity(dtype: str) -> None:
    for rank, reduced in SUBSETS:
        kernel = reduction(["sup"], dtype, rank, reduced)
        for shape in itertools.product((0, 3, 9), repeat=rank):
            check(kernel, [data(dtype, shape)])
    values = data(dtype, (9, 40))
    values[2, 30] = np.nan
    values[4] = -np.inf
    for array in layouts(values).values():
        check(reduction(["sup"], dtype, 2, (1,)), [array])


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "int8", "bool"])
@pytest.mark.parametrize("kind", ["argmax", "argmin"])
def test_positions_in_long_runs(dtype: str, kind: str) -> None:
    """The best element at every place of a round of vectors, its equals behind it, and what comes before all of them:
    NaN of floats."""
    kernel = reduction([kind], dtype, 1, (0,), acc=dtype)
    f = compiled(kernel_program(kernel))
    best = {"argmax": True, "argmin": False}[kind] if dtype == "bool" else 9 if kind == "argmax" else -9
    for n in (1, 63, 64, 65, 200, 1030):
        worst = np.zeros(n, dtype) if dtype != "bool" else np.full(n, not best)
        assert f(worst)[0] == 0
        for place in {0, 1, n // 3, n // 2, n - 2, n - 1} & set(range(n)):
            values = worst.copy()
            values[place] = best
            values[place + 1 :: 2] = best
            assert f(values)[0] == place
            if dtype.startswith("float"):
                values[place] = values[-1] = np.nan
                assert f(values)[0] == place
                values[:place] = best
                assert f(values)[0] == place
                values[:] = np.nan
                assert f(values)[0] == 0
                values[:] = -np.inf if kind == "argmax" else np.inf
                assert f(values)[0] == 0
                values[place] = np.nan
                assert f(values)[0] == place


def test_positions_beside_other_results_where_nan_is_met() -> None:
    """What is done again because of NaN is not counted twice."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(4, 300))
    values[1, 200] = values[2, 3] = values[3, 299] = np.nan
    for kinds in (["argmax", "max"], ["argmax", "min", "argmin"], ["argmax", "store"], ["argmin", "sum", "prod"]):
        for dtype in ("float64", "float32"):
            check(reduction(kinds, dtype, 2, (1,)), [values.astype(dtype)], rtol=1e-6 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("kind", ["sum", "max", "min"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_that_lie_backward_are_walked_forward(kind: str, dtype: str) -> None:
    """Where everything that is read lies backward in memory: the same bits as of the arrays as they lie."""
    rng = np.random.default_rng(11)
    for shape, subset in [((333,), (0,)), ((40, 70), (1,)), ((40, 70), (0, 1)), ((6, 7, 40), (0, 2)), ((5, 9), (0,))]:
        kept = tuple(a for a in range(len(shape)) if a not in subset)
        axes = tuple(range(len(shape)))
        kernel = Kernel(
            len(shape), (Operand(dtype, axes), Operand(dtype, axes), Operand(dtype, kept)), 2,
            (Instr("load", dtype, (), 0), Instr("load", dtype, (), 1), Instr("add", dtype, (0, 1))),
            (Result(kind, 2, dtype),),
        )
        x, y = ((rng.uniform(size=shape) * 10.0 ** rng.integers(-2, 2, shape)).astype(dtype) for _ in range(2))
        back = tuple(slice(None, None, -1) if a in subset else slice(None) for a in axes)
        (forward,) = check(kernel, [x, y], rtol=1e-4)
        (found,) = check(kernel, [x[back], y[back]], rtol=1e-4)
        np.testing.assert_array_equal(found, forward)
        check(kernel, [x[back], y], rtol=1e-4)
        first = x[..., :1][back]
        check(kernel, [np.broadcast_to(first, shape), y[back]], rtol=1e-4)


def test_positions_in_arrays_that_lie_backward() -> None:
    x = np.array([[1.0, 5.0, 5.0, 2.0], [7.0, 7.0, 0.0, 7.0]])
    for subset in [(1,), (0,), (0, 1)]:
        kept = tuple(a for a in range(2) if a not in subset)
        kernel = Kernel(
            2, (Operand("float64", (0, 1)), Operand("int64", kept)), 1, (Instr("load", "float64", (), 0),),
            (Result("argmax", 0, "float64"),),
        )
        for array in (x[:, ::-1], x[::-1], x[::-1, ::-1]):
            check(kernel, [array])
