"""Fusion: which work shares a kernel.

The work is visited once, from the outputs backwards. Every kernel has a *level*: what it reads from memory and other
kernels write has a higher level, so that kernels can never wait for each other in a circle, whatever is put together
on one level. Fused work whose consumers all sit in kernels over the same points joins them (which may unite several
kernels); otherwise it gets a kernel of its own one level up and is stored, or, if that is cheaper than storing and
loading, it is computed anew wherever it is used. At the end kernels which read the same data over the same points
are united where the levels allow it.

What is computed anew, and what stored, says `recompute.py`. Everything is linear in the amount of work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from theano.lowering.kernel import INDEXED, UNIT
from theano.lowering.recompute import cheaper_anew
from theano.lowering.work import Datum, DimRef, Fused, Opaque, Use, Work, datum_in_memory, is_number, shares_memory

MAX_INSTRUCTIONS = 256
MAX_OPERANDS = 24
MAX_OPERANDS_OF_SIBLINGS = 12
FAR = 1 << 60


class Group:
    """The work of one kernel. Axes with static length one are no axes of the kernel."""

    __slots__ = (
        "alive", "extents", "level", "operands", "ordered", "outputs", "overwritten", "rank", "reduced", "scatter",
        "size", "update", "works",
    )

    def __init__(self, rank: int, level: int) -> None:
        self.rank = rank
        self.level = level
        self.works: list[Fused] = []
        self.size = 0
        self.operands: dict[tuple[Datum, tuple[int, ...]], None] = {}   # an over-estimate of what is loaded
        self.outputs = 0
        self.extents: dict[int, DimRef] = {}
        self.reduced: frozenset[int] | None = None
        self.ordered = False
        self.scatter = False
        self.update = False
        # what a scatter or a store into a part starts from, and may be done in if nothing else in the kernel reads it
        self.overwritten: Datum | None = None
        self.alive = True


def fuse(
    works: Sequence[Work], roots: Iterable[Datum], updates: Mapping[Datum, Datum] | None = None, enabled: bool = True
) -> list[Group]:
    """Assign all work that `roots` need to groups and levels.

    works     in topological order
    roots     data that must end up in memory
    updates   {datum: storage}: roots, and what they are made of step by step, which are computed in the array of
              the storage where possible
    enabled   False: every piece of fused work gets a kernel of its own
    """
    for datum in roots:
        datum.uses.append(Use(None, None))
        datum.in_memory = True
    fusion = _Fusion(updates or {}, enabled)
    for work in reversed(works):
        if isinstance(work, Opaque):
            fusion.place_opaque(work)
        elif work.pointwise:
            fusion.place_pointwise(work)
        else:
            fusion.place_apart(work)
    if enabled:
        fusion.unite_siblings()
    return [group for group in fusion.groups if group.alive]


class _Fusion:
    def __init__(self, updates: Mapping[Datum, Datum], enabled: bool) -> None:
        self.groups: list[Group] = []
        self.updates = updates
        self.enabled = enabled

    # -- placing --------------------------------------------------------------------------------------------------

    def place_opaque(self, work: Opaque) -> None:
        uses = [use for datum in work.outputs for use in datum.uses]
        if not uses and not any(d.must_run for d in work.outputs):
            work.level = -1
            return
        work.level = max([0, *map(_level, uses)])
        for datum in work.outputs:
            datum.in_memory = True
        for datum in (*work.inputs, *_memory(work.dims)):
            datum.uses.append(Use(work, None))
            datum.in_memory = True

    def place_apart(self, work: Fused) -> None:
        """Reductions, scatters and stores into views: consumers need the complete result."""
        level = -1
        for write in work.writes:
            for use in write.datum.uses:
                level = max(level, _level(use) + 1)
            level = max(level, 0 if write.datum.must_run else -1)
        if level >= 0:
            for write in work.writes:
                write.datum.in_memory = bool(write.datum.uses)
            if not any(write.datum.in_memory for write in work.writes):
                work.writes[0].datum.in_memory = True
            self._alone(work, level)

    def place_pointwise(self, work: Fused) -> None:
        datum = work.writes[0].datum
        uses = datum.uses
        if not uses and not datum.must_run:
            return
        if work.apart:
            return self._alone(work, max((_level(use) for use in uses), default=-1) + 1, True)
        points = [use for use in uses if use.axes is not None]
        rest = len(points) < len(uses) or not uses
        if self.enabled and points and work.source:
            stored = [use for use in points if not self._compute_anew(work, use)]
            if not stored and not rest:
                return
            points = stored
        level = 0
        candidates: list[tuple[Use, tuple[int, ...] | None]] = []
        inlined = work.inline_for
        for use in uses:
            if use.axes is None:
                level = max(level, _level(use) + 1)
            elif use.work not in inlined:
                where = _same_points(work, use) if self.enabled else None
                candidates.append((use, where))
                level = max(level, use.work.group.level + (where is None))
        targets: dict[Group, tuple[int, ...]] = {}
        agree = True
        for use, where in candidates:
            group = use.work.group
            if where is not None and group.level == level and targets.setdefault(group, where) != where:
                agree = False
        inside = sum(1 for use, where in candidates if where is not None and use.work.group in targets)
        everything = inside == len(candidates) and not rest
        outputs = 0 if everything else 1
        possible = agree and bool(targets) and self._can_unite(work, targets, outputs)
        anew = self.enabled and not rest and _fits(work, candidates) and cheaper_anew(work, candidates)
        if anew and not (possible and everything):
            done = [self._compute_anew(work, use) for use, _ in candidates]
            if all(done):
                return
            # somewhere the lengths do not allow it: stored for those
            if any(use.work in inlined for use, _ in candidates):
                return self.place_pointwise(work)
            return self._alone(work, level + bool(targets), True)
        if possible:
            group = self._unite(work, targets)
            datum.in_memory = datum.in_memory or not everything
            group.outputs += outputs
            self._add(work, group, targets[group])
        else:
            self._alone(work, level + bool(targets), True)
        return None

    def _alone(self, work: Fused, level: int, stored: bool = False) -> None:
        axes = [axis for axis, length in enumerate(work.lengths) if length != 1]
        where = [UNIT] * len(work.lengths)
        for number, axis in enumerate(axes):
            where[axis] = number
        group = Group(len(axes), level)
        self.groups.append(group)
        if stored:
            work.writes[0].datum.in_memory = True
        group.outputs = sum(1 for write in work.writes if write.datum.in_memory)
        for write in work.writes:
            if write.kind.startswith("scatter"):
                group.scatter = True
                if write.datum in self.updates:
                    group.overwritten = write.base
            elif write.into is not None and write.datum in self.updates:
                group.scatter = True
                group.overwritten = self.updates[write.datum]
            elif write.kind != "store":
                kept = {where[a] for a in write.axes if a != UNIT}
                group.reduced = frozenset(n for n in range(group.rank) if n not in kept)
        group.ordered = work.ordered
        self._add(work, group, tuple(where))

    def _add(self, work: Fused, group: Group, where: tuple[int, ...]) -> None:
        work.group = group
        work.where = where
        group.works.append(work)
        group.size += work.size
        for write in work.writes:
            datum = write.datum
            if write.kind == "store" and datum.work is work:
                group.operands.pop((datum, tuple(where[a] if a != UNIT else UNIT for a in write.axes)), None)
            if datum in self.updates:
                group.update = True
            for other in (write.base, write.into):
                if other is not None:
                    other.uses.append(Use(work, None))
                    other.in_memory = True
        for axis, ref in enumerate(work.extents):
            if ref is not None and where[axis] != UNIT:
                group.extents[where[axis]] = ref
                needed = datum_in_memory(ref)
                if needed is not None:
                    needed.uses.append(Use(work, None))
                    needed.in_memory = True
        for datum, axes in work.reads:
            self._add_read(work, group, datum, axes)

    def _add_read(self, work: Fused, group: Group, datum: Datum, axes: tuple[int, ...]) -> None:
        """`axes` are in terms of `work`'s axes."""
        if is_number(datum) and INDEXED not in axes:
            return
        if INDEXED in axes:
            datum.uses.append(Use(work, None))
            datum.in_memory = True
        else:
            datum.uses.append(Use(work, axes))
        group.operands[(datum, tuple(work.where[a] if a >= 0 else a for a in axes))] = None

    def _compute_anew(self, work: Fused, use: Use) -> bool:
        """Let the consumer compute `work` itself, wherever it reads it. False if the lengths that both state differ."""
        consumer: Fused = use.work
        if consumer in work.inline_for:
            return True
        group = consumer.group
        assert group is not None
        places = [u.axes for u in work.writes[0].datum.uses if u.work is consumer and u.axes is not None]
        wanted: dict[int, DimRef] = {}
        for axes in places:
            for axis, ref in enumerate(work.extents):
                place = axes[axis]
                if ref is None or place < 0 or consumer.where[place] < 0:
                    continue
                place = consumer.where[place]
                if group.extents.get(place, ref) != ref or wanted.setdefault(place, ref) != ref:
                    return False
            if any(a == UNIT and length != 1 for a, length in zip(axes, work.lengths)):
                return False
        group.extents.update(wanted)
        for ref in wanted.values():
            needed = datum_in_memory(ref)
            if needed is not None:
                needed.uses.append(Use(consumer, None))
                needed.in_memory = True
        work.inline_for.add(consumer)
        for place_of in places:
            group.size += work.size
            for datum, axes in work.reads:
                self._add_read(consumer, group, datum, tuple(place_of[a] if a >= 0 else a for a in axes))
        return True

    # -- uniting --------------------------------------------------------------------------------------------------

    def _can_unite(self, work: Fused, targets: Mapping[Group, tuple[int, ...]], outputs: int) -> bool:
        """May `work` and the kernels in `targets` be one kernel? `outputs`: does it store `work`'s result?"""
        groups = list(targets)
        size = work.size + sum(group.size for group in groups)
        if size > MAX_INSTRUCTIONS:
            return False
        outputs += sum(group.outputs for group in groups)
        if any(group.scatter for group in groups) and outputs > 1:
            return False
        overwritten = [group.overwritten for group in groups if group.overwritten is not None]
        if any(shares_memory(datum, memory) for memory in overwritten for datum, _ in work.reads):
            return False
        first = _first(groups)
        if len(groups) > 1 and not _compatible(groups):
            return False
        base = targets[first]
        extents: dict[int, DimRef | None] = dict(first.extents)
        reduced = first.reduced
        loaded = dict(first.operands)
        for group in groups:
            if group is first:
                continue
            order = _permutation(targets[group], base)
            if group.ordered and any(old != new for old, new in order.items()):
                return False
            for axis, ref in group.extents.items():
                if extents.setdefault(order[axis], ref) != ref:
                    return False
            if group.reduced is not None:
                there = frozenset(order[axis] for axis in group.reduced)
                if reduced is not None and reduced != there:
                    return False
                reduced = there
            for datum, axes in group.operands:
                loaded[(datum, tuple(order[a] if a >= 0 else a for a in axes))] = None
        for axis, stated in enumerate(work.extents):
            if stated is not None and base[axis] != UNIT and extents.setdefault(base[axis], stated) != stated:
                return False
        loaded.pop((work.writes[0].datum, base), None)
        for datum, axes in work.reads:
            if not is_number(datum):
                loaded[(datum, tuple(base[a] if a >= 0 else a for a in axes))] = None
        grows = len(groups) > 1 or len(loaded) + outputs > len(first.operands) + first.outputs
        return len(loaded) + outputs <= MAX_OPERANDS or not grows

    def _unite(self, work: Fused, targets: dict[Group, tuple[int, ...]]) -> Group:
        first = _first(targets)
        for group, where in list(targets.items()):
            if group is not first:
                _absorb(first, group, _permutation(where, targets[first]))
                del targets[group]
        return first

    def unite_siblings(self) -> None:
        """Unite kernels that read the same datum point by point over the same points."""
        readers: dict[Datum, list[tuple[Group, Fused, tuple[int, ...]]]] = {}
        for group in self.groups:
            if group.alive and group.rank > 0:
                seen = set()
                for work in group.works:
                    for datum, axes in work.reads:
                        there = tuple(work.where[a] if a >= 0 else a for a in axes)
                        if (
                            datum not in seen and datum.in_memory and INDEXED not in axes
                            and sum(1 for a in there if a >= 0) == group.rank == len(set(there) - {UNIT})
                        ):
                            seen.add(datum)
                            readers.setdefault(datum, []).append((group, work, axes))
        known: dict[Datum, int] = {}
        for items in readers.values():
            last: tuple[Group, Fused, tuple[int, ...]] | None = None
            for item in sorted(items, key=lambda entry: -entry[1].group.level):  # type: ignore[union-attr]
                if last is None:
                    last = item
                    continue
                host, guest = last[1].group, item[1].group
                assert host is not None and guest is not None
                if host is guest:
                    continue
                if not self._unite_pair(host, guest, _walk(last), _walk(item), known):
                    last = item

    def _unite_pair(
        self, host: Group, guest: Group, walk: tuple[int, ...], its_walk: tuple[int, ...], known: dict[Datum, int]
    ) -> bool:
        order = dict(zip(its_walk, walk))
        order.pop(UNIT, None)
        if (
            len(order) != guest.rank or host.rank != guest.rank or not _compatible((host, guest))
            or host.scatter or guest.scatter or host.size + guest.size > MAX_INSTRUCTIONS
            or len(host.operands) + len(guest.operands) + host.outputs + guest.outputs > MAX_OPERANDS_OF_SIBLINGS + 1
        ):
            return False
        turned = any(old != new for old, new in order.items())
        if turned and guest.ordered:
            return False
        for axis, ref in guest.extents.items():
            if host.extents.get(order[axis], ref) != ref:
                return False
        if guest.reduced is not None and host.reduced is not None and host.reduced != frozenset(
            order[axis] for axis in guest.reduced
        ):
            return False
        if guest.level != host.level:
            if guest.level > host.level:
                return False
            for datum in _inputs(guest):
                if _latest_reader(datum, known) < host.level:
                    return False
        guest.level = host.level
        _absorb(host, guest, order)
        return True


