"""Results that are larger than the caches are written past them: the same values, in every situation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE

import theano
import theano.tensor as T
from theano.backends.native import thread_count
from theano.backends.native.runtime import cache_room
from theano.backends.native.vector_text import VectorText

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_caches() -> Iterator[None]:
    """Caches of 1 kB."""
    room, threads = cache_room(), thread_count._word[0]
    before = list(room)
    room[1] = 1024
    with theano.change_flags(openmp_elemwise_minsize=0):
        yield
    room[:] = before
    thread_count.set_threads(threads)


def same(inputs: list[Any], outputs: Any, *arrays: Any) -> None:
    wanted = theano.function(inputs, outputs, mode="reference")(*arrays)
    function = theano.function(inputs, outputs, mode=NATIVE)
    for threads in (1, 2, 4):
        thread_count.set_threads(threads)
        found = function(*arrays)
        for a, b in zip(*([x] if isinstance(x, np.ndarray) else x for x in (found, wanted)), strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_array_equal(a, b)


def values(dtype: str, *shape: int) -> np.ndarray:
    found = np.random.default_rng(sum(shape)).integers(0, 2 if dtype == "bool" else 100, shape).astype(dtype)
    return found * (1 + 1j) if dtype.startswith("complex") else found


@pytest.mark.parametrize("dtype", DTYPES)
def test_vectors_of_any_length(dtype: str) -> None:
    x, y = T.vector(dtype=dtype), T.vector(dtype=dtype)
    outputs = T.or_(x, y) if dtype == "bool" else x + y
    for n in (0, 1, 7, 63, 64, 65, 127, 128, 129, 1000, 1024, 1025, 4096, 5003, 100003):
        same([x, y], outputs, values(dtype, n), values(dtype, n)[::-1].copy())


def test_several_results_of_several_dtypes() -> None:
    x, y = T.vector(dtype="float32"), T.vector(dtype="float64")
    outputs = [x + 1, x * y, x > y, T.cast(x, "int8"), T.cast(y, "complex128") * 2j, T.cast(x * 3, "int64")]
    for n in (100, 1024, 1031, 70000):
        same([x, y], outputs, values("float32", n), values("float64", n))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int16"])
def test_rows_and_columns(dtype: str) -> None:
    """Rows that fill cache lines and rows that do not, among them some that are a line and a bit."""
    X, column, row = T.matrix(dtype=dtype), T.col(dtype=dtype), T.row(dtype=dtype)
    for shape in [(40, 64), (40, 128), (33, 100), (64, 17), (5, 1024), (7, 1000), (1, 3000), (3000, 1), (300, 2)]:
        a, c, r = values(dtype, *shape), values(dtype, shape[0], 1), values(dtype, 1, shape[1])
        same([X, column, row], [X * column, X + row, X * column + row], a, c, r)
        same([X, column], X.T + column.T, a, c)
        for lies in (a[::-1], a[:, ::-1], np.asfortranarray(a), np.repeat(a, 2, axis=1)[:, ::2]):
            same([X, row], X + row, lies, r)


def test_three_axes() -> None:
    X, y = T.tensor3(), T.vector()
    for shape in [(4, 6, 64), (4, 6, 65), (3, 128, 8), (2, 3, 4)]:
        same([X, y], X.dimshuffle(1, 0, 2) * y, values("float64", *shape), values("float64", shape[2]))


def test_what_is_stored_and_written_in_place() -> None:
    """A shared value that is updated in its own place, and parts of one."""
    n = 5000
    start = values("float64", n)
    for make in (lambda v, x: v * 2 + x, lambda v, x: T.inc_subtensor(v[100:4100], x[:4000] * 3), lambda v, x: x - 1):
        found = []
        for mode in (NATIVE, "reference"):
            v, x = theano.shared(start), T.vector()
            f = theano.function([x], v.sum(), updates=[(v, make(v, x))], mode=mode)
            found.append([*(f(values("float64", n) + k) for k in range(3)), v.get_value()])
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_groups_of_rows_and_loops() -> None:
    X = T.matrix()
    steps, _ = theano.scan(lambda row, last: row * 2 + last, sequences=[X], outputs_info=[T.zeros_like(X[0])])
    cache_room()[0] = 8192  # so that rows go in blocks
    for shape in [(30, 100), (16, 512), (40, 64), (33, 8), (9, 1001)]:
        a = values("float64", *shape)
        same([X], (X - X.max(axis=1, keepdims=True)) * 2, a)
        same([X], steps, a)


def test_large_and_small_calls_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written past the caches is what fills whole lines of large results, and nothing else: shown by writing
    zeros there."""
    store = VectorText.store

    def zeros(self: VectorText, dtype: str, value: str, pointer: str, mask: str = "", past: bool = False) -> None:
        store(self, dtype, "zeroinitializer" if past else value, pointer, mask, past)

    monkeypatch.setattr(VectorText, "store", zeros)
    thread_count.set_threads(1)
    x, X, c = T.vector(), T.matrix(), T.col()
    f = theano.function([x], x * 3.0123, mode=NATIVE)
    cache_room()[1] = 800000  # three quarters of that count
    for n, large in [(50, False), (80003, True), (127, False), (74999, False), (75000, True), (64, False)] * 2:
        whole = n // 8 * 8 if large else 0
        got = f(np.ones(n))
        assert (got[:whole] == 0).all() and (got[whole:] == 3.0123).all(), n
    cache_room()[1] = 1024
    g = theano.function([X, c], X * c * 2.0123, mode=NATIVE)
    for shape, past in [((20, 64), True), ((20, 60), False), ((20, 66), False), ((2, 8), False)]:
        assert (g(np.ones(shape), np.ones((shape[0], 1))) == (0 if past else 2.0123)).all(), shape
    cache_room()[0] = 8192
    h = theano.function([X], X * 4.0123 - X.sum(axis=1, keepdims=True), mode=NATIVE)
    for shape, past in [((40, 64), True), ((40, 60), False)]:  # rows in blocks
        assert (h(np.ones(shape)) == (0 if past else 4.0123 - shape[1])).all(), shape
    v = theano.shared(np.ones(80000))
    theano.function([], [], updates=[(v, v * 1.0123)], mode=NATIVE)()
    assert (v.get_value() == 1.0123).all()
