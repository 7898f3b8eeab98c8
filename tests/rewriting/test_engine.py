"""The engine: patterns, the worklist, budgets, rules that misbehave, and the cost of it all."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

import theano.tensor as T
from theano._config import config
from theano.compile.pipeline import PIPELINE, rewrite
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport, RewriteBudgetWarning, apply_rules
from theano.rewriting.pattern import rule, wild
from theano.rewriting.query import Query
from theano.rewriting.rule import Rule, Site, function_rule, ruleset
from theano.rewriting.rules.algebra import like_factors
from theano.rewriting.rules.useless import useless_dimshuffle
from theano.rewriting.rules.views import dimshuffle_of_elementwise
from theano.rewriting.run import Pass, RewriteChangedValue, run_passes
from theano.scalar.arithmetic import add, mul, neg, sub
from theano.scalar.exponential import exp, log
from theano.scalar.hyperbolic import cosh, sinh, tanh
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.joining import Split

x, y, z = wild("x y z")


def run(rules: Any, inputs: list[Any], *outputs: Any) -> tuple[FunctionGraph, PassReport]:
    fgraph = FunctionGraph(inputs, list(outputs))
    dims = Dims(dict(SPEAKERS))
    fgraph.attach_feature(dims)
    report = PassReport("test")
    apply_rules(fgraph, ruleset(*rules), Site(fgraph, dims), report)
    fgraph.check_integrity()
    return fgraph, report


def text(v: Any) -> str:
    if v.owner is None:
        return v.name or str(v.data.reshape(-1)[0])
    op = v.owner.op
    name = op.scalar_op.name if isinstance(op, Elemwise) else str(op)
    return f"{name}({', '.join(text(i) for i in v.owner.inputs)})"


def result(r: Rule, out: Any, *inputs: Any) -> str:
    return text(run([r], list(inputs), out)[0].outputs[0])


A, B, C = T.dscalars("A", "B", "C")


def test_sums_match_in_any_order_and_nesting() -> None:
    r = rule("t", log(1 + x), tanh(x))
    assert result(r, log(1 + A), A) == "tanh(A)"
    assert result(r, log(A + 1), A) == "tanh(A)"
    assert result(r, log(A + 1.0), A) == "tanh(A)"
    assert result(r, log(1 - A), A) == "tanh(neg(A))"
    assert result(r, log(A + B + 1), A, B) == "tanh(add(A, B))"
    assert result(r, log(A - (B - 1)), A, B) == "tanh(sub(A, B))"
    assert result(r, log(2 + A), A) == "log(add(2, A))"


def test_a_number_is_matched_wherever_it_comes_from() -> None:
    M = T.dmatrix("M")
    r = rule("t", log(1 + x), tanh(x))
    for one in (np.ones((1, 1)), T.ones_like(M), T.alloc(1.0, *M.shape), T.constant(1).dimshuffle("x", "x")):
        assert result(r, log(one + M), M) == "tanh(M)"


def test_part_of_a_longer_sum_or_product() -> None:
    r = rule("t", exp(x) - 1, tanh(x))
    assert result(r, exp(A) - 1, A) == "tanh(A)"
    assert result(r, exp(A) - 1 + B, A, B) == "add(tanh(A), B)"
    assert result(r, exp(A) + (B - 1), A, B) == "add(B, tanh(A))"
    assert result(r, 1 - exp(A), A) == "neg(tanh(A))"
    r = rule("t", exp(x) * tanh(x), sinh(x))
    assert result(r, B * tanh(A) * C * exp(A), A, B, C) == "mul(B, C, sinh(A))"
    assert result(r, exp(A) / B * tanh(A), A, B) == "true_div(sinh(A), B)"
    assert result(r, exp(A) * tanh(B), A, B) == "mul(exp(A), tanh(B))"


def test_equal_wildcards_are_one_variable() -> None:
    r = rule("t", exp(x) / (exp(x) + exp(y)), tanh(x - y))
    assert result(r, exp(A) / (exp(A) + exp(B)), A, B) == "tanh(sub(A, B))"
    assert result(r, exp(A) / (exp(B) + exp(A)), A, B) == "tanh(sub(A, B))"
    assert result(r, exp(C) / (exp(B) + exp(A)), A, B, C).startswith("true_div")


def test_conditions() -> None:
    r = rule("t", tanh(x), x, when=lambda m: m.x.name == "A")
    assert result(r, tanh(A), A) == "A"
    assert result(r, tanh(B), B) == "tanh(B)"


def test_type_is_kept() -> None:
    f, M = T.fvector("f"), T.dmatrix("M")
    r = rule("t", tanh(x), 0.1 * x)
    fgraph, _ = run([r], [f], tanh(f))
    assert fgraph.outputs[0].type == f.type
    r = rule("t", x * y - x * y, 0.0 * x)
    row = T.drow("row")
    fgraph, _ = run([r], [row, M], row * M - row * M)
    assert fgraph.outputs[0].type == M.type
    assert evaluate(fgraph.outputs, dict(zip(fgraph.inputs, [np.ones((1, 3)), np.ones((2, 3))])))[0].shape == (2, 3)


def test_integers_do_not_match_rules_of_reals() -> None:
    i = T.ivector("i")
    r = rule("t", x + 1 - 1, x)
    assert run([r], [i], i + 1 - 1)[1].fired == {}


def test_what_was_remembered_of_other_graphs_hides_no_rule() -> None:
    """Nodes with the same factors, nested in another way: a rule that looks at direct inputs fits the second only."""

    @function_rule(mul, name="of_direct_input", needs=[cosh])
    def of_direct_input(node: Any, site: Site) -> Any:
        return [tanh(node.inputs[0])]

    rules = [rule("of_factors", exp(x) * cosh(y), sinh(x), when=lambda m: False), of_direct_input]
    assert run(rules, [A, B, C], (cosh(A) / exp(C)) * B)[1].fired == {}
    assert run(rules, [A, B, C], mul(cosh(A), exp(C), B))[1].fired == {"of_direct_input": 1}


def test_rules_that_go_in_circles_are_stopped() -> None:
    forth, back = rule("forth", sinh(x), cosh(x)), rule("back", cosh(x), sinh(x))
    with pytest.warns(RewriteBudgetWarning, match=r"'test' was stopped.*(forth|back) \(\d+ times\)"):
        _, report = run([forth, back], [A], sinh(A))
    assert report.stopped


def test_a_rule_that_can_only_replace_what_nobody_uses_comes_to_an_end() -> None:
    """Of the two pieces one has no user, and the constant for the other is refused: its length 1 was not known."""
    constant, m, sizes = T.constant(np.arange(6.0).reshape(2, 3)), T.dmatrix("m"), T.lvector("sizes")
    pieces = T.split(constant, sizes, 2, axis=1)
    assert pieces[1].type.shape[1] is None

    @function_rule(Split, name="t")
    def rule_t(node: Any, site: Site) -> Any:
        return [T.constant(constant.data[:, :2]), T.constant(constant.data[:, 2:])]

    _, report = run([rule_t], [m, sizes], T.dot(pieces[1], m))
    assert not report.stopped and report.fired["t"] <= 1


def test_a_rule_that_grows_is_stopped() -> None:
    grow = rule("grow", sinh(x), sinh(tanh(x) + 2))
    with pytest.warns(RewriteBudgetWarning, match="grow"):
        fgraph, _ = run([grow], [A], sinh(A))
    assert len(fgraph) < 2000


@pytest.mark.parametrize("build", [lambda x: T.log(T.cosh(x)), T.nnet.softmax, T.nnet.logsoftmax, T.nnet.softplus])
def test_a_graph_of_nothing_but_what_is_written_out_is_rewritten_to_its_end(build: Any) -> None:
    """A budget of a few nodes for each stopped the passes that make `log(cosh(x))` safe, and softmax fast."""
    inputs = T.dmatrices(200)
    fgraph = FunctionGraph(inputs, [build(v) for v in inputs])
    alone = FunctionGraph(inputs[:1], [build(inputs[0])])
    fired, once = rewrite(fgraph).fired(), rewrite(alone).fired()
    assert fired.keys() == once.keys()
    assert all(fired[name] == 200 * count for name, count in once.items() if name != "fold_constants")


def misbehaving(body: Any) -> Rule:
    return function_rule(tanh, name="bad")(body)


@pytest.mark.parametrize(
    "body, message",
    [
        (lambda node, site: 1 / 0, "ZeroDivisionError"),
        (lambda node, site: [node.inputs[0].dimshuffle("x")], "type would change"),
        (lambda node, site: [T.cast(node.inputs[0], "float32")], "type would change"),
        (lambda node, site: [node.outputs[0] + 1], "uses the variable that it replaces"),
    ],
)
def test_a_rule_that_raises_is_reported_and_skipped(body: Any, message: str, caplog: Any, monkeypatch: Any) -> None:
    good = rule("good", sinh(x), cosh(x))
    monkeypatch.setattr(config, "on_opt_error", "warn")
    with caplog.at_level(logging.ERROR, "theano.rewriting"):
        fgraph, report = run([misbehaving(body), good], [A], sinh(tanh(A)))
    assert text(fgraph.outputs[0]) == "cosh(tanh(A))"
    assert message in caplog.text and "bad" in caplog.text
    assert [name for name, _ in report.failures] == ["bad"]
    monkeypatch.setattr(config, "on_opt_error", "raise")
    with pytest.raises(Exception, match=r"division by zero|type would change|uses the variable"):
        run([misbehaving(body)], [A], tanh(A))


def test_verify_names_the_pass_that_changes_a_value() -> None:
    wrong = Pass("break things", ("t",), (rule("wrong", sinh(x), cosh(x)),))
    fine = Pass("do nothing wrong", ("t",), (rule("fine", x + x - x, x),))
    fgraph = FunctionGraph([A], [sinh(A) + A])
    with pytest.raises(RewriteChangedValue, match="'break things' changed output 0"):
        run_passes(fgraph, [fine, wrong], Query(include=("t",), verify=True))


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same"):
        ruleset(rule("same", sinh(x), x), rule("same", cosh(x), x))


def test_names_in_the_pipeline_are_of_one_rule_each() -> None:
    seen: dict[str, Rule] = {}
    for p in PIPELINE:
        for r in p.rules:
            assert seen.setdefault(r.name, r) is r
    assert len({p.name for p in PIPELINE}) == len(PIPELINE)


def test_every_rule_says_what_it_does() -> None:
    for p in PIPELINE:
        for r in p.rules:
            assert "->" in r.doc, r.name


def chain(n: int) -> tuple[Any, Any]:
    v = T.dvector("v")
    out = v
    steps = [T.tanh, T.exp, lambda u: u + 1.5, lambda u: u * v, T.sqr, lambda u: u - v]
    for k in range(n):
        out = steps[k % len(steps)](out)
    return v, out


def visits(n: int) -> int:
    v, out = chain(n)
    report = rewrite(FunctionGraph([v], [out]))
    return sum(p.visits for p in report.passes)


def test_the_work_is_linear_in_the_graph() -> None:
    """Counted in nodes looked at, not in seconds."""
    small, large = visits(300), visits(600)
    assert large <= 2.1 * small
    assert small <= 300 * 40


@pytest.mark.parametrize("step", [lambda u, v: u + v, lambda u, v: u * 1.01, lambda u, v: -u, lambda u, v: u + 1])
def test_long_chains_of_one_op(step: Any) -> None:
    def work(n: int) -> tuple[int, int]:
        v = T.dscalar("v")
        out = v
        for _ in range(n):
            out = step(out, v)
        fgraph = FunctionGraph([v], [out])
        report = rewrite(fgraph)
        return sum(p.visits for p in report.passes), len(fgraph)

    (few, _), (many, size) = work(400), work(800)
    assert many <= 2.2 * few + 50
    assert size <= 800


def test_what_goes_down_a_chain_goes_together() -> None:
    m = T.dmatrix("m")
    v = m
    for _ in range(50):
        v = T.exp(v.T)
    fgraph, report = run([useless_dimshuffle, dimshuffle_of_elementwise], [m], T.tanh(v))
    assert report.fired["dimshuffle_of_elementwise"] <= 50  # 1225, if the lowest went first
    assert not any(isinstance(node.op, DimShuffle) for node in fgraph.toposort())
    given = np.array([[-1.0, -2.0, -3.0]])
    with np.errstate(over="ignore"):
        (found,), (wanted,) = evaluate(fgraph.outputs, {fgraph.inputs[0]: given}), evaluate([T.tanh(v)], {m: given})
    assert np.array_equal(found, wanted)


def mixed_chain(n: int) -> tuple[Any, Any]:
    m = T.dmatrix("m")
    v = m
    for _ in range(n):
        v = T.tanh(v).T[1:]
    return m, v


def test_a_value_whose_place_an_equal_one_takes_has_changed() -> None:
    """B*B/B becomes B in the next link, which is B*B/B then, and is merged with the first."""
    v = B * B / B
    for _ in range(20):
        v = v * B / v
    graph, report = run([like_factors], [B], v)
    assert graph.outputs == graph.inputs
    assert report.fired["like_factors"] == 21


def test_what_is_undone_directly_above_does_not_go_down() -> None:
    v: Any = T.dvector("v")
    out = v
    for _ in range(20):
        out = DimShuffle([False, True], (0,))(DimShuffle([False], (0, "x"))(T.exp(out)))
    _, report = run([useless_dimshuffle, dimshuffle_of_elementwise], [v], out)
    assert report.fired == {"useless_dimshuffle": 20}


def test_ops_of_two_kinds_go_down_a_chain_together() -> None:
    def work(n: int) -> int:
        m, v = mixed_chain(n)
        return sum(rewrite(FunctionGraph([m], [v])).fired().values())  # the pass was stopped, with a warning, before

    assert work(80) <= 2.2 * work(40)

    m, v = mixed_chain(5)
    fgraph = FunctionGraph([m], [v])
    rewrite(fgraph)
    assert len(fgraph) <= 7  # one index, one transpose
    given = np.random.default_rng(0).standard_normal((6, 7))
    (found,), (wanted,) = evaluate(fgraph.outputs, {fgraph.inputs[0]: given}), evaluate([v], {m: given})
    assert found.shape == (4, 4)
    assert np.array_equal(found, wanted)


def test_what_goes_down_through_products_and_softmax_keeps_the_values() -> None:
    m, w, u, start = T.dmatrix("m"), T.dmatrix("w"), T.dtensor3("u"), T.lscalar("start")
    v = m
    for k in range(24):
        moved = (v.T, v[::-1], v[:, ::-1], v[start:], v[start:].T)[k % 5]
        v = T.batched_dot(moved[:, :, None] * w, T.tanh(u)).sum(axis=2) if k % 7 == 6 else T.dot(w, moved)
        v = T.nnet.softmax(v, axis=k % 2) if k % 3 == 2 else T.tanh(v)
    fgraph = FunctionGraph([m, w, u, start], [v])
    fired = rewrite(fgraph).fired()
    assert {"transpose_of_dot", "index_of_dot", "index_of_softmax", "index_of_batched_dot"} <= fired.keys()
    rng = np.random.default_rng(0)
    given = [rng.standard_normal((4, 4)), 3 * rng.standard_normal((4, 4)), rng.standard_normal((4, 4, 4)), np.array(0)]
    (found,), (wanted,) = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, given))), \
        evaluate([v], dict(zip([m, w, u, start], given)))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert np.diff(np.log(np.sort(wanted, axis=None))).min() > 1e-6   # no two are equal: one in another place is seen


def test_factors_that_no_longer_go_into_switches_keep_the_values() -> None:
    x, masked = T.dvector("x"), T.dvectors(20)
    y = z = x
    for v in masked:
        y = y * T.switch(v > x, 0, v)
        z = T.switch(v > x, z, 0) / v
    fgraph = FunctionGraph([x, *masked], [y, z])
    assert 20 < rewrite(fgraph).fired()["factor_into_switch"] < 200
    given = [np.array([-2.0, 0.5, 3.0]), *(np.array([1.0 + k / 9, -1.0 - k, 4.0]) for k in range(20))]
    found = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, given)))
    for one, wanted in zip(found, evaluate([y, z], dict(zip([x, *masked], given)))):
        np.testing.assert_allclose(one, wanted, rtol=1e-12)


def test_what_waited_in_vain_goes_in_its_turn() -> None:
    m = T.dmatrix("m")
    lower = T.tanh(m).T

    @function_rule(DimShuffle)
    def forget(node: Any, site: Site) -> Any:
        """x.T -> x, where this is the result"""
        return list(node.inputs) if node.outputs[0] in site.fgraph.outputs else None

    fgraph, report = run([forget, dimshuffle_of_elementwise], [m], T.exp(lower).T)
    assert report.fired == {"forget": 1, "dimshuffle_of_elementwise": 1}
    (exp_of,) = fgraph.outputs[0].owner.inputs
    assert isinstance(exp_of.owner.inputs[0].owner.op, DimShuffle)
    given = np.array([[1.0, -2.0, 3.0]])
    assert np.array_equal(evaluate(fgraph.outputs, {fgraph.inputs[0]: given})[0], np.exp(np.tanh(given).T))


def test_a_very_deep_graph_does_not_recurse() -> None:
    v, out = chain(12_000)
    fgraph = FunctionGraph([v], [out])
    rewrite(fgraph, Query(include=("fast_compile",)))
    assert len(fgraph) <= 12_100


def test_lengths_of_a_deep_graph() -> None:
    v = T.dvector("v")
    out = v
    for _ in range(1000):
        out = T.tanh(out)[1:]
    fgraph = FunctionGraph([v], [out.shape[0]])
    rewrite(fgraph)
    assert evaluate(fgraph.outputs, {fgraph.inputs[0]: np.zeros(1004)})[0] == 4


def test_records_used_here_exist() -> None:
    assert {r.name for r in (add, mul, neg, sub)} == {"add", "mul", "neg", "sub"}
