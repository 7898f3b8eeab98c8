"""Code over rows of accumulators: what casts them to results, and what folds one row into another.

The latter is for reductions that are computed in pieces. It is compiled when a reduction is first large enough to be
divided (`runtime_divide.py`), once a process for each kind of accumulator. Until then the word that machine code reads
is 0.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from theano.backends.native import target
from theano.backends.native.kernel_slots import Slots
from theano.backends.native.reduction_text import Accumulator
from theano.backends.native.vector_text import MEMORY_TYPE, SIZE, VectorText
from theano.lowering.kernel import Kernel

Kind = tuple[str, str, str]

_words: dict[Kind, ctypes.Array] = {}
_lock = target.free_after_fork(threading.Lock())


def combiner_word(kind: Kind) -> int:
    """The address of the word for accumulators of a kind: (what, dtype of what is accumulated, dtype asked for)."""
    if kind not in _words:
        _words.setdefault(kind, (ctypes.c_int64 * 1)())
    return ctypes.addressof(_words[kind])


def make_combiners() -> None:
    """Compile what has been asked for and is not there yet."""
    with _lock:
        missing = [kind for kind, word in list(_words.items()) if word[0] == 0]
        declarations: dict[str, str] = {}
        parts = [_combiner(kind, f"combine{n}", declarations) for n, kind in enumerate(missing)]
        code = target.Code("\n\n".join([*declarations.values(), *parts]), level=1)
        for n, kind in enumerate(missing):
            _words[kind][0] = code.address(f"combine{n}")


def _combiner(kind: Kind, name: str, declarations: dict[str, str]) -> str:
    """i64 name(into, from, into's values, from's values, count); the values are those of which positions are kept."""
    what, source, dtype = kind
    arg = what in ("argmax", "argmin")
    accumulator = Accumulator(what, 0, source, dtype, 0, position_axes=() if arg else None, value_slot=1)

    def fold(text: VectorText, index: str) -> None:
        into = _places(text, accumulator, "%into", "%intovalues", index)
        other = _places(text, accumulator, "%from", "%fromvalues", index)
        _combine(text, accumulator, into, other)

    widest = max(SIZE[accumulator.memory], 8 if arg else 1)
    lines = _for_all(fold, target.host().vector_bytes // widest, declarations)
    head = f"define i64 @{name}(ptr %into, ptr %from, ptr %intovalues, ptr %fromvalues, i64 %count) {{"
    return "\n".join([head, *lines, "  ret i64 0", "}"])


def _combine(text: VectorText, accumulator: Accumulator, into: list[str], other: list[str]) -> None:
    """Fold the accumulators at `other` into those at `into`, a vector of them. Addresses; where positions are kept,
    the positions' and the values'."""
    if accumulator.position_axes is None:
        old, new = (accumulator.load(text, at[0]) for at in (into, other))
        accumulator.store(text, accumulator.combine(text, old, new), into[0])
        return
    kept, found = ([accumulator.load(text, at[1]), text.load("int64", at[0])] for at in (into, other))
    best = accumulator.better(text, found, kept)
    accumulator.store(text, best[0], into[1])
    text.store("int64", best[1], into[0])


def finishers(kernel: Kernel, table: Slots, declarations: dict[str, str]) -> list[str]:
    """The functions that cast a kernel's accumulators to its results, where their types differ."""
    accumulators = {a.slot: a for a in table.accumulators}
    return [
        _finisher(accumulators[slot.operand], slot.finish, kernel.operands[slot.operand].dtype, declarations)
        for slot in table.all if slot.finish
    ]


def _finisher(accumulator: Accumulator, name: str, dtype: str, declarations: dict[str, str]) -> str:
    """void name(from, to, count)"""

    def cast(text: VectorText, index: str) -> None:
        source = text.set(f"getelementptr {accumulator.memory}, ptr %from, i64 {index}")
        destination = text.set(f"getelementptr {MEMORY_TYPE[dtype]}, ptr %to, i64 {index}")
        text.store(dtype, text.cast(accumulator.wide, dtype, accumulator.load(text, source)), destination)

    lines = _for_all(cast, 1, declarations)
    return "\n".join([f"define void @{name}(ptr %from, ptr %to, i64 %count) {{", *lines, "  ret void", "}"])


def _for_all(do: Callable[[VectorText, str], None], lanes: int, declarations: dict[str, str]) -> list[str]:
    """Do something with %count elements: a vector at a time, then one by one. It is told the index of the first."""
    lines = ["entry:"]
    text = VectorText(lanes)
    text.lines, text.declarations = lines, declarations
    done, before = "0", "entry"
    for width in (lanes, 1) if lanes > 1 else (1,):
        text = text.beside(width)
        loop, after = text.label("loop"), text.label("after")
        limit, index, following = "%count", text.new("i"), text.new("next")
        if width > 1:
            limit = text.set(f"and i64 %count, {-width}")
        text.go_if(text.set(f"icmp slt i64 {done}, {limit}"), loop, after)
        text.start(loop)
        text.emit(f"{index} = phi i64 [{done}, %{before}], [{following}, %{loop}]")
        do(text, index)
        text.emit(f"{following} = add i64 {index}, {width}")
        text.go_if(text.set(f"icmp slt i64 {following}, {limit}"), loop, after)
        text.start(after)
        done, before = limit, after
    return lines


def _places(text: VectorText, accumulator: Accumulator, first: str, values: str, index: str) -> list[str]:
    """The addresses of an element of an accumulator, and of its values."""
    if accumulator.position_axes is None:
        return [text.set(f"getelementptr {accumulator.memory}, ptr {first}, i64 {index}")]
    return [
        text.set(f"getelementptr i64, ptr {first}, i64 {index}"),
        text.set(f"getelementptr {accumulator.memory}, ptr {values}, i64 {index}"),
    ]
