"""Vector mathematics of our own: which functions there are, their LLVM text, and their machine code.

A function for so many lanes of one precision is compiled when a kernel first calls it, once a process, as a function of
its own that kernels call by name, as they do those of libmvec. So kernels that use it compile no slower.

The functions are in `mathematics_<family>.py`, written with `mathematics_text.py`; both are imported when needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from theano.backends.native import target
from theano.backends.native.vector_text import SIZE, VectorText

if TYPE_CHECKING:
    from theano.backends.native.mathematics_text import Machine

_FAMILIES = {
    "exponential": ("exp", "exp2", "exp10", "expm1", "sinh", "cosh", "tanh"),
    "logarithm": ("log", "log2", "log10", "log1p", "asinh", "acosh", "atanh", "pow", "log_product",
                  "log_quotient"),
    "trigonometric": ("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
    "root": ("cbrt", "hypot"),
    "error": ("erf", "erfc", "erfcx"),
    "gamma": ("tgamma", "lgamma"),
    "digamma": ("psi", "trigamma"),
    "polygamma": ("polygamma",),
}
FAMILY = {name: family for family, names in _FAMILIES.items() for name in names}
# which no library has
ONLY_OWN = frozenset({"erfcx", "psi", "trigamma", "polygamma", "log_product", "log_quotient"})
# A call of a function makes every register in use go to memory and come back, which a short loop pays for each vector:
# these are written out instead, up to a few in a kernel; unless their constants would fill the registers (a "table").
WRITTEN_OUT = frozenset({"exp"})
# where both are at hand: those which take more than a fifth more time (benchmarks/vector_mathematics.py), by the bytes
# of the machine's vectors: with AVX-512, and with AVX2, where constants do not come with the instructions that use them
FASTER_IN_LIBMVEC = {
    64: frozenset([
        *((name, "double") for name in ("log10", "log1p", "sin", "atanh", "hypot")),
        *((name, "float") for name in ("log2", "log10", "cosh", "atanh", "hypot")),
    ]),
    32: frozenset([
        *((name, "double") for name in ("exp2", "exp10", "sinh", "log10", "sin", "cos")),
        *((name, "float") for name in ("cosh", "log1p", "atan", "atan2", "hypot", "erf")),
    ]),
}  # fmt: skip


def is_faster_in_libmvec(name: str, kind: str) -> bool:
    return (name, kind) in FASTER_IN_LIBMVEC.get(target.host().vector_bytes, FASTER_IN_LIBMVEC[64])


def _module(name: str) -> Any:
    return importlib.import_module(f"theano.backends.native.mathematics_{name}")


def function(name: str) -> Callable[..., Any]:
    """The Python function that writes the instructions of a mathematical function."""
    found: Callable[..., Any] = _module(FAMILY[name]).FUNCTIONS[name]
    return found


def parameters(name: str) -> int:
    return function(name).__code__.co_argcount - 1


@cache
def host_machine() -> Machine:
    host = target.host()
    scales, constants = "", "table" if host.has.get("sse2") else ""
    if host.vector_bytes == 64:
        scales = "all" if host.has.get("avx512vl") else "wide"
        constants = "spread" if scales == "all" else "table"
    machine: Machine = _module("text").Machine(host.vector_bytes, host.fma, scales, constants)
    return machine


def symbol(name: str, kind: str, lanes: int) -> str:
    """What a function for vectors of so many elements is called in LLVM text."""
    return f"mathematics.{name}.f{8 * SIZE[kind]}.{lanes}"


@cache
def convention() -> str:
    """How kernels call functions, for LLVM. With AVX-512: so that half of the 32 registers survive a call.

    A function hardly needs more than the other half. By C's convention none survives, and what a kernel has at hand
    goes to memory and comes back with each call.
    """
    return "intel_ocl_bicc " if host_machine().scales else ""


def function_text(name: str, kind: str, lanes: int, machine: Machine, convention: str = "") -> str:
    """LLVM text of a module with the function, under its symbol."""
    text = VectorText(lanes)
    table = _module("constants").ConstantTable(machine.constants == "spread") if machine.constants else None
    m = _module("text").Lanes(text, kind, machine, table)
    names = [f"%x{n}" for n in range(parameters(name))]
    result = function(name)(m, *(m.number(x) for x in names))
    vec = text.vec(kind)
    head = f"define {convention}{vec} @{symbol(name, kind, lanes)}({', '.join(f'{vec} {x}' for x in names)}) {{"
    start = [table.register_text()] if table is not None else []
    lines = [head, "entry:", *start, *text.allocas, *text.lines, f"  ret {vec} {result.name}", "}"]
    return "\n".join([*text.declarations.values(), *(table.text() if table is not None else []), *lines])


@cache
def compiled(name: str, kind: str, lanes: int) -> str:
    """The symbol of a function, once its machine code is there."""
    found = symbol(name, kind, lanes)
    code = target.Code(function_text(name, kind, lanes, host_machine(), convention()), level=2)
    target.define_symbol(found, code.address(found))
    return found


def call(text: VectorText, name: str, kind: str, args: Sequence[str]) -> str:
    """Write a call; or, of a short function in a kernel with few of them, its instructions."""
    if text.in_place and name in WRITTEN_OUT and host_machine().constants != "table":
        m = _module("text").Lanes(text, kind, host_machine())
        written: str = function(name)(m, *(m.number(a) for a in args)).name
        return written
    found, vec, how = compiled(name, kind, text.lanes), text.vec(kind), convention()
    text.declare(found, f"declare {how}{vec} @{found}({', '.join([vec] * len(args))})")
    return text.set(f"call {how}{vec} @{found}({', '.join(f'{vec} {a}' for a in args)})")
