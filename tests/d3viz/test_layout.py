"""Layers and orders: every box has its place, arrows point down, few cross, and the work is bounded."""

import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.d3viz.layout import BEND, layout
from theano.graph.diagram import diagram_of, drawable


def diagram(what):
    return diagram_of(drawable(what, "test"), lambda variable: False)


def random_graph(size, seed=0):
    rng = np.random.RandomState(seed)
    values = [T.dvector(f"v{k}") for k in range(10)]
    for _ in range(size):
        first, second = rng.randint(max(0, len(values) - 60), len(values)), rng.randint(0, len(values))
        values.append(T.sub(values[first], values[second]) if rng.rand() < 0.8 else values[first] * rng.rand())
    used = {variable for value in values if value.owner for variable in value.owner.inputs}
    return [value for value in values if value not in used]


def deep_graph(links):
    """A chain and its gradient: arrows that span most of the layers."""
    x = T.dscalar("x")
    y = x
    for _ in range(links):
        y = T.sin(y) * 2
    return [T.grad(y, x)]


GRAPHS = {
    "one leaf": lambda: [T.dscalar("x")],
    "one op": lambda: [T.dscalar("x") + 1],
    "twice the same": lambda: [T.mul(x := T.dscalar("x"), x)],
    "random": lambda: random_graph(200),
    "deep": lambda: deep_graph(100),
    "wide": lambda: [sum(T.sin(T.dscalar()) * k for k in range(100))],
    "apart": lambda: [T.sin(T.dscalar()) for _ in range(20)],
}


@pytest.fixture(params=GRAPHS)
def found(request):
    return diagram(GRAPHS[request.param]())


@pytest.mark.parametrize("pinned", [False, True])
def test_places(found, pinned):
    made = layout(found, pinned)
    assert sorted(slot for layer in made.layers for slot in layer) == list(range(len(made.slots)))
    users = Counter((a.source, a.target) for a in found.arrows if found.boxes[a.source].kind == "constant")
    times = Counter(source for source, _ in users)
    for box, count in Counter(box for box in made.slots if box != BEND).items():
        assert count == (times[box] if found.boxes[box].kind == "constant" else 1)
    assert {box for box in made.slots if box != BEND} == set(range(len(found.boxes)))
    assert all(made.layers)


@pytest.mark.parametrize("pinned", [False, True])
def test_arrows_point_down_layer_by_layer(found, pinned):
    made = layout(found, pinned)
    rank = {slot: k for k, layer in enumerate(made.layers) for slot in layer}
    assert len(made.routes) == len(found.arrows)
    for arrow, route in zip(found.arrows, made.routes):
        assert (made.slots[route[0]], made.slots[route[-1]]) == (arrow.source, arrow.target)
        assert all(made.slots[slot] == BEND for slot in route[1:-1])
        steps = {rank[b] - rank[a] for a, b in pairwise(route)}
        assert steps == {1} or (len(route) == 2 and min(steps) > 1)  # or a long one without bends


def test_small_graphs_have_all_their_bends():
    for make in (GRAPHS["random"], GRAPHS["wide"]):
        found = diagram(make())
        made = layout(found)
        rank = {slot: k for k, layer in enumerate(made.layers) for slot in layer}
        assert all(len(route) == rank[route[-1]] - rank[route[0]] + 1 for route in made.routes)


def test_inputs_and_outputs_of_an_inner_graph_lie_outside():
    x, y = T.dvectors("x", "y")
    z = T.exp(T.sin(T.cos(x)))
    found = diagram(theano.FunctionGraph([x, y], [z + y, T.cos(x)]))
    made = layout(found, pinned=True)
    assert {made.slots[slot] for slot in made.layers[0]} >= set(found.inputs)
    assert {made.slots[slot] for slot in made.layers[-1]} == set(found.outputs)
    free = layout(found)
    assert not {free.slots[slot] for slot in free.layers[0]} >= set(found.inputs)  # y is near to its user


def test_leaves_lie_just_above_their_first_user():
    x, y = T.dscalars("x", "y")
    z = T.exp(T.sin(T.cos(x))) * y
    found = diagram(z)
    made = layout(found)
    (place,) = [k for k, layer in enumerate(made.layers) for slot in layer
                if made.slots[slot] != BEND and found.boxes[made.slots[slot]].subject is y]  # fmt: skip
    assert place == 3


def crossings(made, found):
    """By definition: pairs of arrows between two layers, whose ends are in different orders."""
    place = {slot: k for layer in made.layers for k, slot in enumerate(layer)}
    rank = {slot: k for k, layer in enumerate(made.layers) for slot in layer}
    links = {}
    for arrow, route in zip(found.arrows, made.routes):
        inputs = len(found.boxes[arrow.target].subject.inputs) if found.boxes[arrow.target].kind == "op" else 1
        for a, b in pairwise(route):
            end = place[b] + ((arrow.position + 1) / (inputs + 1) - 0.5 if b == route[-1] else 0)
            links[a, b, end] = (rank[a], place[a], end)
    total = 0
    ends = list(links.values())
    for k, (layer, start, end) in enumerate(ends):
        total += sum(r == layer and (s - start) * (e - end) < 0 for r, s, e in ends[:k])
    return total


def test_graphs_that_can_be_drawn_without_crossings_are():
    x, y, z, w = T.dscalars("x", "y", "z", "w")
    tree = T.sub(T.sub(T.exp(w), T.sin(z)), T.sub(T.cos(y), T.tanh(x)))
    pairs = theano.FunctionGraph([x, y, z, w], [T.sub(x, z), T.sub(y, w)])  # the inputs have to be sorted
    outputs = theano.FunctionGraph([x, y], [T.exp(x), T.exp(y), T.sin(x), T.sin(y)])
    for what in (tree, [T.exp(x), T.sin(y), T.cos(z)], T.nnet.sigmoid(x) * x, pairs, outputs):
        found = diagram(what)
        assert crossings(layout(found), found) == 0


def test_sorting_removes_most_crossings(monkeypatch):
    found = diagram(random_graph(150))
    sorted_ = crossings(layout(found), found)
    monkeypatch.setattr("theano.d3viz.layout.SWEEPS", 0)
    assert sorted_ < 0.5 * crossings(layout(found), found)


def test_it_depends_on_the_graph_alone():
    first, second = (layout(diagram(random_graph(300, seed=4))) for _ in range(2))
    assert (first.slots, first.layers, first.routes) == (second.slots, second.layers, second.routes)


def work(what):
    """How many functions are called, Python's and C's."""
    found, count = diagram(what), [0]

    def count_call(frame, event, arg):
        count[0] += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        made = layout(found)
    finally:
        sys.setprofile(None)
    return count[0], found, made


@pytest.mark.parametrize("make", [random_graph, lambda size: deep_graph(size // 5)], ids=["random", "deep"])
def test_the_work_for_5000_nodes_is_bounded(make):
    small, _, _ = work(make(1250))
    large, found, made = work(make(5000))
    assert len(found.boxes) >= 5000
    assert len(made.slots) <= 6 * (len(found.boxes) + len(found.arrows)) + 4000
    assert large < 8 * small  # four times the size
    assert large < 400 * (len(found.boxes) + len(found.arrows))


def test_a_chain_of_20_000_links():
    y = T.dscalar("x")
    for _ in range(20_000):
        y = T.sin(y)
    assert len(layout(diagram(y)).layers) == 20_002
