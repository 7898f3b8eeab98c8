"""Gradients through ifelse: only the derivative of the branch that is taken is computed, on both backends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.gradient import DisconnectedType, disconnected_grad, verify_grad
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.ifelse import IfElse, ifelse
from theano.loops.conditionals import simplify
from theano.loops.kept_values import keep_values
from theano.tensor.type import tensor_type

C, D, X = tt.iscalar("c"), tt.iscalar("d"), tt.dvector("x")
V = np.array([0.3, -0.5, 0.7])

CALLS: Counter[str] = Counter()
SINES: Sequence[Callable[[Any], Any]] = (np.sin, np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v))


class Sine(Op):
    """The k-th derivative of sine; it counts its calls, and cannot tell its shape."""

    __props__ = ("name", "k")

    def __init__(self, name: str, k: int = 0) -> None:
        self.name, self.k = name, k

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        CALLS[self.name + "'" * self.k] += 1
        output_storage[0][0] = np.asarray(SINES[self.k % 4](inputs[0]))

    def L_op(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
        return [output_gradients[0] * Sine(self.name, self.k + 1)(inputs[0])]


class Exponential(Op):
    """exp, the derivative of which needs its result."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        CALLS["e"] += 1
        output_storage[0][0] = np.asarray(np.exp(inputs[0]))

    def L_op(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
        return [output_gradients[0] * outputs[0]]


class Both(Op):
    """(sin x, cos x): an op with two results."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type(), x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        CALLS["both"] += 1
        output_storage[0][0], output_storage[1][0] = np.sin(inputs[0]), np.cos(inputs[0])

    def L_op(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
        signs = ((g, s) for g, s in zip(output_gradients, (outputs[1], -outputs[0])))
        terms = [g * s for g, s in signs if not isinstance(g.type, DisconnectedType)]
        return [sum(terms[1:], terms[0])]


f, g, e, both = Sine("f"), Sine("g"), Exponential(), Both()


def called(function: Any, *args: Any) -> str:
    """What a call runs, with how often if that is not once."""
    CALLS.clear()
    function(*args)
    return " ".join(name if n == 1 else f"{n}*{name}" for name, n in sorted(CALLS.items()))


def cost_of(value: Any) -> Any:
    """A cost whose derivative needs the value: the gradient is no linear function of it."""
    return tt.exp(value).sum()


def one_of_two(x: Any) -> Any:
    return ifelse(C, e(f(x)), g(x))


def nested(x: Any) -> Any:
    return ifelse(C, ifelse(D, e(f(x)), g(x)), x * x)


def with_common_parts(x: Any) -> Any:
    part = e(f(x))
    return ifelse(C, part * x, g(x) * part)


def several_results(x: Any) -> Any:
    one, two = ifelse(C, [f(x), e(x)], [g(x), x])
    return one * two


def several_conditionals(x: Any) -> Any:
    part = f(x)
    return ifelse(C, part, x) * ifelse(C, e(part), g(x)) * ifelse(D, x, x**2)


def one_after_the_other(x: Any) -> Any:
    part = f(x)
    first = ifelse(C, e(part), x)
    return ifelse(C, first * part, g(first))


def branch_in_branch(x: Any) -> Any:
    return ifelse(C, ifelse(D, f(x), x) * ifelse(D, e(f(x)), g(x)), x)


BUILT = {
    one_of_two: ({(1, 0): "e f f'", (0, 0): "g g'"}, {(1, 0): "e f f' f''", (0, 0): "g g' g''"}),
    nested: (
        {(1, 1): "e f f'", (1, 0): "g g'", (0, 1): "", (0, 0): ""},
        {(1, 1): "e f f' f''", (1, 0): "g g' g''", (0, 1): "", (0, 0): ""},
    ),
    with_common_parts: (
        {(1, 0): "e f f'", (0, 0): "e f f' g g'"}, {(1, 0): "e f f' f''", (0, 0): "e f f' f'' g g' g''"}
    ),
    several_results: ({(1, 0): "e f f'", (0, 0): "g g'"}, {(1, 0): "e f f' f''", (0, 0): "g g' g''"}),
    several_conditionals: ({(1, 1): "e f f'", (0, 1): "g g'"}, {(1, 1): "e f f' f''", (0, 0): "g g' g''"}),
    one_after_the_other: ({(1, 0): "e f f'", (0, 0): "g g'"}, {(1, 0): "e f f' f''", (0, 0): "g g' g''"}),
    branch_in_branch: (
        {(1, 1): "e f f'", (1, 0): "g g'", (0, 1): ""}, {(1, 1): "e f f' f''", (1, 0): "g g' g''", (0, 1): ""}
    ),
}  # fmt: skip


@pytest.mark.parametrize("build", BUILT, ids=lambda build: build.__name__)
def test_each_op_of_the_branch_taken_runs_once_and_no_other(build: Any, mode: str) -> None:
    cost = cost_of(build(X))
    slope = theano.grad(cost, X)
    for outputs, expected in (
        (slope, BUILT[build][0]), ([cost, slope], BUILT[build][0]), (theano.grad(slope.sum(), X), BUILT[build][1])
    ):  # fmt: skip
        function = theano.function([C, D, X], outputs, mode=mode, on_unused_input="ignore")
        for (c, d), names in expected.items():
            assert called(function, c, d, V) == names, (c, d)


@pytest.mark.parametrize("build", BUILT, ids=lambda build: build.__name__)
def test_values_of_gradients(build: Any, mode: str) -> None:
    for c in (0, 1):
        for d in (0, 1):
            def known(x: Any, c: int = c, d: int = d) -> Any:
                given = {C: tt.constant(c, dtype="int32"), D: tt.constant(d, dtype="int32")}
                return theano.clone(cost_of(build(x)), given)

            verify_grad(known, [V], mode=mode, rng=np.random.RandomState(1))
            x = tt.dvector()
            first = theano.function([C, D, x], theano.grad(cost_of(build(x)), x), mode=mode, on_unused_input="ignore")
            by_constant = theano.function([x], theano.grad(known(x), x), mode=mode)
            np.testing.assert_allclose(first(c, d, V), by_constant(V), rtol=1e-13)

            point = tt.dvector()
            second = theano.clone(
                theano.grad(theano.grad(cost_of(build(point)), point).sum(), point),
                {C: tt.constant(c, dtype="int32"), D: tt.constant(d, dtype="int32")},
            )
            hessian = theano.function([point], second, mode=mode)
            near = 1e-6
            slopes = [first(c, d, V + near * row) - first(c, d, V - near * row) for row in np.eye(3)]
            np.testing.assert_allclose(hessian(V), np.array(slopes).sum(1) / (2 * near), rtol=1e-6, atol=1e-8)


def test_no_nan_of_the_branch_not_taken(mode: str) -> None:
    """Neither its values nor its derivatives come in, not even times zero."""
    out = ifelse(C, tt.sqrt(X), tt.log(X) / X) * ifelse(C, X, 1 / X)
    function = theano.function([C, X], [out, theano.grad(out.sum(), X)], mode=mode)
    x = np.array([4.0, 9.0])
    np.testing.assert_allclose(function(1, x)[1], 1.5 * np.sqrt(x))
    assert all(np.isfinite(r).all() for r in function(1, np.array([4.0, 9.0])))
    guarded = ifelse(tt.gt(X.min(), 0), (X * tt.log(X)).sum(), (X**2).sum())
    slope = theano.function([X], theano.grad(guarded, X), mode=mode)
    np.testing.assert_array_equal(slope([0.0, -1.0]), [0.0, -2.0])
    curve = theano.function([X], theano.grad(theano.grad(guarded, X).sum(), X), mode=mode)
    np.testing.assert_array_equal(curve([0.0, -1.0]), [2.0, 2.0])


def test_an_error_in_the_derivative_of_the_other_branch_is_none(mode: str) -> None:
    out = ifelse(C, X[2] ** 2, X[0] ** 2)
    slope = theano.function([C, X], theano.grad(out, X), mode=mode)
    np.testing.assert_array_equal(slope(0, [3.0]), [6.0])
    with pytest.raises(IndexError, match="index 2"):
        slope(1, [3.0])


def test_inside_loops(mode: str) -> None:
    """The gradient computes again what only branches need: it is not kept, and so it is never computed in vain."""
    cs, xs = tt.ivector("cs"), tt.dmatrix("xs")

    def step(c: Any, x: Any, h: Any) -> Any:
        return ifelse(c, e(f(x)), g(x)) + h * 0.5

    rows, _ = theano.scan(step, sequences=[cs, xs], outputs_info=tt.zeros((3,), "float64"))
    chunked, _ = theano.loop(lambda h, row: (step(*row, h), None), tt.zeros((3,), "float64"), (cs, xs), checkpoints=2)
    values = np.array([V, 2 * V, -V])
    for last in (rows[-1], chunked):
        slope = theano.function([cs, xs], theano.grad(cost_of(last), xs), mode=mode)
        for taken, silent in (([1, 1, 1], "g"), ([0, 0, 0], "ef")):
            names = called(slope, taken, values)
            assert not set(silent) & set(names)
        assert "2*f'" in called(slope, [1, 0, 1], values) and CALLS["g'"] == 1
        near = 1e-6
        cost = theano.function([cs, xs], cost_of(last), mode=mode)
        for c in ([1, 0, 1], [0, 0, 1]):
            found = slope(c, values)
            for at in ((0, 0), (1, 2), (2, 1)):
                move = np.zeros((3, 3))
                move[at] = near
                expected = (cost(c, values + move) - cost(c, values - move)) / (2 * near)
                np.testing.assert_allclose(found[at], expected, rtol=1e-6)


def test_condition_of_the_state(mode: str) -> None:
    start = tt.dscalar("start")
    last, _ = theano.loop(lambda h: (ifelse(h > 0.5, h * 0.7, tt.exp(h)), None), start, n_steps=5)
    slope = theano.function([start], theano.grad(last, start), mode=mode)
    value = theano.function([start], last, mode=mode)
    for at in (0.3, 0.9, -1.0):
        expected = (value(at + 1e-6) - value(at - 1e-6)) / 2e-6
        np.testing.assert_allclose(slope(at), expected, rtol=1e-6)


def test_by_values_inside_a_branch(mode: str) -> None:
    inside = X * 2
    out = ifelse(C, (inside**2).sum(), X.sum())
    slopes = theano.function([C, X], theano.grad(out, [inside, X]), mode=mode)
    np.testing.assert_array_equal(slopes(1, V), [4 * V, 8 * V])
    np.testing.assert_array_equal(slopes(0, V), [0 * V, 0 * V + 1])


def test_known_and_constant_values_inside_a_branch(mode: str) -> None:
    inside, other = X * 2, X * 3
    out = ifelse(C, (inside**2 + other * disconnected_grad(inside)).sum(), X.sum())
    known = theano.grad(None, X, known_grads={inside: tt.ones_like(X)})
    blocked = theano.grad(out, X, consider_constant=[inside])
    function = theano.function([C, X], [known, blocked], mode=mode, on_unused_input="ignore")
    np.testing.assert_allclose(function(1, V), [0 * V + 2, 6 * V])
    np.testing.assert_allclose(function(0, V), [0 * V + 2, 0 * V + 1])


def test_results_of_one_op_in_several_branches(mode: str) -> None:
    sine, cosine = both(X)
    out = ifelse(C, sine, X).sum() + ifelse(D, cosine, X).sum()
    slope = theano.function([C, D, X], theano.grad(out, X), mode=mode)
    for c in (0, 1):
        for d in (0, 1):
            expected = (np.cos(V) if c else 1) - (np.sin(V) if d else -1)
            np.testing.assert_allclose(slope(c, d, V), expected)
    out = ifelse(C, sine * ifelse(D, cosine, X), X).sum()
    slope = theano.function([C, D, X], theano.grad(out, X), mode=mode)
    assert called(slope, 0, 1, V) == ""
    np.testing.assert_allclose(slope(1, 1, V), np.cos(2 * V))
    np.testing.assert_allclose(slope(1, 0, V), np.cos(V) * V + np.sin(V))


def test_dtypes_and_lengths_of_one(mode: str) -> None:
    n, row, single = tt.lscalar("n"), tt.frow("row"), tt.fmatrix("single")
    out = ifelse(C, (row + tt.ones((3, 4), "float32") * n).sum(), single.sum() * n)
    slopes = theano.grad(out.astype("float64"), [row, single])
    assert [s.type.dtype for s in slopes] == ["float32", "float32"] and slopes[0].type.broadcastable == (True, False)
    function = theano.function([C, n, row, single], slopes, mode=mode)
    values = (2, np.ones((1, 4), "float32"), np.ones((1, 2), "float32"))
    np.testing.assert_array_equal(function(1, *values)[0], [[3.0] * 4])
    np.testing.assert_array_equal(function(0, *values)[0], [[0.0] * 4])
    np.testing.assert_array_equal(function(0, *values)[1], [[2.0] * 2])


def test_undefined_derivatives_stay_undefined() -> None:
    class Rough(Sine):
        def L_op(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
            return [theano.gradient.grad_undefined(self, 0, inputs[0], "rough")]

    out = ifelse(C, Rough("r")(X), X).sum()
    with pytest.raises(theano.gradient.NullTypeGradError, match="rough"):
        theano.grad(out, X)


def test_deep_nesting() -> None:
    conditions = [tt.iscalar(f"c{k}") for k in range(40)]
    out = X.sum()
    for k, condition in enumerate(conditions):
        out = ifelse(condition, out * 1.5, (X * k).sum())
    slope = theano.function([*conditions, X], theano.grad(out, X), mode="FAST_COMPILE")
    np.testing.assert_allclose(slope(*[1] * 40, V), [1.5**40] * 3)
    np.testing.assert_allclose(slope(*[0] * 40, V), [39.0] * 3)
    np.testing.assert_allclose(slope(*[1] * 20, 0, *[1] * 19, V), [20 * 1.5**19] * 3)


def test_directly_asked_op_masks() -> None:
    node = ifelse(C, X, X * 2).owner
    _, first, second = node.op.L_op(node.inputs, node.outputs, [X * 3])
    function = theano.function([C, X], [first, second])
    assert [r.tolist() for r in function(1, [1.0])] == [[3.0], [0.0]]
    assert [r.tolist() for r in function(0, [1.0])] == [[0.0], [3.0]]


# -- values that are kept for a later conditional ---------------------------------------------------------------------


def kept(*outputs: Any) -> list[Any]:
    """The conditionals of the graph, after values are kept."""
    graph = FunctionGraph([C, D, X], list(outputs), clone=True)
    simplify(graph)
    keep_values(graph)
    graph.check_integrity()
    return [node for node in graph.toposort() if isinstance(node.op, IfElse)]


def test_what_a_later_conditional_needs_again_is_kept() -> None:
    part = f(X)
    first = ifelse(C, e(part), X)
    one, two = kept(ifelse(C, first * part, g(first)))
    assert (one.op.n_outs, two.op.n_outs) == (2, 1)
    assert one.outputs[1] in two.inputs[1].owner.inputs
    # the result of the first branch is a value inside the second
    one, two = kept(ifelse(C, tt.exp(first) * e(part), g(first)))
    assert one.op.n_outs == 1 and two.inputs[1].owner.inputs[1] is one.outputs[0]


def test_nothing_is_kept_for_conditionals_that_can_be_one() -> None:
    part = f(X)
    (one,) = kept(ifelse(C, part, X), ifelse(C, e(part), X))
    assert one.op.n_outs == 2


@pytest.mark.parametrize("shape", [(), (3,), (None,), (1, None), (2, 3)])
def test_kept_values_of_any_type(shape: Any, mode: str) -> None:
    x = tensor_type("float32", shape)("x")
    part = Sine("f")(x)
    first = ifelse(C, part * 2, x)
    out = ifelse(C, (first * part).sum(), first.prod())
    function = theano.function([C, x], out, mode=mode)
    value = np.asarray(np.random.RandomState(0).rand(*[n or 3 for n in shape]), "float32")
    assert called(function, 1, value) == "f" and called(function, 0, value) == ""
    np.testing.assert_allclose(function(1, value), (2 * np.sin(value) ** 2).sum(), rtol=1e-5)
    np.testing.assert_allclose(function(0, value), value.prod(), rtol=1e-5)


def test_what_is_around_several_branches_holds_what_they_need(mode: str) -> None:
    part = f(X)
    inner = ifelse(D, part, X) + ifelse(D > 1, part, X)
    function = theano.function([C, D, X], ifelse(C, inner, X), mode=mode)
    assert called(function, 0, 1, V) == "" and called(function, 1, 2, V) == "f"
    np.testing.assert_allclose(function(1, 1, V), np.sin(V) + V)


# -- any conditionals -------------------------------------------------------------------------------------------------


def random_conditionals(seed: int, size: int = 14) -> Any:
    """An expression of x with conditionals in any places, nested and after each other, that share what they need."""
    rng = np.random.RandomState(seed)
    pool: list[Any] = [X, Sine(f"s{seed}")(X)]

    def one() -> Any:
        return pool[max(rng.randint(len(pool)), rng.randint(len(pool)))]

    for _ in range(size):
        kind = rng.randint(8)
        if kind < 3:
            pool.append(ifelse((C, D, tt.eq(C, D))[rng.randint(3)], one(), one()))
        elif kind == 3:
            pool += ifelse((C, D)[rng.randint(2)], [one(), one()], [one(), one()])
        elif kind == 4:
            pool.append(Sine("s")(one()))
        elif kind == 5:
            pool.append(tt.tanh(one()))
        else:
            pool.append(one() * one() if kind == 6 else one() - 0.5 * one())
    return pool[-1] + pool[-2]


@pytest.mark.parametrize("seed", range(12))
def test_any_conditionals(seed: int, mode: str) -> None:
    """A graph, its gradient and the second derivative are what they are where the conditions are constants."""
    cost = cost_of(random_conditionals(seed))
    slope = theano.grad(cost, X)
    outputs = [cost, slope, theano.grad(slope.sum(), X, disconnected_inputs="ignore")]
    function = theano.function([C, D, X], outputs, mode=mode, on_unused_input="ignore")
    for c in (0, 1):
        for d in (0, 1):
            given = {C: tt.constant(c, dtype="int32"), D: tt.constant(d, dtype="int32")}
            plain = theano.clone(cost, given)
            slope = theano.grad(plain, X)
            expected = [plain, slope, theano.grad(slope.sum(), X, disconnected_inputs="ignore")]
            decided = theano.function([X], expected, mode="FAST_COMPILE", on_unused_input="ignore")
            for found, wanted in zip(function(c, d, V), decided(V)):
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
