"""The page and its data against the graph; escapes; arguments; files for Graphviz."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from page_reading import NASTY, data_in

import theano
import theano.tensor as T
from theano.d3viz import d3viz, d3write, replace_patterns, safe_json
from theano.graph.fgraph import FunctionGraph


class Elements(HTMLParser):
    """Tags, attributes and the texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts = Counter(), [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


def check_against(graph, nodes, outputs):
    """Every node, every use and every output of a graph stands in the data once."""
    assert Counter(n["op"] for n in graph["nodes"] if n["kind"] == "op") == Counter(str(node.op) for node in nodes)
    uses = Counter((str(n.op), k) for n in nodes for k in range(len(n.inputs)))
    assert uses == Counter(
        (graph["nodes"][t]["op"], k) for _, _, t, k, _ in graph["edges"] if graph["nodes"][t]["kind"] == "op"
    )
    assert len({tuple(edge[2:4]) for edge in graph["edges"]}) == len(graph["edges"])
    assert len(graph["outputs"]) == len(outputs)
    for number, output in zip(graph["outputs"], outputs):
        ((source, index, _, _, _),) = [edge for edge in graph["edges"] if edge[2] == number]
        if output.owner is not None:
            assert graph["nodes"][source]["op"] == str(output.owner.op) and index == output.index


class Test_data:
    def test_of_a_function(self, training, data_of):
        data = data_of(training)
        fgraph = training.maker.fgraph
        (graph,) = data["graphs"]
        check_against(graph, fgraph.toposort(), fgraph.outputs)
        assert data["title"] == "training step"
        kinds = Counter(node["kind"] for node in graph["nodes"])
        assert (kinds["input"], kinds["shared"], kinds["output"], kinds["update"]) == (2, 2, 1, 2)
        assert [graph["nodes"][k]["label"] for k in graph["inputs"]] == ["x", "t", "w", "b"]
        updates = [n for n in graph["nodes"] if n["kind"] == "update"]
        assert [(n["label"], graph["nodes"][graph["inputs"][n["updates"]]]["name"]) for n in updates] == [
            ("w ←", "w"), ("b ←", "b"),
        ]  # fmt: skip
        shared = {n["name"]: n for n in graph["nodes"] if n["kind"] == "shared"}
        assert shared["w"]["type"] == "float64 (?,)" and shared["w"]["value"].startswith("[0.0")

    def test_times(self, training, data_of):
        data = data_of(training)
        profile = training.profile.apply_time
        timed = {n["number"]: n for n in data["graphs"][0]["nodes"] if "seconds" in n}
        order = training.maker.fgraph.toposort()
        assert {order[k]: n["seconds"] for k, n in timed.items()} == pytest.approx(profile)
        assert data["total"] == pytest.approx(sum(profile.values())) and {n["calls"] for n in timed.values()} == {1}
        x = T.dscalar("x")
        plain = data_of(theano.function([x], x + 1))
        assert plain["total"] is None and "seconds" not in str(plain["graphs"])

    def test_where_it_was_written(self, data_of):
        x = T.dscalar("x")  # here is x
        data = data_of(T.exp(x))  # here is exp
        for node in data["graphs"][0]["nodes"]:
            file, line, function, source = data["places"][node["at"][0]]
            assert (file, function) == (__file__, "test_where_it_was_written") and line > 0
            assert source.endswith("# here is x" if node["label"] == "x" else "# here is exp")
        assert len({tuple(place) for place in data["places"]}) == len(data["places"])

    def test_outputs_types_and_uses(self, data_of):
        x = T.TensorType("float32", shape=(None, 3))("x")
        values, indices = T.max_and_argmax(x.dimshuffle(1, 0), axis=0)
        indices.name = "indices"
        graph = data_of([values, indices])["graphs"][0]
        (node,) = [n for n in graph["nodes"] if "MaxAndArgmax" in n.get("op", "")]
        assert [(o["name"], o["type"]) for o in node["outputs"]] == [(None, "float32 (?,)"), ("indices", "int64 (?,)")]
        assert node["note"] == "2 outputs"
        assert [n["label"] for n in graph["nodes"] if n["kind"] == "output"] == ["output 0", "indices"]
        (view,) = [edge for edge in graph["edges"] if edge[4] is not None]
        assert view[4] == "view" and graph["nodes"][view[2]]["label"].startswith("DimShuffle")
        assert next(n for n in graph["nodes"] if n["kind"] == "input")["type"] == "float32 (?, 3)"

    def test_constants(self, data_of):
        x = T.dvector("x")
        graph = data_of(FunctionGraph([x], [x * T.constant(np.arange(100.0)) + 2]))["graphs"][0]
        values = {n["label"]: n["value"] for n in graph["nodes"] if n["kind"] == "constant"}
        assert set(values) == {"float64 (100,)", "2"}

    def test_of_variables_lists_nodes_and_function_graphs(self, data_of):
        x = T.dscalar("x")
        y = T.exp(x)
        for what in (y, [y], (y,), y.owner, FunctionGraph([x], [y])):
            check_against(data_of(what)["graphs"][0], [y.owner], [y])

    def test_not_compact(self, data_of):
        x = T.dscalar("x")
        y = T.exp(x) * 2
        kinds = Counter(n["kind"] for n in data_of(y)["graphs"][0]["nodes"])
        assert kinds == {"op": 2, "input": 1, "constant": 1, "output": 1}
        for data in (data_of(y, compact=False), data_of(y, True, False)):
            (graph,) = data["graphs"]
            assert Counter(n["kind"] for n in graph["nodes"]) == kinds + Counter(variable=2)
            assert len(graph["edges"]) == 6

    def test_inner_graphs(self, nested, data_of):
        graphs = data_of(nested)["graphs"]
        top = nested.maker.fgraph
        check_against(graphs[0], top.toposort(), top.outputs)
        found = {}
        pending = [(graphs[0], top)]
        while pending:
            graph, fgraph = pending.pop()
            order = fgraph.toposort()
            for node in graph["nodes"]:
                if "inner" not in node:
                    assert node["kind"] != "op" or not hasattr(order[node["number"]].op, "fgraph")
                    continue
                inner = order[node["number"]].op.fgraph
                assert found.setdefault(node["inner"], inner) is inner
                check_against(graphs[node["inner"]], inner.toposort(), inner.outputs)
                pending.append((graphs[node["inner"]], inner))
                assert len(graphs[node["inner"]]["inputs"]) == len(inner.inputs)
        assert sorted(found) == [1, 2, 3] and len(graphs) == 4
        (loop,) = [n for n in graphs[0]["nodes"] if n["label"] == "for{rnn}"]
        assert {own for _, own in loop["entries"]} == set(range(len(graphs[loop["inner"]]["inputs"])))
        assert 0 not in {outer for outer, _ in loop["entries"]} and loop["exits"] == [[0, 0]]

    def test_a_graph_of_5000_nodes(self, data_of):
        rng = np.random.RandomState(0)
        values = [T.dvector(f"v{k}") for k in range(10)]
        for _ in range(5000):
            values.append(T.sub(values[rng.randint(len(values))], values[-1]))
        data = data_of(values[-1])
        (graph,) = data["graphs"]
        assert Counter(n["kind"] for n in graph["nodes"])["op"] == 5000
        assert len(graph["edges"]) == 10_001 == len({tuple(edge[2:4]) for edge in graph["edges"]})
        assert len(graph["slots"]) < 6 * (len(graph["nodes"]) + len(graph["edges"]))
        assert len(json.dumps(data)) < 1000 * len(graph["nodes"])

    def test_it_depends_on_the_graph_alone(self, training, nested, tmp_path):
        for f in (training, nested):
            d3viz(f, tmp_path / "a.html")
            d3viz(f, str(tmp_path / "b.html"))
            assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


class Test_page:
    def test_it_needs_nothing_else(self, training, tmp_path):
        d3viz(training, tmp_path / "graph.html", copy_deps=True)
        assert [path.name for path in tmp_path.iterdir()] == ["graph.html"]
        page = (tmp_path / "graph.html").read_text(encoding="utf-8")
        found = Elements(page)
        assert not {"link", "img", "iframe", "object", "embed", "base"} & set(found.tags)
        assert not {"src", "href", "srcset", "action"} & {name for name, _ in found.attributes}
        style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
        assert "url(" not in style and "@import" not in style and "@font-face" not in style
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\b\s*\(|new Worker", page)
        assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}  # a name, not a place
        policy = next(value for name, value in found.attributes if value and "default-src" in value)
        assert policy.startswith("default-src 'none'")
        assert not re.search(r"\{\{\w+\}\}", page)

    def test_names_and_values_do_not_break_it(self, nasty, tmp_path):
        x = T.dscalar("x")
        d3viz(nasty, tmp_path / "nasty.html")
        d3viz(theano.function([x], x + 1, name="plain"), tmp_path / "plain.html")
        page = (tmp_path / "nasty.html").read_text(encoding="utf-8")
        tame = Elements((tmp_path / "plain.html").read_text(encoding="utf-8"))
        found = Elements(page)
        assert found.tags == tame.tags and found.attributes == tame.attributes
        data = data_in(page)
        assert data["title"] == NASTY and NASTY in found.texts  # in the page's title, as text
        shown = " ".join(NASTY.split())
        names = [n["name"] for n in data["graphs"][0]["nodes"] if n["kind"] == "input"]
        values = [n["value"] for n in data["graphs"][0]["nodes"] if n["kind"] == "constant"]
        assert names == [shown] and values == [shown]

    def test_names_that_are_not_utf_8(self, tmp_path):
        x = T.dscalar("half a pair \ud800")
        d3viz(x + 1, tmp_path / "graph.html")
        d3viz(x, tmp_path / "graph.html")  # it is the title too
        assert data_in((tmp_path / "graph.html").read_text(encoding="utf-8"))["title"] == "half a pair \ud800"
        d3write(x + 1, tmp_path / "graph.dot")
        assert "half a pair" in (tmp_path / "graph.dot").read_text(encoding="utf-8")


class Test_arguments:
    @pytest.mark.parametrize("write", [d3viz, d3write])
    @pytest.mark.parametrize("wrong", [3, None, [], ["x"], {}, len, np.zeros(3)])
    def test_no_graph(self, write, wrong, tmp_path):
        with pytest.raises(TypeError, match=rf"{write.__name__} draws a compiled function.*pass theano\.function"):
            write(wrong, tmp_path / "graph.html")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("write", [d3viz, d3write])
    def test_no_place(self, write, tmp_path):
        x = T.dscalar("x")
        with pytest.raises(FileNotFoundError, match=r"folder .*missing' does not exist\. Create it first"):
            write(x, tmp_path / "missing" / "graph.html")
        with pytest.raises(IsADirectoryError, match="it is a folder"):
            write(x, tmp_path)
        for wrong in (None, 3, b"bytes.html"):
            with pytest.raises(TypeError, match="outfile must be the path"):
                write(x, wrong)
        with pytest.raises(TypeError, match="no_such_option"):
            write(x, tmp_path / "graph.html", no_such_option=True)
        assert not list(tmp_path.iterdir())

    def test_it_returns_nothing_and_replaces_a_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "graph.html").write_text("old")
        assert d3viz(T.dscalar("x"), "graph.html") is None
        assert (tmp_path / "graph.html").read_text().startswith("<!DOCTYPE html>")


class Test_texts:
    def test_replace_patterns(self):
        assert replace_patterns("a b", {"a": "b", "b": "a"}) == "b a"
        assert replace_patterns("x1 x2", {r"x(\d)": r"\1"}) == r"\1 \1"
        assert replace_patterns("as it is", {}) == "as it is"

    def test_safe_json(self):
        value = {"a": [1, None, 0.5, "</script>", NASTY, "\ud800"], "<b>": True}
        text = safe_json(value)
        assert json.loads(text) == value
        assert text.isascii() and not set("<>&") & set(text)
        with pytest.raises(ValueError):
            safe_json(float("nan"))


def test_the_doors_load_nothing_heavy_and_are_attributes_of_theano():
    assert theano.d3viz.d3viz is d3viz and callable(theano.d3viz.formatting.PyDotFormatter)
    assert theano.d3viz.d3write is d3write
