"""Diagrams: every node, leaf, output and use once; kinds of boxes; graphs inside ops; short texts."""

from collections import Counter

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.graph.captions import cut, family, op_caption, type_caption, value_caption, variable_caption
from theano.graph.diagram import NotDrawable, diagram_of, drawable, inner_ports, with_inner_graphs
from theano.graph.dot import Dot, quoted
from theano.graph.fgraph import FunctionGraph


def diagram(what, own_box=lambda variable: False):
    return diagram_of(drawable(what, "test"), own_box)


def kinds(found):
    return Counter(box.kind for box in found.boxes)


class Test_diagram:
    def test_every_use_is_an_arrow(self):
        x = T.dvector("x")
        y = T.exp(x)
        z = y * y + x
        found = diagram([z, y])
        assert kinds(found) == {"input": 1, "op": 3, "output": 2}
        uses = [(found.boxes[a.source].subject, found.boxes[a.target].subject, a.variable, a.position)
                for a in found.arrows if found.boxes[a.target].kind == "op"]  # fmt: skip
        nodes = [y.owner, z.owner.inputs[0].owner, z.owner]
        assert uses == [(v.owner or v, n, v, k) for n in nodes for k, v in enumerate(n.inputs)]
        assert [(found.boxes[n].subject, found.boxes[n].order) for n in found.outputs] == [(z, 0), (y, 1)]
        assert [(a.source, a.variable) for a in found.arrows if a.target in found.outputs] == [(3, z), (1, y)]

    def test_boxes_are_in_topological_order(self):
        x, y = T.dvectors("x", "y")
        found = diagram(FunctionGraph([x, y], [T.exp(x * y) + x, y]))
        assert all(arrow.source < arrow.target for arrow in found.arrows)
        assert [box.order for box in found.boxes if box.kind == "op"] == [0, 1, 2]
        assert found.inputs == [0, 1]

    def test_kinds_of_a_function_with_updates(self):
        x, w = T.dvector("x"), theano.shared(np.zeros(3), name="w")
        f = theano.function([x], (x * w).sum(), updates=[(w, w * 2 + x)])
        found = diagram(f)
        counted = kinds(found)
        assert counted["input"] == counted["shared"] == counted["output"] == counted["update"] == 1
        assert counted["op"] == len(f.maker.fgraph.apply_nodes)
        (update,) = [box for box in found.boxes if box.kind == "update"]
        assert update.target is f.maker.fgraph.inputs[1] and update.target.name == "w"
        constants = {v for v in f.maker.fgraph.variables if isinstance(v, theano.Constant)}
        assert counted["constant"] == len(constants)

    def test_unused_inputs_and_an_input_that_is_an_output(self):
        x, y = T.dscalars("x", "y")
        found = diagram(FunctionGraph([x, y], [x]))
        assert kinds(found) == {"input": 2, "output": 1} and len(found.arrows) == 1

    def test_boxes_of_computed_variables(self):
        x = T.dscalar("x")
        y = T.exp(x)
        found = diagram(y * y, own_box=lambda variable: True)
        assert kinds(found) == {"input": 1, "op": 2, "variable": 2, "output": 1}
        assert len(found.arrows) == 6  # x -> exp -> y => mul -> result -> output

    def test_what_is_drawable(self):
        x = T.dscalar("x")
        f = theano.function([x], x + 1, name="increment")
        assert drawable(f, "test").title == "increment" and drawable(x, "test").title == "x"
        for wrong in (3, None, [x, None], [], {}, "x", theano.function):
            with pytest.raises(NotDrawable, match=r"test draws a compiled function.*got"):
                drawable(wrong, "test")

    def test_times_of_a_profiled_function(self):
        x = T.dvector("x")
        f = theano.function([x], T.exp(x).sum(), profile=theano.ProfileStats(atexit_print=False))
        assert drawable(theano.function([x], x + 1), "test").seconds == {}
        f(np.ones(5))
        f(np.ones(5))
        found = drawable(f, "test")
        assert found.seconds == f.profile.apply_time and found.seconds and set(found.calls.values()) == {2}


