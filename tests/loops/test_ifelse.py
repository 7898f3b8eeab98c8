"""ifelse: values, laziness, types, gradients, errors, on both backends."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.ops import as_op
from theano.gradient import DisconnectedType, verify_grad
from theano.ifelse import IfElse, ifelse
from theano.loops.branches import Branches

c, x, y = tt.iscalar("c"), tt.dvector("x"), tt.dvector("y")
V, W = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.25])


class Counter:
    """Two ops that count their calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

        def op(name: str, factor: float) -> Any:
            def run(v: np.ndarray) -> np.ndarray:
                self.calls.append(name)
                return v * factor

            run.__name__ = name
            return as_op(itypes=[tt.dvector], otypes=[tt.dvector])(run)

        self.double, self.triple = op("double", 2.0), op("triple", 3.0)

    def during(self, f: Any, *args: Any) -> tuple[Any, list[str]]:
        self.calls.clear()
        result = f(*args)
        return result, list(self.calls)


def test_only_the_branch_taken_is_computed(mode: str) -> None:
    count = Counter()
    f = theano.function([c, x, y], ifelse(c, count.double(x), count.triple(y)), mode=mode)
    for condition, expected, called in ((1, 2 * V, ["double"]), (0, 3 * W, ["triple"]), (-5, 2 * V, ["double"])):
        result, calls = count.during(f, condition, V, W)
        np.testing.assert_array_equal(result, expected)
        assert calls == called


def test_what_both_branches_need_is_computed_once(mode: str) -> None:
    count = Counter()
    shared = count.double(x)
    f = theano.function([c, x], ifelse(c, shared + 1, shared - 1), mode=mode)
    for condition, expected in ((1, 2 * V + 1), (0, 2 * V - 1)):
        result, calls = count.during(f, condition, V)
        np.testing.assert_array_equal(result, expected)
        assert calls == ["double"]


def test_what_is_needed_elsewhere_is_computed_anyhow(mode: str) -> None:
    count = Counter()
    doubled = count.double(x)
    f = theano.function([c, x, y], [ifelse(c, doubled, count.triple(y)), doubled], mode=mode)
    assert count.during(f, 0, V, W)[1] == ["double", "triple"] or count.during(f, 0, V, W)[1] == ["triple", "double"]
    assert count.during(f, 1, V, W)[1] == ["double"]


def test_several_conditionals_with_one_condition_share_their_work(mode: str) -> None:
    count = Counter()
    doubled = count.double(x)
    outs = [ifelse(c, doubled, y), ifelse(c, doubled * doubled, count.triple(y))]
    f = theano.function([c, x, y], outs, mode=mode)
    result, calls = count.during(f, 1, V, W)
    np.testing.assert_array_equal(result[1], 4 * V * V)
    assert calls == ["double"]
    result, calls = count.during(f, 0, V, W)
    np.testing.assert_array_equal(result[0], W)
    assert calls == ["triple"]


def test_nested(mode: str) -> None:
    count = Counter()
    d = tt.iscalar("d")
    inner = ifelse(d, count.double(x), count.triple(x))
    f = theano.function([c, d, x], ifelse(c, inner * 10, x), mode=mode)
    assert count.during(f, 0, 1, V)[1] == []
    assert count.during(f, 1, 1, V)[1] == ["double"]
    result, calls = count.during(f, 1, 0, V)
    assert calls == ["triple"]
    np.testing.assert_array_equal(result, 30 * V)


def test_inside_a_loop(mode: str) -> None:
    count = Counter()
    out, _ = theano.scan(lambda v: ifelse(v > 0, count.double(x), count.triple(x)).sum() + v, y)
    f = theano.function([x, y], out, mode=mode)
    result, calls = count.during(f, V, np.array([1.0, -1.0, 2.0]))
    np.testing.assert_allclose(result, [2 * V.sum() + 1, 3 * V.sum() - 1, 2 * V.sum() + 2])
    assert calls == ["double", "triple", "double"]


def test_lists_and_names(mode: str) -> None:
    found = ifelse(c, [x, y.sum()], [x * 2, tt.constant(7.0, dtype="float64")], name="which")
    assert isinstance(found, list) and len(found) == 2
    assert str(found[0].owner.op) == "if{which}"
    f = theano.function([c, x, y], found, mode=mode)
    for condition, expected in ((1, [V, W.sum()]), (0, [2 * V, 7.0])):
        for result, value in zip(f(condition, V, W), expected):
            np.testing.assert_array_equal(result, value)
    assert isinstance(ifelse(c, [x], [y]), list)


