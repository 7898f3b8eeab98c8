"""theano.explain: passes, rules and where they were applied, graphs between passes, what runs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.pipeline import PIPELINE, optdb
from theano.gof.opt import local_optimizer
from theano.graph.evaluate import evaluate
from theano.scan_module import scan

x, y = T.dvectors("x", "y")


def test_passes_and_counts_are_those_of_the_function() -> None:
    f = theano.function([x, y], T.log(T.exp(x) + T.exp(y)) + T.zeros_like(x))
    found = f.explain()
    assert [p.name for p in found.passes] == [p.name for p in PIPELINE if p.only_with is None]
    assert [p.fired for p in found.passes] == [p.fired for p in f.maker.report.passes]
    assert found.passes[0].nodes_before == len(found.written.apply_nodes) == f.maker.report.nodes_before
    assert found.passes[-1].nodes_after == len(f.maker.fgraph.apply_nodes)
    assert {name: use.count for name, use in found.rules.items()} == f.maker.report.fired()
    assert found.program is f.program


def test_every_change_says_what_became_what_and_where() -> None:
    out = T.log(1 + T.exp(x))  # the line
    found = theano.explain(out)
    (change,) = found.rules["log1p"].changes
    assert (change.before, change.after) == ("log((1 + exp(x)))", "log1p(exp(x))")
    assert change.in_pass == "stabilize"
    file, _, function, text = change.origin.frames()[0]
    assert file == __file__ and function.startswith("test_every_change") and text.endswith("# the line")
    assert set(map(str, found.changes)) >= {str(change)}
    assert f"{__file__}:" in str(found) and "# the line" in str(found)


def test_all_graphs_between_passes_compute_the_same() -> None:
    outputs = [T.log(T.exp(x).sum()), T.dot(x, y) / (1 + T.exp(-y)), T.nnet.softmax(x)]
    found = theano.explain([x, y], outputs)
    values = [np.array([0.5, -1.0, 3.0]), np.array([1.5, 0.0, -2.0])]
    want = evaluate(found.written.outputs, dict(zip(found.written.inputs, values)))
    for p in found.passes:
        graph = found.graph_after(p.name)
        for a, b in zip(evaluate(graph.outputs, dict(zip(graph.inputs, values))), want):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        assert len(graph.apply_nodes) == p.nodes_after
    assert found.graph_after("blas") is found.graph_after("use BLAS")


def test_graphs_are_copies() -> None:
    f = theano.function([x], T.exp(x) * 2)
    found = f.explain()
    graphs = [found.written, *(found.graph_after(p.name) for p in found.passes)]
    nodes = [node for graph in graphs for node in graph.apply_nodes]
    assert len(set(nodes)) == len(nodes) and f.maker.fgraph.apply_nodes.isdisjoint(nodes)
    assert f([1.0]) == np.exp(1.0) * 2


def test_a_name_of_no_pass_is_refused() -> None:
    with pytest.raises(ValueError, match="No pass 'stabilise' ran; there were 'drop useless nodes', 'canonicalize'"):
        theano.explain(T.exp(x)).graph_after("stabilise")
    quick = theano.explain([x], T.exp(x), "FAST_COMPILE")
    with pytest.raises(ValueError, match="No pass 'specialize' ran"):
        quick.graph_after("specialize")


def test_modes_updates_and_givens() -> None:
    w = theano.shared(np.ones(3), "w")
    step = theano.explain([x], (w * y).sum(), updates=[(w, w - 0.1 * x)], givens={y: 2 * x})
    assert len(step.written.outputs) == 2 and step.program is not None
    only_updates = theano.explain([x], updates=[(w, w + x)])
    assert len(only_updates.written.outputs) == 1
    reference = theano.explain([x], T.log(1 + T.exp(x)), "reference")
    assert reference.program is None and "node by node: 4 nodes" in str(reference)


def test_shared_values_and_constants_are_no_inputs() -> None:
    w = theano.shared(np.ones(3), "w")
    found = theano.explain([w * x + np.arange(3), y])
    assert [v.name for v in found.written.inputs] == ["x", "y", "w"]


def test_copies_are_explained_and_unpickled_functions_refuse() -> None:
    w, other = theano.shared(np.ones(3), "w"), theano.shared(np.zeros(3), "other")
    f = theano.function([x], T.log(1 + T.exp(w * x)), updates=[(w, w + x)])
    copy = f.copy(swap={w: other}, delete_updates=True)
    assert copy.explain().rules.keys() == f.explain().rules.keys()
    with pytest.raises(ValueError, match="its expressions are not known"):
        pickle.loads(pickle.dumps(f)).explain()


def test_wrong_arguments() -> None:
    f = theano.function([x], x + 1)
    with pytest.raises(TypeError, match="give no outputs"):
        theano.explain(f, x)
    with pytest.raises(TypeError, match="explain takes a compiled function or expressions, got 3"):
        theano.explain(3)


def test_loops_are_prepared_as_for_the_function() -> None:
    results, _ = scan(lambda a, total: a + total, sequences=x, outputs_info=T.zeros(()))
    f = theano.function([x], results[-1])
    assert f.explain().rules.keys() == f.maker.report.fired().keys()


def test_rules_that_fail_are_told() -> None:
    @local_optimizer([T.exp])
    def broken(node: object) -> None:
        raise RuntimeError("on purpose")

    optdb["canonicalize"].register("broken", broken, "fast_run")
    try:
        with theano.config.change_flags(on_opt_error="ignore"):
            assert "broken failed and was skipped: RuntimeError: on purpose" in str(theano.explain(T.exp(x)))
    finally:
        optdb["canonicalize"].unregister("broken")
