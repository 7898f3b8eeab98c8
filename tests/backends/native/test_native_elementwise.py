"""Every opcode on every dtype it makes sense for, in every memory layout and every length around a vector's."""

from __future__ import annotations

import numpy as np
import pytest
from native_kernels import check, elementwise, layouts

import theano
import theano.tensor as T
from theano.lowering.kernel import Instr, Kernel, Operand, Result

FLOATS = ["float16", "float32", "float64"]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTS = SIGNED + UNSIGNED
NUMBERS = FLOATS + INTS
ALL = [*NUMBERS, "bool"]


def samples(dtype: str, count: int, seed: int = 0) -> np.ndarray:
    """Ordinary and special values."""
    rng = np.random.default_rng([seed, count, sum(map(ord, dtype))])
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.integers(0, 2, count).astype(bool)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        special = np.array([info.min, info.max, 0, 1, 2, info.max // 2, info.min + 1, 7], dtype=kind)
        small = rng.integers(0 if kind.kind == "u" else -9, 10, count).astype(kind)
        pick = rng.integers(0, 3, count) == 0
        return np.where(pick, special[rng.integers(0, len(special), count)], small)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-5, 1e4], dtype=kind)
    pick = rng.integers(0, 3, count) == 0
    normal = (rng.normal(size=count) * 3).astype(kind)
    return np.where(pick, special[rng.integers(0, len(special), count)], normal)


UNARY = [(op, d, d) for op in ("neg", "abs", "floor", "ceil", "trunc", "rint") for d in NUMBERS]
UNARY += [("sqrt", d, d) for d in FLOATS] + [("not", d, d) for d in [*INTS, "bool"]]
UNARY += [(op, d, "bool") for op in ("isnan", "isinf") for d in ALL]
BINARY = [(op, d, d) for op in ("add", "sub", "mul", "min", "max", "idiv", "imod") for d in NUMBERS]
BINARY += [(op, d, d) for op in ("div", "fmod") for d in NUMBERS]
BINARY += [("copysign", d, d) for d in FLOATS]
BINARY += [(op, d, d) for op in ("and", "or", "xor") for d in [*INTS, "bool"]]
BINARY += [(op, "bool", "bool") for op in ("add", "mul", "min", "max", "sub")]
BINARY += [(op, d, d) for op in ("shl", "shr", "power") for d in INTS]
BINARY += [(op, d, "bool") for op in ("lt", "le", "gt", "ge", "eq", "ne") for d in ALL]


@pytest.mark.parametrize(("op", "dtype", "result"), UNARY)
def test_unary(op: str, dtype: str, result: str) -> None:
    kernel = elementwise(op, [dtype], result, 1)
    for n in (0, 1, 7, 16, 67, 150):
        check(kernel, [samples(dtype, n)], signs=True)


@pytest.mark.parametrize(("op", "dtype", "result"), BINARY)
def test_binary(op: str, dtype: str, result: str) -> None:
    kernel = elementwise(op, [dtype, dtype], result, 1)
    for n in (0, 1, 7, 16, 67, 150):
        a, b = samples(dtype, n), samples(dtype, n, 1)
        if op == "fmod" and np.dtype(dtype).kind in "iu":
            # C leaves INT_MIN % -1 undefined, and NumPy with it
            b = np.where(b == -1, 3, b).astype(dtype) if dtype in SIGNED else b
        # which of two zeros is larger is left open
        check(kernel, [a, b], signs=op not in ("min", "max"))


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
def test_cast(source: str, target: str) -> None:
    kernel = elementwise("cast", [source], target, 1)
    values = samples(source, 100)
    if np.dtype(source).kind == "f" and np.dtype(target).kind in "iu":
        # what no integer represents is checked below
        info = np.iinfo(target)
        low, high = max(info.min, -1e4), min(info.max, 1e4)
        values = np.nan_to_num(values.astype(np.float64), nan=1, posinf=2, neginf=3)
        values = np.clip(values, low, high).astype(source)
    check(kernel, [values], signs=True)


