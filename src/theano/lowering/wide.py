"""Sums and products of many operands: a row of kernels, each of which goes on from what the one before has stored.

A kernel that reads a thousand arrays costs LLVM more than twice what one of half as many does, and runs slowly: there
are neither registers for so many pointers nor prefetchers for so many streams. What is longer than they reach is summed
in half the time by kernels of PART operands (64 arrays of 8 MB: 23 ms, not 51; 24 ms by MAX_OPERANDS; with 10 elements
each 2.6 us, not 1.2). So what folds its operands from left to right, and has more than one kernel may have, is cut into
parts. The operands and instructions of the terms which can be computed in the same kernel are counted in: `fuse.py`
would otherwise store the terms that find no room. A cut costs one store and one load of an element, so there are as few
as the limits allow: each part but the last takes all it can. The order of operations, and so every bit of the result,
is that of one kernel. Parts of one width are equal kernels, which share machine code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from theano.lowering.build import apply_record
from theano.lowering.fuse import MAX_INSTRUCTIONS, MAX_OPERANDS
from theano.lowering.work import Datum, Fused, Read, Work, Write, is_number, read
from theano.scalar.facts import associative
from theano.scalar.op import ScalarOp

FEW = 8          # operands that are never cut
PART = 16        # operands of a part
FAR = 32         # pieces of work behind a term which are looked at


def folds(record: ScalarOp) -> bool:
    """Does it take any number of operands, from left to right?"""
    return record.nin is None and associative in record.facts


def cut(works: Sequence[Work], wide: Sequence[tuple[Datum, ScalarOp]], outputs: Iterable[Datum]) -> list[Work]:
    """All work, with that of what is `wide` in parts.

    works     in topological order
    wide      what folds many operands, and the record which does
    outputs   data that are results
    """
    uses = Counter(outputs)
    for work in works:
        if isinstance(work, Fused):
            uses.update(datum for datum, _ in work.reads)
        else:
            uses.update(work.inputs)
    before: dict[Work, list[Fused]] = {}
    for datum, record in wide:
        whole: Any = datum.work
        begins = _begins(whole, uses)
        if len(begins) > 1:
            before[whole] = _parts(whole, record, begins)
    if not before:
        return list(works)
    found = [part for work in works for part in (*before.get(work, ()), work)]
    for position, work in enumerate(found):
        work.position = position
    return found


def _begins(work: Fused, uses: Counter[Datum]) -> list[int]:
    """The number of the first operand of each part."""
    terms = [_behind(entry, work, uses) for entry in work.reads]
    whole = set().union(*(arrays for arrays, _ in terms))
    most = PART if len(whole) + 1 > MAX_OPERANDS else MAX_OPERANDS
    begins = [0]
    operands: set[Datum] = set()
    size = 0
    for number, (arrays, instructions) in enumerate(terms):
        together = operands | arrays
        size += instructions + 1
        # besides, there is the result, and what the part before has stored
        if len(together) + 1 + (len(begins) > 1) > most or size > MAX_INSTRUCTIONS:
            begins.append(number)
            operands, size = set(arrays), instructions + 1
        else:
            operands = together
    return begins


def _behind(entry: Read, work: Fused, uses: Counter[Datum]) -> tuple[set[Datum], int]:
    """(what is loaded, number of instructions) for an operand, if all that only it needs is computed in the kernel."""
    plain = set() if is_number(entry.datum) else {entry.datum}
    rank = sum(length != 1 for length in work.lengths)
    loaded: set[Datum] = set()
    pending = [entry]
    instructions = seen = 0
    while pending:
        datum, axes = pending.pop()
        source = datum.work
        if is_number(datum):
            continue
        if not isinstance(source, Fused) or not source.pointwise or uses[datum] > 1 or sum(a >= 0 for a in axes) < rank:
            loaded.add(datum)
            continue
        pending.extend(source.reads)
        instructions += source.size
        seen += 1
        if seen > FAR or len(loaded) > PART - 2 or instructions > MAX_INSTRUCTIONS // 2:
            return plain, 0
    return (plain, 0) if len(loaded) > PART - 2 else (loaded, instructions)


def _parts(work: Fused, record: ScalarOp, begins: Sequence[int]) -> list[Fused]:
    """The parts but the last, which `work` becomes. Each has a kernel of its own, so that its terms find room there."""
    out = work.writes[0].datum
    # halves of numbers are added in float32, and rounded once
    dtype = "float32" if out.dtype == "float16" else out.dtype
    parts: list[Fused] = []
    stored: list[Read] = []
    reads = work.reads
    for begin, end in pairwise(begins):
        operands = [*stored, *reads[begin:end]]
        walked = {a for _, axes in operands for a in axes if a >= 0}
        dims = [ref if axis in walked else 1 for axis, ref in enumerate(out.dims)]
        partial = Datum(dtype, [n if axis in walked else 1 for axis, n in enumerate(out.shape)], dims)
        part = Fused(
            work.nodes, partial.shape, operands, [Write(partial, "store", tuple(range(out.ndim)))],
            _emit(record, out.dtype, dtype, dtype, bool(stored)), size=end - begin, chain_cost=work.chain_cost,
            apart=True,
        )
        partial.work = part
        parts.append(part)
        stored = [read(partial, range(out.ndim), out.shape)]
    work.reads = [*stored, *reads[begins[-1] :]]
    work.emit = _emit(record, out.dtype, dtype, out.dtype, True)
    work.size = len(work.reads) - 1
    return parts


def _emit(
    record: ScalarOp, dtype: str, wide: str, result: str, goes_on: bool
) -> Callable[[Any], list[Any]]:
    """How a part computes an element: of dtype `result`, of operands which `dtype` rounds first, computing in `wide`.

    goes_on   its first operand is what the part before has stored
    """

    def emit(point: Any) -> list[Any]:
        b, values = point.b, point.reads()
        if wide != dtype:
            values[goes_on:] = [b.cast(b.cast(v, dtype), wide) for v in values[goes_on:]]
        return [b.cast(apply_record(b, record, values, wide), result)]

    return emit


__all__ = ["cut", "folds"]
