"""What becomes of conditionals before they are compiled: `loops/conditionals.py`, step by step and in functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import toposort
from theano.ifelse import IfElse, ifelse
from theano.loops.branches import Branches
from theano.loops.conditionals import simplify

C, X, Y = tt.lscalar("c"), tt.dvector("x"), tt.dvector("y")
VALUES = {X: np.array([1.0, -2.0, 3.0]), Y: np.array([0.5, 4.0, -1.0])}


def simplified(*outputs: Any) -> list[Any]:
    """The outputs of the simplified graph; it computes what the first one did, whatever the condition is."""
    graph = FunctionGraph([C, X, Y], list(outputs), clone=True)
    simplify(graph)
    graph.check_integrity()
    for condition in (0, 1):
        before = evaluate(list(outputs), {C: np.asarray(condition), **VALUES})
        after = evaluate(graph.outputs, dict(zip(graph.inputs, [np.asarray(condition), VALUES[X], VALUES[Y]])))
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)
    return graph.outputs


def conditionals(outputs: list[Any]) -> list[Any]:
    return [node for node in toposort(outputs) if isinstance(node.op, IfElse)]


def test_condition_known_from_outside() -> None:
    inner = ifelse(C, tt.exp(X), tt.sin(X))
    (out,) = simplified(ifelse(C, inner + 1, ifelse(C, Y, ifelse(C, X, X * Y))))
    found = conditionals([out])
    assert len(found) == 1   # also the one in inner + 1
    assert not any(v.owner is not None and isinstance(v.owner.op, IfElse) for v in found[0].inputs[1].owner.inputs)
    assert found[-1].inputs[2].owner.op.scalar_op.name == "mul"


def test_equal_and_constant() -> None:
    assert not conditionals(simplified(ifelse(C, X * 2, X * 2)))
    assert not conditionals(simplified(ifelse(tt.constant(1), X, Y), ifelse(tt.constant(0.0), X, Y)))


def test_merged() -> None:
    found = conditionals(simplified(ifelse(C, X, Y), ifelse(C, tt.exp(X), Y * 2), ifelse(C, X, Y) + 1))
    assert len(found) == 1 and found[0].op.n_outs == 2


def test_unread_results_go() -> None:
    one, _, three = ifelse(C, [X, X + 1, X * 2], [Y, Y + 1, Y * 2])
    (node,) = conditionals(simplified(one + three))
    assert node.op.n_outs == 2


def test_what_needs_another_conditional_stays_apart() -> None:
    first = ifelse(C, X, Y)
    found = conditionals(simplified(ifelse(C, first.sum(), first.prod()), ifelse(C, X * 2, Y)))
    assert 1 <= len(found) <= 3


@pytest.mark.parametrize("build", [
    lambda v: tt.exp(v), lambda v: v.dimshuffle("x", 0), lambda v: v.sum(), lambda v: v * 2 + 1,
    lambda v: v.reshape((3, 1)), lambda v: tt.sqrt(abs(v)).max(),
])
def test_lifted_where_a_branch_is_constant(build: Any) -> None:
    for pair in ((X, tt.constant(np.array([1.0, 2.0, 3.0]))), (tt.alloc(np.float64(2), X.shape[0]), Y)):
        (out,) = simplified(build(ifelse(C, *pair)))
        assert isinstance(out.owner.op, IfElse)


def test_not_lifted_where_it_would_be_computed_twice() -> None:
    value = ifelse(C, X, tt.alloc(np.float64(0), X.shape[0]))
    outputs = simplified(tt.exp(value), tt.sin(value))
    assert [out.owner.op.scalar_op.name for out in outputs] == ["exp", "sin"]


def test_function_has_one_conditional() -> None:
    f = theano.function([C, X, Y], [ifelse(C, X, Y), ifelse(C, ifelse(C, X * 2, Y), X - Y)])
    assert sum(isinstance(n.op, Branches) for n in f.maker.fgraph.toposort()) == 1
    np.testing.assert_array_equal(f(1, VALUES[X], VALUES[Y])[1], VALUES[X] * 2)
    np.testing.assert_array_equal(f(0, VALUES[X], VALUES[Y])[1], VALUES[X] - VALUES[Y])
