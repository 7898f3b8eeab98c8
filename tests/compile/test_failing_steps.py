"""Errors of long loops: the text is that of the reference backend, which runs the step that fails and no other."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile import failing_steps
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.loops.scan_op import Scan
from theano.scan_module import until

MANY = 3000
at, table, v, x = tt.lvector("at"), tt.dvector("table"), tt.dvector("v"), tt.dscalar("x")
VALUES = np.arange(1.0, 7.0)


class Refuses(Op):
    """The input, unless it is negative: by Python."""

    def make_node(self, a):
        return Apply(self, [a], [a.type()])

    def perform(self, node, inputs, output_storage):
        if inputs[0] < 0:
            raise ValueError(f"{inputs[0]} is negative")
        output_storage[0][0] = np.asarray(inputs[0])


@pytest.fixture
def only_one_step(monkeypatch):
    """The reference backend never runs a loop."""

    def perform(self, node, inputs, output_storage):
        raise AssertionError("a loop was run step by step")

    monkeypatch.setattr(Scan, "perform", perform)


def places(step, wrong=9, count=MANY):
    found = np.random.RandomState(step).randint(-6, 6, count)
    found[step] = wrong
    return found


def text_of(function, *arguments):
    with pytest.raises(Exception) as caught:
        function(*arguments)
    return type(caught.value), str(caught.value)


def one_tap():
    return theano.scan(lambda i, s, table: s * 0.5 + table[i], at, v, table)[0]


def two_taps():
    start = {"initial": v, "taps": [-3, -1]}
    return theano.scan(lambda i, far, near, table: far * 0.5 + near * 0.25 + table[i], at, start, table)[0]


def last_only():
    return theano.scan(lambda i, s, table: s * 0.5 + table[i], at, v[0], table)[0][-1]


def without_state():
    return theano.scan(lambda i, table: table[i] * tt.ones((2,))[tt.cast(table[i] > 99, "int64")], at, None, table)[0]


def until_it_is_large():
    def step(i, s, table):
        new = s + abs(table[i])
        return new, until(new > 1e9)

    return theano.scan(step, at, v[0], table)[0]


def after_another_loop():
    first, _ = theano.scan(lambda i, s: s * 0.5 + i, at, v[0])
    return theano.scan(lambda i, f, s, table: s * 0.5 + table[i] * f, [at, first], v[0], table)[0]


def python_inside():
    return theano.scan(lambda i, s, table: Refuses()(table[i] + 0 * s), at, v[0], table)[0]


LOOPS = [one_tap, two_taps, last_only, without_state, until_it_is_large, after_another_loop, python_inside]


@pytest.mark.parametrize("step", [0, 1, 2, 1500, MANY - 1])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_the_text_is_the_same(loop, step, monkeypatch):
    function = theano.function([table, at, v], loop(), on_unused_input="ignore")
    arguments = VALUES, places(step), np.ones(3)
    if loop is python_inside:
        # two of the values are good ones at any place that comes up
        arguments = np.append(VALUES, -1.0), np.where(np.arange(MANY) == step, 6, 2), np.ones(3)
    with monkeypatch.context() as patch:
        patch.setattr(failing_steps, "MANY", 10**9)
        expected = text_of(function, *arguments)
    assert f"In step {step} (counted from 0)" in expected[1]
    assert text_of(function, *arguments) == expected


@pytest.mark.parametrize("loop", [one_tap, two_taps, last_only, until_it_is_large, after_another_loop])
def test_no_other_step_is_run(loop, only_one_step):
    function = theano.function([table, at, v], loop(), on_unused_input="ignore")
    kind, text = text_of(function, VALUES, places(2345), np.ones(3))
    assert kind is IndexError
    assert text.startswith("index 9 is out of bounds for axis 0 with size 6\nIn step 2345 ")


def test_a_loop_in_a_loop():
    rows = tt.lmatrix("rows")

    def row(places, total, table):
        sums, _ = theano.scan(lambda i, s, table: s * 0.5 + table[i], places, total, table)
        return sums[-1]

    out, _ = theano.scan(row, rows, tt.zeros((), "float64"), table)
    function = theano.function([rows, table], out)
    wrong = np.zeros((MANY, 3), int)
    wrong[2222, 1] = 7
    kind, text = text_of(function, wrong, VALUES)
    assert kind is IndexError
    assert "In step 1 (counted from 0)" in text and "In step 2222 (counted from 0)" in text


def test_rows_that_change_their_lengths(monkeypatch):
    n = tt.lvector("n")
    out, _ = theano.scan(lambda k, s: (s + 1, tt.arange(k) * s), n, [tt.zeros((), "int64"), None])
    function = theano.function([n], out)
    lengths = np.full(MANY, 4)
    lengths[2100] = 5
    kind, text = text_of(function, lengths)
    assert kind is ValueError and "(5,)" in text and "In step 2100 " in text


def test_shared_variables_stay():
    state = theano.shared(np.zeros(3))
    function = theano.function([table, at], [], updates=[(state, theano.scan(
        lambda i, s, table: s * 0.5 + table[i], at, state, table)[0][-1])])  # fmt: skip
    assert text_of(function, VALUES, places(2999))[0] is IndexError
    np.testing.assert_array_equal(state.get_value(), 0)
