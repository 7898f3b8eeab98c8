"""debugprint, pp and the one-line forms: golden texts, sharing, options, depth."""

import io
import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import printing
from theano.gradient import jacobian, zero_grad
from theano.graph import formula
from theano.graph.fgraph import FunctionGraph
from theano.graph.text import as_string, graph_text, letters, op_as_string
from theano.printing import Print, debugprint, pp, pprint


def lines(obj, **options):
    return debugprint(obj, file="str", **options).split("\n")


@pytest.fixture
def shared_graph():
    x = T.dvector("x")
    y = T.exp(x)
    return x, y * (y + x)


class Test_debugprint:
    def test_a_tree_with_sharing(self, shared_graph):
        _, z = shared_graph
        assert lines(z) == [
            "Elemwise{mul} [id A] ''",
            " |Elemwise{exp} [id B] ''",
            " | |x [id C]",
            " |Elemwise{add} [id D] ''",
            "   |Elemwise{exp} [id B] ''",
            "   | |···",
            "   |x [id C]",
        ]

    def test_types_names_and_constants(self):
        x = T.fmatrix("x")
        y = x + 2
        y.name = "y"
        assert lines(y, print_type=True) == [
            "Elemwise{add} <TensorType(float32, matrix)> [id A] 'y'",
            " |x <TensorType(float32, matrix)> [id B]",
            " |DimShuffle{x,x} <TensorType(int8, (True, True))> [id C] ''",
            "   |TensorConstant{2} <TensorType(int8, scalar)> [id D]",
        ]

    def test_ids(self, shared_graph):
        _, z = shared_graph
        assert lines(z, ids="int")[0] == "Elemwise{mul} [id 0] ''"
        assert lines(z, ids="")[0] == "Elemwise{mul} ''"
        assert f"[id {id(z.owner)}]" in lines(z, ids="id")[0]
        assert z.auto_name in lines(z, ids="auto")[0]
        with pytest.raises(ValueError, match="ids"):
            debugprint(z, ids="roman")

    def test_depth(self, shared_graph):
        _, z = shared_graph
        assert lines(z, depth=1) == ["Elemwise{mul} [id A] ''"]
        assert lines(z, depth=2) == [
            "Elemwise{mul} [id A] ''", " |Elemwise{exp} [id B] ''", " |Elemwise{add} [id C] ''",
        ]  # fmt: skip
        with pytest.raises(TypeError, match="depth"):
            debugprint(z, depth="deep")

    def test_stop_on_name(self, shared_graph):
        _, z = shared_graph
        z.owner.inputs[0].name = "e"
        z.name = "z"
        found = lines(z, stop_on_name=True)
        assert found[:3] == ["Elemwise{mul} [id A] 'z'", " |Elemwise{exp} [id B] 'e'", " |Elemwise{add} [id C] ''"]

    def test_lists_and_ids_across_calls(self, shared_graph):
        x, z = shared_graph
        assert lines([x, z])[:2] == ["x [id A]", "Elemwise{mul} [id B] ''"]
        done, used = {}, {}
        debugprint(z, file="str", done=done, used_ids=used)
        assert lines(z, done=done, used_ids=used) == ["Elemwise{mul} [id A] ''", " |···"]

    def test_a_function_graph_shows_the_order_and_the_users(self, shared_graph):
        x, z = shared_graph
        found = lines(FunctionGraph([x], [z]), print_clients=True)
        assert found[0] == "Elemwise{mul} [id A] ''   2"
        assert found[1] == " |Elemwise{exp} [id B] ''   0 clients:[Elemwise{add}:0, Elemwise{mul}:0]"

    def test_a_compiled_function(self, shared_graph):
        x, z = shared_graph
        f = theano.function([x], z, mode="reference")
        text = debugprint(f, file="str")
        assert "x [id" in text
        assert text.split("\n")[0].split()[-1].isdigit()

    def test_storage(self):
        x = theano.shared(np.array([1.0, 2.0]), name="w")
        assert lines(x * 3, print_storage=True)[1] == " |w [id B] [[1. 2.]]"

    def test_outputs_of_one_node(self):
        x = T.dmatrix("x")
        _, position = T.max_and_argmax(x, axis=0)
        assert lines(position)[0].startswith("MaxAndArgmax") and ".1 [id A]" in lines(position)[0]

    def test_inner_graphs(self):
        x = T.dvector("x")
        found = lines(jacobian(T.sin(x) * x, x))
        assert "Inner graphs:" in found
        assert any(line.startswith(" >") for line in found)

    def test_each_inner_graph_is_printed_once(self):
        x = T.dvector("x")
        inner = theano.OpFromGraph([x], [T.tanh(x) + x], name="inner")
        outer = theano.OpFromGraph([x], [inner(x) * 2], name="outer")
        assert lines(inner(outer(x)), ids="") == [
            "inner{inline=False} ''", " |outer{inline=False} ''", "   |x", "", "Inner graphs:", "",
            "inner{inline=False} ''", " >Elemwise{add} ''", "   |Elemwise{tanh} ''", "   | |x", "   |x", "",
            "outer{inline=False} ''", " >Elemwise{mul} ''", "   |inner{inline=False} ''", "   | |x",
            "   |DimShuffle{x} ''", "     |TensorConstant{2}",
        ]  # fmt: skip

    @pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
    def test_several_functions(self, mode):
        x, w = T.dscalar("x"), theano.shared(2.0, name="w")
        f = theano.function([x], [T.exp(T.sin(x)), x], mode=mode)
        g = theano.function([], [], updates=[(w, T.exp(w))], mode=mode)
        assert lines([f, g, T.exp(x)], print_storage=True) == [
            "Elemwise{exp} [id A] ''   1", " |Elemwise{sin} [id B] ''   0", "   |x [id C]", "x [id C]",
            "Elemwise{exp} [id D] ''   0", " |w [id E] [2.0]", "Elemwise{exp} [id F] ''", " |x [id G]",
        ]  # fmt: skip

    def test_where_it_goes(self, shared_graph, capsys):
        _, z = shared_graph
        debugprint(z)
        assert capsys.readouterr().out.startswith("Elemwise{mul} [id A]")
        target = io.StringIO()
        assert debugprint(z, file=target) is target
        assert target.getvalue().startswith("Elemwise{mul} [id A]")
        with pytest.raises(ValueError, match="file"):
            debugprint(z, file="string")

    def test_what_cannot_be_printed(self):
        with pytest.raises(TypeError, match="int"):
            debugprint(3, file="str")
        with pytest.raises(TypeError, match="Program"):
            debugprint(T.dscalar(), program=True, file="str")

    def test_a_node(self, shared_graph):
        _, z = shared_graph
        assert lines(z.owner) == lines(z)

    def test_letters(self):
        assert [letters(n) for n in (0, 25, 26, 27, 26 * 26)] == ["A", "Z", "BA", "BB", "BAA"]


