"""Work in several threads: the same bits as in one, whatever their number; and who decides about it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, numbers

import theano
import theano.tensor as T
from theano.backends.native import thread_count
from theano.tensor.signal import pool


@pytest.fixture(autouse=True)
def one_thread_afterwards() -> Iterator[None]:
    yield
    thread_count.set_threads(1)


def same_bits(inputs: list[Any], outputs: list[Any], *arrays: np.ndarray) -> None:
    function = theano.function(inputs, outputs, mode=NATIVE)
    thread_count.set_threads(1)
    alone = function(*arrays)
    for threads in (2, 3, 8, 1000):
        thread_count.set_threads(threads)
        for found, wanted in zip(function(*arrays), alone):
            np.testing.assert_array_equal(found, wanted)


CONVOLUTIONS = {
    "plain": ((8, 16, 33, 31), (24, 16, 5, 5), {}),
    "padded and strided": ((9, 16, 64, 63), (24, 16, 3, 5), {"border_mode": (1, 2), "subsample": (1, 2)}),
    "groups": ((7, 24, 40, 40), (36, 6, 3, 3), {"num_groups": 4, "border_mode": "half"}),
    "one channel": ((64, 1, 40, 40), (24, 1, 5, 5), {}),
    "one item": ((1, 32, 60, 60), (40, 32, 3, 3), {"border_mode": "full"}),
    "one filter": ((16, 32, 60, 60), (1, 32, 5, 5), {}),
    "unshared": ((200, 8, 12, 12), (24, 10, 10, 8, 3, 3), {"unshared": True}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolution(case: Any) -> None:
    image, kernel, options = case
    x, w = T.TensorType("float32", (None,) * 4)(), T.TensorType("float32", (None,) * len(kernel))()
    y = T.nnet.conv2d(x, w, **options)
    outputs = [y, *T.grad(None, [x, w], known_grads={y: T.tanh(y)})]
    same_bits([x, w], outputs, numbers(image, "float32"), numbers(kernel, "float32", 1))


@pytest.mark.parametrize("mode", ["max", "average_exc_pad"])
@pytest.mark.parametrize("sizes", [((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 1), (1, 1))])
def test_pooling(sizes: Any, mode: str) -> None:
    inputs, arrays = [T.ftensor4("x")], [numbers((7, 11, 130, 131), "float32")]
    z = pool.Pool(True, mode)(inputs[0], *sizes)
    outputs = [z, T.grad(None, inputs[0], known_grads={z: T.tanh(z)})]
    if mode == "max":
        inputs.append(T.ftensor4("direction"))
        arrays.append(numbers((7, 11, 130, 131), "float32", 1))
        outputs.append(pool.MaxPoolRop(True)(*inputs, *sizes))
    same_bits(inputs, outputs, *arrays)


SCRIPT = """
import theano
from theano.backends.native import thread_count
from theano.backends.native.runtime import runtime
runtime()
counts = [thread_count._word[0]]
theano.config.openmp = False
counts.append(thread_count._word[0])
theano.config.openmp = True
print(*counts, thread_count._word[0])
"""


@pytest.mark.parametrize(("stated", "allowed"), [("3", 3), ("2,4", 2), ("1", 1), ("", None)])
def test_who_decides(stated: str, allowed: int | None) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": stated}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
    )  # fmt: skip
    most = allowed or len(os.sched_getaffinity(0))
    assert done.stdout.split() == [str(most), "1", str(most)]


def test_calls_from_several_python_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    x, w = T.ftensor4(), T.ftensor4()
    f = theano.function([x, w], T.nnet.conv2d(x, w, border_mode="half"), mode=NATIVE)
    arrays = [(numbers((4, 16, 40, 40), "float32", k), numbers((32, 16, 3, 3), "float32", k)) for k in range(6)]
    alone = [f(*a) for a in arrays]
    thread_count.set_threads(3)
    with ThreadPoolExecutor(4) as executor:
        for found, wanted in zip(executor.map(lambda a: f(*a), arrays * 3), alone * 3):
            np.testing.assert_array_equal(found, wanted)
