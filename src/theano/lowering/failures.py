"""Which work may fail, and that it runs where nothing but the shape of what is made of it is read.

What nobody reads is not computed. But a product of matrices that do not fit, or an index that is out of range, is a
mistake whether or not values are read: `x[i].shape` fails where `x[i]` does.
"""

from __future__ import annotations

from theano.lowering.kernel import INDEXED, UNIT
from theano.lowering.work import Datum, Fused, Length, Opaque, Work

_OF_NOTHING = frozenset(("max", "min", "argmax"))  # kinds of results that nothing does not have


def shape_is_used(datum: Datum) -> None:
    """Let run what may fail of all that `datum` is made of."""
    pending = [datum]
    while pending:
        datum = pending.pop()
        if datum.base is not None:
            datum = datum.base
        work = datum.work
        if work is None or datum.asked:
            continue
        datum.asked = True
        if may_fail(work):
            datum.must_run = True  # and with it what it reads
        elif isinstance(work, Fused):
            pending.extend(read for read, _ in work.reads)
        else:
            pending.extend(work.inputs)


def may_fail(work: Work) -> bool:
    """Does it check more than what is known: positions, or that lengths are equal?"""
    if isinstance(work, Opaque):
        return not work.safe
    told: list[set[object]] = [
        {ref for ref in (length, extent) if ref is not None} for length, extent in zip(work.lengths, work.extents)
    ]
    for datum, axes in work.reads:
        for axis, ref in zip(axes, datum.dims):
            if axis == INDEXED or (axis == UNIT and ref != 1):
                return True
            if axis != UNIT:
                told[axis].add(ref)
    if any(len(refs) > 1 or not all(isinstance(ref, (int, Length)) for ref in refs) for refs in told):
        return True
    kinds = {write.kind for write in work.writes}
    return any(kind.startswith("scatter") for kind in kinds) or (bool(kinds & _OF_NOTHING) and not all(work.lengths))


__all__ = ["may_fail", "shape_is_used"]
