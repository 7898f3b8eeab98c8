"""The one door to `scipy.special`: it is imported when a special function is first evaluated, not before."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any


@cache
def _module() -> ModuleType:
    import scipy.special

    return scipy.special


def special(name: str) -> Callable[..., Any]:
    """The function `scipy.special.<name>`, loaded at its first call."""

    def function(*arrays: Any) -> Any:
        return getattr(_module(), name)(*arrays)

    function.__name__ = function.__qualname__ = name
    return function
