"""Run a Program with plain NumPy: the oracle of the tests of lowering and of backends.

`run_program` follows `program.py` to the letter, step by step, and makes every copy that could be avoided. It never
overwrites what the caller or a storage holds: it works on copies, and an update is stored at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.running import run
from theano.loops.scan_steps import run_steps
from theano.lowering.kernel_reference import reference_run
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    Dim,
    DimsStep,
    Extent,
    FreeStep,
    KernelStep,
    LoopStep,
    Program,
    PyCallStep,
    RoutineStep,
    Step,
    Total,
    Value,
    ViewStep,
)


def run_program(program: Program, *args: Any) -> list[Any]:
    """The program's results in order; updates are stored after every step has succeeded."""
    values: dict[int, Any] = {}
    waiting = list(args)
    for thing in program.inputs:
        given = waiting.pop(0) if thing.storage is None else thing.storage[0]
        _bind(values, thing.buffer, given)
    if waiting:
        raise TypeError(f"{len(waiting)} arguments too many")
    for buffer, constant in program.constants:
        _bind(values, buffer, constant)
    for step in program.steps:
        run_step(values, step)
    results = []
    updates = []
    for output in program.outputs:
        value = values[id(output.buffer)]
        if output.buffer.dtype != "object":
            value = np.array(value, order="C")
        if output.storage is None:
            results.append(value)
        else:
            updates.append((output.storage, value))
    for storage, value in updates:
        storage[0] = value
    return results


def _bind(values: dict[int, Any], buffer: Buffer, value: Any) -> None:
    if buffer.dtype != "object":
        # a copy: kernels write through views, and neither arguments nor storages may change before the end
        value = np.array(value, dtype=buffer.dtype)
        _verify(buffer, value)
    values[id(buffer)] = value


def _verify(buffer: Buffer, value: np.ndarray) -> None:
    if value.dtype != buffer.dtype or value.ndim != buffer.ndim:
        raise TypeError(f"{buffer}: {value.dtype} of rank {value.ndim}, not {buffer.dtype} of rank {buffer.ndim}")
    for known, n in zip(buffer.shape, value.shape, strict=True):
        if known is not None and known != n:
            raise TypeError(f"{buffer}: shape {value.shape}, not {buffer.shape}")


def _number(values: dict[int, Any], dim: Dim) -> int:
    if isinstance(dim, Value):
        return int(values[id(dim.buffer)])
    if isinstance(dim, Extent):
        return int(values[id(dim.buffer)].shape[dim.axis])
    if isinstance(dim, Total):
        return sum(_number(values, term) for term in dim.terms)
    return int(dim)


def run_step(values: dict[int, Any], step: Step) -> None:
    """Run one step: `values` has an array (or object) for the id of each buffer."""
    inputs: list[Any] = [values.get(id(b)) for b in step.inputs]
    results: list[Any]
    match step:
        case KernelStep():
            extents = [None if d is None else _number(values, d) for d in step.extents]
            start = {out: values[id(b)] for out, b in step.base.items()}
            for out, source in step.inplace.items():
                if step.kernel.results[out].kind.startswith("scatter"):
                    start[out] = inputs[source]
            results = list(reference_run(step.kernel, inputs, extents, start))
            for out, source in step.inplace.items():
                # where the input is a view, whoever reads the memory it shows must see what was written
                inputs[source][...] = results[out].reshape(inputs[source].shape)
                results[out] = inputs[source].reshape(results[out].shape)
        case CallStep():
            results = [_call(values, step, inputs)]
        case ViewStep():
            results = [view_of(lambda dim: _number(values, dim), step, inputs[0])]
        case LoopStep():
            body = step.body
            results = run_steps(step.nodes[0].op, step.nodes[0], inputs, lambda *rows: _run_body(body, rows))
        case PyCallStep() | RoutineStep():
            node = step.nodes[0]
            cells: list[list[Any]] = [[None] for _ in step.outputs]
            mutable = step.mutable if isinstance(step, PyCallStep) else ()
            copies = [x.copy() if n in mutable else x for n, x in enumerate(inputs)]
            (run if isinstance(node, Apply) else node.op.perform)(node, copies, cells)
            results = [cell[0] for cell in cells]
        case AllocStep():
            shape = tuple(_number(values, d) for d in step.dims)
            if any(n < 0 for n in shape):
                raise ValueError(f"negative length in {shape}")
            results = [np.zeros(shape, dtype=step.outputs[0].dtype)]
        case DimsStep():
            numbers = [_number(values, d) for d in step.dims]
            results = [np.array(numbers if step.outputs[0].ndim else numbers[0], dtype=np.int64)]
        case FreeStep():
            for buffer in step.inputs:
                values.pop(id(buffer), None)
            return
        case _:
            raise NotImplementedError(type(step).__name__)
    for buffer, value in zip(step.outputs, results, strict=True):
        if buffer.dtype != "object":
            _verify(buffer, np.asarray(value))
        values[id(buffer)] = value


