"""Gathers and scatters, counters and extents: computed positions, their bounds, and what a failure leaves behind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from native_kernels import Failure, check, compiled, kernel_program, layouts

from theano.lowering.kernel import INDEXED, UNIT, Instr, Kernel, Operand, Result
from theano.lowering.program import Buffer, KernelStep, Program, ProgramInput, ProgramOutput

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64"]


def take(dtype: str) -> Kernel:
    """out[i, j] = x[index[i], j]"""
    return Kernel(
        2,
        (Operand(dtype, (INDEXED, 1)), Operand("int64", (0,)), Operand(dtype, (0, 1))),
        2,
        (Instr("load", "int64", (), 1), Instr("gather", dtype, (0,), 0)),
        (Result("store", 1),),
    )


def put(dtype: str, kind: str) -> Kernel:
    """out[index[i], j] = or += x[i, j]"""
    return Kernel(
        2,
        (Operand(dtype, (0, 1)), Operand("int64", (0,)), Operand(dtype, (INDEXED, 1))),
        2,
        (Instr("load", dtype, (), 0), Instr("load", "int64", (), 1)),
        (Result(kind, 0, "", (1,)),),
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_gather(dtype: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 2 if dtype == "bool" else 100, (11, 13)).astype(dtype)
    for n in (0, 1, 5, 17, 70):
        index = rng.integers(-11, 11, n)
        for source, at in itertools.product(layouts(x).values(), layouts(index).values()):
            check(take(dtype), [source, at])


@pytest.mark.parametrize("bad", [11, -12, 2**62, -(2**63)])
@pytest.mark.parametrize("place", [0, 7, 9, 40])
def test_gather_out_of_range(bad: int, place: int) -> None:
    index = np.zeros(41, dtype=np.int64)
    index[place] = bad
    for optimize in (False, True):
        f = compiled(kernel_program(take("float64")), optimize=optimize)
        with pytest.raises(Failure) as caught:
            f(np.zeros((11, 13)), index)
        assert (caught.value.step, caught.value.code, caught.value.detail) == (0, "index", (bad, 11, 0, 0))
        assert caught.value.shapes == [(11, 13), (41,)]
        assert f(np.ones((11, 13)), index * 0)[0].sum() == 41 * 13


def test_gather_from_nothing() -> None:
    f = compiled(kernel_program(take("float64")))
    assert f(np.zeros((0, 3)), np.zeros(0, dtype=np.int64))[0].shape == (0, 3)
    assert f(np.zeros((5, 0)), np.zeros(4, dtype=np.int64))[0].shape == (4, 0)
    with pytest.raises(Failure):
        f(np.zeros((0, 3)), np.zeros(1, dtype=np.int64))


def test_gather_on_two_axes_with_computed_positions() -> None:
    """out[i] = x[i % 3, -1 - i]: positions from a counter, masked lanes compute nonsense that must not be read."""
    body = (
        Instr("iota", "int64", (), 0),
        Instr("const", "int64", (), 3),
        Instr("imod", "int64", (0, 1)),
        Instr("const", "int64", (), -1),
        Instr("sub", "int64", (3, 0)),
        Instr("gather", "float32", (2, 4), 0),
    )
    kernel = Kernel(
        1, (Operand("float32", (INDEXED, INDEXED)), Operand("float32", (0,))), 1, body, (Result("store", 5),)
    )
    for n in (1, 2, 8, 9, 30):
        x = np.arange(3 * n, dtype=np.float32).reshape(3, n)
        check(kernel, [x], extents=(n,))
        check(kernel, [np.asfortranarray(x)], extents=(n,))


@pytest.mark.parametrize("kind", ["scatter_set", "scatter_add"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter(dtype: str, kind: str) -> None:
    rng = np.random.default_rng(6)
    base = rng.integers(0, 2, (7, 13)).astype(dtype)
    for n in (0, 1, 5, 17, 70):
        index = rng.integers(-7, 7, n)
        values = rng.integers(0, 2 if dtype == "bool" else 4, (n, 13)).astype(dtype)
        for source, start in itertools.product(layouts(values).values(), layouts(base).values()):
            before = start.copy()
            check(put(dtype, kind), [source, index], start={0: start})
            assert (start == before).all()


def test_the_last_of_equal_positions_wins() -> None:
    x = np.arange(40.0).reshape(20, 2)
    found = check(put("float64", "scatter_set"), [x, np.zeros(20, dtype=np.int64)], start={0: np.zeros((3, 2))})
    assert found[0][0].tolist() == [38.0, 39.0]


def storage_program(kernel: Kernel, storage: list, ndim: int) -> Program:
    inputs = [Buffer(n, o.dtype, (None,) * len(o.axes)) for n, o in enumerate(kernel.operands[: kernel.n_inputs])]
    shared = Buffer(50, kernel.operands[-1].dtype, (None,) * ndim)
    out = Buffer(60, kernel.operands[-1].dtype, (None,) * ndim)
    # the shared value rides along as an input operand that the kernel does not read
    wide = Kernel(
        kernel.rank,
        (*kernel.operands[:2], kernel.operands[2], kernel.operands[2]),
        3,
        kernel.body,
        kernel.results,
    )
    step = KernelStep(inputs=[*inputs, shared], outputs=[out], kernel=wide, inplace={0: 2})
    return Program(
        inputs=[*(ProgramInput(b) for b in inputs), ProgramInput(shared, storage)],
        outputs=[ProgramOutput(out, storage)],
        constants=[],
        steps=[step],
        commit_from=0,
    )


@pytest.mark.parametrize("kind", ["scatter_set", "scatter_add"])
def test_scatter_into_a_shared_value(kind: str) -> None:
    storage = [np.zeros((5, 3))]
    address = storage[0].ctypes.data
    f = compiled(storage_program(put("float64", kind), storage, 2))
    index = np.array([1, -1, 1])
    assert f(np.ones((3, 3)), index) == []
    assert storage[0].ctypes.data == address
    assert storage[0][1, 0] == (2 if kind == "scatter_add" else 1)
    before = storage[0].copy()
    many = np.arange(40) % 5
    many[39] = 5
    with pytest.raises(Failure) as caught:
        f(np.ones((40, 3)), many)
    assert caught.value.code == "index"
    assert (storage[0] == before).all()
    held = storage[0]
    f(np.ones((3, 3)), index)
    assert (held == before).all()
    assert storage[0] is not held
    assert storage[0][1, 0] == (4 if kind == "scatter_add" else 1)


def test_counters_and_extents() -> None:
    body = (
        Instr("iota", "int64", (), 0),
        Instr("iota", "int64", (), 1),
        Instr("extent", "int64", (), 1),
        Instr("mul", "int64", (0, 2)),
        Instr("add", "int64", (3, 1)),
        Instr("load", "float64", (), 0),
        Instr("cast", "float64", (4,)),
        Instr("sub", "float64", (5, 6)),
    )
    kernel = Kernel(2, (Operand("float64", (0, 1)), Operand("float64", (0, 1))), 1, body, (Result("store", 7),))
    for shape in ((3, 5), (1, 9), (20, 1), (0, 4), (30, 31)):
        for x in layouts(np.random.default_rng(0).random(shape)).values():
            check(kernel, [x])


def test_alloc_diagonal_and_unit_axes() -> None:
    fill = Kernel(
        2, (Operand("float32", (0, UNIT, 1)),), 0, (Instr("const", "float32", (), 2.5),), (Result("store", 0),)
    )
    check(fill, [], extents=(4, 7))
    check(fill, [], extents=(0, 7))
    diagonal = Kernel(
        1,
        (Operand("int32", (0, 0)), Operand("int32", (0,))),
        1,
        (Instr("load", "int32", (), 0),),
        (Result("store", 0),),
    )
    check(diagonal, [np.arange(49, dtype=np.int32).reshape(7, 7)])
    unit = Kernel(
        1,
        (Operand("int32", (UNIT, 0)), Operand("int32", (0,))),
        1,
        (Instr("load", "int32", (), 0),),
        (Result("store", 0),),
    )
    check(unit, [np.arange(7, dtype=np.int32).reshape(1, 7)])
    with pytest.raises(Failure) as caught:
        compiled(kernel_program(unit))(np.zeros((2, 7), dtype=np.int32))
    assert (caught.value.code, caught.value.detail) == ("shape", (-1, 1, 2, 0))


def test_bad_extents() -> None:
    fill = Kernel(2, (Operand("float64", (0, 1)),), 0, (Instr("const", "float64", (), 1.0),), (Result("store", 0),))
    for extents, code in (((-1, 3), "negative"), ((2**40, 2**40), "memory"), ((2**45, 3), "memory")):
        with pytest.raises(Failure) as caught:
            compiled(kernel_program(fill, extents))()
        assert caught.value.code == code
    assert compiled(kernel_program(fill, (2**50, 0)))()[0].shape == (2**50, 0)
