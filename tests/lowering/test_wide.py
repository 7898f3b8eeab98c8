"""Sums and products of many operands, in kernels of few."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from programs import check, kernels, program_of, run_native

import theano
import theano.tensor as T
from theano.lowering.fuse import MAX_INSTRUCTIONS, MAX_OPERANDS
from theano.lowering.wide import FEW, PART


def values(dtype: str, count: int, shape: tuple[int, ...] = (5,)) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    numbers = [rng.uniform(-1.3, 1.3, shape) for _ in range(count)]
    if dtype.startswith("complex"):
        return [(x + 1j * rng.uniform(-1, 1, shape)).astype(dtype) for x in numbers]
    return [(x * (1 if dtype.startswith("float") else 3)).astype(dtype) for x in numbers]


def bounded(program) -> bool:
    found = [step.kernel for step in kernels(program)]
    return all(len(k.operands) <= MAX_OPERANDS and len(k.body) <= 2 * MAX_INSTRUCTIONS for k in found)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint16", "bool", "complex64", "complex128"])
@pytest.mark.parametrize("op, fold", [(T.add, np.add), (T.mul, np.multiply)])
@pytest.mark.parametrize("count", [FEW + 1, MAX_OPERANDS - 1, MAX_OPERANDS, 60, 111])
def test_the_bits_are_those_of_one_after_the_other(dtype, op, fold, count):
    xs = [T.TensorType(dtype, [None])() for _ in range(count)]
    given = values(dtype, count)
    program = program_of(xs, [op(*xs)])
    assert bounded(program)
    (got,) = run_native(program, given)
    expected = reduce(fold, given)
    assert got.dtype == dtype
    if dtype.startswith("complex") and op is T.mul:  # NumPy's products of complex numbers may use fused instructions
        np.testing.assert_allclose(got, expected, rtol=1e-4 if dtype == "complex64" else 1e-12)
    else:
        np.testing.assert_array_equal(got, expected)


def test_halves_are_rounded_once():
    """Partial results are no halves: the sum is that of one kernel, and of the reference."""
    xs = [T.TensorType("float16", [None])() for _ in range(60)]
    given = [x.astype("float16") for x in values("float64", 60)]
    program = program_of(xs, [T.add(*xs)])
    assert len(kernels(program)) > 1
    (got,) = run_native(program, given)
    wide = reduce(np.add, [x.astype("float32") for x in given]).astype("float16")
    np.testing.assert_array_equal(got, wide)


def test_operands_of_several_dtypes():
    kinds = ["int8", "float32", "int64", "bool"]
    xs = [T.TensorType(kinds[k % 4], [None])() for k in range(50)]
    given = [x.astype(kinds[k % 4]) for k, x in enumerate(values("float64", 50))]
    program = check(xs, [T.add(*xs), T.mul(*xs[:40])], given)
    assert bounded(program)


def test_parts_are_as_large_as_what_they_read():
    """Rows and columns are added first among themselves."""
    rows, columns, xs = T.drows(30), T.dcols(30), T.dmatrices(30)
    given = [*values("float64", 30, (1, 4)), *values("float64", 30, (3, 1)), *values("float64", 30, (3, 4))]
    program = check([*rows, *columns, *xs], [T.add(*rows, *columns, *xs)], given)
    assert bounded(program)
    ranks = [step.kernel.rank for step in kernels(program)]
    assert ranks[0] == 1 and ranks.count(2) <= 5


@pytest.mark.parametrize("shape", [(0,), (1,), (7,)])
def test_short_and_strided(shape):
    xs = T.dvectors(40)
    given = [x[::-2] for x in values("float64", 40, (2 * shape[0],))]
    check(xs, [T.add(*xs)], given)


def test_terms_are_computed_where_they_are_added():
    """Nothing but partial sums is stored."""
    xs, ys = T.dvectors(60), T.dvectors(60)
    given = values("float64", 120)
    program = check([*xs, *ys], [T.add(*[T.exp(x) * y for x, y in zip(xs, ys)])], given)
    assert bounded(program)
    assert len(kernels(program)) == -(-60 // ((PART - 2) // 2))
    assert all(len(step.outputs) == 1 for step in kernels(program))


def test_terms_that_others_need_are_stored():
    xs = T.dvectors(30)
    terms = [T.exp(x) for x in xs]
    program = check(xs, [T.add(*terms), *terms], values("float64", 30))
    assert bounded(program)


def test_a_sum_of_one_array_is_not_cut():
    x = T.dvector()
    program = check([x], [T.add(*[T.exp(x * (k + 0.5)) for k in range(40)])], values("float64", 1))
    assert len(kernels(program)) == 1


def test_sums_of_sums():
    xs = T.dvectors(200)
    inner = [T.exp(T.add(*xs[k : k + 20])) for k in range(0, 200, 20)]
    program = check(xs, [T.add(*inner)], [x / 20 for x in values("float64", 200)])
    assert bounded(program) and len(kernels(program)) <= 20


@pytest.mark.parametrize("build", [
    lambda xs: T.add(*xs), lambda xs: T.mul(*xs), lambda xs: reduce(T.maximum, xs), lambda xs: sum(xs[1:], xs[0]),
    lambda xs: T.add(*[T.exp(x) for x in xs]), lambda xs: T.add(*xs).sum(), lambda xs: T.exp(-T.add(*xs)),
])
def test_kernels_are_bounded_and_few(build):
    def made(n):
        xs = T.dvectors(n)
        found = [step.kernel for step in kernels(theano.function(xs, build(xs)).program)]
        assert all(len(k.operands) <= MAX_OPERANDS for k in found)
        return sum(len(k.operands) + len(k.body) for k in found), len(set(found))

    (small, _), (large, different) = made(300), made(600)
    assert large <= 2.1 * small
    assert different <= 6   # the others share their machine code


def test_a_length_that_does_not_fit_is_found():
    xs = T.dvectors(60)
    f = theano.function(xs, T.add(*xs))
    given = values("float64", 60)
    given[45] = given[45][:3]
    with pytest.raises(ValueError, match=r"3"):
        f(*given)
