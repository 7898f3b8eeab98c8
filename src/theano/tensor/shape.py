"""Shapes and the order of axes: the functions that permute, add, drop and repeat axes, and fold them.

The ops are in `shape_ops.py`. Joining, splitting and rotating are in `joining.py`, diagonals in `diagonal.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano.errors import NotScalarConstantError
from theano.graph.node import Constant, Variable
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import alloc, dimension, dimensions
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.scalar_constants import static_int
from theano.tensor.shape_ops import UNSTATED as UNSTATED
from theano.tensor.shape_ops import Rebroadcast as Rebroadcast
from theano.tensor.shape_ops import Reshape as Reshape
from theano.tensor.shape_ops import Shape as Shape
from theano.tensor.shape_ops import Shape_i as Shape_i
from theano.tensor.shape_ops import SpecifyShape as SpecifyShape
from theano.tensor.shape_ops import patternbroadcast as patternbroadcast
from theano.tensor.shape_ops import rebroadcast as rebroadcast
from theano.tensor.shape_ops import reshape as reshape
from theano.tensor.shape_ops import shape as shape
from theano.tensor.shape_ops import shape_i as shape_i
from theano.tensor.shape_ops import shape_i_op as shape_i_op
from theano.tensor.shape_ops import shape_vector as shape_vector
from theano.tensor.shape_ops import specify_shape as specify_shape
from theano.tensor.shape_ops import symbolic_product as symbolic_product


def flatten(x: Any, ndim: int | None = None, outdim: int | None = None) -> Any:
    """x with its first ndim - 1 axes kept and the others folded into one (C order). `outdim`: old name of `ndim`.

    >>> from theano.tensor import dtensor3
    >>> x = dtensor3("x")
    >>> flatten(x, 2).eval({x: [[[1.0, 2.0], [3.0, 4.0]]]}).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    x = as_tensor_variable(x)
    if ndim is not None and outdim is not None:
        raise ValueError("flatten takes ndim or its old name outdim, not both")
    ndim = outdim if ndim is None else ndim
    ndim = 1 if ndim is None else int(ndim)
    if ndim < 1 or ndim > max(x.type.ndim, 1):
        raise ValueError(f"flatten: ndim must be between 1 and {max(x.type.ndim, 1)} for type {x.type}, got {ndim}")
    if ndim == x.type.ndim:
        return x
    if ndim == 1:
        return reshape(x, (-1,))
    kept = [shape_i(x, axis) for axis in range(ndim - 1)]
    # not -1: that is ambiguous where one of the kept axes is empty
    folded = symbolic_product([shape_i(x, axis) for axis in range(ndim - 1, x.type.ndim)])
    return reshape(x, [*kept, folded])


def ravel(x: Any) -> Any:
    """x as a vector, in C order."""
    return flatten(x, 1)


def is_flat(var: Any, ndim: int | None = None, outdim: int | None = None) -> bool:
    """Has `var` exactly `ndim` axes (1 by default)?"""
    wanted = outdim if ndim is None else ndim
    return bool(var.ndim == (1 if wanted is None else wanted))


def normalize_axis(axis: Any, ndim: int, what: str) -> int:
    """A Python axis number, possibly negative, as one in 0 ... ndim - 1.

    Raises AxisError (an IndexError and ValueError) for others, TypeError for what is no integer.
    """
    if isinstance(axis, Variable):
        if not isinstance(axis, Constant):
            raise TypeError(f"{what}: the axis must be known while the graph is built, got {axis}")
        axis = axis.data.item() if axis.data.ndim == 0 else axis.data
    if isinstance(axis, (np.ndarray, np.generic)) and np.ndim(axis) == 0:
        axis = axis.item()
    if isinstance(axis, float) and axis.is_integer():
        axis = int(axis)
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise TypeError(f"{what}: an axis is an integer, got {axis!r}")
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(f"{what}: axis {axis} is out of bounds for a tensor with {ndim} axes")
    return axis + ndim if axis < 0 else axis


def check_and_normalize_axes(x: Any, axis: Any) -> list[int]:
    """An axis, several axes or None as a list of non-negative axis numbers (None: an empty list)."""
    x = as_tensor_variable(x)
    if axis is None or (isinstance(axis, Constant) and getattr(axis, "data", 0) is None):
        return []
    if isinstance(axis, (list, tuple)):
        return [normalize_axis(a, x.type.ndim, "axis") for a in axis]
    if isinstance(axis, np.ndarray) and axis.ndim == 1:
        return [normalize_axis(a, x.type.ndim, "axis") for a in axis.tolist()]
    return [normalize_axis(axis, x.type.ndim, "axis")]


