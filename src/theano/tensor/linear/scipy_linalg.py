"""The one door to `scipy.linalg`: it is imported when a function of it is first evaluated, not before."""

from __future__ import annotations

from functools import cache
from types import ModuleType


@cache
def scipy_linalg() -> ModuleType:
    """The module `scipy.linalg`."""
    import scipy.linalg

    return scipy.linalg


@cache
def lapack() -> ModuleType:
    """The module `scipy.linalg.lapack`."""
    import scipy.linalg.lapack

    return scipy.linalg.lapack
