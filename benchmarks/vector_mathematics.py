"""Nanoseconds an element of vector mathematics: our own functions beside libmvec's, on arrays that fit the cache.

    python benchmarks/vector_mathematics.py [NAMES] [avx2]

With "avx2", code is made as for a machine that has AVX2 and fused multiplication, and no AVX-512: vectors of 32 bytes.
A loop in machine code calls the function on 4096 elements; CPU time, in turns, the median of 15 rounds.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from theano.backends.native import mathematics, opcode_text, target

COUNT, TIMES, ROUNDS = 4096, 40, 15
RANGES = {
    "exp": (-10, 10), "exp2": (-10, 10), "exp10": (-10, 10), "expm1": (-3, 3), "log": (0.01, 100), "log2": (0.01, 100),
    "log10": (0.01, 100), "log1p": (-0.9, 10), "sin": (-10, 10), "cos": (-10, 10), "tan": (-10, 10), "asin": (-1, 1),
    "acos": (-1, 1), "atan": (-5, 5), "sinh": (-5, 5), "cosh": (-5, 5), "tanh": (-4, 4), "asinh": (-5, 5),
    "acosh": (1, 9), "atanh": (-1, 1), "erf": (-3, 3), "erfc": (-3, 5), "cbrt": (-9, 9), "pow": (0.1, 9),
    "atan2": (-3, 3), "hypot": (-3, 3), "tgamma": (0.1, 9), "lgamma": (0.1, 9), "erfcx": (-3, 9), "psi": (0.1, 9),
    "trigamma": (0.1, 9), "polygamma": (1.5, 9), "log_product": (0.1, 9), "log_quotient": (0.1, 9),
}  # fmt: skip


def loop(symbol: str, kind: str, lanes: int, count: int, text: str = "") -> Callable[..., None]:
    """loop(out, length, inputs...) which calls a function of vectors, whose text may be given."""
    vec = f"<{lanes} x {kind}>"
    inputs = [f"ptr %a{i}" for i in range(count)]
    lines = [text or f"declare {vec} @{symbol}({', '.join([vec] * count)})",
             f"define void @loop({', '.join(['ptr %out', 'i64 %count', *inputs])}) {{", "entry:", "  br label %l", "l:",
             "  %i = phi i64 [0, %entry], [%j, %l]"]  # fmt: skip
    for i in range(count):
        lines.append(f"  %p{i} = getelementptr {kind}, ptr %a{i}, i64 %i\n  %v{i} = load {vec}, ptr %p{i}, align 8")
    lines += [
        f"  %r = call {vec} @{symbol}({', '.join(f'{vec} %v{i}' for i in range(count))})",
        f"  %o = getelementptr {kind}, ptr %out, i64 %i", f"  store {vec} %r, ptr %o, align 8",
        f"  %j = add i64 %i, {lanes}", "  %c = icmp slt i64 %j, %count", "  br i1 %c, label %l, label %d", "d:",
        "  ret void", "}",
    ]  # fmt: skip
    address = target.Code("\n".join(lines), level=2).address("loop")
    found: Callable[..., None] = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (count + 2))(address)
    return found


def nanoseconds(loops: list[Callable[..., None]], name: str, dtype: str, count: int) -> list[float]:
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(*RANGES[name], COUNT).astype(dtype) for _ in range(count)]
    if name == "polygamma":
        arrays[0] = np.rint(arrays[0])
    out = np.empty(COUNT, dtype)
    arguments = [out.ctypes.data, COUNT, *(a.ctypes.data for a in arrays)]
    times: list[list[float]] = [[] for _ in loops]
    for _ in range(ROUNDS):
        for run, found in zip(loops, times, strict=True):
            start = time.process_time()
            for _ in range(TIMES):
                run(*arguments)
            found.append((time.process_time() - start) / TIMES / COUNT * 1e9)
    return [statistics.median(found) for found in times]


def without_avx512() -> None:
    """Make code as for Intel's Haswell from now on, and take libmvec's functions for such machines."""
    host = target.host()
    llvm = target._llvm()
    host.cpu, host.features, host.vector_bytes = "haswell", "", 32
    host.has = {name: on and not name.startswith("avx512") for name, on in host.has.items()}
    host._machines = {}
    assert llvm.get_process_triple().startswith("x86_64") and host.has.get("avx2") and host.fma


def main(only: str = "", processor: str = "") -> None:
    if "avx2" in (only, processor):
        without_avx512()
        only = "" if only == "avx2" else only
    machine = mathematics.host_machine()
    print("| function | float64: own | libmvec | ratio | float32: own | libmvec | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in only.split(",") if only else sorted(mathematics.FAMILY):
        row = []
        for dtype, kind in (("float64", "double"), ("float32", "float")):
            lanes, count = machine.vector_bytes // np.dtype(dtype).itemsize, mathematics.parameters(name)
            own = mathematics.symbol(name, kind, lanes)
            loops = [loop(own, kind, lanes, count, mathematics.function_text(name, kind, lanes, machine))]
            library = opcode_text._libmvec(name, kind, lanes)
            if library:
                loops.append(loop(library, kind, lanes, count))
            found = nanoseconds(loops, name, dtype, count)
            row += [f"{found[0]:.2f}", f"{found[1]:.2f}", f"{found[1] / found[0]:.2f}"] if library else [
                f"{found[0]:.2f}", "", ""]
        print(f"| {name} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
