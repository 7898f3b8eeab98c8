"""The run-time system as Python sees it: its functions' addresses, made on first use, and the memory pool.

Nothing is compiled before the first program is. The parts that not every program needs (views and Python calls,
matrix products) are compiled when the first program needs them.

The optimising code generator needs a tenth of a second for the run-time system, the fast one a tenth of that. So a
process starts with fast-made code, and a process which has done some work (`UPGRADE_AFTER`) has it made again, better,
once. Tables therefore refer to functions through the words of `doors`, and C function objects through their
PyMethodDef: changing those switches over, at any time and for all programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from functools import cache

from theano._collector import collector_paused
from theano._config import config
from theano.backends.native import runtime_core, target
from theano.backends.native.runtime_language import imported_names, runtime_text
from theano.backends.native.thread_count import threads_exist, threads_word

_lock = threading.RLock()
# in calls; a thousand elements of work count as one more
UPGRADE_AFTER = 2000

# The files that every program needs, compiled together: functions call each other within one LLVM module only.
_EVERY_PROGRAM = ("core", "records", "prepare", "kernels", "axes", "walk", "turn", "runs", "rows")

# These spend their time in code for vectors, which is made well from the start.
_AS_GOOD_AS_NEEDED = frozenset(("plan", "windows", "tiles", "threads", "adjoints", "convolution", "pooling"))

_MISFIT = b"the arguments do not fit the compiled function's inputs"


@cache
def _pool() -> ctypes.Array:
    """The pool's table; see POOL_ in `runtime_core.py`. Machine code reads and writes it with the GIL held."""
    table = (ctypes.c_int64 * (runtime_core.POOL_FIRST // 8 + 2 * runtime_core.POOL_ENTRIES))()
    table[runtime_core.POOL_LIMIT // 8] = _pool_limit(config.pool_bytes)
    return table


def _pool_limit(wanted: int) -> int:
    """What the setting `pool_bytes` means: if negative, an eighth of the machine's memory, at most 1 GiB."""
    if wanted >= 0:
        return wanted
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 4 << 30
    return min(memory // 8, 1 << 30)


@cache
def cache_room() -> ctypes.Array:
    """How many bytes a block of rows may touch (one word, which machine code reads): half of the second cache."""
    size = 0
    with contextlib.suppress(AttributeError, ValueError, OSError):
        size = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    return (ctypes.c_int64 * 1)(size // 2 if size >= 1 << 18 else 1 << 19)


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler (NEP 49)."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    ]


_handler = _Handler(name=b"theano", version=1)


class Runtime:
    """The run-time system's files (parts), compiled when they are needed.

    A part sees the names that it imports, and no others: two parts may use one name for different things. `scopes`
    holds what each part defines: its constants, and the addresses of its functions. Parts compiled together share one.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, dict[str, int]] = {}
        make_capsule = ctypes.pythonapi.PyCapsule_New
        make_capsule.restype = ctypes.py_object
        make_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self._capsule_name = b"mem_handler"
        capsule = make_capsule(ctypes.addressof(_handler), self._capsule_name, None)
        # arrays refer to the capsule; it must outlive this module
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(capsule))
        self._misfit = ctypes.create_string_buffer(_MISFIT)
        self.known = {
            "POOL": ctypes.addressof(_pool()),
            "CACHE_ROOM": ctypes.addressof(cache_room()),
            "MADVISE": target.c_address("madvise") if sys.platform == "linux" else 0,
            "MEMORY_HANDLER": id(capsule),
            "MISFIT_TEXT": ctypes.addressof(self._misfit),
            "Py_None": id(None),
            "PyExc_TypeError": _exception_address("PyExc_TypeError"),
            "DESCR_ITEMSIZE": 40,
            "CLOCK_MILLISECOND": 1 if sys.platform == "win32" else 1000,  # what C's clock() counts
            "THREADS": threads_word(),
        }
        if not threads_exist():
            self.known.update(pthread_create=0, pthread_join=0)  # never called
        if sys.platform != "linux":
            self.known["malloc_usable_size"] = _usable_size()
        self._budget = (ctypes.c_int64 * 1)(UPGRADE_AFTER)
        self.known["BUDGET"] = ctypes.addressof(self._budget)
        self._upgrade_method = self._upgrade  # one object, whose address the code knows
        self.known["UPGRADE"] = id(self._upgrade_method)
        self._doors: dict[tuple[str, str], ctypes.Array] = {}
        self._definitions: dict[str, _MethodDef] = {}
        self._parts: dict[str, tuple[str, dict[str, str]]] = {}
        self._add(*_EVERY_PROGRAM)
        for name in ("malloc", "calloc", "realloc", "free"):
            # these stay: arrays of other modules may hold them
            setattr(_handler, name, self.scopes["core"]["handler_" + name])

    def _add(self, *names: str) -> None:
        known = dict(self.known)
        for name in names:
            for part, wanted in imported_names(name).items():
                if part not in names:
                    known.update({w: self.scopes[part][w] for w in wanted})
        # Syntax trees are many small objects and no garbage: looking for some among them costs more than the rest.
        with collector_paused():
            text, symbols, constants = runtime_text(names, known)
        scope = dict(constants)
        self.scopes.update(dict.fromkeys(names, scope))
        self._parts[names[0]] = text, symbols
        self._generate(names[0], level=0)
        if names[0] in _AS_GOOD_AS_NEEDED:
            del self._parts[names[0]]
        self._budget[0] = min(self._budget[0], UPGRADE_AFTER)

    def _generate(self, part: str, level: int) -> None:
        text, symbols = self._parts[part]
        code = target.Code(text, level, promote=level > 0)
        for name, symbol in symbols.items():
            address = self.scopes[part][name] = code.address(symbol)
            if (part, name) in self._doors:
                self._doors[part, name][0] = address
            if part == "core" and name in self._definitions:
                self._definitions[name].code = address

    def _upgrade(self) -> None:
        """Make better code of what every call goes through. Machine code calls this when the budget is used up."""
        with _lock:
            if self._parts:
                for part in list(self._parts):
                    self._generate(part, level=1)
                self._parts.clear()

    upgrade = _upgrade

    def _load(self, part: str) -> None:
        """Compile the file `runtime_<part>.py`, after those from which it takes functions."""
        if part not in self.scopes:
            for other in imported_names(part):
                self._load(other)
            self._add(part)

    def door(self, part: str, name: str) -> int:
        """The address of a word which holds the address of the function `name` in `runtime_<part>.py`."""
        with _lock:
            self._load(part)
            scope = self.scopes[part]
            if name not in scope:
                raise NotImplementedError(f"the run-time system has no function {name!r} in runtime_{part}.py")
            unit = "core" if part in _EVERY_PROGRAM else part
            if (unit, name) not in self._doors:
                self._doors[unit, name] = (ctypes.c_int64 * 1)(scope[name])
            return ctypes.addressof(self._doors[unit, name])

    def method(self, name: str) -> int:
        """The address of a PyMethodDef for a function with the METH_FASTCALL | METH_KEYWORDS convention."""
        with _lock:
            if name not in self._definitions:
                self._definitions[name] = _MethodDef(b"compiled", self.scopes["core"][name], 0x80 | 0x02, None)
            return ctypes.addressof(self._definitions[name])


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


def _exception_address(name: str) -> int:
    return ctypes.addressof(ctypes.c_void_p.in_dll(ctypes.pythonapi, name))


def _usable_size() -> int:
    for name in ("malloc_size", "_msize"):
        try:
            return target.c_address(name)
        except AttributeError:
            continue
    raise OSError("the C library cannot tell the size of a block of memory")


@cache
def _make() -> Runtime:
    config._params["pool_bytes"].on_change = _limit_pool
    return Runtime()


def runtime() -> Runtime:
    with _lock:
        return _make()


def pooled_bytes() -> int:
    """How many bytes lie in the pool of recycled memory."""
    return int(_pool()[runtime_core.POOL_CACHED // 8])


def empty_pool() -> None:
    """Give the pool's memory back to the system."""
    _shrink_pool(0)


def _shrink_pool(most: int) -> None:
    shrink = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(runtime().scopes["core"]["pool_shrink"])
    shrink(most)


def _limit_pool(wanted: int) -> None:
    """The setting `pool_bytes` was changed."""
    limit = _pool()[runtime_core.POOL_LIMIT // 8] = _pool_limit(wanted)
    _shrink_pool(limit)