def _run_body(body: Program, rows: Sequence[Any]) -> list[Any]:
    """The results of the body of a loop for one step, in the order of its outputs."""
    arguments = []
    for thing, row in zip(body.inputs, rows, strict=True):
        if thing.storage is None:
            arguments.append(row)
        else:
            thing.storage[0] = row
    found = iter(run_program(body, *arguments))
    results = [next(found) if output.storage is None else output.storage[0] for output in body.outputs]
    for thing in body.inputs:
        if thing.storage is not None:
            thing.storage[0] = None
    return results


def _call(values: dict[int, Any], step: CallStep, inputs: Sequence[Any]) -> np.ndarray:
    dtype = step.outputs[0].dtype
    alpha, beta = (float(values[id(x)]) if isinstance(x, Buffer) else x for x in (step.alpha, step.beta))
    a, b = inputs[:2]
    match step.routine:
        case "dot" | "gemv" | "gemm":
            product = np.dot(a, b)
        case "ger":
            product = np.outer(a, b)
            beta = 1.0
        case "batched_gemm":
            product = np.matmul(a, b)
        case _:
            raise NotImplementedError(step.routine)
    scalars = isinstance(step.alpha, Buffer) + isinstance(step.beta, Buffer)
    rest = inputs[2 : len(inputs) - scalars]
    out = alpha * product.astype(np.float64)
    if rest and (step.routine == "ger" or isinstance(step.beta, Buffer) or beta != 0):
        if rest[0].shape != product.shape:
            raise ValueError(f"C has shape {rest[0].shape}, the product {product.shape}")
        out = out + beta * rest[0]
    return np.asarray(out).astype(dtype)


def view_of(number: Callable[[Dim], int], step: ViewStep, x: np.ndarray) -> np.ndarray:
    """What a ViewStep makes of an array; `number` says what a run-time integer is."""
    match step.kind:
        case "dimshuffle":
            kept = [p for p in step.params if p != "x"]
            for axis, n in enumerate(x.shape):
                if axis not in kept and n != 1:
                    raise ValueError(f"axis {axis} of length {n} cannot be dropped")
            dropped = tuple(a for a in range(x.ndim) if a not in kept)
            order = sorted(kept)
            moved = np.squeeze(x, axis=dropped).transpose([order.index(a) for a in kept])
            return moved[tuple(np.newaxis if p == "x" else slice(None) for p in step.params)]
        case "index":
            entries: list[Any] = []
            for p in step.params:
                if isinstance(p, tuple):
                    entries.append(slice(*(None if d is None else number(d) for d in p)))
                else:
                    entries.append(number(p))
            return (
                x[tuple(entries)]
                if any(isinstance(e, slice) for e in entries) or len(entries) < x.ndim
                else (np.asarray(x[tuple(entries)]))
            )
        case "reshape":
            shape = [number(d) for d in step.params]
            if any(n < -1 for n in shape) or (-1 in shape and math.prod(n for n in shape if n != -1) == 0):
                raise ValueError(f"cannot reshape {x.shape} to {shape}")
            return x.reshape(shape)
        case "diagonal":
            offset, first, second = step.params
            shown = np.diagonal(x, offset, first, second)
            shown.flags.writeable = x.flags.writeable
            return shown
        case "specify":
            for axis, d in enumerate(step.params):
                if d is not None and number(d) != x.shape[axis]:
                    raise AssertionError(f"axis {axis} has length {x.shape[axis]}")
            return x
        case "stretch":
            lengths = [
                next((m for m in (number(d) for d in others) if m != 1), 1) if n == 1 else n
                for n, others in zip(x.shape, step.params, strict=True)
            ]
            return np.broadcast_to(x, lengths)
        case "own":
            return x.copy()
    raise NotImplementedError(step.kind)
