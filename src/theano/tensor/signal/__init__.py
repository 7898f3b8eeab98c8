"""theano.tensor.signal: pooling (`pool`) and the convolution of single images (`conv`)."""

from __future__ import annotations

import importlib
from typing import Any

_SUBMODULES = ("conv", "pool")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.tensor.signal.{name}")
    raise AttributeError(f"module 'theano.tensor.signal' has no attribute {name!r}")
