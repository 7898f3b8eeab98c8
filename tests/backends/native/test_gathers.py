"""Rows at computed positions: looked at once for a row, which is then walked like any contiguous memory."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import sys
from typing import Any

import numpy as np
import pytest
from native_kernels import Failure, check, compiled, kernel_program, layouts

import theano
import theano.tensor as T
from theano.backends.native import target
from theano.backends.native.kernel_slots import hoisting, lanes_of
from theano.lowering.kernel import INDEXED, Instr, Kernel, Operand, Result

LIMITS = [2**63 - 1, -(2**63), 2**62, -(2**63) + 1]


def rows_of(
    dtype: str, index: str = "int64", rank: int = 2, kind: str = "store", kept: tuple[int, ...] | None = None,
) -> Kernel:
    """out = x[index] * 2 + y[-1], with `index` along axis 0; stored, or reduced to the axes `kept`."""
    axes = tuple(range(rank))
    operands = [Operand(dtype, (INDEXED, *axes[1:])), Operand(index, (0,)), Operand(dtype, axes[-1:])]
    body = (
        Instr("load", index, (), 1), Instr("cast", "int64", (0,)), Instr("gather", dtype, (1,), 0),
        Instr("const", dtype, (), 2), Instr("mul", dtype, (2, 3)), Instr("load", dtype, (), 2),
        Instr("add", dtype, (4, 5)),
    )
    operands.append(Operand(dtype, axes if kept is None else kept))
    return Kernel(rank, tuple(operands), 3, body, (Result(kind, 6, "" if kind == "store" else dtype),))


def add_rows(dtype: str, kind: str = "scatter_add", rank: int = 2) -> Kernel:
    """out[index] += x * x"""
    axes = tuple(range(rank))
    body = (Instr("load", dtype, (), 0), Instr("mul", dtype, (0, 0)), Instr("load", "int64", (), 1))
    operands = (Operand(dtype, axes), Operand("int64", (0,)), Operand(dtype, (INDEXED, *axes[1:])))
    return Kernel(rank, operands, 2, body, (Result(kind, 1, "", (2,)),))


def integers(rng: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Numbers of which sums and products are exact."""
    return rng.integers(0, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "float16", "uint8"])
@pytest.mark.parametrize("optimize", [False, True])
def test_rows_of_every_length(dtype: str, optimize: bool) -> None:
    rng = np.random.default_rng(0)
    for n in (*range(1, 20), 31, 32, 33, 64, 100, 129):
        x, y = integers(rng, (11, n), dtype), integers(rng, (n,), dtype)
        index = rng.integers(-11, 11, 23)
        check(rows_of(dtype), [x, index, y], optimize=optimize)
        values, start = integers(rng, (23, n), dtype), integers(rng, (11, n), dtype)
        check(add_rows(dtype), [values, index], start={0: start}, optimize=optimize)
        check(add_rows(dtype, "scatter_set"), [values, index], start={0: start}, optimize=optimize)


@pytest.mark.parametrize("index", ["int8", "int32", "int64", "uint8", "uint32"])
def test_every_type_of_index(index: str) -> None:
    rng = np.random.default_rng(1)
    low = 0 if index.startswith("u") else -7
    x, y = integers(rng, (7, 40), "float64"), integers(rng, (40,), "float64")
    for n in (0, 1, 2, 9, 30):
        at = rng.integers(low, 7, n).astype(index)
        for places in layouts(at).values():
            check(rows_of("float64", index), [x, places, y])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts_in_which_rows_are_no_runs(dtype: str) -> None:
    rng = np.random.default_rng(2)
    x, y = integers(rng, (9, 37), dtype), integers(rng, (37,), dtype)
    values, start, index = integers(rng, (14, 37), dtype), integers(rng, (9, 37), dtype), rng.integers(-9, 9, 14)
    for table, at, other in itertools.product(*(layouts(a).values() for a in (x, index, y))):
        check(rows_of(dtype), [table, at, other])
    for source, table in itertools.product(layouts(values).values(), layouts(start).values()):
        check(add_rows(dtype), [source, index], start={0: table})
        check(add_rows(dtype, "scatter_set"), [source, index], start={0: table})
    still = np.broadcast_to(x[:, :1], x.shape)
    check(rows_of(dtype), [still, index, np.broadcast_to(y[:1], y.shape)])


