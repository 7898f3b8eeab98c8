"""Local optimizers applied to a graph by hand: sweeps, fixpoints, groups, patterns, and expressions without a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.gof import FunctionGraph
from theano.gof.opt import (
    ChangeTracker,
    CheckStackTraceOptimization,
    EquilibriumOptimizer,
    LocalMetaOptimizer,
    LocalMetaOptimizerSkipAssertionError,
    LocalOptGroup,
    LocalOptimizer,
    MergeFeature,
    MergeOptimizer,
    NavigatorOptimizer,
    OpKeyOptimizer,
    OpRemove,
    OpSub,
    PatternSub,
    SeqOptimizer,
    TopoOptimizer,
    Updater,
    check_chain,
    check_stack_trace,
    in2out,
    inherit_stack_trace,
    inplace_optimizer,
    local_optimizer,
    merge_dict,
    optimizer,
    out2in,
    pre_constant_merge,
    pre_greedy_local_optimizer,
)
from theano.graph.evaluate import evaluate
from theano.rewriting.engine import RewriteBudgetWarning

x, y = T.dvectors("x", "y")
SINH_TO_COSH = OpSub(T.sinh, T.cosh)
COSH_TO_TANH = OpSub(T.cosh, T.tanh)


def text(v: Any) -> str:
    if v.owner is None:
        return v.name or str(v.data)
    inputs = [text(i) for i in v.owner.inputs]
    return inputs[0] if not hasattr(v.owner.op, "scalar_op") else f"{v.owner.op.scalar_op.name}({', '.join(inputs)})"


def after(opt: Any, *outputs: Any) -> list[str]:
    fgraph = FunctionGraph([x, y], list(outputs))
    opt.optimize(fgraph)
    fgraph.check_integrity()
    return [text(v) for v in fgraph.outputs]


class Wrap(LocalOptimizer):
    """exp(x) -> exp(sin(x)): it would never come to an end"""

    def tracks(self) -> Any:
        return [T.exp]

    def transform(self, node: Any) -> Any:
        return [T.exp(T.sin(node.inputs[0]))]


class Order(LocalOptimizer):
    """Notes the nodes that it is asked about."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def transform(self, node: Any) -> Any:
        self.seen.append(node.op.scalar_op.name)
        return False


class Test_sweeps:
    def test_order(self) -> None:
        for make, expected in ((in2out, ["sin", "cos", "tan"]), (out2in, ["tan", "cos", "sin"])):
            order = Order()
            after(make(order), T.tan(T.cos(T.sin(x))))
            assert order.seen == expected

    def test_what_it_makes_is_visited_unless_told_otherwise(self) -> None:
        both = LocalOptGroup(SINH_TO_COSH, COSH_TO_TANH)
        for make in (in2out, out2in):
            assert after(make(both), T.sinh(x)) == ["tanh(x)"]
            assert after(make(both, ignore_newtrees=True), T.sinh(x)) == ["cosh(x)"]
            assert after(make(Wrap(), ignore_newtrees=True), T.exp(x)) == ["exp(sin(x))"]
        assert after(in2out(SINH_TO_COSH, COSH_TO_TANH), T.sinh(x)) == ["tanh(x)"]

    def test_without_end_it_is_stopped(self) -> None:
        for opt in (in2out(Wrap()), EquilibriumOptimizer([Wrap()])):
            with pytest.warns(RewriteBudgetWarning):
                after(opt, T.exp(x))

    def test_auto(self) -> None:
        class Once(Wrap):
            reentrant = False

        assert after(TopoOptimizer(Once(), ignore_newtrees="auto"), T.exp(x)) == ["exp(sin(x))"]

    def test_the_report(self) -> None:
        fgraph = FunctionGraph([x], [T.sinh(T.sinh(x))])
        report = in2out(SINH_TO_COSH, name="mine").optimize(fgraph)
        assert report.fired[SINH_TO_COSH.name] == 2 and report.name == "mine"
        assert (report.nodes_before, report.nodes_after) == (2, 2)
        assert "test_navigators" in str(report.where[0][2])

    @theano.change_flags(on_opt_error="warn")
    def test_a_failure(self, caplog: Any) -> None:
        @local_optimizer([T.sinh])
        def broken(node: Any) -> Any:
            raise RuntimeError("no good")

        assert after(in2out(broken), T.sinh(x)) == ["sinh(x)"]
        assert "no good" in caplog.text and "broken" in caplog.text
        seen: list[Any] = []
        call = lambda error, nav, pairs, opt, node: seen.append((str(error), opt, node.op))  # noqa: E731
        after(in2out(broken, failure_callback=call), T.sinh(x))
        assert seen == [("no good", broken, T.sinh)]
        after(EquilibriumOptimizer([broken, SINH_TO_COSH], failure_callback=call), T.sinh(x))
        assert len(seen) == 2
        with theano.change_flags(on_opt_error="raise"), pytest.raises(RuntimeError):
            after(in2out(broken), T.sinh(x))
        after(in2out(broken, failure_callback=TopoOptimizer.warn_ignore), T.sinh(x))

    @theano.change_flags(on_opt_error="warn")
    def test_a_change_of_type_is_refused(self, caplog: Any) -> None:
        @local_optimizer([T.sinh])
        def to_float32(node: Any) -> Any:
            return [T.cast(node.inputs[0], "float32")]

        assert after(in2out(to_float32), T.sinh(x)) == ["sinh(x)"]
        assert "type would change" in caplog.text

    def test_one_node_by_hand(self) -> None:
        fgraph = FunctionGraph([x], [T.sinh(T.sinh(x))])
        navigator = NavigatorOptimizer(SINH_TO_COSH)
        first, second = fgraph.toposort()
        assert navigator.process_node(fgraph, first)
        assert text(fgraph.outputs[0]) == "sinh(cosh(x))"
        assert not navigator.process_node(fgraph, fgraph.toposort()[0])
        assert navigator.process_node(fgraph, second)

    def test_op_key(self) -> None:
        assert after(OpKeyOptimizer(SINH_TO_COSH), T.exp(T.sinh(x))) == ["exp(cosh(x))"]
        with pytest.raises(TypeError, match="track"):
            OpKeyOptimizer(Order())

    def test_bad_arguments(self) -> None:
        with pytest.raises(ValueError, match="out_to_in"):
            TopoOptimizer(SINH_TO_COSH, order="sideways")
        with pytest.raises(TypeError, match="at least one"):
            in2out()


