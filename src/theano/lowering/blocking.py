"""Which consecutive kernels may run a block of rows at a time, so that the rows are still in the cache.

Softmax, variance and layer norm are several kernels over the same rows: one reduces each row, the next reads the row
and the reduced value again. Run one after the other over a large array, each kernel fetches every row from memory
anew. Run over a block of rows at a time, only the first one does. Here the groups of steps are found for which that
gives the same results; whether it is worth it depends on shapes, and so it is the backend's decision at run time.

A kernel that sums in a wider type than it keeps is a group by itself: the wide sums of a block stay in the cache, and
those of a large result would take more memory than the result.

A matrix product may start a group: what follows it (a bias, an activation, a softmax) then finds a block of its rows in
the cache. The kernels behind it are those that would be there, or would be a group, without it.

A group's kernels have one iteration axis each, the rows, that none of them reduces over. Memory which one kernel
writes and another one reads or writes is walked along that axis by both, along the same axis of the array. Row n of
every kernel then depends on row n of the earlier ones only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from theano._records import field, record_class
from theano.lowering.kernel import UNIT, Operand
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    DimsStep,
    FreeStep,
    KernelStep,
    RowGroup,
    Step,
    Total,
    Value,
    ViewStep,
)

# What dies within a group is given back after it, so a long group of large temporaries would need much memory.
MOST_KERNELS = 16
MOST_DEFERRED = 3

OPAQUE = -2  # an access of which it is not known where it goes along the rows
WHOLE = -1   # an access that touches the same elements in every row


@record_class(slots=True)
class _Memory:
    """Whose memory a buffer shows. axes: for each of the buffer's axes the owner's axis; None: not known."""

    root: int
    axes: tuple[int | None, ...] | None


@record_class(slots=True)
class _Growing:
    """A group while it is extended."""

    axes: list[int | None] = field(default_factory=list)
    accesses: dict[int, set[int]] = field(default_factory=dict)  # of a root: the axis that is the rows, or above
    written: set[int] = field(default_factory=set)
    kernels: int = 0
    deferred: int = 0


def group_rows(steps: Sequence[Step], commit_from: int) -> tuple[list[Step], list[RowGroup]]:
    """The steps, with FreeSteps moved behind the groups that they lay in, and the groups."""
    memory = _memory(steps)
    arranged: list[Step] = []
    groups: list[RowGroup] = []
    at = 0
    while at < commit_from:
        members, axes, stop = _longest(steps, at, commit_from, memory)
        if stop == at:
            members, axes, stop = _behind_product(steps, at, commit_from, memory)
        if stop == at:
            arranged.append(steps[at])
            at += 1
            continue
        groups.append(RowGroup(len(arranged), len(arranged) + len(members), tuple(axes)))
        arranged += members
        arranged += [step for step in steps[at:stop] if isinstance(step, FreeStep)]
        at = stop
    arranged += steps[at:]
    return arranged, groups


def _memory(steps: Sequence[Step]) -> dict[int, _Memory]:
    """For each buffer that shares another's memory: with which it does."""
    found: dict[int, _Memory] = {}

    def share(out: Buffer, source: Buffer, axes: tuple[int | None, ...] | None) -> None:
        before = _where(source, found)
        if axes is not None and before.axes is not None:
            known = before.axes
            axes = tuple(None if a is None else known[a] for a in axes)
        else:
            axes = None
        found[id(out)] = _Memory(before.root, axes)

    for step in steps:
        match step:
            case ViewStep(kind="dimshuffle"):
                share(step.outputs[0], step.inputs[0], tuple(None if a == "x" else int(a) for a in step.params))
            case ViewStep(kind="specify"):
                share(step.outputs[0], step.inputs[0], tuple(range(step.inputs[0].ndim)))
            case ViewStep():
                share(step.outputs[0], step.inputs[0], None)
            case KernelStep():
                for out, source in step.inplace.items():
                    share(step.outputs[out], step.inputs[source], tuple(range(step.outputs[out].ndim)))
    return found


