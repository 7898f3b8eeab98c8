"""The code for machines without AVX-512: the same tests, in a process that pretends to be one.

Shorter vectors, other libmvec functions, no masked loads and stores.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from theano.backends.native import target

SCRIPT = """
import sys, pytest
from theano.backends.native import target
host, width = target.host(), int(sys.argv[1])
gone = ("avx512", "avx10") if width == 32 else ("avx", "fma", "f16c", "xop", "vaes", "vpclmulqdq")
host.features = ",".join(("+" if on and not n.startswith(gone) else "-") + n for n, on in host.has.items())
host.vector_bytes, host.cpu = width, "x86-64-v3" if width == 32 else "x86-64-v2"
if width == 16:
    host.fma = host.half = False
sys.exit(pytest.main(["-q", "-x", sys.argv[2], "-p", "no:cacheprovider", "-k", sys.argv[3]]))
"""
SOME = (
    "layouts or every_place or first_nan or every_length or cast or lengths or mixed or accuracy or gather or scatter "
    "or outer_axes or pairwise "
    "or chosen_at_random or any_number or large_products or stacks_of_matrices or together or random_steps "
    "or several_vectors"
)


@pytest.mark.parametrize("width", [32, 16])
def test_narrow_vectors(width: int) -> None:
    if not target.host().has.get("avx2"):
        pytest.skip("this machine has no wider vectors to do without")
    names = f"({SOME}) and not narrow" + (" and not float16" if width == 16 else "")
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(width), here, names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
