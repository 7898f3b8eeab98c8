"""Planted faults in the run-time system's own loops: rows in blocks, products by panels of rows or with
vectors, steps of loops.

A fault is a line of a run-time file and what stands there instead; or, for loops in registers, of their LLVM text. None
makes code leave its arrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from divided import CACHES
from faults_of_code import VALUES

from theano.backends.native import loop_registers, runtime, runtime_products, target, vector_code
from theano.backends.native.runtime_tile_products import TILED_A, TILED_BETA
from theano.backends.native.unit_code import QUICK, UnitCode

# name: (file, what stands there, what stands there instead)
ROWS = {
    "sums of all blocks go to the first": (
        "row_plans", "store64(entry + SUM_TARGET, load64(entry + SUM_TARGET) + block * load64(entry + SUM_MOVE))",
        "store64(entry + SUM_TARGET, load64(entry + SUM_TARGET))"),
    "sums go on from the block before": (
        "row_plans", "fill(target, load64(entry + SUM_IDENTITY), count,",
        "fill(target, load64(entry + SUM_IDENTITY), count - 1,"),
    "rest of a row forgotten": (
        "row_plans", "store64(plan + PLAN_REST, n % load64(step + KERNEL_LANES))", "store64(plan + PLAN_REST, 0)"),
    "rest of a block forgotten": (
        "row_plans", "store64(plan + PLAN_REST, block % lanes)", "store64(plan + PLAN_REST, 0)"),
    "every block is as far as one row": (
        "row_plans", "store64(at, load64(at) + block * load64(moves))", "store64(at, load64(at) + load64(moves))"),
    "last rows forgotten": ("rows", "rows -= block\n", "rows -= block + 1\n"),
}  # fmt: skip
PRODUCTS = {
    "one: a sum of eight left out": (
        "single", "vadd(vadd(a4, a5), vadd(a6, a7))", "vadd(vadd(a4, a5), vadd(a6, a6))"),
    "one: last term forgotten": ("single", "n = (end - k) // SIZE", "n = (end - k) // SIZE - 1"),
    "one: factor forgotten": ("single", "a0 = vmul(a0, vfill(alpha))\n", "a0 = vmul(a0, vfill(x))\n"),
    "rows: fourth row is the third": ("row", "d = c + a_down", "d = c"),
    "rows: terms beside whole vectors forgotten": ("row", "if rest:", "if rest > 1:"),
    "rows: neighbours not added": (
        "row", "sa = vadd(vevens(sa, sb), vodds(sa, sb))", "sa = vadd(vevens(sa, sb), vevens(sa, sb))"),
    "rows: every group of rows is the first": ("row", "a += 8 * a_down", "a += 0 * a_down"),
    "columns: start from what was there": ("column", "memset(y, 0, count * SIZE)", "memset(y, 0, SIZE)"),
    "columns: last column forgotten": ("column", "while left > 0:", "while left > 1:"),
    "columns: third of four is the second": ("column", "    c = b + a_across\n", "    c = b\n"),
}  # fmt: skip
TILES, FOLLOW = "tile_rows(panel, start, start + rows)", "follow_plans(members, count, plans, rows, rows)"
PANELS = {
    "panels: last row missed": ("panels", TILES, "tile_rows(panel, start, start + rows - 1)"),
    "panels: every one is of the first rows": (
        "panels", TILES,
        f"store64(panel + {TILED_A}, load64(tiled + {TILED_A}) - start * load64(tiled + {TILED_A + 8}))\n"
        f"        {TILES}"),
    "panels: rows lie closer": (
        "panels", "store64(panel + TILED_C, data - away)",
        "store64(panel + TILED_C, data - away + start * 8)\n"
        "            store64(panel + TILED_C + 8, load64(tiled + TILED_C + 8) - 8)"),
    "panels: rest forgotten": ("panels", "while start < end and", "while start + block <= end and"),
    "panels: what is added to is forgotten": (
        "panels", "memcpy(panel, tiled, TILED_BYTES)\n",
        f"memcpy(panel, tiled, TILED_BYTES)\n    store64(panel + {TILED_BETA}, 0)\n"),
    "panels: kernels go first": (
        "panels", f"{TILES}\n        if ready:\n            {FOLLOW}\n",
        f"if ready:\n            {FOLLOW}\n            {TILES}\n"),
    "panels: kernels miss the last row": ("panels", FOLLOW, "follow_plans(members, count, plans, rows - 1, rows)"),
    "panels: kernels read beside": (
        "panels", "read_from(members, count, plans, load64(job + PANELS_BESIDE), data)",
        "read_from(members, count, plans, load64(job + PANELS_BESIDE), beside)"),
    "panels: kernels without plans stay": (
        "panels", "kernel_parts(frame, members, count, start, rows)", "kernel_parts(frame, members, count, 0, rows)"),
    "panels: a number for each row is the first": (
        "row_plans", "        store64(apart + k * 8, load64(strides + k * wide * 8))\n",
        "        store64(apart + k * 8, load64(strides + k * wide * 8))\n"
        "        if s == 0 and role != ROLE_ACCUMULATE:\n            store64(apart + k * 8, 0)\n"),
    "panels: threads begin a row late": (
        "panels", "    tiled = load64(job + PANELS_TILED)\n",
        "    tiled = load64(job + PANELS_TILED)\n    if start > 0:\n        start += 1\n"),
    "panels: threads have the plans of the first": (
        "panels", "make_plans(frame, members, count, start, end - start, block, plans)",
        "make_plans(frame, members, count, 0, end - start, block, plans)"),
}  # fmt: skip
LOOPS = {
    "step: a state stays as it was": (r"(%held(\d+) = phi .*, )\[%[\w.]+, %latch\]", r"\1[%held\2, %latch]"),
    "step: rows do not move on": (r"(%then\d+ = getelementptr i8, ptr %at\d+, i64 )%\w+", r"\g<1>0"),
    "step: products are sums": (rf"fmul ({VALUES})", r"fadd \1"),
    "step: sums are differences": (rf"fadd ({VALUES})", r"fsub \1"),
}
STEPS = {
    "plan: the row before the last": (
        "loops", "store64(fresh, place + row_bytes(frame, trace))", "store64(fresh, place)"),
    "plan: what is carried stays": (
        "loops", "                copy_array(before, after, ndim,", "                copy_array(before, before, ndim,"),
}


@contextmanager
def edited(file: str, right: str, wrong: str, others: Sequence[str] = ()) -> Iterator[None]:
    """Sources that are read inside have the fault; `others` are not what they were either (code is known by them)."""
    read = target.source_of
    text = read(file)
    assert text.count(right) >= 1, right
    texts = {file: text.replace(right, wrong, 1), **{each: f"{read(each)}\n# {wrong!r}\n" for each in others}}
    target.source_of = lambda module: texts.get(module) or read(module)  # type: ignore[assignment]
    try:
        yield
    finally:
        target.source_of = read


@contextmanager
def planted_in_unit(part: str, right: str, wrong: str, after: Sequence[str] = ()) -> Iterator[None]:
    """What programs call of a run-time file has the fault; `after`: files that call it."""
    with runtime._lock, ExitStack() as stack:  # nobody makes better code meanwhile
        system = runtime.runtime()
        for name in (part, *after):
            system._load(name)
        scopes, doors = dict(system.scopes), {key: word[0] for key, word in system._doors.items()}
        with edited(f"runtime_{part}", right, wrong, [f"runtime_{name}" for name in after]):
            for name in (part, *after):
                unit = UnitCode(runtime._TOGETHER.get(name, (name,)), {})
                unit.known = system._known_to(unit.names)
                unit.load((QUICK,))
                scope = {**unit.constants, **{f: unit.address(f) for f in unit.functions}}
                system.scopes.update(dict.fromkeys(unit.names, scope))
                for (first, function), word in system._doors.items():
                    if first == unit.names[0]:
                        word[0] = scope[function]
                if name == "panels":
                    stack.callback(system._panels.__setitem__, 0, system._panels[0])
                    system._panels[0] = scope["panels_run"]
        stack.callback(lambda: [word.__setitem__(0, doors[key]) for key, word in system._doors.items() if key in doors])
        stack.callback(system.scopes.update, scopes)
        yield


@contextmanager
def planted_in_products(kind: str, right: str, wrong: str) -> Iterator[None]:
    """Products with vectors of float64 and float32 have the fault."""
    with ExitStack() as stack:
        for dtype in ("float64", "float32"):
            table, makers = vector_code._vector_products(dtype)
            for make in makers:
                make()
            before = list(table)
            with edited(f"vector_{kind}_products", right, wrong):
                made = vector_code._compiled(f"{kind}_products", dtype, {})
            vector_code._fill(table, runtime_products, "VECTOR_", made)
            stack.callback(table.__setitem__, slice(None), before)
        yield


@contextmanager
def planted_in_registers(name: str) -> Iterator[list[str]]:
    """Loops in registers that are compiled inside have the fault, in every place; the list grows with each."""
    pattern, replacement = LOOPS[name]
    done: list[str] = []

    class Faulty(loop_registers.Writer):
        def write(self) -> None:
            super().write()
            self.function, count = re.subn(pattern, replacement, self.function, flags=re.MULTILINE)
            if count:
                done.append(name)

    before = loop_registers.Writer
    loop_registers.Writer = Faulty  # type: ignore[misc]
    try:
        yield done
    finally:
        loop_registers.Writer = before  # type: ignore[misc]


@contextmanager
def small_caches() -> Iterator[None]:
    """Rows go in small blocks, as they do where the cache has no room for all."""
    room = runtime.cache_room()
    before = list(room)
    room[: len(CACHES)] = CACHES
    try:
        yield
    finally:
        room[:] = before
