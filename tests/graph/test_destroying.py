"""DestroyHandler: which ops that overwrite their inputs can run in some order without copies."""

import pytest
from symbols import Arithmetic, integer, plus, succ, symbols

from theano.errors import InconsistencyError
from theano.gof.destroyhandler import DestroyHandler, fast_inplace_check
from theano.graph.features import ReplaceValidate, Validator
from theano.graph.fgraph import FunctionGraph


class Maps(Arithmetic):
    def __init__(self, name, function=abs, outputs=1, destroy=None, view=None):
        super().__init__(name, function, outputs)
        self.destroy_map, self.view_map = destroy or {}, view or {}


negate = Maps("negate", destroy={0: [0]})
add_into = Maps("add_into", destroy={0: [0]})
view = Maps("view", view={0: [0]})


def graph_of(*outputs, inputs):
    return FunctionGraph(inputs, outputs, clone=False, features=[Validator(), DestroyHandler()])


def position(fgraph, v):
    return fgraph.toposort().index(v.owner)


def test_readers_come_first():
    x = integer("x")
    n, s = negate(x), succ(x)
    fgraph = graph_of(n, s, inputs=[x])
    fgraph.validate()
    assert position(fgraph, s) < position(fgraph, n)
    assert fgraph.orderings() == {n.owner: [s.owner]}


def test_views_count():
    x = integer("x")
    v = view(view(x))
    n, s = negate(v), succ(x)
    fgraph = graph_of(n, s, inputs=[x])
    fgraph.validate()
    assert position(fgraph, s) < position(fgraph, n)
    assert fgraph.consistent()


def test_what_needs_the_new_and_the_old_value():
    x = integer("x")
    fgraph = graph_of(plus(negate(x), x), inputs=[x])
    assert not fgraph.consistent()
    with pytest.raises(InconsistencyError, match="No order"):
        fgraph.validate()


def test_two_that_want_each_others_input_last():
    x, y = symbols("x y")
    fgraph = graph_of(add_into(x, y), add_into(y, x), inputs=[x, y])
    with pytest.raises(InconsistencyError, match="No order"):
        fgraph.validate()


@pytest.mark.parametrize(
    "build, reason",
    [
        (lambda x: [negate(x), add_into(x, 1)], "twice: by"),
        (lambda x: [negate(x), x], "output 1 of the graph"),
        (lambda x: [negate(view(x)), view(x)], "output 1 of the graph"),
        (lambda x: [add_into(x, x)], "also reads as input 1"),
        (lambda x: [add_into(x, view(x))], "also reads as input 1"),
        (lambda x: [negate(integer.make_constant(3))], "must stay as it is"),
    ],
)
def test_what_is_illegal(build, reason):
    x = integer("x")
    fgraph = graph_of(*build(x), inputs=[x])
    with pytest.raises(InconsistencyError, match=reason):
        fgraph.validate()


def test_variables_that_are_marked():
    x = integer("x")
    x.tag.indestructible = True
    assert not graph_of(negate(x), inputs=[x]).consistent()
    a = succ(x)
    assert graph_of(negate(a), inputs=[x]).consistent()


def test_one_after_the_other():
    x = integer("x")
    assert graph_of(negate(negate(negate(succ(x)))), inputs=[x]).consistent()


def test_replacements_that_would_be_illegal_are_undone():
    x = integer("x")
    a = succ(x)
    fgraph = FunctionGraph([x], [plus(a, x)], clone=False, features=[ReplaceValidate(), DestroyHandler()])
    with pytest.raises(InconsistencyError):
        fgraph.replace_validate(a, negate(x))
    assert fgraph.outputs[0].owner.inputs == [a, x]
    fgraph.replace_validate(a, negate(succ(x)))


def test_candidates():
    x, y = symbols("x y")
    c = integer.make_constant(3)
    fgraph = graph_of(negate(x), succ(y), inputs=[x, y])
    assert fast_inplace_check([x, y, c]) == [x, y]
    assert fast_inplace_check([x, y, c], fgraph) == [y]
