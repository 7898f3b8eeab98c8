"""The algebra of gradient terms: zeros, ones and sums of variables of any type with a gradient.

A term is a variable of a float dtype, or one whose type is DisconnectedType (no dependence) or NullType (undefined).
The sweeps (`reverse.py`, `forward.py`) use these; rules of differentiation are in the ops themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.graph.node import Variable
from theano.graph.type import DisconnectedType, NullType
from theano.scalar.arithmetic import add
from theano.scalar.cancelling import constant_of
from theano.scalar.dtypes import is_discrete
from theano.scalar.selection import second, switch
from theano.tensor.convert import constant
from theano.tensor.elemwise import cast_to
from theano.tensor.masking import split_mask
from theano.tensor.type import TensorType, tensor_type


def is_disconnected(term: Variable) -> bool:
    return isinstance(term.type, DisconnectedType)


def is_undefined(term: Variable) -> bool:
    return isinstance(term.type, NullType)


def is_discrete_variable(variable: Variable) -> bool:
    """Is its dtype boolean or an integer? (What has no dtype is not.)"""
    dtype = getattr(variable.type, "dtype", None)
    return isinstance(dtype, str) and is_discrete(dtype)


def gradient_dtype(variable: Variable) -> str:
    """The dtype that a gradient with respect to `variable` has: its own, or floatX for integers and booleans."""
    dtype: str = variable.type.dtype  # type: ignore[attr-defined]
    return str(config.floatX) if is_discrete(dtype) else dtype


def zeros_for(variable: Variable) -> Variable:
    """A zero gradient with respect to `variable`: its shape, in a float dtype."""
    if isinstance(variable.type, TensorType):
        return filled_like(variable, 0)
    if hasattr(variable, "zeros_like"):
        return variable.zeros_like()  # type: ignore[no-any-return]
    raise TypeError(f"There is no zero of type {variable.type}, which the gradient by {variable} would need")


def filled_like(variable: Variable, number: float) -> Variable:
    """`number` in the shape of a tensor `variable`, in a float dtype."""
    kind = variable.type
    value = constant(np.asarray(number, dtype=gradient_dtype(variable)))
    if kind.ndim == 0:  # type: ignore[attr-defined]
        return value
    return second(variable, value)  # type: ignore[no-any-return]


def is_zero(term: Variable) -> bool:
    """Is `term` zero by construction: a constant, or a constant broadcast?"""
    return constant_of(term) == 0


def sum_terms(terms: Sequence[Variable]) -> Variable:
    """The sum of at least one term. Undefined terms make it undefined; disconnected and zero terms vanish."""
    kept: list[Variable] = []
    zero: Variable | None = None
    for term in terms:
        if is_undefined(term):
            return term
        if is_disconnected(term):
            continue
        if is_zero(term):
            zero = term
        else:
            kept.append(term)
    if not kept:
        return terms[0] if zero is None else zero
    if len(kept) == 1:
        return kept[0]
    if all(isinstance(term.type, TensorType) for term in kept):
        return _sum_under_one_mask(kept) or add(*kept)
    total: Any = kept[0]
    for term in kept[1:]:
        total = total + term
    return total  # type: ignore[no-any-return]


def _sum_under_one_mask(terms: Sequence[Variable]) -> Variable | None:
    """switch(c, a, 0) + switch(c, b, 0) -> switch(c, a + b, 0), so that the mask stays outermost (see `masking`)."""
    split = [split_mask(term) for term in terms]
    first = split[0]
    if first is None or any(s is None or s.condition is not first.condition or s.keep is not first.keep for s in split):
        return None
    total = add(*[s.value for s in split if s is not None])
    return first.apply(total)


def fit(term: Variable, variable: Variable) -> Variable:
    """`term` as a gradient with respect to `variable`: in its dtype if that is continuous, with its lengths of one."""
    ours, wanted = term.type, variable.type
    if not isinstance(ours, TensorType) or not isinstance(wanted, TensorType):
        return term
    if ours.dtype != wanted.dtype and not is_discrete(wanted.dtype):
        term = cast_to(term, wanted.dtype)
    if any(theirs == 1 and mine is None for mine, theirs in zip(ours.shape, wanted.shape)):
        shape = tuple(theirs if mine is None else mine for mine, theirs in zip(ours.shape, wanted.shape))
        converted = tensor_type(term.type.dtype, shape).convert_variable(term)  # type: ignore[attr-defined]
        term = term if converted is None else converted
    return term


__all__ = [
    "fit",
    "filled_like",
    "gradient_dtype",
    "is_disconnected",
    "is_discrete_variable",
    "is_undefined",
    "is_zero",
    "sum_terms",
    "switch",
    "zeros_for",
]
