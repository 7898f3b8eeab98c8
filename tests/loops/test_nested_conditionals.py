"""Conditionals in branches of conditionals: what they compute, what they run, and that making them is work in
proportion to what is made."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_lazy_gradients import CALLS, Sine

import theano
import theano.tensor as tt
from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.ifelse import IfElse, ifelse
from theano.loops import branches
from theano.loops.branch_uses import Place, around, guards, places
from theano.loops.branches import Branches, gather_branches
from theano.loops.conditionals import simplify
from theano.loops.kept_values import keep_values

sys.path.append(str(Path(__file__).parent.parent / "compile"))
from counted_calls import calls_during

X = tt.dvector("x")
V = np.array([0.3, -0.5, 0.7])


class Failing(Op):
    """It always fails."""

    __props__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        raise ValueError("this branch must not be run")

    def L_op(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
        return [output_gradients[0] * Failing(self.name)(inputs[0])]


# ---- nests: (a function of the conditions, what of it a call runs) ----------------------------------------------


def in_first(conditions: Any, other: Callable[[int], Any]) -> Any:
    y = X
    for k, condition in enumerate(conditions):
        y = ifelse(condition, Sine(f"s{k}")(y), other(k))
    return y


def in_second(conditions: Any, other: Callable[[int], Any]) -> Any:
    y = X
    for k, condition in enumerate(conditions):
        y = ifelse(tt.eq(condition, 0), other(k), Sine(f"s{k}")(y))
    return y


def in_both_in_turn(conditions: Any, other: Callable[[int], Any]) -> Any:
    y = X
    for k, condition in enumerate(conditions):
        step = Sine(f"s{k}")(y)
        y = ifelse(condition, step, other(k)) if k % 2 else ifelse(tt.eq(condition, 0), other(k), step)
    return y


def used_again(conditions: Any, other: Callable[[int], Any]) -> Any:
    """The value of each branch is used after its conditional, too, in a conditional of the same condition."""
    y = X
    for k, condition in enumerate(conditions):
        part = Sine(f"s{k}")(y)
        inner = ifelse(condition, part * 1.5, other(k))
        y = ifelse(condition, inner - 0.5 * part, inner)
    return y


NESTS = [in_first, in_second, in_both_in_turn, used_again]


def innermost_first(n: int, false: int | None) -> list[int]:
    return [int(k != false) for k in range(n)]


@pytest.mark.parametrize("build", NESTS, ids=lambda build: build.__name__)
def test_a_nest_runs_what_is_taken_once_and_no_more(build: Any, mode: str) -> None:
    n = 7
    conditions = [tt.iscalar(f"c{k}") for k in range(n)]
    y = build(conditions, lambda k: Sine(f"o{k}")(X) * (k + 1))
    slope = theano.grad(tt.exp(y).sum(), X)
    function = theano.function([*conditions, X], [y, slope], mode=mode)
    for false in (None, *range(n)):
        CALLS.clear()
        value, found = function(*innermost_first(n, false), V)
        first = 0 if false is None else false + 1
        names = [f"s{k}" for k in range(first, n)] + ([] if false is None else [f"o{false}"])
        assert Counter([*names, *(name + "'" for name in names)]) == CALLS
        expected, derivative = V, np.ones(3)
        if false is not None:
            expected, derivative = np.sin(V) * (false + 1), np.cos(V) * (false + 1)
        for _ in range(first, n):
            expected, derivative = np.sin(expected), derivative * np.cos(expected)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        np.testing.assert_allclose(found, np.exp(expected) * derivative, rtol=1e-13)


@pytest.mark.parametrize("build", NESTS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("n", [5, 19])   # derivatives are kept apart for twenty levels
def test_what_fails_in_a_branch_not_taken_is_not_run(build: Any, n: int, mode: str) -> None:
    conditions = [tt.iscalar(f"c{k}") for k in range(n)]
    y = build(conditions, lambda k: Failing(f"f{k}")(X) if k % 3 else X * k)
    function = theano.function([*conditions, X], [y, theano.grad(y.sum(), X)], mode=mode)
    for false in (None, 3):
        expected, derivative = (V, np.ones(3)) if false is None else (V * false, np.full(3, float(false)))
        for _ in range(0 if false is None else false + 1, n):
            expected, derivative = np.sin(expected), derivative * np.cos(expected)
        value, slope = function(*innermost_first(n, false), V)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(slope, derivative, rtol=1e-12)
    with pytest.raises(ValueError, match="this branch must not be run"):
        function(*innermost_first(n, 1), V)


@pytest.mark.parametrize("build", NESTS, ids=lambda build: build.__name__)
def test_values_are_lazy_at_any_depth(build: Any, mode: str) -> None:
    n = 40
    conditions = [tt.iscalar(f"c{k}") for k in range(n)]
    function = theano.function([*conditions, X], build(conditions, lambda k: Failing(f"f{k}")(X)), mode=mode)
    expected = V
    for _ in range(n):
        expected = np.sin(expected)
    np.testing.assert_allclose(function(*[1] * n, V), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="this branch must not be run"):
        function(*innermost_first(n, 0), V)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", NESTS, ids=lambda build: build.__name__)
def test_deep_nests_of_any_values_agree_with_the_reference(build: Any, dtype: str) -> None:
    """Native code and `reference`, where a value decides, of arrays that are empty, strided and turned."""
    x = tt.tensor3("x", dtype)
    cost = theano.clone(
        build([tt.gt(X.sum(), k) for k in range(24)], lambda k: tt.tanh(X * k)), {X: x.flatten().astype("float64")}
    )
    slope = theano.grad(cost.sum(), x)
    fast, slow = (theano.function([x], [cost, slope], mode=mode) for mode in ("FAST_RUN", "reference"))
    whole = np.random.RandomState(0).uniform(0, 1, (4, 6, 3)).astype(dtype)
    for value in (whole, whole[::-2, 1::2].T, whole[:0], whole[:1, :1, :1], -whole, whole * 0.3):
        for found, expected in zip(fast(value), slow(value), strict=True):
            assert found.dtype == expected.dtype
            eps = np.finfo(found.dtype).eps
            np.testing.assert_allclose(found, expected, rtol=1e3 * eps, atol=1e3 * eps)


# ---- places ----------------------------------------------------------------------------------------------------


def random_conditionals(seed: int, size: int = 40, conditions: int = 6) -> FunctionGraph:
    rng = np.random.RandomState(seed)
    cs = [tt.iscalar(f"c{k}") for k in range(conditions)]
    pool: list[Any] = [X]

    def one() -> Any:
        return pool[max(rng.randint(len(pool)), rng.randint(len(pool)))]

    for k in range(size):
        kind = rng.randint(6)
        if kind < 3:
            pool.append(ifelse(cs[rng.randint(conditions)], one(), one()))
        else:
            pool.append(Sine(f"s{k}")(one()) if kind == 3 else tt.exp(one()) if kind == 4 else one() * one())
    return FunctionGraph([*cs, X], [pool[-1] + pool[-2], theano.grad(pool[-1].sum(), X, disconnected_inputs="ignore")])


def ways(fgraph: FunctionGraph, what: Callable[[Apply], Any]) -> dict[Apply, tuple[Any, ...]]:
    """What holds wherever a node is needed, from the outside to the inside, found the long way."""
    found: dict[Apply, tuple[Any, ...]] = {}
    for node in reversed(fgraph.toposort()):
        uses = []
        for out in node.outputs:
            for user, position in fgraph.clients[out]:
                way = () if user is OUTPUT else found[user]
                if user is not OUTPUT and isinstance(user.op, IfElse) and position > 0:
                    way = (*way, (what(user), user.op.is_read_if(position)))
                uses.append(way)
        same = 0
        while all(len(way) > same and way[: same + 1] == uses[0][: same + 1] for way in uses):
            same += 1
        found[node] = uses[0][:same]
    return found


def way_to(place: Place) -> tuple[Any, ...]:
    found = []
    while place.depth:
        found.append((place.what, place.holds))
        place = place.parent
    return tuple(reversed(found))


@pytest.mark.parametrize("seed", range(10))
def test_places_and_guards(seed: int) -> None:
    fgraph = random_conditionals(seed)
    assert {node: way_to(p) for node, p in places(fgraph).items()} == ways(fgraph, lambda node: node)
    assert {node: way_to(p) for node, p in guards(fgraph).items()} == ways(fgraph, lambda node: node.inputs[0])


def test_the_innermost_place_around_two() -> None:
    rng = np.random.RandomState(0)
    known = [Place()]
    for k in range(300):
        known.append(known[-1 - min(rng.randint(6) // 5 * rng.randint(60), k)].inside(k, bool(k % 2)))
    assert max(place.depth for place in known) > 50
    assert known[5].inside("c", True) is known[5].inside("c", True) is not known[5].inside("c", False)
    for _ in range(2000):
        a, b = (known[k] for k in rng.randint(len(known), size=2))
        way = way_to(b)
        same = 0
        while way_to(a)[: same + 1] == way[: same + 1] and same < min(a.depth, b.depth):
            same += 1
        assert way_to(around(a, b)) == way[:same] and around(a, b).depth == same


# ---- what is kept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_to_keep(seed: int) -> None:
    """What is needed in a branch is computed by one conditional of those that have the condition in the same place."""
    fgraph = random_conditionals(seed)
    simplify(fgraph)
    keep_values(fgraph)
    fgraph.check_integrity()
    fgraph.toposort()   # no circle
    needed = guards(fgraph)
    owner: dict[tuple[Place, Apply], Apply] = {}
    for node in needed:
        if not isinstance(node.op, IfElse):
            continue
        for position, value in enumerate(node.inputs[1:], start=1):
            place = needed[node].inside(node.inputs[0], node.op.is_read_if(position))
            pending, seen = [value], set()
            while pending:
                v = pending.pop()
                if v.owner is None or v.owner in seen or around(needed[v.owner], place) is not place:
                    continue
                seen.add(v.owner)
                pending.extend(v.owner.inputs)
                if needed[v.owner] is place and not all(isinstance(w, Constant) for w in v.owner.inputs):
                    assert owner.setdefault((place, v.owner), node) is node


# ---- memory of results -----------------------------------------------------------------------------------------


def test_results_own_their_memory_among_many_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer by pairs and by one look at each array: of slices, turned and empty ones, of one memory."""
    rng = np.random.RandomState(0)
    base = np.arange(120.0)
    base_rows = base.reshape(10, 12)

    def piece() -> Any:
        start, end = np.sort(rng.randint(0, 61, 2))
        if rng.rand() < 0.3:
            found = base_rows[rng.randint(10) :, rng.randint(12) :][:: rng.choice([1, -1, 3]), :: rng.choice([1, -2])].T
        else:
            found = base[start:end][:: rng.choice([1, 2, -1, -3])]
        return found.copy() if rng.rand() < 0.2 else found

    copied = kept = 0
    for _ in range(400):
        inputs, results = [piece() for _ in range(rng.randint(3))], [piece() for _ in range(2)]
        expected = [any(np.may_share_memory(x, r) for x in inputs) for r in results]
        for few in (-1, 10**6):
            monkeypatch.setattr(branches, "FEW", few)
            found = branches._own(results, inputs)
            assert [a is not b for a, b in zip(found, results)] == expected
            for a, b in zip(found, results, strict=True):
                np.testing.assert_array_equal(a, b)
        copied, kept = copied + sum(expected), kept + expected.count(False)
    assert copied > 50 and kept > 50