@pytest.mark.parametrize("condition", [tt.bscalar(), tt.lscalar(), tt.dscalar(), tt.fscalar(), tt.scalar(dtype="bool")])
def test_dtypes_of_conditions(condition: Any, mode: str) -> None:
    f = theano.function([condition, x], ifelse(condition, x, -x), mode=mode, allow_input_downcast=True)
    np.testing.assert_array_equal(f(1, V), V)
    np.testing.assert_array_equal(f(0, V), -V)


def test_nan_counts_as_true(mode: str) -> None:
    a = tt.dscalar()
    assert theano.function([a], ifelse(a, 1.0, 2.0), mode=mode)(np.nan) == 1


def test_known_conditions_leave_nothing_behind() -> None:
    for out in (ifelse(1, x, x[10:] / 0), ifelse(tt.constant(0), y + y[9], x), ifelse(c, x, x)):
        f = theano.function([c, x, y], out, on_unused_input="ignore")
        assert not any(isinstance(node.op, (IfElse, Branches)) for node in f.maker.fgraph.toposort())
    np.testing.assert_array_equal(theano.function([x], ifelse(1, x, x / 0))(V), V)


def test_results_own_their_memory(mode: str) -> None:
    s = theano.shared(np.array(V))
    f = theano.function([c, x], [ifelse(c, x, s), ifelse(c, s[::-1], x.T)], mode=mode)
    for condition in (0, 1):
        given = np.array(V)
        for result in f(condition, given):
            assert not np.may_share_memory(result, given)
            assert not np.may_share_memory(result, s.get_value(borrow=True))
            result[...] = 9
    np.testing.assert_array_equal(s.get_value(), V)


def test_updates_and_shared_values(mode: str) -> None:
    s = theano.shared(np.array(V), "s")
    f = theano.function([c], [], updates=[(s, ifelse(c, s + 1, s * 2))], mode=mode)
    f(1)
    f(0)
    np.testing.assert_array_equal(s.get_value(), (V + 1) * 2)


def test_constants_in_branches(mode: str) -> None:
    ones = tt.constant(np.ones(3))
    f = theano.function([c, x], [ifelse(c, ones, x), ifelse(c, x, tt.zeros((2,), "float64"))], mode=mode)
    first = f(1, V)
    first[0][:] = 5
    np.testing.assert_array_equal(f(1, V)[0], np.ones(3))
    np.testing.assert_array_equal(f(0, V)[1], np.zeros(2))


def test_shapes_may_differ(mode: str) -> None:
    f = theano.function([c, x, y], [ifelse(c, x, y), ifelse(c, x, y).shape, ifelse(c, x, y) * 2], mode=mode)
    for condition, value in ((1, V), (0, W)):
        result = f(condition, V, W)
        np.testing.assert_array_equal(result[0], value)
        assert result[1].tolist() == list(value.shape)
    three, four = tt.TensorType("float64", (3,))(), tt.TensorType("float64", (4,))()
    assert ifelse(c, three, four).type.shape == (None,)
    assert ifelse(c, three, three * 2).type.shape == (3,)


def test_what_is_known_in_a_branch_holds_there_only(mode: str) -> None:
    """x + y says that x and y have one length, but only where it is computed."""
    f = theano.function([c, x, y], [ifelse(c, (x + y).sum(), y.sum()), x.shape[0], (x * 2).sum()], mode=mode)
    total, length, twice = f(0, V, W)
    assert (total, length, twice) == (W.sum(), 3, 2 * V.sum())
    with pytest.raises(ValueError):
        f(1, V, W)


def test_an_error_in_the_branch_names_the_line(mode: str) -> None:
    f = theano.function([c, x], ifelse(c, x[10], x[0]), mode=mode)
    assert f(0, V) == V[0]
    with pytest.raises(IndexError, match=r"(?s)index 10 .*first branch of if.*test_ifelse\.py"):
        f(1, V)


def test_gradients(mode: str) -> None:
    def cost(a: Any) -> Any:
        return ifelse(a[0] > 0, (a**2).sum(), tt.sin(a).sum())

    verify_grad(cost, [V], mode=mode, rng=np.random.RandomState(0))
    verify_grad(cost, [-V], mode=mode, rng=np.random.RandomState(0))
    out = ifelse(c, x * y[0], y * x[0])
    f = theano.function([c, x, y], theano.grad(out.sum(), [x, y]), mode=mode)
    for condition, expected in ((1, [[0.5] * 3, [V.sum(), 0]]), (0, [[W.sum(), 0, 0], [V[0]] * 2])):
        for result, value in zip(f(condition, V, W), expected):
            np.testing.assert_array_equal(result, value)


