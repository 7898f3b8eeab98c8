"""What this process runs on: `theano.doctor()`, and `python -m theano`.

For reports of errors, and to see why something is slower than it could be: what the machine offers, how many threads
work and who decides about that, which BLAS computes products, what lies in the pool of memory and in the cache on disk.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import sys
from typing import Any

import numpy as np

from theano._config import config
from theano.backends.native import runtime, target, thread_count
from theano.backends.native.object_cache import object_cache
from theano.lowering.memory_plan import size_text

_FEATURES = ("avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "neon", "sve", "fullfp16")


class Diagnosis(dict[str, str]):
    """{subject: findings}; `str()` is what `python -m theano` prints."""

    def __str__(self) -> str:
        width = max(map(len, self))
        lines = []
        for subject, findings in self.items():
            first, *more = findings.split("\n")
            lines.append(f"{subject.ljust(width)}  {first}")
            lines += [" " * (width + 2) + line for line in more]
        return "\n".join(lines)


def doctor() -> Diagnosis:
    """What this process runs on: versions, processor, threads, BLAS, mathematics, pool of memory, cache on disk.

    Returns a dict of texts, which prints as a table. Nothing is changed, and nothing raises because something is
    missing: it is said. `python -m theano` prints the same.

    >>> import theano
    >>> sorted(theano.doctor())
    ['BLAS', 'cache', 'mathematics', 'memory', 'processor', 'settings', 'threads', 'versions']
    """
    return Diagnosis(
        versions=_versions(),
        processor=_processor(),
        threads=_threads(),
        BLAS=_blas(),
        mathematics=_mathematics(),
        memory=_memory(),
        cache=_cache(),
        settings=_settings(),
    )


def _versions() -> str:
    llvmlite = importlib.import_module("llvmlite")
    llvm = ".".join(map(str, importlib.import_module("llvmlite.binding").llvm_version_info))
    scipy = importlib.import_module("scipy")
    return (
        f"theano {sys.modules['theano'].__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}, llvmlite {llvmlite.__version__} (LLVM {llvm}), {platform.platform()}"
    )


def _processor() -> str:
    host = target.host()
    features = " ".join(name for name in _FEATURES if host.has.get(name))
    return f"{host.cpu}, vectors of {host.vector_bytes * 8} bits: {features or 'none of the features that matter'}"


def _threads() -> str:
    if not thread_count.threads_exist():
        return "one: the C library has no POSIX threads, so native code uses one thread"
    stated = os.environ.get("OMP_NUM_THREADS")
    most = thread_count.allowed_threads(bool(config.openmp))
    why = f"OMP_NUM_THREADS={stated}" if stated else f"{most} processors for this process"
    if not config.openmp:
        why = "config.openmp is off"
    text = f"up to {most} in native code ({why}), for work of {config.openmp_elemwise_minsize} additions and more"
    return f"{text}\n{thread_count.crew_size()} waiting or at work besides those of Python"


def _blas() -> str:
    """What the library that SciPy brings says of itself."""
    try:
        module: Any = importlib.import_module("scipy.linalg.cython_blas")
        library = ctypes.CDLL(module.__file__)
    except (ImportError, OSError) as error:
        return f"none: SciPy's cannot be loaded ({error})"
    for prefix in ("scipy_openblas", "openblas"):
        describe, count = (getattr(library, f"{prefix}_{name}", None) for name in ("get_config", "get_num_threads"))
        if describe is not None and count is not None:
            describe.restype = ctypes.c_char_p
            said = describe().decode().strip()
            return f"{said}, of SciPy; {count()} threads of its own (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS)"
    return "SciPy's, which is not OpenBLAS: it does not say what it is"


def _mathematics() -> str:
    found = "there" if any(map(target.libmvec_address, ("_ZGVdN4v_exp", "_ZGVnN2v_exp"))) else "not there"
    return f"vector_math={config.vector_math}; glibc's vector functions (libmvec) are {found}"


def _memory() -> str:
    limit = runtime.pool_limit()
    bound = "no limit" if limit >= 1 << 47 else f"at most {size_text(limit)}"
    return (
        f"{size_text(runtime.pooled_bytes())} in the pool for later calls "
        f"({bound}; config.pool_bytes, config.allow_gc, Function.free())\n"
        f"{size_text(runtime.lent_bytes())} of large results and temporaries in use, "
        f"at most {size_text(runtime.most_lent_bytes())} so far"
    )


def _cache() -> str:
    cache = object_cache()
    if cache is None:
        return "machine code is not kept on disk (config.cache.enabled, config.cache.max_bytes)"
    trouble = cache.trouble()
    return f"{cache.directory}: {size_text(cache.size())} of machine code" + (f"\n{trouble}" if trouble else "")


def _settings() -> str:
    """Settings that differ from their defaults."""
    changed = []
    for param in sorted(config._all_params(), key=lambda p: p.fullname):
        value: Any = config
        for part in param.fullname.split("."):
            value = getattr(value, part)
        if value != param.first_value():
            changed.append(f"{param.fullname}={value}")
    return ", ".join(changed) or "all as they are by default"
