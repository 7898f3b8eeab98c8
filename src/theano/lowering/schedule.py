"""From work to steps: order, memory, and what is overwritten in place.

Units (kernels and opaque work) run in the order that `order.py` finds. Each datum in memory gets a buffer,
and its memory is given back right after the last use. A kernel's output takes over the memory of an
input that dies there and is walked in the same way. Updates of storage inputs are written into the storage's own array
if nothing that runs later reads it: these units run last (the commit group, see program.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from theano.graph.node import Apply
from theano.graph.type import generic
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.commits import Commits, Unit, overwritable
from theano.lowering.duplicate import duplicate
from theano.lowering.kernel import UNIT, Instr, Kernel, Operand, Result
from theano.lowering.kernels import GroupKernel
from theano.lowering.order import in_order
from theano.lowering.program import (
    Buffer,
    Dim,
    Extent,
    FreeStep,
    KernelStep,
    PyCallStep,
    Step,
    Total,
    Value,
    ViewStep,
)
from theano.lowering.work import Datum, Length, Opaque, SumOf, datum_in_memory, memory_of, refs_in
from theano.tensor.type import tensor_type

FOREVER = 1 << 60


class Schedule:
    """Makes the steps. `steps` and `commit_from` are the result; `emission` methods serve `Opaque.emit`."""

    def __init__(
        self, opaque: Sequence[Opaque], kernels: Sequence[GroupKernel], roots: Sequence[Datum],
        updates: Mapping[Datum, Datum], inputs: Sequence[Datum], dtypes: Collection[str] = NATIVE_DTYPES,
    ) -> None:
        self._dtypes = dtypes
        self.steps: list[Step] = []
        self.commit_from = 0
        self.taken = False
        self._number = 0
        self._roots = roots
        self._root_of: dict[Datum, Datum] = {}
        self._units = [self._unit_of_opaque(work) for work in opaque] + [self._unit_of_kernel(k) for k in kernels]
        self._units.sort(key=lambda unit: unit.key)
        self._maker: dict[Datum, Unit] = {d: unit for unit in self._units for d in unit.makes}
        self._owned: set[Datum] = set()
        for datum in inputs:
            self.buffer(datum)
        self._find_roots()
        commits = Commits(self._units, self._root_of, roots, updates)
        self._before = commits.before
        self._order()
        self._find_last_uses()
        self._emit()

    # -- what opaque work uses ------------------------------------------------------------------------------------

    def buffer(self, datum: Datum) -> Buffer:
        if datum.buffer is None:
            datum.buffer = self.new_buffer(datum.dtype, datum.shape, datum.name)
        return datum.buffer

    def new_buffer(self, dtype: str, shape: tuple[int | None, ...], name: str = "") -> Buffer:
        self._number += 1
        return Buffer(self._number - 1, dtype, shape, name)

    def dim(self, ref: Any) -> Dim:
        """A DimRef as a Dim of the Program."""
        if isinstance(ref, Datum):
            return Value(self.buffer(ref))
        if isinstance(ref, Length):
            return Extent(self.buffer(ref.datum), ref.axis)
        if isinstance(ref, SumOf):
            return total([self.dim(term) for term in ref.terms])
        return int(ref)

    def buffers_in(self, params: Iterable[Any]) -> list[Buffer]:
        """The buffers which the DimRefs in `params` read."""
        needed = (datum_in_memory(ref) for ref in refs_in(params))
        return [self.buffer(d) for d in dict.fromkeys(needed) if d is not None]

    def dims_in(self, params: tuple[Any, ...]) -> tuple[Any, ...]:
        """`params`, of which slices are triples, with every DimRef turned into a Dim."""
        made: list[Any] = []
        for entry in params:
            if isinstance(entry, (Datum, Length, SumOf)):
                made.append(self.dim(entry))
            elif isinstance(entry, tuple):
                made.append(tuple(e if e is None else self.dim(e) for e in entry))
            else:
                made.append(entry)
        return tuple(made)

    def duplicate_node(self, buffer: Buffer) -> Apply:
        """A node that copies what `buffer` holds."""
        kind = generic if buffer.dtype == "object" else tensor_type(buffer.dtype, buffer.shape)
        return duplicate.make_node(kind())

    # -- units ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _unit_of_opaque(work: Opaque) -> Unit:
        needs = list(dict.fromkeys([*work.inputs, *filter(None, map(datum_in_memory, work.dims))]))
        values = [ref for ref in work.dims if isinstance(ref, Datum)]
        return Unit(work, needs, [*work.inputs, *values], list(work.outputs), work.position)

    @staticmethod
    def _unit_of_kernel(kernel: GroupKernel) -> Unit:
        needs = dict.fromkeys(kernel.reads())
        overwritten = [d for write in kernel.outputs for d in (write.base, write.into) if d is not None]
        needs.update(dict.fromkeys(overwritten))
        values = [ref for ref in kernel.extents if isinstance(ref, Datum)]
        reads = list(dict.fromkeys((*kernel.inputs, *overwritten, *values)))
        makes = [write.datum for write in kernel.outputs]
        return Unit(kernel, list(needs), reads, makes, max(w.position for w in kernel.works))

    def _find_roots(self) -> None:
        """`_root_of`: whose memory a datum shares."""
        for unit in self._units:
            work = unit.work
            if isinstance(work, GroupKernel):
                for write in work.outputs:
                    if write.into is not None:
                        self._root_of[write.datum] = self._root(write.into)
                    else:
                        self._owned.add(write.datum)
                continue
            for number, datum in enumerate(work.outputs):
                if number in work.views:
                    self._root_of[datum] = self._root(work.inputs[work.views[number]])
                elif not work.python:
                    self._owned.add(datum)

    def _root(self, datum: Datum) -> Datum:
        return self._root_of.get(datum, datum)

    # -- order ----------------------------------------------------------------------------------------------------

    def _order(self) -> None:
        number_of = {id(unit): number for number, unit in enumerate(self._units)}
        before: list[set[int]] = []
        for number, unit in enumerate(self._units):
            others = {id(self._maker[d]) for d in unit.needs if d in self._maker}
            others |= self._before.get(id(unit), set()) if unit.commits else set()
            before.append({number_of[other] for other in others} - {number})
        roots = {self._root(d) for unit in self._units for d in (*unit.makes, *unit.needs)}
        kept = {d for d in roots if d.leaf} | {self._root(d) for d in self._roots}
        self._units = in_order(self._units, before, self._root, kept)
        self._first_commit = sum(not unit.commits for unit in self._units)

    def _find_last_uses(self) -> None:
        self._last: dict[Datum, int] = {}
        for number, unit in enumerate(self._units):
            for datum in (*unit.makes, *unit.needs):
                self._last[self._root(datum)] = number
        for datum in self._roots:
            self._last[self._root(datum)] = FOREVER
        self._expire: dict[int, list[Datum]] = {}
        for datum, number in self._last.items():
            if not datum.leaf:
                self._expire.setdefault(number, []).append(datum)

    def _dies(self, datum: Datum, number: int) -> bool:
        """Is `datum` memory of our own that nobody needs after unit `number`?"""
        memory = memory_of(datum)
        return memory in self._owned and self._root(memory) is memory and self._last[memory] == number

    def _only_one(self, datum: Datum, data: Sequence[Datum]) -> bool:
        """Is `datum` once among `data`, and no other of its memory?"""
        root = self._root(datum)
        return sum(self._root(d) is root for d in data) == 1

    # -- steps ----------------------------------------------------------------------------------------------------

    def _emit(self) -> None:
        gone: set[Datum] = set()           # data whose memory another datum has taken over
        extra: dict[Datum, list[Datum]] = {}   # data that hold a reference besides their root's memory
        self.commit_from = -1
        for number, unit in enumerate(self._units):
            if number == self._first_commit:
                self.commit_from = len(self.steps)
            work = unit.work
            if isinstance(work, GroupKernel):
                self._emit_kernel(number, unit, work, gone)
            else:
                self._emit_opaque(number, unit, work, gone)
                for out in work.views:
                    datum = work.outputs[out]
                    if work.python or work.kind == "step":
                        extra.setdefault(self._root(datum), []).append(datum)
            dead: list[Buffer] = []
            for root in self._expire.get(number, ()):
                dead.extend(self.buffer(d) for d in extra.get(root, ()) if self._holds_reference(d))
                if root not in gone:
                    dead.append(self.buffer(root))
            if dead:
                self.steps.append(FreeStep(inputs=list(dict.fromkeys(dead)), outputs=[]))
        if self.commit_from < 0:
            self.commit_from = len(self.steps)

    @staticmethod
    def _holds_reference(datum: Datum) -> bool:
        """Can the buffer of this view own something: a copy made by a reshape, or a Python object?"""
        work = datum.work
        return isinstance(work, Opaque) and (work.python or work.copies)

    def _emit_opaque(self, number: int, unit: Unit, work: Opaque, gone: set[Datum]) -> None:
        if work.kind == "after":
            work.outputs[0].buffer = self.buffer(work.inputs[0])
            return
        if work.kind == "own":
            source, out = work.inputs[0], work.outputs[0]
            if unit.commits and source.leaf:
                inputs, outputs = [self.buffer(source)], [self.buffer(out)]
                self.steps.append(ViewStep(inputs=inputs, outputs=outputs, nodes=work.nodes, kind="own", params=()))
            elif unit.commits or self._dies(source, number):
                out.buffer = self.buffer(source)
                gone.add(memory_of(source))
            else:
                self.steps.append(self.copy_step(self.buffer(source), self.buffer(out), work.nodes))
            return
        self.taken = False
        if work.takes is not None:
            taken = work.inputs[work.takes]
            if unit.commits or (self._dies(taken, number) and self._only_one(taken, work.inputs)):
                self.taken = True
                gone.add(memory_of(taken))
        assert work.emit is not None
        ins = [self.buffer(d) for d in work.inputs]
        outs = [self.buffer(d) for d in work.outputs]
        self.steps.extend(work.emit(self, ins, outs))

    def copy_step(self, source: Buffer, out: Buffer, nodes: Sequence[Any]) -> Step:
        if source.dtype not in self._dtypes:
            return PyCallStep(inputs=[source], outputs=[out], nodes=[self.duplicate_node(source)])
        axes, rank = [], 0
        for length in source.shape:
            axes.append(UNIT if length == 1 else rank)
            rank += length != 1
        operand = Operand(source.dtype, tuple(axes))
        kernel = Kernel(
            rank, (operand, operand), 1, (Instr("load", source.dtype, (), 0),), (Result("store", 0),)
        )
        return KernelStep(inputs=[source], outputs=[out], nodes=nodes, kernel=kernel, extents=(None,) * rank)

    def _emit_kernel(self, number: int, unit: Unit, work: GroupKernel, gone: set[Datum]) -> None:
        kernel = work.kernel
        inputs = list(work.inputs)
        inplace: dict[int, int] = dict(work.into_input)
        base: dict[int, Buffer] = {}
        roots = [self._root(d) for d in inputs]
        for position, write in enumerate(work.outputs):
            if write.base is not None:
                free = write.datum in unit.commits or self._dies(write.base, number)
                if free and self._root(write.base) not in roots and len(work.outputs) == 1:
                    operand = kernel.operands[kernel.n_inputs + position]
                    inplace[position] = len(inputs)
                    gone.add(memory_of(write.base))
                    kernel = Kernel(
                        kernel.rank,
                        (*kernel.operands[:kernel.n_inputs], operand, *kernel.operands[kernel.n_inputs:]),
                        kernel.n_inputs + 1, kernel.body, kernel.results,
                    )
                    inputs.append(write.base)
                else:
                    base[position] = self.buffer(write.base)
        for position, write in enumerate(work.outputs):
            source = unit.commits.get(write.datum)
            if source is not None and position not in inplace:
                taken = overwritable(work, position, source)
                assert taken is not None
                inplace[position] = taken
                gone.add(memory_of(source))
        used = set(inplace.values())
        for position, write in enumerate(work.outputs):
            if position in inplace or write.kind != "store" or not write.datum.shape:
                continue
            for place, datum in enumerate(inputs):
                if (
                    place not in used and datum.dtype == write.datum.dtype and self._dies(datum, number)
                    and memory_of(datum) not in gone and roots.count(self._root(datum)) == 1
                    and overwritable(work, position, datum) == place
                ):
                    inplace[position] = place
                    used.add(place)
                    gone.add(memory_of(datum))
                    break
        nodes = list(dict.fromkeys(node for w in work.works for node in w.nodes))
        self.steps.append(KernelStep(
            inputs=[self.buffer(d) for d in inputs],
            outputs=[self.buffer(write.datum) for write in work.outputs],
            nodes=nodes,
            kernel=kernel,
            extents=tuple(None if ref is None else self.dim(ref) for ref in work.extents),
            inplace=inplace,
            base=base,
        ))


def total(terms: Sequence[Dim]) -> Dim:
    """The sum of lengths."""
    known = sum(t for t in terms if isinstance(t, int))
    rest: list[Dim] = [t for t in terms if not isinstance(t, int)]
    if not rest:
        return known
    if known:
        rest.append(known)
    return rest[0] if len(rest) == 1 else Total(tuple(rest))

