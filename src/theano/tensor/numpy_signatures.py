"""NumPy functions whose arguments differ from those of the function of the same name in `theano.tensor`.

`numpy_protocol` calls these for NumPy functions on symbolic variables; nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from theano import scalar
from theano.tensor import functions, subtensor
from theano.tensor.convert import as_tensor_variable
from theano.tensor.joining import Split, join
from theano.tensor.reductions import ptp as _ptp
from theano.tensor.reductions import sum as _sum
from theano.tensor.shape import normalize_axis, shape_i, shape_padleft, shape_vector


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Equal sections (a number, which must divide the length), or pieces between the given positions."""
    x = as_tensor_variable(ary)
    k = normalize_axis(axis, x.type.ndim, "split")
    length = shape_i(x, k)
    if isinstance(indices_or_sections, (int, np.integer)):
        n = int(indices_or_sections)
        if n < 1:
            raise ValueError(f"split: the number of sections must be positive, got {n}")
        sizes = [length // np.int64(n)] * n
    else:
        cuts = [0, *indices_or_sections, length]
        sizes = [b - a for a, b in pairwise(cuts)]
    pieces = Split(len(sizes))(x, k, shape_vector(sizes))
    return list(pieces) if isinstance(pieces, (list, tuple)) else [pieces]


def _at_least(x: Any, ndim: int) -> Any:
    x = as_tensor_variable(x)
    return shape_padleft(x, max(ndim - x.type.ndim, 0))


def atleast_1d(*arys: Any) -> Any:
    """The tensors with axes added on the left until the rank is at least 1."""
    results = tuple(_at_least(x, 1) for x in arys)
    return results[0] if len(results) == 1 else results


def atleast_2d(*arys: Any) -> Any:
    """The tensors with axes added on the left until the rank is at least 2."""
    results = tuple(_at_least(x, 2) for x in arys)
    return results[0] if len(results) == 1 else results


def hstack(tup: Sequence[Any]) -> Any:
    """The tensors one after the other along axis 1, or axis 0 where they are vectors."""
    parts = [_at_least(x, 1) for x in tup]
    return join(0 if parts[0].type.ndim == 1 else 1, *parts)


def vstack(tup: Sequence[Any]) -> Any:
    """The tensors, at least matrices, one below the other."""
    return join(0, *[_at_least(x, 2) for x in tup])


def where(condition: Any, *branches: Any) -> Any:
    """x where the condition holds, else y; without these the positions where it holds."""
    if not branches:
        return subtensor.nonzero(as_tensor_variable(condition))
    return scalar.switch(condition, *branches)


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """The elements limited to a_min ... a_max; None is no limit."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None or high is None:
        x = as_tensor_variable(a)
        x = x if low is None else scalar.maximum(x, low)
        return x if high is None else scalar.minimum(x, high)
    return scalar.clip(a, low, high)


def round(a: Any, decimals: int = 0) -> Any:
    """The nearest multiple of 10**-decimals, half to even; integers are left alone for decimals >= 0."""
    x = as_tensor_variable(a)
    if x.type.dtype in scalar.discrete_dtypes and decimals >= 0:
        return x
    if not decimals:
        return functions.round(x)
    factor = np.asarray(10.0 ** decimals, dtype=x.type.dtype)
    return functions.round(x * factor) / factor


def ptp(a: Any, axis: Any = None) -> Any:
    """The range along an axis."""
    return _ptp(as_tensor_variable(a), axis)


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero."""
    x = as_tensor_variable(a)
    return _sum(scalar.neq(x, np.zeros((), x.type.dtype)), axis=axis, keepdims=keepdims)


def ndim(a: Any) -> int:
    """The rank."""
    return as_tensor_variable(a).type.ndim


def size(a: Any, axis: int | None = None) -> Any:
    """The number of elements, or the length of an axis."""
    x = as_tensor_variable(a)
    return x.size if axis is None else shape_i(x, normalize_axis(axis, x.type.ndim, "size"))


def copy(a: Any) -> Any:
    """A copy."""
    return scalar.identity(as_tensor_variable(a))


ADAPTED = {
    f.__name__: f
    for f in (split, atleast_1d, atleast_2d, hstack, vstack, where, clip, round, ptp, count_nonzero, ndim, size, copy)
}
