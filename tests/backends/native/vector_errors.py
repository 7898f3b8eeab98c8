"""Errors of vector mathematics in units of the last place: functions called on arrays, points to try, right values.

    python tests/backends/native/vector_errors.py [POINTS]     a table of the greatest errors of all functions

Right values are those of long double (or, for float32, of double), and of mpmath for the points that look worst and for
some chosen at random; where there is no longer double, all are mpmath's.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
from scipy import special

from theano import scalar
from theano.backends.native import mathematics, target
from theano.backends.native.mathematics_text import Machine

KIND = {"float32": "float", "float64": "double"}
LONGER = np.finfo(np.longdouble).nmant >= 63
# pretended machines that this one can play: the host itself, AVX2, no fused multiplication
HOST = mathematics.host_machine()
AVX2, PLAIN = Machine(32, fma=True, constants="table"), Machine(16, fma=False, constants="table")
Worst = tuple[float, str]  # an error and where it is
TWO_ARGUMENTS = ("pow", "atan2", "hypot", "polygamma", "log_product", "log_quotient")
# logarithms of what has been rounded, unless that leaves the range of normal numbers
OF_ROUNDED = {"log_product": np.multiply, "log_quotient": np.divide}
# right values for float32: of doubles
OF_SCIPY: dict[str, Callable[..., Any]] = {
    "erf": special.erf, "erfc": special.erfc, "erfcx": special.erfcx, "tgamma": special.gamma,
    "lgamma": lambda x: np.where(np.isinf(x), np.inf, special.gammaln(x)), "psi": special.psi,
    "trigamma": lambda x: special.polygamma(1, x), "polygamma": lambda n, x: scalar.polygamma.numpy(n, x),
}  # fmt: skip
GAMMA = ("tgamma", "lgamma", "psi", "trigamma")
_NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "pow": "power", "atan2": "arctan2",
}  # fmt: skip
_MPMATH: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mp.mpf(2) ** x, "exp10": lambda x: mp.mpf(10) ** x, "log2": lambda x: mp.log(x, 2),
    "erf": lambda x: mp.erf(x) if abs(x) < 100 else mp.sign(x),
    "erfc": lambda x: mp.erfc(x) if abs(x) < 100 else 1 - mp.sign(x),
    "pow": mp.power, "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "erfcx": lambda x: _erfcx(x), "tgamma": lambda x: _gamma(x), "lgamma": lambda x: _log_gamma(x),
    "psi": lambda x: _psi(x), "trigamma": lambda x: _trigamma(x),
    "polygamma": lambda n, x: _polygamma(n, x),
}  # fmt: skip


def _erfcx(x: Any) -> Any:
    if x > 1000:
        return (1 - 1 / (2 * x**2) + 3 / (4 * x**4) - 15 / (8 * x**6)) / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x) if x > -30 else mp.inf


def _is_pole(x: Any) -> bool:
    return bool(x <= 0 and mp.floor(x) == x)


def _gamma(x: Any) -> Any:
    return mp.nan if _is_pole(x) else mp.inf if x > 1000 else mp.mpf(0) if x < -1000 else mp.gamma(x)


def _log_gamma(x: Any) -> Any:
    if x > 0:
        return mp.loggamma(x)
    return mp.inf if _is_pole(x) else mp.log(mp.pi / abs(x * mp.sinpi(x))) - mp.loggamma(-x)


def _psi(x: Any) -> Any:
    if x > 0:
        return mp.digamma(x)
    return mp.nan if _is_pole(x) else mp.digamma(1 - x) - mp.pi * mp.cospi(x) / mp.sinpi(x)


def _trigamma(x: Any) -> Any:
    if x <= 0:
        return mp.inf if _is_pole(x) else (mp.pi / mp.sinpi(x)) ** 2 - _trigamma(1 - x)
    if x > 1e8:
        return 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3)
    return mp.psi(1, x) if x > 1e-10 else 1 / x**2 + mp.zeta(2) - 2 * x * mp.zeta(3)


def _zeta(s: Any, x: Any) -> Any:
    """Hurwitz's, for x > 0, to 30 digits of itself: mpmath's has as many digits behind the point."""
    z, total = x + 40, mp.fsum((x + k) ** -s for k in range(40))
    product, rest = mp.mpf(s), z / (s - 1) + mp.mpf(1) / 2
    for j in range(1, 24):
        rest += mp.bernoulli(2 * j) / mp.factorial(2 * j) * product * z ** (1 - 2 * j)
        product *= (s + 2 * j - 1) * (s + 2 * j)
    return total + rest * z**-s


def _polygamma(n: Any, x: Any) -> Any:
    if n < 1:
        return _psi(x) if n == 0 else mp.nan
    if _is_pole(x):
        return (-1) ** (int(n) + 1) * mp.inf
    return (-1) ** (int(n) + 1) * mp.factorial(n) * (_zeta(n + 1, x) if x > 0 else mp.fsum(_beside_poles(n, x)))


def _beside_poles(n: Any, x: Any) -> list[Any]:
    """What zeta(n + 1, x) is the sum of, for x < 0."""
    sign, f = (-1) ** (int(n) + 1), x - mp.floor(x)
    return [_zeta(n + 1, f), sign * _zeta(n + 1, 1 - f), -sign * _zeta(n + 1, 1 - x)]


# Where a result is the difference of two terms, its error is told in units of the larger of it and of this one, in
# double precision. (Zeros between the poles cannot be had to the last place without looking them up.)
_TERMS: dict[str, Callable[..., Any]] = {
    "lgamma": lambda x: _log_gamma(-x) if x < 0 else mp.mpf(0), "psi": lambda x: _psi(1 - x) if x < 0 else mp.mpf(0),
    "polygamma": lambda n, x: (
        mp.factorial(n) * max(map(abs, _beside_poles(n, x))) if n >= 1 and x < 0 else mp.mpf(0)),
}  # fmt: skip


@cache
def vector_function(name: str, dtype: str, machine: Machine = HOST) -> Callable[..., np.ndarray]:
    """A function of vectors, of arrays (which end in a vector that is filled up with ones)."""
    kind, size = KIND[dtype], np.dtype(dtype).itemsize
    lanes, count = machine.vector_bytes // size, mathematics.parameters(name)
    vec, symbol = f"<{lanes} x {kind}>", mathematics.symbol(name, kind, lanes)
    arrays = ", ".join(f"ptr %a{i}" for i in range(count))
    loads = [
        f"  %p{i} = getelementptr {kind}, ptr %a{i}, i64 %i\n  %v{i} = load {vec}, ptr %p{i}, align {size}"
        for i in range(count)
    ]
    text = [
        mathematics.function_text(name, kind, lanes, machine),
        f"define void @loop(ptr %out, i64 %count, {arrays}) {{", "entry:", "  br label %l", "l:",
        "  %i = phi i64 [0, %entry], [%j, %l]", *loads,
        f"  %r = call {vec} @{symbol}({', '.join(f'{vec} %v{i}' for i in range(count))})",
        f"  %o = getelementptr {kind}, ptr %out, i64 %i", f"  store {vec} %r, ptr %o, align {size}",
        f"  %j = add i64 %i, {lanes}", "  %c = icmp slt i64 %j, %count", "  br i1 %c, label %l, label %d", "d:",
        "  ret void", "}",
    ]  # fmt: skip
    code = target.Code("\n".join(text), level=2)
    loop = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, *[ctypes.c_void_p] * count)(code.address("loop"))

    def function(*arguments: np.ndarray) -> np.ndarray:
        n = arguments[0].size
        whole = n + -n % lanes
        full = [np.concatenate([a, np.ones(whole - n, dtype)]).astype(dtype) for a in arguments]
        out = np.empty(whole, dtype)
        loop(out.ctypes.data, whole, *(a.ctypes.data for a in full))
        return out[:n]

    return function


# ---- points


def random_bits(rng: np.random.Generator, dtype: str, count: int) -> np.ndarray:
    """Numbers of all exponents; also infinities and NaN."""
    whole = np.uint32 if dtype == "float32" else np.uint64
    return rng.integers(0, np.iinfo(whole).max, count, dtype=whole, endpoint=True).view(dtype)


def special_values(dtype: str) -> np.ndarray:
    info = np.finfo(dtype)
    sizes = [0.0, 1.0, 0.5, 2.0, 3.0, np.inf, info.max, info.tiny, info.smallest_subnormal, 1 + info.eps,
             1 - info.epsneg, 1e15, 2.0**24 + 2, 2.0**53, 2.0**53 + 2, 2.0**20, 2.0**10, 1e-5]  # fmt: skip
    sizes += [np.log(float(info.max)), np.log(float(info.tiny)), np.log(float(info.smallest_subnormal)), np.pi / 2]
    sizes += [np.log2(float(info.max)), np.log10(float(info.max)), 36.7, 18.7, 9.01, 5.92, 26.54, 10.05]
    with np.errstate(over="ignore"):
        values = np.array(sizes).astype(dtype)
        beside = [np.nextafter(values, np.dtype(dtype).type(to)) for to in (np.inf, 0)]
    near = np.concatenate([values, *beside])
    return np.concatenate([near, -near, np.array([np.nan], dtype)])


def points(name: str, dtype: str, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    limit = 800.0 if dtype == "float64" else 110.0
    special = special_values(dtype)
    some = max(count // 8, 1)
    if name == "polygamma":
        return _orders_and_numbers(rng, dtype, max(count // 100, 20))
    if name in TWO_ARGUMENTS:
        pairs = np.array(np.meshgrid(special, special)).reshape(2, -1)
        columns = [
            (random_bits(rng, dtype, some), random_bits(rng, dtype, some)), tuple(rng.uniform(-20, 20, (2, some))),
            (np.exp(rng.uniform(-5, 5, some)), rng.uniform(-100, 100, some)),
            (rng.uniform(0.9, 1.1, some), rng.uniform(-5000, 5000, some)),
            (np.exp(rng.uniform(-30, 30, some)), rng.uniform(-25, 25, some)),
            (rng.uniform(-20, 20, some), np.rint(rng.uniform(-40, 40, some))), (pairs[0], pairs[1]),
        ]  # fmt: skip
        x, y = (np.concatenate([c[k].astype(dtype) for c in columns]) for k in (0, 1))
        return x, y
    ranges = [(-1, 1), (-3, 3), (-30, 30), (-limit, limit), (0.4, 2.1), (0.99, 1.01), (-1e-3, 1e-3), (3, 8), (24, 28)]
    parts = [rng.uniform(a, b, some // 2 + 1) for a, b in ranges] + [np.exp(rng.uniform(-30, 30, some))]
    if name in GAMMA:
        whole = np.rint(rng.uniform(-180, 5, some))
        parts += [rng.uniform(-185, -20, some), rng.uniform(-5, 4, some), rng.uniform(1.4, 1.5, some // 4 + 1),
                  whole + np.exp(rng.uniform(-36, -3, some)) * rng.choice([-1, 1], some),
                  np.exp2(rng.uniform(*((900, 1020) if dtype == "float64" else (110, 127)), some))]  # fmt: skip
    # near the multiples of pi/2, where trigonometric functions have zeros and poles
    multiples = np.rint(np.exp2(rng.uniform(0, 40, some))) * (np.pi / 2)
    typed = [p.astype(dtype) for p in [*parts, multiples]]
    return (np.concatenate([random_bits(rng, dtype, 2 * some), special, *typed]),)


def _orders_and_numbers(rng: np.random.Generator, dtype: str, some: int) -> tuple[np.ndarray, ...]:
    parts = [
        (rng.integers(1, 9, some), np.exp(rng.uniform(-9, 9, some))),
        (rng.integers(1, 4, some), rng.uniform(5, 16, some)),
        (rng.integers(1, 9, some), rng.uniform(-20, 0, some)),
        (rng.integers(1, 400, some), np.exp(rng.uniform(-3, 8, some))),
        (rng.integers(1, 90, some), rng.uniform(-9, 0, some)),
        (rng.integers(1, 30, some), np.exp(rng.uniform(5, 80, some))),
        (rng.choice([-1, 0, 0.5, 2, 3, 200, 1e5], some),
         rng.choice([-7.0, -0.0, 0.0, 1e-30, 0.5, 700, 1e5, 1e30], some)),
    ]  # fmt: skip
    n, x = (np.concatenate([p[k].astype(dtype) for p in parts]) for k in (0, 1))
    return n, x


# ---- right values and errors


def exactly(name: str, *arguments: Any) -> Any:
    """mpmath's value of finite arguments; NaN outside the function's domain. Large angles take more digits."""
    digits = max(0, int(mp.mag(arguments[0]) * 0.302)) if name in ("sin", "cos", "tan") else 0
    if name in OF_ROUNDED:
        arguments = (_joined(name, *arguments),)
    with mp.workdps(40 + digits):
        function = _MPMATH.get(name, mp.log if name in OF_ROUNDED else getattr(mp, name, None))
        found = function(*(mp.mpf(a if isinstance(a, mp.mpf) else float(a)) for a in arguments))
        return found if mp.im(found) == 0 else mp.nan


def _joined(name: str, x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        found = OF_ROUNDED[name](x, y)
    if np.finfo(found.dtype).tiny <= abs(found) < np.inf or x == 0 or y == 0:
        return found
    x, y = mp.mpf(float(x)), mp.mpf(float(y))
    return x * y if name == "log_product" else x / y


def right_values(name: str, *arguments: np.ndarray) -> np.ndarray:
    wide = np.longdouble if arguments[0].dtype == np.float64 else np.float64
    with np.errstate(all="ignore"):
        longer = [a.astype(wide) for a in arguments]
        if name in OF_ROUNDED:
            rounded, exact = OF_ROUNDED[name](*arguments), OF_ROUNDED[name](*longer)
            size = np.abs(rounded)
            normal = (size >= np.finfo(rounded.dtype).tiny) & (size < np.inf)
            return np.log(np.where(normal, rounded.astype(wide), exact))
        if name == "exp10":
            return np.power(wide(10), longer[0])
        if name in OF_SCIPY:
            return OF_SCIPY[name](*longer)
        return getattr(np, _NUMPY.get(name, name))(*longer)


def errors(found: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Units of the last place of the right value; inf where one is NaN, an infinity or a zero of a sign that is not."""
    dtype = found.dtype
    with np.errstate(all="ignore"):
        near = right.astype(dtype)
        unit = np.spacing(np.minimum(np.abs(near), np.finfo(dtype).max)).astype(right.dtype)
        error = np.abs(found.astype(right.dtype) - right) / unit
        signs = np.signbit(found) == np.signbit(near)
        error = np.where((found == near) & (np.isinf(near) | (near == 0)), np.where(signs, 0, np.inf), error)
        both = np.isnan(found) & np.isnan(right)
        return np.where(both, 0, np.where(np.isnan(error), np.inf, error)).astype(np.float64)


