"""theano.scalar.basic: the original's module of elementwise ops. Nothing is defined here: it is `theano.scalar`."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'theano.scalar.basic' has no attribute {name!r}")
    return getattr(importlib.import_module("theano.scalar"), name)
