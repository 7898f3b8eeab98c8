"""scan forwards: every feature against a plain NumPy loop."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.scan_module import until

X = np.array([0.3, -0.7, 1.1, 0.2, -0.4])
M = np.arange(12.0).reshape(4, 3) / 7 - 0.8


def zero(dtype="float64"):
    return tt.constant(0, dtype=dtype)


def run(outputs, inputs, values, mode, updates=None):
    return theano.function(inputs, outputs, mode=mode, updates=updates, on_unused_input="ignore")(*values)


def test_state_with_one_tap(mode):
    x = tt.dvector("x")
    out, updates = theano.scan(lambda v, s: tt.tanh(s * 0.5 + v), x, zero())
    assert not updates
    expected, s = [], 0.0
    for v in X:
        s = np.tanh(s * 0.5 + v)
        expected.append(s)
    np.testing.assert_allclose(run(out, [x], [X], mode), expected, rtol=1e-14)


def test_matrix_rows_as_states_and_others(mode):
    x, w, b = tt.dmatrix("x"), tt.dmatrix("w"), tt.dvector("b")
    out, _ = theano.scan(
        lambda row, h, w, b: tt.tanh(tt.dot(h, w) + row + b), x, tt.zeros((3,), "float64"), non_sequences=[w, b]
    )
    W = np.linspace(-1, 1, 9).reshape(3, 3)
    B = np.array([0.1, 0.2, -0.3])
    h, expected = np.zeros(3), []
    for row in M:
        h = np.tanh(h @ W + row + B)
        expected.append(h)
    np.testing.assert_allclose(run(out, [x, w, b], [M, W, B], mode), expected, rtol=1e-13)


def test_taps_of_sequences(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda before, now, after: before + 10 * now + 100 * after, {"input": x, "taps": [-1, 0, 1]})
    np.testing.assert_allclose(run(out, [x], [X], mode), X[:-2] + 10 * X[1:-1] + 100 * X[2:])


@pytest.mark.parametrize(
    "taps, expected",
    [([-1], X[:-1]), ([1], X[1:]), ([-3], X[:-3]), ([2], X[2:]), ([0], X), (0, X), (None, X)],
)
def test_one_tap(taps, expected, mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v: v * 2, {"input": x, "taps": taps})
    np.testing.assert_allclose(run(out, [x], [X], mode), 2 * expected)


@pytest.mark.parametrize("taps", [[-1, 0], [0, 1]])
def test_two_taps_shorten_by_one(taps, mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda a, b: b - a, {"input": x, "taps": taps})
    np.testing.assert_allclose(run(out, [x], [X], mode), X[1:] - X[:-1])


def test_the_order_of_taps_is_the_users(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda a, b, c: a + 10 * b + 100 * c, {"input": x, "taps": [-3, 2, -1]})
    big = np.arange(9.0)
    t = np.arange(3, 7)
    np.testing.assert_allclose(run(out, [x], [big], mode), big[t - 3] + 10 * big[t + 2] + 100 * big[t - 1])


def test_taps_of_outputs(mode):
    start = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    out, _ = theano.scan(
        lambda a, b, c: a + 10 * b + 100 * c,
        outputs_info={"initial": tt.as_tensor_variable(start), "taps": [-5, -2, -1]},
        n_steps=4,
    )
    values = list(start)
    for _ in range(4):
        values.append(values[-5] + 10 * values[-2] + 100 * values[-1])
    np.testing.assert_allclose(run(out, [], [], mode), values[5:])


def test_fibonacci_of_integers(mode):
    start = tt.lvector("start")
    out, _ = theano.scan(lambda a, b: a + b, outputs_info={"initial": start, "taps": [-2, -1]}, n_steps=10)
    found = run(out, [start], [np.array([0, 1])], mode)
    assert found.dtype == np.int64
    assert found.tolist() == [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def test_more_initial_rows_than_needed(mode):
    start = tt.dvector("start")
    out, _ = theano.scan(lambda a: a * 2, outputs_info={"initial": start, "taps": [-2]}, n_steps=3)
    np.testing.assert_allclose(run(out, [start], [np.array([1.0, 3.0, 99.0])], mode), [2, 6, 4])


def test_several_outputs_of_all_kinds(mode):
    x, y = tt.dvector("x"), tt.dvector("y")
    (a, b, c, d), _ = theano.scan(
        lambda u, v, a1, b3, b1: (a1 + u, u * v, b3 + b1 * v, a1 * 2),
        [x, y],
        [zero(), None, {"initial": tt.constant([1.0, 2.0, 3.0], dtype="float64"), "taps": [-3, -1]}, {}],
    )
    Y = X[::-1] * 2
    ea, ec = [0.0], [1.0, 2.0, 3.0]
    for u, v in zip(X, Y):
        ea.append(ea[-1] + u)
        ec.append(ec[-3] + ec[-1] * v)
    found = run([a, b, c, d], [x, y], [X, Y], mode)
    for got, want in zip(found, [ea[1:], X * Y, ec[3:], 2 * np.array(ea[:-1])]):
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_initial_without_taps_is_not_fed_back(mode):
    x = tt.dvector("x")
    (a, b), _ = theano.scan(lambda v, s: (v + 1, s + v), x, [{"initial": zero(), "taps": None}, zero()])
    a, b = run([a, b], [x], [X], mode)
    np.testing.assert_allclose(a, X + 1)
    np.testing.assert_allclose(b, np.cumsum(X))


@pytest.mark.parametrize("steps, length", [(0, 5), (None, 5), (2, 2), (1, 1)])
def test_return_steps(steps, length, mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s + v, x, {"initial": zero(), "return_steps": steps})
    np.testing.assert_allclose(run(out, [x], [X], mode), np.cumsum(X)[-length:])


def test_go_backwards(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s * 2 + v, x, zero(), go_backwards=True)
    s, expected = 0.0, []
    for v in X[::-1]:
        s = s * 2 + v
        expected.append(s)
    np.testing.assert_allclose(run(out, [x], [X], mode), expected)


def test_go_backwards_with_taps(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda a, b: a + 10 * b, {"input": x, "taps": [-1, 0]}, go_backwards=True)
    np.testing.assert_allclose(run(out, [x], [X], mode), (X[:-1] + 10 * X[1:])[::-1])


def test_fewer_steps_than_rows(mode):
    x, n = tt.dvector("x"), tt.lscalar("n")
    forwards, _ = theano.scan(lambda v: v + 1, x, n_steps=n)
    backwards, _ = theano.scan(lambda v: v + 1, x, n_steps=n, go_backwards=True)
    a, b = run([forwards, backwards], [x, n], [X, 3], mode)
    np.testing.assert_allclose(a, X[:3] + 1)
    np.testing.assert_allclose(b, X[::-1][:3] + 1)


def test_the_shortest_sequence_decides(mode):
    x, y = tt.dvector("x"), tt.dvector("y")
    out, _ = theano.scan(lambda a, b: a + b, [x, y])
    np.testing.assert_allclose(run(out, [x, y], [X, X[:3]], mode), 2 * X[:3])
    np.testing.assert_allclose(run(out, [x, y], [X[:2], X], mode), 2 * X[:2])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8"])
def test_symbolic_n_steps(dtype, mode):
    n = tt.scalar("n", dtype=dtype)
    out, _ = theano.scan(lambda s: s * 2, outputs_info=tt.constant(1.0, dtype="float64"), n_steps=n)
    f = theano.function([n], out, mode=mode)
    for steps in (0, 1, 2, 7):
        assert f(np.array(steps, dtype)).tolist() == [2.0**k for k in range(1, steps + 1)]


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_constant_n_steps(steps, mode):
    x = tt.dmatrix("x")
    (a, b), _ = theano.scan(lambda row, s: (row * 2, s + row), x, [None, tt.zeros((3,), "float64")], n_steps=steps)
    a, b = run([a, b], [x], [M], mode)
    assert a.shape == b.shape == (steps, 3)
    np.testing.assert_allclose(a, 2 * M[:steps])
    np.testing.assert_allclose(b, np.cumsum(M[:steps], axis=0))


def test_one_step_makes_no_loop():
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s + v, x, zero(), n_steps=1)
    assert "Scan" not in [type(node.op).__name__ for node in theano.graph.traverse.toposort([out])]
    assert out.type.broadcastable == (False,)
    np.testing.assert_allclose(theano.function([x], out)(X), X[:1])


def test_empty_sequence(mode):
    x = tt.dmatrix("x")
    (a, b, c), _ = theano.scan(
        lambda row, s: (s + row, tt.outer(row, row[1:]), row.sum()), x, [tt.zeros((3,), "float64"), None, None]
    )
    a, b, c = run([a, b, c], [x], [M[:0]], mode)
    assert (a.shape, b.shape, c.shape) == ((0, 3), (0, 3, 2), (0,))
    assert a.dtype == b.dtype == c.dtype == np.float64


def test_until_keeps_the_last_step(mode):
    limit = tt.dscalar("limit")
    out, _ = theano.scan(
        lambda p: (p * 2, until(p * 2 > limit)), outputs_info=tt.constant(1.0, dtype="float64"), n_steps=1000
    )
    f = theano.function([limit], out, mode=mode)
    assert f(45.0).tolist() == [2, 4, 8, 16, 32, 64]
    assert f(-1.0).tolist() == [2]
    assert len(f(np.inf)) == 1000


def test_until_with_sequences_and_no_state(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v: (v * 3, until(v > 1)), x)
    np.testing.assert_allclose(run(out, [x], [X], mode), 3 * X[:3])
    assert run(out.shape, [x], [X], mode).tolist() == [3]
    assert run(out.shape[0], [x], [X[:2]], mode) == 2


def test_until_that_ends_after_many_steps(mode):
    out, _ = theano.scan(lambda n: (n + 1, until(n >= 99)), outputs_info=tt.constant(0, dtype="int64"), n_steps=10**9)
    assert run(out, [], [], mode).tolist() == list(range(1, 101))


@pytest.mark.parametrize("order", ["outputs first", "updates first", "with until"])
def test_updates_of_shared_variables(order, mode):
    total = theano.shared(np.array(10.0), "total")
    x = tt.dvector("x")

    def step(v):
        new = {total: total + v}
        return {"outputs first": (total * v, new), "updates first": (new, total * v),
                "with until": (total * v, new, until(v > 1e9))}[order]  # fmt: skip

    out, updates = theano.scan(step, x)
    assert list(updates) == [total]
    expected, s = [], 10.0
    for v in X:
        expected.append(s * v)
        s += v
    np.testing.assert_allclose(run(out, [x], [X], mode), expected)
    assert total.get_value() == 10.0  # the updates were not passed
    np.testing.assert_allclose(run(out, [x], [X], mode, updates), expected)
    np.testing.assert_allclose(total.get_value(), s)


def test_updates_only(mode):
    count = theano.shared(np.array(0))
    out, updates = theano.scan(lambda: {count: count + 1}, n_steps=7)
    assert out is None
    run(None, [], [], mode, updates)
    assert count.get_value() == 7


def test_updates_as_pairs(mode):
    count = theano.shared(np.array(0))
    _out, updates = theano.scan(lambda: [(count, count + 2)], n_steps=7)
    run(None, [], [], mode, updates)
    assert count.get_value() == 14


def test_default_updates_are_made_in_every_step(mode):
    state = theano.shared(np.array(3))
    state.default_update = (state * 5 + 1) % 16
    draw = state * 1.0
    out, updates = theano.scan(lambda: draw, n_steps=4)
    s, expected = 3, []
    for _ in range(4):
        expected.append(s)
        s = (s * 5 + 1) % 16
    assert run(out, [], [], mode, updates).tolist() == expected
    assert state.get_value() == s


def test_a_non_sequence_is_the_same_in_all_steps(mode):
    state = theano.shared(np.array(3))
    state.default_update = state + 1
    draw = state * 1.0
    out, updates = theano.scan(lambda d: d + 0, non_sequences=draw, n_steps=3)
    assert not updates
    assert run(out, [], [], mode).tolist() == [3, 3, 3]


def test_variables_from_outside_are_found(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    b = theano.shared(np.array(2.0), "b")
    factor = tt.exp(w)
    out, _ = theano.scan(lambda v: v * factor + b, x)
    np.testing.assert_allclose(run(out, [x, w], [X, 0.5], mode), X * np.exp(0.5) + 2)


def test_what_does_not_depend_on_the_step_is_computed_once():
    x, w = tt.dvector("x"), tt.dmatrix("w")
    out, _ = theano.scan(lambda v: v * tt.dot(w, w).sum(), x)
    op = out.owner.op
    assert "Dot" not in [type(n.op).__name__ for n in op.fgraph.apply_nodes]
    assert [v.type for v in op.inner.others] == [tt.dscalar]


def test_strict():
    x, w = tt.dvector("x"), tt.dscalar("w")
    b = theano.shared(np.array(2.0), "b")
    theano.scan(lambda v, w, b: v * w + b * 2, x, non_sequences=[w, b], strict=True)
    with pytest.raises(ValueError, match=r"strict=True.*shared variable b"):
        theano.scan(lambda v, w: v * w + b, x, non_sequences=w, strict=True)
    with pytest.raises(ValueError, match=r"strict=True.*variable w"):
        theano.scan(lambda v: v * w, x, strict=True)


def test_return_list():
    x = tt.dvector("x")
    one, _ = theano.scan(lambda v: v, x)
    many, _ = theano.scan(lambda v: v, x, return_list=True)
    two, _ = theano.scan(lambda v: [v, v], x)
    assert isinstance(one, tt.TensorVariable)
    assert isinstance(many, list) and len(many) == 1
    assert isinstance(two, list) and len(two) == 2


def test_options_are_accepted(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v: v * 2, x, mode="FAST_COMPILE", name="twice", profile=True, allow_gc=False)
    assert str(out.owner.op) == "for{twice}"
    np.testing.assert_allclose(run(out, [x], [X], mode), 2 * X)


def test_nested(mode):
    x, y = tt.dmatrix("x"), tt.dvector("y")

    def outer(row):
        inner, _ = theano.scan(lambda v, w, s: s + v * w * row.sum(), [row, y], zero())
        return inner

    out, _ = theano.scan(outer, x)
    Y = np.array([1.0, -2.0, 0.5])
    expected = np.cumsum(M * Y * M.sum(1, keepdims=True), axis=1)
    np.testing.assert_allclose(run(out, [x, y], [M, Y], mode), expected, rtol=1e-13)


def test_map_reduce_and_folds(mode):
    x = tt.dvector("x")
    squares, _ = theano.map(lambda v: v**2, x)
    total, _ = theano.reduce(lambda v, s: s + v, x, zero())
    left, _ = theano.foldl(lambda v, s: s * 2 + v, x, zero())
    right, _ = theano.foldr(lambda v, s: s * 2 + v, x, zero())
    a, b, c, d = run([squares, total, left, right], [x], [X], mode)
    np.testing.assert_allclose(a, X**2)
    np.testing.assert_allclose(b, X.sum())
    np.testing.assert_allclose(c, np.polyval(X, 2.0))
    np.testing.assert_allclose(d, np.polyval(X[::-1], 2.0))
    assert run([total, left, right], [x], [X[:0]], mode) == [0, 0, 0]


def test_reduce_of_several(mode):
    x = tt.dvector("x")
    (a, b), _ = theano.reduce(lambda v, s, p: (s + v, p * v), x, [zero(), tt.constant(1.0, dtype="float64")])
    np.testing.assert_allclose(run([a, b], [x], [X], mode), [X.sum(), X.prod()])


@pytest.mark.parametrize("n", [0, 1, 9, 10, 23])
def test_checkpoints(n, mode):
    x = tt.dmatrix("x")
    w = tt.dscalar("w")
    out, _ = theano.scan_checkpoints(
        lambda row, s, w: tt.tanh(s * w + row), x, tt.zeros((3,), "float64"), w, save_every_N=5
    )
    rows = np.sin(np.arange(3.0 * n)).reshape(n, 3)
    s, states = np.zeros(3), []
    for row in rows:
        s = np.tanh(s * 0.7 + row)
        states.append(s)
    kept = [min(k + 4, n - 1) for k in range(0, n, 5)]
    found = run(out, [x, w], [rows, 0.7], mode)
    np.testing.assert_allclose(found, np.array([states[k] for k in kept]).reshape(-1, 3), rtol=1e-13)


def test_checkpoints_without_padding(mode):
    a, n = tt.dvector("a"), tt.iscalar("n")
    out, _ = theano.scan_checkpoints(
        lambda p, a: p * a, outputs_info=tt.ones_like(a), non_sequences=a, n_steps=n, padding=False
    )
    A = np.array([1.1, 0.9])
    np.testing.assert_allclose(run(out[-1], [a, n], [A, 20], mode), A**20)


def test_shapes_are_known_without_running_the_loop():
    x = tt.dmatrix("x")
    (a, b), _ = theano.scan(lambda row, s: (s + row, tt.outer(row, row)), x, [tt.zeros_like(x[0]), None])
    f = theano.function([x], [*a.shape, *b.shape])
    assert "Scan" not in [type(n.op).__name__ for n in f.maker.fgraph.toposort()]
    assert [int(n) for n in f(M)] == [4, 3, 4, 3, 3]


def test_a_shape_that_depends_on_the_values_is_found_by_running(mode):
    n = tt.lvector("n")
    out, _ = theano.scan(lambda k: tt.arange(k), n)
    assert run(out.shape, [n], [np.array([4, 4])], mode).tolist() == [2, 4]
    with pytest.raises(ValueError, match="must not change from step to step"):
        run(out, [n], [np.array([4, 5])], mode)


def test_equal_loops_merge():
    x = tt.dvector("x")
    one, _ = theano.scan(lambda v, s: tt.exp(s) + v, x, zero())
    two, _ = theano.scan(lambda v, s: tt.exp(s) + v, x, zero())
    other, _ = theano.scan(lambda v, s: tt.exp(s) - v, x, zero())
    assert one.owner.op == two.owner.op and hash(one.owner.op) == hash(two.owner.op)
    assert one.owner.op != other.owner.op
    f = theano.function([x], [one, two, other])
    (loop,) = [n.op for n in f.maker.fgraph.toposort() if type(n.op).__name__ == "Scan"]
    assert loop.info.states == 2   # of the two that are equal one is left


def test_pickle_clone_and_print(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s * 2 + v, x, zero(), name="horner")
    x2, out2 = pickle.loads(pickle.dumps((x, out)))
    np.testing.assert_allclose(run(out2, [x2], [X], mode), run(out, [x], [X], mode))
    assert out2.owner.op == out.owner.op
    f = pickle.loads(pickle.dumps(theano.function([x], out, mode=mode)))
    np.testing.assert_allclose(f(X)[-1], np.polyval(X, 2.0))
    y = tt.dvector("y")
    np.testing.assert_allclose(run(theano.clone(out, {x: y * 2}), [y], [X / 2], mode), run(out, [x], [X], mode))
    text = theano.printing.debugprint(out, file="str")
    assert "for{horner}" in text and "Inner graphs:" in text and ">Elemwise{add}" in text


def test_results_share_no_memory_with_inputs(mode):
    x = tt.dvector("x")
    count = theano.shared(np.zeros(3))
    out, updates = theano.scan(lambda v: (v, {count: count}), x)
    given = X.copy()
    found = run(out, [x], [given], mode, updates)
    found[:] = 99
    np.testing.assert_array_equal(given, X)


def test_strided_and_reversed_sequences(mode):
    x = tt.dmatrix("x")
    out, _ = theano.scan(lambda row, s: s + row, x, tt.zeros((3,), "float64"))
    big = np.arange(48.0).reshape(8, 6)
    for view in (big[::-2, ::2], big[::2, ::-2], big.T[:4, :3], np.asfortranarray(M)):
        np.testing.assert_allclose(run(out, [x], [view], mode), np.cumsum(view, axis=0))


def test_nan_and_inf_pass_through(mode):
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s + v, x, zero())
    found = run(out, [x], [np.array([1.0, np.inf, -np.inf])], mode)
    np.testing.assert_array_equal(found, [1.0, np.inf, np.nan])


@pytest.mark.parametrize("dtype", ["float32", "complex128", "bool", "int16"])
def test_dtypes_of_states(dtype, mode):
    x = tt.vector("x", dtype=dtype)
    combine = tt.or_ if dtype == "bool" else tt.add
    out, _ = theano.scan(lambda v, s: combine(s, v), x, tt.zeros((), dtype))
    values = np.array([1, 0, 1, 1]).astype(dtype)
    found = run(out, [x], [values], mode)
    expected = np.logical_or.accumulate(values) if dtype == "bool" else np.cumsum(values).astype(dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


def test_a_row_of_one_keeps_broadcasting(mode):
    x = tt.dtensor3("x")
    out, _ = theano.scan(lambda m, s: s + m.sum(axis=0, keepdims=True), x, tt.zeros((1, 3), "float64"))
    cube = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_allclose(run(out, [x], [cube], mode), np.cumsum(cube.sum(1, keepdims=True), axis=0))


def test_many_steps_and_deep_bodies(mode):
    n = 2000 if mode == "FAST_RUN" else 200
    out, _ = theano.scan(lambda s: s + 1, outputs_info=tt.constant(0, dtype="int64"), n_steps=n)
    assert run(out[-1], [], [], mode) == n


def test_a_function_with_a_loop_runs_in_threads():
    from concurrent.futures import ThreadPoolExecutor

    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s * 0.5 + v, x, zero())
    f = theano.function([x], out[-1])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: float(f(np.full(5, float(k)))), range(40)))
    np.testing.assert_allclose(found, [k * (2 - 0.5**4) for k in range(40)])


def test_test_values():
    with theano.change_flags(compute_test_value="raise"):
        x, w = tt.dvector("x"), tt.dscalar("w")
        x.tag.test_value, w.tag.test_value = X, 0.5
        b, count = theano.shared(np.array(2.0)), theano.shared(np.array(1.0))
        out, _ = theano.scan(lambda v, s: (s * w * tt.exp(w) + v * b * count, {count: count * 2}), x, zero())
        s, expected = 0.0, []
        for k, v in enumerate(X):
            s = s * 0.5 * np.exp(0.5) + v * 2 * 2**k
            expected.append(s)
        np.testing.assert_allclose(out.tag.test_value, expected)
        gradient = theano.grad(out.sum(), w)
        second = theano.grad(gradient, w)
        f = theano.function([x, w], [gradient, second, out.shape[0]])
        np.testing.assert_allclose([gradient.tag.test_value, second.tag.test_value], f(X, 0.5)[:2])
        with pytest.raises(ValueError, match="dimension mismatch"):  # at the line of the step that is wrong
            theano.scan(lambda v: x[:2] + x[: (v * 0 + 3).astype("int64")], x)


def test_data_as_sequences(mode):
    out, _ = theano.scan(lambda v, s: v + s, [np.arange(3.0)], np.float64(1))
    assert run(out, [], [], mode).tolist() == [1, 2, 4]


def test_long_and_deep_steps():
    x = tt.dvector("x")
    parameters = [theano.shared(float(k)) for k in range(20)]

    def step(v):
        for k in range(3000):
            v = v * 1.0001 + parameters[k % 20]
        return v

    out, _ = theano.scan(step, x)
    gradients = theano.grad(out.sum(), parameters)
    pickle.loads(pickle.dumps(out))
    assert "for{scan_fn}" in theano.printing.debugprint(out, file="str")
    assert theano.clone(out, {x: x * 2}).ndim == 1 and len(gradients) == 20
