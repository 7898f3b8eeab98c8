"""Sums and products of which parts are used elsewhere too: never more operations than before, and the same values.

A part stays where others use it, and so does all that it is made of: taking it apart saves less than it seems. The
values are small whole numbers, in products powers of two: nothing is rounded, so nothing may differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_declared import RULES, apply

import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.known import number
from theano.rewriting.rules.algebra import multiplications
from theano.scalar.exponential import pow
from theano.tensor.type import TensorType

OPS: dict[str, list[Callable[[Any, Any], Any]]] = {
    "sums": [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: -a, lambda a, b: a * 3, lambda a, b: 2 - a],
    "products": [lambda a, b: a * b, lambda a, b: a / b, lambda a, b: -a, lambda a, b: T.inv(a), lambda a, b: 2 * a,
                 lambda a, b: T.sqr(a)],
    "whole products": [lambda a, b: a * b, lambda a, b: -a, lambda a, b: 3 * a, lambda a, b: T.sqr(a)],
}
KINDS = [
    ("sums", "like_terms", "float64"), ("sums", "like_terms", "float32"), ("sums", "like_terms", "int64"),
    ("sums", "like_terms", "uint8"), ("sums", "like_terms", "complex128"), ("products", "like_factors", "float64"),
    ("products", "like_factors", "float32"), ("whole products", "like_factors", "int64"),
    ("whole products", "like_factors", "int16"),
]  # fmt: skip


def random_graph(seed: int, kind: str, dtype: str) -> FunctionGraph:
    """Seven operations at the most, on results of some of which most follow; three results are outputs."""
    choose = random.Random(seed)
    inputs = [TensorType(dtype, (None,))(name) for name in "xyz"]
    values: list[Any] = list(inputs)
    for _ in range(choose.randint(3, 7)):
        op = choose.choice(OPS[kind])
        values.append(op(choose.choice(values[-4:]), choose.choice(values)).astype(dtype))
    return FunctionGraph(inputs, values[-3:])


def operations(fgraph: FunctionGraph) -> int:
    """How many, on two values (or one), depend on the arguments."""
    depend: set[Any] = set(fgraph.inputs)
    count = 0
    for node in fgraph.toposort():
        if not depend.isdisjoint(node.inputs):
            depend.update(node.outputs)
            count += max(len(node.inputs) - 1, 1)
            if getattr(node.op, "scalar_op", None) is pow:
                count += multiplications(abs(int(number(node.inputs[1])))) - 1
    return count


@pytest.mark.parametrize(("kind", "rule", "dtype"), KINDS)
def test_shared_parts(kind: str, rule: str, dtype: str) -> None:
    numbers = [1, 2, -2, -1, 4] if kind == "products" else [1, -3, 2, 5, 0]
    samples = [np.roll(np.asarray(numbers).astype(dtype), k) for k in range(3)]
    fewer = 0
    for seed in range(400):
        fgraph = random_graph(seed, kind, dtype)
        before, count = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, samples))), operations(fgraph)
        if apply(RULES[rule], fgraph):
            assert operations(fgraph) <= count, seed
            fewer += operations(fgraph) < count
            after = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, samples)))
            for old, new in zip(before, after):
                np.testing.assert_array_equal(new, old, err_msg=str(seed))
    assert fewer > 40


def test_what_cancels_as_a_whole_is_not_taken_apart() -> None:
    x, y, z, w = T.dvectors("xyzw")
    shared = x * y / z
    fgraph = FunctionGraph([x, y, z, w], [shared * w / shared, shared])
    assert apply(RULES["like_factors"], fgraph)
    assert fgraph.outputs[0] is fgraph.inputs[3]
    shared = x + y - z
    fgraph = FunctionGraph([x, y, z, w], [shared + w - shared, shared])
    assert apply(RULES["like_terms"], fgraph)
    assert fgraph.outputs[0] is fgraph.inputs[3]


def test_what_has_a_part_that_cancels_is_taken_apart_first() -> None:
    """Eight parts of what others use are looked at; here there are twelve, and x is in the last."""
    x, *others = T.dvectors(13)
    shared = [a * b for a, b in zip(others[:10:2], others[1:10:2])]
    last = x * others[-1]
    out = shared[0] * shared[1] * shared[2] * shared[3] * shared[4] * last / x
    fgraph = FunctionGraph([x, *others], [out, *shared, last])
    assert apply(RULES["like_factors"], fgraph)
    assert fgraph.inputs[0] not in fgraph.outputs[0].owner.inputs
    total = sum(shared[1:], shared[0])
    last = x + others[-1]
    fgraph = FunctionGraph([x, *others], [total + last - x, *shared, last])
    assert apply(RULES["like_terms"], fgraph)
    assert fgraph.inputs[0] not in fgraph.outputs[0].owner.inputs


def test_factors_of_a_shared_sum_are_left() -> None:
    x, y, z = T.dvectors("xyz")
    shared = 4 * x - 2 * y
    fgraph = FunctionGraph([x, y, z], [shared + shared + 4 * z, shared])
    assert not apply(RULES["common_factor"], fgraph)
    fgraph = FunctionGraph([x, y, z], [4 * x - 2 * y + 4 * z])
    assert apply(RULES["common_factor"], fgraph)
