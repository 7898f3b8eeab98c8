"""Walks over the graph, clones and equality."""

import pytest
from symbols import chain, integer, plus, quotient, succ, symbols, times

from theano.graph.clone import clone, clone_get_equiv, clone_replace, equal_computations
from theano.graph.evaluate import evaluate
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.graph.traverse import (
    ancestors,
    explicit_graph_inputs,
    general_toposort,
    graph_inputs,
    io_toposort,
    is_in_ancestors,
    orphans,
    stack_search,
    toposort,
    variables_between,
    view_roots,
)


@pytest.fixture
def graph():
    x, y = symbols("x y")
    a = succ(x)
    b = times(a, y)
    return x, y, a, b, plus(a, b, 3)


class Test_walks:
    def test_toposort_puts_needs_first(self, graph):
        _, _, a, b, c = graph
        order = toposort([c])
        assert order == [a.owner, b.owner, c.owner]
        assert toposort([c], [b]) == [a.owner, c.owner]
        assert toposort([c], [a, b]) == [c.owner]
        assert toposort([]) == [] and toposort([graph[0]]) == []

    def test_the_order_does_not_depend_on_addresses(self, graph):
        c = graph[-1]
        texts = set()
        for _ in range(5):
            copied = clone([], [c])[1][0]
            texts.add(str([str(node) for node in toposort([copied])]))
        assert len(texts) == 1

    def test_cycles_are_found(self):
        x = integer()
        a = succ(x)
        b = succ(a)
        a.owner.inputs[0] = b
        with pytest.raises(ValueError, match="cycle"):
            toposort([b])
        with pytest.raises(ValueError, match="cycle"):
            general_toposort([1], lambda n: [3 - n])

    def test_orderings(self, graph):
        x, y, a, b, _ = graph
        other = succ(y)
        order = io_toposort([x, y], [other, b], {other.owner: [b.owner]})
        assert order.index(b.owner) < order.index(other.owner)
        assert io_toposort([x, y], [b]) == [a.owner, b.owner]

    def test_ancestors_and_leaves(self, graph):
        x, y, a, b, c = graph
        found = ancestors([c])
        assert found[0] is c and set(found) >= {x, y, a, b, c} and len(found) == len(set(found))
        assert set(ancestors([c], [b])) == {c, a, b, x, *[v for v in c.owner.inputs if isinstance(v, Constant)]}
        assert [v.name for v in graph_inputs([c]) if v.name] == ["x", "y"]
        assert explicit_graph_inputs([c]) == [x, y]
        assert [v.data for v in orphans([x, y], [c])] == [3]
        assert set(variables_between([a, y], [b])) == {a, y, b}

    def test_is_in_ancestors(self, graph):
        _, _, a, _, c = graph
        assert is_in_ancestors(c.owner, a.owner) and not is_in_ancestors(a.owner, c.owner)

    def test_stack_search(self):
        children = {1: [2, 3], 2: [4], 3: [4]}
        assert stack_search([1], children.get) == [1, 2, 3, 4]
        assert stack_search([1], children.get, "dfs") == [1, 3, 4, 2]
        _, inverse = stack_search([1], children.get, build_inv=True)
        assert inverse[4] == [2, 3]
        with pytest.raises(ValueError, match="mode"):
            stack_search([1], children.get, "random")

    def test_view_roots(self):
        class View(Op):
            view_map = {0: [0]}

            def make_node(self, x):
                return Apply(self, [x], [x.type()])

        x = integer()
        assert view_roots(View()(View()(x))) == [x]
        y = succ(x)
        assert view_roots(View()(y)) == [y]

    def test_long_chains(self):
        x = integer("x")
        y = chain(x, 20_000)
        assert len(toposort([y])) == 20_000
        assert len(ancestors([y])) == 20_001
        assert evaluate([y], {x: 0}) == [20_000]
        assert evaluate([clone([x], [y], copy_inputs=False)[1][0]], {x: 0}) == [20_000]
        assert equal_computations([y], [chain(x, 20_000)])
        assert evaluate([clone_replace(y, {x: times(x, 2)})], {x: 4}) == [20_008]


