"""Dtypes: their lists by kind, promotion, and the rules which say what dtype an elementwise op gives.

A dtype is its NumPy name, a string such as "float32". A rule is a function (*input dtypes) -> output dtype; it raises
TypeError for dtypes which the op refuses. `autocast.py` says what dtype a Python number gets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from theano._config import config

uint_dtypes = ("uint8", "uint16", "uint32", "uint64")
int_dtypes = ("int8", "int16", "int32", "int64")
integer_dtypes = int_dtypes + uint_dtypes
discrete_dtypes = ("bool", *integer_dtypes)
float_dtypes = ("float16", "float32", "float64")
complex_dtypes = ("complex64", "complex128")
continuous_dtypes = float_dtypes + complex_dtypes
all_dtypes = discrete_dtypes + continuous_dtypes

Rule = Callable[..., str]


class ComplexError(TypeError, NotImplementedError):
    """The op has no meaning on complex numbers."""


class IntegerDivisionError(TypeError):
    """`/` on integers where the setting `int_division=raise` forbids it."""


def is_discrete(dtype: str) -> bool:
    return dtype in discrete_dtypes


def is_float(dtype: str) -> bool:
    return dtype in float_dtypes


def is_complex(dtype: str) -> bool:
    return dtype in complex_dtypes


def real_dtype(dtype: str) -> str:
    """Dtype of the real part: complex64 -> float32; a real dtype is its own."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def complex_dtype(dtype: str) -> str:
    """Complex dtype whose parts hold `dtype`: float16 and float32 -> complex64, any other -> complex128."""
    return "complex64" if dtype in ("float16", "float32", "complex64") else "complex128"


@lru_cache(maxsize=4096)
def _numpy_upcast(dtypes: tuple[str, ...]) -> str:
    for dtype in dtypes:
        if dtype not in all_dtypes:
            raise TypeError(f"{dtype!r} is not a dtype of numbers; known are {', '.join(all_dtypes)}")
    return str(np.result_type(*dtypes))


def upcast(dtype: str, *dtypes: str) -> str:
    """The dtype that holds values of all given ones, by NumPy's promotion of arrays.

    Under `cast_policy=numpy+floatX` with a narrower floatX, a float64 that arises from mixing narrower floats and
    integers becomes floatX; it stays float64 where one of the inputs is float64 (or complex128).
    """
    names = (dtype, *dtypes)
    result = _numpy_upcast(names)
    if result == "float64" and config.cast_policy == "numpy+floatX" and config.floatX != "float64":
        wide = ("float64", "complex128")
        if len(set(names)) > 1 and not any(name in wide for name in names):
            return str(config.floatX)
    return result


def _refuse(what: str, dtypes: tuple[str, ...], remedy: str) -> TypeError:
    return TypeError(f"inputs of {what} dtype are refused, got ({', '.join(dtypes)}); {remedy}")


def _no_complex(dtypes: tuple[str, ...]) -> None:
    if any(is_complex(d) for d in dtypes):
        raise ComplexError(
            f"inputs of complex dtype are refused, got ({', '.join(dtypes)}); take real(x), imag(x) or abs(x) first"
        )


# ---- rules: the common dtype of the inputs ----


def upcast_out(*dtypes: str) -> str:
    """U: the upcast of the inputs."""
    return upcast(*dtypes)


def upcast_out_nobool(*dtypes: str) -> str:
    """U-b: the upcast, which must not be bool."""
    result = upcast(*dtypes)
    if result == "bool":
        raise _refuse("bool", dtypes, "cast one to an integer dtype, or use `^` (xor) or `~` (invert)")
    return result


def upcast_out_min8(*dtypes: str) -> str:
    """U8: the upcast, at least int8."""
    result = upcast(*dtypes)
    return "int8" if result == "bool" else result


def upcast_out_no_complex(*dtypes: str) -> str:
    """U-c: the upcast; complex inputs are refused."""
    _no_complex(dtypes)
    return upcast(*dtypes)


