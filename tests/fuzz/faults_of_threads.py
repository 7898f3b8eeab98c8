"""Planted faults in how threads share work: parts that overlap or are forgotten, and results of parts that get lost.

A fault is (a line of `runtime_divide.py`, what stands there instead). None makes code leave its arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from theano.backends.native import target
from theano.backends.native.runtime import runtime
from theano.backends.native.unit_code import QUICK, UnitCode

PART = "    start = share(n, load64(job + CUT_UNIT), piece, load64(job + CUT_PIECES))\n"
ROWS = "    failed = invoke(load64(job + ROWS_PART), frame, members, count, start, end, block)\n"
OWN = "    own = load64(job + CUT_OWN) + piece * load64(job + CUT_OWN_BYTES)\n"
FORGET = "    if piece == 1:\n        store64(load64(job + CUT_FAILED) + piece * FAILED_BYTES, 0)\n        return 0\n"
FAULTS: dict[str, tuple[str, str]] = {
    "parts overlap": (PART, PART + "    if piece > 0:\n        start -= 1\n"),
    "a part is forgotten": (PART, PART + FORGET),
    "the first of a part is left out": (PART, PART + "    if piece > 0:\n        start += 1\n"),
    "every part is the first": ("            at += start * stride_of(job, k, along)\n", "            at += 0\n"),
    "parts share an accumulator": (OWN, "    own = load64(job + CUT_OWN)\n"),
    "a part's result is lost": (
        "        while piece + distance < pieces:\n", "        while piece + distance < pieces - 1:\n"),
    "some rows are forgotten": (ROWS, "    failed = 0\n    if part != 1:\n    " + ROWS),
}  # fmt: skip


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Work that is divided inside is divided with the fault."""
    right, wrong = FAULTS[name]
    system, read = runtime(), target.source_of
    text = read("runtime_divide")
    assert text.count(right) == 1, right
    system._load_division()
    target.source_of = lambda module: text.replace(right, wrong) if module == "runtime_divide" else read(module)
    try:
        unit = UnitCode(("divide",), system._known_to(("divide",)))
        unit.load((QUICK,))
    finally:
        target.source_of = read
    try:
        system._division[0], system._division[1] = unit.address("divide_walk"), unit.address("divide_rows")
        yield
    finally:
        system._tell_division()