class Test_clone:
    def test_everything_is_new(self, graph):
        x, y, _, _, c = graph
        (x2, y2), (c2,) = clone([x, y], [c])
        assert x2 is not x and not set(ancestors([c2])) & set(ancestors([c]))
        assert evaluate([c2], {x2: 1, y2: 5}) == evaluate([c], {x: 1, y: 5}) == [15]

    def test_inputs_kept(self, graph):
        x, y, _, _, c = graph
        (x2, y2), (c2,) = clone([x, y], [c], copy_inputs=False)
        assert x2 is x and y2 is y and c2 is not c
        assert evaluate([c2], {x: 1, y: 5}) == [15]

    def test_the_correspondence(self, graph):
        x, y, a, _, c = graph
        memo = clone_get_equiv([x, y], [c])
        assert memo[a].owner is memo[a.owner] and memo[c].owner.op == c.owner.op

    def test_outputs_that_are_inputs(self):
        x = integer("x")
        (x2,), (y2,) = clone([x], [x])
        assert x2 is y2 and x2 is not x

    def test_outputs_of_one_node(self):
        x = integer("x")
        q, r = quotient(x, 3)
        _, (q2, r2) = clone([x], [q, r])
        assert q2.owner is r2.owner


class Test_replace:
    def test_what_does_not_change_is_shared(self, graph):
        x, y, a, _, c = graph
        z = integer("z")
        c2 = clone_replace(c, {y: z})
        assert c2.owner.inputs[0] is a
        assert evaluate([c2], {x: 1, z: 7}) == [2 + 14 + 3]

    def test_replacements_are_simultaneous(self):
        x, y = symbols("x y")
        swapped = clone_replace(quotient(x, y)[0], {x: y, y: x})
        assert evaluate([swapped], {x: 2, y: 10}) == [5]

    def test_intermediates(self, graph):
        x, y, _, b, c = graph
        assert evaluate([clone_replace(c, [(b, x)])], {x: 1, y: 0}) == [6]
        assert clone_replace(b, {b: x}) is x

    def test_lists_and_values(self, graph):
        x, y, _, _, c = graph
        found = clone_replace([c, x], {x: 4})
        assert evaluate(found, {y: 1}) == [5 + 5 + 3, 4]

    def test_types_must_fit(self, graph):
        from theano.graph.type import generic

        x, *_, c = graph
        with pytest.raises(TypeError):
            clone_replace(c, {x: generic()})
        with pytest.raises(TypeError, match="symbolic"):
            clone_replace(c, {"x": x})

    def test_unshared_inputs(self, graph):
        x, y, _, _, c = graph
        found = clone_replace(c, {y: 2}, share_inputs=False)
        leaf = next(v for v in explicit_graph_inputs([found]))
        assert leaf is not x and leaf.name == "x"


class Test_equality:
    def test_structure_decides(self):
        x, y = symbols("x y")
        assert equal_computations([plus(x, succ(y))], [plus(x, succ(y))])
        assert not equal_computations([plus(x, y)], [plus(y, x)])
        assert not equal_computations([plus(x, 1)], [plus(x, 2)])
        assert not equal_computations([plus(x, 1)], [times(x, 1)])
        assert not equal_computations([x], [succ(x)])
        assert not equal_computations([x], [x, x])
        assert not equal_computations(quotient(x, y), quotient(x, y)[::-1])

    def test_with_inputs_that_stand_for_each_other(self):
        x, y = symbols("x y")
        assert equal_computations([succ(x)], [succ(y)], [x], [y])
        assert not equal_computations([succ(x)], [succ(y)])
        assert not equal_computations([plus(x, y)], [plus(x, y)], [x], [y])
