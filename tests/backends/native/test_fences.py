"""Routines read nothing beside their arrays: these lie against memory that nobody may touch.

In a process of its own, for what fails here is a crash.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import ctypes, mmap, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import routine_pairs, test_convolution, test_pooling

C = ctypes.CDLL(None)
kept = []

def fenced(a, at_end):
    size = -(-max(a.nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    area = mmap.mmap(-1, size + 2 * mmap.PAGESIZE)
    kept.append(area)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    for fence in (start, start + mmap.PAGESIZE + size):
        assert C.mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    at = start + mmap.PAGESIZE + (size - a.nbytes if at_end else 0)
    copy = np.frombuffer((ctypes.c_char * a.nbytes).from_address(at), a.dtype).reshape(a.shape)
    copy[...] = a
    return copy

def agree(op, *arrays):
    native, reference = routine_pairs.both(op, *arrays)
    wanted = reference(*arrays)
    for at_end in (True, False):
        routine_pairs.same(native(*(fenced(a, at_end) for a in arrays)), wanted)

test_convolution.agree = test_pooling.agree = agree
for seed in range(24):
    test_convolution.test_chosen_at_random(seed)
for options in test_convolution.OPTIONS.values():
    test_convolution.test_two_axes("float32", options)
for sizes in test_pooling.SIZES.values():
    for mode in ("max", "average_inc_pad"):
        test_pooling.test_two_axes("float32", sizes, mode)
"""

_FENCED = SCRIPT[: SCRIPT.index("def agree")].replace("test_convolution, test_pooling", "test_tile_products as made")
PRODUCTS = _FENCED + """
import theano, theano.tensor as T

for dtype in made.DTYPES:
    A, B = T.matrix("A", dtype), T.matrix("B", dtype)
    product = theano.function([A, B], T.dot(A, B))
    for m, n, inner in (*made.SIZES, (260, 10, 400), (256, 65, 258), (9, 300, 401), (300, 310, 11)):
        a, b = made.sample(dtype, m, inner), made.sample(dtype, inner, n, seed=1)
        for at_end in (True, False):
            for turn_a in (False, True):
                for turn_b in (False, True):
                    x = fenced(a.T.copy(), at_end).T if turn_a else fenced(a, at_end)
                    y = fenced(b.T.copy(), at_end).T if turn_b else fenced(b, at_end)
                    made.near(product(x, y), a @ b, max(inner, 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")
def test_convolution_and_pooling() -> None:
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", SCRIPT, here], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:] + done.stderr[-2000:])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")
def test_products() -> None:
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", PRODUCTS, here], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:] + done.stderr[-2000:])
