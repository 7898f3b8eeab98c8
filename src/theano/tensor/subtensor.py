"""theano.tensor.subtensor: indexing. Set and increment what an index expression selects; the names of the ops.

The ops are in `basic_indexing.py` (integers and slices) and `advanced_indexing.py` (arrays and masks), how an index is
read in `indexing.py`; functions that select (`take`, `nonzero`, …) in `selecting.py`.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Variable
from theano.tensor.advanced_indexing import AdvancedIncSubtensor as AdvancedIncSubtensor
from theano.tensor.advanced_indexing import AdvancedIncSubtensor1 as AdvancedIncSubtensor1
from theano.tensor.advanced_indexing import AdvancedSubtensor as AdvancedSubtensor
from theano.tensor.advanced_indexing import AdvancedSubtensor1 as AdvancedSubtensor1
from theano.tensor.advanced_indexing import BaseAdvancedIncSubtensor as BaseAdvancedIncSubtensor
from theano.tensor.advanced_indexing import BaseAdvancedSubtensor as BaseAdvancedSubtensor
from theano.tensor.basic_indexing import IncSubtensor as IncSubtensor
from theano.tensor.basic_indexing import Subtensor as Subtensor
from theano.tensor.basic_indexing import get_idx_list as get_idx_list
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.indexing import AdvancedBooleanIndexingError as AdvancedBooleanIndexingError
from theano.tensor.indexing import AdvancedIndexingError as AdvancedIndexingError
from theano.tensor.indexing import adv_index_broadcastable_pattern as adv_index_broadcastable_pattern
from theano.tensor.indexing import advanced
from theano.tensor.indexing import as_index_variable as as_index_variable
from theano.tensor.indexing import check_advanced_indexing_dimensions as check_advanced_indexing_dimensions
from theano.tensor.indexing import check_and_reject_bool as check_and_reject_bool
from theano.tensor.indexing import getitem as getitem
from theano.tensor.indexing import make_constant as make_constant
from theano.tensor.lengths import is_negative, plus, positive_slice, where
from theano.tensor.region import fitted_value
from theano.tensor.selecting import Choose as Choose
from theano.tensor.selecting import Nonzero as Nonzero
from theano.tensor.selecting import choose as choose
from theano.tensor.selecting import compress as compress
from theano.tensor.selecting import flatnonzero as flatnonzero
from theano.tensor.selecting import nonzero as nonzero
from theano.tensor.selecting import nonzero_values as nonzero_values
from theano.tensor.selecting import take as take
from theano.tensor.shape import Rebroadcast, Reshape, SpecifyShape, reshape, shape
from theano.tensor.shape import alloc as _alloc

# one op serves masks and integer arrays
AdvancedBooleanSubtensor = AdvancedSubtensor
AdvancedBooleanIncSubtensor = AdvancedIncSubtensor

advanced_subtensor1 = AdvancedSubtensor1()
advanced_inc_subtensor1 = AdvancedIncSubtensor1()
advanced_set_subtensor1 = AdvancedIncSubtensor1(set_instead_of_inc=True)


def set_subtensor(x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False) -> Any:
    """The tensor that the index expression `x` was taken from, with `y` in place of what `x` selects.

    `x` is `a[...]`, or a transposition or reshape of one; `a` itself does not change: use the result. With repeated
    indices the last value stays. `y` is cast to the dtype of `a` silently, and broadcast where its length is known to
    be one. `inplace` and `tolerate_inplace_aliasing` are accepted and mean nothing.

    TypeError if `x` is no index expression; ValueError if `y` does not fit.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> set_subtensor(v[1:], 0.0).eval({v: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 0.0, 0.0]
    """
    return inc_subtensor(x, y, inplace, set_instead_of_inc=True)


def inc_subtensor(
    x: Any,
    y: Any,
    inplace: bool = False,
    set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Any:
    """The tensor that the index expression `x` was taken from, with `y` added to what `x` selects.

    With repeated indices all values are added. For the rest see `set_subtensor`.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> inc_subtensor(v[[0, 0, 1]], 1.0).eval({v: [1.0, 2.0]}).tolist()
    [3.0, 3.0]
    """
    name = "set_subtensor" if set_instead_of_inc else "inc_subtensor"
    expression = x
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    while x.owner is not None:
        op, inputs = x.owner.op, x.owner.inputs
        if isinstance(op, Subtensor):
            return IncSubtensor(op.idx_list, set_instead_of_inc=set_instead_of_inc)(inputs[0], y, *inputs[1:])
        if isinstance(op, AdvancedSubtensor1):
            return AdvancedIncSubtensor1(set_instead_of_inc=set_instead_of_inc)(inputs[0], y, inputs[1])
        if isinstance(op, AdvancedSubtensor):
            return AdvancedIncSubtensor(op.idx_list, set_instead_of_inc=set_instead_of_inc)(inputs[0], y, *inputs[1:])
        if isinstance(op, DimShuffle):
            y = _before_dimshuffle(op, fitted_value(y, x.type.shape, x.dtype, name), inputs[0].ndim, name)
        elif isinstance(op, Reshape):
            y = fitted_value(y, x.type.shape, x.dtype, name)
            y = reshape(_alloc(y, *_lengths(x)), shape(inputs[0]), ndim=inputs[0].ndim)
        elif not isinstance(op, (SpecifyShape, Rebroadcast)):
            break
        x = inputs[0]
    raise TypeError(
        f"{name} takes an index expression such as a[2:4] as its first argument, got {expression} of type "
        f"{getattr(expression, 'type', type(expression))}. Index the tensor that is to be changed: "
        f"{name}(a[...], y)."
    )


def _lengths(x: Any) -> list[Any]:
    vector = shape(x)
    return [getitem(vector, axis) for axis in range(x.ndim)]


def _before_dimshuffle(op: DimShuffle, y: Any, ndim: int, name: str) -> Any:
    """`y`, which fits the output of a dimshuffle, so that it fits the input."""
    order: list[Any] = ["x"] * ndim
    for position, entry in enumerate(op.new_order):
        if entry != "x":
            order[entry] = position  # type: ignore[index]
        elif not y.type.broadcastable[position]:
            y = Rebroadcast((position, True))(y)
    if order == list(range(y.ndim)):
        return y
    return DimShuffle(y.type.broadcastable, order)(y)


def advanced_subtensor(x: Any, *args: Any) -> Any:
    """x indexed by `args`, at least one of them an array of integers."""
    idx_list, inputs = advanced(x, args)
    return AdvancedSubtensor(idx_list)(x, *inputs)


def advanced_inc_subtensor(x: Any, y: Any, *args: Any) -> Any:
    """x with y added to what `args`, at least one of them an array of integers, select."""
    idx_list, inputs = advanced(x, args)
    return AdvancedIncSubtensor(idx_list)(x, y, *inputs)


def advanced_set_subtensor(x: Any, y: Any, *args: Any) -> Any:
    """x with y in place of what `args`, at least one of them an array of integers, select."""
    idx_list, inputs = advanced(x, args)
    return AdvancedIncSubtensor(idx_list, set_instead_of_inc=True)(x, y, *inputs)


advanced_boolean_subtensor = advanced_subtensor
advanced_boolean_inc_subtensor = advanced_inc_subtensor
advanced_boolean_set_subtensor = advanced_set_subtensor


def get_canonical_form_slice(theslice: Any, length: Any) -> tuple[Any, Any]:
    """(slice with positive step and bounds within the axis, direction) for a slice or position of an axis of `length`.

    Read the selected elements in reverse where the direction is -1. Bounds are ints where they are known, else
    variables. A position comes back counted from the start, with direction 1.
    """
    if isinstance(theslice, slice):
        low, high, step, direction = positive_slice(theslice.start, theslice.stop, theslice.step, length)
        return slice(low, high, step), direction
    position = theslice.data.item() if hasattr(theslice, "data") and not isinstance(theslice, int) else theslice
    if isinstance(position, Variable):
        return where(is_negative(position), plus(position, length), position), 1
    return (plus(position, length) if position < 0 else position), 1
