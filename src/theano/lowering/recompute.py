"""Compute anew or store: what becomes of a value that several kernels use, or one that it cannot be part of.

The unit is what a cheap instruction (an addition) takes for an element of a vector that is at hand. Storing an element
costs STORE of them, loading it LOAD. These lie between what the second cache takes (about half) and what memory takes
(some times more), since nobody knows here how large arrays will be: gradients of layer norm over 4000 x 1000 numbers
gain an eighth by what is computed anew, and lose a tenth over 200 x 1000. An expensive instruction (division, roots,
functions) counts `build.EXPENSIVE`, which nothing outweighs.

A value that n kernels use over the same points costs STORE + n * LOAD when it is kept. Computed anew, it costs in each
of them its instructions, and LOAD for every array of its size that it reads and the kernel does not read anyway. What
is broadcast in a kernel is computed there several times for each element, how often is not known: then one instruction
is the most, and one array.

Values that depend on computed positions are stored unless they are next to nothing: loads from anywhere have no price
here. A chain of cheap values is computed anew up to a cost of ANEW, so that lowering is linear in the amount of work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from theano.lowering.kernel import INDEXED, UNIT
from theano.lowering.work import Datum, Fused

STORE = 8
LOAD = 4
ANEW = 8
ANEW_INDEXED = 2
ANEW_BROADCAST = 1


def cheaper_anew(work: Fused, uses: Iterable[tuple[Any, tuple[int, ...] | None]]) -> bool:
    """Should each consumer compute `work` itself?

    uses    (use, `work`'s axes in the kernel of the consumer, or None where that goes over other points)
    """
    places = {use.work.group: where for use, where in uses}
    arrays = _arrays(work)
    if any(where is None for where in places.values()):
        return work.chain_cost <= ANEW_BROADCAST and len({datum for datum, _ in arrays}) <= 1
    indexed = any(INDEXED in axes for _, axes in work.reads)
    if work.chain_cost > (ANEW_INDEXED if indexed else ANEW):
        return False
    anew = 0
    for group, where in places.items():
        assert where is not None
        there = {(datum, tuple(where[a] if a >= 0 else a for a in axes)) for datum, axes in arrays}
        anew += work.chain_cost + LOAD * len(there - group.operands.keys())
    return anew <= STORE + LOAD * len(places)


def _arrays(work: Fused) -> list[tuple[Datum, tuple[int, ...]]]:
    """What of all that `work` reads is as large as its result."""
    rank = sum(n != 1 for n in work.lengths)
    return [(datum, axes) for datum, axes in work.reads if rank and sum(a != UNIT for a in axes) == rank]


__all__ = ["ANEW", "ANEW_BROADCAST", "LOAD", "STORE", "cheaper_anew"]
