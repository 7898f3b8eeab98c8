"""Compiled programs as Python sees them: binding a program to a C function object, and reporting its errors."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from theano.backends.native import runtime_core as core
from theano.backends.native import target
from theano.backends.native.image import Image, entry_function
from theano.backends.native.runtime import empty_pool
from theano.lowering.program import Program

# What went wrong, as `on_error` is told, and what the numbers in `detail` are.
CODES = {
    core.E_PYTHON: "python",       # () — the exception is __context__ of what on_error raises
    core.E_MEMORY: "memory",       # (bytes or -1 if absurd, item size)
    core.E_STORAGE: "storage",     # (number of the storage input)
    core.E_NEGATIVE: "negative",   # (axis, length)
    core.E_SHAPE: "shape",         # (iteration axis, expected, found, operand); axis -1: a length that must be 1
    core.E_INDEX: "index",         # (index, length, operand, buffer axis)
    core.E_EMPTY: "empty",         # (result number)
    8: "reshape",                  # (size, product of the known lengths, 0, 1 if a length was -1)
    9: "step",                     # (axis): slice step 0
    10: "specify",                 # (axis, expected, found)
    11: "drop",                    # (axis, length): a dropped axis is not of length 1
    12: "inner",                   # (length, length, which: 0 inner, 1 batch, 2 C's axis d, d)
    13: "limit",                   # (lengths): too long for BLAS's 32-bit integers
    14: "lengths",                 # lengths of a routine's inputs that do not fit each other; what they are
    15: "numbers",                 # (): a routine cannot work with these numbers (a singular matrix, NaN)
    16: "loop",                    # (what: 0 a sequence's rows, 1 those before the first step, 2 a length; two numbers)
    core.E_INTERRUPT: "interrupt",  # (): the handler of a signal raised, as with "python"
}  # fmt: skip
_COUNTS = {
    "python": 0, "memory": 2, "storage": 1, "negative": 2, "shape": 4, "index": 4, "empty": 1, "reshape": 4,
    "step": 1, "specify": 3, "drop": 2, "inner": 4, "limit": 3,
    "lengths": 4, "numbers": 0, "loop": 4, "interrupt": 0,
}  # fmt: skip


class Executable:
    """Machine code and tables of one program. It may be called from several threads at once."""

    def __init__(self, program: Program, *, optimize: bool = True) -> None:
        self.program = program
        self.optimize = optimize
        self._image = Image(program, optimize)
        self._bound: tuple[Any, ...] | None = None

    def bind(self, slow: Callable[..., Any], on_error: Callable[..., Any], unpack: str = "list") -> Callable[..., Any]:
        """The compiled function as a C function object.

        It takes exactly the program's positional arguments, if each is what the program needs as it is: an ndarray
        with the input's dtype, rank and static lengths, aligned and in native byte order, or for a 0-d float64 a
        Python float. Every other call is `slow(*args, **kwargs)`.

        unpack "single": returns the one result; "list": a list of the results.
        A failure calls on_error(step index, code, detail, shapes of the step's inputs, args), which raises, or returns
        the exception to raise; the step index is -1 when a storage does not fit. Storages are as before the call then.
        """
        image = self._image
        single = unpack == "single"
        if unpack not in ("single", "list"):
            raise ValueError(f"unpack must be 'single' or 'list', not {unpack!r}")
        if single and sum(o.storage is None for o in self.program.outputs) != 1:
            raise ValueError("unpack='single' needs a program with exactly one result")
        report = self._reporter(on_error)
        at = image.address - image.array.ctypes.data
        table = image.array[at // 8 : (at + core.PROGRAM_BYTES) // 8].copy()
        table[core.PROGRAM_UNPACK // 8] = int(single)
        table[core.PROGRAM_SLOW // 8] = id(slow)
        table[core.PROGRAM_REPORT // 8] = id(report)
        self._bound = (table, image.array, slow, report, image.kept, self.program)
        return entry_function(self._bound, image.runtime.method("entry"))

    def answer(self, instance: Any, words: int) -> None:
        """Have calls of an object, which CPython makes through the function in the first of two words at the address
        `words`, answered as `bind`'s function does. What `bind` returned must live as long as the object."""
        if self._bound is None:
            raise RuntimeError("bind() the program before asking for answer()")
        ctypes.c_int64.from_address(words + 8).value = id(self._bound[0])
        self._image.runtime.answer(instance, words)

    def direct(self) -> Callable[..., Any]:
        """The same function without the way to `slow`: arguments that do not fit are a TypeError. Bind first.

        It also takes arrays whose dtype is equal but not NumPy's own object for it, and objects for "object" inputs.
        """
        if self._bound is None:
            raise RuntimeError("bind() the program before asking for direct()")
        return entry_function(self._bound, self._image.runtime.method("direct"))

    @property
    def sequential(self) -> bool:
        """Can steps that overwrite stored values not be prepared ahead? They do not overwrite any then."""
        return self._image.owners.sequential

    @staticmethod
    def free() -> None:
        """Give memory that lies in the pool back to the system."""
        empty_pool()

    def text(self, what: str = "llvm") -> str:
        """The LLVM text of the program's kernels, or their assembler text ("asm")."""
        codes = {id(k.code): k.code for k in self._image.kernels.values() if k.code is not None}
        if what == "llvm":
            return "\n\n".join(c.text for c in codes.values())
        if what == "asm":
            return "\n\n".join(target.assembly(c.text, c.level) for c in codes.values())
        raise ValueError(f"text of what? 'llvm' or 'asm', not {what!r}")

    def _reporter(self, on_error: Callable[..., Any]) -> Callable[..., NoReturn]:
        program, image = self.program, self._image

        def report(frame: bytes, args: tuple[Any, ...], exception: BaseException | None) -> NoReturn:
            words = np.frombuffer(frame, dtype=np.int64)
            code = CODES.get(int(words[core.FRAME_CODE // 8]), "python")
            step = int(words[core.FRAME_STEP // 8])
            first = core.FRAME_DETAIL // 8
            detail = tuple(int(x) for x in words[first : first + _COUNTS[code]])
            shapes = []
            if step >= 0 and program.steps:
                for buffer in program.steps[step].inputs:
                    dims = (image.offset(buffer) + core.BUFFER_DIMS) // 8
                    shapes.append(tuple(int(n) for n in words[dims : dims + buffer.ndim]))
            if exception is not None:
                try:
                    raise exception
                except BaseException:
                    found = on_error(step, code, detail, shapes, args)
            else:
                found = on_error(step, code, detail, shapes, args)
            if isinstance(found, BaseException):
                raise found from None
            raise RuntimeError(f"step {step} failed: {code} {detail}") from exception

        return report


def compile_program(program: Program, *, optimize: bool = True) -> Executable:
    """Turn a program into machine code in memory. optimize=False: with LLVM's fast code generator."""
    return Executable(program, optimize=optimize)
