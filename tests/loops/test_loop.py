"""`loop` and `while_loop`: structures of state, inputs and results; conditions, checkpoints, gradients, errors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.errors import LoopStateError
from theano.loops.scan_op import Scan

X = np.array([0.5, -1.0, 2.0, 0.25, 1.5, -0.75, 1.25])


@pytest.fixture(params=["FAST_RUN", "FAST_COMPILE", "reference"])
def mode(request):
    return request.param


def run(outputs: Any, inputs: list[Any], values: list[Any], mode: Any = None) -> Any:
    return theano.function(inputs, outputs, mode=mode, on_unused_input="ignore")(*values)


def recurrence(x, h=0.1, w=0.8):
    rows = []
    for v in x:
        h = np.tanh(w * h + v)
        rows.append(h)
    return h, np.array(rows)


class Particle(NamedTuple):
    position: Any
    speed: Any


def test_carry_and_rows(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    last, rows = theano.loop(lambda h, v: (tt.tanh(w * h + v),) * 2, 0.1, x)
    want = recurrence(X)
    for got, expected in zip(run([last, rows], [x, w], [X, 0.8], mode), want):
        np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_number_of_steps(mode, steps):
    n, x = tt.lscalar("n"), tt.dvector("x")
    last, rows = theano.loop(lambda s, v: (s + v, s), tt.constant(1.0, dtype="float64"), x, n_steps=n)
    got = run([last, rows], [n, x], [steps, X], mode)
    np.testing.assert_allclose(got[0], 1 + X[:steps].sum())
    np.testing.assert_allclose(got[1], 1 + np.cumsum(X)[:steps] - X[:steps])


def test_structures(mode):
    xs = {"push": tt.dvector("push"), "pair": (tt.dmatrix("a"), tt.dmatrix("b"))}

    def step(state, row):
        p, log = state["p"], state["log"]
        speed = p.speed + row["push"]
        new = Particle(p.position + speed, speed)
        return {"p": new, "log": [log[0] + 1, log[1] + row["pair"][0] * row["pair"][1]]}, (new, {"sum": speed * 2})

    start = {"p": Particle(0.0, tt.constant(1.0, dtype="float64")), "log": [0, tt.zeros((3,), "float64")]}
    last, (rows, more) = theano.loop(step, start, xs)
    assert isinstance(last["p"], Particle) and isinstance(rows, Particle)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 3))
    inputs = [xs["push"], *xs["pair"]]
    got = run([last["p"].position, *last["log"], rows.speed, more["sum"]], inputs, [X, a, b], mode)
    speeds = 1 + np.cumsum(X)
    for value, expected in zip(got, [speeds.sum(), 7, (a * b).sum(0), speeds, 2 * speeds]):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_until_ends_after_the_step_in_which_it_holds(mode):
    limit = tt.dscalar("limit")
    last, rows = theano.loop(lambda p: (p * 2, p), 1.0, until=lambda p: p > limit)
    for bound, expected in ((45.0, 64.0), (0.0, 2.0)):
        got = run([last, rows], [limit], [bound], mode)
        assert got[0] == expected
        np.testing.assert_array_equal(got[1], 2.0 ** np.arange(np.log2(expected)))


def test_until_and_rows_of_sequences(mode):
    x = tt.dvector("x")
    last, rows = theano.loop(lambda s, v: (s + v, v), 0.0, x, until=lambda s: s > 1)
    got = run([last, rows], [x], [X], mode)
    np.testing.assert_allclose(got[0], 1.5)
    np.testing.assert_allclose(got[1], X[:3])
    assert run(last, [x], [np.zeros(3)], mode) == 0


def test_while_loop_tests_before_the_first_step(mode):
    a, b = tt.lscalar("a"), tt.lscalar("b")
    gcd, _ = theano.while_loop(lambda s: tt.neq(s[1], 0), lambda s: (s[1], s[0] % s[1]), (a, b))
    assert run(gcd, [a, b], [84, 36], mode) == 12
    assert run(gcd, [a, b], [5, 0], mode) == 5


def test_while_loop_with_most_steps(mode):
    n = tt.lscalar("n")
    count = theano.while_loop(lambda k: k >= 0, lambda k: k + 1, tt.constant(0, dtype="int64"), max_steps=n)
    assert [int(run(count, [n], [k], mode)) for k in (0, 1, 7)] == [0, 1, 7]


def test_native_loop_of_a_billion_steps_is_no_list():
    """Only the state is kept: a loop without results needs no memory."""
    n = tt.lscalar("n")
    total, none = theano.loop(lambda s: (s + 1.0, None), 0.0, n_steps=n)
    assert none is None
    f = theano.function([n], total)
    assert f(3_000_000) == 3e6


# -- gradients -------------------------------------------------------------------------------------------------------


CHECKPOINTS = [False, True, 1, 2, 3, 100]


@pytest.mark.parametrize("checkpoints", CHECKPOINTS)
def test_gradient(mode, checkpoints):
    x, w, h0 = tt.dvector("x"), tt.dscalar("w"), tt.dscalar("h")
    last, rows = theano.loop(
        lambda h, v: (tt.tanh(w * h + v), tt.sin(h) * v), h0, x, checkpoints=checkpoints)
    cost = last**2 + (rows**2).sum()
    got = run([cost, *theano.grad(cost, [x, w, h0])], [x, w, h0], [X, 0.8, 0.1], mode)

    def value(x, w, h):
        total = 0.0
        for v in x:
            total += (np.sin(h) * v) ** 2
            h = np.tanh(w * h + v)
        return total + h**2

    np.testing.assert_allclose(got[0], value(X, 0.8, 0.1), rtol=1e-13)
    eps = 1e-6
    slopes = [
        (value(X + eps * e, 0.8, 0.1) - value(X - eps * e, 0.8, 0.1)) / (2 * eps) for e in np.eye(len(X))
    ]
    np.testing.assert_allclose(got[1], slopes, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(got[2], (value(X, 0.8 + eps, 0.1) - value(X, 0.8 - eps, 0.1)) / (2 * eps), rtol=1e-7)
    np.testing.assert_allclose(got[3], (value(X, 0.8, 0.1 + eps) - value(X, 0.8, 0.1 - eps)) / (2 * eps), rtol=1e-7)


@pytest.mark.parametrize("checkpoints", [False, 2, True])
def test_gradient_through_a_while_loop(mode, checkpoints):
    """Newton's square root: the derivative of the result, not of the number of steps."""
    a = tt.dscalar("a")
    root = theano.while_loop(
        lambda r: abs(r * r - a) > 1e-13 * a, lambda r: 0.5 * (r + a / r), a, max_steps=50, checkpoints=checkpoints)
    got = run([root, theano.grad(root, a)], [a], [7.0], mode)
    np.testing.assert_allclose(got, [np.sqrt(7), 0.5 / np.sqrt(7)], rtol=1e-9)


