"""Loops as part of native programs: what runs without Python, memory from step to step, lengths, interruption."""

import signal
import threading
import time
from _thread import interrupt_main

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.backends.native import loop_image
from theano.backends.native.loop_plan import Plan
from theano.backends.native.loop_registers import RegisterLoop
from theano.graph.op import Op
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan
from theano.lowering.program import LoopStep, PyCallStep
from theano.lowering.program_reference import run_program
from theano.lowering.verify import ProgramError, verify
from theano.scan_module import until

x, v, m, n = tt.dscalar("x"), tt.dvector("v"), tt.dmatrix("m"), tt.lscalar("n")
RNG = np.random.RandomState(7)
V, M = RNG.uniform(-1, 1, 6), RNG.uniform(-1, 1, (6, 4))


class Through(Op):
    """The input times two, by Python alone."""

    def make_node(self, a):
        return theano.graph.node.Apply(self, [a], [a.type()])

    def perform(self, node, inputs, output_storage):
        self.seen.append(inputs[0])
        output_storage[0][0] = np.asarray(inputs[0] * 2)

    def __init__(self):
        self.seen = []


def assert_same(got, expected, tolerance=1e-10):
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def loops_of(function):
    verify(function.program)
    return [step for step in function.program.all_steps() if isinstance(step, LoopStep)]


def scan(*args, **kwargs):
    return theano.scan(*args, return_list=True, **kwargs)[0]


def gru(rows, h, w):
    z = tt.nnet.sigmoid(rows + tt.dot(h, w))
    return z * h + (1 - z) * tt.tanh(tt.dot(h * z, w))


def shared_update():
    total = theano.shared(np.zeros(4), "total")
    out, updates = theano.scan(lambda r: (r * total, {total: total + r}), m)
    return [out, updates[total]]


W = theano.shared(RNG.uniform(-1, 1, (4, 4)), "W")


def number(value, dtype="float64"):
    return tt.constant(np.array(value, dtype))


one = number(1.0)

