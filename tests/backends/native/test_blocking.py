"""Kernels over the same rows, a block at a time: results equal to the last bit, whatever the block."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from native_kernels import layouts

import theano
import theano.tensor as T
from theano.backends.native.runtime import cache_room
from theano.graph.fgraph import FunctionGraph
from theano.lowering.lower import lower
from theano.lowering.program import FreeStep
from theano.lowering.verify import ProgramError, verify

WITHOUT_BLOCKS = 1 << 60


@pytest.fixture
def room() -> Iterator[Any]:
    """The words that say how many bytes a block may touch, and others."""
    words = cache_room()
    before = list(words)
    yield words
    words[:] = before


def centred(x: Any) -> Any:
    return ((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)


def standardised(x: Any) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / T.sqrt(x.var(axis=1, keepdims=True) + 1)


def of_columns(x: Any) -> Any:
    return (x - x.mean(axis=0)) / (1 + x.var(axis=0))


def position_and_rest(x: Any) -> Any:
    return T.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1) + x.argmax(axis=1)


def with_positions(x: Any) -> Any:
    rows = T.arange(x.shape[0]).dimshuffle(0, "x")
    return ((x * rows - x.mean(axis=1, keepdims=True)) ** 2).max(axis=1)


def turned(x: Any) -> Any:
    return (x.T - x.mean(axis=1)) * x.sum(axis=1)


def truth(x: Any) -> Any:
    return T.all(T.gt(x, x.min(axis=1, keepdims=True)), axis=1) + x.sum(axis=1)


EXPRESSIONS: list[Callable[[Any], Any]] = [
    centred, standardised, of_columns, position_and_rest, with_positions, turned, truth, T.nnet.softmax,
    T.nnet.logsoftmax,
]
SHAPES = [(40, 7), (7, 40), (300, 3), (3, 300), (65, 129), (2, 1), (1, 5), (1, 1)]


def same_bits(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype and a.shape == b.shape
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda e: e.__name__)
def test_blocks_change_no_bit(expression: Callable[[Any], Any], dtype: str, room: Any) -> None:
    x = T.matrix("x", dtype=dtype)
    f = theano.function([x], expression(x))
    rng = np.random.default_rng(3)
    for shape in SHAPES:
        values = (rng.normal(size=shape) * 10).astype(dtype)
        if dtype != "int32" and values.size > 4:
            values[0, 0], values[-1, -1] = np.nan, np.inf
        for array in layouts(values).values():
            room[0] = WITHOUT_BLOCKS
            expected = f(array)
            for size in (1, 64, 100, 600, 3000, 5000, 20000):
                room[0] = size
                same_bits(f(array), expected)


def test_rank_three(room: Any) -> None:
    x = T.dtensor3("x")
    outputs = [
        x - x.mean(axis=2, keepdims=True),
        x - x.mean(axis=1, keepdims=True),
        x / x.sum(axis=(1, 2), keepdims=True),
        (x - x.max(axis=(0, 2), keepdims=True)).sum(axis=(0, 2)),
    ]
    f = theano.function([x], outputs)
    rng = np.random.default_rng(4)
    for shape in [(9, 5, 7), (2, 64, 3), (64, 2, 33), (5, 1, 4)]:
        for array in layouts(rng.normal(size=shape)).values():
            room[0] = WITHOUT_BLOCKS
            expected = f(array)
            for size in (1, 100, 700, 2000, 9000):
                room[0] = size
                for have, want in zip(f(array), expected, strict=True):
                    same_bits(have, want)


def distances(x: Any, y: Any) -> Any:
    return T.sqr(x.dimshuffle(0, "x", 1) - y.dimshuffle("x", 0, 1)).sum(axis=2)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 16, 33])
def test_kernels_with_wide_sums_run_by_blocks_alone(length: int, room: Any) -> None:
    """Of sums in float64 that are kept in float32: over short axes, which are walked in one way or the other."""
    x, y, t = T.fmatrix("x"), T.fmatrix("y"), T.ftensor3("t")
    groups = lower(FunctionGraph([x, y], [distances(x, y)]), storages={}, updates={}).row_groups
    assert [group.axes for group in groups] == [(0,)]
    of_pairs = theano.function([x, y], distances(x, y))
    of_axes = theano.function([t], [t.sum(axis=axis) for axis in range(3)] + [T.exp(t).sum(axis=1)])
    rng = np.random.default_rng(6)
    u, v = (rng.normal(size=(n, length)).astype("float32") for n in (37, 29))
    whole = rng.normal(size=(19, 23, length)).astype("float32")
    whole[0, 0, 0], whole[-1, -1, -1] = np.nan, np.inf
    wide = ((u[:, None].astype("float64") - v[None]) ** 2).sum(axis=2)
    for a, b in zip(layouts(u).values(), layouts(v).values(), strict=True):
        room[0] = WITHOUT_BLOCKS
        expected = of_pairs(a, b)
        np.testing.assert_allclose(expected, wide, rtol=1e-6)
        for size in (1, 500, 3000):
            room[0] = size
            same_bits(of_pairs(a, b), expected)
    for array in (whole, whole.transpose(1, 0, 2), whole.transpose(2, 1, 0), whole[::-1, ::2]):
        room[0] = WITHOUT_BLOCKS
        sums = of_axes(array)
        with np.errstate(all="ignore"):
            for axis, found in enumerate(sums[:3]):
                np.testing.assert_allclose(found, array.astype("float64").sum(axis=axis), rtol=1e-5, atol=1e-5)
        for size in (1, 500, 3000):
            room[0] = size
            for have, want in zip(of_axes(array), sums, strict=True):
                same_bits(have, want)


def test_no_rows(room: Any) -> None:
    room[0] = 1
    x = T.dmatrix("x")
    f = theano.function([x], T.nnet.softmax(x))
    assert f(np.zeros((0, 4))).shape == (0, 4)
    f = theano.function([x], centred(x))
    np.testing.assert_array_equal(f(np.zeros((0, 4))), np.zeros(0))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(np.zeros((3, 0))), np.zeros(3))


def test_blocks_are_taken_and_still_right(room: Any) -> None:
    """Against NumPy, with a room in which only a few rows fit; the function's memory is its own each time."""
    x = T.dmatrix("x")
    f = theano.function([x], [T.nnet.softmax(x), standardised(x)])
    values = np.random.default_rng(5).normal(size=(500, 70))
    room[0] = 70 * 8 * 20
    first = f(values)
    e = np.exp(values - values.max(axis=1, keepdims=True))
    np.testing.assert_allclose(first[0], e / e.sum(axis=1, keepdims=True), rtol=1e-14)
    m = values.mean(axis=1, keepdims=True)
    want = (values - m) / np.sqrt(values.var(axis=1, keepdims=True) + 1)
    np.testing.assert_allclose(first[1], want, rtol=1e-12, atol=1e-13)
    kept = [a.copy() for a in first]
    f(values + 1)
    for have, want in zip(first, kept, strict=True):
        same_bits(have, want)