def test_second_derivative_and_forward_mode(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    last, _ = theano.loop(lambda h, v: (h * w + v, None), 0.0, x)
    second = theano.grad(theano.grad(last, w), w)
    forward = theano.gradient.Rop(last, w, tt.ones_like(w))
    k = np.arange(len(X))[::-1]
    got = run([second, forward], [x, w], [X, 0.7], mode)
    np.testing.assert_allclose(got[0], (X * k * (k - 1) * 0.7 ** np.maximum(k - 2, 0)).sum(), rtol=1e-12)
    np.testing.assert_allclose(got[1], (X * k * 0.7 ** np.maximum(k - 1, 0)).sum(), rtol=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 9, 10])
@pytest.mark.parametrize("checkpoints", [True, 3])
def test_chunks_of_any_length(steps, checkpoints):
    x = tt.dvector("x")
    last, rows = theano.loop(lambda s, v: (s + v, s * v), 1.0, x, checkpoints=checkpoints)
    plain = theano.loop(lambda s, v: (s + v, s * v), 1.0, x)
    values = np.random.default_rng(steps).normal(size=steps)
    for got, want in zip(run([last, rows], [x], [values]), run(list(plain), [x], [values])):
        np.testing.assert_allclose(got, want, rtol=1e-13)
    f = theano.function([x], theano.grad(last + rows.sum(), x))
    g = theano.function([x], theano.grad(plain[0] + plain[1].sum(), x))
    np.testing.assert_allclose(f(values), g(values), rtol=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 3, 6, 7, 10])