def _walk(item: tuple[Group, Fused, tuple[int, ...]]) -> tuple[int, ...]:
    _, work, axes = item
    return tuple(work.where[a] if a >= 0 else a for a in axes)


def _inputs(group: Group) -> Iterable[Datum]:
    for datum, _ in group.operands:
        yield datum
    yield from _memory(group.extents.values())
    for work in group.works:
        for write in work.writes:
            for other in (write.base, write.into):
                if other is not None:
                    yield other


def _latest_reader(start: Datum, known: dict[Datum, int]) -> int:
    """The highest level on which a kernel may sit that reads `start`, as far as other kernels' levels tell."""
    stack = [start]
    while stack:
        datum = stack[-1]
        if datum in known:
            stack.pop()
            continue
        work = datum.work
        if work is None:
            known[datum] = FAR
        elif isinstance(work, Fused):
            if work.group is None and not work.inline_for:
                known[datum] = -1
                continue
            if work.group is not None and datum.in_memory:
                known[datum] = work.group.level - 1
            else:
                # not in memory: computed anew, or inside a kernel; its own inputs are operands there
                known[datum] = FAR
        else:
            before = [*work.inputs, *_memory(work.dims)]
            waiting = [d for d in before if d not in known]
            if waiting:
                stack.extend(waiting)
                continue
            known[datum] = min((known[d] for d in before), default=FAR)
        stack.pop()
    return known[start]


