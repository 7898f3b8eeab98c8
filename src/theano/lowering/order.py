"""The order of units: that of the graph as far as they need each other, and memory is let go soon.

A unit that alone still needs some memory, and makes no more than it lets go, runs as soon as it can. In a network's
gradients, say, what a layer's weights get is computed right after the layer's own gradient, not at the end, up to which
all layers' values would have to stay. Views cost nothing: they are made right before they are first needed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence

from theano.lowering.commits import Unit
from theano.lowering.work import Datum, Opaque


def in_order(
    units: Sequence[Unit], before: Sequence[set[int]], root: Callable[[Datum], Datum], kept: set[Datum]
) -> list[Unit]:
    """The units, each after those that its entry of `before` names by number; those that commit come last.

    units   in the order of the graph
    root    whose memory a datum shares
    kept    roots whose memory nobody gives back: arguments, constants, results
    """
    memory = _Memory(units, root, kept)
    followers: dict[int, list[int]] = {}
    for number, others in enumerate(before):
        for other in others:
            followers.setdefault(other, []).append(number)
    waiting = [len(others) for others in before]

    def entry(number: int) -> tuple[bool, bool, int]:
        unit = units[number]
        return bool(unit.commits), not (_is_view(unit) or memory.lets_go(number)), number

    ready = [entry(number) for number, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    order: list[int] = []
    done = [False] * len(units)
    while ready:
        number = heapq.heappop(ready)[2]
        if done[number]:
            continue  # has run already, by an entry made when it became the last to need something
        done[number] = True
        order.append(number)
        for other in memory.run(number):
            if not waiting[other]:
                heapq.heappush(ready, entry(other))
        for follower in followers.get(number, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, entry(follower))
    if len(order) != len(units):
        raise AssertionError("kernels wait for each other in a circle")
    return [units[number] for number in _views_late(order, units, before)]


class _Memory:
    """Which units have still to run that need some memory."""

    def __init__(self, units: Sequence[Unit], root: Callable[[Datum], Datum], kept: set[Datum]) -> None:
        self._roots = [{root(d) for d in (*unit.makes, *unit.needs)} - kept for unit in units]
        self._made = [_sizes(d for d in unit.makes if root(d) is d) for unit in units]
        self._users: dict[Datum, set[int]] = {}
        for number, roots in enumerate(self._roots):
            for datum in roots:
                self._users.setdefault(datum, set()).add(number)
        self._freed: list[list[Datum]] = [[] for _ in units]

    def lets_go(self, number: int) -> bool:
        """Does the unit, run now, let go at least as much as it makes? As far as ranks tell: lengths are not known."""
        freed = _sizes(self._freed[number])
        return bool(freed) and freed >= self._made[number]

    def run(self, number: int) -> list[int]:
        """The unit runs; which units are now the last to need something?"""
        last = []
        for datum in self._roots[number]:
            users = self._users[datum]
            users.discard(number)
            if len(users) == 1:
                (other,) = users
                self._freed[other].append(datum)
                last.append(other)
        return last


def _sizes(data: Iterable[Datum]) -> list[int]:
    """The ranks of arrays, the largest first, to compare what takes more memory; numbers take none."""
    ranks = (sum(length != 1 for length in datum.shape) for datum in data)
    return sorted((rank for rank in ranks if rank), reverse=True)


def _is_view(unit: Unit) -> bool:
    work = unit.work
    return (
        isinstance(work, Opaque) and work.kind == "step" and len(work.views) == len(work.outputs)
        and not (work.copies or work.python)
    )  # fmt: skip


def _views_late(order: Sequence[int], units: Sequence[Unit], before: Sequence[set[int]]) -> list[int]:
    """The order with each view right before what first needs it, but not among what commits; results stay."""
    needed = set().union(*before)
    place = {number: n for n, number in enumerate(order)}
    found: list[int] = []
    waiting: set[int] = set()  # views that nobody has needed yet
    for number in order:
        unit = units[number]
        if _is_view(unit) and number in needed and not unit.commits:
            waiting.add(number)
            continue
        views = set(waiting) if unit.commits else _all_before(number, before, waiting)
        waiting -= views
        found += [*sorted(views, key=place.__getitem__), number]
    return found


def _all_before(number: int, before: Sequence[set[int]], among: set[int]) -> set[int]:
    """Those `among` these that unit `number` needs, and what they need among these."""
    found: set[int] = set()
    pending = [number]
    while pending:
        new = (before[pending.pop()] & among) - found
        found |= new
        pending.extend(new)
    return found
