"""Comparisons, logic and switches."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.known import number
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import comparison as co
from theano.scalar import logic as lo
from theano.scalar.dtypes import discrete_dtypes
from theano.scalar.selection import second, switch
from theano.tensor.elemwise import Elemwise


@function_rule(switch, name="useless_switch", tags="fast_compile useless local_useless_switch")
def useless_switch(node: Apply, site: Site) -> Any:
    """switch(True, a, b) -> a, switch(False, a, b) -> b, switch(c, a, a) -> a"""
    condition, a, b = node.inputs
    chosen = a if a is b else None
    if chosen is None:
        value = number(condition)
        if value is None or value != value:
            return None
        chosen = a if value else b
    result = conform(chosen, node.outputs[0])
    return None if result is None else [result]


@function_rule(
    co.lt, co.gt, co.le, co.ge, co.eq, co.neq, name="compare_with_itself",
    tags="fast_compile useless local_useless_elemwise_comparison",
)
def compare_with_itself(node: Apply, site: Site) -> Any:
    """x < x -> False; x <= x -> True, x == x -> True for integers"""
    a, b = node.inputs
    if a is not b:
        return None
    record = node.op.scalar_op  # type: ignore[attr-defined]
    discrete = a.type.dtype in discrete_dtypes  # type: ignore[attr-defined]
    if record in (co.lt, co.gt) or (record is co.neq and discrete):
        answer = False
    elif discrete:
        answer = True
    else:
        return None  # NaN
    result = conform(np.asarray(answer), node.outputs[0])
    return None if result is None else [result]


@function_rule(lo.and_, lo.or_, lo.xor, name="useless_logic", tags="fast_compile useless local_useless_elemwise")
def useless_logic(node: Apply, site: Site) -> Any:
    """x & 0 -> 0, x | 0 -> x, x ^ 0 -> x, x & True -> x, x | True -> True, x & x -> x, x ^ x -> 0"""
    a, b = node.inputs
    record = node.op.scalar_op  # type: ignore[attr-defined]
    out: Any = node.outputs[0]
    result: Any = None
    if a is b:
        result = np.zeros((), out.type.dtype) if record is lo.xor else a
    for x, other in ((a, b), (b, a)):
        value = number(other)
        if value is None:
            continue
        if value == 0:
            result = np.zeros((), out.type.dtype) if record is lo.and_ else x
        elif out.type.dtype == "bool" and value is True:
            result = x if record is lo.and_ else np.ones((), "bool") if record is lo.or_ else None
    if result is None:
        return None
    result = conform(result, out)
    return None if result is None else [result]


@function_rule(lo.invert, name="double_invert", tags="useless")
def double_invert(node: Apply, site: Site) -> Any:
    """~~x -> x"""
    inner = elementwise_node(node.inputs[0], lo.invert)
    return None if inner is None else [inner.inputs[0]]


@function_rule(Elemwise, name="switches_on_one_condition", tags="local_merge_switch_same_cond", needs=[switch])
def switches_on_one_condition(node: Apply, site: Site) -> Any:
    """f(switch(c, a, b), switch(c, x, y)) -> switch(c, f(a, x), f(b, y))"""
    if len(node.inputs) < 2 or node.op.scalar_op in (switch, second):  # type: ignore[attr-defined]
        return None
    found = [elementwise_node(x, switch) for x in node.inputs]
    if any(f is None for f in found) or any(site.uses(x) > 1 for x in node.inputs):
        return None
    nodes: list[Apply] = found  # type: ignore[assignment]
    condition = nodes[0].inputs[0]
    if any(f.inputs[0] is not condition for f in nodes):
        return None
    yes = node.op(*[f.inputs[1] for f in nodes])
    no = node.op(*[f.inputs[2] for f in nodes])
    result = conform(switch(condition, yes, no), node.outputs[0])
    return None if result is None else [result]


@function_rule(switch, name="switch_of_switch", needs=[switch])
def switch_of_switch(node: Apply, site: Site) -> Any:
    """switch(c, switch(c, a, b), d) -> switch(c, a, d), switch(c, a, switch(c, b, d)) -> switch(c, a, d)"""
    condition, a, b = node.inputs
    changed = False
    for place, v in ((1, a), (2, b)):
        inner = elementwise_node(v, switch)
        if inner is not None and inner.inputs[0] is condition:
            if place == 1:
                a = inner.inputs[1]
            else:
                b = inner.inputs[2]
            changed = True
    if not changed:
        return None
    result = conform(switch(condition, a, b), node.outputs[0])
    return None if result is None else [result]


SELECTION = ruleset(
    useless_switch, compare_with_itself, useless_logic, double_invert, switch_of_switch, switches_on_one_condition,
)
