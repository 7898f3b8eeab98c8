"""FunctionGraph: merging, replacement, pruning, features, copies."""

import pickle

import pytest
from symbols import chain, integer, plus, quotient, succ, symbols, times

from theano.errors import MissingInputError
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import AlreadyThere, Feature, FunctionGraph
from theano.graph.type import generic


def graph_of(*outputs, inputs, **options):
    return FunctionGraph(inputs, outputs, clone=False, **options)


def run(fgraph, *values):
    return evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values)))


class Listener(Feature):
    def __init__(self):
        self.heard = []

    def on_attach(self, fgraph):
        self.heard.append("attach")

    def on_detach(self, fgraph):
        self.heard.append("detach")

    def on_import(self, fgraph, node, reason):
        self.heard.append(("import", str(node), reason))

    def on_prune(self, fgraph, node, reason):
        self.heard.append(("prune", str(node.op), reason))

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        self.heard.append(("change", i, reason))


class Test_building:
    def test_the_users_graph_is_copied(self):
        x = integer("x")
        y = succ(x)
        fgraph = FunctionGraph([x], [y])
        assert fgraph.inputs[0] is not x and fgraph.outputs[0] is not y
        assert run(fgraph, 4) == [5]

    def test_a_missing_input_is_named_with_its_line(self):
        x, y = integer("x"), integer("y")
        with pytest.raises(MissingInputError, match=r"y \(type Integer\)(.|\n)*test_fgraph"):
            FunctionGraph([x], [plus(x, y)])

    def test_equal_nodes_are_one(self):
        x = integer("x")
        fgraph = FunctionGraph([x], [times(succ(x), succ(x)), succ(x)])
        assert len(fgraph) == 2
        assert run(fgraph, 2) == [9, 3]

    def test_equal_constants_are_one(self):
        x = integer("x")
        fgraph = FunctionGraph([x], [plus(times(x, 3), 3), plus(x, 4)])
        assert sorted(v.data for v in fgraph.variables if hasattr(v, "data")) == [3, 4]

    def test_merging_goes_up(self):
        x = integer("x")
        fgraph = FunctionGraph([x], [chain(x, 5), chain(x, 5)])
        assert len(fgraph) == 5 and fgraph.outputs[0] is fgraph.outputs[1]

    def test_without_merging(self):
        x = integer("x")
        assert len(FunctionGraph([x], [succ(x), succ(x)], merge=False)) == 2

    def test_membership_and_text(self):
        x = integer("x")
        y = succ(x)
        fgraph = graph_of(y, inputs=[x])
        assert y in fgraph and y.owner in fgraph and integer() not in fgraph
        assert "1 nodes" in str(fgraph)


class Test_replace:
    def test_uses_and_pruning(self):
        x = integer("x")
        a = succ(x)
        b = times(a, a)
        c = plus(b, x)
        fgraph = graph_of(c, inputs=[x])
        fgraph.replace(a, x, "because")
        assert run(fgraph, 3) == [12]
        assert a.owner not in fgraph and len(fgraph) == 2
        assert fgraph.get_clients(x) and fgraph.get_clients(a) == []

    def test_an_output_can_be_replaced(self):
        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x])
        fgraph.replace(fgraph.outputs[0], times(x, 10))
        assert run(fgraph, 3) == [30] and len(fgraph) == 1

    def test_nodes_that_become_equal_are_merged(self):
        x, y = symbols("x y")
        a, b = succ(x), succ(y)
        fgraph = graph_of(times(succ(a), succ(b)), inputs=[x, y])
        assert len(fgraph) == 5
        fgraph.replace(b, a)
        assert len(fgraph) == 3
        assert run(fgraph, 1, 100) == [9]

    def test_new_nodes_merge_with_old_ones(self):
        x = integer("x")
        a = succ(x)
        b = times(a, 2)
        fgraph = graph_of(b, a, inputs=[x])
        fgraph.replace(b, plus(succ(x), 0))
        assert len(fgraph) == 2 and run(fgraph, 1) == [2, 2]

    def test_names_are_kept(self):
        x = integer("x")
        y = succ(x)
        y.name = "y"
        fgraph = graph_of(y, inputs=[x])
        fgraph.replace(y, plus(x, 1))
        assert fgraph.outputs[0].name == "y"

    def test_types_are_checked(self):
        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x])
        with pytest.raises(TypeError):
            fgraph.replace(fgraph.outputs[0], generic())

    def test_several_at_once(self):
        x, y = symbols("x y")
        a, b = succ(x), succ(y)
        fgraph = graph_of(plus(a, b), inputs=[x, y])
        fgraph.replace_all([(a, times(x, 2)), (b, times(y, 3))])
        assert run(fgraph, 1, 1) == [5]

    def test_change_input(self):
        x, y = symbols("x y")
        z = plus(x, y)
        fgraph = graph_of(z, inputs=[x, y])
        fgraph.change_input(z.owner, 1, succ(x))
        assert run(fgraph, 1, 50) == [3]
        fgraph.change_input("output", 0, y)
        assert run(fgraph, 1, 50) == [50] and len(fgraph) == 0

    def test_outputs_of_one_node_live_together(self):
        x = integer("x")
        q, r = quotient(x, 3)
        fgraph = graph_of(plus(q, r), inputs=[x])
        fgraph.replace(q, x)
        assert q.owner in fgraph and run(fgraph, 7) == [8]
        fgraph.replace(r, x)
        assert q.owner not in fgraph and run(fgraph, 7) == [14]

    def test_integrity_after_many_changes(self):
        x = integer("x")
        fgraph = graph_of(chain(x, 50), chain(times(x, 2), 50), inputs=[x])
        for node in list(fgraph.toposort()):
            if node in fgraph and node.op == succ and node.inputs[0].owner is not None:
                fgraph.replace(node.outputs[0], plus(node.inputs[0], 1))
                fgraph.check_integrity()
        assert run(fgraph, 1) == [51, 52]


