"""theano.compile.mode: public import path of modes. The code is in `modes.py`."""

from __future__ import annotations

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
