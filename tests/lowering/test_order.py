"""The order of steps lets memory go soon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from programs import check, program_of

import theano
import theano.tensor as T
from theano.lowering.program import ViewStep

WIDTH, BATCH = 16, 4000
LAYER = 8 * WIDTH * BATCH


def network(layers: int) -> tuple[list[Any], list[Any]]:
    x, *weights = T.dmatrices("x", *[f"w{n}" for n in range(layers)])
    value = x
    for w in weights:
        value = T.tanh(T.dot(value, w))
    return [x, *weights], theano.grad(T.sqr(value).mean(), weights)


@pytest.mark.parametrize("layers", [1, 2, 3, 8])
def test_gradients_of_weights_are_computed_when_what_they_need_is_there(layers: int) -> None:
    inputs, gradients = network(layers)
    f = theano.function(inputs, gradients)
    shapes = [(BATCH, WIDTH)] + [(WIDTH, WIDTH)] * layers
    plan = f.memory_plan(*shapes)
    assert plan.temporaries <= LAYER * (layers + 1)
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape) / 4 for shape in shapes]
    for found, expected in zip(f(*values), theano.function(inputs, gradients, mode="reference")(*values)):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_a_sum_is_taken_before_the_next_large_array_is_made() -> None:
    matrices = T.dmatrices("abcde")
    products = [T.dot(x, x) for x in matrices]
    sums = [T.sqr(T.cumsum(p, axis=0)).sum() for p in reversed(products)]
    plan = theano.function(matrices, [*sums, *[p.max() for p in products]]).memory_plan(*[(300, 300)] * 5)
    assert plan.temporaries <= 3 * 8 * 300 * 300


def test_a_view_is_made_right_before_what_needs_it() -> None:
    x, y = T.dmatrices("x", "y")
    turned = x.T
    program = check([x, y], [T.dot(T.dot(y, y), turned), T.dot(T.exp(y), turned)], [np.eye(3), np.ones((3, 3))])
    (place,) = (n for n, step in enumerate(program.steps) if isinstance(step, ViewStep))
    assert program.steps[place].outputs[0] in program.steps[place + 1].inputs


def test_a_chain_of_views_is_no_depth() -> None:
    x = T.dvector("x")
    value = x
    for _ in range(3000):
        value = value[::-1]
    program = program_of([x], [value + 1])
    assert sum(isinstance(step, ViewStep) for step in program.steps) == 3000