@pytest.mark.parametrize("checkpoints", [1, 3, True])
def test_chunks_of_a_loop_that_ends(mode, steps, checkpoints):
    """`until` in the middle of a chunk, at its end, and never; rows of any rank are those of the plain loop."""
    x, w, limit = tt.dvector("x"), tt.dscalar("w"), tt.dscalar("limit")

    def step(s, v):
        return tt.tanh(s * w + v) + s, {"row": s * v, "pair": tt.stack([s, v])}

    built = [theano.loop(step, 0.1, x, until=lambda s: s > limit, checkpoints=c) for c in (False, checkpoints)]
    outputs = []
    for last, rows in built:
        cost = last**2 + (rows["pair"] ** 2).sum() + rows["row"].sum()
        outputs += [last, rows["row"], rows["pair"], *theano.grad(cost, [x, w])]
    f = theano.function([x, w, limit], outputs, mode=mode)
    values = np.random.default_rng(steps).uniform(size=steps)
    for bound in (0.2, 1.0, 2.0, 100.0):
        plain, chunked = np.array_split(np.array(f(values, 0.3, bound), dtype=object), 2)
        for got, want in zip(chunked, plain):
            assert np.shape(got) == np.shape(want)
            np.testing.assert_allclose(got, want, rtol=1e-11)


@pytest.mark.parametrize("options", [{"checkpoints": 4}, {"progress": True}, {"checkpoints": True}])
def test_rows_of_a_loop_that_only_its_condition_ends(options, mode):
    w = tt.dscalar("w")
    loops = [theano.loop(lambda s: (s * 1.01 + w, s * w), 0.0, until=lambda s: s > 3, **more) for more in ({}, options)]
    outputs = [out for last, rows in loops for out in (last, rows, theano.grad(last + rows.sum(), w))]
    for bound in (5.0, 1.0, 0.02, 0.001):
        got = run(outputs, [w], [bound], mode)
        for value, want in zip(got[3:], got[:3]):
            np.testing.assert_allclose(value, want, rtol=1e-11)