class Test_fixpoints:
    def test_local_ones(self) -> None:
        both = EquilibriumOptimizer([COSH_TO_TANH, SINH_TO_COSH])
        assert after(both, T.sinh(x) + T.sinh(y)) == ["add(tanh(x), tanh(y))"]

    def test_global_and_local_ones_in_turn(self) -> None:
        @optimizer
        def tanh_to_exp(fgraph: Any) -> None:
            in2out(OpSub(T.tanh, T.exp)).optimize(fgraph)

        both = EquilibriumOptimizer([SINH_TO_COSH, tanh_to_exp, COSH_TO_TANH, PatternSub((T.exp, (T.exp, "a")), "a")])
        assert after(both, T.sinh(T.exp(x))) == ["x"]

    def test_a_limit(self) -> None:
        @optimizer
        def wrap(fgraph: Any) -> None:
            fgraph.replace(fgraph.outputs[0], T.exp(T.sin(fgraph.outputs[0].owner.inputs[0])))

        fgraph = FunctionGraph([x], [T.exp(x)])
        with pytest.warns(RewriteBudgetWarning, match="did not come to an end"):
            EquilibriumOptimizer([wrap], max_use_ratio=3).optimize(fgraph)
        assert len(fgraph) == 4, "three rounds for one node"

    def test_requirements_are_attached(self) -> None:
        tracker = ChangeTracker()

        @local_optimizer([T.sinh], requirements=[lambda fgraph: fgraph.attach_feature(tracker)])
        def to_cosh(node: Any) -> Any:
            return [T.cosh(node.inputs[0])]

        for opt in (EquilibriumOptimizer([to_cosh]), in2out(to_cosh), in2out(to_cosh, COSH_TO_TANH)):
            tracker.reset()
            after(opt, T.sinh(x))
            assert tracker.changed