def _where(buffer: Buffer, memory: dict[int, _Memory]) -> _Memory:
    found = memory.get(id(buffer))
    return found if found is not None else _Memory(id(buffer), tuple(range(buffer.ndim)))


def _longest(
    steps: Sequence[Step], at: int, end: int, memory: dict[int, _Memory]
) -> tuple[list[Step], list[int | None], int]:
    """The longest group that starts with step `at`: its steps without frees, their axes, and where it stops."""
    best: tuple[list[Step], list[int | None], int] = ([], [], at)
    first = steps[at]
    if not isinstance(first, KernelStep) or not _plain(first):
        return best
    most = 0 if _has_wide_accumulators(first) else 1
    for rows in range(first.kernel.rank):
        group = _Growing()
        if not _take(group, first, rows, memory):
            continue
        found = _extended(group, first, steps, at, end, memory)
        if group.kernels > most:
            most = group.kernels
            best = found
    return best


def _extended(
    group: _Growing, first: Step, steps: Sequence[Step], at: int, end: int, memory: dict[int, _Memory],
    thrifty: bool = False,
) -> tuple[list[Step], list[int | None], int]:
    """A group that has taken step `at`, `first`, with all kernels that fit: as in `_longest`.

    thrifty    it makes no memory that could be had from what it does not give back before its end
    """
    members = [first]
    kept = (1, at)  # members up to the last kernel, and where that is
    for number in range(at + 1, end):
        step = steps[number]
        if isinstance(step, FreeStep):
            group.deferred += sum(b.ndim > 1 for b in step.inputs)
            continue
        if thrifty and group.deferred and _makes_memory(step):
            break
        if isinstance(step, KernelStep):
            if group.kernels == MOST_KERNELS or group.deferred > MOST_DEFERRED:
                break
            if not _plain(step) or not any(_take(group, step, r, memory) for r in range(step.kernel.rank)):
                break
            members.append(step)
            kept = (len(members), number)
        elif _passive(group, step, memory):
            group.axes.append(None)
            members.append(step)
        else:
            break
    return members[: kept[0]], group.axes[: kept[0]], kept[1] + 1


def _makes_memory(step: Step) -> bool:
    """Does the step make matrices, or larger, in memory of their own?"""
    if isinstance(step, KernelStep):
        return any(b.ndim > 1 and n not in step.inplace for n, b in enumerate(step.outputs))
    return isinstance(step, AllocStep)


def _behind_product(
    steps: Sequence[Step], at: int, end: int, memory: dict[int, _Memory]
) -> tuple[list[Step], list[int | None], int]:
    """The group that starts with step `at`, if that is a product of matrices: as in `_longest`."""
    product = steps[at]
    nothing: tuple[list[Step], list[int | None], int] = ([], [], at)
    if not isinstance(product, CallStep) or product.routine != "gemm":
        return nothing
    group = _Growing(axes=[0])
    for number, buffer in enumerate((*product.outputs, *product.inputs)):
        place = _where(buffer, memory)
        along = WHOLE
        if number < 2:  # the result, and the left matrix
            axis = None if place.axes is None else place.axes[0]
            along = OPAQUE if axis is None else axis
        group.accesses.setdefault(place.root, set()).add(along)
    made = _where(product.outputs[0], memory).root
    group.written.add(made)
    members, axes, stop = _extended(group, product, steps, at, end, memory, thrifty=True)
    first = next((n for n in range(at + 1, stop) if isinstance(steps[n], KernelStep)), None)
    if first is None or all(_where(b, memory).root != made for b in steps[first].inputs):
        return nothing
    alone, alone_axes, _ = _longest(steps, first, end, memory)
    if group.kernels == 1:
        # a kernel by itself may divide its sums, of which a block knows nothing
        plain = all(result.kind == "store" for result in steps[first].kernel.results)  # type: ignore[attr-defined]
        fits = plain and not alone
    else:
        skipped = members.index(steps[first])
        fits = members[skipped:] == alone and axes[skipped:] == alone_axes
    return (members, axes, stop) if fits else nothing


