"""Door for the old import path of x*log(x) and x*log(y), which are 0 where x is."""

from __future__ import annotations

import importlib
from typing import Any

from theano.scalar.exponential import xlogx as scalar_xlogx
from theano.scalar.exponential import xlogy0 as scalar_xlogy0
from theano.tensor.elemwise import elemwise_of

xlogx = elemwise_of(scalar_xlogx)
xlogy0 = elemwise_of(scalar_xlogy0)


def __getattr__(name: str) -> Any:
    if name in ("XlogX", "XlogY0"):
        return getattr(importlib.import_module("theano.scalar"), name)
    raise AttributeError(f"module 'theano.tensor.xlogx' has no attribute {name!r}")
