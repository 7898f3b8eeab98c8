"""What memory a call of a Program takes: which buffers live when, what reuses what, and the peak. Nothing is computed.

The plan follows the steps as the native backend runs them: outputs get memory when a step is prepared, a kernel may
take over the memory of an input that dies, views have none of their own, FreeSteps give memory back, steps after
`commit_from` are all prepared before the first of them runs, and at the end results that own no memory are copied.
Arguments and stored values are there before the call and are counted apart. `shape_run.py` finds the shapes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano._records import field, record_class
from theano.lowering.program import (
    Buffer,
    CallStep,
    DimsStep,
    FreeStep,
    KernelStep,
    LoopStep,
    Program,
    PyCallStep,
    RoutineStep,
    Step,
    ViewStep,
)
from theano.lowering.shape_run import ShapeRun, reshaped_strides

AT_THE_END = 1 << 60
BLOCK = 1 << 16  # bytes of the wide sums of a block of rows: less than a second cache holds


@record_class(slots=True)
class PlannedBuffer:
    """A buffer with memory of its own.

    born, dies   numbers of steps; dies is None for a result
    memory       "new"; "recycles b3" (the block that b3 has left behind) or "takes over b3" (b3's, which dies here)
    made_by      the op that makes it, and the user's line
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    born: int
    dies: int | None
    memory: str
    made_by: str


@record_class(slots=True)
class MemoryPlan:
    """What `Function.memory_plan` returns; `str()` is a table. All sizes in bytes.

    peak         the most that results and temporaries take at one time
    peak_step    the step at which they do; the number of steps: when results are copied at the end
    results      of what is returned or becomes a stored value, and is not one already
    fresh        what the system has to give for the first call: less is needed later, as memory is recycled
    arguments, stored   of what is there before the call
    buffers      [PlannedBuffer], in the order in which they are made
    unknown      ops whose results were not counted, because their shapes hang on values
    routines     ops whose results were counted, but not the memory that they use while they run: what Python computes,
                 and a few routines
    """

    name: str = ""
    peak: int = 0
    peak_step: int = 0
    results: int = 0
    fresh: int = 0
    arguments: int = 0
    stored: int = 0
    steps: int = 0
    buffers: list[PlannedBuffer] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    routines: list[str] = field(default_factory=list)

    @property
    def temporaries(self) -> int:
        """What the peak is more than the results."""
        return max(0, self.peak - self.results)

    def __str__(self) -> str:
        title = f"memory plan of {self.name}" if self.name else "memory plan"
        lines = [
            f"{title}: at the peak {size_text(self.peak)}, in step {self.peak_step} of {self.steps}",
            f"  results {size_text(self.results)}, arguments {size_text(self.arguments)}, "
            f"stored values {size_text(self.stored)}; a first call gets {size_text(self.fresh)} from the system",
        ]
        rows = [("buffer", "steps", "size", "type", "memory", "made by")]
        for b in self.buffers:
            life = f"{b.born}-{'result' if b.dies is None else b.dies}"
            rows.append((b.name, life, size_text(b.bytes), f"{b.dtype}{list(b.shape)}", b.memory, b.made_by))
        widths = [max(len(row[n]) for row in rows) for n in range(5)]
        for row in rows:
            cells = [cell.rjust(w) if n == 2 else cell.ljust(w) for n, (cell, w) in enumerate(zip(row, widths))]
            lines.append("  " + "  ".join((*cells, row[5])).rstrip())
        lines += [f"  not counted, its shape hangs on values: {what}" for what in self.unknown]
        lines += [f"  not counted, memory for its own use: {what}" for what in self.routines]
        return "\n".join(lines)


def size_text(size: int) -> str:
    """Bytes as people write them: 12 B, 3.4 KiB, 80.0 MiB."""
    if size < 1024:
        return f"{size} B"
    amount, unit = size / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if amount >= 1024:
            amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"


@record_class(slots=True, eq=False)
class _Block:
    size: int
    record: PlannedBuffer


class MemoryPlanner:
    """Makes the plan of a Program for given inputs.

    inputs       for each input of the Program its value, or a stand-in with its shape
    numbers      which of these are values
    recycles     (capacity, size): does a block that was given back serve for so many bytes? None: none does
    sequential   steps after `commit_from` cannot be prepared ahead, and overwrite nothing of others
    workspace    (routine, params, arrays, which of them have known numbers, an array like the result): the bytes that
                 a routine takes for its own use, or None
    """

    def __init__(
        self, program: Program, inputs: Sequence[Any], numbers: Sequence[bool],
        recycles: Callable[[int, int], bool] | None = None, sequential: bool = False,
        workspace: Callable[[str, Sequence[int], Sequence[Any], Sequence[bool], Any], int | None] | None = None,
    ) -> None:
        self.program = program
        self.recycles = recycles or (lambda capacity, size: False)
        self.sequential = sequential
        self.workspace = workspace or (lambda *known: None)
        self.shapes = ShapeRun()
        self._rows = {  # the axis of the rows, of kernels that may go over a block of rows at a time
            number: axis for group in program.row_groups
            for number, axis in zip(range(group.start, group.stop), group.axes, strict=True) if axis is not None
        }  # fmt: skip
        self._products = {  # at which kernel the product is computed with which its group starts
            group.stop - 1: program.steps[group.start] for group in program.row_groups
            if isinstance(program.steps[group.start], CallStep)
        }  # fmt: skip
        self.plan = MemoryPlan(program.name, steps=len(program.steps))
        self.owner: dict[int, _Block] = {}
        self.live = 0
        self.pool: list[tuple[int, str]] = []
        self.pooled = 0
        self._foreign: set[int] = set()  # the caller's and stored arrays, and views of them
        self._shown: dict[int, Buffer] = {}  # of views of the program's own memory: what they show
        for thing, value, known in zip(program.inputs, inputs, numbers, strict=True):
            self.shapes.bind(thing.buffer, value, known)
            self._foreign.add(id(thing.buffer))
            size = _size(value)
            if thing.storage is None:
                self.plan.arguments += size
            else:
                self.plan.stored += size
        for buffer, constant in program.constants:
            value = constant if buffer.dtype == "object" else np.asarray(constant, buffer.dtype)
            self.shapes.bind(buffer, value, True)

    def run(self) -> MemoryPlan:
        program, plan = self.program, self.plan
        late = len(program.steps) if self.sequential else program.commit_from
        for number, step in enumerate(program.steps[:late]):
            self._prepare(number, step)
            self._free(number, step)
        for number, step in enumerate(program.steps[late:], late):
            self._prepare(number, step)
        for number, step in enumerate(program.steps[late:], late):
            self._free(number, step)
        self._finish()
        return plan

    # -- accounts -------------------------------------------------------------------------------------------------

    def _take(self, number: int, step: Step | None, buffer: Buffer, array: Any) -> None:
        """New memory for what a step makes."""
        size = _size(array)
        left_by = self._from_pool(size)
        self._record(number, step, buffer, array, size, f"recycles {left_by}" if left_by else "new")
        self.live += size
        self._note_peak(number)

    def _from_pool(self, size: int) -> str:
        """Take a block that was given back; which buffer has left it behind, or "" if there is none."""
        for position in range(len(self.pool) - 1, -1, -1):
            capacity, left_by = self.pool[position]
            if size and self.recycles(capacity, size):
                del self.pool[position]
                self.pooled -= capacity
                return left_by
        return ""

    def _to_pool(self, size: int, name: str) -> None:
        if self.recycles(size, size):
            self.pool.append((size, name))
            self.pooled += size

    def _note_peak(self, number: int, more: int = 0) -> None:
        plan = self.plan
        if self.live + more > plan.peak:
            plan.peak, plan.peak_step = self.live + more, number
        plan.fresh = max(plan.fresh, self.live + more + self.pooled)

    def _record(self, number: int, step: Step | None, buffer: Buffer, array: Any, size: int, memory: str) -> None:
        shape = array.shape if isinstance(array, np.ndarray) else ()
        record = PlannedBuffer(str(buffer), buffer.dtype, shape, size, number, AT_THE_END, memory, _maker(step))
        self.owner[id(buffer)] = _Block(size, record)
        self.plan.buffers.append(record)

    def _take_over(self, number: int, step: Step, buffer: Buffer, source: Buffer) -> None:
        """An output in the memory of an input."""
        block = self.owner.pop(id(source), None)
        if block is not None:
            block.record.dies = number
            array = self.shapes.arrays[id(buffer)]
            self._record(number, step, buffer, array, block.size, f"takes over {source}")
        elif id(source) in self._foreign:
            if self.sequential:
                self._take(number, step, buffer, self.shapes.arrays[id(buffer)])
            else:
                self._foreign.add(id(buffer))

    def _give_back(self, number: int, buffer: Buffer) -> None:
        block = self.owner.pop(id(buffer), None)
        if block is None:
            return
        block.record.dies = number
        self.live -= block.size
        self._to_pool(block.size, block.record.name)

    # -- steps ----------------------------------------------------------------------------------------------------

    def _other_axes_are_slower(self, step: KernelStep, rows: int) -> bool:
        """Are rows not the slowest axis in memory of all that the kernel touches? Then it does not run by blocks."""
        for operand, buffer in zip(step.kernel.operands, (*step.inputs, *step.outputs), strict=True):
            array = self.shapes.arrays[id(buffer)]
            if rows in operand.axes:
                along = abs(array.strides[operand.axes.index(rows)])
                if any(abs(s) > along for n, s in zip(array.shape, array.strides) if n > 1):
                    return True
        return False

    def _prepare(self, number: int, step: Step) -> None:
        if isinstance(step, FreeStep):
            return
        if not self.shapes.run(step):
            self.plan.unknown.append(_maker(step))
        arrays = [self.shapes.arrays[id(b)] for b in step.outputs]
        match step:
            case KernelStep():
                self._make(number, step, arrays)
                wide = _accumulators(step, arrays)
                rows = self._rows.get(number)
                if rows is not None and not self._other_axes_are_slower(step, rows):
                    wide = min(wide, BLOCK)
                self._note_peak(number, wide)
                if number in self._products:
                    self._note_peak(number, self._panel(self._products[number]))
            case CallStep():
                self._make(number, step, arrays)
                self._note_peak(number, _copies(step.routine, *(self.shapes.arrays[id(b)] for b in step.inputs[:2])))
            case ViewStep():
                self._view(number, step, arrays[0])
            case DimsStep():
                self._record(number, step, step.outputs[0], arrays[0], 0, "new")
            case _:
                self._make(number, step, arrays)
                own = self._own(step, self.shapes)
                if own:
                    self._from_pool(own)
                    self._note_peak(number, own)
                    self._to_pool(own, f"the workspace of step {number}")
                if isinstance(step, LoopStep):
                    self._note_peak(number, self._body(step))

    def _make(self, number: int, step: Step, arrays: Sequence[Any]) -> None:
        places = _in_place(step)
        for out, (buffer, array) in enumerate(zip(step.outputs, arrays)):
            if out in places:
                self._take_over(number, step, buffer, step.inputs[places[out]])
            else:
                self._take(number, step, buffer, array)

    def _view(self, number: int, step: ViewStep, array: Any) -> None:
        source, buffer = step.inputs[0], step.outputs[0]
        x = self.shapes.arrays[id(source)]
        copies = step.kind == "reshape" and id(source) not in self.shapes.unknown
        if copies and reshaped_strides(x, array.shape) is None:
            self._take(number, step, buffer, array)
        elif id(source) in self._foreign:
            self._foreign.add(id(buffer))
        else:
            self._shown[id(buffer)] = source

    def _free(self, number: int, step: Step) -> None:
        if isinstance(step, FreeStep):
            for buffer in step.inputs:
                self._give_back(number, buffer)

    def _body(self, step: LoopStep) -> int:
        """What the body of a loop takes besides the loop's results: the memory of a step is kept for all others."""
        if any(id(b) in self.shapes.unknown for b in (*step.inputs, *step.outputs)):
            return 0
        inner = self.shapes.body(step)
        # carried values live in memory that becomes the loop's results
        carried = {id(thing.buffer) for thing in step.body.inputs if thing.storage is not None}
        kept = own = 0
        for part in step.body.steps:
            own = max(own, self._own(part, inner))
            if not isinstance(part, ViewStep | FreeStep):
                overwrites = {out for out, source in _in_place(part).items() if id(part.inputs[source]) in carried}
                kept += sum(_size(inner.arrays[id(b)]) for n, b in enumerate(part.outputs) if n not in overwrites)
        return kept + own

    def _own(self, step: Step, shapes: ShapeRun) -> int:
        """What a routine takes for its own use while it runs."""
        if isinstance(step, RoutineStep):
            known = not any(id(b) in shapes.unknown for b in (*step.inputs, *step.outputs))
            arrays, out = [shapes.arrays[id(b)] for b in step.inputs], shapes.arrays[id(step.outputs[0])]
            numbers = [id(b) in shapes.known for b in step.inputs]
            own = self.workspace(step.routine, step.params, arrays, numbers, out) if known else None
            if own is not None:
                return own
        if isinstance(step, RoutineStep | PyCallStep):
            self.plan.routines.append(_maker(step))
        return 0

    def _panel(self, product: Step) -> int:
        """What a part of a product takes that is computed beside the whole, for the kernels that follow."""
        a, b, out = (self.shapes.arrays[id(x)] for x in (*product.inputs[:2], *product.outputs))
        return self.workspace("products.panel", (), [a, b], [False, False], out) or 0

    def _finish(self) -> None:
        """Results: those with memory of their own are handed over, others are copied."""
        end = len(self.program.steps)
        given: set[int] = set()
        for output in self.program.outputs:
            buffer = output.buffer
            array = self.shapes.arrays[id(buffer)]
            size = _size(array)
            while id(buffer) in self._shown and id(buffer) not in self.owner:
                buffer = self._shown[id(buffer)]  # a view of all of it
            block = self.owner.get(id(buffer))
            if block is not None and id(buffer) not in given:
                block.record.dies = None
                self.plan.results += block.size
            elif output.storage is not None and id(buffer) in self._foreign:
                continue  # a stored value that was overwritten
            elif not output.borrow and size:
                self._take(end, None, buffer, array)
                self.owner[id(buffer)].record.dies = None
                self.plan.results += size
            given.add(id(buffer))
        for block in self.owner.values():
            if block.record.dies == AT_THE_END:
                block.record.dies = end


def _in_place(step: Step) -> dict[int, int]:
    """{output: the input whose memory it may take over}"""
    if isinstance(step, KernelStep):
        return step.inplace
    return {0: 2} if isinstance(step, CallStep) and step.inplace else {}


def _size(value: Any) -> int:
    return value.nbytes if isinstance(value, np.ndarray) else 0


def _accumulators(step: KernelStep, arrays: Sequence[Any]) -> int:
    """Bytes of accumulators that are not the results themselves: wider ones, and the values of positions."""
    kernel, total = step.kernel, 0
    for result, operand, array in zip(kernel.results, kernel.operands[kernel.n_inputs :], arrays, strict=True):
        if result.kind in ("argmax", "argmin"):
            total += array.size * np.dtype(kernel.body[result.value].dtype).itemsize
        elif result.dtype and result.dtype != operand.dtype:
            total += array.size * np.dtype(result.dtype).itemsize
    return total


def _copies(routine: str, a: Any, b: Any) -> int:
    """Bytes of the copies of what a product cannot read as it lies."""
    if routine == "dot":
        return 0
    if routine != "gemv":
        return _copied(a) + _copied(b)
    rows, terms = a.shape
    down, across = a.strides
    in_rows = terms < 2 or across == a.itemsize
    if rows < 2 or (down == a.itemsize and (terms < 2 or not in_rows)):
        return 0
    vector = b.nbytes if terms > 1 and b.strides[0] != a.itemsize else 0
    return vector + (0 if in_rows else int(a.nbytes))


def _copied(x: Any) -> int:
    """Bytes of the copy of a matrix or vector which BLAS cannot read as it lies."""
    if not isinstance(x, np.ndarray) or x.size == 0:
        return 0
    size = x.itemsize
    if x.ndim == 1:
        return 0 if len(x) == 1 or (x.strides[0] > 0 and x.strides[0] % size == 0) else x.nbytes
    (rows, columns), (down, across) = x.shape[-2:], x.strides[-2:]
    for n, step, m, walk in ((rows, down, columns, across), (columns, across, rows, down)):
        if (walk == size or m == 1) and (n == 1 or (step % size == 0 and step // size >= m)):
            return 0
    return rows * columns * size


def _maker(step: Step | None) -> str:
    """The op that a step computes, and the user's line."""
    if step is None:
        return "a copy for the caller"
    if not step.nodes:
        return type(step).__name__
    node = step.nodes[-1]
    origin = getattr(node, "origin", None)
    more = f" and {len(step.nodes) - 1} more" if len(step.nodes) > 1 else ""
    return f"{node.op}{more}" + ("" if origin is None else f" ({_place(origin)})")


def _place(origin: Any) -> str:
    """The name of the file, and the line."""
    file, line, *_ = (origin.frames() or [("unknown", 0)])[0]
    return f"{os.path.basename(file)}:{line}"


def plan_memory(
    program: Program, inputs: Sequence[Any], numbers: Sequence[bool], **options: Any
) -> MemoryPlan:
    """The memory plan of a Program; see MemoryPlanner."""
    return MemoryPlanner(program, inputs, numbers, **options).run()
