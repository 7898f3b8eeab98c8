"""Values as DebugMode handles them: copies, comparisons, overlaps, preallocated arrays, and how they are shown."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Variable

OVERLAP_WORK = 10_000  # bound on the search for a common element of two arrays
KINDS = ("previous", "c_contiguous", "f_contiguous", "strided", "wrong_size")  # of preallocated outputs


def copied(value: Any) -> Any:
    """A copy that shares no memory and has the same strides where that is possible."""
    return np.array(value, copy=True, order="K") if isinstance(value, np.ndarray) else copy.deepcopy(value)


def same(variable: Variable, old: Any, new: Any) -> bool:
    """Is `new` bit for bit what `old` was? True for objects that cannot tell."""
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return variable.type.values_eq(old, new)
    try:
        equal = variable.type.values_eq(old, new)
    except Exception:
        return True
    return bool(equal) or type(old).__eq__ is object.__eq__


def overlap(a: Any, b: Any) -> bool:
    """Do two values lie in the same memory?"""
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray) or not np.may_share_memory(a, b):
        return False
    try:
        return bool(np.shares_memory(a, b, max_work=OVERLAP_WORK))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def preallocations(kinds: Sequence[str]) -> list[str]:
    """The kinds that are meant ("ALL": all of them; "initial": what is tested anyway). ValueError for unknown ones."""
    unknown = [k for k in kinds if k not in (*KINDS, "ALL", "initial", "")]
    if unknown:
        raise ValueError(f"check_preallocated_output: unknown kind {unknown[0]!r}; there are {', '.join(KINDS)}, ALL")
    return list(KINDS) if "ALL" in kinds else [k for k in kinds if k in KINDS]


def preallocated(kind: str, value: Any) -> Any:
    """An array of the dtype and rank of `value`, full of something else, as a place for a result; or None."""
    if not isinstance(value, np.ndarray):
        return None
    if kind == "previous":
        return copied(value)
    if kind == "strided":
        room = np.zeros([2 * n for n in value.shape], dtype=value.dtype)
        every_other: tuple[Any, ...] = (..., *(slice(None, None, 2) for _ in value.shape))
        found = room[every_other]
    elif kind == "wrong_size":
        found = np.zeros([n + 1 for n in value.shape], dtype=value.dtype)
    else:
        found = np.zeros(value.shape, dtype=value.dtype, order="C" if kind == "c_contiguous" else "F")
    found[...] = 83
    return found


def steps(value: np.ndarray) -> list[int]:
    """The strides that matter: those of axes longer than 1."""
    return [step for step, n in zip(value.strides, value.shape) if n > 1] if value.size else []


def short(value: Any, width: int = 200) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= width else text[: width - 3] + "..."


def source(r: Variable) -> str:
    """Where a variable comes from, in words."""
    return f"The input {r}" if r.owner is None else f"Output {r.index} of {r.owner.op}"


def made_at(thing: Variable | Apply) -> str:
    node = thing.owner if isinstance(thing, Variable) and thing.owner is not None else thing
    return "" if node.origin is None else f"\nIt was made at {node.origin}"


def listed(title: str, values: Sequence[Any]) -> str:
    return "".join(f"{title} {i}: {short(v)}\n" for i, v in enumerate(values[:6]))


def difference(name: str, a: Any, other: str, b: Any) -> str:
    """Two values, and how far they are apart."""
    lines = [f"{name}: {_described(a)}", f"{other}: {_described(b)}"]
    arrays = isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype.kind != "O"
    if arrays and a.shape == b.shape and a.size:
        with np.errstate(all="ignore"):
            apart = np.abs(np.subtract(a, b, dtype=np.result_type(a, b, np.float64)))
        if np.isnan(apart).all():
            return "\n".join(lines)
        at = np.unravel_index(int(np.nanargmax(apart)), apart.shape)
        lines.append(f"largest difference: {float(apart[at]):.6g} at {tuple(map(int, at))}: {a[at]} and {b[at]}")
    return "\n".join(lines)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}: {short(value)}"
    return short(value)
