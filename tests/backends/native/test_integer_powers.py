"""Powers of integers: every pair of dtypes, wrapping, layouts, negative exponents, and where they are fused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import theano
from theano.lowering.program import PyCallStep

INTS = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
PAIRS = [(a, b) for a, b in itertools.product(INTS, INTS) if np.result_type(a, b, "int8").kind in "iu"]
T = theano.tensor


def numbers(rng: np.random.Generator, dtype: str, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(dtype)
    return rng.integers(low if dtype.startswith("int") else 0, high, shape).astype(dtype)


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=["-".join(p) for p in PAIRS])
def test_all_dtypes(a: str, b: str) -> None:
    rng = np.random.default_rng(1)
    x, y = T.TensorType(a, (None, None))(), T.TensorType(b, (None, None))()
    power = x**y
    native, reference = (theano.function([x, y], power, mode=mode) for mode in (None, "reference"))
    assert not any(isinstance(step, PyCallStep) for step in native.program.all_steps())
    for shape in ((0, 3), (1, 1), (3, 5), (7, 19)):
        bases, exponents = numbers(rng, a, -120, 120, shape), numbers(rng, b, 0, 100, shape)
        want = np.power(bases.astype(power.dtype), exponents.astype(power.dtype))
        for turn in (slice(None), slice(None, None, -1)):
            found = native(bases[turn, ::-1], exponents[turn, ::-1])
            assert found.dtype == want.dtype
            np.testing.assert_array_equal(found, want[turn, ::-1])
            np.testing.assert_array_equal(reference(bases[turn, ::-1], exponents[turn, ::-1]), found)


@pytest.mark.parametrize("mode", [None, "reference"])
@pytest.mark.parametrize("dtype", ["int8", "int64"])
@pytest.mark.parametrize("where", [0, 11, 40])
def test_negative_exponents_are_an_error(mode: str | None, dtype: str, where: int) -> None:
    x, y = T.TensorType(dtype, (None,))(), T.TensorType(dtype, (None,))()
    function = theano.function([x, y], (x + 1) ** y * 2, mode=mode)
    bases, exponents = np.ones(41, dtype), np.ones(41, dtype)
    np.testing.assert_array_equal(function(bases, exponents), np.full(41, 4, dtype))
    exponents[where] = -1
    with pytest.raises(ValueError, match="negative integer powers"):
        function(bases, exponents)


def test_no_value_is_committed_where_an_exponent_is_negative() -> None:
    kept, y = theano.shared(np.arange(4)), T.lvector()
    function = theano.function([y], [], updates=[(kept, kept**y)])
    function([2, 2, 2, 2])
    with pytest.raises(ValueError, match="negative integer powers"):
        function([1, 1, -1, 1])
    np.testing.assert_array_equal(kept.get_value(), [0, 1, 4, 9])


def test_numbers_and_broadcasting() -> None:
    n, x = T.lscalar(), T.lmatrix()
    assert theano.function([n], n**n)(5) == 3125
    row = T.lrow()
    both = theano.function([x, row, n], [x**row, x**n, 3**x, x**5, row**x])
    values = np.arange(12).reshape(4, 3)
    for found, want in zip(both(values, [[0, 1, 2]], 3), (
        values ** np.array([[0, 1, 2]]), values**3, 3**values, values**5, np.array([[0, 1, 2]]) ** values,
    ), strict=True):  # fmt: skip
        np.testing.assert_array_equal(found, want)
    with pytest.raises(ValueError, match="negative integer powers"):
        both(values, [[0, 1, 2]], -3)


def test_powers_in_loops_and_sums() -> None:
    x, y = T.lvector(), T.lvector()
    total = theano.function([x, y], (x**y).sum())
    assert total([2, 3, 4], [3, 2, 1]) == 21
    with pytest.raises(ValueError, match="negative integer powers"):
        total([2, 3, 4], [3, 2, -1])
    steps, _ = theano.scan(lambda n, a: a**n, sequences=y, outputs_info=T.constant(np.int64(2)))
    loop = theano.function([y], steps)
    np.testing.assert_array_equal(loop([1, 2, 3]), [2, 4, 64])
    with pytest.raises(ValueError, match="negative integer powers"):
        loop([1, -2, 3])


@pytest.mark.parametrize("mode", ["reference", theano.Mode("native", None), "FAST_COMPILE", "FAST_RUN"], ids=str)
@pytest.mark.parametrize("build", [
    lambda x, m, a, b: T.alloc(a, x.shape[0]) ** b, lambda x, m, a, b: a ** T.alloc(b, x.shape[0]),
    lambda x, m, a, b: T.alloc(a, x.shape[0], 1) ** T.alloc(b, 1, x.shape[0]),
    lambda x, m, a, b: T.fill(x, a) ** T.fill(x, b), lambda x, m, a, b: T.sum(T.fill(x, a) ** b),
    lambda x, m, a, b: (m * a) ** b, lambda x, m, a, b: (m.T * a) ** b,
    lambda x, m, a, b: m ** np.int64(-4), lambda x, m, a, b: T.alloc(a, x.shape[0]) ** np.array([-1]),
])
def test_of_nothing_no_exponent_is_an_error(build: object, mode: object) -> None:
    """Found by the fuzzer: one exponent for all elements, or a number, was looked at although there were none."""
    x, m, a, b = T.dvector("x"), T.lmatrix("m"), T.lscalar("a"), T.lscalar("b")
    f = theano.function([x, m, a, b], build(x, m, a, b), mode=mode, on_unused_input="ignore")
    assert f(np.zeros(0), np.zeros((0, 2), int), -1, -1).size <= 1
    with pytest.raises(ValueError, match="negative integer powers"):
        f(np.zeros(1), np.ones((3, 2), int), -1, -1)
