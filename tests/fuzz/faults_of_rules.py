"""Planted wrong rewrite rules: identities which do not hold, or which forget a condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import theano.tensor as T
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport, apply_rules
from theano.rewriting.pattern import rule, wild
from theano.rewriting.rule import Rule, Site, function_rule
from theano.scalar.arithmetic import sqr, sqrt, sub
from theano.scalar.exponential import exp, expm1
from theano.scalar.hyperbolic import tanh
from theano.scalar.selection import maximum
from theano.tensor.basic_indexing import IncSubtensor
from theano.tensor.careduce import Sum
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.joining import Join
from theano.tensor.shape import Reshape

x, y = wild("x y")


def alike(out: Any, new: Any) -> list[Any] | None:
    """The new value, where nothing but the value gives it away."""
    return [new] if new.type == out.type else None


@function_rule(Sum)
def sum_over_another_axis(node: Apply, site: Site) -> Any:
    """sum(x, axis=0) -> sum(x, axis=1)"""
    (matrix,) = node.inputs
    if node.op.axis != (0,) or matrix.type.ndim != 2:  # type: ignore[attr-defined]
        return None
    return alike(node.outputs[0], T.sum(matrix, axis=1, dtype=node.op.dtype))  # type: ignore[attr-defined]


@function_rule(DimShuffle)
def transpose_forgotten(node: Apply, site: Site) -> Any:
    """x.T -> x"""
    return alike(node.outputs[0], node.inputs[0]) if node.op.new_order == (1, 0) else None  # type: ignore[attr-defined]


@function_rule(Join)
def joined_in_reverse(node: Apply, site: Site) -> Any:
    """join(axis, a, b) -> join(axis, b, a)"""
    axis, *parts = node.inputs
    return alike(node.outputs[0], T.join(int(axis.data), *parts[::-1])) if len(set(parts)) > 1 else None  # type: ignore


@function_rule(IncSubtensor)
def set_taken_for_increment(node: Apply, site: Site) -> Any:
    """set_subtensor(x[i], y) -> inc_subtensor(x[i], y)"""
    op: Any = node.op
    if not op.set_instead_of_inc:
        return None
    return [IncSubtensor(op.idx_list, set_instead_of_inc=False)(*node.inputs)]


@function_rule(Reshape)
def rows_for_columns(node: Apply, site: Site) -> Any:
    """reshape(x, s) -> reshape(x.T, s)"""
    array, shape = node.inputs
    if array.type.ndim != 2 or (array.owner is not None and isinstance(array.owner.op, DimShuffle)):  # type: ignore
        return None
    return alike(node.outputs[0], node.op(array.T, shape))  # type: ignore[attr-defined]


FAULTS = {
    each.name: each
    for each in (
        rule("difference_commutes", sub(x, y), sub(y, x)),
        rule("maximum_is_first", maximum(x, y), x),
        rule("root_without_domain", sqrt(sqr(x)), x),
        rule("expm1_is_exp", expm1(x), exp(x)),
        rule("tanh_is_linear", tanh(x), x),
        sum_over_another_axis, transpose_forgotten, joined_in_reverse, set_taken_for_increment, rows_for_columns,
    )
}


def apply_once(fgraph: FunctionGraph, wrong: Rule) -> bool:
    """Apply a rule at the first place where it applies; False if there is none."""
    fired = []

    def apply(node: Apply, site: Site) -> Any:
        found = None if fired else wrong.apply(node, site)
        if found is not None:
            fired.append(node)
        return found

    dims = Dims(dict(SPEAKERS))
    fgraph.attach_feature(dims)
    apply_rules(fgraph, [replace(wrong, apply=apply)], Site(fgraph, dims), PassReport(wrong.name))
    fgraph.remove_feature(dims)
    return bool(fired)