def transpose(x: Any, axes: Any = None) -> Any:
    """x with its axes in the order `axes`; None reverses them.

    >>> from theano.tensor import zeros
    >>> transpose(zeros((2, 3, 4))).type.shape, transpose(zeros((2, 3, 4)), (1, 0, 2)).type.shape
    ((4, 3, 2), (3, 2, 4))
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    if axes is None:
        axes = tuple(range(ndim - 1, -1, -1))
    if len(axes) != ndim:
        raise ValueError(f"transpose: {x} has {ndim} axes (type {x.type}), but {len(axes)} are listed: {tuple(axes)}")
    result = dimshuffle(x, [normalize_axis(a, ndim, "transpose") for a in axes])
    if result is not x and result.name is None and x.name and tuple(axes) == tuple(range(ndim - 1, -1, -1)):
        result.name = x.name + ".T"
    return result


def swapaxes(y: Any, axis1: int, axis2: int) -> Any:
    """y with two axes exchanged."""
    y = as_tensor_variable(y)
    order = list(range(y.type.ndim))
    first, second = (normalize_axis(a, y.type.ndim, "swapaxes") for a in (axis1, axis2))
    order[first], order[second] = order[second], order[first]
    return dimshuffle(y, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """a with the axes `source` moved to the positions `destination`; the others keep their order.

    >>> from theano.tensor import zeros
    >>> moveaxis(zeros((2, 3, 4)), 0, -1).type.shape
    (3, 4, 2)
    """
    a = as_tensor_variable(a)
    ndim = a.type.ndim
    one = isinstance(source, (int, np.integer))
    sources = [normalize_axis(s, ndim, "moveaxis") for s in ([source] if one else source)]
    targets = [normalize_axis(d, ndim, "moveaxis") for d in ([destination] if one else destination)]
    if len(sources) != len(targets) or len(set(sources)) != len(sources) or len(set(targets)) != len(targets):
        raise ValueError(f"moveaxis: source {source} and destination {destination} must be equally many distinct axes")
    order = [axis for axis in range(ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources)):
        order.insert(target, axis)
    return dimshuffle(a, order)


def shape_padleft(t: Any, n_ones: int = 1) -> Any:
    """t with `n_ones` axes of length one added on the left."""
    t = as_tensor_variable(t)
    return dimshuffle(t, ["x"] * n_ones + list(range(t.type.ndim)))


def shape_padright(t: Any, n_ones: int = 1) -> Any:
    """t with `n_ones` axes of length one added on the right."""
    t = as_tensor_variable(t)
    return dimshuffle(t, list(range(t.type.ndim)) + ["x"] * n_ones)


def shape_padaxis(t: Any, axis: int) -> Any:
    """t with an axis of length one added, so that it is axis `axis` of the result (negative: counted from its end)."""
    t = as_tensor_variable(t)
    ndim = t.type.ndim + 1
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(f"shape_padaxis: axis {axis} is out of bounds [-{ndim}, {ndim}) for {t.type}")
    order: list[Any] = list(range(t.type.ndim))
    order.insert(axis + ndim if axis < 0 else axis, "x")
    return dimshuffle(t, order)


def expand_dims(a: Any, axis: Any) -> Any:
    """a with axes of length one added so that they are the axes `axis` of the result.

    >>> from theano.tensor import dmatrix
    >>> expand_dims(dmatrix("m"), (0, 3)).broadcastable
    (True, False, False, True)
    """
    a = as_tensor_variable(a)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    ndim = a.type.ndim + len(axes)
    new = {normalize_axis(k, ndim, "expand_dims") for k in axes}
    if len(new) != len(axes):
        raise ValueError(f"expand_dims: repeated axis in {axis}")
    own = iter(range(a.type.ndim))
    return dimshuffle(a, ["x" if k in new else next(own) for k in range(ndim)])


def squeeze(x: Any, axis: Any = None) -> Any:
    """x without the axes that are known to have length one; or without the axes `axis`, which must have length one.

    >>> from theano.tensor import drow
    >>> squeeze(drow("r")).type
    TensorType(float64, vector)
    """
    x = as_tensor_variable(x)
    if axis is None:
        return dimshuffle(x, [k for k, one in enumerate(x.type.broadcastable) if not one])
    dropped = check_and_normalize_axes(x, axis)
    x = addbroadcast(x, *dropped)
    return dimshuffle(x, [k for k in range(x.type.ndim) if k not in dropped])


def addbroadcast(x: Any, *axes: Any) -> Any:
    """x, whose axes `axes` are stated to have length one, so that they broadcast (checked at run time).

    >>> from theano.tensor import dmatrix
    >>> addbroadcast(dmatrix("m"), 0).type
    TensorType(float64, row)
    """
    x = as_tensor_variable(x)
    return rebroadcast(x, [(normalize_axis(a, x.type.ndim, "addbroadcast"), True) for a in _listed(axes)])


def unbroadcast(x: Any, *axes: Any) -> Any:
    """x, forgetting that its axes `axes` have length one.

    >>> from theano.tensor import drow
    >>> unbroadcast(drow("r"), 0).type
    TensorType(float64, matrix)
    """
    x = as_tensor_variable(x)
    return rebroadcast(x, [(normalize_axis(a, x.type.ndim, "unbroadcast"), False) for a in _listed(axes)])


def _listed(axes: Sequence[Any]) -> Sequence[Any]:
    return axes[0] if len(axes) == 1 and isinstance(axes[0], (list, tuple)) else axes


def makeKeepDims(x: Any, y: Any, axis: Any) -> Any:
    """y, a reduction of x over `axis`, with the reduced axes put back with length one."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    reduced = set(check_and_normalize_axes(x, axis)) if axis is not None else set(range(x.type.ndim))
    kept = iter(range(y.type.ndim))
    return dimshuffle(y, ["x" if k in reduced else next(kept) for k in range(x.type.ndim)])