def exact_error(name: str, found: Any, *arguments: Any) -> float:
    right = exactly(name, *arguments)
    with np.errstate(over="ignore"):
        near = found.dtype.type(right)
    if not np.isfinite(near):
        return 0.0 if found == near or (np.isnan(found) and np.isnan(near)) else np.inf
    if np.isnan(found):
        return np.inf
    # the greatest number has no neighbour above
    unit = np.spacing(min(np.abs(near), np.finfo(near.dtype).max / 2))
    unit = unit * 2 if np.abs(near) > np.finfo(near.dtype).max / 2 else unit
    if name in _TERMS and near.dtype == np.float64:
        unit = max(unit, np.spacing(float(abs(_TERMS[name](*(mp.mpf(float(a)) for a in arguments))))))
    return float(abs(mp.mpf(float(found)) - right) / mp.mpf(float(unit)))


def greatest_error(name: str, dtype: str, machine: Machine = HOST, count: int = 20_000) -> Worst:
    """Of our own function on a machine: the error and where it is."""
    return error_of(vector_function(name, dtype, machine), name, dtype, count)


def error_of(function: Callable[..., np.ndarray], name: str, dtype: str, count: int, seed: int = 0) -> Worst:
    arguments = points(name, dtype, count, seed)
    found = function(*arguments)
    if dtype == "float32" or (LONGER and name not in OF_SCIPY):
        error = errors(found, right_values(name, *arguments))
        order = np.argsort(-error)
        if not np.isfinite(error[order[0]]):
            return float(error[order[0]]), told(name, order[0], arguments, found)
        check = [*order[:20], *np.random.default_rng(seed).integers(0, found.size, 50)]
    else:
        check = list(range(0, found.size, max(1, found.size // 4000)))
    worst, where = 0.0, ""
    for n in check:
        chosen = [a[n] for a in arguments]
        if not all(np.isfinite(chosen)) or any(c == 0 for c in chosen):
            continue
        if not np.isfinite(found[n]) and name not in OF_SCIPY:
            continue
        error_here = exact_error(name, found[n], *chosen)
        if error_here > worst:
            worst, where = error_here, told(name, n, arguments, found)
    return worst, where


def told(name: str, n: int, arguments: tuple[np.ndarray, ...], found: np.ndarray) -> str:
    return f"{name}({', '.join(repr(float(a[n])) for a in arguments)}) = {float(found[n])!r} of {found.dtype}"


def main(count: int = 1_000_000) -> None:
    names = sorted(mathematics.FAMILY)
    print("function  float64  float32   (greatest errors in units of the last place)")
    for name in names:
        row = [greatest_error(name, dtype, count=count) for dtype in ("float64", "float32")]
        print(f"{name:8}  {row[0][0]:7.3f}  {row[1][0]:7.3f}   {row[0][1]}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