def test_lengths_that_differ_fail_as_without_blocks(room: Any) -> None:
    x, y = T.dmatrices("x", "y")
    f = theano.function([x, y], (x + y - x.mean(axis=1, keepdims=True)).sum(axis=1))
    found = []
    for size in (1, WITHOUT_BLOCKS):
        room[0] = size
        with pytest.raises(ValueError) as caught:
            f(np.ones((50, 4)), np.ones((49, 4)))
        found.append(str(caught.value))
    assert found[0] == found[1]


def program_of(inputs: list[Any], outputs: list[Any]) -> Any:
    program = lower(FunctionGraph(inputs, outputs), storages={}, updates={})
    verify(program)
    return program


def test_groups_of_softmax_and_centring() -> None:
    x = T.dmatrix("x")
    (group,) = program_of([x], [centred(x)]).row_groups
    assert [a for a in group.axes if a is not None] == [0, 0, 0]
    e = T.exp(x - x.max(axis=1, keepdims=True))
    program = program_of([x], [e / e.sum(axis=1, keepdims=True)])
    (group,) = program.row_groups
    assert not any(isinstance(s, FreeStep) for s in program.steps[group.start : group.stop])
    assert "rows (i0" in str(program) and "end of rows" in str(program)


def test_no_group_where_rows_need_each_other() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    # a total is needed before any row can be finished
    assert program_of([x], [x / x.sum()]).row_groups == []
    # sums over rows, then a product with every one of them
    y = x.sum(axis=1)
    assert program_of([x], [(T.exp(x) * y.sum()).sum(axis=0)]).row_groups == []
    # positions may be out of range: nothing may run before they are checked
    i = T.lvector("i")
    for group in program_of([v, i], [(v[i] - v[i].sum()) * 2]).row_groups:
        assert len([a for a in group.axes if a is not None]) < 2


