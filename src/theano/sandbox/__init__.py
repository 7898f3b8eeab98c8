"""theano.sandbox: `linalg`, `multinomial` and `rng_mrg`, which programs import from here; each is loaded when it is
named."""

from __future__ import annotations

import importlib
from typing import Any

_SUBMODULES = ("linalg", "multinomial", "rng_mrg")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.sandbox.{name}")
    raise AttributeError(f"module 'theano.sandbox' has no attribute {name!r}")
