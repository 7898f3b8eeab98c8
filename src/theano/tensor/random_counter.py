"""Random numbers by counting: the n-th number of a stream is a fixed function of the stream's key and of n.

Nothing is carried from one number to the next, so the numbers do not depend on how many are drawn at a time, nor on the
number of threads. Two functions are used:

* `_bits`, for the numbers: 64 random bits of a key and a counter of 64 bits, by three rounds of multiply and shift.
  The first two are SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with
  the constants of Stafford's variant 13); the key enters once more before the third, so that streams of different keys
  are not pieces of one sequence.
* `threefry`, for the keys of streams: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random
  numbers: as easy as 1, 2, 3", SC 2011), which is slower and stronger.

Draws are elementwise records of (key, counter), both int64: they fuse into the kernels that use them. The streams are
in `theano.sandbox.rng_mrg`. What depends on the records alone is here; shapes and states are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from theano.scalar.dtypes import discrete_dtypes, specific_out
from theano.scalar.op import DISCONNECTED, ScalarOp

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA


def threefry(k0: Any, k1: Any, c0: Any, c1: Any) -> tuple[Any, Any]:
    """Two random words of 32 bits for a key and a counter of two words each (uint32; arrays or kernel values)."""
    keys = (k0, k1, k0 ^ k1 ^ _PARITY)
    x, y = c0 + k0, c1 + k1
    for turn in range(20):
        by = _ROTATIONS[turn % 8]
        x = x + y   # wraps
        y = ((y << by) | (y >> (32 - by))) ^ x
        if turn % 4 == 3:
            injection = turn // 4 + 1
            x = x + keys[injection % 3]
            y = y + keys[(injection + 1) % 3] + injection
    return x, y


def derived_key(key: int, number: int) -> int:
    """The key of the `number`-th stream that belongs to a master key; all are int64."""
    words = [np.asarray([v >> shift & 0xFFFFFFFF], "uint32") for v in (int(key), int(number)) for shift in (0, 32)]
    low, high = threefry(*words)
    return int(np.asarray(int(low[0]) | int(high[0]) << 32, "uint64").astype("int64"))


class _WithNumPy:
    """What the formulas below need of a `NativeBuilder`, on arrays."""

    @staticmethod
    def cast(x: Any, dtype: str) -> Any:
        return x.astype(dtype)

    @staticmethod
    def const(value: Any, dtype: str) -> Any:
        return np.dtype(dtype).type(value)

    @staticmethod
    def select(condition: Any, x: Any, y: Any) -> Any:
        return np.where(condition, x, y)

    sqrt = staticmethod(np.sqrt)
    min = staticmethod(np.minimum)

    @staticmethod
    def fma(x: Any, y: Any, z: Any) -> Any:
        return x * y + z

    @staticmethod
    def math(name: str, x: Any) -> Any:
        return getattr(np, name)(x)


def _bits(b: Any, key: Any, counter: Any) -> Any:
    """64 random bits as uint64."""
    k = b.cast(key, "uint64")
    z = b.cast(counter, "uint64") * 0x9E3779B97F4A7C15 + k
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z = z ^ (z >> 31) ^ ((k << 32) | (k >> 32))
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93
    return z ^ (z >> 32)


def _uniform(b: Any, key: Any, counter: Any, dtype: str) -> Any:
    """(k + 1/2) / 2**n for whole k below 2**n: never 0 and never 1. All steps are exact."""
    bits = {"float64": 52, "float32": 23, "float16": 10}[dtype]
    whole = b.cast(_bits(b, key, counter) >> (64 - bits), "int64" if dtype == "float64" else "int32")
    return b.cast((b.cast(whole, "float64" if dtype == "float64" else "float32") + 0.5) * 2.0**-bits, dtype)


# Rational approximations of the normal quantile: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), 477-484.
# Coefficients from the constant term upwards; PPND16 for float64, PPND7 for float32.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip
_CENTRE_SHORT = (
    (3.3871327179e0, 5.0434271938e1, 1.5929113202e2, 5.9109374720e1),
    (1.0, 1.7895169469e1, 7.8757757664e1, 6.7187563600e1),
)
_TAIL_SHORT = (
    (1.4234372777e0, 2.7568153900e0, 1.3067284816e0, 1.7023821103e-1),
    (1.0, 7.3700164250e-1, 1.2021132975e-1),
)


def _polynomial(b: Any, coefficients: Sequence[float], x: Any, dtype: str) -> Any:
    total = b.const(coefficients[-1], dtype)
    for c in reversed(coefficients[:-1]):
        total = b.fma(total, x, b.const(c, dtype))
    return total


def _upper_quantile(b: Any, tail: Any, middle: Any, dtype: str, far: bool) -> Any:
    """z >= 0 with a standard normal probability of `tail` above it, for tail + middle = 1/2.

    far   can `tail` be less than exp(-25)?
    """
    wide = dtype == "float64"
    centre, outer = (_CENTRE, _TAIL) if wide else (_CENTRE_SHORT, _TAIL_SHORT)
    r = b.const(0.180625, dtype) - middle * middle
    s = b.sqrt(-b.math("log", tail))
    t = s - b.const(1.6, dtype)
    above, below = (_polynomial(b, c, t, dtype) for c in outer)
    if far:
        distance = s - b.const(5.0, dtype)
        beyond = distance > 0
        rare = [_polynomial(b, c, distance, dtype) for c in _FAR_TAIL]
        above, below = b.select(beyond, rare[0], above), b.select(beyond, rare[1], below)
    inside = middle <= b.const(0.425, dtype)
    above = b.select(inside, middle * _polynomial(b, centre[0], r, dtype), above)
    below = b.select(inside, _polynomial(b, centre[1], r, dtype), below)
    return above / below


def _sign_and_tail(b: Any, key: Any, counter: Any, dtype: str) -> tuple[Any, Any, Any]:
    """(is it negative?, p in (0, 1/2], 1/2 - p), p uniform: one bit for the sign and the others for the tail."""
    z = _bits(b, key, counter)
    negative = z >= 2**63
    if dtype == "float64":
        tail = (b.cast(b.cast(z & (2**63 - 1), "int64"), dtype) + 0.5) * 2.0**-64
        return negative, tail, 0.5 - tail
    # both are taken from the whole number: 1/2 - p would have few digits where p is near 1/2
    part = b.cast((z >> 32) & (2**31 - 1), "int32")
    return negative, *((b.cast(v, dtype) + 0.5) * 2.0**-32 for v in (part, part ^ (2**31 - 1)))


def _normal(b: Any, key: Any, counter: Any, dtype: str) -> Any:
    negative, tail, middle = _sign_and_tail(b, key, counter, dtype)
    z = _upper_quantile(b, tail, middle, dtype, far=dtype == "float64")
    return b.select(negative, -z, z)


BOUND = 2.0                              # of the truncated normal, in standard deviations
_MASS_BEYOND = 0.022750131948179207200   # above BOUND


def _truncated_normal(b: Any, key: Any, counter: Any, dtype: str) -> Any:
    negative, tail, middle = _sign_and_tail(b, key, counter, dtype)
    share = b.const(1 - 2 * _MASS_BEYOND, dtype)
    z = _upper_quantile(b, tail * share + b.const(_MASS_BEYOND, dtype), middle * share, dtype, far=False)
    z = b.min(z, b.const(BOUND, dtype))
    return b.select(negative, -z, z)


_FORMULAS: dict[str, Callable[[Any, Any, Any, str], Any]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
}


@lru_cache(maxsize=32)
def draw(kind: str, dtype: str) -> ScalarOp:
    """The record (key, counter) -> number, both int64: "uniform" in (0, 1), "normal" standard normal, or
    "truncated_normal", the standard normal within two standard deviations of its mean."""
    formula = _FORMULAS[kind]
    inner = "float32" if dtype == "float16" and kind != "uniform" else dtype
    rule = specific_out(dtype)

    def checked(*dtypes: str) -> str:
        if any(d not in discrete_dtypes for d in dtypes):
            raise TypeError(f"key and counter must be int64, got {', '.join(dtypes)}")
        return rule(*dtypes)

    def numpy(key: Any, counter: Any) -> Any:
        k, c = (np.atleast_1d(v) for v in np.broadcast_arrays(key.astype("int64"), counter.astype("int64")))
        return formula(_WithNumPy, k, c, inner).astype(dtype).reshape(np.broadcast_shapes(key.shape, counter.shape))

    def native(b: Any, key: Any, counter: Any) -> Any:
        return b.cast(formula(b, b.cast(key, "int64"), b.cast(counter, "int64"), inner), dtype)

    return ScalarOp(
        f"random_{kind}{{{dtype}}}", 2, checked, numpy, compute="own", native=native,
        grad=lambda key, counter, z, gz: (DISCONNECTED, DISCONNECTED), disconnected=(0, 1), ulp=16,
        params=(draw, kind, dtype), doc=f"Random numbers ({kind}) of a key at a counter.",
    )  # fmt: skip
