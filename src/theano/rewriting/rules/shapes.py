"""Shapes: lengths as expressions of the inputs' lengths, reshapes, fills and allocations without effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply, Constant
from theano.rewriting.conform import conform
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.known import fails_for_values
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import arithmetic as ar
from theano.scalar import comparison as co
from theano.scalar.selection import maximum, minimum, second, switch
from theano.tensor.convert import constant
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import Rebroadcast, Reshape, Shape_i, SpecifyShape
from theano.tensor.shape import Shape as ShapeOp
from theano.tensor.subtensor import Subtensor
from theano.tensor.type import TensorType

MOST_FACTORS = 16   # of the lengths of a reshape that are looked at
LESS_OR_MORE = (co.le, co.eq, co.gt, co.neq)


@function_rule(ShapeOp, name="shape_by_axes", tags="fast_compile local_shape_to_shape_i")
def shape_by_axes(node: Apply, site: Site) -> Any:
    """shape(x) -> [length of axis 0, length of axis 1, ...]"""
    (x,) = node.inputs
    if not isinstance(x.type, TensorType):
        return None
    if x.type.ndim == 0:
        return [constant(np.zeros(0, "int64"))]
    users = site.fgraph.clients[node.outputs[0]]
    if all(user is not OUTPUT and _position_taken(user) is not None for user, _ in users):
        return None   # `element_of_vector` asks for no other lengths, which may be long expressions
    return [MakeVector("int64")(*site.shape(x))]


def _position_taken(node: Apply) -> int | None:
    """Which element node, x[i] of a vector x, takes, if that is a number."""
    if not isinstance(node.op, Subtensor) or len(node.op.idx_list) != 1:
        return None
    (index,) = node.op.get_idx(node.inputs)
    return None if isinstance(index, (tuple, slice)) else index if isinstance(index, int) else static_int(index)


@function_rule(Shape_i, name="length_by_inputs", tags="fast_compile local_track_shape_i")
def length_by_inputs(node: Apply, site: Site) -> Any:
    """length of an axis of f(x) -> expression of the lengths of x"""
    (x,) = node.inputs
    if not isinstance(x.type, TensorType):
        return None
    axis = node.op.i  # type: ignore[attr-defined]
    if x.owner is None and site.dims.source((x, axis)) in (None, (x, axis)):
        return None
    return [site.length(x, axis)]


@function_rule(Subtensor, name="element_of_vector", tags="fast_compile local_subtensor_make_vector useless")
def element_of_vector(node: Apply, site: Site) -> Any:
    """[a, b, c][1] -> b, [a, b, c][0:2] -> [a, b], shape(x)[1] -> length of axis 1"""
    x = node.inputs[0]
    if x.owner is not None and isinstance(x.owner.op, ShapeOp):
        return _length_of_shape(node, x.owner.inputs[0], site)
    if x.owner is None or not isinstance(x.owner.op, MakeVector) or len(node.op.idx_list) != 1:  # type: ignore[attr-defined]
        return None
    (index,) = node.op.get_idx(node.inputs)  # type: ignore[attr-defined]
    elements = x.owner.inputs
    if isinstance(index, tuple):
        parts = [None if part is None else part if isinstance(part, int) else static_int(part) for part in index]
        if any(part is None and given is not None for part, given in zip(parts, index)):
            return None
        chosen = elements[slice(*parts)]
        if not chosen:
            return [constant(np.zeros(0, x.type.dtype))]  # type: ignore[attr-defined]
        return [MakeVector(x.type.dtype)(*chosen)]  # type: ignore[attr-defined]
    position = index if isinstance(index, int) else static_int(index)
    if position is None or not -len(elements) <= position < len(elements):
        return None
    return [elements[position]]


def _length_of_shape(node: Apply, x: Any, site: Site) -> Any:
    position = _position_taken(node)
    if position is None or not isinstance(x.type, TensorType) or not -x.type.ndim <= position < x.type.ndim:
        return None
    return [site.length(x, position % x.type.ndim)]


@function_rule(Reshape, name="useless_reshape", tags="fast_compile useless")
def useless_reshape(node: Apply, site: Site) -> Any:
    """reshape of a vector to a vector -> it, reshape(x, shape(x)) -> x"""
    x, vector = node.inputs
    out: Any = node.outputs[0]
    if out.type.ndim != x.type.ndim:  # type: ignore[attr-defined]
        return None
    elements = vector_elements(vector)
    if elements is None:
        return None
    different = 0
    for axis, length in enumerate(elements):
        if length is None:
            different += 1
            continue
        key = value_key(length)
        if not site.dims.same_length(key, axis_key(x, axis)):
            different += 1
            if key != -1:
                return None
    if different > 1:
        return None
    return [conform(x, out)]


@function_rule(Reshape, name="reshape_of_reshape")
def reshape_of_reshape(node: Apply, site: Site) -> Any:
    """reshape(flatten(x), s) -> reshape(x, s), reshape(reshape(x, (2 * n, k)), (n, 2 * k)) -> reshape(x, (n, 2 * k)):
    where both say the same of the number of elements"""
    x, vector = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, Reshape):
        return None
    lengths = vector_elements(inner.inputs[1])
    if lengths is None or any(n is None for n in lengths):
        return None
    if len(lengths) != 1 or static_int(lengths[0]) != -1:
        stated = _factors_of_size(lengths)
        if stated is None or stated != _factors_of_size(vector_elements(vector)):
            return None
    return [conform(node.op(inner.inputs[0], vector), node.outputs[0])]


def _factors_of_size(lengths: Any) -> tuple[int, list[int], bool] | None:
    """What a reshape to these lengths says of the number of elements: (a constant factor, the identities of the other
    factors, is it a multiple of these?)."""
    if lengths is None:
        return None
    constant_factor, others, open_ended = 1, [], False
    stack = list(lengths)
    while stack:
        n = stack.pop()
        value = None if n is None else static_int(n)
        product = None if n is None else elementwise_node(n, ar.mul)
        if value == -1:
            open_ended = True
        elif value is not None:
            constant_factor *= value
        elif product is not None:
            stack.extend(product.inputs)
        else:
            others.append(id(n))
    return (constant_factor, sorted(others), open_ended) if constant_factor > 0 and len(others) < MOST_FACTORS else None


@function_rule(Reshape, name="reshape_of_dimshuffle")
def reshape_of_dimshuffle(node: Apply, site: Site) -> Any:
    """reshape(dimshuffle that adds or drops axes of length one, s) -> reshape(x, s)"""
    x, vector = node.inputs
    inner = x.owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    kept = [e for e in inner.op.new_order if e != "x"]
    if kept != sorted(kept):  # type: ignore[type-var]
        return None
    return [conform(node.op(inner.inputs[0], vector), node.outputs[0])]


@function_rule(Reshape, name="reshape_of_elementwise", tags="local_reshape_lift local_flatten_lift", sinks=[Elemwise])
def reshape_of_elementwise(node: Apply, site: Site) -> Any:
    """reshape(f(x)) -> f(reshape(x)) where another elementwise op follows, so that they are one loop"""
    x, vector = node.inputs
    out: Any = node.outputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or inner.op.scalar_op is second or site.uses(x) > 1:
        return None
    full = [v for v in inner.inputs if not all(v.type.broadcastable)]  # type: ignore[attr-defined]
    if len(full) != 1 or full[0].type.broadcastable != x.type.broadcastable or not site.may_pass(inner):  # type: ignore[attr-defined]
        return None
    if not any(isinstance(getattr(user, "op", None), Elemwise) for user, _ in site.fgraph.clients.get(out, ())):
        return None
    alone = ["x"] * out.type.ndim
    parts = [node.op(v, vector) if v is full[0] else dimshuffle(v, alone) for v in inner.inputs]
    return [conform(site.passed(inner, inner.op(*parts)), out)]


@function_rule(Reshape, name="reshape_to_dimshuffle", tags="local_reshape_to_dimshuffle")
def reshape_to_dimshuffle(node: Apply, site: Site) -> Any:
    """reshape that only adds or drops axes of length one -> dimshuffle"""
    x, vector = node.inputs
    out: Any = node.outputs[0]
    source = [axis for axis, n in enumerate(x.type.shape) if n != 1]  # type: ignore[attr-defined]
    target = [axis for axis, n in enumerate(out.type.shape) if n != 1]
    if len(source) != len(target):
        return None
    elements = vector_elements(vector)
    if elements is None:
        return None
    unknown = 0
    for a, b in zip(source, target):
        length = elements[b]
        key = None if length is None else value_key(length)
        if key is None or not site.dims.same_length(key, axis_key(x, a)):
            unknown += 1
            if key != -1:
                return None
    if unknown > 1:
        return None
    order: list[Any] = ["x"] * out.type.ndim
    for a, b in zip(source, target):
        order[b] = a
    return [conform(dimshuffle(x, order), out)]


@function_rule(SpecifyShape, name="useless_specify_shape", tags="fast_compile useless")
def useless_specify_shape(node: Apply, site: Site) -> Any:
    """specify_shape(x, s) -> x where the type of x says as much"""
    x, vector = node.inputs
    if not isinstance(x.type, TensorType):
        return None
    elements = vector_elements(vector)
    if elements is None:
        return None
    for axis, length in enumerate(elements):
        value = None if length is None else static_int(length)
        if value != -1 and (value is None or x.type.shape[axis] != value):
            return None
    return [x]


@function_rule(Rebroadcast, name="useless_rebroadcast", tags="fast_compile useless")
def useless_rebroadcast(node: Apply, site: Site) -> Any:
    """rebroadcast(x) -> x where it changes nothing"""
    (x,), (out,) = node.inputs, node.outputs
    return [x] if x.type == out.type else None


@function_rule(Alloc, name="useless_alloc", tags="fast_compile useless local_useless_alloc")
def useless_alloc(node: Apply, site: Site) -> Any:
    """alloc(x, shape of x) -> x, alloc(x, 1, 1, length of x) -> dimshuffle(x)"""
    value, out = node.inputs[0], node.outputs[0]
    flat, wanted = value.type.broadcastable, out.type.broadcastable  # type: ignore[attr-defined]
    added = len(wanted) - len(flat)
    if wanted[added:] == flat and all(wanted[:added]):
        return [dimshuffle(value, [*["x"] * added, *range(len(flat))])]
    return None


@function_rule(Alloc, name="alloc_of_alloc", tags="local_merge_alloc")
def alloc_of_alloc(node: Apply, site: Site) -> Any:
    """alloc(alloc(x, s), t) -> alloc(x, t), alloc(fill(s, x), t) -> alloc(x, t)"""
    value, *lengths = node.inputs
    inner = value.owner
    if inner is None:
        return None
    if isinstance(inner.op, Alloc):
        return [conform(Alloc()(inner.inputs[0], *lengths), node.outputs[0])]
    fill = elementwise_node(value, second)
    if fill is not None:
        return [conform(Alloc()(fill.inputs[1], *lengths), node.outputs[0])]
    return None


@function_rule(Alloc, name="alloc_of_dimshuffle", tags="local_alloc_dimshuffle")
def alloc_of_dimshuffle(node: Apply, site: Site) -> Any:
    """alloc(dimshuffle that adds axes on the left, s) -> alloc(x, s)"""
    value, *lengths = node.inputs
    inner = value.owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    order = inner.op.new_order
    source = inner.inputs[0]
    ndim = source.type.ndim  # type: ignore[attr-defined]
    if order != ("x",) * (len(order) - ndim) + tuple(range(ndim)):
        return None
    return [conform(Alloc()(source, *lengths), node.outputs[0])]


@function_rule(second, name="fill_to_alloc", tags="local_fill_to_alloc")
def fill_to_alloc(node: Apply, site: Site) -> Any:
    """fill(s, v) -> alloc(v, *shape(s)): s need not be computed"""
    s, v = node.inputs
    out: Any = node.outputs[0]
    if s.owner is None or v.type.broadcastable == out.type.broadcastable:  # type: ignore[attr-defined]
        return None
    return allocated(v, [site.length(out, axis) for axis in range(out.type.ndim)], out)


def allocated(value: Any, lengths: list[Any], out: Any) -> Any:
    """[alloc(value, lengths)], or None where a length is 1 by now and `out` does not broadcast: a fill to undo that
    would be made an alloc again."""
    result: Any = Alloc()(value, *lengths)
    return [result] if result.type.broadcastable == out.type.broadcastable else None


@function_rule(Elemwise, name="alloc_of_operand", tags="local_elemwise_alloc", needs=[Alloc])
def alloc_of_operand(node: Apply, site: Site) -> Any:
    """f(x, alloc(v, s)) -> f(x, v) where x has the shape of the result already"""
    inputs = node.inputs
    if len(inputs) < 2:
        return None
    out: Any = node.outputs[0]
    want = out.type.broadcastable
    trial = list(inputs)
    changed = False
    for position, x in enumerate(inputs):
        owner = x.owner
        if owner is None or not isinstance(owner.op, Alloc):
            continue
        value: Any = owner.inputs[0]
        missing = x.type.ndim - value.type.ndim  # type: ignore[attr-defined]
        if missing:
            value = dimshuffle(value, ["x"] * missing + list(range(value.type.ndim)))
        attempt = [*trial[:position], value, *trial[position + 1 :]]
        if all(w or any(not t.type.broadcastable[axis] for t in attempt) for axis, w in enumerate(want)):
            trial, changed = attempt, True
    return [conform(node.op(*trial), out, inputs)] if changed else None


@function_rule(Elemwise, name="elementwise_of_alloc", tags="local_alloc_unary", needs=[Alloc])
def elementwise_of_alloc(node: Apply, site: Site) -> Any:
    """f(alloc(v, s), a) -> alloc(f(v, a), s) for scalars a"""
    out: Any = node.outputs[0]
    allocs = [x for x in node.inputs if x.owner is not None and isinstance(x.owner.op, Alloc)]
    if len(allocs) != 1 or site.uses(allocs[0]) > 1 or allocs[0].type.broadcastable != out.type.broadcastable:  # type: ignore[attr-defined]
        return None
    if any(x is not allocs[0] and not all(x.type.broadcastable) for x in node.inputs):  # type: ignore[attr-defined]
        return None
    if fails_for_values(node):
        return None
    value: Any
    value, *lengths = allocs[0].owner.inputs  # type: ignore[union-attr]
    ndim = value.type.ndim
    parts = [value if x is allocs[0] else dimshuffle(x, ["x"] * ndim if ndim else []) for x in node.inputs]
    result = node.op(*parts)
    if result.type.broadcastable != value.type.broadcastable:
        return None
    return allocated(result, lengths, out)


# ---- arithmetic of lengths: they are never negative ----

@function_rule(
    co.lt, co.ge, co.gt, co.le, co.eq, co.neq, name="compare_length",
    tags="fast_compile local_useless_elemwise_comparison",
)
def compare_length(node: Apply, site: Site) -> Any:
    """n < 0 -> False, n >= 0 -> True, n == -1 -> False for a length n"""
    a, b = node.inputs
    record = node.op.scalar_op  # type: ignore[attr-defined]
    answer = None
    if node.outputs[0].type.ndim:  # type: ignore[attr-defined]
        return None
    if record in (co.eq, co.neq):
        for n, other in ((a, b), (b, a)):
            if is_length(n, site) and (static_int(other) or 0) < 0:
                answer = record is co.neq
    elif is_length(a, site) and (static := static_int(b)) is not None:
        if (record is co.lt and static <= 0) or (record is co.le and static < 0):
            answer = False
        elif (record is co.ge and static <= 0) or (record is co.gt and static < 0):
            answer = True
    elif is_length(b, site) and (static := static_int(a)) is not None:
        if (record is co.gt and static <= 0) or (record is co.ge and static < 0):
            answer = False
        elif (record is co.le and static <= 0) or (record is co.lt and static < 0):
            answer = True
    return None if answer is None else [constant(np.asarray(answer))]


@function_rule(maximum, minimum, name="maximum_of_length", tags="fast_compile")
def maximum_of_length(node: Apply, site: Site) -> Any:
    """maximum(n, 0) -> n, minimum(n, 0) -> 0 for a length n"""
    a, b = node.inputs
    out = node.outputs[0]
    for n, other in ((a, b), (b, a)):
        static = static_int(other) if out.type.ndim == 0 else None  # type: ignore[attr-defined]
        if static is None or static > 0 or not is_length(n, site):
            continue
        return [conform(n if node.op.scalar_op is maximum else other, out)]  # type: ignore[attr-defined]
    return None


@function_rule(switch, name="length_or_zero", tags="fast_compile local_useless_switch", needs=LESS_OR_MORE)
def length_or_zero(node: Apply, site: Site) -> Any:
    """switch(n <= 0, 0, n) -> n, switch(n > 0, n, 0) -> n for a length n"""
    condition, a, b = node.inputs
    compared = elementwise_node(condition, *LESS_OR_MORE)
    if compared is None or condition.type.ndim:  # type: ignore[attr-defined]
        return None
    zero_first = compared.op.scalar_op in (co.le, co.eq)  # type: ignore[attr-defined]
    zero, n = (a, b) if zero_first else (b, a)
    if static_int(zero) != 0 or compared.inputs[0] is not n or static_int(compared.inputs[1]) != 0:
        return None
    return [conform(n, node.outputs[0])] if is_length(n, site) else None


def is_length(v: Any, site: Site) -> bool:
    """Is `v` 0-d and known not to be negative, being a length or made of lengths?"""
    if v.type.ndim != 0:
        return False
    stack, seen = [v], 0
    while stack:
        w = stack.pop()
        seen += 1
        if seen > 32:
            return False
        if isinstance(w, Constant):
            if static_int(w) is None or static_int(w) < 0:  # type: ignore[operator]
                return False
            continue
        node = w.owner
        if node is None:
            return False
        if isinstance(node.op, Shape_i):
            continue
        if not isinstance(node.op, Elemwise):
            return False
        record = node.op.scalar_op
        if record in (ar.add, ar.mul, ar.int_div, minimum, maximum):
            stack.extend(node.inputs)
        elif record is switch:
            stack.extend(node.inputs[1:])
        else:
            return False
    return True


SHAPES = ruleset(
    shape_by_axes, length_by_inputs, element_of_vector, useless_reshape, reshape_of_reshape, reshape_of_dimshuffle,
    reshape_of_elementwise, reshape_to_dimshuffle, useless_specify_shape, useless_rebroadcast, useless_alloc,
    alloc_of_alloc, compare_length, maximum_of_length, length_or_zero, alloc_of_operand,
)
ALLOCATION = ruleset(fill_to_alloc, alloc_of_dimshuffle, elementwise_of_alloc)
