"""How much work something is, where time would be noise: the calls of functions that it makes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def calls_during(work: Callable[[], Any]) -> int:
    """How often functions are called, of Python and of C, while `work()` runs."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
