"""theano.tensor: symbolic dense arrays."""

from __future__ import annotations

import importlib
from typing import Any

from theano.tensor.basic import *  # noqa: F403

# submodules that are loaded when they are first named, as in `tensor.nnet.softmax`
_SUBMODULES = ("nnet",)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.tensor.{name}")
    raise AttributeError(f"module 'theano.tensor' has no attribute {name!r}")