def _plain(step: KernelStep) -> bool:
    """Are all positions known beforehand, so that nothing can go wrong once the kernel runs?"""
    kernel = step.kernel
    return not step.base and not any(i.op == "gather" for i in kernel.body) and not any(
        r.kind.startswith("scatter") for r in kernel.results
    )


def _has_wide_accumulators(step: KernelStep) -> bool:
    """Are there matrices, or larger, of sums in a wider type than they are kept in?

    By blocks of rows the wide ones stay in the cache, and take no memory beside a large result.
    """
    kernel = step.kernel
    return any(
        result.kind != "store" and result.dtype and result.dtype != operand.dtype
        and sum(a != UNIT for a in operand.axes) > 1
        for operand, result in zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True)
    )  # fmt: skip


def _passive(group: _Growing, step: Step, memory: dict[int, _Memory]) -> bool:
    """Does the step read nothing that the group's kernels compute, so that it can be done before they run?"""
    if any(_where(b, memory).root in group.written for b in _values(step)):
        return False
    if isinstance(step, ViewStep):
        if step.kind in ("dimshuffle", "specify"):
            return True
        # a reshape may copy
        return _where(step.inputs[0], memory).root not in group.written
    return isinstance(step, AllocStep | DimsStep)


def _values(step: Step) -> Iterator[Buffer]:
    """Buffers of run-time integers that the step's preparation reads."""
    pending: list[object] = []
    match step:
        case KernelStep():
            pending = list(step.extents)
        case AllocStep() | DimsStep():
            pending = list(step.dims)
        case ViewStep():
            pending = list(step.params)
    while pending:
        dim = pending.pop()
        if isinstance(dim, Value):
            yield dim.buffer
        elif isinstance(dim, Total):
            pending.extend(dim.terms)
        elif isinstance(dim, tuple):
            pending.extend(dim)


def _take(group: _Growing, step: KernelStep, rows: int, memory: dict[int, _Memory]) -> bool:
    """Add the kernel to the group, with its iteration axis `rows`, if it fits."""
    kernel = step.kernel
    reads = [
        (place := _where(b, memory), _access(operand, rows, place))
        for operand, b in zip(kernel.operands[: kernel.n_inputs], step.inputs)
    ]
    writes = [
        (place := _where(b, memory), _access(operand, rows, place))
        for operand, b in zip(kernel.operands[kernel.n_inputs :], step.outputs, strict=True)
    ]
    for operand, result in zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True):
        walked = [a for a in operand.axes if a != UNIT]
        # an accumulator's rows must lie behind each other, since each block has its part of it
        if rows not in walked or (result.kind != "store" and walked[0] != rows):
            return False
    if any(_where(b, memory).root in group.written for b in _values(step)):
        return False
    for place, access in reads:
        if place.root in group.written and group.accesses[place.root] != {access}:
            return False
    inside: dict[int, set[int]] = {}
    for place, access in (*reads, *writes):
        inside.setdefault(place.root, set()).add(access)
    for place, access in writes:
        if access < 0 or inside[place.root] | group.accesses.get(place.root, set()) != {access}:
            return False
    if group.written and not any(
        access >= 0 and access in group.accesses.get(root, ()) for root, found in inside.items() for access in found
    ):
        return False
    for root, found in inside.items():
        group.accesses.setdefault(root, set()).update(found)
    group.written.update(place.root for place, _ in writes)
    group.kernels += 1
    group.axes.append(rows)
    return True


def _access(operand: Operand, rows: int, place: _Memory) -> int:
    """The owner's axis which the rows walk, WHOLE or OPAQUE."""
    walked = [d for d, a in enumerate(operand.axes) if a == rows]
    if not walked:
        return WHOLE
    if len(walked) > 1 or place.axes is None:
        return OPAQUE
    axis = place.axes[walked[0]]
    return OPAQUE if axis is None else axis


__all__ = ["group_rows"]
