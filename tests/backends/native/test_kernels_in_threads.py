"""Kernels in pieces and in several threads: the same bits whatever the number of threads, in every situation."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, numbers

import theano
import theano.tensor as T
from theano.backends.native import runtime_threads, thread_count


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = thread_count._word[0]
    # divide whatever is large enough to be in pieces at all
    with theano.change_flags(openmp_elemwise_minsize=0):
        yield
    thread_count.set_threads(before)


def in_threads(function: Any, *arrays: Any) -> Any:
    """What a function gives with one thread, once it is clear that any number gives the same bits."""
    thread_count.set_threads(1)
    alone = function(*arrays)
    for threads in (2, 3, 4, 8, 1000):
        thread_count.set_threads(threads)
        thread_count._crew[runtime_threads.CREW_PAUSE // 8] = 0
        found = function(*arrays)
        for got, wanted in zip(*([x] if isinstance(x, np.ndarray) else x for x in (found, alone)), strict=True):
            assert got.dtype == wanted.dtype and got.shape == wanted.shape
            assert got.tobytes() == wanted.tobytes(), threads
    return alone


def reference(inputs: list[Any], outputs: Any, *arrays: Any) -> Any:
    return theano.function(inputs, outputs, mode="reference")(*arrays)


# -- elementwise ------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "contiguous": lambda a: a,
    "reversed": lambda a: a[::-1, ::-1],
    "every other": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "repeated row": lambda a: np.broadcast_to(a[:1], a.shape),
    "unaligned rows": lambda a: np.concatenate([a, a[:, :1]], axis=1)[:, :-1],
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "int8", "bool"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_elementwise(layout: Any, dtype: str) -> None:
    x, y = T.matrix("x", dtype), T.matrix("y", dtype)
    outputs = [T.switch(T.gt(x, y), x, y), T.eq(x, y)]
    if dtype.startswith("float"):
        outputs += [T.tanh(x * y) + T.exp(-x)]
    a, b = layout(numbers((317, 1021), dtype)), numbers((317, 1021), dtype, 1)
    found = in_threads(theano.function([x, y], outputs, mode=NATIVE), a, b)
    for got, wanted in zip(found, reference([x, y], outputs, a, b)):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (1,), (1, 400000), (400000, 1), (2, 200001), (7, 3, 19997), (3, 5, 7, 4001)])
def test_shapes(shape: tuple[int, ...]) -> None:
    x = T.TensorType("float64", (None,) * len(shape))("x")
    a = numbers(shape, "float64")
    outputs = [T.sqrt(x * x + 1), x.sum(), x.sum(axis=-1), x.sum(axis=0)]
    found = in_threads(theano.function([x], outputs, mode=NATIVE), a)
    for got, wanted in zip(found, reference([x], outputs, a)):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-9)


def test_in_place_updates() -> None:
    start = numbers((300, 1001), "float64")
    x = T.matrix("x")
    results = []
    for threads in (1, 2, 3):
        thread_count.set_threads(threads)
        state = theano.shared(start)
        f = theano.function([x], (state * x).sum(), updates=[(state, state - 0.1 * T.tanh(x * state))], mode=NATIVE)
        totals = [f(start * k) for k in range(5)]
        results.append((np.array(totals).tobytes(), state.get_value().tobytes()))
    assert results[0] == results[1] == results[2]


# -- reductions -------------------------------------------------------------------------------------------------------

REDUCTIONS = {
    "sum": lambda x, axis: T.sum(x, axis=axis),
    "prod": lambda x, axis: T.prod(x, axis=axis),
    "max": lambda x, axis: T.max(x, axis=axis),
    "min": lambda x, axis: T.min(x, axis=axis),
    "argmax": lambda x, axis: T.argmax(x, axis=axis),
    "argmin": lambda x, axis: T.argmin(x, axis=axis),
    "any": lambda x, axis: T.any(T.gt(x, 2), axis=axis),
    "all": lambda x, axis: T.all(T.gt(x, -9), axis=axis),
    "var": lambda x, axis: T.var(x, axis=axis),
    "both": lambda x, axis: T.sum(T.exp(-x * x), axis=axis) + T.max(x, axis=axis),
}
SHAPES = [(600011,), (3, 200003), (200003, 3), (701, 907), (2, 300001, 2), (11, 13, 17, 211)]


@pytest.mark.parametrize("what", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reductions(what: str, shape: tuple[int, ...]) -> None:
    x = T.TensorType("float64", (None,) * len(shape))("x")
    a = numbers(shape, "float64")
    if what == "prod":
        a = 1 + a * 1e-4
    axes: list[Any] = [None, *range(len(shape))]
    if len(shape) > 2 and not what.startswith("arg"):
        axes += [(0, len(shape) - 1)]
    outputs = [REDUCTIONS[what](x, axis) for axis in axes]
    found = in_threads(theano.function([x], outputs, mode=NATIVE), a)
    for got, wanted in zip(found, reference([x], outputs, a)):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("length", [2, 4, 5, 15, 16, 31, 32])
def test_reductions_over_and_beside_short_axes(length: int, dtype: str) -> None:
    x, y, t = T.matrix("x", dtype), T.matrix("y", dtype), T.tensor3("t", dtype)
    pairs = abs(x.dimshuffle(0, "x", 1) - y.dimshuffle("x", 0, 1))
    outputs = [pairs.sum(axis=2), pairs.max(axis=2), t.sum(axis=1), t.max(axis=0), t.sum(axis=2), T.argmax(t, axis=2)]
    arrays = numbers((301, length), dtype), numbers((207, length), dtype, 1), numbers((151, 173, length), dtype, 2)
    found = in_threads(theano.function([x, y, t], outputs, mode=NATIVE), *arrays)
    for got, wanted in zip(found, reference([x, y, t], outputs, *arrays)):
        np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint16", "int64", "bool"])
def test_reductions_of_other_dtypes(dtype: str) -> None:
    x = T.vector("x", dtype)
    a = numbers((900001,), dtype)
    outputs = [x.sum(), x.max(), T.argmin(x), T.any(x), T.all(x)]
    if dtype == "float16":
        outputs = outputs[:3]
    found = in_threads(theano.function([x], outputs, mode=NATIVE), a)
    for got, wanted in zip(found, reference([x], outputs, a)):
        np.testing.assert_allclose(got, wanted, rtol=1e-3 if dtype == "float16" else 1e-5)


def test_accuracy_of_pieces() -> None:
    x = T.vector("x")
    a = numbers((3000001,), "float64") + 0.5
    total = in_threads(theano.function([x], x.sum(), mode=NATIVE), a)
    assert abs(float(total) - math.fsum(a)) <= 8 * np.spacing(math.fsum(a))


@pytest.mark.parametrize("place", [0, 1, 449999, 450000, 899999])
def test_special_values_in_pieces(place: int) -> None:
    x = T.vector("x")
    a = numbers((900000,), "float64")
    outputs = [x.max(), T.argmax(x), T.argmin(x), x.sum(), x.min()]
    f = theano.function([x], outputs, mode=NATIVE)
    for value in (math.nan, math.inf, -math.inf):
        a[place] = value
        for got, wanted in zip(in_threads(f, a), reference([x], outputs, a)):
            np.testing.assert_allclose(got, wanted)
    # of equal values the first one is meant, in whichever piece it lies
    a[:] = 0
    a[place] = a[-1] = 1
    assert in_threads(f, a)[1] == place


def test_sum_of_negative_zeros() -> None:
    x = T.vector("x")
    total = in_threads(theano.function([x], x.sum(), mode=NATIVE), np.full(900000, -0.0))
    assert not np.signbit(total)


# -- rows, gathers, scatters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4001, 301), (7, 120011), (120011, 7)])
def test_groups_of_rows(shape: tuple[int, int]) -> None:
    x, g = T.matrix("x"), T.matrix("g")
    mean, deviation = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    normal = (x - mean) / (deviation + 1e-5)
    outputs = [T.nnet.softmax(x), normal, T.grad((normal * g).sum(), x), T.log(T.exp(x).sum(axis=1))]
    a, b = numbers(shape, "float64"), numbers(shape, "float64", 1)
    found = in_threads(theano.function([x, g], outputs, mode=NATIVE), a, b)
    for got, wanted in zip(found, reference([x, g], outputs, a, b)):
        np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-9)


def test_gathers_and_scatters() -> None:
    x, i, v = T.matrix("x"), T.lvector("i"), T.vector("v")
    outputs = [x[i], x[i].sum(axis=1), T.inc_subtensor(v[i], 1.5), T.tanh(v[i]) * 2]
    table, flat = numbers((5000, 64), "float64"), numbers((5000,), "float64")
    index = np.random.default_rng(0).integers(-5000, 5000, 200000)
    f = theano.function([x, i, v], outputs, mode=NATIVE)
    for got, wanted in zip(in_threads(f, table, index, flat), reference([x, i, v], outputs, table, index, flat)):
        np.testing.assert_allclose(got, wanted)
    for place in (0, 100000, 199999):
        wrong = index.copy()
        wrong[place] = 5000
        with pytest.raises(IndexError, match="5000"):
            f(table, wrong, flat)


def test_errors_leave_everything_as_it_was() -> None:
    thread_count.set_threads(3)
    state = theano.shared(np.zeros(400000))
    x, i = T.vector("x"), T.lvector("i")
    f = theano.function([x, i], x[i].sum(), updates=[(state, state + x[i])], mode=NATIVE)
    index = np.arange(400000)
    index[399999] = 400000
    with pytest.raises(IndexError):
        f(np.ones(400000), index)
    assert not state.get_value().any()


# -- who works --------------------------------------------------------------------------------------------------------


def a_call() -> tuple[Any, np.ndarray]:
    x = T.vector("x")
    return theano.function([x], [T.tanh(x), T.exp(x).sum()], mode=NATIVE), numbers((500000,), "float64")


def test_calls_from_several_python_threads() -> None:
    f, a = a_call()
    arrays = [a * k for k in range(8)]
    thread_count.set_threads(1)
    alone = [f(x) for x in arrays]
    thread_count.set_threads(3)
    with ThreadPoolExecutor(5) as executor:
        for found, wanted in zip(executor.map(f, arrays * 5), alone * 5):
            assert found[0].tobytes() == wanted[0].tobytes() and found[1] == wanted[1]
    assert thread_count._busy[0] == 0


def test_calls_from_within_calls() -> None:
    f, a = a_call()
    x = T.vector("x")

    class Nested(theano.Op):  # type: ignore[misc,name-defined]
        def make_node(self, x: Any) -> Any:
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            outputs[0][0] = f(inputs[0])[0]

    g = theano.function([x], T.exp(Nested()(T.tanh(x))).sum(), mode=NATIVE)
    wanted = np.exp(np.tanh(np.tanh(a))).sum()
    np.testing.assert_allclose(in_threads(g, a), wanted)


def test_other_python_threads_go_on_meanwhile() -> None:
    """The GIL is released while pieces are at work."""
    x = T.vector("x")
    y = x
    for _ in range(30):
        y = T.tanh(T.sin(y) + 1)
    f = theano.function([x], [y, y.sum()], mode=NATIVE)
    a = numbers((3000000,), "float64")
    f(a)
    thread_count.set_threads(2)
    seen = [time.perf_counter()]
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=watch)
    other.start()
    start = time.perf_counter()
    f(a)
    took = time.perf_counter() - start
    stop.set()
    other.join()
    assert any(start + took / 4 < moment < start + took * 3 / 4 for moment in seen)


SIZES = """
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import thread_count
x = T.vector()
f = theano.function([x], T.tanh(x) * 3)
small, large = np.ones(1000), np.ones(500000)
f(small)
crew = [thread_count.crew_size()]
with theano.change_flags(openmp_elemwise_minsize=10**9):
    f(large)
