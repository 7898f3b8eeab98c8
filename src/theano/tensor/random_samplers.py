"""Samplers over `numpy.random.RandomState` where its own methods take no arrays of parameters.

These are plain NumPy functions. Each changes the state that it is given; the op in `raw_random.py` gives it a copy.
The numbers are those of single calls of the RandomState's method, made in C order.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def _broadcast(what: str, size: Any, *parameters: Any) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """(shape of the draws, the parameters broadcast to it); without `size` the shape is that of the parameters."""
    arrays = [np.asarray(p) for p in parameters]
    try:
        natural = np.broadcast_shapes(*(a.shape for a in arrays))
        shape = natural if size is None else tuple(int(n) for n in np.atleast_1d(size))
        return shape, [np.broadcast_to(a, shape) for a in arrays]
    except ValueError as error:
        shapes = ", ".join(str(a.shape) for a in arrays)
        given = "" if size is None else f" to the size {tuple(np.atleast_1d(size).tolist())}"
        raise ValueError(f"{what}: parameters of the shapes {shapes} do not broadcast{given}") from error


def random_integers_helper(random_state: Any, low: Any, high: Any, size: Any) -> Any:
    """Integers from low to high, both included; int64. ValueError where high < low."""
    shape, (low, high) = _broadcast("random_integers", size, low, high)
    if np.any(high < low):
        raise ValueError(f"random_integers: high must not be below low, got low = {low.min()}, high = {high.min()}")
    if all(np.ndim(p) == 0 or p.strides == (0,) * p.ndim for p in (low, high)) and low.size:
        return random_state.randint(int(low.flat[0]), int(high.flat[0]) + 1, size=shape, dtype=np.int64)
    out = np.empty(shape, np.int64)
    for index in np.ndindex(shape):
        out[index] = random_state.randint(int(low[index]), int(high[index]) + 1, dtype=np.int64)
    return out


def choice_helper(random_state: Any, a: Any, replace: Any, p: Any, size: Any) -> Any:
    """Elements of the vector `a` (or of 0 ... a - 1 for a number), with the probabilities `p` (none: all equal)."""
    if np.ndim(a) > 1:
        raise ValueError(f"choice: a must be a number or a vector, got an array of shape {np.shape(a)}")
    if p is not None and np.ndim(p) != 1:
        raise ValueError(f"choice: the probabilities must be a vector, got an array of shape {np.shape(p)}")
    return random_state.choice(a, size=size, replace=bool(replace), p=None if p is None or not len(p) else p)


def permutation_helper(random_state: Any, n: Any, shape: Any) -> Any:
    """Permutations of 0 ... n - 1 along a last axis, one for each position of `shape`; int64."""
    n = int(n)
    if n < 0:
        raise ValueError(f"permutation: n must not be negative, got {n}")
    shape = () if shape is None else tuple(int(k) for k in np.atleast_1d(shape))
    out = np.empty((*shape, n), np.int64)
    for index in np.ndindex(shape):
        out[index] = random_state.permutation(n)
    return out


def multinomial_helper(random_state: Any, n: Any, pvals: Any, size: Any) -> Any:
    """Counts of n draws among the classes along the last axis of pvals; the other axes broadcast with n. int64."""
    pvals = np.asarray(pvals)
    if pvals.ndim == 0:
        raise ValueError("multinomial: pvals must have an axis of classes, got a number")
    wide = pvals.astype("float64")
    head = wide[..., :-1].sum(axis=-1, keepdims=True)
    if pvals.dtype.itemsize < 8 and pvals.dtype.kind == "f":
        # a sum of one in a narrow dtype may be a little more in double, which NumPy refuses
        excess = (head > 1) & (head < 1 + pvals.shape[-1] * np.finfo(pvals.dtype).eps)
        wide = np.where(excess, wide / np.where(excess, head, 1), wide)
    shape, (n, rows) = _broadcast("multinomial", size, n, np.empty(pvals.shape[:-1]))
    wide = np.broadcast_to(wide, (*rows.shape, pvals.shape[-1]))
    out = np.empty((*shape, pvals.shape[-1]), np.int64)
    for index in np.ndindex(shape):
        out[index] = random_state.multinomial(int(n[index]), wide[index])
    return out
