"""Program: a schedule of steps over typed buffers, between mathematics and machine code.

`lower.py` makes a Program from a rewritten FunctionGraph; `backends/native` emits it. Shapes are run-time values:
one Program serves every shape. What is known statically (dtype, rank, length-one axes) is in the buffers.

A Program can be printed (`str(program)`), verified (`verify.py`) and run slowly with NumPy (`program_reference.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano._records import field, record_class
from theano.loops.scan_layout import ScanLayout
from theano.lowering.kernel import Kernel


@record_class(eq=False, slots=True)
class Buffer:
    """A typed array (or Python object) that exists at run time.

    dtype     NumPy name, or "object" for a value that is no dense tensor (only PyCall touches it)
    shape     static knowledge: an int where the length is known, None where it is not
    name      for printing and errors: the variable's name or ""
    At run time it has a data pointer, a length and a byte stride per axis, and possibly an owner of its memory.
    """

    number: int
    dtype: str
    shape: tuple[int | None, ...]
    name: str = ""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return f"b{self.number}"


@record_class(frozen=True, slots=True)
class Value:
    """A run-time integer: the content of a 0-d integer (or bool) buffer."""

    buffer: Buffer

    def __str__(self) -> str:
        return f"{self.buffer}"


@record_class(frozen=True, slots=True)
class Extent:
    """A run-time integer: the length of a buffer along an axis."""

    buffer: Buffer
    axis: int

    def __str__(self) -> str:
        return f"{self.buffer}.shape[{self.axis}]"


@record_class(frozen=True, slots=True)
class Total:
    """A run-time integer: the sum of others (an offset or a length of a join)."""

    terms: tuple[Dim, ...]

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms))


Dim = int | Value | Extent | Total


@record_class(eq=False, slots=True, kw_only=True)
class Step:
    """Base of the steps. `nodes` are the Apply nodes that the step computes (for errors and profiles)."""

    inputs: list[Buffer]
    outputs: list[Buffer]
    nodes: Sequence[Any] = ()


@record_class(eq=False, slots=True, kw_only=True)
class KernelStep(Step):
    """Run `kernel` with its input operands bound to `inputs` and its output operands to `outputs`.

    extents    one Dim per iteration axis, or None where the operands tell it. All operand axes which walk one
               iteration axis must have one length: anything else is a run-time ValueError (shape mismatch);
               a negative extent is a ValueError, an absurd one a MemoryError.
    inplace    {output number: input number}: the output takes over the memory (and the strides) of that input,
               which dies here; both have equal dtype and walk the same iteration axes in the same way.
               For scatter results the output *starts* as the content of that input.
               The input may be a ViewStep's output: the kernel then writes part of the root's memory in place
               (joins, set_subtensor), and later readers of the root buffer see what was written. The input operand
               need not be loaded by the body.
    base       {output number: input buffer}: a scatter result which is not in place starts as a copy of this buffer
    """

    kernel: Kernel
    extents: tuple[Dim | None, ...] = ()
    inplace: dict[int, int] = field(default_factory=dict)
    base: dict[int, Buffer] = field(default_factory=dict)


@record_class(eq=False, slots=True, kw_only=True)
class CallStep(Step):
    """A call of a library routine, chosen by name.

    routine    "gemm": out = alpha * A @ B + beta * C for 2-d A, B (C absent when beta is 0)
               "gemv": out = alpha * A @ x + beta * y;   "ger": out = alpha * outer(x, y) + C
               "dot": inner product of two vectors;      "batched_gemm": 3-d A, B, out[i] = A[i] @ B[i]
               inputs are [A, B] or [A, B, C], in mathematical order, any strides, float32 or float64, one dtype.
    alpha, beta    Python floats, or 0-d Buffers of the same dtype (then listed in `inputs` after the others)
    inplace    True when the output takes over the memory of C
    Mismatched inner or outer lengths are a run-time ValueError.
    """

    routine: str
    alpha: float | Buffer = 1.0
    beta: float | Buffer = 0.0
    inplace: bool = False


@record_class(eq=False, slots=True, kw_only=True)
class RoutineStep(Step):
    """`nodes[0].op.perform` by native code: a routine that a backend has, with any number of inputs and outputs.

    routine    family and name, as "cholesky.factor". Backends find it by this alone
    params     integers that choose what the routine does
    Inputs and outputs are those of the node, in order, as dense arrays of any strides; outputs are fresh memory, whose
    lengths the routine finds itself. Where `perform` would raise, the routine fails, and nothing has been overwritten:
    the step lies before `commit_from`.
    """

    routine: str
    params: tuple[int, ...] = ()


@record_class(eq=False, slots=True, kw_only=True)
class PyCallStep(Step):
    """`nodes[0].op.perform` in Python, for everything that has no native lowering.

    The inputs become read-only views as ndarrays (or the objects themselves); each output must come back with the
    dtype and rank of its buffer. `mutable` numbers the inputs that the op destroys (each is dead after, or a copy).
    """

    mutable: tuple[int, ...] = ()


@record_class(eq=False, slots=True, kw_only=True)
class LoopStep(Step):
    """`nodes[0].op.perform` of a Scan: `body` is run for one step of the loop after the other.

    Inputs and outputs are those of the node, in the order that `layout` says; those of the body are the inner graph's.
    In the body what is carried is a storage input with an update (its list holds nothing: a mark only), so that it
    may be overwritten in place; everything else is a positional argument and a result. Outputs are fresh memory. The
    step lies before `commit_from`.
    """

    body: Program
    layout: ScanLayout


@record_class(eq=False, slots=True, kw_only=True)
class ViewStep(Step):
    """Pointer, shape and stride arithmetic only; the one output shares the memory of the one input.

    kind       params
    "dimshuffle"   tuple: for every output axis the input axis, or "x" for a new axis of length one. Dropped input
                   axes must have length one at run time (ValueError otherwise)
    "index"        tuple of entries in NumPy's meaning: a Dim (integer index, bounds checked: IndexError), a
                   (start, stop, step) triple of Dim-or-None (clipped as Python slices do; step 0 is a ValueError).
                   Missing trailing axes are whole. At least one entry per axis named
    "reshape"      tuple of Dims, at most one of them -1 (or a Value that is -1 at run time); wrong sizes are a
                   ValueError. When the strides do not allow a view, the step copies, and the output owns the copy
    "diagonal"     (offset, axis1, axis2): the diagonal goes last
    "specify"      tuple of Dim-or-None: check the lengths (AssertionError otherwise); the view is the whole input
    "stretch"      for every axis a tuple of Dims: an axis of length one gets the first of these lengths that is not one
    "own"          (): the whole input, a storage's array, which later steps overwrite. Where somebody else holds the
                   array the step copies. Only after `commit_from`
    """

    kind: str
    params: tuple[Any, ...]


@record_class(eq=False, slots=True, kw_only=True)
class AllocStep(Step):
    """The one output becomes fresh, C-contiguous, *uninitialised* memory of the given lengths.

    dims    one Dim per axis. Negative: ValueError; absurd: MemoryError. `inputs` lists the buffers in `dims`.
    Later KernelSteps write it, whole or part by part, through views (`KernelStep.inplace`).
    """

    dims: tuple[Dim, ...]


@record_class(eq=False, slots=True, kw_only=True)
class DimsStep(Step):
    """The one output becomes an int64 array of run-time integers: 0-d (one Dim) or 1-d (one entry per Dim)."""

    dims: tuple[Dim, ...]


@record_class(eq=False, slots=True, kw_only=True)
class FreeStep(Step):
    """The `inputs` are dead: give their memory back."""


@record_class(frozen=True, slots=True)
class ProgramInput:
    """Where an input buffer comes from at each call.

    storage    None: the next positional argument. A one-element list: the value is storage[0] (a shared variable
               or an input with a default).
    mutable    the caller allows the program to overwrite the array
    """

    buffer: Buffer
    storage: list | None = None
    mutable: bool = False


@record_class(frozen=True, slots=True)
class ProgramOutput:
    """Where an output buffer goes.

    storage    None: returned to the caller, as an ndarray that owns its memory (unless `borrow`). A one-element
               list: becomes storage[0] after every step has succeeded (an update).
    """

    buffer: Buffer
    storage: list | None = None
    borrow: bool = False


@record_class(frozen=True, slots=True)
class RowGroup:
    """Steps from `start` to before `stop` whose kernels may run over a block of rows at a time (see `blocking.py`).

    axes    for each step the iteration axis of its kernel that is the rows; None for a step that is no kernel. Such
            a step reads nothing that the kernels compute and may be done before the first of them runs.
            The first step may be a product of matrices, whose rows are axis 0: a block of them is computed, then the
            kernels go over it.
    A backend may do so where it pays: every step is prepared, then each block of rows goes through all kernels. Where
    the lengths of the kernels' rows differ it must not. Results are the same to the last bit.
    """

    start: int
    stop: int
    axes: tuple[int | None, ...]


@record_class(eq=False, slots=True, kw_only=True)
class Program:
    """Steps in order of execution. `constants` are read-only arrays (or objects) bound to buffers at compile time.

    commit_from    index into `steps`: from here on steps overwrite the caller's or shared arrays in place. The
                   backend does every check of these steps before it runs the first of them, so that a failing
                   call leaves shared values as they were. Equal to len(steps) when nothing is overwritten.
    row_groups     in order of their steps, before `commit_from`, without overlap; a backend may ignore them
    """

    inputs: list[ProgramInput]
    outputs: list[ProgramOutput]
    constants: list[tuple[Buffer, Any]]
    steps: list[Step]
    commit_from: int
    name: str = ""
    row_groups: list[RowGroup] = field(default_factory=list)

    def __str__(self) -> str:
        """The textual form which golden tests compare: inputs, steps with their kernels, outputs."""
        lines = [f"program {self.name}".rstrip()]
        for thing in self.inputs:
            source = "argument" if thing.storage is None else "storage"
            lines.append(f"  {_declared(thing.buffer)} = {source}{' (mutable)' if thing.mutable else ''}")
        for buffer, value in self.constants:
            shown = str(value).replace("\n", " ")
            lines.append(f"  {_declared(buffer)} = constant {shown if len(shown) <= 40 else shown[:37] + '...'}")
        groups = {group.start: group for group in self.row_groups}
        stop = -1
        for number, step in enumerate(self.steps):
            if number == self.commit_from:
                lines.append("  commit")
            if number == stop:
                lines.append("  end of rows")
            if number in groups:
                stop = groups[number].stop
                axes = ", ".join("-" if a is None else f"i{a}" for a in groups[number].axes)
                lines.append(f"  rows ({axes})")
            lines.extend("  " + line for line in _step_lines(step))
        if stop == len(self.steps):
            lines.append("  end of rows")
        for output in self.outputs:
            target = "return" if output.storage is None else "store"
            lines.append(f"  {target} {output.buffer}{' (borrowed)' if output.borrow else ''}")
        return "\n".join(lines)

    def all_steps(self) -> list[Step]:
        """Its steps and those of the bodies of its loops."""
        found: list[Step] = []
        pending = [self]
        while pending:
            program = pending.pop()
            found += program.steps
            pending += [step.body for step in program.steps if isinstance(step, LoopStep)]
        return found


def _declared(buffer: Buffer) -> str:
    shape = ", ".join("?" if n is None else str(n) for n in buffer.shape)
    return f"{buffer}: {buffer.dtype}[{shape}]{' ' + buffer.name if buffer.name else ''}"


def _listed(buffers: Sequence[Buffer]) -> str:
    return ", ".join(map(str, buffers))


def _entry(entry: Any, kind: str) -> str:
    if isinstance(entry, tuple) and kind == "stretch":
        return f"({', '.join(map(str, entry))})"
    if isinstance(entry, tuple):
        start, stop, by = ("" if e is None else str(e) for e in entry)
        return f"{start}:{stop}{':' + by if by else ''}"
    return "?" if entry is None else str(entry)


def _step_lines(step: Step) -> list[str]:
    """A step as it is printed: one line, and for a kernel its body."""
    outputs = ", ".join(map(_declared, step.outputs))
    match step:
        case FreeStep():
            return [f"free {_listed(step.inputs)}"]
        case ViewStep():
            params = ", ".join(_entry(p, step.kind) for p in step.params)
            return [f"{outputs} = view {step.inputs[0]} {step.kind} ({params})"]
        case AllocStep():
            return [f"{outputs} = alloc ({', '.join(map(str, step.dims))})"]
        case DimsStep():
            return [f"{outputs} = dims ({', '.join(map(str, step.dims))})"]
        case CallStep():
            scale = "".join(
                f" {name}={value}" for name, value in (("alpha", step.alpha), ("beta", step.beta))
            )
            return [f"{outputs} = {step.routine} ({_listed(step.inputs)}){scale}{' in place' if step.inplace else ''}"]
        case RoutineStep():
            params = f" params {step.params}" if step.params else ""
            return [f"{outputs} = routine {step.routine} ({_listed(step.inputs)}){params}"]
        case LoopStep():
            return [f"{outputs} = loop {step.nodes[0].op} ({_listed(step.inputs)})",
                    *("  " + line for line in str(step.body).split("\n"))]
        case PyCallStep():
            changed = f" mutable {list(step.mutable)}" if step.mutable else ""
            return [f"{outputs} = perform {step.nodes[0].op} ({_listed(step.inputs)}){changed}"]
        case KernelStep():
            notes = "".join(f" {step.outputs[o]} over {step.inputs[i]}" for o, i in step.inplace.items())
            notes += "".join(f" {step.outputs[o]} from {buffer}" for o, buffer in step.base.items())
            if any(d is not None for d in step.extents):
                notes += f" extents ({', '.join('-' if d is None else str(d) for d in step.extents)})"
            body = str(step.kernel).split("\n")
            return [f"{outputs} = {body[0]} of ({_listed(step.inputs)}){notes}", *body[1:]]
    return [f"{outputs} = {type(step).__name__} ({_listed(step.inputs)})"]
