"""theano.misc.safe_asarray: arrays of which the dtype is exactly the one that was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano._config import config


def _asarray(a: Any, dtype: Any, order: Any = None) -> np.ndarray:
    """`a` as an array of this dtype ("floatX" is the setting), whose type number is that of the dtype's own name.

    NumPy may give `long` for `long long` where both have 64 bits: equal, but not the same to C code.
    """
    wanted = np.dtype(config.floatX if isinstance(dtype, str) and dtype == "floatX" else dtype)
    array = np.asarray(a, dtype=wanted, order=order)
    return array if array.dtype.num == wanted.num else array.view(dtype=wanted)