# name -> outputs of m (a matrix), v (a vector), x (a scalar) and n (a number of steps)
CASES = {
    "a state that is a number": lambda: scan(lambda u, s, w: tt.tanh(w * s + u), v, number(0.5), x),
    "no sequence": lambda: scan(lambda s: s * x + 1, None, one, n_steps=n),
    "nothing fed back": lambda: scan(lambda r: [r.sum(), tt.exp(r), r[1:]], m),
    "backwards": lambda: scan(lambda r, s: s + r, m, tt.zeros(4), go_backwards=True),
    "taps": lambda: scan(
        lambda a, b, s3, s1: a * s3 - b + s1, {"input": m, "taps": [-1, 1]}, {"initial": m[:3], "taps": [-3, -1]}
    ),
    "taps into turned rows": lambda: scan(
        lambda s2, s1: s2 - s1 * 0.5, None, {"initial": m.T[:, ::2], "taps": [-2, -1]}, n_steps=n
    ),
    "a long row for each step": lambda: scan(lambda s: s * 0.5, None, tt.repeat(v, 400), n_steps=n),
    "several states": lambda: scan(lambda r, a, b: [b + r, a * 0.5], m, [tt.zeros(4), tt.ones(4)]),
    "states that change places": lambda: scan(lambda a, b: [b, a], None, [m[0], m[1]], n_steps=n),
    "a state that stays": lambda: scan(lambda a: a, None, m[0], n_steps=n),
    "gru": lambda: scan(gru, m, tt.zeros(4), W),
    "gru, gradient": lambda: theano.grad((scan(gru, m, tt.zeros(4), W)[0] ** 2).sum(), [m, W]),
    "a power of a matrix": lambda: scan(lambda p: tt.dot(p, W), None, W, n_steps=n),
    "its gradient": lambda: [theano.grad(scan(lambda p: tt.dot(p, W), None, W, n_steps=n)[0][-1].sum(), W)],
    "truncated gradient": lambda: [
        theano.grad(scan(gru, m, tt.zeros(4), W, truncate_gradient=2)[0].sum(), W)
    ],
    "second derivative": lambda: [
        theano.grad(theano.grad(scan(lambda u, s: tt.sin(s * x + u), v, one)[0].sum(), x), x)
    ],
    "joins and parts of rows": lambda: scan(
        lambda r, s: tt.set_subtensor(tt.concatenate([r[:2], s[2:]])[1:3], r[2:]), m, tt.zeros(4)
    ),
    "a table read at computed places": lambda: scan(
        lambda k, s: s + m[k] * m[s.argmax()][k % 4], tt.arange(n), m[0]
    ),
    "lengths that depend on the step": lambda: scan(
        lambda k, s: s + v[:k].sum() + tt.arange(k).sum(), tt.arange(n), one
    ),
    "a reshape that copies": lambda: scan(lambda r, s: s + tt.reshape(tt.outer(r, s).T, (16,))[:4], m, tt.ones(4)),
    "the same in all steps": lambda: scan(lambda r: r + tt.exp(m).sum(axis=0) + tt.ones((4,)).cumsum(), m),
    "until": lambda: scan(lambda s: (s * 2, until(s > 50)), None, one, n_steps=1000),
    "until, many rows": lambda: scan(lambda r, s: (s + abs(r), until(s[0] > 40)), tt.tile(m, (30, 1)), tt.zeros(4)),
    "until, never": lambda: scan(lambda r, s: (s + r, until(s[0] > 1e9)), tt.tile(m, (9, 1)), tt.zeros(4)),
    "shared update": shared_update,
    "nested": lambda: scan(
        lambda r, s: scan(lambda u, t, c: tt.tanh(t + u * c), r, number(0.1), s.sum())[0][-1] + s, m, tt.ones(4)
    ),
    "nested, gradient": lambda: [theano.grad(scan(
        lambda r, s: scan(lambda u, t: tt.tanh(t + u * s), r, tt.zeros_like(s))[0][-1] + s, m, tt.ones(4)
    )[0].sum(), m)],
    "nested, lengths depend on the step": lambda: scan(
        lambda k, s: scan(lambda t: t * 0.5 + 1, None, s, n_steps=k + 1)[0][-1], tt.arange(n), one
    ),
    "python inside": lambda: scan(lambda r, s: Through()(r) + s + Through()(m).sum(), m, tt.zeros(4)),
    "a map of python": lambda: scan(Through(), m),
    "single precision": lambda: scan(
        lambda r, s: tt.cast(s + r, "float32"), tt.cast(m, "float32"), tt.zeros(4, dtype="float32")
    ),
    "integers and bools": lambda: scan(
        lambda k, a, b: [a + k, tt.eq(a % 2, 0)], tt.arange(n), [number(3, int), number(True, bool)]
    ),
}


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_reference(case, steps):
    outputs = CASES[case]()
    inputs = [m, v, x, n]
    values = [M, V, 0.7, steps]
    native = theano.function(inputs, outputs, on_unused_input="ignore")
    reference = theano.function(inputs, outputs, mode="reference", on_unused_input="ignore")
    assert loops_of(native)
    expected = reference(*values)
    for _ in range(2):
        assert_same(native(*values), expected, 1e-5 if case == "single precision" else 1e-10)
    assert_same(native(np.asfortranarray(M), V[::-1][::-1], 0.7, steps), expected, 1e-5)
    assert_same(run_program(native.program, M, V, np.array(0.7), np.array(steps)), expected, 1e-5)


def test_no_python_is_left():
    out = scan(gru, m, tt.zeros(4), W)[0]
    f = theano.function([m], [out, *theano.grad((out**2).sum(), [W])])
    assert len(loops_of(f)) == 2
    assert not [step for step in f.program.all_steps() if isinstance(step, PyCallStep)]


def test_only_the_op_without_native_code_calls_python():
    op = Through()
    f = theano.function([m], scan(lambda r, s: op(r) + tt.exp(s), m, tt.zeros(4)))
    (loop,) = loops_of(f)
    assert [type(s.nodes[0].op) for s in loop.body.steps if isinstance(s, PyCallStep)] == [Through]
    f(M)
    assert len(op.seen) == len(M)


def test_what_python_keeps_is_not_overwritten():
    op = Through()
    f = theano.function([m], scan(lambda r, s: op(tt.exp(r) + s), m, tt.zeros(4)))
    (got,) = f(M)
    before = [np.zeros(4), *got[:-1]]
    for kept, r, s in zip(op.seen, M, before, strict=True):
        np.testing.assert_allclose(kept, np.exp(r) + s)


def test_arguments_and_shared_values_stay_as_they_are():
    start = theano.shared(np.ones(4), "start")
    out = scan(lambda r, s: s * r, m, start)[0]
    f = theano.function([m], [out, out[-1]])
    given, kept = M.copy(), start.get_value()
    first = f(given)
    second = f(given * 2)
    assert np.array_equal(given, M) and np.array_equal(start.get_value(), kept)
    assert not np.shares_memory(first[0], second[0])
    np.testing.assert_allclose(first[0], np.cumprod(M, axis=0))


