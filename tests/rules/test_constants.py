"""Every declared rule where an operand is a constant: what folds may match again, and rules ask what number it is."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from test_declared import DECLARED, left_side

import theano.tensor as T
from theano.compile.pipeline import rewrite
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.query import Query
from theano.rewriting.rule import Rule
from theano.tensor.type import TensorType

NUMBERS = (0.0, -2.0, 0.5, 3.0, 70.0, np.nan, np.inf)
LONG = 5000  # more elements than are looked at to see whether all are equal


def constants() -> list[np.ndarray]:
    normal = np.random.default_rng(0).normal
    arrays = [normal(size=3), np.zeros(0), normal(size=LONG), -np.abs(normal(size=LONG))]
    return [*(np.full(3, n) for n in NUMBERS), *arrays]


@pytest.mark.parametrize("rule", DECLARED, ids=lambda rule: rule.name)
def test_comes_to_an_end(rule: Rule) -> None:
    """Found by the fuzzer: |c| of no elements had no known sign, and the rules for hypotenuses applied for ever."""
    variables, before = left_side(rule, [TensorType("float64", (None,))], lambda v: v)
    for number, x in enumerate(variables):
        for data in constants():
            out: Any = clone_replace(before, {x: T.constant(data)}, strict=False)
            others = variables[:number] + variables[number + 1 :]
            fgraph = FunctionGraph(others, [out])
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error")
                report = rewrite(fgraph, Query(include=("fast_run",)))
                assert not [failure for done in report.passes for failure in done.failures]
                (value,) = evaluate(fgraph.outputs, {v: np.ones(data.shape) for v in fgraph.inputs})
            assert value.shape == data.shape and value.dtype == out.type.dtype


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -2.0, np.nan, np.inf])
def test_of_numbers_of_unknown_shape(number: float) -> None:
    """Found by the fuzzer: what is filled with a number does not fold, and softplus(0) was softplus(0) - 0 for ever."""
    lengths = [T.lscalar("n"), T.lscalar("m")]
    x = T.alloc(np.float64(number), *lengths)
    graphs: list[Any] = [T.log(T.tanh(x)), T.nnet.softplus(x), T.sqrt(x * x + 4) - x, x - T.exp(x), T.log(1 / abs(x))]
    for out in graphs:
        fgraph = FunctionGraph(lengths, [out])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            report = rewrite(fgraph, Query(include=("fast_run",)))
        assert max(report.fired().values(), default=0) < 20, report.fired()


def test_coefficient_that_has_axes() -> None:
    """Found by the fuzzer: `sum_of_separable` looked for an axis that only an array filled with a number has among the
    factors of a product, and failed."""
    n, x, y = T.lscalar("n"), T.row("x"), T.col("y")
    filled = T.alloc(np.float64(3), n, 4)
    for product in (filled * x * T.exp(x), filled * y * T.exp(y), T.sqr(filled * x), filled * x * y, filled * n / x):
        for axis in (0, 1, None):
            fgraph = FunctionGraph([n, x, y], [product.sum(axis=axis)])
            arrays = np.int64(5), np.array([[1.0, 2, 3, 4]]), np.arange(5.0).reshape(5, 1)
            values: dict[Any, Any] = dict(zip(fgraph.inputs, arrays, strict=True))
            (wanted,) = evaluate(fgraph.outputs, values)
            report = rewrite(fgraph, Query(include=("fast_run",)))
            assert not [failure for done in report.passes for failure in done.failures]
            (found,) = evaluate(fgraph.outputs, values)
            assert found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, rtol=1e-13)
