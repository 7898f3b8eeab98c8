"""pydotprint: what is written for Graphviz, option by option, and what is handed to pydot."""

import re
import sys
import types

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import printing
from theano.graph.drawing import NODE_COLORS
from theano.graph.fgraph import FunctionGraph
from theano.ifelse import ifelse

NODE = re.compile(r'^"(\w+)"(?: \[(.*)\])?;$')
EDGE = re.compile(r'^"(\w+)" -> "(\w+)"(?: \[(.*)\])?;$')
ATTRIBUTE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parsed(text):
    """({name: attributes}, [(source, target, attributes)]) of the nodes and edges in a dot text."""
    nodes, edges = {}, []
    for line in text.splitlines():
        if found := EDGE.match(line):
            edges.append((found[1], found[2], dict(ATTRIBUTE.findall(found[3] or ""))))
        elif found := NODE.match(line):
            assert found[1] not in nodes
            nodes[found[1]] = dict(ATTRIBUTE.findall(found[2] or ""))
    return nodes, edges


def dot(what, **options):
    return parsed(printing.pydotprint(what, format="dot", return_image=True, **options).decode())


def label(nodes, text):
    """The attributes of the one node whose label contains `text`."""
    (found,) = [attributes for attributes in nodes.values() if text in attributes["label"]]
    return found


@pytest.fixture
def graph():
    x = T.dvector("x")
    y = T.exp(x)
    return x, y, y * (y + x)


class Test_text:
    def test_boxes_and_arrows(self, graph):
        x, _, z = graph
        nodes, edges = dot(FunctionGraph([x], [z]))
        assert len(nodes) == 5  # x, three operations, the output
        assert sorted(a["label"].split(" ")[0] for a in nodes.values()) == [
            "Elemwise{add}", "Elemwise{exp}", "Elemwise{mul}", "name=x", "output",
        ]  # fmt: skip
        names = {a["label"].split(" ")[0]: n for n, a in nodes.items()}
        assert sorted((s, t) for s, t, _ in edges) == sorted((names[s], names[t]) for s, t in [
            ("name=x", "Elemwise{exp}"), ("Elemwise{exp}", "Elemwise{add}"), ("name=x", "Elemwise{add}"),
            ("Elemwise{exp}", "Elemwise{mul}"), ("Elemwise{add}", "Elemwise{mul}"), ("Elemwise{mul}", "output"),
        ])  # fmt: skip

    def test_shapes_tell_operations_from_variables(self, graph):
        nodes, _ = dot(graph[2])
        assert label(nodes, "exp")["shape"] == "ellipse" and label(nodes, "name=x")["shape"] == "box"

    def test_what_is_drawn(self, graph):
        x, _, z = graph
        for what in (z, [z], (z,), z.owner, FunctionGraph([x], [z])):
            assert len(dot(what)[0]) == 5
        f = theano.function([x], z, mode="reference")
        assert len(dot(f)[0]) == 2 + len(f.maker.fgraph.apply_nodes)
        for what in (3, [], [x, 3], None, "x"):
            with pytest.raises(ValueError, match="pydotprint draws a compiled function"):
                printing.pydotprint(what)
            with pytest.raises(TypeError):
                printing.pydotprint(what)

    def test_positions_of_inputs_and_types_of_what_is_computed(self):
        x, y = T.dvector("x"), T.fvector("y")
        nodes, edges = dot(T.sub(x, T.exp(y)))
        arriving = [a.get("label") for _, target, a in edges if "sub" in nodes[target]["label"]]
        assert arriving == ["0", "1 TensorType(float32, vector)"]
        assert [a.get("label") for _, target, a in edges if "sub" not in nodes[target]["label"]] == [None, None]

    def test_names_are_shown_as_they_are(self):
        for name in ['a "b"', "back\\slash", "ends with \\", "new\nline", "\\N", "}", "</script>", "ü", "tab\t"]:
            nodes, _ = dot(T.exp(T.dscalar(name)), var_with_name_simple=True)
            shown = [a["label"] for a in nodes.values() if a["shape"] == "box"]
            unescaped = [s.replace('\\"', '"').replace("\\\\", "\\") for s in shown]
            assert " ".join(name.split()) in unescaped

    def test_updates(self):
        w = theano.shared(1.0, name="w")
        f = theano.function([], [], updates=[(w, w * 2)])
        nodes, _ = dot(f)
        assert "w" in label(nodes, "update of")["label"]


