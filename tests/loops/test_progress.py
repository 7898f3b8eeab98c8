"""Progress bars of loops: what is shown and when, on both backends; and that the loop is the same with one."""

from __future__ import annotations

import pickle
import re
import signal
import sys
import threading
import time
from _thread import interrupt_main

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.ops import as_op
from theano.loops.progress import PAUSE, Bar
from theano.loops.scan_op import Scan

X = np.array([0.5, -1.0, 2.0, 0.25, 1.5, -0.75, 1.25])


def drawn(capfd):
    """What is on stderr; a loop has taken 0 s, however busy the machine is."""
    return re.sub(r"\d+s\n", "0s\n", capfd.readouterr().err)


@as_op([tt.dscalar], [tt.dscalar])
def slowly(x):
    time.sleep(0.06)
    return np.asarray(x + 1)


@as_op([tt.dscalar], [tt.dscalar])
def until_eight(x):
    time.sleep(0.06)
    if x >= 8:
        raise ValueError("eight is too much")
    return np.asarray(x + 1)


def loops_of(f):
    return [node.op for node in f.maker.fgraph.toposort() if isinstance(node.op, Scan)]


@pytest.mark.parametrize("checkpoints", [False, 10])
def test_progress(capfd, checkpoints):
    n = tt.lscalar("n")
    last, _ = theano.loop(
        lambda s: (s + 1.0, None), 0.0, n_steps=n, progress=True, name="count", checkpoints=checkpoints)
    f = theano.function([n], last)
    assert f(1000) == 1000
    shown = drawn(capfd)
    assert "count 100% |##############################| 1000/1000" in shown and shown.endswith("\n")


def test_progress_of_a_while_loop(capfd):
    last = theano.while_loop(lambda k: k < 5000, lambda k: k + 1, 0, progress=True, name="count")
    assert theano.function([], last)() == 5000
    shown = drawn(capfd)
    assert shown.endswith("count 5000 steps  0s\n")


def test_progress_counts_the_steps_made_and_the_time_taken(capfd):
    """Also where the last chunk is not whole."""
    theano.function([], theano.while_loop(lambda k: k < 4321, lambda k: k + 1, 0, progress=True))()
    assert "loop 4321 steps  0s\n" in drawn(capfd)
    theano.function([], theano.loop(lambda s: (s + 1, None), 0, n_steps=4321, progress=True)[0])()
    assert "| 4321/4321  0s\n" in drawn(capfd)


def test_progress_has_a_gradient(capfd):
    x = tt.dvector("x")
    last, _ = theano.loop(lambda s, v: (s * v, None), 1.0, x, progress=True)
    f = theano.function([x], theano.grad(last, x))
    np.testing.assert_allclose(f(X), np.prod(X) / X)
    shown = drawn(capfd).split("\r")
    assert [line.partition("|")[0] for line in shown[1:]] == ["loop 100% ", "gradient of loop 100% "]


@pytest.mark.parametrize("options", [{"n_steps": 8}, {"until": lambda s: s >= 8}, {"n_steps": 8, "checkpoints": 2}])
def test_a_slow_loop_is_seen_to_go_on(mode, options, capfd):
    last, _ = theano.loop(lambda s: (slowly(s), None), tt.constant(0.0, dtype="float64"), progress=True, **options)
    f = theano.function([], last, mode=mode)
    capfd.readouterr()
    assert f() == 8
    lines = drawn(capfd).split("\r")[1:]
    assert len(lines) >= 3
    assert not any("\n" in line for line in lines[:-1])
    assert lines[-1] == ("loop 8 steps  0s\n" if "until" in options else f"loop 100% |{'#' * 30}| 8/8  0s\n")


def test_nothing_is_shown_before_it_takes_long(mode, capfd):
    last, rows = theano.loop(lambda s: (s + 1.0, s), 0.0, n_steps=100, progress=True)
    f = theano.function([], [last, rows], mode=mode)
    capfd.readouterr()
    f()
    assert drawn(capfd) == f"\rloop 100% |{'#' * 30}| 100/100  0s\n"


def test_a_loop_in_registers_is_seen_to_go_on(capfd):
    n, w = tt.lscalar("n"), tt.dscalar("w")
    last, _ = theano.loop(lambda s: (tt.tanh(w * s + 0.1), None), 0.0, n_steps=n, progress=True)
    f = theano.function([n, w], last)
    f(10, 0.5)
    capfd.readouterr()
    steps, lines = 10_000_000, [""]
    while len(lines) < 3:   # however fast this machine is
        steps *= 2
        f(steps, 0.5)
        lines = drawn(capfd).split("\r")[1:]
    assert f"{steps}/{steps}" in lines[-1] and "left" in lines[0]


