"""theano.misc.may_share_memory: may two values lie in the same memory?"""

from __future__ import annotations

from typing import Any

import numpy as np

_PARTS = ("data", "indices", "indptr")  # the arrays of a sparse matrix


def may_share_memory(a: Any, b: Any, raise_other_type: bool = True) -> bool:
    """May a change of `a` change `b`? For arrays and sparse matrices, by the bounds of their memory.

    raise_other_type   for other values: True: TypeError; False: the answer is False
    """
    arrays = [_arrays_of(v) for v in (a, b)]
    for value, found in zip((a, b), arrays):
        if found is None:
            if raise_other_type:
                raise TypeError(f"may_share_memory knows arrays and sparse matrices, got {type(value).__name__}")
            return False
    return any(np.may_share_memory(x, y) for x in arrays[0] or () for y in arrays[1] or ())


def _arrays_of(value: Any) -> list[np.ndarray] | None:
    """The arrays that hold the value; None for what has none."""
    if isinstance(value, np.ndarray):
        return [value]
    parts = [getattr(value, name, None) for name in _PARTS]
    return parts if all(isinstance(part, np.ndarray) for part in parts) else None  # type: ignore[return-value]
