"""The run-time system as Python sees it: its functions' addresses, made on first use, and the memory pool.

Nothing is compiled before the first program is. The parts that not every program needs (views and Python calls,
matrix products) are compiled when the first program needs them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import cache

from theano.backends.native import runtime_core, target
from theano.backends.native.runtime_language import compile_runtime

_lock = threading.RLock()
_MISFIT = b"the arguments do not fit the compiled function's inputs"


@cache
def _pool() -> ctypes.Array:
    """The pool's table; see POOL_ in `runtime_core.py`. Machine code reads and writes it with the GIL held."""
    table = (ctypes.c_int64 * (runtime_core.POOL_FIRST // 8 + 2 * runtime_core.POOL_ENTRIES))()
    table[runtime_core.POOL_LIMIT // 8] = _pool_limit()
    return table


def _pool_limit() -> int:
    """An eighth of the machine's memory, at most 1 GiB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 4 << 30
    return min(memory // 8, 1 << 30)


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
    """Addresses (`functions`) and constants of the run-time system."""

    def __init__(self) -> None:
        self.functions: dict[str, int] = {}
        self.constants: dict[str, int] = {}
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
            "MADVISE": target.c_address("madvise") if sys.platform == "linux" else 0,
            "MEMORY_HANDLER": id(capsule),
            "MISFIT_TEXT": ctypes.addressof(self._misfit),
            "Py_None": id(None),
            "PyExc_TypeError": _exception_address("PyExc_TypeError"),
            "DESCR_ITEMSIZE": 40,
        }
        if sys.platform != "linux":
            self.known["malloc_usable_size"] = _usable_size()
        self._add("core", "kernels")
        for name in ("malloc", "calloc", "realloc", "free"):
            setattr(_handler, name, self.functions["handler_" + name])

    def _add(self, *names: str) -> None:
        functions, constants = compile_runtime(names, {**self.known, **self.constants, **self.functions})
        self.functions.update(functions)
        self.constants.update(constants)

    def function(self, name: str) -> int:
        """The address of a function, whichever part it is in."""
        with _lock:
            if name not in self.functions:
                self._add("products" if name.startswith("product_") else "views")
            return self.functions[name]


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
    return Runtime()


def runtime() -> Runtime:
    with _lock:
        return _make()


def pooled_bytes() -> int:
    """How many bytes lie in the pool of recycled memory."""
    return int(_pool()[runtime_core.POOL_CACHED // 8])


def empty_pool() -> None:
    """Give the pool's memory back to the system."""
    shrink = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(runtime().functions["pool_shrink"])
    shrink(0)
