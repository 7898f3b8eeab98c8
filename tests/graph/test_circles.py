"""Replacements by something that is computed from what is replaced, and changes that would close a circle."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symbols import Arithmetic, chain, integer, plus, quotient, succ, symbols, times

from theano.errors import InconsistencyError
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph

same = Arithmetic("same", lambda x: x)


def graph_of(*outputs, inputs, **options):
    return FunctionGraph(inputs, outputs, clone=False, **options)


def run(fgraph, *values):
    fgraph.check_integrity()
    return evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values)))


class Test_wrapping:
    def test_what_computes_the_new_value_keeps_the_old(self):
        x = integer("x")
        a = succ(x)
        fgraph = graph_of(times(a, a), a, inputs=[x])
        fgraph.replace(a, times(a, 10))
        assert run(fgraph, 1) == [400, 20]

    def test_an_input(self):
        x = integer("x")
        fgraph = graph_of(succ(x), x, inputs=[x])
        fgraph.replace(x, times(x, 2))
        assert run(fgraph, 5) == [11, 10]

    def test_again_and_again(self):
        x = integer("x")
        fgraph = graph_of(succ(x), inputs=[x])
        for _ in range(3):
            fgraph.replace(x, times(x, 2))
        assert run(fgraph, 5) == [11], "the same wrapper merges, and stays"
        fgraph.replace(x, plus(x, 1))
        assert run(fgraph, 5) == [13]

    def test_built_anew_it_merges_with_the_old(self):
        """The new expression holds no variable of the graph, but a node that is equal to the one it replaces."""
        x = integer("x")
        fgraph = graph_of(times(succ(x), 3), succ(x), inputs=[x])
        fgraph.replace(fgraph.outputs[1], times(succ(x), 10))
        assert run(fgraph, 1) == [60, 20]

    def test_through_nodes_that_are_there_already(self):
        """`new` is the square of the old value, which an output shows: on the way to it the old value stays."""
        x = integer("x")
        a = succ(x)
        square = times(a, a)
        fgraph = graph_of(plus(a, 1), square, inputs=[x])
        fgraph.replace(a, square)
        assert run(fgraph, 2) == [10, 9]
        fgraph = graph_of(plus(a, 1), square, inputs=[x])
        fgraph.replace(a, plus(square, 100))
        assert run(fgraph, 2) == [110, 9]

    def test_one_of_two_outputs(self):
        x = integer("x")
        q, r = quotient(x, 3)
        fgraph = graph_of(plus(q, r), q, inputs=[x])
        fgraph.replace(q, times(r, 10))
        assert run(fgraph, 8) == [22, 20]
        fgraph.replace(r, plus(r, 1))
        assert run(fgraph, 8) == [33, 30]

    def test_several_at_once(self):
        x, y = symbols("x y")
        a, b = succ(x), succ(y)
        fgraph = graph_of(plus(a, b), a, b, inputs=[x, y])
        fgraph.replace_all([(a, times(a, 2)), (b, times(b, 3))])
        assert run(fgraph, 1, 1) == [10, 4, 6]

    def test_a_long_chain_is_wrapped_everywhere(self):
        x = integer("x")
        fgraph = graph_of(chain(x, 300), inputs=[x])
        for node in fgraph.toposort():
            fgraph.replace(node.outputs[0], same(node.outputs[0]))
        assert len(fgraph) == 600 and run(fgraph, 0) == [300]


class Test_changing_one_input:
    def test_a_circle_is_refused(self):
        x = integer("x")
        a = succ(x)
        b = times(a, 2)
        fgraph = graph_of(b, inputs=[x])
        for new in (a, b, plus(b, 1), plus(times(a, 2), 7)):
            with pytest.raises(InconsistencyError, match=r"Input 0 of succ\(x\) cannot become .*circle.*use replace"):
                fgraph.change_input(a.owner, 0, new)
        assert run(fgraph, 1) == [4]

    def test_what_lies_beside_is_fine(self):
        x = integer("x")
        a = succ(x)
        fgraph = graph_of(times(a, 2), plus(x, 5), inputs=[x])
        fgraph.change_input(a.owner, 0, fgraph.outputs[1])
        assert run(fgraph, 1) == [14, 6]
        fgraph.change_input("output", 0, succ(fgraph.outputs[0]))
        assert run(fgraph, 1) == [15, 6]


@settings(max_examples=200)
@given(
    links=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 3)), max_size=6),
)
def test_no_replacement_closes_a_circle(links, changes):
    """Any variable by any other, or by something computed from it: the graph can always be put in order, and where the
    replacement has the old value nothing changes."""
    x = integer("x")
    values = [x]
    for kind, a, b in links:
        a, b = values[a % len(values)], values[b % len(values)]
        values.append((succ(a), plus(a, b), times(a, 2))[kind])
    fgraph = FunctionGraph([x], values[1:])
    known = fgraph.toposort()
    variables = [fgraph.inputs[0], *(node.outputs[0] for node in known)]
    wanted = evaluate(fgraph.outputs, {fgraph.inputs[0]: 3})
    for a, b, how in changes:
        old, other = variables[a % len(variables)], variables[b % len(variables)]
        if old not in fgraph.variables or (how and other not in fgraph.variables):
            continue
        new = (plus(old, 0), other, plus(other, old), plus(old, times(other, 0)))[how]
        fgraph.replace(old, new)
        fgraph.check_integrity()
        if how in (1, 2):
            wanted = None
    found = evaluate(fgraph.outputs, {fgraph.inputs[0]: 3})
    assert wanted is None or found == wanted
