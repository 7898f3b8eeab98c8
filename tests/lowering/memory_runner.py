"""Run a Program with NumPy and with real memory: what is shared is shared, what is freed is ruined.

Unlike `theano.lowering.program_reference`, which copies everything, this follows the memory plan to the letter: an
output that takes over an input's memory is written there, views see what is written through other views, and freed
memory is filled with junk. So a wrong plan gives wrong results here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.loops.scan_steps import run_steps
from theano.lowering.kernel_reference import reference_run
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    DimsStep,
    Extent,
    FreeStep,
    KernelStep,
    LoopStep,
    Program,
    PyCallStep,
    RoutineStep,
    Total,
    Value,
    ViewStep,
)


class MemoryRunner:
    """`run(*arguments)` gives the results; storages are updated as the Program says."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.arrays: dict[Buffer, Any] = {}

    def run(self, *arguments: Any) -> list[Any]:
        program = self.program
        self.arrays = {}
        waiting = iter(arguments)
        before = []
        for thing in program.inputs:
            value = next(waiting) if thing.storage is None else thing.storage[0]
            if thing.storage is None and isinstance(value, np.ndarray) and not thing.mutable:
                value = value.view()
                value.flags.writeable = False
            self.arrays[thing.buffer] = value
            before.append(value)
        for buffer, value in program.constants:
            if isinstance(value, np.ndarray):
                value = value.view()
                value.flags.writeable = False
            self.arrays[buffer] = value
        for number, step in enumerate(program.steps):
            self.step(step, number >= program.commit_from)
        results, updates = [], []
        for output in program.outputs:
            value = self.arrays[output.buffer]
            if isinstance(value, np.ndarray) and not output.borrow:
                for thing, old in zip(program.inputs, before):
                    own = output.storage is not None and output.storage is thing.storage
                    if not own and isinstance(old, np.ndarray) and np.shares_memory(value, old):
                        raise AssertionError(f"output {output.buffer} shares memory with input {thing.buffer}")
                for other in (*results, *(v for _, v in updates)):
                    if isinstance(other, np.ndarray) and np.shares_memory(value, other):
                        raise AssertionError(f"two outputs share memory, one is {output.buffer}")
            if output.storage is None:
                results.append(value)
            else:
                updates.append((output.storage, value))
        for storage, value in updates:
            storage[0] = value
        return results

    def number(self, dim: Any) -> int:
        if isinstance(dim, Value):
            return int(self.arrays[dim.buffer])
        if isinstance(dim, Extent):
            return int(self.arrays[dim.buffer].shape[dim.axis])
        if isinstance(dim, Total):
            return sum(self.number(term) for term in dim.terms)
        return int(dim)

    def step(self, step: Any, committing: bool) -> None:
        if isinstance(step, FreeStep):
            for buffer in step.inputs:
                self.ruin(self.arrays.pop(buffer))
            return
        for buffer in step.inputs:
            assert buffer in self.arrays, f"{buffer} is read and does not exist"
        inputs = [self.arrays[b] for b in step.inputs]
        match step:
            case KernelStep():
                results = self.kernel(step, inputs, committing)
            case CallStep():
                results = [self.call(step, inputs)]
            case ViewStep():
                results = [self.view(step, inputs[0])]
            case AllocStep():
                shape = tuple(self.number(d) for d in step.dims)
                if any(n < 0 for n in shape):
                    raise ValueError(f"negative length in {shape}")
                results = [np.empty(shape, step.outputs[0].dtype)]
                _fill_with_junk(results[0])
            case DimsStep():
                numbers = [self.number(d) for d in step.dims]
                results = [np.array(numbers if step.outputs[0].ndim else numbers[0], dtype="int64")]
            case LoopStep():
                results = self.loop(step, inputs)
            case PyCallStep() | RoutineStep():
                results = self.python(step, inputs)
            case _:
                raise NotImplementedError(type(step).__name__)
        for buffer, value in zip(step.outputs, results, strict=True):
            if buffer.dtype != "object":
                value = np.asarray(value)
                assert value.dtype.name == buffer.dtype, f"{buffer} is {buffer.dtype}, got {value.dtype}"
                assert value.ndim == buffer.ndim, f"{buffer} has rank {buffer.ndim}, got {value.ndim}"
                for known, n in zip(buffer.shape, value.shape):
                    assert known is None or known == n, f"{buffer} has shape {buffer.shape}, got {value.shape}"
            self.arrays[buffer] = value

    @staticmethod
    def loop(step: LoopStep, inputs: list[Any]) -> list[Any]:
        body = step.body

        def run_body(*rows: Any) -> list[Any]:
            arguments = []
            for thing, row in zip(body.inputs, rows, strict=True):
                if thing.storage is None:
                    arguments.append(row)
                else:  # the loop's own memory, which the body may overwrite
                    thing.storage[0] = np.array(row) if isinstance(row, np.ndarray) else row
            found = iter(MemoryRunner(body).run(*arguments))
            return [next(found) if out.storage is None else out.storage[0] for out in body.outputs]

        return run_steps(step.nodes[0].op, step.nodes[0], inputs, run_body)

    def kernel(self, step: KernelStep, inputs: list[Any], committing: bool) -> list[Any]:
        extents = [None if d is None else self.number(d) for d in step.extents]
        start = {out: self.arrays[b] for out, b in step.base.items()}
        for out, source in step.inplace.items():
            start[out] = inputs[source]
        values = reference_run(step.kernel, inputs, extents, start)
        results = []
        for number, value in enumerate(values):
            source = step.inplace.get(number)
            if source is None:
                results.append(value)
                continue
            target = inputs[source]
            if not committing:
                assert target.flags.writeable, f"{step.outputs[number]} overwrites memory that is not its own"
            target[...] = value
            results.append(target)
        return results

    def call(self, step: CallStep, inputs: list[Any]) -> Any:
        alpha, beta = (
            self.arrays[f] if isinstance(f, Buffer) else f for f in (step.alpha, step.beta)
        )
        a, b = inputs[:2]
        factors = sum(isinstance(f, Buffer) for f in (step.alpha, step.beta))
        onto = inputs[2] if len(inputs) - factors > 2 else None
        product = np.outer(a, b) if step.routine == "ger" else a @ b
        result = np.asarray(alpha * product, dtype=step.outputs[0].dtype)
        if onto is not None:
            assert onto.shape == result.shape
            if step.routine == "ger":
                beta = 1
            if beta != 0:  # as in BLAS, 0 does not look at what it is added to
                result = np.asarray(result + beta * onto, dtype=result.dtype)
        if step.inplace:
            onto[...] = result
            result = onto
        return result

    def view(self, step: ViewStep, x: Any) -> Any:
        params = step.params
        match step.kind:
            case "dimshuffle":
                kept = [p for p in params if p != "x"]
                dropped = [axis for axis in range(x.ndim) if axis not in kept]
                assert all(x.shape[axis] == 1 for axis in dropped)
                moved = x.transpose(kept + dropped)[(..., *[0] * len(dropped))]
                return moved[tuple(None if p == "x" else slice(None) for p in params)]
            case "index":
                index = tuple(
                    slice(*(None if e is None else self.number(e) for e in p)) if isinstance(p, tuple)
                    else self.number(p) for p in params
                )
                return x[(*index, ...)]
            case "reshape":
                return x.reshape([self.number(p) for p in params])
            case "diagonal":
                offset, first, second = params
                result = np.diagonal(x, offset, first, second)
                result.flags.writeable = x.flags.writeable
                return result
            case "specify":
                for axis, dim in enumerate(params):
                    assert dim is None or self.number(dim) == x.shape[axis], f"axis {axis} has length {x.shape[axis]}"
                return x[...]
            case "stretch":
                others = [[m for m in map(self.number, entry) if m != 1] for entry in params]
                return np.broadcast_to(x, [m[0] if m and n == 1 else n for n, m in zip(x.shape, others, strict=True)])
            case "own":
                return x[...]
        raise NotImplementedError(step.kind)

    def python(self, step: PyCallStep | RoutineStep, inputs: list[Any]) -> list[Any]:
        (node,) = step.nodes
        given = []
        mutable = step.mutable if isinstance(step, PyCallStep) else ()
        for number, value in enumerate(inputs):
            if isinstance(value, np.ndarray) and number not in mutable:
                value = value.view()
                value.flags.writeable = False
            given.append(value)
        cells: list[list[Any]] = [[None] for _ in step.outputs]
        node.op.perform(node, given, cells)
        return [cell[0] for cell in cells]

    @staticmethod
    def ruin(value: Any) -> None:
        # a view owns nothing: giving back a reshape that did not have to copy does nothing
        if isinstance(value, np.ndarray) and value.base is None and value.flags.writeable:
            _fill_with_junk(value)


def _fill_with_junk(array: np.ndarray) -> None:
    if array.dtype.kind in "fc":
        array[...] = np.nan
    elif array.dtype.kind == "b":
        array[...] = ~array
    elif array.dtype.kind in "iu":
        array[...] = 77