class Test_inner_graphs:
    def test_each_graph_once(self):
        a, b = T.dvectors("a", "b")
        inner = theano.OpFromGraph([a, b], [a * b, a - b], name="inner")
        outer = theano.OpFromGraph([a, b], [inner(a, b)[1] * inner(b, a)[0]], name="outer")
        x, y = T.dvectors("x", "y")
        found = with_inner_graphs(drawable(outer(x, y) + outer(y, x) + inner(x, y)[0], "test"), lambda v: False)
        assert len(found) == 3
        assert [Counter(box.inner for box in d.boxes if box.kind == "op") for d in found] == [
            {None: 2, 1: 2, 2: 1}, {2: 2, None: 1}, {None: 2},
        ]  # fmt: skip
        node = outer(x, y).owner
        assert inner_ports(node) == ([(0, 0), (1, 1)], [(0, 0)])

    def test_a_chain_of_graphs_inside_graphs(self):
        x = T.dscalar("x")
        op = theano.OpFromGraph([x], [x + 1])
        for _ in range(2000):
            y = T.dscalar()
            op = theano.OpFromGraph([y], [op(y)])
        assert len(with_inner_graphs(drawable(op(x), "test"), lambda v: False)) == 2002

    def test_how_a_loop_goes_on_inside(self):
        x, h, w = T.dmatrix("x"), T.dmatrix("h"), T.dvector("w")
        s, _ = theano.scan(
            lambda v, before, last, w: [last + before * v * w, v.sum()],
            sequences=x, outputs_info=[{"initial": h, "taps": [-2, -1]}, None], non_sequences=w,
        )  # fmt: skip
        node = s[1].owner
        inputs, outputs = inner_ports(node)
        inner = node.op.fgraph
        went = {str(node.inputs[i]): sorted(k for j, k in inputs if j == i) for i, _ in inputs}
        assert len(inputs) == len(inner.inputs) and 0 not in [i for i, _ in inputs]
        assert sorted(map(len, went.values())) == [1, 1, 2]  # the initial rows go on in two taps
        assert outputs == [(0, 0), (1, 1)]
        for outer, own in inputs:
            assert inner.inputs[own].type.dtype == node.inputs[outer].type.dtype

    def test_a_graph_inside_with_other_inputs_has_no_known_ports(self):
        class Odd(theano.Op):
            itypes, otypes = [T.dscalar, T.dscalar], [T.dscalar]
            fgraph = FunctionGraph([x := T.dscalar("x")], [x + 1])

        assert inner_ports(Odd()(T.dscalar(), T.dscalar()).owner) == ([], [])


class Test_captions:
    @pytest.mark.parametrize(
        "make, caption, kind",
        [
            (lambda x: x + x, "add", "elementwise"),
            (lambda x: x.sum(axis=0), "Sum{axis=[0]}", "reduction"),
            (lambda x: T.dot(x, x), "dot", "product"),
            (lambda x: x[0], "Subtensor{0}", "indexing"),
            (lambda x: x.dimshuffle(1, 0), "DimShuffle{1,0}", "shape"),
            (lambda x: theano.OpFromGraph([x], [x + 1], name="f")(x), "f", "loop or branch"),
            (lambda x: T.nlinalg.det(x), "det", "matrix"),
            (lambda x: theano.printing.Print("hello")(x), "Print{message='hello', attr…", "other"),
        ],
    )
    def test_of_ops(self, make, caption, kind):
        node = make(T.dmatrix("x")).owner
        assert (op_caption(node).lower(), family(node)) == (caption.lower(), kind)

    def test_of_types(self):
        assert type_caption(T.dscalar) == "float64 ()" and type_caption(T.bvector) == "int8 (?,)"
        assert type_caption(T.TensorType("float32", shape=(None, 3))) == "float32 (?, 3)"
        assert type_caption(theano.generic) == str(theano.generic)

    def test_of_values_and_variables(self):
        assert value_caption(np.float32(2.5)) == value_caption(np.array(2.5)) == "2.5"
        assert value_caption(np.arange(3)) == "[0, 1, 2]" and value_caption(np.zeros((3, 4))) == "float64 (3, 4)"
        assert value_caption(None) == "None"
        assert variable_caption(T.constant(3)) == "3" and variable_caption(T.dscalar()) == "float64 ()"
        assert variable_caption(T.dscalar("two\nlines")) == "two lines"
        assert cut("abc", 3) == "abc" and cut("abcd", 3) == "ab…" and cut("abcd", 0) == "…"


class Test_dot:
    def test_text(self):
        dot = Dot(rankdir="LR")
        dot.node("a", label='say "hi"')
        dot.open_cluster("c", label="frame")
        dot.node("b")
        dot.close_cluster()
        dot.edge("a", "b", color="red")
        assert dot.text().splitlines() == [
            "digraph G {", 'rankdir="LR";', '"a" [label="say \\"hi\\""];', 'subgraph "cluster_c" {', 'label="frame";',
            '"b";', "}", '"a" -> "b" [color="red"];', "}",
        ]  # fmt: skip

    def test_quoting(self):
        assert quoted('a\\"b\n\\N\0') == '"a\\\\\\"b\\n\\\\N"' and quoted(3) == '"3"'

