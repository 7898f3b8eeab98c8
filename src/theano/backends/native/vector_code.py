"""Machine code that is made once for each dtype: tables of addresses, for the run-time files of a family of routines.

The code is that of the files `vector_<name>.py`, and loops in registers (`convolution_text.py`). Where in the table a
function's address is, say constants of a run-time file. Nothing is compiled before a program needs it.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import ModuleType

import numpy as np

from theano._collector import collector_paused
from theano._config import config
from theano.backends.native import (
    runtime_cumulative,
    runtime_plan,
    runtime_pooling,
    runtime_products,
    runtime_tile_products,
    target,
)
from theano.backends.native.convolution_text import Tiles, dots_text, products_text, tiles_for
from theano.backends.native.object_cache import object_cache
from theano.backends.native.product_text import tile_text
from theano.backends.native.thread_count import blas_is_fast
from theano.backends.native.vector_language import KINDS, vector_text
from theano.backends.native.vector_text import SIZE

_lock = target.free_after_fork(threading.RLock())
_convolution_tables: list[ctypes.Array] = []
# 32 vector registers come with AVX-512 and on AArch64
_MANY_REGISTERS = 64
_LEAST_FOR_TILES = 32
# TILE_COPIES_PAY and TILE_COPIES_PAY_LATE, by dtype, and by processor or else by whether BLAS is fast. Measured with
# Zen 4, which computes with half a vector of 64 bytes at once, and with Zen 5.
_COPIES_PAY = {
    ("float64", "znver5"): (140000000, 140000000),
    ("float32", "znver5"): (140000000, 140000000),
    ("float64", "fast"): (4000000, 4000000),
    ("float32", "fast"): (1000000, 1000000),
    ("float64", ""): (4000000, 4000000),
    ("float32", ""): (4000000, 160000000),
}


def code_table(routine: str, dtype: str) -> int:
    """The address of a table with what a routine calls for a dtype; 0 where it calls nothing of this kind."""
    family, _, name = routine.partition(".")
    if family not in _FAMILIES or (dtype not in KINDS and family not in _OF_WHOLE_NUMBERS):
        return 0
    with _lock, collector_paused():
        return ctypes.addressof(_FAMILIES[family](name, dtype))


def lanes_of(dtype: str) -> int:
    """How many elements a vector has."""
    return target.host().vector_bytes // SIZE[KINDS[dtype]]


def _numbers(module: ModuleType) -> dict[str, int]:
    return {name: value for name, value in vars(module).items() if isinstance(value, int)}


def _compiled(name: str, dtype: str, known: Mapping[str, int], combine: str = "") -> dict[str, int]:
    """The functions of `vector_<name>.py`, to which numbers and functions are known (`combine`: see `vector_text`).

    The cache knows them by the sources that they are made of: to make LLVM text takes longer than all else.
    """
    ending = f"{dtype}.{combine}" if combine else dtype
    symbols = {n: value.symbol for n, value in known.items() if isinstance(value, target.Address)}
    key = target.code_key(
        "vectors", target.host().vector_bytes, ending, sorted({**known, **symbols}.items(), key=str),
        *map(target.source_of, (f"vector_{name}", "vector_language", "vector_text", "unit_text")),
    )  # fmt: skip
    cache = object_cache()
    found = cache.load(key) if cache is not None else None
    if found is None or not _load(key, found, known):
        text, functions, used = vector_text(name, known, dtype, target.host().vector_bytes, combine)
        facts = [*(f"function {f} {symbol}" for f, symbol in functions.items()), *(f"symbol {a.symbol}" for a in used)]
        found = ["\n".join(facts).encode(), target.object_code(text, key, 1, promote=True)]
        _load(key, found, known)
        if cache is not None:
            cache.store(key, found)
    return {
        f: target.Address(target.function_address(symbol, key), f"vector.{symbol}.{ending}")
        for f, symbol in _facts(found, "function")
    }  # fmt: skip


def _facts(found: Sequence[bytes], kind: str) -> list[list[str]]:
    rows = [line.split() for line in found[0].decode().splitlines()]
    return [row[1:] for row in rows if row[0] == kind]


def _load(key: str, found: Sequence[bytes], known: Mapping[str, int]) -> bool:
    """Bring code into memory, of which the first part says what it defines, and what it calls."""
    given = {value.symbol: value for value in known.values() if isinstance(value, target.Address)}
    called = [given[s] if s in given else target.symbol_address(s) for (s,) in _facts(found, "symbol")]
    return target.load_code(key, found[1:], called)


@cache
def _phases(dtype: str) -> dict[str, int]:
    return _compiled("phases", dtype, {})


def _fill(table: ctypes.Array, module: ModuleType, prefix: str, functions: Mapping[str, int]) -> None:
    """Put functions where the module's constants say."""
    numbers = _numbers(module)
    for name, address in functions.items():
        place = numbers.get(prefix + name.upper())
        if place is not None:
            table[place // 8] = address


@cache
def _convolution_table(dtype: str) -> ctypes.Array:
    plan = runtime_plan
    table = (ctypes.c_int64 * (plan.CODE_BYTES // 8))()
    tiles = tiles_of_convolution()
    table[plan.CODE_LANES // 8] = lanes_of(dtype)
    table[plan.CODE_WIDTH // 8] = tiles.width * lanes_of(dtype)
    table[plan.CODE_DOT_COLUMNS // 8] = tiles.columns
    table[plan.CODE_DOT_ROWS // 8] = max(tiles.dot_rows)
    table[plan.CODE_ASSERTS // 8] = int(config.conv.assert_shape)
    _fill(table, plan, "CODE_", _compiled("convolution", dtype, {**_numbers(plan), **_phases(dtype)}))
    _convolution_tables.append(table)
    return table


def tiles_of_convolution() -> Tiles:
    host = target.host()
    return tiles_for(32 if host.vector_bytes == _MANY_REGISTERS or host.has.get("neon") else 16)


@cache
def _loops(kind: str, dtype: str) -> dict[int, int]:
    """The loops "product" or "dot" for a dtype: {rows: address}."""
    tiles = tiles_of_convolution()
    rows, text = {
        "product": (tiles.rows, products_text), "dot": (tiles.dot_rows, dots_text),
    }[kind]  # fmt: skip
    code = target.Code(text(tiles, KINDS[dtype], lanes_of(dtype)), 1)
    return {n: code.address(f"{kind}_{n}") for n in rows}


def _convolution(name: str, dtype: str) -> ctypes.Array:
    table = _convolution_table(dtype)
    kind, first = ("dot", runtime_plan.CODE_DOT) if name == "by_kernel" else ("product", runtime_plan.CODE_PRODUCT)
    for rows, address in _loops(kind, dtype).items():
        table[first // 8 + rows - 1] = address
    return table


@cache
def _pooling_functions(dtype: str) -> dict[str, int]:
    """Those of pooling, and what is known to them."""
    known = {**_numbers(runtime_pooling), **_phases(dtype)}
    return {**known, **_compiled("pooling", dtype, known)}


@cache
def _pooling_gradients(dtype: str) -> dict[str, int]:
    return _compiled("pooling_gradient", dtype, _pooling_functions(dtype))


@cache
def _pooling_table(dtype: str) -> ctypes.Array:
    module = runtime_pooling
    table = (ctypes.c_int64 * (module.POOL_CODE_BYTES // 8))()
    table[module.POOL_CODE_LANES // 8] = lanes_of(dtype)
    lowest = {"float32": ctypes.c_float, "float64": ctypes.c_double}[dtype]
    lowest.from_buffer(table, module.POOL_CODE_LOWEST).value = float("-inf")
    _fill(table, module, "POOL_CODE_", _pooling_functions(dtype))
    return table


def _pooling(name: str, dtype: str) -> ctypes.Array:
    table = _pooling_table(dtype)
    if name != "pool":
        _fill(table, runtime_pooling, "POOL_CODE_", _pooling_gradients(dtype))
    return table


@cache
def _tile_products(dtype: str) -> tuple[ctypes.Array, Callable[[], None]]:
    module = runtime_tile_products
    table = (ctypes.c_int64 * (module.TILE_BYTES // 8))()

    def make() -> None:
        """Machine code calls this for the first product."""
        with _lock:
            if table[module.TILE_LOOP // 8] == 0:
                pair = target.host().vector_bytes == _MANY_REGISTERS
                code = target.Code(tile_text(KINDS[dtype], lanes_of(dtype), pair), 1)
                if pair:
                    table[module.TILE_PAIR // 8] = code.address("product_pair")
                table[module.TILE_LOOP // 8] = code.address("product_tile")

    table[module.TILE_LANES // 8] = lanes_of(dtype)
    table[module.TILE_MAKE // 8] = id(make)
    one = np.ones(1, dtype)
    ctypes.memmove(ctypes.addressof(table) + module.TILE_ONE, one.ctypes.data, one.nbytes)
    pays = _COPIES_PAY.get((dtype, target.host().cpu)) or _COPIES_PAY[dtype, "fast" if blas_is_fast() else ""]
    table[module.TILE_COPIES_PAY // 8], table[module.TILE_COPIES_PAY_LATE // 8] = pays
    # without masks of lanes the loop is slower than BLAS
    table[module.TILE_LOOP // 8] = int(target.host().vector_bytes < _LEAST_FOR_TILES)
    return table, make


def tile_products(dtype: str) -> int:
    """The address of the table of products by tiles, see `runtime_tile_products.py`."""
    with _lock:
        return ctypes.addressof(_tile_products(dtype)[0])


@cache
def _vector_products(dtype: str) -> tuple[ctypes.Array, list[Callable[[], None]]]:
    module = runtime_products
    table = (ctypes.c_int64 * (module.VECTOR_BYTES // 8))()

    def maker(kind: str) -> Callable[[], None]:
        """What machine code calls for the first product of a kind."""

        def make() -> None:
            with _lock, collector_paused():
                _fill(table, module, "VECTOR_", _compiled(f"{kind}_products", dtype, {}))

        return make

    makers = [maker("single"), maker("row"), maker("column")]
    places = (module.VECTOR_MAKE_SINGLE, module.VECTOR_MAKE_ROW, module.VECTOR_MAKE_COLUMN)
    for place, make in zip(places, makers):
        table[place // 8] = id(make)
    table[module.VECTOR_LANES // 8] = lanes_of(dtype)
    one = np.ones(1, dtype)
    ctypes.memmove(ctypes.addressof(table) + module.VECTOR_ONE, one.ctypes.data, one.nbytes)
    return table, makers


def vector_products(dtype: str) -> int:
    """The address of the table of products of matrices and vectors, see `runtime_vector_products.py`."""
    with _lock:
        return ctypes.addressof(_vector_products(dtype)[0])


@cache
def _cumulative(name: str, dtype: str) -> ctypes.Array:
    table = (ctypes.c_int64 * (runtime_cumulative.SCAN_CODE_BYTES // 8))()
    file, combine = {
        "sum": ("cumulative", "vadd"), "product": ("cumulative", "vmul"), "recurrence": ("recurrences", ""),
    }[name]  # fmt: skip
    _fill(table, runtime_cumulative, "SCAN_CODE_", _compiled(file, dtype, _numbers(runtime_cumulative), combine))
    return table


_FAMILIES: dict[str, Callable[[str, str], ctypes.Array]] = {
    "convolution": _convolution, "pooling": _pooling, "cumulative": _cumulative,
}  # fmt: skip
_OF_WHOLE_NUMBERS = frozenset(["cumulative"])


def _switch_assertions(on: bool) -> None:
    for table in _convolution_tables:
        table[runtime_plan.CODE_ASSERTS // 8] = int(on)


config.conv._params["assert_shape"].on_change = _switch_assertions
