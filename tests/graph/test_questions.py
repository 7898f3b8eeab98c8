"""What programs ask about graphs: connections, sameness, text, who is made when."""

import pytest
from symbols import chain, integer, plus, quotient, succ, symbols, times

import theano.tensor as T
from theano.gof.graph import (
    as_string,
    general_toposort,
    io_connection_pattern,
    io_toposort,
    is_same_graph,
    is_same_graph_with_merge,
    nodes_constructed,
    op_as_string,
    variables_and_orphans,
    view_roots,
)
from theano.gof.opt import is_same_graph_with_merge as from_opt


class Test_connections:
    def test_through_ops(self):
        x, y, i = T.dvector("x"), T.dvector("y"), T.lscalar("i")
        outputs = [x + y, x[i], T.zeros_like(x) * y, x.shape[0]]
        assert io_connection_pattern([x, y, i], outputs) == [
            [True, True, False, False], [True, False, True, False], [False, False, False, False]]

    def test_inputs_are_walls(self):
        x = T.dvector("x")
        y = T.exp(x)
        assert io_connection_pattern([x, y], [y * 2, y + x]) == [[False, True], [True, True]]
        assert io_connection_pattern([x], [x]) == [[True]]

    def test_of_a_long_chain(self):
        x = T.dvector("x")
        y = x
        for _ in range(5000):
            y = T.sin(y)
        assert io_connection_pattern([x], [y]) == [[True]]


class Test_sameness:
    def test_with_and_without_givens(self):
        x, y, z = symbols("x y z")
        assert is_same_graph(plus(x, succ(y)), plus(x, succ(y)))
        assert not is_same_graph(plus(x, y), plus(y, x)) and not is_same_graph(x, y)
        assert is_same_graph(x, y, givens={x: y}) and is_same_graph(plus(x, y), plus(z, y), givens=[(x, z)])
        assert is_same_graph(plus(x, 1), plus(x, 1)) and not is_same_graph(plus(x, 1), plus(x, 2))
        assert is_same_graph(plus(x, y), times(z, 2), givens={x: y}) is False
        q, r = quotient(x, 3)
        assert not is_same_graph(q, r) and is_same_graph(q, quotient(x, 3)[0])
        assert is_same_graph_with_merge(succ(x), succ(x)) and from_opt is is_same_graph_with_merge

    def test_givens_are_made_at_once(self):
        x, y = symbols("x y")
        assert is_same_graph(plus(x, y), plus(y, x), givens={x: y}) and not is_same_graph(
            plus(x, y), plus(x, x), givens={x: y, y: x})


class Test_text:
    def test_nested(self):
        x, y = symbols("x y")
        assert as_string([x, y], [plus(times(x, y), 1), x]) == ["plus(times(x, y), Constant{1})", "x"]
        assert op_as_string([x, y], plus(x, succ(y)).owner) == "plus(x, succ(y))"

    def test_what_is_used_twice_is_numbered(self):
        x = integer("x")
        a = succ(x)
        b = times(a, a)
        assert as_string([x], [plus(b, a), b]) == ["plus(*1 -> times(*2 -> succ(x), *2), *2)", "*1"]

    def test_several_outputs_and_inputs_inside(self):
        x = integer("x")
        q, r = quotient(x, 3)
        assert as_string([x], [plus(q, r)]) == ["plus(*1 -> quotient(x, Constant{3})::0, *1::1)"]
        assert as_string([q], [succ(q)]) == ["succ(quotient.0)"]

    def test_formatters(self):
        x = integer("x")
        found = as_string(
            [x], [plus(succ(x), 2)], lambda leaf: leaf.name or "?", lambda op, args: f"<{' '.join(args)}>")
        assert found == ["<<x> ?>"]

    def test_long_chains(self):
        x = integer("x")
        (text,) = as_string([x], [chain(x, 3000)])
        assert text == "succ(" * 3000 + "x" + ")" * 3000


class Test_walks:
    def test_orders_tell_who_needs_what(self):
        x = integer("x")
        a = succ(x)
        b = times(a, a)
        clients = {}
        assert io_toposort([x], [b], clients=clients) == [a.owner, b.owner]
        assert clients == {x: [a.owner], a: [b.owner, b.owner]}
        clients, other = {}, times(x, 2)
        order = io_toposort([x], [a, other], orderings={a.owner: [other.owner]}, clients=clients)
        assert order == [other.owner, a.owner] and clients[other.owner] == [a.owner]

    def test_of_anything(self):
        needs = {"c": ["a", "b"], "b": ["a"], "a": None}
        clients = {}
        assert general_toposort(["c"], needs.get, debug_print=False, clients=clients) == ["a", "b", "c"]
        assert clients == {"a": ["b", "c"], "b": ["c"]}
        with pytest.raises(ValueError, match="cycle"):
            general_toposort(["a"], {"a": ["b"], "b": ["a"]}.get)

    def test_leaves(self):
        x = integer("x")
        out = plus(succ(x), 3)
        between, orphaned = variables_and_orphans([x], [out])
        assert set(between) == {out, *out.owner.inputs, x} and [v.data for v in orphaned] == [3]

    def test_roots_of_views(self):
        x = T.dmatrix("x")
        assert view_roots(x.T[1:]) == [x] and view_roots(T.exp(x).T)[0].owner.op == T.exp


def test_what_is_made():
    x = integer("x")
    with nodes_constructed() as outer:
        a = succ(x)
        with nodes_constructed() as inner:
            b = succ(a)
    succ(b)
    assert inner == [b] and outer == [b, a]
    with pytest.raises(RuntimeError), nodes_constructed() as made:
        raise RuntimeError
    succ(x)
    assert made == []
    seen = []
    T.TensorVariable.append_construction_observer(seen.append)
    try:
        y = T.dvector("y")
    finally:
        T.TensorVariable.remove_construction_observer(seen.append)
    T.dvector("z")
    assert seen == [y]