def test_more_results_than_are_compared_in_pairs() -> None:
    """Results that are inputs are copies, also where there are many."""
    c, xs = tt.iscalar("c"), tt.dvectors(12)
    function = theano.function([c, *xs], ifelse(c, xs, [x * 2 for x in xs]))
    values = [np.full(2, float(k)) for k in range(12)]
    for factor, results in ((1, function(1, *values)), (2, function(0, *values))):
        for value, result in zip(values, results, strict=True):
            assert not np.may_share_memory(value, result)
            np.testing.assert_array_equal(result, factor * value)


# ---- how much work it is ---------------------------------------------------------------------------------------


def exponentials(build: Any) -> Callable[[int], Any]:
    return lambda n: build([tt.gt(X.sum(), k) for k in range(n)], lambda k: tt.exp(X * k))


def one_after_the_other(n: int) -> Any:
    y = X
    for k in range(n):
        y = ifelse(tt.gt(X.sum(), k), tt.tanh(y * k), y)
    return y


def added_up(n: int) -> Any:
    return sum(ifelse(tt.gt(X.sum(), k), tt.tanh(X * k), X) for k in range(n))


def of_one_condition(n: int) -> Any:
    y, condition = X, tt.gt(X.sum(), 0)
    for k in range(n):
        y = ifelse(condition, tt.tanh(y * k), y)
    return y