def test_errors_are_those_of_the_loop_without_a_bar(mode):
    a, b, n = tt.dmatrix("a"), tt.dvector("b"), tt.lscalar("n")
    said = []
    for progress in (False, True):
        total, _ = theano.loop(lambda s, v: (s + v[0].sum() * v[1], None), 0.0, (a, b), progress=progress)
        longer, _ = theano.loop(lambda s, v: (s + v.sum(), None), 0.0, a, n_steps=n, progress=progress)
        f, g = (theano.function(*made, mode=mode) for made in (([a, b], total), ([a, n], longer)))
        assert f(np.ones((2, 2)), [3, 4]) == 14 and g(np.ones((3, 2)), 2) == 4
        for function, values in ((f, [np.ones(4)]), (g, [5]), (g, [-1])):
            with pytest.raises(ValueError) as error:
                function(np.ones((3, 2)), *values)
            said.append(str(error.value).partition("\n")[0])
    assert said[:3] == said[3:] and "negative" in said[2]


def test_without_steps(mode, capfd):
    n = tt.lscalar("n")
    last, _ = theano.loop(lambda s: (s + 1.0, None), 0.0, n_steps=n, progress=True)
    assert theano.function([n], last, mode=mode)(0) == 0
    assert drawn(capfd).endswith("0/0  0s\n")


def test_the_loop_is_the_same_with_a_bar():
    x, w = tt.dvector("x"), tt.dscalar("w")
    counts = []
    for progress in (False, True):
        last, rows = theano.loop(lambda h, v: (tt.tanh(w * h + v), h), 0.1, x, progress=progress)
        f = theano.function([x, w], [last, rows, *theano.grad(last, [x, w])])
        counts.append([op.info for op in loops_of(f)])
        assert all((op.bar is not None) == progress for op in loops_of(f))
    assert counts[0] == counts[1]


def test_loops_with_other_bars_are_not_equal():
    x = tt.dvector("x")
    ops = [
        theano.loop(lambda h, v: (h * v, h), 0.1, x, progress=progress, name=name)[1].owner.op
        for progress, name in ((True, "a"), (True, "b"), (False, "a"), (True, "a"))
    ]
    assert [op == ops[0] for op in ops] == [True, False, False, True]
    assert pickle.loads(pickle.dumps(ops[0])).bar == Bar("a")


def test_of_two_loops_that_become_one_the_bar_stays():
    x = tt.dvector("x")
    _, a = theano.loop(lambda h, v: (h * v, h), 0.1, x)
    _, b = theano.loop(lambda h, v: (h + v, h), 0.1, x, progress=True, name="sums")
    (op,) = loops_of(theano.function([x], [a, b]))
    assert op.bar == Bar("sums")


def test_a_loop_inside_shows_its_bar(mode, capfd):
    def step(s):
        inner, _ = theano.loop(lambda t: (t * 1.5 + s, None), 0.0, n_steps=3, progress=True, name="inner")
        return s + inner, None

    last, _ = theano.loop(step, 1.0, n_steps=4)
    theano.function([], last, mode=mode)()
    assert drawn(capfd).count("inner 100%") == 4


def test_what_is_said_of_a_failure_begins_a_line(mode, capfd):
    start = tt.constant(0.0, dtype="float64")
    last, _ = theano.loop(lambda s: (until_eight(s), None), start, n_steps=20, progress=True)
    with pytest.raises(ValueError, match="eight is too much\nIn step 8"):
        theano.function([], last, mode=mode)()
    shown = drawn(capfd)
    assert "/20" in shown and shown.endswith("\n")


def test_an_interruption_begins_a_line(capfd):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    n = tt.lscalar("n")
    last, _ = theano.loop(lambda s: (tt.tanh(s), None), 0.5, n_steps=n, progress=True)
    f = theano.function([n], last)
    f(3)
    capfd.readouterr()
    threading.Timer(3 * PAUSE, interrupt_main).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            f(10**11)
    finally:
        signal.signal(signal.SIGINT, before)
    shown = drawn(capfd)
    assert f"/{10**11}" in shown and shown.endswith("\n")


@pytest.mark.parametrize("where", [None, "closed"])
def test_a_loop_does_not_fail_where_nothing_can_be_shown(mode, where, monkeypatch, tmp_path):
    if where == "closed":
        where = open(tmp_path / "errors", "w")   # noqa: SIM115
        where.close()
    n = tt.lscalar("n")
    last, _ = theano.loop(lambda s: (s + 1.0, None), 0.0, n_steps=n, progress=True)
    f = theano.function([n], last, mode=mode)
    monkeypatch.setattr(sys, "stderr", where)
    assert f(30) == 30


def test_an_error_while_it_is_drawn_is_raised(mode, monkeypatch):
    class Broken:
        def write(self, text):
            raise RuntimeError("not today")

    last, _ = theano.loop(lambda s: (s + 1.0, None), 0.0, n_steps=30, progress=True)
    f = theano.function([], last, mode=mode)
    monkeypatch.setattr(sys, "stderr", Broken())
    with pytest.raises(RuntimeError, match="not today"):
        f()
