"""How many threads native code may use: one word that machine code reads.

One, unless config.openmp is set: then as many as OMP_NUM_THREADS says, or else as there are processors for this
process. BLAS has threads of its own, which OMP_NUM_THREADS limits, too, and which wait for more work by running in
circles: on a machine that has other work to do they are in the way of ours. So more threads are something to ask for.
"""

from __future__ import annotations

import ctypes
import os

from theano._config import config
from theano.backends.native import target

_word = (ctypes.c_int64 * 1)(1)


def _allowed(openmp: bool) -> int:
    if not openmp:
        return 1
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_exist() -> bool:
    """Does the C library have POSIX threads?"""
    try:
        return bool(target.c_address("pthread_create") and target.c_address("pthread_join"))
    except AttributeError:
        return False


def set_threads(count: int) -> None:
    """Let native code use so many threads from now on (1 where the system has none)."""
    _word[0] = max(1, count) if threads_exist() else 1


def threads_word() -> int:
    """The address of the word."""
    set_threads(_allowed(bool(config.openmp)))
    return ctypes.addressof(_word)


def _switch(openmp: bool) -> None:
    set_threads(_allowed(openmp))


config._params["openmp"].on_change = _switch
