"""Better code is made beside the program, which may fork or end at any time."""

import os
import subprocess
import sys
import threading

import pytest

from theano.backends.native.background import Background

BEGIN = """
import os, sys, theano, theano.tensor as T
from theano.backends.native import runtime
x = T.dscalar()
f = theano.function([x], x + 1)
for n in range(runtime.UPGRADE_AFTER + 5):
    assert f(float(n)) == n + 1
system = runtime.runtime()
assert system._background._thread is not None
"""


def run(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", BEGIN + code], capture_output=True, text=True)
    assert done.stderr == "" and done.returncode == 0
    return done.stdout.split()


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os._exit(0)", "del f, system, runtime, theano, T"])
def test_the_interpreter_may_end_at_any_time(end):
    assert run(f"print('end', flush=True)\n{end}") == ["end"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_breaks_it_off_and_both_go_on():
    code = """
child = os.fork()
assert system._background._thread is None
g = theano.function([x], T.sinh(x) * 2)   # LLVM's locks are free
for n in range(100):
    assert f(float(n)) == n + 1
system._background.wait()
assert not system._units
print("done", flush=True)
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    assert run(code) == ["done", "done"]


def test_work_is_done_once_and_goes_on_after_a_stop():
    began, steps, told = threading.Event(), [], []

    def work(stopped):
        began.set()
        while len(steps) < 3:
            if stopped():
                return False
            if len(steps) == 1 and not told:
                threading.Event().wait(0.001)
                continue
            steps.append(threading.current_thread())
        return True

    background = Background(work, lambda: told.append("broken off"))
    background.start()
    assert began.wait(60)
    background.start()  # goes on already
    background.stop()
    assert len(steps) == 1 and not told
    background._go_on()
    assert told == ["broken off"]
    background.start()
    background.wait()
    assert len(steps) == 3 and steps[0] is not steps[2] and threading.current_thread() not in steps
    background._go_on()
    assert told == ["broken off"]


def test_where_no_thread_can_be_started_the_work_is_done_at_once(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    done = []
    background = Background(lambda stopped: bool(done.append(threading.current_thread())) or True, lambda: None)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    background.start()
    assert done == [threading.current_thread()]
