"""Join and Split: without effect, of vectors of scalars."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.tensor.creation import MakeVector
from theano.tensor.elemwise import cast_to
from theano.tensor.joining import Join, Split
from theano.tensor.scalar_constants import static_int, vector_elements


@function_rule(Join, name="join_of_one", tags="fast_compile useless local_join_1")
def join_of_one(node: Apply, site: Site) -> Any:
    """join(axis, x) -> x"""
    if len(node.inputs) != 2:
        return None
    return [conform(node.inputs[1], node.outputs[0])]


@function_rule(Join, name="join_with_empty", tags="useless local_join_empty")
def join_with_empty(node: Apply, site: Site) -> Any:
    """join(axis, x, empty, y) -> join(axis, x, y)"""
    axis_input, *parts = node.inputs
    axis = static_int(axis_input)
    if axis is None:
        return None
    kept = [x for x in parts if x.type.shape[axis] != 0]  # type: ignore[attr-defined]
    if len(kept) == len(parts) or not kept:
        return None
    return [conform(node.op(axis_input, *kept), node.outputs[0])]


@function_rule(Join, name="join_of_vectors_of_scalars", tags="useless local_join_make_vector")
def join_of_vectors_of_scalars(node: Apply, site: Site) -> Any:
    """join(0, [a, b], [c]) -> [a, b, c]"""
    parts = node.inputs[1:]
    if parts[0].type.ndim != 1:  # type: ignore[attr-defined]
        return None
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    elements = []
    for x in parts:
        if x.owner is None or not isinstance(x.owner.op, MakeVector):
            return None
        elements.extend(x.owner.inputs)
    return [conform(MakeVector(dtype)(*[cast_to(e, dtype) for e in elements]), node.outputs[0])]


@function_rule(Split, name="split_into_one", tags="useless local_useless_split")
def split_into_one(node: Apply, site: Site) -> Any:
    """split into one part, which is as long as x -> x"""
    if len(node.outputs) != 1:
        return None
    x, axis_input, sizes = node.inputs
    axis = static_int(axis_input)
    elements = vector_elements(sizes)
    if axis is None or elements is None or elements[0] is None:
        return None
    from_type = x.type.shape[axis]  # type: ignore[attr-defined]
    if static_int(elements[0]) is None or static_int(elements[0]) != from_type:
        return None
    return [conform(x, node.outputs[0])]


JOINING = ruleset(join_of_one, join_with_empty, join_of_vectors_of_scalars, split_into_one)
