"""From a group of fused work to a Kernel.

The work of a group writes its instructions one after another into one builder; values that stay inside the group are
never stored. What the group reads from memory becomes operands.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from theano._records import record_class
from theano.lowering.build import KernelBuilder, Scalar
from theano.lowering.fuse import Group
from theano.lowering.kernel import INDEXED, UNIT, Kernel, Operand, Result
from theano.lowering.work import Datum, DimRef, Fused, Write, is_number


@record_class(eq=False, slots=True)
class GroupKernel:
    """A kernel, and what its operands are bound to.

    writes   (write, its position among the outputs) in the order of the kernel's results
    into     {output number: view datum}: stores into existing memory;  their input operand is `into_input`
    """

    group: Group
    kernel: Kernel
    inputs: list[Datum]
    outputs: list[Write]
    extents: tuple[DimRef | None, ...]
    into_input: dict[int, int]
    works: list[Fused]

    def reads(self) -> list[Datum]:
        """Everything that must be in memory before the kernel runs."""
        found = dict.fromkeys(self.inputs)
        for ref in self.extents:
            if ref is not None and not isinstance(ref, int):
                found[ref if isinstance(ref, Datum) else ref.datum] = None
        for write in self.outputs:
            if write.base is not None:
                found[write.base] = None
        return list(found)


class PointBuilder:
    """What `Fused.emit` gets: reads of the work at the current point, and the builder of instructions."""

    __slots__ = ("b", "maker", "root", "where", "work")

    def __init__(self, maker: _Maker, root: Fused, work: Fused, where: tuple[int, ...]) -> None:
        self.maker = maker
        self.b = maker.builder
        self.root = root       # the work of the group for which this is computed
        self.work = work
        self.where = where     # axis of `work` -> axis of the kernel

    def read(self, number: int) -> Scalar:
        """The element of read `number` at this point."""
        datum, axes = self.work.reads[number]
        return self.maker.value(self.root, datum, self._there(axes))

    def reads(self) -> list[Scalar]:
        return [self.read(number) for number in range(len(self.work.reads))]

    def gather(self, number: int, positions: Sequence[Scalar]) -> Scalar:
        """The element of read `number` at computed positions, one for each INDEXED axis."""
        datum, axes = self.work.reads[number]
        operand = self.maker.operand(datum, self._there(axes))
        args = tuple(self.b.cast(p, "int64").position for p in positions)
        return self.b.emit("gather", datum.dtype, args, operand)

    def touch(self, number: int) -> None:
        """Read `number` only gives lengths."""
        datum, axes = self.work.reads[number]
        if not is_number(datum):
            self.maker.value(self.root, datum, self._there(axes))

    def iota(self, axis: int) -> Scalar:
        """The position along the work's axis."""
        place = self.where[axis]
        return self.b.const(0, "int64") if place == UNIT else self.b.emit("iota", "int64", (), place)

    def _there(self, axes: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.where[a] if a >= 0 else a for a in axes)


class _Maker:
    def __init__(self, group: Group) -> None:
        self.group = group
        self.builder = KernelBuilder()
        self.operands: dict[tuple[Datum, tuple[int, ...]], int] = {}
        self.values: dict[Datum, Scalar] = {}
        self.anew: dict[tuple[Datum, tuple[int, ...]], Scalar] = {}

    def operand(self, datum: Datum, axes: tuple[int, ...]) -> int:
        return self.operands.setdefault((datum, axes), len(self.operands))

    def value(self, root: Fused, datum: Datum, axes: tuple[int, ...]) -> Scalar:
        if is_number(datum):
            return self.builder.const(np.asarray(datum.constant).reshape(())[()], datum.dtype)
        work = datum.work
        if isinstance(work, Fused):
            if root in work.inline_for:
                known = self.anew.get((datum, axes))
                if known is None:
                    # at most a few levels deep: the cost of such chains is bounded
                    known = self.anew[(datum, axes)] = work.emit(PointBuilder(self, root, work, axes))[0]
                return known
            if work.group is self.group and datum in self.values:
                return self.values[datum]
        return self.builder.emit("load", datum.dtype, (), self.operand(datum, axes))

    def make(self) -> GroupKernel:
        group = self.group
        works = sorted(group.works, key=lambda work: work.position)
        results: list[Result] = []
        writes: list[Write] = []
        outputs: list[Operand] = []
        into_input: dict[int, int] = {}
        for work in works:
            values = work.emit(PointBuilder(self, work, work, work.where))
            for write, value in zip(work.writes, values, strict=True):
                positions: tuple[int, ...] = ()
                if isinstance(value, tuple):
                    value, indices = value
                    positions = tuple(self.builder.cast(p, "int64").position for p in indices)
                if work.pointwise:
                    self.values[write.datum] = value
                if not write.datum.in_memory:
                    continue
                axes = tuple(work.where[a] if a >= 0 else a for a in write.axes)
                if write.into is not None:
                    into_input[len(writes)] = self.operand(write.into, axes)
                results.append(Result(write.kind, value.position, write.acc, positions))
                outputs.append(Operand(write.datum.dtype, axes))
                writes.append(write)
        body, final = self.builder.finish(results)
        inputs = [Operand(datum.dtype, axes) for datum, axes in self.operands]
        kernel = Kernel(group.rank, (*inputs, *outputs), len(inputs), body, final)
        return GroupKernel(
            group, kernel, [datum for datum, _ in self.operands], writes, self._extents(), into_input, works
        )

    def _extents(self) -> tuple[DimRef | None, ...]:
        """The lengths that have to be stated, because no operand tells them or they may differ from what it tells."""
        told: dict[int, set[tuple[Datum, int]]] = {}
        for datum, axes in self.operands:
            for d, a in enumerate(axes):
                if a >= 0:
                    told.setdefault(a, set()).add((datum, d))
        extents: list[DimRef | None] = []
        for axis in range(self.group.rank):
            ref = self.group.extents.get(axis)
            if ref is not None and not isinstance(ref, (int, Datum)) and (ref.datum, ref.axis) in told.get(axis, ()):
                ref = None
            extents.append(ref)
        return tuple(extents)


def make_kernel(group: Group) -> GroupKernel:
    """The kernel of a group."""
    return _Maker(group).make()


__all__ = ["INDEXED", "GroupKernel", "PointBuilder", "make_kernel"]
