"""Indices of integers and slices as rules work on them: entry by entry, put together, compared.

An entry is an int, a 0-d integer variable, or (start, stop, step) of a slice with None, ints or variables in it: what
`op.get_idx(node.inputs)` gives, made as long as the tensor has axes by `entries_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.index_list import INT
from theano.tensor.scalar_constants import static_int
from theano.tensor.subtensor import Subtensor

Entry = Any
WHOLE = slice(None)
ALL: Entry = (None, None, None)
FARTHEST = 2**53   # a position or a step beyond it is not made: machine code counts with 64 bits


def plain(entry: Entry) -> Entry:
    """The entry with ints in place of constants, None in place of a start 0 and a step 1."""
    if isinstance(entry, tuple):
        start, stop, step = (part if part is None else _plain_number(part) for part in entry)
        step = None if step == 1 else step
        if start == 0 and (step is None or (isinstance(step, int) and step > 0)):
            start = None
        return (start, stop, step)
    return _plain_number(entry)


def _plain_number(part: Any) -> Any:
    if isinstance(part, int):
        return part
    value = static_int(part)
    return part if value is None else value


def entries_of(op: Any, inputs: Sequence[Any], ndim: int) -> list[Entry]:
    """The entries of a basic index, one for each axis. `inputs` are those of the node."""
    given = op.region_idx(inputs) if hasattr(op, "region_idx") else op.get_idx(inputs)
    return [plain(entry) for entry in given] + [ALL] * (ndim - len(given))


def index_list(entries: Sequence[Entry]) -> tuple[list[Any], list[Any]]:
    """(index list, inputs of the node) for these entries."""
    listed: list[Any] = []
    inputs: list[Any] = []
    for entry in entries:
        append(listed, inputs, entry)
    while len(listed) > 1 and listed[-1] == WHOLE:
        listed.pop()
    return listed, inputs


def append(listed: list[Any], inputs: list[Any], entry: Entry) -> None:
    """Add an entry to an index list and its inputs."""
    if isinstance(entry, tuple):
        listed.append(slice(*(part if part is None or isinstance(part, int) else INT for part in entry)))
        inputs.extend(part for part in entry if part is not None and not isinstance(part, int))
    elif isinstance(entry, int):
        listed.append(entry)
    else:
        listed.append(INT)
        inputs.append(entry)


def indexed(x: Any, entries: Sequence[Entry]) -> Any:
    """x indexed; x itself where all of it is taken, and without an index for axes of length one that go."""
    gone = [axis for axis, e in enumerate(entries) if e in (0, -1) and x.type.shape[axis] == 1]
    if gone:
        x = dimshuffle(x, [axis for axis in range(x.type.ndim) if axis not in gone])
        entries = [e for axis, e in enumerate(entries) if axis not in gone]
    if all(e == ALL for e in entries):
        return x
    listed, inputs = index_list(entries)
    return Subtensor(listed)(x, *inputs)


def is_position(entry: Entry) -> bool:
    """Is it an int or a variable, which takes the axis away?"""
    return not isinstance(entry, tuple)


def counted(part: Any) -> bool:
    """Is this bound of a slice missing, or a number counted from the start?"""
    return part is None or (isinstance(part, int) and part >= 0)


def composed(first: Entry, then: Entry) -> Entry | None:
    """The entry that takes of an axis what `then` takes of what the slice `first` takes; None if there is none.

    A position that is out of range after the slice may be none before it: `needed` says what it asks of the axis.
    """
    if first == ALL:
        return then
    if then == ALL:
        return first
    start, stop, step = first
    if first == (None, None, -1):
        return _of_reversed(then)
    if isinstance(step, int) and step > 1:
        if isinstance(then, tuple):
            return _of_steps(first, then)
        return step * then if isinstance(then, int) and then >= 0 and start is None and stop is None else None
    if step is not None or not counted(start):
        return None
    base = start or 0
    if not isinstance(then, tuple):
        return _position_after(base, stop, then)
    a, b, c = then
    if not counted(a) or not (c is None or (isinstance(c, int) and c > 0)):
        return None
    begin = base + (a or 0)
    if counted(stop) and counted(b):
        end = stop if b is None else base + b if stop is None else min(stop, base + b)
    elif isinstance(stop, int) and stop < 0 and b is None:
        end = stop
    elif isinstance(b, int) and b < 0 and (stop is None or (isinstance(stop, int) and stop < 0)):
        end = b + (stop or 0)
    else:
        return None
    return plain((begin, end, c))


def _of_steps(first: Entry, then: Entry) -> Entry | None:
    """A slice of the slice `first`, which has a step, where all that either says is numbers, counted from the start."""
    start, stop, step = first
    a, b, c = then
    if not all(map(counted, (start, stop, a, b))) or not (c is None or (isinstance(c, int) and c > 0)):
        return None
    base = start or 0
    ends = [end for end in (stop, None if b is None else base + step * b) if end is not None]
    both = (base + step * (a or 0), min(ends, default=None), step * (c or 1))
    return plain(both) if max(part or 0 for part in both) <= FARTHEST else None


def _of_reversed(then: Entry) -> Entry | None:
    if isinstance(then, int):
        return -1 - then
    if not isinstance(then, tuple):
        return None
    a, b, c = then
    if then == (None, None, -1):
        return ALL
    if c is not None or not counted(a) or not counted(b):
        return None
    return (None if a is None else -1 - a, None if b is None else -1 - b, -1)


def _position_after(base: int, stop: Any, position: Entry) -> Entry | None:
    """A position after the slice base:stop, before it."""
    if not isinstance(position, int):
        return None
    if position >= 0:
        if stop is None or (isinstance(stop, int) and (stop < 0 or base + position < stop)):
            return base + position
        return None
    if stop is None:
        return position
    return position + stop if isinstance(stop, int) and stop < 0 else None


def needed(first: Entry, position: int) -> int | None:
    """The position (counted from the start) that the axis must have for `position` to be one after the slice `first`;
    None where that is not one number."""
    start, stop, step = first
    if first == (None, None, -1):
        return position if position >= 0 else -1 - position
    if isinstance(step, int) and step > 1 and start is None and stop is None and position >= 0:
        return step * position
    if step is not None or not counted(start):
        return None
    at = (start or 0) + (position if position >= 0 else -1 - position)
    if stop is None:
        return at
    if not isinstance(stop, int):
        return None
    if stop < 0:
        return at - stop
    return at if position >= 0 and at < stop else None


def places(entry: Entry) -> tuple[float, float] | None:
    """From where up to where an entry goes, if that is known and counted from the start."""
    if isinstance(entry, int):
        return (entry, entry + 1) if entry >= 0 else None
    if not isinstance(entry, tuple):
        return None
    start, stop, step = entry
    start, stop = 0 if start is None else start, inf if stop is None else stop
    if not (step is None or (isinstance(step, int) and step > 0)):
        return None
    if not all(isinstance(n, (int, float)) and n >= 0 for n in (start, stop)):
        return None
    return start, max(start, stop)


def apart(one: Sequence[Entry], other: Sequence[Entry]) -> bool:
    """Have two indices of one tensor no element in common, whatever its lengths?"""
    for a, b in zip(one, other):
        if isinstance(a, int) and isinstance(b, int) and a < 0 and b < 0 and a != b:
            return True
        p, q = places(a), places(b)
        if p is not None and q is not None and (p[1] <= q[0] or q[1] <= p[0]) and p[0] < p[1] and q[0] < q[1]:
            return True
    return False


def within(read: Sequence[Entry], written: Sequence[Entry]) -> list[Entry] | None:
    """The index that takes from what `written` selects what `read` selects of the whole; None if `read` goes beyond it
    or that is not known."""
    result: list[Entry] = []
    for r, w in zip(read, written):
        if is_position(w):
            if not _same_number(r, w):
                return None
            continue
        inner = _within_slice(r, w)
        if inner is None:
            return None
        result.append(inner)
    return result


def _same_number(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, int) and isinstance(b, int) and a == b)


def _within_slice(read: Entry, written: Entry) -> Entry | None:
    if written == ALL:
        return read
    if isinstance(read, tuple) and all(a is b or (isinstance(a, int) and a == b) for a, b in zip(read, written)):
        return ALL
    start, stop, step = written
    if step is not None or not counted(start) or not counted(stop):
        return None
    base = start or 0
    if isinstance(read, int):
        return read - base if base <= read and (stop is None or read < stop) else None
    reach = places(read)
    if reach is None or reach[0] < base or (stop is not None and reach[1] > stop):
        return None
    a, b, c = read
    return plain(((a or 0) - base, None if b is None else max(b - base, 0), c))


__all__ = [
    "ALL", "WHOLE", "Entry", "apart", "append", "composed", "counted", "entries_of", "index_list", "indexed",
    "is_position", "needed", "places", "plain", "within",
]