def test_second_derivative_of_chunks_that_end(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    costs = []
    for checkpoints in (False, 2):
        last, rows = theano.loop(
            lambda h, v: (h * w + v, h**2), 0.1, x, until=lambda h: h > 2, checkpoints=checkpoints)
        costs.append(last**2 + rows.sum())
    found = [theano.grad(theano.grad(cost, w), [w, x]) for cost in costs]
    got = run([*found[0], *found[1]], [x, w], [X, 0.7], mode)
    for value, want in zip(got[2:], got[:2]):
        np.testing.assert_allclose(value, want, rtol=1e-11)


def test_checkpoints_keep_little():
    """The state of a long loop with checkpoints is kept for a root of its steps."""
    code = """if True:
        import resource, numpy as np, theano, theano.tensor as tt
        n, w = tt.lscalar("n"), tt.dvector("w")
        last, _ = theano.loop(lambda h: (tt.sin(h * w), None), tt.ones_like(w), n_steps=n, checkpoints=True)
        f = theano.function([n, w], theano.grad(last.sum(), w))
        f(100, np.ones(1000))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        f(40_000, np.ones(1000))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    kilobytes = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert kilobytes < 40_000   # all states are 320,000


def test_python_numbers_take_the_dtype_of_a_step_and_stay_what_they_are():
    for carry, dtype, value in ((0, "float32", 3.0), (1, "int8", 4), (0.5, "float32", 3.5)):
        last, _ = theano.loop(lambda s, dtype=dtype: (tt.cast(s + 1, dtype), None), carry, n_steps=3)
        assert last.type.dtype == dtype and last.eval() == value
    for carry, dtype in ((0.5, "int64"), (300, "int8"), (2, "bool"), (np.inf, "int32")):
        carry = float(carry) if carry == np.inf else carry
        with pytest.raises(LoopStateError, match=f"a step makes it {dtype}"):
            theano.loop(lambda s, dtype=dtype: (tt.cast(s + 1, dtype), None), carry, n_steps=3)


def test_parts_of_a_state_have_no_order(mode):
    """A dictionary is the same one in whatever order a step gives it."""
    last, _ = theano.loop(lambda s: ({"b": s["b"] * 2.0, "a": s["a"] + 1}, None), {"a": 0, "b": 1.5}, n_steps=3)
    assert list(last) == ["a", "b"]
    assert [float(v) for v in run([last["a"], last["b"]], [], [], mode)] == [3, 12]


# -- random numbers, shared variables --------------------------------------------------------------------------------


def test_random_streams_go_on():
    rng = tt.shared_randomstreams.RandomStreams(3)
    _, rows = theano.loop(lambda s: (s + 1, rng.normal((2,))), 0, n_steps=4)
    f = theano.function([], rows)
    first, second = f(), f()
    assert first.shape == (4, 2)
    assert len(np.unique(np.concatenate([first, second]))) == 16


def test_shared_variables_are_found(mode):
    w = theano.shared(2.0, name="w")
    last, _ = theano.loop(lambda p: (p * w, None), 1.0, n_steps=5)
    f = theano.function([], last, mode=mode)
    assert f() == 32
    w.set_value(3.0)
    assert f() == 243


@pytest.mark.parametrize("use", ["value", "shape", "zeros"])
def test_a_state_that_grows(mode, use):
    """The shape of the last state is its own, not that of the first."""
    x, n = tt.dvector("x"), tt.lscalar("n")
    last, _ = theano.loop(lambda s: (tt.concatenate([s, s]), None), x, n_steps=n)
    wanted = {"value": last, "shape": last.shape[0], "zeros": tt.zeros_like(last)}[use]
    f = theano.function([x, n], wanted, mode=mode)
    for steps in (0, 1, 3):
        found = f(np.ones(2), steps)
        assert (found if use == "shape" else len(found)) == 2 * 2**steps
    with pytest.raises(ValueError, match="must not change from step to step"):
        theano.function([x, n], theano.grad(last.sum(), x), mode=mode)(np.ones(2), 3)


def test_the_shape_of_a_state_that_keeps_it_needs_no_loop():
    x, w, rows = tt.dvector("x"), tt.dvector("w"), tt.dmatrix("rows")
    last, _ = theano.loop(lambda s, row: (tt.set_subtensor(tt.tanh(row + s * w)[0], 1.0), None), x, rows)
    f = theano.function([x, w, rows], last.shape[0])
    assert not [node for node in f.maker.fgraph.apply_nodes if "for{" in str(node.op)]
    assert f(np.ones(2), np.ones(2), np.ones((3, 2))) == 2


# -- errors ----------------------------------------------------------------------------------------------------------


def test_errors_when_it_is_built():
    x, m = tt.dvector("x"), tt.dmatrix("m")
    with pytest.raises(LoopStateError, match=r"carry\[0\] has dtype int64.*makes it float64"):
        theano.loop(lambda s, v: ((s[0] + v,), None), (tt.constant(1, dtype="int64"),), x)
    with pytest.raises(LoopStateError, match=r"carry\['a'\] has 0 axes before the first step, and a step gives it 1"):
        theano.loop(lambda s, v: ({"a": s["a"] + v}, None), {"a": tt.dscalar()}, m)
    with pytest.raises(ValueError, match=r"must return \(new carry, result\), with None for no result, got"):
        theano.loop(lambda s, v: s + v, tt.dscalar(), x)
    with pytest.raises(ValueError, match=r"with the parts \['carry\[0\]', 'carry\[1\]'\], got \['carry\[0\]'\]"):
        theano.loop(lambda s, v: ((s[0],), None), (tt.dscalar(), tt.dscalar()), x)
    with pytest.raises(ValueError, match="give n_steps, or xs to go along, or until"):
        theano.loop(lambda s: (s, None), tt.dscalar())
    with pytest.raises(TypeError, match=r"xs\['k'\].*has no axis to go along"):
        theano.loop(lambda s, v: (s, None), tt.dscalar(), {"k": tt.dscalar()})
    with pytest.raises(TypeError, match=r"until must give a number \(0-d\)"):
        theano.loop(lambda s: (s, None), tt.dvector(), until=lambda s: s > 0)
    with pytest.raises(TypeError, match=r"condition must give a number \(0-d\)"):
        theano.while_loop(lambda s: s > 0, lambda s: s, tt.dvector())
    with pytest.raises(ValueError, match="n_steps must not be negative"):
        theano.loop(lambda s: (s, None), tt.dscalar(), n_steps=-1)
    with pytest.raises(ValueError, match="checkpoints must be True, False, or a positive number of steps, got 0"):
        theano.loop(lambda s: (s, None), tt.dscalar(), n_steps=3, checkpoints=0)
    with pytest.raises(TypeError, match="step must be a function"):
        theano.loop(3, tt.dscalar(), n_steps=3)


def test_errors_when_it_runs(mode):
    a, b, n = tt.dvector("a"), tt.dvector("b"), tt.lscalar("n")
    total, _ = theano.loop(lambda s, v: (s + v[0] * v[1], None), 0.0, (a, b))
    f = theano.function([a, b], total, mode=mode)
    assert f([1, 2], [3, 4]) == 11
    with pytest.raises(ValueError, match=r"3 rows for 2 steps|shape\[0\] = 2"):
        f([1, 2], [3, 4, 5])
    longer, _ = theano.loop(lambda s, v: (s + v, None), 0.0, a, n_steps=n)
    with pytest.raises(ValueError, match="2 rows for 3 steps"):
        theano.function([a, n], longer, mode=mode)([1, 2], 3)
    with pytest.raises(ValueError, match="negative"):
        theano.function([a, n], longer, mode=mode)([1, 2], -1)


@pytest.mark.parametrize("options", [
    {"checkpoints": 2}, {"checkpoints": 2, "progress": True}, {"checkpoints": 2, "until": lambda s: s > 100},
])
def test_errors_of_chunks_when_they_run(mode, options):
    """They are those of the plain loop: chunks do not hide how many rows there were."""
    a, b, n = tt.dmatrix("a"), tt.dvector("b"), tt.lscalar("n")
    total, _ = theano.loop(lambda s, v: (s + v[0].sum() * v[1], None), 0.0, (a, b), **options)
    f = theano.function([a, b], total, mode=mode)
    assert f(np.ones((2, 2)), [3, 4]) == 14
    with pytest.raises(ValueError, match=r"loop: xs\[1\] \(b\) has 4 rows for 3 steps"):
        f(np.ones((3, 2)), np.ones(4))
    longer, _ = theano.loop(lambda s, v: (s + v.sum(), None), 0.0, a, n_steps=n, **options)
    f = theano.function([a, n], longer, mode=mode)
    assert f(np.ones((3, 2)), 2) == 4
    with pytest.raises(ValueError, match=r"loop: xs \(a\) has 3 rows for 5 steps"):
        f(np.ones((3, 2)), 5)
    with pytest.raises(ValueError, match="must not be negative"):
        f(np.ones((3, 2)), -1)
    alone, _ = theano.loop(lambda s: (s + 1.0, s), 0.0, n_steps=n, **options)
    with pytest.raises(ValueError, match="must not be negative"):
        theano.function([n], alone, mode=mode)(-1)


def test_it_is_one_loop():
    x, w = tt.dvector("x"), tt.dscalar("w")
    last, _ = theano.loop(lambda h, v: (tt.tanh(w * h + v), None), 0.1, x)
    f = theano.function([x, w], [last, *theano.grad(last, [x, w])])
    forward, backward = [n.op for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]
    assert forward.info.states + forward.info.traced + forward.info.carried <= 2
    assert backward.info.sequences <= 2