def of_two_conditions(n: int) -> Any:
    y, conditions = X, [tt.gt(X.sum(), k) for k in range(2)]
    for k in range(n):
        y = ifelse(conditions[k % 2], tt.tanh(y * k), tt.exp(y))
    return y


def calls_and_size(build: Callable[[int], Any], n: int, gradient: bool) -> tuple[int, int]:
    """(how often functions are called while branches are made, how large they are: nodes, what they take and give)"""
    y = build(n).sum()
    fgraph = FunctionGraph([X], [theano.grad(y, X) if gradient else y])
    count = calls_during(lambda: gather_branches(fgraph))
    size, pending = 0, [fgraph]
    while pending:
        graph = pending.pop()
        size += len(graph.inputs) + len(graph.outputs) + len(graph.apply_nodes)
        pending.extend(inner for node in graph.apply_nodes if isinstance(node.op, Branches) for inner in node.op.graphs)
    return count, size


FAMILIES: dict[str, Callable[[int], Any]] = {build.__name__: exponentials(build) for build in NESTS} | {
    build.__name__: build for build in (one_after_the_other, added_up, of_one_condition, of_two_conditions)
}


@pytest.mark.parametrize("gradient", [False, True], ids=["value", "gradient"])
@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_size_is_twice_the_work(family: str, gradient: bool) -> None:
    calls_and_size(FAMILIES[family], 3, gradient)   # what is made once in a process
    (once, small), (twice, large) = (calls_and_size(FAMILIES[family], n, gradient) for n in (40, 80))
    # Gradients in nests keep values, which twenty conditionals at most hand on: size is linear once there are more.
    assert large <= (2.7 if gradient else 2.05) * small
    assert twice <= 1.1 * large / small * once