def test_no_steps():
    f = theano.function([m, n], scan(lambda r, s: [s + r, tt.outer(r, s)], m[:n], [tt.zeros(4), None]))
    rows, products = f(M, 0)
    assert rows.shape == (0, 4) and products.shape == (0, 4, 4)


def test_empty_rows():
    f = theano.function([m], scan(lambda r, s: [s + r, r.sum()], m, [tt.zeros_like(m[0]), None]))
    rows, sums = f(np.zeros((3, 0)))
    assert rows.shape == (3, 0) and np.array_equal(sums, np.zeros(3))


def carried_loop(step, *kinds):
    """A Scan which keeps last values only: (function of the first values and the number of steps)"""
    inner = [kind() for kind in kinds]
    outer = [kind() for kind in kinds]
    op = Scan(inner, step(*inner), ScanLayout(carried=len(kinds)))
    return theano.function([*outer, n], op(n, *outer, return_list=True))


def test_carried_values_may_change_their_lengths():
    f = carried_loop(lambda a, b: [tt.concatenate([a, b[:1]]), b * 2], tt.dvector, tt.dvector)
    longer, last = f([1.0], [3.0, 4.0], 3)
    np.testing.assert_array_equal(longer, [1, 3, 6, 12])
    np.testing.assert_array_equal(last, [24, 32])


def test_carried_values_that_cross_over():
    f = carried_loop(lambda a, b, c: [b.T, a.T + c, tt.dot(a, b)], tt.dmatrix, tt.dmatrix, tt.dmatrix)
    values = [RNG.uniform(-1, 1, (3, 3)) for _ in range(3)]
    a, b, c = values
    for _ in range(7):
        a, b, c = b.T, a.T + c, a @ b
    assert_same(f(*values, 7), [a, b, c])


def test_large_rows():
    wide = np.linspace(-1, 1, 600_000)
    f = theano.function([v, n], scan(
        lambda a, b: [tt.exp(-abs(a[::-1])) + b.sum() / 1e6, tt.concatenate([b[1:], a[:1]])], None, [v, v * 2],
        n_steps=n,
    ))  # fmt: skip
    a, b = wide, wide * 2
    for got_a, got_b in zip(*f(wide, 4)):
        a, b = np.exp(-abs(a[::-1])) + b.sum() / 1e6, np.concatenate([b[1:], a[:1]])
        np.testing.assert_allclose(got_a, a, rtol=1e-12)
        np.testing.assert_allclose(got_b, b, rtol=1e-12)


def test_results_own_their_memory():
    f = carried_loop(lambda a, b: [a + b, a * 1], tt.dvector, tt.dvector)
    a, b = f([1.0, 2.0], [1.0, 1.0], 2)
    assert a.flags.owndata and b.flags.owndata and not np.shares_memory(a, b)
    np.testing.assert_array_equal(a, [3, 5])


BODIES = {
    "a number": (lambda a: [a * 0.999 + 1], np.array(0.0)),
    "a vector": (lambda a: [a * 0.999 + 1], np.zeros(50)),
    "a product": (lambda a: [tt.dot(np.eye(4), a)], np.zeros(4)),
    "long steps": (lambda a: [tt.exp(a)], np.zeros(10**6)),
    "python": (lambda a: [Op2()(a)], np.zeros(4)),
}


class Op2(Through):
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] / 2


