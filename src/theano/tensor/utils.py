"""theano.tensor.utils: numeric shapes of a graph, and hashes of arrays, under the original's path."""

from __future__ import annotations

import hashlib
import importlib
from typing import Any

import numpy as np


def hash_from_ndarray(data: Any) -> str:
    """A text that is the same for arrays with equal dtype, shape and content, and for no others.

    >>> import numpy as np
    >>> hash_from_ndarray(np.arange(3)) == hash_from_ndarray(np.arange(6)[::2] // 2)
    True
    """
    array = np.ascontiguousarray(data)
    if array.dtype.hasobject:
        raise TypeError(f"The content of an array of objects cannot be hashed: {array.dtype}")
    digest = hashlib.sha256(array.data if array.size else b"")
    digest.update(repr((array.dtype.str, np.shape(data))).encode())
    return digest.hexdigest()


def __getattr__(name: str) -> Any:
    if name == "shape_of_variables":
        return importlib.import_module("theano.rewriting.shape_feature").shape_of_variables
    raise AttributeError(f"module 'theano.tensor.utils' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "shape_of_variables"])
