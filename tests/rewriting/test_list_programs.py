"""The list of optimisations, row by row: fusion, and what is computed in place. See `optimised_rows.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optimised_rows import VALUES, A, B, C, Row, a, check_values, compiled, k, t, x, y, z

import theano
import theano.tensor as T


def what_runs(function: Any) -> list[str]:
    """The steps of a function's program but for views, arguments and stored values: kernels, routines."""
    lines = str(function.explain().program).splitlines()
    steps = [line.split(" = ")[1] for line in lines if line.startswith("  b") and " = " in line]
    return [step for step in steps if not step.startswith(("argument", "view", "constant", "storage"))]


FUSED = [
    ("a chain with single clients", lambda: T.exp(x) * 2 + T.tanh(y), ["kernel"]),
    ("a sum of sums, a product of products", lambda: (x + y) + (z + x * y * z), ["kernel"]),
    ("several outputs of one loop", lambda: [T.exp(x) + y, T.exp(x) * z, T.exp(x)], ["kernel"]),
    ("broadcast operands", lambda: T.exp(A + x) * a - x.dimshuffle(0, "x"), ["kernel"]),
    ("a reduction of what it reads", lambda: (T.exp(x) * y).sum(), ["kernel"]),
    ("several reductions of one thing", lambda: [T.exp(x).sum(), T.exp(x).max()], ["kernel"]),
    ("a gather in the loop that reads it", lambda: T.exp(x[k]) * 2, ["kernel"]),
    ("transposes and slices in the loop that reads them", lambda: A.T + T.exp(B[::-1]), ["kernel"]),
    ("a polynomial", lambda: 1 + x * (2 + x * (3 + x)), ["kernel"]),
    ("what a product of matrices is multiplied by and added to", lambda: T.tanh(T.dot(A, B) + x), ["gemm", "kernel"]),
    ("unused results are not computed", lambda: T.max_and_argmax(T.exp(A) + B, axis=1)[0], ["kernel"]),
    ("a sum along each of two axes", lambda: [t.sum(axis=0), t.sum(axis=1)], ["kernel", "kernel"]),
]  # fmt: skip


@pytest.mark.parametrize("words, build, expected", [pytest.param(*entry, id=entry[0]) for entry in FUSED])
def test_fusion(words: str, build: Any, expected: list[str]) -> None:
    row = Row(words, build)
    function, inputs, outputs = compiled(row)
    assert [step.split()[0] for step in what_runs(function)] == expected
    check_values(row, function, inputs, outputs)


IN_PLACE = [
    ("an elementwise op on what nobody reads after", lambda: T.exp(T.dot(A, B)) + C),
    ("a write to what was computed", lambda: T.set_subtensor(T.dot(A, B)[0], x)),
    ("an increment of what was computed", lambda: T.inc_subtensor(T.dot(A, B)[k], x)),
    ("a product added to what was computed", lambda: T.dot(A, B) + T.dot(B, C)),
    ("a matrix times a vector, added to what was computed", lambda: T.dot(A, T.dot(B, x)) + T.dot(C, y)),
]


@pytest.mark.parametrize("words, build", [pytest.param(*entry, id=entry[0]) for entry in IN_PLACE])
def test_in_place(words: str, build: Any) -> None:
    row = Row(words, build)
    function, inputs, outputs = compiled(row)
    steps = what_runs(function)
    assert any("in place" in step or " over b" in step for step in steps), steps
    given = {v.name: np.array(VALUES[v.name]) for v in inputs}
    kept = {name: value.copy() for name, value in given.items()}
    function(*[given[v.name] for v in inputs])
    assert all(np.array_equal(given[name], kept[name]) for name in kept), "an argument was written over"
    check_values(row, function, inputs, outputs)


def test_a_shared_variable_is_updated_in_place_an_argument_is_not_touched() -> None:
    written = T.set_subtensor(x[1:3], 0.0)
    value = np.arange(5.0)
    kept = theano.function([x], written)
    np.testing.assert_array_equal(kept(value), [0.0, 0.0, 0.0, 3.0, 4.0])
    np.testing.assert_array_equal(value, np.arange(5.0))
    state = theano.shared(value)
    step = theano.function([], [], updates=[(state, T.set_subtensor(state[1:3], 0.0))])
    assert len(what_runs(step)) < len(what_runs(kept))
    step()
    np.testing.assert_array_equal(state.get_value(), [0.0, 0.0, 0.0, 3.0, 4.0])
    np.testing.assert_array_equal(value, np.arange(5.0))


def test_softmax_is_opened_and_goes_over_each_row_while_it_is_at_hand() -> None:
    function = compiled(Row("softmax", lambda: T.nnet.softmax(A * 2)))[0]
    assert all(step.startswith("kernel") for step in what_runs(function))
    assert "  rows (" in str(function.explain().program)
