"""Mathematical functions: errors in units of the last place against mpmath-checked NumPy, and special values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from native_kernels import check, compiled, elementwise, kernel_program

from theano.lowering.kernel import MATH
from theano.lowering.kernel_reference import reference_run

DOMAINS = {
    "exp": (-700, 700), "exp2": (-1000, 1000), "exp10": (-300, 300), "expm1": (-30, 30), "log": (1e-300, 1e300),
    "log2": (1e-300, 1e300), "log10": (1e-300, 1e300), "log1p": (-0.999, 1e10), "sin": (-1e4, 1e4), "cos": (-1e4, 1e4),
    "tan": (-1e3, 1e3), "asin": (-1, 1), "acos": (-1, 1), "atan": (-1e5, 1e5), "sinh": (-30, 30), "cosh": (-30, 30),
    "tanh": (-8, 8), "asinh": (-1e5, 1e5), "acosh": (1, 1e5), "atanh": (-1, 1), "erf": (-4, 4), "erfc": (-4, 20),
    "cbrt": (-1e5, 1e5), "tgamma": (0.1, 30), "lgamma": (0.1, 1e4),
    "erfcx": (-20, 1e5), "psi": (0.1, 1e4), "trigamma": (0.1, 1e4),
}  # fmt: skip
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -5e-324, 1e-310, 710.0,
    -710.0,    -746.0, 20.0, -20.0, 2.0, -2.0, 3.0, -3.0, 1e5, -1e5, 1e15, -1e15,
    1.0000000000000002, 0.9999999999999999,
]  # fmt: skip
ONE = sorted(MATH - {"pow", "atan2", "hypot", "polygamma", "log_product", "log_quotient"})
ULP = {"float64": 2.3e-16, "float32": 1.2e-7, "float16": 1e-3}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", ONE)
def test_accuracy(name: str, dtype: str) -> None:
    low, high = DOMAINS[name]
    if dtype == "float32":
        low, high = max(low, -80, -(1e30)), min(high, 80 if high < 1000 else 1e30)
        low = 1e-30 if name in ("log", "log2", "log10") else low
        high = min(high, 8.0) if name == "erfc" else high
        low, high = (-37, 37) if name == "exp10" else (low, high)
        low = -9 if name == "erfcx" else low
    if dtype == "float16":
        low, high = max(low, -5.0), min(high, 5.0)
        low = 1e-3 if name in ("log", "log2", "log10") else low
        high = min(high, 2.0) if name == "erfc" else high
        low = -3.0 if name == "erfcx" else low
    rng = np.random.default_rng(1)
    if high / max(low, 1e-300) > 1e10 and low > 0:
        x = np.exp(rng.uniform(np.log(low), np.log(high), 1000))
    else:
        x = rng.uniform(low, high, 1000)
    kernel = elementwise("math", [dtype], dtype, 1, name)
    check(kernel, [x.astype(dtype)], rtol=8 * ULP[dtype], atol=2e-14 if name == "lgamma" else 1e-300)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("name", ONE)
def test_special_values(name: str, dtype: str) -> None:
    if name in ("tgamma", "lgamma"):
        values = [1.0, 2.0, 0.5, math.inf, math.nan, 3.0, 0.0]
    else:
        values = SPECIAL
    with np.errstate(all="ignore"):
        x = np.array(values).astype(dtype)
    kernel = elementwise("math", [dtype], dtype, 1, name)
    found = compiled(kernel_program(kernel))(x)[0]
    want = reference_run(kernel, [x])[0]
    for a, have, expected in zip(x, found, want, strict=True):
        where = f"{name}({a!r}) of {dtype} is {have!r}, not {expected!r}"
        if np.isnan(expected):
            assert np.isnan(have), where
        elif np.isinf(expected) or expected == 0:
            assert have == expected, where
            assert np.signbit(have) == np.signbit(expected), where
        elif dtype == "float16" or abs(expected) > np.finfo(dtype).tiny:
            slack = 1e-14 if name in ("sin", "cos", "tan") else 0
            np.testing.assert_allclose(have, expected, rtol=8 * ULP[dtype] + slack, err_msg=where)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["pow", "atan2", "hypot"])
def test_two_arguments(name: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    pairs = [(a, b) for a in SPECIAL for b in SPECIAL]
    with np.errstate(all="ignore"):
        x, y = (np.array(column).astype(dtype) for column in zip(*pairs, strict=True))
    kernel = elementwise("math", [dtype, dtype], dtype, 1, name)
    found = compiled(kernel_program(kernel))(x, y)[0]
    want = reference_run(kernel, [x, y])[0]
    for a, b, have, expected in zip(x, y, found, want, strict=True):
        where = f"{name}({a!r}, {b!r}) of {dtype} is {have!r}, not {expected!r}"
        if np.isnan(expected):
            assert np.isnan(have), where
        elif np.isinf(expected) or expected == 0:
            assert have == expected, where
            assert np.signbit(have) == np.signbit(expected), where
        elif abs(expected) > np.finfo(dtype).tiny:
            np.testing.assert_allclose(have, expected, rtol=8 * ULP[dtype], err_msg=where)
    x = rng.uniform(0.1, 20, 500).astype(dtype)
    y = rng.uniform(-10, 10, 500).astype(dtype)
    check(kernel, [x, y], rtol=8 * ULP[dtype])


def test_scipy_functions() -> None:
    from scipy import special

    x = np.linspace(0.2, 6, 37)
    for name in ("psi", "gammaln", "j0", "i1e", "erfinv"):
        values = x / 7 if name == "erfinv" else x
        kernel = elementwise("call", ["float64"], "float64", 1, f"scipy.special.cython_special:{name}")
        found = compiled(kernel_program(kernel))(values)[0]
        np.testing.assert_allclose(found, getattr(special, name)(values), rtol=1e-13)
        kernel = elementwise("call", ["float32"], "float32", 1, f"scipy.special.cython_special:{name}")
        found = compiled(kernel_program(kernel))(values.astype("float32"))[0]
        np.testing.assert_allclose(found, getattr(special, name)(values), rtol=3e-6, atol=1e-6)
    kernel = elementwise("call", ["float64"] * 2, "float64", 1, "scipy.special.cython_special:gammainc")
    np.testing.assert_allclose(
        compiled(kernel_program(kernel))(x, x[::-1].copy())[0], special.gammainc(x, x[::-1]), rtol=1e-13
    )
