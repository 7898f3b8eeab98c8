"""Planted miscompilations: each breaks a Program in one way which a wrong lowering or backend could.

A fault is a function (program, rng) -> whether it found something to break.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from theano.lowering.kernel import INDEXED, UNIT, Kernel
from theano.lowering.program import FreeStep, KernelStep, Program, ViewStep

Fault = Callable[[Program, np.random.Generator], bool]


def _kernels(program: Program, rng: np.random.Generator) -> list[KernelStep]:
    steps = [step for step in program.steps if isinstance(step, KernelStep)]
    rng.shuffle(steps)  # type: ignore[arg-type]
    return steps


def _with_body(kernel: Kernel, position: int, **changes: Any) -> Kernel:
    body = list(kernel.body)
    body[position] = body[position]._replace(**changes)
    return replace(kernel, body=tuple(body))


def _with_operand(kernel: Kernel, number: int, axes: tuple[int, ...]) -> Kernel:
    operands = list(kernel.operands)
    operands[number] = replace(operands[number], axes=axes)
    return replace(kernel, operands=tuple(operands))


def broadcast_dropped(program: Program, rng: np.random.Generator) -> bool:
    """A broadcast operand is only read at its first element."""
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op == "load":
                operand = step.kernel.operands[instr.attr]
                walked = [a for a in operand.axes if a >= 0]
                if walked and len(walked) < step.kernel.rank and INDEXED not in operand.axes:
                    zero = ("const", instr.dtype, (), {"b": False, "f": 0.0}.get(instr.dtype[0], 0))
                    step.kernel = _with_body(step.kernel, position, op=zero[0], args=zero[2], attr=zero[3])
                    return True
    return False


def stride_wrong(program: Program, rng: np.random.Generator) -> bool:
    """A slice is walked the other way round."""
    for step in program.steps:
        if isinstance(step, ViewStep) and step.kind == "index":
            params = list(step.params)
            for number, entry in enumerate(params):
                if isinstance(entry, tuple) and entry[2] in (None, 1, 2, -1) and entry[0] is None and entry[1] is None:
                    params[number] = (None, None, -1 if entry[2] != -1 else None)
                    step.params = tuple(params)
                    return True
    return False


def operands_swapped(program: Program, rng: np.random.Generator) -> bool:
    """x - y becomes y - x, x < y becomes y < x, ..."""
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op in ("sub", "lt", "gt", "le", "ge", "idiv", "imod", "div") and instr.args[0] != instr.args[1]:
                step.kernel = _with_body(step.kernel, position, args=instr.args[::-1])
                return True
            if instr.op == "select" and instr.args[1] != instr.args[2]:
                step.kernel = _with_body(step.kernel, position, args=(instr.args[0], instr.args[2], instr.args[1]))
                return True
    return False


def alias_missed(program: Program, rng: np.random.Generator) -> bool:
    """An output takes over memory that is read later, because a view of it was forgotten."""
    for number, step in enumerate(program.steps):
        if not isinstance(step, KernelStep) or step.inplace:
            continue
        kernel = step.kernel
        for out, result in enumerate(kernel.results):
            walk = kernel.operands[kernel.n_inputs + out]
            if result.kind != "store" or not walk.axes:
                continue
            for source, buffer in enumerate(step.inputs):
                temporary = any(buffer in s.outputs for s in program.steps[:number])
                later = any(
                    not isinstance(s, FreeStep) and buffer in s.inputs for s in program.steps[number + 1:]
                )
                if kernel.operands[source] == walk and temporary and later:
                    step.inplace = {out: source}
                    return True
    return False


def cast_lost(program: Program, rng: np.random.Generator) -> bool:
    """A cast to integers does not cut off; a cast to bool keeps the number's lowest bit."""
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op != "cast":
                continue
            before = step.kernel.body[instr.args[0]].dtype
            if instr.dtype == "bool" and before != "bool":
                step.kernel = _with_body(step.kernel, position, op="const", args=(), attr=True)
                return True
            if before != "bool" and (instr.dtype.startswith("float") or instr.dtype.startswith("int")):
                step.kernel = _with_body(step.kernel, position, op="const", args=(), attr={"f": 0.5}.get(
                    instr.dtype[0], 1))
                return True
    return False