@pytest.mark.parametrize("source", ["float32", "float64"])
@pytest.mark.parametrize("target", INTS)
def test_cast_of_unrepresentable_floats_does_not_trap(source: str, target: str) -> None:
    kernel = elementwise("cast", [source], target, 1)
    values = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3e9, -3e9, 300.0, -300.0, 1e19, 9.3e18] * 3, dtype=source)
    if target in ("int32", "int64"):
        check(kernel, [values])
    else:
        from native_kernels import compiled, kernel_program

        compiled(kernel_program(kernel))(values)


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 5), (4, 0, 3), (1, 9), (9, 1), (70, 3), (3, 70)])
def test_layouts(dtype: str, shape: tuple[int, ...]) -> None:
    op = "or" if dtype == "bool" else "add"
    kernel = elementwise(op, [dtype, dtype], dtype, len(shape))
    a = samples(dtype, int(np.prod(shape))).reshape(shape)
    b = samples(dtype, int(np.prod(shape)), 1).reshape(shape)
    for first in layouts(a).values():
        for second in layouts(b).values():
            check(kernel, [first, second])


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32", "float64", "int8", "int64"])
def test_every_length_around_a_vector(dtype: str) -> None:
    op = "or" if dtype == "bool" else "add"
    kernel = elementwise(op, [dtype, dtype], dtype, 1)
    for n in [*range(36), 63, 64, 65, 127, 128, 129, 600, 1100]:
        a, b = samples(dtype, n), samples(dtype, n, 1)
        check(kernel, [a, b])
        check(kernel, [layouts(a)["strided"], layouts(b)["reversed"]])


@pytest.mark.parametrize("op", ["add", "mul"])
def test_optimised_code_agrees(op: str) -> None:
    kernel = elementwise(op, ["float64", "float64"], "float64", 2)
    a, b = samples("float64", 77 * 13).reshape(77, 13), samples("float64", 77 * 13, 3).reshape(77, 13)
    check(kernel, [a, layouts(b)["transposed"]], optimize=True)


def test_fma_and_select() -> None:
    a, b, c = (samples("float64", 50, n) for n in range(3))
    check(elementwise("fma", ["float64"] * 3, "float64", 1), [a, b, c], rtol=1e-12, atol=1e-13)
    check(
        elementwise("select", ["bool", "float32", "float32"], "float32", 1),
        [samples("bool", 50), a.astype("float32"), b.astype("float32")],
    )


def test_axes_of_results_lie_in_memory_as_those_of_inputs() -> None:
    """In the order that all inputs agree on; in C order where two contradict each other. As NumPy's ufuncs do it."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 4, 5, 6))
    row = rng.normal(size=6)
    pairs = [
        (np.asfortranarray(a), np.asfortranarray(b)), (np.asfortranarray(a), b), (a, np.asfortranarray(b)), (a, b),
        (np.asfortranarray(a), np.broadcast_to(row, a.shape)), (np.broadcast_to(row, a.shape), np.asfortranarray(a)),
        (np.moveaxis(np.moveaxis(a, 1, 0).copy(), 0, 1), np.moveaxis(np.moveaxis(b, 1, 0).copy(), 0, 1)),
        (np.asfortranarray(a)[::-1, :, ::-1], np.asfortranarray(b)), (a[:, :1], np.asfortranarray(b)[:, :1]),
        (np.asfortranarray(a)[:0], np.asfortranarray(b)[:0]), (a.transpose(2, 0, 1), b.transpose(2, 0, 1)),
    ]  # fmt: skip
    axes = (0, 1, 2)
    body = (Instr("load", "float64", (), 0), Instr("load", "float64", (), 1), Instr("add", "float64", (0, 1)))
    kernel = Kernel(3, (Operand("float64", axes),) * 3, 2, body, (Result("store", 2),))
    for x, y in pairs:
        (found,) = check(kernel, [x, y])
        want = x + y
        if want.size:
            wanted = [s for n, s in zip(want.shape, want.strides) if n > 1]
            assert [s for n, s in zip(found.shape, found.strides) if n > 1] == wanted, (x.strides, y.strides)


def test_results_that_are_viewed_lie_in_c_order() -> None:
    x = T.matrix("x")
    f = theano.function([x], [(x * 2).reshape((x.size,)), x * 3])
    values = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    flat, turned = f(values)
    np.testing.assert_array_equal(flat, (values * 2).reshape(-1))
    assert turned.flags.f_contiguous


@pytest.mark.parametrize(("part", "whole"), [("float32", "complex64"), ("float64", "complex128")])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (67,), (3, 5), (70, 3)])
def test_parts_of_complex_numbers(part: str, whole: str, shape: tuple[int, ...]) -> None:
    a, b = (samples(part, int(np.prod(shape)), n).reshape(shape) for n in range(2))
    z = np.empty(shape, whole)
    z.real, z.imag = a, b
    for first in layouts(a).values():
        check(elementwise("pair", [part, part], whole, len(shape)), [first, b])
    for array in layouts(z).values():
        check(elementwise("re", [whole], part, len(shape)), [array], signs=True)
        check(elementwise("im", [whole], part, len(shape)), [array], signs=True)
