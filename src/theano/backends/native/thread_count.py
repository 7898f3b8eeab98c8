"""How many threads native code may use: words that machine code reads.

As many as OMP_NUM_THREADS says, or else as there are processors for this process; one if `config.openmp` is off. The
words are read with the GIL held, and changed by Python at any time.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from theano._config import config
from theano.backends.native import runtime_products, runtime_threads, target
from theano.backends.native.cython_modules import file_of

# what one point of an addition costs, in the guesses of `kernel_code.py` (picoseconds)
POINT_OF_AN_ADDITION = 300

# For which processors OpenBLAS has loops that give pieces of a product the bits of the whole, as BLAS_KEEPS has it;
# found by trying, see the tests. Those for Haswell take the last rows of a product of float32 in another way.
_KEEPS = {
    **dict.fromkeys(("SkylakeX", "Cooperlake", "Sandybridge", "Nehalem", "Katmai"), 15),
    **dict.fromkeys(("Haswell", "Zen"), 7),
}

# what `runtime_threads.py` calls of the C library
THREAD_FUNCTIONS = (
    "pthread_create", "pthread_detach", "pthread_mutex_lock", "pthread_mutex_trylock", "pthread_mutex_unlock",
    "pthread_cond_wait", "pthread_cond_signal", "pthread_cond_broadcast", "timespec_get",
)  # fmt: skip

_word = (ctypes.c_int64 * 1)(0)  # 0: nobody has asked yet
_busy = (ctypes.c_int64 * 1)(0)
# see BLAS_ in `runtime_products.py`
_blas = (ctypes.c_int64 * (runtime_products.BLAS_BYTES // 8))()
_least = (ctypes.c_int64 * 1)(0)
# threads wait here until the process ends: the table outlives the interpreter
_crew = (ctypes.c_int64 * 64)()
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_crew))


def allowed_threads(openmp: bool) -> int:
    """What the setting and the environment say, wherever threads exist."""
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
        return all(target.c_address(name) for name in THREAD_FUNCTIONS)
    except AttributeError:
        return False


def set_threads(count: int = 0) -> None:
    """Let native code use so many threads from now on (0: as many as are allowed; 1 where the system has none)."""
    _word[0] = (count or allowed_threads(bool(config.openmp))) if threads_exist() else 1


def threads_for_multiplications(work: int) -> int:
    """How many threads divide so many multiplications, if no others are busy (`thread_count` in the run-time file)."""
    most = min(_word[0], runtime_threads.MOST_THREADS)
    return max(1, min(most, work // runtime_threads.WORTH_A_THREAD))


def threads_word() -> int:
    """The address of the word that says how many threads there may be."""
    if _word[0] == 0:
        set_threads()
    return ctypes.addressof(_word)


def busy_word() -> int:
    """The address of the word that counts threads at work, besides those of Python."""
    return ctypes.addressof(_busy)


def least_word() -> int:
    """The address of the word that says how much work a kernel must have to be divided (picoseconds, a guess)."""
    _set_least(config.openmp_elemwise_minsize)
    return ctypes.addressof(_least)


def crew_table() -> int:
    """The address of the table of threads that wait for work; see CREW_ in `runtime_threads.py`."""
    _found_crew()
    return ctypes.addressof(_crew)


def blas_table() -> int:
    """The address of the table that says how to limit BLAS's own threads; `find_blas` fills it."""
    return ctypes.addressof(_blas)


@cache
def find_blas() -> str:
    """Find out how BLAS is told how many threads to use, for which SciPy's OpenBLAS has functions; and for which
    processor it has chosen its loops ("": it does not say)."""
    path = file_of("scipy.linalg.cython_blas")
    if path is None or not threads_exist():
        return ""
    try:
        library = ctypes.CDLL(path)
    except OSError:
        return ""
    for prefix in ("scipy_openblas", "openblas"):
        found: list[Any] = [getattr(library, f"{prefix}_{what}_num_threads", None) for what in ("get", "set")]
        if all(found):
            _blas[0], _blas[1] = (ctypes.cast(function, ctypes.c_void_p).value or 0 for function in found)
            ask = getattr(library, f"{prefix}_get_corename", None)
            if ask is None:
                return ""
            ask.restype = ctypes.c_char_p
            loops = str(ask().decode())
            _blas[runtime_products.BLAS_KEEPS // 8] = _KEEPS.get(loops, 0)
            return loops
    return ""


def blas_is_fast() -> bool:
    """Do BLAS's loops take vectors of 64 bytes, and does the processor compute with all of such a vector at once?"""
    return find_blas() in ("SkylakeX", "Cooperlake", "SapphireRapids") and target.host().cpu != "znver4"


def crew_size() -> int:
    """How many threads wait for work, or do some, besides those of Python."""
    return int(_crew[runtime_threads.CREW_COUNT // 8])


def _found_crew() -> None:
    """Let the crew be empty, and its lock free."""
    if not threads_exist():
        return
    ctypes.memset(_crew, 0, ctypes.sizeof(_crew))
    at = ctypes.addressof(_crew)
    make = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    make(target.c_address("pthread_mutex_init"))(at + runtime_threads.CREW_LOCK, None)
    for condition in (runtime_threads.CREW_WORK, runtime_threads.CREW_DONE):
        make(target.c_address("pthread_cond_init"))(at + condition, None)


def _set_least(points: int) -> None:
    _least[0] = max(0, points) * POINT_OF_AN_ADDITION


def _switch(openmp: bool) -> None:
    set_threads(allowed_threads(openmp))


def _after_fork() -> None:
    """A child of fork has none of its parent's threads, of which one may have held the lock."""
    _busy[0] = 0
    _found_crew()
    if _blas[runtime_products.BLAS_USERS // 8]:
        _blas[runtime_products.BLAS_USERS // 8] = 0
        ctypes.CFUNCTYPE(None, ctypes.c_int)(_blas[1])(_blas[runtime_products.BLAS_BEFORE // 8])


config._params["openmp"].on_change = _switch
config._params["openmp_elemwise_minsize"].on_change = _set_least
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
