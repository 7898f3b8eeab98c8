"""Remove nodes that do nothing: copies, fills, casts, dimshuffles, reshapes and joins without effect."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, shape_template
from theano.rewriting.known import fails_for_values, is_constant, number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar import complex_numbers as cn
from theano.scalar import rounding as ro
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, float_dtypes
from theano.scalar.selection import cast_to as cast_record
from theano.scalar.selection import identity, maximum, minimum, second
from theano.tensor.checks import Assert
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.transforms.gradient_ops import (
    ConsiderConstant,
    DisconnectedGrad,
    GradClip,
    GradScale,
    UndefinedGrad,
    ZeroGrad,
)

CASTS = tuple(cast_record(d) for d in (*discrete_dtypes, *float_dtypes, *complex_dtypes))


def elementwise_node(v: Any, *records: Any) -> Apply | None:
    """The node of `v` if it is one of these elementwise ops."""
    node = v.owner
    if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op in records:
        return node
    return None


@function_rule(identity, name="identity", tags="fast_compile useless")
def drop_identity(node: Apply, site: Site) -> Any:
    """identity(x) -> x"""
    return [node.inputs[0]]


@function_rule(
    ConsiderConstant, DisconnectedGrad, GradClip, GradScale, UndefinedGrad, ZeroGrad,
    name="gradient_marker", tags="fast_compile useless",
)
def drop_gradient_marker(node: Apply, site: Site) -> Any:
    """zero_grad(x), grad_clip(x, ...), ... -> x: they matter to differentiation only"""
    return [node.inputs[0]]


@function_rule(ar.add, ar.mul, name="single_term", tags="fast_compile useless")
def single_term(node: Apply, site: Site) -> Any:
    """add(x) -> x, mul(x) -> x"""
    return [node.inputs[0]] if len(node.inputs) == 1 else None


@function_rule(maximum, minimum, name="idempotent", tags="useless")
def idempotent(node: Apply, site: Site) -> Any:
    """maximum(x, x) -> x, minimum(x, x) -> x"""
    a, b = node.inputs
    return [a] if a is b else None


@function_rule(*CASTS, name="useless_cast", tags="fast_compile useless")
def useless_cast(node: Apply, site: Site) -> Any:
    """cast(x, dtype of x) -> x; cast(cast(x, a), b) -> cast(x, b) where a holds every value of x"""
    (x,), (out,) = node.inputs, node.outputs
    if x.type.dtype == out.type.dtype:  # type: ignore[attr-defined]
        return [x]
    inner = elementwise_node(x, *CASTS)
    if inner is not None:
        source: Any = inner.inputs[0]
        if source.type.dtype == out.type.dtype and holds(source.type.dtype, x.type.dtype):  # type: ignore[attr-defined]
            return [source]
        if holds(source.type.dtype, x.type.dtype):  # type: ignore[attr-defined]
            return [cast_to(source, out.type.dtype)]  # type: ignore[attr-defined]
    return None


_BITS = {"float16": 11, "float32": 24, "float64": 53}


def holds(narrow: str, wide: str) -> bool:
    """Has every value of dtype `narrow` the same value in dtype `wide`, and in all casts from there?"""
    if narrow == wide or narrow == "bool":
        return True
    if narrow in complex_dtypes or wide in complex_dtypes or wide == "bool":
        return False
    if wide in float_dtypes:
        if narrow in float_dtypes:
            return _BITS[narrow] <= _BITS[wide]
        return int(narrow.lstrip("uint")) <= _BITS[wide]
    if narrow in float_dtypes:
        return False
    a, b = int(narrow.lstrip("uint")), int(wide.lstrip("uint"))
    if narrow.startswith("u"):
        return a <= b if wide.startswith("u") else a < b
    return not wide.startswith("u") and a <= b


@function_rule(DimShuffle, name="useless_dimshuffle", tags="fast_compile useless")
def useless_dimshuffle(node: Apply, site: Site) -> Any:
    """dimshuffle(x, 0, 1, ...) -> x; dimshuffle(dimshuffle(x, a), b) -> dimshuffle(x, c)"""
    (x,), op = node.inputs, node.op
    order = op.new_order  # type: ignore[attr-defined]
    if order == tuple(range(x.type.ndim)):  # type: ignore[attr-defined]
        return [x]
    inner = x.owner
    if inner is not None and isinstance(inner.op, DimShuffle):
        first = inner.op.new_order
        source = inner.inputs[0]
        merged = tuple("x" if e == "x" else first[e] for e in order)
        if merged == tuple(range(source.type.ndim)):  # type: ignore[attr-defined]
            return [source]
        return [DimShuffle(source.type.broadcastable, merged)(source)]  # type: ignore[attr-defined]
    return None


@function_rule(second, name="useless_fill", tags="fast_compile useless")
def useless_fill(node: Apply, site: Site) -> Any:
    """fill(s, v) -> v where v has the shape already; fill(f(s), v) -> fill(s, v)"""
    s, v = node.inputs
    out = node.outputs[0]
    if v.type.broadcastable == out.type.broadcastable:  # type: ignore[attr-defined]
        return [v]
    inner = elementwise_node(s, second)
    if inner is None and is_constant(s):
        return None
    template = shape_template(s)
    if template is not s:
        return [elemwise_of(second)(template, v)]
    return None


@function_rule(Elemwise, name="fill_of_operand", tags="fast_compile", needs=[second])
def fill_of_operand(node: Apply, site: Site) -> Any:
    """f(x, fill(s, v)) -> f(x, v) where x has the shape of the result already"""
    inputs = node.inputs
    if len(inputs) < 2 or (node.op.scalar_op is second and len(inputs) == 2 and _plain_fill(inputs)):  # type: ignore[attr-defined]
        return None
    replaced = None
    want = node.outputs[0].type.broadcastable  # type: ignore[attr-defined]
    for position, x in enumerate(inputs):
        inner = elementwise_node(x, second)
        if inner is None:
            continue
        value: Any = inner.inputs[1]
        if value.type.dtype != x.type.dtype:  # type: ignore[attr-defined]
            continue
        trial: list[Any] = list(inputs if replaced is None else replaced)
        trial[position] = value
        covered = all(w or any(not t.type.broadcastable[axis] for t in trial) for axis, w in enumerate(want))
        if covered:
            replaced = trial
    if replaced is None:
        return None
    return [conform(node.op(*replaced), node.outputs[0], inputs)]


def _plain_fill(inputs: Any) -> bool:
    return elementwise_node(inputs[1], second) is None and elementwise_node(inputs[0], second) is None


@function_rule(Elemwise, name="fill_sink", tags="")
def fill_sink(node: Apply, site: Site) -> Any:
    """f(fill(s, v), w) -> fill(s, f(v, w))"""
    if node.op.scalar_op is second or fails_for_values(node):  # type: ignore[attr-defined]
        return None
    inputs = node.inputs
    templates, changed = [], list(inputs)
    for position, x in enumerate(inputs):
        inner = elementwise_node(x, second)
        if inner is None:
            if x.type.broadcastable == node.outputs[0].type.broadcastable:  # type: ignore[attr-defined]
                return None
            continue
        templates.append(inner.inputs[0])
        changed[position] = inner.inputs[1]
    if not templates:
        return None
    result = conform(node.op(*changed), node.outputs[0], templates)
    return None if result is None else [result]


@function_rule(cn.conj, cn.real, name="real_of_real", tags="useless")
def real_of_real(node: Apply, site: Site) -> Any:
    """conj(x) -> x, real(x) -> x for real x"""
    (x,) = node.inputs
    return [x] if x.type.dtype == node.outputs[0].type.dtype and x.type.dtype not in complex_dtypes else None  # type: ignore[attr-defined]


@function_rule(ar.abs_, ar.sgn, name="projection", tags="useless")
def projection(node: Apply, site: Site) -> Any:
    """abs(abs(x)) -> abs(x), sgn(sgn(x)) -> sgn(x)"""
    (x,) = node.inputs
    return [x] if elementwise_node(x, node.op.scalar_op) is not None and x.type == node.outputs[0].type else None  # type: ignore[attr-defined]


@function_rule(
    ro.ceil, ro.floor, ro.trunc, ro.round_half_to_even, ro.round_half_away_from_zero, name="rounding_of_whole",
    tags="useless",
)
def rounding_of_whole(node: Apply, site: Site) -> Any:
    """floor(ceil(x)) -> ceil(x), and every other rounding of a rounded value"""
    (x,) = node.inputs
    inner = elementwise_node(
        x, ro.ceil, ro.floor, ro.trunc, ro.round_half_to_even, ro.round_half_away_from_zero)
    return [x] if inner is not None and x.type == node.outputs[0].type else None


@function_rule(Assert, name="true_assertion", tags="fast_compile useless")
def true_assertion(node: Apply, site: Site) -> Any:
    """assert(x, True, c) -> assert(x, c); assert(x) -> x"""
    x, *conditions = node.inputs
    open_ones = [c for c in conditions if not number(c)]
    if len(open_ones) == len(conditions):
        return None
    return [node.op(x, *open_ones)] if open_ones else [x]


USELESS = ruleset(
    true_assertion, drop_identity, drop_gradient_marker, single_term, idempotent, useless_cast, useless_dimshuffle,
    useless_fill, fill_of_operand, real_of_real, projection, rounding_of_whole,
)
