"""theano.compile: from expressions to functions. Start with `pipeline.py` (rewrites) and `function.py`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from theano.compile import evaluation as _evaluation  # noqa: F401  installs Variable.eval
from theano.compile import inner as _inner  # noqa: F401  lets ops compile their inner graphs
from theano.compile import test_values as _test_values  # noqa: F401  lets ops compute test values
from theano.compile.aliases import alias_root as alias_root
from theano.compile.aliases import infer_reuse_pattern as infer_reuse_pattern
from theano.compile.aliases import insert_deepcopy as insert_deepcopy
from theano.compile.aliases import view_tree_set as view_tree_set
from theano.compile.collect import rebuild_collect_shared as rebuild_collect_shared
from theano.compile.function import function as function
from theano.compile.function import function_dump as function_dump
from theano.compile.function_object import Function as Function
from theano.compile.io import In as In
from theano.compile.io import Out as Out
from theano.compile.io import SymbolicInput as SymbolicInput
from theano.compile.io import SymbolicOutput as SymbolicOutput
from theano.compile.linking import Linker as Linker
from theano.compile.linking import LocalLinker as LocalLinker
from theano.compile.linking import NativeLinker as NativeLinker
from theano.compile.linking import PerformLinker as PerformLinker
from theano.compile.maker import FunctionMaker as FunctionMaker
from theano.compile.maker import Supervisor as Supervisor
from theano.compile.maker import fgraph_updated_vars as fgraph_updated_vars
from theano.compile.maker import orig_function as orig_function
from theano.compile.maker import std_fgraph as std_fgraph
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
from theano.compile.profiling import ProfileStats as ProfileStats
from theano.compile.updates import OrderedUpdates as OrderedUpdates
from theano.errors import AliasedMemoryError as AliasedMemoryError
from theano.errors import UnusedInputError as UnusedInputError
from theano.graph.shared import SharedVariable as SharedVariable
from theano.graph.shared import generic_constructor as generic_constructor
from theano.graph.shared import shared as shared
from theano.graph.shared import shared_constructor as shared_constructor

if TYPE_CHECKING:
    from theano.compile.debugmode import DebugMode as DebugMode
    from theano.compile.monitormode import MonitorMode as MonitorMode
    from theano.compile.nanguardmode import NanGuardMode as NanGuardMode
    from theano.compile.ops import FromFunctionOp as FromFunctionOp
    from theano.compile.ops import as_op as as_op

# name -> module that has it, loaded when the name is first used
_LAZY = {
    "DebugMode": "debugmode",
    "MonitorMode": "monitormode",
    "NanGuardMode": "nanguardmode",
    "FromFunctionOp": "ops",
    "as_op": "ops",
    "local_useless": "mode",
    "optdb": "mode",
}
_SUBMODULES = ("builders", "debugmode", "mode", "monitormode", "nanguardmode", "ops", "pkl_utils", "profiling")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"theano.compile.{_LAZY[name]}"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.compile.{name}")
    raise AttributeError(f"module 'theano.compile' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_SUBMODULES})
