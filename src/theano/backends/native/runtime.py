"""The run-time system as Python sees it: its functions' addresses, made on first use, and the memory pool.

Nothing is compiled before the first program is. The parts that not every program needs (kernels over arrays, views,
Python calls, matrix products) are compiled when the first program needs them.

A process starts with quickly made code (`unit_code.py`), and one which has done some work (`UPGRADE_AFTER`) has it made
again, better, once: in another thread, so that no call waits for it. A later process finds that code on disk. Tables
therefore refer to functions through the words of `doors`, and C function objects through their PyMethodDef: changing
those switches over, at any time and for all programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from theano._config import config
from theano.backends.native import runtime_core, runtime_memory, runtime_turn, target
from theano.backends.native.background import Background
from theano.backends.native.combine_text import make_combiners
from theano.backends.native.target import Address
from theano.backends.native.thread_count import (
    THREAD_FUNCTIONS,
    blas_table,
    busy_word,
    crew_table,
    least_word,
    threads_exist,
    threads_word,
)
from theano.backends.native.turn_text import PREFETCH, squares_for, turn_text
from theano.backends.native.unit_code import GOOD, QUICK, UnitCode
from theano.backends.native.unit_text import imported_names
from theano.backends.native.vector_text import SIZE

_lock = target.free_after_fork(threading.RLock())
# in calls; a thousand elements of work count as one more
UPGRADE_AFTER = 2000

# Files that are compiled together. Functions call each other within one LLVM module only, or by their addresses in
# modules which were there before. First what every program needs, then what kernels over arrays do.
_UNITS = (
    ("core", "memory", "calls", "point_calls", "records", "points"),
    ("kernels", "prepare", "axes", "walk", "turn", "runs", "single_runs", "positions"),
)  # fmt: skip
_TOGETHER = {name: names for names in _UNITS for name in names}

# These spend their time in code for vectors, which is made well from the start.
_AS_GOOD_AS_NEEDED = frozenset((
    "plan", "windows", "tiles", "threads", "divide", "divided_products", "adjoints", "convolution", "pooling",
))  # fmt: skip

# of a type: a flag, and where the function that frees its objects is
_HEAP_TYPE = 1 << 9
_TYPE_FREE = 320

_MISFIT = b"the arguments do not fit the compiled function's inputs"


@cache
def _pool() -> ctypes.Array:
    """The pool's table; see POOL_ in `runtime_memory.py`. Machine code reads and writes it with the GIL held."""
    table = (ctypes.c_int64 * (runtime_memory.POOL_FIRST // 8 + 2 * runtime_memory.POOL_ENTRIES))()
    _set_limit(table, config.pool_bytes)
    return table


def _set_limit(table: ctypes.Array, wanted: int) -> int:
    limit = table[runtime_memory.POOL_LIMIT // 8] = _pool_limit(wanted)
    table[runtime_memory.POOL_SMALL_KEPT // 8] = runtime_memory.SMALL_KEPT if limit else 0
    return limit


def _pool_limit(wanted: int) -> int:
    """What the setting `pool_bytes` means: if negative, an eighth of the machine's memory, at most 1 GiB; and no limit
    if `allow_gc` is off."""
    if wanted >= 0:
        return wanted
    if not config.allow_gc:
        return runtime_memory.MAXIMUM_BYTES
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 4 << 30
    return min(memory // 8, 1 << 30)


@cache
def cache_room() -> ctypes.Array:
    """Words that machine code reads, numbers of bytes; ROOM_ in `runtime_records.py` says of what."""
    second, third = _cache_size("LEVEL2_CACHE", 1 << 18) // 2 or 1 << 19, min(_third_cache() // 2, 1 << 24)
    return (ctypes.c_int64 * 3)(second, third, 16 * second)


def _third_cache() -> int:
    """The bytes of the cache that the first processor shares with others, as Linux says; elsewhere a guess."""
    with contextlib.suppress(OSError, ValueError), open("/sys/devices/system/cpu/cpu0/cache/index3/size") as file:
        return int(file.read().strip().removesuffix("K")) << 10
    return 1 << 23


def _cache_size(which: str, least: int) -> int:
    """The bytes of a cache; 0 where the system does not say how many, or fewer than `least`."""
    size = 0
    with contextlib.suppress(AttributeError, ValueError, OSError):
        size = os.sysconf(f"SC_{which}_SIZE")
    return size if size >= least else 0


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
        self._budget = (ctypes.c_int64 * 1)(UPGRADE_AFTER)
        self._upgrade_method = self._start_upgrade  # one object, whose address the code knows
        self._turns = (ctypes.c_int64 * (runtime_turn.TURNS_BYTES // 8))()
        # dividing work is for large arrays: code for it is made when the first of them turns up
        self._division = (ctypes.c_int64 * 4)()
        self._for_division = self._load_division, make_combiners
        self._panels = (ctypes.c_int64 * 1)()  # likewise, for products with what follows them
        self._for_panels = self._load_panels
        self.known: dict[str, int] = {
            "MADVISE": 0,
            "DESCR_ITEMSIZE": 40,
            "POINT_ARRAYS": int(_arrays_are_known()),
            "CLOCK_MILLISECOND": 1 if sys.platform == "win32" else 1000,  # what C's clock() counts
            **_named({
                "POOL": ctypes.addressof(_pool()),
                "CACHE_ROOM": ctypes.addressof(cache_room()),
                "MEMORY_HANDLER": id(capsule),
                "MISFIT_TEXT": ctypes.addressof(self._misfit),
                "Py_None": id(None),
                "PyExc_TypeError": _exception_address("PyExc_TypeError"),
                "THREADS": threads_word(),
                "BUSY": busy_word(),
                "LEAST_DIVIDED": least_word(),
                "CREW": crew_table(),
                "BLAS": blas_table(),
                "BUDGET": ctypes.addressof(self._budget),
                "UPGRADE": id(self._upgrade_method),
                "TURNS": ctypes.addressof(self._turns),
                "DIVISION": ctypes.addressof(self._division),
                "LOAD_DIVISION": id(self._for_division[0]),
                "MAKE_COMBINERS": id(self._for_division[1]),
                "PANELS": ctypes.addressof(self._panels),
                "LOAD_PANELS": id(self._for_panels),
            }),
        }  # fmt: skip
        if sys.platform == "linux":
            self.known.update(_named({"MADVISE": target.c_address("madvise")}))
        else:
            self.known.update(_named({"malloc_usable_size": _usable_size()}))
        if not threads_exist():
            self.known.update(dict.fromkeys(THREAD_FUNCTIONS, 0))  # never called
        self._doors: dict[tuple[str, str], ctypes.Array] = {}
        self._definitions: dict[str, _MethodDef] = {}
        self._answering: weakref.WeakKeyDictionary[Any, ctypes.c_int64] = weakref.WeakKeyDictionary()
        self._units: list[UnitCode] = []  # those whose code can become better
        self._background = Background(self._improve, self._soon)
        self._load("core")
        for name in ("malloc", "calloc", "realloc", "free"):
            # these stay: arrays of other modules may hold them
            setattr(_handler, name, self.scopes["core"]["handler_" + name])

    def _add(self, *names: str) -> None:
        unit = UnitCode(names, self._known_to(names))
        simple = names[0] in _AS_GOOD_AS_NEEDED
        unit.load((QUICK,) if simple else (GOOD, QUICK))
        scope = dict(unit.constants)
        self.scopes.update(dict.fromkeys(names, scope))
        self._publish(unit)
        if unit.level < GOOD and not simple:
            self._units.append(unit)
            self._budget[0] = min(self._budget[0], UPGRADE_AFTER)

    def _known_to(self, names: Sequence[str]) -> dict[str, int]:
        """What the files of a unit know: addresses and numbers, among them the functions of other units as they are."""
        known = dict(self.known)
        for name in names:
            for part, wanted in imported_names(name).items():
                if part not in names:
                    known.update({w: self.scopes[part][w] for w in wanted})
        return known

    def _publish(self, unit: UnitCode) -> None:
        """Let everybody use the code that a unit has now."""
        part = unit.names[0]
        for name in unit.functions:
            address = self.scopes[part][name] = unit.address(name)
            if (part, name) in self._doors:
                self._doors[part, name][0] = address
            if part == "core" and name in self._definitions:
                self._definitions[name].code = address
        if part == "core":
            for _instance, word in self._answering.items():  # which live meanwhile
                word.value = self.scopes["core"]["entry"]
        if part == "panels":
            self._panels[0] = self.scopes["panels"]["panels_run"]
        if part == "divide" and self._division[0]:
            self._tell_division()

    def _start_upgrade(self) -> None:
        """Machine code calls this when the budget is used up."""
        self._background.start()

    def _improve(self, stopped: Callable[[], bool]) -> bool:
        """Make better code of what every call goes through."""
        while True:
            with _lock:
                if not self._units:
                    self.load_turns()
                    return True
                unit = self._units[0]
                # the units of which it calls functions came before, and have better code now
                unit.known = self._known_to(unit.names)
            if not unit.improve(stopped):
                return False
            with _lock:
                self._publish(unit)
                self._units.remove(unit)

    def _soon(self) -> None:
        """Making better code was broken off: let the next call start it again."""
        self._budget[0] = 1

    def upgrade(self) -> None:
        """Have the better code now."""
        self._background.start()
        self._background.wait()

    def _load(self, part: str) -> None:
        """Compile the file `runtime_<part>.py` with its unit, after the units from which that takes functions."""
        if part not in self.scopes:
            unit = _TOGETHER.get(part, (part,))
            for name in unit:
                for other in imported_names(name):
                    if other not in unit:
                        self._load(other)
            self._add(*unit)

    def load_turns(self) -> None:
        """Have the code that turns blocks of memory (`runtime_turn.py` does without, more slowly)."""
        with _lock:
            if self._turns[0]:
                return
            wanted = [(4 * n + 2 * m, side, kind) for n, kind in enumerate(("i64", "i32"))
                      for m, side in enumerate(squares_for(SIZE[kind]))]
            text = "\n\n".join([PREFETCH, *(turn_text(side, kind) for _, side, kind in wanted)])
            code = target.Code(text, 2)
            for place, side, kind in wanted:
                self._turns[place + 1] = code.address(f"turn_{side}_{8 * SIZE[kind]}")
            for place, side, _ in wanted:
                self._turns[place] = side  # from now on they are called

    def _load_division(self) -> None:
        with _lock:
            self._load("divide")
            self._load("divided_products")
            self._tell_division()

    def _load_panels(self) -> None:
        with _lock:
            self._load("panels")  # which is published in the word

    def _tell_division(self) -> None:
        self._division[3] = self.scopes["divided_products"]["divide_range"]
        self._division[2] = self.scopes["divided_products"]["divide_product"]
        self._division[1] = self.scopes["divide"]["divide_rows"]
        # this one says that all are there
        self._division[0] = self.scopes["divide"]["divide_walk"]

    def door(self, part: str, name: str) -> int:
        """The address of a word which holds the address of the function `name` in `runtime_<part>.py`."""
        with _lock:
            self._load(part)
            scope = self.scopes[part]
            if name not in scope:
                raise NotImplementedError(f"the run-time system has no function {name!r} in runtime_{part}.py")
            unit = _TOGETHER.get(part, (part,))[0]
            if (unit, name) not in self._doors:
                self._doors[unit, name] = (ctypes.c_int64 * 1)(scope[name])
            return ctypes.addressof(self._doors[unit, name])

    def answer(self, instance: Any, words: int) -> None:
        """Put the address of `entry` into the word of an object through which it is called, now and when there is
        better code."""
        with _lock:
            word = self._answering[instance] = ctypes.c_int64.from_address(words)
            word.value = self.scopes["core"]["entry"]

    def method(self, name: str) -> int:
        """The address of a PyMethodDef for a function with the METH_FASTCALL | METH_KEYWORDS convention."""
        with _lock:
            if name not in self._definitions:
                self._definitions[name] = _MethodDef(b"compiled", self.scopes["core"][name], 0x80 | 0x02, None)
            return ctypes.addressof(self._definitions[name])


def _named(addresses: Mapping[str, int]) -> dict[str, int]:
    return {name: Address(address, f"runtime:{name}") for name, address in addresses.items()}


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


def _arrays_are_known() -> bool:
    """May machine code make an ndarray itself? If it has the fields of NumPy 2, and its memory is PyObject_Malloc's."""
    if hasattr(sys, "gettotalrefcount") or ctypes.sizeof(ctypes.c_void_p) != 8 or np.ndarray.__flags__ & _HEAP_TYPE:
        return False
    free = ctypes.c_void_p.from_address(id(np.ndarray) + _TYPE_FREE).value
    plain = ctypes.cast(ctypes.pythonapi.PyObject_Free, ctypes.c_void_p).value
    return np.ndarray.__basicsize__ == runtime_core.ARRAY_BYTES and free == plain


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
    config._params["allow_gc"].on_change = lambda _: _limit_pool(config.pool_bytes)
    return Runtime()


def runtime() -> Runtime:
    with _lock:
        return _make()


def pooled_bytes() -> int:
    """How many bytes lie in the pool of recycled memory."""
    return int(_pool()[runtime_memory.POOL_CACHED // 8])


def small_blocks() -> dict[int, int]:
    """How many small blocks lie in the pool, for each size in bytes of which there are some."""
    table, first = _pool(), runtime_memory.POOL_SMALL // 8
    counts = ((64 * kind, int(table[first + 2 * kind + 1])) for kind in range(runtime_memory.SMALL_KINDS + 1))
    return {size: count for size, count in counts if count}


def pool_limit() -> int:
    """The most bytes that the pool keeps."""
    return int(_pool()[runtime_memory.POOL_LIMIT // 8])


def lent_bytes() -> int:
    """How many bytes of large blocks are in use by arrays and calls."""
    return int(_pool()[runtime_memory.POOL_LENT // 8])


def most_lent_bytes(*, forget: bool = False) -> int:
    """The most that `lent_bytes` has been, or (forget) has been until now, from where it is counted anew."""
    table = _pool()
    most = int(table[runtime_memory.POOL_MOST // 8])
    if forget:
        table[runtime_memory.POOL_MOST // 8] = table[runtime_memory.POOL_LENT // 8]
    return most


def serves(capacity: int, size: int) -> bool:
    """Is a block which was given back used again for so many bytes? As `pool_take` in `runtime_memory.py` has it."""
    large = size >= runtime_memory.POOL_MINIMUM and capacity <= pool_limit()
    return large and 0 <= capacity - size <= (size >> 3) + runtime_memory.POOL_MINIMUM


def empty_pool() -> None:
    """Give the pool's memory back to the system."""
    _shrink_pool(0)


def _shrink_pool(most: int) -> None:
    shrink = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(runtime().scopes["core"]["pool_shrink"])
    shrink(most)


def _limit_pool(wanted: int) -> None:
    """The setting `pool_bytes` or `allow_gc` was changed."""
    _shrink_pool(_set_limit(_pool(), wanted))
