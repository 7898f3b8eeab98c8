"""Short kernels of one axis: the same results however operands lie, and wherever the way for short ones ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native.runtime_single_runs import LONGEST_RUN

LENGTHS = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000, LONGEST_RUN - 1, LONGEST_RUN, LONGEST_RUN + 1]
DTYPES = ["float64", "float32", "int64", "int32", "int16", "int8"]
LAYOUTS = ["contiguous", "every second", "backward", "column", "one element"]


def numbers(length: int, dtype: str, start: int = 0) -> Any:
    return (np.arange(start, start + length) % 113).astype(dtype)


def laid(values: Any, layout: str) -> Any:
    """The same values, lying otherwise in memory; "one element" repeats the first with stride 0."""
    if layout == "every second":
        room = np.full(2 * len(values), -1, values.dtype)
        room[::2] = values
        return room[::2]
    if layout == "backward":
        return values[::-1].copy()[::-1]
    if layout == "column":
        room = np.full((len(values), 3), -1, values.dtype)
        room[:, 1] = values
        return room[:, 1]
    if layout == "one element" and len(values):
        return np.broadcast_to(values[0], values.shape)
    return values


@pytest.mark.parametrize("mode", [None, "reference"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_layouts_beside_each_other(dtype: str, mode: str | None) -> None:
    x, y = T.vector("x", dtype=dtype), T.vector("y", dtype=dtype)
    f = theano.function([x, y], [x + y * 2, x - y], mode=mode)
    for length in LENGTHS if mode is None else LENGTHS[:9]:
        for first in LAYOUTS:
            for second in LAYOUTS:
                a, b = laid(numbers(length, dtype), first), laid(numbers(length, dtype, 5), second)
                found, other = f(a, b)
                assert found.dtype == dtype
                np.testing.assert_array_equal(found, (a + b * 2).astype(dtype))
                np.testing.assert_array_equal(other, a - b)


@pytest.mark.parametrize("length", LENGTHS)
def test_operands_of_different_sizes_and_one_that_stands_still(length: int) -> None:
    x, y, s = T.dvector("x"), T.bvector("y"), T.fscalar("s")
    f = theano.function([x, y, s], [x * s + y, T.gt(x, y)])
    for layout in LAYOUTS:
        a, b = laid(numbers(length, "float64", 3), layout), laid(numbers(length, "int8"), layout)
        total, more = f(a, b, 3.0)
        np.testing.assert_array_equal(total, a * 3 + b)
        np.testing.assert_array_equal(more, a > b)


@pytest.mark.parametrize("length", [0, 1, 2, 9, 70])
def test_the_diagonal_and_a_vector_of_another_length(length: int) -> None:
    m, v = T.dmatrix("m"), T.dvector("v")
    f = theano.function([m, v], T.diagonal(m) + v)
    square = numbers(length * length, "float64").reshape(length, length)
    for layout in (square, square.T, square[::-1], square[:, ::-1]):
        values = numbers(length, "float64")
        np.testing.assert_array_equal(f(layout, values), np.diagonal(layout) + values)
    with pytest.raises(ValueError, match=r"(?i)dimension|length|shape|broadcast"):
        f(square, np.ones(length + 3))


@pytest.mark.parametrize("mode", [None, "reference"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
@pytest.mark.parametrize("width", [0, 1, 2, 7, 8, 9, 33])
@pytest.mark.parametrize("layout", ["rows", "columns", "backward", "every second"])
def test_rows_of_shared_matrices(layout: str, width: int, dtype: str, mode: str | None) -> None:
    def matrix() -> Any:
        values = numbers(6 * width, dtype, 1).reshape(6, width)
        room = np.zeros((6, 2 * width), dtype)
        room[:, ::2] = values
        ways = {"rows": values, "columns": np.asfortranarray(values), "backward": values[::-1, ::-1],
                "every second": room[:, ::2]}  # fmt: skip
        return ways[layout]

    i, j, v = T.lscalar("i"), T.lscalar("j"), T.vector("v", dtype=dtype)
    for change in (T.set_subtensor, T.inc_subtensor):
        shared, expected = theano.shared(matrix(), borrow=True), matrix().copy()
        f = theano.function([i, v], [], updates=[(shared, change(shared[i], v))], mode=mode)
        g = theano.function([i, j], [], updates=[(shared, change(shared[i], shared[j] * 2))], mode=mode)
        back = theano.function([i, j], [], updates=[(shared, change(shared[i], shared[j][::-1]))], mode=mode)
        along = theano.function([i], [], updates=[(shared, change(shared[i, 1:], shared[i, :-1]))], mode=mode)
        for way in ("contiguous", "every second", "backward"):
            f(-2, laid(numbers(width, dtype, 40), way))
            expected[-2] = numbers(width, dtype, 40) + (change is T.inc_subtensor) * expected[-2]
            for row, other in ((0, 3), (3, 3), (5, -1)):
                for call, values in ((g, expected[other] * 2), (back, None)):
                    values = expected[other][::-1].copy() if values is None else values
                    call(row, other)
                    expected[row] = values + (change is T.inc_subtensor) * expected[row]
            if width:
                along(2)
                expected[2, 1:] = expected[2, :-1].copy() + (change is T.inc_subtensor) * expected[2, 1:]
            np.testing.assert_array_equal(shared.get_value(), expected)
        for wrong in (6, -7):
            with pytest.raises(IndexError):
                f(wrong, numbers(width, dtype))
        np.testing.assert_array_equal(shared.get_value(), expected)


def test_a_row_of_a_matrix_that_somebody_else_holds() -> None:
    shared = theano.shared(np.zeros((3, 8)))
    held = shared.get_value(borrow=True)
    v = T.dvector("v")
    theano.function([v], [], updates=[(shared, T.set_subtensor(shared[1], v))])(np.ones(8))
    assert not held.any()
    np.testing.assert_array_equal(shared.get_value(), [[0.0] * 8, [1.0] * 8, [0.0] * 8])