class Test_inputs_and_outputs:
    def test_adding(self):
        x, y = symbols("x y")
        fgraph = graph_of(succ(x), inputs=[x])
        fgraph.add_input(y)
        fgraph.add_output(plus(x, y))
        assert run(fgraph, 1, 2) == [2, 3]


class Test_features:
    def test_what_they_hear(self):
        x = integer("x")
        y = succ(x)
        fgraph = graph_of(y, inputs=[x])
        listener = Listener()
        fgraph.attach_feature(listener)
        fgraph.replace(y, times(x, 2), "doubling")
        fgraph.remove_feature(listener)
        fgraph.replace(fgraph.outputs[0], x)
        assert listener.heard == [
            "attach", ("import", "times(x, Constant{2})", "doubling"), ("change", 0, "doubling"),
            ("prune", "succ", "doubling"), "detach",
        ]  # fmt: skip

    def test_an_equal_feature_is_not_attached_twice(self):
        class Once(Feature):
            def on_attach(self, fgraph):
                raise AlreadyThere

        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x])
        listener = Listener()
        for feature in (Once(), listener, listener):
            fgraph.attach_feature(feature)
        assert listener.heard == ["attach"]
        fgraph.disown()
        assert listener.heard == ["attach", "detach"]

    def test_orderings(self):
        x, y = symbols("x y")
        a, b = succ(x), times(y, 2)

        class BeforeA(Feature):
            def orderings(self, fgraph):
                return {a.owner: [b.owner]}

        fgraph = graph_of(a, b, inputs=[x, y])
        assert fgraph.toposort() == [a.owner, b.owner]
        fgraph.attach_feature(BeforeA())
        assert fgraph.toposort() == [b.owner, a.owner]


class Test_copies:
    def test_clone(self):
        x = integer("x")
        fgraph = FunctionGraph([x], [times(succ(x), succ(x))])
        copied, memo = fgraph.clone_get_equiv()
        assert memo[fgraph.outputs[0]] is copied.outputs[0]
        assert not set(copied.variables) & set(fgraph.variables) - {v for v in fgraph.variables if hasattr(v, "data")}
        copied.replace(copied.outputs[0], copied.inputs[0])
        assert run(fgraph, 3) == [16] and run(copied, 3) == [3]

    def test_pickle(self):
        x, y = symbols("x y")
        fgraph = FunctionGraph([x, y], [plus(succ(x), y), x], update_mapping={1: 0})
        again = pickle.loads(pickle.dumps(fgraph))
        assert run(again, 1, 5) == [7, 1]
        assert again.update_mapping == {1: 0} and [v.name for v in again.inputs] == ["x", "y"]
        again.check_integrity()

    def test_100_000_links(self):
        x = integer("x")
        fgraph = FunctionGraph([x], [chain(x, 100_000)])
        assert len(fgraph) == 100_000
        assert run(pickle.loads(pickle.dumps(fgraph)), 1) == [100_001]
        fgraph.replace(fgraph.outputs[0], fgraph.inputs[0])
        assert len(fgraph) == 0
