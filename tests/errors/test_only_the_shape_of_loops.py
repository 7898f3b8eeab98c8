"""Mistakes in the steps of loops of which little or nothing is read: they fail as in the reference, or nowhere.

Each loop meets data that fit and data that do not: lengths, positions, sizes, numbers of steps. Every mode must have
the same kind of answer, and without steps nothing that a step requires is asked for.
"""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.ifelse import ifelse
from theano.scan_module import until

x, y, m, n, k = tt.dmatrix("x"), tt.dvector("y"), tt.dmatrix("m"), tt.lscalar("n"), tt.lvector("k")
zero = tt.constant(0, dtype="int64")


def scan(*args, **named):
    return theano.scan(*args, **named)[0]


LOOPS = {
    "rows and a vector": lambda: scan(lambda a, b: a + b, x, non_sequences=[y]),
    "a state and a vector": lambda: scan(lambda a, b: a * 0.5 + b, outputs_info=x[0], non_sequences=[y], n_steps=n),
    "a state, rows and a vector": lambda: scan(
        lambda r, a, b: a * 0.5 + b + r, x, tt.zeros_like(x[0]), non_sequences=[y]),
    "products": lambda: scan(tt.dot, outputs_info=x[0], non_sequences=[m], n_steps=n),
    "one position": lambda: scan(lambda a, i: a[i], x, non_sequences=[n]),
    "rows of positions": lambda: scan(lambda i, a: a[i], k, non_sequences=[x]),
    "positions that are computed": lambda: scan(
        lambda i, t, a: [a[t + i], t + i], k, [None, zero], non_sequences=[x], return_list=True)[0],
    "reshape": lambda: scan(lambda a: tt.reshape(a, (2, n)), x),
    "a state that grows": lambda: scan(lambda a: tt.concatenate([a, a]), outputs_info=y, n_steps=n),
    "sizes": lambda: scan(lambda a: tt.alloc(a[0], n), x),
    "a loop in a loop": lambda: scan(lambda r: scan(lambda v: v * r + y, r), x),
    "a slice written": lambda: scan(lambda a, b: tt.set_subtensor(a[:2], b), x, non_sequences=[y]),
    "a branch": lambda: scan(lambda a, b: ifelse(a[0] > 0, a + b, a), x, non_sequences=[y]),
    "loop": lambda: theano.loop(lambda c, r: (c + y, r + c), x[0], x)[1],
    "until": lambda: scan(lambda a, b: (a + b, until(a[0] > 5)), x, non_sequences=[y]),
    "two rows back": lambda: scan(
        lambda a, b, c: a + b + c, outputs_info={"initial": x, "taps": [-2, -1]}, non_sequences=[y], n_steps=n),
}  # fmt: skip
USES = {
    "shape": tt.shape, "zeros": tt.zeros_like, "last": lambda v: v[-1], "times zero": lambda v: v * 0,
    "gradient": lambda v: theano.grad((v * 2).sum(), [x, y], disconnected_inputs="ignore"),
}  # fmt: skip
DATA = [
    (np.zeros((3, 2)), np.zeros(2), np.zeros((2, 2)), 1, [0, 1]),
    (np.ones((3, 2)), np.zeros(4), np.zeros((2, 2)), 1, [0, 1]),
    (np.zeros((3, 2)), np.zeros(2), np.zeros((3, 2)), 5, [0, 5]),
    (np.zeros((2, 2)), np.zeros(2), np.zeros((2, 3)), 3, [0, -9]),
    (np.zeros((0, 2)), np.zeros(2), np.zeros((3, 2)), 0, []),
    (np.zeros((3, 2)), np.zeros(4), np.zeros((3, 2)), 0, [-9]),
    (np.zeros((3, 2)), np.zeros(2), np.zeros((3, 2)), -1, [0, 2, -9]),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", LOOPS)
def test_fails_as_the_reference_does(name, use):
    result = USES[use](LOOPS[name]())
    outcomes = []
    for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
        f = theano.function([x, y, m, n, k], result, mode=mode, on_unused_input="ignore")
        outcomes.append([outcome(f, *data) for data in DATA])
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert set(outcomes[0]) != {"a value"}


def outcome(f, *data):
    try:
        f(*data)
    except Exception as error:
        return type(error).__name__
    return "a value"


def test_without_a_step_nothing_is_required():
    result = scan(lambda a, b: a * 0.5 + b, outputs_info=x[0], non_sequences=[y], n_steps=n)
    for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
        f = theano.function([x, y, n], result.shape, mode=mode, on_unused_input="ignore")
        assert f(np.zeros((3, 2)), np.zeros(4), 0).tolist() == [0, 2]


def test_what_something_else_requires_is_not_checked_again():
    result = scan(lambda a, b: a * 0.5 + b, outputs_info=x[0], non_sequences=[y], n_steps=n)
    f = theano.function([x, y, n], [result, tt.zeros_like(result)])
    assert not [node for node in f.maker.fgraph.apply_nodes if "EqualLengths" in str(node.op)]


def test_a_loop_that_cannot_fail_is_not_run():
    result = scan(lambda a: tt.exp(a) * 0.5, outputs_info=x[0], n_steps=n)
    f = theano.function([x, n], tt.zeros_like(result))
    assert not [node for node in f.maker.fgraph.apply_nodes if "for{" in str(node.op)]


@pytest.mark.parametrize("sizes", [[2], [-3], [2, 1], [], [3]])
@pytest.mark.parametrize("use", ["shape", "zeros", "times zero"])
def test_split_into_one(use, sizes):
    outcomes = []
    for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
        f = theano.function([y, k], USES[use](tt.Split(1)(y, 0, k)), mode=mode, on_unused_input="ignore")
        outcomes.append(outcome(f, np.zeros(3), np.array(sizes, "int64")))
    assert outcomes == ["a value" if sizes == [3] else "ValueError"] * 3