class Test_pp:
    def test_the_tutorial(self):
        x, y = T.dscalars("x", "y")
        assert pp(x + y) == "(x + y)"
        assert pp(x**2) == "(x ** TensorConstant{2})"
        assert pp(T.fill(x, y)) == "fill(x, y)"
        assert pp(-T.exp(x - y) / 2) == "((-exp((x - y))) / TensorConstant{2})"

    @pytest.mark.parametrize(
        "expression, text",
        [
            (lambda m, v: T.dot(m, v) + 1, "((m \\dot v) + TensorConstant{1})"),
            (lambda m, v: m.T, "m.T"),
            (lambda m, v: v.sum(), "sum(v)"),
            (lambda m, v: m.sum(axis=0), "sum(m, axis=(0,))"),
            (lambda m, v: T.gt(v, 0), "(v > TensorConstant{0})"),
            (lambda m, v: zero_grad(v), "v"),
            (lambda m, v: T.switch(T.eq(v, 1), v, 2), "switch((v == TensorConstant{1}), v, TensorConstant{2})"),
            (lambda m, v: T.nnet.softmax(m), "softmax(m)"),
            (lambda m, v: m.shape, "m.shape"),
            (lambda m, v: v[0], "v[0]"),
            (lambda m, v: m[:, -1], "m[:, -1]"),
            (lambda m, v: m[1:, 2:5][::2], "m[1:, 2:5][::2]"),
            (lambda m, v: (v + 1)[T.lscalar("i") :], "(v + TensorConstant{1})[i:]"),
            (lambda m, v: v[: v.size - 1 : -1], "v[:(v.shape[0] - TensorConstant{1}):-1]"),
            (lambda m, v: T.dvector(), "<TensorType(float64, vector)>"),
            (lambda m, v: abs(v), "abs_(v)"),
        ],
    )
    def test_notation(self, expression, text):
        assert pp(expression(T.dmatrix("m"), T.dvector("v"))) == text

    def test_a_graph(self):
        x, y = T.dscalars("x", "y")
        assert pp([x, x * y]) == "x\n(x * y)"
        assert pprint.process_graph([x], [x * y], {x: y}, display_inputs=True) == "inputs: x\n(x * y)\nx <- y"
        with pytest.raises(TypeError):
            pp(1, 2, 3, 4)
        with pytest.raises(TypeError, match="symbolic"):
            pp(3)

    def test_own_notations(self):
        x, y = T.dscalars("x", "y")
        mine = pprint.clone_assign(T.exp, printing.PatternPrinter(("e^{%(0)s}", -1000)))
        assert mine(T.exp(x + y)) == "e^{(x + y)}"
        assert pp(T.exp(x)) == "exp(x)"
        mine.assign(lambda state, v: v is y, printing.LeafPrinter())
        mine.assign(T.tanh, printing.FunctionPrinter("th", keywords={"kind": 1}))
        mine.assign(T.sin, printing.IgnorePrinter())
        mine.assign(T.mul, printing.OperatorPrinter("·", -1, "left"))
        assert mine(T.tanh(x) * T.sin(y)) == "(th(x, kind=1) · y)"

        class Mine:
            def process(self, output, pstate):
                inner = pstate.pprinter.process(output.owner.inputs[0], pstate.clone(precedence=5))
                return f"<{inner}>"

        mine.assign(T.cos, Mine())
        assert mine(T.exp(T.cos(x * y))) == "e^{<(x · y)>}"
        with pytest.raises(TypeError, match="Op"):
            mine.assign("cos", Mine())
        with pytest.raises(ValueError, match="assoc"):
            printing.OperatorPrinter("·", -1, "middle")

    def test_a_printer_of_operations_refuses_leaves(self):
        with pytest.raises(TypeError, match="not the result"):
            printing.FunctionPrinter("f").process(T.dscalar("x"), printing.PrinterState(pprinter=pprint))

    def test_unknown_ops_print_with_their_name(self):
        x = T.dvector("x")
        assert pp(T.max_and_argmax(x)[1]).startswith("MaxAndArgmax")


