"""Rewrites between the original's ops for cross-entropies (`tensor/nnet/one_hot_losses.py`) and plain mathematics.

The pipeline only writes those ops out (`written_out`); fusing is done later, by the rules for softmax. The opposite
directions are for users who ask for them by name, such as `theano.tensor.nnet.softmax_simplifier`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.custom import LocalOptimizer, optimizer
from theano.rewriting.rule import Site, function_rule
from theano.rewriting.rules.softmax import kept_reduction
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.dtypes import float_dtypes
from theano.scalar.exponential import exp
from theano.tensor.careduce import Sum, reduced_axes
from theano.tensor.creation import zeros
from theano.tensor.nnet.one_hot_losses import (
    CrossentropyCategorical1Hot,
    CrossentropySoftmaxArgmax1HotWithBias,
    NamedMathematics,
    SoftmaxWithBias,
    crossentropy_softmax_argmax_1hot_with_bias,
)
from theano.tensor.nnet.softmax import Softmax
from theano.tensor.shape import shape_i


@function_rule(NamedMathematics, name="written_out", tags="fast_compile useless")
def written_out(node: Apply, site: Site) -> Any:
    """softmax_with_bias(x, b) -> softmax(x + b), and so on: an op that is a name for mathematics -> that"""
    new = node.op.expand(node.inputs)  # type: ignore[attr-defined]
    # only what somebody uses
    used = {out: conform(v, out) for out, v in zip(node.outputs, new) if site.uses(out)}
    return None if any(v is None for v in used.values()) else used


@optimizer
def crossentropy_to_crossentropy_with_softmax_with_bias(fgraph: FunctionGraph) -> None:
    """crossentropy_categorical_1hot(softmax_with_bias(x, b), y)
    -> crossentropy_softmax_argmax_1hot_with_bias(x, b, y)"""
    for node in fgraph.toposort():
        if node in fgraph.apply_nodes and isinstance(node.op, CrossentropyCategorical1Hot):
            p, classes = node.inputs
            if p.owner is not None and isinstance(p.owner.op, SoftmaxWithBias):
                x, b = p.owner.inputs
                _fuse(fgraph, node, x, b, classes)


@optimizer
def crossentropy_to_crossentropy_with_softmax(fgraph: FunctionGraph) -> None:
    """crossentropy_categorical_1hot(softmax(x), y) -> crossentropy_softmax_argmax_1hot_with_bias(x, 0, y), and what
    crossentropy_to_crossentropy_with_softmax_with_bias does"""
    crossentropy_to_crossentropy_with_softmax_with_bias.apply(fgraph)
    for node in fgraph.toposort():
        if node in fgraph.apply_nodes and isinstance(node.op, CrossentropyCategorical1Hot):
            p, classes = node.inputs
            if p.owner is None or not isinstance(p.owner.op, Softmax):
                continue
            x: Any = p.owner.inputs[0]
            if x.type.ndim == 2 and reduced_axes(p.owner.op.axis, 2) == (1,):
                _fuse(fgraph, node, x, zeros((shape_i(x, 1),), x.type.dtype), classes)


def _fuse(fgraph: FunctionGraph, node: Apply, x: Any, b: Any, classes: Any) -> None:
    """Let the fused op compute this cross-entropy, and the softmax that it is of."""
    nll, p, _ = crossentropy_softmax_argmax_1hot_with_bias(x, b, classes)
    old = (node.outputs[0], node.inputs[0])
    new: list[Any] = [conform(c, a) for a, c in zip(old, (nll, p))]
    if all(v is not None for v in new):
        fgraph.replace_all(list(zip(old, new)), "crossentropy_to_crossentropy_with_softmax")


class MergeSoftmax(LocalOptimizer):
    """softmax_with_bias(x, b) -> the softmax that crossentropy_softmax_argmax_1hot_with_bias(x, b, y) computes besides,
    where that is in the graph"""

    name = "graph_merge_softmax_with_crossentropy_softmax"

    def tracks(self) -> list[Any]:
        return [SoftmaxWithBias]

    def at(self, node: Apply, site: Site) -> Any:
        x, b = node.inputs
        for user, position in site.fgraph.get_clients(x):
            fused = user is not OUTPUT and isinstance(user.op, CrossentropySoftmaxArgmax1HotWithBias)
            if fused and position == 0 and user.inputs[1] is b:
                return [conform(user.outputs[1], node.outputs[0])]
        return False


graph_merge_softmax_with_crossentropy_softmax = MergeSoftmax()


def softmax_simplifier(numerators: Sequence[Any], denominators: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """exp(x) over sum(exp(x), axis, keepdims) -> softmax(x), in the factors of a fraction.

    Returns the remaining (numerators, denominators); both are new lists.
    """
    above, below = list(numerators), list(denominators)
    for top in numerators:
        node = elementwise_node(top, exp)
        if node is None or top.type.dtype not in float_dtypes or node.inputs[0].type != top.type:
            continue
        for bottom in below:
            found = kept_reduction(bottom, Sum, top.type.ndim)
            if found is not None and found[0] is top and bottom.type.dtype == top.type.dtype:
                above[above.index(top)] = Softmax(found[1])(node.inputs[0])
                below.remove(bottom)
                break
    return above, below
