"""The whole pipeline: what known expressions become, and the weak points of the original, closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.pipeline import FAST_COMPILE, FAST_RUN, PIPELINE, Query, rewrite
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import graph_inputs
from theano.rewriting.run import RewriteReport


def optimised(out: Any, query: Query = FAST_RUN, inputs: Any = None) -> tuple[FunctionGraph, RewriteReport]:
    inputs = inputs if inputs is not None else [v for v in graph_inputs([out]) if not hasattr(v, "data")]
    fgraph = FunctionGraph(inputs, [out])
    report = rewrite(fgraph, query)
    assert not any(p.failures for p in report.passes), report.explain()
    fgraph.check_integrity()
    return fgraph, report


def text(v: Any) -> str:
    if v.owner is None:
        return v.name or (str(v.data.reshape(-1)[0]) if v.data.size == 1 else str(v.data))
    op = v.owner.op
    name = op.scalar_op.name if hasattr(op, "scalar_op") and type(op).__name__ == "Elemwise" else str(op)
    return f"{name}({', '.join(text(x) for x in v.owner.inputs)})"


def becomes(out: Any, query: Query = FAST_RUN) -> str:
    return text(optimised(out, query)[0].outputs[0])


def value(out: Any, *arguments: Any) -> Any:
    fgraph, _ = optimised(out)
    given = {v: np.asarray(a, v.type.dtype) for v, a in zip(fgraph.inputs, arguments)}
    return evaluate(fgraph.outputs, given)[0]


x, y, z = T.dscalars("x", "y", "z")
X, Y = T.dmatrices("X", "Y")


@pytest.mark.parametrize(
    "out, expected",
    [
        (lambda: x * y / x, "y"),
        (lambda: x + y - x, "y"),
        (lambda: -(-x), "x"),  # noqa: B002
        (lambda: x / x, "1.0"),
        (lambda: x - x, "0.0"),
        (lambda: x**2, "sqr(x)"),
        (lambda: x**3, "mul(x, sqr(x))"),
        (lambda: x**0.5, "sqrt(x)"),
        (lambda: x**-1.0, "inv(x)"),
        (lambda: 1 / x, "inv(x)"),
        (lambda: 2 * x / (4 * y), "true_div(mul(0.5, x), y)"),
        (lambda: x * x, "sqr(x)"),
        (lambda: (x + 1) + 2, "add(x, 3.0)"),
        (lambda: T.log(1 + x), "log1p(x)"),
        (lambda: T.log(1 - x), "log1p(neg(x))"),
        (lambda: T.exp(x) - 1, "expm1(x)"),
        (lambda: T.log(1 + T.exp(x)), "softplus(x)"),
        (lambda: T.log(1 - T.exp(x)), "log1mexp(x)"),
        (lambda: 1 / (1 + T.exp(-x)), "sigmoid(x)"),
        (lambda: T.log(1 / (1 + T.exp(-x))), "neg(softplus(neg(x)))"),
        (lambda: 1 - 1 / (1 + T.exp(-x)), "sigmoid(neg(x))"),
        (lambda: T.log(T.exp(x) + T.exp(y)), "logaddexp(x, y)"),
        (lambda: 1 - T.erf(x), "erfc(x)"),
        (lambda: T.sqrt(x**2 + y**2), "hypot(x, y)"),
        (lambda: T.exp(x) * T.exp(y), "exp(add(x, y))"),
        (lambda: T.log(T.exp(x)), "x"),
        (lambda: T.tanh(T.arctanh(x)), "switch(le(abs_(x), 1.0), x, nan)"),
        (lambda: T.arccosh(T.cosh(x)), "abs_(x)"),
        (lambda: T.dot(X, Y).T, "dot(DimShuffle{1,0}(Y), DimShuffle{1,0}(X))"),
        (lambda: T.exp(X).shape[0], "Shape_i{0}(X)"),
        (lambda: T.switch(T.eq(T.constant(2), 0), x, y), "y"),
    ],
)
def test_becomes(out: Any, expected: str) -> None:
    assert becomes(out()) == expected


@pytest.mark.parametrize(
    "out, arguments, right",
    [
        (lambda: T.log(T.exp(X).sum(axis=1)), [[[-np.inf, -np.inf]]], [-np.inf]),
        (lambda: T.log(T.exp(X).sum(axis=1)), [[[0.0, np.inf]]], [np.inf]),
        (lambda: theano.grad(T.log(T.exp(X).sum()), X), [[[1000.0, 999.0]]],
         [[0.7310585786300049, 0.2689414213699951]]),
        (lambda: T.exp(X) / T.exp(X).sum(axis=0, keepdims=True), [[[1000.0], [999.0]]],
         [[0.7310585786300049], [0.2689414213699951]]),
        (lambda: T.log(T.exp(X).mean()), [[[1000.0, 1000.0]]], 1000.0),
        (lambda: T.log(T.exp(x) + T.exp(y)), [-np.inf, -np.inf], -np.inf),
        (lambda: T.log(T.exp(x) + T.exp(y) + T.exp(z)), [1000.0, 1000.0, 1000.0], 1001.0986122886682),
        (lambda: T.exp(x) / (T.exp(x) + T.exp(y)), [1000.0, 999.0], 0.7310585786300049),
        (lambda: T.exp(x) * T.exp(y), [1000.0, -1000.0], 1.0),
        (lambda: T.log(T.exp(x)), [1000.0], 1000.0),
        (lambda: T.log2(T.exp(x)), [1000.0], 1442.6950408889634),
        (lambda: T.log(1 - T.exp(x)), [-1e-20], -46.051701859880914),
        (lambda: T.log(T.exp(x) - T.exp(y)), [1000.0, 999.0], 999.5413248546129),
        (lambda: 1 - T.nnet.sigmoid(x), [40.0], 4.248354255291589e-18),
        (lambda: T.nnet.softplus(x) - x, [40.0], 4.248354255291589e-18),
        (lambda: T.log10(1 + x), [1e-20], 4.342944819032518e-21),
        (lambda: T.log(x**3), [1e200], 1381.5510557964274),
        (lambda: T.log(T.cosh(x)), [800.0], 799.30685281944),
        (lambda: (T.exp(x) - T.exp(-x)) / (T.exp(x) + T.exp(-x)), [800.0], 1.0),
        (lambda: T.sqrt(x**2 + y**2), [1e200, 1e200], 1.4142135623730951e200),
        (lambda: T.sqrt(1 + x) - 1, [1e-20], 5e-21),
        (lambda: (1 - T.cos(x)) / x**2, [1e-8], 0.5),
        (lambda: T.tanh(T.arctanh(x)), [2.0], np.nan),
        (lambda: T.arccosh(T.cosh(x)), [-1.0], 1.0),
        (lambda: T.log(T.erfc(x)), [30.0], -903.9741171106439),
        (lambda: T.log(T.nnet.softmax(X)), [[[0.0, 1000.0]]], [[-1000.0, 0.0]]),
        (lambda: -T.log(T.nnet.softmax(X))[T.arange(X.shape[0]), T.constant([0])], [[[0.0, 1000.0]]], [1000.0]),
        (lambda: theano.grad(-T.log(T.nnet.softmax(X))[T.arange(X.shape[0]), T.constant([0])].sum(), X),
         [[[0.0, 1000.0]]], [[-1.0, 1.0]]),
        (lambda: theano.grad(T.nnet.binary_crossentropy(T.nnet.sigmoid(x), 1.0), x), [-800.0], -1.0),
    ],
)
def test_right_where_the_written_form_fails(out: Any, arguments: Any, right: Any) -> None:
    np.testing.assert_allclose(value(out(), *arguments), right, rtol=1e-12)


def test_exact_leaves_out_what_is_not_exact() -> None:
    exact = FAST_RUN.excluding("assumes")
    assert becomes(x * y / x, exact) == "true_div(mul(x, y), x)"
    assert becomes(0 * x, exact) == "mul(0, x)"
    assert becomes(T.log(1 + x), exact) == "log1p(x)"


@pytest.mark.parametrize(
    "out",
    [
        lambda: (X + Y).shape, lambda: X * Y / X, lambda: X + Y - X, lambda: (X + Y).sum(axis=0).shape[0],
        lambda: T.zeros_like(X + Y), lambda: theano.grad((X + Y).sum(), X), lambda: (X * Y)[0:0],
        lambda: T.dot(X, Y.T).shape, lambda: T.exp(X - Y) / T.exp(X - Y),
    ],
)
def test_shape_errors_stay(out: Any) -> None:
    fgraph, _ = optimised(out(), inputs=[X, Y])
    good = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, [np.ones((2, 3)), np.ones((2, 3))])))
    plain = evaluate([out()], {X: np.ones((2, 3)), Y: np.ones((2, 3))})
    np.testing.assert_array_equal(good[0], plain[0])
    with pytest.raises(ValueError, match=r"[dD]imension|Shape|length"):
        evaluate(fgraph.outputs, dict(zip(fgraph.inputs, [np.ones((2, 3)), np.ones((2, 4))])))


def test_checks_cost_nothing_where_something_else_checks() -> None:
    fgraph, report = optimised(T.exp(X + Y) + (X * Y).shape[0], inputs=[X, Y])
    assert "restore_check" not in report.fired(), text(fgraph.outputs[0])


def test_names_and_types_are_kept() -> None:
    out = x * y / x + z - z
    out.name = "result"
    fgraph, _ = optimised(T.exp(out))
    assert fgraph.outputs[0].type == out.type
    named = T.log(1 + X)
    named.name = "answer"
    fgraph, _ = optimised(named)
    assert fgraph.outputs[0].name == "answer"


def test_the_origin_is_the_users_line() -> None:
    out = T.log(1 + T.exp(X))
    fgraph, _ = optimised(out)
    node = fgraph.outputs[0].owner
    assert node.origin is not None
    file, *_ = node.origin.frames()[0]
    assert file == __file__


def test_stop_after_and_explain() -> None:
    query = Query(include=("fast_run",), stop_after="canonicalize")
    fgraph, report = optimised(T.log(1 + x), query)
    assert [p.name for p in report.passes] == ["drop useless nodes", "canonicalize"]
    assert text(fgraph.outputs[0]) == "log(add(1, x))"
    _, report = optimised(T.log(1 + x))
    assert "log1p: Elemwise{log}" in report.explain() and __file__ in report.explain()


def test_queries() -> None:
    assert becomes(T.log(1 + x), FAST_COMPILE) == "log(add(1, x))"
    assert becomes(T.log(1 + x), FAST_RUN.excluding("log1p")) == "log(add(1, x))"
    assert becomes(T.log(1 + x), FAST_RUN.excluding("local_log1p")) == "log(add(1, x))"
    assert becomes(T.log(1 + x), FAST_RUN.excluding("stabilize")) == "log(add(1, x))"
    assert becomes(T.log(1 + x), Query(include=())) == "log(add(1, x))"
    assert becomes(T.log(1 + x), Query(include=("canonicalize", "stabilize"))) == "log1p(x)"
    assert becomes(x * y / x, FAST_RUN.requiring("no_such_tag")) == "true_div(mul(x, y), x)"


def test_fast_compile_uses_a_part_of_the_rules() -> None:
    _, report = optimised(T.exp(X * 1).T.T, FAST_COMPILE)
    assert {p.name for p in report.passes} <= {"drop useless nodes", "canonicalize", "restore checks of lengths"}
    rules = {rule.name: rule for p in PIPELINE for rule in p.rules}
    assert all("fast_compile" in rules[name].tags for name in report.fired())


def test_verify_accepts_the_pipeline() -> None:
    out = T.log(T.nnet.softmax(T.dot(X, Y.T))).sum() + T.log(1 + T.exp(X)).mean() - (X**2 * Y / X).sum()
    query = Query(include=("fast_run",), verify=True)
    optimised(out, query)
    optimised(theano.grad(out, X), query)


def test_digits_step() -> None:
    """The training step of examples/digits.py: log-softmax, its gradient, updates by gemm."""
    rng = np.random.default_rng(0)
    data, labels = T.dmatrix("data"), T.ivector("labels")
    W, b = T.dmatrix("W"), T.dvector("b")
    p = T.nnet.softmax(T.dot(data, W) + b)
    cost = -T.mean(T.log(p)[T.arange(labels.shape[0]), labels]) + 1e-4 * (W**2).sum()
    outs = [cost, *(v - 0.5 * g for v, g in zip((W, b), theano.grad(cost, [W, b])))]
    fgraph = FunctionGraph([data, labels, W, b], outs)
    given = [rng.random((5, 8)), rng.integers(0, 3, 5).astype("int32"), rng.normal(size=(8, 3)), rng.normal(size=3)]
    before = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, given)))
    report = rewrite(fgraph)
    after = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, given)))
    for old, new in zip(before, after):
        np.testing.assert_allclose(new, old, rtol=1e-12, atol=1e-14)
    ops = [str(node.op) for node in fgraph.toposort()]
    assert ops.count("Gemm") == 1 and "Softmax" not in str(ops) and "restore_check" not in report.fired()
    wide = [node for node in fgraph.toposort() if str(node.op) == "Elemwise{exp}"]
    assert len(wide) == 1, "softmax and cross-entropy share their exponentials"
