"""Code which folds one row of accumulators into another: for reductions that are computed in pieces.

It is compiled when a reduction is first large enough to be divided (`runtime_divide.py`), once a process for each kind
of accumulator. Until then the word that machine code reads is 0.
"""

from __future__ import annotations

import ctypes
import threading

from theano.backends.native import target
from theano.backends.native.reduction_text import Accumulator
from theano.backends.native.vector_text import VectorText

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
    one = VectorText(1)
    one.declarations = declarations
    one.start("entry")
    one.go_if(one.set("icmp sgt i64 %count, 0"), "loop", "done")
    one.start("loop")
    one.emit("%i = phi i64 [0, %entry], [%next, %loop]")
    into = _places(one, accumulator, "%into", "%intovalues", arg)
    other = _places(one, accumulator, "%from", "%fromvalues", arg)
    accumulator.combine_in_memory(one, into, other)
    one.emit("%next = add i64 %i, 1")
    one.go_if(one.set("icmp slt i64 %next, %count"), "loop", "done")
    one.start("done")
    one.emit("ret i64 0")
    head = f"define i64 @{name}(ptr %into, ptr %from, ptr %intovalues, ptr %fromvalues, i64 %count) {{"
    return "\n".join([head, *one.lines, "}"])


def _places(one: VectorText, accumulator: Accumulator, first: str, values: str, arg: bool) -> list[str]:
    """The addresses of element %i of an accumulator, and of its values."""
    if not arg:
        return [one.set(f"getelementptr {accumulator.memory}, ptr {first}, i64 %i")]
    return [
        one.set(f"getelementptr i64, ptr {first}, i64 %i"),
        one.set(f"getelementptr {accumulator.memory}, ptr {values}, i64 %i"),
    ]