def upcast_out_discrete(*dtypes: str) -> str:
    """The upcast of integers and bools; floats and complex are refused."""
    result = upcast(*dtypes)
    if not is_discrete(result):
        raise _refuse("float or complex", dtypes, "cast to an integer dtype or to bool first")
    return result


def true_div_out(*dtypes: str) -> str:
    """The upcast; floatX when all inputs are discrete."""
    if all(is_discrete(d) for d in dtypes):
        return str(config.floatX)
    return upcast(*dtypes)


# ---- rules: floats ----

_FLOAT_OF = {"bool": "float32", "int8": "float32", "uint8": "float32", "int16": "float32", "uint16": "float32"}


def _to_float(dtype: str) -> str:
    if is_discrete(dtype):
        return _FLOAT_OF.get(dtype, "float64")
    return dtype


def upgrade_to_float(*dtypes: str) -> str:
    """F: discrete dtypes of up to 16 bits become float32, wider ones float64; floats and complex are kept."""
    return upcast(*map(_to_float, dtypes))


def upgrade_to_float_no_complex(*dtypes: str) -> str:
    """F-c: as F; complex inputs are refused."""
    _no_complex(dtypes)
    return upgrade_to_float(*dtypes)


def upgrade_to_float64(*dtypes: str) -> str:
    """F64: always float64; complex inputs are refused."""
    _no_complex(dtypes)
    return "float64"


# ---- rules: the dtype of one input ----


def same_out(*dtypes: str) -> str:
    """S: as the input."""
    return dtypes[0]


def same_out_nobool(*dtypes: str) -> str:
    """S-b: as the input, which must not be bool."""
    if dtypes[0] == "bool":
        raise _refuse("bool", dtypes, "use `~x` (invert) for logical not, or cast to an integer dtype first")
    return dtypes[0]


def same_out_min8(*dtypes: str) -> str:
    """S8: as the input, but bool becomes int8."""
    return "int8" if dtypes[0] == "bool" else dtypes[0]


def same_out_float_only(*dtypes: str) -> str:
    """Sf: as the input, which must be float."""
    if not is_float(dtypes[0]):
        raise _refuse("other than float", dtypes, "cast to a float dtype first")
    return dtypes[0]


def same_out_nocomplex(*dtypes: str) -> str:
    """S-c: as the input; complex is refused."""
    _no_complex(dtypes)
    return dtypes[0]


def same_out_discrete(*dtypes: str) -> str:
    """As the input, which must be an integer or bool."""
    return upcast_out_discrete(dtypes[0])


def last_out(*dtypes: str) -> str:
    """As the last input."""
    return dtypes[-1]


def switch_out(*dtypes: str) -> str:
    """The upcast of the inputs after the first."""
    return upcast(*dtypes[1:])


def real_out(*dtypes: str) -> str:
    """R: the dtype of the real part."""
    return real_dtype(dtypes[0])


def bool_out(*dtypes: str) -> str:
    """B: bool."""
    return "bool"


def float_out(*dtypes: str) -> str:
    """float64 whatever the input."""
    return "float64"


def int_out(*dtypes: str) -> str:
    """i64: int64 whatever the input."""
    return "int64"


def float_out_nocomplex(*dtypes: str) -> str:
    """float64 whatever the input; complex is refused."""
    _no_complex(dtypes)
    return "float64"


def int_out_nocomplex(*dtypes: str) -> str:
    """int64 whatever the input; complex is refused."""
    _no_complex(dtypes)
    return "int64"


def complex_out(*dtypes: str) -> str:
    """C: complex64 when real and imaginary part fit in float32, else complex128; complex inputs are refused."""
    _no_complex(dtypes)
    return complex_dtype(upcast(*dtypes))


class specific_out:
    """Rule that gives one dtype whatever the inputs."""

    def __init__(self, dtype: Any) -> None:
        self.dtype: str = dtype if isinstance(dtype, str) else dtype.dtype

    def __call__(self, *dtypes: str) -> str:
        return self.dtype