class Test_groups:
    def test_first_or_all(self) -> None:
        node = T.sinh(x).owner
        assert text(LocalOptGroup(COSH_TO_TANH, SINH_TO_COSH).transform(node)[0]) == "cosh(x)"
        assert text(LocalOptGroup(COSH_TO_TANH, SINH_TO_COSH, apply_all_opts=True).transform(node)[0]) == "tanh(x)"
        assert LocalOptGroup(COSH_TO_TANH).transform(node) is False
        assert LocalOptGroup([SINH_TO_COSH]).opts == (SINH_TO_COSH,)

    def test_all_comes_to_an_end(self) -> None:
        there, back = SINH_TO_COSH, OpSub(T.cosh, T.sinh)
        found = LocalOptGroup(there, back, apply_all_opts=True).transform(T.sinh(x).owner)
        assert text(found[0]) in ("sinh(x)", "cosh(x)")

    def test_tracks(self) -> None:
        assert LocalOptGroup(SINH_TO_COSH, COSH_TO_TANH).tracks() == [T.sinh, T.cosh]
        assert LocalOptGroup(SINH_TO_COSH, Order()).tracks() is None

    def test_tags_go_over(self) -> None:
        out = T.sinh(x)
        out.tag.note = "kept"
        for opt, expected in ((OpSub(T.sinh, T.cosh), True), (OpSub(T.sinh, T.cosh, transfer_tags=False), False)):
            assert hasattr(opt.transform(out.owner)[0].tag, "note") is expected


class Test_patterns:
    def test_identities_are_looked_through(self) -> None:
        def behind_neg(v: Any) -> Any:
            return v.owner.inputs[0] if v.owner is not None and v.owner.op == T.neg else None

        out = T.log(-T.exp(x))
        assert after(in2out(PatternSub((T.log, (T.exp, "a")), "a")), out) == [text(out)]
        assert after(in2out(PatternSub((T.log, (T.exp, "a")), "a", skip_identities_fn=behind_neg)), out) == ["x"]

    def test_tracks_and_get_nodes(self) -> None:
        users = lambda node: [n for n in graph[0].apply_nodes if node.outputs[0] in n.inputs]  # noqa: E731
        rule = PatternSub((T.log, (T.exp, "a")), "a", tracks=[T.exp], get_nodes=users)
        graph = [FunctionGraph([x], [T.log(T.exp(x))])]
        in2out(rule).optimize(graph[0])
        assert text(graph[0].outputs[0]) == "x"
        with pytest.raises(ValueError, match="given together"):
            PatternSub((T.log, "a"), "a", tracks=[T.exp])

    def test_numbers_constants_and_variables(self) -> None:
        assert after(in2out(PatternSub((T.mul, "a", 1), "a")), x * 1) == ["x"]
        assert after(in2out(PatternSub((T.sub, "a", "a"), 0)), x - x, x - y) == ["second(x, 0.0)", "sub(x, y)"]
        assert after(in2out(PatternSub((T.sub, "a", "a"), (T.mul, "a", 0))), x - x) == ["mul(x, 0)"]
        two = T.constant(2.0)
        rule = PatternSub((T.pow, "a", two), (T.sqr, "a"))
        pow2 = T.pow(T.dscalar("s"), two)
        fgraph = FunctionGraph([pow2.owner.inputs[0]], [pow2])
        in2out(rule).optimize(fgraph)
        assert text(fgraph.outputs[0]) == "sqr(s)"

    def test_values_equal_approximately(self) -> None:
        close = lambda a, b: True  # noqa: E731
        found = PatternSub((T.sinh, "a"), (T.cosh, "a"), values_eq_approx=close).transform(T.sinh(x).owner)
        assert found[0].tag.values_eq_approx is close

    def test_another_dtype_is_refused(self) -> None:
        to32 = T.Elemwise(T.cast(x, "float32").owner.op.scalar_op)
        assert after(in2out(PatternSub((T.sinh, "a"), (to32, "a"))), T.sinh(x)) == ["sinh(x)"]

    def test_mistakes(self) -> None:
        with pytest.raises(ValueError, match=r"what \['b'\] is"):
            PatternSub((T.sinh, "a"), (T.cosh, "b"))
        with pytest.raises(TypeError, match="start with a specific Op"):
            PatternSub("a", "b")