def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated to the given shape along the axes that are known to have length one.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> broadcast_to(v, (2, v.shape[0])).eval({v: [1.0, 2.0]}).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return alloc(x, *dimensions(shape))


def tile(x: Any, reps: Any, ndim: int | None = None) -> Any:
    """x repeated reps[k] times along axis k, as `numpy.tile`.

    reps   an integer, a sequence of integers and 0-d variables, or a vector whose length is known or is `ndim`
    ndim   rank of the result: at least x's and the length of reps; both are padded with ones on the left

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> tile(v, (2, 2)).eval({v: [1.0, 2.0]}).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    x = as_tensor_variable(x)
    if isinstance(reps, (list, tuple)):
        repeats = [_repeat_count(n) for n in reps]
    else:
        vector = as_tensor_variable(reps)
        if vector.type.dtype not in discrete_dtypes:
            raise ValueError(f"tile: reps must hold integers, got {reps} of type {vector.type}")
        if vector.type.ndim == 0:
            repeats = [dimension(vector)]
        elif vector.type.ndim == 1:
            length = vector.type.shape[0]
            if length is None and ndim is None:
                raise ValueError(
                    f"tile: the length of reps ({vector} of type {vector.type}) is not known while the graph is "
                    "built; pass ndim="
                )
            if length is None:
                vector = specify_shape(vector, (ndim,))
                length = ndim
            repeats = [dimension(vector[k]) for k in range(length)]
        else:
            raise ValueError(f"tile: reps must be an integer or a vector, got {reps} of type {vector.type}")
    rank = max(x.type.ndim, len(repeats)) if ndim is None else int(ndim)
    if rank < x.type.ndim or rank < len(repeats):
        raise ValueError(
            f"tile: ndim={ndim} is less than the rank of x ({x.type.ndim}) or the length of reps ({len(repeats)})"
        )
    repeats = [dimension(1)] * (rank - len(repeats)) + repeats
    x = shape_padleft(x, rank - x.type.ndim)
    lengths = [shape_i(x, axis) for axis in range(rank)]
    if all(static_int(n) == 1 for n in repeats):
        return scalar.identity(x)
    interleaved: list[Any] = []
    for axis in range(rank):
        interleaved += ["x", axis]
    spread = alloc(dimshuffle(x, interleaved), *[n for pair in zip(repeats, lengths) for n in pair])
    return reshape(spread, [symbolic_product(pair) for pair in zip(repeats, lengths)])


def _repeat_count(n: Any) -> Any:
    try:
        return dimension(n)
    except (TypeError, NotScalarConstantError):
        raise ValueError(f"tile: reps must hold integers and 0-d integer variables, got {n!r}") from None