def test_tables_of_rank_three() -> None:
    rng = np.random.default_rng(3)
    for shape in [(5, 4, 9), (5, 1, 33), (3, 40, 1), (5, 0, 3), (4, 7, 8)]:
        x, y = integers(rng, shape, "float64"), integers(rng, shape[-1:], "float64")
        index = rng.integers(-shape[0], shape[0], 12)
        for table in layouts(x).values():
            check(rows_of("float64", rank=3), [table, index, y])
        values = integers(rng, (12, *shape[1:]), "float64")
        for source in layouts(values).values():
            check(add_rows("float64", rank=3), [source, index], start={0: x})


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("kept", [(0,), (1,), (), (0, 1)])
@pytest.mark.parametrize("kind", ["sum", "max", "argmax"])
def test_gathered_rows_reduced(dtype: str, kept: tuple[int, ...], kind: str) -> None:
    """Over the rows, along each row, over everything, over nothing."""
    rng = np.random.default_rng(4)
    kernel = rows_of(dtype, kind=kind, kept=kept)
    if kind == "argmax":
        kernel = Kernel(2, (*kernel.operands[:3], Operand("int64", kept)), 3, kernel.body, (Result(kind, 6),))
    for rows, n in [(1, 1), (3, 5), (40, 7), (9, 70), (70, 40), (2, 300)]:
        x, y = integers(rng, (11, n), dtype), integers(rng, (n,), dtype)
        for table in layouts(x).values():
            check(kernel, [table, rng.integers(-11, 11, rows), y], optimize=True)


def test_positions_from_positions() -> None:
    """out[i, j] = x[order[index[i]], j]: a position that is itself gathered, and two tables at once."""
    body = (
        Instr("load", "int64", (), 2), Instr("gather", "int64", (0,), 1), Instr("gather", "float64", (1,), 0),
        Instr("gather", "float64", (0,), 0), Instr("sub", "float64", (2, 3)),
    )
    operands = (
        Operand("float64", (INDEXED, 1)), Operand("int64", (INDEXED,)), Operand("int64", (0,)),
        Operand("float64", (0, 1)),
    )
    kernel = Kernel(2, operands, 3, body, (Result("store", 4),))
    rng = np.random.default_rng(5)
    for n in (1, 4, 8, 21, 64):
        x, order = rng.normal(size=(13, n)), rng.permutation(13)
        check(kernel, [x, order, rng.integers(-13, 13, 30)])
        with pytest.raises(Failure) as caught:
            compiled(kernel_program(kernel))(x, order + 1, np.argsort(order)[-1:])
        assert caught.value.code == "index" and caught.value.detail[:2] == (13, 13)


def test_two_indices_of_one_row() -> None:
    """out[i, j] = x[a[i], b[i], j]"""
    body = (Instr("load", "int64", (), 1), Instr("load", "int64", (), 2), Instr("gather", "float32", (0, 1), 0))
    operands = (
        Operand("float32", (INDEXED, INDEXED, 1)), Operand("int64", (0,)), Operand("int64", (0,)),
        Operand("float32", (0, 1)),
    )
    kernel = Kernel(2, operands, 3, body, (Result("store", 2),))
    rng = np.random.default_rng(6)
    x, a, b = integers(rng, (5, 6, 21), "float32"), rng.integers(-5, 5, 17), rng.integers(-6, 6, 17)
    for table in layouts(x).values():
        check(kernel, [table, a, b])
    b[11] = 6
    with pytest.raises(Failure) as caught:
        compiled(kernel_program(kernel))(x, a, b)
    assert caught.value.detail == (6, 6, 0, 1)


@pytest.mark.parametrize("bad", [7, -8, *LIMITS])
@pytest.mark.parametrize("width", [1, 3, 16, 50])
def test_out_of_range(bad: int, width: int) -> None:
    index = np.zeros(30, dtype=np.int64)
    index[21] = bad
    x, y = np.zeros((7, width)), np.zeros(width)
    with pytest.raises(Failure) as caught:
        compiled(kernel_program(rows_of("float64")))(x, index, y)
    assert (caught.value.code, caught.value.detail) == ("index", (bad, 7, 0, 0))
    with pytest.raises(Failure) as caught:
        compiled(kernel_program(add_rows("float64"), start={0: 2}))(np.zeros((30, width)), index, x)
    assert (caught.value.code, caught.value.detail[:2]) == ("index", (bad, 7))


