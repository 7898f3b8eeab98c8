"""Door: tools under the original's paths; those that programs import seldom are loaded when they are named."""

from __future__ import annotations

import importlib
from typing import Any

from theano.misc import pkl_utils as pkl_utils

_SUBMODULES = ("cpucount", "doubleop", "frozendict", "may_share_memory", "ordered_set", "safe_asarray")


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.misc.{name}")
    raise AttributeError(f"module 'theano.misc' has no attribute {name!r}")