class Test_options:
    def test_compact(self, graph):
        _, y, z = graph
        assert len(dot(z)[0]) == 5
        assert len(dot(z, compact=False)[0]) == 8  # the three results too
        y.name = "y"
        nodes, edges = dot(z)
        assert len(nodes) == 6 and label(nodes, "name=y")["fillcolor"] == NODE_COLORS["variable"]
        names = {a["label"].split(" ")[0]: n for n, a in nodes.items()}
        assert [(s, t) for s, t, _ in edges if t == names["name=y"]] == [(names["Elemwise{exp}"], names["name=y"])]
        assert not [e for e in edges if e[0] == names["Elemwise{exp}"] and e[1] != names["name=y"]]

    def test_with_ids(self, graph):
        x, _, z = graph
        f = theano.function([x], z, mode="FAST_COMPILE")
        nodes, _ = dot(f, with_ids=True)
        for number, node in enumerate(f.maker.fgraph.toposort()):
            assert label(nodes, f"{node.op} id={number}")
        assert all(re.search(r" id=\d+$", a["label"]) for a in nodes.values())
        assert not any(" id=" in a["label"] for a in dot(f)[0].values())

    def test_high_contrast(self, graph):
        filled, border = label(dot(graph[2])[0], "exp"), label(dot(graph[2], high_contrast=False)[0], "exp")
        assert filled["style"] == "filled" and "color" not in filled
        assert border["color"] == filled["fillcolor"] and "style" not in border

    def test_color_codes(self, graph):
        nodes, _ = dot(graph[2].sum(), colorCodes={"Elemwise": "hotpink"})
        assert label(nodes, "exp")["fillcolor"] == "hotpink" != label(nodes, "Sum")["fillcolor"]

    def test_max_label_size(self):
        x = T.dscalar("x" * 300)
        for longest in (10, 70):
            nodes, _ = dot(T.exp(x), max_label_size=longest)
            shown = max(len(a["label"]) for a in nodes.values())
            assert longest <= shown <= longest + len("output 0: ")

    def test_var_with_name_simple(self, graph):
        labels = [a["label"] for a in dot(graph[2], var_with_name_simple=True)[0].values()]
        assert "x" in labels and "name=x TensorType(float64, vector)" not in labels

    def test_number_of_labels(self, graph):
        printing.pydotprint(graph[2], format="dot", return_image=True, assert_nb_all_strings=5)
        with pytest.raises(AssertionError, match="5 different labels"):
            printing.pydotprint(graph[2], format="dot", return_image=True, assert_nb_all_strings=6)

    def test_views_and_overwritten_inputs_have_coloured_arrows(self):
        class Overwrites(theano.Op):
            itypes = otypes = [T.dvector]
            destroy_map = {0: [0]}

        x = T.dmatrix("x")
        _, edges = dot(x.dimshuffle(1, 0))
        assert [a.get("color") for _, _, a in edges] == ["blue", None]
        _, edges = dot(Overwrites()(T.dvector("v")))
        assert [a.get("color") for _, _, a in edges] == ["red", None]

    def test_branches(self):
        c, a, b = T.bscalar("c"), T.dvector("a"), T.dvector("b")
        both = T.sin(a)
        z = ifelse(c, T.exp(both), T.tanh(both) + b)
        assert not any("penwidth" in n for n in dot(z)[0].values())
        for wanted in (True, z.owner, z):
            nodes, _ = dot(z + 1, cond_highlight=wanted)
            borders = {op: label(nodes, f"{{{op}}}").get("color") for op in ("sin", "exp", "tanh")}
            assert borders == {"sin": "purple", "exp": "blue", "tanh": "red"}
            assert sum("penwidth" in n for n in nodes.values()) == 4
        assert dot(a, cond_highlight=True)[0]
        with pytest.raises(ValueError, match="IfElse"):
            dot(z, cond_highlight=T.exp(a))

    def test_scan_graphs(self, tmp_path, capsys):
        x = T.dvector("x")
        s, _ = theano.scan(lambda v, total: T.tanh(v + total), sequences=x, outputs_info=T.zeros(()), name="sum up")
        f = theano.function([x], s)
        (number,) = [k for k, n in enumerate(f.maker.fgraph.toposort()) if str(n.op).startswith("for")]
        printing.pydotprint(f, outfile=tmp_path / "whole.dot", scan_graphs=True)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["whole.dot", f"whole_sum_up_{number}.dot"]
        assert capsys.readouterr().out.count("The output file is available at") == 2
        inside = parsed((tmp_path / names[1]).read_text())[0]
        assert label(inside, "tanh") and not any("tanh" in a["label"] for a in dot(f)[0].values())
        printing.pydotprint(f, outfile=tmp_path / "alone.dot", print_output_file=False)
        assert capsys.readouterr().out == "" and len(list(tmp_path.iterdir())) == 3

    def test_where_it_goes(self, graph, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        printing.pydotprint(graph[2], format="dot", print_output_file=False)
        printing.pydotprint(graph[2], outfile="plain", format="dot", print_output_file=False)
        printing.pydotprint(graph[2], outfile="x.dot", format="png", print_output_file=False)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["plain.dot", "theano.pydotprint.dot", "x.dot"]
        assert len({p.read_text() for p in tmp_path.iterdir()}) == 1
        assert printing.pydotprint(graph[2], outfile="y.dot", return_image=True).startswith(b"digraph")
        assert not (tmp_path / "y.dot").exists()


class Recorded:
    """Stands for pydot: records what it is given."""

    def __init__(self):
        self.graphs = []
        record = self

        class Dot:
            def __init__(self, name="", graph_type=""):
                self.nodes, self.edges, self.attributes = [], [], {}
                record.graphs.append(self)

            def set(self, key, value):
                self.attributes[key] = value

            def add_node(self, node):
                self.nodes.append(node)

            def add_edge(self, edge):
                self.edges.append(edge)

            def create(self, format):
                return f"{format} of {len(self.nodes)} nodes and {len(self.edges)} edges".encode()

        self.module = types.SimpleNamespace(
            Dot=Dot, Node=lambda name, **kw: (name, kw), Edge=lambda a, b, **kw: (a, b, kw)
        )


class Test_pydot:
    def test_without_pydot_the_error_says_what_to_install(self, monkeypatch, tmp_path, graph):
        for name in ("pydot", "pydotplus", "pydot_ng"):
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(RuntimeError, match=r"pip install pydot.*\.dot needs neither"):
            printing.pydotprint(graph[2], outfile=str(tmp_path / "x.png"))
        assert not list(tmp_path.iterdir())
        printing.pydotprint(graph[2], outfile=str(tmp_path / "x.dot"), print_output_file=False)
        assert (tmp_path / "x.dot").read_text().startswith("digraph")

    @pytest.mark.parametrize("name", ["pydot", "pydotplus", "pydot_ng"])
    def test_what_is_handed_to_pydot(self, monkeypatch, tmp_path, graph, name):
        x, _, z = graph
        for other in ("pydot", "pydotplus", "pydot_ng"):
            monkeypatch.setitem(sys.modules, other, None)
        found = Recorded()
        monkeypatch.setitem(sys.modules, name, found.module)
        path = tmp_path / "graph.svg"
        printing.pydotprint(FunctionGraph([x], [z]), outfile=str(path), print_output_file=False)
        assert path.read_bytes() == b"svg of 5 nodes and 6 edges"
        (made,) = found.graphs
        nodes, edges = parsed("\n".join(
            [f"{n} [{', '.join(f'{k}={v}' for k, v in kw.items())}];" for n, kw in made.nodes]
            + [f"{a} -> {b} [{', '.join(f'{k}={v}' for k, v in kw.items())}];" for a, b, kw in made.edges]
        ))  # fmt: skip
        assert (nodes, edges) == dot(FunctionGraph([x], [z]))
        assert printing.pydotprint(z, return_image=True) == b"png of 5 nodes and 6 edges"

    def test_graphviz_missing(self, monkeypatch, graph):
        found = Recorded()

        def create(self, format):
            raise FileNotFoundError("dot not found in path")

        found.module.Dot.create = create
        monkeypatch.setitem(sys.modules, "pydot", found.module)
        with pytest.raises(RuntimeError, match=r"could not run Graphviz: dot not found.*format='dot'"):
            printing.pydotprint(graph[2], return_image=True)

    @pytest.mark.parametrize("format, start", [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
    def test_pictures(self, graph, tmp_path, format, start):
        pytest.importorskip("pydot", reason="pictures need pydot")
        x, _, z = graph
        z.name = 'quoted "z" \\'
        f = theano.function([x], [z, T.dot(z, np.eye(3)).sum()])
        path = tmp_path / f"graph.{format}"
        try:
            printing.pydotprint(f, outfile=path, print_output_file=False)
        except RuntimeError as error:
            pytest.skip(f"Graphviz is not installed: {error}")
        assert path.read_bytes().startswith(start)


def test_a_long_chain_is_written():
    y = x = T.dscalar("x")
    for _ in range(20_000):
        y = T.sin(y)
    nodes, edges = dot(y)
    assert len(nodes) == 20_002 and len(edges) == 20_001
    assert dot([x])[0]