def _level(use: Use) -> int:
    work = use.work
    if work is None:
        return -1
    if isinstance(work, Fused):
        assert work.group is not None
        return work.group.level
    level: int = work.level
    return level


def _memory(refs: Iterable[DimRef | None]) -> list[Datum]:
    return [d for d in map(datum_in_memory, refs) if d is not None]


def _fits(work: Fused, candidates: Iterable[tuple[Use, tuple[int, ...] | None]]) -> bool:
    """Can every kernel of a consumer take `work` in without growing too large?"""
    groups = {use.work.group for use, _ in candidates}
    return all(
        group.size + work.size <= MAX_INSTRUCTIONS
        and len(group.operands) - 1 + len(work.reads) + group.outputs <= MAX_OPERANDS
        for group in groups
    )


def _same_points(work: Fused, use: Use) -> tuple[int, ...] | None:
    """`work`'s axes in the kernel of a consumer, if that visits every element exactly once."""
    consumer = use.work
    where = tuple(consumer.where[a] if a >= 0 else UNIT for a in use.axes)  # type: ignore[union-attr]
    walked = [a for a in where if a != UNIT]
    if len(walked) != consumer.group.rank or len(set(walked)) != len(walked):
        return None
    if any(a == UNIT and length != 1 for a, length in zip(where, work.lengths)):
        return None
    return where


