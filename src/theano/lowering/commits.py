"""Which units overwrite storage: updates of shared values that are written into the value's own array.

The last unit of an update may work in the storage's array if nothing that runs later reads it. So may a chain of
units, each of which overwrites what the one before has made: `set_subtensor(inc_subtensor(x[i], a)[j:k], b)` writes
two parts of x, where a copy of x would be made otherwise. The units of a chain run last, and their results inside the
chain are nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from theano._records import field, record_class
from theano.lowering.kernel import UNIT
from theano.lowering.kernels import GroupKernel
from theano.lowering.work import Datum, Fused, Opaque


@record_class(eq=False, slots=True)
class Unit:
    """What runs at once: opaque work, or a kernel.

    needs      what must be there before it runs
    reads      those whose content it reads or overwrites; of the others it needs lengths only
    key        its place in the order of the graph
    commits    {what it makes: what that overwrites, a storage input or what the unit before in the chain has made}
    """

    work: Opaque | GroupKernel
    needs: list[Datum]
    reads: list[Datum]
    makes: list[Datum]
    key: int
    commits: dict[Datum, Datum] = field(default_factory=dict)


def overwritable(kernel: GroupKernel, number: int, datum: Datum) -> int | None:
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


@record_class(eq=False, slots=True)
class _Link:
    """A step of a chain. `first` alone reads `source`; `others` read only what units of the link make."""

    first: Unit
    source: Datum
    others: list[Unit] = field(default_factory=list)


class Commits:
    """Fills in `Unit.commits`; `before` says which units have to wait for which, by their `id`."""

    def __init__(
        self, units: Sequence[Unit], root_of: Mapping[Datum, Datum], roots: Collection[Datum],
        updates: Mapping[Datum, Datum],
    ) -> None:
        self.before: dict[int, set[int]] = {}
        self._root_of = root_of
        self._maker = {d: unit for unit in units for d in unit.makes}
        self._returned = {self._root(d) for d in roots}
        self._readers: dict[Datum, list[Unit]] = {}
        for unit in units:
            for root in dict.fromkeys(self._root(d) for d in unit.reads):
                self._readers.setdefault(root, []).append(unit)
        needed = {d for unit in units for d in unit.needs}
        chains: list[tuple[list[_Link], Datum, Datum]] = []
        for unit in units:
            if any(d in needed for d in unit.makes):
                continue
            for datum in unit.makes:
                storage = updates.get(datum)
                if storage is None or storage in self._returned:
                    continue
                if self._fits(unit, datum, storage):
                    unit.commits[datum] = storage
                    chains.append(([_Link(unit, storage)], datum, storage))
                    continue
                links = self._chain(unit, datum, storage)
                for link in links:
                    for member in (link.first, *link.others):
                        member.commits = dict.fromkeys(member.makes, link.source)
                if links:
                    chains.append((links, datum, storage))
        for links, datum, storage in chains:
            self._wait([unit for link in links for unit in (link.first, *link.others)], datum, storage)

    def _root(self, datum: Datum) -> Datum:
        return self._root_of.get(datum, datum)

    def _wait(self, chain: list[Unit], datum: Datum, storage: Datum) -> None:
        """Every other unit that reads the storage must run before; no circle among those that overwrite."""
        others = [u for u in self._readers.get(storage, ()) if u not in chain and u.commits]
        if any(self._waits(other, unit) for other in others for unit in chain):
            for unit in chain:
                unit.commits = {d: s for d, s in unit.commits.items() if len(chain) == 1 and d is not datum}
            return
        for unit in chain:
            self.before.setdefault(id(unit), set()).update(id(u) for u in others)

    def _waits(self, second: Unit, first: Unit) -> bool:
        """Does `second` already wait for `first`?"""
        stack, seen = [id(second)], set()
        while stack:
            number = stack.pop()
            if number == id(first):
                return True
            if number not in seen:
                seen.add(number)
                stack.extend(self.before.get(number, ()))
        return False

    def _fits(self, unit: Unit, datum: Datum, storage: Datum) -> bool:
        """May `unit` write `datum` into the array of `storage`, which it reads?"""
        work = unit.work
        same_memory = [d for d in unit.reads if self._root(d) is storage]
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
        return overwritable(work, number, storage) is not None

    # -- chains ---------------------------------------------------------------------------------------------------

    def _chain(self, unit: Unit, datum: Datum, storage: Datum) -> list[_Link]:
        """The links of a chain from `storage` to `datum`, which `unit` makes, last one first; none where it breaks."""
        links: list[_Link] = []
        last: list[Unit] = []       # what overwrites the link's result: the first unit of the next link
        while datum is not storage:
            link = self._link(unit, datum, storage)
            if link is None or link.source.dtype != storage.dtype:
                return []
            # nobody else may see the memory, between the links nor beside them
            users = self._readers.get(self._root(datum), ())
            if any(user not in last and user not in link.others for user in users):
                return []
            same_memory = [d for d in link.first.reads if self._root(d) is self._root(link.source)]
            if same_memory != [link.source]:
                return []
            links.append(link)
            last = [link.first]
            datum = link.source
            if datum is not storage:
                before = self._maker.get(datum)
                if before is None or self._root(datum) in self._returned:
                    return []
                unit = before
        units = [unit for link in links for unit in (link.first, *link.others)]
        return links if [u for u in self._readers[storage] if u in units] == last else []

    def _link(self, unit: Unit, datum: Datum, storage: Datum) -> _Link | None:
        """How `unit` makes `datum` by overwriting something."""
        work = unit.work
        if len(unit.makes) != 1:
            return None
        if isinstance(work, Opaque):
            if work.kind == "after":
                return self._parts(unit, work)
            if work.takes is None or sum(d is work.inputs[work.takes] for d in work.inputs) != 1:
                return None
            return _Link(unit, work.inputs[work.takes])
        write = work.outputs[0]
        if write.kind.startswith("scatter"):
            if write.base is None or write.base in work.inputs:
                return None
            return _Link(unit, write.base)
        source = _source(work.inputs, storage)
        return _Link(unit, source) if source is not None and overwritable(work, 0, source) is not None else None

    def _parts(self, unit: Unit, work: Opaque) -> _Link | None:
        """The link that writes into parts of memory: its owner, views of it, and kernels that store there."""
        memory = work.inputs[0]
        owner = self._maker.get(memory)
        if owner is None or not isinstance(owner.work, Opaque) or owner.work.kind != "own":
            return None
        members = [unit]
        for done in work.inputs[1:]:
            writer = self._maker[done]
            if not isinstance(writer.work, GroupKernel) or len(writer.makes) != 1:
                return None
            region = writer.work.outputs[0].into
            view = None if region is None else self._maker.get(region)
            if view is None or not isinstance(view.work, Opaque) or view.work.inputs != [memory] or view.work.copies:
                return None
            members += [writer, view]
        return _Link(owner, owner.work.inputs[0], members)


def _source(data: Sequence[Datum], storage: Datum) -> Datum | None:
    """Which of the data that a pointwise expression reads it may be the next link of: what was written into before."""
    if storage in data:
        return storage
    for datum in data:
        work = datum.work
        if isinstance(work, Fused) and work.writes[datum.index].base is not None:
            return datum
        if isinstance(work, Opaque) and work.kind == "after":
            return datum
    return None


def chains_of(updates: Mapping[Datum, Datum]) -> dict[Datum, Datum]:
    """`updates` ({new value: storage}), and the data inside of what may be chains from the storage to the new value."""
    found = dict(updates)
    for datum, storage in updates.items():
        inside: list[Datum] = []
        at: Datum | None = datum
        while at is not None and at is not storage:
            inside.append(at)
            work = at.work
            if isinstance(work, Opaque):
                if work.kind == "after":
                    inside += work.inputs[1:]
                    owner = work.inputs[0].work
                    at = owner.inputs[0] if isinstance(owner, Opaque) and owner.kind == "own" else None
                else:
                    at = None if work.takes is None else work.inputs[work.takes]
            elif work is not None:
                write = work.writes[at.index]
                at = _source([r.datum for r in work.reads], storage)
                if write.kind.startswith("scatter"):
                    at = write.base
            else:
                at = None
        if at is storage:
            found.update(dict.fromkeys(inside, storage))
    return found


__all__ = ["Commits", "Unit", "chains_of", "overwritable"]
