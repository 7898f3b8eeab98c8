"""From work to steps: order, memory, and what is overwritten in place.

Units (kernels and opaque work) run in the order of the graph as far as they need each other. Each datum in memory
gets a buffer, and its memory is given back right after the last use. A kernel's output takes over the memory of an
input that dies there and is walked in the same way. Updates of storage inputs are written into the storage's own array
if nothing that runs later reads it: these units run last (the commit group, see program.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from theano.graph.node import Apply
from theano.graph.type import generic
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.duplicate import duplicate
from theano.lowering.kernel import UNIT, Instr, Kernel, Operand, Result
from theano.lowering.kernels import GroupKernel
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
)
from theano.lowering.work import Datum, Length, Opaque, SumOf, datum_in_memory, refs_in
from theano.tensor.type import tensor_type

FOREVER = 1 << 60


@dataclass(eq=False, slots=True)
class _Unit:
    work: Opaque | GroupKernel
    needs: list[Datum]
    makes: list[Datum]
    key: int
    # storage inputs that it overwrites: {what it makes: the storage}
    commits: dict[Datum, Datum] = field(default_factory=dict)


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
        self._updates = updates
        self._roots = roots
        self._root_of: dict[Datum, Datum] = {}
        self._units = [self._unit_of_opaque(work) for work in opaque] + [self._unit_of_kernel(k) for k in kernels]
        self._units.sort(key=lambda unit: unit.key)
        self._maker: dict[Datum, _Unit] = {d: unit for unit in self._units for d in unit.makes}
        self._owned: set[Datum] = set()
        for datum in inputs:
            self.buffer(datum)
        self._find_roots()
        self._choose_commits()
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
    def _unit_of_opaque(work: Opaque) -> _Unit:
        needs = list(dict.fromkeys([*work.inputs, *filter(None, map(datum_in_memory, work.dims))]))
        return _Unit(work, needs, list(work.outputs), work.position)

    @staticmethod
    def _unit_of_kernel(kernel: GroupKernel) -> _Unit:
        needs = dict.fromkeys(kernel.reads())
        for write in kernel.outputs:
            if write.into is not None:
                needs[write.into] = None
        return _Unit(
            kernel, list(needs), [write.datum for write in kernel.outputs], max(w.position for w in kernel.works)
        )

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

    # -- in-place updates -----------------------------------------------------------------------------------------

    def _choose_commits(self) -> None:
        returned = {self._root(d) for d in self._roots}
        readers: dict[Datum, list[_Unit]] = {}
        for unit in self._units:
            for root in {self._root(d) for d in unit.needs}:
                readers.setdefault(root, []).append(unit)
        needed = {d for unit in self._units for d in unit.needs}
        self._before: dict[int, set[int]] = {}
        for unit in self._units:
            if any(d in needed for d in unit.makes):
                continue
            for datum in unit.makes:
                storage = self._updates.get(datum)
                if storage is not None and storage not in returned and self._fits(unit, datum, storage):
                    unit.commits[datum] = storage
        for unit in self._units:
            for datum, storage in list(unit.commits.items()):
                # every other unit that reads the storage must run before; no circle among those that overwrite
                others = [u for u in readers.get(storage, []) if u is not unit and u.commits]
                if any(self._must_precede(unit, other) for other in others):
                    del unit.commits[datum]
                    continue
                self._before.setdefault(id(unit), set()).update(id(u) for u in others)

    def _must_precede(self, first: _Unit, second: _Unit) -> bool:
        """Does `second` already wait for `first`?"""
        stack, seen = [id(second)], set()
        while stack:
            number = stack.pop()
            if number == id(first):
                return True
            if number not in seen:
                seen.add(number)
                stack.extend(self._before.get(number, ()))
        return False

    def _fits(self, unit: _Unit, datum: Datum, storage: Datum) -> bool:
        """May `unit` write `datum` into the array of `storage`, which it reads?"""
        work = unit.work
        same_memory = [d for d in unit.needs if self._root(d) is storage]
        if same_memory != [storage] or datum.dtype != storage.dtype:
            return False
        if isinstance(work, Opaque):
            return (
                work.takes is not None and work.inputs[work.takes] is storage and work.outputs == [datum]
                and sum(d is storage for d in work.inputs) == 1
            )
        number = unit.makes.index(datum)
        write = work.outputs[number]
        if write.kind.startswith("scatter"):
            return write.base is storage and storage not in work.inputs and len(work.outputs) == 1
        return self._overwritable(work, number, storage) is not None

    @staticmethod
    def _overwritable(kernel: GroupKernel, number: int, datum: Datum) -> int | None:
        """The input operand whose memory output `number` can take over, if `datum` is read once, at the same place."""
        write = kernel.outputs[number]
        if write.kind != "store" or write.into is not None:
            return None
        operand = kernel.kernel.operands[kernel.kernel.n_inputs + number]
        walked = [a for a in operand.axes if a != UNIT]
        if len(walked) != kernel.kernel.rank or len(set(walked)) != len(walked):
            return None
        places = [n for n, d in enumerate(kernel.inputs) if d is datum]
        if len(places) != 1 or kernel.kernel.operands[places[0]] != operand:
            return None
        if len(datum.shape) != len(write.datum.shape):
            return None
        return places[0]

    # -- order ----------------------------------------------------------------------------------------------------

    def _order(self) -> None:
        waiting: dict[int, int] = {}
        followers: dict[int, list[_Unit]] = {}
        commits = [unit for unit in self._units if unit.commits]
        for unit in self._units:
            before = {id(self._maker[d]) for d in unit.needs if d in self._maker}
            before |= self._before.get(id(unit), set()) if unit.commits else set()
            before.discard(id(unit))
            waiting[id(unit)] = len(before)
            for number in before:
                followers.setdefault(number, []).append(unit)
        ready = [(bool(unit.commits), unit.key, n, unit) for n, unit in enumerate(self._units) if not waiting[id(unit)]]
        heapq.heapify(ready)
        order: list[_Unit] = []
        count = len(self._units)
        while ready:
            unit = heapq.heappop(ready)[3]
            order.append(unit)
            for follower in followers.get(id(unit), ()):
                waiting[id(follower)] -= 1
                if not waiting[id(follower)]:
                    count += 1
                    heapq.heappush(ready, (bool(follower.commits), follower.key, count, follower))
        if len(order) != len(self._units):
            raise AssertionError("kernels wait for each other in a circle")
        self._first_commit = len(order) - len(commits)
        self._units = order

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
        return datum in self._owned and self._root(datum) is datum and self._last[datum] == number

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

    def _emit_opaque(self, number: int, unit: _Unit, work: Opaque, gone: set[Datum]) -> None:
        if work.kind == "after":
            work.outputs[0].buffer = self.buffer(work.inputs[0])
            return
        if work.kind == "own":
            source, out = work.inputs[0], work.outputs[0]
            if self._dies(source, number):
                out.buffer = self.buffer(source)
                gone.add(source)
            else:
                self.steps.append(self.copy_step(self.buffer(source), self.buffer(out), work.nodes))
            return
        self.taken = False
        if work.takes is not None:
            taken = work.inputs[work.takes]
            if unit.commits or (self._dies(taken, number) and sum(d is taken for d in work.inputs) == 1):
                self.taken = True
                gone.add(taken)
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

    def _emit_kernel(self, number: int, unit: _Unit, work: GroupKernel, gone: set[Datum]) -> None:
        kernel = work.kernel
        inputs = list(work.inputs)
        inplace: dict[int, int] = dict(work.into_input)
        base: dict[int, Buffer] = {}
        roots = [self._root(d) for d in inputs]
        for position, write in enumerate(work.outputs):
            if write.kind.startswith("scatter"):
                assert write.base is not None
                free = write.datum in unit.commits or self._dies(write.base, number)
                if free and self._root(write.base) not in roots and len(work.outputs) == 1:
                    operand = kernel.operands[kernel.n_inputs + position]
                    inplace[position] = len(inputs)
                    gone.add(write.base)
                    kernel = Kernel(
                        kernel.rank,
                        (*kernel.operands[:kernel.n_inputs], operand, *kernel.operands[kernel.n_inputs:]),
                        kernel.n_inputs + 1, kernel.body, kernel.results,
                    )
                    inputs.append(write.base)
                else:
                    base[position] = self.buffer(write.base)
        for position, write in enumerate(work.outputs):
            storage = unit.commits.get(write.datum)
            if storage is not None and position not in inplace:
                place = self._overwritable(work, position, storage)
                assert place is not None
                inplace[position] = place
        used = set(inplace.values())
        for position, write in enumerate(work.outputs):
            if position in inplace or write.kind != "store" or not write.datum.shape:
                continue
            for place, datum in enumerate(inputs):
                if (
                    place not in used and datum.dtype == write.datum.dtype and self._dies(datum, number)
                    and datum not in gone and roots.count(datum) == 1
                    and self._overwritable(work, position, datum) == place
                ):
                    inplace[position] = place
                    used.add(place)
                    gone.add(datum)
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