@pytest.fixture
def hears_interruptions():
    """Also where a shell started this process in the background, deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("case", BODIES)
def test_a_long_loop_can_be_interrupted(case, hears_interruptions):
    step, start = BODIES[case]
    f = carried_loop(step, lambda: tt.TensorType("float64", (None,) * start.ndim)())
    f(start, 3)
    threading.Timer(0.1, interrupt_main).start()
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        f(start, 10**11)
    assert time.perf_counter() - began < 20  # a year, if nobody looked


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the system's timers")
@pytest.mark.parametrize("case", [case for case in BODIES if case != "python"])
def test_what_the_handler_of_a_signal_raises_is_raised(case):
    step, start = BODIES[case]
    f = carried_loop(step, lambda: tt.TensorType("float64", (None,) * start.ndim)())
    f(start, 3)

    def handler(number, frame):
        raise TimeoutError("enough")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError, match=r"^enough$"):
            f(start, 10**11)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class FailsOnce(Through):
    def perform(self, node, inputs, output_storage):
        if FAILURES:
            raise FAILURES.pop()
        super().perform(node, inputs, output_storage)


FAILURES = []


def test_what_an_op_raises_only_once_is_not_lost():
    f = carried_loop(lambda a: [FailsOnce()(a)], tt.dscalar)
    FAILURES.append(TimeoutError("enough"))
    with pytest.raises(TimeoutError, match="enough"):
        f(1.0, 3)
    assert f(1.0, 3)[0] == 8.0


@pytest.mark.parametrize("case", ["a number", "a vector"])
def test_other_threads_work_meanwhile(case):
    step, start = BODIES[case]
    f = carried_loop(step, lambda: tt.TensorType("float64", (None,) * start.ndim)())
    for steps in (5 * 10**6, 5 * 10**7, 5 * 10**8):
        seen = []
        worker = threading.Thread(target=lambda steps=steps, seen=seen: (f(start, steps), seen.append("done")))
        worker.start()
        ticks = 0
        while worker.is_alive():
            time.sleep(0.001)
            ticks += 1
        assert seen
        if ticks > 1:
            return
        # a busy machine may not have let this thread run; a loop that takes longer does
    pytest.fail("no other thread has run while the loop did")


def test_one_function_in_several_threads():
    f = theano.function([m, n], scan(gru, tt.tile(m, (n, 1)), tt.zeros(4), W)[0])
    expected = f(M, 40)
    wrong = []

    def work():
        for _ in range(20):
            if not np.array_equal(f(M, 40), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_failing_step_leaves_shared_values():
    total = theano.shared(np.zeros(()), "total")
    index = tt.lvector("index")
    out, updates = theano.scan(lambda k: (v[k], {total: total + v[k]}), index)
    f = theano.function([v, index], out, updates=updates)
    with pytest.raises(IndexError, match=r"step 2 .counted from 0."):
        f(V, [0, 1, 77, 2])
    assert total.get_value() == 0
    f(V, [0, 1])
    assert total.get_value() == V[0] + V[1]


def test_an_error_of_python_inside_names_the_step():
    class Fails(Through):
        def perform(self, node, inputs, output_storage):
            if inputs[0][0] > 3:
                raise RuntimeError("too much")
            super().perform(node, inputs, output_storage)

    f = theano.function([v], scan(lambda s: Fails()(s), None, v, n_steps=5))
    with pytest.raises(RuntimeError, match=r"(?s)too much.*step 2 .counted from 0."):
        f([1.0])


def test_a_loop_with_a_mode_of_its_own():
    out, _ = theano.scan(lambda r: r * 2, m, mode="reference")
    f = theano.function([m], out)
    assert not loops_of(f)
    np.testing.assert_array_equal(f(M), M * 2)


def test_a_body_that_does_not_fit_is_refused():
    f = theano.function([m], scan(lambda r, s: s + r, m, tt.zeros(4)))
    (loop,) = loops_of(f)
    loop.body.outputs.clear()
    with pytest.raises(ProgramError, match="the body makes"):
        verify(f.program)


# ---- loops whose steps are gone over by machine code, with the state in registers


def elementwise_loop(seed):
    """(a loop of random elementwise steps over n points, its arguments except n_steps)"""
    rng = np.random.RandomState(seed)
    ndim = int(rng.randint(3))
    shape = tuple(rng.randint(1, 7, ndim)) if seed % 5 else (int(rng.randint(8, 70)),) * (ndim > 0) + (1,) * (ndim == 2)
    dtype = ["float64", "float32"][int(rng.randint(2))]
    taps = [tuple(sorted(rng.choice(range(-3, 0), rng.randint(1, 4), replace=False).tolist())) for _ in range(2)]
    taps = taps[: int(rng.randint(0, 3))]
    carried, sequences, traced = int(rng.randint(0 if taps else 1, 3)), int(rng.randint(3)), int(rng.randint(2))
    kind = tt.TensorType(dtype, (None,) * ndim)
    number = tt.TensorType(dtype, ())
    counter = tt.TensorType("int64", ())
    rows = [kind() if k % 2 == 0 else number() for k in range(sequences)]
    states = [[kind() for _ in t] for t in taps]
    held = [kind() for _ in range(carried)]
    others = [number(), kind()]
    seen = [*rows, *(v for group in states for v in group), *held, *others]

    def mixed():
        a, b, c = (seen[k] for k in rng.randint(len(seen), size=3))
        made = [tt.tanh(a * 0.5 + b), a * b - c, tt.switch(a > b, c, a * 0.5), tt.exp(-abs(a)) + b * 0.25]
        # every result has the shape of a row
        return tt.cast(made[int(rng.randint(4))] + others[1] * 0.125, dtype)

    outputs = [mixed() for _ in range(len(taps) + traced + carried)]
    layout = ScanLayout(sequences, tuple(taps), traced, carried)
    steps = int(rng.randint(2, 9))
    shapes = [(steps, *shape) if k % 2 == 0 else (steps,) for k in range(sequences)]
    shapes += [(-min(t), *shape) for t in taps] + [shape] * carried + [(), shape]
    values = [rng.uniform(-1, 1, s).astype(dtype) for s in shapes]
    op = Scan([*rows, *(v for group in states for v in group), *held, *others], outputs, layout)
    return op, values, steps, counter


@pytest.mark.parametrize("ways", ["of this machine", "whole vectors and single points"])
@pytest.mark.parametrize("seed", range(60))
def test_elementwise_steps_agree_with_the_reference(seed, ways, monkeypatch):
    if ways != "of this machine":
        monkeypatch.setattr(RegisterLoop, "ways", lambda self: ("whole", "single") if self.rank else ("single",))
    op, values, steps, counter = elementwise_loop(seed)
    variables = [tt.TensorType(v.dtype.name, (None,) * v.ndim)() for v in values]
    count = counter()
    outputs = op(count, *variables, return_list=True)
    native = theano.function([count, *variables], outputs, on_unused_input="ignore")
    reference = theano.function([count, *variables], outputs, mode="reference", on_unused_input="ignore")
    expected = reference(steps, *values)
    assert_same(native(steps, *values), expected, 1e-4 if values[0].dtype == "float32" else 1e-12)
    turned = [np.asfortranarray(v) if v.ndim else v for v in values]
    assert_same(native(steps, *turned), expected, 1e-4 if values[0].dtype == "float32" else 1e-12)


def registers(function):
    return [RegisterLoop(loop, Plan(loop)) for loop in loops_of(function)]


def test_elementwise_loops_are_recognised():
    f = theano.function([v, x], scan(lambda u, s, w: tt.tanh(w * s + u), v, number(0.5), x))
    assert [r.fits for r in registers(f)] == [True]
    f = theano.function([m], scan(lambda r, s: r + s.sum(), m, tt.zeros(4)))
    assert [r.fits for r in registers(f)] == [True]


def test_the_same_bits_as_step_by_step(monkeypatch):
    outputs = scan(lambda r, s2, s1: tt.tanh(s1 * 1.5 + r) - tt.exp(s2), m, {"initial": m[:2], "taps": [-2, -1]})
    fast = theano.function([m], outputs)
    monkeypatch.setattr(RegisterLoop, "code", lambda self, optimize: (0, 0))
    monkeypatch.setattr(loop_image, "place_words", lambda loop, offset: [])
    slow = theano.function([m], outputs)
    wide = RNG.uniform(-1, 1, (50, 13))
    assert np.array_equal(fast(wide), slow(wide))


@pytest.mark.parametrize("last", [0, 1, 14, 15, 16, 17, 31, 32, 33, 200])
def test_until_in_registers(last):
    out, _ = theano.scan(lambda k, s: ([s + k, k * 2], until(tt.eq(k, last))), tt.arange(n), [number(0, int), None])
    f = theano.function([n], out)
    assert [r.fits for r in registers(f)] == [True]
    sums, doubled = f(150)
    made = min(last + 1, 150)
    np.testing.assert_array_equal(sums, np.arange(made).cumsum())
    np.testing.assert_array_equal(doubled, 2 * np.arange(made))


def test_a_gradient_goes_over_the_forward_steps_once():
    """Two states that begin alike, and a gradient that needs what was in between."""
    w = theano.shared(RNG.uniform(-1, 1, (4, 16)), "w")

    def step(r, h, c):
        gates = [tt.dot(h, w)[k * 4 : k * 4 + 4] for k in range(4)]
        c = tt.nnet.sigmoid(gates[0]) * c + tt.nnet.sigmoid(gates[1] + r) * tt.tanh(gates[2])
        return tt.nnet.sigmoid(gates[3]) * tt.tanh(c), c

    start = tt.zeros(4)
    h, _ = scan(step, m, [start, start])
    f = theano.function([m], theano.grad((h[-1] ** 2).sum(), [m, w]))
    assert [step.layout.states for step in loops_of(f)] == [2, 0]
    reference = theano.function([m], theano.grad((h[-1] ** 2).sum(), [m, w]), mode="reference")
    assert_same(f(M), reference(M))


def test_the_last_row_of_a_loop_is_taken_without_python():
    f = theano.function([v, n], scan(lambda s: s * 0.5, None, v, n_steps=n)[0][-1])
    assert not [step for step in f.program.all_steps() if isinstance(step, PyCallStep)]
    np.testing.assert_array_equal(f(V, 2), V / 4)
    with pytest.raises(IndexError, match="length 0"):
        f(V, 0)
