"""Invariants of a Program: `verify(program)` raises ProgramError where one is broken. Linear and cheap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from theano.lowering.kernel import INDEXED, MATH, OPCODES, REDUCTIONS, UNIT, Kernel
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
from theano.scalar.dtypes import is_complex, real_dtype

ROUTINES = {"gemm": (2, 2, 2), "gemv": (2, 1, 1), "ger": (1, 1, 2), "dot": (1, 1, 0), "batched_gemm": (3, 3, 3)}
VIEWS = frozenset(["dimshuffle", "index", "reshape", "diagonal", "specify", "stretch", "own"])
_BITWISE = frozenset(["and", "or", "xor", "not", "shl", "shr", "power"])
_TESTS = frozenset(["lt", "le", "gt", "ge", "eq", "ne", "isnan", "isinf"])


class ProgramError(AssertionError):
    """A Program that no backend could run rightly: a mistake of the lowering."""


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise ProgramError(message)


def verify(program: Program) -> None:
    """Check that buffers are written before they are read and not used once freed, that kernels are well formed and
    fit their buffers, and that only memory is overwritten which nothing else reads afterwards."""
    _Verifier(program).run()


class _Verifier:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.alive: set[int] = set()
        self.root: dict[int, Buffer] = {}
        self.foreign: dict[int, str] = {}      # memory that is not the program's own
        self.last_read: dict[int, int] = {}    # of a root: the last step that reads it or a view of it
        self.last_content: dict[int, int] = {}  # the same for steps which read more than lengths

    def run(self) -> None:
        program = self.program
        for thing in program.inputs:
            self._declare(thing.buffer)
            self.foreign[id(thing.buffer)] = "argument" if thing.storage is None else "storage"
        for buffer, _ in program.constants:
            self._declare(buffer)
            self.foreign[id(buffer)] = "constant"
        self._find_last_reads()
        _require(0 <= program.commit_from <= len(program.steps), "commit_from lies outside the steps")
        for number, step in enumerate(program.steps):
            self._step(number, step)
        self._row_groups()
        seen: set[int] = set()
        for output in program.outputs:
            _require(id(output.buffer) in self.alive, f"the output {output.buffer} does not exist in the end")
            root = self._root(output.buffer)
            own = output.storage is not None and any(
                thing.storage is output.storage and root is thing.buffer for thing in program.inputs
            )
            if not output.borrow and not own:
                _require(id(root) not in self.foreign, f"the output {output.buffer} shares memory with {root}")
                _require(id(root) not in seen, f"two outputs share the memory of {root}")
            seen.add(id(root))

    def _declare(self, buffer: Buffer) -> None:
        _require(id(buffer) not in self.alive, f"{buffer} is written twice")
        self.alive.add(id(buffer))

    def _root(self, buffer: Buffer) -> Buffer:
        return self.root.get(id(buffer), buffer)

    def _find_last_reads(self) -> None:
        root: dict[int, Buffer] = {}
        for number, step in enumerate(self.program.steps):
            if isinstance(step, FreeStep):
                continue
            for buffer in _read_by(step):
                self.last_read[id(root.get(id(buffer), buffer))] = number
            for buffer in _content_read_by(step):
                self.last_content[id(root.get(id(buffer), buffer))] = number
            for out, source in _shared(step):
                root[id(out)] = root.get(id(source), source)
        for output in self.program.outputs:
            for last in (self.last_read, self.last_content):
                last[id(root.get(id(output.buffer), output.buffer))] = len(self.program.steps)

    def _step(self, number: int, step: Step) -> None:
        for buffer in _read_by(step):
            _require(id(buffer) in self.alive, f"step {number} reads {buffer}, which does not exist then")
        if isinstance(step, FreeStep):
            for buffer in step.inputs:
                self.alive.discard(id(buffer))
                _require(id(buffer) not in self.foreign, f"step {number} frees {buffer}, which is not its own")
                if id(buffer) not in self.root:
                    _require(
                        self.last_read.get(id(buffer), -1) <= number, f"step {number} frees {buffer}, still needed"
                    )
            return
        match step:
            case KernelStep():
                verify_kernel(step.kernel)
                self._kernel(number, step)
            case CallStep():
                self._call(number, step)
            case ViewStep():
                _require(step.kind in VIEWS, f"step {number}: no view is called {step.kind}")
                _require(len(step.inputs) == len(step.outputs) == 1, f"step {number}: a view has one input and output")
                _require(step.inputs[0].dtype == step.outputs[0].dtype, f"step {number}: a view changes the dtype")
                if step.kind == "own":
                    self._overwritten(number, step.inputs[0], step.outputs[0])
            case RoutineStep():
                self._routine(number, step)
            case LoopStep():
                self._loop(number, step)
            case PyCallStep():
                for position in step.mutable:
                    destroyed = step.nodes[0].op.destroy_map.items()
                    heirs = [step.outputs[out] for out, sources in destroyed if position in sources]
                    self._overwritten(number, step.inputs[position], heirs[0] if heirs else None)
            case AllocStep():
                _require(len(step.dims) == step.outputs[0].ndim, f"step {number}: wrong number of lengths")
            case DimsStep():
                out = step.outputs[0]
                _require(out.dtype == "int64" and out.ndim <= 1, f"step {number}: lengths are int64, 0-d or 1-d")
        for out, source in _shared(step):
            self.root[id(out)] = self._root(source)
        for buffer in step.outputs:
            self._declare(buffer)

    def _overwritten(self, number: int, buffer: Buffer, out: Buffer | None) -> None:
        """Step `number` writes into the memory of `buffer`, which `out` takes over."""
        root = self._root(buffer)
        kind = self.foreign.get(id(root))
        if kind is not None:
            _require(
                number >= self.program.commit_from and kind == "storage",
                f"step {number} overwrites {buffer}, memory of the {kind} {root}",
            )
        if root is buffer:
            _require(
                self.last_content.get(id(root), -1) <= number
                or (out is not None and self._reads_are_of(out, root)),
                f"step {number} overwrites {buffer}, which is read later",
            )

    def _reads_are_of(self, out: Buffer, root: Buffer) -> bool:
        """Are the later reads of `root`'s memory all reads of `out` (or of what is made of it)?"""
        later = False
        heirs = {id(out)}
        for step in self.program.steps:
            if any(b is out for b in step.outputs):
                later = True
                continue
            if not later or isinstance(step, FreeStep):
                continue
            for buffer in _content_read_by(step):
                if buffer is root:
                    return False
            for made, source in _shared(step):
                if id(source) in heirs:
                    heirs.add(id(made))
        return all(output.buffer is not root for output in self.program.outputs)

    def _row_groups(self) -> None:
        """Groups of rows: in order, without frees, and what a kernel makes is walked along the rows by all."""
        end = 0
        for group in self.program.row_groups:
            where = f"rows {group.start} to {group.stop}"
            _require(end <= group.start < group.stop <= self.program.commit_from, f"{where}: not in order")
            end = group.stop
            steps = self.program.steps[group.start : group.stop]
            _require(len(steps) == len(group.axes), f"{where}: {len(group.axes)} axes")
            made: dict[int, int] = {}  # of a buffer that the group's kernels write: which of its axes is the rows
            if isinstance(steps[0], CallStep):
                _require(steps[0].routine == "gemm" and group.axes[0] == 0, f"{where}: {steps[0].routine} has no rows")
                made[id(steps[0].outputs[0])] = 0
            for step, rows in zip(steps[len(made) :], group.axes[len(made) :], strict=True):
                if rows is None:
                    _require(isinstance(step, ViewStep | AllocStep | DimsStep), f"{where}: {type(step).__name__}")
                    continue
                _require(isinstance(step, KernelStep) and not step.base, f"{where}: a kernel which checks positions")
                assert isinstance(step, KernelStep)
                kernel = step.kernel
                _require(all(i.op != "gather" for i in kernel.body), f"{where}: a kernel which checks positions")
                for operand, buffer in zip(kernel.operands, (*step.inputs, *step.outputs), strict=True):
                    if id(buffer) in made:
                        _require(operand.axes.count(rows) == 1, f"{where}: {buffer} is not walked along the rows")
                        _require(operand.axes.index(rows) == made[id(buffer)], f"{where}: {buffer} has other rows")
                for operand, buffer, result in zip(
                    kernel.operands[kernel.n_inputs :], step.outputs, kernel.results, strict=True
                ):
                    walked = [a for a in operand.axes if a != UNIT]
                    first = walked[0] == rows if walked else False
                    _require(rows in walked, f"{where}: {buffer} has no rows")
                    _require(first or result.kind == "store", f"{where}: the rows of {buffer} are scattered")
                    made[id(buffer)] = operand.axes.index(rows)

    def _kernel(self, number: int, step: KernelStep) -> None:
        kernel = step.kernel
        where = f"step {number}"
        _require(len(step.inputs) == kernel.n_inputs, f"{where}: {len(step.inputs)} inputs for {kernel.n_inputs}")
        _require(len(step.outputs) == len(kernel.results), f"{where}: wrong number of outputs")
        _require(len(step.extents) in (0, kernel.rank), f"{where}: wrong number of extents")
        told = {axis for axis, dim in enumerate(step.extents) if dim is not None}
        for operand, buffer in zip(kernel.operands, (*step.inputs, *step.outputs), strict=True):
            _require(operand.dtype == buffer.dtype, f"{where}: {buffer} is {buffer.dtype}, not {operand.dtype}")
            _require(len(operand.axes) == buffer.ndim, f"{where}: {buffer} has rank {buffer.ndim}")
            for axis, length in zip(operand.axes, buffer.shape):
                _require(axis != UNIT or length == 1, f"{where}: {buffer} is not known to have length one")
        for position, operand in enumerate(kernel.operands):
            if position < kernel.n_inputs or position - kernel.n_inputs in step.base:
                told.update(a for a in operand.axes if a >= 0)
        _require(len(told) == kernel.rank, f"{where}: the length of some axis is not known")
        for out, result in enumerate(kernel.results):
            if result.kind.startswith("scatter"):
                _require((out in step.inplace) != (out in step.base), f"{where}: a scatter starts from nothing")
        for out, source in step.inplace.items():
            before, after = kernel.operands[source], kernel.operands[kernel.n_inputs + out]
            _require(before == after, f"{where}: in place, but {before} and {after} walk differently")
            if kernel.results[out].kind == "store":
                walked = [a for a in after.axes if a >= 0]
                _require(sorted(walked) == list(range(kernel.rank)), f"{where}: in place, but read at several points")
            self._overwritten(number, step.inputs[source], step.outputs[out])
            root = self._root(step.inputs[source])
            # parts of one array that are all written (a join) are views next to each other
            others = [n for n, b in enumerate(step.inputs) if n not in step.inplace.values() and self._root(b) is root]
            based = [b for b in step.base.values() if self._root(b) is root]
            _require(not others and not based, f"{where}: overwrites {root} and reads it elsewhere too")
            heirs = [n for n, b in step.inplace.items() if self._root(step.inputs[b]) is root]
            whole = step.inputs[source] is root
            _require(len(heirs) == 1 or not whole, f"{where}: two outputs take over {root}")

    def _call(self, number: int, step: CallStep) -> None:
        _require(step.routine in ROUTINES, f"step {number}: no routine is called {step.routine}")
        ranks = ROUTINES[step.routine]
        factors = [f for f in (step.alpha, step.beta) if isinstance(f, Buffer)]
        matrices = step.inputs[:len(step.inputs) - len(factors)]
        _require([b.ndim for b in matrices] == list(ranks[:len(matrices)]), f"step {number}: wrong ranks")
        _require(
            {b.dtype for b in (*step.inputs, *step.outputs)} in ({"float32"}, {"float64"}),
            f"step {number}: {step.routine} of mixed dtypes",
        )
        if step.inplace:
            _require(len(matrices) == 3, f"step {number}: nothing to work in")
            self._overwritten(number, matrices[2], step.outputs[0])
            root = self._root(matrices[2])
            same = [b for b in step.inputs if self._root(b) is root]
            _require(len(same) == 1, f"step {number}: overwrites {root} and reads it elsewhere too")


    def _loop(self, number: int, step: LoopStep) -> None:
        where, layout, body = f"step {number}", step.layout, step.body
        _require(number < self.program.commit_from, f"{where}: a loop may fail, and comes after the commit")
        verify(body)
        outer, inner = layout.outer(step.inputs), layout.inner(body.inputs)
        wanted = [(b.dtype, b.ndim - 1) for b in outer.sequences]
        for taps, initial in zip(layout.taps, outer.initials):
            wanted += [(initial.dtype, initial.ndim - 1)] * len(taps)
        wanted += [(b.dtype, b.ndim) for b in (*outer.carried, *outer.others)]
        found = [(thing.buffer.dtype, thing.buffer.ndim) for thing in body.inputs]
        _require(found == wanted, f"{where}: the body reads {found}, there are {wanted}")
        results, ends = layout.outputs(body.outputs), layout.outputs(step.outputs)
        rows = [(b.dtype, b.ndim - 1) for b in (*ends.states, *ends.traced)]
        wanted = rows + [(b.dtype, b.ndim) for b in ends.carried]
        found = [(out.buffer.dtype, out.buffer.ndim) for out in (*results.states, *results.traced, *results.carried)]
        _require(found == wanted, f"{where}: the body makes {found}, wanted are {wanted}")
        cells = [thing.storage for thing in inner.carried]
        _require(all(cell is not None for cell in cells), f"{where}: what is carried has no storage")
        _require([out.storage for out in results.carried] == cells, f"{where}: what is carried is not stored")
        _require(sum(t.storage is not None for t in body.inputs) == len(cells), f"{where}: the body has other storage")

    def _routine(self, number: int, step: RoutineStep) -> None:
        where = f"step {number}: {step.routine}"
        family, _, name = step.routine.partition(".")
        _require(family.isidentifier() and name.isidentifier(), f"{where}: no family and name")
        _require(number < self.program.commit_from, f"{where}: it may fail, and comes after the commit")
        (node,) = step.nodes
        for what, buffers, variables in (("inputs", step.inputs, node.inputs), ("outputs", step.outputs, node.outputs)):
            _require(
                [(b.dtype, b.ndim) for b in buffers] == [(v.type.dtype, v.type.ndim) for v in variables],
                f"{where}: its {what} are not those of {node.op}",
            )


