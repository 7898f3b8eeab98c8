"""Operands that lie across memory are turned, a block at a time; squares of them in registers."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import target
from theano.backends.native.runtime import runtime
from theano.backends.native.turn_text import PREFETCH, squares_for, turn_text

SHAPES = [
    (1, 1), (2, 3), (3, 2), (8, 8), (16, 16), (7, 9), (17, 33), (64, 64), (65, 3), (3, 65), (300, 5), (5, 300),
    (300, 8), (8, 300), (300, 30), (30, 300), (129, 130), (257, 131), (40, 1000), (1000, 40), (0, 5),
    (5, 0), (64, 1), (1, 64),
]  # fmt: skip


@contextmanager
def without_turns() -> Iterator[None]:
    """As if the code that turns in registers were not there yet."""
    turns = runtime()._turns
    kept = list(turns)
    turns[:] = [0] * len(kept)
    try:
        yield
    finally:
        turns[:] = kept


def numbers(shape: tuple[int, ...], dtype: str, start: int = 0) -> Any:
    return (np.arange(start, start + int(np.prod(shape))) % 251).reshape(shape).astype(dtype)


@pytest.mark.parametrize(("size", "kind"), [(8, "i64"), (4, "i32")])
def test_the_code_turns_and_touches_nothing_else(size: int, kind: str) -> None:
    for side in squares_for(size):
        code = target.Code(f"{PREFETCH}\n\n{turn_text(side, kind)}", 2)
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 6)(code.address(f"turn_{side}_{8 * size}"))
        for rows, columns in ((side, side), (side, side + 1), (side + 3, side), (5 * side, 2 * side + 5), (100, 37)):
            source = numbers((rows, columns + 3), f"i{size}", 1)[:, :columns]
            found = np.full((columns + 2, rows + 5), -1, dtype=source.dtype)
            function(found.ctypes.data, source.ctypes.data, source.strides[0], rows, columns, found.strides[0])
            assert (found[:columns, :rows] == source.T).all()
            assert (found[columns:] == -1).all() and (found[:, rows:] == -1).all()
            back = np.zeros_like(source)
            last = source.ctypes.data + (rows - 1) * source.strides[0]
            function(found.ctypes.data, last, -source.strides[0], rows, columns, found.strides[0])
            assert (found[:columns, :rows] == source[::-1].T).all() and not back.any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "int16", "int8", "bool", "float16"])
def test_sums_with_what_lies_across(dtype: str) -> None:
    x, y = T.matrix(dtype=dtype), T.matrix(dtype=dtype)
    f = theano.function([x, y], [x + y.T, y.T * 2 - x if dtype != "bool" else y.T & x])
    for shape in SHAPES:
        a, b = numbers(shape, dtype), numbers(shape[::-1], dtype, 7)
        expected = [a + b.T, (b.T * np.dtype(dtype).type(2) - a) if dtype != "bool" else b.T & a]
        for left, right in (
            (a, b), (a, np.asfortranarray(b)), (np.asfortranarray(a), b), (a[::-1].copy()[::-1], b),
            (a, b[:, ::-1].copy()[:, ::-1]), (np.repeat(a, 2, 1)[:, ::2], np.repeat(b, 3, 0)[::3]),
        ):  # fmt: skip
            found = f(left, right)
            with without_turns():
                plain = f(left, right)
            for one, other, wanted in zip(found, plain, expected, strict=True):
                np.testing.assert_array_equal(one, wanted)
                np.testing.assert_array_equal(other, wanted)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_mixed_sizes_and_operands_that_stand_still(dtype: str) -> None:
    x, y, n = T.matrix(dtype=dtype), T.matrix(dtype=dtype), T.imatrix()
    row, column, number = T.vector(dtype=dtype), T.vector(dtype=dtype), T.scalar(dtype=dtype)
    f = theano.function([x, y, n, row, column, number], x * number + y.T * row + n.T - column[:, None])
    g = theano.function([x, y, number], x * number - y.T)
    for shape in SHAPES:
        a, b, c = numbers(shape, dtype), numbers(shape[::-1], dtype, 3), numbers(shape[::-1], "int32", 5)
        r, k, s = numbers(shape[1:], dtype, 2), numbers(shape[:1], dtype, 9), np.dtype(dtype).type(3)
        np.testing.assert_allclose(f(a, b, c, r, k, s), a * s + b.T * r + c.T - k[:, None], rtol=1e-5)
        np.testing.assert_array_equal(g(a, b, s), a * s - b.T)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_three_axes_and_reductions(dtype: str) -> None:
    x, y = T.tensor3(dtype=dtype), T.tensor3(dtype=dtype)
    for order in ((0, 2, 1), (2, 1, 0), (1, 0, 2), (2, 0, 1), (1, 2, 0)):
        moved = y.dimshuffle(order)
        f = theano.function([x, y], [x + moved, (x * moved).sum(), (x - moved).sum(axis=1), T.exp(moved).max(axis=2)])
        for shape in ((2, 3, 4), (9, 20, 70), (70, 3, 20), (33, 65, 2), (1, 40, 40)):
            a = np.random.default_rng(1).normal(size=shape).astype(dtype)
            b = np.random.default_rng(2).normal(size=[shape[order.index(n)] for n in range(3)]).astype(dtype)
            t = b.transpose(order)
            rtol = 1e-4 if dtype == "float32" else 1e-10
            wanted = [a + t, (a * t).sum(dtype="f8"), (a - t).sum(axis=1), np.exp(t).max(axis=2)]
            for found, expected in zip(f(a, b), wanted, strict=True):
                np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


def test_functions_of_turned_operands_give_the_same_bits() -> None:
    x, y = T.dmatrices("x", "y")
    f = theano.function([x, y], T.tanh(x) * y.T)
    rng = np.random.default_rng(0)
    for shape in ((300, 5), (5, 300), (70, 70), (1000, 3)):
        a, b = rng.normal(size=shape), rng.normal(size=shape[::-1])
        assert f(a, b).tobytes() == f(a, np.ascontiguousarray(b.T).T).tobytes()
