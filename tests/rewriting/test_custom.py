"""Rewrites that users write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import theano.tensor as T
from theano.compile import pipeline
from theano.gof.opt import (
    EquilibriumOptimizer,
    LocalOptimizer,
    OpRemove,
    OpSub,
    PatternSub,
    check_stack_trace,
    copy_stack_trace,
    in2out,
    local_optimizer,
    optimizer,
)
from theano.graph.fgraph import FunctionGraph
from theano.scalar.arithmetic import add, mul, neg
from theano.scalar.exponential import exp, log
from theano.scalar.hyperbolic import cosh, sinh, tanh
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.opt import register_canonicalize, register_specialize

A, B = T.dscalars("A", "B")


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    pipeline.unregister("sinh_to_cosh")
    pipeline.unregister("mine")


def text(v: Any) -> str:
    if v.owner is None:
        return v.name or str(v.data)
    return f"{v.owner.op.scalar_op.name}({', '.join(text(x) for x in v.owner.inputs)})"


def graph(*outputs: Any) -> FunctionGraph:
    return FunctionGraph([A, B], list(outputs))


@local_optimizer([elemwise_of(sinh)])
def sinh_to_cosh(node: Any) -> Any:
    """sinh(x) -> cosh(x)"""
    return [cosh(node.inputs[0])]


def test_registered_rules_take_part() -> None:
    register_specialize(sinh_to_cosh)
    fgraph = graph(sinh(A) + 1)
    report = pipeline.rewrite(fgraph)
    assert text(fgraph.outputs[0]) == "add(cosh(A), 1)"
    assert report.fired()["sinh_to_cosh"] == 1
    fgraph = graph(sinh(A))
    pipeline.rewrite(fgraph, pipeline.FAST_RUN.excluding("sinh_to_cosh"))
    assert text(fgraph.outputs[0]) == "sinh(A)"


def test_registered_with_tags() -> None:
    @register_canonicalize("my_tag", name="mine")
    @local_optimizer([elemwise_of(tanh)])
    def whatever(node: Any) -> Any:
        return [cosh(node.inputs[0])]

    fgraph = graph(tanh(A))
    pipeline.rewrite(fgraph, pipeline.FAST_RUN.excluding("my_tag"))
    assert text(fgraph.outputs[0]) == "tanh(A)"
    pipeline.rewrite(fgraph)
    assert text(fgraph.outputs[0]) == "cosh(A)"


def test_no_such_pass() -> None:
    with pytest.raises(ValueError, match="no pass 'nowhere'"):
        pipeline.register(pipeline.PIPELINE[0].rules[0], "nowhere")


def test_local_optimizers_on_a_graph() -> None:
    fgraph = graph(sinh(sinh(A)))
    in2out(sinh_to_cosh).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "cosh(cosh(A))"

    class ByClass(LocalOptimizer):
        def tracks(self) -> Any:
            return [Elemwise]

        def transform(self, node: Any) -> Any:
            return {node.outputs[0]: exp(node.inputs[0]), "remove": []} if node.op.scalar_op is cosh else False

    EquilibriumOptimizer([ByClass(), sinh_to_cosh]).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "exp(exp(A))"


def test_op_sub_and_op_remove() -> None:
    fgraph = graph(sinh(neg(A)))
    in2out(OpSub(elemwise_of(sinh), elemwise_of(tanh))).optimize(fgraph)
    in2out(OpRemove(elemwise_of(neg))).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "tanh(A)"


def test_pattern_sub() -> None:
    plus, times = elemwise_of(add), elemwise_of(mul)
    swap = PatternSub((times, "x", (plus, "x", 1)), (plus, (times, "x", "x"), "x"))
    fgraph = graph(A * (A + 1))
    in2out(swap).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "add(mul(A, A), A)"
    fgraph = graph(A * (B + 1))
    in2out(swap).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "mul(A, add(B, 1))"
    inner = A + 1
    fgraph = graph(A * inner, inner)
    in2out(swap).optimize(fgraph)
    assert text(fgraph.outputs[0]) == "mul(A, add(A, 1))", "the inner sum is used elsewhere"
    constrained = PatternSub(
        (elemwise_of(log), {"pattern": "x", "constraint": lambda v: v.name == "A"}), (elemwise_of(exp), "x"))
    fgraph = graph(log(A), log(B))
    in2out(constrained).optimize(fgraph)
    assert [text(v) for v in fgraph.outputs] == ["exp(A)", "log(B)"]


def test_optimizers_of_graphs() -> None:
    @optimizer
    def rename(fgraph: FunctionGraph) -> None:
        fgraph.outputs[0].name = "renamed"

    fgraph = graph(sinh(A))
    rename.optimize(fgraph)
    assert fgraph.outputs[0].name == "renamed"


def test_stack_traces() -> None:
    out = sinh(A)
    new = copy_stack_trace(out, cosh(A))
    assert new.owner.origin is out.owner.origin
    assert check_stack_trace(graph(out), "all")
