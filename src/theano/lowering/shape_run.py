"""The shapes of everything that a Program makes, without the work: from the shapes of its inputs.

Arrays are stood in for by views of a single element with the shape and the strides of the real thing. Small arrays of
numbers are computed where all that they depend on is known, since lengths may hang on them. Where a shape depends on
values that are not known (`x[x > 0]`), what is made counts as empty, and is listed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from theano.graph.evaluate import evaluate
from theano.graph.node import Apply, Constant, Variable
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
    Step,
    Total,
    Value,
    ViewStep,
)
from theano.lowering.program_reference import run_step, view_of
from theano.tensor.basic import as_tensor_variable
from theano.tensor.creation import MakeVector

SMALL = 64  # elements of an array that is computed


class UnknownLength(Exception):
    """A length depends on values that nobody has given."""


def c_strides(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def stand_in(dtype: str, shape: Sequence[int], strides: Sequence[int] | None = None) -> np.ndarray:
    """An array of which only dtype, shape and strides may be used: there is no memory for its elements."""
    one = np.zeros(1, dtype)
    at = c_strides(shape, one.itemsize) if strides is None else strides
    return as_strided(one, tuple(shape), tuple(at), writeable=False)


class ShapeRun:
    """`run(step)` for each step of a Program in turn; `arrays` has a stand-in, or the array itself, for each buffer."""

    def __init__(self) -> None:
        self.arrays: dict[int, Any] = {}
        self.known: set[int] = set()  # buffers whose numbers are known
        self.unknown: set[int] = set()  # buffers whose shapes are not

    def bind(self, buffer: Buffer, value: Any, numbers: bool) -> None:
        """numbers: the value is the array itself, not only its shape."""
        self.arrays[id(buffer)] = value
        if numbers and isinstance(value, np.ndarray) and value.size <= SMALL:
            self.known.add(id(buffer))

    def run(self, step: Step) -> bool:
        """Find the shapes of what a step makes; False: they are unknown, and count as empty."""
        try:
            if any(id(b) in self.unknown for b in step.inputs):
                raise UnknownLength
            if self._computed(step):
                return True
            results = self._shapes(step)
        except UnknownLength:
            for buffer in step.outputs:
                self.unknown.add(id(buffer))
                empty = tuple(0 if n is None else n for n in buffer.shape)
                self.arrays[id(buffer)] = None if buffer.dtype == "object" else stand_in(buffer.dtype, empty)
            return all(b.dtype == "object" for b in step.outputs)
        for buffer, result in zip(step.outputs, results, strict=True):
            self.arrays[id(buffer)] = result
        return True

    def _computed(self, step: Step) -> bool:
        """Compute the step, if it is small and all its numbers are known."""
        if not isinstance(step, KernelStep | ViewStep | DimsStep):
            return False
        read = [*step.inputs, *(step.base.values() if isinstance(step, KernelStep) else ())]
        if isinstance(step, DimsStep):
            numbers = [self.number(d) for d in step.dims]
            (out,) = step.outputs
            self.bind(out, np.array(numbers if out.ndim else numbers[0], dtype=np.int64), True)
            return True
        if not all(id(b) in self.known for b in read):
            return False
        if isinstance(step, KernelStep):
            total = math.prod(self.extents(step))
            if total > SMALL:
                return False
        values = {id(b): np.array(self.arrays[id(b)]) for b in read}
        dims = step.extents if isinstance(step, KernelStep) else step.params
        for buffer in _buffers_in(dims):
            values.setdefault(id(buffer), self.arrays[id(buffer)])
        run_step(values, step)
        for buffer in step.outputs:
            self.bind(buffer, values[id(buffer)], True)
        return True

    def number(self, dim: Dim) -> int:
        match dim:
            case Value(buffer=buffer):
                if id(buffer) not in self.known:
                    raise UnknownLength
                return int(self.arrays[id(buffer)])
            case Extent(buffer=buffer, axis=axis):
                if id(buffer) in self.unknown:
                    raise UnknownLength
                return int(self.arrays[id(buffer)].shape[axis])
            case Total(terms=terms):
                return sum(self.number(term) for term in terms)
        return int(dim)

    # -- steps ----------------------------------------------------------------------------------------------------

    def _shapes(self, step: Step) -> list[Any]:
        match step:
            case KernelStep():
                return self._kernel(step)
            case CallStep():
                return [stand_in(step.outputs[0].dtype, self._product(step))]
            case ViewStep():
                return [self._view(step)]
            case AllocStep():
                return [stand_in(step.outputs[0].dtype, [self.number(d) for d in step.dims])]
            case LoopStep():
                return self._loop(step)
        return self._opaque(step)

    def extents(self, step: KernelStep) -> list[int]:
        """The lengths of a kernel's iteration axes; ValueError where operands disagree."""
        kernel = step.kernel
        lengths = [None if d is None else self.number(d) for d in step.extents] or [None] * kernel.rank
        bound = list(zip(kernel.operands, step.inputs))
        bound += [(kernel.operands[kernel.n_inputs + out], buffer) for out, buffer in step.base.items()]
        for operand, buffer in bound:
            for axis, n in zip(operand.axes, self.arrays[id(buffer)].shape, strict=True):
                if axis < 0:
                    continue
                if lengths[axis] is None:
                    lengths[axis] = n
                elif lengths[axis] != n:
                    raise ValueError(
                        f"the shapes do not fit: {buffer.name or buffer} has length {n} where {lengths[axis]} is "
                        f"needed, for {step.nodes[0].op if step.nodes else 'a copy'}"
                    )
        return [0 if n is None else n for n in lengths]

    def _kernel(self, step: KernelStep) -> list[Any]:
        kernel, lengths = step.kernel, self.extents(step)
        results = []
        for number, (buffer, operand) in enumerate(zip(step.outputs, kernel.operands[kernel.n_inputs :], strict=True)):
            source = step.inputs[step.inplace[number]] if number in step.inplace else step.base.get(number)
            like = None if source is None else self.arrays[id(source)]
            shape = [
                lengths[axis] if axis >= 0 else like.shape[d] if axis == INDEXED and like is not None else 1
                for d, axis in enumerate(operand.axes)
            ]
            strides = like.strides if like is not None and number in step.inplace else None
            results.append(stand_in(buffer.dtype, shape, strides))
        return results

    def _product(self, step: CallStep) -> tuple[int, ...]:
        a, b = (self.arrays[id(buffer)].shape for buffer in step.inputs[:2])
        if step.routine == "ger":
            return (a[0], b[0])
        if a[-1] != b[-2 if len(b) > 1 else 0] or (step.routine == "batched_gemm" and a[0] != b[0]):
            raise ValueError(f"the shapes do not fit: a product of {a} and {b}")
        return {"gemm": (a[0], b[-1]), "gemv": (a[0],), "dot": (), "batched_gemm": (*a[:2], b[-1])}[step.routine]

    def _view(self, step: ViewStep) -> Any:
        x = self.arrays[id(step.inputs[0])]
        if step.kind == "own":
            return x
        if step.kind == "index" and step.outputs[0].ndim == 0:
            return stand_in(x.dtype.name, ())  # NumPy would read the element
        if step.kind != "reshape":
            return view_of(self.number, step, x)
        shape = [self.number(d) for d in step.params]
        if -1 in shape:
            rest = math.prod(n for n in shape if n != -1)
            shape[shape.index(-1)] = x.size // rest if rest else 0
        if math.prod(shape) != x.size:
            raise ValueError(f"the shapes do not fit: {x.shape} cannot be reshaped to {tuple(shape)}")
        return stand_in(x.dtype.name, shape, reshaped_strides(x, shape))

    def body(self, step: LoopStep) -> ShapeRun:
        """The body of a loop, run for one step."""
        outer = step.layout.outer(step.inputs)
        rows = list(outer.sequences)
        for taps, initial in zip(step.layout.taps, outer.initials):
            rows += [initial] * len(taps)
        first_whole = len(rows)
        rows += [*outer.carried, *outer.others]
        inner = ShapeRun()
        for place, (thing, buffer) in enumerate(zip(step.body.inputs, rows, strict=True)):
            array, whole = self.arrays[id(buffer)], place >= first_whole
            if not whole:
                array = stand_in(array.dtype.name, array.shape[1:], array.strides[1:])
            inner.bind(thing.buffer, array, whole and id(buffer) in self.known and thing.storage is None)
        for buffer, constant in step.body.constants:
            value = constant if buffer.dtype == "object" else np.asarray(constant, buffer.dtype)
            inner.bind(buffer, value, True)
        for part in step.body.steps:
            if not isinstance(part, FreeStep):
                inner.run(part)
        return inner

    def _loop(self, step: LoopStep) -> list[Any]:
        if step.layout.until:
            raise UnknownLength  # how many steps it makes
        outer = step.layout.outer(step.inputs)
        count = self.number(Value(outer.n_steps))
        inner = self.body(step)
        if inner.unknown:
            raise UnknownLength
        made = step.layout.outputs([inner.arrays[id(out.buffer)] for out in step.body.outputs])
        rows = [*made.states, *made.traced]
        return [stand_in(row.dtype.name, (count, *row.shape)) for row in rows] + list(made.carried)

    def _opaque(self, step: Step) -> list[Any]:
        """What a routine, a loop or Python makes, as the op says."""
        node = step.nodes[0]
        found: Sequence[Any] = [b.shape for b in step.outputs]
        if any(None in shape for shape in found):
            found = self._inferred(step, node)
        return [
            None if b.dtype == "object" else stand_in(b.dtype, [int(n) for n in shape])
            for b, shape in zip(step.outputs, found, strict=True)
        ]

    def _inferred(self, step: Step, node: Any) -> list[tuple[int, ...]]:
        if not isinstance(node, Apply):
            raise UnknownLength
        shapes, values = [], {}
        for variable, buffer in zip(node.inputs, step.inputs, strict=True):
            array = self.arrays[id(buffer)]
            dense = isinstance(array, np.ndarray)
            shapes.append(tuple(as_tensor_variable(np.int64(n)) for n in array.shape) if dense else None)
            if id(buffer) in self.known or (not dense and array is not None):
                values[variable] = array
                maker = variable.owner
                if maker is not None and isinstance(maker.op, MakeVector):
                    # ops look through it, for lengths that are known while the graph is built
                    values.update(zip(maker.inputs, map(np.asarray, array), strict=True))
        try:
            wanted = node.op.infer_shape(node, shapes)
            flat = [as_tensor_variable(n) for shape in wanted if shape is not None for n in shape]
            if not _depends_only_on(flat, values):
                raise UnknownLength
            numbers = iter(evaluate(flat, values))
        except (NotImplementedError, TypeError, AttributeError) as error:  # also MethodNotDefined, ShapeError
            raise UnknownLength from error
        return [() if shape is None else tuple(int(next(numbers)) for _ in shape) for shape in wanted]


