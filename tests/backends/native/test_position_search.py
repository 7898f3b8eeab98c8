"""argmax and argmin of values that are computed again to see where the extreme is: every place, length and layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_kernels import check, compiled, kernel_program, layouts

from theano.backends.native.kernel_text import KernelText
from theano.lowering.kernel import Instr, Kernel, Operand, Result

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"]
KINDS = [("argmax",), ("argmin",), ("max", "argmax"), ("argmin", "min")]


def search(kinds: tuple[str, ...], dtype: str, rank: int = 1, reduced: tuple[int, ...] = (0,)) -> Kernel:
    """Of the values as they are."""
    axes = tuple(range(rank))
    kept = tuple(a for a in axes if a not in reduced)
    outputs = [Operand("int64" if kind.startswith("arg") else dtype, kept) for kind in kinds]
    results = tuple(Result(kind, 0, dtype) for kind in kinds)
    load = Instr("load", dtype, (), 0)
    return Kernel(rank, (Operand(dtype, axes), *outputs), 1, (load,), results)


def lowest(dtype: str) -> Any:
    kind = np.dtype(dtype).kind
    return False if kind == "b" else -np.inf if kind == "f" else np.iinfo(dtype).min


def highest(dtype: str) -> Any:
    kind = np.dtype(dtype).kind
    return True if kind == "b" else np.inf if kind == "f" else np.iinfo(dtype).max


def test_such_kernels_search() -> None:
    for kinds in KINDS:
        assert KernelText(search(kinds, "float32"), "k").searches
    square = (Instr("load", "float32", (), 0), Instr("mul", "float32", (0, 0)))
    operands = Operand("float32", (0,)), Operand("int64", ())
    for body, value, found in ((square, 1, True), ((*square, Instr("math", "float32", (1,), "exp")), 2, False)):
        kernel = Kernel(1, operands, 1, body, (Result("argmax", value, "float32"),))
        assert KernelText(kernel, "k").searches == found
    assert not KernelText(search(("argmax", "argmin"), "float32"), "k").searches
    assert not KernelText(search(("min", "argmax"), "float32"), "k").searches


@pytest.mark.parametrize("kinds", KINDS, ids=" ".join)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_place(dtype: str, kinds: tuple[str, ...]) -> None:
    """The extreme at each place of runs of every length, alone and followed by its equals."""
    f = compiled(kernel_program(search(kinds, dtype)))
    position, low, high = [k.startswith("arg") for k in kinds].index(True), lowest(dtype), highest(dtype)
    if "argmin" in kinds:
        low, high = high, low
    for n in (*range(1, 40), 63, 64, 65, 127, 130, 255, 257, 519):
        for place in range(0, n, 1 if n < 200 else 7):
            for repeated in (False, True):
                x = np.full(n, low, dtype)
                x[place : n if repeated else place + 1] = high
                results = f(x)
                assert results[position] == place
                assert len(results) == 1 or results[1 - position] == high
        assert f(np.full(n, low, dtype))[position] == 0


@pytest.mark.parametrize("kinds", KINDS, ids=" ".join)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_first_nan(dtype: str, kinds: tuple[str, ...]) -> None:
    f = compiled(kernel_program(search(kinds, dtype)))
    position, best = [k.startswith("arg") for k in kinds].index(True), np.inf if "argmax" in kinds else -np.inf
    for n in (*range(1, 20), 64, 67, 200, 300):
        for place in range(0, n, 1 if n < 70 else 13):
            for others in (0, best):
                x = np.full(n, others, dtype)
                x[place] = np.nan
                for later in (place, n - 1, min(n - 1, place + 5)):
                    x[later] = np.nan
                    results = f(x)
                    assert results[position] == place
                    assert len(results) == 1 or np.isnan(results[1 - position])


@pytest.mark.parametrize("kinds", KINDS, ids=" ".join)
@pytest.mark.parametrize("dtype", DTYPES)
def test_axes_and_layouts(dtype: str, kinds: tuple[str, ...]) -> None:
    """Over one axis and several, of which runs follow one another; few values, so that there are ties."""
    rng = np.random.default_rng(0)
    for shape, reduced in (
        ((7, 90), (1,)), ((90, 7), (0,)), ((5, 6, 70), (0, 2)), ((5, 6, 70), (1,)), ((3, 4, 5), (0, 1, 2)),
        ((9, 300), (0, 1)), ((2, 3, 1000), (1, 2)),
    ):  # fmt: skip
        for largest in (2, 9):
            values = rng.integers(0, largest, shape).astype(dtype)
            for array in layouts(values).values():
                check(search(kinds, dtype, len(shape), reduced), [array])
            if values.dtype.kind == "f":
                values[rng.random(shape) < 0.01] = np.nan
                values[rng.random(shape) < 0.01] = -np.inf
                check(search(kinds, dtype, len(shape), reduced), [values])


def test_nothing_to_look_at() -> None:
    for kinds in KINDS:
        kernel = search(kinds, "float64", 2, (1,))
        assert all(r.shape == (0,) for r in compiled(kernel_program(kernel))(np.zeros((0, 5))))


def test_long_runs() -> None:
    rng = np.random.default_rng(1)
    for dtype in ("float32", "float64", "int8"):
        x = (rng.random(3_000_001) * 100).astype(dtype)
        for kinds in KINDS:
            for array in (x, x[::-1], x[::2]):
                check(search(kinds, dtype), [array])