class Test_expressions:
    def test_greedy(self) -> None:
        twice = PatternSub((T.neg, (T.neg, "a")), "a")
        inner = T.exp(T.neg(-x))
        out = pre_greedy_local_optimizer([twice, SINH_TO_COSH], T.sinh(inner) + inner)
        assert text(out) == "add(cosh(exp(x)), exp(x))"
        assert text(inner) == "exp(neg(neg(x)))", "the expression itself stays"
        plain = T.exp(x) * y
        assert pre_greedy_local_optimizer([twice], plain) is plain
        assert pre_greedy_local_optimizer([twice], x) is x

    def test_greedy_goes_on_with_what_was_made(self) -> None:
        assert text(pre_greedy_local_optimizer([COSH_TO_TANH, SINH_TO_COSH], T.sinh(x))) == "tanh(x)"
        assert text(pre_greedy_local_optimizer([Wrap()], T.exp(x))).startswith("exp(sin(sin(")

    def test_greedy_is_not_recursive(self) -> None:
        out = x
        for _ in range(3000):
            out = T.sin(out)
        pre_greedy_local_optimizer([SINH_TO_COSH], T.sinh(out))

    def test_constants(self) -> None:
        a, b = T.constant([1.0, 2.0]), T.constant([1.0, 2.0])
        outputs = [x + a, x * b]
        merged = pre_constant_merge(outputs)
        assert merged[0].owner.inputs[1] is merged[1].owner.inputs[1]
        assert outputs[1].owner.inputs[1] is b
        for got, want in zip(evaluate(merged, {x: np.ones(2)}), evaluate(outputs, {x: np.ones(2)})):
            np.testing.assert_array_equal(got, want)
        assert pre_constant_merge([x])[0] is x

    def test_chains(self) -> None:
        out = T.exp(-x)
        assert check_chain(out, T.exp, T.neg, None) and check_chain(out.owner, T.exp) and check_chain(out, T.Elemwise)
        assert not check_chain(out, T.neg) and not check_chain(out, T.exp, None) and not check_chain(x, T.exp)
        assert check_chain(x, None) and not check_chain(out, T.exp, T.neg, None, None)
        assert merge_dict({1: 2, 3: 4}, {3: 5}) == {1: 2, 3: 5}


class Test_alternatives:
    class Choice(LocalMetaOptimizer):
        def provide_inputs(self, node: Any, inputs: Any) -> Any:
            return {v: np.ones(3) for v in inputs}

        def time_call(self, fn: Any) -> float:
            fn()
            return next(self.seconds)

    @pytest.mark.parametrize(
        "seconds, expected", [([3, 2, 1], "tanh(x)"), ([3, 1, 2], "cosh(x)"), ([1, 2, 3], "sinh(x)")])
    def test_the_fastest_wins(self, seconds: Any, expected: str) -> None:
        choice = self.Choice()
        choice.seconds = iter(seconds)
        choice.register(SINH_TO_COSH, ["a"])
        choice.register(OpSub(T.sinh, T.tanh), ["b"])
        assert choice.tracks() == [T.sinh]
        assert after(in2out(choice, ignore_newtrees=True), T.sinh(x)) == [expected]

    def test_tags_choose(self) -> None:
        choice = self.Choice()
        choice.seconds = iter([3, 2, 1])
        choice.register(SINH_TO_COSH, ["a"])
        choice.register(OpSub(T.sinh, T.tanh), ["b"])
        with theano.change_flags(metaopt__optimizer_excluding="b"):
            assert after(in2out(choice, ignore_newtrees=True), T.sinh(x)) == ["cosh(x)"]
        choice.seconds = iter([3, 2, 1])
        with theano.change_flags(metaopt__optimizer_including="b"):
            assert after(in2out(choice, ignore_newtrees=True), T.sinh(x)) == ["tanh(x)"]

    def test_what_fails_is_left_out(self, caplog: Any) -> None:
        @local_optimizer([T.sinh])
        def broken(node: Any) -> Any:
            raise RuntimeError("no good")

        @local_optimizer([T.sinh])
        def not_now(node: Any) -> Any:
            raise LocalMetaOptimizerSkipAssertionError

        with theano.change_flags(metaopt__verbose=1):
            choice = self.Choice()
        for opt in (broken, not_now, SINH_TO_COSH):
            choice.register(opt)
        choice.seconds = iter([3, 2])
        assert after(in2out(choice, ignore_newtrees=True), T.sinh(x)) == ["cosh(x)"]
        assert "no good" in caplog.text and "not_now" not in caplog.text

    def test_within_the_pipeline_it_does_not_time_itself(self) -> None:
        choice = self.Choice()
        choice.seconds = iter([2, 1])
        choice.register(SINH_TO_COSH)
        optdb = theano.compile.mode.optdb
        optdb["specialize"].register("choice", choice, "fast_run")
        try:
            f = theano.function([x], T.sinh(x))
        finally:
            optdb["specialize"].unregister("choice")
        assert text(f.maker.fgraph.outputs[0]).startswith("cosh")

    def test_no_values(self) -> None:
        class NoValues(LocalMetaOptimizer):
            def provide_inputs(self, node: Any, inputs: Any) -> Any:
                return {}

        choice = NoValues()
        choice.register(SINH_TO_COSH)
        assert after(in2out(choice), T.sinh(x)) == ["sinh(x)"]
        with pytest.raises(TypeError, match="which ops"):
            choice.register(Order())