def test_columns_of_wide_rows_are_no_block(room: Any) -> None:
    """Blocks of columns would be short pieces of memory: the kernels run whole, and right."""
    x = T.dmatrix("x")
    f = theano.function([x], x - x.mean(axis=0))
    room[0] = 4096
    values = np.random.default_rng(0).normal(size=(64, 40))
    np.testing.assert_allclose(f(values), values - values.mean(axis=0), rtol=1e-13, atol=1e-15)


def test_verify_refuses_wrong_groups() -> None:
    x = T.dmatrix("x")
    program = program_of([x], [centred(x)])
    (group,) = program.row_groups
    for wrong in (
        dataclasses.replace(group, stop=group.stop + 1, axes=(*group.axes, None)),  # a free
        dataclasses.replace(group, axes=tuple(None if a is None else 1 - a for a in group.axes)),
        dataclasses.replace(group, axes=group.axes[1:]),
        dataclasses.replace(group, stop=len(program.steps) + 1),
    ):
        program.row_groups[:] = [wrong]
        with pytest.raises(ProgramError):
            verify(program)
    program.row_groups[:] = [group]
    verify(program)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int16"])
def test_operands_that_lie_across_memory(dtype: str) -> None:
    """Blocks of 1024 rows and 16 columns are turned: lengths below, at and above these, and beside others."""
    x, y = T.matrix("x", dtype=dtype), T.matrix("y", dtype=dtype)
    f = theano.function([x, y], [x.T + y, T.tensor_copy(x.T), x.T * y[0], (x.T - y.T.T).sum(axis=1)])
    rng = np.random.default_rng(6)
    for n, m in [(20, 9), (16, 1024), (1025, 17), (1030, 8), (33, 1023), (1, 40), (2, 2100), (2049, 3)]:
        a = rng.integers(-9, 9, (n, m)).astype(dtype)
        b = rng.integers(-9, 9, (m, n)).astype(dtype)
        wide = np.zeros((n, m + 5), dtype)
        wide[:, 3:-2] = a
        for shown in (a, wide[:, 3:-2], np.ascontiguousarray(a[::-1])[::-1], np.asfortranarray(a)):
            found = f(shown, b)
            for have, want in zip(found, [a.T + b, a.T, a.T * b[0], (a.T - b).sum(axis=1)], strict=True):
                np.testing.assert_array_equal(have, want)


def test_several_operands_across_in_rank_three() -> None:
    x, y, z = T.dtensor3("x"), T.dtensor3("y"), T.dtensor3("z")

    def expressions(x: Any, y: Any, z: Any, turn: Callable[..., Any]) -> list[Any]:
        return [
            turn(x, 0, 2, 1) * y + turn(z, 0, 2, 1),
            turn(x, 2, 1, 0).sum(axis=0),
            turn(y, 2, 0, 1).max(axis=0),
            turn(x, 2, 1, 0) * 1,
            turn(x, 1, 2, 0) - turn(z, 1, 2, 0),
        ]

    f = theano.function([x, y, z], expressions(x, y, z, lambda v, *axes: v.dimshuffle(*axes)))
    rng = np.random.default_rng(7)
    for n, m, k in [(3, 40, 30), (18, 5, 70), (2, 1100, 9), (40, 40, 1), (1, 30, 30)]:
        shapes = [(n, m, k), (n, k, m), (n, m, k)]
        a, b, c = (rng.integers(-9, 9, shape).astype("float64") for shape in shapes)
        wanted = expressions(a, b, c, lambda v, *axes: v.transpose(axes))
        for have, want in zip(f(a, b, c), wanted, strict=True):
            np.testing.assert_array_equal(have, want)


def test_threads_share_blocked_functions(room: Any) -> None:
    """Blocks run without the GIL; accumulators of float32 are temporaries of each block."""
    x = T.fmatrix("x")
    f = theano.function([x], standardised(x))
    values = np.random.default_rng(8).normal(size=(400, 300)).astype("float32")
    room[0] = WITHOUT_BLOCKS
    expected = f(values)
    room[0] = 300 * 4 * 30
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: f(values), range(40)):
            same_bits(found, expected)