def _permutation(source: tuple[int, ...], target: tuple[int, ...]) -> dict[int, int]:
    return {a: b for a, b in zip(source, target) if a != UNIT}


def _first(groups: Iterable[Group]) -> Group:
    """The one whose axes stay: one where their order matters, otherwise the largest."""
    return max(groups, key=lambda group: (group.ordered, group.size))


def _compatible(groups: Iterable[Group]) -> bool:
    """In-place updates run last, so they share no kernel with what others wait for."""
    if not any(group.update for group in groups):
        return True
    return all(
        use.work is None
        for group in groups
        for work in group.works
        for write in work.writes
        if write.datum.in_memory
        for use in write.datum.uses
    )


def _absorb(host: Group, guest: Group, order: Mapping[int, int]) -> None:
    identity = all(old == new for old, new in order.items())
    for work in guest.works:
        work.group = host
        if not identity:
            work.where = tuple(order[a] if a >= 0 else a for a in work.where)
    host.works.extend(guest.works)
    host.size += guest.size
    for datum, axes in guest.operands:
        host.operands[(datum, tuple(order[a] if a >= 0 else a for a in axes))] = None
    for axis, ref in guest.extents.items():
        host.extents[order[axis]] = ref
    if guest.reduced is not None:
        host.reduced = frozenset(order[axis] for axis in guest.reduced)
    host.outputs += guest.outputs
    host.ordered |= guest.ordered
    host.scatter |= guest.scatter
    host.update |= guest.update
    guest.alive = False
    guest.works = []


__all__ = ["Group", "fuse"]
