"""lower(): from a rewritten FunctionGraph to a Program.

The stages, in order: every node becomes work (`context.py`, and one module per family of ops); work is grouped into
kernels (`fuse.py`, `kernels.py`); everything gets its place in time and memory (`schedule.py`); kernels which may share
the rows in the cache are marked (`blocking.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply
from theano.lowering import (
    checks,
    convolution,
    creation,
    cumulative,
    diagonals,
    elementwise,
    indexing,
    joining,
    linear,
    loop,
    pooling,
    products,
    reductions,
    shapes,
)
from theano.lowering import fuse as fusion
from theano.lowering.blocking import group_rows
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.commits import chains_of
from theano.lowering.context import Lowering, rule_for
from theano.lowering.kernel import UNIT
from theano.lowering.kernels import make_kernel
from theano.lowering.program import Program, ProgramInput, ProgramOutput
from theano.lowering.schedule import Schedule
from theano.lowering.wide import cut
from theano.lowering.work import Datum, Opaque

# the families, named so that importing this module registers their lowerings
FAMILIES = (
    checks, convolution, creation, cumulative, diagonals, elementwise, indexing, joining, linear, loop, pooling,
    products, reductions, shapes,
)


def lower(
    fgraph: FunctionGraph,
    *,
    storages: Mapping[int, list],
    updates: Mapping[int, list],
    borrow: Collection[int] = frozenset(),
    mutable: Collection[int] = frozenset(),
    fuse: bool = True,
    name: str = "",
    dtypes: Collection[str] = NATIVE_DTYPES,
    reshaped: bool = False,
) -> Program:
    """The Program of a graph.

    storages   {input position: one-element list}: the input's value is the list's element (a shared variable)
    updates    {output position: one-element list}: the output becomes the list's element. Where it is the list of a
               storage input, the array may be overwritten in place
    borrow     output positions whose results may share memory with arguments and constants
    mutable    input positions whose arrays the program may overwrite
    fuse       False: one kernel for each piece of work, for tests
    dtypes     what the backend's kernels can compute with on this machine; other nodes run through `Op.perform`
    reshaped   a result may be a reshaped view of memory of the Program, if no other result has that
    """
    lowering = Lowering(dtypes, partial(lower, fuse=fuse, dtypes=dtypes))
    lacking = NATIVE_DTYPES - set(dtypes)
    inputs = [lowering.input(variable) for variable in fgraph.inputs]
    storage_of = {id(cell): inputs[position] for position, cell in storages.items()}
    for node in fgraph.toposort():
        if lacking and _touches(node, lacking):
            lowering.python(node)
        else:
            rule_for(node.op)(lowering, node)
    outputs: list[Datum] = []
    taken: set[Datum] = set()
    overwrites: dict[Datum, Datum] = {}
    shared = set(storage_of.values())
    for position, variable in enumerate(fgraph.outputs):
        datum = lowering.datum(variable)
        keep = position in borrow and position not in updates and not _stored(datum, shared)
        whole = _reshaped(datum) if reshaped and not keep else None
        if whole is not None and whole not in taken:
            taken.add(whole)
            datum = lowering.in_memory(datum)
        elif keep:
            datum = lowering.in_memory(datum)
        elif datum in taken or not _fresh(datum):
            datum = lowering.copy(datum)
        taken.add(datum)
        outputs.append(datum)
        if position in updates and id(updates[position]) in storage_of:
            overwrites[datum] = storage_of[id(updates[position])]
    works = cut(lowering.works, lowering.wide, outputs) if lowering.wide else lowering.works
    groups = fusion.fuse(works, outputs, chains_of(overwrites), fuse)
    opaque = [work for work in works if isinstance(work, Opaque) and work.level >= 0]
    schedule = Schedule([*opaque], [make_kernel(group) for group in groups], outputs, overwrites, inputs, dtypes)
    steps, row_groups = group_rows(schedule.steps, schedule.commit_from)
    program_inputs = [
        ProgramInput(schedule.buffer(datum), storages.get(position), position in mutable)
        for position, datum in enumerate(inputs)
    ]
    program_outputs = [
        ProgramOutput(schedule.buffer(datum), updates.get(position), position in borrow)
        for position, datum in enumerate(outputs)
    ]
    # those that a step or an output uses: they have got a buffer by now
    constants = [(d.buffer, d.constant) for d in lowering.constants if d.buffer is not None]
    return Program(
        inputs=program_inputs,
        outputs=program_outputs,
        constants=constants,
        steps=steps,
        commit_from=schedule.commit_from,
        name=name,
        row_groups=row_groups,
    )


def _touches(node: Apply, dtypes: Collection[str]) -> bool:
    """Would the node's kernel hold a value of one of these dtypes?"""
    inside = getattr(node.op, "acc_dtype", None)
    return inside in dtypes or any(getattr(v.type, "dtype", None) in dtypes for v in (*node.inputs, *node.outputs))


def _fresh(datum: Datum) -> bool:
    """Is it computed into memory of its own?"""
    if datum.leaf or datum.base is not None:
        return False
    work = datum.work
    return not isinstance(work, Opaque) or datum.index not in work.views or work.kind == "after"


def _reshaped(datum: Datum) -> Datum | None:
    """What all of which `datum` shows, in the same order, if that is computed into memory of its own."""
    shown = datum
    while True:
        work = shown.work
        if shown.base is not None:
            kept = [a for a in shown.base_axes if a != UNIT]
            if kept != sorted(kept):
                return None
            shown = shown.base
        elif isinstance(work, Opaque) and work.whole:
            shown = work.inputs[0]
        else:
            break
    ours = shown is not datum and _fresh(shown) and shown.dtype != "object"
    return None if not ours or (isinstance(shown.work, Opaque) and shown.work.python) else shown


def _stored(datum: Datum, shared: Collection[Datum]) -> bool:
    """May it share memory with a storage input?"""
    pending = [datum]
    while pending:
        current = pending.pop()
        if current in shared:
            return True
        if current.base is not None:
            pending.append(current.base)
        work = current.work
        if isinstance(work, Opaque) and current.index in work.views:
            pending.append(work.inputs[work.views[current.index]])
    return False


__all__ = ["lower"]
