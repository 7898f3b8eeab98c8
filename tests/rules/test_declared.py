"""Both sides of every rule that is written as two expressions, sampled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampling import check, grid

import theano
import theano.tensor as T
from theano.compile.pipeline import PIPELINE
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import graph_inputs
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport, apply_rules
from theano.rewriting.pattern import Wildcard
from theano.rewriting.rule import Rule, Site
from theano.scalar.arithmetic import sqr
from theano.scalar.hyperbolic import cosh
from theano.tensor.type import TensorType

RULES = {rule.name: rule for p in PIPELINE for rule in p.rules}
DECLARED = [rule for rule in RULES.values() if rule.sides is not None]


def apply(rule: Rule, fgraph: FunctionGraph) -> bool:
    """Apply only this rule, everywhere; did it apply?"""
    dims = Dims(dict(SPEAKERS))
    fgraph.attach_feature(dims)
    report = PassReport("test")
    apply_rules(fgraph, [rule], Site(fgraph, dims), report)
    assert not report.failures, report.failures
    assert not report.stopped, f"{rule.name} does not come to an end"
    fgraph.check_integrity()
    return bool(report.fired)


def applied(rule: Rule, inputs: list[Any], out: Any) -> tuple[Any, list[Any], bool]:
    """(the output after applying only this rule, its inputs, did it apply)"""
    fgraph = FunctionGraph(inputs, [out])
    fired = apply(rule, fgraph)
    return fgraph.outputs[0], fgraph.inputs, fired


def left_side(rule: Rule, kinds: list[TensorType], through: Any) -> tuple[list[Any], Any]:
    """The left side with each wildcard replaced by a variable (or by `through` of one)."""
    before = rule.sides[0]
    wildcards = [v for v in graph_inputs([before]) if isinstance(v, Wildcard)]
    variables = [kind(w.name) for w, kind in zip(wildcards, kinds * len(wildcards))]
    memo = {w: through(v) for w, v in zip(wildcards, variables)}
    return variables, clone_replace(before, memo, strict=False)


def sampled(rule: Rule, dtype: str, through: Any) -> bool:
    kind = TensorType(dtype, (None,))
    variables, before = left_side(rule, [kind], through)
    after, inputs, fired = applied(rule, variables, before)
    if not fired:
        return False
    values = grid(len(variables), dtype)
    # the graph was copied: evaluate what was written on the user's variables and the result on the copies
    copied = dict(zip(variables, inputs))
    renamed = clone_replace(after, {copied[v]: v for v in variables})
    check(before, renamed, dict(zip(variables, values)), rule.name, rule.assumes)
    return True


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", DECLARED, ids=lambda rule: rule.name)
def test_both_sides_agree(rule: Rule, dtype: str) -> None:
    fired = sampled(rule, dtype, lambda v: v)
    if not fired:
        fired = sampled(rule, dtype, sqr)   # rules with a condition on the sign
    if not fired:
        fired = sampled(rule, dtype, cosh)   # or with one that excludes 0
    assert fired, f"{rule.name} does not apply to its own left side"


@pytest.mark.parametrize("rule", DECLARED, ids=lambda rule: rule.name)
@pytest.mark.parametrize("shape", [(), (1, 3), (2, 0, 3)], ids=str)
def test_shapes(rule: Rule, shape: tuple[int, ...]) -> None:
    """Rank 0, length one, and no elements."""
    kind = TensorType("float64", tuple(1 if n == 1 else None for n in shape))
    for through in (lambda v: v, sqr, cosh):
        variables, before = left_side(rule, [kind], through)
        after, inputs, fired = applied(rule, variables, before)
        if fired:
            break
    assert fired
    renamed = clone_replace(after, dict(zip(inputs, variables)))
    rng = np.random.default_rng(3)
    values = {v: np.asarray(rng.uniform(0.1, 0.9, shape)) for v in variables}
    check(before, renamed, values, rule.name, rule.assumes)


@pytest.mark.parametrize("rule", DECLARED, ids=lambda rule: rule.name)
def test_integers_are_left_alone_or_right(rule: Rule) -> None:
    """A rule for floats must not take integer arithmetic, which wraps, for real arithmetic."""
    kind = TensorType("int8", (None,))
    try:
        variables, before = left_side(rule, [kind], lambda v: v)
    except TypeError:
        pytest.skip("the left side refuses integers")
    after, inputs, fired = applied(rule, variables, before)
    if not fired:
        return
    renamed = clone_replace(after, dict(zip(inputs, variables)))
    check(before, renamed, dict(zip(variables, grid(len(variables), "int8"))), rule.name, rule.assumes)


@pytest.mark.parametrize("rule", DECLARED, ids=lambda rule: rule.name)
def test_complex_numbers_are_left_alone_or_right(rule: Rule) -> None:
    """What holds of real numbers, such as |x|**2 = x**2, may not hold of complex ones."""
    try:
        variables, before = left_side(rule, [TensorType("complex128", (None,))], lambda v: v)
    except TypeError:
        pytest.skip("the left side refuses complex numbers")
    after, inputs, fired = applied(rule, variables, before)
    if not fired:
        return
    renamed = clone_replace(after, dict(zip(inputs, variables)))
    rng = np.random.default_rng(0)
    values = {v: rng.normal(size=7) + 1j * rng.normal(size=7) for v in variables}
    left, right = (evaluate([out], values)[0] for out in (before, renamed))
    assert left.dtype == right.dtype
    np.testing.assert_allclose(right, left, rtol=1e-12)


@pytest.mark.parametrize("build", [
    lambda x, y, z: y * T.exp(x) - y * T.exp(-x),
    lambda x, y, z: y * T.exp(x - z) - y * T.exp(z - x),
    lambda x, y, z: 0.5 * T.exp(2 * x) - 0.5 * T.exp(-2 * x),
    lambda x, y, z: z * (y * T.exp(-x)) - z * y * T.exp(x),
])  # fmt: skip
def test_opposite_exponentials_are_seen_however_they_are_written(build: Any) -> None:
    """The quick test before the rule leaves out only what does not match."""
    inputs = T.dvectors("x", "y", "z")
    f = theano.function(inputs, build(*inputs), on_unused_input="ignore")
    assert any(report.fired["difference_of_multiples_of_exps"] for report in f.maker.report.passes)
