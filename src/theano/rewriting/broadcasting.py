"""Small questions about broadcasting and constants that users' rewrites ask, in the original's terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.fgraph import FunctionGraph
from theano.rewriting.known import number
from theano.rewriting.shape_feature import ShapeFeature
from theano.scalar.selection import second
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import alloc
from theano.tensor.elemwise import cast_to, elemwise_of


def broadcast_like(value: Any, template: Any, fgraph: FunctionGraph | None = None, dtype: str | None = None) -> Any:
    """`value` with the shape and broadcasting of `template`, and its dtype unless another is given.

    Where `fgraph` has a ShapeFeature and knows `template`, its shape is taken without computing it.
    """
    value = as_tensor_variable(value)
    value = cast_to(value, template.type.dtype if dtype is None else dtype)
    if value.type.broadcastable == template.type.broadcastable and value.type.shape == template.type.shape:
        return value
    feature = getattr(fgraph, "shape_feature", None)
    if isinstance(feature, ShapeFeature) and fgraph is not None and template in fgraph.variables:
        result = alloc(value, *feature.shape_of[template])  # type: ignore[misc]
        if result.type.broadcastable == template.type.broadcastable:
            return result
    return elemwise_of(second)(template, value)


def encompasses_broadcastable(b1: Sequence[bool], b2: Sequence[bool]) -> bool:
    """Does broadcasting a value with pattern b2 against one with pattern b1 leave the pattern b1?

    >>> encompasses_broadcastable((False, False), (True,)), encompasses_broadcastable((True,), (False,))
    (True, False)
    """
    if len(b1) < len(b2):
        return False
    return not any(one and not other for one, other in zip(b1[len(b1) - len(b2) :], b2))


def merge_broadcastables(broadcastables: Sequence[Sequence[bool]]) -> tuple[bool, ...]:
    """The pattern of what values with these patterns, of one rank, broadcast to.

    >>> merge_broadcastables([(True, False), (True, True)])
    (True, False)
    """
    if len({len(pattern) for pattern in broadcastables}) > 1:
        raise ValueError(f"The patterns must be of one rank, got {list(broadcastables)}")
    return tuple(all(flags) for flags in zip(*broadcastables))


def scalarconsts_rest(
    inputs: Sequence[Any], elemwise: bool = True, only_process_constants: bool = False
) -> tuple[list[Any], list[Any], list[Any]]:
    """(numbers, variables that are these numbers, the other variables) among `inputs`.

    elemwise                 look through fills and dimshuffles too
    only_process_constants   take only what is a Constant itself
    """
    consts, origconsts, rest = [], [], []
    for v in inputs:
        direct = hasattr(v, "data")
        value = number(v) if direct or (elemwise and not only_process_constants) else None
        if value is None:
            rest.append(v)
        else:
            consts.append(value)
            origconsts.append(v)
    return consts, origconsts, rest


__all__ = ["broadcast_like", "encompasses_broadcastable", "merge_broadcastables", "scalarconsts_rest"]
