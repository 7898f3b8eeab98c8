"""Large matrix products in pieces: right for every layout, and BLAS is as before afterwards."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, numbers

import theano
import theano.tensor as T
from theano.backends.native import runtime_products, runtime_threads, thread_count

KEEPS = runtime_products.BLAS_KEEPS // 8


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = thread_count._word[0]
    # divide whatever is large enough to be in pieces at all
    with theano.change_flags(openmp_elemwise_minsize=0):
        yield
    thread_count.set_threads(before)


def blas_threads() -> int:
    thread_count.find_blas()
    ask = thread_count._blas[runtime_products.BLAS_GET // 8]
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(ask)()) if ask else -1


def in_pieces(threads: int) -> None:
    thread_count.set_threads(threads)
    thread_count._crew[runtime_threads.CREW_PAUSE // 8] = 0


LAYOUTS = {
    "C": lambda a: a,
    "Fortran": lambda a: np.asfortranarray(a),
    "part": lambda a: np.pad(a, 3)[3:-3, 3:-3],
    "part of Fortran": lambda a: np.asfortranarray(np.pad(a, 3))[3:-3, 3:-3],
    "every other": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a: a[::-1, ::-1],
}
SHAPES = [(700, 300, 900), (65, 2000, 331), (2000, 65, 331), (257, 257, 257), (5, 900000, 2), (1500, 7, 1501)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products(shape: tuple[int, int, int], dtype: str) -> None:
    m, k, n = shape
    x, y = T.matrix("x", dtype), T.matrix("y", dtype)
    f = theano.function([x, y], T.dot(x, y), mode=NATIVE)
    a, b = numbers((m, k), dtype), numbers((k, n), dtype, 1)
    before = blas_threads()
    names = list(LAYOUTS)
    for number, (first, second) in enumerate(zip(names, names[1:] + names[:1])):
        p, q = LAYOUTS[first](a), LAYOUTS[second](b)
        wanted = np.asarray(p.astype("float64") @ q.astype("float64"))
        for threads in (1, 2 + number % 3, 7):
            in_pieces(threads)
            scale = np.abs(wanted).max()
            limit = 1e-12 if dtype == "float64" else 2e-5
            np.testing.assert_allclose(f(p, q) / scale, wanted / scale, rtol=0, atol=limit)
    assert blas_threads() == before


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bits_do_not_depend_on_the_number_of_threads(dtype: str, known: bool) -> None:
    """OpenBLAS promises nothing, but pieces are such that it does so; or they are the same, if loops are unknown."""
    thread_count.find_blas()
    keeps = thread_count._blas[KEEPS]
    thread_count._blas[KEEPS] = keeps if known else 0
    try:
        compare_bits(dtype)
    finally:
        thread_count._blas[KEEPS] = keeps


def compare_bits(dtype: str) -> None:
    generator = np.random.default_rng(0)
    x, y = T.matrix("x", dtype), T.matrix("y", dtype)
    f = theano.function([x, y], T.dot(x, y), mode=NATIVE)
    for number in range(100):
        m, k, n = (int(length) for length in generator.integers(*((150, 900) if number < 12 else (30, 600)), 3))
        a, b = (array if number % 3 else np.asfortranarray(array) for array in (
            generator.normal(size=(m, k)).astype(dtype), generator.normal(size=(k, n)).astype(dtype)
        ))  # fmt: skip
        found = set()
        for threads in (1, 2, 3, 4):
            in_pieces(threads)
            with one_blas_thread():
                found.add(f(a, b).tobytes())
        assert len(found) == 1, (m, k, n)


@pytest.mark.parametrize("processor", ["SkylakeX", "Haswell", "Sandybridge", "Nehalem"])
def test_loops_of_other_processors(processor: str) -> None:
    """The same, with loops that OpenBLAS would choose elsewhere. (It keeps its own where this machine lacks some.)"""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "bits and known"],
        env={**os.environ, "OPENBLAS_CORETYPE": processor}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_thin_products(dtype: str) -> None:
    """Those without BLAS: pieces are rows of tiles. (What is left to BLAS, by our threads or in one, is the same.)"""
    x, y, z = T.matrices("x", "y", "z") if dtype == "float64" else T.fmatrices("x", "y", "z")
    f = theano.function([x, y, z], [T.dot(x, y), z + T.dot(x, y), T.dot(y.T, x.T)], mode=NATIVE)
    for m, k, n in ((600, 784, 10), (10, 784, 601), (2001, 300, 3), (300, 310, 11), (1003, 1003, 1)):
        a, b, c = (numbers(shape, dtype, seed) for seed, shape in enumerate([(m, k), (k, n), (m, n)]))
        found = set()
        for threads in (1, 2, 3, 7):
            in_pieces(threads)
            calls = thread_count._crew[runtime_threads.CREW_CALLS // 8]
            with one_blas_thread():
                results = f(a, b, c)
            assert threads == 1 or n < 10 or thread_count._crew[runtime_threads.CREW_CALLS // 8] > calls
            found.add(b"".join(result.tobytes() for result in results))
            np.testing.assert_allclose(results[0], a @ b, rtol=1e-4, atol=1e-3)
        assert len(found) == 1, (m, k, n)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    thread_count.find_blas()
    tell = ctypes.CFUNCTYPE(None, ctypes.c_int)(thread_count._blas[runtime_products.BLAS_SET // 8])
    before = blas_threads()
    tell(1)
    try:
        yield
    finally:
        tell(before)


def test_products_that_are_added_to_what_is_there() -> None:
    w = theano.shared(numbers((600, 700)), "w")
    x, y = T.matrix("x"), T.matrix("y")
    f = theano.function([x, y], [], updates=[(w, w - 0.25 * T.dot(x.T, y))])
    a, b = numbers((400, 600)), numbers((400, 700), seed=1)
    for threads in (1, 2, 5):
        in_pieces(threads)
        w.set_value(numbers((600, 700)))
        f(a, b)
        np.testing.assert_allclose(w.get_value(), numbers((600, 700)) - 0.25 * (a.T @ b), rtol=1e-10, atol=1e-10)


def test_a_stack_of_products() -> None:
    x, y = T.tensor3("x"), T.tensor3("y")
    f = theano.function([x, y], T.batched_dot(x, y), mode=NATIVE)
    before = blas_threads()
    for n, m, k, p in ((3, 300, 310, 290), (128, 64, 64, 64), (1000, 16, 17, 18), (5, 90, 0, 80), (0, 9, 9, 9)):
        a, b = numbers((n, m, k)), numbers((n, k, p), seed=1)
        for first, second in ((a, b), (a[::-1], b[:, :, ::-1]), (a.swapaxes(1, 2).copy().swapaxes(1, 2), b)):
            found = set()
            for threads in (1, 2, 4):
                in_pieces(threads)
                with one_blas_thread():
                    result = f(first, second)
                np.testing.assert_allclose(result, first @ second, rtol=1e-10, atol=1e-10)
                found.add(result.tobytes())
            assert len(found) == 1, (n, m, k, p)
    assert blas_threads() == before


def test_calls_from_several_python_threads() -> None:
    x, y = T.matrix("x"), T.matrix("y")
    f = theano.function([x, y], T.dot(x, y), mode=NATIVE)
    arrays = [(numbers((300, 200), seed=k), numbers((200, 600), seed=k + 1)) for k in range(6)]
    before = blas_threads()
    in_pieces(3)
    with ThreadPoolExecutor(4) as executor:
        for found, (a, b) in zip(executor.map(lambda pair: f(*pair), arrays * 4), arrays * 4):
            np.testing.assert_allclose(found, a @ b, rtol=1e-10, atol=1e-10)
    assert blas_threads() == before
    assert thread_count._blas[runtime_products.BLAS_USERS // 8] == 0
    assert thread_count._busy[0] == 0


def test_another_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """One which cannot be told how many threads to use works as it likes."""
    x, y = T.matrix("x"), T.matrix("y")
    f = theano.function([x, y], T.dot(x, y), mode=NATIVE)
    in_pieces(3)
    kept = list(thread_count._blas)
    try:
        thread_count._blas[runtime_products.BLAS_SET // 8] = 0
        a, b = numbers((300, 200)), numbers((200, 600), seed=1)
        np.testing.assert_allclose(f(a, b), a @ b, rtol=1e-10, atol=1e-10)
    finally:
        thread_count._blas[:] = kept


SCRIPT = """
import os, threading
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import thread_count
x, y = T.matrix(), T.matrix()
f = theano.function([x, y], T.dot(x, y))
a, b = np.random.default_rng(0).normal(size=(2, 800, 800))
first = f(a, b)
print(thread_count.crew_size())
stop = threading.Event()
other = threading.Thread(target=lambda: [f(a, b) for _ in iter(stop.is_set, True)])
other.start()
for _ in range(4):   # while products are at work in another thread
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(f(a, b), first) and thread_count._blas[2] == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
other.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_children_of_fork(threads: int) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT], capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(threads - 1)]


def test_blas_is_found() -> None:
    thread_count.find_blas()
    library: Any = ctypes.CDLL(importlib.import_module("scipy.linalg.cython_blas").__file__)
    if not hasattr(library, "scipy_openblas_set_num_threads"):
        pytest.skip("SciPy's BLAS is another one")
    assert all(thread_count._blas[: runtime_products.BLAS_USERS // 8])
