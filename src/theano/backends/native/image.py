"""Program → the tables that the run-time system reads.

An image is one array of 64-bit integers: the program's table, its inputs, outputs and steps, and the template of the
frame. The offsets are those of the `runtime_*.py` files. Machine code is made for kernels only; everything else in a
program is data, so that a program of a hundred thousand steps costs time linear in its size and no code.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano.backends.native import runtime_core as core
from theano.backends.native import runtime_python_calls as calls
from theano.backends.native import runtime_records as rt
from theano.backends.native.combine_text import combiner_word
from theano.backends.native.image_owners import Owners, other_buffers
from theano.backends.native.kernel_code import CompiledKernel, compile_kernels
from theano.backends.native.kernel_slots import Slot
from theano.backends.native.point_plan import plan_of_points
from theano.backends.native.point_text import goes_over_a_point
from theano.backends.native.python_call import make_call
from theano.backends.native.runtime import Runtime, runtime
from theano.lowering.kernel import INDEXED
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
    RowGroup,
    Step,
    Total,
    Value,
    ViewStep,
)

# where the functions of views are, if not in `runtime_views.py`
_VIEW_FILES = {
    "index": "parts", "diagonal": "parts", "reshape": "reshapes", "specify": "reshapes", "stretch": "reshapes",
}  # fmt: skip


class Place(int):
    """An offset into the image which `put` makes an address."""


class Image:
    """The tables of one program. `address` is the program table's; `kept` must live as long as it is used."""

    def __init__(
        self, program: Program, optimize: bool, kernels: Mapping[int, CompiledKernel] | None = None
    ) -> None:
        self.program = program
        self.optimize = optimize
        self.kept: list[Any] = []
        self.words: list[int] = []
        self._relocations: list[int] = []
        self.runtime: Runtime = runtime()
        if kernels is None:
            # those of loops' bodies, too: a module of LLVM costs more than a kernel
            kernel_steps = [s for s in program.all_steps() if isinstance(s, KernelStep)]
            made = compile_kernels((s.kernel for s in kernel_steps), optimize)
            kernels = {id(step): code for step, code in zip(kernel_steps, made, strict=True)}
        self.kernels = kernels
        self._place_buffers()
        self.owners = self._find_owners()
        self._build()

    # -- writing words; a relocated word is an offset into the image, made an address at the end

    def put(self, words: Sequence[int]) -> int:
        at = 8 * len(self.words)
        self._relocations += [len(self.words) + n for n, word in enumerate(words) if isinstance(word, Place)]
        self.words.extend(words)
        return at

    def write(self, base: int, offset: int, value: int) -> None:
        self.words[(base + offset) // 8] = value

    def point(self, base: int, offset: int, to: int) -> None:
        """Make the word at base + offset the address of the image's offset `to`."""
        self.words[(base + offset) // 8] = to
        self._relocations.append((base + offset) // 8)

    # -- the frame

    def _place_buffers(self) -> None:
        self.at: dict[int, int] = {}
        self.buffers: list[Buffer] = []
        self._frame_bytes = core.FRAME_HEADER
        program = self.program
        for thing in program.inputs:
            self._place(thing.buffer)
        for buffer, _ in program.constants:
            self._place(buffer)
        for step in program.steps:
            for buffer in (*step.inputs, *step.outputs):
                self._place(buffer)
            for buffer in other_buffers(step):
                self._place(buffer)
        for output in program.outputs:
            self._place(output.buffer)

    def _place(self, buffer: Buffer) -> None:
        if id(buffer) not in self.at:
            self.at[id(buffer)] = self.room(core.BUFFER_DIMS + 16 * buffer.ndim)
            self.buffers.append(buffer)

    def room(self, size: int) -> int:
        """Where in the frame `size` bytes are reserved, for a step's own use."""
        at = self._frame_bytes
        self._frame_bytes += size
        return at

    def offset(self, buffer: Buffer) -> int:
        return self.at[id(buffer)]

    def _find_owners(self) -> Owners:
        return Owners(self.program, self.kernels)

    # -- the tables

    def _build(self) -> None:
        program = self.program
        table = self.put([0] * (core.PROGRAM_BYTES // 8))
        arguments = [i for i in program.inputs if i.storage is None]
        storages = [i for i in program.inputs if i.storage is not None]
        inputs = [self._input(i) for i in (*arguments, *storages)]
        results = [o for o in program.outputs if o.storage is None]
        updates = [o for o in program.outputs if o.storage is not None]
        outputs = [self._output(o) for o in (*results, *updates)]
        steps = [self._step(s) for s in program.steps]
        for group in program.row_groups:
            self._rows(group, steps)
        step_table = self.put([0] * max(1, len(steps)))
        for n, at in enumerate(steps):
            self.point(step_table, 8 * n, at)
        no_owner = set(self.owners.constant) | {id(i.buffer) for i in arguments}
        owners = self.put([self.offset(b) for b in self.buffers if id(b) not in no_owner] or [0])
        frame = self._template()
        plan = plan_of_points(self)
        if plan:
            self.point(table, core.PROGRAM_POINTS, plan)
        self.write(table, core.PROGRAM_NARGS, len(arguments))
        self.write(table, core.PROGRAM_FRAME_BYTES, self._frame_bytes)
        self.point(table, core.PROGRAM_TEMPLATE, frame)
        self.point(table, core.PROGRAM_INPUTS, inputs[0] if inputs else 0)
        self.write(table, core.PROGRAM_NSTORAGES, len(storages))
        self.point(table, core.PROGRAM_STEPS, step_table)
        self.write(table, core.PROGRAM_NSTEPS, len(steps))
        self.write(table, core.PROGRAM_COMMIT, min(program.commit_from, len(steps)))
        self.point(table, core.PROGRAM_OUTPUTS, outputs[0] if outputs else 0)
        self.write(table, core.PROGRAM_NRESULTS, len(results))
        self.write(table, core.PROGRAM_NUPDATES, len(updates))
        self.point(table, core.PROGRAM_OWNERS, owners)
        self.write(table, core.PROGRAM_NOWNERS, sum(id(b) not in no_owner for b in self.buffers))
        self.write(table, core.PROGRAM_SEQUENTIAL, int(self.owners.sequential))
        self.write(table, core.PROGRAM_OBJECTS, int(any(i.buffer.dtype == "object" for i in arguments)))
        self.close(table)

    def close(self, table: int) -> None:
        """The words are complete: make offsets addresses."""
        array = np.array(self.words, dtype=np.int64)
        base = array.ctypes.data
        array[self._relocations] += base
        self.array = array
        self.address = base + table

    def _template(self) -> int:
        """The frame as it is when a call starts: constants are bound, everything else is empty."""
        words = [0] * (self._frame_bytes // 8)
        words[core.FRAME_MAY_RELEASE // 8] = 1
        for buffer, value in self.program.constants:
            at = self.offset(buffer) // 8
            if buffer.dtype == "object":
                self.kept.append(value)
                words[at] = id(value)
                continue
            array = np.require(np.asarray(value), dtype=buffer.dtype, requirements=["A"])
            self.kept.append(array)
            words[at] = array.ctypes.data
            at += core.BUFFER_DIMS // 8
            words[at : at + 2 * buffer.ndim] = [*array.shape, *array.strides]
            self.owners.constant[id(buffer)] = array
        return self.put(words)

    def descr(self, dtype: str) -> int:
        descr = np.dtype(dtype)
        self.kept.append(descr)
        return id(descr)

    def _input(self, thing: Any) -> int:
        buffer = thing.buffer
        dense = buffer.dtype != "object"
        entry = [0] * (core.INPUT_ENTRY // 8)
        entry[core.INPUT_BUFFER // 8] = self.offset(buffer)
        entry[core.INPUT_NDIM // 8] = buffer.ndim if dense else -1
        if dense:
            entry[core.INPUT_DESCR // 8] = self.descr(buffer.dtype)
            if buffer.ndim == 0 and thing.storage is None and not thing.mutable:
                kind = np.dtype(buffer.dtype)
                entry[core.INPUT_FLOAT // 8] = int(buffer.dtype == "float64")
                entry[core.INPUT_SCALAR // 8] = id(kind.type)
                entry[core.INPUT_SIZE // 8] = kind.itemsize
                if kind.kind == "i" and sys.byteorder == "little":
                    entry[core.INPUT_WHOLE // 8] = self.room(8)
            entry += [-1 if n is None else n for n in buffer.shape]
        if thing.storage is not None:
            self.kept.append(thing.storage)
            entry[core.INPUT_STORAGE // 8] = id(thing.storage)
        entry[core.INPUT_BYTES // 8] = 8 * len(entry)
        return self.put(entry)

    def _output(self, output: Any) -> int:
        buffer = output.buffer
        dense = buffer.dtype != "object"
        entry = [0] * (core.OUTPUT_ENTRY // 8)
        entry[core.OUTPUT_BUFFER // 8] = self.offset(buffer)
        entry[core.OUTPUT_NDIM // 8] = buffer.ndim if dense else -1
        if dense:
            entry[core.OUTPUT_DESCR // 8] = self.descr(buffer.dtype)
            entry[core.OUTPUT_ITEMSIZE // 8] = np.dtype(buffer.dtype).itemsize
        if output.storage is not None:
            self.kept.append(output.storage)
            entry[core.OUTPUT_STORAGE // 8] = id(output.storage)
        entry[core.OUTPUT_ROOT // 8] = self.offset(self.owners.root.get(id(buffer), buffer))
        entry[core.OUTPUT_BORROW // 8] = int(output.borrow)
        return self.put(entry)

    def _dim(self, dim: Dim | None) -> list[int]:
        """Three words; see `dimension` in runtime_kernels.py."""
        if dim is None:
            return [0, 0, 0]
        if isinstance(dim, Extent):
            return [3, self.offset(dim.buffer) + core.BUFFER_DIMS + 8 * dim.axis, 0]
        if isinstance(dim, Value):
            kind = np.dtype(dim.buffer.dtype)
            if kind.kind not in "iub":
                raise TypeError(f"{dim} of dtype {dim.buffer.dtype} is no integer")
            size = kind.itemsize if kind.kind == "i" else -kind.itemsize
            return [2, self.offset(dim.buffer), 8 if size == -8 else size]
        if isinstance(dim, Total):
            return [4, Place(self.put([w for term in dim.terms for w in self._dim(term)])), len(dim.terms)]
        return [1, int(dim), 0]

    # -- steps

    def _step(self, step: Step) -> int:
        match step:
            case KernelStep():
                return self._kernel(step)
            case ViewStep():
                return self._view(step)
            case CallStep() | RoutineStep():
                return self._library(step)
            case PyCallStep():
                return self.python_record(step)
            case LoopStep():
                return self._loop(step)
            case FreeStep():
                code = self.runtime.door("kernels", "free_run")
                return self.put([0, code, len(step.inputs), *(self.offset(b) for b in step.inputs)])
            case AllocStep() | DimsStep():
                return self._from_dims(step)
        raise NotImplementedError(f"the native backend has no step {type(step).__name__}")

    def _library(self, step: CallStep | RoutineStep) -> int:
        libraries: Any = importlib.import_module("theano.backends.native.library_records")  # not in every program
        made = libraries.product_record if isinstance(step, CallStep) else libraries.routine_record
        at: int = made(self, step)
        return at

    def _loop(self, step: LoopStep) -> int:
        loops: Any = importlib.import_module("theano.backends.native.loop_image")  # most programs need none of it
        at: int = loops.loop_record(self, step)
        return at

    def _from_dims(self, step: AllocStep | DimsStep) -> int:
        code = self.runtime.door("views", "dims_prepare" if isinstance(step, DimsStep) else "alloc_prepare")
        (out,) = step.outputs
        dims = Place(self.put([w for d in step.dims for w in self._dim(d)] or [0]))
        size = np.dtype(out.dtype).itemsize
        return self.put([code, 0, self.offset(out), out.ndim, size, dims, len(step.dims)])

    def _kernel(self, step: KernelStep) -> int:
        made = self.kernels[id(step)]
        kernel = made.kernel
        if kernel.rank > 1 and any(_crosses(o.axes) for o in kernel.operands):
            self.runtime.load_turns()
        at = self.put([0] * (rt.KERNEL_BYTES // 8))
        part, word = ("points", "point") if self.is_point(step) else ("kernels", "kernel")
        self.write(at, core.STEP_PREPARE, self.runtime.door(part, word + "_prepare"))
        self.write(at, core.STEP_RUN, self.runtime.door(part, word + "_run"))
        pairs = rt.STATE_EXTENTS + 8 * kernel.rank
        state_bytes = pairs + 16 * made.indexed + 8
        state = self.room(state_bytes)
        for offset, value in (
            (rt.KERNEL_RANK, kernel.rank),
            (rt.KERNEL_SLOTS, len(made.slots)),
            (rt.KERNEL_INPUTS, kernel.n_inputs),
            (rt.KERNEL_OUTPUTS, len(kernel.results)),
            (rt.KERNEL_CODE, made.address),
            (rt.KERNEL_LANES, made.lanes),
            (rt.KERNEL_FLAGS, made.flags),
            (rt.KERNEL_COST, made.cost),
            (rt.KERNEL_STATE, state),
            (rt.KERNEL_STATE_BYTES, state_bytes),
        ):
            self.write(at, offset, value)
        extents = list(step.extents) or [None] * kernel.rank
        self.point(at, rt.KERNEL_EXTENTS, self.put([w for d in extents for w in self._dim(d)] or [0]))
        axes = [self.put(list(s.axes) or [0]) for s in made.slots]
        operands = self.put([w for s in made.slots for w in self._slot(step, made, s, pairs)] or [0])
        for n, where in enumerate(axes):
            self.point(operands, n * rt.SLOT_BYTES + rt.SLOT_AXES, where)
        self.point(at, rt.KERNEL_OPERANDS, operands)
        return at

    def _rows(self, group: RowGroup, tables: Sequence[int]) -> None:
        """The group's table; its last kernel runs the group, the others only prepare."""
        product = isinstance(self.program.steps[group.start], CallStep)
        numbers = [n for n, a in enumerate(group.axes, group.start) if a is not None][product:]
        members: list[int] = []
        touched: dict[tuple[int, int], Buffer] = {}
        for number in numbers:
            step, axis = self.program.steps[number], group.axes[number - group.start]
            assert isinstance(step, KernelStep) and axis is not None
            members += [Place(tables[number]), axis, number]
            self.write(tables[number], core.STEP_RUN, 0)
            taken_over = [step.outputs[out] for out in step.inplace]
            for operand, buffer in zip(step.kernel.operands, (*step.inputs, *step.outputs), strict=True):
                if not any(buffer is b for b in taken_over):
                    touched[self.offset(buffer), operand.axes.index(axis) if axis in operand.axes else -1] = buffer
        words: list[int] = [len(numbers), len(touched), *members]
        for (offset, axis), buffer in touched.items():
            words += [offset, buffer.ndim, axis, np.dtype(buffer.dtype).itemsize]
        last = tables[numbers[-1]]
        alone = product and len(numbers) == 1
        run = self.runtime.door(*(("kernels", "kernel_run") if alone else ("rows", "rows_run")))
        self.write(last, core.STEP_RUN, run)
        self.point(last, rt.KERNEL_ROWS, self.put(words))
        if product:
            libraries: Any = importlib.import_module("theano.backends.native.library_records")
            libraries.kernels_behind_product(self, group, tables, self.put([Place(tables[group.start]), run]))

    def _slot(self, step: KernelStep, made: CompiledKernel, slot: Slot, pairs: int) -> list[int]:
        kernel = made.kernel
        words = [0] * (rt.SLOT_BYTES // 8)
        words[rt.SLOT_ROLE // 8] = slot.role
        words[rt.SLOT_SIZE // 8] = slot.size
        words[rt.SLOT_NDIM // 8] = len(slot.axes)
        words[rt.SLOT_IDENTITY // 8] = slot.identity
        words[rt.SLOT_TEMPORARY // 8] = slot.temporary
        words[rt.SLOT_FINISH // 8] = made.finish.get(slot.finish, 0)
        words[rt.SLOT_COMBINE // 8] = combiner_word(slot.combine) if slot.combine else 0
        words[rt.SLOT_PARTNER // 8] = slot.partner
        words[rt.SLOT_HANGS // 8] = sum(1 << axis for axis in slot.hangs)
        flags = slot.flags
        words[rt.SLOT_RESULT // 8] = self._result_descr(step, slot)
        if slot.indexed >= 0:
            words[rt.SLOT_STATE // 8] = pairs + 16 * slot.indexed
        if slot.operand >= 0:
            number = slot.operand - kernel.n_inputs
            buffer = step.inputs[slot.operand] if number < 0 else step.outputs[number]
            words[rt.SLOT_BUFFER // 8] = self.offset(buffer)
            if number >= 0 and slot.role != rt.ROLE_ACCUMULATE:
                source = None
                if number in step.inplace:
                    source = step.inputs[step.inplace[number]]
                    if self._takes_over(buffer, source):
                        flags |= rt.TAKES_OVER
                elif number in step.base:
                    source = step.base[number]
                if source is not None:
                    words[rt.SLOT_SOURCE // 8] = self.offset(source)
                    words[rt.SLOT_GUARD // 8] = self.owners.guard.get(id(source), 0)
                    if INDEXED in slot.axes or kernel.results[number].kind.startswith("scatter"):
                        flags |= rt.NEEDS_CONTENT
                elif kernel.results[number].kind == "store" and id(buffer) not in self.owners.in_order:
                    flags |= rt.AS_INPUTS
        words[rt.SLOT_FLAGS // 8] = flags
        return words

    def _result_descr(self, step: KernelStep, slot: Slot) -> int:
        """The dtype of an output without axes of the Program, which the step makes an array at once; 0: it is none."""
        if slot.operand < step.kernel.n_inputs:
            return 0
        buffer = step.outputs[slot.operand - step.kernel.n_inputs]
        return self.descr(buffer.dtype) if id(buffer) in self.owners.results and buffer.ndim == 0 else 0

    def _takes_over(self, out: Buffer, source: Buffer) -> bool:
        """May `out` take over the memory of `source`, if nobody else holds that?"""
        return id(source) not in self.owners.never

    def _view(self, step: ViewStep) -> int:
        from_, to = step.inputs[0], step.outputs[0]
        code = self.runtime.door(_VIEW_FILES.get(step.kind, "views"), "view_" + step.kind)
        words: list[int] = []
        match step.kind:
            case "dimshuffle":
                words = [-1 if a == "x" else int(a) for a in step.params]
                words += [a for a in range(from_.ndim) if a not in step.params]
            case "index":
                for entry in (*step.params, *[(None, None, None)] * (from_.ndim - len(step.params))):
                    if isinstance(entry, tuple):
                        words += [2 if any(e is not None for e in entry) else 0]
                        words += [w for e in entry for w in self._dim(e)]
                    else:
                        words += [1, *self._dim(entry), *[0] * 6]
            case "reshape" | "specify":
                words = [w for e in step.params for w in self._dim(e)]
            case "diagonal":
                offset, first, second = (int(p) for p in step.params)
                words = [offset, first % from_.ndim, second % from_.ndim]
            case "stretch":
                for entry in step.params:
                    words += [len(entry), *(w for e in entry for w in self._dim(e))]
            case "own":
                words = [self.owners.guard.get(id(from_), 0)]
            case _:
                raise NotImplementedError(f"the native backend has no view {step.kind!r}")
        size = 8 if from_.dtype == "object" else np.dtype(from_.dtype).itemsize
        at = self.put([code, 0, self.offset(from_), self.offset(to), from_.ndim, to.ndim, size, 0, len(words)])
        self.point(at, rt.VIEW_PARAMS, self.put(words or [0]))
        return at

    def python_record(self, step: PyCallStep) -> int:
        code = self.runtime.door("python_calls", "call_python")
        call = make_call(step)
        self.kept.append(call)
        at = self.put([0, code, id(call), len(step.inputs), len(step.outputs), 0, 0])
        words: list[int] = []
        for n, buffer in enumerate(step.inputs):
            words += self.argument_words(buffer, n in step.mutable)
        self.point(at, calls.CALL_INPUTS, self.put(words or [0]))
        words = [w for b in step.outputs for w in (self.offset(b), b.ndim if b.dtype != "object" else -1)]
        self.point(at, calls.CALL_OUTPUTS, self.put(words or [0]))
        return at

    def argument_words(self, buffer: Buffer, mutable: bool) -> list[int]:
        """How a buffer becomes an object for Python, see ARGUMENT_ in `runtime_python_calls.py`."""
        root = self.owners.root.get(id(buffer), buffer)
        dense = buffer.dtype != "object"
        constant = self.owners.constant.get(id(root))
        return [
            self.offset(buffer),
            buffer.ndim if dense else -1,
            self.descr(buffer.dtype) if dense else 0,
            int(mutable),
            self.offset(root),
            root.ndim,
            self.descr(root.dtype) if root.dtype != "object" else 0,
            self.owners.argument.get(id(root), -1),
            0 if constant is None else id(self._constant_object(root)),
        ]

    def constant_address(self, buffer: Buffer) -> int:
        """Where a constant's elements lie."""
        return int(self.owners.constant[id(buffer)].ctypes.data)

    def is_point(self, step: KernelStep) -> bool:
        """Is it for `runtime_points.py`?"""
        plain = goes_over_a_point(step.kernel) and not step.base
        return plain and not any(b.ndim for b in (*step.inputs, *step.outputs))

    def _constant_object(self, buffer: Buffer) -> Any:
        """Something that keeps a constant's memory alive."""
        value = self.owners.constant[id(buffer)]
        if not isinstance(value, np.ndarray):
            value = np.asarray(value)
        self.kept.append(value)
        return value


def _crosses(axes: Sequence[int]) -> bool:
    """Does an operand go over the iteration's axes in another order than the results do?"""
    found = [a for a in axes if a >= 0]
    return found != sorted(found)


def entry_function(table: Any, definition: int) -> Any:
    """A C function object; `definition` is the address of a PyMethodDef, `table` what the code gets as self."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(definition, table, None)