class Test_one_line:
    def test_sharing_is_written_out_where_it_comes_first(self, shared_graph):
        x, z = shared_graph
        assert as_string([x], [z]) == ["Elemwise{mul}(*1 -> Elemwise{exp}(x), Elemwise{add}(*1, x))"]
        assert graph_text([z]) == "[Elemwise{mul}(*1 -> Elemwise{exp}(x), Elemwise{add}(*1, x))]"

    def test_it_stops_at_the_inputs(self, shared_graph):
        _, z = shared_graph
        e = z.owner.inputs[0]
        e.name = "e"
        assert as_string([e], [z]) == ["Elemwise{mul}(e, Elemwise{add}(e, x))"]
        assert op_as_string([e], z.owner) == "Elemwise{mul}(e, Elemwise{add}(e, x))"

    def test_formatters(self, shared_graph):
        x, z = shared_graph
        def write(node, arguments):
            return f"({node.op.scalar_op} {' '.join(arguments)})"

        found = as_string([x], [z], lambda leaf: f"[{leaf}]", write)
        assert found == ["(mul *1 -> (exp [x]) (add *1 [x]))"]

    def test_sharing_between_outputs(self, shared_graph):
        x, z = shared_graph
        assert as_string([x], [z, z, x]) == [
            "*1 -> Elemwise{mul}(*2 -> Elemwise{exp}(x), Elemwise{add}(*2, x))", "*1", "x",
        ]  # fmt: skip


class Test_descriptions:
    def test_min_informative_str(self, shared_graph):
        _, z = shared_graph
        assert printing.min_informative_str(z).split("\n") == [
            "A. Elemwise{mul}",
            " B. Elemwise{exp}",
            "  C. x",
            " D. Elemwise{add}",
            "  <B>",
            "  <C>",
        ]

    def test_var_descriptor_depends_on_the_computation_only(self):
        def build():
            x = T.dvector("x")
            return T.exp(x) * np.array([1.0, 2.0]) + x

        assert printing.var_descriptor(build()) == printing.var_descriptor(build())
        x = T.dvector("x")
        assert printing.var_descriptor(x * 2) != printing.var_descriptor(x * 3)
        assert "\n" not in printing.var_descriptor(build())

    def test_hex_digest(self):
        a = np.arange(6.0)
        assert printing.hex_digest(a) == printing.hex_digest(a.copy())
        others = [a + 1, a.reshape(2, 3), a.astype("float32"), a.astype("int64")]
        assert len({printing.hex_digest(b) for b in [a, *others]}) == 5
        with pytest.raises(TypeError):
            printing.hex_digest(3)

    def test_position_independent_str(self):
        assert printing.position_independent_str(T.dvector("x")) == "theano_var{type=TensorType(float64, vector)}"


MODES = ["FAST_RUN", "FAST_COMPILE", "reference"]


