"""Elementwise ops on complex arrays, which native code computes as pairs of reals: against NumPy (`reference`)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import target
from theano.lowering.program import PyCallStep

DTYPES = ["complex64", "complex128"]
TOLERANCE = {"complex64": 2e-6, "complex128": 1e-14, "float32": 2e-6, "float64": 1e-14, "bool": 0}

OPS: dict[str, Callable[..., Any]] = {
    "add": lambda z, w: z + w, "sub": lambda z, w: z - w, "mul": lambda z, w: z * w, "true_div": lambda z, w: z / w,
    "neg": lambda z, w: -z, "conj": lambda z, w: T.conj(z), "real": lambda z, w: T.real(z),
    "imag": lambda z, w: T.imag(z), "abs": lambda z, w: abs(z), "angle": lambda z, w: T.angle(z),
    "sqr": lambda z, w: T.sqr(z), "inv": lambda z, w: T.inv(z), "exp": lambda z, w: T.exp(z),
    "eq": lambda z, w: T.eq(z, w), "neq": lambda z, w: T.neq(z, w),
    "switch": lambda z, w: T.switch(T.eq(z, w), z, -w), "complex condition": lambda z, w: T.switch(z, w, z),
}  # fmt: skip


def compiled(inputs: list[Any], output: Any) -> tuple[Any, Any]:
    """Natively, without a call of Python; and by the reference."""
    f = theano.function(inputs, output, on_unused_input="ignore")
    assert not [step for step in f.fn.program.steps if isinstance(step, PyCallStep)]
    return f, theano.function(inputs, output, mode=theano.Mode(linker="py"), on_unused_input="ignore")


def agree(have: Any, want: Any, tolerance: float) -> None:
    """Within an error relative to the number, not to its part; and the same NaN, infinities and signs of zeros."""
    assert have.dtype == want.dtype and have.shape == want.shape
    parts = [(have.real, want.real), (have.imag, want.imag)] if np.iscomplexobj(have) else [(have, want)]
    size = np.where(np.isfinite(abs(want)), abs(want), 0)
    for a, b in parts:
        a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
        finite = np.isfinite(b)
        np.testing.assert_array_equal(a[~finite], b[~finite])
        assert (abs(a[finite] - b[finite]) <= tolerance * np.maximum(size, abs(b))[finite]).all()
        if have.dtype.kind != "b":
            zero = (a == 0) & (b == 0)
            np.testing.assert_array_equal(np.signbit(a[zero]), np.signbit(b[zero]))


def sample(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPS)
def test_special_values(name: str, dtype: str) -> None:
    """All pairs of zeros, infinities, NaN, and numbers whose squares, sums or exponentials overflow."""
    wide = dtype == "complex128"
    numbers = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e308 if wide else 3e38, 710.0 if wide else 89.0]
    every = np.zeros(len(numbers) ** 2, dtype)
    every.real, every.imag = np.transpose(list(itertools.product(numbers, numbers)))
    z, w = T.vector("z", dtype=dtype), T.vector("w", dtype=dtype)
    f, g = compiled([z, w], OPS[name](z, w))
    arrays = np.repeat(every, len(every)), np.tile(every, len(every))
    with np.errstate(all="ignore"):
        agree(f(*arrays), g(*arrays), TOLERANCE[dtype])


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts(dtype: str, masks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every length around a vector's, reversed, strided, turned and broadcast; with and without masked loads."""
    if not masks:
        monkeypatch.setattr(target.host(), "vector_bytes", min(32, target.host().vector_bytes))
    for shape in ((), (0,), (1,), (2,), (3,), (5,), (8,), (9,), (67,), (3, 7), (1, 9), (9, 1), (40, 300), (2, 0)):
        z = T.TensorType(dtype, (None,) * len(shape))("z")
        w = T.TensorType(dtype, (None,) * len(shape))("w")
        f, g = compiled([z, w], T.conj(z) * w * (2 - 1j + masks))  # a kernel of its own: equal ones share code
        a, b = sample(shape, dtype), sample(shape, dtype, 1)
        layouts = [a, a[(slice(None, None, -1),) * len(shape)]] if shape else [a]
        if shape:
            layouts += [np.repeat(a, 2, -1)[..., ::2], np.asfortranarray(a)]
        for array in layouts:
            agree(f(array, b), g(array, b), 4 * TOLERANCE[dtype])
            agree(f(b, array), g(b, array), 4 * TOLERANCE[dtype])
    z, row = T.matrix("z", dtype=dtype), T.row("row", dtype=dtype)
    f, g = compiled([z, row], z * row * (2 - 1j + masks))
    agree(f(sample((5, 7), dtype), sample((1, 7), dtype, 2)), g(sample((5, 7), dtype), sample((1, 7), dtype, 2)), 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", ["bool", "int8", "int64", "float16", "float32", "float64", *DTYPES])
def test_mixed_dtypes(dtype: str, other: str) -> None:
    z, x = T.vector("z", dtype=dtype), T.vector("x", dtype=other)
    tolerance = TOLERANCE["complex64"]
    values = sample((9,), dtype), np.array([0, 1, 2, 3, 0, 5, 1, 7, 9]).astype(other)
    for output in (z * x + x, z / (x + 1), T.switch(x, z, 2 * z), T.cast(x, dtype) - z, T.eq(x, z)):
        f, g = compiled([z, x], output)
        agree(f(*values), g(*values), tolerance)


def test_conditions_keep_their_precision() -> None:
    c, z = T.dvector("c"), T.vector("z", dtype="complex64")
    f, g = compiled([c, z], T.switch(c, z, -z))
    values = np.array([1e-300, 0, np.nan]), np.ones(3, "complex64")
    np.testing.assert_array_equal(f(*values), g(*values))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_kernel_computes_what_lies_between_reals(dtype: str) -> None:
    x = T.vector("x", dtype=dtype)
    z = T.vector("z", dtype="complex64" if dtype == "float32" else "complex128")
    f, g = compiled([x, z], abs(T.exp(T.complex(x * 0, x)) * z + T.complex_from_polar(x, x)) ** 2)
    assert sum(type(step).__name__ == "KernelStep" for step in f.fn.program.steps) == 1
    values = np.linspace(-3, 3, 1001).astype(dtype), sample((1001,), z.dtype)
    np.testing.assert_allclose(f(*values), g(*values), rtol=2e-5 if dtype == "float32" else 1e-12, atol=1e-5)


def test_updates_and_loops() -> None:
    """In the array of a shared value, and as the state of a loop: the step of Mandelbrot's set."""
    start, c = sample((33,), "complex128"), sample((33,), "complex128", 1) / 4
    state = theano.shared(np.array(start))
    f = theano.function([], updates=[(state, state * state + c)])
    f()
    agree(state.get_value(), start * start + c, 1e-14)
    v = T.zvector("v")
    states, _ = theano.scan(lambda z, p: z * z + p, outputs_info=[T.zeros_like(v)], non_sequences=[v], n_steps=5)
    want = np.zeros_like(c)
    for _ in range(5):
        want = want * want + c
    np.testing.assert_allclose(theano.function([v], states[-1])(c), want, rtol=1e-13)
    u = T.zscalar("u")
    states, _ = theano.scan(lambda z, p: z * z + p, outputs_info=[u * 0], non_sequences=[u], n_steps=5)
    np.testing.assert_allclose(theano.function([u], states[-1])(c[3]), want[3], rtol=1e-13)


@pytest.mark.parametrize("dtype", [
    "bool", "int8", "int64", "uint64", "float16", "float32", "float64", "complex64", "complex128",
])
def test_a_complex_number_that_only_decides(dtype: str) -> None:
    """What is chosen keeps its dtype and, where it is whole, all digits."""
    z = T.cvector("z")
    x, y = (T.TensorType(dtype, (None,))(name) for name in "xy")
    chosen = [T.fill(z, x), T.switch(z, x, y)]
    big = 2**60 + 1 if dtype.endswith("int64") else 0
    values = [
        np.array([0, 1j, 2 + 1j, complex(np.nan, 0)], "complex64"),
        (np.array([1, 0, 3, 2], "int64") + big).astype(dtype), np.array([0, 1, 1, 0]).astype(dtype),
    ]
    expected = theano.function([z, x, y], chosen, mode="reference")(*values)
    for mode in (None, theano.Mode("cvm", None)):
        for found, right in zip(theano.function([z, x, y], chosen, mode=mode)(*values), expected, strict=True):
            assert found.dtype == right.dtype == dtype
            np.testing.assert_array_equal(found, right)
