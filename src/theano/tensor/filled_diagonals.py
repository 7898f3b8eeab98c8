"""Copies of arrays with a diagonal set to a number: fill_diagonal, fill_diagonal_offset."""

from __future__ import annotations

from typing import Any

from theano.graph.op import Op
from theano.scalar.arithmetic import add, neg, sub
from theano.scalar.dtypes import integer_dtypes, upcast
from theano.scalar.selection import maximum, minimum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.indexing import getitem
from theano.tensor.products import checked, length
from theano.tensor.ranges import arange
from theano.tensor.subtensor import set_subtensor
from theano.tensor.variable import TensorConstant


def _settable(name: str, a: Any, val: Any) -> tuple[Any, Any]:
    a, val = as_tensor_variable(a), as_tensor_variable(val)
    if val.ndim:
        raise TypeError(f"{name}: the value must be a scalar, got {val} of type {val.type}")
    exact = isinstance(val, TensorConstant) and val.data.astype(a.dtype) == val.data
    if upcast(a.dtype, val.dtype) != a.dtype and not exact:
        raise TypeError(
            f"{name}: a value of dtype {val.dtype} cannot be stored in {a.dtype} without loss; cast it first"
        )
    return a, val


class FillDiagonal(Op):
    """A copy of a tensor with its main diagonal set to a scalar. Applied, it gives an expression of other ops."""

    __props__ = ()

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs: Any) -> Any:
        a, val = _settable("fill_diagonal", *inputs)
        if a.ndim < 2:
            raise TypeError(f"fill_diagonal: the tensor must have two axes or more, got {a} of type {a.type}")
        if a.ndim > 2:
            a = checked(a, a, [(0, k) for k in range(1, a.ndim)], "fill_diagonal")
        lengths = [length(a, k) for k in range(min(a.ndim, 2))]
        n = lengths[0] if a.ndim > 2 else _smaller(*lengths)
        place = arange(n)
        result = set_subtensor(getitem(a, (place,) * a.ndim), val)
        return [result] if return_list else result


class FillDiagonalOffset(Op):
    """A copy of a matrix with the diagonal `offset` set to a scalar. Applied, it gives an expression of other ops."""

    __props__ = ()

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs: Any) -> Any:
        a, val, offset = inputs
        a, val = _settable("fill_diagonal_offset", a, val)
        offset = as_tensor_variable(offset)
        if a.ndim != 2:
            raise TypeError(f"fill_diagonal_offset: a matrix is needed, got {a} of type {a.type}")
        if offset.ndim or offset.dtype not in integer_dtypes:
            raise TypeError(f"fill_diagonal_offset: the offset must be an integer, got {offset} of type {offset.type}")
        offset = cast_to(offset, "int64")
        first_row, first_column = maximum(neg(offset), 0), maximum(offset, 0)
        n = _smaller(sub(length(a, 0), first_row), sub(length(a, 1), first_column))
        place = arange(maximum(n, 0))
        result = set_subtensor(getitem(a, (add(place, first_row), add(place, first_column))), val)
        return [result] if return_list else result


def _smaller(a: Any, b: Any) -> Any:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else minimum(a, b)


fill_diagonal_ = FillDiagonal()
fill_diagonal_offset_ = FillDiagonalOffset()


def fill_diagonal(a: Any, val: Any) -> Any:
    """A copy of `a` with its main diagonal set to the scalar `val`; of more than two axes all must be equally long."""
    return fill_diagonal_(a, val)


def fill_diagonal_offset(a: Any, val: Any, offset: Any) -> Any:
    """A copy of the matrix `a` with the diagonal `offset` (above the main one if positive) set to the scalar `val`."""
    return fill_diagonal_offset_(a, val, offset)
