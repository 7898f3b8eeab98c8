"""theano.doctor and `python -m theano`: they say what is, and never fail because something is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import target, thread_count
from theano.compile import doctor as module


def test_every_subject_has_findings() -> None:
    found = theano.doctor()
    assert all(found.values())
    text = str(found)
    assert theano.__version__ in text and np.__version__ in text and "vectors of" in text
    width = max(map(len, found)) + 2
    for subject, findings in found.items():
        assert any(line == subject.ljust(width) + findings.split("\n")[0] for line in text.split("\n"))


def test_settings_and_memory_are_those_of_now() -> None:
    x = T.vector("x")
    f = theano.function([x], T.tanh(x) + 1)
    f.free()
    f(np.ones(1 << 20))
    assert theano.doctor()["memory"].startswith("8.0 MiB in the pool")
    f.free()
    assert theano.doctor()["memory"].startswith("0 B in the pool")
    with theano.change_flags(pool_bytes=-1, allow_gc=False):
        assert "no limit" in theano.doctor()["memory"]
        assert "allow_gc=False" in theano.doctor()["settings"]


def test_threads_and_who_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert theano.doctor()["threads"].startswith("up to 5 in native code (OMP_NUM_THREADS=5)")
    with theano.change_flags(openmp=False):
        assert theano.doctor()["threads"].startswith("up to 1 in native code (config.openmp is off)")
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert "processors for this process" in theano.doctor()["threads"]


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_count, "threads_exist", lambda: False)
    monkeypatch.setattr(target, "libmvec_address", lambda name: 0)
    monkeypatch.setattr(module, "object_cache", lambda: None)

    def absent(name: str) -> object:
        raise ImportError("no BLAS here")

    found = theano.doctor()
    assert found["threads"].startswith("one: the C library has no POSIX threads")
    assert found["mathematics"].endswith("not there")
    assert "not kept on disk" in found["cache"]
    monkeypatch.setattr(module.importlib, "import_module", absent)
    assert module._blas() == "none: SciPy's cannot be loaded (no BLAS here)"


def test_from_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "theano"], capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "3", "THEANO_FLAGS": "floatX=float32"},
    )  # fmt: skip
    assert "OMP_NUM_THREADS=3" in done.stdout and "floatX=float32" in done.stdout
    assert done.stdout.count("\n") >= 8 and not done.stderr