def test_no_gradient_by_the_condition() -> None:
    a = tt.dscalar("a")
    out = ifelse(a, x.sum(), y.sum())
    with pytest.raises(theano.gradient.DisconnectedInputError):
        theano.grad(out, a)
    assert isinstance(theano.grad(out, a, disconnected_inputs="ignore", return_disconnected="Disconnected").type,
                      DisconnectedType)  # fmt: skip


def test_gradient_through_one_of_several_values(mode: str) -> None:
    first, _second = ifelse(c, [x.sum(), tt.constant(3)], [y.sum(), tt.constant(4)])
    f = theano.function([c, x, y], theano.grad(first, [x, y]), mode=mode)
    assert [g.tolist() for g in f(1, V, W)] == [[1.0] * 3, [0.0] * 2]
    assert [g.tolist() for g in f(0, V, W)] == [[0.0] * 3, [1.0] * 2]


def test_second_derivative_and_forward_derivative(mode: str) -> None:
    a = tt.dscalar("a")
    out = ifelse(c, a**3, tt.exp(a))
    f = theano.function([c, a], theano.grad(theano.grad(out, a), a), mode=mode)
    np.testing.assert_allclose([f(1, 2.0), f(0, 2.0)], [12.0, np.exp(2.0)])
    v = tt.dvector("v")
    g = theano.function([c, x, v], theano.Rop(ifelse(c, x**2, 3 * x), x, v), mode=mode)
    np.testing.assert_allclose(g(1, V, np.ones(3)), 2 * V)
    np.testing.assert_allclose(g(0, V, np.ones(3)), [3.0] * 3)


def test_float32_stays_float32(mode: str) -> None:
    a = tt.fvector("a")
    out = ifelse(c, a * 2, a)
    f = theano.function([c, a], [out, theano.grad(out.sum(), a)], mode=mode)
    assert [r.dtype for r in f(1, V.astype("float32"))] == ["float32", "float32"]


def test_pickled(mode: str) -> None:
    f = theano.function([c, x, y], ifelse(c, x * 2, y + 1), mode=mode)
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(again(1, V, W), 2 * V)
    np.testing.assert_array_equal(again(0, V, W), W + 1)
    np.testing.assert_array_equal(f.copy()(0, V, W), W + 1)


def test_evaluated_and_checked() -> None:
    assert ifelse(c, x.sum(), x[10]).eval({c: 1, x: V}) == V.sum()
    f = theano.function([c, x, y], ifelse(c, x * 2, y + 1), mode="DebugMode")
    np.testing.assert_array_equal(f(0, V, W), W + 1)


def test_values_that_are_no_tensors(mode: str) -> None:
    a, b = theano.gof.generic(), theano.gof.generic()
    f = theano.function([c, a, b], ifelse(c, a, b), mode=mode)
    assert f(1, {"k": 1}, [2]) == {"k": 1}
    assert f(0, {"k": 1}, [2]) == [2]


def test_random_draws_of_branches(mode: str) -> None:
    """The state advances whichever branch is taken."""
    streams = tt.shared_randomstreams.RandomStreams(3)
    f = theano.function([c], ifelse(c, streams.uniform((2,)), tt.zeros((2,))), mode=mode)
    draws = [f(1), f(0), f(1)]
    assert not np.array_equal(draws[0], draws[2])
    np.testing.assert_array_equal(draws[1], np.zeros(2))


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="must be a number"):
        ifelse(x, x, y)
    with pytest.raises(TypeError, match="same type"):
        ifelse(c, x, tt.dmatrix())
    with pytest.raises(TypeError, match="float32"):
        ifelse(c, x, tt.fvector())
    with pytest.raises(TypeError, match="same type"):
        ifelse(c, tt.drow(), tt.dmatrix())
    for branches in (([x], [x, y]), (x, [x]), ([x], x)):
        with pytest.raises(ValueError, match="same number of values"):
            ifelse(c, *branches)
    with pytest.raises(ValueError):
        IfElse(0)
    with pytest.raises(ValueError, match="2 values"):
        IfElse(2)(c, x, y)


def test_many_conditionals() -> None:
    """Nothing is recursive over a chain, and the work stays in bounds."""
    out = x.sum()
    for _ in range(200):
        out = ifelse(c, out + 1, out - 1)
    f = theano.function([c, x], out)
    assert (f(1, V), f(0, V)) == (V.sum() + 200, V.sum() - 200)
