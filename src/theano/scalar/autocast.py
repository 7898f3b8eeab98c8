"""Autocast: the dtype that a Python number gets when it meets symbolic variables.

Two policies (`config.cast_policy`). "custom": the narrowest dtype which holds the number exactly, so that constants do
not widen the arrays they are combined with. "numpy+floatX": NumPy's dtype for the number, floats becoming floatX.
Arrays and NumPy scalars keep their dtype; promotion among dtypes is in `dtypes.py`.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from theano._config import config


class NumpyAutocaster:
    """Chooses, for a Python number, the first of `dtypes` which holds it exactly, else the last.

    For floats a floatX other than float64 is chosen whatever the number (unless `autocast_float_as` is in force).
    """

    def __init__(self, dtypes: tuple[str, ...]) -> None:
        self.dtypes = tuple(dtypes)
        self.explicit = False   # autocast_float_as is in force: floatX has no say

    def dtype_of(self, number: Any) -> str:
        """The dtype that a Python number gets."""
        if config.cast_policy == "numpy+floatX":
            return _numpy_floatx_dtype(number)
        if isinstance(number, numbers.Integral):
            return self._int_dtype(int(number))
        if not self.explicit and config.floatX != "float64":
            return str(config.floatX)
        with np.errstate(all="ignore"):
            for dtype in self.dtypes:
                if number != number or float(np.dtype(dtype).type(number)) == number:
                    return dtype
        return self.dtypes[-1]

    def _int_dtype(self, number: int) -> str:
        for dtype in (*self.dtypes, "uint64"):
            limits = np.iinfo(dtype)
            if limits.min <= number <= limits.max:
                return dtype
        raise OverflowError(
            f"the integer {number} fits no integer dtype (int64 and uint64 are the widest); "
            "write it as a float"
        )

    def __call__(self, number: Any) -> np.ndarray:
        """The number as a 0-d array of the chosen dtype."""
        return np.asarray(number, dtype=self.dtype_of(number))


autocast_int = NumpyAutocaster(("int8", "int16", "int32", "int64"))
autocast_float = NumpyAutocaster(("float32", "float64"))


@contextmanager
def autocast_float_as(*dtypes: str) -> Iterator[None]:
    """Within the block, Python floats get one of `dtypes`: the first that is exact, else the last.

    >>> with autocast_float_as("float32"):
    ...     constant_dtype(1.1)
    'float32'
    """
    if config.cast_policy != "custom":
        raise RuntimeError(
            f"autocast_float_as works under cast_policy=custom only; the setting is {config.cast_policy!r}"
        )
    before = autocast_float.dtypes, autocast_float.explicit
    autocast_float.dtypes, autocast_float.explicit = tuple(dtypes), True
    try:
        yield
    finally:
        autocast_float.dtypes, autocast_float.explicit = before


def _numpy_floatx_dtype(number: Any) -> str:
    if isinstance(number, numbers.Integral):
        number = int(number)
        return "int64" if -(2**63) <= number < 2**63 else autocast_int._int_dtype(number)
    return str(config.floatX)


def constant_dtype(number: Any) -> str:
    """The dtype of a Python number (or NumPy scalar) as a constant.

    >>> [constant_dtype(n) for n in (1, 300, 70000, 2**63, 1.5, 1.1)]
    ['int8', 'int16', 'int32', 'uint64', 'float32', 'float64']
    """
    if isinstance(number, np.generic):
        return str(number.dtype)
    if isinstance(number, bool):
        return "bool"
    if isinstance(number, numbers.Integral):
        return autocast_int.dtype_of(number)
    if isinstance(number, numbers.Real):
        return autocast_float.dtype_of(float(number))
    if isinstance(number, numbers.Complex):
        return "complex128"
    raise TypeError(f"{number!r} of {type(number)} is not a number")
