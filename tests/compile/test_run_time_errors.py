"""Bad data at run time: the natural exception, the user's own line, one remedy, few lines, and nothing changed.

Each case is one line of this file that builds the failing node, marked `# here`, so that the message must show it.
"""

import os
import traceback

import numpy as np
import pytest

import theano
import theano.tensor as tt

HERE = os.path.abspath(__file__)
x, y = tt.dvectors("x", "y")
m, n = tt.dmatrices("m", "n")
i = tt.lscalar("i")
idx = tt.lvector("idx")
shape = tt.lvector("shape")

WIDE = np.ones((2, 3))

# name: (inputs, expression, exception, bad arguments, good arguments, text that the message must have)
CASES = {
    "elementwise": ([x, y], x + y, ValueError, ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0], [2.0]), "x + y"),
    "after fusion": (
        [x, y],
        tt.exp(tt.tanh(x) * y) + 1,  # the line of the product
        ValueError, ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0], [2.0]), "tt.tanh(x) * y",
    ),
    "run-time one": ([m, n], m * n, ValueError, (np.ones((1, 3)), WIDE), (WIDE, WIDE), "m * n"),
    "dot": ([m, n], tt.dot(m, n), ValueError, (WIDE, WIDE), (np.ones((2, 2)),) * 2, "tt.dot(m, n)"),
    "dot of vectors": ([x, y], tt.dot(x, y), ValueError, ([1.0], [1.0, 2.0]), ([1.0], [2.0]), "tt.dot(x, y)"),
    "join": ([m, n], tt.join(0, m, n), ValueError, (np.eye(2), WIDE), (np.eye(2), np.eye(2)), "tt.join(0, m, n)"),
    "reshape": ([x], x.reshape((2, 3)), ValueError, (np.ones(5),), (np.ones(6),), "x.reshape((2, 3))"),
    "reshape with -1": ([x], x.reshape((-1, 2)), ValueError, (np.ones(5),), (np.ones(6),), "x.reshape((-1, 2))"),
    "index": ([x, i], x[i], IndexError, (np.ones(3), 3), (np.ones(3), 2), "x[i]"),
    "negative index": ([x, i], x[i], IndexError, (np.ones(3), -4), (np.ones(3), -3), "x[i]"),
    "gather": ([x, idx], x[idx], IndexError, (np.ones(3), [0, 3]), (np.ones(3), [0, -1]), "x[idx]"),
    "gather twice": ([m, idx], m[idx, idx], IndexError, (np.eye(3), [-4]), (np.eye(3), [1]), "m[idx, idx]"),
    "set": (
        [x, y], tt.set_subtensor(x[1:3], y), ValueError,
        (np.ones(5), np.ones(3)), (np.ones(5), np.ones(2)), "x[1:3], y",
    ),
    "increment by index": (
        [x, idx, y], tt.inc_subtensor(x[idx], y), IndexError,
        (np.ones(3), [5], [1.0]), (np.ones(3), [2], [1.0]), "x[idx], y",
    ),
    "negative size": ([i], tt.zeros((i, 2)), ValueError, (-1,), (2,), "tt.zeros((i, 2))"),
    "absurd size": ([i], tt.zeros((i, i)) + 1, MemoryError, (2**40,), (2,), "tt.zeros((i, i))"),
    "empty max": ([m], m.max(axis=0), ValueError, (np.ones((0, 3)),), (np.ones((1, 3)),), "m.max(axis=0)"),
    "empty argmax": ([x], tt.argmax(x), ValueError, (np.ones(0),), (np.ones(1),), "tt.argmax(x)"),
    "specify_shape": ([x], tt.specify_shape(x, (3,)) + 1, AssertionError, ([1.0],), (np.ones(3),), "specify_shape"),
    "addbroadcast": ([m], tt.addbroadcast(m, 0) + 1, ValueError, (WIDE,), (np.ones((1, 3)),), "addbroadcast"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_error(mode, name):
    inputs, expression, kind, bad, good, source = CASES[name]
    s = theano.shared(np.ones(2), "s")
    f = theano.function(inputs, [expression], updates=[(s, s * 2)], mode=mode)
    arguments = [np.asarray(a) for a in bad]
    before = [a.copy() for a in arguments]
    with pytest.raises(kind) as caught:
        f(*arguments)
    message = str(caught.value)
    lines = message.splitlines()
    assert type(caught.value) is kind
    assert len(lines) <= 25, message
    assert HERE in message, message
    assert source in message, message
    assert "Apply node that caused the error" in message
    assert "HINT" in message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    shown = traceback.extract_tb(caught.value.__traceback__)
    assert shown[0].filename == HERE and len(shown) <= 2, "frames of the library are shown"
    for a, b in zip(arguments, before):
        assert np.array_equal(a, b)
    assert s.get_value().tolist() == [1.0, 1.0]
    f(*good)
    assert s.get_value().tolist() == [2.0, 2.0]


def test_slices_clip_as_numpys_do(mode):
    f = theano.function([x, i], [x[i:], x[:i], x[-i:], x[::-1][i:]], mode=mode)
    value = np.arange(4.0)
    for k in (-10, -4, -1, 0, 2, 4, 10):
        expected = [value[k:], value[:k], value[-k:], value[::-1][k:]]
        for got, e in zip(f(value, k), expected):
            assert np.array_equal(got, e)


def test_a_slice_step_of_zero(mode):
    f = theano.function([x, i], x[::i], mode=mode)
    with pytest.raises(ValueError, match="zero"):
        f(np.ones(3), 0)
    assert f(np.arange(3.0), -1).tolist() == [2.0, 1.0, 0.0]


def test_nan_through_max(mode):
    f = theano.function([m], [m.max(axis=1), tt.argmax(m, axis=1), m.min()], mode=mode)
    value = np.array([[1.0, np.nan, 3.0], [1.0, 5.0, 3.0]])
    largest, where, least = f(value)
    assert np.array_equal(largest, [np.nan, 5.0], equal_nan=True)
    assert where.tolist() == [1, 1] and np.isnan(least)


def test_high_verbosity_shows_the_graph_and_values(mode):
    f = theano.function([x, y], tt.exp(x * 2) + y, mode=mode)
    with theano.config.change_flags(exception_verbosity="high"), pytest.raises(ValueError) as caught:
        f([1.25, 2.5], [1.0, 2.0, 3.0])
    assert "what it is computed from" in str(caught.value)
    assert "1." in str(caught.value).partition("Values of the inputs")[2]


def test_many_inputs_are_summarised(mode):
    vectors = [tt.dvector(f"v{k}") for k in range(30)]
    f = theano.function(vectors, tt.add(*vectors), mode=mode)
    with pytest.raises(ValueError) as caught:
        f(*[np.ones(2 if k else 3) for k in range(30)])
    assert len(str(caught.value).splitlines()) <= 25
    assert max(map(len, str(caught.value).splitlines())) < 500


class Raises(theano.Op):
    __props__ = ("error",)

    def __init__(self, error):
        self.error = error

    def make_node(self, a):
        return theano.Apply(self, [a], [a.type()])

    def perform(self, node, inputs, output_storage):
        raise self.error(f"no luck with {inputs[0].sum()}")


class OwnError(Exception):
    pass


class OddError(Exception):
    def __init__(self, message):
        super().__init__(1, 2)


@pytest.mark.parametrize("error", [KeyError, OwnError, ZeroDivisionError, OddError, UnicodeError])
def test_errors_of_users_ops_keep_their_class(mode, error):
    s = theano.shared(0.0)
    f = theano.function([x], Raises(error)(x) + 1, updates=[(s, s + 1)], mode=mode)
    with pytest.raises(error) as caught:
        f([1.0, 2.0])
    notes = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "Apply node that caused the error" in notes and HERE in notes
    if error is not OddError:
        assert "no luck with 3.0" in notes
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].name == "perform"  # the user's own frame stays
    assert s.get_value() == 0.0


