"""The setting `warn_float64`: complain when a float64 tensor variable is made.

Made for people who keep everything in float32. The check is only there while the setting is on, so that building graphs
costs nothing otherwise.
"""

from __future__ import annotations

import warnings
from typing import Any

from theano._config import config
from theano.graph.node import Variable
from theano.tensor.type import TensorType
from theano.tensor.variable import TensorVariable


def _init(
    self: TensorVariable, type: TensorType, owner: Any = None, index: Any = None, name: str | None = None
) -> None:
    Variable.__init__(self, type, owner, index, name)
    if owner is None and type.dtype == "float64" and self.__class__ is TensorVariable:
        message = f"A float64 tensor variable is made ({name or type}), and config.warn_float64 is on."
        if config.warn_float64 == "raise":
            raise TypeError(f"{message} Use float32 inputs and constants, or astype.")
        if config.warn_float64 == "pdb":
            breakpoint()
        else:
            warnings.warn(message, stacklevel=3)


def _clone(self: TensorVariable) -> TensorVariable:
    """`Variable.clone` without the check: compiling copies variables that users made long ago."""
    copy = self.__class__.__new__(self.__class__)
    Variable.__init__(copy, self.type, None, None, self.name)
    copy._tag = self._tag
    copy.origin = self.origin
    return copy


_METHODS = {"__init__": _init, "clone": _clone}


def _switch(action: Any) -> None:
    for name, method in _METHODS.items():
        if action != "ignore":
            setattr(TensorVariable, name, method)
        elif name in TensorVariable.__dict__:
            delattr(TensorVariable, name)


config._params["warn_float64"].on_change = _switch
_switch(config.warn_float64)
