"""Derivatives of loops: against finite differences, and against the same loop written out."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.gradient import verify_grad
from theano.scan_module import until

RNG = np.random.RandomState(7)
X = np.array([0.3, -0.7, 1.1, 0.2, -0.4])
M = RNG.uniform(-1, 1, (4, 3))
W = RNG.uniform(-1, 1, (3, 3))
H = RNG.uniform(-1, 1, 3)


def zero(dtype="float64"):
    return tt.constant(0, dtype=dtype)


def check(build, values, mode):
    verify_grad(build, [np.asarray(v) for v in values], rng=np.random.RandomState(1), mode=mode)


def written_out(step, sequences, states, others, steps):
    """scan of single taps, unrolled: traces of the states."""
    traces = [[] for _ in states]
    for t in range(steps):
        states = step(*[s[t] for s in sequences], *states, *others)
        states = states if isinstance(states, (list, tuple)) else [states]
        for trace, state in zip(traces, states):
            trace.append(state)
    return [tt.stack(trace) for trace in traces]


def rnn(row, h, w):
    return tt.tanh(tt.dot(h, w) + row)


def test_recurrent_network(mode):
    check(lambda x, h, w: theano.scan(rnn, x, h, w)[0], [M, H, W], mode)
    check(lambda x, h, w: theano.scan(rnn, x, h, w)[0][-1], [M, H, W], mode)


def test_equals_the_gradient_of_the_loop_written_out(mode):
    x, h, w = tt.dmatrix("x"), tt.dvector("h"), tt.dmatrix("w")
    loop, _ = theano.scan(rnn, x, h, w)
    (flat,) = written_out(rnn, [x], [h], [w], 4)
    weights = RNG.uniform(-1, 1, (4, 3))
    for kind in (lambda s: (s * weights).sum(), lambda s: s[-1].sum(), lambda s: s[1, 2], lambda s: tt.exp(s).sum()):
        a = theano.grad(kind(loop), [x, h, w])
        b = theano.grad(kind(flat), [x, h, w])
        found = theano.function([x, h, w], [*a, *b], mode=mode)(M, H, W)
        for got, want in zip(found[:3], found[3:]):
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_taps_of_sequences(mode):
    check(
        lambda x: theano.scan(lambda a, b, c: a * b + tt.sin(c) * b, {"input": x, "taps": [-2, 0, 1]})[0], [X], mode
    )


@pytest.mark.parametrize("taps", [[-2], [-2, -1], [-3, -1], [-1, -3], [-5, -2]])
@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_taps_of_outputs(taps, steps, mode):
    start = RNG.uniform(-1, 1, (-min(taps), 2))

    def build(start, w):
        n = theano.shared(np.array(steps))
        out, _ = theano.scan(
            lambda *s: tt.tanh(sum((k + 1) * v * w for k, v in enumerate(s[:-1]))),
            outputs_info={"initial": start, "taps": taps}, non_sequences=w, n_steps=n,
        )  # fmt: skip
        return out

    check(build, [start, np.array([0.3, -0.8])], mode)


def test_several_states_that_feed_each_other(mode):
    def build(x, a, b, w):
        def step(v, a1, b2, b1, w):
            return tt.tanh(a1 * b1 + v), tt.sin(b2 * w + a1), a1 * v

        outs, _ = theano.scan(step, x, [a, {"initial": b, "taps": [-2, -1]}, None], w)
        return outs[0] + 2 * outs[1] - outs[2] * outs[1]

    check(build, [X, 0.3, [0.1, 0.5], 0.8], mode)


def test_only_some_outputs_matter(mode):
    x, a, b = tt.dvector("x"), tt.dscalar("a"), tt.dscalar("b")
    (s, p, q), _ = theano.scan(lambda v, s, p: (s + v, p * v, s * p), x, [a, b, None])
    for cost, wrt, expected in [
        (s[-1], x, np.ones(5)),
        (p[1], b, X[0] * X[1]),
        (q[0], a, 1.0 * 2.0),
    ]:
        found = theano.function([x, a, b], theano.grad(cost, wrt), mode=mode, on_unused_input="ignore")(X, 1.0, 2.0)
        np.testing.assert_allclose(found, expected)
    with pytest.raises(theano.gradient.DisconnectedInputError):
        theano.grad(s[-1], b)
    with pytest.raises(theano.gradient.DisconnectedInputError):
        theano.grad(p.sum(), a)


def test_n_steps_is_disconnected():
    n = tt.lscalar("n")
    out, _ = theano.scan(lambda s: s * 2.0, outputs_info=tt.constant(1.0, dtype="float64"), n_steps=n)
    with pytest.raises(theano.gradient.DisconnectedInputError):
        theano.grad(out[-1], n)


def test_go_backwards_and_fewer_steps(mode):
    def build(x):
        n = theano.shared(np.array(3))
        return theano.scan(lambda v, s: tt.sin(s * v + v), x, zero(), n_steps=n, go_backwards=True)[0]

    check(build, [X], mode)


def test_unequal_lengths(mode):
    check(lambda x, y: theano.scan(lambda a, b, s: s * a + b**2, [x, y], zero())[0], [X, X[:3] + 1], mode)
    check(lambda x, y: theano.scan(lambda a, b, s: s * a + b**2, [x, y], zero())[0], [X[:2], X + 1], mode)


def test_one_and_no_steps(mode):
    x, w, n = tt.dvector("x"), tt.dscalar("w"), tt.lscalar("n")
    s0 = tt.dscalar("s0")
    out, _ = theano.scan(lambda v, s, w: s * w + v, x, s0, w, n_steps=n)
    f = theano.function([x, w, s0, n], theano.grad(out.sum(), [x, w, s0]), mode=mode)
    for got, want in zip(f(X, 0.5, 2.0, 1), [[1, 0, 0, 0, 0], 2.0, 0.5]):
        np.testing.assert_allclose(got, want)
    for got, want in zip(f(X, 0.5, 2.0, 0), [np.zeros(5), 0.0, 0.0]):
        np.testing.assert_allclose(got, want)
    # what a fold without rows returns is its initial value
    total, _ = theano.reduce(lambda v, s, w: s * w + v, x, s0, w)
    g = theano.function([x, w, s0], theano.grad(total, [x, w, s0]), mode=mode)
    assert [v.tolist() for v in g(X[:0], 0.5, 2.0)] == [[], 0.0, 1.0]


def test_until(mode):
    def build(x, w):
        out, _ = theano.scan(lambda v, s, w: (s * w + tt.sin(v), until(v > 1.0)), x, zero(), w)
        return out

    check(build, [X, 0.7], mode)
    x, w = tt.dvector("x"), tt.dscalar("w")
    found = theano.function([x, w], theano.grad(build(x, w).sum(), x), mode=mode)(X, 0.7)
    assert found.shape == (5,)
    assert (found[:3] != 0).all() and (found[3:] == 0).all()


def test_until_without_state(mode):
    check(lambda x: theano.scan(lambda v: (v**3, until(v > 1)), x)[0], [X], mode)


@pytest.mark.parametrize("k", [1, 2, 4, 5, 9])
def test_truncated_gradient(k, mode):
    x, w, s0 = tt.dvector("x"), tt.dscalar("w"), tt.dscalar("s0")
    out, _ = theano.scan(lambda v, s, w: tt.tanh(s * w + v), x, s0, w, truncate_gradient=k)
    gx, gw, gs = theano.function([x, w, s0], theano.grad(out[-1], [x, w, s0]), mode=mode)(X, 0.8, 0.5)
    states = [0.5]
    for v in X:
        states.append(np.tanh(states[-1] * 0.8 + v))
    g, ex, ew = 1.0, np.zeros(5), 0.0
    for t in range(4, max(4 - k, -1), -1):
        inner = g * (1 - states[t + 1] ** 2)
        ex[t], ew, g = inner, ew + inner * states[t], inner * 0.8
    np.testing.assert_allclose(gx, ex, rtol=1e-12)
    np.testing.assert_allclose(gw, ew, rtol=1e-12)
    np.testing.assert_allclose(gs, g if k >= 5 else 0.0, rtol=1e-12)


def test_updates_that_feed_back(mode):
    """The gradient through a shared variable that the loop updates: its values are traced again."""
    start = theano.shared(np.array(0.7), "start")
    x, w = tt.dvector("x"), tt.dscalar("w")
    out, updates = theano.scan(lambda v, w: (tt.sin(start * v), {start: start * w + v**2}), x, non_sequences=w)
    found = theano.function([x, w], theano.grad(out.sum() + updates[start], [x, w, start]), mode=mode)(X, 0.8)

    def value(x, w, s):
        total = 0.0
        for v in x:
            total, s = total + np.sin(s * v), s * w + v**2
        return total + s

    e = 1e-6
    want_x = [(value(X + e * d, 0.8, 0.7) - value(X - e * d, 0.8, 0.7)) / (2 * e) for d in np.eye(5)]
    np.testing.assert_allclose(found[0], want_x, rtol=1e-7)
    np.testing.assert_allclose(found[1], (value(X, 0.8 + e, 0.7) - value(X, 0.8 - e, 0.7)) / (2 * e), rtol=1e-7)
    np.testing.assert_allclose(found[2], (value(X, 0.8, 0.7 + e) - value(X, 0.8, 0.7 - e)) / (2 * e), rtol=1e-7)


def test_second_order(mode):
    x, h, w = tt.dmatrix("x"), tt.dvector("h"), tt.dmatrix("w")
    loop, _ = theano.scan(rnn, x, h, w)
    (flat,) = written_out(rnn, [x], [h], [w], 4)
    results = []
    for out in (loop, flat):
        first = theano.grad((out**2).sum(), [x, h, w])
        results += theano.grad(sum((g**2).sum() for g in first), [x, h, w])
    found = theano.function([x, h, w], results, mode=mode)(M, H, W)
    for got, want in zip(found[:3], found[3:]):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_second_order_with_taps_until_and_truncation(mode):
    def build(x, start, w):
        out, _ = theano.scan(
            lambda v, a, b, w: (tt.sin(a * w + b * v), until(v > 1)), x, {"initial": start, "taps": [-2, -1]}, w
        )
        return tt.concatenate([tt.grad(out[-1] * out[0], v).flatten() for v in (x, start, w)])

    check(build, [X, [0.4, 0.9], 0.8], mode)
    x, w = tt.dvector("x"), tt.dscalar("w")
    out, _ = theano.scan(lambda v, s, w: tt.tanh(s * w + v), x, tt.constant(0.5, dtype="float64"), w,
                         truncate_gradient=2)  # fmt: skip
    (g,) = theano.grad(out[-1], [x])
    assert np.isfinite(theano.function([x, w], theano.grad((g**2).sum(), w), mode=mode)(X, 0.8))


def test_third_order(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    step = lambda v, s, w: tt.sin(s * w + v)  # noqa: E731
    loop, _ = theano.scan(step, x, zero(), w)
    (flat,) = written_out(step, [x], [zero()], [w], 3)
    results = []
    for out in (loop, flat):
        g = out[-1]
        for _ in range(3):
            g = theano.grad(g, w)
        results.append(g)
    a, b = theano.function([x, w], results, mode=mode)(X[:3], 0.6)
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_forward_derivative(mode):
    x, h, w = tt.dmatrix("x"), tt.dvector("h"), tt.dmatrix("w")
    dx, dh, dw = tt.dmatrix(), tt.dvector(), tt.dmatrix()
    loop, _ = theano.scan(rnn, x, h, w)
    (flat,) = written_out(rnn, [x], [h], [w], 4)
    tangents = [theano.Rop(out, [x, h, w], [dx, dh, dw]) for out in (loop, flat)]
    values = [M, H, W, RNG.randn(4, 3), RNG.randn(3), RNG.randn(3, 3)]
    a, b = theano.function([x, h, w, dx, dh, dw], tangents, mode=mode)(*values)
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_hessian_vector_product_and_jacobian(mode):
    x, w = tt.dvector("x"), tt.dvector("w")
    step = lambda v, s, w: tt.tanh((s * w).sum() + v) * w  # noqa: E731
    start = tt.constant(np.array([0.1, -0.2, 0.3]))
    loop, _ = theano.scan(step, x, start, w)
    (flat,) = written_out(step, [x], [start], [w], 5)
    v = tt.dvector("v")
    results = []
    for out in (loop, flat):
        cost = (out**2).sum()
        results += [theano.gradient.jacobian(out[-1], w), theano.gradient.hessian(cost, w),
                    theano.gradient.hessian_vector_product(cost, w, v)]  # fmt: skip
    found = theano.function([x, w, v], results, mode=mode)(X, np.array([0.5, -0.3, 0.8]), np.array([1.0, 2.0, -1.0]))
    for got, want in zip(found[:3], found[3:]):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_jacobian_and_hessian_by_scan(mode):
    """Rows of derivatives as programs for the original write them."""
    x = tt.dvector("x")
    y = x**2 * x.sum()
    rows, _ = theano.scan(lambda i, y, x: theano.grad(y[i], x), tt.arange(y.shape[0]), non_sequences=[y, x])
    gy = theano.grad(y.sum(), x)
    second, _ = theano.scan(lambda i, g, x: theano.grad(g[i], x), tt.arange(gy.shape[0]), non_sequences=[gy, x])
    found = theano.function([x], [rows, second], mode=mode)(X)
    np.testing.assert_allclose(found[0], np.diag(2 * X * X.sum()) + (X**2)[:, None])
    want = np.diag(np.full(5, 2 * X.sum())) + 2 * X[:, None] + 2 * X[None, :]
    np.testing.assert_allclose(found[1], want)


def test_nested(mode):
    def build(x, y, w):
        def outer(row, s, w):
            inner, _ = theano.scan(lambda v, u, p, w: tt.tanh(p * w + v * u), [row, y], s, w)
            return inner[-1]

        out, _ = theano.scan(outer, x, zero(), w)
        return out

    check(build, [M, H, 0.8], mode)


def test_nested_second_order(mode):
    x, w = tt.dmatrix("x"), tt.dscalar("w")

    def build(scan):
        def outer(row, s, w):
            return scan(lambda v, p, w: tt.sin(p * w + v), row, s, w)[-1]

        return scan(outer, x, zero(), w)[-1]

    by_loop = build(lambda f, seq, start, w: theano.scan(f, seq, start, w)[0])
    by_hand = build(lambda f, seq, start, w: written_out(f, [seq], [start], [w], 2)[0])
    results = [theano.grad(theano.grad(out, w), w) for out in (by_loop, by_hand)]
    a, b = theano.function([x, w], results, mode=mode)(M[:2, :2], 0.7)
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_gradient_taken_inside_a_step(mode):
    """Steepest descent on a cost, written as a loop, and differentiated by its starting point."""

    def build(start, a):
        out, _ = theano.scan(lambda p, a: p - 0.1 * theano.grad((a * p**4).sum(), p), outputs_info=start,
                             non_sequences=a, n_steps=5)  # fmt: skip
        return out[-1]

    check(build, [H, np.array([1.0, 0.5, 0.2])], mode)


def test_checkpoints(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    step = lambda v, s, w: tt.tanh(s * w + v)  # noqa: E731
    plain, _ = theano.scan(step, x, zero(), w)
    saved, _ = theano.scan_checkpoints(step, x, zero(), w, save_every_N=3)
    long = np.sin(np.arange(11.0))
    results = [theano.grad(out[-1], v) for out in (plain, saved) for v in (x, w)]
    found = theano.function([x, w], results, mode=mode)(long, 0.9)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-11)
    np.testing.assert_allclose(found[3], found[1], rtol=1e-11)


def test_states_of_integers_pass_nothing_on(mode):
    x, k = tt.dvector("x"), tt.lscalar("k")
    (_count, out), _ = theano.scan(lambda v, n: (n + 1, v * n), x, [k, None])
    gx, gk = theano.function([x, k], theano.grad(out.sum(), [x, k]), mode=mode)(X, 2)
    np.testing.assert_allclose(gx, [2, 3, 4, 5, 6])
    assert gk.dtype == np.float64 and gk == 0  # as through every expression whose values are integers


def test_float32_stays_float32(mode):
    x, w = tt.fvector("x"), tt.fscalar("w")
    out, _ = theano.scan(lambda v, s, w: tt.tanh(s * w + v), x, zero("float32"), w)
    grads = theano.grad(out.sum(), [x, w])
    assert [g.dtype for g in grads] == ["float32", "float32"]
    f32 = theano.function([x, w], grads, mode=mode)(X.astype("float32"), np.float32(0.5))
    x, w = tt.dvector("x"), tt.dscalar("w")
    out, _ = theano.scan(lambda v, s, w: tt.tanh(s * w + v), x, zero(), w)
    f64 = theano.function([x, w], theano.grad(out.sum(), [x, w]), mode=mode)(X, 0.5)
    for a, b in zip(f32, f64):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_undefined_gradients_are_reported():
    x = tt.dvector("x")
    out, _ = theano.scan(lambda v, s: s + theano.gradient.undefined_grad(v) * s, x, tt.constant(1.0, dtype="float64"))
    with pytest.raises(theano.gradient.NullTypeGradError):
        theano.grad(out[-1], x)


def test_disconnected_inside_a_step():
    x, w = tt.dvector("x"), tt.dscalar("w")
    out, _ = theano.scan(lambda v, w: v * theano.gradient.disconnected_grad(w), x, non_sequences=w)
    with pytest.raises(theano.gradient.DisconnectedInputError):
        theano.grad(out.sum(), w)
    np.testing.assert_allclose(theano.function([x, w], theano.grad(out.sum(), x))(X, 3.0), np.full(5, 3.0))


def test_wrt_a_variable_computed_outside(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    factor = tt.exp(w)
    out, _ = theano.scan(lambda v: v * factor, x)
    found = theano.function([x, w], theano.grad(out.sum(), [factor, w]), mode=mode)(X, 0.5)
    np.testing.assert_allclose(found, [X.sum(), X.sum() * np.exp(0.5)])


def test_gradient_graphs_pickle_and_merge(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    out, _ = theano.scan(lambda v, s, w: tt.tanh(s * w + v), x, zero(), w)
    g = theano.grad(out.sum(), w)
    x2, w2, g2 = pickle.loads(pickle.dumps((x, w, g)))
    a = theano.function([x, w], g, mode=mode)(X, 0.5)
    np.testing.assert_allclose(theano.function([x2, w2], g2, mode=mode)(X, 0.5), a)
    f = theano.function([x, w], [theano.grad(out.sum(), w), theano.grad(out.sum(), x)], mode=mode)
    np.testing.assert_allclose(f(X, 0.5)[0], a)


def test_the_backward_loop_keeps_no_history_of_what_it_sums():
    x, h, w = tt.dmatrix("x"), tt.dvector("h"), tt.dmatrix("w")
    out, _ = theano.scan(rnn, x, h, w)
    g = theano.grad(out[-1].sum(), w)
    info = g.owner.op.info
    assert (info.states, info.traced, info.carried) == (0, 1, 2)  # traced: the gradient by x


class Draw(theano.Op):
    """(the next state, a number drawn from it) of a generator held in a Generic: a tuple of one integer."""

    __props__ = ()

    def make_node(self, state, low):
        return theano.Apply(self, [state, low], [theano.generic(), tt.dscalar()])

    def perform(self, node, inputs, output_storage):
        ((seed,), low) = inputs
        output_storage[0][0] = ((seed * 5 + 3) % 64,)
        output_storage[1][0] = np.asarray(low + seed / 64)

    def L_op(self, inputs, outputs, gradients):
        return [theano.gradient.disconnected_type(), gradients[1]]

    def connection_pattern(self, node):
        return [[True, False], [False, True]]


def test_the_state_of_a_generator(mode):
    """What is drawn from an object that is carried: its values are traced for the gradient."""
    state = theano.shared((7,), "state")
    x, low = tt.dvector("x"), tt.dscalar("low")

    def step(v, s):
        new, drawn = Draw()(state, low)
        return tt.sin(s * drawn) + v * drawn, {state: new}

    out, updates = theano.scan(step, x, zero())
    f = theano.function([x, low], [out[-1], *theano.grad(out[-1], [x, low])], mode=mode, updates=updates)

    def value(x, low, seed=7):
        s = 0.0
        for v in x:
            drawn = low + seed / 64
            s, seed = np.sin(s * drawn) + v * drawn, (seed * 5 + 3) % 64
        return s, seed

    found, gx, glow = f(X, 0.2)
    np.testing.assert_allclose(found, value(X, 0.2)[0])
    e = 1e-6
    want = [(value(X + e * d, 0.2)[0] - value(X - e * d, 0.2)[0]) / (2 * e) for d in np.eye(5)]
    np.testing.assert_allclose(gx, want, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(glow, (value(X, 0.2 + e)[0] - value(X, 0.2 - e)[0]) / (2 * e), rtol=1e-7)
    assert state.get_value() == (value(X, 0.2)[1],)
    np.testing.assert_allclose(f(X, 0.2)[0], value(X, 0.2, value(X, 0.2)[1])[0])


def test_a_small_network_learns(mode):
    """Predict the running parity-like sum of a sequence: the error falls by more than half in forty steps."""
    rng = np.random.RandomState(3)
    inputs = rng.uniform(-1, 1, (12, 2))
    target = np.tanh(np.cumsum(inputs[:, 0] - inputs[:, 1]))
    w_in = theano.shared(rng.normal(0, 0.3, (2, 4)), "w_in")
    w_rec = theano.shared(rng.normal(0, 0.3, (4, 4)), "w_rec")
    w_out = theano.shared(rng.normal(0, 0.3, 4), "w_out")
    x, y = tt.dmatrix("x"), tt.dvector("y")
    states, _ = theano.scan(
        lambda row, h: tt.tanh(tt.dot(row, w_in) + tt.dot(h, w_rec)), x, tt.zeros((4,), "float64")
    )
    cost = ((tt.dot(states, w_out) - y) ** 2).mean()
    params = [w_in, w_rec, w_out]
    updates = [(p, p - 0.1 * g) for p, g in zip(params, theano.grad(cost, params))]
    train = theano.function([x, y], cost, updates=updates, mode=mode)
    costs = [float(train(inputs, target)) for _ in range(40)]
    assert costs[-1] < 0.5 * costs[0]
