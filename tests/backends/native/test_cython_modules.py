"""Tables of C functions that Cython modules export, loaded without the packages around them."""

import subprocess
import sys

import pytest

from theano.backends.native import cython_modules, target

ALONE = """
import sys
from theano.backends.native import cython_modules, target
found = target.c_address("blas_dgemm"), target.c_address("lapack_dpotrf")
assert "scipy.linalg" not in sys.modules, "the package was loaded"
assert not [name for name in sys.modules if name.startswith("scipy.linalg.")]
from theano.backends.native import thread_count
import numpy as np, theano, theano.tensor as T
x = T.dmatrix()
theano.function([x], T.dot(x, x) + T.dot(x, x[0]))(np.ones((3, 3)))   # a program with products does without, too
assert "scipy.linalg" not in sys.modules
path = cython_modules.file_of("scipy.linalg.cython_blas")
blas = list(thread_count._blas)
import scipy.linalg
import scipy.linalg.cython_lapack
import scipy.linalg.cython_blas
from scipy.linalg import cython_blas
assert cython_blas is scipy.linalg.cython_blas is sys.modules["scipy.linalg.cython_blas"]
cython_modules.exported.cache_clear()
target.cython_address.cache_clear()
assert [target.cython_address("scipy.linalg.cython_blas", "dgemm")[1],
        target.cython_address("scipy.linalg.cython_lapack", "dpotrf")[1]] == list(found)
assert cython_blas.__file__ == path == cython_modules.file_of("scipy.linalg.cython_blas")
thread_count.find_blas.cache_clear()
thread_count.find_blas()
assert list(thread_count._blas) == blas
assert cython_modules.file_of("no_such_package.module") is None
print(scipy.linalg.solve([[2.0]], [4.0])[0])
"""


def test_loaded_alone_and_once_more_with_the_package():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2.0\n", "")


@pytest.mark.parametrize("trouble", ["no package", "no file", "no table", "broken"])
def test_the_ordinary_import_is_the_way_out(trouble, monkeypatch):
    name = "scipy.linalg.cython_blas"
    wanted = target.cython_address(name, "dgemm")[1]
    for loaded in [m for m in sys.modules if m == "scipy.linalg" or m.startswith("scipy.linalg.")]:
        monkeypatch.delitem(sys.modules, loaded)
    if trouble == "no package":
        monkeypatch.setattr(cython_modules, "find_spec", lambda name: None)
    elif trouble == "no file":
        monkeypatch.setattr(cython_modules.PathFinder, "find_spec", lambda name, places: None)
    elif trouble == "no table":
        monkeypatch.setattr(cython_modules, "module_from_spec", lambda spec: sys)
    else:
        def broken(spec):
            raise ImportError("a library is missing")

        monkeypatch.setattr(cython_modules, "module_from_spec", broken)
    assert cython_modules._alone(name) is None
    monkeypatch.undo()
    assert target.capsule(cython_modules.exported.__wrapped__(name)["dgemm"])[1] == wanted
