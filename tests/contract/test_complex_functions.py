"""Roots, logarithms, powers, circular and hyperbolic functions of complex arrays as native code computes them: special
values and branch cuts against NumPy (which has C's), values against mpmath; and sums."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from test_complex_elementwise import DTYPES, TOLERANCE, agree, compiled, sample

import theano.tensor as T
from theano.backends.native import target

FUNCTIONS = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
]  # fmt: skip
# NumPy's lose digits (2**z, log(1 + z)), are NaN for 0 * inf (expm1), or overflow (log1p)
NOT_AS_IN_NUMPY = ("exp2", "expm1", "log1p")
MPMATH: dict[str, Callable[[Any], Any]] = {
    "exp2": lambda z: mp.exp(z * mp.log(2)), "expm1": lambda z: mp.exp(z) - 1, "log2": lambda z: mp.log(z) / mp.log(2),
    "log10": lambda z: mp.log(z) / mp.log(10), "log1p": lambda z: mp.log(1 + z), "arcsin": mp.asin, "arccos": mp.acos,
    "arctan": mp.atan, "arcsinh": mp.asinh, "arccosh": mp.acosh, "arctanh": mp.atanh,
}  # fmt: skip


def pairs_of(numbers: list[float], dtype: str) -> Any:
    every = np.zeros(len(numbers) ** 2, dtype)
    every.real, every.imag = np.transpose(list(itertools.product(numbers, numbers)))
    return every


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NOT_AS_IN_NUMPY])
def test_special_values_and_cuts(name: str, dtype: str) -> None:
    """Zeros of both signs beside all else: both sides of every cut. Infinities, NaN, huge and subnormal numbers."""
    wide = dtype == "complex128"
    sizes = [0.0, 0.5, 1.0, 2.5, np.inf, 1e308 if wide else 3e38, 710.0 if wide else 89.0, 1e-310 if wide else 1e-40,
             1e-17, 1440.0 if wide else 180.0]  # fmt: skip
    every = pairs_of([*sizes, *(-size for size in sizes), np.nan], dtype)
    z = T.vector("z", dtype=dtype)
    f, g = compiled([z], getattr(T, name)(z))
    with np.errstate(all="ignore"):
        agree(f(every), g(every), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_that_are_not_numpys(dtype: str) -> None:
    """exp2 and expm1 of what is infinite are as exp is; log1p is log(1 + z), and all digits of a small z."""
    z = T.vector("z", dtype=dtype)
    f, _ = compiled([z], [T.exp(z), T.exp2(z), T.expm1(z)])
    ends = pairs_of([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    power, power_of_two, less_one = f(ends)
    np.testing.assert_array_equal(power_of_two, power)
    np.testing.assert_array_equal(less_one.imag, power.imag)
    np.testing.assert_array_equal(less_one.real, power.real - 1)
    f, _ = compiled([z], T.log1p(z))
    every = pairs_of([0.0, 1.0, -1.0, -2.0, 3e38, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        agree(f(every), np.log(1 + every), TOLERANCE[dtype])
    tiny = pairs_of([0.0, -0.0, 1e-30, -1e-30], dtype)
    tiny.real += 0.0   # log(1) has no sign
    agree(f(tiny), tiny, TOLERANCE[dtype])


def points(name: str, dtype: str) -> Any:
    """Of all sizes; near the unit circle and near 1; with large angles and large exponents."""
    rng = np.random.default_rng(7)
    count, wide = 60, dtype == "complex128"
    top, most, far = (100, 700.0, 1e3) if wide else (12, 87.0, 1e2)
    small = 10.0 ** rng.integers(-17, 0, (4, count)) * rng.normal(size=(4, count))
    angle = np.exp(2j * np.pi * rng.uniform(size=count))
    parts = [
        rng.normal(size=count) + 1j * rng.normal(size=count), angle * (1 + small[0]), small[1] + 1j * small[2],
        1 + small[1] + 1j * small[3], 10.0 ** rng.uniform(-top, top, count) * angle,
        rng.uniform(-most, most, count) + 1j * rng.uniform(-far, far, count),
        rng.uniform(-far, far, count) + 1j * rng.uniform(-most, most, count),
    ]  # fmt: skip
    found = np.concatenate(parts).astype(dtype)
    # of large angles, exp2 loses digits with a product that is rounded
    return found[abs(found.imag) <= 1] if name == "exp2" and not target.host().fma else found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name: str, dtype: str) -> None:
    z = T.vector("z", dtype=dtype)
    f, _ = compiled([z], getattr(T, name)(z))
    arguments = points(name, dtype)
    info = np.finfo(dtype)
    checked = 0
    for argument, found in zip(arguments, f(arguments), strict=True):
        with mp.workdps(250):
            right = mp.mpc(MPMATH.get(name, getattr(mp, name, None))(mp.mpc(complex(argument))))
            if not float(info.tiny) < abs(right) < float(info.max) / 2:
                continue
            error = abs(mp.mpc(complex(found)) - right) / abs(right) / float(info.eps)
        checked += 1
        assert error < 4, f"{name}({argument}) = {found}, not {complex(right)}"
    assert checked > len(arguments) // 2


def test_parts_near_zeros_of_the_logarithm() -> None:
    """Next to the unit circle the real part of log(z) has its digits, too, in double precision."""
    if not target.host().fma:
        pytest.skip("this machine does not multiply and add at once: what the squares lose is not known")
    rng = np.random.default_rng(3)
    angle = np.exp(2j * np.pi * rng.uniform(size=200)) * (1 + rng.normal(size=200) * 10.0 ** rng.uniform(-16, -3, 200))
    z = T.zvector("z")
    for argument, found in zip(angle, compiled([z], T.log(z))[0](angle), strict=True):
        with mp.workdps(60):
            right = mp.log(mp.mpc(complex(argument))).real
            assert abs(found.real - right) <= 1e-14 * abs(right) + 1e-30


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers(dtype: str) -> None:
    """As NumPy's where base and exponent are finite: zeros and their signs, whole exponents by squaring."""
    z, w = T.vector("z", dtype=dtype), T.vector("w", dtype=dtype)
    f, g = compiled([z, w], z**w)
    bases = pairs_of([0.0, -0.0, 1.0, -1.0, -2.5, 0.5], dtype)
    exponents = pairs_of([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 0.5, 5.0, -7.0, 20.0], dtype)
    arguments = np.repeat(bases, len(exponents)), np.tile(exponents, len(bases))
    with np.errstate(all="ignore"):
        found, right = f(*arguments), g(*arguments)
    agree(found, right, 100 * TOLERANCE[dtype])
    whole = (arguments[1].imag == 0) & (arguments[1].real > 0) & (arguments[1] == np.rint(arguments[1].real))
    few = whole & (arguments[1].real <= 5) & ~(arguments[0] == 0)
    np.testing.assert_array_equal(found[few], right[few])   # products of short numbers are exact
    rng = np.random.default_rng(0)
    arguments = sample((300,), dtype), (rng.normal(size=300) * 5 + 1j * rng.normal(size=300) * 5).astype(dtype)
    for a, b, found in zip(*arguments, f(*arguments), strict=True):
        with mp.workdps(40):
            right = mp.power(mp.mpc(complex(a)), mp.mpc(complex(b)))
            # an exponent's rounding error counts as often as it is large; in single precision it is not rounded
            unit = 2.0**-52 * float(4 + abs(complex(b) * np.log(complex(a)))) if dtype == "complex128" else 2.0**-23
            assert abs(mp.mpc(complex(found)) - right) <= unit * abs(right), (a, b, found)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tests(dtype: str) -> None:
    z = T.vector("z", dtype=dtype)
    every = pairs_of([0.0, -1.5, np.inf, -np.inf, np.nan], dtype)
    for op in (T.isnan, T.isinf):
        f, g = compiled([z], op(z))
        np.testing.assert_array_equal(f(every), g(every))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 4), (0, 3), (3, 0), (1, 4), (70, 90), (2, 3, 5), (3000, 2)],
                         ids=str)  # fmt: skip
