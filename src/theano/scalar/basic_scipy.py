"""theano.scalar.basic_scipy: the original's module of special functions. Nothing is defined here."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'theano.scalar.basic_scipy' has no attribute {name!r}")
    return getattr(importlib.import_module("theano.scalar"), name)
