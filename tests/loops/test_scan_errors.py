"""What goes wrong with loops: while they are built, and while they run. Texts name the step and the user's line."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.errors import LoopStateError
from theano.scan_module import until

x, m, n, i = tt.dvector("x"), tt.dmatrix("m"), tt.lscalar("n"), tt.lvector("i")
zero = tt.constant(0, dtype="float64")
zero32 = tt.constant(0, dtype="float32")
count = theano.shared(np.array(0), "count")

BUILDING = {
    "no steps": (lambda: theano.scan(lambda: 1), ValueError, "No information about the number of steps"),
    "negative steps": (lambda: theano.scan(lambda s: s, outputs_info=zero, n_steps=-2), ValueError, "go_backwards"),
    "steps no integer": (lambda: theano.scan(lambda s: s, outputs_info=zero, n_steps=2.0), TypeError, "n_steps"),
    "steps a float": (lambda: theano.scan(lambda s: s, outputs_info=zero, n_steps=tt.dscalar()), TypeError, "integer"),
    "steps a vector": (lambda: theano.scan(lambda s: s, outputs_info=zero, n_steps=i), TypeError, "0-d integer"),
    "sequence a scalar": (lambda: theano.scan(lambda v: v, tt.dscalar("s")), TypeError, "sequence 0, s, has no axis"),
    "sequence keys": (lambda: theano.scan(lambda v: v, {"inputs": x}), ValueError, "'input'"),
    "sequence taps": (lambda: theano.scan(lambda v: v, {"input": x, "taps": ["a"]}), TypeError, "taps must be int"),
    "output keys": (lambda: theano.scan(lambda s: s, x, {"start": zero}), ValueError, r"unknown keys \['start'\]"),
    "taps without initial": (lambda: theano.scan(lambda s: s, x, {"taps": [-1]}), ValueError, "no 'initial'"),
    "future taps": (
        lambda: theano.scan(lambda v, s: s, x, {"initial": zero, "taps": [0]}), ValueError, "must be negative"
    ),
    "taps twice": (
        lambda: theano.scan(lambda v, a, b: a, x, {"initial": x, "taps": [-1, -1]}), ValueError, "given twice"
    ),
    "initial of taps a scalar": (
        lambda: theano.scan(lambda v, s: s, x, {"initial": zero, "taps": [-2]}), ValueError, "must have an axis"
    ),
    "initial too short": (
        lambda: theano.scan(lambda v, s: s, x, {"initial": tt.zeros((2,)), "taps": [-3]}), ValueError, "2 rows.*need 3"
    ),
    "dtype of a state": (
        lambda: theano.scan(lambda v, s: s + v, x, zero32), LoopStateError,
        r"(?s)dtype float32.*has dtype float64.*test_scan_errors.py",
    ),
    "dtype narrowed": (
        lambda: theano.scan(lambda v, s: (s + v).astype("float32"), x, zero), TypeError, "dtype float64.*float32"
    ),
    "dtype of a state, caught as the original's": (
        lambda: theano.scan(lambda v, s: s + v, x, zero32), ValueError, "must keep its dtype"
    ),
    "rank of a state": (lambda: theano.scan(lambda v, s: s + m, x, zero), LoopStateError, "0 axes.*result.*has 2"),
    "lengths of a state": (
        lambda: theano.scan(lambda v, s: tt.zeros((4,), "float64"), x, tt.zeros((3,), "float64")), LoopStateError,
        r"shape \(3,\).*\(4,\)",
    ),
    "number of outputs": (
        lambda: theano.scan(lambda v, s: (s, v), x, zero), ValueError, "2 outputs.*1 entries.*None"
    ),
    "outputs missing": (lambda: theano.scan(lambda v: None, x, [None]), ValueError, "0 outputs.*1 entries"),
    "returned something": (lambda: theano.scan(lambda v: "text", x), ValueError, "cannot make out"),
    "returned None inside": (lambda: theano.scan(lambda v: [v, None], x), ValueError, "cannot make out"),
    "update of what is not shared": (lambda: theano.scan(lambda v: {v: v}, x), TypeError, "shared variable"),
    "update of another type": (lambda: theano.scan(lambda v: {count: v}, x), LoopStateError, "shared variable count"),
    "until of a vector": (lambda: theano.scan(lambda v: (v, until(x > 0)), x), TypeError, "scalar condition"),
    "until first": (lambda: theano.scan(lambda v: (until(v > 0), v), x), ValueError, "last result"),
    "truncation": (lambda: theano.scan(lambda v: v, x, truncate_gradient=0), ValueError, "truncate_gradient"),
    "no function": (lambda: theano.scan(x, x), TypeError, "fn must be a function"),
    "checkpoints without states": (lambda: theano.scan_checkpoints(lambda v: v, x), ValueError, "outputs_info"),
    "checkpoints with taps": (
        lambda: theano.scan_checkpoints(lambda v, s: s, {"input": x, "taps": [-1]}, zero), ValueError, "taps"
    ),
    "checkpoints every 0": (
        lambda: theano.scan_checkpoints(lambda v, s: s, x, zero, save_every_N=0), ValueError, "positive"
    ),
}


@pytest.mark.parametrize("case", BUILDING)
def test_refused_while_it_is_built(case):
    build, kind, text = BUILDING[case]
    with pytest.raises(kind, match=text):
        build()


def failing(outputs, inputs, values, kind, mode):
    f = theano.function(inputs, outputs, mode=mode)
    with pytest.raises(kind) as caught:
        f(*values)
    text = str(caught.value)
    assert len(text.splitlines()) <= 25
    assert "test_scan_errors.py" in text
    return text, f


def test_an_index_out_of_range_names_step_and_line(mode):
    out, _ = theano.scan(lambda k, v: v[k] * 2, i, non_sequences=x)
    text, f = failing(out, [i, x], [np.array([0, 1, 7]), np.ones(3)], IndexError, mode)
    assert text.startswith("index 7 is out of bounds for axis 0 with size 3")
    assert "In step 2 (counted from 0) of for{scan_fn}, which has 3" in text
    assert "lambda k, v: v[k] * 2" in text
    assert f(np.array([0, 1]), np.ones(3)).tolist() == [2, 2]


def test_mismatched_shapes_inside_a_step(mode):
    w = tt.dmatrix("w")
    out, _ = theano.scan(lambda row, h: tt.tanh(tt.dot(h, w) + row), m, tt.zeros((3,), "float64"), name="rnn")
    text, _ = failing(out, [m, w], [np.ones((4, 3)), np.ones((3, 2))], ValueError, mode)
    assert "In step 0 (counted from 0) of for{rnn}, which has 4" in text
    assert "Elemwise{add} on (float64(2,), float64(3,))" in text


def test_a_step_in_a_nested_loop(mode):
    def outer(row):
        inner, _ = theano.scan(lambda k: x[k], tt.cast(row, "int64"), name="inner")
        return inner.sum()

    out, _ = theano.scan(outer, m, name="outer")
    text, _ = failing(out, [m, x], [np.array([[0, 1.0], [1, 9]]), np.ones(2)], IndexError, mode)
    assert "In step 1 (counted from 0) of for{outer}, which has 2" in text
    assert "In step 1 (counted from 0) of for{inner}, which has 2" in text


def test_a_failing_gradient_names_the_loop(mode):
    w = tt.dvector("w")
    out, _ = theano.scan(lambda v, s: s * v + w, x, tt.zeros((3,), "float64"))
    failing(theano.grad(out.sum(), w), [x, w], [np.ones(2), np.ones(2)], ValueError, mode)


@pytest.mark.parametrize("used", ["values", "shape"])
def test_a_sequence_shorter_than_n_steps(used, mode):
    out, _ = theano.scan(lambda v: v * 2, x, n_steps=n)
    text, f = failing(out if used == "values" else out.shape[0], [x, n], [np.ones(3), 5], ValueError, mode)
    assert "3" in text and "5" in text
    assert np.size(f(np.ones(5), 5)) == (5 if used == "values" else 1)


def test_a_constant_number_of_steps_and_a_short_sequence(mode):
    for steps in (1, 4):
        out, _ = theano.scan(lambda v: v * 2, x, n_steps=steps)
        f = theano.function([x], out, mode=mode)
        with pytest.raises((ValueError, IndexError)):
            f(np.ones(steps - 1))


def test_negative_steps_when_run(mode):
    out, _ = theano.scan(lambda s: s + 1, outputs_info=zero, n_steps=n)
    text, _ = failing(out, [n], [-1], ValueError, mode)
    assert "must not be negative, got -1" in text


def test_a_state_that_changes_its_shape(mode):
    out, _ = theano.scan(lambda s: tt.concatenate([s, s]), outputs_info=x, n_steps=3)
    text, _ = failing(out, [x], [np.ones(3)], ValueError, mode)
    assert "state 0" in text and "(6,)" in text and "(3,)" in text and "In step 0" in text


def test_a_result_that_changes_its_shape(mode):
    out, _ = theano.scan(lambda k: tt.zeros((k,), "float64"), i)
    text, _ = failing(out, [i], [np.array([2, 2, 3])], ValueError, mode)
    assert "In step 2" in text and "(3,)" in text and "(2,)" in text


def test_too_few_initial_rows_when_run(mode):
    out, _ = theano.scan(lambda a: a, outputs_info={"initial": x, "taps": [-3]}, n_steps=2)
    text, _ = failing(out, [x], [np.ones(2)], ValueError, mode)
    assert "2 rows" in text and "[-3]" in text


def test_checkpoints_that_do_not_divide(mode):
    out, _ = theano.scan_checkpoints(lambda v, s: s + v, x, zero, save_every_N=5, padding=False)
    f = theano.function([x], out[-1], mode=mode)
    assert f(np.ones(10)) == 10
    with pytest.raises(ValueError):
        f(np.ones(11))


def test_nothing_is_stored_when_a_step_fails(mode):
    total = theano.shared(np.array(1.0), "total")
    out, updates = theano.scan(lambda k: (x[k], {total: total + 1}), i)
    f = theano.function([i, x], out, updates=updates, mode=mode)
    with pytest.raises(IndexError):
        f(np.array([0, 5]), np.ones(2))
    assert total.get_value() == 1.0
    f(np.array([0, 1]), np.ones(2))
    assert total.get_value() == 3.0


def test_an_error_of_a_users_op_keeps_its_class(mode):
    class Refused(RuntimeError):
        pass

    @theano.as_op(itypes=[tt.dscalar], otypes=[tt.dscalar])
    def picky(v):
        if v > 1:
            raise Refused("too large")
        return np.asarray(v)

    out, _ = theano.scan(lambda v: picky(v), x)
    f = theano.function([x], out, mode=mode)
    assert f(np.zeros(2)).tolist() == [0, 0]
    with pytest.raises(Refused, match="too large"):
        f(np.array([0.0, 2.0]))


def test_what_is_known_is_said_when_the_loop_is_built():
    x, s, known = tt.dvector("x"), tt.dscalar("s"), tt.TensorType("float64", (3,))("known")
    shared = theano.shared(0.0, "shared")
    with pytest.raises(ValueError, match="scan: sequence 0, known, has 3 rows for 5 steps"):
        theano.scan(lambda v: v, known, n_steps=5)
    with pytest.raises(ValueError, match=r"loop: xs\[1\], known, has 3 rows for 5 steps"):
        theano.loop(lambda c, v: (c, v[1]), 0.0, (x, known), n_steps=5)
    with pytest.raises(ValueError, match="updates shared twice"):
        theano.scan(lambda v: (v, [(shared, v), (shared, 2 * v)]), x)
    with pytest.raises(TypeError, match=r"called with 2 arguments \(x\[t\], s\[t-1\]\), which it does not take"):
        theano.scan(lambda v: v, x, s)
    with pytest.raises(TypeError, match=r"called with 1 arguments \(x\[t\]\), which it does not take: missing"):
        theano.reduce(lambda v, total: v + total, x, None)
    with pytest.raises(TypeError, match=r"loop: step .* called with 2 arguments \(s\[t\], x\[t\]\)"):
        theano.loop(lambda c: (c, None), s, x)
    with pytest.raises(TypeError, match=r"loop: step .* called with 1 arguments \(s\[t\]\)"):
        theano.loop(lambda c, v: (c, None), s, n_steps=3)
    with pytest.raises(TypeError, match=r"loop: n_steps must be an integer, got 2\.5"):
        theano.loop(lambda c: (c, None), s, n_steps=2.5)
    with pytest.raises(ValueError, match=r"while_loop: max_steps must not be negative, got -1\.$"):
        theano.while_loop(lambda c: c < 5, lambda c: c + 1, s, max_steps=-1)
    with pytest.raises(TypeError, match=r"condition must give a number.*returned None"):
        theano.while_loop(lambda c: None, lambda c: c, s)
    with pytest.raises(TypeError, match="while_loop: condition must be a function of the state, got 3"):
        theano.while_loop(3, lambda c: c, s)
    with pytest.raises(TypeError, match="while_loop: body must be a function of the state, got 3"):
        theano.while_loop(lambda c: c < 3, 3, s)


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
def test_lengths_and_numbers_of_steps_that_do_not_fit(mode):
    """Whatever becomes of the loop, the error names it, both lengths, and what to do."""
    x, n = tt.dvector("x"), tt.lscalar("n")
    rows, _ = theano.scan(lambda v: v * 2, x, n_steps=n)
    last, _ = theano.foldl(lambda v, t: t * 0.5 + v, x, tt.zeros((), "float64"))
    states, _ = theano.scan(lambda v, t: t * 0.5 + v, x, tt.zeros((), "float64"), n_steps=n)
    for out in (rows, states):
        f = theano.function([x, n], out, mode=mode)
        assert len(f(np.ones(3), 2)) == 2
        with pytest.raises(ValueError, match=r"for\{scan_fn\}: .*3.* 5 .*[gG]ive longer sequences, or fewer n_steps"):
            f(np.ones(3), 5)
        with pytest.raises(ValueError, match=r"for\{scan_fn\}: .*negative.* -2"):
            f(np.ones(3), -2)
    with pytest.raises(ValueError, match=r"sequence 0 \(x\) has 3 rows for 5 steps"):
        theano.function([x, n], states, mode=mode)(np.ones(3), 5)
    assert theano.function([x], last, mode=mode)([]) == 0
