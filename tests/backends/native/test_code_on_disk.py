"""Processes share machine code through a directory: each finds what others made, and none is disturbed by what happens
to the files."""

import os
import subprocess
import sys

import pytest

from theano.backends.native import target
from theano.backends.native.object_cache import SUFFIX, ObjectCache

PROGRAM = """
import sys
import numpy as np
import theano, theano.tensor as T
from theano.backends.native import target
made = []
compiled = target.object_code
def counted(text, *args, **kwargs):
    made.append(text)
    return compiled(text, *args, **kwargs)
target.object_code = counted
import theano.backends.native.unit_code
x, w, image = T.dmatrix(), T.dmatrix(), T.dtensor4()
y = T.tanh(T.dot(x, w)) ** 2
outputs = [y.sum(), T.grad(y.sum(), w), T.nnet.softmax(x), T.slinalg.cholesky(T.dot(x, x.T) + T.eye(x.shape[0])),
           T.nnet.conv2d(image, T.ones((1, 1, 2, 2)))]
f = theano.function([x, w, image], outputs)
rng = np.random.default_rng(0)
a, b, c = rng.standard_normal((3, 3)), rng.standard_normal((3, 5)), rng.standard_normal((1, 1, 5, 5))
found = f(a, b, c)
wanted = theano.function([x, w, image], outputs, mode="reference")(a, b, c)
for ours, theirs in zip(found, wanted):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
print(len(made))
"""


def environment(place, **flags):
    named = {"cache.enabled": True, "base_compiledir": place, **flags}
    return {**os.environ, "THEANO_FLAGS": ",".join(f"{k}={v}" for k, v in named.items())}


def start(code, place, **flags):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], env=environment(place, **flags), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def output(process):
    out, err = process.communicate(timeout=250)
    assert (process.returncode, err) == (0, "")
    return out.split()


def run(code, place, **flags):
    return output(start(code, place, **flags))


def files(place):
    return sorted(os.listdir(place / "compiledir"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A directory which one process has filled."""
    place = tmp_path_factory.mktemp("filled")
    (count,) = run(PROGRAM, place)
    assert int(count) >= 5
    return place


def test_a_second_process_compiles_nothing(filled):
    before = files(filled)
    assert run(PROGRAM, filled) == ["0"]
    assert files(filled) == before and all(name.endswith(SUFFIX) for name in before)


def test_switched_off(tmp_path):
    (count,) = run(PROGRAM, tmp_path, **{"cache.enabled": False})
    assert int(count) >= 5
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_damaged_files_are_made_again(filled, tmp_path, how):
    place = tmp_path / "compiledir"
    place.mkdir(mode=0o700)
    names = files(filled)
    for name in names:
        content = bytearray((filled / "compiledir" / name).read_bytes())
        content[len(content) * 2 // 3] ^= 1
        (place / name).write_bytes(content if how == "flipped" else content[: len(content) // 3])
        (place / name).chmod(0o600)
    (count,) = run(PROGRAM, tmp_path)
    assert int(count) >= 5
    assert run(PROGRAM, tmp_path) == ["0"]
    assert files(tmp_path) == names


def test_thirty_two_processes_at_once(tmp_path):
    code = """
import numpy as np, theano, theano.tensor as T
x = T.dvector()
f = theano.function([x], [T.exp(x) * 3 + 1, (x ** 2).sum()])
a, b = f(np.arange(100.0))
np.testing.assert_allclose(a, np.exp(np.arange(100.0)) * 3 + 1, rtol=1e-13)
print(float(b))
"""
    processes = [start(code, tmp_path) for _ in range(32)]
    assert [output(p) for p in processes] == [["328350.0"]] * 32
    names = files(tmp_path)
    assert 2 <= len(names) <= 4 and all(name.endswith(SUFFIX) for name in names)
    assert not any(ObjectCache(str(tmp_path / "compiledir"), 1 << 28).check())


def test_a_purge_while_a_process_runs(tmp_path):
    code = """
import numpy as np, shutil, theano, theano.tensor as T
from theano.bin.theano_cache import main
x = T.dvector()
f = theano.function([x], T.exp(x))
assert main(["purge"]) == 0
g = theano.function([x], [T.exp(x), T.sinh(x)])
shutil.rmtree(theano.config.base_compiledir)
h = theano.function([x], T.dot(x, x) + T.cosh(x))
for function in (f, g, h):
    function(np.ones(3))
"""
    run(code, tmp_path / "base")
    assert files(tmp_path / "base")


@pytest.mark.parametrize("place", ["/dev/null/impossible", "/proc/impossible"])
@pytest.mark.skipif(not os.path.exists("/proc"), reason="there is no such place")
def test_an_impossible_directory_is_no_trouble(place):
    (count,) = run(PROGRAM, place)
    assert int(count) >= 5


def test_the_better_code_is_kept(tmp_path):
    code = """
import numpy as np, theano, theano.tensor as T
from theano.backends.native import runtime
x = T.dscalar()
f = theano.function([x], x + 1)
system = runtime.runtime()
print(len(system._units))
for n in range(runtime.UPGRADE_AFTER + 1):
    assert f(float(n)) == n + 1
system._background.wait()
print(len(system._units))
for n in range(10):
    assert f(float(n)) == n + 1
"""
    assert run(code, tmp_path) == ["1", "0"]
    assert run(code, tmp_path) == ["0", "0"]


TEXTS = """
import numpy as np, theano, theano.tensor as T
from theano.backends.native import image, object_cache, runtime, target, unit_text, vector_code
kept = []
def told(self, *args):
    kept.append(pieces(self, *args))
    return kept[-1]
pieces = unit_text.Unit.pieces
unit_text.Unit.pieces = told
compiled = target.Code.__init__
def text_of(self, text, *args, **kwargs):
    kept.append([text])
    compiled(self, text, *args, **kwargs)
target.Code.__init__ = text_of
system = runtime.runtime()
for part in ("views", "products", "routines", "cholesky", "lu", "inverses", "eigen", "svd", "solving",
             "least_squares", "factors", "cofactors", "convolution", "pooling"):
    system._load(part)
for routine in ("convolution.forward", "convolution.by_kernel", "pooling.pool", "pooling.max_gradient"):
    vector_code.code_table(routine, "float32")
print(len(kept), object_cache.digest(*[text for texts in kept for text in texts]))
"""


def test_text_is_the_same_in_every_process(tmp_path):
    """So it contains no addresses, which differ from process to process."""
    found = [run(TEXTS, tmp_path, **{"cache.enabled": False}) for _ in range(2)]
    assert found[0] == found[1] and int(found[0][0]) > 15


@pytest.mark.parametrize("what", ["cpu", "features", "_versions"])
def test_code_for_another_machine_or_version_has_another_name(monkeypatch, what):
    before = target.code_key("text", 2)
    assert target.code_key("text", 2) == before != target.code_key("text", 1)
    monkeypatch.setattr(target.host(), what, getattr(target.host(), what) + ",+other")
    assert target.code_key("text", 2) != before
    monkeypatch.undo()
    assert target.code_key("text", 2) == before


def test_versions_are_part_of_the_name(monkeypatch):
    before = target.Host()._versions
    monkeypatch.setattr(target._llvm(), "llvm_version_info", (99, 0, 0))
    assert target.Host()._versions != before
