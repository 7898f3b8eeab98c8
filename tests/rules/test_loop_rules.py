"""Every rule on loops: examples in which it applies, evaluated before and after for several numbers of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_declared import RULES, applied

import theano
import theano.tensor as T
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan
from theano.rewriting.rules.loops import LOOPS
from theano.tensor.shared_randomstreams import RandomStreams

Build = Callable[[dict[str, Any]], Any]
N = 3  # lengths of rows


def scan(*args: Any, **kwargs: Any) -> Any:
    return theano.scan(*args, return_list=False, **kwargs)[0]


def loop(step: Any, start: Any, rows: Any) -> Any:
    """The states of all steps."""
    return theano.loop(lambda h, x: (step(h, x),) * 2, start, rows)[1]


def tanh_step(u: Any, h: Any, w: Any) -> Any:
    return T.tanh(w * h + u)


def rnn(i: dict[str, Any]) -> Any:
    return scan(lambda x, h, W: T.tanh(T.dot(x, W) + T.dot(h, W)), i["X"], i["h"], i["W"])


def batched(i: dict[str, Any]) -> Any:
    return scan(lambda x, h, W: T.tanh(T.dot(x, W) + T.dot(h, W)), i["Y"], i["H"], i["W"])


def gradient(cost: Any, *wrt: Any) -> Any:
    """The gradients in one vector."""
    return T.concatenate([g.flatten() for g in T.grad(cost, list(wrt))])


def one_step(i: dict[str, Any], build: Callable[[Any], Any]) -> Any:
    return clone_replace(build(i["n"]), {i["n"]: T.constant(1, dtype="int64")})


# inputs: u numbers, X vectors, Y matrices for each step; s, h, H first states; w a number, W a square matrix; n steps
EXAMPLES: dict[str, list[Build]] = {
    "unused_results_of_loop": [
        lambda i: scan(lambda u, a, w: [a + u, w * u], i["u"], [i["s"], None], i["w"])[0],
        lambda i: scan(lambda u, a, w: [a + u, w * u], i["u"], [i["s"], None], i["w"])[1],
        lambda i: scan(lambda u, a, b: [a + u, b * u, u], i["u"], [i["s"], i["s"], None])[1],
    ],
    "state_without_feedback": [
        lambda i: scan(lambda u, a, w: w * u, i["u"], i["s"], i["w"]),
        lambda i: scan(lambda u, a, b, w: [w * u, b * u], i["u"], [i["s"], i["s"]], i["w"])[0],
    ],
    "last_row_of_loop": [
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"])[-1],
        lambda i: rnn(i)[-1, 1:] * 2,
        lambda i: scan(
            lambda a, b: a + b, outputs_info=[{"initial": T.stack([i["s"], i["w"]]), "taps": [-1, -2]}], n_steps=i["n"]
        )[-1],
        lambda i: (lambda x: x[-1] / x[-2])(scan(
            lambda a, b: a + b, outputs_info=[{"initial": T.stack([i["s"], i["w"]]), "taps": [-2, -1]}], n_steps=i["n"]
        )),
    ],
    "invariant_of_loop": [   # `scan` finds those of the user by itself
        lambda i: gradient(batched(i).sum(), i["W"], i["H"]),
        lambda i: gradient(scan(lambda x, h, W: T.dot(T.exp(W), h) * x, i["X"], i["h"], i["W"]).sum(), i["W"]),
    ],
    "products_with_rows": [
        rnn, batched,
        lambda i: scan(lambda x, h, W: h + T.dot(W, x), i["X"], i["h"], i["W"]),
        lambda i: scan(lambda x, h, W: h + T.dot(W, x), i["Y"].dimshuffle(0, 2, 1), i["H"].T, i["W"]),
        lambda i: scan(lambda x, h, v: T.tanh(h + T.dot(x, v)), i["Y"], i["H"][:, 0], i["W"][0]),
        lambda i: scan(lambda x, h, v: T.tanh(h + T.dot(v, x)), i["Y"], i["h"], i["H"][:, 0]),
        lambda i: scan(lambda x, h, v: T.tanh(h * T.dot(x, x * v)), i["X"], i["h"], i["W"][0]),
        lambda i: scan(lambda x, h, W: h + T.dot(T.exp(x), W * 2) + T.dot(x, W), i["X"], i["h"], i["W"]),
        lambda i: scan(lambda u, a: T.tanh(a * (T.exp(u) + 1)), i["u"], i["s"]),
    ],
    "steps_that_are_read": [
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"])[:2],
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"])[1],
        lambda i: rnn(i)[0:4:2] * 2,
        lambda i: scan(lambda a, w: a * w, None, i["s"], i["w"], n_steps=i["n"])[:0],
        lambda i: scan(lambda a, w: a * w, None, i["s"], i["w"], n_steps=40)[:3],
        lambda i: (lambda a, b: a[2] + b[:3].sum(axis=1))(*scan(
            lambda x, u, b, a, k: [T.stack([u * k, k]).sum() + b, x[0] * a], [i["X"], i["u"]],
            [{"initial": T.stack([i["s"], i["w"]]), "taps": [-2]}, i["h"]], i["w"])),
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"])[:i["k"]],
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"])[i["k"]],
        lambda i: (lambda x: x[: i["k"]].sum() + x[0])(scan(tanh_step, i["u"], i["s"], i["w"])),
    ],
    "rows_without_loop": [
        lambda i: scan(lambda u, w: w * T.exp(u), i["u"], None, i["w"]),
        lambda i: scan(lambda x, W: T.dot(x, W).sum() + W[0], i["X"], None, i["W"]),
        lambda i: scan(lambda y: y.T.max(axis=0), i["Y"]),
        lambda i: scan(lambda u, x, a: [a + u, x - u], [i["u"], i["X"]], [i["s"], None])[1],
    ],
    "rows_made_in_loop": [   # `scan` cuts its sequences, which other rules see through
        lambda i: loop(lambda h, x: T.tanh(h * x[0] + x[1]), i["h"], (i["u"], -i["X"])),
        lambda i: loop(lambda h, x: T.tanh(h * x[0] + x[1]), i["h"], (i["u"], (i["X"] - i["h"]) * 2)),
        lambda i: loop(lambda h, x: h * x[0] + x[1].sum(axis=0), i["h"], (i["X"], (i["Y"] * i["H"])[::-1] + 1)),
        lambda i: loop(lambda h, x: h * x[0] + x[1], i["h"], (i["X"], T.sqr(i["X"]) + i["X"].max(axis=0))),
        lambda i: loop(lambda h, x: h * x[0] + x[1], i["h"], (i["X"] + 1, T.minimum(i["X"][::-1], 3))),
    ],
    "sum_after_loop": [
        lambda i: gradient((rnn(i) ** 2).sum(), i["W"]),
        lambda i: gradient((batched(i) ** 2).sum(), i["W"]),
        lambda i: gradient(
            (scan(lambda x, h, W, b: T.tanh(T.dot(h, W) + b), i["X"], i["h"], [i["W"], i["h"]]) ** 2).sum(),
            i["W"], i["h"]),
    ],
    "loops_over_the_same": [
        lambda i: scan(tanh_step, i["u"], i["s"], i["w"]) * scan(lambda u, a: a + u, i["u"], i["s"]),
        lambda i: scan(lambda u, a: a * u, i["u"], i["s"]) - scan(lambda u, a, w: a + u * w, i["u"], i["w"], i["w"]),
    ],
    "equal_states_of_loop": [
        lambda i: (lambda a, b: a - 2 * b)(*scan(
            lambda u, a, b: [T.tanh(a + u), T.tanh(b + u)], i["u"], [i["s"], i["s"]])),
        lambda i: (lambda a, b, c, d: a * b + c * d)(*scan(  # the pairs need each other
            lambda u, a, b, c, d: [a + u * b, b * u, c + u * d, d * u], i["u"], [i["s"], i["w"], i["s"], i["w"]])),
    ],
    "equal_rows_of_loop": [
        lambda i: (lambda a, b, c: a * b + c)(*scan(
            lambda u, a: [a + u, a * u, a * u], i["u"], [i["s"], None, None])),
        lambda i: (lambda a, b: a * b)(*scan(lambda u, a: [a + u, a + u], i["u"], [i["s"], None])),
    ],
    "one_step_of_loop": [   # `scan` makes no loop of a step by itself
        lambda i: one_step(i, lambda n: scan(lambda a, w: T.tanh(a * w), None, i["s"], i["w"], n_steps=n)),
        lambda i: one_step(i, lambda n: scan(
            lambda a, b, h: [a * b, h + a], None, [{"initial": i["h"], "taps": [-3, -1]}, i["h"]], n_steps=n)[1]),
        lambda i: one_step(i, lambda n: scan(
            lambda a: (a * 2, theano.scan_module.until(a > 0)), None, i["s"], n_steps=n)),
    ],
}  # fmt: skip
CASES = [pytest.param(name, n, id=f"{name}-{n}") for name, found in EXAMPLES.items() for n in range(len(found))]


def inputs_of(dtype: str) -> dict[str, Any]:
    ranks = {"u": 1, "X": 2, "Y": 3, "s": 0, "h": 1, "H": 2, "w": 0, "W": 2}
    found: dict[str, Any] = {name: T.TensorType(dtype, (None,) * rank)(name) for name, rank in ranks.items()}
    return {**found, "n": T.lscalar("n"), "k": T.iscalar("k")}


def values_of(steps: int, dtype: str, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"u": (steps,), "X": (steps, N), "Y": (steps, 2, N), "s": (), "h": (N,), "H": (2, N), "w": (), "W": (N, N)}
    found = {name: np.asarray(rng.normal(size=shape)).astype(dtype) for name, shape in shapes.items()}
    return {**found, "n": np.asarray(steps), "k": np.asarray((seed % 4) - 1, "int32")}


def rewritten(name: str, number: int, dtype: str) -> tuple[dict[str, Any], Any, Any]:
    inputs = inputs_of(dtype)
    before = EXAMPLES[name][number](inputs)
    after, copies, fired = applied(RULES[name], list(inputs.values()), before)
    assert fired, f"{name} does not apply"
    return inputs, before, clone_replace(after, dict(zip(copies, inputs.values())))


def outcome(out: Any, point: dict[Any, Any]) -> Any:
    try:
        return evaluate([out], point)[0]
    except (ValueError, IndexError) as error:
        return type(error)


def test_every_rule_on_loops_has_an_example() -> None:
    assert {rule.name for rule in LOOPS} == set(EXAMPLES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, number", CASES)
def test_example(name: str, number: int, dtype: str) -> None:
    """The rule alone changes no value and no shape, for any number of steps that was allowed."""
    inputs, before, after = rewritten(name, number, dtype)
    assert after.type.dtype == before.type.dtype and after.type.broadcastable == before.type.broadcastable
    for steps in (0, 1, 2, 6):
        values = values_of(steps, dtype, seed=steps)
        point = {inputs[k]: value for k, value in values.items()}
        expected, found = outcome(before, point), outcome(after, point)
        if isinstance(expected, type):   # x[-1] of no rows: the check is put back after all rules (below)
            continue
        assert found.shape == expected.shape and found.dtype == expected.dtype
        scale = np.max(np.abs(expected), initial=1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(dtype).eps * scale)


@pytest.mark.parametrize("name, number", CASES)
def test_whole_pipeline(name: str, number: int) -> None:
    """So do all rules together, natively; what failed before fails after."""
    inputs = inputs_of("float64")
    out = EXAMPLES[name][number](inputs)
    f = theano.function(list(inputs.values()), out, on_unused_input="ignore")
    for steps in (0, 1, 2, 6):
        values = values_of(steps, "float64", seed=steps)
        expected = outcome(out, {inputs[k]: value for k, value in values.items()})
        if isinstance(expected, type):
            with pytest.raises(expected):
                f(*values.values())
            continue
        found = f(*values.values())
        assert found.shape == expected.shape and found.dtype == expected.dtype
        scale = np.max(np.abs(expected), initial=1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("name, number", CASES)
@pytest.mark.parametrize("short", ["u", "X", "Y"])
def test_sequences_that_are_too_short(name: str, number: int, short: str) -> None:
    """A sequence with fewer rows than steps is an error, also when the loop or the sequence is gone."""
    inputs = inputs_of("float64")
    out = EXAMPLES[name][number](inputs)
    f = theano.function(list(inputs.values()), out, on_unused_input="ignore")
    values = {**values_of(5, "float64"), short: values_of(3, "float64")[short]}
    expected = outcome(out, {inputs[k]: value for k, value in values.items()})
    if isinstance(expected, type):
        with pytest.raises(expected):
            f(*values.values())
    else:
        np.testing.assert_allclose(f(*values.values()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("known", [False, True])
def test_initial_rows_of_a_wrong_number(rows: int, known: bool) -> None:
    """A state with other initial rows than its taps need is an error, also when only its last row is kept."""
    a, b = T.dscalars("a", "b")
    initial, n = T.TensorType("float64", (rows if known else None,))("initial"), T.lscalar("n")
    op = Scan([a, b], [a + b], ScanLayout(taps=((-2, -1),)))
    f = theano.function([n, initial], op(n, initial)[-1])
    if rows == 2:
        assert f(3, np.ones(2)) == 5
    else:
        with pytest.raises((ValueError, IndexError)):
            f(3, np.ones(rows))


@pytest.mark.parametrize("mode", [None, "reference"])
def test_rows_that_may_not_fit_the_first_one(mode: str | None) -> None:
    """A state that no step reads, of which rewriting cannot tell that its rows have the shape of the first one."""
    table, first, n = T.dmatrix("table"), T.dvector("first"), T.lscalar("n")
    rows = scan(lambda i, s, table: table[i], T.arange(n), first, table)
    with theano.config.change_flags(on_opt_error="raise"):
        f = theano.function([table, first, n], rows, mode=mode)
    value = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(f(value, np.zeros(3), 4), value)
    with pytest.raises(ValueError):
        f(value, np.zeros(2), 4)


@pytest.mark.parametrize("back", [-1, -2])
def test_rows_of_a_loop_that_ends_early(back: int) -> None:
    """x[-2] of one row is an IndexError, as before; and no loop is run twice to find that out."""
    limit, initial, n = T.dscalar("limit"), T.dvector("initial"), T.lscalar("n")
    x = scan(
        lambda a, b: (a + b, theano.scan_module.until(a + b > limit)),
        outputs_info=[{"initial": initial, "taps": [-2, -1]}], n_steps=n)
    f = theano.function([limit, initial, n], x[back])
    assert len(loops_in(f)) == 1
    rows = [2.0, 3.0, 5.0, 8.0]
    for bound, most, made in ((0.0, 5, 1), (100.0, 0, 0), (100.0, 1, 1), (100.0, 2, 2), (3.0, 9, 3), (100.0, 4, 4)):
        if made >= -back:
            assert f(bound, np.ones(2), most) == rows[:made][back]
        else:
            with pytest.raises(IndexError):
                f(bound, np.ones(2), most)


def loops_in(f: Any) -> list[Any]:
    return [node.op for node in toposort(f.maker.fgraph.outputs) if isinstance(node.op, Scan)]


def products_in(loop: Any) -> int:
    return [type(node.op).__name__ for node in loop.fgraph.toposort()].count("Dot")


def test_gradient_of_a_recurrent_network_has_one_product_a_step() -> None:
    """The products with rows are before the loops, the sums of products after them, nothing is computed again."""
    i = inputs_of("float64")
    f = theano.function(list(i.values()), gradient((rnn(i) ** 2).sum(), i["W"], i["h"]), on_unused_input="ignore")
    forward, backward = loops_in(f)
    assert [products_in(loop) for loop in (forward, backward)] == [1, 1]
    assert backward.info.carried == 1 and backward.info.traced == 1


def test_a_sum_that_each_step_reads_stays_in_the_loop() -> None:
    """Found by gradients of random graphs: the sum was taken out, and what reads it had nothing to read."""
    x, value = T.dmatrix("x"), np.random.default_rng(0).uniform(size=(4, N))

    def step(u: Any, total: Any, product: Any) -> Any:
        total = total + T.outer(u, u)
        return total, product * total.sum()

    states, _ = theano.scan(step, x, [T.zeros((N, N)), T.constant(np.float64(1))])
    results = [state[-1] for state in states]
    with theano.change_flags(on_opt_error="raise"):
        found = theano.function([x], results)(value)
    for got, want in zip(found, theano.function([x], results, mode="reference")(value)):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_what_a_loop_carries_may_be_no_tensor() -> None:
    stream = RandomStreams(3)
    draws, updates = theano.scan(lambda s: s + stream.normal((2,)), outputs_info=T.zeros((2,)), n_steps=3)
    with theano.change_flags(on_opt_error="raise"):
        f = theano.function([], draws, updates=updates)
    assert f().shape == (3, 2)


def test_gates_are_kept_and_not_computed_again() -> None:
    x, h0, c0 = T.dmatrix("x"), T.dvector("h"), T.dvector("c")
    weights = [T.dmatrix(name) for name in "abcd"]

    def step(x: Any, h: Any, c: Any, *weights: Any) -> Any:
        i, f, o = (T.nnet.sigmoid(T.dot(x, w) + T.dot(h, w)) for w in weights[:3])
        c = f * c + i * T.tanh(T.dot(x, weights[3]))
        return o * T.tanh(c), c

    (hs, _), _ = theano.scan(step, x, [h0, c0], weights)
    f = theano.function([x, h0, c0, *weights], T.grad((hs**2).sum(), weights))
    forward, backward = loops_in(f)
    assert [products_in(loop) for loop in (forward, backward)] == [3, 3]
    assert forward.info.states == 2   # the loop that keeps the gates is the loop that computes the states


def test_steps_that_nobody_reads_are_not_made() -> None:
    """A million million steps would not end."""
    i = inputs_of("float64")
    x = scan(lambda a, w: T.tanh(a + w), None, i["s"], i["w"], n_steps=i["n"])
    for read, count in ((x[:3], 3), (x[1], 2), (x[: i["k"]], 2), (x[i["k"]], 3)):
        f = theano.function([i["s"], i["w"], i["n"], i["k"]], read, on_unused_input="ignore")
        rows = [np.tanh(1.5)]
        while len(rows) < count:
            rows.append(np.tanh(rows[-1] + 0.5))
        np.testing.assert_allclose(f(1.0, 0.5, 10**12, 2), rows if read.ndim else rows[-1])
        assert len(loops_in(f)) == 1
        with pytest.raises(ValueError, match="must not be negative, got -1"):
            f(1.0, 0.5, -1, 2)


def test_steps_that_may_fail_are_made_though_nobody_reads_them() -> None:
    i, x, e, n = T.lvector("i"), T.dvector("x"), T.lvector("e"), T.lscalar("n")
    taken = scan(lambda j, s, x: s + x[j], i, T.zeros((), "float64"), x)
    f = theano.function([i, x], taken[0])
    assert f([1, 0], [1.0, 2.0]) == 2
    with pytest.raises(IndexError, match="index 7"):
        f([1, 7], [1.0, 2.0])
    powers = scan(lambda e, s: s**e, e, T.constant(2, dtype="int64"))
    f = theano.function([e], powers[0])
    assert f([3, 1]) == 8
    with pytest.raises(ValueError, match="negative integer powers"):
        f([3, -1])
    lengths = scan(lambda k, s, x: s + x[:k].sum() + T.ones((k,)).prod(), e, T.zeros((), "float64"), x)
    with pytest.raises(ValueError):
        theano.function([e, x], lengths[0])([1, -1], [1.0, 2.0])
    shared = theano.shared(0.0)
    zero = T.zeros((), "float64")
    rows, updates = theano.scan(lambda s: (s + 1.0, {shared: shared + s}), outputs_info=zero, n_steps=n)
    theano.function([n], rows[:2], updates=updates)(5)
    assert shared.get_value() == 10


@pytest.mark.parametrize("kind", [T.dvector, T.fvector, T.dmatrix])
def test_norms_in_a_loop_are_safe(kind: Any) -> None:
    """Vectors are gone over twice, without a slice between: that would make more than one kernel of a step."""
    x = kind("x")
    along = x.ndim - 1
    directions = scan(lambda h: 1.5 * h / T.sqrt(T.sqr(h).sum(axis=along, keepdims=True)), outputs_info=x, n_steps=4)
    f = theano.function([x], directions[-1])
    for size in (1e200, 1e-200, 1e30, 1e-30, 1.0):
        if float(np.finfo(x.dtype).tiny) < size < float(np.finfo(x.dtype).max):
            start = np.full((2,) * along + (4,), -size, x.dtype)
            np.testing.assert_allclose(f(start), np.full_like(start, -0.75), rtol=1e-6)
    loop = next(node.op for node in f.maker.fgraph.toposort() if isinstance(node.op, Scan))
    ops = [type(node.op).__name__ for node in loop.function.rewritten().toposort()]
    assert ("Subtensor" in ops) == (x.ndim > 1), ops