class Wrong(theano.Op):
    """Returns something of another type than it declares."""

    __props__ = ("what",)

    def __init__(self, what):
        self.what = what

    def make_node(self, a):
        return theano.Apply(self, [a], [a.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = {"rank": np.ones((2, 2)), "dtype": np.ones(2, complex), "nothing": None}[self.what]


@pytest.mark.parametrize("what", ["rank", "dtype", "nothing"])
def test_ops_that_break_their_contract(mode, what):
    f = theano.function([x], Wrong(what)(x) * 2, mode=mode)
    with pytest.raises(TypeError, match="perform gave a wrong output 0"):
        f([1.0, 2.0])


class Loose(theano.Op):
    """Gives values that can be converted without loss, and divides by zero on the way."""

    __props__ = ("what",)

    def __init__(self, what):
        self.what = what

    def make_node(self, a):
        return theano.Apply(self, [a], [tt.dscalar()])

    def perform(self, node, inputs, output_storage):
        np.ones(1) / np.zeros(1)
        values = {"python": 3.0, "int": 3, "float32": np.float32(3), "array": np.array(3, "int16")}
        output_storage[0][0] = values[self.what]


@pytest.mark.parametrize("what", ["python", "int", "float32", "array"])
def test_outputs_of_ops_are_converted(mode, what):
    result = theano.function([x], Loose(what)(x) * 2, mode=mode)([1.0])
    assert result == 6.0 and result.dtype == "float64"
    assert theano.function([x], Loose(what)(x), mode=mode)([1.0]) == 3.0


def test_interrupts_pass_through(mode):
    f = theano.function([x], Raises(KeyboardInterrupt)(x), mode=mode)
    with pytest.raises(KeyboardInterrupt):
        f([1.0])


def test_shape_errors_are_not_optimised_away(mode):
    f = theano.function([x, y], (x + y).shape[0], mode=mode)
    assert f([1.0, 2.0], [3.0, 4.0]) == 2
    with pytest.raises(ValueError):
        f([1.0, 2.0], [1.0, 2.0, 3.0])


def test_stored_values_that_do_not_fit(mode):
    s = theano.shared(np.ones(2), "state")
    f = theano.function([], s * 2, mode=mode)
    for wrong in (None, "text", np.ones((2, 2)), np.ones(2, "float32")):
        s.container.storage[0] = wrong  # past all checks
        with pytest.raises((TypeError, ValueError), match=r"state|Elemwise"):
            f()
    s.set_value(np.ones(3))
    assert f().tolist() == [2.0, 2.0, 2.0]
