"""Features for users' rewrites: undoing, validation, indices, tracing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symbols import Arithmetic, chain, integer, plus, quotient, succ, symbols, times

from theano.errors import InconsistencyError, ReplacementDidntRemovedError
from theano.gof.toolbox import (
    BadOptimization,
    Bookkeeper,
    Feature,
    History,
    NodeFinder,
    NoOutputFromInplace,
    PreserveNames,
    PreserveVariableAttributes,
    PrintListener,
    ReplaceValidate,
    Validator,
)
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph


def graph_of(*outputs, inputs, features=()):
    return FunctionGraph(inputs, outputs, clone=False, features=features)


def run(fgraph, *values):
    fgraph.check_integrity()
    return evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values)))


def shape(fgraph):
    """The structure of a graph: its nodes with their inputs, and its outputs."""
    return {(node, *node.inputs) for node in fgraph.toposort()}, list(fgraph.outputs)


class No(Feature):
    """Not content with a graph that has `op` in it."""

    def __init__(self, op):
        self.op = op

    def validate(self, fgraph):
        if any(node.op == self.op for node in fgraph.apply_nodes):
            raise InconsistencyError(f"no {self.op}")


class Test_callbacks:
    def test_a_listener_of_any_class(self):
        class Plain:
            heard = ()

            def on_import(self, fgraph, node, reason):
                self.heard += (node.op,)

        x = integer("x")
        plain = Plain()
        fgraph = graph_of(succ(x), inputs=[x])
        fgraph.attach_feature(plain)
        fgraph.replace(fgraph.outputs[0], times(x, 2))
        assert plain.heard == (times,)
        fgraph.remove_feature(plain)
        fgraph.replace(fgraph.outputs[0], succ(x))
        assert plain.heard == (times,)

    def test_calling_and_collecting(self):
        class Counts(Feature):
            def count(self, fgraph, step=1):
                self.total = getattr(self, "total", 0) + step
                return self.total

        x = integer("x")
        a, b = Counts(), Counts()
        fgraph = graph_of(succ(x), inputs=[x], features=[a, Feature(), b])
        fgraph.execute_callbacks("count", step=2)
        assert fgraph.collect_callbacks("count") == {a: 3, b: 3}
        assert fgraph.orderings() == {}

    def test_a_feature_that_leaves_while_it_is_told(self):
        class Once(Feature):
            def __init__(self):
                self.heard = 0

            def on_import(self, fgraph, node, reason):
                self.heard += 1
                fgraph.remove_feature(self)

        x = integer("x")
        one, two = Once(), Once()
        fgraph = graph_of(x, inputs=[x], features=[one, two])
        fgraph.replace(fgraph.outputs[0], chain(x, 3))
        assert (one.heard, two.heard) == (1, 1)

    def test_bookkeeper(self):
        class Ops(Bookkeeper):
            def __init__(self):
                self.nodes = set()

            def on_import(self, fgraph, node, reason):
                self.nodes.add(node)

            def on_prune(self, fgraph, node, reason):
                self.nodes.remove(node)

        x = integer("x")
        ops = Ops()
        fgraph = graph_of(chain(x, 3), inputs=[x], features=[ops])
        fgraph.replace(fgraph.outputs[0], times(x, 2))
        assert ops.nodes == fgraph.apply_nodes and len(ops.nodes) == 1
        fgraph.remove_feature(ops)
        assert not ops.nodes


class Test_history:
    def test_back_to_a_checkpoint(self):
        x, y = symbols("x y")
        a, b = succ(x), succ(y)
        fgraph = graph_of(times(succ(a), succ(b)), inputs=[x, y], features=[History()])
        start, before = fgraph.checkpoint(), shape(fgraph)
        fgraph.replace(b, a)  # two pairs of nodes become one
        middle, between = fgraph.checkpoint(), shape(fgraph)
        fgraph.replace(a, times(x, 100))
        fgraph.change_input("output", 0, y)
        assert run(fgraph, 1, 2) == [2]
        fgraph.revert(middle)
        assert shape(fgraph) == between and run(fgraph, 1, 2) == [9]
        fgraph.revert(start)
        assert shape(fgraph) == before and run(fgraph, 1, 2) == [12]
        fgraph.replace(b, a)
        assert len(fgraph) == 3 and run(fgraph, 1, 2) == [9], "merging goes on"

    def test_mistakes_and_leaving(self):
        x = integer("x")
        history = History()
        fgraph = graph_of(succ(x), inputs=[x], features=[history])
        with pytest.raises(ValueError, match="no checkpoint 5"):
            fgraph.revert(5)
        fgraph.attach_feature(History())  # not needed
        assert len(fgraph._features) == 1
        fgraph.remove_feature(history)
        assert not hasattr(fgraph, "revert") and not hasattr(fgraph, "checkpoint")


operation = st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 20))


@settings(max_examples=200)
@given(
    links=st.lists(operation, min_size=2, max_size=10),
    first=st.lists(operation, max_size=4),
    second=st.lists(operation, min_size=1, max_size=6),
    merge=st.booleans(),
)
def test_anything_can_be_undone(links, first, second, merge):
    x, y = symbols("x y")
    values = [x, y]
    for kind, a, b in links:
        a, b = values[a % len(values)], values[b % len(values)]
        values.append((succ(a), plus(a, b), quotient(a, 3)[0])[kind])
    fgraph = FunctionGraph([x, y], values[-3:], features=[History()], merge=merge)

    def change(steps):
        for kind, a, b in steps:
            here = [*fgraph.inputs, *(v for node in fgraph.toposort() for v in node.outputs)]
            old, other = here[a % len(here)], here[b % len(here)]
            fgraph.replace(old, (other, plus(other, old), times(other, 2))[kind])

    change(first)
    mark, before = fgraph.checkpoint(), shape(fgraph)
    change(second)
    fgraph.revert(mark)
    fgraph.check_integrity()
    assert shape(fgraph) == before
    change(second)
    fgraph.check_integrity()
    fgraph.revert(mark)
    assert shape(fgraph) == before
    if merge:
        contents = [fgraph._content(node) for node in fgraph.apply_nodes]
        assert len(set(contents)) == len(contents)


class Test_validation:
    def test_every_feature_is_asked(self):
        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x], features=[Validator(), No(times)])
        fgraph.validate()
        assert fgraph.consistent()
        fgraph.replace(fgraph.outputs[0], times(x, 2))
        assert not fgraph.consistent()
        with pytest.raises(InconsistencyError, match="no times"):
            fgraph.validate()

    def test_what_is_refused_is_undone(self):
        x, y = symbols("x y")
        a, b = succ(x), succ(y)
        fgraph = graph_of(plus(a, b), inputs=[x, y], features=[ReplaceValidate(), No(times)])
        before = shape(fgraph)
        for pairs in ([(a, times(x, 2))], [(a, y), (b, times(x, 2))], [(b, succ(succ(times(x, x))))]):
            with pytest.raises(InconsistencyError):
                fgraph.replace_all_validate(pairs, "mine")
            assert shape(fgraph) == before
        with pytest.raises(InconsistencyError):
            fgraph.replace_validate(a, times(x, 2), reason="mine")
        mark = fgraph.replace_validate(a, x)
        assert run(fgraph, 1, 2) == [4]
        fgraph.revert(mark)
        assert shape(fgraph) == before

    def test_what_raises_is_undone(self):
        from theano.graph.type import generic

        x, y = symbols("x y")
        fgraph = graph_of(plus(succ(x), succ(y)), inputs=[x, y], features=[ReplaceValidate()])
        before = shape(fgraph)
        a, b = fgraph.outputs[0].owner.inputs
        with pytest.raises(TypeError):
            fgraph.replace_all_validate([(a, y), (b, generic())])
        assert shape(fgraph) == before

    def test_what_must_go(self, capsys):
        x = integer("x")
        a = succ(x)
        fgraph = graph_of(times(a, 2), a, inputs=[x], features=[ReplaceValidate()])
        before = shape(fgraph)
        for what in (a.owner, a):
            with pytest.raises(ReplacementDidntRemovedError, match="still in the graph"):
                fgraph.replace_all_validate_remove([(fgraph.outputs[0], x)], [what], reason="mine")
            assert shape(fgraph) == before
        assert "mine" in capsys.readouterr().err
        fgraph.replace_all_validate_remove([(a, x)], [a.owner, a], reason="mine")
        assert run(fgraph, 4) == [8, 4]

    def test_attached_once(self):
        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x], features=[Validator(), History(), ReplaceValidate(), ReplaceValidate()])
        assert [type(f) for f in fgraph._features] == [ReplaceValidate]
        fgraph.disown()
        for name in ("validate", "consistent", "checkpoint", "revert", "replace_validate", "replace_all_validate"):
            assert not hasattr(fgraph, name)

    def test_outputs_made_in_place(self):
        class InPlace(Arithmetic):
            destroy_map = {0: [0]}

        x = integer("x")
        outputs = [InPlace("in_place", abs)(x), succ(x)]
        fgraph = graph_of(*outputs, inputs=[x], features=[Validator(), NoOutputFromInplace()])
        with pytest.raises(InconsistencyError, match="in_place, which overwrites one of its inputs"):
            fgraph.validate()
        graph_of(*outputs, inputs=[x], features=[Validator(), NoOutputFromInplace(1)]).validate()


class Test_finding_and_telling:
    def test_nodes_of_an_op(self):
        x = integer("x")
        fgraph = graph_of(plus(succ(succ(x)), times(x, 2)), inputs=[x], features=[NodeFinder()])
        assert [node.op for node in fgraph.get_nodes(succ)] == [succ, succ] and fgraph.get_nodes(quotient) == []
        fgraph.replace(fgraph.get_nodes(succ)[1].outputs[0], x)
        assert fgraph.get_nodes(succ) == []
        with pytest.raises(TypeError, match="has no hash"):
            fgraph.get_nodes([])
        (finder,) = fgraph._features
        fgraph.attach_feature(NodeFinder())
        assert fgraph._features == [finder]
        fgraph.remove_feature(finder)
        assert not hasattr(fgraph, "get_nodes")

    def test_listening(self, capsys):
        x = integer("x")
        listener = PrintListener()
        fgraph = graph_of(succ(x), inputs=[x], features=[listener])
        fgraph.replace(fgraph.outputs[0], times(x, 2), "doubling")
        fgraph.remove_feature(listener)
        printed = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in printed] == [
            "-- attaching to", "-- importing", "-- changing", "-- pruning", "-- detaching from"]
        assert "doubling" in printed[2]
        listener.active = False
        fgraph.attach_feature(listener)
        assert not capsys.readouterr().out

    def test_names_and_notes_are_kept(self):
        x = integer("x")
        for feature, noted in ((PreserveNames(), False), (PreserveVariableAttributes(), True)):
            a = succ(x)
            a.name, a.tag.note, a.tag.other = "a", 1, 2
            fgraph = graph_of(a, inputs=[x], features=[feature])
            new = times(x, 2)
            new.tag.other = 3
            fgraph.change_input("output", 0, new)
            assert new.name == "a" and new.tag.other == 3 and hasattr(new.tag, "note") is noted

    def test_the_error_of_a_bad_rewrite(self):
        from theano.compile import debugmode

        error = BadOptimization("a", "b", 1, 2, reason="mine", old_graph="old", new_graph="new")
        assert error.old_r_val == 1 and error.new_r == "b"
        assert "mine replaced a by b: 1 became 2" in str(error)
        assert issubclass(debugmode.BadOptimization, BadOptimization)
