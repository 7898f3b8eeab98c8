"""Other machines, as a process may have them: whatever is done with large arrays is done with tiny ones, too; and
vectors are narrow.

Thresholds of the run-time system are lowered: kernels are cut into pieces with accumulators of their own, rows go in
blocks of a few, products in parts, and four threads share all of it. Or products go by panels of a few rows, too.
"""

from __future__ import annotations

import importlib
import re
from functools import cache

from large import THREADS
from panel_graphs import watched

from theano._config import config
from theano.backends.native import runtime, target, thread_count

LOWERED = {
    "runtime_kernels": {"DIVIDED_ABOVE": 0, "RELEASE_ABOVE": 0},
    "runtime_divide": {"WORTH_A_PIECE": 1, "WORTH_A_PART": 1, "INNER_UNIT": 16, "ENOUGH_KEPT": 4},
    "runtime_threads": {"WORTH_A_THREAD": 1, "WORTH_OF_A_THREAD": 1},
    "runtime_divided_products": {"LEAST_PIECE": 1, "LEAST_RANGE": 1},
    "runtime_vector_products": {"DIVIDED_BYTES": 0, "PART_TERMS": 2, "OUTER_DIVIDES": 0},
    "runtime_rows": {"SHORTEST": 0},
}
CACHES = 256, 64  # bytes that a block of rows may touch, and that may be in some cache

PANELS = {
    **LOWERED,
    "runtime_products": {"LEAST_ROW": 1, "DIVIDED_TILES": 0},
    "runtime_tile_products": {"MANY_PRODUCTS": 0},
    "runtime_panels": {"LEAST_PANEL": 1},
}
PANEL_CACHES = 1024, 64


def lower_thresholds(values: dict[str, dict[str, int]] = LOWERED, caches: tuple[int, int] = CACHES) -> None:
    """Once, in a process that has compiled nothing yet."""
    if runtime._make.cache_info().currsize:
        raise RuntimeError("the run-time system of this process has been compiled already")
    read = target.source_of

    @cache
    def lowered(module: str) -> str:
        text = read(module)
        for name, value in values.get(module, {}).items():
            text, count = re.subn(rf"^{name} = \d+\b", f"{name} = {value}", text, flags=re.MULTILINE)
            assert count == 1, (module, name)
        return watched(text) if module == "runtime_panels" else text

    target.source_of = lowered  # type: ignore[assignment]
    for module, constants in values.items():
        for name, value in constants.items():
            setattr(importlib.import_module(f"theano.backends.native.{module}"), name, value)
    runtime.cache_room()[: len(caches)] = caches
    config.openmp_elemwise_minsize = 0
    thread_count.set_threads(THREADS)


def lower_for_panels() -> None:
    """Products of any size are panels'."""
    lower_thresholds(PANELS, PANEL_CACHES)
    runtime.cache_room()[2] = 1


def narrow_vectors() -> None:
    """Vectors of 32 bytes at most, without masks for their elements."""
    target.host().vector_bytes = min(32, target.host().vector_bytes)


SETTINGS = {"as it is": None, "divided": lower_thresholds, "narrow": narrow_vectors, "panels": lower_for_panels}