crew.append(thread_count.crew_size())
with theano.change_flags(openmp=False):
    f(large)
crew.append(thread_count.crew_size())
f(large)
print(*crew, thread_count.crew_size())
"""

PAUSE = """
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import runtime_threads, thread_count
x = T.vector()
f = theano.function([x], T.tanh(x) * 3)
large = np.ones(500000)
place = runtime_threads.CREW_PAUSE // 8
theano.config.openmp = False
wanted = f(large)
theano.config.openmp = True
thread_count._crew[place] = 2
for _ in range(2):
    assert (f(large) == wanted).all()
    print(thread_count._crew[place], thread_count.crew_size())
thread_count._crew[place] = 0
assert (f(large) == wanted).all()
print(thread_count.crew_size())
"""

LITTLE = """
import time
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import runtime_threads, thread_count
def word(name):
    return thread_count._crew[getattr(runtime_threads, name) // 8]
x = T.vector()
f = theano.function([x], T.tanh(x) * 3)
little = np.linspace(-1, 1, 25000)
wanted = f(little)
print(thread_count.crew_size())
end = time.time() + 100
while word("CREW_CALLS") == 0 and time.time() < end:  # one call after the other
    assert (f(little) == wanted).all()
print(thread_count.crew_size(), word("CREW_CALLS") > 0)
quiet = 0
while quiet < 20 and time.time() < end:  # who has just been woken is not awake yet
    time.sleep(0.01)
    quiet = quiet + 1 if word("CREW_AWAKE") == 0 else 0
calls = word("CREW_CALLS")
assert (f(little) == wanted).all()
print(word("CREW_AWAKE"), word("CREW_CALLS") - calls)
"""

REGIONS = """
import ctypes, threading
from theano.backends.native.runtime import runtime
system = runtime()
system._load("threads")
share_out = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 2)(
    int(system.scopes["threads"]["share_out"]))
