"""Kernel → machine code: the table of compiled kernels.

Equal kernels are compiled once per process. Kernels which are compiled together share one LLVM module, since a module
costs more than a kernel. The function that a kernel becomes is `kernel_text.py`'s business; how arrays of any shape and
strides are brought to its form is `runtime_kernels.py`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from theano._config import config
from theano._records import field, record_class
from theano.backends.native import opcode_text, target
from theano.backends.native import runtime_records as rt
from theano.backends.native.kernel_slots import Slot
from theano.backends.native.kernel_text import KernelText
from theano.backends.native.point_text import PointText, goes_over_a_point
from theano.backends.native.vector_text import SIZE, VALUE_TYPE
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.kernel import Kernel


@record_class(slots=True)
class CompiledKernel:
    """Machine code of a kernel, and what the driver must know to run it."""

    kernel: Kernel
    lanes: int
    slots: list[Slot]
    flags: int
    cost: int
    indexed: int
    name: str
    address: int = 0
    finish: dict[str, int] = field(default_factory=dict)
    code: target.Code | None = None


_compiled: dict[tuple[Kernel, bool, str], CompiledKernel] = {}
_lock = target.free_after_fork(threading.Lock())


def compile_kernels(kernels: Iterable[Kernel], optimize: bool) -> list[CompiledKernel]:
    """The code of each kernel, from the table or freshly made in one module."""
    wanted = list(kernels)
    how = (optimize, config.vector_math)
    known = [_compiled.get((k, *how)) for k in wanted]
    if None not in known:  # without waiting for what others compile
        return known  # type: ignore[return-value]
    # Held throughout: two threads which want one kernel compile it once.
    with _lock:
        fresh = [k for k in dict.fromkeys(wanted) if (k, *how) not in _compiled]
        if fresh:
            for made in _compile(fresh, optimize):
                _compiled[(made.kernel, *how)] = made
        return [_compiled[(k, *how)] for k in wanted]


def _compile(kernels: Sequence[Kernel], optimize: bool) -> list[CompiledKernel]:
    parts: list[str] = []
    declarations: dict[str, str] = {}
    made = []
    for number, kernel in enumerate(kernels):
        kind = PointText if goes_over_a_point(kernel) else KernelText
        writer = kind(kernel, f"kernel{number}")
        writer.write()
        parts.append(writer.function)
        declarations.update(writer.text.declarations)
        lanes, table = writer.text.lanes, writer.table
        made.append(CompiledKernel(
            kernel, lanes, table.all, table.flags, _cost(kernel, lanes), table.indexed, writer.name
        ))
    text = "\n\n".join([*declarations.values(), *parts])
    # accumulators are variables on the stack; the optimising generator wants them as registers
    promote = optimize and any(c.flags & rt.REDUCES for c in made)
    code = target.Code(text, level=2 if optimize else 0, promote=promote)
    for compiled in made:
        compiled.code = code
        compiled.address = code.address(compiled.name)
        compiled.finish = {s.finish: code.address(s.finish) for s in compiled.slots if s.finish}
    return made


def kernel_dtypes() -> frozenset[str]:
    """The element types that kernels can compute with on this machine."""
    return NATIVE_DTYPES if target.host().half else NATIVE_DTYPES - {"float16"}


def _cost(kernel: Kernel, lanes: int) -> int:
    """Picoseconds for an element whose arrays are in the cache, roughly: whether threads share the work hangs on it."""
    width = 128 // max(lanes, 1)
    total = 20 + sum(12 * SIZE[VALUE_TYPE[operand.dtype]] for operand in kernel.operands[kernel.n_inputs :])
    for instr in kernel.body:
        kind = VALUE_TYPE[instr.dtype]
        match instr.op:
            case "const" | "extent" | "iota":
                pass
            case "load":
                total += 10 * SIZE[kind]
            case "gather":
                total += 500
            case "math" | "call":
                quick = instr.op == "math" and opcode_text.is_vectorised(instr.attr, kind, lanes)
                total += 128 * SIZE[kind] if quick else 10000
            case "fmod" | "idiv" | "imod":
                total += 1900
            case "div" | "sqrt":
                total += 32 * SIZE[kind]
            case _:
                total += width
    return total