def test_sums_and_means(shape: tuple[int, ...], dtype: str) -> None:
    z = T.TensorType(dtype, (None,) * len(shape))("z")
    array = sample(shape, dtype)
    layouts = [array, array[(slice(None, None, -1),) * len(shape)], np.asfortranarray(array),
               np.repeat(array, 2, -1)[..., ::2]]  # fmt: skip
    for axis in [None, *range(len(shape)), *itertools.combinations(range(len(shape)), 2)]:
        sums = [T.sum(z, axis=axis), T.mean(z, axis=axis, keepdims=True), T.sum(T.exp(z) * abs(z), axis=axis)]
        f, g = compiled([z], sums)
        for values in layouts:
            with np.errstate(all="ignore"):
                for found, right in zip(f(values), g(values), strict=True):
                    assert found.dtype == right.dtype == dtype and found.shape == right.shape
                    size = 1 + np.nansum(abs(right))
                    np.testing.assert_allclose(found, right, rtol=10 * TOLERANCE[dtype], atol=size * TOLERANCE[dtype])


def test_sums_of_what_is_infinite() -> None:
    """The two parts do not meet: an infinite one leaves the other."""
    z = T.cvector("z")
    f, g = compiled([z], T.sum(z))
    for pair in ([complex(np.inf, 1), 2 + 3j], [complex(np.inf, 1), complex(-np.inf, 2)], [complex(1, np.nan), 1j]):
        np.testing.assert_array_equal(f(np.array(pair, "complex64")), g(np.array(pair, "complex64")))
    x = T.fvector("x")
    f, _ = compiled([x], T.sum(x, dtype="complex128", acc_dtype="complex128"))
    wide = f(np.arange(4, dtype="float32"))
    assert wide.dtype == "complex128" and wide == 6