def _depends_only_on(outputs: Sequence[Variable], values: dict[Variable, Any]) -> bool:
    waiting, seen = list(outputs), set()
    while waiting:
        v = waiting.pop()
        if v in seen or v in values or isinstance(v, Constant):
            continue
        seen.add(v)
        if v.owner is None:
            return False
        waiting.extend(v.owner.inputs)
    return True


def _buffers_in(dims: Sequence[Any]) -> list[Buffer]:
    found: list[Buffer] = []
    waiting = list(dims)
    while waiting:
        dim = waiting.pop()
        if isinstance(dim, Value | Extent):
            found.append(dim.buffer)
        elif isinstance(dim, Total):
            waiting.extend(dim.terms)
        elif isinstance(dim, tuple):
            waiting.extend(dim)
    return found


def reshaped_strides(x: np.ndarray, shape: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a reshaped view; None: there is none, elements have to be copied."""
    old = [(n, s) for n, s in zip(x.shape, x.strides) if n != 1]
    if x.size == 0 or not old:
        return c_strides(shape, x.itemsize)
    # neighbouring axes that walk memory evenly are one
    runs = [list(old[0])]
    for n, s in old[1:]:
        if runs[-1][1] == n * s:
            runs[-1] = [runs[-1][0] * n, s]
        else:
            runs.append([n, s])
    strides: list[int] = []
    lengths = list(shape)
    for n, s in reversed(runs):
        left, step = n, s
        while left > 1 or (lengths and lengths[-1] == 1):
            if not lengths or left % lengths[-1]:
                return None
            last = lengths.pop()
            strides.append(step)
            left, step = left // last, step * last
    strides += [x.itemsize] * len(lengths)
    return tuple(reversed(strides))
