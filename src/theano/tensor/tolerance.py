"""How far two arrays may differ and still count as the same result: tolerances by dtype, and the comparisons that a
rewrite may attach to a variable (`variable.tag.values_eq_approx`) where it removes NaN or inf on purpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano._config import config

# the setting tensor.cmp_sloppy (0, 1, 2) loosens all tolerances
_SLOPPY = 10.0 ** max(0, int(getattr(getattr(config, "tensor", None), "cmp_sloppy", 0)))

# relative and absolute tolerance by dtype
TOLERANCES = {
    "float16": (5e-3 * _SLOPPY, 1e-3 * _SLOPPY),
    "float32": (1e-4 * _SLOPPY, 1e-5 * _SLOPPY),
    "float64": (1e-8 * _SLOPPY, 1e-8 * _SLOPPY),
    "complex64": (1e-4 * _SLOPPY, 1e-5 * _SLOPPY),
    "complex128": (1e-8 * _SLOPPY, 1e-8 * _SLOPPY),
}
float16_rtol, float16_atol = TOLERANCES["float16"]
float32_rtol, float32_atol = TOLERANCES["float32"]
float64_rtol, float64_atol = TOLERANCES["float64"]


def values_eq_approx(
    a: Any,
    b: Any,
    allow_remove_inf: bool = False,
    allow_remove_nan: bool = False,
    rtol: float | None = None,
    atol: float | None = None,
) -> bool:
    """Are the arrays equal in shape and dtype, and their elements within the tolerance of the dtype?

    NaN equals NaN, discrete dtypes are compared exactly. allow_remove_*: where `a` is inf (NaN), `b` may be anything.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.name not in TOLERANCES:
        return bool(np.array_equal(a, b))
    relative, absolute = TOLERANCES[a.dtype.name]
    with np.errstate(all="ignore"):
        close = np.isclose(
            b, a, rtol=relative if rtol is None else rtol, atol=absolute if atol is None else atol, equal_nan=True
        )
        if allow_remove_inf:
            close |= np.isinf(a)
        if allow_remove_nan:
            close |= np.isnan(a)
    return bool(np.all(close))


def values_eq_approx_remove_inf(a: Any, b: Any) -> bool:
    """`values_eq_approx` for a rewrite that may remove inf."""
    return values_eq_approx(a, b, allow_remove_inf=True)


def values_eq_approx_remove_nan(a: Any, b: Any) -> bool:
    """`values_eq_approx` for a rewrite that may remove NaN."""
    return values_eq_approx(a, b, allow_remove_nan=True)


def values_eq_approx_remove_inf_nan(a: Any, b: Any) -> bool:
    """`values_eq_approx` for a rewrite that may remove inf and NaN."""
    return values_eq_approx(a, b, allow_remove_inf=True, allow_remove_nan=True)


def values_eq_approx_always_true(a: Any, b: Any) -> bool:
    """For results that are not comparable."""
    return True