def test_nothing() -> None:
    f = compiled(kernel_program(rows_of("float64")))
    none = np.zeros(0, dtype=np.int64)
    assert f(np.zeros((3, 4)), none, np.zeros(4))[0].shape == (0, 4)
    assert f(np.zeros((0, 4)), none, np.zeros(4))[0].shape == (0, 4)
    assert f(np.zeros((3, 0)), none + 0, np.zeros(0))[0].shape == (0, 0)
    assert f(np.zeros((3, 0)), np.zeros(5, dtype=np.int64), np.zeros(0))[0].shape == (5, 0)
    g = compiled(kernel_program(add_rows("float64"), start={0: 2}))
    assert (g(np.zeros((0, 4)), none, np.ones((3, 4)))[0] == 1).all()
    assert g(np.zeros((5, 0)), np.zeros(5, dtype=np.int64), np.ones((3, 0)))[0].shape == (3, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_positions_add_up_in_order(dtype: str) -> None:
    rng = np.random.default_rng(7)
    values = (rng.normal(size=(50, 19)) * 10.0 ** rng.integers(-6, 6, (50, 19))).astype(dtype)
    index = rng.integers(0, 3, 50)
    start = rng.normal(size=(3, 19)).astype(dtype)
    (found,) = compiled(kernel_program(add_rows(dtype), start={0: 2}))(values, index, start)
    want = start.copy()
    for row, at in zip(values * values, index, strict=True):
        want[at] = want[at] + row
    np.testing.assert_array_equal(found, want)


def test_what_can_be_hoisted() -> None:
    kernel = rows_of("float32")
    found = hoisting(kernel)
    assert found is not None and found.order == (0, 1) and found.loads == {1} and found.walked == {0}
    assert lanes_of(kernel, 64) == 16  # positions are 64 bits wide, but there is one for a whole row
    of_columns = Kernel(
        2, (Operand("float32", (0, INDEXED)), Operand("int64", (1,)), Operand("float32", (0, 1))), 2,
        (Instr("load", "int64", (), 1), Instr("gather", "float32", (0,), 0)), (Result("store", 1),),
    )
    found = hoisting(of_columns)
    assert found is not None and found.walked == {0}  # along axis 0, where columns are contiguous
    of_elements = Kernel(
        1, (Operand("float32", (INDEXED, INDEXED)), Operand("int64", (0,)), Operand("float32", (0,))), 2,
        (Instr("load", "int64", (), 1), Instr("gather", "float32", (0, 0), 0)), (Result("store", 1),),
    )
    assert hoisting(of_elements) is None
    assert lanes_of(of_elements, 64) == 8
    sums_into_one_place = Kernel(
        2, (Operand("float64", (0, 1)), Operand("int64", (0,)), Operand("float64", (INDEXED,))), 2,
        (Instr("load", "float64", (), 0), Instr("load", "int64", (), 1)), (Result("scatter_add", 0, "", (1,)),),
    )
    assert hoisting(sums_into_one_place) is None


def test_columns_of_both_orders() -> None:
    kernel = Kernel(
        2, (Operand("float32", (0, INDEXED)), Operand("int64", (1,)), Operand("float32", (0, 1))), 2,
        (Instr("load", "int64", (), 1), Instr("gather", "float32", (0,), 0)), (Result("store", 1),),
    )
    rng = np.random.default_rng(8)
    for shape in [(5, 7), (64, 7), (7, 64), (40, 40)]:
        x = rng.normal(size=shape).astype("float32")
        for table in layouts(x).values():
            check(kernel, [table, rng.integers(-shape[1], shape[1], 33)])


def test_many_into_one_place() -> None:
    """out[index[i]] += x[i, j], where a row goes to one element."""
    kernel = Kernel(
        2, (Operand("float64", (0, 1)), Operand("int64", (0,)), Operand("float64", (INDEXED,))), 2,
        (Instr("load", "float64", (), 0), Instr("load", "int64", (), 1)), (Result("scatter_add", 0, "", (1,)),),
    )
    rng = np.random.default_rng(9)
    for shape in [(5, 7), (30, 1), (3, 64)]:
        check(kernel, [integers(rng, shape, "float64"), rng.integers(-4, 4, shape[0])], start={0: np.zeros(4)})


@pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")
@pytest.mark.parametrize("width", [1, 3, 8, 13, 16, 17, 40])
def test_memory_behind_the_last_row_is_not_touched(width: int) -> None:
    """The table ends where a page ends that may not be read."""
    page = mmap.PAGESIZE
    room = mmap.mmap(-1, 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert protect(start + page, page, 0) == 0
    try:
        rows = 5
        table = np.frombuffer(room, dtype="float32", count=rows * width, offset=page - 4 * rows * width)
        table = table.reshape(rows, width)
        table[...] = np.arange(table.size).reshape(table.shape)
        index = np.array([4, 4, 0, -1, 4, 3, 4, 4, 4, 4, -1])
        f = compiled(kernel_program(rows_of("float32")))
        np.testing.assert_array_equal(f(table, index, np.zeros(width, "float32"))[0], table[index] * 2)
        g = compiled(kernel_program(add_rows("float32"), start={0: 2}))
        (found,) = g(table, np.array([1, 1, 0, 1, 1]), np.zeros((2, width), "float32"))
        np.testing.assert_array_equal(found, [table[2] ** 2, (table[[0, 1, 3, 4]] ** 2).sum(0)])
        (found,) = g(np.ones((1, width), "float32"), np.array([-1]), table)
        np.testing.assert_array_equal(found[:-1], table[:-1])
        np.testing.assert_array_equal(found[-1], table[-1] + 1)
    finally:
        assert protect(start + page, page, 3) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("index", ["int32", "int64", "uint8"])
def test_embeddings(dtype: str, index: str) -> None:
    """Forward, with arithmetic; the gradient; an update in place."""
    rng = np.random.default_rng(10)
    for rows, width in [(40, 1), (40, 5), (200, 16), (30, 100)]:
        table, bias = rng.normal(size=(20, width)).astype(dtype), rng.normal(size=width).astype(dtype)
        places = rng.integers(0, 20, rows).astype(index)
        weights = rng.normal(size=(rows, width)).astype(dtype)
        W, b, i, c = T.matrix("W", dtype), T.vector("b", dtype), T.vector("i", index), T.matrix("c", dtype)
        f = theano.function([W, i, b], W[i] * 2 + b)
        np.testing.assert_allclose(f(table, places, bias), table[places] * 2 + bias, rtol=1e-6)
        gradient = theano.function([W, i, c], T.grad((W[i] ** 2 * c).sum(), W))
        want = np.zeros_like(table, "float64")
        np.add.at(want, places, 2.0 * table[places] * weights)
        np.testing.assert_allclose(gradient(table, places, weights), want, rtol=2e-5, atol=1e-5)
        shared = theano.shared(table.copy())
        step = theano.function([i, c], [], updates=[(shared, T.inc_subtensor(shared[i], c))])
        step(places, weights)
        want = table.astype("float64")
        np.add.at(want, places, weights)
        np.testing.assert_allclose(shared.get_value(), want, rtol=2e-5, atol=1e-5)


def test_a_bad_row_is_named_and_nothing_is_written() -> None:
    shared = theano.shared(np.zeros((6, 33)))
    i, v = T.lvector("i"), T.dmatrix("v")
    step = theano.function([i, v], [], updates=[(shared, T.inc_subtensor(shared[i], v))])
    places = np.arange(50) % 6
    for bad in (6, -7, *LIMITS):
        places[44] = bad
        with pytest.raises(IndexError) as caught:
            step(places, np.ones((50, 33)))
        text = str(caught.value)
        assert str(bad) in text and "6" in text and __file__ in text
    assert not shared.get_value().any()


def test_wider_sums_keep_the_narrow_vectors() -> None:
    body = (Instr("load", "float32", (), 0), Instr("cast", "float64", (0,)))
    kernel = Kernel(
        2, (Operand("float32", (0, 1)), Operand("float64", (0,))), 1, body, (Result("sum", 1, "float64"),)
    )
    assert lanes_of(kernel, 64) == 16
    rng = np.random.default_rng(11)
    for shape in [(3, 5), (40, 33), (7, 700), (64, 2)]:
        for array in layouts((rng.normal(size=shape) * 1000).astype("float32")).values():
            (found,) = check(kernel, [array], rtol=1e-14, atol=1e-10, optimize=True)
            np.testing.assert_allclose(found, array.astype("float64").sum(1), rtol=1e-14, atol=1e-10)


@pytest.mark.skipif(target.host().vector_bytes != 64, reason="needs masked loads")
def test_short_rows_one_by_one() -> None:
    """Broadcasting along short rows, and along an axis in front of them."""
    rng = np.random.default_rng(12)
    x, b, c = T.ftensor3("x"), T.fmatrix("b"), T.fvector("c")
    f = theano.function([x, b, c], x * b.dimshuffle(0, 1, "x") + c)
    for shape in [(3, 50, 8), (2, 9, 17), (5, 1, 6), (1, 300, 5), (4, 4, 1)]:
        values = [rng.normal(size=s).astype("float32") for s in (shape, shape[:2], shape[2:])]
        for first in layouts(values[0]).values():
            np.testing.assert_array_equal(f(first, *values[1:]), first * values[1][:, :, None] + values[2])


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_long_strided_indices_of_narrow_elements(dtype: str) -> None:
    """Positions are wider than what they name: a vector of them takes more room."""
    kernel = Kernel(
        2, (Operand(dtype, (INDEXED, 1)), Operand("int64", (0,)), Operand(dtype, (0, 1))), 2,
        (Instr("load", "int64", (), 1), Instr("gather", dtype, (0,), 0)), (Result("store", 1),),
    )
    rng = np.random.default_rng(13)
    index = rng.integers(-5, 5, 9000)
    x = rng.integers(0, 2, (5, 3)).astype(dtype)
    for places in layouts(index).values():
        for table in layouts(x).values():
            check(kernel, [table, places])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_a_table_are_updated_where_they_are(dtype: str) -> None:
    """W - rate * gradient, where the gradient reads rows of W: duplicates see the rows as they were before."""
    rng = np.random.default_rng(14)
    table = rng.normal(size=(12, 9)).astype(dtype)
    W, i, c = theano.shared(table.copy()), T.lvector("i"), T.matrix("c", dtype)
    cost = (W[i] ** 2 * c).sum()
    step = theano.function([i, c], cost, updates=[(W, W - np.asarray(0.1, dtype) * T.grad(cost, W))])
    address = W.get_value(borrow=True).ctypes.data
    places = np.array([3, 5, 3, -1, 3, 5, 0])
    weights = rng.normal(size=(7, 9)).astype(dtype)
    found = step(places, weights)
    np.testing.assert_allclose(found, (table[places].astype("float64") ** 2 * weights).sum(), rtol=1e-5)
    want = table.astype("float64")
    np.add.at(want, places, -0.2 * table[places].astype("float64") * weights)
    np.testing.assert_allclose(W.get_value(), want, rtol=2e-5, atol=1e-5)
    assert W.get_value(borrow=True).ctypes.data == address
    before = W.get_value()
    with pytest.raises(IndexError):
        step(places + 9, weights)
    np.testing.assert_array_equal(W.get_value(), before)


def test_what_a_scatter_starts_from_is_copied_whatever_its_strides() -> None:
    rng = np.random.default_rng(15)
    wide = rng.normal(size=(6, 8, 10))
    values, index = rng.integers(0, 5, (4, 3, 5)).astype("float64"), np.array([0, 2, -1, 0])
    for start in (
        wide[:3, :3, :5], wide[::2, 1:4, 5:], wide[:3, ::3, ::2], wide[3:, 2:5, 5:].copy(), wide[2::-1, :3, :5],
        wide.transpose(2, 1, 0)[:3, :3, :5], np.broadcast_to(wide[0, :3, :5], (3, 3, 5)), wide[:3, :1, :5],
    ):
        source = values[:, : start.shape[1]]
        want = start.copy()
        np.add.at(want, index, source * source)
        found = compiled(kernel_program(add_rows("float64", rank=3), start={0: 3}))(source, index, start)
        np.testing.assert_allclose(found[0], want, rtol=1e-15)
