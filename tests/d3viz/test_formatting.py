"""PyDotFormatter, with pydot where it is installed, d3write without it, and the texts of nodes."""

import re
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.d3viz import d3write, formatting
from theano.d3viz.formatting import PyDotFormatter
from theano.graph.drawing import NODE_COLORS


@pytest.fixture
def without_pydot(monkeypatch):
    for name in ("pydot", "pydotplus", "pydot_ng"):
        monkeypatch.setitem(sys.modules, name, None)


class Test_d3write:
    def test_without_pydot(self, without_pydot, training, tmp_path):
        d3write(training, tmp_path / "graph.dot")
        text = (tmp_path / "graph.dot").read_text()
        assert text.startswith("digraph G {") and text.rstrip().endswith("}")
        nodes = training.maker.fgraph.toposort()
        named = sum(v.name is not None for n in nodes for v in n.outputs)  # have boxes of their own, and so two arrows
        arrows = sum(len(n.inputs) for n in nodes) + len(training.maker.fgraph.outputs) + named
        assert named == 2 and len(re.findall(r'^"g0_\d+" -> "g0_\d+"', text, re.M)) == arrows
        assert len(re.findall(r"e-\d+ s \(\d+\.\d%\)", text)) == len(training.profile.apply_time)

    def test_compact(self, tmp_path):
        x = T.dscalar("x")
        y = T.exp(T.sin(x))
        d3write(y, tmp_path / "a.dot")
        d3write(y, tmp_path / "b.dot", compact=False)
        a, b = (len(re.findall(r"^\"\w+\" \[", (tmp_path / n).read_text(), re.M)) for n in ("a.dot", "b.dot"))
        assert (a, b) == (4, 6)

    def test_inner_graphs_are_frames(self, nested, tmp_path):
        d3write(nested, tmp_path / "graph.dot")
        text = (tmp_path / "graph.dot").read_text()
        assert text.count("subgraph") == 3 and text.count("{\n") == text.count("\n}")
        assert text.count("lhead") == 5  # scan, pair, cell in the loop, cell twice in pair
        assert 'label="cell"' in text and 'label="for{rnn}"' in text


class Test_formatter:
    def test_pydot_missing(self, without_pydot):
        x = T.dscalar("x")
        with pytest.raises(ImportError, match=r"pip install 'theano\[viz\]'"):
            PyDotFormatter()(x + 1)
        with pytest.raises(ImportError, match=r"extra `viz`"):
            formatting.dict_to_pdnode({"name": "a"})

    def test_the_pydot_graph(self, nested):
        pydot = pytest.importorskip("pydot", reason="PyDotFormatter needs pydot")
        x = T.dscalar("x")
        graph = PyDotFormatter()(T.exp(x) * 2)
        assert isinstance(graph, pydot.Dot)
        assert len(graph.get_nodes()) == 5 and len(graph.get_edges()) == 4
        assert graph.to_string().count("->") == 4
        assert len(PyDotFormatter()(nested).get_subgraphs()) == 3
        started = pydot.Dot("mine", graph_type="digraph")
        assert PyDotFormatter()(x, started) is started and len(started.get_nodes()) == 2

    def test_colours_and_shapes(self):
        formatter = PyDotFormatter(compact=False)
        assert formatter.node_colors == NODE_COLORS and formatter.node_colors is not NODE_COLORS
        formatter.node_colors["input"] = "hotpink"
        formatter.apply_colors["Elemwise"] = "orchid"
        formatter.shapes["input"] = "hexagon"
        text = formatter.dot(T.exp(T.dscalar("x"))).text()
        assert text.count("hotpink") == text.count("orchid") == text.count("hexagon") == 1
        assert "hotpink" not in PyDotFormatter().dot(T.dscalar("x")).text()

    def test_not_a_graph(self):
        with pytest.raises(TypeError, match="PyDotFormatter draws"):
            PyDotFormatter()(3)


class Test_texts:
    def test_var_label(self):
        x = T.dvector("x")
        assert formatting.var_label(x) == "x" and formatting.var_label(x + 1) == "float64 (?,)"
        third = T.constant(1 / 3)
        assert formatting.var_label(third) == "0.333" and formatting.var_label(third, precision=5) == "0.33333"
        assert formatting.var_label(T.constant(12)) == "12"

    def test_var_tag(self):
        x = T.dscalar("x")
        y = x + 1  # made here
        found = formatting.var_tag(y)
        assert found["file"] == __file__ and found["function"] == "test_var_tag"
        assert found["source"] == "y = x + 1  # made here"
        assert formatting.var_tag(x)["line"] == found["line"] - 1

    def test_apply_profile(self, training):
        node, seconds = next(iter(training.profile.apply_time.items()))
        assert formatting.apply_profile(node, training.profile) == [
            seconds, pytest.approx(sum(training.profile.apply_time.values())),
        ]  # fmt: skip
        assert formatting.apply_profile(node, None) is None
        assert formatting.apply_profile(T.exp(T.dscalar()).owner, training.profile) is None

    @pytest.mark.parametrize("name", ["scalar", "vector", "matrix", "row", "col", "tensor3", "tensor4"])
    def test_names_of_patterns(self, name):
        assert formatting.broadcastable_to_str(getattr(T, f"d{name}").broadcastable) == name
        assert formatting.broadcastable_to_str((True,) * 5) == str((True,) * 5)

    def test_letters_of_dtypes(self):
        for letter in "bwilfdcz":
            assert formatting.dtype_to_char(getattr(T, f"{letter}scalar").dtype) == letter
        assert formatting.dtype_to_char("bool") == "bool"
        assert formatting.type_to_str(T.lmatrix) == "int64 (?, ?)"
        assert formatting.apply_label((T.dscalar() * 2).owner) == "mul"

    def test_dict_to_pdnode(self):
        pydot = pytest.importorskip("pydot", reason="dict_to_pdnode needs pydot")
        node = formatting.dict_to_pdnode({"name": "a b", "label": 'the "a"', "shape": None, "width": 2})
        assert isinstance(node, pydot.Node) and node.get_name() == '"a b"' and node.get("width") == '"2"'
        assert node.get("shape") is None
        with pytest.raises(KeyError, match="name"):
            formatting.dict_to_pdnode({"label": "a"})


def test_a_function_without_nodes():
    x = T.dscalar("x")
    f = theano.function([x], [], on_unused_input="ignore")
    assert "x" in PyDotFormatter().dot(f).text()
    assert f(np.float64(1.0)) == []
