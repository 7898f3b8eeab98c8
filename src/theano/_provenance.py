"""Which line of the user's program built a node.

`here()` is called once for every Apply node and every variable without an owner; it must cost less than 2 µs, so it
keeps code objects and instruction offsets and resolves them to lines only when somebody asks. Frames of this package
are skipped. `inherit(origin)` makes the nodes that a rewrite builds take over the origin of what they replace.
"""

from __future__ import annotations

import linecache
import os
import sys
from contextvars import ContextVar
from functools import lru_cache
from types import CodeType
from typing import Any

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_inherited: ContextVar[Origin | None] = ContextVar("inherited_origin", default=None)

limit = 8  # user frames kept for each node: the flag traceback.limit


class Origin:
    """A place in the user's program: the innermost user frame first."""

    __slots__ = ("_frames", "_resolved")

    def __init__(self, frames: list[tuple[CodeType, int]]) -> None:
        self._frames = frames
        self._resolved: list[tuple[str, int, str, str]] | None = None

    def frames(self) -> list[tuple[str, int, str, str]]:
        """[(file, line number, function, source line)], innermost first."""
        if self._resolved is None:
            self._resolved = [_resolve(code, offset) for code, offset in self._frames]
            self._frames = []
        return self._resolved

    def __str__(self) -> str:
        frames = self.frames()
        if not frames:
            return "<unknown line>"
        file, number, function, text = frames[0]
        place = f"{file}:{number}, in {function}"
        return f"{place}: {text}" if text else place

    def __reduce__(self) -> Any:
        return _restore, (self.frames(),)


def _restore(frames: list[tuple[str, int, str, str]]) -> Origin:
    origin = Origin([])
    origin._resolved = frames
    return origin


@lru_cache(maxsize=10_000)
def _resolve(code: CodeType, offset: int) -> tuple[str, int, str, str]:
    number = _line_number(code, offset)
    return code.co_filename, number, code.co_name, linecache.getline(code.co_filename, number).strip()


def _line_number(code: CodeType, offset: int) -> int:
    for position, (line, _, _, _) in enumerate(code.co_positions()):
        if position * 2 >= offset and line is not None:
            return line
    return code.co_firstlineno


def here() -> Origin | None:
    """The origin for a node that is being built now."""
    inherited = _inherited.get()
    if inherited is not None:
        return inherited
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is not None and frame.f_code.co_name == "make_node":
        frame = _caller_of_op(frame)
    frames = []
    remaining = limit
    while frame is not None and remaining != 0:
        frames.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
        remaining -= 1
    return Origin(frames)


def _caller_of_op(frame: Any) -> Any:
    """The frame that called the user's own Op whose `make_node` is `frame`; `frame` if it was called directly."""
    outer = frame
    while outer is not None and not outer.f_code.co_filename.startswith(_PACKAGE):
        outer = outer.f_back
    while outer is not None and outer.f_code.co_filename.startswith(_PACKAGE):
        outer = outer.f_back
    return frame if outer is None else outer


class inherit:
    """Nodes built inside `with inherit(origin):` take `origin` as theirs."""

    # (a generator with `contextmanager` would take three times as long, for each node that rules look at)

    __slots__ = ("_before", "_origin")

    def __init__(self, origin: Origin | None) -> None:
        self._origin = origin

    def __enter__(self) -> None:
        self._before = _inherited.set(self._origin)

    def __exit__(self, *raised: object) -> None:
        _inherited.reset(self._before)
