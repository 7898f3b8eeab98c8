"""Machine code that is made once for each dtype: tables of addresses, for the run-time files of a family of routines.

A family has such code if it has a file `vector_<family>.py`. The positions in the table are that family's constants
CODE_…, in the run-time file named below. Nothing is compiled before a program needs it.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache

from theano._collector import collector_paused
from theano._config import config
from theano.backends.native import runtime_plan as plan
from theano.backends.native import target
from theano.backends.native.convolution_text import tiles_for, tiles_text
from theano.backends.native.vector_language import KINDS, vector_text
from theano.backends.native.vector_text import SIZE

_lock = threading.RLock()
_tables: list[ctypes.Array] = []
# 32 vector registers come with AVX-512 and on AArch64
_MANY_REGISTERS = 64


def code_table(family: str, dtype: str) -> int:
    """The address of a family's table for a dtype; 0 where it has none."""
    if family != "convolution" or dtype not in KINDS:
        return 0
    with _lock, collector_paused():
        return ctypes.addressof(_convolution(dtype))


def _functions(family: str, dtype: str) -> dict[str, int]:
    """The functions of `vector_<family>.py`, compiled for a dtype."""
    text, symbols = vector_text(family, {}, dtype, target.host().vector_bytes)
    code = target.Code(text, 1, promote=True)
    return {name: code.address(symbol) for name, symbol in symbols.items()}


@cache
def _convolution(dtype: str) -> ctypes.Array:
    host = target.host()
    kind = KINDS[dtype]
    lanes = host.vector_bytes // SIZE[kind]
    tiles = tiles_for(32 if host.vector_bytes == _MANY_REGISTERS or host.has.get("neon") else 16)
    table = (ctypes.c_int64 * (plan.CODE_BYTES // 8))()
    table[plan.CODE_LANES // 8] = lanes
    table[plan.CODE_WIDTH // 8] = tiles.width * lanes
    table[plan.CODE_DOT_COLUMNS // 8] = tiles.columns
    table[plan.CODE_DOT_ROWS // 8] = max(tiles.dot_rows)
    for name, address in _functions("convolution", dtype).items():
        table[getattr(plan, f"CODE_{name.upper()}") // 8] = address
    code = target.Code(tiles_text(tiles, kind, lanes), 1)
    for rows in tiles.rows:
        table[plan.CODE_PRODUCT // 8 + rows - 1] = code.address(f"product_{rows}")
    for rows in tiles.dot_rows:
        table[plan.CODE_DOT // 8 + rows - 1] = code.address(f"dot_{rows}")
    table[plan.CODE_ASSERTS // 8] = int(config.conv.assert_shape)
    _tables.append(table)
    return table


def _switch_assertions(on: bool) -> None:
    for table in _tables:
        table[plan.CODE_ASSERTS // 8] = int(on)


config.conv._params["assert_shape"].on_change = _switch_assertions
