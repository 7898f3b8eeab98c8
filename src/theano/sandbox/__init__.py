"""theano.sandbox: what the original kept in its sandbox and programs use: `rng_mrg`, `multinomial`, loaded when named."""

from __future__ import annotations

import importlib
from typing import Any

_SUBMODULES = ("multinomial", "rng_mrg")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.sandbox.{name}")
    raise AttributeError(f"module 'theano.sandbox' has no attribute {name!r}")
