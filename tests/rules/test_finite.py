"""No rule turns a finite value into NaN or infinity: the left side of every declared rule, before and after the rule,
and value and gradient of it, before and after the whole pipeline, at arguments of all sizes.

Values and gradients count that were reached through finite values. (The second derivative of a sigmoid that is spelt by
exponentials is 0 at 600 because something is divided by infinity; it may become infinity divided by infinity.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_declared import DECLARED, applied, left_side

import theano
import theano.tensor as T
from theano.compile.pipeline import rewrite
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import ancestors
from theano.rewriting.rule import Rule
from theano.scalar.arithmetic import sqr
from theano.tensor.type import TensorType

POINTS = 150
# SciPy's loops over orders: of the size of the order, which is any size here
ENDLESS = {"log_of_iv", "polygamma_of_zero", "polygamma_of_one"}
RULES_IN_TIME = [rule for rule in DECLARED if rule.name not in ENDLESS]


def arguments(count: int, dtype: str, seed: int) -> list[np.ndarray]:
    """Numbers of both signs and of all sizes that the dtype has, some of them equal to each other or zero."""
    rng = np.random.default_rng(seed)
    low, high = np.log10(float(np.finfo(dtype).tiny)), np.log10(float(np.finfo(dtype).max))
    scale = rng.choice([0.02, 0.1, 1.0], (count, POINTS), p=[0.4, 0.3, 0.3])
    values = rng.choice([-1.0, 1.0], (count, POINTS)) * 10 ** (rng.uniform(low, high, (count, POINTS)) * scale)
    values[rng.random((count, POINTS)) < 0.03] = 0
    if count > 1:
        together = rng.random(POINTS) < 0.1
        values[1:, together] = values[0, together]
    return [column.astype(dtype) for column in values]


def finite_stays_finite(
    name: str, inputs: list[Any], before: list[Any], after: list[Any], seed: int, through: bool = False
) -> None:
    """through   where an intermediate value of `before` is not finite, its results do not count"""
    values = arguments(len(inputs), inputs[0].type.dtype, seed)
    given = dict(zip(inputs, values))
    old, new = (evaluate(outs, given) for outs in (before, after))
    counts = np.ones(POINTS, bool)
    if through:
        inner = [v for v in ancestors(before) if v.owner is not None and v.type.ndim == 1]
        for x in evaluate(inner, given):
            counts &= np.isfinite(x)   # of length one, some
    for number, (a, b) in enumerate(zip(old, new)):
        lost = np.flatnonzero(counts & np.isfinite(a) & ~np.isfinite(b))
        at = [float(column[lost[0]]) for column in values] if lost.size else []
        what = "the value" if number == 0 else f"derivative {number}"
        assert not lost.size, f"{name}: {what} at {at} was {a[lost[0]]!r} and is {b[lost[0]]!r} ({lost.size} times)"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES_IN_TIME, ids=lambda rule: rule.name)
def test_rule(rule: Rule, dtype: str) -> None:
    for through in (lambda v: v, sqr):
        inputs, before = left_side(rule, [TensorType(dtype, (None,))], through)
        after, copies, fired = applied(rule, inputs, before)
        if fired:
            break
    renamed = clone_replace(after, dict(zip(copies, inputs)))
    finite_stays_finite(rule.name, inputs, [before], [renamed], seed=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES_IN_TIME, ids=lambda rule: rule.name)
def test_value_and_gradient(rule: Rule, dtype: str) -> None:
    inputs, before = left_side(rule, [TensorType(dtype, (None,))], lambda v: v)
    try:
        gradients = theano.grad(T.sum(before), inputs, null_gradients="return", disconnected_inputs="ignore")
    except (TypeError, ValueError):
        pytest.skip("no derivative")
    outputs = [before, *(g for g in gradients if isinstance(g.type, TensorType))]
    fgraph = FunctionGraph(inputs, outputs)
    rewrite(fgraph)
    renamed = clone_replace(fgraph.outputs, dict(zip(fgraph.inputs, inputs)))
    finite_stays_finite(rule.name, inputs, outputs, renamed, seed=2, through=True)