@pytest.mark.parametrize("mode", MODES)
class Test_print:
    def test_it_prints_and_passes_on(self, mode, capsys):
        x = T.dvector("x")
        y = Print("here", attrs=("__str__", "shape", "dtype", "min", ("clip", 0, 1)))(x)
        f = theano.function([x], y * 2, mode=mode)
        np.testing.assert_array_equal(f([1.0, 2.0]), [2, 4])
        assert capsys.readouterr().out == (
            "here __str__ = [1. 2.]\nhere shape = (2,)\nhere dtype = float64\nhere min = 1.0\nhere clip = [1. 1.]\n"
        )

    def test_once_a_call_and_only_where_it_is_needed(self, mode, capsys):
        x = T.dvector("x")
        y = Print("used twice")(x)
        Print("unused")(x)
        f = theano.function([x], [y + 1, y * 2, Print("used twice")(x)], mode=mode)
        assert capsys.readouterr().out == ""
        f([1.0])
        assert capsys.readouterr().out == "used twice __str__ = [1.]\n"
        assert theano.function([x], y.shape, mode=mode)([1.0, 2.0]).tolist() == [2]
        # the value is not needed for the shape, which the optimiser knows
        assert (capsys.readouterr().out == "") == (mode != "reference")

    @pytest.mark.parametrize(
        "value", [np.float32(2.5), np.ones((2, 0), "int8"), np.arange(6.0).reshape(2, 3)[::-1, ::2]]
    )
    def test_any_value_as_an_output(self, mode, value, capsys):
        x = T.TensorType(value.dtype, (None,) * value.ndim)("x")
        found = theano.function([x], Print("v")(x), mode=mode)(value)
        np.testing.assert_array_equal(found, value)
        assert found.dtype == value.dtype and not np.shares_memory(found, value)
        assert capsys.readouterr().out == f"v __str__ = {value}\n"

    def test_derivatives_pass(self, mode, capsys):
        x = T.dvector("x")
        y = Print("x")(x)
        f = theano.function([x], [theano.grad((y**2).sum(), x), theano.Rop(y**2, x, T.ones_like(x))], mode=mode)
        for found in f([1.0, 2.0]):
            assert found.tolist() == [2, 4]
        assert set(capsys.readouterr().out.splitlines()) == {"x __str__ = [1. 2.]"}

    def test_in_a_loop(self, mode, capsys):
        x = T.dvector("x")
        s, _ = theano.scan(lambda v, a: Print("step")(a + v), sequences=x, outputs_info=T.zeros(()))
        assert theano.function([x], s[-1], mode=mode)([1.0, 2.0]) == 3
        assert capsys.readouterr().out == "step __str__ = 1.0\nstep __str__ = 3.0\n"

    def test_own_function_and_constants(self, mode):
        seen = []
        op = Print("m", global_fn=lambda op, value: seen.append((op.message, value.tolist())))
        f = theano.function([], op(T.constant([1.0, 2.0])), mode=mode)
        assert seen == []
        f()
        f()
        assert seen == [("m", [1, 2])] * 2

    def test_after_pickling(self, mode, capsys):
        x = T.dscalar("x")
        f = pickle.loads(pickle.dumps(theano.function([x], Print("kept", attrs=["ndim"])(x), mode=mode)))
        assert f(1.0) == 1.0 and capsys.readouterr().out == "kept ndim = 0\n"

    def test_an_unknown_attribute_names_the_line(self, mode):
        x = T.dscalar("x")
        f = theano.function([x], Print("x", attrs=["no_such_name"])(x), mode=mode)  # here
        with pytest.raises(AttributeError, match="no_such_name") as info:
            f(1.0)
        assert "# here" in str(info.value)


def test_prints_that_are_equal():
    assert Print("a") == Print("a") != Print("b")
    assert Print("a", attrs=["shape"]) != Print("a") and hash(Print("a")) == hash(Print("a"))
    for wrong in (3, None, np.zeros(2)):
        with pytest.raises(TypeError, match="symbolic"):
            Print("a")(wrong)


def test_100_000_links():
    x = T.dscalar("x")
    y = x
    for _ in range(100_000):
        y = T.sin(y)
    assert pp(y).count("sin") == 100_000
    assert debugprint(y, file="str").count("\n") == 100_000
    assert as_string([x], [y])[0].count("sin") == 100_000
    assert printing.var_descriptor(y).count("sin") == 100_000
    assert printing.min_informative_str(y).count("sin") == 100_000


def test_a_formula_that_doubles_at_every_step_is_cut(monkeypatch):
    monkeypatch.setattr(formula, "LONGEST", 10_000)
    x = T.dscalar("x")
    y = x
    for _ in range(200):
        y = y * y
    assert pp(y).count("···") > 0 and len(pp(y)) < 30_000
    assert debugprint(y, file="str").count("\n") == 599