all_at_work = threading.Barrier(3)
taken = []
def take(argument, part):
    first = all(thread != threading.get_ident() for thread, _ in taken)
    taken.append((threading.get_ident(), part))
    if first:
        all_at_work.wait(60)
function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(take)
homes = {}
for _ in range(20):
    taken.clear()
    share_out(ctypes.cast(function, ctypes.c_void_p), None, 12, 3)
    assert sorted(part for _, part in taken) == list(range(12))
    for thread in {thread for thread, _ in taken}:
        parts = [part for other, part in taken if other == thread]
        assert parts[0] == homes.setdefault(thread, parts[0])
        own = [part for part in parts if part // 4 == parts[0] // 4]
        others = parts[len(own):]  # from the last on
        assert own == parts[:len(own)] == sorted(own)
        assert all([p for p in others if p // 4 == k] == sorted((p for p in others if p // 4 == k), reverse=True)
                   for k in range(3))
assert homes[threading.get_ident()] == 0
print(*sorted(homes.values()))
"""

FORKS = """
import multiprocessing, os, sys, threading
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import thread_count
x = T.vector()
f = theano.function([x], [T.tanh(x), T.exp(x).sum()])
a = np.linspace(-1, 1, 600000)
def work(k):
    made, total = f(a)
    return made.tobytes() == first[0].tobytes() and total == first[1]
first = f(a)
assert thread_count.crew_size() == 2, thread_count.crew_size()
stop = threading.Event()
others = [threading.Thread(target=lambda: [f(a) for _ in iter(stop.is_set, True)]) for _ in range(2)]
for t in others:
    t.start()
for k in range(6):   # while pieces are at work in other threads
    child = os.fork()
    if child == 0:
        fine = thread_count.crew_size() == 0 and work(k) and thread_count.crew_size() == 2
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for t in others:
    t.join()
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert all(pool.map(work, range(6)))
assert work(0)
print("done")
"""


def run_script(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script], capture_output=True, text=True,
        env={**os.environ, **environment}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_small_work_is_done_by_one_thread() -> None:
    assert run_script(SIZES, OMP_NUM_THREADS="4").split() == ["0", "0", "0", "3"]


def test_threads_begin_with_parts_of_their_own() -> None:
    """A thread begins with the same region of the parts in every call, and the caller with the first."""
    assert run_script(REGIONS) == "0 4 8\n"


def test_the_crew_can_pause() -> None:
    """As it does where the machine is so busy that callers would wait for it."""
    assert run_script(PAUSE, OMP_NUM_THREADS="4").split() == ["1", "0", "0", "0", "3"]


def test_little_work_is_shared_where_it_follows_on_little_work() -> None:
    """Nobody is woken for a little work, but for what is likely to follow; then the crew sleeps again."""
    assert run_script(LITTLE, OMP_NUM_THREADS="2").split() == ["0", "1", "True", "0", "0"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_children_of_fork() -> None:
    assert run_script(FORKS, OMP_NUM_THREADS="3", THEANO_FLAGS="openmp_elemwise_minsize=0") == "done\n"


DIGEST = """
import hashlib
import numpy as np
import theano, theano.tensor as T
x = T.matrix()
f = theano.function([x], [T.tanh(x), x.sum(), x.sum(0), T.nnet.softmax(x), T.argmax(x), T.exp(x).prod()])
a = np.random.default_rng(3).normal(size=(1013, 499)) / 100
digest = hashlib.sha256(b"".join(np.asarray(r).tobytes() for r in f(a))).hexdigest()
from theano.backends.native import thread_count
print(digest, thread_count._word[0], thread_count.crew_size())
"""

HIDDEN = """
from theano.backends.native import target
find = target.c_address
def hide(name):
    if name.startswith("pthread_"):
        raise AttributeError(name)
    return find(name)
target.c_address = hide
"""


def test_stated_numbers_of_threads_give_the_same_bits() -> None:
    found = [run_script(DIGEST, OMP_NUM_THREADS=str(n)).split() for n in (1, 2, 3, 4)]
    assert len({digest for digest, *_ in found}) == 1
    assert [int(most) for _, most, _ in found] == [1, 2, 3, 4]
    assert [int(crew) for *_, crew in found] == [0, 1, 2, 3]
    off = run_script(DIGEST, OMP_NUM_THREADS="4", THEANO_FLAGS="openmp=False").split()
    assert off == [found[0][0], "1", "0"]
    # a system whose C library has no threads
    hidden = run_script(HIDDEN + DIGEST, OMP_NUM_THREADS="4").split()
    assert hidden == [found[0][0], "1", "0"]