def accumulator_wrong(program: Program, rng: np.random.Generator) -> bool:
    """A sum is accumulated in too narrow a dtype."""
    for step in _kernels(program, rng):
        for number, result in enumerate(step.kernel.results):
            if result.kind in ("sum", "prod") and result.dtype in ("float64", "int64", "uint64"):
                results = list(step.kernel.results)
                results[number] = result._replace(dtype="float16" if result.dtype == "float64" else "int8")
                step.kernel = replace(step.kernel, results=tuple(results))
                return True
    return False


def axis_wrong(program: Program, rng: np.random.Generator) -> bool:
    """An operand is read transposed."""
    for step in _kernels(program, rng):
        for number in range(step.kernel.n_inputs):
            axes = step.kernel.operands[number].axes
            if len([a for a in axes if a >= 0]) >= 2 and step.inputs[number] not in step.outputs:
                turned = tuple(axes[::-1])
                if UNIT not in axes and INDEXED not in axes:
                    step.kernel = _with_operand(step.kernel, number, turned)
                    return True
    return False


def freed_too_early(program: Program, rng: np.random.Generator) -> bool:
    """Memory is given back before its last use."""
    for number, step in enumerate(program.steps):
        if isinstance(step, FreeStep):
            for earlier in range(number - 1, -1, -1):
                before = program.steps[earlier]
                if isinstance(before, FreeStep):
                    continue
                if any(b in before.inputs for b in step.inputs):
                    program.steps.insert(earlier, program.steps.pop(number))
                    return True
    return False


def in_place_while_read(program: Program, rng: np.random.Generator) -> bool:
    """An argument, or what a later step still needs, is overwritten."""
    for step in program.steps[::-1]:
        if not isinstance(step, KernelStep) or step.inplace:
            continue
        kernel = step.kernel
        for out, result in enumerate(kernel.results):
            for source in range(kernel.n_inputs):
                if result.kind == "store" and kernel.operands[source] == kernel.operands[kernel.n_inputs + out] and (
                    kernel.operands[source].axes
                ):
                    step.inplace = {out: source}
                    return True
    return False


def tail_off_by_one(program: Program, rng: np.random.Generator) -> bool:
    """Positions along an axis, or the end of a slice, are one off."""
    for step in program.steps:
        if isinstance(step, ViewStep) and step.kind == "index":
            params = list(step.params)
            for number, entry in enumerate(params):
                if isinstance(entry, tuple) and isinstance(entry[0], int) and entry[2] in (None, 1):
                    params[number] = (entry[0] + 1, *entry[1:])
                    step.params = tuple(params)
                    return True
    for step in _kernels(program, rng):
        for position, instr in enumerate(step.kernel.body):
            if instr.op == "const" and instr.dtype.startswith("int") and not isinstance(instr.attr, bool):
                step.kernel = _with_body(step.kernel, position, attr=instr.attr + 1 if instr.attr < 100 else 0)
                return True
    return False


def reduction_wrong(program: Program, rng: np.random.Generator) -> bool:
    """A maximum becomes a minimum, `any` becomes `all`."""
    swap = {"max": "min", "min": "max", "any": "all", "all": "any", "argmax": "argmin", "sum": "max"}
    for step in _kernels(program, rng):
        for number, result in enumerate(step.kernel.results):
            if result.kind in swap:
                results = list(step.kernel.results)
                results[number] = result._replace(kind=swap[result.kind])
                step.kernel = replace(step.kernel, results=tuple(results))
                return True
    return False


def scatter_forgets(program: Program, rng: np.random.Generator) -> bool:
    """An increment at repeated positions is a write: the last one wins."""
    for step in _kernels(program, rng):
        for number, result in enumerate(step.kernel.results):
            if result.kind == "scatter_add":
                results = list(step.kernel.results)
                results[number] = result._replace(kind="scatter_set")
                step.kernel = replace(step.kernel, results=tuple(results))
                return True
    return False


FAULTS: dict[str, Fault] = {
    function.__name__: function
    for function in (
        broadcast_dropped, stride_wrong, operands_swapped, alias_missed, cast_lost, accumulator_wrong, axis_wrong,
        freed_too_early, in_place_while_read, tail_off_by_one, reduction_wrong, scatter_forgets,
    )
}
