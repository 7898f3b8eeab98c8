"""exp written out as vector instructions: its error in units of the last place, and every special value."""

from __future__ import annotations

import numpy as np
import pytest
from native_kernels import check, compiled, elementwise, kernel_program

from theano.backends.native.kernel_slots import lanes_of
from theano.backends.native.mathematics_exponential import HIGHEST, LOWEST
from theano.lowering.kernel import INDEXED, Instr, Kernel, Operand, Result

KIND = {"float32": "float", "float64": "double"}
WORST = 1.1  # units in the last place


def exp_of(x: np.ndarray, optimize: bool = False) -> np.ndarray:
    kernel = elementwise("math", [x.dtype.name], x.dtype.name, 1, "exp")
    result: np.ndarray = compiled(kernel_program(kernel), optimize=optimize)(x)[0]
    return result


def errors(x: np.ndarray) -> np.ndarray:
    """In units of the last place of the right result, whether normal or subnormal."""
    wide = np.longdouble if x.dtype == np.float64 else np.float64
    with np.errstate(all="ignore"):
        right = np.exp(x.astype(wide))
        unit = np.spacing(np.abs(right.astype(x.dtype)).clip(0, np.finfo(x.dtype).max)).astype(wide)
    return np.abs(exp_of(x).astype(wide) - right) / unit


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="no wider float to compare with")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_error(dtype: str) -> None:
    rng = np.random.default_rng(0)
    lowest, highest = np.log(float(np.finfo(dtype).smallest_subnormal)), np.log(float(np.finfo(dtype).max))
    for low, high in [(lowest, highest), (-2, 2), (-0.35, 0.35), (-1e-3, 1e-3), (lowest, lowest * 0.83)]:
        x = rng.uniform(low, high, 200_000).astype(dtype)
        assert errors(x).max() < WORST
    # around the places where the exponent changes
    edges = (np.arange(-120, 120) + 0.5) * np.log(2)
    x = (edges[:, None] + np.linspace(-1e-6, 1e-6, 101)).ravel().astype(dtype)
    assert errors(x).max() < WORST


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimize", [False, True])
def test_limits(dtype: str, optimize: bool) -> None:
    info = np.finfo(dtype)
    x = np.array(
        [np.nan, np.inf, -np.inf, 0.0, -0.0, info.max, -info.max, info.tiny, -info.tiny, info.smallest_subnormal,
         LOWEST[KIND[dtype]], HIGHEST[KIND[dtype]], -np.nan], dtype,
    )  # fmt: skip
    want = np.array([np.nan, np.inf, 0, 1, 1, np.inf, 0, 1, 1, 1, 0, np.inf, np.nan], dtype)
    for n in (1, 5, x.size):
        np.testing.assert_array_equal(exp_of(x[:n], optimize), want[:n])
    highest = np.log(float(info.max))
    found = exp_of(np.array([highest - 1e-4, highest + 1e-4], dtype), optimize)
    assert np.isfinite(found[0]) and np.isinf(found[1])


@pytest.mark.parametrize("n", [1, 3, 4, 7, 8, 9, 15, 16, 17, 40])
def test_every_length_has_the_same_bits(n: int) -> None:
    for dtype in ("float32", "float64"):
        x = np.random.default_rng(1).normal(size=40).astype(dtype) * 20
        np.testing.assert_array_equal(exp_of(x[:n].copy()), exp_of(x)[:n])


def test_narrow_floats_beside_wide_ones() -> None:
    """Vectors of as many narrow floats as there are wide ones: half of the machine's vectors."""
    body = (
        Instr("load", "float32", (), 0), Instr("math", "float32", (0,), "exp"), Instr("load", "float64", (), 1),
        Instr("math", "float64", (2,), "exp"), Instr("cast", "float64", (1,)), Instr("add", "float64", (3, 4)),
    )
    operands = (Operand("float32", (0,)), Operand("float64", (0,)), Operand("float64", (0,)))
    kernel = Kernel(1, operands, 2, body, (Result("store", 5),))
    rng = np.random.default_rng(2)
    for n in (1, 6, 8, 13, 50):
        check(kernel, [rng.normal(size=n).astype("float32") * 5, rng.normal(size=n) * 5], rtol=2e-7)


def test_vectors_wider_than_the_machine() -> None:
    """Positions are found with functions of float64, in vectors of as many elements as there are narrow rows."""
    body = (
        Instr("load", "float64", (), 1), Instr("math", "float64", (0,), "exp2"), Instr("cast", "int64", (1,)),
        Instr("gather", "float32", (2,), 0),
    )
    operands = (Operand("float32", (INDEXED, 1)), Operand("float64", (0,)), Operand("float32", (0, 1)))
    kernel = Kernel(2, operands, 2, body, (Result("store", 3),))
    assert lanes_of(kernel, 64) == 16
    x = np.arange(17 * 21, dtype="float32").reshape(17, 21)
    powers = np.array([0.0, 1, 2, 3, 4, 1, 1, 0, 4, 2, 3])
    check(kernel, [x, powers])
    check(kernel, [np.asfortranarray(x), powers])


def test_many_in_one_kernel() -> None:
    """exp(-exp(-exp(...))): by calls, with the same bits as one by one."""
    for dtype in ("float32", "float64"):
        body = [Instr("load", dtype, (), 0)]
        for _ in range(9):
            body += [Instr("neg", dtype, (len(body) - 1,)), Instr("math", dtype, (len(body),), "exp")]
        kernel = Kernel(1, (Operand(dtype, (0,)), Operand(dtype, (0,))), 1, tuple(body), (Result("store", 18),))
        x = np.random.default_rng(3).normal(size=50).astype(dtype)
        want = x
        for _ in range(9):
            want = exp_of(-want)
        for optimize in (False, True):
            (found,) = compiled(kernel_program(kernel), optimize=optimize)(x)
            np.testing.assert_array_equal(found, want)
