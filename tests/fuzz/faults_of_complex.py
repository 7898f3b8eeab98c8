"""Planted faults in what is done with complex numbers: in the instructions of kernels, and in the formulas on pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from faults import Fault, _kernels, _with_body

from theano.lowering.build import _record_cost
from theano.lowering.program import Program
from theano.scalar.complex_functions import FORMULAS


def parts_swapped(program: Program, rng: np.random.Generator) -> bool:
    """The imaginary part is read where the real one is."""
    return _changed(program, rng, "im", op="re")


def imaginary_part_lost(program: Program, rng: np.random.Generator) -> bool:
    """A complex number is taken for a real one."""
    return _changed(program, rng, "im", op="const", args=(), attr=0.0)


def stored_the_other_way_round(program: Program, rng: np.random.Generator) -> bool:
    """The imaginary part is stored first."""
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op == "pair" and instr.args[0] != instr.args[1]:
                step.kernel = _with_body(step.kernel, position, args=instr.args[::-1])
                return True
    return False


def _changed(program: Program, rng: np.random.Generator, which: str, **changes: Any) -> bool:
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op == which:
                step.kernel = _with_body(step.kernel, position, **changes)
                return True
    return False


FAULTS: dict[str, Fault] = {
    each.__name__: each for each in (parts_swapped, imaginary_part_lost, stored_the_other_way_round)
}

# name of an op, and what is computed instead
FORMULAS_WITH_FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "square of i is 1": ("sqr", lambda b, x: (x[0] * x[0] + x[1] * x[1], x[0] * x[1] + x[1] * x[0])),
    "conjugate forgotten": ("conj", lambda b, x: x),
    "difference of one part only": ("sub", lambda b, x, y: (x[0] - y[0], x[1])),
    "equal where one part is": ("eq", lambda b, x, y: b.eq(x[0], y[0]) | b.eq(x[1], y[1])),
    "modulus is the real part's": ("abs_", lambda b, x: abs(x[0])),
    "quotient of parts": ("true_div", lambda b, x, y: (x[0] / y[0], x[1] / y[0])),
    "sine for cosine": ("exp", lambda b, x: tuple(b.math("exp", x[0]) * b.math(f, x[1]) for f in ("sin", "cos"))),
    "angle to the other axis": ("angle", lambda b, x: b.math("atan2", *(b.cast(p, "float64") for p in x))),
    "only the real part decides": (
        "switch", lambda b, c, x, y: tuple(b.select(b.ne(c[0], 0), x[k], y[0]) for k in (0, 1))),
}  # fmt: skip


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Kernels that are lowered inside use the wrong formula."""
    op, wrong = FORMULAS_WITH_FAULTS[name]
    right = FORMULAS[op]
    FORMULAS[op] = wrong
    _record_cost.cache_clear()
    try:
        yield
    finally:
        FORMULAS[op] = right
        _record_cost.cache_clear()