class Test_small_things:
    def test_updater(self) -> None:
        log: list[Any] = []
        feature = Updater(lambda g, n, r: log.append(("in", n.op)), lambda g, n, r: log.append(("out", n.op)),
                          lambda g, n, i, a, b, r: log.append(("change", i)), name="mine")
        fgraph = FunctionGraph([x], [T.exp(T.sin(x))], features=[feature])
        fgraph.replace(fgraph.outputs[0].owner.inputs[0], T.cos(fgraph.inputs[0]))
        assert log == [("in", T.cos), ("change", 0), ("out", T.sin)]
        assert "mine" in str(feature)
        Updater(None, None, None).on_import(fgraph, fgraph.outputs[0].owner, None)

    def test_merging_is_built_in(self) -> None:
        fgraph = FunctionGraph([x], [T.exp(x) + T.exp(x)], features=[MergeFeature()])
        MergeOptimizer().optimize(fgraph)
        assert len(fgraph) == 2

    def test_sequences(self) -> None:
        one = in2out(SINH_TO_COSH)
        assert after(SeqOptimizer(one, in2out(COSH_TO_TANH)), T.sinh(x)) == ["tanh(x)"]
        assert after(SeqOptimizer([one]), T.sinh(x)) == ["cosh(x)"]
        assert after(SeqOptimizer(), T.sinh(x)) == ["sinh(x)"]
        assert after(SeqOptimizer(in2out(OpRemove(T.neg))), -x) == ["x"]

    def test_summaries(self, capsys: Any) -> None:
        both = EquilibriumOptimizer([SINH_TO_COSH], name="mine")
        SeqOptimizer(in2out(SINH_TO_COSH, COSH_TO_TANH), both).print_summary()
        printed = capsys.readouterr().out
        assert "SeqOptimizer" in printed and "EquilibriumOptimizer mine" in printed and "OpSub" in printed

    def test_inplace_is_a_word_only(self) -> None:
        @inplace_optimizer
        def swap(fgraph: Any) -> None:
            fgraph.replace(fgraph.outputs[0], T.cos(fgraph.inputs[0]))

        assert after(swap, T.exp(x)) == ["cos(x)"]

    def test_stack_traces(self) -> None:
        out = T.sinh(x)
        with inherit_stack_trace(out):
            new = T.cosh(x)
        assert new.owner.origin is out.owner.origin
        fgraph = FunctionGraph([x], [out])
        fgraph.outputs[0].owner.origin = None
        with pytest.raises(AssertionError, match="do not know"):
            check_stack_trace(fgraph)
        assert not check_stack_trace(fgraph, T.sinh, bug_print="ignore")
        assert check_stack_trace(fgraph, T.cosh)
        with pytest.warns(UserWarning, match="do not know"):
            check_stack_trace(fgraph, "all", bug_print="warn")
        with pytest.raises(ValueError):
            check_stack_trace(fgraph, bug_print="shout")

    @pytest.mark.parametrize("how", ["raise", "warn", "log", "off"])
    def test_stack_traces_are_watched(self, how: str, caplog: Any) -> None:
        node = T.cosh(x)
        node.owner.origin = None
        fgraph = FunctionGraph([x], [T.exp(T.sinh(x))], clone=False)
        CheckStackTraceOptimization().optimize(fgraph)
        CheckStackTraceOptimization().optimize(fgraph)
        assert len(fgraph._features) == 1
        with theano.change_flags(check_stack_trace=how):
            if how == "raise":
                with pytest.raises(AssertionError, match="does not know"):
                    fgraph.replace(fgraph.outputs[0], node)
            elif how == "warn":
                with pytest.warns(UserWarning, match="does not know"):
                    fgraph.replace(fgraph.outputs[0], node)
            else:
                fgraph.replace(fgraph.outputs[0], node)
        assert ("does not know" in caplog.text) is (how == "log")


def test_rules_of_the_pipelines_kind() -> None:
    from theano.rewriting.pattern import rule, wild

    a = wild("a")
    decay = rule("decay", T.cosh(a) - T.sinh(a), T.exp(-a))
    out = T.cosh(x) - T.sinh(x) + T.sin(x)
    group = LocalOptGroup(decay)
    for opt in (in2out(decay), out2in(decay, SINH_TO_COSH), EquilibriumOptimizer([decay]), in2out(group)):
        (found,) = after(opt, out)
        assert "exp(neg(x))" in found
    assert after(in2out(decay), T.sin(x)) == ["sin(x)"]