def _shared(step: Step) -> Iterable[tuple[Buffer, Buffer]]:
    """(output, input) pairs that are one memory afterwards."""
    if isinstance(step, ViewStep):
        yield step.outputs[0], step.inputs[0]
    elif isinstance(step, KernelStep):
        for out, source in step.inplace.items():
            yield step.outputs[out], step.inputs[source]
    elif isinstance(step, CallStep) and step.inplace:
        yield step.outputs[0], step.inputs[2]
    elif isinstance(step, PyCallStep):
        op = step.nodes[0].op
        for shares in (op.view_map, op.destroy_map):
            for out, sources in shares.items():
                yield step.outputs[out], step.inputs[sources[0]]


def _buffers_of(dims: Iterable[Any], kinds: tuple[type, ...] = (Value, Extent)) -> Iterable[Buffer]:
    pending = list(dims)
    while pending:
        dim: Dim | Any = pending.pop()
        if isinstance(dim, (Value, Extent)):
            if isinstance(dim, kinds):
                yield dim.buffer
        elif isinstance(dim, Total):
            pending.extend(dim.terms)
        elif isinstance(dim, tuple):
            pending.extend(dim)


def _read_by(step: Step) -> Iterable[Buffer]:
    yield from step.inputs
    if isinstance(step, KernelStep):
        yield from step.base.values()
    yield from _buffers_of(_dims_of(step))


