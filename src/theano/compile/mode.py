"""theano.compile.mode: public import path of modes. The code is in `modes.py`.

`optdb` (`pipeline.py`) is loaded when it is first named, as the pipeline is when the first function is compiled.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from theano.compile.modes import FAST_COMPILE as FAST_COMPILE
from theano.compile.modes import FAST_RUN as FAST_RUN
from theano.compile.modes import OPT_FAST_COMPILE as OPT_FAST_COMPILE
from theano.compile.modes import OPT_FAST_RUN as OPT_FAST_RUN
from theano.compile.modes import OPT_FAST_RUN_STABLE as OPT_FAST_RUN_STABLE
from theano.compile.modes import OPT_MERGE as OPT_MERGE
from theano.compile.modes import OPT_NONE as OPT_NONE
from theano.compile.modes import OPT_O2 as OPT_O2
from theano.compile.modes import OPT_O3 as OPT_O3
from theano.compile.modes import OPT_STABILIZE as OPT_STABILIZE
from theano.compile.modes import OPT_UNSAFE as OPT_UNSAFE
from theano.compile.modes import AddDestroyHandler as AddDestroyHandler
from theano.compile.modes import AddFeatureOptimizer as AddFeatureOptimizer
from theano.compile.modes import Mode as Mode
from theano.compile.modes import PrintCurrentFunctionGraph as PrintCurrentFunctionGraph
from theano.compile.modes import get_default_mode as get_default_mode
from theano.compile.modes import get_mode as get_mode
from theano.compile.modes import predefined_linkers as predefined_linkers
from theano.compile.modes import predefined_modes as predefined_modes
from theano.compile.modes import predefined_optimizers as predefined_optimizers
from theano.compile.modes import register_linker as register_linker
from theano.compile.modes import register_mode as register_mode
from theano.compile.modes import register_optimizer as register_optimizer

if TYPE_CHECKING:
    from theano.compile.pipeline import optdb as optdb


def __getattr__(name: str) -> Any:
    if name == "optdb":
        return importlib.import_module("theano.compile.pipeline").optdb
    if name == "local_useless":  # the original's group of local optimizers in its phase "useless"
        return importlib.import_module("theano.compile.pipeline").optdb["useless"]
    raise AttributeError(f"module 'theano.compile.mode' has no attribute {name!r}")