def _content_read_by(step: Step) -> Iterable[Buffer]:
    """`_read_by`, without the buffers of which the step only needs the lengths."""
    yield from step.inputs if not isinstance(step, DimsStep | AllocStep) else ()
    if isinstance(step, KernelStep):
        yield from step.base.values()
    yield from _buffers_of(_dims_of(step), (Value,))


def _dims_of(step: Step) -> Sequence[Any]:
    match step:
        case KernelStep():
            return step.extents
        case ViewStep():
            return step.params
        case AllocStep() | DimsStep():
            return step.dims
    return ()


def verify_kernel(kernel: Kernel) -> None:
    """Check one kernel by itself."""
    _require(len(kernel.operands) == kernel.n_inputs + len(kernel.results), "operands and results do not match")
    for operand in kernel.operands:
        _require(all(INDEXED <= a < kernel.rank for a in operand.axes), f"{operand} walks an axis that is not there")
    body = kernel.body
    for position, (op, dtype, args, attr) in enumerate(body):
        where = f"%{position} = {op} {dtype}"
        _require(op in OPCODES, f"{where}: unknown")
        _require(all(0 <= a < position for a in args), f"{where}: uses what comes later")
        given = [body[a].dtype for a in args]
        _require(op in ("load", "pair") or not is_complex(dtype), f"{where}: makes complex numbers")
        _require(op in ("re", "im") or not any(map(is_complex, given)), f"{where}: of {given}")
        if op in ("load", "gather"):
            _require(0 <= attr < kernel.n_inputs, f"{where}: no input {attr}")
            operand = kernel.operands[attr]
            _require(operand.dtype == dtype, f"{where}: the operand is {operand.dtype}")
            _require(sum(a == INDEXED for a in operand.axes) == len(args), f"{where}: wrong number of positions")
            _require(all(d == "int64" for d in given), f"{where}: positions are int64")
        elif op in ("iota", "extent"):
            _require(dtype == "int64" and 0 <= attr < kernel.rank, f"{where}: no axis {attr}")
        elif op in _TESTS:
            _require(dtype == "bool" and len(set(given)) == 1, f"{where}: of {given}")
        elif op in ("re", "im"):
            _require([real_dtype(d) for d in given] == [dtype] != given, f"{where}: of {given}")
        elif op == "pair":
            _require(is_complex(dtype) and given == [real_dtype(dtype)] * 2, f"{where}: of {given}")
        elif op == "select":
            _require(given[0] == "bool" and given[1:] == [dtype, dtype], f"{where}: of {given}")
        elif op not in ("const", "cast"):
            _require(all(d == dtype for d in given), f"{where}: of {given}")
            _require(op != "math" or attr in MATH, f"{where}: unknown function {attr}")
            _require(not (op in _BITWISE and dtype.startswith("float")), f"{where}: of floats")
    for result, operand in zip(kernel.results, kernel.operands[kernel.n_inputs:], strict=True):
        where = f"result {result}"
        walked = [a for a in operand.axes if a >= 0]
        _require(len(set(walked)) == len(walked), f"{where}: writes a diagonal")
        if result.kind in REDUCTIONS:
            _require(result.dtype, f"{where}: no accumulator dtype")
            _require(INDEXED not in operand.axes, f"{where}: reduces to computed positions")
        elif result.kind == "store":
            _require(sorted(walked) == list(range(kernel.rank)), f"{where}: some elements are written several times")
            _require(body[result.value].dtype == operand.dtype, f"{where}: stores {body[result.value].dtype}")
        else:
            _require(result.kind in ("scatter_set", "scatter_add"), f"{where}: unknown")
            _require(sum(a == INDEXED for a in operand.axes) == len(result.args), f"{where}: positions are missing")
            _require(body[result.value].dtype == operand.dtype, f"{where}: stores {body[result.value].dtype}")
